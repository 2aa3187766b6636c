package ledger

import (
	"fmt"
	"testing"
	"time"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// step is something that somebody does, on what one replica knows.
func (w *world) step() {
	w.n++
	i := w.r.IntN(2)
	l := w.replicas[i]
	w.catchUp(i, false)
	if w.r.IntN(40) == 0 {
		w.crash(i)
	}
	if w.r.IntN(12) == 0 {
		w.now = w.now.Add(time.Duration(w.r.IntN(30)) * time.Hour)
	} else {
		w.now = w.now.Add(time.Duration(w.r.IntN(90_000)) * time.Millisecond)
	}
	s := w.some(l)
	person := []string{"A", "B", "C"}[w.r.IntN(3)]
	switch k := w.r.IntN(20); {
	case s == nil || k < 3:
		w.propose(s)
	case s.State.Stops() && w.r.IntN(3) == 0:
		e := s.Next(w.now, person)
		e.ID, e.State, e.Until = fmt.Sprint("evt", w.n), stop.Frozen, w.now.Add(law.Default.Freeze)
		w.write(StopEntry(e))
	case s.State == stop.Frozen && w.r.IntN(2) == 0, s.State == stop.Returning:
		w.giveBack(l, s, person)
	case k < 5:
		w.decide(s, person)
	case k < 10:
		w.answer(l, s)
	case k < 12 && (s.State.Holds() || s.State == stop.Missed):
		w.change(s, person)
	case k < 14: // money goes back
		w.giveBack(l, s, person)
	case k < 15:
		w.appeal(l, s, person)
	case k < 17: // what was written is written again
		if p := w.r.IntN(2); len(w.log[p]) > 0 {
			w.write(w.log[p][w.r.IntN(len(w.log[p]))])
		}
	default:
		w.deliver(i)
	}
	if w.r.IntN(3) == 0 {
		w.write(w.replicas[w.r.IntN(2)].Due(w.now)...)
	}
}

// decide is a person's decision on a stop, perhaps on what is long past.
func (w *world) decide(s *stop.Stop, person string) {
	e := s.Next(w.now, person)
	e.ID, e.State = fmt.Sprint("evt", w.n), []stop.State{stop.Requested, stop.Rejected, stop.Extended, stop.Frozen,
		stop.Released, stop.Expired, stop.Returned, stop.Held}[w.r.IntN(8)]
	e.Until = w.now.Add([]time.Duration{time.Minute, 48 * time.Hour, 183 * 24 * time.Hour,
		500 * 24 * time.Hour}[w.r.IntN(4)])
	if e.State == stop.Extended && w.r.IntN(2) == 0 {
		e.Until = s.Until.Add(law.Default.Hold)
	}
	w.write(StopEntry(e))
}

// answer is a bank's, about its own stop or another's, the truth or not.
func (w *world) answer(l *Ledger, s *stop.Stop) {
	bank := s.Account.Bank
	if w.r.IntN(5) == 0 {
		bank = banks[w.r.IntN(3)]
	}
	held := w.r.Int64N(s.Minor + s.Minor/4)
	o := stop.Outcome{Result: []stop.State{stop.Held, stop.Partial, stop.Missed, stop.Mismatch,
		stop.Refused}[w.r.IntN(5)], HeldMinor: held, EffectiveAt: w.now}
	if o.Result == stop.Held && w.r.IntN(4) > 0 {
		o.HeldMinor = s.Minor
	}
	o.Onward = []stop.Onward{{ID: fmt.Sprint("o", w.n), ToAccount: fmt.Sprint("n", w.r.IntN(5)),
		ToBank: banks[w.r.IntN(3)], Minor: 1 + w.r.Int64N(2*s.Minor), At: w.now}}
	e := StopEntry(stop.Answer(law.Default, s, o, w.now, bank))
	e.ID, e.Bank = fmt.Sprint("evt", w.n), bank
	w.write(e)
	if t := w.oracle.Stop(s.ID); t.Outcome != nil {
		hops, leaves := l.Follow(t) // a replica that may not know what was followed
		for _, h := range hops {
			id := fmt.Sprint("stp_", w.stops)
			w.stops++
			w.write(StopEntries(stop.Propose(law.Default, id, t.CaseID, h.Proposal, w.now, "trail"))...)
		}
		for j := range leaves {
			w.write(LeafEntry(t.CaseID, &leaves[j], w.now))
		}
	}
}

// change is a later credit, a part that is released, or a renewal.
func (w *world) change(s *stop.Stop, person string) {
	switch w.r.IntN(3) {
	case 0:
		e := StopEntry(stop.Sweep(law.Default, s, 1+w.r.Int64N(s.Minor), fmt.Sprint("c", w.r.IntN(3)), w.now,
			"bank"))
		w.write(e)
	case 1:
		w.write(StopEntry(stop.Lift(s, 1+w.r.Int64N(s.Minor), "", "x", w.now, person)))
	case 2:
		e := s.Next(w.now, person)
		e.ID, e.State, e.Until, e.Change = fmt.Sprint("evt", w.n), stop.Frozen, s.Until.Add(law.Default.Freeze),
			&stop.Change{Kind: stop.ChangeRenew}
		w.write(StopEntry(e))
	}
}

// appeal receives or decides an appeal.
func (w *world) appeal(l *Ledger, s *stop.Stop, person string) {
	id := fmt.Sprint("apl_", w.r.IntN(4))
	if a := l.Appeal(id); a == nil {
		w.write(l.ReceiveAppeal(id, s.CaseID, desk.Appeal{StopID: s.ID, Holder: "h"}, w.now, person))
	} else {
		next := a.Appeal
		next.Minor = 1 + w.r.Int64N(5000)
		w.write(Entry{ID: fmt.Sprint("evt", w.n), CaseID: a.CaseID, Subject: id, Version: a.Version + 1,
			State: string([]desk.AppealState{desk.AppealUpheld, desk.AppealDismissed}[w.r.IntN(2)]), At: w.now,
			By: person, Appeal: &next})
	}
}

func (w *world) propose(parent *stop.Stop) {
	id := fmt.Sprint("stp_", w.stops)
	w.stops++
	minor := 100 + w.r.Int64N(9_000)
	if w.r.IntN(8) == 0 {
		minor += law.Default.AutoLimit
	}
	p := stop.Proposal{Account: stop.Account{Number: fmt.Sprint("n", w.r.IntN(5)), Bank: banks[w.r.IntN(3)]},
		Minor: minor, Currency: event.CNY,
		Transfer: stop.Transfer{ID: fmt.Sprint("t", w.n), Minor: minor, At: w.now}, Hop: 1, FraudType: "task-rebate",
		Payer: fmt.Sprint("v", w.r.IntN(3))}
	caseID := fmt.Sprint("cas_", w.r.IntN(3))
	if parent != nil && w.r.IntN(3) == 0 {
		p.Parent, p.Hop, p.Via, caseID = parent.ID, parent.Hop+1, stop.ViaTransfer, parent.CaseID
	}
	w.write(StopEntries(stop.Propose(law.Default, id, caseID, p, w.now, []string{"scoring", "trail",
		"A"}[w.r.IntN(3)]))...)
}

// giveBack proposes, announces, approves or confirms a return.
func (w *world) giveBack(l *Ledger, s *stop.Stop, person string) {
	if s.Instruction != nil {
		e := StopEntry(stop.PaidBack(s, w.r.IntN(3) > 0, "R", "", w.now, "bank"))
		if w.r.IntN(4) == 0 {
			e.Change.Minor += w.r.Int64N(100) // a bank that lies
		}
		w.write(e)
		return
	}
	for _, id := range l.Case(s.CaseID).Returns {
		r := l.Return(id)
		if r.State == giveback.Announced && w.r.IntN(2) == 0 {
			w.now = max(w.now, r.Until)
		}
		to := []giveback.State{giveback.Announced, giveback.Approved, giveback.Approved, giveback.Instructed,
			giveback.Instructed, giveback.Withdrawn}[w.r.IntN(6)]
		e := r.Next(to, w.now, person)
		if to == giveback.Announced {
			e.Until = w.now.Add(law.Default.Announce)
		}
		w.write(ReturnEntry(e))
	}
	accounts, claims := l.Frozen(s.CaseID)
	if r, err := giveback.Divide(accounts, claims); err == nil {
		r.Currency = event.CNY
		w.write(l.ProposeReturn(s.CaseID, *r, w.now, person))
	}
}

// deliver drives a replica's sender: each owns one partition of the log.
func (w *world) deliver(i int) {
	bank := banks[w.r.IntN(3)]
	w.down[bank] = w.r.IntN(3) == 0
	c := w.senders[i]
	outbox, _ := w.replicas[i].Outbox(banks, func(p step.Place) bool { return p.Partition == i })
	for _, m := range outbox {
		if s := w.oracle.Stop(m.StopID); s.Account.Bank != m.Bank {
			w.failf("a message for %s goes to %s", s.Account.Bank, m.Bank)
		}
		c.Offer(m.Bank, m.StopID, m.Version, w.now)
	}
	send, _ := c.Next(w.now)
	w.inFlight[i] = append(w.inFlight[i], send...)
	sent := w.inFlight[i]
	w.r.Shuffle(len(sent), func(a, b int) { sent[a], sent[b] = sent[b], sent[a] })
	for len(w.inFlight[i]) > 0 && w.r.IntN(3) > 0 {
		p := w.inFlight[i][0]
		w.inFlight[i] = w.inFlight[i][1:]
		if !w.down[p.Bank] {
			w.done[delivery.MessageID(p.StopID, p.Version)]++ // the bank has it, whether or not its answer arrives
		}
		ok := !w.down[p.Bank] && w.r.IntN(6) > 0
		over := c.Done(p, ok, w.now)
		if s := w.oracle.Stop(p.StopID); over {
			w.write(Entry{ID: fmt.Sprint("dlv", w.n, p.StopID), CaseID: s.CaseID, StopID: p.StopID, At: w.now,
				By: "dispatch", Delivery: &delivery.Record{Message: p.Version, Delivered: ok, Final: true}})
		}
	}
}

// Thousands of histories with crashes, duplicates, reordering, slow and lying
// banks: what must never be is not.
func TestSimLedgerAndDelivery(t *testing.T) {
	histories, first := uint64(2000), uint64(time.Now().UnixNano())
	if testing.Short() {
		histories = 300
	}
	t.Logf("%d histories from seed %d", histories, first)
	totals := Totals{}
	messages := 0
	for seed := first; seed < first+histories; seed++ {
		w := newWorld(t, seed)
		for range 120 {
			w.step()
		}
		w.finish()
		f := w.oracle.Totals()
		totals.Stops += f.Stops
		totals.Frozen += f.Frozen
		totals.ReturnedMinor += f.ReturnedMinor
		totals.Expired += f.Expired
		totals.WronglyHeld += f.WronglyHeld
		messages += len(w.done)
	}
	t.Logf("%d stops, %d expired, %d still frozen, %d lifted by appeals, %s paid back, %d messages", totals.Stops,
		totals.Expired, totals.Frozen, totals.WronglyHeld,
		event.Money{Minor: totals.ReturnedMinor, Currency: event.CNY}, messages)
	if totals.Frozen == 0 || totals.ReturnedMinor == 0 || totals.WronglyHeld == 0 || messages == 0 {
		t.Error("the histories do not reach what they are to prove")
	}
}
