package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"stopline.internal/stream/event"
)

// The states of a return.
const (
	ReturnProposed   State = "proposed"
	ReturnAnnounced  State = "announced" // proportional: for 30 days anyone concerned may object
	ReturnApproved   State = "approved"  // by one person
	ReturnInstructed State = "instructed"
	ReturnWithdrawn  State = "withdrawn"
)

// ReturnRound is a return as the fold knows it.
type ReturnRound struct {
	ID, CaseID string
	Version    int
	State      State
	Number     Number // of its paper
	Return
	ProposedAt event.Instant
	ProposedBy string
	Until      event.Instant // when the announcement ends
	Objections []Objection
	Approvals  []string
	Timeline   []Event
}

// Proportional says whether a part is given back in proportion, and must be
// announced.
func (r *ReturnRound) Proportional() bool { return r.Pool > 0 }

func (l *Ledger) foldReturn(e *Event) Refusal {
	r := l.returns[e.Subject]
	if r == nil {
		c := l.caseOf(e)
		for _, id := range c.Returns {
			if s := l.returns[id].State; s != ReturnInstructed && s != ReturnWithdrawn {
				return refuse("return.round", "return", id)
			}
		}
		if e.Version != 1 || e.State != ReturnProposed || e.Return == nil {
			return refuse("return.begin")
		}
		r = &ReturnRound{ID: e.Subject, CaseID: e.CaseID, Return: *e.Return, ProposedAt: e.At, ProposedBy: e.By, Number: l.number("return", e)}
		r.Round = len(c.Returns) + 1
		l.returns[r.ID] = r
		c.Returns = append(c.Returns, r.ID)
	} else if why := l.judgeReturn(r, e); !why.None() {
		return why
	}
	r.Version, r.State = e.Version, e.State
	if e.Until != 0 {
		r.Until = e.Until
	}
	if e.State == ReturnApproved || e.State == ReturnInstructed {
		r.Approvals = append(r.Approvals, e.By)
	}
	r.Timeline = append(r.Timeline, *e)
	return accepted
}

func (l *Ledger) judgeReturn(r *ReturnRound, e *Event) Refusal {
	if e.Version != r.Version+1 {
		return refuse("version.return", "version", r.Version)
	}
	open := slices.ContainsFunc(r.Objections, func(o Objection) bool { return o.State == "open" })
	done := r.State == ReturnInstructed || r.State == ReturnWithdrawn
	switch e.State {
	case ReturnAnnounced:
		if e.Return != nil && e.Return.Objects != nil {
			return l.object(r, e)
		}
		if r.State != ReturnProposed || !r.Proportional() {
			return refuse("return.announce")
		}
		if e.Until < e.At.Add(l.terms.Announce) {
			return refuse("law.announce", "term", l.terms.Announce)
		}
	case ReturnApproved, ReturnInstructed:
		switch {
		case r.Proportional() && r.State == ReturnProposed:
			return refuse("law.announce-first")
		case r.State == ReturnAnnounced && e.At < r.Until:
			return refuse("law.announced-until", "until", r.Until)
		case open:
			return refuse("law.objection-open")
		case e.By == r.ProposedBy:
			return refuse("four-eyes.return")
		case slices.Contains(r.Approvals, e.By):
			return refuse("four-eyes.second")
		case done || (e.State == ReturnInstructed) != (r.State == ReturnApproved):
			return refuse("return.step", "from", r.State, "to", e.State)
		}
	case ReturnWithdrawn:
		if done {
			return refuse("return.withdraw", "state", r.State)
		}
	default:
		return refuse("return.state")
	}
	return accepted
}

// object notes an objection, or how one was decided.
func (l *Ledger) object(r *ReturnRound, e *Event) Refusal {
	o := e.Return.Objects
	if r.State != ReturnAnnounced {
		return refuse("objection.closed")
	}
	for i := range r.Objections {
		if r.Objections[i].ID == o.ID {
			if r.Objections[i].State != "open" || o.State == "open" {
				return refuse("objection.decided")
			}
			r.Objections[i].State = o.State
			return accepted
		}
	}
	if e.At > r.Until || o.State != "open" {
		return refuse("objection.over")
	}
	r.Objections = append(r.Objections, *o)
	return accepted
}

// dueReturns tells the banks of the returns that two people have approved.
func (l *Ledger) dueReturns(now event.Instant) []Event {
	var out []Event
	for _, id := range slices.Sorted(maps.Keys(l.returns)) {
		r := l.returns[id]
		if r.State != ReturnInstructed {
			continue
		}
		pays := map[string][]Pay{}
		for i := range r.Lines {
			for _, f := range r.Lines[i].From {
				pays[f.Stop] = append(pays[f.Stop], Pay{Victim: r.Lines[i].Victim, Account: r.Lines[i].Victim, Minor: f.Minor})
			}
		}
		for _, stop := range slices.Sorted(maps.Keys(pays)) {
			s := l.stops[stop]
			if s == nil || s.State != Frozen || s.instructed(id) {
				continue
			}
			e := s.Event(now, r.Approvals[len(r.Approvals)-1])
			e.ID = event.DerivedID("evt", s.ID, fmt.Sprint(e.Version), "return", id)
			e.State, e.Until = Returning, l.terms.Calendar.After(now, l.terms.ReturnDays)
			e.Change = &Change{Kind: ChangeReturn, ReturnID: id, Payees: pays[stop]}
			for _, p := range pays[stop] {
				e.Change.Minor += p.Minor
			}
			out = append(out, e)
		}
	}
	return out
}

