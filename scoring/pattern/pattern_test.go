package pattern

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// values is a small view, for testing conditions by themselves.
type values struct {
	a, b int64
	x    float64
	f    bool
	s    string
	d    int64
}

var testFeatures = []Feature[values]{
	{Name: "debit.a", Type: Int, Int: func(v *values) int64 { return v.a }},
	{Name: "credits.b_1h", Type: Int, Of: OfAccount, Int: func(v *values) int64 { return v.b }},
	{Name: "flow.x", Type: Double, Double: func(v *values) float64 { return v.x }},
	{Name: "debit.f", Type: Bool, Bool: func(v *values) bool { return v.f }},
	{Name: "debit.s", Type: String, String: func(v *values) string { return v.s }},
	{Name: "risk.r", Type: Int, Note: true, Signal: Registry, Int: func(v *values) int64 { return v.a }},
	{Name: "calls.d", Type: Duration, Of: OfNumber, Signal: Victim, Cost: 2, Int: func(v *values) int64 { return v.d }},
}

// The closures answer as CEL's own evaluator does, errors included.
func TestClosuresAgreeWithCEL(t *testing.T) {
	conditions := []string{
		"debit.a > 3 && debit.f || flow.x >= 0.5",
		"debit.a / credits.b_1h > 1 || debit.f",
		"debit.a / credits.b_1h > 1 && debit.f",
		"debit.a * credits.b_1h - debit.a > credits.b_1h + 7",
		"debit.a % credits.b_1h == 0",
		"-debit.a < credits.b_1h",
		"debit.s in ['pos', 'web'] && debit.a in [1, 2, 3]",
		"!debit.f && debit.s != 'pos' && flow.x * 2.0 + 1.0 < 3.0",
		"debit.f == (debit.a > 0)",
		"double(debit.a) > flow.x",
		"calls.d >= duration('20m') && flow.x / 0.0 > 1.0",
	}
	comp, err := newCompiler(testFeatures)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range conditions {
		eval, _, err := comp.condition(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		ast, iss := comp.env.Compile(strings.ReplaceAll(text, "duration('20m')", "duration('1200s')"))
		if iss.Err() != nil {
			t.Fatal(iss.Err())
		}
		prog, err := comp.env.Program(ast)
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(r *rapid.T) {
			big := rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64())
			v := &values{a: big.Draw(r, "a"), b: big.Draw(r, "b"), x: rapid.Float64Range(-2, 2).Draw(r, "x"),
				f: rapid.Bool().Draw(r, "f"),
				s: rapid.SampledFrom([]string{"pos", "web", "atm"}).Draw(r, "s"), d: rapid.Int64Range(0, 4e12).Draw(r, "d")}
			got, ok := eval(v)
			want, _, err := prog.Eval(map[string]any{"debit.a": v.a, "credits.b_1h": v.b, "flow.x": v.x, "debit.f": v.f,
				"debit.s": v.s, "calls.d": time.Duration(v.d)})
			if ok != (err == nil) {
				r.Fatalf("%s with %+v: ok %v, CEL says %v", text, *v, ok, err)
			}
			if ok && got != want.Value().(bool) {
				r.Fatalf("%s with %+v: %v, CEL says %v", text, *v, got, want)
			}
		})
	}
}

const good = `
- id: one
  name: {zh: 一, en: One}
  fraud_type: account-takeover
  on: [debit]
  when: debit.a > yuan(10) && calls.d >= duration('20m')
  weight: 0.7
  then: stop
  stage: live
  grade: C
  source: a test
`

func TestCatalogue(t *testing.T) {
	c, err := Parse("good.yaml", []byte(good), testFeatures)
	if err != nil {
		t.Fatal(err)
	}
	p := c.Patterns[0]
	if p.Of != OfNumber || len(p.Reads) != 2 || len(c.Version) != 12 {
		t.Errorf("%+v, version %s", p, c.Version)
	}
	if hit, _ := p.Hits(&values{a: 1001, d: 1200e9}); !hit {
		t.Error("yuan(10) is 1,000 fen, and 20 minutes are 20 minutes: this should hit")
	}
	if hit, _ := p.Hits(&values{a: 1000, d: 1200e9}); hit {
		t.Error("10.00 yuan is not more than 10 yuan")
	}
}

// An error names the file, the line, the feature and the nearest that exists.
func TestCatalogueErrors(t *testing.T) {
	for name, c := range map[string]struct{ old, repl, want string }{
		"unknown feature": {"calls.d", "calls.e", `bad.yaml:6: pattern "one": when: undeclared reference to 'calls.e'`},
		"nearest":         {"debit.a", "debit.aa", "did you mean debit.a?"},
		"type":            {"debit.a > yuan(10)", "debit.a > 0.5", "no matching overload"},
		"not a condition": {"debit.a > yuan(10) &&", "debit.a +", "when:"},
		"syntax":          {"debit.a >", "debit.a >>", "Syntax error"},
		"weight":          {"0.7", "1.5", "bad.yaml:7:"},
		"then":            {"stop", "halt", "none of warn, review, stop"},
		"stage":           {"live", "dead", "none of live, shadow"},
		"on":              {"[debit]", "[debbit]", "none of debit"},
		"no leg of it":    {"[debit]", "[credit]", "no leg of a number"},
		"two entities":    {"debit.a >", "credits.b_1h >", "one condition looks at one of them"},
		"mule stops":      {"account-takeover", "mule-ring", "alone only warns"},
		"no signal":       {" && calls.d >= duration('20m')", "", "needs a signal from the victim's side"},
		"note alone":      {"debit.a >", "risk.r >", "write on: [risk]"},
		"grade":           {"grade: C", "grade: D", "none of A"},
		"block":           {"grade: C", "grade: C\n  block: hard", "a block needs a feature of a registry"},
		"budget":          {"grade: C", "grade: C\n  budget: {stops: -1}", "must not be below zero"},
		"field":           {"weight:", "wait:", "bad.yaml:"},
		"duration":        {"'20m'", "'20 minutes'", "duration"},
		"unsupported":     {"debit.a > yuan(10)", "debit.s.matches('x')", "cannot be used in a pattern"},
		"one language":    {"zh: 一, ", "", "both languages"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("bad.yaml", []byte(strings.Replace(good, c.old, c.repl, 1)), testFeatures)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.yaml:") {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func FuzzCatalogue(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(_ *testing.T, b []byte) {
		c, err := Parse("fuzz.yaml", b, testFeatures)
		if err != nil {
			return
		}
		for _, p := range c.Patterns {
			p.Hits(&values{})
		}
	})
}

func BenchmarkSixConditions(b *testing.B) {
	comp, err := newCompiler(testFeatures)
	if err != nil {
		b.Fatal(err)
	}
	eval, _, err := comp.condition("debit.a > 3 && credits.b_1h < 10 && flow.x >= 0.5 && debit.f && debit.s == 'pos' " +
		"&& calls.d >= duration('20m')")
	if err != nil {
		b.Fatal(err)
	}
	v := &values{a: 5, b: 2, x: 0.7, f: true, s: "pos", d: 1300e9}
	b.ReportAllocs()
	for b.Loop() {
		if hit, _ := eval(v); !hit {
			b.Fatal("this should hit")
		}
	}
}
