package ledger

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

var noon = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))

func proposal(minor int64) stop.Proposal {
	return stop.Proposal{Account: stop.Account{Number: "6217", Bank: "PCBC"}, Minor: minor, Currency: event.CNY,
		Transfer: stop.Transfer{ID: "t", Minor: minor, At: noon}, Hop: 1, FraudType: "account-takeover"}
}

func fold(t *testing.T, l *Ledger, events ...Entry) (last Result) {
	t.Helper()
	for i := range events {
		last = l.Apply(&events[i])
		mustBeSaid(t, last)
	}
	return last
}

// mustBeSaid holds what the fold did with an entry to having words where it was
// refused, and none where it was accepted.
func mustBeSaid(t *testing.T, r Result) {
	t.Helper()
	if r.Accepted != r.Why.None() {
		t.Fatalf("accepted %v, and refused with %q", r.Accepted, r.Why.Code)
	}
	if r.Accepted {
		return
	}
	if err := r.Why.Check(); err != nil {
		t.Fatal(err)
	}
}

func TestLifeOfAStop(t *testing.T) {
	l := New(law.Default)
	events := StopEntries(stop.Propose(l.Terms(), "stp_1", "cas_1", proposal(4_980_000), noon, "scoring"))
	fold(t, l, events...)
	fold(t, l, events...) // proposing it again changes nothing
	s := l.Stop("stp_1")
	if s.State != stop.Requested || s.Version != 2 {
		t.Fatalf("%s at version %d, want requested at 2", s.State, s.Version)
	}
	waiting, more := l.Waiting("PCBC", 10)
	if len(waiting) != 1 {
		t.Fatalf("%d stops wait for the bank, want 1", len(waiting))
	}
	if other, _ := l.Waiting("ICBK", 10); len(other) != 0 {
		t.Error("another bank sees the stop")
	}
	o := stop.Outcome{Result: stop.Partial, EffectiveAt: noon.Add(time.Second), HeldMinor: 3_000_000,
		Onward: []stop.Onward{{ID: "o1", ToAccount: "6228", ToBank: "ABOC", Minor: 1_500_000, At: noon}, {ID: "o2",
			Minor: 480_000, At: noon}, {ID: "o3", ToAccount: "6229", ToBank: "ABOC", Minor: 9_999_999, At: noon}}}
	if why := o.Check(s, noon.Add(time.Minute)); !why.None() {
		t.Fatal(why)
	}
	if r := fold(t, l, StopEntry(stop.Answer(l.Terms(), s, o, noon.Add(time.Minute), "PCBC"))); !r.Accepted ||
		r.Stop.State != stop.Partial || r.Stop.HeldMinor != 3_000_000 {
		t.Fatalf("%+v", r)
	}
	// The trail: 19,800 went on; first in first out, o2 was cash, and o1 and o2
	// account for all of it.
	next, ends := l.Follow(l.Stop("stp_1"))
	if len(next) != 1 || next[0].Proposal.Minor != 1_500_000 || next[0].Proposal.Account.Number != "6228" ||
		next[0].Proposal.Hop != 2 {
		t.Fatalf("followed %+v, want one stop of 15,000.00 on 6228", next)
	}
	if len(ends) != 1 || ends[0].Why != stop.LeafCash || ends[0].Minor != 480_000 {
		t.Fatalf("the trail ends at %+v, want 4,800.00 in cash", ends)
	}
	select {
	case <-more:
		t.Error("a bank was woken for another's stop")
	default:
	}
	fold(t, l, StopEntries(stop.Propose(l.Terms(), next[0].StopID, "cas_1", next[0].Proposal, noon, "trail"))...)
	if f := l.Totals(); f.HeldMinor != 3_000_000 || f.Requested != 2 || f.Partial != 1 {
		t.Errorf("%+v", f)
	}
}

// 48 hours run from the moment that the hold took effect.
func TestHoldExpires(t *testing.T) {
	l := New(law.Default)
	fold(t, l, StopEntries(stop.Propose(l.Terms(), "s", "c", proposal(100), noon, "scoring"))...)
	effective := noon.Add(30 * time.Second)
	fold(t, l, StopEntry(stop.Answer(l.Terms(), l.Stop("s"), stop.Outcome{Result: stop.Held, EffectiveAt: effective,
		HeldMinor: 100}, noon.Add(time.Minute), "bank")))
	end := effective.Add(48 * time.Hour)
	if due := l.Due(end - 1); len(due) != 0 {
		t.Fatalf("a millisecond before its end the hold is due: %+v", due)
	}
	due := l.Due(end)
	if len(due) != 1 || due[0].State != string(stop.Expired) {
		t.Fatalf("at its end: %+v", due)
	}
	fold(t, l, due...)
	if r := fold(t, l, due...); r.Accepted {
		t.Error("two replicas saw the deadline, and both events were accepted")
	}
	if s := l.Stop("s"); s.State != stop.Expired || !s.State.Closed() {
		t.Errorf("%s", s.State)
	}
}

