package watch

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"signalbox"
)

// The bounds and the clock of a Hub.
const (
	Ring         = 512
	PerPause     = 200
	PerWorkspace = 64
	MaxViews     = 512
	Pause        = 50 * time.Millisecond
	Beat         = time.Second
	tellEvery    = 5 * time.Second
)

// Store is what a Hub reads.
type Store interface {
	// LastID is an id below which nothing of the workspace will be committed any more.
	LastID(ctx context.Context, ws signalbox.WorkspaceID) (int64, error)
	NewerSignals(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) (list []signalbox.SignalView, upTo int64, full bool, err error)
	// PassSignals counts at most limit signals behind an id without reading them.
	PassSignals(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) (n int, upTo int64, full bool, err error)
	NewerDeliveries(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) (list []signalbox.Delivery, upTo int64, full bool, err error)
	PassDeliveries(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) (n int, upTo int64, full bool, err error)
	DeliveriesByID(ctx context.Context, ws signalbox.WorkspaceID, ids []signalbox.DeliveryID) ([]signalbox.Delivery, error)
	NewerLogs(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) ([]signalbox.LogRow, error)
	Pulse(ctx context.Context, ws signalbox.WorkspaceID, now time.Time) (signalbox.Pulse, error)
}

// Config is what a Hub works with.
type Config struct {
	Store Store
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger
	// Watched tells other nodes that somebody watches a workspace here; nil: there are none.
	Watched func(ws signalbox.WorkspaceID)
}

// Hub shows workspaces live. Safe for concurrent use; Run must be running for views to get anything.
type Hub struct {
	cfg   Config
	views atomic.Int64  // how many there are: zero is all that the hot paths ever look at
	kick  chan struct{} // full while there may be something new

	logged atomic.Bool // rows of the log were stored here

	mu    sync.Mutex
	rooms map[signalbox.WorkspaceID]*room
	ended bool
}

// New makes a hub; Run makes it work.
func New(cfg Config) *Hub {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Watched == nil {
		cfg.Watched = func(signalbox.WorkspaceID) {}
	}
	return &Hub{cfg: cfg, kick: make(chan struct{}, 1), rooms: map[signalbox.WorkspaceID]*room{}}
}

// Committed says that something may have been committed.
func (h *Hub) Committed() {
	if h.views.Load() > 0 {
		h.wake()
	}
}

// Logged says that rows of the log were stored.
func (h *Hub) Logged() {
	if h.views.Load() > 0 {
		h.logged.Store(true)
		h.wake()
	}
}

// Settled says what became of deliveries; only those that were settled count.
func (h *Hub) Settled(list []signalbox.Settlement, settled []bool) {
	if h.views.Load() == 0 {
		return
	}
	for i := range list {
		if settled[i] {
			h.note(list[i].Workspace, list[i].Delivery)
		}
	}
	h.wake()
}

// Changed says that a delivery has changed.
func (h *Hub) Changed(ws signalbox.WorkspaceID, id signalbox.DeliveryID) {
	if h.views.Load() > 0 {
		h.note(ws, id)
		h.wake()
	}
}

func (h *Hub) note(ws signalbox.WorkspaceID, id signalbox.DeliveryID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.rooms[ws]; r != nil {
		r.note(id)
	}
}

func (h *Hub) wake() {
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

// Run shows what happens until ctx ends; the views end then.
func (h *Hub) Run(ctx context.Context) error {
	beat := time.NewTicker(Beat)
	defer beat.Stop()
	defer h.endAll()
	var told time.Time
	for {
		beats := beat.C
		if h.views.Load() == 0 {
			beats = nil // an idle server asks nothing
		}
		due := false
		select {
		case <-ctx.Done():
			return nil
		case <-h.kick:
		case <-beats:
			due = true
		}
		tell := due && time.Since(told) >= tellEvery
		if tell {
			told = time.Now()
		}
		logged := h.logged.Swap(false)
		for _, r := range h.watched() {
			if tell {
				h.cfg.Watched(r.ws)
			}
			if err := r.look(ctx, due, logged || due); err != nil && ctx.Err() == nil {
				h.cfg.Log.Warn("watch.look", "err", err) // at the next beat it is tried again
			}
		}
		select {
		case <-time.After(Pause):
		case <-ctx.Done():
		}
	}
}

// watched are the rooms that somebody is in.
func (h *Hub) watched() []*room {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*room, 0, len(h.rooms))
	for _, r := range h.rooms {
		list = append(list, r)
	}
	return list
}

// endAll ends every view, and those that begin from now on.
func (h *Hub) endAll() {
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	for _, r := range h.watched() {
		r.each(func(v *View) { v.end() })
	}
}

// Watch begins a view of a workspace. after, unless it is 0, is the last thing that the client has seen: what came since is shown first, as far as a
// view holds it. Whoever watches closes the view. RateLimited when there are too many.
func (h *Hub) Watch(ctx context.Context, ws signalbox.WorkspaceID, topics signalbox.LiveTopics, after int64) (*View, error) {
	last, err := h.cfg.Store.LastID(ctx, ws)
	if err != nil {
		return nil, err
	}
	v := &View{hub: h, topics: topics, late: signalbox.FirstIDAt(h.cfg.Now().Add(-Beat)), ready: make(chan struct{}, 1), gone: make(chan struct{})}
	if err := h.enter(ws, v, last); err != nil {
		return nil, err
	}
	if after > 0 {
		if err := v.catchUp(ctx, after); err != nil {
			v.Close()
			return nil, err
		}
	}
	h.cfg.Watched(ws)
	h.wake()
	return v, nil
}

// enter lets a view into its workspace's room.
func (h *Hub) enter(ws signalbox.WorkspaceID, v *View, last int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[ws]
	if r == nil {
		r = newRoom(h, ws, last)
	}
	if h.views.Load() >= MaxViews || r.size() >= PerWorkspace {
		return &signalbox.Error{
			Code: signalbox.RateLimited, Msg: "too many live views are open: close one, or read the lists", RetryAfter: 10 * time.Second,
		}
	}
	h.rooms[ws] = r
	v.room, v.from = r, r.enter(v)
	h.views.Add(1)
	if h.ended {
		v.end()
	}
	return nil
}

// leave takes a view out; the last one closes the room.
func (h *Hub) leave(v *View) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v.room.leave(v) {
		delete(h.rooms, v.room.ws)
	}
	h.views.Add(-1)
}
