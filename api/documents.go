package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// Amount is a decimal: a string, or a number that is read exactly.
type Amount string

// UnmarshalJSON accepts both and keeps the digits.
func (a *Amount) UnmarshalJSON(b []byte) error { return (*event.Decimal)(a).UnmarshalJSON(b) }

// Schema describes both, under one name.
func (Amount) Schema(r huma.Registry) *huma.Schema {
	const name = "Amount"
	if r.Map()[name] == nil {
		s := amountSchema()
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: schemaPrefix + name}
}

func amountSchema() *huma.Schema {
	return &huma.Schema{Description: "Decimal string such as \"49800.00\", or a JSON number, read exactly; at most the currency's minor digits",
		OneOf: []*huma.Schema{{Type: huma.TypeString, Pattern: `^[0-9]+(\.[0-9]+)?$`}, {Type: huma.TypeNumber}}, Examples: []any{"49800.00"}}
}

// minor reads the amount in a currency.
func (a Amount) minor(c event.Currency) (int64, error) {
	digits, _ := c.Digits()
	return event.ParseMinor(string(a), digits)
}

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

// StopDocument is a stop as banks and analysts see it.
type StopDocument struct {
	ID          string      `json:"id" example:"stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	Version     int         `json:"version"`
	CaseID      string      `json:"case_id"`
	State       string      `json:"state" enum:"proposed,rejected,requested,undelivered,acknowledged,held,partial,missed,mismatch,refused,extended,frozen,returning,returned,released,expired"`
	RequestedAt string      `json:"requested_at,omitempty" format:"date-time"`
	RespondBy   string      `json:"respond_by,omitempty" format:"date-time"`
	Account     AccountRef  `json:"account"`
	Amount      string      `json:"amount"`
	Currency    string      `json:"currency"`
	Transfer    TransferRef `json:"transfer"`
	HoldHours   int         `json:"hold_hours"`
	Hop         int         `json:"hop" doc:"1: the account that the victim paid"`
	LegalBasis  string      `json:"legal_basis"`
	Reason      ReasonRef   `json:"reason"`
	IssuedBy    string      `json:"issued_by,omitempty"`
	ProposedBy  string      `json:"proposed_by,omitempty" doc:"While it waits for approval: another must approve it. For the center alone"`
	HeldAmount  string      `json:"held_amount,omitempty" example:"30000.00" doc:"Once the bank holds it"`
	Claim       string      `json:"claim,omitempty" example:"19800.00" doc:"What of a later credit is to be held as well"`
	EndsAt      string      `json:"ends_at,omitempty" format:"date-time" example:"2026-11-25T10:20:31.000+08:00" doc:"When the hold or freeze lapses"`
	Return      *ReturnRef  `json:"return,omitempty" doc:"What the bank is told to pay back"`
}

// ReturnRef is an instruction to pay back.
type ReturnRef struct {
	ID     string     `json:"id" example:"ret_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	Amount string     `json:"amount" example:"30000.00"`
	By     string     `json:"by" format:"date-time" example:"2026-12-02T00:00:00.000+08:00" doc:"The end of the third working day"`
	Payees []PayeeRef `json:"payees" nullable:"false"`
}

// PayeeRef is one who is paid back.
type PayeeRef struct {
	Account string `json:"account" example:"6222020200112233445"`
	Amount  string `json:"amount" example:"30000.00"`
}

// AccountRef is an account at a bank.
type AccountRef struct {
	Number string `json:"number"`
	Bank   string `json:"bank"`
	Holder string `json:"holder,omitempty"`
}

// TransferRef is the payment that brought the money.
type TransferRef struct {
	ID     string `json:"id"`
	Amount string `json:"amount"`
	At     string `json:"at,omitempty" format:"date-time"`
}

// ReasonRef is why, as ISO 20022 codes it and in words.
type ReasonRef struct {
	Code string `json:"code" example:"FRAD"`
	Text string `json:"text"`
}

