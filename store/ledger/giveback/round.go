package giveback

import (
	"fmt"
	"slices"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// State is where a return is in its life.
type State string

// The states of a return.
const (
	Proposed   State = "proposed"
	Announced  State = "announced" // proportional: for 30 days anyone concerned may object
	Approved   State = "approved"  // by one person
	Instructed State = "instructed"
	Withdrawn  State = "withdrawn"
)

// Closed says whether nothing can follow.
func (s State) Closed() bool { return s == Instructed || s == Withdrawn }

// Step is one step in a return's life.
type Step struct {
	step.Head[State]
	Return *Return // with Proposed, and with an objection
}

// Round is a return as the fold knows it.
type Round struct {
	ID, CaseID string
	Version    int // of the last step that was accepted
	State      State
	Number     step.Number // of its paper
	Return
	ProposedAt event.Instant
	ProposedBy string
	Until      event.Instant // when the announcement ends
	Objections []Objection
	Approvals  []string // who approved, by time
	Timeline   []Step   // accepted steps, by version
}

// Proportional says whether a part is given back in proportion, and must be
// announced.
func (r *Round) Proportional() bool { return r.Pool > 0 }

// Propose is the step that begins a round of a case, after so many; its id follows
// from the case and the number of the round.
func Propose(caseID string, after int, r Return, at event.Instant, by string) Step {
	r.Round = after + 1
	id := event.DerivedID("ret", caseID, fmt.Sprint(r.Round))
	return Step{Head: step.Head[State]{ID: event.DerivedID("evt", id, "1", by, at.String()), CaseID: caseID,
		Subject: id, Version: 1, State: Proposed, At: at, By: by}, Return: &r}
}

// Next begins the next step of the return.
func (r *Round) Next(to State, at event.Instant, by string) Step {
	return Step{Head: step.Head[State]{
		ID:     event.DerivedID("evt", r.ID, fmt.Sprint(r.Version+1), string(to), by, at.String()),
		CaseID: r.CaseID, Subject: r.ID, Version: r.Version + 1, State: to, At: at, By: by}}
}

// Begin is the round that a step begins, after so many of its case, before the step
// is applied.
func Begin(e *Step, after int, n step.Number) *Round {
	r := &Round{ID: e.Subject, CaseID: e.CaseID, Return: *e.Return, ProposedAt: e.At, ProposedBy: e.By, Number: n}
	r.Round = after + 1
	return r
}

// JudgeBegin says why a step begins no round; open is a round of the case that is
// not closed, empty when there is none.
func JudgeBegin(e *Step, open string) law.Refusal {
	switch {
	case open != "":
		return law.Refuse("return.round", "return", open)
	case e.Version != 1 || e.State != Proposed || e.Return == nil:
		return law.Refuse("return.begin")
	}
	return law.Accepted
}

// Judge says why a step is ignored.
func (r *Round) Judge(t *law.Terms, e *Step) law.Refusal {
	if e.Version != r.Version+1 {
		return law.Refuse("version.return", "version", r.Version)
	}
	switch e.State {
	case Announced:
		return r.judgeAnnouncement(t, e)
	case Approved, Instructed:
		return r.judgeApproval(e)
	case Withdrawn:
		if r.State.Closed() {
			return law.Refuse("return.withdraw", "state", r.State)
		}
	default:
		return law.Refuse("return.state")
	}
	return law.Accepted
}

// judgeAnnouncement looks at an announcement, or at an objection to it.
func (r *Round) judgeAnnouncement(t *law.Terms, e *Step) law.Refusal {
	switch o := e.objection(); {
	case o != nil:
		return r.judgeObjection(o, e.At)
	case r.State != Proposed || !r.Proportional():
		return law.Refuse("return.announce")
	case e.Until < e.At.Add(t.Announce):
		return law.Refuse("law.announce", "term", t.Announce)
	}
	return law.Accepted
}

// judgeApproval looks at one person's approval, or at the second one's.
func (r *Round) judgeApproval(e *Step) law.Refusal {
	switch {
	case r.Proportional() && r.State == Proposed:
		return law.Refuse("law.announce-first")
	case r.State == Announced && e.At < r.Until:
		return law.Refuse("law.announced-until", "until", r.Until)
	case slices.ContainsFunc(r.Objections, func(o Objection) bool { return o.State == ObjectionOpen }):
		return law.Refuse("law.objection-open")
	case e.By == r.ProposedBy:
		return law.Refuse("four-eyes.return")
	case slices.Contains(r.Approvals, e.By):
		return law.Refuse("four-eyes.second")
	case r.State.Closed() || (e.State == Instructed) != (r.State == Approved):
		return law.Refuse("return.step", "from", r.State, "to", e.State)
	}
	return law.Accepted
}

// objection is what a step says of an objection; nil: nothing.
func (e *Step) objection() *Objection {
	if e.State != Announced || e.Return == nil {
		return nil
	}
	return e.Return.Objects
}

// find is the objection with an id; nil: there is none.
func (r *Round) find(id string) *Objection {
	if i := slices.IndexFunc(r.Objections, func(o Objection) bool { return o.ID == id }); i >= 0 {
		return &r.Objections[i]
	}
	return nil
}

// judgeObjection looks at an objection, or at how one was decided.
func (r *Round) judgeObjection(o *Objection, at event.Instant) law.Refusal {
	if r.State != Announced {
		return law.Refuse("objection.closed")
	}
	if before := r.find(o.ID); before != nil {
		if before.State != ObjectionOpen || o.State == ObjectionOpen {
			return law.Refuse("objection.decided")
		}
		return law.Accepted
	}
	if at > r.Until || o.State != ObjectionOpen {
		return law.Refuse("objection.over")
	}
	return law.Accepted
}

// Advance applies a step that was accepted.
func (r *Round) Advance(e *Step) {
	if o := e.objection(); o != nil {
		if before := r.find(o.ID); before != nil {
			before.State = o.State
		} else {
			r.Objections = append(r.Objections, *o)
		}
	}
	r.Version, r.State = e.Version, e.State
	if e.Until != 0 {
		r.Until = e.Until
	}
	if e.State == Approved || e.State == Instructed {
		r.Approvals = append(r.Approvals, e.By)
	}
	r.Timeline = append(r.Timeline, *e)
}

// Payees lists by stop whom its bank has to pay back.
func (r *Return) Payees() map[string][]stop.Pay {
	pays := map[string][]stop.Pay{}
	for i := range r.Lines {
		l := &r.Lines[i]
		for _, f := range l.From {
			pays[f.Stop] = append(pays[f.Stop], stop.Pay{Victim: l.Victim, Account: l.Victim, Minor: f.Minor})
		}
	}
	return pays
}

// Copy is a copy that the fold does not change; nil of nil.
func (r *Round) Copy() *Round {
	if r == nil {
		return nil
	}
	out := *r
	out.Timeline, out.Objections = slices.Clone(r.Timeline), slices.Clone(r.Objections)
	out.Approvals = slices.Clone(r.Approvals)
	return &out
}
