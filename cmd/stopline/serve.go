package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/bank"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
)

type serveCmd struct {
	Servers
	Tuning
	Listening
	Profiling
	Roles []string `help:"Which roles this process has: ${enum}." enum:"ingest,score,dispatch,warehouse,api" default:"ingest,score,dispatch,warehouse,api"`
	Keys  string   `help:"File of identities and their keys (\"stopline keys new\" makes them); without it DATA/keys.json." type:"existingfile"`
	Register
	Center
	MaxAge time.Duration `help:"How old an event may be." default:"168h"`
	Law
	Lateness           time.Duration `help:"How long after a payment a call, message or SIM change may still complete its pattern." default:"2h"`
	StopsAnHour        int64         `help:"Automatic stops in an hour, of all patterns together; above it they wait for a person until one lifts the brake. 0: no bound." default:"2000"`
	YuanAnHour         int64         `help:"The same by amount." default:"200000000"`
	PatternStopsAnHour int64         `help:"Automatic stops in an hour of one pattern that names no budget of its own. 0: no bound." default:"1000"`
	PatternYuanAnHour  int64         `help:"The same by amount." default:"100000000"`
	Banks              string        `help:"File of the banks' endpoints for webhooks: JSON, a list of bank, url, secrets (docs/banks.md). Without it banks fetch their stops." type:"existingfile"`
	ScreeningDeadline  time.Duration `help:"How long a screening may take; then its answer is the default." default:"300ms"`
	ScreeningDefault   string        `help:"What a screening answers after its deadline: allow, hold or stop." enum:"allow,hold,stop" default:"allow"`
}

// Center is who issues papers and reports.
type Center struct {
	Center    string `help:"The center's name, for papers and reports, such as 贵阳市反诈中心." placeholder:"NAME"`
	Numbering string `help:"What the numbers of its papers begin with: 筑反诈止 makes 筑反诈止〔2026〕第 1 号." default:"反诈止" placeholder:"WORDS"`
}

// Law is what a center may ask for and how long things may take. The defaults
// are China's, each with its source where stopline's ledger defines it.
type Law struct {
	AutoLimit    int64         `help:"Yuan up to which a stop goes out without a person's approval." default:"500000"`
	RespondIn    time.Duration `help:"How long a bank has to answer before a person is called." default:"1m"`
	Hold         time.Duration `help:"How long a stop holds money, from the moment it took effect (China: 48 hours)." default:"48h"`
	Stops        int           `help:"How many such terms one account may be stopped for in a case (China: 2)." default:"2"`
	Freeze       time.Duration `help:"How long a freeze lasts; it may be renewed (China: 6 months)." default:"4392h"`
	Announce     time.Duration `help:"How long a return in proportion is announced for objections (China: 30 days)." default:"720h"`
	ReturnDays   int           `help:"Working days that a bank has to pay back (China: 3)." default:"3"`
	Holidays     string        `help:"Calendar of holidays: JSON as store/ledger/law/calendar.json; the built-in one knows the years that the State Council has published." type:"existingfile"`
	AppealIn     time.Duration `help:"How long the appeal desk has to decide." default:"24h"`
	VisitIn      time.Duration `help:"How long a dissuasion visit may take before it goes up a level." default:"30m"`
	FollowHops   int           `help:"How many accounts deep money is followed." default:"6"`
	FollowStops  int           `help:"How many stops a case's trail may have." default:"500"`
	FollowFrom   int64         `help:"Yuan below which a part of the money is not followed." default:"100"`
	TinyReport   int64         `help:"Yuan below which a report alone stops nothing before a person has looked." default:"200"`
	ReportsMonth int           `help:"Reports by one account in 30 days from which on a person looks first." default:"4"`
}

