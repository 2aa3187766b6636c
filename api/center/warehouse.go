package center

import (
	"context"
	"time"

	"stopline.internal/store/ledger"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// Warehouse is what the routes ask the books. Alerts are JSON as scoring wrote them.
type Warehouse interface {
	alertBooks
	moneyBooks
	statisticsBooks
}

// alertBooks has alerts and how they turned out.
type alertBooks interface {
	// Alerts lists them from before a moment, and among those of that moment from
	// before an id; 0: the newest.
	Alerts(ctx context.Context, before event.Instant, beforeID, action string, limit int) ([]string, error)
	Alert(ctx context.Context, id string) (string, error) // empty: there is none
	AlertsByID(ctx context.Context, ids []string, from, to event.Instant) ([]string, error)
	Reviews(ctx context.Context, limit int) ([]string, error) // that nobody has judged
	CaseAlerts(ctx context.Context, cases []string) ([]string, error)
	PatternOutcomes(ctx context.Context, from, to event.Instant) ([]warehouse.PatternOutcome, error)
}

// moneyBooks has transfers and calls.
type moneyBooks interface {
	Calls(ctx context.Context, callee string, from, to event.Instant) ([]warehouse.Call, error)
	Movements(ctx context.Context, account string, from event.Instant, currency event.Currency,
		limit int) ([]warehouse.Movement, error)
	Search(ctx context.Context, text string, limit int) ([]warehouse.Found, error)
	HistoryRows(ctx context.Context, from, to event.Instant) (uint64, error) // events of a span
}

// statisticsBooks has the figures, and the reports that were given out.
type statisticsBooks interface {
	Recoveries(ctx context.Context, from, to event.Instant, by string,
		currency event.Currency) ([]warehouse.Recovery, error)
	Report(ctx context.Context, from, to event.Instant, by []string,
		currency event.Currency) (map[string][]warehouse.Recovery, error)
	KeptReport(ctx context.Context, month string, currency event.Currency) ([]byte, error) // nil: none is kept
	KeepReport(ctx context.Context, month string, currency event.Currency, by string, at event.Instant,
		document []byte) error
	Verify(ctx context.Context, l *ledger.Ledger, patience time.Duration) (*warehouse.Verification, error)
}
