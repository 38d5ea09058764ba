package crash_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"signalbox"
)

// hunt is one server that is killed again and again on one data directory, under load and with receivers.
type hunt struct {
	t     *testing.T
	site  *site
	recv  *receivers
	load  *traffic
	acks  follower
	begun time.Time

	outages []outage        // one for each kill
	ready   []time.Duration // of the lives that became ready
	up      time.Duration   // from ready to death, over all lives
	offered int64           // new signals in that time
	stored  int64           // signals at the last check
	checks  int
	checked time.Duration // spent on checks
}

// minOffered is the load below which a run does not count, in signals per second (reliability, section 4).
const minOffered = 500

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
	o, err := openOracle(h.site.data)
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

// newAcks are those that came into the load's ledger since the last call.
func (h *hunt) newAcks() (acks []ack) {
	h.t.Helper()
	err := h.acks.next(func(line []byte) error {
		a, err := parseAck(line)
		acks = append(acks, a)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return acks
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
	h.retryByHand()
	v.stop()
	h.revived(v)
	return stats
}

// retryByHand sends some of what waits for its next attempt again, and expects it to arrive now that every receiver is healthy.
func (h *hunt) retryByHand() {
	h.t.Helper()
	for i, id := range h.recv.ids {
		list := h.site.deliveries(id, "retrying")
		for _, d := range list {
			h.site.mustCall(http.StatusAccepted, http.MethodPost, "/v1/deliveries/"+d+"/retry", nil, nil)
		}
		for _, d := range list {
			var got struct {
				Data struct {
					Status string `json:"status"`
				} `json:"data"`
			}
			if !eventually(h.t.Context(), 20*time.Second, 10*time.Millisecond, func() bool {
				h.site.mustCall(http.StatusOK, http.MethodGet, "/v1/deliveries/"+d, nil, &got)
				return got.Data.Status == signalbox.Delivered.String()
			}) {
				h.t.Errorf("webhook %d: %s is %s after a retry by hand", i, d, got.Data.Status)
			}
		}
	}
}

// settle reconciles the ledgers with the database of a server that has stopped.
func (h *hunt) settle() tally {
	h.t.Helper()
	if lost := h.check(); len(lost) > 0 {
		h.t.Errorf("%d acknowledged signals are not stored", len(lost))
	}
	o, err := openOracle(h.site.data)
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
	acks, err := readLedger(h.load.book, parseAck)
	if err != nil {
		h.t.Fatal(err)
	}
	arrivals, err := readLedger(h.recv.book, parseArrival)
	if err != nil {
		h.t.Fatal(err)
	}
	f, sum := reconcile(st, &history{acks: acks, arrivals: arrivals, outages: h.outages, perKill: atOnce})
	if len(f.counts) > 0 {
		h.t.Errorf("the ledgers and the database do not agree:\n%s", f)
	}
	return sum
}

// report prints what the hunt saw, and fails when it does not count.
func (h *hunt) report(sum tally, stats loadStats) {
	h.t.Helper()
	slices.Sort(h.ready)
	p99 := quantile(h.ready, 0.99)
	offered := float64(h.offered) / max(h.up.Seconds(), 0.001)
	h.t.Logf("%d kills in %s; the server was up for %s of it, with %.0f new signals/s offered",
		len(h.outages), time.Since(h.begun).Round(time.Second), h.up.Round(time.Second), offered)
	h.t.Logf("%d signals acknowledged, %d stored; %d requests cut, %d sent again with their key, %d of them had been taken",
		sum.Acked, sum.Stored, stats.Lost, stats.Retried, stats.Replayed)
	h.t.Logf("%d arrivals, %d of them repeats; deliveries: %s", sum.Arrivals, sum.Repeats, words(sum.States))
	h.t.Logf("ready after a kill: p50 %s, p99 %s, max %s of %d; %d checks of the file took %s",
		round(quantile(h.ready, 0.5)), round(p99), round(quantile(h.ready, 1)), len(h.ready), h.checks, round(h.checked))
	if len(stats.Refused) > 0 {
		h.t.Logf("refused: %s", words(stats.Refused))
	}
	if p99 > 2*time.Second {
		h.t.Errorf("ready after a kill: p99 %s, want 2 s at most", p99)
	}
	if offered < minOffered {
		h.t.Errorf("%.0f signals/s were offered: below %d a run does not count", offered, minOffered)
	}
}

// quantile of a sorted list; 0 of an empty one.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// words prints counts by name, in order.
func words(counts map[string]int) string {
	text := ""
	for i, name := range slices.Sorted(maps.Keys(counts)) {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", counts[name], name)
	}
	return text
}
