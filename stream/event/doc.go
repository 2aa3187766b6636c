// Package event holds what comes in: transfers, calls, messages, SIM changes,
// victims' reports and watch entries. It reads their JSON, checks every field,
// normalises numbers and accounts, keeps money in whole minor units, and cuts
// an event into legs, one for each entity that the event touches.
//
// It does no I/O and has no clock: the time of arrival is an argument. Start
// with [Parser.Parse], which turns bytes into an [Event] or a [Refusal], and
// [Leg], which is what the scoring engine reads.
package event
