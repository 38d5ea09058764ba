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
	r := &rig{b: b}
	ready, err := r.startFirst(ctx)
	if err == nil {
		err = pause(ctx, min(idleFor, 4*b.Duration))
	}
	if err == nil {
		resident, _ := r.memory()
		out.ReadyMSRounds = append(out.ReadyMSRounds, millis(ready))
		out.ResidentMBRounds = append(out.ResidentMBRounds, resident)
	}
	if err == nil && b.database != nil && len(out.ReadyMSRounds) == b.Rounds {
		out.StatementsPerSecond, err = b.polling(ctx, r)
	}
	return errors.Join(err, r.close())
}

// pollingFor is as long as everything takes that a server does now and then (heartbeats every 3 s, polls every 5 s), three times over.
const pollingFor = 45 * time.Second

// polling counts the statements that an idle server sends.
func (b *bench) polling(ctx context.Context, r *rig) (perSecond float64, err error) {
	b.say("idle: counting statements for %s", min(pollingFor, 4*b.Duration))
	var before, after statements
	begin := time.Now()
	if err := r.nodes[0].server.ask(order{Do: "statements"}, &before); err != nil {
		return 0, err
	}
	if err := pause(ctx, min(pollingFor, 9*b.Duration)); err != nil {
		return 0, err
	}
	if err := r.nodes[0].server.ask(order{Do: "statements"}, &after); err != nil {
		return 0, err
	}
	return round3(float64(after.Sent-before.Sent) / time.Since(begin).Seconds()), nil
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
	out.DatabaseMB = megabytes(r.stored(ctx))
	out.ResidentMB, out.PeakMB = r.memory()
	return nil
}

// growthSample measures single signals with so many stored.
func (b *bench) growthSample(ctx context.Context, r *rig, out *GrowthResult, stored int) error {
	at := GrowthSample{Stored: stored}
	for round := range b.Rounds {
		b.say("growth: the rate at %s signals, round %d of %d", thousands(float64(stored)), round+1, b.Rounds)
		s, err := b.measure(ctx, r.load(out.Connections, b.Duration), r.usage)
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
	node := r.nodes[0]
	if err := b.end(node.server); err != nil {
		return err
	}
	ready, err := r.start(ctx, node)
	if err != nil {
		return fmt.Errorf("start after a stop: %w", err)
	}
	out.ReadyMS = millis(ready)
	// Something is under way when the kill comes, so that the next start has a log to recover.
	if _, err := b.measure(ctx, r.load(out.Connections, time.Second), r.usage); err != nil {
		return err
	}
	if err := node.server.kill(); err != nil {
		return err
	}
	b.count(node.server)
	if ready, err = r.start(ctx, node); err != nil {
		return fmt.Errorf("start after a kill: %w", err)
	}
	out.ReadyAfterKillMS = millis(ready)
	return nil
}

// stored is how many bytes the rig's database has on the disk.
func (r *rig) stored(ctx context.Context) int64 {
	if r.schema != "" {
		return r.b.database.number(ctx, schemaSizeSQL, r.schema)
	}
	return dirBytes(r.nodes[0].dir)
}
