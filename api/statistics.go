package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/report"
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

func (s *server) statisticsRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/statistics/recovery", "recovery-statistics", "Recovered funds", []Role{Police, Analyst, Supervisor, Admin}, 422, 503), s.recovery)
	op := s.operation(api, http.MethodGet, "/v1/statistics/report", "monthly-report", "The monthly report, the same figures in each form; a closed month's is kept as it was first given out, with what has become otherwise since", []Role{Police, Analyst, Supervisor, Admin}, 422, 503)
	op.Responses = map[string]*huma.Response{"200": {Description: "The report", Content: map[string]*huma.MediaType{
		"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[report.Report](), true, "")}, "text/csv": {Schema: &huma.Schema{Type: huma.TypeString}, Example: "by,key,reports"},
		xlsxType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: "PK…"}, "application/pdf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: "%PDF-…"}}}}
	huma.Register(api, op, s.monthly)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/statistics/verification", "verify", "Compare the books with the ledger: every stop, and the sums over them", []Role{Police, Supervisor, Admin}, 503), s.verify)
}

func (s *server) recovery(ctx context.Context, in *struct {
	From     string `query:"from" required:"true" format:"date" example:"2026-11-01"`
	To       string `query:"to" required:"true" format:"date" example:"2026-12-01" doc:"The first day that is not in it"`
	By       string `query:"by" enum:"month,day,district,fraud_type,bank,hop,pattern" default:"month"`
	Currency string `query:"currency" default:"CNY"`
}) (*struct{ Body RecoveryStatistics }, error) {
	currency := event.Currency(in.Currency)
	if _, known := currency.Digits(); !known {
		return nil, fieldError("query.currency", "field.currency")
	}
	from, err1 := time.ParseInLocation(time.DateOnly, in.From, event.Zone)
	to, err2 := time.ParseInLocation(time.DateOnly, in.To, event.Zone)
	if err1 != nil || err2 != nil || !from.Before(to) {
		return nil, fieldError("query.to", "field.after-from")
	}
	rows, err := s.Warehouse.Recoveries(ctx, event.InstantOf(from), event.InstantOf(to), in.By, currency)
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
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

const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// reportBreakdowns are the report's sections.
var reportBreakdowns = []string{"district", "fraud_type", "bank", "hop", "day"}

type reportOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *server) monthly(ctx context.Context, in *struct {
	Month    string `query:"month" required:"true" pattern:"^[0-9]{4}-[0-9]{2}$" example:"2026-11"`
	Format   string `query:"format" enum:"json,csv,xlsx,pdf" default:"json"`
	Lang     string `query:"lang" enum:"zh,en" default:"zh"`
	Currency string `query:"currency" default:"CNY" maxLength:"3"`
}) (*reportOutput, error) {
	first, err := time.ParseInLocation("2006-01", in.Month, event.Zone)
	if err != nil {
		return nil, fieldError("query.month", "field.month")
	}
	currency := event.Currency(in.Currency)
	if _, known := currency.Digits(); !known {
		return nil, fieldError("query.currency", "field.currency")
	}
	r, err := s.reportOf(ctx, first, currency)
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
	}
	var b bytes.Buffer
	out := &reportOutput{Disposition: fmt.Sprintf("attachment; filename=stopline-%s.%s", in.Month, in.Format)}
	switch in.Format {
	case "csv":
		out.Type, err = "text/csv; charset=utf-8", report.CSV(&b, r, in.Lang)
	case "xlsx":
		out.Type, err = xlsxType, report.XLSX(&b, r, in.Lang)
	case "pdf":
		out.Type, err = "application/pdf", report.PDF(&b, r, in.Lang)
	default:
		out.Type, out.Disposition, err = "application/json", "", json.NewEncoder(&b).Encode(r)
	}
	if errors.Is(err, report.ErrNoFont) {
		return nil, problem(http.StatusServiceUnavailable, "unavailable.font", "cause", err.Error())
	}
	out.Body = b.Bytes()
	return out, err
}

// reportOf builds a month's report, or takes the one that was kept when it
// closed.
func (s *server) reportOf(ctx context.Context, first time.Time, currency event.Currency) (*report.Report, error) {
	month, now := first.Format("2006-01"), s.Clock()
	r := &report.Report{Month: month, Currency: string(currency), Center: s.Center, GeneratedAt: now.String(), GeneratedBy: who(ctx).Name, Corrections: []report.Correction{}, Closed: event.InstantOf(first.AddDate(0, 1, 0)) <= now}
	all, err := s.Warehouse.Report(ctx, event.InstantOf(first), event.InstantOf(first.AddDate(0, 1, 0)), reportBreakdowns, currency)
	if err != nil {
		return nil, err
	}
	r.Total = reportRow("total", &all[""][0])
	for _, by := range reportBreakdowns {
		section := report.Section{By: by, Rows: []report.Row{}}
		for i := range all[by] {
			section.Rows = append(section.Rows, reportRow(by, &all[by][i]))
		}
		r.Sections = append(r.Sections, section)
	}
	before := func(row *report.Row, f map[string]int64) { row.MonthBefore = f }
	if err := s.compared(ctx, r, first.AddDate(0, -1, 0), currency, &r.Before, before); err != nil {
		return nil, err
	}
	year := func(row *report.Row, f map[string]int64) { row.YearBefore = f }
	if err := s.compared(ctx, r, first.AddDate(-1, 0, 0), currency, &r.YearBefore, year); err != nil {
		return nil, err
	}
	r.Finish(s.Banks)
	if !r.Closed {
		return r, nil
	}
	doc, err := s.Warehouse.KeptReport(ctx, month, currency)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		if doc, err = json.Marshal(r); err != nil {
			return nil, err
		}
		if err := s.Warehouse.KeepReport(ctx, month, currency, who(ctx).Name, now, doc); err != nil {
			return nil, err
		}
		if doc, err = s.Warehouse.KeptReport(ctx, month, currency); err != nil { // another may have been first
			return nil, err
		}
	}
	kept := &report.Report{}
	if err := json.Unmarshal(doc, kept); err != nil {
		return nil, fmt.Errorf("the kept report of %s: %w", month, err)
	}
	kept.Corrections = report.Compare(kept, r)
	kept.Finish(s.Banks)
	return kept, nil
}

