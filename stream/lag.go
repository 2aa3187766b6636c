package stream

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"stopline.internal/stream/kafka"
	"stopline.internal/stream/retry"
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
	mu     sync.Mutex
	next   map[reading]int64
	failed map[reading]failure // that are tried again
}

// failure is why a reading is tried again, and since when it does not work.
type failure struct {
	err         error
	since, last time.Time // first and last time that it was told
	at          int64     // how far the reading had come
}

// healed is how long a reading must have gone on for an earlier failure to be over
// where nothing new has come that it could have passed.
const healed = 15 * time.Second

func (p *progress) reached(r reading, next int64) {
	if r.loop == "" { // it reads nothing by its claims
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = map[reading]int64{}
	}
	p.next[r] = max(next, 0)
	if f, failed := p.failed[r]; failed && (next > f.at || time.Since(f.last) > healed) {
		delete(p.failed, r)
	}
}

// failing notes why a reading is tried again, or with nil that it works.
func (p *progress) failing(r reading, err error) {
	if r.loop == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		delete(p.failed, r)
		return
	}
	if p.failed == nil {
		p.failed = map[reading]failure{}
	}
	now := time.Now()
	f, failed := p.failed[r]
	if !failed {
		f.since = now
	}
	f.err, f.last, f.at = err, now, max(f.at, p.next[r])
	p.failed[r] = f
}

// failures lists what does not work, and has not for so long.
func (p *progress) failures(longer time.Duration, now time.Time) map[reading]error {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[reading]error{}
	for r, f := range p.failed {
		if now.Sub(f.since) >= longer {
			out[r] = f.err
		}
	}
	return out
}

// left forgets a partition that another process reads from now on.
func (p *progress) left(r reading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.next, r)
	delete(p.failed, r)
}

// loopProgress is the progress of one loop, as its consumer group tells it.
type loopProgress struct {
	all  *progress
	loop string
}

// Reached notes the offset of the next message.
func (l *loopProgress) Reached(topic string, partition int, next int64) {
	l.all.reached(reading{l.loop, topic, partition}, next)
}

// Failing notes why a partition cannot be worked on, or with nil that it can.
func (l *loopProgress) Failing(topic string, partition int, err error) {
	l.all.failing(reading{l.loop, topic, partition}, err)
}

// Left forgets a partition.
func (l *loopProgress) Left(topic string, partition int) {
	l.all.left(reading{l.loop, topic, partition})
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

// Watched is a loop whose lag is measured, whether it lives or not.
type Watched struct {
	Loop, Group string
	Topics      []string
}

// LagObserver measures from outside how far the loops are behind: it asks Kafka
// for the partitions' ends, and compares them with where each loop is: in the
// partitions that this process has by how far it has come, in all others by what
// was committed. A loop that stands still falls behind here, whatever it thinks of
// itself, and so does one that nobody runs.
type LagObserver struct {
	cluster *kafka.Cluster
	metrics *Metrics
	watched []Watched
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
func NewLagObserver(c *kafka.Cluster, m *Metrics, every time.Duration, log *slog.Logger, w ...Watched) *LagObserver {
	return &LagObserver{
		cluster: c, metrics: m, every: every, log: log, watched: w,
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
		retry.Pause(ctx, o.every)
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
	if err := o.others(ctx, at); err != nil {
		return err
	}
	ask := map[string][]int{}
	for r := range at {
		if !slices.Contains(ask[r.topic], r.partition) {
			ask[r.topic] = append(ask[r.topic], r.partition)
		}
	}
	ends, err := o.cluster.Ends(ctx, ask)
	now := time.Now()
	for topic, partitions := range ends {
		for p, offset := range partitions {
			o.ended(reading{topic: topic, partition: p}, offset, now)
		}
	}
	if err == nil || len(ends) > 0 {
		o.note(at, now)
	}
	return err
}

// others adds the partitions that this process does not have, as far as their groups
// have committed them.
func (o *LagObserver) others(ctx context.Context, at map[reading]int64) error {
	if len(o.watched) == 0 {
		return nil
	}
	counts, err := o.cluster.Topics(ctx)
	if err != nil {
		return err
	}
	for _, w := range o.watched {
		of := map[string][]int{}
		for _, topic := range w.Topics {
			for p := range counts[topic] {
				if _, mine := at[reading{w.Loop, topic, p}]; !mine {
					of[topic] = append(of[topic], p)
				}
			}
		}
		committed, err := o.cluster.CommittedOf(ctx, w.Group, of)
		if err != nil {
			return err
		}
		for topic, partitions := range committed {
			for p, c := range partitions {
				at[reading{w.Loop, topic, p}] = max(0, c.Offset)
			}
		}
	}
	return nil
}

// Failing says in words which partitions of this process do not work, and have not
// for so long; none where all is well.
func (o *LagObserver) Failing(longer time.Duration) (out []string) {
	for r, err := range o.metrics.progress.failures(longer, time.Now()) {
		out = append(out, fmt.Sprintf("%s of %s/%d: %v", r.loop, r.topic, r.partition, err))
	}
	slices.Sort(out)
	return out
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
	o.metrics.Failing.Reset()
	for r := range o.metrics.progress.failures(0, now) {
		o.metrics.Failing.WithLabelValues(r.label(), strconv.Itoa(r.partition)).Set(1)
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
