// Package law holds the terms that the ledger judges by: how long a hold may last,
// who may decide alone, which days are working days, and how a refusal is written.
//
// It judges nothing itself, does no I/O and has no clock. Start with [Terms].
package law
