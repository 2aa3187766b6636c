package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"stopline.internal/stream/kafka"

	"stopline.internal/cmd/stopline/backtest"
	"stopline.internal/cmd/stopline/history"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/state"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

type replayCmd struct {
	Servers
	Tuning
	Format  string   `help:"A built-in mapping (paysim, amlsim, phishing, p2p, simbox) or a file, MAP.yaml." required:""`
	Labels  string   `help:"File of labels, where it is not beside the data." type:"existingfile"`
	Keep    bool     `help:"Keep the topics and the tables that this replay makes."`
	Summary string   `help:"json: no progress bar." enum:"live,json" default:"live"`
	Files   []string `arg:"" help:"CSV files, plain or .gz." type:"existingfile"`
}

// replaySummary is the last line of replay.
type replaySummary struct {
	Rows        int            `json:"rows"`
	Left        int            `json:"rows_without_money"`
	DeadLetters int64          `json:"dead_letters"`
	Alerts      int            `json:"alerts"`
	ByPattern   map[string]int `json:"alerts_by_pattern"`
	Unit        string         `json:"unit"` // what is counted below
	Frauds      int            `json:"frauds"`
	True        int            `json:"true_positives"`
	False       int            `json:"false_positives"`
	Honest      int64          `json:"honest"`
	Recall      float64        `json:"recall"`
	Precision   float64        `json:"precision"`
	PerSecond   float64        `json:"events_per_second"`
	Seconds     float64        `json:"seconds"`
}

// Run sends the files through the pipeline of the service, on topics and in a
// database of their own, with nobody to answer the stops: history moves no
// money.
func (c *replayCmd) Run(ctx context.Context) error {
	log := logTo(os.Stderr)
	m, err := history.LoadMapping(c.Format)
	if err != nil {
		return err
	}
	truth := backtest.NewTruth()
	numbers := event.NewNumbers(c.Country)
	if m.Kind == "features" {
		return fmt.Errorf("%s is a file of features, not of events: use stopline backtest --format %s", c.Files[0], c.Format)
	}
	if _, err := backtest.Files(m, c.Files, c.Labels, numbers, truth, nil); err != nil {
		return err
	}
	run := fmt.Sprintf("replay%d", time.Now().UnixMilli())
	c.TopicPrefix += run + "."
	in, err := c.open(ctx, warnings())
	if err != nil {
		return err
	}
	defer in.close(log)
	in.options.Database = cmp.Or(c.ClickhouseDatabase, warehouse.Database) + "_" + run
	if !c.Keep {
		defer c.forget(in)
	}
	limits := event.DefaultLimits
	limits.Past, limits.Ahead = 0, 100*365*24*time.Hour // original times are kept
	s, err := start(ctx, in, plan{tuning: c.Tuning, roles: []string{roleIngest, roleScore, roleWarehouse},
		clock: wallClock, limits: limits, terms: law.Default, policy: scoring.DefaultPolicy}, warnings())
	if err != nil {
		return err
	}
	began := time.Now()
	rows, left, err := c.feed(ctx, s, m, numbers, truth)
	if err == nil {
		err = waitScored(ctx, s, int64(rows))
	}
	took := time.Since(began)
	deadLetters := total(s.metrics.DeadLetters)
	s.stop()
	if err != nil {
		return err
	}
	catalogue, err := c.catalogue()
	if err != nil {
		return err
	}
	result := &backtest.Result{Truth: truth, Events: int64(rows), Seconds: took.Seconds(),
		Findings: make([][]backtest.Finding, 1)}
	if result.Findings[0], err = findings(ctx, in); err != nil {
		return err
	}
	report := result.Report(c.Format, wallClock(), catalogue)
	f := &report.Candidate
	out := replaySummary{Rows: rows + left, Left: left, DeadLetters: deadLetters,
		Seconds:   math.Round(took.Seconds()*10) / 10,
		PerSecond: math.Round(float64(rows) / took.Seconds()), Alerts: f.TrueAlerts + f.FalseAlerts,
		ByPattern: map[string]int{}, Unit: report.Unit,
		Frauds: f.Frauds, True: f.Caught, False: f.False, Honest: f.Honest, Recall: f.Recall, Precision: f.Precision}
	for _, p := range f.Patterns {
		if p.Alerts > 0 {
			out.ByPattern[p.ID] = p.Alerts
		}
	}
	c.explain(&out)
	return printSummary(&out)
}

