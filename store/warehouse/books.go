package warehouse

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Books gathers rows and writes them in batches, a table at a time. One
// goroutine owns it. Rows stay until they are written.
type Books struct {
	w         *Warehouse
	transfers []transfer
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
	since     time.Time
}

type transfer struct {
	id string
	at event.Instant
	event.Transfer
}

type call struct {
	id string
	at event.Instant
	event.Call
}

type message struct {
	id string
	at event.Instant
	event.Message
}

type sim struct {
	id string
	at event.Instant
	event.SIM
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

// NewBooks returns books without rows.
func (w *Warehouse) NewBooks() *Books { return &Books{w: w} }

// Rows is the number of rows that wait; Age is how long the oldest has.
func (b *Books) Rows() int { return b.rows }

// Age is how long the oldest row has waited.
func (b *Books) Age(now time.Time) time.Duration {
	if b.rows == 0 {
		return 0
	}
	return now.Sub(b.since)
}

func (b *Books) added() {
	if b.rows == 0 {
		b.since = time.Now()
	}
	b.rows++
}

// Leg takes the transfer or call that a leg carries, from one of its legs.
// The texts are cloned: they belong to the leg's block.
func (b *Books) Leg(l *event.Leg) {
	switch l.Role {
	case event.RoleDebit:
		b.transfers = append(b.transfers, transfer{strings.Clone(l.Event.ID), l.Event.At,
			event.CloneTransfer(l.Event.Transfer)})
		b.added()
	case event.RoleCallee:
		c := l.Event.Call
		for _, s := range []*string{&c.Caller, &c.Callee, &c.IMEI, &c.CallerCell, &c.CalleeCell} {
			*s = strings.Clone(*s)
		}
		b.calls = append(b.calls, call{strings.Clone(l.Event.ID), l.Event.At, c})
		b.added()
	case event.RoleRecipient:
		m := &l.Event.Message
		b.messages = append(b.messages, message{strings.Clone(l.Event.ID), l.Event.At,
			event.Message{Sender: strings.Clone(m.Sender), Recipient: strings.Clone(m.Recipient),
				LinkHost: strings.Clone(m.LinkHost)}})
		b.added()
	case event.RoleSIM:
		c := &l.Event.SIM
		b.sims = append(b.sims, sim{strings.Clone(l.Event.ID), l.Event.At,
			event.SIM{Number: strings.Clone(c.Number), Change: strings.Clone(c.Change)}})
		b.added()
	}
}

// Alert takes an alert.
func (b *Books) Alert(a AlertRow) {
	b.alerts = append(b.alerts, a)
	b.added()
}

// Entry takes an event that the ledger accepted, with its offset in the log, and
// what the fold made of it.
func (b *Books) Entry(e *ledger.Entry, res *ledger.Result, document []byte, offset int64) {
	row := stopRow{Entry: *e, offset: offset, document: document}
	switch now := res.Stop; {
	case res.Report != nil:
		b.report(res.Report)
	case e.Verdict != nil:
		b.verdicts = append(b.verdicts, row)
	case e.Progress != nil:
		b.progress = append(b.progress, row)
	case now != nil && e.Delivery == nil:
		row.held, row.returned = now.HeldMinor, now.ReturnedMinor
		b.stops = append(b.stops, row)
	default:
		return // the log has it
	}
	b.added()
}

// report takes a report, and the payments that it brought.
func (b *Books) report(r *ledger.ReportNote) {
	b.reports = append(b.reports, *r)
	for _, k := range r.Brought {
		b.losses = append(b.losses, loss{r, k})
	}
	b.Dirty(r.At)
}

// Written counts the rows of each table that a flush wrote.
type Written map[string]int

// Flush writes everything that waits. After an error the rows are still there.
func (b *Books) Flush(ctx context.Context) (Written, error) {
	done := Written{}
	err := writeAll(ctx, b.w, "transfers", &b.transfers, done, func(t *transfer) []any {
		return []any{t.id, t.at.Time(), t.Payer.Account, t.Payer.Bank, t.Payer.Holder, t.Payer.Phone,
			t.Payee.Account, t.Payee.Bank, t.Payee.Holder, t.Amount.Minor, string(t.Amount.Currency), t.Channel,
			uint8(t.Status), t.PayerBalance, t.PayeeBalance, t.Device, t.Purpose, t.District}
	})
	if err == nil {
		err = writeAll(ctx, b.w, "calls", &b.calls, done, func(c *call) []any {
			return []any{c.id, c.at.Time(), c.Caller, c.Callee, bit(c.Ended), c.Seconds, bit(c.Spoofed), bit(c.Foreign),
				c.IMEI, c.CallerCell}
		})
	}
	if err == nil {
		err = writeAll(ctx, b.w, "messages", &b.messages, done, func(m *message) []any {
			return []any{m.id, m.at.Time(), m.Sender, m.Recipient, m.LinkHost}
		})
	}
	if err == nil {
		err = writeAll(ctx, b.w, "sims", &b.sims, done,
			func(s *sim) []any { return []any{s.id, s.at.Time(), s.Number, s.Change} })
	}
	if err == nil {
		err = writeAll(ctx, b.w, "alerts", &b.alerts, done, func(a *AlertRow) []any {
			return []any{a.ID, a.At.Time(), a.Entity, uint16(a.Score), a.Action, a.FraudType, a.Patterns, a.StopID, a.CaseID,
				a.District, a.Document, a.SubjectStop, a.Catalogue}
		})
	}
	if err == nil {
		err = writeAll(ctx, b.w, "verdicts", &b.verdicts, done, func(r *stopRow) []any {
			v := r.Verdict
			return []any{v.AlertID, r.CaseID, v.Verdict, r.Reason, r.By, r.At.Time()}
		})
	}
	if err == nil {
		err = writeAll(ctx, b.w, "stops", &b.stops, done, stopColumns)
	}
	if err == nil {
		err = writeAll(ctx, b.w, "reports", &b.reports, done, reportColumns)
	}
	if err == nil {
		err = writeAll(ctx, b.w, "reported_payments", &b.losses, done, lossColumns)
	}
	if err == nil {
		err = writeAll(ctx, b.w, "progress", &b.progress, done, func(r *stopRow) []any {
			return []any{r.CaseID, uint32(r.Version), r.State, uint32(r.Progress.Arrests), r.By, r.At.Time()}
		})
	}
	if err == nil {
		err = b.flushFacts(ctx, done)
	}
	if err == nil {
		b.rows = 0
	}
	return done, err
}

func stopColumns(r *stopRow) []any {
	p := r.Proposal
	if p == nil {
		p = &stop.Proposal{}
	}
	o := r.Outcome
	if o == nil {
		o = &stop.Outcome{}
	}
	return []any{r.StopID, uint32(r.Version), r.CaseID, r.State, r.At.Time(), r.By, r.Reason,
		p.Account.Bank, p.Account.Number, p.Minor, string(p.Currency), p.Transfer.At.Time(), p.FraudType, p.District,
		p.Pattern,
		uint8(min(p.Hop, math.MaxUint8)), r.held, o.EffectiveAt.Time(), r.document, uint64(math.MaxInt64 - r.offset),
		r.returned}
}

func reportColumns(r *ledger.ReportNote) []any {
	return []any{r.ID, r.CaseID, r.At.Time(), r.Source, r.District, r.FraudType, r.Minor, string(r.Currency), r.Stops,
		bit(r.Repeats())}
}

func lossColumns(k *loss) []any {
	r := k.ReportNote
	return []any{r.CaseID, r.ID, uint16(k.Position), dayOf(r.At), k.Loss.At.Time(), r.District, r.FraudType,
		k.Payer, k.Payee, k.Loss.Minor, string(k.Loss.Currency), k.Stop}
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// writeAll inserts the rows as one block, and empties the slice.
func writeAll[T any](ctx context.Context, w *Warehouse, table string, rows *[]T, done Written,
	columns func(*T) []any) error {
	if len(*rows) == 0 {
		return nil
	}
	batch, err := w.conn.PrepareBatch(ctx, "INSERT INTO "+table, driver.WithReleaseConnection())
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	for i := range *rows {
		if err := batch.Append(columns(&(*rows)[i])...); err != nil {
			return fmt.Errorf("insert into %s: row %d: %w", table, i, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", len(*rows), table, err)
	}
	done[table] = len(*rows)
	clear(*rows)
	*rows = (*rows)[:0]
	return nil
}
