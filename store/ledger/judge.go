package ledger

import (
	"cmp"
	"slices"
	"strings"

	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// judge says why a stop's event is ignored. The law
// is here, so that no route and no replica can go around it.
func (l *Ledger) judge(s *Stop, e *Event) Refusal {
	from, version := State(""), 0
	if s != nil {
		from, version = s.State, s.Version
	}
	switch {
	case e.Version != version+1:
		return refuse("version.stop", "version", version)
	case !May(from, e.State):
		return refuse("stop.step", "from", cmp.Or(from, "new"), "to", e.State)
	case s == nil:
		return l.judgeProposal(e)
	case e.CaseID != s.CaseID:
		return refuse("stop.other-case")
	case e.Bank != "" && e.Bank != s.Account.Bank:
		return refuse("stop.other-bank")
	case e.State == Expired || e.State == Undelivered:
		if s.Until == 0 || e.At < s.Until {
			return refuse("stop.not-over")
		}
		return accepted
	case s.State.Holds() && s.State != Returning && e.State != Released && e.At > s.Until:
		return refuse("law.term-over", "until", s.Until)
	}
	if e.Change != nil {
		return l.judgeChange(s, e)
	}
	switch e.State {
	case Requested:
		return l.judgeApproval(s, e)
	case Held, Partial, Missed, Mismatch, Refused:
		return l.judgeAnswer(s, e)
	case Extended:
		switch {
		case s.State == Extended:
			return l.used()
		case e.Until > s.Until.Add(l.terms.Hold):
			return refuse("law.term", "term", l.terms.Hold)
		case l.usable(s, s.EffectiveAt, e.Until) <= s.Until:
			return l.used()
		}
	case Frozen:
		if s.State == Frozen || s.State == Returning {
			return refuse("law.freeze-change")
		}
		if e.Until == 0 || e.Until > e.At.Add(l.terms.Freeze) {
			return refuse("law.freeze", "term", l.terms.Freeze)
		}
	case Returning, Returned:
		return refuse("stop.payment-back")
	}
	return accepted
}

// judgeProposal looks at a new stop.
func (l *Ledger) judgeProposal(e *Event) Refusal {
	p := e.Proposal
	if p == nil || p.Account.Number == "" || p.Minor <= 0 {
		return refuse("stop.proposal")
	}
	c := l.cases[e.CaseID]
	if p.Parent == "" || c == nil {
		return accepted
	}
	switch {
	case p.Hop > l.terms.MaxHops:
		return refuse("trail.deep", "hops", l.terms.MaxHops)
	case c.followed >= l.terms.MaxStops:
		c.Limited = true
		return refuse("trail.full", "stops", l.terms.MaxStops)
	}
	parent := l.stops[p.Parent]
	if parent == nil {
		return accepted
	}
	for _, id := range c.Stops {
		if o := l.stops[id]; o.Parent == p.Parent && sameHop(&o.Proposal, p) {
			return refuse("trail.followed", "stop", o.ID)
		}
	}
	if p.Minor > parent.room(c) {
		return refuse("trail.more")
	}
	return accepted
}

// sameHop says whether two proposals are for one payment that the service saw
// and that the bank named as well, perhaps by another id.
func sameHop(a, b *Proposal) bool {
	return a.Via != b.Via && a.Account.Number == b.Account.Number && a.Transfer.Minor == b.Transfer.Minor && apart(a.Transfer.At, b.Transfer.At) <= clocksApart
}

const clocksApart = 5_000 // milliseconds between two banks' clocks

func apart(a, b event.Instant) event.Instant { return max(a-b, b-a) }

// judgeApproval looks at a request: four eyes, or the rules' leave.
func (l *Ledger) judgeApproval(s *Stop, e *Event) Refusal {
	proposer := s.Timeline[0].By
	if slices.Contains(automatic, e.By) {
		if e.By != proposer || s.Minor > l.terms.AutoLimit || s.Doubt != "" {
			return refuse("four-eyes.person")
		}
		if p := l.stops[s.Parent]; p != nil && p.RequestedAt == 0 {
			return refuse("four-eyes.parent")
		}
	} else if e.By == proposer {
		return refuse("four-eyes.stop")
	}
	if l.usable(s, e.At, e.At+1) == e.At {
		return l.used()
	}
	return accepted
}

// judgeAnswer looks at a bank's answer.
func (l *Ledger) judgeAnswer(s *Stop, e *Event) Refusal {
	o := e.Outcome
	switch {
	case o == nil || o.Result != e.State:
		return refuse("answer.result")
	case !s.State.Awaits():
		return refuse("answer.before", "state", s.State)
	case e.State != Held && e.State != Partial:
		return accepted
	case o.HeldMinor <= 0 || o.HeldMinor > s.Minor || (e.State == Held) != (o.HeldMinor == s.Minor):
		return refuse("answer.amount")
	case o.EffectiveAt == 0 || e.Until == 0 || e.Until > o.EffectiveAt.Add(l.terms.Hold):
		return refuse("law.hold", "term", l.terms.Hold)
	case l.usable(s, o.EffectiveAt, e.Until) == o.EffectiveAt:
		return l.used()
	}
	return accepted
}

// judgeChange looks at a change of what is held.
func (l *Ledger) judgeChange(s *Stop, e *Event) Refusal {
	c := e.Change
	switch c.Kind {
	case ChangeSweep:
		switch {
		case c.Minor <= 0 || c.Minor > s.Claim():
			return refuse("sweep.claim", "left", s.sum(s.Claim()))
		case s.State == Missed && (e.At > s.AnsweredAt.Add(l.terms.Hold) || e.Until == 0 || e.Until > e.At.Add(l.terms.Hold)):
			return refuse("sweep.over")
		case s.State == Missed && l.usable(s, e.At, e.Until) == e.At:
			return l.used()
		case s.State != Missed && e.Until != s.Until:
			return refuse("sweep.term")
		case (s.State == Held || s.State == Partial || s.State == Missed) && (e.State == Held) != (c.Minor == s.Claim()):
			return refuse("sweep.state")
		}
	case ChangePart:
		if c.Minor <= 0 || c.Minor >= s.Left() {
			return refuse("part.amount", "held", s.sum(s.Left()))
		}
		if e.Until != s.Until || e.State == Held || s.State == Missed || s.State == Frozen && e.State != Frozen {
			return refuse("part.term")
		}
	case ChangeRenew:
		if s.State != Frozen || e.State != Frozen || e.Until > s.Until.Add(l.terms.Freeze) {
			return refuse("law.renewal", "term", l.terms.Freeze)
		}
	case ChangeReturn:
		switch {
		case e.State != Returning || c.ReturnID == "" || s.Instruction != nil:
			return refuse("payback.one")
		case c.Minor <= 0 || c.Minor > s.Left():
			return refuse("payback.left", "left", s.sum(s.Left()))
		case s.instructed(c.ReturnID):
			return refuse("payback.told")
		}
	case ChangeReturned, ChangeFailed:
		in := s.Instruction
		switch {
		case in == nil || in.ReturnID != c.ReturnID:
			return refuse("payback.none")
		case c.Kind == ChangeFailed:
			if e.State != Frozen {
				return refuse("payback.rest")
			}
		case c.Minor != in.Minor:
			return refuse("payback.whole", "amount", s.sum(in.Minor))
		case (e.State == Returned) != (c.Minor == s.Left()):
			return refuse("payback.state")
		}
		if e.State == Frozen && e.Until != s.FreezeUntil {
			return refuse("payback.term")
		}
	default:
		return refuse("stop.change")
	}
	return accepted
}

// instructed says whether the bank was told of a return. What it could not pay
// back goes into another round.
func (s *Stop) instructed(returnID string) bool {
	return slices.ContainsFunc(s.Timeline, func(e Event) bool {
		return e.Change != nil && e.Change.Kind == ChangeReturn && e.Change.ReturnID == returnID
	})
}

// longest is how long an account may be under stops in one case, in
// milliseconds: twice 48 hours.
func (l *Ledger) longest() int64 { return int64(l.terms.Stops) * l.terms.Hold.Milliseconds() }

// span is a time that an account is under a stop.
type span struct{ from, to event.Instant }

// stopped is how long the stop's account is under other stops of the case, up to
// their ends as they stand, and in a span of its own, in milliseconds: a time
// under several counts once.
func (l *Ledger) stopped(s *Stop, own span) int64 {
	spans := []span{own}
	for _, id := range l.cases[s.CaseID].Stops {
		if o := l.stops[id]; o.ID != s.ID && o.Account.Number == s.Account.Number && o.EffectiveAt != 0 {
			end := o.EndedAt
			if end == 0 {
				end = o.Until
			}
			spans = append(spans, span{o.EffectiveAt, end})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var sum int64
	var reached event.Instant
	for _, p := range spans {
		if from := max(p.from, reached); p.to > from {
			sum += int64(p.to - from)
			reached = p.to
		}
	}
	return sum
}

// usable is when a stop that began at a moment has to end so that the account is
// not under stops for longer than the law allows, at most at the end asked for.
func (l *Ledger) usable(s *Stop, from, end event.Instant) event.Instant {
	for range 8 {
		over := l.stopped(s, span{from, end}) - l.longest()
		if over <= 0 || end <= from {
			break
		}
		end -= event.Instant(over)
	}
	return max(end, from)
}

// used says that an account may not be stopped again.
func (l *Ledger) used() Refusal {
	return refuse("law.stops", "stops", l.terms.Stops)
}

// Explain finds the likely cause of a difference between what a request and
// the bank say of one field, such that an analyst can act on it.
func Explain(d *Difference) words.Message {
	ours, theirs := strings.Join(strings.Fields(d.Ours), ""), strings.Join(strings.Fields(d.Theirs), "")
	switch {
	case theirs == "" || ours == "":
		return words.New("mismatch.silent")
	case strings.EqualFold(ours, theirs):
		return words.New("mismatch.spaces")
	case strings.Contains(theirs, "*"):
		if matches(theirs, ours) {
			return words.New("mismatch.masked")
		}
		return words.New("mismatch.masked-not")
	case d.Field == "number" && (strings.HasPrefix(ours, theirs) || strings.HasPrefix(theirs, ours)):
		return words.New("mismatch.sub-account")
	case d.Field == "amount" || d.Field == "time":
		return words.New("mismatch.transfer")
	case distance(ours, theirs) == 1, d.Field == "number" && swapped(ours, theirs):
		return words.New("mismatch.slip")
	case d.Field == "holder" && shares(ours, theirs):
		return words.New("mismatch.name")
	}
	return words.New("mismatch.other", "field", d.Field)
}

func matches(masked, full string) bool {
	m, f := []rune(masked), []rune(full)
	if len(m) != len(f) {
		return false
	}
	for i := range m {
		if m[i] != '*' && m[i] != f[i] {
			return false
		}
	}
	return true
}

// distance is the number of characters to change, add or drop.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 256 || len(y) > 256 {
		return 256
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(y)]
}

// swapped says whether two neighbours have changed places.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i+1 < len(a); i++ {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}

// shares says whether two names have a character in common.
func shares(a, b string) bool { return strings.ContainsAny(a, b) }
