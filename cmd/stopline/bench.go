package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"stopline.internal/stream/kafka"

	"stopline.internal/api/access"
	"stopline.internal/api/bank"
	"stopline.internal/api/client"
	"stopline.internal/cmd/stopline/city"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger/law"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
)

type benchCmd struct {
	Servers
	Tuning
	Events int    `help:"How many events to make." default:"500000"`
	Seed   uint64 `help:"Seed of the city that makes them." default:"7"`
	Screen int    `help:"Screenings a second that banks ask for over HTTP, after the rest." default:"500"`
}

// benchSummary is the last line of bench.
type benchSummary struct {
	Events       int     `json:"events"`
	Cores        int     `json:"cores"`
	EventsPerSec float64 `json:"events_per_second"` // JSON on Kafka to legs scored, ClickHouse written beside it
	// of the whole process, embedded Kafka included, embedded ClickHouse not
	CPUMicros     float64 `json:"cpu_us_per_event"`
	KafkaPerSec   float64 `json:"kafka_read_per_second"`  // the limit: kafka-go alone reading the same topic
	LegsPerSec    float64 `json:"engine_legs_per_second"` // the engine alone, one core
	BytesPerHot   float64 `json:"bytes_per_hot_entity"`   // heap of the engine over hot entities
	BytesMedian   int     `json:"bytes_of_median_entity"` // computed from what the median entity holds
	BytesLeast    int     `json:"bytes_of_small_entity"`  // the 10th percentile: a number seen once or twice
	RowsPerSec    float64 `json:"warehouse_rows_per_second"`
	StopMillisP50 float64 `json:"stop_ms_p50"` // event produced to stop in the ledger, on the idle pipeline
	StopMillisP99 float64 `json:"stop_ms_p99"`
	Stops         int     `json:"stop_samples"`
	ScreenPerSec  int     `json:"screenings_per_second"` // asked over HTTP, each answered through the log
	ScreenP50     float64 `json:"screening_ms_p50"`
	ScreenP99     float64 `json:"screening_ms_p99"`
	// the limit: a record written and read back, at the same rate; a screening makes three such
	// trips
	TripP50 float64 `json:"log_round_trip_ms_p50"`
	TripP99 float64 `json:"log_round_trip_ms_p99"`
}

// Run measures, on a directory that it makes anew.
func (c *benchCmd) Run(ctx context.Context) error {
	if c.Kafka == "" {
		err := errors.Join(os.RemoveAll(filepath.Join(c.Data, "kafka")), os.RemoveAll(filepath.Join(c.Data, "states")))
		if err != nil { // states belong to a log
			return err
		}
	}
	if c.Clickhouse == "" {
		if err := os.RemoveAll(filepath.Join(c.Data, "clickhouse")); err != nil {
			return err
		}
	}
	out := benchSummary{Cores: runtime.NumCPU()}
	fmt.Fprintf(os.Stderr, "making %d events of a city\n", c.Events)
	docs := c.events()
	out.Events = len(docs)
	fmt.Fprintln(os.Stderr, "the engine alone, on one core")
	if err := c.engine(docs, &out); err != nil {
		return err
	}
	in, err := c.open(ctx, warnings())
	if err != nil {
		return err
	}
	defer in.close(warnings())
	fmt.Fprintln(os.Stderr, "writing them to Kafka, and reading them with kafka-go alone")
	producer := stream.NewDocuments(in.cluster)
	if err := c.produce(ctx, producer, in.topics, docs); err != nil {
		return err
	}
	if out.KafkaPerSec, err = c.limit(ctx, in); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "the whole pipeline")
	if err := c.pipeline(ctx, in, &out); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, `
events a second, whole pipeline    %12.0f    limit: kafka-go alone reads the same topics at %.0f
CPU per event                      %12.1f µs on %d cores, embedded Kafka included
engine alone                       %12.0f legs a second on one core
memory                             %12.0f bytes per hot account or number (median %d, 10th percentile %d)
ClickHouse                         %12.0f rows a second, beside the rest
event to stop, idle pipeline       %12.1f ms median, %.1f ms 99th percentile of %d
screening, %d a second over HTTP   %12.1f ms median, %.1f ms 99th percentile    limit: three round trips of the log, %.1f and %.1f ms each
`, out.EventsPerSec, out.KafkaPerSec, out.CPUMicros, out.Cores, out.LegsPerSec, out.BytesPerHot, out.BytesMedian, out.BytesLeast, out.RowsPerSec, out.StopMillisP50, out.StopMillisP99, out.Stops,
		out.ScreenPerSec, out.ScreenP50, out.ScreenP99, out.TripP50, out.TripP99)
	return errors.Join(producer.Close(), printSummary(&out))
}

