package desk

import (
	"fmt"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/stream/event"
)

// Task is what an analyst does about an alert.
type Task struct {
	AlertID string `json:"alert_id"`
}

// TaskState is how far the work on an alert has come.
type TaskState string

// The states of an alert's work.
const (
	TaskClaimed   TaskState = "claimed"   // locked to its taker for a while
	TaskOpen      TaskState = "open"      // given back
	TaskEscalated TaskState = "escalated" // for a supervisor
	TaskDismissed TaskState = "dismissed" // with a verdict
)

// TaskStep is one step of the work on an alert, which is its subject.
type TaskStep struct{ step.Head[TaskState] }

// TaskFile is an alert's work as the fold knows it.
type TaskFile struct {
	AlertID, CaseID string
	Version         int // of the last step that was accepted
	State           TaskState
	By              string // who took the last step
	Reason          string
	At, Until       event.Instant // of the last step; until when the alert is locked
}

// Locked says whether the alert is locked to somebody at a moment.
func (t *TaskFile) Locked(now event.Instant) bool { return t.State == TaskClaimed && now < t.Until }

// Work begins the next step of an alert's work; nil is work that nobody has begun.
func (t *TaskFile) Work(terms *law.Terms, alertID, caseID string, to TaskState, at event.Instant,
	by, reason string) TaskStep {
	version := t.version() + 1
	e := TaskStep{step.Head[TaskState]{
		ID:     event.DerivedID("evt", alertID, "task", fmt.Sprint(version), by, at.String()),
		CaseID: caseID, Subject: alertID, Version: version, State: to, At: at, By: by, Reason: reason}}
	if to == TaskClaimed {
		e.Until = at.Add(terms.Claim)
	}
	return e
}

func (t *TaskFile) version() int {
	if t == nil {
		return 0
	}
	return t.Version
}

// Judge says why a step is ignored; nil is work that nobody has begun. The lock is
// the claim by which the case is somebody's at that moment; nil: it is nobody's.
func (t *TaskFile) Judge(terms *law.Terms, e *TaskStep, lock *TaskFile) law.Refusal {
	switch {
	case e.Version != t.version()+1:
		return law.Refuse("version.task", "version", t.version())
	case lock != nil && lock.By != e.By:
		return law.Refuse("task.taken", "by", lock.By, "until", lock.Until)
	case t != nil && t.State == TaskDismissed && e.State != TaskDismissed:
		return law.Refuse("task.dismissed", "by", t.By)
	case e.State == TaskClaimed && (e.Until == 0 || e.Until > e.At.Add(terms.Claim)):
		return law.Refuse("task.term", "term", terms.Claim)
	case e.State != TaskClaimed && e.State != TaskOpen && e.State != TaskEscalated && e.State != TaskDismissed:
		return law.Refuse("task.state")
	}
	return law.Accepted
}

// File is the work after a step that was accepted.
func (e *TaskStep) File() *TaskFile {
	return &TaskFile{e.Subject, e.CaseID, e.Version, e.State, e.By, e.Reason, e.At, e.Until}
}
