package expr

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// slot is something that a program reads: a field, a part on signals, or a pattern.
type slot struct {
	typ   byte
	name  string              // as it is written
	field string              // as Reads and Missing name it
	get   func(f *Facts) val  // of a field or a last time
	at    func(f *Facts) *val // get, without copying what is read once for many programs; nil: there is only get
	test  func(f *Facts) bool // of a part on signals
	quiet bool                // has() asks for it
	with  any                 // *pattern, or a time.Duration of within
}

// builder turns a parsed tree into a program: it puts slots in the place of fields and parts on signals, and our own comparisons in the place of CEL's.
type builder struct {
	source string
	o      Options
	h      how
	tree   *ast.AST
	shown  *ast.AST // as it was written
	make   ast.ExprFactory
	last   int64 // the highest id given

	slots  []slot
	byKey  map[string]int
	atoms  []*Atom
	locals []string         // variables of macros that are in force
	plain  map[int64]string // canonical paths by the id of their node
	reads  Reads
	window time.Duration
	err    *Error
}

func newBuilder(source string, o Options, h how, tree *ast.AST) *builder {
	b := &builder{source: source, o: o, h: h, tree: tree, make: ast.NewExprFactoryWithAccumulator("@result"), last: ast.MaxID(tree) + 1,
		byKey: map[string]int{}, plain: map[int64]string{}}
	if h.alias != "" {
		b.windows(tree.Expr())
	}
	b.shown = ast.Copy(tree)
	return b
}

// resolve rewrites the whole tree.
func (b *builder) resolve(root ast.Expr) {
	if b.o.Use == ForTemplate {
		b.value(root)
		return
	}
	b.cond(root)
}

// fail notes the first error.
func (b *builder) fail(e ast.Expr, near []string, format string, args ...any) {
	if b.err != nil {
		return
	}
	at := b.tree.SourceInfo().GetStartLocation(e.ID())
	column := max(at.Column(), 0) + 1
	if o, ok := b.tree.SourceInfo().GetOffsetRange(e.ID()); ok && e.Kind() == ast.SelectKind && int(o.Start) < len(b.source) {
		column++ // past the dot
	}
	b.err = &Error{Line: max(at.Line(), 1), Column: column, Msg: fmt.Sprintf(format, args...) + didYouMean(near), Near: near}
}

// node gives a new node the place of an old one.
func (b *builder) node(like ast.Expr) int64 {
	b.last++
	if at, ok := b.tree.SourceInfo().GetOffsetRange(like.ID()); ok {
		b.tree.SourceInfo().SetOffsetRange(b.last, at)
	}
	return b.last
}

// wrap puts a call around a node.
func (b *builder) wrap(e ast.Expr, function string) {
	inner := b.make.NewUnspecifiedExpr(b.node(e))
	inner.SetKindCase(e)
	e.SetKindCase(b.make.NewCall(e.ID(), function, inner))
}

// cond rewrites what must say yes or no.
func (b *builder) cond(e ast.Expr) {
	if b.err != nil {
		return
	}
	if e.Kind() == ast.CallKind {
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional:
			for _, arg := range call.Args() {
				b.cond(arg)
			}
			return
		}
	}
	b.value(e)
	switch {
	case e.Kind() == ast.LiteralKind && e.AsLiteral().Type() == types.BoolType:
	case e.Kind() == ast.IdentKind && strings.HasPrefix(e.AsIdent(), "@b"):
	case e.Kind() == ast.CallKind && answers(e.AsCall().FunctionName()):
	default:
		b.wrap(e, fnTruth)
	}
}

// answers says whether a function of ours gives yes or no, whatever it is given.
func answers(function string) bool {
	_, ok := compareFunctions[function]
	return ok || function == fnTruth || function == fnHas || function == fnMatches || function == fnWithin
}

