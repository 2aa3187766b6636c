package scoring

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// in and out are movements of an account, so many minutes after noon, named by id.
func in(id string, minutes int, minor int64) move {
	return move{at: noon.Add(time.Duration(minutes) * minute), tag: event.TransferKey("p", id)&idBits | uint64(credit),
		counter: 7, amount: minor}
}

func out(id string, minutes int, minor int64) move {
	m := in(id, minutes, minor)
	m.tag = event.TransferKey("1", id)&idBits | uint64(debit)
	return m
}

// of is a taint of a credit: minor of it, from an offset on.
func of(stop, id string, minutes int, offset, minor, whole int64) taint {
	return taint{Taint: event.Taint{StopID: stop, At: noon.Add(time.Duration(minutes) * minute), Minor: minor,
		Offset: offset, Whole: whole}, credit: event.TransferKey("p", id) & idBits}
}

// takenOf is what the payments took of each taint: the stop, the offset, how much.
func takenOf(s *State, balances map[string]int64) (text string) {
	for i := range s.moves {
		m := &s.moves[i]
		if !m.counts(debit) {
			continue
		}
		balance := event.Unknown
		for id, b := range balances {
			if event.TransferKey("1", id)&idBits == m.tag&idBits {
				balance = b
			}
		}
		var parts []string
		s.taken(m, balance, func(t *taint, offset, minor int64) {
			parts = append(parts, fmt.Sprintf("%s %d+%d", t.StopID, offset, minor))
		})
		slices.Sort(parts)
		text += fmt.Sprint(parts)
	}
	return text
}

