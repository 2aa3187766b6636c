package stop

import (
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// Outcome is a bank's answer.
type Outcome struct {
	Result      State         `json:"result"`                 // held, partial, missed, mismatch, refused
	EffectiveAt event.Instant `json:"effective_at,omitempty"` // with held and partial
	HeldMinor   int64         `json:"held_minor"`
	Balance     int64         `json:"balance_minor"` // after the hold; [event.Unknown] when the bank does not say
	Onward      []Onward      `json:"onward,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	Differs     []Difference  `json:"differs,omitempty"` // with a mismatch
	Prior       []Freeze      `json:"prior,omitempty"`   // freezes of others that come first
}

// Difference is a field that the bank found to differ on a mismatch.
type Difference struct {
	Field  string `json:"field"`           // holder, number, amount, time
	Theirs string `json:"theirs"`          // as the bank has it; it may be masked with *
	Ours   string `json:"ours,omitempty"`  // as the request had it
	Cause  string `json:"cause,omitempty"` // likely, as a code
}

// Freeze is one of another authority, in the account's queue.
type Freeze struct {
	Authority string        `json:"authority"`
	Minor     int64         `json:"amount_minor"`
	Until     event.Instant `json:"until,omitempty"`
}

// Onward is a payment by which money left the account before the hold.
type Onward struct {
	ID        string        `json:"id"`
	ToAccount string        `json:"to_account"` // empty: cash
	ToBank    string        `json:"to_bank"`
	Minor     int64         `json:"amount_minor"`
	At        event.Instant `json:"at"`
}

// Answer is the step of a bank's outcome.
func Answer(t law.Terms, s *Stop, o Outcome, at event.Instant, by string) Step {
	e := s.Next(at, by)
	e.Bank = s.Account.Bank
	for i := range o.Differs {
		d := &o.Differs[i]
		d.Ours = s.requested(d.Field)
		d.Cause = explain(d).Code
	}
	e.State, e.Outcome, e.Reason = o.Result, &o, o.Reason
	if o.Result == Held || o.Result == Partial {
		e.Until = o.EffectiveAt.Add(t.Hold)
	}
	return e
}

// requested is what the request said of a field that a bank compares.
func (s *Stop) requested(field string) string {
	switch field {
	case "holder":
		return s.Account.Holder
	case "number":
		return s.Account.Number
	case "amount":
		return s.Decimal(s.Transfer.Minor)
	case "time":
		return s.Transfer.At.String()
	}
	return ""
}

// clockSkew is how far a bank's clock may differ from ours.
const clockSkew = 300 * time.Second

// Check says what is wrong with an outcome.
func (o *Outcome) Check(s *Stop, now event.Instant) law.Refusal {
	switch o.Result {
	case Held, Partial:
		if o.HeldMinor <= 0 {
			return law.Refuse("answer.held-zero", "result", o.Result)
		}
		if o.HeldMinor > s.Minor {
			return law.Refuse("answer.held-more", "held", s.Money(o.HeldMinor), "asked", s.Amount())
		}
		if (o.Result == Held) != (o.HeldMinor == s.Minor) {
			return law.Refuse("answer.held-result",
				"result", o.Result, "held", s.Money(o.HeldMinor), "asked", s.Amount())
		}
		if o.EffectiveAt == 0 || o.EffectiveAt > now.Add(clockSkew) || o.EffectiveAt < s.ProposedAt.Add(-clockSkew) {
			return law.Refuse("answer.effective-at")
		}
	case Missed, Mismatch:
	case Refused:
		if o.Reason == "" {
			return law.Refuse("answer.reason")
		}
	default:
		return law.Refuse("answer.unknown", "result", o.Result)
	}
	return law.Accepted
}
