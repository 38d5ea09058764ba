package expr

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// slips are what people write of other languages, with what is meant.
var slips = []struct{ wrong, right string }{
	{"===", "=="}, {"!==", "!="}, {"<>", "!="}, {"=>", ">="}, {"=<", "<="}, {"=", "=="}, {"and", "&&"}, {"or", "||"}, {"not", "!"}, {"&", "&&"}, {"|", "||"},
	{"AND", "&&"}, {"OR", "||"}, {"NOT", "!"}, {"like", "contains"}, {"is", "=="}, {"IN", "in"},
}

// parseError says in our words what the parser met.
func parseError(tokens []token, issues *cel.Issues) error {
	for _, t := range tokens {
		if right := meant(t.text); right != "" && !t.operand {
			return t.operator(right)
		}
	}
	first := issues.Errors()[0]
	e := &Error{Line: max(first.Location.Line(), 1), Column: max(first.Location.Column(), 0) + 1}
	e.Msg = "cannot be read: " + strings.TrimPrefix(strings.SplitN(first.Message, "\n", 2)[0], "Syntax error: ")
	if i := strings.Index(e.Msg, " expecting {"); i > 0 {
		e.Msg = e.Msg[:i]
	}
	e.Msg = shorten(e.Msg, 200)
	for _, t := range tokens { // a word that stands for an operator, where no value is beside it
		if right := meant(t.text); right != "" {
			return t.operator(right)
		}
	}
	return e
}

// moved gives the place of an error in a text that has more before it.
func (e *Error) moved(before []rune) *Error {
	line, column := 1, 1
	for _, r := range before {
		line, column = next(r, line, column)
	}
	if e.Line == 1 {
		e.Column += column - 1
	}
	e.Line += line - 1
	return e
}

func meant(at string) string {
	for _, s := range slips {
		if s.wrong == at {
			return s.right
		}
	}
	return ""
}

var (
	noOverload = regexp.MustCompile(`^found no matching overload for '([^']+)' applied to '(.*)'$`)
	slotIdent  = regexp.MustCompile(`@[a-z]+[0-9]*`)
)

// checkError says in our words what the checker met.
func (b *builder) checkError(issues *cel.Issues) error {
	first := issues.Errors()[0]
	e := &Error{Line: max(first.Location.Line(), 1), Column: max(first.Location.Column(), 0) + 1, Msg: first.Message}
	if m := noOverload.FindStringSubmatch(first.Message); m != nil {
		e.Msg = unusable(shown(m[1]), m[2])
	}
	e.Msg = slotIdent.ReplaceAllStringFunc(e.Msg, func(name string) string {
		if i := slotIndex(name); i >= 0 && i < len(b.slots) {
			return b.slots[i].name
		}
		return shown(name)
	})
	return e
}

// unusable says what a function was used on: on is "(string, int)", or "string.(int)" of one that stands behind a dot.
func unusable(name, on string) string {
	target, args, method := strings.Cut(strings.TrimSuffix(on, ")"), ".(")
	if !method {
		target = strings.TrimPrefix(target, "(")
	}
	if args != "" {
		target += " with " + args
	}
	msg := name + " cannot be used on " + strings.ReplaceAll(target, "dyn", "any value")
	if usage := textHelp[name]; usage != "" {
		msg += ": it is written " + usage
	}
	return msg
}

func patternProblem(err error) string {
	var e *syntax.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%s: %s", e.Code, e.Expr)
	}
	return err.Error()
}

// unlike refuses what the types alone show to be always false: a text that begins with a number.
func (b *builder) unlike(tree *ast.AST) *Error {
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || b.err != nil {
			return
		}
		call := e.AsCall()
		name := call.FunctionName()
		if name == fnTruth {
			if t := tree.GetType(call.Args()[0].ID()); t.Kind() != types.BoolKind && t.Kind() != types.DynKind {
				b.fail(e, nil, "gives %s where a yes or no is needed", typeName(t))
			}
			return
		}
		if _, ok := compareFunctions[name]; !ok && name != fnMatches && name != fnWithin {
			return
		}
		x, y := tree.GetType(call.Args()[0].ID()), tree.GetType(call.Args()[1].ID())
		if !mayCompare(name, x, y) {
			b.fail(e, nil, "%s never holds between %s and %s", shown(name), typeName(x), typeName(y))
			return
		}
		b.unreadable(call.Args()[0], y)
		b.unreadable(call.Args()[1], x)
	}))
	return b.err
}