// value rewrites what may be of any type.
func (b *builder) value(e ast.Expr) {
	if b.err != nil {
		return
	}
	switch e.Kind() {
	case ast.LiteralKind:
		if e.AsLiteral().Type() == types.BytesType {
			b.fail(e, nil, "bytes are not known here: write a text")
		}
	case ast.IdentKind, ast.SelectKind:
		b.read(e)
	case ast.CallKind:
		b.call(e)
	case ast.ListKind:
		for _, one := range e.AsList().Elements() {
			b.value(one)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			b.value(entry.AsMapEntry().Key())
			b.value(entry.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		b.comprehension(e)
	default:
		b.fail(e, nil, "objects with a type are not known here")
	}
}

// read rewrites a field, or what is read of another value.
func (b *builder) read(e ast.Expr) {
	if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
		b.has(e)
		return
	}
	if path, ok := b.chain(e); ok {
		b.field(e, path, false)
		return
	}
	if e.Kind() == ast.SelectKind {
		b.value(e.AsSelect().Operand())
	}
}

// has rewrites has(field): there and not null.
func (b *builder) has(e ast.Expr) {
	sel := e.AsSelect()
	inner := b.make.NewSelect(b.node(e), sel.Operand(), sel.FieldName())
	if path, ok := b.chain(inner); ok {
		if path[0] == "signals" {
			b.refuseSignals(e)
			return
		}
		b.field(inner, path, true)
		if macro, ok := b.tree.SourceInfo().GetMacroCall(e.ID()); ok { // there the field has another node
			b.plain[macro.AsCall().Args()[0].ID()] = b.plain[inner.ID()]
		}
	} else {
		b.value(sel.Operand())
	}
	e.SetKindCase(b.make.NewCall(e.ID(), fnHas, inner))
}

// chain reads a path of fields from a variable that is no macro's: a.b["c"].
func (b *builder) chain(e ast.Expr) ([]string, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		name := e.AsIdent()
		if slices.Contains(b.locals, name) || strings.HasPrefix(name, "@") {
			return nil, false
		}
		return []string{name}, true
	case ast.SelectKind:
		sel := e.AsSelect()
		if path, ok := b.chain(sel.Operand()); ok && !sel.IsTestOnly() {
			return append(path, sel.FieldName()), true
		}
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index {
			return nil, false
		}
		key, isText := literalText(call.Args()[1])
		if path, ok := b.chain(call.Args()[0]); ok && isText {
			return append(path, key), true
		}
	}
	return nil, false
}

// field puts a slot in the place of a path.
func (b *builder) field(e ast.Expr, path []string, quiet bool) {
	written := pathText(path)
	canonical, typ, ok := b.known(e, path)
	if !ok {
		return
	}
	name := pathText(canonical)
	b.plain[e.ID()] = name
	b.reads.add(canonical[0], name)
	key := fmt.Sprint("field ", name, quiet)
	i := b.slot(e, key, func() slot {
		return slot{typ: typ, name: written, field: name, get: getter(canonical), at: placed(canonical), quiet: quiet}
	})
	b.put(e, i)
}

// put makes a node the ident of a slot.
func (b *builder) put(e ast.Expr, i int) {
	if b.err == nil {
		e.SetKindCase(b.make.NewIdent(e.ID(), slotName(b.slots[i].typ, i)))
	}
}

// slot finds the slot of a key, or makes it.
func (b *builder) slot(e ast.Expr, key string, create func() slot) int {
	if i, ok := b.byKey[key]; ok {
		return i
	}
	if len(b.slots) == maxSlots {
		b.fail(e, nil, "reads more than %d different fields", maxSlots)
		return 0
	}
	b.slots = append(b.slots, create())
	b.byKey[key] = len(b.slots) - 1
	return len(b.slots) - 1
}

// add notes that a field is read.
func (r *Reads) add(root, field string) {
	switch root {
	case "signal":
		r.Signal = true
	case "account":
		r.Account = true
	case "contact":
		r.Contact = true
	case "signals":
		r.Signals = true
	}
	if i, found := slices.BinarySearch(r.Fields, field); !found {
		r.Fields = slices.Insert(r.Fields, i, field)
	}
}

