package scoring

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"stopline.internal/stream/event"
)

// Words are the values that an alert's hits saw, said in Chinese and English,
// for a person who has seconds. What several hits saw is said once; what was
// looked at and is not there (no call, nothing new) is not said. amount is the
// payment's, to be said as it stands; empty where the alert has none.
func Words(hits []Hit) (zh, en []string) {
	zh, en = []string{}, []string{}
	seen := map[string]bool{}
	for i := range hits {
		names := make([]string, 0, len(hits[i].Values))
		for name := range hits[i].Values {
			names = append(names, name)
		}
		slices.SortFunc(names, func(a, b string) int { return wordRank(a) - wordRank(b) })
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			if z, e, ok := say(name, hits[i].Values[name]); ok && !slices.Contains(zh, z) {
				zh, en = append(zh, z), append(en, e)
			}
		}
	}
	return zh, en
}

// phrase says one feature. {} is its value, {w} the window of its name.
type phrase struct {
	base   string // the feature's name without its window
	zh, en string
	zero   [2]string // what is said of nothing, zh and en; nothing without it
}

// phrases are in the order in which a person wants to hear them: who called,
// what was done to the telephone, the payment, what else was paid, what the
// account is like.
var phrases = []phrase{
	{base: "calls.foreign.longest", zh: "境外陌生来电最长{}", en: "longest call from a foreign stranger {}"},
	{base: "calls.spoofed.longest", zh: "改号来电最长{}", en: "longest call under a forged number {}"},
	{base: "calls.unknown.longest", zh: "陌生来电最长{}", en: "longest call from a stranger {}"},
	{base: "calls.unknown.since", zh: "陌生来电结束后{}", en: "{} after a stranger's call",
		zero: [2]string{"陌生来电仍在进行", "a stranger's call is still running"}},
	{base: "calls.unknown.count", zh: "{w}内陌生来电{}次", en: "{} calls from strangers in {w}"},
	{base: "calls.foreign.count", zh: "{w}内境外来电{}次", en: "{} foreign calls in {w}"},
	{base: "calls.foreign.callers", zh: "{w}内境外号码{}个", en: "{} foreign callers in {w}"},
	{base: "sim.swapped", zh: "{}前换卡或携号转网", en: "SIM swapped or ported {} before",
		zero: [2]string{"刚换卡或携号转网", "SIM swapped or ported just now"}},
	{base: "sim.forwarding", zh: "{}前开启呼叫转移", en: "calls forwarded since {}",
		zero: [2]string{"刚开启呼叫转移", "calls forwarded just now"}},
	{base: "messages.links", zh: "{w}内收到陌生带链接短信{}条", en: "{} messages with links from strangers in {w}"},
	{base: "debit.amount", zh: "付款{}", en: "pays {}"},
	{base: "debit.new_payee", zh: "收款人 24 小时内首次出现", en: "payee first paid within 24 hours"},
	{base: "debit.share_of_balance", zh: "占余额 {%}", en: "{%} of the balance"},
	{base: "debit.times_usual", zh: "为以往最大付款的 {x} 倍", en: "{x} times the largest payment before"},
	{base: "debit.new_device", zh: "新设备", en: "new device"},
	{base: "debit.to_cash", zh: "取现", en: "withdrawal"},
	{base: "debit.round", zh: "整千金额", en: "a round amount"},
	{base: "debit.channel", zh: "渠道 {}", en: "by {}"},
	{base: "debit.hour", zh: "{}时付款", en: "paid in hour {}", zero: [2]string{"0 时付款", "paid in hour 0"}},
	{base: "credit.amount", zh: "入账{}", en: "{} came in"},
	{base: "credit.regular", zh: "固定付款人的入账", en: "from a regular payer"},
	{base: "rebates.small_credits", zh: "{w}内收到陌生小额返款{}笔", en: "{} small credits from strangers in {w}"},
	{base: "rebates.back", zh: "{w}内先付后返小额{}笔", en: "{} small sums back from payees in {w}"},
	{base: "rebates.doubling", zh: "{w}内付款逐笔翻倍{}笔", en: "{} payments in {w}, each twice the one before"},
	{base: "growth.payments", zh: "{w}内付款逐笔增大{}笔", en: "{} payments in {w}, each larger than the one before"},
	{base: "growth.days", zh: "{w}内有{}天向新收款人付款", en: "paid new payees on {} days of {w}"},
	{base: "growth.sum", zh: "{w}内付给新收款人{}", en: "{} to new payees in {w}"},
	{base: "growth.back", zh: "{w}内收回{}", en: "{} came back in {w}", zero: [2]string{"分文未收回", "nothing came back"}},
	{base: "debits.count", zh: "{w}内付出{}笔", en: "{} payments out in {w}"},
	{base: "debits.sum", zh: "{w}内付出{}", en: "{} paid out in {w}"},
	{base: "debits.payees", zh: "{w}内收款人{}个", en: "{} payees in {w}"},
	{base: "debits.new_payees", zh: "{w}内新收款人{}个", en: "{} new payees in {w}"},
	{base: "debits.new_sum", zh: "{w}内付给新收款人{}", en: "{} to new payees in {w}"},
	{base: "debits.cash_count", zh: "{w}内取现{}笔", en: "{} withdrawals in {w}"},
	{base: "debits.cash_sum", zh: "{w}内取现{}", en: "{} withdrawn in {w}"},
	{base: "debits.alike", zh: "{w}内向{}个新收款人付同一金额", en: "one amount to {} new payees in {w}"},
	{base: "credits.count", zh: "{w}内入账{}笔", en: "{} payments in in {w}"},
	{base: "credits.sum", zh: "{w}内入账{}", en: "{} came in in {w}"},
	{base: "credits.payers", zh: "{w}内付款人{}个", en: "{} payers in {w}"},
	{base: "credits.new_payers", zh: "{w}内新付款人{}个", en: "{} new payers in {w}"},
	{base: "credits.alike", zh: "{w}内{}个新付款人付同一金额", en: "one amount from {} new payers in {w}"},
	{base: "flow.out_share", zh: "{w}内转出为入账的 {%}", en: "{%} of what came in went out in {w}"},
	{base: "risk.why", zh: "与涉案账户的关系：{}", en: "tie to a stopped account: {}"},
	{base: "risk.level", zh: "风险{}", en: "risk {}"},
	{base: "risk.hop", zh: "距涉案账户{}跳", en: "{} transfers from a stopped account",
		zero: [2]string{"涉案账户本身", "the stopped account itself"}},
	{base: "risk.amount", zh: "关联金额{}", en: "tied by {}"},
	{base: "risk.ring", zh: "资金回到起点", en: "the money came back to where it began"},
	{base: "risk.share", zh: "占当日入账 {%}", en: "{%} of what came in that day"},
	{base: "watch.risk", zh: "名单：{}", en: "watchlist: {}"},
	{base: "merchant", zh: "像是商户", en: "looks like a shop"},
	{base: "age", zh: "首次出现{}前", en: "first seen {} before", zero: [2]string{"首次出现", "first seen now"}},
	{base: "slept", zh: "曾休眠{}", en: "slept {}"},
	{base: "awake", zh: "{}前恢复活动", en: "awake for {}", zero: [2]string{"刚恢复活动", "awake just now"}},
	{base: "counterparts", zh: "{w}内往来对手{}个", en: "{} counterparts in {w}"},
	{base: "dial.numbers", zh: "{w}内呼叫{}个号码", en: "called {} numbers in {w}"},
	{base: "dial.calls_per_number", zh: "{w}内每号码通话 {x} 次", en: "{x} calls a number in {w}"},
	{base: "dial.out_part", zh: "{w}内去电占 {%}", en: "{%} of calls in {w} are made by it"},
	{base: "dial.active_days", zh: "{w}内有{}天通话", en: "calls on {} days of {w}"},
	{base: "dial.handsets", zh: "{w}内用过{}部手机", en: "{} handsets in {w}"},
	{base: "dial.cells", zh: "{w}内经过{}个基站", en: "{} cells in {w}"},
	{base: "dial.count", zh: "{w}内去电{}次", en: "{} calls made in {w}"},
	{base: "dial.callees", zh: "{w}内呼叫{}个号码", en: "{} numbers called in {w}"},
	{base: "dial.distinct_share", zh: "{w}内不同号码占 {%}", en: "{%} different numbers in {w}"},
	{base: "dial.out_share", zh: "{w}内去电占 {%}", en: "{%} of calls in {w} are made by it"},
	{base: "send.recipients", zh: "{w}内群发{}个号码", en: "wrote to {} numbers in {w}"},
	{base: "send.links", zh: "{w}内发出带链接短信{}条", en: "{} messages with links in {w}"},
	{base: "send.strangers", zh: "{w}内向{}个陌生号码发短信", en: "wrote to {} strangers in {w}"},
}

