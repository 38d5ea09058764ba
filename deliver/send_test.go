package deliver_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
	"signalbox/retry"
	"signalbox/seal"
	"signalbox/sign"
)

// proves S1-27…S1-29 in part: what is sent verifies as a receiver verifies it, over the bytes as they were frozen.
func TestSend_RequestIsSignedAndComplete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []egress.Request
		r := newRig(t, func(_ context.Context, req egress.Request) egress.Result {
			got = append(got, req)
			return answer(500)
		}, nil)
		wh := r.webhook(1, func(wh *signalbox.Webhook) {
			custom, _ := json.Marshal(map[string]string{"X-Key": "k", "Webhook-Id": "forged", "user-agent": "forged"})
			wh.SealedHeaders = r.box.Seal(seal.Bind{Workspace: int64(workspace), Row: 1, Kind: deliver.HeadersKind}, custom)
		})
		d, fromMemory := r.submit(wh)
		if !fromMemory {
			t.Fatal("an empty lane refused a reservation")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(got) != 2 {
			t.Fatalf("sent %d times, want 2", len(got))
		}
		event := r.codec.Format(signalbox.KindEvent, int64(r.model.row(d).Event))
		for _, req := range got {
			for _, scheme := range []sign.Scheme{sign.Standard, sign.Stairoids} {
				if err := sign.Verify(scheme, req.Header, req.Body, []sign.Secret{secret}, time.Now()); err != nil {
					t.Errorf("%s: %v", scheme, err)
				}
			}
			for name, want := range map[string]string{
				"Webhook-Id": event, "User-Agent": "Signalbox/test", "Content-Type": "application/json", "X-Key": "k", "X-Stairoids-Event": "signal.created",
			} {
				if have := req.Header.Get(name); have != want {
					t.Errorf("%s: %q, want %q", name, have, want)
				}
			}
			if req.Method != http.MethodPost || req.URL.String() != wh.URL || !strings.Contains(string(req.Body), event) {
				t.Errorf("sent %s %s with %s", req.Method, req.URL, req.Body)
			}
		}
		one, two := got[0].Header.Get("X-Stairoids-Delivery"), got[1].Header.Get("X-Stairoids-Delivery")
		attempts := r.model.attempts
		if u := r.codec.UUID(signalbox.KindAttempt, int64(attempts[0].ID)); one == two || len(one) != 36 || one[14] != '8' || !strings.HasPrefix(one, hexOf(u[:4])) {
			t.Errorf("X-Stairoids-Delivery %q and %q, want a version-8 UUID of each attempt", one, two)
		}
	})
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// proves contract section 12: both secrets sign until the overlap ends, to the moment, with nobody told.
func TestSend_AnOverlapOfSecretsEndsByItself(t *testing.T) {
	t.Parallel()
	const old = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	for _, vendorPrevious := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var sent []egress.Request
			var at []time.Time
			r := newRig(t, func(_ context.Context, req egress.Request) egress.Result {
				sent, at = append(sent, req), append(at, time.Now())
				return answer(200)
			}, nil)
			wh := r.webhook(1, func(w *signalbox.Webhook) {
				w.SealedPrevious = r.box.Seal(seal.Bind{Workspace: int64(workspace), Row: 1, Kind: deliver.SecretKind}, []byte(old))
				w.PreviousUntil, w.VendorPrevious = time.Now().Add(time.Hour), vendorPrevious
			})
			for _, wait := range []time.Duration{0, time.Hour - time.Second, time.Second} {
				time.Sleep(wait)
				r.submit(wh)
				synctest.Wait()
			}
			for i, req := range sent {
				overlap := i < 2
				for _, c := range []struct {
					scheme sign.Scheme
					secret string
					want   bool
				}{
					{sign.Standard, secret, true}, {sign.Standard, old, overlap},
					{sign.Stairoids, secret, !overlap || !vendorPrevious}, {sign.Stairoids, old, overlap && vendorPrevious},
				} {
					err := sign.Verify(c.scheme, req.Header, req.Body, []sign.Secret{sign.Secret(c.secret)}, at[i])
					if got := err == nil; got != c.want {
						t.Errorf("request %d, %s by %s: verified %t, want %t", i, c.scheme, c.secret, got, c.want)
					}
				}
			}
		})
	}
}

// proves S1-35…S1-40 and S1-34 through the lanes, on a virtual clock.
func TestSend_RetriesOnScheduleThenFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			at = append(at, time.Now())
			return answer(503)
		}, nil)
		start := time.Now()
		d, _ := r.submit(r.webhook(1, nil))
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		want := []time.Duration{0, time.Minute, 6 * time.Minute, 36 * time.Minute, 156 * time.Minute, 636 * time.Minute}
		if len(at) != len(want) {
			t.Fatalf("sent %d times, want %d", len(at), len(want))
		}
		for i := range want {
			if got := at[i].Sub(start); got != want[i] {
				t.Errorf("attempt %d after %v, want %v", i+1, got, want[i])
			}
		}
		r.check(d, signalbox.Failed, "http_503", 6)
		if n := len(r.model.attempts); n != 6 {
			t.Errorf("%d attempts in the log, want 6", n)
		}
		r.nothingHeld()
	})
}

