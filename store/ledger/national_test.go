package ledger

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stopline.internal/stream/event"
)

// A stop goes to the national platform's form and comes back as it was: every
// field of it, by way of JSON.
func TestPropertyNationalStop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return rapid.StringMatching(`[A-Z0-9一-龥]{0,12}`).Draw(t, name) }
		officer := func() Officer { return Officer{text("name"), text("badge"), text("phone")} }
		minor := rapid.Int64Range(1, event.MaxMinor).Draw(t, "minor")
		p := Proposal{Account: Account{"62" + text("number"), "PCBC", text("holder")}, Minor: minor, Currency: event.CNY,
			Transfer: Transfer{text("transfer"), rapid.Int64Range(minor, event.MaxMinor).Draw(t, "whole"), noon.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "at")) * time.Millisecond)},
			Hop:      1, FraudType: "task-rebate", Payer: text("payer"), Text: text("text"),
			Order: &Order{Type: rapid.SampledFrom([]string{"", "bank-reported", "back-filled"}).Draw(t, "type"), Original: text("original"), CaseNumber: text("case"),
				Urgency: rapid.SampledFrom([]string{"", "normal"}).Draw(t, "urgency"), Operator: officer(), Investigator: officer(), Authority: text("authority"), Document: text("document"),
				Remark: text("remark"), Entity: rapid.Bool().Draw(t, "entity")}}
		l := New(DefaultTerms)
		for _, e := range Propose(DefaultTerms, "stp_1", "cas_1", p, noon, "scoring") {
			l.Apply(&e)
		}
		s := l.Stop("stp_1")
		n := ToNational(s, CodeStop, DefaultTerms)
		b, err := json.Marshal(&n)
		if err != nil {
			t.Fatal(err)
		}
		var back NationalStop
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		id, _, got, err := FromNational(&back)
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
		l := New(DefaultTerms)
		p := proposal(1_000_000)
		for _, e := range Propose(DefaultTerms, "s", "c", p, noon, "scoring") {
			l.Apply(&e)
		}
		s := l.Stop("s")
		o := Outcome{Result: rapid.SampledFrom([]State{Held, Partial, Missed, Mismatch, Refused}).Draw(t, "result"), Balance: rapid.SampledFrom([]int64{event.Unknown, 0, 123}).Draw(t, "balance")}
		switch o.Result {
		case Held, Partial:
			o.EffectiveAt, o.HeldMinor = noon.Add(1234*time.Millisecond), 1_000_000
			if o.Result == Partial {
				o.HeldMinor = rapid.Int64Range(1, 999_999).Draw(t, "held")
			}
		case Mismatch:
			o.Differs = []Difference{{Field: "holder", Theirs: "王*"}, {Field: "number", Theirs: "6217"}}
		case Refused:
			o.Reason = "court order " + rapid.StringMatching(`[0-9]{1,5}`).Draw(t, "reason")
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "prior") {
			o.Prior = append(o.Prior, Freeze{fmt.Sprint("authority ", i), int64(i), noon.Add(time.Hour)})
		}
		e := Answer(DefaultTerms, s, o, noon.Add(time.Minute), "bank")
		if r := l.Apply(&e); !r.Accepted {
			t.Fatalf("%s", r.Why)
		}
		f := FeedbackOf(l.Stop("s"), CodeStopFeedback)
		b, _ := json.Marshal(&f)
		var back NationalFeedback
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

// Freeze, renewal and release carry the original application and their term.
func TestNationalFreezeAndRelease(t *testing.T) {
	l := New(DefaultTerms)
	fold(t, l, Propose(DefaultTerms, "s", "c", proposal(100), noon, "scoring")...)
	fold(t, l, Answer(DefaultTerms, l.Stop("s"), Outcome{Result: Held, EffectiveAt: noon, HeldMinor: 100}, noon, "bank"))
	e := l.Stop("s").Event(noon.Add(time.Hour), "A")
	e.ID, e.State, e.Until = "f", Frozen, noon.Add(time.Hour).Add(DefaultTerms.Freeze)
	fold(t, l, e)
	n := ToNational(l.Stop("s"), CodeFreeze, DefaultTerms)
	if n.OriginalID != "s" || n.ByWhat != ByAmount || n.Start != "20261123130000.000" || n.Expiry != exact(noon.Add(time.Hour).Add(DefaultTerms.Freeze)) {
		t.Errorf("%+v", n)
	}
	// Another ledger that is told so by these messages alone comes to the same.
	other := New(DefaultTerms)
	fold(t, other, Propose(DefaultTerms, "s", "c", proposal(100), noon, "scoring")...)
	fold(t, other, Answer(DefaultTerms, other.Stop("s"), Outcome{Result: Held, EffectiveAt: noon, HeldMinor: 100}, noon, "bank"))
	if d, err := DecisionOf(&n, other.Stop("s"), "A"); err != nil || !other.Apply(&d).Accepted || other.Stop("s").Until != l.Stop("s").Until || other.Stop("s").State != Frozen {
		t.Errorf("%v: %+v", err, other.Stop("s"))
	}
	fold(t, l, Lift(l.Stop("s"), 100, "", "innocent", noon.Add(2*time.Hour), "A"))
	if n = ToNational(l.Stop("s"), CodeThaw, DefaultTerms); n.OriginalID != "s" || n.Start != "20261123140000.000" || n.Expiry != "" {
		t.Errorf("%+v", n)
	}
	if d, err := DecisionOf(&n, other.Stop("s"), "A"); err != nil || !other.Apply(&d).Accepted || other.Stop("s").State != Released {
		t.Errorf("%v: %+v", err, other.Stop("s"))
	}
}
