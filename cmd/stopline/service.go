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
	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"stopline.internal/api"
	"stopline.internal/api/access"
	"stopline.internal/api/bank"
	"stopline.internal/api/center"
	"stopline.internal/api/wire"
	"stopline.internal/cmd/stopline/backtest"
	"stopline.internal/scoring"
	"stopline.internal/store/embedded"
	"stopline.internal/store/ledger"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream"
	"stopline.internal/stream/broker"
	"stopline.internal/stream/event"
)

// Servers say where Kafka and ClickHouse are: inside the binary unless told
// otherwise.
type Servers struct {
	Data               string `help:"Directory of the embedded servers' data. It belongs to one process at a time." default:"./data" type:"path"`
	Kafka              string `help:"Use this Kafka (HOST:PORT,…) in place of the embedded one." placeholder:"HOST:PORT"`
	KafkaPort          int    `help:"Port of the embedded Kafka; 0 takes a free one." default:"0"`
	Clickhouse         string `help:"Use this ClickHouse (HOST:PORT of the native protocol) in place of the embedded one." placeholder:"HOST:PORT"`
	ClickhouseUser     string `help:"User of --clickhouse." default:"default"`
	ClickhousePassword string `help:"Password of --clickhouse." env:"STOPLINE_CLICKHOUSE_PASSWORD"`
	ClickhousePort     int    `help:"Native port of the embedded ClickHouse; 0 takes a free one." default:"0"`
	ClickhouseHTTPPort int    `help:"HTTP port of the embedded ClickHouse; 0 takes a free one." default:"0"`
	TopicPrefix        string `help:"Put this before the name of every topic and group."`
	keepBytes          int64  // of what is read once in Kafka; 0: as long as its days
	Partitions         int    `help:"Partitions of the topics that are made. An account's history lives in its partition: it cannot be changed later." default:"2"`
}

// Tuning is how the service scores.
type Tuning struct {
	Patterns   string        `help:"Catalogue of patterns, YAML; the built-in one without it." type:"existingfile"`
	Hot        int           `help:"Accounts and numbers kept hot in each partition; about 1,000 bytes of heap each, 2 to 3 KB of the process." default:"500000"`
	Checkpoint time.Duration `help:"How often the scoring state is written to ClickHouse: how much is scored again after a crash." default:"5s"`
	Country    string        `help:"Country of telephone numbers without a country code (ISO 3166)." default:"CN"`
}

// infra are the servers that a command works with, and how to leave them.
type infra struct {
	kafka, clickhouse string
	topics            stream.Topics
	options           warehouse.Options
	closers           []func() error
	engineDone        <-chan struct{}
}

// open starts the embedded servers that are needed, and makes the topics.
func (s *Servers) open(ctx context.Context, log *slog.Logger) (*infra, error) {
	in := &infra{kafka: s.Kafka, clickhouse: s.Clickhouse, topics: stream.TopicsWithPrefix(s.TopicPrefix)}
	in.topics.Partitions, in.topics.KeepBytes = s.Partitions, s.keepBytes
	in.options = warehouse.Options{Addr: s.Clickhouse, User: s.ClickhouseUser, Password: s.ClickhousePassword}
	err := s.openKafka(ctx, in, log)
	if err == nil {
		err = s.openClickHouse(ctx, in, log)
	}
	if err != nil {
		in.close(log)
		return nil, err
	}
	return in, nil
}

func (s *Servers) openKafka(ctx context.Context, in *infra, log *slog.Logger) error {
	if in.kafka == "" {
		b, err := broker.Start(ctx, filepath.Join(s.Data, "kafka"), s.KafkaPort)
		if err != nil {
			return err
		}
		in.kafka = b.Addr()
		in.closers = append(in.closers, b.Close)
		log.Info("embedded Kafka listens", "addr", in.kafka)
	}
	return in.topics.Ensure(ctx, in.kafka)
}

func (s *Servers) openClickHouse(ctx context.Context, in *infra, log *slog.Logger) error {
	if in.clickhouse != "" {
		return nil
	}
	e, err := embedded.Start(ctx, embedded.Options{Dir: filepath.Join(s.Data, "clickhouse"), Port: s.ClickhousePort, HTTPPort: s.ClickhouseHTTPPort, Log: log})
	if err != nil {
		return err
	}
	in.clickhouse = e.Addr()
	in.options = warehouse.Options{Addr: e.Addr(), Embedded: true}
	in.engineDone = e.Done()
	in.closers = append(in.closers, e.Close)
	log.Info("embedded ClickHouse listens", "addr", in.clickhouse, "http", e.HTTPAddr())
	return nil
}

