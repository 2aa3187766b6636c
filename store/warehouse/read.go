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
	Key                                                       string
	Reports, Cases                                            uint64
	Requested, Held, Partial, Missed, Refused                 uint64
	AmountReported, AmountRequested, AmountHeld, AmountFrozen int64
	AmountReturned                                            int64
	CasesSolved, Arrests                                      uint64
	SecondsToRequest, SecondsToHold                           [3]float64 // 50th, 90th, 99th percentile, from the transfer
}

// Breakdowns are what the statistics can be taken by, and the column of each
// in stops and in reports (” where reports have none).
var Breakdowns = map[string][2]string{
	"month":      {"formatDateTime(proposed_at, '%Y-%m')", "formatDateTime(at, '%Y-%m')"},
	"day":        {"formatDateTime(proposed_at, '%Y-%m-%d')", "formatDateTime(at, '%Y-%m-%d')"},
	"district":   {"district", "district"},
	"fraud_type": {"fraud_type", "fraud_type"},
	"bank":       {"bank", ""},
	"hop":        {"toString(hop)", ""},
}

// Recoveries computes the statistics of stops proposed, and reports made, in
// [from, to), by one of the Breakdowns; the last row is the total, with an
// empty key.
func (w *Warehouse) Recoveries(ctx context.Context, from, to event.Instant, by string, currency event.Currency) ([]Recovery, error) {
	cols, ok := Breakdowns[by]
	if !ok {
		return nil, fmt.Errorf("no statistics by %q", by)
	}
	span := []any{clickhouse.Named("from", int64(from)), clickhouse.Named("to", int64(to)), clickhouse.Named("currency", string(currency))}
	out := map[string]*Recovery{}
	row := func(key string) *Recovery {
		if out[key] == nil {
			out[key] = &Recovery{Key: key}
		}
		return out[key]
	}
	const seconds = "quantilesExactIf(0.5, 0.9, 0.99)(dateDiff('millisecond', transfer_at, %s) / 1000, %s)"
	stops := fmt.Sprintf(`SELECT if(grouping(k) = 1, '', toString(k)) AS key, sum(was_requested > 0), sum(was_held > 0), sum(was_partial > 0), sum(was_missed > 0), sum(was_refused > 0),
		sumIf(amount, was_requested > 0), sum(held), sumIf(held, was_frozen > 0), sum(returned), `+seconds+`, `+seconds+`, uniqExact(case_id),
			uniqExactIf(case_id, solved), arrayReduce('sum', groupUniqArray((case_id, arrests)).2)
		FROM (SELECT s.*, p.state IN ('solved', 'closed') AS solved, p.arrests AS arrests, %s AS k FROM stops_now AS s LEFT JOIN (SELECT * FROM progress FINAL) AS p USING (case_id) WHERE proposed_at >= fromUnixTimestamp64Milli({from:Int64}) AND proposed_at < fromUnixTimestamp64Milli({to:Int64}) AND currency = {currency:String})
		GROUP BY GROUPING SETS ((k), ())`, "requested_at", "was_requested > 0", "effective_at", "held > 0", cols[0])
	rows, err := w.conn.Query(ctx, stops, span...)
	if err != nil {
		return nil, fmt.Errorf("recovery statistics: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r Recovery
		var request, hold []float64
		if err := rows.Scan(&r.Key, &r.Requested, &r.Held, &r.Partial, &r.Missed, &r.Refused,
			&r.AmountRequested, &r.AmountHeld, &r.AmountFrozen, &r.AmountReturned, &request, &hold, &r.Cases, &r.CasesSolved, &r.Arrests); err != nil {
			return nil, fmt.Errorf("recovery statistics: %w", err)
		}
		copy(r.SecondsToRequest[:], finite(request))
		copy(r.SecondsToHold[:], finite(hold))
		*row(r.Key) = r
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("recovery statistics: %w", err)
	}
	if err := w.reported(ctx, cols[1], span, row); err != nil {
		return nil, err
	}
	total := row("")
	delete(out, "")
	var list []Recovery
	for _, r := range out {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b Recovery) int { return cmp.Compare(a.Key, b.Key) })
	return append(list, *total), nil
}

// reported adds what victims reported, where it can be broken down so.
func (w *Warehouse) reported(ctx context.Context, column string, span []any, row func(string) *Recovery) error {
	query := `SELECT '', count(), sum(amount) FROM reports_now`
	if column != "" {
		query = "SELECT if(grouping(k) = 1, '', toString(k)), count(), sum(amount) FROM (SELECT *, " + column + " AS k FROM reports_now) GROUP BY GROUPING SETS ((k), ())"
	}
	rows, err := w.conn.Query(ctx, `WITH reports_now AS (SELECT * FROM reports FINAL
		WHERE at >= fromUnixTimestamp64Milli({from:Int64}) AND at < fromUnixTimestamp64Milli({to:Int64}) AND currency IN ({currency:String}, '')) `+query, span...)
	if err != nil {
		return fmt.Errorf("recovery statistics: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key string
		var n uint64
		var sum int64
		if err := rows.Scan(&key, &n, &sum); err != nil {
			return fmt.Errorf("recovery statistics: %w", err)
		}
		r := row(key)
		r.Reports, r.AmountReported = n, sum
	}
	return rows.Err()
}

func finite(v []float64) []float64 {
	for i, x := range v {
		if x != x {
			v[i] = 0
		}
	}
	return v
}
