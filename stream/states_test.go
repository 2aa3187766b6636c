package stream

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/state"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// What happens in the tests here: so many mules that the watchlist knows, and then a payment into each
// account, by a payer of its own. With two hot entities each stop hangs on a past that is not hot.
const mules = 24

func muleNo(i int) string    { return fmt.Sprintf("62170000100987%05d", i) }
func payerNo(i int) string   { return fmt.Sprintf("62220202001122%05d", i) }
func paymentNo(i int) string { return fmt.Sprint("T-", i) }

// watchAll puts the mules on the watchlist and waits until they are scored.
func (w *bench) watchAll() {
	w.t.Helper()
	for i := range mules {
		w.send(w.Topics.Watchlist, watched(muleNo(i), "confirmed"))
	}
	w.waitFor("the watchlist is scored", func() bool { return count(w.t, w.Metrics.Legs) >= mules })
}

// pay sends the payments [from, to).
func (w *bench) pay(from, to int) {
	w.t.Helper()
	for i := from; i < to; i++ {
		w.send(w.Topics.Transfers, w.payment(paymentNo(i), payerNo(i), muleNo(i), "49800.00"))
	}
}

// said is what came out: the last of each alert, without its marks, and each entry of the ledger's log. What
// comes out twice under one id must say the same.
func (w *bench) said() (alerts, entries map[string]string) {
	w.t.Helper()
	alerts, entries = map[string]string{}, map[string]string{}
	put := func(to map[string]string, id, doc string) {
		if was, again := to[id]; again && was != doc {
			w.t.Errorf("%s came out in two ways:\n%s\n%s", id, was, doc)
		}
		to[id] = doc
	}
	for _, m := range w.all(w.Topics.Alerts) {
		var a scoring.Alert
		if err := json.Unmarshal(m.Value, &a); err != nil {
			w.t.Fatal(err)
		}
		if a.Provisional {
			continue
		}
		a.Late = false
		put(alerts, a.ID, string(event.Encode(&a)))
	}
	for _, m := range w.all(w.Topics.Stops) {
		var e ledger.Entry
		if err := json.Unmarshal(m.Value, &e); err != nil {
			w.t.Fatal(err)
		}
		put(entries, e.ID, string(m.Value))
	}
	return alerts, entries
}

// stopped counts the payments whose stop was asked for, by the last alert of each.
func (w *bench) stopped() (n int) {
	for _, a := range w.alerts() {
		if a.StopID != "" {
			n++
		}
	}
	return n
}

// undisturbed is what comes out of the story when nothing goes wrong, at the same time as in w.
func undisturbed(t *testing.T, at event.Instant) (alerts, entries map[string]string) {
	t.Helper()
	w := newBench(t)
	w.at = at
	w.ingest()
	w.score(newShelf(), 2)
	w.watchAll()
	w.pay(0, mules)
	w.waitFor("every stop", func() bool { return w.stopped() == mules })
	return w.said()
}

// asUndisturbed waits until everything has come out that comes out when nothing goes wrong, and nothing
// else.
func (w *bench) asUndisturbed() {
	w.t.Helper()
	alerts, entries := undisturbed(w.t, w.at)
	var gotAlerts, gotEntries map[string]string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		gotAlerts, gotEntries = w.said()
		if len(gotAlerts) >= len(alerts) && len(gotEntries) >= len(entries) {
			break
		}
	}
	for what, c := range map[string]struct{ want, got map[string]string }{"alert": {alerts, gotAlerts},
		"entry": {entries, gotEntries}} {
		for id, doc := range c.want {
			if c.got[id] != doc {
				w.t.Errorf("%s, want\n%s, have\n%s", what, doc, c.got[id])
			}
		}
		for id := range c.got {
			if c.want[id] == "" {
				w.t.Errorf("nobody else says %s", c.got[id])
			}
		}
	}
}

// marks counts the alerts that were published provisionally, and late.
func (w *bench) marks() (provisional, late int) {
	for _, m := range w.all(w.Topics.Alerts) {
		if strings.Contains(string(m.Value), `"provisional":true`) {
			provisional++
		}
		if strings.Contains(string(m.Value), `"late":true`) {
			late++
		}
	}
	return provisional, late
}

