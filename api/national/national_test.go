package national

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

var noon = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))

func proposal(minor int64) stop.Proposal {
	return stop.Proposal{Account: stop.Account{Number: "6217", Bank: "PCBC"}, Minor: minor, Currency: event.CNY,
		Transfer: stop.Transfer{ID: "t", Minor: minor, At: noon}, Hop: 1, FraudType: "account-takeover"}
}

// apply folds a step of a stop.
func apply(l *ledger.Ledger, s stop.Step) ledger.Result {
	e := ledger.StopEntry(s)
	return l.Apply(&e)
}

// fold folds steps that have to be accepted.
func fold(t *testing.T, l *ledger.Ledger, steps ...stop.Step) {
	t.Helper()
	for _, s := range steps {
		if r := apply(l, s); !r.Accepted {
			t.Fatal(r.Why)
		}
	}
}

// A stop goes to the national platform's form and comes back as it was: every
// field of it, by way of JSON.
func TestPropertyNationalStop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return rapid.StringMatching(`[A-Z0-9一-龥]{0,12}`).Draw(t, name) }
		officer := func() stop.Officer {
			return stop.Officer{Name: text("name"), Badge: text("badge"),
				Phone: text("phone")}
		}
		minor := rapid.Int64Range(1, event.MaxMinor).Draw(t, "minor")
		after := time.Duration(rapid.IntRange(0, 1e9).Draw(t, "at")) * time.Millisecond
		p := stop.Proposal{
			Account: stop.Account{Number: "62" + text("number"), Bank: "PCBC", Holder: text("holder")},
			Minor:   minor, Currency: event.CNY,
			Transfer: stop.Transfer{ID: text("transfer"), Minor: rapid.Int64Range(minor, event.MaxMinor).Draw(t,
				"whole"),
				At: noon.Add(after)},
			Hop: 1, FraudType: "task-rebate", Payer: text("payer"), Text: text("text"),
			Order: &stop.Order{
				Type:     rapid.SampledFrom([]string{"", "bank-reported", "back-filled"}).Draw(t, "type"),
				Original: text("original"), CaseNumber: text("case"),
				Urgency:  rapid.SampledFrom([]string{"", "normal"}).Draw(t, "urgency"),
				Operator: officer(), Investigator: officer(), Authority: text("authority"), Document: text("document"),
				Remark: text("remark"), Entity: rapid.Bool().Draw(t, "entity")}}
		l := ledger.New(law.Default)
		for _, e := range stop.Propose(law.Default, "stp_1", "cas_1", p, noon, "scoring") {
			apply(l, e)
		}
		s := l.Stop("stp_1")
		n := ApplicationOf(s, CodeStop, law.Default)
		b, err := json.Marshal(&n)
		if err != nil {
			t.Fatal(err)
		}
		var back Application
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		id, _, got, err := ProposalOf(&back)
		if err != nil || id != s.ID {
			t.Fatalf("%s: %v", id, err)
		}
		if got.Order.CaseNumber == "" {
			got.Order.CaseNumber = p.Order.CaseNumber // the case itself was meant
		}
		if !reflect.DeepEqual(got, p) {
			t.Fatalf("went as %+v %+v, came back as %+v %+v", p, p.Order, got, got.Order)
		}
	})
}

