package report

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"stopline.internal/stream/event"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

// parts of what victims reported, by figure: the sample's amounts are n million for
// each, and 7 fen.
var sampleAmounts = map[string]int64{"amount_reported": 10, "amount_requested": 12, "amount_requested_first": 8,
	"amount_held":          6,
	"amount_under_control": 3, "amount_frozen": 4, "amount_returned": 1, "amount_released": 1, "amount_lapsed": 1}

// sample is a month whose figures are easy to work out: n dozen stops, of which
// each third is held, and the rest one way and another.
func sample() *Report {
	row := func(key string, n int64) Row {
		r := Row{Key: key, SecondsToRequest: [3]float64{1.5, 320, 164264.6}, SecondsToHold: [3]float64{9, 99, 3599.6},
			Minutes: []uint64{9, 5, 4, 3, 2, 0}, MinutesHeld: []uint64{9, 4, 3, 2, 1, 0}, Figures: map[string]int64{
				"reports": 5 * n, "reports_repeated": n, "cases": 4 * n, "cases_solved": n, "arrests": 2 * n,
				"stops_proposed":  13 * n,
				"stops_requested": 12 * n, "stops_held": 4 * n, "stops_partial": 2 * n, "stops_missed": 3 * n, "stops_refused": n,
				"stops_unanswered": 2 * n, "stops_expired": n}}
		for name, part := range sampleAmounts {
			if r.Figures[name] = 0; n > 0 {
				r.Figures[name] = n*part*1_000_000_00 + 7
			}
		}
		return r
	}
	with := func(r Row, before, year int64) Row {
		r.MonthBefore, r.YearBefore = row("", before).Figures, row("", year).Figures
		return r
	}
	without := func(r Row) Row { // reports name no bank
		for _, name := range []string{"reports", "reports_repeated", "amount_reported"} {
			delete(r.Figures, name)
		}
		return r
	}
	r := &Report{Month: "2026-10", Currency: "CNY", Closed: true, Center: "贵阳市反诈中心",
		GeneratedAt: "2026-11-01T08:00:00.000+08:00", GeneratedBy: "police",
		Total: row("", 9), Before: row("", 8), YearBefore: row("", 12),
		Sections: []Section{{"district", []Row{with(row("520102", 4), 2, 5), row("520103", 5), row("", 0)}},
			{"fraud_type", []Row{row("impersonated-authority", 9)}},
			{"bank", []Row{without(row("PCBC", 9))}}, {"hop", []Row{without(row("1", 9))}},
			{"day", []Row{row("2026-10-01", 9)}}},
		Corrections: []Correction{{"total", "", "amount_held", 5, 6}}}
	r.Finish(event.BuiltInBanks())
	return r
}

// The same figures in each form: what a workbook's cells and a CSV's fields say is
// what the report says.
func TestSameFiguresInEachForm(t *testing.T) {
	r := sample()
	for _, lang := range []string{"zh", "en"} {
		var b bytes.Buffer
		if err := CSV(&b, r, lang); err != nil {
			t.Fatal(err)
		}
		lines := readCSV(t, b.String())
		b.Reset()
		if err := XLSX(&b, r, lang); err != nil {
			t.Fatal(err)
		}
		x, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if sheets := x.GetSheetList(); len(sheets) != 7 || sheets[1] != titles["district"][lang] {
			t.Errorf("sheets %v", sheets)
		}
		for i := range Figures {
			f := &Figures[i]
			want := r.plain(f, r.Total.Figures)
			if lines[1][2+i] != want {
				t.Errorf("CSV %s: %s, want %s", f.Name, lines[1][2+i], want)
			}
			cell, _ := excelize.CoordinatesToCellName(2, 5+i)
			raw, err := x.GetCellValue(texts["this"][lang], cell, excelize.Options{RawCellValue: true})
			if err != nil || strings.TrimSuffix(raw, ".00") != strings.TrimSuffix(want, ".00") {
				t.Errorf("XLSX %s: %s, want %s (%v)", f.Name, raw, want, err)
			}
			if kind, _ := x.GetCellType(texts["this"][lang], cell); kind == excelize.CellTypeSharedString ||
				kind == excelize.CellTypeInlineString {
				t.Errorf("XLSX %s is a text", f.Name)
			}
		}
		if charts := parts(t, b.Bytes(), "xl/charts/chart"); charts != 6 {
			t.Errorf("%d charts, want one on each sheet of figures", charts)
		}
		b.Reset()
		if err := PDF(&b, r, lang); errors.Is(err, ErrNoFont) {
			t.Log(err)
		} else if err != nil || !bytes.HasPrefix(b.Bytes(), []byte("%PDF-")) || b.Len() > 2<<20 {
			t.Errorf("PDF: %d bytes, %v", b.Len(), err)
		}
	}
}

