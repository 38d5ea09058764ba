package expr

import (
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxText bounds a text that an expression makes, in bytes.
const maxText = 256 << 10

var errLong = types.NewErr("makes a text of more than 256 KiB")

// arithmetic is CEL's, and between whole numbers and doubles too: JSON does not tell them apart.
func arithmetic() []cel.EnvOption {
	var options []cel.EnvOption
	for name, do := range map[string]func(a, b ref.Val) ref.Val{
		"@add": operator(traits.Adder.Add), "@sub": operator(traits.Subtractor.Subtract), "@mul": operator(traits.Multiplier.Multiply),
		"@div": operator(traits.Divider.Divide), "@mod": operator(traits.Modder.Modulo),
	} {
		var overloads []cel.FunctionOpt
		overload := func(a, b, result *cel.Type) {
			id := name + "_" + a.String() + "_" + b.String()
			overloads = append(overloads, cel.Overload(id, []*cel.Type{a, b}, result))
		}
		overload(cel.IntType, cel.IntType, cel.IntType)
		overload(cel.UintType, cel.UintType, cel.UintType)
		if name != "@mod" {
			overload(cel.DoubleType, cel.DoubleType, cel.DoubleType)
			overload(cel.IntType, cel.DoubleType, cel.DoubleType)
			overload(cel.DoubleType, cel.IntType, cel.DoubleType)
		}
		switch name {
		case "@add":
			overload(cel.StringType, cel.StringType, cel.StringType)
			overload(cel.ListType(cel.DynType), cel.ListType(cel.DynType), cel.ListType(cel.DynType))
			overload(cel.DurationType, cel.TimestampType, cel.TimestampType)
			fallthrough
		case "@sub":
			overload(cel.TimestampType, cel.DurationType, cel.TimestampType)
			overload(cel.DurationType, cel.DurationType, cel.DurationType)
			if name == "@sub" {
				overload(cel.TimestampType, cel.TimestampType, cel.DurationType)
			}
		}
		options = append(options, cel.Function(name, append(overloads, cel.SingletonBinaryBinding(do))...))
	}
	return options
}

// same brings two numbers of different kinds together.
func same(a, b ref.Val) (ref.Val, ref.Val) {
	number := func(v ref.Val) bool { k := fromCEL(v).kind; return k >= anInt && k <= aFloat }
	if a.Type() == b.Type() || !number(a) || !number(b) {
		return a, b
	}
	return a.ConvertToType(types.DoubleType), b.ConvertToType(types.DoubleType)
}

// operator makes a function of one of the library's operators: T is what a value must be to have it. Two texts can only be added; what that makes is
// bounded first.
func operator[T any](do func(T, ref.Val) ref.Val) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val {
		a, b = same(a, b)
		s, isText := text(a)
		t, alsoText := text(b)
		if isText && alsoText && len(s)+len(t) > maxText {
			return errLong
		}
		if x, ok := a.(T); ok {
			return do(x, b)
		}
		return types.NoSuchOverloadErr()
	}
}

// texts are the functions on texts that CEL's own library does not have; each is bounded before it makes anything.
func texts() []cel.EnvOption {
	s, i := cel.StringType, cel.IntType
	method := func(name string, args []*cel.Type, result *cel.Type, do func(args ...ref.Val) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload("string_"+name, append([]*cel.Type{s}, args...), result, bind(len(args), do)))
	}
	return []cel.EnvOption{
		method("lowerAscii", nil, s, func(a ...ref.Val) ref.Val { return letters(lower, a[0]) }),
		method("upperAscii", nil, s, func(a ...ref.Val) ref.Val { return letters(upper, a[0]) }),
		method("trim", nil, s, func(a ...ref.Val) ref.Val { return types.String(strings.TrimSpace(string(a[0].(types.String)))) }),
		method("replace", []*cel.Type{s, s}, s, replace),
		method("split", []*cel.Type{s}, cel.ListType(s), split),
		method("substring", []*cel.Type{i, i}, s, substring),
		method("indexOf", []*cel.Type{s}, i, indexOf),
		cel.Function("join", cel.MemberOverload("list_join", []*cel.Type{cel.ListType(s), s}, s, bind(1, join))),
	}
}

