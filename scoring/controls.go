package scoring

import (
	"fmt"
	"slices"
	"strings"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/packed"
)

// MaxControls bounds the exceptions and the known-good entities together.
const MaxControls = 200_000

// Controls are the decisions of people as one partition knows them: the
// catalogue in force, exceptions, entities that are known to be good, and the
// brakes. They come as legs, so that they take effect at one place of the
// partition's log, and scoring that log again does the same again.
type Controls struct {
	program    *program
	text       string // of the catalogue; empty while it is the one of the start
	knownGood  map[event.Entity]KnownGood
	exceptions map[exception]event.Instant
	brakes     map[string]*brake // by pattern; "*" is the whole service

	dirty   bool
	applied Place
	version uint64 // of what was taken for writing
}

// KnownGood is an entity that is known to be good, and until when (0: for ever).
type KnownGood struct {
	As    string
	Until event.Instant
}

type exception struct {
	entity  event.Entity
	pattern string
}

// brake counts what was stopped in an hour of the events' time.
type brake struct {
	hour    int64
	stops   int64
	minor   int64
	tripped event.Instant // 0: it has not
}

// Service is the name of the brake on all patterns together, and of an
// exception for every pattern.
const Service = "*"

func newControls(p *program) *Controls {
	return &Controls{applied: Place{Offset: -1}, program: p, knownGood: map[event.Entity]KnownGood{},
		exceptions: map[exception]event.Instant{}, brakes: map[string]*brake{}}
}

// knownGoodAs says what a known-knownGoodAs entity is; empty for any other.
func (c *Controls) knownGoodAs(e event.Entity, now event.Instant) string {
	if len(c.knownGood) == 0 {
		return ""
	}
	k, ok := c.knownGood[e]
	if !ok || k.Until != 0 && k.Until < now {
		return ""
	}
	return k.As
}

// excepted says whether an entity is excepted from a pattern.
func (c *Controls) excepted(e event.Entity, p string, now event.Instant) bool {
	if len(c.exceptions) == 0 || e == "" {
		return false
	}
	for _, id := range [...]string{p, Service} {
		if until, ok := c.exceptions[exception{e, id}]; ok && (until == 0 || until >= now) {
			return true
		}
	}
	return false
}

// apply takes a decision. The error is of one that this program cannot follow,
// such as a catalogue with features that it does not have: what was in force
// stays.
func (c *Controls) apply(e *Engine, at event.Instant, d *event.Control) error {
	c.dirty = true
	d = &event.Control{What: d.What, Entity: event.Entity(strings.Clone(string(d.Entity))),
		Pattern: strings.Clone(d.Pattern), As: strings.Clone(d.As), Until: d.Until, Removed: d.Removed, Text: d.Text}
	switch d.What {
	case event.ControlCatalogue:
		p, err := e.compile(d.Text)
		if err != nil {
			return fmt.Errorf("the published catalogue cannot be used by this program; %s stays in force: %w",
				c.program.Version, err)
		}
		c.program, c.text = p, strings.Clone(d.Text)
	case event.ControlKnown:
		if d.Removed {
			delete(c.knownGood, d.Entity)
		} else if len(c.knownGood)+len(c.exceptions) < MaxControls {
			c.knownGood[d.Entity] = KnownGood{d.As, d.Until}
		}
	case event.ControlException:
		if x := (exception{d.Entity, d.Pattern}); d.Removed {
			delete(c.exceptions, x)
		} else if len(c.knownGood)+len(c.exceptions) < MaxControls {
			c.exceptions[x] = d.Until
		}
	case event.ControlTrip:
		b := c.brakes[d.Pattern]
		if b == nil {
			b = &brake{hour: int64(at / hourMillis)}
			c.brakes[d.Pattern] = b
		}
		b.tripped = max(1, b.tripped, at)
	case event.ControlLift:
		delete(c.brakes, d.Pattern)
		if d.Pattern == Service {
			clear(c.brakes)
		}
	}
	return nil
}

// Budget bounds automatic stops in an hour: their number and their sum. Zero
// is no bound.
type Budget struct {
	Stops int64
	Minor int64 // minor units of CNY; of other currencies only the number counts
}

// perPartition is a partition's part: what it may spend without asking the others, so
// that all of them together never spend more than the budget.
func (b Budget) perPartition(partitions int) Budget {
	part := func(n int64) int64 {
		if n == 0 {
			return 0
		}
		return max(1, n/int64(partitions))
	}
	return Budget{part(b.Stops), part(b.Minor)}
}

