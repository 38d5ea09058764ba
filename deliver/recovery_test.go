package deliver_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
	"signalbox/retry"
)

// outage is many receivers that are down together, and then up together.
type outage struct {
	up atomic.Bool

	mu    sync.Mutex
	after []time.Time            // requests since they are up
	each  map[string][]time.Time // the same, by receiver
	now   gauge
}

func (o *outage) receive(_ context.Context, req egress.Request) egress.Result {
	if !o.up.Load() {
		return answer(503)
	}
	o.now.enter()
	defer o.now.leave()
	o.mu.Lock()
	at := time.Now()
	o.after = append(o.after, at)
	o.each[req.URL.Host] = append(o.each[req.URL.Host], at)
	o.mu.Unlock()
	time.Sleep(5 * time.Millisecond)
	return answer(200)
}

// peak is the most requests in any window of a length, and their mean over all such windows between the first and the last.
func peak(all []time.Time, window time.Duration) (most int, mean float64) {
	slices.SortFunc(all, time.Time.Compare)
	from := 0
	for i := range all {
		for all[i].Sub(all[from]) >= window {
			from++
		}
		most = max(most, i-from+1)
	}
	windows := max(float64(all[len(all)-1].Sub(all[0]))/float64(window), 1)
	return most, float64(len(all)) / windows
}

// fallBehind has every webhook get deliveries in one second, which is the worst, and leaves their receivers down for a day.
func fallBehind(t *testing.T, o *outage, webhooks, each int, jitter func() float64) *rig {
	t.Helper()
	r := newRig(t, o.receive, func(c *deliver.Config) {
		c.Limits, c.Jitter, c.Schedule = deliver.DefaultLimits(), jitter, retry.Standard()
	})
	for i := range webhooks {
		wh := r.webhook(signalbox.WebhookID(i+1), func(w *signalbox.Webhook) { w.RatePerSecond = 20 })
		for range each {
			r.submit(wh)
		}
	}
	time.Sleep(24 * time.Hour)
	synctest.Wait()
	o.up.Store(true)
	return r
}

func (r *rig) allDelivered(n int) {
	r.t.Helper()
	if got := r.model.count(func(row *modelRow) bool { return row.State == signalbox.Delivered && row.done == 1 }); got != n {
		r.t.Errorf("%d of %d are delivered, once each", got, n)
	}
	r.nothingHeld()
}

// proves reliability R10: after an outage of a day, with the preset standard and the contract's spread of a tenth, what failed in one second comes over
// hours. Without the spread it would come in one second again, which is the control.
func TestRecovery_RetriesAfterALongOutageAreSpread(t *testing.T) {
	t.Parallel()
	webhooks, each := size(300, 5000), size(10, 2)
	for name, c := range map[string]struct {
		jitter func() float64
		spread bool
	}{
		"with the contract's spread": {nil, true},
		"control: without":           {func() float64 { return 0 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(10, 10))
				var mu sync.Mutex
				if c.jitter == nil {
					c.jitter = func() float64 {
						mu.Lock()
						defer mu.Unlock()
						return random.Float64()
					}
				}
				o := &outage{each: map[string][]time.Time{}}
				r := fallBehind(t, o, webhooks, each, c.jitter)
				time.Sleep(4 * 24 * time.Hour)
				synctest.Wait()
				r.allDelivered(webhooks * each)
				most, mean := peak(o.after, time.Minute)
				span := o.after[len(o.after)-1].Sub(o.after[0])
				t.Logf("%d retries after the recovery, over %s; in the fullest minute %d, of %.1f on average", len(o.after), span, most, mean)
				if spread := span >= 2*time.Hour && float64(most) <= 4*mean; spread != c.spread {
					t.Errorf("over %s, the fullest minute has %d retries of %.1f on average; spread: %v, want %v", span, most, mean, spread, c.spread)
				}
			})
		})
	}
}

// proves reliability R10: everything due at once, as after a recovery by hand or a stop of a day, leaves at each webhook's own rate and bound.
func TestRecovery_WhatIsAllDueAtOnceKeepsToEachWebhooksRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		webhooks, each := size(100, 1000), 50
		o := &outage{each: map[string][]time.Time{}}
		r := fallBehind(t, o, webhooks, each, func() float64 { return 0.5 })
		r.model.dueNow()
		begin := time.Now()
		for len(o.snapshot()) < webhooks*each && time.Since(begin) < time.Hour {
			time.Sleep(time.Second)
		}
		synctest.Wait()
		took := time.Since(begin)
		r.allDelivered(webhooks * each)
		for host, at := range o.each {
			if most, _ := peak(at, time.Second); most > 21 { // what a timer fires late is made up for by one
				t.Errorf("%s got %d requests in a second, its rate is 20", host, most)
			}
		}
		t.Logf("%d deliveries of %d webhooks left in %s, at most %d at the same time", webhooks*each, webhooks, took, o.now.most())
		if o.now.most() > deliver.DefaultLimits().Sockets {
			t.Errorf("%d requests at the same time", o.now.most())
		}
		if took > time.Minute {
			t.Errorf("the backlog took %s to drain", took)
		}
	})
}

func (o *outage) snapshot() []time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.after)
}

func TestRecovery_ThePresetStandardSpansThreeDays(t *testing.T) {
	t.Parallel()
	s, span := retry.Standard(), time.Duration(0)
	for _, wait := range s {
		span += wait
	}
	if span < 72*time.Hour || len(s)+1 < 10 {
		t.Errorf("%d attempts over %s, want ten over 72 h at least", len(s)+1, span)
	}
}
