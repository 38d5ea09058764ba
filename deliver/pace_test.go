package deliver_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
)

// starts are the moments at which requests began.
type starts struct {
	mu sync.Mutex
	at []time.Time
}

func (s *starts) add() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Now())
}

// most is the largest number of requests in any time of this length.
func (s *starts) most(in time.Duration) (most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(s.at, time.Time.Compare)
	for first, last := 0, 0; last < len(s.at); last++ {
		for s.at[last].Sub(s.at[first]) >= in {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

// A webhook that takes so many requests in a second gets no more, whatever waits, and as many while something does; another one does not notice.
func TestRate_IsKeptAndUsed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		rate, part int // this node's part of max_in_flight 8
		within     time.Duration
		want       int // in that time
	}{
		{"one a second", 1, 8, time.Second, 1},
		{"ten a second", 10, 8, time.Second, 10},
		{"many", 500, 8, time.Second, 500},
		{"half of ten", 10, 4, time.Second, 5},
		{"an eighth of one", 1, 1, 8 * time.Second, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var slow, quick starts
				r := newRig(t, func(_ context.Context, req egress.Request) egress.Result {
					if req.URL.Host == "w1.example" {
						slow.add()
					} else {
						quick.add()
					}
					return answer(200)
				}, func(cfg *deliver.Config) {
					cfg.Share = func(whole int, _ int64) int { return min(whole, c.part) }
				})
				limited := r.webhook(1, func(w *signalbox.Webhook) { w.RatePerSecond = c.rate })
				free := r.webhook(2, nil)
				n := 5 * c.want
				var all []signalbox.DeliveryID
				for range n {
					id, _ := r.submit(limited)
					all = append(all, id)
				}
				other, _ := r.submit(free)
				synctest.Wait()
				r.check(other, signalbox.Delivered, "", 1)
				time.Sleep(5*c.within + time.Second)
				synctest.Wait()
				for _, id := range all {
					r.check(id, signalbox.Delivered, "", 1)
				}
				if got := slow.most(c.within); got > c.want+c.want/100+1 { // a timer that fires late is made up for
					t.Errorf("%d requests in %s, want %d", got, c.within, c.want)
				}
				r.nothingHeld()
			})
		})
	}
}

// What waits for its time when the rate is changed is sent by the new one.
func TestRate_AChangeIsInForceAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(200) }, nil)
		wh := r.webhook(1, func(w *signalbox.Webhook) { w.RatePerSecond = 1 })
		var all []signalbox.DeliveryID
		for range 20 {
			id, _ := r.submit(wh)
			all = append(all, id)
		}
		synctest.Wait()
		r.webhook(1, func(w *signalbox.Webhook) { w.Revision = 2 })
		r.sender.Changed(1)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for _, id := range all {
			r.check(id, signalbox.Delivered, "", 1)
		}
	})
}

// A webhook's own schedule goes before the server's; one without waits has a single attempt.
func TestSchedule_IsTheWebhooksOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(503) }, nil)
		own := r.webhook(1, func(w *signalbox.Webhook) { w.RetrySchedule = []time.Duration{time.Second, time.Hour} })
		none := r.webhook(2, func(w *signalbox.Webhook) { w.RetrySchedule = []time.Duration{} })
		first, _ := r.submit(own)
		single, _ := r.submit(none)
		synctest.Wait()
		r.check(first, signalbox.Retrying, "http_503", 1)
		r.check(single, signalbox.Failed, "http_503", 1)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.check(first, signalbox.Retrying, "http_503", 2)
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		r.check(first, signalbox.Failed, "http_503", 3)
	})
}
