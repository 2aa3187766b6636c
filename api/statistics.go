package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline/store/warehouse"
	"stopline/stream/event"
)

// RecoveryStatistics are the recovered funds of a period. Stopped is not saved:
// what was reported, asked for, held, frozen and returned are kept apart.
type RecoveryStatistics struct {
	From     string        `json:"from"`
	To       string        `json:"to" doc:"The first day that is not in it"`
	By       string        `json:"by"`
	Currency string        `json:"currency"`
	Rows     []RecoveryRow `json:"rows"`
	Total    RecoveryRow   `json:"total"`
}

// RecoveryRow is one line of it. Stops count where they were proposed in the
// period, reports where they were made in it.
type RecoveryRow struct {
	Key              string      `json:"key"`
	Reports          uint64      `json:"reports"`
	Cases            uint64      `json:"cases" doc:"Cases with a stop in the period"`
	CasesSolved      uint64      `json:"cases_solved"`
	Arrests          uint64      `json:"arrests"`
	StopsRequested   uint64      `json:"stops_requested"`
	StopsHeld        uint64      `json:"stops_held"`
	StopsPartial     uint64      `json:"stops_partial"`
	StopsMissed      uint64      `json:"stops_missed"`
	StopsRefused     uint64      `json:"stops_refused" doc:"Refused, and not matching"`
	AmountReported   string      `json:"amount_reported"`
	AmountRequested  string      `json:"amount_requested"`
	AmountHeld       string      `json:"amount_held" doc:"What banks said they held, whatever became of it"`
	AmountFrozen     string      `json:"amount_frozen"`
	AmountReturned   string      `json:"amount_returned"`
	SecondsToRequest Percentiles `json:"seconds_to_request" doc:"From the transfer to the request"`
	SecondsToHold    Percentiles `json:"seconds_to_hold" doc:"From the transfer to the hold's effect"`
}

// Percentiles of a time, in seconds.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

func (s *server) statisticsRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/statistics/recovery", "recovery-statistics", "Recovered funds", []Role{Police, Analyst, Supervisor, Admin}, 422, 503), s.recovery)
}

func (s *server) recovery(ctx context.Context, in *struct {
	From     string `query:"from" required:"true" format:"date" example:"2026-11-01"`
	To       string `query:"to" required:"true" format:"date" example:"2026-12-01" doc:"The first day that is not in it"`
	By       string `query:"by" enum:"month,day,district,fraud_type,bank,hop" default:"month"`
	Currency string `query:"currency" default:"CNY"`
}) (*struct{ Body RecoveryStatistics }, error) {
	currency := event.Currency(in.Currency)
	if _, known := currency.Digits(); !known {
		return nil, fieldError("query.currency", "is not an ISO 4217 code in use")
	}
	from, err1 := time.ParseInLocation(time.DateOnly, in.From, event.Zone)
	to, err2 := time.ParseInLocation(time.DateOnly, in.To, event.Zone)
	if err1 != nil || err2 != nil || !from.Before(to) {
		return nil, fieldError("query.to", "must be a day after from")
	}
	rows, err := s.Warehouse.Recoveries(ctx, event.InstantOf(from), event.InstantOf(to), in.By, currency)
	if err != nil {
		return nil, s.unavailableBooks(err)
	}
	out := RecoveryStatistics{From: in.From, To: in.To, By: in.By, Currency: in.Currency, Rows: []RecoveryRow{}}
	for i := range rows {
		row := recoveryRow(&rows[i], currency)
		if i == len(rows)-1 {
			out.Total = row
		} else {
			out.Rows = append(out.Rows, row)
		}
	}
	return &struct{ Body RecoveryStatistics }{out}, nil
}

func recoveryRow(r *warehouse.Recovery, currency event.Currency) RecoveryRow {
	amount := func(minor int64) string { return event.Money{Minor: minor, Currency: currency}.Decimal() }
	percentiles := func(p [3]float64) Percentiles { return Percentiles{p[0], p[1], p[2]} }
	return RecoveryRow{Key: r.Key, Reports: r.Reports, Cases: r.Cases,
		StopsRequested: r.Requested, StopsHeld: r.Held, StopsPartial: r.Partial, StopsMissed: r.Missed, StopsRefused: r.Refused,
		AmountReported: amount(r.AmountReported), AmountRequested: amount(r.AmountRequested), AmountHeld: amount(r.AmountHeld),
		AmountFrozen: amount(r.AmountFrozen), AmountReturned: amount(r.AmountReturned), CasesSolved: r.CasesSolved, Arrests: r.Arrests,
		SecondsToRequest: percentiles(r.SecondsToRequest), SecondsToHold: percentiles(r.SecondsToHold)}
}