// known checks a path and gives its canonical form and its type's letter.
func (b *builder) known(e ast.Expr, path []string) ([]string, byte, bool) {
	root, whole := path[0], e
	e = pathPart(e, 1, len(path))
	switch {
	case b.h.alias != "" && root == b.h.alias:
		path = append([]string{"signal"}, path[1:]...)
	case b.h.alias != "":
		b.fail(e, nil, "%s cannot be read here: inside signals.exists only %s is, as in %s.type", root, b.h.alias, b.h.alias)
		return nil, 0, false
	case slices.Contains(b.o.Extra, root):
		return path, 'd', true
	case b.o.Only:
		b.fail(e, nearest(root, b.roots()), "unknown variable %s: only %s can be read here", root, listed(b.o.Extra))
		return nil, 0, false
	case root == "properties" || root == "context":
		path = append([]string{"signal", "properties"}, path[1:]...)
	case root == "signals":
		b.refuseSignals(e)
		return nil, 0, false
	case root == "now":
		b.fail(e, nil, `now cannot be read: write within(signal.occurred_at, "14d")`)
		return nil, 0, false
	case fields[root] == nil:
		near := nearest(root, b.roots())
		b.fail(e, near, "unknown variable %s", root)
		return nil, 0, false
	case root != "signal" && b.o.Use == ForSignal:
		b.fail(e, nil, "%s cannot be read here: only signal, properties and context can", root)
		return nil, 0, false
	}
	return b.inside(whole, root, path)
}

// inside checks the fields of a root that has fixed ones.
func (b *builder) inside(e ast.Expr, written string, path []string) ([]string, byte, bool) {
	if len(path) == 1 {
		return path, 'd', true
	}
	one, ok := fieldOf(path[0], path[1])
	if fields[written] != nil || written == b.h.alias || written == "signals" {
		e = pathPart(e, 2, len(path))
	}
	switch {
	case !ok:
		near := nearest(path[1], fieldNames(path[0]))
		for i := range near {
			near[i] = written + "." + near[i]
		}
		if len(near) == 0 && (path[0] == "account" || path[0] == "contact") {
			near = []string{pathText([]string{written, "attributes", path[1]})}
		}
		b.fail(e, near, "unknown field %s", pathText([]string{written, path[1]}))
		return nil, 0, false
	case one.get != nil && len(path) > 2:
		b.fail(e, nil, "%s.%s has no fields", written, path[1])
		return nil, 0, false
	case path[1] == "context":
		path = append([]string{"signal", "properties"}, path[2:]...)
	}
	return path, one.typ, true
}

// pathPart finds the node of a path's first n parts.
func pathPart(e ast.Expr, n, of int) ast.Expr {
	for ; of > n; of-- {
		if e.Kind() == ast.SelectKind {
			e = e.AsSelect().Operand()
			continue
		}
		e = e.AsCall().Args()[0]
	}
	return e
}

// roots lists the variables that may be read here.
func (b *builder) roots() []string {
	if b.o.Only {
		return append(slices.Clone(b.o.Extra), b.locals...)
	}
	names := []string{"signal", "properties", "context"}
	if b.o.Use != ForSignal {
		names = append(names, "account", "contact")
	}
	if b.o.Use == ForRecord {
		names = append(names, "signals")
	}
	return append(append(names, b.o.Extra...), b.locals...)
}

// comprehension rewrites what a macro became.
func (b *builder) comprehension(e ast.Expr) {
	c := e.AsComprehension()
	if path, ok := b.chain(c.IterRange()); ok && path[0] == "signals" {
		b.refuseSignals(e)
		return
	}
	b.value(c.IterRange())
	if name := c.IterVar(); fields[name] != nil || slices.Contains(b.roots(), name) || name == b.h.alias || name == "now" || name == "signals" {
		b.fail(e, nil, "%s has a meaning already: give the macro's variable another name", name)
		return
	}
	b.locals = append(b.locals, c.IterVar())
	b.step(c.LoopStep(), c.AccuVar())
	b.locals = b.locals[:len(b.locals)-1]
	if c.AccuInit().Kind() == ast.LiteralKind { // exists, all, exists_one; filter and map begin with a list
		b.wrap(e, fnTruth)
	}
}

// step rewrites what a macro does with each element.
func (b *builder) step(e ast.Expr, accu string) {
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case operators.Conditional:
		b.cond(args[0])
		b.step(args[1], accu)
		return
	case operators.LogicalAnd, operators.LogicalOr:
		for _, arg := range args {
			if arg.Kind() != ast.IdentKind || arg.AsIdent() != accu {
				b.cond(arg)
			}
		}
		return
	}
	for _, arg := range args { // the sum so far + what is added
		if arg.Kind() != ast.IdentKind || arg.AsIdent() != accu {
			b.value(arg)
		}
	}
}
