package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// CSV writes every line: the breakdown and key first, amounts as decimals, nothing
// where a breakdown has no figure. It begins with a byte order mark, by which
// spreadsheets know UTF-8.
func CSV(w io.Writer, r *Report, lang string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	lines := [][]string{csvHead(), r.csvLine("total", &r.Total), r.csvLine("month_before", &r.Before),
		r.csvLine("same_month_last_year", &r.YearBefore)}
	for i := range r.Sections {
		for j := range r.Sections[i].Rows {
			lines = append(lines, r.csvLine(r.Sections[i].By, &r.Sections[i].Rows[j]))
		}
	}
	for _, k := range r.Corrections {
		lines = append(lines, []string{"correction", k.By, k.Key, k.Figure, fmt.Sprint(k.Kept), fmt.Sprint(k.Now)})
	}
	lines = append(lines, []string{"generated", r.GeneratedAt, r.GeneratedBy}, []string{"currency", r.Currency},
		[]string{"center", r.Center})
	for i := range Figures {
		lines = append(lines, []string{"definition", Figures[i].Name, Figures[i].Means[lang]})
	}
	for i := range Rates {
		lines = append(lines, []string{"definition", Rates[i].Name, Rates[i].Means[lang]})
	}
	for _, line := range lines {
		for i := range line {
			line[i] = harmless(line[i])
		}
	}
	return csv.NewWriter(w).WriteAll(lines)
}

func csvHead() []string {
	head := []string{"by", "key"}
	for i := range Figures {
		head = append(head, Figures[i].Name)
	}
	for i := range Rates {
		head = append(head, Rates[i].Name+"_percent")
	}
	return append(head, "amount_held_on_month_percent", "amount_held_on_year_percent",
		"seconds_to_request_p50", "seconds_to_request_p90", "seconds_to_request_p99",
		"seconds_to_hold_p50", "seconds_to_hold_p90", "seconds_to_hold_p99")
}

func (r *Report) csvLine(by string, row *Row) []string {
	line := []string{by, row.Key}
	for i := range Figures {
		line = append(line, r.plain(&Figures[i], row.Figures))
	}
	for i := range Rates {
		line = append(line, row.Rates[Rates[i].Name])
	}
	before, year := row.MonthBefore, row.YearBefore
	if by == "total" {
		before, year = r.Before.Figures, r.YearBefore.Figures
	}
	line = append(line, change("amount_held", row.Figures, before), change("amount_held", row.Figures, year))
	for _, p := range append(row.SecondsToRequest[:], row.SecondsToHold[:]...) {
		line = append(line, fmt.Sprintf("%.3f", p))
	}
	return line
}

// harmless keeps a spreadsheet from reading a text as a formula: what begins like
// one and is no number gets a quote before it, as spreadsheets write texts.
func harmless(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return cell
	}
	if number := strings.TrimLeft(cell, "-"); len(cell)-len(number) == 1 && number != "" &&
		strings.Trim(number, "0123456789.") == "" {
		return cell
	}
	return "'" + cell
}
