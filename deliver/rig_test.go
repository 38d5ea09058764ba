package deliver_test

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
	"signalbox/seal"
)

const workspace signalbox.WorkspaceID = 5

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// full is for the counts of the reliability documents, which are too many for every change.
var full = flag.Bool("full", false, "the true counts of webhooks")

// size is a count as it is tested at every change, or the true one.
func size(usual, whole int) int {
	if *full {
		return whole
	}
	return usual
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is the receivers: a function instead of sockets.
type network func(ctx context.Context, req egress.Request) egress.Result

func (n network) Do(ctx context.Context, req egress.Request) egress.Result { return n(ctx, req) }

func answer(status int) egress.Result { return egress.Result{Status: status, Header: http.Header{}} }

// blackHole is a receiver that never answers: egress gives up after its ten seconds.
func blackHole(ctx context.Context) egress.Result {
	select {
	case <-ctx.Done():
		return egress.Result{Err: &egress.Failure{Kind: egress.Cancelled, Msg: "the request was cancelled by the sender"}}
	case <-time.After(egress.DefaultSendTimeout):
		return egress.Result{Err: &egress.Failure{Kind: egress.Timeout, Msg: "no complete answer came in time"}}
	}
}

// rig is a Sender with everything around it in memory.
type rig struct {
	t      testing.TB
	model  *model
	sender *deliver.Sender
	codec  *signalbox.Codec
	ids    *signalbox.IDs
	box    *seal.Box
	stop   context.CancelFunc
	done   chan error
	once   sync.Once
}

// newRig makes a running Sender that sends to receivers; change may edit its configuration first.
func newRig(t testing.TB, receivers network, change func(*deliver.Config)) *rig {
	r := newHouse(t)
	r.start(receivers, change)
	return r
}

func newHouse(t testing.TB) *rig {
	key, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.NewBox(key)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, model: newModel(), codec: signalbox.NewCodec([16]byte{1}), ids: signalbox.NewIDs(0), box: box}
}

// start runs a Sender on the rig's table, and the due rows beside it, inside a bubble: both stand when it returns.
func (r *rig) start(receivers network, change func(*deliver.Config)) {
	r.run(receivers, change)
	synctest.Wait()
}

// startOutside does so without a bubble.
func (r *rig) startOutside(receivers network, change func(*deliver.Config)) {
	r.run(receivers, change)
	probe := r.webhook(1, nil)
	for {
		if _, ok := r.sender.Reserve(probe, 1, 0); ok {
			r.sender.Unreserve(probe, 1, 0)
			return
		}
		runtime.Gosched()
	}
}

func (r *rig) run(receivers network, change func(*deliver.Config)) {
	cfg := deliver.Config{
		Store: r.model, Egress: receivers, Node: r.model, Box: r.box, Codec: r.codec, IDs: r.ids,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), UserAgent: "Signalbox/test", Jitter: func() float64 { return 0 },
		Limits: deliver.Limits{Lane: 256, Claim: 128}, Now: r.model.now,
	}
	if change != nil {
		change(&cfg)
	}
	r.sender = deliver.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	r.stop, r.done, r.once = cancel, make(chan error, 1), sync.Once{}
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		r.model.runDue(ctx, r.sender)
	}()
	go func() {
		err := r.sender.Run(ctx)
		<-ran
		r.done <- err
	}()
	r.t.Cleanup(func() { r.end() })
}

// end stops the Sender and returns what Run returned, the first time.
func (r *rig) end() (err error) {
	r.once.Do(func() {
		r.stop()
		err = <-r.done
	})
	return err
}

func (r *rig) webhook(id signalbox.WebhookID, change func(*signalbox.Webhook)) *signalbox.Webhook {
	wh := signalbox.Webhook{
		ID: id, Workspace: workspace, Kind: signalbox.KindPush, URL: fmt.Sprintf("https://w%d.example/hook", id),
		Format: signalbox.FormatStairoids, Enabled: true, Revision: 1, MaxInFlight: signalbox.DefaultMaxInFlight,
		SealedSecret: r.box.Seal(seal.Bind{Workspace: int64(workspace), Row: int64(id), Kind: deliver.SecretKind}, []byte(secret)),
	}
	if change != nil {
		change(&wh)
	}
	return r.model.put(wh)
}

// ready makes a delivery of a new event that is due now.
func (r *rig) ready(wh *signalbox.Webhook) signalbox.Ready {
	now := r.model.now().UTC()
	event := signalbox.EventID(r.ids.Next(now))
	return signalbox.Ready{
		Delivery: signalbox.Delivery{
			ID: signalbox.DeliveryID(r.ids.Next(now)), Workspace: workspace, Webhook: wh.ID, Event: event, EventName: "signal.created",
			State: signalbox.Pending, DueAt: now, CreatedAt: now,
		},
		Body: fmt.Appendf(nil, `{"event":"signal.created","id":%q}`, r.codec.Format(signalbox.KindEvent, int64(event))),
	}
}

// submit saves a new delivery as intake does: reserved and handed over, or free. It says which.
func (r *rig) submit(wh *signalbox.Webhook) (d signalbox.DeliveryID, fromMemory bool) {
	ready := r.ready(wh)
	ready.Lease, fromMemory = r.sender.Reserve(wh, 1, len(ready.Body))
	r.model.insert(ready)
	if fromMemory {
		r.sender.Send(wh, []signalbox.Ready{ready})
	}
	return ready.Delivery.ID, fromMemory
}

// check fails unless the row is in this state.
func (r *rig) check(id signalbox.DeliveryID, state signalbox.DeliveryState, reason string, attempts int) {
	r.t.Helper()
	got := r.model.row(id)
	if got.State != state || got.Reason != reason || got.Attempts != attempts {
		r.t.Errorf("delivery is %v %q after %d attempts, want %v %q after %d", got.State, got.Reason, got.Attempts, state, reason, attempts)
	}
	if got.lease != (signalbox.Lease{}) && !r.model.free(&got) {
		r.t.Errorf("delivery is still leased")
	}
}

// nothingHeld fails if the Sender holds anything.
func (r *rig) nothingHeld() {
	r.t.Helper()
	got := r.sender.Load()
	if got.Lanes = 0; got != (deliver.Load{}) {
		r.t.Errorf("the sender holds %+v, want nothing", got)
	}
}

// gauge counts what goes on at the same time.
type gauge struct {
	mu        sync.Mutex
	now, peak int
}

func (g *gauge) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now++
	g.peak = max(g.peak, g.now)
}

func (g *gauge) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now--
}

func (g *gauge) most() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.peak
}

// tally counts by name.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func newTally() *tally { return &tally{n: map[string]int{}} }

func (c *tally) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[name]++
}

func (c *tally) of(name string) int { return c.all()[name] }

func (c *tally) all() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.n)
}
