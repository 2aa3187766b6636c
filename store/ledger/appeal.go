package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

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

// The states of an appeal.
const (
	AppealReceived  State = "received"
	AppealUpheld    State = "upheld"
	AppealDismissed State = "dismissed"
)

// AppealFile is an appeal as the fold knows it.
type AppealFile struct {
	ID, CaseID string
	Version    int
	State      State
	Appeal
	OpenedAt  event.Instant
	DecidedAt event.Instant
	Until     event.Instant // when it must be decided
	HeldSince event.Instant // of the stop, as the appeal was decided
	Timeline  []Event
}

// WronglyHeld is how long the money of an appeal that was upheld had been held.
func (a *AppealFile) WronglyHeld() time.Duration {
	if a.State != AppealUpheld || a.HeldSince == 0 {
		return 0
	}
	return max(0, a.DecidedAt.Sub(a.HeldSince))
}

func (l *Ledger) foldAppeal(e *Event) Refusal {
	a, p := l.appeals[e.Subject], e.Appeal
	s := l.stops[p.StopID]
	switch {
	case s == nil || s.CaseID != e.CaseID:
		return refuse("appeal.stop")
	case a == nil && (e.Version != 1 || e.State != AppealReceived):
		return refuse("appeal.begin")
	case a == nil:
		if !s.State.Holds() && !s.State.Awaits() {
			return refuse("appeal.nothing", "state", s.State)
		}
		for _, o := range l.appeals {
			if o.StopID == p.StopID && o.State == AppealReceived {
				return refuse("appeal.open", "appeal", o.ID)
			}
		}
		a = &AppealFile{ID: e.Subject, CaseID: e.CaseID, OpenedAt: e.At}
		l.appeals[a.ID] = a
	case e.Version != a.Version+1:
		return refuse("version.appeal", "version", a.Version)
	case a.State != AppealReceived:
		return refuse("appeal.decided")
	case a.StopID != p.StopID:
		return refuse("appeal.other")
	case e.State == AppealUpheld && (p.Minor <= 0 || s.State.Holds() && p.Minor > s.Left()):
		return refuse("appeal.amount", "held", s.sum(s.Left()))
	}
	a.Version, a.State, a.Appeal = e.Version, e.State, *p
	a.Timeline = append(a.Timeline, *e)
	if e.Until != 0 {
		a.Until = e.Until
	}
	if e.State != AppealReceived {
		a.DecidedAt, a.HeldSince, a.Until = e.At, s.EffectiveAt, 0
	}
	return accepted
}

// Lift is the event that gives a stop's money free, whole or in part.
func Lift(s *Stop, minor int64, appealID, reason string, at event.Instant, by string) Event {
	e := s.Event(at, by)
	e.ID = event.DerivedID("evt", s.ID, fmt.Sprint(e.Version), "lift", cmp.Or(appealID, at.String()))
	e.Reason = reason
	if minor >= s.Left() || !s.State.Holds() {
		e.State = Released
		return e
	}
	e.State, e.Until = s.State, s.Until
	if s.State == Held {
		e.State = Partial
	}
	e.Change = &Change{Kind: ChangePart, Minor: minor, AppealID: appealID}
	return e
}

// dueAppeals lifts what an appeal won and nobody has lifted yet: who decided may
// have gone away between the two.
func (l *Ledger) dueAppeals(now event.Instant) []Event {
	var out []Event
	for _, id := range slices.Sorted(maps.Keys(l.appeals)) {
		a := l.appeals[id]
		s := l.stops[a.StopID]
		if a.State != AppealUpheld || !May(s.State, Released) || s.State == Returning || s.liftedBy(a) {
			continue
		}
		out = append(out, Lift(s, a.Minor, a.ID, "due.appeal", now, "appeal"))
	}
	return out
}

// liftedBy says whether the stop's part was given free for the appeal.
func (s *Stop) liftedBy(a *AppealFile) bool {
	for i := range s.Timeline {
		if c := s.Timeline[i].Change; c != nil && c.AppealID == a.ID {
			return true
		}
	}
	return false
}

// Appeal returns a copy; nil when there is none.
func (l *Ledger) Appeal(id string) *AppealFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	a := l.appeals[id]
	if a == nil {
		return nil
	}
	out := *a
	out.Timeline = slices.Clone(a.Timeline)
	return &out
}

// Appeals lists them, by when they must be decided; those to decide alone
// unless all is set.
func (l *Ledger) Appeals(all bool) []*AppealFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := []*AppealFile{}
	for _, a := range l.appeals {
		if all || a.State == AppealReceived {
			c := *a
			out = append(out, &c)
		}
	}
	slices.SortFunc(out, func(a, b *AppealFile) int {
		return cmp.Or(cmp.Compare(a.Until, b.Until), cmp.Compare(b.OpenedAt, a.OpenedAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// ReceiveAppeal is the event that opens an appeal's clock.
func (l *Ledger) ReceiveAppeal(id, caseID string, a Appeal, at event.Instant, by string) Event {
	return Event{ID: event.DerivedID("evt", id, "1"), CaseID: caseID, Subject: id, Version: 1, State: AppealReceived, At: at, By: by, Appeal: &a, Until: at.Add(l.terms.Appeal)}
}
