package scoring

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// A caller's days: thirty of them, by day, in whatever order they come.
func TestCallerDays(t *testing.T) {
	c := &caller{}
	for _, day := range []uint16{100, 105, 102, 100} {
		c.on(day).out++
	}
	if !slices.Equal(c.days, []callDay{{100, 2, 0}, {102, 1, 0}, {105, 1, 0}}) {
		t.Errorf("%v", c.days)
	}
	c.on(129).in++ // the first is the thirtieth day before
	if len(c.days) != 4 {
		t.Errorf("%v", c.days)
	}
	c.on(130).in += 5
	if len(c.days) != 4 || c.days[0].day != 102 || c.days[3] != (callDay{130, 0, 5}) {
		t.Errorf("%v", c.days)
	}
	c.on(100).out += 9 // older than counts
	if len(c.days) != 4 || c.days[0] != (callDay{102, 1, 0}) {
		t.Errorf("%v", c.days)
	}
	if c.on(101).out = 7; len(c.days) != 5 || c.days[0] != (callDay{101, 7, 0}) {
		t.Errorf("%v", c.days)
	}
	for today, want := range map[uint16][3]int64{130: {9, 6, 5}, 129: {9, 1, 4}, 131: {2, 6, 4}, 132: {1, 6, 3},
		99: {0, 0, 0}} {
		out, in, days := c.month(today)
		if got := [3]int64{out, in, days}; got != want {
			t.Errorf("up to day %d: %v, want %v", today, got, want)
		}
	}
	n := uint16(65534)
	bump(&n)
	if bump(&n); n != 65535 {
		t.Errorf("counts overflow to %d", n)
	}
}

// Callees are estimated from a sketch: within five percent up to 500, of the month up to
// a day.
func TestCalleesAreEstimated(t *testing.T) {
	at := event.Instant(1000 * 24 * time.Hour / time.Millisecond)
	for _, n := range []int{1, 20, 100, 500} {
		c := &caller{}
		for i := range n {
			c.made(at, event.Hash(fmt.Sprint("callee", i)))
			c.made(at, event.Hash(fmt.Sprint("callee", i)))
		}
		if got := float64(c.distinctCallees(1000)); got < 0.9*float64(n) || got > 1.1*float64(n) {
			t.Errorf("%d callees are estimated as %.0f", n, got)
		}
		if c.days[0] != (callDay{1000, uint16(2 * n), 0}) {
			t.Errorf("calls: %v", c.days)
		}
	}
	one := &caller{}
	one.made(at, 7<<16)
	for today, want := range map[uint16]int64{999: 0, 1000: 1, 1029: 1, 1030: 0} {
		if got := one.distinctCallees(today); got != want {
			t.Errorf("on day %d: %d, want %d", today, got, want)
		}
	}
	one.made(at-event.Instant(5*24*time.Hour/time.Millisecond), 7<<16) // an older call to the same one
	if one.callees[7] != 1000 {
		t.Errorf("last called on day %d", one.callees[7])
	}
	full := &caller{}
	for i := range full.callees {
		full.callees[i] = 1000
	}
	// With no slot empty there were at least 256 × ln 256, which is 1,419.6.
	if got := full.distinctCallees(1000); got != 1420 {
		t.Errorf("a full sketch is %d, want 1,420", got)
	}
}

// Handsets and cells: sixteen of each, each with its last day; the one that was seen
// longest ago makes room.
func TestSightings(t *testing.T) {
	var list []sighting
	for i := range 16 {
		note(&list, fmt.Sprint("h", i), uint16(100+i))
	}
	note(&list, "", 500)
	note(&list, "h0", 130)
	note(&list, "h0", 90)
	if len(list) != 16 || list[0].day != 130 {
		t.Errorf("%v", list)
	}
	note(&list, "h16", 131)
	if len(list) != 16 || list[1] != (sighting{event.Hash("h16"), 131}) {
		t.Errorf("h1 makes room: %v", list)
	}
	for _, c := range []struct {
		today, days uint16
		want        int64
	}{{131, 1, 1}, {131, 2, 2}, {131, 17, 3}, {131, 18, 4}, {130, 2, 1}, {99, 30, 0}, {131, 100, 16}} {
		if got := recent(list, c.today, c.days); got != c.want {
			t.Errorf("in %d days up to %d: %d, want %d", c.days, c.today, got, c.want)
		}
	}
}

// A number gets a profile with its sixteenth call: of the calls that are remembered,
// made and taken, and from then on of each.
func TestProfileBegins(t *testing.T) {
	w := newTown(t, 100)
	dial := func(i int, when time.Duration) string {
		return fmt.Sprintf(`{"kind":"call","id":"d%d","at":"%s","phase":"ended",`+
			`"caller":{"number":"13977776666","imei":"h%d","cell":"c%d"},"callee":{"number":"138000%05d"},"duration_s":40}`,
			i, at(when), i%2, i%3, i%15)
	}
	for i := range 15 {
		w.score(dial(i, -26*hours))
	}
	w.score(called("in", -hours, "13911112222", "1111", minute)) // of another
	w.score(fmt.Sprintf(`{"kind":"call","id":"taken","at":"%s","phase":"ended","caller":{"number":"13911112222"},`+
		`"callee":{"number":"13977776666"},"duration_s":40}`, at(-hours)))
	s := w.part.Peek("tel:+8613977776666")
	if s.readCold().caller != nil {
		t.Fatal("a profile of fifteen calls")
	}
	w.score(dial(15, 0))
	c := s.readCold().caller
	if c == nil {
		t.Fatal("no profile of sixteen calls")
	}
	today := dayOf(noon)
	if out, in, days := c.month(today); out != 16 || in != 1 || days != 2 {
		t.Errorf("%d made, %d taken, on %d days; want 16, 1, 2", out, in, days)
	}
	if len(c.handsets) != 1 || len(c.cells) != 1 {
		t.Errorf("of the sixteenth call alone: %v, %v", c.handsets, c.cells)
	}
	w.score(dial(16, minute), dial(17, 2*minute))
	w.score(fmt.Sprintf(`{"kind":"call","id":"taken2","at":"%s","phase":"ended","caller":{"number":"13911112222"},`+
		`"callee":{"number":"13977776666"},"duration_s":40}`, at(3*minute)))
	if out, in, _ := c.month(today); out != 18 || in != 2 || len(c.handsets) != 2 || len(c.cells) != 3 {
		t.Errorf("%d made, %d taken, %v, %v", out, in, c.handsets, c.cells)
	}
	w.score(dial(17, 2*minute)) // the same call again
	v := look(s)
	v.at(noon.Add(3 * minute))
	see(t, "the caller", v, shownAs{"dial.handsets_24h": int64(2), "dial.cells_30d": int64(3),
		"dial.handsets_30d": int64(2),
		"dial.numbers_30d":  int64(15), "dial.active_days_30d": int64(2), "dial.out_part_30d": 0.9})
}
