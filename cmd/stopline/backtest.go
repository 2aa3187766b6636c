package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"stopline.internal/cmd/stopline/backtest"
	"stopline.internal/cmd/stopline/city"
	"stopline.internal/cmd/stopline/history"
	"stopline.internal/scoring"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

type backtestCmd struct {
	Servers
	Patterns string   `help:"The catalogue to try, YAML; the built-in one without it." type:"existingfile"`
	Against  string   `help:"The catalogue to compare with; the built-in one without it, none when both are the same." type:"existingfile"`
	From     string   `help:"Of ClickHouse's history: events from this moment on (2026-11-01 or RFC 3339)." placeholder:"T"`
	To       string   `help:"Of ClickHouse's history: events before this moment." placeholder:"T"`
	Format   string   `help:"Of files: a built-in mapping (paysim, amlsim, phishing, p2p, simbox, sichuan), a mapping file (MAP.yaml), or documents: our own events, a JSON document a line." placeholder:"NAME"`
	Labels   string   `help:"File of labels, where it is not beside the data." type:"existingfile"`
	City     string   `help:"Simulated cities by their seeds, such as 7 or 100-109, in place of files." placeholder:"SEEDS"`
	Events   int      `help:"Events of each city, after its past." default:"500000"`
	Rate     float64  `help:"Events a second of the city's time: how large it is." default:"6.667"`
	Country  string   `help:"Country of telephone numbers without a country code (ISO 3166)." default:"CN"`
	HTML     string   `help:"Write a page with charts to this file." placeholder:"FILE" name:"html"`
	JSON     string   `help:"Write every figure to this file." placeholder:"FILE" name:"json"`
	Summary  string   `help:"json: no progress bar and no table, every figure as the last line." enum:"live,json" default:"live"`
	Files    []string `arg:"" optional:"" help:"Files, plain or .gz; without any, and without --city, the history in ClickHouse." type:"existingfile"`
}

// Help says what the figures mean.
func (backtestCmd) Help() string {
	return "A fraud is caught when any live alert points at one of its transfers (or at the labelled account or " +
		"number). It is alerted in time when a review or a stop came before half of its money had left the first " +
		"account, which only cities know. A false positive is an honest transfer, account or number with a live alert."
}

// Run scores the past with the catalogue, and with the one that it is to
// replace.
func (c *backtestCmd) Run(ctx context.Context) error {
	debug.SetGCPercent(400) // a command that ends: memory for time
	catalogues, err := c.catalogues()
	if err != nil {
		return err
	}
	if c.City != "" {
		return c.cities(ctx, catalogues)
	}
	if c.Format != "" && len(c.Files) == 0 {
		return errors.New("--format is of files: name them after it")
	}
	var r *backtest.Report
	switch {
	case len(c.Files) == 0:
		r, err = c.books(ctx, catalogues)
	case c.Format == "":
		return errors.New("say what the files are with --format: a built-in mapping, MAP.yaml, or documents")
	default:
		r, err = c.files(ctx, catalogues)
	}
	if err != nil {
		return err
	}
	return c.show(r)
}

// catalogues are the candidate and, where it differs, the one in its place now.
func (c *backtestCmd) catalogues() ([]*scoring.Catalogue, error) {
	candidate, err := (&Tuning{Patterns: c.Patterns}).catalogue()
	if err != nil {
		return nil, fmt.Errorf("the catalogue cannot be used:\n%w", err)
	}
	live, err := (&Tuning{Patterns: c.Against}).catalogue()
	if err != nil {
		return nil, fmt.Errorf("the catalogue to compare with cannot be used:\n%w", err)
	}
	if live.Version == candidate.Version {
		return []*scoring.Catalogue{candidate}, nil
	}
	return []*scoring.Catalogue{candidate, live}, nil
}

