package deliver_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/egress"
)

// A database that takes nothing is noticed after a minute, and so is that it does again; receivers that are away for hours are not.
func TestStalled_IsNoticedAndOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(ctx context.Context, _ egress.Request) egress.Result { return blackHole(ctx) }, nil)
		defer r.end()
		wh := r.webhook(1, func(w *signalbox.Webhook) { w.RetrySchedule = []time.Duration{time.Hour} })
		for range 300 {
			r.submit(wh)
		}
		for range 100 {
			time.Sleep(time.Minute)
			if since, why := r.sender.Stalled(); !since.IsZero() {
				t.Fatalf("a dead receiver stalls it: %s", why)
			}
		}
		var refuses atomic.Bool
		refuses.Store(true)
		r.model.onSettle(func([]signalbox.Settlement) error {
			if refuses.Load() {
				return signalbox.Errorf(signalbox.Unavailable, "not now")
			}
			return nil
		})
		begun := time.Now()
		time.Sleep(3 * time.Minute)
		since, why := r.sender.Stalled()
		if since.Before(begun) || since.After(begun.Add(30*time.Second)) || why == "" {
			t.Fatalf("stalled since %s (%q), want about %s", since, why, begun)
		}
		refuses.Store(false)
		time.Sleep(time.Minute)
		if since, why := r.sender.Stalled(); !since.IsZero() {
			t.Fatalf("it goes on, and is said to be stalled since %s: %s", since, why)
		}
	})
}
