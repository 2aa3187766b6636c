// Package ledger folds the log of entries into what is so: stops, cases, returns
// and the work of people, with the indexes by which they are found. Every replica
// folds the same log, and so comes to the same answer: the first entry for a version
// of a stop is accepted, any other is ignored.
//
// It judges only what belongs to no life: reports, cases that are one, ends of
// trails. Any other entry is handed to the life that it belongs to, in the packages
// below ([stopline.internal/store/ledger/stop] and its neighbours). It does no I/O and
// has no clock. Start with [Ledger.Apply].
package ledger
