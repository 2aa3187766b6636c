package stop

import (
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/stream/event"
)

// judged is what the law says of a step that a test changes before.
func judged(s *Stop, e Step, change func(*Step)) string {
	terms := law.Default
	if change != nil {
		change(&e)
	}
	return Judge(&terms, s, &e, &Surroundings{Siblings: []*Stop{s}}).Code
}

// to is a step of a person to a state.
func to(s *Stop, state State, at, until event.Instant) Step {
	e := s.Next(at, "A")
	e.State, e.Until = state, until
	return e
}

// frozenAt is a stop of 1,000 fen, held since noon and frozen an hour later for 30 days.
func frozenAt(t *testing.T) life {
	s := asked(t, 1000)
	s.answers(Outcome{Result: Held, EffectiveAt: noon, HeldMinor: 1000}, 0)
	s.goes(Frozen, noon.Add(time.Hour), noon.Add(30*24*time.Hour))
	return s
}

// What every step of a stop is judged by, whatever it does.
func TestJudgeEveryStep(t *testing.T) {
	s := held("s", 1000, 0)
	ends, freeze := noon.Add(48*time.Hour), frozenAt(t).Stop
	for name, c := range map[string]struct {
		stop   *Stop
		step   Step
		change func(*Step)
		want   string
	}{
		"released":                       {s, to(s, Released, noon, 0), nil, ""},
		"for a version that is taken":    {s, to(s, Released, noon, 0), func(e *Step) { e.Version-- }, "version.stop"},
		"for one that is ahead":          {s, to(s, Released, noon, 0), func(e *Step) { e.Version++ }, "version.stop"},
		"no way there":                   {s, to(s, Requested, noon, 0), nil, "stop.step"},
		"of another case":                {s, to(s, Released, noon, 0), func(e *Step) { e.CaseID = "d" }, "stop.other-case"},
		"another bank's":                 {s, to(s, Released, noon, 0), func(e *Step) { e.Bank = "ICBK" }, "stop.other-bank"},
		"its bank's":                     {s, to(s, Released, noon, 0), func(e *Step) { e.Bank = "PCBC" }, ""},
		"expired at the end":             {s, to(s, Expired, ends, 0), nil, ""},
		"expired a moment too soon":      {s, to(s, Expired, ends-1, 0), nil, "stop.not-over"},
		"frozen at the end of its term":  {s, to(s, Frozen, ends, ends+1), nil, ""},
		"frozen when its term is over":   {s, to(s, Frozen, ends+1, ends+2), nil, "law.term-over"},
		"released when its term is over": {s, to(s, Released, ends+1, 0), nil, ""},
		"frozen for six months":          {s, to(s, Frozen, noon, noon.Add(183*24*time.Hour)), nil, ""},
		"frozen for longer":              {s, to(s, Frozen, noon, noon.Add(183*24*time.Hour)+1), nil, "law.freeze"},
		"frozen without an end":          {s, to(s, Frozen, noon, 0), nil, "law.freeze"},
		"frozen again":                   {freeze, to(freeze, Frozen, noon, ends), nil, "law.freeze-change"},
		"returning with no instruction":  {freeze, to(freeze, Returning, noon, ends), nil, "stop.payment-back"},
	} {
		if got := judged(c.stop, c.step, c.change); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	missed := asked(t, 1000)
	missed.answers(Outcome{Result: Missed}, 0)
	if got := judged(missed.Stop, to(missed.Stop, Expired, noon, 0), nil); got != "stop.not-over" {
		t.Errorf("a stop without a deadline lapses: %q", got)
	}
}

// A new stop: an account, an amount above zero, on a trail no deeper than the terms.
func TestJudgeProposal(t *testing.T) {
	terms := law.Default
	for name, c := range map[string]struct {
		change func(*Step, *Surroundings)
		want   string
	}{
		"a victim's payment":           {func(*Step, *Surroundings) {}, ""},
		"no proposal":                  {func(e *Step, _ *Surroundings) { e.Proposal = nil }, "stop.proposal"},
		"no account":                   {func(e *Step, _ *Surroundings) { e.Proposal.Account = Account{} }, "stop.proposal"},
		"no amount":                    {func(e *Step, _ *Surroundings) { e.Proposal.Minor = 0 }, "stop.proposal"},
		"one fen":                      {func(e *Step, _ *Surroundings) { e.Proposal.Minor = 1 }, ""},
		"version 2":                    {func(e *Step, _ *Surroundings) { e.Version = 2 }, "version.stop"},
		"requested before it is there": {func(e *Step, _ *Surroundings) { e.State = Requested }, "stop.step"},
		"a first hop, whatever its depth": {func(e *Step, n *Surroundings) {
			e.Proposal.Hop, n.Followed = 99, 999
		}, ""},
		"as deep as the terms": {func(e *Step, n *Surroundings) {
			e.Proposal.Parent, e.Proposal.Hop, n.Followed = "p", 6, 499
		}, ""},
		"deeper": {func(e *Step, _ *Surroundings) { e.Proposal.Parent, e.Proposal.Hop = "p", 7 }, "trail.deep"},
		"as many as the terms": {func(e *Step, n *Surroundings) {
			e.Proposal.Parent, n.Followed = "p", 500
		}, CodeTrailFull},
		"all that went on": {func(e *Step, n *Surroundings) {
			e.Proposal.Parent, n.Parent, n.Traced = "p", requested(300), 200
		}, ""},
		"a fen more": {func(e *Step, n *Surroundings) {
			e.Proposal.Parent, n.Parent, n.Traced = "p", requested(300), 201
		}, "trail.more"},
	} {
		e, near := Propose(terms, "s", "c", proposal(100), noon, "scoring")[0], &Surroundings{}
		c.change(&e, near)
		if got := Judge(&terms, nil, &e, near).Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Four eyes: the rules approve what they propose up to the limit; a person approves
// what somebody else proposed.
func TestJudgeApproval(t *testing.T) {
	terms := law.Default
	for name, c := range map[string]struct {
		minor    int64
		doubt    string
		proposer string
		approver string
		parent   *Stop
		want     string
	}{
		"the rules, at the limit":       {50_000_000, "", "scoring", "scoring", nil, ""},
		"the rules, a fen above":        {50_000_001, "", "scoring", "scoring", nil, "four-eyes.person"},
		"the rules, in doubt":           {100, DoubtTiny, "report", "report", nil, "four-eyes.person"},
		"other rules than proposed it":  {100, "", "scoring", "trail", nil, "four-eyes.person"},
		"the rules, for a person":       {100, "", "A", "scoring", nil, "four-eyes.person"},
		"a person, for the rules":       {50_000_001, DoubtTiny, "scoring", "A", nil, ""},
		"a person, for another":         {100, "", "A", "B", nil, ""},
		"a person, for himself":         {100, "", "A", "A", nil, "four-eyes.stop"},
		"behind a parent that waits":    {100, "", "trail", "trail", &Stop{}, "four-eyes.parent"},
		"behind one that was approved":  {100, "", "trail", "trail", requested(500), ""},
		"a person, whatever the parent": {100, "", "trail", "A", &Stop{}, ""},
	} {
		p := proposal(c.minor)
		p.Doubt = c.doubt
		first := Propose(terms, "s", "c", p, noon, c.proposer)[0]
		s := Begin(&first, step.Number{})
		s.Advance(&terms, &first, nil)
		e := s.Next(noon, c.approver)
		e.State = Requested
		if got := Judge(&terms, s, &e, &Surroundings{Parent: c.parent, Siblings: []*Stop{s}}).Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	// Two terms of the account are used up: it may not be asked for again.
	first := Propose(terms, "s", "c", proposal(100), noon, "scoring")[0]
	s := Begin(&first, step.Number{})
	s.Advance(&terms, &first, nil)
	e := s.Next(noon, "scoring")
	e.State = Requested
	for from, want := range map[int]string{-96: "law.stops", -48: ""} {
		near := &Surroundings{Siblings: []*Stop{s, held("a", 1, from), held("b", 1, from/2)}}
		if got := Judge(&terms, s, &e, near).Code; got != want {
			t.Errorf("under stops since %d hours: %q, want %q", from, got, want)
		}
	}
}

// A bank's answer says what it holds, since when, and for 48 hours at most.
func TestJudgeAnswer(t *testing.T) {
	s := requested(100)
	all := Outcome{Result: Held, EffectiveAt: noon, HeldMinor: 100}
	part := Outcome{Result: Partial, EffectiveAt: noon, HeldMinor: 99}
	for name, c := range map[string]struct {
		o      Outcome
		change func(*Step)
		want   string
	}{
		"all":                    {all, nil, ""},
		"a part":                 {part, nil, ""},
		"no outcome":             {all, func(e *Step) { e.Outcome = nil }, "answer.result"},
		"another outcome":        {all, func(e *Step) { e.State = Missed }, "answer.result"},
		"nothing":                {part, func(e *Step) { e.Outcome.HeldMinor = 0 }, "answer.amount"},
		"one fen":                {part, func(e *Step) { e.Outcome.HeldMinor = 1 }, ""},
		"more than asked":        {all, func(e *Step) { e.Outcome.HeldMinor = 101 }, "answer.amount"},
		"all, but a fen less":    {all, func(e *Step) { e.Outcome.HeldMinor = 99 }, "answer.amount"},
		"a part that is all":     {part, func(e *Step) { e.Outcome.HeldMinor = 100 }, "answer.amount"},
		"no moment":              {all, func(e *Step) { e.Outcome.EffectiveAt = 0 }, "law.hold"},
		"no end":                 {all, func(e *Step) { e.Until = 0 }, "law.hold"},
		"a shorter term":         {all, func(e *Step) { e.Until = noon.Add(time.Hour) }, ""},
		"a longer term":          {all, func(e *Step) { e.Until++ }, "law.hold"},
		"missed":                 {Outcome{Result: Missed}, nil, ""},
		"a mismatch":             {Outcome{Result: Mismatch}, nil, ""},
		"refused":                {Outcome{Result: Refused, Reason: "court"}, nil, ""},
		"of another bank's stop": {all, func(e *Step) { e.Bank = "ICBK" }, "stop.other-bank"},
	} {
		if got := judged(s, Answer(law.Default, s, c.o, noon, "bank"), c.change); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	h := held("h", 100, 0)
	if got := judged(h, Answer(law.Default, h, part, noon, "bank"), nil); got != "answer.before" {
		t.Errorf("an answer to what is answered: %q", got)
	}
}

// A second term ends 48 hours after the first; there is no third.
func TestJudgeExtension(t *testing.T) {
	s := held("s", 100, 0)
	first, second := noon.Add(48*time.Hour), noon.Add(96*time.Hour)
	for name, c := range map[string]struct {
		until event.Instant
		near  []*Stop
		want  string
	}{
		"a whole term":                {second, nil, ""},
		"a millisecond more":          {second + 1, nil, "law.term"},
		"an hour":                     {first.Add(time.Hour), nil, ""},
		"to the end that it has":      {first, nil, "law.stops"},
		"one term was used before":    {second, []*Stop{held("a", 100, -48)}, "law.stops"},
		"half a term was used before": {second, []*Stop{held("a", 100, -24)}, ""},
	} {
		terms, e := law.Default, to(s, Extended, noon, c.until)
		if got := Judge(&terms, s, &e, &Surroundings{Siblings: append(c.near, s)}).Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	twice := life{s, t}
	twice.goes(Extended, noon, second)
	if got := judged(s, to(s, Extended, noon, second.Add(time.Hour)), nil); got != "law.stops" {
		t.Errorf("a third term: %q", got)
	}
}