func readCSV(t *testing.T, text string) [][]string {
	t.Helper()
	c := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	c.FieldsPerRecord = -1
	lines, err := c.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// parts counts the files of a workbook by how their names begin.
func parts(t *testing.T, workbook []byte, prefix string) (n int) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, prefix) {
			n++
		}
	}
	return n
}

// A spreadsheet that opens an export runs nothing of it: what begins like a
// formula is a text. Numbers stay numbers.
func TestCSVHasNoFormulas(t *testing.T) {
	for cell, want := range map[string]string{`=HYPERLINK("http://x")`: `'=HYPERLINK("http://x")`, "+1": "'+1",
		"-1+1": "'-1+1", "@SUM(A1)": "'@SUM(A1)",
		"\t=1": "'\t=1", "\r=1": "'\r=1", "-": "'-", "--1": "'--1", "-12.50": "-12.50", "12.50": "12.50",
		"520103": "520103", "": "", "a=b": "a=b"} {
		if got := harmless(cell); got != want {
			t.Errorf("%q is written %q, want %q", cell, got, want)
		}
	}
	r := sample()
	r.Sections[0].Rows[0].Key, r.GeneratedBy = "=HYPERLINK(1)", "@who"
	r.Total.Figures["amount_held"] = -5 // it cannot be; a number it stays
	var b bytes.Buffer
	if err := CSV(&b, r, "zh"); err != nil {
		t.Fatal(err)
	}
	for _, line := range readCSV(t, b.String()) {
		for _, cell := range line {
			if cell != "" && strings.ContainsAny(cell[:1], "=+@\t\r") {
				t.Errorf("a cell is %q", cell)
			}
		}
	}
	if !strings.Contains(b.String(), "'=HYPERLINK(1)") || !strings.Contains(b.String(), ",-0.05,") {
		t.Error("a text was lost, or a number became one")
	}
}

// Rates and changes, worked out by hand: exact, rounded half up, and none where
// there is nothing to take one of.
func TestRates(t *testing.T) {
	for _, c := range []struct {
		of, base int64
		want     string
	}{{1, 3, "33.33"}, {2, 3, "66.67"}, {1, 8, "12.50"}, {1, 80_000, "0.00"}, {1, 20_000, "0.01"}, {0, 5, "0.00"}, {5,
		5, "100.00"}, {15, 10, "150.00"},
		{9_007_199_254_740_993, 9_007_199_254_740_993, "100.00"}, {1, 0, ""}, {-1, 5, ""}} {
		got := ""
		if h, ok := hundredths(c.of, c.base); ok {
			got = percent(h)
		}
		if got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.of, c.base, got, c.want)
		}
	}
	of := func(n int64) map[string]int64 { return map[string]int64{"x": n} }
	for _, c := range []struct {
		now, before map[string]int64
		want, text  string
	}{{of(9), of(8), "12.50", "+12.50%"}, {of(9), of(12), "-25.00", "-25.00%"}, {of(0), of(4), "-100.00",
		"-100.00%"}, {of(4), of(4), "0.00", "+0.00%"},
		{of(4), of(0), "", dash}, {of(4), nil, "", dash}, {nil, of(4), "", dash}} {
		if got := change("x", c.now, c.before); got != c.want || signed(got) != c.text {
			t.Errorf("%v after %v: %q, %q; want %q, %q", c.now, c.before, got, signed(got), c.want, c.text)
		}
	}
	if got := points("zh", "12.50", "14.00"); got != "-1.50个百分点" {
		t.Error(got)
	}
	r := sample()
	bank, total := r.Sections[2].Rows[0].Rates, r.Total.Rates
	if total["hold_rate"] != "75.00" || total["solve_rate"] != "25.00" || bank["hold_rate"] != "" ||
		bank["bank_rate"] != "50.00" || r.Sections[3].Rows[0].Rates["solve_rate"] != "" {
		t.Errorf("total %v, by bank %v", total, bank)
	}
}

