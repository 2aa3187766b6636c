package words

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// callee says where a call has its code: in which argument; the values follow it,
// as names and values, or (said) as names alone.
var callee = map[string]struct {
	at, every int
}{
	"Refuse": {0, 2}, "New": {0, 2}, "problem": {1, 2}, "fieldError": {1, 2}, "fail": {1, 2}, "NewProblem": {1, 2},
	"said": {1, 1},
}

// program are the files of the whole program, without tests, this package and the
// rooms of scoring, whose checks speak to the writers of YAML.
func program(t *testing.T) (*token.FileSet, []*ast.File) {
	t.Helper()
	set := token.NewFileSet()
	var files []*ast.File
	root := "../../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"node_modules", "words", "scoring"}, d.Name()) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		files = append(files, f)
		return err
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	return set, files
}

// nameOf is the last part of what is called.
func nameOf(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, is := f.X.(*ast.Ident); is && f.Sel.Name == "New" && x.Name != "words" {
			return "" // errors.New, ledger.New, …
		}
		return f.Sel.Name
	}
	return ""
}

func text(e ast.Expr) (string, bool) {
	lit, is := e.(*ast.BasicLit)
	if !is || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// Every code that the program says has words in both languages, with the values
// that the program gives them; and no words are there that nobody says.
func TestEveryCodeHasWords(t *testing.T) {
	set, files := program(t)
	said := map[string]bool{}
	calls := 0
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if s, is := text(n); is {
					said[s] = true
				}
			case *ast.CallExpr:
				calls += checkCall(t, set, n)
			}
			return true
		})
	}
	if calls < 200 {
		t.Errorf("%d messages are said: the test looks in the wrong place", calls)
	}
	kinds := []string{"approve", "approve.tiny-amount", "approve.repeated-reporter", "approve.circular"}
	for code := range catalogue {
		of, kind, _ := strings.Cut(code, ".") // of a list of constants, each with its words
		constant := said[of+"."] && (slices.Contains(kinds, kind) || said[kind])
		if !said[code] && !constant {
			t.Errorf("%s has words, and nobody says it", code)
		}
	}
}

// checkCall holds a call that says a code against the catalogue.
func checkCall(t *testing.T, set *token.FileSet, call *ast.CallExpr) int {
	t.Helper()
	name := nameOf(call)
	if name == "newProblem" {
		t.Errorf("%s: a sentence, where a code belongs: use problem", set.Position(call.Pos()))
	}
	c, is := callee[name]
	if !is || len(call.Args) <= c.at {
		return 0
	}
	code, literal := text(call.Args[c.at])
	if !literal {
		return 0 // it hands on the code of its caller
	}
	at := set.Position(call.Pos())
	if !Known(code) {
		t.Errorf("%s: %q has no words", at, code)
		return 1
	}
	var given []string
	for i := c.at + 1; i < len(call.Args); i += c.every {
		n, literal := text(call.Args[i])
		if !literal {
			t.Errorf("%s: %s has a value without a name", at, code)
		}
		given = append(given, n)
	}
	slices.Sort(given)
	if !slices.Equal(given, Holes(code)) {
		t.Errorf("%s: %s is given %v, and its words take %v", at, code, given, Holes(code))
	}
	return 1
}

var han = regexp.MustCompile(`\p{Han}`)

