package scoring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"stopline.internal/stream/event"
	"stopline.internal/stream/event/packed"
)

// StateVersion is the version of encoded states, whose first byte it is.
const StateVersion = 3

// AppendState appends the state's bytes, as cold storage keeps them.
func AppendState(dst []byte, s *State) []byte {
	w := writer{append(dst, StateVersion)}
	w.int(s.Applied.Offset)
	w.int(int64(s.Applied.Index))
	w.int(int64(s.first))
	w.int(int64(s.last))
	w.int(int64(len(s.moves)))
	prev := event.Instant(0)
	for i := range s.moves {
		m := &s.moves[i]
		w.int(int64(m.at - prev))
		prev = m.at
		w.hash(m.tag)
		w.hash(m.counter)
		w.int(m.amount)
	}
	w.int(int64(len(s.contacts)))
	for _, c := range s.contacts {
		w.hash(c.hash)
		w.int(int64(c.first))
		w.int(int64(c.last) - int64(c.first))
	}
	w.text(string(s.kept))
	w.text(string(s.partner))
	w.hash(s.device)
	w.int(s.largest)
	w.int(s.largestToday)
	w.int(int64(s.today))
	w.int(int64(len(s.hops)))
	for i := range s.hops {
		h := &s.hops[i]
		w.text(string(h.name))
		w.buf = append(w.buf, byte(h.way))
		w.int(int64(h.at))
		w.int(h.minor)
		w.text(h.cause)
	}
	w.bool(s.cold != nil)
	if s.cold != nil {
		w.cold(s.cold)
	}
	return w.buf
}

func (w *writer) cold(r *cold) {
	w.int(int64(len(r.buckets)))
	for i := range r.buckets {
		b := &r.buckets[i]
		w.int(int64(b.start))
		w.buf = append(w.buf, byte(b.kind))
		w.bool(b.day)
		w.int(int64(b.n))
		w.int(b.sum)
	}
	w.int(int64(len(r.devices)))
	for _, d := range r.devices {
		w.hash(d)
	}
	w.int(int64(len(r.cooldowns)))
	for _, q := range r.cooldowns {
		w.hash(q.pattern)
		w.int(int64(q.at))
	}
	w.int(int64(len(r.trails)))
	for i := range r.trails {
		t := &r.trails[i]
		w.text(string(t.origin))
		w.int(int64(t.since))
		w.int(int64(t.score))
		w.int(int64(t.hop))
		w.int(int64(t.at))
		w.int(t.minor)
		w.text(t.cause)
	}
	w.int(int64(len(r.notified)))
	for _, h := range r.notified {
		w.hash(h)
	}
	w.bool(r.traced != nil)
	if r.traced != nil {
		w.traced(r.traced)
	}
	w.bool(r.caller != nil)
	if c := r.caller; c != nil {
		w.int(int64(len(c.days)))
		for _, d := range c.days {
			w.int(int64(d.day))
			w.int(int64(d.out))
			w.int(int64(d.in))
		}
		for _, day := range c.callees {
			w.int(int64(day))
		}
		for _, list := range [][]sighting{c.handsets, c.cells} {
			w.int(int64(len(list)))
			for _, t := range list {
				w.hash(t.hash)
				w.int(int64(t.day))
			}
		}
	}
	w.int(int64(r.swappedAt))
	w.int(int64(r.forwardingAt))
	w.int(int64(r.wokeAt))
	w.int(int64(r.silence))
	w.text(r.watch)
	w.int(int64(r.watchUntil))
}

// ReadState decodes what AppendState wrote.
func ReadState(e event.Entity, b []byte) (*State, error) {
	if len(b) == 0 || b[0] != StateVersion {
		return nil, fmt.Errorf("state of %s: %w", e, errVersion)
	}
	r := reader{packed.NewReader(b[1:])}
	s := &State{Entity: e}
	s.Applied = Place{r.Int(), int32(r.Int())}
	s.first, s.last = event.Instant(r.Int()), event.Instant(r.Int())
	prev := event.Instant(0)
	s.moves = list[move](&r)
	for i := range s.moves {
		prev += event.Instant(r.Int())
		s.moves[i] = move{at: prev, tag: r.Hash(), counter: max(1, r.Hash()), amount: r.Int()}
	}
	s.contacts = list[contact](&r)
	for i := range s.contacts {
		c := contact{hash: r.Hash(), first: uint32(r.Int())}
		c.last = uint32(int64(c.first) + r.Int())
		s.contacts[i] = c
	}
	if kept := r.text(); kept != "" {
		s.kept = []byte(kept)
		if !wellKept(s.kept) {
			return nil, fmt.Errorf("state of %s: its remembered payments: %w", e, errShort)
		}
	}
	s.partner = event.Entity(r.text())
	s.device, s.largest, s.largestToday, s.today = r.Hash(), r.Int(), r.Int(), int32(r.Int())
	s.hops = list[neighbour](&r)
	for i := range s.hops {
		s.hops[i] = neighbour{event.Entity(r.text()), way(r.Byte()), event.Instant(r.Int()), r.Int(), r.text()}
	}
	if r.Byte() == 1 {
		s.cold = r.cold()
	}
	if r.Failed() {
		return nil, fmt.Errorf("state of %s: %w", e, errShort)
	}
	return s, nil
}

