package scoring

import (
	"time"

	"stopline.internal/stream/event"
)

// View is what a condition looks at: one entity at one moment, and the payment
// in question, which is the leg's own or, for a record that comes after the
// payment it explains, a remembered one.
type View struct {
	state    *State
	leg      *event.Leg
	pay      *payment // nil when no payment is in question
	own      payment  // the leg's own, when it is one
	now      event.Instant
	controls *Controls
	network  *Network
	clock    event.Instant // the latest moment that the partition has seen

	sums    [movementKinds]totals // of now
	summed  uint8                 // which of them are
	payload []byte
}

// begin looks at an entity as a leg comes.
func (v *View) begin(s *State, l *event.Leg) {
	v.state, v.leg, v.pay = s, l, nil
	v.at(l.Event.At)
}

// at moves the view to a moment.
func (v *View) at(now event.Instant) { v.now, v.summed = now, 0 }

// totals are the counts and sums of a sort, by window.
func (v *View) totals(k movementKind) *totals {
	if v.summed&(1<<k) == 0 {
		v.state.totals(k, v.now, &v.sums[k])
		v.summed |= 1 << k
	}
	return &v.sums[k]
}

// clockGrace is how far a call's beginning may lie after the payment, since the
// clocks of telecoms and banks differ.
const clockGrace = time.Minute

// longestRunning bounds a call whose end was never reported.
const longestRunning = 4 * time.Hour

// never is the age of what has not happened.
const never = 10 * 365 * 24 * time.Hour

// longestCall is the longest call with the marks in a while before now.
func (v *View) longestCall(window time.Duration, marks uint64) (longest time.Duration) {
	s := v.state
	from, to := v.now.Add(-window), v.now.Add(clockGrace)
	for i := len(s.moves) - 1; i >= 0 && s.moves[i].at > from; i-- {
		if m := &s.moves[i]; m.at <= to && m.kind() == callIn && m.has(marks) {
			longest = max(longest, v.length(m))
		}
	}
	return longest
}

// length of a call by now: one that runs has lasted since it began.
func (v *View) length(m *move) time.Duration {
	if !m.has(markRunning) {
		return time.Duration(m.amount) * time.Second
	}
	return max(0, min(v.now.Sub(m.at), longestRunning))
}

// sinceCall is how long ago the last call of five minutes and more from a
// stranger ended; zero while it runs.
func (v *View) sinceCall() time.Duration {
	shortest := never
	s := v.state
	for i := len(s.moves) - 1; i >= 0; i-- {
		m := &s.moves[i]
		if m.kind() != callIn || !m.has(markNew) || m.at > v.now.Add(clockGrace) {
			continue
		}
		length := v.length(m)
		if length < 5*time.Minute {
			continue
		}
		if m.has(markRunning) {
			return 0
		}
		shortest = min(shortest, max(0, v.now.Sub(m.at.Add(length))))
	}
	return shortest
}

// alikeFloor leaves out what friends who share a meal send each other.
const alikeFloor = 100_00

// alike is the largest number of different new counterparts with one and the
// same amount of 100 yuan and more, among the remembered movements of a sort within a while.
func (v *View) alike(k movementKind, window time.Duration) (most int64) {
	s := v.state
	from := v.now.Add(-window)
	for i := len(s.moves) - 1; i >= 0 && s.moves[i].at > from; i-- {
		a := &s.moves[i]
		if a.at > v.now || a.amount < alikeFloor || !a.counts(k) || !a.has(markNew) {
			continue
		}
		var met set
		met.put(a.counter)
		for j := i - 1; j >= 0 && s.moves[j].at > from; j-- {
			if b := &s.moves[j]; b.amount == a.amount && b.counts(k) && b.has(markNew) {
				met.put(b.counter)
			}
		}
		if most = max(most, int64(met.n)); most > int64(i) {
			break // nothing further back can be more
		}
	}
	return most
}

// run is the longest run, ending with the last, of payments to payees first
// met within a while, each at least so many percent of the one before (what is
// less than a tenth of the next is passed over); and what all of them sum to, on how many days,
// and what those payees paid back.
type run struct {
	payments, days int64
	sum, back      int64
}

