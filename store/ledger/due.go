package ledger

import (
	"cmp"
	"maps"
	"slices"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// Due lists the entries that time and the log itself call for: deadlines that
// have passed, cases that are one, releases that an appeal won, payments back
// that were approved. Any replica may append them; the fold keeps one.
func (l *Ledger) Due(now event.Instant) []Entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Entry
	for _, s := range l.index.open {
		if s.Until > now {
			continue
		}
		if e, lapses := s.Lapse(now); lapses {
			out = append(out, StopEntry(e))
		}
	}
	for _, s := range l.index.behind { // what waited for a person to approve the first
		p := l.stops[s.Parent]
		if p != nil && p.RequestedAt != 0 && s.Minor <= l.terms.AutoLimit && law.ProposesAlone(s.ProposedBy()) {
			out = append(out, StopEntry(s.RequestAfter(&l.terms, p, now)))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.merges)) {
		into := l.merges[id]
		out = append(out, Entry{ID: event.DerivedID("evt", id, "into", into), CaseID: id, At: now, By: "ledger",
			Into: into, Reason: "due.merge"})
	}
	out = append(out, l.dueVisits(now)...)
	out = append(out, l.dueReturns(now)...)
	out = append(out, l.dueAppeals(now)...)
	slices.SortStableFunc(out, func(a, b Entry) int { return cmp.Compare(a.StopID, b.StopID) })
	return out
}
