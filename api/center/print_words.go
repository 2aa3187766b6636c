package center

import (
	"strings"

	"stopline.internal/api/report"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event/words"
)

// texts are a paper's texts in one language.
type texts map[string]string

// paperTexts are the texts of papers, by language.
var paperTexts = map[string]texts{
	"zh": {
		"center": "反诈中心", "seal": "（盖章）", "printed": "打印：", "comma": "，",
		"proposedbyrules": "系统（按规则提出）", "approvedbyrules": "系统（限额内按规则发出）",
		"draftmark": "草稿", "voidmark": "作废",
		"proposer": "提出人：", "approver": "批准人：", "operator": "经办人：", "investigator": "办案人：",
		"case": "案件", "state": "状态", "bank": "开户银行", "number": "账号", "amount": "金额", "total": "合计",

		"notice": "紧急止付（冻结）告知书", "noticedraft": "草稿：银行尚未控制资金，不得送达",
		"to": "账户持有人：", "account": "账户及控制情况", "held": "控制金额", "since": "生效时间", "until": "截止时间",
		"transfer": "所涉转账", "reason": "原因与依据", "basis": "法律依据：",
		"reasontext": "该账户收到的款项涉嫌来源于电信网络诈骗（类型：{}）。",
		"remedy":     "救济途径",
		"remedytext": "您有权依据《反电信网络诈骗法》第三十二条提出申诉。申诉可向本中心、96110 或开户银行提出，核实后即时解除。" +
			"处理时限：{} 小时。",
		"in":        "控制期间账户只进不出；控制的仅为上述金额。",
		"documents": "申诉所需材料",

		"return": "返还决定书", "returndraft": "草稿：须两人批准方为决定，现有 {} 人批准，不得据此返还", "withdrawn": "本件已撤回，作废",
		"round": "轮次", "accounts": "冻结账户及返还方式", "frozen": "冻结金额", "method": "方式", "why": "理由",
		"lines": "各被害人返还金额", "victim": "被害人账户", "loss": "损失", "paidback": "已返还", "traced": "溯源金额",
		"share": "按比例金额", "arithmetic": "比例计算", "sum": "算式",
		"arithmetictext": "份额 = 冻结资金 ×（损失 − 已返还 − 溯源）÷ 总额，舍去不足一分的部分；余下各分依余数由大到小分配。单位：分。",
		"pool":           "按比例返还的冻结资金：", "losses": "；总额：", "announced": "公告期 30 日，至 ",
		"instructions": "银行返还指令", "stop": "止付编号",
		"returnbasis": "依据：《电信网络新型违法犯罪案件冻结资金返还若干规定》（2016）第八条。损失为被害人在本案报案的转账之和，" +
			"每笔只计一次；银行应当场或在 3 个工作日内办结。",
		"proposed": "拟定：", "first": "批准（一）：", "second": "批准（二）：",
	},
	"en": {
		"center": "Anti-fraud center", "seal": " (seal)", "printed": "printed ", "comma": ", ",
		"proposedbyrules": "the service, by its rules", "approvedbyrules": "its rules, within the limit",
		"draftmark": "DRAFT", "voidmark": "VOID",
		"proposer": "Proposed: ", "approver": "Approved: ", "operator": "Operator: ", "investigator": "Investigator: ",
		"case": "Case", "state": "State", "bank": "Bank", "number": "Account", "amount": "Amount", "total": "Total",

		"notice":      "Notice of an emergency stop or freeze",
		"noticedraft": "DRAFT: the bank holds no money so far; not to be handed out",
		"to":          "To the holder of the account: ",
		"account":     "The account, and what is under control",
		"held":        "Amount under control",
		"since":       "In effect since",
		"until":       "Ends",
		"transfer":    "Transfer concerned",
		"reason":      "Reason and basis",
		"basis":       "Legal basis: ",
		"reasontext":  "Money that came into the account is suspected to come from telecom or online fraud (type: {}).",
		"remedy":      "Your remedy",
		"remedytext": "You may appeal under article 32 of the Anti-Telecom and Online Fraud Law: to this center, to 96110, " +
			"or to your bank. The stop is lifted at once when your statement is verified. An appeal is decided " +
			"within {} hours.",
		"in":        "Money may come into the account meanwhile; only the amount above is under control.",
		"documents": "Documents that an appeal needs",

		"return": "Decision on the return of frozen money", "withdrawn": "Withdrawn: this paper is void",
		"returndraft": "DRAFT: it takes the approval of two people, and has that of {}; nothing is to be paid on it",
		"round":       "Round",
		"accounts":    "Frozen accounts and how their money is given back",
		"frozen":      "Frozen",
		"method":      "Method",
		"why":         "Why",
		"lines":       "What each victim is paid back",
		"victim":      "Victim's account",
		"loss":        "Loss",
		"paidback":    "Paid back before",
		"traced":      "Traced", "share": "In proportion", "arithmetic": "The proportions", "sum": "Arithmetic",
		"arithmetictext": "share = frozen × (loss − paid back before − traced) ÷ sum, rounded down to the fen; " +
			"the fen that are left go to the largest rests. In fen.",
		"pool": "Frozen and mixed: ", "losses": "; sum: ", "announced": "Announced for 30 days, until ",
		"instructions": "Instructions to the banks", "stop": "Stop",
		"returnbasis": "Basis: rules on the return of frozen money in telecom and online fraud, 2016, art. 8. " +
			"A loss is the sum of the payments that a victim reported in this case, each once. " +
			"A bank pays on the spot or within 3 working days.",
		"proposed": "Proposed: ", "first": "Approved (1): ", "second": "Approved (2): ",
	},
}

