package center

import (
	"cmp"
	"encoding/json"
	"slices"

	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// queueItem is an alert to look at.
func (s *base) queueItem(a *scoring.Alert, names patternNames, now event.Instant) wire.QueueItem {
	i := wire.QueueItem{ID: a.ID, AlertID: a.ID, Entity: string(a.Entity), At: a.At.String(), Action: a.Action.String(),
		Score: a.Score, FraudType: a.FraudType, StopID: cmp.Or(a.StopID, subjectStop(a))}
	saidHits(&i, a.Hits, names)
	paid(&i, a.Transfer)
	i.CaseID = a.CaseID
	if c := s.Ledger.Case(a.CaseID); c != nil {
		i.CaseID = c.ID
	}
	s.stopped(&i, s.Ledger.Stop(i.StopID))
	i.Task = wire.NewTask(s.taskOf(i.ID, cmp.Or(a.CaseID, a.ID), now), now)
	return i
}

// paid adds the payment that an alert is about.
func paid(i *wire.QueueItem, t *scoring.TransferRef) {
	if t == nil {
		return
	}
	i.Amount, i.Currency, i.Transfer, i.At = t.Amount, string(t.Currency), t.ID, t.At.String()
	i.Payer, i.Holder, i.Phone = t.Payer.Account, t.Payer.Holder, t.Payer.Phone
	i.Payee, i.PayeeHolder, i.Bank = t.Payee.Account, t.Payee.Holder, t.Payee.Bank
}

// taskOf is what is done about an alert or stop: its own work, or the lock of
// its case, which somebody took with another of its alerts.
func (s *base) taskOf(id, caseID string, now event.Instant) *desk.TaskFile {
	own := s.Ledger.Task(id)
	if own != nil && own.State != desk.TaskOpen && (own.State != desk.TaskClaimed || own.Locked(now)) {
		return own
	}
	if lock := s.Ledger.Lock(caseID, now); lock != nil {
		return lock
	}
	return own
}

// stopItem is a stop to look at: of an alert, where it is among the newest; else a
// victim reported the payment, the money came from another stop, a person asked for
// it, or its alert is older.
func (s *base) stopItem(st *stop.Stop, a *scoring.Alert, names patternNames, now event.Instant) wire.QueueItem {
	i := s.itemOfStop(st, names, now)
	if a == nil {
		i.Holder, i.Phone = s.reporter(st)
		return i
	}
	i.Entity, i.Score = string(a.Entity), a.Score
	if t := a.Transfer; t != nil {
		i.Holder, i.Phone, i.PayeeHolder = t.Payer.Holder, t.Payer.Phone, cmp.Or(i.PayeeHolder, t.Payee.Holder)
	}
	return i
}

// itemOfStop is what the stop itself says.
func (s *base) itemOfStop(st *stop.Stop, names patternNames, now event.Instant) wire.QueueItem {
	i := wire.QueueItem{ID: cmp.Or(st.AlertID, st.ID), AlertID: st.AlertID, At: st.Transfer.At.String(), Action: "stop",
		FraudType: st.FraudType, SeenZH: []string{}, SeenEN: []string{}, Amount: st.Amount().Decimal(),
		Currency: string(st.Currency), Payer: st.Payer, Payee: st.Account.Number, PayeeHolder: st.Account.Holder,
		Bank: st.Account.Bank, Transfer: st.Transfer.ID, StopID: st.ID}
	i.Task = wire.NewTask(s.taskOf(i.ID, st.CaseID, now), now)
	switch e := st.Explanation; {
	case e != nil:
		i.Score = e.Score
		var hits []scoring.Hit
		if json.Unmarshal(e.Hits, &hits) == nil {
			saidHits(&i, hits, names)
		}
	case st.ReportID != "":
		i.WhyZH, i.WhyEN = "被害人报案", "reported by the victim"
	case st.Parent != "":
		i.WhyZH, i.WhyEN = "同案资金转入", "money of the case came in"
	default:
		i.WhyZH, i.WhyEN = st.Text, st.Text
	}
	if d, ok := doubts[st.Doubt]; ok {
		i.SeenZH, i.SeenEN = append(i.SeenZH, d[0]), append(i.SeenEN, d[1])
	}
	s.stopped(&i, st)
	return i
}

// doubts are why a person must look at a reported payment first.
var doubts = map[string][2]string{
	stop.DoubtTiny:     {"金额过小", "a very small amount"},
	stop.DoubtRepeated: {"报案人多次报案", "who reports has reported often"},
	stop.DoubtCircular: {"报案人曾收到对方款项", "who reports was paid by the one reported"},
}

// saidHits puts the hits into words.
func saidHits(i *wire.QueueItem, hits []scoring.Hit, names patternNames) {
	for n := range hits {
		zh, en := names.name(hits[n].Pattern)
		if n > 0 {
			i.WhyZH, i.WhyEN = i.WhyZH+"；", i.WhyEN+"; "
		}
		i.WhyZH, i.WhyEN = i.WhyZH+zh, i.WhyEN+en
	}
	i.SeenZH, i.SeenEN = scoring.Words(hits)
}

// stopped adds what has become of the stop.
func (s *base) stopped(i *wire.QueueItem, st *stop.Stop) {
	if st == nil {
		i.StopID = ""
		return
	}
	i.State, i.Until, i.CaseID = string(st.State), st.Until.String(), s.Ledger.Case(st.CaseID).ID
	if st.State == stop.Proposed {
		i.Proposer = st.Timeline[0].By
	}
	if st.State.Holds() {
		i.Held = st.Decimal(st.Left())
	}
}

// reporter is the victim of a stop that a report asked for.
func (s *base) reporter(st *stop.Stop) (holder, phone string) {
	c := s.Ledger.Case(st.CaseID)
	if c == nil {
		return "", ""
	}
	for i := range c.Reports {
		if r := &c.Reports[i]; r.ID == st.ReportID || slices.Contains(r.Stops, st.ID) {
			return r.Holder, r.Phone
		}
	}
	return "", ""
}
