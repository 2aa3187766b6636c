package ledger

import (
	"fmt"

	"stopline/stream/event"
)

// Propose returns the events of a new stop: the proposal and, where no person
// need approve it, the request. The ids follow from the stop's, so that
// proposing it again changes nothing.
func Propose(t Terms, stopID, caseID string, p Proposal, at event.Instant, by string) []Event {
	proposed := Event{ID: event.DerivedID("evt", stopID, "1"), CaseID: caseID, StopID: stopID, Version: 1,
		State: Proposed, At: at, By: by, Proposal: &p}
	if p.Minor > t.AutoLimit {
		return []Event{proposed}
	}
	requested := Event{ID: event.DerivedID("evt", stopID, "2"), CaseID: caseID, StopID: stopID, Version: 2,
		State: Requested, At: at, By: by, Until: at.Add(t.Respond)}
	return []Event{proposed, requested}
}

// Answer is the event of a bank's outcome.
func Answer(t Terms, s *Stop, o Outcome, at event.Instant, by string) Event {
	e := s.Event(at, by)
	e.State, e.Outcome, e.Reason = o.Result, &o, o.Reason
	if o.Result == Held || o.Result == Partial {
		e.Until = o.EffectiveAt.Add(t.Hold)
	}
	return e
}

// Check says what is wrong with an outcome, nil when nothing is.
func (o *Outcome) Check(s *Stop, now event.Instant) error {
	switch o.Result {
	case Held, Partial:
		if o.HeldMinor <= 0 {
			return fmt.Errorf("held_amount must be greater than zero when the result is %s", o.Result)
		}
		if o.HeldMinor > s.Minor {
			return fmt.Errorf("held_amount %s is more than the %s that was asked for", event.Money{Minor: o.HeldMinor, Currency: s.Currency}.Decimal(), s.Amount().Decimal())
		}
		if (o.Result == Held) != (o.HeldMinor == s.Minor) {
			return fmt.Errorf("result %s does not go with held_amount %s of %s", o.Result, event.Money{Minor: o.HeldMinor, Currency: s.Currency}.Decimal(), s.Amount().Decimal())
		}
		if o.EffectiveAt == 0 || o.EffectiveAt > now.Add(clockSkew) || o.EffectiveAt < s.ProposedAt.Add(-clockSkew) {
			return fmt.Errorf("effective_at must lie between the request and now")
		}
	case Missed, Mismatch:
	case Refused:
		if o.Reason == "" {
			return fmt.Errorf("reason is required when the result is refused")
		}
	default:
		return fmt.Errorf("result %q is none of held, partial, missed, mismatch, refused", o.Result)
	}
	return nil
}

// clockSkew is how far a bank's clock may differ from ours.
const clockSkew = 300_000_000_000

// Follow returns the events of the stops on the accounts that a stop's money
// went on to, as the bank's answer names them: each for at most what came from
// this stop's money, first in, first out.
func Follow(t Terms, s *Stop, at event.Instant, by string) []Event {
	if s.Outcome == nil || s.Hop >= t.MaxHops {
		return nil
	}
	gone := s.Minor - s.HeldMinor
	var out []Event
	for _, o := range s.Outcome.Onward {
		part := min(o.Minor, gone)
		if part <= 0 {
			break
		}
		gone -= part
		if o.ToAccount == "" {
			continue // cash: nothing is left to stop
		}
		p := Proposal{
			Account:  Account{Number: o.ToAccount, Bank: o.ToBank},
			Minor:    part,
			Currency: s.Currency, Transfer: Transfer{ID: o.ID, Minor: o.Minor, At: o.At},
			Hop: s.Hop + 1, FraudType: s.FraudType, District: s.District, Pattern: s.Pattern,
			Parent: s.ID, Text: fmt.Sprintf("money of stop %s went on to this account", s.ID),
		}
		id := event.DerivedID("stp", s.ID, o.ID, o.ToAccount)
		out = append(out, Propose(t, id, s.CaseID, p, at, by)...)
	}
	return out
}
