package wire

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// AcknowledgementBody has no fields so far; it may be left out.
type AcknowledgementBody struct{}

// OutcomeBody is a bank's answer.
type OutcomeBody struct {
	Result      string           `json:"result" enum:"held,partial,missed,mismatch,refused"`
	EffectiveAt string           `json:"effective_at,omitempty" format:"date-time" doc:"When the hold took effect: its 48 hours run from then. Required for held and partial"`
	HeldAmount  Amount           `json:"held_amount,omitempty" doc:"Required for held and partial"`
	Balance     Amount           `json:"balance,omitempty" doc:"Of the account, at the answer"`
	Onward      []OnwardBody     `json:"onward,omitempty" maxItems:"1000" doc:"Payments by which the money left"`
	Reason      string           `json:"reason,omitempty" maxLength:"256" doc:"Required for refused"`
	Differs     []DifferenceBody `json:"differs,omitempty" maxItems:"4" doc:"With mismatch: what differs, so that a slip can be mended"`
	Prior       []PriorBody      `json:"prior,omitempty" maxItems:"32" doc:"Freezes of other authorities that come first"`
}

// DifferenceBody is a field that the bank found to differ.
type DifferenceBody struct {
	Field  string `json:"field" enum:"holder,number,amount,time"`
	Theirs string `json:"theirs,omitempty" maxLength:"256" example:"李*" doc:"As the bank has it; it may be masked with *"`
}

// PriorBody is a freeze of another authority.
type PriorBody struct {
	Authority string `json:"authority" maxLength:"256"`
	Amount    Amount `json:"amount"`
	Until     string `json:"until,omitempty" format:"date-time"`
}

// OnwardBody is a payment by which money left the account.
type OnwardBody struct {
	ID        string `json:"id" maxLength:"256"`
	ToAccount string `json:"to_account,omitempty" maxLength:"256" doc:"Empty for cash"`
	ToBank    string `json:"to_bank,omitempty" maxLength:"256"`
	Amount    Amount `json:"amount"`
	At        string `json:"at" format:"date-time"`
}

// Outcome reads a bank's answer for a stop. Where money went on, the next bank must
// be one that can be asked.
func (b *OutcomeBody) Outcome(s *stop.Stop, banks *event.Banks) (stop.Outcome, error) {
	o := stop.Outcome{Result: stop.State(b.Result), Reason: b.Reason, Balance: event.Unknown}
	read := func(at string, a Amount, into *int64) error {
		if a == "" {
			return nil
		}
		m, err := a.Minor(s.Currency)
		if err != nil {
			return UnreadField("body."+at, err)
		}
		*into = m
		return nil
	}
	when := func(at, text string, into *event.Instant) error {
		if err := into.UnmarshalText([]byte(text)); err != nil {
			return UnreadField("body."+at, err)
		}
		return nil
	}
	if err := cmp.Or(read("held_amount", b.HeldAmount, &o.HeldMinor), read("balance", b.Balance, &o.Balance),
		when("effective_at", b.EffectiveAt, &o.EffectiveAt)); err != nil {
		return o, err
	}
	for i, on := range b.Onward {
		v := stop.Onward{ID: on.ID, ToAccount: on.ToAccount, ToBank: strings.ToUpper(on.ToBank)}
		if on.ToAccount != "" {
			if err := UnknownBank(banks, fmt.Sprintf("/onward/%d/to_bank", i), v.ToBank); err != nil {
				return o, err
			}
		}
		if err := cmp.Or(read("onward", on.Amount, &v.Minor), when("onward", on.At, &v.At)); err != nil {
			return o, err
		}
		o.Onward = append(o.Onward, v)
	}
	for _, d := range b.Differs {
		o.Differs = append(o.Differs, stop.Difference{Field: d.Field, Theirs: d.Theirs})
	}
	for _, p := range b.Prior {
		v := stop.Freeze{Authority: p.Authority}
		if err := cmp.Or(read("prior", p.Amount, &v.Minor), when("prior", p.Until, &v.Until)); err != nil {
			return o, err
		}
		o.Prior = append(o.Prior, v)
	}
	return o, nil
}

// UnknownBank refuses what asks a bank for a stop that no register has.
func UnknownBank(banks *event.Banks, field, code string) error {
	if p := banks.Refuses(field, code); p != nil {
		return NewProblem(http.StatusUnprocessableEntity, "request.bank").With(event.Refusal{*p})
	}
	return nil
}

// SweepBody is a later credit that was held.
type SweepBody struct {
	Credit     string `json:"credit" minLength:"1" maxLength:"256" example:"CCB-20261124-77" doc:"The bank's id of the credit; the same again is the same"`
	HeldAmount Amount `json:"held_amount" doc:"What of it is held, at most the rest of the claim"`
}

// ReturnBody is a bank's word on a payment back.
type ReturnBody struct {
	Result    string `json:"result" enum:"returned,failed" example:"returned"`
	Amount    Amount `json:"amount" doc:"As instructed"`
	Reference string `json:"reference,omitempty" maxLength:"256" example:"CCB-R-20261201-3"`
	Reason    string `json:"reason,omitempty" maxLength:"256" doc:"Required for failed"`
}

// MessageResults say what became of each transaction of a message.
type MessageResults struct {
	Results []MessageResult `json:"results" nullable:"false"`
}

// MessageResult is one transaction's.
type MessageResult struct {
	StopID string `json:"stop_id"`
	State  string `json:"state" example:"held"`
}
