package warehouse

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// ask returns the first column of a query's rows.
func ask(t *testing.T, w *Warehouse, query string) (out []string) {
	t.Helper()
	rows, err := w.conn.Query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// Whoever looks into ClickHouse finds words for every table, view and column; a table
// of the books is on the disk when it says that it is, and its view comes first.
func TestEverythingIsExplained(t *testing.T) {
	w := open(t)
	const ours = "database = currentDatabase() AND %s NOT LIKE 'goose%%'"
	if bare := ask(t, w, "SELECT name FROM system.tables WHERE comment = '' AND "+fmt.Sprintf(ours,
		"name")); len(bare) > 0 {
		t.Errorf("tables without words: %q", bare)
	}
	if bare := ask(t, w, "SELECT concat(table, '.', name) FROM system.columns WHERE comment = '' AND "+
		fmt.Sprintf(ours, "table")); len(bare) > 0 {
		t.Errorf("columns without words: %q", bare)
	}
	if lazy := ask(t, w, "SELECT name FROM system.tables WHERE engine LIKE '%MergeTree' AND NOT (engine_full LIKE "+
		"'%fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1%') AND "+
		fmt.Sprintf(ours, "name")); len(lazy) > 0 {
		t.Errorf("tables that are not on the disk when they say so: %q", lazy)
	}
	tables := ask(t, w, "SELECT name FROM system.tables WHERE endsWith(name, '_rows') AND "+fmt.Sprintf(ours, "name"))
	for _, table := range tables {
		view := strings.TrimSuffix(table, "_rows")
		if n := ask(t, w, "SELECT name FROM system.tables WHERE engine = 'View' AND name = '"+view+"' AND "+
			fmt.Sprintf(ours, "name")); len(n) != 1 {
			t.Errorf("%s has no view %s", table, view)
		}
	}
	if len(tables) < 15 {
		t.Errorf("%d tables of the books", len(tables))
	}
}

// A sum that somebody writes without thinking of versions, dimensions or repeats is
// right, whatever was written twice or computed again.
func TestNaturalSumsAreRight(t *testing.T) {
	w := open(t)
	if err := w.conn.Exec(t.Context(), "SYSTEM STOP MERGES"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.conn.Exec(context.WithoutCancel(t.Context()), "SYSTEM START MERGES") }()
	l := ledger.New(law.Default)
	log := ledger.StopEntries(stop.Propose(law.Default, "s", "c",
		stop.Proposal{Account: stop.Account{Number: "n", Bank: "ICBK"}, Minor: 100_00, Currency: event.CNY,
			Transfer: stop.Transfer{ID: "s", Minor: 100_00, At: noon}, Hop: 1, FraudType: "task-rebate", District: "520103"},
		noon.Add(time.Second), "scoring"))
	for i := range log {
		l.Apply(&log[i])
	}
	log = append(log, ledger.StopEntry(stop.Answer(law.Default, l.Stop("s"),
		stop.Outcome{Result: stop.Held, HeldMinor: 100_00, EffectiveAt: noon.Add(2 * time.Second)},
		noon.Add(3*time.Second), "bank")),
		ledger.Entry{ID: "r", CaseID: "c", At: noon, By: "report", Report: &ledger.ReportNote{ID: "110:1", Source: "110",
			Minor: 70_00, Currency: event.CNY, Payments: []ledger.Payment{{Payer: "v", Payee: "m", Minor: 70_00,
				Currency: event.CNY, At: noon}}}})
	for range 3 {
		write(t, w, log...)
	}
	paid := func(status event.Status, minor int64) {
		b := w.NewBooks()
		b.Leg(&event.Leg{Role: event.RoleDebit, Event: event.Event{Kind: event.KindTransfer, ID: "t", At: noon,
			Transfer: event.Transfer{Payer: event.Party{Account: "v"}, Payee: event.Party{Account: "m"},
				Amount: event.Money{Minor: minor, Currency: event.CNY}, Status: status}}}, int64(status), 0)
		if _, err := b.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, status := range []event.Status{event.StatusInitiated, event.StatusPosted, event.StatusPosted} {
		paid(status, 70_00)
	}
	for query, want := range map[string]string{
		"SELECT toString(sum(amount_held)) FROM recovery_days":                     "10000",
		"SELECT toString(sum(requested)) FROM recovery_days":                       "1",
		"SELECT toString(sum(amount_held)) FROM recovery_by WHERE dim = 'bank'":    "10000",
		"SELECT toString(sum(amount_reported)) FROM report_days":                   "7000",
		"SELECT toString(sum(amount_reported)) FROM reports_by WHERE dim ='total'": "7000",
		"SELECT toString(sum(held)) FROM stops":                                    "10000",
		"SELECT toString(sum(amount)) FROM reports":                                "7000",
		"SELECT toString(sum(amount)) FROM reported_payments":                      "7000",
		"SELECT toString(sum(amount)) FROM transfers":                              "7000",
		"SELECT toString(count()) FROM stop_versions":                              "3",
	} {
		if got := ask(t, w, query); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %s", query, got, want)
		}
	}
}

// Which row of a key counts is said by its place in the log and not by when it was
// written: the furthest state, and of those alike the first.
func TestTheFirstCountsWheneverItIsWritten(t *testing.T) {
	w := open(t)
	call := func(offset int64, index int, ended bool, seconds int64) {
		b := w.NewBooks()
		b.Leg(&event.Leg{Role: event.RoleCallee, Event: event.Event{Kind: event.KindCall, ID: "c", At: noon,
			Call: event.Call{Caller: "1", Callee: "2", Ended: ended, Seconds: seconds}}}, offset, index)
		if _, err := b.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	call(9, 3, true, 30)
	call(9, 2, true, 20) // the first that has ended, written later
	call(8, 0, false, 0)
	call(9, 4, true, 40)
	call(1<<40, 70_000, true, 50)
	if got := ask(t, w, "SELECT toString(seconds) FROM calls"); len(got) != 1 || got[0] != "20" {
		t.Errorf("the call has %q seconds, want 20", got)
	}
}

// A transfer is looked up by its payer or payee through the view without reading the table.
func TestViewsUseTheKeys(t *testing.T) {
	w := open(t)
	if err := w.conn.Exec(t.Context(), `
		INSERT INTO transfers_rows (id, at, payer_account, payee_account, amount, currency, status)
		SELECT toString(number), toDateTime64('2026-11-23 12:00:00', 3), toString(number), toString(number * 7), 1, 'CNY', 1
		FROM numbers(200000)`); err != nil {
		t.Fatal(err)
	}
	for name, where := range map[string]string{"payer": "payer_account = '1234'",
		"payee": "payee_account = '70'"} {
		plan := strings.Join(ask(t, w, "EXPLAIN indexes = 1 SELECT sum(amount) FROM transfers WHERE "+where), "\n")
		plan, _, _ = strings.Cut(plan, "transfer_conflicts")
		few := strings.Contains(plan, "Granules: 1/") || strings.Contains(plan, "Granules: 0/") ||
			strings.Contains(plan, "Parts: 0/")
		if !few {
			t.Errorf("by its %s the whole table is read:\n%s", name, plan)
		}
	}
}

// A table is kept for as many days as it was told, and what is of the record for ever.
func TestKeep(t *testing.T) {
	w := open(t)
	kept := func() string {
		t.Helper()
		k, err := w.Kept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(k)
	}
	for _, step := range []struct {
		days int
		want string
	}{{400, "{transfers 400}"}, {30, "{transfers 30}"}, {0, "{transfers 0}"}, {0, "{transfers 0}"}} {
		if err := w.Keep(t.Context(), "transfers", step.days); err != nil {
			t.Fatal(err)
		}
		if got := kept(); !strings.Contains(got, step.want) || !strings.Contains(got, "{calls 0}") {
			t.Errorf("after %d days: %s", step.days, got)
		}
	}
	if err := w.Keep(t.Context(), "stops", 10); err == nil || !strings.Contains(err.Error(), "transfers, ") {
		t.Errorf("stops: %v", err)
	}
	if err := w.Keep(t.Context(), "calls", 30); err != nil {
		t.Fatal(err)
	}
	b := w.NewBooks()
	for i, at := range []event.Instant{event.InstantOf(time.Now().AddDate(0, -3, 0)), event.InstantOf(time.Now())} {
		b.Leg(&event.Leg{Role: event.RoleCallee, Event: event.Event{Kind: event.KindCall, ID: fmt.Sprint(i), At: at}}, 1, i)
	}
	if _, err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.conn.Exec(t.Context(), "OPTIMIZE TABLE calls_rows FINAL"); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, w, "SELECT id FROM calls"); len(got) != 1 || got[0] != "1" {
		t.Errorf("kept are %q, want today's call alone", got)
	}
}

// Data that a newer program wrote is refused with a sentence that says what to do,
// by who writes and by who looks; who looks does not bring older data up to date.
func TestNewerDataIsRefused(t *testing.T) {
	w := open(t)
	o := Options{Addrs: []string{engine.Addr()}, Database: strings.ToLower(t.Name()), Embedded: true}
	try := func(asItIs bool) error {
		o.AsItIs = asItIs
		w, err := Open(t.Context(), o)
		if err == nil {
			_ = w.Close()
		}
		return err
	}
	if err := try(true); err != nil {
		t.Errorf("data of this version: %v", err)
	}
	p, done, err := provider(o)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	knows := newest(p)
	if err := w.conn.Exec(t.Context(), fmt.Sprintf("INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, 1)",
		knows+3)); err != nil {
		t.Fatal(err)
	}
	for _, asItIs := range []bool{false, true} {
		if err := try(asItIs); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("of version %d, and this program "+
			"knows versions up to %d: a newer stopline", knows+3, knows)) {
			t.Errorf("newer data, as it is %v: %v", asItIs, err)
		}
	}
	if err := w.conn.Exec(t.Context(), fmt.Sprintf("DELETE FROM goose_db_version WHERE version_id = %d",
		knows+3)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := try(true); err == nil || !strings.Contains(err.Error(), "stopline migrate") {
		t.Errorf("older data, as it is: %v", err)
	}
	if err := try(false); err != nil {
		t.Errorf("older data: %v", err)
	}
	o.Database = "nobody_made_this"
	if err := try(true); err == nil || !strings.Contains(err.Error(), "there is no database nobody_made_this") {
		t.Errorf("no data: %v", err)
	}
}

// A right that is missing is answered with the statements that give it.
func TestMissingRights(t *testing.T) {
	o := Options{Database: "centre_books", User: "stopline"}
	err := granted(o, fmt.Errorf("migrate: %w", &clickhouse.Exception{Code: codeNoGrant,
		Message: "Not enough privileges"}))
	for _, want := range []string{"Not enough privileges", "CREATE DATABASE IF NOT EXISTS centre_books",
		"ON centre_books.* TO stopline"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
	if other := errors.New("away"); granted(o, other) != other { //nolint:errorlint // the same
		t.Error("another error is changed")
	}
}

// With several addresses the one that answers is used; with TLS the server proves who
// it is, and so does the client.
func TestSeveralAddressesAndTLS(t *testing.T) {
	ca, server, client := certificates(t)
	front := tlsFront(t, engine.Addr(), &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{server},
		ClientCAs: ca, ClientAuth: tls.RequireAndVerifyClientCert})
	away, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := away.Addr().String()
	_ = away.Close()
	good := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ca, ServerName: "clickhouse.test",
		Certificates: []tls.Certificate{client}}
	o := Options{Addrs: []string{gone, front}, Database: strings.ToLower(t.Name()), TLS: good, Embedded: true}
	w, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Count(t.Context(), "transfers"); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
	_ = w.Close()
	for name, change := range map[string]func(*tls.Config){
		"a client without a certificate": func(c *tls.Config) { c.Certificates = nil },
		"another name":                   func(c *tls.Config) { c.ServerName = "other.test" },
		"another authority":              func(c *tls.Config) { c.RootCAs = x509.NewCertPool() },
	} {
		o.TLS = good.Clone()
		change(o.TLS)
		if w, err := Open(t.Context(), o); err == nil {
			t.Errorf("%s is let in", name)
			_ = w.Close()
		}
	}
}

