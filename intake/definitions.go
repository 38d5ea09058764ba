package intake

import (
	"context"

	"signalbox"
	"signalbox/decide"
)

// definitions returns a workspace's definitions as last compiled here; a turn tells when they are no longer in force.
func (i *Intake) definitions(ctx context.Context, ws signalbox.WorkspaceID) (*decide.Compiled, error) {
	i.mu.RLock()
	c := i.compiled[ws]
	i.mu.RUnlock()
	if c != nil {
		return c, nil
	}
	return i.compile(ctx, ws)
}

// compile reads and compiles the definitions that are in force now.
func (i *Intake) compile(ctx context.Context, ws signalbox.WorkspaceID) (*decide.Compiled, error) {
	d, err := i.cfg.Store.Definitions(ctx, ws)
	if err != nil {
		return nil, err
	}
	c, err := decide.Compile(d)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if known := i.compiled[ws]; known != nil && known.Definitions.Version >= d.Version {
		return known, nil // somebody else was faster
	}
	i.compiled[ws] = c
	return c, nil
}

// again prepares inputs under the definitions now in force and lets them wait before everybody else.
func (i *Intake) again(stale []*waiting) {
	ctx := context.Background()
	fresh := map[signalbox.WorkspaceID]*decide.Compiled{}
	back := make([]*waiting, 0, len(stale))
	for _, w := range stale {
		c := fresh[w.Workspace]
		if c == nil {
			var err error
			if c, err = i.compile(ctx, w.Workspace); err != nil {
				i.refuse([]*waiting{w}, err)
				continue
			}
			fresh[w.Workspace] = c
		}
		p, err := c.Prepare(w.Input)
		if err != nil {
			i.refuse([]*waiting{w}, err)
			continue
		}
		w.Prepared = p
		back = append(back, w)
	}
	i.queue.putBack(back, false)
}

// learn tells the compiled definitions which types the turn has made.
func (i *Intake) learn(turn []*waiting, d *signalbox.Decision) {
	if d == nil || len(d.Types) == 0 {
		return
	}
	told := map[*decide.Compiled]bool{}
	for _, w := range turn {
		if !told[w.By] {
			told[w.By] = true
			w.By.Learn(d.Types)
		}
	}
}
