package deliver_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
)

// counter is a store that takes everything at once.
type counter struct{ settled sync.WaitGroup }

func (*counter) Claim(context.Context, signalbox.Lease, signalbox.WorkspaceID, signalbox.WebhookID, int, time.Time) (signalbox.Claimed, error) {
	return signalbox.Claimed{}, nil
}

func (c *counter) Settle(_ context.Context, list []signalbox.Settlement) ([]bool, error) {
	ok := make([]bool, len(list))
	for i := range ok {
		ok[i] = true
		c.settled.Done()
	}
	return ok, nil
}

// BenchmarkSend is one delivery from memory to its settlement, beside HTTP and the database: reserve, queue, sign, judge, record.
func BenchmarkSend(b *testing.B) {
	r := newHouse(b)
	store := &counter{}
	result := egress.Result{
		Status: 200, RemoteAddr: "192.0.2.1:443", Body: []byte("ok"),
		Header: http.Header{"Date": {"Fri, 20 Nov 2026 17:00:00 GMT"}, "Content-Type": {"text/plain"}, "Content-Length": {"2"}, "Server": {"nginx"}, "X-Request-Id": {"1"}},
	}
	r.startOutside(func(context.Context, egress.Request) egress.Result { return result }, func(c *deliver.Config) { c.Store = store })
	var webhooks [8]*signalbox.Webhook
	for i := range webhooks {
		webhooks[i] = r.webhook(signalbox.WebhookID(i+1), nil)
	}
	ready := r.ready(webhooks[0])
	ready.Body = []byte(`{"pad":"` + strings.Repeat("x", 700) + `"}`)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		for _, wh := range webhooks {
			var turn []signalbox.Ready
			for len(turn) < 16 && n < b.N {
				lease, ok := r.sender.Reserve(wh, 1, len(ready.Body))
				if !ok {
					b.Fatal("the lane is full")
				}
				one := ready
				one.Webhook, one.Lease, one.Delivery.ID = wh.ID, lease, signalbox.DeliveryID(n+1)
				turn = append(turn, one)
				n++
			}
			store.settled.Add(len(turn))
			r.sender.Send(wh, turn)
		}
		store.settled.Wait()
	}
}
