package due

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"signalbox"
)

// NodeStore keeps the table of nodes.
type NodeStore interface {
	// JoinNode makes this process the node that token names, with a new generation, and frees what its older generations leased.
	JoinNode(ctx context.Context, token string, now time.Time) (signalbox.Lease, error)
	// Heartbeat confirms the lease; false: another process has taken the node over.
	Heartbeat(ctx context.Context, l signalbox.Lease, now time.Time) (bool, error)
}

// Node is this process's right to work on leased rows. Safe for concurrent use.
type Node struct {
	store NodeStore
	token string
	log   *slog.Logger
	lost  func()

	mu        sync.Mutex
	lease     signalbox.Lease
	confirmed time.Time // with its monotonic reading: when the last heartbeat that was confirmed was sent
}

// Join makes this process a node. lost is called whenever its lease was lost and a new generation begins: what memory knows of
// leased rows is void then.
func Join(ctx context.Context, store NodeStore, token string, log *slog.Logger, lost func()) (*Node, error) {
	n := &Node{store: store, token: token, log: log, lost: lost}
	return n, n.join(ctx)
}

// Lease returns the lease of this node, and whether it is safe to work under it now.
func (n *Node) Lease() (signalbox.Lease, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lease, time.Since(n.confirmed) < signalbox.SendWithin
}

// Run sends heartbeats until ctx ends. After a gap longer than LeaseFor, or when another process took the node, it joins anew.
func (n *Node) Run(ctx context.Context) error {
	tick := time.NewTicker(signalbox.HeartbeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			n.beat(ctx)
		}
	}
}

// beat sends one heartbeat. Time is read before the call: a confirmation that comes late counts from when it was asked for.
func (n *Node) beat(ctx context.Context) {
	n.mu.Lock()
	lease, gap := n.lease, time.Since(n.confirmed)
	n.mu.Unlock()
	sent := time.Now()
	ok, err := false, error(nil)
	if gap < signalbox.LeaseFor {
		ok, err = n.store.Heartbeat(ctx, lease, sent.UTC())
	}
	switch {
	case err != nil:
		n.log.WarnContext(ctx, "node.heartbeat", "node", lease.Node, "err", err)
	case ok:
		n.mu.Lock()
		n.confirmed = sent
		n.mu.Unlock()
	default:
		n.log.WarnContext(ctx, "node.lease_lost", "node", lease.Node, "generation", lease.Generation, "gap", gap)
		if err := n.join(ctx); err != nil {
			n.log.ErrorContext(ctx, "node.join", "err", err)
			return
		}
		n.lost()
	}
}

func (n *Node) join(ctx context.Context) error {
	sent := time.Now()
	lease, err := n.store.JoinNode(ctx, n.token, sent.UTC())
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lease, n.confirmed = lease, sent
	return nil
}