// A message is a sentence of its language, and takes the same values in both.
func TestBothLanguages(t *testing.T) {
	whole := 0
	for _, part := range []map[string]phrase{ledgerWords, dutyWords, documentWords, fieldWords, problemWords} {
		whole += len(part)
	}
	if whole != len(catalogue) {
		t.Errorf("%d codes of %d: some are there twice", len(catalogue), whole)
	}
	shape := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$`)
	for code, p := range catalogue {
		zh, en := hole.FindAllString(p[Chinese], -1), hole.FindAllString(p[English], -1)
		slices.Sort(zh)
		slices.Sort(en)
		bare := strings.TrimSpace(hole.ReplaceAllString(p[English], ""))
		switch {
		case !shape.MatchString(code):
			t.Errorf("%s is no code", code)
		case !slices.Equal(zh, en):
			t.Errorf("%s takes %v in Chinese and %v in English", code, zh, en)
		case p[Chinese] == "" || p[English] == "" || han.MatchString(p[English]):
			t.Errorf("%s: %q", code, p)
		case bare != "" && !han.MatchString(p[Chinese]):
			t.Errorf("%s is not Chinese: %q", code, p[Chinese])
		}
		for _, h := range hole.FindAllStringSubmatch(p[English], -1) {
			if _, group := names[h[2]]; !group && !slices.Contains([]string{"", "money", "time", "span", "list"}, h[2]) {
				t.Errorf("%s: %s is of no kind", code, h[0])
			}
		}
	}
	for group, of := range names {
		for value, p := range of {
			if !han.MatchString(p[Chinese]) && group != "reason" || p[English] == "" || han.MatchString(p[English]) {
				t.Errorf("%s %s: %q", group, value, p)
			}
		}
	}
}

type yuan string

func (y yuan) Text() string   { return "¥" + string(y) }
func (y yuan) String() string { return strings.ReplaceAll(string(y), ",", "") + " CNY" }

// stamp is a moment as the rooms above have it.
type stamp time.Time

func (s stamp) Time() time.Time { return time.Time(s) }
func (s stamp) String() string  { return time.Time(s).Format(time.RFC3339) }

// Values are written as people of the language write them, and travel exact.
func TestMessages(t *testing.T) {
	zone := time.FixedZone("CST", 8*3600)
	until := stamp(time.Date(2026, 11, 25, 8, 30, 0, 0, zone))
	for _, c := range []struct {
		m              Message
		zh, en, values string
	}{
		{New("task.taken", "by", "scoring", "until", until), "系统识别 已领取，至 11-25 08:30",
			"scoring has taken it until 11-25 08:30", `{"by":"scoring","until":"2026-11-25T08:30:00+08:00"}`},
		{New("task.taken", "by", "张三", "until", until), "张三 已领取，至 11-25 08:30",
			"张三 has taken it until 11-25 08:30", `{"by":"张三","until":"2026-11-25T08:30:00+08:00"}`},
		{New("law.term", "term", 48*time.Hour), "一次止付最长 48 小时", "a term has 48 hours and no more", `{"term":"48h0m0s"}`},
		{New("law.announce", "term", 30*24*time.Hour), "公告期不得少于 30 天", "an announcement stands for 30 days",
			`{"term":"720h0m0s"}`},
		{New("sweep.claim", "left", yuan("1,234.50")), "尚可止付的余额为 ¥1,234.50", "the claim has ¥1,234.50 left",
			`{"left":"1234.50 CNY"}`},
		{New("stop.step", "from", "new", "to", "held"), "“尚未建立”的止付不能变为“全额止付”",
			"a stop that is not there yet cannot become held", `{"from":"new","to":"held"}`},
		{New("access.role", "role", "bank", "allowed", []string{"analyst", "admin"}), "银行无权执行此操作；须为分析员、管理员",
			"the role bank may not do this; it is for analyst, admin", `{"allowed":["analyst","admin"],"role":"bank"}`},
		{New("backtest.size", "events", 0, "limit", 2000000),
			"这些天的账目有 0 条事件，此处可评分 1 至 2000000 条：请更改天数，或使用 \"stopline backtest\"",
			"the books hold 0 events of these days, and 1 to 2000000 can be scored here: give other days, or use \"stopline " +
				"backtest\"",
			`{"events":0,"limit":2000000}`},
		{New("of.tomorrow", "x", 1), "of.tomorrow", "of.tomorrow", `{"x":1}`},
	} {
		values, err := json.Marshal(c.m.Values)
		if zh, en := c.m.In(Chinese), c.m.Error(); zh != c.zh || en != c.en || string(values) != c.values || err != nil {
			t.Errorf("%s %s %s %v, want %s %s %s", zh, en, values, err, c.zh, c.en, c.values)
		}
	}
	if err := New("law.term").Check(); err == nil {
		t.Error("a value is missing, and nobody says so")
	}
	if err := New("no.such").Check(); err == nil {
		t.Error("a code has no words, and nobody says so")
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1 秒|1 second", 90 * time.Second: "90 秒|90 seconds", 10 * time.Minute: "10 分钟|10 minutes",
		time.Hour: "1 小时|1 hour", 48 * time.Hour: "48 小时|48 hours", 72 * time.Hour: "3 天|3 days",
		183 * 24 * time.Hour: "183 天|183 days", 100 * time.Hour: "100 小时|100 hours", 1500 * time.Millisecond: "1 秒|1 second",
	} {
		if got := fmt.Sprint(span(d, Chinese), "|", span(d, English)); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

// Every reason that dead letters are counted by has its word.
func TestReasonsHaveWords(t *testing.T) {
	_, files := program(t)
	found := 0
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			v, is := n.(*ast.ValueSpec)
			if id, named := specType(v, is); named && id == "Reason" {
				reason, _ := text(v.Values[0])
				found++
				if _, known := names["reason"][reason]; !known {
					t.Errorf("the reason %q has no word", reason)
				}
			}
			return true
		})
	}
	if found != len(names["reason"]) {
		t.Errorf("%d reasons, and words of %d", found, len(names["reason"]))
	}
}

func specType(v *ast.ValueSpec, is bool) (string, bool) {
	if !is || v.Type == nil || len(v.Values) == 0 {
		return "", false
	}
	id, named := v.Type.(*ast.Ident)
	if !named {
		return "", false
	}
	return id.Name, true
}

// A word of the pages stands in one of their tables.
func TestPagesHaveEachWordOnce(t *testing.T) {
	if n := len(workWords) + len(figureWords); n != len(pages) {
		t.Errorf("%d words in two tables and %d together: some stand in both", n, len(pages))
	}
}
