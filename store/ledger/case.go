package ledger

import (
	"cmp"
	"slices"

	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Case is what belongs together: victims' reports, stops, where the money
// went, and what people did about it.
type Case struct {
	ID       string
	OpenedAt event.Instant
	Into     string   // the older case that this one is part of
	Members  []string // younger cases that are part of this one
	Reports  []ReportNote
	Stops    []string // ids, as they were proposed
	Leaves   []stop.Leaf
	Returns  []string // ids, by round
	Visits   []string // ids
	State    desk.CaseState
	Version  int // of the progress
	Arrests  int // people
	Progress []desk.ProgressStep
	Limited  bool // its trail goes on, and the limit of stops is reached

	stops    []*stop.Stop     // the same as Stops
	followed int              // of those, how many follow from the trail
	traced   map[string]int64 // by stop: minor units that its money went on to, stops and leaves together
	noted    map[string]bool  // ids of leaves
	losses   *losses          // of this case's own reports
}

func newCase(id string, openedAt event.Instant) *Case {
	return &Case{ID: id, OpenedAt: openedAt, State: desk.CaseOpen, traced: map[string]int64{}, noted: map[string]bool{},
		losses: newLosses()}
}

// caseOf is the case of an entry; it is made when there is none.
func (l *Ledger) caseOf(e *Entry) *Case {
	c := l.cases[e.CaseID]
	if c == nil {
		c = newCase(e.CaseID, e.At)
		l.cases[e.CaseID] = c
	}
	if c.OpenedAt == 0 {
		c.OpenedAt = e.At
	}
	return c
}

// add counts a new stop to its case.
func (c *Case) add(s *stop.Stop) {
	c.Stops, c.stops = append(c.Stops, s.ID), append(c.stops, s)
	if s.Parent != "" {
		c.followed++
		c.traced[s.Parent] += s.Minor
	}
}

// root is the oldest case that a case is part of.
func (l *Ledger) root(id string) string {
	for c := l.cases[id]; c != nil && c.Into != ""; c = l.cases[id] {
		id = c.Into
	}
	return id
}

func older(a, b *Case) bool {
	return cmp.Or(cmp.Compare(a.OpenedAt, b.OpenedAt), cmp.Compare(a.ID, b.ID)) < 0
}

// join notes that a case is part of an older one.
func (l *Ledger) join(e *Entry) law.Refusal {
	c, into := l.cases[e.CaseID], l.cases[e.Into]
	delete(l.merges, e.CaseID)
	switch {
	case c == nil:
		return law.Refuse("case.unknown")
	case c.Into != "":
		return law.Refuse("case.part")
	case into == nil: // its partition has not been read so far: its own entries will make it
		into = newCase(e.Into, 0)
		l.cases[e.Into] = into
	}
	if l.root(e.Into) == e.CaseID {
		return law.Refuse("case.itself")
	}
	c.Into = e.Into
	into.Members = append(into.Members, e.CaseID)
	for id, other := range l.merges { // what was to become part of it becomes part of the whole
		if r := l.root(other); r != id {
			l.merges[id] = r
		}
	}
	return law.Accepted
}

// foldProgress folds what people have done about a case.
func (l *Ledger) foldProgress(entry *Entry) law.Refusal {
	c := l.caseOf(entry)
	e := desk.ProgressStep{Head: headOf[desk.CaseState](entry, entry.Subject), Progress: entry.Progress}
	if why := desk.JudgeProgress(&e, c.Version); !why.None() {
		return why
	}
	c.Version, c.State, c.Arrests = e.Version, e.State, e.Progress.Arrests
	c.Progress = append(c.Progress, e)
	return law.Accepted
}

// whole gathers a case with those that are part of it.
func (l *Ledger) whole(id string) *Case {
	c := l.cases[l.root(id)]
	if c == nil {
		return nil
	}
	out := *c
	out.Members, out.Reports, out.Stops = nil, slices.Clone(c.Reports), slices.Clone(c.Stops)
	out.Leaves, out.Returns = slices.Clone(c.Leaves), slices.Clone(c.Returns)
	out.Visits, out.Progress = slices.Clone(c.Visits), slices.Clone(c.Progress)
	for rest := slices.Clone(c.Members); len(rest) > 0; rest = rest[1:] {
		m := l.cases[rest[0]]
		out.Members = append(out.Members, m.ID)
		rest = append(rest, m.Members...)
		out.Reports = append(out.Reports, m.Reports...)
		out.Stops = append(out.Stops, m.Stops...)
		out.Leaves = append(out.Leaves, m.Leaves...)
		out.Returns = append(out.Returns, m.Returns...)
		out.Visits = append(out.Visits, m.Visits...)
		out.Limited = out.Limited || m.Limited
	}
	out.stops, out.traced, out.noted, out.losses = nil, nil, nil, nil
	return &out
}

// Case returns a copy of a case, whole: with those that are part of it, or the
// one that it is part of; nil when there is none.
func (l *Ledger) Case(id string) *Case {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.whole(id)
}

// Cases lists whole cases, newest first, after the one whose id ended the page
// before. The second result says that there are more.
func (l *Ledger) Cases(state desk.CaseState, after string, limit int) ([]*Case, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var list []*Case
	for _, c := range l.cases {
		if c.Into == "" && (state == "" || c.State == state) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *Case) int {
		return cmp.Or(cmp.Compare(b.OpenedAt, a.OpenedAt), cmp.Compare(a.ID, b.ID))
	})
	list, more := page(list, limit, func(c *Case) bool { return after != "" && c.ID == after })
	for i, c := range list {
		list[i] = l.whole(c.ID)
	}
	return list, more
}

// FirstOfCase says whether a stop is the first of its case.
func (l *Ledger) FirstOfCase(stopID string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := l.stops[stopID]
	return s != nil && l.cases[s.CaseID].Stops[0] == stopID
}

// BegunAt is when the first stop of a case was proposed; 0 when it has none.
func (l *Ledger) BegunAt(caseID string) event.Instant {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if c := l.cases[caseID]; c != nil && len(c.stops) > 0 {
		return c.stops[0].ProposedAt
	}
	return 0
}
