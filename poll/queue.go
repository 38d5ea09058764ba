package poll

import (
	"context"
	"sync"

	"signalbox"
)

// maxQueued is how many streams wait in memory at most. What finds no room comes again when its due row fires again.
const maxQueued = 4096

// job is a stream to be worked on.
type job struct {
	workspace signalbox.WorkspaceID
	stream    signalbox.StreamID
}

// queue holds the streams that wait, each once, and hands them out fairly: the next one is of the workspace with the fewest at work, among those of the
// one that was served longest ago.
type queue struct {
	mu      sync.Mutex
	more    *sync.Cond
	lanes   map[signalbox.WorkspaceID]*lane
	streams map[signalbox.StreamID]place
	waiting int
	turn    int64 // grows with each stream that is handed out, and each lane that is made
}

// lane is what a workspace has waiting and at work; it is forgotten when it has neither.
type lane struct {
	waiting []signalbox.StreamID
	working int
	served  int64 // the turn in which it was served last, or made
}

type place int

const (
	queued  place = iota + 1
	working       // handed out
	wanted        // handed out, and offered meanwhile: it is queued again when it comes back
)

func newQueue() *queue {
	q := &queue{lanes: map[signalbox.WorkspaceID]*lane{}, streams: map[signalbox.StreamID]place{}}
	q.more = sync.NewCond(&q.mu)
	return q
}

// offer queues a stream, if it is not there already and there is room.
func (q *queue) offer(j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch q.streams[j.stream] {
	case working:
		q.streams[j.stream] = wanted
	case 0:
		if q.waiting < maxQueued {
			q.add(j)
		}
	}
}

func (q *queue) add(j job) {
	l := q.lanes[j.workspace]
	if l == nil {
		q.turn++
		l = &lane{served: q.turn}
		q.lanes[j.workspace] = l
	}
	l.waiting = append(l.waiting, j.stream)
	q.streams[j.stream] = queued
	q.waiting++
	q.more.Signal()
}

// take waits for a stream and hands it out; false when ctx has ended.
func (q *queue) take(ctx context.Context) (job, bool) {
	defer context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.more.Broadcast()
	})()
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return job{}, false
		}
		if j, ok := q.next(); ok {
			return j, true
		}
		q.more.Wait()
	}
}

func (q *queue) next() (job, bool) {
	var best *lane
	var of signalbox.WorkspaceID
	for ws, l := range q.lanes {
		if len(l.waiting) > 0 && (best == nil || l.working < best.working || l.working == best.working && l.served < best.served) {
			best, of = l, ws
		}
	}
	if best == nil {
		return job{}, false
	}
	j := job{of, best.waiting[0]}
	best.waiting = best.waiting[1:]
	best.working++
	q.turn++
	best.served = q.turn
	q.waiting--
	q.streams[j.stream] = working
	return j, true
}

// done takes a stream back, and queues it once more if it is to go on or was offered meanwhile.
func (q *queue) done(j job, again bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[j.workspace]
	l.working--
	again = again || q.streams[j.stream] == wanted
	delete(q.streams, j.stream)
	if again {
		q.add(j)
	}
	if len(l.waiting) == 0 && l.working == 0 {
		delete(q.lanes, j.workspace)
	}
}

// crowded says whether a stream waits.
func (q *queue) crowded() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting > 0
}
