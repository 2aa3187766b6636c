package api

import (
	"net/http"
	"strconv"
)

// The headers by which every answer tells the service's time. It is the time
// that deadlines run by, and the one to write into documents: in a simulated city
// it is not the caller's.
const (
	headerTime = "Stopline-Time" // RFC 3339, to the millisecond
	headerPace = "Stopline-Pace" // of a simulated city alone: seconds of it in one of ours
)

// tellTime puts the service's time into every answer.
func (d Dependencies) tellTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(headerTime, d.Clock().String())
		if d.Simulation != nil {
			w.Header().Set(headerPace, strconv.FormatFloat(d.Simulation.Pace(), 'f', 1, 64))
		}
		next.ServeHTTP(w, r)
	})
}
