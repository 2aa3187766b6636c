package history

import (
	"encoding/json"

	"stopline.internal/stream/event"
)

type (
	party struct {
		Account string `json:"account"`
		Bank    string `json:"bank"`
		Phone   string `json:"phone,omitempty"`
	}
	transfer struct {
		Kind         string        `json:"kind"`
		ID           string        `json:"id"`
		At           event.Instant `json:"at"`
		Payer        party         `json:"payer"`
		Payee        *party        `json:"payee,omitempty"`
		Amount       string        `json:"amount"`
		Currency     string        `json:"currency"`
		Channel      string        `json:"channel"`
		Status       string        `json:"status"`
		PayerBalance string        `json:"payer_balance,omitempty"`
		PayeeBalance string        `json:"payee_balance,omitempty"`
	}
	number struct {
		Number string `json:"number"`
	}
	call struct {
		Kind     string        `json:"kind"`
		ID       string        `json:"id"`
		At       event.Instant `json:"at"`
		Phase    string        `json:"phase"`
		Caller   number        `json:"caller"`
		Callee   number        `json:"callee"`
		Duration int64         `json:"duration_s"`
	}
)

// Document is the event as its bank or telecom would send it.
func (r *Row) Document() ([]byte, error) {
	e := &r.Event
	if e.Kind == event.KindCall {
		return json.Marshal(&call{"call", e.ID, e.At, "ended", number{e.Call.Caller}, number{e.Call.Callee}, e.Call.Seconds})
	}
	t := &e.Transfer
	d := transfer{Kind: "transfer", ID: e.ID, At: e.At, Payer: party{t.Payer.Account, t.Payer.Bank, t.Payer.Phone},
		Amount: t.Amount.Decimal(), Currency: string(t.Amount.Currency), Channel: t.Channel, Status: t.Status.String(),
		PayerBalance: balance(t.PayerBalance, t.Amount.Currency), PayeeBalance: balance(t.PayeeBalance, t.Amount.Currency)}
	if t.Payee.Account != "" {
		d.Payee = &party{t.Payee.Account, t.Payee.Bank, t.Payee.Phone}
	}
	return json.Marshal(&d)
}

func balance(minor int64, c event.Currency) string {
	if minor == event.Unknown {
		return ""
	}
	return event.Money{Minor: minor, Currency: c}.Decimal()
}
