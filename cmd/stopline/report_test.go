package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/report"
	"stopline.internal/stream/event"
)

func inYuan(minor int64) string { return event.Money{Minor: minor, Currency: event.CNY}.Decimal() }

// The monthly report: the same figures as JSON, CSV and the statistics; a closed
// month's is kept as it was, and lists what has become otherwise; the books agree
// with the ledger.
func TestMonthlyReport(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	var stops []string
	for i := range 5 {
		doc := h.ok(k.analyst, http.MethodPost, "/v1/reports",
			reportDoc(fmt.Sprint("m", i), fmt.Sprint("39", i), fmt.Sprint("19", i), "5000.00", 60, ""))
		stops = append(stops, doc["stops"].([]any)[0].(map[string]any)["id"].(string))
	}
	for _, id := range stops[:3] {
		h.hold(id, "partial", "3000.00")
	}
	h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+stops[0]+"/release", `{"amount":"1000.00"}`)
	month := time.Now().In(event.Zone).Format("2006-01")
	path := "/v1/statistics/report?month=" + month
	var r report.Report
	h.waitFor("the report has all", func() bool {
		r = report.Report{}
		if err := json.Unmarshal([]byte(h.text(k.police, path)), &r); err != nil {
			t.Fatal(err)
		}
		f := r.Total.Figures
		return f["reports"] == 5 && f["amount_held"] == 9000_00 && f["amount_released"] == 1000_00 &&
			f["amount_under_control"] == 8000_00
	})
	if f := r.Total.Figures; r.Closed || f["stops_requested"] != 5 || f["amount_requested"] != 25_000_00 ||
		f["reports"] != 5 || f["amount_reported"] != 25_000_00 || f["cases"] != 5 || f["stops_partial"] != 3 {
		t.Errorf("%v", f)
	}
	// What was sent out is what became of it: three are held in part, nobody has said
	// what became of the other two. 9,000 of the 25,000 asked for at the first hop.
	answered := func(f map[string]int64) int64 {
		return f["stops_held"] + f["stops_partial"] + f["stops_missed"] + f["stops_refused"] + f["stops_unanswered"]
	}
	if f := r.Total.Figures; f["stops_unanswered"] != 2 || answered(f) != f["stops_requested"] ||
		f["amount_requested_first"] != 25_000_00 {
		t.Errorf("unanswered: %v", f)
	}
	if k := r.Total.Rates; k["hold_rate"] != "36.00" || k["return_rate"] != "0.00" || k["solve_rate"] != "0.00" ||
		r.Center != "贵阳市反诈中心" {
		t.Errorf("rates %v of %q", k, r.Center)
	}
	for _, s := range r.Sections {
		for _, row := range s.Rows {
			_, told := row.Figures["reports"]
			if answered(row.Figures) != row.Figures["stops_requested"] || told == (s.By == "bank" || s.By == "hop") {
				t.Errorf("by %s, %s: %v", s.By, row.Key, row.Figures)
			}
		}
		var sum int64
		for _, row := range s.Rows {
			sum += row.Figures["amount_held"]
		}
		if sum != r.Total.Figures["amount_held"] {
			t.Errorf("by %s: %d, in all %d", s.By, sum, r.Total.Figures["amount_held"])
		}
	}
	c := csv.NewReader(strings.NewReader(strings.TrimPrefix(h.text(k.police, path+"&format=csv"), "\ufeff")))
	c.FieldsPerRecord = -1
	lines, err := c.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range lines[0] {
		if want, ok := r.Total.Figures[name]; ok && strings.HasPrefix(name, "amount_") && lines[1][i] != inYuan(want) {
			t.Errorf("CSV %s: %s, want %s", name, lines[1][i], inYuan(want))
		}
	}
	if x := h.text(k.police, path+"&format=xlsx&lang=en"); !strings.HasPrefix(x, "PK") {
		t.Error("no workbook")
	}
	// A month that is over: kept, though later a figure changes.
	last := time.Now().In(event.Zone).AddDate(0, -1, 0)
	closed := "/v1/statistics/report?month=" + last.Format("2006-01")
	first := h.text(k.police, closed)
	if err := json.Unmarshal([]byte(first), &r); err != nil || !r.Closed {
		t.Fatalf("%v: %s", err, first)
	}
	if again := h.text(k.supervisor, closed); again != first {
		t.Errorf("kept:\n%s\ngiven again:\n%s", first, again)
	}
	h.refused(422, k.police, http.MethodGet, "/v1/statistics/report?month=2026-13", "")
	h.refused(403, k.pcbc, http.MethodGet, path, "")
	h.waitFor("the books are right", func() bool {
		v := h.ok(k.police, http.MethodGet, "/v1/statistics/verification", "")
		if len(v["differences"].([]any)) > 0 {
			t.Fatalf("%v", v)
		}
		return v["behind"] == 0.0 && v["statistics"].(float64) > 0
	})
}
