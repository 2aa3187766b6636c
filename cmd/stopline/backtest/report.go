package backtest

import (
	"cmp"
	"math"
	"slices"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// Report is what a run says, with every figure that the page and the table show.
type Report struct {
	Source       string   `json:"source"`
	GeneratedAt  string   `json:"generated_at"`
	From         string   `json:"from"` // of the events
	To           string   `json:"to"`
	Events       int64    `json:"events"`
	Legs         int64    `json:"legs"`
	Seconds      float64  `json:"seconds"`
	EventsPerSec float64  `json:"events_per_second"`
	Unit         string   `json:"unit"` // what is counted as a fraud and as honest
	Candidate    Figures  `json:"candidate"`
	Live         *Figures `json:"live,omitempty"` // of the catalogue that it is compared with
	Difference   []Change `json:"difference,omitempty"`
}

// Figures are those of one catalogue. A true positive is a fraud with any live
// alert on it; a false positive is an honest transfer, account or number with one.
type Figures struct {
	Catalogue string `json:"catalogue"`
	Frauds    int    `json:"frauds"`
	Caught    int    `json:"true_positives"`
	// with a review or a stop, before the deadline where frauds have one
	InTime        int             `json:"alerted_in_time"`
	Honest        int64           `json:"honest"`
	False         int             `json:"false_positives"`
	Recall        float64         `json:"recall"`
	Precision     float64         `json:"precision"`           // true positives over all positives
	FalseRate     float64         `json:"false_positive_rate"` // of the honest
	TrueAlerts    int             `json:"true_alerts"`
	FalseAlerts   int             `json:"false_alerts"`
	FalsePerTrue  float64         `json:"false_alarms_per_true_one"`
	FalseStops    int             `json:"false_stops"`
	FalseStopRate float64         `json:"false_stops_per_10000_transfers"`
	PerDay        float64         `json:"alerts_a_day"`
	Actions       map[string]int  `json:"alerts_by_action"`
	Patterns      []PatternFigure `json:"patterns"`
	Kinds         []KindFigure    `json:"kinds,omitempty"`
	Days          []DayFigure     `json:"days"`
	Missed        []string        `json:"missed,omitempty"` // frauds, at most 50
}

// PatternFigure is one pattern's part.
type PatternFigure struct {
	ID        string  `json:"id"`
	Shadow    bool    `json:"shadow,omitempty"`
	Alerts    int     `json:"alerts"`
	True      int     `json:"true_alerts"`
	False     int     `json:"false_alerts"`
	Precision float64 `json:"precision"`
	Frauds    int     `json:"frauds"`    // with an alert of it
	Alone     int     `json:"only_here"` // with no alert of another
}

// KindFigure is one sort of fraud's part.
type KindFigure struct {
	Kind         string  `json:"kind"`
	Frauds       int     `json:"frauds"`
	Caught       int     `json:"caught"`
	InTime       int     `json:"in_time"`
	Recall       float64 `json:"recall"`
	MinutesToSee float64 `json:"median_minutes_to_first_alert"` // from the fraud's first transfer or call
}

// DayFigure is one day's alerts, live ones.
type DayFigure struct {
	Day    string `json:"day"`
	Stop   int    `json:"stop"`
	Review int    `json:"review"`
	Warn   int    `json:"warn"`
}

// Change is a pattern whose figures differ from the live catalogue's.
type Change struct {
	Pattern string `json:"pattern"`
	Alerts  int    `json:"alerts"` // more, or fewer
	True    int    `json:"true_alerts"`
	False   int    `json:"false_alerts"`
}

// Report compares the findings with the truth. The first catalogue is the
// candidate, the second, if any, the live one.
func (r *Result) Report(source string, now event.Instant, catalogues ...*scoring.Catalogue) *Report {
	out := &Report{Source: source, GeneratedAt: now.String(), From: r.From.String(), To: r.To.String(),
		Events: r.Events, Legs: r.Legs,
		Seconds: rounded(r.Seconds, 2), EventsPerSec: math.Round(float64(r.Events) / max(r.Seconds, 1e-9)),
		Unit: r.Truth.unit()}
	figures := make([]Figures, len(catalogues))
	for i, c := range catalogues {
		figures[i] = r.figures(r.Findings[i], c)
	}
	out.Candidate = figures[0]
	if len(figures) > 1 {
		out.Live = &figures[1]
		out.Difference = difference(figures[0].Patterns, figures[1].Patterns)
	}
	return out
}

func (t *Truth) unit() string {
	if t.Entities != nil {
		return "labelled accounts or numbers"
	}
	return "transfers"
}

func rounded(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}

func ratio[A, B int | int64 | float64](a A, b B) float64 {
	if b == 0 {
		return 0
	}
	return rounded(float64(a)/float64(b), 4)
}

func (r *Result) figures(findings []Finding, c *scoring.Catalogue) Figures {
	t := r.Truth
	f := Figures{Catalogue: c.Version, Actions: map[string]int{}}
	byPattern := map[string]*PatternFigure{}
	for _, p := range c.Patterns {
		f.Patterns = append(f.Patterns, PatternFigure{ID: p.ID, Shadow: p.Shadow})
	}
	for i := range f.Patterns {
		byPattern[f.Patterns[i].ID] = &f.Patterns[i]
	}
	days := map[string]*DayFigure{}
	wrong := map[string]bool{}
	alerted := map[event.Entity]bool{}
	// any alert; one that a person or a bank acts on
	first, acted := map[string]event.Instant{}, map[string]event.Instant{}
	patternsOf := map[string]map[string]bool{} // by fraud
	for i := range findings {
		x := &findings[i]
		fraud := t.of(x)
		isTrue := fraud != ""
		if t.Entities != nil {
			if isTrue = t.Entities[x.Entity]; isTrue {
				fraud = string(x.Entity)
			}
		}
		for _, id := range x.Patterns {
			p := byPattern[id]
			p.Alerts++
			if isTrue {
				p.True++
			} else {
				p.False++
			}
			if fraud != "" {
				if patternsOf[fraud] == nil {
					patternsOf[fraud] = map[string]bool{}
				}
				patternsOf[fraud][id] = true
			}
		}
		if x.Shadow {
			continue
		}
		d := x.At.Time().Format(time.DateOnly)
		if days[d] == nil {
			days[d] = &DayFigure{Day: d}
		}
		f.Actions[x.Action.String()]++
		switch x.Action {
		case pattern.Stop:
			days[d].Stop++
		case pattern.Review:
			days[d].Review++
		default:
			days[d].Warn++
		}
		alerted[x.Entity] = true
		if isTrue {
			f.TrueAlerts++
			if at, ok := first[fraud]; !ok || x.Seen < at {
				first[fraud] = x.Seen
			}
			if at, ok := acted[fraud]; x.Action > pattern.Warn && (!ok || x.Seen < at) {
				acted[fraud] = x.Seen
			}
			continue
		}
		f.FalseAlerts++
		if x.Transfer != "" {
			wrong[x.Transfer] = true
			if x.Action == pattern.Stop {
				f.FalseStops++
			}
		}
	}
	for _, used := range patternsOf {
		for id := range used {
			byPattern[id].Frauds++
			if len(used) == 1 {
				byPattern[id].Alone++
			}
		}
	}
	for i := range f.Patterns {
		p := &f.Patterns[i]
		p.Precision = ratio(p.True, p.Alerts)
	}
	t.count(&f, first, acted, alerted, wrong)
	f.Recall, f.Precision = ratio(f.Caught, f.Frauds), ratio(f.Caught, f.Caught+f.False)
	f.FalseRate, f.FalsePerTrue = ratio(f.False,
		f.Honest), rounded(float64(f.FalseAlerts)/max(1, float64(f.TrueAlerts)), 3)
	f.FalseStopRate = rounded(float64(f.FalseStops)*1e4/max(1, float64(t.Money)), 4)
	for _, d := range days {
		f.Days = append(f.Days, *d)
	}
	slices.SortFunc(f.Days, func(a, b DayFigure) int { return cmp.Compare(a.Day, b.Day) })
	span := max(1, r.To.Sub(r.From).Hours()/24)
	f.PerDay = rounded(float64(f.TrueAlerts+f.FalseAlerts)/span, 1)
	return f
}

// count compares with the frauds, or with the labelled entities.
func (t *Truth) count(f *Figures, first, acted map[string]event.Instant, alerted map[event.Entity]bool,
	wrong map[string]bool) {
	if t.Entities != nil {
		k := KindFigure{Kind: "labelled"}
		var minutes []float64
		for e, bad := range t.Entities {
			switch {
			case bad:
				f.Frauds++
				if alerted[e] {
					f.Caught++
					if at, ok := t.began[e]; ok {
						minutes = append(minutes, max(0, first[string(e)].Sub(at).Minutes()))
					}
				} else {
					f.miss(string(e))
				}
			default:
				f.Honest++
				if alerted[e] {
					f.False++
				}
			}
		}
		if f.Honest == 0 { // only the bad ones are listed: everybody else is honest
			for e := range alerted {
				if !t.Entities[e] {
					f.False++
				}
			}
		}
		f.InTime = f.Caught
		if slices.Sort(minutes); len(minutes) > 0 {
			k.Frauds, k.Caught, k.InTime, k.Recall, k.MinutesToSee = f.Frauds, f.Caught, f.Caught, ratio(f.Caught,
				f.Frauds), rounded(minutes[len(minutes)/2], 1)
			f.Kinds = append(f.Kinds, k)
		}
		return
	}
	kinds := map[string]*KindFigure{}
	minutes := map[string][]float64{}
	for name, fraud := range t.Frauds {
		f.Frauds++
		k := kinds[fraud.Kind]
		if k == nil {
			k = &KindFigure{Kind: cmp.Or(fraud.Kind, "fraud")}
			kinds[fraud.Kind] = k
		}
		k.Frauds++
		at, caught := first[name]
		if !caught {
			f.miss(name)
			continue
		}
		f.Caught++
		k.Caught++
		minutes[fraud.Kind] = append(minutes[fraud.Kind], max(0, at.Sub(fraud.First).Minutes()))
		if at, ok := acted[name]; ok && (fraud.Deadline == 0 || at <= fraud.Deadline) {
			f.InTime++
			k.InTime++
		}
	}
	for kind, k := range kinds {
		k.Recall = ratio(k.Caught, k.Frauds)
		if m := minutes[kind]; len(m) > 0 {
			slices.Sort(m)
			k.MinutesToSee = rounded(m[len(m)/2], 1)
		}
		f.Kinds = append(f.Kinds, *k)
	}
	slices.SortFunc(f.Kinds, func(a, b KindFigure) int { return cmp.Compare(a.Kind, b.Kind) })
	f.Honest, f.False = t.Events-int64(len(t.Transfers)), len(wrong)
	slices.Sort(f.Missed)
}

func (f *Figures) miss(name string) {
	if len(f.Missed) < 50 {
		f.Missed = append(f.Missed, name)
	}
}

// difference lists the patterns whose alerts are not the same.
func difference(a, b []PatternFigure) []Change {
	was := map[string]PatternFigure{}
	for _, p := range b {
		was[p.ID] = p
	}
	var out []Change
	add := func(id string, now, then PatternFigure) {
		if now.Alerts != then.Alerts || now.True != then.True || now.False != then.False {
			out = append(out, Change{id, now.Alerts - then.Alerts, now.True - then.True, now.False - then.False})
		}
	}
	for _, p := range a {
		add(p.ID, p, was[p.ID])
		delete(was, p.ID)
	}
	for id, p := range was {
		add(id, PatternFigure{}, p)
	}
	slices.SortFunc(out, func(x, y Change) int { return cmp.Compare(x.Pattern, y.Pattern) })
	return out
}