func (r *reader) cold() *cold {
	o := &cold{buckets: list[bucket](r)}
	for i := range o.buckets {
		o.buckets[i] = bucket{start: int32(r.Int()), kind: movementKind(r.Byte()), day: r.Byte() == 1, n: uint32(r.Int()),
			sum: r.Int()}
	}
	o.devices = list[uint64](r)
	for i := range o.devices {
		o.devices[i] = r.Hash()
	}
	o.cooldowns = list[cooldown](r)
	for i := range o.cooldowns {
		o.cooldowns[i] = cooldown{r.Hash(), event.Instant(r.Int())}
	}
	o.trails = list[trail](r)
	for i := range o.trails {
		o.trails[i] = trail{event.Entity(r.text()), event.Instant(r.Int()), int(r.Int()), int(r.Int()),
			event.Instant(r.Int()), r.Int(), r.text()}
	}
	o.notified = list[uint64](r)
	for i := range o.notified {
		o.notified[i] = r.Hash()
	}
	if r.Byte() == 1 {
		o.traced = r.traced()
	}
	if r.Byte() == 1 {
		c := &caller{days: list[callDay](r)}
		for i := range c.days {
			c.days[i] = callDay{uint16(r.Int()), uint16(r.Int()), uint16(r.Int())}
		}
		for i := range c.callees {
			c.callees[i] = uint16(r.Int())
		}
		for _, into := range []*[]sighting{&c.handsets, &c.cells} {
			*into = list[sighting](r)
			for i := range *into {
				(*into)[i] = sighting{r.Hash(), uint16(r.Int())}
			}
		}
		o.caller = c
	}
	o.swappedAt, o.forwardingAt, o.wokeAt = event.Instant(r.Int()), event.Instant(r.Int()), event.Instant(r.Int())
	o.silence, o.watch, o.watchUntil = time.Duration(r.Int()), r.text(), event.Instant(r.Int())
	return o
}

func (w *writer) traced(r *traced) {
	w.bool(r.needsPayments)
	w.int(int64(len(r.reports)))
	for _, q := range r.reports {
		w.hash(q.pattern)
		w.int(int64(q.at))
	}
	w.int(int64(len(r.taints)))
	for i := range r.taints {
		t := &r.taints[i]
		for _, s := range []string{t.CaseID, t.StopID, t.Type, t.District, t.Pattern} {
			w.text(s)
		}
		w.hash(t.credit)
		w.int(int64(t.At))
		w.int(t.Minor)
		w.int(t.Offset)
		w.int(t.Whole)
		w.int(int64(t.Hop))
		w.int(t.held)
		w.int(int64(t.since))
	}
	w.int(int64(len(r.outs)))
	for i := range r.outs {
		o := &r.outs[i]
		w.hash(o.key)
		w.int(int64(o.at))
		w.int(o.minor)
		w.int(o.balance)
		for _, s := range []string{o.id, o.account, o.bank, o.holder} {
			w.text(s)
		}
		w.bool(o.shop)
	}
}

func (r *reader) traced() *traced {
	o := &traced{needsPayments: r.Byte() == 1}
	o.reports = list[cooldown](r)
	for i := range o.reports {
		o.reports[i] = cooldown{r.Hash(), event.Instant(r.Int())}
	}
	o.taints = list[taint](r)
	for i := range o.taints {
		t := &o.taints[i]
		t.CaseID, t.StopID, t.Type, t.District, t.Pattern = r.text(), r.text(), r.text(), r.text(), r.text()
		t.credit, t.At, t.Minor, t.Offset, t.Whole, t.Hop, t.held, t.since = r.Hash(), event.Instant(r.Int()), r.Int(), r.Int(), r.Int(), int(r.Int()), r.Int(), event.Instant(r.Int())
	}
	o.outs = list[spent](r)
	for i := range o.outs {
		o.outs[i] = spent{key: r.Hash(), at: event.Instant(r.Int()), minor: r.Int(), balance: r.Int(), id: r.text(),
			account: r.text(), bank: r.text(), holder: r.text(), shop: r.Byte() == 1}
	}
	return o
}

// list makes a slice of the length that comes next; nil for none.
func list[T any](r *reader) []T {
	if n := r.len(); n > 0 {
		return make([]T, n)
	}
	return nil
}

// wellKept says whether the lengths of remembered payments add up.
func wellKept(b []byte) bool {
	for len(b) > 0 {
		size, head := binary.Uvarint(b)
		if head <= 0 || size < 1 || size > uint64(len(b)-head) {
			return false
		}
		b = b[head+int(size):]
	}
	return true
}

var errVersion = errors.New("another version of the program wrote it")

var errShort = errors.New("the bytes end too soon")

type writer struct{ buf []byte }

func (w *writer) int(v int64)   { w.buf = binary.AppendVarint(w.buf, v) }
func (w *writer) hash(v uint64) { w.buf = binary.LittleEndian.AppendUint64(w.buf, v) }
func (w *writer) bool(v bool) {
	if v {
		w.buf = append(w.buf, 1)
	} else {
		w.buf = append(w.buf, 0)
	}
}

func (w *writer) text(s string) {
	w.int(int64(len(s)))
	w.buf = append(w.buf, s...)
}

// reader reads what a writer wrote.
type reader struct{ packed.Reader }

// len is a count of things that are at least one byte each.
func (r *reader) len() int {
	n := r.Int()
	if n < 0 || n > int64(r.Left()) {
		r.Fail()
		return 0
	}
	return int(n)
}

func (r *reader) text() string { return string(r.Bytes(uint64(r.len()))) }
