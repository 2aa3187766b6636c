package api

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/report"
	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
)

//go:embed pages
var pageFiles embed.FS

var pages = template.Must(template.New("").
	Funcs(template.FuncMap{"when": whenWords, "money": event.Grouped}).ParseFS(pageFiles, "pages/*.html"))

// whenWords is a time as people write it, in the law's zone.
func whenWords(text string) string {
	if len(text) < 19 {
		return "–"
	}
	return text[:10] + " " + text[11:19]
}

// whyWords say why an account is given back as it is.
func whyWords(lang string, a *ledger.ReturnAccount, money func(int64) string) string {
	if a.Why == ledger.WhyMixed && a.Mixed != nil {
		if lang == "zh" {
			return whenWords(a.Mixed.At.String()) + " 转出 " + money(-a.Mixed.Minor) + " 时, 账户内有多名被害人或他人的资金"
		}
		return "at " + whenWords(a.Mixed.At.String()) + ", " + money(-a.Mixed.Minor) +
			" went out while the money of several lay together"
	}
	return map[string]map[string]string{
		"zh": {ledger.WhyOne: "仅有一名被害人的资金汇入", ledger.WhyApart: "多名被害人的资金未曾同时转出, 可按时间区分", ledger.WhyLess: "冻结金额少于应余金额", ledger.WhyUnknown: "账户流水不明"},
		"en": {ledger.WhyOne: "one victim's money came into the account", ledger.WhyApart: "no money left the account while two victims' lay in it together", ledger.WhyLess: "less is frozen than was left of the remittances", ledger.WhyUnknown: "the account's movements are not known"},
	}[lang][a.Why]
}

// sums puts the arithmetic into the page's language.
var sums = map[string]*strings.Replacer{"zh": strings.NewReplacer(" rest ", " 余 ", ", and 1 of what is left over: among the largest rests", ", 另加 1 分 (余数较大)"), "en": strings.NewReplacer()}

// PrintInput asks for a document to print.
type PrintInput struct {
	ID   string `path:"id" maxLength:"64"`
	Lang string `query:"lang" enum:"zh,en" default:"zh"`
}

type printOutput struct {
	Type string `header:"Content-Type"`
	Body []byte
}

// document registers a route that answers with a page to print.
func (s *server) document(api huma.API, path, id, summary string, roles []Role, page func(context.Context, *PrintInput) (string, any, error)) {
	op := s.operation(api, http.MethodGet, path, id, summary, roles, 404, 422)
	op.Responses = map[string]*huma.Response{"200": {Description: "A page to print", Content: map[string]*huma.MediaType{"text/html": {Schema: &huma.Schema{Type: huma.TypeString}, Example: "<!doctype html>…"}}}}
	huma.Register(api, op, func(ctx context.Context, in *PrintInput) (*printOutput, error) {
		name, data, err := page(ctx, in)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := pages.ExecuteTemplate(&b, name, data); err != nil {
			return nil, err
		}
		return &printOutput{"text/html; charset=utf-8", b.Bytes()}, nil
	})
}

// texts are a document's in one language.
type texts map[string]string

var noticeWords = map[string]texts{
	"zh": {"Title": "紧急止付/冻结告知书", "Number": "编号", "Case": "案件", "Printed": "打印", "To": "账户持有人:", "Account": "账户", "Held": "控制金额", "State": "状态", "Since": "生效时间", "Until": "截止时间",
		"Transfer": "所涉转账", "Basis": "法律依据", "Reason": "原因", "Remedy": "救济途径",
		"RemedyText": "您有权依据《反电信网络诈骗法》第三十二条提出申诉。申诉可向本中心、96110 或开户银行提出, 核实后即时解除。处理时限:", "Hours": "小时。",
		"Documents": "申诉所需材料", "In": "控制期间账户只进不出; 控制的仅为上述金额。", "Seal": "(盖章)"},
	"en": {"Title": "Notice of an emergency stop or freeze", "Number": "No.", "Case": "case", "Printed": "printed", "To": "To the holder of the account:", "Account": "Account", "Held": "Amount under control", "State": "State", "Since": "In effect since", "Until": "Ends",
		"Transfer": "Transfer concerned", "Basis": "Legal basis", "Reason": "Reason", "Remedy": "Your remedy",
		"RemedyText": "You may appeal under article 32 of the Anti-Telecom and Online Fraud Law: to this center, to 96110, or to your bank. The stop is lifted at once when your statement is verified. An appeal is decided within", "Hours": "hours.",
		"Documents": "Documents that an appeal needs", "In": "Money may come into the account meanwhile; only the amount above is under control.", "Seal": "(seal)"},
}

var stateWords = map[string]map[ledger.State]string{
	"zh": {ledger.Proposed: "待审批", ledger.Rejected: "不予止付", ledger.Requested: "已发银行", ledger.Undelivered: "银行未应答", ledger.Acknowledged: "银行已接收", ledger.Held: "已止付", ledger.Partial: "部分止付", ledger.Missed: "资金已转出",
		ledger.Mismatch: "信息不符", ledger.Refused: "银行拒绝", ledger.Extended: "续止付", ledger.Frozen: "已冻结", ledger.Returning: "返还中", ledger.Returned: "已返还", ledger.Released: "已解除", ledger.Expired: "已到期",
		ledger.ReturnAnnounced: "公告中", ledger.ReturnApproved: "一人已批准", ledger.ReturnInstructed: "已通知银行", ledger.ReturnWithdrawn: "已撤回", "completed": "已完成"},
	"en": {},
}