// compared adds another month's figures, in all and by each key that the report
// has. Days are compared with no others.
func (s *server) compared(ctx context.Context, r *report.Report, month time.Time, currency event.Currency,
	total *report.Row, set func(*report.Row, map[string]int64)) error {
	keyed := slices.DeleteFunc(slices.Clone(reportBreakdowns), func(by string) bool { return by == "day" })
	from, to := event.InstantOf(month), event.InstantOf(month.AddDate(0, 1, 0))
	all, err := s.Warehouse.Report(ctx, from, to, keyed, currency)
	if err != nil {
		return err
	}
	*total = reportRow("total", &all[""][0])
	for i := range r.Sections {
		of := map[string]map[string]int64{}
		for j := range all[r.Sections[i].By] {
			row := reportRow(r.Sections[i].By, &all[r.Sections[i].By][j])
			of[row.Key] = row.Figures
		}
		for j := range r.Sections[i].Rows {
			set(&r.Sections[i].Rows[j], of[r.Sections[i].Rows[j].Key])
		}
	}
	return nil
}

// reportRow is a line of the report. Reports name neither banks nor hops: there
// they have no figures.
func reportRow(by string, r *warehouse.Recovery) report.Row {
	row := allFigures(r)
	if by == "bank" || by == "hop" {
		for _, name := range []string{"reports", "reports_repeated", "amount_reported"} {
			delete(row.Figures, name)
		}
	}
	return row
}

func allFigures(r *warehouse.Recovery) report.Row {
	return report.Row{Key: r.Key, SecondsToRequest: r.SecondsToRequest, SecondsToHold: r.SecondsToHold, Minutes: r.Minutes, MinutesHeld: r.MinutesHeld, Figures: map[string]int64{
		"reports": int64(r.Reports), "reports_repeated": int64(r.ReportsRepeated), "stops_unanswered": int64(r.Unanswered),
		"amount_requested_first": r.AmountRequestedFirst, "cases": int64(r.Cases), "cases_solved": int64(r.CasesSolved), "arrests": int64(r.Arrests), "stops_proposed": int64(r.Proposed), "stops_requested": int64(r.Requested),
		"stops_held": int64(r.Held), "stops_partial": int64(r.Partial), "stops_missed": int64(r.Missed), "stops_refused": int64(r.Refused), "stops_expired": int64(r.Expired),
		"amount_reported": r.AmountReported, "amount_requested": r.AmountRequested, "amount_held": r.AmountHeld, "amount_under_control": r.AmountUnder, "amount_frozen": r.AmountFrozen,
		"amount_returned": r.AmountReturned, "amount_released": r.AmountReleased, "amount_lapsed": r.AmountLapsed}}
}

// verify compares the books with the ledger that this replica has folded.
// patience is how long the books have to learn what the ledger knows before it
// counts as a difference.
const patience = 10 * time.Second

func (s *server) verify(ctx context.Context, _ *struct{}) (*struct{ Body warehouse.Verification }, error) {
	v, err := s.Warehouse.Verify(ctx, s.Ledger, patience)
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
	}
	return &struct{ Body warehouse.Verification }{*v}, nil
}

func recoveryRow(r *warehouse.Recovery, currency event.Currency) RecoveryRow {
	amount := func(minor int64) string { return event.Money{Minor: minor, Currency: currency}.Decimal() }
	percentiles := func(p [3]float64) Percentiles { return Percentiles{p[0], p[1], p[2]} }
	return RecoveryRow{Key: r.Key, Reports: r.Reports, ReportsRepeated: r.ReportsRepeated, Cases: r.Cases,
		StopsUnanswered: r.Unanswered, AmountFirst: amount(r.AmountRequestedFirst),
		StopsRequested: r.Requested, StopsHeld: r.Held, StopsPartial: r.Partial, StopsMissed: r.Missed, StopsRefused: r.Refused,
		AmountReported: amount(r.AmountReported), AmountRequested: amount(r.AmountRequested), AmountHeld: amount(r.AmountHeld),
		AmountFrozen: amount(r.AmountFrozen), AmountReturned: amount(r.AmountReturned), CasesSolved: r.CasesSolved, Arrests: r.Arrests,
		AmountUnder: amount(r.AmountUnder), AmountReleased: amount(r.AmountReleased), AmountLapsed: amount(r.AmountLapsed), StopsProposed: r.Proposed, StopsExpired: r.Expired,
		Minutes: r.Minutes, MinutesHeld: r.MinutesHeld, SecondsToAnswer: percentiles(r.SecondsToAnswer),
		SecondsToRequest: percentiles(r.SecondsToRequest), SecondsToHold: percentiles(r.SecondsToHold)}
}
