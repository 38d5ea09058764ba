package due

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"signalbox"
)

// Store keeps the due table.
type Store interface {
	// NextDue returns the earliest moment of any row.
	NextDue(ctx context.Context) (at time.Time, ok bool, err error)
	// TakeDue leases rows that are due by moving each to now + LeaseFor, and returns them.
	TakeDue(ctx context.Context, l signalbox.Lease, now time.Time, limit int) ([]signalbox.Due, error)
	// RearmDue sets a row's moment; the zero time removes the row.
	RearmDue(ctx context.Context, d signalbox.Due) error
}

// Owner deals with the due subjects of one kind. It may take long: other subjects go on meanwhile.
type Owner func(ctx context.Context, d signalbox.Due) (signalbox.Again, error)

// The pace of a Runner.
const (
	// PollEvery is how long a lost wake can go unnoticed.
	PollEvery   = 5 * time.Second
	takeAtOnce  = 128
	atTheSame   = 32 // owners at work: what they ask of a turn together must not make signals wait long
	retryFailed = 5 * time.Second
)

// Runner hands due rows to their owners.
type Runner struct {
	store  Store
	node   *Node // its lease, and its clock: nothing here asks another one what time it is
	owners map[signalbox.DueKind]Owner
	log    *slog.Logger

	wake chan struct{}
	mu   sync.Mutex
	next time.Time // the earliest moment that Wake told of; zero: none
	hold time.Time // nothing is taken before
	busy map[subject]bool
}

type subject struct {
	kind signalbox.DueKind
	id   int64
}

// New makes a runner; Run starts it.
func New(store Store, node *Node, owners map[signalbox.DueKind]Owner, log *slog.Logger) *Runner {
	return &Runner{store: store, node: node, owners: owners, log: log, wake: make(chan struct{}, 1), busy: map[subject]bool{}}
}

// Wake tells that a row was written that is due at a moment. It never blocks.
func (r *Runner) Wake(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.next.IsZero() && !at.Before(r.next) {
		return
	}
	r.next = at
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run takes what is due until ctx ends, and returns when every owner has.
func (r *Runner) Run(ctx context.Context) error {
	var owners sync.WaitGroup
	defer owners.Wait()
	slots := make(chan struct{}, atTheSame)
	for r.sleep(ctx) {
		lease, ok := r.node.Lease()
		if !ok {
			r.holdOff(signalbox.HeartbeatEvery)
			continue
		}
		rows, err := r.store.TakeDue(ctx, lease, r.node.Now().UTC(), takeAtOnce)
		if err != nil {
			if ctx.Err() == nil {
				r.log.WarnContext(ctx, "due.take", "err", err)
			}
			r.holdOff(time.Second)
			continue
		}
		for _, d := range rows {
			if !r.begin(d) {
				continue // still at work: the row fires again after the lease
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			owners.Go(func() {
				defer func() { <-slots }()
				r.hand(ctx, d)
			})
		}
		if len(rows) == takeAtOnce {
			r.Wake(r.node.Now())
		}
	}
	return nil
}

// sleep waits for the next due moment, a wake or the poll; false when ctx has ended.
func (r *Runner) sleep(ctx context.Context) bool {
	for {
		wait := PollEvery
		if at, ok, err := r.store.NextDue(ctx); err == nil && ok {
			wait = min(wait, at.Sub(r.node.Now()))
		}
		r.mu.Lock()
		if !r.next.IsZero() {
			wait = min(wait, r.next.Sub(r.node.Now()))
		}
		wait = max(wait, time.Until(r.hold))
		r.mu.Unlock()
		if ctx.Err() != nil {
			return false
		}
		if wait <= 0 {
			r.mu.Lock()
			r.next = time.Time{}
			r.mu.Unlock()
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-r.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// holdOff keeps the runner from taking rows for a while.
func (r *Runner) holdOff(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = time.Now().Add(d)
}

// begin marks a subject as being dealt with; false when it already is.
func (r *Runner) begin(d signalbox.Due) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := subject{d.Kind, d.Subject}
	if r.busy[s] {
		return false
	}
	r.busy[s] = true
	return true
}

// hand gives one due row to its owner and rewrites it as the owner says.
func (r *Runner) hand(ctx context.Context, d signalbox.Due) {
	defer func() {
		r.mu.Lock()
		delete(r.busy, subject{d.Kind, d.Subject})
		r.mu.Unlock()
	}()
	next, err := r.call(ctx, d)
	switch {
	case ctx.Err() != nil:
		return // the lease runs out, or the next start frees it
	case err != nil:
		r.log.ErrorContext(ctx, "due.owner", "kind", d.Kind, "subject", d.Subject, "err", err)
		next = signalbox.Again{At: r.node.Now().Add(retryFailed)}
	case next.Kept:
		if !next.At.IsZero() {
			r.Wake(next.At)
		}
		return
	}
	d.At = next.At.UTC()
	if next.Done {
		d.At = time.Time{}
	}
	if err := r.store.RearmDue(ctx, d); err != nil {
		r.log.WarnContext(ctx, "due.rearm", "kind", d.Kind, "subject", d.Subject, "err", err)
		return
	}
	if !d.At.IsZero() {
		r.Wake(d.At)
	}
}

// call runs the owner and turns its panic into an error: one subject never stops the others.
func (r *Runner) call(ctx context.Context, d signalbox.Due) (next signalbox.Again, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("owner panicked: %v\n%s", v, debug.Stack())
		}
	}()
	owner := r.owners[d.Kind]
	if owner == nil {
		return signalbox.Again{}, fmt.Errorf("no owner for due rows of kind %d", d.Kind)
	}
	return owner(ctx, d)
}
