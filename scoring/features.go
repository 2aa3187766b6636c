package scoring

import (
	"fmt"
	"time"

	"stopline/scoring/pattern"
	"stopline/stream/event"
)

// View is what a condition looks at: one entity at one moment, and the payment
// in question, which is the leg's own or, for a call that is reported after
// the payment it explains, a remembered one.
type View struct {
	state *State
	leg   *event.Leg
	pay   *payment // nil when no payment is in question
	own   payment  // the leg's own, when it is one
	now   event.Instant
	risks *Risks
}

// callGrace is how far a call's beginning may lie after the payment, since the
// clocks of telecoms and banks differ.
const callGrace = time.Minute

// longestRunning bounds a call whose end was never reported.
const longestRunning = 4 * time.Hour

// never is the age of what has not happened.
const never = 10 * 365 * 24 * time.Hour

type feature = pattern.Feature[View]

// Features is the catalogue of what conditions may name.
func Features() []feature {
	list := []feature{
		money("debit.amount", "the payment's amount, minor units; 0 when its currency is not CNY", func(v *View) int64 {
			if v.pay == nil {
				return 0
			}
			return homeMinor(v.pay.transfer.Amount)
		}),
		flag("debit.new_payee", "the payee was first paid less than 24 hours before", func(v *View) bool { return v.pay != nil && v.pay.newPayee }),
		flag("debit.new_device", "the payment comes from another device than the person's known ones", func(v *View) bool { return v.pay != nil && v.pay.newDevice }),
		flag("debit.to_cash", "the payment is a withdrawal", func(v *View) bool { return v.pay != nil && v.pay.transfer.Channel == event.ChannelCash }),
		flag("debit.round", "the amount is a whole multiple of 1,000 yuan", func(v *View) bool {
			return v.pay != nil && v.pay.transfer.Amount.Minor%100_000 == 0
		}),
		text("debit.channel", "mobile, web, counter, atm, pos, api or cash", func(v *View) string {
			if v.pay == nil {
				return ""
			}
			return v.pay.transfer.Channel
		}),
		double("debit.share_of_balance", "the payment's part of the balance before it, 0 to 1; 0 when the balance is not known", func(v *View) float64 {
			if v.pay == nil || v.pay.transfer.PayerBalance <= 0 {
				return 0
			}
			return min(1, float64(v.pay.transfer.Amount.Minor)/float64(v.pay.transfer.PayerBalance))
		}),
		double("debit.times_usual", "the amount over the largest debit of earlier days; 0 when there is none", func(v *View) float64 {
			if v.pay == nil || v.state.largest == 0 {
				return 0
			}
			return float64(v.pay.transfer.Amount.Minor) / float64(v.state.largest)
		}),
		integer("debit.hour", "hour of the day of the payment, local time, 0 to 23", func(v *View) int64 {
			return int64(v.now.Time().Hour())
		}),
		text("debit.payee_risk", "what the watchlist and earlier stops say of the payee: confirmed, suspected, cleared or empty", func(v *View) string {
			if v.pay == nil {
				return ""
			}
			return v.risks.Get(event.PrefixAccount, v.pay.transfer.Payee.Account, v.now)
		}),
		money("credit.amount", "the amount that came in, minor units", func(v *View) int64 {
			if v.leg.Role != event.RoleCredit {
				return 0
			}
			return homeMinor(v.leg.Event.Transfer.Amount)
		}),
		duration("age", "since the entity was first seen", func(v *View) time.Duration { return v.now.Sub(v.state.first) }),
		duration("slept", "length of the entity's last silence of 30 days and more; 0 when there was none", func(v *View) time.Duration { return v.state.slept }),
		duration("awake", "since that silence ended", func(v *View) time.Duration { return since(v.now, v.state.wokeAt) }),
		text("watch.risk", "what the watchlist says of the entity itself: confirmed, suspected, cleared or empty", func(v *View) string {
			if v.state.riskUntil != 0 && v.state.riskUntil < v.now {
				return ""
			}
			return v.state.risk
		}),
		number(duration("calls.unknown.longest_24h", "longest call from a stranger in 24 hours before the payment, running ones included", func(v *View) time.Duration {
			return v.longestCall(markUnknown)
		})),
		number(duration("calls.foreign.longest_24h", "longest call from a foreign stranger in 24 hours", func(v *View) time.Duration {
			return v.longestCall(markUnknown | markForeign)
		})),
		number(duration("calls.spoofed.longest_24h", "longest call under a forged number in 24 hours", func(v *View) time.Duration {
			return v.longestCall(markSpoofed)
		})),
		number(duration("calls.unknown.since", "since the last call of 5 minutes and more from a stranger ended; 0 while it runs", func(v *View) time.Duration { return v.sinceCall() })),
		number(integer("calls.unknown.count_24h", "calls from strangers in 24 hours", func(v *View) int64 {
			return v.state.callsIn.count(v.now.Add(callGrace), 24*time.Hour+callGrace, markUnknown)
		})),
		number(duration("sim.swapped", "since the SIM was swapped or ported; ten years when it was not", func(v *View) time.Duration { return since(v.now, v.state.swappedAt) })),
		number(duration("sim.forwarding", "since call forwarding was switched on; ten years when it is off", func(v *View) time.Duration { return since(v.now, v.state.forwardingAt) })),
		number(integer("messages.links_72h", "messages with a link from strangers in 72 hours", func(v *View) int64 {
			return v.state.messages.count(v.now, 72*time.Hour, markUnknown|markLink)
		})),
	}
	for _, w := range windows {
		list = append(list, flowFeatures(w)...)
	}
	return list
}

