package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"signalbox/client"
)

// proves S1-21, S1-34, S1-35, S1-41, S1-47
func TestRetry_AFailedDeliveryWaitsAMinuteAndCanBeRetriedByHand(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	c := catch(t, func(n int) int {
		if n == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	hook := s.hook(client.WebhookInput{URL: c.URL})
	s.send(trial())
	first := c.next()

	waiting := s.settled(hook.ID, 1, "retrying")[0]
	full, err := s.Delivery(t.Context(), waiting.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(full.Attempts) != 1 || full.Reason != "http_503" || full.Attempts[0].StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("after one failure the delivery is %+v", full)
	}
	failed := full.Attempts[0].At.Add(time.Duration(full.Attempts[0].DurationMS * float64(time.Millisecond)))
	if wait := full.NextAttemptAt.Sub(failed); wait < time.Minute || wait > 67*time.Second {
		t.Errorf("the next attempt is %s after the failure, want a minute and up to a tenth more", wait)
	}

	if _, err := s.RetryDelivery(t.Context(), waiting.ID); err != nil {
		t.Fatal(err)
	}
	second := c.next()
	s.settled(hook.ID, 1, "delivered")
	if !bytes.Equal(first.body, second.body) || first.header.Get("Webhook-Id") != second.header.Get("Webhook-Id") {
		t.Error("the attempts differ in their bytes or their webhook-id")
	}
	if id := first.header.Get("X-Stairoids-Delivery"); id == "" || id == second.header.Get("X-Stairoids-Delivery") {
		t.Error("X-Stairoids-Delivery must be new at every attempt")
	}
}

// proves S1-11, S1-33
func TestRetry_TheTestButtonSaysWhatTheReceiverAnswered(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	c := catch(t, func(int) int { return http.StatusTeapot })
	hook := s.hook(client.WebhookInput{URL: c.URL})
	result, err := s.TestWebhook(t.Context(), hook.ID, "signal.created", nil)
	if err != nil {
		t.Fatal(err)
	}
	got := c.next()
	if result.Response == nil || result.Response.Status != http.StatusTeapot || result.Error == "" {
		t.Errorf("the test call says %+v", result)
	}
	if result.Request.Body != string(got.body) || result.Request.Headers["webhook-id"] != got.header.Get("Webhook-Id") {
		t.Errorf("the test call shows %+v, the receiver got %v %s", result.Request, got.header, got.body)
	}
}

// Contract section 12: each webhook has its own lane.
func TestRetry_DeadWebhooksDelayNoOther(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	silent, reached := silentReceiver(t)
	hung := s.hook(client.WebhookInput{URL: silent.URL})
	closed := s.hook(client.WebhookInput{URL: refusingURL(t)})
	alive := catch(t, nil)
	good := s.hook(client.WebhookInput{URL: alive.URL})

	const n = 60 // more than the silent receiver may have under way
	for range n {
		s.send(trial())
	}
	<-reached
	s.settled(good.ID, n, "delivered") // while the silent receiver answers nothing
	tried := 0
	for deadline := time.Now().Add(patience); tried < 8; { // five failures in a row, and then one probe at a time: the others wait
		tried = 0
		for _, d := range s.deliveries(closed.ID) {
			switch {
			case d.Status == "retrying" && d.Reason == "connect":
				tried++
			case d.Status != "pending":
				t.Fatalf("of a closed port: %+v", d)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d deliveries to a closed port were tried", tried)
		}
	}
	waiting := s.deliveries(hung.ID)
	if len(waiting) != n {
		t.Errorf("the silent receiver has %d deliveries, want %d", len(waiting), n)
	}
	for _, d := range waiting {
		if d.Status == "delivered" {
			t.Errorf("delivery %s is delivered, although nobody answered", d.ID)
		}
	}
}

// silentReceiver answers nothing for as long as the test runs, and tells when it was first reached.
func silentReceiver(t *testing.T) (r *httptest.Server, reached <-chan struct{}) {
	t.Helper()
	arrived, gate := make(chan struct{}, 1), make(chan struct{})
	r = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		select {
		case arrived <- struct{}{}:
		default:
		}
		select {
		case <-gate:
		case <-req.Context().Done():
		}
	}))
	t.Cleanup(func() {
		close(gate)
		r.Close()
	})
	return r, arrived
}

// refusingURL is a URL at whose port nobody listens, and nobody else can while the test runs: a socket that is bound but does not
// listen holds it.
func refusingURL(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		t.Fatalf("the socket's address is %T", name)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", at.Port)
}