// Return returns a copy; nil when there is none.
func (l *Ledger) Return(id string) *ReturnRound {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.returns[id].copy()
}

func (r *ReturnRound) copy() *ReturnRound {
	if r == nil {
		return nil
	}
	out := *r
	out.Timeline, out.Objections, out.Approvals = slices.Clone(r.Timeline), slices.Clone(r.Objections), slices.Clone(r.Approvals)
	return &out
}

// Paid says what the banks have paid back of a round, and whether all of it is
// done for.
func (l *Ledger) Paid(r *ReturnRound) (minor int64, done bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	done = r.State == ReturnInstructed
	seen := map[string]bool{}
	for i := range r.Lines {
		for _, f := range r.Lines[i].From {
			s := l.stops[f.Stop]
			if s == nil || seen[f.Stop] {
				continue
			}
			seen[f.Stop] = true
			answered := false
			for j := range s.Timeline {
				if c := s.Timeline[j].Change; c != nil && c.ReturnID == r.ID && c.Kind != ChangeReturn {
					answered = true
					if c.Kind == ChangeReturned {
						minor += c.Minor
					}
				}
			}
			done = done && (answered || !s.State.Holds())
		}
	}
	return minor, done
}

// Frozen gathers what a return of the case is worked out from: its frozen stops
// by account, and what each victim has lost and been paid back. The flows are
// for the caller to add.
func (l *Ledger) Frozen(caseID string) ([]FrozenAccount, []Claim) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.whole(caseID)
	if c == nil {
		return nil, nil
	}
	loss, before := map[string]int64{}, map[string]int64{}
	lost, counted := c.Lost() // each payment once, however often reported
	for i := range lost {
		loss[lost[i].Payer] += lost[i].Minor
	}
	byAccount := map[string]*FrozenAccount{}
	for _, id := range c.Stops {
		s := l.stops[id]
		first := l.origin(s)
		if first.Payer != "" && s == first && !counted[s.ID] {
			loss[s.Payer] += s.Transfer.Minor
		}
		for i := range s.Timeline {
			if ch := s.Timeline[i].Change; ch != nil && ch.Kind == ChangeReturned {
				for _, p := range l.payees(s, ch.ReturnID) {
					before[p.Victim] += p.Minor
				}
			}
		}
		if s.State != Frozen || s.Left() == 0 || first.Payer == "" {
			continue
		}
		a := byAccount[s.Account.Number]
		if a == nil {
			a = &FrozenAccount{Account: s.Account}
			byAccount[s.Account.Number] = a
		}
		a.Stops = append(a.Stops, FrozenStop{ID: s.ID, Left: s.Left(), Victim: first.Payer})
	}
	var accounts []FrozenAccount
	for _, n := range slices.Sorted(maps.Keys(byAccount)) {
		a := byAccount[n]
		slices.SortFunc(a.Stops, func(x, y FrozenStop) int { return cmp.Compare(x.ID, y.ID) })
		accounts = append(accounts, *a)
	}
	var claims []Claim
	for _, v := range slices.Sorted(maps.Keys(loss)) {
		claims = append(claims, Claim{v, loss[v], before[v]})
	}
	return accounts, claims
}

// origin is the stop at the first hop of a trail.
func (l *Ledger) origin(s *Stop) *Stop {
	for range 64 {
		p := l.stops[s.Parent]
		if s.Parent == "" || p == nil {
			break
		}
		s = p
	}
	return s
}

// payees are those of a return that the bank was told of.
func (l *Ledger) payees(s *Stop, returnID string) []Pay {
	for i := range s.Timeline {
		if c := s.Timeline[i].Change; c != nil && c.Kind == ChangeReturn && c.ReturnID == returnID {
			return c.Payees
		}
	}
	return nil
}

// Remittances lists the victims' money that came into an account of the case,
// by the transfer that brought it.
func (l *Ledger) Remittances(caseID, account string) map[string][]Flow {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := map[string][]Flow{}
	c := l.whole(caseID)
	if c == nil {
		return out
	}
	for _, id := range c.Stops {
		s := l.stops[id]
		if first := l.origin(s); s.Account.Number == account && first.Payer != "" {
			out[s.Transfer.ID] = append(out[s.Transfer.ID], Flow{At: s.Transfer.At, Minor: s.Minor, Victim: first.Payer})
		}
	}
	return out
}

// ProposeReturn is the event that begins a round; its id follows from the case
// and the number of the round.
func (l *Ledger) ProposeReturn(caseID string, r Return, at event.Instant, by string) Event {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := 0
	if c := l.whole(caseID); c != nil {
		n, r.Reports = len(c.Returns), len(c.Reports)
	}
	r.Round = n + 1
	id := event.DerivedID("ret", caseID, fmt.Sprint(n+1))
	return Event{ID: event.DerivedID("evt", id, "1", by, at.String()), CaseID: caseID, Subject: id, Version: 1, State: ReturnProposed, At: at, By: by, Return: &r}
}

// Event begins the next event of the return.
func (r *ReturnRound) Event(to State, at event.Instant, by string) Event {
	return Event{ID: event.DerivedID("evt", r.ID, fmt.Sprint(r.Version+1), string(to), by, at.String()), CaseID: r.CaseID, Subject: r.ID, Version: r.Version + 1, State: to, At: at, By: by}
}
