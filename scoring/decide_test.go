package scoring

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// deciding is an engine with a view of the payer acct:1, who pays acct:2 100 yuan.
func deciding(t *testing.T) (*Engine, *View) {
	e, v := over(t)
	v.pay = &payment{id: "t", at: noon, transfer: event.Transfer{Amount: yuan(100),
		Payer: event.Party{Account: "1"}, Payee: event.Party{Account: "2"}}}
	return e, v
}

// pat is a live pattern that asks for a stop.
func pat(id string, weight float64) *entry {
	return &entry{Pattern: &pattern.Pattern[View]{ID: id, FraudType: "type-" + id, Weight: weight, Then: pattern.Stop}}
}

// What decides, in the order that the engine states, at the policy's bounds: 600 for a
// stop, 300 for a review.
func TestDecide(t *testing.T) {
	good := func(v *View) { v.controls.knownGood["acct:2"] = KnownGood{As: "shop"} }
	for name, c := range map[string]struct {
		then     pattern.Action
		block    pattern.Block
		score    int
		trial    bool
		change   func(*View)
		want     pattern.Action
		override bool
		brake    string
	}{
		"a stop, at 600":               {pattern.Stop, pattern.NoBlock, 600, false, nil, pattern.Stop, false, ""},
		"a stop, at 599":               {pattern.Stop, pattern.NoBlock, 599, false, nil, pattern.Review, false, ""},
		"a stop, at 300":               {pattern.Stop, pattern.NoBlock, 300, false, nil, pattern.Review, false, ""},
		"a stop, at 299":               {pattern.Stop, pattern.NoBlock, 299, false, nil, pattern.Warn, false, ""},
		"a review, at 1000":            {pattern.Review, pattern.NoBlock, 1000, false, nil, pattern.Review, false, ""},
		"a review, at 300":             {pattern.Review, pattern.NoBlock, 300, false, nil, pattern.Review, false, ""},
		"a review, at 299":             {pattern.Review, pattern.NoBlock, 299, false, nil, pattern.Warn, false, ""},
		"a warning, at 1000":           {pattern.Warn, pattern.NoBlock, 1000, false, nil, pattern.Warn, false, ""},
		"a soft block, at 1":           {pattern.Stop, pattern.SoftBlock, 1, false, nil, pattern.Review, false, ""},
		"a hard block, at 1":           {pattern.Stop, pattern.HardBlock, 1, false, nil, pattern.Stop, false, ""},
		"a stop, on trial":             {pattern.Stop, pattern.NoBlock, 1000, true, nil, pattern.Warn, false, ""},
		"a stop of one who is good":    {pattern.Stop, pattern.NoBlock, 1000, false, good, pattern.Warn, true, ""},
		"a review of one who is good":  {pattern.Review, pattern.SoftBlock, 1, false, good, pattern.Warn, true, ""},
		"a warning of one who is good": {pattern.Warn, pattern.NoBlock, 1000, false, good, pattern.Warn, false, ""},
		"a hard block of one who is":   {pattern.Stop, pattern.HardBlock, 1000, false, good, pattern.Stop, false, ""},
		"a withdrawal": {pattern.Stop, pattern.NoBlock, 1000, false, func(v *View) {
			v.pay.transfer.Payee.Account = ""
		}, pattern.Review, false, ""},
		"no payment": {pattern.Stop, pattern.HardBlock, 1000, false, func(v *View) { v.pay = nil }, pattern.Review,
			false, ""},
		"a brake that fell": {pattern.Stop, pattern.NoBlock, 1000, false, func(v *View) {
			v.controls.brakes["p"] = &brake{tripped: 1}
		}, pattern.Review, false, "p"},
		"a brake, and a review": {pattern.Review, pattern.NoBlock, 1000, false, func(v *View) {
			v.controls.brakes["p"] = &brake{tripped: 1}
		}, pattern.Review, false, ""},
	} {
		e, v := deciding(t)
		if c.change != nil {
			c.change(v)
		}
		f := finding{action: c.then, block: c.block, stopping: []*entry{pat("p", 0.7)}}
		f.evidence.Add(0.5, c.trial)
		a, out := Alert{Score: c.score}, Outcome{}
		e.decide(v, &f, &a, &out)
		if a.Action != c.want || (a.Override != "") != c.override || a.Brake != c.brake || a.Shadow != c.trial {
			t.Errorf("%s: %s, override %q, brake %q, on trial %v; want %s", name, a.Action, a.Override, a.Brake, a.Shadow,
				c.want)
		}
	}
}

