package warehouse

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"stopline.internal/stream/event"
)

// Source is a topic of the log that tables of the books are made of.
type Source uint8

// The sources of the books.
const (
	FromLegs   Source = iota // what sources reported, cut by ingest
	FromAlerts               // what scoring published
	FromLedger               // what the ledger accepted
	sources
)

func (s Source) String() string { return [...]string{"legs", "alerts", "stops"}[s] }

// compared are the tables that are compared with the log by day.
var compared = []struct {
	table, day, money string // the day of the event; minor units of all currencies
	from              Source
}{
	{"transfers", "at", "amount", FromLegs}, {"calls", "at", "0", FromLegs}, {"messages", "at", "0", FromLegs},
	{"sims", "at", "0", FromLegs}, {"alerts", "at", "0", FromAlerts}, {"verdicts", "at", "0", FromLedger},
	{"progress", "at", "0", FromLedger}, {"stop_versions", "at", "amount", FromLedger},
	{"stops", "day", "amount", FromLedger}, {"reports", "at", "amount", FromLedger},
	{"reported_payments", "day", "amount", FromLedger},
}

// Copy is a second set of the books' tables, into which the log is written again to
// be compared with them: their engine tells what is the same. It is dropped by
// [Copy.Drop].
type Copy struct {
	w      *Warehouse
	prefix string
}

// copyPrefix is what the tables of copies begin with.
const copyPrefix = "copy_"

// NewCopy makes empty tables, and drops those that somebody left behind who was
// killed more than a day ago.
func (w *Warehouse) NewCopy(ctx context.Context) (*Copy, error) {
	if err := w.dropOldCopies(ctx); err != nil {
		return nil, err
	}
	c := &Copy{w, copyPrefix + strings.ToLower(rand.Text()[:8]) + "_"}
	for _, table := range c.tables() {
		if err := w.conn.Exec(ctx, "CREATE TABLE "+c.in(table)+" AS "+rowsOf(table)); err != nil {
			return nil, errors.Join(fmt.Errorf("make a copy of %s: %w", table, err), c.Drop(ctx))
		}
		// A copy is thrown away: it need not be on the disk.
		if err := w.conn.Exec(ctx, "ALTER TABLE "+c.in(table)+" MODIFY SETTING fsync_after_insert = 0, "+
			"fsync_part_directory = 0, min_rows_to_fsync_after_merge = 0"); err != nil {
			return nil, errors.Join(fmt.Errorf("make a copy of %s: %w", table, err), c.Drop(ctx))
		}
	}
	return c, nil
}

func (w *Warehouse) dropOldCopies(ctx context.Context) error {
	rows, err := w.conn.Query(ctx, `SELECT name FROM system.tables WHERE database = currentDatabase()
		AND startsWith(name, {prefix:String}) AND metadata_modification_time < now() - 86400`,
		clickhouse.Named("prefix", copyPrefix))
	if err != nil {
		return fmt.Errorf("look for copies of the books: %w", err)
	}
	var old []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return errors.Join(err, rows.Close())
		}
		old = append(old, name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("look for copies of the books: %w", err)
	}
	for _, name := range old {
		if err := w.conn.Exec(ctx, "DROP TABLE IF EXISTS `"+name+"` SYNC"); err != nil {
			return fmt.Errorf("drop an old copy of the books: %w", err)
		}
	}
	return nil
}

// tables are those that a copy has.
func (c *Copy) tables() []string {
	out := []string{"transfer_conflicts"}
	for _, t := range compared {
		out = append(out, t.table)
	}
	return out
}

func (c *Copy) in(table string) string { return c.prefix + table }

// Books returns books that write into the copy.
func (c *Copy) Books() *Books { return &Books{w: c.w, into: c.in} }

// Drop removes the tables, whatever became of ctx.
func (c *Copy) Drop(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var failed []error
	for _, table := range c.tables() {
		failed = append(failed, c.w.conn.Exec(ctx, "DROP TABLE IF EXISTS "+c.in(table)+" SYNC"))
	}
	return errors.Join(failed...)
}

