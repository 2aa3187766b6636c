package ledger

import (
	"fmt"
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Papers are numbered by the log: two partitions take turns, however they are read;
// a new year begins anew; what the fold ignores has no number.
func TestNumbers(t *testing.T) {
	proposal := func(id string, partition int, at event.Instant) Entry {
		e := StopEntries(stop.Propose(law.Default, id, "cas_"+id,
			stop.Proposal{Account: stop.Account{Number: id, Bank: "ICBK"}, Minor: 100, Currency: event.CNY, Hop: 1}, at,
			"analyst"))[0]
		e.Place.Partition = partition
		return e
	}
	newYear := event.InstantOf(time.Date(2027, 1, 1, 0, 0, 0, 0, event.Zone))
	first := []Entry{proposal("a", 0, noon), proposal("a", 0, noon), proposal("b", 0, noon), proposal("c", 0, newYear)}
	second := []Entry{proposal("x", 1, noon), proposal("y", 1, newYear.Add(-time.Millisecond)), proposal("z", 1,
		newYear)}
	want := "a 2026-1, b 2026-3, c 2027-1, x 2026-2, y 2026-4, z 2027-2, "
	for _, order := range [][]Entry{append(append([]Entry{}, first...), second...), append(append([]Entry{}, second...),
		first...)} {
		l := New(law.Default)
		for i := range order {
			l.Apply(&order[i])
		}
		got := ""
		for _, id := range []string{"a", "b", "c", "x", "y", "z"} {
			n := l.Stop(id).Number
			got += fmt.Sprintf("%s %d-%d, ", id, n.Year, n.Of(2))
		}
		if got != want {
			t.Errorf("the numbers are %s want %s", got, want)
		}
	}
}
