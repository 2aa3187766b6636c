package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"stopline.internal/stream/retry"
)

// Claim is a partition that the group has given to this process.
type Claim struct {
	Topic     string
	Partition int
	Offset    int64  // committed, the next to read; FirstOffset when there is none
	Note      string // committed with it

	cluster   *Cluster
	group     *Group
	commits   func(offset int64, note string) error
	committed time.Time
}

// commitEvery bounds how much is done again after a crash.
const commitEvery = 500 * time.Millisecond

// Reader returns a reader of the partition from an offset on. While the cluster is
// away the group's progress is told.
func (c *Claim) Reader(offset int64) *Reader {
	r := c.cluster.NewReader(c.Topic, c.Partition, offset)
	r.away = c.failing
	return r
}

// Commit says that everything before the offset is done for. It may wait for a
// later call: force makes it do so now, unless the group is just being divided anew
// or the cluster is away. An error says that the partition is another's.
func (c *Claim) Commit(offset int64, force bool) error { return c.CommitNote(offset, c.Note, force) }

// CommitNote is [Claim.Commit] with a note, which the next owner is given.
func (c *Claim) CommitNote(offset int64, note string, force bool) error {
	if offset == c.Offset && note == c.Note || !force && time.Since(c.committed) < commitEvery {
		return nil
	}
	err := c.commits(offset, note)
	if later(err) {
		return nil
	}
	if err != nil {
		return err
	}
	c.Offset, c.Note, c.committed = offset, note, time.Now()
	return nil
}

// Begin commits an offset with a note, and returns once that stands: whoever owned
// the partition before cannot commit any more.
func (c *Claim) Begin(ctx context.Context, offset int64, note string) error {
	err := awayPauses.Do(ctx, func() error {
		err := c.commits(offset, note)
		if err != nil && !later(err) {
			return retry.Stop(err)
		}
		return err
	}, func(error) {})
	if err == nil {
		c.Offset, c.Note, c.committed = offset, note, time.Now()
	}
	return err
}

// Reached notes how far the loop has come: the offset of the next message.
func (c *Claim) Reached(next int64) {
	c.group.Progress.Reached(c.Topic, c.Partition, next)
}

// failing notes that the partition cannot be read, or with nil that it can again.
func (c *Claim) failing(err error) {
	if err != nil {
		c.group.Log.Warn("reading failed; trying again", "topic", c.Topic, "partition", c.Partition, "err", err)
	}
	c.group.Progress.Failing(c.Topic, c.Partition, err)
}

// Progress is told how far a loop has come in the partitions that are its own.
type Progress interface {
	Reached(topic string, partition int, next int64)
	Failing(topic string, partition int, err error) // nil: it works again
	Left(topic string, partition int)               // another process may read it from now on
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
// from the last commit. What stays with this process when others come or go is
// worked on without a pause. Partitions that a topic gets later are divided as well.
func (c *Cluster) Run(ctx context.Context, g Group, work func(ctx context.Context, claim *Claim) error) error {
	m := &member{cluster: c, group: &g, work: work, claims: map[place]*claimed{}, over: make(chan struct{}, 1)}
	for ctx.Err() == nil {
		_ = awayPauses.Do(ctx, func() error { return m.round(ctx) }, func(err error) {
			g.Log.Warn("the group cannot be reached; going on with what is ours", "group", g.ID, "err", err)
		})
	}
	m.stopAll()
	m.leave()
	return nil
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
		c.group.Progress.Failing(c.Topic, c.Partition, err)
		c.group.Log.Error("a partition failed; beginning again from its last commit",
			"group", c.group.ID, "topic", c.Topic, "partition", c.Partition, "err", err)
	})
}

// ErrNotOurs is the error of a commit to a partition that is another's by now.
var ErrNotOurs = errors.New("the partition is another's by now")

// later says whether a commit may be tried again: the group is being divided, or
// its coordinator is away.
func later(err error) bool { return err != nil && !errors.Is(err, ErrNotOurs) }

// thrownOut says whether the group does not know the member any more.
func thrownOut(err error) bool {
	return errors.Is(err, kafkago.UnknownMemberId) || errors.Is(err, kafkago.IllegalGeneration) ||
		errors.Is(err, kafkago.FencedInstanceID)
}

// claimed is a claim that is being worked on.
type claimed struct {
	cancel   context.CancelFunc
	stopping bool
	done     chan struct{}
}

// identity is who a member is in the group's present generation.
type identity struct {
	mu         sync.Mutex
	id         string
	generation int32
}

func (i *identity) get() (string, int32) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.id, i.generation
}

func (i *identity) set(id string, generation int32) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.id, i.generation = id, generation
}
