package warehouse

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
)

// Difference is something in the books that the ledger, or Kafka's log, says
// otherwise.
type Difference struct {
	What string `json:"what"` // stop, report, payment, statistics; day: of a table, by the log
	// The stop; the report and its case; the payment's place in it; dimension, key and
	// day; table and day.
	ID     string `json:"id"`
	Field  string `json:"field"` // or "row", when it is not there, or should not be
	Books  string `json:"books"`
	Ledger string `json:"ledger"` // of a day: what the log has
	Mend   string `json:"mend,omitempty" doc:"The command that mends it, where one does"`
}

// Verification is what a comparison of the books with the ledger found.
type Verification struct {
	Stops       int          `json:"stops"`    // compared
	Reports     int          `json:"reports"`  // compared
	Payments    int          `json:"payments"` // that victims reported, each once; compared
	Behind      int          `json:"behind"`   // differences that come and go: what the books are about to learn
	Statistics  int          `json:"statistics"`
	Days        int          `json:"days" doc:"Days of tables that were counted against Kafka's log"`
	Dropped     []Dropped    `json:"dropped" doc:"Where Kafka has dropped what is older, so that it was not counted"`
	Differences []Difference `json:"differences"`
}

// Dropped says before which day Kafka's log is not whole any more.
type Dropped struct {
	Log    string `json:"log"`    // legs, alerts, stops
	Before string `json:"before"` // the first day that is whole
}

// maxDifferences bounds a verification's list.
const maxDifferences = 1000

// daySum is what the statistics of one day and key must be.
type daySum struct {
	cases, proposed, requested, full, part, missed, refused, unanswered, expired uint64
	amount, first, held, under, frozen, returned, released, lapsed               int64
}

// reportSum is the same of what victims reported.
type reportSum struct {
	reports, repeated uint64
	amount            int64
}

type dayKey struct{ dim, key, day, currency string }

