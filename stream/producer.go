package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"stopline.internal/stream/event"
)

// Producer writes to any of the topics, and returns once all in-sync replicas
// have the messages. It is safe for many goroutines.
type Producer struct {
	blocks *kafka.Writer // one record a message, sent at once, partition named by the key
	docs   *kafka.Writer // documents, partition by hash of the key
}

// NewProducer returns a producer; it dials when it is first used.
func NewProducer(brokers string) *Producer {
	w := func(b kafka.Balancer, batch int, bytes int64) *kafka.Writer {
		return &kafka.Writer{
			Addr: kafka.TCP(strings.Split(brokers, ",")...), Balancer: b, RequiredAcks: kafka.RequireAll,
			BatchSize: batch, BatchBytes: bytes, BatchTimeout: 5 * time.Millisecond,
			MaxAttempts: 20, WriteBackoffMin: 50 * time.Millisecond, WriteBackoffMax: time.Second,
			WriteTimeout: 15 * time.Second, ReadTimeout: 15 * time.Second,
		}
	}
	return &Producer{
		blocks: w(kafka.BalancerFunc(func(m kafka.Message, partitions ...int) int {
			return partitions[int(binary.BigEndian.Uint32(m.Key))%len(partitions)]
		}), 64, 7<<20), // the topic takes 8 MB at once
		docs: w(kafka.BalancerFunc(func(m kafka.Message, partitions ...int) int {
			return partitions[event.HashBytes(m.Key)%uint64(len(partitions))]
		}), 1000, 12<<20), // as much as the dead letters take
	}
}

// partitionKey is the key of a block for a legs partition.
func partitionKey(p int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(p)) }

// Write appends documents to their topics.
func (p *Producer) Write(ctx context.Context, msgs ...kafka.Message) error {
	return write(ctx, p.docs, msgs)
}

func (p *Producer) writeBlocks(ctx context.Context, msgs []kafka.Message) error {
	return write(ctx, p.blocks, msgs)
}

func write(ctx context.Context, w *kafka.Writer, msgs []kafka.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	err := w.WriteMessages(ctx, msgs...)
	var each kafka.WriteErrors
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
		return fmt.Errorf("write to %s: %d of %d messages failed, the first with: %w", msgs[0].Topic, failed, len(msgs), first)
	}
	if err != nil {
		return fmt.Errorf("write to %s: %w", msgs[0].Topic, err)
	}
	return nil
}

// Close sends what is left and disconnects.
func (p *Producer) Close() error { return errors.Join(p.blocks.Close(), p.docs.Close()) }
