package expr

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// functions are those that a source may call, beside the macros.
var functions = []string{
	"contains", "startsWith", "endsWith", "matches", "size", "int", "uint", "double", "string", "bool", "timestamp", "duration",
	"lowerAscii", "upperAscii", "trim", "replace", "split", "join", "substring", "indexOf",
	"getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes", "getSeconds", "getMilliseconds",
	"count", "last", "within",
}

// macros are for near names only: a macro that is written right is no call.
var macros = []string{"has", "all", "exists", "exists_one", "existsOne", "filter", "map"}

// call rewrites a call.
func (b *builder) call(e ast.Expr) {
	call := e.AsCall()
	switch name := call.FunctionName(); name {
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
		b.cond(e)
	case operators.Conditional:
		b.cond(call.Args()[0])
		b.value(call.Args()[1])
		b.value(call.Args()[2])
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.In:
		b.compare(e)
	case "contains", "startsWith", "endsWith", "matches":
		b.textTest(e)
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo:
		b.arguments(call)
		e.SetKindCase(b.make.NewCall(e.ID(), rewrites[name], call.Args()...))
	case operators.Negate:
		b.arguments(call)
	case operators.Index:
		if path, ok := b.chain(e); ok {
			b.field(e, path, false)
			return
		}
		b.arguments(call)
	case "within":
		b.within(e)
	case "last":
		b.lastTime(e)
	case "count":
		b.fail(e, nil, `count must be compared with a number, as in count(signals, "page_view", "30d") >= 3`)
	default:
		b.otherCall(e, name)
	}
}

func (b *builder) arguments(call ast.CallExpr) {
	if call.IsMemberFunction() {
		b.value(call.Target())
	}
	for _, arg := range call.Args() {
		b.value(arg)
	}
}

func (b *builder) otherCall(e ast.Expr, name string) {
	call := e.AsCall()
	if name == "exists" && call.IsMemberFunction() && b.isSignals(call.Target()) {
		b.exists(e)
		return
	}
	switch {
	case strings.HasPrefix(name, "get") && slices.Contains(functions, name):
		b.clock(e, name)
	case slices.Contains(functions, name):
		b.arguments(call)
		b.converts(call, name)
	case name == "exists" && b.h.alias != "":
		b.value(call.Target()) // says that only the alias can be read
	case slices.Contains(macros, name):
		b.fail(e, nil, "%s is not written so: %s", name, macroHelp[name])
	default:
		b.fail(e, nearest(name, append(append([]string{}, functions...), macros...)), "unknown function %s", shown(name))
	}
}

var offset = regexp.MustCompile(`^[+-][01][0-9]:[0-5][0-9]$`)

// clock rewrites getHours and its like. A zone by its name would be looked up on the machine that asks: a program must answer alike everywhere.
func (b *builder) clock(e ast.Expr, name string) {
	call := e.AsCall()
	for _, zone := range call.Args() {
		if s, ok := literalText(zone); !ok || !offset.MatchString(s) {
			b.fail(zone, nil, `%s takes nothing, or an offset from UTC in quotes, as in signal.occurred_at.%s("+01:00")`, name, name)
			return
		}
	}
	b.arguments(call)
}

// conversions are the functions that read a text, with what they read.
var conversions = map[string]struct {
	to   ref.Type
	help string
}{
	"int": {types.IntType, `a whole number, as in int("42")`}, "uint": {types.UintType, `a whole number from 0, as in uint("42")`},
	"double": {types.DoubleType, `a number, as in double("1.5")`}, "bool": {types.BoolType, `true or false, as in bool("true")`},
	"timestamp": {types.TimestampType, `a time with its zone, as in timestamp("2026-03-01T00:00:00Z")`},
	"duration":  {types.DurationType, `a time span in h, m and s, as in duration("36h")`},
}

// converts refuses a text in quotes of which a conversion can make nothing: it would be false for ever.
func (b *builder) converts(call ast.CallExpr, name string) {
	conversion, ok := conversions[name]
	if !ok || call.IsMemberFunction() || len(call.Args()) != 1 {
		return
	}
	if s, ok := literalText(call.Args()[0]); ok && types.IsError(types.String(s).ConvertToType(conversion.to)) {
		b.fail(call.Args()[0], nil, "%s cannot read %s: it needs %s", name, quote(shorten(s, 40)), conversion.help)
	}
}

