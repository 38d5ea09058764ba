package due

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"signalbox"
)

// NodeStore keeps the table of nodes.
type NodeStore interface {
	// JoinNode makes this process the node that token names, with a new generation, and frees what its older generations leased.
	JoinNode(ctx context.Context, token string, now time.Time) (signalbox.Lease, error)
	// Heartbeat confirms the lease and says how things stand; Beat.Holds false: the lease has ended.
	Heartbeat(ctx context.Context, h signalbox.Heartbeat) (signalbox.Beat, error)
	// LeaveNode ends the lease for good: others take over at once.
	LeaveNode(ctx context.Context, l signalbox.Lease, now time.Time) error
}

// NodeConfig is what a Node is made of.
type NodeConfig struct {
	Store NodeStore
	Token string // who this process is: the same after a restart
	Holds bool   // it sends nothing, and nobody is to count on it
	Log   *slog.Logger
	Clock func() time.Time // this machine's; nil: time.Now

	Lost   func(signalbox.Lease) // told when the lease was lost and a new one began: what memory knows of leased rows is void
	Shares func()                // told when other nodes came or went
	Due    func()                // told when rows became due because a node fell silent
}

// Node is this process's right to work on leased rows, its place among the others, and their common clock. Safe for concurrent use.
type Node struct {
	cfg   NodeConfig
	clock atomic.Pointer[clock]
	lost  atomic.Int64

	mu        sync.Mutex
	token     string
	lease     signalbox.Lease
	confirmed time.Time // with its monotonic reading: when the last heartbeat that was confirmed was sent
	failed    bool      // the latest heartbeat had no answer
	beat      signalbox.Beat
}

// clock is the database's time at a moment of this process: what has passed since is measured by the monotonic clock, which nobody sets.
type clock struct {
	theirs time.Time
	ours   time.Time
}

// Join makes this process a node.
func Join(ctx context.Context, cfg NodeConfig) (*Node, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	for _, f := range []*func(){&cfg.Shares, &cfg.Due} {
		if *f == nil {
			*f = func() {}
		}
	}
	if cfg.Lost == nil {
		cfg.Lost = func(signalbox.Lease) {}
	}
	n := &Node{cfg: cfg, token: cfg.Token}
	return n, n.join(ctx)
}

// Lease returns the lease of this node, and whether it is safe to work under it now.
func (n *Node) Lease() (signalbox.Lease, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lease, time.Since(n.confirmed) < signalbox.SendWithin
}

// Now is the time that is stored and compared with what is stored: that of the database where it has a clock, so that nodes whose own
// clocks differ agree; else this machine's.
func (n *Node) Now() time.Time {
	if c := n.clock.Load(); c != nil {
		return c.theirs.Add(time.Since(c.ours))
	}
	return n.cfg.Clock().UTC()
}

// Share is this node's part of a whole that the nodes divide among them, such as how many requests a webhook may have in flight: the parts of
// all nodes add up to the whole. What cannot be divided evenly goes to other nodes for other subjects.
func (n *Node) Share(whole int, subject int64) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.beat.Rank < 0 {
		return 0
	}
	live := max(n.beat.Live, 1)
	share := whole / live
	if place := (int64(n.beat.Rank) + subject&0xffff) % int64(live); place < int64(whole%live) {
		share++
	}
	return share
}

// Live is how many nodes share the work.
func (n *Node) Live() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.beat.Live
}

// LeasesLost is how often this node has lost its lease.
func (n *Node) LeasesLost() int64 { return n.lost.Load() }

// Run sends heartbeats until ctx ends, and then leaves: whoever else is there takes over at once. After a gap longer than LeaseFor, or when another
// process took the node, it joins anew.
func (n *Node) Run(ctx context.Context) error {
	for {
		timer := time.NewTimer(n.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			n.leave(context.WithoutCancel(ctx))
			return nil
		case <-timer.C:
			n.confirm(ctx)
		}
	}
}

// askAgain is how soon a heartbeat follows one that had no answer: a node whose lease has ended meanwhile can do nothing before it has a new one.
const askAgain = 500 * time.Millisecond

// pause is how long to wait for the next heartbeat: shorter after one that failed, and when another node's lease is about to end, so that it is
// ended in time.
func (n *Node) pause() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failed {
		return askAgain
	}
	return min(signalbox.HeartbeatEvery, cmp.Or(n.beat.Watch, signalbox.HeartbeatEvery))
}

