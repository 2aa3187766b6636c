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

	"stopline.internal/scoring"
)

// rooms lists what each package may import of ours.
var rooms = map[string][]string{
	"stopline.internal/stream/event/words": {},
	"stopline.internal/stream/event":       {"stopline.internal/stream/event/words"},
	"stopline.internal/stream/broker":      {},
	"stopline.internal/store/embedded":     {},
	"stopline.internal/scoring/pattern":    {"stopline.internal/stream/event"},
	"stopline.internal/scoring":            {"stopline.internal/stream/event", "stopline.internal/scoring/pattern"},
	"stopline.internal/store/ledger":       {"stopline.internal/stream/event", "stopline.internal/stream/event/words"},
	"stopline.internal/store/warehouse":    {"stopline.internal/stream/event", "stopline.internal/store/ledger"},
	"stopline.internal/stream":             {"stopline.internal/stream/event", "stopline.internal/scoring", "stopline.internal/store/ledger", "stopline.internal/store/warehouse", "stopline.internal/stream/event/words"},
	"stopline.internal/api": {"stopline.internal/api/access", "stopline.internal/api/bank",
		"stopline.internal/api/center", "stopline.internal/api/public", "stopline.internal/api/route",
		"stopline.internal/api/wire", "stopline.internal/store/ledger", "stopline.internal/stream/event"},
	"stopline.internal/api/access": {"stopline.internal/store/ledger", "stopline.internal/stream/event"},
	"stopline.internal/api/wire": {"stopline.internal/api/access", "stopline.internal/scoring",
		"stopline.internal/store/ledger", "stopline.internal/store/warehouse", "stopline.internal/stream/event",
		"stopline.internal/stream/event/words"},
	"stopline.internal/api/route": {"stopline.internal/api/access", "stopline.internal/api/wire",
		"stopline.internal/store/ledger", "stopline.internal/stream/event", "stopline.internal/stream/event/words"},
	"stopline.internal/api/bank": {"stopline.internal/api/access", "stopline.internal/api/iso20022",
		"stopline.internal/api/route", "stopline.internal/api/sse", "stopline.internal/api/wire",
		"stopline.internal/scoring", "stopline.internal/scoring/pattern", "stopline.internal/store/ledger",
		"stopline.internal/stream/event", "stopline.internal/stream/event/words"},
	"stopline.internal/api/center": {"stopline.internal/api/access", "stopline.internal/api/report",
		"stopline.internal/api/route", "stopline.internal/api/sse", "stopline.internal/api/wire",
		"stopline.internal/scoring", "stopline.internal/scoring/pattern", "stopline.internal/store/ledger",
		"stopline.internal/store/warehouse", "stopline.internal/stream/event", "stopline.internal/stream/event/words"},
	"stopline.internal/api/public": {"stopline.internal/api/access", "stopline.internal/api/console",
		"stopline.internal/api/route", "stopline.internal/api/wire", "stopline.internal/store/ledger",
		"stopline.internal/stream/event/words"},
	"stopline.internal/api/sse": {},
	"stopline.internal/api/apitest": {"stopline.internal/api", "stopline.internal/api/access",
		"stopline.internal/api/bank", "stopline.internal/api/center", "stopline.internal/api/route",
		"stopline.internal/api/wire", "stopline.internal/scoring", "stopline.internal/scoring/pattern",
		"stopline.internal/store/ledger", "stopline.internal/store/warehouse", "stopline.internal/stream/event"},
	"stopline.internal/api/report":           {"stopline.internal/stream/event"},
	"stopline.internal/api/client":           {"stopline.internal/api/sse"},
	"stopline.internal/api/iso20022":         {},
	"stopline.internal/api/console":          {"stopline.internal/stream/event/words"},
	"stopline.internal/cmd/stopline/city":    {"stopline.internal/stream/event", "stopline.internal/api/client"},
	"stopline.internal/cmd/stopline/history": {"stopline.internal/stream/event"},
	"stopline.internal/cmd/stopline/backtest": {"stopline.internal/stream/event", "stopline.internal/scoring", "stopline.internal/scoring/pattern", "stopline.internal/store/warehouse",
		"stopline.internal/cmd/stopline/city", "stopline.internal/cmd/stopline/history"},
}

// The rooms import one way, and each says what it is for.
func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Doc", "stopline.internal/...").Output()
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
		if p.ImportPath == "stopline.internal/cmd/stopline" {
			continue
		}
		allowed, known := rooms[p.ImportPath]
		if !known {
			t.Errorf("%s is no room of the design", p.ImportPath)
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "stopline.internal/") && !strings.Contains(" "+strings.Join(allowed, " ")+" ", " "+i+" ") {
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
		if !strings.HasPrefix(name, ".") && !slices.Contains([]string{"cmd", "stream", "scoring", "store", "api", "deploy", "docs", "go.mod", "go.sum", "Makefile", "README.md", "README.zh-CN.md", "LICENSE", "CONTRIBUTING.md",
			"CHANGELOG.md", "SECURITY.md"}, name) {
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