// DayCount is what a table has of a day.
type DayCount struct {
	Rows  uint64
	Minor int64 // minor units of all currencies; 0 where the table has no amounts
}

func (d DayCount) String() string { return fmt.Sprintf("%d rows, %d minor units", d.Rows, d.Minor) }

// DayDifference is a day of a table that the log says otherwise.
type DayDifference struct {
	Table, Day string
	Books, Log DayCount
}

// Compare counts each table by day, from a day on by source ("": from the
// beginning), in the books and in the copy, and returns the days that differ, and
// how many were compared.
func (c *Copy) Compare(ctx context.Context, from [sources]string) (differ []DayDifference, days int, err error) {
	for _, t := range compared {
		since := max(from[t.from], "1900-01-01")
		books, err := c.w.daily(ctx, rowsOf(t.table), t.table, t.day, t.money, since, rowsOf)
		if err != nil {
			return nil, 0, err
		}
		log, err := c.w.daily(ctx, c.in(t.table), t.table, t.day, t.money, since, rowsOf, c.in)
		if err != nil {
			return nil, 0, err
		}
		all := maps.Clone(log)
		maps.Copy(all, books)
		days += len(all)
		for _, day := range slices.Sorted(maps.Keys(all)) {
			if books[day] != log[day] {
				differ = append(differ, DayDifference{t.table, day, books[day], log[day]})
			}
		}
	}
	slices.SortStableFunc(differ, func(a, b DayDifference) int { return cmp.Compare(a.Day, b.Day) })
	return differ, days, nil
}

// daily counts the different rows of a table by day. Transfers that were refused
// are left out: those that any of the tables of conflicts names.
func (w *Warehouse) daily(ctx context.Context, from, table, day, money, since string,
	refused ...func(string) string) (map[string]DayCount, error) {
	where := "toDate(" + day + ") >= toDate32({since:String})"
	if table == "transfers" {
		for _, in := range refused {
			where += " AND (payer_account, id, payee_account, amount, currency) NOT IN (SELECT payer_account, id, " +
				"payee_account, amount, currency FROM " + in("transfer_conflicts") + ")"
		}
	}
	rows, err := w.conn.Query(ctx, "SELECT toString(toDate("+day+")) AS d, count(), toInt64(sum("+money+")) FROM "+from+
		" FINAL WHERE "+where+" GROUP BY d", clickhouse.Named("since", since))
	if err != nil {
		return nil, fmt.Errorf("count %s by day: %w", from, err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]DayCount{}
	for rows.Next() {
		var d string
		var n DayCount
		if err := rows.Scan(&d, &n.Rows, &n.Minor); err != nil {
			return nil, fmt.Errorf("count %s by day: %w", from, err)
		}
		out[d] = n
	}
	return out, rows.Err()
}

// Strike removes the rows of the books that were written before a moment of
// ClickHouse's clock, of days from a day on by source: after the log was written
// again, those that it does not have.
func (w *Warehouse) Strike(ctx context.Context, from [sources]string, before string) error {
	for _, t := range compared {
		if from[t.from] == "" {
			continue
		}
		if err := w.conn.Exec(ctx, "DELETE FROM "+rowsOf(t.table)+" WHERE toDate("+t.day+
			") >= {since:Date} AND written_at < {before:DateTime64(3)}", clickhouse.Named("since", from[t.from]),
			clickhouse.Named("before", before)); err != nil {
			return fmt.Errorf("remove from %s what the log does not have: %w", t.table, err)
		}
	}
	return nil
}

// Now is the moment by ClickHouse's clock, for [Warehouse.Strike].
func (w *Warehouse) Now(ctx context.Context) (now string, err error) {
	err = w.conn.QueryRow(ctx, "SELECT toString(now64(3))").Scan(&now)
	return now, err
}

// Day is the day of a moment as the books have it.
func Day(at event.Instant) string { return dayOf(at) }
