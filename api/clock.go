package api

import (
	"net/http"
	"strconv"
)

// Simulation says that the service works on the time of a simulated city.
type Simulation struct {
	Speed float64        // seconds of the city in one of ours, as asked for
	Pace  func() float64 // the same, now: a machine may carry less
}

// The headers by which every answer tells the service's time. It is the time
// that deadlines run by, and the one to write into documents: in a simulated city
// it is not the caller's.
const (
	headerTime = "Stopline-Time" // RFC 3339, to the millisecond
	headerPace = "Stopline-Pace" // of a simulated city alone: seconds of it in one of ours
)

// tellTime puts the service's time into every answer.
func (s *server) tellTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Clock != nil {
			w.Header().Set(headerTime, s.Clock().String())
		}
		if s.Simulation != nil {
			w.Header().Set(headerPace, paceText(s.Simulation.Pace()))
		}
		next.ServeHTTP(w, r)
	})
}

func paceText(pace float64) string { return strconv.FormatFloat(pace, 'f', 1, 64) }

// ClockDocument is the service's time, as the stream for consoles tells it.
type ClockDocument struct {
	At   string   `json:"at"`
	Pace *float64 `json:"pace,omitempty"` // of a simulated city
}

func (s *server) clockDocument() ClockDocument {
	d := ClockDocument{At: s.Clock().String()}
	if s.Simulation != nil {
		pace := s.Simulation.Pace()
		d.Pace = &pace
	}
	return d
}
