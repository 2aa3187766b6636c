// Package conformance examines a bank's system: it plays a bank's whole life
// against the bank's endpoint, over the center's real API, and says what passed
// and what failed.
//
// It makes no service: whoever examines gives it one. Start with [New] and
// [Kit.Examine].
package conformance
