package center

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

	"stopline.internal/api/access"
	"stopline.internal/api/report"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// reportBreakdowns are the report's sections.
var reportBreakdowns = []string{"district", "fraud_type", "bank", "hop", "day"}

type reportOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// describeMonthly says which forms the report has.
func describeMonthly(api huma.API, op *huma.Operation) {
	file := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	figures := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[report.Report](), true, "")
	route.Document("The report", map[string]*huma.MediaType{
		"application/json": {Schema: figures},
		"text/csv":         {Schema: &huma.Schema{Type: huma.TypeString}, Example: "by,key,reports"},
		xlsxType:           {Schema: file, Example: "PK…"},
		"application/pdf":  {Schema: file, Example: "%PDF-…"},
	})(api, op)
}

type monthlyInput struct {
	Month    string `query:"month" required:"true" pattern:"^[0-9]{4}-[0-9]{2}$" example:"2026-11"`
	Format   string `query:"format" enum:"json,csv,xlsx,pdf" default:"json"`
	Lang     string `query:"lang" enum:"zh,en" default:"zh"`
	Currency string `query:"currency" default:"CNY" maxLength:"3"`
}

func (s *statistics) monthly(ctx context.Context, in *monthlyInput) (*reportOutput, error) {
	first, err := time.ParseInLocation("2006-01", in.Month, event.Zone)
	if err != nil {
		return nil, wire.BadField("query.month", "field.month")
	}
	currency := event.Currency(in.Currency)
	if _, known := currency.Digits(); !known {
		return nil, wire.BadField("query.currency", "field.currency")
	}
	r, err := s.reportOf(ctx, first, currency)
	if err != nil {
		return nil, s.fail.Books(ctx, err)
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
		return nil, wire.NewProblem(http.StatusServiceUnavailable, "unavailable.font", "cause", err.Error())
	}
	out.Body = b.Bytes()
	return out, err
}

// reportOf builds a month's report, or takes the one that was kept when it
// closed.
func (s *statistics) reportOf(ctx context.Context, first time.Time, currency event.Currency) (*report.Report, error) {
	r, err := s.reportNow(ctx, first, currency)
	if err != nil || !r.Closed {
		return r, err
	}
	kept, err := s.keptReport(ctx, r, currency)
	if err != nil {
		return nil, err
	}
	kept.Corrections = report.Compare(kept, r)
	kept.Finish(s.Banks)
	return kept, nil
}

// reportNow is a month's report as the books have it now, beside the month and the
// year before.
func (s *statistics) reportNow(ctx context.Context, first time.Time, currency event.Currency) (*report.Report, error) {
	now, end := s.Clock(), event.InstantOf(first.AddDate(0, 1, 0))
	r := &report.Report{Month: first.Format("2006-01"), Currency: string(currency), Center: s.Center,
		GeneratedAt: now.String(), GeneratedBy: access.Who(ctx).Name, Corrections: []report.Correction{},
		Closed: end <= now}
	all, err := s.Warehouse.Report(ctx, event.InstantOf(first), end, reportBreakdowns, currency)
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
	return r, nil
}

// keptReport is a closed month's report as it was first given out; this one, if it
// is the first.
func (s *statistics) keptReport(ctx context.Context, r *report.Report,
	currency event.Currency) (*report.Report, error) {
	doc, err := s.Warehouse.KeptReport(ctx, r.Month, currency)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		if doc, err = json.Marshal(r); err != nil {
			return nil, err
		}
		if err := s.Warehouse.KeepReport(ctx, r.Month, currency, access.Who(ctx).Name, s.Clock(), doc); err != nil {
			return nil, err
		}
		if doc, err = s.Warehouse.KeptReport(ctx, r.Month, currency); err != nil { // another may have been first
			return nil, err
		}
	}
	kept := &report.Report{}
	if err := json.Unmarshal(doc, kept); err != nil {
		return nil, fmt.Errorf("the kept report of %s: %w", r.Month, err)
	}
	return kept, nil
}

// compared adds another month's figures, in all and by each key that the report
// has. Days are compared with no others.
func (s *statistics) compared(ctx context.Context, r *report.Report, month time.Time, currency event.Currency,
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
	return report.Row{Key: r.Key, SecondsToRequest: r.SecondsToRequest, SecondsToHold: r.SecondsToHold,
		Minutes: r.Minutes, MinutesHeld: r.MinutesHeld, Figures: map[string]int64{
			"reports": int64(r.Reports), "reports_repeated": int64(r.ReportsRepeated),
			"cases": int64(r.Cases), "cases_solved": int64(r.CasesSolved), "arrests": int64(r.Arrests),
			"stops_proposed": int64(r.Proposed), "stops_requested": int64(r.Requested), "stops_held": int64(r.Held),
			"stops_partial": int64(r.Partial), "stops_missed": int64(r.Missed), "stops_refused": int64(r.Refused),
			"stops_unanswered": int64(r.Unanswered), "stops_expired": int64(r.Expired),
			"amount_reported": r.AmountReported, "amount_requested": r.AmountRequested,
			"amount_requested_first": r.AmountRequestedFirst, "amount_held": r.AmountHeld,
			"amount_under_control": r.AmountUnder, "amount_frozen": r.AmountFrozen, "amount_returned": r.AmountReturned,
			"amount_released": r.AmountReleased, "amount_lapsed": r.AmountLapsed}}
}
