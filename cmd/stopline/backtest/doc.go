// Package backtest runs catalogues over the past: what they would have caught,
// what they would have cost in false alarms, and how one differs from another.
//
// The engine is the one that scores live events, with the same partitions and
// the same notes between them; only Kafka is left out. Start with [Run].
package backtest
