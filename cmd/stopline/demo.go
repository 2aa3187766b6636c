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
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"

	"stopline.internal/stream/kafka"

	"stopline.internal/api/access"
	"stopline.internal/api/center"
	"stopline.internal/cmd/stopline/city"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

type demoCmd struct {
	Servers
	Tuning
	Profiling
	Listen   string        `help:"Address of the API and the console." default:"127.0.0.1:8088"`
	Seed     uint64        `help:"The city's seed: the same seed makes the same city." default:"7"`
	Rate     float64       `help:"Events a second." default:"2000"`
	Duration time.Duration `help:"How long to run; 0: until Ctrl-C." default:"0"`
	Speed    float64       `help:"The city's clock, times the wall's: at 300 a minute shows five hours." default:"300"`
	Follow   int           `help:"How many accounts deep money is followed; 1: not beyond the account that the victim paid." default:"6"`
	Disk     int64         `help:"GiB that the data directory may take; then the city ends, and says so. 0: no bound." default:"10"`
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

	ids              *access.Identities
	beganAt, endedAt event.Instant // of the city: the live part of this run
	untold           untold
	draining         atomic.Bool
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
	fmt.Fprintln(os.Stderr, "starting Kafka and ClickHouse, inside this binary unless told otherwise, with their data "+
		"in", c.Data)
	c.keepBytes = keepBytes
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
		d.saved = saved{City: city.Config{Seed: d.cmd.Seed, Start: start, Rate: d.cmd.Rate / d.cmd.Speed},
			Speed: d.cmd.Speed, Position: start}
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(b, &d.saved); err != nil {
			return fmt.Errorf("%s: %w", d.path, err)
		}
		if s := &d.saved; s.City.Seed != d.cmd.Seed || s.Speed != d.cmd.Speed || s.City.Rate != d.cmd.Rate/d.cmd.Speed {
			return fmt.Errorf("%s holds a city with seed %d, rate %.0f and speed %.0f: go on with these, or choose another "+
				"directory with --data", d.cmd.Data, s.City.Seed, s.City.Rate*s.Speed, s.Speed)
		}
	}
	fmt.Fprintln(os.Stderr, "founding the city")
	d.city = city.New(d.saved.City)
	d.saved.City = d.city.Config()
	d.clock = &cityClock{at: d.saved.Position, speed: d.saved.Speed}
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

// cityCenter is whose papers and reports the simulated city's are.
var cityCenter = Center{Center: "贵阳市反诈中心（模拟）", Numbering: "筑反诈止"}

