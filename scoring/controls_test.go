package scoring

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// last is the alert on the payee's or the payer's side that a story ends with.
func (w *town) last(docs ...string) Alert {
	w.t.Helper()
	alerts := w.score(docs...)
	for i := len(alerts) - 1; i >= 0; i-- {
		if alerts[i].Transfer != nil && alerts[i].Hits[0].FraudType[:4] != "mule" {
			return alerts[i]
		}
	}
	w.t.Fatalf("no alert on a payment: %+v", alerts)
	return Alert{}
}

// What decides, in the order that the engine states.
func TestOrderOfDecisions(t *testing.T) {
	soon := noon.Add(24 * time.Hour)
	story := stopOn("9", 0)
	good := event.Control{What: event.ControlKnown, Entity: "acct:9", As: "merchant"}
	except := func(pattern string, e event.Entity) event.Control {
		return event.Control{What: event.ControlException, Entity: e, Pattern: pattern, Until: soon}
	}
	for name, c := range map[string]struct {
		controls []event.Control
		watch    string
		story    []string
		want     pattern.Action
		override string
	}{
		"the score decides": {nil, "", story, pattern.Stop, ""},
		"an override is stronger than the score": {[]event.Control{good}, "", story, pattern.Warn,
			"the payee is known to be good: merchant"},
		"until it ends": {[]event.Control{{What: event.ControlKnown, Entity: "acct:9", As: "merchant",
			Until: noon.Add(-time.Hour)}}, "", story, pattern.Stop, ""},
		"or is taken back": {[]event.Control{good,
			{What: event.ControlKnown, Entity: "acct:9", Removed: true}}, "", story, pattern.Stop, ""},
		"a hard block is stronger than an override": {[]event.Control{good}, watched("acct:9", "confirmed", ""),
			[]string{transfer("t", 0, "1111", "9", 10, 9000)}, pattern.Stop, ""},
		"and than an exception": {[]event.Control{except("*", "acct:9")},
			watched("acct:9", "confirmed", ""), []string{transfer("t", 0, "1111", "9", 10, 9000)}, pattern.Stop, ""},
		"a soft block is reviewed whatever its score": {nil, watched("acct:9", "suspected", ""),
			[]string{transfer("t", 0, "1111", "9", 10, 9000)}, pattern.Review, ""},
		"and gives way to an override": {[]event.Control{good}, watched("acct:9", "suspected", ""),
			[]string{transfer("t", 0, "1111", "9", 10, 9000)}, pattern.Warn, "known to be good: merchant"},
		"an exception takes one pattern away": {[]event.Control{except("foreign-or-forged-call", "acct:7777")}, "", story,
			pattern.Stop, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, 100)
			for _, d := range c.controls {
				w.decide(d)
			}
			if c.watch != "" {
				w.score(c.watch)
			}
			a := w.last(c.story...)
			if a.Action != c.want || a.Override != c.override || (a.StopID != "") != (c.want == pattern.Stop) {
				t.Errorf("action %s, override %q, stop %q; want %s, %q", a.Action, a.Override, a.StopID, c.want, c.override)
			}
			if name == "an exception takes one pattern away" && strings.Contains(fmt.Sprint(a.Hits), "foreign-or-forged-call") {
				t.Errorf("the excepted pattern hit: %+v", a.Hits)
			}
		})
	}
	w := newTown(t, 100)
	w.decide(except("*", "acct:7777"))
	for _, a := range w.score(story...) {
		if a.Transfer != nil {
			t.Errorf("an exception from every pattern left %+v", a)
		}
	}
}

