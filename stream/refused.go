package stream

import (
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
}

// message is its dead letter, with the document's own headers before ours.
func (r *refused) message(t Topics, document []byte, headers []kafka.Header) kafka.Message {
	h := func(k, v string) kafka.Header { return kafka.Header{Key: k, Value: []byte(v)} }
	return kafka.Message{Topic: t.DeadLetters, Key: []byte(r.topic), Value: document,
		Headers: append(slices.Clone(headers),
			h("stopline_topic", r.topic), h("stopline_partition", strconv.Itoa(r.partition)),
			h("stopline_offset", strconv.FormatInt(r.offset, 10)), h("stopline_reason", string(r.reason)),
			h("stopline_error", r.err.Error()), h("stopline_problems", problemsOf(r.problems)),
			h("stopline_at", r.at.String()))}
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
