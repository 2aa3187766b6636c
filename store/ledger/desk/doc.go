// Package desk is what people do at the center: they take alerts, decide appeals,
// send somebody to a person who is about to pay, note how far a case has come, and
// say whether an alert was right.
//
// It judges the steps of that work by what it is handed, and changes no stop: an
// appeal that was upheld becomes a step of its stop. It does no I/O and has no clock.
// Start with [TaskFile].
package desk
