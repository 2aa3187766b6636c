package scoring

import (
	"strings"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// A length of time as people say it: seconds under a minute, minutes under two hours,
// hours under two days; one of them in the singular.
func TestLasting(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		0:                                {" 0 秒", "0 seconds"},
		time.Second:                      {" 1 秒", "1 second"},
		59 * time.Second:                 {" 59 秒", "59 seconds"},
		time.Minute:                      {" 1 分钟", "1 minute"},
		119*time.Minute + 59*time.Second: {" 119 分钟", "119 minutes"},
		2 * time.Hour:                    {" 2 小时", "2 hours"},
		48*time.Hour - 1:                 {" 47 小时", "47 hours"},
		48 * time.Hour:                   {" 2 天", "2 days"},
		73 * time.Hour:                   {" 3 天", "3 days"},
	} {
		if zh, en := lasting(d); zh != want[0] || en != want[1] {
			t.Errorf("%s: %q, %q; want %q", d, zh, en, want)
		}
	}
}

// A value in its phrase, in both languages; what is nothing is not said, or said so.
func TestSay(t *testing.T) {
	for _, c := range []struct {
		name   string
		value  any
		zh, en string
	}{
		{"debit.new_payee", true, "收款人 24 小时内首次出现", "payee first paid within 24 hours"},
		{"debit.new_payee", false, "", ""},
		{"calls.unknown.longest_24h", "1m0s", "陌生来电最长 1 分钟", "longest call from a stranger 1 minute"},
		{"calls.unknown.longest_24h", "0s", "", ""},
		{"calls.unknown.since", "0s", "陌生来电仍在进行", "a stranger's call is still running"},
		{"calls.unknown.since", never.String(), "", ""},
		{"calls.unknown.since", (never - 24*time.Hour).String(), "陌生来电结束后 3649 天",
			"3649 days after a stranger's call"},
		{"calls.foreign.count_2m", int64(1), "2 分钟内境外来电 1 次", "1 foreign call in 2 minutes"},
		{"calls.foreign.count_2m", 2.0, "2 分钟内境外来电 2 次", "2 foreign calls in 2 minutes"},
		{"calls.foreign.count_2m", 0.0, "", ""},
		{"debit.share_of_balance", 0.985, "占余额 98 %", "98 % of the balance"},
		{"debit.times_usual", 2.55, "为以往最大付款的 2.5 倍", "2.5 times the largest payment before"},
		{"debit.amount", "1234.50", "付款 ¥1,234.50", "pays ¥1,234.50"},
		{"debit.amount", "0.00", "", ""},
		{"growth.back_14d", "0.00", "分文未收回", "nothing came back"},
		{"debit.channel", "pos", "渠道 刷卡", "by POS"},
		{"debit.channel", "balloon", "渠道 balloon", "by balloon"},
		{"debit.channel", "", "", ""},
		{"risk.why", "paid", "与涉案账户的关系：曾向其付款", "tie to a stopped account: paid it"},
		{"risk.hop", 0.0, "涉案账户本身", "the stopped account itself"},
		{"risk.level", int64(350), "风险 350", "risk 350"},
		{"debit.hour", 0.0, "0 时付款", "paid in hour 0"},
		{"debit.hour", int64(9), "9 时付款", "paid in hour 9"},
		{"credit.amount", "5.00", "入账 ¥5.00", "¥5.00 came in"},
		{"sim.swapped", "5m0s", "5 分钟前换卡或携号转网", "SIM swapped or ported 5 minutes before"},
		{"debit.round", []int{1}, "整千金额", "a round amount"},
		{"of.tomorrow_24h", 7, "of.tomorrow_24h = 7", "of.tomorrow_24h = 7"},
	} {
		zh, en, ok := say(c.name, c.value)
		if zh != c.zh || en != c.en || ok != (c.zh != "") {
			t.Errorf("%s of %v: %q, %q, %v; want %q, %q", c.name, c.value, zh, en, ok, c.zh, c.en)
		}
	}
	for name, want := range map[string][2]string{"a.b_24h": {"a.b", "24h"}, "a.b_c": {"a.b_c", ""}, "ab": {"ab", ""},
		"_2h": {"", "2h"}} {
		if base, window := baseOf(name); base != want[0] || window != want[1] {
			t.Errorf("%s is %q of %q", name, base, window)
		}
	}
	if a, b := wordRank("calls.foreign.longest_24h"), wordRank("of.tomorrow"); a != 0 || b != len(phrases) {
		t.Errorf("the first is %d, an unknown one %d", a, b)
	}
	zh, en := Words(nil)
	if zh == nil || en == nil || len(zh) != 0 {
		t.Error("nothing is said of no hits, as an empty list")
	}
	same := []Hit{{Values: map[string]any{"dial.out_part_30d": 0.9}}, {Values: map[string]any{"dial.out_share_30d": 0.9}}}
	if _, en = Words(same); len(en) != 1 {
		t.Errorf("one thing is said twice: %v", en)
	}
}

