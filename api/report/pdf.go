package report

import (
	"fmt"
	"io"
	"time"
)

// PDF writes the report for print, on pages across.
func PDF(w io.Writer, r *Report, lang string) error {
	at, _ := time.Parse(time.RFC3339, r.GeneratedAt) // of a kept report it may be any: then none
	d, err := newPaper("L", lang, t(lang, "title")+" "+r.monthWords(lang), r.Center, at)
	if err != nil {
		return err
	}
	d.foot(func(page int) string {
		return fmt.Sprintf(t(lang, "page"), page, r.monthWords(lang), r.made(), r.GeneratedBy)
	})
	d.front(r)
	for i := range r.Sections {
		if r.Sections[i].By != "day" {
			d.section(r, &r.Sections[i])
		}
	}
	d.back(r)
	return d.write(w)
}

// rowHeight is that of a table's row, in millimetres.
const rowHeight = 5.0

// table writes rows of cells under a title: the first column is to the left,
// numbers to the right. Title and head are on each page, with a row at least; the
// last row, a total, has another with it.
func (d *paper) table(title string, widths []float64, head []string, rows [][]string) {
	line := func(cells []string, fill bool) {
		d.SetFillColor(238, 241, 245)
		for i, c := range cells {
			align := "R"
			if i == 0 {
				align = "L"
			}
			size := 8.0
			for d.SetFont("cjk", "", size); size > 4 && d.GetStringWidth(c) > widths[i]-2; { // smaller, but whole
				size -= 0.5
				d.SetFont("cjk", "", size)
			}
			d.CellFormat(widths[i], rowHeight, c, "1", 0, align, fill, 0, "")
		}
		d.Ln(rowHeight)
	}
	const titleHeight = 8.0
	begin := func() {
		if title != "" {
			d.line(11, title)
			d.Ln(1)
		}
		line(head, true)
	}
	d.keep(titleHeight + rowHeight*float64(1+min(3, len(rows))))
	begin()
	for i, r := range rows {
		with := 1.0
		if i == len(rows)-2 {
			with = 2
		}
		if !d.room(with * rowHeight) {
			d.AddPage()
			begin()
		}
		line(r, false)
	}
	d.Ln(3)
}

func (d *paper) front(r *Report) {
	d.AddPage()
	if r.Center != "" {
		d.centred(12, 7, r.Center)
	}
	d.centred(18, 11, t(d.lang, "title"))
	d.centred(11, 7, r.monthWords(d.lang))
	state := "open"
	if r.Closed {
		state = "closed"
	}
	d.centred(9, 6, t(d.lang, state))
	d.SetFont("cjk", "", 9)
	d.CellFormat(0, 6, r.unit(d.lang), "", 1, "R", false, 0, "")
	var rows [][]string
	for i := range Figures {
		f := &Figures[i]
		rows = append(rows, []string{f.Words[d.lang], r.text(f, r.Total.Figures), r.text(f, r.Before.Figures),
			signed(change(f.Name, r.Total.Figures, r.Before.Figures)), r.text(f, r.YearBefore.Figures),
			signed(change(f.Name, r.Total.Figures, r.YearBefore.Figures))})
	}
	for i := range Rates {
		n := Rates[i].Name
		rows = append(rows, []string{Rates[i].Words[d.lang], rateText(&r.Total, n), rateText(&r.Before, n),
			points(d.lang, r.Total.Rates[n], r.Before.Rates[n]), rateText(&r.YearBefore, n),
			points(d.lang, r.Total.Rates[n], r.YearBefore.Rates[n])})
	}
	heads := []string{}
	for _, key := range []string{"figure", "this", "before", "onmonth", "year", "onyear"} {
		heads = append(heads, t(d.lang, key))
	}
	d.table("", []float64{67, 45, 45, 32, 45, 33}, heads, rows)
	d.bars(r)
}

