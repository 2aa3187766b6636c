package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"stopline.internal/stream/retry"
)

// Claim is a partition that the group has given to this process.
type Claim struct {
	Topic     string
	Partition int
	Offset    int64 // committed, the next to read; FirstOffset when there is none

	cluster   *Cluster
	group     *Group
	commits   func(offset int64) error
	committed time.Time
}

// commitEvery bounds how much is done again after a crash.
const commitEvery = 500 * time.Millisecond

// Reader returns a reader of the partition from an offset on.
func (c *Claim) Reader(offset int64) *Reader {
	return c.cluster.NewReader(c.Topic, c.Partition, offset)
}

// Commit says that everything before the offset is done for. It may wait for
// a later call; force makes it do so now.
func (c *Claim) Commit(offset int64, force bool) error {
	if offset == c.Offset || !force && time.Since(c.committed) < commitEvery {
		return nil
	}
	if err := c.commits(offset); err != nil {
		return err
	}
	c.Offset, c.committed = offset, time.Now()
	return nil
}

// Reached notes how far the loop has come: the offset of the next message.
func (c *Claim) Reached(next int64) {
	c.group.Progress.Reached(c.Topic, c.Partition, next)
}

// Progress is told how far a loop has come in the partitions that are its own.
type Progress interface {
	Reached(topic string, partition int, next int64)
	Left(topic string, partition int) // another process may read it from now on
}

// Group is a consumer group, whose partitions the cluster divides among its
// members.
type Group struct {
	ID       string
	Topics   []string
	Log      *slog.Logger
	Progress Progress
}

// Run joins the group and calls work for each partition that this process is
// given, in a goroutine of its own, until ctx ends. Work that fails is begun again
// from the last commit.
func (c *Cluster) Run(ctx context.Context, g Group, work func(ctx context.Context, claim *Claim) error) error {
	cg, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: g.ID, Brokers: c.brokers, Topics: g.Topics, StartOffset: FirstOffset,
		HeartbeatInterval: time.Second, SessionTimeout: 10 * time.Second, RebalanceTimeout: 10 * time.Second,
		JoinGroupBackoff: 500 * time.Millisecond, Timeout: askTime,
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
		gen, err := g.next(ctx, cg)
		if errors.Is(err, kafka.ErrGroupClosed) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for topic, assigned := range gen.Assignments {
			for _, a := range assigned {
				claim := &Claim{Topic: topic, Partition: a.ID, Offset: a.Offset, cluster: c, group: &g,
					commits: func(offset int64) error {
						return gen.CommitOffsets(map[string]map[int]int64{topic: {a.ID: offset}})
					}}
				workers.Add(1)
				gen.Start(func(ctx context.Context) {
					defer workers.Done()
					claim.keepWorking(ctx, work)
				})
			}
		}
	}
	return nil
}

// next waits until the group gives this process its partitions.
func (g *Group) next(ctx context.Context, cg *kafka.ConsumerGroup) (*kafka.Generation, error) {
	var gen *kafka.Generation
	err := awayPauses.Do(ctx, func() (err error) {
		gen, err = cg.Next(ctx)
		if errors.Is(err, kafka.ErrGroupClosed) {
			return retry.Stop(err)
		}
		return err
	}, func(err error) { g.Log.Warn("joining the group failed; trying again", "group", g.ID, "err", err) })
	return gen, err
}

// The pauses after a partition's work has failed, and how long it must have
// gone well for them to begin anew.
var workPauses = retry.Pauses{First: 100 * time.Millisecond, Most: 5 * time.Second}

const wentWell = time.Minute

// keepWorking works on a partition until it is done or the claim ends.
func (c *Claim) keepWorking(ctx context.Context, work func(context.Context, *Claim) error) {
	c.Reached(c.Offset)
	defer c.group.Progress.Left(c.Topic, c.Partition)
	_ = workPauses.Do(ctx, func() error { // it ends with the claim
		began := time.Now()
		err := work(ctx, c)
		if err != nil && time.Since(began) > wentWell {
			return workPauses.Again(err)
		}
		return err
	}, func(err error) {
		c.group.Log.Error("a partition failed; beginning again from its last commit",
			"group", c.group.ID, "topic", c.Topic, "partition", c.Partition, "err", err)
	})
}