func (c *backtestCmd) parser() *event.Parser {
	limits := event.DefaultLimits
	limits.Past = 0
	return &event.Parser{Limits: limits, Numbers: event.NewNumbers(c.Country)}
}

func (c *backtestCmd) files(ctx context.Context, catalogues []*scoring.Catalogue) (*backtest.Report, error) {
	var size int64
	for _, f := range c.Files {
		if st, err := os.Stat(f); err == nil {
			size += st.Size()
		}
	}
	bar := progressBar(size, "scoring "+c.Format, c.Summary == "live", progressbar.OptionShowBytes(true))
	progress := func(n int) { _ = bar.Add(n) }
	truth := backtest.NewTruth()
	var src backtest.Source
	refused := 0
	if c.Format == "documents" {
		src = backtest.Documents(c.Files, c.parser(), progress, func(file string, line int, err error) {
			if refused++; refused <= 5 {
				fmt.Fprintf(os.Stderr, "%s:%d: passed over: %v\n", file, line, err)
			}
		})
	} else {
		m, err := history.LoadMapping(c.Format)
		if err != nil {
			return nil, err
		}
		if m.Kind == "features" {
			return c.table(m, catalogues)
		}
		if src, err = backtest.Files(m, c.Files, c.Labels, event.NewNumbers(c.Country), truth, progress); err != nil {
			return nil, err
		}
	}
	res, err := backtest.Run(ctx, src, truth, scoring.DefaultPolicy, catalogues...)
	if err != nil {
		return nil, err
	}
	_ = bar.Finish()
	if refused > 0 {
		fmt.Fprintf(os.Stderr, "%d documents could not be read and were passed over\n", refused)
	}
	return res.Report(c.Format+" "+strings.Join(c.Files, " "), wallClock(), catalogues...), nil
}

// table asks the patterns of files that hold features in place of events.
func (c *backtestCmd) table(m *history.Mapping, catalogues []*scoring.Catalogue) (*backtest.Report, error) {
	var all history.Table
	for _, f := range c.Files {
		t, err := m.ReadTable(f)
		if err != nil {
			return nil, err
		}
		all.Names = t.Names
		all.Rows = append(all.Rows, t.Rows...)
	}
	return backtest.Table(c.Format, &all, m.On, wallClock(), catalogues...)
}

// books scores the history in ClickHouse.
func (c *backtestCmd) books(ctx context.Context, catalogues []*scoring.Catalogue) (*backtest.Report, error) {
	from, err := moment(c.From, 0)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	to, err := moment(c.To, event.InstantOf(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)))
	if err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	if from >= to {
		return nil, errors.New("--from must be before --to")
	}
	in := &infra{clickhouse: c.Clickhouse}
	if err := c.openClickHouse(ctx, in, warnings()); err != nil {
		return nil, err
	}
	defer in.close(warnings())
	w, err := warehouse.Open(ctx, in.options)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Close() }()
	n, err := w.HistoryRows(ctx, from, to)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errors.New("ClickHouse holds no events of that time: give other --from and --to, another --data or " +
			"--clickhouse, or files")
	}
	bar := progressBar(int64(n), "scoring the books", c.Summary == "live")
	src, err := backtest.Books(ctx, w, from, to, event.NewNumbers(c.Country), func(n int) { _ = bar.Add(n) })
	if err != nil {
		return nil, err
	}
	res, err := backtest.Run(ctx, src, backtest.NewTruth(), scoring.DefaultPolicy, catalogues...)
	if err != nil {
		return nil, err
	}
	_ = bar.Finish()
	return res.Report("the books in ClickHouse", wallClock(), catalogues...), nil
}

// moment reads a day or an RFC 3339 time.
func moment(s string, otherwise event.Instant) (event.Instant, error) {
	if s == "" {
		return otherwise, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, event.Zone); err == nil {
		return event.InstantOf(t), nil
	}
	var i event.Instant
	err := i.UnmarshalText([]byte(s))
	return i, err
}

