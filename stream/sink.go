package stream

import (
	"context"
	"sync/atomic"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/kafka"
)

// Sink writes the books: transfers and calls from the legs, alerts, what scoring
// refused, and every version of every stop. While ClickHouse is away it waits, and
// nothing else does.
//
// Each partition makes its rows by itself; one writer gathers them for all, since
// an insert costs ClickHouse the same whatever its size. How far the books have a
// partition lies in ClickHouse, beside the rows and written after them, and in
// Kafka's commit after that: a start goes on from the lower of the two, so that
// rows that ClickHouse lost are written again.
type Sink struct {
	Deps
	groupID    string
	warehouse  *warehouse.Warehouse
	terms      law.Terms
	writer     *bookWriter
	quarantine *quarantine
}

// NewSink returns a loop of the consumer group with that id. It folds the
// ledger's log by the terms.
func NewSink(d Deps, groupID string, w *warehouse.Warehouse, t law.Terms) (*Sink, error) {
	if err := d.need("the sink", part{"group", groupID == ""}, part{"warehouse", w == nil}); err != nil {
		return nil, err
	}
	return &Sink{Deps: d, groupID: groupID, warehouse: w, terms: t, quarantine: d.newQuarantine("warehouse")}, nil
}

// Run works until ctx ends.
func (s *Sink) Run(ctx context.Context) error {
	s.lookForBroken(ctx)
	s.writer = newBookWriter(&s.Deps, s.warehouse)
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.writer.run(writing)
	}()
	// The writer outlives the partitions: what they have handed over at the end is
	// written before they are given away.
	err := s.Cluster.Run(ctx, s.group(s.groupID, "warehouse", s.Topics.BookTopics()...), s.partition)
	stop()
	<-ended
	return err
}

// lookForBroken says what ClickHouse has set aside: no offset tells of that.
func (s *Sink) lookForBroken(ctx context.Context) {
	broken, err := s.warehouse.Broken(ctx)
	if err != nil {
		s.Log.Warn("whether ClickHouse has set parts of the books aside is not known", "err", err)
	} else if len(broken) > 0 {
		s.Log.Error("ClickHouse could not read parts of the books and has set them aside: ask \"stopline report verify\" "+
			"what is missing, and mend it with \"stopline books rebuild\"", "parts", broken)
	}
}

// sinkPartition is how far one partition has come.
type sinkPartition struct {
	topic     string
	partition int
	handed    int64        // to the writer: the offset of the next record
	written   atomic.Int64 // by the writer
}

func (s *Sink) partition(ctx context.Context, c *kafka.Claim) error {
	from, err := s.begin(ctx, c)
	if err != nil {
		return err
	}
	p := &sinkPartition{topic: c.Topic, partition: c.Partition, handed: from}
	p.written.Store(from)
	rows, begin := newBookRows(&s.Deps, c.Topic, s.terms, from)
	err = c.Reader(begin).Batches(ctx, func(b kafka.Batch) error {
		batch := &warehouse.Rows{}
		for i := range b.Messages {
			m := &b.Messages[i]
			err := s.quarantine.pass(ctx, m, func() error { return rows.add(batch, m) })
			if err != nil {
				return err
			}
		}
		if b.Next > p.handed { // what is only folded is in the books already
			if err := s.writer.hand(ctx, p, batch, b.Next); err != nil {
				return err
			}
		}
		return p.commit(c, false)
	})
	if ctx.Err() == nil {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.writer.finish(last); err != nil {
		s.Log.Warn("leaving before everything is in the books; the next start writes the rest again",
			"topic", c.Topic, "partition", c.Partition, "err", err)
	}
	return p.commit(c, true)
}

// begin is the lower of Kafka's commit and of how far the books have the
// partition; the beginning of what Kafka keeps where either has nothing of it.
func (s *Sink) begin(ctx context.Context, c *kafka.Claim) (int64, error) {
	next, written, err := s.warehouse.Offset(ctx, c.Topic, c.Partition)
	if err != nil {
		return 0, err
	}
	if !written || c.Offset < 0 {
		if c.Offset > 0 {
			s.Log.Warn("ClickHouse has no books of a partition that were written before, or has them in an older form: "+
				"they are written anew from what Kafka keeps", "topic", c.Topic, "partition", c.Partition)
		}
		return kafka.FirstOffset, nil
	}
	if next < c.Offset {
		s.Log.Warn("ClickHouse has lost rows that were written before: they are written again",
			"topic", c.Topic, "partition", c.Partition, "from", next, "to", c.Offset)
	}
	return min(next, c.Offset), nil
}

// commit tells Kafka what is in the books.
func (p *sinkPartition) commit(c *kafka.Claim, force bool) error {
	at := p.written.Load()
	if at < 0 {
		return nil // nothing yet
	}
	c.Reached(at)
	if at <= c.Offset {
		return nil
	}
	return c.Commit(at, force)
}
