package event

import (
	"encoding/json"
	"strconv"
)

// The service's own documents, on topics that it writes and reads itself.

// riskDoc is the value of a record on stopline.risk.
type riskDoc struct {
	Kind string  `json:"kind"`
	ID   string  `json:"id"`
	At   Instant `json:"at"`
	Risk
}

// RiskID names a note by the transfer or stop that caused it and whom it is
// about: by whichever trail it was reached, it is one. Money that merely passes
// on is one for each origin, since it may come back to it.
func RiskID(r *Risk) string {
	origin := ""
	if r.Why == WhyPassedOn {
		origin = string(r.Origin)
	}
	return DerivedID("rsk", r.Why, string(r.From), string(r.Entity), r.Cause, origin)
}

// RiskDocument is a note as it is written, in JSON.
func RiskDocument(at Instant, r *Risk) any { return &riskDoc{"risk", RiskID(r), at, *r} }

// taintDoc is the value of a record on stopline.risk that follows money.
type taintDoc struct {
	Kind string  `json:"kind"`
	ID   string  `json:"id"`
	At   Instant `json:"at"`
	Taint
}

// TaintID names a taint by its stop: money comes to it once. What is held of it
// may change.
func TaintID(t *Taint) string {
	if t.Held {
		return DerivedID("tnt", t.StopID, "held", t.At.String(), strconv.FormatInt(t.Minor, 10))
	}
	return DerivedID("tnt", t.StopID)
}

// TaintDocument is a taint as it is written, in JSON; Entity is its key.
func TaintDocument(t *Taint) any { return &taintDoc{"taint", TaintID(t), t.At, *t} }

// Entity is whom the taint is for.
func (t *Taint) Entity() Entity { return Entity(PrefixAccount + t.Account) }

// controlDoc is the value of a record on stopline.controls.
type controlDoc struct {
	Kind    string  `json:"kind"`
	ID      string  `json:"id"`
	At      Instant `json:"at"`
	What    string  `json:"what"`
	Entity  Entity  `json:"entity,omitempty"`
	Pattern string  `json:"pattern,omitempty"`
	As      string  `json:"as,omitempty"`
	Until   Instant `json:"until,omitempty"`
	Removed bool    `json:"removed,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	By      string  `json:"by"`
	Text    string  `json:"text,omitempty"`
}

// ControlDocument is a decision as it is written, in JSON.
func ControlDocument(id string, at Instant, c *Control) any {
	return &controlDoc{"control", id, at, c.What, c.Entity, c.Pattern, c.As, c.Until, c.Removed, c.Reason, c.By, c.Text}
}

// Encode writes a document of ours as JSON: its types always encode.
func Encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// ParseInner reads a document of one of the service's own topics.
func ParseInner(b []byte, e *Event) error {
	var head struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return Refusal{NewProblem("", "not-json", "cause", err.Error())}
	}
	*e = Event{}
	switch head.Kind {
	case "risk":
		var d riskDoc
		if err := json.Unmarshal(b, &d); err != nil {
			return Refusal{NewProblem("", "bad-value.inner", "cause", err.Error())}
		}
		if !watchable(string(d.Entity)) || d.Origin == "" || d.ID == "" {
			return Refusal{NewProblem("/entity", "missing-field.note")}
		}
		e.Kind, e.ID, e.At, e.Risk = KindRisk, d.ID, d.At, d.Risk
	case "taint":
		var d taintDoc
		if err := json.Unmarshal(b, &d); err != nil {
			return Refusal{NewProblem("", "bad-value.inner", "cause", err.Error())}
		}
		if d.Account == "" || d.StopID == "" || d.CaseID == "" || d.ID == "" || d.Minor < 0 || d.Offset < 0 ||
			d.Minor == 0 && !d.Held {
			return Refusal{NewProblem("/account", "missing-field.taint")}
		}
		d.Taint.At = d.At
		e.Kind, e.ID, e.At, e.Taint = KindTaint, d.ID, d.At, &d.Taint
	case "control":
		var d controlDoc
		if err := json.Unmarshal(b, &d); err != nil {
			return Refusal{NewProblem("", "bad-value.inner", "cause", err.Error())}
		}
		if d.What == "" || d.ID == "" {
			return Refusal{NewProblem("/what", "missing-field.control")}
		}
		e.Kind, e.ID, e.At = KindControl, d.ID, d.At
		e.Control = &Control{What: d.What, Entity: d.Entity, Pattern: d.Pattern, As: d.As, Until: d.Until,
			Removed: d.Removed, Reason: d.Reason, By: d.By, Text: d.Text}
	default:
		return Refusal{NewProblem("/kind", "unknown-kind", "value", clip(head.Kind),
			"allowed", []string{"risk", "taint", "control"})}
	}
	return nil
}

// NormalEntity checks an entity as people write it and puts it in the form
// that legs carry; empty when it is none.
func (p *Parser) NormalEntity(s string) Entity {
	if !watchable(s) || len(s) > p.Limits.String {
		return ""
	}
	switch e := Entity(s); {
	case e.IsNumber():
		return Entity(PrefixNumber + p.Numbers.E164(s[len(PrefixNumber):]))
	case e.IsAccount():
		return Entity(PrefixAccount + PlainAccount(s[len(PrefixAccount):]))
	default:
		return e
	}
}

// transferDoc is a transfer as banks send it.
type transferDoc struct {
	Kind         string   `json:"kind"`
	ID           string   `json:"id"`
	At           Instant  `json:"at"`
	Payer        partyDoc `json:"payer"`
	Payee        partyDoc `json:"payee,omitzero"`
	Amount       string   `json:"amount"`
	Currency     Currency `json:"currency"`
	Channel      string   `json:"channel"`
	Status       string   `json:"status"`
	PayerBalance string   `json:"payer_balance,omitempty"`
	PayeeBalance string   `json:"payee_balance,omitempty"`
	Device       string   `json:"device,omitempty"`
	Purpose      string   `json:"purpose,omitempty"`
	District     string   `json:"district,omitempty"`
}

type partyDoc struct {
	Account string `json:"account,omitempty"`
	Bank    string `json:"bank,omitempty"`
	Holder  string `json:"holder,omitempty"`
	Phone   string `json:"phone,omitempty"`
}

// TransferDocument is a transfer as its bank would send it: read again, it is the
// same event.
func TransferDocument(e *Event) any {
	t := &e.Transfer
	balance := func(minor int64) string {
		if minor == Unknown {
			return ""
		}
		return Money{minor, t.Amount.Currency}.Decimal()
	}
	return &transferDoc{Kind: e.Kind.String(), ID: e.ID, At: e.At, Payer: partyDoc(t.Payer), Payee: partyDoc(t.Payee),
		Amount: t.Amount.Decimal(), Currency: t.Amount.Currency, Channel: t.Channel, Status: t.Status.String(),
		PayerBalance: balance(t.PayerBalance), PayeeBalance: balance(t.PayeeBalance), Device: t.Device,
		Purpose: t.Purpose, District: t.District}
}
