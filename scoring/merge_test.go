package scoring

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// A past that was read late, and what has come since: each thing that only one of them
// knows is there afterwards, and what both know is there once.
func TestMergeOfEveryField(t *testing.T) {
	h, n := time.Hour, DefaultNetwork
	both := mv(credit, 2*h, 5, 70)
	past := having(mv(debit, 40*24*h, 1, 10), both, mv(credit, 3*h, 6, 7))
	past.first, past.last = noon.Add(-50*24*h), noon.Add(-2*h)
	past.acquaint(8, 100)
	past.contacts[len(past.contacts)-1].last = 300
	past.keep(&payment{}, kept("old", -90))
	past.device, past.partner, past.largest, past.largestToday = 11, "tel:old", 500, 900
	past.rememberNeighbour(neighbour{name: "acct:7", way: paid, at: noon.Add(-3 * h), cause: "c1"})
	past.cold = &cold{buckets: []bucket{{start: int32(noon/hourMillis) - 30, kind: debit, n: 2, sum: 20}},
		devices: []uint64{12, 13}, cooldowns: []cooldown{{1, 5}, {2, 6}}, notified: []uint64{21},
		trails:    []trail{{origin: "acct:t", since: noon, score: 900, hop: 1, at: noon, cause: "x"}},
		swappedAt: 31, forwardingAt: 32, wokeAt: 33, silence: 34, watch: "suspected", watchUntil: 35,
		traced: &traced{taints: []taint{{Taint: event.Taint{StopID: "s1", At: noon}}}, reports: []cooldown{{41, noon}},
			outs: []spent{{key: 1 << 16, at: noon, id: "o1"}}, needsPayments: true},
		caller: &caller{days: []callDay{{100, 1, 2}}}}

	s := having(both, mv(credit, 0, 9, 30))
	s.first, s.last, s.unread = noon.Add(-2*h), noon, true
	s.acquaint(8, 200)
	s.keep(&payment{stopped: true}, kept("new", 0))
	s.largest = 600
	s.makeCold().cooldowns = []cooldown{{2, 7}}
	s.cold.notified = []uint64{22}
	s.cold.devices = []uint64{13}
	s.cold.swappedAt = 30
	s.Merge(&n, past)

	var got totals
	s.totals(credit, noon, &got)
	if got.sum[day] != 107 || got.n[day] != 3 || len(s.moves) != 3 {
		t.Errorf("%d credits of %d, %d movements", got.n[day], got.sum[day], len(s.moves))
	}
	if s.first != noon.Add(-50*24*h) || s.last != noon || s.unread || !s.dirty {
		t.Errorf("from %s to %s, unread %v, dirty %v", s.first, s.last, s.unread, s.dirty)
	}
	var c contact
	for _, o := range s.contacts {
		if o.hash == 8 {
			c = o
		}
	}
	if c != (contact{8, 100, 300}) || !slices.ContainsFunc(s.contacts, func(o contact) bool { return o.hash == 1 }) {
		t.Errorf("contacts: %+v", s.contacts)
	}
	names, p := "", payment{}
	s.eachKept(&p, func() bool {
		names += fmt.Sprint(p.id, p.stopped, " ")
		return false
	})
	if names != "oldfalse newtrue " {
		t.Errorf("remembered: %s", names)
	}
	if s.device != 11 || s.partner != "tel:old" || s.largest != 900 || len(s.hops) != 1 || s.hops[0].name != "acct:7" {
		t.Errorf("%+v", s)
	}
	r := s.cold
	if len(r.buckets) != 1 || r.buckets[0].n != 2 || !slices.Equal(r.devices, []uint64{13, 12}) ||
		!slices.Equal(r.cooldowns, []cooldown{{2, 7}, {1, 5}}) || !slices.Equal(r.notified, []uint64{22, 21}) {
		t.Errorf("%+v", r)
	}
	if len(r.trails) != 1 || r.swappedAt != 31 || r.forwardingAt != 32 || r.wokeAt != 33 || r.silence != 34 ||
		r.watch != "suspected" || r.watchUntil != 35 || r.caller == nil {
		t.Errorf("%+v", r)
	}
	if tr := r.traced; len(tr.taints) != 1 || len(tr.reports) != 1 || len(tr.outs) != 1 || !tr.needsPayments {
		t.Errorf("%+v", r.traced)
	}
}

