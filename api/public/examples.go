package public

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/wire"
)

// illustrate gives every body of the API document an example: its own where the
// route has one, else one that is made from its schema's fields. It also names
// every error that a route answers with.
func illustrate(doc *huma.OpenAPI) {
	paths := slices.Collect(maps.Values(doc.Paths))
	for _, item := range append(paths, slices.Collect(maps.Values(doc.Webhooks))...) {
		for _, op := range operations(item) {
			if op.RequestBody != nil {
				for _, m := range op.RequestBody.Content {
					show(doc.Components.Schemas, m)
				}
			}
			for status, r := range op.Responses {
				code, _ := strconv.Atoi(status)
				for kind, m := range r.Content {
					if kind == "application/problem+json" {
						m.Example = problemExample(code)
						continue
					}
					show(doc.Components.Schemas, m)
				}
				if code >= 400 && problemWords[code] != "" {
					r.Description = http.StatusText(code) + ": " + problemWords[code]
				}
			}
		}
	}
}

// problemWords say when a route answers so.
var problemWords = map[int]string{
	400: "the request cannot be read",
	401: "the request needs a key that is known",
	403: "the key's role may not do this, or it takes another person",
	404: "it is not there, or belongs to another bank",
	409: "another change came first",
	412: "the version that was decided on is not the newest",
	413: "the body is larger than 1 MiB",
	415: "the body is of another type",
	429: "the bank has as many polls and streams open as it may",
	422: "a field cannot be taken; each is named. Or the law forbids it, or the state does not allow it",
	500: "the service failed; its log says more",
	503: "Kafka or ClickHouse cannot be reached just now: try again",
}

// problemWordsZH say when a route answers so, in Chinese.
var problemWordsZH = map[int]string{
	400: "请求无法读取",
	401: "请求需要有效的密钥",
	403: "该密钥的角色无权操作，或须由另一人操作",
	404: "不存在，或属于其他银行",
	409: "已有其他变更在先",
	412: "所依据的版本已不是最新",
	413: "正文超过 1 MiB",
	415: "正文类型不符",
	429: "该银行的轮询与事件流已达上限",
	422: "字段无法接受，逐一列出；或法规不允许，或当前状态不允许",
	500: "服务出错，详见其日志",
	503: "Kafka 或 ClickHouse 暂时不可用，请重试",
}

func problemExample(status int) *wire.Problem {
	p := &wire.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: problemWords[status]}
	if status == http.StatusUnprocessableEntity {
		p.Errors = []wire.FieldProblem{{Pointer: "#/amount", Detail: "is negative"}}
	}
	return p
}

func show(reg huma.Registry, m *huma.MediaType) {
	if m.Example == nil && m.Schema != nil {
		m.Example = sample(reg, m.Schema, "", 0)
	}
}

// sample makes a value of a schema: its example, its first allowed value, or a
// plausible one by the field's name.
func sample(reg huma.Registry, s *huma.Schema, name string, depth int) any {
	if s.Ref != "" {
		s = reg.SchemaFromRef(s.Ref)
	}
	switch {
	case s == nil || depth > 6:
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Default != nil:
		return s.Default
	case len(s.OneOf) > 0:
		return sample(reg, s.OneOf[0], name, depth+1)
	}
	switch s.Type {
	case huma.TypeObject:
		out := map[string]any{}
		for field, f := range s.Properties {
			if field == "children" { // of a tree: one level is enough
				out[field] = []any{}
				continue
			}
			out[field] = sample(reg, f, field, depth+1)
		}
		return out
	case huma.TypeArray:
		if v := sample(reg, s.Items, strings.TrimSuffix(name, "s"), depth+1); v != nil {
			return []any{v}
		}
		return []any{}
	case huma.TypeBoolean:
		return false
	case huma.TypeInteger:
		return 1
	case huma.TypeNumber:
		return 0.5
	case huma.TypeString:
		return word(name, s)
	}
	return map[string]any{}
}

// word is a plausible text for a field.
func word(name string, s *huma.Schema) any {
	switch {
	case s.Format == "date-time", slices.Contains(moments, name), strings.HasSuffix(name, "_at"),
		strings.HasSuffix(name, "_by") && name != "proposed_by" && name != "issued_by":
		return "2026-11-23T10:20:30.310+08:00"
	case strings.Contains(name, "amount") || slices.Contains(sums, name):
		return "49800.00"
	}
	if w, ok := samples[name]; ok {
		return w
	}
	return strings.ReplaceAll(name, "_", " ")
}

// moments are fields that hold times, beside those that end with _at or _by.
var moments = []string{"at", "since", "until", "due"}

// sums are fields that hold money, beside all that say amount.
var sums = []string{"balance", "total", "loss", "share", "pool", "frozen", "held", "returned", "released"}

// samples are the texts of fields by name.
var samples = map[string]string{
	"id":       "stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X",
	"stop_id":  "stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X",
	"case_id":  "cas_2Q0J7Z1K8M5N3P6R9S4T7V1W2X",
	"alert_id": "alt_2Q0J7Z1K8M5N3P6R9S4T7V1W2X",

	"number":         "6217000010098765432",
	"account":        "6217000010098765432",
	"payer_account":  "6222020200112233445",
	"payee_account":  "6217000010098765432",
	"victim_account": "6222020200112233445",
	"to_account":     "6228480000012345678",

	"bank": "PCBC", "payee_bank": "PCBC", "to_bank": "ABOC",
	"holder": "李四", "phone": "+8613800138000", "currency": "CNY", "district": "520103",
	"fraud_type": "impersonated-authority", "source": "110", "by": "analyst", "state": "held",
	"entity": "acct:6217000010098765432", "reason": "victim's report 110-2026-004511",
}
