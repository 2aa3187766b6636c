package ledger

import (
	"cmp"
	"slices"

	"stopline.internal/store/ledger/stop"
)

// Stop returns a copy of a stop; nil when there is none.
func (l *Ledger) Stop(id string) *stop.Stop {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return copyOf(l.stops[id])
}

// Watched returns copies of the stops that somebody should have an eye on: what
// waits for a person, on any hop, and what a bank is asked for or holds of the
// victims' own payments.
func (l *Ledger) Watched() []*stop.Stop {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make([]*stop.Stop, 0, len(l.index.person)+len(l.index.open))
	for s := range l.index.undone() {
		if l.index.person[s.ID] != nil || s.Hop == 1 {
			out = append(out, s.Copy())
		}
	}
	return out
}

// Waiting lists the stops that wait for a bank, oldest first, and a channel
// that is closed when there is news for it.
func (l *Ledger) Waiting(bank string, limit int) ([]*stop.Stop, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.index.waiting[bank]
	out := make([]*stop.Stop, 0, len(waiting))
	for _, s := range waiting {
		out = append(out, s.Copy())
	}
	slices.SortFunc(out, func(a, b *stop.Stop) int {
		return cmp.Or(cmp.Compare(a.RequestedAt, b.RequestedAt), cmp.Compare(a.ID, b.ID))
	})
	if len(out) > limit {
		out = out[:limit]
	}
	return out, l.feedOf(bank).Changed()
}

// Filter chooses stops; empty fields choose all.
type Filter struct {
	State   stop.State
	Bank    string
	CaseID  string // itself, or a case that is part of it
	Account string
	Open    bool   // those that are not over, and that a bank has been asked for
	After   string // the id of the last stop of the page before
	Limit   int    // of a page
}

// chooses says whether a stop of a whole case, by its id, is chosen.
func (f *Filter) chooses(s *stop.Stop, whole string) bool {
	return (f.State == "" || s.State == f.State) && (f.Bank == "" || s.Account.Bank == f.Bank) &&
		(f.CaseID == "" || s.CaseID == f.CaseID || whole == f.CaseID) &&
		(f.Account == "" || s.Account.Number == f.Account) &&
		(!f.Open || s.RequestedAt != 0 && (s.State.Awaits() || s.State.Holds()))
}

// List returns stops, newest first. The second result says that there are more.
func (l *Ledger) List(f Filter) ([]*stop.Stop, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []*stop.Stop
	for _, s := range l.stops {
		whole := ""
		if f.CaseID != "" {
			whole = l.root(s.CaseID)
		}
		if f.chooses(s, whole) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, newestFirst)
	out, more := page(out, f.Limit, func(s *stop.Stop) bool { return f.After != "" && s.ID == f.After })
	copyAll(out)
	return out, more
}

// page is a page of a list, after the thing that ended the page before, if it is
// in the list. The second result says that there are more.
func page[T any](list []T, limit int, ended func(T) bool) ([]T, bool) {
	if i := slices.IndexFunc(list, ended); i >= 0 {
		list = list[i+1:]
	}
	return list[:min(len(list), limit)], len(list) > limit
}

func newestFirst(a, b *stop.Stop) int {
	return cmp.Or(cmp.Compare(b.ProposedAt, a.ProposedAt), cmp.Compare(a.ID, b.ID))
}

// copyAll puts copies in the place of stops.
func copyAll(stops []*stop.Stop) {
	for i, s := range stops {
		stops[i] = s.Copy()
	}
}
