package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// idle measures a server that has nothing to do: how soon it is ready on an empty database, what it holds in memory then, and how
// large the program is.
func (b *bench) idle(ctx context.Context) error {
	out := IdleResult{}
	exe, err := os.Stat(b.Command[0])
	if err != nil {
		return err
	}
	out.BinaryMB = megabytes(exe.Size())
	for round := range b.Rounds {
		b.say("idle: start %d of %d on an empty database", round+1, b.Rounds)
		if err := b.idleOnce(ctx, &out); err != nil {
			return err
		}
	}
	out.ReadyMS, out.ResidentMB = medianOf(out.ReadyMSRounds), medianOf(out.ResidentMBRounds)
	b.report.Idle = &out
	return nil
}

func (b *bench) idleOnce(ctx context.Context, out *IdleResult) error {
	dir, err := os.MkdirTemp(b.dir, "data-")
	if err != nil {
		return err
	}
	r := &rig{b: b, dir: dir}
	ready, err := r.start(ctx)
	if err == nil {
		err = pause(ctx, min(idleFor, 4*b.Duration))
	}
	if err == nil {
		resident, _ := r.memory()
		out.ReadyMSRounds = append(out.ReadyMSRounds, millis(ready))
		out.ResidentMBRounds = append(out.ResidentMBRounds, resident)
	}
	return errors.Join(err, r.close())
}

// growthStep is how many signals are stored between two looks at the rate, at least.
const growthStep = 100_000

// growth fills a database, deliveries recorded and held, and measures single signals on the way; half-way it stops the server and
// kills it, and sees how soon it is ready again.
func (b *bench) growth(ctx context.Context) error {
	r, err := b.newRig(ctx, true)
	if err != nil {
		return err
	}
	out := &GrowthResult{Connections: b.Connections[0]}
	err = b.grow(ctx, r, out)
	b.report.Growth = out
	return errors.Join(err, r.close())
}

func (b *bench) grow(ctx context.Context, r *rig, out *GrowthResult) error {
	first := b.numbers.Load() - int64(b.Contacts) - int64(b.Preload) // numbers given out before this database
	stored := func() int { return int(b.numbers.Load() - first) }
	if err := b.growthSample(ctx, r, out, stored()); err != nil {
		return err
	}
	half := b.Stored / 2
	for _, goal := range []int{half, b.Stored} {
		for stored() < goal {
			n := min(max(growthStep, b.Stored/8), goal-stored())
			b.say("growth: %s of %s signals stored", thousands(float64(stored())), thousands(float64(b.Stored)))
			begin := time.Now()
			if err := r.fill(ctx, n, false); err != nil {
				return err
			}
			out.Fill = append(out.Fill, FillStep{Stored: stored(), PerSecond: round3(float64(n) / time.Since(begin).Seconds())})
		}
		if goal == half {
			if err := b.restarts(ctx, r, out, stored()); err != nil {
				return err
			}
		}
	}
	if err := r.profile(Growth, func() error { return b.growthSample(ctx, r, out, stored()) }); err != nil {
		return err
	}
	out.Ratio = ratio(out.Samples[len(out.Samples)-1].Median.PerSecond, out.Samples[0].Median.PerSecond)
	out.DatabaseMB = megabytes(dirBytes(r.dir))
	out.ResidentMB, out.PeakMB = r.memory()
	return nil
}

// growthSample measures single signals with so many stored.
func (b *bench) growthSample(ctx context.Context, r *rig, out *GrowthResult, stored int) error {
	at := GrowthSample{Stored: stored}
	for round := range b.Rounds {
		b.say("growth: the rate at %s signals, round %d of %d", thousands(float64(stored)), round+1, b.Rounds)
		s, err := b.measure(ctx, r.load(out.Connections, b.Duration), r.cpu)
		if err != nil {
			return err
		}
		at.Rounds = append(at.Rounds, s)
	}
	at.Median = median(at.Rounds)
	out.Samples = append(out.Samples, at)
	return nil
}

// restarts stops the server and starts it again, then kills it and starts it again.
func (b *bench) restarts(ctx context.Context, r *rig, out *GrowthResult, stored int) error {
	b.say("growth: a stop and a kill at %s signals", thousands(float64(stored)))
	out.RestartedAt = stored
	if err := b.end(r.server); err != nil {
		return err
	}
	ready, err := r.start(ctx)
	if err != nil {
		return fmt.Errorf("start after a stop: %w", err)
	}
	out.ReadyMS = millis(ready)
	// Something is under way when the kill comes, so that the next start has a log to recover.
	if _, err := b.measure(ctx, r.load(out.Connections, time.Second), r.cpu); err != nil {
		return err
	}
	if err := r.server.kill(); err != nil {
		return err
	}
	b.count(r.server)
	if ready, err = r.start(ctx); err != nil {
		return fmt.Errorf("start after a kill: %w", err)
	}
	out.ReadyAfterKillMS = millis(ready)
	return nil
}
