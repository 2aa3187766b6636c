package scoring

import (
	"math"
	"slices"

	"stopline.internal/stream/event"
)

// profileFrom is how many calls a number makes before it gets a profile.
const profileFrom = 16

// caller is what is known of the month of a number that calls much: days,
// counterparts beyond those that a state remembers, handsets, cells. Every
// field is a maximum or a sum, so that the order of arrival does not show.
type caller struct {
	days     []callDay           // by day, at most memory's
	callees  [calleeSlots]uint16 // by a hash of the callee: the last day that one was called; 0: never
	handsets []sighting
	cells    []sighting
}

// calleeSlots is the size of the sketch that counts callees: from the share of
// slots that are empty follows how many different ones there were (linear
// counting), within 5 % up to 500.
const calleeSlots = 256

// maxSightings is how many handsets and cells are distinguished.
const maxSightings = 16

type callDay struct {
	day     uint16 // since the epoch
	out, in uint16
}

type sighting struct {
	hash uint64
	day  uint16
}

func dayOf(at event.Instant) uint16 { return uint16(max(0, at/(24*hourMillis))) }

const memoryDays = uint16(memory / (24 * 60 * 60 * 1e9))

// on returns the counts of a day.
func (c *caller) on(day uint16) *callDay {
	i, found := slices.BinarySearchFunc(c.days, day, func(d callDay, day uint16) int { return int(d.day) - int(day) })
	if !found {
		c.days = slices.Insert(c.days, i, callDay{day: day})
		if newest := c.days[len(c.days)-1].day; c.days[0].day+memoryDays <= newest {
			c.days = slices.Delete(c.days, 0, 1)
			i = max(0, i-1)
			if c.days[i].day != day {
				return &callDay{} // older than counts at all
			}
		}
	}
	return &c.days[i]
}

func bump(n *uint16) {
	if *n < math.MaxUint16 {
		*n++
	}
}

// made notes a call that the number made.
func (c *caller) made(at event.Instant, callee uint64) {
	day := dayOf(at)
	bump(&c.on(day).out)
	slot := &c.callees[callee>>16%calleeSlots]
	*slot = max(*slot, day)
}

// from notes the handset and the cell of a call.
func (c *caller) from(at event.Instant, imei, cell string) {
	note(&c.handsets, imei, dayOf(at))
	note(&c.cells, cell, dayOf(at))
}

func note(things *[]sighting, name string, day uint16) {
	if name == "" {
		return
	}
	noteHash(things, event.Hash(name), day)
}

func noteHash(things *[]sighting, h uint64, day uint16) {
	oldest := 0
	for i := range *things {
		t := &(*things)[i]
		if t.hash == h {
			t.day = max(t.day, day)
			return
		}
		if t.day < (*things)[oldest].day {
			oldest = i
		}
	}
	if len(*things) < maxSightings {
		*things = append(*things, sighting{h, day})
	} else {
		(*things)[oldest] = sighting{h, day}
	}
}

// distinctCallees estimates how many different numbers were called in the
// month up to a day.
func (c *caller) distinctCallees(today uint16) int64 {
	empty := 0
	for _, day := range c.callees {
		if day == 0 || day > today || day+memoryDays <= today {
			empty++
		}
	}
	m := float64(calleeSlots)
	return int64(math.Round(-m * math.Log(max(1, float64(empty))/m)))
}

// month sums the calls of the month up to a day, and counts the days with any.
func (c *caller) month(today uint16) (out, in, days int64) {
	for _, d := range c.days {
		if d.day <= today && d.day+memoryDays > today {
			out += int64(d.out)
			in += int64(d.in)
			days++
		}
	}
	return out, in, days
}

func recent(things []sighting, today, days uint16) (n int64) {
	for _, t := range things {
		if t.day <= today && t.day+days > today {
			n++
		}
	}
	return n
}

// dialled notes a call that the entity made, and begins its profile when it
// calls much: with the calls that are remembered.
func (s *State) dialled(at event.Instant, c *event.Call) {
	if s.cold == nil || s.cold.caller == nil {
		n := 0
		for i := range s.moves {
			if s.moves[i].kind() == callOut {
				n++
			}
		}
		if n < profileFrom {
			return
		}
		p := &caller{}
		for i := range s.moves {
			switch m := &s.moves[i]; m.kind() {
			case callOut:
				p.made(m.at, m.counter)
			case callIn:
				bump(&p.on(dayOf(m.at)).in)
			}
		}
		s.makeCold().caller = p
	} else {
		s.cold.caller.made(at, event.Hash(c.Callee))
	}
	s.cold.caller.from(at, c.IMEI, c.CallerCell)
}
