package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// reading is one loop's reading of one partition.
type reading struct {
	loop, topic string
	partition   int
}

// label is how metrics name the loop: score reads one topic, the others several.
func (r reading) label() string {
	if r.loop == "score" {
		return r.loop
	}
	return r.loop + " " + r.topic
}

// progress is how far each loop of this process has come: the offset of the
// next message, in every partition that is its own.
type progress struct {
	mu   sync.Mutex
	next map[reading]int64
}

func (p *progress) reached(r reading, next int64) {
	if r.loop == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = map[reading]int64{}
	}
	p.next[r] = max(next, 0)
}

// left forgets a partition that another process reads from now on.
func (p *progress) left(r reading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.next, r)
}

func (p *progress) all() map[reading]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[reading]int64, len(p.next))
	for r, next := range p.next {
		out[r] = next
	}
	return out
}

// LagObserver measures from outside how far the loops are behind: it asks Kafka
// for the partitions' ends, and compares them with where each loop is. A loop
// that stands still falls behind here, whatever it thinks of itself.
type LagObserver struct {
	client  *kafka.Client
	metrics *Metrics
	every   time.Duration
	log     *slog.Logger

	mu     sync.Mutex
	ends   map[reading][]end // of each partition (with no loop), the oldest first
	behind map[reading]time.Duration
	rounds int
}

// end is where a partition ended, and when that was first seen.
type end struct {
	offset int64
	at     time.Time
}

// maxEnds bounds what is remembered of a partition; beyond it the resolution of
// the lag in seconds is halved.
const maxEnds = 1024

// NewLagObserver returns an observer that looks every so often; the lag in
// seconds is right to that.
func NewLagObserver(brokers string, m *Metrics, every time.Duration, log *slog.Logger) *LagObserver {
	return &LagObserver{
		client:  &kafka.Client{Addr: kafka.TCP(strings.Split(brokers, ",")...), Timeout: 5 * time.Second},
		metrics: m, every: every, log: log,
		ends: map[reading][]end{}, behind: map[reading]time.Duration{},
	}
}

// Run observes until ctx ends. While Kafka is away the lag stays what it was.
func (o *LagObserver) Run(ctx context.Context) error {
	failing := false
	for ctx.Err() == nil {
		err := o.observe(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			o.log.Warn("the lag cannot be measured; trying again", "err", err)
		}
		failing = err != nil
		pause(ctx, o.every)
	}
	return nil
}

// Behind is how long the oldest message has waited that one of the loops has
// not worked off; 0: there is none. Known is false before the first look.
func (o *LagObserver) Behind(loops ...string) (d time.Duration, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for r, b := range o.behind {
		if slices.Contains(loops, r.loop) {
			d = max(d, b)
		}
	}
	return d, o.rounds > 0
}

// observe looks once.
func (o *LagObserver) observe(ctx context.Context) error {
	at := o.metrics.progress.all()
	ask := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}}
	asked := map[reading]bool{}
	for r := range at {
		if p := (reading{topic: r.topic, partition: r.partition}); !asked[p] {
			asked[p] = true
			ask.Topics[r.topic] = append(ask.Topics[r.topic], kafka.LastOffsetOf(r.partition))
		}
	}
	if len(asked) == 0 {
		o.note(at, time.Now())
		return nil
	}
	resp, err := o.client.ListOffsets(ctx, ask)
	if err != nil {
		return fmt.Errorf("ask Kafka for the ends of %d partitions: %w", len(asked), err)
	}
	now := time.Now()
	var failed []error
	for topic, partitions := range resp.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				failed = append(failed, fmt.Errorf("%s/%d: %w", topic, p.Partition, p.Error))
				continue
			}
			o.ended(reading{topic: topic, partition: p.Partition}, p.LastOffset, now)
		}
	}
	o.note(at, now)
	return errors.Join(failed...)
}

// ended notes where a partition ends.
func (o *LagObserver) ended(p reading, offset int64, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.ends[p]
	if n := len(list); n > 0 && list[n-1].offset == offset {
		return
	}
	if len(list) >= maxEnds {
		kept := list[:0]
		for i := 0; i < len(list); i += 2 {
			kept = append(kept, list[i])
		}
		list = kept
	}
	o.ends[p] = append(list, end{offset, now})
}

// note works out how far behind each reading is.
func (o *LagObserver) note(at map[reading]int64, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rounds++
	slowest := map[reading]int64{}
	for r, next := range at {
		p := reading{topic: r.topic, partition: r.partition}
		list := o.ends[p]
		if s, ok := slowest[p]; !ok || next < s {
			slowest[p] = next
		}
		messages, since := int64(0), time.Duration(0)
		if n := len(list); n > 0 && list[n-1].offset > next {
			messages = list[n-1].offset - next
			first, _ := slices.BinarySearchFunc(list, next, func(e end, next int64) int {
				if e.offset <= next {
					return -1
				}
				return 1
			})
			since = now.Sub(list[first].at)
		}
		o.behind[r] = since
		partition := strconv.Itoa(r.partition)
		o.metrics.Lag.WithLabelValues(r.label(), partition).Set(float64(messages))
		o.metrics.Behind.WithLabelValues(r.label(), partition).Set(since.Seconds())
	}
	for p, next := range slowest { // what everybody has passed
		list := o.ends[p]
		for len(list) > 1 && list[0].offset <= next {
			list = list[1:]
		}
		o.ends[p] = list
	}
	for r := range o.behind {
		if _, mine := at[r]; !mine {
			delete(o.behind, r)
			o.metrics.Lag.DeleteLabelValues(r.label(), strconv.Itoa(r.partition))
			o.metrics.Behind.DeleteLabelValues(r.label(), strconv.Itoa(r.partition))
		}
	}
}
