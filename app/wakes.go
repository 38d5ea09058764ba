package app

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"signalbox"
)

// wakes carries news to whoever waits for them: in this process at once, to the other nodes of a shared database within tellEvery. What is lost costs
// a poll, never a delivery.
type wakes struct {
	due     func(time.Time) // the due runner of this node
	now     func() time.Time
	sender  newsReader
	live    liveReader
	tell    func(context.Context, ...signalbox.News) error // nil: there are no other nodes
	metrics *metrics
	log     *slog.Logger

	kick chan struct{} // full while something is to be told

	watched atomic.Int64 // until when somebody watches at other nodes, as of the latest news, in Unix microseconds: all that the hot paths look at

	mu      sync.Mutex
	views   map[signalbox.WorkspaceID]time.Time   // until when each workspace is watched there
	readers map[signalbox.WebhookID]chan struct{} // closed when something arrives
	telling map[signalbox.News]bool
	nudged  bool // the due runner was woken by another node, or is about to be
	again   bool // and is to be once more, as soon as it may
}

// liveReader is the live view as news concern it.
type liveReader interface {
	Committed()
	Changed(ws signalbox.WorkspaceID, id signalbox.DeliveryID)
	Settled(list []signalbox.Settlement, settled []bool)
}

// newsReader is the sending side as news concern it.
type newsReader interface {
	LaneTold(ws signalbox.WorkspaceID, id signalbox.WebhookID)
	Changed(id signalbox.WebhookID)
	AllChanged()
}

const (
	// tellEvery is the shortest time between two messages of a node, and between two wakes of its due runner by other nodes: each costs a statement.
	tellEvery = 50 * time.Millisecond
	// soon is what the other nodes are told of: what is due later they find by themselves.
	soon = time.Second
	// tellMost bounds what one message says; beyond it nodes that missed something find it by their polls.
	tellMost = 256
)

func newWakes(m *metrics, now func() time.Time, log *slog.Logger) *wakes {
	return &wakes{
		metrics: m, now: now, log: log, kick: make(chan struct{}, 1),
		readers: map[signalbox.WebhookID]chan struct{}{}, telling: map[signalbox.News]bool{}, views: map[signalbox.WorkspaceID]time.Time{},
	}
}

// Due tells of a due row.
func (w *wakes) Due(at time.Time) {
	w.due(at)
	if w.tell != nil && at.Sub(w.now()) < soon {
		w.later(signalbox.News{Kind: signalbox.NewsDue})
	}
}

// Committed counts a turn, and tells who watches.
func (w *wakes) Committed(signals int, took time.Duration) {
	w.metrics.turn(signals, took)
	w.live.Committed()
	if w.othersWatch() {
		w.later(signalbox.News{Kind: signalbox.NewsStored})
	}
}

// Settled tells who watches what became of deliveries.
func (w *wakes) Settled(list []signalbox.Settlement, settled []bool) {
	w.live.Settled(list, settled)
	if !w.othersWatch() {
		return
	}
	for i := range list {
		if settled[i] && w.isWatched(list[i].Workspace) {
			w.later(signalbox.News{Kind: signalbox.NewsSettled, Workspace: list[i].Workspace, Delivery: list[i].Delivery})
		}
	}
}

// watchedFor is how long a node tells what it does after it heard that somebody watches: three times as long as they say so again.
const watchedFor = 15 * time.Second

func (w *wakes) othersWatch() bool {
	until := w.watched.Load()
	return until != 0 && w.now().UnixMicro() < until
}

func (w *wakes) isWatched(ws signalbox.WorkspaceID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now().Before(w.views[ws])
}

// heardOfView notes that somebody watches a workspace at another node.
func (w *wakes) heardOfView(ws signalbox.WorkspaceID) {
	now := w.now()
	until := now.Add(watchedFor)
	w.watched.Store(until.UnixMicro())
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.views, func(_ signalbox.WorkspaceID, end time.Time) bool { return end.Before(now) })
	w.views[ws] = until
}

