package watch

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"signalbox"
)

const (
	maxPasses  = 100 // parts that are passed over at once, when more has come than anybody reads
	maxChanged = 400 // deliveries that are named between two looks
	maxShown   = 4096
	lookBack   = 15 * time.Second // rows of the log are stored after their ids were made, later still when the database had no room
)

// room is a workspace that somebody watches. The hub's goroutine alone looks; others enter, leave and name deliveries.
type room struct {
	hub *Hub
	ws  signalbox.WorkspaceID

	mu       sync.Mutex
	views    map[*View]bool
	topics   signalbox.LiveTopics // of all views
	signals  int64                // what has come up to here was shown
	changed  map[signalbox.DeliveryID]bool
	overflow int

	deliveries int64
	shown      map[signalbox.DeliveryID]face // deliveries as they were shown last
	logs       map[int64]bool                // rows that were shown and may be read again
}

// face is all of a delivery that can change.
type face struct {
	state    signalbox.DeliveryState
	attempts int
	due      int64
}

func newRoom(h *Hub, ws signalbox.WorkspaceID, last int64) *room {
	return &room{
		hub: h, ws: ws, signals: last, deliveries: last, views: map[*View]bool{}, changed: map[signalbox.DeliveryID]bool{},
		shown: map[signalbox.DeliveryID]face{}, logs: map[int64]bool{},
	}
}

// enter lets a view in and answers from where on signals come by themselves.
func (r *room) enter(v *View) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.views[v] = true
	r.topics |= v.topics
	return r.signals
}

// leave takes a view out and says whether the room is empty.
func (r *room) leave(v *View) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.views, v)
	r.topics = 0
	for other := range r.views {
		r.topics |= other.topics
	}
	return len(r.views) == 0
}

// note has a delivery looked at.
func (r *room) note(id signalbox.DeliveryID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.changed) < maxChanged {
		r.changed[id] = true
	} else if !r.changed[id] {
		r.overflow++
	}
}

// each calls f for every view.
func (r *room) each(f func(*View)) {
	r.mu.Lock()
	list := slices.Collect(maps.Keys(r.views))
	r.mu.Unlock()
	for _, v := range list {
		f(v)
	}
}

// size is how many views there are.
func (r *room) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.views)
}

// wants says whether any view shows one of the topics.
func (r *room) wants(topics signalbox.LiveTopics) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.topics&topics != 0
}

// look shows what is new; beat: also the pulse, and log: also rows of the log.
func (r *room) look(ctx context.Context, beat, log bool) error {
	if err := r.lookForSignals(ctx); err != nil {
		return err
	}
	if err := r.lookForDeliveries(ctx); err != nil {
		return err
	}
	if log && r.wants(signalbox.LiveLogs) {
		if err := r.lookForLogs(ctx); err != nil {
			return err
		}
	}
	if !beat {
		return nil
	}
	p, err := r.hub.cfg.Store.Pulse(ctx, r.ws, r.hub.cfg.Now())
	if err == nil {
		r.each(func(v *View) { v.tell(p) })
	}
	return err
}

// lookForSignals reads signals also when nobody shows them: the place up to which they were shown must go on.
func (r *room) lookForSignals(ctx context.Context) error {
	store := r.hub.cfg.Store
	list, lost, upTo, err := follow(ctx, r.ws, r.signals, store.NewerSignals, store.PassSignals)
	if err != nil {
		return err
	}
	// Who enters from now on gets what comes later; who was in before gets these.
	r.mu.Lock()
	r.signals = upTo
	views := slices.Collect(maps.Keys(r.views))
	r.mu.Unlock()
	for _, v := range views {
		for i := range list {
			if int64(list[i].ID) > v.from {
				v.signal(&list[i])
			}
		}
		v.lose(signalbox.LiveSignals|signalbox.LiveLogs, lost)
	}
	return nil
}

// follow reads what came behind an id, oldest first. When it is more than anybody can read, it reads the beginning and the end and counts what is
// between: the latest is what people look at.
func follow[T any](
	ctx context.Context, ws signalbox.WorkspaceID, after int64,
	newer func(context.Context, signalbox.WorkspaceID, int64, int) ([]T, int64, bool, error),
	pass func(context.Context, signalbox.WorkspaceID, int64, int) (int, int64, bool, error),
) (list []T, lost int, upTo int64, err error) {
	list, upTo, full, err := newer(ctx, ws, after, PerPause)
	held, behind := 0, upTo // the latest part that was passed over: it is read after all when it is near the end
	for passes := 0; err == nil && full && passes < maxPasses; passes++ {
		n, to, more, err := pass(ctx, ws, upTo, PerPause)
		if err != nil {
			return nil, 0, after, err
		}
		if more {
			lost += held
			held, behind, upTo = n, upTo, to
			continue
		}
		last, to, _, err := newer(ctx, ws, behind, 2*PerPause)
		return append(list, last...), lost, to, err
	}
	return list, lost + held, upTo, err
}

func (r *room) lookForDeliveries(ctx context.Context) error {
	store := r.hub.cfg.Store
	list, lost, upTo, err := follow(ctx, r.ws, r.deliveries, store.NewerDeliveries, store.PassDeliveries)
	if err != nil {
		return err
	}
	r.deliveries = upTo
	ids, overflow := r.takeChanged()
	if len(ids) > 0 && r.wants(signalbox.LiveDeliveries) {
		changed, err := store.DeliveriesByID(ctx, r.ws, ids)
		if err != nil {
			return err
		}
		list = append(list, changed...)
	}
	for i := range list {
		if d := &list[i]; r.isNew(d) {
			r.each(func(v *View) { v.put(signalbox.LiveDeliveries, signalbox.LiveEvent{Delivery: d}) })
		}
	}
	r.each(func(v *View) { v.lose(signalbox.LiveDeliveries, lost+overflow) })
	return nil
}

// isNew says whether a delivery stands otherwise than it was shown last.
func (r *room) isNew(d *signalbox.Delivery) bool {
	now := face{d.State, d.Attempts, d.DueAt.UnixMicro()}
	if r.shown[d.ID] == now {
		return false
	}
	if len(r.shown) >= maxShown {
		clear(r.shown)
	}
	r.shown[d.ID] = now
	return true
}

// takeChanged answers the deliveries that were named, in the order of their ids, and how many more there were.
func (r *room) takeChanged() (ids []signalbox.DeliveryID, overflow int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.changed {
		ids = append(ids, id)
	}
	overflow, r.overflow = r.overflow, 0
	clear(r.changed)
	slices.Sort(ids)
	return ids, overflow
}

// lookForLogs reads the latest rows once more each time: they are few, and one may be stored behind one with a higher id.
func (r *room) lookForLogs(ctx context.Context) error {
	from := signalbox.FirstIDAt(r.hub.cfg.Now().Add(-lookBack))
	list, err := r.hub.cfg.Store.NewerLogs(ctx, r.ws, from, signalbox.SliceRows)
	if err != nil {
		return err
	}
	seen := r.logs
	r.logs = make(map[int64]bool, len(list))
	for i := range list {
		row := &list[i]
		if r.logs[row.ID] = true; !seen[row.ID] {
			r.each(func(v *View) {
				if row.ID > v.late {
					v.put(signalbox.LiveLogs, signalbox.LiveEvent{Log: row})
				}
			})
		}
	}
	return nil
}
