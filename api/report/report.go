// Package report is the monthly report that police read: one document, built
// from one query, written as JSON, CSV, XLSX or PDF with the same figures in
// each, and with the definition of every figure on it.
package report

import (
	"strconv"

	"stopline.internal/stream/event"
)

// Report is a month's recovered funds.
type Report struct {
	Month       string       `json:"month" example:"2026-11"`
	Currency    string       `json:"currency" example:"CNY"`
	Closed      bool         `json:"closed" doc:"The month is over: this report is kept and never changes"`
	Center      string       `json:"center,omitempty" example:"贵阳市反诈中心" doc:"Who issues it"`
	GeneratedAt string       `json:"generated_at" format:"date-time"`
	GeneratedBy string       `json:"generated_by"`
	Total       Row          `json:"total"`
	Before      Row          `json:"month_before"`
	YearBefore  Row          `json:"same_month_last_year"`
	Sections    []Section    `json:"sections"`
	Corrections []Correction `json:"corrections" doc:"What has become otherwise since a closed month's report was given out"`

	Banks *event.Banks `json:"-"` // whose names are written; nil: their codes
}

// Section is one breakdown.
type Section struct {
	By   string `json:"by" enum:"district,fraud_type,bank,hop,day"`
	Rows []Row  `json:"rows"`
}

// Row is one line. Amounts are minor units.
type Row struct {
	Key     string            `json:"key"`
	Figures map[string]int64  `json:"figures" doc:"By name; amounts in minor units. A breakdown has no figure where none can be told: reports name no bank"`
	Rates   map[string]string `json:"rates,omitempty" example:"{\"hold_rate\":\"71.25\"}" doc:"In percent, with two digits; absent where there is nothing to take one of"`
	// MonthBefore and YearBefore are the figures of the same key, in a breakdown.
	MonthBefore map[string]int64 `json:"month_before,omitempty" doc:"The same figures of the month before"`
	YearBefore  map[string]int64 `json:"same_month_last_year,omitempty"`
	// SecondsToRequest and SecondsToHold are the 50th, 90th and 99th percentile.
	SecondsToRequest [3]float64 `json:"seconds_to_request"`
	SecondsToHold    [3]float64 `json:"seconds_to_hold"`
	Minutes          []uint64   `json:"minutes" doc:"Requests by minutes since the transfer: to 1, 5, 15, 30, 60, more"`
	MinutesHeld      []uint64   `json:"minutes_held" doc:"Of those, the ones by which anything was held, all or a part"`
}

// Correction is a figure of a kept report that has become otherwise.
type Correction struct {
	By     string `json:"by"`
	Key    string `json:"key"`
	Figure string `json:"figure"`
	Kept   int64  `json:"kept"`
	Now    int64  `json:"now"`
}

// money writes an amount in the report's currency, as documents carry it.
func (r *Report) money(minor int64) string {
	return event.Money{Minor: minor, Currency: event.Currency(r.Currency)}.Decimal()
}

// digits is how many the currency's amounts have after the point.
func (r *Report) digits() int {
	digits, known := event.Currency(r.Currency).Digits()
	if !known {
		return 2
	}
	return digits
}

// dash stands where there is no figure.
const dash = "—"

// plain is a figure as a document carries it; empty where there is none.
func (r *Report) plain(f *Figure, figures map[string]int64) string {
	n, there := figures[f.Name]
	switch {
	case !there:
		return ""
	case f.Amount:
		return r.money(n)
	}
	return strconv.FormatInt(n, 10)
}

// text is a figure as people read it.
func (r *Report) text(f *Figure, figures map[string]int64) string {
	if s := r.plain(f, figures); s != "" {
		return event.Grouped(s)
	}
	return dash
}

// label is a line's key as people read it.
func (r *Report) label(by, key, lang string) string {
	switch {
	case key == "":
		return notGiven[lang]
	case by == "fraud_type":
		return FraudWord(lang, key)
	case by == "hop":
		return both("第 "+key+" 层", "hop "+key)[lang]
	case by == "district" && event.District(key) != "":
		return event.District(key) + both("（"+key+"）", " ("+key+")")[lang]
	case by == "bank" && r.Banks != nil:
		if b, known := r.Banks.Find(key); known {
			return both(b.ZH, b.EN)[lang]
		}
	}
	return key
}

// Finish works out the rates of every line, and has the banks' names.
func (r *Report) Finish(banks *event.Banks) {
	r.Banks = banks
	for _, row := range []*Row{&r.Total, &r.Before, &r.YearBefore} {
		row.rate("total")
	}
	for i := range r.Sections {
		for j := range r.Sections[i].Rows {
			r.Sections[i].Rows[j].rate(r.Sections[i].By)
		}
	}
}

// Compare lists what has become otherwise between a kept report and one of now.
func Compare(kept, now *Report) []Correction {
	out := []Correction{}
	row := func(by string, a, b *Row) {
		for i := range Figures {
			f := &Figures[i]
			_, there := a.Figures[f.Name] // an older report has fewer figures
			if (there || len(a.Figures) == 0) && a.Figures[f.Name] != b.Figures[f.Name] {
				out = append(out, Correction{by, a.Key, f.Name, a.Figures[f.Name], b.Figures[f.Name]})
			}
		}
	}
	row("total", &kept.Total, &now.Total)
	for i := range kept.Sections {
		k := &kept.Sections[i]
		current := map[string]*Row{}
		for j := range now.Sections {
			if now.Sections[j].By == k.By {
				for n := range now.Sections[j].Rows {
					current[now.Sections[j].Rows[n].Key] = &now.Sections[j].Rows[n]
				}
			}
		}
		for j := range k.Rows {
			if b := current[k.Rows[j].Key]; b != nil {
				row(k.By, &k.Rows[j], b)
				delete(current, k.Rows[j].Key)
			} else {
				row(k.By, &k.Rows[j], &Row{})
			}
		}
		for _, b := range current {
			row(k.By, &Row{Key: b.Key}, b)
		}
	}
	return out
}
