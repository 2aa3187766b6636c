package scoring

import (
	"fmt"
	"strconv"
	"time"

	"stopline.internal/stream/event"
)

// Description is a state for people who look for a fault: what an entity is
// remembered for. Counterparts are hashes, as the state has them.
type Description struct {
	Entity    event.Entity        `json:"entity"`
	LastLeg   string              `json:"last_leg"` // offset:index in the legs partition
	First     event.Instant       `json:"first_seen,omitempty"`
	Last      event.Instant       `json:"last_seen,omitempty"`
	Partner   event.Entity        `json:"pays_under,omitempty"` // the number of an account, or the account of a number
	Movements []DescribedMovement `json:"movements,omitempty"`  // one by one, oldest first
	Folded    []DescribedMovement `json:"folded,omitempty"`     // older ones, by hour or day
	Contacts  int                 `json:"contacts_beyond_movements"`
	Kept      int                 `json:"payments_kept_for_late_records"`
	Watch     string              `json:"watchlist,omitempty"`
	Trails    []string            `json:"trails,omitempty"` // of stopped accounts, and of money that merely passes on
	Tainted   []string            `json:"tainted,omitempty"`
	Largest   int64               `json:"largest_debit_minor"` // of the days before the last one
	Caller    bool                `json:"calls_much"`          // has a profile of a month
}

// DescribedMovement is a payment, call or message, or what has been folded of one
// sort in an hour or a day.
type DescribedMovement struct {
	At      event.Instant `json:"at"`
	Kind    string        `json:"kind"`
	Counter string        `json:"counterpart,omitempty"` // hash, in hexadecimal
	Amount  int64         `json:"amount"`                // minor units, or seconds of a call
	Count   uint32        `json:"count,omitempty"`       // of what was folded
	Span    string        `json:"span,omitempty"`        // that it was folded into
	Marks   []string      `json:"marks,omitempty"`
}

var movementNames = [movementKinds]string{"debit", "credit", "call in", "call out", "message in", "message out"}

var markNames = []struct {
	bit  uint64
	name string
}{{markNew, "stranger"}, {markForeign, "foreign"}, {markSpoofed, "spoofed"}, {markRunning, "running"},
	{markReversed, "reversed"}, {markLink, "link"}, {markCash, "cash"}, {markRetail, "shop"}}

// Describe returns what the state holds.
func (s *State) Describe() Description {
	r := s.readCold()
	d := Description{Entity: s.Entity, LastLeg: fmt.Sprintf("%d:%d", s.Applied.Offset, s.Applied.Index),
		First: s.first, Last: s.last, Partner: s.partner,
		Contacts: len(s.contacts), Kept: s.keptCount(), Watch: r.watch, Largest: s.largest, Caller: r.caller != nil}
	for i := range s.moves {
		m := &s.moves[i]
		one := DescribedMovement{At: m.at, Kind: movementNames[m.kind()], Counter: strconv.FormatUint(m.counter, 16),
			Amount: m.amount}
		for _, mark := range markNames {
			if m.has(mark.bit) {
				one.Marks = append(one.Marks, mark.name)
			}
		}
		d.Movements = append(d.Movements, one)
	}
	for i := range r.buckets {
		b := &r.buckets[i]
		span := "hour"
		if b.width() > time.Hour {
			span = "day"
		}
		d.Folded = append(d.Folded, DescribedMovement{At: b.from(), Kind: movementNames[b.kind], Amount: b.sum,
			Count: b.n, Span: span})
	}
	for i := range r.trails {
		t := &r.trails[i]
		d.Trails = append(d.Trails, fmt.Sprintf("from %s, %d transfers on, by %s at %s, score %d", t.origin, t.hop,
			t.cause, t.at, t.score))
	}
	for i := range s.trace().taints {
		t := &s.trace().taints[i]
		d.Tainted = append(d.Tainted, fmt.Sprintf("%d of %d minor units at %s, of stop %s (hop %d), held %d", t.Minor,
			t.Whole, t.At, t.StopID, t.Hop, t.held))
	}
	return d
}
