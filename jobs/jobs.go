// Package jobs does long work in slices, so that no transaction is long and nothing else waits for it: retention, erasure, closing a
// deleted webhook's deliveries, looking after temporary webhooks, and keeping lists by score in order. What a slice does is the store's; when it runs, and when it is
// over, is decided here. A job survives a restart: its progress is saved with each slice.
//
// Invariants:
//   - at most one slice of a job runs at a time on a node, and the due lease keeps other nodes away;
//   - between slices there is a pause, so that jobs never take more than about a third of the writer;
//   - a job that fails is retried with the same slice; what it has done stays done.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"signalbox"
)

// Store runs slices and keeps jobs.
type Store interface {
	// RunSlice does one slice of a job and saves its progress in the same transaction.
	RunSlice(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.JobID, ids *signalbox.IDs, now time.Time) (signalbox.Job, error)
	CreateJob(ctx context.Context, j signalbox.Job) error
	Webhook(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.WebhookID) (signalbox.Webhook, error)
	// WebhookIDs are those of all webhooks of a workspace that something may wait for.
	WebhookIDs(ctx context.Context, ws signalbox.WorkspaceID) ([]signalbox.WebhookID, error)
	DeleteWebhook(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.WebhookID, now time.Time, j signalbox.Job) error
	// RefreshRanks does one slice of what is due of a workspace's places in lists by score. next is now where there are more; else it has set the due row to next,
	// not before now + rest.
	RefreshRanks(ctx context.Context, ws signalbox.WorkspaceID, now time.Time, rest time.Duration) (next time.Time, err error)
}

// The pace of jobs.
const (
	retentionEvery = 24 * time.Hour
	// ReaderGone is how long a temporary webhook waits for its reader to come back.
	ReaderGone = time.Minute
	shortest   = 5 * time.Millisecond // between two slices
	// ranksEvery is the pause between two sweeps of a workspace's places in lists by score: a place is due when it is at most ten minutes off, and fifteen are promised.
	ranksEvery = time.Minute
)

// Jobs owns the due rows of jobs, retention and temporary webhooks.
type Jobs struct {
	store   Store
	ids     *signalbox.IDs
	codec   *signalbox.Codec
	log     *slog.Logger
	now     func() time.Time
	changed func(context.Context, signalbox.WebhookID) error
	wake    func(time.Time)
}

// Config is what Jobs work with; everything is needed.
type Config struct {
	Store Store
	IDs   *signalbox.IDs
	Codec *signalbox.Codec
	Log   *slog.Logger
	Now   func() time.Time // the clock that is stored and compared with what is stored
	// Changed is told of webhooks that were deleted, and of those whose waiting deliveries memory must forget, on every node; after an error
	// it is told again.
	Changed func(ctx context.Context, id signalbox.WebhookID) error
	Wake    func(at time.Time) // told of the moments that a slice made due
}

// New makes the owner.
func New(c Config) *Jobs {
	return &Jobs{store: c.Store, ids: c.IDs, codec: c.Codec, log: c.Log, now: c.Now, changed: c.Changed, wake: c.Wake}
}

// Owners returns the owners by kind of due row, for whoever hands due rows out.
func (j *Jobs) Owners() map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error) {
	return map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error){
		signalbox.DueJob:       j.Slice,
		signalbox.DueRetention: j.Retention,
		signalbox.DueWebhook:   j.Temporary,
		signalbox.DueRanks:     j.Ranks,
	}
}

