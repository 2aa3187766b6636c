package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"

	"stopline.internal/stream/event"
)

// XLSX writes a workbook for people: a sheet for each breakdown with typed cells,
// its total and a chart, and one with the definitions; each prints on pages as wide
// as a sheet, with its head on every page.
func XLSX(w io.Writer, r *Report, lang string) error {
	x := excelize.NewFile()
	defer func() { _ = x.Close() }()
	b := &book{x: x, r: r, lang: lang}
	b.styles()
	b.summary()
	for i := range r.Sections {
		b.section(&r.Sections[i])
	}
	b.definitions()
	b.properties()
	if b.err != nil {
		return fmt.Errorf("the workbook: %w", b.err)
	}
	return x.Write(w)
}

type book struct {
	x    *excelize.File
	r    *Report
	lang string

	title, head, money, number, share, change, none, bold int // styles
	err                                                   error
}

func (b *book) do(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *book) style(s *excelize.Style) int {
	id, err := b.x.NewStyle(s)
	b.do(err)
	return id
}

func (b *book) styles() {
	format := func(f string) *excelize.Style { return &excelize.Style{CustomNumFmt: &f} }
	money := "#,##0"
	if d := b.r.digits(); d > 0 {
		money += "." + strings.Repeat("0", d)
	}
	b.title = b.style(&excelize.Style{Font: &excelize.Font{Bold: true, Size: 14}})
	b.head = b.style(&excelize.Style{Font: &excelize.Font{Bold: true},
		Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"EEF1F5"}},
		Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	b.bold = b.style(&excelize.Style{Font: &excelize.Font{Bold: true}})
	b.money, b.number = b.style(format(money)), b.style(format("#,##0"))
	b.share, b.change = b.style(format("0.00%")), b.style(format("+0.00%;-0.00%"))
	b.none = b.style(&excelize.Style{Alignment: &excelize.Alignment{Horizontal: "right"}})
}

// properties say what the file is and who made it.
func (b *book) properties() {
	title := t(b.lang, "title") + " " + b.r.monthWords(b.lang)
	author := b.r.Center
	if author == "" {
		author = "Stopline"
	}
	b.do(b.x.SetDocProps(&excelize.DocProperties{Title: title, Creator: author, LastModifiedBy: b.r.GeneratedBy,
		Language: both("zh-CN", "en-US")[b.lang]}))
}

// print sets a sheet up for paper: A4 across, as wide as the page, its head rows
// on every page.
func (b *book) print(sheet string, head string) {
	across, paper, wide, high, fit := "landscape", 9, 1, 0, true // 9: A4
	b.do(b.x.SetPageLayout(sheet, &excelize.PageLayoutOptions{Orientation: &across, Size: &paper,
		FitToWidth: &wide, FitToHeight: &high}))
	b.do(b.x.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit}))
	b.do(b.x.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{OddFooter: "&C&P / &N"}))
	if head != "" {
		b.do(b.x.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: sheet,
			RefersTo: "'" + sheet + "'!" + head}))
	}
}

func (b *book) set(sheet string, col, row int, v any, style int) {
	cell, err := excelize.CoordinatesToCellName(col, row)
	b.do(err)
	b.do(b.x.SetCellValue(sheet, cell, v))
	if style != 0 {
		b.do(b.x.SetCellStyle(sheet, cell, cell, style))
	}
}

// exact sets a number by its digits: no float on the way. Where there is none
// stands a dash.
func (b *book) exact(sheet string, col, row int, digits string, style int) {
	if digits == "" {
		b.set(sheet, col, row, dash, b.none)
		return
	}
	cell, err := excelize.CoordinatesToCellName(col, row)
	b.do(err)
	b.do(b.x.SetCellDefault(sheet, cell, digits))
	b.do(b.x.SetCellStyle(sheet, cell, cell, style))
}

func (b *book) figure(sheet string, col, row int, f *Figure, figures map[string]int64) {
	style := b.number
	if f.Amount {
		style = b.money
	}
	b.exact(sheet, col, row, b.r.plain(f, figures), style)
}

// percent sets what is in percent with two digits as the number that it is.
func (b *book) percent(sheet string, col, row int, percent string, style int) {
	if percent == "" {
		b.exact(sheet, col, row, "", style)
		return
	}
	n, err := event.ParseMinor(strings.TrimPrefix(percent, "-"), 2)
	b.do(err)
	if strings.HasPrefix(percent, "-") {
		n = -n
	}
	b.exact(sheet, col, row, string(event.AppendDecimal(nil, n, 4)), style)
}

