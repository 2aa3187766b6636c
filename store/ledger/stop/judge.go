package stop

import (
	"cmp"

	"stopline.internal/store/ledger/law"
)

// Surroundings is what a step is judged beside: what its log's partition says of
// the stop's case.
type Surroundings struct {
	NewCase  bool    // nothing of the case is known so far
	Parent   *Stop   // whose money went on to the account; nil: none, or not known
	Siblings []*Stop // all stops of the case, the stop itself among them
	Followed int     // of those, how many follow from the trail
	Traced   int64   // minor units of the parent's money that the trail has followed so far
}

// CodeTrailFull refuses a stop beyond the limit of those that follow from a case's
// trail.
const CodeTrailFull = "trail.full"

// Judge says why a step is ignored; nil is a stop that is not there yet. The law
// is here, so that no route and no replica can go around it.
func Judge(t *law.Terms, s *Stop, e *Step, near *Surroundings) law.Refusal {
	from, version := State(""), 0
	if s != nil {
		from, version = s.State, s.Version
	}
	switch {
	case e.Version != version+1:
		return law.Refuse("version.stop", "version", version)
	case !from.May(e.State):
		return law.Refuse("stop.step", "from", cmp.Or(from, "new"), "to", e.State)
	case s == nil:
		return judgeProposal(t, e, near)
	case e.CaseID != s.CaseID:
		return law.Refuse("stop.other-case")
	case e.Bank != "" && e.Bank != s.Account.Bank:
		return law.Refuse("stop.other-bank")
	case e.State == Expired || e.State == Undelivered:
		if s.Until == 0 || e.At < s.Until {
			return law.Refuse("stop.not-over")
		}
		return law.Accepted
	case s.State.Holds() && s.State != Returning && e.State != Released && e.At > s.Until:
		return law.Refuse("law.term-over", "until", s.Until)
	}
	if e.Change != nil {
		return judgeChange(t, s, e, near)
	}
	switch e.State {
	case Requested:
		return judgeApproval(t, s, e, near)
	case Held, Partial, Missed, Mismatch, Refused:
		return judgeAnswer(t, s, e, near)
	case Extended:
		return judgeExtension(t, s, e, near)
	case Frozen:
		if s.State == Frozen || s.State == Returning {
			return law.Refuse("law.freeze-change")
		}
		if e.Until == 0 || e.Until > e.At.Add(t.Freeze) {
			return law.Refuse("law.freeze", "term", t.Freeze)
		}
	case Returning, Returned:
		return law.Refuse("stop.payment-back")
	}
	return law.Accepted
}

// judgeProposal looks at a new stop.
func judgeProposal(t *law.Terms, e *Step, near *Surroundings) law.Refusal {
	p := e.Proposal
	if p == nil || p.Account.Number == "" || p.Minor <= 0 {
		return law.Refuse("stop.proposal")
	}
	if p.Parent == "" || near.NewCase {
		return law.Accepted
	}
	switch {
	case p.Hop > t.MaxHops:
		return law.Refuse("trail.deep", "hops", t.MaxHops)
	case near.Followed >= t.MaxStops:
		return law.Refuse(CodeTrailFull, "stops", t.MaxStops)
	case near.Parent == nil:
		return law.Accepted
	}
	for _, o := range near.Siblings {
		if o.Parent == p.Parent && sameHop(&o.Proposal, p) {
			return law.Refuse("trail.followed", "stop", o.ID)
		}
	}
	if p.Minor > near.Parent.Unfollowed(near.Traced) {
		return law.Refuse("trail.more")
	}
	return law.Accepted
}

// judgeApproval looks at a request: four eyes, or the rules' leave.
func judgeApproval(t *law.Terms, s *Stop, e *Step, near *Surroundings) law.Refusal {
	proposer := s.ProposedBy()
	if law.ProposesAlone(e.By) {
		if e.By != proposer || s.Minor > t.AutoLimit || s.Doubt != "" {
			return law.Refuse("four-eyes.person")
		}
		if near.Parent != nil && near.Parent.RequestedAt == 0 {
			return law.Refuse("four-eyes.parent")
		}
	} else if e.By == proposer {
		return law.Refuse("four-eyes.stop")
	}
	if latestEnd(t, s, e.At, e.At+1, near.Siblings) == e.At {
		return refuseStopsUsed(t)
	}
	return law.Accepted
}

// judgeAnswer looks at a bank's answer.
func judgeAnswer(t *law.Terms, s *Stop, e *Step, near *Surroundings) law.Refusal {
	o := e.Outcome
	switch {
	case o == nil || o.Result != e.State:
		return law.Refuse("answer.result")
	case !s.State.Awaits():
		return law.Refuse("answer.before", "state", s.State)
	case e.State != Held && e.State != Partial:
		return law.Accepted
	case o.HeldMinor <= 0 || o.HeldMinor > s.Minor || (e.State == Held) != (o.HeldMinor == s.Minor):
		return law.Refuse("answer.amount")
	case o.EffectiveAt == 0 || e.Until == 0 || e.Until > o.EffectiveAt.Add(t.Hold):
		return law.Refuse("law.hold", "term", t.Hold)
	case latestEnd(t, s, o.EffectiveAt, e.Until, near.Siblings) == o.EffectiveAt:
		return refuseStopsUsed(t)
	}
	return law.Accepted
}

// judgeExtension looks at a second term.
func judgeExtension(t *law.Terms, s *Stop, e *Step, near *Surroundings) law.Refusal {
	switch {
	case s.State == Extended:
		return refuseStopsUsed(t)
	case e.Until > s.Until.Add(t.Hold):
		return law.Refuse("law.term", "term", t.Hold)
	case latestEnd(t, s, s.EffectiveAt, e.Until, near.Siblings) <= s.Until:
		return refuseStopsUsed(t)
	}
	return law.Accepted
}