// A stop is spent from the strongest pattern's budget that has any left; the service's
// brake forbids all.
func TestBrakeOfTheStrongest(t *testing.T) {
	weak, strong, middle := pat("weak", 0.61), pat("strong", 0.9), pat("middle", 0.7)
	for name, c := range map[string]struct {
		fell   []string
		brake  string
		spent  string
		starts []*entry
	}{
		"none fell":          {nil, "", "strong", []*entry{weak, strong, middle}},
		"the strongest fell": {[]string{"strong"}, "", "middle", []*entry{weak, strong, middle}},
		"two fell":           {[]string{"strong", "middle"}, "", "weak", []*entry{middle, strong, weak}},
		"all fell":           {[]string{"strong", "middle", "weak"}, "weak", "", []*entry{weak, strong, middle}},
		"the service's fell": {[]string{Service}, Service, "", []*entry{weak, strong, middle}},
		"of two alike, one":  {nil, "", "first", []*entry{pat("first", 0.7), pat("second", 0.7)}},
		"no pattern asks":    {nil, "", "", nil},
	} {
		e, v := deciding(t)
		for _, id := range c.fell {
			v.controls.brakes[id] = &brake{tripped: 1}
		}
		var out Outcome
		list := append([]*entry(nil), c.starts...)
		if got := e.brake(v, list, &out); got != c.brake {
			t.Errorf("%s: %q forbids it, want %q", name, got, c.brake)
		}
		for _, p := range c.starts {
			b := v.controls.brakes[p.ID]
			if spent := b != nil && b.stops == 1 && b.minor == 100_00; spent != (p.ID == c.spent) {
				t.Errorf("%s: spent from %s: %v", name, p.ID, spent)
			}
		}
		if s := v.controls.brakes[Service]; c.spent != "" && (s == nil || s.stops != 1) {
			t.Errorf("%s: the service's budget is not spent", name)
		}
	}
}

// Budgets are of an hour of the events' time: the number and the sum, of a pattern and
// of the service, each partition with its part.
func TestSpend(t *testing.T) {
	e, v := deciding(t)
	c := v.controls
	e.Policy.PatternBudget, e.Policy.ServiceBudget = Budget{Stops: 2, Minor: 1000}, Budget{Stops: 4, Minor: 2000}
	p, q := pat("p", 1).Pattern, pat("q", 1).Pattern
	own := pat("own", 1).Pattern
	own.Budget = pattern.Budget{Yuan: 5}
	var out Outcome
	hour := event.Instant(time.Hour / time.Millisecond)
	begin := noon - noon%hour
	for i, s := range []struct {
		p     *pattern.Pattern[View]
		minor int64
		at    event.Instant
		by    string
	}{
		{p, 400, begin, ""}, {p, 600, begin + hour - 1, ""}, // the sum and the number are used up
		{p, 0, begin + hour - 1, "p"}, {p, 0, begin + 5*hour, "p"}, // and it stays fallen
		{q, 999, begin + hour - 1, ""}, {q, 2, begin + hour - 1, "q"}, // a fen too much
		{own, 1, begin + hour - 1, ""},      // the fourth of the service
		{own, 0, begin + hour - 1, Service}, // the fifth
	} {
		if by := c.spend(e, s.p, s.minor, s.at, &out); by != s.by {
			t.Errorf("%d: %q forbids it, want %q", i, by, s.by)
		}
	}
	trips := ""
	for _, x := range out.Trips {
		trips += fmt.Sprint(x.Pattern, " ", x.Stops, " ", x.Minor, ", ")
	}
	if trips != "p 2 1000, q 1 999, * 4 2000, " || !c.dirty {
		t.Errorf("fell: %s", trips)
	}
	c.brakes = map[string]*brake{}
	for i, s := range []struct {
		minor int64
		at    event.Instant
		by    string
	}{{500, begin, ""}, {0, begin + 1, ""}, {500, begin + hour, ""}, {1, begin + hour, "own"}} {
		if by := c.spend(e, own, s.minor, s.at, &out); by != s.by {
			t.Errorf("of five yuan, %d: %q forbids it, want %q", i, by, s.by)
		}
	}
	if got := (Budget{Stops: 10, Minor: 100}).perPartition(3); got != (Budget{3, 33}) {
		t.Errorf("a third: %+v", got)
	}
	if got := (Budget{Stops: 2}).perPartition(3); got != (Budget{Stops: 1}) {
		t.Errorf("each partition may stop one: %+v", got)
	}
}

