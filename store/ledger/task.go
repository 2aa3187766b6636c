package ledger

import (
	"fmt"
	"time"

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

// ClaimTime is how long an alert is locked to who took it; ours.
const ClaimTime = 10 * time.Minute

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
	switch {
	case e.Version != version+1:
		return refuse("version.task", "version", version)
	case t != nil && t.Taken(e.At) && t.By != e.By:
		return refuse("task.taken", "by", t.By, "until", t.Until)
	case t != nil && t.State == TaskDismissed && e.State != TaskDismissed:
		return refuse("task.dismissed", "by", t.By)
	case e.State == TaskClaimed && (e.Until == 0 || e.Until > e.At.Add(ClaimTime)):
		return refuse("task.term", "term", ClaimTime)
	case e.State != TaskClaimed && e.State != TaskOpen && e.State != TaskEscalated && e.State != TaskDismissed:
		return refuse("task.state")
	}
	l.tasks[e.Task.AlertID] = &TaskFile{e.Task.AlertID, e.CaseID, e.Version, e.State, e.By, e.Reason, e.At, e.Until}
	l.center(e, "alert")
	return accepted
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
		e.Until = at.Add(ClaimTime)
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