// People read hours and minutes.
func TestDuration(t *testing.T) {
	for seconds, want := range map[float64]string{0: dash, 9: "9.0 秒", 59.94: "59.9 秒", 60: "1 分 0 秒", 320: "5 分 20 秒",
		3599.6: "1 小时 0 分", 164264.6: "45 小时 38 分"} {
		if got := duration("zh", seconds); got != want {
			t.Errorf("%v s: %s, want %s", seconds, got, want)
		}
	}
}

// Amounts have the digits of their currency: yen have none.
func TestAmountsByCurrency(t *testing.T) {
	for currency, want := range map[string]string{"CNY": "9000000.07", "JPY": "900000007", "KWD": "900000.007"} {
		r := sample()
		r.Currency = currency
		if got := r.money(900_000_007); got != want {
			t.Errorf("%s: %s, want %s", currency, got, want)
		}
		r.Total.Figures["amount_reported"] = 900_000_007
		var b bytes.Buffer
		if err := XLSX(&b, r, "en"); err != nil {
			t.Fatal(err)
		}
		x, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		cell, _ := excelize.CoordinatesToCellName(2, 5+13)
		raw, _ := x.GetCellValue("This month", cell, excelize.Options{RawCellValue: true})
		shown, _ := x.GetCellValue("This month", cell)
		if raw != want || shown != event.Grouped(want) {
			t.Errorf("%s: the workbook has %s and shows %s", currency, raw, shown)
		}
	}
}

// A file says what it is and who made it, and prints on pages that people can
// read: across, as wide as the page, the head on each.
func TestWorkbookIsForPrint(t *testing.T) {
	var b bytes.Buffer
	if err := XLSX(&b, sample(), "zh"); err != nil {
		t.Fatal(err)
	}
	x, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := x.GetDocProps(); err != nil || p.Creator != "贵阳市反诈中心" || p.Title != "涉诈资金止付与返还月报 2026年10月" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, sheet := range x.GetSheetList() {
		layout, err := x.GetPageLayout(sheet)
		if err != nil || *layout.Orientation != "landscape" || *layout.FitToWidth != 1 || *layout.FitToHeight != 0 {
			t.Errorf("%s: %+v, %v", sheet, layout, err)
		}
		if props, err := x.GetSheetProps(sheet); err != nil || !*props.FitToPage {
			t.Errorf("%s does not fit its page: %v", sheet, err)
		}
	}
	heads := 0
	for _, n := range x.GetDefinedName() {
		if n.Name == "_xlnm.Print_Titles" {
			heads++
		}
	}
	if heads != 6 {
		t.Errorf("%d sheets repeat their head, want each with figures", heads)
	}
}

// Chinese texts have Chinese punctuation.
func TestChinesePunctuation(t *testing.T) {
	ascii := regexp.MustCompile(`\p{Han}[,:;()]|[,:;(]\p{Han}`)
	check := func(name, text string) {
		if found := ascii.FindString(text); found != "" {
			t.Errorf("%s: %q in %q", name, found, text)
		}
	}
	for key, w := range texts {
		check(key, w["zh"])
	}
	for _, f := range Figures {
		check(f.Name, f.Words["zh"]+" "+f.Means["zh"])
	}
	for _, r := range Rates {
		check(r.Name, r.Words["zh"]+" "+r.Means["zh"])
	}
}

// golden compares a text with a file of testdata. "go test ./api/report -update"
// writes the files anew: look at the difference before you commit it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; \"go test ./api/report -update\" writes it", err)
	}
	if got != string(want) {
		at := 0
		for at < len(got) && at < len(want) && got[at] == want[at] {
			at++
		}
		t.Errorf("%s is otherwise from byte %d: %.200q, want %.200q; is it meant so, \"go test ./api/report -update\" "+
			"writes it anew",
			name, at, got[at:], want[at:])
	}
}

// pdfText is what a PDF says, by poppler.
func pdfText(t *testing.T, pdf []byte) string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed (poppler-utils): the text of PDFs is not compared")
	}
	cmd := exec.CommandContext(t.Context(), tool, "-layout", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// The report as people get it, cell by cell and page by page.
func TestReportGolden(t *testing.T) {
	r := sample()
	for _, lang := range []string{"zh", "en"} {
		var b bytes.Buffer
		if err := XLSX(&b, r, lang); err != nil {
			t.Fatal(err)
		}
		keepFile(t, "report-"+lang+".xlsx", b.Bytes())
		x, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		var cells strings.Builder
		for _, sheet := range x.GetSheetList() {
			rows, err := x.GetRows(sheet)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&cells, "== %s\n", sheet)
			for i, row := range rows {
				fmt.Fprintf(&cells, "%d\t%s\n", i+1, strings.Join(row, "\t"))
			}
		}
		golden(t, "report-"+lang+".xlsx.txt", cells.String())
	}
	for _, lang := range []string{"zh", "en"} {
		var b bytes.Buffer
		if err := PDF(&b, r, lang); errors.Is(err, ErrNoFont) {
			t.Skip(err)
		} else if err != nil {
			t.Fatal(err)
		}
		keepFile(t, "report-"+lang+".pdf", b.Bytes())
		golden(t, "report-"+lang+".pdf.txt", pdfText(t, b.Bytes()))
	}
}

