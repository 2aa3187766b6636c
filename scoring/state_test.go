package scoring

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// A silence of thirty days is noted as it ends; the entity's first and last moment are
// the earliest and the latest.
func TestAdvance(t *testing.T) {
	s := NewState("acct:1")
	d := 24 * time.Hour
	for _, c := range []struct {
		at                 event.Instant
		first, last, woken event.Instant
		silence            time.Duration
	}{
		{noon, noon, noon, 0, 0},
		{noon.Add(-d), noon.Add(-d), noon, 0, 0},
		{noon.Add(30*d - 1e6), noon.Add(-d), noon.Add(30*d - 1e6), 0, 0},
		{noon.Add(60*d - 1e6), noon.Add(-d), noon.Add(60*d - 1e6), noon.Add(60*d - 1e6), 30 * d},
		{noon.Add(61 * d), noon.Add(-d), noon.Add(61 * d), noon.Add(60*d - 1e6), 30 * d},
		{noon.Add(100 * d), noon.Add(-d), noon.Add(100 * d), noon.Add(100 * d), 39 * d},
	} {
		s.advance(c.at)
		if r := s.readCold(); s.first != c.first || s.last != c.last || r.wokeAt != c.woken || r.silence != c.silence {
			t.Errorf("at %s: from %s to %s, woken %s after %s", c.at, s.first, s.last, r.wokeAt, r.silence)
		}
	}
}

// A counterpart is new for a day after the first contact, by a movement or by what is
// remembered of one.
func TestCounterparts(t *testing.T) {
	s := having(mv(debit, 2*time.Hour, 1, 5), mv(credit, time.Hour, 1, 5), mv(debit, 24*time.Hour, 2, 5),
		mv(debit, 24*time.Hour-1e6, 3, 5), mv(debit, time.Hour, 4, 5), mv(debit, -time.Hour, 5, 5))
	s.acquaint(4, seconds(noon.Add(-50*time.Hour))) // known for longer than its movement
	s.acquaint(1, seconds(noon.Add(-time.Minute)))  // and for less
	s.acquaint(6, seconds(noon.Add(-3*time.Hour)))
	for who, c := range map[uint64]struct {
		met   bool
		since time.Duration
		isNew bool
	}{
		1: {true, 2 * time.Hour, true},
		2: {true, 24 * time.Hour, false},
		3: {true, 24*time.Hour - 1e6, true},
		4: {true, 50 * time.Hour, false},
		5: {true, -time.Hour, true},
		6: {true, 3 * time.Hour, true},
		9: {false, 0, true},
	} {
		first, met := s.firstMet(who)
		if met != c.met || met && first != noon.Add(-c.since) || s.isNew(who, noon) != c.isNew {
			t.Errorf("%d: met %v at %s, new %v", who, met, first, s.isNew(who, noon))
		}
		if got := s.knownFor(who, noon); got != max(0, c.since) {
			t.Errorf("%d is known for %s, want %s", who, got, c.since)
		}
	}
}

// An entity remembers 64 counterparts beyond its movements: who was met longest ago
// makes room, of one moment the smaller hash.
func TestContactsAreBounded(t *testing.T) {
	s := NewState("acct:1")
	for i := range uint64(maxContacts) {
		s.acquaint(i+1, uint32(1000+i))
	}
	s.acquaint(1, 5000) // met again
	s.acquaint(1, 3000)
	s.acquaint(3, 1001) // the second and the third were met last in one second
	s.contacts[2].last = 1001
	if c := s.contacts[0]; c != (contact{1, 1000, 5000}) || s.contacts[2].first != 1001 {
		t.Errorf("%+v", c)
	}
	for _, who := range []uint64{100, 101} {
		s.acquaint(who, 6000)
	}
	has := func(h uint64) bool {
		return slices.ContainsFunc(s.contacts, func(c contact) bool { return c.hash == h })
	}
	if len(s.contacts) != 64 || !has(1) || has(2) || has(3) || !has(4) || !has(100) || !has(101) {
		t.Errorf("%d contacts: %v", len(s.contacts), s.contacts)
	}
}

