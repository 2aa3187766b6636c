package scoring

import (
	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// Alert is the document on stopline.alerts: what was seen, why it matters, and
// what was asked for.
type Alert struct {
	ID        string         `json:"id"`
	At        event.Instant  `json:"at"` // of the payment, or of the event when there is none
	Entity    event.Entity   `json:"entity"`
	Event     EventRef       `json:"event"` // what completed the pattern
	Transfer  *TransferRef   `json:"transfer,omitempty"`
	Score     int            `json:"score"` // 0 to 1000
	Action    pattern.Action `json:"action"`
	FraudType string         `json:"fraud_type"`
	Hits      []Hit          `json:"hits"`
	Catalogue string         `json:"catalogue"`
	StopID    string         `json:"stop_id,omitempty"`
	CaseID    string         `json:"case_id,omitempty"`
	District  string         `json:"district,omitempty"`
	Override  string         `json:"override,omitempty"` // what kept the score from acting: "payee is a merchant"
	// the brake that turned a stop into a review: a pattern's, or "*"
	Brake  string    `json:"brake,omitempty"`
	Trail  *TrailRef `json:"trail,omitempty"`  // how a risk came here
	Shadow bool      `json:"shadow,omitempty"` // of patterns on trial alone
	// the partition's past could not be read: once it can, what was scored without it is
	// scored again, and then the alert comes again under its id, or others beside it
	Provisional bool `json:"provisional,omitempty"`
	Late        bool `json:"late,omitempty"` // scored again with the past, of what had first been scored without it
}

// TrailRef is how a risk came to the entity.
type TrailRef struct {
	From  event.Entity `json:"from"`
	Why   string       `json:"why"`
	Cause string       `json:"cause,omitempty"` // the transfer or stop
}

// EventRef names an event.
type EventRef struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// TransferRef is the payment that an alert points at.
type TransferRef struct {
	ID       string         `json:"id"`
	At       event.Instant  `json:"at"`
	Amount   string         `json:"amount"`
	Currency event.Currency `json:"currency"`
	Payer    PartyRef       `json:"payer"`
	Payee    PartyRef       `json:"payee"`
	Channel  string         `json:"channel"`
}

// PartyRef is one side of it.
type PartyRef struct {
	Account string `json:"account,omitempty"`
	Bank    string `json:"bank,omitempty"`
	Holder  string `json:"holder,omitempty"`
	Phone   string `json:"phone,omitempty"`
}

// Hit is one pattern that held, with the values that it saw.
type Hit struct {
	Pattern   string         `json:"pattern"`
	FraudType string         `json:"fraud_type"`
	Weight    float64        `json:"weight"`
	Shadow    bool           `json:"shadow,omitempty"`
	Values    map[string]any `json:"values"`
}

// Minor is the exact amount of the payment.
func (t *TransferRef) Minor() int64 {
	digits, _ := t.Currency.Digits()
	minor, err := event.ParseMinor(t.Amount, digits)
	if err != nil {
		return 0
	}
	return minor
}

func transferRef(id string, at event.Instant, t *event.Transfer) *TransferRef {
	return &TransferRef{ID: id, At: at, Amount: t.Amount.Decimal(), Currency: t.Amount.Currency,
		Payer: PartyRef(t.Payer), Payee: PartyRef(t.Payee), Channel: t.Channel}
}