// spans are the windows of features' names.
var spans = map[string][2]string{
	"2m": {"2 分钟", "2 minutes"}, "10m": {"10 分钟", "10 minutes"}, "30m": {"30 分钟", "30 minutes"},
	"1h": {"1 小时", "an hour"}, "2h": {"2 小时", "2 hours"},
	"24h": {"24 小时", "24 hours"}, "72h": {"72 小时", "72 hours"}, "7d": {"7 天", "7 days"}, "14d": {"14 天", "14 days"},
	"30d": {"30 天", "30 days"},
}

// wordsOf are the words that features of text take.
var wordsOf = map[string][2]string{
	"mobile": {"手机", "mobile"}, "web": {"网银", "web"}, "counter": {"柜台", "counter"}, "atm": {"自助机", "ATM"},
	"pos": {"刷卡", "POS"}, "api": {"接口", "API"}, "cash": {"现金", "cash"},
	"confirmed": {"已确认", "confirmed"}, "suspected": {"可疑", "suspected"}, "cleared": {"已排除", "cleared"},
	"stopped": {"已止付", "stopped"}, "received": {"收到其资金", "received its money"},
	"passed-on": {"转手其资金", "passed its money on"}, "paid": {"曾向其付款", "paid it"},
	"shares-number": {"共用电话", "shares its number"},
}

