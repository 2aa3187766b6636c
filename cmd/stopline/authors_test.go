package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream"
)

// sources parses every file of the program.
func sources(t *testing.T) (*token.FileSet, []*ast.File) {
	t.Helper()
	set := token.NewFileSet()
	var files []*ast.File
	for _, room := range []string{"api", "scoring", "store", "stream", "cmd"} {
		err := filepath.WalkDir(filepath.Join("../..", room), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == "node_modules" {
				return fs.SkipDir
			}
			if err != nil {
				return err
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			files = append(files, f)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return set, files
}

// byParameters finds which argument of which function of the ledger is an author.
func byParameters(files []*ast.File) map[string]int {
	at := map[string]int{}
	for _, f := range files {
		// elsewhere "by" may be what statistics are grouped by
		if !slices.Contains([]string{"ledger", "stop", "giveback", "desk"}, f.Name.Name) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			d, ok := n.(*ast.FuncDecl)
			if !ok {
				return true
			}
			i := 0
			for _, p := range d.Type.Params.List {
				for _, name := range p.Names {
					if name.Name == "by" {
						at[d.Name.Name] = i
					}
					i++
				}
			}
			return true
		})
	}
	return at
}

// Every name that the code itself signs with is on the ledger's list, so that
// no person's key may have it.
func TestAutomaticAuthorsAreReserved(t *testing.T) {
	set, files := sources(t)
	at := byParameters(files)
	found := map[string]bool{}
	see := func(e ast.Expr) {
		l, ok := e.(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			return
		}
		name, err := strconv.Unquote(l.Value)
		if err != nil {
			t.Fatal(err)
		}
		found[name] = true
		if !slices.Contains(law.AutomaticAuthors(), name) {
			t.Errorf("%s: %q signs here and is not in store/ledger/law/authors.go", set.Position(e.Pos()), name)
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if k, ok := n.Key.(*ast.Ident); ok && k.Name == "By" {
					see(n.Value)
				}
			case *ast.CallExpr:
				name := ""
				switch fun := n.Fun.(type) {
				case *ast.Ident:
					name = fun.Name
				case *ast.SelectorExpr:
					name = fun.Sel.Name
				}
				if i, ok := at[name]; ok && i < len(n.Args) {
					see(n.Args[i])
				}
			}
			return true
		})
	}
	for _, name := range append(law.AutomaticAuthors(), stream.BuiltIn) {
		if name != stream.BuiltIn && !found[name] {
			t.Errorf("nothing signs as %q: take it off the list", name)
		}
		if !slices.Contains(law.AutomaticAuthors(), name) {
			t.Errorf("%q is not on the list", name)
		}
	}
}