func (in *infra) close(log *slog.Logger) {
	for _, c := range slices.Backward(in.closers) {
		if err := c(); err != nil {
			log.Error("closing", "err", err)
		}
	}
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
	clock  stream.Clock
	limits event.Limits
	terms  ledger.Terms
	policy scoring.Policy
	listen string
	// keyPair is what the API serves TLS with; nil is plain HTTP.
	keyPair    *keyPair
	identities *access.Identities
	center     Center
	banks      *event.Banks // that are known; nil: those that come with the program
	screening  bank.Screening
	endpoints  []stream.Endpoint // of banks that are called
	courier    ledger.CourierPolicy
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
	dispatch  *stream.Dispatch
	lag       *stream.LagObserver
	producer  *stream.Producer
	warehouse *warehouse.Warehouse
	server    *http.Server
	loops     *errgroup.Group
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
	s := &service{infra: in, registry: prometheus.NewRegistry(), producer: stream.NewProducer(in.kafka), logger: log,
		engine: scoring.NewEngine(catalogue, p.policy, in.topics.Partitions), ledger: ledger.New(p.terms)}
	s.registry.MustRegister(collectors.NewGoCollector(), buildGauge(thisBuild()),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.metrics = stream.NewMetrics(s.registry)
	if s.warehouse, err = warehouse.Open(ctx, in.options); err != nil {
		return nil, errors.Join(err, s.producer.Close())
	}
	s.log = &stream.LedgerLog{Brokers: in.kafka, Topics: in.topics, Ledger: s.ledger, Producer: s.producer, Clock: p.clock, Log: log, Metrics: s.metrics}
	s.rules = &stream.Rules{Brokers: in.kafka, Topics: in.topics, Book: scoring.NewRulebook(), Producer: s.producer, Clock: p.clock, Log: log, Metrics: s.metrics}
	s.lag = stream.NewLagObserver(in.kafka, s.metrics, cmp.Or(p.observe, time.Second), log)
	banks := p.banks
	if banks == nil {
		banks = event.BuiltInBanks()
	}
	parser := &event.Parser{Limits: p.limits, Numbers: event.NewNumbers(p.tuning.Country), Banks: banks, Unknown: s.metrics.Unknown.Count,
		Strange: func(kind, field string) { s.metrics.Strange.WithLabelValues(kind, field).Inc() }}

	loopCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.loops, loopCtx = errgroup.WithContext(loopCtx)
	has := func(role string) bool { return slices.Contains(p.roles, role) }
	group := func(role string) string { return groupPrefix(in.topics) + role }
	run := func(name string, f func(context.Context) error) {
		s.loops.Go(func() error {
			if err := f(loopCtx); err != nil && loopCtx.Err() == nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	run("lag", s.lag.Run)
	if has(roleDispatch) || has(roleAPI) {
		run("ledger", s.log.Run)
	}
	if has(roleDispatch) {
		run("deadlines", s.log.Deadlines)
		s.dispatch = &stream.Dispatch{Brokers: in.kafka, Group: group(roleDispatch), Topics: in.topics, Ledger: s.ledger, Write: s.log.Write, Ready: s.log.Ready(),
			Endpoints: p.endpoints, Policy: p.courier, Envelope: wire.Envelope, Clock: p.clock, Log: log, Metrics: s.metrics}
		run(roleDispatch, s.dispatch.Run)
	}
	if has(roleScore) || has(roleAPI) {
		run("controls", s.rules.Run)
	}
	if has(roleScore) {
		run("catalogue", func(ctx context.Context) error { return s.publish(ctx, catalogue, p.tuning.Patterns) })
		sc := &stream.Score{Brokers: in.kafka, Group: group(roleScore), Topics: in.topics, Engine: s.engine, Terms: p.terms, Producer: s.producer,
			Warehouse: s.warehouse, Hot: p.tuning.Hot, Checkpoint: p.tuning.Checkpoint, Clock: p.clock, Log: log, Metrics: s.metrics}
		run(roleScore, sc.Run)
	}
	if has(roleWarehouse) {
		sink := &stream.Sink{Brokers: in.kafka, Group: group(roleWarehouse), Topics: in.topics, Warehouse: s.warehouse, Terms: p.terms, Log: log, Metrics: s.metrics}
		run(roleWarehouse, sink.Run)
	}
	if has(roleIngest) {
		ing := &stream.Ingest{Brokers: in.kafka, Group: group(roleIngest), Topics: in.topics, Parser: parser, Producer: s.producer, Clock: p.clock, Log: log, Metrics: s.metrics}
		run(roleIngest, ing.Run)
	}
	if has(roleAPI) {
		screener := &stream.Screener{Brokers: in.kafka, Topics: in.topics, Producer: s.producer, Log: log}
		run("screenings", screener.Run)
		alerts := &stream.Alerts{Brokers: in.kafka, Topics: in.topics, Log: log}
		run("alerts", alerts.Run)
		handler, err := api.New(api.Dependencies{Version: thisBuild().String(), Center: p.center.Center,
			Numbering: p.center.Numbering, Partitions: in.topics.Partitions, Ledger: s.ledger, Log: s.log, Rules: s.rules,
			Book: s.rules.Book, Intake: intake{s.producer, in.topics}, Backtest: s.backtest(p), DeadLetters: deadLetters{
				&stream.DeadLetters{Brokers: in.kafka, Topics: in.topics, Producer: s.producer}},
			Screener: screener, Watcher: alerts, Screening: cmp.Or(p.screening, bank.DefaultScreening),
			Warehouse: s.warehouse, Identities: p.identities, Banks: banks, Parser: parser, Clock: p.clock, Ready: s.ready,
			Simulation: p.simulation, Metrics: promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}), Logger: log})
		if err != nil {
			s.stop()
			return nil, err
		}
		if p.wrap != nil {
			handler = p.wrap(handler)
		}
		if err := s.serve(loopCtx, p.listen, p.keyPair, handler); err != nil {
			s.stop()
			return nil, err
		}
	}
	if in.engineDone != nil {
		run("embedded ClickHouse", func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return nil
			case <-in.engineDone:
				return errors.New("it keeps ending by itself; its last words are in the log; what was acknowledged is kept")
			}
		})
	}
	return s, nil
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
	return s.rules.Watch(ctx, file)
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
	if err := s.warehouse.Ping(ctx); err != nil {
		return fmt.Errorf("ClickHouse does not answer: %w", err)
	}
	client := &kafka.Client{Addr: kafka.TCP(strings.Split(s.infra.kafka, ",")...)}
	if _, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{s.infra.topics.Legs}}); err != nil {
		return fmt.Errorf("kafka does not answer: %w", err)
	}
	return nil
}

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
	if err := s.loops.Wait(); err != nil {
		s.logger.Error("a loop ended with an error", "err", err)
	}
	if err := errors.Join(s.producer.Close(), s.warehouse.Close()); err != nil {
		s.logger.Error("closing", "err", err)
	}
}

