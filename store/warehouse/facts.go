package warehouse

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// fact is a stop as it is now, with what its own row cannot tell.
type fact struct {
	*stop.Stop
	first bool // of its case
}

// Fact takes a stop as it is now; within a batch the newest version replaces
// those before it.
func (r *Rows) Fact(s *stop.Stop, first bool) {
	if s.ProposedAt < r.Since {
		return
	}
	if _, there := r.facts[s.ID]; !there {
		r.added(nil)
	}
	r.putFact(s.ID, fact{s, first})
	r.Dirty(s.ProposedAt)
}

func (r *Rows) putFact(id string, f fact) {
	if r.facts == nil {
		r.facts = map[string]fact{}
	}
	r.facts[id] = f
}

// Dirty says that a day's statistics must be computed again.
func (r *Rows) Dirty(at event.Instant) {
	if at != 0 && at >= r.Since {
		r.dirtyDay(dayOf(at))
	}
}

func (r *Rows) dirtyDay(day string) {
	if r.dirty == nil {
		r.dirty = map[string]bool{}
	}
	r.dirty[day] = true
}

// dayOf is the day of a moment, in the law's zone.
func dayOf(at event.Instant) string { return at.Time().In(event.Zone).Format(time.DateOnly) }

func factColumns(f *fact) []any {
	s := f.Stop
	result := ""
	if s.Outcome != nil {
		result = string(s.Outcome.Result)
	}
	a := s.Amounts()
	return []any{s.ID, uint32(s.Version), dayOf(s.ProposedAt), s.ProposedAt.Time(), s.CaseID, bit(f.first),
		s.Account.Bank, s.District, s.FraudType, s.Pattern, uint8(min(s.Hop, 255)), string(s.Currency),
		string(s.State), result, s.Minor, a.Caught, a.UnderControl(), a.EverFrozen, a.Returned, a.Released, a.Lapsed,
		bit(s.ReleasedMinor > 0), s.Transfer.At.Time(), s.RequestedAt.Time(), s.AnsweredAt.Time(), s.EffectiveAt.Time()}
}

// dimensions are those that statistics are computed by, with the column of stops
// that is the key in each. The first one has no key.
var dimensions = []struct{ name, column string }{
	{"total", "''"}, {"district", "district"}, {"fraud_type", "fraud_type"}, {"bank", "bank"}, {"hop", "toString(hop)"},
	{"pattern", "pattern"},
}

// byDimension makes a row of each dimension of a row of stops.
func byDimension() string {
	pairs := make([]string, len(dimensions))
	for i, d := range dimensions {
		pairs[i] = "('" + d.name + "', " + d.column + ")"
	}
	return "arrayJoin([" + strings.Join(pairs, ", ") + "])"
}

// Recompute computes the statistics of days anew from their facts. Doing it twice, or
// from two places at once, changes nothing: the last computation counts, and it has
// seen all that the one before it had.
func (w *Warehouse) Recompute(ctx context.Context, days []string) error {
	if len(days) == 0 {
		return nil
	}
	list := "'" + strings.Join(days, "','") + "'" // written by dayOf
	const since, zero = "dateDiff('millisecond', transfer_at, %s) / 1000", "toDateTime64(0, 3)"
	minutes := `arrayMap(m -> toUInt64(%s AND waited <= m.2 AND waited > m.1), [(-1e18, 60), (60, 300), (300, 900), (900, 1800), (1800, 3600), (3600, 1e18)])`
	err := w.conn.Exec(ctx, `INSERT INTO recovery_by_rows
		SELECT dk.1, dk.2, day, currency, now64(6),
			sum(first), sumIf(1, first AND p.state IN ('solved', 'closed')), sumIf(p.arrests, first),
			count(), countIf(asked), countIf(result = 'held'), countIf(result = 'partial'), countIf(result = 'missed'), countIf(result IN ('refused', 'mismatch')), countIf(asked AND result = ''), countIf(s.state = 'expired'),
			sumIf(amount, asked), sumIf(amount, asked AND hop = 1), sum(held), sum(under_control), sum(frozen), sum(returned), sum(released), sum(lapsed),
			sumForEach(`+fmt.Sprintf(minutes, "asked")+`), sumForEach(`+fmt.Sprintf(minutes, "asked AND held > 0")+`),
			sumMapIf(`+class("waited")+`, asked),
			sumMapIf(`+class("dateDiff('millisecond', requested_at, answered_at) / 1000")+`, answered_at > `+zero+`),
			sumMapIf(`+class(fmt.Sprintf(since, "effective_at"))+`, effective_at > `+zero+`)
		FROM (SELECT *, requested_at > `+zero+` AS asked, `+fmt.Sprintf(since, "requested_at")+` AS waited, `+byDimension()+` AS dk FROM stops_rows FINAL WHERE day IN (`+list+`)) AS s
		LEFT JOIN (SELECT case_id, state, arrests FROM progress_rows FINAL) AS p ON p.case_id = s.case_id
		GROUP BY dk, day, currency`)
	if err != nil {
		return fmt.Errorf("compute the statistics of %d days: %w", len(days), err)
	}
	const reportDimensions = `arrayJoin([('total', ''), ('district', district), ('fraud_type', fraud_type)]) AS dk`
	if err = w.conn.Exec(ctx, `INSERT INTO reports_by_rows
		SELECT dk.1, dk.2, on_day, currency, now64(6), sum(fresh), sum(again), sum(minor) FROM (
			SELECT `+reportDimensions+`, toDate(at) AS on_day, currency,
				toUInt64(repeats = 0) AS fresh, toUInt64(repeats) AS again, toInt64(0) AS minor
			FROM reports_rows FINAL WHERE toDate(at) IN (`+list+`)
			UNION ALL
			SELECT `+reportDimensions+`, day AS on_day, currency, toUInt64(0), toUInt64(0), amount
			FROM reported_payments_rows FINAL WHERE day IN (`+list+`))
		GROUP BY dk, on_day, currency`); err != nil {
		return fmt.Errorf("compute the reports of %d days: %w", len(days), err)
	}
	return nil
}