// Trip says that a brake fell: from now on the pattern's stops, or all of
// them, wait for a person.
type Trip struct {
	Pattern string
	At      event.Instant
	Stops   int64
	Minor   int64
}

// spend counts a stop against its pattern's budget and the service's, and
// names the brake that forbids it.
func (c *Controls) spend(e *Engine, p *pattern.Pattern[View], minor int64, at event.Instant,
	out *Outcome) (forbiddenBy string) {
	own := e.Policy.PatternBudget
	if p.Budget.Stops != 0 || p.Budget.Yuan != 0 {
		own = Budget{p.Budget.Stops, p.Budget.Yuan * 100}
	}
	type limit struct {
		id string
		Budget
	}
	limits := [...]limit{{p.ID, own.perPartition(e.Partitions)},
		{Service, e.Policy.ServiceBudget.perPartition(e.Partitions)}}
	hour := int64(at / hourMillis)
	for _, l := range limits {
		b := c.brakes[l.id]
		if b == nil {
			b = &brake{hour: hour}
			c.brakes[l.id] = b
		}
		if b.tripped != 0 {
			return l.id
		}
		if hour > b.hour {
			b.hour, b.stops, b.minor = hour, 0, 0
		}
		if l.Stops != 0 && b.stops+1 > l.Stops || l.Minor != 0 && b.minor+minor > l.Minor {
			b.tripped, c.dirty = at, true
			out.Trips = append(out.Trips, Trip{l.id, at, b.stops, b.minor})
			return l.id
		}
	}
	for _, l := range limits {
		b := c.brakes[l.id]
		b.stops++
		b.minor += minor
	}
	c.dirty = true
	return ""
}

// Append appends the controls' bytes, as cold storage keeps them.
func (c *Controls) Append(dst []byte) []byte {
	w := writer{append(dst, StateVersion)}
	w.int(c.applied.Offset)
	w.int(int64(c.applied.Index))
	w.int(int64(c.version))
	w.text(c.text)
	w.int(int64(len(c.knownGood)))
	for _, e := range sortedKeys(c.knownGood, func(a,
		b event.Entity) int {
		return strings.Compare(string(a), string(b))
	}) {
		w.text(string(e))
		w.text(c.knownGood[e].As)
		w.int(int64(c.knownGood[e].Until))
	}
	w.int(int64(len(c.exceptions)))
	for _, x := range sortedKeys(c.exceptions, func(a, b exception) int {
		return strings.Compare(string(a.entity)+" "+a.pattern, string(b.entity)+" "+b.pattern)
	}) {
		w.text(string(x.entity))
		w.text(x.pattern)
		w.int(int64(c.exceptions[x]))
	}
	w.int(int64(len(c.brakes)))
	for _, id := range sortedKeys(c.brakes, strings.Compare) {
		b := c.brakes[id]
		w.text(id)
		for _, v := range []int64{b.hour, b.stops, b.minor, int64(b.tripped)} {
			w.int(v)
		}
	}
	return w.buf
}

func sortedKeys[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	return keys
}

// read restores what Append wrote.
func (c *Controls) read(e *Engine, b []byte) error {
	if len(b) == 0 || b[0] != StateVersion {
		return fmt.Errorf("controls: %w", errVersion)
	}
	r := reader{packed.NewReader(b[1:])}
	c.applied, c.version = Place{r.Int(), int32(r.Int())}, uint64(r.Int())
	if c.text = r.text(); c.text != "" {
		p, err := e.compile(c.text)
		if err != nil {
			return fmt.Errorf("the catalogue of the checkpoint cannot be used by this program: %w", err)
		}
		c.program = p
	}
	for range r.len() {
		name := event.Entity(r.text())
		c.knownGood[name] = KnownGood{r.text(), event.Instant(r.Int())}
	}
	for range r.len() {
		x := exception{event.Entity(r.text()), r.text()}
		c.exceptions[x] = event.Instant(r.Int())
	}
	for range r.len() {
		id := r.text()
		c.brakes[id] = &brake{r.Int(), r.Int(), r.Int(), event.Instant(r.Int())}
	}
	if r.Failed() {
		return fmt.Errorf("controls: %w", errShort)
	}
	return nil
}
