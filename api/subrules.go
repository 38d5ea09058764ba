package api

import (
	"fmt"

	"signalbox"
	"signalbox/expr"
)

// How much counting reads and spends.
const (
	maxCounted = 10_000      // signals
	perSignal  = 100_000     // CEL cost units that all sub-rules may spend on one signal, as scoring rules do
	perCount   = 100_000_000 // and on all of them together
)

// countSubRules asks a type's sub-rules about its latest signals, now.
func (a *API) countSubRules(c *call, k *kindOfSignal, v *signalTypeView) error {
	rules := k.settings.SubRules
	programs := make([]*expr.Program, len(rules))
	counts := make([]int, len(rules))
	for i, r := range rules {
		p, err := expr.Compile(r.When, expr.Options{Use: expr.ForSignal})
		if err != nil {
			return fmt.Errorf("sub-rule %q: %w", r.Name, err)
		}
		programs[i], v.SubRules[i].Signals = p, &counts[i]
	}
	counted, complete := 0, len(rules) == 0
	v.Counted, v.Complete = &counted, &complete
	var before signalbox.SignalID
	for spent := uint64(0); !complete; {
		list, err := a.cfg.Store.TypeSignals(c.r.Context(), c.ws(), k.ID, before)
		if err != nil {
			return err
		}
		complete = len(list) == 0
		for i := range list {
			s := &list[i]
			if before = s.ID; !s.ErasedAt.IsZero() {
				continue
			}
			if counted == maxCounted || spent >= perCount {
				return nil
			}
			counted++
			s.Type = k.Name
			spent += countOf(s, programs, counts)
		}
	}
	return nil
}

// countOf asks about one signal, and says what that cost.
func countOf(s *signalbox.Signal, programs []*expr.Program, counts []int) uint64 {
	budget := expr.NewBudget(perSignal)
	facts := &expr.Facts{Now: s.CreatedAt, Signal: &expr.Signal{
		Type: s.Type, Source: s.Source, EventName: s.EventName, Context: s.Properties, OccurredAt: s.OccurredAt, CreatedAt: s.CreatedAt, Score: s.Points.Float(),
	}}
	for i, p := range programs {
		if p.Ask(facts, budget).Holds {
			counts[i]++
		}
	}
	return perSignal - budget.Left()
}
