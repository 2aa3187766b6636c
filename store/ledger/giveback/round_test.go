package giveback

import (
	"slices"
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// begun is a round that P proposed at noon, of a pool.
func begun(pool int64) *Round {
	e := Propose("c", 0, Return{Pool: pool, Currency: event.CNY}, noon, "P")
	r := Begin(&e, 0, step.Number{Sequence: 4})
	r.Advance(&e)
	return r
}

// takes judges a step and applies it.
func takes(t *testing.T, r *Round, e Step) {
	t.Helper()
	terms := law.Default
	if why := r.Judge(&terms, &e); !why.None() {
		t.Fatalf("%s by %s: %s", e.State, e.By, why.Code)
	}
	r.Advance(&e)
}

// until is a step to a state that ends at a moment.
func until(r *Round, to State, at, end event.Instant, by string) Step {
	e := r.Next(to, at, by)
	e.Until = end
	return e
}

// announced is a round in proportion, announced at noon for 30 days.
func announced(t *testing.T) *Round {
	r := begun(100)
	takes(t, r, until(r, Announced, noon, noon.Add(30*24*time.Hour), "P"))
	return r
}

// says is the step of an objection.
func says(r *Round, at event.Instant, id, state string) Step {
	e := r.Next(Announced, at, "A")
	e.Return = &Return{Objects: &Objection{ID: id, Who: "w", Text: "me too", State: state}}
	return e
}

// The rounds of a case are numbered from 1, and so are named; only one is open.
func TestRoundBegins(t *testing.T) {
	e := Propose("c", 2, Return{Pool: 7, Round: 99}, noon, "P")
	if e.Return.Round != 3 || e.Version != 1 || e.State != Proposed || e.By != "P" || e.CaseID != "c" || e.At != noon {
		t.Errorf("%+v of round %d", e.Head, e.Return.Round)
	}
	if same := Propose("c", 2, Return{}, noon+1, "Q"); same.Subject != e.Subject || same.ID == e.ID {
		t.Error("the return's id follows from the case and the round, the step's from who takes it as well")
	}
	if next := Propose("c", 3, Return{}, noon, "P"); next.Subject == e.Subject {
		t.Error("two rounds are one")
	}
	r := Begin(&e, 2, step.Number{Sequence: 4})
	if r.ID != e.Subject || r.CaseID != "c" || r.Round != 3 || r.ProposedAt != noon || r.ProposedBy != "P" ||
		r.Number.Sequence != 4 || r.Pool != 7 {
		t.Errorf("%+v", r)
	}
	for name, c := range map[string]struct {
		open   string
		change func(*Step)
		want   string
	}{
		"the first":          {"", func(*Step) {}, ""},
		"beside an open one": {"ret", func(*Step) {}, "return.round"},
		"at version 2":       {"", func(e *Step) { e.Version = 2 }, "return.begin"},
		"already approved":   {"", func(e *Step) { e.State = Approved }, "return.begin"},
		"of nothing":         {"", func(e *Step) { e.Return = nil }, "return.begin"},
	} {
		e := Propose("c", 0, Return{}, noon, "P")
		c.change(&e)
		if got := JudgeBegin(&e, c.open).Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// What a return needs before each step: an announcement of 30 days if any of it is in
// proportion, no open objection, two people who did not propose it.
func TestJudgeRound(t *testing.T) {
	over := noon.Add(30 * 24 * time.Hour)
	approved := begun(0)
	takes(t, approved, approved.Next(Approved, noon, "A"))
	done := begun(0)
	takes(t, done, done.Next(Approved, noon, "A"))
	takes(t, done, done.Next(Instructed, noon, "B"))
	gone := begun(0)
	takes(t, gone, gone.Next(Withdrawn, noon, "A"))
	version := begun(0).Next(Approved, noon, "A")
	version.Version++
	for name, c := range map[string]struct {
		round *Round
		step  Step
		want  string
	}{
		"a version that is ahead":       {begun(0), version, "version.return"},
		"traced alone, approved":        {begun(0), begun(0).Next(Approved, noon, "A"), ""},
		"traced alone, announced":       {begun(0), until(begun(0), Announced, noon, over, "P"), "return.announce"},
		"announced for 30 days":         {begun(1), until(begun(1), Announced, noon, over, "P"), ""},
		"announced for less":            {begun(1), until(begun(1), Announced, noon, over-1, "P"), "law.announce"},
		"announced for ever":            {begun(1), until(begun(1), Announced, noon, 0, "P"), "law.announce"},
		"announced twice":               {announced(t), until(announced(t), Announced, noon, over, "P"), "return.announce"},
		"approved, not announced":       {begun(1), begun(1).Next(Approved, noon, "A"), "law.announce-first"},
		"approved before the end":       {announced(t), announced(t).Next(Approved, over-1, "A"), "law.announced-until"},
		"approved at the end":           {announced(t), announced(t).Next(Approved, over, "A"), ""},
		"approved by who proposed":      {begun(0), begun(0).Next(Approved, noon, "P"), "four-eyes.return"},
		"instructed with one approval":  {begun(0), begun(0).Next(Instructed, noon, "A"), "return.step"},
		"approved a second time":        {approved, approved.Next(Approved, noon, "B"), "return.step"},
		"instructed by the first":       {approved, approved.Next(Instructed, noon, "A"), "four-eyes.second"},
		"instructed by who proposed":    {approved, approved.Next(Instructed, noon, "P"), "four-eyes.return"},
		"instructed by a second":        {approved, approved.Next(Instructed, noon, "B"), ""},
		"instructed twice":              {done, done.Next(Instructed, noon, "C"), "return.step"},
		"approved after it is done":     {done, done.Next(Approved, noon, "C"), "return.step"},
		"withdrawn by anyone":           {approved, approved.Next(Withdrawn, noon, "P"), ""},
		"withdrawn after it is done":    {done, done.Next(Withdrawn, noon, "A"), "return.withdraw"},
		"withdrawn twice":               {gone, gone.Next(Withdrawn, noon, "A"), "return.withdraw"},
		"approved after the withdrawal": {gone, gone.Next(Approved, noon, "B"), "return.step"},
		"proposed again":                {begun(0), begun(0).Next(Proposed, noon, "A"), "return.state"},
		"an objection, not announced":   {begun(1), says(begun(1), noon, "1", ObjectionOpen), "objection.closed"},
		"an objection on the last day":  {announced(t), says(announced(t), over, "1", ObjectionOpen), ""},
		"an objection after it":         {announced(t), says(announced(t), over+1, "1", ObjectionOpen), "objection.over"},
		"a decision on no objection":    {announced(t), says(announced(t), noon, "1", ObjectionUpheld), "objection.over"},
	} {
		terms := law.Default
		if got := c.round.Judge(&terms, &c.step).Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// An objection is heard once and decided once; an open one keeps the return from being
// approved.
func TestObjections(t *testing.T) {
	over := noon.Add(30 * 24 * time.Hour)
	r, terms := announced(t), law.Default
	takes(t, r, says(r, noon, "1", ObjectionOpen))
	takes(t, r, says(r, noon+1, "2", ObjectionOpen))
	again := says(r, noon+2, "1", ObjectionOpen)
	if got := r.Judge(&terms, &again).Code; got != "objection.decided" {
		t.Errorf("the same objection again: %q", got)
	}
	takes(t, r, says(r, over.Add(time.Hour), "1", ObjectionDismissed))
	if r.Objections[0].State != ObjectionDismissed || r.Objections[1].State != ObjectionOpen || len(r.Objections) != 2 {
		t.Errorf("%+v", r.Objections)
	}
	decided := says(r, over, "1", ObjectionUpheld)
	if got := r.Judge(&terms, &decided).Code; got != "objection.decided" {
		t.Errorf("decided twice: %q", got)
	}
	early := r.Next(Approved, over, "A")
	if got := r.Judge(&terms, &early).Code; got != "law.objection-open" {
		t.Errorf("approved beside an open objection: %q", got)
	}
	takes(t, r, says(r, over, "2", ObjectionUpheld))
	takes(t, r, r.Next(Approved, over, "A"))
	late := says(r, over, "3", ObjectionOpen)
	if got := r.Judge(&terms, &late).Code; got != "objection.closed" {
		t.Errorf("an objection to what is approved: %q", got)
	}
	if r.Until != over {
		t.Errorf("the announcement ends at %s: an objection moves it not", r.Until)
	}
}

// A round through its life: versions, approvals, timeline; a copy stands still.
func TestRoundAdvances(t *testing.T) {
	r := begun(0)
	before := r.Copy()
	takes(t, r, r.Next(Approved, noon+1, "A"))
	takes(t, r, r.Next(Instructed, noon+2, "B"))
	if r.State != Instructed || r.Version != 3 || !slices.Equal(r.Approvals, []string{"A", "B"}) ||
		len(r.Timeline) != 3 || r.Timeline[2].By != "B" || r.Timeline[1].Version != 2 || !r.State.Closed() {
		t.Errorf("%+v", r)
	}
	if r.Timeline[1].ID == r.Timeline[2].ID || r.Timeline[1].Subject != r.ID || r.Timeline[1].CaseID != "c" {
		t.Errorf("%+v", r.Timeline)
	}
	if before.State != Proposed || before.Version != 1 || len(before.Approvals) != 0 || len(before.Timeline) != 1 {
		t.Errorf("the copy is %+v", before)
	}
	if (*Round)(nil).Copy() != nil {
		t.Error("no round has a copy")
	}
	o := announced(t)
	takes(t, o, says(o, noon, "1", ObjectionOpen))
	c := o.Copy()
	takes(t, o, says(o, noon, "1", ObjectionDismissed))
	if c.Objections[0].State != ObjectionOpen || c.State.Closed() || Approved.Closed() || !Withdrawn.Closed() {
		t.Errorf("the copy's objection is %s", c.Objections[0].State)
	}
}

// What a round pays: by line, and by the stop whose bank pays.
func TestPayees(t *testing.T) {
	r := Return{Lines: []Line{
		{Victim: "v", Minor: 70, From: []PayFrom{{"s1", 50}, {"s2", 20}}},
		{Victim: "w", Minor: 30, From: []PayFrom{{"s2", 30}}},
		{Victim: "x"}}}
	if r.Total() != 100 {
		t.Errorf("in all %d, want 100", r.Total())
	}
	got := r.Payees()
	if len(got) != 2 || !slices.Equal(got["s1"], []stop.Pay{{Victim: "v", Account: "v", Minor: 50}}) ||
		!slices.Equal(got["s2"], []stop.Pay{{Victim: "v", Account: "v", Minor: 20},
			{Victim: "w", Account: "w", Minor: 30}}) {
		t.Errorf("%+v", got)
	}
}
