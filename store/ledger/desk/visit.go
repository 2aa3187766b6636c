package desk

import (
	"fmt"
	"slices"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/stream/event"
)

// Visit is whom to see, and who goes.
type Visit struct {
	District string `json:"district"`        // GB/T 2260
	Grid     string `json:"grid,omitempty"`  // the district's own name of it
	Holder   string `json:"holder"`          // whom to see
	Phone    string `json:"phone,omitempty"` // E.164
	Level    int    `json:"level"`           // 1 grid, 2 district, 3 city
	Found    string `json:"found,omitempty"` // with confirmed: one of the Visit constants
}

// VisitState is how far a visit has come.
type VisitState string

// The states of a visit.
const (
	VisitAssigned  VisitState = "assigned"
	VisitEscalated VisitState = "escalated"
	VisitConfirmed VisitState = "confirmed"
)

// What a visit found.
const (
	VisitAverted   = "averted"   // the person was about to pay, and did not
	VisitMet       = "met"       // the person was met; nothing was about to be paid
	VisitPaid      = "paid"      // the money was gone
	VisitUnreached = "unreached" // nobody was met
)

// VisitStep is one step in a visit's life.
type VisitStep struct {
	step.Head[VisitState]
	Visit *Visit // as it is from now on
}

// VisitFile is a dissuasion visit: somebody goes to a person who is being
// talked out of money.
type VisitFile struct {
	ID, CaseID string
	Version    int // of the last step that was accepted
	State      VisitState
	Until      event.Instant // when it must be confirmed, or goes up a level
	Visit
	Timeline []VisitStep // accepted steps, by version
}

// AssignVisit is the step that sends somebody.
func AssignVisit(t *law.Terms, id, caseID string, v Visit, at event.Instant, by string) VisitStep {
	v.Level = 1
	return VisitStep{step.Head[VisitState]{ID: event.DerivedID("evt", id, "1"), CaseID: caseID, Subject: id, Version: 1,
		State: VisitAssigned, At: at, By: by, Until: at.Add(t.Visit)}, &v}
}

// Judge says why a step is ignored; nil is a visit that is not there yet.
func (v *VisitFile) Judge(t *law.Terms, e *VisitStep) law.Refusal {
	switch {
	case v == nil && (e.Version != 1 || e.State != VisitAssigned || e.Visit.Level != 1):
		return law.Refuse("visit.begin")
	case v == nil:
		return law.Accepted
	case e.Version != v.Version+1:
		return law.Refuse("version.visit", "version", v.Version)
	case v.State == VisitConfirmed:
		return law.Refuse("visit.made")
	case e.State == VisitEscalated && (e.Visit.Level != v.Level+1 || v.Level >= t.VisitLevels || e.At < v.Until):
		return law.Refuse("visit.due")
	}
	return law.Accepted
}

// Advance applies a step that was accepted.
func (v *VisitFile) Advance(e *VisitStep) {
	v.Version, v.State, v.Until, v.Visit = e.Version, e.State, e.Until, *e.Visit
	v.Timeline = append(v.Timeline, *e)
}

// Escalate is the step that sends a visit up which nobody confirmed in time: small
// matters stay in the grid, others go up level by level. False: it need not go up.
func (v *VisitFile) Escalate(t *law.Terms, now event.Instant) (e VisitStep, due bool) {
	if v.State == VisitConfirmed || v.Level >= t.VisitLevels || v.Until > now {
		return e, false
	}
	up := v.Visit
	up.Level++
	return VisitStep{step.Head[VisitState]{ID: event.DerivedID("evt", v.ID, fmt.Sprint(v.Version+1), "up"),
		CaseID: v.CaseID, Subject: v.ID, Version: v.Version + 1, State: VisitEscalated,
		At: now, By: "deadline", Reason: "due.visit", Until: now.Add(t.Visit)}, &up}, true
}

// Copy is a copy that the fold does not change.
func (v *VisitFile) Copy() *VisitFile {
	out := *v
	out.Timeline = slices.Clone(v.Timeline)
	return &out
}
