package ledger

import (
	"cmp"
	"slices"
	"time"

	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// Duty is something that waits for a person, and until when.
type Duty struct {
	Kind   string // one of the duty constants
	ID     string // of the stop, appeal, return or visit
	CaseID string
	Since  event.Instant
	Until  event.Instant // 0: there is no term
	Say    words.Message // what is to be done, on what
}

// What waits for people.
const (
	dutyApprove  = "approve"   // a proposal
	dutyCall     = "call-bank" // it does not answer
	dutyEnd      = "hold-ends" // freeze it, extend it, or let it go
	dutyFreeze   = "freeze-ends"
	dutyReturn   = "return-overdue" // the bank has not paid back
	dutyAppeal   = "appeal"
	dutyVisit    = "visit"
	dutyAnnounce = "announcement-over"
	dutyMismatch = "mismatch"   // the request can be mended
	dutyExcess   = "excess"     // more is held along a trail than was lost
	dutyEscalate = "escalation" // an analyst hands something up
)

// freezeNotice is how long before its end a person is notified of a freeze.
const freezeNotice = 30 * 24 * time.Hour

// dutyOn is one about a stop; a variant tells apart what is said of a kind.
func dutyOn(s *stop.Stop, kind, variant string, until event.Instant, minor int64) Duty {
	say := words.New("duty."+kind+variant,
		"amount", s.Money(minor), "bank", s.Account.Bank, "account", s.Account.Number, "until", until)
	return Duty{kind, s.ID, s.CaseID, s.Last().At, until, say}
}

// dutyOf is what waits for a person of a stop, if anything does.
func (l *Ledger) dutyOf(s *stop.Stop, now event.Instant) (d Duty, waits bool) {
	soon := s.Until != 0 && s.Until < now.Add(l.terms.Notice)
	switch {
	case s.State == stop.Proposed:
		variant := ""
		if s.Doubt != "" {
			variant = "." + s.Doubt
		}
		return dutyOn(s, dutyApprove, variant, s.ProposedAt.Add(l.terms.Respond), s.Minor), true
	case s.State == stop.Undelivered:
		return dutyOn(s, dutyCall, "", s.RequestedAt.Add(l.terms.Respond), s.Minor), true
	case s.State == stop.Mismatch && now < s.AnsweredAt.Add(l.terms.Hold):
		return dutyOn(s, dutyMismatch, "", 0, s.Minor), true
	case s.State.Stops() && soon:
		return dutyOn(s, dutyEnd, "", s.Until, s.Left()), true
	case s.State == stop.Frozen && s.Until < now.Add(freezeNotice):
		return dutyOn(s, dutyFreeze, "", s.Until, s.Left()), true
	case s.State == stop.Returning && s.Until <= now:
		return dutyOn(s, dutyReturn, "", s.Until, s.Instruction.Minor), true
	}
	return Duty{}, false
}

// dutiesOfPeople are those about appeals, visits and returns.
func (l *Ledger) dutiesOfPeople(now event.Instant) (out []Duty) {
	for _, a := range l.appeals {
		if a.State == desk.AppealReceived {
			say := words.New("duty."+dutyAppeal, "holder", a.Holder, "until", a.Until)
			out = append(out, Duty{dutyAppeal, a.ID, a.CaseID, a.OpenedAt, a.Until, say})
		}
	}
	for _, t := range l.tasks {
		if t.State == desk.TaskEscalated {
			say := words.New("duty."+dutyEscalate, "by", t.By, "reason", t.Reason)
			out = append(out, Duty{dutyEscalate, t.AlertID, t.CaseID, t.At, t.At.Add(l.terms.Respond), say})
		}
	}
	for _, v := range l.visits {
		if v.State != desk.VisitConfirmed {
			say := words.New("duty."+dutyVisit, "level", v.Level, "district", v.District, "until", v.Until)
			out = append(out, Duty{dutyVisit, v.ID, v.CaseID, v.Timeline[0].At, v.Until, say})
		}
	}
	for _, r := range l.returns {
		if r.State == giveback.Announced && r.Until <= now {
			say := words.New("duty."+dutyAnnounce, "amount", event.Money{Minor: r.Total(), Currency: r.Currency})
			out = append(out, Duty{dutyAnnounce, r.ID, r.CaseID, r.Until, 0, say})
		}
	}
	return out
}

// Duties lists what waits for people, the most urgent first.
func (l *Ledger) Duties(now event.Instant) []Duty {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := []Duty{}
	for s := range l.index.undone() {
		if d, waits := l.dutyOf(s, now); waits {
			out = append(out, d)
		}
	}
	for s, minor := range l.excess() {
		out = append(out, dutyOn(s, dutyExcess, "", 0, minor))
	}
	out = append(out, l.dutiesOfPeople(now)...)
	slices.SortFunc(out, func(a, b Duty) int {
		return cmp.Or(cmp.Compare(cmp.Or(a.Until, 1<<62), cmp.Or(b.Until, 1<<62)), cmp.Compare(a.ID, b.ID))
	})
	return out
}
