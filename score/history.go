package score

import (
	"slices"
	"time"

	"signalbox"
)

// running is what is kept of one type's signals while a history is walked, decayed to the latest of them.
type running struct {
	sum
	kind kind
	at   int64
}

// History says what signals were worth at each of several moments, under one model: what [Model.Explain] sums to there. The moments ascend; the signals
// may come in any order, and stay as they are. It walks them once.
func (m *Model) History(signals []signalbox.Scored, at []time.Time) []float64 {
	order := make([]int32, len(signals)) // less to move than the signals
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return signals[a].At.Compare(signals[b].At) })
	var types []running // in the order in which they came, so that sums are the same each time
	places := map[string]int{}
	points := make([]float64, len(at))
	for i, moment := range at {
		for len(order) > 0 && !signals[order[0]].At.After(moment) {
			g := &signals[order[0]]
			order = order[1:]
			place, seen := places[g.Type]
			if !seen {
				place = len(types)
				places[g.Type] = place
				types = append(types, running{sum: sum{typ: g.Type}, kind: m.of(g.Type)})
			}
			types[place].add(g)
		}
		for j := range types {
			x := &types[j]
			points[i] += m.value(&x.sum, x.kind, moment.UnixMicro()-x.at)
		}
	}
	return points
}

// add counts a signal that is none of the earlier ones.
func (x *running) add(g *signalbox.Scored) {
	now := g.At.UnixMicro()
	f := x.kind.decay(now - x.at)
	x.s, x.n, x.at = x.s*f+g.Points.Float(), x.n*f+1, now
}
