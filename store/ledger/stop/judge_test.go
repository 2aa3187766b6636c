package stop

import (
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/stream/event"
)

var noon = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))

func proposal(minor int64) Proposal {
	return Proposal{Account: Account{Number: "6217", Bank: "PCBC"}, Minor: minor, Currency: event.CNY,
		Transfer: Transfer{ID: "t", Minor: minor, At: noon}, Hop: 1, FraudType: "account-takeover"}
}

// requested is a stop that its bank was asked for at noon.
func requested(minor int64) *Stop {
	t := law.Default
	steps := Propose(t, "s", "c", proposal(minor), noon, "scoring")
	s := Begin(&steps[0], step.Number{})
	for i := range steps {
		s.Advance(&t, &steps[i], nil)
	}
	return s
}

// held is a stop that took effect so many hours after noon.
func held(id string, minor int64, hours int) *Stop {
	t, s, at := law.Default, requested(minor), noon.Add(time.Duration(hours)*time.Hour)
	s.ID = id
	e := Answer(t, s, Outcome{Result: Held, EffectiveAt: at, HeldMinor: minor}, at, "bank")
	s.Advance(&t, &e, nil)
	return s
}

// A stop on the trail of another is judged by what its case has already.
func TestJudgeTrail(t *testing.T) {
	terms, parent := law.Default, requested(1000)
	parent.ID = "parent"
	seen := proposal(300)
	seen.Parent, seen.Via = "parent", ViaTransfer
	sibling := &Stop{ID: "sibling", Proposal: seen}
	for name, c := range map[string]struct {
		change func(*Proposal, *Surroundings)
		want   string
	}{
		"within what went on":        {func(*Proposal, *Surroundings) {}, ""},
		"a case that is not known":   {func(p *Proposal, n *Surroundings) { p.Hop, n.NewCase = 99, true }, ""},
		"a parent that is not known": {func(p *Proposal, n *Surroundings) { p.Minor, n.Parent = 9000, nil }, ""},
		"too deep":                   {func(p *Proposal, _ *Surroundings) { p.Hop = terms.MaxHops + 1 }, "trail.deep"},
		"too many":                   {func(_ *Proposal, n *Surroundings) { n.Followed = 500 }, CodeTrailFull},
		"more than is left":          {func(_ *Proposal, n *Surroundings) { n.Traced = 701 }, "trail.more"},
		"the bank names it as well": {func(p *Proposal, n *Surroundings) {
			p.Via, n.Siblings = ViaAnswer, []*Stop{parent, sibling}
		}, "trail.followed"},
	} {
		p, near := seen, &Surroundings{Parent: parent, Siblings: []*Stop{parent}}
		p.Hop = 2
		c.change(&p, near)
		e := Propose(terms, "s", "c", p, noon, "trail")[0]
		if why := Judge(&terms, nil, &e, near); why.Code != c.want {
			t.Errorf("%s: %q, want %q", name, why.Code, c.want)
		}
	}
}

// An account is under the stops of a case for two terms at most; a time under two
// of them counts once.
func TestJudgeTimeUnderStops(t *testing.T) {
	terms := law.Default
	for name, c := range map[string]struct {
		others []*Stop
		want   string
	}{
		"no other":           {nil, ""},
		"one term used":      {[]*Stop{held("a", 100, -48)}, ""},
		"two at once":        {[]*Stop{held("a", 100, -48), held("b", 100, -48)}, ""},
		"two after another":  {[]*Stop{held("a", 100, -96), held("b", 100, -48)}, "law.stops"},
		"of another account": {[]*Stop{held("a", 100, -96), otherAccount(held("b", 100, -48))}, ""},
	} {
		s := requested(100)
		e := Answer(terms, s, Outcome{Result: Held, EffectiveAt: noon, HeldMinor: 100}, noon, "bank")
		if why := Judge(&terms, s, &e, &Surroundings{Siblings: append(c.others, s)}); why.Code != c.want {
			t.Errorf("%s: %q, want %q", name, why.Code, c.want)
		}
	}
}

func otherAccount(s *Stop) *Stop {
	s.Account.Number = "6228"
	return s
}

// What has become of a stop's money: each fen is in one place.
func TestAmounts(t *testing.T) {
	terms, s := law.Default, held("s", 1000, 0)
	do := func(e Step) {
		t.Helper()
		if why := Judge(&terms, s, &e, &Surroundings{Siblings: []*Stop{s}}); !why.None() {
			t.Fatal(why)
		}
		s.Advance(&terms, &e, []*Stop{s})
	}
	is := func(want Amounts) {
		t.Helper()
		if got := s.Amounts(); got != want {
			t.Errorf("%s: %+v, want %+v", s.State, got, want)
		}
	}
	is(Amounts{Requested: 1000, Caught: 1000, Held: 1000})
	do(Lift(s, 100, "", "innocent", noon, "A"))
	is(Amounts{Requested: 1000, Caught: 1000, Held: 900, Released: 100})
	freeze := s.Next(noon, "A")
	freeze.State, freeze.Until = Frozen, noon.Add(terms.Freeze)
	do(freeze)
	is(Amounts{Requested: 1000, Caught: 1000, EverFrozen: 1000, Frozen: 900, Released: 100})
	do(PayBack(s, "r", []Pay{{Victim: "v", Account: "v", Minor: 400}}, noon, noon, "B"))
	do(PaidBack(s, true, "R", "", noon, "bank"))
	is(Amounts{Requested: 1000, Caught: 1000, EverFrozen: 1000, Frozen: 500, Returned: 400, Released: 100})
	expired, _ := s.Lapse(s.Until)
	do(expired)
	is(Amounts{Requested: 1000, Caught: 1000, EverFrozen: 1000, Returned: 400, Released: 100, Lapsed: 500})
}
