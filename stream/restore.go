package stream

import (
	"context"
	"encoding/json"
	"fmt"

	"stopline.internal/scoring"
	"stopline.internal/store/state"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// restore brings the partition to where the nearest checkpoint left it, the one beside the scorer or the
// remote one, and returns the offset to go on from. It does not wait for ClickHouse: where that is away and
// the states are not all here, the worker is provisional.
func (w *worker) restore(ctx context.Context) (next int64, err error) {
	asking, cancel := context.WithTimeout(ctx, w.patience.answer)
	defer cancel()
	remote, away := w.States.LoadCheckpoint(asking, w.claim.Partition)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	local, has := w.past.store.Checkpoint()
	copied := w.past.store.Copied()
	switch {
	case away != nil && has && copied.Whole:
		w.Log.Warn("ClickHouse does not answer; scoring goes on from the states on this machine",
			"partition", w.claim.Partition, "offset", local.Offset, "err", away)
	case away != nil:
		w.beProvisional(ctx, away)
	case has && (remote.Offset > local.Offset || !copied.Whole && remote.Offset < copied.From):
		// Another replica has gone on since, or what was being copied is no longer there.
		if err := w.past.store.Wipe(); err != nil {
			return 0, err
		}
		fallthrough
	case !has:
		if err := w.beginCopy(asking, remote); err != nil {
			return 0, err
		}
	}
	if local, has = w.past.store.Checkpoint(); !has {
		if err := w.readControls(ctx); err != nil {
			return 0, err
		}
		return w.claim.Offset, w.meetAnywhere(ctx, w.claim.Offset)
	}
	if err := w.take(local); err != nil || len(local.Marks) > 0 {
		return local.Offset, err
	}
	return local.Offset, w.meetAnywhere(ctx, local.Offset)
}

// meetAnywhere is for a start without marks: behind the log's beginning a source is
// met wherever it is, at the beginning with the first block of an epoch.
func (w *worker) meetAnywhere(ctx context.Context, from int64) error {
	first, _, err := w.Cluster.NewReader(w.Topics.Legs, w.claim.Partition, kafka.FirstOffset).Span(ctx)
	if err == nil && max(first, from) > 0 {
		w.part.SetMarks(scoring.Marks{Open: true})
	}
	return err
}

// beginCopy makes the store one that goes on from the remote checkpoint. A copy of one page is whole at
// once; the rest of a longer one follows while scoring goes on.
func (w *worker) beginCopy(ctx context.Context, remote warehouse.Checkpoint) error {
	err := w.past.store.Begin(state.Checkpoint(remote)).CommitWith(state.Copy{From: remote.Offset})
	if err != nil {
		return err
	}
	if err := w.copyPage(ctx); err != nil {
		w.Log.Warn("the states are copied later", "partition", w.claim.Partition, "err", err)
	}
	return nil
}

// take restores what a checkpoint has beside the states.
func (w *worker) take(c state.Checkpoint) error {
	p := w.claim.Partition
	w.saver.saved = c.Offset
	if len(c.Marks) > 0 {
		var marks scoring.Marks
		if err := json.Unmarshal(c.Marks, &marks); err != nil {
			return fmt.Errorf("checkpoint of partition %d: %w", p, err)
		}
		w.part.SetMarks(marks)
	}
	if len(c.Controls) > 0 {
		if err := w.part.SetControls(c.Controls); err != nil {
			return fmt.Errorf("checkpoint of partition %d: %w", p, err)
		}
	}
	if err := w.search.read(c.Wanted); err != nil {
		return fmt.Errorf("checkpoint of partition %d: %w", p, err)
	}
	return nil
}

// readControls reads what people have decided from where they decided it: a checkpoint that has it cannot
// be read.
func (w *worker) readControls(ctx context.Context) error {
	return w.Cluster.ReadAll(ctx, w.Topics.Controls, 1, w.Log, func(m *kafka.Message) error {
		var e event.Event
		if err := event.ParseInner(m.Value, &e); err != nil || e.Kind != event.KindControl {
			return nil // the rules' reader names it
		}
		if err := w.part.Decide(e.At, e.Control); err != nil {
			w.Log.Error("a control is passed over", "partition", w.claim.Partition, "err", err)
		}
		return nil
	})
}