var phraseOf = func() map[string]int {
	m := make(map[string]int, len(phrases))
	for i := range phrases {
		m[phrases[i].base] = i
	}
	return m
}()

// baseOf takes the window off a feature's name.
func baseOf(name string) (base, window string) {
	if i := strings.LastIndexByte(name, '_'); i >= 0 {
		if _, ok := spans[name[i+1:]]; ok {
			return name[:i], name[i+1:]
		}
	}
	return name, ""
}

func wordRank(name string) int {
	base, _ := baseOf(name)
	if i, ok := phraseOf[base]; ok {
		return i
	}
	return len(phrases)
}

// say puts a value into its phrase; false where there is nothing to say. The
// values are those of shown, or what JSON makes of them.
func say(name string, value any) (zh, en string, ok bool) {
	base, window := baseOf(name)
	i, known := phraseOf[base]
	if !known {
		text := fmt.Sprintf("%s = %v", name, value) // of a catalogue whose features this version does not have
		return text, text, true
	}
	p := &phrases[i]
	if text, _ := value.(string); text != "" {
		if d, err := time.ParseDuration(text); err == nil && d >= never {
			return "", "", false
		}
	}
	z, e, zero := spell(p, value)
	switch {
	case zero && p.zero == [2]string{}:
		return "", "", false
	case zero:
		return p.zero[0], p.zero[1], true
	}
	put := func(template, value, window string) string {
		for _, hole := range []string{"{}", "{%}", "{x}"} {
			template = strings.ReplaceAll(template, hole, value)
		}
		return strings.ReplaceAll(template, "{w}", window)
	}
	en = put(p.en, e, spans[window][1])
	if e == "1" {
		en = single.ReplaceAllString(en, "$1")
	}
	return strings.TrimSpace(put(p.zh, z, spans[window][0])), en, true
}

// single finds what there is one of, in the plural.
var single = regexp.MustCompile(`^((?:\D* )?1 (?:(?:new|small|foreign|different) )?\w+)s\b`)

// spell writes a value, and tells whether it is nothing.
func spell(p *phrase, value any) (zh, en string, zero bool) {
	number := func(f float64, digits int) string { return strconv.FormatFloat(f, 'f', digits, 64) }
	switch v := value.(type) {
	case bool:
		return "", "", !v
	case int64:
		return spell(p, float64(v))
	case float64:
		text := " " + number(v, 0) + " "
		switch {
		case strings.Contains(p.zh, "{%}"):
			text = number(100*v, 0) + " %"
		case strings.Contains(p.zh, "{x}"):
			text = number(v, 1)
		case strings.HasSuffix(p.zh, "{}"):
			text = text[:len(text)-1]
		}
		return text, strings.TrimSpace(text), v == 0
	case string:
		if w, ok := wordsOf[v]; ok {
			return w[0], w[1], false
		}
		if d, err := time.ParseDuration(v); err == nil {
			zh, en = lasting(d)
			return zh, en, d <= 0
		}
		if minor, err := event.ParseMinor(v, 2); err == nil {
			text := event.Money{Minor: minor, Currency: event.CNY}.Text()
			return " " + text, text, minor == 0
		}
		return v, v, v == ""
	}
	text := fmt.Sprint(value)
	return text, text, false
}

// lasting is a length of time, rounded as people say it.
func lasting(d time.Duration) (zh, en string) {
	unit := func(n int64, zh, one, more string) (string, string) {
		if n == 1 {
			return fmt.Sprintf(" 1 %s", zh), "1 " + one
		}
		return fmt.Sprintf(" %d %s", n, zh), fmt.Sprintf("%d %s", n, more)
	}
	switch {
	case d < time.Minute:
		return unit(int64(d.Seconds()), "秒", "second", "seconds")
	case d < 2*time.Hour:
		return unit(int64(d.Minutes()), "分钟", "minute", "minutes")
	case d < 48*time.Hour:
		return unit(int64(d.Hours()), "小时", "hour", "hours")
	}
	return unit(int64(d.Hours()/24), "天", "day", "days")
}
