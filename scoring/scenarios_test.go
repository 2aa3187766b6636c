package scoring

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const hours = time.Hour

// scenario is a pattern's own story: one on which it fires, and one that is
// nearly it.
type scenario struct{ fires, nearly []string }

func times(n int, f func(i int) string) (out []string) {
	for i := range n {
		out = append(out, f(i))
	}
	return out
}

func join(parts ...[]string) (out []string) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func one(doc string) []string { return []string{doc} }

func message(id string, when time.Duration, sender, recipient, host string) string {
	if len(recipient) < 11 {
		recipient = "1380000" + (recipient + "0000")[:4]
	}
	return fmt.Sprintf(`{"kind":"message","id":"%s","at":"%s","sender":"%s","recipient":"%s","link_host":"%s"}`, id,
		at(when), sender, recipient, host)
}

func watched(entity, risk, until string) string {
	return fmt.Sprintf(`{"kind":"watch","entity":"%s","risk":"%s"%s}`, entity, risk, until)
}

// stopOn tells a story that ends with a stop on an account.
func stopOn(payee string, when time.Duration) []string {
	return []string{called("c"+payee, when-25*minute, "+85251234567", "7777", 24*minute),
		transfer("s"+payee, when, "7777", payee, 49800, 50012)}
}

// scenarios has one for every pattern of the built-in catalogue.
func scenarios() map[string]scenario {
	police := called("c", -25*minute, "13911112222", "1111", 24*minute)
	dialled := func(id string, i int, when time.Duration, callee string, more ...string) string {
		return fmt.Sprintf(`{"kind":"call","id":"%s%d","at":"%s","phase":"ended","caller":{"number":"13977776666"},"callee":{"number":"1380000%s"},"duration_s":40%s}`, id, i, at(when), callee, strings.Join(more, ""))
	}
	who := func(i int) string { return fmt.Sprint(1000 + i) }
	usual := transfer("t0", -600*hours, "1111", "8", 900, 50000)
	grow := func(amounts ...float64) (out []string) {
		for i, y := range amounts {
			out = append(out, transfer(fmt.Sprint("g", i), time.Duration(i-len(amounts)+1)*20*hours, "1111",
				fmt.Sprint("9", i), y, 60000))
		}
		return out
	}
	rebate := func(i int, to string) []string {
		when := time.Duration(i-10) * hours
		return []string{transfer(fmt.Sprint("r", i), when, "1111", to, 100, 5000),
			transfer(fmt.Sprint("b", i), when+minute, to, "1111", 120, 500)}
	}
	gather := func(n int, each float64, when time.Duration) []string {
		return times(n, func(i int) string {
			return transfer(fmt.Sprint("in", i), when+time.Duration(i)*minute, fmt.Sprint("55", i), "2222", each, 90000)
		})
	}
	return map[string]scenario{
		"authority-call-then-transfer": {[]string{police, transfer("t", 0, "1111", "9", 49800, 50012)},
			// an old friend
			[]string{called("c0", -72*hours, "13911112222", "1111", minute), police,
				transfer("t", 0, "1111", "9", 49800, 50012)}},
		"foreign-or-forged-call": {[]string{called("c", -300*minute, "13911112222", "1111", 6*minute, `,"spoofed":true`),
			transfer("t", 0, "1111", "9", 6000, 9000)},
			[]string{called("c", -300*minute, "13911112222", "1111", 6*minute), transfer("t", 0, "1111", "9", 6000, 9000)}},
		"foreign-calls-in-a-burst": {times(3, func(i int) string {
			return called(who(i), time.Duration(i)*minute, fmt.Sprint("+8525123456", i), "1111", minute/2)
		}),
			times(3, func(i int) string { return called(who(i), time.Duration(i)*minute, "+85251234567", "1111", minute/2) })},
		"transfer-while-stranger-calls": {[]string{callBegins("c", -11*minute, "13911112222", "1111"),
			transfer("t", 0, "1111", "9", 6000, 9000)},
			[]string{called("c", -120*minute, "13911112222", "1111", 12*minute), transfer("t", 0, "1111", "9", 6000, 9000)}},
		"small-then-large-after-call": {[]string{called("c", -20*minute, "13911112222", "1111", 9*minute),
			transfer("t1", -5*minute, "1111", "9", 1, 9000), transfer("t2", 0, "1111", "9", 4000, 9000)},
			[]string{called("c", -20*minute, "13911112222", "1111", 9*minute), transfer("t2", 0, "1111", "9", 4000, 9000)}},
		"takeover-after-sim-swap": {[]string{transfer("t0", -72*hours, "1111", "8", 10, 9000, `,"device":"old"`),
			sim(-2*hours, "1111", "swapped"), transfer("t", 0, "1111", "9", 6000, 9000, `,"device":"new"`)},
			[]string{transfer("t0", -200*hours, "1111", "8", 10, 9000, `,"device":"old"`),
				sim(-168*hours, "1111", "swapped"), transfer("t", 0, "1111", "9", 6000, 9000, `,"device":"new"`)}},
		"drained-after-sim-swap": {[]string{sim(-2*hours, "1111", "swapped"),
			transfer("t1", -9*minute, "1111", "8", 3000, 9000), transfer("t2", 0, "1111", "9", 3000, 6000)},
			[]string{sim(-2*hours, "1111", "swapped"), transfer("t1", -9*minute, "1111", "9", 3000, 9000),
				transfer("t2", 0, "1111", "9", 3000, 6000)}},
		"takeover-after-forwarding": {[]string{sim(-20*minute, "1111", "forwarding_on"),
			transfer("t", 0, "1111", "9", 6000, 9000)},
			[]string{sim(-20*minute, "1111", "forwarding_on"), sim(-10*minute, "1111", "forwarding_off"),
				transfer("t", 0, "1111", "9", 6000, 9000)}},
		"fees-after-linked-messages": {[]string{message("m", -30*hours, "10690000123", "1111", "loan.example"),
			transfer("t1", -3*hours, "1111", "8", 1200, 9000), transfer("t2", 0, "1111", "9", 900, 8000)},
			[]string{message("m", -30*hours, "10690000123", "1111", ""), transfer("t1", -3*hours, "1111", "8", 1200, 9000),
				transfer("t2", 0, "1111", "9", 900, 8000)}},
		// the message comes last
		"first-fee-after-linked-message": {[]string{transfer("t", 0, "1111", "9", 900, 8000),
			message("m", -40*minute, "10690000123", "1111", "loan.example")},
			[]string{message("m", -4*hours, "10690000123", "1111", "loan.example"), transfer("t", 0, "1111", "9", 900, 8000)}},
		"third-fee-after-linked-message": {join(one(message("m", -9*hours, "10690000123", "1111", "loan.example")),
			times(3, func(i int) string {
				return transfer(fmt.Sprint("t", i), time.Duration(i-2)*hours, "1111", fmt.Sprint("9", i), 2500, 20000)
			})), join(one(message("m", -9*hours, "10690000123", "1111", "loan.example")), times(3, func(i int) string {
			return transfer(fmt.Sprint("t", i), time.Duration(i-2)*hours, "1111", "9", 2500, 20000)
		}))},
		"acquaintance-calls-then-round-sum": {[]string{called("c", -50*minute, "13911112222", "1111", 3*minute),
			transfer("t", 0, "1111", "9", 20000, 50000)},
			[]string{called("c", -50*minute, "13911112222", "1111", minute), transfer("t", 0, "1111", "9", 20000, 50000)}},
		"rebates-then-doubling": {join(rebate(1, "8"), rebate(2, "8"), one(transfer("t", 0, "1111", "9", 2000, 5000))),
			join(rebate(1, "8"), one(transfer("t", 0, "1111", "9", 2000, 5000)))},
		"small-credits-then-doubling": {join(times(2, func(i int) string {
			return transfer(fmt.Sprint("s", i), -20*hours, fmt.Sprint("60", i), "1111", 80, 500)
		}),
			times(3, func(i int) string {
				return transfer(fmt.Sprint("t", i), time.Duration(i-2)*hours, "1111", fmt.Sprint("9", i),
					[]float64{400, 900, 2000}[i], 9000)
			})), join(times(2, func(i int) string {
			return transfer(fmt.Sprint("s", i), -20*hours, fmt.Sprint("60", i), "1111", 80, 500)
		}),
			times(3, func(i int) string {
				return transfer(fmt.Sprint("t", i), time.Duration(i-2)*hours, "1111", fmt.Sprint("9", i),
					[]float64{1400, 1500, 2000}[i], 9000)
			}))},
		"investment-begins-to-grow": {join(one(usual), grow(1000, 2500, 6000)), join(one(usual), grow(7000, 2500, 6000))},
		"growing-investment": {join(one(usual), grow(1000, 2500, 6000, 14000)),
			join(one(usual), grow(1000, 2500, 6000, 14000)[:3], one(transfer("back", -2*hours, "92", "1111", 300, 9000)),
				grow(1000, 2500, 6000, 14000)[3:])},
		"watchlisted-payee": {[]string{watched("acct:9", "confirmed", ""), transfer("t", 0, "1111", "9", 10, 9000)},
			[]string{watched("acct:9", "confirmed", `,"until":"2026-11-22T00:00:00+08:00"`),
				transfer("t", 0, "1111", "9", 10, 9000)}},
		"suspected-payee": {[]string{watched("acct:9", "suspected", ""), transfer("t", 0, "1111", "9", 10, 9000)},
			[]string{watched("acct:9", "cleared", ""), transfer("t", 0, "1111", "9", 10, 9000)}},
		"watchlisted-payer": {[]string{watched("acct:1111", "confirmed", ""),
			transfer("t", 0, "1111", "9", 10, 9000)}, []string{watched("acct:9", "confirmed", ""),
			transfer("t", 0, "1111", "9", 10, 9000)}},
		"downstream-of-stopped": {join(stopOn("2222", 0), one(transfer("t", 10*minute, "2222", "3333", 30000, 49800))),
			join(stopOn("2222", 0), one(transfer("t", 10*minute, "2222", "3333", 90, 49800)))},
		"paid-a-stopped-account": {join(one(transfer("v", -9*hours, "8888", "2222", 3000, 9000)), stopOn("2222", 0)),
			join(one(transfer("v", -90*hours, "8888", "2222", 3000, 9000)), stopOn("2222", 0))},
		"shares-a-number-with-stopped": {join(one(strings.Replace(transfer("p", -9*hours, "4444", "5", 20, 900),
			"13800004444", "13855556666", 1)), one(strings.Replace(transfer("q", -8*hours, "2222", "5", 20, 900),
			"13800002222", "13855556666", 1)), stopOn("2222", 0)),
			join(one(strings.Replace(transfer("p", -9*hours, "4444", "5", 20, 900), "13800004444", "13855556666", 1)),
				stopOn("2222", 0))},
		"mule-ring": {[]string{transfer("a", 0, "2222", "3333", 9000, 9100),
			transfer("b", hours, "3333", "4444", 8900, 9000), transfer("c", 2*hours, "4444", "2222", 8800, 8900)},
			[]string{transfer("a", 0, "2222", "3333", 9000, 9100), transfer("b", hours, "3333", "4444", 8900, 9000),
				transfer("c", 2*hours, "4444", "2222", 800, 8900)}},
		"mule-pass-through": {[]string{transfer("t0", -20*minute, "1111", "2222", 20000, 90000),
			transfer("t", 0, "2222", "3333", 19900, 20000)},
			[]string{transfer("t0", -20*minute, "1111", "2222", 20000, 90000), transfer("t", 0, "2222", "3333", 9900, 20000)}},
		"mule-cash-out": {[]string{transfer("t0", -20*minute, "1111", "2222", 300, 90000),
			transfer("t", 0, "2222", "", 300, 300)},
			[]string{transfer("tx", -40*hours, "1111", "2222", 5, 90000),
				transfer("t0", -20*minute, "1111", "2222", 300, 90000), transfer("t", 0, "2222", "", 300, 305)}},
		"mule-fan-in": {join(gather(6, 5000, -5*hours), one(transfer("t", 0, "2222", "3333", 29500, 30000))),
			gather(6, 5000, -5*hours)}, // a shop takes in
		"mule-gathers-for-weeks": {join(times(4, func(i int) string {
			return transfer(fmt.Sprint("in", i), time.Duration(i-4)*60*hours, fmt.Sprint("55", i), "2222", 600, 9000)
		}), one(transfer("t", 0, "2222", "3333", 2390, 2400))),
			join(times(4, func(i int) string {
				return transfer(fmt.Sprint("in", i), time.Duration(i-4)*60*hours, "55", "2222", 600, 9000)
			}), one(transfer("t", 0, "2222", "3333", 2390, 2400)))},
		"mule-fan-out": {join(one(transfer("t0", -2*hours, "1111", "2222", 30000, 90000)), times(3, func(i int) string {
			return transfer(fmt.Sprint("o", i), time.Duration(i-3)*minute, "2222", fmt.Sprint("9", i), 9990,
				float64(30000-9990*i))
		})), join(one(transfer("t0", -2*hours, "1111", "2222", 30000, 90000)), times(3, func(i int) string {
			return transfer(fmt.Sprint("o", i), time.Duration(i-3)*minute, "2222", "9", 9990, float64(30000-9990*i))
		}))},
		"mule-alike": {times(5, func(i int) string {
			return transfer(fmt.Sprint("o", i), time.Duration(i-5)*hours, "2222", fmt.Sprint("9", i), 188.39, 9000)
		}),
			times(5, func(i int) string {
				return transfer(fmt.Sprint("o", i), time.Duration(i-5)*hours, "2222", fmt.Sprint("9", i), 188.39+float64(i), 9000)
			})},
		"mule-gather-and-scatter": {join(gather(4, 700, -200*hours), times(3, func(i int) string {
			return transfer(fmt.Sprint("o", i), time.Duration(i-3)*40*hours, "2222", fmt.Sprint("9", i), 600, 2800)
		})), join(gather(4, 700, -200*hours), times(3, func(i int) string {
			return transfer(fmt.Sprint("o", i), time.Duration(i-3)*hours, "2222", fmt.Sprint("9", i), 600, 2800)
		}))},
		"mule-awakened": {[]string{transfer("t0", -200*24*hours, "2222", "7", 5, 90),
			transfer("t1", -hours, "1111", "2222", 30000, 900000), transfer("t2", -minute, "2222", "8", 15000, 30000),
			transfer("t3", 0, "2222", "9", 14000, 15000)},
			[]string{transfer("t0", -60*24*hours, "2222", "7", 5, 90), transfer("t1", -hours, "1111", "2222", 30000, 900000),
				transfer("t2", -minute, "2222", "8", 15000, 30000), transfer("t3", 0, "2222", "9", 14000, 15000)}},
		"sim-box-caller": {times(25, func(i int) string { return dialled("c", i, time.Duration(i-30)*minute, who(i)) }),
			// a talkative friend
			times(25, func(i int) string { return dialled("c", i, time.Duration(i-30)*minute, who(i%5)) })},
		"new-number-calls-strangers": {times(6, func(i int) string {
			return dialled("c", i, time.Duration(i-6)*8*minute,
				who(i))
		}),
			join(one(dialled("c0", 0, -300*hours, who(1))),
				times(6, func(i int) string { return dialled("c", i, time.Duration(i-6)*8*minute, who(i)) }))},
		"sim-box-month": {times(30, func(i int) string { return dialled("c", i, time.Duration(i-30)*9*hours, who(i)) }),
			times(60, func(i int) string { return dialled("c", i, time.Duration(i-60)*9*hours, who(i/3)) })},
		"caller-over-100-a-day": {times(101, func(i int) string {
			return dialled("c", i, time.Duration(i-110)*minute,
				who(i%3))
		}), times(100, func(i int) string { return dialled("c", i, time.Duration(i-110)*minute, who(i%3)) })},
		"mass-message": {times(30, func(i int) string {
			return message(fmt.Sprint("m", i), time.Duration(i-30)*minute, "10690000123", who(i), "x.example")
		}),
			times(30, func(i int) string {
				return message(fmt.Sprint("m", i), time.Duration(i-30)*minute, "10690000123", who(i), "")
			})},
	}
}

