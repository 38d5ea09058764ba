package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"signalbox/internal/boxtest/pgserver"
)

// cluster is several nodes on one PostgreSQL, under load and with receivers, while something happens to one of them or to the database.
type cluster struct {
	trial
	dir    string
	pg     *pgserver.Server
	url    string // of the database, as this harness reaches it
	nodes  []*site
	lives  []*server       // of each node, the newest
	eyes   *oracle         // reads the database; nil while nobody can
	stored int64           // signals at the last check
	away   []time.Duration // how long the database was away at each fault of it
	healed []time.Duration // and how long after it was back the last error came

	hands     []hand          // what nodes had when they stood still or died
	takeovers []time.Duration // how long after that it was others'
}

// The load of nodes on PostgreSQL: what two processors hold together with the database, three receivers and the ledgers. Webhooks as in TestKill.
const (
	clusterWorkers  = 64
	clusterRate     = 600
	clusterWebhooks = 3
)

// form is what a cluster is to be.
type form struct {
	nodes    int
	through  func(t *testing.T, url string) string // how the nodes reach the database; nil: as this harness does
	setup    func(n int, s *site)                  // of each node; nil: nothing more
	load     loadConfig                            // what is 0 is filled in
	webhooks int                                   // 0: clusterWebhooks
	idle     bool                                  // without load
}

// newCluster starts nodes on an empty database, all at once, registers the webhooks on the first and lets the load begin.
func newCluster(t *testing.T, f form) *cluster {
	t.Helper()
	dir := workDir(t)
	if f.webhooks == 0 {
		f.webhooks = clusterWebhooks
	}
	c := &cluster{trial: trial{t: t, begun: time.Now()}, dir: dir}
	c.pg, c.url = newDatabase(t)
	url := c.url
	if f.through != nil {
		url = f.through(t, url)
	}
	for n := range f.nodes {
		home := filepath.Join(dir, fmt.Sprint("node", n))
		if err := os.Mkdir(home, 0o700); err != nil {
			t.Fatal(err)
		}
		s := newSite(t, home)
		s.database = url
		if f.setup != nil {
			f.setup(n, s)
		}
		c.nodes = append(c.nodes, s)
	}
	c.recv = startReceivers(t, dir, f.webhooks)
	c.lives = make([]*server, f.nodes)
	for n, s := range c.nodes {
		c.lives[n] = s.start()
	}
	for n := range c.nodes {
		c.awaitReady(n)
	}
	c.recv.register(c.nodes[0])
	c.look()
	if !f.idle {
		c.load = startLoad(t, dir, c.fill(f.load))
		c.acks.path = c.load.book
	}
	return c
}

// fill gives a load its usual form.
func (c *cluster) fill(cfg loadConfig) loadConfig {
	for _, s := range c.nodes {
		cfg.URLs = append(cfg.URLs, s.url())
	}
	if cfg.Workers == 0 {
		cfg.Workers = clusterWorkers
	}
	if cfg.Rate == 0 {
		cfg.Rate = clusterRate
	}
	cfg.Pad, cfg.Batch, cfg.Mix = 100, 20, 25
	return cfg
}

// readyWithin is how long a node may take to be ready on a busy machine.
const readyWithin = 20 * time.Second

func (c *cluster) awaitReady(n int) {
	c.t.Helper()
	if v := c.lives[n]; !v.awaitReady(readyWithin) {
		c.t.Fatalf("node %d is not ready after %s: %s", n, readyWithin, v.outcome())
	}
}

// look connects this harness to the database.
func (c *cluster) look() {
	c.t.Helper()
	eyes, err := openPostgres(c.url)
	if err != nil {
		c.t.Fatal(err)
	}
	c.eyes = eyes
	c.t.Cleanup(func() { eyes.close() }) // closed before, or broken: no matter
}

