package stream

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// refused is why a document goes to the dead letters, and where it came from.
type refused struct {
	topic     string
	partition int
	offset    int64
	reason    event.Reason
	err       error
	problems  event.Refusal
	at        event.Instant
	size      int64 // of a record that cannot be read, whose beginning the document is
}

// The bounds of a dead letter, in bytes: a document that is larger is kept by its
// beginning, its length and its hash, and so are headers that are larger.
const (
	maxLetter  = 1 << 20
	maxHeaders = 64 << 10
	maxError   = 16 << 10
)

// message is its dead letter, with the document's own headers before ours.
func (r *refused) message(t Topics, document []byte, headers []kafka.Header) kafka.Message {
	h := func(k, v string) kafka.Header { return kafka.Header{Key: k, Value: []byte(v)} }
	text := r.err.Error()
	out := kafka.Message{Topic: t.DeadLetters, Key: []byte(r.topic), Value: document,
		Headers: []kafka.Header{
			h("stopline_topic", r.topic), h("stopline_partition", strconv.Itoa(r.partition)),
			h("stopline_offset", strconv.FormatInt(r.offset, 10)), h("stopline_reason", string(r.reason)),
			h("stopline_error", text[:min(len(text), maxError)]), h("stopline_problems", problemsOf(r.problems)),
			h("stopline_at", r.at.String())}}
	if size := headerBytes(headers); size <= maxHeaders {
		out.Headers = slices.Concat(headers, out.Headers)
	} else {
		out.Headers = append(out.Headers, h("stopline_headers_size", strconv.Itoa(size)))
	}
	if size := max(r.size, int64(len(document))); size > maxLetter || r.size > 0 {
		sum := sha256.Sum256(document)
		out.Value = document[:min(len(document), maxKept)]
		out.Headers = append(out.Headers, h("stopline_size", strconv.FormatInt(size, 10)),
			h("stopline_sha256", hex.EncodeToString(sum[:])))
	}
	return out
}

func headerBytes(list []kafka.Header) (n int) {
	for i := range list {
		n += len(list[i].Key) + len(list[i].Value)
	}
	return n
}

// conflictLetter is the dead letter of a transfer that came before and said
// something else, as its leg has it: the bytes that the bank sent are not at hand.
func conflictLetter(t Topics, l *event.Leg, now event.Instant) kafka.Message {
	source := "?"
	if topics := t.Sources(); int(l.Source.Topic) < len(topics) {
		source = topics[l.Source.Topic]
	}
	problem := event.Refusal{event.NewProblem("/id", string(event.ReasonConflict), "id", l.Event.ID,
		"payer", l.Event.Transfer.Payer.Account)}
	letter := refused{topic: source, partition: int(l.Source.Partition), offset: l.Source.Offset,
		reason: event.ReasonConflict, err: problem, problems: problem, at: now}
	return letter.message(t, event.Encode(event.TransferDocument(&l.Event)), nil)
}
