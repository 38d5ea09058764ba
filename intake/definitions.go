package intake

import (
	"context"
	"strconv"

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
	// Everybody who comes before they are compiled waits for one compiling. It may be of a version before theirs: a turn tells.
	first, err, _ := i.first.Do(strconv.FormatInt(int64(ws), 10), func() (any, error) {
		return i.compile(context.WithoutCancel(ctx), ws)
	})
	if err != nil {
		return nil, err
	}
	return first.(*decide.Compiled), nil
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

// preparer prepares inputs of one workspace. It refuses nothing under definitions that are no longer in force: a turn tells of those only what reaches it.
type preparer struct {
	intake *Intake
	by     *decide.Compiled
	fresh  bool  // by was in force when this began
	failed error // of reading what is in force: nothing is known of the input that it stands for
}

func (i *Intake) preparer(ctx context.Context, ws signalbox.WorkspaceID) (*preparer, error) {
	c, err := i.definitions(ctx, ws)
	if err != nil {
		return nil, err
	}
	return &preparer{intake: i, by: c}, nil
}

func (p *preparer) prepare(ctx context.Context, in decide.Input) (decide.Prepared, error) {
	ready, refused := p.by.Prepare(in)
	if refused == nil || p.fresh {
		return ready, refused
	}
	now, err := p.intake.inForce(ctx, p.by)
	if err != nil {
		p.failed = err
		return decide.Prepared{}, err
	}
	p.fresh = true
	if now == p.by {
		return ready, refused
	}
	p.by = now
	return now.Prepare(in)
}

// inForce returns what is in force now: c itself, unless it was changed.
func (i *Intake) inForce(ctx context.Context, c *decide.Compiled) (*decide.Compiled, error) {
	ws := c.Definitions.Workspace.ID
	version, err := i.cfg.Store.DefinitionsVersion(ctx, ws)
	if err != nil {
		return nil, err
	}
	if version <= c.Definitions.Version {
		return c, nil
	}
	return i.compile(ctx, ws)
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