// Exceptions and known-good entities: of whom, from which pattern, until when.
func TestExceptions(t *testing.T) {
	_, v := deciding(t)
	c := v.controls
	if v.excepted("p") {
		t.Error("nobody is excepted")
	}
	for name, x := range map[string]struct {
		who   event.Entity
		from  string
		until event.Instant
		want  bool
	}{
		"the entity":         {"acct:1", "p", 0, true},
		"from every pattern": {"acct:1", Service, 0, true},
		"from another":       {"acct:1", "q", 0, false},
		"until now":          {"acct:1", "p", noon, true},
		"until a moment ago": {"acct:1", "p", noon - 1, false},
		"the payee":          {"acct:2", "p", 0, true},
		"the payer":          {"acct:7", "p", 0, true},
		"somebody else":      {"acct:3", "p", 0, false},
	} {
		c.exceptions = map[exception]event.Instant{{x.who, x.from}: x.until}
		v.pay.transfer.Payer.Account = "7"
		if got := v.excepted("p"); got != x.want {
			t.Errorf("%s: %v, want %v", name, got, x.want)
		}
	}
	c.exceptions = map[exception]event.Instant{{"acct:", "p"}: 0, {"", "p"}: 0}
	if v.pay.transfer.Payee.Account = ""; v.excepted("p") || c.excepted("", "p", noon) {
		t.Error("a withdrawal's payee is excepted")
	}
	c.exceptions = map[exception]event.Instant{{"acct:2", "p"}: 0}
	if v.pay = nil; v.excepted("p") {
		t.Error("the payee of no payment is excepted")
	}
}

// Why a score does not act, in words.
func TestOverrides(t *testing.T) {
	for want, change := range map[string]func(*View){
		"":                       func(*View) {},
		"known to be good: bank": func(v *View) { v.controls.knownGood["acct:1"] = KnownGood{As: "bank"} },
		"cleared":                func(v *View) { v.state.makeCold().watch = "cleared" },
		"the payee is known to be good: shop": func(v *View) {
			v.controls.knownGood["acct:2"] = KnownGood{As: "shop", Until: noon}
		},
	} {
		_, v := deciding(t)
		if change(v); v.override() != want {
			t.Errorf("%q, want %q", v.override(), want)
		}
	}
	_, v := deciding(t)
	v.controls.knownGood["acct:2"] = KnownGood{As: "shop"}
	if v.pay = nil; v.override() != "" {
		t.Error("the payee of no payment")
	}
	v.controls.knownGood["acct:"] = KnownGood{As: "shop"}
	v.pay = new(payment)
	if v.override() != "" {
		t.Error("the payee of a withdrawal")
	}
}

// Decisions of people, taken, taken back, and bounded.
func TestControlsApply(t *testing.T) {
	e, v := deciding(t)
	c := v.controls
	do := func(d event.Control) {
		if err := c.apply(e, noon, &d); err != nil {
			t.Error(err)
		}
	}
	do(event.Control{What: event.ControlKnown, Entity: "acct:5", As: "shop", Until: noon})
	do(event.Control{What: event.ControlException, Entity: "acct:6", Pattern: "p", Until: 7})
	if c.knownGoodAs("acct:5", noon) != "shop" || c.knownGoodAs("acct:5", noon+1) != "" ||
		c.knownGoodAs("acct:6", noon) != "" || c.exceptions[exception{"acct:6", "p"}] != 7 || !c.dirty {
		t.Errorf("%+v, %+v", c.knownGood, c.exceptions)
	}
	do(event.Control{What: event.ControlKnown, Entity: "acct:5", Removed: true})
	do(event.Control{What: event.ControlException, Entity: "acct:6", Pattern: "p", Removed: true})
	if len(c.knownGood)+len(c.exceptions) != 0 {
		t.Error("what was taken back is there")
	}
	do(event.Control{What: event.ControlTrip, Pattern: "p"})
	do(event.Control{What: event.ControlTrip, Pattern: "q"})
	if b := c.brakes["p"]; b.tripped != noon || b.hour != int64(noon/hourMillis) {
		t.Errorf("%+v", b)
	}
	c.brakes["q"].tripped = noon + 5
	if do(event.Control{What: event.ControlTrip, Pattern: "q"}); c.brakes["q"].tripped != noon+5 {
		t.Error("a brake fell earlier than it did")
	}
	if do(event.Control{What: event.ControlLift, Pattern: "p"}); c.brakes["p"] != nil || c.brakes["q"] == nil {
		t.Error("p alone was lifted")
	}
	if do(event.Control{What: event.ControlLift, Pattern: Service}); len(c.brakes) != 0 {
		t.Error("all were lifted")
	}
	for i := range MaxControls - 1 {
		c.knownGood[event.Entity(fmt.Sprint(i))] = KnownGood{}
	}
	do(event.Control{What: event.ControlException, Entity: "acct:1", Pattern: "p"})
	do(event.Control{What: event.ControlException, Entity: "acct:2", Pattern: "p"})
	do(event.Control{What: event.ControlKnown, Entity: "acct:3"})
	if len(c.exceptions) != 1 || len(c.knownGood) != MaxControls-1 {
		t.Errorf("%d exceptions, %d known to be good: 200,000 are the most", len(c.exceptions), len(c.knownGood))
	}
	err := c.apply(e, noon, &event.Control{What: event.ControlCatalogue, Text: "- id: nonsense"})
	if err == nil || !strings.Contains(err.Error(), c.program.Version+" stays in force") {
		t.Errorf("%v", err)
	}
}