func (i intake) Taint(ctx context.Context, taints ...*event.Taint) error {
	msgs := make([]kafka.Message, len(taints))
	for n, t := range taints {
		msgs[n] = stream.TaintMessage(i.topics, t)
	}
	return i.producer.Write(ctx, msgs...)
}

// backtest scores the books again for the API.
func (s *service) backtest(p plan) center.Backtest {
	return func(ctx context.Context, from, to event.Instant,
		candidate, live *scoring.Catalogue) (*wire.Backtest, error) {
		src, err := backtest.Books(ctx, s.warehouse, from, to, event.NewNumbers(p.tuning.Country), func(int) {})
		if err != nil {
			return nil, err
		}
		res, err := backtest.Run(ctx, src, backtest.NewTruth(), p.policy, candidate, live)
		if err != nil {
			return nil, err
		}
		r := res.Report("the books", p.clock(), candidate, live)
		figures := func(f *backtest.Figures) wire.BacktestFigures {
			out := wire.BacktestFigures{Version: f.Catalogue, Frauds: f.Frauds, Caught: f.Caught, Missed: f.Frauds - f.Caught,
				False: f.False, Honest: f.Honest, FalseStops: f.FalseStops, Precision: f.Precision, Recall: f.Recall,
				Days: []wire.BacktestDay{}}
			for _, d := range f.Days {
				out.Days = append(out.Days, wire.BacktestDay(d))
			}
			return out
		}
		out := &wire.Backtest{From: r.From, To: r.To, Events: r.Events, Seconds: r.Seconds,
			Candidate: figures(&r.Candidate), Live: figures(r.Live), Difference: []wire.BacktestChange{}}
		for _, c := range r.Difference {
			out.Difference = append(out.Difference, wire.BacktestChange(c))
		}
		return out, nil
	}
}

// deadLetters shows the dead letters to the API.
type deadLetters struct{ *stream.DeadLetters }

func (r deadLetters) Newest(ctx context.Context, limit int) ([]wire.DeadLetter, error) {
	found, err := r.DeadLetters.Newest(ctx, limit)
	out := make([]wire.DeadLetter, len(found))
	for i, l := range found {
		out[i] = wire.DeadLetter{Partition: l.Partition, Offset: l.Offset, Topic: l.Topic,
			Reason: l.Reason, Error: l.Error, At: l.At, Bytes: len(l.Document), Document: wire.Shown(l.Document),
			Problems: []wire.DeadLetterProblem{}}
		for _, p := range l.Problems {
			out[i].Problems = append(out[i].Problems, wire.DeadLetterProblem(p))
		}
	}
	return out, err
}

func (r deadLetters) Replay(ctx context.Context, partition int, offset int64) error {
	err := r.DeadLetters.Replay(ctx, partition, offset)
	if errors.Is(err, stream.ErrNoDeadLetter) {
		return center.ErrGone
	}
	return err
}

// intake sends the API's documents the way of any source's.
type intake struct {
	producer *stream.Producer
	topics   stream.Topics
}

func (i intake) Report(ctx context.Context, id string, doc []byte) error {
	return i.producer.Write(ctx, kafka.Message{Topic: i.topics.Reports, Key: []byte(id), Value: doc})
}

func (i intake) Watch(ctx context.Context, entity string, doc []byte) error {
	return i.producer.Write(ctx, kafka.Message{Topic: i.topics.Watchlist, Key: []byte(entity), Value: doc})
}
