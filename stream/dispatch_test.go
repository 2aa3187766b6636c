package stream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// secret is a test's own: base64 of 32 bytes.
const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// A center's endpoints are checked before any message goes out, and no error names
// a secret.
func TestEndpointsAreChecked(t *testing.T) {
	good := func(change func(*Endpoint)) []Endpoint {
		e := Endpoint{Bank: "PCBC", URL: "https://bank.example/stops", Secrets: []string{secret}}
		change(&e)
		return []Endpoint{e}
	}
	for name, c := range map[string]struct {
		list []Endpoint
		want string // part of the error; empty: none
	}{
		"as documented":        {good(func(*Endpoint) {}), ""},
		"http on this machine": {good(func(e *Endpoint) { e.URL = "http://127.0.0.1:8080/" }), ""},
		"http elsewhere":       {good(func(e *Endpoint) { e.URL = "http://bank.example/" }), "https"},
		"a user in the URL":    {good(func(e *Endpoint) { e.URL = "https://a:b@bank.example/" }), "without user"},
		"no host":              {good(func(e *Endpoint) { e.URL = "https:///x" }), "host"},
		"no bank":              {good(func(e *Endpoint) { e.Bank = "" }), "bank's code"},
		"no secret":            {good(func(e *Endpoint) { e.Secrets = nil }), "one to three secrets"},
		"four secrets": {good(func(e *Endpoint) { e.Secrets = []string{secret, secret, secret, secret} }),
			"one to three secrets"},
		"a short secret":    {good(func(e *Endpoint) { e.Secrets = []string{"whsec_MDEyMzQ1Njc4OWFi"} }), "not whsec_"},
		"a bank with two":   {append(good(func(*Endpoint) {}), good(func(*Endpoint) {})...), "twice"},
		"the entry is told": {append(good(func(*Endpoint) {}), Endpoint{Bank: "ICBK"}), "entry 2 (ICBK)"},
	} {
		err := CheckEndpoints(c.list)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "MDEyMzQ1") {
			t.Errorf("%s: the error names a secret", name)
		}
	}
	file := filepath.Join(t.TempDir(), "banks.json")
	if err := os.WriteFile(file, []byte(`[{"bank":"PCBC","url":"https://bank.example/","secrets":["`+secret+
		`"],"private":true}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err := LoadEndpoints(file); err != nil || len(list) != 1 || !list[0].Private || list[0].Bank != "PCBC" {
		t.Errorf("%+v, %v", list, err)
	}
}

// A public name must not lead into the center's own network.
func TestAddressesThatAreRefused(t *testing.T) {
	public := Endpoint{URL: "https://bank.example/"}
	leased := Endpoint{URL: "https://bank.example/", Private: true}
	local := Endpoint{URL: "http://127.0.0.1:8080/"}
	for _, c := range []struct {
		e       *Endpoint
		address string
		want    bool
	}{
		{&public, "203.0.113.9:443", true},
		{&public, "10.1.2.3:443", false},
		{&leased, "10.1.2.3:443", true},
		{&public, "127.0.0.1:443", false},
		{&leased, "127.0.0.1:443", false},
		{&local, "127.0.0.1:8080", true},
		{&leased, "169.254.169.254:80", false}, // a cloud's own metadata
		{&public, "[::ffff:10.1.2.3]:443", false},
		{&public, "0.0.0.0:443", false},
		{&public, "224.0.0.1:443", false},
		{&public, "nonsense", false},
	} {
		if err := c.e.allowed(c.address); (err == nil) != c.want {
			t.Errorf("%s to %s (private %v): %v", c.e.URL, c.address, c.e.Private, err)
		}
	}
}

// bankEnd is a bank's endpoint that fails as a test wants.
type bankEnd struct {
	mu     sync.Mutex
	fail   int // messages still to be answered with 500
	bodies []string
	ids    []string
	bad    error // of the last signature
}

func (b *bankEnd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	wh, _ := standardwebhooks.NewWebhook(secret)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := wh.Verify(body, r.Header); err != nil {
		b.bad = err
	}
	b.bodies, b.ids = append(b.bodies, string(body)), append(b.ids, r.Header.Get(standardwebhooks.HeaderWebhookID))
	if b.fail > 0 {
		b.fail--
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (b *bankEnd) seen() (ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(ids, b.ids...)
}

// A message goes out signed, is tried again after a failure, and what became of it
// stands in the log, so that the next dispatcher does not send it again.
func TestDispatch(t *testing.T) {
	w := newBench(t)
	end := &bankEnd{fail: 1}
	server := httptest.NewServer(end)
	defer server.Close()
	terms := law.Default
	l := ledger.New(terms)
	log, err := NewLedgerLog(w.Deps, l)
	if err != nil {
		t.Fatal(err)
	}
	w.run(log.Run)
	policy := delivery.DefaultPolicy
	policy.Waits = []time.Duration{20 * time.Millisecond, 20 * time.Millisecond}
	dispatch := func() (leave func()) {
		d, err := NewDispatch(w.Deps, Dispatching{Group: "dispatch", Record: log, Ledger: l, Policy: policy,
			Endpoints: []Endpoint{{Bank: "PCBC", URL: server.URL, Secrets: []string{secret}}},
			Envelope: func(s *stop.Stop, kind string, _ int, _ law.Terms) []byte {
				return []byte(kind + " " + s.ID + " " + s.Amount().Decimal())
			}})
		if err != nil {
			t.Fatal(err)
		}
		return w.run(d.Run)
	}
	leave := dispatch()
	p := stop.Proposal{Account: stop.Account{Number: mule, Bank: "PCBC"}, Minor: 5_000, Currency: event.CNY, Hop: 1,
		FraudType: "refund", Payer: victim}
	elsewhere := p
	elsewhere.Account.Bank = "ICBK"
	if err := log.Write(t.Context(), append(ledger.StopEntries(stop.Propose(terms, "stp_1", "cas_1", p, w.now(),
		"scoring")),
		ledger.StopEntries(stop.Propose(terms, "stp_2", "cas_2", elsewhere, w.now(), "scoring"))...)...); err != nil {
		t.Fatal(err)
	}
	w.waitFor("delivered", func() bool {
		s := l.Stop("stp_1")
		return s != nil && s.Message != nil &&
			s.Message.Delivered
	})
	if ids := end.seen(); len(ids) != 2 || ids[0] != "msg_stp_1_2" || ids[1] != "msg_stp_1_2" {
		t.Errorf("sent %q, want the one message, and again under its id", ids)
	}
	if end.bad != nil || end.bodies[0] != "stop.requested stp_1 50.00" {
		t.Errorf("%q, signature: %v", end.bodies[0], end.bad)
	}
	if a := l.Stop("stp_1").Message.Attempts; len(a) != 2 || a[0].Status != 500 || a[1].Status != 200 {
		t.Errorf("the log has %+v", a)
	}
	if s := l.Stop("stp_2"); s == nil || s.Message == nil || s.Message.Delivered {
		t.Errorf("a bank without an endpoint fetches: %+v", s)
	}
	if n := count(t, w.Metrics.Deliveries.WithLabelValues("PCBC", "failed")); n != 1 {
		t.Errorf("%v failures are counted", n)
	}
	leave()
	dispatch()
	released := l.Stop("stp_1").Next(w.now(), "li")
	released.ID, released.State = "evt_r", stop.Released
	if res, err := log.Append(t.Context(), ledger.StopEntry(released)); err != nil || !res.Accepted {
		t.Fatalf("%+v, %v", res, err)
	}
	w.waitFor("the release is delivered", func() bool { return len(end.seen()) >= 3 })
	if ids := end.seen(); len(ids) != 3 || ids[2] != "msg_stp_1_3" {
		t.Errorf("the next dispatcher sent %q", ids[2:])
	}
}
