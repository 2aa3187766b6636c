package scoring

import (
	"time"

	"stopline/stream/event"
)

// maxMoves is how many single movements an entity remembers in each direction.
// Older ones are folded into hours: their counts and sums stay, at a grain of
// one hour; who they were with, and that they were counted, is forgotten.
const maxMoves = 64

// memory is how long movements count at all.
const memory = 7 * 24 * time.Hour

// Marks of a movement.
const (
	markUnknown  = 1 << iota // the counterpart was a stranger then
	markForeign              // the caller's number is of another country
	markSpoofed              // the caller's number was forged
	markRunning              // the call has not ended yet
	markReversed             // the transfer was taken back, and counts no more
	markLink                 // the message had a link
)

// move is a payment, a call or a message, in one direction.
type move struct {
	at      event.Instant
	id      uint64 // hash of the event's id
	counter uint64 // hash of the counterpart
	amount  int64  // minor units, or seconds of a call
	marks   uint8
}

// hour holds what has been folded of one hour.
type hour struct {
	start event.Instant
	n     int32
	sum   int64
}

// flow is what went one way: debits, credits, calls made, calls taken, messages.
type flow struct {
	moves []move // by time
	hours []hour // by time
}

// find returns the movement with the id, nil when it is not remembered.
func (f *flow) find(id uint64) *move {
	for i := len(f.moves) - 1; i >= 0; i-- {
		if f.moves[i].id == id {
			return &f.moves[i]
		}
	}
	return nil
}

// add puts a movement that find did not know in its place by time.
func (f *flow) add(m move) {
	i := len(f.moves)
	for i > 0 && f.moves[i-1].at > m.at {
		i--
	}
	f.moves = append(f.moves, move{})
	copy(f.moves[i+1:], f.moves[i:])
	f.moves[i] = m
	f.forget(f.moves[len(f.moves)-1].at.Add(-memory))
	if len(f.moves) > maxMoves {
		f.fold(f.moves[0])
		f.moves = f.moves[:copy(f.moves, f.moves[1:])]
	}
}

// forget drops what is before the moment.
func (f *flow) forget(before event.Instant) {
	n := 0
	for n < len(f.moves) && f.moves[n].at < before {
		n++
	}
	if n > 0 {
		f.moves = f.moves[:copy(f.moves, f.moves[n:])]
	}
	n = 0
	for n < len(f.hours) && f.hours[n].start.Add(time.Hour) <= before {
		n++
	}
	if n > 0 {
		f.hours = f.hours[:copy(f.hours, f.hours[n:])]
	}
}

// fold counts a movement in its hour.
func (f *flow) fold(m move) {
	if m.marks&markReversed == 0 {
		f.foldHour(hour{start: m.at - m.at%event.Instant(time.Hour.Milliseconds()), n: 1, sum: m.amount})
	}
}

func (f *flow) foldHour(h hour) {
	i := len(f.hours)
	for i > 0 && f.hours[i-1].start > h.start {
		i--
	}
	if i > 0 && f.hours[i-1].start == h.start {
		f.hours[i-1].n += h.n
		f.hours[i-1].sum += h.sum
		return
	}
	f.hours = append(f.hours, hour{})
	copy(f.hours[i+1:], f.hours[i:])
	f.hours[i] = h
}

// window counts and sums the movements in (to-length, to]. A folded hour
// counts whole when any part of it lies in the window.
func (f *flow) window(to event.Instant, length time.Duration) (n, sum int64) {
	from := to.Add(-length)
	for i := len(f.moves) - 1; i >= 0 && f.moves[i].at > from; i-- {
		if m := &f.moves[i]; m.at <= to && m.marks&markReversed == 0 {
			n++
			sum += m.amount
		}
	}
	for i := len(f.hours) - 1; i >= 0 && f.hours[i].start.Add(time.Hour) > from; i-- {
		if f.hours[i].start <= to {
			n += int64(f.hours[i].n)
			sum += f.hours[i].sum
		}
	}
	return n, sum
}

// distinct counts the counterparts in (to-length, to], among the remembered
// movements: it never exceeds maxMoves.
func (f *flow) distinct(to event.Instant, length time.Duration) int64 {
	from := to.Add(-length)
	var seen [maxMoves]uint64
	n := 0
next:
	for i := len(f.moves) - 1; i >= 0 && f.moves[i].at > from; i-- {
		m := &f.moves[i]
		if m.at > to || m.marks&markReversed != 0 {
			continue
		}
		for _, s := range seen[:n] {
			if s == m.counter {
				continue next
			}
		}
		seen[n] = m.counter
		n++
	}
	return int64(n)
}

// count counts the remembered movements in (to-length, to] that bear all the marks.
func (f *flow) count(to event.Instant, length time.Duration, marks uint8) (n int64) {
	from := to.Add(-length)
	for i := len(f.moves) - 1; i >= 0 && f.moves[i].at > from; i-- {
		if m := &f.moves[i]; m.at <= to && m.marks&marks == marks {
			n++
		}
	}
	return n
}

// merge adds the movements of a past that was read late. What both know
// counts once.
func (f *flow) merge(past *flow) {
	for _, h := range past.hours {
		f.foldHour(h)
	}
	for _, m := range past.moves {
		if f.find(m.id) == nil {
			f.add(m)
		}
	}
}
