package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"stopline.internal/api/client"
)

// flaky answers each request in turn, and the last answer from then on; 0 cuts
// the connection.
func flaky(t *testing.T, calls *int, answers ...int) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := answers[min(*calls, len(answers)-1)]
		*calls++
		switch answer {
		case 0:
			panic(http.ErrAbortHandler)
		case http.StatusTooManyRequests:
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(answer)
		_, _ = fmt.Fprintf(w, `{"status":%d,"title":"t","code":"c","id":"stp_1"}`, answer)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		answers []int
		retries int
		calls   int
		status  int // of the problem; 0: none
		atLeast time.Duration
	}{
		"what is down comes back":     {[]int{503, 0, 502, 200}, 0, 4, 0, 0},
		"a time that is named":        {[]int{429, 200}, 0, 2, 0, time.Second},
		"one's own mistake":           {[]int{422}, 0, 1, 422, 0},
		"a wrong key":                 {[]int{401}, 5, 1, 401, 0},
		"as many as were asked for":   {[]int{500}, 2, 3, 500, 0},
		"eight unless told otherwise": {[]int{500}, 0, 9, 500, 0},
		"none":                        {[]int{500}, -1, 1, 500, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			bank := &client.Client{
				URL:     flaky(t, &calls, c.answers...).URL,
				Key:     "k",
				Retries: c.retries,
				Backoff: time.Microsecond,
			}
			begun := time.Now()
			stop, err := bank.Acknowledge(t.Context(), "stp_1")
			var p *client.Problem
			if c.status == 0 && (err != nil || stop.ID != "stp_1") ||
				c.status != 0 && (!errors.As(err, &p) || p.Status != c.status) {
				t.Errorf("answered %+v, %v", stop, err)
			}
			if calls != c.calls || time.Since(begun) < c.atLeast {
				t.Errorf("asked %d times in %v, want %d", calls, time.Since(begun), c.calls)
			}
		})
	}
}

// Who stops waiting is told so, not what the center last answered.
func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	calls := 0
	bank := &client.Client{URL: flaky(t, &calls, 503).URL, Key: "k", Backoff: time.Hour}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := bank.Stop(ctx, "stp_1"); !errors.Is(err, context.DeadlineExceeded) || calls != 1 {
		t.Errorf("%v after %d", err, calls)
	}
}

// A stream that the center refuses ends; the reader's own error comes back as it
// is, though they also ended the context.
func TestListenEnds(t *testing.T) {
	t.Parallel()
	calls := 0
	bank := &client.Client{URL: flaky(t, &calls, 503, 401).URL, Key: "k"}
	var p *client.Problem
	if err := bank.Listen(t.Context(), "", nil); !errors.As(err, &p) || p.Status != http.StatusUnauthorized ||
		calls != 2 {
		t.Errorf("%v after %d", err, calls)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "event: stop.requested\nid: 7\ndata: {\"id\":\"m\",\"data\":{\"id\":\"stp_1\"}}\n\n")
	}))
	defer srv.Close()
	enough := errors.New("enough")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := (&client.Client{URL: srv.URL, Key: "k"}).Listen(ctx, "", func(_ context.Context, m client.Message) error {
		if m.Place != "7" || m.Data.ID != "stp_1" {
			t.Errorf("message %+v", m)
		}
		cancel()
		return enough
	})
	if err != enough { //nolint:errorlint // it is to be the same
		t.Errorf("Listen: %v", err)
	}
}
