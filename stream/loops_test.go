package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

func count(t *testing.T, c prometheus.Metric) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.Counter.GetValue() + m.Gauge.GetValue()
}

// What a loop cannot work without is named when it is made.
func TestMissingPartsAreNamed(t *testing.T) {
	w := newBench(t)
	no := Deps{}
	for want, err := range map[string]error{
		"ingest cannot be made without: parser":           second(NewIngest(w.Deps, "g", nil)),
		"ingest cannot be made without: group":            second(NewIngest(w.Deps, "", &event.Parser{})),
		"the ledger's log cannot be made without: ledger": second(NewLedgerLog(w.Deps, nil)),
		"the rules cannot be made without: rulebook":      second(NewRules(w.Deps, nil)),
		"the sink cannot be made without: warehouse": second(NewSink(w.Deps,
			"g", nil, law.Default)),
		"scoring cannot be made without: engine, states, hot, data, remote checkpoint":             second(NewScore(w.Deps, Scoring{Group: "g", Checkpoint: 1})),
		"dispatch cannot be made without: the ledger's log, ledger":                                second(NewDispatch(w.Deps, Dispatching{Group: "g"})),
		"the dead letters cannot be made without: cluster, topics, documents, clock, log, metrics": second(NewDeadLetters(no)),
		"screening cannot be made without: cluster":                                                second(NewScreener(no)),
		"the follower of alerts cannot be made without: cluster":                                   second(NewAlerts(no)),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A transfer becomes a leg for each side, in the order of the source; what cannot
// be read becomes a dead letter with its reason, and stops nothing.
func TestIngestCutsLegs(t *testing.T) {
	w := newBench(t)
	w.ingest()
	w.send(w.Topics.Transfers, w.payment("T-1", victim, mule, "10.00"), `{"kind":"transfer"`,
		w.payment("T-2", mule, shop, "9.99"))
	w.send(w.Topics.Watchlist, watched(mule, "confirmed"))
	w.waitFor("four read", func() bool {
		return count(t, w.Metrics.Events.WithLabelValues("transfer")) == 2 &&
			count(t, w.Metrics.Events.WithLabelValues("watch")) == 1
	})
	var got []string
	w.waitFor("five legs written", func() bool {
		got = nil
		for _, m := range w.all(w.Topics.Legs) {
			b, err := event.OpenBlock(m.Value)
			if err != nil {
				t.Fatal(err)
			}
			var l event.Leg
			for b.Next(&l) {
				if l.Event.Kind == event.KindTransfer {
					got = append(got, l.Event.ID+" "+strings.TrimPrefix(string(l.Entity), "acct:")+" "+
						event.Money{Minor: l.Event.Transfer.Amount.Minor, Currency: event.CNY}.Decimal())
				}
			}
			if b.Err() != nil {
				t.Fatal(b.Err())
			}
		}
		return len(got) == 4
	})
	want := []string{"T-1 " + victim + " 10.00", "T-1 " + mule + " 10.00", "T-2 " + mule + " 9.99",
		"T-2 " + shop + " 9.99"}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("leg %d is %s, want %s", i, got[i], want[i])
		}
	}
	var letters []kafka.Message // they are written after the legs
	w.waitFor("one dead letter", func() bool { letters = w.all(w.Topics.DeadLetters); return len(letters) == 1 })
	l := deadLetterOf(&letters[0])
	if l.Topic != w.Topics.Transfers || l.Reason != string(event.ReasonNotJSON) ||
		string(l.Document) != `{"kind":"transfer"` ||
		len(l.Problems) != 1 || l.Problems[0].Code != "not-json.at" || l.At != w.now().String() {
		t.Errorf("%+v", l)
	}
	w.waitFor("committed", func() bool {
		c, err := w.Cluster.Committed(t.Context(), "ingest", w.Topics.Transfers, 0)
		return err == nil && c[0].Offset == 3
	})
}

// score runs a scorer on the shelf, with so many hot entities.
func (w *bench) score(s *shelf, hot int) (leave func()) {
	w.t.Helper()
	return w.run(w.scorer(s, hot).Run)
}

// scorer is one with little patience.
func (w *bench) scorer(s *shelf, hot int) *Score {
	w.t.Helper()
	sc, err := NewScore(w.Deps, Scoring{Group: "score", Engine: engine(w.t), Terms: law.Default, States: s,
		Hot: hot, Data: w.data, Checkpoint: 20 * time.Millisecond, Remote: 50 * time.Millisecond})
	if err != nil {
		w.t.Fatal(err)
	}
	sc.patience = patience{answer: 100 * time.Millisecond, firstTry: 50 * time.Millisecond,
		lastTry: 200 * time.Millisecond,
		leave:   200 * time.Millisecond, payments: 50 * time.Millisecond, lastsUpTo: 200 * time.Millisecond}
	return sc
}

