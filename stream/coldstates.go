package stream

import (
	"context"
	"time"

	"github.com/bits-and-blooms/bloom/v3"

	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// How long a batch waits for states that are not hot, how long ClickHouse is left
// alone after it did not answer, and how many entities are asked for at once.
const (
	coldTimeout = 500 * time.Millisecond
	coldPause   = 2 * time.Second
	maxUnread   = 1000
)

// pauseOfStates is until when ClickHouse is left alone.
type pauseOfStates struct{ until time.Time }

func (p *pauseOfStates) failed()    { p.until = time.Now().Add(coldPause) }
func (p *pauseOfStates) over() bool { return !time.Now().Before(p.until) }

// coldStates brings states to hand that are not hot. While ClickHouse is away their
// entities are scored on what comes in; the past is added when it can be read.
type coldStates struct {
	*worker
	away     *pauseOfStates
	hasState *bloom.BloomFilter    // entities that have a cold state, and a few that have none
	unread   map[event.Entity]bool // whose past could not be read so far
}

// fetch looks up the missing entities that have a cold state, all at once.
func (c *coldStates) fetch(parent context.Context, missing []event.Entity) {
	want := missing[:0]
	for _, e := range missing {
		if c.hasState.TestString(string(e)) {
			want = append(want, e)
		}
	}
	for e := range c.unread {
		if len(want) > maxUnread {
			break
		}
		want = append(want, e)
	}
	if len(want) == 0 {
		return
	}
	if !c.away.over() {
		c.scoreWithout(want)
		return
	}
	ctx, cancel := context.WithTimeout(parent, coldTimeout)
	defer cancel()
	rows, err := c.States.LoadStates(ctx, c.claim.Partition, want)
	if err != nil && parent.Err() != nil {
		return // the partition goes to another
	}
	if err != nil {
		c.away.failed()
		c.Log.Warn("ClickHouse did not answer; scoring goes on with what is known",
			"partition", c.claim.Partition, "entities", len(want), "err", err)
		c.scoreWithout(want)
		return
	}
	c.Metrics.Cold.WithLabelValues("found").Add(float64(len(rows)))
	c.Metrics.Cold.WithLabelValues("new").Add(float64(len(want) - len(rows)))
	for _, r := range rows {
		past, err := scoring.ReadState(r.Entity, r.State)
		if err != nil {
			c.Log.Error("a state cannot be read; the entity begins anew", "err", err)
			continue
		}
		c.outcome(c.part.Merge(past))
		c.search.want(past)
	}
	for _, e := range want {
		if s := c.part.Peek(e); s != nil {
			s.Read()
		}
		delete(c.unread, e)
	}
}

// scoreWithout notes that the entities have a past which could not be read.
func (c *coldStates) scoreWithout(entities []event.Entity) {
	c.Metrics.Cold.WithLabelValues("unavailable").Add(float64(len(entities)))
	for _, e := range entities {
		if !c.part.Has(e) {
			s := scoring.NewState(e)
			s.MarkUnread()
			c.part.Put(s)
			c.unread[e] = true
		}
	}
}
