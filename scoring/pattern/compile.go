package pattern

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"stopline.internal/stream/event"
)

// maxCondition bounds the text of one condition, in bytes, and maxNodes its
// size, so that the cost of a pattern is bounded when it is loaded.
const (
	maxCondition = 2000
	maxNodes     = 200
)

// Expressions answer false for ok where CEL would answer an error.
type (
	boolExpr[V any]   func(*V) (value, ok bool)
	intExpr[V any]    func(*V) (value int64, ok bool)
	doubleExpr[V any] func(*V) (value float64, ok bool)
	stringExpr[V any] func(*V) (value string, ok bool)
)

// compiler turns conditions into closures over the features' view.
type compiler[V any] struct {
	env      *cel.Env
	features map[string]*Feature[V]
	names    []string

	checked *ast.AST      // of the condition at hand
	reads   []*Feature[V] // of the condition at hand
	cost    int           // of what has been compiled of it
}

func newCompiler[V any](features []Feature[V]) (*compiler[V], error) {
	c := &compiler[V]{features: map[string]*Feature[V]{}}
	opts := []cel.EnvOption{
		cel.ClearMacros(),
		cel.Function("yuan",
			cel.Overload("yuan_int", []*cel.Type{cel.IntType}, cel.IntType)),
	}
	for i := range features {
		f := &features[i]
		c.features[f.Name] = f
		c.names = append(c.names, f.Name)
		opts = append(opts, cel.Variable(f.Name, [...]*cel.Type{cel.BoolType, cel.IntType, cel.DoubleType, cel.StringType,
			cel.DurationType}[f.Type]))
	}
	var err error
	c.env, err = cel.NewEnv(opts...)
	return c, err
}

// condition compiles the text of one condition.
func (c *compiler[V]) condition(text string) (boolExpr[V], []*Feature[V], error) {
	if text == "" {
		return nil, nil, fmt.Errorf("is required: a condition over the features, see \"stopline patterns features\"")
	}
	if len(text) > maxCondition {
		return nil, nil, fmt.Errorf("has %d bytes; the limit is %d", len(text), maxCondition)
	}
	a, issues := c.env.Compile(text)
	if issues.Err() != nil {
		var parts []string
		for _, e := range issues.Errors() {
			parts = append(parts, e.Message+c.suggest(e.Message))
		}
		return nil, nil, fmt.Errorf("%s", strings.Join(parts, "; "))
	}
	c.checked, c.reads = a.NativeRep(), nil
	if n := len(c.checked.IDs()); n > maxNodes {
		return nil, nil, fmt.Errorf("has %d terms; the limit is %d", n, maxNodes)
	}
	e, err := c.bool(c.checked.Expr())
	return e, c.reads, err
}

// suggest names the feature that is nearest to one that does not exist.
func (c *compiler[V]) suggest(message string) string {
	_, rest, found := strings.Cut(message, "undeclared reference to '")
	if !found {
		return ""
	}
	name, _, _ := strings.Cut(rest, "'")
	best, distance := "", math.MaxInt
	for _, n := range c.names {
		if d := edits(name, n); d < distance || d == distance && n < best {
			best, distance = n, d
		}
	}
	return fmt.Sprintf(": no such feature; did you mean %s?", best)
}

// edits is the distance between two names; a name that begins another is near it.
func edits(a, b string) int {
	d := event.EditDistance(a, b)
	if strings.HasPrefix(b, a+".") {
		d = min(d, 3)
	}
	return d
}

// feature finds the feature that an identifier or a dotted selection names.
func (c *compiler[V]) feature(e ast.Expr) *Feature[V] {
	r, ok := c.checked.ReferenceMap()[e.ID()]
	if !ok || r.Name == "" {
		return nil
	}
	f := c.features[strings.TrimPrefix(r.Name, ".")]
	if f != nil {
		c.cost += 1 << f.Cost
		if !slices.Contains(c.reads, f) {
			c.reads = append(c.reads, f)
		}
	}
	return f
}

