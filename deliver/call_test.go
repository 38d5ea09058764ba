package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
	"signalbox/seal"
)

// saveTest saves a test delivery as the test door does.
func (r *rig) saveTest(wh *signalbox.Webhook) signalbox.Ready {
	ready := r.ready(wh)
	ready.Test = true
	ready.Lease, _ = r.model.Lease()
	r.model.insert(ready)
	return ready
}

// proves S1-11 in part: a test call goes the real way and is settled before it is answered.
func TestTest_AnswersWithWhatWasSentAndCameBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		state  signalbox.DeliveryState
		reason string
	}{{204, signalbox.Delivered, ""}, {500, signalbox.Failed, "http_500"}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, func(_ context.Context, req egress.Request) egress.Result {
				if req.Header.Get("X-Key") != "canary" {
					t.Error("the custom header was not sent")
				}
				return answer(c.status)
			}, nil)
			wh := r.webhook(1, func(wh *signalbox.Webhook) {
				custom, _ := json.Marshal(map[string]string{"X-Key": "canary"})
				wh.SealedHeaders = r.box.Seal(seal.Bind{Workspace: int64(workspace), Row: 1, Kind: deliver.HeadersKind}, custom)
			})
			ready := r.saveTest(wh)
			a, sent, err := r.sender.Test(t.Context(), wh, ready)
			if err != nil {
				t.Fatal(err)
			}
			r.check(ready.Delivery.ID, c.state, c.reason, 1)
			if a.StatusCode != c.status || len(r.model.attempts) != 1 || a.ID != r.model.attempts[0].ID {
				t.Errorf("attempt %+v, want the one that was settled", a)
			}
			if sent.Get("Webhook-Signature") == "" || sent.Get("X-Key") != "[hidden]" {
				t.Errorf("headers %v, want those sent, without the custom value", sent)
			}
		})
	}
}

func TestTest_TakesTheNextSlotOfTheLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			g.enter()
			time.Sleep(time.Second)
			g.leave()
			return answer(200)
		}, nil)
		wh := r.webhook(1, func(wh *signalbox.Webhook) { wh.MaxInFlight = 1 })
		for range 100 {
			r.submit(wh)
		}
		synctest.Wait()
		start := time.Now()
		if _, _, err := r.sender.Test(t.Context(), wh, r.saveTest(wh)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 2*time.Second || g.most() != 1 {
			t.Errorf("answered after %v with %d in flight, want after the one in flight and its own", took, g.most())
		}
	})
}

func TestTest_OneThatIsGivenUpBeforeItIsSentNeverIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			sent.Add(1)
			time.Sleep(10 * time.Second)
			return answer(200)
		}, nil)
		wh := r.webhook(1, func(wh *signalbox.Webhook) { wh.MaxInFlight = 1 })
		r.submit(wh)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ready := r.saveTest(wh)
		if _, _, err := r.sender.Test(ctx, wh, ready); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline's", err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		r.check(ready.Delivery.ID, signalbox.Failed, "cut", 0)
		if sent.Load() != 1 {
			t.Errorf("%d sent, want the other one only", sent.Load())
		}
		r.nothingHeld()
	})
}

func TestTest_AStopAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(ctx context.Context, _ egress.Request) egress.Result { return blackHole(ctx) },
			func(c *deliver.Config) { c.Grace = time.Second })
		wh := r.webhook(1, func(wh *signalbox.Webhook) { wh.MaxInFlight = 1 })
		var rows []signalbox.DeliveryID
		answered := make(chan signalbox.Attempt, 2)
		for range 2 { // one in flight, one queued
			ready := r.saveTest(wh)
			rows = append(rows, ready.Delivery.ID)
			go func() {
				a, _, err := r.sender.Test(context.Background(), wh, ready)
				if err != nil {
					t.Error(err)
				}
				answered <- a
			}()
			synctest.Wait()
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if a := <-answered; a.Error == "" || a.StatusCode != 0 {
				t.Errorf("attempt %+v, want one that was broken off", a)
			}
		}
		for _, d := range rows {
			r.check(d, signalbox.Failed, "cut", 0)
		}
		if _, _, err := r.sender.Test(t.Context(), wh, r.ready(wh)); signalbox.CodeOf(err) != signalbox.Unavailable {
			t.Errorf("a stopped sender answers %v, want unavailable", err)
		}
	})
}
