package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// maxBacktest bounds the events that one request may score again: a service has
// other work. More is for the command.
const maxBacktest = 2_000_000

// Backtest scores the books' events of a span with catalogues.
type Backtest func(ctx context.Context, from, to event.Instant, candidate, live *scoring.Catalogue) (*BacktestDocument, error)

// BacktestDocument is what a catalogue would have done, beside the one in force.
type BacktestDocument struct {
	From       string           `json:"from,omitempty" format:"date-time" doc:"Absent where there was no event"`
	To         string           `json:"to,omitempty" format:"date-time"`
	Events     int64            `json:"events"`
	Seconds    float64          `json:"seconds" doc:"That it took"`
	Candidate  BacktestFigures  `json:"candidate"`
	Live       BacktestFigures  `json:"live" doc:"Of the catalogue in force"`
	Difference []BacktestChange `json:"difference" doc:"Patterns whose figures differ"`
}

// BacktestFigures are one catalogue's. A fraud is a transfer that a report or a
// verdict names; caught is one with any alert.
type BacktestFigures struct {
	Version    string        `json:"version"`
	Frauds     int           `json:"frauds"`
	Caught     int           `json:"caught"`
	Missed     int           `json:"missed"`
	False      int           `json:"false_positives" doc:"Honest transfers, as far as is known, with an alert"`
	Honest     int64         `json:"honest"`
	FalseStops int           `json:"false_stops"`
	Precision  float64       `json:"precision"`
	Recall     float64       `json:"recall"`
	Days       []BacktestDay `json:"days"`
}

// BacktestDay is one day's alerts.
type BacktestDay struct {
	Day    string `json:"day" format:"date"`
	Stop   int    `json:"stop"`
	Review int    `json:"review"`
	Warn   int    `json:"warn"`
}

// BacktestChange is how a pattern's alerts differ.
type BacktestChange struct {
	Pattern string `json:"pattern"`
	Alerts  int    `json:"alerts"`
	True    int    `json:"true_alerts"`
	False   int    `json:"false_alerts"`
}

func (s *server) backtestRoute(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/patterns/backtest", "backtest-patterns", "Score the last days again with a catalogue and with the one in force: what it would have caught, missed and cost. At most 2 million events, one at a time", center, 404, 409, 422, 503), s.backtest)
}

func (s *server) backtest(ctx context.Context, in *struct {
	CatalogueInput
	Days int `query:"days" minimum:"1" maximum:"90" default:"7"`
}) (*struct{ Body BacktestDocument }, error) {
	candidate, err := checked(in.RawBody)
	if err != nil {
		return nil, err
	}
	now, ok := s.Book.Current()
	if !ok {
		return nil, problem(http.StatusNotFound, "not-found.baseline")
	}
	live, err := scoring.ParseCatalogue("the published catalogue", []byte(now.Text))
	if err != nil {
		return nil, problem(http.StatusConflict, "catalogue.unread", "cause", err.Error())
	}
	if !s.testing.TryLock() {
		return nil, problem(http.StatusConflict, "backtest.running")
	}
	defer s.testing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 80*time.Second)
	defer cancel()
	to := s.Clock() + 1
	from := to - event.Instant(in.Days)*event.Instant((24*time.Hour).Milliseconds())
	rows, err := s.Warehouse.HistoryRows(ctx, from, to)
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
	}
	if rows == 0 || rows > maxBacktest {
		return nil, problem(http.StatusUnprocessableEntity, "backtest.size", "events", rows, "limit", maxBacktest)
	}
	d, err := s.Backtest(ctx, from, to, candidate, live)
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
	}
	return &struct{ Body BacktestDocument }{*d}, nil
}