// A decision is reckoned again from what was kept: the patterns that are gone, or do not
// hold on their values, are named.
func TestReplayNamesWhatFails(t *testing.T) {
	hit := func(id string, values map[string]any) Hit { return Hit{Pattern: id, Values: values} }
	foreign := func(calls, callers float64) Hit {
		return hit("foreign-calls-in-a-burst", map[string]any{"calls.foreign.count_2m": calls,
			"calls.foreign.callers_10m": callers})
	}
	burst, few := foreign(5, 0), foreign(4, 2)
	called := hit("authority-call-then-transfer", map[string]any{"calls.unknown.longest_24h": "20m0s",
		"calls.unknown.since": "1h30m0s", "debit.new_payee": true, "debit.amount": "10000.00", "debit.share_of_balance": 0.5})
	short := hit("authority-call-then-transfer", map[string]any{"calls.unknown.longest_24h": "19m59s",
		"calls.unknown.since": "1h30m0s", "debit.new_payee": true, "debit.amount": "10000.00", "debit.share_of_balance": 0.5})
	listed := hit("watchlisted-payee", map[string]any{"watch.risk": "confirmed"})
	for name, c := range map[string]struct {
		hits  []Hit
		score int
		fails string
	}{
		"one":                {[]Hit{burst}, 400, ""},
		"two":                {[]Hit{burst, called}, 820, ""}, // 1 - 0.6 × 0.3
		"its values fail":    {[]Hit{few}, 400, "foreign-calls-in-a-burst"},
		"a second too short": {[]Hit{short}, 700, "authority-call-then-transfer"},
		"one that is gone":   {[]Hit{burst, hit("gone", nil)}, 400, "gone"},
		"nothing":            {nil, 0, ""},
	} {
		score, fails, err := Replay(string(DefaultCatalogue), c.hits)
		if err != nil || score != c.score || strings.Join(fails, " ") != c.fails {
			t.Errorf("%s: %d, %v, %v; want %d, %s", name, score, fails, err, c.score, c.fails)
		}
	}
	if _, fails, err := Replay(string(DefaultCatalogue), []Hit{listed}); err != nil || len(fails) != 0 {
		t.Errorf("a text: %v, %v", fails, err)
	}
	if _, _, err := Replay("- id: nonsense", nil); err == nil || !strings.Contains(err.Error(), "catalogue of then") {
		t.Errorf("%v", err)
	}
}

