package main

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// The bounds of what a reader takes in at once. A tab counts as one column.
const (
	maxColumns  = 120
	maxFunction = 80  // lines
	maxFile     = 600 // lines, of a file that is no test
)

// tidyList has what is over the bounds and was so before they were set: a file, how
// many of its lines and of its functions are too long. It only shrinks.
const tidyList = "../../.ci/tidy.txt"

// untidy is how much of a file is over the bounds.
type untidy struct{ lines, functions int }

// Lines, functions and files have bounds. What is over them is listed, and the list
// is true: more fails, and so does less, until the list says so.
func TestTidy(t *testing.T) {
	listed := readTidyList(t)
	found := map[string]untidy{}
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "node_modules" || name == "bin" || name == ".git" || name == "data" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		u, lines := measure(t, path)
		if u != (untidy{}) {
			found[name] = u
		}
		if lines > maxFile && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s has %d lines: divide what is over %d", name, lines, maxFile)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if was, is := listed[name], found[name]; is != was {
			t.Errorf("%s: %d lines over %d columns and %d functions over %d lines; .ci/tidy.txt allows %d and %d. "+
				"Shorten them, or shorten the list", name, is.lines, maxColumns, is.functions, maxFunction, was.lines,
				was.functions)
		}
	}
	for name := range listed {
		if _, still := found[name]; !still {
			t.Errorf("%s is tidy: take it off .ci/tidy.txt", name)
		}
	}
	if os.Getenv("STOPLINE_WRITE") != "" {
		writeTidyList(t, found)
	}
}

func measure(t *testing.T, path string) (u untidy, lines int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		lines++
		if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > maxColumns {
			u.lines++
		}
	}
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && set.Position(fn.End()).Line-set.Position(fn.Pos()).Line+1 > maxFunction {
			u.functions++
		}
	}
	return u, lines
}

func readTidyList(t *testing.T) map[string]untidy {
	t.Helper()
	f, err := os.Open(tidyList)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	out := map[string]untidy{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		var name string
		var u untidy
		if _, err := fmt.Sscan(s.Text(), &u.lines, &u.functions, &name); err != nil {
			t.Fatalf("%s: %q: %v", tidyList, s.Text(), err)
		}
		out[name] = u
	}
	return out
}

// writeTidyList writes the list anew, for whoever has made it shorter.
func writeTidyList(t *testing.T, found map[string]untidy) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# Lines over %d columns, functions over %d lines, file. It only shrinks: see TestTidy.\n",
		maxColumns, maxFunction)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintf(&b, "%d %d %s\n", found[name].lines, found[name].functions, name)
	}
	if err := os.WriteFile(tidyList, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
