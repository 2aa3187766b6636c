package report

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

func sample() *Report {
	row := func(key string, n int64) Row {
		r := Row{Key: key, Figures: map[string]int64{}, SecondsToRequest: [3]float64{1.5, 20, 300}, SecondsToHold: [3]float64{9, 99, 999}, Minutes: []uint64{9, 5, 4, 3, 2, 1}, MinutesHeld: []uint64{9, 4, 3, 2, 1, 0}}
		for i, f := range Figures {
			r.Figures[f.Name] = n*1_000_000_07 + int64(i)
		}
		return r
	}
	return &Report{Month: "2026-10", Currency: "CNY", Closed: true, GeneratedAt: "2026-11-01T08:00:00.000+08:00", GeneratedBy: "police", Total: row("", 9), Before: row("", 8), YearBefore: row("", 7),
		Sections:    []Section{{"district", []Row{row("520102", 4), row("520103", 5)}}, {"fraud_type", []Row{row("冒充公检法", 9)}}, {"bank", []Row{row("PCBC", 9)}}, {"hop", []Row{row("1", 9)}}, {"day", []Row{row("2026-10-01", 9)}}},
		Corrections: []Correction{{"total", "", "amount_held", 5, 6}}}
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
		reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff")))
		reader.FieldsPerRecord = -1
		lines, err := reader.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		b.Reset()
		if err := XLSX(&b, r, lang); err != nil {
			t.Fatal(err)
		}
		x, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if sheets := x.GetSheetList(); len(sheets) != 7 || sheets[1] != Titles["district"][lang] {
			t.Errorf("sheets %v", sheets)
		}
		for i := range Figures {
			f := &Figures[i]
			want := Decimal(r.Total.Figures[f.Name])
			if !f.Amount {
				want = strings.ReplaceAll(f.text(&r.Total), ",", "")
			}
			if lines[1][2+i] != want {
				t.Errorf("CSV %s: %s, want %s", f.Name, lines[1][2+i], want)
			}
			cell, _ := excelize.CoordinatesToCellName(2, 5+i)
			raw, err := x.GetCellValue(texts["this"][lang], cell, excelize.Options{RawCellValue: true})
			if err != nil || strings.TrimSuffix(raw, ".00") != strings.TrimSuffix(want, ".00") {
				t.Errorf("XLSX %s: %s, want %s (%v)", f.Name, raw, want, err)
			}
			if kind, _ := x.GetCellType(texts["this"][lang], cell); kind == excelize.CellTypeSharedString || kind == excelize.CellTypeInlineString {
				t.Errorf("XLSX %s is a text", f.Name)
			}
		}
		z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		charts := 0
		for _, f := range z.File {
			if strings.HasPrefix(f.Name, "xl/charts/chart") {
				charts++
			}
		}
		if charts != 6 {
			t.Errorf("%d charts, want one on each sheet of figures", charts)
		}
		b.Reset()
		if err := PDF(&b, r, lang); errors.Is(err, ErrNoFont) {
			t.Log(err)
		} else if err != nil || !bytes.HasPrefix(b.Bytes(), []byte("%PDF-")) || b.Len() > 2<<20 {
			t.Errorf("PDF: %d bytes, %v", b.Len(), err)
		} else if dir := os.Getenv("STOPLINE_REPORT_DIR"); dir != "" {
			_ = os.WriteFile(dir+"/report-"+lang+".pdf", b.Bytes(), 0o600)
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
	if got := Compare(a, b); len(got) != 2 || got[0].Now-got[0].Kept != 5 || got[1].Key != "520102" || got[1].Now-got[1].Kept != -1 {
		t.Errorf("%+v", got)
	}
}
