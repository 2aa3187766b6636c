package scoring

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

var noon = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))

// town scores documents that a test writes, one block each.
type town struct {
	t      testing.TB
	part   *Partition
	parser *event.Parser
	offset int64
}

func newTown(t testing.TB, hot int) *town {
	t.Helper()
	c, err := ParseCatalogue("catalogue.yaml", DefaultCatalogue)
	if err != nil {
		t.Fatal(err)
	}
	return &town{t: t, part: NewPartition(NewEngine(c, DefaultPolicy, 1), hot),
		parser: &event.Parser{Limits: event.Limits{Bytes: 1 << 20, String: 256, Ahead: time.Hour, List: 100},
			Numbers: event.NewNumbers("CN")}}
}

func (w *town) block(docs ...string) []byte {
	b := event.BeginBlock(nil)
	for _, d := range docs {
		var e event.Event
		if err := w.parser.Parse([]byte(d), noon.Add(10*24*time.Hour), &e); err != nil {
			w.t.Fatalf("%s: %v", d, err)
		}
		w.offset++
		for _, touch := range e.Touched(nil) {
			b = event.AppendLeg(b, touch, event.Source{Offset: w.offset}, event.AppendEvent(nil, &e))
		}
	}
	return b
}

// score applies the documents, and then the notes that they led to.
func (w *town) score(docs ...string) []Alert {
	w.t.Helper()
	b := w.block(docs...)
	var all []Alert
	for len(b) > 0 {
		var notes []Note
		if err := w.part.Apply(w.offset, b, func(_ *event.Leg, o *Outcome) {
			all = append(all, o.Alerts...)
			notes = append(notes, o.Notes...)
		}); err != nil {
			w.t.Fatal(err)
		}
		b = w.told(notes)
	}
	return all
}

// told makes legs of notes.
func (w *town) told(notes []Note) (b []byte) {
	for _, n := range notes {
		w.offset++
		if b == nil {
			b = event.BeginBlock(nil)
		}
		e := event.Event{Kind: event.KindRisk, ID: event.RiskID(&n.Risk), At: n.At, Risk: n.Risk}
		b = event.AppendLeg(b, event.Touch{Role: event.RoleRisk, Name: string(n.Risk.Entity)},
			event.Source{Topic: 4, Offset: w.offset}, event.AppendEvent(nil, &e))
	}
	return b
}

// decide applies a control.
func (w *town) decide(c event.Control) *Outcome {
	w.t.Helper()
	w.offset++
	e := event.Event{Kind: event.KindControl, ID: fmt.Sprint("c", w.offset), At: noon, Control: &c}
	b := event.AppendLeg(event.BeginBlock(nil), event.Touch{Role: event.RoleControl, Name: event.ControlEntity},
		event.Source{Topic: 5, Offset: w.offset}, event.AppendEvent(nil, &e))
	var out Outcome
	if err := w.part.Apply(w.offset, b, func(_ *event.Leg, o *Outcome) { out = *o }); err != nil {
		w.t.Fatal(err)
	}
	return &out
}

func at(d time.Duration) string { return noon.Add(d).String() }

func transfer(id string, when time.Duration, payer, payee string, yuan, balance float64, more ...string) string {
	payeeDoc := fmt.Sprintf(`"payee":{"account":"%s","bank":"PCBC"},`, payee)
	channel := "mobile"
	if payee == "" {
		payeeDoc, channel = "", "cash"
	}
	return fmt.Sprintf(`{"kind":"transfer","id":"%s","at":"%s","payer":{"account":"%s","bank":"ICBK","phone":"1380000%s"},%s"amount":"%.2f","currency":"CNY","channel":"%s","status":"initiated","payer_balance":"%.2f"%s}`,
		id, at(when), payer, (payer + "0000")[:4], payeeDoc, yuan, channel, balance, strings.Join(more, ""))
}

func called(id string, began time.Duration, caller, payer string, length time.Duration, more ...string) string {
	return fmt.Sprintf(`{"kind":"call","id":"%s","at":"%s","phase":"ended","caller":{"number":"%s"},"callee":{"number":"1380000%s"},"duration_s":%d%s}`,
		id, at(began), caller, (payer + "0000")[:4], int(length.Seconds()), strings.Join(more, ""))
}

func callBegins(id string, began time.Duration, caller, payer string) string {
	return fmt.Sprintf(`{"kind":"call","id":"%s","at":"%s","phase":"started","caller":{"number":"%s"},"callee":{"number":"1380000%s"}}`, id, at(began), caller, (payer + "0000")[:4])
}

func sim(when time.Duration, payer, change string) string {
	return fmt.Sprintf(`{"kind":"sim","id":"%s","at":"%s","number":"1380000%s","change":"%s"}`, change+at(when),
		at(when), (payer + "0000")[:4], change)
}

const minute = time.Minute

