package stop

import (
	"fmt"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// Leaf is where a trail ends without a stop, and why.
type Leaf struct {
	ID       string   `json:"id"`
	Parent   string   `json:"parent"` // the stop whose money it is
	Account  Account  `json:"account"`
	Minor    int64    `json:"amount_minor"`
	Transfer Transfer `json:"transfer"`
	Hop      int      `json:"hop"`
	Why      string   `json:"why"` // one of the Leaf constants
}

// Why a trail ends.
const (
	LeafCash     = "cash"
	LeafMerchant = "merchant" // a shop or utility: its money is not the fraudster's
	LeafSmall    = "small"    // below what is followed
	LeafDeep     = "deep"     // as far as it is followed
)

// NextHop is an account that a stop's money went on to.
type NextHop struct {
	StopID   string // that the stop on the account will have
	Proposal Proposal
}

// Unfollowed is how much of the stop's money may still have gone on, in minor
// units: what is neither held nor traced so far.
func (s *Stop) Unfollowed(traced int64) int64 {
	minor := s.Minor - traced
	if s.State.Holds() {
		minor -= s.HeldMinor
	}
	return minor
}

// Follow lists the accounts that a stop's money went on to, as the bank's
// answer names them: each for at most what came from this stop's money, first
// in, first out, of what is not traced so far. Cash and what is too small or too
// deep are leaves. What the trail has already, by the service's own payments, is
// passed over.
func (s *Stop) Follow(t *law.Terms, traced int64, inTrail func(*Proposal) bool) (hops []NextHop, leaves []Leaf) {
	if s.Outcome == nil {
		return nil, nil
	}
	gone, unfollowed := s.Minor-s.HeldMinor, s.Unfollowed(traced)
	for i := range s.Outcome.Onward {
		o := &s.Outcome.Onward[i]
		part := min(o.Minor, gone)
		if gone -= part; part <= 0 {
			break
		}
		p := s.onward(o, min(part, unfollowed))
		if p.Minor <= 0 || inTrail(&p) {
			continue
		}
		unfollowed -= p.Minor
		leaf := Leaf{ID: hopID(s.ID, o.ID, o.ToAccount), Parent: s.ID, Account: p.Account, Minor: p.Minor,
			Transfer: p.Transfer, Hop: p.Hop}
		switch {
		case o.ToAccount == "":
			leaf.Why = LeafCash
		case s.Hop >= t.MaxHops:
			leaf.Why = LeafDeep
		case p.Minor < t.MinTrace:
			leaf.Why = LeafSmall
		default:
			hops = append(hops, NextHop{leaf.ID, p})
			continue
		}
		leaves = append(leaves, leaf)
	}
	return hops, leaves
}

// onward is the proposal for an account that a part of the stop's money went on to.
func (s *Stop) onward(o *Onward, minor int64) Proposal {
	return Proposal{
		Account: Account{Number: o.ToAccount, Bank: o.ToBank}, Minor: minor, Currency: s.Currency,
		Transfer: Transfer{ID: o.ID, Minor: o.Minor, At: o.At},
		Hop:      s.Hop + 1, FraudType: s.FraudType, District: s.District, Pattern: s.Pattern,
		Parent: s.ID, Via: ViaAnswer, Text: fmt.Sprintf("money of stop %s went on to this account", s.ID),
	}
}

// clocksApart is the most that two banks' clocks differ by, in milliseconds.
const clocksApart = 5 * time.Second

// sameHop says whether two proposals are for one payment that the service saw
// and that the bank named as well, perhaps by another id.
func sameHop(a, b *Proposal) bool {
	return a.Via != b.Via && samePayment(a.Account, b.Account, a.Transfer, b.Transfer)
}

// samePayment says whether two payments into an account can be one.
func samePayment(to, account Account, a, b Transfer) bool {
	return to.Number == account.Number && a.Minor == b.Minor && a.At.Apart(b.At) <= clocksApart
}

// Has says whether the stop is the proposal's, on the trail of the same parent.
func (s *Stop) Has(p *Proposal) bool {
	return s.Parent == p.Parent && (s.Transfer.ID == p.Transfer.ID || sameHop(&s.Proposal, p))
}

// Has says whether the leaf is the proposal's, on the trail of the same parent.
func (f *Leaf) Has(p *Proposal) bool {
	return f.Parent == p.Parent &&
		(f.Transfer.ID == p.Transfer.ID || samePayment(f.Account, p.Account, f.Transfer, p.Transfer))
}

// hopID names the stop on an account that money of another stop went on to.
func hopID(parent, transfer, account string) string {
	return event.DerivedID("stp", parent, transfer, account)
}

// Taint notifies the stop's account of its money, to be followed from there; nil in
// another currency than yuan. The payer is the account that the money came from.
func (p *Proposal) Taint(stopID, caseID, payer string) *event.Taint {
	if p.Currency != event.CNY {
		return nil
	}
	return &event.Taint{
		Account: p.Account.Number, Bank: p.Account.Bank, Holder: p.Account.Holder,
		CaseID: caseID, StopID: stopID, Payer: payer, Transfer: p.Transfer.ID,
		At: p.Transfer.At, Minor: p.Minor, Whole: max(p.Minor, p.Transfer.Minor),
		Hop: p.Hop, Type: p.FraudType, District: p.District, Pattern: p.Pattern,
	}
}

// HeldTaint notifies the account of what the bank holds there now: nothing of that
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
