package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"stopline/stream/event"
)

// Stop is a request to a bank to hold up to an amount on one account, as the
// fold knows it.
type Stop struct {
	ID      string
	CaseID  string
	Version int
	State   State
	Proposal
	ProposedAt  event.Instant
	RequestedAt event.Instant
	AnsweredAt  event.Instant
	EffectiveAt event.Instant // when the bank's hold took effect
	Until       event.Instant // when the state lapses: the answer is due, the hold ends
	Terms       int           // terms of holding so far
	HeldMinor   int64
	IssuedBy    string
	Outcome     *Outcome
	Timeline    []Event
}

// Amount is what is asked for.
func (s *Stop) Amount() event.Money { return event.Money{Minor: s.Minor, Currency: s.Currency} }

// Held is what the bank says it holds.
func (s *Stop) Held() event.Money { return event.Money{Minor: s.HeldMinor, Currency: s.Currency} }

// Case is what belongs to one victim: reports and stops.
type Case struct {
	ID       string
	OpenedAt event.Instant
	Reports  []ReportNote
	Stops    []string
}

// Result says what the fold did with an event.
type Result struct {
	Accepted bool
	Why      string // when it was ignored
	Stop     *Stop  // a copy, as it is now; nil for a case's note
}

// Ledger is the fold of the log. It is safe for many goroutines.
type Ledger struct {
	mu      sync.RWMutex
	terms   Terms
	stops   map[string]*Stop
	cases   map[string]*Case
	open    map[string]*Stop            // with a deadline ahead
	waiting map[string]map[string]*Stop // by bank, requested and not yet acknowledged
	changed map[string]chan struct{}    // by bank, closed when its waiting set grows
	reports map[string]string           // report id to case
	applied int64
}

// New returns an empty ledger.
func New(t Terms) *Ledger {
	return &Ledger{terms: t, stops: map[string]*Stop{}, cases: map[string]*Case{}, open: map[string]*Stop{},
		waiting: map[string]map[string]*Stop{}, changed: map[string]chan struct{}{}, reports: map[string]string{}}
}

// Terms are the terms that the ledger was made with.
func (l *Ledger) Terms() Terms { return l.terms }

// Apply folds one event of the log. The same event again is ignored.
func (l *Ledger) Apply(e *Event) Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.applied++
	if e.StopID == "" {
		return l.note(e)
	}
	s := l.stops[e.StopID]
	from, version := State(""), 0
	if s != nil {
		from, version = s.State, s.Version
	}
	switch {
	case e.Version != version+1:
		return ignored(s, fmt.Sprintf("the stop is at version %d", version))
	case !May(from, e.State):
		return ignored(s, fmt.Sprintf("a stop that is %s cannot become %s", orNew(from), e.State))
	case e.State == Proposed && e.Proposal == nil:
		return ignored(s, "a proposal needs its account and amount")
	case s != nil && e.CaseID != s.CaseID:
		return ignored(s, "the stop belongs to another case")
	}
	if s == nil {
		s = &Stop{ID: e.StopID, CaseID: e.CaseID, Proposal: *e.Proposal, ProposedAt: e.At}
		l.stops[s.ID] = s
		c := l.caseOf(e)
		c.Stops = append(c.Stops, s.ID)
	}
	l.advance(s, e)
	return Result{Accepted: true, Stop: s.copy()}
}

func orNew(s State) string { return cmp.Or(string(s), "not there yet") }

func ignored(s *Stop, why string) Result {
	r := Result{Why: why}
	if s != nil {
		r.Stop = s.copy()
	}
	return r
}

// advance puts an accepted event into its stop, and the stop into its indexes.
func (l *Ledger) advance(s *Stop, e *Event) {
	s.State, s.Version, s.Until = e.State, e.Version, e.Until
	s.Timeline = append(s.Timeline, *e)
	switch e.State {
	case Requested:
		s.RequestedAt, s.IssuedBy = e.At, e.By
	case Held, Partial:
		s.Terms = 1
		fallthrough
	case Missed, Mismatch, Refused:
		s.AnsweredAt = e.At
		if o := e.Outcome; o != nil {
			s.Outcome, s.EffectiveAt, s.HeldMinor = o, o.EffectiveAt, o.HeldMinor
		}
	case Extended:
		s.Terms++
	}
	bank := s.Account.Bank
	if s.State == Requested {
		if l.waiting[bank] == nil {
			l.waiting[bank] = map[string]*Stop{}
		}
		l.waiting[bank][s.ID] = s
		if ch := l.changed[bank]; ch != nil {
			close(ch)
			delete(l.changed, bank)
		}
	} else if s.State != Undelivered {
		delete(l.waiting[bank], s.ID)
	}
	if s.Until != 0 {
		l.open[s.ID] = s
	} else {
		delete(l.open, s.ID)
	}
}

func (l *Ledger) caseOf(e *Event) *Case {
	c := l.cases[e.CaseID]
	if c == nil {
		c = &Case{ID: e.CaseID, OpenedAt: e.At}
		l.cases[e.CaseID] = c
	}
	return c
}

