package ledger

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// Message is what a bank is to be told of a stop: the newest replaces those
// before it, since it carries the stop as it is now.
type Message struct {
	Version   int    // of the stop
	Type      string // one of the Message constants
	At        event.Instant
	Place     Place
	Delivered bool
	Failed    bool // given up: the bank may poll, or somebody sends it again
	Round     int  // how often somebody has asked to send it again
	Attempts  []Attempt
}

// The types of messages, as webhooks and streams name them.
const (
	MessageRequested = "stop.requested"
	MessageExtended  = "stop.extended"
	MessageFrozen    = "stop.frozen"
	MessageChanged   = "stop.changed" // a part is released
	MessageReleased  = "stop.released"
	MessageExpired   = "stop.expired"
	MessageReturn    = "return.instructed"
	MessageCall      = "person.called" // to the center's own pager: a bank does not answer
)

// Delivery is what became of a message, as the log keeps it.
type Delivery struct {
	Message   int       `json:"message"` // the version of the stop that it told of
	Delivered bool      `json:"delivered"`
	Final     bool      `json:"final,omitempty"` // it is not tried again by itself
	Again     bool      `json:"again,omitempty"` // somebody asks to send it again
	Attempts  []Attempt `json:"attempts,omitempty"`
}

// Attempt is one try to hand a message over.
type Attempt struct {
	At     event.Instant `json:"at"`
	Status int           `json:"status,omitempty"` // HTTP; 0: no answer
	Millis int64         `json:"ms"`
	Error  string        `json:"error,omitempty"`
}

// MessageID names a message for ever: a bank that sees it twice does its work
// once.
func MessageID(stopID string, version int) string { return fmt.Sprintf("msg_%s_%d", stopID, version) }

// messageOf is the type of message that an event is to its bank; empty for none.
func messageOf(e *Event) string {
	switch {
	case e.Bank != "":
		return "" // the bank itself says so
	case e.Change != nil && e.Change.Kind == ChangePart:
		return MessageChanged
	case e.Change != nil && e.Change.Kind == ChangeReturn:
		return MessageReturn
	}
	switch e.State {
	case Requested:
		return MessageRequested
	case Extended:
		return MessageExtended
	case Frozen:
		return MessageFrozen
	case Released:
		return MessageReleased
	case Expired:
		return MessageExpired
	}
	return ""
}

// message keeps what the bank is to be told, and wakes those who wait for it.
func (l *Ledger) message(s *Stop, e *Event) {
	kind := messageOf(e)
	f := l.feedOf(s.Account.Bank)
	if kind == "" {
		if e.Bank != "" && s.Message != nil { // it answers: it has the message
			s.Message.Delivered = true
			delete(l.pending[s.Account.Bank], s.ID)
		}
		if e.State == Undelivered {
			f.wake() // the long poll's pages change
			l.wakePosted()
		}
		return
	}
	s.Message = &Message{Version: e.Version, Type: kind, At: e.At, Place: e.Place}
	l.pend(s)
	f.append(FeedEntry{Place: e.Place, StopID: s.ID, Version: e.Version, Type: kind})
	f.wake()
	l.wakePosted()
}

func (l *Ledger) pend(s *Stop) {
	bank := s.Account.Bank
	if l.pending[bank] == nil {
		l.pending[bank] = map[string]*Stop{}
	}
	l.pending[bank][s.ID] = s
}

func (l *Ledger) wakePosted() {
	close(l.posted)
	l.posted = make(chan struct{})
}

// delivered folds what became of a message.
func (l *Ledger) delivered(e *Event) Result {
	s, d := l.stops[e.StopID], e.Delivery
	switch {
	case s == nil || s.Message == nil:
		return Result{Why: refuse("message.none")}
	case d.Message != s.Message.Version:
		return Result{Why: refuse("message.newer"), Stop: s.copy()}
	}
	m := *s.Message
	m.Attempts = slices.Concat(m.Attempts, d.Attempts)
	if len(m.Attempts) > maxAttempts {
		m.Attempts = m.Attempts[len(m.Attempts)-maxAttempts:]
	}
	m.Delivered = (m.Delivered || d.Delivered) && !d.Again
	if d.Again {
		m.Round++
	}
	m.Failed = d.Final && !d.Delivered && !d.Again
	s.Message = &m
	if m.Delivered {
		delete(l.pending[s.Account.Bank], s.ID)
	} else {
		l.pend(s)
	}
	if d.Again {
		l.wakePosted()
	}
	return Result{Accepted: true, Stop: s.copy()}
}

