// Package api is the HTTP interface for analysts, banks and police: chi
// routes with typed operations on them, so that the OpenAPI document cannot
// drift from the handlers. It reads the ledger and the warehouse, and changes
// things only by appending to the log.
//
// Start with [New].
package api