func (b *book) summary() {
	r, sheet := b.r, t(b.lang, "this")
	b.do(b.x.SetSheetName("Sheet1", sheet))
	b.set(sheet, 1, 1, strings.TrimSpace(r.Center+" "+t(b.lang, "title")+" "+r.monthWords(b.lang)), b.title)
	b.set(sheet, 1, 2, t(b.lang, "generated")+" "+r.made()+" "+r.GeneratedBy, 0)
	b.set(sheet, 4, 2, r.unit(b.lang), 0)
	for i, key := range []string{"figure", "this", "before", "onmonth", "year", "onyear"} {
		b.set(sheet, 1+i, 4, t(b.lang, key), b.head)
	}
	rows := []*Row{&r.Total, &r.Before, &r.YearBefore}
	columns := []int{2, 3, 5} // this month, the one before, the same of last year
	at := 5
	for i := range Figures {
		f := &Figures[i]
		b.set(sheet, 1, at, f.Words[b.lang], 0)
		for j, row := range rows {
			b.figure(sheet, columns[j], at, f, row.Figures)
		}
		b.percent(sheet, 4, at, change(f.Name, r.Total.Figures, r.Before.Figures), b.change)
		b.percent(sheet, 6, at, change(f.Name, r.Total.Figures, r.YearBefore.Figures), b.change)
		at++
	}
	for i := range Rates {
		name := Rates[i].Name
		b.set(sheet, 1, at, Rates[i].Words[b.lang], 0)
		for j, row := range rows {
			b.percent(sheet, columns[j], at, row.Rates[name], b.share)
		}
		b.set(sheet, 4, at, points(b.lang, r.Total.Rates[name], r.Before.Rates[name]), b.none)
		b.set(sheet, 6, at, points(b.lang, r.Total.Rates[name], r.YearBefore.Rates[name]), b.none)
		at++
	}
	at = b.times(sheet, at+1)
	b.signatures(sheet, at+1)
	b.do(b.x.SetColWidth(sheet, "A", "A", 34))
	b.do(b.x.SetColWidth(sheet, "B", "F", 18))
	b.print(sheet, "$1:$4")
}

// times writes how long things took, and success by the minutes that had gone; it
// returns the row behind.
func (b *book) times(sheet string, at int) int {
	r := b.r
	b.set(sheet, 1, at, t(b.lang, "times"), b.head)
	b.set(sheet, 1, at+1, t(b.lang, "torequest"), 0)
	b.set(sheet, 2, at+1, durations(b.lang, r.Total.SecondsToRequest), 0)
	b.set(sheet, 1, at+2, t(b.lang, "tohold"), 0)
	b.set(sheet, 2, at+2, durations(b.lang, r.Total.SecondsToHold), 0)
	at += 4
	b.set(sheet, 1, at, t(b.lang, "minutes"), b.head)
	b.set(sheet, 2, at, figureNamed("stops_requested").Words[b.lang], b.head)
	b.set(sheet, 3, at, t(b.lang, "anyheld"), b.head)
	for i, class := range minuteClasses {
		b.set(sheet, 1, at+1+i, class, 0)
		if i < len(r.Total.Minutes) {
			b.set(sheet, 2, at+1+i, r.Total.Minutes[i], b.number)
			b.set(sheet, 3, at+1+i, r.Total.MinutesHeld[i], b.number)
		}
	}
	last := at + len(minuteClasses)
	b.chart(sheet, "H4", t(b.lang, "minutes"), []excelize.ChartSeries{
		{Name: ref(sheet, "B", at), Categories: span(sheet, "A", at+1, last), Values: span(sheet, "B", at+1, last)},
		{Name: ref(sheet, "C", at), Categories: span(sheet, "A", at+1, last), Values: span(sheet, "C", at+1, last)},
	})
	return last + 1
}

// signatures are the form's last lines.
func (b *book) signatures(sheet string, at int) {
	b.set(sheet, 1, at, t(b.lang, "issuer")+b.r.Center+t(b.lang, "seal"), 0)
	for i, key := range []string{"madeby", "checkedby", "approvedby"} {
		b.set(sheet, 1+2*i, at+2, t(b.lang, key), 0)
	}
}

func figureNamed(name string) *Figure {
	for i := range Figures {
		if Figures[i].Name == name {
			return &Figures[i]
		}
	}
	panic("no figure " + name) // the names are this package's own
}

func ref(sheet, col string, row int) string { return fmt.Sprintf("'%s'!$%s$%d", sheet, col, row) }

func span(sheet, col string, from, to int) string {
	return fmt.Sprintf("'%s'!$%s$%d:$%s$%d", sheet, col, from, col, to)
}

func (b *book) chart(sheet, cell, title string, series []excelize.ChartSeries) {
	b.do(b.x.AddChart(sheet, cell, &excelize.Chart{Type: excelize.Col, Series: series,
		Title:  excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: title}}},
		Legend: excelize.ChartLegend{Position: "bottom"}}))
}