// bars draws success against the minutes that had gone since the transfer, and
// says how long things took.
func (d *paper) bars(r *Report) {
	const height = 5.0
	d.keep(height * float64(len(minuteClasses)+5))
	d.line(9, t(d.lang, "times"))
	d.line(9, t(d.lang, "torequest")+"  "+durations(d.lang, r.Total.SecondsToRequest))
	d.line(9, t(d.lang, "tohold")+"  "+durations(d.lang, r.Total.SecondsToHold))
	d.Ln(2)
	if len(r.Total.Minutes) < len(minuteClasses) {
		return
	}
	d.line(11, t(d.lang, "minutes"))
	for i, class := range minuteClasses {
		n, held := r.Total.Minutes[i], r.Total.MinutesHeld[i]
		share, text := 0.0, dash
		if n > 0 {
			share = float64(held) / float64(n)
			text = fmt.Sprintf("%.0f%%", 100*share)
		}
		y := d.GetY()
		d.SetFont("cjk", "", 8)
		d.CellFormat(18, height, class, "", 0, "R", false, 0, "")
		d.SetFillColor(222, 227, 234)
		d.Rect(35, y+0.8, 100, 3.4, "F")
		d.SetFillColor(46, 110, 190)
		d.Rect(35, y+0.8, 100*share, 3.4, "F")
		d.SetX(138)
		d.CellFormat(50, height, fmt.Sprintf("%d / %d  %s", held, n, text), "", 1, "L", false, 0, "")
	}
	d.Ln(3)
}

// printed are the figures of a breakdown that the page has room for.
var printed = []string{"stops_requested", "stops_held", "stops_partial", "stops_missed", "stops_refused",
	"stops_unanswered", "amount_requested", "amount_held", "amount_frozen", "amount_returned"}

func (d *paper) section(r *Report, s *Section) {
	rate := &Rates[0] // held of what was asked for at the first hop; by bank and hop of what was asked for there
	if s.By == "bank" || s.By == "hop" {
		rate = &Rates[1]
	}
	head, widths := []string{titles[s.By][d.lang]}, []float64{39}
	for _, n := range printed {
		f := figureNamed(n)
		head = append(head, f.Words[d.lang])
		if f.Amount {
			widths = append(widths, 24)
		} else {
			widths = append(widths, 14.5)
		}
	}
	head = append(head, rate.Words[d.lang], t(d.lang, "onmonth"), t(d.lang, "onyear"))
	widths = append(widths, 15, 15, 15)
	line := func(label string, row *Row, before, year map[string]int64) []string {
		cells := []string{label}
		for _, n := range printed {
			cells = append(cells, r.text(figureNamed(n), row.Figures))
		}
		return append(cells, rateText(row, rate.Name), signed(change("amount_held", row.Figures, before)),
			signed(change("amount_held", row.Figures, year)))
	}
	var rows [][]string
	for i := range s.Rows {
		row := &s.Rows[i]
		rows = append(rows, line(r.label(s.By, row.Key, d.lang), row, row.MonthBefore, row.YearBefore))
	}
	rows = append(rows, line(t(d.lang, "total"), &r.Total, r.Before.Figures, r.YearBefore.Figures))
	d.table(titles[s.By][d.lang], widths, head, rows)
}

func (d *paper) back(r *Report) {
	if len(r.Corrections) > 0 {
		var rows [][]string
		for _, k := range r.Corrections {
			f := figureNamed(k.Figure)
			line := titles[k.By][d.lang] + " " + r.correctionKey(&k, d.lang) + " " + f.Words[d.lang]
			rows = append(rows, []string{line, r.text(f, map[string]int64{k.Figure: k.Kept}),
				r.text(f, map[string]int64{k.Figure: k.Now})})
		}
		d.table(t(d.lang, "corrections"), []float64{140, 50, 50},
			[]string{t(d.lang, "figure"), t(d.lang, "kept"), t(d.lang, "now")}, rows)
	}
	d.keep(20)
	d.line(11, t(d.lang, "definitions"))
	colon := both("：", ": ")[d.lang]
	for i := range Figures {
		d.line(8, Figures[i].Words[d.lang]+colon+Figures[i].Means[d.lang])
	}
	for i := range Rates {
		d.line(8, Rates[i].Words[d.lang]+colon+Rates[i].Means[d.lang])
	}
	d.line(8, t(d.lang, "changes"))
	const signing = 32.0
	d.keep(signing)
	d.Ln(8)
	d.line(10, t(d.lang, "issuer")+r.Center+t(d.lang, "seal"))
	d.Ln(8)
	for _, key := range []string{"madeby", "checkedby", "approvedby"} {
		d.CellFormat(d.width()/3, 6, t(d.lang, key), "", 0, "L", false, 0, "")
	}
	d.Ln(6)
}
