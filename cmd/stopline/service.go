package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"stopline.internal/api"
	"stopline.internal/api/access"
	"stopline.internal/api/bank"
	"stopline.internal/api/center"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/state"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// Tuning is how the service scores.
type Tuning struct {
	Patterns         string        `help:"Catalogue of patterns, YAML; the built-in one without it." type:"existingfile"`
	Hot              int           `help:"Accounts and numbers kept hot in each partition; about 1,000 bytes of heap each, 2 to 3 KB of the process." default:"500000"`
	Checkpoint       time.Duration `help:"How often the scoring state is written to the disk: how much is scored again after a crash." default:"5s"`
	RemoteCheckpoint time.Duration `help:"How often it is written to ClickHouse, for other machines." default:"1m"`
	StateCache       int64         `help:"Memory for states that are not hot, in MiB." default:"256"`
	Country          string        `help:"Country of telephone numbers without a country code (ISO 3166)." default:"CN"`
}

// catalogue reads the patterns that the service starts with.
func (t *Tuning) catalogue() (*scoring.Catalogue, error) {
	if t.Patterns == "" {
		return scoring.ParseCatalogue("the built-in catalogue", scoring.DefaultCatalogue)
	}
	text, err := os.ReadFile(t.Patterns)
	if err != nil {
		return nil, fmt.Errorf("read the patterns: %w", err)
	}
	return scoring.ParseCatalogue(t.Patterns, text)
}

// The roles of a process.
const (
	roleIngest    = "ingest"
	roleScore     = "score"
	roleDispatch  = "dispatch"
	roleWarehouse = "warehouse"
	roleAPI       = "api"
)

var allRoles = []string{roleIngest, roleScore, roleDispatch, roleWarehouse, roleAPI}

// plan is what a service is made of.
type plan struct {
	tuning Tuning
	roles  []string
	states string // directory of the scoring states; empty: the process's
	clock  stream.Clock
	limits event.Limits
	terms  law.Terms
	policy scoring.Policy
	listen string
	pprof  string // address of Go's profiles; empty: none
	// keyPair is what the API serves TLS with; nil is plain HTTP.
	keyPair    *keyPair
	identities *access.Identities
	center     Center
	banks      *event.Banks // that are known; nil: those that come with the program
	screening  bank.Screening
	endpoints  []stream.Endpoint // of banks that are called
	sending    delivery.Policy
	observe    time.Duration                   // how often the lag is measured; 0: each second
	simulation *center.Simulation              // of a city; nil: the service works on real time
	wrap       func(http.Handler) http.Handler // stands before the API; nil: nothing does
}

// service is a running service.
type service struct {
	infra     *infra
	url       string
	metrics   *stream.Metrics
	registry  *prometheus.Registry
	engine    *scoring.Engine
	ledger    *ledger.Ledger
	log       *stream.LedgerLog
	rules     *stream.Rules
	book      *scoring.Rulebook
	deps      stream.Deps
	dispatch  *stream.Dispatch
	lag       *stream.LagObserver
	documents *kafka.Producer
	warehouse *warehouse.Warehouse
	migrated  chan struct{} // closed once ClickHouse has the schema of this version
	states    *state.Cache
	server    *http.Server
	loops     *errgroup.Group
	ctx       context.Context // of the loops; it ends when one fails
	cancel    context.CancelFunc
	logger    *slog.Logger
}

// start wires the rooms together and begins to work.
func start(ctx context.Context, in *infra, p plan, log *slog.Logger) (_ *service, err error) {
	catalogue, err := p.tuning.catalogue()
	if err != nil {
		return nil, err
	}
	p.policy.Trail = scoring.Trail{MaxHops: p.terms.MaxHops, Min: p.terms.MinTrace}
	s := &service{infra: in, registry: prometheus.NewRegistry(), logger: log,
		documents: stream.NewDocuments(in.cluster), book: scoring.NewRulebook(),
		engine: scoring.NewEngine(catalogue, p.policy, in.topics.Partitions), ledger: ledger.New(p.terms)}
	s.registry.MustRegister(collectors.NewGoCollector(), buildGauge(thisBuild()),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.metrics = stream.NewMetrics(s.registry)
	if s.warehouse, err = warehouse.Connect(in.options); err != nil {
		return nil, errors.Join(err, s.documents.Close())
	}
	s.migrated, s.states = make(chan struct{}), state.NewCache(cmp.Or(p.tuning.StateCache, 64)<<20)
	s.deps = stream.Deps{Cluster: in.cluster, Topics: in.topics, Documents: s.documents, Clock: p.clock, Log: log,
		Metrics: s.metrics}
	loopCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.loops, s.ctx = errgroup.WithContext(loopCtx)
	if err := errors.Join(s.schema(ctx), s.profiles(p.pprof), s.runRoles(p, catalogue)); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// run begins a loop, which works until the service stops. One that ends before takes
// the service with it: what does not work must not look as if it did.
func (s *service) run(name string, f func(context.Context) error) {
	s.loops.Go(func() error {
		err := f(s.ctx)
		if s.ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = errors.New("it ended by itself")
		}
		return fmt.Errorf("%s: %w", name, err)
	})
}

// alive says why the service does not work any more, if so.
func (s *service) alive() error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return nil
}

