package step

import "stopline.internal/stream/event"

// Head is what the steps of every life have alike. S is the states of the life.
// The fold takes the first step for a version of a subject and ignores the rest.
type Head[S ~string] struct {
	ID      string // of the entry; derived from what caused it, so that writing it again changes nothing
	CaseID  string
	Subject string // whose step it is: a stop, a return, an appeal, a visit, an alert; a case's own have none
	Version int    // of the subject, once the step is accepted; from 1
	State   S      // that the subject then has
	At      event.Instant
	By      string        // a person's name, or one of [stopline.internal/store/ledger/law.AutomaticAuthors]
	Reason  string        // in words, or a code that the catalogue has
	Until   event.Instant // when the state lapses; 0: it does not
	Place   Place         // in the log; set when it is read
}

// Place is where an entry lies in the log.
type Place struct {
	Partition int
	Offset    int64
}
