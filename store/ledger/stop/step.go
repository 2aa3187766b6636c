package stop

import (
	"fmt"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/stream/event"
)

// Step is one step in a stop's life.
type Step struct {
	step.Head[State]
	Bank     string    // set when a bank says so: it must own the stop
	Proposal *Proposal // with Proposed
	Outcome  *Outcome  // with the bank's answer
	Change   *Change   // of a held amount
}

// Next begins the next step of the stop.
func (s *Stop) Next(at event.Instant, by string) Step {
	return Step{Head: step.Head[State]{CaseID: s.CaseID, Subject: s.ID, Version: s.Version + 1, At: at, By: by}}
}

// Propose returns the steps of a new stop: the proposal and, where no person
// need approve it, the request. The ids follow from the stop's, so that
// proposing it again changes nothing.
func Propose(t law.Terms, stopID, caseID string, p Proposal, at event.Instant, by string) []Step {
	proposed := Step{Head: step.Head[State]{ID: event.DerivedID("evt", stopID, "1"), CaseID: caseID, Subject: stopID,
		Version: 1, State: Proposed, At: at, By: by}, Proposal: &p}
	if p.Minor > t.AutoLimit || p.Doubt != "" {
		return []Step{proposed}
	}
	requested := Step{Head: step.Head[State]{ID: event.DerivedID("evt", stopID, "2"), CaseID: caseID, Subject: stopID,
		Version: 2, State: Requested, At: at, By: by, Until: at.Add(t.Respond)}}
	return []Step{proposed, requested}
}

// RequestAfter is the request of a stop whose proposer needs no person, and that
// waited until its parent was approved.
func (s *Stop) RequestAfter(t *law.Terms, parent *Stop, at event.Instant) Step {
	e := s.Next(at, s.ProposedBy())
	e.ID, e.State, e.Until = event.DerivedID("evt", s.ID, "2", "after", parent.ID), Requested, at.Add(t.Respond)
	return e
}

// Lapse is what a deadline that has passed makes of the stop; false: nothing.
func (s *Stop) Lapse(at event.Instant) (e Step, lapses bool) {
	e = s.Next(at, "deadline")
	switch s.State {
	case Requested, Acknowledged:
		e.State, e.Reason = Undelivered, "due.answer"
	case Held, Partial, Extended, Frozen:
		e.State, e.Reason = Expired, "due.term"
	default:
		return e, false
	}
	e.ID = event.DerivedID("evt", s.ID, fmt.Sprint(e.Version), string(e.State))
	return e, true
}

// MessageType is the type of message that the step is to its bank; empty for none.
func (e *Step) MessageType() string {
	switch {
	case e.Bank != "":
		return "" // the bank itself says so
	case e.Change != nil && e.Change.Kind == ChangePart:
		return delivery.MessageChanged
	case e.Change != nil && e.Change.Kind == ChangeReturn:
		return delivery.MessageReturn
	}
	switch e.State {
	case Requested:
		return delivery.MessageRequested
	case Extended:
		return delivery.MessageExtended
	case Frozen:
		return delivery.MessageFrozen
	case Released:
		return delivery.MessageReleased
	case Expired:
		return delivery.MessageExpired
	}
	return ""
}
