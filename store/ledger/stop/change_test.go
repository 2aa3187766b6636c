package stop

import (
	"maps"
	"slices"
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// partly is a stop of 1,000 fen of which 600 are held since noon.
func partly(t *testing.T) life {
	s := asked(t, 1000)
	s.answers(Outcome{Result: Partial, EffectiveAt: noon, HeldMinor: 600}, 0)
	return s
}

// missed is a stop of 1,000 fen whose money was gone at noon.
func missed(t *testing.T) life {
	s := asked(t, 1000)
	s.answers(Outcome{Result: Missed}, 0)
	return s
}

// A later credit: what is held of it, in which state, until when.
func TestSweep(t *testing.T) {
	later := noon.Add(time.Hour)
	ends, frozen := noon.Add(48*time.Hour), noon.Add(30*24*time.Hour)
	extended := partly(t)
	extended.goes(Extended, later, ends.Add(time.Hour))
	frozenPart := partly(t)
	frozenPart.goes(Frozen, later, frozen)
	for name, c := range map[string]struct {
		stop  *Stop
		minor int64
		state State
		until event.Instant
	}{
		"the rest of a part":          {partly(t).Stop, 400, Held, ends},
		"some of the rest":            {partly(t).Stop, 399, Partial, ends},
		"all of what was gone":        {missed(t).Stop, 1000, Held, later.Add(48 * time.Hour)},
		"some of what was gone":       {missed(t).Stop, 1, Partial, later.Add(48 * time.Hour)},
		"the rest in a second term":   {extended.Stop, 400, Extended, ends.Add(time.Hour)},
		"the rest while it is frozen": {frozenPart.Stop, 400, Frozen, frozen},
	} {
		e := Sweep(law.Default, c.stop, c.minor, "k", later, "bank")
		if e.State != c.state || e.Until != c.until || e.Bank != "PCBC" || e.Change.Minor != c.minor ||
			e.Change.Kind != ChangeSweep || e.Change.Credit != "k" {
			t.Errorf("%s: %+v, %+v; want %s until %s", name, e.Head, e.Change, c.state, c.until)
		}
		if got := judged(c.stop, e, nil); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	s := partly(t)
	a, b := Sweep(law.Default, s.Stop, 1, "k", later, "x"), Sweep(law.Default, s.Stop, 2, "k", later+1, "y")
	if a.ID != b.ID || a.ID == Sweep(law.Default, s.Stop, 1, "l", later, "x").ID {
		t.Error("a credit is swept once: the step's id follows from it")
	}
}

func TestJudgeSweep(t *testing.T) {
	later := noon.Add(time.Hour)
	part, gone := partly(t).Stop, missed(t).Stop
	for name, c := range map[string]struct {
		stop   *Stop
		minor  int64
		at     event.Instant
		change func(*Step)
		want   string
	}{
		"nothing":                       {part, 0, later, nil, "sweep.claim"},
		"the claim":                     {part, 400, later, nil, ""},
		"a fen more than the claim":     {part, 401, later, nil, "sweep.claim"},
		"another end":                   {part, 400, later, func(e *Step) { e.Until++ }, "sweep.term"},
		"some, as if all":               {part, 399, later, func(e *Step) { e.State = Held }, "sweep.state"},
		"all, as if some":               {part, 400, later, func(e *Step) { e.State = Partial }, "sweep.state"},
		"48 hours after the miss":       {gone, 1000, noon.Add(48 * time.Hour), nil, ""},
		"later than that":               {gone, 1000, noon.Add(48*time.Hour) + 1, nil, "sweep.over"},
		"for longer than a term":        {gone, 1000, later, func(e *Step) { e.Until++ }, "sweep.over"},
		"for a shorter one":             {gone, 1000, later, func(e *Step) { e.Until-- }, ""},
		"for ever":                      {gone, 1000, later, func(e *Step) { e.Until = 0 }, "sweep.over"},
		"all of what was gone, as some": {gone, 1000, later, func(e *Step) { e.State = Partial }, "sweep.state"},
	} {
		if got := judged(c.stop, Sweep(law.Default, c.stop, c.minor, "k", c.at, "bank"), c.change); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	// The account's two terms are over at noon: what was gone is not held any more.
	terms, e := law.Default, Sweep(law.Default, gone, 1000, "k", later, "bank")
	for hours, want := range map[int]string{-96: "law.stops", -94: ""} {
		near := &Surroundings{Siblings: []*Stop{gone, held("a", 1, hours), held("b", 1, hours/2)}}
		if got := Judge(&terms, gone, &e, near).Code; got != want {
			t.Errorf("under stops for %d hours: %q, want %q", -hours, got, want)
		}
	}
}

// A release: whole, or a part, which leaves the term as it was.
func TestLift(t *testing.T) {
	ends := noon.Add(48 * time.Hour)
	for name, c := range map[string]struct {
		stop  *Stop
		minor int64
		state State
		part  int64
		until event.Instant
	}{
		"a part of all":                {held("s", 1000, 0), 999, Partial, 999, ends},
		"all":                          {held("s", 1000, 0), 1000, Released, 0, 0},
		"more than all":                {held("s", 1000, 0), 1001, Released, 0, 0},
		"a part of a part":             {partly(t).Stop, 599, Partial, 599, ends},
		"a part of what is frozen":     {frozenAt(t).Stop, 1, Frozen, 1, noon.Add(30 * 24 * time.Hour)},
		"before the bank has answered": {requested(1000), 1, Released, 0, 0},
	} {
		e := Lift(c.stop, c.minor, "apl", "honest", noon, "A")
		var part int64
		if e.Change != nil {
			if part = e.Change.Minor; e.Change.Kind != ChangePart || e.Change.AppealID != "apl" {
				t.Errorf("%s: %+v", name, e.Change)
			}
		}
		if e.State != c.state || part != c.part || e.Until != c.until || e.Reason != "honest" {
			t.Errorf("%s: %s of %d until %s, want %s of %d until %s", name, e.State, part, e.Until, c.state, c.part,
				c.until)
		}
		if got := judged(c.stop, e, nil); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	s := held("s", 1000, 0)
	if Lift(s, 1, "apl", "", noon, "A").ID != Lift(s, 1, "apl", "", noon+1, "B").ID {
		t.Error("two replicas lift a stop twice for one appeal")
	}
	if Lift(s, 1, "", "", noon, "A").ID == Lift(s, 1, "", "", noon+1, "A").ID {
		t.Error("two releases by hand are one")
	}
}

func TestJudgePart(t *testing.T) {
	for name, c := range map[string]struct {
		stop   *Stop
		change func(*Step)
		want   string
	}{
		"a part":                 {held("s", 1000, 0), nil, ""},
		"nothing":                {held("s", 1000, 0), func(e *Step) { e.Change.Minor = 0 }, "part.amount"},
		"one fen":                {held("s", 1000, 0), func(e *Step) { e.Change.Minor = 1 }, ""},
		"all but one":            {held("s", 1000, 0), func(e *Step) { e.Change.Minor = 999 }, ""},
		"all":                    {held("s", 1000, 0), func(e *Step) { e.Change.Minor = 1000 }, "part.amount"},
		"until another moment":   {held("s", 1000, 0), func(e *Step) { e.Until++ }, "part.term"},
		"as if all were held":    {held("s", 1000, 0), func(e *Step) { e.State = Held }, "part.term"},
		"of a freeze":            {frozenAt(t).Stop, nil, ""},
		"of a freeze that ends":  {frozenAt(t).Stop, func(e *Step) { e.State = Released }, "part.term"},
		"with an unknown change": {held("s", 1000, 0), func(e *Step) { e.Change.Kind = "gift" }, "stop.change"},
	} {
		if got := judged(c.stop, Lift(c.stop, 500, "", "", noon, "A"), c.change); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	s := missed(t).Stop
	e := to(s, Partial, noon, 0)
	e.Change, s.HeldMinor = &Change{Kind: ChangePart, Minor: 1}, 2
	if got := judged(s, e, nil); got != "part.term" {
		t.Errorf("a part of what was gone: %q", got)
	}
}

// A freeze goes on for six months more at most.
func TestJudgeRenewal(t *testing.T) {
	s := frozenAt(t).Stop
	most := s.Until.Add(183 * 24 * time.Hour)
	for name, c := range map[string]struct {
		stop  *Stop
		state State
		until event.Instant
		want  string
	}{
		"six months":               {s, Frozen, most, ""},
		"a millisecond more":       {s, Frozen, most + 1, "law.renewal"},
		"of what is not frozen":    {held("s", 1000, 0), Frozen, noon.Add(time.Hour), "law.renewal"},
		"of a freeze that is over": {s, Released, 0, "law.renewal"},
	} {
		e := to(c.stop, c.state, noon, c.until)
		e.Change = &Change{Kind: ChangeRenew}
		if got := judged(c.stop, e, nil); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The bank is instructed to make each return once, one at a time, of what is left.
func TestJudgePayBack(t *testing.T) {
	due := noon.Add(72 * time.Hour)
	s := frozenAt(t)
	pay := func(minor int64) []Pay { return []Pay{{"v", "v", minor}} }
	for name, c := range map[string]struct {
		minor  int64
		change func(*Step)
		want   string
	}{
		"all that is left":          {1000, nil, ""},
		"a fen more":                {1001, nil, "payback.left"},
		"one fen":                   {1, nil, ""},
		"nothing":                   {0, nil, "payback.left"},
		"of no return":              {1, func(e *Step) { e.Change.ReturnID = "" }, "payback.one"},
		"with the stop left frozen": {1, func(e *Step) { e.State = Frozen }, "payback.one"},
	} {
		if got := judged(s.Stop, PayBack(s.Stop, "r", pay(c.minor), due, noon, "B"), c.change); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	s.takes(PayBack(s.Stop, "r", pay(400), due, noon, "B"))
	for name, c := range map[string]struct {
		done   bool
		change func(*Step)
		want   string
	}{
		"paid back":                     {true, nil, ""},
		"not possible":                  {false, nil, ""},
		"of another return":             {true, func(e *Step) { e.Change.ReturnID = "q" }, "payback.none"},
		"less than the instruction":     {true, func(e *Step) { e.Change.Minor = 399 }, "payback.whole"},
		"a part, as if it were all":     {true, func(e *Step) { e.State, e.Until = Returned, 0 }, "payback.state"},
		"the freeze ends otherwise":     {true, func(e *Step) { e.Until++ }, "payback.term"},
		"the freeze ends, not possible": {false, func(e *Step) { e.Until++ }, "payback.term"},
		"not possible, and all is paid": {false, func(e *Step) { e.State = Returned }, "payback.rest"},
	} {
		if got := judged(s.Stop, PaidBack(s.Stop, c.done, "R", "", noon, "bank"), c.change); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	s.takes(PaidBack(s.Stop, false, "", "", noon, "bank"))
	if got := judged(s.Stop, PayBack(s.Stop, "r", pay(1), due, noon, "B"), nil); got != "payback.told" {
		t.Errorf("the same return again: %q", got)
	}
	word := to(s.Stop, Frozen, noon, s.Until)
	word.Change = &Change{Kind: ChangeReturned, ReturnID: "r", Minor: 400}
	if got := judged(s.Stop, word, nil); got != "payback.none" {
		t.Errorf("paid back with no instruction: %q", got)
	}
	s.takes(PayBack(s.Stop, "r2", pay(1000), due, noon, "B"))
	all := PaidBack(s.Stop, true, "R", "", noon, "bank")
	all.State, all.Until = Frozen, s.FreezeUntil
	if got := judged(s.Stop, all, nil); got != "payback.state" {
		t.Errorf("all is paid back, and the freeze goes on: %q", got)
	}
}

// What the timeline says of returns: what was paid of each, to whom, and whether the
// bank has answered.
func TestWhatWasPaidBack(t *testing.T) {
	due := noon.Add(72 * time.Hour)
	s := frozenAt(t)
	s.takes(PayBack(s.Stop, "r1", []Pay{{"v", "v", 300}, {"w", "w", 100}}, due, noon, "B"))
	if _, answered := s.PaidFor("r1"); answered || !s.Instructed("r1") || s.Instructed("r2") {
		t.Error("the bank is instructed of r1, and has not answered")
	}
	s.takes(PaidBack(s.Stop, true, "R", "", noon, "bank"))
	s.takes(PayBack(s.Stop, "r2", []Pay{{"v", "v", 200}}, due, noon, "B"))
	s.takes(PaidBack(s.Stop, false, "", "closed", noon, "bank"))
	s.takes(PayBack(s.Stop, "r3", []Pay{{"v", "v", 50}, {"x", "x", 7}}, due, noon, "B"))
	s.takes(PaidBack(s.Stop, true, "R", "", noon, "bank"))
	for id, c := range map[string]struct {
		minor    int64
		answered bool
	}{"r1": {400, true}, "r2": {0, true}, "r3": {57, true}, "r4": {0, false}} {
		if minor, answered := s.PaidFor(id); minor != c.minor || answered != c.answered {
			t.Errorf("of %s %d were paid, answered %v; want %d, %v", id, minor, answered, c.minor, c.answered)
		}
	}
	if got, want := s.PaidTo(), map[string]int64{"v": 350, "w": 100, "x": 7}; !maps.Equal(got, want) {
		t.Errorf("the victims got %v, want %v", got, want)
	}
	if !slices.Equal(s.payees("r3"), []Pay{{"v", "v", 50}, {"x", "x", 7}}) || s.payees("r4") != nil {
		t.Errorf("the payees of r3 are %v", s.payees("r3"))
	}
	if s.Swept("k") || s.LiftedFor("apl") || s.LiftedFor("apm") {
		t.Error("nothing was swept or lifted")
	}
	p := partly(t)
	p.takes(Sweep(law.Default, p.Stop, 10, "k", noon, "bank"))
	p.takes(Lift(p.Stop, 10, "apl", "", noon, "A"))
	if !p.Swept("k") || p.Swept("l") || !p.LiftedFor("apl") || p.LiftedFor("apm") || p.Instructed("") {
		t.Error("the credit k was swept, and a part lifted for the appeal apl")
	}
}
