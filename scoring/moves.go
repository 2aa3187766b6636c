package scoring

import (
	"slices"
	"time"

	"stopline.internal/stream/event"
)

// maxMoves is how many single movements of a sort an entity remembers. Older
// ones are folded into hours, and those into days: their counts and sums stay,
// at that grain; who they were with, and that they were counted, is forgotten.
const maxMoves = 64

// memory is how long movements count at all, and hourly how long at the grain
// of an hour.
const (
	memory = 30 * 24 * time.Hour
	hourly = 8 * 24 * time.Hour
)

// movementKind is what a movement is to the entity.
type movementKind uint8

const (
	debit movementKind = iota
	credit
	callIn
	callOut
	messageIn
	messageOut
	movementKinds
)

// A movement's tag holds its sort and marks in the low bits, and a hash of the
// event's id in the others.
const (
	kindBits     = 0b111
	markNew      = 1 << (iota + 2) // the counterpart was a stranger then
	markForeign                    // the caller's number is of another country
	markSpoofed                    // the caller's number was forged
	markRunning                    // the call has not ended yet
	markReversed                   // the transfer was taken back, and counts no more
	markLink                       // the message had a link
	markCash                       // the payment was a withdrawal
	markRetail                     // the payment was made in a shop
	idBits       = ^uint64(1<<16 - 1)

	// Of an amount that is not in yuan nothing is counted; these bits tell it from
	// another one, 30 times in 31. Zero: it was noted before they were.
	foreignShift = 11
	foreignBits  = 31 << foreignShift
)

// move is a payment, a call or a message, in one direction.
type move struct {
	at      event.Instant
	tag     uint64
	counter uint64 // hash of the counterpart
	amount  int64  // minor units, or seconds of a call
}

func (m *move) kind() movementKind    { return movementKind(m.tag & kindBits) }
func (m *move) has(marks uint64) bool { return m.tag&marks == marks }

// counts says whether the movement is of the sort and was not taken back.
func (m *move) counts(s movementKind) bool { return m.tag&(kindBits|markReversed) == uint64(s) }

// bucket holds what has been folded of one hour, or of one day.
type bucket struct {
	start int32 // hours since the epoch
	kind  movementKind
	day   bool
	n     uint32
	sum   int64
}

func (b *bucket) width() time.Duration {
	if b.day {
		return 24 * time.Hour
	}
	return time.Hour
}

func (b *bucket) from() event.Instant { return event.Instant(b.start) * hourMillis }

const hourMillis = event.Instant(60 * 60 * 1000)

// find returns the movement of the sort with the event's id, nil when it is
// not remembered.
func (s *State) find(k movementKind, id uint64) *move {
	want := id&idBits | uint64(k)
	for i := len(s.moves) - 1; i >= 0; i-- {
		if s.moves[i].tag&(idBits|kindBits) == want {
			return &s.moves[i]
		}
	}
	return nil
}

// add puts a movement that find did not know in its place by time.
func (s *State) add(m move) {
	i := len(s.moves)
	for i > 0 && later(&s.moves[i-1], &m) {
		i--
	}
	s.moves = append(grow(s.moves), move{})
	copy(s.moves[i+1:], s.moves[i:])
	s.moves[i] = m
	newest := s.moves[len(s.moves)-1].at
	s.forget(newest)
	s.bound(m.kind(), newest)
}

// grow makes place for one more, and for a quarter again and no more than that:
// there are millions of these.
func grow[T any](s []T) []T {
	if len(s) < cap(s) {
		return s
	}
	return append(make([]T, 0, len(s)+len(s)/4+1), s...)
}

// later orders movements by time, and those of one moment by their ids, so
// that the order of arrival does not show.
func later(a, b *move) bool { return a.at > b.at || a.at == b.at && a.tag > b.tag }

// bound folds the oldest movement of a sort that has too many.
func (s *State) bound(k movementKind, newest event.Instant) {
	n, oldest := 0, 0
	for i := len(s.moves) - 1; i >= 0; i-- {
		if s.moves[i].kind() == k {
			n++
			oldest = i
		}
	}
	if n <= maxMoves {
		return
	}
	if m := &s.moves[oldest]; !m.has(markReversed) {
		s.foldInto(bucket{start: int32(m.at / hourMillis), kind: k, n: 1, sum: m.amount}, newest)
	}
	s.remember(&s.moves[oldest])
	s.moves = slices.Delete(s.moves, oldest, oldest+1)
}

