package deliver_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
	"signalbox/seal"
)

// moody is a receiver that answers as it is told, and notes when it is asked.
type moody struct {
	starts
	gauge
	status atomic.Int64
	header http.Header
	takes  time.Duration
}

func (m *moody) do(context.Context, egress.Request) egress.Result {
	m.add()
	m.enter()
	defer m.leave()
	time.Sleep(m.takes)
	header := m.header
	if header == nil {
		header = http.Header{}
	}
	return egress.Result{Status: int(m.status.Load()), Header: header}
}

// asked is how often the receiver has been asked.
func (s *starts) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}

// trouble runs a test on a webhook whose first attempts are all that is made: retries come after hours.
func trouble(t *testing.T, m *moody, n int, test func(t *testing.T, r *rig, wh *signalbox.Webhook)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m.status.Store(500)
		r := newRig(t, m.do, nil)
		defer r.end()
		wh := r.webhook(1, func(w *signalbox.Webhook) { w.RetrySchedule = []time.Duration{100 * time.Hour} })
		for range n {
			r.submit(wh)
		}
		test(t, r, wh)
	})
}

// A dead webhook is asked a few times, and then by one probe at a time, at most one in a second, however much waits.
func TestTrouble_ADeadWebhookCostsAProbeNowAndThen(t *testing.T) {
	m := &moody{takes: time.Millisecond}
	trouble(t, m, 2000, func(t *testing.T, r *rig, _ *signalbox.Webhook) {
		time.Sleep(30 * time.Second)
		begun := m.asked()
		if begun > 45 {
			t.Errorf("asked %d times in the first half minute", begun)
		}
		time.Sleep(100 * time.Second)
		if more := m.asked() - begun; more < 95 || more > 101 {
			t.Errorf("asked %d times in 100 s, want one probe in a second", more)
		}
		if held := r.sender.Load(); held.Queued > 256 || held.InFlight > 1 {
			t.Errorf("it holds %+v", held)
		}
	})
}

func TestTrouble_AReceiverThatIsWellAgainGetsAllAtOnceAfterAFewProbes(t *testing.T) {
	m := &moody{takes: 10 * time.Millisecond}
	trouble(t, m, 250, func(t *testing.T, r *rig, wh *signalbox.Webhook) {
		time.Sleep(time.Minute)
		m.status.Store(200)
		before := m.asked()
		m.gauge.mu.Lock()
		m.peak = 0
		m.gauge.mu.Unlock()
		time.Sleep(6 * time.Second)
		if n := m.asked() - before; n < 150 {
			t.Errorf("%d were sent in 6 s since it is well", n)
		}
		if peak := m.gauge.most(); peak != 8 {
			t.Errorf("at most %d at the same time, want 8 again", peak)
		}
	})
}

// A receiver that refuses what it is sent is there: what it may want comes as fast as ever.
func TestTrouble_AnswersOf4xxAreNone(t *testing.T) {
	m := &moody{takes: time.Millisecond}
	trouble(t, m, 0, func(t *testing.T, r *rig, wh *signalbox.Webhook) {
		m.status.Store(422)
		for range 200 {
			r.submit(wh)
		}
		time.Sleep(time.Second)
		if n := m.asked(); n != 200 {
			t.Errorf("asked %d times in a second, want all 200", n)
		}
	})
}

