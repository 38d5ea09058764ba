package intake_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"signalbox"
	"signalbox/intake"
)

// shared is a database that other nodes decide in too: it notes what turns run at once, and another node may have a workspace's head.
type shared struct {
	intake.Store
	mu    sync.Mutex
	now   map[signalbox.WorkspaceID]int // turns that have it
	turns [][]signalbox.WorkspaceID
	busy  map[signalbox.WorkspaceID]bool
	twice bool // two turns had one workspace at once
	most  int  // turns at once
	count int
	gate  chan struct{} // closed: turns may go on
}

func (s *shared) Decide(ctx context.Context, prepare func() signalbox.Need, decide func(*signalbox.Situation) (*signalbox.Decision, error)) error {
	var need signalbox.Need
	begun := func() signalbox.Need {
		need = prepare()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.turns = append(s.turns, need.Workspaces)
		s.count++
		s.most = max(s.most, s.count)
		for _, ws := range need.Workspaces {
			s.now[ws]++
			s.twice = s.twice || s.now[ws] > 1
		}
		return need
	}
	// The embedded database has one writer: the wait is before it.
	n := begun()
	if s.gate != nil {
		<-s.gate
	}
	err := s.Store.Decide(ctx, func() signalbox.Need { return n }, func(sit *signalbox.Situation) (*signalbox.Decision, error) {
		sit.Busy = map[signalbox.WorkspaceID]bool{}
		for _, ws := range need.Workspaces {
			s.mu.Lock()
			if len(need.Workspaces) > 1 && s.busy[ws] {
				sit.Busy[ws] = true
				delete(sit.Heads, ws)
			}
			s.mu.Unlock()
		}
		return decide(sit)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count--
	for _, ws := range need.Workspaces {
		s.now[ws]--
	}
	return err
}

// crowd is an intake of several workspaces on a shared database.
type crowd struct {
	*box
	shared *shared
	all    []signalbox.WorkspaceID
}

func newCrowd(t *testing.T, workspaces int, set func(*intake.Config, *shared)) *crowd {
	t.Helper()
	b := newBox(t, nil)
	b.stop() // another intake takes its place
	c := &crowd{box: b, shared: &shared{Store: b.db, now: map[signalbox.WorkspaceID]int{}, busy: map[signalbox.WorkspaceID]bool{}}, all: []signalbox.WorkspaceID{b.ws}}
	now := time.Now().UTC()
	for len(c.all) < workspaces {
		ws := signalbox.WorkspaceID(b.ids.Next(now))
		if err := b.db.CreateWorkspace(t.Context(), signalbox.Workspace{ID: ws, Name: "w", Timezone: "UTC", CreatedAt: now, UpdatedAt: now}); err != nil {
			t.Fatal(err)
		}
		c.all = append(c.all, ws)
	}
	cfg := intake.Config{
		Store: c.shared, Sender: b.sender, Waker: b.news, IDs: b.ids, Codec: signalbox.NewCodec([16]byte{1}), Log: slog.New(slog.DiscardHandler),
		Committers: 3,
	}
	set(&cfg, c.shared)
	b.intake = intake.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.intake.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return c
}

// flood submits signals of every workspace at once and waits for all answers.
func (c *crowd) flood(each int) {
	c.Helper()
	var wg sync.WaitGroup
	for i := range each * len(c.all) {
		wg.Go(func() {
			if _, err := c.intake.Submit(c.Context(), c.all[i%len(c.all)], 0, about(i)); err != nil {
				c.Error(err)
			}
		})
	}
	wg.Wait()
}

// waiting waits until so many inputs wait in vain.
func (c *crowd) waiting(n int) {
	c.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		if inputs, _ := c.intake.Waiting(); inputs >= n {
			return
		}
		if time.Now().After(deadline) {
			c.Fatal("the inputs do not wait")
		}
		<-time.After(time.Millisecond)
	}
}

// begun waits until so many turns have begun and not ended.
func (c *crowd) begun(turns int) {
	c.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		c.shared.mu.Lock()
		n := c.shared.count
		c.shared.mu.Unlock()
		if n == turns {
			return
		}
		if time.Now().After(deadline) {
			c.Fatalf("%d turns at once, want %d", n, turns)
		}
		<-time.After(time.Millisecond)
	}
}

func TestCommitters_DecideDifferentWorkspacesAtOnce(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	c := newCrowd(t, 4, func(_ *intake.Config, s *shared) { s.gate = gate })
	var wg sync.WaitGroup
	submit := func(i int) {
		wg.Go(func() {
			if _, err := c.intake.Submit(c.Context(), c.all[i], 0, about(i)); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range 3 { // one after the other, or one turn would take them all
		submit(i)
		c.begun(i + 1)
	}
	submit(0) // its workspace is being decided for: it waits for that turn, whoever is free
	c.waiting(1)
	close(gate)
	wg.Wait()
	c.flood(50)
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	if c.shared.most != 3 || c.shared.twice {
		t.Errorf("%d turns at once, two of one workspace: %t; want 3, and never", c.shared.most, c.shared.twice)
	}
}

func TestCommitters_AWorkspaceThatAnotherNodeHasHoldsUpNobody(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	c := newCrowd(t, 5, func(cfg *intake.Config, s *shared) {
		cfg.Committers, s.gate = 1, gate
		s.busy = map[signalbox.WorkspaceID]bool{}
	})
	c.shared.mu.Lock()
	c.shared.busy[c.all[1]] = true
	c.shared.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := c.intake.Submit(t.Context(), c.all[0], 0, about(1)); err != nil {
			t.Error(err)
		}
	})
	c.begun(1) // a turn that holds up the rest, so that they are one turn
	wg.Go(func() { c.flood(20) })
	c.waiting(20 * len(c.all))
	close(gate)
	wg.Wait()
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	alone, together := 0, 0
	for _, workspaces := range c.shared.turns {
		switch {
		case len(workspaces) == 1 && workspaces[0] == c.all[1]:
			alone++
		case len(workspaces) > 1:
			together++
		}
	}
	if alone == 0 || together == 0 {
		t.Errorf("turns of %v: want the others together, and the busy one by itself after that", c.shared.turns)
	}
}

// --distributed: a transaction touches one shard.
func TestAlone_ATurnHoldsOneWorkspace(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 4, func(cfg *intake.Config, _ *shared) { cfg.Alone = true })
	c.flood(25)
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	for _, workspaces := range c.shared.turns {
		if len(workspaces) != 1 {
			t.Fatalf("a turn holds %v", workspaces)
		}
	}
}
