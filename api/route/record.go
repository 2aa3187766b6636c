package route

import (
	"context"

	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
)

// Log is where changes of stops go.
type Log interface {
	// Append writes an event and waits until the fold has judged it.
	Append(ctx context.Context, e ledger.Entry) (ledger.Result, error)
	// Write appends events without waiting.
	Write(ctx context.Context, e ...ledger.Entry) error
}

// Taints is where money to follow is announced.
type Taints interface {
	Taint(ctx context.Context, t ...*event.Taint) error
}

// Record writes the ledger's log for the handlers: what goes wrong is a problem.
type Record struct {
	Log      Log
	Taints   Taints
	Failures Failures
}

// Append writes an event and waits for the fold; where it says no, so does the
// answer.
func (r *Record) Append(ctx context.Context, e ledger.Entry) (ledger.Result, error) {
	res, err := r.Try(ctx, e)
	if err == nil && !res.Accepted {
		err = Refused(res.Why)
	}
	return res, err
}

// Try is Append for who goes on when the fold says no.
func (r *Record) Try(ctx context.Context, e ledger.Entry) (ledger.Result, error) {
	res, err := r.Log.Append(ctx, e)
	if err != nil {
		return res, r.Failures.Log(ctx, err)
	}
	return res, nil
}

// Write appends events, if there are any, without waiting for the fold.
func (r *Record) Write(ctx context.Context, events ...ledger.Entry) error {
	if len(events) == 0 {
		return nil
	}
	if err := r.Log.Write(ctx, events...); err != nil {
		return r.Failures.Log(ctx, err)
	}
	return nil
}

// Follow announces money to follow; none of the taints need be there.
func (r *Record) Follow(ctx context.Context, taints ...*event.Taint) error {
	var send []*event.Taint
	for _, t := range taints {
		if t != nil {
			send = append(send, t)
		}
	}
	if len(send) == 0 {
		return nil
	}
	if err := r.Taints.Taint(ctx, send...); err != nil {
		return r.Failures.Log(ctx, err)
	}
	return nil
}
