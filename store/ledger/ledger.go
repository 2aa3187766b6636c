package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	"stopline.internal/stream/event"
)

// Stop is a request to a bank to hold up to an amount on one account, as the
// fold knows it.
type Stop struct {
	ID      string
	CaseID  string
	Version int
	State   State
	Proposal
	ProposedAt    event.Instant
	RequestedAt   event.Instant
	AnsweredAt    event.Instant
	EffectiveAt   event.Instant // when the bank's hold took effect
	EndedAt       event.Instant // when the account was no longer under a stop: frozen, released, expired
	Until         event.Instant // when the state lapses: the answer is due, the hold ends, the bank must have paid back
	FreezeUntil   event.Instant // when the freeze ends, also while money is on its way back
	Terms         int           // terms of holding so far
	HeldMinor     int64
	ReleasedMinor int64 // parts released while the rest is held
	ReturnedMinor int64
	IssuedBy      string
	Number        Number // of its papers
	Outcome       *Outcome
	Instruction   *Change // of the return that the bank is told to make
	Message       *Message
	Timeline      []Event
}

// Amount is what is asked for.
func (s *Stop) Amount() event.Money { return event.Money{Minor: s.Minor, Currency: s.Currency} }

// Held is what the bank says it holds.
func (s *Stop) Held() event.Money { return event.Money{Minor: s.HeldMinor, Currency: s.Currency} }

// Left is what is held and has not been paid back.
func (s *Stop) Left() int64 { return s.HeldMinor - s.ReturnedMinor }

// Claim is what a later credit to the account may still be held for.
func (s *Stop) Claim() int64 { return s.Minor - s.HeldMinor - s.ReleasedMinor }

// Money writes minor units of the stop's currency, as documents carry them.
func (s *Stop) Money(minor int64) string {
	return event.Money{Minor: minor, Currency: s.Currency}.Decimal()
}

// sum is minor units of the stop's currency as an amount.
func (s *Stop) sum(minor int64) event.Money { return event.Money{Minor: minor, Currency: s.Currency} }

// Result says what the fold did with an event.
type Result struct {
	Accepted bool
	Why      Refusal     // when it was ignored
	Stop     *Stop       // a copy, as it is now; nil for what is of a case alone
	Report   *ReportNote // that was noted, with what it brought; nil for all else
}

// Ledger is the fold of the log. It is safe for many goroutines.
type Ledger struct {
	mu       sync.RWMutex
	terms    Terms
	stops    map[string]*Stop
	cases    map[string]*Case
	returns  map[string]*ReturnRound
	appeals  map[string]*AppealFile
	visits   map[string]*VisitFile
	tasks    map[string]*TaskFile        // by alert
	locks    map[string]*TaskFile        // by case: the claim that locks it
	open     map[string]*Stop            // with a deadline ahead
	stuck    map[string]*Stop            // that wait for a person: proposed, not answered, not matching
	behind   map[string]*Stop            // proposed on the trail of another
	waiting  map[string]map[string]*Stop // by bank, requested and not yet acknowledged
	pending  map[string]map[string]*Stop // by bank, with a message that is not known to have been delivered
	feeds    map[string]*feed            // by bank
	reports  map[string][]notedReport    // by report id, one for each partition of the log that has it
	accounts map[string]string           // account in a report to the first case with it
	callers  map[string]string           // the same of numbers that called victims
	numbers  map[numberKey]int           // papers so far
	merges   map[string]string           // cases that are part of an older one, not yet noted so
	posted   chan struct{}               // closed when there is a message to deliver
}

// New returns an empty ledger.
func New(t Terms) *Ledger {
	if t.Calendar == nil {
		t.Calendar = ChinaCalendar
	}
	return &Ledger{terms: t, stops: map[string]*Stop{}, cases: map[string]*Case{}, returns: map[string]*ReturnRound{}, appeals: map[string]*AppealFile{}, visits: map[string]*VisitFile{}, tasks: map[string]*TaskFile{}, locks: map[string]*TaskFile{},
		open: map[string]*Stop{}, stuck: map[string]*Stop{}, behind: map[string]*Stop{}, waiting: map[string]map[string]*Stop{}, pending: map[string]map[string]*Stop{}, feeds: map[string]*feed{},
		reports: map[string][]notedReport{}, accounts: map[string]string{}, callers: map[string]string{}, merges: map[string]string{}, numbers: map[numberKey]int{}, posted: make(chan struct{})}
}

// Terms are the terms that the ledger was made with.
func (l *Ledger) Terms() Terms { return l.terms }