func (l *Law) terms() (law.Terms, error) {
	t := law.Default
	t.AutoLimit, t.Respond, t.Hold, t.Stops, t.Freeze, t.Announce, t.ReturnDays = l.AutoLimit*100, l.RespondIn, l.Hold, l.Stops, l.Freeze, l.Announce, l.ReturnDays
	t.Appeal, t.Visit, t.MaxHops, t.MaxStops, t.MinTrace, t.Tiny, t.Reporter = l.AppealIn, l.VisitIn, l.FollowHops, l.FollowStops, l.FollowFrom*100, l.TinyReport*100, l.ReportsMonth
	if l.Holidays == "" {
		return t, nil
	}
	b, err := os.ReadFile(l.Holidays)
	if err != nil {
		return t, fmt.Errorf("read the holidays: %w", err)
	}
	t.Calendar, err = law.ParseCalendar(b)
	return t, err
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context) error {
	log := logTo(os.Stderr)
	var cert *keyPair
	var ids *access.Identities
	banks, err := c.banks()
	if err != nil {
		return err
	}
	if slices.Contains(c.Roles, roleAPI) {
		if cert, err = c.keyPair(log); err != nil {
			return err
		}
		if ids, err = c.identities(banks, log); err != nil {
			return err
		}
	}
	in, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer in.close(log)
	limits := event.DefaultLimits
	limits.Past = c.MaxAge
	terms, err := c.terms()
	if err != nil {
		return err
	}
	var endpoints []stream.Endpoint
	if c.Banks != "" {
		if endpoints, err = stream.LoadEndpoints(c.Banks); err != nil {
			return err
		}
	}
	s, err := start(ctx, in, plan{endpoints: endpoints, tuning: c.Tuning, roles: c.Roles, clock: wallClock,
		pprof: c.Pprof, limits: limits,
		screening: bank.Screening{Deadline: c.ScreeningDeadline, Default: c.ScreeningDefault},
		terms:     terms, policy: c.policy(), listen: c.Listen, keyPair: cert, identities: ids,
		center: c.Center, banks: banks.Banks}, log)
	if err != nil {
		return err
	}
	log.Info("stopline serves", "version", version, "roles", strings.Join(c.Roles, ","), "url", s.url,
		"kafka", in.kafka, "clickhouse", in.clickhouse)
	if s.url != "" {
		fmt.Fprintf(os.Stderr, "console %s/    API %s/docs\n", s.url, s.url)
	}
	select {
	case <-ctx.Done():
		log.Info("draining: press Ctrl-C again to leave at once")
	case <-s.ctx.Done(): // a loop has ended, which none may
		err = context.Cause(s.ctx)
		log.Error("leaving, since a part of the service does not work any more", "err", err)
	}
	s.stop()
	if err != nil {
		return err
	}
	return printSummary(s.figures())
}

func (c *serveCmd) policy() scoring.Policy {
	p := scoring.DefaultPolicy
	p.Lateness = c.Lateness
	p.ServiceBudget = scoring.Budget{Stops: c.StopsAnHour, Minor: c.YuanAnHour * 100}
	p.PatternBudget = scoring.Budget{Stops: c.PatternStopsAnHour, Minor: c.PatternYuanAnHour * 100}
	return p
}

// identities are the keys that the API accepts. None are made here: a service
// that hands itself an admin's key has one that nobody asked for.
func (c *serveCmd) identities(banks access.Register, log *slog.Logger) (*access.Identities, error) {
	path := cmp.Or(c.Keys, filepath.Join(c.Data, "keys.json"))
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the API has no keys, and nobody could use it: make the first with "+
			"\"stopline keys new --name NAME --role admin --file %s\", or keys for a trial with \"stopline keys local "+
			"--data %s\", or name a file with --keys", path, c.Data)
	}
	ids, err := banks.LoadIdentities(path)
	if err != nil {
		return nil, err
	}
	log.Info("keys are read", "file", path, "keys", ids.Len())
	if n := ids.InClear(); n > 0 {
		log.Warn("keys lie in clear in this file: they are for a trial", "file", path, "keys", n)
	}
	return ids, nil
}

func wallClock() event.Instant { return event.InstantOf(time.Now()) }

// serveSummary is the last line of serve.
type serveSummary struct {
	Events      int64  `json:"events"`
	DeadLetters int64  `json:"dead_letters"`
	Legs        int64  `json:"legs"`
	Cases       int    `json:"cases"`
	Stops       int    `json:"stops"`
	Held        string `json:"held"`
}

func (s *service) figures() serveSummary {
	f := s.ledger.Totals()
	return serveSummary{Events: total(s.metrics.Events), DeadLetters: total(s.metrics.DeadLetters),
		Legs:  counter(s.metrics.Legs),
		Cases: f.Cases, Stops: f.Stops, Held: event.Money{Minor: f.HeldMinor, Currency: event.CNY}.Decimal()}
}

type migrateCmd struct {
	Servers
}

// Run applies the migrations that are new.
func (c *migrateCmd) Run(ctx context.Context) error {
	log := logTo(os.Stderr)
	in, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer in.close(log)
	w, err := warehouse.Open(ctx, in.options)
	if err != nil {
		return err
	}
	log.Info("the schema is up to date", "clickhouse", in.clickhouse)
	if err := printSummary(map[string]any{"migrated": true}); err != nil {
		return err
	}
	return w.Close()
}
