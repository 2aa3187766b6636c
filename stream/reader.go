package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	maxFetch  = 8 << 20                // bytes of one fetch
	idle      = 200 * time.Millisecond // how long a fetch waits where there is nothing
	fetchTime = 15 * time.Second       // how long it may take in all
	dialTime  = 5 * time.Second        // how long finding the leader may: kafka-go's lookup asks on without an end
)

// reader reads one partition in batches as the broker hands them out.
type reader struct {
	brokers   []string
	topic     string
	partition int
	offset    int64 // of the next message; kafka.FirstOffset, LastOffset
	conn      *kafka.Conn
	release   func() bool
	high      int64 // the partition's end, as of the last fetch
}

func newReader(brokers, topic string, partition int, offset int64) *reader {
	return &reader{brokers: strings.Split(brokers, ","), topic: topic, partition: partition, offset: offset}
}

// connect dials the partition's leader and finds the offset to read from.
func (r *reader) connect(ctx context.Context) error {
	var err error
	for _, b := range r.brokers {
		if r.conn, err = r.dial(ctx, b); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	conn := r.conn
	r.release = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(fetchTime)); err != nil {
		return err
	}
	first, last, err := conn.ReadOffsets()
	if err != nil {
		return err
	}
	r.high = last
	switch {
	case r.offset == kafka.LastOffset:
		r.offset = last
	case r.offset < first:
		if r.offset >= 0 { // not FirstOffset: the topic's retention was shorter than the time away
			slog.Error("messages have expired unread", "topic", r.topic, "partition", r.partition, "from", r.offset, "to", first)
		}
		r.offset = first
	case r.offset > last:
		return fmt.Errorf("the partition ends at %d, before the offset to read from, %d: was the topic made anew? Start with another --data or --topic-prefix", last, r.offset)
	}
	_, err = conn.Seek(r.offset, kafka.SeekAbsolute|kafka.SeekDontCheck)
	return err
}

func (r *reader) dial(ctx context.Context, broker string) (*kafka.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := kafka.DialLeader(ctx, "tcp", broker, r.topic, r.partition)
	if err != nil {
		return nil, fmt.Errorf("find the leader by %s: %w", broker, err)
	}
	return conn, nil
}

// read appends the next messages to dst; none after a while without any.
func (r *reader) read(ctx context.Context, dst []kafka.Message) ([]kafka.Message, error) {
	if r.conn == nil {
		if err := r.connect(ctx); err != nil {
			r.close()
			return dst, r.wrap(ctx, err)
		}
	}
	if err := r.conn.SetDeadline(time.Now().Add(fetchTime)); err != nil {
		r.close()
		return dst, r.wrap(ctx, err)
	}
	batch := r.conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: maxFetch, MaxWait: idle})
	r.high = max(r.high, batch.HighWaterMark())
	var err error
	for {
		var m kafka.Message
		if m, err = batch.ReadMessage(); err != nil {
			break
		}
		r.offset = m.Offset + 1
		dst = append(dst, m)
	}
	_ = batch.Close()
	if errors.Is(err, io.EOF) || errors.Is(err, kafka.RequestTimedOut) {
		return dst, nil
	}
	r.close()
	if len(dst) > 0 {
		return dst, nil // what was read is whole; the next read dials again
	}
	return dst, r.wrap(ctx, err)
}

// batch is what one fetch brought: none, after a while without any.
type batch struct {
	msgs []kafka.Message
	next int64 // offset to go on from, once these are done for
}

// batches reads ahead, one batch while the one before is worked on, and calls
// work for each in turn, until the context ends or either fails. An empty batch
// says that there is nothing new.
func (r *reader) batches(ctx context.Context, work func(batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	ahead := make(chan batch)
	failed := make(chan error, 1)
	go func() {
		defer r.close()
		for {
			msgs, err := r.read(ctx, nil)
			if err != nil {
				failed <- err
				return
			}
			select {
			case ahead <- batch{msgs, r.offset}:
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			}
		}
	}()
	for {
		select {
		case b := <-ahead:
			if err := work(b); err != nil {
				cancel()
				return errors.Join(err, ignoreEnd(<-failed))
			}
		case err := <-failed:
			cancel()
			return err
		}
	}
}

// ignoreEnd drops the error of a read that was ended on purpose.
func ignoreEnd(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (r *reader) wrap(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("read %s/%d at %d: %w", r.topic, r.partition, r.offset, err)
}

func (r *reader) close() {
	if r.conn != nil {
		r.release()
		_ = r.conn.Close()
		r.conn = nil
	}
}
