package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"stopline.internal/store/warehouse"
)

// ClickHouse says where a center's own ClickHouse is, and how to be let in.
type ClickHouse struct {
	Clickhouse             string `help:"${clickhouse}" env:"STOPLINE_CLICKHOUSE" placeholder:"HOST:PORT,…"`
	ClickhouseDatabase     string `help:"${clickhouse_database}" env:"STOPLINE_CLICKHOUSE_DATABASE" default:"stopline"`
	ClickhouseUser         string `help:"${clickhouse_user}" env:"STOPLINE_CLICKHOUSE_USER" default:"default"`
	ClickhousePassword     string `help:"${clickhouse_password}" env:"STOPLINE_CLICKHOUSE_PASSWORD"`
	ClickhousePasswordFile string `help:"${clickhouse_file}" env:"STOPLINE_CLICKHOUSE_PASSWORD_FILE" type:"existingfile"`
	ClickhouseTLS          bool   `help:"${clickhouse_tls}" env:"STOPLINE_CLICKHOUSE_TLS"`
	ClickhouseCA           string `help:"${clickhouse_ca}" env:"STOPLINE_CLICKHOUSE_CA" type:"existingfile"`
	ClickhouseCert         string `help:"${clickhouse_cert}" env:"STOPLINE_CLICKHOUSE_CERT" type:"existingfile"`
	ClickhouseKey          string `help:"${clickhouse_key}" env:"STOPLINE_CLICKHOUSE_KEY" type:"existingfile"`
	ClickhouseServerName   string `help:"${clickhouse_name}" env:"STOPLINE_CLICKHOUSE_SERVER_NAME" placeholder:"NAME"`
}

// longHelp are the words of flags that take more than a line.
var longHelp = kong.Vars{
	"verify_log": "Say where every record of the sources is, from the logs alone: applied, refused, " +
		"waiting, missing.",
	"log_rewind": "Have ingest read a source partition again from an offset on. Stop every process with " +
		"that role first.",
	"put_back":       "Append a record to its topic again, once what could not work on it has been mended.",
	"put_back_place": "PARTITION/OFFSET in the quarantine, as \"quarantine list\" prints it.",
	"kafka_config": "YAML file that says how to reach Kafka: brokers, tls, sasl, replication, compression " +
		"(docs/operation.md). A password may be in $$STOPLINE_KAFKA_PASSWORD.",
	"topics_check": "Make nothing: fail where a topic is missing, has one replica, or counts as written " +
		"what one broker has.",
	"topics_grant": "Make nothing but access lists: allow a principal what its roles need, such as " +
		"User:stopline-score=score; several roles with +.",
	"backtest": "Try a catalogue on the past: what it would catch, what it would cost, how it differs " +
		"from the live one.",
	"conformance": "Play a bank's whole life against its endpoint, and print a certificate or what " +
		"failed.",
	"clickhouse": "Use this ClickHouse in place of the embedded one: HOST:PORT of the native protocol, or " +
		"several of one cluster, of which the first that answers is used.",
	"clickhouse_database": "Database of the books; it is made where it is missing and may be.",
	"clickhouse_user":     "User of --clickhouse.",
	"clickhouse_password": "Password of --clickhouse.",
	"clickhouse_file":     "File with the password, in place of --clickhouse-password.",
	"clickhouse_tls":      "Speak TLS with --clickhouse; the flags below imply it.",
	"clickhouse_ca":       "Certificates (PEM) that --clickhouse is trusted by, in place of the system's.",
	"clickhouse_cert":     "Certificate (PEM) that is shown to --clickhouse.",
	"clickhouse_key":      "Its key (PEM).",
	"clickhouse_name":     "Name in the certificate of --clickhouse, where it is not the address.",
	"books_exactly": "Remove rows as well that the log does not have, of the days that Kafka has whole. Not " +
		"where Kafka was made anew: the books may be all that is left of those days.",
}

// databaseName is what a database may be called: it stands in statements.
var databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// options are those of the flags. Its errors say which flag is wrong.
func (c *ClickHouse) options() (warehouse.Options, error) {
	o := warehouse.Options{Addrs: strings.Split(c.Clickhouse, ","), User: c.ClickhouseUser,
		Password: c.ClickhousePassword, Database: c.ClickhouseDatabase}
	for _, a := range o.Addrs {
		if host, port, err := net.SplitHostPort(a); err != nil || host == "" || port == "" {
			return o, fmt.Errorf("--clickhouse: %q is not HOST:PORT", a)
		}
	}
	if o.Database != "" && !databaseName.MatchString(o.Database) {
		return o, fmt.Errorf("--clickhouse-database: %q is no name for a database: letters, digits and _", o.Database)
	}
	if c.ClickhousePasswordFile != "" {
		if c.ClickhousePassword != "" {
			return o, errors.New("give --clickhouse-password or --clickhouse-password-file, not both")
		}
		b, err := os.ReadFile(c.ClickhousePasswordFile)
		if err != nil {
			return o, fmt.Errorf("--clickhouse-password-file: %w", err)
		}
		o.Password = strings.TrimRight(string(b), "\r\n")
	}
	var err error
	o.TLS, err = c.tls()
	return o, err
}

// looking are the options of who only looks. It may be an embedded one that is
// looked at: then no query may be cancelled.
func (c *ClickHouse) looking() (warehouse.Options, error) {
	if c.Clickhouse == "" {
		return warehouse.Options{}, errors.New("name the service's ClickHouse with --clickhouse HOST:PORT")
	}
	o, err := c.options()
	o.Embedded, o.AsItIs = true, true
	return o, err
}

// tls is nil where none of its flags is given.
func (c *ClickHouse) tls() (*tls.Config, error) {
	if !c.ClickhouseTLS && c.ClickhouseCA+c.ClickhouseCert+c.ClickhouseKey+c.ClickhouseServerName == "" {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ClickhouseServerName}
	if c.ClickhouseCA != "" {
		pem, err := os.ReadFile(c.ClickhouseCA)
		if err != nil {
			return nil, fmt.Errorf("--clickhouse-ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--clickhouse-ca: there is no certificate in %s", c.ClickhouseCA)
		}
	}
	if (c.ClickhouseCert == "") != (c.ClickhouseKey == "") {
		return nil, errors.New("--clickhouse-cert and --clickhouse-key belong together")
	}
	if c.ClickhouseCert != "" {
		pair, err := tls.LoadX509KeyPair(c.ClickhouseCert, c.ClickhouseKey)
		if err != nil {
			return nil, fmt.Errorf("--clickhouse-cert: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
