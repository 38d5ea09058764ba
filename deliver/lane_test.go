package deliver_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
)

// Contract section 12: each webhook has its own lane; one dead or slow one never delays another.
func TestLane_DeadWebhooksNeverDelayAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(ctx context.Context, req egress.Request) egress.Result {
			if req.URL.Host != "w1.example" {
				return blackHole(ctx)
			}
			return answer(200)
		}, func(c *deliver.Config) { c.Limits = deliver.Limits{Items: 128, Sockets: 64} })
		live := r.webhook(1, nil)
		for id := range signalbox.WebhookID(100) { // more than all of memory and of the sockets
			dead := r.webhook(2+id, nil)
			for range 20 {
				r.submit(dead)
			}
		}
		synctest.Wait()
		time.Sleep(time.Minute) // they have shown themselves to be slow
		for range 50 {
			d, fromMemory := r.submit(live)
			synctest.Wait() // no time passes
			if !fromMemory {
				t.Fatal("the live lane was refused room in memory")
			}
			r.check(d, signalbox.Delivered, "", 1)
		}
	})
}

func TestLane_MaxInFlightIsNeverExceeded(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 3, 8, 0} {
		synctest.Test(t, func(t *testing.T) {
			var g gauge
			r := newRig(t, func(context.Context, egress.Request) egress.Result {
				g.enter()
				time.Sleep(time.Second)
				g.leave()
				return answer(200)
			}, nil)
			wh := r.webhook(1, func(wh *signalbox.Webhook) { wh.MaxInFlight = limit })
			for range 400 {
				r.submit(wh)
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			want := limit
			if limit == 0 {
				want = signalbox.DefaultMaxInFlight
			}
			if g.most() != want {
				t.Errorf("%d in flight at the same time, want %d", g.most(), want)
			}
			if n := r.model.count(func(r *modelRow) bool { return r.State == signalbox.Delivered }); n != 400 {
				t.Errorf("%d delivered, want 400", n)
			}
		})
	}
}

func TestLane_FirstInFirstSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		r := newRig(t, func(_ context.Context, req egress.Request) egress.Result {
			got = append(got, req.Header.Get("Webhook-Id"))
			time.Sleep(10 * time.Millisecond)
			return answer(200)
		}, nil)
		wh := r.webhook(1, func(wh *signalbox.Webhook) { wh.MaxInFlight = 1 })
		var want []string
		for range 1000 { // 256 from memory, the rest through the table
			d, _ := r.submit(wh)
			want = append(want, r.codec.Format(signalbox.KindEvent, int64(r.model.row(d).Event)))
			time.Sleep(time.Microsecond)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(got, want) {
			t.Errorf("sent %d in another order than the %d came", len(got), len(want))
		}
	})
}

// A hundred thousand waiting deliveries take bounded memory, and the table gives them back one claim after the other.
func TestLane_MemoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			<-gate
			return answer(200)
		}, nil)
		held := 0
		for id := range signalbox.WebhookID(10) {
			wh := r.webhook(1+id, nil)
			for range 1000 {
				r.submit(wh)
				held = max(held, r.sender.Load().Queued+r.sender.Load().Reserved+r.sender.Load().InFlight)
			}
		}
		synctest.Wait()
		if got := r.sender.Load(); held > 10*256 || got.InFlight != 80 {
			t.Errorf("held up to %d, now %+v; want at most 256 of each of 10 lanes, 8 in flight", held, got)
		}
		close(gate)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := r.model.count(func(r *modelRow) bool { return r.State == signalbox.Delivered }); n != 10_000 {
			t.Errorf("%d delivered, want all 10,000", n)
		}
		if most := 10_000/64 + 200; r.model.claims > most {
			t.Errorf("%d claims for 10,000 deliveries, want at most %d: they come in batches", r.model.claims, most)
		}
		r.nothingHeld()
	})
}

func TestLane_BytesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			<-gate
			return answer(200)
		}, func(c *deliver.Config) { c.Limits = deliver.Limits{Bytes: 8 << 20} })
		body := []byte(strings.Repeat("x", 100<<10))
		for id := range signalbox.WebhookID(20) {
			wh := r.webhook(1+id, nil)
			for range 40 {
				ready := r.ready(wh)
				ready.Body = body
				var ok bool
				if ready.Lease, ok = r.sender.Reserve(wh, 1, len(body)); ok {
					r.model.insert(ready)
					r.sender.Send(wh, []signalbox.Ready{ready})
					continue
				}
				r.model.insert(ready)
				// A claim of a lane that has not seen a body brings few, and four claim at the same time.
				if got := r.sender.Load().Bytes; got > 8<<20+4*16*len(body) {
					t.Errorf("%d bytes held", got)
				}
			}
		}
		close(gate)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := r.model.count(func(r *modelRow) bool { return r.State == signalbox.Delivered }); n != 800 {
			t.Errorf("%d delivered, want 800", n)
		}
		r.nothingHeld()
	})
}

func TestReserve_RefusesWhileTheTableHasMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			<-gate
			return answer(200)
		}, nil)
		wh := r.webhook(1, nil)
		for range 256 {
			if _, ok := r.submit(wh); !ok {
				t.Fatal("refused before the lane was full")
			}
		}
		if _, ok := r.submit(wh); ok {
			t.Fatal("a full lane made room")
		}
		synctest.Wait()
		if _, ok := r.submit(wh); ok {
			t.Error("a lane with rows in the table took one from memory")
		}
		close(gate)
		synctest.Wait()
		if _, ok := r.submit(wh); !ok {
			t.Error("a drained lane takes none from memory")
		}
	})
}

