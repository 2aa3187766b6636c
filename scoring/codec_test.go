package scoring

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// fullState is a state with every field set, each to another value.
func fullState() *State {
	s := &State{Entity: "acct:1", Applied: Place{Offset: 7, Index: 3}, first: 1001, last: 2002,
		moves: []move{{at: 1000, tag: 1<<16 | uint64(credit), counter: 11, amount: -5},
			{at: 900, tag: 2<<16 | uint64(callIn) | markNew, counter: 12, amount: 6}},
		contacts: []contact{{hash: 21, first: 22, last: 23}, {hash: 24, first: 25, last: 25}},
		partner:  "tel:+86138", device: 31, largest: 32, largestToday: 33, today: 34,
		hops: []neighbour{{name: "acct:2", way: shares, at: 41, minor: 42, cause: "cause"}}}
	s.keep(&payment{newPayee: true, stopped: true}, []byte("payload"))
	c := &caller{days: []callDay{{51, 52, 53}, {54, 55, 56}}, handsets: []sighting{{57, 58}}, cells: []sighting{{59, 60}}}
	for i := range c.callees {
		c.callees[i] = uint16(i + 1)
	}
	tt := taint{Taint: event.Taint{CaseID: "cas", StopID: "stp", Type: "type", District: "520103", Pattern: "pat", At: 71,
		Minor: 72, Offset: 73, Whole: 74, Hop: 75}, credit: 76, held: 77, since: 78}
	s.cold = &cold{
		buckets:   []bucket{{start: 81, kind: debit, day: false, n: 82, sum: 83}, {84, messageOut, true, 85, 86}},
		devices:   []uint64{91, 92},
		cooldowns: []cooldown{{93, 94}},
		trails:    []trail{{"acct:3", 95, 96, 97, 98, 99, "why"}},
		notified:  []uint64{101, 102},
		traced: &traced{taints: []taint{tt}, reports: []cooldown{{103, 104}}, needsPayments: true,
			outs: []spent{{105, 106, 107, event.Unknown, "id", "account", "bank", "holder", true}, {key: 108}}},
		caller:    c,
		swappedAt: 111, forwardingAt: 112, wokeAt: 113, silence: 114, watch: "suspected", watchUntil: 115,
	}
	return s
}

// zeros names the fields of a structure that are not set.
func zeros(v reflect.Value) (names []string) {
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			names = append(names, v.Type().Field(i).Name)
		}
	}
	return names
}

// What is written of a state is read back, every field of it.
func TestStateRoundTrip(t *testing.T) {
	s := fullState()
	for _, c := range []struct {
		of   any
		none string // fields that are not kept
	}{{*s, "[dirty]"}, {*s.cold, "[]"}, {*s.cold.traced, "[]"}, {*s.cold.caller, "[]"}, {s.hops[0], "[]"},
		{s.cold.trails[0], "[]"}, {s.cold.traced.outs[0], "[]"}, {s.cold.buckets[1], "[]"}} {
		if got := fmt.Sprint(zeros(reflect.ValueOf(c.of))); got != c.none {
			t.Errorf("%T: fields %s are not tried", c.of, got)
		}
	}
	bare := &State{Entity: "acct:1", Applied: Place{Offset: -1}}
	cool := &State{Entity: "acct:1", cold: &cold{watch: "cleared"}}
	traces := &State{Entity: "acct:1", cold: &cold{traced: &traced{needsPayments: true}}}
	calls := &State{Entity: "acct:1", cold: &cold{caller: &caller{}}}
	for name, s := range map[string]*State{"all": s, "none": bare, "cold": cool, "traced": traces, "caller": calls} {
		b := AppendState(nil, s)
		got, err := ReadState("acct:1", b)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%s: %v\n%+v\n%+v", name, err, got, s)
		}
		if with := AppendState([]byte("x"), s); !bytes.Equal(with[1:], b) || with[0] != 'x' {
			t.Errorf("%s: what was there before is lost", name)
		}
	}
}

