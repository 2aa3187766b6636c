package wire

import (
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// RecoveryStatistics are the recovered funds of a period. Stopped is not saved:
// what was reported, asked for, held, frozen and returned are kept apart.
type RecoveryStatistics struct {
	From     string        `json:"from" format:"date"`
	To       string        `json:"to" format:"date" doc:"The first day that is not in it"`
	By       string        `json:"by"`
	Currency string        `json:"currency"`
	Rows     []RecoveryRow `json:"rows"`
	Total    RecoveryRow   `json:"total"`
}

// RecoveryRow is one line of it. Stops count where they were proposed in the
// period, reports where they were made in it.
type RecoveryRow struct {
	Key              string      `json:"key"`
	Reports          uint64      `json:"reports" doc:"That brought a payment which no other report of their case had"`
	ReportsRepeated  uint64      `json:"reports_repeated" doc:"The others: they are not among the reports"`
	Cases            uint64      `json:"cases" doc:"Whose first stop was proposed in the period"`
	CasesSolved      uint64      `json:"cases_solved"`
	Arrests          uint64      `json:"arrests"`
	StopsRequested   uint64      `json:"stops_requested"`
	StopsHeld        uint64      `json:"stops_held"`
	StopsPartial     uint64      `json:"stops_partial"`
	StopsMissed      uint64      `json:"stops_missed"`
	StopsRefused     uint64      `json:"stops_refused" doc:"Refused, and not matching"`
	StopsUnanswered  uint64      `json:"stops_unanswered" doc:"No bank said what became of them; with those held, held in part, missed and refused they are the requested ones"`
	StopsProposed    uint64      `json:"stops_proposed"`
	StopsExpired     uint64      `json:"stops_expired" doc:"The term ended with nobody acting"`
	AmountReported   string      `json:"amount_reported" doc:"What victims reported as lost, each payment once in its case"`
	AmountRequested  string      `json:"amount_requested" doc:"Money that is followed counts at each hop"`
	AmountFirst      string      `json:"amount_requested_first" doc:"Of it, at the first hop: the victims' own payments"`
	AmountHeld       string      `json:"amount_held" doc:"What banks said they held, whatever became of it"`
	AmountFrozen     string      `json:"amount_frozen"`
	AmountReturned   string      `json:"amount_returned"`
	AmountUnder      string      `json:"amount_under_control" doc:"Held or frozen now"`
	AmountReleased   string      `json:"amount_released"`
	AmountLapsed     string      `json:"amount_lapsed" doc:"Held until the term ended with nobody acting"`
	SecondsToRequest Percentiles `json:"seconds_to_request" doc:"From the transfer to the request"`
	SecondsToHold    Percentiles `json:"seconds_to_hold" doc:"From the transfer to the hold's effect"`
	SecondsToAnswer  Percentiles `json:"seconds_to_answer" doc:"From the request to the bank's answer"`
	Minutes          []uint64    `json:"minutes" doc:"Requests by minutes since the transfer: to 1, 5, 15, 30, 60, more"`
	MinutesHeld      []uint64    `json:"minutes_held" doc:"Of those, the ones by which anything was held"`
}

// Percentiles of a time, in seconds.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

// NewRecoveryRow is a line of the books in decimals.
func NewRecoveryRow(r *warehouse.Recovery, currency event.Currency) RecoveryRow {
	amount := func(minor int64) string { return event.Money{Minor: minor, Currency: currency}.Decimal() }
	percentiles := func(p [3]float64) Percentiles { return Percentiles{p[0], p[1], p[2]} }
	return RecoveryRow{Key: r.Key, Reports: r.Reports, ReportsRepeated: r.ReportsRepeated, Cases: r.Cases,
		CasesSolved: r.CasesSolved, Arrests: r.Arrests, StopsProposed: r.Proposed, StopsRequested: r.Requested,
		StopsHeld: r.Held, StopsPartial: r.Partial, StopsMissed: r.Missed, StopsRefused: r.Refused,
		StopsUnanswered: r.Unanswered, StopsExpired: r.Expired, AmountReported: amount(r.AmountReported),
		AmountRequested: amount(r.AmountRequested), AmountFirst: amount(r.AmountRequestedFirst),
		AmountHeld: amount(r.AmountHeld), AmountFrozen: amount(r.AmountFrozen), AmountReturned: amount(r.AmountReturned),
		AmountUnder: amount(r.AmountUnder), AmountReleased: amount(r.AmountReleased), AmountLapsed: amount(r.AmountLapsed),
		Minutes: r.Minutes, MinutesHeld: r.MinutesHeld, SecondsToAnswer: percentiles(r.SecondsToAnswer),
		SecondsToRequest: percentiles(r.SecondsToRequest), SecondsToHold: percentiles(r.SecondsToHold)}
}
