package scoring

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stopline/scoring/pattern"
	"stopline/stream/event"
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
		parser: &event.Parser{Limits: event.Limits{Bytes: 1 << 20, String: 256, Ahead: time.Hour, List: 100}, Numbers: event.NewNumbers("CN")}}
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

func (w *town) score(docs ...string) []Alert {
	w.t.Helper()
	b := w.block(docs...)
	var all []Alert
	if err := w.part.Apply(w.offset, b, func(_ *event.Leg, o *Outcome) { all = append(all, o.Alerts...) }); err != nil {
		w.t.Fatal(err)
	}
	return all
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
	return fmt.Sprintf(`{"kind":"sim","id":"%s","at":"%s","number":"1380000%s","change":"%s"}`, change+at(when), at(when), (payer + "0000")[:4], change)
}

const minute = time.Minute

// Each pattern fires on its story, and does not on one that nearly is it.
func TestPatterns(t *testing.T) {
	repeat := func(n int, f func(i int) string) (out []string) {
		for i := range n {
			out = append(out, f(i))
		}
		return out
	}
	for name, c := range map[string]struct {
		story   []string
		pattern string // "": none may fire
	}{
		"police on the line":      {[]string{called("c", -25*minute, "+85251234567", "1111", 24*minute), transfer("t", 0, "1111", "9", 49800, 50012)}, "authority-call-then-transfer"},
		"call still running":      {[]string{callBegins("c", -25*minute, "13911112222", "1111"), transfer("t", 0, "1111", "9", 49800, 50012)}, "authority-call-then-transfer"},
		"call reported after":     {[]string{transfer("t", 0, "1111", "9", 49800, 50012), called("c", -21*minute, "13911112222", "1111", 30*minute)}, "authority-call-then-transfer"},
		"a short call":            {[]string{called("c", -25*minute, "13911112222", "1111", 2*minute), transfer("t", 0, "1111", "9", 49800, 50012)}, ""},
		"an old friend calls":     {[]string{called("c0", -72*time.Hour, "13911112222", "1111", minute), called("c", -25*minute, "13911112222", "1111", 24*minute), transfer("t", 0, "1111", "9", 49800, 50012)}, ""},
		"a payee of old":          {[]string{transfer("t0", -72*time.Hour, "1111", "9", 100, 50112), called("c", -25*minute, "13911112222", "1111", 24*minute), transfer("t", 0, "1111", "9", 49800, 50012)}, ""},
		"service on the line":     {[]string{callBegins("c", -11*minute, "13911112222", "1111"), transfer("t", 0, "1111", "9", 6000, 9000)}, "transfer-while-stranger-calls"},
		"long after the call":     {[]string{called("c", -120*minute, "13911112222", "1111", 12*minute), transfer("t", 0, "1111", "9", 6000, 9000)}, ""},
		"a forged number":         {[]string{called("c", -30*minute, "13911112222", "1111", 6*minute, `,"spoofed":true`), transfer("t", 0, "1111", "9", 6000, 90000)}, "foreign-or-forged-call"},
		"a SIM swapped":           {[]string{transfer("t0", -72*time.Hour, "1111", "8", 10, 9000, `,"device":"old"`), sim(-2*time.Hour, "1111", "swapped"), transfer("t", 0, "1111", "9", 6000, 9000, `,"device":"new"`)}, "takeover-after-sim-swap"},
		"swapped a week ago":      {[]string{transfer("t0", -200*time.Hour, "1111", "8", 10, 9000, `,"device":"old"`), sim(-168*time.Hour, "1111", "swapped"), transfer("t", 0, "1111", "9", 6000, 9000, `,"device":"new"`)}, ""},
		"forwarding on":           {[]string{sim(-20*minute, "1111", "forwarding_on"), transfer("t", 0, "1111", "9", 6000, 9000)}, "takeover-after-forwarding"},
		"forwarding on and off":   {[]string{sim(-20*minute, "1111", "forwarding_on"), sim(-10*minute, "1111", "forwarding_off"), transfer("t", 0, "1111", "9", 6000, 9000)}, ""},
		"watched payee":           {[]string{`{"kind":"watch","entity":"acct:9","risk":"confirmed"}`, transfer("t", 0, "1111", "9", 10, 9000)}, "watchlisted-payee"},
		"watched until yesterday": {[]string{`{"kind":"watch","entity":"acct:9","risk":"confirmed","until":"2026-11-22T00:00:00+08:00"}`, transfer("t", 0, "1111", "9", 10, 9000)}, ""},
		"passes through":          {[]string{transfer("t0", -20*minute, "1111", "2222", 20000, 90000), transfer("t", 0, "2222", "3333", 19900, 20000)}, "mule-pass-through"},
		"keeps half":              {[]string{transfer("t0", -20*minute, "1111", "2222", 20000, 90000), transfer("t", 0, "2222", "3333", 9900, 20000)}, ""},
		"gathered and paid out": {append(repeat(6, func(i int) string {
			return transfer(fmt.Sprint("t", i), -5*time.Hour, fmt.Sprint("555", i), "2222", 5000, 90000)
		}), transfer("t", 0, "2222", "3333", 20000, 40000)), "mule-fan-in"},
		"a shop takes in": {repeat(6, func(i int) string {
			return transfer(fmt.Sprint("t", i), -5*time.Hour, fmt.Sprint("555", i), "2222", 5000, 90000)
		}), ""},
		"awakened":                     {[]string{transfer("t0", -200*24*time.Hour, "2222", "7", 5, 90), transfer("t", 0, "1111", "2222", 30000, 900000)}, "mule-awakened"},
		"slept two months":             {[]string{transfer("t0", -60*24*time.Hour, "2222", "7", 5, 90), transfer("t", 0, "1111", "2222", 30000, 900000)}, ""},
		"new account, all out as cash": {[]string{transfer("t0", -20*minute, "1111", "2222", 300, 90000), transfer("t", 0, "2222", "", 300, 300)}, "mule-cash-out"},
		"a SIM box": {repeat(25, func(i int) string {
			return called(fmt.Sprint("c", i), time.Duration(i-30)*minute, "13977776666", fmt.Sprint(1000+i), minute)
		}), "sim-box-caller"},
		"a talkative friend": {repeat(25, func(i int) string {
			return called(fmt.Sprint("c", i), time.Duration(i-30)*minute, "13977776666", fmt.Sprint(1000+i%5), minute)
		}), ""},
		"honest shopping": {[]string{transfer("t", 0, "1111", "9", 60, 9000)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var fired []string
			for _, a := range newTown(t, 1000).score(c.story...) {
				for _, h := range a.Hits {
					fired = append(fired, h.Pattern)
				}
			}
			all := strings.Join(fired, " ")
			if c.pattern == "" && all != "" {
				t.Errorf("fired %s; none should", all)
			}
			if !strings.Contains(all, c.pattern) {
				t.Errorf("fired %q; %s should", all, c.pattern)
			}
		})
	}
}