// Apply folds one event of the log. The same event again is ignored.
func (l *Ledger) Apply(e *Event) Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case e.StopID == "":
		if why := l.note(e); !why.None() {
			return Result{Why: why}
		}
		r := Result{Accepted: true}
		if e.Report != nil && e.Verdict == nil {
			notes := l.cases[e.CaseID].Reports
			note := notes[len(notes)-1]
			r.Report = &note
		}
		return r
	case e.Delivery != nil:
		return l.delivered(e)
	}
	s := l.stops[e.StopID]
	if why := l.judge(s, e); !why.None() {
		r := Result{Why: why}
		if s != nil {
			r.Stop = s.copy()
		}
		return r
	}
	if s == nil {
		s = &Stop{ID: e.StopID, CaseID: e.CaseID, Proposal: *e.Proposal, ProposedAt: e.At, Number: l.number("stop", e)}
		l.stops[s.ID] = s
		l.caseOf(e).add(s)
	}
	l.advance(s, e)
	return Result{Accepted: true, Stop: s.copy()}
}

// advance puts an accepted event into its stop, and the stop into its indexes.
func (l *Ledger) advance(s *Stop, e *Event) {
	was, until := s.State, s.Until
	s.State, s.Version, s.Until = e.State, e.Version, e.Until
	s.Timeline = append(s.Timeline, *e)
	switch e.State {
	case Requested:
		s.RequestedAt, s.IssuedBy = e.At, e.By
	case Acknowledged, Undelivered:
	case Held, Partial, Missed, Mismatch, Refused:
		if o := e.Outcome; o != nil {
			s.AnsweredAt, s.Outcome = e.At, o
			if e.State.Holds() {
				s.EffectiveAt, s.HeldMinor = o.EffectiveAt, o.HeldMinor
			}
		}
		if was == Missed { // the later credit began the hold
			s.EffectiveAt = e.At
		}
		if e.State.Holds() {
			s.Terms = max(1, s.Terms)
			s.Until = l.usable(s, s.EffectiveAt, e.Until)
		}
	case Extended:
		if was != Extended {
			s.Terms++
		}
		s.Until = l.usable(s, s.EffectiveAt, e.Until)
	case Frozen:
		if was != Returning {
			s.FreezeUntil = e.Until
		}
	}
	if c := e.Change; c != nil {
		s.change(c)
	}
	if was.Stops() && !s.State.Stops() {
		s.EndedAt = min(e.At, until) // a hold lapses by itself, whenever that is noted
	}
	l.index(s)
	l.message(s, e)
	l.center(e, "stop")
}

// change applies the change of an amount.
func (s *Stop) change(c *Change) {
	switch c.Kind {
	case ChangeSweep:
		s.HeldMinor += c.Minor
	case ChangePart:
		s.HeldMinor -= c.Minor
		s.ReleasedMinor += c.Minor
	case ChangeReturn:
		s.Instruction = c
	case ChangeReturned:
		s.ReturnedMinor += c.Minor
		s.Instruction = nil
	case ChangeFailed:
		s.Instruction = nil
	}
}

// index keeps the stop where it is looked for.
func (l *Ledger) index(s *Stop) {
	bank := s.Account.Bank
	if s.State == Requested {
		if l.waiting[bank] == nil {
			l.waiting[bank] = map[string]*Stop{}
		}
		l.waiting[bank][s.ID] = s
	} else if s.State != Undelivered {
		delete(l.waiting[bank], s.ID)
	}
	if s.State == Proposed && s.Parent != "" {
		l.behind[s.ID] = s
	} else {
		delete(l.behind, s.ID)
	}
	if s.Until != 0 {
		l.open[s.ID] = s
	} else {
		delete(l.open, s.ID)
	}
	if s.State == Proposed || s.State == Undelivered || s.State == Mismatch {
		l.stuck[s.ID] = s
	} else {
		delete(l.stuck, s.ID)
	}
}

// Watched returns copies of the stops that somebody should have an eye on: what
// waits for a person, on any hop, and what a bank is asked for or holds of the
// victims' own payments.
func (l *Ledger) Watched() []*Stop {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make([]*Stop, 0, len(l.stuck)+len(l.open))
	for _, s := range l.stuck {
		out = append(out, s.copy())
	}
	for id, s := range l.open {
		if l.stuck[id] == nil && s.Hop == 1 {
			out = append(out, s.copy())
		}
	}
	return out
}

