package stream

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// runs is how many seeds a test of faults takes: few, or as many as STOPLINE_RUNS
// says.
func runs(t *testing.T, few int) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("STOPLINE_RUNS"))
	if err != nil {
		return few
	}
	return n
}

// audit is where every record of the sources is.
func (w *bench) audit() []Account {
	w.t.Helper()
	d := w.Deps
	d.Cluster = w.direct
	a, err := NewAudit(d, &event.Parser{Limits: event.DefaultLimits, Numbers: event.NewNumbers("CN"),
		Banks: event.BuiltInBanks()},
		"ingest")
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := a.Run(w.t.Context(), func(string) {})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// settled waits until ingest has nothing left to do, and returns the account of the
// transfers.
func (w *bench) settled() (all Account) {
	w.t.Helper()
	defer func() {
		if all.Waiting > 0 {
			w.t.Logf("%+v; not working: %v", w.audit(), w.Metrics.progress.failures(0, time.Now()))
		}
	}()
	w.waitFor("everything worked off", func() bool {
		all = Account{First: -1}
		for _, a := range w.audit() {
			if a.Topic == w.Topics.Transfers {
				all.Read, all.Applied, all.Refused = all.Read+a.Read, all.Applied+a.Applied, all.Refused+a.Refused
				all.Waiting, all.Missing, all.Doubled = all.Waiting+a.Waiting, all.Missing+a.Missing, all.Doubled+a.Doubled
				all.Gap, all.Replaced, all.Repeated = all.Gap+a.Gap, all.Replaced+a.Replaced, all.Repeated+a.Repeated
			}
		}
		return all.Waiting == 0
	})
	return all
}

// The broker is cut off again and again while a backlog is worked off: requests that
// were written and not answered, batches that fail and are overtaken. Every record's
// legs are taken, each once; what was overtaken is refused and counted.
func TestBrokerCutsLeaveNoHole(t *testing.T) {
	const transfers = 1500
	var overtaken, again int64
	n := runs(t, 6)
	for seed := range n {
		w := newBenchOf(t, 3)
		r := rand.New(rand.NewPCG(14, uint64(seed)))
		var msgs []kafka.Message
		for i := range transfers {
			payer, payee := fmt.Sprint("62220000", r.IntN(300)), fmt.Sprint("62170000", r.IntN(300))
			msgs = append(msgs, kafka.Message{Topic: w.Topics.Transfers, Key: []byte(payer),
				Value: []byte(w.payment(fmt.Sprint("T-", i), payer, payee, "10.00"))})
		}
		if err := w.Documents.Write(t.Context(), msgs[:transfers/2]...); err != nil {
			t.Fatal(err)
		}
		w.ingestOf(1<<10, 2<<10) // many batches of each write, so that some fail and others do not
		rest := make(chan error, 1)
		go func() { // sources have a way of their own, which holds
			p := w.direct.NewProducer(kafka.ProducerConfig{Messages: 20, Bytes: 1 << 20})
			var err error
			for i := transfers / 2; i < transfers && err == nil; i += 50 {
				err = p.Write(t.Context(), msgs[i:i+50]...)
			}
			_ = p.Close()
			rest <- err
		}()
		for range 6 {
			switch r.IntN(3) {
			case 0:
				w.network.Cut(0.1)
			case 1:
				w.network.Mute()
			default:
				w.network.Down()
			}
			time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
			w.network.Cut(0)
			w.network.Up()
			time.Sleep(time.Duration(r.IntN(100)) * time.Millisecond)
		}
		if err := <-rest; err != nil {
			t.Fatal(err)
		}
		a := w.settled()
		if !a.Sound() || a.Applied != transfers || a.Read != transfers {
			t.Errorf("seed %d: %+v; by partition: %+v", seed, a, w.audit())
		}
		overtaken, again = overtaken+a.Replaced+a.Gap, again+a.Repeated
	}
	t.Logf("%d runs of %d transfers: %d legs were passed over as written by somebody who had been replaced, %d came again",
		n, transfers, overtaken, again)
}

// One record that is junk, one of a newer version, one that is damaged: they are
// kept with their place and reason, and the loop goes on behind them. Legs are not put
// back but written again.
func TestJunkOnTheLegsIsPassedOver(t *testing.T) {
	w := newBench(t)
	w.ingest()
	w.score(newShelf(), 100)
	blocks := newBlocks(w.Cluster, maxBlocks)
	defer func() { _ = blocks.Close() }()
	whole := event.BeginSpan(nil, event.Span{Epoch: 9, From: 0, To: 1, First: true, Topic: 1})
	e := event.Event{Kind: event.KindSIM, ID: "S", At: w.now(), SIM: event.SIM{Number: "+861", Change: "port"}}
	whole = event.AppendLeg(whole, event.Touch{Role: event.RoleSIM, Prefix: event.PrefixNumber, Name: "+861"},
		event.Source{Topic: 1}, event.AppendEvent(nil, &e))
	newer := append([]byte{}, whole...)
	newer[0] = 77
	for _, junk := range [][]byte{[]byte("junk"), newer, whole[:len(whole)-3]} {
		if err := blocks.Write(t.Context(), kafka.Message{Topic: w.Topics.Legs, Key: binary.BigEndian.AppendUint32(nil, 0),
			Value: junk}); err != nil {
			t.Fatal(err)
		}
	}
	w.send(w.Topics.Watchlist, watched(mule, "confirmed"))
	w.send(w.Topics.Transfers, w.payment("T-1", victim, mule, "9000.00"))
	w.waitFor("an alert behind the junk", func() bool { return len(w.all(w.Topics.Alerts)) > 0 })
	q, err := NewQuarantined(w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := q.List(t.Context())
	if err != nil || len(kept) != 3 {
		t.Fatalf("%d records in quarantine, %v", len(kept), err)
	}
	for i, k := range kept {
		if k.Topic != w.Topics.Legs || k.Place != 0 || k.At != int64(i) || k.Loop != "score" || k.Reason == "" ||
			k.Sum == "" ||
			k.When != w.now().String() {
			t.Errorf("%+v", k)
		}
	}
	if string(kept[0].Beginning) != "junk" || kept[0].Size != 4 || !strings.Contains(kept[1].Reason, "version 77") {
		t.Errorf("%+v", kept[:2])
	}
	for _, k := range kept {
		if err := q.PutBack(t.Context(), k); !errors.Is(err, ErrRewind) {
			t.Errorf("%s: %v", k.Reason, err)
		}
	}
	if n := count(t, w.Metrics.Quarantined.WithLabelValues("score", w.Topics.Legs)); n != 3 {
		t.Errorf("%v are counted", n)
	}
}

// A record that trips a loop over, by an error or a panic, is tried twice and then
// passed over, before it has touched anything; others are not.
func TestStubbornRecords(t *testing.T) {
	w := newBench(t)
	q := w.newQuarantine("test")
	m := &kafka.Message{Topic: "t", Partition: 1, Offset: 7, Value: []byte("v")}
	tried := 0
	for i := range 4 {
		err := q.pass(t.Context(), m, func() error { tried++; panic("tripped") })
		if (err != nil) != (i < 2) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if tried != 2 {
		t.Errorf("it was tried %d times", tried)
	}
	if err := q.pass(t.Context(), &kafka.Message{Topic: "t", Partition: 1, Offset: 8},
		func() error { return nil }); err != nil {
		t.Error(err)
	}
	if n := len(w.all(w.Topics.Quarantine)); n != 2 {
		t.Errorf("%d are kept", n)
	}
}

// One report of 350 payers, and one of as many payments as the contract allows: each
// payer's account is told of its own payments, and the case has them all.
func TestLargeReports(t *testing.T) {
	w := newBench(t)
	w.ingest()
	w.score(newShelf(), 5000)
	for name, payers := range map[string]int{"R-350": 350, "R-1000": 1000} {
		var list []string
		for i := range payers {
			list = append(list, fmt.Sprintf(`{"payer_account":"62%s%04d","payee_account":%q,"payee_bank":"PCBC",`+
				`"amount":"900.00","currency":"CNY","at":%q}`, name[2:], i, mule, w.now()))
		}
		w.send(w.Topics.Reports, fmt.Sprintf(`{"kind":"report","id":%q,"at":%q,"source":"110","victim":{"holder":"张某"},`+
			`"transfers":[%s]}`, name, w.now(), strings.Join(list, ",")))
	}
	size := 0
	w.waitFor("stops for every payer", func() bool {
		stops := map[string]bool{}
		size = 0
		for _, m := range w.all(w.Topics.Stops) {
			size += len(m.Value)
			var e ledger.Entry
			if err := json.Unmarshal(m.Value, &e); err != nil {
				t.Fatal(err)
			}
			if e.Proposal != nil {
				stops[e.StopID] = true
			}
		}
		return len(stops) == 1350
	})
	if size > 4<<20 {
		t.Errorf("the ledger's log has %d bytes of two reports", size)
	}
}

// A source's topic is made anew while nobody reads it: its new records are read from
// the first on, none is taken for one that was read, and the audit knows them apart.
func TestSourceMadeAnew(t *testing.T) {
	for name, later := range map[string]int{"shorter than it was": 2, "longer than it was": 9} {
		w := newBench(t)
		leave := w.ingest()
		send := func(prefix string, n int) {
			for i := range n {
				w.send(w.Topics.Transfers, w.payment(fmt.Sprint(prefix, i), victim, mule, "10.00"))
			}
		}
		send("old-", 4)
		w.waitFor("the old ones read", func() bool { a := w.settled(); return a.Applied == 4 })
		leave()
		if err := w.direct.Delete(t.Context(), w.Topics.Transfers); err != nil {
			t.Fatal(err)
		}
		if err := w.direct.Create(t.Context(), kafka.Topic{Name: w.Topics.Transfers, Partitions: 1}); err != nil {
			t.Fatal(err)
		}
		send("new-", later)
		w.ingest()
		var a Account
		w.waitFor("the new ones read", func() bool { a = w.settled(); return a.Applied == int64(later) })
		if !a.Sound() || a.Read != int64(later) {
			t.Errorf("%s: %+v", name, a)
		}
		var chain scoring.Chain
		taken := 0
		for _, m := range w.all(w.Topics.Legs) {
			if _, err := chain.Follow(m.Value, false, func(event.Span, event.Source) { taken++ }); err != nil {
				t.Fatal(err)
			}
		}
		if taken != 2*(4+later) {
			t.Errorf("%s: scoring takes %d legs of %d transfers", name, taken, 4+later)
		}
	}
}

// The audit asks what a record was when it came, and not what it would be today: a
// clock that has gone on, or back, makes nothing of it missing or doubled.
func TestAuditKnowsNoTime(t *testing.T) {
	for _, passed := range []time.Duration{-24 * time.Hour, 30 * 24 * time.Hour} {
		w := newBench(t)
		w.ingest()
		w.send(w.Topics.Transfers, w.payment("T-1", victim, mule, "10.00"))
		w.waitFor("it is read", func() bool { a := w.settled(); return a.Read == 1 })
		w.later(passed)
		if a := w.settled(); a.Applied != 1 || !a.Sound() {
			t.Errorf("%s later: %+v", passed, a)
		}
	}
}