// Who is told of a payment: a stranger who is paid 300 yuan and more, not in a shop, by
// an account that is on a trail.
func TestNotifyPayee(t *testing.T) {
	pay := transfer("p", minute, "2222", "3333", 300, 9000)
	for name, c := range map[string]struct {
		doc    string
		before []string
		told   bool
	}{
		"a stranger":            {pay, nil, true},
		"a fen less":            {transfer("p", minute, "2222", "3333", 299.99, 9000), nil, false},
		"cash":                  {transfer("p", minute, "2222", "", 300, 9000), nil, false},
		"in a shop":             {strings.Replace(pay, "mobile", "pos", 1), nil, false},
		"in dollars":            {strings.Replace(pay, "CNY", "USD", 1), nil, false},
		"one it has known long": {pay, one(transfer("o", -48*hours, "2222", "3333", 1, 9000)), false},
	} {
		w := newTown(t, 100)
		w.score(join(c.before, stopOn("2222", 0))...)
		b := w.block(c.doc)
		told := false
		if err := w.part.Apply(w.offset, b, func(_ *event.Leg, o *Outcome) {
			for _, n := range o.Notes {
				told = told || n.Risk.Entity == "acct:3333" && n.Risk.Why == event.WhyReceived && n.Risk.Hop == 1 &&
					n.Risk.From == "acct:2222" && n.Risk.Origin == "acct:2222" && n.At == noon.Add(minute)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if told != c.told {
			t.Errorf("%s is told: %v, want %v", name, told, c.told)
		}
	}
}

// What a note does to an entity: it joins the trail and tells its neighbours, by what
// they are to it.
func TestRiskTellsNeighbours(t *testing.T) {
	base := event.Risk{Entity: "acct:1", Origin: "acct:o", Since: noon, Score: 900, From: "acct:x", Why: event.WhyReceived,
		Hop: 1, Minor: 500_00, Cause: "c"}
	for name, c := range map[string]struct {
		change func(*event.Risk, *State)
		want   string
		trails int
	}{
		"money came": {func(*event.Risk, *State) {}, "acct:paid received 2, ", 1},
		"it is stopped": {func(r *event.Risk, _ *State) { r.Hop, r.Why = 0, event.WhyStopped },
			"tel:own shares-number 1, acct:payer paid 1, acct:paid received 1, tel:second shares-number 1, ", 1},
		"it paid":            {func(r *event.Risk, _ *State) { r.Why = event.WhyPaid }, "", 0},
		"its number is tied": {func(r *event.Risk, _ *State) { r.Why = event.WhyShares }, "", 1},
		"a ring is closed": {func(r *event.Risk, _ *State) {
			r.Why, r.Origin, r.Score = event.WhyPassedOn, "acct:1", 0
		}, "", 0},
		"money passes": {func(r *event.Risk, _ *State) {
			r.Why, r.Score = event.WhyPassedOn, 0
		}, "acct:paid passed-on 2, ", 1},
		"it is cleared": {func(_ *event.Risk, s *State) { s.makeCold().watch = "cleared" }, "", 0},
		"it is stopped, though cleared": {func(r *event.Risk, s *State) {
			r.Hop, r.Why, s.makeCold().watch = 0, event.WhyStopped, "cleared"
		}, "tel:own shares-number 1, tel:second shares-number 1, ", 1},
	} {
		e, v := over(t)
		s := v.state
		s.partner = "tel:own"
		for i, h := range []neighbour{{name: "acct:payer", way: received}, {name: "acct:paid", way: paid},
			{name: "tel:second", way: shares}} {
			h.at, h.minor, h.cause = noon+event.Instant(i), 500_00, "n"
			s.rememberNeighbour(h)
		}
		l := event.Leg{Entity: "acct:1", Role: event.RoleRisk,
			Event: event.Event{Kind: event.KindRisk, ID: "r", At: noon, Risk: base}}
		c.change(&l.Event.Risk, s)
		v.begin(s, &l)
		var out Outcome
		e.risk(v, &out)
		got := ""
		for _, n := range out.Notes {
			got += string(n.Risk.Entity) + " " + n.Risk.Why + " " + string(rune('0'+n.Risk.Hop)) + ", "
		}
		if got != c.want || len(s.readCold().trails) != c.trails {
			t.Errorf("%s: %s, %d trails; want %s, %d", name, got, len(s.readCold().trails), c.want, c.trails)
		}
		out.reset()
		if e.risk(v, &out); c.trails == 1 && name == "money came" && len(out.Notes) != 0 {
			t.Errorf("%s again: %+v", name, out.Notes)
		}
	}
	e, v := over(t)
	for i := range maxNotified + 1 {
		l := event.Leg{Entity: "acct:1", Role: event.RoleRisk,
			Event: event.Event{ID: strings.Repeat("r", i+1), At: noon, Risk: base}}
		v.begin(v.state, &l)
		e.risk(v, new(Outcome))
		e.risk(v, new(Outcome))
	}
	if n := v.state.cold.notified; len(n) != 64 || n[0] != event.Hash("rr") {
		t.Errorf("%d notes are remembered", len(n))
	}
}
