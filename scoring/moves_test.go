package scoring

import (
	"fmt"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// mv is a movement so long before noon, with a counterpart, of an amount.
func mv(k movementKind, before time.Duration, counter uint64, amount int64, marks ...uint64) move {
	m := move{at: noon.Add(-before), counter: counter, amount: amount}
	m.tag = event.Hash(fmt.Sprint(k, before, counter, amount, marks))&idBits | uint64(k)
	for _, x := range marks {
		m.tag |= x
	}
	return m
}

// having is a state with movements.
func having(moves ...move) *State {
	s := NewState("acct:1")
	for _, m := range moves {
		s.add(m)
	}
	return s
}

// A window is open at its beginning and closed at its end: what is exactly so old is
// out, what is of this moment is in, what comes later is not.
func TestWindowBounds(t *testing.T) {
	lengths := []time.Duration{10 * time.Minute, 30 * time.Minute, time.Hour, 24 * time.Hour, 72 * time.Hour,
		7 * 24 * time.Hour, 14 * 24 * time.Hour, 30 * 24 * time.Hour}
	if len(windows) != len(lengths) || windows[day].length != 24*time.Hour || windows[day].suffix != "24h" {
		t.Fatalf("the windows are %v", windows)
	}
	for i, length := range lengths {
		var in, out totals
		having(mv(debit, length-time.Millisecond, 1, 7)).totals(debit, noon, &in)
		having(mv(debit, length, 1, 7)).totals(debit, noon, &out)
		for w := range windows {
			if got, want := in.sum[w], map[bool]int64{true: 7, false: 0}[w >= i]; got != want {
				t.Errorf("just within %s: the sum of %s is %d, want %d", length, windows[w].suffix, got, want)
			}
			if got, want := out.n[w], map[bool]int64{true: 1, false: 0}[w > i]; got != want {
				t.Errorf("%s ago: the count of %s is %d, want %d", length, windows[w].suffix, got, want)
			}
		}
	}
	s := having(mv(debit, 0, 1, 5), mv(debit, -time.Millisecond, 2, 90), mv(credit, 0, 1, 700),
		mv(debit, time.Minute, 3, 11, markReversed), mv(debit, 2*time.Minute, 4, 2, markNew))
	var got totals
	if s.totals(debit, noon, &got); got.n[0] != 2 || got.sum[0] != 7 {
		t.Errorf("%d payments of %d, want 2 of 7: without another sort, what is to come, what was taken back", got.n[0],
			got.sum[0])
	}
	for name, c := range map[string]struct {
		length      time.Duration
		marks       uint64
		n, sum, who int64
	}{
		"this moment":        {time.Millisecond, 0, 1, 5, 1},
		"up to two minutes":  {2 * time.Minute, 0, 1, 5, 1},
		"and two minutes":    {2*time.Minute + 1e6, 0, 2, 7, 2},
		"of those, the new":  {time.Hour, markNew, 1, 2, 1},
		"new ones to a shop": {time.Hour, markNew | markRetail, 0, 0, 0},
	} {
		n, sum := s.count(debit, noon, c.length, c.marks)
		if who := s.distinct(debit, noon, c.length, c.marks); n != c.n || sum != c.sum || who != c.who {
			t.Errorf("%s: %d of %d with %d, want %d of %d with %d", name, n, sum, who, c.n, c.sum, c.who)
		}
	}
	twice := having(mv(debit, 1, 9, 1), mv(debit, 2, 9, 1), mv(debit, 3, 9+2*maxMoves, 1))
	if got := twice.distinct(debit, noon, time.Hour, 0); got != 2 {
		t.Errorf("%d counterparts, want 2", got)
	}
}

// More than 64 movements of a sort are folded, the oldest first, into its hour; who
// they were with is remembered; another sort keeps its own.
func TestOldestAreFolded(t *testing.T) {
	s := having(mv(credit, 50*time.Hour, 500, 1))
	for i := range maxMoves {
		s.add(mv(debit, 10*time.Hour-time.Duration(i)*time.Minute, uint64(i+1), 10))
	}
	if len(s.moves) != maxMoves+1 || s.cold != nil {
		t.Fatalf("%d movements, %+v", len(s.moves), s.cold)
	}
	s.add(mv(debit, 0, 99, 10))
	if len(s.moves) != maxMoves+1 || len(s.cold.buckets) != 1 || s.moves[0].kind() != credit {
		t.Fatalf("%d movements, %d hours", len(s.moves), len(s.cold.buckets))
	}
	hour := int32(noon.Add(-10*time.Hour) / hourMillis)
	if b := s.cold.buckets[0]; b != (bucket{start: hour, kind: debit, n: 1, sum: 10}) {
		t.Errorf("%+v", b)
	}
	s.add(mv(debit, 0, 98, 10)) // of the same hour
	if b := s.cold.buckets; len(b) != 1 || b[0].n != 2 || b[0].sum != 20 {
		t.Errorf("%+v", b)
	}
	if first, met := s.firstMet(1); !met || first != noon.Add(-10*time.Hour) || len(s.contacts) != 2 {
		t.Errorf("who was paid first: %s, %v, %d contacts", first, met, len(s.contacts))
	}
	var got totals
	if s.totals(debit, noon, &got); got.n[day] != maxMoves+2 || got.sum[day] != 10*(maxMoves+2) {
		t.Errorf("%d of %d in a day", got.n[day], got.sum[day])
	}
	for i := range maxMoves { // what was taken back is forgotten without a trace; so is cash, as a counterpart
		s.add(mv(callIn, 5*time.Hour-time.Duration(i), 7, 1, markReversed))
	}
	s.add(mv(callIn, 0, 7, 1, markCash))
	if len(s.cold.buckets) != 1 {
		t.Errorf("what was taken back counts: %+v", s.cold.buckets)
	}
	cash := having(mv(debit, time.Hour, 5, 1, markCash))
	if cash.remember(&cash.moves[0]); len(cash.contacts) != 0 {
		t.Error("the cash desk is a counterpart")
	}
}

// A folded hour counts whole when any part of it lies in the window; after eight days
// it is a part of its day; after thirty it is gone.
func TestFoldedHours(t *testing.T) {
	at := func(hours int) *State { // of the hour that begins so many before noon
		s := NewState("acct:1")
		s.foldInto(bucket{start: int32(noon/hourMillis) - int32(hours), kind: debit, n: 3, sum: 30}, noon)
		return s
	}
	for name, c := range map[string]struct {
		hours, window int
		in            bool
	}{
		"of this hour":                {0, 0, true},
		"it ended now, in 10 minutes": {1, 0, true},
		"it ended an hour ago":        {2, 2, false},
		"and within a day":            {2, day, true},
		"its end is 23 hours ago":     {24, day, true},
		"its end is a day ago":        {25, day, false},
		"begins only":                 {-1, len(windows) - 1, false},
	} {
		var got totals
		at(c.hours).totals(debit, noon, &got)
		if in := got.n[c.window] == 3 && got.sum[c.window] == 30; in != c.in {
			t.Errorf("%s: in the window %v, want %v", name, in, c.in)
		}
	}
	var other totals
	if at(0).totals(credit, noon, &other); other != (totals{}) {
		t.Error("payments out count as payments in")
	}
	if b := at(8 * 24).cold.buckets[0]; b.day {
		t.Error("eight days ago is still an hour")
	}
	b := at(8*24 + 1).cold.buckets[0]
	if !b.day || b.start%24 != 0 || b.start > int32(noon/hourMillis)-8*24-1 || b.width() != 24*time.Hour {
		t.Errorf("over eight days ago: %+v", b)
	}
	if h := at(3).cold.buckets[0]; h.width() != time.Hour || h.from() != noon.Add(-3*time.Hour) {
		t.Errorf("%s from %s", h.width(), h.from())
	}
	s := at(24)
	now := int32(noon / hourMillis)
	for _, more := range []bucket{{start: now - 24, kind: debit, n: 1, sum: 1},
		{start: now - 24, kind: credit, n: 1, sum: 1}, {start: now, kind: debit, n: 1, sum: 1},
		{start: now - 48, kind: debit, n: 1, sum: 1}} {
		s.foldInto(more, noon)
	}
	if got := s.cold.buckets; len(got) != 4 || got[0].n != 1 || got[1].n != 4 || got[1].sum != 31 ||
		got[2].kind != credit || got[3].start != now {
		t.Errorf("%+v", got)
	}
}

// As time goes on, hours become days, days go, and movements older than thirty days
// are forgotten, but for who they were with.
func TestForget(t *testing.T) {
	s := having(mv(debit, 30*24*time.Hour, 1, 5), mv(debit, 30*24*time.Hour+time.Millisecond, 2, 5))
	if len(s.moves) != 2 {
		t.Fatal("two movements of one moment or so")
	}
	s.forget(noon)
	if len(s.moves) != 1 || s.moves[0].counter != 1 || len(s.contacts) != 1 || s.contacts[0].hash != 2 {
		t.Errorf("%+v, %+v", s.moves, s.contacts)
	}
	hour := int32(noon / hourMillis)
	for _, ago := range []int32{31*24 + 1, 29 * 24, 7*24 + 20, 1} {
		s.foldInto(bucket{start: hour - ago, kind: debit, n: 1, sum: int64(ago)}, noon.Add(-31*24*time.Hour))
	}
	s.forget(noon)
	if b := s.cold.buckets; len(b) != 3 || !b[0].day || b[1].day || b[2].day {
		t.Errorf("of a month: %+v", b)
	}
	s.forget(noon.Add(5 * time.Hour)) // the third is now older than eight days
	if b := s.cold.buckets; len(b) != 3 || !b[1].day || b[1].start%24 != 0 || b[2].day {
		t.Errorf("five hours on: %+v", b)
	}
	s.forget(noon.Add(2 * 24 * time.Hour))
	if b := s.cold.buckets; len(b) != 2 || b[0].sum != 7*24+20 {
		t.Errorf("two days on: %+v", b)
	}
	s.forget(noon.Add(60 * 24 * time.Hour))
	if len(s.cold.buckets) != 0 || len(s.moves) != 0 || len(s.contacts) != 2 {
		t.Errorf("two months on: %+v, %+v", s.cold.buckets, s.contacts)
	}
}

// Movements are found by sort and id, whatever their marks; of one moment they lie in
// the order of their tags.
func TestFindAndOrder(t *testing.T) {
	id := event.Hash("one")
	s := having(move{at: noon, tag: id&idBits | uint64(debit) | markNew, amount: 1},
		move{at: noon - 1, tag: id&idBits | uint64(credit), amount: 2}, move{at: noon, tag: 1<<16 | uint64(debit), amount: 3},
		move{at: noon - 2, tag: ^uint64(0)&idBits | uint64(debit), amount: 4})
	var got []int64
	for i := range s.moves {
		got = append(got, s.moves[i].amount)
	}
	if fmt.Sprint(got) != "[4 2 3 1]" {
		t.Errorf("the order is %v", got)
	}
	for k, want := range map[movementKind]int64{debit: 1, credit: 2, callIn: 0} {
		m := s.find(k, id)
		if m == nil && want != 0 || m != nil && m.amount != want {
			t.Errorf("of sort %d: %+v, want %d", k, m, want)
		}
	}
	if s.find(debit, event.Hash("two")) != nil {
		t.Error("found what is not there")
	}
	var few set
	for i := range uint64(maxMoves) {
		few.put(i*uint64(len(few.slots)) + 1) // all want one slot
	}
	few.put(1)
	if few.n != maxMoves || !few.has(1) || !few.has(uint64(len(few.slots))+1) || few.has(2) {
		t.Errorf("a set of %d", few.n)
	}
	if g := grow(make([]int, 8)); len(g) != 8 || cap(g) < 9 || cap(g) > 16 {
		t.Errorf("8 grow to %d", cap(g))
	}
	if room := make([]int, 3, 4); cap(grow(room)) != 4 {
		t.Error("what has place grows")
	}
}
