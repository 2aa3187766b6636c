package main

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/cmd/stopline/city"
	"stopline.internal/scoring"
	"stopline.internal/store/embedded"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// A whole service starts while ClickHouse is not there at all: a report leads to a stop at once. When it comes
// for the first time it gets the schema, the books and the checkpoint, and nothing is asked for twice.
func TestStartWithoutClickHouse(t *testing.T) {
	port := freePort(t)
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	in, err := (&Servers{Data: t.TempDir(), Partitions: 1,
		ClickHouse: ClickHouse{Clickhouse: addr, ClickhouseUser: "default"}}).open(
		context.WithoutCancel(t.Context()), warnings())
	if err != nil {
		t.Fatal(err)
	}
	defer in.close(warnings())
	ids, err := access.LocalIdentities(filepath.Join(t.TempDir(), "keys.json"), city.BankCodes)
	if err != nil {
		t.Fatal(err)
	}
	s, err := start(t.Context(), in, plan{tuning: Tuning{Hot: 1000, Checkpoint: 200 * time.Millisecond, Country: "CN"},
		roles: allRoles, clock: wallClock, limits: event.DefaultLimits, terms: law.Default,
		policy: scoring.DefaultPolicy, listen: "127.0.0.1:0", identities: ids}, warnings())
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	h := &harness{s, t, ids}
	h.send(in.topics.Reports, strings.Replace(reportDoc("early", "3601", "1601", "5000.00", 60, ""), "{",
		`{"kind":"report",`, 1))
	stops := func() int {
		list, _ := h.ledger.List(ledger.Filter{Account: "1601", Limit: 9})
		return len(list)
	}
	h.waitFor("the stop", func() bool { return stops() == 1 })
	status, doc := h.call("", http.MethodGet, "/readyz", "")
	if detail, _ := doc["detail"].(string); status != http.StatusServiceUnavailable ||
		!strings.Contains(detail, "ClickHouse") {
		t.Errorf("readyz: %d %v", status, doc)
	}
	engine, err := embedded.Start(context.WithoutCancel(t.Context()),
		embedded.Options{Dir: t.TempDir(), Port: port, HTTPPort: freePort(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	defer func() {
		if t.Failed() {
			t.Log("what was not ready: ", doc)
		}
	}()
	h.waitFor("ready", func() bool {
		status, doc = h.call("", http.MethodGet, "/readyz", "")
		return status == http.StatusOK
	})
	h.waitFor("the report in the books, and a checkpoint", func() bool {
		n, err := h.warehouse.Count(t.Context(), "reports")
		cp, cpErr := h.warehouse.LoadCheckpoint(t.Context(), 0)
		return err == nil && cpErr == nil && n == 1 && cp.Offset > 0
	})
	if n := stops(); n != 1 {
		t.Errorf("%d stops, want the one", n)
	}
}
