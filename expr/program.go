package expr

import (
	"errors"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// program makes closures of a checked tree.
func (b *builder) program(tree *ast.AST) (*Program, error) {
	if err := b.unlike(tree); err != nil {
		return nil, err
	}
	root := tree.Expr()
	b.reads.Types = b.signalTypes(root)
	p := &Program{source: strings.TrimSpace(b.source), use: b.o.Use, max: b.o.MaxCost, slots: b.slots, atoms: b.atoms, reads: b.reads,
		inWindow: b.window, canonical: b.canonical()}
	c := compiler{b: b, tree: tree, p: p}
	if b.o.Use == ForTemplate {
		p.value = c.value(root)
		p.holds = func(f *Facts) bool {
			v, _ := p.value(f)
			return v.kind == aBool && v.n != 0
		}
		return p, c.err
	}
	if p.holds = c.test(root); b.h.explain {
		c.explain(root)
	}
	return p, c.err
}

// canonical writes the tree with the full names of its fields.
func (b *builder) canonical() string {
	shown := ast.Copy(b.shown)
	replace := ast.NewExprVisitor(func(e ast.Expr) {
		if name, ok := b.plain[e.ID()]; ok && e.Kind() != ast.UnspecifiedExprKind {
			e.SetKindCase(ast.NewExprFactory().NewIdent(e.ID(), name))
		}
	})
	ast.PreOrderVisit(shown.Expr(), replace)
	for _, macro := range shown.SourceInfo().MacroCalls() {
		ast.PreOrderVisit(macro, replace)
	}
	return unparse(shown, shown.Expr())
}

// compiler turns nodes of a checked tree into closures.
type compiler struct {
	b    *builder
	tree *ast.AST
	p    *Program
	err  error
}

// test compiles what says yes or no.
func (c *compiler) test(e ast.Expr) test {
	if c.b.h.slow {
		return c.library(e)
	}
	switch e.Kind() {
	case ast.LiteralKind:
		holds := e.AsLiteral() == types.True
		return func(*Facts) bool { return holds }
	case ast.IdentKind:
		if i := slotIndex(e.AsIdent()); i >= 0 && c.p.slots[i].test != nil {
			return c.p.slots[i].test
		}
	case ast.CallKind:
		if t := c.call(e.AsCall()); t != nil {
			return t
		}
	}
	return c.library(e)
}

// call compiles the calls that need no library; nil for another.
func (c *compiler) call(call ast.CallExpr) test {
	name, args := call.FunctionName(), call.Args()
	switch name {
	case operators.LogicalAnd, operators.LogicalOr:
		return group(name == operators.LogicalOr, c.members(name, args))
	case operators.LogicalNot:
		inner := c.test(args[0])
		return func(f *Facts) bool { return !inner(f) }
	case operators.Conditional:
		when, then, otherwise := c.test(args[0]), c.test(args[1]), c.test(args[2])
		return func(f *Facts) bool {
			if when(f) {
				return then(f)
			}
			return otherwise(f)
		}
	case fnTruth, fnHas:
		get := c.slotOf(args[0])
		if get == nil {
			return nil
		}
		if name == fnHas {
			return func(f *Facts) bool { return get(f).kind != missing }
		}
		return func(f *Facts) bool {
			v := get(f)
			return v.kind == aBool && v.n != 0
		}
	case fnMatches, fnWithin:
		return c.special(name, args)
	}
	o, ok := compareFunctions[name]
	if !ok {
		return nil
	}
	return c.comparison(o, args[0], args[1])
}

// members flattens a && b && c.
func (c *compiler) members(name string, args []ast.Expr) []test {
	var all []test
	for _, arg := range args {
		if arg.Kind() == ast.CallKind && arg.AsCall().FunctionName() == name {
			all = append(all, c.members(name, arg.AsCall().Args())...)
			continue
		}
		all = append(all, c.test(arg))
	}
	return all
}

func group(any bool, members []test) test {
	return func(f *Facts) bool {
		for _, holds := range members {
			if holds(f) == any {
				return any
			}
		}
		return !any
	}
}

// slotOf reads the slot that an ident stands for; nil when it is none.
func (c *compiler) slotOf(e ast.Expr) func(*Facts) *val {
	if e.Kind() != ast.IdentKind {
		return nil
	}
	i := slotIndex(e.AsIdent())
	if i < 0 || c.p.slots[i].get == nil {
		return nil
	}
	return c.p.reader(i)
}

// reader reads a slot, notes what is missing, and pays for it. What it gives is as it is until a slot is read again, and not to be changed.
func (p *Program) reader(i int) func(*Facts) *val {
	at, word, bit := p.slots[i].at, i/64, uint64(1)<<(i%64)
	if p.slots[i].quiet {
		bit = 0
	}
	if get := p.slots[i].get; at == nil {
		at = func(f *Facts) *val {
			f.scratch = get(f)
			return &f.scratch
		}
	}
	return func(f *Facts) *val {
		f.run.spend(1)
		v := at(f)
		if v.kind == missing {
			f.run.missing[word] |= bit
		}
		return v
	}
}

// special compiles matches and within on a field.
func (c *compiler) special(name string, args []ast.Expr) test {
	get := c.slotOf(args[0])
	if get == nil {
		return nil
	}
	switch with := c.p.slots[slotIndex(args[1].AsIdent())].with.(type) {
	case *pattern:
		return func(f *Facts) bool {
			v := get(f)
			if v.kind != aText {
				return false
			}
			f.run.spend(with.cost(v.s))
			return !f.run.over && with.holds(v.s)
		}
	case time.Duration:
		return func(f *Facts) bool {
			v := *get(f)
			return window{f, with}.holds(&v)
		}
	}
	return nil
}

// constant reads a constant operand.
func constant(e ast.Expr) (val, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		v := fromCEL(e.AsLiteral())
		return v, v.kind != missing
	case ast.ListKind:
		var list []val
		for _, one := range e.AsList().Elements() {
			v, ok := constant(one)
			if !ok {
				return val{}, false
			}
			list = append(list, v)
		}
		return val{kind: aList, x: list}, true
	}
	return val{}, false
}

