package bench

import (
	"context"
	"errors"
)

// nodes measures a signal's whole way with one node and with two on the same database, in turn, under the same load: the same number of
// connections in all, and the same bound on what lies between the two ends.
func (b *bench) nodes(ctx context.Context) error {
	r, err := b.newRig(ctx, false)
	if err != nil {
		return err
	}
	out := &NodesResult{Connections: sustainedConnections, Bound: int64(b.Backlog)}
	for round := range b.Rounds {
		// What comes second in a round finds larger tables: they take turns in that as well.
		for i := range 2 {
			if err = b.nodesRound(ctx, r, out, round, (round+i)%2 == 1); err != nil {
				return errors.Join(err, r.close())
			}
		}
	}
	out.One, out.Two = medianFlow(out.OneRounds), medianFlow(out.TwoRounds)
	out.CPURatio, out.RateRatio = ratio(out.Two.CPUMicros, out.One.CPUMicros), ratio(out.Two.OutPerSecond, out.One.OutPerSecond)
	b.report.Nodes = out
	return r.close()
}

// nodesRound measures one of the two.
func (b *bench) nodesRound(ctx context.Context, r *rig, out *NodesResult, round int, two bool) (err error) {
	if !two {
		b.say("nodes: one, round %d of %d", round+1, b.Rounds)
		f, err := b.through(ctx, r, newBacklog(int64(b.Backlog)))
		out.OneRounds = append(out.OneRounds, f)
		return err
	}
	b.say("nodes: two, round %d of %d", round+1, b.Rounds)
	if _, err := r.addNode(ctx); err != nil {
		return err
	}
	f, err := b.through(ctx, r, newBacklog(int64(b.Backlog)))
	out.TwoRounds = append(out.TwoRounds, f)
	return errors.Join(err, r.removeNode())
}
