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

// SaveStates writes states of a legs partition; the highest version counts.
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

// RecentStates reads the states that changed last, at most limit.
func (w *Warehouse) RecentStates(ctx context.Context, partition, limit int) ([]StateRow, error) {
	return w.states(ctx, `SELECT entity, max(version) AS v, argMax(state, version) FROM entity_state
		WHERE partition = {partition:UInt16} GROUP BY entity ORDER BY v DESC LIMIT {limit:UInt32}`,
		clickhouse.Named("partition", partition), clickhouse.Named("limit", limit))
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

// Entities calls yield for every entity of the partition that has a state.
func (w *Warehouse) Entities(ctx context.Context, partition int, yield func(name string)) error {
	rows, err := w.conn.Query(ctx, `SELECT DISTINCT entity FROM entity_state WHERE partition = {partition:UInt16}`,
		clickhouse.Named("partition", partition))
	if err != nil {
		return fmt.Errorf("list entities: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return fmt.Errorf("list entities: %w", err)
		}
		yield(name)
	}
	return rows.Err()
}

// Checkpoint is how far a legs partition has been scored, with all that
// follows from it written.
type Checkpoint struct {
	Offset int64  // next to read
	Marks  []byte // as scoring made them
}

// SaveCheckpoint writes it; the highest offset counts.
func (w *Warehouse) SaveCheckpoint(ctx context.Context, partition int, c Checkpoint) error {
	err := w.conn.Exec(ctx, "INSERT INTO checkpoints VALUES ({partition:UInt16}, {offset:Int64}, {marks:String})",
		clickhouse.Named("partition", partition), clickhouse.Named("offset", c.Offset),
		clickhouse.Named("marks", string(c.Marks)))
	if err != nil {
		return fmt.Errorf("save the checkpoint of partition %d: %w", partition, err)
	}
	return nil
}

// LoadCheckpoint reads it; the zero value when there is none.
func (w *Warehouse) LoadCheckpoint(ctx context.Context, partition int) (Checkpoint, error) {
	var c Checkpoint
	var marks string
	err := w.conn.QueryRow(ctx, "SELECT max(next_offset), argMax(marks, next_offset) FROM checkpoints WHERE partition "+
		"= {partition:UInt16}",
		clickhouse.Named("partition", partition)).Scan(&c.Offset, &marks)
	if err != nil {
		return c, fmt.Errorf("read the checkpoint of partition %d: %w", partition, err)
	}
	c.Marks = []byte(marks)
	return c, nil
}
