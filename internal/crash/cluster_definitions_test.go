package crash_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"signalbox"
)

// sent is a signal and the webhooks that its event must be for.
type sent struct {
	id   string
	want []string
}

// TestNodes_DefinitionsAreInForceOnEveryNode changes webhooks on one node and sends a signal to the other as soon as the change is answered, under
// load, so that both are in the middle of turns: each signal's event is for exactly the webhooks that were enabled.
func TestNodes_DefinitionsAreInForceOnEveryNode(t *testing.T) {
	c := newCluster(t, form{nodes: 2, webhooks: 2, load: loadConfig{Rate: 200}})
	c.load.await(t, 200)
	always, now := c.recv.ids[1], c.recv.ids[0]
	var list []sent
	send := func(n int, want ...string) {
		t.Helper()
		list = append(list, sent{c.signal(n), want})
	}
	for k := range *changes {
		here, there := k%2, (k+1)%2
		change := c.nodes[here].changer(t)
		change("/v1/webhooks/" + now + "/disable")
		send(there, always)
		change("/v1/webhooks/" + now + "/enable")
		send(there, now, always)
		pull := c.nodes[here].pullWebhook()
		send(there, now, always, pull)
		c.nodes[here].mustCall(http.StatusNoContent, http.MethodDelete, "/v1/webhooks/"+pull, nil, nil)
		send(there, now, always)
	}
	stats := c.drain()
	c.check()
	wrong := 0
	for _, s := range list {
		if got := c.webhooksOf(s.id); !slices.Equal(got, sorted(s.want)) {
			if wrong++; wrong <= maxExamples {
				t.Errorf("signal %s went to %v, want %v", s.id, got, sorted(s.want))
			}
		}
	}
	t.Logf("%d changes on one node, each in force for the next signal on the other one but %d; %d signals of the load meanwhile",
		4**changes, wrong, stats.Acked)
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// changer makes POST requests that need no body.
func (s *site) changer(t *testing.T) func(path string) {
	return func(path string) {
		t.Helper()
		s.mustCall(http.StatusOK, http.MethodPost, path, nil, nil)
	}
}

// pullWebhook makes a webhook whose events wait to be read.
func (s *site) pullWebhook() string {
	s.t.Helper()
	var made struct {
		ID string `json:"id"`
	}
	s.mustCall(http.StatusCreated, http.MethodPost, "/v1/webhooks", map[string]any{"kind": "pull", "events": []string{"signal.created"}}, &made)
	return made.ID
}

// signal sends one signal to a node, apart from the load.
func (c *cluster) signal(n int) string {
	c.t.Helper()
	var made struct {
		ID string `json:"id"`
	}
	c.nodes[n].mustCall(http.StatusCreated, http.MethodPost, "/v1/signals",
		map[string]any{"type": "apart", "source": "crash", "properties": map[string]any{"serial": -time.Now().UnixNano()}}, &made)
	return made.ID
}

// webhooksOf reads for which webhooks a signal's event is; it is skipped for those that were disabled.
func (c *cluster) webhooksOf(signal string) (ids []string) {
	c.t.Helper()
	id, ok := c.eyes.codec.Parse(signalbox.KindSignal, signal)
	if !ok {
		c.t.Fatalf("%q is no signal's id", signal)
	}
	err := c.eyes.query(fmt.Sprintf(`
SELECT d.webhook_id
  FROM events AS e
  JOIN deliveries AS d ON d.workspace_id = e.workspace_id AND d.event_id = e.id
 WHERE e.signal_id = %d
   AND e.name = 'signal.created'
   AND NOT (d.state = 5 AND d.reason = 'webhook_disabled')`, id), func(r row) {
		ids = append(ids, c.eyes.codec.Format(signalbox.KindWebhook, r.int(0)))
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return sorted(ids)
}

// revokedWithin is how long a revoked key may go on working on another node.
const revokedWithin = time.Second

// TestNodes_ARevokedKeyIsRefusedByEveryNode revokes keys on one node that the other one has just used.
func TestNodes_ARevokedKeyIsRefusedByEveryNode(t *testing.T) {
	c := newCluster(t, form{nodes: 2, idle: true})
	var longest time.Duration
	for k := range *changes / 2 {
		here, there := c.nodes[k%2], c.nodes[(k+1)%2]
		var made struct {
			Data struct {
				ID  string `json:"id"`
				Key string `json:"key"`
			} `json:"data"`
		}
		here.mustCall(http.StatusCreated, http.MethodPost, "/v1/api-keys", map[string]any{"name": "short-lived", "scope": "read"}, &made)
		works := func() bool {
			status, _, err := there.callAs(made.Data.Key, http.MethodGet, "/v1/signals?limit=1", nil, nil)
			if err != nil || status != http.StatusOK && status != http.StatusUnauthorized {
				t.Fatalf("status %d, %v", status, err)
			}
			return status == http.StatusOK
		}
		if !works() {
			t.Fatal("a new key does not work on the other node")
		}
		here.mustCall(http.StatusNoContent, http.MethodDelete, "/v1/api-keys/"+made.Data.ID, nil, nil)
		revoked := time.Now()
		var last time.Time
		if !eventually(t.Context(), 5*time.Second, time.Millisecond, func() bool {
			asked := time.Now()
			if !works() {
				return true
			}
			last = asked
			return false
		}) {
			t.Fatal("a revoked key works for more than 5 s")
		}
		longest = max(longest, last.Sub(revoked))
	}
	t.Logf("%d revoked keys worked on the other node for %s at most", *changes/2, round(longest))
	if longest > revokedWithin {
		t.Errorf("a revoked key worked for %s, want %s at most", longest, revokedWithin)
	}
	c.stopAll()
}

// The limit that is tried, and how many come at once.
const (
	perMinute = 100
	crowd     = 400
)

// TestNodes_LimitsAreExact proves contract section 2: signals are counted in their own transaction, whichever node takes them.
func TestNodes_LimitsAreExact(t *testing.T) {
	c := newCluster(t, form{nodes: 2, idle: true})
	c.nodes[0].mustCall(http.StatusOK, http.MethodPatch, "/v1/workspace",
		map[string]any{"limits": map[string]any{"workspace": map[string]any{"per_minute": perMinute}}}, nil)
	var mu sync.Mutex
	taken, refused := 0, 0
	var all sync.WaitGroup
	for k := range crowd {
		all.Go(func() {
			status, header, err := c.nodes[k%2].call(http.MethodPost, "/v1/signals",
				map[string]any{"type": "crowd", "source": "crash", "properties": map[string]any{"serial": k + 1}}, nil)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Error(err)
			case status == http.StatusCreated:
				taken++
			case status == http.StatusTooManyRequests && header.Get("Retry-After") != "" && header.Get("X-RateLimit-Limit") == fmt.Sprint(perMinute):
				refused++
			default:
				t.Errorf("status %d, header %v", status, header)
			}
		})
	}
	all.Wait()
	c.stopAll()
	if stored := c.count("SELECT count(*) FROM signals"); taken != perMinute || refused != crowd-perMinute || stored != perMinute {
		t.Errorf("of %d signals at once %d were taken, %d refused and %d stored, want exactly %d taken", crowd, taken, refused, stored, perMinute)
	}
}
