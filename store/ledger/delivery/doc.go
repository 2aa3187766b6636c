// Package delivery notifies banks of their stops: messages and the attempts to hand
// them over, the feed that a bank can read again from a cursor, and the
// policy of sending.
//
// It does no I/O and has no clock: whoever sends asks a [Sender] what to send now.
// It does not know what a message says; it names the stop and its version. Start
// with [Message].
package delivery
