// Package giveback is the life of a return, by which frozen money goes back to the
// victims of a case: who is paid back what, the announcement with its objections,
// and the approvals.
//
// It divides what it is handed and judges the steps of a round. It notifies no
// bank and moves no money: a return that two people approved becomes steps of its stops.
// It does no I/O and has no clock. Start with [Round]; [Divide] has the arithmetic.
package giveback
