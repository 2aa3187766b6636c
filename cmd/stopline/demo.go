package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/segmentio/kafka-go"

	"stopline.internal/api"
	"stopline.internal/cmd/stopline/city"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
)

type demoCmd struct {
	Servers
	Tuning
	Listen   string        `help:"Address of the API and the console." default:"127.0.0.1:8088"`
	Seed     uint64        `help:"The city's seed: the same seed makes the same city." default:"7"`
	Rate     float64       `help:"Events a second." default:"2000"`
	Duration time.Duration `help:"How long to run; 0: until Ctrl-C." default:"0"`
	Speed    float64       `help:"The city's clock, times the wall's: at 300 a minute shows five hours." default:"300"`
	Follow   int           `help:"How many accounts deep money is followed; 1: not beyond the account that the victim paid." default:"6"`
	Summary  string        `help:"json: no live display." enum:"live,json" default:"live"`
}

// saved is what a demo keeps beside the servers' data, to go on from.
type saved struct {
	City     city.Config   `json:"city"`
	Speed    float64       `json:"speed"`
	Position event.Instant `json:"position"` // up to which the city was sent and acknowledged
	History  bool          `json:"history"`  // the past was sent and acknowledged
}

// demo is a city and a service that watches over it.
type demo struct {
	cmd     *demoCmd
	log     *slog.Logger
	path    string
	saved   saved
	city    *city.City
	clock   *cityClock
	banks   *city.Banks
	service *service
	watch   *watch
	sent    int64 // documents of this run
	began   time.Time
	ended   time.Time

	historyRead int64 // events read before the live part
}

// Run simulates, serves and measures.
func (c *demoCmd) Run(ctx context.Context) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(c.Data, "stopline.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }()
	d := &demo{cmd: c, log: logTo(logFile), path: filepath.Join(c.Data, "city.json"), watch: newWatch()}
	fmt.Fprintln(os.Stderr, "starting Kafka and ClickHouse, inside this binary unless told otherwise, with their data in", c.Data)
	in, err := c.open(ctx, d.log)
	if err != nil {
		return err
	}
	defer in.close(d.log)
	if err := d.load(); err != nil {
		return err
	}
	if err := d.start(ctx, in); err != nil {
		return err
	}
	defer d.service.stop()
	if err := d.history(ctx); err != nil {
		return err
	}
	d.greet(in)
	if err := d.live(ctx); err != nil {
		return err
	}
	return printSummary(d.summary())
}

// load goes on with the city of the data directory, or founds one.
func (d *demo) load() error {
	b, err := os.ReadFile(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		start := event.InstantOf(time.Now().Truncate(time.Minute))
		d.saved = saved{City: city.Config{Seed: d.cmd.Seed, Start: start, Rate: d.cmd.Rate / d.cmd.Speed}, Speed: d.cmd.Speed, Position: start}
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(b, &d.saved); err != nil {
			return fmt.Errorf("%s: %w", d.path, err)
		}
		if s := &d.saved; s.City.Seed != d.cmd.Seed || s.Speed != d.cmd.Speed || s.City.Rate != d.cmd.Rate/d.cmd.Speed {
			return fmt.Errorf("%s holds a city with seed %d, rate %.0f and speed %.0f: go on with these, or choose another directory with --data", d.cmd.Data, s.City.Seed, s.City.Rate*s.Speed, s.Speed)
		}
	}
	d.city = city.New(d.saved.City)
	d.saved.City = d.city.Config()
	d.clock = &cityClock{base: d.saved.Position, speed: d.saved.Speed}
	return d.save()
}

func (d *demo) save() error {
	b, err := json.Marshal(&d.saved)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(d.path+".new", d.path)
}