func (c *compiler[V]) kind(e ast.Expr) types.Kind { return c.checked.GetType(e.ID()).Kind() }

func unsupported(e ast.Expr) error {
	if e.Kind() == ast.CallKind {
		return fmt.Errorf("%s cannot be used in a pattern", strings.Trim(e.AsCall().FunctionName(), "_@"))
	}
	return fmt.Errorf("only features, constants, comparisons, arithmetic and lists of constants can be used in a pattern")
}

func (c *compiler[V]) bool(e ast.Expr) (boolExpr[V], error) {
	if f := c.feature(e); f != nil && f.Type == Bool {
		return func(v *V) (bool, bool) { return f.Bool(v), true }, nil
	}
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().Value().(bool); ok {
			return func(*V) (bool, bool) { return b, true }, nil
		}
	case ast.CallKind:
		return c.boolCall(e)
	}
	return nil, unsupported(e)
}

func (c *compiler[V]) boolCall(e ast.Expr) (boolExpr[V], error) {
	call := e.AsCall()
	args := call.Args()
	switch fn := call.FunctionName(); fn {
	case operators.LogicalNot:
		x, err := c.bool(args[0])
		return func(v *V) (bool, bool) { b, ok := x(v); return !b, ok }, err
	case operators.LogicalAnd, operators.LogicalOr:
		return c.chain(fn, e)
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater,
		operators.GreaterEquals:
		return c.comparison(fn, args[0], args[1])
	case operators.In:
		return c.in(args[0], args[1])
	}
	return nil, unsupported(e)
}

// chain compiles a && b && … or a || b || …, the cheapest side first. As in
// CEL, the decisive value of one side outweighs an error of another, so that
// their order does not show.
func (c *compiler[V]) chain(fn string, e ast.Expr) (boolExpr[V], error) {
	type side struct {
		eval boolExpr[V]
		cost int
	}
	var sides []side
	var collect func(e ast.Expr) error
	collect = func(e ast.Expr) error {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == fn {
			for _, arg := range e.AsCall().Args() {
				if err := collect(arg); err != nil {
					return err
				}
			}
			return nil
		}
		outer := c.cost
		c.cost = 0
		x, err := c.bool(e)
		sides = append(sides, side{x, c.cost})
		c.cost += outer
		return err
	}
	if err := collect(e); err != nil {
		return nil, err
	}
	slices.SortStableFunc(sides, func(a, b side) int { return a.cost - b.cost })
	evals := make([]boolExpr[V], len(sides))
	for i, s := range sides {
		evals[i] = s.eval
	}
	decisive := fn == operators.LogicalOr
	return func(v *V) (bool, bool) {
		whole := true
		for _, x := range evals {
			b, ok := x(v)
			if ok && b == decisive {
				return decisive, true
			}
			whole = whole && ok
		}
		return !decisive, whole
	}, nil
}

func (c *compiler[V]) comparison(fn string, l, r ast.Expr) (boolExpr[V], error) {
	if c.kind(l) != c.kind(r) {
		return nil, fmt.Errorf("both sides of a comparison must be of one type: write 0.8, not 8, beside a double")
	}
	switch c.kind(l) {
	case types.IntKind, types.DurationKind:
		if k, ok := c.constant(r); ok {
			if f := c.feature(l); f != nil && f.Int != nil {
				return against(fn, f.Int, k), nil
			}
		}
		return compare(fn, l, r, c.int)
	case types.DoubleKind:
		if r.Kind() == ast.LiteralKind {
			if f := c.feature(l); f != nil && f.Double != nil {
				if k, ok := r.AsLiteral().Value().(float64); ok {
					return against(fn, f.Double, k), nil
				}
			}
		}
		return compare(fn, l, r, c.double)
	case types.StringKind:
		return compare(fn, l, r, c.string)
	case types.BoolKind:
		x, err := c.bool(l)
		if err != nil {
			return nil, err
		}
		y, err := c.bool(r)
		if err != nil {
			return nil, err
		}
		if fn != operators.Equals && fn != operators.NotEquals {
			return nil, fmt.Errorf("true and false have no order")
		}
		return func(v *V) (bool, bool) {
			a, okA := x(v)
			b, okB := y(v)
			return (a == b) == (fn == operators.Equals), okA && okB
		}, nil
	}
	return nil, unsupported(l)
}