// A pattern that stops too much falls back to review, says so, and stops again
// when a person has lifted the brake.
func TestBrakes(t *testing.T) {
	w := newTown(t, 1000)
	w.part.engine.Policy.PatternBudget = Budget{Stops: 3}
	w.part.engine.Policy.ServiceBudget = Budget{Stops: 5}
	w.score(watched("acct:9", "confirmed", ""))
	var trips []Trip
	pay := func(i int, when time.Duration) Alert {
		b := w.block(transfer(fmt.Sprint("t", i), when, fmt.Sprint("11", i), "9", 10, 9000))
		var a Alert
		if err := w.part.Apply(w.offset, b, func(_ *event.Leg, o *Outcome) {
			trips = append(trips, o.Trips...)
			if len(o.Alerts) > 0 {
				a = o.Alerts[0]
			}
		}); err != nil {
			t.Fatal(err)
		}
		return a
	}
	for i := range 3 {
		if a := pay(i, 0); a.Action != pattern.Stop {
			t.Fatalf("stop %d within the budget: %s", i, a.Action)
		}
	}
	for i := 3; i < 6; i++ {
		if a := pay(i, minute); a.Action != pattern.Review || a.Brake != "watchlisted-payee" || a.StopID != "" {
			t.Fatalf("stop %d above the budget: %s, brake %q, stop %q", i, a.Action, a.Brake, a.StopID)
		}
	}
	if len(trips) != 1 || trips[0].Pattern != "watchlisted-payee" || trips[0].Stops != 3 {
		t.Errorf("the brake fell so: %+v; want once, after 3 stops", trips)
	}
	if a := pay(6, 5*time.Hour); a.Brake == "" {
		t.Error("the brake lifted itself after some hours; a person must")
	}
	// What people have decided, and what was spent, survives the checkpoint.
	_, state := w.part.Controls()
	again := NewPartition(w.part.engine, 10)
	if err := again.SetControls(state); err != nil {
		t.Fatal(err)
	}
	if _, same := w.part.Controls(); same != nil {
		t.Error("controls that did not change were taken twice")
	}
	if got := again.controls.Append(nil); !bytes.Equal(got, state) {
		t.Errorf("controls read back differ:\n%q\n%q", got, state)
	}
	w.decide(event.Control{What: event.ControlLift, Pattern: "watchlisted-payee"})
	if a := pay(7, 5*time.Hour); a.Action != pattern.Stop {
		t.Errorf("after the brake was lifted: %s", a.Action)
	}
	// Another partition's brake holds here as well; the amount has a budget too.
	w.decide(event.Control{What: event.ControlTrip, Pattern: Service})
	if a := pay(8, 6*time.Hour); a.Brake != Service {
		t.Errorf("the service's brake fell elsewhere: %s, brake %q", a.Action, a.Brake)
	}
	w.decide(event.Control{What: event.ControlLift, Pattern: Service})
	w.part.engine.Policy.PatternBudget = Budget{Minor: 1500}
	if a := pay(9, 9*time.Hour); a.Brake != "" {
		t.Errorf("10.00 of 15.00 yuan: brake %q", a.Brake)
	}
	if a := pay(10, 9*time.Hour); a.Brake == "" {
		t.Error("20.00 of 15.00 yuan, and no brake")
	}
}

// Partitions together never spend more than the budget.
func TestBudgetShares(t *testing.T) {
	for _, parts := range []int{1, 2, 7, 64} {
		s := Budget{Stops: 200, Minor: 1_000_000}.perPartition(parts)
		if s.Stops*int64(parts) > 200 || s.Minor*int64(parts) > 1_000_000 {
			t.Errorf("%d partitions of %+v spend more than the whole", parts, s)
		}
	}
	if s := (Budget{}).perPartition(3); s != (Budget{}) {
		t.Errorf("no bound became %+v", s)
	}
}

