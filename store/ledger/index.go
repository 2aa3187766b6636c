package ledger

import (
	"iter"

	"stopline.internal/store/ledger/stop"
)

// stopIndex keeps the stops where they are looked for.
type stopIndex struct {
	open    stopSet            // with a deadline ahead
	person  stopSet            // that wait for a person: proposed, not answered, not matching
	behind  stopSet            // proposed on the trail of another
	waiting map[string]stopSet // by bank, requested and not yet acknowledged
	outbox  map[string]stopSet // by bank, with a message that is not known to have been delivered
}

// stopSet has stops by id.
type stopSet map[string]*stop.Stop

func newStopIndex() stopIndex {
	return stopIndex{stopSet{}, stopSet{}, stopSet{}, map[string]stopSet{}, map[string]stopSet{}}
}

// set puts a stop in or takes it out.
func (s stopSet) set(in bool, st *stop.Stop) {
	if in {
		s[st.ID] = st
	} else {
		delete(s, st.ID)
	}
}

// put keeps the stop where its state belongs.
func (x *stopIndex) put(s *stop.Stop) {
	if s.State != stop.Undelivered { // it still waits for its bank
		ofBank(x.waiting, s.Account.Bank).set(s.State == stop.Requested, s)
	}
	x.behind.set(s.State == stop.Proposed && s.Parent != "", s)
	x.open.set(s.Until != 0, s)
	x.person.set(s.State == stop.Proposed || s.State == stop.Undelivered || s.State == stop.Mismatch, s)
}

// ofBank is a bank's set; it is made when there is none.
func ofBank(sets map[string]stopSet, bank string) stopSet {
	if sets[bank] == nil {
		sets[bank] = stopSet{}
	}
	return sets[bank]
}

// undone are the stops of which something may have to be done.
func (x *stopIndex) undone() iter.Seq[*stop.Stop] {
	return func(yield func(*stop.Stop) bool) {
		for _, s := range x.person {
			if !yield(s) {
				return
			}
		}
		for id, s := range x.open {
			if x.person[id] == nil && !yield(s) {
				return
			}
		}
	}
}
