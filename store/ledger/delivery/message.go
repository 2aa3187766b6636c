package delivery

import (
	"fmt"
	"slices"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/stream/event"
)

// Message notifies a bank of a stop: the newest replaces those before it, since it
// carries the stop as it is now.
type Message struct {
	Version   int    // of the stop
	Type      string // one of the Message constants
	At        event.Instant
	Place     step.Place // of the entry that it comes from
	Delivered bool
	Failed    bool      // given up: the bank may poll, or somebody sends it again
	Round     int       // how often somebody has asked to send it again
	Attempts  []Attempt // the last of them, at most maxAttempts
}

// The types of messages, as webhooks and streams name them.
const (
	MessageRequested = "stop.requested"
	MessageExtended  = "stop.extended"
	MessageFrozen    = "stop.frozen"
	MessageChanged   = "stop.changed" // a part is released
	MessageReleased  = "stop.released"
	MessageExpired   = "stop.expired"
	MessageReturn    = "return.instructed"
	MessageCall      = "person.called" // to the center's own pager: a bank does not answer
)

// Record is what became of a message, as the log keeps it.
type Record struct {
	Message   int       `json:"message"` // the version of the stop that it carried
	Delivered bool      `json:"delivered"`
	Final     bool      `json:"final,omitempty"` // it is not tried again by itself
	Again     bool      `json:"again,omitempty"` // somebody asks to send it again
	Attempts  []Attempt `json:"attempts,omitempty"`
}

// Attempt is one try to hand a message over.
type Attempt struct {
	At     event.Instant `json:"at"`
	Status int           `json:"status,omitempty"` // HTTP; 0: no answer
	Millis int64         `json:"ms"`               // milliseconds that it took
	Error  string        `json:"error,omitempty"`
}

// MessageID names a message for ever: a bank that sees it twice does its work
// once.
func MessageID(stopID string, version int) string { return fmt.Sprintf("msg_%s_%d", stopID, version) }

// maxAttempts bounds the attempts that a message keeps.
const maxAttempts = 64

// Judge says why a record is ignored: the message that it is about is not the
// stop's newest. A nil message is none.
func (m *Message) Judge(r *Record) law.Refusal {
	switch {
	case m == nil:
		return law.Refuse("message.none")
	case r.Message != m.Version:
		return law.Refuse("message.newer")
	}
	return law.Accepted
}

// After is the message after a record of it. The message itself is not changed:
// copies of the stop share it.
func (m *Message) After(r *Record) *Message {
	out := *m
	out.Attempts = slices.Concat(m.Attempts, r.Attempts)
	if len(out.Attempts) > maxAttempts {
		out.Attempts = out.Attempts[len(out.Attempts)-maxAttempts:]
	}
	out.Delivered = (m.Delivered || r.Delivered) && !r.Again
	if r.Again {
		out.Round++
	}
	out.Failed = r.Final && !r.Delivered && !r.Again
	return &out
}

// Item is a message in the outbox: it is to be handed over.
type Item struct {
	Bank, StopID string
	Version      int // of the stop
	Round        int // how often somebody has asked to send it again
	At           event.Instant
}
