package expr

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// Use says which variables and forms a source may have.
type Use uint8

// The uses of an expression.
const (
	ForSignal   Use = iota // score rules, sub-rules, webhooks' filters, mappings: only signal, properties and context
	ForRecord              // audiences, conditions of automations, parameters of ICPs and personas: also account, contact, signals, within
	ForTemplate            // leaves of templates: signal, properties, context, account, contact; a value of any type
)

// The cost of one evaluation, in CEL cost units.
const (
	DefaultMaxCost = 10_000
	HighestMaxCost = 100_000
)

// Options say how a source is compiled.
type Options struct {
	Use     Use
	MaxCost uint64   // units that one evaluation may cost; 0: DefaultMaxCost, never more than HighestMaxCost
	Extra   []string // further variables, of any shape
	Only    bool     // those of Extra are all that may be read: no signal and no record
}

// Error says what is wrong with a source, and where.
type Error struct {
	Line, Column int      // from 1, in characters; 0 where the error is not about one place in a source
	Path         string   // the place in a JSON text: of a structured condition, or of a template's leaf; "" is the whole
	Msg          string   // for people, without the place
	Near         []string // names that may have been meant
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", e.Line, e.Column)
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Program is a source that was checked. Safe for concurrent use, as its Facts are not.
type Program struct {
	source    string
	canonical string
	use       Use
	max       uint64
	holds     test
	value     func(*Facts) (val, bool) // false: it failed for another cause than a missing field
	slots     []slot
	atoms     []*Atom
	reads     Reads
	inWindow  time.Duration // of an atom's predicate: how long ago its signal may have occurred; 0: ever
	clauses   []clause      // only when compiled to explain

	explaining sync.Once
	explained  *Program // the same, compiled to explain
}

// test answers yes or no.
type test func(*Facts) bool

// Reads is what a program depends on.
type Reads struct {
	Fields  []string // sorted: "account.attributes.plan", "signal.properties.team_size", "signals.type"
	Signal  bool
	Account bool
	Contact bool
	Signals bool // by its atoms
	Time    bool
	Types   []string // the types of signals outside of which it cannot hold; nil: any. Sorted
}

// Verdict is a program's answer.
type Verdict struct {
	Holds   bool
	Missing []string  // fields that it read and that were absent, sorted; those that has() asked for are not among them
	Reason  string    // why it does not hold, when that is not for its comparisons
	Next    time.Time // no later than the first moment after Now at which time alone can change the answer; zero: never
}

// Compile checks a source. A condition must say yes or no unless it is for a template. Its errors are *Error.
func Compile(source string, o Options) (*Program, error) {
	return compile(source, o, how{})
}

// how is what only the package itself asks of compile.
type how struct {
	alias   string // the variable that stands for the signal, in an atom's predicate
	slow    bool   // everything through the library
	explain bool
}

func compile(source string, o Options, h how) (*Program, error) {
	if o.MaxCost == 0 {
		o.MaxCost = DefaultMaxCost
	}
	o.MaxCost = min(o.MaxCost, HighestMaxCost)
	tokens, err := measure(source)
	if err != nil {
		return nil, err
	}
	env := environment()
	parsed, issues := env.Parse(source)
	if broken(issues) {
		return nil, parseError(tokens, issues)
	}
	b := newBuilder(source, o, h, parsed.NativeRep())
	root := b.tree.Expr()
	if err := bounded(b.tree); err != nil {
		return nil, err
	}
	b.resolve(root)
	if b.err != nil {
		return nil, b.err
	}
	checked, issues := env.Check(parsed)
	if broken(issues) {
		return nil, b.checkError(issues)
	}
	return b.program(checked.NativeRep())
}

// broken asks for errors without having them written out: that takes long when there are many.
func broken(issues *cel.Issues) bool { return issues != nil && len(issues.Errors()) > 0 }

// measure refuses sources that are not worth parsing.
func measure(source string) ([]token, error) {
	if strings.TrimSpace(source) == "" {
		return nil, &Error{Line: 1, Column: 1, Msg: "is empty"}
	}
	if n := len([]rune(source)); n > MaxSource {
		return nil, &Error{Line: 1, Column: 1, Msg: fmt.Sprintf("has %d characters, the most is %d", n, MaxSource)}
	}
	return scan(source)
}

// bounded refuses trees that are too large or too deep.
func bounded(tree *ast.AST) error {
	switch {
	case ast.NodeCount(tree) > 2*maxNodes: // macros count twice
		return &Error{Line: 1, Column: 1, Msg: fmt.Sprintf("has more than %d parts", maxNodes)}
	case ast.ExceedsDepth(tree, 3*maxDepth):
		return &Error{Line: 1, Column: 1, Msg: fmt.Sprintf("lies deeper than %d levels", maxDepth)}
	}
	return nil
}

// Source is the text that was compiled.
func (p *Program) Source() string { return p.source }

// Reads says what the program depends on.
func (p *Program) Reads() Reads { return p.reads }

// Atoms are the program's questions on signals, each once.
func (p *Program) Atoms() []Atom {
	list := make([]Atom, len(p.atoms))
	for i, a := range p.atoms {
		list[i] = *a
	}
	return list
}

// Ask answers on facts. What it costs is taken from the budget, which may be nil.
func (p *Program) Ask(f *Facts, b *Budget) Verdict {
	f.begin(p, b)
	holds := p.holds(f) && !f.run.over
	v := Verdict{Holds: holds, Missing: f.missing(), Next: f.run.next}
	if f.run.over {
		v = Verdict{Reason: f.overdrawn(b)}
	}
	b.take(f.run.spent)
	return v
}

// Answer is Ask for whoever needs no reasons: whether it holds; whether a field was absent that it read; and whether that is known, as it is not when it costs
// more than it may.
func (p *Program) Answer(f *Facts, b *Budget) (holds, lacks, known bool) {
	f.begin(p, b)
	holds = p.holds(f)
	b.take(f.run.spent)
	if f.run.over {
		return false, false, false
	}
	return holds, f.run.missing != [len(f.run.missing)]uint64{}, true
}

func (f *Facts) begin(p *Program, b *Budget) {
	f.run = run{p: p, limit: b.most(p.max)}
	f.run.over = b.empty()
}

// missing names the fields that were read and absent.
func (f *Facts) missing() []string {
	if f.run.missing == [len(f.run.missing)]uint64{} {
		return nil
	}
	var names []string
	for i, s := range f.run.p.slots {
		if f.run.missing[i/64]&(1<<(i%64)) != 0 {
			names = append(names, s.field)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (f *Facts) overdrawn(b *Budget) string {
	if f.run.limit < f.run.p.max {
		return fmt.Sprintf("the %d units that its signal may cost are used up", b.all)
	}
	return fmt.Sprintf("costs more than %d units", f.run.p.max)
}

// Budget is what all the programs that one signal asks may cost together, in CEL cost units. nil is without an end.
type Budget struct {
	all  uint64
	left uint64
}

// NewBudget makes a budget.
func NewBudget(units uint64) *Budget { return &Budget{all: units, left: units} }

// Left is what may still be spent.
func (b *Budget) Left() uint64 { return b.left }

func (b *Budget) empty() bool { return b != nil && b.left == 0 }

func (b *Budget) most(units uint64) uint64 {
	if b != nil {
		return min(units, b.left)
	}
	return units
}

func (b *Budget) take(units uint64) {
	if b != nil {
		b.left -= min(units, b.left)
	}
}
