package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// Producer writes to topics, and returns once all in-sync replicas have the
// messages. It is safe for many goroutines.
type Producer struct{ writer *kafkago.Writer }

// ProducerConfig says how a producer writes.
type ProducerConfig struct {
	// Partition chooses among n partitions by a message's key; nil: by its murmur2,
	// as the clients of other languages do, so that what they write under a key and
	// what is written here has one order.
	Partition func(key []byte, n int) int
	Messages  int   // sent together at most
	Bytes     int64 // the same; what one topic takes at once is the broker's to bound
	Attempts  int   // before a write fails; 0: 20, which takes some fifteen seconds
}

// A batch is sent when it is full, or after so long: each write is an fsync of
// the embedded broker, and a batch of one would make the broker the bottleneck.
const linger = 5 * time.Millisecond

// NewProducer returns a producer; it dials when it is first used.
func (c *Cluster) NewProducer(p ProducerConfig) *Producer {
	var balancer kafkago.Balancer = kafkago.Murmur2Balancer{Consistent: true}
	if p.Partition != nil {
		balancer = kafkago.BalancerFunc(func(m kafkago.Message, partitions ...int) int {
			return partitions[p.Partition(m.Key, len(partitions))]
		})
	}
	return &Producer{&kafkago.Writer{
		Addr: c.addr, Transport: c.transport, RequiredAcks: kafkago.RequireAll, Balancer: balancer,
		Compression: c.compression, BatchSize: p.Messages, BatchBytes: p.Bytes, BatchTimeout: linger,
		MaxAttempts: cmp.Or(p.Attempts, 20), WriteBackoffMin: 50 * time.Millisecond, WriteBackoffMax: time.Second,
		WriteTimeout: 15 * time.Second, ReadTimeout: 15 * time.Second,
	}}
}

// Write appends messages to their topics. With an error some of them may have
// been written; a message that is written again is the reader's to know.
func (p *Producer) Write(ctx context.Context, msgs ...Message) error {
	if len(msgs) == 0 {
		return nil
	}
	out := make([]kafkago.Message, len(msgs))
	for i := range msgs {
		m := &msgs[i]
		out[i] = kafkago.Message{Topic: m.Topic, Key: m.Key, Value: m.Value}
		for _, h := range m.Headers {
			out[i].Headers = append(out[i].Headers, kafkago.Header{Key: h.Key, Value: h.Value})
		}
	}
	err := p.writer.WriteMessages(ctx, out...)
	var each kafkago.WriteErrors
	if errors.As(err, &each) {
		failed := 0
		var first error
		for _, e := range each {
			if e != nil {
				if failed++; first == nil {
					first = e
				}
			}
		}
		return fmt.Errorf("write to %s: %d of %d messages failed, the first with: %w", msgs[0].Topic, failed, len(msgs),
			first)
	}
	if err != nil {
		return fmt.Errorf("write to %s: %w", msgs[0].Topic, err)
	}
	return nil
}

// Close sends what is left and disconnects.
func (p *Producer) Close() error { return p.writer.Close() }
