package wire

// ReportBody is a victim's report.
type ReportBody struct {
	Kind      string           `json:"kind,omitempty" enum:"report"`
	ID        string           `json:"id" example:"110-2026-004511" doc:"The hotline's own; the same id again is the same report"`
	At        string           `json:"at" format:"date-time"`
	Source    string           `json:"source" enum:"96110,110,12345,bank,grid,other"`
	District  string           `json:"district,omitempty" example:"520103" doc:"GB/T 2260"`
	FraudType string           `json:"fraud_type,omitempty" example:"impersonated-authority"`
	Victim    ReportVictim     `json:"victim" doc:"A holder, a phone, or both"`
	Transfers []ReportTransfer `json:"transfers" minItems:"1"`
	Callers   []string         `json:"callers,omitempty" example:"+85281234567"`
}

// ReportVictim is who reports.
type ReportVictim struct {
	Holder string `json:"holder,omitempty"`
	Phone  string `json:"phone,omitempty"`
}

// ReportTransfer is a payment that the victim made.
type ReportTransfer struct {
	ID           string `json:"id,omitempty" doc:"Without it, account, amount and time find the transfer"`
	PayerAccount string `json:"payer_account"`
	PayeeAccount string `json:"payee_account"`
	PayeeBank    string `json:"payee_bank"`
	Amount       Amount `json:"amount"`
	Currency     string `json:"currency" example:"CNY"`
	At           string `json:"at" format:"date-time"`
}
