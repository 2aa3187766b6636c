package warehouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"stopline.internal/store/ledger/desk"
	"stopline.internal/stream/event"
)

// HistoryRows is about how many events the books hold of [from, to).
func (w *Warehouse) HistoryRows(ctx context.Context, from, to event.Instant) (n uint64, err error) {
	err = w.conn.QueryRow(ctx, `SELECT sum(n) FROM (
		SELECT count() AS n FROM transfers_rows `+within+` UNION ALL SELECT count() FROM calls_rows `+within+` UNION ALL
		SELECT count() FROM messages_rows `+within+` UNION ALL SELECT count() FROM sims_rows `+within+`)`, span(from, to)...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the history: %w", err)
	}
	return n, nil
}

const (
	fromT = "fromUnixTimestamp64Milli({from:Int64})"
	toT   = "fromUnixTimestamp64Milli({to:Int64})"

	within = "WHERE at >= " + fromT + " AND at < " + toT
)

func span(from, to event.Instant) []any {
	return []any{clickhouse.Named("from", int64(from)), clickhouse.Named("to", int64(to))}
}

// sliceRows is about how many events of the history are in memory at once; a
// day is never cut.
const sliceRows = 500_000

// History gives the transfers, calls, messages and SIM changes of [from, to) to
// yield, in their order; a call counts when it ends. The event belongs to
// History.
func (w *Warehouse) History(ctx context.Context, from, to event.Instant, home func(number string) bool,
	yield func(*event.Event) error) error {
	ends, err := w.slices(ctx, from, to)
	if err != nil {
		return err
	}
	type piece struct {
		end    event.Instant
		events []*event.Event
	}
	ahead := make(chan piece) // one is read while the one before is worked on
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(ahead)
		for _, end := range ends {
			events, err := w.historyOf(ctx, from, end, home)
			if err != nil {
				return err
			}
			from = end
			select {
			case ahead <- piece{end, events}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	g.Go(func() error {
		var running []*event.Event // calls that end in a later slice
		for p := range ahead {
			events := inOrder(slices.Concat(p.events, running))
			running = nil
			for _, e := range events {
				if e.known >= p.end && p.end < to {
					running = append(running, e.Event)
					continue
				}
				if err := yield(e.Event); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return g.Wait()
}

// ordered is an event beside the moment that orders it.
type ordered struct {
	known event.Instant
	*event.Event
}

// inOrder sorts events as they became known; those of one moment by their ids.
func inOrder(events []*event.Event) []ordered {
	out := make([]ordered, len(events))
	for i, e := range events {
		out[i] = ordered{known(e), e}
	}
	slices.SortFunc(out, func(a, b ordered) int {
		if a.known != b.known {
			return cmp.Compare(a.known, b.known)
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return out
}

// slices cuts a time into pieces of so many events, at midnights: the end of
// each.
func (w *Warehouse) slices(ctx context.Context, from, to event.Instant) ([]event.Instant, error) {
	rows, err := w.conn.Query(ctx, `SELECT day, sum(n) FROM (
		SELECT toStartOfDay(at) AS day, count() AS n FROM transfers_rows `+within+` GROUP BY day UNION ALL
		SELECT toStartOfDay(at) AS day, count() FROM calls_rows `+within+` GROUP BY day UNION ALL
		SELECT toStartOfDay(at) AS day, count() FROM messages_rows `+within+` GROUP BY day UNION ALL
		SELECT toStartOfDay(at) AS day, count() FROM sims_rows `+within+` GROUP BY day)
		GROUP BY day ORDER BY day`, span(from, to)...)
	if err != nil {
		return nil, fmt.Errorf("count the history: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var ends []event.Instant
	filled := uint64(0)
	for rows.Next() {
		var day time.Time
		var n uint64
		if err := rows.Scan(&day, &n); err != nil {
			return nil, fmt.Errorf("count the history: %w", err)
		}
		if filled > 0 && filled+n > sliceRows {
			ends = append(ends, event.InstantOf(day))
			filled = 0
		}
		filled += n
	}
	return append(ends, to), rows.Err()
}

// known is when an event is reported: a call when it ends.
func known(e *event.Event) event.Instant {
	if e.Kind == event.KindCall {
		return e.At.Add(time.Duration(e.Call.Seconds) * time.Second)
	}
	return e.At
}

// historyOf reads a slice, its four tables side by side.
func (w *Warehouse) historyOf(ctx context.Context, from, to event.Instant, home func(string) bool) ([]*event.Event,
	error) {
	var parts [4][]*event.Event
	g, ctx := errgroup.WithContext(ctx)
	read := func(part int, query string, f func(driver.Rows, *time.Time, *event.Event) error) {
		g.Go(func() error {
			rows, err := w.conn.Query(ctx, query+" "+within, span(from, to)...)
			if err != nil {
				return fmt.Errorf("read the history: %w", err)
			}
			defer func() { _ = rows.Close() }()
			var at time.Time
			for rows.Next() {
				e := &event.Event{}
				if err := f(rows, &at, e); err != nil {
					return fmt.Errorf("read the history: %w", err)
				}
				e.At = event.InstantOf(at)
				parts[part] = append(parts[part], e)
			}
			return rows.Err()
		})
	}
	read(0, `SELECT id, at, payer_account, payer_bank, payer_holder, payer_phone, payee_account, payee_bank, payee_holder,
		amount, currency, channel, status, payer_balance, payee_balance, device, purpose, district
		FROM transfers`, func(r driver.Rows, at *time.Time, e *event.Event) error {
		e.Kind = event.KindTransfer
		t := &e.Transfer
		var currency string
		var status uint8
		err := r.Scan(&e.ID, at, &t.Payer.Account, &t.Payer.Bank, &t.Payer.Holder, &t.Payer.Phone, &t.Payee.Account,
			&t.Payee.Bank, &t.Payee.Holder,
			&t.Amount.Minor, &currency, &t.Channel, &status, &t.PayerBalance, &t.PayeeBalance, &t.Device, &t.Purpose,
			&t.District)
		t.Amount.Currency, t.Status = event.Currency(currency), event.Status(status)
		return err
	})
	read(1, `SELECT id, at, caller, callee, ended, seconds, spoofed, imei, cell FROM calls_rows FINAL`,
		func(r driver.Rows, at *time.Time, e *event.Event) error {
			e.Kind = event.KindCall
			c := &e.Call
			var ended, spoofed uint8
			err := r.Scan(&e.ID, at, &c.Caller, &c.Callee, &ended, &c.Seconds, &spoofed, &c.IMEI, &c.CallerCell)
			c.Ended, c.Spoofed, c.Foreign = ended == 1, spoofed == 1, !home(c.Caller)
			return err
		})
	read(2, `SELECT id, at, sender, recipient, link_host FROM messages_rows FINAL`,
		func(r driver.Rows, at *time.Time, e *event.Event) error {
			e.Kind = event.KindMessage
			return r.Scan(&e.ID, at, &e.Message.Sender, &e.Message.Recipient, &e.Message.LinkHost)
		})
	read(3, `SELECT id, at, number, change FROM sims_rows FINAL`,
		func(r driver.Rows, at *time.Time, e *event.Event) error {
			e.Kind = event.KindSIM
			return r.Scan(&e.ID, at, &e.SIM.Number, &e.SIM.Change)
		})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(parts[:]...), nil
}

// Frauds names the stops of every transfer that a victim has reported or a
// person has confirmed, with the case of each. What a person has found to be
// honest is not among them.
func (w *Warehouse) Frauds(ctx context.Context) (map[string]string, error) {
	rows, err := w.conn.Query(ctx, verdictsSQL+`
		SELECT stop, any(case_id) FROM (
			SELECT arrayJoin(stops) AS stop, case_id FROM reports_rows FINAL
			UNION ALL SELECT subject_stop, case_id FROM judged WHERE verdict = {confirmed:String} AND subject_stop != '')
		WHERE stop NOT IN (SELECT subject_stop FROM judged WHERE verdict = {false:String})
		GROUP BY stop`, clickhouse.Named("confirmed", desk.VerdictConfirmed), clickhouse.Named("false", desk.VerdictFalseAlarm))
	if err != nil {
		return nil, fmt.Errorf("read what is known of frauds: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]string{}
	for rows.Next() {
		var stop, id string
		if err := rows.Scan(&stop, &id); err != nil {
			return nil, fmt.Errorf("read what is known of frauds: %w", err)
		}
		out[stop] = id
	}
	return out, rows.Err()
}

// verdictsSQL begins a query with "judged": every alert with what is known of
// it. A person's verdict on the alert counts before one on its case, and both
// before a victim's report, which confirms.
const verdictsSQL = `WITH
	of_alert AS (SELECT alert_id, argMax(verdict, at) AS verdict FROM verdicts_rows
		WHERE alert_id != '' GROUP BY alert_id),
	of_case AS (SELECT case_id, argMax(verdict, at) AS verdict FROM verdicts_rows WHERE alert_id = '' GROUP BY case_id),
	reported AS (SELECT DISTINCT arrayJoin(stops) AS stop FROM reports_rows FINAL),
	judged AS (
		SELECT a.id AS id, a.at AS at, a.patterns AS patterns, a.action AS action, a.case_id AS case_id,
			a.subject_stop AS subject_stop,
			multiIf(va.verdict != '', va.verdict, vc.verdict != '', vc.verdict,
				a.subject_stop != '' AND a.subject_stop IN (SELECT stop FROM reported), 'confirmed', '') AS verdict
		FROM alerts_rows AS a FINAL
		LEFT JOIN of_alert AS va ON va.alert_id = a.id
		LEFT JOIN of_case AS vc ON vc.case_id = a.case_id)
`

// PatternOutcome is how one pattern's alerts of a week turned out.
type PatternOutcome struct {
	Pattern   string
	Week      time.Time // its Monday
	Alerts    uint64
	Stops     uint64 // that asked for a stop
	Confirmed uint64
	False     uint64
	Useful    uint64
}

// PatternOutcomes counts the alerts of [from, to) by pattern and week.
func (w *Warehouse) PatternOutcomes(ctx context.Context, from, to event.Instant) ([]PatternOutcome, error) {
	rows, err := w.conn.Query(ctx, verdictsSQL+`
		SELECT arrayJoin(patterns) AS pattern, toStartOfWeek(at, 1) AS week, count(), countIf(action = 'stop'), countIf(verdict = 'confirmed'), countIf(verdict = 'false-alarm'), countIf(verdict = 'useful')
		FROM judged WHERE at >= `+fromT+` AND at < `+toT+` GROUP BY pattern, week ORDER BY pattern, week`, span(from, to)...)
	if err != nil {
		return nil, fmt.Errorf("read the outcomes of patterns: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []PatternOutcome
	for rows.Next() {
		var p PatternOutcome
		if err := rows.Scan(&p.Pattern, &p.Week, &p.Alerts, &p.Stops, &p.Confirmed, &p.False, &p.Useful); err != nil {
			return nil, fmt.Errorf("read the outcomes of patterns: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
