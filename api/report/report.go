// Package report is the monthly report that police read: one document, built
// from one query, written as JSON, CSV, XLSX or PDF with the same figures in
// each, and with the definition of every figure on it.
package report

import (
	"fmt"
	"strconv"
	"strings"
)

// Report is a month's recovered funds.
type Report struct {
	Month       string       `json:"month" example:"2026-11"`
	Currency    string       `json:"currency" example:"CNY"`
	Closed      bool         `json:"closed" doc:"The month is over: this report is kept and never changes"`
	GeneratedAt string       `json:"generated_at" format:"date-time"`
	GeneratedBy string       `json:"generated_by"`
	Total       Row          `json:"total"`
	Before      Row          `json:"month_before"`
	YearBefore  Row          `json:"same_month_last_year"`
	Sections    []Section    `json:"sections"`
	Corrections []Correction `json:"corrections" doc:"What has become otherwise since a closed month's report was given out"`
}

// Section is one breakdown.
type Section struct {
	By   string `json:"by" enum:"district,fraud_type,bank,hop,day"`
	Rows []Row  `json:"rows"`
}

// Row is one line. Amounts are minor units.
type Row struct {
	Key     string           `json:"key"`
	Figures map[string]int64 `json:"figures" doc:"By name; amounts in minor units"`
	// SecondsToRequest and SecondsToHold are the 50th, 90th and 99th percentile.
	SecondsToRequest [3]float64 `json:"seconds_to_request"`
	SecondsToHold    [3]float64 `json:"seconds_to_hold"`
	Minutes          []uint64   `json:"minutes" doc:"Requests by minutes since the transfer: to 1, 5, 15, 30, 60, more"`
	MinutesHeld      []uint64   `json:"minutes_held" doc:"Of those, the ones by which anything was held"`
}

// Correction is a figure of a kept report that has become otherwise.
type Correction struct {
	By     string `json:"by"`
	Key    string `json:"key"`
	Figure string `json:"figure"`
	Kept   int64  `json:"kept"`
	Now    int64  `json:"now"`
}

// Figure is one of the report's, in its order.
type Figure struct {
	Name   string
	Amount bool
	Words  map[string]string // by language
	Means  map[string]string
}

// Figures are those that each line has.
var Figures = []Figure{
	{"reports", false, words("报案数", "Reports"), words("当月受害人报案数", "Reports that victims made in the month")},
	{"cases", false, words("案件数", "Cases"), words("首笔止付在当月提出的案件", "Cases whose first stop was proposed in the month")},
	{"cases_solved", false, words("破案数", "Solved"), words("其中已破案件", "Of those, the ones that were solved")},
	{"arrests", false, words("抓获人数", "Arrests"), words("上述案件抓获人数", "People arrested in these cases")},
	{"stops_proposed", false, words("提出止付", "Proposed"), words("当月提出的止付, 以下各项均指这些止付", "Stops proposed in the month; all that follows is of these")},
	{"stops_requested", false, words("发出止付", "Requested"), words("已发往银行", "Sent to the bank")},
	{"stops_held", false, words("全额止付", "Held"), words("银行全额止付", "The bank held the whole amount")},
	{"stops_partial", false, words("部分止付", "In part"), words("银行部分止付", "The bank held a part")},
	{"stops_missed", false, words("资金已转出", "Missed"), words("银行答复时资金已转出", "The money was gone")},
	{"stops_refused", false, words("拒绝或不符", "Refused"), words("银行拒绝或信息不符", "Refused by the bank, or not matching")},
	{"stops_expired", false, words("到期未续", "Lapsed"), words("到期无人处置", "The term ended with nobody acting")},
	{"amount_reported", true, words("报案金额", "Reported"), words("受害人报案的损失", "What victims reported as lost")},
	{"amount_requested", true, words("请求止付金额", "Requested"), words("请求银行止付的金额 (逐级追踪, 同一资金可在各级分别计入)", "What banks were asked to hold; money that is followed counts at each hop")},
	{"amount_held", true, words("止付金额", "Held"), words("曾被控制的最大金额, 并非挽回损失", "The most that was ever held; held is not saved")},
	{"amount_under_control", true, words("在控金额", "Under control"), words("报告时仍止付或冻结的金额", "Held or frozen as the report is made")},
	{"amount_frozen", true, words("冻结金额", "Frozen"), words("其中转为冻结的金额", "Of what was held, what was frozen")},
	{"amount_returned", true, words("返还金额", "Returned"), words("银行已确认返还被害人的金额", "Paid back to victims, as banks have confirmed")},
	{"amount_released", true, words("解除金额", "Released"), words("解除的金额", "Released")},
	{"amount_lapsed", true, words("到期金额", "Lapsed"), words("到期无人处置而失控的金额", "Let go because the term ended with nobody acting")},
}