// Devices: the first one is not new; four are known; the oldest but the first makes
// room.
func TestDevices(t *testing.T) {
	s := NewState("tel:1")
	for i, c := range []struct {
		device string
		isNew  bool
	}{{"", false}, {"a", false}, {"a", false}, {"b", true}, {"b", false}, {"c", true}, {"d", true}, {"b", false},
		{"a", false}, {"e", true}, {"b", true}, {"a", false}, {"d", false}, {"c", true}} {
		if got := s.noteDevice(c.device); got != c.isNew {
			t.Errorf("%d: %q is new %v, want %v", i, c.device, got, c.isNew)
		}
	}
	if len(s.cold.devices) != 3 {
		t.Errorf("%d devices beside the first", len(s.cold.devices))
	}
}

// The largest debit is that of earlier days: today's counts from tomorrow on.
func TestLargestDebit(t *testing.T) {
	s, d := NewState("acct:1"), event.Instant(24*time.Hour/time.Millisecond)
	for i, c := range []struct {
		at      event.Instant
		minor   int64
		largest int64
	}{{10 * d, 500, 0}, {10*d + 5, 300, 0}, {11*d - 1, 700, 0}, {11 * d, 100, 700}, {10 * d, 9000, 700},
		{12 * d, 1, 9000}, {15 * d, 1, 9000}} {
		if s.paid(c.at, c.minor); s.largest != c.largest {
			t.Errorf("payment %d: the largest is %d, want %d", i, s.largest, c.largest)
		}
	}
}

// kept is a payment of a person, so many minutes past noon, as its own bytes.
func kept(id string, minutes int) []byte {
	e := event.Event{Kind: event.KindTransfer, ID: id, At: noon.Add(time.Duration(minutes) * time.Minute),
		Transfer: event.Transfer{Amount: yuan(9), Payer: event.Party{Account: "1"}}}
	return event.AppendEvent(nil, &e)
}

// Four payments are remembered for late records, with what was known of each; those
// from before a moment are dropped.
func TestKeptPayments(t *testing.T) {
	s := NewState("tel:1")
	for i := range 5 {
		s.keep(&payment{newPayee: i == 2, newDevice: i == 3, stopped: i == 4}, kept(fmt.Sprint("t", i), i))
	}
	read := func(mark string) string {
		out, p := "", payment{}
		s.eachKept(&p, func() bool {
			out += fmt.Sprintf("%s %d %v %v %v, ", p.id, p.at.Sub(noon)/time.Minute, p.newPayee, p.newDevice, p.stopped)
			if p.transfer.Amount != yuan(9) {
				t.Errorf("%s is of %+v", p.id, p.transfer.Amount)
			}
			return p.id == mark
		})
		return out
	}
	want := "t1 1 false false false, t2 2 true false false, t3 3 false true false, t4 4 false false true, "
	if got := read("t2"); got != want || s.keptCount() != 4 {
		t.Errorf("%s", got)
	}
	s.expire(noon.Add(2 * time.Minute)) // the second, which is a stop's now, is not from before it
	if got := read(""); got != "t2 2 true false true, t3 3 false true false, t4 4 false false true, " {
		t.Errorf("%s", got)
	}
	if s.expire(noon.Add(time.Hour)); s.kept != nil || s.keptCount() != 0 {
		t.Errorf("%d are left", s.keptCount())
	}
	s.keep(&payment{}, []byte("nonsense"))
	s.keep(&payment{}, kept("t", 9))
	if got := read(""); got != "t 9 false false false, " {
		t.Errorf("%s", got)
	}
	if s.expire(noon); s.keptCount() != 1 {
		t.Errorf("what cannot be read is kept: %d", s.keptCount())
	}
	for want, p := range map[byte]payment{0: {}, 1: {newPayee: true}, 2: {newDevice: true}, 4: {stopped: true},
		7: {newPayee: true, newDevice: true, stopped: true}} {
		if got := p.flags(); got != want {
			t.Errorf("%+v is %d, want %d", p, got, want)
		}
	}
}