func stopDocument(ctx context.Context, s *stop.Stop, t law.Terms) StopDocument {
	d := StopDocument{ID: s.ID, Version: s.Version, CaseID: s.CaseID, State: string(s.State), RequestedAt: s.RequestedAt.String(),
		Account: AccountRef{s.Account.Number, s.Account.Bank, mask(ctx, s.Account.Holder)},
		Amount:  s.Amount().Decimal(), Currency: string(s.Currency),
		Transfer:  TransferRef{s.Transfer.ID, event.Money{Minor: s.Transfer.Minor, Currency: s.Currency}.Decimal(), s.Transfer.At.String()},
		HoldHours: int(t.Hold.Hours()), Hop: s.Hop, LegalBasis: law.Basis,
		Reason: ReasonRef{"FRAD", s.Text}, IssuedBy: s.IssuedBy}
	if s.State.Awaits() {
		d.RespondBy = s.Until.String()
	}
	if s.State == stop.Proposed && slices.Contains(center, who(ctx).Role) {
		d.ProposedBy = s.Timeline[0].By
	}
	if s.State.Holds() || s.State == stop.Returned || s.ReleasedMinor > 0 {
		d.HeldAmount = s.Decimal(s.Left())
	}
	if (s.State.Holds() || s.State == stop.Missed) && s.Claim() > 0 {
		d.Claim = s.Decimal(s.Claim())
	}
	if s.State.Holds() {
		d.EndsAt = s.Until.String()
		if s.State == stop.Returning {
			d.EndsAt = s.FreezeUntil.String()
		}
	}
	if in := s.Instruction; in != nil {
		d.Return = &ReturnRef{ID: in.ReturnID, Amount: s.Decimal(in.Minor), By: s.Until.String(), Payees: []PayeeRef{}}
		for _, p := range in.Payees {
			d.Return.Payees = append(d.Return.Payees, PayeeRef{p.Account, s.Decimal(p.Minor)})
		}
	}
	return d
}

// StopDetail is a stop with its whole history, for the center.
type StopDetail struct {
	StopDocument
	FraudType   string          `json:"fraud_type"`
	District    string          `json:"district,omitempty"`
	AlertID     string          `json:"alert_id,omitempty"`
	ReportID    string          `json:"report_id,omitempty"`
	Parent      string          `json:"parent,omitempty" doc:"The stop whose money went on to this account"`
	EffectiveAt string          `json:"effective_at,omitempty" format:"date-time"`
	Terms       int             `json:"terms" doc:"Of holding so far; the law allows two"`
	Returned    string          `json:"returned_amount"`
	Released    string          `json:"released_amount" doc:"Parts given free while the rest is held"`
	Doubt       string          `json:"doubt,omitempty" enum:"tiny-amount,repeated-reporter,circular" doc:"Why a person must look first: what abuse of reports looks like"`
	Differs     []DifferenceRef `json:"differs,omitempty" doc:"With a mismatch: what the bank found to differ, and the likely cause"`
	Delivery    *DeliveryRef    `json:"delivery,omitempty"`
	Timeline    []StopEvent     `json:"timeline"`
}

// DifferenceRef is a field that differs.
type DifferenceRef struct {
	Field  string `json:"field" enum:"holder,number,amount,time"`
	Theirs string `json:"theirs" example:"李*" doc:"As the bank has it; it may be masked with *"`
	Ours   string `json:"ours,omitempty" example:"李四"`
	Cause  string `json:"cause,omitempty" doc:"Likely, in words"`

	CauseCode string `json:"cause_code,omitempty" example:"mismatch.slip" doc:"The same for programs: docs/messages.md"`
}

// DeliveryRef is how the newest message on the stop was handed to the bank.
type DeliveryRef struct {
	Message   string       `json:"message" example:"msg_stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X_2"`
	Type      string       `json:"type" example:"stop.requested"`
	Delivered bool         `json:"delivered"`
	GivenUp   bool         `json:"given_up"`
	Attempts  []AttemptRef `json:"attempts"`
}

// AttemptRef is one try.
type AttemptRef struct {
	At     string `json:"at" format:"date-time"`
	Status int    `json:"status,omitempty" doc:"HTTP; absent: there was no answer"`
	Millis int64  `json:"ms"`
	Error  string `json:"error,omitempty"`
}

// StopEvent is one step of a stop's life.
type StopEvent struct {
	Version int    `json:"version"`
	State   string `json:"state"`
	At      string `json:"at" format:"date-time"`
	By      string `json:"by"`
	Reason  string `json:"reason,omitempty" doc:"Of a person, or of the service in words"`

	ReasonCode string `json:"reason_code,omitempty" example:"due.term" doc:"The service's reason: docs/messages.md"`
}

