// Package stop is the life of a stop, a request to a bank to hold up to an amount
// on one account: its states, what may follow what, the steps that people, banks
// and deadlines take, and the law that judges each step.
//
// It judges by what it is handed: the terms, the stop, the step and what surrounds
// the stop ([Surroundings]). It knows no log, keeps no index, does no I/O and has no
// clock. Start with [Stop].
package stop