// Watched tells the other nodes that somebody watches a workspace here.
func (w *wakes) Watched(ws signalbox.WorkspaceID) {
	w.later(signalbox.News{Kind: signalbox.NewsWatched, Workspace: ws})
}

// Arrived tells the readers of a pull webhook's feed.
func (w *wakes) Arrived(id signalbox.WebhookID) {
	w.wakeReader(id)
	w.later(signalbox.News{Kind: signalbox.NewsArrived, Webhook: id})
}

// Others tells of a lane that this node has no part in.
func (w *wakes) Others(ws signalbox.WorkspaceID, id signalbox.WebhookID) {
	w.later(signalbox.News{Kind: signalbox.NewsLane, Workspace: ws, Webhook: id})
}

// later has the other nodes told soon.
func (w *wakes) later(n signalbox.News) {
	if w.tell == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.telling) < tellMost {
		w.telling[n] = true
	}
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// Run tells the other nodes what there is to tell until ctx ends, and the last of it then.
func (w *wakes) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			w.flush(context.WithoutCancel(ctx))
			return nil
		case <-w.kick:
		}
		w.flush(ctx)
		select {
		case <-time.After(tellEvery):
		case <-ctx.Done():
		}
	}
}

func (w *wakes) flush(ctx context.Context) {
	w.mu.Lock()
	list := make([]signalbox.News, 0, len(w.telling))
	for n := range w.telling {
		list = append(list, n)
	}
	clear(w.telling)
	w.mu.Unlock()
	if len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	if err := w.tell(ctx, list...); err != nil {
		w.log.Debug("node.tell", "err", err)
	}
}

// heard takes the news of another node.
func (w *wakes) heard(n signalbox.News) {
	switch n.Kind {
	case signalbox.NewsDue:
		w.nudge()
	case signalbox.NewsLane:
		w.sender.LaneTold(n.Workspace, n.Webhook)
	case signalbox.NewsWebhook:
		w.sender.Changed(n.Webhook)
	case signalbox.NewsArrived:
		w.wakeReader(n.Webhook)
	case signalbox.NewsWatched:
		w.heardOfView(n.Workspace)
	case signalbox.NewsStored:
		w.live.Committed()
	case signalbox.NewsSettled:
		w.live.Changed(n.Workspace, n.Delivery)
	case signalbox.NewsMissed:
		w.live.Committed()
		w.sender.AllChanged()
		w.nudge()
		w.wakeAll()
	}
}

// nudge wakes the due runner soon: however many nodes tell, it looks no more often than every tellEvery for their sake.
func (w *wakes) nudge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.again = w.nudged; w.again {
		return
	}
	w.nudged = true
	w.due(w.now())
	time.AfterFunc(tellEvery, func() {
		w.mu.Lock()
		again := w.again
		w.nudged, w.again = false, false
		w.mu.Unlock()
		if again {
			w.nudge()
		}
	})
}

func (w *wakes) wakeReader(id signalbox.WebhookID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch, ok := w.readers[id]; ok {
		close(ch)
		delete(w.readers, id)
	}
}

func (w *wakes) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, ch := range w.readers {
		close(ch)
		delete(w.readers, id)
	}
}

// feedPoll bounds how long a reader waits that registered just after its news.
const feedPoll = time.Second

// Wait returns when something may have arrived, or when ctx ends.
func (w *wakes) Wait(ctx context.Context, id signalbox.WebhookID) {
	w.mu.Lock()
	ch, ok := w.readers[id]
	if !ok {
		ch = make(chan struct{})
		w.readers[id] = ch
	}
	w.mu.Unlock()
	timer := time.NewTimer(feedPoll)
	defer timer.Stop()
	select {
	case <-ch:
	case <-timer.C:
	case <-ctx.Done():
	}
}
