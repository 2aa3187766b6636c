package kafka

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

var errAway = errors.New("away")

// unheard is progress that nobody wants to know.
type unheard struct{}

func (unheard) Reached(string, int, int64) {}
func (unheard) Failing(string, int, error) {}
func (unheard) Left(string, int)           {}

// Work that went well for long and then fails is begun again soon, whatever
// happened before.
func TestWorkBeginsAnewAfterItWentWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began []time.Time
		ctx, cancel := context.WithCancel(t.Context())
		claim := &Claim{group: &Group{ID: "g", Log: slog.New(slog.DiscardHandler), Progress: unheard{}}}
		claim.keepWorking(ctx, func(context.Context, *Claim) error {
			began = append(began, time.Now())
			switch len(began) {
			case 9: // the pauses have grown to seconds
				time.Sleep(time.Hour)
			case 10:
				cancel()
			}
			return errAway
		})
		if len(began) != 10 {
			t.Fatalf("%d tries", len(began))
		}
		if p := began[8].Sub(began[7]); p < 2*time.Second {
			t.Errorf("the eighth pause is %s: it did not grow", p)
		}
		if p := began[9].Sub(began[8]) - time.Hour; p > time.Second {
			t.Errorf("after an hour that went well the pause is %s", p)
		}
	})
}
