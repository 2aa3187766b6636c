package ledger

import (
	"maps"
	"slices"
	"testing"
	"time"

	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// behind makes a proposal one on the trail of a parent, for so much.
func behind(parent, account string, hop int, minor int64) func(*stop.Proposal) {
	return func(p *stop.Proposal) {
		p.Parent, p.Hop, p.Via, p.Account.Number = parent, hop, stop.ViaTransfer, account
		p.Minor, p.Transfer.Minor, p.Transfer.At = minor, minor, past(hop)
	}
}

// A case's money as trees: by time, of one moment by id, leaves beside stops.
func TestTrailIsATree(t *testing.T) {
	b := newBook(t)
	b.asks("s2", "c", 0, func(p *stop.Proposal) { p.Transfer.At = past(5) })
	b.asks("s1", "c", 0, nil)
	b.asks("s0", "c", 0, nil)
	b.asks("k2", "c", 0, behind("s1", "6228", 2, 300))
	b.asks("k1", "c", 0, behind("s1", "6229", 2, 300))
	b.asks("g", "c", 0, behind("k1", "6230", 3, 100))
	leaf := func(id, parent string, minor int64, minutes int) Entry {
		return LeafEntry("c", &stop.Leaf{ID: id, Parent: parent, Minor: minor,
			Transfer: stop.Transfer{ID: "t-" + id, At: past(minutes)}, Why: stop.LeafCash}, noon)
	}
	b.takes(leaf("l1", "s1", 100, 1), leaf("l9", "gone", 100, 9))
	b.refuses(leaf("l1", "s1", 100, 1), "trail.end")
	b.refuses(leaf("l2", "s1", 301, 3), "trail.more") // 1,000 less 300, 300 and 100
	b.takes(leaf("l2", "s1", 300, 3))
	b.refuses(leaf("l3", "s1", 1, 3), "trail.more")
	var names func(nodes []*Node) string
	names = func(nodes []*Node) (out string) {
		for _, n := range nodes {
			out += n.id() + "(" + names(n.Children) + ")"
		}
		return out
	}
	if got, want := names(b.Trail("c")), "s0()s1(l1()k1(g())k2()l2())s2()l9()"; got != want {
		t.Errorf("the trail is %s, want %s", got, want)
	}
	if b.Trail("d") != nil {
		t.Error("there is no such case")
	}
	if roots := b.Trail("c"); roots[2].At() != past(5) || roots[3].At() != past(9) || roots[3].Leaf.Why != stop.LeafCash {
		t.Errorf("s2 at %s, l9 at %s", roots[2].At(), roots[3].At())
	}
	for id, want := range map[string]string{"g": "s1", "k2": "s1", "s1": "s1"} {
		if got := b.origin(b.stops[id]); got.ID != want {
			t.Errorf("the money on %s came into %s, want %s", id, got.ID, want)
		}
	}
	orphan := &stop.Stop{ID: "o", Proposal: stop.Proposal{Parent: "gone"}}
	if got := b.origin(orphan); got != orphan {
		t.Errorf("the trail of what has no parent here begins at %s", got.ID)
	}
}

// What the bank's answer adds to the trail: what the service has not seen, and no more
// than is left.
func TestFollowBesideTheTrail(t *testing.T) {
	b := newBook(t)
	big := func(p *stop.Proposal) { p.Minor, p.Transfer.Minor = 1000_00, 1000_00 }
	b.asks("s", "c", 0, big)
	b.asks("k", "c", 0, behind("s", "6228", 2, 300_00))
	b.takes(LeafEntry("c", &stop.Leaf{ID: "l", Parent: "s", Minor: 200_00, Transfer: stop.Transfer{ID: "cash"}}, noon))
	s := b.Stop("s")
	s.Outcome = &stop.Outcome{Onward: []stop.Onward{
		{ID: "theirs", ToAccount: "6228", ToBank: "B", Minor: 300_00, At: past(2)}, {ID: "cash", Minor: 200_00},
		{ID: "new", ToAccount: "6229", ToBank: "B", Minor: 900_00}}}
	hops, leaves := b.Follow(s)
	if len(hops) != 1 || hops[0].Proposal.Transfer.ID != "new" || hops[0].Proposal.Minor != 500_00 || len(leaves) != 0 {
		t.Errorf("%+v, %+v; want 500.00 on 6229", hops, leaves)
	}
	s.CaseID = "d"
	if hops, leaves = b.Follow(s); hops != nil || leaves != nil {
		t.Error("the trail of a case that is not there")
	}
}

// The limit of stops that follow from a trail is noted on the case.
func TestTrailIsFull(t *testing.T) {
	terms := law.Default
	terms.MaxStops = 2
	b := book{New(terms), t}
	b.asks("s", "c", 0, nil)
	b.asks("k1", "c", 0, behind("s", "6228", 2, 100))
	if b.asks("k2", "c", 0, behind("s", "6229", 2, 100)); b.Case("c").Limited {
		t.Error("two are the limit")
	}
	p := proposal(100)
	behind("s", "6230", 2, 100)(&p)
	b.refuses(StopEntries(stop.Propose(terms, "k3", "c", p, noon, "trail"))[0], stop.CodeTrailFull)
	if c := b.Case("c"); !c.Limited || len(c.Stops) != 3 {
		t.Errorf("limited %v, %d stops", c.Limited, len(c.Stops))
	}
}

// More held along a trail than the payment was: by how much. Of a trail whose beginning
// is not known here, nobody can say.
func TestExcessByTrail(t *testing.T) {
	b := newBook(t)
	hold := func(id string, minor int64) {
		b.stops[id].State, b.stops[id].HeldMinor = stop.Held, minor
	}
	for _, c := range []string{"a", "b"} {
		b.asks(c, "c"+c, 0, nil)
		b.asks(c+"k", "c"+c, 0, behind(c, "6228", 2, 700))
	}
	b.asks("alone", "cd", 0, func(p *stop.Proposal) { p.Parent, p.Hop = "far", 2 })
	hold("a", 1000)
	hold("ak", 1)
	hold("b", 500)
	hold("bk", 500)
	hold("alone", 9999)
	b.stops["a"].ReturnedMinor = 0
	if got := b.excess(); len(got) != 1 || got[b.stops["a"]] != 1 {
		t.Errorf("%v; want one fen beyond the payment into a", got)
	}
	b.stops["a"].ReturnedMinor = 1000
	if got := b.excess(); len(got) != 0 {
		t.Errorf("%v; what was paid back is not held", got)
	}
}

// returned is a ledger with a case of two victims on three accounts: v0's 1,000 fen on
// 6217, of which 400 went on to 6228; v1's 500 on 6228; 90 that no victim is known of.
func returned(t *testing.T) book {
	b := newBook(t)
	pay := func(account, payer string, minor int64) func(*stop.Proposal) {
		return func(p *stop.Proposal) {
			p.Account.Number, p.Payer, p.Minor, p.Transfer.Minor = account, payer, minor, minor
		}
	}
	b.asks("s0", "c", 0, pay("6217", "v0", 1000))
	b.asks("k", "c", 0, behind("s0", "6228", 2, 400))
	b.asks("s1", "c", 0, pay("6228", "v1", 500))
	b.asks("x", "c", 0, pay("6229", "", 90))
	for id, minor := range map[string]int64{"s0": 600, "k": 400, "s1": 500, "x": 90} {
		state := stop.Held
		if id == "s0" {
			state = stop.Partial
		}
		b.answers(id, state, minor, noon)
		b.goes(id, stop.Frozen, past(1), noon.Add(law.Default.Freeze))
	}
	return b
}

// What a return is worked out from: frozen stops by account, with the victim whose money
// the trail found; each victim's loss.
func TestFrozenByAccount(t *testing.T) {
	b := returned(t)
	accounts, claims := b.Frozen("c")
	if len(accounts) != 2 || accounts[0].Account.Number != "6217" ||
		!slices.Equal(accounts[0].Stops, []giveback.FrozenStop{{ID: "s0", Left: 600, Victim: "v0"}}) ||
		!slices.Equal(accounts[1].Stops, []giveback.FrozenStop{{ID: "k", Left: 400, Victim: "v0"},
			{ID: "s1", Left: 500, Victim: "v1"}}) {
		t.Errorf("%+v", accounts)
	}
	if !slices.Equal(claims, []giveback.Claim{{Victim: "v0", Loss: 1000}, {Victim: "v1", Loss: 500}}) {
		t.Errorf("%+v", claims)
	}
	if accounts, claims = b.Frozen("d"); accounts != nil || claims != nil {
		t.Error("of a case that is not there")
	}
	b.goes("s1", stop.Released, past(2), 0)
	if accounts, claims = b.Frozen("c"); len(accounts[1].Stops) != 1 || len(claims) != 2 {
		t.Errorf("what is released is frozen, or its loss forgotten: %+v, %+v", accounts, claims)
	}
	flows := b.Remittances("c", "6228")
	want := map[string][]giveback.Flow{"t-k": {{At: past(2), Minor: 400, Victim: "v0"}},
		"t-s1": {{At: noon, Minor: 500, Victim: "v1"}}}
	if !maps.EqualFunc(flows, want, slices.Equal) {
		t.Errorf("%v, want %v", flows, want)
	}
	if got := b.Remittances("c", "6229"); len(got) != 0 {
		t.Errorf("money of no victim: %v", got)
	}
	if got := b.Remittances("d", "6228"); got == nil || len(got) != 0 {
		t.Errorf("of a case that is not there: %v", got)
	}
}

// A round is instructed in the name of the second approval, to each stop that is still
// frozen; it is done for when each bank has answered, or holds nothing any more.
func TestRoundIsPaid(t *testing.T) {
	b := returned(t)
	from := func(stop string, minor int64) giveback.PayFrom { return giveback.PayFrom{Stop: stop, Minor: minor} }
	lines := []giveback.Line{{Victim: "v0", Minor: 700, From: []giveback.PayFrom{from("s0", 600), from("k", 100)}},
		{Victim: "v1", Minor: 500, From: []giveback.PayFrom{from("s1", 500), from("gone", 0)}}}
	begin := b.ProposeReturn("c", giveback.Return{Lines: lines, Currency: event.CNY}, past(2), "P")
	if begin.Return.Round != 1 || begin.Return.Reports != 0 {
		t.Errorf("%+v", begin.Return)
	}
	b.takes(begin)
	b.refuses(b.ProposeReturn("c", giveback.Return{}, past(2), "P"), "return.round")
	round := func() *giveback.Round { return b.Return(begin.Subject) }
	b.takes(ReturnEntry(round().Next(giveback.Approved, past(3), "A")))
	if due := b.Due(past(3)); len(due) != 0 {
		t.Errorf("due with one approval: %+v", due)
	}
	if _, done := b.Paid(round()); done {
		t.Error("done before it was instructed")
	}
	b.takes(ReturnEntry(round().Next(giveback.Instructed, past(4), "B")))
	b.goes("k", stop.Released, past(4), 0)
	due := b.Due(past(5))
	// Monday the 23rd, noon: to the end of Thursday.
	until := event.InstantOf(time.Date(2026, 11, 27, 0, 0, 0, 0, event.Zone))
	if len(due) != 2 || due[0].StopID != "s0" || due[1].StopID != "s1" || due[0].By != "B" || due[0].Until != until ||
		due[0].Change.Minor != 600 || due[0].Change.ReturnID != begin.Subject {
		t.Fatalf("%+v", due)
	}
	b.takes(due...)
	if minor, done := b.Paid(round()); minor != 0 || done {
		t.Errorf("paid %d, done %v, with no answer", minor, done)
	}
	b.takes(StopEntry(stop.PaidBack(b.Stop("s0"), true, "R", "", past(6), "bank")))
	if minor, done := b.Paid(round()); minor != 600 || done {
		t.Errorf("paid %d, done %v, with one answer", minor, done)
	}
	b.takes(StopEntry(stop.PaidBack(b.Stop("s1"), true, "R", "", past(6), "bank")))
	if minor, done := b.Paid(round()); minor != 1100 || !done {
		t.Errorf("paid %d, done %v, with both answers", minor, done)
	}
	_, claims := b.Frozen("c")
	if !slices.Equal(claims, []giveback.Claim{{Victim: "v0", Loss: 1000, Before: 600},
		{Victim: "v1", Loss: 500, Before: 500}}) {
		t.Errorf("%+v", claims)
	}
	b.takes(report("r", "c", 7, nil))
	second := b.ProposeReturn("c", giveback.Return{}, past(7), "P")
	if second.Return.Round != 2 || second.Return.Reports != 1 || second.Subject == begin.Subject {
		t.Errorf("%+v", second.Return)
	}
	b.takes(second)
	if a, z := b.Return(begin.Subject).Number, b.Return(second.Subject).Number; a.Sequence != 1 || z.Sequence != 2 {
		t.Errorf("the papers are %+v and %+v", a, z)
	}
	if got := b.Case("c").Returns; !slices.Equal(got, []string{begin.Subject, second.Subject}) {
		t.Errorf("the rounds are %v", got)
	}
	if b.Return("ret") != nil || b.ProposeReturn("d", giveback.Return{}, noon, "P").Return.Round != 1 {
		t.Error("the first round of a case that is not there")
	}
}
