package ledger

import (
	"fmt"

	"stopline.internal/stream/event"
)

// Propose returns the events of a new stop: the proposal and, where no person
// need approve it, the request. The ids follow from the stop's, so that
// proposing it again changes nothing.
func Propose(t Terms, stopID, caseID string, p Proposal, at event.Instant, by string) []Event {
	proposed := Event{ID: event.DerivedID("evt", stopID, "1"), CaseID: caseID, StopID: stopID, Version: 1,
		State: Proposed, At: at, By: by, Proposal: &p}
	if p.Minor > t.AutoLimit || p.Doubt != "" {
		return []Event{proposed}
	}
	requested := Event{ID: event.DerivedID("evt", stopID, "2"), CaseID: caseID, StopID: stopID, Version: 2,
		State: Requested, At: at, By: by, Until: at.Add(t.Respond)}
	return []Event{proposed, requested}
}

// Answer is the event of a bank's outcome.
func Answer(t Terms, s *Stop, o Outcome, at event.Instant, by string) Event {
	e := s.Event(at, by)
	e.Bank = s.Account.Bank
	for i := range o.Differs {
		d := &o.Differs[i]
		d.Ours = s.ours(d.Field)
		d.Cause = Explain(d).Code
	}
	e.State, e.Outcome, e.Reason = o.Result, &o, o.Reason
	if o.Result == Held || o.Result == Partial {
		e.Until = o.EffectiveAt.Add(t.Hold)
	}
	return e
}

// ours is what the request said of a field that a bank compares.
func (s *Stop) ours(field string) string {
	switch field {
	case "holder":
		return s.Account.Holder
	case "number":
		return s.Account.Number
	case "amount":
		return s.Money(s.Transfer.Minor)
	case "time":
		return s.Transfer.At.String()
	}
	return ""
}

// Check says what is wrong with an outcome.
func (o *Outcome) Check(s *Stop, now event.Instant) Refusal {
	switch o.Result {
	case Held, Partial:
		if o.HeldMinor <= 0 {
			return refuse("answer.held-zero", "result", o.Result)
		}
		if o.HeldMinor > s.Minor {
			return refuse("answer.held-more", "held", s.sum(o.HeldMinor), "asked", s.Amount())
		}
		if (o.Result == Held) != (o.HeldMinor == s.Minor) {
			return refuse("answer.held-result",
				"result", o.Result, "held", s.sum(o.HeldMinor), "asked", s.Amount())
		}
		if o.EffectiveAt == 0 || o.EffectiveAt > now.Add(clockSkew) || o.EffectiveAt < s.ProposedAt.Add(-clockSkew) {
			return refuse("answer.effective-at")
		}
	case Missed, Mismatch:
	case Refused:
		if o.Reason == "" {
			return refuse("answer.reason")
		}
	default:
		return refuse("answer.unknown", "result", o.Result)
	}
	return accepted
}

// clockSkew is how far a bank's clock may differ from ours.
const clockSkew = 300_000_000_000