// Times are counted in classes that are 2 percent wide, from 10 ms on: sums over
// any days and keys stay small, and a percentile is right to 1 percent.
const (
	classFrom = 0.01 // seconds
	classStep = 1.02
)

// class is the class of a time in seconds, as a map that sumMap adds up.
func class(seconds string) string {
	return fmt.Sprintf("map(toUInt16(round(log(greatest(%s, %g) / %g) / log(%g))), toUInt64(1))", seconds, classFrom,
		classFrom, classStep)
}

// percentiles are the 50th, 90th and 99th of times in classes; of none they are 0.
func percentiles(classes map[uint16]uint64) (out [3]float64) {
	var n uint64
	for _, c := range classes {
		n += c
	}
	var below uint64
	for _, k := range slices.Sorted(maps.Keys(classes)) {
		below += classes[k]
		for i, p := range []float64{0.5, 0.9, 0.99} {
			if out[i] == 0 && float64(below) >= p*float64(n) {
				out[i] = classFrom * math.Pow(classStep, float64(k))
			}
		}
	}
	return out
}

// flushFacts writes the facts and computes their days.
func (b *Books) flushFacts(ctx context.Context, done Written) error {
	if len(b.facts) > 0 {
		rows := make([]fact, 0, len(b.facts))
		for _, f := range b.facts {
			rows = append(rows, f)
		}
		if err := writeRows(ctx, b, "stops", &rows, done, factColumns); err != nil {
			return err
		}
		clear(b.facts)
	}
	if b.days {
		days := slices.Sorted(maps.Keys(b.dirty))
		for i := 0; i < len(days); i += 100 {
			if err := b.w.Recompute(ctx, days[i:min(i+100, len(days))]); err != nil {
				return err
			}
		}
	}
	clear(b.dirty)
	return nil
}

// KeepReport keeps a closed month's report; the first that was kept stays.
func (w *Warehouse) KeepReport(ctx context.Context, month string, currency event.Currency, by string,
	at event.Instant, document []byte) error {
	rows := []string{month}
	return writeAll(ctx, w, "kept_reports_rows", &rows, func(*string) []any {
		return []any{month, string(currency), at.Time(), by, string(document), uint64(1<<62) - uint64(at)}
	})
}

// KeptReport returns a month's report as it was first given out; nil when it was
// not.
func (w *Warehouse) KeptReport(ctx context.Context, month string, currency event.Currency) ([]byte, error) {
	rows, err := w.conn.Query(ctx, "SELECT document FROM kept_reports WHERE month = ? AND currency = ?", month,
		string(currency))
	if err != nil {
		return nil, fmt.Errorf("read the kept report of %s: %w", month, err)
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return nil, rows.Err()
	}
	var doc string
	if err := rows.Scan(&doc); err != nil {
		return nil, fmt.Errorf("read the kept report of %s: %w", month, err)
	}
	return []byte(doc), nil
}
