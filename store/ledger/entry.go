package ledger

import (
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Entry is one document of the log. What has a life (a stop, a return, an appeal,
// a visit, a case's progress) carries the version that the entry makes, and the
// fold takes the first entry for a version. A case's notes carry none, and are
// kept once by their id.
type Entry struct {
	ID       string         `json:"event_id"` // derived from what caused it
	CaseID   string         `json:"case_id"`
	StopID   string         `json:"stop_id,omitempty"`
	Subject  string         `json:"subject,omitempty"` // the return, appeal or visit; empty with Progress: the case
	Version  int            `json:"version,omitempty"` // once this is accepted
	State    string         `json:"state,omitempty"`   // of the life that the entry belongs to
	At       event.Instant  `json:"at"`
	By       string         `json:"by"`
	Bank     string         `json:"bank,omitempty"`   // set when a bank says so: it must own the stop
	Reason   string         `json:"reason,omitempty"` // in words, or a code that the catalogue has
	Until    event.Instant  `json:"until,omitempty"`  // when the state lapses: respond by, hold ends
	Proposal *stop.Proposal `json:"proposal,omitempty"`
	Outcome  *stop.Outcome  `json:"outcome,omitempty"`
	Change   *stop.Change   `json:"change,omitempty"`

	Report   *ReportNote      `json:"report,omitempty"`  // of a case
	Verdict  *desk.Verdict    `json:"verdict,omitempty"` // on an alert, or on a case
	Leaf     *stop.Leaf       `json:"leaf,omitempty"`    // where a trail ends without a stop
	Into     string           `json:"into,omitempty"`    // the case is part of this older one
	Progress *desk.Progress   `json:"progress,omitempty"`
	Return   *giveback.Return `json:"return,omitempty"`
	Appeal   *desk.Appeal     `json:"appeal,omitempty"`
	Visit    *desk.Visit      `json:"visit,omitempty"`
	Task     *desk.Task       `json:"task,omitempty"`
	Delivery *delivery.Record `json:"delivery,omitempty"`

	Place step.Place `json:"-"` // in the log; set when it is read
}

// headOf is what the entry has of every life's steps.
func headOf[S ~string](e *Entry, subject string) step.Head[S] {
	return step.Head[S]{ID: e.ID, CaseID: e.CaseID, Subject: subject, Version: e.Version, State: S(e.State),
		At: e.At, By: e.By, Reason: e.Reason, Until: e.Until, Place: e.Place}
}

// entryOf is an entry with what a step has of every life's.
func entryOf[S ~string](h *step.Head[S]) Entry {
	return Entry{ID: h.ID, CaseID: h.CaseID, Subject: h.Subject, Version: h.Version, State: string(h.State),
		At: h.At, By: h.By, Reason: h.Reason, Until: h.Until, Place: h.Place}
}

// StopEntry is the entry of a stop's step.
func StopEntry(s stop.Step) Entry {
	e := entryOf(&s.Head)
	e.Subject, e.StopID = "", s.Subject
	e.Bank, e.Proposal, e.Outcome, e.Change = s.Bank, s.Proposal, s.Outcome, s.Change
	return e
}

// StopEntries are the entries of steps of stops.
func StopEntries(steps []stop.Step) []Entry {
	out := make([]Entry, len(steps))
	for i := range steps {
		out[i] = StopEntry(steps[i])
	}
	return out
}

// stopStep is the step of a stop that an entry is.
func (e *Entry) stopStep() stop.Step {
	return stop.Step{Head: headOf[stop.State](e, e.StopID),
		Bank: e.Bank, Proposal: e.Proposal, Outcome: e.Outcome, Change: e.Change}
}

// LeafEntry notes where a trail ends.
func LeafEntry(caseID string, l *stop.Leaf, at event.Instant) Entry {
	return Entry{ID: event.DerivedID("evt", caseID, "leaf", l.ID), CaseID: caseID, At: at, By: "trail", Leaf: l}
}

// ReturnEntry is the entry of a return's step.
func ReturnEntry(s giveback.Step) Entry {
	e := entryOf(&s.Head)
	e.Return = s.Return
	return e
}

// appealEntry is the entry of an appeal's step.
func appealEntry(s desk.AppealStep) Entry {
	e := entryOf(&s.Head)
	e.Appeal = s.Appeal
	return e
}

// visitEntry is the entry of a visit's step.
func visitEntry(s desk.VisitStep) Entry {
	e := entryOf(&s.Head)
	e.Visit = s.Visit
	return e
}

// taskEntry is the entry of a step of the work on an alert.
func taskEntry(s desk.TaskStep) Entry {
	e := entryOf(&s.Head)
	e.Task = &desk.Task{AlertID: s.Subject}
	return e
}
