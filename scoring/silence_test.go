package scoring

import (
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// The silence between a past and what has come since wakes the entity, from thirty days
// on.
func TestMergeOverASilence(t *testing.T) {
	n, d := DefaultNetwork, 24*time.Hour
	for name, c := range map[string]struct {
		last    event.Instant
		already time.Duration
		silence time.Duration
	}{
		"thirty days":         {noon.Add(-30 * d), 0, 30 * d},
		"less":                {noon.Add(-30*d) + 1, 0, 0},
		"forty":               {noon.Add(-40 * d), 0, 40 * d},
		"it was awake before": {noon.Add(-40 * d), 35 * d, 35 * d},
		"no past":             {0, 0, 0},
	} {
		s, past := NewState("acct:1"), NewState("acct:1")
		s.first, s.last = noon, noon
		if past.first, past.last = noon, c.last; c.last != 0 {
			past.first = c.last
		}
		if c.already != 0 {
			s.makeCold().silence, s.cold.wokeAt = c.already, noon
		}
		s.Merge(&n, past)
		if r := s.readCold(); r.silence != c.silence || (r.wokeAt == noon) != (c.silence != 0) {
			t.Errorf("%s: silent for %s until %s, want %s", name, r.silence, r.wokeAt, c.silence)
		}
	}
}

// An entity of which only notes have come has no first moment of its own: the past's
// counts; a past of notes alone changes nothing.
func TestMergeOfNotesAlone(t *testing.T) {
	n := DefaultNetwork
	s, past := NewState("acct:1"), NewState("acct:1")
	past.first, past.last = noon.Add(-time.Hour), noon
	if s.Merge(&n, past); s.first != noon.Add(-time.Hour) || s.last != noon || s.cold != nil {
		t.Errorf("from %s to %s", s.first, s.last)
	}
	if s.Merge(&n, NewState("acct:1")); s.first != noon.Add(-time.Hour) || s.last != noon {
		t.Errorf("from %s to %s", s.first, s.last)
	}
}
