package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stopline.internal/store/state"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/retry"
)

// The rows of one insert and of one page of a copy, and how long ClickHouse may take for either: nothing
// waits for them.
const (
	maxStateRows = 10_000
	remoteTime   = time.Minute
)

// remoteKeeper keeps the remote checkpoint near the one beside the scorer. It reads what that has written,
// so that it needs no memory of what has changed while ClickHouse is away.
type remoteKeeper struct {
	*worker
	reached chan int64    // offsets that the remote checkpoint has reached, for the commit; the newest alone
	leave   chan struct{} // closed: write a last one
}

// run writes a remote checkpoint every so often, and a last one when the partition is left.
func (r *remoteKeeper) run(ctx context.Context) {
	failing := false
	for last := false; !last && ctx.Err() == nil; {
		select {
		case <-ctx.Done():
			return
		case <-r.leave:
			last = true
		case <-time.After(r.Remote):
		}
		err := r.write(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			r.Log.Warn("the remote checkpoint is late; scoring goes on", "partition", r.claim.Partition, "err", err)
		}
		failing = err != nil
	}
}

// write brings the remote checkpoint to the local one: the states that have changed since it, and then the
// offset that they belong to. Rows of another replica that has come further stay.
func (r *remoteKeeper) write(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, remoteTime)
	defer cancel()
	v, err := r.past.store.View()
	if err != nil || v == nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	p, to := r.claim.Partition, v.Checkpoint()
	remote, err := r.States.LoadCheckpoint(ctx, p)
	if err != nil {
		return err
	}
	if remote.Offset >= to.Offset {
		r.tell(min(remote.Offset, to.Offset))
		return nil
	}
	bytes := 0
	var page []warehouse.StateRow
	save := func() error {
		if err := r.States.SaveStates(ctx, p, page); err != nil {
			return err
		}
		page = page[:0]
		return nil
	}
	err = v.Each(remote.Offset, func(row state.Row) error {
		bytes += len(row.State)
		page = append(page, warehouse.StateRow{Entity: row.Entity, Version: row.Version,
			State: append([]byte(nil), row.State...)})
		if len(page) == maxStateRows {
			return save()
		}
		return nil
	})
	if err == nil {
		err = save()
	}
	if err == nil {
		err = r.States.SaveCheckpoint(ctx, p, warehouse.Checkpoint(to))
	}
	if err != nil {
		return err
	}
	r.Metrics.Checkpoints.WithLabelValues("remote").Inc()
	r.Metrics.CheckpointBytes.WithLabelValues("remote").Add(float64(bytes))
	r.tell(to.Offset)
	return nil
}

// tell hands an offset to the partition's owner, who commits it.
func (r *remoteKeeper) tell(offset int64) {
	select {
	case <-r.reached: // an older one that nobody has taken
	default:
	}
	r.reached <- offset
}

// commit commits what the remote checkpoint has reached.
func (r *remoteKeeper) commit() error {
	select {
	case offset := <-r.reached:
		if offset > max(0, r.claim.Offset) {
			return r.claim.Commit(offset, true)
		}
	default:
	}
	return nil
}

// copyPauses are those between two tries to copy a page.
var copyPauses = retry.Pauses{First: time.Second, Most: 30 * time.Second}

// copyRest copies what the remote checkpoint has and the store has not, a page after the other; then
// ClickHouse is asked for no state any more.
func (w *worker) copyRest(ctx context.Context) {
	if w.past.store.Copied().Whole {
		return
	}
	copying := w.Metrics.Copying.WithLabelValues(w.label)
	copying.Set(1)
	defer copying.Set(0)
	for ctx.Err() == nil && !w.past.store.Copied().Whole {
		_ = copyPauses.Do(ctx, func() error { return w.copyPage(ctx) }, func(err error) { // it ends with ctx
			w.Log.Warn("the states are copied later", "partition", w.claim.Partition, "err", err)
		})
	}
	if ctx.Err() == nil {
		w.Log.Info("the states are all on this machine", "partition", w.claim.Partition, "bytes", w.past.store.Bytes())
	}
}

// copyPage copies the next page.
func (w *worker) copyPage(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, remoteTime)
	defer cancel()
	c := w.past.store.Copied()
	page, err := w.States.StatesAfter(ctx, w.claim.Partition, c.After, maxStateRows)
	if err != nil {
		return fmt.Errorf("copy the states after %q: %w", c.After, err)
	}
	rows := make([]state.Row, len(page))
	for i := range page {
		rows[i] = state.Row(page[i])
		c.After = page[i].Entity
	}
	c.Whole = len(page) < maxStateRows
	if err := w.past.store.AddCopied(rows, c); err != nil {
		return err
	}
	w.Metrics.Copied.Add(float64(len(rows)))
	return nil
}
