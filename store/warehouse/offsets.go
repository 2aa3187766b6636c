package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// bookForm is the form that the books are written in: where it is not the one of
// what is there, they are written anew from Kafka. 1: reported payments, each once;
// 2: rows have their place in the log.
const bookForm = 2

// Offset is how far the books have a partition of a topic: every row of what lies
// before Next is written. It lies in ClickHouse beside the rows, so that what it
// says is lost when they are.
type Offset struct {
	Topic     string
	Partition int
	Next      int64
}

// SetOffsets notes how far the books have partitions, after the rows are written.
func (w *Warehouse) SetOffsets(ctx context.Context, offsets []Offset) error {
	return writeAll(ctx, w, "book_offsets (topic, partition, form, next_offset)", &offsets, func(o *Offset) []any {
		return []any{o.Topic, uint16(o.Partition), uint16(bookForm), o.Next}
	})
}

// Offset is how far the books have a partition; false where they have nothing of
// it, or in an older form.
func (w *Warehouse) Offset(ctx context.Context, topic string, partition int) (next int64, written bool, err error) {
	err = w.conn.QueryRow(ctx, `SELECT next_offset FROM book_offsets
		WHERE topic = {topic:String} AND partition = {partition:UInt16} AND form = {form:UInt16}
		ORDER BY written_at DESC LIMIT 1`, clickhouse.Named("topic", topic), clickhouse.Named("partition", partition),
		clickhouse.Named("form", bookForm)).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read how far the books have %s/%d: %w", topic, partition, err)
	}
	return next, true, nil
}

// Broken names the parts of the books that ClickHouse could not read as it started,
// and set aside: what was in them is missing.
func (w *Warehouse) Broken(ctx context.Context) ([]string, error) {
	rows, err := w.conn.Query(ctx, `SELECT concat(table, '/', name) FROM system.detached_parts
		WHERE database = currentDatabase() AND startsWith(reason, 'broken') ORDER BY table, name LIMIT 100`)
	if err != nil {
		return nil, fmt.Errorf("ask for broken parts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("ask for broken parts: %w", err)
		}
		out = append(out, name)
	}
	return out, rows.Err()
}