// copy shares the timeline, which only grows.
func (s *Stop) copy() *Stop {
	c := *s
	c.Timeline = s.Timeline[:len(s.Timeline):len(s.Timeline)]
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

// Waiting lists the stops that wait for a bank, oldest first, and a channel
// that is closed when there is news for it.
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
	return out, l.feedOf(bank).changed
}

func oldestFirst(a, b *Stop) int {
	return cmp.Or(cmp.Compare(a.RequestedAt, b.RequestedAt), cmp.Compare(a.ID, b.ID))
}

// Filter chooses stops; empty fields choose all.
type Filter struct {
	State   State
	Bank    string
	CaseID  string
	Account string
	Open    bool   // those that are not over, and that a bank has been asked for
	After   string // the id of the last stop of the page before
	Limit   int
}

// List returns stops, newest first. The second result says that there are more.
func (l *Ledger) List(f Filter) ([]*Stop, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []*Stop
	for _, s := range l.stops {
		if (f.State == "" || s.State == f.State) && (f.Bank == "" || s.Account.Bank == f.Bank) &&
			(f.CaseID == "" || s.CaseID == f.CaseID || l.root(s.CaseID) == f.CaseID) && (f.Account == "" || s.Account.Number == f.Account) &&
			(!f.Open || s.RequestedAt != 0 && (s.State.Awaits() || s.State.Holds())) {
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

// Due lists the events that time and the log itself call for: deadlines that
// have passed, cases that are one, releases that an appeal won, payments back
// that were approved. Any replica may append them; the fold keeps one.
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
			e.State, e.Reason = Undelivered, "due.answer"
		case Held, Partial, Extended, Frozen:
			e.State, e.Reason = Expired, "due.term"
		default:
			continue
		}
		e.ID = event.DerivedID("evt", s.ID, fmt.Sprint(e.Version), string(e.State))
		out = append(out, e)
	}
	for _, s := range l.behind { // what waited for a person to approve the first
		if p := l.stops[s.Parent]; p != nil && p.RequestedAt != 0 && s.Minor <= l.terms.AutoLimit && slices.Contains(automatic, s.Timeline[0].By) {
			e := s.Event(now, s.Timeline[0].By)
			e.ID, e.State, e.Until = event.DerivedID("evt", s.ID, "2", "after", p.ID), Requested, now.Add(l.terms.Respond)
			out = append(out, e)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.merges)) {
		out = append(out, Event{ID: event.DerivedID("evt", id, "into", l.merges[id]), CaseID: id, At: now, By: "ledger", Into: l.merges[id], Reason: "due.merge"})
	}
	out = append(out, l.dueVisits(now)...)
	out = append(out, l.dueReturns(now)...)
	out = append(out, l.dueAppeals(now)...)
	slices.SortStableFunc(out, func(a, b Event) int { return cmp.Compare(a.StopID, b.StopID) })
	return out
}

// Event begins the next event of the stop.
func (s *Stop) Event(at event.Instant, by string) Event {
	return Event{CaseID: s.CaseID, StopID: s.ID, Version: s.Version + 1, At: at, By: by}
}

// Figures are the ledger's totals at this moment.
type Figures struct {
	Cases, Stops, Open            int
	Reports                       int // that brought a payment which no other had
	Repeats                       int // the others
	Requested, HeldStops, Partial int
	Missed, Refused, Expired      int
	Frozen                        int
	HeldMinor                     int64 // held now, and not paid back
	ReturnedMinor                 int64
	WronglyHeld                   int   // stops that an appeal lifted, whole or in part
	WrongMillis                   int64 // how long money was wrongly held in all, in milliseconds
}

// Figures counts the ledger.
func (l *Ledger) Figures() Figures {
	l.mu.RLock()
	defer l.mu.RUnlock()
	f := Figures{Stops: len(l.stops), Open: len(l.open)}
	for _, c := range l.cases {
		if c.Into == "" {
			f.Cases++
		}
		for i := range c.Reports {
			if c.Reports[i].Repeats() {
				f.Repeats++
			} else {
				f.Reports++
			}
		}
	}
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
		case Frozen, Returning:
			f.Frozen++
		}
		f.ReturnedMinor += s.ReturnedMinor
		if s.State.Holds() {
			f.HeldMinor += s.Left()
			if s.HeldMinor < s.Minor {
				f.Partial++
			} else {
				f.HeldStops++
			}
		}
	}
	for _, a := range l.appeals {
		if wrong := a.WronglyHeld(); wrong > 0 {
			f.WronglyHeld++
			f.WrongMillis += wrong.Milliseconds()
		}
	}
	return f
}
