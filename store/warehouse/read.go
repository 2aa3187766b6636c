package warehouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"stopline/stream/event"
)

// Alerts returns documents of alerts, newest first, before a moment and id (a
// page's end) or from the newest.
func (w *Warehouse) Alerts(ctx context.Context, before event.Instant, beforeID, action string, limit int) ([]string, error) {
	if before == 0 {
		before = event.InstantOf(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	rows, err := w.conn.Query(ctx, `SELECT document FROM alerts FINAL
		WHERE (at, id) < (fromUnixTimestamp64Milli({before:Int64}), {id:String}) AND ({action:String} = '' OR action = {action:String})
		ORDER BY at DESC, id DESC LIMIT {limit:UInt32}`,
		clickhouse.Named("before", int64(before)), clickhouse.Named("id", beforeID), clickhouse.Named("action", action), clickhouse.Named("limit", limit))
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var d string
		if err := rows.Scan(&d); err != nil {
			return nil, fmt.Errorf("read alerts: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Alert returns the document of one alert; empty when there is none.
func (w *Warehouse) Alert(ctx context.Context, id string) (string, error) {
	var doc string
	err := w.conn.QueryRow(ctx, "SELECT any(document) FROM alerts WHERE id = {id:String}", clickhouse.Named("id", id)).Scan(&doc)
	return doc, err
}

// Recovery is one row of the recovery statistics. Amounts are minor units of
// the currency asked for.
type Recovery struct {
	Key                                       string
	Reports, Cases, CasesSolved, Arrests      uint64
	Proposed, Requested                       uint64
	Held, Partial, Missed, Refused, Expired   uint64
	AmountReported, AmountRequested           int64
	AmountHeld, AmountFrozen, AmountReturned  int64
	AmountUnder, AmountReleased, AmountLapsed int64
	Minutes, MinutesHeld                      []uint64   // requests by minutes since the transfer, to [MinuteBounds]
	SecondsToRequest, SecondsToHold           [3]float64 // 50th, 90th, 99th percentile, from the transfer
	SecondsToAnswer                           [3]float64 // from the request
}

// MinuteBounds are the ends of the classes of Minutes; the last class has none.
var MinuteBounds = []int{1, 5, 15, 30, 60}

// Breakdowns are what the statistics can be taken by: the dimension that they are
// reckoned in, and the key in it.
var Breakdowns = map[string][2]string{
	"month":      {"total", "formatDateTime(day, '%Y-%m')"},
	"day":        {"total", "toString(day)"},
	"district":   {"district", "key"},
	"fraud_type": {"fraud_type", "key"},
	"bank":       {"bank", "key"},
	"hop":        {"hop", "key"},
	"pattern":    {"pattern", "key"},
}

// Recoveries reads the statistics of stops proposed, and reports made, on the
// days of [from, to), by one of the Breakdowns; the last row is the total, with
// an empty key.
func (w *Warehouse) Recoveries(ctx context.Context, from, to event.Instant, by string, currency event.Currency) ([]Recovery, error) {
	b, ok := Breakdowns[by]
	if !ok {
		return nil, fmt.Errorf("no statistics by %q", by)
	}
	list, err := w.recoveries(ctx, from, to, b[0], b[1], currency)
	if err != nil {
		return nil, err
	}
	total, err := w.recoveries(ctx, from, to, "total", "''", currency)
	if err != nil {
		return nil, err
	}
	if len(total) == 0 {
		total = []Recovery{{Minutes: make([]uint64, len(MinuteBounds)+1), MinutesHeld: make([]uint64, len(MinuteBounds)+1)}}
	}
	return append(list, total[0]), nil
}

func (w *Warehouse) recoveries(ctx context.Context, from, to event.Instant, dim, key string, currency event.Currency) ([]Recovery, error) {
	named := []any{clickhouse.Named("from", dayOf(from)), clickhouse.Named("to", dayOf(to)), clickhouse.Named("dim", dim), clickhouse.Named("currency", string(currency))}
	const where = " WHERE dim = {dim:String} AND day >= {from:Date} AND day < {to:Date} AND currency IN ({currency:String}, '') GROUP BY k ORDER BY k"
	out := map[string]*Recovery{}
	row := func(key string) *Recovery {
		if out[key] == nil {
			out[key] = &Recovery{Key: key, Minutes: make([]uint64, len(MinuteBounds)+1), MinutesHeld: make([]uint64, len(MinuteBounds)+1)}
		}
		return out[key]
	}
	rows, err := w.conn.Query(ctx, `SELECT `+key+` AS k, sum(cases), sum(cases_solved), sum(arrests), sum(proposed), sum(requested), sum(held_full), sum(held_part), sum(missed), sum(refused), sum(expired),
		sum(amount_requested), sum(amount_held), sum(amount_under_control), sum(amount_frozen), sum(amount_returned), sum(amount_released), sum(amount_lapsed), sumForEach(minutes), sumForEach(minutes_held),
		quantilesTDigestMerge(0.5, 0.9, 0.99)(to_request), quantilesTDigestMerge(0.5, 0.9, 0.99)(to_answer), quantilesTDigestMerge(0.5, 0.9, 0.99)(to_hold) FROM recovery_days FINAL`+where, named...)
	if err != nil {
		return nil, fmt.Errorf("recovery statistics: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r Recovery
		var request, answer, hold []float32
		if err := rows.Scan(&r.Key, &r.Cases, &r.CasesSolved, &r.Arrests, &r.Proposed, &r.Requested, &r.Held, &r.Partial, &r.Missed, &r.Refused, &r.Expired,
			&r.AmountRequested, &r.AmountHeld, &r.AmountUnder, &r.AmountFrozen, &r.AmountReturned, &r.AmountReleased, &r.AmountLapsed, &r.Minutes, &r.MinutesHeld, &request, &answer, &hold); err != nil {
			return nil, fmt.Errorf("recovery statistics: %w", err)
		}
		r.SecondsToRequest, r.SecondsToAnswer, r.SecondsToHold = finite(request), finite(answer), finite(hold)
		*row(r.Key) = r
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("recovery statistics: %w", err)
	}
	reported, err := w.conn.Query(ctx, "SELECT "+key+" AS k, sum(reports), sum(amount_reported) FROM report_days FINAL"+where, named...)
	if err != nil {
		return nil, fmt.Errorf("recovery statistics: %w", err)
	}
	defer func() { _ = reported.Close() }()
	for reported.Next() {
		var key string
		var n uint64
		var sum int64
		if err := reported.Scan(&key, &n, &sum); err != nil {
			return nil, fmt.Errorf("recovery statistics: %w", err)
		}
		r := row(key)
		r.Reports, r.AmountReported = n, sum
	}
	var list []Recovery
	for _, r := range out {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b Recovery) int { return cmp.Compare(a.Key, b.Key) })
	return list, reported.Err()
}

// finite takes three percentiles; of nothing they are 0.
func finite(v []float32) (out [3]float64) {
	for i := range min(len(v), 3) {
		if x := float64(v[i]); x == x {
			out[i] = x
		}
	}
	return out
}
