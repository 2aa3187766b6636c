// Package ledger is the life of a stop: the states, the deadlines, and the
// fold that turns the log of events into what is so. Every replica folds the
// same log, and so comes to the same answer: the first event for a version of
// a stop is accepted, any other is ignored.
//
// It does no I/O and has no clock. Start with [Ledger.Apply].
package ledger
