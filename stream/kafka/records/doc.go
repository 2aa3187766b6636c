// Package records reads the batches of records that a broker hands out, as the
// Kafka protocol lays them out (format 2, of Kafka 0.11 and later): with bounds
// that hold while a batch is decompressed, and of transactions only what was
// committed. It has no I/O.
package records
