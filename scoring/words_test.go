package scoring

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"stopline.internal/scoring/pattern"
)

// Every feature is said in both languages, with its value and its window.
func TestEveryFeatureIsSaid(t *testing.T) {
	for _, f := range Features() {
		value := map[pattern.Type]any{pattern.Bool: true, pattern.Int: int64(7), pattern.Double: 0.5,
			pattern.String: "confirmed", pattern.Duration: "26m0s"}[f.Type]
		if f.Money {
			value = "49800.00"
		}
		zh, en, ok := say(f.Name, value)
		if !ok || strings.ContainsAny(zh+en, "{}=") || zh == en {
			t.Errorf("%s: %q, %q", f.Name, zh, en)
		}
		_, window := baseOf(f.Name)
		if window != "" && !strings.Contains(f.Name, "longest") && !strings.Contains(en, spans[window][1]) {
			t.Errorf("%s: %q says nothing of its window", f.Name, en)
		}
	}
	for _, p := range phrases {
		if !slices.ContainsFunc(Features(), func(f feature) bool { base, _ := baseOf(f.Name); return base == p.base }) {
			t.Errorf("%s is said, and is no feature", p.base)
		}
	}
}

func TestWords(t *testing.T) {
	var hits []Hit
	if err := json.Unmarshal([]byte(`[
		{"pattern":"a","values":{"debit.share_of_balance":0.987,"debit.new_payee":true,"debit.amount":"1049800.00","calls.foreign.longest_24h":"26m0s","calls.spoofed.longest_24h":"0s"}},
		{"pattern":"b","values":{"debit.amount":"1049800.00","calls.unknown.since":"0s","sim.swapped":"87600h0m0s","calls.unknown.count_24h":3,"of.tomorrow":1}}]`), &hits); err != nil {
		t.Fatal(err)
	}
	zh, en := Words(hits)
	if got, want := strings.Join(zh, "，"), "境外陌生来电最长 26 分钟，付款 ¥1,049,800.00，收款人 24 小时内首次出现，占余额 99 %，陌生来电仍在进行，24 "+
		"小时内陌生来电 3 次，of.tomorrow = 1"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got, want := strings.Join(en, ", "), "longest call from a foreign stranger 26 minutes, pays ¥1,049,800.00, "+
		"payee first paid within 24 hours, 99 % of the balance, a stranger's call is still running, 3 calls from "+
		"strangers in 24 hours, of.tomorrow = 1"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for name, want := range map[string]string{"messages.links_2h": "1 message with links from strangers in 2 hours",
		"debits.new_payees_24h": "1 new payee in 24 hours", "dial.numbers_30d": "called 1 number in 30 days",
		"growth.days_14d": "paid new payees on 1 day of 14 days"} {
		if _, got, _ := say(name, 1.0); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
