package scoring

import (
	"strings"
	"testing"
	"time"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// small is a catalogue of few patterns, to see which of them speak for which leg.
const small = `
- id: of-person
  name: {zh: 一, en: One}
  fraud_type: type-one
  on: [debit, sim]
  when: debit.new_payee && sim.swapped <= duration('100h')
  weight: 0.5
  then: warn
  stage: live
  grade: C
  source: a test
- id: of-entity
  name: {zh: 二, en: Two}
  fraud_type: type-two
  on: [call]
  when: calls.unknown.count_24h >= 1
  weight: 0.5
  then: warn
  stage: live
  grade: C
  source: a test
- id: of-account
  name: {zh: 三, en: Three}
  fraud_type: type-three
  on: [debit]
  when: debit.new_payee && counterparts_30d >= 1
  weight: 0.5
  then: warn
  stage: live
  grade: C
  source: a test
- id: of-mule
  name: {zh: 四, en: Four}
  fraud_type: mule-four
  on: [credit]
  when: credits.count_24h >= 1
  weight: 0.5
  then: warn
  stage: live
  grade: C
  source: a test
`

// village is a town with the small catalogue.
func village(t *testing.T) *town {
	w := newTown(t, 100)
	c, err := ParseCatalogue("small", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	w.part = NewPartition(NewEngine(c, DefaultPolicy, 1), 100)
	return w
}

// speak lists who spoke, on which event, of which payment.
func speak(alerts []Alert) (out string) {
	for _, a := range alerts {
		for _, h := range a.Hits {
			out += h.Pattern + " " + a.Event.Kind
			if a.Transfer != nil {
				out += " " + a.Transfer.ID
			}
			out += ", "
		}
	}
	return out
}

// On a payment's leg every pattern of its role is asked; on a call, those of the entity;
// each once in a day.
func TestWhichPatternsSpeak(t *testing.T) {
	w := village(t)
	pay := func(id string, when time.Duration, payee string) string {
		return transfer(id, when, "1111", payee, 10, 500)
	}
	for i, c := range []struct{ doc, want string }{
		{pay("t1", 0, "2222"), "of-account transfer t1, of-mule transfer t1, "},
		{pay("t2", hours, "3333"), "of-mule transfer t2, "},
		{pay("t3", 24*hours, "4444"), "of-account transfer t3, of-mule transfer t3, "},
		{called("c1", -hours, "13911112222", "1111", minute), "of-entity call, "},
		{called("c2", -hours, "13911113333", "1111", minute), ""},
		{called("c3", 23*hours, "13911114444", "1111", minute), "of-entity call, "},
	} {
		if got := speak(w.score(c.doc)); got != c.want {
			t.Errorf("%d: %q, want %q", i, got, c.want)
		}
	}
	// A good account is exempt from patterns of mules; an exception from its own.
	w = village(t)
	w.decide(event.Control{What: event.ControlKnown, Entity: "acct:2222", As: "shop"})
	w.decide(event.Control{What: event.ControlException, Entity: "acct:1111", Pattern: "of-account"})
	if got := speak(w.score(pay("t1", 0, "2222"))); got != "" {
		t.Errorf("of a shop, and of one who is excepted: %s", got)
	}
}

// Money that is told of as taken back before it was seen counts not; a status again
// changes nothing.
func TestReversedAtOnce(t *testing.T) {
	w := village(t)
	doc := strings.Replace(transfer("t1", 0, "1111", "2222", 10, 500), "initiated", "reversed", 1)
	if got := speak(w.score(doc)); got != "" {
		t.Errorf("a reversed payment speaks: %s", got)
	}
	for _, e := range []event.Entity{"acct:1111", "acct:2222", "tel:+8613800001111"} {
		if m := w.part.Peek(e).moves; len(m) != 1 || !m[0].has(markReversed) {
			t.Errorf("%s: %+v", e, m)
		}
	}
	if w.part.Peek("acct:1111").largestToday != 0 || w.part.Peek("tel:+8613800001111").keptCount() != 0 {
		t.Error("what was never paid is the largest, or kept")
	}
}

// What each leg leaves in its entity's movements, with its marks.
func TestMovementsOfLegs(t *testing.T) {
	marks := func(names ...uint64) (all uint64) {
		for _, n := range names {
			all |= n
		}
		return all
	}
	number, caller := event.Entity("tel:+8613800001111"), "13911112222"
	linked, linkless := message("m", 0, "10690000123", "1111", "x.example"), message("m", 0, "10690000123", "1111", "")
	ended, begun := called("c", 0, caller, "1111", minute), callBegins("c", 0, caller, "1111")
	for name, c := range map[string]struct {
		docs   []string
		of     event.Entity
		kind   movementKind
		marks  uint64
		amount int64
	}{
		"a payment":    {[]string{transfer("t", 0, "1111", "2", 7, 9)}, "acct:1111", debit, markNew, 700},
		"the payee's":  {[]string{transfer("t", 0, "1111", "2", 7, 9)}, "acct:2", credit, markNew, 700},
		"the person's": {[]string{transfer("t", 0, "1111", "2", 7, 9)}, number, debit, markNew, 700},
		"a withdrawal": {[]string{transfer("t", 0, "1111", "", 7, 9)}, "acct:1111", debit, markCash, 700},
		"in a shop": {[]string{strings.Replace(transfer("t", 0, "1111", "2", 7, 9), "mobile", "pos", 1)}, "acct:1111", debit,
			marks(markNew, markRetail), 700},
		"in dollars": {[]string{strings.Replace(transfer("t", 0, "1111", "2", 7, 9), "CNY", "USD", 1)}, "acct:1111", debit,
			markNew, 0},
		"a call":       {[]string{ended}, number, callIn, markNew, 60},
		"the caller's": {[]string{ended}, "tel:+8613911112222", callOut, 0, 60},
		"a foreign call": {[]string{called("c", 0, "+85251234567", "1111", minute)}, number, callIn,
			marks(markNew, markForeign), 60},
		"a forged number": {[]string{called("c", 0, caller, "1111", minute, `,"spoofed":true`)}, number, callIn,
			marks(markNew, markSpoofed), 60},
		"a call that runs": {[]string{begun}, number, callIn, marks(markNew, markRunning), 0},
		"and has ended": {[]string{begun, ended}, number, callIn,
			markNew, 60},
		"ended twice": {[]string{ended, called("c", 0, caller, "1111", 2*minute)}, number, callIn,
			markNew, 60},
		"ended, then begun": {[]string{ended, begun}, number, callIn,
			markNew, 60},
		"the caller's, ended": {[]string{begun, ended},
			"tel:+8613911112222", callOut, 0, 60},
		"a message":       {[]string{linkless}, number, messageIn, markNew, 0},
		"one with a link": {[]string{linked}, number, messageIn, marks(markNew, markLink), 0},
		"sent twice": {[]string{linked, linkless},
			number, messageIn, marks(markNew, markLink), 0},
	} {
		w := village(t)
		w.score(c.docs...)
		s := w.part.Peek(c.of)
		if s == nil || len(s.moves) != 1 {
			t.Errorf("%s: %+v", name, s)
			continue
		}
		if m := s.moves[0]; m.kind() != c.kind || m.tag&^idBits&^kindBits&^foreignBits != c.marks ||
			m.amount != c.amount || m.at != noon {
			t.Errorf("%s: kind %d, marks %b, %d; want %d, %b, %d", name, m.kind(), m.tag&^idBits&^kindBits, m.amount, c.kind,
				c.marks, c.amount)
		}
		if s.first != noon || s.last != noon || !s.dirty {
			t.Errorf("%s: from %s to %s, dirty %v", name, s.first, s.last, s.dirty)
		}
	}
	w := village(t)
	w.score(called("c0", -30*hours, caller, "1111", minute), called("c1", 0, caller, "1111", minute),
		transfer("t0", -30*hours, "1111", "2", 7, 9), transfer("t1", 0, "1111", "2", 7, 9))
	if n, _ := w.part.Peek(number).count(callIn, noon, hours, markNew); n != 0 {
		t.Error("an acquaintance is a stranger")
	}
	for _, e := range []event.Entity{"acct:1111", "acct:2", number} {
		if n := w.part.Peek(e).moves; n[len(n)-1].has(markNew) {
			t.Errorf("who paid a day before is new to %s", e)
		}
	}
}

// SIM changes, the watchlist, and reports, as a state keeps them.
func TestRecordsOfAState(t *testing.T) {
	w := village(t)
	number := event.Entity("tel:+8613800001111")
	w.score(sim(0, "1111", "swapped"), sim(-hours, "1111", "ported"), sim(minute, "1111", "forwarding_on"))
	r := w.part.Peek(number).cold
	if r.swappedAt != noon || r.forwardingAt != noon.Add(minute) {
		t.Errorf("swapped %s, forwarded %s", r.swappedAt, r.forwardingAt)
	}
	if w.score(sim(2*minute, "1111", "forwarding_off")); r.forwardingAt != 0 {
		t.Error("forwarding is on")
	}
	w.score(watched("acct:9", "suspected", `,"until":"2026-12-01T00:00:00+08:00"`))
	s := w.part.Peek("acct:9")
	if s.cold.watch != "suspected" || s.cold.watchUntil == 0 || s.first != 0 || s.last != 0 {
		t.Errorf("%+v", s.cold)
	}
	e := event.Event{Kind: event.KindWatch, ID: "w", At: noon, Watch: event.Watch{Removed: true}}
	b := event.AppendLeg(event.BeginBlock(nil), event.Touch{Role: event.RoleWatch, Name: "acct:9"}, event.Source{Topic: 3,
		Offset: 1 << 30}, event.AppendEvent(nil, &e))
	err := w.part.Apply(1<<30, b, func(*event.Leg, *Outcome) {})
	if err != nil || s.cold.watch != "" || s.cold.watchUntil != 0 {
		t.Errorf("%v, %q", err, s.cold.watch)
	}
}

// A late record completes the payments that were made no more than a minute before what
// it tells of; a stop is asked for once.
func TestKeptPaymentsAreCompleted(t *testing.T) {
	for gap, want := range map[time.Duration]string{
		-100 * hours: "of-person sim t, ", -100*hours - time.Millisecond: "", -hours: "of-person sim t, ",
		minute: "of-person sim t, ", minute + time.Millisecond: ""} {
		w := village(t)
		w.score(transfer("t", 0, "1111", "2222", 10, 500))
		if got := speak(w.score(sim(gap, "1111", "swapped"))); got != want {
			t.Errorf("a swap %s after the payment: %q, want %q", gap, got, want)
		}
	}
	w := newTown(t, 100)
	w.score(transfer("t", 0, "1111", "9", 49800, 50012))
	stops := func(docs ...string) (n int) {
		for _, a := range w.score(docs...) {
			if a.Action == pattern.Stop {
				n++
			}
		}
		return n
	}
	if n := stops(called("c1", -21*minute, "+85251234567", "1111", 30*minute)); n != 1 {
		t.Errorf("%d stops, want one", n)
	}
	if n := stops(called("c2", -22*minute, "+85251234568", "1111", 30*minute)); n != 0 {
		t.Errorf("another call stops it again, %d times", n)
	}
}

// A call is looked at as it begins, and again as it ends, when it is known how long it
// was; what is told of it after that changes nothing.
func TestCallThatEnds(t *testing.T) {
	w := village(t)
	long := strings.Replace(small, "calls.unknown.count_24h >= 1", "calls.unknown.longest_24h >= duration('10m')", 1)
	if out := w.decide(event.Control{What: event.ControlCatalogue, Text: long}); out.Refused != nil {
		t.Fatal(out.Refused)
	}
	for i, c := range []struct{ doc, want string }{
		{callBegins("c", 0, "13911112222", "1111"), ""},
		{called("d", 0, "13911113333", "1111", 10*minute-time.Second), ""},
		{called("c", 0, "13911112222", "1111", 10*minute), "of-entity call, "},
		{called("c", 0, "13911112222", "1111", 20*minute), ""},
	} {
		if got := speak(w.score(c.doc)); got != c.want {
			t.Errorf("%d: %q, want %q", i, got, c.want)
		}
	}
	if m := w.part.Peek("tel:+8613800001111").moves; len(m) != 2 || m[0].amount+m[1].amount != 1199 {
		t.Errorf("calls of %d and %d seconds", m[0].amount, m[1].amount)
	}
}

// An alert's parts: of what event, of which payment and case; one of no payment has none.
func TestAlertParts(t *testing.T) {
	w := village(t)
	alerts := w.score(called("c1", 0, "13911112222", "1111", minute))
	a := alerts[0]
	if a.Transfer != nil || a.CaseID != "" || a.StopID != "" || a.Entity != "tel:+8613800001111" || a.At != noon ||
		a.Event != (EventRef{"call", "c1"}) || a.Score != 500 || a.FraudType != "type-two" || a.Action != pattern.Warn ||
		a.Catalogue != w.part.Catalogue() || a.Trail != nil || a.Provisional || a.Late || a.ID == "" {
		t.Errorf("%+v", a)
	}
	w = village(t)
	for _, a := range w.score(transfer("t1", 0, "1111", "2222", 10, 500)) {
		if a.CaseID != event.CaseID("1111") || a.Transfer.Amount != "10.00" || a.Transfer.Payee.Account != "2222" ||
			a.Transfer.Payer.Bank != "ICBK" || a.Transfer.Channel != "mobile" || a.Transfer.At != noon {
			t.Errorf("%+v of %s", a.Transfer, a.CaseID)
		}
	}
	for name, o := range map[string]Outcome{"alert": {Alerts: make([]Alert, 1)}, "note": {Notes: make([]Note, 1)},
		"taint": {Taints: make([]event.Taint, 1)}, "hop": {Hops: make([]event.Taint, 1)}, "end": {Ends: make([]End, 1)},
		"trip": {Trips: make([]Trip, 1)}} {
		if o.Empty() {
			t.Errorf("an outcome with one %s is empty", name)
		}
		o.NeedsPayments, o.Refused = true, errShort
		o.reset()
		if !o.Empty() || o.NeedsPayments || o.Refused != nil {
			t.Errorf("an outcome with one %s is not reset", name)
		}
	}
}

// A catalogue that is published twice is compiled once; a condition that divides by zero
// is counted, and does not hit.
func TestCompileOnceAndFail(t *testing.T) {
	w := village(t)
	e := w.part.engine
	divides := strings.Replace(small, "credits.count_24h >= 1", "credits.count_24h / debits.count_24h >= 0", 1)
	a, err := e.compile(divides)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := e.compile(divides); a != b {
		t.Error("compiled twice")
	}
	if _, err := e.compile("- id: nonsense"); err == nil {
		t.Error("nonsense compiles")
	}
	if out := w.decide(event.Control{What: event.ControlCatalogue, Text: divides}); out.Refused != nil || e.Failed() != 0 {
		t.Fatalf("%v, %d", out.Refused, e.Failed())
	}
	got := speak(w.score(transfer("t1", 0, "1111", "2222", 10, 500)))
	if strings.Contains(got, "of-mule") || e.Failed() != 1 {
		t.Errorf("%s; %d failed", got, e.Failed())
	}
	if p := NewEngine(a.Catalogue, DefaultPolicy, 0); p.Partitions != 1 {
		t.Errorf("%d partitions", p.Partitions)
	}
}
