package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"stopline/scoring"
)

// rooms lists what each package may import of ours.
var rooms = map[string][]string{
	"stopline/stream/event":         {},
	"stopline/stream/broker":        {},
	"stopline/store/embedded":       {},
	"stopline/scoring/pattern":      {"stopline/stream/event"},
	"stopline/scoring":              {"stopline/stream/event", "stopline/scoring/pattern"},
	"stopline/store/ledger":         {"stopline/stream/event"},
	"stopline/store/warehouse":      {"stopline/stream/event", "stopline/store/ledger"},
	"stopline/stream":               {"stopline/stream/event", "stopline/scoring", "stopline/store/ledger", "stopline/store/warehouse"},
	"stopline/api":                  {"stopline/stream/event", "stopline/scoring", "stopline/store/ledger", "stopline/store/warehouse", "stopline/api/console", "stopline/api/iso20022", "stopline/api/report", "stopline/scoring/pattern"},
	"stopline/api/report":           {},
	"stopline/api/client":           {},
	"stopline/api/iso20022":         {},
	"stopline/api/console":          {},
	"stopline/cmd/stopline/city":    {"stopline/stream/event", "stopline/api/client"},
	"stopline/cmd/stopline/history": {"stopline/stream/event"},
	"stopline/cmd/stopline/backtest": {"stopline/stream/event", "stopline/scoring", "stopline/scoring/pattern", "stopline/store/warehouse",
		"stopline/cmd/stopline/city", "stopline/cmd/stopline/history"},
}

// The rooms import one way, and each says what it is for.
func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Doc", "stopline/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p struct {
			ImportPath, Doc string
			Imports         []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Doc == "" {
			t.Errorf("%s does not say what it is for", p.ImportPath)
		}
		if p.ImportPath == "stopline/cmd/stopline" {
			continue
		}
		allowed, known := rooms[p.ImportPath]
		if !known {
			t.Errorf("%s is no room of the design", p.ImportPath)
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "stopline/") && !strings.Contains(" "+strings.Join(allowed, " ")+" ", " "+i+" ") {
				t.Errorf("%s may not import %s", p.ImportPath, i)
			}
		}
	}
}

// The top level holds the rooms, and nothing that a person left there.
func TestTopLevel(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-tree", "--name-only", "HEAD").Output()
	if err != nil {
		t.Skipf("this is no clone, so that its top level cannot be listed: %v", err)
	}
	for _, name := range strings.Fields(string(out)) {
		if !strings.HasPrefix(name, ".") && !slices.Contains([]string{"cmd", "stream", "scoring", "store", "api", "deploy", "docs", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CONTRIBUTING.md"}, name) {
			t.Errorf("%s does not belong at the top level", name)
		}
	}
}

// The page on patterns lists every feature as the program does.
func TestFeaturesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/patterns.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range scoring.Describe() {
		if !strings.Contains(string(page), line) {
			t.Errorf("docs/patterns.md lacks (take it from \"stopline patterns features\"): %s", line)
		}
	}
}