func words(zh, en string) map[string]string { return map[string]string{"zh": zh, "en": en} }

// Titles are the breakdowns' names.
var Titles = map[string]map[string]string{
	"district": words("按地区", "By district"), "fraud_type": words("按诈骗类型", "By type of fraud"), "bank": words("按银行", "By bank"), "hop": words("按资金层级", "By hop of the money"), "day": words("按日", "By day"), "total": words("合计", "Total"),
}

// frauds name the types of fraud.
var frauds = map[string]string{"impersonated-authority": "冒充公检法", "impersonated-service": "冒充客服退款", "task-rebate": "刷单返利", "investment-romance": "虚假投资", "loan-advance-fee": "虚假贷款",
	"impersonated-acquaintance": "冒充领导熟人", "account-takeover": "账户盗用", "mule-pass-through": "快进快出", "mule-fan-in": "汇集", "mule-fan-out": "分散", "mule-awakened": "休眠激活", "mule-ring": "资金回流", "sim-box": "GoIP 窝点", "mass-message": "群发短信"}

// FraudWord names a type of fraud in a language.
func FraudWord(lang, kind string) string {
	if w := frauds[kind]; lang == "zh" && w != "" {
		return w
	}
	if kind == "" {
		return notGiven[lang]
	}
	return kind
}

var notGiven = words("未填", "not given")

// label is a line's key as people read it.
func label(by, key, lang string) string {
	if by == "fraud_type" {
		return FraudWord(lang, key)
	}
	if key == "" {
		return notGiven[lang]
	}
	return key
}

var texts = map[string]map[string]string{
	"title":       words("涉诈资金止付与返还月报", "Recovered funds, monthly report"),
	"generated":   words("生成", "generated"),
	"closed":      words("本月已结, 报告留存不变", "The month is closed: this report is kept and does not change"),
	"open":        words("本月未结, 数字仍会变化", "The month is not over: figures will change"),
	"definitions": words("指标定义", "Definitions"),
	"corrections": words("更正", "Corrections"),
	"before":      words("上月", "Month before"),
	"year":        words("去年同月", "Same month last year"),
	"this":        words("本月", "This month"),
	"figure":      words("指标", "Figure"),
	"kept":        words("原报", "As reported"),
	"now":         words("现为", "Now"),
	"p50":         words("转账至请求: 中位 / 90% / 99% (秒)", "Transfer to request: median / 90th / 99th (s)"),
	"hold":        words("转账至止付: 中位 / 90% / 99% (秒)", "Transfer to hold: median / 90th / 99th (s)"),
	"minutes":     words("距转账分钟数与止付成功", "Minutes since the transfer, and success"),
	"seal":        words("(盖章)", "(seal)"),
	"page":        words("第 %d 页，共 {nb} 页 · %s · %s 由 %s 生成", "page %d of {nb} · %s · made at %s by %s"),
}

func t(lang, key string) string { return texts[key][lang] }

// minuteClasses name the classes of minutes.
var minuteClasses = []string{"≤ 1", "≤ 5", "≤ 15", "≤ 30", "≤ 60", "> 60"}

// Decimal writes minor units of a currency with two digits.
func Decimal(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return sign + strconv.FormatInt(minor/100, 10) + "." + fmt.Sprintf("%02d", minor%100)
}

// grouped puts commas between thousands.
func grouped(s string) string {
	whole, rest, decimal := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if decimal {
		whole += "." + rest
	}
	return sign + whole
}

// text is a figure of a row as people read it.
func (f *Figure) text(r *Row) string {
	if f.Amount {
		return grouped(Decimal(r.Figures[f.Name]))
	}
	return grouped(strconv.FormatInt(r.Figures[f.Name], 10))
}

// Compare lists what has become otherwise between a kept report and one of now.
func Compare(kept, now *Report) []Correction {
	out := []Correction{}
	row := func(by string, a, b *Row) {
		for _, f := range Figures {
			if a.Figures[f.Name] != b.Figures[f.Name] {
				out = append(out, Correction{by, a.Key, f.Name, a.Figures[f.Name], b.Figures[f.Name]})
			}
		}
	}
	row("total", &kept.Total, &now.Total)
	for i := range kept.Sections {
		k := &kept.Sections[i]
		current := map[string]*Row{}
		for j := range now.Sections {
			if now.Sections[j].By == k.By {
				for n := range now.Sections[j].Rows {
					current[now.Sections[j].Rows[n].Key] = &now.Sections[j].Rows[n]
				}
			}
		}
		for j := range k.Rows {
			if b := current[k.Rows[j].Key]; b != nil {
				row(k.By, &k.Rows[j], b)
				delete(current, k.Rows[j].Key)
			} else {
				row(k.By, &k.Rows[j], &Row{})
			}
		}
		for _, b := range current {
			row(k.By, &Row{Key: b.Key}, b)
		}
	}
	return out
}
