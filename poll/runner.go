package poll

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"signalbox"
)

// Store keeps streams, their snapshots and their runs. A call that fails has changed nothing, or all of it.
type Store interface {
	// BeginSync leases a stream to a node and says what is to be done: the run that goes on, else a new one (Stream.NewRun) if it is due, and the
	// quarantine. ok is false, and nothing is leased, when the stream is gone, is leased to another node whose lease holds, or has neither a run that
	// goes on, nor one that is due, nor a decision to carry out. Of a paused stream there is only the decision. A stream whose node has the lease already is
	// given again. The due row is set to claim.Now + LeaseFor where there is something to do, to NextAt where there is not, and away when the stream is gone or paused.
	BeginSync(ctx context.Context, c signalbox.SyncClaim) (w signalbox.SyncWork, ok bool, err error)
	// Snapshots returns the rows of records, at most SliceRows, in any order, without those that there are not.
	Snapshots(ctx context.Context, ws signalbox.WorkspaceID, stream signalbox.StreamID, records []string) ([]signalbox.Snapshot, error)
	// UnseenSnapshots returns the rows behind u.After with Seen < u.Before, ascending by the bytes of their records, at most SliceRows. It may look at as few rows as it
	// likes: next is the record up to which it has looked, "" when none is behind.
	UnseenSnapshots(ctx context.Context, u signalbox.Unseen) (rows []signalbox.Snapshot, next string, err error)
	// SaveSync saves a slice with the events and signals of its changes in one transaction. It refuses with Conflict, and changes nothing, when the stream is not leased to
	// s.Lease, that lease has ended, the stream's Version is another one, or the stored run's Step is not s.Run.Step - 1 or its Decision is another one; with NotFound when the
	// stream is gone. A run that is running no more is the stream's Run no more; one that is quarantined is its Quarantine until it is Closed, and administrators are told. s.Closes is
	// closed with SyncFound, unless it has a decision. s.Next ends the lease, is NextAt from now on, and the due row is set to it: to now when a decision is to be
	// carried out.
	SaveSync(ctx context.Context, s *signalbox.SyncSlice) error
}

// Desk takes what people want of a stream.
type Desk interface {
	// StartSync returns the run that goes on, else makes one with this id, and makes the stream due now. It refuses with Conflict when the stream is paused.
	StartSync(ctx context.Context, ws signalbox.WorkspaceID, stream signalbox.StreamID, id signalbox.SyncRunID, now time.Time) (signalbox.SyncRunID, error)
	// DecideSync notes a decision on the run that is a stream's quarantine, and makes the stream due now. It refuses with Conflict a run that was never quarantined, is closed,
	// or has another decision.
	DecideSync(ctx context.Context, ws signalbox.WorkspaceID, run signalbox.SyncRunID, d signalbox.SyncDecision, now time.Time) error
}

// Node is this process's right to work on leased rows.
type Node interface {
	// Lease returns the node's lease, and whether its last confirmed heartbeat is younger than SendWithin.
	Lease() (signalbox.Lease, bool)
}

// Config is what a Runner is made of; everything without a default is needed.
type Config struct {
	Store Store
	Desk  Desk
	Node  Node
	Box   Opener // opens the keys of streams
	// Open makes the source of a stream ready for one turn. Its errors end the run.
	Open  func(ctx context.Context, s *signalbox.Stream) (Source, error)
	IDs   *signalbox.IDs
	Codec *signalbox.Codec
	Log   *slog.Logger
	Now   func() time.Time   // the clock that is stored and compared with what is stored
	Wake  func(at time.Time) // told of the moments at which streams become due
	Slots int                // streams at work at the same time; 0: DefaultSlots
}

// DefaultSlots is how many streams a node works on at the same time: fetching waits for others most of the time, and each holds one page.
const DefaultSlots = 8

// retryAfter is how long a stream waits, with its place, after the store has failed.
const retryAfter = 5 * time.Second

// Runner works on streams. New makes it, Run makes it work; everything else may be called at any time, by any number of goroutines.
type Runner struct {
	cfg   Config
	queue *queue
}

// New makes a runner.
func New(c Config) *Runner {
	if c.Slots <= 0 {
		c.Slots = DefaultSlots
	}
	return &Runner{cfg: c, queue: newQueue()}
}