// windows are the spans that counts, sums and counterparts are kept over.
var windows = []struct {
	suffix string
	length time.Duration
}{{"10m", 10 * time.Minute}, {"1h", time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}}

func flowFeatures(w struct {
	suffix string
	length time.Duration
}) []feature {
	span := map[string]string{"10m": "10 minutes", "1h": "an hour", "24h": "24 hours", "7d": "7 days"}[w.suffix]
	count := func(f *flow, now event.Instant) int64 { n, _ := f.window(now, w.length); return n }
	sum := func(f *flow, now event.Instant) int64 { _, s := f.window(now, w.length); return s }
	return []feature{
		integer("debits.count_"+w.suffix, "payments out in "+span, func(v *View) int64 { return count(&v.state.debits, v.now) }),
		money("debits.sum_"+w.suffix, "their sum, minor units", func(v *View) int64 { return sum(&v.state.debits, v.now) }),
		integer("debits.payees_"+w.suffix, "different payees in "+span+", at most 64", func(v *View) int64 { return v.state.debits.distinct(v.now, w.length) }),
		account(integer("credits.count_"+w.suffix, "payments in in "+span, func(v *View) int64 { return count(&v.state.credits, v.now) })),
		account(money("credits.sum_"+w.suffix, "their sum, minor units", func(v *View) int64 { return sum(&v.state.credits, v.now) })),
		account(integer("credits.payers_"+w.suffix, "different payers in "+span+", at most 64", func(v *View) int64 { return v.state.credits.distinct(v.now, w.length) })),
		account(double("flow.out_share_"+w.suffix, "what went out over what came in, in "+span+"; 0 when nothing came in", func(v *View) float64 {
			in := sum(&v.state.credits, v.now)
			if in == 0 {
				return 0
			}
			return float64(sum(&v.state.debits, v.now)) / float64(in)
		})),
		number(integer("dial.count_"+w.suffix, "calls made in "+span, func(v *View) int64 { return count(&v.state.callsTo, v.now) })),
		number(integer("dial.callees_"+w.suffix, "different numbers called in "+span+", at most 64", func(v *View) int64 { return v.state.callsTo.distinct(v.now, w.length) })),
		number(double("dial.distinct_share_"+w.suffix, "different numbers among the last 64 calls made in "+span+", 0 to 1", func(v *View) float64 {
			n := v.state.callsTo.count(v.now, w.length, 0)
			if n == 0 {
				return 0
			}
			return float64(v.state.callsTo.distinct(v.now, w.length)) / float64(n)
		})),
		number(double("dial.out_share_"+w.suffix, "calls made over calls made and taken, in "+span+", 0 to 1", func(v *View) float64 {
			out, in := count(&v.state.callsTo, v.now), count(&v.state.callsIn, v.now)
			if out+in == 0 {
				return 0
			}
			return float64(out) / float64(out+in)
		})),
	}
}

