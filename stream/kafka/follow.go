package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"stopline.internal/stream/retry"
)

// awayPauses are those between two tries to reach a cluster that is away.
var awayPauses = retry.Pauses{First: 200 * time.Millisecond, Most: 5 * time.Second}

// Following says what is followed, outside of any group.
type Following struct {
	Topic      string
	Partitions int
	From       int64 // FirstOffset or LastOffset
	Log        *slog.Logger
	// CaughtUp, if any, is called once for each partition when its end of that
	// moment has been reached.
	CaughtUp func()
}

// Follow reads every partition of a topic and calls f for each message, those of
// different partitions at the same time, until ctx ends or f fails. While the
// cluster is away it waits.
func (c *Cluster) Follow(ctx context.Context, what Following, f func(*Message) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for p := range what.Partitions {
		g.Go(func() error { return c.followPartition(ctx, what, p, f) })
	}
	return g.Wait()
}

func (c *Cluster) followPartition(ctx context.Context, what Following, partition int, f func(*Message) error) error {
	r := c.NewReader(what.Topic, partition, what.From)
	var msgs []Message
	caughtUp := what.CaughtUp
	for ctx.Err() == nil {
		err := awayPauses.Do(ctx, func() (err error) {
			msgs, err = r.Read(ctx, msgs[:0])
			return err
		}, func(err error) {
			what.Log.Warn("reading failed; trying again", "topic", what.Topic, "partition", partition, "err", err)
		})
		if err != nil {
			return nil // ctx has ended
		}
		for i := range msgs {
			if err := f(&msgs[i]); err != nil {
				return fmt.Errorf("%s/%d:%d: %w", what.Topic, partition, msgs[i].Offset, err)
			}
		}
		if caughtUp != nil && r.CaughtUp() {
			caughtUp()
			caughtUp = nil
		}
	}
	return nil
}

// ReadAll is [Cluster.Follow] from the beginning to the ends of this moment.
func (c *Cluster) ReadAll(ctx context.Context, topic string, partitions int, log *slog.Logger,
	f func(*Message) error) error {
	following, enough := context.WithCancel(ctx)
	defer enough()
	var left atomic.Int64
	left.Store(int64(partitions))
	err := c.Follow(following, Following{Topic: topic, Partitions: partitions, From: FirstOffset, Log: log,
		CaughtUp: func() {
			if left.Add(-1) == 0 {
				enough()
			}
		}}, f)
	if err != nil {
		return err
	}
	return ctx.Err()
}
