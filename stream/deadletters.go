package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
	"stopline.internal/stream/kafka"
)

// DeadLetter is a document that was refused, and why.
type DeadLetter struct {
	Partition     int
	Offset        int64
	Topic         string // that it came in by
	Source        string // topic/partition:offset of the document
	Reason, Error string
	Problems      []DeadLetterProblem
	At            string
	Document      []byte
	Beginning     bool // of the document is all that was kept: it is too large, or cannot be read
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
	return string(event.Encode(out))
}

// ErrNoDeadLetter says that there is none at that place (any more).
var ErrNoDeadLetter = errors.New("there is no dead letter at that place")

// DeadLetters reads the topic of refused documents, and sends one in again.
type DeadLetters struct{ Deps }

// NewDeadLetters returns the dead letters of the topics.
func NewDeadLetters(d Deps) (*DeadLetters, error) {
	if err := d.need("the dead letters"); err != nil {
		return nil, err
	}
	return &DeadLetters{d}, nil
}

// Newest returns the last documents that were refused, the newest first: at most
// limit of each partition, and 4 MB of each.
func (d *DeadLetters) Newest(ctx context.Context, limit int) ([]DeadLetter, error) {
	partitions, err := d.Cluster.Partitions(ctx, d.Topics.DeadLetters)
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

// Replay sends a dead letter the way that it came in, byte for byte. It is
// judged as any document is: where nothing has changed it is refused again.
func (d *DeadLetters) Replay(ctx context.Context, partition int, offset int64) error {
	partitions, err := d.Cluster.Partitions(ctx, d.Topics.DeadLetters)
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
	if l.Beginning {
		return fmt.Errorf("only its beginning is kept: have the source send it again: %w", ErrNoDeadLetter)
	}
	headers := slices.DeleteFunc(slices.Clone(l.message.Headers),
		func(h kafka.Header) bool { return strings.HasPrefix(h.Key, "stopline_") })
	return d.Documents.Write(ctx, kafka.Message{Topic: l.Topic,
		Key: fmt.Appendf(nil, "dead-letter-%d-%d", partition, offset), Value: l.Document, Headers: headers})
}

// The bounds of one look into a partition: how long it may take, and how much it
// brings, in bytes.
const (
	lookTime = 15 * time.Second
	lookSize = 4 << 20
)

// read returns up to limit of a partition, from offset, or its last ones where
// that is below 0; none where there is none.
func (d *DeadLetters) read(ctx context.Context, partition int, offset int64, limit int) ([]DeadLetter, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	r := d.Cluster.NewReader(d.Topics.DeadLetters, partition, kafka.FirstOffset)
	first, end, err := r.Span(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the dead letters: %w", err)
	}
	if offset < 0 {
		offset = max(first, end-int64(limit))
	}
	if offset < first || offset >= end {
		return nil, nil
	}
	r.GoTo(offset)
	size := 0
	var out []DeadLetter
	for r.Offset() < end && len(out) < limit && size < lookSize {
		msgs, err := r.Read(ctx, nil)
		if err != nil {
			return nil, fmt.Errorf("read the dead letters: %w", err)
		}
		for i := range msgs {
			if len(out) < limit && size < lookSize {
				size += len(msgs[i].Value)
				out = append(out, deadLetterOf(&msgs[i]))
			}
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read the dead letters: %w", context.Cause(ctx))
		}
	}
	return out, nil
}

// deadLetterOf reads the headers that it was given when it was refused.
func deadLetterOf(m *kafka.Message) DeadLetter {
	l := DeadLetter{Partition: m.Partition, Offset: m.Offset, Document: m.Value, message: *m}
	var partition, offset string
	for _, h := range m.Headers {
		switch h.Key {
		case "stopline_topic":
			l.Topic = string(h.Value)
		case "stopline_partition":
			partition = string(h.Value)
		case "stopline_offset":
			offset = string(h.Value)
		case "stopline_reason":
			l.Reason = string(h.Value)
		case "stopline_error":
			l.Error = string(h.Value)
		case "stopline_problems":
			_ = json.Unmarshal(h.Value, &l.Problems) // an older one, or not ours: the text is there
		case "stopline_at":
			l.At = string(h.Value)
		case "stopline_size":
			l.Beginning = true
		}
	}
	l.Source = fmt.Sprintf("%s/%s:%s", l.Topic, partition, offset)
	return l
}