// runRoles makes the loops of the plan's roles, and begins them.
func (s *service) runRoles(p plan, catalogue *scoring.Catalogue) (err error) {
	has := func(roles ...string) bool {
		return slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(p.roles, r) })
	}
	if p.banks == nil {
		p.banks = event.BuiltInBanks()
	}
	parser := &event.Parser{Limits: p.limits, Numbers: event.NewNumbers(p.tuning.Country), Banks: p.banks,
		Unknown: s.metrics.Unknown.Count,
		Strange: func(kind, field string) { s.metrics.Strange.WithLabelValues(kind, field).Inc() }}
	t := &s.infra.topics
	s.lag = stream.NewLagObserver(s.infra.cluster, s.metrics, cmp.Or(p.observe, time.Second), s.logger,
		stream.Watched{Loop: "ingest", Group: s.group(roleIngest), Topics: t.Sources()},
		stream.Watched{Loop: "score", Group: s.group(roleScore), Topics: []string{t.Legs}},
		stream.Watched{Loop: "warehouse", Group: s.group(roleWarehouse), Topics: t.BookTopics()})
	s.run("lag", s.lag.Run)
	if s.log, err = stream.NewLedgerLog(s.deps, s.ledger); err != nil {
		return err
	}
	if s.rules, err = stream.NewRules(s.deps, s.book); err != nil {
		return err
	}
	if has(roleDispatch, roleAPI) {
		s.run("ledger", s.log.Run)
	}
	if has(roleScore, roleAPI) {
		s.run("controls", s.rules.Run)
	}
	for _, role := range []struct {
		name string
		run  func() error
	}{
		{roleDispatch, func() error { return s.runDispatch(p) }},
		{roleScore, func() error { return s.runScore(p, catalogue) }},
		{roleWarehouse, func() error { return s.runWarehouse(p) }},
		{roleIngest, func() error { return s.runIngest(parser) }},
		{roleAPI, func() error { return s.runAPI(p, parser) }},
	} {
		if has(role.name) {
			if err := role.run(); err != nil {
				return err
			}
		}
	}
	if s.infra.engineDone != nil {
		s.run("embedded ClickHouse", s.infra.engineEnds)
	}
	return nil
}

// group is the id of a role's consumer group.
func (s *service) group(role string) string { return groupPrefix(s.infra.topics) + role }

func (s *service) runDispatch(p plan) (err error) {
	s.dispatch, err = stream.NewDispatch(s.deps,
		stream.Dispatching{Group: s.group(roleDispatch), Record: s.log, Ledger: s.ledger,
			Endpoints: p.endpoints, Policy: p.sending, Envelope: wire.Envelope})
	if err != nil {
		return err
	}
	s.run("deadlines", s.log.Deadlines)
	s.run(roleDispatch, s.dispatch.Run)
	return nil
}

func (s *service) runScore(p plan, catalogue *scoring.Catalogue) error {
	score, err := stream.NewScore(s.deps, stream.Scoring{Group: s.group(roleScore), Engine: s.engine, Terms: p.terms,
		States: states{s.warehouse, s.migrated}, Hot: p.tuning.Hot, Data: cmp.Or(p.states, s.infra.data), Cache: s.states,
		Checkpoint: p.tuning.Checkpoint, Remote: cmp.Or(p.tuning.RemoteCheckpoint, p.tuning.Checkpoint)})
	if err != nil {
		return err
	}
	s.loops.Go(func() error { return s.publish(s.ctx, catalogue, p.tuning.Patterns) })
	s.run(roleScore, score.Run)
	return nil
}