var macroHelp = map[string]string{
	"has":        "has(properties.plan)",
	"all":        `properties.tags.all(t, t.startsWith("a"))`,
	"exists":     `properties.tags.exists(t, t == "a")`,
	"exists_one": `properties.tags.exists_one(t, t == "a")`,
	"existsOne":  `properties.tags.existsOne(t, t == "a")`,
	"filter":     `properties.tags.filter(t, t.startsWith("a"))`,
	"map":        `properties.items.map(i, i.name)`,
}

// compare rewrites a comparison of two values.
func (b *builder) compare(e ast.Expr) {
	call := e.AsCall()
	left, right := call.Args()[0], call.Args()[1]
	switch {
	case b.onSignals(left) || b.onSignals(right):
		b.anyOf(e, left, right)
		return
	case b.isHelper(left, "count") || b.isHelper(right, "count"):
		b.count(e, left, right)
		return
	case isNull(left) || isNull(right):
		b.fail(e, nil, "nothing compares with null: ask with has(…) whether a field is there")
		return
	}
	b.value(left)
	b.value(right)
	e.SetKindCase(b.make.NewCall(e.ID(), rewrites[call.FunctionName()], left, right))
}

// textTest rewrites contains, startsWith, endsWith and matches.
func (b *builder) textTest(e ast.Expr) {
	call := e.AsCall()
	name := call.FunctionName()
	if !call.IsMemberFunction() || len(call.Args()) != 1 {
		b.fail(e, nil, `%s is not written so: properties.plan.%s("pro")`, name, name)
		return
	}
	left, right := call.Target(), call.Args()[0]
	if b.onSignals(left) || b.onSignals(right) {
		b.anyOf(e, left, right)
		return
	}
	if isNull(right) {
		b.fail(right, nil, "nothing compares with null: ask with has(…) whether a field is there")
		return
	}
	b.value(left)
	if name != "matches" {
		b.value(right)
		e.SetKindCase(b.make.NewCall(e.ID(), rewrites[name], left, right))
		return
	}
	source, ok := literalText(right)
	if !ok {
		b.fail(right, nil, `the pattern of matches must be a text in quotes, as in properties.plan.matches("^pro")`)
		return
	}
	p, err := newPattern(source, b.o.MaxCost)
	if err != nil {
		b.fail(right, nil, "the pattern of matches cannot be used: %s", patternProblem(err))
		return
	}
	b.put(right, b.slot(e, "pattern "+source, func() slot { return slot{typ: 'd', name: strconv.Quote(source), with: p} }))
	e.SetKindCase(b.make.NewCall(e.ID(), fnMatches, left, right))
}

// within rewrites within(time, "14d").
func (b *builder) within(e ast.Expr) {
	call := e.AsCall()
	if b.o.Use != ForRecord {
		b.fail(e, nil, "within reads the time: only audiences, conditions of automations and parameters of ICPs and personas may")
		return
	}
	if call.IsMemberFunction() || len(call.Args()) != 2 {
		b.fail(e, nil, `within is not written so: within(signal.occurred_at, "14d")`)
		return
	}
	at, long := call.Args()[0], call.Args()[1]
	if b.onSignals(at) {
		b.fail(e, nil, `within reads one time: write signals.exists(s, within(s.occurred_at, "14d"))`)
		return
	}
	d, ok := b.duration(long)
	if !ok {
		return
	}
	if at.Kind() == ast.LiteralKind {
		b.fail(at, nil, "within needs a time that is read, such as signal.occurred_at")
		return
	}
	b.value(at)
	b.reads.Time = true
	b.put(long, b.slot(e, "within "+d.String(), func() slot { return slot{typ: 'd', name: d.String(), with: d} }))
	e.SetKindCase(b.make.NewCall(e.ID(), fnWithin, at, long))
}

var units = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}

// maxWindow is the longest time that can be asked about.
const maxWindow = 100 * 365 * 24 * time.Hour

// duration reads "14d" from a literal.
func (b *builder) duration(e ast.Expr) (time.Duration, bool) {
	s, ok := literalText(e)
	if ok && len(s) >= 2 && len(s) <= 11 && units[s[len(s)-1]] != 0 && s[0] != '+' {
		n, err := strconv.ParseInt(s[:len(s)-1], 10, 64)
		if unit := units[s[len(s)-1]]; err == nil && n > 0 && n <= int64(maxWindow/unit) {
			return time.Duration(n) * unit, true
		}
	}
	b.fail(e, nil, `a time span is a number and one of s, m, h, d, w in quotes, as in "14d", at most 100 years`)
	return 0, false
}

func isNull(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral().Type() == types.NullType
}

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	return text(e.AsLiteral())
}
