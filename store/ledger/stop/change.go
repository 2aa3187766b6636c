package stop

import (
	"cmp"
	"fmt"
	"slices"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// Change is a change of the amount that a stop holds, or of its freeze's end.
type Change struct {
	Kind      string `json:"kind"` // one of the Change constants
	Minor     int64  `json:"amount_minor"`
	ReturnID  string `json:"return_id,omitempty"`
	Credit    string `json:"credit,omitempty"` // the later credit that was swept
	AppealID  string `json:"appeal_id,omitempty"`
	Reference string `json:"reference,omitempty"` // the bank's, of a payment back
	Payees    []Pay  `json:"payees,omitempty"`    // of a return
}

// What changes an amount.
const (
	ChangeSweep    = "sweep"     // a later credit is held for the rest of the claim
	ChangePart     = "part"      // a part is released
	ChangeRenew    = "renew"     // the freeze goes on for another term
	ChangeReturn   = "return"    // the bank is instructed to pay back
	ChangeReturned = "returned"  // the bank did
	ChangeFailed   = "returning" // the bank could not
)

// Pay is what one victim is paid back from one stop.
type Pay struct {
	Victim  string `json:"victim"`  // as the return names the claim
	Account string `json:"account"` // to pay to
	Minor   int64  `json:"amount_minor"`
}

// Sweep is the step of a later credit that the bank holds for the rest of the
// claim.
func Sweep(t law.Terms, s *Stop, minor int64, credit string, at event.Instant, by string) Step {
	e := s.Next(at, by)
	e.ID = event.DerivedID("evt", s.ID, "sweep", credit)
	e.Bank, e.Until, e.State = s.Account.Bank, s.Until, s.State
	switch s.State {
	case Missed:
		e.Until = at.Add(t.Hold)
		fallthrough
	case Partial, Held:
		e.State = Partial
		if minor == s.Claim() {
			e.State = Held
		}
	}
	e.Change = &Change{Kind: ChangeSweep, Minor: minor, Credit: credit}
	return e
}

// Lift is the step that releases a stop's money, whole or in part.
func Lift(s *Stop, minor int64, appealID, reason string, at event.Instant, by string) Step {
	e := s.Next(at, by)
	e.ID = event.DerivedID("evt", s.ID, fmt.Sprint(e.Version), "lift", cmp.Or(appealID, at.String()))
	e.Reason = reason
	if minor >= s.Left() || !s.State.Holds() {
		e.State = Released
		return e
	}
	e.State, e.Until = s.State, s.Until
	if s.State == Held {
		e.State = Partial
	}
	e.Change = &Change{Kind: ChangePart, Minor: minor, AppealID: appealID}
	return e
}

// PayBack is the step that instructs the bank to pay victims back by a return, until
// a moment.
func PayBack(s *Stop, returnID string, payees []Pay, until, at event.Instant, by string) Step {
	e := s.Next(at, by)
	e.ID = event.DerivedID("evt", s.ID, fmt.Sprint(e.Version), "return", returnID)
	e.State, e.Until = Returning, until
	e.Change = &Change{Kind: ChangeReturn, ReturnID: returnID, Payees: payees}
	for _, p := range payees {
		e.Change.Minor += p.Minor
	}
	return e
}

// PaidBack is the step of a bank's word on a return: done, or not possible.
func PaidBack(s *Stop, done bool, reference, reason string, at event.Instant, by string) Step {
	e := s.Next(at, by)
	e.Bank, e.Reason, e.State, e.Until = s.Account.Bank, reason, Frozen, s.FreezeUntil
	e.Change = &Change{Kind: ChangeFailed, ReturnID: s.Instruction.ReturnID, Minor: s.Instruction.Minor,
		Reference: reference}
	if done {
		e.Change.Kind = ChangeReturned
		if s.Instruction.Minor == s.Left() {
			e.State, e.Until = Returned, 0
		}
	}
	e.ID = event.DerivedID("evt", s.ID, fmt.Sprint(e.Version), e.Change.Kind)
	return e
}

// Swept says whether a later credit is held already.
func (s *Stop) Swept(credit string) bool {
	return s.changed(func(c *Change) bool { return c.Kind == ChangeSweep && c.Credit == credit })
}

// Instructed says whether the bank was instructed to make a return. What it could not pay
// back goes into another round.
func (s *Stop) Instructed(returnID string) bool {
	return s.changed(func(c *Change) bool { return c.Kind == ChangeReturn && c.ReturnID == returnID })
}

// LiftedFor says whether a part was released for an appeal.
func (s *Stop) LiftedFor(appealID string) bool {
	return s.changed(func(c *Change) bool { return c.AppealID == appealID })
}

// changed says whether a change of a kind is in the timeline.
func (s *Stop) changed(is func(*Change) bool) bool {
	return slices.ContainsFunc(s.Timeline, func(e Step) bool { return e.Change != nil && is(e.Change) })
}

// PaidFor is what the bank has paid back of a return, in minor units, and whether it
// has answered: it may not have been able to.
func (s *Stop) PaidFor(returnID string) (minor int64, answered bool) {
	for i := range s.Timeline {
		if c := s.Timeline[i].Change; c != nil && c.ReturnID == returnID && c.Kind != ChangeReturn {
			answered = true
			if c.Kind == ChangeReturned {
				minor += c.Minor
			}
		}
	}
	return minor, answered
}

// PaidTo is what the bank has paid back by victim, in minor units.
func (s *Stop) PaidTo() map[string]int64 {
	paid := map[string]int64{}
	for i := range s.Timeline {
		if c := s.Timeline[i].Change; c != nil && c.Kind == ChangeReturned {
			for _, p := range s.payees(c.ReturnID) {
				paid[p.Victim] += p.Minor
			}
		}
	}
	return paid
}

// payees are those of a return that the bank was instructed to make.
func (s *Stop) payees(returnID string) []Pay {
	for i := range s.Timeline {
		if c := s.Timeline[i].Change; c != nil && c.Kind == ChangeReturn && c.ReturnID == returnID {
			return c.Payees
		}
	}
	return nil
}
