package kafka

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"go.yaml.in/yaml/v4"
)

// Config says how to reach a cluster, and how topics are written there.
type Config struct {
	Brokers []string `yaml:"brokers"` // host:port; any of them is asked for the others
	TLS     *TLS     `yaml:"tls"`     // nil: in clear
	SASL    *SASL    `yaml:"sasl"`    // nil: nobody signs in
	// Replication is how many replicas a topic gets that is made; 0: as many as
	// the brokers have for their default.
	Replication int `yaml:"replication"`
	// Compression of what is written: gzip, snappy, lz4, zstd; empty: none.
	Compression string `yaml:"compression"`
	// Dial makes connections; nil: by TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `yaml:"-"`
}

// TLS says whom the client believes, and who it is. Files are PEM.
type TLS struct {
	CA          string `yaml:"ca"`          // authorities; empty: the system's
	Certificate string `yaml:"certificate"` // of the client; empty: it has none
	Key         string `yaml:"key"`
	ServerName  string `yaml:"server-name"` // that brokers must prove; empty: the host that is dialled
}

// SASL says who signs in. A secret is in a file, which is read for each connection,
// so that it can be changed, or it comes from the environment; never from a flag.
type SASL struct {
	Mechanism    string `yaml:"mechanism"` // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password-file"`
	Password     string `yaml:"-"` // in place of the file
	// For OAUTHBEARER: a file that somebody keeps a token in, or where a token is
	// had for the client's id and secret.
	TokenFile        string   `yaml:"token-file"`
	TokenURL         string   `yaml:"token-url"`
	ClientID         string   `yaml:"client-id"`
	ClientSecretFile string   `yaml:"client-secret-file"`
	Scopes           []string `yaml:"scopes"`
}

// maxConfig bounds a configuration file, and every file that it names, in bytes.
const maxConfig = 1 << 20

// LoadConfig reads a YAML file with the fields of [Config].
func LoadConfig(path string) (Config, error) {
	var c Config
	text, err := readSmall(path)
	if err != nil {
		return c, fmt.Errorf("read how to reach Kafka: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// readSmall reads a file that must be small.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(b) > maxConfig {
		err = fmt.Errorf("%s is larger than %d bytes: it is not what it should be", path, maxConfig)
	}
	return b, err
}

// check says what is wrong with a configuration.
func (c *Config) check() error {
	if len(c.Brokers) == 0 || slices.Contains(c.Brokers, "") {
		return fmt.Errorf("kafka: brokers %q: each needs to be host:port", c.Brokers)
	}
	if c.Replication < 0 || c.Replication > 100 {
		return fmt.Errorf("kafka: replication %d: from 1 on, or 0 for the brokers' default", c.Replication)
	}
	if _, err := c.codec(); err != nil {
		return err
	}
	if c.SASL != nil && c.SASL.Mechanism == "PLAIN" && c.TLS == nil && !c.local() {
		return errors.New("kafka: PLAIN sends the password in clear to other machines: add tls, or use SCRAM-SHA-512")
	}
	return nil
}

// local says whether all brokers are on this machine.
func (c *Config) local() bool {
	return !slices.ContainsFunc(c.Brokers, func(b string) bool {
		host, _, err := net.SplitHostPort(b)
		ip := net.ParseIP(host)
		return err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback())
	})
}

func (c *Config) codec() (kafkago.Compression, error) {
	var codec kafkago.Compression
	if c.Compression == "" || c.Compression == "none" {
		return 0, nil
	}
	if err := codec.UnmarshalText([]byte(strings.ToLower(c.Compression))); err != nil {
		return 0, fmt.Errorf("kafka: compression %q: it is gzip, snappy, lz4, zstd or none", c.Compression)
	}
	return codec, nil
}

// config is what a connection is made with. The client's certificate is read for
// each connection, so that it can be renewed.
func (t *TLS) config() (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := readSmall(t.CA)
		if err != nil {
			return nil, fmt.Errorf("kafka: read the authorities: %w", err)
		}
		if out.RootCAs = x509.NewCertPool(); !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka: %s has no certificate in PEM", t.CA)
		}
	}
	if (t.Certificate == "") != (t.Key == "") {
		return nil, errors.New("kafka: a client's certificate and its key go together")
	}
	if t.Certificate == "" {
		return out, nil
	}
	if _, err := tls.LoadX509KeyPair(t.Certificate, t.Key); err != nil {
		return nil, fmt.Errorf("kafka: the client's certificate: %w", err)
	}
	out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		return &pair, err
	}
	return out, nil
}

// mechanism is how the client signs in; nil: not at all.
func (s *SASL) mechanism() (sasl.Mechanism, error) {
	if s == nil {
		return nil, nil
	}
	switch s.Mechanism {
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
		if s.User == "" || s.Password == "" && s.PasswordFile == "" {
			return nil, fmt.Errorf("kafka: %s needs user, and password-file or the password in the environment", s.Mechanism)
		}
		m := passwordMechanism{s}
		_, err := m.now()
		return m, err
	case "OAUTHBEARER":
		return s.bearer()
	default:
		return nil, fmt.Errorf("kafka: mechanism %q: it is PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER", s.Mechanism)
	}
}
