package watch

import (
	"context"
	"errors"
	"sync"

	"signalbox"
)

// ErrEnded is what Next answers when the hub has stopped.
var ErrEnded = errors.New("the live view has ended")

// View is what one client watches.
type View struct {
	hub    *Hub
	room   *room
	topics signalbox.LiveTopics
	from   int64 // signals up to here do not come by themselves
	late   int64 // nor do rows of the log up to here

	ready chan struct{} // full while Next has something
	gone  chan struct{} // closed when the hub has stopped

	mu      sync.Mutex
	ring    []signalbox.LiveEvent // oldest first, from begin on
	begin   int
	dropped int
	stats   *signalbox.LiveStats
	once    sync.Once
	closed  sync.Once
}

// Next waits until something happened and answers it, oldest first, with the latest stats if there are new ones. ErrEnded when nothing comes any
// more, or ctx's error.
func (v *View) Next(ctx context.Context) ([]signalbox.LiveEvent, *signalbox.LiveStats, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-v.gone:
			return nil, nil, ErrEnded
		case <-v.ready:
		}
		if events, stats := v.take(); len(events) > 0 || stats != nil {
			return events, stats, nil
		}
	}
}

func (v *View) take() (events []signalbox.LiveEvent, stats *signalbox.LiveStats) {
	v.mu.Lock()
	defer v.mu.Unlock()
	events = append(append(events, v.ring[v.begin:]...), v.ring[:v.begin]...)
	v.ring, v.begin = nil, 0
	if stats, v.stats = v.stats, nil; stats != nil {
		stats.Dropped = v.dropped
	}
	return events, stats
}

// Close ends the view.
func (v *View) Close() { v.closed.Do(func() { v.hub.leave(v) }) }

// end tells Next that nothing comes any more.
func (v *View) end() { v.once.Do(func() { close(v.gone) }) }

// put adds an event of a topic that the view shows. It never blocks: a view that is full loses its oldest.
func (v *View) put(topic signalbox.LiveTopics, e signalbox.LiveEvent) {
	if v.topics&topic == 0 {
		return
	}
	v.mu.Lock()
	if len(v.ring) < Ring {
		v.ring = append(v.ring, e)
	} else {
		v.ring[v.begin] = e
		v.begin = (v.begin + 1) % Ring
		v.dropped++
	}
	v.mu.Unlock()
	v.nudge()
}

// lose counts events that nobody reads.
func (v *View) lose(topics signalbox.LiveTopics, n int) {
	if v.topics&topics == 0 || n == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dropped += n
}

// tell has the view told of its workspace's pulse.
func (v *View) tell(p signalbox.Pulse) {
	v.mu.Lock()
	v.stats = &signalbox.LiveStats{Pulse: p}
	v.mu.Unlock()
	v.nudge()
}

func (v *View) nudge() {
	select {
	case v.ready <- struct{}{}:
	default:
	}
}

// catchUp shows what came between what the client has seen and what comes by itself.
func (v *View) catchUp(ctx context.Context, after int64) error {
	store, ws := v.hub.cfg.Store, v.room.ws
	if v.topics&signalbox.LiveLogs != 0 {
		list, err := store.NewerLogs(ctx, ws, after, PerPause)
		if err != nil {
			return err
		}
		for i := range list {
			v.put(signalbox.LiveLogs, signalbox.LiveEvent{Log: &list[i]})
		}
	}
	if v.topics&(signalbox.LiveSignals|signalbox.LiveLogs) == 0 || after >= v.from {
		return nil
	}
	list, lost, _, err := follow(ctx, ws, after, store.NewerSignals, store.PassSignals)
	for i := 0; i < len(list) && int64(list[i].ID) <= v.from; i++ {
		v.signal(&list[i])
	}
	v.lose(signalbox.LiveSignals|signalbox.LiveLogs, lost)
	return err
}

// signal shows a signal, which is a row of the log as well.
func (v *View) signal(s *signalbox.SignalView) {
	v.put(signalbox.LiveSignals, signalbox.LiveEvent{Signal: s})
	if v.topics&signalbox.LiveLogs != 0 {
		row := signalbox.LogOf(s)
		v.put(signalbox.LiveLogs, signalbox.LiveEvent{Log: &row})
	}
}
