package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"stopline.internal/store/ledger"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
)

type booksCmd struct {
	Rebuild booksRebuildCmd `cmd:"" help:"Write what Kafka keeps into the books again, while the service runs or not."`
	Verify  booksVerifyCmd  `cmd:"" help:"Count every table by day against Kafka, and name the days that differ."`
	Keep    booksKeepCmd    `cmd:"" help:"Say for how many days a table is kept; without a table, list them."`
}

// bookServers are the servers of the books, and the law that the ledger is folded by.
type bookServers struct {
	Servers
	Law
}

// connect starts the embedded servers that are not named. A center's own are looked
// at as they are: no topic is made there.
func (c *bookServers) connect(ctx context.Context, log *slog.Logger) (*infra, error) {
	config, err := c.config()
	if err == nil && len(config.Brokers) == 0 {
		return c.Servers.open(ctx, log)
	}
	in := &infra{clickhouse: c.Clickhouse}
	if err == nil {
		in.cluster, in.topics, err = c.Reaching.open()
	}
	if err == nil {
		in.kafka = in.cluster.String()
		in.closers = append(in.closers, func() error { in.cluster.Close(); return nil })
		err = c.openClickHouse(ctx, in, log)
	}
	if err != nil {
		in.close(log)
		return nil, err
	}
	return in, nil
}

// open connects to Kafka and to the books, by way of the embedded servers where the
// service does not run.
func (c *bookServers) open(ctx context.Context) (*stream.BookLog, *warehouse.Warehouse, func(), error) {
	log := warnings()
	terms, err := c.terms()
	if err != nil {
		return nil, nil, nil, err
	}
	in, err := c.connect(ctx, log)
	if err != nil {
		return nil, nil, nil, err
	}
	if in.options.AsItIs = c.Clickhouse != ""; in.options.AsItIs { // it may be a running service's embedded one
		in.options.Embedded = true
	}
	w, err := warehouse.Open(ctx, in.options)
	if err != nil {
		in.close(log)
		return nil, nil, nil, err
	}
	documents := stream.NewDocuments(in.cluster)
	done := func() {
		if err := errors.Join(documents.Close(), w.Close()); err != nil {
			log.Error("closing", "err", err)
		}
		in.close(log)
	}
	books, err := stream.NewBookLog(stream.Deps{Cluster: in.cluster, Topics: in.topics, Documents: documents,
		Clock: wallClock, Log: log, Metrics: stream.NewMetrics(prometheus.NewRegistry())}, w, terms)
	if err != nil {
		done()
		return nil, nil, nil, err
	}
	return books, w, done, nil
}

type booksRebuildCmd struct {
	bookServers
	From    string `help:"The first day to write again; without it, all that Kafka keeps." placeholder:"2026-11-23"`
	Exactly bool   `help:"${books_exactly}"`
}

// Run writes the log into the books again.
func (c *booksRebuildCmd) Run(ctx context.Context) error {
	var from event.Instant
	if c.From != "" {
		day, err := time.ParseInLocation(time.DateOnly, c.From, event.Zone)
		if err != nil {
			return fmt.Errorf("--from: %q is no day such as 2026-11-23", c.From)
		}
		from = event.InstantOf(day)
	}
	books, _, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	last := time.Now()
	out, err := books.Rebuild(ctx, from, c.Exactly, func(read, of int64) {
		if time.Since(last) > time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "%d of at least %d records\n", read, of)
		}
	})
	if err != nil {
		return fmt.Errorf("%w; what was written stays and is right: run it again for the rest", err)
	}
	return printSummary(out)
}

type booksVerifyCmd struct {
	bookServers
}

