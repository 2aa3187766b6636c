package warehouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Connect returns a connection pool and asks nothing of ClickHouse, which may be
// away. The schema is [Migrate]'s.
func Connect(o Options) (*Warehouse, error) {
	conn, err := clickhouse.Open(o.driver())
	if err != nil {
		return nil, fmt.Errorf("ClickHouse at %s: %w", o.Where(), err)
	}
	if o.Embedded {
		conn = uncancelled{conn, make(chan struct{}, connections)}
	}
	return &Warehouse{conn}, nil
}

// Migrate brings the schema up to date.
func Migrate(ctx context.Context, o Options) error {
	if err := migrate(ctx, o); err != nil {
		return fmt.Errorf("ClickHouse at %s: %w", o.Where(), err)
	}
	return nil
}
