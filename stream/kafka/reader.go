package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"stopline.internal/stream/kafka/records"
)

const (
	maxFetch  = 8 << 20                // bytes of one fetch, as they come
	idle      = 200 * time.Millisecond // how long a fetch waits where there is nothing
	fetchTime = 15 * time.Second       // how long it may take in all
	dialTime  = 5 * time.Second        // how long a connection may
	copied    = 64 << 10               // bytes that are kept of what cannot be read
)

// MaxRecord is the size of a record that is still read, in bytes after
// decompression; what one fetch brings is bounded by four of them.
const MaxRecord = 16 << 20

// limits are those of one fetch.
var limits = records.Limits{Record: MaxRecord, All: 4 * MaxRecord, Skip: 1 << 30, Copy: copied}

// Reader reads one partition in batches as the broker hands them out: of
// transactions what was committed, and no control records. One goroutine owns it.
type Reader struct {
	cluster   *Cluster
	topic     string
	partition int
	offset    int64 // of the next message; FirstOffset, LastOffset
	found     bool  // the partition's span is known, and the offset lies in it
	first     int64 // the oldest message that is kept
	end       int64 // behind the newest, as of the last fetch
	read      []records.Record
	away      func(error) // is told while the cluster is away, and with nil when it is back
}

// NewReader returns a reader of one partition from an offset on; it dials when it
// is first used.
func (c *Cluster) NewReader(topic string, partition int, offset int64) *Reader {
	return &Reader{cluster: c, topic: topic, partition: partition, offset: offset, away: func(error) {}}
}

// LostError says that a partition ends before an offset that was read: its log was
// cut, or the topic was made anew.
type LostError struct {
	Topic       string
	Partition   int
	Offset, End int64 // the next to read, and where the partition ends
}

// Error says what can be done.
func (e *LostError) Error() string {
	return fmt.Sprintf("%s/%d ends at %d, before the offset to read from, %d: its log was cut, or the topic was made "+
		"anew; "+
		"start with another --data or --topic-prefix, or set the offset back", e.Topic, e.Partition, e.End, e.Offset)
}

// Span tells what the partition holds: the offset of its oldest message, and the
// one behind its newest that can be read. They are equal where it is empty.
func (r *Reader) Span(ctx context.Context) (first, end int64, err error) {
	if err := r.find(ctx); err != nil {
		return 0, 0, r.wrap(ctx, err)
	}
	return r.first, r.end, nil
}

// Offset is that of the next message.
func (r *Reader) Offset() int64 { return r.offset }

// CaughtUp says whether everything has been read that the partition held at the
// last fetch.
func (r *Reader) CaughtUp() bool { return r.found && r.offset >= r.end }

// GoTo goes on at an offset. The caller keeps within [Reader.Span].
func (r *Reader) GoTo(offset int64) { r.offset = offset }

// At reads the record at an offset, and says whether there is one: it may have
// expired, been compacted away, or not have come yet. The reader goes on behind it.
func (r *Reader) At(ctx context.Context, offset int64) (Message, bool, error) {
	if err := r.find(ctx); err != nil {
		return Message{}, false, r.wrap(ctx, err)
	}
	if offset < r.first || offset >= r.end {
		return Message{}, false, nil
	}
	r.GoTo(offset)
	msgs, err := r.Read(ctx, nil)
	if err != nil || len(msgs) == 0 || msgs[0].Offset != offset {
		return Message{}, false, err
	}
	return msgs[0], true, nil
}

// find asks for the partition's span, and puts the offset into it.
func (r *Reader) find(ctx context.Context) error {
	if r.found {
		return nil
	}
	resp, err := r.cluster.client(askTime).ListOffsets(ctx, &kafkago.ListOffsetsRequest{
		IsolationLevel: kafkago.ReadCommitted, Topics: map[string][]kafkago.OffsetRequest{
			r.topic: {kafkago.FirstOffsetOf(r.partition), kafkago.LastOffsetOf(r.partition)}}})
	if err != nil {
		r.cluster.refresh()
		return fmt.Errorf("ask for its span: %w", err)
	}
	for _, p := range resp.Topics[r.topic] {
		if p.Error != nil {
			r.cluster.refresh()
			return fmt.Errorf("ask for its span: %w", p.Error)
		}
		r.first, r.end = max(0, p.FirstOffset), max(0, p.LastOffset)
	}
	switch {
	case r.offset == LastOffset:
		r.offset = r.end
	case r.offset < r.first:
		if r.offset >= 0 { // not FirstOffset: the topic's retention was shorter than the time away
			slog.Error("messages have expired unread", "topic", r.topic, "partition", r.partition, "from", r.offset,
				"to", r.first)
		}
		r.offset = r.first
	case r.offset > r.end:
		return &LostError{r.topic, r.partition, r.offset, r.end}
	}
	r.found = true
	return nil
}

