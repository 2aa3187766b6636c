package conformance

import (
	"net/http"
	"strings"
	"sync"
)

// flaky stands before the kit's API: it counts what the bank sends, fails some
// of it, and loses some answers.
type flaky struct {
	mu       sync.Mutex
	failed   int              // requests still to fail
	losing   bool             // the next outcome's answer is lost
	held     bool             // nothing is let through
	requests map[string]int   // by path
	codes    map[string][]int // the answers, by path
}

func (f *flaky) arm(failures int, lose bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed, f.losing = failures, lose
}

func (f *flaky) hold(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = on
}

// calls counts the bank's requests that change a stop.
func (f *flaky) calls(id string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path, c := range f.requests {
		if strings.Contains(path, id) {
			n += c
		}
	}
	return n
}

// answers counts the outcomes of a stop, and those that conflicted.
func (f *flaky) answers(id string) (n, conflicts int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path, codes := range f.codes {
		if strings.Contains(path, id+"/outcome") {
			n += len(codes)
			for _, c := range codes {
				if c == http.StatusConflict {
					conflicts++
				}
			}
		}
	}
	return n, conflicts
}

func (f *flaky) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		f.mu.Lock()
		f.requests[r.URL.Path]++
		failing := f.failed > 0 || f.held
		if f.failed > 0 {
			f.failed--
		}
		losing := f.losing && strings.HasSuffix(r.URL.Path, "/outcome")
		if losing {
			f.losing = false
		}
		f.mu.Unlock()
		if failing {
			http.Error(w, "the kit plays a center that cannot take it", http.StatusServiceUnavailable)
			return
		}
		rec := &recorder{ResponseWriter: w, drop: losing}
		next.ServeHTTP(rec, r)
		f.mu.Lock()
		f.codes[r.URL.Path] = append(f.codes[r.URL.Path], rec.status)
		f.mu.Unlock()
		if losing {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
}

// recorder notes the status, and keeps the answer back when it is to be lost.
type recorder struct {
	http.ResponseWriter
	status int
	drop   bool
}

// WriteHeader notes the status.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	if !r.drop {
		r.ResponseWriter.WriteHeader(status)
	}
}

// Write passes the answer on, or not.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.drop {
		return len(b), nil
	}
	return r.ResponseWriter.Write(b)
}