// looked is how many states were asked for.
func (s *shelf) looked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func (s *shelf) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// stallSeven lets every answer wait, seven times, while payments flow.
func (w *bench) stallSeven(s *shelf, d time.Duration) {
	for i := range 7 {
		s.set(func() { s.stalled = time.Now().Add(d) })
		w.pay(i*3, i*3+3)
		time.Sleep(d / 2)
	}
	w.pay(21, mules)
}

// ClickHouse stalls seven times: nothing is asked of it, and nothing waits.
func TestStalls(t *testing.T) {
	w := newBench(t)
	w.ingest()
	s := newShelf()
	w.score(s, 2)
	w.watchAll()
	w.stallSeven(s, 300*time.Millisecond) // three times what scoring would wait
	w.asUndisturbed()
	if p, l := w.marks(); p+l > 0 || s.looked() > 0 {
		t.Errorf("%d provisional, %d late, asked for %d states", p, l, s.looked())
	}
	w.waitFor("the remote checkpoint follows", func() bool { return s.has(muleNo(mules - 1)) })
}

// It stalls while a new machine has not copied all states: what was scored without them is scored again.
func TestStallsOnANewMachine(t *testing.T) {
	w := newBench(t)
	w.ingest()
	s := newShelf()
	leave := w.score(s, 2)
	w.watchAll()
	leave()
	w.data = t.TempDir()
	s.set(func() { s.noCopy = true })
	w.score(s, 2)
	w.stallSeven(s, 300*time.Millisecond)
	w.asUndisturbed()
	if s.looked() == 0 {
		t.Error("nobody was asked: this proves nothing")
	}
	s.set(func() { s.noCopy = false })
	w.waitFor("the copy is whole", func() bool { return count(t, w.Metrics.Copied) >= mules })
	w.waitFor("nobody is provisional", func() bool {
		return count(t, w.Metrics.Provisional.WithLabelValues("0")) == 0 && s.has(payerNo(mules-1))
	})
}

// It is away the whole time, and a worker dies: with the states on its machine the next one goes on at once.
func TestAwayAndDead(t *testing.T) {
	w := newBench(t)
	w.ingest()
	s := newShelf()
	leave := w.score(s, 2)
	w.watchAll()
	w.waitFor("a remote checkpoint", func() bool { return s.has(muleNo(mules - 1)) })
	s.setAway(true)
	reached := s.offset()
	w.pay(0, 10)
	w.waitFor("ten stops", func() bool { return w.stopped() == 10 })
	leave()
	w.pay(10, 15)
	leave = w.score(s, 2)
	w.pay(15, mules)
	w.waitFor("every stop while it is away", func() bool { return w.stopped() == mules })
	if p, l := w.marks(); p+l > 0 {
		t.Errorf("%d provisional, %d late", p, l)
	}
	if s.offset() != reached {
		t.Errorf("the remote checkpoint went from %d to %d while it was away", reached, s.offset())
	}
	s.setAway(false)
	w.asUndisturbed()
	w.waitFor("the remote checkpoint follows", func() bool { return s.has(payerNo(mules - 1)) })
	leave()
	committed, err := w.Cluster.Committed(t.Context(), "score", w.Topics.Legs, 0)
	if err != nil || committed[0].Offset != s.offset() {
		t.Errorf("committed %v, %v, the remote checkpoint is at %d", committed, err, s.offset())
	}
}

