package stream

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"stopline.internal/store/embedded"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// library is a real ClickHouse with the books, which a test can stop, damage and
// start again.
type library struct {
	t      *testing.T
	dir    string
	server *embedded.Server
	books  *warehouse.Warehouse
	db     *sql.DB
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	l := &library{t: t, dir: filepath.Join(t.TempDir(), "clickhouse")}
	l.open()
	t.Cleanup(l.close)
	return l
}

func (l *library) open() {
	l.t.Helper()
	var err error
	// It outlives the test's context, as the service's does: what is left is written.
	if l.server, err = embedded.Start(context.WithoutCancel(l.t.Context()), embedded.Options{Dir: l.dir,
		Log: slog.New(slog.DiscardHandler)}); err != nil {
		l.t.Fatal(err)
	}
	o := warehouse.Options{Addrs: []string{l.server.Addr()}, Embedded: true}
	if l.books, err = warehouse.Open(l.t.Context(), o); err != nil {
		l.t.Fatal(err)
	}
	l.db = clickhouse.OpenDB(&clickhouse.Options{Addr: o.Addrs, Auth: clickhouse.Auth{Database: warehouse.Database}})
}

func (l *library) close() {
	if l.server == nil {
		return
	}
	_ = l.db.Close()
	if err := l.books.Close(); err != nil {
		l.t.Error(err)
	}
	if err := l.server.Close(); err != nil {
		l.t.Error(err)
	}
	l.server = nil
}

func (l *library) exec(query string) {
	l.t.Helper()
	if _, err := l.db.ExecContext(l.t.Context(), query); err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
}

// ask returns the first column of a query's rows.
func (l *library) ask(query string) (out []string) {
	l.t.Helper()
	rows, err := l.db.QueryContext(l.t.Context(), query)
	if err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			l.t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return out
}

// shelves are the views of the books that a sink fills.
var shelves = []string{"transfers", "transfer_conflicts", "calls", "messages", "sims", "alerts", "verdicts", "progress",
	"stop_versions", "stops", "recovery_days", "recovery_by", "reports", "reported_payments", "report_days", "reports_by"}

// everything is what every view says, by view.
func (l *library) everything() map[string]string {
	l.t.Helper()
	out := map[string]string{}
	for _, view := range shelves {
		out[view] = strings.Join(l.ask("SELECT toString(tuple(*)) AS row FROM "+view+" ORDER BY row"), "\n")
	}
	return out
}

// parts are the directories of a table's parts, the newest last.
func (l *library) parts(table string) (out []string) {
	l.t.Helper()
	return l.ask("SELECT path FROM system.parts WHERE active AND database = 'stopline' AND table = '" + table +
		"' ORDER BY modification_time, max_block_number")
}

// sink runs a sink with the books.
func (w *bench) sink(l *library) (leave func()) {
	w.t.Helper()
	s, err := NewSink(w.Deps, "books", l.books, law.Default)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.run(s.Run)
}