// Read appends the next messages to dst; none after a while without any.
func (r *Reader) Read(ctx context.Context, dst []Message) ([]Message, error) {
	dst, err := r.fetch(ctx, dst)
	return dst, r.wrap(ctx, err)
}

func (r *Reader) fetch(ctx context.Context, dst []Message) ([]Message, error) {
	if err := r.find(ctx); err != nil {
		return dst, err
	}
	bounded, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	resp, err := r.cluster.transport.RoundTrip(bounded, r.cluster.addr, &fetchRequest{ReplicaID: -1,
		MaxWaitTime: int32(idle.Milliseconds()), MinBytes: 1, MaxBytes: maxFetch, IsolationLevel: readCommitted,
		SessionEpoch: -1, Topics: []fetchTopic{{r.topic, []fetchPartition{{Partition: int32(r.partition),
			CurrentLeaderEpoch: -1, FetchOffset: r.offset, LogStartOffset: -1, PartitionMaxBytes: maxFetch}}}}})
	if err != nil {
		r.cluster.refresh()
		return dst, err
	}
	got, ok := resp.(*fetchResponse)
	if !ok || len(got.Topics) != 1 || len(got.Topics[0].Partitions) != 1 {
		return dst, errors.New("the broker answers for another partition")
	}
	p := &got.Topics[0].Partitions[0]
	if code := kafkago.Error(p.ErrorCode); code != 0 {
		r.found = false // where the offset is out of range now, finding says how
		r.cluster.refresh()
		if errors.Is(code, kafkago.OffsetOutOfRange) {
			return dst, r.find(ctx)
		}
		return dst, code
	}
	r.end = p.HighWatermark
	if p.LastStableOffset >= 0 {
		r.end = min(r.end, p.LastStableOffset)
	}
	return r.decode(p, dst), nil
}

// decode appends what a fetch brought.
func (r *Reader) decode(p *fetchedPartition, dst []Message) []Message {
	aborted := make([]records.Aborted, len(p.Aborted))
	for i, a := range p.Aborted {
		aborted[i] = records.Aborted(a)
	}
	r.read, r.offset = records.Read(p.Records, r.offset, aborted, limits, r.read[:0])
	for i := range r.read {
		c := &r.read[i]
		m := Message{Topic: r.topic, Partition: r.partition, Offset: c.Offset, Time: time.UnixMilli(c.Millis),
			Key: c.Key, Value: c.Value, Headers: c.Headers}
		if c.Unreadable != nil {
			m.Unreadable = &Unreadable{Why: c.Unreadable, Last: c.Last, Size: c.Size}
		}
		dst = append(dst, m)
	}
	clear(r.read) // what was read belongs to the caller
	return dst
}

// Batch is what one fetch brought: no messages, after a while without any.
type Batch struct {
	Messages []Message
	Next     int64 // offset to go on from, once these are done for
}

// Batches reads ahead, one batch while the one before is worked on, and calls
// work for each in turn, until the context ends or work fails. An empty batch
// says that there is nothing new. While the cluster is away it waits; it fails with
// a [LostError] where what was read is not there any more.
func (r *Reader) Batches(ctx context.Context, work func(Batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	ahead := make(chan Batch)
	failed := make(chan error, 1)
	go func() {
		for {
			msgs, err := r.readOn(ctx)
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

// readOn reads until it has been answered, or what is to be read is lost.
func (r *Reader) readOn(ctx context.Context) (msgs []Message, err error) {
	var lost *LostError
	failing := false
	if again := awayPauses.Do(ctx, func() error {
		msgs, err = r.Read(ctx, nil)
		if errors.As(err, &lost) {
			return nil
		}
		return err
	}, func(err error) { failing = true; r.away(err) }); again != nil {
		return nil, ctx.Err()
	}
	if failing {
		r.away(nil)
	}
	if lost != nil {
		return nil, err
	}
	return msgs, nil
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