// events are those of a city: its past, and then its days.
func (c *benchCmd) events() []city.Doc {
	start := event.InstantOf(time.Now().Add(-24 * time.Hour))
	ct := city.New(city.Config{Seed: c.Seed, Start: start, Rate: float64(c.Events) / 2 / (12 * 3600)})
	docs := slices.Clone(ct.History())
	for at := start; len(docs) < c.Events; at = at.Add(10 * time.Minute) {
		docs = append(docs, ct.Advance(at)...)
	}
	return docs[:c.Events]
}

func (c *benchCmd) parser() *event.Parser {
	limits := event.DefaultLimits
	limits.Past = 400 * 24 * time.Hour
	return &event.Parser{Limits: limits, Numbers: event.NewNumbers(c.Country)}
}

// engine scores the legs in memory, in blocks, as a partition would.
func (c *benchCmd) engine(docs []city.Doc, out *benchSummary) error {
	catalogue, err := c.catalogue()
	if err != nil {
		return err
	}
	parser := c.parser()
	var blocks [][]byte
	var block, payload []byte
	legs := 0
	for i := range docs {
		var e event.Event
		if err := parser.Parse(docs[i].JSON, wallClock(), &e); err != nil {
			return err
		}
		payload = event.AppendEvent(payload[:0], &e)
		if block == nil {
			block = event.BeginBlock(nil)
		}
		for _, t := range e.Touched(nil) {
			block = event.AppendLeg(block, t, event.Source{Offset: int64(i)}, payload)
			legs++
		}
		if len(block) > 128<<10 || i == len(docs)-1 {
			blocks, block = append(blocks, block), nil
		}
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	part := scoring.NewPartition(scoring.NewEngine(catalogue, scoring.DefaultPolicy, 1), 10_000_000)
	began := time.Now()
	for i, b := range blocks {
		if err := part.Apply(int64(i), b, func(*event.Leg, *scoring.Outcome) {}); err != nil {
			return err
		}
	}
	out.LegsPerSec = math.Round(float64(legs) / time.Since(began).Seconds())
	part.Written(part.Snapshot(), true) // a checkpoint, at which payments that are too old to be completed go
	runtime.GC()
	runtime.ReadMemStats(&after)
	sizes := part.Sizes()
	out.BytesMedian, out.BytesLeast = sizes[len(sizes)/2], sizes[len(sizes)/10]
	out.BytesPerHot = math.Round(float64(after.HeapAlloc-before.HeapAlloc) / float64(part.Len()))
	runtime.KeepAlive(part)
	runtime.KeepAlive(blocks)
	return nil
}

func (c *benchCmd) produce(ctx context.Context, p *kafka.Producer, t stream.Topics, docs []city.Doc) error {
	names := [...]string{city.Transfers: t.Transfers, city.Telecom: t.Telecom, city.Reports: t.Reports}
	for i := 0; i < len(docs); i += 5000 {
		var msgs []kafka.Message
		for _, d := range docs[i:min(i+5000, len(docs))] {
			msgs = append(msgs, kafka.Message{Topic: names[d.Topic], Key: []byte(d.Key), Value: d.JSON})
		}
		if err := p.Write(ctx, msgs...); err != nil {
			return err
		}
	}
	return nil
}

// limit reads the source topics with kafka-go and does nothing with them.
func (c *benchCmd) limit(ctx context.Context, in *infra) (float64, error) {
	began, n := time.Now(), 0
	for _, topic := range []string{in.topics.Transfers, in.topics.Telecom} {
		counts := make([]int, in.topics.Partitions)
		err := in.cluster.ReadAll(ctx, topic, in.topics.Partitions, warnings(), func(m *kafka.Message) error {
			counts[m.Partition]++
			return nil
		})
		if err != nil {
			return 0, err
		}
		for _, k := range counts {
			n += k
		}
	}
	return math.Round(float64(n) / time.Since(began).Seconds()), nil
}

// pipeline runs every role over what lies in Kafka.
func (c *benchCmd) pipeline(ctx context.Context, in *infra, out *benchSummary) error {
	ids, err := access.LocalIdentities(filepath.Join(c.Data, "bench-keys.json"), []string{"ICBK"})
	if err != nil {
		return err
	}
	s, err := start(ctx, in, plan{tuning: c.Tuning, roles: allRoles, listen: "127.0.0.1:0",
		screening: bank.Screening{Deadline: 30 * time.Second, Default: "allow"}, clock: wallClock,
		limits: c.parser().Limits, terms: law.Default, policy: scoring.DefaultPolicy, identities: ids}, warnings())
	if err != nil {
		return err
	}
	defer s.stop()
	for total(s.metrics.Events) == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond) // joining the groups is not what is measured
	}
	began, cpu, first := time.Now(), cpuTime(), total(s.metrics.Events)
	if err := waitScored(ctx, s, int64(out.Events)); err != nil {
		return err
	}
	took := time.Since(began) - 300*time.Millisecond // what waitScored waits to be sure
	n := float64(int64(out.Events) - first)
	out.EventsPerSec = math.Round(n / took.Seconds())
	out.CPUMicros = math.Round(float64((cpuTime()-cpu).Microseconds())/n*10) / 10
	rows, last := total(s.metrics.Rows), time.Now()
	for time.Since(last) < 2500*time.Millisecond { // the last batch waits for a second
		if now := total(s.metrics.Rows); now != rows {
			rows, last = now, time.Now()
		}
		time.Sleep(10 * time.Millisecond)
	}
	out.RowsPerSec = math.Round(float64(rows) / last.Sub(began).Seconds())
	if err := c.latency(ctx, s, out); err != nil {
		return err
	}
	return c.screenings(ctx, s, ids.Local(access.Bank, "ICBK"), out)
}

