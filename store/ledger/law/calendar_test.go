package law

import (
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// Working days: the day itself does not count, nor weekends and holidays; the
// weekend days that are worked in exchange do.
func TestCalendar(t *testing.T) {
	day := func(text string) event.Instant {
		d, err := time.ParseInLocation(time.DateOnly, text, event.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return event.InstantOf(d)
	}
	for from, want := range map[string]string{
		"2026-11-24": "2026-11-28", // Tuesday: to the end of Friday
		"2026-11-27": "2026-12-03", // Friday: over the weekend
		"2026-09-30": "2026-10-11", // over National Day: 8, 9 and the Saturday that is worked
	} {
		if got := China.After(day(from)+1, 3); got != day(want) {
			t.Errorf("three working days after %s end at %s, want %s", from, got, day(want))
		}
	}
}