// Sweep is the event of a later credit that the bank holds for the rest of the
// claim.
func Sweep(t Terms, s *Stop, minor int64, credit string, at event.Instant, by string) Event {
	e := s.Event(at, by)
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

// Swept says whether a later credit is held already.
func (s *Stop) Swept(credit string) bool {
	for i := range s.Timeline {
		if c := s.Timeline[i].Change; c != nil && c.Kind == ChangeSweep && c.Credit == credit {
			return true
		}
	}
	return false
}

// PaidBack is the event of a bank's word on a return: done, or not possible.
func PaidBack(s *Stop, done bool, reference, reason string, at event.Instant, by string) Event {
	e := s.Event(at, by)
	e.Bank, e.Reason, e.State, e.Until = s.Account.Bank, reason, Frozen, s.FreezeUntil
	e.Change = &Change{Kind: ChangeFailed, ReturnID: s.Instruction.ReturnID, Minor: s.Instruction.Minor, Reference: reference}
	if done {
		e.Change.Kind = ChangeReturned
		if s.Instruction.Minor == s.Left() {
			e.State, e.Until = Returned, 0
		}
	}
	e.ID = event.DerivedID("evt", s.ID, fmt.Sprint(e.Version), e.Change.Kind)
	return e
}

// NextHop is an account that a stop's money went on to.
type NextHop struct {
	StopID   string
	Proposal Proposal
}

// Follow lists the accounts that a stop's money went on to, as the bank's
// answer names them: each for at most what came from this stop's money, first
// in, first out. Cash and what is too small or too deep are leaves. What the
// trail has already, by the service's own payments, is passed over.
func (l *Ledger) Follow(s *Stop) (hops []NextHop, leaves []Leaf) {
	if s.Outcome == nil {
		return nil, nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.cases[s.CaseID]
	if c == nil {
		return nil, nil
	}
	gone, room := s.Minor-s.HeldMinor, s.room(c)
	for i := range s.Outcome.Onward {
		o := &s.Outcome.Onward[i]
		part := min(o.Minor, gone)
		if gone -= part; part <= 0 {
			break
		}
		p := Proposal{
			Account: Account{Number: o.ToAccount, Bank: o.ToBank}, Minor: min(part, room), Currency: s.Currency, Transfer: Transfer{ID: o.ID, Minor: o.Minor, At: o.At},
			Hop: s.Hop + 1, FraudType: s.FraudType, District: s.District, Pattern: s.Pattern,
			Parent: s.ID, Via: ViaAnswer, Text: fmt.Sprintf("money of stop %s went on to this account", s.ID),
		}
		if p.Minor <= 0 || l.follows(c, &p) {
			continue
		}
		room -= p.Minor
		leaf := Leaf{ID: HopID(s.ID, o.ID, o.ToAccount), Parent: s.ID, Account: p.Account, Minor: p.Minor, Transfer: p.Transfer, Hop: p.Hop}
		switch {
		case o.ToAccount == "":
			leaf.Why = LeafCash
		case s.Hop >= l.terms.MaxHops:
			leaf.Why = LeafDeep
		case p.Minor < l.terms.MinTrace:
			leaf.Why = LeafSmall
		default:
			hops = append(hops, NextHop{leaf.ID, p})
			continue
		}
		leaves = append(leaves, leaf)
	}
	return hops, leaves
}

// follows says whether the trail has a payment already.
func (l *Ledger) follows(c *Case, p *Proposal) bool {
	for _, id := range c.Stops {
		if o := l.stops[id]; o.Parent == p.Parent && (o.Transfer.ID == p.Transfer.ID || sameHop(&o.Proposal, p)) {
			return true
		}
	}
	for i := range c.Leaves {
		f := &c.Leaves[i]
		if f.Parent == p.Parent && (f.Transfer.ID == p.Transfer.ID || f.Account.Number == p.Account.Number && f.Transfer.Minor == p.Transfer.Minor && apart(f.Transfer.At, p.Transfer.At) <= clocksApart) {
			return true
		}
	}
	return false
}

// Taint tells the stop's account of its money, to be followed from there; nil in
// another currency than yuan. The payer is the account that the money came from.
func (p *Proposal) Taint(stopID, caseID, payer string) *event.Taint {
	if p.Currency != event.CNY {
		return nil
	}
	return &event.Taint{Account: p.Account.Number, Bank: p.Account.Bank, Holder: p.Account.Holder, CaseID: caseID, StopID: stopID, Payer: payer, Transfer: p.Transfer.ID,
		At: p.Transfer.At, Minor: p.Minor, Whole: max(p.Minor, p.Transfer.Minor), Hop: p.Hop, Type: p.FraudType, District: p.District, Pattern: p.Pattern}
}

// HeldTaint tells the account what the bank holds there now: nothing of that
// goes on; nil where nothing was held.
func (s *Stop) HeldTaint() *event.Taint {
	since, held := s.EffectiveAt, s.HeldMinor
	if since == 0 || s.Currency != event.CNY {
		return nil
	}
	if !s.State.Holds() {
		since, held = s.EndedAt, 0
	}
	return &event.Taint{Account: s.Account.Number, CaseID: s.CaseID, StopID: s.ID, At: since, Minor: held, Held: true}
}

// HopID names the stop on an account that money of another stop went on to.
func HopID(parent, transfer, account string) string {
	return event.DerivedID("stp", parent, transfer, account)
}

// LeafEvent notes where a trail ends.
func LeafEvent(caseID string, l *Leaf, at event.Instant) Event {
	return Event{ID: event.DerivedID("evt", caseID, "leaf", l.ID), CaseID: caseID, At: at, By: "trail", Leaf: l}
}
