package stop

import (
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/step"
	"stopline.internal/stream/event"
)

// Stop is a request to a bank to hold up to an amount on one account, as the
// fold knows it. Amounts are minor units of the proposal's currency.
type Stop struct {
	ID      string
	CaseID  string
	Version int // of the last step that was accepted
	State   State
	Proposal
	ProposedAt    event.Instant
	RequestedAt   event.Instant // 0: no bank was asked
	AnsweredAt    event.Instant // of the bank's outcome
	EffectiveAt   event.Instant // when the bank's hold took effect
	EndedAt       event.Instant // when the account was no longer under a stop: frozen, released, expired
	Until         event.Instant // when the state lapses: the answer is due, the hold ends, the bank must have paid back
	FreezeUntil   event.Instant // when the freeze ends, also while money is on its way back
	HoldTerms     int           // terms of holding so far
	HeldMinor     int64         // that the bank holds or held, less what was released in part
	ReleasedMinor int64         // parts released while the rest is held
	ReturnedMinor int64         // paid back, in all
	IssuedBy      string        // who approved the request
	Number        step.Number   // of its papers
	Outcome       *Outcome      // the bank's answer; nil: none so far
	Instruction   *Change       // of the return that the bank is instructed to make
	Message       *delivery.Message
	Timeline      []Step // accepted steps, by version
}

// Amount is what is asked for.
func (s *Stop) Amount() event.Money { return s.Money(s.Minor) }

// Held is what the bank says it holds.
func (s *Stop) Held() event.Money { return s.Money(s.HeldMinor) }

// Left is what is held and has not been paid back, in minor units.
func (s *Stop) Left() int64 { return s.HeldMinor - s.ReturnedMinor }

// Claim is what a later credit to the account may still be held for, in minor units.
func (s *Stop) Claim() int64 { return s.Minor - s.HeldMinor - s.ReleasedMinor }

// Decimal writes minor units of the stop's currency, as documents carry them.
func (s *Stop) Decimal(minor int64) string { return s.Money(minor).Decimal() }

// Money is minor units of the stop's currency as an amount.
func (s *Stop) Money(minor int64) event.Money { return event.Money{Minor: minor, Currency: s.Currency} }

// Last is the newest step of the stop.
func (s *Stop) Last() *Step { return &s.Timeline[len(s.Timeline)-1] }

// ProposedBy is who proposed the stop.
func (s *Stop) ProposedBy() string { return s.Timeline[0].By }

// Copy shares the timeline, which only grows.
func (s *Stop) Copy() *Stop {
	c := *s
	c.Timeline = s.Timeline[:len(s.Timeline):len(s.Timeline)]
	return &c
}

// Amounts is what has become of a stop's money, in minor units of its currency.
type Amounts struct {
	Requested  int64 // that the bank was asked to hold; 0: it was not asked
	Caught     int64 // that the bank has held at any time
	EverFrozen int64 // of Caught, once the stop was frozen
	Held       int64 // held now and not frozen
	Frozen     int64 // frozen now, also while it is on its way back
	Returned   int64 // paid back to victims
	Released   int64 // let go by a decision
	Lapsed     int64 // let go since a term ended with nobody acting
}

// UnderControl is what is held or frozen now.
func (a *Amounts) UnderControl() int64 { return a.Held + a.Frozen }

// Add adds the amounts of another stop of the same currency.
func (a *Amounts) Add(b *Amounts) {
	a.Requested += b.Requested
	a.Caught += b.Caught
	a.EverFrozen += b.EverFrozen
	a.Held += b.Held
	a.Frozen += b.Frozen
	a.Returned += b.Returned
	a.Released += b.Released
	a.Lapsed += b.Lapsed
}

// Amounts works out what has become of the stop's money.
func (s *Stop) Amounts() Amounts {
	a := Amounts{Returned: s.ReturnedMinor, Released: s.ReleasedMinor}
	if s.RequestedAt != 0 {
		a.Requested = s.Minor
	}
	if s.EffectiveAt != 0 {
		a.Caught = s.HeldMinor + s.ReleasedMinor
	}
	if s.FreezeUntil != 0 {
		a.EverFrozen = a.Caught
	}
	switch left := s.Left(); {
	case s.State == Frozen || s.State == Returning:
		a.Frozen = left
	case s.State.Holds():
		a.Held = left
	case s.State == Released:
		a.Released += left
	case s.State == Expired:
		a.Lapsed = left
	}
	return a
}
