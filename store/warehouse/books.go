package warehouse

import (
	"context"
	"fmt"
	"math"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
)

// Books write rows in batches, a table at a time. One goroutine owns them. Rows
// stay until they are written.
type Books struct {
	Rows
	w    *Warehouse
	into func(table string) string
	days bool // whether the statistics of their days are computed
}

// NewBooks returns books without rows.
func (w *Warehouse) NewBooks() *Books { return &Books{w: w, into: rowsOf, days: true} }

// rowsOf is the table behind a view of the books.
func rowsOf(view string) string { return view + "_rows" }

// Written counts the rows of each table that a flush wrote.
type Written map[string]int

// Flush writes everything that waits. After an error the rows are still there.
func (b *Books) Flush(ctx context.Context) (Written, error) {
	done := Written{}
	for _, write := range []func(context.Context, Written) error{b.flushLegs, b.flushAlerts, b.flushLedger,
		b.flushFacts} {
		if err := write(ctx, done); err != nil {
			return done, err
		}
	}
	b.rows, b.bytes = 0, 0
	return done, nil
}

// flushLegs writes what sources reported. What was refused comes first, so that it
// is at no moment among the transfers.
func (b *Books) flushLegs(ctx context.Context, done Written) error {
	err := writeRows(ctx, b, "transfer_conflicts", &b.conflicts, done, func(c *Conflict) []any {
		t := &c.Transfer
		return []any{t.Payer.Account, c.ID, t.Payee.Account, t.Amount.Minor, string(t.Amount.Currency), c.At.Time(),
			c.Source}
	})
	if err == nil {
		err = writeRows(ctx, b, "transfers", &b.transfers, done, func(t *transfer) []any {
			return []any{t.id, t.at.Time(), t.Payer.Account, t.Payer.Bank, t.Payer.Holder, t.Payer.Phone,
				t.Payee.Account, t.Payee.Bank, t.Payee.Holder, t.Amount.Minor, string(t.Amount.Currency), t.Channel,
				uint8(t.Status), t.PayerBalance, t.PayeeBalance, t.Device, t.Purpose, t.District, t.rank}
		})
	}
	if err == nil {
		err = writeRows(ctx, b, "calls", &b.calls, done, func(c *call) []any {
			return []any{c.id, c.at.Time(), c.Caller, c.Callee, bit(c.Ended), c.Seconds, bit(c.Spoofed), bit(c.Foreign),
				c.IMEI, c.CallerCell, c.rank}
		})
	}
	if err == nil {
		err = writeRows(ctx, b, "messages", &b.messages, done, func(m *message) []any {
			return []any{m.id, m.at.Time(), m.Sender, m.Recipient, m.LinkHost, m.rank}
		})
	}
	if err == nil {
		err = writeRows(ctx, b, "sims", &b.sims, done,
			func(s *sim) []any { return []any{s.id, s.at.Time(), s.Number, s.Change, s.rank} })
	}
	return err
}

func (b *Books) flushAlerts(ctx context.Context, done Written) error {
	return writeRows(ctx, b, "alerts", &b.alerts, done, func(a *AlertRow) []any {
		return []any{a.ID, a.At.Time(), a.Entity, uint16(a.Score), a.Action, a.FraudType, a.Patterns, a.StopID, a.CaseID,
			a.District, a.Document, a.SubjectStop, a.Catalogue}
	})
}

// flushLedger writes what the fold accepted.
func (b *Books) flushLedger(ctx context.Context, done Written) error {
	err := writeRows(ctx, b, "verdicts", &b.verdicts, done, func(r *stopRow) []any {
		v := r.Verdict
		return []any{v.AlertID, r.CaseID, v.Verdict, r.Reason, r.By, r.At.Time()}
	})
	if err == nil {
		err = writeRows(ctx, b, "stop_versions", &b.stops, done, stopColumns)
	}
	if err == nil {
		err = writeRows(ctx, b, "reports", &b.reports, done, reportColumns)
	}
	if err == nil {
		err = writeRows(ctx, b, "reported_payments", &b.losses, done, lossColumns)
	}
	if err == nil {
		err = writeRows(ctx, b, "progress", &b.progress, done, func(r *stopRow) []any {
			return []any{r.CaseID, uint32(r.Version), r.State, uint32(r.Progress.Arrests), r.By, r.At.Time()}
		})
	}
	return err
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

// writeRows writes rows of a table of the books to where these books are written.
func writeRows[T any](ctx context.Context, b *Books, table string, rows *[]T, done Written,
	columns func(*T) []any) error {
	n := len(*rows)
	if err := writeAll(ctx, b.w, b.into(table), rows, columns); err != nil {
		return err
	}
	if n > 0 {
		done[table] += n
	}
	return nil
}

// writeAll inserts the rows as one block, and empties the slice.
func writeAll[T any](ctx context.Context, w *Warehouse, table string, rows *[]T, columns func(*T) []any) error {
	if len(*rows) == 0 {
		return nil
	}
	// Rows of years may come at once, when a history is read or the books are made
	// again: each month is a part of its own.
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_partitions_per_insert_block": 0}))
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
	clear(*rows)
	*rows = (*rows)[:0]
	return nil
}
