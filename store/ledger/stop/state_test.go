package stop

import (
	"slices"
	"testing"
)

// every lists the states, as docs/law.md draws them.
var every = []State{Proposed, Rejected, Requested, Undelivered, Acknowledged, Held, Partial, Missed, Mismatch, Refused,
	Extended, Frozen, Returning, Returned, Released, Expired}

// What a state says of the bank, the money and the account's term.
func TestStates(t *testing.T) {
	for name, c := range map[string]struct {
		of   func(State) bool
		want []State
	}{
		"awaits an answer": {State.Awaits, []State{Requested, Undelivered, Acknowledged}},
		"holds money":      {State.Holds, []State{Held, Partial, Extended, Frozen, Returning}},
		"counts as a stop": {State.Stops, []State{Held, Partial, Extended}},
		"is final":         {State.Closed, []State{Rejected, Mismatch, Refused, Returned, Released, Expired}},
	} {
		for _, s := range every {
			if got, want := c.of(s), slices.Contains(c.want, s); got != want {
				t.Errorf("%s %s: %v, want %v", s, name, got, want)
			}
		}
	}
}

// The ways of the drawing in docs/law.md, and some that it has not.
func TestWays(t *testing.T) {
	for from, to := range map[State][]State{
		"":           {Proposed},
		Proposed:     {Requested, Rejected},
		Requested:    {Acknowledged, Held, Partial, Missed, Mismatch, Refused, Undelivered, Released},
		Undelivered:  {Acknowledged, Held, Partial, Missed, Mismatch, Refused, Released},
		Acknowledged: {Held, Partial, Missed, Mismatch, Refused, Undelivered, Released},
		Held:         {Held, Partial, Extended, Frozen, Released, Expired},
		Partial:      {Held, Partial, Extended, Frozen, Released, Expired},
		Missed:       {Held, Partial, Expired},
		Extended:     {Extended, Frozen, Released, Expired},
		Frozen:       {Frozen, Returning, Released, Expired},
		Returning:    {Frozen, Returned},
		Released:     nil,
	} {
		for _, s := range every {
			if got, want := from.May(s), slices.Contains(to, s); got != want {
				t.Errorf("%q may become %s: %v, want %v", from, s, got, want)
			}
		}
	}
}
