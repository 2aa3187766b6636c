package wire

import (
	"testing"
	"time"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// A trail of two branches and three hops, worked out by hand. The victim pays
// 10,000 to A. A pays 6,000 to B and 3,000 to C; B pays 5,000 to D, and C gives
// 1,000 out in cash. So the victim's money lies at D (5,000), B (1,000), in cash
// (1,000), at C (2,000), and 1,000 is still at A: 9,000 went beyond the first
// account, each yuan once. A second payment, of 500, was seen nowhere beyond it.
func TestTracedCountsEachYuanOnce(t *testing.T) {
	at := event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))
	made := func(id, parent string, hop int, yuan int64) *stop.Stop {
		return &stop.Stop{ID: id, RequestedAt: at, State: stop.Requested,
			Proposal: stop.Proposal{Minor: yuan * 100, Currency: event.CNY, Hop: hop, Parent: parent}}
	}
	stops := []*stop.Stop{
		made("A", "", 1, 10_000),
		made("B", "A", 2, 6_000),
		made("C", "A", 2, 3_000),
		made("D", "B", 3, 5_000),
		made("E", "", 1, 500),
	}
	stops[2].RequestedAt, stops[2].State = 0, stop.Proposed // it waits for a person, and the money is there all the same
	c := &ledger.Case{Leaves: []stop.Leaf{{ID: "cash", Parent: "C", Minor: 1_000_00, Hop: 3, Why: stop.LeafCash}}}
	a := caseAmounts(c, stops)
	if a.Requested != "10500.00" || a.Traced != "9000.00" {
		t.Errorf("requested %s and traced %s, want 10500.00 and 9000.00", a.Requested, a.Traced)
	}

	// A goes on with the last 1,000, in cash: the whole payment, and no more of it
	// than there was, whatever else is said to have left.
	c.Leaves = append(c.Leaves, stop.Leaf{ID: "more", Parent: "A", Minor: 1_500_00, Hop: 2, Why: stop.LeafCash})
	if a := caseAmounts(c, stops); a.Traced != "10000.00" {
		t.Errorf("traced %s, want 10000.00", a.Traced)
	}
}

// What victims reported is summed in the case's currency, each payment once.
func TestReportedCountsEachPaymentOnce(t *testing.T) {
	at := event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))
	pay := ledger.Payment{Payer: "1", Payee: "2", Minor: 500_00, Currency: event.CNY, At: at}
	later := pay
	later.At = at.Add(90 * time.Minute)
	dollars := ledger.Payment{Payer: "1", Payee: "3", Minor: 7_00, Currency: "USD", At: at}
	c := &ledger.Case{
		Reports: []ledger.ReportNote{{ID: "110:1", Currency: event.CNY, Payments: []ledger.Payment{pay, dollars}},
			{ID: "96110:1", Currency: event.CNY, Payments: []ledger.Payment{later}}},
	}
	if a := caseAmounts(c, nil); a.Reported != "500.00" {
		t.Errorf("reported %s, want 500.00", a.Reported)
	}
}