// A breakdown that goes over pages has its name, its head and a line on each, and
// its total is not alone.
func TestHeadsStayWithTheirRows(t *testing.T) {
	for n := 20; n < 60; n += 3 { // wherever the pages end
		r := sample()
		r.Sections, r.Corrections = r.Sections[:1], nil
		for len(r.Sections[0].Rows) < n {
			r.Sections[0].Rows = append(r.Sections[0].Rows, r.Sections[0].Rows[0])
		}
		var b bytes.Buffer
		if err := PDF(&b, r, "zh"); errors.Is(err, ErrNoFont) {
			t.Skip(err)
		} else if err != nil {
			t.Fatal(err)
		}
		for i, page := range strings.Split(pdfText(t, b.Bytes()), "\f") {
			lines := strings.Count(page, "（5201") + strings.Count(page, "未填")
			heads, total := strings.Count(page, "按地区"), strings.Count(page, "合计")
			if want := 2 * min(lines, 1); heads != want || total > lines { // the name, and the head's first cell
				t.Errorf("%d lines, page %d: %d lines, %d of name and head, %d totals", n, i+1, lines, heads, total)
			}
		}
	}
}

// Lines are broken where Chinese and numbers may be, and no character is lost.
func TestNothingIsLostAtLineEnds(t *testing.T) {
	d, err := newPaper("P", "zh", "", "", time.Time{})
	if errors.Is(err, ErrNoFont) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	d.AddPage()
	d.SetFont("cjk", "", 10)
	text := "您有权依据《反电信网络诈骗法》第三十二条提出申诉。申诉可向本中心、96110 或开户银行提出，核实后即时解除。处理时限：24 小时。stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"
	for width := 4.0; width < 180; width++ {
		lines := d.split(text, width)
		if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(text, " ", ""); got != want {
			t.Fatalf("in %v mm: %q", width, lines)
		}
		for i, l := range lines {
			if d.GetStringWidth(l) > width && len([]rune(l)) > 1 {
				t.Errorf("in %v mm: %q is wider", width, l)
			}
			if i > 0 && width > 20 && strings.ContainsRune(notFirst, []rune(l)[0]) {
				t.Errorf("in %v mm: a line begins with %q", width, l)
			}
			if width > 70 && strings.Contains(l, "9611") && !strings.Contains(l, "96110") {
				t.Errorf("in %v mm: a number is broken: %q", width, l)
			}
		}
	}
}

// keepFile writes a file for people to look at, where they name a folder.
func keepFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if dir := os.Getenv("STOPLINE_REPORT_DIR"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Every figure has its name and its definition in both languages.
func TestFiguresAreDefined(t *testing.T) {
	for _, f := range Figures {
		for _, lang := range []string{"zh", "en"} {
			if f.Words[lang] == "" || f.Means[lang] == "" {
				t.Errorf("%s lacks words in %s", f.Name, lang)
			}
		}
	}
	for key, w := range texts {
		if w["zh"] == "" || w["en"] == "" {
			t.Errorf("%s lacks words", key)
		}
	}
}

// What became otherwise since a report was given out is listed.
func TestCompare(t *testing.T) {
	a, b := sample(), sample()
	if got := Compare(a, b); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	b.Total.Figures["amount_returned"] += 5
	b.Sections[0].Rows[0].Figures["stops_held"]--
	if got := Compare(a, b); len(got) != 2 || got[0].Now-got[0].Kept != 5 || got[1].Key != "520102" ||
		got[1].Now-got[1].Kept != -1 {
		t.Errorf("%+v", got)
	}

	// A report that was kept by an older version has fewer figures: those that it
	// lacks were not reported otherwise.
	a, b = sample(), sample()
	delete(a.Total.Figures, "stops_unanswered")
	delete(a.Sections[2].Rows[0].Figures, "stops_unanswered")
	if got := Compare(a, b); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
