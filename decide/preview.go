package decide

import (
	"cmp"
	"math"
	"slices"
	"time"

	"signalbox"
	"signalbox/score"
)

// Preview works out who would move by another scoring: every record is scored twice, by what its signals are worth now and by what they would be.
type Preview struct {
	now, then *Scorer
	records   map[signalbox.EntityID]*previewed
	signals   int
}

// previewed is a record as both scorings have it.
type previewed struct {
	kind      signalbox.RecordKind
	now, then score.Sums
}

// NewPreview begins one from definitions to another scoring.
func NewPreview(d *signalbox.Definitions, to *signalbox.Scoring) (*Preview, error) {
	other := *d
	other.Scoring = *to
	now, err := NewScorer(d)
	if err != nil {
		return nil, err
	}
	then, err := NewScorer(&other)
	if err != nil {
		return nil, err
	}
	return &Preview{now: now, then: then, records: map[signalbox.EntityID]*previewed{}}, nil
}

// Add looks at signals, in any order. Each counts for the records that it is shown with: those that stand for the ones it was matched to.
func (p *Preview) Add(list []signalbox.SignalView) {
	p.signals += len(list)
	for i := range list {
		s := &list[i].Signal
		points, _ := p.then.Points(s)
		for _, r := range about(list[i].AccountRow, list[i].ContactRow) {
			of := p.records[r.Entity()]
			if of == nil {
				of = &previewed{kind: r.Kind()}
				p.records[r.Entity()] = of
			}
			p.now.model.Add(&of.now, s.Type, s.Points.Float(), s.CountsFrom())
			p.then.model.Add(&of.then, s.Type, points.Float(), s.CountsFrom())
		}
	}
}

// Moves says who moves at a moment.
func (p *Preview) Moves(at time.Time) signalbox.ScoringPreview {
	out := signalbox.ScoringPreview{Signals: p.signals, Records: len(p.records)}
	for entity, r := range p.records {
		m := signalbox.ScoreMove{
			Kind: r.kind, Entity: entity,
			Before: standingAt(p.now.model, r.kind, p.now.model.At(&r.now, at)), After: standingAt(p.then.model, r.kind, p.then.model.At(&r.then, at)),
		}
		if m.Before.Score != m.After.Score || m.Before.Stage != m.After.Stage {
			out.Moves = append(out.Moves, m)
		}
	}
	slices.SortFunc(out.Moves, func(a, b signalbox.ScoreMove) int {
		far := func(m signalbox.ScoreMove) float64 { return math.Abs(m.After.Points - m.Before.Points) }
		return cmp.Or(cmp.Compare(far(b), far(a)), cmp.Compare(a.Entity, b.Entity))
	})
	return out
}