// inBooks waits until the books have all that Kafka has now.
func (w *bench) inBooks(l *library) {
	w.t.Helper()
	for _, topic := range w.Topics.BookTopics() {
		ends, err := w.Cluster.Ends(w.t.Context(), map[string][]int{topic: {0}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.waitFor(topic+" in the books", func() bool {
			next, written, err := l.books.Offset(w.t.Context(), topic, 0)
			return err == nil && (written || ends[topic][0] == 0) && next >= ends[topic][0]
		})
		w.waitFor(topic+" committed", func() bool {
			c, err := w.Cluster.Committed(w.t.Context(), "books", topic, 0)
			return err == nil && c[0].Offset >= ends[topic][0]
		})
	}
}

// city puts something of every sort into the log, by way of ingest and scoring: two
// stops, a report, a verdict, progress, and a conflict.
func (w *bench) city() {
	w.t.Helper()
	w.send(w.Topics.Watchlist, watched(mule, "confirmed"))
	s := newShelf()
	w.score(s, 100)
	w.waitFor("the watchlist is known", func() bool { return s.has(mule) })
	w.send(w.Topics.Telecom,
		fmt.Sprintf(`{"kind":"call","id":"C-1","at":%q,"phase":"ended","caller":{"number":"+85281234567"},`+
			`"callee":{"number":"13800138000"},"duration_s":600}`, w.now()),
		fmt.Sprintf(`{"kind":"message","id":"M-1","at":%q,"sender":"10690000123","recipient":"13800138000"}`, w.now()),
		fmt.Sprintf(`{"kind":"sim","id":"S-1","at":%q,"number":"13800138000","change":"swapped"}`, w.now()))
	w.send(w.Topics.Transfers, w.payment("T-1", victim, mule, "49800.00"), w.payment("T-2", victim, shop, "12.50"),
		w.payment("T-2", victim, shop, "1250.00"))
	w.waitFor("two alerts' worth", func() bool { return len(w.alerts()) == 1 })
	w.send(w.Topics.Reports, fmt.Sprintf(`{"kind":"report","id":"R-1","at":%q,"source":"110","fraud_type":"task-rebate",`+
		`"victim":{"phone":"13800138000"},"transfers":[{"id":"T-2","payer_account":%q,"payee_account":%q,`+
		`"payee_bank":"PCBC","amount":"12.50","currency":"CNY","at":%q}]}`, w.now(), victim, shop, w.now()))
	caseID := event.CaseID(victim)
	w.waitFor("the report's stop and the dead letter", func() bool {
		return len(w.all(w.Topics.Stops)) >= 4 && len(w.all(w.Topics.DeadLetters)) == 1
	})
	w.send(w.Topics.Stops,
		fmt.Sprintf(`{"event_id":"v-1","case_id":%q,"at":%q,"by":"ann","verdict":{"alert_id":"","verdict":"confirmed"}}`,
			caseID, w.now()),
		fmt.Sprintf(`{"event_id":"p-1","case_id":%q,"version":1,"state":"investigating","at":%q,"by":"ann","progress":{}}`,
			caseID, w.now()))
}

// A ClickHouse whose directory is removed while Kafka is kept has everything again
// after a start.
func TestBooksComeBack(t *testing.T) {
	w, l := newBench(t), newLibrary(t)
	w.ingest()
	w.city()
	leave := w.sink(l)
	w.inBooks(l)
	before := l.everything()
	for view, rows := range before {
		if rows == "" {
			t.Errorf("%s has nothing: the test does not see whether it comes back", view)
		}
	}
	leave()
	l.close()
	if err := os.RemoveAll(l.dir); err != nil {
		t.Fatal(err)
	}
	l.open()
	w.sink(l)
	w.inBooks(l)
	l.same(before)
}

// same compares every view with what it said.
func (l *library) same(before map[string]string) {
	l.t.Helper()
	after := l.everything()
	for _, view := range shelves {
		if after[view] != before[view] {
			l.t.Errorf("%s was\n%s\nand is\n%s", view, before[view], after[view])
		}
	}
}

// truncate cuts every file of a part in half, as a power cut does to what was not
// on the disk.
func truncate(t *testing.T, part string) {
	t.Helper()
	err := filepath.WalkDir(part, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		i, err := e.Info()
		if err != nil {
			return err
		}
		return os.Truncate(path, i.Size()/2)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The newest parts of every table are cut in half after they were acknowledged and
// committed in Kafka: the offsets are gone with the rows, so that a start writes them
// again.
func TestPowerCut(t *testing.T) {
	w, l := newBench(t), newLibrary(t)
	w.ingest()
	leave := w.sink(l)
	w.send(w.Topics.Transfers, w.payment("T-0", shop, victim, "3.00"))
	w.waitFor("the first leg", func() bool { return len(w.all(w.Topics.Legs)) > 0 })
	w.inBooks(l)
	w.city()
	w.inBooks(l)
	before := l.everything()
	leave()
	var parts []string
	for _, table := range append([]string{"book_offsets"}, shelves...) {
		if table != "book_offsets" && table != "recovery_days" && table != "report_days" {
			table += "_rows"
		}
		if p := l.parts(table); len(p) > 0 {
			parts = append(parts, p[len(p)-1])
		}
	}
	l.close()
	for _, p := range parts {
		truncate(t, p)
	}
	l.open()
	if lost := l.everything(); lost["calls"] == before["calls"] || lost["stops"] == before["stops"] {
		t.Fatal("nothing was lost: the test does not see whether it comes back")
	}
	w.sink(l)
	w.inBooks(l)
	l.same(before)
}

// A part that is gone while the offsets are there no start can notice: the
// verification names the day, both figures and the command, and a rebuild mends it.
func TestLostPartIsFoundAndMended(t *testing.T) {
	w, l := newBench(t), newLibrary(t)
	w.ingest()
	w.city()
	leave := w.sink(l)
	w.inBooks(l)
	before := l.everything()
	leave()
	parts := l.parts("transfers_rows")
	l.close()
	for _, p := range parts {
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
	}
	l.open()
	w.sink(l)
	log := w.bookLog(l)
	check, err := log.Verify(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(check.Differ) != 1 || check.Differ[0] != (warehouse.DayDifference{Table: "transfers",
		Day: warehouse.Day(w.now()), Log: warehouse.DayCount{Rows: 2, Minor: 49800_00 + 12_50}}) {
		t.Errorf("found %+v", check.Differ)
	}
	if _, err := log.Rebuild(t.Context(), 0, false, nil); err != nil {
		t.Fatal(err)
	}
	l.same(before)
	if check, err = log.Verify(t.Context(), 0); err != nil || len(check.Differ) != 0 || check.Days < 11 {
		t.Errorf("after the rebuild: %+v, %v", check, err)
	}
	if left := l.ask("SELECT name FROM system.tables WHERE database = 'stopline' AND name LIKE 'copy%'"); len(left) > 0 {
		t.Errorf("the verification left %q behind", left)
	}
}

func (w *bench) bookLog(l *library) *BookLog {
	w.t.Helper()
	log, err := NewBookLog(w.Deps, l.books, law.Default)
	if err != nil {
		w.t.Fatal(err)
	}
	return log
}

// A row that somebody removes is missed in each table, and one that somebody adds;
// a rebuild of that day brings the first back, and an exact one removes the second.
func TestVerificationCountsEveryTable(t *testing.T) {
	w, l := newBench(t), newLibrary(t)
	w.ingest()
	w.city()
	w.sink(l)
	w.inBooks(l)
	before, log := l.everything(), w.bookLog(l)
	today := warehouse.Day(w.now())
	verify := func() (found []string) {
		t.Helper()
		check, err := log.Verify(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range check.Differ {
			if d.Day != today {
				t.Errorf("%s of %s", d.Table, d.Day)
			}
			found = append(found, fmt.Sprintf("%s %+d", d.Table, int64(d.Books.Rows)-int64(d.Log.Rows)))
		}
		slices.Sort(found)
		return found
	}
	if found := verify(); len(found) > 0 {
		t.Fatalf("right books differ: %q", found)
	}
	tables := []string{"alerts", "calls", "messages", "progress", "reported_payments", "reports", "sims", "stop_versions",
		"stops", "transfers", "verdicts"}
	var want []string
	for _, table := range tables {
		key := l.ask("SELECT sorting_key FROM system.tables WHERE database = 'stopline' AND name = '" + table + "_rows'")[0]
		l.exec(fmt.Sprintf("DELETE FROM %s_rows WHERE (%s) IN (SELECT %s FROM %s LIMIT 1)", table, key, key, table))
		want = append(want, table+" -1")
	}
	if found := verify(); !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	day, err := time.ParseInLocation(time.DateOnly, today, event.Zone)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Rebuild(t.Context(), event.InstantOf(day), false, nil); err != nil {
		t.Fatal(err)
	}
	if found := verify(); len(found) > 0 {
		t.Errorf("after the rebuild: %q", found)
	}
	l.same(before)

	l.exec("INSERT INTO transfers_rows SELECT * REPLACE ('forged' AS id) FROM transfers_rows FINAL LIMIT 1")
	if found := verify(); !slices.Equal(found, []string{"transfers +1"}) {
		t.Errorf("of a forged row: found %q", found)
	}
	if _, err := log.Rebuild(t.Context(), event.InstantOf(day), true, nil); err != nil {
		t.Fatal(err)
	}
	if found := verify(); len(found) > 0 {
		t.Errorf("after the exact rebuild: %q", found)
	}
	l.same(before)
}

// A transfer that comes again with another amount, payee or currency is a dead
// letter, one for each time that it comes; the books keep the first, whichever status
// the others have. The same again, or further, is none.
func TestConflictingTransfers(t *testing.T) {
	w, l := newBench(t), newLibrary(t)
	w.ingest()
	w.score(newShelf(), 100)
	w.sink(l)
	first := w.payment("T-1", victim, shop, "100.00")
	posted := func(doc string) string { return strings.Replace(doc, "initiated", "posted", 1) }
	reversed := func(doc string) string { return strings.Replace(doc, "initiated", "reversed", 1) }
	dollars := func(doc string) string { return strings.Replace(doc, "CNY", "USD", 1) }
	w.send(w.Topics.Transfers, first, first, // the same again
		w.payment("T-1", victim, shop, "200.00"),
		posted(w.payment("T-1", victim, shop, "300.00")),
		reversed(w.payment("T-1", victim, mule, "100.00")),
		dollars(first),
		posted(first),
		dollars(w.payment("T-2", victim, shop, "7.00")), dollars(w.payment("T-2", victim, shop, "8.00")),
		w.payment("T-1", shop, mule, "9.00")) // another payer's
	w.waitFor("the letters", func() bool { return len(w.all(w.Topics.DeadLetters)) >= 5 })
	w.waitFor("all scored", func() bool { return count(t, w.Metrics.Legs) >= 20 })
	w.inBooks(l)
	var got []string
	for _, m := range w.all(w.Topics.DeadLetters) {
		d := deadLetterOf(&m)
		var e event.Event
		if err := anyTransfer.Parse(d.Document, 0, &e); err != nil || d.Reason != "conflict" ||
			d.Topic != w.Topics.Transfers ||
			len(d.Problems) != 1 || d.Problems[0].Code != "conflict" || d.Problems[0].Values["payer"] != victim {
			t.Errorf("%+v: %v", d, err)
		}
		got = append(got, fmt.Sprint(d.Source, " ", e.ID, " ", e.Transfer.Payee.Account == mule, " ", e.Transfer.Amount, " ",
			e.Transfer.Status))
	}
	want := []string{"bank.transfers/0:2 T-1 false 200.00 CNY initiated", "bank.transfers/0:3 T-1 false 300.00 CNY posted",
		"bank.transfers/0:4 T-1 true 100.00 CNY reversed", "bank.transfers/0:5 T-1 false 100.00 USD initiated",
		"bank.transfers/0:8 T-2 false 8.00 USD initiated"}
	if !slices.Equal(got, want) {
		t.Errorf("dead letters\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	books := l.ask("SELECT concat(id, ' ', toString(amount), ' ', currency, ' ', toString(status)) AS s FROM " +
		"transfers ORDER BY s")
	if want := []string{"T-1 10000 CNY 2", "T-1 900 CNY 1", "T-2 700 USD 1"}; !slices.Equal(books, want) {
		t.Errorf("the books have %q, want %q", books, want)
	}
	if n := count(t, w.Metrics.DeadLetters.WithLabelValues("conflict")); n != 5 {
		t.Errorf("%v are counted", n)
	}
}

// What is read once more is the same rows; what Kafka has dropped is said, and not
// counted as missing.
func TestWhatKafkaDroppedIsNotMissing(t *testing.T) {
	w, l := newBench(t), newLibrary(t)
	w.ingest()
	w.sink(l)
	yesterday := w.now()
	w.send(w.Topics.Transfers, w.payment("T-1", victim, shop, "100.00"))
	w.waitFor("the first legs", func() bool { return len(w.all(w.Topics.Legs)) > 0 })
	w.inBooks(l)
	r, err := w.bookLog(l).retell(t.Context(), l.books.NewBooks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := r.partitions[slices.IndexFunc(r.partitions, func(p *toldPartition) bool { return p.topic == w.Topics.Legs })]
	m := w.all(w.Topics.Legs)[0]
	m.Offset = 7 // as if six records before it were gone
	if err := r.record(t.Context(), p, &m); err != nil {
		t.Fatal(err)
	}
	whole := r.wholeFrom()
	if want := warehouse.Day(yesterday.Add(24 * time.Hour)); whole[warehouse.FromLegs] != want ||
		whole[warehouse.FromAlerts] != "" || whole[warehouse.FromLedger] != "" {
		t.Errorf("whole from %q, want legs from %s", whole, want)
	}
	second, err := l.books.NewCopy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	differ, _, err := second.Compare(t.Context(), whole)
	if err != nil || len(differ) > 0 {
		t.Errorf("what was dropped differs: %+v, %v", differ, err)
	}
	if err := second.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A writer has so many rows at most: who hands it more waits until it has written.
func TestWriterIsBounded(t *testing.T) {
	w, l := newBench(t), newLibrary(t)
	bw := newBookWriter(&w.Deps, l.books)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); bw.run(ctx) }()
	p := &sinkPartition{topic: "legs", handed: kafka.FirstOffset}
	for i := range int64(5) {
		rows := &warehouse.Rows{}
		for n := range 40_000 {
			rows.Alert(warehouse.AlertRow{ID: fmt.Sprint(i, "-", n), At: w.now(), Document: []byte("{}")})
		}
		if err := bw.hand(ctx, p, rows, i+1); err != nil {
			t.Fatal(err)
		}
		if i == 3 && p.written.Load() < 3 { // three times 40,000 are more than it keeps
			t.Errorf("160,000 rows are taken, and %d batches written", p.written.Load())
		}
	}
	if err := bw.finish(ctx); err != nil || p.written.Load() != 5 {
		t.Errorf("at the end %d batches are written, %v", p.written.Load(), err)
	}
	if n := l.ask("SELECT toString(count()) FROM alerts"); n[0] != "200000" {
		t.Errorf("%s rows", n)
	}
	cancel()
	<-ended
}
