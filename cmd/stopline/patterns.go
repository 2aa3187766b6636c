package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"stopline.internal/api/wire"
	"stopline.internal/cmd/stopline/backtest"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
)

type patternsCmd struct {
	List      patternsListCmd      `cmd:"" help:"List the patterns of a catalogue."`
	Check     patternsCheckCmd     `cmd:"" help:"Check a catalogue and say what is wrong, with file and line."`
	Features  patternsFeaturesCmd  `cmd:"" help:"List the features that conditions may name."`
	Explain   patternsExplainCmd   `cmd:"" help:"Say in words why an alert was raised, with the arithmetic of its score."`
	Publish   patternsPublishCmd   `cmd:"" help:"Propose a catalogue to a running service; a second person's approval puts it in force."`
	Approve   patternsApproveCmd   `cmd:"" help:"Approve a proposed catalogue: it is published."`
	Stats     patternsStatsCmd     `cmd:"" help:"Show how the alerts of each pattern turned out."`
	Calibrate patternsCalibrateCmd `cmd:"" help:"Propose weights from what patterns' alerts turned out to be, as a diff to be read and applied with patch."`
}

// Service is a running service that a command talks to.
type Service struct {
	URL      string        `help:"Address of the service's API." default:"http://127.0.0.1:8088"`
	Key      string        `help:"Key of an analyst or supervisor." env:"STOPLINE_KEY"`
	patience time.Duration // for an answer; 0: 30 seconds
}

// do sends a request and decodes the answer, or takes its bytes as they are; a problem becomes an error with
// every field that it names.
func (s *Service) do(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	if s.Key == "" {
		return errors.New("say who asks with --key or STOPLINE_KEY: \"stopline keys new\" makes keys, and those of a " +
			"local service are printed when it starts")
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.URL, "/")+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	client := &http.Client{Timeout: cmp.Or(s.patience, 30*time.Second)}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the service does not answer: is it running, and is --url right? %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		var p wire.Problem
		if json.Unmarshal(answer, &p) != nil || p.Detail == "" {
			return fmt.Errorf("%s %s: %s", method, path, resp.Status)
		}
		lines := []string{p.Detail}
		for _, f := range p.Errors {
			lines = append(lines, "  "+strings.TrimSpace(f.Pointer+" "+f.Detail))
		}
		return errors.New(strings.Join(lines, "\n"))
	}
	if out == nil {
		return nil
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = answer
		return nil
	}
	return json.Unmarshal(answer, out)
}

type patternsListCmd struct {
	File string `arg:"" optional:"" help:"A catalogue; the built-in one without it." type:"existingfile"`
}

// Run prints a line for each pattern.
func (c *patternsListCmd) Run() error {
	t := Tuning{Patterns: c.File}
	cat, err := t.catalogue()
	if err != nil {
		return err
	}
	for _, p := range cat.Patterns {
		fmt.Fprintf(os.Stderr, "%-32s %-7s %.2f  %s  %-26s on %-18s %s / %s\n", p.ID, p.Then, p.Weight, p.Grade,
			p.FraudType, strings.Join(p.Legs(), ","), p.Name.EN, p.Name.ZH)
	}
	return printSummary(map[string]any{"patterns": len(cat.Patterns), "version": cat.Version})
}

type patternsCheckCmd struct {
	File string `arg:"" help:"The catalogue." type:"existingfile"`
}

// Run checks a file.
func (c *patternsCheckCmd) Run() error {
	t := Tuning{Patterns: c.File}
	cat, err := t.catalogue()
	if err != nil {
		return fmt.Errorf("the catalogue cannot be used:\n%w", err)
	}
	return printSummary(map[string]any{"patterns": len(cat.Patterns), "version": cat.Version})
}

type patternsFeaturesCmd struct{}

// Run prints a line for each feature.
func (patternsFeaturesCmd) Run() error {
	for _, line := range scoring.Describe() {
		if _, err := fmt.Println(line); err != nil {
			return err
		}
	}
	return nil
}

type patternsPublishCmd struct {
	Service
	File   string `arg:"" help:"The catalogue." type:"existingfile"`
	Reason string `help:"Why, for those who read the versions."`
	Alone  bool   `help:"Publish at once, without a second person: an admin's key is needed."`
}

