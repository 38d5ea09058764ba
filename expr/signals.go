package expr

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// maxKeep is how many of an atom's latest times may be asked for.
const maxKeep = 100

// Atom is a question on one signal that a program asks of a record's signals: whoever keeps, for each record, the latest times at which it held need
// read no history.
type Atom struct {
	Key  string // of its canonical text: equal atoms of different programs share it
	Text string // canonical, as a condition on signal
	Keep int    // how many of the latest times the program needs, 1 to 100
	p    *Program
}

// Holds says whether a signal satisfies the atom. What that costs is taken from the budget, which may be nil.
func (a *Atom) Holds(s *Signal, b *Budget) bool {
	if s.alone == nil {
		s.alone = &Facts{Signal: s}
	}
	holds, _, _ := a.p.Answer(s.alone, b)
	return holds
}

// Reads says what the atom depends on.
func (a *Atom) Reads() Reads { return a.p.reads }

// refuseSignals says what may be written of signals.
func (b *builder) refuseSignals(e ast.Expr) {
	if b.o.Use != ForRecord {
		b.fail(e, nil, "signals cannot be read here: only audiences, conditions of automations and parameters of ICPs and personas may")
		return
	}
	b.fail(e, nil, `signals is only read as signals.properties.team_size > 10 (a field and a constant), signals.exists(s, s.type == "page_view"), `+
		`count(signals, "page_view", "30d") >= 3 and last(signals, "page_view")`)
}

func (b *builder) isSignals(e ast.Expr) bool {
	path, ok := b.chain(e)
	return ok && len(path) == 1 && path[0] == "signals" && b.h.alias == ""
}

// onSignals says whether a value is a field of signals.
func (b *builder) onSignals(e ast.Expr) bool {
	path, ok := b.chain(e)
	return ok && path[0] == "signals" && b.h.alias == ""
}

// isHelper says whether a value is count(signals, …) or last(signals, …).
func (b *builder) isHelper(e ast.Expr, name string) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == name
}

// anyOf rewrites a comparison of a field of signals with a constant: it holds when any signal satisfies it (S3-13).
func (b *builder) anyOf(e, left, right ast.Expr) {
	if b.o.Use != ForRecord {
		b.refuseSignals(e)
		return
	}
	function := e.AsCall().FunctionName()
	field, constant := left, right
	if !b.onSignals(left) {
		field, constant = right, left
	}
	with, ok := constantText(constant)
	path, _ := b.chain(field)
	if !ok || b.onSignals(left) && b.onSignals(right) || len(path) < 2 {
		b.refuseSignals(e)
		return
	}
	canonical, _, ok := b.inside(field, "signals", append([]string{"signal"}, path[1:]...))
	if !ok {
		return
	}
	b.reads.add("signals", pathText(append([]string{"signals"}, canonical[1:]...)))
	own := pathText(canonical)
	var source string
	switch symbol := shown(rewrites[function]); {
	case e.AsCall().IsMemberFunction() && field == left:
		source = own + "." + function + "(" + with + ")"
	case e.AsCall().IsMemberFunction():
		source = with + "." + function + "(" + own + ")"
	case field == left:
		source = own + " " + symbol + " " + with
	case function == operators.In:
		source = with + " in " + own
	default:
		source = own + " " + flipped[symbol] + " " + with
	}
	p, err := compile(source, Options{Use: ForSignal, MaxCost: b.o.MaxCost}, how{slow: b.h.slow})
	if err != nil {
		b.fail(e, nil, "%s", err.(*Error).Msg)
		return
	}
	b.met(e, b.atom(p, 1), 0)
}

var flipped = map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// exists rewrites signals.exists(s, predicate).
func (b *builder) exists(e ast.Expr) {
	args := e.AsCall().Args()
	if b.o.Use != ForRecord {
		b.refuseSignals(e)
		return
	}
	if len(args) != 2 || args[0].Kind() != ast.IdentKind {
		b.fail(e, nil, `exists is not written so: signals.exists(s, s.type == "page_view")`)
		return
	}
	name := args[0].AsIdent()
	if fields[name] != nil || name == "signals" || name == "now" {
		b.fail(e, nil, "%s has a meaning already: give the variable of exists another name", name)
		return
	}
	all := []rune(b.source)
	from, to := argument(all, b.tree.SourceInfo(), args[0].ID())
	p, err := compile(string(all[from:to]), Options{Use: ForSignal, MaxCost: b.o.MaxCost}, how{alias: name, slow: b.h.slow})
	if err != nil {
		if b.err == nil {
			b.err = err.(*Error).moved(all[:from])
		}
		return
	}
	for _, field := range p.reads.Fields {
		b.reads.add("signals", "signals"+strings.TrimPrefix(field, "signal"))
	}
	b.met(e, b.atom(p, 1), p.inWindow)
}

