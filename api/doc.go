// Package api is the HTTP interface for analysts, banks and police: it puts the
// tables of api/bank, api/center and api/public behind what all requests pass
// through, who calls, the access log, answers that are given again, compression. It
// has no route of its own.
//
// Start with [New].
package api
