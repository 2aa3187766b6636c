package ledger

import (
	"fmt"

	"stopline.internal/stream/event"
)

// Task is what an analyst does about an alert.
type Task struct {
	AlertID string `json:"alert_id"`
}

// The states of an alert's work.
const (
	TaskClaimed   State = "claimed"   // locked to its taker for a while
	TaskOpen      State = "open"      // given back
	TaskEscalated State = "escalated" // for a supervisor
	TaskDismissed State = "dismissed" // with a verdict
)

// TaskFile is an alert's work as the fold knows it.
type TaskFile struct {
	AlertID, CaseID string
	Version         int
	State           State
	By              string
	Reason          string
	At, Until       event.Instant
}

// Taken says whether the alert is locked to somebody at a moment.
func (t *TaskFile) Taken(now event.Instant) bool { return t.State == TaskClaimed && now < t.Until }

func (l *Ledger) foldTask(e *Event) Refusal {
	t := l.tasks[e.Task.AlertID]
	version := 0
	if t != nil {
		version = t.Version
	}
	lock := l.lockOf(e.CaseID, e.At)
	switch {
	case e.Version != version+1:
		return refuse("version.task", "version", version)
	case lock != nil && lock.By != e.By:
		return refuse("task.taken", "by", lock.By, "until", lock.Until)
	case t != nil && t.State == TaskDismissed && e.State != TaskDismissed:
		return refuse("task.dismissed", "by", t.By)
	case e.State == TaskClaimed && (e.Until == 0 || e.Until > e.At.Add(l.terms.Claim)):
		return refuse("task.term", "term", l.terms.Claim)
	case e.State != TaskClaimed && e.State != TaskOpen && e.State != TaskEscalated && e.State != TaskDismissed:
		return refuse("task.state")
	}
	l.tasks[e.Task.AlertID] = &TaskFile{e.Task.AlertID, e.CaseID, e.Version, e.State, e.By, e.Reason, e.At, e.Until}
	switch held := l.locks[e.CaseID]; {
	case e.State == TaskClaimed:
		l.locks[e.CaseID] = l.tasks[e.Task.AlertID]
	case held != nil && held.By == e.By: // whoever has the case gives it back with any of its alerts
		delete(l.locks, e.CaseID)
	}
	l.center(e, "alert")
	return accepted
}

// lockOf is who has taken a case at a moment: one person works on it, whichever
// of its alerts was claimed. Nil: nobody.
func (l *Ledger) lockOf(caseID string, at event.Instant) *TaskFile {
	if t := l.locks[caseID]; t != nil && t.Taken(at) {
		return t
	}
	return nil
}

// Lock returns who has taken a case, or an alert without one; nil: nobody.
func (l *Ledger) Lock(caseID string, now event.Instant) *TaskFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if t := l.lockOf(caseID, now); t != nil {
		out := *t
		return &out
	}
	return nil
}

// Escalated lists the alerts that wait for a supervisor.
func (l *Ledger) Escalated() []TaskFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []TaskFile
	for _, t := range l.tasks {
		if t.State == TaskEscalated {
			out = append(out, *t)
		}
	}
	return out
}

// Task returns a copy; nil when nobody has begun.
func (l *Ledger) Task(alertID string) *TaskFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if t := l.tasks[alertID]; t != nil {
		out := *t
		return &out
	}
	return nil
}

// Work begins the next event of an alert's work.
func (l *Ledger) Work(alertID, caseID string, to State, at event.Instant, by, reason string) Event {
	version := 1
	if t := l.Task(alertID); t != nil {
		version = t.Version + 1
	}
	e := Event{ID: event.DerivedID("evt", alertID, "task", fmt.Sprint(version), by, at.String()), CaseID: caseID, Subject: alertID, Version: version, State: to, At: at, By: by, Reason: reason, Task: &Task{alertID}}
	if to == TaskClaimed {
		e.Until = at.Add(l.terms.Claim)
	}
	return e
}

// Center is the code of the center's own feed: every change of a stop or of the
// work on an alert.
const Center = ""

// center tells the center's own feed of a change.
func (l *Ledger) center(e *Event, kind string) {
	id := e.StopID
	if e.Task != nil {
		id = e.Task.AlertID
	}
	f := l.feedOf(Center)
	f.append(FeedEntry{Place: e.Place, StopID: id, Version: e.Version, Type: kind})
	f.wake()
}
