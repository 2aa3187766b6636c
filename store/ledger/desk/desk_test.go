package desk

import (
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// stopIn is a stop of 1,000 fen of the case c, all of it held since 11 o'clock.
func stopIn(state stop.State) *stop.Stop {
	s := &stop.Stop{ID: "s", CaseID: "c", State: state, Proposal: stop.Proposal{Minor: 1000, Currency: event.CNY},
		EffectiveAt: noon.Add(-time.Hour)}
	if state.Holds() {
		s.HeldMinor = 1000
	}
	return s
}

// received is an appeal against the stop s, made at noon.
func received(t *testing.T) *AppealFile {
	terms := law.Default
	e := ReceiveAppeal(&terms, "a", "c", Appeal{StopID: "s", Holder: "乙"}, noon, "A")
	if why := (*AppealFile)(nil).Judge(&e, stopIn(stop.Held), ""); !why.None() {
		t.Fatal(why)
	}
	a := BeginAppeal(&e)
	a.Advance(&e, stopIn(stop.Held))
	return a
}

// decides is the step by which an appeal is decided three hours after noon.
func decides(a *AppealFile, to AppealState, minor int64) AppealStep {
	p := a.Appeal
	p.Minor = minor
	return AppealStep{step.Head[AppealState]{ID: "d", CaseID: "c", Subject: a.ID, Version: a.Version + 1, State: to,
		At: noon.Add(3 * time.Hour), By: "B"}, &p}
}

func TestAppealBegins(t *testing.T) {
	for name, c := range map[string]struct {
		stop   *stop.Stop
		open   string
		change func(*AppealStep)
		want   string
	}{
		"against a hold":           {stopIn(stop.Held), "", func(*AppealStep) {}, ""},
		"against a request":        {stopIn(stop.Requested), "", func(*AppealStep) {}, ""},
		"against a freeze":         {stopIn(stop.Frozen), "", func(*AppealStep) {}, ""},
		"against what is released": {stopIn(stop.Released), "", func(*AppealStep) {}, "appeal.nothing"},
		"against no stop":          {nil, "", func(*AppealStep) {}, "appeal.stop"},
		"against another case's":   {stopIn(stop.Held), "", func(e *AppealStep) { e.CaseID = "d" }, "appeal.stop"},
		"beside an open one":       {stopIn(stop.Held), "b", func(*AppealStep) {}, "appeal.open"},
		"at version 2":             {stopIn(stop.Held), "", func(e *AppealStep) { e.Version = 2 }, "appeal.begin"},
		"already upheld":           {stopIn(stop.Held), "", func(e *AppealStep) { e.State = AppealUpheld }, "appeal.begin"},
	} {
		terms := law.Default
		e := ReceiveAppeal(&terms, "a", "c", Appeal{StopID: "s"}, noon, "A")
		c.change(&e)
		if got := (*AppealFile)(nil).Judge(&e, c.stop, c.open).Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	a := received(t)
	if a.ID != "a" || a.CaseID != "c" || a.Version != 1 || a.State != AppealReceived || a.OpenedAt != noon ||
		a.Until != noon.Add(24*time.Hour) || a.DecidedAt != 0 || len(a.Timeline) != 1 || a.Holder != "乙" {
		t.Errorf("%+v", a)
	}
	names := ""
	for _, d := range NeededDocuments() {
		if names += d.Name + " "; d.Received {
			t.Errorf("%s is there already", d.Name)
		}
	}
	if names != "identity statement purpose " {
		t.Errorf("a holder is asked for %s", names)
	}
}

func TestAppealIsDecided(t *testing.T) {
	behind := func(e *AppealStep) { e.Version = 1 }
	elsewhere := func(e *AppealStep) { e.Appeal.StopID = "t" }
	for name, c := range map[string]struct {
		stop   *stop.Stop
		to     AppealState
		minor  int64
		change func(*AppealStep)
		want   string
	}{
		"upheld, all":               {stopIn(stop.Held), AppealUpheld, 1000, nil, ""},
		"upheld, one fen":           {stopIn(stop.Held), AppealUpheld, 1, nil, ""},
		"upheld, nothing":           {stopIn(stop.Held), AppealUpheld, 0, nil, "appeal.amount"},
		"upheld, more than is held": {stopIn(stop.Held), AppealUpheld, 1001, nil, "appeal.amount"},
		"upheld before the answer":  {stopIn(stop.Requested), AppealUpheld, 1001, nil, ""},
		"dismissed":                 {stopIn(stop.Held), AppealDismissed, 0, nil, ""},
		"a document comes":          {stopIn(stop.Held), AppealReceived, 0, nil, ""},
		"a version that is taken":   {stopIn(stop.Held), AppealDismissed, 0, behind, "version.appeal"},
		"for another stop":          {stopIn(stop.Held), AppealDismissed, 0, elsewhere, "appeal.other"},
	} {
		a := received(t)
		e := decides(a, c.to, c.minor)
		if c.change != nil {
			c.change(&e)
		}
		if got := a.Judge(&e, c.stop, "").Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	a, s := received(t), stopIn(stop.Held)
	before := a.Copy()
	e := decides(a, AppealUpheld, 400)
	a.Advance(&e, s)
	if a.State != AppealUpheld || a.Version != 2 || a.DecidedAt != noon.Add(3*time.Hour) || a.Until != 0 ||
		a.Minor != 400 || a.HeldSince != noon.Add(-time.Hour) || a.OpenedAt != noon ||
		len(a.Timeline) != 2 || len(before.Timeline) != 1 {
		t.Errorf("%+v", a)
	}
	if got := a.WronglyHeld(); got != 4*time.Hour {
		t.Errorf("wrongly held for %s, want the four hours from 11 to 15 o'clock", got)
	}
	again := decides(a, AppealDismissed, 0)
	if got := a.Judge(&again, s, "").Code; got != "appeal.decided" {
		t.Errorf("decided twice: %q", got)
	}
	d := received(t)
	e = decides(d, AppealDismissed, 0)
	d.Advance(&e, s)
	never := received(t)
	e = decides(never, AppealUpheld, 1)
	never.Advance(&e, &stop.Stop{})
	late := received(t)
	e = decides(late, AppealUpheld, 1)
	late.Advance(&e, &stop.Stop{EffectiveAt: noon.Add(9 * time.Hour)})
	if d.WronglyHeld() != 0 || never.WronglyHeld() != 0 || late.WronglyHeld() != 0 {
		t.Error("what was rightly held, never held, or held later was not wrongly held")
	}
	e = decides(received(t), AppealReceived, 0)
	r := received(t)
	r.Advance(&e, s)
	if r.Until != noon.Add(24*time.Hour) || r.DecidedAt != 0 || r.HeldSince != 0 {
		t.Errorf("a document moves the clock: %+v", r)
	}
}

// An appeal that was upheld has won as long as its stop can be released and was not
// lifted for it.
func TestAppealWins(t *testing.T) {
	lifted := stopIn(stop.Held)
	lifted.Timeline = []stop.Step{{Change: &stop.Change{Kind: stop.ChangePart, AppealID: "a"}}}
	other := stopIn(stop.Held)
	other.Timeline = []stop.Step{{Change: &stop.Change{Kind: stop.ChangePart, AppealID: "b"}}}
	for name, c := range map[string]struct {
		state AppealState
		stop  *stop.Stop
		want  bool
	}{
		"upheld, held":                  {AppealUpheld, stopIn(stop.Held), true},
		"upheld, lifted for it":         {AppealUpheld, lifted, false},
		"upheld, lifted for another":    {AppealUpheld, other, true},
		"upheld, released already":      {AppealUpheld, stopIn(stop.Released), false},
		"upheld, on its way to victims": {AppealUpheld, stopIn(stop.Returning), false},
		"dismissed":                     {AppealDismissed, stopIn(stop.Held), false},
		"not decided":                   {AppealReceived, stopIn(stop.Held), false},
	} {
		a := received(t)
		a.State = c.state
		if got := a.Won(c.stop); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// sent is a visit of the grid that was sent at noon.
func sent() *VisitFile {
	terms := law.Default
	e := AssignVisit(&terms, "v", "c", Visit{District: "520103", Holder: "甲", Level: 3}, noon, "A")
	v := &VisitFile{ID: "v", CaseID: "c"}
	v.Advance(&e)
	return v
}

// visits is a next step of a visit.
func visits(v *VisitFile, to VisitState, level int, at event.Instant) VisitStep {
	next := v.Visit
	next.Level = level
	return VisitStep{step.Head[VisitState]{Version: v.Version + 1, State: to, At: at}, &next}
}

func TestJudgeVisit(t *testing.T) {
	terms := law.Default
	due := noon.Add(30 * time.Minute)
	if v := sent(); v.Level != 1 || v.Until != due || v.State != VisitAssigned || v.Version != 1 || len(v.Timeline) != 1 {
		t.Errorf("%+v", v)
	}
	confirmed := sent()
	e := visits(confirmed, VisitConfirmed, 1, noon)
	confirmed.Advance(&e)
	top := sent()
	top.Level = 3
	behind := visits(sent(), VisitConfirmed, 1, noon)
	behind.Version = 1
	for name, c := range map[string]struct {
		visit *VisitFile
		step  VisitStep
		want  string
	}{
		"assigned":                        {nil, AssignVisit(&terms, "v", "c", Visit{}, noon, "A"), ""},
		"begun as escalated":              {nil, visits(&VisitFile{}, VisitEscalated, 1, noon), "visit.begin"},
		"begun at level 2":                {nil, visits(&VisitFile{}, VisitAssigned, 2, noon), "visit.begin"},
		"begun at version 2":              {nil, visits(&VisitFile{Version: 1}, VisitAssigned, 1, noon), "visit.begin"},
		"confirmed":                       {sent(), visits(sent(), VisitConfirmed, 1, noon), ""},
		"a version that is taken":         {sent(), behind, "version.visit"},
		"confirmed twice":                 {confirmed, visits(confirmed, VisitConfirmed, 1, noon), "visit.made"},
		"up when it is due":               {sent(), visits(sent(), VisitEscalated, 2, due), ""},
		"up too early":                    {sent(), visits(sent(), VisitEscalated, 2, due-1), "visit.due"},
		"up two levels":                   {sent(), visits(sent(), VisitEscalated, 3, due), "visit.due"},
		"up to the level that it has":     {sent(), visits(sent(), VisitEscalated, 1, due), "visit.due"},
		"up beyond the city":              {top, visits(top, VisitEscalated, 4, due), "visit.due"},
		"sent to somebody else meanwhile": {sent(), visits(sent(), VisitAssigned, 1, noon), ""},
	} {
		if got := c.visit.Judge(&terms, &c.step).Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A visit goes up when it is due, one level at a time, to the city.
func TestVisitEscalates(t *testing.T) {
	terms, v := law.Default, sent()
	if _, due := v.Escalate(&terms, noon.Add(30*time.Minute)-1); due {
		t.Error("it goes up before it is due")
	}
	at := noon.Add(30 * time.Minute)
	e, due := v.Escalate(&terms, at)
	if !due || e.State != VisitEscalated || e.Version != 2 || e.Visit.Level != 2 || e.Until != at.Add(30*time.Minute) ||
		e.By != "deadline" || e.Reason != "due.visit" || e.CaseID != "c" || e.Subject != "v" || e.At != at {
		t.Errorf("%v: %+v", due, e)
	}
	if v.Level != 1 {
		t.Error("the visit went up before the step was accepted")
	}
	if later, _ := v.Escalate(&terms, at+5); later.ID != e.ID {
		t.Error("two replicas send it up twice")
	}
	before := v.Copy()
	v.Advance(&e)
	next, due := v.Escalate(&terms, v.Until)
	if !due || next.Visit.Level != 3 || next.ID == e.ID || before.Level != 1 || len(before.Timeline) != 1 {
		t.Errorf("%v: %+v", due, next)
	}
	v.Advance(&next)
	if _, due := v.Escalate(&terms, v.Until); due {
		t.Error("it goes up beyond the city")
	}
	done := sent()
	c := visits(done, VisitConfirmed, 1, noon)
	c.Visit.Found = VisitAverted
	done.Advance(&c)
	if _, due := done.Escalate(&terms, at); due || done.Found != VisitAverted {
		t.Error("a visit that was made goes up")
	}
}

// A case's progress: each step for the next version, in a state that there is.
func TestJudgeProgress(t *testing.T) {
	for name, c := range map[string]struct {
		version, of, arrests int
		state                CaseState
		want                 string
	}{
		"the first":         {1, 0, 0, CaseInvestigating, ""},
		"with an arrest":    {3, 2, 1, CaseSolved, ""},
		"closed":            {3, 2, 0, CaseClosed, ""},
		"opened again":      {3, 2, 0, CaseOpen, ""},
		"one that is taken": {2, 2, 0, CaseOpen, "version.case"},
		"one that is ahead": {4, 2, 0, CaseOpen, "version.case"},
		"an unknown state":  {1, 0, 0, "won", "case.state"},
		"fewer than nobody": {1, 0, -1, CaseOpen, "case.state"},
	} {
		e := ProgressStep{step.Head[CaseState]{Version: c.version, State: c.state}, &Progress{c.arrests}}
		if got := JudgeProgress(&e, c.of).Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A claim locks an alert for ten minutes; every step of the work has its own id.
func TestWork(t *testing.T) {
	terms := law.Default
	claim := (*TaskFile)(nil).Work(&terms, "alt", "c", TaskClaimed, noon, "A", "mine")
	f := claim.File()
	if claim.Version != 1 || claim.Until != noon.Add(10*time.Minute) || *f != (TaskFile{"alt", "c", 1, TaskClaimed, "A",
		"mine", noon, noon.Add(10 * time.Minute)}) {
		t.Errorf("%+v", f)
	}
	back := f.Work(&terms, "alt", "c", TaskOpen, noon+1, "A", "")
	if back.Version != 2 || back.Until != 0 || back.ID == claim.ID || back.Subject != "alt" {
		t.Errorf("%+v", back)
	}
	if other := (*TaskFile)(nil).Work(&terms, "alt", "c", TaskClaimed, noon, "B", ""); other.ID == claim.ID {
		t.Error("two people's claims are one entry")
	}
	if back.File().Locked(noon) {
		t.Error("what was given back is locked")
	}
	for name, c := range map[string]struct {
		change func(*TaskStep)
		want   string
	}{
		"ten minutes":          {func(*TaskStep) {}, ""},
		"less":                 {func(e *TaskStep) { e.Until-- }, ""},
		"a millisecond more":   {func(e *TaskStep) { e.Until++ }, "task.term"},
		"for ever":             {func(e *TaskStep) { e.Until = 0 }, "task.term"},
		"a version ahead":      {func(e *TaskStep) { e.Version++ }, "version.task"},
		"given back":           {func(e *TaskStep) { e.State, e.Until = TaskOpen, 0 }, ""},
		"handed up":            {func(e *TaskStep) { e.State, e.Until = TaskEscalated, 0 }, ""},
		"dismissed":            {func(e *TaskStep) { e.State, e.Until = TaskDismissed, 0 }, ""},
		"a state that is none": {func(e *TaskStep) { e.State = "won" }, "task.state"},
	} {
		e := f.Work(&terms, "alt", "c", TaskClaimed, noon, "A", "")
		c.change(&e)
		if got := f.Judge(&terms, &e, nil).Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