// Run proposes a file, once it is known to be right.
func (c *patternsPublishCmd) Run(ctx context.Context) error {
	cat, err := (&Tuning{Patterns: c.File}).catalogue()
	if err != nil {
		return fmt.Errorf("the catalogue cannot be used:\n%w", err)
	}
	q := ""
	if c.Reason != "" {
		q = "?reason=" + strings.ReplaceAll(strings.ReplaceAll(c.Reason, "%", "%25"), " ", "+")
	}
	if !c.Alone {
		var p wire.Proposal
		if err := c.do(ctx, http.MethodPost, "/v1/patterns/proposals"+q, "application/yaml", strings.NewReader(cat.Text),
			&p); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "it waits for somebody else: stopline patterns approve %s --key KEY\n", p.Version)
		return printSummary(map[string]any{"version": p.Version, "patterns": p.Patterns, "base": p.Base,
			"proposed_at": p.ProposedAt})
	}
	var d wire.Catalogue
	if err := c.do(ctx, http.MethodPut, "/v1/patterns"+q, "application/yaml", strings.NewReader(cat.Text),
		&d); err != nil {
		return err
	}
	return printSummary(map[string]any{"version": d.Version, "patterns": len(d.Patterns), "published_at": d.PublishedAt})
}

type patternsApproveCmd struct {
	Service
	Version string `arg:"" help:"As patterns publish printed it."`
}

// Run approves a proposal.
func (c *patternsApproveCmd) Run(ctx context.Context) error {
	var d wire.Catalogue
	if err := c.do(ctx, http.MethodPost, "/v1/patterns/proposals/"+url.PathEscape(c.Version)+"/approval", "", nil,
		&d); err != nil {
		return err
	}
	return printSummary(map[string]any{"version": d.Version, "patterns": len(d.Patterns), "published_at": d.PublishedAt})
}

type patternsStatsCmd struct {
	Service
	From string `help:"First day; 90 days ago without it." placeholder:"2026-11-01"`
	To   string `help:"The day after the last; tomorrow without it." placeholder:"2026-12-01"`
}

func (c *patternsStatsCmd) read(ctx context.Context) ([]wire.PatternStatistic, error) {
	var d struct {
		Patterns []wire.PatternStatistic `json:"patterns"`
	}
	err := c.do(ctx, http.MethodGet, "/v1/patterns/statistics?from="+c.From+"&to="+c.To, "", nil, &d)
	return d.Patterns, err
}

// Run prints a line for each pattern, and its alerts by week as a small chart.
func (c *patternsStatsCmd) Run(ctx context.Context) error {
	list, err := c.read(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%-32s %8s %8s %10s %8s %8s %8s %10s  alerts by week\n", "pattern", "alerts", "stops",
		"confirmed", "false", "useful", "open", "precision")
	for _, p := range list {
		precision := "-"
		if p.Precision != nil {
			precision = fmt.Sprintf("%.1f %%", *p.Precision*100)
		}
		var weeks []uint64
		for _, w := range p.Weeks {
			weeks = append(weeks, w.Alerts)
		}
		fmt.Fprintf(os.Stderr, "%-32s %8d %8d %10d %8d %8d %8d %10s  %s\n", p.Pattern, p.Alerts, p.Stops, p.Confirmed,
			p.FalseAlarm, p.Useful, p.Open, precision, sparkline(weeks))
	}
	return printSummary(map[string]any{"patterns": list})
}

// sparkline draws numbers as bars, a character each.
func sparkline(values []uint64) string {
	most := slices.Max(append(values, 1))
	var b strings.Builder
	for _, v := range values {
		b.WriteRune([]rune("▁▂▃▄▅▆▇█")[v*7/most])
	}
	return b.String()
}

type patternsExplainCmd struct {
	Service
	Alert    string `arg:"" help:"An alert: its id, or a file with its JSON (- is standard input)."`
	Patterns string `help:"The catalogue that raised it, where no service is asked; the built-in one without it." type:"existingfile"`
}