// The alert points at the payment, names its stop, and shows the values.
func TestAlertOfACallThatComesLast(t *testing.T) {
	w := newTown(t, 1000)
	alerts := w.score(transfer("t", 0, "1111", "9", 49800, 50012),
		called("c", -21*minute, "+85251234567", "1111", 30*minute))
	if len(alerts) != 1 {
		t.Fatalf("%d alerts, want one: %+v", len(alerts), alerts)
	}
	a := alerts[0]
	if a.Action != pattern.Stop || a.Event.Kind != "call" || a.Transfer == nil || a.Transfer.ID != "t" || a.At != noon {
		t.Errorf("%+v", a)
	}
	if a.StopID != event.StopID(event.TransferKey("1111", "t"), "9") || a.CaseID != event.CaseID("1111") {
		t.Errorf("stop %s of case %s is not derived from its transfer", a.StopID, a.CaseID)
	}
	if got := a.Hits[0].Values["calls.unknown.longest_24h"]; got != "30m0s" {
		t.Errorf("the value that the pattern saw is %v, want 30m0s", got)
	}
	if more := w.score(called("c", -21*minute, "+85251234567", "1111", 30*minute)); len(more) != 0 {
		t.Errorf("the same call again raised %+v", more)
	}
}

// The same transfer in another status, and the same call again, count once.
func TestCountsOnce(t *testing.T) {
	w := newTown(t, 1000)
	doc := transfer("t", 0, "1111", "2222", 100, 5000)
	w.score(doc, doc, strings.Replace(doc, "initiated", "posted", 1))
	s := w.part.Peek("acct:2222")
	if n, sum := s.count(credit, noon, time.Hour, 0); n != 1 || sum != 10000 {
		t.Errorf("counted %d times, sum %d fen; want once, 10000", n, sum)
	}
	w.score(strings.Replace(doc, "initiated", "reversed", 1))
	if n, sum := s.count(credit, noon, time.Hour, 0); n != 0 || sum != 0 {
		t.Errorf("a reversed transfer still counts: %d, %d", n, sum)
	}
}

// Reading blocks again, and blocks that ingest wrote twice, changes nothing.
func TestRepeatedBlocksChangeNothing(t *testing.T) {
	w := newTown(t, 1000)
	a := w.block(transfer("a", 0, "1111", "2222", 100, 5000), transfer("b", minute, "1111", "2222", 50, 4900))
	apply := func(offset int64, b []byte) {
		if err := w.part.Apply(offset, b, func(*event.Leg, *Outcome) {}); err != nil {
			t.Fatal(err)
		}
	}
	apply(0, a)
	before := AppendState(nil, w.part.Peek("acct:2222"))
	apply(0, a) // read again
	apply(1, a) // written twice
	if after := AppendState(nil, w.part.Peek("acct:2222")); !bytes.Equal(before, after) {
		t.Error("a repeated block changed the state")
	}
}

// drawMoves draws movements of the last 30 days, of every sort.
func drawMoves(r *rapid.T, most int) []move {
	moves := make([]move, rapid.IntRange(1, most).Draw(r, "n"))
	for i := range moves {
		k := movementKind(rapid.IntRange(0, int(movementKinds)-1).Draw(r, "sort"))
		moves[i] = move{at: noon.Add(-time.Duration(rapid.IntRange(0, 30*24*3600-1).Draw(r, "age")) * time.Second),
			tag:     uint64(i+1)<<16 | uint64(k),
			counter: uint64(rapid.IntRange(1, 5).Draw(r, "who")), amount: int64(rapid.IntRange(1, 1000).Draw(r, "fen"))}
	}
	return moves
}

// Any order of arrival gives the same counts, sums and counterparts in every
// window, those that were folded into hours and days among them.
func TestPropertyOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		moves := drawMoves(r, 8*maxMoves)
		var sorted, shuffled State
		for _, m := range moves {
			sorted.add(m)
		}
		for _, i := range rapid.Permutation(indexes(len(moves))).Draw(r, "order") {
			shuffled.add(moves[i])
		}
		for k := range movementKinds {
			var a, b totals
			sorted.totals(k, noon, &a)
			shuffled.totals(k, noon, &b)
			if a != b {
				r.Fatalf("sort %d: %+v against %+v", k, a, b)
			}
			for _, w := range windows {
				if x, y := sorted.distinct(k, noon, w.length, 0), shuffled.distinct(k, noon, w.length, 0); x != y {
					r.Fatalf("sort %d, %s: %d counterparts against %d", k, w.suffix, x, y)
				}
			}
		}
	})
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// Folding loses neither a count nor a fen of the month, and what is remembered
// stays bounded.
func TestPropertyFoldingKeepsSums(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var s State
		var n, sum [movementKinds]int64
		for _, m := range drawMoves(r, 10*maxMoves) {
			s.add(m)
			n[m.kind()]++
			sum[m.kind()] += m.amount
		}
		for k := range movementKinds {
			var got totals
			s.totals(k, noon, &got)
			if month := len(windows) - 1; got.n[month] != n[k] || got.sum[month] != sum[k] {
				r.Fatalf("%d movements of %d fen became %d of %d", n[k], sum[k], got.n[month], got.sum[month])
			}
		}
		if len(s.moves) > int(movementKinds)*maxMoves {
			r.Fatalf("%d movements are kept, the bound is %d", len(s.moves), int(movementKinds)*maxMoves)
		}
	})
}

