package step

import (
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// Partitions take turns: of four, the third paper of partition 2 comes after two
// whole turns and the papers of partitions 0 and 1.
func TestNumberOfTurns(t *testing.T) {
	for _, c := range []struct{ partition, sequence, partitions, want int }{
		{0, 1, 1, 1},
		{0, 7, 1, 7},
		{0, 1, 4, 1},
		{3, 1, 4, 4},
		{0, 2, 4, 5},
		{2, 3, 4, 11},
		{0, 3, 0, 3}, // a count that nobody set is one partition
	} {
		n := Number{Partition: c.partition, Sequence: c.sequence}
		if got := n.Of(c.partitions); got != c.want {
			t.Errorf("paper %d of partition %d, of %d partitions, is number %d, want %d",
				c.sequence, c.partition, c.partitions, got, c.want)
		}
	}
}

// Each kind, partition and year counts for itself; a year begins in the law's zone.
func TestNumbersCount(t *testing.T) {
	numbers := Numbers{}
	autumn := event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))
	newYear := event.InstantOf(time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)) // midnight in China
	for i, c := range []struct {
		kind      string
		at        event.Instant
		partition int
		want      Number
	}{
		{"stop", autumn, 0, Number{2026, 0, 1}},
		{"stop", autumn, 0, Number{2026, 0, 2}},
		{"return", autumn, 0, Number{2026, 0, 1}},
		{"stop", autumn, 3, Number{2026, 3, 1}},
		{"stop", newYear - 1, 0, Number{2026, 0, 3}},
		{"stop", newYear, 0, Number{2027, 0, 1}},
		{"stop", autumn, 0, Number{2026, 0, 4}},
	} {
		if got := numbers.Next(c.kind, c.at, Place{Partition: c.partition, Offset: 99}); got != c.want {
			t.Errorf("paper %d: %+v, want %+v", i, got, c.want)
		}
	}
}
