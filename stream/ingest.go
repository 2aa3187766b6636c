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
}

// NewIngest returns a loop of the consumer group with that id.
func NewIngest(d Deps, groupID string, p *event.Parser) (*Ingest, error) {
	if err := d.need("ingest", part{"group", groupID == ""}, part{"parser", p == nil}); err != nil {
		return nil, err
	}
	return &Ingest{d, groupID, p}, nil
}

// Run works until ctx ends.
func (in *Ingest) Run(ctx context.Context) error {
	blocks := newBlocks(in.Cluster)
	err := in.Cluster.Run(ctx, in.group(in.groupID, "ingest", in.Topics.Sources()...),
		func(ctx context.Context, c *kafka.Claim) error { return in.partition(ctx, c, blocks) })
	return errors.Join(err, blocks.Close())
}

// partition reads a batch, writes its legs and dead letters, and commits.
func (in *Ingest) partition(ctx context.Context, c *kafka.Claim, blocks *kafka.Producer) error {
	cut := newCutter(in.Topics, c)
	return c.Reader(c.Offset).Batches(ctx, func(b kafka.Batch) error {
		now := in.Clock()
		for i := range b.Messages {
			in.one(&b.Messages[i], now, cut)
		}
		// Legs first: a dead letter that is written twice is a lesser evil
		// than one that hides a batch which was not.
		if err := blocks.Write(ctx, cut.blocks()...); err != nil {
			return err
		}
		if err := in.Documents.Write(ctx, cut.dead...); err != nil {
			return err
		}
		cut.reset()
		c.Reached(b.Next)
		return c.Commit(b.Next, len(b.Messages) == 0)
	})
}

// one parses a message and cuts it into legs.
func (in *Ingest) one(m *kafka.Message, now event.Instant, cut *cutter) {
	var e event.Event
	var err error
	switch {
	case m.Topic == in.Topics.Risk || m.Topic == in.Topics.Controls:
		err = event.ParseInner(m.Value, &e)
	case m.Topic == in.Topics.Watchlist && len(m.Value) == 0:
		err = event.ParseWatchRemoval(m.Key, now, &e)
	default:
		err = in.parser.Parse(m.Value, now, &e)
	}
	if err == nil && (e.Kind == event.KindWatch) != (m.Topic == in.Topics.Watchlist) {
		err = event.Refusal{event.NewProblem("/kind", "wrong-topic", "kind", e.Kind.String(), "topic", m.Topic)}
	}
	if err != nil {
		reason := event.ReasonNotJSON
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

// deadLetter keeps the original bytes, and says where they came from and why
// they were refused.
func (in *Ingest) deadLetter(m *kafka.Message, reason event.Reason, err error) kafka.Message {
	var refusal event.Refusal
	errors.As(err, &refusal)
	letter := refused{topic: m.Topic, partition: m.Partition, offset: m.Offset, reason: reason, err: err,
		problems: refusal, at: in.Clock()}
	return letter.message(in.Topics, m.Value, m.Headers)
}

// cutter gathers the legs of a batch into a block for each legs partition.
type cutter struct {
	topic   string
	source  event.Source
	open    [][]byte // by legs partition
	full    []kafka.Message
	dead    []kafka.Message
	touched []event.Touch
	payload []byte
	name    []byte
}

func newCutter(t Topics, c *kafka.Claim) *cutter {
	return &cutter{topic: t.Legs, open: make([][]byte, t.Partitions),
		source: event.Source{Topic: uint8(slices.Index(t.Sources(), c.Topic)), Partition: int32(c.Partition)}}
}

// add appends the event's legs. An event's legs for one partition never part:
// a block is closed between events.
func (k *cutter) add(e *event.Event, offset int64) {
	k.source.Offset = offset
	k.payload = event.AppendEvent(k.payload[:0], e)
	k.touched = e.Touched(k.touched[:0])
	for p, b := range k.open {
		if len(b) > maxBlock {
			k.close(p)
		}
	}
	for _, t := range k.touched {
		if t.Role == event.RoleControl { // every partition must know
			for p := range k.open {
				k.leg(p, t)
			}
			continue
		}
		k.name = append(append(k.name[:0], t.Prefix...), t.Name...)
		k.leg(event.PartitionOf(k.name, len(k.open)), t)
	}
}

func (k *cutter) leg(p int, t event.Touch) {
	if len(k.open[p]) == 0 {
		k.open[p] = event.BeginBlock(k.open[p])
	}
	k.open[p] = event.AppendLeg(k.open[p], t, k.source, k.payload)
}

func (k *cutter) close(p int) {
	k.full = append(k.full, kafka.Message{Topic: k.topic, Key: partitionKey(p), Value: k.open[p]})
	k.open[p] = nil // the record keeps the bytes
}

func (k *cutter) blocks() []kafka.Message {
	for p, b := range k.open {
		if len(b) > 0 {
			k.close(p)
		}
	}
	return k.full
}

func (k *cutter) reset() { k.full, k.dead = k.full[:0], k.dead[:0] }
