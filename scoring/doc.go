// Package scoring is the engine: a leg goes in, alerts come out. It keeps the
// state of each hot account and number in an LRU, computes the features that
// patterns name, and asks the catalogue what they amount to.
//
// It is pure: it does no I/O, takes the time from the events, and is used by
// one goroutine per partition, without locks. Start with [Partition.Apply].
package scoring
