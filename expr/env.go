package expr

import (
	"fmt"
	"reflect"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"
)

// The bounds of a source.
const (
	MaxSource = 16384 // characters
	maxNodes  = 2000  // of its tree, macros expanded
	maxDepth  = 60
	maxSlots  = 128 // fields, parts on signals and patterns of one program
)

// The functions that rewritten programs call; no source can name them.
const (
	fnTruth   = "@truth"
	fnHas     = "@has"
	fnMatches = "@matches"
	fnWithin  = "@within"
)

// compareFunctions are our own comparisons, which take whatever comes and are false of what is missing or unlike.
var compareFunctions = map[string]op{
	"@eq": opEqual, "@ne": opNotEqual, "@lt": opLess, "@le": opLessEqual, "@gt": opGreater, "@ge": opGreaterEqual,
	"@isin": opIn, "@contains": opContains, "@starts": opStarts, "@ends": opEnds,
}

// rewrites says what becomes of CEL's own operators and predicates.
var rewrites = map[string]string{
	operators.Equals: "@eq", operators.NotEquals: "@ne", operators.Less: "@lt", operators.LessEquals: "@le", operators.Greater: "@gt",
	operators.GreaterEquals: "@ge", operators.In: "@isin", "contains": "@contains", "startsWith": "@starts", "endsWith": "@ends", "matches": fnMatches,
	operators.Add: "@add", operators.Subtract: "@sub", operators.Multiply: "@mul", operators.Divide: "@div", operators.Modulo: "@mod",
}

// shownAs says how people write what the library calls by another name.
var shownAs = map[string]string{
	"@eq": "==", "@ne": "!=", "@lt": "<", "@le": "<=", "@gt": ">", "@ge": ">=", "@isin": "in", "@contains": "contains", "@starts": "startsWith",
	"@ends": "endsWith", fnMatches: "matches", "@add": "+", "@sub": "-", "@mul": "*", "@div": "/", "@mod": "%", fnWithin: "within", fnHas: "has",
	"_&&_": "&&", "_||_": "||", "!_": "!", "-_": "-", "_?_:_": "?:", "_[_]": "[]",
}

// adapter is the library's own, for the trees that decode gives.
type adapter struct{ types.Adapter }

func (a adapter) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case wide:
		f, _ := strconv.ParseFloat(string(v), 64)
		return types.Double(f)
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any:
		return types.NewDynamicList(a, v)
	case time.Duration:
		return types.Duration{Duration: v}
	}
	return a.Adapter.NativeToValue(v)
}

// handle carries a value of our own through the library: a pattern, a window of time.
type handle struct{ v any }

var handleType = types.NewOpaqueType("signalbox.handle")

func (h handle) ConvertToNative(reflect.Type) (any, error) { return nil, fmt.Errorf("no value") }
func (h handle) ConvertToType(ref.Type) ref.Val            { return types.NewErr("no value") }
func (h handle) Equal(ref.Val) ref.Val                     { return types.False }
func (h handle) Type() ref.Type                            { return handleType }
func (h handle) Value() any                                { return h.v }
func asHandle[T any](v ref.Val) (t T, ok bool) {
	h, is := v.(handle)
	t, ok = h.v.(T)
	return t, is && ok
}
func text(v ref.Val) (string, bool) { s, ok := v.(types.String); return string(s), ok }
func nonStrict(arity int, id string, bind cel.OverloadOpt) cel.FunctionOpt {
	args := make([]*cel.Type, arity)
	for i := range args {
		args[i] = cel.DynType
	}
	return cel.Overload(id, args, cel.BoolType, bind, cel.OverloadIsNonStrict())
}

// slotTypes are the letters of idents that stand for slots, with their CEL types: "@s3" is slot 3, a text.
var slotTypes = map[byte]*cel.Type{'d': cel.DynType, 's': cel.StringType, 'i': cel.IntType, 'f': cel.DoubleType, 't': cel.TimestampType, 'b': cel.BoolType}

func slotName(typ byte, i int) string { return "@" + string(typ) + strconv.Itoa(i) }

// slotIndex reads the name of a slot's ident; -1 for another.
func slotIndex(name string) int {
	if len(name) < 3 || name[0] != '@' || slotTypes[name[1]] == nil {
		return -1
	}
	i, err := strconv.Atoi(name[2:])
	if err != nil || i >= maxSlots {
		return -1
	}
	return i
}