// leaveWithin bounds the goodbye of a node that stops.
const leaveWithin = 2 * time.Second

func (n *Node) leave(ctx context.Context) {
	lease, _ := n.Lease()
	ctx, cancel := context.WithTimeout(ctx, leaveWithin)
	defer cancel()
	if err := n.cfg.Store.LeaveNode(ctx, lease, n.Now()); err != nil {
		n.cfg.Log.WarnContext(ctx, "node.leave", "node", lease.Node, "err", err)
	}
}

// confirm sends one heartbeat.
func (n *Node) confirm(ctx context.Context) {
	n.mu.Lock()
	lease, gap, before := n.lease, time.Since(n.confirmed), n.beat
	n.mu.Unlock()
	if gap < signalbox.LeaseFor {
		beat, err := n.ask(ctx, lease)
		n.noteFailure(err)
		if err != nil {
			n.cfg.Log.WarnContext(ctx, "node.heartbeat", "node", lease.Node, "err", err)
		}
		if err != nil || beat.Holds {
			n.tell(before, beat)
			return
		}
	}
	n.cfg.Log.WarnContext(ctx, "node.lease_lost", "node", lease.Node, "generation", lease.Generation, "gap", gap)
	n.lost.Add(1)
	if gap < signalbox.SendWithin {
		// Nobody ends a lease that was just confirmed but a process that says it is this node, as a copied data directory makes it: two that take
		// the node from each other for ever would send nothing.
		n.cfg.Log.ErrorContext(ctx, "node.twin", "node", lease.Node, "reason", "another process has this node's token: this one goes on as a new node")
		n.mu.Lock()
		n.token = n.cfg.Token + "-" + strconv.FormatUint(rand.Uint64(), 36)
		n.mu.Unlock()
	}
	err := n.join(ctx)
	n.noteFailure(err)
	if err != nil {
		n.cfg.Log.ErrorContext(ctx, "node.join", "err", err)
		return
	}
	now, _ := n.Lease()
	n.cfg.Lost(now)
	n.cfg.Shares()
}

// noteFailure remembers whether the database has answered.
func (n *Node) noteFailure(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failed = err != nil
}

// tell passes on what a heartbeat has brought.
func (n *Node) tell(before, beat signalbox.Beat) {
	if beat.Holds && (beat.Live != before.Live || beat.Rank != before.Rank) {
		n.cfg.Shares()
	}
	if beat.Ended > 0 {
		n.cfg.Due()
	}
}

// ask sends a heartbeat for a lease. Time is read before the call: a confirmation that comes late counts from when it was asked for.
func (n *Node) ask(ctx context.Context, lease signalbox.Lease) (signalbox.Beat, error) {
	sent := time.Now()
	beat, err := n.cfg.Store.Heartbeat(ctx, signalbox.Heartbeat{Lease: lease, Now: n.cfg.Clock().UTC(), Holds: n.cfg.Holds})
	if !beat.Holds {
		return beat, err
	}
	n.set(beat.Now, sent, time.Now())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lease, n.confirmed, n.beat = lease, sent, beat
	return beat, err
}

// set keeps the clock with the database's, which read theirs at some moment between sent and heard. A clock that may be right is left alone: it
// does not jump for the sake of a slow answer.
func (n *Node) set(theirs, sent, heard time.Time) {
	if theirs.IsZero() {
		return
	}
	trip := heard.Sub(sent)
	if n.clock.Load() != nil {
		if off := n.Now().Sub(theirs); off >= 0 && off <= trip+time.Millisecond {
			return
		}
	}
	n.clock.Store(&clock{theirs: theirs.Add(trip / 2), ours: heard})
}

// join makes this process the node of its token, in a new generation.
func (n *Node) join(ctx context.Context) error {
	n.mu.Lock()
	token := n.token
	n.mu.Unlock()
	lease, err := n.cfg.Store.JoinNode(ctx, token, n.Now())
	if err != nil {
		return err
	}
	beat, err := n.ask(ctx, lease)
	if err == nil && !beat.Holds {
		err = signalbox.Errorf(signalbox.Conflict, "node %d was taken by another process as soon as it was joined", lease.Node)
	}
	return err
}
