package main

import (
	"context"
	"sync"
	"time"

	"stopline.internal/stream"
	"stopline.internal/stream/event"
)

// cityClock is the city's time: it stands still until it is started, and runs
// slower than it was asked to while the service falls behind.
type cityClock struct {
	mu    sync.Mutex
	at    event.Instant // of the city, at mark
	mark  time.Time
	pace  float64       // seconds of the city in one of the wall's, now
	speed float64       // the same, as asked for: the most
	limit event.Instant // beyond which the clock does not go before it is allowed to; 0: none
}

// now is the city's time.
func (c *cityClock) now() event.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read(time.Now())
}

func (c *cityClock) read(wall time.Time) event.Instant {
	if c.pace == 0 {
		return c.at
	}
	now := c.at.Add(time.Duration(float64(wall.Sub(c.mark)) * c.pace))
	if c.limit != 0 {
		now = min(now, max(c.at, c.limit))
	}
	return now
}

// run makes the clock go on at a pace, from where it is.
func (c *cityClock) run(pace float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall := time.Now()
	c.at, c.mark, c.pace = c.read(wall), wall, min(pace, c.speed)
}

// allow lets the clock go on up to a limit, from where it is; 0: without one.
func (c *cityClock) allow(limit event.Instant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall := time.Now()
	c.at, c.mark, c.limit = c.read(wall), wall, limit
}

// current is the pace now.
func (c *cityClock) current() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pace
}

// sleep waits for a while of the city's.
func (c *cityClock) sleep(ctx context.Context, d time.Duration) {
	until := c.now().Add(d)
	for ctx.Err() == nil {
		left := until.Sub(c.now())
		if left <= 0 {
			return
		}
		// No sooner than at full speed; when the clock has slowed, look again.
		wait := time.NewTimer(max(time.Millisecond, time.Duration(float64(left)/c.speed)))
		select {
		case <-ctx.Done():
			wait.Stop()
		case <-wait.C:
		}
	}
}

var _ stream.Clock = (*cityClock)(nil).now

// How far the service may be behind the city, in time of the wall. Idle, the
// oldest document has waited for a few hundredths of a second; a checkpoint or
// a collection takes a few tenths.
const (
	atEase  = 250 * time.Millisecond
	tooFar  = 500 * time.Millisecond
	adrift  = 2 * time.Second
	slowest = 0.01 // of the speed that was asked for

	look = 100 * time.Millisecond // how often the pace is looked at

	// step is how far the clock may be ahead of what the city has sent, in time of
	// the wall at full speed: where sending takes longer, the clock waits.
	step = 50 * time.Millisecond
)

// paceFor is the pace that follows from the one before and from how far the
// service is behind: a little more while it is at ease, a fifth less for each
// look at which it is too far behind, none where it is adrift until it has caught
// up again. So the city waits for the service, and finds what the machine carries.
func paceFor(pace, speed float64, behind time.Duration) float64 {
	switch {
	case behind > adrift:
		return 0
	case behind > tooFar:
		return max(pace*0.8, speed*slowest)
	case behind > atEase:
		return max(pace, speed*slowest)
	}
	return min(speed, max(pace, speed*slowest)*1.05+speed*0.005)
}

// carried is the pace of the last while: how much of the city's time this
// machine carries in a second.
type carried struct {
	marks []carriedMark
}

type carriedMark struct {
	wall time.Time
	city event.Instant
}

// carriedOver is the while that is looked at.
const carriedOver = 10 * time.Second

// note adds a look, and returns the pace since the oldest that is kept.
func (c *carried) note(wall time.Time, city event.Instant) float64 {
	c.marks = append(c.marks, carriedMark{wall, city})
	for len(c.marks) > 2 && wall.Sub(c.marks[1].wall) >= carriedOver {
		c.marks = c.marks[1:]
	}
	first := c.marks[0]
	if d := wall.Sub(first.wall); d > 0 {
		return float64(city.Sub(first.city)) / float64(d)
	}
	return 0
}
