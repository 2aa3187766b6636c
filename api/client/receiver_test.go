package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	ours   = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	theirs = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

// posted is a message as the center sends it, signed with a secret at a moment.
func posted(t *testing.T, secret, id, body string, at time.Time) *http.Request {
	t.Helper()
	k, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := k.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set(standardwebhooks.HeaderWebhookID, id)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, sig)
	return r
}

func message(stop string, version int) string {
	return `{"type":"stop.requested","timestamp":"2026-11-24T10:00:00+08:00","data":{"id":"` + stop + `","version":` +
		strconv.Itoa(version) + `}}`
}

// A receiver does the work of what is signed, once, and says what is wrong with
// everything else.
func TestReceiver(t *testing.T) {
	var handled []string
	var fail error
	r := &Receiver{Secrets: []string{ours, theirs}, Handle: func(_ context.Context, m Message) error {
		handled = append(handled, m.ID+" "+m.Type+" "+m.Data.ID+" "+strconv.Itoa(m.Data.Version))
		return fail
	}}
	now := time.Now()
	const unsigned = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
	get := httptest.NewRequest(http.MethodGet, "/", nil)
	large := posted(t, ours, "msg_9", strings.Repeat("x", maxMessage+1), now)
	changed := posted(t, ours, "msg_1", message("stp_1", 2), now)
	changed.Body = http.NoBody
	for _, c := range []struct {
		name   string
		send   *http.Request
		fail   error
		status int
		does   bool
	}{
		{"another method", get, nil, 405, false},
		{"signed by nobody that may", posted(t, unsigned, "msg_1", message("stp_1", 2), now), nil, 401, false},
		{"ten minutes old", posted(t, ours, "msg_1", message("stp_1", 2), now.Add(-10*time.Minute)), nil, 401, false},
		{"another body", changed, nil, 401, false},
		{"too large", large, nil, 413, false},
		{"no message", posted(t, ours, "msg_1", `{"type":"stop.requested"}`, now), nil, 400, false},
		{"work that fails", posted(t, ours, "msg_1", message("stp_1", 2), now), errors.New("later"), 500, true},
		{"the same again", posted(t, ours, "msg_1", message("stp_1", 2), now), nil, 200, true},
		{"and again, done", posted(t, ours, "msg_1", message("stp_1", 2), now), nil, 200, false},
		{"by the next secret", posted(t, theirs, "msg_2", message("stp_1", 4), now), nil, 200, true},
		{"one that was overtaken", posted(t, ours, "msg_3", message("stp_1", 3), now), nil, 200, false},
		{"of another stop", posted(t, ours, "msg_4", message("stp_2", 1), now), nil, 200, true},
	} {
		before := len(handled)
		fail = c.fail
		w := httptest.NewRecorder()
		r.ServeHTTP(w, c.send)
		if w.Code != c.status || (len(handled) > before) != c.does {
			t.Errorf("%s: %d, worked on %v; want %d, %v", c.name, w.Code, len(handled) > before, c.status, c.does)
		}
	}
	want := []string{"msg_1 stop.requested stp_1 2", "msg_1 stop.requested stp_1 2", "msg_2 stop.requested stp_1 4",
		"msg_4 stop.requested stp_2 1"}
	if !slices.Equal(handled, want) {
		t.Errorf("%q, want %q", handled, want)
	}
}

// A receiver without a secret, or with one that is none, takes nothing.
func TestReceiverNeedsASecret(t *testing.T) {
	for _, secrets := range [][]string{nil, {"whsec_?"}} {
		w := httptest.NewRecorder()
		(&Receiver{Secrets: secrets}).ServeHTTP(w, posted(t, ours, "msg_1", message("stp_1", 2), time.Now()))
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "whsec_?") {
			t.Errorf("%q: %d %s", secrets, w.Code, w.Body)
		}
	}
}

// A message that comes again while it is being worked on waits for the end of
// that work, and is answered as it went.
func TestReceiverAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		times := 0
		r := &Receiver{Secrets: []string{ours}, Handle: func(context.Context, Message) error {
			mu.Lock()
			times++
			mu.Unlock()
			time.Sleep(time.Second)
			return nil
		}}
		var all sync.WaitGroup
		begun := time.Now()
		for range 5 {
			all.Go(func() {
				w := httptest.NewRecorder()
				r.ServeHTTP(w, posted(t, ours, "msg_1", message("stp_1", 2), time.Now()))
				if w.Code != http.StatusOK || time.Since(begun) != time.Second {
					t.Errorf("%d after %s", w.Code, time.Since(begun))
				}
			})
		}
		all.Wait()
		if times != 1 {
			t.Errorf("worked on %d times", times)
		}
	})
}

// What is remembered is bounded, the oldest first.
func TestReceiverForgets(t *testing.T) {
	r := &Receiver{Secrets: []string{ours}, Handle: func(context.Context, Message) error { return nil }}
	if err := r.init(); err != nil {
		t.Fatal(err)
	}
	for i := range maxSeen + 1 {
		if err := r.once(t.Context(), Message{ID: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.done) != maxSeen || r.done["0"] || !r.done["1"] || len(r.begun) != 0 {
		t.Errorf("%d are remembered, the first %v, the second %v", len(r.done), r.done["0"], r.done["1"])
	}
}
