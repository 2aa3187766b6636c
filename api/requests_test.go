package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"stopline.internal/api"
	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/api/center"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
)

// Every answer has an id: the caller's where it is sane, else one of ours; a
// problem document has it too.
func TestRequestIDs(t *testing.T) {
	d := apitest.Start(t)
	made := regexp.MustCompile(`^[0-9a-f]{20}$`)
	for sent, own := range map[string]bool{"": false, "a-B_c.9": true, strings.Repeat("x", 64): true,
		strings.Repeat("x", 65): false, "a b": false, "a\"b": false, "ключ": false} {
		for _, path := range []string{"/v1/bank/stops", "/v1/stops", "/v1/nothing", "/v1/me", "/healthz", "/"} {
			_, h, body := d.Send(d.Bank("PCBC"), http.MethodGet, path, "", "X-Request-Id", sent)
			id := h.Get("X-Request-Id")
			if own && id != sent || !own && !made.MatchString(id) {
				t.Errorf("%s with %q has the id %q", path, sent, id)
			}
			var p wire.Problem
			if h.Get("Content-Type") == "application/problem+json" &&
				(json.Unmarshal([]byte(body), &p) != nil || p.RequestID != id) {
				t.Errorf("%s: the problem does not name the request %s: %s", path, id, body)
			}
		}
	}
}

// What may be done is said where something else was tried.
func TestMethods(t *testing.T) {
	d := apitest.Start(t)
	for _, c := range []struct{ method, path, allow string }{
		{"DELETE", "/v1/bank/stops", "GET, HEAD"},
		{"GET", "/v1/bank/stops/stp_1/outcome", "POST"},
		{"POST", "/v1/exceptions/acct:1/p", "PUT, DELETE"},
		{"PUT", "/v1/cases/cas_1", "GET, HEAD, PATCH"},
		{"PATCH", "/v1/patterns", "GET, HEAD, PUT"},
		{"HEAD", "/v1/bank/stops/stream", "GET"},
		{"HEAD", "/v1/live", "GET"},
		{"HEAD", "/v1/reports", "POST"},
		{"POST", "/healthz", "GET, HEAD"},
	} {
		status, h, _ := d.Send(d.Bank("PCBC"), c.method, c.path, "")
		if status != http.StatusMethodNotAllowed || h.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q, want %q", c.method, c.path, status, h.Get("Allow"), c.allow)
		}
	}
}

// HEAD is answered as GET is, without the body.
func TestHead(t *testing.T) {
	d := apitest.Start(t)
	d.Request(1)
	for _, path := range []string{"/v1/bank/stops", "/v1/bank/stops/stp_1", "/v1/bank/stops/stp_9", "/v1/stops",
		"/v1/me", "/healthz", "/docs", "/", "/app.js", "/v1/openapi.json", "/v1/nothing"} {
		status, get, _ := d.Send(d.Bank("PCBC"), http.MethodGet, path, "")
		headStatus, head, body := d.Send(d.Bank("PCBC"), http.MethodHead, path, "")
		if headStatus != status || body != "" {
			t.Errorf("%s: HEAD %d with %q, GET %d", path, headStatus, body, status)
		}
		for _, name := range []string{"Content-Type", "ETag"} {
			if head.Get(name) != get.Get(name) {
				t.Errorf("%s: HEAD has %s %q, GET %q", path, name, head.Get(name), get.Get(name))
			}
		}
	}
}

// Who is not known is told how to be.
func TestChallenge(t *testing.T) {
	d := apitest.Start(t)
	for key, want := range map[string]string{"": `Bearer realm="stopline"`,
		"sl_wrong": `Bearer realm="stopline", error="invalid_token"`} {
		for _, path := range []string{"/v1/bank/stops", "/v1/stops", "/v1/bank/stops/stream"} {
			if status, h, _ := d.Send(key, http.MethodGet, path, ""); status != http.StatusUnauthorized ||
				h.Get("WWW-Authenticate") != want {
				t.Errorf("%s with %q: %d, %q", path, key, status, h.Get("WWW-Authenticate"))
			}
		}
	}
	if _, h, _ := d.Send(d.Bank("PCBC"), http.MethodGet, "/v1/stops", ""); h.Get("WWW-Authenticate") != "" {
		t.Error("who is known, and may not, is asked for a key")
	}
}

// brokenBook is a rulebook that panics when it is asked for exceptions.
type brokenBook struct{ center.Rulebook }

func (brokenBook) Exceptions() []scoring.Decision { panic("there is no rulebook") }

// The log says who asked for what, under which id and with what outcome; never an
// account, a key or a body. A person's changes are at info level.
func TestAccessLog(t *testing.T) {
	d := apitest.Start(t, func(d *api.Dependencies) { d.Book = brokenBook{d.Book} })
	for _, c := range []struct{ key, method, path, want string }{
		{d.Key(access.Supervisor), "PUT", "/v1/known-good/acct:62170009",
			`level=INFO msg=request method=PUT route=/v1/known-good/{entity} status=422 ms=0 by=supervisor request_id=r-1`},
		{d.Key(access.Supervisor), "GET", "/v1/stops",
			`level=DEBUG msg=request method=GET route=/v1/stops status=200 ms=0 by=supervisor request_id=r-1`},
		{d.Bank("PCBC"), "POST", "/v1/bank/stops/stp_secret/sweeps",
			`level=DEBUG msg=request method=POST route=/v1/bank/stops/{id}/sweeps status=422 ms=0 ` +
				`by="bank PCBC" request_id=r-1`},
		{d.Key(access.Supervisor), "GET", "/v1/exceptions",
			`level=INFO msg=request method=GET route=/v1/exceptions status=500 ms=0 by=supervisor request_id=r-1`},
		// the rulebook is broken here
	} {
		before := len(d.Logged())
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(`{"secret":"6217"}`))
		r.Header.Set("Authorization", "Bearer "+c.key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Request-Id", "r-1")
		w := httptest.NewRecorder()
		d.Handler.ServeHTTP(w, r)
		line := regexp.MustCompile(` ms=\d+ `).ReplaceAllString(d.Logged()[before:], " ms=0 ")
		if !strings.Contains(line, c.want) || strings.Contains(line, "6217") || strings.Contains(line, "secret") ||
			strings.Contains(line, "sl_") {
			t.Errorf("%s %s: %s, want %s", c.method, c.path, line, c.want)
		}
	}
}
