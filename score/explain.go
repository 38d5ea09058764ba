package score

import (
	"cmp"
	"math"
	"slices"
	"time"

	"signalbox"
)

// Explain says what signals are worth at a moment, under one model: how much each that happened up to then gives to the sum, after boost and cap of its
// type, the largest first. Of more than most the others are one rest. The contributions and the rest add up to the points.
func (m *Model) Explain(signals []signalbox.Scored, at time.Time, most int) signalbox.Explanation {
	types := map[string]*sum{}
	then := at.UnixMicro()
	left := make([]float64, len(signals))
	for i, g := range signals {
		if g.At.After(at) {
			continue
		}
		x := types[g.Type]
		if x == nil {
			x = &sum{typ: g.Type}
			types[g.Type] = x
		}
		f := m.of(g.Type).decay(then - g.At.UnixMicro())
		left[i] = g.Points.Float() * f
		x.s += left[i]
		x.n += f
	}
	share := make(map[string]float64, len(types)) // what is left of a point after boost and cap
	var e signalbox.Explanation
	for typ, x := range types {
		v := m.value(x, m.of(typ), 0)
		e.Points += v
		if share[typ] = 1; x.s != 0 {
			share[typ] = v / x.s
		}
	}
	for i, g := range signals {
		if !g.At.After(at) {
			e.Contributions = append(e.Contributions, signalbox.Contribution{Scored: g, Left: left[i] * share[g.Type]})
		}
	}
	slices.SortStableFunc(e.Contributions, func(a, b signalbox.Contribution) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Left), math.Abs(a.Left)), cmp.Compare(b.ID, a.ID))
	})
	if len(e.Contributions) > most {
		for _, c := range e.Contributions[most:] {
			e.RestPoints += c.Left
		}
		e.Rest = len(e.Contributions) - most
		e.Contributions = e.Contributions[:most:most]
	}
	return e
}
