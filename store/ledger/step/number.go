package step

import "stopline.internal/stream/event"

// Number counts the papers of a kind in a year, in a partition of the log: the log
// alone says what it is, so that every replica prints the same.
type Number struct {
	Year      int // in the law's zone
	Partition int // of the log
	Sequence  int // from 1
}

// Of is the number as one count over so many partitions: they take turns, and none
// has another's. It has gaps where one has fewer.
func (n Number) Of(partitions int) int { return (n.Sequence-1)*max(1, partitions) + n.Partition + 1 }

// Numbers counts papers.
type Numbers map[numberKey]int

type numberKey struct {
	kind            string
	year, partition int
}

// Next is the number of the next paper of a kind, by the step that begins it.
func (n Numbers) Next(kind string, at event.Instant, place Place) Number {
	k := numberKey{kind, at.Time().In(event.Zone).Year(), place.Partition}
	n[k]++
	return Number{k.year, k.partition, n[k]}
}