// certificates are an authority, and what it has signed for clickhouse.test.
func certificates(t *testing.T) (ca *x509.CertPool, server, client tls.Certificate) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	rootKey := key()
	sign := func(c *x509.Certificate, k *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, c, root, &k.PublicKey, rootKey)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	parsed, err := x509.ParseCertificate(sign(root, rootKey))
	if err != nil {
		t.Fatal(err)
	}
	ca = x509.NewCertPool()
	ca.AddCert(parsed)
	leaf := func(serial int64, usage x509.ExtKeyUsage) tls.Certificate {
		k := key()
		return tls.Certificate{PrivateKey: k, Certificate: [][]byte{sign(&x509.Certificate{SerialNumber: big.NewInt(serial),
			NotBefore: root.NotBefore, NotAfter: root.NotAfter, DNSNames: []string{"clickhouse.test"},
			ExtKeyUsage: []x509.ExtKeyUsage{usage}}, k)}}
	}
	return ca, leaf(2, x509.ExtKeyUsageServerAuth), leaf(3, x509.ExtKeyUsageClientAuth)
}

// tlsFront ends TLS before a server, as one that speaks it itself would.
func tlsFront(t *testing.T, behind string, c *tls.Config) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = in.Close() }()
				if in.(*tls.Conn).Handshake() != nil {
					return
				}
				out, err := net.Dial("tcp", behind)
				if err != nil {
					return
				}
				defer func() { _ = out.Close() }()
				go func() { _, _ = io.Copy(out, in) }()
				_, _ = io.Copy(in, out)
			}()
		}
	}()
	return l.Addr().String()
}

// A migration that was interrupted after a table was filled, and before the old one was
// dropped, goes on at the next start, and what was there is there once.
func TestInterruptedMigrationGoesOn(t *testing.T) {
	w := open(t)
	p, done, err := provider(Options{Addrs: []string{engine.Addr()}, Database: strings.ToLower(t.Name())})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if _, err := p.DownTo(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	exec := func(query string) {
		t.Helper()
		if err := w.conn.Exec(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec("INSERT INTO transfers (id, at, payer_account, payee_account, amount, currency, status) SELECT " +
		"toString(number), " +
		"toDateTime64('2026-11-23 12:00:00', 3), '1', '2', 100, 'CNY', 1 + number % 3 FROM numbers(30)")
	text, err := migrations.ReadFile("migrations/00009_transfers.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range strings.SplitAfter(string(text), ";\n") {
		if strings.HasPrefix(strings.TrimSpace(statement), "DROP") {
			break
		}
		exec(strings.TrimSuffix(strings.TrimSpace(statement), ";"))
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, w, "SELECT concat(toString(count()), ' ', toString(sum(status))) FROM transfers"); got[0] != "30 60" {
		t.Errorf("%q transfers and statuses, want 30 60", got)
	}
}
