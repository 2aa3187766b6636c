package city

import (
	"slices"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

var start = event.InstantOf(time.Date(2026, 11, 23, 8, 0, 0, 0, event.Zone))

func small(seed uint64) *City {
	return New(Config{Seed: seed, Start: start, Rate: 0.5, People: 800, Frauds: 8})
}

// The same seed makes the same city, however its time is cut into steps.
func TestSameSeedSameCity(t *testing.T) {
	a, b := small(5), small(5)
	a.History()
	b.History()
	end := start.Add(5 * time.Hour)
	var stepwise []Doc
	for at := start; at <= end; at = at.Add(7 * time.Minute) {
		stepwise = append(stepwise, a.Advance(at)...)
	}
	stepwise = append(stepwise, a.Advance(end)...)
	whole := b.Advance(end)
	if len(whole) < 5000 || len(whole) != len(stepwise) {
		t.Fatalf("%d and %d documents", len(whole), len(stepwise))
	}
	for i := range whole {
		if string(whole[i].JSON) != string(stepwise[i].JSON) {
			t.Fatalf("document %d differs:\n%s\n%s", i, whole[i].JSON, stepwise[i].JSON)
		}
	}
	if other := small(6).Advance(end); slices.EqualFunc(whole[:100], other[:100],
		func(x, y Doc) bool { return string(x.JSON) == string(y.JSON) }) {
		t.Error("another seed makes the same city")
	}
}

// Every document is one that the service takes.
func TestDocumentsAreValid(t *testing.T) {
	c := small(5)
	docs := append(c.History(), c.Advance(start.Add(6*time.Hour))...)
	limits := event.DefaultLimits
	limits.Past = 400 * 24 * time.Hour
	p := &event.Parser{Limits: limits, Numbers: event.NewNumbers("CN")}
	kinds := map[event.Kind]int{}
	for _, d := range docs {
		var e event.Event
		if err := p.Parse(d.JSON, start.Add(6*time.Hour), &e); err != nil {
			t.Fatalf("%v: %s", err, d.JSON)
		}
		kinds[e.Kind]++
	}
	for k := event.KindTransfer; k <= event.KindReport; k++ {
		if kinds[k] == 0 {
			t.Errorf("no %s in %d documents", k, len(docs))
		}
	}
}

// Stolen money is held, cashed out, or still in a mule's account: to the fen.
func TestMoneyIsConserved(t *testing.T) {
	c := small(9)
	for at := start; at < start.Add(8*time.Hour); at = at.Add(time.Minute) {
		c.Advance(at)
		if at%3 != 0 {
			continue
		}
		for number, a := range c.mules {
			if a.available() > 100_000 {
				c.hold(Hold{Account: number, Minor: a.available() / 2, At: c.now})
				break
			}
		}
	}
	truth := c.Truth()
	var left int64
	for number, a := range c.mules {
		left += a.tainted
		if a.balance < a.tainted || a.held > a.balance || a.tainted < 0 {
			t.Fatalf("account %s: balance %d, stolen %d, held %d", number, a.balance, a.tainted, a.held)
		}
	}
	if truth.Stolen != truth.CashedOut+left || truth.Held > left || truth.Held == 0 || truth.CashedOut == 0 {
		t.Errorf("stolen %d, cashed out %d, left %d, of it held %d", truth.Stolen, truth.CashedOut, left, truth.Held)
	}
}

// A city that is started again with the journal of its holds is the same city.
func TestRestoredCityIsTheSame(t *testing.T) {
	first := small(4)
	var holds []Hold
	for at := start; at < start.Add(4*time.Hour); at = at.Add(5 * time.Minute) {
		first.Advance(at)
		for _, number := range sortedMules(first) {
			if a := first.mules[number]; a.available() > 200_000 {
				h := Hold{StopID: number, Account: number, Minor: a.available(), At: first.now}
				h.Minor = first.hold(h)
				holds = append(holds, h)
				break
			}
		}
	}
	again := small(4)
	again.Restore(holds)
	again.Advance(first.Now())
	a, b := first.Truth(), again.Truth()
	if len(holds) < 3 || a.Held != b.Held || a.Stolen != b.Stolen || a.CashedOut != b.CashedOut || a.Events != b.Events {
		t.Errorf("%d holds: held %d and %d, stolen %d and %d, cashed out %d and %d, events %d and %d", len(holds), a.Held,
			b.Held, a.Stolen, b.Stolen, a.CashedOut, b.CashedOut, a.Events, b.Events)
	}
}

func sortedMules(c *City) []string {
	var out []string
	for number := range c.mules {
		out = append(out, number)
	}
	slices.Sort(out)
	return out
}