// windows takes the conjuncts within(s.occurred_at, "14d") out of a predicate: they are asked when the program is, of the times that are kept.
func (b *builder) windows(root ast.Expr) {
	if b.onlyWindow(root) {
		root.SetKindCase(b.make.NewLiteral(root.ID(), types.True))
	}
}

func (b *builder) onlyWindow(e ast.Expr) bool {
	if e.Kind() != ast.CallKind {
		return false
	}
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		left, right := b.onlyWindow(args[0]), b.onlyWindow(args[1])
		switch {
		case left && right:
			return true
		case left:
			b.become(e, args[1])
		case right:
			b.become(e, args[0])
		}
	case "within":
		if len(args) != 2 {
			return false
		}
		path, ok := b.chain(args[0])
		if !ok || len(path) != 2 || path[0] != b.h.alias || path[1] != "occurred_at" {
			b.fail(e, nil, `inside signals.exists within reads %s.occurred_at, beside the rest: %s.type == "page_view" && within(%s.occurred_at, "14d")`,
				b.h.alias, b.h.alias, b.h.alias)
			return false
		}
		d, ok := b.duration(args[1])
		if ok && (b.window == 0 || d < b.window) {
			b.window = d
		}
		return true
	}
	return false
}

// become puts one node in the place of another, with what is known of the macro that it was.
func (b *builder) become(e, other ast.Expr) {
	info := b.tree.SourceInfo()
	if macro, ok := info.GetMacroCall(other.ID()); ok {
		info.SetMacroCall(e.ID(), macro)
	}
	e.SetKindCase(other)
}

// atom finds the atom of a predicate, or makes it, and has it keep enough.
func (b *builder) atom(p *Program, keep int) *Atom {
	sum := sha256.Sum256([]byte(p.canonical))
	key := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:10]))
	b.reads.Signals = true
	for _, a := range b.atoms {
		if a.Key == key {
			a.Keep = max(a.Keep, keep)
			return a
		}
	}
	a := &Atom{Key: key, Text: p.canonical, Keep: keep, p: p}
	b.atoms = append(b.atoms, a)
	return a
}

// times are the moments that are kept of an atom.
func (f *Facts) times(key string) []time.Time {
	f.run.spend(1)
	if f.Times == nil {
		return nil
	}
	return f.Times(key)
}

// met puts "a signal was there, no longer ago than so" in the place of a node.
func (b *builder) met(e ast.Expr, a *Atom, long time.Duration) {
	key := a.Key
	b.reads.Time = b.reads.Time || long > 0
	b.put(e, b.slot(e, fmt.Sprint("met ", key, long), func() slot {
		return slot{typ: 'b', name: "a signal with " + a.Text, test: func(f *Facts) bool {
			times := f.times(key)
			return len(times) > 0 && (long == 0 || window{f, long}.holdsAt(times[0]))
		}}
	}))
}

// signalType reads the arguments of count and last.
func (b *builder) signalType(e ast.Expr, most int, help string) (*Program, bool) {
	call := e.AsCall()
	args := call.Args()
	if b.o.Use != ForRecord {
		b.refuseSignals(e)
		return nil, false
	}
	if call.IsMemberFunction() || len(args) < 2 || len(args) > most || !b.isSignals(args[0]) {
		b.fail(e, nil, "%s is not written so: %s", call.FunctionName(), help)
		return nil, false
	}
	name, ok := literalText(args[1])
	if !ok || name == "" {
		b.fail(args[1], nil, "%s needs a type of signals in quotes: %s", call.FunctionName(), help)
		return nil, false
	}
	p, err := compile("signal.type == "+quote(name), Options{Use: ForSignal, MaxCost: b.o.MaxCost}, how{slow: b.h.slow})
	if err != nil {
		b.fail(args[1], nil, "%s", err.(*Error).Msg)
		return nil, false
	}
	b.reads.add("signals", "signals.type")
	return p, true
}