// What patterns say together: the strongest live one names the type of fraud; those on
// trial speak where there are no others.
func TestFindingAdds(t *testing.T) {
	v := look(NewState("acct:1"))
	trial := func(id string) *entry {
		p := pat(id, 0.99)
		p.Shadow, p.Block = true, pattern.HardBlock
		return p
	}
	var f finding
	f.add(v, trial("t1"))
	f.add(v, trial("t2"))
	if f.fraudType != "type-t2" || f.action != 0 || f.block != pattern.NoBlock || len(f.stopping) != 0 ||
		len(f.hits) != 2 {
		t.Errorf("on trial: %+v", f)
	}
	weak := pat("weak", 0.3)
	weak.Then, weak.Block = pattern.Review, pattern.SoftBlock
	f.add(v, weak)
	f.add(v, pat("strong", 0.6))
	f.add(v, pat("alike", 0.6))
	f.add(v, trial("t3"))
	if f.fraudType != "type-strong" || f.action != pattern.Stop || f.block != pattern.SoftBlock || len(f.stopping) != 2 ||
		f.strongest != 0.6 || len(f.hits) != 6 || !f.hits[5].Shadow || f.hits[3].Weight != 0.6 {
		t.Errorf("%+v", f)
	}
	// 1 - 0.7 × 0.4 × 0.4
	if got := f.evidence.Score(); got != 888 {
		t.Errorf("the score is %d, want 888", got)
	}
}

// A verdict on a transfer is the strongest of what its legs led to: by action, then by
// score.
func TestVerdict(t *testing.T) {
	alert := func(id, transfer string, action pattern.Action, score int) Alert {
		return Alert{ID: id, Transfer: &TransferRef{ID: transfer}, Action: action, Score: score, StopID: "s" + id,
			Hits: []Hit{{Pattern: id}}}
	}
	shadow := alert("x", "t", pattern.Stop, 1000)
	shadow.Shadow = true
	var v Verdict
	v.Add("t", []Alert{{ID: "none", Action: pattern.Stop}, alert("other", "u", pattern.Stop, 900), shadow})
	if v.Action != 0 || v.AlertID != "" {
		t.Errorf("nothing was found of t: %+v", v)
	}
	for i, c := range []struct {
		a    Alert
		want string
	}{{alert("a", "t", pattern.Review, 500), "a"}, {alert("b", "t", pattern.Review, 500), "a"},
		{alert("c", "t", pattern.Review, 501), "c"}, {alert("d", "t", pattern.Warn, 999), "c"},
		{alert("e", "t", pattern.Stop, 1), "e"}} {
		if v.Add("t", []Alert{c.a}); v.AlertID != c.want || v.StopID != "s"+c.want || v.Hits[0].Pattern != c.want {
			t.Errorf("%d: %+v, want that of %s", i, v, c.want)
		}
	}
	if v.Score != 1 || v.Action != pattern.Stop {
		t.Errorf("%+v", v)
	}
	e := event.Event{Kind: event.KindTransfer, Transfer: event.Transfer{Payer: event.Party{Account: "1", Phone: "+86138"},
		Payee: event.Party{Account: "2"}}}
	if got := LegsOf(&e); got != 3 {
		t.Errorf("%d legs, want debit, payment and credit", got)
	}
	for amount, want := range map[string]int64{"12.34": 1234, "x": 0, "0.05": 5} {
		if got := (&TransferRef{Amount: amount, Currency: event.CNY}).Minor(); got != want {
			t.Errorf("%s is %d", amount, got)
		}
	}
	if got := (&TransferRef{Amount: "12", Currency: "JPY"}).Minor(); got != 12 {
		t.Errorf("12 yen are %d", got)
	}
}
