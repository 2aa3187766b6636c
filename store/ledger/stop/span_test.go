package stop

import (
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// from is an hour after noon, or before it.
func from(hours int) event.Instant { return noon.Add(time.Duration(hours) * time.Hour) }

// under is another stop of the account between two hours.
func under(id string, begin, end int) *Stop {
	return &Stop{ID: id, Proposal: Proposal{Account: Account{Number: "6217"}}, EffectiveAt: from(begin), Until: from(end)}
}

// The time under stops, in hours: what lies under two counts once.
func TestTimeUnderStops(t *testing.T) {
	ended := under("b", -30, 10)
	ended.EndedAt = from(-20)
	asked := under("b", -30, -20)
	asked.EffectiveAt = 0
	self := under("s", -30, -20)
	for name, c := range map[string]struct {
		others []*Stop
		hours  int64
	}{
		"alone":                     {nil, 10},
		"one before":                {[]*Stop{under("b", -30, -20)}, 20},
		"one that touches":          {[]*Stop{under("b", -5, 0)}, 15},
		"one that overlaps":         {[]*Stop{under("b", -5, 4)}, 15},
		"one that goes on":          {[]*Stop{under("b", 4, 12)}, 12},
		"one within":                {[]*Stop{under("b", 2, 8)}, 10},
		"one around":                {[]*Stop{under("b", -1, 11)}, 12},
		"one within another, after": {[]*Stop{under("b", -9, 20), under("d", -8, -7)}, 29},
		"two apart":                 {[]*Stop{under("b", 20, 25), under("d", -8, -7)}, 16},
		"one that ended early":      {[]*Stop{ended}, 20},
		"one that never began":      {[]*Stop{asked}, 10},
		"itself":                    {[]*Stop{self}, 10},
		"of another account":        {[]*Stop{otherAccount(under("b", -30, -20))}, 10},
	} {
		s := under("s", 0, 10)
		got := timeUnderStops(s, span{from(0), from(10)}, c.others)
		if want := c.hours * time.Hour.Milliseconds(); got != want {
			t.Errorf("%s: %d ms, want %d hours", name, got, c.hours)
		}
	}
}

// A stop ends where the account's 96 hours are used up.
func TestLatestEnd(t *testing.T) {
	terms := law.Default
	for name, c := range map[string]struct {
		others    []*Stop
		end, want int
	}{
		"a term":                        {nil, 48, 48},
		"96 hours":                      {nil, 96, 96},
		"no more than 96":               {nil, 97, 96},
		"after 60 hours":                {[]*Stop{under("b", -60, 0)}, 48, 36},
		"after 96 hours":                {[]*Stop{under("b", -96, 0)}, 48, 0},
		"after more":                    {[]*Stop{under("b", -99, 0)}, 48, 0},
		"before 60 hours that follow":   {[]*Stop{under("b", 50, 110)}, 48, 36},
		"over 10 hours that are shared": {[]*Stop{under("b", -60, 0), under("d", 10, 20)}, 48, 36},
		"beyond what is shared":         {[]*Stop{under("b", -80, 0), under("d", 30, 40)}, 48, 6},
		"no time asked for":             {nil, 0, 0},
		"an end before the beginning":   {nil, -5, 0},
	} {
		if got := latestEnd(&terms, under("s", 0, 0), from(0), from(c.end), c.others); got != from(c.want) {
			t.Errorf("%s: until %s, want %s", name, got, from(c.want))
		}
	}
}
