package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stopline/api"
	"stopline/scoring"
	"stopline/store/ledger"
	"stopline/store/warehouse"
	"stopline/stream"
	"stopline/stream/event"
)

type serveCmd struct {
	Servers
	Tuning
	Listen             string        `help:"Address of the API and the console." default:"127.0.0.1:8088"`
	Roles              []string      `help:"Which roles this process has: ${enum}." enum:"ingest,score,dispatch,warehouse,api" default:"ingest,score,dispatch,warehouse,api"`
	Keys               string        `help:"File of identities and their keys; without it local keys are made in the data directory." type:"existingfile"`
	MaxAge             time.Duration `help:"How old an event may be." default:"168h"`
	AutoLimit          int64         `help:"Yuan up to which a stop goes out without a person's approval." default:"500000"`
	RespondIn          time.Duration `help:"How long a bank has to answer before a person is called." default:"1m"`
	Hold               time.Duration `help:"How long a stop holds money, from the moment it took effect (China: 48 hours)." default:"48h"`
	Lateness           time.Duration `help:"How long after a payment a call, message or SIM change may still complete its pattern." default:"2h"`
	StopsAnHour        int64         `help:"Automatic stops in an hour, of all patterns together; above it they wait for a person until one lifts the brake. 0: no bound." default:"2000"`
	YuanAnHour         int64         `help:"The same by amount." default:"200000000"`
	PatternStopsAnHour int64         `help:"Automatic stops in an hour of one pattern that names no budget of its own. 0: no bound." default:"1000"`
	PatternYuanAnHour  int64         `help:"The same by amount." default:"100000000"`
	LocalBanks         []string      `help:"Banks to make local keys for." default:"ABOC,BKCH,COMM,ICBK,PCBC,PSBC"`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context) error {
	log := logTo(os.Stderr)
	ids, err := c.identities()
	if err != nil {
		return err
	}
	in, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer in.close(log)
	limits := event.DefaultLimits
	limits.Past = c.MaxAge
	terms := ledger.DefaultTerms
	terms.AutoLimit, terms.Respond, terms.Hold = c.AutoLimit*100, c.RespondIn, c.Hold
	s, err := start(ctx, in, plan{tuning: c.Tuning, roles: c.Roles, clock: wallClock, limits: limits, terms: terms, policy: c.policy(), listen: c.Listen, identities: ids}, log)
	if err != nil {
		return err
	}
	log.Info("stopline serves", "roles", strings.Join(c.Roles, ","), "url", s.url, "kafka", in.kafka, "clickhouse", in.clickhouse)
	failed := make(chan error, 1)
	go func() { failed <- s.loops.Wait() }()
	select {
	case <-ctx.Done():
		log.Info("draining: press Ctrl-C again to leave at once")
		err = nil
	case err = <-failed:
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

func (c *serveCmd) identities() (*api.Identities, error) {
	if !slices.Contains(c.Roles, roleAPI) {
		return nil, nil
	}
	if c.Keys != "" {
		return api.LoadIdentities(c.Keys)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, err
	}
	return api.LocalIdentities(filepath.Join(c.Data, "keys.json"), c.LocalBanks)
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
	f := s.ledger.Figures()
	return serveSummary{Events: total(s.metrics.Events), DeadLetters: total(s.metrics.DeadLetters), Legs: counter(s.metrics.Legs),
		Cases: f.Cases, Stops: f.Stops, Held: event.Money{Minor: f.HeldMinor, Currency: event.CNY}.Decimal()}
}

type topicsCmd struct {
	Kafka       string `help:"The Kafka to make them in." required:"" placeholder:"HOST:PORT"`
	TopicPrefix string `help:"Put this before the name of every topic."`
	Partitions  int    `help:"Partitions of each topic." default:"2"`
}

// Run creates the missing topics.
func (c *topicsCmd) Run(ctx context.Context) error {
	topics := stream.TopicsWithPrefix(c.TopicPrefix)
	topics.Partitions = c.Partitions
	if err := topics.Ensure(ctx, c.Kafka); err != nil {
		return err
	}
	for _, t := range topics.Configs() {
		fmt.Fprintf(os.Stderr, "%-32s %d partitions", t.Topic, t.NumPartitions)
		for _, e := range t.ConfigEntries {
			fmt.Fprintf(os.Stderr, "  %s=%s", e.ConfigName, e.ConfigValue)
		}
		fmt.Fprintln(os.Stderr)
	}
	return printSummary(map[string]any{"topics": len(topics.Configs())})
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

type keysCmd struct {
	New keysNewCmd `cmd:"" help:"Make a key: it is shown once, and its entry for the keys file."`
}

type keysNewCmd struct {
	Name string `help:"Whose it is." required:""`
	Role string `help:"analyst, supervisor, bank, police or admin." enum:"analyst,supervisor,bank,police,admin" required:""`
	Bank string `help:"The bank's code, for the role bank." placeholder:"ICBK"`
}

// Run prints a key and its entry.
func (c *keysNewCmd) Run() error {
	if (c.Role == string(api.Bank)) != (c.Bank != "") {
		return fmt.Errorf("--bank CODE goes with --role bank, and only with it")
	}
	key, id := api.NewKey(c.Name, api.Role(c.Role), c.Bank)
	fmt.Fprintln(os.Stderr, "give this key to its owner; it is not shown again:", key)
	return printSummary(id)
}
