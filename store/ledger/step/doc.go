// Package step has what a step in any life of the ledger is made of: whose it is,
// which version it makes, who took it and when, and where in the log it lies.
//
// It knows no life and no law, does no I/O and has no clock. Start with [Head].
package step