// A state that was cut off anywhere, or that another version wrote, is an error.
func TestStateThatCannotBeRead(t *testing.T) {
	b := AppendState(nil, fullState())
	if b[0] != 3 {
		t.Errorf("the version is %d: states of before are lost", b[0])
	}
	for n := range b {
		_, err := ReadState("acct:1", b[:n])
		if want := errShort; n == 0 {
			want = errVersion
			if !errors.Is(err, want) {
				t.Errorf("of nothing: %v", err)
			}
		} else if !errors.Is(err, want) || !strings.Contains(err.Error(), "acct:1") {
			t.Errorf("cut off after %d of %d bytes: %v", n, len(b), err)
		}
	}
	b[0]++
	if _, err := ReadState("acct:1", b); !errors.Is(err, errVersion) {
		t.Errorf("of another version: %v", err)
	}
	for name, c := range map[string]struct {
		kept []byte
		want bool
	}{
		"none":                  {nil, true},
		"one":                   {[]byte{1, 0}, true},
		"two":                   {[]byte{1, 0, 3, 0, 9, 9}, true},
		"one that is too short": {[]byte{3, 0, 9}, false},
		"one of no length":      {[]byte{0, 0}, false},
		"a length of its own":   {[]byte{1}, false},
		"a length that is cut":  {[]byte{0x80}, false},
	} {
		if got := wellKept(c.kept); got != c.want {
			t.Errorf("remembered payments, %s: %v, want %v", name, got, c.want)
		}
	}
	bad := &State{Entity: "acct:1", kept: []byte{9}}
	if _, err := ReadState("acct:1", AppendState(nil, bad)); !errors.Is(err, errShort) {
		t.Errorf("payments that are cut off: %v", err)
	}
}

// Controls go to cold storage and come back: each decision, each brake, and the
// catalogue's text.
func TestControlsRoundTrip(t *testing.T) {
	w := newTown(t, 10)
	c := w.part.controls
	c.applied, c.version, c.text = Place{9, 8}, 7, string(DefaultCatalogue)
	c.knownGood = map[event.Entity]KnownGood{"acct:2": {"shop", 5}, "acct:1": {"employer", 0}}
	c.exceptions = map[exception]event.Instant{{"acct:1", "p"}: 3, {"acct:1", "o"}: 0, {"acct:0", "z"}: 4}
	c.brakes = map[string]*brake{"p": {1, 2, 3, 4}, "*": {5, 6, 7, 0}}
	b := c.Append(nil)
	got := newControls(w.part.engine.start)
	if err := got.read(w.part.engine, b); err != nil {
		t.Fatal(err)
	}
	if got.applied != c.applied || got.version != 7 || got.text != c.text || got.program.Version != c.program.Version ||
		!reflect.DeepEqual(got.knownGood, c.knownGood) || !reflect.DeepEqual(got.exceptions, c.exceptions) ||
		!reflect.DeepEqual(got.brakes, c.brakes) {
		t.Errorf("%+v, want %+v", got, c)
	}
	for range 20 { // whatever the order of a map
		if !bytes.Equal(c.Append(nil), b) {
			t.Fatal("the same controls are written otherwise")
		}
	}
	for n := range b {
		if err := newControls(w.part.engine.start).read(w.part.engine, b[:n]); err == nil {
			t.Fatalf("cut off after %d of %d bytes, and read", n, len(b))
		}
	}
	c.text = "- id: nonsense"
	if err := newControls(w.part.engine.start).read(w.part.engine, c.Append(nil)); err == nil {
		t.Error("a catalogue that cannot be followed is read")
	}
	if b[0]++; !errors.Is(newControls(w.part.engine.start).read(w.part.engine, b), errVersion) {
		t.Error("controls of another version are read")
	}
}