// Every pattern of the catalogue fires on its story, and not on the one that is
// nearly it; and nothing fires on an honest day.
func TestPatterns(t *testing.T) {
	all := scenarios()
	fired := func(story []string) map[string]bool {
		out := map[string]bool{}
		for _, a := range newTown(t, 1000).score(story...) {
			for _, h := range a.Hits {
				out[h.Pattern] = true
			}
		}
		return out
	}
	for _, p := range newTown(t, 1).part.controls.program.Patterns {
		s, ok := all[p.ID]
		if !ok {
			t.Errorf("%s has no scenario", p.ID)
			continue
		}
		delete(all, p.ID)
		t.Run(p.ID, func(t *testing.T) {
			if got := fired(s.fires); !got[p.ID] {
				t.Errorf("fired %v on its story; it should fire itself", got)
			}
			if got := fired(s.nearly); got[p.ID] {
				t.Errorf("fired on the story that is nearly its own")
			}
		})
	}
	for id := range all {
		t.Errorf("the scenario of %s has no pattern", id)
	}
	honest := []string{transfer("t1", 0, "1111", "9", 60, 9000), called("c", hours, "13911112222", "1111", 2*minute),
		transfer("t2", 3*hours, "1111", "10", 300, 8900),
		transfer("t3", 5*hours, "4444", "1111", 5000, 90000), transfer("t4", 9*hours, "1111", "", 500, 9000)}
	if got := fired(honest); len(got) > 0 {
		t.Errorf("an honest day fired %v", got)
	}
}
