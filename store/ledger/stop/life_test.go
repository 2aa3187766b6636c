package stop

import (
	"testing"
	"time"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/stream/event"
)

// life is a stop whose steps a test takes, as the law allows them.
type life struct {
	*Stop
	t *testing.T
}

// takes judges a step and applies it.
func (l life) takes(e Step) {
	l.t.Helper()
	terms := law.Default
	if why := Judge(&terms, l.Stop, &e, &Surroundings{Siblings: []*Stop{l.Stop}}); !why.None() {
		l.t.Fatalf("%s: %v", e.State, why)
	}
	l.Advance(&terms, &e, []*Stop{l.Stop})
}

// answers applies a bank's answer, given so long after noon.
func (l life) answers(o Outcome, after time.Duration) {
	l.t.Helper()
	l.takes(Answer(law.Default, l.Stop, o, noon.Add(after), "bank"))
}

// goes takes a step of a person to a state until a moment.
func (l life) goes(to State, at, until event.Instant) {
	l.t.Helper()
	e := l.Next(at, "A")
	e.State, e.Until = to, until
	l.takes(e)
}

func asked(t *testing.T, minor int64) life { return life{requested(minor), t} }

// Up to the limit a stop goes out by itself, with a minute to answer; above it, or
// in doubt, a person looks first.
func TestPropose(t *testing.T) {
	terms := law.Default
	for name, c := range map[string]struct {
		minor int64
		doubt string
		steps int
	}{
		"at the limit":    {50_000_000, "", 2},
		"a fen above it":  {50_000_001, "", 1},
		"small, in doubt": {100, DoubtCircular, 1},
	} {
		p := proposal(c.minor)
		p.Doubt = c.doubt
		steps := Propose(terms, "s", "c", p, noon, "scoring")
		if len(steps) != c.steps {
			t.Errorf("%s: %d steps, want %d", name, len(steps), c.steps)
			continue
		}
		for i, e := range steps {
			if e.Version != i+1 || e.Subject != "s" || e.CaseID != "c" || e.At != noon || e.By != "scoring" {
				t.Errorf("%s: step %d is %+v", name, i+1, e.Head)
			}
		}
		if f := steps[0]; f.State != Proposed || f.Until != 0 || f.Proposal == nil || f.Proposal.Minor != c.minor {
			t.Errorf("%s: the proposal is %+v", name, f)
		}
	}
	steps := Propose(terms, "s", "c", proposal(1), noon, "scoring")
	if e := steps[1]; e.State != Requested || e.Until != noon.Add(time.Minute) || e.Proposal != nil {
		t.Errorf("the request is %+v", e)
	}
	if steps[0].ID == steps[1].ID || steps[0].ID != Propose(terms, "s", "c", proposal(2), noon+1, "B")[0].ID {
		t.Error("the ids of steps follow from the stop and the version alone")
	}
}

// A stop that waited for its parent is requested in its proposer's name, once.
func TestRequestAfter(t *testing.T) {
	terms, parent := law.Default, requested(1)
	parent.ID = "p"
	first := Propose(terms, "s", "c", proposal(100), noon, "trail")[0]
	s := Begin(&first, step.Number{Year: 2026, Sequence: 5})
	if s.ID != "s" || s.CaseID != "c" || s.ProposedAt != noon || s.Number.Sequence != 5 || s.Minor != 100 {
		t.Fatalf("it begins as %+v", s)
	}
	s.Advance(&terms, &first, nil)
	e := s.RequestAfter(&terms, parent, noon.Add(time.Hour))
	if e.State != Requested || e.By != "trail" || e.Version != 2 || e.Until != noon.Add(61*time.Minute) {
		t.Errorf("%+v", e)
	}
	if again := s.RequestAfter(&terms, parent, noon.Add(2*time.Hour)); again.ID != e.ID || e.ID == "" {
		t.Errorf("another replica's request is %s, want %s", again.ID, e.ID)
	}
}

// A deadline makes a request undelivered and a hold expired; nothing else has one.
func TestLapse(t *testing.T) {
	for _, s := range every {
		st := requested(100)
		st.State = s
		e, lapses := st.Lapse(noon)
		switch s {
		case Requested, Acknowledged:
			if !lapses || e.State != Undelivered || e.Reason != "due.answer" {
				t.Errorf("%s: %v, %+v", s, lapses, e)
			}
		case Held, Partial, Extended, Frozen:
			if !lapses || e.State != Expired || e.Reason != "due.term" {
				t.Errorf("%s: %v, %+v", s, lapses, e)
			}
		default:
			if lapses {
				t.Errorf("%s lapses to %s", s, e.State)
			}
			continue
		}
		if e.Version != 3 || e.By != "deadline" || e.At != noon || e.Subject != "s" || e.ID == "" {
			t.Errorf("%s: %+v", s, e.Head)
		}
	}
}