// What a hot entity takes grows with each thing that it remembers, by as much as that
// takes at least.
func TestSizeGrows(t *testing.T) {
	name := strings.Repeat("x", 1000)
	for what, c := range map[string]struct {
		least int
		with  func(*State)
	}{
		"a long name": {994, // less the name that it had
			func(s *State) { s.Entity = event.Entity(name) }},
		"a partner":            {1000, func(s *State) { s.partner = event.Entity(name) }},
		"100 movements":        {3200, func(s *State) { s.moves = make([]move, 100) }},
		"100 contacts":         {1600, func(s *State) { s.contacts = make([]contact, 100) }},
		"remembered payments":  {1000, func(s *State) { s.kept = []byte(name) }},
		"a neighbour's name":   {1000, func(s *State) { s.hops = []neighbour{{name: event.Entity(name)}} }},
		"a neighbour's cause":  {1000, func(s *State) { s.hops = []neighbour{{cause: name}} }},
		"100 neighbours":       {5600, func(s *State) { s.hops = make([]neighbour, 100) }},
		"a cold part":          {150, func(s *State) { s.makeCold() }},
		"100 hours":            {2400, func(s *State) { s.makeCold().buckets = make([]bucket, 100) }},
		"100 devices":          {800, func(s *State) { s.makeCold().devices = make([]uint64, 100) }},
		"100 cooldowns":        {1600, func(s *State) { s.makeCold().cooldowns = make([]cooldown, 100) }},
		"100 notes":            {800, func(s *State) { s.makeCold().notified = make([]uint64, 100) }},
		"a trail's origin":     {1000, func(s *State) { s.makeCold().trails = []trail{{origin: event.Entity(name)}} }},
		"a trail's cause":      {1000, func(s *State) { s.makeCold().trails = []trail{{cause: name}} }},
		"100 trails":           {7200, func(s *State) { s.makeCold().trails = make([]trail, 100) }},
		"100 taints":           {10_000, func(s *State) { s.traced().taints = make([]taint, 100) }},
		"100 payments by name": {9000, func(s *State) { s.traced().outs = make([]spent, 100) }},
		"a payment's names": {4000, func(s *State) {
			s.traced().outs = []spent{{id: name, account: name, bank: name, holder: name}}
		}},
		"100 reports":           {1600, func(s *State) { s.traced().reports = make([]cooldown, 100) }},
		"a caller's month":      {512, func(s *State) { s.makeCold().caller = &caller{} }},
		"a caller's 100 days":   {1100, func(s *State) { s.makeCold().caller = &caller{days: make([]callDay, 100)} }},
		"a caller's 100 phones": {2100, func(s *State) { s.makeCold().caller = &caller{handsets: make([]sighting, 100)} }},
		"a caller's 100 cells":  {2100, func(s *State) { s.makeCold().caller = &caller{cells: make([]sighting, 100)} }},
	} {
		bare, with := NewState("acct:1"), NewState("acct:1")
		c.with(with)
		if grown := with.Size() - bare.Size(); grown < c.least || grown > 3*c.least+1000 {
			t.Errorf("%s takes %d bytes, want %d at least", what, grown, c.least)
		}
	}
	if n := NewState("acct:1").Size(); n < 250 || n > 600 {
		t.Errorf("an entity of which nothing is known takes %d bytes", n)
	}
	w := newTown(t, 10)
	w.part.Put(fullState())
	w.part.Put(NewState("acct:2"))
	if got := w.part.Sizes(); len(got) != 2 || got[0] != NewState("acct:2").Size() || got[1] != fullState().Size() {
		t.Errorf("sizes in order: %v", got)
	}
}

// A place orders legs, and its version grows with them.
func TestPlaces(t *testing.T) {
	order := []Place{{-1, 0}, {0, 0}, {0, 1}, {0, 2}, {1, 0}, {5, 1<<20 - 1}, {6, 0}}
	for i, p := range order {
		for j, q := range order {
			if got := p.Before(q); got != (i < j) {
				t.Errorf("%v before %v: %v", p, q, got)
			}
			if i > 0 && j > 0 && (p.Version() < q.Version()) != (i < j) {
				t.Errorf("the version of %v is %d, of %v %d", p, p.Version(), q, q.Version())
			}
		}
	}
	if (Place{0, 0}).Version() == 0 {
		t.Error("the first leg has the version of nothing")
	}
	if s := NewState("acct:1"); s.Applied != (Place{Offset: -1}) {
		t.Errorf("a new state: %+v", s)
	}
	if seconds(-5) != 0 || seconds(1999) != 1 || seconds(2000) != 2 {
		t.Error("milliseconds to seconds")
	}
	if dayOf(-1) != 0 || dayOf(24*hourMillis-1) != 0 || dayOf(24*hourMillis) != 1 || memoryDays != 30 {
		t.Error("milliseconds to days")
	}
	if never < 9*365*24*time.Hour {
		t.Error("what never happened is ten years ago")
	}
}
