package ledger

import "stopline.internal/store/ledger/stop"

// Totals are the ledger's counts and sums at this moment.
type Totals struct {
	Cases         int
	Stops         int
	Open          int // stops with a deadline ahead
	Reports       int // that brought a payment which no other had
	Repeats       int // the others
	Requested     int // stops that a bank was asked for
	HeldStops     int // of which the whole amount is held
	Partial       int // of which a part is held
	Missed        int
	Refused       int // with those that did not match
	Expired       int
	Frozen        int   // with those whose money is on its way back
	HeldMinor     int64 // held now, and not paid back
	ReturnedMinor int64 // paid back to victims
	WronglyHeld   int   // stops that an appeal lifted, whole or in part
	WrongMillis   int64 // how long money was wrongly held in all, in milliseconds
}

// Totals counts the ledger.
func (l *Ledger) Totals() Totals {
	l.mu.RLock()
	defer l.mu.RUnlock()
	t := Totals{Stops: len(l.stops), Open: len(l.index.open)}
	for _, c := range l.cases {
		if c.Into == "" {
			t.Cases++
		}
		for i := range c.Reports {
			if c.Reports[i].Repeats() {
				t.Repeats++
			} else {
				t.Reports++
			}
		}
	}
	for _, s := range l.stops {
		t.count(s)
	}
	for _, a := range l.appeals {
		if wrong := a.WronglyHeld(); wrong > 0 {
			t.WronglyHeld++
			t.WrongMillis += wrong.Milliseconds()
		}
	}
	return t
}

// count adds a stop.
func (t *Totals) count(s *stop.Stop) {
	if s.RequestedAt != 0 {
		t.Requested++
	}
	switch s.State {
	case stop.Missed:
		t.Missed++
	case stop.Refused, stop.Mismatch:
		t.Refused++
	case stop.Expired:
		t.Expired++
	case stop.Frozen, stop.Returning:
		t.Frozen++
	}
	if s.State.Holds() {
		if s.HeldMinor < s.Minor {
			t.Partial++
		} else {
			t.HeldStops++
		}
	}
	a := s.Amounts()
	t.HeldMinor += a.UnderControl()
	t.ReturnedMinor += a.Returned
}
