// Package casework is what the findings of scoring and the reports of victims mean
// for the ledger: the stops to propose, the cases to open, the money to follow from
// account to account, and why a person must look first.
//
// It is pure: it writes nothing, asks nobody and has no clock. Start with
// [Effects].
package casework
