package outside

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"signalbox/client"
)

// What reliability S5 allows one delivery to a hostile receiver, beside the send clock of contract section 12.
const (
	sendTimeout = 10 * time.Second
	lateBy      = 250 * time.Millisecond
	costs       = 256 << 10
)

// healthy is a good receiver that knows when each signal came.
type healthy struct {
	*httptest.Server
	came chan struct{}
}

func newHealthy(t *testing.T) *healthy {
	h := &healthy{came: make(chan struct{}, 1024)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case h.came <- struct{}{}:
		default: // nobody waits
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// round sends signals one after the other, each when the one before has arrived, and returns how long each took, sorted.
func (h *healthy) round(t *testing.T, s *server, n int) (took []time.Duration) {
	t.Helper()
	for range n {
		begin := time.Now()
		s.signal()
		select {
		case <-h.came:
			took = append(took, time.Since(begin))
		case <-time.After(patience):
			t.Fatal("a delivery to the healthy receiver did not arrive")
		}
	}
	slices.Sort(took)
	return took
}

// watch follows the server's resident memory and this machine's own lateness until the returned function is called.
func watch(t *testing.T, pid int) (stop func() (peak int64, late time.Duration)) {
	t.Helper()
	const every = 5 * time.Millisecond
	ended := make(chan struct{})
	var running sync.WaitGroup
	var peak int64
	var late time.Duration
	running.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for last := time.Now(); ; last = time.Now() {
			select {
			case <-ended:
				return
			case <-ticker.C:
			}
			late = max(late, time.Since(last)-every)
			peak = max(peak, resident(pid))
		}
	})
	return func() (int64, time.Duration) {
		close(ended)
		running.Wait()
		return peak, late
	}
}

// resident is the resident memory of a process in bytes.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// sockets is how many sockets a process has open.
func sockets(t *testing.T, pid int) (n int) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if to, err := os.Readlink(dir + "/" + e.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// proves reliability S5, R19 (no body cap): hostile receivers cost the real sender bounded memory and time, and nobody else anything.
func TestHostile_ReceiversCostBoundedMemoryAndTimeAndNobodyElse(t *testing.T) {
	s := serve(t, t.TempDir(), "--dev")
	good := newHealthy(t)
	hook := s.mustHook(good.URL)
	const signals, webhooksEach = 100, 4
	list, made := hostiles(), map[string]*hostile{}
	// The control: as many webhooks beside it, whose receiver is good.
	var others []string
	other := newHealthy(t)
	for range len(list) * webhooksEach {
		others = append(others, s.mustHook(other.URL).ID)
	}
	good.round(t, s, signals) // everything is warm
	stop := watch(t, s.pid)
	alone := good.round(t, s, signals)
	before, _ := stop()
	for _, id := range others {
		if err := s.DeleteWebhook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	open := sockets(t, s.pid)

	for _, h := range list {
		h.start(t)
		for range webhooksEach {
			made[s.mustHook(h.url()).ID] = h
		}
	}
	stop = watch(t, s.pid)
	beside := good.round(t, s, signals)
	ended := s.settle(t, made)
	peak, late := stop()

	inFlight := list[0].most.Load()
	each := (peak - before) / inFlight
	t.Logf("%d hostile connections at once; resident memory %d MiB before, %d MiB at most: %d KiB each", inFlight, before>>20, peak>>20, each>>10)
	t.Logf("signal to healthy receiver: p50 %s and p99 %s beside good ones, %s and %s beside hostile ones", alone[signals/2], alone[signals*99/100], beside[signals/2], beside[signals*99/100])
	t.Logf("the longest attempt took %s; this machine was %s late", ended, late)
	if inFlight < 100 {
		t.Errorf("only %d hostile connections at once: the test did little", inFlight)
	}
	if each > costs {
		t.Errorf("each hostile connection cost %d KiB, want at most %d", each>>10, costs>>10)
	}
	if most := sendTimeout + lateBy + 10*late; ended > most {
		t.Errorf("an attempt took %s, want at most %s", ended, most)
	}
	// A black hole holds a request for ten seconds; what is left for a slow machine is generous beside that.
	if p50, most := beside[signals/2], max(10*alone[signals/2], alone[signals/2]+500*time.Millisecond); p50 > most {
		t.Errorf("half of the healthy deliveries took %s or more beside hostile ones, want at most %s", p50, most)
	}
	for d, err := range s.Deliveries(t.Context(), hook.ID, client.DeliveryQuery{PageSize: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		if d.Status != "delivered" || d.AttemptCount != 1 {
			t.Errorf("a healthy delivery is %s after %d attempts", d.Status, d.AttemptCount)
		}
	}
	s.quiet(t, made, open)
}

// settle waits until each hostile webhook has had a full lane of attempts, and returns how long the longest took. Each must have ended as its receiver
// deserves.
func (s *server) settle(t *testing.T, made map[string]*hostile) (longest time.Duration) {
	t.Helper()
	for id, h := range made {
		var attempted []string
		if !s.eventually(func(ctx context.Context) bool {
			attempted = nil
			for d, err := range s.Deliveries(ctx, id, client.DeliveryQuery{PageSize: 200}) {
				if err == nil && d.AttemptCount > 0 {
					attempted = append(attempted, d.ID)
				}
			}
			return len(attempted) >= 8
		}) {
			t.Errorf("%s: only %d deliveries were attempted", h.name, len(attempted))
		}
		for _, delivery := range attempted[:min(len(attempted), 8)] {
			d, err := s.Delivery(t.Context(), delivery)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range d.Attempts {
				longest = max(longest, time.Duration(a.DurationMS*float64(time.Millisecond)))
				if len(a.ResponseBody) > 16<<10*6 { // escaped
					t.Errorf("%s: %d bytes of the body are kept", h.name, len(a.ResponseBody))
				}
			}
			if !slices.Contains(h.ends, d.Reason) {
				t.Errorf("%s: a delivery is %s %q, want one of %q", h.name, d.Status, d.Reason, h.ends)
			}
		}
	}
	return longest
}

// quiet disables the hostile webhooks and waits until their connections are gone.
func (s *server) quiet(t *testing.T, made map[string]*hostile, open int) {
	t.Helper()
	for id := range made {
		if _, err := s.DisableWebhook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if !s.eventually(func(context.Context) bool { return sockets(t, s.pid) <= open+4 }) {
		t.Errorf("%d sockets are open, %d were before", sockets(t, s.pid), open)
	}
}
