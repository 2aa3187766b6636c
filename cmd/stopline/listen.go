package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Listening says where the API listens, and who ends TLS.
type Listening struct {
	Listen    string `help:"Address of the API and the console. Beyond loopback it takes --tls-cert and --tls-key, or --plain-http." default:"127.0.0.1:8088"`
	TLSCert   string `help:"Certificate of the API, PEM, with its chain. A renewed file is taken without a restart." type:"existingfile" placeholder:"FILE"`
	TLSKey    string `help:"Private key of --tls-cert, PEM." type:"existingfile" placeholder:"FILE"`
	PlainHTTP bool   `name:"plain-http" help:"Listen without TLS beyond loopback: a proxy in front ends TLS."`
}

// keyPair checks what was asked for and reads the certificate; nil is
// plain HTTP.
func (l *Listening) keyPair(log *slog.Logger) (*keyPair, error) {
	switch {
	case (l.TLSCert == "") != (l.TLSKey == ""):
		return nil, errors.New("--tls-cert and --tls-key go together: name both files")
	case l.TLSCert != "" && l.PlainHTTP:
		return nil, errors.New("--plain-http is for a proxy that ends TLS: " +
			"leave it out, or leave out --tls-cert and --tls-key")
	case l.TLSCert != "":
		return loadKeyPair(l.TLSCert, l.TLSKey, log)
	case !l.PlainHTTP && !loopback(l.Listen):
		return nil, fmt.Errorf("the API does not listen on %s without TLS, since keys and names would cross the network "+
			"in clear: give --tls-cert and --tls-key, or say --plain-http where a proxy in front ends TLS, "+
			"or listen on 127.0.0.1", l.Listen)
	}
	return nil, nil
}

// loopback says whether only this machine can reach an address.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return true // net.Listen says what is wrong with it
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// keyPair is the pair of files that a listener serves with, read again
// whenever they change.
type keyPair struct {
	cert, key string
	log       *slog.Logger
	now       atomic.Pointer[tls.Certificate]
}

func loadKeyPair(cert, key string, log *slog.Logger) (*keyPair, error) {
	c := &keyPair{cert: cert, key: key, log: log}
	return c, c.load()
}

// load takes the files as they are; a pair that cannot be used changes nothing.
func (c *keyPair) load() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("the certificate %s with the key %s cannot be used: give PEM files that belong together: %w",
			c.cert, c.key, err)
	}
	c.now.Store(&pair)
	c.log.Info("the certificate is in use", "file", c.cert, "names", strings.Join(pair.Leaf.DNSNames, ","),
		"until", pair.Leaf.NotAfter.Format(time.RFC3339))
	return nil
}

// config is TLS as the API speaks it: 1.2 or later, the newest pair for each
// new connection.
func (c *keyPair) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil }}
}

// renew takes a pair that has changed; most often nothing has.
func (c *keyPair) renew() {
	was := c.now.Load()
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err == nil && slices.EqualFunc(pair.Certificate, was.Certificate, bytes.Equal) {
		return // something else changed beside it
	}
	if err := c.load(); err != nil {
		c.log.Error("the renewed certificate is not taken; the one in use goes on",
			"until", was.Leaf.NotAfter.Format(time.RFC3339), "err", err)
	}
}

// serve listens and answers until the loops end.
func (s *service) serve(ctx context.Context, listen string, cert *keyPair, h http.Handler) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("the API cannot listen on %s: stop what listens there, or choose another address with --listen "+
			"(port 0 takes a free one): %w", listen, err)
	}
	s.url = address(l.Addr(), cert)
	s.server = &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 90 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 16,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn)}
	if cert != nil {
		s.server.TLSConfig = cert.config()
		s.loops.Go(func() error { return watchFiles(ctx, s.logger, cert.renew, cert.cert, cert.key) })
	}
	s.loops.Go(func() error {
		if cert != nil {
			err = s.server.ServeTLS(l, "", "")
		} else {
			err = s.server.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("the API: %w", err)
		}
		return nil
	})
	return nil
}

// address is the URL that a person opens: beyond loopback the certificate's
// first name; of a listener on every address without one, this machine.
func address(addr net.Addr, cert *keyPair) string {
	scheme, host, port := "http", "localhost", ""
	if tcp, ok := addr.(*net.TCPAddr); ok {
		port = fmt.Sprint(tcp.Port)
		if !tcp.IP.IsUnspecified() {
			host = tcp.IP.String()
		}
		if cert != nil && !tcp.IP.IsLoopback() {
			if names := cert.now.Load().Leaf.DNSNames; len(names) > 0 && !strings.HasPrefix(names[0], "*") {
				host = names[0]
			}
		}
	}
	if cert != nil {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
