package kafka

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// settle lets members do what they are told until nothing changes: a partition that
// they lose they leave, and say so. It fails where two ever have the same one.
func settle(t *rapid.T, topics map[string]int, has map[string][]place) map[string][]place {
	for range 10 {
		given := assign(topics, has)
		next := map[string][]place{}
		for m := range has {
			next[m] = slices.SortedFunc(slices.Values(given[m]), comparePlaces)
		}
		holder := map[place]string{}
		for m, list := range next {
			for _, at := range list {
				if other := holder[at]; other != "" {
					t.Fatalf("%v is given to %s and %s", at, other, m)
				}
				holder[at] = m
				for other, list := range has {
					if other != m && slices.Contains(list, at) {
						t.Fatalf("%v is given to %s while %s has it", at, m, other)
					}
				}
			}
		}
		if maps.EqualFunc(has, next, slices.Equal[[]place]) {
			return has
		}
		has = next
	}
	t.Fatal("it does not settle")
	return nil
}

// Members come and go: each time everything is given to somebody in the end, evenly,
// and what a survivor has stays with it as far as its share goes.
func TestAssign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topics := map[string]int{}
		for i := range rapid.IntRange(1, 4).Draw(t, "topics") {
			topics[fmt.Sprint("t", i)] = rapid.IntRange(0, 12).Draw(t, "partitions")
		}
		has := map[string][]place{}
		for step := range rapid.IntRange(1, 6).Draw(t, "steps") {
			before := maps.Clone(has)
			if len(has) > 1 && rapid.Bool().Draw(t, "leaves") {
				delete(has, slices.Sorted(maps.Keys(has))[0])
			} else {
				has[fmt.Sprint("m", step)] = nil
			}
			has = settle(t, topics, has)
			all := 0
			for topic, n := range topics {
				most, least := 0, n
				for m := range has {
					mine, kept := 0, 0
					for _, at := range has[m] {
						if at.topic == topic {
							mine++
						}
						if at.topic == topic && slices.Contains(before[m], at) {
							kept++
						}
					}
					had := 0
					for _, at := range before[m] {
						if at.topic == topic {
							had++
						}
					}
					if kept < min(had, n/len(has)) {
						t.Fatalf("%s keeps %d of its %d partitions of %s, and its share is %d", m, kept, had, topic, n/len(has))
					}
					most, least, all = max(most, mine), min(least, mine), all+mine
				}
				if most > least+1 {
					t.Fatalf("of %s one has %d and another %d: %v", topic, most, least, has)
				}
			}
			want := 0
			for _, n := range topics {
				want += n
			}
			if all != want {
				t.Fatalf("%d of %d partitions are given away", all, want)
			}
		}
	})
}

// What two members say they have is given anew, and what is no partition (any more)
// to nobody.
func TestAssignDoubtful(t *testing.T) {
	got := assign(map[string]int{"t": 2}, map[string][]place{
		"a": {{"t", 0}, {"t", 7}, {"u", 0}}, "b": {{"t", 0}, {"t", 1}}})
	if want := map[string][]place{"a": {{"t", 0}}, "b": {{"t", 1}}}; !maps.EqualFunc(got, want,
		slices.Equal[[]place]) {
		t.Errorf("%v", got)
	}
}