// start runs the service on the city's clock, and the city's banks.
func (d *demo) start(ctx context.Context, in *infra) error {
	ids, err := api.LocalIdentities(filepath.Join(d.cmd.Data, "keys.json"), city.BankCodes)
	if err != nil {
		return err
	}
	limits := event.DefaultLimits
	limits.Past = 400 * 24 * time.Hour // the city has a past that is loaded first
	terms := ledger.DefaultTerms
	terms.MaxHops = d.cmd.Follow
	terms.Respond = 30 * time.Minute // of the city, where a second of ours is minutes
	d.service, err = start(ctx, in, plan{tuning: d.cmd.Tuning, roles: allRoles, clock: d.clock.now, limits: limits, terms: terms, policy: scoring.DefaultPolicy, listen: d.cmd.Listen, identities: ids}, d.log)
	if err != nil {
		return err
	}
	d.banks = &city.Banks{City: d.city, URL: d.service.url, Keys: map[string]string{}, Speed: d.saved.Speed, Log: d.log, Seen: d.watch.seen}
	for _, b := range city.BankCodes {
		d.banks.Keys[b] = ids.Local(api.Bank, b)
	}
	if err := d.banks.OpenJournal(filepath.Join(d.cmd.Data, "banks.journal")); err != nil {
		return err
	}
	select {
	case <-d.service.log.Ready():
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return errors.New("the ledger's log could not be read within a minute: see stopline.log in the data directory")
	}
	return nil
}

// history sends the city's past, or passes over what was sent before.
func (d *demo) history(ctx context.Context) error {
	past := d.city.History()
	if !d.saved.History {
		bar := progressbar.NewOptions(len(past), progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionSetDescription("the city's past"), progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionOnCompletion(func() { fmt.Fprintln(os.Stderr) }))
		for i := 0; i < len(past); i += 5000 {
			part := past[i:min(i+5000, len(past))]
			if err := d.write(ctx, part); err != nil {
				return err
			}
			_ = bar.Add(len(part))
		}
		if err := d.settled(ctx, 2*time.Minute); err != nil {
			return err
		}
		d.saved.History = true
		if err := d.save(); err != nil {
			return err
		}
	}
	if d.saved.Position > d.saved.City.Start {
		fmt.Fprintln(os.Stderr, "going on with the city of an earlier run, at", d.saved.Position)
	}
	d.city.Advance(d.saved.Position)
	d.sent, d.began = 0, time.Now()
	return nil
}

// send writes documents of the present, whose way through the service is timed.
func (d *demo) send(ctx context.Context, docs []city.Doc) error {
	d.watch.produced(docs)
	return d.write(ctx, docs)
}

// write gives documents to Kafka as banks, telecoms and hotlines would.
func (d *demo) write(ctx context.Context, docs []city.Doc) error {
	topics := [...]string{city.Transfers: d.service.infra.topics.Transfers, city.Telecom: d.service.infra.topics.Telecom, city.Reports: d.service.infra.topics.Reports}
	msgs := make([]kafka.Message, len(docs))
	for i := range docs {
		msgs[i] = kafka.Message{Topic: topics[docs[i].Topic], Key: []byte(docs[i].Key), Value: docs[i].JSON}
	}
	if err := d.service.producer.Write(ctx, msgs...); err != nil {
		return err
	}
	d.sent += int64(len(docs))
	return nil
}

