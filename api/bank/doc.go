// Package bank is the routes of a bank's own system: it polls or is streamed its
// stops, acknowledges and answers them, and asks whether a transfer may go; in JSON
// or in the banks' own ISO 20022. A bank sees its own stops and nothing else. It
// decides nothing: the ledger's fold does.
//
// Start with [Server].
package bank
