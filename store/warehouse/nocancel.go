package warehouse

import (
	"context"
	"database/sql"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// uncancelled lets a query run to its end that nobody waits for any more. The
// embedded engine aborts when queries are cancelled (clients that hang up a few
// hundred times a second end it within a second), so that nothing is cancelled
// there: who asked goes on at once, and the answer is read and thrown away.
type uncancelled struct {
	driver.Conn
	slots chan struct{} // as many as there are connections: what has not begun is given up at once
}

// runToEnd does f whatever becomes of ctx, and waits no longer than that. What
// comes too late is put aside.
func runToEnd[T any](ctx context.Context, slots chan struct{}, f func(context.Context) (T, error),
	aside func(T)) (T, error) {
	var none T
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	type answer struct {
		of  T
		err error
	}
	done := make(chan answer, 1)
	go func() {
		of, err := f(context.WithoutCancel(ctx))
		done <- answer{of, err}
	}()
	select {
	case a := <-done:
		<-slots
		return a.of, a.err
	case <-ctx.Done():
		go func() {
			if a := <-done; a.err == nil {
				aside(a.of)
			}
			<-slots
		}()
		return none, context.Cause(ctx)
	}
}

func (u uncancelled) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	return runToEnd(ctx, u.slots, func(ctx context.Context) (driver.Rows,
		error) {
		return u.Conn.Query(ctx, query, args...)
	}, func(rows driver.Rows) {
		for rows.Next() { //nolint:revive // its end is what is waited for
		}
		_ = rows.Close() // nobody asks any more
	})
}

func (u uncancelled) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	rows, err := u.Query(ctx, query, args...)
	return &oneRow{rows, err}
}

func (u uncancelled) Exec(ctx context.Context, query string, args ...any) error {
	_, err := runToEnd(ctx, u.slots, func(ctx context.Context) (struct{}, error) {
		return struct{}{},
			u.Conn.Exec(ctx, query, args...)
	}, func(struct{}) {})
	return err
}

func (u uncancelled) PrepareBatch(ctx context.Context, query string, opts ...driver.PrepareBatchOption) (driver.Batch,
	error) {
	return u.Conn.PrepareBatch(context.WithoutCancel(ctx), query, opts...)
}

// oneRow is the first row of an answer.
type oneRow struct {
	rows driver.Rows
	err  error
}

func (r *oneRow) Err() error { return r.err }

func (r *oneRow) Scan(dest ...any) error {
	return r.read(func() error { return r.rows.Scan(dest...) })
}

func (r *oneRow) ScanStruct(dest any) error {
	return r.read(func() error { return r.rows.ScanStruct(dest) })
}

func (r *oneRow) read(scan func() error) error {
	if r.err != nil {
		return r.err
	}
	defer func() { _ = r.rows.Close() }() // Err tells
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := scan(); err != nil {
		return err
	}
	for r.rows.Next() { //nolint:revive // to its end
	}
	return r.rows.Err()
}
