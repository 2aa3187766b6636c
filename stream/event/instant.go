package event

import (
	"time"

	"stopline.internal/stream/event/words"
)

// Instant is a moment, in milliseconds since the Unix epoch. The documents'
// times are RFC 3339; anything finer than a millisecond is cut off.
type Instant int64

// Zone is the offset that times are written with. Any offset is accepted.
var Zone = time.FixedZone("CST", 8*60*60)

// InstantOf cuts a time to its millisecond.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time is the instant in [Zone].
func (i Instant) Time() time.Time { return time.UnixMilli(int64(i)).In(Zone) }

// Add moves the instant by a duration, cut to milliseconds.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Milliseconds()) }

// Sub is the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i-j) * time.Millisecond }

// Apart is how far two moments lie from each other.
func (i Instant) Apart(j Instant) time.Duration { return i.Sub(j).Abs() }

// String writes RFC 3339 with milliseconds and offset; empty for the zero value.
func (i Instant) String() string {
	if i == 0 {
		return ""
	}
	return i.Time().Format("2006-01-02T15:04:05.000Z07:00")
}

// MarshalText writes RFC 3339.
func (i Instant) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads RFC 3339 with an offset; an empty text is the zero value.
func (i *Instant) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*i = 0
		return nil
	}
	t, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return words.New("field.moment")
	}
	*i = InstantOf(t)
	return nil
}
