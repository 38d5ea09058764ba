package deliver_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
)

// others are nodes beside the one under test: its part, and whom it told of lanes.
type others struct {
	part atomic.Int64
	told atomic.Int64
}

func (o *others) join(c *deliver.Config) {
	c.Share = func(whole int, _ int64) int { return min(whole, int(o.part.Load())) }
	c.Others = func(signalbox.WorkspaceID, signalbox.WebhookID) { o.told.Add(1) }
}

func TestShares_BoundWhatIsInFlightHere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o others
		o.part.Store(3)
		var g gauge
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			g.enter()
			defer g.leave()
			time.Sleep(10 * time.Millisecond)
			return answer(200)
		}, o.join)
		wh := r.webhook(1, func(w *signalbox.Webhook) { w.MaxInFlight = 8 })
		var all []signalbox.DeliveryID
		for range 30 {
			id, _ := r.submit(wh)
			all = append(all, id)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, id := range all {
			r.check(id, signalbox.Delivered, "", 1)
		}
		if g.most() != 3 {
			t.Errorf("%d at the same time, the part is 3", g.most())
		}
	})
}

func TestShares_AWebhookWithoutAPartIsLeftToTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o others
		sent := newTally()
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			sent.add("all")
			return answer(200)
		}, o.join)
		wh := r.webhook(1, func(w *signalbox.Webhook) { w.MaxInFlight = 1 })
		id, fromMemory := r.submit(wh)
		if fromMemory {
			t.Fatal("room was promised for what is not sent here")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		r.check(id, signalbox.Pending, "", 0)
		if o.told.Load() == 0 || sent.of("all") != 0 {
			t.Errorf("the others were told %d times, %d were sent here; want some and none", o.told.Load(), sent.of("all"))
		}
		r.nothingHeld()

		// A node went: its part is this one's now.
		o.part.Store(1)
		r.sender.SharesChanged()
		r.sender.LaneTold(workspace, wh.ID)
		time.Sleep(time.Second)
		synctest.Wait()
		r.check(id, signalbox.Delivered, "", 1)
	})
}

func TestShares_WhatIsQueuedGoesBackWhenThePartIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o others
		o.part.Store(1)
		sent := newTally()
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			sent.add("all")
			time.Sleep(time.Second)
			return answer(200)
		}, o.join)
		wh := r.webhook(1, func(w *signalbox.Webhook) { w.MaxInFlight = 1 })
		var all []signalbox.DeliveryID
		for range 5 {
			id, _ := r.submit(wh)
			all = append(all, id)
		}
		time.Sleep(500 * time.Millisecond)
		o.part.Store(0)
		r.sender.SharesChanged()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := sent.of("all"); n != 1 || o.told.Load() == 0 {
			t.Errorf("%d were sent here, the others told %d times; want only what was in flight", n, o.told.Load())
		}
		for _, id := range all[1:] {
			r.check(id, signalbox.Pending, "", 0) // free, for whoever has the part
		}
		o.part.Store(1)
		r.sender.SharesChanged()
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, id := range all {
			r.check(id, signalbox.Delivered, "", 1)
		}
	})
}

// Somebody who presses Test waits at this node, whatever its part is.
func TestShares_ATestCallIsAnsweredWhereItWasAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o others
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(200) }, o.join)
		wh := r.webhook(1, nil)
		ready := r.ready(wh)
		ready.Test = true
		ready.Lease, _ = r.model.Lease()
		r.model.insert(ready)
		a, _, err := r.sender.Test(t.Context(), wh, ready)
		if err != nil || a.StatusCode != 200 {
			t.Fatalf("%+v, %v", a, err)
		}
	})
}

// News that were missed may have been about any webhook.
func TestAllChanged_ReadsEveryWebhookAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := newTally()
		r := newRig(t, func(_ context.Context, req egress.Request) egress.Result {
			to.add(req.URL.Host)
			time.Sleep(time.Second)
			return answer(200)
		}, nil)
		wh := r.webhook(1, func(w *signalbox.Webhook) { w.MaxInFlight = 1 })
		for range 3 {
			r.submit(wh)
		}
		time.Sleep(100 * time.Millisecond)
		r.webhook(1, func(w *signalbox.Webhook) { w.URL, w.Revision, w.MaxInFlight = "https://moved.example/hook", 2, 1 })
		r.sender.AllChanged()
		time.Sleep(time.Minute)
		synctest.Wait()
		if to.of("w1.example") != 1 || to.of("moved.example") != 2 {
			t.Errorf("sent to %v, want what waited to be sent to where the webhook points now", to.all())
		}
	})
}