// screenTime is how long screenings are asked for.
const screenTime = 20 * time.Second

// screenings asks at a rate, whether answers come or not, and then lets records
// make the log's round trip alone at the same rate.
func (c *benchCmd) screenings(ctx context.Context, s *service, key string, out *benchSummary) error {
	fmt.Fprintf(os.Stderr, "screenings, %d a second for %s\n", c.Screen, screenTime)
	bank := &client.Client{URL: s.url, Key: key, Retries: -1,
		HTTP: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}}
	var failed atomic.Int64
	ms := atRate(ctx, c.Screen, func(i int, done func()) {
		at := wallClock().String()
		doc := map[string]any{"kind": "transfer", "id": fmt.Sprintf("screen-%d", i), "at": at,
			"payer": map[string]string{"account": fmt.Sprintf("62220077%011d", i%50_000), "bank": "ICBK",
				"phone": fmt.Sprintf("139%08d", i%50_000)},
			"payee": map[string]string{"account": fmt.Sprintf("62170077%011d", i%5_000), "bank": "PCBC"}, "amount": "123.45",
			"currency": "CNY", "channel": "mobile", "status": "initiated"}
		if a, err := bank.Screen(ctx, doc); err != nil || a.Default {
			failed.Add(1)
			return
		}
		done()
	})
	if n := failed.Load(); n > 0 {
		return fmt.Errorf("%d screenings were not answered", n)
	}
	out.ScreenPerSec, out.ScreenP50, out.ScreenP99 = c.Screen, ms[len(ms)/2], ms[len(ms)*99/100]
	fmt.Fprintln(os.Stderr, "the log's round trip alone")
	const topic = "bench.round-trip"
	if err := s.infra.cluster.Create(ctx, kafka.Topic{Name: topic, Partitions: 2}); err != nil {
		return err
	}
	var back kafka.Echo[struct{}]
	follow, stop := context.WithCancel(ctx)
	defer stop()
	ready := make(chan struct{}, 2)
	go func() {
		_ = s.infra.cluster.Follow(follow, kafka.Following{Topic: topic, Partitions: 2, From: kafka.FirstOffset,
			Log:      warnings(),
			CaughtUp: func() { ready <- struct{}{} }}, func(m *kafka.Message) error {
			back.Seen(string(m.Key), struct{}{})
			return nil
		})
	}()
	for range 2 {
		<-ready
	}
	trips := atRate(ctx, c.Screen, func(i int, done func()) {
		k := fmt.Sprint(i)
		_, err := back.Await(ctx, k, func(ctx context.Context) error {
			return s.documents.Write(ctx, kafka.Message{Topic: topic, Key: []byte(k), Value: make([]byte, 330)})
		})
		if err == nil {
			done()
		}
	})
	out.TripP50, out.TripP99 = trips[len(trips)/2], trips[len(trips)*99/100]
	return nil
}

