// Package apitest is the whole API for tests: real HTTP before a real ledger,
// with everything behind it in memory, and switches that make it slow, make it fail
// or let somebody else be first. The program does not import it.
//
// Start with [Start].
package apitest