// constant is the value of an expression without features.
func (c *compiler[V]) constant(e ast.Expr) (int64, bool) {
	reads := len(c.reads)
	x, err := c.int(e)
	if err != nil || len(c.reads) != reads || mentions(e) {
		return 0, false
	}
	return x(nil)
}

// mentions says whether an expression names anything.
func mentions(e ast.Expr) bool {
	switch e.Kind() {
	case ast.LiteralKind:
		return false
	case ast.CallKind:
		return slices.ContainsFunc(e.AsCall().Args(), mentions)
	}
	return true
}

// against compares a feature with a constant, which is what most conditions do.
func against[V any, T int64 | float64](fn string, f func(*V) T, k T) boolExpr[V] {
	switch fn {
	case operators.Equals:
		return func(v *V) (bool, bool) { return f(v) == k, true }
	case operators.NotEquals:
		return func(v *V) (bool, bool) { return f(v) != k, true }
	case operators.Less:
		return func(v *V) (bool, bool) { return f(v) < k, true }
	case operators.LessEquals:
		return func(v *V) (bool, bool) { return f(v) <= k, true }
	case operators.Greater:
		return func(v *V) (bool, bool) { return f(v) > k, true }
	default:
		return func(v *V) (bool, bool) { return f(v) >= k, true }
	}
}

// compare builds a comparison of two ordered values.
func compare[V any, T int64 | float64 | string, X ~func(*V) (T, bool)](fn string, l, r ast.Expr,
	compile func(ast.Expr) (X, error)) (boolExpr[V], error) {
	x, err := compile(l)
	if err != nil {
		return nil, err
	}
	y, err := compile(r)
	if err != nil {
		return nil, err
	}
	var test func(a, b T) bool
	switch fn {
	case operators.Equals:
		test = func(a, b T) bool { return a == b }
	case operators.NotEquals:
		test = func(a, b T) bool { return a != b }
	case operators.Less:
		test = func(a, b T) bool { return a < b }
	case operators.LessEquals:
		test = func(a, b T) bool { return a <= b }
	case operators.Greater:
		test = func(a, b T) bool { return a > b }
	default:
		test = func(a, b T) bool { return a >= b }
	}
	return func(v *V) (bool, bool) {
		a, okA := x(v)
		b, okB := y(v)
		return test(a, b), okA && okB
	}, nil
}

func (c *compiler[V]) in(l, r ast.Expr) (boolExpr[V], error) {
	if r.Kind() != ast.ListKind {
		return nil, fmt.Errorf("the right side of in must be a list of constants")
	}
	var any boolExpr[V]
	for _, el := range r.AsList().Elements() {
		one, err := c.comparison(operators.Equals, l, el)
		if err != nil {
			return nil, err
		}
		if prev := any; prev == nil {
			any = one
		} else {
			any = func(v *V) (bool, bool) {
				a, okA := prev(v)
				if okA && a {
					return true, true
				}
				b, okB := one(v)
				return b, okA && okB
			}
		}
	}
	if any == nil {
		return nil, fmt.Errorf("in needs a list that is not empty")
	}
	return any, nil
}

