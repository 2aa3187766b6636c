package report

import (
	"bytes"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"github.com/xuri/excelize/v2"
)

// CSV writes every line: the breakdown and key first, amounts as decimals. It
// begins with a byte order mark, by which spreadsheets know UTF-8.
func CSV(w io.Writer, r *Report, lang string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	head := []string{"by", "key"}
	for _, f := range Figures {
		head = append(head, f.Name)
	}
	head = append(head, "seconds_to_request_p50", "seconds_to_request_p90", "seconds_to_request_p99", "seconds_to_hold_p50", "seconds_to_hold_p90", "seconds_to_hold_p99")
	lines := [][]string{head}
	add := func(by string, row *Row) {
		line := []string{by, row.Key}
		for _, f := range Figures {
			if f.Amount {
				line = append(line, Decimal(row.Figures[f.Name]))
			} else {
				line = append(line, fmt.Sprint(row.Figures[f.Name]))
			}
		}
		for _, p := range append(row.SecondsToRequest[:], row.SecondsToHold[:]...) {
			line = append(line, fmt.Sprintf("%.3f", p))
		}
		lines = append(lines, line)
	}
	add("total", &r.Total)
	add("month_before", &r.Before)
	add("same_month_last_year", &r.YearBefore)
	for i := range r.Sections {
		for j := range r.Sections[i].Rows {
			add(r.Sections[i].By, &r.Sections[i].Rows[j])
		}
	}
	for _, k := range r.Corrections {
		lines = append(lines, []string{"correction", k.By, k.Key, k.Figure, fmt.Sprint(k.Kept), fmt.Sprint(k.Now)})
	}
	lines = append(lines, []string{"generated", r.GeneratedAt, r.GeneratedBy})
	for _, f := range Figures {
		lines = append(lines, []string{"definition", f.Name, f.Means[lang]})
	}
	return c.WriteAll(lines)
}

// XLSX writes a workbook: a sheet for each breakdown with typed cells and a
// chart, and one with the definitions.
func XLSX(w io.Writer, r *Report, lang string) error {
	x := excelize.NewFile()
	defer func() { _ = x.Close() }()
	b := &book{x: x, lang: lang}
	b.styles()
	b.summary(r)
	for i := range r.Sections {
		b.section(&r.Sections[i])
	}
	b.definitions(r)
	if b.err != nil {
		return fmt.Errorf("the workbook: %w", b.err)
	}
	return x.Write(w)
}

type book struct {
	x                   *excelize.File
	lang                string
	head, money, number int
	err                 error
}

func (b *book) do(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *book) styles() {
	var err error
	b.head, err = b.x.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"EEF1F5"}}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	b.do(err)
	b.money, err = b.x.NewStyle(&excelize.Style{NumFmt: 4})
	b.do(err)
	b.number, err = b.x.NewStyle(&excelize.Style{NumFmt: 3})
	b.do(err)
}

func (b *book) set(sheet string, col, row int, v any, style int) {
	cell, err := excelize.CoordinatesToCellName(col, row)
	b.do(err)
	b.do(b.x.SetCellValue(sheet, cell, v))
	if style != 0 {
		b.do(b.x.SetCellStyle(sheet, cell, cell, style))
	}
}

// figure sets a typed cell: amounts as numbers in the currency's unit.
func (b *book) figure(sheet string, col, row int, f *Figure, r *Row) {
	if f.Amount {
		cell, err := excelize.CoordinatesToCellName(col, row)
		b.do(err)
		b.do(b.x.SetCellDefault(sheet, cell, Decimal(r.Figures[f.Name]))) // exact: no float on the way
		b.do(b.x.SetCellStyle(sheet, cell, cell, b.money))
		return
	}
	b.set(sheet, col, row, r.Figures[f.Name], b.number)
}