func TestReserve_RoomIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(200) }, nil)
		wh := r.webhook(1, nil)
		synctest.Wait()
		for range 1000 {
			if _, ok := r.sender.Reserve(wh, 100, 5000); !ok {
				t.Fatal("refused an empty lane's room")
			}
			r.sender.Unreserve(wh, 100, 5000)
		}
		r.nothingHeld()
		if _, ok := r.sender.Reserve(wh, 257, 0); ok {
			t.Error("promised more than a lane holds")
		}
	})
}

func TestReserve_RefusesBeforeRunAndAfterStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(200) }, nil)
		wh := r.webhook(1, nil)
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		if _, ok := r.sender.Reserve(wh, 1, 1); ok {
			t.Error("a stopped sender made room")
		}
		idle := deliver.New(deliver.Config{Node: r.model})
		if _, ok := idle.Reserve(wh, 1, 1); ok {
			t.Error("a sender that does not run made room")
		}
	})
}

func TestChanged_WhatIsQueuedIsSentByTheNewDefinition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate, hosts := make(chan struct{}), newTally()
		r := newRig(t, func(_ context.Context, req egress.Request) egress.Result {
			hosts.add(req.URL.Host)
			<-gate
			return answer(200)
		}, nil)
		old := r.webhook(1, func(wh *signalbox.Webhook) { wh.MaxInFlight = 1 })
		for range 3 {
			r.submit(old)
		}
		reserved, late := r.ready(old), r.ready(old) // turns that were decided before the change
		reserved.Lease, _ = r.sender.Reserve(old, 1, len(reserved.Body))
		late.Lease, _ = r.sender.Reserve(old, 1, len(late.Body))
		synctest.Wait()

		changed := *old
		changed.URL, changed.Revision = "https://new.example/hook", 2
		r.model.put(changed)
		r.sender.Changed(1)
		r.model.insert(reserved)
		r.sender.Send(old, []signalbox.Ready{reserved})
		close(gate)
		synctest.Wait() // the lane knows the new definition
		r.model.insert(late)
		r.sender.Send(old, []signalbox.Ready{late})
		time.Sleep(time.Minute)
		synctest.Wait()
		if hosts.of("w1.example") != 1 || hosts.of("new.example") != 4 {
			t.Errorf("sent to %v, want only what was in flight sent to the old url", hosts.all())
		}
		r.nothingHeld()
	})
}

func TestChanged_DuringAClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hosts := newTally()
		r := newRig(t, func(_ context.Context, req egress.Request) egress.Result {
			hosts.add(req.URL.Host)
			return answer(200)
		}, nil)
		wh := r.webhook(1, nil)
		synctest.Wait()
		r.model.afterClaim(func() { // the claim has read the old definition, and its answer is on its way
			r.model.afterClaim(nil)
			changed := *wh
			changed.URL, changed.Revision = "https://new.example/hook", 2
			r.model.put(changed)
			r.sender.Changed(1)
		})
		r.model.insert(r.ready(wh))
		time.Sleep(time.Minute)
		synctest.Wait()
		if hosts.of("w1.example") != 0 || hosts.of("new.example") != 1 {
			t.Errorf("sent to %v, want the new url only", hosts.all())
		}
	})
}

func TestLane_DisabledWebhookKeepsItsRowsForLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		r := newRig(t, func(context.Context, egress.Request) egress.Result { sent.Add(1); return answer(200) }, nil)
		wh := r.webhook(1, func(wh *signalbox.Webhook) { wh.Enabled = false })
		r.model.insert(r.ready(wh))
		time.Sleep(time.Hour)
		synctest.Wait()
		if sent.Load() != 0 || r.model.claims > 1 || r.sender.Load().Lanes != 0 {
			t.Errorf("%d sent, %d claims, %d lanes for a disabled webhook", sent.Load(), r.model.claims, r.sender.Load().Lanes)
		}
		r.webhook(1, func(wh *signalbox.Webhook) { wh.Revision = 2 })
		synctest.Wait()
		if sent.Load() != 1 {
			t.Errorf("%d sent once it was enabled, want 1", sent.Load())
		}
	})
}

func TestLane_IdleLanesAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(200) }, func(c *deliver.Config) { c.Limits = deliver.Limits{Lanes: 10} })
		for id := range signalbox.WebhookID(200) {
			r.submit(r.webhook(1+id, nil))
			synctest.Wait()
		}
		if got := r.sender.Load().Lanes; got > 10 {
			t.Errorf("%d lanes remembered, want at most 10", got)
		}
		if n := r.model.count(func(r *modelRow) bool { return r.State == signalbox.Delivered }); n != 200 {
			t.Errorf("%d delivered, want 200", n)
		}
	})
}

// A row saved under a lease that ended meanwhile is free, and no due row tells of it.
func TestSend_AReservationThatOutlivesItsGenerationIsClaimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		r := newRig(t, func(context.Context, egress.Request) egress.Result { sent.Add(1); return answer(200) }, nil)
		wh := r.webhook(1, nil)
		ready := r.ready(wh)
		ready.Lease, _ = r.sender.Reserve(wh, 1, len(ready.Body))
		r.model.join(time.Now())
		r.sender.LeaseLost()
		synctest.Wait()
		r.model.insert(ready)
		r.sender.Send(wh, []signalbox.Ready{ready})
		synctest.Wait()
		if sent.Load() != 1 {
			t.Errorf("sent %d times at once, want 1", sent.Load())
		}
		r.check(ready.Delivery.ID, signalbox.Delivered, "", 1)
	})
}
