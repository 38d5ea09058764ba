package poll

import (
	"context"

	"signalbox"
)

// Work gives a stream one turn, in the caller's goroutine.
func (r *Runner) Work(ctx context.Context, ws signalbox.WorkspaceID, stream signalbox.StreamID) (again bool, err error) {
	return r.work(ctx, job{ws, stream})
}

// Crowded says whether a stream waits.
func (r *Runner) Crowded() bool { return r.queue.crowded() }

// Circles says what is said of a page that comes after so many.
func Circles(pages int, p *Page) error {
	t := &task{run: &signalbox.SyncRun{Page: pages}}
	return t.circles(p, true)
}

// What tests must know of the bounds.
const (
	MaxByID     = maxByID
	MaxStale    = maxStale
	MaxRestarts = maxRestarts
	MaxPages    = maxPages
	MaxQueued   = maxQueued
	TurnFor     = turnFor
	PageWithin  = pageWithin
	RetryAfter  = retryAfter
)
