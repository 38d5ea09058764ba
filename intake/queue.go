package intake

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"signalbox"
	"signalbox/decide"
)

// The bounds of a turn and of what waits for one (design, Turns).
const (
	MaxTurn      = 1024
	maxTurnBytes = 8 << 20
	maxTurnRows  = 20_000

	maxWaiting         = 16_384
	maxWaitingBytes    = 64 << 20
	maxWorkspace       = maxWaiting / 4
	maxWorkspaceBytes  = maxWaitingBytes / 4
	retryAfterOverload = time.Second
	inputOverhead      = 512 // bytes of an input beside its properties
	batchShareOfATurn  = MaxTurn / 2
)

// waiting is one input and whoever waits for its outcome.
type waiting struct {
	decide.Prepared
	outcome decide.Outcome
	bytes   int
	batch   bool
	ticket  *ticket
}

// ticket is closed when the last of its inputs has its outcome.
type ticket struct {
	left atomic.Int32
	done chan struct{}
}

// queue holds what waits, by workspace, in the order of arrival.
type queue struct {
	wake chan struct{} // holds one token while something waits

	mu       sync.Mutex
	lines    map[signalbox.WorkspaceID]*line
	ring     []*line // lines with somebody in them, round-robin
	next     int
	inputs   int
	singles  int // of the inputs, those of the single door
	bytes    int
	inFlight map[signalbox.AnswerKey]int     // idempotency keys that wait or are being decided
	deciding map[signalbox.WorkspaceID]*turn // who has a workspace: what else waits of it waits for that turn to end
	alone    bool                            // a turn holds one workspace
	closed   bool
}

// turn is what one transaction decides. The workspaces in it are its own until it has ended.
type turn struct {
	inputs []*waiting
	alone  bool // it takes no further workspace
}

// line is what waits of one workspace.
type line struct {
	workspace signalbox.WorkspaceID
	single    []*waiting
	batch     []*waiting
	bytes     int
	passed    bool // a turn could not have its head: the next one waits for it, and takes no other workspace along
}

func newQueue(alone bool) *queue {
	return &queue{
		wake:     make(chan struct{}, 1),
		lines:    map[signalbox.WorkspaceID]*line{},
		inFlight: map[signalbox.AnswerKey]int{},
		deciding: map[signalbox.WorkspaceID]*turn{},
		alone:    alone,
	}
}

func (l *line) len() int { return len(l.single) + len(l.batch) }

// put lets inputs of one workspace wait, all or none. twin says that an earlier input with the same idempotency key is still
// without an answer.
func (q *queue) put(list []*waiting) (twin bool, err error) {
	bytes := 0
	for _, w := range list {
		bytes += w.bytes
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false, &signalbox.Error{Code: signalbox.Unavailable, RetryAfter: retryAfterOverload, Msg: "the server is stopping; send again to where it comes back"}
	}
	if err := q.fits(q.lines[list[0].Workspace], len(list), bytes); err != nil {
		return false, err
	}
	l := q.enter(list[0].Workspace)
	for _, w := range list {
		if key, ok := w.AnswerKey(); ok {
			twin = twin || q.inFlight[key] > 0
			q.inFlight[key]++
		}
		if w.batch {
			l.batch = append(l.batch, w)
		} else {
			l.single = append(l.single, w)
			q.singles++
		}
	}
	l.bytes += bytes
	q.inputs += len(list)
	q.bytes += bytes
	q.signal()
	return twin, nil
}

// enter returns a workspace's line, with its place in the ring, for somebody who is about to wait in it. The caller holds mu.
func (q *queue) enter(ws signalbox.WorkspaceID) *line {
	l := q.lines[ws]
	if l == nil {
		l = &line{workspace: ws}
		q.lines[ws] = l
	}
	if l.len() == 0 {
		q.ring = append(q.ring, l)
	}
	return l
}

// room says whether so many inputs of a workspace would be let in now.
func (q *queue) room(ws signalbox.WorkspaceID, inputs, bytes int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.fits(q.lines[ws], inputs, bytes)
}

// fits holds inputs against the bounds of what waits; l is their line, nil when nobody waits in it. The caller holds mu.
func (q *queue) fits(l *line, inputs, bytes int) error {
	full := q.inputs+inputs > maxWaiting || q.bytes+bytes > maxWaitingBytes
	if l != nil {
		full = full || l.len()+inputs > maxWorkspace || l.bytes+bytes > maxWorkspaceBytes
	}
	if !full && inputs <= maxWorkspace && bytes <= maxWorkspaceBytes {
		return nil
	}
	return &signalbox.Error{Code: signalbox.Overloaded, RetryAfter: retryAfterOverload, Msg: "too many signals wait to be stored; send again after Retry-After seconds"}
}

