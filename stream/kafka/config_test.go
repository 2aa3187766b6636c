package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// issue makes a certificate and its key as PEM files, signed by a parent or itself.
func issue(t *testing.T, dir, name string, parent *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: parent == nil,
		BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	by, signer := c, any(key)
	if parent != nil {
		by, signer = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for end, block := range map[string]*pem.Block{"pem": {Type: "CERTIFICATE", Bytes: der},
		"key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name+"."+end), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return &pair
}

// secured is a broker that asks for a client's certificate and a password.
func secured(t *testing.T, dir string, opts ...kfake.Opt) (addr string) {
	t.Helper()
	authority := issue(t, dir, "ca", nil)
	server := issue(t, dir, "server", authority)
	issue(t, dir, "client", authority)
	pool := x509.NewCertPool()
	pool.AddCert(authority.Leaf)
	b, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{*server}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}),
		kfake.EnableSASL()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.ListenAddrs()[0]
}

// Everything works behind TLS with a client's certificate and each way to sign in;
// what is not right is refused by the cluster, and said.
func TestSecuredCluster(t *testing.T) {
	dir := t.TempDir()
	addr := secured(t, dir, kfake.Superuser("PLAIN", "plain", "pl41n"),
		kfake.Superuser("SCRAM-SHA-256", "s256", "secret-256"),
		kfake.Superuser("SCRAM-SHA-512", "s512", "secret-512"))
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := func(mechanism, user, password string) Config {
		c, err := LoadConfig(file("kafka.yaml", fmt.Sprintf(`
brokers: [%q]
tls: {ca: %s/ca.pem, certificate: %[2]s/client.pem, key: %[2]s/client.key}
sasl: {mechanism: %s, user: %s, password-file: %s}
replication: 1
compression: zstd
`, addr, dir, mechanism, user, file("password-"+password, password+"\n"))))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for i, right := range [][3]string{{"PLAIN", "plain", "pl41n"}, {"SCRAM-SHA-256", "s256", "secret-256"},
		{"SCRAM-SHA-512", "s512", "secret-512"}} {
		c, err := New(config(right[0], right[1], right[2]))
		if err != nil {
			t.Fatal(err)
		}
		topic := fmt.Sprint("t", i)
		if err := c.Create(t.Context(), Topic{Name: topic, Partitions: 1}); err != nil {
			t.Fatalf("%s: %v", right[0], err)
		}
		p := c.NewProducer(ProducerConfig{Messages: 10, Bytes: 1 << 20})
		err = p.Write(t.Context(), Message{Topic: topic, Key: []byte("k"), Value: []byte("v"),
			Headers: []Header{{Key: "h", Value: []byte("x")}}})
		got, readErr := c.NewReader(topic, 0, FirstOffset).Read(t.Context(), nil)
		if err != nil || readErr != nil || len(got) != 1 || string(got[0].Value) != "v" ||
			string(got[0].Headers[0].Value) != "x" {
			t.Errorf("%s: %v, %v, %v", right[0], got, err, readErr)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		c.Close()
	}
	wrong := config("SCRAM-SHA-256", "s256", "guessed")
	noCertificate := config("SCRAM-SHA-256", "s256", "secret-256")
	noCertificate.TLS.Certificate, noCertificate.TLS.Key = "", ""
	stranger := config("SCRAM-SHA-256", "s256", "secret-256")
	stranger.TLS.CA = ""
	for name, bad := range map[string]Config{"password": wrong, "certificate": noCertificate, "authority": stranger,
		"TLS": {Brokers: []string{addr}}} {
		c, err := New(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Topics(t.Context()); err == nil {
			t.Errorf("without the right %s the cluster is reached", name)
		} else if strings.Contains(err.Error(), "guessed") || strings.Contains(err.Error(), "secret-256") {
			t.Errorf("the error tells the password: %v", err)
		}
		c.Close()
	}
}

// A token is had from a file, or for the client's secret; it is sent as RFC 7628
// has it.
func TestBearer(t *testing.T) {
	dir := t.TempDir()
	asked := 0
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if id, secret, _ := r.BasicAuth(); id != "stopline" || secret != "s3cret" || r.FormValue("scope") != "kafka" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"access_token": "issued", "token_type": "bearer", "expires_in": 3600}`)
	}))
	defer issuer.Close()
	for name, text := range map[string]string{"token": "kept\n", "secret": "s3cret\n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		sasl SASL
		want string
	}{
		{SASL{TokenFile: filepath.Join(dir, "token")}, "n,,\x01auth=Bearer kept\x01\x01"},
		{SASL{TokenFile: filepath.Join(dir, "empty")}, ""},
		{SASL{TokenURL: issuer.URL, ClientID: "stopline", ClientSecretFile: filepath.Join(dir, "secret"),
			Scopes: []string{"kafka"}}, "n,,\x01auth=Bearer issued\x01\x01"},
		{SASL{TokenURL: issuer.URL, ClientID: "other", ClientSecretFile: filepath.Join(dir, "secret")}, ""},
	} {
		c.sasl.Mechanism = "OAUTHBEARER"
		m, err := c.sasl.mechanism()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			session, first, err := m.Start(t.Context())
			if string(first) != c.want || (err == nil) != (c.want != "") {
				t.Fatalf("%q, %v; want %q", first, err, c.want)
			}
			if err != nil {
				break
			}
			if done, _, err := session.Next(t.Context(), nil); !done || err != nil {
				t.Errorf("accepted: %v, %v", done, err)
			}
			if _, _, err := session.Next(t.Context(), []byte(`{"status":"invalid_token"}`)); err == nil {
				t.Error("a refused token was taken for accepted")
			}
		}
	}
	if asked != 3 { // twice by the one that is refused: by basic authentication, and in the body
		t.Errorf("the issuer was asked %d times; a token is good for an hour", asked)
	}
}

// What cannot work is said before anything is dialled.
func TestConfigErrors(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"brokers: []":                                                         "host:port",
		"brokers: [a:1]\npassword: x":                                         "password",
		"brokers: [a:1]\nreplication: -1":                                     "replication",
		"brokers: [a:1]\ncompression: rar":                                    "compression",
		"brokers: [a:1]\nsasl: {mechanism: GSSAPI}":                           "OAUTHBEARER",
		"brokers: [a:1]\nsasl: {mechanism: PLAIN, user: u, password-file: x}": "in clear",
		"brokers: [a:1]\ntls: {}\nsasl: {mechanism: SCRAM-SHA-512, user: u}":  "password-file",
		"brokers: [a:1]\ntls: {}\nsasl: {mechanism: PLAIN, user: u, password-file: /nowhere/secret}": "/nowhere/secret",
		"brokers: [a:1]\nsasl: {mechanism: OAUTHBEARER}":                                             "token-file",
		"brokers: [a:1]\ntls: {ca: /nowhere/ca.pem}":                                                 "/nowhere/ca.pem",
		"brokers: [a:1]\ntls: {certificate: c.pem}":                                                  "go together",
	} {
		path := filepath.Join(dir, "k.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := LoadConfig(path)
		if err == nil {
			_, err = New(c)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
