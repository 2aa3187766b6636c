package desk

import (
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
)

// CaseState is how far people have come with a case.
type CaseState string

// The states of a case.
const (
	CaseOpen          CaseState = "open"
	CaseInvestigating CaseState = "investigating"
	CaseSolved        CaseState = "solved"
	CaseClosed        CaseState = "closed"
)

// Progress is what people have done about a case.
type Progress struct {
	Arrests int `json:"arrests"` // people, in all so far
}

// ProgressStep is one step of the work on a case.
type ProgressStep struct {
	step.Head[CaseState]
	Progress *Progress
}

// JudgeProgress says why a step is ignored, of a case at a version.
func JudgeProgress(e *ProgressStep, version int) law.Refusal {
	if e.Version != version+1 {
		return law.Refuse("version.case", "version", version)
	}
	switch e.State {
	case CaseOpen, CaseInvestigating, CaseSolved, CaseClosed:
	default:
		return law.Refuse("case.state")
	}
	if e.Progress.Arrests < 0 {
		return law.Refuse("case.state")
	}
	return law.Accepted
}

// Verdict is what people found out: it teaches how good each pattern is.
type Verdict struct {
	AlertID string `json:"alert_id,omitempty"` // empty: it holds for every alert of the case
	Verdict string `json:"verdict"`            // one of the Verdict constants
}

// Verdicts on an alert.
const (
	VerdictConfirmed  = "confirmed"   // it was a fraud
	VerdictUseful     = "useful"      // not a fraud, and right to look at: counts neither way
	VerdictFalseAlarm = "false-alarm" // it was honest
)
