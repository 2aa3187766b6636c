package scoring

import (
	"testing"
	"time"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// look is a view of a state at noon, with no payment in question.
func look(s *State) *View {
	w := DefaultNetwork
	v := &View{network: &w}
	v.begin(s, &event.Leg{Entity: s.Entity, Event: event.Event{At: noon}})
	return v
}

// paying is a view with a payment in question.
func paying(s *State, t event.Transfer) *View {
	v := look(s)
	v.pay = &payment{id: "t", at: noon, transfer: t}
	return v
}

// yuan is an amount of yuan, in fen.
func yuan(n int64) event.Money { return event.Money{Minor: n * 100, Currency: event.CNY} }

// shownAs are features with the values that an alert shows.
type shownAs map[string]any

// value is a feature's value as an alert carries it.
func value(t *testing.T, v *View, name string) any {
	t.Helper()
	for _, f := range Features() {
		if f.Name == name {
			return shown(&f, v)
		}
	}
	t.Fatalf("there is no feature %s", name)
	return nil
}

// see checks features of a view.
func see(t *testing.T, of string, v *View, want shownAs) {
	t.Helper()
	for name, w := range want {
		if got := value(t, v, name); got != w {
			t.Errorf("%s: %s is %v, want %v", of, name, got, w)
		}
	}
}

// The payment in question, at the bounds of what is said of it.
func TestPaymentFeatures(t *testing.T) {
	s := NewState("acct:1")
	s.largest = 200_00
	see(t, "no payment", look(s), shownAs{"debit.amount": "0.00", "debit.new_payee": false,
		"debit.new_device": false,
		"debit.to_cash":    false, "debit.round": false, "debit.channel": "", "debit.share_of_balance": 0.0,
		"debit.times_usual": 0.0, "debit.hour": int64(12), "credit.amount": "0.00", "credit.regular": false})
	v := paying(s, event.Transfer{Amount: yuan(1000), Channel: "mobile", PayerBalance: 4000_00})
	v.pay.newPayee = true
	see(t, "a payment", v, shownAs{"debit.amount": "1000.00", "debit.new_payee": true, "debit.new_device": false,
		"debit.to_cash": false, "debit.round": true, "debit.channel": "mobile", "debit.share_of_balance": 0.25,
		"debit.times_usual": 5.0})
	odd := event.Money{Minor: 1000_01, Currency: event.CNY}
	v = paying(NewState("acct:1"), event.Transfer{Amount: odd, PayerBalance: 1})
	v.pay.newDevice = true
	see(t, "more than the balance", v, shownAs{"debit.new_device": true, "debit.new_payee": false,
		"debit.round": false, "debit.share_of_balance": 1.0, "debit.times_usual": 0.0})
	see(t, "a balance that is not known", paying(s, event.Transfer{Amount: yuan(1), PayerBalance: event.Unknown}),
		shownAs{"debit.share_of_balance": 0.0})
	see(t, "no balance", paying(s, event.Transfer{Amount: yuan(1)}), shownAs{"debit.share_of_balance": 0.0})
	dollars := event.Money{Minor: 5, Currency: "USD"}
	see(t, "dollars", paying(s, event.Transfer{Amount: dollars, Channel: event.ChannelCash}),
		shownAs{"debit.amount": "0.00", "debit.to_cash": true})
	for at, want := range map[string]int64{"2026-11-23T23:59:59+08:00": 23, "2026-11-24T00:00:00+08:00": 0,
		"2026-11-23T16:30:00Z": 0, "2026-11-23T15:59:59Z": 23} {
		var i event.Instant
		if err := i.UnmarshalText([]byte(at)); err != nil {
			t.Fatal(err)
		}
		v.at(i)
		see(t, at, v, shownAs{"debit.hour": want})
	}
	regular := having(mv(credit, 20*24*time.Hour, event.Hash("p"), 1))
	newer := having(mv(credit, 20*24*time.Hour-time.Millisecond, event.Hash("p"), 1))
	for of, c := range map[*State]bool{regular: true, newer: false} {
		v := look(of)
		v.leg.Event.Transfer = event.Transfer{Amount: yuan(7), Payer: event.Party{Account: "p"}}
		see(t, "not a credit", v, shownAs{"credit.amount": "0.00", "credit.regular": false})
		v.leg.Role = event.RoleCredit
		see(t, "a credit", v, shownAs{"credit.amount": "7.00", "credit.regular": c})
	}
}

// The entity's age, its sleep, and what the watchlist says of it until its end.
func TestEntityFeatures(t *testing.T) {
	s := NewState("acct:1")
	s.first = noon.Add(-time.Hour)
	see(t, "an hour old", look(s), shownAs{"age": "1h0m0s", "slept": "0s", "awake": never.String(), "watch.risk": ""})
	s.makeCold().silence, s.cold.wokeAt = 40*24*time.Hour, noon.Add(-2*time.Minute)
	s.cold.watch, s.cold.watchUntil = "suspected", noon
	see(t, "awake again", look(s), shownAs{"slept": "960h0m0s", "awake": "2m0s", "watch.risk": "suspected"})
	s.cold.watchUntil--
	see(t, "no more on the list", look(s), shownAs{"watch.risk": ""})
	s.cold.watchUntil = 0
	see(t, "on it for ever", look(s), shownAs{"watch.risk": "suspected"})
	s.first = noon + 1
	see(t, "first seen later", look(s), shownAs{"age": "0s"})
	see(t, "two payers and a payee, of a month", look(having(mv(credit, 0, 1, 1), mv(credit, time.Hour, 2, 1),
		mv(debit, 29*24*time.Hour, 3, 1))), shownAs{"counterparts_30d": int64(3)})
	for name, c := range map[string]struct {
		then, now event.Instant
		want      time.Duration
	}{
		"never":          {0, noon, never},
		"a minute ahead": {noon.Add(time.Minute), noon, 0},
		"more than that": {noon.Add(time.Minute) + 1, noon, never},
		"two hours ago":  {noon.Add(-2 * time.Hour), noon, 2 * time.Hour},
	} {
		if got := since(c.now, c.then); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if fraction(1, 0) != 0 || fraction(3, 4) != 0.75 || homeMinor(yuan(2)) != 200 ||
		homeMinor(event.Money{Minor: 2}) != 0 {
		t.Error("fractions and yuan")
	}
}

// Calls: who is a stranger, foreign, forged; how long a call was, and how long ago.
func TestCallFeatures(t *testing.T) {
	call := func(began, lasted time.Duration, marks ...uint64) move {
		return mv(callIn, began, 9, int64(lasted/time.Second), marks...)
	}
	h, m := time.Hour, time.Minute
	for name, c := range map[string]struct {
		calls []move
		want  shownAs
	}{
		"none": {nil, shownAs{"calls.unknown.longest_24h": "0s", "calls.unknown.since": never.String(),
			"calls.unknown.count_24h": int64(0)}},
		"a stranger, two hours ago": {[]move{call(2*h, 6*m, markNew)}, shownAs{"calls.unknown.longest_24h": "6m0s",
			"calls.unknown.longest_2h": "0s", "calls.foreign.longest_24h": "0s", "calls.spoofed.longest_24h": "0s",
			"calls.unknown.since": "1h54m0s", "calls.unknown.count_24h": int64(1)}},
		"a little later": {[]move{call(2*h-1e6, 6*m, markNew)}, shownAs{"calls.unknown.longest_2h": "6m0s"}},
		"an acquaintance": {[]move{call(m, 6*m)}, shownAs{"calls.unknown.longest_24h": "0s",
			"calls.unknown.since": never.String(), "calls.unknown.count_24h": int64(0)}},
		"a foreign stranger": {[]move{call(h, 6*m, markNew, markForeign), call(3*h, 9*m, markForeign)},
			shownAs{"calls.foreign.longest_24h": "6m0s", "calls.unknown.longest_24h": "6m0s"}},
		"a forged number, known": {[]move{call(h, 6*m, markSpoofed)}, shownAs{"calls.spoofed.longest_24h": "6m0s",
			"calls.unknown.longest_24h": "0s"}},
		"under five minutes": {[]move{call(h, 5*m-time.Second, markNew)},
			shownAs{"calls.unknown.since": never.String(), "calls.unknown.longest_24h": "4m59s"}},
		"five minutes": {[]move{call(h, 5*m, markNew)}, shownAs{"calls.unknown.since": "55m0s"}},
		"the last of two": {[]move{call(h, 5*m, markNew), call(3*h, 170*m, markNew)},
			shownAs{"calls.unknown.since": "10m0s"}},
		"it goes on past noon": {[]move{call(h, 2*h, markNew)}, shownAs{"calls.unknown.since": "0s"}},
		"it runs": {[]move{call(20*m, 0, markNew, markRunning)},
			shownAs{"calls.unknown.since": "0s", "calls.unknown.longest_24h": "20m0s"}},
		"it runs since a moment": {[]move{call(4*m, 0, markNew, markRunning)},
			shownAs{"calls.unknown.since": never.String()}},
		"its end was never told": {[]move{call(9*h, 0, markNew, markRunning)},
			shownAs{"calls.unknown.longest_24h": "4h0m0s"}},
		"a minute after noon": {[]move{call(-m, 6*m, markNew)}, shownAs{"calls.unknown.longest_24h": "6m0s",
			"calls.unknown.since": "0s", "calls.unknown.count_24h": int64(1)}},
		"more than that": {[]move{call(-m-1e6, 6*m, markNew)}, shownAs{"calls.unknown.longest_24h": "0s",
			"calls.unknown.since": never.String(), "calls.unknown.count_24h": int64(0)}},
		"a day ago": {[]move{call(24*h, 6*m, markNew)},
			shownAs{"calls.unknown.longest_24h": "0s", "calls.unknown.count_24h": int64(0)}},
		"within a day": {[]move{call(24*h-1e6, 6*m, markNew)},
			shownAs{"calls.unknown.longest_24h": "6m0s", "calls.unknown.count_24h": int64(1)}},
		"three foreign": {[]move{mv(callIn, 0, 1, 1, markNew, markForeign), mv(callIn, 2*m-1e6, 2, 1, markNew, markForeign),
			mv(callIn, 2*m, 2, 1, markNew, markForeign), mv(callIn, 10*m, 3, 1, markNew, markForeign),
			mv(callIn, m, 4, 1, markForeign)},
			shownAs{"calls.foreign.count_2m": int64(2), "calls.foreign.callers_10m": int64(2)}},
	} {
		see(t, name, look(having(c.calls...)), c.want)
	}
	s := NewState("tel:1")
	see(t, "no SIM change", look(s), shownAs{"sim.swapped": never.String(), "sim.forwarding": never.String()})
	s.makeCold().swappedAt, s.cold.forwardingAt = noon.Add(-h), noon.Add(-m)
	see(t, "a swap and forwarding", look(s), shownAs{"sim.swapped": "1h0m0s", "sim.forwarding": "1m0s"})
	links := having(mv(messageIn, -m, 1, 0, markNew, markLink), mv(messageIn, 2*h-1e6, 1, 0, markNew, markLink),
		mv(messageIn, 2*h, 1, 0, markNew, markLink), mv(messageIn, 24*h, 1, 0, markNew, markLink),
		mv(messageIn, h, 1, 0, markNew), mv(messageIn, h, 2, 0, markLink), mv(messageIn, 72*h, 1, 0, markNew, markLink),
		mv(messageIn, -2*m, 1, 0, markNew, markLink))
	see(t, "messages with links", look(links), shownAs{"messages.links_2h": int64(2), "messages.links_24h": int64(3),
		"messages.links_72h": int64(4)})
}

// What went out and came in, of each window.
func TestFlowFeatures(t *testing.T) {
	m, d := time.Minute, 24*time.Hour
	s := having(mv(debit, m, 1, 100_00, markNew), mv(debit, 2*m, 2, 100_00, markNew), mv(debit, 3*m, 2, 50_00, markCash),
		mv(debit, 20*m, 3, 7_00), mv(debit, 2*d, 4, 100_00, markNew), mv(credit, m, 5, 300_00, markNew),
		mv(credit, 2*m, 6, 300_00, markNew), mv(credit, 3*m, 6, 300_00, markNew), mv(credit, 4*m, 7, 14_00),
		mv(credit, 5*m, 8, 99_99, markNew), mv(credit, 6*m, 9, 99_99, markNew))
	see(t, "an account", look(s), shownAs{
		"debits.count_10m": int64(3), "debits.count_30m": int64(4), "debits.count_24h": int64(4),
		"debits.count_72h": int64(5),
		"debits.sum_10m":   "250.00", "debits.sum_1h": "257.00", "debits.sum_7d": "357.00",
		"debits.payees_10m": int64(2), "debits.payees_30m": int64(3), "debits.payees_72h": int64(4),
		"debits.new_payees_10m": int64(2), "debits.new_payees_72h": int64(3), "debits.new_sum_10m": "200.00",
		"debits.new_sum_30d": "300.00", "debits.cash_count_10m": int64(1), "debits.cash_sum_10m": "50.00",
		"debits.alike_10m": int64(2), "debits.alike_72h": int64(3), "credits.count_10m": int64(6),
		"credits.sum_10m": "1113.98", "credits.payers_10m": int64(5), "credits.new_payers_10m": int64(4),
		"credits.alike_10m": int64(2), "flow.out_share_24h": 257_00.0 / 1113_98.0,
	})
	see(t, "nothing came in", look(having(mv(debit, m, 1, 1))), shownAs{"flow.out_share_24h": 0.0})
	calls := having(mv(callOut, m, 1, 1), mv(callOut, 2*m, 1, 1), mv(callOut, 3*m, 2, 1), mv(callOut, 4*m, 3, 1),
		mv(callIn, m, 4, 1))
	see(t, "a number", look(calls), shownAs{"dial.count_10m": int64(4), "dial.callees_10m": int64(3),
		"dial.distinct_share_10m": 0.75, "dial.out_share_10m": 0.8, "dial.numbers_30d": int64(3),
		"dial.calls_per_number_30d": 5.0 / 3, "dial.out_part_30d": 0.8, "dial.active_days_30d": int64(1),
		"dial.handsets_24h": int64(0), "dial.handsets_30d": int64(0), "dial.cells_30d": int64(0)})
	see(t, "a number that is silent", look(NewState("tel:1")), shownAs{"dial.distinct_share_10m": 0.0,
		"dial.out_share_10m": 0.0, "dial.calls_per_number_30d": 0.0, "dial.out_part_30d": 0.0})
	sent := having(mv(messageOut, time.Hour, 1, 0, markNew), mv(messageOut, time.Hour, 2, 0, markLink),
		mv(messageOut, d, 3, 0, markNew, markLink), mv(messageOut, 2*time.Hour, 1, 0, markLink))
	see(t, "a number that writes", look(sent), shownAs{"send.recipients_24h": int64(2), "send.links_24h": int64(2),
		"send.strangers_24h": int64(1)})
}

// A month of calls that is not a profile so far: days apart, by the clock of UTC.
func TestMonthOfFewCalls(t *testing.T) {
	d := 24 * time.Hour
	v := look(having(mv(callOut, 0, 1, 1), mv(callIn, time.Minute, 2, 1), mv(callOut, d, 3, 1), mv(debit, 2*d, 1, 1),
		mv(callOut, 30*d-1e6, 4, 1), mv(callOut, 30*d, 5, 1)))
	if out, in, days := v.month(); out != 3 || in != 1 || days != 3 {
		t.Errorf("%d made, %d taken, on %d days; want 3, 1, 3", out, in, days)
	}
}

// What a note of risk says of the entity.
func TestRiskFeatures(t *testing.T) {
	s := having(mv(credit, 0, 1, 150_00), mv(credit, time.Hour, 2, 50_00), mv(credit, 24*time.Hour, 3, 900_00))
	s.Entity = "acct:ring"
	v := look(s)
	v.leg.Event.Risk = event.Risk{Since: noon.Add(-24 * time.Hour), Score: 1000, Hop: 1, Minor: 150_00,
		Why: event.WhyReceived}
	// 1000 × 0.7 over one transfer, halved after a day; 150 of the 200 that came in since
	see(t, "received", v, shownAs{"risk.level": int64(350), "risk.hop": int64(1), "risk.why": "received",
		"risk.amount": "150.00", "risk.ring": false, "risk.share": 0.75})
	for name, c := range map[string]struct {
		r    event.Risk
		want bool
	}{
		"back over three accounts": {event.Risk{Origin: "acct:ring", Hop: 3, Why: event.WhyPassedOn}, true},
		"over two":                 {event.Risk{Origin: "acct:ring", Hop: 2, Why: event.WhyPassedOn}, false},
		"of another origin":        {event.Risk{Origin: "acct:x", Hop: 3, Why: event.WhyPassedOn}, false},
		"of a stop":                {event.Risk{Origin: "acct:ring", Hop: 3, Why: event.WhyReceived}, false},
	} {
		v.leg.Event.Risk = c.r
		see(t, name, v, shownAs{"risk.ring": c.want, "risk.share": 0.0})
	}
	v.leg.Event.Risk.Minor = 900_00
	see(t, "more than came in", v, shownAs{"risk.share": 1.0})
}

// Each feature says whom it is of, and how it is typed; what is of a number is not asked
// of an account.
func TestFeaturesAreDescribed(t *testing.T) {
	lines, names := Describe(), map[string]bool{}
	list := Features()
	if len(lines) != len(list) {
		t.Errorf("%d lines for %d features", len(lines), len(list))
	}
	for _, f := range list {
		if names[f.Name] || f.Doc == "" {
			t.Errorf("%s is there twice, or says nothing", f.Name)
		}
		names[f.Name] = true
	}
	for name, of := range map[string]pattern.Of{"credits.sum_24h": pattern.OfAccount, "dial.count_1h": pattern.OfNumber,
		"calls.unknown.since": pattern.OfNumber, "merchant": pattern.OfAccount} {
		for _, f := range list {
			if f.Name == name && f.Of != of {
				t.Errorf("%s is of %v", name, f.Of)
			}
		}
	}
}
