package stop

import "slices"

// State is where a stop is in its life.
type State string

// The states of a stop.
const (
	Proposed     State = "proposed"     // waits for a person's approval
	Rejected     State = "rejected"     // a person said no
	Requested    State = "requested"    // waits for the bank
	Undelivered  State = "undelivered"  // the bank did not answer in time; it still may
	Acknowledged State = "acknowledged" // the bank has it
	Held         State = "held"         // the whole amount is held
	Partial      State = "partial"      // a part is held
	Missed       State = "missed"       // the money was gone
	Mismatch     State = "mismatch"     // holder, number, amount or time differ: the bank must not stop
	Refused      State = "refused"
	Extended     State = "extended" // held for a second term
	Frozen       State = "frozen"
	Returning    State = "returning" // the bank is instructed to pay back a part or all of it
	Returned     State = "returned"  // nothing is left: all went back to victims
	Released     State = "released"
	Expired      State = "expired" // the term ended with nobody acting
)

// next lists what a state may become. What is absent is final. A state that
// may become itself changes its amount or its term.
var next = map[State][]State{
	"":           {Proposed},
	Proposed:     {Requested, Rejected},
	Requested:    {Acknowledged, Held, Partial, Missed, Mismatch, Refused, Undelivered, Released},
	Undelivered:  {Acknowledged, Held, Partial, Missed, Mismatch, Refused, Released},
	Acknowledged: {Held, Partial, Missed, Mismatch, Refused, Undelivered, Released},
	Held:         {Held, Partial, Extended, Frozen, Released, Expired},
	Partial:      {Held, Partial, Extended, Frozen, Released, Expired},
	Missed:       {Held, Partial, Expired}, // by a later credit
	Extended:     {Extended, Frozen, Released, Expired},
	Frozen:       {Frozen, Returning, Released, Expired},
	Returning:    {Frozen, Returned},
}

// May says whether a stop can go from the state to another.
func (s State) May(to State) bool { return slices.Contains(next[s], to) }

// Awaits says whether the bank's answer is still open.
func (s State) Awaits() bool { return s == Requested || s == Acknowledged || s == Undelivered }

// Holds says whether money is held.
func (s State) Holds() bool {
	return s == Held || s == Partial || s == Extended || s == Frozen || s == Returning
}

// Stops says whether the account is under a stop, whose terms are counted.
func (s State) Stops() bool { return s == Held || s == Partial || s == Extended }

// Closed says whether nothing can follow.
func (s State) Closed() bool { return len(next[s]) == 0 }
