package ledger

import (
	"sync"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
)

// Ledger is the fold of the log. It is safe for many goroutines.
type Ledger struct {
	mu            sync.RWMutex
	terms         law.Terms
	stops         map[string]*stop.Stop
	cases         map[string]*Case
	returns       map[string]*giveback.Round
	appeals       map[string]*desk.AppealFile
	visits        map[string]*desk.VisitFile
	tasks         map[string]*desk.TaskFile // by alert
	locks         map[string]*desk.TaskFile // by case: the claim that locks it
	index         stopIndex
	feeds         map[string]*delivery.Feed // by bank; the center's own under Center
	reported      reportIndex
	numbers       step.Numbers      // of papers so far
	merges        map[string]string // cases that are part of an older one, not yet noted so
	outboxChanged chan struct{}     // closed when there is a message to deliver
}

// New returns an empty ledger.
func New(t law.Terms) *Ledger {
	if t.Calendar == nil {
		t.Calendar = law.China
	}
	return &Ledger{
		terms: t, stops: map[string]*stop.Stop{}, cases: map[string]*Case{}, returns: map[string]*giveback.Round{},
		appeals: map[string]*desk.AppealFile{}, visits: map[string]*desk.VisitFile{},
		tasks: map[string]*desk.TaskFile{}, locks: map[string]*desk.TaskFile{},
		index: newStopIndex(), feeds: map[string]*delivery.Feed{}, reported: newReportIndex(),
		numbers: step.Numbers{}, merges: map[string]string{}, outboxChanged: make(chan struct{}),
	}
}

// Terms are the terms that the ledger was made with.
func (l *Ledger) Terms() law.Terms { return l.terms }

// Result says what the fold did with an entry.
type Result struct {
	Accepted bool
	Why      law.Refusal // when it was ignored
	Stop     *stop.Stop  // a copy, as it is now; nil for what is of a case alone
	Report   *ReportNote // that was noted, with what it brought; nil for all else
}

// Apply folds one entry of the log. The same entry again is ignored.
func (l *Ledger) Apply(e *Entry) Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case e.StopID == "":
		if why := l.note(e); !why.None() {
			return Result{Why: why}
		}
		r := Result{Accepted: true}
		if e.Report != nil && e.Verdict == nil {
			notes := l.cases[e.CaseID].Reports
			note := notes[len(notes)-1]
			r.Report = &note
		}
		return r
	case e.Delivery != nil:
		return l.foldDelivery(e)
	}
	return l.foldStop(e)
}

// foldStop folds a step of a stop.
func (l *Ledger) foldStop(entry *Entry) Result {
	e := entry.stopStep()
	s := l.stops[e.Subject]
	if why := stop.Judge(&l.terms, s, &e, l.around(s, &e)); !why.None() {
		if why.Code == stop.CodeTrailFull {
			l.cases[e.CaseID].Limited = true
		}
		return Result{Why: why, Stop: copyOf(s)}
	}
	if s == nil {
		s = stop.Begin(&e, l.numbers.Next("stop", e.At, e.Place))
		l.stops[s.ID] = s
		l.caseOf(entry).add(s)
	}
	s.Advance(&l.terms, &e, l.cases[s.CaseID].stops)
	l.index.put(s)
	l.putMessage(s, &e)
	l.notifyCenter(delivery.FeedEntry{Place: e.Place, StopID: s.ID, Version: e.Version, Type: "stop"})
	return Result{Accepted: true, Stop: s.Copy()}
}

// around is what a step of a stop is judged beside; the stop is nil when the step
// proposes it.
func (l *Ledger) around(s *stop.Stop, e *stop.Step) *stop.Surroundings {
	caseID, parent := e.CaseID, ""
	switch {
	case s != nil:
		caseID, parent = s.CaseID, s.Parent
	case e.Proposal != nil:
		parent = e.Proposal.Parent
	}
	c := l.cases[caseID]
	if c == nil {
		return &stop.Surroundings{NewCase: true}
	}
	return &stop.Surroundings{Parent: l.stops[parent], Siblings: c.stops,
		Followed: c.followed, Traced: c.traced[parent]}
}

func copyOf(s *stop.Stop) *stop.Stop {
	if s == nil {
		return nil
	}
	return s.Copy()
}

// note folds what belongs to a case; it says why it is ignored.
func (l *Ledger) note(e *Entry) law.Refusal {
	switch {
	case e.Verdict != nil:
		return law.Accepted // the books keep it
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
		return l.foldProgress(e)
	}
	return law.Refuse("event.unknown")
}