// Which steps a bank is notified of: those that it has not taken itself.
func TestMessageTypes(t *testing.T) {
	for _, s := range every {
		want := map[State]string{Requested: delivery.MessageRequested, Extended: delivery.MessageExtended,
			Frozen: delivery.MessageFrozen, Released: delivery.MessageReleased, Expired: delivery.MessageExpired}[s]
		if got := (&Step{Head: step.Head[State]{State: s}}).MessageType(); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
		if got := (&Step{Head: step.Head[State]{State: s}, Bank: "PCBC"}).MessageType(); got != "" {
			t.Errorf("%s, as its bank says: %q", s, got)
		}
	}
	for kind, want := range map[string]string{ChangePart: delivery.MessageChanged, ChangeReturn: delivery.MessageReturn,
		ChangeRenew: delivery.MessageFrozen} {
		e := Step{Head: step.Head[State]{State: Frozen}, Change: &Change{Kind: kind}}
		if got := e.MessageType(); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}

// A stop from the request to the end of its second term, by the moments of each step.
func TestAdvanceOverTwoTerms(t *testing.T) {
	s := asked(t, 1000)
	if s.RequestedAt != noon || s.IssuedBy != "scoring" || s.Version != 2 || s.HoldTerms != 0 || s.EffectiveAt != 0 {
		t.Fatalf("requested: %+v", s.Stop)
	}
	since := noon.Add(10 * time.Second)
	s.answers(Outcome{Result: Partial, EffectiveAt: since, HeldMinor: 600}, time.Minute)
	if s.State != Partial || s.AnsweredAt != noon.Add(time.Minute) || s.EffectiveAt != since || s.HeldMinor != 600 ||
		s.HoldTerms != 1 || s.Until != since.Add(48*time.Hour) || s.EndedAt != 0 || s.Outcome.HeldMinor != 600 {
		t.Fatalf("held in part: %+v", s.Stop)
	}
	s.takes(Sweep(law.Default, s.Stop, 150, "later", noon.Add(time.Hour), "bank"))
	if s.State != Partial || s.HeldMinor != 750 || s.Claim() != 250 || s.HoldTerms != 1 || s.EffectiveAt != since ||
		s.AnsweredAt != noon.Add(time.Minute) || s.Until != since.Add(48*time.Hour) {
		t.Fatalf("swept: %+v", s.Stop)
	}
	s.goes(Extended, noon.Add(40*time.Hour), since.Add(96*time.Hour))
	if s.State != Extended || s.HoldTerms != 2 || s.Until != since.Add(96*time.Hour) {
		t.Fatalf("extended: %+v", s.Stop)
	}
	s.takes(Lift(s.Stop, 50, "", "", noon.Add(50*time.Hour), "A"))
	if s.State != Extended || s.HoldTerms != 2 || s.HeldMinor != 700 || s.ReleasedMinor != 50 || s.Left() != 700 {
		t.Fatalf("a part released in the second term: %+v", s.Stop)
	}
	e, _ := s.Lapse(s.Until.Add(time.Hour))
	s.takes(e)
	if s.State != Expired || s.EndedAt != since.Add(96*time.Hour) || s.Until != 0 || len(s.Timeline) != 7 {
		t.Fatalf("a hold ends at its term, whenever that is noted: %+v", s.Stop)
	}
}

// A freeze ends the stop at once; what is paid back leaves the freeze's end as it was.
func TestAdvanceOverAFreeze(t *testing.T) {
	s := asked(t, 1000)
	s.answers(Outcome{Result: Held, EffectiveAt: noon, HeldMinor: 1000}, 0)
	froze, end := noon.Add(time.Hour), noon.Add(100*24*time.Hour)
	s.goes(Frozen, froze, end)
	if s.EndedAt != froze || s.FreezeUntil != end || s.Until != end {
		t.Fatalf("frozen: %+v", s.Stop)
	}
	due := noon.Add(72 * time.Hour)
	s.takes(PayBack(s.Stop, "r1", []Pay{{"v", "v", 300}, {"w", "w", 200}}, due, froze+1, "B"))
	if s.State != Returning || s.Until != due || s.FreezeUntil != end || s.Instruction.Minor != 500 ||
		s.Left() != 1000 || s.EndedAt != froze {
		t.Fatalf("instructed: %+v", s.Stop)
	}
	s.takes(PaidBack(s.Stop, false, "", "closed", froze+2, "bank"))
	if s.State != Frozen || s.Instruction != nil || s.ReturnedMinor != 0 || s.FreezeUntil != end || s.Until != end {
		t.Fatalf("not paid back: %+v", s.Stop)
	}
	renewed := end.Add(24 * time.Hour)
	renew := s.Next(froze+3, "A")
	renew.State, renew.Until, renew.Change = Frozen, renewed, &Change{Kind: ChangeRenew}
	s.takes(renew)
	s.takes(PayBack(s.Stop, "r2", []Pay{{"v", "v", 400}}, due, froze+4, "B"))
	s.takes(PaidBack(s.Stop, true, "R", "", froze+5, "bank"))
	if s.State != Frozen || s.Instruction != nil || s.ReturnedMinor != 400 || s.FreezeUntil != renewed ||
		s.Until != renewed || s.Left() != 600 {
		t.Fatalf("a part paid back: %+v", s.Stop)
	}
	s.takes(PayBack(s.Stop, "r3", []Pay{{"w", "w", 600}}, due, froze+6, "B"))
	s.takes(PaidBack(s.Stop, true, "R", "", froze+7, "bank"))
	if s.State != Returned || s.ReturnedMinor != 1000 || s.Left() != 0 || s.Until != 0 {
		t.Fatalf("all paid back: %+v", s.Stop)
	}
}

// Money that was gone, and a later credit that is held from its own moment on.
func TestAdvanceAfterAMiss(t *testing.T) {
	s := asked(t, 1000)
	s.answers(Outcome{Result: Missed}, time.Minute)
	if s.EffectiveAt != 0 || s.HeldMinor != 0 || s.HoldTerms != 0 || s.Until != 0 || s.Outcome == nil {
		t.Fatalf("missed: %+v", s.Stop)
	}
	later := noon.Add(5 * time.Hour)
	s.takes(Sweep(law.Default, s.Stop, 1000, "k", later, "bank"))
	if s.State != Held || s.EffectiveAt != later || s.HeldMinor != 1000 || s.HoldTerms != 1 ||
		s.Until != later.Add(48*time.Hour) || s.AnsweredAt != noon.Add(time.Minute) {
		t.Fatalf("the later credit: %+v", s.Stop)
	}
	s.goes(Released, later.Add(time.Hour), 0)
	if s.EndedAt != later.Add(time.Hour) || s.Left() != 1000 {
		t.Fatalf("released: %+v", s.Stop)
	}
}

// A copy shares the timeline; what the stop does later is not in it.
func TestCopyStandsStill(t *testing.T) {
	s := asked(t, 1000)
	c := s.Copy()
	s.answers(Outcome{Result: Missed}, time.Minute)
	if c.State != Requested || len(c.Timeline) != 2 || c.Last().State != Requested || s.Last().State != Missed {
		t.Errorf("the copy is %s with %d steps", c.State, len(c.Timeline))
	}
	c.Timeline = append(c.Timeline, Step{})
	if s.Last().State != Missed {
		t.Error("a step of the copy came into the stop's timeline")
	}
}

// Sums of amounts, each kind by itself.
func TestAmountsAdd(t *testing.T) {
	a := Amounts{1, 2, 3, 4, 5, 6, 7, 8}
	a.Add(&Amounts{10, 20, 30, 40, 50, 60, 70, 80})
	if want := (Amounts{11, 22, 33, 44, 55, 66, 77, 88}); a != want || a.UnderControl() != 44+55 {
		t.Errorf("%+v, %d under control", a, a.UnderControl())
	}
	s := asked(t, 1000)
	if got, want := s.Amounts(), (Amounts{Requested: 1000}); got != want {
		t.Errorf("requested: %+v, want %+v", got, want)
	}
	s.answers(Outcome{Result: Held, EffectiveAt: noon, HeldMinor: 1000}, 0)
	s.takes(Lift(s.Stop, 300, "", "", noon, "A"))
	s.goes(Released, noon, 0)
	if got, want := s.Amounts(), (Amounts{Requested: 1000, Caught: 1000, Released: 1000}); got != want {
		t.Errorf("released: %+v, want %+v", got, want)
	}
	if got := (&Stop{Proposal: proposal(9), State: Proposed}).Amounts(); got != (Amounts{}) {
		t.Errorf("proposed: %+v", got)
	}
	if s.Held().Minor != 700 || s.Amount().Minor != 1000 || s.Amount().Currency != event.CNY {
		t.Errorf("held %+v of %+v", s.Held(), s.Amount())
	}
}
