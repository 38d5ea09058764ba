package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

// jobRow is a job with what the store alone keeps of it.
type jobRow struct {
	signalbox.Job
	takes Takes // of a recovery

	scorer MakeScorer // of retention, erasures and rescoring; nil: nothing is scored
	ids    *signalbox.IDs
	mark   int64 // which step its work is in, or up to where it was safe: each kind reads it in its own way
}

const insertJobSQL = `
INSERT INTO jobs (id, workspace_id, kind, status, subject, cursor, mark, matching, done, error, created_at, updated_at, ended_at, params)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11, $12, $13)`

// insertJob saves a new job and makes it due at its making.
func (t *tx) insertJob(j *signalbox.Job) error {
	if j.UpdatedAt.IsZero() {
		j.UpdatedAt = j.CreatedAt
	}
	_, err := t.exec(insertJobSQL, id(j.ID), id(j.Workspace), string(j.Kind), string(j.Status), id(signalbox.EntityID(j.Subject)),
		j.Cursor, j.Matching, j.Done, j.Error, j.CreatedAt, j.UpdatedAt, j.EndedAt, j.Params)
	if err != nil {
		return fmt.Errorf("insert job: %w", err)
	}
	return t.armDue(signalbox.Due{Kind: signalbox.DueJob, Workspace: j.Workspace, Subject: int64(j.ID), At: j.CreatedAt})
}

// CreateJob adds a queued job and arms its DueJob at its CreatedAt.
func (db *DB) CreateJob(ctx context.Context, j signalbox.Job) error {
	return db.write(ctx, classManage, func(t *tx) error {
		j.Status = signalbox.JobQueued
		if err := t.insertJob(&j); err != nil {
			return err
		}
		return t.raiseHead(j.Workspace, int64(j.ID))
	})
}

const jobColumns = `id, workspace_id, kind, status, subject, cursor, mark, matching, done, error, created_at, updated_at, ended_at,
       params, resume_at`

