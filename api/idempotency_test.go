package api

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/stream/event"
)

// keeper is the middleware before a handler of the test's own.
type keeper struct {
	t     *testing.T
	now   event.Instant
	calls int
	serve func(w http.ResponseWriter, r *http.Request)
	http.Handler
}

func newKeeper(t *testing.T) *keeper {
	k := &keeper{t: t, now: 1_000_000_000_000}
	k.serve = func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("ETag", `"2"`)
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, "%d: %s", k.calls, b)
	}
	k.Handler = newAnswers(
		func() event.Instant { return k.now },
	).keep(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.calls++
		k.serve(w, r)
	}))
	return k
}

// send asks as an identity, with a key where it is not empty.
func (k *keeper) send(name, key, method, path, body string) *httptest.ResponseRecorder {
	ctx := access.With(k.t.Context(), &access.Identity{Name: name, Role: access.Analyst})
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	w.Header().Set(requestHeader, fmt.Sprint("request-", k.calls))
	k.ServeHTTP(w, r)
	return w
}

// The same request with the same key is done once; it gets the first answer
// again, with its status, headers and body, and says so.
func TestIdempotencyKey(t *testing.T) {
	k := newKeeper(t)
	first := k.send("li", `"a"`, "POST", "/v1/x", "hello")
	if first.Code != 201 || first.Body.String() != "1: hello" || first.Header().Get("Idempotency-Replayed") != "" {
		t.Fatalf("%d %s %v", first.Code, first.Body, first.Header())
	}
	for _, key := range []string{`"a"`, "a"} { // as a structured field and bare
		again := k.send("li", key, "POST", "/v1/x", "hello")
		if again.Code != 201 || again.Body.String() != "1: hello" || again.Header().Get("ETag") != `"2"` ||
			again.Header().Get("Idempotency-Replayed") != "true" ||
			again.Header().Get(requestHeader) != "request-1" {
			t.Errorf("again: %d %s %v", again.Code, again.Body, again.Header())
		}
	}
	if k.calls != 1 {
		t.Fatalf("the request was done %d times", k.calls)
	}
	for name, c := range map[string]struct {
		as, key, method, path, body string
		status, calls               int
	}{
		"another body":       {"li", "a", "POST", "/v1/x", "hallo", 422, 0},
		"another path":       {"li", "a", "POST", "/v1/y", "hello", 422, 0},
		"another query":      {"li", "a", "POST", "/v1/x?q=1", "hello", 422, 0},
		"another method":     {"li", "a", "DELETE", "/v1/x", "hello", 422, 0},
		"another identity":   {"wang", "a", "POST", "/v1/x", "hallo", 201, 1},
		"another key":        {"li", "b", "POST", "/v1/x", "hello", 201, 1},
		"no key":             {"li", "", "POST", "/v1/x", "hello", 201, 1},
		"a reading":          {"li", "a", "GET", "/v1/x", "", 201, 1},
		"an empty key":       {"li", `""`, "POST", "/v1/x", "hello", 400, 0},
		"half a quote":       {"li", `"a`, "POST", "/v1/x", "hello", 400, 0},
		"a key that is long": {"li", strings.Repeat("k", 256), "POST", "/v1/x", "hello", 400, 0},
		"an odd key":         {"li", "ключ", "POST", "/v1/x", "hello", 400, 0},
	} {
		before := k.calls
		if w := k.send(c.as, c.key, c.method, c.path, c.body); w.Code != c.status || k.calls-before != c.calls {
			t.Errorf("%s: %d %s after %d calls; want %d after %d", name, w.Code, w.Body, k.calls-before, c.status, c.calls)
		}
	}
	k.now = k.now.Add(24*time.Hour - time.Millisecond)
	if w := k.send("li", "a", "POST", "/v1/x", "hello"); w.Body.String() != "1: hello" {
		t.Errorf("just before the day is over: %s", w.Body)
	}
	k.now++
	if w := k.send("li", "a", "POST", "/v1/x", "other"); w.Code != 201 {
		t.Errorf("a day later the key is free: %d %s", w.Code, w.Body)
	}
}