// What has come since is newer than the past: it stands.
func TestMergeKeepsWhatIsNewer(t *testing.T) {
	n := DefaultNetwork
	past := NewState("acct:1")
	past.first, past.last, past.device = noon.Add(-30*24*time.Hour-time.Hour), noon.Add(-time.Hour), 1
	past.cold = &cold{watch: "suspected", watchUntil: 5, forwardingAt: 7, swappedAt: 8, silence: 9, wokeAt: 10,
		devices: []uint64{2, 3, 4, 5}, caller: &caller{days: []callDay{{100, 1, 2}}}}
	s := NewState("acct:1")
	s.first, s.device, s.largest = noon, 2, 900
	s.cold = &cold{watch: "cleared", forwardingAt: 70, swappedAt: 80, silence: 90, wokeAt: 100,
		caller: &caller{days: []callDay{{100, 10, 20}}}}
	for i := range 3 {
		s.keep(&payment{}, kept(fmt.Sprint("n", i), i))
		past.keep(&payment{}, kept(fmt.Sprint("p", i), i-90))
	}
	s.partner = "tel:now"
	past.largest, past.largestToday = 800, 700
	s.Merge(&n, past)
	r := s.cold
	if r.watch != "cleared" || r.watchUntil != 0 || r.forwardingAt != 70 || r.swappedAt != 80 || r.silence != 90 ||
		r.wokeAt != 100 || s.device != 2 || s.largest != 900 || s.partner != "tel:now" {
		t.Errorf("%+v, %+v", s, r)
	}
	if !slices.Equal(r.devices, []uint64{3, 4, 5}) {
		t.Errorf("devices beside the first: %v", r.devices)
	}
	if d := r.caller.days; len(d) != 1 || d[0] != (callDay{100, 11, 22}) {
		t.Errorf("calls of a day: %+v", d)
	}
	names, p := "", payment{}
	if s.eachKept(&p, func() bool { names += p.id + " "; return false }); names != "p2 n0 n1 n2 " {
		t.Errorf("remembered: %s", names)
	}
	if s.traced().needsPayments {
		t.Error("nobody asks for payments")
	}
	asks := NewState("acct:1")
	asks.traced().needsPayments = true
	past.traced()
	if asks.Merge(&n, past); !asks.NeedsPayments() {
		t.Error("the account asks no more")
	}
}

// A partition merges the past of a hot entity and asks again of its payments; an entity
// that is not hot becomes so.
func TestPartitionMerge(t *testing.T) {
	past := newTown(t, 10)
	past.score(called("c", -25*minute, "13911112222", "1111", 24*minute))
	late := newTown(t, 10)
	if alerts := late.score(transfer("t", 0, "1111", "9", 49800, 50012)); len(alerts) != 0 {
		t.Fatalf("alerts with no past: %+v", alerts)
	}
	number := event.Entity("tel:+8613800001111")
	out := late.part.Merge(past.part.Peek(number))
	if len(out.Alerts) == 0 || out.Alerts[0].Transfer.ID != "t" || out.Alerts[0].At != noon ||
		out.Alerts[0].Event != (EventRef{"transfer", "t"}) {
		t.Fatalf("%+v", out.Alerts)
	}
	if out = late.part.Merge(past.part.Peek(number)); len(out.Alerts) != 0 {
		t.Errorf("what was stopped is stopped again: %+v", out.Alerts)
	}
	other := NewState("acct:new")
	if out = late.part.Merge(other); !out.Empty() || late.part.Peek("acct:new") != other {
		t.Error("an entity that was not hot is not there")
	}
}