// count answers the one number of a query.
func (c *cluster) count(sql string) int64 {
	c.t.Helper()
	n, err := c.eyes.count(sql)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// steady lets the load run on while all is well, and counts what it offers.
func (c *cluster) steady(d time.Duration) {
	c.t.Helper()
	if d <= 0 {
		return
	}
	before, begin := c.load.stats(c.t), time.Now()
	pause(c.t.Context(), d)
	after := c.load.stats(c.t)
	c.up += time.Since(begin)
	c.offered += after.Offered - before.Offered
	if after.Acked == before.Acked {
		c.t.Errorf("nothing was acknowledged for %s although all is well: refused %s, %d lost", d, words(after.Refused), after.Lost)
	}
}

// warm waits until so many signals were acknowledged.
func (c *cluster) warm() {
	c.t.Helper()
	c.load.await(c.t, 2*minOffered)
}

// The bounds of acceptance row R6.
const (
	healWithin = 5 * time.Second
	quietFor   = time.Second // without a refused or lost request: the errors have ended
)

// heal waits until requests succeed again, and notes how long after ready the last error came.
func (c *cluster) heal(ready time.Time) {
	c.t.Helper()
	acked := c.load.stats(c.t).Acked
	var last time.Time
	if !eventually(c.t.Context(), 30*time.Second, 50*time.Millisecond, func() bool {
		s := c.load.stats(c.t)
		last = time.Unix(0, s.LastTrouble)
		return s.Acked > acked && time.Since(last) > quietFor && time.Since(ready) > quietFor
	}) {
		s := c.load.stats(c.t)
		c.t.Fatalf("30 s after the database is ready requests still fail: %s, %d lost", words(s.Refused), s.Lost)
	}
	took := max(0, last.Sub(ready))
	c.healed = append(c.healed, took)
	if took > healWithin {
		c.t.Errorf("errors ended %s after the database was ready, want %s at most", round(took), healWithin)
	}
}

// suffered checks that clients have noticed a fault.
func (c *cluster) suffered(before loadStats) {
	c.t.Helper()
	if now := c.load.stats(c.t); now.Trouble == before.Trouble {
		c.t.Error("no request was refused or lost: the fault has not happened")
	}
}

// lost returns the signals that were acknowledged since the last look and are not stored.
func (c *cluster) lost() []ack {
	c.t.Helper()
	lost, err := c.eyes.missing(c.newAcks())
	if err != nil {
		c.t.Fatal(err)
	}
	return lost
}

// check finds every signal that was acknowledged since the last check, and counts that none went.
func (c *cluster) check() {
	c.t.Helper()
	if lost := c.lost(); len(lost) > 0 {
		c.t.Errorf("%d acknowledged signals are not stored, the first is %+v", len(lost), lost[0])
	}
	n := c.count("SELECT count(*) FROM signals")
	if n < c.stored {
		c.t.Errorf("there were %d signals and now there are %d", c.stored, n)
	}
	c.stored = n
}

// fault notes what may have cut deliveries short.
func (c *cluster) fault(from, to time.Time) {
	c.outages = append(c.outages, outage{From: from, To: to.Add(clusterLate)})
}

// clusterLate is how much later than it was sent a request may be read, on a machine that several nodes and a database share.
const clusterLate = 500 * time.Millisecond

// openDeliveries counts what no receiver has been asked for yet.
const openDeliveries = "SELECT count(*) FROM deliveries WHERE done_at IS NULL AND attempts = 0"

// drainWithin is how long deliveries may take that waited for a fault to end.
const drainWithin = time.Minute

// drain lets everything that is stored reach its receiver, or be visibly on its way, and stops every node in order.
func (c *cluster) drain() loadStats {
	c.t.Helper()
	c.recv.calmDown(c.t)
	stats := c.load.finish(c.t)
	if !eventually(c.t.Context(), drainWithin, 50*time.Millisecond, func() bool { return c.count(openDeliveries) == 0 }) {
		c.t.Errorf("%d deliveries were not tried %s after the load ended:\n%s", c.count(openDeliveries), drainWithin, c.whatStands())
	}
	for n, v := range c.lives {
		if !v.gone() {
			c.retryByHand(c.nodes[n])
			break
		}
	}
	c.stopAll()
	return stats
}

// whatStandsSQL tells what deliveries wait for: theirs, their lanes' and the nodes' state; times are seconds from now.
const whatStandsSQL = `
  WITH now AS (
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us)
SELECT 'deliveries of webhook ' || webhook_id || ', attempts ' || attempts || ', leased to node ' || coalesce(lease_node::text, '-') ||
       ' in generation ' || coalesce(lease_generation::text, '-') || ', due in ' || coalesce(max((due_at - us) / 1000000)::text, '-') ||
       ': ' || count(*) || ', the first is ' || min(id)
  FROM deliveries, now
 WHERE done_at IS NULL
 GROUP BY webhook_id, attempts, lease_node, lease_generation
 UNION ALL
SELECT 'due of kind ' || kind || ', subject ' || subject || ': in ' || (at - us) / 1000000
  FROM due, now
 UNION ALL
SELECT 'node ' || id || ', generation ' || generation || ', lost ' || lost || ': heartbeat ' || (heartbeat_at - us) / 1000000
  FROM nodes, now`

// whatStands describes what does not go on.
func (c *cluster) whatStands() (text string) {
	c.t.Helper()
	if err := c.eyes.query(whatStandsSQL, func(r row) { text += r.text(0) + "\n" }); err != nil {
		c.t.Error(err)
	}
	return text
}

// stopAll stops the nodes that run, all at once, and checks that they left nothing behind: no lease and no connection.
func (c *cluster) stopAll() {
	c.t.Helper()
	var all sync.WaitGroup
	for _, v := range c.lives {
		if !v.gone() {
			all.Go(v.stop)
		}
	}
	all.Wait()
	if n := c.count("SELECT count(*) FROM deliveries WHERE done_at IS NULL AND lease_node IS NOT NULL"); n != 0 {
		c.t.Errorf("%d deliveries are leased although every node has stopped in order", n)
	}
	// A server process sees a moment later that its client has gone.
	if !eventually(c.t.Context(), 5*time.Second, 20*time.Millisecond, func() bool { return c.connections() == 0 }) {
		c.t.Errorf("%d connections are open although every node has stopped", c.connections())
	}
}

// connections counts those that nodes have to the server.
func (c *cluster) connections() int64 {
	return c.count("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'signalbox'")
}

// settle reconciles the ledgers with the database of nodes that have stopped. perFault is how many repeats a fault may cause for a webhook.
func (c *cluster) settle(perFault int) (*snapshot, tally) {
	c.t.Helper()
	c.check()
	st, err := c.eyes.snapshot(c.recv.ids)
	if err != nil {
		c.t.Fatal(err)
	}
	return st, c.reconcile(st, perFault)
}

// minClusterOffered is the load below which a run of nodes does not count. Two processors hold the acceptance rows' 500 signals/s for three
// webhooks beside PostgreSQL only while they have no other work; what was offered is printed.
const minClusterOffered = 50

// finish drains, reconciles and reports. perFault is how many repeats a fault may cause for a webhook.
func (c *cluster) finish(perFault int) *snapshot {
	c.t.Helper()
	stats := c.drain()
	st, sum := c.settle(perFault)
	c.t.Logf("%d nodes, %d faults in %s", len(c.nodes), len(c.outages), time.Since(c.begun).Round(time.Second))
	if len(c.healed) > 0 {
		slices.Sort(c.healed)
		slices.Sort(c.away)
		c.t.Logf("the database was away for p50 %s, max %s; errors ended after it was ready: p50 %s, p99 %s, max %s",
			round(quantile(c.away, 0.5)), round(quantile(c.away, 1)),
			round(quantile(c.healed, 0.5)), round(quantile(c.healed, 0.99)), round(quantile(c.healed, 1)))
	}
	c.report(sum, stats, minClusterOffered)
	return st
}

// token is how the nodes table names a node.
func (c *cluster) token(n int) string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.nodes[n].data, "node.token"))
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