// First in, first out, by hand: two victims' money on one account, what lay there
// before, and what the bank holds.
func TestTaken(t *testing.T) {
	held := func(t taint, minor int64, minutes int) taint {
		t.held, t.since = minor, noon.Add(time.Duration(minutes)*minute)
		return t
	}
	for name, c := range map[string]struct {
		moves    []move
		taints   []taint
		balances map[string]int64
		want     string
	}{
		"two victims": {[]move{in("a", 0, 100), in("b", 1, 60), out("x", 2, 120), out("y", 3, 40)},
			[]taint{of("A", "a", 0, 0, 100, 100), of("B", "b", 1, 0, 60, 60)}, nil, "[A 0+100 B 100+20][B 0+40]"},
		"a part of a credit": {[]move{in("a", 0, 100), out("x", 1, 50), out("y", 2, 50)},
			[]taint{of("A", "a", 0, 40, 30, 100)}, nil, "[A 40+10][A 0+20]"},
		"clean money first": {[]move{in("c", 0, 30), in("a", 1, 100), out("x", 2, 50)},
			[]taint{of("A", "a", 1, 0, 100, 100)}, nil, "[A 30+20]"},
		"what lay there before": {[]move{in("a", 0, 100), out("x", 1, 50), out("y", 2, 50)},
			[]taint{of("A", "a", 0, 0, 100, 100)}, map[string]int64{"x": 130, "y": 80}, "[A 30+20][A 0+50]"},
		"a balance that tells of nothing more": {[]move{in("a", 0, 100), out("x", 1, 50)},
			[]taint{of("A", "a", 0, 0, 100, 100)}, map[string]int64{"x": 90}, "[A 0+50]"},
		"more went than came": {[]move{in("c", 0, 30), out("w", 1, 70), in("a", 2, 100), out("x", 3, 50)},
			[]taint{of("A", "a", 2, 0, 100, 100)}, nil, "[][A 0+50]"},
		"its credit is not seen": {[]move{in("c", 0, 30), out("x", 2, 50)},
			[]taint{of("A", "a", 1, 0, 100, 100)}, nil, "[A 30+20]"},
		"its credit is not seen, and comes after": {[]move{in("c", 0, 30), out("x", 2, 50)},
			[]taint{of("A", "a", 3, 0, 100, 100)}, nil, "[]"},
		"not seen, of the payment's moment": {[]move{out("x", 2, 50)},
			[]taint{of("A", "a", 2, 0, 100, 100)}, nil, "[A 0+50]"},
		"not seen, of the next credit's moment": {[]move{in("c", 2, 30), out("x", 3, 50)},
			[]taint{of("A", "a", 2, 0, 100, 100)}, nil, "[A 30+20]"},
		"not seen, before the next credit": {[]move{in("c", 2, 30), out("x", 3, 50)},
			[]taint{of("A", "a", 1, 10, 30, 40)}, nil, "[A 10+30]"},
		"all of it is held": {[]move{in("a", 0, 100), in("c", 1, 60), out("x", 3, 50)},
			[]taint{held(of("A", "a", 0, 0, 100, 100), 100, 2)}, nil, "[]"},
		"a part is held: its end": {[]move{in("a", 0, 100), in("c", 1, 60), out("x", 3, 80)},
			[]taint{held(of("A", "a", 0, 0, 100, 100), 60, 2)}, nil, "[A 0+40]"},
		"held after the payment": {[]move{in("a", 0, 100), in("c", 1, 60), out("x", 3, 80)},
			[]taint{held(of("A", "a", 0, 0, 100, 100), 60, 4)}, nil, "[A 0+80]"},
		"held at its moment": {[]move{in("a", 0, 100), in("c", 1, 60), out("x", 3, 80)},
			[]taint{held(of("A", "a", 0, 0, 100, 100), 60, 3)}, nil, "[A 0+40]"},
		"over a held stretch to the next victim's": {[]move{in("a", 0, 100), in("b", 1, 60), out("x", 3, 70)},
			[]taint{held(of("A", "a", 0, 0, 100, 100), 60, 2), of("B", "b", 1, 0, 60, 60)}, nil, "[A 0+40 B 40+30]"},
		"over a held stretch, in the middle of the line": {[]move{in("a", 0, 100), in("b", 1, 60), out("w", 3, 10),
			out("x", 4, 70)}, []taint{held(of("A", "a", 0, 0, 100, 100), 60, 2), of("B", "b", 1, 0, 60, 60)}, nil,
			"[A 0+10][A 0+30 B 30+40]"},
		"over two held stretches, whichever is listed first": {[]move{in("a", 0, 50), in("b", 1, 50), in("c", 2, 50),
			out("x", 9, 30)}, []taint{held(of("B", "b", 1, 0, 50, 50), 50, 3), held(of("A", "a", 0, 0, 50, 50), 50, 3),
			of("C", "c", 2, 0, 50, 50)}, nil, "[C 0+30]"},
		"a taken-back payment took nothing": {[]move{in("a", 0, 100), {at: noon.Add(minute), amount: 60,
			tag: event.TransferKey("1", "r")&idBits | uint64(debit) | markReversed}, out("x", 2, 50)},
			[]taint{of("A", "a", 0, 0, 100, 100)}, nil, "[A 0+50]"},
	} {
		s := having(c.moves...)
		s.traced().taints = c.taints
		if got := takenOf(s, c.balances); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// What the movements before a payment leave in the account, never less than nothing.
func TestKnownBalance(t *testing.T) {
	s := having(in("a", 0, 100), out("x", 1, 130), in("b", 2, 70), out("y", 3, 20), in("c", 4, 9), out("z", 5, 1))
	for i, want := range map[int]int64{0: 0, 1: 100, 3: 70, 5: 59} {
		if got := s.known(&s.moves[i]); got != want {
			t.Errorf("before movement %d: %d, want %d", i, got, want)
		}
	}
	if got := s.known(nil); got != 58 {
		t.Errorf("after all: %d, want 58", got)
	}
}

// An account remembers the money of 64 stops for seven days, each once.
func TestTaintsAreBounded(t *testing.T) {
	d := 24 * time.Hour
	s := NewState("acct:1")
	tt := func(stop string, at event.Instant) taint { return taint{Taint: event.Taint{StopID: stop, At: at}} }
	stops := func() (out []string) {
		for _, t := range s.traced().taints {
			out = append(out, t.StopID)
		}
		return out
	}
	if !s.taintWith(tt("a", noon)) || s.taintWith(tt("a", noon+5)) {
		t.Error("a stop's money comes once")
	}
	s.taintWith(tt("b", noon.Add(7*d)))
	if got := stops(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("after seven days: %v", got)
	}
	s.taintWith(tt("c", noon.Add(7*d)+1))
	if got := stops(); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("a moment later: %v", got)
	}
	for i := range 62 {
		s.taintWith(tt(fmt.Sprint("n", i), noon.Add(8*d)))
	}
	s.taintWith(tt("last", noon.Add(8*d)))
	if got := stops(); len(got) != 64 || slices.Contains(got, "b") || !slices.Contains(got, "c") {
		t.Errorf("%d: %v", len(got), got)
	}
}

// Payments by name: by time and key, each once, 64 of the last seven days.
func TestPaymentsByNameAreBounded(t *testing.T) {
	s := NewState("acct:1")
	pay := func(key uint64, hours int) spent {
		return spent{key: key, at: noon.Add(time.Duration(hours) * time.Hour)}
	}
	keys := func() (out []uint64) {
		for _, o := range s.traced().outs {
			out = append(out, o.key)
		}
		return out
	}
	for _, o := range []spent{pay(5, 1), pay(3, 1), pay(9, 0), pay(3, 1), pay(4, 1), pay(1, -167)} {
		s.spend(o)
	}
	if got := keys(); !slices.Equal(got, []uint64{1, 9, 3, 4, 5}) {
		t.Errorf("%v", got)
	}
	s.spend(pay(6, 2)) // seven days and an hour after the first
	if got := keys(); !slices.Equal(got, []uint64{9, 3, 4, 5, 6}) {
		t.Errorf("%v", got)
	}
	for i := range uint64(60) {
		s.spend(pay(100+i, 3))
	}
	if got := keys(); len(got) != 64 || got[0] != 3 || got[63] != 159 {
		t.Errorf("%d: %v", len(got), got)
	}
}

// What an account keeps of a taint, and how the news of a hold changes it.
func TestTaintIsKept(t *testing.T) {
	n := event.Taint{Account: "1", Bank: "B", Holder: "H", CaseID: "c", StopID: "s", Parent: "p", Payer: "v",
		Transfer: "t", At: noon, Minor: 5, Whole: 6, Hop: 2, Type: "x", District: "d", Pattern: "q"}
	want := event.Taint{CaseID: "c", StopID: "s", At: noon, Minor: 5, Whole: 6, Hop: 2, Type: "x", District: "d",
		Pattern: "q"}
	if got := keepTaint(&n); got.Taint != want || got.credit != event.TransferKey("v", "t") || got.held != 0 {
		t.Errorf("%+v", got)
	}
	n.Key = 77
	if got := keepTaint(&n); got.credit != 77 {
		t.Errorf("a credit that is named is %d", got.credit)
	}
	w := newTown(t, 10)
	w.score(transfer("v", 0, "2000", "1000", 1000, 9000))
	w.taint(stolen("s", "2000", "v", "1000", 1000, 0))
	w.taint(stolen("r", "2000", "v", "1000", 1, 0))
	hold := func(minutes int, yuan int64) {
		at := noon.Add(time.Duration(minutes) * minute)
		w.taint(event.Taint{Account: "1000", StopID: "s", At: at, Minor: yuan * 100, Held: true})
	}
	tt := &w.part.Peek("acct:1000").traced().taints
	for i, c := range []struct {
		minutes    int
		yuan, held int64
		since      int
	}{{2, 800, 800_00, 2}, {1, 300, 800_00, 2}, {2, 700, 700_00, 2}, {3, 5000, 1000_00, 3}, {4, 0, 0, 4}} {
		hold(c.minutes, c.yuan)
		if got := (*tt)[0]; got.held != c.held || got.since != noon.Add(time.Duration(c.since)*minute) {
			t.Errorf("%d: %d held since %s", i, got.held, got.since)
		}
	}
	if (*tt)[1].held != 0 {
		t.Error("another stop's money is held")
	}
}

// A shop's account: known to be good, cleared, or paid at five tills, which are half of
// its credits.
func TestSells(t *testing.T) {
	for name, c := range map[string]struct {
		tills, others int
		change        func(*View)
		want          bool
	}{
		"five tills":              {5, 0, nil, true},
		"four":                    {4, 0, nil, false},
		"five of ten":             {5, 5, nil, true},
		"five of eleven":          {5, 6, nil, false},
		"nothing came in":         {0, 0, nil, false},
		"cleared":                 {0, 9, func(v *View) { v.state.makeCold().watch = "cleared" }, true},
		"suspected":               {0, 9, func(v *View) { v.state.makeCold().watch = "suspected" }, false},
		"known to be good":        {0, 9, func(v *View) { v.controls.knownGood["acct:1"] = KnownGood{As: "x"} }, true},
		"known to be good before": {0, 9, func(v *View) { v.controls.knownGood["acct:1"] = KnownGood{"x", noon - 1} }, false},
		"until this moment":       {0, 9, func(v *View) { v.controls.knownGood["acct:1"] = KnownGood{"x", noon} }, true},
	} {
		var moves []move
		for i := range c.tills {
			moves = append(moves, mv(credit, time.Duration(i)*minute, uint64(i+1), 10, markRetail))
		}
		for i := range c.others {
			moves = append(moves, mv(credit, time.Duration(i)*hours, 99, 10))
		}
		_, v := over(t, append(moves, mv(debit, 0, 5, 5, markRetail))...)
		if c.change != nil {
			c.change(v)
		}
		if got := v.sells(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Where tainted money went with each sort of payment, and what the next account is told.
func TestWhereMoneyWent(t *testing.T) {
	w := newTown(t, 100)
	w.decide(event.Control{What: event.ControlKnown, Entity: "acct:3000", As: "utility"})
	w.score(transfer("v", 0, "2000", "1000", 1000, 9000))
	first := stolen("s", "2000", "v", "1000", 1000, 0)
	first.Type, first.District, first.Pattern = "type", "520103", "pat"
	w.taint(first)
	var ends []End
	var next []event.Taint
	pay := func(id string, minutes int, payee string, yuan float64, balance float64, more ...string) {
		b := w.block(transfer(id, time.Duration(minutes)*minute, "1000", payee, yuan, balance, more...))
		if err := w.part.Apply(w.offset, b, func(_ *event.Leg, o *Outcome) {
			next, ends = append(next, o.Taints...), append(ends, o.Ends...)
		}); err != nil {
			t.Fatal(err)
		}
	}
	pay("o1", 1, "1100", 100, 1000)
	pay("o2", 2, "1200", 99.99, 900)
	pay("o3", 3, "3000", 100, 800.01)
	pay("o4", 4, "", 100, 700.01)
	want := event.Taint{Account: "1100", Bank: "PCBC", CaseID: "cas", StopID: event.DerivedID("stp", "s", "o1", "1100"),
		Parent: "s", Payer: "1000", Transfer: "o1", At: noon.Add(minute), Minor: 100_00, Whole: 100_00, Hop: 2, Type: "type",
		District: "520103", Pattern: "pat"}
	if len(next) != 1 || next[0] != want {
		t.Errorf("told on: %+v, want %+v", next, want)
	}
	got := ""
	for _, e := range ends {
		got += fmt.Sprint(e.Why, " ", e.Minor, " ", e.Account, ", ")
	}
	if got != "small 9999 1200, merchant 10000 3000, cash 10000 , " {
		t.Errorf("ended at %s", got)
	}
}