// StreamDue is the owner of the due rows of kind DueStream: it queues the stream and answers at once, so that streams hold up nothing else that is due. The row
// fires again after its lease, on whichever node takes it, until the stream is begun or has nothing to do.
func (r *Runner) StreamDue(_ context.Context, d signalbox.Due) (signalbox.Again, error) {
	r.queue.offer(job{d.Workspace, signalbox.StreamID(d.Subject)})
	return signalbox.Again{Kept: true}, nil
}

// SyncNow has a stream fetched now, and returns the run: the one that goes on, if there is one.
func (r *Runner) SyncNow(ctx context.Context, ws signalbox.WorkspaceID, stream signalbox.StreamID) (signalbox.SyncRunID, error) {
	now := r.cfg.Now().UTC()
	run, err := r.cfg.Desk.StartSync(ctx, ws, stream, signalbox.SyncRunID(r.cfg.IDs.Next(now)), now)
	if err != nil {
		return 0, err
	}
	r.cfg.Wake(now)
	return run, nil
}

// Decide has what a quarantined run found missing, and what has not come since, deleted or kept. It is carried out a moment later, when no run of the
// stream goes on.
func (r *Runner) Decide(ctx context.Context, ws signalbox.WorkspaceID, run signalbox.SyncRunID, d signalbox.SyncDecision) error {
	if d != signalbox.SyncApproved && d != signalbox.SyncDiscarded {
		return signalbox.InvalidField("decision", "a decision is %s or %s", signalbox.SyncApproved, signalbox.SyncDiscarded)
	}
	now := r.cfg.Now().UTC()
	if err := r.cfg.Desk.DecideSync(ctx, ws, run, d, now); err != nil {
		return err
	}
	r.cfg.Wake(now)
	return nil
}

// Run works on what is queued until ctx ends. What is cut short goes on where its latest slice left it, here or elsewhere.
func (r *Runner) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range r.cfg.Slots {
		workers.Go(func() {
			for {
				j, ok := r.queue.take(ctx)
				if !ok {
					return
				}
				r.queue.done(j, r.turn(ctx, j))
			}
		})
	}
	workers.Wait()
	return nil
}

// turn gives a stream its turn; true: it wants another one. After an error of the store the place is held for a while: it will not be better for the next stream.
func (r *Runner) turn(ctx context.Context, j job) bool {
	again, err := r.work(ctx, j)
	if err == nil || ctx.Err() != nil {
		return again
	}
	r.cfg.Log.WarnContext(ctx, "poll.interrupted", "stream", r.cfg.Codec.Format(signalbox.KindStream, int64(j.stream)), "err", err)
	if signalbox.CodeOf(err) == signalbox.NotFound {
		return false
	}
	select {
	case <-ctx.Done():
	case <-time.After(retryAfter):
	}
	return true
}

// work does what is to be done with a stream.
func (r *Runner) work(ctx context.Context, j job) (again bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			again, err = false, fmt.Errorf("work on a stream panicked: %v\n%s", v, debug.Stack())
		}
	}()
	lease, ok := r.cfg.Node.Lease()
	if !ok {
		return false, signalbox.Errorf(signalbox.Unavailable, "this node's lease is not confirmed")
	}
	now := r.cfg.Now().UTC()
	w, ok, err := r.cfg.Store.BeginSync(ctx, signalbox.SyncClaim{
		Workspace: j.workspace, Stream: j.stream, Lease: lease, Run: signalbox.SyncRunID(r.cfg.IDs.Next(now)), Now: now,
	})
	if err != nil || !ok {
		return false, err
	}
	t := &task{cfg: &r.cfg, lease: lease, work: &w, stream: &w.Stream, names: NewNames(w.Names)}
	t.log = r.cfg.Log.With("stream", r.cfg.Codec.Format(signalbox.KindStream, int64(j.stream)))
	if w.Run == nil {
		return false, t.resolve(ctx)
	}
	t.run = w.Run
	t.log = t.log.With("run", r.cfg.Codec.Format(signalbox.KindSyncRun, int64(w.Run.ID)))
	again, err = t.sync(ctx, r.queue.crowded)
	return again || w.Quarantine != nil && w.Quarantine.Decision != "", err
}
