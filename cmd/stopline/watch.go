package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"stopline.internal/stream/kafka"

	"stopline.internal/cmd/stopline/city"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// watch looks at the service from outside, with the city's truth: the alerts
// as anybody may subscribe to them, and the stops as banks see them.
type watch struct {
	mu       sync.Mutex
	sent     map[string]time.Time // by kind and id, when it was given to Kafka
	before   map[string]time.Time // an older generation of the same
	rotated  time.Time
	visible  map[string]time.Time // by stop, when its bank first saw it
	trigger  map[string]string    // by stop, the event that completed the pattern
	stopOf   map[string]string    // by stop, the transfer whose money it is
	ids      map[string]pattern.Action
	latency  []float64 // milliseconds
	measured map[string]bool
	baseline float64
}

func newWatch() *watch {
	return &watch{sent: map[string]time.Time{}, before: map[string]time.Time{}, visible: map[string]time.Time{},
		trigger: map[string]string{},
		stopOf:  map[string]string{}, ids: map[string]pattern.Action{}, measured: map[string]bool{}, rotated: time.Now()}
}

func (w *watch) produced(docs []city.Doc) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.rotated) > 5*time.Minute { // what is older is not waited for
		w.before, w.sent, w.rotated = w.sent, map[string]time.Time{}, now
	}
	for i := range docs {
		w.sent[docs[i].ID] = now
	}
}

func (w *watch) seen(stop string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.visible[stop]; !known {
		w.visible[stop] = at
		w.measure(stop)
	}
}

// measure notes how long an event took to become a stop that its bank sees,
// once both ends are known.
func (w *watch) measure(stop string) {
	at, seen := w.visible[stop]
	event, known := w.trigger[stop]
	if !seen || !known || w.measured[stop] {
		return
	}
	sent, ok := w.sent[event]
	if !ok {
		if sent, ok = w.before[event]; !ok {
			return // sent by an earlier run
		}
	}
	w.measured[stop] = true
	if d := at.Sub(sent); d >= 0 {
		w.latency = append(w.latency, float64(d)/float64(time.Millisecond))
	}
}

// alerts reads the alerts' topic from its beginning.
func (w *watch) alerts(ctx context.Context, d *demo) {
	in := d.service.infra
	err := in.cluster.Follow(ctx, kafka.Following{Topic: in.topics.Alerts, Partitions: in.topics.Partitions,
		From: kafka.FirstOffset, Log: d.log}, func(m *kafka.Message) error {
		var a scoring.Alert
		if err := json.Unmarshal(m.Value, &a); err != nil {
			return err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ids[a.ID] = a.Action
		if a.StopID != "" {
			w.stopOf[a.StopID] = a.Transfer.ID
			if _, known := w.trigger[a.StopID]; !known {
				w.trigger[a.StopID] = a.Event.Kind + " " + a.Event.ID
				w.measure(a.StopID)
			}
		}
		return nil
	})
	if err != nil {
		d.log.Error("the demo cannot read the alerts", "err", err)
	}
}

// percentile of the latencies, in milliseconds.
func (w *watch) percentile(p float64) float64 {
	if len(w.latency) == 0 {
		return 0
	}
	s := slices.Clone(w.latency)
	slices.Sort(s)
	return math.Round(s[min(len(s)-1, int(p*float64(len(s))))]*10) / 10
}

// demoSummary is the last line of demo. Shares are of stolen money; amounts in
// yuan. Counts of events are of this run; the rest is of the whole city.
type demoSummary struct {
	Events         int64   `json:"events"`
	EventsPerSec   float64 `json:"events_per_second"`
	Alerts         int     `json:"alerts"`
	StopsRequested int     `json:"stops_requested"`
	StopsHeld      int     `json:"stops_held"` // in full
	StopsPartial   int     `json:"stops_partial"`
	StopsMissed    int     `json:"stops_missed"`
	Campaigns      int64   `json:"campaigns"`
	Stolen         string  `json:"stolen"`
	Held           string  `json:"held"`
	SavedShare     float64 `json:"saved_share"`
	Baseline       float64 `json:"baseline_saved_share"`
	FalseStops     int     `json:"false_stops"`
	FalsePerM      float64 `json:"false_stops_per_million"`
	Latency        struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
		N   int     `json:"n"`
	} `json:"latency_ms"`
	DeadLetters int64         `json:"dead_letters"`
	CityTime    event.Instant `json:"city_time"`
	Speed       float64       `json:"speed"`       // seconds of the city in one of ours, as asked for
	Pace        float64       `json:"pace"`        // the same, as the machine carried it
	LagSeconds  float64       `json:"lag_seconds"` // how long the oldest document waits to be scored
}

// summary compares what the service did with what really happened.
func (d *demo) summary() demoSummary {
	t := d.city.Truth()
	stolen, held := city.Baseline(d.saved.City, d.city.Now(), 30*time.Minute)
	d.watch.mu.Lock()
	d.watch.baseline = share(held, stolen)
	d.watch.mu.Unlock()
	return d.glance(t)
}

