package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// reported is a payment of 5,000.00 yuan so many minutes past noon; one whose
// transfer is known has its name.
func reported(minutes int, transfer string) Payment {
	p := Payment{Payer: "victim", Payee: "mule", Minor: 500_000, Currency: event.CNY,
		At: noon.Add(time.Duration(minutes) * time.Minute)}
	if transfer != "" {
		p.Stop = event.StopID(event.TransferKey("victim", transfer), "mule")
	}
	return p
}

// unseenBy gives payments the stops that a report makes for transfers that the
// service did not see.
func unseenBy(id string, payments ...Payment) *ReportNote {
	r := &ReportNote{ID: id, Currency: event.CNY, Payments: payments}
	for i := range r.Payments {
		if r.Minor += r.Payments[i].Minor; r.Payments[i].Stop == "" {
			r.Payments[i].Stop = r.unseen(i)
		}
	}
	return r
}

// A payment counts once in its case, whichever hotlines report it: by its transfer
// where that is known, else by accounts, amount and a time within two hours.
func TestLossesCountOnce(t *testing.T) {
	other := reported(0, "")
	other.Minor++
	for name, c := range map[string]struct {
		reports []*ReportNote
		brought string // how many payments each brought
	}{
		"three hotlines, the transfer known": {[]*ReportNote{unseenBy("110:1", reported(0, "t1")),
			unseenBy("96110:1", reported(3, "t1")), unseenBy("bank:1", reported(300, "t1"))}, "[1 0 0]"},
		"three hotlines, the transfer not seen": {[]*ReportNote{unseenBy("110:1", reported(0, "")),
			unseenBy("96110:1", reported(20, "")), unseenBy("bank:1", reported(119, ""))}, "[1 0 0]"},
		"one knows the transfer, and comes last": {[]*ReportNote{unseenBy("110:1", reported(0, "")),
			unseenBy("96110:1", reported(20, "t1")), unseenBy("bank:1", reported(0, "t2"))}, "[1 0 1]"},
		"more than two hours apart": {[]*ReportNote{unseenBy("110:1", reported(0, "")),
			unseenBy("96110:1", reported(121, ""))}, "[1 1]"},
		"two like payments, twice": {[]*ReportNote{unseenBy("110:1", reported(0, ""), reported(30, "")),
			unseenBy("96110:1", reported(0, ""), reported(30, ""))}, "[2 0]"},
		"a third like payment": {[]*ReportNote{unseenBy("110:1", reported(0, ""), reported(30, "")),
			unseenBy("96110:1", reported(1, ""), reported(31, ""), reported(61, ""))}, "[2 1]"},
		"the same transfer twice in one": {[]*ReportNote{unseenBy("110:1", reported(0, "t1"), reported(0, "t1"))},
			"[1]"},
		"another amount": {[]*ReportNote{unseenBy("110:1", reported(0, "")), unseenBy("96110:1",
			other)}, "[1 1]"},
		"an old log, without payments": {[]*ReportNote{{ID: "110:1", Minor: 500_000, Currency: event.CNY},
			{ID: "96110:1", Minor: 500_000, Currency: event.CNY}}, "[1 1]"},
	} {
		l := New(law.Default)
		var brought []int
		repeats := 0
		for i, r := range c.reports {
			res := fold(t, l, Entry{ID: fmt.Sprint("evt", i), CaseID: "cas_1", At: noon, By: "report", Report: r})
			if !res.Accepted || res.Report == nil {
				t.Fatalf("%s: %+v", name, res)
			}
			if brought = append(brought, len(res.Report.Brought)); res.Report.Repeats() {
				repeats++
			}
		}
		if fmt.Sprint(brought) != c.brought {
			t.Errorf("%s: the reports brought %v, want %s", name, brought, c.brought)
		}
		none := 0
		for _, n := range brought {
			if n == 0 {
				none++
			}
		}
		if f := l.Totals(); f.Reports != len(c.reports)-none || f.Repeats != none || repeats != none {
			t.Errorf("%s: %d reports and %d repeats, want %d and %d", name, f.Reports, f.Repeats, len(c.reports)-none,
				none)
		}
	}
}

// What a report's payments are worth is told in their own currencies.
func TestLossesHaveCurrencies(t *testing.T) {
	dollars := reported(0, "t2")
	dollars.Currency = "USD"
	l := New(law.Default)
	r := fold(t, l, Entry{ID: "e", CaseID: "cas_1", At: noon, By: "report", Report: unseenBy("110:1", reported(0, "t1"),
		dollars)})
	if b := r.Report.Brought; len(b) != 2 || b[0].Currency != event.CNY || b[1].Currency != "USD" ||
		b[1].Position != 1 {
		t.Errorf("%+v", b)
	}
}

// Every replica decides alike: what another partition of the log has, and whether
// it was read before, changes nothing.
func TestLossesAreThePartitions(t *testing.T) {
	one := Entry{ID: "a", CaseID: "cas_1", At: noon, By: "report", Report: unseenBy("110:1", reported(0, "t1")),
		Place: step.Place{Partition: 0}}
	two := Entry{ID: "b", CaseID: "cas_2", At: noon, By: "report", Report: unseenBy("110:1", reported(0, "t9")),
		Place: step.Place{Partition: 1}}
	for _, order := range [][]Entry{{one, two}, {two, one}} {
		l := New(law.Default)
		for _, e := range order {
			if r := fold(t, l, e); !r.Accepted || len(r.Report.Brought) != 1 {
				t.Errorf("%s: %+v", e.CaseID, r)
			}
		}
	}
}

// A victim's loss is what was paid, however many hotlines were told: nobody is
// paid back more.
func TestClaimsCountOnce(t *testing.T) {
	l := New(law.Default)
	for i, r := range []*ReportNote{unseenBy("110:1", reported(0, "")), unseenBy("96110:1", reported(9, "")),
		unseenBy("bank:1", reported(0, ""))} {
		for _, e := range StopEntries(stop.Propose(law.Default, r.Payments[0].Stop, "cas_1",
			stop.Proposal{Account: stop.Account{Number: "mule", Bank: "ICBK"}, Minor: 500_000,
				Currency: event.CNY, Transfer: stop.Transfer{Minor: 500_000, At: noon}, Hop: 1, ReportID: r.ID,
				Payer: "victim"}, noon, "report")) {
			fold(t, l, e)
		}
		fold(t, l, Entry{ID: fmt.Sprint("evt", i), CaseID: "cas_1", At: noon, By: "report", Report: r})
	}
	_, claims := l.Frozen("cas_1")
	if !slices.Equal(claims, []giveback.Claim{{Victim: "victim", Loss: 500_000, Before: 0}}) {
		t.Errorf("the claims are %+v, want one of 5,000.00", claims)
	}
}
