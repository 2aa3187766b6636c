package public

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/stream/event/words"
)

// docsSection is the routes of those who use them first.
type docsSection struct {
	ID, Title string
	Routes    []docsRoute
}

type docsRoute struct {
	ID, Method, Path, Summary, For string
	Errors                         []docsError
}

type docsError struct{ Status, When string }

// everybody is the section of what every role may do.
const everybody = "everybody"

// docsTitles are the sections in their order, and the page's other words.
var docsTitles = []struct{ id, zh, en string }{
	{everybody, "所有密钥", "For every key"},
	{string(access.Bank), "银行", "For banks"},
	{string(access.Analyst), "分析员", "For analysts"},
	{string(access.Supervisor), "主管", "For supervisors"},
	{string(access.Police), "民警", "For the police"},
	{string(access.Admin), "管理员", "For the admin"},
}

var docsWords = map[string]map[string]string{
	"zh": {
		"Lang": "zh", "Other": "English", "OtherLang": "en", "Back": "返回控制台", "Title": "Stopline 接口",
		"About":   "反诈中心的资金止付服务：接收报案，向银行发出止付，统计追回资金。",
		"Key":     "每个请求都带密钥：Authorization: Bearer KEY。",
		"Machine": "机器可读的文档：", "For": "可用角色：", "Errors": "错误答复", "Version": "版本",
	},
	"en": {
		"Lang": "en", "Other": "中文", "OtherLang": "zh", "Back": "Back to the console", "Title": "Stopline API",
		"About": "The transaction-stop service of an anti-fraud center: reports in, stops to banks, " +
			"recovery statistics out.",
		"Key":     "Every request carries a key: Authorization: Bearer KEY.",
		"Machine": "The machine-readable document:", "For": "For", "Errors": "Errors", "Version": "Version",
	},
}

//go:embed pages/docs.html
var pageText string

var page = template.Must(template.New("docs.html").Parse(pageText))

// docs serves the list of routes, Chinese or English: as the address says, or
// else as the browser asks.
func docs(o *huma.OpenAPI, routes []route.Route, version string) http.HandlerFunc {
	chinese := map[string]string{}
	for i := range routes {
		chinese[routes[i].ID] = routes[i].ZH
	}
	rendered := map[string][]byte{}
	for _, lang := range []string{"zh", "en"} {
		var b bytes.Buffer
		data := map[string]any{"T": docsWords[lang], "Sections": docsSections(o, chinese, lang), "Version": version}
		if err := page.Execute(&b, data); err != nil {
			panic(err) // the page is compiled in
		}
		rendered[lang] = b.Bytes()
	}
	return func(w http.ResponseWriter, r *http.Request) {
		lang := r.URL.Query().Get("lang")
		if rendered[lang] == nil {
			lang = wire.LanguageOf(r.Header.Get("Accept-Language")).String()
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Language", lang)
		w.Header().Add("Vary", "Accept-Language")
		_, _ = w.Write(rendered[lang])
	}
}

// docsSections lists the routes by who they are for; chinese has their summaries by
// id.
func docsSections(o *huma.OpenAPI, chinese map[string]string, lang string) []docsSection {
	routes := map[string][]docsRoute{}
	for path, item := range o.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				section, r := docsRouteOf(op, chinese, path, lang)
				routes[section] = append(routes[section], r)
			}
		}
	}
	var out []docsSection
	for _, t := range docsTitles {
		list := routes[t.id]
		slices.SortFunc(list, func(a, b docsRoute) int {
			return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
		})
		title := t.en
		if lang == "zh" {
			title = t.zh
		}
		if len(list) > 0 {
			out = append(out, docsSection{ID: "for-" + t.id, Title: title, Routes: list})
		}
	}
	return out
}

func docsRouteOf(op *huma.Operation, chinese map[string]string, path, lang string) (section string, r docsRoute) {
	roles := strings.Split(strings.TrimSuffix(strings.TrimPrefix(op.Description, "For: "), "."), ", ")
	section = op.Tags[0]
	if len(roles) == len(docsTitles)-1 {
		section = everybody
	}
	r = docsRoute{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary,
		For: strings.Join(roles, ", ")}
	if lang == "zh" {
		for i := range roles {
			roles[i] = words.Name("role", roles[i], words.Chinese)
		}
		r.Summary, r.For = chinese[op.OperationID], strings.Join(roles, "、")
	}
	for status := range op.Responses {
		code, _ := strconv.Atoi(status)
		if code < 400 {
			continue
		}
		when := problemWords[code]
		if lang == "zh" {
			when = problemWordsZH[code]
		}
		r.Errors = append(r.Errors, docsError{status, when})
	}
	slices.SortFunc(r.Errors, func(a, b docsError) int { return strings.Compare(a.Status, b.Status) })
	return section, r
}
