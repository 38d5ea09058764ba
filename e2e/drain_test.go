package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"signalbox/client"
)

// ledger is what the senders were told: the ids of acknowledged signals.
type ledger struct {
	mu    sync.Mutex
	acked []string
	odd   []error // answers that are neither 201 nor a server that stops
}

func (l *ledger) note(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked = append(l.acked, id)
}

// count is how many signals were acknowledged.
func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// load sends signals from several senders, each until the server is gone for it.
func (s *server) load(senders int, l *ledger) (wait func()) {
	var all sync.WaitGroup
	for n := range senders {
		all.Go(func() {
			for i := 0; ; i++ {
				in := trial()
				in.Contact.Email = fmt.Sprintf("p%d.%d@acmecorp.com", n, i)
				receipt, err := s.SendSignal(s.t.Context(), in)
				if err != nil {
					l.refuse(err)
					return
				}
				l.note(receipt.ID)
			}
		})
	}
	return all.Wait
}

// refuse notes the end of a sender: no answer, or 503, is how a server stops.
func (l *ledger) refuse(err error) {
	refused, ok := err.(*client.Error)
	if client.NoAnswer(err) || ok && refused.Status == http.StatusServiceUnavailable {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.odd = append(l.odd, err)
}

// quick is how many requests arrivals answers before it stalls.
const quick = 100

// arrivals is a receiver that remembers the webhook-ids of each signal. It answers the first requests at once, and then none until
// its gate opens, so that a stopping server has deliveries under way and more that wait.
type arrivals struct {
	gate chan struct{}

	mu     sync.Mutex
	events map[string]map[string]int // signal id → webhook-id → times
}

func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Data struct{ Signal struct{ ID string } }
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if a.note(body.Data.Signal.ID, r.Header.Get("Webhook-Id")) <= quick {
		return
	}
	select {
	case <-a.gate:
	case <-r.Context().Done():
	}
}

// note remembers a request and returns of how many signals something has arrived.
func (a *arrivals) note(signal, webhookID string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.events[signal] == nil {
		a.events[signal] = map[string]int{}
	}
	a.events[signal][webhookID]++
	return len(a.events)
}

// count is of how many signals something arrived.
func (a *arrivals) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.events)
}

// Contract sections 3 and 15: 201 means durable, SIGTERM drains.
func TestDrain_SIGTERMLosesNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seen := &arrivals{gate: make(chan struct{}), events: map[string]map[string]int{}}
	r := httptest.NewServer(seen)
	t.Cleanup(r.Close)

	first := serveIn(t, dir, "--dev", "--drain-grace", "500ms")
	hook := first.hook(client.WebhookInput{URL: r.URL})
	var told ledger
	wait := first.load(8, &told)
	eventually(t, "deliveries are under way and more wait", func() bool { return seen.count() > quick && told.count() > quick+100 })
	asked := time.Now()
	if err := first.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	first.awaitExit()
	wait()
	t.Logf("stopped in %s with %d signals acknowledged, %d of them sent", time.Since(asked).Round(time.Millisecond), told.count(), seen.count())
	close(seen.gate)
	for _, err := range told.odd {
		t.Errorf("a stopping server answered %v", err)
	}

	second := serveIn(t, dir, "--dev") // with the key that the first start made
	stored := map[string]bool{}
	for signal, err := range second.Signals(t.Context(), client.SignalQuery{PageSize: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		stored[signal.ID] = true
	}
	for _, id := range told.acked {
		if !stored[id] {
			t.Errorf("%s was acknowledged and is not stored", id)
		}
	}
	second.settled(hook.ID, len(stored), "delivered")
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for id := range stored {
		if len(seen.events[id]) != 1 {
			t.Errorf("signal %s arrived under the webhook-ids %v, want exactly one", id, seen.events[id])
		}
	}
}

// Contract section 12: an attempt that our own stop cuts short is not counted, and is made again at once.
func TestDrain_AnAttemptThatTheStopCutsIsMadeAgainAndNotCounted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	silent, reached := silentReceiver(t)
	first := serveIn(t, dir, "--dev", "--drain-grace", "300ms")
	hook := first.hook(client.WebhookInput{URL: silent.URL})
	first.send(trial())
	<-reached
	first.stop()

	second := serveIn(t, dir, "--dev", "--hold-deliveries")
	waiting := second.deliveries(hook.ID)
	if len(waiting) != 1 || waiting[0].Status != "pending" || waiting[0].AttemptCount != 0 {
		t.Fatalf("after the stop the log is %+v, want one pending delivery without an attempt that counts", waiting)
	}
	c := catch(t, nil)
	url := c.URL
	if _, err := second.UpdateWebhook(t.Context(), hook.ID, client.WebhookPatch{URL: &url}); err != nil {
		t.Fatal(err)
	}
	second.stop()

	third := serveIn(t, dir, "--dev")
	if got := c.next(); got.header.Get("Webhook-Id") != waiting[0].EventID {
		t.Errorf("the delivery arrived as %s, want %s", got.header.Get("Webhook-Id"), waiting[0].EventID)
	}
	if done := third.settled(hook.ID, 1, "delivered")[0]; done.AttemptCount != 1 {
		t.Errorf("the delivery counts %d attempts, want 1", done.AttemptCount)
	}
}