// alerts are those that were published, by the payment that they are of.
func (w *bench) alerts() map[string]scoring.Alert {
	w.t.Helper()
	out := map[string]scoring.Alert{}
	for _, m := range w.all(w.Topics.Alerts) {
		var a scoring.Alert
		if err := json.Unmarshal(m.Value, &a); err != nil {
			w.t.Fatal(err)
		}
		if a.Transfer != nil {
			out[a.Transfer.ID] = a
		}
	}
	return out
}

// A payment into a confirmed mule's account is stopped: the stop stands in the
// ledger's log, the alert for everybody. A scorer that goes on later from the
// checkpoint says nothing twice.
func TestScorePublishes(t *testing.T) {
	w := newBench(t)
	w.ingest()
	s := newShelf()
	leave := w.score(s, 100)
	w.send(w.Topics.Watchlist, watched(mule, "confirmed"))
	w.waitFor("the watchlist is known", func() bool { return s.has(mule) })
	w.send(w.Topics.Transfers, w.payment("T-1", victim, mule, "49800.00"))
	w.waitFor("an alert", func() bool { return len(w.alerts()) == 1 })
	id := event.StopID(event.TransferKey(victim, "T-1"), mule)
	if a := w.alerts()["T-1"]; a.StopID != id || a.Provisional || a.Late {
		t.Errorf("%+v", a)
	}
	var states []stop.State
	for _, m := range w.all(w.Topics.Stops) {
		var e ledger.Entry
		if err := json.Unmarshal(m.Value, &e); err != nil || e.StopID != id || string(m.Key) != e.CaseID {
			t.Errorf("%s: %v", m.Value, err)
		}
		states = append(states, stop.State(e.State))
	}
	if len(states) != 2 || states[0] != stop.Proposed || states[1] != stop.Requested {
		t.Errorf("the log has %q", states)
	}
	if n := count(t, w.Metrics.Alerts.WithLabelValues("stop")); n != 1 {
		t.Errorf("%v stops are counted", n)
	}
	leave()
	if s.offset() == 0 || !s.has(victim) {
		t.Fatalf("it left without a checkpoint: %+v", s.at)
	}
	before := len(w.all(w.Topics.Alerts))
	w.score(s, 100)
	w.send(w.Topics.Transfers, w.payment("T-2", shop, mule, "7.00"))
	w.waitFor("the next alert", func() bool { return len(w.alerts()) == 2 })
	if n := len(w.all(w.Topics.Alerts)); n != before+1 {
		t.Errorf("%d alerts more, want one", n-before)
	}
}

