package crash_test

import (
	"slices"
	"syscall"
	"time"
)

// hunt is one server that is killed again and again on one data directory, under load and with receivers.
type hunt struct {
	trial
	site *site

	ready   []time.Duration // of the lives that became ready
	stored  int64           // signals at the last check
	checks  int
	checked time.Duration // spent on checks
}

// lifeEnds is how a life ended.
type lifeEnds bool

const (
	killedByUs    lifeEnds = false
	killedByPoint lifeEnds = true
)

// live runs the server for a span from its birth, then kills it, unless a fault point did so first.
func (h *hunt) live(span time.Duration, env ...string) lifeEnds {
	h.t.Helper()
	v := h.site.start(env...)
	var before loadStats
	if v.awaitReady(span) {
		h.ready = append(h.ready, v.ready)
		before = h.load.stats(h.t)
		select {
		case <-v.ended:
		case <-time.After(span - time.Since(v.born)):
		}
	}
	ends := lifeEnds(v.gone())
	h.kill(v)
	if v.ready > 0 {
		h.up += v.died.Sub(v.born) - v.ready
		h.offered += h.load.stats(h.t).Offered - before.Offered
	}
	if status, ok := v.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		h.t.Fatalf("the server ended by itself: %s", v.outcome())
	}
	return ends
}

// kill kills a life, and notes the time without one.
func (h *hunt) kill(v *server) {
	v.kill()
	h.revived(v)
	h.outages = append(h.outages, outage{From: v.died, To: v.died})
}

// readLate is how much later than it was sent a request may be read.
const readLate = 100 * time.Millisecond

// revived ends the outage before a life.
func (h *hunt) revived(v *server) {
	if len(h.outages) == 0 {
		return
	}
	last := &h.outages[len(h.outages)-1]
	if last.To = v.died; v.ready > 0 {
		last.To = v.born.Add(v.ready)
	}
	if late := last.From.Add(readLate); last.To.Before(late) {
		last.To = late
	}
}

// check looks at what a kill left behind, before the next life does. It returns the acknowledged signals that are missing.
func (h *hunt) check() []ack {
	h.t.Helper()
	begin := time.Now()
	defer func() { h.checked += time.Since(begin); h.checks++ }()
	o, err := openFile(h.site.data)
	if err != nil {
		h.t.Fatal(err)
	}
	defer o.close()
	counts, err := o.check()
	if err != nil {
		h.t.Fatal(err)
	}
	if counts["signals"] < h.stored {
		h.t.Errorf("there were %d signals and now there are %d", h.stored, counts["signals"])
	}
	h.stored = counts["signals"]
	lost, err := o.missing(h.newAcks())
	if err != nil {
		h.t.Fatal(err)
	}
	return lost
}

// drain lets everything that is stored reach its receiver, or be visibly on its way, and stops the server in order.
func (h *hunt) drain() loadStats {
	h.t.Helper()
	h.recv.calmDown(h.t)
	v := h.site.mustStart()
	stats := h.load.finish(h.t)
	for i, id := range h.recv.ids {
		if !eventually(h.t.Context(), time.Minute, 100*time.Millisecond, func() bool { return len(h.site.deliveries(id, "pending")) == 0 }) {
			h.t.Errorf("webhook %d still has pending deliveries a minute after the load ended", i)
		}
	}
	h.retryByHand(h.site)
	v.stop()
	h.revived(v)
	return stats
}

// settle reconciles the ledgers with the database of a server that has stopped.
func (h *hunt) settle() tally {
	h.t.Helper()
	if lost := h.check(); len(lost) > 0 {
		h.t.Errorf("%d acknowledged signals are not stored", len(lost))
	}
	o, err := openFile(h.site.data)
	if err != nil {
		h.t.Fatal(err)
	}
	defer o.close()
	counts, err := o.counts()
	if err != nil {
		h.t.Fatal(err)
	}
	st, err := o.snapshot(h.recv.ids)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := secondOpinion(h.site.data, counts); err != nil {
		h.t.Error(err)
	}
	return h.reconcile(st, atOnce)
}

// report prints what the hunt saw, and fails when it does not count.
func (h *hunt) report(sum tally, stats loadStats) {
	h.t.Helper()
	slices.Sort(h.ready)
	p99 := quantile(h.ready, 0.99)
	h.t.Logf("%d kills in %s", len(h.outages), time.Since(h.begun).Round(time.Second))
	h.trial.report(sum, stats, minOffered)
	h.t.Logf("ready after a kill: p50 %s, p99 %s, max %s of %d; %d checks of the file took %s",
		round(quantile(h.ready, 0.5)), round(p99), round(quantile(h.ready, 1)), len(h.ready), h.checks, round(h.checked))
	if p99 > 2*time.Second {
		h.t.Errorf("ready after a kill: p99 %s, want 2 s at most", p99)
	}
}