// While the first is worked on, a second one waits for nothing: 409.
func TestIdempotencyWhileRunning(t *testing.T) {
	k := newKeeper(t)
	inside := k.serve
	k.serve = func(w http.ResponseWriter, r *http.Request) {
		if second := k.send("li", "a", "POST", "/v1/x", "hello"); second.Code != 409 {
			t.Errorf("while the first is running: %d %s", second.Code, second.Body)
		}
		if other := k.send("li", "a", "POST", "/v1/x", "other"); other.Code != 422 {
			t.Errorf("another request while the first is running: %d %s", other.Code, other.Body)
		}
		inside(w, r)
	}
	if w := k.send("li", "a", "POST", "/v1/x", "hello"); w.Code != 201 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := k.send("li", "a", "POST", "/v1/x", "hello"); w.Code != 201 || k.calls != 1 {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

// What failed may be tried again, and so may what was answered at too great a
// length to keep; a refusal is an answer.
func TestIdempotencyKeepsNoFailures(t *testing.T) {
	k := newKeeper(t)
	status, body, fail := 503, "x", false
	k.serve = func(w http.ResponseWriter, _ *http.Request) {
		if fail {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
	for name, c := range map[string]struct {
		status, calls int
		body          string
	}{
		"unavailable": {503, 2, "x"}, "too often": {429, 2, "x"}, "refused": {422, 1, "x"}, "conflict": {409, 1, "x"},
		"done":              {200, 1, "x"},
		"just short enough": {200, 1, strings.Repeat("x", 64<<10)}, "too long": {200, 2, strings.Repeat("x", 64<<10+1)},
	} {
		status, body = c.status, c.body
		before := k.calls
		for range 2 {
			if w := k.send("li", name, "POST", "/v1/x", ""); w.Code != c.status || w.Body.String() != c.body {
				t.Errorf("%s: %d with %d bytes", name, w.Code, w.Body.Len())
			}
		}
		if k.calls-before != c.calls {
			t.Errorf("%s: done %d times, want %d", name, k.calls-before, c.calls)
		}
	}
	fail = true
	func() {
		defer func() { _ = recover() }()
		k.send("li", "panic", "POST", "/v1/x", "")
	}()
	fail, status = false, 200
	if k.send("li", "panic", "POST", "/v1/x", "").Code != 200 {
		t.Error("after a panic the key stays taken")
	}
}

// An identity's answers are bounded in number and in bytes, and do not push
// anybody else's out.
func TestIdempotencyIsBounded(t *testing.T) {
	k := newKeeper(t)
	k.send("wang", "kept", "POST", "/v1/x", "")
	for i := range 2000 {
		k.send("li", fmt.Sprint("n", i), "POST", "/v1/x", "")
	}
	replayed := func(as, key string) bool {
		return k.send(as, key, "POST", "/v1/x", "").Header().Get("Idempotency-Replayed") == "true"
	}
	if !replayed("li", "n0") || !replayed("wang", "kept") {
		t.Error("an answer is gone before there are 2000")
	}
	k.send("li", "one more", "POST", "/v1/x", "")
	if replayed("li", "n1") || !replayed("li", "n0") || !replayed("wang", "kept") {
		t.Error("of 2001 the one that was used longest ago must go, and no other")
	}
	k.serve = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 64<<10)) }
	for i := range 129 { // 8 MiB are 128 of these
		k.send("li", fmt.Sprint("large", i), "POST", "/v1/x", "")
	}
	if replayed("li", "n1999") || replayed("li", "large0") || !replayed("li", "large128") || !replayed("wang", "kept") {
		t.Error("the answers of one identity grow beyond 8 MiB")
	}
}