// environment is the one CEL environment of all programs.
var environment = sync.OnceValue(func() *cel.Env {
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(adapter{types.DefaultTypeAdapter}),
		cel.StdLib(), cel.ClearMacros(),
		cel.Macros(cel.GlobalMacro("has", 1, hasMacro), parser.AllMacro, cel.ReceiverMacro("exists", 2, existsMacro), parser.ExistsOneMacro, parser.ExistsOneMacroNew,
			parser.MapMacro, parser.MapFilterMacro, parser.FilterMacro),
		cel.EnableMacroCallTracking(), cel.EnableHiddenAccumulatorName(true), cel.DefaultUTCTimeZone(true),
		cel.ParserRecursionLimit(maxDepth + 4), cel.ParserExpressionSizeLimit(MaxSource), cel.ParserErrorRecoveryLimit(4),
		cel.ExpressionNodeLimit(maxNodes), cel.ExpressionNestingDepthLimit(3 * maxDepth),
		cel.Function(fnTruth, nonStrict(1, fnTruth, cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Bool(v == types.True) }))),
		cel.Function(fnHas, nonStrict(1, fnHas, cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Bool(fromCEL(v).kind != missing) }))),
		cel.Function(fnMatches, nonStrict(2, fnMatches, cel.BinaryBinding(func(v, with ref.Val) ref.Val {
			s, isText := text(v)
			p, ok := asHandle[*pattern](with)
			return types.Bool(isText && ok && p.holds(s))
		}))),
		cel.Function(fnWithin, nonStrict(2, fnWithin, cel.BinaryBinding(func(v, with ref.Val) ref.Val {
			w, ok := asHandle[window](with)
			at := fromCEL(v)
			return types.Bool(ok && w.holds(&at))
		}))),
	}
	for name, o := range compareFunctions {
		options = append(options, cel.Function(name, nonStrict(2, name, cel.BinaryBinding(func(x, y ref.Val) ref.Val {
			a, b := fromCEL(x), fromCEL(y)
			return types.Bool(o.cost(&a, &b) <= HighestMaxCost && o.holds(&a, &b)) // what costs more is cut off by its price
		}))))
	}
	options = append(options, arithmetic()...)
	options = append(options, texts()...)
	for letter, t := range slotTypes {
		for i := range maxSlots {
			options = append(options, cel.Variable(slotName(letter, i), t))
		}
	}
	env, err := cel.NewCustomEnv(options...)
	if err != nil {
		panic("expr: " + err.Error())
	}
	return env
})

// existsMacro leaves signals.exists alone: it becomes an atom.
func existsMacro(eh parser.ExprHelper, target ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	if target.Kind() == ast.IdentKind && target.AsIdent() == "signals" {
		return nil, nil
	}
	return parser.MakeExists(eh, target, args)
}

// hasMacro asks for a field by its name, or by its key in quotes: keys hold spaces too.
func hasMacro(eh parser.ExprHelper, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	switch arg := args[0]; arg.Kind() {
	case ast.SelectKind:
		return eh.NewPresenceTest(arg.AsSelect().Operand(), arg.AsSelect().FieldName()), nil
	case ast.CallKind:
		if call := arg.AsCall(); call.FunctionName() == operators.Index {
			if key, ok := literalText(call.Args()[1]); ok {
				return eh.NewPresenceTest(call.Args()[0], key), nil
			}
		}
	}
	return nil, eh.NewError(args[0].ID(), `has asks for a field, as in has(properties.plan); count(signals, "page_view") >= 1 asks for a signal`)
}

// The bounds of a pattern, and how many of its steps cost one unit.
const (
	maxPattern   = 500 // instructions
	stepsPerUnit = 50
)

// pattern is a regular expression that refuses a text that would cost more than its program may.
type pattern struct {
	re   *regexp.Regexp
	size uint64
	most uint64 // units
}

func newPattern(source string, most uint64) (*pattern, error) {
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if len(prog.Inst) > maxPattern {
		return nil, fmt.Errorf("a pattern of %d steps, the most is %d", len(prog.Inst), maxPattern)
	}
	re, err := regexp.Compile(source)
	return &pattern{re: re, size: uint64(len(prog.Inst)), most: most}, err
}

func (p *pattern) cost(s string) uint64 { return 1 + uint64(len(s))*p.size/stepsPerUnit }

func (p *pattern) holds(s string) bool { return p.cost(s) <= p.most && p.re.MatchString(s) }

// prices tells the library what our own functions cost.
type prices struct{}

func (prices) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	var units uint64
	if o, ok := compareFunctions[function]; ok {
		a, b := fromCEL(args[0]), fromCEL(args[1])
		units = o.cost(&a, &b)
		return &units
	}
	switch function {
	case fnMatches:
		if p, ok := asHandle[*pattern](args[1]); ok {
			s, _ := text(args[0])
			units = p.cost(s)
			return &units
		}
	case "size":
		if s, ok := text(args[0]); ok {
			units = 1 + uint64(len(s))/1000 // its characters are counted
			return &units
		}
	case "@add", "lowerAscii", "upperAscii", "trim", "replace", "split", "join", "substring", "indexOf",
		"string", "int", "uint", "double", "bool", "timestamp", "duration":
		n := 0
		for _, one := range append(args[:len(args):len(args)], result) {
			v := fromCEL(one)
			n += len(v.s) + 10*v.size()
		}
		units = 1 + uint64(n)/10
		return &units
	}
	return nil
}

// shown gives a function's name as people write it.
func shown(function string) string {
	if name := shownAs[function]; name != "" {
		return name
	}
	return strings.Trim(function, "_@")
}