// Run reads the alert and its catalogue, and explains.
func (c *patternsExplainCmd) Run(ctx context.Context) error {
	var a scoring.Alert
	var text []byte
	var err error
	byID := strings.HasPrefix(c.Alert, "alt_")
	switch {
	case byID:
		err = c.do(ctx, http.MethodGet, "/v1/alerts/"+c.Alert, "", nil, &a)
	case c.Alert == "-":
		text, err = io.ReadAll(io.LimitReader(os.Stdin, 1<<20))
	default:
		text, err = os.ReadFile(c.Alert)
	}
	if err != nil {
		return err
	}
	if text != nil {
		if err := json.Unmarshal(text, &a); err != nil || a.ID == "" {
			return fmt.Errorf("%s holds no alert: give an id (alt_…) with --url and --key, or the JSON of one alert", c.Alert)
		}
	}
	catalogue, err := (&Tuning{Patterns: c.Patterns}).catalogue()
	if err != nil {
		return err
	}
	if catalogue.Version != a.Catalogue && byID {
		var d wire.Catalogue
		if err := c.do(ctx, http.MethodGet, "/v1/patterns/versions/"+a.Catalogue, "", nil, &d); err != nil {
			return err
		}
		if catalogue, err = scoring.ParseCatalogue("catalogue "+a.Catalogue, []byte(d.Text)); err != nil {
			return err
		}
	}
	return explain(os.Stdout, &a, catalogue, scoring.DefaultPolicy)
}