// feed sends the rows in their order: one key, so that one partition keeps it.
func (c *replayCmd) feed(ctx context.Context, s *service, m *history.Mapping, numbers *event.Numbers,
	truth *backtest.Truth) (rows, left int, err error) {
	var size int64
	for _, f := range c.Files {
		if st, err := os.Stat(f); err == nil {
			size += st.Size()
		}
	}
	bar := progressBar(size, "replaying "+c.Format, c.Summary == "live", progressbar.OptionShowBytes(true))
	const batch = 2000
	var msgs []kafka.Message
	flush := func() error {
		if err := s.documents.Write(ctx, msgs...); err != nil {
			return err
		}
		msgs = msgs[:0]
		for rows-int(total(s.metrics.Events)+total(s.metrics.DeadLetters)) > 50_000 && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond) // what is read ahead stays bounded
		}
		return ctx.Err()
	}
	for _, f := range c.Files {
		n, err := m.Read(f, numbers, func(b int) { _ = bar.Add(b) }, func(r *history.Row) error {
			topic := s.infra.topics.Transfers
			if r.Event.Kind == event.KindCall {
				topic = s.infra.topics.Telecom
			}
			truth.Event(&r.Event, r.Fraud)
			doc, err := r.Document()
			if err != nil {
				return err
			}
			rows++
			msgs = append(msgs, kafka.Message{Topic: topic, Key: []byte("replay"), Value: doc})
			if len(msgs) == batch {
				return flush()
			}
			return nil
		})
		left += n
		if err != nil {
			return rows, left, err
		}
	}
	return rows, left, flush()
}

// waitScored waits until every event has been read and its legs scored.
func waitScored(ctx context.Context, s *service, events int64) error {
	last, since := int64(-1), time.Now()
	for {
		legs := counter(s.metrics.Legs)
		if legs != last {
			last, since = legs, time.Now()
		}
		if total(s.metrics.Events)+total(s.metrics.DeadLetters) >= events && time.Since(since) > 300*time.Millisecond {
			return nil
		}
		if time.Since(since) > time.Minute {
			return fmt.Errorf("the service has read %d of %d events and stands still", total(s.metrics.Events), events)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// forget removes what the replay made.
func (c *replayCmd) forget(in *infra) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var names []string
	for _, t := range in.topics.Configs() {
		names = append(names, t.Name)
	}
	states := filepath.Dir(state.Dir(in.data, c.TopicPrefix, 0))
	err := errors.Join(in.cluster.Delete(ctx, names...), warehouse.Drop(ctx, in.options), os.RemoveAll(states))
	if err != nil {
		fmt.Fprintln(os.Stderr, "stopline: the replay's topics, tables and states could not all be removed:", err)
	}
}

// explain says the figures in words.
func (c *replayCmd) explain(s *replaySummary) {
	fmt.Fprintf(os.Stderr, "%d rows in %.1f s (%.0f events/s); %d alerts; ", s.Rows, s.Seconds, s.PerSecond, s.Alerts)
	fmt.Fprintf(os.Stderr, "%d of %d frauds alerted, %d of %d honest %s alerted: recall %.3f, precision %.3f\n",
		s.True, s.Frauds, s.False, s.Honest, s.Unit, s.Recall, s.Precision)
}

// findings reads the alerts as any subscriber would.
func findings(ctx context.Context, in *infra) ([]backtest.Finding, error) {
	var out []backtest.Finding
	seen := map[string]bool{}
	err := eachAlert(ctx, in, func(a *scoring.Alert) {
		if !seen[a.ID] {
			seen[a.ID] = true
			out = append(out, backtest.FindingOf(a, a.At))
		}
	})
	return out, err
}

// eachAlert reads the alerts' topic to its present end.
func eachAlert(ctx context.Context, in *infra, f func(*scoring.Alert)) error {
	var mu sync.Mutex
	return in.cluster.ReadAll(ctx, in.topics.Alerts, in.topics.Partitions, logTo(os.Stderr), func(m *kafka.Message) error {
		a := &scoring.Alert{}
		if err := json.Unmarshal(m.Value, a); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		f(a)
		return nil
	})
}
