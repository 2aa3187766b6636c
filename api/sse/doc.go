// Package sse is server-sent events, as the WHATWG's rules have them: one writer,
// for the service's streams, and one reader, for its clients. It knows nothing of
// what the events say.
//
// Start with [Event].
package sse

import "time"

// Event is one block of a stream. A block may have no data: it then says where to
// go on, or that the other side is alive.
type Event struct {
	ID    string        // a place to go on behind; empty: the block has none
	Name  string        // of the event; empty: the block has none
	Data  string        // empty: the block hands nothing to a reader
	Retry time.Duration // before a client connects again; 0: the block does not say
}