// putBack lets inputs that were taken wait again, before everybody else of their workspace. passed: their turn could not have its head.
func (q *queue) putBack(list []*waiting, passed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := len(list) - 1; i >= 0; i-- {
		w := list[i]
		l := q.enter(w.Workspace)
		l.passed = l.passed || passed
		if w.batch {
			l.batch = append([]*waiting{w}, l.batch...)
		} else {
			l.single = append([]*waiting{w}, l.single...)
			q.singles++
		}
		l.bytes += w.bytes
		q.inputs++
		q.bytes += w.bytes
	}
	if len(list) > 0 {
		q.signal()
	}
}

// signal leaves a token for wait; the caller holds mu.
func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// wait returns the next turn with what waits for it, or nil when ctx has ended.
func (q *queue) wait(ctx context.Context) *turn {
	for {
		if t := q.begin(); t != nil {
			return t
		}
		select {
		case <-ctx.Done():
			return nil
		case <-q.wake:
		}
	}
}

// begin makes a turn of what waits of workspaces that no other turn has; nil when there is none. What is left wakes whoever waits next.
func (q *queue) begin() *turn {
	t := &turn{alone: q.alone}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fill(t)
	if len(t.inputs) == 0 {
		return nil
	}
	if q.inputs > 0 {
		q.signal()
	}
	return t
}

// more lets a turn that has not begun to decide take what has come meanwhile.
func (q *queue) more(t *turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fill(t)
}

// end gives the turn's workspaces back.
func (q *queue) end(t *turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for ws, owner := range q.deciding {
		if owner == t {
			delete(q.deciding, ws)
		}
	}
	if q.inputs > 0 {
		q.signal()
	}
}

// may says whether the next input of a line may join a turn. The caller holds mu.
func (q *queue) may(t *turn, l *line) bool {
	owner := q.deciding[l.workspace]
	switch {
	case owner == t:
		return true
	case owner != nil:
		return false
	}
	return len(t.inputs) == 0 || !t.alone && !l.passed
}

// fill appends what waits to a turn until one of its bounds is reached: one input of each workspace in turn, singles first. The caller holds mu.
func (q *queue) fill(t *turn) {
	bytes, rows, batch := 0, 0, 0
	for _, w := range t.inputs {
		bytes, rows = bytes+w.bytes, rows+w.Rows()
		if w.batch {
			batch++
		}
	}
	for idle := 0; len(q.ring) > 0 && idle < len(q.ring) && len(t.inputs) < MaxTurn; {
		q.next %= len(q.ring)
		l := q.ring[q.next]
		w := l.peek(batch < batchShareOfATurn || q.singles == 0)
		if w == nil || !q.may(t, l) {
			idle++
			q.next++
			continue
		}
		if len(t.inputs) > 0 && (bytes+w.bytes > maxTurnBytes || rows+w.Rows() > maxTurnRows) {
			break
		}
		idle = 0
		t.alone, l.passed = t.alone || l.passed, false
		q.deciding[l.workspace] = t
		q.pop(l, w)
		t.inputs = append(t.inputs, w)
		bytes, rows = bytes+w.bytes, rows+w.Rows()
		if w.batch {
			batch++
		}
	}
}

// peek returns whom the line would send next; nil when only batch inputs wait and none may go.
func (l *line) peek(batchMay bool) *waiting {
	if len(l.single) > 0 {
		return l.single[0]
	}
	if batchMay && len(l.batch) > 0 {
		return l.batch[0]
	}
	return nil
}

// pop takes the input that peek returned; the caller holds mu.
func (q *queue) pop(l *line, w *waiting) {
	if w.batch {
		l.batch = l.batch[1:]
	} else {
		l.single = l.single[1:]
		q.singles--
	}
	l.bytes -= w.bytes
	q.inputs--
	q.bytes -= w.bytes
	if l.len() == 0 {
		q.ring = append(q.ring[:q.next], q.ring[q.next+1:]...)
		delete(q.lines, l.workspace)
		return
	}
	q.next++
}

// answered forgets the idempotency keys of inputs that have their outcome, and lets whoever waits for them go on.
func (q *queue) answered(list []*waiting) {
	q.mu.Lock()
	for _, w := range list {
		if key, ok := w.AnswerKey(); ok {
			if q.inFlight[key]--; q.inFlight[key] == 0 {
				delete(q.inFlight, key)
			}
		}
	}
	q.mu.Unlock()
	for _, w := range list {
		if w.ticket.left.Add(-1) == 0 {
			close(w.ticket.done)
		}
	}
}

// leave takes everybody out who waits. What a turn has is not: its outcome may not be known yet.
func (q *queue) leave() (list []*waiting) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.ring {
		list = append(append(list, l.single...), l.batch...)
	}
	clear(q.lines)
	clear(q.ring)
	q.ring, q.next = q.ring[:0], 0
	q.inputs, q.singles, q.bytes = 0, 0, 0
	return list
}

// close refuses everybody from now on; what waits is still taken.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}

// waitingNow returns how many inputs and bytes wait.
func (q *queue) waitingNow() (inputs, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.inputs, q.bytes
}
