package center

import (
	"context"
	"net/http"
	"sync"
	"time"

	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// backtests tries a catalogue on the past.
type backtests struct {
	*base
	running *sync.Mutex // one at a time
}

func (s *backtests) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Path: "/v1/patterns/backtest", ID: "backtest-patterns",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.backtest),
			EN: "Score the last days again with a catalogue and with the one in force: what it would have " +
				"caught, missed and cost. At most 2 million events, one at a time",
			ZH: "用候选目录与现行目录重算最近几天：能抓住什么、漏掉什么、误伤多少。最多 200 万个事件，一次一个"},
	}
}

// maxBacktest bounds the events that one request may score again: a service has
// other work. More is for the command.
const maxBacktest = 2_000_000

// backtestTime bounds one request: a connection is not held for longer.
const backtestTime = 80 * time.Second

// Backtest scores the books' events of a span with catalogues.
type Backtest func(ctx context.Context, from, to event.Instant,
	candidate, live *scoring.Catalogue) (*wire.Backtest, error)

type backtestInput struct {
	CatalogueInput
	Days int `query:"days" minimum:"1" maximum:"90" default:"7"`
}

type backtestOutput struct{ Body wire.Backtest }

func (s *backtests) backtest(ctx context.Context, in *backtestInput) (*backtestOutput, error) {
	candidate, err := checked(in.RawBody)
	if err != nil {
		return nil, err
	}
	now, ok := s.Book.Current()
	if !ok {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.baseline")
	}
	live, err := scoring.ParseCatalogue("the published catalogue", []byte(now.Text))
	if err != nil {
		return nil, route.Refuse("catalogue.unread", "cause", err.Error())
	}
	if !s.running.TryLock() {
		return nil, route.Refuse("backtest.running")
	}
	defer s.running.Unlock()
	ctx, cancel := context.WithTimeout(ctx, backtestTime)
	defer cancel()
	to := s.Clock() + 1
	from := to - event.Instant(in.Days)*event.Instant((24*time.Hour).Milliseconds())
	rows, err := s.Warehouse.HistoryRows(ctx, from, to)
	if err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	if rows == 0 || rows > maxBacktest {
		return nil, wire.NewProblem(http.StatusUnprocessableEntity, "backtest.size",
			"events", rows, "limit", maxBacktest)
	}
	d, err := s.Backtest(ctx, from, to, candidate, live)
	if err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	return &backtestOutput{*d}, nil
}
