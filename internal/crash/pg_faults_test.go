package crash_test

import (
	"context"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// breakDatabase ends the server with a signal under load and starts it again, and waits until the nodes have healed.
func (c *cluster) breakDatabase(sig syscall.Signal) {
	c.t.Helper()
	c.steady(500*time.Millisecond + rand.N(time.Second))
	before, from := c.load.stats(c.t), time.Now()
	if err := c.pg.Down(sig); err != nil {
		c.t.Fatal(err)
	}
	if err := c.pg.Up(); err != nil {
		c.t.Fatal(err)
	}
	ready := time.Now()
	c.away = append(c.away, ready.Sub(from))
	c.look()
	c.heal(ready)
	c.fault(from, ready)
	c.suffered(before)
}

// twoNodes bounds the repeats for a webhook when what two nodes have in flight is cut.
const twoNodes = 2 * atOnce

// TestPostgres_RestartedImmediately proves acceptance row R6 for pg_ctl restart -m immediate, which is SIGQUIT to the postmaster and a start that
// recovers: nothing acknowledged is lost, no delivery is, and the errors end by themselves.
func TestPostgres_RestartedImmediately(t *testing.T) {
	c := newCluster(t, form{nodes: 2})
	c.warm()
	for range *restarts {
		c.breakDatabase(syscall.SIGQUIT)
		c.check()
	}
	c.finish(twoNodes)
}

// TestPostgres_PostmasterKilled is the same with SIGKILL.
func TestPostgres_PostmasterKilled(t *testing.T) {
	c := newCluster(t, form{nodes: 2})
	c.warm()
	for range *postmasters {
		c.breakDatabase(syscall.SIGKILL)
		c.check()
	}
	c.finish(twoNodes)
}

// TestPostgres_CatchesAcknowledgingBeforeTheCommit runs nodes that answer 201 before the commit: a harness that does not see what they lose when
// their database crashes shows nothing.
func TestPostgres_CatchesAcknowledgingBeforeTheCommit(t *testing.T) {
	// The commits are made a little slow, so that few crashes are needed.
	const wrong = "SIGNALBOX_FAULTS=intake.ack_before_commit=error;store.before_commit=sleep:20ms"
	c := newCluster(t, form{nodes: 2, webhooks: 1, setup: func(_ int, s *site) { s.env = []string{wrong} }})
	for k := range boundedKills {
		c.breakDatabase(syscall.SIGQUIT)
		if lost := c.lost(); len(lost) > 0 {
			t.Logf("caught by crash %d: %d signals lost", k+1, len(lost))
			return
		}
	}
	t.Fatalf("%d crashes of the database of nodes that acknowledge before the commit, and no loss was found", boundedKills)
}

// terminateSQL ends one connection of a node, whichever.
const terminateSQL = `
SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity
 WHERE application_name = 'signalbox'
 ORDER BY random()
 LIMIT 1`

// TestPostgres_ConnectionsTerminated ends ten of the nodes' connections a second. Whatever a connection was in the middle of, its outcome is
// found out or told as unknown.
func TestPostgres_ConnectionsTerminated(t *testing.T) {
	c := newCluster(t, form{nodes: 2})
	c.warm()
	c.steady(time.Second)
	before, from := c.load.stats(t), time.Now()
	ended := terminate(t, c.url, *terminateFor)
	to := time.Now()
	after := c.load.stats(t)
	c.heal(to)
	c.fault(from, to)
	c.check()
	t.Logf("%d connections terminated in %s; meanwhile %d signals acknowledged, %d requests refused or lost",
		ended, round(to.Sub(from)), after.Acked-before.Acked, after.Trouble-before.Trouble)
	if want := int(terminateFor.Seconds() * 8); ended < want {
		t.Errorf("only %d connections were terminated, want %d at least", ended, want)
	}
	c.finish(twoNodes)
}

// terminate ends ten connections a second.
func terminate(t *testing.T, url string, span time.Duration) (ended int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ended
		}
		var yes bool
		if err := conn.QueryRow(t.Context(), terminateSQL).Scan(&yes); err == nil && yes {
			ended++
		}
	}
}
