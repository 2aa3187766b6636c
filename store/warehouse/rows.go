package warehouse

import (
	"math"
	"strings"

	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
)

// Rows are rows of the books that are not written yet: what a batch of one
// partition of the log says. A zero value is empty. One goroutine owns it.
type Rows struct {
	// Since leaves out what happened before that moment; 0: nothing is left out.
	Since event.Instant

	transfers []transfer
	conflicts []Conflict
	calls     []call
	messages  []message
	sims      []sim
	verdicts  []stopRow
	alerts    []AlertRow
	stops     []stopRow
	reports   []ledger.ReportNote
	losses    []loss
	progress  []stopRow
	facts     map[string]fact // by stop
	dirty     map[string]bool // days to compute
	rows      int
	bytes     int // about what they take
}

type transfer struct {
	id   string
	at   event.Instant
	rank uint64
	event.Transfer
}

type call struct {
	id   string
	at   event.Instant
	rank uint64
	event.Call
}

type message struct {
	id   string
	at   event.Instant
	rank uint64
	event.Message
}

type sim struct {
	id   string
	at   event.Instant
	rank uint64
	event.SIM
}

// Conflict is a repeat of a transfer that scoring refused: it says another payee,
// amount or currency than the first.
type Conflict struct {
	ID       string
	At       event.Instant
	Transfer event.Transfer
	Source   string // topic/partition:offset of the repeat
}

// AlertRow is an alert as the books keep it.
type AlertRow struct {
	ID, Entity, Action, FraudType, StopID, CaseID, District string
	SubjectStop, Catalogue                                  string
	At                                                      event.Instant
	Score                                                   int
	Patterns                                                []string
	Document                                                []byte
}

type stopRow struct {
	ledger.Entry
	offset         int64
	held, returned int64 // of the stop, after the event
	document       []byte
}

// loss is a payment as the report that brought it has it.
type loss struct {
	*ledger.ReportNote
	ledger.Loss
}

// Len is the number of rows.
func (r *Rows) Len() int { return r.rows }

// Bytes is about how much memory they take.
func (r *Rows) Bytes() int { return r.bytes }

// rowBytes is about what a row takes beside its document.
const rowBytes = 400

func (r *Rows) added(document []byte) {
	r.rows++
	r.bytes += rowBytes + len(document)
}

// Add adds the rows of another batch, which came later where both are of one
// partition.
func (r *Rows) Add(o *Rows) {
	r.transfers = append(r.transfers, o.transfers...)
	r.conflicts = append(r.conflicts, o.conflicts...)
	r.calls = append(r.calls, o.calls...)
	r.messages = append(r.messages, o.messages...)
	r.sims = append(r.sims, o.sims...)
	r.verdicts = append(r.verdicts, o.verdicts...)
	r.alerts = append(r.alerts, o.alerts...)
	r.stops = append(r.stops, o.stops...)
	r.reports = append(r.reports, o.reports...)
	r.losses = append(r.losses, o.losses...)
	r.progress = append(r.progress, o.progress...)
	for id, f := range o.facts {
		r.putFact(id, f)
	}
	for day := range o.dirty {
		r.dirtyDay(day)
	}
	r.rows += o.rows
	r.bytes += o.bytes
}

// The rank of a row says which of those with its key counts, the highest: the
// furthest state, and of those alike the first of the log. The place in the log
// falls from one row to the next; a block has fewer than 65,536 legs.
func rank(state uint8, offset int64, index int) uint64 {
	const places = 1<<56 - 1
	return uint64(state)<<56 | (places - min(uint64(offset)<<16|uint64(min(index, math.MaxUint16)), places))
}

// Leg takes the transfer or call that a leg carries, from one of its legs, with
// its place in the log: the offset of its block, and its index there. The texts
// are cloned: they belong to the leg's block.
func (r *Rows) Leg(l *event.Leg, offset int64, index int) {
	if l.Event.At < r.Since {
		return
	}
	switch l.Role {
	case event.RoleDebit:
		r.transfers = append(r.transfers, transfer{strings.Clone(l.Event.ID), l.Event.At,
			rank(uint8(l.Event.Transfer.Status), offset, index), event.CloneTransfer(l.Event.Transfer)})
	case event.RoleCallee:
		c := l.Event.Call
		for _, s := range []*string{&c.Caller, &c.Callee, &c.IMEI, &c.CallerCell, &c.CalleeCell} {
			*s = strings.Clone(*s)
		}
		r.calls = append(r.calls, call{strings.Clone(l.Event.ID), l.Event.At, rank(bit(c.Ended), offset, index), c})
	case event.RoleRecipient:
		m := &l.Event.Message
		r.messages = append(r.messages, message{strings.Clone(l.Event.ID), l.Event.At, rank(0, offset, index),
			event.Message{Sender: strings.Clone(m.Sender), Recipient: strings.Clone(m.Recipient),
				LinkHost: strings.Clone(m.LinkHost)}})
	case event.RoleSIM:
		c := &l.Event.SIM
		r.sims = append(r.sims, sim{strings.Clone(l.Event.ID), l.Event.At, rank(0, offset, index),
			event.SIM{Number: strings.Clone(c.Number), Change: strings.Clone(c.Change)}})
	default:
		return
	}
	r.added(nil)
}

// Conflict takes a repeat of a transfer that was refused.
func (r *Rows) Conflict(c Conflict) {
	r.conflicts = append(r.conflicts, c)
	r.added(nil)
}

// Alert takes an alert.
func (r *Rows) Alert(a AlertRow) {
	if a.At < r.Since {
		return
	}
	r.alerts = append(r.alerts, a)
	r.added(a.Document)
}

// Entry takes an event that the ledger accepted, with its offset in the log, and
// what the fold made of it.
func (r *Rows) Entry(e *ledger.Entry, res *ledger.Result, document []byte, offset int64) {
	if e.At < r.Since {
		return
	}
	row := stopRow{Entry: *e, offset: offset, document: document}
	switch now := res.Stop; {
	case res.Report != nil:
		r.report(res.Report)
	case e.Verdict != nil:
		r.verdicts = append(r.verdicts, row)
	case e.Progress != nil:
		r.progress = append(r.progress, row)
	case now != nil && e.Delivery == nil:
		row.held, row.returned = now.HeldMinor, now.ReturnedMinor
		r.stops = append(r.stops, row)
	default:
		return // the log has it
	}
	r.added(document)
}

// report takes a report, and the payments that it brought.
func (r *Rows) report(n *ledger.ReportNote) {
	r.reports = append(r.reports, *n)
	for _, k := range n.Brought {
		r.losses = append(r.losses, loss{n, k})
	}
	r.Dirty(n.At)
}

// Newest is the latest moment that any of the rows tells of; 0 where there is none.
func (r *Rows) Newest() (at event.Instant) {
	for i := range r.transfers {
		at = max(at, r.transfers[i].at)
	}
	for i := range r.calls {
		at = max(at, r.calls[i].at)
	}
	for i := range r.messages {
		at = max(at, r.messages[i].at)
	}
	for i := range r.alerts {
		at = max(at, r.alerts[i].At)
	}
	return at
}
