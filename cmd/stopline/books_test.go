package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/stream/event"
)

// A row that is gone from the books is named by "report verify" and "books verify"
// with its day, both figures and the command, and each exits with 1; that command,
// beside the running service, mends it.
func TestBooksAreMadeAgainBesideTheService(t *testing.T) {
	h := newHarness(t)
	for i := range 4 {
		h.send(h.infra.topics.Transfers, transferDoc(fmt.Sprint("t", i), fmt.Sprint("622", i), "6217", "10.00"))
	}
	h.waitFor("the books have four transfers", func() bool {
		n, err := h.warehouse.Count(t.Context(), "transfers")
		return err == nil && n == 4
	})
	servers := []string{"--kafka", h.infra.kafka, "--clickhouse", h.infra.clickhouse}
	police := []string{"report", "verify", "--url", h.url, "--key", h.ids.Local(access.Police, "")}
	if code, _, errs := exits(t, police...); code != 0 || !strings.Contains(errs, "days of tables") {
		t.Fatalf("right books: exit %d, %s", code, errs)
	}
	if _, err := h.sql()("DELETE FROM transfers_rows WHERE id = 't2'"); err != nil {
		t.Fatal(err)
	}
	today := time.Now().In(event.Zone).Format(time.DateOnly)
	want := "day transfers " + today + ": rows is 3 rows, 3000 minor units in the books and 4 rows, 4000 minor units in " +
		"the log; mend it with: stopline books rebuild --from " + today + "\n"
	for _, args := range [][]string{police, append([]string{"books", "verify"}, servers...)} {
		if code, _, errs := exits(t, args...); code != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d, %s\nwant %d and %s", args[:2], code, errs, exitFailed, want)
		}
	}
	code, out, errs := exits(t, append([]string{"books", "rebuild", "--from", today}, servers...)...)
	if code != 0 || !strings.Contains(out, `"records":`) {
		t.Errorf("rebuild: exit %d, %s %s", code, out, errs)
	}
	for _, args := range [][]string{police, append([]string{"books", "verify"}, servers...)} {
		if code, out, errs := exits(t, args...); code != 0 || !strings.Contains(out, `"differences":[]`) {
			t.Errorf("mended, %v: exit %d, %s %s", args[:2], code, out, errs)
		}
	}
	if code, out, errs := exits(t, append([]string{"books", "keep", "calls", "400d"}, servers[2:]...)...); code != 0 ||
		!strings.Contains(out, `{"table":"calls","days":400}`) || !strings.Contains(out, `{"table":"alerts","days":0}`) {
		t.Errorf("keep: exit %d, %s %s", code, out, errs)
	}
	if code, _, errs := exits(t, append([]string{"books", "keep", "stops", "400d"},
		servers[2:]...)...); code != exitFailed ||
		!strings.Contains(errs, "transfers, transfer_conflicts") {
		t.Errorf("keep what is the record: exit %d, %s", code, errs)
	}
}

// A directory that a newer program wrote is refused before anything is started in it,
// with the sentence that says which format it has; one that is not marked is marked.
func TestNewerDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := &Servers{Data: dir}
	if err := s.checkFormat(); err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(dir, "format")
	if b, err := os.ReadFile(mark); err != nil || string(b) != "1\n" {
		t.Errorf("a new directory is marked %q, %v", b, err)
	}
	if err := s.checkFormat(); err != nil {
		t.Errorf("the second time: %v", err)
	}
	for says, want := range map[string]string{"2\n": "of format 2, and this program (" + version +
		") knows formats up to 1",
		"": "is not the format of data", "-1": "is not the format of data", "one": "is not the format of data"} {
		if err := os.WriteFile(mark, []byte(says), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.checkFormat(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a directory of %q: %v, want %s", says, err, want)
		}
	}
	older := t.TempDir()
	if err := os.MkdirAll(filepath.Join(older, "kafka", "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := (&Servers{Data: older}).checkFormat(); err == nil || !strings.Contains(err.Error(), "before 0.6") {
		t.Errorf("a directory that an older program wrote: %v", err)
	}
	if err := (&Servers{Data: dir, Reaching: Reaching{Kafka: "k:1"},
		ClickHouse: ClickHouse{Clickhouse: "c:1"}}).checkFormat(); err != nil {
		t.Errorf("a center's own servers have nothing there: %v", err)
	}
	if err := os.WriteFile(mark, []byte("2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"serve --roles score", "migrate", "backtest", "books verify", "books keep"} {
		code, _, errs := exits(t, append(strings.Fields(args), "--data", dir)...)
		if code != exitFailed || !strings.Contains(errs, "of format 2") || !strings.Contains(errs, "--data") {
			t.Errorf("%s: exit %d, %s", args, code, errs)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("something was started there: %v, %v", left, err)
	}
}

// What is wrong with the flags of ClickHouse is said with the flag.
func TestClickHouseFlags(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		flags ClickHouse
		want  string
	}{
		"an address": {ClickHouse{Clickhouse: "a:1,b"}, `--clickhouse: "b" is not HOST:PORT`},
		"a database": {ClickHouse{Clickhouse: "a:1", ClickhouseDatabase: "a b"}, "--clickhouse-database"},
		"two passwords": {ClickHouse{Clickhouse: "a:1", ClickhousePassword: "x", ClickhousePasswordFile: "y"},
			"not both"},
		"no certificates": {ClickHouse{Clickhouse: "a:1", ClickhouseCA: file("ca", "none")}, "--clickhouse-ca"},
		"half a pair":     {ClickHouse{Clickhouse: "a:1", ClickhouseCert: "c"}, "belong together"},
	} {
		if _, err := c.flags.options(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	o, err := (&ClickHouse{Clickhouse: "a:1,[::1]:2", ClickhouseDatabase: "fraud_books", ClickhouseUser: "u",
		ClickhousePasswordFile: file("password", "secret\n")}).options()
	if err != nil || o.Where() != "a:1,[::1]:2" || o.Database != "fraud_books" || o.Password != "secret" || o.TLS != nil {
		t.Errorf("%s, database %s, TLS %v: %v", o.Where(), o.Database, o.TLS, err)
	}
	if o, err = (&ClickHouse{Clickhouse: "a:1", ClickhouseServerName: "ch"}).options(); err != nil || o.TLS == nil ||
		o.TLS.ServerName != "ch" || o.TLS.InsecureSkipVerify {
		t.Errorf("by a name: %+v, %v", o.TLS, err)
	}
}