func (b *book) summary(r *Report) {
	sheet := t(b.lang, "this")
	b.do(b.x.SetSheetName("Sheet1", sheet))
	b.set(sheet, 1, 1, t(b.lang, "title")+" "+r.Month+" ("+r.Currency+")", b.head)
	b.set(sheet, 1, 2, t(b.lang, "generated")+" "+r.GeneratedAt+" "+r.GeneratedBy, 0)
	for i, key := range []string{"figure", "this", "before", "year"} {
		b.set(sheet, 1+i, 4, t(b.lang, key), b.head)
	}
	for i := range Figures {
		f := &Figures[i]
		b.set(sheet, 1, 5+i, f.Words[b.lang], 0)
		for j, row := range []*Row{&r.Total, &r.Before, &r.YearBefore} {
			b.figure(sheet, 2+j, 5+i, f, row)
		}
	}
	at := 6 + len(Figures)
	for i, class := range minuteClasses {
		b.set(sheet, 1, at+1+i, class, 0)
		if i < len(r.Total.Minutes) {
			b.set(sheet, 2, at+1+i, r.Total.Minutes[i], b.number)
			b.set(sheet, 3, at+1+i, r.Total.MinutesHeld[i], b.number)
		}
	}
	b.set(sheet, 1, at, t(b.lang, "minutes"), b.head)
	b.set(sheet, 2, at, Figures[5].Words[b.lang], b.head)
	b.set(sheet, 3, at, Figures[6].Words[b.lang], b.head)
	b.do(b.x.SetColWidth(sheet, "A", "A", 34))
	b.do(b.x.SetColWidth(sheet, "B", "D", 18))
	b.chart(sheet, "F4", t(b.lang, "minutes"), []excelize.ChartSeries{
		{Name: ref(sheet, "B", at), Categories: span(sheet, "A", at+1, at+6), Values: span(sheet, "B", at+1, at+6)},
		{Name: ref(sheet, "C", at), Categories: span(sheet, "A", at+1, at+6), Values: span(sheet, "C", at+1, at+6)},
	})
}

func ref(sheet, col string, row int) string { return fmt.Sprintf("'%s'!$%s$%d", sheet, col, row) }

func span(sheet, col string, from, to int) string {
	return fmt.Sprintf("'%s'!$%s$%d:$%s$%d", sheet, col, from, col, to)
}

func (b *book) chart(sheet, cell, title string, series []excelize.ChartSeries) {
	b.do(b.x.AddChart(sheet, cell, &excelize.Chart{Type: excelize.Col, Series: series, Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: title}}}, Legend: excelize.ChartLegend{Position: "bottom"}}))
}

func (b *book) section(s *Section) {
	sheet := Titles[s.By][b.lang]
	_, err := b.x.NewSheet(sheet)
	b.do(err)
	b.set(sheet, 1, 1, Titles[s.By][b.lang], b.head)
	held, asked := "", ""
	for i := range Figures {
		b.set(sheet, 2+i, 1, Figures[i].Words[b.lang], b.head)
		name, err := excelize.ColumnNumberToName(2 + i)
		b.do(err)
		switch Figures[i].Name {
		case "amount_held":
			held = name
		case "amount_requested":
			asked = name
		}
	}
	for j := range s.Rows {
		b.set(sheet, 1, 2+j, label(s.By, s.Rows[j].Key, b.lang), 0)
		for i := range Figures {
			b.figure(sheet, 2+i, 2+j, &Figures[i], &s.Rows[j])
		}
	}
	b.do(b.x.SetPanes(sheet, &excelize.Panes{Freeze: true, XSplit: 1, YSplit: 1, TopLeftCell: "B2", ActivePane: "bottomRight"}))
	b.do(b.x.SetColWidth(sheet, "A", "A", 22))
	b.do(b.x.SetColWidth(sheet, "B", "T", 14))
	if n := len(s.Rows); n > 0 {
		b.chart(sheet, fmt.Sprintf("B%d", n+4), Titles[s.By][b.lang], []excelize.ChartSeries{
			{Name: ref(sheet, asked, 1), Categories: span(sheet, "A", 2, n+1), Values: span(sheet, asked, 2, n+1)},
			{Name: ref(sheet, held, 1), Categories: span(sheet, "A", 2, n+1), Values: span(sheet, held, 2, n+1)},
		})
	}
}

