package wire

import (
	"context"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event/words"
)

// StopDetail is a stop with its whole history, for the center.
type StopDetail struct {
	Stop
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

// newStopEvent is a step as documents carry it. What a log of before said in words
// stays as it is.
func newStopEvent[S ~string](e *step.Head[S]) StopEvent {
	d := StopEvent{Version: e.Version, State: string(e.State), At: e.At.String(), By: e.By, Reason: e.Reason}
	if words.Known(e.Reason) {
		d.Reason, d.ReasonCode = words.New(e.Reason).Error(), e.Reason
	}
	return d
}

// newDifference is a field that differs, as documents carry it.
func newDifference(f stop.Difference) DifferenceRef {
	d := DifferenceRef{Field: f.Field, Theirs: f.Theirs, Ours: f.Ours, Cause: f.Cause}
	if words.Known(f.Cause) {
		d.Cause, d.CauseCode = words.New(f.Cause, "field", f.Field).Error(), f.Cause
	}
	return d
}

// NewStopDetail is a stop with its whole history.
func NewStopDetail(ctx context.Context, s *stop.Stop, t law.Terms) StopDetail {
	d := StopDetail{Stop: NewStop(ctx, s, t), FraudType: s.FraudType, District: s.District, AlertID: s.AlertID,
		ReportID: s.ReportID, Parent: s.Parent, EffectiveAt: s.EffectiveAt.String(), Terms: s.HoldTerms, Doubt: s.Doubt,
		Returned: s.Decimal(s.ReturnedMinor), Released: s.Decimal(s.ReleasedMinor), Timeline: []StopEvent{}}
	d.HeldAmount = s.Decimal(s.HeldMinor)
	if o := s.Outcome; o != nil {
		for _, f := range o.Differs {
			if f.Field == "holder" {
				f.Theirs, f.Ours = Mask(ctx, f.Theirs), Mask(ctx, f.Ours)
			}
			d.Differs = append(d.Differs, newDifference(f))
		}
	}
	if m := s.Message; m != nil {
		d.Delivery = &DeliveryRef{Message: delivery.MessageID(s.ID, m.Version), Type: m.Type,
			Delivered: m.Delivered, GivenUp: m.Failed, Attempts: []AttemptRef{}}
		for _, a := range m.Attempts {
			d.Delivery.Attempts = append(d.Delivery.Attempts, AttemptRef{a.At.String(), a.Status, a.Millis, a.Error})
		}
	}
	for _, e := range s.Timeline {
		d.Timeline = append(d.Timeline, newStopEvent(&e.Head))
	}
	return d
}
