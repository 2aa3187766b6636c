package ledger

import (
	"cmp"
	"maps"
	"slices"

	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// foldReturn folds a step of a return.
func (l *Ledger) foldReturn(entry *Entry) law.Refusal {
	e := giveback.Step{Head: headOf[giveback.State](entry, entry.Subject), Return: entry.Return}
	r := l.returns[e.Subject]
	if r == nil {
		c := l.caseOf(entry)
		if why := giveback.JudgeBegin(&e, l.openRound(c)); !why.None() {
			return why
		}
		r = giveback.Begin(&e, len(c.Returns), l.numbers.Next("return", e.At, e.Place))
		l.returns[r.ID] = r
		c.Returns = append(c.Returns, r.ID)
	} else if why := r.Judge(&l.terms, &e); !why.None() {
		return why
	}
	r.Advance(&e)
	return law.Accepted
}

// openRound is a round of the case that is not closed; empty: there is none.
func (l *Ledger) openRound(c *Case) string {
	for _, id := range c.Returns {
		if !l.returns[id].State.Closed() {
			return id
		}
	}
	return ""
}

// dueReturns instructs the banks to make the returns that two people have approved.
func (l *Ledger) dueReturns(now event.Instant) []Entry {
	var out []Entry
	for _, id := range slices.Sorted(maps.Keys(l.returns)) {
		r := l.returns[id]
		if r.State != giveback.Instructed {
			continue
		}
		payees := r.Payees()
		for _, stopID := range slices.Sorted(maps.Keys(payees)) {
			s := l.stops[stopID]
			if s == nil || s.State != stop.Frozen || s.Instructed(id) {
				continue
			}
			until, second := l.terms.Calendar.After(now, l.terms.ReturnDays), r.Approvals[len(r.Approvals)-1]
			out = append(out, StopEntry(stop.PayBack(s, id, payees[stopID], until, now, second)))
		}
	}
	return out
}

// Return returns a copy; nil when there is none.
func (l *Ledger) Return(id string) *giveback.Round {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.returns[id].Copy()
}

// Paid says what the banks have paid back of a round, in minor units, and whether
// all of it is done for.
func (l *Ledger) Paid(r *giveback.Round) (minor int64, done bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	done = r.State == giveback.Instructed
	for id := range r.Payees() {
		s := l.stops[id]
		if s == nil {
			continue
		}
		paid, answered := s.PaidFor(r.ID)
		minor += paid
		done = done && (answered || !s.State.Holds())
	}
	return minor, done
}

// Frozen gathers what a return of the case is worked out from: its frozen stops
// by account, and what each victim has lost and been paid back. The flows are
// for the caller to add.
func (l *Ledger) Frozen(caseID string) ([]giveback.FrozenAccount, []giveback.Claim) {
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
	byAccount := map[string]*giveback.FrozenAccount{}
	for _, id := range c.Stops {
		s := l.stops[id]
		first := l.origin(s)
		if first.Payer != "" && s == first && !counted[s.ID] {
			loss[s.Payer] += s.Transfer.Minor
		}
		for victim, minor := range s.PaidTo() {
			before[victim] += minor
		}
		if s.State != stop.Frozen || s.Left() == 0 || first.Payer == "" {
			continue
		}
		a := byAccount[s.Account.Number]
		if a == nil {
			a = &giveback.FrozenAccount{Account: s.Account}
			byAccount[s.Account.Number] = a
		}
		a.Stops = append(a.Stops, giveback.FrozenStop{ID: s.ID, Left: s.Left(), Victim: first.Payer})
	}
	var accounts []giveback.FrozenAccount
	for _, n := range slices.Sorted(maps.Keys(byAccount)) {
		a := byAccount[n]
		slices.SortFunc(a.Stops, func(x, y giveback.FrozenStop) int { return cmp.Compare(x.ID, y.ID) })
		accounts = append(accounts, *a)
	}
	var claims []giveback.Claim
	for _, v := range slices.Sorted(maps.Keys(loss)) {
		claims = append(claims, giveback.Claim{Victim: v, Loss: loss[v], Before: before[v]})
	}
	return accounts, claims
}

// Remittances lists the victims' money that came into an account of the case,
// by the transfer that brought it.
func (l *Ledger) Remittances(caseID, account string) map[string][]giveback.Flow {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := map[string][]giveback.Flow{}
	c := l.whole(caseID)
	if c == nil {
		return out
	}
	for _, id := range c.Stops {
		s := l.stops[id]
		if first := l.origin(s); s.Account.Number == account && first.Payer != "" {
			out[s.Transfer.ID] = append(out[s.Transfer.ID],
				giveback.Flow{At: s.Transfer.At, Minor: s.Minor, Victim: first.Payer})
		}
	}
	return out
}

// ProposeReturn is the entry that begins a round; its id follows from the case
// and the number of the round.
func (l *Ledger) ProposeReturn(caseID string, r giveback.Return, at event.Instant, by string) Entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	rounds := 0
	if c := l.whole(caseID); c != nil {
		rounds, r.Reports = len(c.Returns), len(c.Reports)
	}
	return ReturnEntry(giveback.Propose(caseID, rounds, r, at, by))
}
