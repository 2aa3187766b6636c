package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"stopline.internal/api/access"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// statistics reads the total of today.
func (h *harness) statistics(key string) map[string]any {
	h.t.Helper()
	day := func(d int) string { return time.Now().In(event.Zone).AddDate(0, 0, d).Format(time.DateOnly) }
	total, _ := h.ok(key, http.MethodGet, "/v1/statistics/recovery?from="+day(-1)+"&to="+day(2),
		"")["total"].(map[string]any)
	return total
}

// A loss that three hotlines report counts once, also where nobody saw the
// transfer and each writes another time; the verification finds what somebody
// put into the books beside it.
func TestLossReportedThrice(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	doc := reportDoc("one", "391", "191", "5000.00", 60, "")
	h.ok(k.analyst, http.MethodPost, "/v1/reports", doc)
	h.ok(k.analyst, http.MethodPost, "/v1/reports", strings.Replace(doc, `"source":"110"`, `"source":"96110"`, 1))
	h.ok(k.analyst, http.MethodPost, "/v1/reports",
		strings.Replace(reportDoc("one", "391", "191", "5000.00", 600, ""), `"source":"110"`, `"source":"bank"`, 1))
	h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("two", "392", "192", "70.00", 60, ""))
	h.waitFor("two reports and two repeats of 5,070.00 in all", func() bool {
		s := h.statistics(k.police)
		return s["reports"] == 2.0 && s["reports_repeated"] == 2.0 && s["amount_reported"] == "5070.00"
	})
	verify := func() (int, string) {
		v := h.ok(k.police, http.MethodGet, "/v1/statistics/verification", "")
		if v["reports"] != 4.0 || v["payments"] != 2.0 {
			t.Errorf("compared: %v", v)
		}
		return len(v["differences"].([]any)), fmt.Sprint(v["differences"])
	}
	if n, found := verify(); n != 0 {
		t.Fatalf("the books differ: %s", found)
	}
	db := h.sql()
	if _, err := db("INSERT INTO reported_payments_rows SELECT * REPLACE (3 AS position, 999 AS amount) FROM " +
		"reported_payments_rows FINAL LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	if n, found := verify(); n != 2 || !strings.Contains(found, "what:payment") || // and the count of its day
		!strings.Contains(found, "books rebuild --from") {
		t.Errorf("an injected payment: %d differences: %s", n, found)
	}
}

// db is the service's ClickHouse, besides the service.
func (h *harness) db() *sql.DB {
	o := h.infra.options
	db := clickhouse.OpenDB(&clickhouse.Options{Addr: o.Addrs,
		Auth: clickhouse.Auth{Database: "stopline", Username: o.User, Password: o.Password}})
	h.t.Cleanup(func() { _ = db.Close() })
	return db
}

// sql runs a statement on it.
func (h *harness) sql() func(string) (any, error) {
	db := h.db()
	return func(q string) (any, error) { return db.ExecContext(context.WithoutCancel(h.t.Context()), q) }
}

// Books of an older form, or of none, are written anew from the ledger's log.
func TestBooksAreWrittenAnew(t *testing.T) {
	data := t.TempDir()
	run := func(work func(h *harness)) {
		in, err := (&Servers{Data: data, Partitions: 2}).open(context.WithoutCancel(t.Context()), warnings())
		if err != nil {
			t.Fatal(err)
		}
		defer in.close(warnings())
		ids, err := access.LocalIdentities(data+"/keys.json", []string{"PCBC", "ABOC", "ICBK"})
		if err != nil {
			t.Fatal(err)
		}
		s, err := start(t.Context(), in, plan{tuning: Tuning{Hot: 1000, Checkpoint: 200 * time.Millisecond,
			Country: "CN"}, roles: allRoles, clock: wallClock,
			limits: event.DefaultLimits, terms: law.Default, policy: scoring.DefaultPolicy, listen: "127.0.0.1:0",
			identities: ids}, warnings())
		if err != nil {
			t.Fatal(err)
		}
		defer s.stop()
		work(&harness{s, t, ids})
	}
	whole := func(h *harness) {
		h.waitFor("the books are whole", func() bool {
			s := h.statistics(h.keys().police)
			return s["reports"] == 3.0 && s["amount_reported"] == "9000.00"
		})
	}
	run(func(h *harness) {
		for i := range 3 {
			h.ok(h.keys().analyst, http.MethodPost, "/v1/reports",
				reportDoc(fmt.Sprint("r", i), fmt.Sprint("39", i), fmt.Sprint("19", i), "3000.00", 60, ""))
		}
		whole(h)
	})
	run(func(h *harness) {
		// as an upgrade leaves them
		for _, table := range []string{"reported_payments_rows", "reports_rows", "reports_by_rows", "book_offsets"} {
			if _, err := h.sql()("TRUNCATE TABLE " + table); err != nil {
				t.Fatal(err)
			}
		}
	})
	run(func(h *harness) {
		whole(h)
		if v := h.ok(h.keys().police, http.MethodGet, "/v1/statistics/verification", ""); len(v["differences"].([]any)) != 0 {
			t.Errorf("written anew, the books differ: %v", v["differences"])
		}
	})
}
