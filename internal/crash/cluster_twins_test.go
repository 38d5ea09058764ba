package crash_test

import (
	"syscall"
	"testing"
	"time"
)

// The twins' load: each key is sent by so many at once, to two nodes.
const (
	twinsAtOnce = 8
	twinKeys    = 100 // a second
)

// TestNodes_TwinsAreOneSignal proves acceptance row R14: each idempotency key is sent eight times at once to two nodes, which are killed in turn,
// as their database is once. One signal is stored for each key, all twins get the very same answer, and another body with the key is refused.
func TestNodes_TwinsAreOneSignal(t *testing.T) {
	c := newCluster(t, form{nodes: 2, load: loadConfig{Twins: twinsAtOnce, Workers: twinsAtOnce, Rate: twinKeys}})
	c.load.await(t, twinsAtOnce*twinKeys)
	for k := range *twinKills {
		c.steady(time.Second)
		if k == *twinKills/2 {
			c.breakDatabase(syscall.SIGQUIT)
			c.check()
			continue
		}
		v := c.lives[k%2]
		v.kill()
		c.fault(v.died, v.died)
		c.steady(500 * time.Millisecond)
		c.restart(k % 2)
		c.check()
	}
	stats := c.drain()
	_, sum := c.settle(twoNodes)
	c.report(sum, stats, twinKeys/10)
	t.Logf("%d keys, %d twins' answers compared, %d other bodies refused", sum.Stored, stats.Compared, stats.Mismatched)
	if stats.Compared < int64(sum.Stored)*(twinsAtOnce-1)/2 || stats.Mismatched == 0 || stats.Replayed == 0 {
		t.Error("too few twins were compared: this shows nothing")
	}
}
