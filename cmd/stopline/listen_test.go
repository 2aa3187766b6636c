package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// newCertificate writes a certificate of its own for stopline.example and
// 127.0.0.1, with its key, and returns what trusts it.
func newCertificate(t *testing.T, dir string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "stopline.example"},
		DNSNames:    []string{"stopline.example"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "tls.crt"), "CERTIFICATE", der)
	writePEM(t, filepath.Join(dir, "tls.key"), "PRIVATE KEY", private)
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return pool
}

// writePEM puts a file in the place of the old one, as renewals do.
func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// said is a log that a test reads while it is written.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// The API speaks TLS 1.2 and later, and HTTP/2; a renewed certificate is taken
// by the listener as it runs, and a broken pair changes nothing.
func TestTLS(t *testing.T) {
	dir, out := t.TempDir(), &said{}
	first := newCertificate(t, dir, 1)
	log := slog.New(slog.NewTextHandler(out, nil))
	l := Listening{Listen: "127.0.0.1:0", TLSCert: filepath.Join(dir, "tls.crt"), TLSKey: filepath.Join(dir, "tls.key")}
	cert, err := l.keyPair(log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &service{logger: log, loops: &errgroup.Group{}}
	if err := s.serve(ctx, l.Listen, cert, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_,
			_ = io.WriteString(w, r.Proto)
	})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = s.server.Close()
		if err := s.loops.Wait(); err != nil {
			t.Error(err)
		}
	})
	if !strings.HasPrefix(s.url, "https://127.0.0.1:") {
		t.Errorf("the URL is %s", s.url)
	}
	// get asks on a connection of its own, trusting the pool, with TLS up to most.
	get := func(pool *x509.CertPool, most uint16) (string, int64, error) {
		tr := &http.Transport{ForceAttemptHTTP2: true, DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: most}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, http.NoBody)
		if err != nil {
			return "", 0, err
		}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return "", 0, err
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		return string(b), resp.TLS.PeerCertificates[0].SerialNumber.Int64(), err
	}
	if proto, serial, err := get(first, 0); proto != "HTTP/2.0" || serial != 1 || err != nil {
		t.Errorf("the first certificate: %s, serial %d, %v; want HTTP/2.0 and serial 1", proto, serial, err)
	}
	if _, _, err := get(first, tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is answered")
	}
	second := newCertificate(t, dir, 2)
	awaitTLS(t, "the renewed certificate", func() bool {
		_, serial, err := get(second, 0)
		return err == nil &&
			serial == 2
	})

	writePEM(t, filepath.Join(dir, "tls.key"), "PRIVATE KEY", []byte("rubbish"))
	awaitTLS(t, "a word about the broken pair", func() bool {
		return strings.Contains(out.String(),
			"the renewed certificate is not taken")
	})
	if _, serial, err := get(second, 0); serial != 2 || err != nil {
		t.Errorf("after a broken pair: serial %d, %v; want the second to go on", serial, err)
	}
	third := newCertificate(t, dir, 3)
	awaitTLS(t, "the third certificate", func() bool { _, serial, err := get(third, 0); return err == nil && serial == 3 })
}

func awaitTLS(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after ten seconds: not %s", what)
		}
	}
}

// Without TLS the API is for this machine alone, unless a proxy is said to be
// in front; the error says what to do.
func TestPlainHTTPBeyondLoopback(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	newCertificate(t, dir, 1)
	crt, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for _, c := range []struct {
		l    Listening
		want string // in the error; empty: it is allowed
	}{
		{Listening{Listen: "127.0.0.1:0"}, ""},
		{Listening{Listen: "[::1]:0"}, ""},
		{Listening{Listen: "localhost:0"}, ""},
		{Listening{Listen: "0.0.0.0:0"}, "--tls-cert"},
		{Listening{Listen: ":8088"}, "--plain-http"},
		{Listening{Listen: "10.1.2.3:8088"}, "--plain-http"},
		{Listening{Listen: "stopline.example:8088"}, "--plain-http"},
		{Listening{Listen: "0.0.0.0:0", PlainHTTP: true}, ""},
		{Listening{Listen: "0.0.0.0:0", TLSCert: crt, TLSKey: key}, ""},
		{Listening{Listen: "127.0.0.1:0", TLSCert: crt}, "--tls-key"},
		{Listening{Listen: "127.0.0.1:0", TLSCert: crt, TLSKey: key, PlainHTTP: true}, "--plain-http"},
		{Listening{Listen: "127.0.0.1:0", TLSCert: crt, TLSKey: crt}, crt},
	} {
		cert, err := c.l.keyPair(log)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%+v: %v", c.l, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: the error is %v, want one that names %s", c.l, err, c.want)
		case c.want == "" && (cert != nil) != (c.l.TLSCert != ""):
			t.Errorf("%+v: certificate %v", c.l, cert)
		}
	}
}

// What is printed can be opened: a listener on every address has the
// certificate's name.
func TestAddress(t *testing.T) {
	dir := t.TempDir()
	newCertificate(t, dir, 1)
	cert, err := loadKeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ip   net.IP
		cert *keyPair
		want string
	}{
		{net.IPv4(127, 0, 0, 1), nil, "http://127.0.0.1:88"},
		{net.IPv4zero, nil, "http://localhost:88"},
		{net.IPv6unspecified, nil, "http://localhost:88"},
		{net.IPv6loopback, nil, "http://[::1]:88"},
		{net.IPv4(10, 0, 0, 1), nil, "http://10.0.0.1:88"},
		{net.IPv4(127, 0, 0, 1), cert, "https://127.0.0.1:88"},
		{net.IPv4zero, cert, "https://stopline.example:88"},
	} {
		if got := address(&net.TCPAddr{IP: c.ip, Port: 88}, c.cert); got != c.want {
			t.Errorf("%s: %s, want %s", fmt.Sprint(c.ip), got, c.want)
		}
	}
}