// Verify compares the books with the ledger: each stop's, report's and reported
// payment's row field by field, and the statistics with sums over them. The books learn of the ledger within
// seconds, so that a difference is looked at again, once a second: what is still
// there, and the same, when patience has run out is one; what comes and goes is
// what the books are about to learn. Its error is ClickHouse's.
func (w *Warehouse) Verify(ctx context.Context, l *ledger.Ledger, patience time.Duration) (*Verification, error) {
	var stay map[Difference]bool
	for end := time.Now().Add(patience); ; {
		v, err := w.compare(ctx, l)
		if err != nil || len(v.Differences) == 0 {
			return v, err
		}
		now := map[Difference]bool{}
		for _, d := range v.Differences {
			if stay == nil || stay[d] {
				now[d] = true
			}
		}
		stay = now
		if len(stay) == 0 || time.Now().After(end) {
			v.Behind = len(v.Differences) - len(stay)
			v.Differences = slices.DeleteFunc(v.Differences, func(d Difference) bool { return !stay[d] })
			return v, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// compare looks at both once.
func (w *Warehouse) compare(ctx context.Context, l *ledger.Ledger) (*Verification, error) {
	v := &Verification{Differences: []Difference{}, Dropped: []Dropped{}}
	stops, _ := l.List(ledger.Filter{Limit: math.MaxInt - 1})
	reports := l.Reports()
	for _, step := range []func() error{
		func() error { return w.verifyStops(ctx, l, stops, v) },
		func() error { return w.verifyDays(ctx, l, stops, v) },
		func() error { return w.verifyReports(ctx, reports, v) },
		func() error { return w.verifyPayments(ctx, reports, v) },
		func() error { return w.verifyReportDays(ctx, reports, v) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(v.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Field, b.Field))
	})
	return v, nil
}

// field is a column as the books have it and as the ledger says.
type field struct {
	name        string
	books, want any
}

// row compares a row field by field.
func (v *Verification) row(what, id string, fields ...field) {
	for _, f := range fields {
		if books, want := fmt.Sprint(f.books), fmt.Sprint(f.want); books != want {
			v.add(Difference{What: what, ID: id, Field: f.name, Books: books, Ledger: want})
		}
	}
}

// absent lists what the ledger has and the books have not.
func absent[T any](v *Verification, what string, want map[string]T) {
	for id := range want {
		v.add(Difference{What: what, ID: id, Field: "row", Books: "not there", Ledger: "there"})
	}
}

func (w *Warehouse) verifyStops(ctx context.Context, l *ledger.Ledger, stops []*stop.Stop, v *Verification) error {
	want := map[string]*stop.Stop{}
	for _, s := range stops {
		want[s.ID] = s
	}
	rows, err := w.conn.Query(ctx, `SELECT stop_id, version, toString(day), case_id, first, bank, district, fraud_type,
		hop, currency, state, result, amount, held, under_control, frozen, returned, released, lapsed FROM stops_rows FINAL`)
	if err != nil {
		return fmt.Errorf("read the books' stops: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, day, caseID, bank, district, kind, currency, state, result string
		var version uint32
		var isFirst, hop uint8
		var m [7]int64
		if err := rows.Scan(&id, &version, &day, &caseID, &isFirst, &bank, &district, &kind, &hop, &currency, &state,
			&result, &m[0], &m[1], &m[2], &m[3], &m[4], &m[5], &m[6]); err != nil {
			return fmt.Errorf("read the books' stops: %w", err)
		}
		s := want[id]
		if s == nil {
			v.add(Difference{What: "stop", ID: id, Field: "row", Books: "there", Ledger: "not there"})
			continue
		}
		delete(want, id)
		v.Stops++
		c := factColumns(&fact{s, l.FirstOfCase(id)})
		v.row("stop", id, field{"version", version, c[1]}, field{"day", day, c[2]}, field{"case_id", caseID, c[4]},
			field{"first", isFirst, c[5]}, field{"bank", bank, c[6]}, field{"district", district, c[7]},
			field{"fraud_type", kind, c[8]}, field{"hop", hop, c[10]}, field{"currency", currency, c[11]},
			field{"state", state, c[12]}, field{"result", result, c[13]}, field{"amount", m[0], c[14]},
			field{"held", m[1], c[15]}, field{"under_control", m[2], c[16]}, field{"frozen", m[3], c[17]},
			field{"returned", m[4], c[18]}, field{"released", m[5], c[19]}, field{"lapsed", m[6], c[20]})
	}
	absent(v, "stop", want)
	return rows.Err()
}

func (v *Verification) add(d Difference) {
	if len(v.Differences) < maxDifferences {
		v.Differences = append(v.Differences, d)
	}
}

// sumUp adds a stop to every statistic that it counts in.
func sumUp(sums map[dayKey]*daySum, f *fact) {
	c := factColumns(f)
	day := c[2].(string)
	for _, d := range [][2]string{{"total", ""}, {"district", f.District}, {"fraud_type", f.FraudType},
		{"bank", f.Account.Bank}, {"hop", fmt.Sprint(c[10])}, {"pattern", f.Pattern}} {
		k := dayKey{d[0], d[1], day, string(f.Currency)}
		s := sums[k]
		if s == nil {
			s = &daySum{}
			sums[k] = s
		}
		s.proposed++
		if f.first {
			s.cases++
		}
		if f.RequestedAt != 0 {
			s.requested++
			s.amount += f.Minor
			if f.Hop == 1 {
				s.first += f.Minor
			}
			if c[13] == "" {
				s.unanswered++
			}
		}
		switch c[13].(string) {
		case string(stop.Held):
			s.full++
		case string(stop.Partial):
			s.part++
		case string(stop.Missed):
			s.missed++
		case string(stop.Refused), string(stop.Mismatch):
			s.refused++
		}
		if f.State == stop.Expired {
			s.expired++
		}
		for i, into := range []*int64{&s.held, &s.under, &s.frozen, &s.returned, &s.released, &s.lapsed} {
			*into += c[15+i].(int64)
		}
	}
}

func (w *Warehouse) verifyDays(ctx context.Context, l *ledger.Ledger, stops []*stop.Stop, v *Verification) error {
	sums := map[dayKey]*daySum{}
	for _, s := range stops {
		sumUp(sums, &fact{s, l.FirstOfCase(s.ID)})
	}
	rows, err := w.conn.Query(ctx, `SELECT dim, key, toString(day), currency, cases, proposed, requested, held_full, held_part,
		missed, refused, unanswered, expired, amount_requested, amount_requested_first, amount_held, amount_under_control,
		amount_frozen, amount_returned, amount_released, amount_lapsed FROM recovery_by_rows FINAL`)
	if err != nil {
		return fmt.Errorf("read the statistics: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k dayKey
		var b daySum
		if err := rows.Scan(&k.dim, &k.key, &k.day, &k.currency, &b.cases, &b.proposed, &b.requested, &b.full, &b.part,
			&b.missed, &b.refused, &b.unanswered, &b.expired, &b.amount, &b.first, &b.held, &b.under,
			&b.frozen, &b.returned, &b.released, &b.lapsed); err != nil {
			return fmt.Errorf("read the statistics: %w", err)
		}
		day(v, sums, k, b)
		if answered := b.full + b.part + b.missed + b.refused + b.unanswered; answered != b.requested {
			v.add(Difference{What: "statistics", ID: k.String(), Field: "answers", Books: fmt.Sprint(answered),
				Ledger: fmt.Sprint(b.requested)})
		}
	}
	undone(v, sums)
	return rows.Err()
}

func (k dayKey) String() string { return fmt.Sprintf("%s %s %s %s", k.dim, k.key, k.day, k.currency) }

// day compares the sums of a day and key, and takes them off those that are wanted.
func day[T comparable](v *Verification, sums map[dayKey]*T, k dayKey, books T) {
	v.Statistics++
	want := sums[k]
	if delete(sums, k); want == nil {
		want = new(T)
	}
	if books != *want {
		v.add(Difference{What: "statistics", ID: k.String(), Field: "sums", Books: fmt.Sprintf("%+v", books),
			Ledger: fmt.Sprintf("%+v", *want)})
	}
}

// undone lists the sums that the books do not have.
func undone[T any](v *Verification, sums map[dayKey]*T) {
	for k, want := range sums {
		v.add(Difference{What: "statistics", ID: k.String(), Field: "row", Books: "not there",
			Ledger: fmt.Sprintf("%+v", *want)})
	}
}
