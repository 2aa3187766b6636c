package kafka

import (
	"cmp"
	"maps"
	"slices"
)

// place is a partition of a topic.
type place struct {
	topic     string
	partition int
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
}

// assign divides the partitions of topics among the members of a group, each of
// which says what it has. Of each topic everybody gets as many as the others, or one
// more; what a member has stays with it as far as that allows. A partition that is
// to move is given to nobody as long as its owner has it: the owner leaves it and
// says so, and then it is given away. So nothing is read by two, and nothing stops
// that does not move.
func assign(topics map[string]int, has map[string][]place) map[string][]place {
	out := make(map[string][]place, len(has))
	members := slices.Sorted(maps.Keys(has))
	if len(members) == 0 {
		return out
	}
	owner := owners(topics, members, has)
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		least, more := topics[topic]/len(members), topics[topic]%len(members) // so many members may have one more
		got := map[string]int{}
		var free []place
		for p := range topics[topic] {
			at := place{topic, p}
			m, owned := owner[at]
			switch {
			case !owned:
				free = append(free, at)
				continue
			case got[m] > least || got[m] == least && more == 0:
				continue // it is to move
			case got[m] == least:
				more--
			}
			got[m]++
			out[m] = append(out[m], at)
		}
		for _, at := range free {
			m := slices.MinFunc(members, func(a, b string) int {
				return cmp.Or(cmp.Compare(got[a], got[b]), cmp.Compare(len(out[a]), len(out[b])), cmp.Compare(a, b))
			})
			got[m]++
			out[m] = append(out[m], at)
		}
	}
	return out
}

// owners says whose each partition is. What two say they have belongs to neither:
// one of them has been away, and will be told.
func owners(topics map[string]int, members []string, has map[string][]place) map[place]string {
	out := map[place]string{}
	twice := map[place]bool{}
	for _, m := range members {
		for _, at := range has[m] {
			if _, ok := out[at]; ok {
				twice[at] = true
			}
			if at.partition < topics[at.topic] {
				out[at] = m
			}
		}
	}
	for at := range twice {
		delete(out, at)
	}
	return out
}
