package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/store/state"
	"stopline.internal/stream/event"
	"stopline.internal/stream/retry"
)

// The evicted states that are kept at hand: above the first number they are written before their time, above
// the second scoring waits until they are.
const (
	manyEvicted = 50_000
	maxEvicted  = 200_000
)

// checkpointer writes the states that have changed, the offset and what belongs to it into the store beside
// the scorer, one checkpoint at a time, while scoring goes on.
type checkpointer struct {
	*worker
	lastBegun time.Time
	saved     int64   // offset of the last checkpoint
	current   *saving // nil: none is on its way
	buf       []byte
}

// saving is a checkpoint on its way to the disk.
type saving struct {
	states   []*scoring.State
	batch    *state.Batch
	size     int
	controls bool // are among what is written
	done     chan error
}

// tick begins and ends checkpoints as they are due. It is called between batches, once all that they led to
// has been published. Where evicted states pile up because the disk does not take them, it slows scoring
// down instead of dropping any.
func (c *checkpointer) tick(ctx context.Context, offset int64) error {
	if c.provisional {
		c.forget()
		return nil
	}
	full := c.part.Waiting() > maxEvicted
	if err := c.finish(full); err != nil {
		if full {
			retry.Pause(ctx, time.Second)
		}
		return err
	}
	if c.current == nil && (c.part.Waiting() > manyEvicted || time.Since(c.lastBegun) > c.Checkpoint) {
		return c.begin(offset)
	}
	return nil
}

// forget bounds what a provisional worker keeps: nothing of it is written.
func (c *checkpointer) forget() {
	if c.part.Waiting() > manyEvicted {
		c.part.Written(c.part.Snapshot(), true)
	}
}

// begin encodes the states here, and writes them while scoring goes on.
func (c *checkpointer) begin(offset int64) error {
	c.lastBegun = time.Now()
	sv := &saving{states: c.part.Snapshot(), done: make(chan error, 1)}
	if offset == c.saved && len(sv.states) == 0 {
		return nil
	}
	_, controls := c.part.Controls()
	sv.controls = controls != nil
	sv.batch = c.past.store.Begin(state.Checkpoint{Offset: offset, Marks: event.Encode(c.part.Marks()),
		Controls: controls, Wanted: c.search.encode()})
	for _, s := range sv.states {
		c.buf = scoring.AppendState(c.buf[:0], s)
		if err := sv.batch.Put(state.Row{Entity: s.Entity, Version: s.Applied.Version(), State: c.buf}); err != nil {
			c.lost(sv)
			return errors.Join(err, sv.batch.Close())
		}
	}
	sv.size = sv.batch.Size()
	c.current = sv
	go func() { sv.done <- sv.batch.Commit() }()
	return nil
}

// lost says that a checkpoint was not written: all that was in it belongs to the next.
func (c *checkpointer) lost(sv *saving) {
	c.part.Written(sv.states, false)
	if sv.controls {
		c.part.ControlsLost()
	}
}

// finish ends a checkpoint that is written. With wait it waits for one that is on its way.
func (c *checkpointer) finish(wait bool) error {
	if c.current == nil {
		return nil
	}
	var err error
	if wait {
		err = <-c.current.done
	} else {
		select {
		case err = <-c.current.done:
		default:
			return nil
		}
	}
	sv := c.current
	c.current = nil
	if err != nil {
		c.lost(sv)
		return fmt.Errorf("write the scoring state: %w", err)
	}
	c.part.Written(sv.states, true)
	c.saved = sv.batch.Offset()
	c.Metrics.Checkpoints.WithLabelValues("local").Inc()
	c.Metrics.CheckpointBytes.WithLabelValues("local").Add(float64(sv.size))
	return nil
}

// whole writes a checkpoint now, and waits for it.
func (c *checkpointer) whole(offset int64) error {
	if err := c.finish(true); err != nil {
		return err
	}
	if err := c.begin(offset); err != nil {
		return err
	}
	return c.finish(true)
}
