package stop

import (
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
)

// Begin is the stop that an accepted proposal makes, before its first step is
// applied.
func Begin(e *Step, n step.Number) *Stop {
	return &Stop{ID: e.Subject, CaseID: e.CaseID, Proposal: *e.Proposal, ProposedAt: e.At, Number: n}
}

// Advance applies a step that was accepted.
func (s *Stop) Advance(t *law.Terms, e *Step, siblings []*Stop) {
	was, until := s.State, s.Until
	s.State, s.Version, s.Until = e.State, e.Version, e.Until
	s.Timeline = append(s.Timeline, *e)
	switch e.State {
	case Requested:
		s.RequestedAt, s.IssuedBy = e.At, e.By
	case Acknowledged, Undelivered:
	case Held, Partial, Missed, Mismatch, Refused:
		if o := e.Outcome; o != nil {
			s.AnsweredAt, s.Outcome = e.At, o
			if e.State.Holds() {
				s.EffectiveAt, s.HeldMinor = o.EffectiveAt, o.HeldMinor
			}
		}
		if was == Missed { // the later credit began the hold
			s.EffectiveAt = e.At
		}
		if e.State.Holds() {
			s.HoldTerms = max(1, s.HoldTerms)
			s.Until = latestEnd(t, s, s.EffectiveAt, e.Until, siblings)
		}
	case Extended:
		if was != Extended {
			s.HoldTerms++
		}
		s.Until = latestEnd(t, s, s.EffectiveAt, e.Until, siblings)
	case Frozen:
		if was != Returning {
			s.FreezeUntil = e.Until
		}
	}
	if e.Change != nil {
		s.change(e.Change)
	}
	if was.Stops() && !s.State.Stops() {
		s.EndedAt = min(e.At, until) // a hold lapses by itself, whenever that is noted
	}
}

// change applies the change of an amount.
func (s *Stop) change(c *Change) {
	switch c.Kind {
	case ChangeSweep:
		s.HeldMinor += c.Minor
	case ChangePart:
		s.HeldMinor -= c.Minor
		s.ReleasedMinor += c.Minor
	case ChangeReturn:
		s.Instruction = c
	case ChangeReturned:
		s.ReturnedMinor += c.Minor
		s.Instruction = nil
	case ChangeFailed:
		s.Instruction = nil
	}
}
