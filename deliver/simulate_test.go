package deliver_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
)

// world is a seeded run: what the receivers saw, and what must hold at every moment.
type world struct {
	*rig
	t *testing.T

	mu       sync.Mutex
	random   *rand.Rand
	seen     map[string]int
	inFlight map[string]int
	calm     bool // receivers and store only succeed now
}

// chance says yes once in n, never when calm.
func (w *world) chance(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.calm && w.random.IntN(n) == 0
}

func (w *world) below(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n)
}

// receive is a receiver with moods.
func (w *world) receive(ctx context.Context, req egress.Request) egress.Result {
	w.mu.Lock()
	w.seen[req.Header.Get("Webhook-Id")]++
	w.inFlight[req.URL.Host]++
	if n := w.inFlight[req.URL.Host]; n > 4 {
		w.t.Errorf("%d requests in flight to one receiver, want at most 4", n)
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.inFlight[req.URL.Host]--
	}()
	time.Sleep(time.Duration(w.below(50)) * time.Millisecond)
	switch {
	case w.chance(40):
		return blackHole(ctx)
	case w.chance(10):
		return answer(503)
	}
	return answer(200)
}

// act does one random thing to the table or the Sender.
func (w *world) act(webhooks []*signalbox.Webhook) {
	i := w.below(len(webhooks))
	wh := webhooks[i]
	switch {
	case w.chance(150):
		changed := *wh
		changed.Revision++
		webhooks[i] = w.model.put(changed)
		w.sender.Changed(wh.ID)
	case w.chance(400):
		w.model.join(time.Now())
		if w.chance(2) {
			w.sender.LeaseLost()
		}
	case w.chance(30): // a turn that is not saved
		if _, ok := w.sender.Reserve(wh, 3, 600); ok {
			w.sender.Unreserve(wh, 3, 600)
		}
	case w.chance(20): // a turn that takes its time to commit
		ready := w.ready(wh)
		var ok bool
		ready.Lease, ok = w.sender.Reserve(wh, 1, len(ready.Body))
		time.Sleep(time.Duration(w.below(300)) * time.Millisecond)
		w.model.insert(ready)
		if ok {
			w.sender.Send(wh, []signalbox.Ready{ready})
		}
	default:
		for range 1 + w.below(12) {
			w.submit(wh)
		}
	}
	if l := w.sender.Load(); l.Queued+l.InFlight+l.Reserved+l.Releasing > 200+16 {
		w.t.Errorf("the sender holds %+v, beyond its limits", l)
	}
}

// No interleaving of intake, claims, changes, lost leases, refusing stores and moody receivers loses a delivery: in the end each
// is delivered, nothing is leased, and nothing is held.
func TestSimulate_NothingIsEverLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
		})
	}
}

func simulate(t *testing.T, seed uint64) {
	w := &world{t: t, random: rand.New(rand.NewPCG(seed, 1)), seen: map[string]int{}, inFlight: map[string]int{}}
	w.rig = newHouse(t)
	limits := deliver.Limits{Lane: 24, Items: 200, LaneUnsettled: 8, Unsettled: 20, Sockets: 12, Claim: 10, Settle: 7, Claimers: 2, Lanes: 4}
	w.start(w.receive, func(c *deliver.Config) { c.Limits = limits })
	busy := signalbox.Errorf(signalbox.Unavailable, "busy")
	w.model.onSettle(func([]signalbox.Settlement) error {
		time.Sleep(time.Duration(w.below(20)) * time.Millisecond)
		if w.chance(15) {
			return busy
		}
		return nil
	})
	w.model.onClaim(func() error {
		time.Sleep(time.Duration(w.below(20)) * time.Millisecond)
		if w.chance(15) {
			return busy
		}
		return nil
	})
	webhooks := make([]*signalbox.Webhook, 8)
	for i := range webhooks {
		webhooks[i] = w.webhook(signalbox.WebhookID(i+1), func(wh *signalbox.Webhook) { wh.MaxInFlight = 4 })
	}
	for range 600 {
		w.act(webhooks)
		time.Sleep(time.Duration(w.below(40)) * time.Millisecond)
	}
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	time.Sleep(24 * time.Hour) // every schedule has ended
	synctest.Wait()
	w.reconcile()
}

// reconcile compares what was saved with what was received.
func (w *world) reconcile() {
	w.model.mu.Lock()
	defer w.model.mu.Unlock()
	for _, row := range w.model.rows {
		event := w.codec.Format(signalbox.KindEvent, int64(row.Event))
		if row.State != signalbox.Delivered || row.done != 1 {
			w.t.Errorf("%s is %v %q, ended %d times; want delivered once", event, row.State, row.Reason, row.done)
		}
		if w.seen[event] == 0 {
			w.t.Errorf("%s is delivered and was never received", event)
		}
		if row.lease != (signalbox.Lease{}) {
			w.t.Errorf("%s is still leased", event)
		}
	}
	if len(w.seen) != len(w.model.rows) {
		w.t.Errorf("%d events received, %d saved", len(w.seen), len(w.model.rows))
	}
	if len(w.model.rows) < 1000 {
		w.t.Errorf("only %d deliveries: the simulation did little", len(w.model.rows))
	}
	w.nothingHeld()
}