// The alert points at the payment, names its stop, and shows the values.
func TestAlertOfACallThatComesLast(t *testing.T) {
	w := newTown(t, 1000)
	alerts := w.score(transfer("t", 0, "1111", "9", 49800, 50012), called("c", -21*minute, "+85251234567", "1111", 30*minute))
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

// A state that was evicted, written and read back is the same state.
func TestStateSurvivesColdStorage(t *testing.T) {
	hot, tiny := newTown(t, 1000), newTown(t, 1)
	docs := []string{called("c0", -300*time.Hour, "13911112222", "1111", minute), transfer("t0", -200*24*time.Hour, "2222", "7", 5, 90, `,"device":"d"`), sim(-20*minute, "1111", "swapped"),
		transfer("t1", -30*minute, "1111", "2222", 30000, 90000, `,"device":"e"`), callBegins("c", -25*minute, "+85251234567", "1111"), transfer("t2", 0, "2222", "3333", 29900, 30000),
		`{"kind":"watch","entity":"acct:3333","risk":"suspected","until":"2027-01-01T00:00:00+08:00"}`, transfer("t3", 5*minute, "1111", "9", 49800, 50012)}
	cold := map[event.Entity][]byte{}
	var a, b []Alert
	for _, d := range docs {
		a = append(a, hot.score(d)...)
		missing, err := tiny.part.Missing(tiny.block(d), nil)
		if err != nil {
			t.Fatal(err)
		}
		tiny.offset--
		for _, e := range missing {
			if state, ok := cold[e]; ok {
				s, err := ReadState(e, state)
				if err != nil {
					t.Fatal(err)
				}
				tiny.part.Put(s)
			}
		}
		b = append(b, tiny.score(d)...)
		written := tiny.part.Snapshot()
		for _, s := range written {
			cold[s.Entity] = AppendState(nil, s)
		}
		tiny.part.Written(written, true)
	}
	if got, want := fmt.Sprintf("%+v", deref(b)), fmt.Sprintf("%+v", deref(a)); got != want || len(a) < 3 {
		t.Errorf("with one hot entity:\n%s\nwith all hot:\n%s", got, want)
	}
}

func deref(alerts []Alert) (out []any) {
	for _, a := range alerts {
		t := a.Transfer
		a.Transfer = nil
		out = append(out, a, *t)
	}
	return out
}

// drawMoves draws movements of the last 30 days, of every sort.
func drawMoves(r *rapid.T, most int) []move {
	moves := make([]move, rapid.IntRange(1, most).Draw(r, "n"))
	for i := range moves {
		k := sort(rapid.IntRange(0, int(sorts)-1).Draw(r, "sort"))
		moves[i] = move{at: noon.Add(-time.Duration(rapid.IntRange(0, 30*24*3600-1).Draw(r, "age")) * time.Second), tag: uint64(i+1)<<16 | uint64(k),
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
		for k := range sorts {
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
		var n, sum [sorts]int64
		for _, m := range drawMoves(r, 10*maxMoves) {
			s.add(m)
			n[m.sort()]++
			sum[m.sort()] += m.amount
		}
		for k := range sorts {
			var got totals
			s.totals(k, noon, &got)
			if month := len(windows) - 1; got.n[month] != n[k] || got.sum[month] != sum[k] {
				r.Fatalf("%d movements of %d fen became %d of %d", n[k], sum[k], got.n[month], got.sum[month])
			}
		}
		if len(s.moves) > int(sorts)*maxMoves {
			r.Fatalf("%d movements are kept, the bound is %d", len(s.moves), int(sorts)*maxMoves)
		}
	})
}

// A past that is read late is added: counts come out as if it had been there.
func TestMergeAddsThePast(t *testing.T) {
	whole, late := newTown(t, 10), newTown(t, 10)
	past := transfer("p", -2*time.Hour, "1111", "2222", 70, 5000)
	now := transfer("n", 0, "1111", "2222", 30, 4900)
	whole.score(past)
	s, err := ReadState("acct:2222", AppendState(nil, whole.part.Peek("acct:2222")))
	if err != nil {
		t.Fatal(err)
	}
	whole.score(now)
	late.score(now)
	m := late.part.Peek("acct:2222")
	m.Merge(s)
	n1, s1 := whole.part.Peek("acct:2222").count(credit, noon, 24*time.Hour, 0)
	if n2, s2 := m.count(credit, noon, 24*time.Hour, 0); n1 != n2 || s1 != s2 || n2 != 2 {
		t.Errorf("merged %d/%d, want %d/%d", n2, s2, n1, s1)
	}
}

func FuzzReadState(f *testing.F) {
	w := newTown(f, 10)
	w.score(transfer("t", 0, "1111", "2222", 100, 5000), called("c", -minute, "13911112222", "1111", minute))
	f.Add(AppendState(nil, w.part.Peek("tel:+8613800001111")))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = ReadState("acct:1", b) })
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
				docs = append(docs, called(fmt.Sprint("c", k), time.Duration(i)*time.Second, fmt.Sprintf("1391111%04d", (k/3)%10000), who, minute))
				legs += 2
			} else {
				docs = append(docs, transfer(fmt.Sprint("t", k), time.Duration(i)*time.Second, who, fmt.Sprint("shop", k%97), 60, 9000))
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
