package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	maxFetch  = 8 << 20                // bytes of one fetch
	idle      = 200 * time.Millisecond // how long a fetch waits where there is nothing
	fetchTime = 15 * time.Second       // how long it may take in all
	dialTime  = 5 * time.Second        // how long finding the leader may: kafka-go's lookup asks on without an end
)

// Reader reads one partition in batches as the broker hands them out. One
// goroutine owns it.
type Reader struct {
	cluster   *Cluster
	topic     string
	partition int
	offset    int64 // of the next message; FirstOffset, LastOffset
	conn      *kafka.Conn
	release   func() bool
	first     int64 // the oldest message that is kept, as of the last dial
	end       int64 // behind the newest, as of the last fetch
}

// NewReader returns a reader of one partition from an offset on; it dials when it
// is first used.
func (c *Cluster) NewReader(topic string, partition int, offset int64) *Reader {
	return &Reader{cluster: c, topic: topic, partition: partition, offset: offset}
}

// Span dials if need be, and tells what the partition holds: the offset of its
// oldest message, and the one behind its newest. They are equal where it is empty.
func (r *Reader) Span(ctx context.Context) (first, end int64, err error) {
	if err := r.connected(ctx); err != nil {
		return 0, 0, err
	}
	return r.first, r.end, nil
}

// Offset is that of the next message.
func (r *Reader) Offset() int64 { return r.offset }

// CaughtUp says whether everything has been read that the partition held at the
// last fetch.
func (r *Reader) CaughtUp() bool { return r.offset >= r.end }

// Seek goes on at an offset. The caller keeps within [Reader.Span].
func (r *Reader) Seek(ctx context.Context, offset int64) error {
	r.offset = offset
	if r.conn == nil {
		return nil
	}
	_, err := r.conn.Seek(offset, kafka.SeekAbsolute|kafka.SeekDontCheck)
	return r.wrap(ctx, err)
}

// connected dials where there is no connection.
func (r *Reader) connected(ctx context.Context) error {
	if r.conn != nil {
		return nil
	}
	if err := r.connect(ctx); err != nil {
		r.Close()
		return r.wrap(ctx, err)
	}
	return nil
}

// connect dials the partition's leader and finds the offset to read from.
func (r *Reader) connect(ctx context.Context) error {
	var err error
	for _, b := range r.cluster.brokers {
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
	r.first, r.end = first, last
	switch {
	case r.offset == LastOffset:
		r.offset = last
	case r.offset < first:
		if r.offset >= 0 { // not FirstOffset: the topic's retention was shorter than the time away
			slog.Error("messages have expired unread", "topic", r.topic, "partition", r.partition, "from", r.offset, "to", first)
		}
		r.offset = first
	case r.offset > last:
		return fmt.Errorf("the partition ends at %d, before the offset to read from, %d: was the topic made anew? "+
			"Start with another --data or --topic-prefix", last, r.offset)
	}
	_, err = conn.Seek(r.offset, kafka.SeekAbsolute|kafka.SeekDontCheck)
	return err
}

func (r *Reader) dial(ctx context.Context, broker string) (*kafka.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := kafka.DialLeader(ctx, "tcp", broker, r.topic, r.partition)
	if err != nil {
		return nil, fmt.Errorf("find the leader by %s: %w", broker, err)
	}
	return conn, nil
}

// Read appends the next messages to dst; none after a while without any.
func (r *Reader) Read(ctx context.Context, dst []Message) ([]Message, error) {
	if err := r.connected(ctx); err != nil {
		return dst, err
	}
	if err := r.conn.SetDeadline(time.Now().Add(fetchTime)); err != nil {
		r.Close()
		return dst, r.wrap(ctx, err)
	}
	batch := r.conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: maxFetch, MaxWait: idle})
	r.end = max(r.end, batch.HighWaterMark())
	var err error
	for {
		var m Message
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
	r.Close()
	if len(dst) > 0 {
		return dst, nil // what was read is whole; the next read dials again
	}
	return dst, r.wrap(ctx, err)
}

// Batch is what one fetch brought: no messages, after a while without any.
type Batch struct {
	Messages []Message
	Next     int64 // offset to go on from, once these are done for
}

// Batches reads ahead, one batch while the one before is worked on, and calls
// work for each in turn, until the context ends or either fails. An empty batch
// says that there is nothing new. The reader is closed then.
func (r *Reader) Batches(ctx context.Context, work func(Batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	ahead := make(chan Batch)
	failed := make(chan error, 1)
	go func() {
		defer r.Close()
		for {
			msgs, err := r.Read(ctx, nil)
			if err != nil {
				failed <- err
				return
			}
			select {
			case ahead <- Batch{msgs, r.offset}:
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

func (r *Reader) wrap(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("read %s/%d at %d: %w", r.topic, r.partition, r.offset, err)
}

// Close disconnects. The next read dials again.
func (r *Reader) Close() {
	if r.conn != nil {
		r.release()
		_ = r.conn.Close()
		r.conn = nil
	}
}
