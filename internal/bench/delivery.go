package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	sustainedConnections = 64
	watchEvery           = 3 * time.Millisecond
	settleWithin         = 2 * time.Minute // after a load, for what has not come out yet
	idleFor              = 2 * time.Second // before a measurement that wants a quiet server
)

// delivery measures a signal's whole way: sustained, then a flood without a bound and how long its backlog takes to drain.
func (b *bench) delivery(ctx context.Context) error {
	r, err := b.newRig(ctx, false)
	if err != nil {
		return err
	}
	err = r.profile(Delivery, func() error { return b.sustained(ctx, r) })
	if err == nil {
		err = r.profile("flood", func() error { return b.flood(ctx, r) })
	}
	return errors.Join(err, r.close())
}

// sustained keeps the number of signals between the two ends bounded: out keeps up with in by construction, and what is found is the
// rate at which both go.
func (b *bench) sustained(ctx context.Context, r *rig) error {
	out := DeliveryResult{Connections: sustainedConnections, Bound: int64(b.Backlog)}
	for round := range b.Rounds {
		b.say("delivery, sustained: round %d of %d", round+1, b.Rounds)
		s, err := b.through(ctx, r, newBacklog(int64(b.Backlog)))
		if err != nil {
			return err
		}
		out.Rounds = append(out.Rounds, s)
	}
	out.Median = medianFlow(out.Rounds)
	b.report.Delivery = &out
	return nil
}

func (b *bench) flood(ctx context.Context, r *rig) error {
	b.say("delivery, flood: %s without a bound, then the drain", b.Duration)
	s, err := b.through(ctx, r, nil)
	b.report.Flood = &s
	return err
}

// through sends signals in for a round and waits until every accepted one has been received.
func (b *bench) through(ctx context.Context, r *rig, bound *backlog) (Flow, error) {
	if err := r.begin(); err != nil {
		return Flow{}, err
	}
	l := r.load(sustainedConnections, b.Duration)
	l.backlog = bound
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	if bound != nil {
		watch.Go(func() { r.watch(watching, bound) })
	}
	before, begin, own := r.usage(), time.Now(), selfCPU()
	o, err := l.run(ctx)
	stop()
	watch.Wait()
	if err != nil {
		return Flow{}, err
	}
	ended := time.Now()
	atEnd, err := r.came("count")
	if err != nil {
		return Flow{}, err
	}
	accepted := o.accepted.Load()
	got, err := r.drain(ctx, accepted)
	if err != nil {
		return Flow{}, err
	}
	took, used := got.Last.Sub(begin), r.usage().since(before)
	f := Flow{
		Accepted: accepted, Received: got.Unique, Duplicates: got.Duplicates, Bad: got.Bad, Refused: o.refused.Load(), Failed: o.failed.Load(),
		InPerSecond:  round3(float64(accepted) / o.elapsed.Seconds()),
		OutPerSecond: round3(float64(got.Unique) / took.Seconds()), OutWhileSending: round3(float64(atEnd.Unique) / ended.Sub(begin).Seconds()),
		Backlog: accepted - atEnd.Unique, DrainSeconds: round3(max(0, got.Last.Sub(ended).Seconds())),
		CPUMicros: perEvent(used.cpu(), got.Unique), DatabaseMicros: perEvent(used.database, got.Unique), WALBytes: perSignal(used.wal, got.Unique),
		GeneratorMicros: perEvent(selfCPU()-own, accepted), Ingest: o.latency.Latency(), EndToEnd: got.Latency,
	}
	for i := range o.byServer {
		f.Shares = append(f.Shares, NodeShare{
			Signals: ratio(float64(o.byServer[i].Load()), float64(accepted)), CPU: ratio(used.nodes[i].Seconds(), (used.cpu() - used.database).Seconds()),
		})
	}
	_, f.PeakMB = r.memory()
	return f, nil
}

// watch tells the backlog what has come out until ctx ends.
func (r *rig) watch(ctx context.Context, bound *backlog) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if got, err := r.came("count"); err == nil {
			bound.came(got.Unique / max(r.webhooks, 1))
		}
	}
}

// drain waits until so many signals have been received, and a moment more for the settling of the last.
func (r *rig) drain(ctx context.Context, accepted int64) (Received, error) {
	begin, last, lastAt, accepted := time.Now(), int64(-1), time.Now(), accepted*max(r.webhooks, 1)
	for {
		got, err := r.came("count")
		if err != nil {
			return got, err
		}
		if got.Unique >= accepted {
			break
		}
		if got.Unique != last {
			last, lastAt = got.Unique, time.Now()
		}
		if time.Since(lastAt) > 90*time.Second || time.Since(begin) > maxDuration {
			return got, fmt.Errorf("%d of %d accepted signals were received and nothing more comes (%d did not verify)", got.Unique, accepted, got.Bad)
		}
		if err := pause(ctx, watchEvery); err != nil {
			return got, err
		}
	}
	if err := pause(ctx, 100*time.Millisecond); err != nil {
		return Received{}, err
	}
	return r.came("summary")
}

// openLoop measures how long a signal takes to its receiver when signals arrive at fixed moments.
func (b *bench) openLoop(ctx context.Context) error {
	r, err := b.newRig(ctx, false)
	if err != nil {
		return err
	}
	err = r.profile(OpenLoop, func() error { return b.steady(ctx, r) })
	return errors.Join(err, r.close())
}

func (b *bench) steady(ctx context.Context, r *rig) error {
	out := LatencyResult{Rate: b.Rate, Connections: sustainedConnections}
	if err := pause(ctx, min(idleFor, 4*b.Duration)); err != nil {
		return err
	}
	for round := range b.Rounds {
		b.say("latency: %d signals a second, round %d of %d", b.Rate, round+1, b.Rounds)
		if err := r.begin(); err != nil {
			return err
		}
		l := r.load(sustainedConnections, b.Duration)
		l.rate = b.Rate
		before := r.usage()
		o, err := l.run(ctx)
		if err != nil {
			return err
		}
		got, err := r.drain(ctx, o.accepted.Load())
		if err != nil {
			return err
		}
		used := r.usage().since(before)
		out.Rounds = append(out.Rounds, LatencySample{
			Accepted: o.accepted.Load(), Duplicates: got.Duplicates, EndToEnd: got.Latency, Ingest: o.latency.Latency(), Late: o.late.Latency(),
			CPUMicros: perEvent(used.cpu(), got.Unique), DatabaseMicros: perEvent(used.database, got.Unique),
		})
	}
	out.Median = medianLatency(out.Rounds)
	b.report.Latency = &out
	return nil
}

// selfCPU is the CPU time of this process, the generator of the load.
func selfCPU() time.Duration {
	t, err := cpuTime(os.Getpid())
	if err != nil {
		return 0
	}
	return t
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