func (b *book) definitions(r *Report) {
	sheet := t(b.lang, "definitions")
	_, err := b.x.NewSheet(sheet)
	b.do(err)
	for i := range Figures {
		b.set(sheet, 1, 1+i, Figures[i].Words[b.lang], 0)
		b.set(sheet, 2, 1+i, Figures[i].Means[b.lang], 0)
	}
	at := len(Figures) + 2
	for i, k := range r.Corrections {
		for j, v := range []any{t(b.lang, "corrections"), k.By, k.Key, k.Figure, k.Kept, k.Now} {
			b.set(sheet, 1+j, at+i, v, 0)
		}
	}
	b.do(b.x.SetColWidth(sheet, "A", "A", 22))
	b.do(b.x.SetColWidth(sheet, "B", "B", 80))
}

//go:embed assets
var assets embed.FS

// ErrNoFont says that the font of printed reports was not fetched.
var ErrNoFont = errors.New("the font for printed reports was not built in: \"make build\" fetches it; CSV and XLSX need none")

// fontFile is what make build puts there.
const fontFile = "assets/NotoSansSC-Regular.ttf"

// Font is the size of the font in bytes; 0 when it was not built in.
func Font() int {
	b, err := assets.ReadFile(fontFile)
	if err != nil {
		return 0
	}
	return len(b)
}

// PDF writes the report for print.
func PDF(w io.Writer, r *Report, lang string) error {
	font, err := assets.ReadFile(fontFile)
	if err != nil {
		return ErrNoFont
	}
	p := fpdf.New("P", "mm", "A4", "")
	p.AddUTF8FontFromBytes("cjk", "", font)
	p.SetTitle(t(lang, "title")+" "+r.Month, true)
	p.SetMargins(15, 15, 15)
	p.SetAutoPageBreak(true, 18)
	p.AliasNbPages("{nb}")
	p.SetFooterFunc(func() {
		p.SetY(-12)
		p.SetFont("cjk", "", 8)
		p.CellFormat(0, 5, fmt.Sprintf(t(lang, "page"), p.PageNo(), r.Month, strings.Replace(r.GeneratedAt[:min(19, len(r.GeneratedAt))], "T", " ", 1), r.GeneratedBy), "", 0, "C", false, 0, "")
	})
	d := &paper{p, lang}
	d.front(r)
	for i := range r.Sections {
		if r.Sections[i].By != "day" {
			d.section(&r.Sections[i])
		}
	}
	d.back(r)
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		return fmt.Errorf("the PDF: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

type paper struct {
	*fpdf.Fpdf
	lang string
}

func (d *paper) line(size float64, text string) {
	d.SetFont("cjk", "", size)
	d.MultiCell(0, size*0.55, text, "", "L", false)
}

// table writes rows of cells; the first column is to the left, numbers to the
// right, the head again on each page.
func (d *paper) table(widths []float64, head []string, rows [][]string) {
	const height = 6.0
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
			d.CellFormat(widths[i], height, c, "1", 0, align, fill, 0, "")
		}
		d.Ln(height)
	}
	line(head, true)
	for _, r := range rows {
		if d.GetY() > 270 {
			d.AddPage()
			line(head, true)
		}
		line(r, false)
	}
	d.Ln(3)
}