// section is a breakdown: its title, the head, a line for each key, the total.
func (b *book) section(s *Section) {
	const top = 3 // row of the first line
	sheet := titles[s.By][b.lang]
	_, err := b.x.NewSheet(sheet)
	b.do(err)
	b.set(sheet, 1, 1, titles[s.By][b.lang]+" "+b.r.monthWords(b.lang)+"  "+b.r.unit(b.lang), b.bold)
	columns := b.sectionHead(sheet, s.By)
	for j := range s.Rows {
		row := &s.Rows[j]
		b.set(sheet, 1, top+j, b.r.label(s.By, row.Key, b.lang), 0)
		b.line(sheet, top+j, row, row.MonthBefore, row.YearBefore)
	}
	end := top + len(s.Rows)
	b.set(sheet, 1, end, t(b.lang, "total"), b.bold)
	b.line(sheet, end, &b.r.Total, b.r.Before.Figures, b.r.YearBefore.Figures)
	b.do(b.x.SetPanes(sheet, &excelize.Panes{Freeze: true, XSplit: 1, YSplit: top - 1, TopLeftCell: "B3",
		ActivePane: "bottomRight"}))
	b.do(b.x.SetColWidth(sheet, "A", "A", 24))
	last, err := excelize.ColumnNumberToName(columns)
	b.do(err)
	b.do(b.x.SetColWidth(sheet, "B", last, 14))
	b.print(sheet, "$1:$2")
	if n := len(s.Rows); n > 0 {
		held, asked := b.column("amount_held"), b.column("amount_requested")
		keys := span(sheet, "A", top, end-1)
		b.chart(sheet, fmt.Sprintf("B%d", end+3), titles[s.By][b.lang], []excelize.ChartSeries{
			{Name: ref(sheet, asked, 2), Categories: keys, Values: span(sheet, asked, top, end-1)},
			{Name: ref(sheet, held, 2), Categories: keys, Values: span(sheet, held, top, end-1)},
		})
	}
}

// column is the letter of a figure's column in a breakdown.
func (b *book) column(name string) string {
	for i := range Figures {
		if Figures[i].Name == name {
			letter, err := excelize.ColumnNumberToName(2 + i)
			b.do(err)
			return letter
		}
	}
	panic("no figure " + name)
}

// sectionHead writes a breakdown's heads and returns how many there are.
func (b *book) sectionHead(sheet, by string) int {
	heads := []string{titles[by][b.lang]}
	for i := range Figures {
		heads = append(heads, Figures[i].Words[b.lang])
	}
	for i := range Rates {
		heads = append(heads, Rates[i].Words[b.lang])
	}
	heads = append(heads, t(b.lang, "heldmonth"), t(b.lang, "heldyear"))
	for i, h := range heads {
		b.set(sheet, 1+i, 2, h, b.head)
	}
	return len(heads)
}

func (b *book) line(sheet string, at int, row *Row, before, year map[string]int64) {
	col := 2
	for i := range Figures {
		b.figure(sheet, col, at, &Figures[i], row.Figures)
		col++
	}
	for i := range Rates {
		b.percent(sheet, col, at, row.Rates[Rates[i].Name], b.share)
		col++
	}
	b.percent(sheet, col, at, change("amount_held", row.Figures, before), b.change)
	b.percent(sheet, col+1, at, change("amount_held", row.Figures, year), b.change)
}

func (b *book) definitions() {
	sheet := t(b.lang, "definitions")
	_, err := b.x.NewSheet(sheet)
	b.do(err)
	at := 1
	put := func(word, means string) {
		b.set(sheet, 1, at, word, 0)
		b.set(sheet, 2, at, means, 0)
		at++
	}
	for i := range Figures {
		put(Figures[i].Words[b.lang], Figures[i].Means[b.lang])
	}
	for i := range Rates {
		put(Rates[i].Words[b.lang], Rates[i].Means[b.lang])
	}
	put(t(b.lang, "onmonth")+" / "+t(b.lang, "onyear"), t(b.lang, "changes"))
	at++
	for _, k := range b.r.Corrections {
		what := []any{t(b.lang, "corrections"), titles[k.By][b.lang], b.r.correctionKey(&k, b.lang),
			figureWord(k.Figure, b.lang)}
		for j, v := range what {
			b.set(sheet, 1+j, at, v, 0)
		}
		f := &Figure{Name: k.Figure, Amount: strings.HasPrefix(k.Figure, "amount_")}
		b.figure(sheet, 5, at, f, map[string]int64{k.Figure: k.Kept})
		b.figure(sheet, 6, at, f, map[string]int64{k.Figure: k.Now})
		at++
	}
	b.do(b.x.SetColWidth(sheet, "A", "A", 22))
	b.do(b.x.SetColWidth(sheet, "B", "B", 80))
	b.print(sheet, "")
}

// correctionKey is the line that a correction is of.
func (r *Report) correctionKey(k *Correction, lang string) string {
	if k.By == "total" {
		return ""
	}
	return r.label(k.By, k.Key, lang)
}

// figureWord is a figure's name for people.
func figureWord(name, lang string) string {
	for i := range Figures {
		if Figures[i].Name == name {
			return Figures[i].Words[lang]
		}
	}
	return name
}
