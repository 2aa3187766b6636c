package warehouse

import (
	"crypto/tls"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Database is where everything lies unless told otherwise. (In the embedded engine
// "default" is a database of another kind.)
const Database = "stopline"

// Options say where ClickHouse is.
type Options struct {
	// Addrs are host:port of the native protocol. The first that answers is used:
	// each of them must show the same data.
	Addrs    []string
	User     string
	Password string
	Database string      // empty: [Database]
	TLS      *tls.Config // nil: none
	Embedded bool        // the embedded engine, which does not tolerate that queries are cancelled
	AsItIs   bool        // for whoever only looks: no migration is applied
}

// Where names the addresses, for errors and logs.
func (o Options) Where() string { return strings.Join(o.Addrs, ",") }

// database is the database's name.
func (o Options) database() string {
	if o.Database == "" {
		return Database
	}
	return o.Database
}

// connections is how many queries may be on their way.
const connections = 16

func (o Options) driver() *clickhouse.Options {
	return &clickhouse.Options{
		Addr:        o.Addrs,
		Auth:        clickhouse.Auth{Database: o.database(), Username: o.User, Password: o.Password},
		TLS:         o.TLS,
		DialTimeout: 5 * time.Second, ReadTimeout: time.Minute,
		MaxOpenConns: connections, MaxIdleConns: connections / 2,
		ConnOpenStrategy: clickhouse.ConnOpenInOrder,
		Compression:      &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
	}
}
