package report

import (
	"math/bits"
	"slices"
	"strings"

	"stopline.internal/stream/event"
)

// Figure is one of the report's, in its order.
type Figure struct {
	Name   string
	Amount bool
	Words  map[string]string // by language
	Means  map[string]string
}

// Figures are those that each line has.
var Figures = []Figure{
	{"reports", false, both("报案数", "Reports"),
		both("当月受害人报案数，同一笔损失向多处报案只计一次",
			"Reports that victims made in the month; of those that tell of the same loss the first")},
	{"reports_repeated", false, both("重复报案", "Repeated"),
		both("未带来新损失的报案，不计入报案数", "Reports that brought no loss which another had not; not among the reports")},
	{"cases", false, both("案件数", "Cases"), both("首笔止付在当月提出的案件", "Cases whose first stop was proposed in the month")},
	{"cases_solved", false, both("破案数", "Solved"), both("其中已破案件", "Of those, the ones that were solved")},
	{"arrests", false, both("抓获人数", "Arrests"), both("上述案件抓获人数", "People arrested in these cases")},
	{"stops_proposed", false, both("提出止付", "Proposed"),
		both("当月提出的止付，以下各项均指这些止付", "Stops proposed in the month; all that follows is of these")},
	{"stops_requested", false, both("发出止付", "Requested"),
		both("已发往银行，等于以下五项之和", "Sent to the bank: the sum of the next five")},
	{"stops_held", false, both("全额止付", "Held"), both("银行答复全额止付", "The bank held the whole amount")},
	{"stops_partial", false, both("部分止付", "In part"), both("银行答复部分止付", "The bank held a part")},
	{"stops_missed", false, both("资金已转出", "Missed"), both("银行答复时资金已转出", "The money was gone")},
	{"stops_refused", false, both("拒绝或不符", "Refused"), both("银行拒绝或信息不符", "Refused by the bank, or not matching")},
	{"stops_unanswered", false, both("银行未反馈", "Unanswered"),
		both("银行尚未反馈结果，含未送达、已受理而无结果、答复前已解除",
			"No bank said what became of it: not delivered, received and no more, or released before the answer")},
	{"stops_expired", false, both("到期未续", "Lapsed"), both("到期无人处置", "The term ended with nobody acting")},
	{"amount_reported", true, both("报案金额", "Reported"),
		both("受害人报案的损失，每笔只计一次", "What victims reported as lost, each payment once")},
	{"amount_requested", true, both("请求止付金额", "Requested"),
		both("请求银行止付的金额（逐级追踪，同一资金可在各级分别计入）",
			"What banks were asked to hold; money that is followed counts at each hop")},
	{"amount_requested_first", true, both("首层请求金额", "Requested at hop 1"),
		both("其中第 1 层，即受害人直接转入的账户", "Of it, at the accounts that victims paid")},
	{"amount_held", true, both("止付金额", "Held"),
		both("曾被控制的最大金额，并非挽回损失", "The most that was ever held; held is not saved")},
	{"amount_under_control", true, both("在控金额", "Under control"),
		both("报告时仍止付或冻结的金额", "Held or frozen as the report is made")},
	{"amount_frozen", true, both("冻结金额", "Frozen"), both("其中转为冻结的金额", "Of what was held, what was frozen")},
	{"amount_returned", true, both("返还金额", "Returned"),
		both("银行已确认返还被害人的金额", "Paid back to victims, as banks have confirmed")},
	{"amount_released", true, both("解除金额", "Released"), both("解除的金额", "Released")},
	{"amount_lapsed", true, both("到期金额", "Lapsed"),
		both("到期无人处置而失控的金额", "Let go because the term ended with nobody acting")},
}

// Rate is a share of one figure in another, its base.
type Rate struct {
	Name, Of, Base string
	Words, Means   map[string]string
	Not            []string // breakdowns in which there is no such base
}

// Rates are those that each line has.
var Rates = []Rate{
	{"hold_rate", "amount_held", "amount_requested_first", both("止付率", "Hold rate"),
		both("止付金额 ÷ 首层请求金额；按银行、按层级不计；各级止付相加，账户内资金混同时可超过 100%",
			"Held ÷ requested at hop 1; not by bank or hop. Holds at all hops are added: where accounts mix it may be above "+
				"100 %"),
		[]string{"bank", "hop"}},
	{"bank_rate", "amount_held", "amount_requested", both("银行执行率", "Bank rate"),
		both("止付金额 ÷ 请求止付金额（各级）", "Held ÷ requested, at every hop"), nil},
	{"return_rate", "amount_returned", "amount_held", both("返还率", "Return rate"),
		both("返还金额 ÷ 止付金额", "Returned ÷ held"), nil},
	{"solve_rate", "cases_solved", "cases", both("破案率", "Solved rate"),
		both("破案数 ÷ 案件数；按层级不计", "Solved ÷ cases; not by hop"), []string{"hop"}},
}

// both is a text by language.
func both(zh, en string) map[string]string { return map[string]string{"zh": zh, "en": en} }

// rate works out a line's rates.
func (r *Row) rate(by string) {
	r.Rates = map[string]string{}
	for i := range Rates {
		k := &Rates[i]
		of, a := r.Figures[k.Of]
		base, b := r.Figures[k.Base]
		if a && b && !slices.Contains(k.Not, by) {
			if share, ok := hundredths(of, base); ok {
				r.Rates[k.Name] = percent(share)
			}
		}
	}
}

// hundredths is a share in hundredths of a percent, rounded half up; exact for any
// amount. There is none of nothing, nor of what a share could not be written of.
func hundredths(of, base int64) (int64, bool) {
	if of < 0 || base <= 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(of), 10_000)
	lo, carry := bits.Add64(lo, uint64(base)/2, 0)
	if hi += carry; hi >= uint64(base) {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, uint64(base))
	return int64(q), q < 1<<62
}

func percent(hundredths int64) string { return string(event.AppendDecimal(nil, hundredths, 2)) }

// change is by how much a figure changed, in percent; empty where there is nothing
// to compare it with.
func change(name string, now, before map[string]int64) string {
	n, a := now[name]
	b, there := before[name]
	if !a || !there || b <= 0 {
		return ""
	}
	up := n >= b
	d, ok := hundredths(max(n-b, b-n), b)
	switch {
	case !ok:
		return ""
	case !up:
		d = -d
	}
	return percent(d)
}

// signed writes a change for people.
func signed(change string) string {
	switch {
	case change == "":
		return dash
	case strings.HasPrefix(change, "-"):
		return change + "%"
	}
	return "+" + change + "%"
}

// points is by how much a rate changed, in percentage points.
func points(lang, now, before string) string {
	if now == "" || before == "" {
		return dash
	}
	a, errA := event.ParseMinor(now, 2)
	b, errB := event.ParseMinor(before, 2)
	if errA != nil || errB != nil {
		return dash
	}
	return strings.TrimSuffix(signed(percent(a-b)), "%") + both("个百分点", " pp")[lang]
}

// rateText is a rate for people.
func rateText(r *Row, name string) string {
	if r.Rates[name] == "" {
		return dash
	}
	return r.Rates[name] + "%"
}
