package crash_test

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// wire is what lies between the nodes and their database, and can be poisoned.
type wire struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

// newWire returns the URL of a database that is reached through a proxy.
func newWire(t *testing.T, base string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &wire{t: t, proxy: toxiproxy.NewProxy(server, "database", "127.0.0.1:0", u.Host)}
	if err := w.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.proxy.Stop)
	u.Host = w.proxy.Listen
	return w, u.String()
}

// toxic is what happens on the wire, in both directions.
type toxic struct {
	name       string
	kind       string
	attributes map[string]int
}

// toxics are the ways in which a network is away. A connection that is half open takes what is sent and gives nothing back, for ever.
var toxics = []toxic{
	{"latency", "latency", map[string]int{"latency": 2000, "jitter": 500}},
	{"reset", "reset_peer", map[string]int{"timeout": 0}},
	{"timeout", "timeout", map[string]int{"timeout": 500}},
	{"half-open", "timeout", map[string]int{"timeout": 0}},
}

var directions = []string{"upstream", "downstream"}

// poison has it happen until the returned function is called.
func (w *wire) poison(x toxic) (cure func()) {
	w.t.Helper()
	for _, direction := range directions {
		text, err := json.Marshal(map[string]any{"name": direction, "type": x.kind, "stream": direction, "attributes": x.attributes})
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(string(text))); err != nil {
			w.t.Fatal(err)
		}
	}
	return func() {
		w.t.Helper()
		for _, direction := range directions {
			if err := w.proxy.Toxics.RemoveToxic(context.Background(), direction); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

const (
	poisonFor = 4 * time.Second
	// refuseWithin is how long a refusal may take while the database cannot be reached: about a second, twice that when a request had to wait for the
	// one before it, and what a busy machine adds.
	refuseWithin = 2*time.Second + 500*time.Millisecond
	// inDoubt bounds the requests whose turn was at its COMMIT when the fault began: what became of them is found out first, however long that lasts.
	inDoubt = clusterWorkers
)

// TestPostgres_NetworkAway poisons the connections between two nodes and their database in every way: requests are refused soon and with
// advice, and all is well again by itself.
func TestPostgres_NetworkAway(t *testing.T) {
	var w *wire
	c := newCluster(t, form{nodes: 2, through: func(t *testing.T, base string) (through string) {
		w, through = newWire(t, base)
		return through
	}})
	c.warm()
	for _, x := range toxics {
		c.steady(time.Second)
		before, from := c.load.stats(t), time.Now()
		c.load.times(t)
		cure := w.poison(x)
		pause(t.Context(), poisonFor)
		times := c.load.times(t)
		cure()
		ready := time.Now()
		c.heal(ready)
		c.fault(from, ready)
		c.suffered(before)
		c.check()
		late := c.load.times(t) // what had begun before the cure
		t.Logf("%s: %d requests refused in p50 %s, p99 %s, max %s; %d taken in p50 %s; %d got no answer; well again after %s (refusals then: max %s)",
			x.name, len(times.Refused), round(quantile(times.Refused, 0.5)), round(quantile(times.Refused, 0.99)), round(quantile(times.Refused, 1)),
			len(times.Taken), round(quantile(times.Taken, 0.5)), len(times.Lost), round(c.healed[len(c.healed)-1]), round(quantile(late.Refused, 1)))
		if n := slower(times.Refused, refuseWithin) + slower(late.Refused, refuseWithin); n > inDoubt {
			t.Errorf("%s: %d refusals took longer than %s, want %d at most", x.name, n, refuseWithin, inDoubt)
		}
		if len(times.Refused) == 0 {
			t.Errorf("%s: no request was refused within %s", x.name, poisonFor)
		}
		if len(times.Lost)+len(late.Lost) > 0 {
			t.Errorf("%s: %d requests got no answer", x.name, len(times.Lost)+len(late.Lost))
		}
	}
	c.finish(twoNodes)
}

// slower counts those of some times, in order, that are longer than a limit.
func slower(times []time.Duration, limit time.Duration) int {
	n, _ := slices.BinarySearch(times, limit+1)
	return len(times) - n
}
