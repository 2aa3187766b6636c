package warehouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"stopline.internal/store/ledger"
)

// Difference is something in the books that the ledger says otherwise.
type Difference struct {
	What   string `json:"what"`  // stop, statistics
	ID     string `json:"id"`    // the stop, or dimension, key and day
	Field  string `json:"field"` // or "row", when it is not there, or should not be
	Books  string `json:"books"`
	Ledger string `json:"ledger"`
}

// Verification is what a comparison of the books with the ledger found.
type Verification struct {
	Stops       int          `json:"stops"`  // compared
	Behind      int          `json:"behind"` // differences that come and go: what the books are about to learn
	Statistics  int          `json:"statistics"`
	Differences []Difference `json:"differences"`
}

// maxDifferences bounds a verification's list.
const maxDifferences = 1000

// day sums what the statistics of one day and key must be.
type daySum struct {
	cases, proposed, requested, full, part, missed, refused, expired uint64
	amount, held, under, frozen, returned, released, lapsed          int64
}

type dayKey struct{ dim, key, day, currency string }

// Verify compares the books with the ledger: each stop's row field by field, and
// the statistics with sums over the stops. The books learn of the ledger within
// seconds, so that a difference is looked at again, once a second: what is still
// there, and the same, when patience has run out is one; what comes and goes is
// what the books are about to learn. Its error is ClickHouse's.
func (w *Warehouse) Verify(ctx context.Context, stops func() []*ledger.Stop, first func(string) bool, patience time.Duration) (*Verification, error) {
	var stay map[Difference]bool
	for end := time.Now().Add(patience); ; {
		v, err := w.compare(ctx, stops(), first)
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
func (w *Warehouse) compare(ctx context.Context, stops []*ledger.Stop, first func(string) bool) (*Verification, error) {
	v := &Verification{Differences: []Difference{}}
	want := map[string]*ledger.Stop{}
	sums := map[dayKey]*daySum{}
	for _, s := range stops {
		want[s.ID] = s
		sumUp(sums, &fact{s, first(s.ID)})
	}
	rows, err := w.conn.Query(ctx, `SELECT stop_id, version, toString(day), case_id, first, bank, district, fraud_type, hop, currency, state, result, amount, held, under_control, frozen, returned, released, lapsed FROM stop_facts FINAL`)
	if err != nil {
		return nil, fmt.Errorf("read the books' stops: %w", err)
	}
	defer func() { _ = rows.Close() }()
	seen := map[string]bool{}
	for rows.Next() {
		var id, day, caseID, bank, district, kind, currency, state, result string
		var version uint32
		var isFirst, hop uint8
		var m [7]int64
		if err := rows.Scan(&id, &version, &day, &caseID, &isFirst, &bank, &district, &kind, &hop, &currency, &state, &result, &m[0], &m[1], &m[2], &m[3], &m[4], &m[5], &m[6]); err != nil {
			return nil, fmt.Errorf("read the books' stops: %w", err)
		}
		s := want[id]
		if s == nil {
			v.add(Difference{"stop", id, "row", "there", "not there"})
			continue
		}
		seen[id] = true
		v.Stops++
		c := factColumns(&fact{s, first(id)})
		for _, f := range []struct {
			name        string
			books, want any
		}{{"version", version, c[1]}, {"day", day, c[2]}, {"case_id", caseID, c[4]}, {"first", isFirst, c[5]}, {"bank", bank, c[6]}, {"district", district, c[7]}, {"fraud_type", kind, c[8]}, {"hop", hop, c[10]}, {"currency", currency, c[11]},
			{"state", state, c[12]}, {"result", result, c[13]}, {"amount", m[0], c[14]}, {"held", m[1], c[15]}, {"under_control", m[2], c[16]}, {"frozen", m[3], c[17]}, {"returned", m[4], c[18]}, {"released", m[5], c[19]}, {"lapsed", m[6], c[20]}} {
			if fmt.Sprint(f.books) != fmt.Sprint(f.want) {
				v.add(Difference{"stop", id, f.name, fmt.Sprint(f.books), fmt.Sprint(f.want)})
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the books' stops: %w", err)
	}
	for id := range want {
		if !seen[id] {
			v.add(Difference{"stop", id, "row", "not there", "there"})
		}
	}
	if err := w.verifyDays(ctx, sums, v); err != nil {
		return nil, err
	}
	slices.SortFunc(v.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Field, b.Field))
	})
	return v, nil
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
	for _, d := range [][2]string{{"total", ""}, {"district", f.District}, {"fraud_type", f.FraudType}, {"bank", f.Account.Bank}, {"hop", fmt.Sprint(c[10])}, {"pattern", f.Pattern}} {
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
		}
		switch c[13].(string) {
		case string(ledger.Held):
			s.full++
		case string(ledger.Partial):
			s.part++
		case string(ledger.Missed):
			s.missed++
		case string(ledger.Refused), string(ledger.Mismatch):
			s.refused++
		}
		if f.State == ledger.Expired {
			s.expired++
		}
		for i, into := range []*int64{&s.held, &s.under, &s.frozen, &s.returned, &s.released, &s.lapsed} {
			*into += c[15+i].(int64)
		}
	}
}

func (w *Warehouse) verifyDays(ctx context.Context, sums map[dayKey]*daySum, v *Verification) error {
	rows, err := w.conn.Query(ctx, `SELECT dim, key, toString(day), currency, cases, proposed, requested, held_full, held_part, missed, refused, expired,
		amount_requested, amount_held, amount_under_control, amount_frozen, amount_returned, amount_released, amount_lapsed FROM recovery_days FINAL`)
	if err != nil {
		return fmt.Errorf("read the statistics: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k dayKey
		var b daySum
		if err := rows.Scan(&k.dim, &k.key, &k.day, &k.currency, &b.cases, &b.proposed, &b.requested, &b.full, &b.part, &b.missed, &b.refused, &b.expired,
			&b.amount, &b.held, &b.under, &b.frozen, &b.returned, &b.released, &b.lapsed); err != nil {
			return fmt.Errorf("read the statistics: %w", err)
		}
		v.Statistics++
		want := sums[k]
		if delete(sums, k); want == nil {
			want = &daySum{}
		}
		if b != *want {
			v.add(Difference{"statistics", fmt.Sprintf("%s %s %s %s", k.dim, k.key, k.day, k.currency), "sums", fmt.Sprintf("%+v", b), fmt.Sprintf("%+v", *want)})
		}
	}
	for k, want := range sums {
		v.add(Difference{"statistics", fmt.Sprintf("%s %s %s %s", k.dim, k.key, k.day, k.currency), "row", "not there", fmt.Sprintf("%+v", *want)})
	}
	return rows.Err()
}
