package ledger

import (
	"cmp"
	"maps"
	"slices"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// foldTask folds a step of the work on an alert.
func (l *Ledger) foldTask(entry *Entry) law.Refusal {
	e := desk.TaskStep{Head: headOf[desk.TaskState](entry, entry.Task.AlertID)}
	if why := l.tasks[e.Subject].Judge(&l.terms, &e, l.lockOf(e.CaseID, e.At)); !why.None() {
		return why
	}
	l.tasks[e.Subject] = e.File()
	switch held := l.locks[e.CaseID]; {
	case e.State == desk.TaskClaimed:
		l.locks[e.CaseID] = l.tasks[e.Subject]
	case held != nil && held.By == e.By: // whoever has the case gives it back with any of its alerts
		delete(l.locks, e.CaseID)
	}
	l.notifyCenter(delivery.FeedEntry{Place: e.Place, StopID: e.Subject, Version: e.Version, Type: "alert"})
	return law.Accepted
}

// lockOf is who has taken a case at a moment: one person works on it, whichever
// of its alerts was claimed. Nil: nobody.
func (l *Ledger) lockOf(caseID string, at event.Instant) *desk.TaskFile {
	if t := l.locks[caseID]; t != nil && t.Locked(at) {
		return t
	}
	return nil
}

// Lock returns who has taken a case, or an alert without one; nil: nobody.
func (l *Ledger) Lock(caseID string, now event.Instant) *desk.TaskFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if t := l.lockOf(caseID, now); t != nil {
		out := *t
		return &out
	}
	return nil
}

// Escalated lists the alerts that wait for a supervisor.
func (l *Ledger) Escalated() []desk.TaskFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []desk.TaskFile
	for _, t := range l.tasks {
		if t.State == desk.TaskEscalated {
			out = append(out, *t)
		}
	}
	return out
}

// Task returns a copy; nil when nobody has begun.
func (l *Ledger) Task(alertID string) *desk.TaskFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if t := l.tasks[alertID]; t != nil {
		out := *t
		return &out
	}
	return nil
}

// Work is the entry of the next step of an alert's work.
func (l *Ledger) Work(alertID, caseID string, to desk.TaskState, at event.Instant, by, reason string) Entry {
	return taskEntry(l.Task(alertID).Work(&l.terms, alertID, caseID, to, at, by, reason))
}

// foldAppeal folds a step of an appeal.
func (l *Ledger) foldAppeal(entry *Entry) law.Refusal {
	e := desk.AppealStep{Head: headOf[desk.AppealState](entry, entry.Subject), Appeal: entry.Appeal}
	a, s := l.appeals[e.Subject], l.stops[e.Appeal.StopID]
	open := ""
	if a == nil {
		open = l.openAppeal(e.Appeal.StopID)
	}
	if why := a.Judge(&e, s, open); !why.None() {
		return why
	}
	if a == nil {
		a = desk.BeginAppeal(&e)
		l.appeals[a.ID] = a
	}
	a.Advance(&e, s)
	return law.Accepted
}

// openAppeal is an appeal against a stop that is not decided; empty: there is none.
func (l *Ledger) openAppeal(stopID string) string {
	for _, a := range l.appeals {
		if a.StopID == stopID && a.State == desk.AppealReceived {
			return a.ID
		}
	}
	return ""
}

// dueAppeals releases what an appeal won and nobody has released so far.
func (l *Ledger) dueAppeals(now event.Instant) []Entry {
	var out []Entry
	for _, id := range slices.Sorted(maps.Keys(l.appeals)) {
		a := l.appeals[id]
		if s := l.stops[a.StopID]; a.Won(s) {
			out = append(out, StopEntry(stop.Lift(s, a.Minor, a.ID, "due.appeal", now, "appeal")))
		}
	}
	return out
}

// Appeal returns a copy; nil when there is none.
func (l *Ledger) Appeal(id string) *desk.AppealFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if a := l.appeals[id]; a != nil {
		return a.Copy()
	}
	return nil
}

// Appeals lists them, by when they must be decided; those to decide alone
// unless all is set.
func (l *Ledger) Appeals(all bool) []*desk.AppealFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := []*desk.AppealFile{}
	for _, a := range l.appeals {
		if all || a.State == desk.AppealReceived {
			c := *a
			out = append(out, &c)
		}
	}
	slices.SortFunc(out, func(a, b *desk.AppealFile) int {
		return cmp.Or(cmp.Compare(a.Until, b.Until), cmp.Compare(b.OpenedAt, a.OpenedAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// ReceiveAppeal is the entry that opens an appeal's clock.
func (l *Ledger) ReceiveAppeal(id, caseID string, a desk.Appeal, at event.Instant, by string) Entry {
	return appealEntry(desk.ReceiveAppeal(&l.terms, id, caseID, a, at, by))
}

// foldVisit folds a step of a visit.
func (l *Ledger) foldVisit(entry *Entry) law.Refusal {
	e := desk.VisitStep{Head: headOf[desk.VisitState](entry, entry.Subject), Visit: entry.Visit}
	v := l.visits[e.Subject]
	if why := v.Judge(&l.terms, &e); !why.None() {
		return why
	}
	if v == nil {
		v = &desk.VisitFile{ID: e.Subject, CaseID: e.CaseID}
		l.visits[v.ID] = v
		c := l.caseOf(entry)
		c.Visits = append(c.Visits, v.ID)
	}
	v.Advance(&e)
	return law.Accepted
}

// AssignVisit is the entry that sends somebody.
func (l *Ledger) AssignVisit(id, caseID string, v desk.Visit, at event.Instant, by string) Entry {
	return visitEntry(desk.AssignVisit(&l.terms, id, caseID, v, at, by))
}

// Visit returns a copy; nil when there is none.
func (l *Ledger) Visit(id string) *desk.VisitFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if v := l.visits[id]; v != nil {
		return v.Copy()
	}
	return nil
}

// Visits lists them, by when they are due; open ones alone unless all is set.
func (l *Ledger) Visits(district string, all bool) []*desk.VisitFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := []*desk.VisitFile{}
	for _, v := range l.visits {
		if (district == "" || v.District == district) && (all || v.State != desk.VisitConfirmed) {
			c := *v
			out = append(out, &c)
		}
	}
	slices.SortFunc(out, func(a, b *desk.VisitFile) int {
		return cmp.Or(cmp.Compare(a.Until, b.Until), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// dueVisits sends up those that nobody confirmed in time.
func (l *Ledger) dueVisits(now event.Instant) []Entry {
	var out []Entry
	for _, id := range slices.Sorted(maps.Keys(l.visits)) {
		if e, due := l.visits[id].Escalate(&l.terms, now); due {
			out = append(out, visitEntry(e))
		}
	}
	return out
}