// whyWords say why an account is given back as it is.
func whyWords(lang string, a *giveback.AccountReturn, money func(int64) string) string {
	if a.Why == giveback.WhyMixed && a.Mixed != nil {
		at, out := report.Moment(lang, a.Mixed.At), money(-a.Mixed.Minor)
		if lang == "zh" {
			return at + " 转出 " + out + " 时，账户内有多名被害人或他人的资金"
		}
		return "at " + at + ", " + out + " went out while the money of several lay together"
	}
	return reasonWords[lang][a.Why]
}

var reasonWords = map[string]map[string]string{
	"zh": {giveback.WhyOne: "仅有一名被害人的资金汇入", giveback.WhyApart: "多名被害人的资金未曾同时转出，可按时间区分",
		giveback.WhyLess: "冻结金额少于应余金额", giveback.WhyUnknown: "账户流水不明"},
	"en": {
		giveback.WhyOne:     "one victim's money came into the account",
		giveback.WhyApart:   "no money left the account while two victims' lay in it together",
		giveback.WhyLess:    "less is frozen than was left of the remittances",
		giveback.WhyUnknown: "the account's movements are not known",
	},
}

// sums puts the arithmetic into the paper's language.
var sums = map[string]*strings.Replacer{
	"zh": strings.NewReplacer(" rest ", " 余 ", wire.LeftOver, "，另加 1 分（余数较大）"),
	"en": strings.NewReplacer(),
}

// completed is a return of which the banks have paid back all that they can.
const completed giveback.State = "completed"

func stateWord(lang string, s stop.State) string {
	return words.Name("stop", string(s), languages[lang])
}

func returnWord(lang string, s giveback.State) string {
	return words.Name("return", string(s), languages[lang])
}

var languages = map[string]words.Language{"zh": words.Chinese, "en": words.English}

var documentWords = map[string]map[string]string{
	"zh": {desk.DocumentIdentity: "身份证明", desk.DocumentStatement: "相关日期的账户流水",
		desk.DocumentPurpose: "款项用途证明（合同、订单、聊天记录）"},
	"en": {
		desk.DocumentIdentity:  "Proof of identity",
		desk.DocumentStatement: "The account's statement for the days concerned",
		desk.DocumentPurpose:   "What the payment was for: contract, order, messages"},
}

var methodWords = map[string]map[string]string{
	"zh": {giveback.MethodSingle: "单笔汇入，直接返还", giveback.MethodByTime: "按时间区分，分别返还",
		giveback.MethodProportional: "无法区分，按比例返还"},
	"en": {
		giveback.MethodSingle:       "one remittance: to its sender",
		giveback.MethodByTime:       "told apart by time: to each sender",
		giveback.MethodProportional: "mixed: in proportion"},
}
