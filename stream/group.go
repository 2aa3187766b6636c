package stream

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v7"
	"github.com/segmentio/kafka-go"
)

// claim is a partition that the group has given to this process.
type claim struct {
	topic     string
	partition int
	offset    int64 // committed, the next to read; FirstOffset when there is none
	gen       *kafka.Generation

	committed time.Time
	reached   func(next int64) // notes how far the loop has come
}

// commitEvery bounds how much is done again after a crash.
const commitEvery = 500 * time.Millisecond

// commit says that everything before the offset is done for. It may wait for
// a later call; force makes it do so now.
func (c *claim) commit(offset int64, force bool) error {
	if offset == c.offset || !force && time.Since(c.committed) < commitEvery {
		return nil
	}
	if err := c.gen.CommitOffsets(map[string]map[int]int64{c.topic: {c.partition: offset}}); err != nil {
		return err
	}
	c.offset, c.committed = offset, time.Now()
	return nil
}

// runGroup joins a consumer group for a loop (nameless where it reads nothing by
// its claims, so that there is no lag to measure), and calls work for each
// partition that it is given, in a goroutine of its own, until ctx ends. Work
// that fails is begun again from the last commit.
func runGroup(ctx context.Context, log *slog.Logger, m *Metrics, loop, brokers, group string, topics []string,
	work func(ctx context.Context, c *claim) error) error {
	cg, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: strings.Split(brokers, ","), Topics: topics, StartOffset: kafka.FirstOffset,
		HeartbeatInterval: time.Second, SessionTimeout: 10 * time.Second, RebalanceTimeout: 10 * time.Second,
		JoinGroupBackoff: 500 * time.Millisecond, Timeout: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	var workers sync.WaitGroup
	stop := context.AfterFunc(ctx, func() { _ = cg.Close() })
	defer workers.Wait()
	defer func() {
		stop()
		_ = cg.Close() // ends the generation, whose workers then finish
	}()
	for ctx.Err() == nil {
		gen, err := nextGeneration(ctx, log, cg, group)
		if errors.Is(err, kafka.ErrGroupClosed) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for topic, assigned := range gen.Assignments {
			for _, a := range assigned {
				mine := reading{loop, topic, a.ID}
				c := &claim{topic: topic, partition: a.ID, offset: a.Offset, gen: gen, reached: func(next int64) { m.progress.reached(mine, next) }}
				workers.Add(1)
				gen.Start(func(ctx context.Context) {
					defer workers.Done()
					defer m.progress.left(mine)
					c.reached(c.offset)
					c.keepWorking(ctx, log, group, work)
				})
			}
		}
	}
	return nil
}

// nextGeneration waits until the group gives this process its partitions.
func nextGeneration(ctx context.Context, log *slog.Logger, cg *kafka.ConsumerGroup, group string) (*kafka.Generation, error) {
	var gen *kafka.Generation
	err := waits{200 * time.Millisecond, 5 * time.Second}.retry(ctx, func() (err error) {
		gen, err = cg.Next(ctx)
		if errors.Is(err, kafka.ErrGroupClosed) {
			return backoff.Permanent(err)
		}
		return err
	}, func(err error) { log.Warn("joining the group failed; trying again", "group", group, "err", err) })
	return gen, err
}

// The pauses after a partition's work has failed, and how long it must have
// gone well for them to begin anew.
var workWaits = waits{100 * time.Millisecond, 5 * time.Second}

const wentWell = time.Minute

// keepWorking works on a partition until it is done or the claim ends.
func (c *claim) keepWorking(ctx context.Context, log *slog.Logger, group string, work func(context.Context, *claim) error) {
	_ = workWaits.retry(ctx, func() error { // it ends with the claim
		began := time.Now()
		err := work(ctx, c)
		if err != nil && time.Since(began) > wentWell {
			return backoff.RetryAfter(workWaits.first, err)
		}
		return err
	}, func(err error) {
		log.Error("a partition failed; beginning again from its last commit",
			"group", group, "topic", c.topic, "partition", c.partition, "err", err)
	})
}

// pause waits, or less when the context ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
