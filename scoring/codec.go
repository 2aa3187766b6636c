package scoring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"stopline/stream/event"
)

// stateVersion is the first byte of an encoded state.
const stateVersion = 1

// AppendState appends the state's bytes, as cold storage keeps them.
func AppendState(dst []byte, s *State) []byte {
	w := writer{append(dst, stateVersion)}
	w.int(s.Applied.Offset)
	w.int(int64(s.Applied.Index))
	w.int(int64(s.first))
	w.int(int64(s.last))
	w.int(int64(s.wokeAt))
	w.int(int64(s.slept))
	for _, f := range []*flow{&s.debits, &s.credits, &s.callsIn, &s.callsTo, &s.messages} {
		w.int(int64(len(f.moves)))
		prev := event.Instant(0)
		for i := range f.moves {
			m := &f.moves[i]
			w.int(int64(m.at - prev))
			prev = m.at
			w.hash(m.id)
			w.hash(m.counter)
			w.int(m.amount)
			w.buf = append(w.buf, m.marks)
		}
		w.int(int64(len(f.hours)))
		for _, h := range f.hours {
			w.int(int64(h.start))
			w.int(int64(h.n))
			w.int(h.sum)
		}
	}
	w.int(int64(len(s.contacts)))
	for _, c := range s.contacts {
		w.hash(c.hash)
		w.int(int64(c.first))
		w.int(int64(c.last - c.first))
	}
	w.int(int64(len(s.devices)))
	for _, d := range s.devices {
		w.hash(d)
	}
	w.int(int64(s.swappedAt))
	w.int(int64(s.forwardingAt))
	w.text(s.risk)
	w.int(int64(s.riskUntil))
	w.int(s.largest)
	w.int(int64(s.today))
	w.int(s.largestToday)
	w.int(int64(len(s.quiet)))
	for _, q := range s.quiet {
		w.hash(q.pattern)
		w.int(int64(q.at))
	}
	w.int(int64(len(s.payments)))
	for i := range s.payments {
		p := &s.payments[i]
		w.hash(p.key)
		w.bool(p.newPayee)
		w.bool(p.newDevice)
		w.bool(p.stopped)
		e := event.Event{Kind: event.KindTransfer, ID: p.id, At: p.at, Transfer: p.transfer}
		leg := event.AppendLeg(event.BeginBlock(nil), event.Touch{Role: event.RolePayment}, event.Source{}, event.AppendEvent(nil, &e))
		w.int(int64(len(leg)))
		w.buf = append(w.buf, leg...)
	}
	return w.buf
}

// ReadState decodes what AppendState wrote.
func ReadState(e event.Entity, b []byte) (*State, error) {
	if len(b) == 0 || b[0] != stateVersion {
		return nil, fmt.Errorf("state of %s: unknown version", e)
	}
	r := reader{buf: b[1:]}
	s := &State{Entity: e}
	s.Applied = Place{r.int(), int32(r.int())}
	s.first, s.last = event.Instant(r.int()), event.Instant(r.int())
	s.wokeAt, s.slept = event.Instant(r.int()), time.Duration(r.int())
	for _, f := range []*flow{&s.debits, &s.credits, &s.callsIn, &s.callsTo, &s.messages} {
		prev := event.Instant(0)
		if n := r.len(); n > 0 {
			f.moves = make([]move, n)
		}
		for i := range f.moves {
			prev += event.Instant(r.int())
			f.moves[i] = move{at: prev, id: r.hash(), counter: r.hash(), amount: r.int(), marks: r.byte()}
		}
		if n := r.len(); n > 0 {
			f.hours = make([]hour, n)
		}
		for i := range f.hours {
			f.hours[i] = hour{event.Instant(r.int()), int32(r.int()), r.int()}
		}
	}
	if n := r.len(); n > 0 {
		s.contacts = make([]contact, n)
	}
	for i := range s.contacts {
		c := contact{hash: r.hash(), first: event.Instant(r.int())}
		c.last = c.first + event.Instant(r.int())
		s.contacts[i] = c
	}
	for range r.len() {
		s.devices = append(s.devices, r.hash())
	}
	s.swappedAt, s.forwardingAt = event.Instant(r.int()), event.Instant(r.int())
	s.risk, s.riskUntil = r.text(), event.Instant(r.int())
	s.largest, s.today, s.largestToday = r.int(), int32(r.int()), r.int()
	for range r.len() {
		s.quiet = append(s.quiet, quiet{r.hash(), event.Instant(r.int())})
	}
	for range r.len() {
		p := payment{key: r.hash(), newPayee: r.byte() == 1, newDevice: r.byte() == 1, stopped: r.byte() == 1}
		block, err := event.OpenBlock(r.bytes(r.len()))
		if err != nil {
			return nil, fmt.Errorf("state of %s: %w", e, err)
		}
		var leg event.Leg
		if !block.Next(&leg) {
			return nil, fmt.Errorf("state of %s: %w", e, event.ErrBlock)
		}
		p.id, p.at, p.transfer = leg.Event.ID, leg.Event.At, leg.Event.Transfer
		s.remember(p)
	}
	if r.short {
		return nil, fmt.Errorf("state of %s: %w", e, errShort)
	}
	return s, nil
}

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

type reader struct {
	buf   []byte
	short bool
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.buf)
	if n <= 0 {
		r.short, r.buf = true, nil
		return 0
	}
	r.buf = r.buf[n:]
	return v
}

// len is a count of things that are at least one byte each.
func (r *reader) len() int {
	n := r.int()
	if n < 0 || n > int64(len(r.buf)) {
		r.short, r.buf = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.buf) {
		r.short, r.buf = true, nil
		return nil
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) hash() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) text() string { return string(r.bytes(r.len())) }