// unreadable refuses a text in quotes that is compared with a time, or a number, and is none.
func (b *builder) unreadable(e ast.Expr, with *cel.Type) {
	s, ok := literalText(e)
	if !ok {
		return
	}
	v := val{kind: aText, s: s}
	_, isTime := v.moment()
	_, isNumber := v.number()
	switch f := family(with); {
	case f == '@' && !isTime:
		b.fail(e, nil, `%s is compared with a time, and is none: a time is written "2026-03-01T00:00:00Z"`, quote(shorten(s, 40)))
	case f == '0' && !isNumber:
		b.fail(e, nil, "%s is compared with a number, and is none", quote(shorten(s, 40)))
	}
}

// family groups types that can be compared: 't' and '0' are alike in a text.
func family(t *cel.Type) byte {
	switch t.Kind() {
	case types.IntKind, types.UintKind, types.DoubleKind:
		return '0'
	case types.StringKind:
		return 't'
	case types.BoolKind:
		return 'b'
	case types.TimestampKind:
		return '@'
	case types.DurationKind:
		return 'd'
	case types.ListKind:
		return '['
	case types.MapKind:
		return '{'
	}
	return '?'
}

func mayCompare(name string, x, y *cel.Type) bool {
	a, b := family(x), family(y)
	either := func(f byte, of ...byte) bool { return f == '?' || strings.IndexByte(string(of), f) >= 0 }
	switch name {
	case fnWithin:
		return either(a, '@', 't')
	case fnMatches:
		return either(a, 't')
	case "@contains":
		return either(a, '[') || a == 't' && either(b, 't')
	case "@starts", "@ends":
		return either(a, 't') && either(b, 't')
	case "@isin":
		return either(b, '[', '{')
	case "@eq", "@ne":
	default:
		if strings.IndexByte("b[{", a) >= 0 || strings.IndexByte("b[{", b) >= 0 {
			return false
		}
	}
	return a == b || a == '?' || b == '?' || a == 't' && strings.IndexByte("0@", b) >= 0 || b == 't' && strings.IndexByte("0@", a) >= 0
}

func typeName(t *cel.Type) string {
	switch family(t) {
	case '0':
		return "a number"
	case 't':
		return "a text"
	case 'b':
		return "a yes or no"
	case '@':
		return "a time"
	case 'd':
		return "a time span"
	case '[':
		return "a list"
	case '{':
		return "an object"
	}
	if t.Kind() == types.NullTypeKind {
		return "null"
	}
	return "any value"
}

// signalTypes finds the types of signals outside of which a node cannot hold; nil: any.
func (b *builder) signalTypes(e ast.Expr) []string {
	if e.Kind() != ast.CallKind {
		return nil
	}
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		x, y := b.signalTypes(args[0]), b.signalTypes(args[1])
		switch {
		case x == nil:
			return y
		case y == nil:
			return x
		}
		return slices.DeleteFunc(x, func(one string) bool { return !slices.Contains(y, one) })
	case operators.LogicalOr:
		x, y := b.signalTypes(args[0]), b.signalTypes(args[1])
		if x == nil || y == nil {
			return nil
		}
		return sorted(append(x, y...))
	case "@eq":
		if b.isType(args[1]) {
			args = []ast.Expr{args[1], args[0]}
		}
		if name, ok := literalText(args[1]); ok && b.isType(args[0]) {
			return []string{name}
		}
	case "@isin":
		if !b.isType(args[0]) || args[1].Kind() != ast.ListKind {
			return nil
		}
		all := []string{}
		for _, one := range args[1].AsList().Elements() {
			name, ok := literalText(one)
			if !ok {
				return nil
			}
			all = append(all, name)
		}
		return sorted(all)
	}
	return nil
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func (b *builder) isType(e ast.Expr) bool {
	if e.Kind() != ast.IdentKind {
		return false
	}
	i := slotIndex(e.AsIdent())
	return i >= 0 && b.slots[i].field == "signal.type"
}
