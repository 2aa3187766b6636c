package center

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/report"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

var paperTime = event.InstantOf(time.Date(2026, 11, 23, 10, 20, 30, 0, event.Zone))

// clerk is a center with one stop and one return, two partitions of a log behind
// it, and a clock that stands.
type clerk struct {
	*papers
	t *testing.T
}

func newClerk(t *testing.T) *clerk {
	t.Helper()
	d := Dependencies{Ledger: ledger.New(law.Default), Banks: event.BuiltInBanks(), Center: "贵阳市反诈中心",
		Numbering: "筑反诈止", Partitions: 2, Clock: func() event.Instant { return paperTime.Add(40 * 24 * time.Hour) }}
	return &clerk{&papers{&base{Dependencies: d}}, t}
}

func (c *clerk) fold(events ...ledger.Entry) {
	c.t.Helper()
	for i := range events {
		events[i].Place.Partition = 1
		if r := c.Ledger.Apply(&events[i]); !r.Accepted {
			c.t.Fatal(r.Why)
		}
	}
}

// stopped is of 49,800.00, proposed by an analyst, approved by a supervisor.
func (c *clerk) stopped() {
	terms := law.Default
	terms.AutoLimit = -1
	c.fold(
		ledger.StopEntries(stop.Propose(
			terms,
			"stp_1",
			"cas_1",
			stop.Proposal{Account: stop.Account{Number: "6217000010098765432", Bank: "PCBC", Holder: "李四"},
				Minor: 49_800_00, Currency: event.CNY, Transfer: stop.Transfer{ID: "ICBC-20261123-0000012345",
					Minor: 49_800_00, At: paperTime},
				Hop: 1, FraudType: "impersonated-authority", Payer: "6222020200112233445"},
			paperTime,
			"分析员甲",
		))...)
	e := c.Ledger.Stop("stp_1").Next(paperTime.Add(time.Minute), "主管乙")
	e.State, e.Until = stop.Requested, paperTime.Add(2*time.Minute)
	c.fold(ledger.StopEntry(e))
}

func (c *clerk) held() {
	c.fold(
		ledger.StopEntry(stop.Answer(law.Default, c.Ledger.Stop("stp_1"),
			stop.Outcome{Result: stop.Held, HeldMinor: 49_800_00,
				EffectiveAt: paperTime.Add(70 * time.Second)}, paperTime.Add(80*time.Second), "bank")),
	)
}

// giveBack is a return in proportion of 100.00 over two victims' losses of 200.00
// and 100.00: 10000 × 20000 ÷ 30000 is 6666, and 20000 are left of the division;
// 10000 × 10000 ÷ 30000 is 3333, and 10000 are: the fen that is left over is the
// first's.
func (c *clerk) giveBack(approvals int) string {
	r := giveback.Return{Currency: event.CNY, Pool: 100_00, Losses: 300_00,
		Accounts: []giveback.AccountReturn{
			{Account: stop.Account{Number: "6217000010098765432", Bank: "PCBC"}, Stops: []string{"stp_1"}, Minor: 100_00,
				Method: giveback.MethodProportional, Why: giveback.WhyMixed,
				Mixed: &giveback.Flow{At: paperTime, Minor: -1_234_56}},
		},
		Lines: []giveback.Line{
			{
				Victim:    "6222020200112233445",
				Loss:      200_00,
				Weight:    200_00,
				Share:     66_67,
				Remainder: 20_000,
				Extra:     true,
				Minor:     66_67,
				From:      []giveback.PayFrom{{Stop: "stp_1", Minor: 66_67}},
			},
			{
				Victim:    "6228480000012345678",
				Loss:      100_00,
				Weight:    100_00,
				Share:     33_33,
				Remainder: 10_000,
				Minor:     33_33,
				From:      []giveback.PayFrom{{Stop: "stp_1", Minor: 33_33}},
			}}}
	e := c.Ledger.ProposeReturn("cas_1", r, paperTime, "分析员甲")
	c.fold(e)
	at := paperTime
	next := func(to giveback.State, by string) {
		n := c.Ledger.Return(e.Subject).Next(to, at, by)
		if to == giveback.Announced {
			n.Until = at.Add(law.Default.Announce)
			at = n.Until.Add(time.Hour)
		}
		c.fold(ledger.ReturnEntry(n))
	}
	next(giveback.Announced, "分析员甲")
	if approvals > 0 {
		next(giveback.Approved, "主管乙")
	}
	if approvals > 1 {
		next(giveback.Instructed, "主管丙")
	}
	return e.Subject
}

// made is a paper in both forms.
func (c *clerk) made(
	form func(context.Context, *printInput) (*report.Form, error),
	id, lang string,
) (page string, pdf []byte) {
	c.t.Helper()
	f, err := form(
		access.With(c.t.Context(), &access.Identity{Name: "民警丁", Role: access.Supervisor}),
		&printInput{ID: id, Lang: lang},
	)
	if err != nil {
		c.t.Fatal(err)
	}
	var html, b bytes.Buffer
	if err := pages.ExecuteTemplate(&html, "paper.html", f); err != nil {
		c.t.Fatal(err)
	}
	if err := report.FormPDF(&b, f); err != nil && !errors.Is(err, report.ErrNoFont) {
		c.t.Fatal(err)
	}
	return html.String(), b.Bytes()
}

