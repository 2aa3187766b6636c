package stop

import (
	"slices"
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// onwards is a stop of 1,000.00 yuan on hop 2, of which 200.00 are held; the bank names
// where the rest went.
func onwards(t *testing.T, list ...Onward) *Stop {
	s := asked(t, 1000_00)
	s.Hop, s.District, s.Pattern, s.Parent = 2, "520103", "p", "root"
	s.answers(Outcome{Result: Partial, EffectiveAt: noon, HeldMinor: 200_00, Onward: list}, 0)
	return s.Stop
}

func notInTrail(*Proposal) bool { return false }

// First in, first out: what went on is 800.00, and no account gets more of it than
// came to it.
func TestFollowDividesWhatWentOn(t *testing.T) {
	terms := law.Default
	s := onwards(t, Onward{"o1", "6228", "ABOC", 300_00, noon + 1}, Onward{"o2", "", "", 150_00, noon + 2},
		Onward{"o3", "6229", "ICBK", 99_99, noon + 3}, Onward{"o4", "6230", "ICBK", 900_00, noon + 4},
		Onward{"o5", "6231", "ICBK", 1, noon + 5})
	hops, leaves := s.Follow(&terms, 0, notInTrail)
	// 800.00 less 300.00, 150.00 and 99.99 leaves 250.01 for o4, and nothing for o5.
	if len(hops) != 2 || hops[0].Proposal.Minor != 300_00 || hops[1].Proposal.Minor != 250_01 {
		t.Fatalf("followed to %+v", hops)
	}
	want := Proposal{Account: Account{Number: "6228", Bank: "ABOC"}, Minor: 300_00, Currency: event.CNY,
		Transfer: Transfer{ID: "o1", Minor: 300_00, At: noon + 1}, Hop: 3, FraudType: "account-takeover",
		District: "520103", Pattern: "p", Parent: "s", Via: ViaAnswer,
		Text: "money of stop s went on to this account"}
	if hops[0].Proposal != want {
		t.Errorf("%+v, want %+v", hops[0].Proposal, want)
	}
	if hops[1].Proposal.Transfer.Minor != 900_00 {
		t.Errorf("the whole payment was %d, want 900.00", hops[1].Proposal.Transfer.Minor)
	}
	if len(leaves) != 2 || leaves[0].Why != LeafCash || leaves[0].Minor != 150_00 || leaves[1].Why != LeafSmall ||
		leaves[1].Minor != 99_99 || leaves[1].Hop != 3 || leaves[1].Parent != "s" || leaves[1].Account.Number != "6229" {
		t.Errorf("the trail ends at %+v", leaves)
	}
	ids := []string{hops[0].StopID, hops[1].StopID, leaves[0].ID, leaves[1].ID}
	if slices.Sort(ids); len(slices.Compact(ids)) != 4 {
		t.Errorf("ids are shared: %v", ids)
	}
	if again, _ := s.Follow(&terms, 0, notInTrail); again[0].StopID != hops[0].StopID {
		t.Error("the id of a next stop follows from the payment")
	}
}

// What the trail has already, by amount or by payment, is not followed again.
func TestFollowPassesOverWhatIsTraced(t *testing.T) {
	terms := law.Default
	list := []Onward{{"o1", "6228", "ABOC", 300_00, noon + 1}, {"o2", "6229", "ABOC", 500_00, noon + 2}}
	for name, c := range map[string]struct {
		traced  int64
		inTrail func(*Proposal) bool
		hop     int
		want    []int64
		deep    int
	}{
		"nothing is traced": {0, notInTrail, 2, []int64{300_00, 500_00}, 0},
		"600.00 are traced": {600_00, notInTrail, 2, []int64{200_00}, 0},
		"all is traced":     {800_00, notInTrail, 2, nil, 0},
		"one payment is":    {300_00, func(p *Proposal) bool { return p.Transfer.ID == "o1" }, 2, []int64{500_00}, 0},
		"the fifth account": {0, notInTrail, 5, []int64{300_00, 500_00}, 0},
		"the sixth account": {0, notInTrail, 6, nil, 2},
	} {
		s := onwards(t, list...)
		s.Hop = c.hop
		hops, leaves := s.Follow(&terms, c.traced, c.inTrail)
		var got []int64
		for _, h := range hops {
			got = append(got, h.Proposal.Minor)
		}
		if !slices.Equal(got, c.want) || len(leaves) != c.deep {
			t.Errorf("%s: followed %v and %d leaves, want %v and %d", name, got, len(leaves), c.want, c.deep)
		}
	}
	if hops, leaves := requested(9).Follow(&terms, 0, notInTrail); hops != nil || leaves != nil {
		t.Error("a stop without an answer is followed")
	}
	floor := onwards(t, Onward{"o1", "6228", "ABOC", 100_00, noon})
	if hops, _ := floor.Follow(&terms, 0, notInTrail); len(hops) != 1 {
		t.Error("100.00 yuan are followed")
	}
	gone := missed(t).Stop
	if gone.Unfollowed(300) != 700 || partly(t).Unfollowed(300) != 100 {
		t.Errorf("unfollowed: %d of what was gone, %d of a part", gone.Unfollowed(300), partly(t).Unfollowed(300))
	}
}

// One payment that the service saw and the bank named: the same account and amount,
// the moments five seconds apart at most.
func TestOnePaymentKnownTwice(t *testing.T) {
	seen := proposal(300)
	seen.Parent, seen.Via = "p", ViaTransfer
	seen.Transfer.ID = "ours"
	s, leaf := &Stop{Proposal: seen}, &Leaf{Parent: "p", Account: seen.Account, Transfer: seen.Transfer}
	for name, c := range map[string]struct {
		change func(*Proposal)
		stop   bool
		leaf   bool
	}{
		"by another id":           {func(*Proposal) {}, true, true},
		"five seconds later":      {func(p *Proposal) { p.Transfer.At += 5000 }, true, true},
		"five seconds before":     {func(p *Proposal) { p.Transfer.At -= 5000 }, true, true},
		"a little later":          {func(p *Proposal) { p.Transfer.At += 5001 }, false, false},
		"another amount":          {func(p *Proposal) { p.Transfer.Minor++ }, false, false},
		"into another account":    {func(p *Proposal) { p.Account.Number = "6228" }, false, false},
		"of another parent":       {func(p *Proposal) { p.Parent = "q" }, false, false},
		"seen as well":            {func(p *Proposal) { p.Via = ViaTransfer }, false, true},
		"by the same id":          {func(p *Proposal) { p.Transfer = Transfer{ID: "ours"} }, true, true},
		"by its id, other parent": {func(p *Proposal) { p.Transfer.ID, p.Parent = "ours", "q" }, false, false},
	} {
		p := seen
		p.Via, p.Transfer.ID = ViaAnswer, "theirs"
		c.change(&p)
		if s.Has(&p) != c.stop || leaf.Has(&p) != c.leaf {
			t.Errorf("%s: a stop has it %v, a leaf %v; want %v, %v", name, s.Has(&p), leaf.Has(&p), c.stop, c.leaf)
		}
	}
}

// What an account is notified of: whose money came in, and later what the bank holds.
func TestTaints(t *testing.T) {
	p := proposal(300)
	p.Account.Holder, p.District, p.Pattern, p.Transfer.Minor = "李四", "520103", "x", 500
	want := event.Taint{Account: "6217", Bank: "PCBC", Holder: "李四", CaseID: "c", StopID: "s", Payer: "v",
		Transfer: "t", At: noon, Minor: 300, Whole: 500, Hop: 1, Type: "account-takeover", District: "520103",
		Pattern: "x"}
	if got := p.Taint("s", "c", "v"); *got != want {
		t.Errorf("%+v, want %+v", *got, want)
	}
	p.Transfer.Minor = 0 // a report that does not know the payment
	if got := p.Taint("s", "c", "v"); got.Whole != 300 {
		t.Errorf("the whole is %d, want no less than the part", got.Whole)
	}
	if p.Currency = "USD"; p.Taint("s", "c", "v") != nil {
		t.Error("dollars are followed")
	}
	s := asked(t, 1000)
	if s.HeldTaint() != nil {
		t.Error("nothing is held before the bank has answered")
	}
	s.answers(Outcome{Result: Partial, EffectiveAt: noon + 5, HeldMinor: 600}, time.Minute)
	held := event.Taint{Account: "6217", CaseID: "c", StopID: "s", At: noon + 5, Minor: 600, Held: true}
	if got := s.HeldTaint(); *got != held {
		t.Errorf("held: %+v, want %+v", *got, held)
	}
	s.goes(Released, noon.Add(time.Hour), 0)
	held.At, held.Minor = noon.Add(time.Hour), 0
	if got := s.HeldTaint(); *got != held {
		t.Errorf("released: %+v, want %+v", *got, held)
	}
	if s.Currency = "USD"; s.HeldTaint() != nil {
		t.Error("held dollars are followed")
	}
}