// Slice runs slices of one job until it has ended or its lease wants renewing. It pauses for twice as long as each slice took, and until the
// job itself goes on.
func (j *Jobs) Slice(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	until := time.Now().Add(signalbox.LeaseFor / 3)
	for {
		begin := time.Now()
		job, err := j.store.RunSlice(ctx, d.Workspace, signalbox.JobID(d.Subject), j.ids, j.now().UTC())
		if signalbox.CodeOf(err) == signalbox.NotFound {
			return signalbox.Again{Done: true}, nil
		}
		if err != nil {
			return signalbox.Again{}, err
		}
		if job.Kind == signalbox.JobRecover { // deliveries are due
			j.wake(j.now())
		}
		if job.Ended() {
			j.log.InfoContext(ctx, "job.ended", "job", j.codec.Format(signalbox.KindJob, int64(job.ID)), "kind", job.Kind, "status", job.Status, "done", job.Done)
			return signalbox.Again{Done: true}, j.forget(ctx, &job)
		}
		pause := max(shortest, 2*time.Since(begin))
		if job.Kind == signalbox.JobRecover {
			pause = max(pause, job.ResumeAt.Sub(j.now()))
		}
		if time.Now().Add(pause).After(until) {
			return signalbox.Again{At: j.now().Add(pause)}, nil
		}
		select {
		case <-ctx.Done():
			return signalbox.Again{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// forget has memory drop what it holds of deliveries whose events an erasure has blanked: what is still to be sent is read again.
func (j *Jobs) forget(ctx context.Context, job *signalbox.Job) error {
	if job.Kind != signalbox.JobEraseAccount && job.Kind != signalbox.JobEraseContact {
		return nil
	}
	list, err := j.store.WebhookIDs(ctx, job.Workspace)
	if err != nil {
		return err
	}
	for _, wh := range list {
		if err := j.changed(ctx, wh); err != nil {
			return err
		}
	}
	return nil
}

// Retention makes a workspace's retention job, once a day.
func (j *Jobs) Retention(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	now := j.now().UTC()
	err := j.store.CreateJob(ctx, signalbox.Job{
		ID: signalbox.JobID(j.ids.Next(now)), Workspace: d.Workspace, Kind: signalbox.JobRetention, Status: signalbox.JobQueued,
		CreatedAt: now, UpdatedAt: now,
	})
	if err != nil {
		return signalbox.Again{}, err
	}
	return signalbox.Again{At: now.Add(retentionEvery)}, nil
}

// Ranks keeps a workspace's places in lists by score right that decay moves. Between slices it pauses as jobs do.
func (j *Jobs) Ranks(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	until := time.Now().Add(signalbox.LeaseFor / 3)
	for {
		begin, now := time.Now(), j.now().UTC()
		next, err := j.store.RefreshRanks(ctx, d.Workspace, now, ranksEvery)
		if err != nil || !next.Equal(now) {
			return signalbox.Again{Kept: true, At: next}, err
		}
		pause := max(shortest, 2*time.Since(begin))
		if time.Now().Add(pause).After(until) {
			return signalbox.Again{At: j.now().Add(pause)}, nil
		}
		select {
		case <-ctx.Done():
			return signalbox.Again{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Temporary deletes a temporary webhook that nobody has read for ReaderGone.
func (j *Jobs) Temporary(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	id := signalbox.WebhookID(d.Subject)
	w, err := j.store.Webhook(ctx, d.Workspace, id)
	if signalbox.CodeOf(err) == signalbox.NotFound {
		return signalbox.Again{Done: true}, nil
	}
	if err != nil {
		return signalbox.Again{}, err
	}
	now := j.now().UTC()
	seen := w.CreatedAt
	if w.LastReadAt.After(seen) {
		seen = w.LastReadAt
	}
	if gone := seen.Add(ReaderGone); now.Before(gone) {
		return signalbox.Again{At: gone}, nil
	}
	err = j.store.DeleteWebhook(ctx, d.Workspace, id, now, signalbox.Job{
		ID: signalbox.JobID(j.ids.Next(now)), Workspace: d.Workspace, Kind: signalbox.JobCloseWebhook, Status: signalbox.JobQueued,
		Subject: d.Subject, CreatedAt: now, UpdatedAt: now,
	})
	if err != nil {
		return signalbox.Again{}, err
	}
	return signalbox.Again{Done: true}, j.changed(ctx, id)
}