// A bank's answer goes to the platform's feedback and comes back as it was.
func TestPropertyNationalFeedback(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := ledger.New(law.Default)
		p := proposal(1_000_000)
		for _, e := range stop.Propose(law.Default, "s", "c", p, noon, "scoring") {
			apply(l, e)
		}
		s := l.Stop("s")
		o := stop.Outcome{Result: rapid.SampledFrom([]stop.State{stop.Held, stop.Partial, stop.Missed, stop.Mismatch,
			stop.Refused}).Draw(t, "result"), Balance: rapid.SampledFrom([]int64{event.Unknown, 0, 123}).Draw(t,
			"balance")}
		switch o.Result {
		case stop.Held, stop.Partial:
			o.EffectiveAt, o.HeldMinor = noon.Add(1234*time.Millisecond), 1_000_000
			if o.Result == stop.Partial {
				o.HeldMinor = rapid.Int64Range(1, 999_999).Draw(t, "held")
			}
		case stop.Mismatch:
			o.Differs = []stop.Difference{{Field: "holder", Theirs: "王*"}, {Field: "number", Theirs: "6217"}}
		case stop.Refused:
			o.Reason = "court order " + rapid.StringMatching(`[0-9]{1,5}`).Draw(t, "reason")
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "prior") {
			o.Prior = append(o.Prior, stop.Freeze{Authority: fmt.Sprint("authority ", i), Minor: int64(i),
				Until: noon.Add(time.Hour)})
		}
		e := stop.Answer(law.Default, s, o, noon.Add(time.Minute), "bank")
		if r := apply(l, e); !r.Accepted {
			t.Fatalf("%s", r.Why)
		}
		f := FeedbackOf(l.Stop("s"), CodeStopFeedback)
		b, _ := json.Marshal(&f)
		var back Feedback
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		got, err := OutcomeOf(&back, s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range o.Differs { // what we added is ours
			o.Differs[i].Ours, o.Differs[i].Cause = "", ""
		}
		if !reflect.DeepEqual(got, o) {
			t.Fatalf("went as %+v, came back as %+v", o, got)
		}
	})
}

// stop.Freeze, renewal and release carry the original application and their term.
func TestNationalFreezeAndRelease(t *testing.T) {
	l := ledger.New(law.Default)
	fold(t, l, stop.Propose(law.Default, "s", "c", proposal(100), noon, "scoring")...)
	fold(t, l, stop.Answer(law.Default, l.Stop("s"), stop.Outcome{Result: stop.Held, EffectiveAt: noon, HeldMinor: 100},
		noon, "bank"))
	e := l.Stop("s").Next(noon.Add(time.Hour), "A")
	e.ID, e.State, e.Until = "f", stop.Frozen, noon.Add(time.Hour).Add(law.Default.Freeze)
	fold(t, l, e)
	n := ApplicationOf(l.Stop("s"), CodeFreeze, law.Default)
	if n.OriginalID != "s" || n.ByWhat != ByAmount || n.Start != "20261123130000.000" ||
		n.Expiry != formatTime(noon.Add(time.Hour).Add(law.Default.Freeze)) {
		t.Errorf("%+v", n)
	}
	// Another ledger that is told so by these messages alone comes to the same.
	other := ledger.New(law.Default)
	fold(t, other, stop.Propose(law.Default, "s", "c", proposal(100), noon, "scoring")...)
	fold(t, other, stop.Answer(law.Default, other.Stop("s"), stop.Outcome{Result: stop.Held, EffectiveAt: noon,
		HeldMinor: 100}, noon, "bank"))
	if d, err := DecisionOf(&n, other.Stop("s"), "A"); err != nil || !apply(other, d).Accepted ||
		other.Stop("s").Until != l.Stop("s").Until || other.Stop("s").State != stop.Frozen {
		t.Errorf("%v: %+v", err, other.Stop("s"))
	}
	fold(t, l, stop.Lift(l.Stop("s"), 100, "", "innocent", noon.Add(2*time.Hour), "A"))
	if n = ApplicationOf(l.Stop("s"), CodeThaw, law.Default); n.OriginalID != "s" || n.Start != "20261123140000.000" ||
		n.Expiry != "" {
		t.Errorf("%+v", n)
	}
	if d, err := DecisionOf(&n, other.Stop("s"), "A"); err != nil || !apply(other, d).Accepted ||
		other.Stop("s").State != stop.Released {
		t.Errorf("%v: %+v", err, other.Stop("s"))
	}
}