func TestSend_AttemptIsRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			time.Sleep(70 * time.Millisecond)
			return egress.Result{
				Status: 500, Header: http.Header{"Server": {"nginx"}, "Via": {"a", "b\xff"}}, Body: []byte("oops"), Truncated: true, RemoteAddr: "192.0.2.7:443",
				Timings: egress.Timings{DNS: 1, Connect: 2, TLS: 3, FirstByte: 4, Total: 99},
			}
		}, nil)
		d, _ := r.submit(r.webhook(1, nil))
		time.Sleep(time.Second)
		synctest.Wait()
		got := r.model.attempts[0]
		if got.ID == 0 || got.Delivery != d || got.Workspace != workspace || got.Manual || got.At.IsZero() {
			t.Errorf("attempt %+v", got)
		}
		if got.StatusCode != 500 || got.RemoteAddr != "192.0.2.7:443" || string(got.Body) != "oops" || !got.Truncated ||
			string(got.Headers) != `{"Server":"nginx","Via":"a, b\ufffd"}` {
			t.Errorf("answer %+v with headers %s", got, got.Headers)
		}
		if got.Duration != 70*time.Millisecond || got.DNS != 1 || got.Connect != 2 || got.TLS != 3 || got.FirstByte != 4 {
			t.Errorf("timings %+v", got)
		}
		if want := "http_500: the receiver answered 500 Internal Server Error"; got.Error != want {
			t.Errorf("error %q, want %q", got.Error, want)
		}
	})
}

func TestSend_EveryFailureOfEgressHasItsReason(t *testing.T) {
	t.Parallel()
	for kind, want := range map[egress.Kind]retry.Failure{
		egress.Refused: retry.RefusedTarget, egress.DNS: retry.DNS, egress.Connect: retry.Connect, egress.TLS: retry.TLS,
		egress.Timeout: retry.Timeout, egress.ConnectionLost: retry.ConnectionLost, egress.ProtocolError: retry.ProtocolError,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(context.Context, egress.Request) egress.Result {
					return egress.Result{Status: 200, Err: &egress.Failure{Kind: kind, Msg: "why"}}
				}, nil)
				d, _ := r.submit(r.webhook(1, nil))
				synctest.Wait()
				r.check(d, signalbox.Retrying, string(want), 1)
				if got := r.model.attempts[0].Error; got != string(want)+": why" {
					t.Errorf("error %q", got)
				}
			})
		})
	}
}

func TestSend_ASecretThatDoesNotOpenIsAFailedAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			t.Error("something was sent unsigned")
			return answer(200)
		}, nil)
		d, _ := r.submit(r.webhook(1, func(wh *signalbox.Webhook) { wh.SealedSecret[len(wh.SealedSecret)-1] ^= 1 }))
		synctest.Wait()
		r.check(d, signalbox.Retrying, string(retry.Unprepared), 1)
	})
}

func TestSend_GoneDisablesTheWebhookAndHoldsTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			sent.Add(1)
			time.Sleep(time.Second)
			return answer(410)
		}, nil)
		wh := r.webhook(1, func(wh *signalbox.Webhook) { wh.MaxInFlight = 1 })
		first, _ := r.submit(wh)
		r.submit(wh) // under way, or given back, when the first answer is settled
		third, _ := r.submit(wh)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		r.check(first, signalbox.Failed, "http_410", 1)
		r.check(third, signalbox.Pending, "", 0)
		if got := r.model.webhooks[1]; got.Enabled || got.DisabledReason != "gone_410" {
			t.Errorf("the webhook is %+v, want it disabled as gone", got)
		}
		if n := sent.Load(); n > 2 {
			t.Errorf("%d requests, want no more than the first and the one after it", n)
		}
		r.nothingHeld()
	})
}

func TestSend_ManualRetryLeavesTheScheduleAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var status atomic.Int64
		status.Store(500)
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(int(status.Load())) }, nil)
		wh := r.webhook(1, nil)
		ready := r.ready(wh)
		due := time.Now().UTC().Add(2 * time.Hour)
		ready.State, ready.Reason, ready.Attempts = signalbox.Retrying, signalbox.ReasonManual, 4
		ready.Manual = &signalbox.Resume{State: signalbox.Retrying, Reason: "timeout", DueAt: due}
		r.model.insert(ready)
		synctest.Wait()
		r.check(ready.Delivery.ID, signalbox.Retrying, "timeout", 4)
		if got := r.model.row(ready.Delivery.ID).DueAt; !got.Equal(due) {
			t.Errorf("due %v, want %v as before", got, due)
		}
		if a := r.model.attempts; len(a) != 1 || !a[0].Manual {
			t.Errorf("attempts %+v, want one by hand", a)
		}
		status.Store(200)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		r.check(ready.Delivery.ID, signalbox.Delivered, "", 5)
	})
}