// stopEvent is a step as documents carry it. What a log of before said in words
// stays as it is.
func stopEvent[S ~string](e *step.Head[S]) StopEvent {
	d := StopEvent{Version: e.Version, State: string(e.State), At: e.At.String(), By: e.By, Reason: e.Reason}
	if words.Known(e.Reason) {
		d.Reason, d.ReasonCode = words.New(e.Reason).Error(), e.Reason
	}
	return d
}

// differenceRef is a field that differs, as documents carry it.
func differenceRef(f stop.Difference) DifferenceRef {
	d := DifferenceRef{Field: f.Field, Theirs: f.Theirs, Ours: f.Ours, Cause: f.Cause}
	if words.Known(f.Cause) {
		d.Cause, d.CauseCode = words.New(f.Cause, "field", f.Field).Error(), f.Cause
	}
	return d
}

func stopDetail(ctx context.Context, s *stop.Stop, t law.Terms) StopDetail {
	d := StopDetail{StopDocument: stopDocument(ctx, s, t), FraudType: s.FraudType, District: s.District, AlertID: s.AlertID,
		ReportID: s.ReportID, Parent: s.Parent, EffectiveAt: s.EffectiveAt.String(), Terms: s.HoldTerms, Doubt: s.Doubt,
		Returned: s.Decimal(s.ReturnedMinor), Released: s.Decimal(s.ReleasedMinor), Timeline: []StopEvent{}}
	d.HeldAmount = s.Decimal(s.HeldMinor)
	if o := s.Outcome; o != nil {
		for _, f := range o.Differs {
			if f.Field == "holder" {
				f.Theirs, f.Ours = mask(ctx, f.Theirs), mask(ctx, f.Ours)
			}
			d.Differs = append(d.Differs, differenceRef(f))
		}
	}
	if m := s.Message; m != nil {
		d.Delivery = &DeliveryRef{Message: delivery.MessageID(s.ID, m.Version), Type: m.Type, Delivered: m.Delivered, GivenUp: m.Failed, Attempts: []AttemptRef{}}
		for _, a := range m.Attempts {
			d.Delivery.Attempts = append(d.Delivery.Attempts, AttemptRef{a.At.String(), a.Status, a.Millis, a.Error})
		}
	}
	for _, e := range s.Timeline {
		d.Timeline = append(d.Timeline, stopEvent(&e.Head))
	}
	return d
}

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

// unknownBank refuses what asks a bank for a stop that no register has.
func unknownBank(banks *event.Banks, field, code string) error {
	if p := banks.Refuses(field, code); p != nil {
		return problem(http.StatusUnprocessableEntity, "request.bank").with(event.Refusal{*p})
	}
	return nil
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

// outcome reads a bank's answer for a stop. Where money went on, the next bank must
// be one that can be asked.
func (b *OutcomeBody) outcome(s *stop.Stop, banks *event.Banks) (stop.Outcome, error) {
	o := stop.Outcome{Result: stop.State(b.Result), Reason: b.Reason, Balance: event.Unknown}
	read := func(at string, a Amount, into *int64) error {
		if a == "" {
			return nil
		}
		m, err := a.minor(s.Currency)
		if err != nil {
			return badField("body."+at, err)
		}
		*into = m
		return nil
	}
	when := func(at, text string, into *event.Instant) error {
		if err := into.UnmarshalText([]byte(text)); err != nil {
			return badField("body."+at, err)
		}
		return nil
	}
	if err := cmp.Or(read("held_amount", b.HeldAmount, &o.HeldMinor), read("balance", b.Balance, &o.Balance), when("effective_at", b.EffectiveAt, &o.EffectiveAt)); err != nil {
		return o, err
	}
	for i, on := range b.Onward {
		v := stop.Onward{ID: on.ID, ToAccount: on.ToAccount, ToBank: strings.ToUpper(on.ToBank)}
		if on.ToAccount != "" {
			if err := unknownBank(banks, fmt.Sprintf("/onward/%d/to_bank", i), v.ToBank); err != nil {
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