// citiesSummary is the last line of a backtest over cities.
type citiesSummary struct {
	Cities        []*backtest.Report `json:"cities"`
	Campaigns     int                `json:"campaigns"`
	InTime        int                `json:"alerted_in_time"`
	Share         float64            `json:"alerted_in_time_share"`
	FalseStops    int                `json:"false_stops"`
	Transfers     float64            `json:"honest_transfers"`
	FalseStopRate float64            `json:"false_stops_per_10000_transfers"`
	EventsPerSec  float64            `json:"events_per_second"`
}

// cities scores one simulated city after another.
func (c *backtestCmd) cities(ctx context.Context, catalogues []*scoring.Catalogue) error {
	first, last, err := seeds(c.City)
	if err != nil {
		return err
	}
	var sum citiesSummary
	var events, seconds float64
	for seed := first; seed <= last; seed++ {
		truth := backtest.NewTruth()
		bar := progressBar(int64(c.Events), fmt.Sprintf("city %d", seed), c.Summary == "live")
		src := backtest.City(city.Config{Seed: seed, Rate: c.Rate}, c.Events, c.parser(), truth,
			func(n int) { _ = bar.Add(n) })
		res, err := backtest.Run(ctx, src, truth, scoring.DefaultPolicy, catalogues...)
		if err != nil {
			return err
		}
		_ = bar.Finish()
		r := res.Report(fmt.Sprintf("city %d, %d events", seed, c.Events), wallClock(), catalogues...)
		sum.Cities = append(sum.Cities, r)
		f := &r.Candidate
		sum.Campaigns += f.Frauds
		sum.InTime += f.InTime
		sum.FalseStops += f.FalseStops
		sum.Transfers += float64(truth.Money)
		events += float64(r.Events)
		seconds += r.Seconds
		if c.Summary == "live" {
			if err := r.Table(os.Stderr); err != nil {
				return err
			}
		}
	}
	sum.Share = float64(sum.InTime) / max(1, float64(sum.Campaigns))
	sum.FalseStopRate = float64(sum.FalseStops) * 1e4 / max(1, sum.Transfers)
	sum.EventsPerSec = events / seconds
	fmt.Fprintf(os.Stderr, "%d campaigns, %d alerted (review or stop) before half of their money had left the first "+
		"account: %.1f %%; %d false stops of %.0f honest transfers: %.2f in 10,000\n",
		sum.Campaigns, sum.InTime, 100*sum.Share, sum.FalseStops, sum.Transfers, sum.FalseStopRate)
	if err := c.write(sum.Cities[len(sum.Cities)-1], &sum); err != nil {
		return err
	}
	return printSummary(&sum)
}

func seeds(s string) (first, last uint64, err error) {
	a, b, isRange := strings.Cut(s, "-")
	if first, err = strconv.ParseUint(a, 10, 64); err == nil {
		last = first
		if isRange {
			last, err = strconv.ParseUint(b, 10, 64)
		}
	}
	if err != nil || last < first || last-first > 1000 {
		return 0, 0, fmt.Errorf("--city %q: write a seed such as 7, or seeds such as 100-109", s)
	}
	return first, last, nil
}

// show prints and writes a report.
func (c *backtestCmd) show(r *backtest.Report) error {
	if c.Summary == "live" {
		if err := r.Table(os.Stderr); err != nil {
			return err
		}
	}
	if err := c.write(r, r); err != nil {
		return err
	}
	return printSummary(r)
}

func (c *backtestCmd) write(page *backtest.Report, figures any) error {
	if c.HTML != "" {
		f, err := os.Create(c.HTML)
		if err != nil {
			return err
		}
		if err := errors.Join(page.HTML(f), f.Close()); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "the page with charts:", c.HTML)
	}
	if c.JSON != "" {
		b, err := json.MarshalIndent(figures, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.JSON, append(b, '\n'), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "every figure:", c.JSON)
	}
	return nil
}