// explain says in words what an alert says in figures.
func explain(w io.Writer, a *scoring.Alert, c *scoring.Catalogue, policy scoring.Policy) error {
	docs := map[string]string{}
	for _, f := range scoring.Features() {
		docs[f.Name] = f.Doc
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, score %d of 1000, %s, %s\n", a.ID, a.Action, a.Score, a.FraudType, a.At)
	fmt.Fprintf(&b, "about %s; completed by %s %s\n", a.Entity, a.Event.Kind, a.Event.ID)
	if t := a.Transfer; t != nil {
		fmt.Fprintf(&b, "payment %s: %s %s from %s (%s) to %s (%s) by %s, %s\n", t.ID, t.Amount, t.Currency,
			t.Payer.Account, t.Payer.Bank, t.Payee.Account, t.Payee.Bank, t.Channel, t.At)
	}
	if t := a.Trail; t != nil {
		fmt.Fprintf(&b, "it came from %s: %s %s\n", t.From, t.Why, t.Cause)
	}
	if a.Provisional {
		b.WriteString("scored without the past, which could not be read then\n")
	}
	if a.Late {
		b.WriteString("scored again, once the past could be read\n")
	}
	var evidence pattern.Evidence
	var factors []string
	for i, h := range a.Hits {
		fmt.Fprintf(&b, "\n%d. %s, weight %.2f", i+1, h.Pattern, h.Weight)
		p := c.Find(h.Pattern)
		if p != nil && c.Version == a.Catalogue {
			fmt.Fprintf(&b, ", asks for %s: %s / %s\n   when %s\n   grade %s: %s\n", p.Then, p.Name.EN, p.Name.ZH,
				strings.Join(strings.Fields(p.When), " "), p.Grade, p.Source)
		} else {
			fmt.Fprintf(&b, " (its catalogue, %s, is not at hand)\n", a.Catalogue)
		}
		names := make([]string, 0, len(h.Values))
		for name := range h.Values {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Fprintf(&b, "   %-30s %-14v %s\n", name, h.Values[name], docs[name])
		}
		if h.Shadow {
			b.WriteString("   in shadow: it counts nothing\n")
			continue
		}
		evidence.Add(h.Weight, false)
		factors = append(factors, fmt.Sprintf("(1 - %.2f)", h.Weight))
	}
	if len(factors) > 0 {
		fmt.Fprintf(&b, "\nscore = 1000 × (1 - %s) = %d\n", strings.Join(factors, " × "), evidence.Score())
	}
	fmt.Fprintf(&b, "a stop needs %d, a review %d, and each a pattern that asks for it", policy.StopScore,
		policy.ReviewScore)
	switch {
	case a.Override != "":
		fmt.Fprintf(&b, "; it only warns: %s", a.Override)
	case a.Brake != "":
		fmt.Fprintf(&b, "; the stop became a review: the brake of %q has fallen", a.Brake)
	case a.StopID != "":
		fmt.Fprintf(&b, "; the stop is %s", a.StopID)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

type patternsCalibrateCmd struct {
	patternsStatsCmd
	Patterns string `help:"The catalogue to calibrate; the built-in one without it." type:"existingfile"`
	Backtest string `help:"Take the outcomes from a backtest's --json, in place of the service's." type:"existingfile"`
	Least    uint64 `help:"How many judged alerts a pattern needs." default:"20"`
}

// Help says what is proposed.
func (patternsCalibrateCmd) Help() string {
	return "A weight is the chance that a hit is a fraud. The proposal is the share of judged alerts that were " +
		"confirmed, with the present weight counting as ten judged alerts. Where fewer than half of a stop pattern's " +
		"alerts were right, a review is proposed as well. Nothing is changed: read the diff, apply it with patch, try it " +
		"with backtest, publish it."
}

// Run prints a diff.
func (c *patternsCalibrateCmd) Run(ctx context.Context) error {
	cat, err := (&Tuning{Patterns: c.Patterns}).catalogue()
	if err != nil {
		return err
	}
	outcomes, err := c.outcomes(ctx)
	if err != nil {
		return err
	}
	lines := strings.Split(cat.Text, "\n")
	changed := slices.Clone(lines)
	proposed := 0
	for _, p := range cat.Patterns {
		o, known := outcomes[p.ID]
		if !known || o.right+o.wrong < c.Least {
			continue
		}
		n := float64(o.right + o.wrong)
		weight := min(0.95, max(0.05, (float64(o.right)+10*p.Weight)/(n+10)))
		// p.Line is that of "- id", counted from one
		for i := p.Line; i < len(lines) && !strings.HasPrefix(lines[i], "- "); i++ {
			field, _, _ := strings.Cut(strings.TrimSpace(lines[i]), ":")
			switch {
			case field == "weight" && fmt.Sprintf("%.2f", weight) != fmt.Sprintf("%.2f", p.Weight):
				changed[i] = fmt.Sprintf("  weight: %.2f", weight)
				proposed++
				fmt.Fprintf(os.Stderr, "%-32s %d of %.0f judged alerts were right: weight %.2f becomes %.2f\n", p.ID, o.right,
					n, p.Weight, weight)
			case field == "then" && strings.HasSuffix(lines[i], "stop") && 2*o.right < o.right+o.wrong:
				changed[i] = "  then: review"
				fmt.Fprintf(os.Stderr, "%-32s fewer than half of its alerts were right: it should not stop by itself\n", p.ID)
			}
		}
	}
	name := c.Patterns
	if name == "" {
		name = "scoring/catalogue.yaml"
	}
	if proposed == 0 {
		fmt.Fprintln(os.Stderr, "nothing to propose: no pattern has enough judged alerts that differ from its weight")
	}
	return diff(os.Stdout, name, lines, changed)
}

type outcome struct{ right, wrong uint64 }

func (c *patternsCalibrateCmd) outcomes(ctx context.Context) (map[string]outcome, error) {
	out := map[string]outcome{}
	if c.Backtest != "" {
		text, err := os.ReadFile(c.Backtest)
		if err != nil {
			return nil, err
		}
		var one backtest.Report
		var many citiesSummary
		if err := errors.Join(json.Unmarshal(text, &one), json.Unmarshal(text, &many)); err != nil {
			return nil, fmt.Errorf("%s is not what backtest --json writes: %w", c.Backtest, err)
		}
		for _, r := range append(many.Cities, &one) {
			for _, p := range r.Candidate.Patterns {
				o := out[p.ID]
				out[p.ID] = outcome{o.right + uint64(p.True), o.wrong + uint64(p.False)}
			}
		}
		return out, nil
	}
	list, err := c.read(ctx)
	for _, p := range list {
		out[p.Pattern] = outcome{p.Confirmed, p.FalseAlarm}
	}
	return out, err
}

// diff writes a unified diff of two texts with the same number of lines.
func diff(w io.Writer, name string, a, b []string) error {
	var out strings.Builder
	for i := 0; i < len(a); i++ {
		if a[i] == b[i] {
			continue
		}
		end := i
		for end < len(a) && a[end] != b[end] {
			end++
		}
		from, to := max(0, i-1), min(len(a), end+1)
		if out.Len() == 0 {
			fmt.Fprintf(&out, "--- %s\n+++ %s\n", name, name)
		}
		fmt.Fprintf(&out, "@@ -%d,%d +%d,%d @@\n", from+1, to-from, from+1, to-from)
		for _, part := range []struct {
			mark  string
			lines []string
		}{{" ", a[from:i]}, {"-", a[i:end]}, {"+", b[i:end]}, {" ", a[end:to]}} {
			for _, line := range part.lines {
				fmt.Fprintf(&out, "%s%s\n", part.mark, line)
			}
		}
		i = end
	}
	_, err := io.WriteString(w, out.String())
	return err
}
