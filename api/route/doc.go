// Package route is what the rooms of routes share: how an operation is described
// in a table and registered, what goes wrong becoming a problem, and how the
// ledger's log is written. It knows no operation.
//
// Start with [Route].
package route
