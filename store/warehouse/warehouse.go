// Package warehouse is ClickHouse as the service uses it: the books
// (transfers, calls, alerts, stops, reports), the cold state of scoring, and
// the statistics that are made of them.
//
// Every row has a key of its own, so that writing it again changes nothing. A
// table of the books is named after its view, with _rows behind it: the view has
// each thing once, and is what people ask. Start with [Open].
package warehouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Warehouse is a connection pool. It is safe for many goroutines.
type Warehouse struct{ conn driver.Conn }

// Open connects, and brings the schema up to date unless it is to stay as it is. It
// fails where the data is newer than this program knows.
func Open(ctx context.Context, o Options) (*Warehouse, error) {
	open := migrate
	if o.AsItIs {
		open = checkVersion
	}
	if err := open(ctx, o); err != nil {
		return nil, fmt.Errorf("ClickHouse at %s: %w", o.Where(), err)
	}
	return Connect(o)
}

// Ping says whether ClickHouse answers.
func (w *Warehouse) Ping(ctx context.Context) error { return w.conn.Ping(ctx) }

// Close disconnects.
func (w *Warehouse) Close() error { return w.conn.Close() }

// Count is the number of different rows of one of the books.
func (w *Warehouse) Count(ctx context.Context, view string) (uint64, error) {
	var n uint64
	err := w.conn.QueryRow(ctx, "SELECT count() FROM {view:Identifier}", clickhouse.Named("view", view)).Scan(&n)
	return n, err
}
