// Package center is the routes of people: analysts, supervisors and the police see
// cases, decide stops, keep the rules, give money back and print papers. It reads
// the ledger and the warehouse, and changes things only by appending to the log: it
// decides nothing by itself.
//
// Each file has a table of what may be done there, and by whom. Start with [Server].
package center
