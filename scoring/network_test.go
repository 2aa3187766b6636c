package scoring

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// A level keeps 0.7 over each transfer and halves in a day; below 100 it is none.
func TestLevel(t *testing.T) {
	n := DefaultNetwork
	d := 24 * time.Hour
	for name, c := range map[string]struct {
		score, hop, further int
		age                 time.Duration
		want                int
	}{
		"the stopped account":      {900, 0, 0, 0, 900},
		"a transfer on":            {900, 1, 0, 0, 630},
		"and one further":          {900, 1, 1, 0, 441},
		"a day later":              {1000, 1, 1, d, 245},
		"half a day":               {900, 0, 0, d / 2, 636},
		"three days":               {900, 0, 0, 3 * d, 113},
		"just above the floor":     {100, 0, 0, 0, 100},
		"below the floor":          {142, 1, 0, 0, 0}, // 99.4
		"before the stop":          {900, 0, 0, -d, 900},
		"money that merely passes": {0, 1, 0, 0, 0},
	} {
		tr := trail{score: c.score, hop: c.hop, since: noon.Add(-c.age)}
		if got := n.level(&tr, c.further, noon); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// A trail covers another when whatever the other leads to it leads to as well: as near,
// as early, as strong; never a stop on the entity itself.
func TestTrailCovers(t *testing.T) {
	n := DefaultNetwork
	base := trail{origin: "acct:a", since: noon, score: 800, hop: 2, at: noon}
	for name, c := range map[string]struct {
		change func(t, o *trail)
		want   bool
	}{
		"its like":                    {func(_, _ *trail) {}, true},
		"a weaker one":                {func(_, o *trail) { o.score = 700 }, true},
		"a stronger one":              {func(_, o *trail) { o.score = 801 }, false},
		"one that is further":         {func(_, o *trail) { o.hop = 3 }, true},
		"one that is nearer":          {func(_, o *trail) { o.hop = 1 }, false},
		"one that came later":         {func(_, o *trail) { o.at++ }, true},
		"one that came before":        {func(_, o *trail) { o.at-- }, false},
		"one of an older stop":        {func(_, o *trail) { o.since = noon.Add(-time.Hour) }, true},
		"one of a newer stop":         {func(_, o *trail) { o.since = noon.Add(time.Hour) }, false},
		"a stop on the entity itself": {func(t, o *trail) { t.hop, o.hop = 0, 0 }, false},
		"money that merely passes":    {func(_, o *trail) { o.score = 0 }, false},
		"by money that merely passes": {func(t, _ *trail) { t.score = 0 }, false},
		"further, and as strong":      {func(t, o *trail) { t.hop, t.score, o.score = 3, 1200, 800 }, false},
	} {
		a, b := base, base
		c.change(&a, &b)
		if got := n.covers(&a, &b); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Neighbours by time, each once, the last 64, and none from before five days; who shares
// a number stays.
func TestNeighbours(t *testing.T) {
	s := NewState("acct:1")
	at := func(hours int, cause string, w way) neighbour {
		return neighbour{name: "acct:2", way: w, at: noon.Add(time.Duration(hours) * time.Hour), cause: cause}
	}
	for _, h := range []neighbour{at(0, "b", received), at(-2, "a", paid), at(0, "a", paid), at(0, "b", paid),
		at(0, "b", paid), at(0, "b", received), at(-120, "old", paid)} {
		s.rememberNeighbour(h)
	}
	names := func() (out string) {
		for _, h := range s.hops {
			out += fmt.Sprint(h.cause, h.way, " ")
		}
		return out
	}
	if got := names(); got != "old0 a0 a0 b0 b1 " {
		t.Errorf("%s", got)
	}
	s.rememberNeighbour(at(1, "c", paid))
	if got := names(); got != "a0 a0 b0 b1 c0 " {
		t.Errorf("five days and an hour are too long: %s", got)
	}
	s = NewState("acct:1")
	s.rememberNeighbour(at(-200, "number", shares))
	for i := range maxNeighbours {
		s.rememberNeighbour(at(0, fmt.Sprintf("%03d", i), paid))
	}
	if len(s.hops) != 64 || s.hops[0].cause != "000" || s.hops[63].cause != "063" {
		t.Errorf("%d neighbours from %s to %s", len(s.hops), s.hops[0].cause, s.hops[len(s.hops)-1].cause)
	}
}

// An entity joins a trail that leads somewhere new, and leaves those that it covers; of
// each sort the last 64 stay.
func TestJoinTrail(t *testing.T) {
	n, s := DefaultNetwork, NewState("acct:1")
	stop := func(score, hop int, at event.Instant, cause string) trail {
		return trail{origin: "acct:a", since: noon, score: score, hop: hop, at: at, cause: cause}
	}
	for i, c := range []struct {
		t    trail
		join bool
		left int
	}{
		{stop(700, 2, noon, "a"), true, 1},
		{stop(700, 2, noon, "b"), false, 1},
		{stop(600, 3, noon+1, "c"), false, 1},
		{stop(900, 2, noon, "d"), true, 1}, // covers the first
		{stop(900, 1, noon+1, "e"), true, 2},
		{stop(500, 0, noon, "f"), true, 2}, // covers d, which leads on with 441, and not e, with 630
		{stop(500, 0, noon, "g"), true, 3}, // two stops on the entity itself
		{stop(0, 1, noon, "h"), true, 4},
		{stop(0, 1, noon, "h"), false, 4},
		{stop(0, 2, noon, "h"), true, 5},
		{stop(0, 1, noon, "i"), true, 6},
		{trail{origin: "acct:b", hop: 1, at: noon, cause: "h"}, true, 7},
	} {
		if got := s.joinTrail(&n, c.t); got != c.join || len(s.cold.trails) != c.left {
			t.Errorf("%d: joins %v, %d trails; want %v, %d", i, got, len(s.cold.trails), c.join, c.left)
		}
	}
	s = NewState("acct:1")
	s.joinTrail(&n, stop(900, 0, noon.Add(-time.Hour), "stopped"))
	for i := range maxLinks {
		s.joinTrail(&n, stop(0, 1, noon.Add(-time.Duration(i)*time.Minute), fmt.Sprint("link", i)))
	}
	if len(s.cold.trails) != 65 {
		t.Errorf("%d trails, want 64 of money and one of a stop", len(s.cold.trails))
	}
	s.joinTrail(&n, stop(0, 1, noon, "more"))
	has := func(cause string) bool {
		return slices.ContainsFunc(s.cold.trails, func(t trail) bool { return t.cause == cause })
	}
	if len(s.cold.trails) != 65 || has("link63") || !has("link62") || !has("stopped") || !has("more") {
		t.Errorf("%d trails", len(s.cold.trails))
	}
	tied := NewState("acct:2")
	for i := range maxLinks + 1 {
		tied.joinTrail(&n, stop(0, 1, noon, fmt.Sprintf("%03d", (i+7)%65)))
	}
	first := func(t trail) bool { return t.cause == "000" }
	if len(tied.cold.trails) != 64 || slices.ContainsFunc(tied.cold.trails, first) {
		t.Errorf("of one moment, the first by its cause makes room: %d trails", len(tied.cold.trails))
	}
	for i := range maxTrails {
		s.joinTrail(&n, stop(900, 0, noon.Add(time.Duration(i)*time.Minute), fmt.Sprint("stop", i)))
	}
	if len(s.cold.trails) != 128 || has("stopped") || !has("stop0") || !has("link62") {
		t.Errorf("%d trails, want 64 of each", len(s.cold.trails))
	}
}

// The first number of an account is its partner, others are neighbours; each is fresh
// once.
func TestPartners(t *testing.T) {
	s := NewState("acct:1")
	for i, c := range []struct {
		name  string
		fresh bool
	}{{"138", true}, {"138", false}, {"139", true}, {"139", false}, {"13", true}, {"1380", true}, {"138", false}} {
		if got := s.partnerOf("tel:", c.name, noon); got != c.fresh {
			t.Errorf("%d: %s is fresh %v", i, c.name, got)
		}
	}
	if s.partner != "tel:138" || len(s.hops) != 3 || s.hops[0].way != shares {
		t.Errorf("%s, %+v", s.partner, s.hops)
	}
	if !s.partnerOf("acct:", "138", noon) {
		t.Error("an account of the same digits is another")
	}
	paidOnly := NewState("acct:2")
	paidOnly.partner = "tel:1"
	paidOnly.rememberNeighbour(neighbour{name: "tel:138", way: paid, at: noon})
	if !paidOnly.partnerOf("tel:", "138", noon) {
		t.Error("who was paid shares no number")
	}
}

// A stop tells its account of the trail and of the money, and its telephone number.
func TestBeginTrail(t *testing.T) {
	e := newTown(t, 1).part.engine
	a := Alert{At: noon + 9, Score: 800, StopID: "stp", CaseID: "cas", FraudType: "type", District: "520103",
		Hits: []Hit{{Pattern: "first"}, {Pattern: "second"}},
		Transfer: &TransferRef{ID: "t", At: noon, Amount: "12.34", Currency: event.CNY,
			Payer: PartyRef{Account: "1"}, Payee: PartyRef{Account: "2", Bank: "B", Holder: "李四", Phone: "+86138"}}}
	var out Outcome
	e.beginTrail(&a, &out)
	money := event.Taint{Account: "2", Bank: "B", Holder: "李四", CaseID: "cas", StopID: "stp", Payer: "1",
		Transfer: "t", At: noon, Minor: 1234, Whole: 1234, Hop: 1, Type: "type", District: "520103", Pattern: "first"}
	if len(out.Taints) != 1 || out.Taints[0] != money {
		t.Errorf("%+v", out.Taints)
	}
	own := event.Risk{Entity: "acct:2", Origin: "acct:2", Since: noon + 9, Score: 800, From: "acct:2",
		Why: event.WhyStopped, Minor: 1234, Cause: "stp"}
	number := event.Risk{Entity: "tel:+86138", Origin: "acct:2", Since: noon + 9, Score: 800, From: "acct:2",
		Why: event.WhyShares, Hop: 1}
	if !slices.Equal(out.Notes, []Note{{noon + 9, own}, {noon + 9, number}}) {
		t.Errorf("%+v", out.Notes)
	}
	a.Transfer.Currency, a.Transfer.Payee.Phone = "USD", ""
	out.reset()
	if e.beginTrail(&a, &out); len(out.Taints) != 0 || len(out.Notes) != 1 {
		t.Errorf("dollars, no number: %+v, %+v", out.Taints, out.Notes)
	}
}

// over is a view of a payer with three payees, for whom a payment is followed.
func over(t *testing.T, moves ...move) (*Engine, *View) {
	w := newTown(t, 1)
	v := look(having(moves...))
	v.controls = w.part.controls
	return w.part.engine, v
}

// How far a trail is followed over one payment to a stranger.
func TestFollowPayment(t *testing.T) {
	h := neighbour{name: "acct:2", way: paid, at: noon, minor: 1000, cause: "t"}
	stop := trail{origin: "acct:o", since: noon, score: 900, hop: 1, at: noon}
	link := trail{origin: "acct:o", hop: 1, at: noon, minor: 1000}
	for name, c := range map[string]struct {
		t      trail
		change func(*trail, *neighbour)
		payees int
		why    string
	}{
		"of a stop":                 {stop, nil, 9, event.WhyReceived},
		"a payment of before":       {stop, func(t *trail, _ *neighbour) { t.at++ }, 0, ""},
		"four transfers on":         {stop, func(t *trail, _ *neighbour) { t.hop, t.score = 4, 1000 }, 0, event.WhyReceived},
		"five":                      {stop, func(t *trail, _ *neighbour) { t.hop, t.score = 5, 1000 }, 0, ""},
		"too weak one further":      {stop, func(t *trail, _ *neighbour) { t.score = 200 }, 0, ""}, // 200 × 0.49 = 98
		"strong enough one further": {stop, func(t *trail, _ *neighbour) { t.score = 204 }, 0, event.WhyReceived},
		"the same money":            {link, nil, 3, event.WhyPassedOn},
		"to more payees than three": {link, nil, 4, ""},
		"nine transfers on":         {link, func(t *trail, _ *neighbour) { t.hop = 9 }, 0, event.WhyPassedOn},
		"ten":                       {link, func(t *trail, _ *neighbour) { t.hop = 10 }, 0, ""},
		"72 hours after it came": {link, func(t *trail, _ *neighbour) { t.at = noon.Add(-72 * time.Hour) }, 0,
			event.WhyPassedOn},
		"later":                  {link, func(t *trail, _ *neighbour) { t.at = noon.Add(-72*time.Hour) - 1 }, 0, ""},
		"half of it":             {link, func(_ *trail, h *neighbour) { h.minor = 500 }, 0, event.WhyPassedOn},
		"less than half":         {link, func(_ *trail, h *neighbour) { h.minor = 499 }, 0, ""},
		"a tenth more":           {link, func(_ *trail, h *neighbour) { h.minor = 1100 }, 0, event.WhyPassedOn},
		"more than a tenth more": {link, func(_ *trail, h *neighbour) { h.minor = 1101 }, 0, ""},
	} {
		var moves []move
		for i := range c.payees {
			moves = append(moves, mv(debit, time.Duration(i)*time.Hour, uint64(i+1), 10, markNew))
		}
		e, v := over(t, moves...)
		var out Outcome
		tr, to := c.t, h
		if c.change != nil {
			c.change(&tr, &to)
		}
		e.followPayment(v, &tr, &to, &out)
		if c.why == "" {
			if len(out.Notes) != 0 {
				t.Errorf("%s: followed: %+v", name, out.Notes)
			}
			continue
		}
		want := Note{noon, event.Risk{Entity: "acct:2", Origin: "acct:o", Since: tr.since, Score: tr.score, From: "acct:1",
			Why: c.why, Hop: tr.hop + 1, Minor: to.minor, Cause: "t"}}
		if len(out.Notes) != 1 || out.Notes[0] != want {
			t.Errorf("%s: %+v, want %+v", name, out.Notes, want)
		}
	}
}

// Who is warned for having paid a stopped account: from a day before the stop, while it
// is fresh, but for the payment that the stop is for.
func TestWarnPayer(t *testing.T) {
	h := neighbour{name: "acct:2", way: received, at: noon, minor: 500, cause: "t"}
	stop := trail{origin: "acct:1", since: noon, score: 900, at: noon, cause: "other"}
	for name, c := range map[string]struct {
		change func(*trail, *neighbour)
		warned bool
	}{
		"as it was stopped":           {func(*trail, *neighbour) {}, true},
		"a day before":                {func(_ *trail, h *neighbour) { h.at = noon.Add(-24 * time.Hour) }, true},
		"longer before":               {func(_ *trail, h *neighbour) { h.at = noon.Add(-24*time.Hour) - 1 }, false},
		"while it is fresh":           {func(_ *trail, h *neighbour) { h.at = noon.Add(48 * time.Hour) }, true},
		"four days later":             {func(_ *trail, h *neighbour) { h.at = noon.Add(96 * time.Hour) }, false},
		"of an account further on":    {func(t *trail, _ *neighbour) { t.hop = 1 }, false},
		"of money that merely passes": {func(t *trail, _ *neighbour) { t.score = 0 }, false},
		"the stop's own payment": {func(t *trail, _ *neighbour) {
			t.cause = event.StopID(event.TransferKey("2", "t"), "1")
		}, false},
	} {
		e, v := over(t)
		tr, from := stop, h
		c.change(&tr, &from)
		var out Outcome
		e.warnPayer(v, &tr, &from, &out)
		want := event.Risk{Entity: "acct:2", Origin: "acct:1", Since: noon, Score: 900, From: "acct:1", Why: event.WhyPaid,
			Hop: 1, Minor: 500, Cause: "t"}
		if got := len(out.Notes) == 1; got != c.warned || got && (out.Notes[0].Risk != want || out.Notes[0].At != from.at) {
			t.Errorf("%s: %+v, want warned %v", name, out.Notes, c.warned)
		}
	}
}

// Who shares a number with a stopped account is told: from the account itself, or from
// the number next to it, and never the account that was stopped.
func TestNotifySharer(t *testing.T) {
	for name, c := range map[string]struct {
		of     event.Entity
		who    event.Entity
		score  int
		hop    int
		notify bool
	}{
		"from the stopped account":    {"acct:o", "tel:1", 900, 0, true},
		"from an account further on":  {"acct:x", "tel:1", 900, 1, false},
		"from the number next to it":  {"tel:1", "acct:y", 900, 1, true},
		"from a number further on":    {"tel:1", "acct:y", 900, 2, false},
		"back to the stopped account": {"tel:1", "acct:o", 900, 1, false},
		"of money that merely passes": {"acct:o", "tel:1", 0, 0, false},
	} {
		e, v := over(t)
		v.state.Entity = c.of
		var out Outcome
		e.notifySharer(v, &trail{origin: "acct:o", since: noon, score: c.score, hop: c.hop, at: noon + 3}, c.who, &out)
		want := Note{noon + 3, event.Risk{Entity: c.who, Origin: "acct:o", Since: noon, Score: 900, From: c.of,
			Why: event.WhyShares, Hop: c.hop + 1}}
		if got := len(out.Notes) == 1; got != c.notify || got && out.Notes[0] != want {
			t.Errorf("%s: %+v, want %v", name, out.Notes, c.notify)
		}
	}
}

// An entity with more than forty counterparts in a month, one that is known to be good
// and one that was cleared pass nothing on.
func TestSpreads(t *testing.T) {
	many := func(n int) (out []move) {
		for i := range n {
			out = append(out, mv(movementKind(i%2), time.Duration(i)*time.Hour, uint64(i+1), 10))
		}
		return out
	}
	for name, c := range map[string]struct {
		counterparts int
		change       func(*View)
		want         bool
	}{
		"nobody":           {0, nil, true},
		"forty":            {40, nil, true},
		"forty-one":        {41, nil, false},
		"cleared":          {0, func(v *View) { v.state.makeCold().watch = "cleared" }, false},
		"suspected":        {0, func(v *View) { v.state.makeCold().watch = "suspected" }, true},
		"known to be good": {0, func(v *View) { v.controls.knownGood["acct:1"] = KnownGood{As: "shop"} }, false},
	} {
		e, v := over(t, many(c.counterparts)...)
		if c.change != nil {
			c.change(v)
		}
		if got := e.spreads(v, noon); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