func FuzzReadState(f *testing.F) {
	w := newTown(f, 10)
	w.score(transfer("t", 0, "1111", "2222", 100, 5000), called("c", -minute, "13911112222", "1111", minute))
	f.Add(AppendState(nil, w.part.Peek("tel:+8613800001111")))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = ReadState("acct:1", b) })
}

// quietTown is a partition whose people have all paid and called each other
// before, and blocks of more of the same: each leg hits nothing.
func quietTown(tb testing.TB, blocks int) (*town, [][]byte, int) {
	w := newTown(tb, 1_000_000)
	var all [][]byte
	legs := 0
	block := func(i int) []byte {
		docs := make([]string, 0, 100)
		for j := range 100 {
			who := fmt.Sprintf("%04d", j%50)
			when := time.Duration(i*100+j) * 20 * time.Second
			if j%3 == 0 {
				docs = append(docs, called(fmt.Sprint("c", i, "-", j), when, fmt.Sprintf("1380000%04d", (j+1)%50), who, minute))
			} else {
				docs = append(docs, transfer(fmt.Sprint("t", i, "-", j), when, who, fmt.Sprintf("%04d", (j+7)%50), 60, 9000))
			}
		}
		return w.block(docs...)
	}
	for i := range 100 {
		if err := w.part.Apply(int64(i), block(i), func(*event.Leg, *Outcome) {}); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range blocks {
		all = append(all, block(100+i))
	}
	b, err := event.OpenBlock(all[0])
	if err != nil {
		tb.Fatal(err)
	}
	var l event.Leg
	for b.Next(&l) {
		legs++
	}
	return w, all, legs
}

// A leg that hits nothing costs no memory.
func TestQuietLegAllocatesNothing(t *testing.T) {
	const runs = 20
	w, blocks, legs := quietTown(t, runs+2)
	i, alerts := 0, 0
	allocs := testing.AllocsPerRun(runs, func() {
		if err := w.part.Apply(int64(1000+i), blocks[i],
			func(_ *event.Leg, o *Outcome) { alerts += len(o.Alerts) }); err != nil {
			t.Fatal(err)
		}
		i++
	})
	if alerts > 0 {
		t.Fatalf("%d alerts: the legs are not quiet", alerts)
	}
	if allocs > float64(legs)/40 { // folding into hours makes a few now and then
		t.Errorf("a block of %d quiet legs made %.0f allocations", legs, allocs)
	}
}

// BenchmarkQuietLegs measures the engine, whole catalogue, over legs of people
// who are all known, the most of what a city sends: nanoseconds a leg.
func BenchmarkQuietLegs(b *testing.B) {
	const blocks = 100
	w, all, legs := quietTown(b, blocks)
	before := make([][]byte, 0, w.part.Len())
	for _, s := range w.part.hot.Values() {
		before = append(before, AppendState(nil, s))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i%blocks == 0 { // the same town again, or its movements would be known
			b.StopTimer()
			for j, s := range w.part.hot.Values() {
				old, err := ReadState(s.Entity, before[j])
				if err != nil {
					b.Fatal(err)
				}
				w.part.Put(old)
			}
			clear(w.part.seen.at)
			b.StartTimer()
		}
		if err := w.part.Apply(int64(1000+i%blocks), all[i%blocks], func(*event.Leg, *Outcome) {}); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*legs), "ns/leg")
	b.ReportMetric(float64(b.N*legs)/b.Elapsed().Seconds(), "legs/s")
}

// BenchmarkLegs measures the engine over a stream of honest payments and
// calls among 20,000 people, most of them seen for the first time: legs a second
// on one core, and allocations per leg, which are the growth of the states.
func BenchmarkLegs(b *testing.B) {
	w := newTown(b, 1_000_000)
	const blocks, perBlock = 200, 300
	legs := 0
	var all [][]byte
	for i := range blocks {
		docs := make([]string, 0, perBlock)
		for j := range perBlock {
			k := (i*perBlock + j) * 7919
			who := fmt.Sprintf("%04d", k%10000)
			if j%3 == 0 {
				docs = append(docs, called(fmt.Sprint("c", k), time.Duration(i)*time.Second,
					fmt.Sprintf("1391111%04d", (k/3)%10000), who, minute))
				legs += 2
			} else {
				docs = append(docs, transfer(fmt.Sprint("t", k), time.Duration(i)*time.Second, who, fmt.Sprint("shop", k%97),
					60, 9000))
				legs += 3
			}
		}
		all = append(all, w.block(docs...))
	}
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		part := NewPartition(w.part.engine, 1_000_000)
		for i, blk := range all {
			if err := part.Apply(int64(i), blk, func(*event.Leg, *Outcome) {}); err != nil {
				b.Fatal(err)
			}
		}
		n += legs
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "legs/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(n), "allocs/leg")
}
