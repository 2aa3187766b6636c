package stream

import (
	"context"
	"errors"

	"stopline.internal/stream/retry"
)

// errPastIsBack ends a provisional worker: another begins from the checkpoint, with the past.
var errPastIsBack = errors.New("the past can be read again")

// beProvisional makes a worker go on without a past that cannot be read. It scores on what is there and what
// comes in, publishes what asks for money to be held, marked, and keeps and commits nothing.
func (w *worker) beProvisional(ctx context.Context, why error) {
	w.provisional = true
	w.Metrics.Provisional.WithLabelValues(w.label).Set(1)
	w.Log.Error("ClickHouse does not answer and the states are not all here: scoring is provisional until it is back",
		"partition", w.claim.Partition, "err", why)
	w.back = make(chan struct{})
	w.background(ctx, w.probe)
}

// probe waits until the remote checkpoint can be read. The pause grows with each provisional worker of the
// partition, since what was scored without the past is scored again each time.
func (w *worker) probe(ctx context.Context) {
	for retry.Pause(ctx, w.probeAfter); ctx.Err() == nil; retry.Pause(ctx, w.probeAfter) {
		asking, cancel := context.WithTimeout(ctx, w.patience.answer)
		_, err := w.States.LoadCheckpoint(asking, w.claim.Partition)
		cancel()
		if err == nil {
			close(w.back)
			return
		}
	}
}

// pastIsBack says whether a provisional worker gives way to one with the past.
func (w *worker) pastIsBack() bool {
	select {
	case <-w.back: // of a worker that is not provisional it is nil
		return true
	default:
		return false
	}
}
