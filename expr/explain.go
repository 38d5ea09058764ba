package expr

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// Clause is one part of a condition, for people.
type Clause struct {
	Source string
	Holds  bool
	Says   string // "signal.properties.team_size is 8, not > 10"
}

// clause is a part as it was compiled.
type clause struct {
	source string
	holds  test
	slots  []int
	wanted string // "> 10", of a plain comparison
}

// Explain answers clause by clause: each part between and and or is asked, whatever the others say. The first time it takes as long as Compile.
func (p *Program) Explain(f *Facts) []Clause {
	p.explaining.Do(func() {
		p.explained, _ = compile(p.source, Options{Use: p.use, MaxCost: p.max, Extra: p.extra()}, how{explain: true})
	})
	full := p.explained
	if full == nil {
		return nil
	}
	var all []Clause
	for _, one := range full.clauses {
		f.begin(full, nil)
		holds := one.holds(f)
		c := Clause{Source: one.source, Holds: holds && !f.run.over}
		if c.Says = full.says(f, one, holds); f.run.over {
			c.Says = f.overdrawn(nil)
		}
		all = append(all, c)
	}
	return all
}

// extra finds the variables that the source was allowed: those that it reads.
func (p *Program) extra() []string {
	var names []string
	for _, s := range p.slots {
		root, _, _ := strings.Cut(s.field, ".")
		root, _, _ = strings.Cut(root, "[")
		if root != "" && root != "signals" && fields[root] == nil {
			names = append(names, root)
		}
	}
	return names
}

// says tells what a clause read.
func (p *Program) says(f *Facts, c clause, holds bool) string {
	var said []string
	absent := false
	for _, i := range c.slots {
		s := p.slots[i]
		switch {
		case s.test != nil && s.test(f):
			said = append(said, s.name+" is as asked")
		case s.test != nil:
			said = append(said, s.name+" is not as asked")
		case s.get != nil:
			v := s.get(f)
			if v.kind == missing {
				absent = true
				said = append(said, s.name+" is missing")
				continue
			}
			said = append(said, s.name+" is "+show(v))
		}
	}
	if !holds && !absent && c.wanted != "" {
		said = append(said, "not "+c.wanted)
	}
	return strings.Join(said, ", ")
}

// show writes a value for people, shortened.
func show(v val) string {
	var text string
	switch x := v.native().(type) {
	case time.Time:
		text = x.Format(time.RFC3339)
	case time.Duration:
		text = x.String()
	case wide:
		text = string(x)
	default:
		raw, err := json.Marshal(x)
		if err != nil {
			return "?"
		}
		text = string(raw)
	}
	const most = 80
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// explain lists the clauses of a tree.
func (c *compiler) explain(e ast.Expr) {
	if e.Kind() == ast.CallKind {
		if name := e.AsCall().FunctionName(); name == operators.LogicalAnd || name == operators.LogicalOr {
			for _, arg := range e.AsCall().Args() {
				c.explain(arg)
			}
			return
		}
	}
	one := clause{source: c.written(e), holds: c.test(e)}
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.IdentKind {
			return
		}
		if i := slotIndex(e.AsIdent()); i >= 0 && !slices.Contains(one.slots, i) {
			one.slots = append(one.slots, i)
		}
	}))
	one.wanted = c.wanted(e)
	c.p.clauses = append(c.p.clauses, one)
}

// wanted writes the right side of a plain comparison.
func (c *compiler) wanted(e ast.Expr) string {
	if e.Kind() != ast.CallKind {
		return ""
	}
	call := e.AsCall()
	if _, ok := compareFunctions[call.FunctionName()]; !ok || c.slotOf(call.Args()[0]) == nil {
		return ""
	}
	if with, ok := constantText(call.Args()[1]); ok {
		return fmt.Sprintf("%s %s", shown(call.FunctionName()), with)
	}
	return ""
}

// written finds a node as it was before it was rewritten.
func (c *compiler) written(e ast.Expr) string {
	var found ast.Expr
	ast.PreOrderVisit(c.b.shown.Expr(), ast.NewExprVisitor(func(one ast.Expr) {
		if one.ID() == e.ID() && found == nil {
			found = one
		}
	}))
	if found == nil {
		return ""
	}
	return unparse(c.b.shown, found)
}