// lastTime rewrites last(signals, "type"), a time.
func (b *builder) lastTime(e ast.Expr) {
	p, ok := b.signalType(e, 2, `last(signals, "page_view")`)
	if !ok {
		return
	}
	a := b.atom(p, 1)
	name := "the last signal with " + a.Text
	b.put(e, b.slot(e, "last "+a.Key, func() slot {
		return slot{typ: 't', name: name, field: "signals", get: func(f *Facts) val {
			if times := f.times(a.Key); len(times) > 0 {
				return timeVal(times[0])
			}
			return val{}
		}, quiet: true}
	}))
}

// count rewrites count(signals, "type", "30d") compared with a constant.
func (b *builder) count(e, left, right ast.Expr) {
	symbol := shown(rewrites[e.AsCall().FunctionName()])
	counted, constant := left, right
	if !b.isHelper(left, "count") {
		counted, constant, symbol = right, left, flipped[symbol]
	}
	help := `count(signals, "page_view", "30d") >= 3`
	p, ok := b.signalType(counted, 3, help)
	if !ok {
		return
	}
	var long time.Duration
	if args := counted.AsCall().Args(); len(args) == 3 {
		if long, ok = b.duration(args[2]); !ok {
			return
		}
	}
	n, ok := literalInt(constant)
	if !ok || n < 0 || n > maxKeep || flipped[symbol] == "" {
		b.fail(constant, nil, "count is compared with a whole number from 0 to %d: %s", maxKeep, help)
		return
	}
	keep := n
	if symbol != ">=" && symbol != "<" {
		keep++
	}
	if keep > maxKeep {
		b.fail(constant, nil, "only the latest %d are counted: write >= %d or < %d", maxKeep, maxKeep, maxKeep)
		return
	}
	a := b.atom(p, max(keep, 1))
	c := counting{key: a.Key, long: long, n: n, o: compareFunctions[rewrites[symbolOf[symbol]]]}
	b.reads.Time = b.reads.Time || long > 0
	name := "the count of signals with " + a.Text
	b.put(e, b.slot(e, fmt.Sprint("count ", a.Key, long, symbol, n), func() slot { return slot{typ: 'b', name: name, test: c.holds} }))
}

var symbolOf = map[string]string{"==": operators.Equals, "!=": operators.NotEquals, "<": operators.Less, "<=": operators.LessEquals, ">": operators.Greater,
	">=": operators.GreaterEquals}

// counting compares how many times are kept with a constant.
type counting struct {
	key  string
	long time.Duration // 0: ever
	n    int
	o    op
}

func (c counting) holds(f *Facts) bool {
	times := f.times(c.key)
	count := len(times)
	for c.long > 0 && count > 0 && !f.Now.Before(times[count-1].Add(c.long)) {
		count--
	}
	f.run.spend(uint64(len(times) / 10))
	now := c.compare(count)
	for fewer := count - 1; c.long > 0 && fewer >= 0; fewer-- {
		if c.compare(fewer) != now {
			f.run.changes(times[fewer].Add(c.long)) // then only the later ones are left
			break
		}
	}
	return now
}

func (c counting) compare(count int) bool {
	a, b := val{kind: anInt, n: int64(count)}, val{kind: anInt, n: int64(c.n)}
	return c.o.holds(&a, &b)
}

func literalInt(e ast.Expr) (int, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	n, ok := e.AsLiteral().(types.Int)
	return int(n), ok && n >= -1 && n <= 1<<20
}

// constantText writes a constant canonically: a literal, a list of them, timestamp("…") or duration("…").
func constantText(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.String:
			return quote(string(v)), true
		case types.Int, types.Bool:
			return fmt.Sprint(v.Value()), true
		case types.Uint:
			return fmt.Sprint(uint64(v)) + "u", true
		case types.Double:
			return double(float64(v)), true
		}
	case ast.ListKind:
		var all []string
		for _, one := range e.AsList().Elements() {
			s, ok := constantText(one)
			if !ok {
				return "", false
			}
			all = append(all, s)
		}
		return "[" + strings.Join(all, ", ") + "]", true
	case ast.CallKind:
		call := e.AsCall()
		if name := call.FunctionName(); (name == "timestamp" || name == "duration") && len(call.Args()) == 1 {
			s, ok := literalText(call.Args()[0])
			return name + "(" + quote(s) + ")", ok
		}
	}
	return "", false
}

// double writes a double so that CEL reads it as one.
func double(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	return s
}

// unparse writes a node as a source.
func unparse(tree *ast.AST, e ast.Expr) string {
	s, err := cel.ExprToString(e, tree.SourceInfo())
	if err != nil {
		return ""
	}
	return s
}