// start runs the service on the city's clock, and the city's banks.
func (d *demo) start(ctx context.Context, in *infra) error {
	ids, err := access.LocalIdentities(filepath.Join(d.cmd.Data, "keys.json"),
		append(slices.Clone(city.BankCodes), ownBank))
	if err != nil {
		return err
	}
	d.ids = ids
	limits := event.DefaultLimits
	limits.Past = 400 * 24 * time.Hour // the city has a past that is loaded first
	terms := law.Default
	terms.MaxHops = d.cmd.Follow
	terms.Respond = 30 * time.Minute // of the city, where a second of ours is minutes
	// A person works on their own time, whatever the city's.
	terms.Claim = time.Duration(float64(terms.Claim) * d.saved.Speed)
	d.service, err = start(ctx, in, plan{tuning: d.cmd.Tuning, roles: allRoles, pprof: d.cmd.Pprof, center: cityCenter,
		clock: d.clock.now, limits: limits,
		terms: terms, policy: scoring.DefaultPolicy, listen: d.cmd.Listen, identities: ids, observe: 25 * time.Millisecond,
		simulation: &center.Simulation{Speed: d.saved.Speed, Pace: d.clock.current}}, d.log)
	if err != nil {
		return err
	}
	d.banks = &city.Banks{City: d.city, URL: d.service.url, Keys: map[string]string{}, Sleep: d.clock.sleep,
		Log: d.log, Seen: d.watch.seen}
	for _, b := range city.BankCodes {
		d.banks.Keys[b] = ids.Local(access.Bank, b)
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
	live := d.cmd.Summary == "live"
	if !d.saved.History {
		bar := progressBar(int64(len(past)), "the city's past, read and scored", live, progressbar.OptionShowIts())
		show := func() { _ = bar.Set64(min(d.read(), int64(len(past)))) }
		for part := range slices.Chunk(past, 5000) {
			if err := d.write(ctx, part); err != nil {
				return err
			}
			show()
		}
		if err := d.settled(ctx, show); err != nil {
			return err
		}
		_ = bar.Finish()
		d.saved.History = true
		if err := d.save(); err != nil {
			return err
		}
	}
	if d.saved.Position > d.saved.City.Start {
		d.liveAgain(live)
	}
	d.sent, d.began = 0, time.Now()
	return nil
}

// liveAgain lets the city live what it lived before, without sending it: the same
// seed and the same holds make the same city.
func (d *demo) liveAgain(live bool) {
	from, to := d.saved.City.Start, d.saved.Position
	fmt.Fprintln(os.Stderr, "going on with the city of an earlier run, at", to)
	const slices = 200
	bar := progressBar(slices, "living again what the city has lived", live)
	for i := range int64(slices) {
		d.city.Advance(from.Add(to.Sub(from) * time.Duration(i+1) / slices))
		_ = bar.Add(1)
	}
	_ = bar.Finish()
}

// send writes documents of the present, whose way through the service is timed.
func (d *demo) send(ctx context.Context, docs []city.Doc) error {
	d.watch.produced(docs)
	return d.write(ctx, docs)
}

// write gives documents to Kafka as banks, telecoms and hotlines would.
func (d *demo) write(ctx context.Context, docs []city.Doc) error {
	topics := [...]string{city.Transfers: d.service.infra.topics.Transfers,
		city.Telecom: d.service.infra.topics.Telecom, city.Reports: d.service.infra.topics.Reports}
	msgs := make([]kafka.Message, len(docs))
	for i := range docs {
		msgs[i] = kafka.Message{Topic: topics[docs[i].Topic], Key: []byte(docs[i].Key), Value: docs[i].JSON}
	}
	if err := d.service.documents.Write(ctx, msgs...); err != nil {
		return err
	}
	d.sent += int64(len(docs))
	return nil
}

// read counts the documents that the service has read since it was started,
// those that it refused with them.
func (d *demo) read() int64 {
	return total(d.service.metrics.Events) + total(d.service.metrics.DeadLetters)
}

// stalled is how long the service may read and score nothing, with work to do,
// before a demo says that something is wrong.
const stalled = time.Minute

// settled waits until everything that was sent has been read and scored, and
// calls show meanwhile.
func (d *demo) settled(ctx context.Context, show func()) error {
	last, since, quiet := int64(-1), time.Now(), 0
	for {
		show()
		read, legs := d.read(), counter(d.service.metrics.Legs)
		if read+legs != last {
			last, since = read+legs, time.Now()
		}
		behind, known := d.service.lag.Behind("ingest", "score")
		if quiet++; read < d.sent || behind > 0 || !known || time.Since(since) < 200*time.Millisecond {
			quiet = 0
		}
		if quiet >= 5 { // the observer has looked since
			return nil
		}
		if time.Since(since) > stalled {
			return fmt.Errorf("the service has read %d of %d events and stands still: see stopline.log in the data "+
				"directory", read, d.sent)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// live lets the city's time pass, until the duration is over or Ctrl-C, or until
// the disk's bound is reached.
func (d *demo) live(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	d.historyRead = total(d.service.metrics.Events)
	before := d.read()
	wg.Go(func() { d.watch.alerts(work, d) })
	wg.Go(func() { d.banks.Unanswered(work); d.banks.Run(work) })
	if d.cmd.Summary == "live" {
		wg.Go(func() { d.display(work) })
	}
	if d.cmd.Duration > 0 {
		var timeout context.CancelFunc
		ctx, timeout = context.WithTimeout(ctx, d.cmd.Duration)
		defer timeout()
	}
	d.clock.allow(d.saved.Position)
	d.clock.run(d.saved.Speed)
	d.began, d.beganAt = time.Now(), d.clock.now()
	if err := d.days(ctx, work); err != nil {
		return err
	}
	d.ended, d.endedAt = time.Now(), d.clock.now()
	d.draining.Store(true)
	if d.cmd.Summary == "live" {
		fmt.Fprintln(os.Stderr, "\ndraining: what was sent is scored, and the banks give their last answers (Ctrl-C "+
			"again leaves at once)")
	}
	d.clock.allow(0)
	d.clock.run(d.saved.Speed)
	d.sent += before
	if err := d.settled(work, func() {}); err != nil {
		return err
	}
	return d.answered(20 * time.Second)
}

// days sends what happens in the city as its clock runs, until ctx ends.
func (d *demo) days(ctx, work context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	full := d.watchDisk(work)
	lastSave, lastLook := time.Now(), time.Now()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case err := <-full:
			fmt.Fprintln(os.Stderr, "\n"+err.Error())
			running = false
		case <-tick.C:
		}
		to, asked := d.clock.now(), time.Now()
		d.clock.allow(to.Add(time.Duration(float64(step) * d.saved.Speed)))
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
		if time.Since(lastLook) >= look {
			lastLook = time.Now()
			d.clock.run(paceFor(d.clock.current(), d.saved.Speed, max(d.behind(), time.Since(asked))))
		}
	}
	return nil
}

// behind is how long the service keeps the city waiting: a document that is not
// scored, a stop that its bank has not been notified of, or books that are far behind.
func (d *demo) behind() time.Duration {
	scored, _ := d.service.lag.Behind("ingest", "score")
	books, _ := d.service.lag.Behind("warehouse")
	return max(scored, books-time.Minute, d.untold.oldest(d.service.ledger, time.Now()))
}

// untold are the stops that the simulated banks have not taken yet.
type untold struct {
	since map[string]time.Time // by bank's oldest stop
}

// tooLong is when a bank that does not take its stop is no reason to wait any
// more: it is the bank that has failed.
const tooLong = 20 * time.Second

func (u *untold) oldest(l *ledger.Ledger, now time.Time) (d time.Duration) {
	first := map[string]time.Time{}
	for _, bank := range city.BankCodes {
		stops, _ := l.Waiting(bank, 1)
		if len(stops) == 0 || stops[0].State != stop.Requested {
			continue
		}
		id := stops[0].ID
		at, ok := u.since[id]
		if !ok {
			at = now
		}
		first[id] = at
		if waits := now.Sub(at); waits < tooLong {
			d = max(d, waits)
		}
	}
	u.since = first
	return d
}

// answered waits until the banks have answered every stop, with no more money
// moving: the city stands still.
func (d *demo) answered(most time.Duration) error {
	quiet := 0
	for end := time.Now().Add(most); time.Now().Before(end) && quiet < 10; time.Sleep(50 * time.Millisecond) {
		open := 0
		for _, state := range []stop.State{stop.Requested, stop.Acknowledged, stop.Undelivered} {
			stops, _ := d.service.ledger.List(ledger.Filter{State: state, Limit: 1})
			open += len(stops)
		}
		if quiet++; open > 0 {
			quiet = 0
		}
	}
	return nil
}
