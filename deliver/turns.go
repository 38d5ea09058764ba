package deliver

import "signalbox"

// turns are lanes that wait for a socket: workspaces take turns, and within each its lanes do, so that one with many webhooks leaves the others theirs.
// The zero value is empty.
type turns struct {
	order fifo[*waiters]
	by    map[signalbox.WorkspaceID]*waiters
	n     int
}

// waiters are the waiting lanes of one workspace.
type waiters struct {
	workspace signalbox.WorkspaceID
	lanes     fifo[*lane]
}

func (t *turns) len() int { return t.n }

func (t *turns) push(l *lane) {
	if t.by == nil {
		t.by = map[signalbox.WorkspaceID]*waiters{}
	}
	w := t.by[l.workspace]
	if w == nil {
		w = &waiters{workspace: l.workspace}
		t.by[l.workspace] = w
		t.order.push(w)
	}
	w.lanes.push(l)
	t.n++
}

// front is the lane whose turn it is, which must exist.
func (t *turns) front() *lane { return *(*t.order.front()).lanes.front() }

// pop takes the lane whose turn it is, which must exist.
func (t *turns) pop() *lane {
	w := t.order.pop()
	l := w.lanes.pop()
	if w.lanes.len() > 0 {
		t.order.push(w)
	} else {
		delete(t.by, w.workspace)
	}
	t.n--
	return l
}
