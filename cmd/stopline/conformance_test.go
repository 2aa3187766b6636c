package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stopline.internal/api/client"
	"stopline.internal/cmd/stopline/conformance"
)

// testBank is a bank's system as the documentation says to build it: a receiver,
// a client, and accounts.
type testBank struct {
	client *client.Client
	holder string
	mu     sync.Mutex
	held   map[string]string
	busy   sync.WaitGroup
}

func (b *testBank) handle(_ context.Context, m client.Message) error {
	b.busy.Go(func() { // the center need not wait for the work
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		switch m.Type {
		case client.StopRequested:
			s, err := b.client.Acknowledge(ctx, m.Data.ID)
			if err != nil || s.State != "acknowledged" {
				return // answered, or taken back
			}
			_, _ = b.client.Answer(ctx, s.ID, b.decide(s)) // refused where the stop was taken back meanwhile
		case client.ReturnInstructed:
			_, _ = b.client.Returned(ctx, m.Data.ID, m.Data.Return.Amount, "R-1")
		}
	})
	return nil
}

func (b *testBank) decide(s *client.Stop) client.Outcome {
	if s.Account.Holder != b.holder {
		return client.Outcome{Result: client.Mismatch, Differs: []client.Difference{{Field: "holder", Theirs: "测*"}}}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held[s.ID] = s.Amount
	return client.Outcome{Result: client.Held, HeldAmount: s.Amount,
		EffectiveAt: time.Now().Truncate(time.Millisecond), Balance: "100000.00"}
}

// A bank that is built as documented gets its certificate; banks that do not
// check signatures, do work twice, or do not repeat themselves do not, and are
// told what failed.
func TestConformance(t *testing.T) {
	examine := func(t *testing.T, handler func(*testBank, *client.Receiver) http.Handler,
		retries int) *conformance.Certificate {
		t.Helper()
		port := freePort(t)
		c := &conformCmd{Listen: fmt.Sprintf("127.0.0.1:%d", port), Bank: "TEST",
			Key: "sl_0123456789abcdef0123456789abcdef", Secret: newSecret, Account: "6217000010098765432", Holder: "测试",
			Amount: "100.00",
			Wait:   6 * time.Second, Start: 10 * time.Second}
		b := &testBank{client: &client.Client{URL: "http://" + c.Listen, Key: c.Key, Retries: retries}, holder: c.Holder,
			held: map[string]string{}}
		receiver := &client.Receiver{Secrets: []string{newSecret}, Handle: b.handle}
		server := httptest.NewServer(handler(b, receiver))
		defer server.Close()
		defer b.busy.Wait()
		c.Target = server.URL
		cert, err := c.examine(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	failed := func(cert *conformance.Certificate) (out []string) {
		for _, c := range cert.Checks {
			if c.Result == "failed" {
				out = append(out, c.Name)
			}
		}
		return out
	}
	t.Run("as documented", func(t *testing.T) {
		cert := examine(t, func(_ *testBank, r *client.Receiver) http.Handler { return r }, 0)
		if !cert.Conforms || cert.Passed < 14 {
			b, _ := json.MarshalIndent(cert, "", " ")
			t.Errorf("%s", b)
		}
	})
	t.Run("no signatures checked, work done twice", func(t *testing.T) {
		cert := examine(t, func(b *testBank, _ *client.Receiver) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var m client.Message
				if json.NewDecoder(r.Body).Decode(&m) != nil || m.Data.ID == "" {
					http.Error(w, "what", http.StatusBadRequest)
					return
				}
				_ = b.handle(r.Context(), m)
			})
		}, 0)
		got := strings.Join(failed(cert), "; ")
		for _, want := range []string{"without a signature", "another's signature", "long past", "changed body",
			"not done again"} {
			if !strings.Contains(got, want) {
				t.Errorf("not found: %s; failed: %s", want, got)
			}
		}
	})
	t.Run("nothing is repeated", func(t *testing.T) {
		cert := examine(t, func(_ *testBank, r *client.Receiver) http.Handler { return r }, -1)
		got := strings.Join(failed(cert), "; ")
		if cert.Conforms || !strings.Contains(got, "could not take them") || !strings.Contains(got, "was lost") {
			t.Errorf("failed: %s", got)
		}
	})
}