// maxAttempts bounds the log of a message.
const maxAttempts = 64

// Parcelled is a message that is to be handed over.
type Parcelled struct {
	Bank, StopID string
	Version      int
	Round        int // of sending it again
	At           event.Instant
}

// Post lists the messages that are to be handed over to one of the banks, of
// those that mine chooses, oldest first, and a channel that is closed when there
// is news.
func (l *Ledger) Post(banks []string, mine func(Place) bool) ([]Parcelled, <-chan struct{}) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Parcelled
	for _, bank := range banks {
		for _, s := range l.pending[bank] {
			if m := s.Message; !m.Failed && mine(m.Place) {
				out = append(out, Parcelled{bank, s.ID, m.Version, m.Round, m.At})
			}
		}
	}
	return sortParcels(out), l.posted
}

// Unanswered lists the stops whose bank has not answered in time, of those that
// mine chooses: a person is called.
func (l *Ledger) Unanswered(mine func(Place) bool) []Parcelled {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Parcelled
	for bank, stops := range l.waiting {
		for _, s := range stops {
			if last := &s.Timeline[len(s.Timeline)-1]; s.State == Undelivered && mine(last.Place) {
				out = append(out, Parcelled{bank, s.ID, s.Version, 0, last.At})
			}
		}
	}
	return sortParcels(out)
}

func sortParcels(list []Parcelled) []Parcelled {
	slices.SortFunc(list, func(a, b Parcelled) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.StopID, b.StopID)) })
	return list
}

// feed is what a bank was told, in the order that this replica read it; a place
// in it is named by the log's own places, which are the same on every replica.
type feed struct {
	entries []FeedEntry
	dropped map[int]int64 // by partition, up to where entries were dropped
	changed chan struct{}
}

// FeedEntry is a message of a feed.
type FeedEntry struct {
	Place   Place
	StopID  string
	Version int
	Type    string
}

// maxFeed bounds what a bank can be told again.
const maxFeed = 10_000

func (l *Ledger) feedOf(bank string) *feed {
	f := l.feeds[bank]
	if f == nil {
		f = &feed{dropped: map[int]int64{}, changed: make(chan struct{})}
		l.feeds[bank] = f
	}
	return f
}

func (f *feed) append(e FeedEntry) {
	if len(f.entries) >= maxFeed {
		for _, old := range f.entries[:maxFeed/10] {
			f.dropped[old.Place.Partition] = max(f.dropped[old.Place.Partition], old.Place.Offset+1)
		}
		f.entries = append([]FeedEntry(nil), f.entries[maxFeed/10:]...)
	}
	f.entries = append(f.entries, e)
}

func (f *feed) wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// Cursor says up to where a bank has read its feed: the next offset of each
// partition of the log.
type Cursor map[int]int64

// Feed lists what a bank is told after a cursor, at most limit entries, with the
// cursor behind each, and a channel that is closed when there is more. Complete
// is false when the cursor is older than what is kept: the bank must read its
// open stops instead.
func (l *Ledger) Feed(bank string, after Cursor, limit int) (entries []FeedEntry, complete bool, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.feedOf(bank)
	complete = true
	for p, to := range f.dropped {
		if after[p] < to {
			complete = false
		}
	}
	for _, e := range f.entries {
		if e.Place.Offset >= after[e.Place.Partition] && len(entries) < limit {
			entries = append(entries, e)
		}
	}
	return entries, complete, f.changed
}

// End is the cursor behind everything that a bank was told so far.
func (l *Ledger) End(bank string) Cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := Cursor{}
	for _, e := range l.feedOf(bank).entries {
		end[e.Place.Partition] = max(end[e.Place.Partition], e.Place.Offset+1)
	}
	return end
}

// Duty is something that waits for a person, and until when.
type Duty struct {
	Kind   string // one of the Duty constants
	ID     string // of the stop, appeal, return or visit
	CaseID string
	Since  event.Instant
	Until  event.Instant // 0: there is no term
	Say    words.Message // what is to be done, on what
}

// What waits for people.
const (
	DutyApprove  = "approve"   // a proposal
	DutyCall     = "call-bank" // it does not answer
	DutyEnd      = "hold-ends" // freeze it, extend it, or let it go
	DutyFreeze   = "freeze-ends"
	DutyReturn   = "return-overdue" // the bank has not paid back
	DutyAppeal   = "appeal"
	DutyVisit    = "visit"
	DutyAnnounce = "announcement-over"
	DutyMismatch = "mismatch"   // the request can be mended
	DutyExcess   = "excess"     // more is held along a trail than was lost
	DutyEscalate = "escalation" // an analyst hands something up
)

