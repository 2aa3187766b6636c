package backtest

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"text/tabwriter"
)

// Table writes the report for people to read in a terminal.
func (r *Report) Table(w io.Writer) error {
	t := &strings.Builder{}
	fmt.Fprintf(t, "\n%s\t\n", r.Source)
	fmt.Fprintf(t, "  %d events, %s to %s, in %.1f s: %.0f events a second\n\n", r.Events, r.From, r.To, r.Seconds,
		r.EventsPerSec)
	r.Candidate.table(t, "catalogue", r.Unit)
	if r.Live != nil {
		r.Live.table(t, "compared with", r.Unit)
	}
	fmt.Fprintf(t, "  pattern\talerts\ttrue\tfalse\tprecision\tfrauds\tonly here\n")
	for _, p := range r.Candidate.Patterns {
		if p.Alerts > 0 {
			fmt.Fprintf(t, "  %s\t%d\t%d\t%d\t%.3f\t%d\t%d\n", p.ID+map[bool]string{true: " (shadow)"}[p.Shadow], p.Alerts,
				p.True, p.False, p.Precision, p.Frauds, p.Alone)
		}
	}
	if len(r.Candidate.Kinds) > 0 {
		fmt.Fprintf(t, "\n  sort of fraud\tfrauds\tcaught\tin time\trecall\tmedian minutes to the first alert\n")
		for _, k := range r.Candidate.Kinds {
			fmt.Fprintf(t, "  %s\t%d\t%d\t%d\t%.3f\t%.1f\n", k.Kind, k.Frauds, k.Caught, k.InTime, k.Recall, k.MinutesToSee)
		}
	}
	if len(r.Difference) > 0 {
		fmt.Fprintf(t, "\n  difference\talerts\ttrue\tfalse\n")
		for _, d := range r.Difference {
			fmt.Fprintf(t, "  %s\t%+d\t%+d\t%+d\n", d.Pattern, d.Alerts, d.True, d.False)
		}
	}
	t.WriteByte('\n')
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(columns, t.String()); err != nil {
		return err
	}
	return columns.Flush()
}

func (f *Figures) table(w *strings.Builder, what, unit string) {
	fmt.Fprintf(w, "  %s %s\tfrauds caught %d of %d (recall %.3f)\talerted in time %d\n", what, f.Catalogue, f.Caught,
		f.Frauds, f.Recall, f.InTime)
	fmt.Fprintf(w, "  \tfalse positives %d of %d %s (%.4f)\tprecision %.3f\n", f.False, f.Honest, unit, f.FalseRate,
		f.Precision)
	fmt.Fprintf(w, "  \talerts: %d stop, %d review, %d warn; %.1f a day\tfalse stops %d (%.2f in 10,000 "+
		"transfers)\n\n", f.Actions["stop"], f.Actions["review"], f.Actions["warn"], f.PerDay, f.FalseStops, f.FalseStopRate)
}

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"bars": bars, "percent": func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) },
	"all": func(d DayFigure) int { return d.Stop + d.Review + d.Warn },
}).Parse(pageText))

// HTML writes the report as one page with charts, which needs nothing else.
func (r *Report) HTML(w io.Writer) error { return page.Execute(w, r) }

// bar is one day of the chart: three pieces on top of each other, in SVG
// units from the top.
type bar struct {
	DayFigure
	X, Width                       float64
	StopY, StopH, ReviewY, ReviewH float64
	WarnY, WarnH                   float64
	Label                          bool
}

// bars lays the days out on a chart of a width and height.
func bars(days []DayFigure, width, height float64) []bar {
	most := 1
	for _, d := range days {
		most = max(most, d.Stop+d.Review+d.Warn)
	}
	step := width / max(1, float64(len(days)))
	every := max(1, len(days)/10)
	out := make([]bar, len(days))
	for i, d := range days {
		h := func(n int) float64 { return height * float64(n) / float64(most) }
		b := bar{DayFigure: d, X: float64(i) * step, Width: max(1, step*0.8), StopH: h(d.Stop), ReviewH: h(d.Review),
			WarnH: h(d.Warn), Label: i%every == 0}
		b.StopY = height - b.StopH
		b.ReviewY = b.StopY - b.ReviewH
		b.WarnY = b.ReviewY - b.WarnH
		out[i] = b
	}
	return out
}
