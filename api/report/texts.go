package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"stopline.internal/stream/event/words"
)

// titles are the breakdowns' names.
var titles = map[string]map[string]string{
	"district": both("按地区", "By district"), "fraud_type": both("按诈骗类型", "By type of fraud"),
	"bank": both("按银行", "By bank"), "hop": both("按资金层级", "By hop of the money"),
	"day": both("按日", "By day"), "total": both("合计", "Total"),
}

// FraudWord names a type of fraud in a language.
func FraudWord(lang, kind string) string {
	if lang == "zh" && words.Named("fraud", kind) {
		return words.Name("fraud", kind, words.Chinese)
	}
	if kind == "" {
		return notGiven[lang]
	}
	return kind
}

var notGiven = both("未填", "not given")

var texts = map[string]map[string]string{
	"title":       both("涉诈资金止付与返还月报", "Recovered funds, monthly report"),
	"generated":   both("生成", "generated"),
	"closed":      both("本月已结，报告留存不变", "The month is closed: this report is kept and does not change"),
	"open":        both("本月未结，数字仍会变化", "The month is not over: figures will change"),
	"unit":        both("金额单位：", "Amounts in "),
	"definitions": both("指标定义", "Definitions"),
	"corrections": both("更正", "Corrections"),
	"before":      both("上月", "Month before"),
	"year":        both("去年同月", "Same month last year"),
	"this":        both("本月", "This month"),
	"onmonth":     both("环比", "On month"),
	"onyear":      both("同比", "On year"),
	"heldmonth":   both("止付金额环比", "Held, on month"),
	"heldyear":    both("止付金额同比", "Held, on year"),
	"changes": both("环比为与上月相比，同比为与去年同月相比；分项中为止付金额的变化；对比期无数则以“—”表示",
		"On month: against the month before; on year: against the same month last year; in breakdowns of the amount "+
			"held; a dash where there is nothing to compare with"),
	"figure":     both("指标", "Figure"),
	"kept":       both("原报", "As reported"),
	"now":        both("现为", "Now"),
	"torequest":  both("转账至请求", "Transfer to request"),
	"tohold":     both("转账至止付", "Transfer to hold"),
	"times":      both("用时（中位 / 90% / 99%）", "Times (median / 90th / 99th)"),
	"minutes":    both("距转账分钟数与止付成功", "Minutes since the transfer, and success"),
	"anyheld":    both("止付成功（全额或部分）", "Held, all or a part"),
	"total":      both("合计", "Total"),
	"issuer":     both("填报单位：", "Issued by: "),
	"seal":       both("（盖章）", "(seal)"),
	"madeby":     both("制表：", "Prepared by:"),
	"checkedby":  both("审核：", "Checked by:"),
	"approvedby": both("签发：", "Approved by:"),
	"page":       both("第 %d 页，共 {nb} 页 · %s · %s 由 %s 生成", "page %d of {nb} · %s · made at %s by %s"),
}

func t(lang, key string) string { return texts[key][lang] }

// minuteClasses name the classes of minutes.
var minuteClasses = []string{"≤ 1", "≤ 5", "≤ 15", "≤ 30", "≤ 60", "> 60"}

// monthWords are the month as people write it.
func (r *Report) monthWords(lang string) string {
	m, err := time.Parse("2006-01", r.Month)
	if err != nil || lang != "zh" {
		return r.Month
	}
	return m.Format("2006年1月")
}

// made is when the report was made, to the minute and in words.
func (r *Report) made() string {
	return strings.Replace(r.GeneratedAt[:min(16, len(r.GeneratedAt))], "T", " ", 1)
}

// units are the currencies' Chinese names; the others are written by their code.
var units = map[string]string{"CNY": "元", "USD": "美元", "EUR": "欧元", "JPY": "日元", "HKD": "港元", "GBP": "英镑", "KRW": "韩元"}

// unit says what amounts are in.
func (r *Report) unit(lang string) string {
	if u := units[r.Currency]; u != "" && lang == "zh" {
		return t(lang, "unit") + u
	}
	return t(lang, "unit") + r.Currency
}

// duration is a time as people say it: hours and minutes, minutes and seconds.
func duration(lang string, seconds float64) string {
	n := int64(math.Round(seconds))
	switch {
	case seconds <= 0:
		return dash
	case seconds < 60:
		return fmt.Sprintf(both("%.1f 秒", "%.1f s")[lang], seconds)
	case n < 3600:
		return fmt.Sprintf(both("%d 分 %d 秒", "%d min %d s")[lang], n/60, n%60)
	}
	minutes := int64(math.Round(seconds / 60))
	return fmt.Sprintf(both("%d 小时 %d 分", "%d h %d min")[lang], minutes/60, minutes%60)
}

func durations(lang string, p [3]float64) string {
	return duration(lang, p[0]) + " / " + duration(lang, p[1]) + " / " + duration(lang, p[2])
}