// glance is the summary with the baseline as it was last computed.
func (d *demo) glance(t city.Truth) demoSummary {
	f := d.service.ledger.Totals()
	end := d.ended
	if end.IsZero() {
		end = time.Now()
	}
	events := total(d.service.metrics.Events) - d.historyRead
	w := d.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	s := demoSummary{Events: events, EventsPerSec: math.Round(float64(events) / end.Sub(d.began).Seconds()),
		Alerts:         len(w.ids),
		StopsRequested: f.Requested, StopsHeld: f.HeldStops, StopsPartial: f.Partial, StopsMissed: f.Missed,
		Campaigns:  t.Campaigns,
		Stolen:     event.Money{Minor: t.Stolen, Currency: event.CNY}.Decimal(),
		Held:       event.Money{Minor: t.Held, Currency: event.CNY}.Decimal(),
		SavedShare: share(t.Held, t.Stolen), Baseline: w.baseline, DeadLetters: total(d.service.metrics.DeadLetters),
		CityTime: d.city.Now(), Speed: d.saved.Speed, Pace: d.pace(end)}
	lag, _ := d.service.lag.Behind("ingest", "score")
	s.LagSeconds = math.Round(lag.Seconds()*100) / 100
	for _, transfer := range w.stopOf {
		if !d.city.IsFraud(transfer) {
			s.FalseStops++
		}
	}
	if t.Transfers > 0 {
		s.FalsePerM = math.Round(float64(s.FalseStops)/float64(t.Transfers)*1e7) / 10
	}
	s.Latency.P50, s.Latency.P99, s.Latency.N = w.percentile(0.5), w.percentile(0.99), len(w.latency)
	return s
}

// pace is how fast the city's clock has run in this run, up to a moment.
func (d *demo) pace(end time.Time) float64 {
	to := d.endedAt
	if to == 0 {
		to = d.clock.now()
	}
	if wall := end.Sub(d.began); wall > 0 && d.beganAt != 0 {
		return math.Round(10*float64(to.Sub(d.beganAt))/float64(wall)) / 10
	}
	return 0
}

// yuan writes fen for people.
func yuan(minor int64) string { return event.Money{Minor: minor, Currency: event.CNY}.Text() }

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return math.Round(float64(part)/float64(whole)*1e4) / 1e4
}

// display shows the figures as they change: in place on a terminal, else as a
// line now and then.
func (d *demo) display(ctx context.Context) {
	tty := term.IsTerminal(int(os.Stderr.Fd()))
	every := 5 * time.Second
	if tty {
		every = 500 * time.Millisecond
	}
	lines := 0
	machine := carried{marks: []carriedMark{{d.began, d.beganAt}}}
	var baselineAt time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		if time.Since(baselineAt) > 20*time.Second {
			stolen, held := city.Baseline(d.saved.City, d.city.Now(), 30*time.Minute)
			d.watch.mu.Lock()
			d.watch.baseline = share(held, stolen)
			d.watch.mu.Unlock()
			baselineAt = time.Now()
		}
		t := d.city.Truth()
		s := d.glance(t)
		pace := paceWords(machine.note(time.Now(), d.clock.now()), s.Speed)
		if d.draining.Load() {
			pace = "draining"
		}
		if !tty {
			fmt.Fprintf(os.Stderr, "%s %s  events %d (%.0f/s)  alerts %d  stops %d  held %s of %s (%.1f%%; without %.1f%%)  "+
				"lag %.1f s  p50 %.0f ms p99 %.0f ms\n",
				s.CityTime.Time().Format("01-02 15:04"), pace, s.Events, s.EventsPerSec, s.Alerts, s.StopsRequested,
				yuan(t.Held), yuan(t.Stolen), 100*s.SavedShare, 100*s.Baseline,
				s.LagSeconds, s.Latency.P50, s.Latency.P99)
			continue
		}
		text := d.panel(&s, &t, pace)
		fmt.Fprint(os.Stderr, strings.Repeat("\x1b[A\x1b[2K", lines), text)
		lines = strings.Count(text, "\n")
	}
}

// paceWords say how fast the city's clock runs, and that it waits for the machine
// where it does.
func paceWords(pace, speed float64) string {
	if pace >= 0.95*speed {
		return fmt.Sprintf("×%.0f", speed)
	}
	return fmt.Sprintf("×%.0f asked for, this machine carries ×%.0f", speed, pace)
}

// panel is the live summary of a terminal.
func (d *demo) panel(s *demoSummary, t *city.Truth, pace string) string {
	waiting, _ := d.service.ledger.List(ledger.Filter{State: stop.Proposed, Limit: 500})
	bar := func(x float64) string {
		n := int(math.Round(x * 30))
		return strings.Repeat("█", n) + strings.Repeat("·", 30-n)
	}
	return fmt.Sprintf(`stopline · simulated city %d · %s · %s · %s
  events      %-12d %.0f/s        dead letters %d
  alerts      %-12d campaigns %d
  stops       %-12d held %d · partial %d · missed %d · for approval %d
  held        %s of %s stolen
  saved       %s %5.1f%%
  without     %s %5.1f%%   (a stop half an hour after a report)
  latency     p50 %.0f ms · p99 %.0f ms    event to stop visible to the bank, %d stops
  lag         %.1f s                     how long the oldest document waits to be scored; the city waits when it grows
`, d.saved.City.Seed, s.CityTime.Time().Format("2006-01-02 15:04:05"), pace, time.Since(d.began).Round(time.Second),
		s.Events, s.EventsPerSec, s.DeadLetters, s.Alerts, s.Campaigns, s.StopsRequested, s.StopsHeld, s.StopsPartial,
		s.StopsMissed, len(waiting),
		yuan(t.Held), yuan(t.Stolen), bar(s.SavedShare), 100*s.SavedShare, bar(s.Baseline), 100*s.Baseline, s.Latency.P50,
		s.Latency.P99, s.Latency.N, s.LagSeconds)
}