// It is away, and the machine is lost: the next one is provisional, keeps and commits nothing, and once the
// past can be read everything is as if nothing had been, but for the marks.
func TestAwayAndLost(t *testing.T) {
	w := newBench(t)
	w.ingest()
	s := newShelf()
	leave := w.score(s, 2)
	w.watchAll()
	w.pay(0, 5)
	w.waitFor("five stops", func() bool { return w.stopped() == 5 })
	w.waitFor("a remote checkpoint", func() bool { return s.has(payerNo(4)) })
	leave()
	reached := s.offset()
	s.setAway(true)
	w.data = t.TempDir()
	leave = w.score(s, 2)
	w.pay(5, 15)
	// Into one account, that nobody could know of, and whose past is all here: a stop, provisionally.
	w.send(w.Topics.Watchlist, watched(muleNo(15), "confirmed"))
	w.pay(15, 16)
	w.waitFor("a provisional stop", func() bool {
		a := w.alerts()[paymentNo(15)]
		return a.Provisional && a.StopID != ""
	})
	leave() // and that one dies as well
	w.score(s, 2)
	w.pay(16, mules)
	w.waitFor("all of it scored", func() bool {
		return count(t, w.Metrics.Provisional.WithLabelValues("0")) == 1 && w.alerts()[paymentNo(15)].Provisional
	})
	committed, err := w.Cluster.Committed(t.Context(), "score", w.Topics.Legs, 0)
	if err != nil || committed[0].Offset != reached || s.offset() != reached {
		t.Errorf("committed %v, %v, the remote checkpoint is at %d, want %d", committed, err, s.offset(), reached)
	}
	s.setAway(false)
	w.asUndisturbed()
	last := w.alerts()
	for i := range mules {
		a, late := last[paymentNo(i)], i >= 5
		if a.Provisional || a.Late != late && i < 16 { // the others may have come after the past
			t.Errorf("payment %d: provisional %v, late %v", i, a.Provisional, a.Late)
		}
	}
	w.waitFor("a checkpoint again", func() bool { return s.has(payerNo(mules - 1)) })
}

// With nothing here and ClickHouse away a report leads to a stop before it is back.
func TestReportWithoutAnyPast(t *testing.T) {
	w := newBench(t)
	w.ingest()
	s := newShelf()
	s.setAway(true)
	w.score(s, 100)
	w.send(w.Topics.Reports, w.report("R-1", "T-0", victim, mule, "5000.00"))
	id := event.StopID(event.TransferKey(victim, "T-0"), mule)
	asked := func() (n int) {
		for _, m := range w.all(w.Topics.Stops) {
			if strings.Contains(string(m.Value), id) && strings.Contains(string(m.Value), `"requested"`) {
				n++
			}
		}
		return n
	}
	w.waitFor("the stop", func() bool { return asked() > 0 })
	if s.offset() != 0 {
		t.Error("it was not away")
	}
	s.setAway(false)
	w.waitFor("a checkpoint", func() bool { return s.has(victim) })
}

// report is a victim's, of one payment that was made just now.
func (w *bench) report(id, transfer, payer, payee, amount string) string {
	return fmt.Sprintf(`{"kind":"report","id":%q,"at":%q,"source":"110","fraud_type":"refund",`+
		`"victim":{"phone":"13800138000"},"transfers":[{"id":%q,"payer_account":%q,"payee_account":%q,`+
		`"payee_bank":"PCBC","amount":%q,"currency":"CNY","at":%q}]}`,
		id, w.now(), transfer, payer, payee, amount, w.now())
}

