package apitest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/store/ledger"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// Books is the warehouse: what a test writes into the fields, the routes find. The
// fields are for before the questions.
type Books struct {
	Outcomes  []warehouse.PatternOutcome
	Heard     map[string][]warehouse.Call     // by who was called
	Moves     map[string][]warehouse.Movement // by account
	Finds     map[string][]warehouse.Found    // by what is sought
	Rows      uint64                          // events of the history
	Recovered []warehouse.Recovery            // the last is the total
	Verified  warehouse.Verification

	mu     sync.Mutex
	alerts []scoring.Alert // newest first
	kept   map[string][]byte
	fail   error
}

// Fail makes every question fail; nil: they are answered again.
func (b *Books) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

// Write adds an alert, the newest.
func (b *Books) Write(a scoring.Alert) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alerts = append([]scoring.Alert{a}, b.alerts...)
}

// choose lists the alerts that are asked for, as JSON.
func (b *Books) choose(limit int, which func(*scoring.Alert) bool) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for i := range b.alerts {
		if a := &b.alerts[i]; which(a) && len(out) < limit {
			doc, err := json.Marshal(a)
			if err != nil {
				return nil, err
			}
			out = append(out, string(doc))
		}
	}
	return out, b.fail
}

// Alerts lists them.
func (b *Books) Alerts(_ context.Context, before event.Instant, beforeID, action string, limit int) ([]string, error) {
	return b.choose(limit, func(a *scoring.Alert) bool {
		older := before == 0 || a.At < before || a.At == before && a.ID < beforeID
		return older && (action == "" || a.Action.String() == action)
	})
}

// Alert is one, or empty.
func (b *Books) Alert(_ context.Context, id string) (string, error) {
	docs, err := b.choose(1, func(a *scoring.Alert) bool { return a.ID == id })
	return strings.Join(docs, ""), err
}

// AlertsByID lists those.
func (b *Books) AlertsByID(_ context.Context, ids []string, _, _ event.Instant) ([]string, error) {
	return b.choose(len(ids), func(a *scoring.Alert) bool { return slices.Contains(ids, a.ID) })
}

// Reviews lists those that stopped nothing.
func (b *Books) Reviews(_ context.Context, limit int) ([]string, error) {
	return b.choose(limit, func(a *scoring.Alert) bool { return a.Action == pattern.Review })
}

// CaseAlerts lists those of cases.
func (b *Books) CaseAlerts(_ context.Context, cases []string) ([]string, error) {
	return b.choose(1<<20, func(a *scoring.Alert) bool { return slices.Contains(cases, a.CaseID) })
}

func answer[T any](b *Books, v T) (T, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return v, b.fail
}

// PatternOutcomes lists the field Outcomes.
func (b *Books) PatternOutcomes(context.Context, event.Instant, event.Instant) ([]warehouse.PatternOutcome, error) {
	return answer(b, b.Outcomes)
}

// Calls lists those of the field Heard.
func (b *Books) Calls(_ context.Context, callee string, from, to event.Instant) ([]warehouse.Call, error) {
	var out []warehouse.Call
	for _, c := range b.Heard[callee] {
		if c.At >= from && c.At < to {
			out = append(out, c)
		}
	}
	return answer(b, out)
}

// Movements lists those of the field Moves.
func (b *Books) Movements(_ context.Context, account string, from event.Instant, _ event.Currency,
	limit int) ([]warehouse.Movement, error) {
	var out []warehouse.Movement
	for _, m := range b.Moves[account] {
		if m.At >= from && len(out) < limit {
			out = append(out, m)
		}
	}
	return answer(b, out)
}

// Search lists those of the field Finds.
func (b *Books) Search(_ context.Context, text string, _ int) ([]warehouse.Found, error) {
	return answer(b, b.Finds[text])
}

// HistoryRows is the field Rows.
func (b *Books) HistoryRows(context.Context, event.Instant, event.Instant) (uint64, error) {
	return answer(b, b.Rows)
}

// Recoveries lists the field Recovered.
func (b *Books) Recoveries(context.Context, event.Instant, event.Instant, string,
	event.Currency) ([]warehouse.Recovery, error) {
	return answer(b, b.Recovered)
}

// Report has the field Recovered in each breakdown, and its last row as the total.
func (b *Books) Report(_ context.Context, _, _ event.Instant, by []string,
	_ event.Currency) (map[string][]warehouse.Recovery, error) {
	total := warehouse.Recovery{}
	rows := b.Recovered
	if n := len(rows); n > 0 {
		total, rows = rows[n-1], rows[:n-1]
	}
	out := map[string][]warehouse.Recovery{"": {total}}
	for _, breakdown := range by {
		out[breakdown] = rows
	}
	return answer(b, out)
}

// KeptReport is one that was kept.
func (b *Books) KeptReport(_ context.Context, month string, _ event.Currency) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept[month], b.fail
}

// KeepReport keeps one, if none is.
func (b *Books) KeepReport(_ context.Context, month string, _ event.Currency, _ string, _ event.Instant,
	document []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept == nil {
		b.kept = map[string][]byte{}
	}
	if b.kept[month] == nil {
		b.kept[month] = document
	}
	return b.fail
}

// Verify is the field Verified.
func (b *Books) Verify(context.Context, *ledger.Ledger, time.Duration) (*warehouse.Verification, error) {
	return answer(b, &b.Verified)
}
