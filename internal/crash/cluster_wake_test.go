package crash_test

import (
	"slices"
	"testing"
	"time"
)

// The bounds of the start of a delivery. The promise is 50 ms; a machine whose two processors have other work, too, keeps most from it and not all.
const (
	startsWithin = 50 * time.Millisecond
	allStart     = 10 * startsWithin
)

// TestNodes_DeliveriesStartAtOnce measures how long after its answer a signal's delivery is at the receiver while the nodes have little to do.
func TestNodes_DeliveriesStartAtOnce(t *testing.T) {
	c := newCluster(t, form{nodes: 2, webhooks: 1, load: loadConfig{Workers: 2, Rate: 20}})
	c.deliversAtOnce()
}

// TestNodes_DeliveriesOfANodeThatHoldsThemStartElsewhere is the same when the node that takes the signals may send nothing: the other one hears of it.
func TestNodes_DeliveriesOfANodeThatHoldsThemStartElsewhere(t *testing.T) {
	c := newCluster(t, form{nodes: 2, webhooks: 1, idle: true, setup: func(n int, s *site) {
		if n == 0 {
			s.flags = []string{"--hold-deliveries"}
		}
	}})
	c.load = startLoad(t, c.dir, loadConfig{URLs: []string{c.nodes[0].url()}, Workers: 2, Rate: 20})
	c.acks.path = c.load.book
	c.deliversAtOnce()
}

// watchFor is how long starts are measured.
const watchFor = 8 * time.Second

func (c *cluster) deliversAtOnce() {
	c.t.Helper()
	c.steady(watchFor)
	stats := c.drain()
	_, sum := c.settle(0)
	c.report(sum, stats, 10)
	acks, err := readLedger(c.load.book, parseAck)
	if err != nil {
		c.t.Fatal(err)
	}
	arrivals, err := readLedger(c.recv.book, parseArrival)
	if err != nil {
		c.t.Fatal(err)
	}
	answered := make(map[string]int64, len(acks))
	for _, a := range acks {
		if _, again := answered[a.ID]; !again {
			answered[a.ID] = a.At
		}
	}
	var starts []time.Duration
	for _, a := range arrivals {
		starts = append(starts, max(0, time.Duration(a.At-answered[a.Signal])))
	}
	slices.Sort(starts)
	p50, p99 := quantile(starts, 0.5), quantile(starts, 0.99)
	c.t.Logf("%d deliveries arrived after their signal's answer in p50 %s, p99 %s, max %s", len(starts),
		p50.Round(100*time.Microsecond), p99.Round(100*time.Microsecond), round(quantile(starts, 1)))
	if p50 > startsWithin || p99 > allStart {
		c.t.Errorf("deliveries start after p50 %s, p99 %s, want %s, and %s on a busy machine", p50, p99, startsWithin, allStart)
	}
}