// A payment that the books alone know by name is searched for until it is found, or they have answered often
// enough; who is searched for is in the checkpoint.
func TestPaymentSearch(t *testing.T) {
	w := newBench(t)
	s := newShelf()
	sc, err := NewScore(w.Deps, Scoring{Group: "score", Engine: engine(t), Terms: law.Default, States: s, Hot: 10,
		Data: w.data, Checkpoint: time.Hour, Remote: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	k, err := sc.newWorker(&kafka.Claim{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.past.store.Close() }()
	at := time.Now()
	for i := range maxAtOnce + 1 {
		k.search.wanted[event.Entity("acct:"+strings.Repeat("9", 10)+string(rune('a'+i%26))+strings.Repeat("x",
			i/26))] = &tries{}
	}
	if n := len(k.search.due(at)); n != maxAtOnce {
		t.Errorf("%d are asked for at once, want %d", n, maxAtOnce)
	}
	if n := len(k.search.due(at)); n != 1 {
		t.Errorf("%d are left for now, want one", n)
	}
	if n := len(k.search.due(at.Add(usualPatience.payments))); n != 0 {
		t.Errorf("%d are asked for before their pause is over", n)
	}
	clear(k.search.wanted)
	e := event.Entity("acct:" + mule)
	k.part.Put(scoring.NewState(e))
	k.search.wanted[e] = &tries{}
	for i := range maxTries {
		if k.search.wanted[e] == nil {
			t.Fatalf("given up after %d answers", i)
		}
		kept := &paymentSearch{worker: k, wanted: map[event.Entity]*tries{}}
		if err := kept.read(k.search.encode()); err != nil || kept.wanted[e] == nil || kept.wanted[e].n != i {
			t.Errorf("after %d answers a checkpoint keeps %+v, %v", i, kept.wanted, err)
		}
		k.search.found(e, []warehouse.Payment{})
	}
	if k.search.wanted[e] != nil || len(k.search.encode()) != 0 {
		t.Error("looked for without an end")
	}
	k.search.wanted[e] = &tries{}
	for range 2 * maxTries { // nobody answers: that does not count
		if err := k.search.take(t.Context(), &answered{accounts: []string{mule}, err: errAway}); err != nil {
			t.Fatal(err)
		}
	}
	if k.search.wanted[e] == nil || k.search.wanted[e].n != 0 {
		t.Error("a question that was not answered counts")
	}
}

// A change that is written comes back judged; a second one for the same version is
// told that somebody was first; one that is written twice is answered twice.
func TestLedgerLog(t *testing.T) {
	w := newBench(t)
	l := ledger.New(law.Default)
	log, err := NewLedgerLog(w.Deps, l)
	if err != nil {
		t.Fatal(err)
	}
	w.run(log.Run)
	<-log.Ready()
	p := stop.Proposal{Account: stop.Account{Number: mule, Bank: "PCBC"}, Minor: 60_000_000, Currency: event.CNY,
		Hop: 1, FraudType: "refund", Payer: victim}
	proposed := ledger.StopEntries(stop.Propose(law.Default, "stp_1", "cas_1", p, w.now(), "report"))
	if len(proposed) != 1 {
		t.Fatalf("%d events for ¥600,000, want a proposal alone", len(proposed))
	}
	res, err := log.Append(t.Context(), proposed[0])
	if err != nil || !res.Accepted || res.Stop.State != stop.Proposed {
		t.Fatalf("%+v, %v", res, err)
	}
	approve := l.Stop("stp_1").Next(w.now(), "wang")
	approve.ID, approve.State, approve.Until = "evt_a", stop.Requested, w.now().Add(time.Minute)
	other := approve
	other.ID, other.By = "evt_b", "li"
	if res, err = log.Append(t.Context(), ledger.StopEntry(approve)); err != nil || !res.Accepted {
		t.Fatalf("%+v, %v", res, err)
	}
	if res, err = log.Append(t.Context(), ledger.StopEntry(other)); err != nil || res.Accepted ||
		res.Why.Code != "version.stop" {
		t.Errorf("the second: %+v, %v", res, err)
	}
	if n := count(t, w.Metrics.Stops.WithLabelValues("requested")); n != 1 {
		t.Errorf("%v requests are counted", n)
	}
	w.send(w.Topics.Stops, "no entry")
	if err := log.Write(t.Context(), ledger.Entry{ID: "evt_c", CaseID: "cas_1", At: w.now(), By: "li", Version: 1,
		State: string(desk.CaseSolved), Progress: &desk.Progress{}}); err != nil {
		t.Fatal(err)
	}
	w.waitFor("rubbish is passed over", func() bool {
		c := l.Case("cas_1")
		return c != nil &&
			c.State == desk.CaseSolved
	})
}

// A bank that does not answer in time is noted, once; a hold that runs out frees
// its account.
func TestDeadlines(t *testing.T) {
	w := newBench(t)
	terms := law.Default
	l := ledger.New(terms)
	log, err := NewLedgerLog(w.Deps, l)
	if err != nil {
		t.Fatal(err)
	}
	p := stop.Proposal{Account: stop.Account{Number: mule, Bank: "PCBC"}, Minor: 5_000, Currency: event.CNY, Hop: 1,
		FraudType: "refund", Payer: victim}
	if err := log.Write(t.Context(), ledger.StopEntries(stop.Propose(terms, "stp_1", "cas_1", p, w.now(),
		"scoring"))...); err != nil {
		t.Fatal(err)
	}
	w.run(log.Run)
	w.run(log.Deadlines)
	<-log.Ready()
	if s := l.Stop("stp_1"); s == nil || s.State != stop.Requested {
		t.Fatalf("ready before the log was read: %+v", s)
	}
	w.later(terms.Respond + time.Second)
	w.waitFor("undelivered", func() bool { return l.Stop("stp_1").State == stop.Undelivered })
	s := l.Stop("stp_1")
	held := ledger.StopEntry(stop.Answer(terms, s,
		stop.Outcome{Result: stop.Held, HeldMinor: 5_000, EffectiveAt: w.now()}, w.now(), "bank PCBC"))
	held.ID = "evt_held"
	if res, err := log.Append(t.Context(), held); err != nil || !res.Accepted {
		t.Fatalf("%+v, %v", res, err)
	}
	w.later(terms.Hold + time.Second)
	w.waitFor("expired", func() bool { return l.Stop("stp_1").State == stop.Expired })
	w.waitFor("the account is told", func() bool { return len(w.all(w.Topics.Risk)) > 0 })
	var e event.Event
	if err := event.ParseInner(w.all(w.Topics.Risk)[0].Value, &e); err != nil || e.Taint == nil ||
		e.Taint.Account != mule || e.Taint.Minor != 0 || !e.Taint.Held {
		t.Errorf("%+v, %v", e.Taint, err)
	}
}

// A decision is in force for whoever reads the topic once Decide returns; the
// catalogue of the program gives way to a person's.
func TestRules(t *testing.T) {
	w := newBench(t)
	book := scoring.NewRulebook()
	rules, err := NewRules(w.Deps, book)
	if err != nil {
		t.Fatal(err)
	}
	w.send(w.Topics.Controls, "no control")
	w.run(rules.Run)
	<-rules.Ready()
	ours, err := scoring.ParseCatalogue("a", scoring.DefaultCatalogue)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := scoring.ParseCatalogue("b", append([]byte("# of the center\n"), scoring.DefaultCatalogue...))
	if err != nil {
		t.Fatal(err)
	}
	inForce := func() string { p, _ := book.Current(); return p.Version }
	for i, step := range []struct {
		publish *scoring.Catalogue
		by      string
		want    string
		records int
	}{
		{ours, BuiltIn, ours.Version, 1},
		{ours, BuiltIn, ours.Version, 1},         // in force already
		{theirs, "wang", theirs.Version, 2},      // a person's
		{ours, BuiltIn, theirs.Version, 2},       // gives way
		{ours, "patterns.yaml", ours.Version, 3}, // a file that a person chose
	} {
		if err := rules.Publish(t.Context(), step.publish, step.by); err != nil {
			t.Fatal(err)
		}
		if inForce() != step.want {
			t.Errorf("step %d: %s is in force, want %s", i, inForce(), step.want)
		}
		if n := len(w.all(w.Topics.Controls)) - 1; n != step.records {
			t.Errorf("step %d: %d records, want %d", i, n, step.records)
		}
	}
}

// A bank's question goes the way of any transfer, and every leg's answer is waited
// for; the same question again is answered without being scored again.
func TestScreening(t *testing.T) {
	w := newBench(t)
	w.ingest()
	s := newShelf()
	w.score(s, 100)
	screener, err := NewScreener(w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	w.run(screener.Run)
	w.send(w.Topics.Watchlist, watched(mule, "confirmed"))
	w.waitFor("the watchlist is known", func() bool { return s.has(mule) })
	asked := 0
	question := func(id, payee string) ([]byte, *event.Event) {
		t.Helper()
		doc := []byte(w.payment(id, victim, payee, "100.00"))
		e := &event.Event{}
		parser := &event.Parser{Limits: event.DefaultLimits, Numbers: event.NewNumbers("CN")}
		if err := parser.Parse(doc, w.now(), e); err != nil {
			t.Fatal(err)
		}
		return doc, e
	}
	ask := func(id, payee string) *scoring.Verdict {
		t.Helper()
		doc, e := question(id, payee)
		v, err := screener.Screen(t.Context(), doc, e)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// A question that comes before the answers' topic is followed is not answered.
	w.waitFor("the answers are followed", func() bool {
		soon, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		asked++
		doc, e := question(fmt.Sprint("S-0-", asked), shop)
		_, err := screener.Screen(soon, doc, e)
		return err == nil
	})
	if v := ask("S-1", mule); v.StopID == "" || v.Score == 0 {
		t.Errorf("into a confirmed mule's account: %+v", v)
	}
	if v := ask("S-2", shop); v.StopID != "" {
		t.Errorf("into a shop's: %+v", v)
	}
	sent := len(w.all(w.Topics.Transfers))
	if v := ask("S-1", mule); v.StopID == "" {
		t.Errorf("asked again: %+v", v)
	}
	if n := len(w.all(w.Topics.Transfers)); n != sent {
		t.Error("what was asked again was sent again")
	}
}

// A watcher is told what came since it looked, and of the newest thousand when it
// was away for longer.
func TestAlertsAfter(t *testing.T) {
	w := newBench(t)
	a, err := NewAlerts(w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	_, seen, more := a.After(-1)
	a.add([]byte("one"))
	select {
	case <-more:
	default:
		t.Error("nobody was told")
	}
	docs, seen, _ := a.After(seen)
	if len(docs) != 1 || string(docs[0]) != "one" || seen != 1 {
		t.Errorf("%q, %d", docs, seen)
	}
	for range 2 * maxRecent {
		a.add([]byte("more"))
	}
	docs, seen, _ = a.After(1)
	if len(docs) > maxRecent || len(docs) < maxRecent*9/10 || seen != 1+2*maxRecent {
		t.Errorf("%d of the newest, %d seen", len(docs), seen)
	}
	if docs, _, _ = a.After(seen); len(docs) != 0 {
		t.Errorf("%d after the last", len(docs))
	}
}
