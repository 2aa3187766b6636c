package retry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errAway = errors.New("away")

// A server that is away for a night is asked until it is back, ever more
// seldom, and never at the same moment by all. (The clock is the bubble's.)
func TestRetryGoesOnUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := time.Now().Add(8 * time.Hour)
		var pauses []time.Duration
		last, heard := time.Now(), 0
		err := Pauses{100 * time.Millisecond, 5 * time.Second}.Do(t.Context(), func() error {
			if now := time.Now(); now != last {
				pauses = append(pauses, now.Sub(last))
				last = now
			}
			if time.Now().Before(back) {
				return errAway
			}
			return nil
		}, func(err error) {
			if heard++; !errors.Is(err, errAway) {
				t.Errorf("heard of %v", err)
			}
		})
		if err != nil || heard != len(pauses) {
			t.Errorf("it ended with %v; %d failures heard of before %d pauses", err, heard, len(pauses))
		}
		same := true
		for i, p := range pauses {
			want := 5 * time.Second // 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5 …
			if i < 6 {
				want = 100 * time.Millisecond << i
			}
			if p < want/2 || p > want*3/2 {
				t.Errorf("pause %d is %s, want %s give or take half", i+1, p, want)
			}
			same = same && i > 6 && p == pauses[i-1] || i <= 6
		}
		if same {
			t.Error("the pauses do not differ: replicas would all come back at once")
		}
	})
}

// The end of the context and an error that is for good end it, with their own
// error and without a word to the log.
func TestRetryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		tries := 0
		err := Pauses{time.Second, time.Second}.Do(ctx, func() error {
			if tries++; tries == 3 {
				cancel()
			}
			return errAway
		}, func(error) {
			if tries == 3 {
				t.Error("the try that the context ended was heard of")
			}
		})
		if !errors.Is(err, context.Canceled) || tries != 3 {
			t.Errorf("after %d tries: %v", tries, err)
		}
		err = Pauses{time.Second, time.Second}.Do(t.Context(), func() error { return Stop(errAway) },
			func(error) { t.Error("heard of") })
		if err != errAway { //nolint:errorlint // itself, not wrapped
			t.Errorf("%v, want the error itself", err)
		}
	})
}