func (v *View) rising(window time.Duration, percent int64) (r run) {
	s := v.state
	from := v.now.Add(-window)
	var met set
	next, day := int64(0), int64(-1)
	broken := false
	for i := len(s.moves) - 1; i >= 0 && s.moves[i].at > from; i-- {
		m := &s.moves[i]
		if m.at > v.now || !m.counts(debit) || m.has(markCash) || s.knownFor(m.counter, v.now) >= window {
			continue
		}
		met.put(m.counter)
		r.sum += m.amount
		if d := int64(m.at / (24 * hourMillis)); d != day {
			day = d
			r.days++
		}
		if next != 0 && 10*m.amount < next {
			continue // small change between large payments is no part of the story
		}
		if broken = broken || next != 0 && m.amount > next*100/percent; !broken {
			r.payments++
			next = m.amount
		}
	}
	if met.n == 0 {
		return r
	}
	for i := len(s.moves) - 1; i >= 0 && s.moves[i].at > from; i-- {
		if m := &s.moves[i]; m.at <= v.now && m.counts(credit) && met.has(m.counter) {
			r.back += m.amount
		}
	}
	return r
}

// has says whether the set holds a hash.
func (s *set) has(h uint64) bool {
	for i := h % uint64(len(s.slots)); s.slots[i] != 0; i = (i + 1) % uint64(len(s.slots)) {
		if s.slots[i] == h {
			return true
		}
	}
	return false
}

// smallCredits counts the credits of 1 to 500 yuan from payers who were new
// then, within a while.
func (v *View) smallCredits(window time.Duration) (n int64) {
	s := v.state
	from := v.now.Add(-window)
	for i := len(s.moves) - 1; i >= 0 && s.moves[i].at > from; i-- {
		if m := &s.moves[i]; m.at <= v.now && m.counts(credit) && m.amount >= 100 && m.amount <= 500_00 &&
			s.knownFor(m.counter, v.now) < window {
			n++
		}
	}
	return n
}

// paidBack counts the credits of 1 to 500 yuan within a while from accounts
// that had been paid before, and were first met within that while.
func (v *View) paidBack(window time.Duration) (n int64) {
	s := v.state
	from := v.now.Add(-window)
	var paid set
	i := len(s.moves)
	for i > 0 && s.moves[i-1].at > from {
		i--
	}
	for ; i < len(s.moves) && s.moves[i].at <= v.now; i++ {
		switch m := &s.moves[i]; {
		case m.counts(debit) && !m.has(markCash):
			paid.put(m.counter)
		case m.counts(credit) && m.amount >= 100 && m.amount <= 500_00 && paid.has(m.counter) &&
			s.knownFor(m.counter, v.now) < window:
			n++
		}
	}
	return n
}

// merchant says whether the account looks like a shop: at least 20 payments in
// shops from at least 10 payers in a month, and these most of what came in.
func (v *View) merchant() bool {
	s := v.state
	if len(s.moves) < 20 {
		return false
	}
	retail, all := int64(0), int64(0)
	var payers set
	from := v.now.Add(-memory)
	for i := len(s.moves) - 1; i >= 0 && s.moves[i].at > from; i-- {
		if m := &s.moves[i]; m.at <= v.now && m.counts(credit) {
			all++
			if m.has(markRetail) {
				retail++
				payers.put(m.counter)
			}
		}
	}
	return retail >= 20 && payers.n >= 10 && 2*retail > all
}

// callees estimates the different numbers called within a month.
func (v *View) callees() int64 {
	exact := v.state.distinct(callOut, v.now, memory, 0)
	if c := v.state.readCold().caller; c != nil {
		return max(exact, c.distinctCallees(dayOf(v.now)))
	}
	return exact
}

// month is the calls of a month: made, taken, and days with any.
func (v *View) month() (out, in, days int64) {
	if c := v.state.readCold().caller; c != nil {
		return c.month(dayOf(v.now))
	}
	last := int64(-1)
	from := v.now.Add(-memory)
	for i := len(v.state.moves) - 1; i >= 0 && v.state.moves[i].at > from; i-- {
		m := &v.state.moves[i]
		switch m.kind() {
		case callOut:
			out++
		case callIn:
			in++
		default:
			continue
		}
		if d := int64(dayOf(m.at)); d != last {
			last = d
			days++
		}
	}
	return out, in, days
}

// fraction is the quotient of two counts or sums; zero when the second is.
func fraction(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func homeMinor(m event.Money) int64 {
	if m.Currency != event.CNY {
		return 0
	}
	return m.Minor
}

// since is how long ago something happened; [never] when it had not by now.
func since(now, then event.Instant) time.Duration {
	if then == 0 || then > now.Add(clockGrace) {
		return never
	}
	return max(0, now.Sub(then))
}
