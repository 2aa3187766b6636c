package wire

// Evidence is what was seen of a case.
type Evidence struct {
	Alerts    []RawAlert         `json:"alerts" nullable:"false"`
	Said      []SaidHit          `json:"said" doc:"Each hit of those alerts in words, in their order"`
	Calls     []EvidenceCall     `json:"calls"`
	Transfers []EvidenceTransfer `json:"transfers"`
}

// SaidHit is a pattern's hit, said in words.
type SaidHit struct {
	AlertID string   `json:"alert_id"`
	Pattern string   `json:"pattern"`
	NameZH  string   `json:"name_zh" doc:"As the catalogue in force has it; the id where it has none"`
	NameEN  string   `json:"name_en"`
	SeenZH  []string `json:"seen_zh"`
	SeenEN  []string `json:"seen_en"`
}

// EvidenceCall is a call that a victim took.
type EvidenceCall struct {
	At      string `json:"at" format:"date-time"`
	Caller  string `json:"caller"`
	Callee  string `json:"callee"`
	Seconds int64  `json:"seconds" doc:"0 while it runs"`
	Foreign bool   `json:"foreign"`
	Spoofed bool   `json:"spoofed"`
}

// EvidenceTransfer is a payment of a victim.
type EvidenceTransfer struct {
	ID     string `json:"id"`
	At     string `json:"at" format:"date-time"`
	Payer  string `json:"payer_account"`
	Payee  string `json:"payee_account,omitempty" doc:"Absent for cash"`
	Amount string `json:"amount"`
	StopID string `json:"stop_id,omitempty"`
}
