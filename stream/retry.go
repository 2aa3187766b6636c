package stream

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v7"
)

// waits are the bounds of the pauses between two tries.
type waits struct{ first, most time.Duration }

// retry calls f until it works or ctx ends, whose error it then returns; an
// error that [backoff.Permanent] wraps ends it at once. Each pause is twice the
// one before, up to most, give or take half: replicas that lost the same server
// do not all come back at the same moment. failed hears of every try that is
// followed by another.
func (w waits) retry(ctx context.Context, f func() error, failed func(error)) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = w.first, w.most, 2
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
