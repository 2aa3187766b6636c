package scoring

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stopline.internal/stream/event"
)

// taint gives an account the news of a stop's money, and follows it wherever it
// has gone.
func (w *town) taint(t event.Taint) (hops []event.Taint, ends []End) {
	w.t.Helper()
	for queue := []event.Taint{t}; len(queue) > 0; queue = queue[1:] {
		n := queue[0]
		w.offset++
		e := event.Event{Kind: event.KindTaint, ID: event.TaintID(&n), At: n.At, Taint: &n}
		b := event.AppendLeg(event.BeginBlock(nil),
			event.Touch{Role: event.RoleTaint, Prefix: event.PrefixAccount, Name: n.Account},
			event.Source{Topic: 4, Offset: w.offset}, event.AppendEvent(nil, &e))
		if err := w.part.Apply(w.offset, b, func(_ *event.Leg, o *Outcome) {
			hops, ends = append(hops, o.Hops...), append(ends, o.Ends...)
			queue = append(queue, o.Taints...)
		}); err != nil {
			w.t.Fatal(err)
		}
	}
	return hops, ends
}

// moved applies a payment and follows what was tainted of it.
func (w *town) moved(doc string) (hops []event.Taint, ends []End) {
	w.t.Helper()
	var next []event.Taint
	b := w.block(doc)
	if err := w.part.Apply(w.offset, b, func(_ *event.Leg, o *Outcome) {
		next, ends = append(next, o.Taints...), append(ends, o.Ends...)
	}); err != nil {
		w.t.Fatal(err)
	}
	for _, t := range next {
		h, e := w.taint(t)
		hops, ends = append(hops, h...), append(ends, e...)
	}
	return hops, ends
}

func stolen(stop, victim, id, account string, yuan int64, when time.Duration) event.Taint {
	return event.Taint{Account: account, CaseID: "cas", StopID: stop, Payer: victim, Transfer: id, At: noon.Add(when),
		Minor: yuan * 100, Whole: yuan * 100, Hop: 1}
}

// First in, first out: what lay in the account leaves first, then the victim's
// money, then what came after it; over several accounts, to a shop and to cash.
func TestFollowsFirstInFirstOut(t *testing.T) {
	w := newTown(t, 1000)
	w.score(transfer("own", -time.Hour, "7000", "1000", 300, 9000), // clean, before
		transfer("v", 0, "2000", "1000", 1000, 9000),
		transfer("x", time.Minute, "3000", "1000", 500, 9000))
	var all []event.Taint
	var ends []End
	gather := func(h []event.Taint, e []End) { all, ends = append(all, h...), append(ends, e...) }
	gather(w.taint(stolen("s", "2000", "v", "1000", 1000, 0)))
	gather(w.moved(transfer("o1", 2*time.Minute, "1000", "1100", 500, 1800)))  // 300 clean, 200 of the victim's
	gather(w.moved(transfer("o2", 3*time.Minute, "1100", "1200", 150, 500)))   // the first 150 of the 500 are clean
	gather(w.moved(transfer("o3", 4*time.Minute, "1100", "1300", 350, 350)))   // 150 clean, 200 tainted
	gather(w.moved(transfer("o4", 5*time.Minute, "1000", "", 600, 1300)))      // cash
	gather(w.moved(transfer("o5", 6*time.Minute, "1000", "1400", 700, 700)))   // 200 of the victim's, and the other's 500
	gather(w.moved(transfer("o6", 7*time.Minute, "1300", "1500", 100, 350)))   // clean
	gather(w.moved(transfer("o7", 8*time.Minute, "1300", "1600", 99.99, 250))) // clean to 150, then 49.99: too small
	got := map[string]int64{}
	for _, h := range all {
		got[h.Account] += h.Minor
	}
	want := map[string]int64{"1100": 200_00, "1300": 200_00, "1400": 200_00}
	for account, minor := range want {
		if got[account] != minor {
			t.Errorf("to %s went %d of the victim's, want %d", account, got[account], minor)
		}
	}
	if len(got) != len(want) {
		t.Errorf("followed to %v", got)
	}
	if len(ends) != 2 || ends[0].Why != EndCash || ends[0].Minor != 600_00 || ends[1].Why != EndSmall ||
		ends[1].Minor != 49_99 {
		t.Errorf("ended at %+v", ends)
	}
}

