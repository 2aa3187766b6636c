package casework

import (
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Report adds what a victim's report calls for at one of the accounts that it
// names as the payer: the victim's case, opened or joined, with a stop for each
// payment that was made from this account; the case is noted by the leg of the
// report's owner. The reporter is that account's state;
// nil when nothing is known of it.
func (f *Effects) Report(t *law.Terms, l *event.Leg, reporter *scoring.State, now event.Instant) {
	r := l.Event.Report
	caseID, owner := event.CaseID(string(l.Entity)), true
	if r.Owner != "" {
		caseID, owner = event.CaseID(r.Owner), event.PrefixAccount+r.Owner == string(l.Entity)
	}
	note := &ledger.ReportNote{ID: r.Source + ":" + l.Event.ID, Source: r.Source, District: r.District,
		FraudType: r.FraudType, Stops: []string{}, Holder: r.Victim.Holder, Phone: r.Victim.Phone,
		Callers: r.Callers, Digest: r.Digest()}
	for i := range r.Transfers {
		paid := &r.Transfers[i]
		if note.Currency == "" {
			note.Currency = paid.Amount.Currency
		}
		if paid.Amount.Currency == note.Currency {
			note.Minor += paid.Amount.Minor
		}
		payment := ledger.Payment{Payer: paid.PayerAccount, Payee: paid.PayeeAccount, Minor: paid.Amount.Minor,
			Currency: paid.Amount.Currency, At: paid.At}
		if event.PrefixAccount+paid.PayerAccount != string(l.Entity) {
			if paid.ID != "" { // that account's own leg sees to the stop
				payment.Stop = event.StopID(event.TransferKey(paid.PayerAccount, paid.ID), paid.PayeeAccount)
			}
			note.Payments = append(note.Payments, payment)
			continue
		}
		key := paymentKey(reporter, paid, note.ID)
		payment.Stop = event.StopID(key, paid.PayeeAccount)
		note.Stops, note.Payments = append(note.Stops, payment.Stop), append(note.Payments, payment)
		doubt := Doubt(t, reporter, paid, l.Event.At)
		f.propose(t, payment.Stop, caseID, stop.Proposal{
			Account: stop.Account{Number: paid.PayeeAccount, Bank: paid.PayeeBank},
			Minor:   paid.Amount.Minor, Currency: paid.Amount.Currency,
			Transfer: stop.Transfer{ID: paid.ID, Minor: paid.Amount.Minor, At: paid.At},
			Hop:      1, FraudType: r.FraudType, District: r.District, ReportID: note.ID, Payer: paid.PayerAccount,
			Text: "reported by the victim to " + r.Source, Doubt: doubt,
		}, now, "report")
		if paid.Amount.Currency == event.CNY && doubt == "" {
			f.taint(&event.Taint{Account: paid.PayeeAccount, Bank: paid.PayeeBank, CaseID: caseID, StopID: payment.Stop,
				Payer: paid.PayerAccount, Transfer: paid.ID, Key: key, At: paid.At, Minor: paid.Amount.Minor,
				Whole: paid.Amount.Minor, Hop: 1, Type: r.FraudType, District: r.District})
		}
	}
	if !owner { // the report is noted once
		return
	}
	f.Entries = append(f.Entries, ledger.Entry{ID: event.DerivedID("evt", caseID, note.ID), CaseID: caseID,
		At: l.Event.At, By: "report", Report: note})
}

// paymentKey names a payment of a report: as the service saw it, or as one that
// nobody has seen.
func paymentKey(reporter *scoring.State, paid *event.ReportedTransfer, noteID string) uint64 {
	if paid.ID != "" {
		return event.TransferKey(paid.PayerAccount, paid.ID)
	}
	if key, found := reporter.FindDebit(paid.PayeeAccount, paid.Amount.Minor, paid.At); found {
		return key
	}
	return event.TransferKey(paid.PayerAccount, ledger.UnseenTransfer(noteID, paid.Index))
}

// Doubt says why a person must look at a reported payment before any account
// is stopped for it; empty for the usual report.
func Doubt(t *law.Terms, reporter *scoring.State, paid *event.ReportedTransfer, at event.Instant) string {
	switch {
	case paid.Amount.Currency == event.CNY && paid.Amount.Minor < t.Tiny:
		return stop.DoubtTiny
	case reporter.Reports(at) >= t.Reporter:
		return stop.DoubtRepeated
	case reporter.ReceivedFrom(paid.PayeeAccount) >= paid.Amount.Minor:
		return stop.DoubtCircular
	}
	return ""
}

// Freed tells an account that nothing is held there any more, because the hold
// of a stop has run out: what goes on from now on is followed. Nil where nothing
// was held.
func Freed(s *stop.Stop, at event.Instant) *event.Taint {
	t := s.HeldTaint()
	if t != nil {
		t.Minor, t.At = 0, at
	}
	return t
}