// golden compares a text with a file of testdata. "go test ./api/center -update" writes
// the files anew: look at the difference before you commit it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; \"go test ./api/center -update\" writes it", err)
	}
	if got != string(want) {
		t.Errorf("%s is otherwise; is it meant so, \"go test ./api/center -update\" writes it anew:\n%s", name, got)
	}
}

// goldenPDF compares the text of a PDF, where poppler can read it.
func goldenPDF(t *testing.T, name string, pdf []byte) {
	t.Helper()
	if dir := os.Getenv("STOPLINE_REPORT_DIR"); dir != "" {
		_ = os.WriteFile(filepath.Join(dir, strings.TrimSuffix(name, ".txt")), pdf, 0o600)
	}
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Log("pdftotext is not installed (poppler-utils): the text of PDFs is not compared")
		return
	}
	if len(pdf) == 0 {
		t.Log(report.ErrNoFont)
		return
	}
	cmd := exec.CommandContext(t.Context(), tool, "-layout", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, name, string(out))
}

// The papers as people get them, final and as drafts.
func TestPapersGolden(t *testing.T) {
	final, draft := newClerk(t), newClerk(t)
	final.stopped()
	final.held()
	draft.stopped()
	given, drafted := final.giveBack(2), draft.giveBack(1)
	for _, lang := range []string{"zh", "en"} {
		for name, c := range map[string]struct {
			clerk *clerk
			form  func(context.Context, *printInput) (*report.Form, error)
			id    string
		}{"notice": {final, final.noticePage, "stp_1"}, "return": {final, final.returnPage, given},
			"notice-draft": {draft, draft.noticePage, "stp_1"}, "return-draft": {draft, draft.returnPage, drafted}} {
			page, pdf := c.clerk.made(c.form, c.id, lang)
			golden(t, name+"-"+lang+".html", page)
			goldenPDF(t, name+"-"+lang+".pdf.txt", pdf)
		}
	}
}

// What is not decided says so on each page of it, and what is decided does not.
func TestDraftsSaySo(t *testing.T) {
	c := newClerk(t)
	c.stopped()
	if page, _ := c.made(c.noticePage, "stp_1", "zh"); !strings.Contains(page, "草稿") || !strings.Contains(page, "不得送达") {
		t.Error("a notice before the bank holds is no draft")
	}
	c.held()
	if page, _ := c.made(c.noticePage, "stp_1", "zh"); strings.Contains(page, "草稿") ||
		!strings.Contains(page, "筑反诈止〔2026〕第 2 号") {
		t.Error("a notice of what is held is a draft, or has no number")
	}
	for approvals, want := range []string{"现有 0 人批准", "现有 1 人批准", ""} {
		c := newClerk(t)
		page, _ := c.made(c.returnPage, c.giveBack(approvals), "zh")
		if strings.Contains(page, "草稿") != (want != "") || !strings.Contains(page, want) ||
			!strings.Contains(page, "返还决定书") ||
			!strings.Contains(page, "筑反诈返〔2026〕第 2 号") {
			_, body, _ := strings.Cut(page, "<main>")
			t.Errorf("with %d approvals: %.600s", approvals, body)
		}
		if got := regexp.MustCompile(`<h2>(\p{Han})、`).FindAllStringSubmatch(page, -1); len(got) != 4 ||
			got[0][1]+got[1][1]+got[2][1]+got[3][1] != "一二三四" {
			t.Errorf("the headings are numbered %v", got)
		}
	}
	c = newClerk(t)
	id := c.giveBack(1)
	c.fold(ledger.ReturnEntry(c.Ledger.Return(id).Next(giveback.Withdrawn, paperTime.Add(32*24*time.Hour), "主管乙")))
	if page, _ := c.made(c.returnPage, id, "zh"); !strings.Contains(page, "作废") {
		t.Error("a return that was withdrawn does not say so")
	}
}

// A paper that was saved opens as it was printed: its style is in it, it loads
// nothing, and the service's own policy lets it have that style.
func TestPapersNeedNothingElse(t *testing.T) {
	c := newClerk(t)
	c.stopped()
	page, _ := c.made(c.noticePage, "stp_1", "zh")
	if strings.Contains(page, "<link") || strings.Contains(page, "src=") || strings.Contains(page, "url(") {
		t.Error("the page loads something")
	}
	_, rest, _ := strings.Cut(page, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	if len(style) < 500 || !strings.Contains(paperPolicy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy %s is not of the style, of %d bytes", paperPolicy, len(style))
	}
}

// Chinese papers have Chinese punctuation.
func TestPapersPunctuation(t *testing.T) {
	ascii := regexp.MustCompile(`\p{Han}[,:;()]|[,:;(]\p{Han}`)
	check := func(name, text string) {
		if found := ascii.FindString(text); found != "" {
			t.Errorf("%s: %q in %q", name, found, text)
		}
	}
	for key, w := range paperTexts["zh"] {
		check(key, w)
		if paperTexts["en"][key] == "" {
			t.Errorf("%s has no English", key)
		}
	}
	for _, m := range []map[string]string{reasonWords["zh"], documentWords["zh"], methodWords["zh"]} {
		for key, w := range m {
			check(key, w)
		}
	}
	c := newClerk(t)
	c.stopped()
	for _, page := range []string{first(c.made(c.noticePage, "stp_1", "zh")), first(c.made(c.returnPage, c.giveBack(2),
		"zh"))} {
		_, body, _ := strings.Cut(page, "<main>")
		check("a page", body)
	}
}

func first(page string, _ []byte) string { return page }
