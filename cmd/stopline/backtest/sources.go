package backtest

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"stopline.internal/cmd/stopline/city"
	"stopline.internal/cmd/stopline/history"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// Files reads CSV files through a mapping, and their labels into truth.
func Files(m *history.Mapping, files []string, labels string, numbers *event.Numbers, truth *Truth,
	progress history.Progress) (Source, error) {
	for _, f := range files {
		e, err := m.Entities(f, labels, numbers)
		if err != nil {
			return nil, err
		}
		truth.Entity(e)
		kinds, err := m.Kinds(f)
		if err != nil {
			return nil, err
		}
		if kinds != nil {
			truth.Kinds = kinds
		}
	}
	return func(ctx context.Context, yield func(*event.Event, string) error) error {
		for _, f := range files {
			if _, err := m.Read(f, numbers, progress, func(r *history.Row) error {
				return yield(&r.Event,
					r.Fraud)
			}); err != nil {
				return err
			}
		}
		return ctx.Err()
	}, nil
}

// Documents reads files of our own events, a JSON document a line, plain or
// .gz. What cannot be read is counted and told to refused; it stops nothing.
func Documents(files []string, parser *event.Parser, progress history.Progress,
	refused func(file string, line int, err error)) Source {
	now := event.InstantOf(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)) // the past has any age
	return func(_ context.Context, yield func(*event.Event, string) error) error {
		for _, f := range files {
			if err := documents(f, parser, now, progress, yield, refused); err != nil {
				return fmt.Errorf("%s: %w", f, err)
			}
		}
		return nil
	}
}

func documents(file string, parser *event.Parser, now event.Instant, progress history.Progress,
	yield func(*event.Event, string) error, refused func(string, int, error)) (err error) {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<16))
		if err != nil {
			return err
		}
		r = z
	}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 1<<16), 2*parser.Limits.Bytes)
	var e event.Event
	for n := 1; sc.Scan(); n++ {
		line := sc.Bytes()
		progress(len(line) + 1)
		if len(line) == 0 {
			continue
		}
		if err := parser.Parse(line, now, &e); err != nil {
			refused(file, n, err)
			continue
		}
		if err := yield(&e, ""); err != nil {
			return err
		}
	}
	return sc.Err()
}

// cityStart is when every simulated city of a backtest begins: a Monday morning.
var cityStart = event.InstantOf(time.Date(2026, 11, 2, 8, 0, 0, 0, event.Zone))

// City makes a simulated city and lets it live for so many events after its
// past. The truth is the city's own; nobody holds any money.
func City(cfg city.Config, events int, parser *event.Parser, truth *Truth, progress func(events int)) Source {
	return func(ctx context.Context, yield func(*event.Event, string) error) error {
		cfg.Start = cityStart
		c := city.New(cfg)
		var e event.Event
		give := func(docs []city.Doc) error {
			for i := range docs {
				if err := parser.Parse(docs[i].JSON, docs[i].At, &e); err != nil {
					return fmt.Errorf("the city sent what cannot be read: %w: %s", err, docs[i].JSON)
				}
				if e.Kind == event.KindReport {
					continue // its truth is known better
				}
				if err := yield(&e, ""); err != nil {
					return err
				}
			}
			return ctx.Err()
		}
		if err := give(c.History()); err != nil {
			return err
		}
		sent := 0
		for at := cfg.Start; sent < events; at = at.Add(time.Minute) {
			docs := c.Advance(at)
			docs = docs[:min(len(docs), events-sent)]
			if err := give(docs); err != nil {
				return err
			}
			sent += len(docs)
			progress(len(docs))
		}
		for i, k := range c.Campaigns() {
			name := fmt.Sprintf("%s %d of city %d", k.Kind, i, cfg.Seed)
			for _, t := range k.Transfers {
				truth.Add(name, t.ID, t.At)
			}
			truth.Frauds[name].Kind, truth.Frauds[name].Deadline = k.Kind, k.HalfGone
		}
		truth.Money = c.Truth().Transfers // honest ones of the live part, each once
		return nil
	}
}

// Books reads the history in ClickHouse, with what victims have reported and
// people have found out.
func Books(ctx context.Context, w *warehouse.Warehouse, from, to event.Instant, numbers *event.Numbers,
	progress func(events int)) (Source, error) {
	frauds, err := w.Frauds(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, yield func(*event.Event, string) error) error {
		n := 0
		return w.History(ctx, from, to, numbers.Home, func(e *event.Event) error {
			if n++; n%1000 == 0 {
				progress(1000)
			}
			fraud := ""
			if t := &e.Transfer; len(frauds) > 0 && e.Kind == event.KindTransfer && t.Payee.Account != "" {
				fraud = frauds[event.StopID(event.TransferKey(t.Payer.Account, e.ID), t.Payee.Account)]
			}
			return yield(e, fraud)
		})
	}, nil
}
