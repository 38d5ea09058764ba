package crash_test

import (
	"slices"
	"testing"
	"time"
)

// stopWithin is the drain and five seconds (acceptance row R15).
const stopWithin = 35 * time.Second

// stopNode stops a node in order, and checks that it left at once what it had in its hand.
func (c *cluster) stopNode(n int) (took time.Duration) {
	c.t.Helper()
	begin := time.Now()
	c.lives[n].stop()
	took = time.Since(begin)
	if took > stopWithin {
		c.t.Errorf("node %d ended %s after SIGTERM, want %s at most", n, round(took), stopWithin)
	}
	if left := c.count("SELECT count(*) FROM deliveries AS d JOIN nodes AS n ON n.id = d.lease_node " +
		"WHERE d.done_at IS NULL AND n.token = '" + c.token(n) + "'"); left > 0 {
		c.t.Errorf("node %d ended and %d deliveries are leased to it", n, left)
	}
	return took
}

// TestNodes_StopUnderLoad proves acceptance row R15: a node that is told to stop under load loses nothing, refuses nothing without saying when to come
// again, sends nothing twice, and ends in time. Requests that a receiver never answers are cut and given to the other node.
func TestNodes_StopUnderLoad(t *testing.T) {
	c := newCluster(t, form{nodes: 2})
	c.warm()
	c.stopInTurn(*stops)
	c.finish(0)
}

// TestNodes_RollingRestart restarts three nodes one after the other, as an upgrade does.
func TestNodes_RollingRestart(t *testing.T) {
	c := newCluster(t, form{nodes: 3, webhooks: 2})
	c.warm()
	c.stopInTurn(*rolls * len(c.nodes))
	c.finish(0)
}

// stopInTurn stops nodes and starts them again. No fault is noted: not one delivery may come twice.
func (c *cluster) stopInTurn(times int) {
	c.t.Helper()
	var took []time.Duration
	before := c.load.stats(c.t)
	for k := range times {
		c.steady(2 * time.Second)
		n := k % len(c.nodes)
		took = append(took, c.stopNode(n))
		c.restart(n)
		c.check()
	}
	after := c.load.stats(c.t)
	slices.Sort(took)
	c.t.Logf("%d stops took p50 %s, max %s; meanwhile %d signals acknowledged, %d requests refused or without an answer",
		times, round(quantile(took, 0.5)), round(quantile(took, 1)), after.Acked-before.Acked, after.Trouble-before.Trouble)
	c.othersGoOn()
}