func stateWord(lang string, s ledger.State) string {
	if w := stateWords[lang][s]; w != "" {
		return w
	}
	return string(s)
}

var documentWords = map[string]map[string]string{
	"zh": {ledger.DocumentIdentity: "身份证明", ledger.DocumentStatement: "相关日期的账户流水", ledger.DocumentPurpose: "款项用途证明 (合同、订单、聊天记录)"},
	"en": {ledger.DocumentIdentity: "Proof of identity", ledger.DocumentStatement: "The account's statement for the days concerned", ledger.DocumentPurpose: "What the payment was for: contract, order, messages"},
}

func (s *server) noticePage(ctx context.Context, in *PrintInput) (string, any, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return "", nil, problem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	reason := map[string]string{"zh": "该账户收到的款项涉嫌来源于电信网络诈骗 (类型: " + report.FraudWord("zh", st.FraudType) + ")。", "en": "Money that came into the account is suspected to come from telecom or online fraud (type: " + st.FraudType + ")."}
	var documents []string
	for _, d := range ledger.NeededDocuments() {
		documents = append(documents, documentWords[in.Lang][d.Name])
	}
	t := s.Ledger.Terms()
	return "notice.html", map[string]any{"Lang": in.Lang, "T": noticeWords[in.Lang], "Stop": stopDetail(ctx, st, t), "StateWord": stateWord(in.Lang, st.State), "Now": s.Clock().String(), "By": who(ctx).Name,
		"ReasonText": reason[in.Lang], "AppealHours": int(t.Appeal.Hours()), "Documents": documents}, nil
}

var returnWords = map[string]texts{
	"zh": {"Title": "冻结资金返还决定书", "Case": "案件", "Round": "轮次", "Printed": "打印", "Accounts": "一、冻结账户及返还方式", "Account": "账户", "Frozen": "冻结金额", "Method": "方式", "Why": "理由", "Lines": "二、各被害人返还金额",
		"Victim": "被害人账户", "Loss": "损失", "Before": "已返还", "Direct": "溯源金额", "Share": "按比例金额", "Amount": "返还金额", "Total": "合计", "Arithmetic": "三、比例计算",
		"ArithmeticText": "份额 = 冻结资金 × (损失 − 已返还 − 溯源) ÷ 总额, 舍去不足一分的部分; 余下各分依余数由大到小分配。单位: 分。", "Pool": "按比例返还的冻结资金", "Losses": "总额", "Announced": "公告期 30 日, 至",
		"Instructions": "四、银行返还指令", "Stop": "止付编号", "Bank": "银行", "Definitions": "依据: 《电信网络新型违法犯罪案件冻结资金返还若干规定》(2016) 第八条。损失为被害人在本案报案的转账之和, 每笔只计一次; 银行应当场或在 3 个工作日内办结。",
		"Proposed": "拟定:", "First": "批准 (一):", "Second": "批准 (二):", "Seal": "(盖章)"},
	"en": {"Title": "Decision on the return of frozen money", "Case": "case", "Round": "round", "Printed": "printed", "Accounts": "1. Frozen accounts and how their money is given back", "Account": "Account", "Frozen": "Frozen", "Method": "Method", "Why": "Why", "Lines": "2. What each victim is paid back",
		"Victim": "Victim's account", "Loss": "Loss", "Before": "Paid back before", "Direct": "Traced", "Share": "In proportion", "Amount": "Amount", "Total": "Total", "Arithmetic": "3. The proportions",
		"ArithmeticText": "share = frozen × (loss − paid back before − traced) ÷ sum, rounded down to the fen; the fen that are left go to the largest rests. In fen.", "Pool": "Frozen and mixed:", "Losses": "sum:", "Announced": "Announced for 30 days, until",
		"Instructions": "4. Instructions to the banks", "Stop": "Stop", "Bank": "Bank", "Definitions": "Basis: rules on the return of frozen money in telecom and online fraud, 2016, art. 8. A loss is the sum of the payments that a victim reported in this case, each once. A bank pays on the spot or within 3 working days.",
		"Proposed": "Proposed:", "First": "Approved (1):", "Second": "Approved (2):", "Seal": "(seal)"},
}

var methodWords = map[string]map[string]string{
	"zh": {ledger.MethodSingle: "单笔汇入, 直接返还", ledger.MethodByTime: "按时间区分, 分别返还", ledger.MethodProportional: "无法区分, 按比例返还"},
	"en": {ledger.MethodSingle: "one remittance: to its sender", ledger.MethodByTime: "told apart by time: to each sender", ledger.MethodProportional: "mixed: in proportion"},
}

func (s *server) returnPage(ctx context.Context, in *PrintInput) (string, any, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return "", nil, err
	}
	approved := func(i int) string {
		if i < len(r.Approvals) {
			return r.Approvals[i]
		}
		return ""
	}
	d := s.returnDocument(r)
	m := func(minor int64) string { return event.Money{Minor: minor, Currency: r.Currency}.Text() }
	for i := range d.Accounts {
		d.Accounts[i].Why = whyWords(in.Lang, &r.Accounts[i], m)
	}
	for i := range d.Lines {
		d.Lines[i].Arithmetic = sums[in.Lang].Replace(d.Lines[i].Arithmetic)
	}
	return "return.html", map[string]any{"Lang": in.Lang, "T": returnWords[in.Lang], "Return": d, "StateWord": stateWord(in.Lang, ledger.State(d.State)), "Methods": methodWords[in.Lang],
		"Proportional": r.Proportional(), "Now": s.Clock().String(), "By": who(ctx).Name, "First": approved(0), "Second": approved(1)}, nil
}
