package scoring

import (
	"fmt"
	"strings"
	"time"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

type feature = pattern.Feature[View]

// Features is the catalogue of what conditions may name.
func Features() []feature {
	list := paymentFeatures()
	list = append(list, entityFeatures()...)
	list = append(list, victimFeatures()...)
	list = append(list, callerFeatures()...)
	list = append(list, riskFeatures()...)
	for w := range windows {
		list = append(list, flowFeatures(w)...)
	}
	return list
}

// paymentFeatures are those of the payment in question. They cost nothing.
func paymentFeatures() []feature {
	return []feature{
		money("debit.amount", "the payment's amount, minor units; 0 when its currency is not CNY", func(v *View) int64 {
			if v.pay == nil {
				return 0
			}
			return homeMinor(v.pay.transfer.Amount)
		}),
		flag("debit.new_payee", "the payee was first paid less than 24 hours before",
			func(v *View) bool { return v.pay != nil && v.pay.newPayee }),
		victim(flag("debit.new_device", "the payment comes from another device than the person's known ones",
			func(v *View) bool { return v.pay != nil && v.pay.newDevice })),
		flag("debit.to_cash", "the payment is a withdrawal",
			func(v *View) bool { return v.pay != nil && v.pay.transfer.Channel == event.ChannelCash }),
		flag("debit.round", "the amount is a whole multiple of 1,000 yuan", func(v *View) bool {
			return v.pay != nil && v.pay.transfer.Amount.Minor%100_000 == 0
		}),
		text("debit.channel", "mobile, web, counter, atm, pos, api or cash", func(v *View) string {
			if v.pay == nil {
				return ""
			}
			return v.pay.transfer.Channel
		}),
		double("debit.share_of_balance", "the payment's part of the balance before it, 0 to 1; 0 when the balance is not "+
			"known", func(v *View) float64 {
			if v.pay == nil || v.pay.transfer.PayerBalance <= 0 {
				return 0
			}
			return min(1, float64(v.pay.transfer.Amount.Minor)/float64(v.pay.transfer.PayerBalance))
		}),
		double("debit.times_usual", "the amount over the largest debit of earlier days; 0 when there is none",
			func(v *View) float64 {
				if v.pay == nil {
					return 0
				}
				return fraction(v.pay.transfer.Amount.Minor, v.state.largest)
			}),
		integer("debit.hour", "hour of the day of the payment, local time, 0 to 23", func(v *View) int64 {
			return int64(v.now+8*hourMillis) / int64(hourMillis) % 24
		}),
		money("credit.amount", "the amount that came in, minor units", func(v *View) int64 {
			if v.leg.Role != event.RoleCredit {
				return 0
			}
			return homeMinor(v.leg.Event.Transfer.Amount)
		}),
		flag("credit.regular", "the payer has paid this account for 20 days and more: a salary, an allowance",
			func(v *View) bool {
				return v.leg.Role == event.RoleCredit && v.state.knownFor(event.Hash(v.leg.Event.Transfer.Payer.Account),
					v.now) >= 20*24*time.Hour
			}),
	}
}

// entityFeatures are those of the account or number as such.
func entityFeatures() []feature {
	return []feature{
		duration("age", "since the entity was first seen",
			func(v *View) time.Duration { return max(0, v.now.Sub(v.state.first)) }),
		duration("slept", "length of the entity's last silence of 30 days and more; 0 when there was none",
			func(v *View) time.Duration { return v.state.readCold().silence }),
		duration("awake", "since that silence ended",
			func(v *View) time.Duration { return since(v.now, v.state.readCold().wokeAt) }),
		registry(text("watch.risk", "what the watchlist says of the entity itself: confirmed, suspected, cleared or "+
			"empty", func(v *View) string {
			r := v.state.readCold()
			if r.watchUntil != 0 && r.watchUntil < v.now {
				return ""
			}
			return r.watch
		})),
		cost(3, account(flag("merchant", "the account looks like a shop: 20 payments in shops from 10 payers in 30 days, "+
			"most of what came in", (*View).merchant))),
		cost(3, account(integer("counterparts_30d", "different payers and payees in 30 days, at most 64 of each",
			func(v *View) int64 {
				return v.state.distinct(credit, v.now, memory, 0) + v.state.distinct(debit, v.now, memory, 0)
			}))),
	}
}

// victimFeatures tell of somebody who is being talked to.
func victimFeatures() []feature {
	longest := func(name, doc string, window time.Duration, marks uint64) feature {
		return victim(cost(2, number(duration(name, doc,
			func(v *View) time.Duration { return v.longestCall(window, marks) }))))
	}
	rising := func(name, doc string, window time.Duration, percent int64, f func(run) int64) feature {
		return victim(cost(4, integer(name, doc, func(v *View) int64 { return f(v.rising(window, percent)) })))
	}
	links := func(name, doc string, window time.Duration) feature {
		return victim(cost(2, number(integer(name, doc, func(v *View) int64 {
			n, _ := v.state.count(messageIn, v.now.Add(clockGrace), window+clockGrace, markNew|markLink)
			return n
		}))))
	}
	const days = 24 * time.Hour
	return []feature{
		longest("calls.unknown.longest_24h", "longest call from a stranger in 24 hours before the payment, running ones "+
			"included", days, markNew),
		longest("calls.unknown.longest_2h", "longest call from a stranger in 2 hours before the payment, running ones "+
			"included", 2*time.Hour, markNew),
		longest("calls.foreign.longest_24h", "longest call from a foreign stranger in 24 hours", days, markNew|markForeign),
		longest("calls.spoofed.longest_24h", "longest call under a forged number in 24 hours", days, markSpoofed),
		victim(cost(2, number(duration("calls.unknown.since",
			"since the last call of 5 minutes and more from a stranger ended; 0 while it runs",
			func(v *View) time.Duration { return v.sinceCall() })))),
		victim(cost(2, number(integer("calls.unknown.count_24h", "calls from strangers in 24 hours", func(v *View) int64 {
			n, _ := v.state.count(callIn, v.now.Add(clockGrace), days+clockGrace, markNew)
			return n
		})))),
		victim(cost(2, number(integer("calls.foreign.count_2m", "calls from foreign strangers in 2 minutes",
			func(v *View) int64 {
				n, _ := v.state.count(callIn, v.now, 2*time.Minute, markNew|markForeign)
				return n
			})))),
		victim(cost(3, number(integer("calls.foreign.callers_10m", "different foreign strangers who called in 10 minutes",
			func(v *View) int64 {
				return v.state.distinct(callIn, v.now, 10*time.Minute, markNew|markForeign)
			})))),
		victim(number(duration("sim.swapped", "since the SIM was swapped or ported; ten years when it was not",
			func(v *View) time.Duration { return since(v.now, v.state.readCold().swappedAt) }))),
		victim(number(duration("sim.forwarding", "since call forwarding was switched on; ten years when it is off",
			func(v *View) time.Duration { return since(v.now, v.state.readCold().forwardingAt) }))),
		links("messages.links_2h", "messages with a link from strangers in 2 hours", 2*time.Hour),
		links("messages.links_24h", "messages with a link from strangers in 24 hours", days),
		links("messages.links_72h", "messages with a link from strangers in 72 hours", 72*time.Hour),
		victim(cost(3, account(integer("rebates.small_credits_72h",
			"credits of 1 to 500 yuan from payers first met in 72 hours",
			func(v *View) int64 { return v.smallCredits(72 * time.Hour) })))),
		victim(cost(3, account(integer("rebates.back_72h",
			"credits of 1 to 500 yuan from accounts that were paid first, and first met in 72 hours",
			func(v *View) int64 { return v.paidBack(72 * time.Hour) })))),
		rising("rebates.doubling_72h", "payments in a row, up to now, to payees first met in 72 hours, each twice the "+
			"one before", 72*time.Hour, 200, func(r run) int64 { return r.payments }),
		rising("growth.payments_14d", "payments in a row, up to now, to payees first met in 14 days, each larger than "+
			"the one before", 14*days, 100, func(r run) int64 { return r.payments }),
		rising("growth.days_14d", "days with payments to payees first met in 14 days", 14*days, 100,
			func(r run) int64 { return r.days }),
		asMoney(rising("growth.sum_14d", "what was paid to payees first met in 14 days, minor units", 14*days, 100,
			func(r run) int64 { return r.sum })),
		account(asMoney(rising("growth.back_14d", "what those payees paid back, minor units", 14*days, 100,
			func(r run) int64 { return r.back }))),
	}
}

// callerFeatures are those of a number that calls or writes to many.
func callerFeatures() []feature {
	thisMonth := func(name, doc string, f func(out, in, days int64) int64) feature {
		return cost(3, number(integer(name, doc, func(v *View) int64 { return f(v.month()) })))
	}
	things := func(name, doc string, days uint16, f func(*caller) []sighting) feature {
		return number(integer(name, doc, func(v *View) int64 {
			c := v.state.readCold().caller
			if c == nil {
				return 0
			}
			return recent(f(c), dayOf(v.now), days)
		}))
	}
	return []feature{
		cost(4, number(integer("dial.numbers_30d", "different numbers called in 30 days, estimated beyond 64",
			(*View).callees))),
		cost(4, number(double("dial.calls_per_number_30d",
			"calls, made and taken, over the different numbers called in 30 days", func(v *View) float64 {
				out, in, _ := v.month()
				return fraction(out+in, v.callees())
			}))),
		cost(3, number(double("dial.out_part_30d", "calls made over calls made and taken, in 30 days, 0 to 1",
			func(v *View) float64 {
				out, in, _ := v.month()
				return fraction(out, out+in)
			}))),
		thisMonth("dial.active_days_30d", "days with calls, of the last 30", func(_, _, days int64) int64 { return days }),
		things("dial.handsets_24h", "handsets that the number called from today and yesterday; of numbers with 16 calls "+
			"and more", 2, func(c *caller) []sighting { return c.handsets }),
		things("dial.handsets_30d", "handsets in 30 days; of numbers with 16 calls and more", memoryDays,
			func(c *caller) []sighting { return c.handsets }),
		things("dial.cells_30d", "cells in 30 days; of numbers with 16 calls and more", memoryDays,
			func(c *caller) []sighting { return c.cells }),
		cost(3, number(integer("send.recipients_24h", "different numbers written to in 24 hours, at most 64",
			func(v *View) int64 {
				return v.state.distinct(messageOut, v.now, 24*time.Hour, 0)
			}))),
		cost(2, number(integer("send.links_24h", "messages with a link sent in 24 hours, of the last 64",
			func(v *View) int64 {
				n, _ := v.state.count(messageOut, v.now, 24*time.Hour, markLink)
				return n
			}))),
		cost(3, number(integer("send.strangers_24h",
			"different numbers written to for the first time in 24 hours, at most 64", func(v *View) int64 {
				return v.state.distinct(messageOut, v.now, 24*time.Hour, markNew)
			}))),
	}
}

// riskFeatures are those of a note that ties the entity to another. But for
// level and hop they follow from the transfer and from what came before it, so
// that it does not matter by which trail the note came, and when.
func riskFeatures() []feature {
	note := func(f feature) feature { f.Signal, f.Note = pattern.Registry, true; return f }
	ofNote := func(name, doc string, f func(*event.Risk) int64) feature {
		return note(integer(name, doc, func(v *View) int64 { return f(&v.leg.Event.Risk) }))
	}
	return []feature{
		note(integer("risk.level", "how strong the risk is: the stop's score, less what each transfer and each day takes "+
			"away; 0 to 1000", func(v *View) int64 {
			r := &v.leg.Event.Risk
			return int64(v.network.level(&trail{since: r.Since, score: r.Score, hop: r.Hop}, 0, v.now))
		})),
		ofNote("risk.hop", "transfers between the stopped account and this entity, by the trail that was known first; 0 "+
			"on the stopped account itself", func(r *event.Risk) int64 { return int64(r.Hop) }),
		note(text("risk.why", "stopped, received, passed-on, paid or shares-number",
			func(v *View) string { return v.leg.Event.Risk.Why })),
		asMoney(ofNote("risk.amount", "the transfer that ties, minor units", func(r *event.Risk) int64 { return r.Minor })),
		note(flag("risk.ring", "the money has come back to where the trail began, over three accounts and more",
			func(v *View) bool {
				r := &v.leg.Event.Risk
				return r.Origin == v.state.Entity && r.Hop >= 3 && r.Why == event.WhyPassedOn
			})),
		note(cost(2, double("risk.share", "the transfer that ties over all that came in during the 24 hours up to it, 0 "+
			"to 1", func(v *View) float64 {
			return min(1, fraction(v.leg.Event.Risk.Minor, v.totals(credit).sum[day]))
		}))),
	}
}

// day is the index of the window of 24 hours.
const day = 3

func flowFeatures(w int) []feature {
	suffix, span, length := windows[w].suffix, windows[w].words, windows[w].length
	return []feature{
		cost(2, integer("debits.count_"+suffix, "payments out in "+span,
			func(v *View) int64 { return v.totals(debit).n[w] })),
		cost(2, money("debits.sum_"+suffix, "sum of the payments out in "+span+", minor units",
			func(v *View) int64 { return v.totals(debit).sum[w] })),
		cost(3, integer("debits.payees_"+suffix, "different payees in "+span+", at most 64",
			func(v *View) int64 { return v.state.distinct(debit, v.now, length, 0) })),
		cost(3, integer("debits.new_payees_"+suffix, "different payees in "+span+" that were new when they were paid",
			func(v *View) int64 { return v.state.distinct(debit, v.now, length, markNew) })),
		cost(2, money("debits.new_sum_"+suffix, "sum of the payments in "+span+
			" to payees that were new, minor units, of the last 64 payments", func(v *View) int64 {
			_, sum := v.state.count(debit, v.now, length, markNew)
			return sum
		})),
		cost(2, integer("debits.cash_count_"+suffix, "withdrawals in "+span+", of the last 64 payments", func(v *View) int64 {
			n, _ := v.state.count(debit, v.now, length, markCash)
			return n
		})),
		cost(2, money("debits.cash_sum_"+suffix, "sum of the withdrawals in "+span+", minor units", func(v *View) int64 {
			_, sum := v.state.count(debit, v.now, length, markCash)
			return sum
		})),
		cost(4, integer("debits.alike_"+suffix, "different new payees in "+span+
			" who were paid one and the same amount of 100 yuan and more",
			func(v *View) int64 { return v.alike(debit, length) })),
		cost(2, account(integer("credits.count_"+suffix, "payments in in "+span,
			func(v *View) int64 { return v.totals(credit).n[w] }))),
		cost(2, account(money("credits.sum_"+suffix, "sum of the payments in in "+span+", minor units",
			func(v *View) int64 { return v.totals(credit).sum[w] }))),
		cost(3, account(integer("credits.payers_"+suffix, "different payers in "+span+", at most 64",
			func(v *View) int64 { return v.state.distinct(credit, v.now, length, 0) }))),
		cost(3, account(integer("credits.new_payers_"+suffix, "different payers in "+span+" that were new when they paid",
			func(v *View) int64 { return v.state.distinct(credit, v.now, length, markNew) }))),
		cost(4, account(integer("credits.alike_"+suffix,
			"different new payers in "+span+" who paid one and the same amount of 100 yuan and more",
			func(v *View) int64 { return v.alike(credit, length) }))),
		cost(2, account(double("flow.out_share_"+suffix,
			"what went out over what came in, in "+span+"; 0 when nothing came in", func(v *View) float64 {
				return fraction(v.totals(debit).sum[w], v.totals(credit).sum[w])
			}))),
		cost(2, number(integer("dial.count_"+suffix, "calls made in "+span,
			func(v *View) int64 { return v.totals(callOut).n[w] }))),
		cost(3, number(integer("dial.callees_"+suffix, "different numbers called in "+span+", at most 64",
			func(v *View) int64 { return v.state.distinct(callOut, v.now, length, 0) }))),
		cost(3, number(double("dial.distinct_share_"+suffix,
			"different numbers among the last 64 calls made in "+span+", 0 to 1", func(v *View) float64 {
				n, _ := v.state.count(callOut, v.now, length, 0)
				return fraction(v.state.distinct(callOut, v.now, length, 0), n)
			}))),
		cost(2, number(double("dial.out_share_"+suffix, "calls made over calls made and taken, in "+span+", 0 to 1",
			func(v *View) float64 {
				out := v.totals(callOut).n[w]
				return fraction(out, out+v.totals(callIn).n[w])
			}))),
	}
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

func account(f feature) feature     { f.Of = pattern.OfAccount; return f }
func number(f feature) feature      { f.Of = pattern.OfNumber; return f }
func victim(f feature) feature      { f.Signal = pattern.Victim; return f }
func registry(f feature) feature    { f.Signal = pattern.Registry; return f }
func asMoney(f feature) feature     { f.Money = true; return f }
func cost(n int, f feature) feature { f.Cost = n; return f }

// shown is a feature's value as an alert carries it.
func shown(f *feature, v *View) any {
	switch f.Type {
	case pattern.Bool:
		return f.Bool(v)
	case pattern.Double:
		return f.Double(v)
	case pattern.String:
		return strings.Clone(f.String(v))
	case pattern.Duration:
		return time.Duration(f.Int(v)).String()
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
		lines = append(lines, fmt.Sprintf("%-28s %-9s %-8s %-9s %s", f.Name, f.Type, f.Of, f.Signal, f.Doc))
	}
	return lines
}