func TestBankThatDoesNotAnswer(t *testing.T) {
	l := New(law.Default)
	fold(t, l, StopEntries(stop.Propose(l.Terms(), "s", "c", proposal(100), noon, "scoring"))...)
	fold(t, l, l.Due(noon.Add(law.Default.Respond))...)
	if s := l.Stop("s"); s.State != stop.Undelivered {
		t.Fatalf("%s, want undelivered", s.State)
	}
	if w, _ := l.Waiting("PCBC", 1); len(w) != 1 {
		t.Error("an undelivered stop must still be there for its bank")
	}
	late := StopEntry(stop.Answer(l.Terms(), l.Stop("s"), stop.Outcome{Result: stop.Missed}, noon.Add(time.Hour),
		"bank"))
	if r := fold(t, l, late); !r.Accepted {
		t.Errorf("a late answer was not accepted: %s", r.Why)
	}
}

func TestLargeStopWaitsForAPerson(t *testing.T) {
	l := New(law.Default)
	fold(t, l, StopEntries(stop.Propose(l.Terms(), "s", "c", proposal(law.Default.AutoLimit+1), noon, "scoring"))...)
	if s := l.Stop("s"); s.State != stop.Proposed {
		t.Errorf("%s, want proposed", s.State)
	}
	if w, _ := l.Waiting("PCBC", 1); len(w) != 0 {
		t.Error("the bank sees a stop that nobody approved")
	}
}

// Many replicas write entries for the versions that they saw, late, twice and
// in any order that the log gives: every fold of the log comes to one answer,
// and no version is accepted twice.
func TestSimReplicasAgree(t *testing.T) {
	const histories = 2000
	for seed := range uint64(histories) {
		r := rand.New(rand.NewPCG(seed, 9))
		writer := New(law.Default)
		var log []Entry
		write := func(e Entry) {
			log = append(log, e)
			writer.Apply(&e)
		}
		for i := range 3 {
			for _, e := range StopEntries(stop.Propose(law.Default, fmt.Sprint("s", i), "c", proposal(int64(100+i)),
				noon, "scoring")) {
				write(e)
			}
		}
		stale := make([]*stop.Stop, 3)
		for step := range 30 {
			i := r.IntN(3)
			now := noon.Add(time.Duration(step) * time.Hour * 6)
			if stale[i] == nil || r.IntN(3) > 0 {
				stale[i] = writer.Stop(fmt.Sprint("s", i)) // else decide on what was seen before
			}
			s := stale[i]
			e := s.Next(now, fmt.Sprint("replica", r.IntN(2)))
			e.ID = fmt.Sprint("e", step)
			e.State = []stop.State{stop.Acknowledged, stop.Held, stop.Missed, stop.Released, stop.Extended, stop.Frozen,
				stop.Rejected, stop.Requested}[r.IntN(8)]
			if e.State == stop.Held {
				e = stop.Answer(law.Default, s, stop.Outcome{Result: stop.Held, EffectiveAt: now, HeldMinor: s.Minor},
					now, "bank")
			}
			write(StopEntry(e))
			if r.IntN(4) == 0 {
				write(log[r.IntN(len(log))]) // again, out of order
			}
			for _, d := range writer.Due(now) {
				write(d)
			}
		}
		reader := New(law.Default)
		accepted := map[string]bool{}
		for i := range log {
			res := reader.Apply(&log[i])
			mustBeSaid(t, res)
			if res.Accepted {
				key := fmt.Sprint(log[i].StopID, log[i].Version)
				if accepted[key] {
					t.Fatalf("seed %d: version %s was accepted twice", seed, key)
				}
				accepted[key] = true
			}
		}
		for i := range 3 {
			a, b := writer.Stop(fmt.Sprint("s", i)), reader.Stop(fmt.Sprint("s", i))
			if a.Version != b.Version || a.State != b.State || a.HeldMinor != b.HeldMinor {
				t.Fatalf("seed %d: two folds of one log differ: %+v, %+v", seed, a, b)
			}
			if b.State.Holds() && b.HeldMinor > b.Minor {
				t.Fatalf("seed %d: more is held than was asked for", seed)
			}
		}
	}
}
