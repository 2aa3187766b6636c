package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mutant is one small change of a file.
type mutant struct {
	pkg, file string // from the root of the tree
	line      int
	from, to  int    // bytes of the file that are replaced
	text      string // by this
	was       string
	kind      string
}

func (m mutant) String() string {
	short := func(s string) string {
		s = strings.Join(strings.Fields(s), " ")
		if r := []rune(s); len(r) > 80 {
			return string(r[:80]) + "…"
		}
		return s
	}
	return fmt.Sprintf("%s:%d: %s: %s  ->  %s", m.file, m.line, m.kind, short(m.was), short(m.text))
}

// swaps are the operators that are put in the place of another.
var swaps = map[token.Token][]token.Token{
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL},
	token.REM: {token.MUL}, token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD_ASSIGN: {token.SUB_ASSIGN}, token.SUB_ASSIGN: {token.ADD_ASSIGN},
	token.SHL: {token.SHR}, token.SHR: {token.SHL}, token.AND: {token.OR}, token.OR: {token.AND},
	token.INC: {token.DEC}, token.DEC: {token.INC},
}

// mutantsOf lists the mutants of a package's files, tests left out.
func mutantsOf(pkg string) ([]mutant, error) {
	names, err := filepath.Glob(filepath.Join(pkg, "*.go"))
	if err != nil {
		return nil, err
	}
	var out []mutant
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		f := finder{pkg: pkg, name: name, src: src, set: set}
		for _, d := range file.Decls {
			f.walk(d)
		}
		out = append(out, f.found...)
	}
	return out, nil
}

// finder finds the mutants of a file.
type finder struct {
	pkg, name string
	src       []byte
	set       *token.FileSet
	found     []mutant
}

// add notes a mutant: text in the place of what lies between two positions.
func (f *finder) add(kind string, from, to token.Pos, text string) {
	p, a, b := f.set.Position(from), f.set.Position(from).Offset, f.set.Position(to).Offset
	f.found = append(f.found, mutant{pkg: f.pkg, file: f.name, line: p.Line, from: a, to: b,
		text: text, was: string(f.src[a:b]), kind: kind})
}

// source is the text of a node.
func (f *finder) source(n ast.Node) string {
	return string(f.src[f.set.Position(n.Pos()).Offset:f.set.Position(n.End()).Offset])
}

// operator notes what else may stand for an operator: at is its place between its
// first operand and the end of the second.
func (f *finder) operator(op token.Token, first ast.Node, at, end token.Pos) {
	left := string(f.src[f.set.Position(first.Pos()).Offset:f.set.Position(at).Offset])
	right := string(f.src[f.set.Position(at).Offset+len(op.String()) : f.set.Position(end).Offset])
	for _, other := range swaps[op] {
		f.add("operator", first.Pos(), end, left+other.String()+right)
	}
}

// walk visits what lies in a declaration.
func (f *finder) walk(root ast.Node) {
	var results []*ast.FieldList // of the functions that enclose what is visited
	var stack []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			switch stack[len(stack)-1].(type) {
			case *ast.FuncDecl, *ast.FuncLit:
				results = results[:len(results)-1]
			}
			stack = stack[:len(stack)-1]
			return false
		}
		switch n := n.(type) {
		case *ast.ImportSpec, *ast.StructType:
			return false // nothing in them is done
		case *ast.FuncDecl:
			results = append(results, n.Type.Results)
		case *ast.FuncLit:
			results = append(results, n.Type.Results)
		case *ast.BlockStmt:
			f.statements(n.List)
		case *ast.CaseClause:
			f.statements(n.Body)
		case *ast.CommClause:
			f.statements(n.Body)
		case *ast.IfStmt:
			f.negate(n.Cond)
		case *ast.ForStmt:
			f.negate(n.Cond)
		case *ast.BinaryExpr:
			f.operator(n.Op, n.X, n.OpPos, n.End())
		case *ast.BasicLit:
			f.constant(n)
		case *ast.ReturnStmt:
			f.zero(n, results[len(results)-1])
		}
		stack = append(stack, n)
		return true
	})
}

// negate notes the contrary of a condition. Of a comparison, the swaps have it.
func (f *finder) negate(cond ast.Expr) {
	b, ok := cond.(*ast.BinaryExpr)
	if cond == nil || ok && b.Op.Precedence() == token.EQL.Precedence() {
		return
	}
	f.add("negate", cond.Pos(), cond.End(), "!("+f.source(cond)+")")
}

// constant notes an integer with one more.
func (f *finder) constant(n *ast.BasicLit) {
	if v, err := strconv.ParseInt(n.Value, 0, 64); n.Kind == token.INT && err == nil {
		f.add("constant", n.Pos(), n.End(), fmt.Sprint(v+1))
	}
}

// statements notes assignments and calls without which the block compiles.
func (f *finder) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.ADD_ASSIGN || s.Tok == token.SUB_ASSIGN {
				f.operator(s.Tok, s.Lhs[0], s.TokPos, s.End())
			}
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.IncDecStmt:
			f.operator(s.Tok, s.X, s.TokPos, s.End())
		case *ast.ExprStmt:
		default:
			continue
		}
		f.add("drop", s.Pos(), s.End(), "if false { "+f.source(s)+" }")
	}
}

// zero notes a return of zero values. What was returned stays behind it, so that
// all that it uses is used.
func (f *finder) zero(n *ast.ReturnStmt, types *ast.FieldList) {
	if types == nil || len(n.Results) == 0 {
		return
	}
	var values []string
	same := true
	for _, t := range types.List {
		zero := "*new(" + f.source(t.Type) + ")"
		for range max(1, len(t.Names)) {
			values = append(values, zero)
		}
	}
	for _, r := range n.Results { // what returns zero values already is no mutant
		switch text := f.source(r); text {
		case "nil", "false", "0", `""`:
		default:
			same = false
		}
	}
	if !same {
		f.add("zero", n.Pos(), n.End(), "if true { return "+strings.Join(values, ", ")+" }; "+f.source(n))
	}
}