// Who slept and woke writes its checkpoint late, and overwrites nothing of who has gone on.
func TestWhoSleptOverwritesNothing(t *testing.T) {
	w := newBench(t)
	w.ingest()
	s := newShelf()
	leave := w.score(s, 2)
	w.watchAll()
	w.waitFor("a remote checkpoint", func() bool { return s.has(muleNo(mules - 1)) })
	s.setAway(true)
	w.pay(0, 3)
	w.waitFor("three stops", func() bool { return w.stopped() == 3 })
	leave() // to sleep: what it has is on its own disk alone
	asleep, before := w.data, s.at
	s.setAway(false)
	w.data = t.TempDir()
	leave = w.score(s, 2)
	for i := range 3 { // the same accounts go on
		w.send(w.Topics.Transfers, w.payment(fmt.Sprint("U-", i), payerNo(i), muleNo(i), "7.00"))
	}
	w.pay(3, 6)
	w.waitFor("nine stops", func() bool { return w.stopped() == 9 })
	// Who is told to leave within a batch leaves without a checkpoint: it is to have one of all that there is.
	w.waitFor("the remote checkpoint has all of it", func() bool {
		ends, err := w.Cluster.Ends(t.Context(), map[string][]int{w.Topics.Legs: {0}})
		return err == nil && s.offset() == ends[w.Topics.Legs][0]
	})
	leave()
	states, at := maps.Clone(s.states), s.at
	w.data = asleep
	k, err := w.scorer(s, 2).newWorker(&kafka.Claim{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.past.store.Close() }()
	s.slept = &before // it asked before it slept
	if err := k.remote.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.at.Offset != at.Offset || string(s.at.Marks) != string(at.Marks) {
		t.Errorf("the checkpoint is at %d, want %d", s.at.Offset, at.Offset)
	}
	for e, r := range s.states {
		if was := states[e]; was.Version != r.Version || string(was.State) != string(r.State) {
			t.Errorf("%s is at %d, was at %d", e, r.Version, was.Version)
		}
	}
	if len(k.remote.reached) != 1 || len(s.states) != len(states) {
		t.Errorf("%d states, were %d", len(s.states), len(states))
	}
	// Its own states are older than the remote checkpoint: it begins anew from there.
	if next, err := k.restore(t.Context()); err != nil || next != at.Offset || !k.past.store.Copied().Whole {
		t.Errorf("it goes on from %d, want %d: %v", next, at.Offset, err)
	}
}

// A copy whose source was made anew, and a remote checkpoint that is older than the local one.
func TestNearestCheckpoint(t *testing.T) {
	w := newBench(t)
	w.ingest()
	s := newShelf()
	leave := w.score(s, 2)
	w.watchAll()
	leave()
	local := s.offset()
	again := func(copying bool) *worker {
		t.Helper()
		k, err := w.scorer(s, 2).newWorker(&kafka.Claim{Offset: local})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = k.past.store.Close() })
		if copying {
			if err := k.past.store.AddCopied(nil, state.Copy{From: local}); err != nil {
				t.Fatal(err)
			}
		}
		return k
	}
	s.at = warehouse.Checkpoint{} // ClickHouse was made anew
	k := again(false)
	if next, err := k.restore(t.Context()); err != nil || next != local || k.provisional {
		t.Errorf("the states are here: it goes on from %d, %v, want %d", next, err, local)
	}
	if err := k.remote.write(t.Context()); err != nil || s.offset() != local || !s.has(muleNo(0)) {
		t.Errorf("the remote checkpoint is at %d, %v", s.offset(), err)
	}
	if err := k.past.store.Close(); err != nil {
		t.Fatal(err)
	}
	s.at, s.states = warehouse.Checkpoint{}, map[event.Entity]warehouse.StateRow{}
	k = again(true) // half of them were copied
	if next, err := k.restore(t.Context()); err != nil || next != 0 {
		t.Errorf("what is missing is nowhere: it goes on from %d, %v", next, err)
	}
	if k.replayed != local {
		t.Errorf("what was published before %d is published again", local)
	}
}

// Payments that only the books know lead to the same stop after a stall, and after a new start in between.
func TestPaymentsAreFoundAfterAStall(t *testing.T) {
	w := newBench(t)
	w.ingest()
	s := newShelf()
	leave := w.score(s, 2)
	w.send(w.Topics.Transfers, w.payment("P-1", victim, mule, "5000.00"))
	w.waitFor("the payment", func() bool { return count(t, w.Metrics.Legs) >= 2 })
	w.later(time.Minute)
	w.send(w.Topics.Transfers, w.payment("P-2", mule, shop, "4000.00"))
	w.waitFor("it goes on", func() bool { return count(t, w.Metrics.Legs) >= 4 })
	s.set(func() {
		s.payments[mule] = []warehouse.Payment{{ID: "P-2", At: w.now(), Minor: 4000_00, Balance: event.Unknown,
			Account: shop, Bank: "PCBC"}}
		s.away = true
	})
	w.send(w.Topics.Reports, w.report("R-1", "P-1", victim, mule, "5000.00"))
	w.waitFor("the money is told", func() bool { return len(w.all(w.Topics.Risk)) > 0 })
	w.waitFor("and looked for", func() bool { return count(t, w.Metrics.Legs) >= 6 })
	time.Sleep(time.Second) // for more questions than answers are counted
	leave()
	w.score(s, 2)
	time.Sleep(100 * time.Millisecond)
	next := func() bool {
		return slices.ContainsFunc(w.all(w.Topics.Risk), func(m kafka.Message) bool {
			return string(m.Key) == "acct:"+shop && strings.Contains(string(m.Value), `"kind":"taint"`)
		})
	}
	if next() {
		t.Fatal("the books were away")
	}
	s.setAway(false)
	w.waitFor("the next account is told", next)
}