// atRate begins f so many times a second, whether those before are done or not,
// and returns how long each took until done, sorted, in milliseconds.
func atRate(ctx context.Context, rate int, f func(i int, done func())) []float64 {
	var mu sync.Mutex
	var ms []float64
	var all sync.WaitGroup
	began := time.Now()
	for i := 0; time.Since(began) < screenTime && ctx.Err() == nil; i++ {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		sent := time.Now()
		all.Go(func() {
			f(i, func() {
				mu.Lock()
				ms = append(ms, float64(time.Since(sent).Microseconds())/1000)
				mu.Unlock()
			})
		})
	}
	all.Wait()
	if len(ms) == 0 {
		ms = append(ms, math.NaN())
	}
	slices.Sort(ms)
	return ms
}

// latency sends one payment into a watched account after another, and waits
// for each one's stop.
func (c *benchCmd) latency(ctx context.Context, s *service, out *benchSummary) error {
	now := wallClock()
	const payee = "6217009999999999999"
	watch := fmt.Sprintf(`{"kind":"watch","entity":"acct:%s","risk":"confirmed","reason":"bench"}`, payee)
	if err := s.documents.Write(ctx, kafka.Message{Topic: s.infra.topics.Watchlist, Key: []byte("acct:" + payee),
		Value: []byte(watch)}); err != nil {
		return err
	}
	time.Sleep(time.Second)
	var ms []float64
	for i := range 200 {
		id, payer := fmt.Sprintf("bench-%d", i), fmt.Sprintf("62220099%011d", i)
		doc := fmt.Sprintf(`{"kind":"transfer","id":"%s","at":"%s","payer":{"account":"%s","bank":"ICBK"},"payee":{"account":"%s","bank":"PCBC"},"amount":"100.00","currency":"CNY","channel":"mobile","status":"initiated"}`, id, now, payer, payee)
		stop := event.StopID(event.TransferKey(payer, id), payee)
		sent := time.Now()
		if err := s.documents.Write(ctx, kafka.Message{Topic: s.infra.topics.Transfers, Key: []byte(payer),
			Value: []byte(doc)}); err != nil {
			return err
		}
		for s.ledger.Stop(stop) == nil {
			if time.Since(sent) > 10*time.Second {
				return fmt.Errorf("payment %s into a watched account caused no stop in ten seconds", id)
			}
			time.Sleep(100 * time.Microsecond)
		}
		ms = append(ms, float64(time.Since(sent).Microseconds())/1000)
	}
	slices.Sort(ms)
	out.Stops, out.StopMillisP50, out.StopMillisP99 = len(ms), ms[len(ms)/2], ms[len(ms)*99/100]
	return nil
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
