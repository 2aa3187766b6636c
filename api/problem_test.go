package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// A refusal has a code and values, for programs, and says them in English or, to
// those who ask for it, in Chinese: wherever it comes from.
func TestProblemsInBothLanguages(t *testing.T) {
	d := apitest.Start(t)
	supervisor := d.Key(access.Supervisor)
	report := `{"id":"","at":"2020-01-01T00:00:00Z","source":"110","victim":{"phone":"13800138000"},"transfers":[` +
		`{"payer_account":"1","payee_account":"2","payee_bank":"PCBC","amount":"-5","currency":"CNY",` +
		`"at":"2026-11-23T10:00:00+08:00"}]}`
	for name, c := range map[string]struct {
		key, method, path, body string
		code, values, zh, en    string
		field                   string // pointer, code and words of the first field
	}{
		"no route": {supervisor, "GET", "/v1/nope", "", "request.route", `{"path":"/v1/nope"}`,
			"没有 /v1/nope；全部路由见 /docs", "there is no /v1/nope; the routes are listed at /docs", ""},
		"no key": {"", "GET", "/v1/stops", "", "access.key", `null`,
			"须提供有效密钥：Authorization: Bearer KEY", "the request needs a key that is known: Authorization: Bearer KEY", ""},
		"another role": {d.Bank("PCBC"), "GET", "/v1/queue", "", "access.role",
			`{"allowed":["analyst","supervisor","admin"],"role":"bank"}`,
			"银行无权执行此操作；须为分析员、主管、管理员", "the role bank may not do this; it is for analyst, supervisor, admin", ""},
		"no stop": {supervisor, "GET", "/v1/stops/stp_9", "", "not-found.stop", `{"stop":"stp_9"}`,
			"没有止付 stp_9", "there is no stop stp_9", ""},
		"a field of ours": {d.Bank("PCBC"), "GET", "/v1/bank/stops?wait=99h", "", "request.fields", `null`,
			"请求中有不能接受的字段", "the request has a field that cannot be taken", "query.wait field.wait 须为时长，如 30s，最长 1m"},
		"a field of the framework": {supervisor, "PUT", "/v1/known-good/acct:1", `{"as":"merchant","reason":""}`,
			"request.invalid", `null`, "请求有误，请更正所列各项", "validation failed", "#/reason field.min-length 至少 1 个字符"},
		"a document": {supervisor, "POST", "/v1/reports", report, "report.refused", `null`,
			"报案不能接受，请更正所列各项", "the report cannot be taken as it is", "#/id missing-field 不能为空"},
		"a method": {supervisor, "PATCH", "/v1/me", "", "request.method",
			`{"allowed":["GET","HEAD"],"method":"PATCH","path":"/v1/me"}`,
			"/v1/me 不支持 PATCH，支持 GET、HEAD", "PATCH is not a method of /v1/me: it has GET, HEAD", ""},
	} {
		for language, want := range map[string]string{"": c.en, "en-GB, zh;q=0.5": c.en, "zh-CN,zh;q=0.9,en;q=0.8": c.zh,
			"zh": c.zh, "de": c.en} {
			_, _, body := d.Send(c.key, c.method, c.path, c.body, "Accept-Language", language)
			var p struct {
				Code   string
				Values json.RawMessage
				Detail string
				Errors []wire.FieldProblem
			}
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%s: %v in %s", name, err, body)
			}
			if p.Values == nil {
				p.Values = json.RawMessage("null")
			}
			if p.Code != c.code || p.Detail != want || string(p.Values) != c.values {
				t.Errorf("%s in %q: %s %s %s, want %s %s %s", name, language, p.Code, p.Values, p.Detail, c.code, c.values, want)
			}
			if c.field == "" || want != c.zh {
				continue
			}
			if len(p.Errors) == 0 ||
				strings.Join([]string{p.Errors[0].Pointer, p.Errors[0].Code, p.Errors[0].Detail}, " ") != c.field {
				t.Errorf("%s: %+v, want %s", name, p.Errors, c.field)
			}
		}
	}
}

// What the ledger refuses comes out with the code that it gave, and its times as
// people write them.
func TestRefusalsOfTheLedger(t *testing.T) {
	s := apitest.Start(t)
	l, now := s.Ledger, event.Instant(1795400430000)
	p := stop.Proposal{Account: stop.Account{Number: "6217", Bank: "PCBC"}, Minor: 1_000_000_00, Currency: event.CNY,
		Transfer: stop.Transfer{ID: "t", Minor: 1_000_000_00, At: now}, Hop: 1, Doubt: stop.DoubtCircular}
	s.Fold(0, ledger.StopEntries(stop.Propose(l.Terms(), "stp_1", "cas_1", p, now, "supervisor"))[0])
	call := func(method, path, body string) (int, string) {
		status, _, answer := s.Send(s.Key(access.Supervisor), method, path, body, "Accept-Language", "zh-CN")
		return status, answer
	}
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/v1/stops/stp_1/approval": {http.StatusForbidden,
			`"code":"four-eyes.stop","detail":"提出止付的人不能自己批准，须由另一名主管批准"`},
		"/v1/stops/stp_1/extension": {http.StatusUnprocessableEntity,
			`"code":"stop.step","values":{"from":"proposed","to":"extended"},` +
				`"detail":"“待批准”的止付不能变为“延长止付”"`},
	} {
		if status, body := call(http.MethodPost, path, `{}`); status != want.status ||
			!strings.Contains(body, want.says) {
			t.Errorf("%s: %d %s, want %d %s", path, status, body, want.status, want.says)
		}
	}
	_, body := call(http.MethodGet, "/v1/duties", "")
	for _, want := range []string{`"code":"duty.approve.circular"`, `"amount":"1000000.00 CNY"`,
		`"text":"approve or reject, who reports was paid by the one reported: ¥1,000,000.00 at PCBC, account 6217"`,
		`"text_zh":"批准或不批准，报案人曾收到对方款项须先核实：止付 ¥1,000,000.00（PCBC 6217）"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s, want %s", body, want)
		}
	}
}
