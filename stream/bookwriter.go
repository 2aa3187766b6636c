package stream

import (
	"context"
	"time"

	"stopline.internal/store/warehouse"
	"stopline.internal/stream/retry"
)

// The writer writes at so many rows or bytes, or after so long, whichever is
// first. What is on the way to it is at most one batch of each partition more.
const (
	writeRows  = 100_000
	writeBytes = 64 << 20
	writeAfter = 2 * time.Second
)

// writePauses are those between two tries to write a batch.
var writePauses = retry.Pauses{First: 200 * time.Millisecond, Most: 10 * time.Second}

// bookWriter gathers the rows of all partitions of the sink, writes them and then
// how far they go. It tries until it works: slower, and complete.
type bookWriter struct {
	*Deps
	warehouse *warehouse.Warehouse
	books     *warehouse.Books
	in        chan handover
	pending   map[*sinkPartition]int64 // offset of the next record, once these rows are written
}

// handover are the rows of a partition up to an offset.
type handover struct {
	of   *sinkPartition // nil: write what there is, and close done
	rows *warehouse.Rows
	next int64
	done chan struct{}
}

func newBookWriter(d *Deps, w *warehouse.Warehouse) *bookWriter {
	return &bookWriter{Deps: d, warehouse: w, books: w.NewBooks(), in: make(chan handover),
		pending: map[*sinkPartition]int64{}}
}

// hand gives rows to the writer, and waits while it has as many as it may.
func (w *bookWriter) hand(ctx context.Context, p *sinkPartition, rows *warehouse.Rows, next int64) error {
	select {
	case w.in <- handover{of: p, rows: rows, next: next}:
		p.handed = next
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish waits until everything is written that was handed over before.
func (w *bookWriter) finish(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case w.in <- handover{done: done}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run writes until ctx ends.
func (w *bookWriter) run(ctx context.Context) {
	due := time.NewTimer(writeAfter)
	defer due.Stop()
	for {
		var h handover
		select {
		case h = <-w.in:
		case <-due.C:
		case <-ctx.Done():
			return
		}
		if h.of != nil {
			if len(w.pending) == 0 {
				due.Reset(writeAfter)
			}
			w.books.Add(h.rows)
			w.pending[h.of] = h.next
			if w.books.Len() < writeRows && w.books.Bytes() < writeBytes {
				continue
			}
		}
		if w.write(ctx) != nil {
			return // ctx has ended
		}
		if h.done != nil {
			close(h.done)
		}
	}
}

// write writes the rows, then the offsets, then tells the partitions.
func (w *bookWriter) write(ctx context.Context) error {
	if len(w.pending) == 0 {
		return nil
	}
	offsets := make([]warehouse.Offset, 0, len(w.pending))
	for p, next := range w.pending {
		offsets = append(offsets, warehouse.Offset{Topic: p.topic, Partition: p.partition, Next: next})
	}
	err := writePauses.Do(ctx, func() error {
		done, err := w.books.Flush(ctx)
		for table, n := range done {
			w.Metrics.Rows.WithLabelValues(table).Add(float64(n))
		}
		if err != nil {
			return err
		}
		return w.warehouse.SetOffsets(ctx, offsets)
	}, func(err error) {
		w.Log.Error("ClickHouse did not take a batch; trying again", "rows", w.books.Len(), "partitions", len(offsets),
			"err", err)
	})
	if err != nil {
		return err
	}
	for p, next := range w.pending {
		p.written.Store(next)
	}
	clear(w.pending)
	return nil
}