// renewal is how long before its end a freeze is brought to mind.
const renewal = 30 * 24 * time.Hour

// waits are the stops of which something may have to be done.
func (l *Ledger) waits() iter.Seq[*Stop] {
	return func(yield func(*Stop) bool) {
		for _, s := range l.stuck {
			if !yield(s) {
				return
			}
		}
		for id, s := range l.open {
			if l.stuck[id] == nil && !yield(s) {
				return
			}
		}
	}
}

// duty is one about a stop; a variant tells apart what is said of a kind.
func (s *Stop) duty(kind, variant string, until event.Instant, minor int64) Duty {
	say := words.New("duty."+kind+variant,
		"amount", s.sum(minor), "bank", s.Account.Bank, "account", s.Account.Number, "until", until)
	return Duty{kind, s.ID, s.CaseID, s.Timeline[len(s.Timeline)-1].At, until, say}
}

// dutyOf is what waits for a person of a stop, if anything does.
func (l *Ledger) dutyOf(s *Stop, now event.Instant) (d Duty, waits bool) {
	soon := s.Until != 0 && s.Until < now.Add(l.terms.Notice)
	switch {
	case s.State == Proposed:
		variant := ""
		if s.Doubt != "" {
			variant = "." + s.Doubt
		}
		return s.duty(DutyApprove, variant, s.ProposedAt.Add(l.terms.Respond), s.Minor), true
	case s.State == Undelivered:
		return s.duty(DutyCall, "", s.RequestedAt.Add(l.terms.Respond), s.Minor), true
	case s.State == Mismatch && now < s.AnsweredAt.Add(l.terms.Hold):
		return s.duty(DutyMismatch, "", 0, s.Minor), true
	case s.State.Stops() && soon:
		return s.duty(DutyEnd, "", s.Until, s.Left()), true
	case s.State == Frozen && s.Until < now.Add(renewal):
		return s.duty(DutyFreeze, "", s.Until, s.Left()), true
	case s.State == Returning && s.Until <= now:
		return s.duty(DutyReturn, "", s.Until, s.Instruction.Minor), true
	}
	return Duty{}, false
}

// dutiesOfPeople are those about appeals, visits and returns.
func (l *Ledger) dutiesOfPeople(now event.Instant) (out []Duty) {
	for _, a := range l.appeals {
		if a.State == AppealReceived {
			say := words.New("duty."+DutyAppeal, "holder", a.Holder, "until", a.Until)
			out = append(out, Duty{DutyAppeal, a.ID, a.CaseID, a.OpenedAt, a.Until, say})
		}
	}
	for _, t := range l.tasks {
		if t.State == TaskEscalated {
			say := words.New("duty."+DutyEscalate, "by", t.By, "reason", t.Reason)
			out = append(out, Duty{DutyEscalate, t.AlertID, t.CaseID, t.At, t.At.Add(l.terms.Respond), say})
		}
	}
	for _, v := range l.visits {
		if v.State != VisitConfirmed {
			say := words.New("duty."+DutyVisit, "level", v.Level, "district", v.District, "until", v.Until)
			out = append(out, Duty{DutyVisit, v.ID, v.CaseID, v.Timeline[0].At, v.Until, say})
		}
	}
	for _, r := range l.returns {
		if r.State == ReturnAnnounced && r.Until <= now {
			say := words.New("duty."+DutyAnnounce, "amount", event.Money{Minor: r.Total(), Currency: r.Currency})
			out = append(out, Duty{DutyAnnounce, r.ID, r.CaseID, r.Until, 0, say})
		}
	}
	return out
}

// Duties lists what waits for people, the most urgent first.
func (l *Ledger) Duties(now event.Instant) []Duty {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := []Duty{}
	for s := range l.waits() {
		if d, waits := l.dutyOf(s, now); waits {
			out = append(out, d)
		}
	}
	for s, minor := range l.excess() {
		out = append(out, s.duty(DutyExcess, "", 0, minor))
	}
	out = append(out, l.dutiesOfPeople(now)...)
	slices.SortFunc(out, func(a, b Duty) int {
		return cmp.Or(cmp.Compare(cmp.Or(a.Until, 1<<62), cmp.Or(b.Until, 1<<62)), cmp.Compare(a.ID, b.ID))
	})
	return out
}
