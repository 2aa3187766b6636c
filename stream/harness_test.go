package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"stopline.internal/scoring"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/broker"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
	"stopline.internal/stream/kafka/lossy"
	"stopline.internal/stream/retry"
)

const (
	victim = "6222020200112233445"
	mule   = "6217000010098765432"
	shop   = "6228480000555566667"
)

// bench is a broker of a test's own, and the loops that the test makes on it.
type bench struct {
	Deps
	t       *testing.T
	network *lossy.Network // that the loops' connections go through
	direct  *kafka.Cluster // without it
	data    string         // of the states
	mu      sync.Mutex
	at      event.Instant // what the clock says
}

func newBench(t *testing.T) *bench { return newBenchOf(t, 1) }

func newBenchOf(t *testing.T, partitions int) *bench {
	t.Helper()
	b, err := broker.Start(t.Context(), t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	network := lossy.New(rand.New(rand.NewPCG(1, 1)))
	cluster, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}, Dial: network.Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	direct, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(direct.Close)
	topics := TopicsWithPrefix("")
	topics.Partitions = partitions
	if err := topics.Ensure(t.Context(), cluster); err != nil {
		t.Fatal(err)
	}
	w := &bench{t: t, network: network, direct: direct, data: t.TempDir(), at: event.InstantOf(time.Now())}
	w.Deps = Deps{Cluster: cluster, Topics: topics, Documents: NewDocuments(cluster), Clock: w.now,
		Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry())}
	t.Cleanup(func() { _ = w.Documents.Close() })
	return w
}

func (w *bench) now() event.Instant {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

// later lets time pass.
func (w *bench) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// run begins a loop, which ends with the test or by leave, without an error.
func (w *bench) run(f func(context.Context) error) (leave func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	leave = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				w.t.Errorf("a loop ended with %v", err)
			}
		})
	}
	w.t.Cleanup(leave)
	return leave
}

// send writes documents to a topic, one after the other.
func (w *bench) send(topic string, docs ...string) {
	w.t.Helper()
	for i, d := range docs {
		if err := w.Documents.Write(w.t.Context(), kafka.Message{Topic: topic, Key: fmt.Append(nil, i),
			Value: []byte(d)}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// all is what a topic holds.
func (w *bench) all(topic string) (out []kafka.Message) {
	w.t.Helper()
	err := w.Cluster.ReadAll(w.t.Context(), topic, 1, w.Log, func(m *kafka.Message) error {
		out = append(out, *m)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// waitFor waits for something that has to happen.
func (w *bench) waitFor(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	w.t.Fatalf("after a minute: not %s", what)
}

// payment is a transfer of so many yuan, as a bank sends it.
func (w *bench) payment(id, payer, payee, amount string) string {
	return fmt.Sprintf(`{"kind":"transfer","id":%q,"at":%q,"payer":{"account":%q,"bank":"ICBK"},"payee":{"account":%q,"bank":"PCBC"},`+
		`"amount":%q,"currency":"CNY","channel":"mobile","status":"initiated"}`, id, w.now(), payer, payee, amount)
}

// watched puts an account on the watchlist.
func watched(account, risk string) string {
	return fmt.Sprintf(`{"kind":"watch","entity":"acct:%s","risk":%q,"reason":"known"}`, account, risk)
}

func (w *bench) ingest() (leave func()) {
	w.t.Helper()
	return w.ingestOf(maxBlock, maxBlocks)
}

// ingestOf is an ingest with blocks of a size, and of its batches.
func (w *bench) ingestOf(block int, batch int64) (leave func()) {
	w.t.Helper()
	in, err := NewIngest(w.Deps, "ingest", &event.Parser{Limits: event.DefaultLimits, Numbers: event.NewNumbers("CN"),
		Banks: event.BuiltInBanks()})
	if err != nil {
		w.t.Fatal(err)
	}
	in.block, in.batch = block, batch
	return w.run(in.Run)
}

func engine(t *testing.T) *scoring.Engine {
	t.Helper()
	c, err := scoring.ParseCatalogue("catalogue.yaml", scoring.DefaultCatalogue)
	if err != nil {
		t.Fatal(err)
	}
	return scoring.NewEngine(c, scoring.DefaultPolicy, 1)
}

// shelf keeps states in memory, as ClickHouse would; while it is away it answers
// nothing.
type shelf struct {
	mu       sync.Mutex
	away     bool
	stalled  time.Time             // no answer before
	noCopy   bool                  // pages of a copy are not answered
	slept    *warehouse.Checkpoint // is answered once: read before somebody slept
	states   map[event.Entity]warehouse.StateRow
	at       warehouse.Checkpoint
	payments map[string][]warehouse.Payment
	asked    []event.Entity // by LoadStates, in all
	searched int
}

var errShelf = errors.New("away")

func newShelf() *shelf {
	return &shelf{states: map[event.Entity]warehouse.StateRow{}, payments: map[string][]warehouse.Payment{}}
}

// on answers f's question, unless the shelf is away.
func (s *shelf) on(ctx context.Context, f func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for time.Now().Before(s.stalled) {
		s.mu.Unlock()
		retry.Pause(ctx, 2*time.Millisecond)
		s.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if s.away {
		return errShelf
	}
	f()
	return nil
}

func (s *shelf) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *shelf) LoadCheckpoint(ctx context.Context, _ int) (c warehouse.Checkpoint, err error) {
	err = s.on(ctx, func() {
		if c = s.at; s.slept != nil {
			c, s.slept = *s.slept, nil
		}
	})
	return c, err
}

func (s *shelf) SaveCheckpoint(ctx context.Context, _ int, c warehouse.Checkpoint) error {
	return s.on(ctx, func() {
		if c.Offset >= s.at.Offset {
			s.at = c
		}
	})
}

func (s *shelf) LoadStates(ctx context.Context, _ int, entities []event.Entity) (out []warehouse.StateRow, err error) {
	err = s.on(ctx, func() {
		s.asked = append(s.asked, entities...)
		for _, e := range entities {
			if r, ok := s.states[e]; ok {
				out = append(out, r)
			}
		}
	})
	return out, err
}

func (s *shelf) StatesAfter(ctx context.Context, _ int, after event.Entity, limit int) (out []warehouse.StateRow,
	err error) {
	err = s.on(ctx, func() {
		if s.noCopy {
			return
		}
		for _, e := range slices.Sorted(maps.Keys(s.states)) {
			if e > after && len(out) < limit {
				out = append(out, s.states[e])
			}
		}
	})
	if err == nil && s.noCopies() {
		err = errShelf
	}
	return out, err
}

func (s *shelf) noCopies() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.noCopy
}

func (s *shelf) SaveStates(ctx context.Context, _ int, rows []warehouse.StateRow) error {
	return s.on(ctx, func() {
		for _, r := range rows {
			if r.Version >= s.states[r.Entity].Version {
				s.states[r.Entity] = r
			}
		}
	})
}

func (s *shelf) Payments(ctx context.Context, accounts []string, _ event.Instant) (out map[string][]warehouse.Payment,
	err error) {
	out = map[string][]warehouse.Payment{}
	err = s.on(ctx, func() {
		s.searched++
		for _, a := range accounts {
			out[a] = s.payments[a]
		}
	})
	return out, err
}

func (s *shelf) has(account string) (there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there = s.states[event.Entity("acct:"+account)]
	return there
}

// offset is that of the last checkpoint.
func (s *shelf) offset() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at.Offset
}
