package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"stopline.internal/stream/event"
)

// Alerts returns documents of alerts, newest first, before a moment and id (a
// page's end) or from the newest.
func (w *Warehouse) Alerts(ctx context.Context, before event.Instant, beforeID, action string, limit int) ([]string,
	error) {
	if before == 0 {
		before = event.InstantOf(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	return w.documents(ctx, "read alerts", `SELECT document FROM alerts_rows FINAL
		WHERE (at, id) < (fromUnixTimestamp64Milli({before:Int64}), {id:String}) AND ({action:String} = '' OR action = {action:String})
		ORDER BY at DESC, id DESC LIMIT {limit:UInt32}`,
		clickhouse.Named("before", int64(before)), clickhouse.Named("id", beforeID), clickhouse.Named("action", action),
		clickhouse.Named("limit", limit))
}

// Reviews returns documents of the newest alerts that stopped nothing and that a
// person should look at.
func (w *Warehouse) Reviews(ctx context.Context, limit int) ([]string, error) {
	return w.documents(ctx, "read alerts to review", `SELECT document FROM alerts_rows FINAL
		WHERE action IN ('review', 'stop') AND stop_id = '' ORDER BY at DESC, id DESC LIMIT {limit:UInt32}`,
		clickhouse.Named("limit", limit))
}

// AlertsByID returns documents of alerts whose payment, or what was seen, lies
// between two moments: the table is ordered by them.
func (w *Warehouse) AlertsByID(ctx context.Context, ids []string, from, to event.Instant) ([]string, error) {
	return w.documents(ctx, "read alerts by id", `SELECT document FROM alerts_rows FINAL
		WHERE id IN ({ids:Array(String)}) AND at BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64})`,
		clickhouse.Named("ids", ids), clickhouse.Named("from", int64(from)), clickhouse.Named("to", int64(to)))
}

func (w *Warehouse) documents(ctx context.Context, what, query string, args ...any) ([]string, error) {
	rows, err := w.conn.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var d string
		if err := rows.Scan(&d); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Alert returns the document of one alert; empty when there is none.
func (w *Warehouse) Alert(ctx context.Context, id string) (string, error) {
	var doc string
	err := w.conn.QueryRow(ctx, "SELECT any(document) FROM alerts_rows WHERE id = {id:String}",
		clickhouse.Named("id", id)).Scan(&doc)
	return doc, err
}

// Recovery is one row of the recovery statistics. Amounts are minor units of
// the currency asked for.
type Recovery struct {
	Key                                       string
	Reports                                   uint64 // that brought a payment which no other had
	ReportsRepeated                           uint64 // the others
	Cases, CasesSolved, Arrests               uint64
	Proposed, Requested                       uint64
	Held, Partial, Missed, Refused, Expired   uint64
	Unanswered                                uint64 // requested, and no bank said what became of it
	AmountReported, AmountRequested           int64
	AmountRequestedFirst                      int64 // of it, at the first hop
	AmountHeld, AmountFrozen, AmountReturned  int64
	AmountUnder, AmountReleased, AmountLapsed int64
	Minutes, MinutesHeld                      []uint64   // requests by minutes since the transfer, to minuteBounds
	SecondsToRequest, SecondsToHold           [3]float64 // 50th, 90th, 99th percentile to 1 %, from the transfer
	SecondsToAnswer                           [3]float64 // from the request
}

// minuteBounds are the ends of the classes of Minutes; the last class has none.
var minuteBounds = []int{1, 5, 15, 30, 60}

// statisticsBy are what the statistics can be taken by: the dimension that they are
// computed in, and the key in it.
var statisticsBy = breakdowns()

func breakdowns() map[string][2]string {
	total := dimensions[0].name
	all := map[string][2]string{"month": {total, "formatDateTime(day, '%Y-%m')"}, "day": {total, "toString(day)"}}
	for _, d := range dimensions[1:] {
		all[d.name] = [2]string{d.name, "key"}
	}
	return all
}

// Recoveries reads the statistics of stops proposed, and reports made, on the
// days of [from, to), by one of them; the last row is the total, with
// an empty key.
func (w *Warehouse) Recoveries(ctx context.Context, from, to event.Instant, by string,
	currency event.Currency) ([]Recovery, error) {
	if _, ok := statisticsBy[by]; !ok {
		return nil, fmt.Errorf("no statistics by %q", by)
	}
	all, err := w.Report(ctx, from, to, []string{by}, currency)
	if err != nil {
		return nil, err
	}
	return append(all[by], all[""][0]), nil
}

// Report reads several breakdowns at one moment, so that their sums agree; the
// total is under the empty name.
func (w *Warehouse) Report(ctx context.Context, from, to event.Instant, by []string,
	currency event.Currency) (map[string][]Recovery, error) {
	named := []any{clickhouse.Named("from", dayOf(from)), clickhouse.Named("to", dayOf(to)),
		clickhouse.Named("currency", string(currency))}
	cases := "multiIf("
	for _, name := range by {
		b := statisticsBy[name]
		cases += fmt.Sprintf("breakdown = '%s', %s, ", name, b[1])
	}
	cases += "'') AS k"
	// Each row of a dimension is told for every breakdown that reads it, and that
	// of the total once more for the total itself.
	tell := "arrayJoin(multiIf("
	dims := map[string][]string{"total": {""}}
	for _, name := range by {
		dims[statisticsBy[name][0]] = append(dims[statisticsBy[name][0]], name)
	}
	for _, d := range slices.Sorted(maps.Keys(dims)) {
		tell += fmt.Sprintf("dim = '%s', ['%s'], ", d, strings.Join(dims[d], "','"))
	}
	tell += "[]::Array(String))) AS breakdown"
	source := func(table string) string {
		return " FROM (SELECT *, " + tell + ", " + cases + " FROM " + table + "_rows FINAL WHERE dim IN ('" +
			strings.Join(slices.Sorted(maps.Keys(dims)), "','") +
			"') AND day >= {from:Date} AND day < {to:Date} AND currency IN ({currency:String}, '')) GROUP BY breakdown, k"
	}
	out := map[string]map[string]*Recovery{"": {}}
	row := func(breakdown, key string) *Recovery {
		if out[breakdown] == nil {
			out[breakdown] = map[string]*Recovery{}
		}
		if out[breakdown][key] == nil {
			out[breakdown][key] = &Recovery{Key: key, Minutes: make([]uint64, len(minuteBounds)+1),
				MinutesHeld: make([]uint64, len(minuteBounds)+1)}
		}
		return out[breakdown][key]
	}
	row("", "")
	rows, err := w.conn.Query(ctx, `SELECT breakdown, k, sum(cases), sum(cases_solved), sum(arrests), sum(proposed), sum(requested), sum(held_full), sum(held_part), sum(missed), sum(refused), sum(unanswered), sum(expired),
		sum(amount_requested), sum(amount_requested_first), sum(amount_held), sum(amount_under_control), sum(amount_frozen), sum(amount_returned), sum(amount_released), sum(amount_lapsed), sumForEach(minutes), sumForEach(minutes_held),
		sumMap(to_request), sumMap(to_answer), sumMap(to_hold)`+source("recovery_by"), named...)
	if err != nil {
		return nil, fmt.Errorf("recovery statistics: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r Recovery
		var breakdown string
		var request, answer, hold map[uint16]uint64
		if err := rows.Scan(&breakdown, &r.Key, &r.Cases, &r.CasesSolved, &r.Arrests, &r.Proposed, &r.Requested, &r.Held,
			&r.Partial, &r.Missed, &r.Refused, &r.Unanswered, &r.Expired,
			&r.AmountRequested, &r.AmountRequestedFirst, &r.AmountHeld, &r.AmountUnder, &r.AmountFrozen, &r.AmountReturned,
			&r.AmountReleased, &r.AmountLapsed, &r.Minutes, &r.MinutesHeld, &request, &answer, &hold); err != nil {
			return nil, fmt.Errorf("recovery statistics: %w", err)
		}
		r.SecondsToRequest, r.SecondsToAnswer, r.SecondsToHold = percentiles(request), percentiles(answer), percentiles(hold)
		*row(breakdown, r.Key) = r
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("recovery statistics: %w", err)
	}
	if err := w.reported(ctx, source("reports_by"), named, row); err != nil {
		return nil, err
	}
	lists := map[string][]Recovery{}
	for breakdown, keys := range out {
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			lists[breakdown] = append(lists[breakdown], *keys[key])
		}
	}
	return lists, nil
}

// reported adds what victims reported, where it can be broken down so.
func (w *Warehouse) reported(ctx context.Context, source string, named []any,
	row func(breakdown, key string) *Recovery) error {
	rows, err := w.conn.Query(ctx, "SELECT breakdown, k, sum(reports), sum(reports_repeated), sum(amount_reported)"+
		source, named...)
	if err != nil {
		return fmt.Errorf("recovery statistics: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var breakdown, key string
		var n, again uint64
		var sum int64
		if err := rows.Scan(&breakdown, &key, &n, &again, &sum); err != nil {
			return fmt.Errorf("recovery statistics: %w", err)
		}
		r := row(breakdown, key)
		r.Reports, r.ReportsRepeated, r.AmountReported = n, again, sum
	}
	return rows.Err()
}