func (d *paper) front(r *Report) {
	d.AddPage()
	d.SetFont("cjk", "", 18)
	d.CellFormat(0, 12, t(d.lang, "title"), "", 1, "C", false, 0, "")
	d.SetFont("cjk", "", 11)
	d.CellFormat(0, 7, r.Month+" · "+r.Currency, "", 1, "C", false, 0, "")
	state := "open"
	if r.Closed {
		state = "closed"
	}
	d.CellFormat(0, 7, t(d.lang, state), "", 1, "C", false, 0, "")
	d.Ln(3)
	var rows [][]string
	for i := range Figures {
		f := &Figures[i]
		rows = append(rows, []string{f.Words[d.lang], f.text(&r.Total), f.text(&r.Before), f.text(&r.YearBefore)})
	}
	d.table([]float64{60, 40, 40, 40}, []string{t(d.lang, "figure"), t(d.lang, "this"), t(d.lang, "before"), t(d.lang, "year")}, rows)
	d.line(9, t(d.lang, "p50")+": "+seconds(r.Total.SecondsToRequest)+"\n"+t(d.lang, "hold")+": "+seconds(r.Total.SecondsToHold))
	d.Ln(2)
	d.bars(r)
}

func seconds(p [3]float64) string { return fmt.Sprintf("%.1f / %.1f / %.1f", p[0], p[1], p[2]) }

// bars draws success against the minutes that had gone since the transfer.
func (d *paper) bars(r *Report) {
	if len(r.Total.Minutes) < len(minuteClasses) {
		return
	}
	d.line(11, t(d.lang, "minutes"))
	for i, class := range minuteClasses {
		n, held := r.Total.Minutes[i], r.Total.MinutesHeld[i]
		share := 0.0
		if n > 0 {
			share = float64(held) / float64(n)
		}
		y := d.GetY()
		d.SetFont("cjk", "", 8)
		d.CellFormat(18, 5, class, "", 0, "R", false, 0, "")
		d.SetFillColor(222, 227, 234)
		d.Rect(35, y+0.8, 100, 3.4, "F")
		d.SetFillColor(46, 110, 190)
		d.Rect(35, y+0.8, 100*share, 3.4, "F")
		d.SetX(138)
		d.CellFormat(50, 5, fmt.Sprintf("%d / %d  %.0f %%", held, n, 100*share), "", 1, "L", false, 0, "")
	}
	d.Ln(3)
}

func (d *paper) section(s *Section) {
	if d.GetY() > 230 {
		d.AddPage()
	}
	d.line(12, Titles[s.By][d.lang])
	d.Ln(1)
	names := []string{"stops_requested", "stops_held", "stops_partial", "amount_requested", "amount_held", "amount_frozen", "amount_returned"}
	head, widths := []string{Titles[s.By][d.lang]}, []float64{32}
	var chosen []*Figure
	for _, n := range names {
		for i := range Figures {
			if Figures[i].Name == n {
				chosen = append(chosen, &Figures[i])
				head = append(head, Figures[i].Words[d.lang])
				width := 27.0
				if !Figures[i].Amount {
					width = 13.3
				}
				widths = append(widths, width)
			}
		}
	}
	var rows [][]string
	for i := range s.Rows {
		row := []string{label(s.By, s.Rows[i].Key, d.lang)}
		for _, f := range chosen {
			row = append(row, f.text(&s.Rows[i]))
		}
		rows = append(rows, row)
	}
	d.table(widths, head, rows)
}

func (d *paper) back(r *Report) {
	if len(r.Corrections) > 0 {
		d.line(12, t(d.lang, "corrections"))
		var rows [][]string
		for _, k := range r.Corrections {
			rows = append(rows, []string{strings.TrimSpace(Titles[k.By][d.lang] + " " + k.Key + " " + k.Figure), fmt.Sprint(k.Kept), fmt.Sprint(k.Now)})
		}
		d.table([]float64{100, 40, 40}, []string{t(d.lang, "figure"), t(d.lang, "kept"), t(d.lang, "now")}, rows)
	}
	d.line(12, t(d.lang, "definitions"))
	for i := range Figures {
		d.line(8, Figures[i].Words[d.lang]+": "+Figures[i].Means[d.lang])
	}
	d.Ln(10)
	d.SetFont("cjk", "", 10)
	d.CellFormat(0, 6, t(d.lang, "seal"), "", 1, "R", false, 0, "")
}