// What the bank holds does not go on: what leaves later is other money.
func TestHeldMoneyStays(t *testing.T) {
	w := newTown(t, 1000)
	w.score(transfer("v", 0, "2000", "1000", 1000, 9000))
	w.taint(stolen("s", "2000", "v", "1000", 1000, 0))
	w.taint(event.Taint{Account: "1000", CaseID: "cas", StopID: "s", At: noon.Add(time.Minute), Minor: 800_00, Held: true})
	w.score(transfer("x", 2*time.Minute, "3000", "1000", 500, 9000))
	hops, _ := w.moved(transfer("o1", 3*time.Minute, "1000", "1100", 600, 1500))
	if len(hops) != 1 || hops[0].Minor != 200_00 {
		t.Errorf("%+v, want the 200 that are not held", hops)
	}
}

// A shop is not stopped but listed; a trail ends where it is deep.
func TestTrailEnds(t *testing.T) {
	w := newTown(t, 1000)
	for i := range tillsOfShop {
		w.score(fmt.Sprintf(`{"kind":"transfer","id":"till%d","at":"%s","payer":{"account":"88%d","bank":"ICBK"},"payee":{"account":"1900","bank":"PCBC"},"amount":"12.00","currency":"CNY","channel":"pos","status":"posted"}`, i, at(-time.Hour), i))
	}
	w.score(transfer("v", 0, "2000", "1000", 5000, 9000))
	hops, ends := w.taint(stolen("s", "2000", "v", "1000", 5000, 0))
	gather := func(h []event.Taint, e []End) { hops, ends = append(hops, h...), append(ends, e...) }
	gather(w.moved(transfer("shop", time.Minute, "1000", "1900", 400, 5000)))
	for i := range 8 {
		gather(w.moved(transfer(fmt.Sprint("o", i), time.Duration(i+2)*time.Minute, fmt.Sprint(1000+100*i),
			fmt.Sprint(1100+100*i), float64(4000-i), 4600)))
	}
	whys := map[string]int{}
	for _, e := range ends {
		whys[e.Why]++
	}
	if len(hops) != DefaultTrail.MaxHops-1 || whys[EndMerchant] != 1 || whys[EndDeep] != 1 {
		t.Errorf("%d hops, ends %v", len(hops), whys)
	}
}

// What went on before the account was known to be tainted is asked for by name,
// and followed once it is told.
func TestNamesComeLater(t *testing.T) {
	w := newTown(t, 1000)
	w.score(transfer("v", 0, "2000", "1000", 5000, 9000), transfer("o", time.Minute, "1000", "1100", 3000, 5000))
	tt := stolen("s", "2000", "v", "1000", 5000, 0)
	w.offset++
	e := event.Event{Kind: event.KindTaint, ID: "t", At: noon, Taint: &tt}
	b := event.AppendLeg(event.BeginBlock(nil), event.Touch{Role: event.RoleTaint, Prefix: event.PrefixAccount,
		Name: "1000"}, event.Source{Topic: 4, Offset: w.offset}, event.AppendEvent(nil, &e))
	asked := false
	if err := w.part.Apply(w.offset, b, func(_ *event.Leg, o *Outcome) { asked = o.NeedsPayments }); err != nil || !asked {
		t.Fatalf("asked %v, %v", asked, err)
	}
	out := w.part.AddPayments("acct:1000", []PaymentByName{{ID: "o", At: noon.Add(time.Minute), Minor: 3000_00,
		Balance: 5000_00, Account: "1100", Bank: "PCBC"}})
	if out.NeedsPayments || len(out.Taints) != 1 || out.Taints[0].Account != "1100" || out.Taints[0].Minor != 3000_00 {
		t.Errorf("%+v", out)
	}
}

