package stop

import (
	"cmp"
	"slices"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// span is a time that an account is under a stop.
type span struct{ from, to event.Instant }

// timeUnderStops is how long the stop's account is under other stops of the case,
// up to their ends as they stand, and in a span of its own, in milliseconds: a time
// under several counts once.
func timeUnderStops(s *Stop, own span, siblings []*Stop) int64 {
	spans := []span{own}
	for _, o := range siblings {
		if o.ID != s.ID && o.Account.Number == s.Account.Number && o.EffectiveAt != 0 {
			spans = append(spans, span{o.EffectiveAt, cmp.Or(o.EndedAt, o.Until)})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var sum int64
	var reached event.Instant
	for _, p := range spans {
		if from := max(p.from, reached); p.to > from {
			sum += int64(p.to - from)
			reached = p.to
		}
	}
	return sum
}

// latestEnd is when a stop that began at a moment has to end so that the account is
// not under stops for longer than the law allows, at most at the end asked for.
func latestEnd(t *law.Terms, s *Stop, from, end event.Instant, siblings []*Stop) event.Instant {
	for range 8 {
		over := timeUnderStops(s, span{from, end}, siblings) - t.Longest()
		if over <= 0 || end <= from {
			break
		}
		end -= event.Instant(over)
	}
	return max(end, from)
}

// refuseStopsUsed says that an account may not be stopped again.
func refuseStopsUsed(t *law.Terms) law.Refusal {
	return law.Refuse("law.stops", "stops", t.Stops)
}
