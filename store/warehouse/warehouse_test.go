package warehouse

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"stopline.internal/store/embedded"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

var engine *embedded.Server

func TestMain(m *testing.M) {
	embedded.RunChild()
	os.Exit(run(m))
}

// run gives every test one engine, and each a database of its own.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "warehouse")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if engine, err = embedded.Start(context.Background(), embedded.Options{Dir: dir}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = engine.Close() }()
	return m.Run()
}

func open(t *testing.T) *Warehouse {
	t.Helper()
	w, err := Open(t.Context(), Options{Addrs: []string{engine.Addr()}, Database: strings.ToLower(t.Name()),
		Embedded: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

var noon = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))

func write(t *testing.T, w *Warehouse, events ...ledger.Entry) {
	t.Helper()
	b, l := w.NewBooks(), ledger.New(law.Default)
	for i := range events {
		doc, err := json.Marshal(&events[i])
		if err != nil {
			t.Fatal(err)
		}
		if res := l.Apply(&events[i]); res.Accepted {
			b.Entry(&events[i], &res, doc, int64(i))
			if res.Stop != nil {
				b.Fact(res.Stop, l.FirstOfCase(res.Stop.ID))
			}
		}
	}
	if _, err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestMigratesTwice(t *testing.T) {
	open(t)
	open(t) // the second time there is nothing to do
}

// The figures of a small month, by hand; written twice, they stay.
func TestRecoveries(t *testing.T) {
	w := open(t)
	terms := law.Default
	l := ledger.New(terms)
	var log []ledger.Entry
	add := func(events ...ledger.Entry) {
		for i := range events {
			l.Apply(&events[i])
		}
		log = append(log, events...)
	}
	propose := func(id, bank, kind string, minor int64) {
		add(ledger.StopEntries(stop.Propose(terms, id, "case-"+id,
			stop.Proposal{Account: stop.Account{Number: "n", Bank: bank}, Minor: minor, Currency: event.CNY,
				Transfer: stop.Transfer{ID: id, Minor: minor, At: noon}, Hop: 1, FraudType: kind, District: "520103"},
			noon.Add(10*time.Second), "scoring"))...)
	}
	answer := func(id string, result stop.State, held int64) {
		o := stop.Outcome{Result: result, HeldMinor: held}
		if held > 0 {
			o.EffectiveAt = noon.Add(20 * time.Second)
		}
		add(ledger.StopEntry(stop.Answer(terms, l.Stop(id), o, noon.Add(30*time.Second), "bank")))
	}
	propose("a", "ICBK", "task-rebate", 10_001)
	propose("b", "ICBK", "account-takeover", 20_002)
	propose("c", "PCBC", "task-rebate", 30_003)
	answer("a", stop.Held, 10_001)
	answer("b", stop.Partial, 5_000)
	answer("c", stop.Missed, 0)
	add(ledger.Entry{ID: "r", CaseID: "case-a", At: noon, By: "report",
		Report: &ledger.ReportNote{ID: "110:1", Source: "110", FraudType: "task-rebate", Minor: 10_001, Currency: event.CNY}})
	// A second event for a version of "a", later in the log: the first counts.
	double := ledger.StopEntry(stop.Answer(terms, &stop.Stop{ID: "a", CaseID: "case-a", Version: 2},
		stop.Outcome{Result: stop.Held, HeldMinor: 1, EffectiveAt: noon}, noon, "liar"))
	add(double)
	write(t, w, log...)
	write(t, w, log...)

	rows, err := w.Recoveries(t.Context(), noon, noon.Add(24*time.Hour), "fraud_type", event.CNY)
	if err != nil {
		t.Fatal(err)
	}
	total := rows[len(rows)-1]
	if total.Requested != 3 || total.Held != 1 || total.Partial != 1 || total.Missed != 1 ||
		total.AmountRequested != 60_006 || total.AmountHeld != 15_001 || total.Reports != 1 ||
		total.AmountReported != 10_001 {
		t.Errorf("total %+v", total)
	}
	if math.Abs(total.SecondsToRequest[0]-10) > 0.1 || math.Abs(total.SecondsToHold[0]-20) > 0.2 {
		t.Errorf("times %v %v, want 10 and 20 seconds", total.SecondsToRequest, total.SecondsToHold)
	}
	if len(rows) != 3 || rows[1].Key != "task-rebate" || rows[1].AmountHeld != 10_001 ||
		rows[1].AmountRequested != 40_004 || rows[1].Reports != 1 {
		t.Errorf("rows %+v", rows)
	}
	for by := range statisticsBy {
		rows, err := w.Recoveries(t.Context(), noon, noon.Add(24*time.Hour), by, event.CNY)
		if err != nil {
			t.Fatalf("by %s: %v", by, err)
		}
		var sum int64
		for _, r := range rows[:len(rows)-1] {
			sum += r.AmountHeld
		}
		if sum != rows[len(rows)-1].AmountHeld {
			t.Errorf("by %s: the rows hold %d fen, the total %d", by, sum, rows[len(rows)-1].AmountHeld)
		}
	}
	if rows, err := w.Recoveries(t.Context(), noon.Add(24*time.Hour), noon.Add(48*time.Hour), "month",
		event.CNY); err != nil || len(rows) != 1 || rows[0].Requested != 0 {
		t.Errorf("a period without stops: %+v, %v", rows, err)
	}
}

func TestColdState(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	save := func(version uint64, state string) {
		if err := w.SaveStates(ctx, 1, []StateRow{{"acct:1", version, []byte(state)},
			{"acct:2", version, []byte{0, 255, 7}}}); err != nil {
			t.Fatal(err)
		}
	}
	save(5, "new")
	save(3, "old") // written late: the higher version counts
	rows, err := w.LoadStates(ctx, 1, []event.Entity{"acct:1", "acct:2", "acct:3"})
	if err != nil || len(rows) != 2 {
		t.Fatalf("%+v, %v", rows, err)
	}
	for _, r := range rows {
		if r.Version != 5 || r.Entity == "acct:1" && string(r.State) != "new" || r.Entity == "acct:2" &&
			string(r.State) != "\x00\xff\x07" {
			t.Errorf("%+v", r)
		}
	}
	if rows, err := w.LoadStates(ctx, 2, []event.Entity{"acct:1"}); err != nil || len(rows) != 0 {
		t.Errorf("another partition sees the state: %+v, %v", rows, err)
	}
	for after, want := range map[event.Entity]int{"": 2, "acct:1": 1, "acct:2": 0} {
		page, err := w.StatesAfter(ctx, 1, after, 10)
		if err != nil || len(page) != want || want > 0 && page[want-1].Entity != "acct:2" {
			t.Errorf("after %q: %+v, %v", after, page, err)
		}
	}
	if page, err := w.StatesAfter(ctx, 1, "", 1); err != nil || len(page) != 1 || page[0].Entity != "acct:1" {
		t.Errorf("the first page: %+v, %v", page, err)
	}
	if cp, err := w.LoadCheckpoint(ctx, 1); err != nil || cp.Offset != 0 {
		t.Errorf("no checkpoint yet: %+v, %v", cp, err)
	}
	for _, offset := range []int64{10, 30, 20} {
		if err := w.SaveCheckpoint(ctx, 1, Checkpoint{offset, []byte(fmt.Sprint("[", offset, "]")),
			[]byte{0, 255, byte(offset)}, []byte("[]")}); err != nil {
			t.Fatal(err)
		}
	}
	if cp, err := w.LoadCheckpoint(ctx, 1); err != nil || cp.Offset != 30 || string(cp.Marks) != "[30]" ||
		string(cp.Controls) != "\x00\xff\x1e" || string(cp.Wanted) != "[]" {
		t.Errorf("%+v, %v", cp, err)
	}
}

// The check finds nothing where the books are right, and a row that somebody
// tampered with, in the facts and in the statistics.
func TestVerifyFindsTampering(t *testing.T) {
	w := open(t)
	terms := law.Default
	l := ledger.New(terms)
	var log []ledger.Entry
	for i := range 20 {
		id := fmt.Sprint("s", i)
		events := ledger.StopEntries(stop.Propose(terms, id, fmt.Sprint("c", i/2),
			stop.Proposal{Account: stop.Account{Number: "n", Bank: []string{"ICBK", "PCBC"}[i%2]}, Minor: int64(1000 + i),
				Currency: event.CNY,
				Transfer: stop.Transfer{ID: id, Minor: int64(1000 + i), At: noon}, Hop: 1 + i%3, FraudType: "task-rebate",
				District: "520103"}, noon.Add(time.Duration(i)*5*time.Hour), "scoring"))
		log = append(log, events...)
		for j := range events {
			l.Apply(&events[j])
		}
		answer := ledger.StopEntry(stop.Answer(terms, l.Stop(id),
			stop.Outcome{Result: stop.Held, HeldMinor: int64(1000 + i), EffectiveAt: noon},
			noon.Add(time.Duration(i)*5*time.Hour+time.Minute), "bank"))
		l.Apply(&answer)
		log = append(log, answer)
	}
	write(t, w, log...)
	write(t, w, log[:11]...) // a replay
	check := func(want ...string) {
		t.Helper()
		v, err := w.Verify(t.Context(), l, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range v.Differences {
			got = append(got, d.What+" "+d.ID+" "+d.Field)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || v.Stops < 19 || v.Statistics == 0 {
			t.Errorf("%+v: found %v, want %v", v.Stops, got, want)
		}
	}
	check()
	if err := w.conn.Exec(t.Context(), "INSERT INTO stops_rows SELECT * REPLACE (held + 1 AS held) FROM stops_rows "+
		"FINAL WHERE stop_id = 's3'"); err != nil {
		t.Fatal(err)
	}
	check("stop s3 held")
	write(t, w, log...) // written again by the service, it is right again
	check()
	if err := w.conn.Exec(t.Context(), "INSERT INTO recovery_by_rows SELECT * REPLACE (amount_held + 1 AS amount_held, "+
		"now64(6) AS reckoned_at) FROM recovery_by_rows FINAL WHERE dim = 'total' AND day = '2026-11-23'"); err != nil {
		t.Fatal(err)
	}
	check("statistics total  2026-11-23 CNY sums")
	if err := w.Recompute(t.Context(), []string{"2026-11-23"}); err != nil {
		t.Fatal(err)
	}

	// What the ledger knows and the books learn a moment later is no difference;
	// what stays while the ledger goes on is one.
	next := l.Stop("s5").Next(noon.Add(200*time.Hour), "supervisor")
	next.State, next.Version = stop.Released, l.Stop("s5").Version+1
	release := ledger.StopEntry(next)
	if r := l.Apply(&release); !r.Accepted {
		t.Fatal(r.Why)
	}
	go func() {
		time.Sleep(1500 * time.Millisecond)
		write(t, w, append(log, release)...)
	}()
	v, err := w.Verify(t.Context(), l, 10*time.Second)
	if err != nil || len(v.Differences) > 0 {
		t.Errorf("a moment later: %+v %v", v, err)
	}
	if err := w.conn.Exec(t.Context(), "INSERT INTO stops_rows SELECT * REPLACE (held + 1 AS held) FROM stops_rows "+
		"FINAL WHERE stop_id = 's3'"); err != nil {
		t.Fatal(err)
	}
	if v, err = w.Verify(t.Context(), l, 2*time.Second); err != nil || len(v.Differences) != 1 ||
		v.Differences[0].ID != "s3" {
		t.Errorf("what stays: %+v %v", v, err)
	}
}

// What victims reported is compared with the ledger payment by payment: one that
// nobody reported is found, and so is an amount that was altered.
func TestVerifyFindsReports(t *testing.T) {
	w := open(t)
	l := ledger.New(law.Default)
	note := func(id string, minor int64) ledger.Entry {
		return ledger.Entry{ID: "evt_" + id, CaseID: "cas_1", At: noon, By: "report",
			Report: &ledger.ReportNote{ID: id, Source: "110",
				District: "520103", FraudType: "task-rebate", Minor: minor, Currency: event.CNY, Stops: []string{},
				Payments: []ledger.Payment{{Payer: "victim", Payee: "mule", Minor: minor, Currency: event.CNY, At: noon}}}}
	}
	// Three hotlines are notified of one loss of 5,000.00, and one of them of another of 70.00.
	log := []ledger.Entry{note("110:1", 5000_00), note("96110:1", 5000_00), note("bank:1", 5000_00), note("110:2", 70_00)}
	for i := range log {
		l.Apply(&log[i])
	}
	write(t, w, log...)
	rows, err := w.Recoveries(t.Context(), noon, noon.Add(24*time.Hour), "district", event.CNY)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows { // the district's, and the total
		if r.Reports != 2 || r.ReportsRepeated != 2 || r.AmountReported != 5070_00 {
			t.Errorf("%q: %d reports, %d repeated, %d fen; want 2, 2 and 507000", r.Key, r.Reports, r.ReportsRepeated,
				r.AmountReported)
		}
	}
	check := func(want ...string) {
		t.Helper()
		v, err := w.Verify(t.Context(), l, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range v.Differences {
			got = append(got, d.What+" "+d.ID+" "+d.Field)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || v.Reports != 4 || v.Payments != 2 {
			t.Errorf("%d reports, %d payments: found %q, want %q", v.Reports, v.Payments, got, want)
		}
	}
	check()
	exec := func(query string) {
		t.Helper()
		if err := w.conn.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	exec("INSERT INTO reported_payments_rows SELECT * REPLACE (amount + 1 AS amount) FROM reported_payments_rows FINAL " +
		"WHERE report_id = '110:2'")
	check("payment 0 of report 110:2 of cas_1 amount")
	write(t, w, log...)
	check()
	exec("INSERT INTO reported_payments_rows SELECT * REPLACE (7 AS position) FROM reported_payments_rows FINAL " +
		"WHERE report_id = '110:2'")
	check("payment 7 of report 110:2 of cas_1 row")
	exec("ALTER TABLE reported_payments_rows DELETE WHERE position = 7 SETTINGS mutations_sync = 1")
	exec("INSERT INTO reports_rows SELECT * REPLACE (0 AS repeats) FROM reports_rows FINAL WHERE report_id = '96110:1'")
	check("report 96110:1 of cas_1 repeats")
	write(t, w, log...)
	exec("INSERT INTO reports_by_rows SELECT * REPLACE (amount_reported + 1 AS amount_reported, now64(6) AS reckoned_at)" +
		" FROM reports_by_rows FINAL WHERE dim = 'total'")
	check("statistics reports total  2026-11-23 CNY sums")
}

// The last migration can be taken back and done again; what reports there were
// stays.
func TestMigratesDown(t *testing.T) {
	w := open(t)
	write(t, w, ledger.Entry{ID: "r", CaseID: "cas_1", At: noon, By: "report",
		Report: &ledger.ReportNote{ID: "110:1", Source: "110", Minor: 10_001, Currency: event.CNY}})
	o := Options{Addrs: []string{engine.Addr()}, Database: strings.ToLower(t.Name())}
	p, done, err := provider(o)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if _, err := p.DownTo(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	var amount int64
	if err := w.conn.QueryRow(t.Context(), "SELECT amount FROM reports FINAL WHERE report_id = '110:1'").Scan(&amount); err != nil || amount != 10_001 {
		t.Errorf("after the way down: %d, %v", amount, err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Count(t.Context(), "reports"); err != nil || n != 1 {
		t.Errorf("after the way up: %d reports, %v", n, err)
	}
}

// How far the books have a partition is what was said last, of that partition and
// in the form of this version.
func TestOffsets(t *testing.T) {
	w := open(t)
	ask := func(topic string, partition int) string {
		t.Helper()
		next, written, err := w.Offset(t.Context(), topic, partition)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(next, written)
	}
	if got := ask("legs", 0); got != "0 false" {
		t.Errorf("of new books: %s", got)
	}
	for _, o := range [][]Offset{{{"legs", 0, 10}, {"legs", 1, 20}}, {{"legs", 0, 30}}, {{"legs", 1, 15}}} {
		if err := w.SetOffsets(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for partition, want := range []string{"30 true", "15 true", "0 false"} {
		if got := ask("legs", partition); got != want {
			t.Errorf("legs/%d: %s, want %s", partition, got, want)
		}
	}
	if err := w.conn.Exec(t.Context(), "ALTER TABLE book_offsets UPDATE form = form - 1 WHERE 1 SETTINGS "+
		"mutations_sync = 1"); err != nil {
		t.Fatal(err)
	}
	if got := ask("legs", 0); got != "0 false" {
		t.Errorf("books of an older form are not written anew: %s", got)
	}
}

// People who hang up while ClickHouse answers do the embedded engine no harm:
// who waits is answered all the while.
func TestHangingUpDoesNoHarm(t *testing.T) {
	w := open(t)
	var wg sync.WaitGroup
	end := time.Now().Add(3 * time.Second)
	for n := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(n)))
			for time.Now().Before(end) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Duration(random.IntN(3000))*time.Microsecond, cancel)
				_, _ = w.Count(ctx, "stops") // whether it was in time does not matter
				_, _ = w.Reviews(ctx, 10)
				cancel()
			}
		})
	}
	answered := 0
	for time.Now().Before(end) {
		if _, err := w.Count(t.Context(), "stops"); err != nil {
			t.Fatalf("after %d answers: %v", answered, err)
		}
		answered++
	}
	wg.Wait()
	if answered < 10 {
		t.Errorf("%d answers", answered)
	}
}
