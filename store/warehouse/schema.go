package warehouse

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// What ClickHouse calls the errors that a person has to do something about.
const (
	codeUnknownTable    = 60
	codeUnknownDatabase = 81
	codeNoGrant         = 497
)

// answered says whether an error is ClickHouse's own of that code.
func answered(err error, code int32) bool {
	var e *clickhouse.Exception
	return errors.As(err, &e) && e.Code == code
}

// migrate applies the numbered files that are new, in a database that is made
// where it is missing.
func migrate(ctx context.Context, o Options) error {
	if err := ensureDatabase(ctx, o); err != nil {
		return err
	}
	p, done, err := provider(o)
	if err != nil {
		return err
	}
	defer done()
	is, err := p.GetDBVersion(ctx)
	if err != nil {
		return granted(o, fmt.Errorf("read the version of the data: %w", err))
	}
	if err := understood(is, newest(p)); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return granted(o, fmt.Errorf("migrate: %w", err))
	}
	return nil
}

// ensureDatabase makes the database where it is missing. Whether it is there is
// asked without naming it: the embedded engine aborts when one is named that it does
// not have. A server that has no database for who names none is asked by the name.
func ensureDatabase(ctx context.Context, o Options) error {
	there, err := exists(ctx, o)
	if answered(err, codeUnknownDatabase) && !o.Embedded {
		named := clickhouse.OpenDB(o.driver())
		defer func() { _ = named.Close() }()
		return named.PingContext(ctx)
	}
	if err != nil || there {
		return err
	}
	admin := o.ownDatabase()
	defer func() { _ = admin.Close() }()
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS `"+o.database()+"`"); err != nil {
		return granted(o, fmt.Errorf("there is no database %s, and it cannot be made: %w", o.database(), err))
	}
	return nil
}

// ownDatabase connects without naming a database: it is the user's own.
func (o Options) ownDatabase() *sql.DB {
	plain := o.driver()
	plain.Auth.Database = ""
	return clickhouse.OpenDB(plain)
}

// exists says whether the database is there, as far as the user may see it.
func exists(ctx context.Context, o Options) (bool, error) {
	own := o.ownDatabase()
	defer func() { _ = own.Close() }()
	var n uint64
	err := own.QueryRowContext(ctx, "SELECT count() FROM system.databases WHERE name = ?", o.database()).Scan(&n)
	return n > 0, err
}

// granted says what to grant where a right is missing.
func granted(o Options, err error) error {
	if !answered(err, codeNoGrant) {
		return err
	}
	return fmt.Errorf("%w; let an administrator run: CREATE DATABASE IF NOT EXISTS %[2]s; GRANT SELECT, INSERT, ALTER, "+
		"CREATE TABLE, DROP TABLE, CREATE VIEW, DROP VIEW, TRUNCATE ON %[2]s.* TO %[3]s", err, o.database(), o.User)
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

// newest is the version that this program brings the data to.
func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

// ErrNewer says that the data is of a version that this program does not know.
var ErrNewer = errors.New("not this program's data")

// understood fails where the data is of a version that this program does not know.
func understood(is, knows int64) error {
	if is > knows {
		return fmt.Errorf("%w: the data is of version %d, and this program knows versions up to %d: a newer stopline wrote "+
			"it; start that one, or name another database", ErrNewer, is, knows)
	}
	return nil
}

// checkVersion is for whoever only looks: nothing is made, and nothing changed.
func checkVersion(ctx context.Context, o Options) error {
	if o.Embedded {
		if there, err := exists(ctx, o); err != nil || !there {
			return errors.Join(err, fmt.Errorf("there is no database %s: is it the right one?", o.database()))
		}
	}
	p, done, err := provider(o)
	if err != nil {
		return err
	}
	defer done()
	db := clickhouse.OpenDB(o.driver())
	defer func() { _ = db.Close() }()
	var is sql.NullInt64
	err = db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&is)
	switch {
	case answered(err, codeUnknownTable), answered(err, codeUnknownDatabase):
		return fmt.Errorf("there is no data of stopline in the database %s: is it the right one? (%w)", o.database(), err)
	case err != nil:
		return granted(o, fmt.Errorf("read the version of the data: %w", err))
	case is.Int64 < newest(p):
		return fmt.Errorf("the data is of version %d, and this program needs version %d: run \"stopline migrate\" first",
			is.Int64, newest(p))
	}
	return understood(is.Int64, newest(p))
}

// Drop removes the database of the options with everything in it.
func Drop(ctx context.Context, o Options) error {
	db := o.ownDatabase()
	defer func() { _ = db.Close() }()
	_, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS `"+o.database()+"`")
	return err
}
