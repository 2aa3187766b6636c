package stream

import (
	"context"
	"errors"
	"slices"

	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// maxBlock bounds a block of legs; a larger batch makes several.
const maxBlock = 512 << 10

// Ingest reads the source topics, refuses what cannot be read with a reason,
// and writes the legs of the rest, in blocks, to the partitions that own the
// entities.
type Ingest struct {
	Deps
	groupID string
	parser  *event.Parser
	block   int   // bytes from which on a block of legs is full
	batch   int64 // bytes of blocks that are written at once
}

// NewIngest returns a loop of the consumer group with that id.
func NewIngest(d Deps, groupID string, p *event.Parser) (*Ingest, error) {
	if err := d.need("ingest", part{"group", groupID == ""}, part{"parser", p == nil}); err != nil {
		return nil, err
	}
	return &Ingest{d, groupID, p, maxBlock, maxBlocks}, nil
}

// Run works until ctx ends.
func (in *Ingest) Run(ctx context.Context) error {
	blocks := newBlocks(in.Cluster, in.batch)
	err := in.Cluster.Run(ctx, in.group(in.groupID, "ingest", in.Topics.Sources()...),
		func(ctx context.Context, c *kafka.Claim) error { return in.partition(ctx, c, blocks) })
	return errors.Join(err, blocks.Close())
}

// partition reads a batch, writes its legs and dead letters, and commits. Whatever
// fails ends the epoch: what was written of a batch that failed is void from the
// moment on at which it is begun again.
func (in *Ingest) partition(ctx context.Context, c *kafka.Claim, blocks *kafka.Producer) error {
	e, from, err := beginEpoch(ctx, c, in.Topics.Partitions, wall(), in.Log)
	if err != nil {
		return err
	}
	cut := newCutter(in, c, &e, from)
	return c.Reader(from).Batches(ctx, func(b kafka.Batch) error {
		now := in.Clock()
		for i := range b.Messages {
			in.one(&b.Messages[i], now, cut)
		}
		// Legs first: a dead letter that is written twice is a lesser evil
		// than one that hides a batch which was not.
		if err := blocks.Write(ctx, cut.blocks(b.Next)...); err != nil {
			return err
		}
		if err := in.Documents.Write(ctx, cut.dead...); err != nil {
			return err
		}
		if n := len(b.Messages); n > 0 {
			e.know(landmarkOf(&b.Messages[n-1]))
		}
		cut.reset()
		c.Reached(b.Next)
		return c.CommitNote(b.Next, cut.note(b.Next), len(b.Messages) == 0)
	})
}

// one parses a message and cuts it into legs.
func (in *Ingest) one(m *kafka.Message, now event.Instant, cut *cutter) {
	var e event.Event
	err := safely(func() error { return in.parse(m, now, &e) })
	if err != nil {
		reason := event.ReasonUnreadable
		var refusal event.Refusal
		if errors.As(err, &refusal) {
			reason = refusal[0].Reason
		}
		in.Metrics.DeadLetters.WithLabelValues(string(reason)).Inc()
		cut.dead = append(cut.dead, in.deadLetter(m, reason, err))
		return
	}
	if e.Kind == event.KindControl && e.Control.What == event.ControlProposal {
		return // nothing is decided yet
	}
	if e.Kind <= event.KindWatch { // what came from outside
		in.Metrics.Events.WithLabelValues(e.Kind.String()).Inc()
	}
	if e.Kind == event.KindTransfer {
		e.Transfer.Screened = len(m.Headers) > 0 && screened(m)
	}
	cut.add(&e, m.Offset)
}

// parse reads a message into an event.
func (in *Ingest) parse(m *kafka.Message, now event.Instant, e *event.Event) (err error) {
	switch {
	case m.Unreadable != nil:
		return event.Refusal{event.NewProblem("", "unreadable", "bytes", m.Unreadable.Size, "cause",
			m.Unreadable.Why.Error())}
	case m.Topic == in.Topics.Risk || m.Topic == in.Topics.Controls:
		if err = event.ParseInner(m.Value, e); err != nil {
			err = event.Refusal{event.NewProblem("", "not-json", "cause", err.Error())}
		}
	case m.Topic == in.Topics.Watchlist && len(m.Value) == 0:
		err = event.ParseWatchRemoval(m.Key, now, e)
	default:
		err = in.parser.Parse(m.Value, now, e)
	}
	if err == nil && (e.Kind == event.KindWatch) != (m.Topic == in.Topics.Watchlist) {
		err = event.Refusal{event.NewProblem("/kind", "wrong-topic", "kind", e.Kind.String(), "topic", m.Topic)}
	}
	return err
}

// deadLetter keeps the original bytes, and says where they came from and why
// they were refused.
func (in *Ingest) deadLetter(m *kafka.Message, reason event.Reason, err error) kafka.Message {
	var refusal event.Refusal
	errors.As(err, &refusal)
	letter := refused{topic: m.Topic, partition: m.Partition, offset: m.Offset, reason: reason, err: err,
		problems: refusal, at: in.Clock()}
	if m.Unreadable != nil {
		letter.size = m.Unreadable.Size
	}
	return letter.message(in.Topics, m.Value, m.Headers)
}

// cutter gathers the legs of a batch into a block for each legs partition, and
// knows how far each of these was written in its epoch.
type cutter struct {
	topic   string
	size    int // of a block that is full
	source  event.Source
	epoch   *epoch
	open    [][]byte // by legs partition
	written []int64  // by legs partition, the offset that the last block ended at
	begun   []bool   // by legs partition, whether the epoch has a block there
	full    []kafka.Message
	dead    []kafka.Message
	touched []event.Touch
	payload []byte
	name    []byte
}

func newCutter(in *Ingest, c *kafka.Claim, e *epoch, from int64) *cutter {
	t := &in.Topics
	k := &cutter{topic: t.Legs, size: in.block, epoch: e, open: make([][]byte, t.Partitions),
		written: make([]int64, t.Partitions),
		begun:   make([]bool, t.Partitions),
		source:  event.Source{Topic: uint8(slices.Index(t.Sources(), c.Topic)), Partition: int32(c.Partition)}}
	for p := range k.written {
		if k.written[p] = from; e.Unwritten != nil {
			k.written[p] = max(0, from-e.Unwritten[p])
		}
	}
	return k
}

// add appends the event's legs. An event's legs for one partition never part:
// a block is closed between events.
func (k *cutter) add(e *event.Event, offset int64) {
	k.source.Offset = offset
	k.payload = event.AppendEvent(k.payload[:0], e)
	k.touched = e.Touched(k.touched[:0])
	for p, b := range k.open {
		if len(b) > k.size {
			k.close(p, offset)
		}
	}
	for _, t := range k.touched {
		if t.Role == event.RoleControl { // every partition must know
			for p := range k.open {
				k.leg(p, t)
			}
			continue
		}
		if t.Role == event.RoleReport {
			k.payload = event.AppendEvent(k.payload[:0], e.Share(t.Name))
		}
		k.name = append(append(k.name[:0], t.Prefix...), t.Name...)
		k.leg(event.PartitionOf(k.name, len(k.open)), t)
	}
}

func (k *cutter) leg(p int, t event.Touch) {
	if len(k.open[p]) == 0 {
		k.open[p] = event.BeginSpan(k.open[p], event.Span{Topic: k.source.Topic, Partition: k.source.Partition,
			Epoch: k.epoch.Number, Back: k.epoch.Back, From: k.written[p], To: k.written[p], First: !k.begun[p]})
		k.begun[p] = true
	}
	k.open[p] = event.AppendLeg(k.open[p], t, k.source, k.payload)
}

// close ends a partition's block before a source offset.
func (k *cutter) close(p int, to int64) {
	event.EndSpan(k.open[p], to)
	k.written[p] = to
	k.full = append(k.full, kafka.Message{Topic: k.topic, Key: partitionKey(p), Value: k.open[p]})
	k.open[p] = nil // the record keeps the bytes
}

// blocks ends all blocks before the offset that is read next.
func (k *cutter) blocks(next int64) []kafka.Message {
	for p, b := range k.open {
		if len(b) > 0 {
			k.close(p, next)
		}
	}
	return k.full
}

// note is what is committed with the offset that is read next.
func (k *cutter) note(next int64) string {
	k.epoch.Unwritten = k.epoch.Unwritten[:0]
	for _, to := range k.written {
		k.epoch.Unwritten = append(k.epoch.Unwritten, next-to)
	}
	return string(event.Encode(k.epoch))
}

func (k *cutter) reset() { k.full, k.dead = k.full[:0], k.dead[:0] }