// comparison compiles a comparison of fields and constants; nil when an operand is another.
func (c *compiler) comparison(o op, left, right ast.Expr) test {
	a, b := c.slotOf(left), c.slotOf(right)
	x, leftConstant := constant(left)
	y, rightConstant := constant(right)
	switch {
	case a != nil && b != nil:
		return func(f *Facts) bool {
			x := *a(f)
			return f.compare(o, &x, b(f))
		}
	case a != nil && rightConstant:
		return against(o, a, y)
	case b != nil && leftConstant:
		if o <= opGreaterEqual {
			return against(turned[o], b, x)
		}
		return func(f *Facts) bool {
			return f.compare(o, &x, b(f))
		}
	}
	return nil
}

var turned = [...]op{opEqual: opEqual, opNotEqual: opNotEqual, opLess: opGreater, opLessEqual: opGreaterEqual, opGreater: opLess, opGreaterEqual: opLessEqual}

// against compiles field op constant, the commonest condition.
func against(o op, get func(*Facts) *val, with val) test {
	price := o.cost(&val{}, &with)
	return func(f *Facts) bool {
		a := get(f)
		if a.kind >= aList || o == opContains {
			return f.compare(o, a, &with)
		}
		if f.run.spend(price); f.run.over {
			return false
		}
		return o.holds(a, &with)
	}
}

// compare pays first.
func (f *Facts) compare(o op, a, b *val) bool {
	f.run.spend(o.cost(a, b))
	return !f.run.over && o.holds(a, b)
}

// library compiles a node as a CEL program.
func (c *compiler) library(e ast.Expr) test {
	ask := c.plan(e)
	return func(f *Facts) bool {
		v, _ := ask(f)
		return v.kind == aBool && v.n != 0
	}
}

// value compiles what may be of any type.
func (c *compiler) value(e ast.Expr) func(*Facts) (val, bool) {
	if get := c.slotOf(e); get != nil && !c.b.h.slow {
		return func(f *Facts) (val, bool) { return *get(f), true }
	}
	if v, ok := constant(e); ok && !c.b.h.slow && v.kind != aList {
		return func(*Facts) (val, bool) { return v, true }
	}
	return c.plan(e)
}

// errMissing is what the library is given for a field that is absent.
var errMissing = types.NewErr("missing").(*types.Err)

// plan makes a CEL program of a node.
func (c *compiler) plan(e ast.Expr) func(*Facts) (val, bool) {
	leaf := ast.NewCheckedAST(ast.NewAST(e, c.tree.SourceInfo()), c.tree.TypeMap(), c.tree.ReferenceMap())
	planned, err := environment().PlanProgram(leaf, cel.CostLimit(c.p.max), cel.CostTracking(prices{}), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		c.fail(e, err)
		return nil
	}
	return func(f *Facts) (val, bool) {
		if f.run.over {
			return val{}, false
		}
		out, details, err := planned.Eval(&activation{f})
		if cost := details.ActualCost(); cost != nil {
			f.run.spend(*cost)
		}
		var cut interpreter.EvalCancelledError
		if errors.As(err, &cut) {
			f.run.over = true
		}
		if err != nil || f.run.over {
			return val{}, errors.Is(err, errMissing)
		}
		return fromCEL(out), true
	}
}

func (c *compiler) fail(e ast.Expr, err error) {
	at := c.tree.SourceInfo().GetStartLocation(e.ID())
	if c.err == nil {
		c.err = &Error{Line: max(at.Line(), 1), Column: max(at.Column(), 0) + 1, Msg: "cannot be used: " + err.Error()}
	}
}

// activation hands the library what slots read.
type activation struct{ f *Facts }

func (a *activation) Parent() cel.Activation { return nil }

func (a *activation) ResolveName(name string) (any, bool) {
	i := slotIndex(name)
	if i < 0 || i >= len(a.f.run.p.slots) {
		return nil, false
	}
	switch s := &a.f.run.p.slots[i]; {
	case s.test != nil:
		return types.Bool(s.test(a.f)), true
	case s.get != nil:
		v := s.get(a.f)
		if v.kind == missing {
			if !s.quiet {
				a.f.run.missing[i/64] |= 1 << (i % 64)
			}
			return errMissing, true
		}
		return v.native(), true
	default:
		if d, ok := s.with.(time.Duration); ok {
			return ref.Val(handle{window{a.f, d}}), true
		}
		return ref.Val(handle{s.with}), true
	}
}
