package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bits-and-blooms/bloom/v3"

	"stopline.internal/scoring"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
	"stopline.internal/stream/retry"
)

// The bounds of checkpoints: evicted states that may wait for ClickHouse, the rows
// of one insert, and the states that a start reads back at once.
const (
	maxEvicted   = 200_000
	maxStateRows = 50_000
	maxRestored  = 200_000
)

// The filter of entities that have a state is made for so many, and errs that
// often: then ClickHouse is asked in vain.
const (
	filterEntities = 1_000_000 // or four times as many as are hot, where that is more
	filterError    = 0.01
)

// restore reads the checkpoint, the states that changed last, and the names
// of all the others.
func (w *worker) restore(ctx context.Context) error {
	p := w.claim.Partition
	cp, err := w.States.LoadCheckpoint(ctx, p)
	if err != nil {
		return err
	}
	w.saver.saved = cp.Offset
	if len(cp.Marks) > 0 {
		var marks scoring.Marks
		if err := json.Unmarshal(cp.Marks, &marks); err != nil {
			return fmt.Errorf("checkpoint of partition %d: %w", p, err)
		}
		w.part.SetMarks(marks)
	}
	if err := w.restoreControls(ctx); err != nil {
		return err
	}
	w.cold.hasState = bloom.NewWithEstimates(uint(max(4*w.Hot, filterEntities)), filterError)
	if err := w.States.Entities(ctx, p, func(name string) { w.cold.hasState.AddString(name) }); err != nil {
		return err
	}
	rows, err := w.States.RecentStates(ctx, p, min(w.Hot, maxRestored))
	if err != nil {
		return err
	}
	for i := len(rows) - 1; i >= 0; i-- { // the newest last, so that it is the hottest
		if rows[i].Entity == event.ControlEntity {
			continue
		}
		s, err := scoring.ReadState(rows[i].Entity, rows[i].State)
		if err != nil {
			return err
		}
		w.part.Put(s)
		w.search.want(s)
	}
	return nil
}

// restoreControls reads what people had decided by the last checkpoint.
func (w *worker) restoreControls(ctx context.Context) error {
	rows, err := w.States.LoadStates(ctx, w.claim.Partition, []event.Entity{event.ControlEntity})
	if err != nil || len(rows) == 0 {
		return err
	}
	if err := w.part.SetControls(rows[0].State); err != nil {
		return fmt.Errorf("partition %d: %w", w.claim.Partition, err)
	}
	return nil
}

// checkpointer writes the states that have changed, the offset and the marks, one
// checkpoint at a time, while scoring goes on, and commits what is written.
type checkpointer struct {
	*worker
	away      *pauseOfStates
	lastBegun time.Time
	saved     int64   // offset of the last checkpoint
	current   *saving // nil: none is on its way
}

// saving is a checkpoint on its way to ClickHouse.
type saving struct {
	states   []*scoring.State
	rows     []warehouse.StateRow
	controls bool // are among what is written
	at       warehouse.Checkpoint
	whole    bool // nothing is left out, so that the offset can be committed
	done     chan error
}

// tick begins and ends checkpoints as they are due. Where evicted states pile up
// because ClickHouse does not take them, it slows scoring down instead of dropping
// any.
func (c *checkpointer) tick(ctx context.Context, offset int64) error {
	full := c.part.Waiting() > maxEvicted
	if err := c.finish(full); err != nil {
		if full {
			retry.Pause(ctx, time.Second)
		}
		return err
	}
	if c.current == nil && (full || time.Since(c.lastBegun) > c.Checkpoint) {
		c.begin(context.WithoutCancel(ctx), offset)
	}
	return nil
}

// begin encodes the states here, and writes them while scoring goes on.
func (c *checkpointer) begin(ctx context.Context, offset int64) {
	c.lastBegun = time.Now()
	sv := &saving{states: c.part.Snapshot(), whole: len(c.cold.unread) == 0, done: make(chan error, 1)}
	if offset == c.saved && len(sv.states) == 0 {
		return
	}
	sv.rows = make([]warehouse.StateRow, len(sv.states))
	for i, s := range sv.states {
		sv.rows[i] = warehouse.StateRow{Entity: s.Entity, Version: s.Applied.Version(), State: scoring.AppendState(nil, s)}
		c.cold.hasState.AddString(string(s.Entity))
	}
	version, controls := c.part.Controls()
	if sv.controls = controls != nil; sv.controls {
		sv.rows = append(sv.rows, warehouse.StateRow{Entity: event.ControlEntity, Version: version, State: controls})
	}
	sv.at = warehouse.Checkpoint{Offset: offset, Marks: event.Encode(c.part.Marks())}
	c.current = sv
	go func() { sv.done <- sv.write(ctx, c.States, c.claim.Partition) }()
}

// write writes the states, and then the offset that they belong to.
func (sv *saving) write(ctx context.Context, to States, partition int) error {
	for rows := sv.rows; len(rows) > 0; {
		n := min(maxStateRows, len(rows))
		if err := to.SaveStates(ctx, partition, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	if !sv.whole {
		return nil
	}
	return to.SaveCheckpoint(ctx, partition, sv.at)
}

// finish ends a checkpoint that is written, and commits. With wait it waits for
// one that is on its way.
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
	c.part.Written(sv.states, err == nil)
	if err != nil {
		if sv.controls {
			c.part.ControlsLost()
		}
		c.away.failed()
		return fmt.Errorf("write the scoring state: %w", err)
	}
	if !sv.whole {
		return nil // legs of unread entities must be read again after a crash
	}
	c.saved = sv.at.Offset
	c.Metrics.Checkpoints.Inc()
	return c.claim.Commit(sv.at.Offset, true)
}
