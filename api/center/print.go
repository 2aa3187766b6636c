package center

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/access"
	"stopline.internal/api/report"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
)

// papers prints what people get on paper, as pages or PDF.
type papers struct{ *base }

func (s *papers) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/stops/{id}/notice", ID: "notice",
			Roles: readers, Errors: []int{404, 422, 503},
			Handler: route.Handle(s.print("notice", s.noticePage)), Describe: describePaper,
			EN: "The notice to the holder: reason, remedy, documents",
			ZH: "给持有人的告知书：理由、救济途径、所需材料"},
		{Method: http.MethodGet, Path: "/v1/returns/{id}/document", ID: "return-document",
			Roles: readers, Errors: []int{404, 422, 503},
			Handler: route.Handle(s.print("return-document", s.returnPage)), Describe: describePaper,
			EN: "The return as a document to print and sign, with its arithmetic",
			ZH: "返还决定书，供打印签字，附计算过程"},
	}
}

//go:embed pages
var pageFiles embed.FS

// paperStyle is the style sheet of papers. It stands in each of them: they are kept
// and opened where there is no service.
var paperStyle = func() string {
	b, err := pageFiles.ReadFile("pages/paper.css")
	if err != nil {
		panic(err) // it is compiled in
	}
	return string(b)
}()

// paperPolicy lets a page have that style and nothing else.
var paperPolicy = func() string {
	sum := sha256.Sum256([]byte(paperStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}()

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"style": func() template.HTML { return template.HTML("<style>" + paperStyle + "</style>") },
}).ParseFS(pageFiles, "pages/*.html"))

// printInput asks for a paper.
type printInput struct {
	ID     string `path:"id" maxLength:"64"`
	Lang   string `query:"lang" enum:"zh,en" default:"zh"`
	Format string `query:"format" enum:"html,pdf" default:"html" doc:"A page that needs nothing else, or a PDF"`
}

type printOutput struct {
	Type        string `header:"Content-Type"`
	Policy      string `header:"Content-Security-Policy"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// describePaper says what a paper is.
var describePaper = route.Document("The paper", map[string]*huma.MediaType{
	"text/html":       {Schema: &huma.Schema{Type: huma.TypeString}, Example: "<!doctype html>…"},
	"application/pdf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: "%PDF-…"},
})

// print answers with a paper, whose file is named after the operation.
func (*papers) print(id string, form func(context.Context, *printInput) (*report.Form, error),
) func(context.Context, *printInput) (*printOutput, error) {
	return func(ctx context.Context, in *printInput) (*printOutput, error) {
		f, err := form(ctx, in)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if in.Format == "html" {
			if err := pages.ExecuteTemplate(&b, "paper.html", f); err != nil {
				return nil, err
			}
			return &printOutput{Type: "text/html; charset=utf-8", Policy: paperPolicy, Body: b.Bytes()}, nil
		}
		if err := report.FormPDF(&b, f); errors.Is(err, report.ErrNoFont) {
			return nil, wire.NewProblem(http.StatusServiceUnavailable, "unavailable.font", "cause", err.Error())
		} else if err != nil {
			return nil, err
		}
		return &printOutput{Type: "application/pdf", Policy: paperPolicy,
			Disposition: "attachment; filename=" + id + "-" + in.ID + ".pdf", Body: b.Bytes()}, nil
	}
}

// form begins a paper with what all have.
func (s *papers) form(ctx context.Context, lang, title, number string) *report.Form {
	now := s.Clock()
	return &report.Form{Lang: lang, Title: title, Number: number, Center: s.centerName(lang),
		Mark: paperTexts[lang]["draftmark"], Seal: paperTexts[lang]["seal"], At: now,
		Printed: paperTexts[lang]["printed"] + report.Moment(lang, now) + " " + access.Who(ctx).Name}
}

func (s *papers) centerName(lang string) string {
	if s.Center != "" {
		return s.Center
	}
	return paperTexts[lang]["center"]
}

// number is a paper's, as such papers are filed: a stop's and a return's have a
// row of their own each.
func (s *papers) number(n step.Number, returns bool) string {
	prefix := s.Numbering
	if prefix == "" {
		prefix = "反诈止"
	}
	if returns {
		prefix = strings.TrimSuffix(prefix, "止") + "返"
	}
	return prefix + "〔" + strconv.Itoa(n.Year) + "〕第 " + strconv.Itoa(n.Of(s.Partitions)) + " 号"
}

// bankName is a bank's full name, and its code where it has none.
func (s *papers) bankName(lang, code string) string {
	b, known := s.Banks.Find(code)
	switch {
	case !known:
		return code
	case lang == "zh":
		return b.ZH
	}
	return b.EN
}

// author is who did something: a person, or the service by its rules, in the words
// for what they did.
func author(lang, name, byRules string) string {
	for _, a := range law.AutomaticAuthors() {
		if a == name {
			return paperTexts[lang][byRules]
		}
	}
	return name
}

// officers are the two who answer for a stop: those of the order, else who proposed
// it and who approved it.
func officers(lang string, st *stop.Stop) []report.FormOfficer {
	w := paperTexts[lang]
	first, second := author(lang, st.Timeline[0].By, "proposedbyrules"), author(lang, st.IssuedBy, "approvedbyrules")
	if st.RequestedAt == 0 {
		second = ""
	}
	out := []report.FormOfficer{{Role: w["proposer"], Name: first}, {Role: w["approver"], Name: second}}
	if o := st.Order; o != nil && o.Operator.Name != "" && o.Investigator.Name != "" {
		named := func(o stop.Officer) string { return strings.TrimSpace(o.Name + " " + o.Badge) }
		out = []report.FormOfficer{{Role: w["operator"], Name: named(o.Operator)},
			{Role: w["investigator"], Name: named(o.Investigator)}}
	}
	return out
}