// textHelp says how each of them is written.
var textHelp = map[string]string{
	"lowerAscii": "contact.email.lowerAscii()", "upperAscii": "properties.plan.upperAscii()", "trim": "properties.plan.trim()",
	"replace": `properties.plan.replace("-", " ")`, "split": `contact.email.split("@")`, "substring": "properties.plan.substring(0, 3)",
	"indexOf": `contact.email.indexOf("@")`, "join": `properties.tags.join(", ")`,
}

// bind fits a function of several arguments to the library's three kinds.
func bind(args int, do func(...ref.Val) ref.Val) cel.OverloadOpt {
	switch args {
	case 0:
		return cel.UnaryBinding(func(a ref.Val) ref.Val { return do(a) })
	case 1:
		return cel.BinaryBinding(func(a, b ref.Val) ref.Val { return do(a, b) })
	}
	return cel.FunctionBinding(do)
}

func letters(change func(rune) rune, v ref.Val) ref.Val {
	s := string(v.(types.String))
	if len(s) > maxText {
		return errLong
	}
	return types.String(strings.Map(change, s))
}

func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func upper(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r + 'A' - 'a'
	}
	return r
}

func replace(a ...ref.Val) ref.Val {
	in, from, to := string(a[0].(types.String)), string(a[1].(types.String)), string(a[2].(types.String))
	if n := strings.Count(in, from); len(in)+n*(len(to)-len(from)) > maxText {
		return errLong
	}
	return types.String(strings.ReplaceAll(in, from, to))
}

// maxParts bounds what split makes.
const maxParts = 1000

func split(a ...ref.Val) ref.Val {
	in, by := string(a[0].(types.String)), string(a[1].(types.String))
	if strings.Count(in, by) >= maxParts {
		return types.NewErr("makes more than %d parts", maxParts)
	}
	return types.NewStringList(types.DefaultTypeAdapter, strings.Split(in, by))
}

func join(a ...ref.Val) ref.Val {
	list, by := fromCEL(a[0]), string(a[1].(types.String))
	size := (list.size() - 1) * len(by)
	if list.size() > maxCompared || size > maxText {
		return errLong
	}
	for i := range list.size() {
		one := list.at(i)
		if one.kind != aText {
			return types.NewErr("joins what is no text")
		}
		if size += len(one.s); size > maxText {
			return errLong
		}
	}
	var b strings.Builder
	b.Grow(max(size, 0))
	for i := range list.size() {
		if i > 0 {
			b.WriteString(by)
		}
		b.WriteString(list.at(i).s)
	}
	return types.String(b.String())
}

func substring(a ...ref.Val) ref.Val {
	in, from, to := string(a[0].(types.String)), int(a[1].(types.Int)), int(a[2].(types.Int))
	if len(in) > maxText {
		return errLong
	}
	runes := []rune(in)
	if from < 0 || to < from || from > len(runes) {
		return types.NewErr("no such part")
	}
	return types.String(runes[from:min(to, len(runes))])
}

func indexOf(a ...ref.Val) ref.Val {
	in, what := string(a[0].(types.String)), string(a[1].(types.String))
	i := strings.Index(in, what)
	if i < 0 {
		return types.Int(-1)
	}
	return types.Int(len([]rune(in[:min(i, len(in))])))
}

// window is a stretch of time before now that a program asks about.
type window struct {
	f    *Facts
	long time.Duration
}

// holds says whether a time is no longer ago than the window, and notes when that ends.
func (w window) holds(at *val) bool {
	micros, ok := at.moment()
	return ok && w.holdsAt(time.UnixMicro(micros))
}

func (w window) holdsAt(at time.Time) bool {
	ends := at.Add(w.long)
	if !w.f.Now.Before(ends) {
		return false
	}
	w.f.run.changes(ends)
	return true
}
