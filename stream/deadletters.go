package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// DeadLetter is a document that was refused, and why.
type DeadLetter struct {
	Partition     int
	Offset        int64
	Topic         string // that it came in by
	Reason, Error string
	Problems      []DeadLetterProblem
	At            string
	Document      []byte
	message       kafka.Message
}

// DeadLetterProblem is one thing wrong with a refused document, for words in any
// language: the catalogue has those of its code.
type DeadLetterProblem struct {
	Field  string       `json:"field,omitempty"`
	Code   string       `json:"code"`
	Values words.Values `json:"values,omitempty"`
}

// mostProblems bounds those that are kept of one document.
const mostProblems = 20

// problemsOf writes what is wrong with a document into a header.
func problemsOf(r event.Refusal) string {
	out := []DeadLetterProblem{}
	for _, p := range r[:min(len(r), mostProblems)] {
		out = append(out, DeadLetterProblem{p.Field, p.Code, p.Values})
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic(err) // texts, numbers, moments: they always encode
	}
	return string(b)
}

// ErrNoDeadLetter says that there is none at that place (any more).
var ErrNoDeadLetter = errors.New("there is no dead letter at that place; they are kept for 30 days")

// DeadLetters reads the topic of refused documents, and sends one in again.
type DeadLetters struct {
	Brokers  string
	Topics   Topics
	Producer *Producer
}

// Newest returns the last documents that were refused, the newest first: at most
// limit of each partition, and 4 MB of each.
func (d *DeadLetters) Newest(ctx context.Context, limit int) ([]DeadLetter, error) {
	partitions, err := d.partitions(ctx)
	if err != nil {
		return nil, err
	}
	var out []DeadLetter
	for _, p := range partitions {
		part, err := d.read(ctx, p, -1, limit)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	slices.SortFunc(out, func(a, b DeadLetter) int { return strings.Compare(b.At, a.At) })
	return out[:min(len(out), limit)], nil
}

// partitions lists those of the topic. To dial one that is not there takes as
// long as Kafka is given to elect a leader for it.
func (d *DeadLetters) partitions(ctx context.Context) ([]int, error) {
	client := &kafka.Client{Addr: kafka.TCP(strings.Split(d.Brokers, ",")...), Timeout: 10 * time.Second}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{d.Topics.DeadLetters}})
	if err != nil {
		return nil, fmt.Errorf("ask Kafka for the dead letters: %w", err)
	}
	var out []int
	for _, t := range meta.Topics {
		for _, p := range t.Partitions {
			out = append(out, p.ID)
		}
	}
	return out, nil
}

// Replay sends a dead letter the way that it came in, byte for byte. It is
// judged as any document is: where nothing has changed it is refused again.
func (d *DeadLetters) Replay(ctx context.Context, partition int, offset int64) error {
	partitions, err := d.partitions(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(partitions, partition) {
		return ErrNoDeadLetter
	}
	found, err := d.read(ctx, partition, offset, 1)
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].Offset != offset {
		return ErrNoDeadLetter
	}
	l := found[0]
	if !slices.Contains([]string{d.Topics.Telecom, d.Topics.Transfers, d.Topics.Reports, d.Topics.Watchlist}, l.Topic) {
		return fmt.Errorf("it came in by %q, which is no topic for documents: %w", l.Topic, ErrNoDeadLetter)
	}
	headers := slices.DeleteFunc(slices.Clone(l.message.Headers), func(h kafka.Header) bool { return strings.HasPrefix(h.Key, "stopline_") })
	return d.Producer.Write(ctx, kafka.Message{Topic: l.Topic, Key: fmt.Appendf(nil, "dead-letter-%d-%d", partition, offset), Value: l.Document, Headers: headers})
}

// read returns up to limit of a partition, from offset, or its last ones where
// that is below 0; none where there is none.
func (d *DeadLetters) read(ctx context.Context, partition int, offset int64, limit int) ([]DeadLetter, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	r := newReader(d.Brokers, d.Topics.DeadLetters, partition, kafka.FirstOffset)
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return nil, fmt.Errorf("read the dead letters: %w", err)
	}
	first := r.offset
	if r.offset = offset; offset < 0 {
		r.offset = max(first, r.high-int64(limit))
	}
	if r.offset < first || r.offset >= r.high {
		return nil, nil
	}
	if _, err := r.conn.Seek(r.offset, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		return nil, fmt.Errorf("read the dead letters: %w", err)
	}
	const most = 4 << 20
	size := 0
	var out []DeadLetter
	for r.offset < r.high && len(out) < limit && size < most {
		msgs, err := r.read(ctx, nil)
		if err != nil {
			return nil, fmt.Errorf("read the dead letters: %w", err)
		}
		for i := range msgs {
			m := &msgs[i]
			if len(out) == limit || size >= most {
				break
			}
			size += len(m.Value)
			l := DeadLetter{Partition: partition, Offset: m.Offset, Document: m.Value, message: *m}
			for _, h := range m.Headers {
				switch h.Key {
				case "stopline_topic":
					l.Topic = string(h.Value)
				case "stopline_reason":
					l.Reason = string(h.Value)
				case "stopline_error":
					l.Error = string(h.Value)
				case "stopline_problems":
					_ = json.Unmarshal(h.Value, &l.Problems) // an older one, or not ours: the text is there
				case "stopline_at":
					l.At = string(h.Value)
				}
			}
			out = append(out, l)
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read the dead letters: %w", context.Cause(ctx))
		}
	}
	return out, nil
}
