// Package stream moves batches: it reads Kafka, calls the rooms that decide
// (event, scoring, casework, ledger), and writes what they answer to Kafka and
// ClickHouse. Each loop commits its offsets only after everything that a batch
// caused has been acknowledged.
//
// It decides nothing itself. Start with [Ingest] and follow a leg through
// [Score] to [LedgerLog] and [Sink].
package stream