// int compiles ints and durations, which are nanoseconds.
func (c *compiler[V]) int(e ast.Expr) (intExpr[V], error) {
	if f := c.feature(e); f != nil && f.Int != nil {
		return func(v *V) (int64, bool) { return f.Int(v), true }, nil
	}
	if e.Kind() == ast.LiteralKind {
		if n, ok := e.AsLiteral().Value().(int64); ok {
			return func(*V) (int64, bool) { return n, true }, nil
		}
		return nil, unsupported(e)
	}
	if e.Kind() != ast.CallKind {
		return nil, unsupported(e)
	}
	args := e.AsCall().Args()
	switch fn := e.AsCall().FunctionName(); fn {
	case "duration":
		if args[0].Kind() == ast.LiteralKind {
			s, _ := args[0].AsLiteral().Value().(string)
			d, err := time.ParseDuration(s)
			if err != nil {
				return nil, fmt.Errorf("duration('%s') is not one such as '90s', '20m' or '48h'", s)
			}
			return func(*V) (int64, bool) { return int64(d), true }, nil
		}
		return nil, fmt.Errorf("duration needs a constant such as '20m'")
	case "yuan":
		x, err := c.int(args[0])
		if err != nil {
			return nil, err
		}
		return func(v *V) (int64, bool) { n, ok := x(v); return times(n, 100, ok) }, nil
	case operators.Negate:
		x, err := c.int(args[0])
		return func(v *V) (int64, bool) { n, ok := x(v); return -n, ok && n != math.MinInt64 }, err
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo:
		x, err := c.int(args[0])
		if err != nil {
			return nil, err
		}
		y, err := c.int(args[1])
		if err != nil {
			return nil, err
		}
		return func(v *V) (int64, bool) {
			a, okA := x(v)
			b, okB := y(v)
			return arith(fn, a, b, okA && okB)
		}, nil
	}
	return nil, unsupported(e)
}

// arith is CEL's integer arithmetic: overflow and division by zero fail.
func arith(fn string, a, b int64, ok bool) (int64, bool) {
	switch fn {
	case operators.Add:
		s := a + b
		return s, ok && (s > a) == (b > 0)
	case operators.Subtract:
		s := a - b
		return s, ok && (s < a) == (b > 0)
	case operators.Multiply:
		return times(a, b, ok)
	case operators.Divide:
		if b == 0 || a == math.MinInt64 && b == -1 {
			return 0, false
		}
		return a / b, ok
	default:
		if b == 0 || a == math.MinInt64 && b == -1 {
			return 0, false
		}
		return a % b, ok
	}
}

func times(a, b int64, ok bool) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, ok
	}
	if a == -1 && b == math.MinInt64 || b == -1 && a == math.MinInt64 {
		return 0, false
	}
	p := a * b
	return p, ok && p/b == a
}

func (c *compiler[V]) double(e ast.Expr) (doubleExpr[V], error) {
	if f := c.feature(e); f != nil && f.Double != nil {
		return func(v *V) (float64, bool) { return f.Double(v), true }, nil
	}
	if e.Kind() == ast.LiteralKind {
		if n, ok := e.AsLiteral().Value().(float64); ok {
			return func(*V) (float64, bool) { return n, true }, nil
		}
		return nil, unsupported(e)
	}
	if e.Kind() != ast.CallKind {
		return nil, unsupported(e)
	}
	args := e.AsCall().Args()
	switch fn := e.AsCall().FunctionName(); fn {
	case "double":
		if c.kind(args[0]) != types.IntKind {
			return nil, unsupported(e)
		}
		x, err := c.int(args[0])
		return func(v *V) (float64, bool) { n, ok := x(v); return float64(n), ok }, err
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide:
		x, err := c.double(args[0])
		if err != nil {
			return nil, err
		}
		y, err := c.double(args[1])
		if err != nil {
			return nil, err
		}
		return func(v *V) (float64, bool) {
			a, okA := x(v)
			b, okB := y(v)
			switch fn {
			case operators.Add:
				a += b
			case operators.Subtract:
				a -= b
			case operators.Multiply:
				a *= b
			default:
				a /= b
			}
			return a, okA && okB
		}, nil
	}
	return nil, unsupported(e)
}

func (c *compiler[V]) string(e ast.Expr) (stringExpr[V], error) {
	if f := c.feature(e); f != nil && f.String != nil {
		return func(v *V) (string, bool) { return f.String(v), true }, nil
	}
	if e.Kind() == ast.LiteralKind {
		if s, ok := e.AsLiteral().Value().(string); ok {
			return func(*V) (string, bool) { return s, true }, nil
		}
	}
	return nil, unsupported(e)
}