// However credits, debits and taints come, which of the money is whose follows
// from the line of money alone: the same as if each fen were moved by itself,
// first in, first out.
func TestPropertyTaintIsFirstInFirstOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewState("acct:1")
		var line []int // of each unit that came in: the taint, or -1
		wanted := map[[2]int]int64{}
		var news []taint
		balance, debits, gone := 0, 0, 0
		s.makeCold()
		for i := range rapid.IntRange(2, 24).Draw(t, "moves") {
			when := noon.Add(time.Duration(i) * time.Minute)
			if balance == 0 || rapid.Bool().Draw(t, "in") {
				n := rapid.IntRange(1, 30).Draw(t, "amount")
				id := event.TransferKey("p", fmt.Sprint(i))
				s.add(move{at: when, tag: id | uint64(credit), counter: 7, amount: int64(n)})
				units := make([]int, n)
				for u := range units {
					units[u] = -1
				}
				from := 0
				for len(news) < 6 && from < n && rapid.Bool().Draw(t, "tainted") {
					off := rapid.IntRange(from, n-1).Draw(t, "offset")
					size := rapid.IntRange(1, n-off).Draw(t, "size")
					for u := off; u < off+size; u++ {
						units[u] = len(news)
					}
					news = append(news, taint{Taint: event.Taint{StopID: fmt.Sprint("s", len(news)), At: when, Minor: int64(size),
						Offset: int64(off), Whole: int64(n)}, credit: id})
					from = off + size
				}
				line = append(line, units...)
				balance += n
			} else {
				n := rapid.IntRange(1, balance).Draw(t, "amount")
				s.add(move{at: when, tag: event.TransferKey("1", fmt.Sprint(i)) | uint64(debit), counter: 8, amount: int64(n)})
				for _, of := range line[gone : gone+n] {
					if of >= 0 {
						wanted[[2]int{of, debits}]++
					}
				}
				gone += n
				balance -= n
				debits++
			}
		}
		s.traced().taints = rapid.Permutation(news).Draw(t, "order")
		got := map[[2]int]int64{}
		d := 0
		for i := range s.moves {
			if m := &s.moves[i]; m.counts(debit) {
				s.taken(m, event.Unknown, func(tt *taint, _, minor int64) {
					i := slices.IndexFunc(news, func(o taint) bool { return o.StopID == tt.StopID })
					got[[2]int{i, d}] += minor
				})
				d++
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(wanted) {
			t.Fatalf("by taint and debit: %v, want %v", got, wanted)
		}
	})
}

// A state with taints and payments by name goes to cold storage and comes back.
func TestTaintsAreKept(t *testing.T) {
	w := newTown(t, 1000)
	w.score(transfer("v", 0, "2000", "1000", 1000, 9000))
	w.taint(stolen("s", "2000", "v", "1000", 1000, 0))
	w.moved(transfer("o1", time.Minute, "1000", "1100", 500, 1000))
	s := w.part.Peek("acct:1000")
	back, err := ReadState(s.Entity, AppendState(nil, s))
	if err != nil {
		t.Fatal(err)
	}
	if len(back.trace().taints) != 1 || back.trace().taints[0] != s.trace().taints[0] || len(back.trace().outs) != 1 ||
		back.trace().outs[0] != s.trace().outs[0] {
		t.Errorf("%+v, want %+v", back.cold, s.cold)
	}
}

// What was kept of a decision gives the same score again.
func TestReplay(t *testing.T) {
	w := newTown(t, 1000)
	alerts := w.score(transfer("t", 0, "1111", "9", 49800, 50012),
		called("c", -21*minute, "+85251234567", "1111", 30*minute))
	score, fails, err := Replay(string(DefaultCatalogue), roundTrip(t, alerts[0].Hits))
	if err != nil || score != alerts[0].Score || len(fails) != 0 {
		t.Errorf("%d, %v, %v; it was %d", score, fails, err, alerts[0].Score)
	}
	hits := roundTrip(t, alerts[0].Hits)
	for name := range hits[0].Values {
		hits[0].Values[name] = nil
	}
	if _, fails, _ = Replay(string(DefaultCatalogue), hits); len(fails) != 1 {
		t.Errorf("values that are gone: %v", fails)
	}
}

// roundTrip is what the ledger keeps of hits.
func roundTrip(t *testing.T, hits []Hit) (out []Hit) {
	t.Helper()
	b, err := json.Marshal(hits)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