// forget drops what is too old to count, and folds hours into days.
func (s *State) forget(newest event.Instant) {
	n, before := 0, newest.Add(-memory)
	for n < len(s.moves) && s.moves[n].at < before {
		s.remember(&s.moves[n])
		n++
	}
	if n > 0 {
		s.moves = s.moves[:copy(s.moves, s.moves[n:])]
	}
	if s.cold == nil || len(s.cold.buckets) == 0 {
		return
	}
	old, coarse := s.cold.buckets, newest.Add(-hourly)
	if b := &old[0]; b.from().Add(b.width()) > before && (b.day || b.from() >= coarse) &&
		!slices.ContainsFunc(old, func(b bucket) bool { return !b.day && b.from() < coarse }) {
		return
	}
	s.cold.buckets = nil
	for _, b := range old {
		if b.from().Add(b.width()) > before {
			s.foldInto(b, newest)
		}
	}
}

// foldInto adds a bucket to those that are there.
func (s *State) foldInto(b bucket, newest event.Instant) {
	if !b.day && b.from() < newest.Add(-hourly) {
		b.day, b.start = true, b.start-b.start%24
	}
	r := s.makeCold()
	i := len(r.buckets)
	for i > 0 && r.buckets[i-1].start > b.start {
		i--
	}
	for j := i - 1; j >= 0 && r.buckets[j].start == b.start; j-- {
		if o := &r.buckets[j]; o.kind == b.kind && o.day == b.day {
			o.n += b.n
			o.sum += b.sum
			return
		}
	}
	r.buckets = slices.Insert(r.buckets, i, b)
}

// windows are the spans that counts and sums are kept over, shortest first.
var windows = [...]struct {
	suffix, words string
	length        time.Duration
}{
	{"10m", "10 minutes", 10 * time.Minute}, {"30m", "30 minutes", 30 * time.Minute}, {"1h", "an hour", time.Hour},
	{"24h", "24 hours", 24 * time.Hour}, {"72h", "72 hours", 72 * time.Hour}, {"7d", "7 days", 7 * 24 * time.Hour},
	{"14d", "14 days", 14 * 24 * time.Hour}, {"30d", "30 days", 30 * 24 * time.Hour},
}

// totals are counts and sums of one sort, by window.
type totals struct {
	n, sum [len(windows)]int64
}

// totals counts and sums the movements of a sort in (to-length, to], for every
// window at once. A folded hour or day counts whole when any part of it lies in
// the window.
func (s *State) totals(k movementKind, to event.Instant, t *totals) {
	*t = totals{}
	w := 0
	for i := len(s.moves) - 1; i >= 0; i-- {
		m := &s.moves[i]
		if m.at > to {
			continue
		}
		for w < len(windows) && to.Sub(m.at) >= windows[w].length {
			w++
		}
		if w == len(windows) {
			break
		}
		if m.counts(k) {
			t.n[w]++
			t.sum[w] += m.amount
		}
	}
	if s.cold != nil {
		for i := range s.cold.buckets {
			b := &s.cold.buckets[i]
			if b.kind != k || b.from() > to {
				continue
			}
			age := to.Sub(b.from().Add(b.width()))
			for w := range windows {
				if age < windows[w].length {
					t.n[w] += int64(b.n)
					t.sum[w] += b.sum
					break
				}
			}
		}
	}
	for w := 1; w < len(windows); w++ {
		t.n[w] += t.n[w-1]
		t.sum[w] += t.sum[w-1]
	}
}

// set is a small set of hashes: at most maxMoves of them.
type set struct {
	slots [2 * maxMoves]uint64
	n     int
}

// put adds a hash, which is never zero.
func (s *set) put(h uint64) {
	for i := h % uint64(len(s.slots)); ; i = (i + 1) % uint64(len(s.slots)) {
		switch s.slots[i] {
		case h:
			return
		case 0:
			s.slots[i] = h
			s.n++
			return
		}
	}
}

// distinct counts the counterparts in (to-length, to] among the remembered
// movements of a sort that bear all the marks: never more than maxMoves.
func (s *State) distinct(k movementKind, to event.Instant, length time.Duration, marks uint64) int64 {
	from := to.Add(-length)
	var seen set
	for i := len(s.moves) - 1; i >= 0 && s.moves[i].at > from; i-- {
		if m := &s.moves[i]; m.at <= to && m.counts(k) && m.has(marks) {
			seen.put(m.counter)
		}
	}
	return int64(seen.n)
}

// count counts the remembered movements of a sort in (to-length, to] that bear
// all the marks, and sums them.
func (s *State) count(k movementKind, to event.Instant, length time.Duration, marks uint64) (n, sum int64) {
	from := to.Add(-length)
	for i := len(s.moves) - 1; i >= 0 && s.moves[i].at > from; i-- {
		if m := &s.moves[i]; m.at <= to && m.counts(k) && m.has(marks) {
			n++
			sum += m.amount
		}
	}
	return n, sum
}
