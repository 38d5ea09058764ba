package deliver_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
)

// At a steady load nearly every attempt goes over a connection that is there already: what is counted is what a receiver accepts. No
// bubble: the connections are real.
func TestReuse_ASteadyLoadMakesFewConnections(t *testing.T) {
	t.Parallel()
	var accepted atomic.Int64
	arrived := make(chan struct{}, 64)
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} }))
	receiver.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			accepted.Add(1)
		}
	}
	receiver.Start()
	t.Cleanup(receiver.Close)
	policy, err := egress.NewPolicy(egress.Config{Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	client := egress.NewClient(policy)
	r := newHouse(t)
	r.startOutside(client.Do, func(c *deliver.Config) { c.Limits = deliver.DefaultLimits() })
	t.Cleanup(func() {
		_ = r.end() // before its client
		client.Close()
	})
	const webhooks, each = 10, 500
	var hooks []*signalbox.Webhook
	for i := range webhooks {
		hooks = append(hooks, r.webhook(signalbox.WebhookID(i+10), func(w *signalbox.Webhook) { w.URL = receiver.URL + "/hook" }))
	}
	for range each { // a round when the one before has arrived
		for _, wh := range hooks {
			r.submit(wh)
		}
		for range hooks {
			select {
			case <-arrived:
			case <-time.After(time.Minute):
				t.Fatal("the deliveries do not arrive")
			}
		}
	}
	t.Logf("%d attempts over %d connections", webhooks*each, accepted.Load())
	if n, most := accepted.Load(), int64(webhooks*each/20); n > most {
		t.Errorf("%d connections for %d attempts, want at most %d: 95 of 100 over one that is there", n, webhooks*each, most)
	}
}
