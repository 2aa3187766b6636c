package backtest

import (
	"fmt"
	"slices"
	"time"

	"stopline.internal/cmd/stopline/history"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// row is what a condition looks at where a file holds features in place of
// events.
type row struct{ values []float64 }

// Table asks the patterns that need nothing but the features of a file. The
// conditions are compiled from the same text by the same compiler; only where
// the values come from is another.
func Table(source string, t *history.Table, on string, now event.Instant,
	catalogues ...*scoring.Catalogue) (*Report, error) {
	began := time.Now()
	account, number := pattern.RolesOf(on)
	if account == 0 && number == 0 {
		return nil, fmt.Errorf("on: %q is no leg that patterns look at", on)
	}
	truth := NewTruth()
	truth.Entities = map[event.Entity]bool{}
	for i := range t.Rows {
		truth.Entities[event.Entity(t.Rows[i].Entity)] = t.Rows[i].Fraud
	}
	r := &Result{Truth: truth, Events: int64(len(t.Rows)), From: now, To: now}
	for _, c := range catalogues {
		patterns, err := tablePatterns(t, c, account, number)
		if err != nil {
			return nil, err
		}
		if len(patterns) == 0 {
			return nil, fmt.Errorf("no pattern of the catalogue is on %s and needs only %v", on, t.Names)
		}
		var found []Finding
		for i := range t.Rows {
			v := &row{t.Rows[i].Values}
			f := Finding{ID: t.Rows[i].Entity, Entity: event.Entity(t.Rows[i].Entity), At: now, Seen: now, Shadow: true}
			for _, p := range patterns {
				if hit, _ := p.Hits(v); hit {
					f.Patterns = append(f.Patterns, p.ID)
					f.Action, f.Shadow = max(f.Action, p.Then), f.Shadow && p.Shadow
				}
			}
			if len(f.Patterns) > 0 {
				found = append(found, f)
			}
		}
		r.Findings = append(r.Findings, found)
	}
	r.Seconds = time.Since(began).Seconds()
	return r.Report(source, now, catalogues...), nil
}

// tablePatterns compiles a catalogue over the columns of a table.
func tablePatterns(t *history.Table, c *scoring.Catalogue, account, number event.Role) ([]*pattern.Pattern[row],
	error) {
	known := map[string]bool{}
	var features []pattern.Feature[row]
	for _, f := range scoring.Features() {
		i := slices.Index(t.Names, f.Name)
		known[f.Name] = i >= 0
		value := func(v *row) float64 {
			if i < 0 {
				return 0
			}
			return v.values[i]
		}
		features = append(features, pattern.Feature[row]{Name: f.Name, Doc: f.Doc, Of: f.Of, Type: f.Type, Money: f.Money,
			Signal: f.Signal, Note: f.Note, Cost: f.Cost,
			Bool: func(v *row) bool { return value(v) != 0 }, Int: intOf(f.Type, value), Double: doubleOf(f.Type, value),
			String: func(*row) string { return "" }})
	}
	for _, n := range t.Names {
		if !known[n] {
			return nil, fmt.Errorf("there is no feature %q: see \"stopline patterns features\"", n)
		}
	}
	all, err := pattern.Parse("the catalogue", []byte(c.Text), features)
	if err != nil {
		return nil, err
	}
	var out []*pattern.Pattern[row]
	for _, p := range all.Patterns {
		ours := slices.ContainsFunc(p.On, func(r event.Role) bool { return r == account || r == number })
		if ours && !slices.ContainsFunc(p.Reads, func(f *pattern.Feature[row]) bool { return !known[f.Name] }) {
			out = append(out, p)
		}
	}
	return out, nil
}

func intOf(t pattern.Type, value func(*row) float64) func(*row) int64 {
	if t != pattern.Int && t != pattern.Duration {
		return nil
	}
	return func(v *row) int64 { return int64(value(v)) }
}

func doubleOf(t pattern.Type, value func(*row) float64) func(*row) float64 {
	if t != pattern.Double {
		return nil
	}
	return value
}