// settled waits until everything that was sent has been read and scored.
func (d *demo) settled(ctx context.Context, most time.Duration) error {
	end := time.Now().Add(most)
	last, since := int64(-1), time.Now()
	for time.Now().Before(end) {
		m := d.service.metrics
		legs := counter(m.Legs)
		if legs != last {
			last, since = legs, time.Now()
		}
		if total(m.Events)+total(m.DeadLetters) >= d.sent && time.Since(since) > 500*time.Millisecond {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("after %s the service has read %d of %d events: see stopline.log in the data directory", most, total(d.service.metrics.Events), d.sent)
}

// live lets the city's time pass, until the duration is over or Ctrl-C.
func (d *demo) live(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	d.historyRead = total(d.service.metrics.Events)
	read := d.historyRead + total(d.service.metrics.DeadLetters)
	wg.Go(func() { d.watch.alerts(work, d) })
	wg.Go(func() { d.banks.Unanswered(work); d.banks.Run(work) })
	if d.cmd.Summary == "live" {
		wg.Go(func() { d.display(work) })
	}
	d.clock.start()
	d.began = time.Now()
	var over <-chan time.Time
	if d.cmd.Duration > 0 {
		over = time.After(d.cmd.Duration)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	lastSave := time.Now()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-over:
			running = false
		case <-tick.C:
		}
		to := d.clock.now()
		if err := d.send(work, d.city.Advance(to)); err != nil {
			return err
		}
		d.saved.Position = to
		if time.Since(lastSave) > 200*time.Millisecond || !running {
			if err := d.save(); err != nil {
				return err
			}
			lastSave = time.Now()
		}
	}
	d.ended = time.Now()
	if d.cmd.Summary == "live" {
		fmt.Fprintln(os.Stderr, "\ndraining: the banks give their last answers (Ctrl-C again leaves at once)")
	}
	d.sent += read
	if err := d.settled(work, 30*time.Second); err != nil {
		return err
	}
	return d.answered(20 * time.Second)
}

// answered waits until the banks have answered every stop, with no more money
// moving: the city stands still.
func (d *demo) answered(most time.Duration) error {
	quiet := 0
	for end := time.Now().Add(most); time.Now().Before(end) && quiet < 10; time.Sleep(50 * time.Millisecond) {
		open := 0
		for _, state := range []ledger.State{ledger.Requested, ledger.Acknowledged, ledger.Undelivered} {
			stops, _ := d.service.ledger.List(ledger.Filter{State: state, Limit: 1})
			open += len(stops)
		}
		if quiet++; open > 0 {
			quiet = 0
		}
	}
	return nil
}

// greet says where everything is, with a line to paste for each role.
func (d *demo) greet(in *infra) {
	ids, err := api.LoadIdentities(filepath.Join(d.cmd.Data, "keys.json"))
	if err != nil {
		return
	}
	curl := func(role api.Role, bank, what, line string) {
		fmt.Fprintf(os.Stderr, "  %-34s curl -sH 'Authorization: Bearer %s' %s\n", what, ids.Local(role, bank), line)
	}
	u, now := d.service.url, d.clock.now()
	day := func(i event.Instant) string { return i.Time().Format(time.DateOnly) }
	fmt.Fprintf(os.Stderr, "\nconsole %s/    API %s/docs    Kafka %s    ClickHouse %s\n\n", u, u, in.kafka, in.clickhouse)
	curl(api.Analyst, "", "analyst: newest alerts", "'"+u+"/v1/alerts?limit=3'")
	curl(api.Analyst, "", "hotline: a victim's report", fmt.Sprintf(`-H 'Content-Type: application/json' -d '{"id":"try-1","at":"%s","source":"96110","victim":{"phone":"13800000001"},"transfers":[{"payer_account":"6222000000000000001","payee_account":"6217000000000000009","payee_bank":"PCBC","amount":"1234.56","currency":"CNY","at":"%s"}]}' '%s/v1/reports'`, now, now, u))
	curl(api.Supervisor, "", "supervisor: what waits for a person", "'"+u+"/v1/duties?limit=5'")
	curl(api.Police, "", "police: newest cases, their amounts", "'"+u+"/v1/cases?limit=2'")
	curl(api.Analyst, "", "analyst: how patterns turned out", "'"+u+"/v1/patterns/statistics'")
	curl(api.Bank, "PCBC", "bank PCBC: its stops, long poll", "'"+u+"/v1/bank/stops?wait=30s'")
	curl(api.Police, "", "police: recovered funds", fmt.Sprintf("'%s/v1/statistics/recovery?from=%s&to=%s&by=fraud_type'", u, day(now), day(now.Add(365*24*time.Hour))))
	curl(api.Admin, "", "admin: held stops", "'"+u+"/v1/stops?state=held&limit=3'")
	fmt.Fprintln(os.Stderr)
}

// cityClock is the city's time: it stands still until it is started.
type cityClock struct {
	mu    sync.Mutex
	base  event.Instant
	speed float64
	began time.Time
}

func (c *cityClock) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = time.Now()
}

func (c *cityClock) now() event.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.began.IsZero() {
		return c.base
	}
	return c.base.Add(time.Duration(float64(time.Since(c.began)) * c.speed))
}

var _ stream.Clock = (*cityClock)(nil).now
