package deliver_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
)

// turns notes when each slow receiver was last sent to, and the longest that one with work waited for its turn.
type turns struct {
	mu      sync.Mutex
	last    map[string]time.Time
	left    map[string]int
	longest time.Duration
	whose   string
}

func (u *turns) take(host string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if wait := now.Sub(u.last[host]); wait > u.longest {
		u.longest, u.whose = wait, host
	}
	u.last[host] = now
	u.left[host]--
}

// proves reliability R8: two hundred healthy webhooks, or a thousand with -full, beside black holes and receivers that drip. Time is virtual, so what is
// held is exact: a healthy delivery leaves in the moment in which it comes, always from memory.
func TestIsolation_HealthyLanesAreNeverStarved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		healthy, holes, drips := size(200, 1000), size(20, 100), size(5, 10)
		r := newRig(t, func(ctx context.Context, req egress.Request) egress.Result {
			if strings.HasPrefix(req.URL.Host, "w-") {
				return blackHole(ctx) // egress cuts who drips when it cuts who is silent
			}
			time.Sleep(2 * time.Millisecond)
			return answer(200)
		}, func(c *deliver.Config) { c.Limits = deliver.DefaultLimits() })
		var good, bad []*signalbox.Webhook
		for i := range healthy {
			good = append(good, r.webhook(signalbox.WebhookID(i+1), nil))
		}
		for i := range holes + drips {
			bad = append(bad, r.webhook(signalbox.WebhookID(healthy+i+1), func(w *signalbox.Webhook) { w.URL = "https://w-bad.example/hook" }))
		}
		var sent []signalbox.DeliveryID
		most := 0
		for round := range 600 { // a minute, ten signals a second
			for _, wh := range bad {
				r.submit(wh)
			}
			for i := range 20 {
				id, fromMemory := r.submit(good[(round*20+i)%len(good)])
				if !fromMemory {
					t.Fatalf("round %d: a healthy lane was refused room in memory", round)
				}
				sent = append(sent, id)
			}
			time.Sleep(100 * time.Millisecond)
			most = max(most, r.sender.Load().InFlight)
		}
		for _, id := range sent {
			r.check(id, signalbox.Delivered, "", 1)
		}
		for _, a := range r.model.attempts {
			if a.StatusCode == 200 && a.Duration > 2*time.Millisecond {
				t.Errorf("a healthy attempt took %s", a.Duration)
			}
		}
		if peak, end := most, r.sender.Load().InFlight; peak != 8*len(bad) || end > len(bad) {
			t.Errorf("at most %d requests at bad lanes were in flight and %d are, want each one's eight, %d, and then a probe at each", peak, end, 8*len(bad))
		}
	})
}

// proves reliability R9: a thousand slow webhooks with ten deliveries each, or ten thousand with -full, and a tenth as many fast ones. Sockets are
// bounded, every slow lane has its turn, and the fast ones wait for nothing.
func TestSlow_ThousandsOfSlowWebhooksTakeTurnsAndDelayNoFastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, fast, each := size(1000, 10_000), size(100, 1000), 10
		limits := deliver.DefaultLimits()
		if !*full { // the same pressure on a tenth
			limits.Sockets, limits.Items, limits.Lanes = limits.Sockets/10, limits.Items/10, limits.Lanes/10
		}
		const takes = 10 * time.Second // egress's clock: who takes 20 s or 30 s is cut by it
		var g gauge
		u := &turns{last: map[string]time.Time{}, left: map[string]int{}}
		r := newRig(t, func(ctx context.Context, req egress.Request) egress.Result {
			g.enter()
			defer g.leave()
			if !strings.HasPrefix(req.URL.Host, "slow") {
				return answer(200)
			}
			u.take(req.URL.Host, time.Now())
			return blackHole(ctx)
		}, func(c *deliver.Config) { c.Limits = limits })
		var lanes []*signalbox.Webhook
		var pending []signalbox.Ready
		for i := range slow {
			wh := r.webhook(signalbox.WebhookID(fast+i+1), func(w *signalbox.Webhook) {
				w.URL = strings.Replace(w.URL, "https://w", "https://slow", 1)
				w.RetrySchedule = []time.Duration{} // one attempt: what is measured is the first turn of each delivery
			})
			host := strings.TrimSuffix(strings.TrimPrefix(wh.URL, "https://"), "/hook")
			u.last[host], u.left[host] = time.Now(), each
			for range each {
				pending = append(pending, r.ready(wh))
			}
			lanes = append(lanes, wh)
		}
		var goods []*signalbox.Webhook
		for i := range fast {
			goods = append(goods, r.webhook(signalbox.WebhookID(i+1), nil))
			pending = append(pending, r.ready(goods[i]))
		}
		r.model.insert(pending...) // as after a start: nothing is known of anybody
		turn := time.Duration(float64(takes) * float64(slow) / float64(limits.Sockets*3/4))
		time.Sleep(2 * turn)
		synctest.Wait()
		for _, ready := range pending[slow*each:] {
			r.check(ready.Delivery.ID, signalbox.Delivered, "", 1)
		}

		most := 0
		for round := range 60 {
			for i := range 50 {
				id, fromMemory := r.submit(goods[(round*50+i)%len(goods)])
				synctest.Wait() // no time passes
				if !fromMemory {
					t.Fatal("a fast lane was refused room in memory")
				}
				r.check(id, signalbox.Delivered, "", 1)
			}
			l := r.sender.Load()
			if most = max(most, runtime.NumGoroutine()); most > 3*l.InFlight+1000 {
				t.Fatalf("%d goroutines for %d requests in flight", most, l.InFlight)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Duration(slow*each/(limits.Sockets*3/4)+10) * 4 * takes)
		synctest.Wait()
		if n := r.model.count(func(row *modelRow) bool { return row.State == signalbox.Failed && row.Attempts == 1 }); n != slow*each {
			t.Errorf("%d of %d slow deliveries were attempted", n, slow*each)
		}
		t.Logf("%d slow lanes: at most %d requests at the same time, %d goroutines; the longest wait for a turn %s (lane %s), a turn of all takes %s", len(lanes), g.most(), most, u.longest, u.whose, turn)
		if g.most() > limits.Sockets {
			t.Errorf("%d requests at the same time, at most %d may be", g.most(), limits.Sockets)
		}
		if u.longest > 2*turn {
			t.Errorf("%s waited %s for its turn, want at most twice %s", u.whose, u.longest, turn)
		}
		r.nothingHeld()
	})
}