// Run compares, and fails when something differs.
func (c *booksVerifyCmd) Run(ctx context.Context) error {
	books, w, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	check, err := books.Verify(ctx, patienceOfBooks)
	if err != nil {
		return err
	}
	v := &warehouse.Verification{Differences: []warehouse.Difference{}, Dropped: []warehouse.Dropped{}}
	addCheck(v, check)
	showDifferences(v)
	if broken, err := w.Broken(ctx); err == nil && len(broken) > 0 {
		fmt.Fprintf(os.Stderr, "ClickHouse could not read these parts and has set them aside: %s\n",
			strings.Join(broken, ", "))
	}
	if err := printSummary(map[string]any{"days": v.Days, "behind": v.Behind, "dropped": v.Dropped,
		"differences": v.Differences}); err != nil {
		return err
	}
	if n := len(v.Differences); n > 0 {
		return fmt.Errorf("%d of %d days of tables differ", n, v.Days)
	}
	return nil
}

type booksKeepCmd struct {
	Servers
	Table string `arg:"" optional:"" help:"transfers, transfer_conflicts, calls, messages, sims or alerts."`
	For   string `arg:"" optional:"" help:"Days, such as 400d, or ever."`
}

// Run changes how long a table is kept, and lists how long each is.
func (c *booksKeepCmd) Run(ctx context.Context) error {
	days := 0
	if c.Table != "" && c.For != "ever" {
		n, err := strconv.Atoi(strings.TrimSuffix(c.For, "d"))
		if err != nil || n < 1 || n > 36_500 {
			return fmt.Errorf("%q is no number of days such as 400d, nor ever", c.For)
		}
		days = n
	}
	in := &infra{clickhouse: c.Clickhouse}
	if err := c.openClickHouse(ctx, in, warnings()); err != nil {
		return err
	}
	defer in.close(warnings())
	if c.Clickhouse != "" {
		in.options.AsItIs, in.options.Embedded = true, true
	}
	w, err := warehouse.Open(ctx, in.options)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	if c.Table != "" {
		if err := w.Keep(ctx, c.Table, days); err != nil {
			return err
		}
	}
	kept, err := w.Kept(ctx)
	if err != nil {
		return err
	}
	return printSummary(kept)
}

// verifiedBooks are the books, whose verification counts them against Kafka's log as
// well. One verification at a time reads the log.
type verifiedBooks struct {
	*warehouse.Warehouse
	log     *stream.BookLog
	reading sync.Mutex
}

// The books have so long to learn what Kafka has, and the log so long to be read:
// an answer that takes longer, its reader does not get.
const (
	patienceOfBooks = 10 * time.Second
	timeOfLog       = 60 * time.Second
)

// Verify compares the books with the ledger, and with the log.
func (b *verifiedBooks) Verify(ctx context.Context, l *ledger.Ledger,
	patience time.Duration) (*warehouse.Verification, error) {
	v, err := b.Warehouse.Verify(ctx, l, patience)
	if err != nil {
		return nil, err
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, timeOfLog)
	defer cancel()
	check, err := b.log.Verify(ctx, patience)
	if err != nil {
		return nil, fmt.Errorf("count the books against Kafka (where there is much to read, \"stopline books verify\" "+
			"does it without a bound): %w", err)
	}
	addCheck(v, check)
	return v, nil
}

// addCheck adds a comparison with the log to one with the ledger.
func addCheck(v *warehouse.Verification, check *stream.LogCheck) {
	v.Days = check.Days
	v.Behind += check.Pending
	for s, day := range check.Whole {
		if day != "" {
			v.Dropped = append(v.Dropped, warehouse.Dropped{Log: warehouse.Source(s).String(), Before: day})
		}
	}
	for _, d := range check.Differ {
		v.Differences = append(v.Differences, warehouse.Difference{What: "day", ID: d.Table + " " + d.Day, Field: "rows",
			Books: d.Books.String(), Ledger: d.Log.String(), Mend: mend(&d)})
	}
}

// mend is the command that makes a day what the log says.
func mend(d *warehouse.DayDifference) string {
	command := "stopline books rebuild --from " + d.Day
	if d.Books.Rows > d.Log.Rows {
		command += " --exactly"
	}
	return command
}