// A catalogue is swapped at one place of the log; alerts say which one they are
// of; one that cannot be followed changes nothing; shadow patterns stop nothing.
func TestCatalogueSwap(t *testing.T) {
	w := newTown(t, 100)
	before := w.last(stopOn("9", 0)...)
	shadow := strings.ReplaceAll(string(DefaultCatalogue), "stage: live", "stage: shadow")
	if out := w.decide(event.Control{What: event.ControlCatalogue, Text: shadow}); out.Refused != nil {
		t.Fatal(out.Refused)
	}
	after := w.last(stopOn("8", hours)...)
	if before.Catalogue == after.Catalogue || after.Catalogue != w.part.Catalogue() {
		t.Errorf("versions %s and %s", before.Catalogue, after.Catalogue)
	}
	if !after.Shadow || after.Action != pattern.Warn || after.StopID != "" || after.Score != before.Score {
		t.Errorf("a shadow pattern acted: %+v", after)
	}
	if len(after.Hits) == 0 || !after.Hits[0].Shadow {
		t.Errorf("a shadow pattern left no trace: %+v", after.Hits)
	}
	if out := w.decide(event.Control{What: event.ControlCatalogue, Text: "- id: nonsense"}); out.Refused == nil ||
		w.part.Catalogue() != after.Catalogue {
		t.Errorf("refused: %v, in force: %s", out.Refused, w.part.Catalogue())
	}
}

// A mule pattern by itself only warns, however sure; beside a signal from the
// victim's side the money is stopped.
func TestMulePatternAloneWarns(t *testing.T) {
	for _, a := range newTown(t, 100).score(scenarios()["mule-pass-through"].fires...) {
		if a.Action != pattern.Warn || a.StopID != "" {
			t.Errorf("%+v", a)
		}
	}
}

// A record that comes within the lateness completes the pattern; one that comes
// later does not.
func TestLateness(t *testing.T) {
	late := called("c", -21*minute, "+85251234567", "1111", 30*minute)
	for after, want := range map[time.Duration]bool{90 * minute: true, 3 * hours: false} {
		w := newTown(t, 100)
		// moves the partition's clock
		w.score(transfer("t", 0, "1111", "9", 49800, 50012), transfer("other", after, "5555", "6", 1, 100))
		stopped := false
		for _, a := range w.score(late) {
			stopped = stopped || a.Action == pattern.Stop && a.Transfer.ID == "t"
		}
		if stopped != want {
			t.Errorf("a call reported %s after the payment: stopped %v, want %v", after, stopped, want)
		}
	}
}

// Shops, employers and those who know each other do not become suspects.
func TestRiskStopsAtShops(t *testing.T) {
	told := func(docs ...string) (n int) {
		for _, a := range newTown(t, 10_000).score(docs...) {
			if a.Entity == "acct:3333" && a.Event.Kind == "risk" {
				n++
			}
		}
		return n
	}
	pay := func(when time.Duration) string { return transfer("pay", when, "2222", "3333", 5000, 49800) }
	if told(join(stopOn("2222", 0), one(pay(minute)))...) != 1 {
		t.Error("a stranger who is paid from a stopped account is not told")
	}
	custom := times(60, func(i int) string {
		return transfer(fmt.Sprint("c", i), -time.Duration(i+1)*hours, fmt.Sprint("c", i), "3333", 200, 900)
	})
	if told(join(custom, stopOn("2222", 0), one(pay(minute)))...) != 0 {
		t.Error("a shop with sixty customers became a suspect")
	}
	if told(join(one(transfer("old", -72*hours, "2222", "3333", 20, 900)), stopOn("2222", 0), one(pay(minute)))...) != 0 {
		t.Error("one who has been paid for days became a suspect")
	}
	if told(join(stopOn("2222", 0), one(pay(100*hours)))...) != 0 {
		t.Error("the risk did not decay in four days")
	}
}

func FuzzControls(f *testing.F) {
	w := newTown(f, 10)
	w.decide(event.Control{What: event.ControlKnown, Entity: "acct:9", As: "merchant"})
	w.decide(event.Control{What: event.ControlTrip, Pattern: Service})
	_, state := w.part.Controls()
	f.Add(state)
	f.Fuzz(func(_ *testing.T, b []byte) { _ = newControls(w.part.engine.start).read(w.part.engine, b) })
}