func (s *service) runWarehouse(p plan) error {
	sink, err := stream.NewSink(s.deps, s.group(roleWarehouse), s.warehouse, p.terms)
	if err != nil {
		return err
	}
	s.run(roleWarehouse, func(ctx context.Context) error {
		select {
		case <-s.migrated:
			return sink.Run(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	return nil
}

func (s *service) runIngest(parser *event.Parser) error {
	ingest, err := stream.NewIngest(s.deps, s.group(roleIngest), parser)
	if err != nil {
		return err
	}
	s.run(roleIngest, ingest.Run)
	return nil
}

func (s *service) runAPI(p plan, parser *event.Parser) error {
	screener, err := stream.NewScreener(s.deps)
	if err != nil {
		return err
	}
	alerts, err := stream.NewAlerts(s.deps)
	if err != nil {
		return err
	}
	letters, err := stream.NewDeadLetters(s.deps)
	if err != nil {
		return err
	}
	s.run("screenings", screener.Run)
	s.run("alerts", alerts.Run)
	log, err := stream.NewBookLog(s.deps, s.warehouse, p.terms)
	if err != nil {
		return err
	}
	handler, err := api.New(api.Dependencies{
		Version: thisBuild().String(), Center: p.center.Center, Numbering: p.center.Numbering,
		Partitions: s.infra.topics.Partitions,
		Ledger:     s.ledger, Log: s.log, Rules: s.rules, Book: s.book, Intake: intake{s.documents, s.infra.topics},
		Backtest: s.backtest(p), DeadLetters: deadLetters{letters}, Screener: screener, Watcher: alerts,
		Screening: cmp.Or(p.screening, bank.DefaultScreening),
		Warehouse: &verifiedBooks{Warehouse: s.warehouse, log: log}, Identities: p.identities, Banks: p.banks,
		Parser: parser, Clock: p.clock, Ready: s.ready, Alive: s.alive, Simulation: p.simulation,
		Metrics: promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}), Logger: s.logger,
	})
	if err != nil {
		return err
	}
	if p.wrap != nil {
		handler = p.wrap(handler)
	}
	return s.serve(s.ctx, p.listen, p.keyPair, handler)
}

// publish gives every partition the catalogue of the start, and of a file
// whenever that changes.
func (s *service) publish(ctx context.Context, c *scoring.Catalogue, file string) error {
	by := stream.BuiltIn
	if file != "" {
		by = filepath.Base(file)
	}
	if err := s.rules.Publish(ctx, c, by); err != nil && ctx.Err() == nil {
		s.logger.Error("the catalogue could not be published; partitions go on with the one that they have", "err", err)
	}
	if file == "" {
		return nil
	}
	last := c.Text
	return watchFiles(ctx, s.logger, func() { last = s.republish(ctx, file, last) }, file)
}

// republish publishes a catalogue file that has changed and can be used, and
// returns its text. One that cannot is named with everything that is wrong in it,
// and what was in force stays.
func (s *service) republish(ctx context.Context, file, last string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		s.logger.Error("the catalogue cannot be read; what was in force stays", "file", file, "err", err)
		return last
	}
	if string(text) == last {
		return last
	}
	c, err := scoring.ParseCatalogue(file, text)
	if err != nil {
		s.logger.Error("the catalogue cannot be used; what was in force stays", "err", err)
	} else if err := s.rules.Publish(ctx, c, filepath.Base(file)); err != nil {
		s.logger.Error("the catalogue could not be published", "file", file, "err", err)
		return last
	}
	return string(text)
}

func groupPrefix(t stream.Topics) string {
	return strings.TrimSuffix(t.Legs, "stopline.legs") + "stopline."
}

// ready says what is missing for work.
func (s *service) ready(ctx context.Context) error {
	select {
	case <-s.log.Ready():
	default:
		return errors.New("the ledger is still being read from its log")
	}
	if !isClosed(s.migrated) {
		return errNoSchema
	}
	if err := s.warehouse.Ping(ctx); err != nil {
		return fmt.Errorf("ClickHouse does not answer: %w", err)
	}
	if _, err := s.infra.cluster.Ends(ctx, map[string][]int{s.infra.topics.Legs: {0}}); err != nil {
		return fmt.Errorf("kafka does not answer: %w", err)
	}
	if failing := s.lag.Failing(failingFor); len(failing) > 0 {
		return fmt.Errorf("%d partitions do not work: %s", len(failing), strings.Join(failing[:min(3, len(failing))], "; "))
	}
	return nil
}

// failingFor is how long a partition may be tried again before the service is not
// ready.
const failingFor = 3 * time.Second

// drainTime is how long the loops have to end.
const drainTime = 30 * time.Second

// stop drains: the loops finish their batch, write what they know, commit and
// leave.
func (s *service) stop() {
	if s.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		go func() { time.Sleep(200 * time.Millisecond); s.cancel() }() // ends the long polls
		if err := s.server.Shutdown(ctx); err != nil {
			_ = s.server.Close()
		}
		cancel()
	}
	s.cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.loops.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			s.logger.Error("a loop ended with an error", "err", err)
		}
	case <-time.After(drainTime):
		s.logger.Error("some loops have not ended; leaving without them: what they had not committed is done again",
			"after", drainTime)
	}
	if err := errors.Join(s.documents.Close(), s.warehouse.Close()); err != nil {
		s.logger.Error("closing", "err", err)
	}
	s.states.Close()
}
