package deliver_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
)

// R15 in small: requests in flight end, nothing new starts, nothing stays leased.
func TestRun_StopLetsRequestsInFlightEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			sent.Add(1)
			time.Sleep(5 * time.Second)
			return answer(200)
		}, nil)
		wh := r.webhook(1, func(wh *signalbox.Webhook) { wh.MaxInFlight = 4 })
		for range 300 {
			r.submit(wh)
		}
		synctest.Wait()
		start := time.Now()
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("stopped after %v, want when the last request ended", took)
		}
		delivered := r.model.count(func(r *modelRow) bool { return r.State == signalbox.Delivered })
		untouched := r.model.count(func(r *modelRow) bool { return r.State == signalbox.Pending && r.Attempts == 0 })
		if sent.Load() != 4 || delivered != 4 || untouched != 296 {
			t.Errorf("%d sent, %d delivered, %d untouched", sent.Load(), delivered, untouched)
		}
		if n := r.model.leased(); n != 0 {
			t.Errorf("%d rows are still leased", n)
		}
		r.nothingHeld()
	})
}

func TestRun_StopCutsWhatOutlivesTheGraceUncounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hole := func(ctx context.Context, _ egress.Request) egress.Result { return blackHole(ctx) }
		r := newRig(t, hole, func(c *deliver.Config) { c.Grace = 3 * time.Second })
		d, _ := r.submit(r.webhook(1, nil))
		synctest.Wait()
		start := time.Now()
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("stopped after %v, want the grace", took)
		}
		r.check(d, signalbox.Pending, "", 0)
		if n := len(r.model.attempts); n != 0 || r.model.leased() != 0 {
			t.Errorf("%d attempts recorded, %d rows leased; want none", n, r.model.leased())
		}
		// The next start sends it at once, and counts from one.
		r.model.join(time.Now())
		r.start(func(context.Context, egress.Request) egress.Result { return answer(200) }, nil)
		r.check(d, signalbox.Delivered, "", 1)
	})
}

func TestRun_StopWaitsForATurnThatHoldsAReservation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(200) }, nil)
		wh := r.webhook(1, nil)
		ready := r.ready(wh)
		ready.Lease, _ = r.sender.Reserve(wh, 1, len(ready.Body))
		go func() {
			time.Sleep(2 * time.Second)
			r.model.insert(ready)
			r.sender.Send(wh, []signalbox.Ready{ready})
		}()
		r.stop()
		synctest.Wait()
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		r.check(ready.Delivery.ID, signalbox.Pending, "", 0)
		if r.model.leased() != 0 {
			t.Error("it is still leased")
		}
	})
}

// Design, Claims: a crash between send and settle means one extra send with the same webhook-id.
func TestRun_CrashBetweenSendAndSettleSendsOnceMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		receiver := func(_ context.Context, req egress.Request) egress.Result {
			got = append(got, req.Header.Get("Webhook-Id"))
			return answer(200)
		}
		r := newRig(t, receiver, nil)
		crash := signalbox.Errorf(signalbox.Unavailable, "the process is gone")
		r.model.onSettle(func([]signalbox.Settlement) error { return crash })
		d, _ := r.submit(r.webhook(1, nil))
		synctest.Wait()
		if err := r.end(); err == nil {
			t.Error("a stop that could not settle says nothing")
		}
		r.model.onSettle(nil)
		r.model.join(time.Now())
		r.start(receiver, nil)
		if len(got) != 2 || got[0] != got[1] || got[0] == "" {
			t.Errorf("sent as %q, want twice with the same webhook-id", got)
		}
		r.check(d, signalbox.Delivered, "", 1)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if len(got) != 2 {
			t.Errorf("sent %d times", len(got))
		}
	})
}

// node is a heartbeat that a test can stop.
type node struct {
	*model
	late atomic.Bool
}

func (n *node) Lease() (signalbox.Lease, bool) {
	l, _ := n.model.Lease()
	return l, !n.late.Load()
}

func TestSend_NothingIsSentWithoutAFreshHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		var n *node
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			sent.Add(1)
			time.Sleep(time.Second)
			return answer(200)
		}, func(c *deliver.Config) { n = &node{model: c.Node.(*model)}; c.Node = n })
		wh := r.webhook(1, func(wh *signalbox.Webhook) { wh.MaxInFlight = 2 })
		for range 50 {
			r.submit(wh)
		}
		synctest.Wait()
		n.late.Store(true)
		if _, fromMemory := r.submit(wh); fromMemory {
			t.Error("room was promised under an old heartbeat")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if sent.Load() != 2 {
			t.Errorf("%d sent, want the 2 that were in flight", sent.Load())
		}
		if leased := r.model.leased(); leased != 0 {
			t.Errorf("%d rows are leased by a node that cannot send them", leased)
		}
		n.late.Store(false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if sent.Load() != 51 {
			t.Errorf("%d sent once the heartbeat is back, want all 51 once", sent.Load())
		}
	})
}

