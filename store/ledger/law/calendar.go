package law

import (
	_ "embed" // the calendar below
	"encoding/json"
	"fmt"
	"time"

	"stopline.internal/stream/event"
)

// Calendar tells working days: Monday to Friday but for holidays, and the
// weekend days that are worked in exchange.
type Calendar struct {
	Source   string            `json:"source"`
	Years    map[string]string `json:"years"` // known, each with where it was published
	Holidays []string          `json:"holidays"`
	Worked   []string          `json:"worked"`

	off, on map[string]bool
}

//go:embed calendar.json
var chinaDays []byte

// China holds the State Council's yearly notices on holidays, as far as
// they are published. A year that it does not know has its weekends alone.
var China = func() *Calendar {
	c, err := ParseCalendar(chinaDays)
	if err != nil {
		panic(err) // a test reads it
	}
	return c
}()

// ParseCalendar reads a calendar: days as 2006-01-02.
func ParseCalendar(b []byte) (*Calendar, error) {
	c := &Calendar{off: map[string]bool{}, on: map[string]bool{}}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("the calendar: %w", err)
	}
	for _, list := range []struct {
		days []string
		into map[string]bool
	}{{c.Holidays, c.off}, {c.Worked, c.on}} {
		for _, d := range list.days {
			if _, err := time.Parse(time.DateOnly, d); err != nil {
				return nil, fmt.Errorf("the calendar: %w", err)
			}
			list.into[d] = true
		}
	}
	return c, nil
}

// works says whether people work on the day.
func (c *Calendar) works(day time.Time) bool {
	d := day.Format(time.DateOnly)
	switch {
	case c.on[d]:
		return true
	case c.off[d]:
		return false
	}
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
}

// After is the end of the nth working day after the day of a moment, in the
// law's zone: the day itself does not count.
func (c *Calendar) After(at event.Instant, n int) event.Instant {
	t := at.Time().In(event.Zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, event.Zone)
	for n > 0 {
		day = day.AddDate(0, 0, 1)
		if c.works(day) {
			n--
		}
	}
	return event.InstantOf(day.AddDate(0, 0, 1))
}
