package retry

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v7"
)

// Pauses are the bounds of the pauses between two tries.
type Pauses struct{ First, Most time.Duration }

// Do calls f until it works or ctx ends, whose error it then returns; an error
// that [Stop] wraps ends it at once. Each pause is twice the one before, up to
// Most, give or take half: replicas that lost the same server do not all come
// back at the same moment. failed is called for every try that another follows.
func (p Pauses) Do(ctx context.Context, f func() error, failed func(error)) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = p.First, p.Most, 2
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, f() }, backoff.WithBackOff(pauses),
		backoff.WithMaxElapsedTime(0), // a server may be away for a night
		backoff.WithNotify(func(err error, _ time.Duration) { failed(err) }))
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return backoff.AsRetryError(err).LastErr
}

// Stop marks an error after which trying again makes no sense.
func Stop(err error) error { return backoff.Permanent(err) }

// Again marks an error whose next try comes after the first pause, however many
// have failed before.
func (p Pauses) Again(err error) error { return backoff.RetryAfter(p.First, err) }

// Pause waits, or less when the context ends.
func Pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
