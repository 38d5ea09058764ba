package deliver_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
)

// wall is a clock that somebody sets: the bubble's, and how far it is off.
type wall struct{ off atomic.Int64 }

func (w *wall) now() time.Time        { return time.Now().Add(time.Duration(w.off.Load())) }
func (w *wall) jump(by time.Duration) { w.off.Add(int64(by)) }
func (w *wall) unix(h http.Header) int64 { // what a request says of the time, less what it is
	n, err := strconv.ParseInt(h.Get("Webhook-Timestamp"), 10, 64)
	if err != nil {
		return 1 << 40
	}
	return n - w.now().Unix()
}

// proves reliability R12: the clock is set on and back while deliveries wait, are queued and are in flight. None is lost or made twice, no retry comes before
// its moment, by the clock or by what has truly passed; what is new goes out at once, and every signature has the time that the clock shows then.
func TestClock_JumpsLoseNothingAndSendNothingEarly(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{-24 * time.Hour, -time.Hour, -time.Second, time.Second, time.Hour, 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { jump(t, by) })
		})
	}
}

// sendings are when each event was sent: in truth, and by the clock that is set.
type sendings struct {
	mu           sync.Mutex
	times, clock map[string][]time.Time
}

func jump(t *testing.T, by time.Duration) {
	w := &wall{}
	var jumped atomic.Bool
	var g gauge
	seen := sendings{times: map[string][]time.Time{}, clock: map[string][]time.Time{}}
	r := newHouse(t)
	r.model.now, r.model.poll = w.now, 5*time.Second // as the room due asks
	r.start(func(ctx context.Context, req egress.Request) egress.Result {
		g.enter()
		defer g.leave()
		if off := w.unix(req.Header); off < -1 || off > 1 {
			t.Errorf("a request is signed with a time %d s off the clock", off)
		}
		id := req.Header.Get("Webhook-Id")
		seen.mu.Lock()
		times, clock := append(seen.times[id], time.Now()), append(seen.clock[id], w.now())
		seen.times[id], seen.clock[id] = times, clock
		seen.mu.Unlock()
		if n := len(times) - 1; n > 0 && times[n].Sub(times[n-1]) < time.Minute && clock[n].Sub(clock[n-1]) < time.Minute {
			t.Errorf("retried after %s, by the clock after %s; want a minute at least", times[n].Sub(times[n-1]), clock[n].Sub(clock[n-1]))
		}
		time.Sleep(200 * time.Millisecond)
		if !jumped.Load() || strings.HasPrefix(req.URL.Host, "w1.") && len(times) == 1 {
			return answer(503)
		}
		return answer(200)
	}, func(c *deliver.Config) { c.Limits = deliver.Limits{Lane: 32, Claim: 16} })
	a, b := r.webhook(1, nil), r.webhook(2, nil)
	var all []signalbox.DeliveryID
	for range 100 { // some wait for a retry, some in memory, some in the table, some are in flight
		for _, wh := range []*signalbox.Webhook{a, b} {
			id, _ := r.submit(wh)
			all = append(all, id)
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.jump(by)
	jumped.Store(true)

	// What is new goes at once, as long as its lane is not held up by what is in front of it.
	c := r.webhook(3, nil)
	id, _ := r.submit(c)
	time.Sleep(time.Second)
	r.check(id, signalbox.Delivered, "", 1)

	time.Sleep(max(0, -by) + 24*time.Hour)
	synctest.Wait()
	for _, id := range all {
		if row := r.model.row(id); row.State != signalbox.Delivered || row.done != 1 {
			t.Errorf("a delivery is %v %q after %d attempts, ended %d times", row.State, row.Reason, row.Attempts, row.done)
		}
	}
	if most := 3 * signalbox.DefaultMaxInFlight; g.most() > most {
		t.Errorf("%d requests at the same time, want at most %d", g.most(), most)
	}
	r.nothingHeld()
}
