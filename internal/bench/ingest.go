package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ingest measures single signals in closed loop, the server and the bare handler in turn.
func (b *bench) ingest(ctx context.Context) error {
	r, err := b.newRig(ctx, b.holds())
	if err != nil {
		return err
	}
	if err := b.startBare(ctx); err != nil {
		return errors.Join(err, r.close())
	}
	err = r.profile(Ingest, func() error {
		for _, n := range b.Connections {
			if err := b.ingestWith(ctx, r, n); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, r.close())
}

// holds says whether sending is held while ingest is measured; a server that runs already does as it was told.
func (b *bench) holds() bool { return !b.SendInIngest && b.Server == "" }

// ingestWith measures one number of connections.
func (b *bench) ingestWith(ctx context.Context, r *rig, connections int) error {
	out := IngestResult{Connections: connections, Held: r.hold}
	for round := range b.Rounds {
		b.say("ingest: %d connections, round %d of %d", connections, round+1, b.Rounds)
		s, err := b.measure(ctx, r.load(connections, b.Duration), r.usage)
		if err != nil {
			return err
		}
		out.Server = append(out.Server, s)
		plain := r.load(connections, b.Duration)
		plain.addrs = []string{b.bareAt}
		if s, err = b.measure(ctx, plain, b.bareUsage); err != nil {
			return fmt.Errorf("the bare handler: %w", err)
		}
		out.Bare = append(out.Bare, s)
	}
	_, out.PeakMB = r.memory()
	out.Median, out.BareMedian = median(out.Server), median(out.Bare)
	out.Ratio = ratio(out.Median.PerSecond, out.BareMedian.PerSecond)
	b.report.Ingest = append(b.report.Ingest, out)
	return nil
}

// measure runs a load and sums it up; used reads what the processes that serve it have used.
func (b *bench) measure(ctx context.Context, l *load, used func() usage) (Sample, error) {
	before := used()
	o, err := l.run(ctx)
	if err != nil {
		return Sample{}, err
	}
	return sample(o, used().since(before)), nil
}

// startBare starts the handler that the server is held against.
func (b *bench) startBare(ctx context.Context) error {
	if b.bare != nil {
		return nil
	}
	var at listening
	c, err := startChild(ctx, b.Command, roleBare, struct{}{}, &at)
	if err != nil {
		return err
	}
	b.bare, b.bareAt = c, at.Addr
	return nil
}

func (b *bench) stopBare() error { return b.end(b.bare) }

func (b *bench) bareUsage() usage {
	t, err := cpuTime(b.bare.pid())
	if err != nil {
		t = 0
	}
	return usage{nodes: []time.Duration{t}}
}

// batchConnections is enough to keep a turn waiting while one commits.
const batchConnections = 4

// batchDoor measures the batch door.
func (b *bench) batchDoor(ctx context.Context) error {
	r, err := b.newRig(ctx, b.holds())
	if err != nil {
		return err
	}
	err = r.profile(Batch, func() error {
		out := BatchResult{Size: b.Config.Batch, Connections: batchConnections, Held: r.hold}
		for round := range b.Rounds {
			b.say("batch door: %d signals a request, round %d of %d", out.Size, round+1, b.Rounds)
			l := r.load(batchConnections, b.Duration)
			l.path, l.batch = batchPath, out.Size
			s, err := b.measure(ctx, l, r.usage)
			if err != nil {
				return err
			}
			out.Server = append(out.Server, s)
		}
		out.Median = median(out.Server)
		b.report.Batch = &out
		return nil
	})
	return errors.Join(err, r.close())
}
