package desk

import (
	"slices"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Appeal is what a holder says against a stop (Anti-Telecom and Online Fraud
// Law, 2022, art. 32: accepted, and lifted at once when verified).
type Appeal struct {
	StopID    string     `json:"stop_id"`
	Holder    string     `json:"holder"`
	Contact   string     `json:"contact,omitempty"`
	Text      string     `json:"text"`
	Documents []Document `json:"documents"`
	Minor     int64      `json:"release_minor,omitempty"` // with upheld: how much is released
}

// Document is one that an appeal needs.
type Document struct {
	Name     string `json:"name"` // one of the Document constants, or in words
	Received bool   `json:"received"`
}

// The documents that an appeal needs, unless a center says otherwise.
const (
	DocumentIdentity  = "identity"  // of the holder
	DocumentStatement = "statement" // of the account, for the days in question
	DocumentPurpose   = "purpose"   // what the payment was for: contract, order, chat
)

// NeededDocuments are those that a holder is asked for.
func NeededDocuments() []Document {
	return []Document{{Name: DocumentIdentity}, {Name: DocumentStatement}, {Name: DocumentPurpose}}
}

// AppealState is how far an appeal has come.
type AppealState string

// The states of an appeal.
const (
	AppealReceived  AppealState = "received"
	AppealUpheld    AppealState = "upheld"
	AppealDismissed AppealState = "dismissed"
)

// AppealStep is one step in an appeal's life.
type AppealStep struct {
	step.Head[AppealState]
	Appeal *Appeal // as it is from now on
}

// AppealFile is an appeal as the fold knows it.
type AppealFile struct {
	ID, CaseID string
	Version    int // of the last step that was accepted
	State      AppealState
	Appeal
	OpenedAt  event.Instant
	DecidedAt event.Instant // 0: it is not decided
	Until     event.Instant // when it must be decided; 0: it is decided
	HeldSince event.Instant // of the stop, as the appeal was decided
	Timeline  []AppealStep  // accepted steps, by version
}

// WronglyHeld is how long the money of an appeal that was upheld had been held.
func (a *AppealFile) WronglyHeld() time.Duration {
	if a.State != AppealUpheld || a.HeldSince == 0 {
		return 0
	}
	return max(0, a.DecidedAt.Sub(a.HeldSince))
}

// ReceiveAppeal is the step that opens an appeal's clock.
func ReceiveAppeal(t *law.Terms, id, caseID string, a Appeal, at event.Instant, by string) AppealStep {
	return AppealStep{step.Head[AppealState]{ID: event.DerivedID("evt", id, "1"), CaseID: caseID, Subject: id,
		Version: 1, State: AppealReceived, At: at, By: by, Until: at.Add(t.Appeal)}, &a}
}

// Judge says why a step is ignored; nil is an appeal that is not there yet. The
// stop is the one that the step names, nil when there is none; open is another
// appeal against it that is not decided, empty when there is none.
func (a *AppealFile) Judge(e *AppealStep, s *stop.Stop, open string) law.Refusal {
	p := e.Appeal
	switch {
	case s == nil || s.CaseID != e.CaseID:
		return law.Refuse("appeal.stop")
	case a == nil && (e.Version != 1 || e.State != AppealReceived):
		return law.Refuse("appeal.begin")
	case a == nil && !s.State.Holds() && !s.State.Awaits():
		return law.Refuse("appeal.nothing", "state", s.State)
	case a == nil && open != "":
		return law.Refuse("appeal.open", "appeal", open)
	case a == nil:
		return law.Accepted
	case e.Version != a.Version+1:
		return law.Refuse("version.appeal", "version", a.Version)
	case a.State != AppealReceived:
		return law.Refuse("appeal.decided")
	case a.StopID != p.StopID:
		return law.Refuse("appeal.other")
	case e.State == AppealUpheld && (p.Minor <= 0 || s.State.Holds() && p.Minor > s.Left()):
		return law.Refuse("appeal.amount", "held", s.Money(s.Left()))
	}
	return law.Accepted
}

// BeginAppeal is the appeal that a step begins, before the step is applied.
func BeginAppeal(e *AppealStep) *AppealFile {
	return &AppealFile{ID: e.Subject, CaseID: e.CaseID, OpenedAt: e.At}
}

// Advance applies a step that was accepted, against a stop.
func (a *AppealFile) Advance(e *AppealStep, s *stop.Stop) {
	a.Version, a.State, a.Appeal = e.Version, e.State, *e.Appeal
	a.Timeline = append(a.Timeline, *e)
	if e.Until != 0 {
		a.Until = e.Until
	}
	if e.State != AppealReceived {
		a.DecidedAt, a.HeldSince, a.Until = e.At, s.EffectiveAt, 0
	}
}

// Won says whether the stop's money has still to be released for the appeal: who
// decided it may have gone away between the two.
func (a *AppealFile) Won(s *stop.Stop) bool {
	return a.State == AppealUpheld && s.State.May(stop.Released) && !s.LiftedFor(a.ID)
}

// Copy is a copy that the fold does not change.
func (a *AppealFile) Copy() *AppealFile {
	out := *a
	out.Timeline = slices.Clone(a.Timeline)
	return &out
}
