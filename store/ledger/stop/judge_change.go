package stop

import "stopline.internal/store/ledger/law"

// judgeChange looks at a change of what is held.
func judgeChange(t *law.Terms, s *Stop, e *Step, near *Surroundings) law.Refusal {
	c := e.Change
	switch c.Kind {
	case ChangeSweep:
		return judgeSweep(t, s, e, near)
	case ChangePart:
		if c.Minor <= 0 || c.Minor >= s.Left() {
			return law.Refuse("part.amount", "held", s.Money(s.Left()))
		}
		if e.Until != s.Until || e.State == Held || s.State == Missed || s.State == Frozen && e.State != Frozen {
			return law.Refuse("part.term")
		}
	case ChangeRenew:
		if s.State != Frozen || e.State != Frozen || e.Until > s.Until.Add(t.Freeze) {
			return law.Refuse("law.renewal", "term", t.Freeze)
		}
	case ChangeReturn:
		switch {
		case e.State != Returning || c.ReturnID == "" || s.Instruction != nil:
			return law.Refuse("payback.one")
		case c.Minor <= 0 || c.Minor > s.Left():
			return law.Refuse("payback.left", "left", s.Money(s.Left()))
		case s.Instructed(c.ReturnID):
			return law.Refuse("payback.told")
		}
	case ChangeReturned, ChangeFailed:
		return judgePaidBack(s, e)
	default:
		return law.Refuse("stop.change")
	}
	return law.Accepted
}

// judgeSweep looks at a later credit that is held for the rest of the claim.
func judgeSweep(t *law.Terms, s *Stop, e *Step, near *Surroundings) law.Refusal {
	c := e.Change
	switch {
	case c.Minor <= 0 || c.Minor > s.Claim():
		return law.Refuse("sweep.claim", "left", s.Money(s.Claim()))
	case s.State == Missed &&
		(e.At > s.AnsweredAt.Add(t.Hold) || e.Until == 0 || e.Until > e.At.Add(t.Hold)):
		return law.Refuse("sweep.over")
	case s.State == Missed && latestEnd(t, s, e.At, e.Until, near.Siblings) == e.At:
		return refuseStopsUsed(t)
	case s.State != Missed && e.Until != s.Until:
		return law.Refuse("sweep.term")
	case (s.State == Held || s.State == Partial || s.State == Missed) && (e.State == Held) != (c.Minor == s.Claim()):
		return law.Refuse("sweep.state")
	}
	return law.Accepted
}

// judgePaidBack looks at a bank's word on a return.
func judgePaidBack(s *Stop, e *Step) law.Refusal {
	c, due := e.Change, s.Instruction
	switch {
	case due == nil || due.ReturnID != c.ReturnID:
		return law.Refuse("payback.none")
	case c.Kind == ChangeFailed:
		if e.State != Frozen {
			return law.Refuse("payback.rest")
		}
	case c.Minor != due.Minor:
		return law.Refuse("payback.whole", "amount", s.Money(due.Minor))
	case (e.State == Returned) != (c.Minor == s.Left()):
		return law.Refuse("payback.state")
	}
	if e.State == Frozen && e.Until != s.FreezeUntil {
		return law.Refuse("payback.term")
	}
	return law.Accepted
}