func TestSend_ANewGenerationVoidsWhatMemoryHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		times := newTally()
		r := newRig(t, func(_ context.Context, req egress.Request) egress.Result {
			times.add(req.Header.Get("Webhook-Id"))
			time.Sleep(time.Second)
			return answer(200)
		}, nil)
		wh := r.webhook(1, func(wh *signalbox.Webhook) { wh.MaxInFlight = 2 })
		for range 20 {
			r.submit(wh)
		}
		synctest.Wait()
		r.model.join(time.Now())
		time.Sleep(time.Minute)
		synctest.Wait()
		twice := 0
		for _, n := range times.all() {
			if n > 1 {
				twice++
			}
		}
		if len(times.all()) != 20 || twice != 2 {
			t.Errorf("%d events sent, %d twice; want 20, and twice only the 2 in flight", len(times.all()), twice)
		}
		r.nothingHeld()
	})
}

func TestSettle_IsKeptWhileTheStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		r := newRig(t, func(context.Context, egress.Request) egress.Result { sent.Add(1); return answer(200) }, nil)
		r.model.onSettle(func([]signalbox.Settlement) error {
			return signalbox.Errorf(signalbox.Unavailable, "the disk is full")
		})
		wh := r.webhook(1, nil)
		for range 200 {
			r.submit(wh)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := r.sender.Load(); sent.Load() != 64 || got.Unsettled != 64 {
			t.Errorf("%d sent, %d unsettled; want the lane to pause at 64", sent.Load(), got.Unsettled)
		}
		r.model.onSettle(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := r.model.count(func(r *modelRow) bool { return r.State == signalbox.Delivered }); sent.Load() != 200 || n != 200 {
			t.Errorf("%d sent, %d delivered, want 200 each once", sent.Load(), n)
		}
		r.nothingHeld()
	})
}

func TestSettle_TheNodePausesToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		r := newRig(t, func(context.Context, egress.Request) egress.Result { sent.Add(1); return answer(200) },
			func(c *deliver.Config) { c.Limits = deliver.Limits{Unsettled: 100} })
		r.model.onSettle(func([]signalbox.Settlement) error { return signalbox.Errorf(signalbox.Unavailable, "no") })
		for id := range signalbox.WebhookID(50) {
			wh := r.webhook(1+id, nil)
			for range 20 {
				r.submit(wh)
			}
			synctest.Wait()
		}
		if sent.Load() < 100 || sent.Load() > 100+signalbox.DefaultMaxInFlight {
			t.Errorf("%d sent, want the node to pause at 100", sent.Load())
		}
		r.model.onSettle(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if sent.Load() != 1000 {
			t.Errorf("%d sent afterwards, want 1000", sent.Load())
		}
	})
}

func TestSettle_OneThatTheStoreCannotTakeHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(200) }, nil)
		wh := r.webhook(1, nil)
		poison, _ := r.submit(wh)
		r.model.onSettle(func(list []signalbox.Settlement) error {
			for _, s := range list {
				if s.Delivery == poison {
					return errors.New("constraint failed")
				}
			}
			return nil
		})
		for range 200 {
			r.submit(wh)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := r.model.count(func(r *modelRow) bool { return r.State == signalbox.Delivered }); n != 200 {
			t.Errorf("%d delivered, want the 200 others", n)
		}
		r.model.onSettle(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		r.check(poison, signalbox.Delivered, "", 1)
	})
}

func TestSettle_ManyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result { time.Sleep(time.Second); return answer(200) }, nil)
		for id := range signalbox.WebhookID(200) {
			wh := r.webhook(1+id, nil)
			for range 8 {
				r.submit(wh)
			}
		}
		r.model.onSettle(func([]signalbox.Settlement) error { time.Sleep(100 * time.Millisecond); return nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := r.model.biggest; got < 100 || got > 512 {
			t.Errorf("the biggest settle held %d, want many and at most 512", got)
		}
		if n := r.model.count(func(r *modelRow) bool { return r.State == signalbox.Delivered }); n != 1600 {
			t.Errorf("%d delivered, want 1600", n)
		}
	})
}

func TestClaim_IsRepeatedAfterAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(200) }, nil)
		wh := r.webhook(1, nil)
		synctest.Wait()
		failures := 0
		r.model.onClaim(func() error {
			if failures++; failures <= 3 {
				return signalbox.Errorf(signalbox.Unavailable, "busy")
			}
			return nil
		})
		ready := r.ready(wh)
		r.model.insert(ready)
		time.Sleep(4 * time.Second) // before the due row fires again
		synctest.Wait()
		r.check(ready.Delivery.ID, signalbox.Delivered, "", 1)
	})
}