// A pattern is silent for as long as its cooldown, from when it spoke.
func TestCooldown(t *testing.T) {
	s, d := NewState("acct:1"), 24*time.Hour
	for i, c := range []struct {
		pattern uint64
		after   time.Duration
		speaks  bool
	}{{1, 0, true}, {1, d - 1e6, false}, {2, d - 1e6, true}, {1, d, true}, {1, 2*d - 1e6, false}, {2, 2*d - 2e6, false},
		{2, 2*d - 1e6, true}} {
		if got := s.startCooldown(c.pattern, noon.Add(c.after), d); got != c.speaks {
			t.Errorf("%d: pattern %d after %s speaks %v", i, c.pattern, c.after, got)
		}
	}
	if len(s.cold.cooldowns) != 2 {
		t.Errorf("%+v", s.cold.cooldowns)
	}
}

// A victim's payment is found by payee and amount, the nearest within two hours.
func TestFindDebit(t *testing.T) {
	h, payee := time.Hour, event.Hash("9")
	far, near, after := mv(debit, 3*h/2, payee, 500), mv(debit, h/2, payee, 500), mv(debit, -h, payee, 500)
	s := having(far, near, after, mv(debit, 0, payee, 501), mv(debit, 0, 1, 500), mv(credit, 0, payee, 500))
	for name, c := range map[string]struct {
		state *State
		minor int64
		at    event.Instant
		want  uint64
	}{
		"the nearest":         {s, 500, noon, near.tag & idBits},
		"an hour later":       {s, 500, noon.Add(h), after.tag & idBits},
		"two hours before":    {s, 500, noon.Add(-7 * h / 2), far.tag & idBits},
		"more than two hours": {s, 500, noon.Add(-7*h/2) - 1, 0},
		"two hours after":     {s, 500, noon.Add(3 * h), after.tag & idBits},
		"another amount":      {s, 499, noon, 0},
		"of nobody":           {nil, 500, noon, 0},
	} {
		if got, found := c.state.FindDebit("9", c.minor, c.at); got != c.want || found != (c.want != 0) {
			t.Errorf("%s: %d, %v, want %d", name, got, found, c.want)
		}
	}
}

// What came in from an account, less what was taken back.
func TestReceivedFrom(t *testing.T) {
	p := event.Hash("9")
	s := having(mv(credit, 0, p, 5), mv(credit, time.Hour, p, 6), mv(credit, time.Hour, p, 100, markReversed),
		mv(credit, 0, 1, 1000), mv(debit, 0, p, 10_000))
	if got := s.ReceivedFrom("9"); got != 11 {
		t.Errorf("%d, want 11", got)
	}
	if (*State)(nil).ReceivedFrom("9") != 0 {
		t.Error("nothing is known of nobody")
	}
}

// The reports of a holder in thirty days, each once, the last sixteen.
func TestReports(t *testing.T) {
	s, d := NewState("acct:1"), 24*time.Hour
	s.reported(1, noon.Add(-30*d))
	s.reported(2, noon.Add(-30*d)+1)
	s.reported(2, noon)
	if got := s.Reports(noon); got != 1 {
		t.Errorf("%d reports, want 1", got)
	}
	for i := range uint64(maxReports) {
		s.reported(10+i, noon)
	}
	if got := s.Reports(noon); got != 16 || len(s.cold.traced.reports) != 16 {
		t.Errorf("%d reports, want 16", got)
	}
	if s.reported(10, noon); s.cold.traced.reports[0].pattern != 10 {
		t.Error("the oldest made no room")
	}
	if (*State)(nil).Reports(noon) != 0 || NewState("acct:2").Reports(noon) != 0 {
		t.Error("nothing was reported")
	}
}