// note folds what belongs to a case alone: a victim's report, once.
func (l *Ledger) note(e *Event) Result {
	if e.Verdict != nil {
		return Result{Accepted: true} // the books keep it
	}
	if e.Report == nil {
		return Result{Why: "the event names no stop, report or verdict"}
	}
	if _, known := l.reports[e.Report.ID]; known {
		return Result{Why: "the report is known"}
	}
	l.reports[e.Report.ID] = e.CaseID
	c := l.caseOf(e)
	c.Reports = append(c.Reports, *e.Report)
	return Result{Accepted: true}
}

func (s *Stop) copy() *Stop {
	c := *s
	c.Timeline = slices.Clone(s.Timeline)
	return &c
}

// Stop returns a copy of a stop; nil when there is none.
func (l *Ledger) Stop(id string) *Stop {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if s := l.stops[id]; s != nil {
		return s.copy()
	}
	return nil
}

// Case returns a copy of a case; nil when there is none.
func (l *Ledger) Case(id string) *Case {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.cases[id]
	if c == nil {
		return nil
	}
	out := *c
	out.Reports, out.Stops = slices.Clone(c.Reports), slices.Clone(c.Stops)
	return &out
}

// CaseOfReport is the case that a report was noted in, empty when it is not
// known.
func (l *Ledger) CaseOfReport(id string) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.reports[id]
}

// Waiting lists the stops that wait for a bank, oldest first, and a channel
// that is closed when there is one more.
func (l *Ledger) Waiting(bank string, limit int) ([]*Stop, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*Stop, 0, len(l.waiting[bank]))
	for _, s := range l.waiting[bank] {
		out = append(out, s.copy())
	}
	slices.SortFunc(out, oldestFirst)
	if len(out) > limit {
		out = out[:limit]
	}
	ch := l.changed[bank]
	if ch == nil {
		ch = make(chan struct{})
		l.changed[bank] = ch
	}
	return out, ch
}

func oldestFirst(a, b *Stop) int {
	return cmp.Or(cmp.Compare(a.RequestedAt, b.RequestedAt), cmp.Compare(a.ID, b.ID))
}

// Filter chooses stops; empty fields choose all.
type Filter struct {
	State  State
	Bank   string
	CaseID string
	After  string // the id of the last stop of the page before
	Limit  int
}

// List returns stops, newest first. The second result says that there are more.
func (l *Ledger) List(f Filter) ([]*Stop, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []*Stop
	for _, s := range l.stops {
		if (f.State == "" || s.State == f.State) && (f.Bank == "" || s.Account.Bank == f.Bank) && (f.CaseID == "" || s.CaseID == f.CaseID) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *Stop) int { return cmp.Or(cmp.Compare(b.ProposedAt, a.ProposedAt), cmp.Compare(a.ID, b.ID)) })
	if f.After != "" {
		if i := slices.IndexFunc(out, func(s *Stop) bool { return s.ID == f.After }); i >= 0 {
			out = out[i+1:]
		}
	}
	more := len(out) > f.Limit
	if more {
		out = out[:f.Limit]
	}
	for i, s := range out {
		out[i] = s.copy()
	}
	return out, more
}

// Due lists the events of the deadlines that have passed: a bank that did not
// answer, a hold that ended. Any replica may append them; the fold keeps one.
func (l *Ledger) Due(now event.Instant) []Event {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Event
	for _, s := range l.open {
		if s.Until > now {
			continue
		}
		e := s.Event(now, "deadline")
		switch s.State {
		case Requested, Acknowledged:
			e.State, e.Reason = Undelivered, "the bank did not answer in time"
		case Held, Partial, Extended, Frozen:
			e.State, e.Reason = Expired, "the term ended"
		default:
			continue
		}
		e.ID = event.DerivedID("evt", s.ID, fmt.Sprint(e.Version), string(e.State))
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Event) int { return cmp.Compare(a.StopID, b.StopID) })
	return out
}

// Event begins the next event of the stop.
func (s *Stop) Event(at event.Instant, by string) Event {
	return Event{CaseID: s.CaseID, StopID: s.ID, Version: s.Version + 1, At: at, By: by}
}

// Figures are the ledger's totals at this moment.
type Figures struct {
	Cases, Reports, Stops, Open   int
	Requested, HeldStops, Partial int
	Missed, Refused, Expired      int
	HeldMinor                     int64 // held now
}

// Figures counts the ledger.
func (l *Ledger) Figures() Figures {
	l.mu.RLock()
	defer l.mu.RUnlock()
	f := Figures{Cases: len(l.cases), Reports: len(l.reports), Stops: len(l.stops), Open: len(l.open)}
	for _, s := range l.stops {
		if s.RequestedAt != 0 {
			f.Requested++
		}
		switch s.State {
		case Missed:
			f.Missed++
		case Refused, Mismatch:
			f.Refused++
		case Expired:
			f.Expired++
		}
		if s.State.Holds() {
			f.HeldMinor += s.HeldMinor
			if s.HeldMinor < s.Minor {
				f.Partial++
			} else {
				f.HeldStops++
			}
		}
	}
	return f
}