// Whoever waits for the answer to a test is not made to wait.
func TestTrouble_ATestCallGoesAtOnceAndFindsOut(t *testing.T) {
	m := &moody{takes: time.Millisecond}
	trouble(t, m, 200, func(t *testing.T, r *rig, wh *signalbox.Webhook) {
		time.Sleep(time.Minute + time.Millisecond)
		m.status.Store(200)
		before, begun := m.asked(), time.Now()
		if _, _, err := r.sender.Test(t.Context(), wh, r.saveTest(wh)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 100*time.Millisecond {
			t.Errorf("the test took %s", took)
		}
		time.Sleep(2 * time.Second)
		if n := m.asked() - before; n < 60 {
			t.Errorf("after a test that worked %d were sent in 2 s", n)
		}
	})
}

// An answer that says "too much" is believed before anything is dead.
func TestTrouble_ABusyReceiverGetsFewerAtTheSameTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		after  string
		most   int // at the same time, after a round of such answers
		rests  time.Duration
	}{
		"429":                        {429, "", 1, 0},
		"502":                        {502, "", 1, 0},
		"504":                        {504, "", 1, 0},
		"503 with Retry-After":       {503, "20", 1, 20 * time.Second},
		"429 with a day":             {429, "86400", 1, time.Minute},
		"503 with a date gone by":    {503, "Wed, 21 Oct 1998 07:28:00 GMT", 1, 0},
		"a 200 with Retry-After":     {200, "20", 8, 0},
		"a 500 says nothing of load": {500, "20", 8, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &moody{takes: 100 * time.Millisecond, header: http.Header{}}
				if c.after != "" {
					m.header.Set("Retry-After", c.after)
				}
				m.status.Store(int64(c.status))
				r := newRig(t, m.do, nil)
				defer r.end()
				wh := r.webhook(1, func(w *signalbox.Webhook) { w.RetrySchedule, w.MaxInFlight = []time.Duration{100 * time.Hour}, 4 })
				for range 4 {
					r.submit(wh)
				}
				time.Sleep(time.Second)
				if n := m.asked(); n != 4 {
					t.Fatalf("asked %d times", n)
				}
				m.gauge.mu.Lock()
				m.peak = 0
				m.gauge.mu.Unlock()
				m.status.Store(200)
				if c.rests > 0 {
					r.submit(wh)
					time.Sleep(c.rests - 2*time.Second)
					if n := m.asked(); n != 4 {
						t.Fatalf("asked %d times although it wants to be left alone", n)
					}
					time.Sleep(3 * time.Second)
					if n := m.asked(); n != 5 {
						t.Fatalf("asked %d times after the rest", n)
					}
					return
				}
				for range 4 {
					r.submit(wh)
				}
				time.Sleep(50 * time.Millisecond)
				want := min(c.most, 4)
				if peak := m.gauge.most(); peak != want {
					t.Errorf("then %d at the same time, want %d", peak, want)
				}
			})
		})
	}
}

// Workspaces take turns at the node's sockets: many webhooks of one leave another its own.
func TestTurns_AWorkspaceWithManyWebhooksLeavesAnotherItsShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		sent := map[string]int{}
		r := newRig(t, func(_ context.Context, req egress.Request) egress.Result {
			time.Sleep(10 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			sent[req.URL.Host]++
			return answer(200)
		}, func(cfg *deliver.Config) { cfg.Limits.Sockets = 4 })
		defer r.end()
		hooks := make([]*signalbox.Webhook, 20)
		for i := range hooks {
			hooks[i] = r.webhook(signalbox.WebhookID(i+1), nil)
		}
		const other = workspace + 1
		small := r.webhook(99, func(w *signalbox.Webhook) {
			w.Workspace = other
			w.SealedSecret = r.box.Seal(seal.Bind{Workspace: int64(other), Row: 99, Kind: deliver.SecretKind}, []byte(secret))
		})
		for range 50 {
			for _, wh := range hooks {
				r.submit(wh)
			}
			ready := r.ready(small)
			ready.Workspace = other
			var ok bool
			if ready.Lease, ok = r.sender.Reserve(small, 1, len(ready.Body)); !ok {
				t.Fatal("no room")
			}
			r.model.insert(ready)
			r.sender.Send(small, []signalbox.Ready{ready})
		}
		time.Sleep(200 * time.Millisecond) // 80 requests
		mu.Lock()
		defer mu.Unlock()
		if n := sent["w99.example"]; n < 25 {
			t.Errorf("the small workspace got %d of %d requests, want near to half", n, 80)
		}
	})
}
