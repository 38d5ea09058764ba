package decide

import (
	"fmt"

	"signalbox"
	"signalbox/expr"
	"signalbox/score"
	"signalbox/wire"
)

// ruleBudget is what all rules may cost together that one signal asks, in CEL cost units: a rule beyond it gives no points.
const ruleBudget = 100_000

// scoreRules are the conditions of a scoring's rules.
type scoreRules struct {
	when []*expr.Program // by rule; nil: always
}

func compileRules(rules []signalbox.ScoreRule) (*scoreRules, error) {
	r := &scoreRules{when: make([]*expr.Program, len(rules))}
	for i := range rules {
		if rules[i].When == "" {
			continue
		}
		p, err := expr.Compile(rules[i].When, expr.Options{Use: expr.ForSignal})
		if err != nil {
			return nil, fmt.Errorf("rule %q: %w", rules[i].Name, err)
		}
		r.when[i] = p
	}
	return r, nil
}

// points says what a signal is worth, and which rules gave it points, as both are stored.
func (r *scoreRules) points(model *score.Model, s *signalbox.Signal, read *expr.Signal) (signalbox.Points, []byte) {
	var facts *expr.Facts // nil: nothing was asked yet
	var budget *expr.Budget
	points, parts := model.Points(s.Type, func(rule int) bool {
		p := r.when[rule]
		if p == nil {
			return true
		}
		if facts == nil {
			facts, budget = &expr.Facts{Signal: read, Now: s.CreatedAt}, expr.NewBudget(ruleBudget)
		}
		holds, _, _ := p.Answer(facts, budget)
		return holds
	})
	return signalbox.PointsOf(points), rulesOf(parts)
}

// reads is what expressions read of the signal that is decided on: the same for all of them, so that its properties are decoded once.
func (f *fold) reads(s *signalbox.Signal) *expr.Signal {
	if f.read.of != s {
		f.read.of, f.read.facts = s, signalFacts(s)
	}
	f.read.facts.Score = s.Points.Float()
	return f.read.facts
}

// signalFacts is what expressions read of a signal. Its score is not known yet while it is scored.
func signalFacts(s *signalbox.Signal) *expr.Signal {
	return &expr.Signal{
		Type: s.Type, Source: s.Source, EventName: s.EventName, Context: s.Properties, OccurredAt: s.OccurredAt, CreatedAt: s.CreatedAt, Score: s.Points.Float(),
	}
}

// rulesOf is what is stored of the rules that gave a signal points; nil when its type alone did.
func rulesOf(parts []score.Part) []byte {
	if len(parts) <= 1 {
		return nil
	}
	list := make([]wire.Reason, len(parts))
	for i, p := range parts {
		list[i] = wire.Reason{Rule: p.Name, Points: p.Points}
	}
	return wire.Reasons(list)
}
