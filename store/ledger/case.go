package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

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
	Stops    []string
	Leaves   []Leaf
	Returns  []string
	Visits   []string
	State    State // open, investigating, solved, closed
	Version  int   // of the progress
	Arrests  int
	Progress []Event
	Limited  bool // its trail goes on, and the limit of stops is reached

	followed int              // stops that follow from the trail
	traced   map[string]int64 // by stop: what its money went on to, stops and leaves together
	noted    map[string]bool  // ids of leaves
	losses   *losses          // of this case's own reports
}

func newCase(id string, openedAt event.Instant) *Case {
	return &Case{ID: id, OpenedAt: openedAt, State: CaseOpen, traced: map[string]int64{}, noted: map[string]bool{},
		losses: newLosses()}
}

func (l *Ledger) caseOf(e *Event) *Case {
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
func (c *Case) add(s *Stop) {
	c.Stops = append(c.Stops, s.ID)
	if s.Parent != "" {
		c.followed++
		c.traced[s.Parent] += s.Minor
	}
}

// room is how much of a stop's money may still have gone on: what is not held
// and not followed.
func (s *Stop) room(c *Case) int64 {
	room := s.Minor - c.traced[s.ID]
	if s.State.Holds() {
		room -= s.HeldMinor
	}
	return room
}

// excess sums what is held along the trail of each payment beyond the payment
// itself: accounts mix, and a bank may hold what another's money replaced.
func (l *Ledger) excess() map[*Stop]int64 {
	sums := map[*Stop]int64{}
	for _, s := range l.stops {
		if s.State.Holds() && s.Left() > 0 {
			sums[l.origin(s)] += s.Left()
		}
	}
	for first, sum := range sums {
		if sum -= first.Minor; sum > 0 && first.Parent == "" {
			sums[first] = sum
		} else {
			delete(sums, first)
		}
	}
	return sums
}

// root is the oldest case that a case is part of.
func (l *Ledger) root(id string) string {
	for c := l.cases[id]; c != nil && c.Into != ""; c = l.cases[id] {
		id = c.Into
	}
	return id
}

// note folds what belongs to a case; it says why it is ignored.
func (l *Ledger) note(e *Event) Refusal {
	switch {
	case e.Verdict != nil:
		return accepted // the books keep it
	case e.Report != nil:
		return l.noteReport(e)
	case e.Leaf != nil:
		return l.noteLeaf(e)
	case e.Into != "":
		return l.join(e)
	case e.Return != nil || e.Subject != "" && l.returns[e.Subject] != nil:
		return l.foldReturn(e)
	case e.Appeal != nil:
		return l.foldAppeal(e)
	case e.Visit != nil:
		return l.foldVisit(e)
	case e.Task != nil:
		return l.foldTask(e)
	case e.Progress != nil:
		c := l.caseOf(e)
		if e.Version != c.Version+1 {
			return refuse("version.case", "version", c.Version)
		}
		if e.Progress.Arrests < 0 || !slices.Contains([]State{CaseOpen, CaseInvestigating, CaseSolved, CaseClosed}, e.State) {
			return refuse("case.state")
		}
		c.Version, c.State, c.Arrests = e.Version, e.State, e.Progress.Arrests
		c.Progress = append(c.Progress, *e)
		return accepted
	}
	return refuse("event.unknown")
}

// CodeReportDiffers refuses a report that came again under its id and says
// something else. The first one stands.
const CodeReportDiffers = "report.differs"

// notedReport is where a report was noted, and the digest of what it says.
type notedReport struct {
	caseID, digest string
	partition      int // of the log: what another one has decides nothing here
}

// differs compares digests; an older log has none, and then nothing differs.
func (n notedReport) differs(digest string) bool {
	return n.digest != "" && digest != "" && n.digest != digest
}

// noteReport keeps a victim's report once, and finds the cases that it shows
// to be one: those with a report of the same accounts or callers.
func (l *Ledger) noteReport(e *Event) Refusal {
	r := *e.Report
	for _, before := range l.reports[r.ID] {
		switch {
		case before.partition != e.Place.Partition:
		case before.differs(r.Digest):
			return refuse(CodeReportDiffers)
		default:
			return refuse("report.known")
		}
	}
	l.reports[r.ID] = append(l.reports[r.ID], notedReport{e.CaseID, r.Digest, e.Place.Partition})
	c := l.caseOf(e)
	r.CaseID = e.CaseID
	r.bring(c.losses, e.At)
	c.Reports = append(c.Reports, r)
	for _, p := range r.Payments {
		l.tie(l.accounts, p.Payer, e.CaseID)
		l.tie(l.accounts, p.Payee, e.CaseID)
	}
	for _, n := range r.Callers {
		l.tie(l.callers, n, e.CaseID)
	}
	return accepted
}

// tie notes who was named, and that two cases which name the same are one.
func (l *Ledger) tie(names map[string]string, name, caseID string) {
	first, known := names[name]
	if !known {
		names[name] = caseID
		return
	}
	a, b := l.cases[l.root(first)], l.cases[l.root(caseID)]
	if a == b {
		return
	}
	if older(b, a) {
		a, b = b, a
	}
	l.merges[b.ID] = a.ID
}

func older(a, b *Case) bool {
	return cmp.Or(cmp.Compare(a.OpenedAt, b.OpenedAt), cmp.Compare(a.ID, b.ID)) < 0
}

// join notes that a case is part of an older one.
func (l *Ledger) join(e *Event) Refusal {
	c, into := l.cases[e.CaseID], l.cases[e.Into]
	delete(l.merges, e.CaseID)
	switch {
	case c == nil:
		return refuse("case.unknown")
	case c.Into != "":
		return refuse("case.part")
	case into == nil: // its partition has not been read so far: its own events will make it
		into = newCase(e.Into, 0)
		l.cases[e.Into] = into
	}
	if l.root(e.Into) == e.CaseID {
		return refuse("case.itself")
	}
	c.Into = e.Into
	into.Members = append(into.Members, e.CaseID)
	for id, other := range l.merges { // what was to become part of it becomes part of the whole
		if r := l.root(other); r != id {
			l.merges[id] = r
		}
	}
	return accepted
}

// noteLeaf keeps where a trail ends, once.
func (l *Ledger) noteLeaf(e *Event) Refusal {
	c, leaf := l.caseOf(e), e.Leaf
	if c.noted[leaf.ID] {
		return refuse("trail.end")
	}
	if parent := l.stops[leaf.Parent]; parent != nil && leaf.Minor > parent.room(c) {
		return refuse("trail.more")
	}
	c.noted[leaf.ID] = true
	c.traced[leaf.Parent] += leaf.Minor
	c.Leaves = append(c.Leaves, *leaf)
	return accepted
}

// whole gathers a case with those that are part of it.
func (l *Ledger) whole(id string) *Case {
	c := l.cases[l.root(id)]
	if c == nil {
		return nil
	}
	out := *c
	out.Members, out.Reports, out.Stops, out.Leaves = nil, slices.Clone(c.Reports), slices.Clone(c.Stops), slices.Clone(c.Leaves)
	out.Returns, out.Visits, out.Progress = slices.Clone(c.Returns), slices.Clone(c.Visits), slices.Clone(c.Progress)
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
	out.traced, out.noted, out.losses = nil, nil, nil
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
func (l *Ledger) Cases(state State, after string, limit int) ([]*Case, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var list []*Case
	for _, c := range l.cases {
		if c.Into == "" && (state == "" || c.State == state) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *Case) int { return cmp.Or(cmp.Compare(b.OpenedAt, a.OpenedAt), cmp.Compare(a.ID, b.ID)) })
	if after != "" {
		if i := slices.IndexFunc(list, func(c *Case) bool { return c.ID == after }); i >= 0 {
			list = list[i+1:]
		}
	}
	more := len(list) > limit
	if more {
		list = list[:limit]
	}
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
	if c := l.cases[caseID]; c != nil && len(c.Stops) > 0 {
		return l.stops[c.Stops[0]].ProposedAt
	}
	return 0
}

// CaseOfReport is the case that a report was noted in, empty when it is not
// known, and whether what was noted differs from what has this digest.
func (l *Ledger) CaseOfReport(id, digest string) (caseID string, differs bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, noted := range l.reports[id] {
		if caseID, differs = noted.caseID, noted.differs(digest); !differs {
			break
		}
	}
	return caseID, differs
}

// VisitFile is a dissuasion visit: somebody goes to a person who is being
// talked out of money.
type VisitFile struct {
	ID, CaseID string
	Version    int
	State      State // assigned, escalated, confirmed
	Until      event.Instant
	Visit
	Timeline []Event
}

// Visit is whom to see, and who goes.
type Visit struct {
	District string `json:"district"`        // GB/T 2260
	Grid     string `json:"grid,omitempty"`  // the district's own name of it
	Holder   string `json:"holder"`          // whom to see
	Phone    string `json:"phone,omitempty"` // E.164
	Level    int    `json:"level"`           // 1 grid, 2 district, 3 city
	Found    string `json:"found,omitempty"` // with confirmed: one of the Visit constants
}

// The states of a visit, and what it found.
const (
	VisitAssigned  State = "assigned"
	VisitEscalated State = "escalated"
	VisitConfirmed State = "confirmed"

	VisitAverted   = "averted"   // the person was about to pay, and did not
	VisitMet       = "met"       // the person was met; nothing was about to be paid
	VisitPaid      = "paid"      // the money was gone
	VisitUnreached = "unreached" // nobody was met
)

func (l *Ledger) foldVisit(e *Event) Refusal {
	v := l.visits[e.Subject]
	switch {
	case v == nil && (e.Version != 1 || e.State != VisitAssigned || e.Visit.Level != 1):
		return refuse("visit.begin")
	case v == nil:
		v = &VisitFile{ID: e.Subject, CaseID: e.CaseID}
		l.visits[v.ID] = v
		c := l.caseOf(e)
		c.Visits = append(c.Visits, v.ID)
	case e.Version != v.Version+1:
		return refuse("version.visit", "version", v.Version)
	case v.State == VisitConfirmed:
		return refuse("visit.made")
	case e.State == VisitEscalated && (e.Visit.Level != v.Level+1 || v.Level >= l.terms.VisitLevels || e.At < v.Until):
		return refuse("visit.due")
	}
	v.Version, v.State, v.Until, v.Visit = e.Version, e.State, e.Until, *e.Visit
	v.Timeline = append(v.Timeline, *e)
	return accepted
}

// AssignVisit is the event that sends somebody.
func (l *Ledger) AssignVisit(id, caseID string, v Visit, at event.Instant, by string) Event {
	v.Level = 1
	return Event{ID: event.DerivedID("evt", id, "1"), CaseID: caseID, Subject: id, Version: 1, State: VisitAssigned, At: at, By: by, Visit: &v, Until: at.Add(l.terms.Visit)}
}

// Visit returns a copy; nil when there is none.
func (l *Ledger) Visit(id string) *VisitFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	v := l.visits[id]
	if v == nil {
		return nil
	}
	out := *v
	out.Timeline = slices.Clone(v.Timeline)
	return &out
}

