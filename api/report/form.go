package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"stopline.internal/stream/event"
)

// Form is a paper to sign: a notice, a decision. The page for print and the PDF
// are made from it, so that they say the same.
type Form struct {
	Lang     string
	Center   string // who issues it
	Title    string
	Number   string // as papers are filed: 筑反诈止〔2026〕第 1 号
	Draft    string // why it may not be handed out, in words; empty: it is final
	Mark     string // written across each page of a draft
	To       string // whom it is for; empty: nobody
	Sections []FormSection
	Officers []FormOfficer
	Seal     string
	Printed  string        // when, and by whom
	At       event.Instant // its date: when what it says was decided
}

// FormSection is a part under a heading; which number it has, its place says.
type FormSection struct {
	Heading    string // empty: it goes on with the one before
	Pairs      [][2]string
	Table      *FormTable
	Paragraphs []string
	Items      []string
}

// FormTable is a table; columns of numbers are to the right.
type FormTable struct {
	Heads   []string
	Numbers []bool    // by column
	Widths  []float64 // shares of the page's width, by column
	Rows    [][]string
	Total   bool // the last row is one
}

// FormOfficer is a line to sign.
type FormOfficer struct{ Role, Name string }

var chineseNumbers = []string{"一", "二", "三", "四", "五", "六", "七", "八", "九", "十"}

// Headings are the sections' headings with their numbers, one after another.
func (f *Form) Headings() []string {
	out, n := make([]string, len(f.Sections)), 0
	for i := range f.Sections {
		h := f.Sections[i].Heading
		if h == "" {
			continue
		}
		if f.Lang == "zh" && n < len(chineseNumbers) {
			out[i] = chineseNumbers[n] + "、" + h
		} else {
			out[i] = fmt.Sprintf("%d. %s", n+1, h)
		}
		n++
	}
	return out
}

// FormPDF writes a form for print.
func FormPDF(w io.Writer, f *Form) error {
	d, err := newPaper("P", f.Lang, f.Title+" "+f.Number, f.Center, f.At.Time())
	if err != nil {
		return err
	}
	if f.Draft != "" {
		d.SetHeaderFunc(func() { d.across(f.Mark) })
	}
	d.foot(func(page int) string {
		text := both("%s  第 %d 页，共 {nb} 页  %s", "%s  page %d of {nb}  %s")[f.Lang]
		return fmt.Sprintf(text, f.Number, page, f.Printed)
	})
	d.AddPage()
	if f.Draft != "" {
		d.centred(11, 7, f.Draft)
	}
	d.centred(13, 8, f.Center)
	d.centred(18, 12, f.Title)
	d.centred(10, 7, f.Number)
	d.Ln(4)
	if f.To != "" {
		d.line(11, f.To)
		d.Ln(2)
	}
	headings := f.Headings()
	for i := range f.Sections {
		d.part(headings[i], &f.Sections[i])
	}
	d.sign(f)
	return d.write(w)
}

// across writes a word over the whole page, pale, before anything else is on it.
func (d *paper) across(word string) {
	x, y := d.GetXY()
	width, height := d.GetPageSize()
	d.SetTextColor(232, 232, 232)
	d.SetFont("cjk", "", 90)
	d.TransformBegin()
	d.TransformRotate(45, width/2, height/2)
	d.Text(width/2-d.GetStringWidth(word)/2, height/2, word)
	d.TransformEnd()
	d.SetTextColor(0, 0, 0)
	d.SetXY(x, y)
}

func (d *paper) part(heading string, s *FormSection) {
	if heading != "" {
		d.keep(20)
		d.Ln(2)
		d.line(12, heading)
		d.Ln(1)
	}
	for _, p := range s.Pairs {
		d.row([]float64{d.width() * 0.26, d.width() * 0.74}, []string{p[0], p[1]}, nil, true)
	}
	if t := s.Table; t != nil {
		widths := make([]float64, len(t.Widths))
		for i, share := range t.Widths {
			widths[i] = share * d.width()
		}
		d.row(widths, t.Heads, t.Numbers, false)
		for _, r := range t.Rows {
			if !d.fits(widths, r) {
				d.AddPage()
				d.row(widths, t.Heads, t.Numbers, false)
			}
			d.row(widths, r, t.Numbers, false)
		}
	}
	for _, p := range s.Paragraphs {
		d.Ln(1)
		d.line(10, p)
	}
	for _, p := range s.Items {
		d.line(10, "· "+p)
	}
	d.Ln(2)
}

const cellLine = 4.6 // millimetres of a line in a cell

// height is how tall a row of cells is, whose texts may have several lines.
func (d *paper) height(widths []float64, cells []string) float64 {
	d.SetFont("cjk", "", 8.5)
	lines := 1
	for i, c := range cells {
		lines = max(lines, len(d.split(c, widths[i]-2*d.GetCellMargin())))
	}
	return float64(lines)*cellLine + 1.4
}

func (d *paper) fits(widths []float64, cells []string) bool { return d.room(d.height(widths, cells)) }

// row writes a row of cells with as many lines as the longest needs.
func (d *paper) row(widths []float64, cells []string, numbers []bool, labelled bool) {
	height := d.height(widths, cells)
	d.keep(height)
	x, y := d.GetXY()
	for i, c := range cells {
		d.SetFillColor(244, 244, 244)
		style := "D"
		if labelled && i == 0 {
			style = "FD"
		}
		d.Rect(x, y, widths[i], height, style)
		align := "L"
		if i < len(numbers) && numbers[i] {
			align = "R"
		}
		for n, l := range d.split(c, widths[i]-2*d.GetCellMargin()) {
			d.SetXY(x, y+0.7+float64(n)*cellLine)
			d.CellFormat(widths[i], cellLine, l, "", 0, align, false, 0, "")
		}
		x += widths[i]
	}
	d.SetXY(side, y+height)
}

// sign writes the lines to sign, the seal and the day, all on one page.
func (d *paper) sign(f *Form) {
	d.keep(44)
	d.Ln(8)
	d.SetFont("cjk", "", 10)
	for _, o := range f.Officers {
		d.CellFormat(d.width()/float64(len(f.Officers)), 6, o.Role+o.Name, "", 0, "L", false, 0, "")
	}
	d.Ln(14)
	for _, line := range []string{f.Center + f.Seal, day(f.Lang, f.At)} {
		d.CellFormat(0, 7, line, "", 1, "R", false, 0, "")
	}
}

// day is a date as papers have it.
func day(lang string, at event.Instant) string {
	t := at.Time().In(event.Zone)
	if lang == "zh" {
		return t.Format("2006年1月2日")
	}
	return t.Format(time.DateOnly)
}

// Day is the paper's date.
func (f *Form) Day() string { return day(f.Lang, f.At) }

// Moment is a time as people write it, in the law's zone; a dash where there is
// none.
func Moment(lang string, at event.Instant) string {
	if at == 0 {
		return dash
	}
	t := at.Time().In(event.Zone)
	if lang == "zh" {
		return t.Format("2006年1月2日 15:04:05")
	}
	return strings.TrimSpace(t.Format("2006-01-02 15:04:05"))
}
