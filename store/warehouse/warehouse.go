// Package warehouse is ClickHouse as the service uses it: the books
// (transfers, calls, alerts, stops, reports), the cold state of scoring, and
// the statistics that are made of them.
//
// Every row has a key of its own, so that writing it again changes nothing.
// Start with [Open].
package warehouse

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/pressly/goose/v3"
)

// Database is where everything lies. (In the embedded engine "default" is a
// database of another kind.)
const Database = "stopline"

//go:embed migrations/*.sql
var migrations embed.FS

// Options say where ClickHouse is.
type Options struct {
	Addr     string // host:port of the native protocol
	User     string
	Password string
	Database string // empty: [Database]
	Embedded bool   // the embedded engine, which does not tolerate that queries are cancelled
	AsItIs   bool   // for whoever only looks: no migration is applied
}

// Warehouse is a connection pool. It is safe for many goroutines.
type Warehouse struct{ conn driver.Conn }

// connections is how many queries may be on their way.
const connections = 16

func (o Options) driver() *clickhouse.Options {
	if o.Database == "" {
		o.Database = Database
	}
	return &clickhouse.Options{
		Addr:        []string{o.Addr},
		Auth:        clickhouse.Auth{Database: o.Database, Username: o.User, Password: o.Password},
		DialTimeout: 5 * time.Second, ReadTimeout: time.Minute,
		MaxOpenConns: connections, MaxIdleConns: connections / 2,
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
	}
}

// Open connects, and brings the schema up to date unless it is to stay as it is.
func Open(ctx context.Context, o Options) (*Warehouse, error) {
	if o.Database == "" {
		o.Database = Database
	}
	if !o.AsItIs {
		if err := migrate(ctx, o); err != nil {
			return nil, fmt.Errorf("ClickHouse at %s: %w", o.Addr, err)
		}
	}
	conn, err := clickhouse.Open(o.driver())
	if err != nil {
		return nil, fmt.Errorf("ClickHouse at %s: %w", o.Addr, err)
	}
	if o.Embedded {
		conn = uncancelled{conn, make(chan struct{}, connections)}
	}
	return &Warehouse{conn}, nil
}

// migrate makes the database and applies the numbered files that are new.
func migrate(ctx context.Context, o Options) error {
	plain := o
	plain.Database = "default"
	admin := clickhouse.OpenDB(plain.driver())
	_, err := admin.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS `"+o.Database+"`")
	_ = admin.Close()
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	p, done, err := provider(o)
	if err != nil {
		return err
	}
	defer done()
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// provider has the numbered files, and the connection that they are applied by.
func provider(o Options) (p *goose.Provider, done func(), err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, err
	}
	db := clickhouse.OpenDB(o.driver())
	done = func() { _ = db.Close() }
	if p, err = goose.NewProvider(goose.DialectClickHouse, db, files); err != nil {
		done()
		return nil, nil, fmt.Errorf("read the migrations: %w", err)
	}
	return p, done, nil
}

// Ping says whether ClickHouse answers.
func (w *Warehouse) Ping(ctx context.Context) error { return w.conn.Ping(ctx) }

// Close disconnects.
func (w *Warehouse) Close() error { return w.conn.Close() }

// Count is the number of different rows of one of the books.
func (w *Warehouse) Count(ctx context.Context, table string) (uint64, error) {
	var n uint64
	err := w.conn.QueryRow(ctx, "SELECT count() FROM {table:Identifier} FINAL",
		clickhouse.Named("table", table)).Scan(&n)
	return n, err
}

// Drop removes the database of the options with everything in it.
func Drop(ctx context.Context, o Options) error {
	name := o.Database
	o.Database = "default"
	db := clickhouse.OpenDB(o.driver())
	defer func() { _ = db.Close() }()
	_, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS `"+name+"`")
	return err
}
