package warehouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"stopline.internal/stream/event"
)

// StateRow is what is kept of one entity, as bytes that scoring made.
type StateRow struct {
	Entity  event.Entity
	Version uint64 // grows with each leg applied
	State   []byte
}

// SaveStates writes states of a legs partition; the highest version counts, whoever wrote last.
func (w *Warehouse) SaveStates(ctx context.Context, partition int, rows []StateRow) error {
	return writeAll(ctx, w, "entity_state", &rows, func(r *StateRow) []any {
		return []any{uint16(partition), string(r.Entity), r.Version, r.State}
	})
}

// LoadStates reads the states of the entities that have one.
func (w *Warehouse) LoadStates(ctx context.Context, partition int, entities []event.Entity) ([]StateRow, error) {
	names := make([]string, len(entities))
	for i, e := range entities {
		names[i] = string(e)
	}
	return w.states(ctx, `SELECT entity, max(version), argMax(state, version) FROM entity_state
		WHERE partition = {partition:UInt16} AND entity IN {names:Array(String)} GROUP BY entity`,
		clickhouse.Named("partition", partition), clickhouse.Named("names", names))
}

// StatesAfter reads the states of the entities that come after one by name, at most limit of them, by
// name: a page of all that a partition has.
func (w *Warehouse) StatesAfter(ctx context.Context, partition int, after event.Entity, limit int) ([]StateRow, error) {
	return w.states(ctx, `SELECT entity, max(version), argMax(state, version) FROM entity_state
		WHERE partition = {partition:UInt16} AND entity > {after:String}
		GROUP BY entity ORDER BY entity LIMIT {limit:UInt32} SETTINGS optimize_aggregation_in_order = 1`,
		clickhouse.Named("partition", partition), clickhouse.Named("after", string(after)),
		clickhouse.Named("limit", limit))
}

func (w *Warehouse) states(ctx context.Context, query string, args ...any) ([]StateRow, error) {
	rows, err := w.conn.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read entity states: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []StateRow
	for rows.Next() {
		var r StateRow
		var name, state string
		if err := rows.Scan(&name, &r.Version, &state); err != nil {
			return nil, fmt.Errorf("read entity states: %w", err)
		}
		r.Entity, r.State = event.Entity(name), []byte(state)
		out = append(out, r)
	}
	return out, rows.Err()
}

// Checkpoint is how far a legs partition has been scored, with all that
// follows from it written. The bytes are scoring's.
type Checkpoint struct {
	Offset   int64  // next to read
	Marks    []byte // last offset of each source partition
	Controls []byte // what people had decided
	Wanted   []byte // accounts whose payments are searched for
}

// SaveCheckpoint writes it; the highest offset counts, whoever wrote last.
func (w *Warehouse) SaveCheckpoint(ctx context.Context, partition int, c Checkpoint) error {
	rows := []Checkpoint{c}
	err := writeAll(ctx, w, "checkpoints", &rows, func(c *Checkpoint) []any {
		return []any{uint16(partition), c.Offset, c.Marks, c.Controls, c.Wanted}
	})
	if err != nil {
		return fmt.Errorf("save the checkpoint of partition %d: %w", partition, err)
	}
	return nil
}

// LoadCheckpoint reads it; the zero value when there is none.
func (w *Warehouse) LoadCheckpoint(ctx context.Context, partition int) (Checkpoint, error) {
	var c Checkpoint
	var marks, controls, wanted string
	err := w.conn.QueryRow(ctx, `SELECT max(next_offset), argMax(marks, next_offset), argMax(controls, next_offset),
		argMax(wanted, next_offset) FROM checkpoints WHERE partition = {partition:UInt16}`,
		clickhouse.Named("partition", partition)).Scan(&c.Offset, &marks, &controls, &wanted)
	if err != nil {
		return c, fmt.Errorf("read the checkpoint of partition %d: %w", partition, err)
	}
	c.Marks, c.Controls, c.Wanted = []byte(marks), []byte(controls), []byte(wanted)
	return c, nil
}
