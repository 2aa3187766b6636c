package warehouse

import (
	"context"
	"fmt"
)

// Connect returns a connection pool and asks nothing of ClickHouse, which may be away. The schema is
// [Migrate]'s.
func Connect(o Options) (*Warehouse, error) {
	o.AsItIs = true
	return Open(context.Background(), o)
}

// Migrate brings the schema up to date.
func Migrate(ctx context.Context, o Options) error {
	if o.Database == "" {
		o.Database = Database
	}
	if err := migrate(ctx, o); err != nil {
		return fmt.Errorf("ClickHouse at %s: %w", o.Addr, err)
	}
	return nil
}
