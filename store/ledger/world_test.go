package ledger

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// world is a small city of replicas, people and banks around one log. Everything
// in it may come late, twice, out of order, or be a lie; replicas crash and read
// the log again.
type world struct {
	t        *testing.T
	seed     uint64
	r        *rand.Rand
	now      event.Instant
	log      [2][]Entry // by partition, by the case
	oracle   *Ledger    // has read everything
	replicas [2]*Ledger
	read     [2][2]int
	senders  [2]*delivery.Sender
	inFlight [2][]*delivery.Outgoing
	accepted map[string]bool
	done     map[string]int // work that the banks did, by message
	down     map[string]bool
	n        int
	stops    int
}

var banks = []string{"ICBK", "PCBC", "ABOC"}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 4)), now: noon, oracle: New(law.Default),
		accepted: map[string]bool{}, done: map[string]int{}, down: map[string]bool{}}
	for i := range w.replicas {
		w.crash(i)
	}
	return w
}

func (w *world) crash(i int) {
	w.replicas[i], w.read[i] = New(law.Default), [2]int{}
	w.senders[i] = delivery.NewSender(delivery.DefaultPolicy, rand.New(rand.NewPCG(w.seed, uint64(i))))
	w.inFlight[i] = nil
}

func (w *world) failf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("seed %d, step %d: %s", w.seed, w.n, fmt.Sprintf(format, args...))
}

// write appends to the log; the oracle folds it at once, and what must never be
// is looked for.
func (w *world) write(events ...Entry) {
	for _, e := range events {
		p := int(event.Hash(e.CaseID) % 2)
		e.Place = step.Place{Partition: p, Offset: int64(len(w.log[p]))}
		w.log[p] = append(w.log[p], e)
		before := w.oracle.Stop(e.StopID)
		res := w.oracle.Apply(&e)
		if !res.Accepted {
			if err := res.Why.Check(); err != nil {
				w.failf("%v", err)
			}
			continue
		}
		if e.StopID == "" || e.Delivery != nil {
			continue
		}
		key := fmt.Sprint(e.StopID, " ", e.Version)
		if w.accepted[key] {
			w.failf("version %s was accepted twice", key)
		}
		w.accepted[key] = true
		s := res.Stop
		switch {
		case e.Bank != "" && e.Bank != s.Account.Bank:
			w.failf("%s answered for a stop at %s", e.Bank, s.Account.Bank)
		case s.HeldMinor > s.Minor || s.HeldMinor < 0 || s.ReturnedMinor > s.HeldMinor || s.ReleasedMinor < 0 ||
			s.HeldMinor+s.ReleasedMinor > s.Minor:
			w.failf("asked %d, held %d, released %d, returned %d", s.Minor, s.HeldMinor, s.ReleasedMinor,
				s.ReturnedMinor)
		case s.State.Stops() && s.Until > s.EffectiveAt.Add(2*law.Default.Hold):
			w.failf("a stop from %s until %s", s.EffectiveAt, s.Until)
		case before != nil && before.State.Holds() && before.State != stop.Returning && before.Until < e.At &&
			e.State != string(stop.Expired) && e.State != string(stop.Released):
			w.failf("a hold that ended at %s became %s at %s", before.Until, e.State, e.At)
		case e.State == string(stop.Requested) && s.Timeline[0].By == e.By && e.By != "scoring" && e.By != "trail":
			w.failf("%s approved what %s proposed", e.By, s.Timeline[0].By)
		}
	}
}

// catchUp lets a replica read some of the log, or all.
func (w *world) catchUp(i int, all bool) {
	for p := range w.log {
		for w.read[i][p] < len(w.log[p]) && (all || w.r.IntN(4) > 0) {
			w.replicas[i].Apply(&w.log[p][w.read[i][p]])
			w.read[i][p]++
		}
	}
}

func (w *world) some(l *Ledger) *stop.Stop {
	if w.stops == 0 {
		return nil
	}
	return l.Stop(fmt.Sprint("stp_", w.r.IntN(w.stops)))
}

// finish lets everybody read everything and do what is due: then no hold is past
// its end, and every replica knows the same.
func (w *world) finish() {
	for range 6 {
		for i := range w.replicas {
			w.catchUp(i, true)
			w.write(w.replicas[i].Due(w.now)...)
		}
	}
	for i := range w.replicas {
		w.catchUp(i, true)
	}
	children := map[string]int64{}
	for n := range w.stops {
		s := w.oracle.Stop(fmt.Sprint("stp_", n))
		if s == nil {
			continue
		}
		if s.Parent != "" {
			children[s.Parent] += s.Minor
		}
		if s.State.Holds() && s.State != stop.Returning && s.Until <= w.now {
			w.failf("%s is %s past its end %s", s.ID, s.State, s.Until)
		}
		var back int64
		for _, e := range s.Timeline {
			if e.Change != nil && e.Change.Kind == stop.ChangeReturned {
				back += e.Change.Minor
			}
		}
		if back != s.ReturnedMinor || back > s.HeldMinor {
			w.failf("%s: %d paid back of %d held", s.ID, back, s.HeldMinor)
		}
		for i, l := range w.replicas {
			o := l.Stop(s.ID)
			if o == nil || o.Version != s.Version || o.State != s.State || o.HeldMinor != s.HeldMinor ||
				o.ReturnedMinor != s.ReturnedMinor || o.Until != s.Until {
				w.failf("replica %d knows %s otherwise: %+v, %+v", i, s.ID, o, s)
			}
		}
	}
	for id, sum := range children {
		if p := w.oracle.Stop(id); p != nil && sum > p.Minor {
			w.failf("of %d that came into %s, %d are followed", p.Minor, id, sum)
		}
	}
	for _, account := range []string{"n0", "n1", "n2", "n3", "n4"} {
		for c := range 3 {
			w.underStop(fmt.Sprint("cas_", c), account)
		}
	}
}

// underStop sums how long an account was under stops of a case, by the hour.
func (w *world) underStop(caseID, account string) {
	stops, _ := w.oracle.List(Filter{CaseID: caseID, Account: account, Limit: 1000})
	hours := map[event.Instant]bool{}
	for _, s := range stops {
		for at := s.EffectiveAt; s.EffectiveAt != 0 && at < s.EndedAt; at = at.Add(time.Hour) {
			hours[at/event.Instant(time.Hour.Milliseconds())] = true
		}
	}
	if most := 2*48 + 2*len(stops); len(hours) > most { // each may begin and end within an hour
		w.failf("account %s was under stops of %s for %d hours", account, caseID, len(hours))
	}
}
