package ledger

import "stopline.internal/stream/event"

// Number counts the papers of a sort in a year, in a partition of the log: the log
// alone says what it is, so that every replica prints the same.
type Number struct{ Year, Partition, Sequence int }

// Of is the number as one count over so many partitions: they take turns, and none
// has another's. It has gaps where one has fewer.
func (n Number) Of(partitions int) int { return (n.Sequence-1)*max(1, partitions) + n.Partition + 1 }

type numberKey struct {
	sort            string
	year, partition int
}

// number gives what an entry begins its number.
func (l *Ledger) number(sort string, e *Event) Number {
	k := numberKey{sort, e.At.Time().In(event.Zone).Year(), e.Place.Partition}
	l.numbers[k]++
	return Number{k.year, k.partition, l.numbers[k]}
}
