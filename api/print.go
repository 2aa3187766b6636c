package api

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

	"stopline.internal/api/report"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

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

// PrintInput asks for a paper.
type PrintInput struct {
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

// document registers a route that answers with a paper.
func (s *server) document(api huma.API, path, id, summary string, roles []Role,
	form func(context.Context, *PrintInput) (*report.Form, error)) {
	op := s.operation(api, http.MethodGet, path, id, summary, roles, 404, 422, 503)
	op.Responses = map[string]*huma.Response{"200": {Description: "The paper", Content: map[string]*huma.MediaType{
		"text/html":       {Schema: &huma.Schema{Type: huma.TypeString}, Example: "<!doctype html>…"},
		"application/pdf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: "%PDF-…"}}}}
	huma.Register(api, op, func(ctx context.Context, in *PrintInput) (*printOutput, error) {
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
			return nil, problem(http.StatusServiceUnavailable, "unavailable.font", "cause", err.Error())
		} else if err != nil {
			return nil, err
		}
		return &printOutput{Type: "application/pdf", Policy: paperPolicy,
			Disposition: "attachment; filename=" + id + "-" + in.ID + ".pdf", Body: b.Bytes()}, nil
	})
}

// form begins a paper with what all have.
func (s *server) form(ctx context.Context, lang, title, number string) *report.Form {
	now := s.Clock()
	return &report.Form{Lang: lang, Title: title, Number: number, Center: s.centerName(lang),
		Mark: papers[lang]["draftmark"], Seal: papers[lang]["seal"], At: now,
		Printed: papers[lang]["printed"] + report.Moment(lang, now) + " " + who(ctx).Name}
}

func (s *server) centerName(lang string) string {
	if s.Center != "" {
		return s.Center
	}
	return papers[lang]["center"]
}

// number is a paper's, as such papers are filed: a stop's and a return's have a
// row of their own each.
func (s *server) number(n step.Number, returns bool) string {
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
func (s *server) bankName(lang, code string) string {
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
			return papers[lang][byRules]
		}
	}
	return name
}

// officers are the two who answer for a stop: those of the order, else who proposed
// it and who approved it.
func officers(lang string, st *stop.Stop) []report.FormOfficer {
	w := papers[lang]
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

// noticePage is what the law owes to the holder: reason, remedy, documents. It is
// handed out once a person or the rules asked for the stop and the bank holds.
func (s *server) noticePage(ctx context.Context, in *PrintInput) (*report.Form, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, problem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	w, lang := papers[in.Lang], in.Lang
	f := s.form(ctx, lang, w["notice"], s.number(st.Number, false))
	if f.At = st.EffectiveAt; f.At == 0 {
		f.Draft, f.At = w["noticedraft"], s.Clock()
	}
	f.To = w["to"] + mask(ctx, st.Account.Holder)
	transfer := event.Money{Minor: st.Transfer.Minor, Currency: st.Currency}
	details := []string{transfer.Text(), report.Moment(lang, st.Transfer.At)}
	if st.Transfer.ID != "" {
		details = append(details, st.Transfer.ID)
	}
	reason := strings.ReplaceAll(w["reasontext"], "{}", report.FraudWord(lang, st.FraudType))
	remedy := strings.ReplaceAll(w["remedytext"], "{}", strconv.Itoa(int(s.Ledger.Terms().Appeal.Hours())))
	var documents []string
	for _, d := range desk.NeededDocuments() {
		documents = append(documents, documentWords[lang][d.Name])
	}
	f.Sections = []report.FormSection{
		{Heading: w["account"], Pairs: [][2]string{
			{w["number"], st.Account.Number}, {w["bank"], s.bankName(lang, st.Account.Bank)},
			{w["held"], st.Held().Text()}, {w["state"], stateWord(lang, st.State)},
			{w["since"], report.Moment(lang, st.EffectiveAt)}, {w["until"], report.Moment(lang, st.Until)},
			{w["transfer"], strings.Join(details, w["comma"])}, {w["case"], st.CaseID}}},
		{Heading: w["reason"], Paragraphs: []string{reason, w["basis"] + basis(lang)}},
		{Heading: w["remedy"], Paragraphs: []string{remedy, w["in"]}},
		{Heading: w["documents"], Items: documents},
	}
	f.Officers = officers(lang, st)
	return f, nil
}

// basis is the law that a stop rests on, in the paper's punctuation.
func basis(lang string) string {
	if lang == "zh" {
		return strings.ReplaceAll(law.Basis, "; ", "；")
	}
	return law.Basis
}

// returnPage is the decision on a return. It is one once two people have approved
// it and the banks are told; until then it is a draft.
func (s *server) returnPage(ctx context.Context, in *PrintInput) (*report.Form, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return nil, err
	}
	w, lang := papers[in.Lang], in.Lang
	f := s.form(ctx, lang, w["return"], s.number(r.Number, true))
	switch r.State {
	case giveback.Instructed:
		f.At = r.Timeline[len(r.Timeline)-1].At // it is the last that can be
	case giveback.Withdrawn:
		f.Draft, f.Mark = w["withdrawn"], w["voidmark"]
	default:
		f.Draft = strings.ReplaceAll(w["returndraft"], "{}", strconv.Itoa(len(r.Approvals)))
	}
	about := [][2]string{{w["case"], r.CaseID}, {w["round"], strconv.Itoa(r.Round)}, {w["state"], s.returnState(lang, r)}}
	f.Sections = append(f.Sections, report.FormSection{Pairs: about}, s.returnAccounts(lang, r), returnLines(lang, r))
	if r.Proportional() {
		f.Sections = append(f.Sections, returnArithmetic(lang, r))
	}
	f.Sections = append(f.Sections, s.returnInstructions(lang, r))
	approved := func(i int) string {
		if i < len(r.Approvals) {
			return r.Approvals[i]
		}
		return ""
	}
	f.Officers = []report.FormOfficer{{Role: w["proposed"], Name: r.ProposedBy}, {Role: w["first"], Name: approved(0)},
		{Role: w["second"], Name: approved(1)}}
	return f, nil
}

func (s *server) returnState(lang string, r *giveback.Round) string {
	if _, done := s.Ledger.Paid(r); done {
		return returnWord(lang, completed)
	}
	return returnWord(lang, r.State)
}

// inMoney writes amounts of a return for people.
func inMoney(r *giveback.Round) func(int64) string {
	return func(minor int64) string { return event.Money{Minor: minor, Currency: r.Currency}.Text() }
}

func (s *server) returnAccounts(lang string, r *giveback.Round) report.FormSection {
	w, m := papers[lang], inMoney(r)
	t := &report.FormTable{Heads: []string{w["number"], w["bank"], w["frozen"], w["method"], w["why"]},
		Numbers: []bool{false, false, true, false, false}, Widths: []float64{.24, .16, .16, .18, .26}}
	for i := range r.Accounts {
		a := &r.Accounts[i]
		t.Rows = append(t.Rows, []string{a.Account.Number, s.bankName(lang, a.Account.Bank), m(a.Minor),
			methodWords[lang][a.Method], whyWords(lang, a, m)})
	}
	return report.FormSection{Heading: w["accounts"], Table: t}
}

func returnLines(lang string, r *giveback.Round) report.FormSection {
	w, m := papers[lang], inMoney(r)
	t := &report.FormTable{Heads: []string{w["victim"], w["loss"], w["paidback"], w["traced"], w["share"], w["amount"]},
		Numbers: []bool{false, true, true, true, true, true}, Widths: []float64{.25, .15, .15, .15, .15, .15}}
	var loss, before, direct, share, total int64
	for i := range r.Lines {
		l := &r.Lines[i]
		t.Rows = append(t.Rows, []string{l.Victim, m(l.Loss), m(l.Before), m(l.Direct), m(l.Share), m(l.Minor)})
		loss, before, direct, share, total = loss+l.Loss, before+l.Before, direct+l.Direct, share+l.Share, total+l.Minor
	}
	t.Rows = append(t.Rows, []string{w["total"], m(loss), m(before), m(direct), m(share), m(total)})
	return report.FormSection{Heading: w["lines"], Table: t}
}

// returnArithmetic says how the proportions were worked out, so that anybody can
// do it again.
func returnArithmetic(lang string, r *giveback.Round) report.FormSection {
	w, m := papers[lang], inMoney(r)
	t := &report.FormTable{Heads: []string{w["victim"], w["sum"]}, Numbers: []bool{false, false},
		Widths: []float64{.25, .75}}
	for i := range r.Lines {
		t.Rows = append(t.Rows, []string{r.Lines[i].Victim, sums[lang].Replace(arithmetic(r, &r.Lines[i]))})
	}
	return report.FormSection{Heading: w["arithmetic"], Table: t, Paragraphs: []string{w["arithmetictext"],
		w["pool"] + m(r.Pool) + w["losses"] + m(r.Losses), w["announced"] + report.Moment(lang, r.Until)}}
}

func (s *server) returnInstructions(lang string, r *giveback.Round) report.FormSection {
	w, m := papers[lang], inMoney(r)
	t := &report.FormTable{Heads: []string{w["stop"], w["bank"], w["victim"], w["amount"]},
		Numbers: []bool{false, false, false, true}, Widths: []float64{.32, .22, .26, .2}}
	for i := range r.Lines {
		for _, from := range r.Lines[i].From {
			number, bank := from.Stop, ""
			if st := s.Ledger.Stop(from.Stop); st != nil {
				number, bank = s.number(st.Number, false), s.bankName(lang, st.Account.Bank)
			}
			t.Rows = append(t.Rows, []string{number, bank, r.Lines[i].Victim, m(from.Minor)})
		}
	}
	return report.FormSection{Heading: w["instructions"], Table: t, Paragraphs: []string{w["returnbasis"]}}
}