// Visits lists them, by when they are due; open ones alone unless all is set.
func (l *Ledger) Visits(district string, all bool) []*VisitFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := []*VisitFile{}
	for _, v := range l.visits {
		if (district == "" || v.District == district) && (all || v.State != VisitConfirmed) {
			c := *v
			out = append(out, &c)
		}
	}
	slices.SortFunc(out, func(a, b *VisitFile) int { return cmp.Or(cmp.Compare(a.Until, b.Until), cmp.Compare(a.ID, b.ID)) })
	return out
}

// dueVisits sends up those that nobody confirmed in time: small matters stay
// in the grid, others go up level by level.
func (l *Ledger) dueVisits(now event.Instant) []Event {
	var out []Event
	for _, id := range slices.Sorted(maps.Keys(l.visits)) {
		v := l.visits[id]
		if v.State == VisitConfirmed || v.Level >= l.terms.VisitLevels || v.Until > now {
			continue
		}
		up := v.Visit
		up.Level++
		e := Event{ID: event.DerivedID("evt", id, fmt.Sprint(v.Version+1), "up"), CaseID: v.CaseID, Subject: id, Version: v.Version + 1, State: VisitEscalated,
			At: now, By: "deadline", Reason: "due.visit", Visit: &up, Until: now.Add(l.terms.Visit)}
		out = append(out, e)
	}
	return out
}