const jobsSQL = `
SELECT ` + jobColumns + `
  FROM jobs
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

// Jobs answers a page of the workspace's jobs, newest first.
func (db *DB) Jobs(ctx context.Context, ws signalbox.WorkspaceID, p signalbox.Page) ([]signalbox.Job, int64, error) {
	return fill(ctx, db, p, listing[signalbox.Job]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(jobsSQL, []any{id(ws), before, n}, each)
		},
		scan: func(r *row) (signalbox.Job, error) { return scanJob(r).Job, nil },
	})
}

// Job answers a job, or NoSuch("job").
func (db *DB) Job(ctx context.Context, ws signalbox.WorkspaceID, job signalbox.JobID) (signalbox.Job, error) {
	var j jobRow
	err := db.read(ctx, func(t *tx) (err error) {
		j, err = t.job(ws, job)
		return err
	})
	return j.Job, err
}

// OpenJob answers the job of a kind that goes on; the zero Job when none does.
func (db *DB) OpenJob(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.JobKind) (signalbox.Job, error) {
	var j jobRow
	err := db.read(ctx, func(t *tx) (err error) {
		j, _, err = t.running(ws, kind)
		return err
	})
	return j.Job, err
}

// ReplaceJob saves a rescoring in the place of one that goes on: that one's work is part of it. act is what the audit log calls it.
func (db *DB) ReplaceJob(ctx context.Context, j *signalbox.Job, act string) error {
	return db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(j.Workspace); err != nil {
			return err
		}
		if err := t.replaceJob(j, j.CreatedAt); err != nil {
			return err
		}
		about := signalbox.Subject{Type: "job", ID: int64(j.ID), Name: string(j.Kind)}
		if err := t.audit(ctx, j.Workspace, act, about, nil, signalbox.Facts{"order": j.Params}); err != nil {
			return err
		}
		return t.raiseHead(j.Workspace, int64(j.ID))
	})
}

// CancelJob ends a job between two slices: what it did stays done. Conflict when it has ended already, and for the closing of
// a webhook, which would leave deliveries that nobody sends and nobody fails, and for the forgetting of a stream, which would leave prints that nobody deletes.
func (db *DB) CancelJob(ctx context.Context, ws signalbox.WorkspaceID, job signalbox.JobID, now time.Time) (signalbox.Job, error) {
	var out signalbox.Job
	err := db.write(ctx, classManage, func(t *tx) error {
		j, err := t.changedJob(ws, job)
		switch {
		case err != nil:
			return err
		case j.Ended():
			return signalbox.Errorf(signalbox.Conflict, "the job has ended already: it is %s", j.Status)
		case j.mark == markPurge:
			return signalbox.Errorf(signalbox.Conflict, "the job's work is done: it is about to end")
		case j.Kind == signalbox.JobCloseWebhook:
			return signalbox.Errorf(signalbox.Conflict, "the closing of a deleted webhook cannot be cancelled")
		case j.Kind == signalbox.JobDropStream:
			return signalbox.Errorf(signalbox.Conflict, "the forgetting of a deleted stream cannot be cancelled")
		}
		before := j.Status
		j.end(signalbox.JobCancelled, now)
		out = j.Job
		if err := t.setDue(signalbox.Due{Kind: signalbox.DueJob, Workspace: ws, Subject: int64(job)}); err != nil {
			return err
		}
		about := signalbox.Subject{Type: "job", ID: int64(job), Name: string(j.Kind)}
		was, is := signalbox.Facts{"status": string(before)}, signalbox.Facts{"status": string(j.Status)}
		if err := t.audit(ctx, ws, "job.cancelled", about, was, is); err != nil {
			return err
		}
		return t.updateJob(&j)
	})
	return out, err
}

// RunSlice does one slice of a job, at most SliceRows rows, and saves how far it came in the same transaction: a crash or a
// restart goes on behind the last slice that was committed. A job that has ended is answered as it is. When the work is done,
// EndedAt is set; for an erasure that is after what it erased is gone from the database's files too. An error leaves the job as
// it was: call again. ids makes the ids of what the job adds.
func (db *DB) RunSlice(ctx context.Context, ws signalbox.WorkspaceID, job signalbox.JobID, ids *signalbox.IDs, now time.Time) (signalbox.Job, error) {
	j, err := db.runSlice(ctx, ws, job, ids, now)
	if err != nil || j.Ended() || j.mark != markPurge {
		return j.Job, err
	}
	switch purged, err := db.purge(ctx); {
	case err != nil:
		return j.Job, fmt.Errorf("purge the log: %w", err)
	case !purged:
		return j.Job, nil // a reader or a copy was in the way: the next slice tries again
	}
	return db.endPurged(ctx, ws, job, now)
}

// runSlice is RunSlice as far as one transaction goes.
func (db *DB) runSlice(ctx context.Context, ws signalbox.WorkspaceID, job signalbox.JobID, ids *signalbox.IDs, now time.Time) (jobRow, error) {
	var out jobRow
	err := db.write(ctx, classSlice, func(t *tx) error {
		j, err := t.changedJob(ws, job)
		if err != nil || j.Ended() || j.mark == markPurge {
			out = j
			return err
		}
		j.Status, j.UpdatedAt, j.takes, j.scorer, j.ids = signalbox.JobRunning, now, db.cfg.Takes, db.cfg.Scorer, ids
		if err := t.slice(&j, ids, now); err != nil {
			return fmt.Errorf("slice of job %d (%s): %w", job, j.Kind, err)
		}
		j.Matching = max(j.Matching, j.Done)
		out = j
		return t.updateJob(&j)
	})
	return out, err
}

// slice does one slice of a job's work and notes in it how far it came.
func (t *tx) slice(j *jobRow, ids *signalbox.IDs, now time.Time) error {
	switch j.Kind {
	case signalbox.JobRetention:
		return t.sliceRetention(j, now)
	case signalbox.JobEraseAccount:
		return t.sliceErase(j, accountErasure, now)
	case signalbox.JobEraseContact:
		return t.sliceErase(j, contactErasure, now)
	case signalbox.JobCloseWebhook:
		return t.sliceClose(j, now)
	case signalbox.JobRecover:
		return t.sliceRecover(j, ids, now)
	case signalbox.JobRescore:
		return t.sliceRescore(j, now)
	case signalbox.JobEmptyAudience:
		return t.sliceEmpty(j, now)
	case signalbox.JobDropStream:
		return t.sliceStream(j, now)
	}
	j.Error = fmt.Sprintf("this version knows no job of kind %q", j.Kind)
	j.end(signalbox.JobFailed, now)
	return nil
}

// end gives a job its last status.
func (j *jobRow) end(s signalbox.JobStatus, now time.Time) {
	j.Status, j.UpdatedAt, j.EndedAt = s, now, now
}

// How long an erasure's last slice tries to empty the log, and how long it waits between two tries.
const (
	purgeFor   = time.Second
	purgeEvery = 20 * time.Millisecond
)

// purge empties the write-ahead log, which still holds pages as they were before the erasure. It answers false when
// a reader, or a copy in the background, stayed in the way.
func (db *DB) purge(ctx context.Context) (done bool, err error) {
	if db.pg != nil {
		return true, nil // the server's log and dead rows are its own to drop: see PostgreSQL in the package comment
	}
	for start := time.Now(); ; {
		err := db.outside(ctx, func(*tx) error {
			err := db.ckpt.truncate(db.w)
			done = err == nil
			if isBusy(err) {
				return nil
			}
			return err
		})
		if err != nil || done || time.Since(start) > purgeFor {
			return done, err
		}
		select {
		case <-time.After(purgeEvery):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// endPurged ends a job whose traces have left the log.
func (db *DB) endPurged(ctx context.Context, ws signalbox.WorkspaceID, job signalbox.JobID, now time.Time) (signalbox.Job, error) {
	var out signalbox.Job
	err := db.write(ctx, classSlice, func(t *tx) error {
		j, err := t.changedJob(ws, job)
		if err != nil || j.Ended() {
			out = j.Job
			return err
		}
		j.end(signalbox.JobDone, now)
		out = j.Job
		return t.updateJob(&j)
	})
	return out, err
}

const updateJobSQL = `
UPDATE jobs
   SET status = $3, cursor = $4, mark = $5, matching = $6, done = $7, error = $8, updated_at = $9, ended_at = $10,
       resume_at = $11, params = $12
 WHERE workspace_id = $1 AND id = $2`

func (t *tx) updateJob(j *jobRow) error {
	_, err := t.exec(updateJobSQL, id(j.Workspace), id(j.ID), string(j.Status), j.Cursor, j.mark, j.Matching, j.Done, j.Error,
		j.UpdatedAt, j.EndedAt, j.ResumeAt, j.Params)
	if err != nil {
		return fmt.Errorf("update job: %w", err)
	}
	return nil
}

const jobSQL = `
SELECT ` + jobColumns + `
  FROM jobs
 WHERE workspace_id = $1 AND id = $2`

func (t *tx) job(ws signalbox.WorkspaceID, job signalbox.JobID) (jobRow, error) {
	return t.findJob(jobSQL, ws, job)
}

// changedJob reads a job that this transaction is about to change.
func (t *tx) changedJob(ws signalbox.WorkspaceID, job signalbox.JobID) (jobRow, error) {
	return t.findJob(t.locking(jobSQL), ws, job)
}

func (t *tx) findJob(sql string, ws signalbox.WorkspaceID, job signalbox.JobID) (jobRow, error) {
	var j jobRow
	found, err := t.one(sql, []any{id(ws), id(job)}, func(r *row) { j = scanJob(r) })
	return j, foundOr(found, err, "job")
}

// scanJob reads a row of jobColumns.
func scanJob(r *row) jobRow {
	return jobRow{mark: r.int(6), Job: signalbox.Job{
		ID: signalbox.JobID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Kind: signalbox.JobKind(r.text(2)),
		Status: signalbox.JobStatus(r.text(3)), Subject: r.int(4), Cursor: r.int(5), Matching: r.int(7), Done: r.int(8),
		Error: r.text(9), CreatedAt: r.time(10), UpdatedAt: r.time(11), EndedAt: r.time(12), Params: r.text(13), ResumeAt: r.time(14),
	}}
}