// longestCall is the longest call with the marks in 24 hours before now.
func (v *View) longestCall(marks uint8) (longest time.Duration) {
	f := &v.state.callsIn
	from, to := v.now.Add(-24*time.Hour), v.now.Add(callGrace)
	for i := len(f.moves) - 1; i >= 0 && f.moves[i].at > from; i-- {
		if m := &f.moves[i]; m.at <= to && m.marks&marks == marks {
			longest = max(longest, v.length(m))
		}
	}
	return longest
}

func (v *View) length(m *move) time.Duration {
	if m.marks&markRunning == 0 {
		return time.Duration(m.amount) * time.Second
	}
	return max(0, min(v.now.Sub(m.at), longestRunning))
}

func (v *View) sinceCall() time.Duration {
	shortest := never
	f := &v.state.callsIn
	for i := len(f.moves) - 1; i >= 0; i-- {
		m := &f.moves[i]
		length := v.length(m)
		if m.marks&markUnknown == 0 || length < 5*time.Minute || m.at > v.now.Add(callGrace) {
			continue
		}
		if m.marks&markRunning != 0 {
			return 0
		}
		shortest = min(shortest, max(0, v.now.Sub(m.at.Add(length))))
	}
	return shortest
}

func homeMinor(m event.Money) int64 {
	if m.Currency != event.CNY {
		return 0
	}
	return m.Minor
}

func since(now, then event.Instant) time.Duration {
	if then == 0 {
		return never
	}
	return max(0, now.Sub(then))
}

func flag(name, doc string, f func(*View) bool) feature {
	return feature{Name: name, Doc: doc, Type: pattern.Bool, Bool: f}
}

func integer(name, doc string, f func(*View) int64) feature {
	return feature{Name: name, Doc: doc, Type: pattern.Int, Int: f}
}

func money(name, doc string, f func(*View) int64) feature {
	return feature{Name: name, Doc: doc, Type: pattern.Int, Int: f, Money: true}
}

func double(name, doc string, f func(*View) float64) feature {
	return feature{Name: name, Doc: doc, Type: pattern.Double, Double: f}
}

func text(name, doc string, f func(*View) string) feature {
	return feature{Name: name, Doc: doc, Type: pattern.String, String: f}
}

func duration(name, doc string, f func(*View) time.Duration) feature {
	return feature{Name: name, Doc: doc, Type: pattern.Duration, Int: func(v *View) int64 { return int64(f(v)) }}
}

func account(f feature) feature { f.Of = pattern.OfAccount; return f }
func number(f feature) feature  { f.Of = pattern.OfNumber; return f }

// shown is a feature's value as an alert carries it.
func shown(f *feature, v *View) any {
	switch f.Type {
	case pattern.Bool:
		return f.Bool(v)
	case pattern.Double:
		return float64(int64(f.Double(v)*1e4+0.5)) / 1e4
	case pattern.String:
		return f.String(v)
	case pattern.Duration:
		return time.Duration(f.Int(v)).Round(time.Second).String()
	}
	if f.Money {
		return event.Money{Minor: f.Int(v), Currency: event.CNY}.Decimal()
	}
	return f.Int(v)
}

// Describe lists the features, a line each, for people who write patterns.
func Describe() []string {
	var lines []string
	for _, f := range Features() {
		lines = append(lines, fmt.Sprintf("%-28s %-9s %-8s %s", f.Name, f.Type, f.Of, f.Doc))
	}
	return lines
}
