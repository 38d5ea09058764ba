package store

import (
	"context"
	"fmt"

	"signalbox"
)

const syncRunColumns = `id, workspace_id, linked_id, stream_id, status, baseline, silent, fingerprint, fetched, created, updated, unchanged, missing, deleted, waiting,
       suppressed, added, duplicates, page, checkpoint, progress, step, error, started_at, ended_at, decision, closed, closed_at`

const (
	syncRunSQL = `
SELECT ` + syncRunColumns + `
  FROM sync_runs
 WHERE workspace_id = $1 AND id = $2`

	syncRunsOfLinkedSQL = `
SELECT ` + syncRunColumns + `
  FROM sync_runs
 WHERE workspace_id = $1 AND linked_id = $2 AND id < $3
 ORDER BY id DESC
 LIMIT $4`

	syncRunsOfStreamSQL = `
SELECT ` + syncRunColumns + `
  FROM sync_runs
 WHERE workspace_id = $1 AND stream_id = $2 AND id < $3
 ORDER BY id DESC
 LIMIT $4`
)

// scanSyncRun reads a row of syncRunColumns.
func scanSyncRun(r *row) signalbox.SyncRun {
	return signalbox.SyncRun{
		ID: signalbox.SyncRunID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Linked: signalbox.LinkedAccountID(r.int(2)),
		Stream: signalbox.StreamID(r.int(3)), Status: signalbox.SyncStatus(r.text(4)), Baseline: r.bool(5), Silent: r.bool(6), Fingerprint: uint64(r.int(7)),
		Fetched: r.int(8), Created: r.int(9), Updated: r.int(10), Unchanged: r.int(11), Missing: r.int(12), Deleted: r.int(13), Waiting: r.int(14),
		Suppressed: r.int(15), Added: r.int(16), Duplicates: r.int(17), Page: int(r.int(18)), Checkpoint: r.bytes(19), Progress: r.bytes(20), Step: r.int(21),
		Error: r.text(22), StartedAt: r.time(23), EndedAt: r.time(24), Decision: signalbox.SyncDecision(r.text(25)), Closed: r.text(26), ClosedAt: r.time(27),
	}
}

// bindSyncRun binds a run in the order of syncRunColumns.
func bindSyncRun(s *stmt, r *signalbox.SyncRun) {
	s.id(int64(r.ID)).id(int64(r.Workspace)).id(int64(r.Linked)).id(int64(r.Stream)).text(string(r.Status)).bool(r.Baseline).bool(r.Silent)
	s.int(int64(r.Fingerprint)).int(r.Fetched).int(r.Created).int(r.Updated).int(r.Unchanged).int(r.Missing).int(r.Deleted).int(r.Waiting).int(r.Suppressed)
	s.int(r.Added).int(r.Duplicates).int(int64(r.Page)).blob(r.Checkpoint).blob(r.Progress).int(r.Step).text(r.Error).time(r.StartedAt).time(r.EndedAt)
	s.text(string(r.Decision)).text(r.Closed).time(r.ClosedAt)
}

// syncRun loads a run; nil: there is no such.
func (t *tx) syncRun(ws signalbox.WorkspaceID, run signalbox.SyncRunID) (r *signalbox.SyncRun, err error) {
	if run == 0 {
		return nil, nil
	}
	_, err = t.one(syncRunSQL, []any{ws, run}, func(row *row) {
		found := scanSyncRun(row)
		r = &found
	})
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	return r, nil
}

// SyncRun answers a run of a stream, or NoSuch("run").
func (db *DB) SyncRun(ctx context.Context, ws signalbox.WorkspaceID, run signalbox.SyncRunID) (signalbox.SyncRun, error) {
	var r *signalbox.SyncRun
	err := db.read(ctx, func(t *tx) (err error) {
		r, err = t.syncRun(ws, run)
		return err
	})
	if err := foundOr(r != nil, err, "run"); err != nil {
		return signalbox.SyncRun{}, err
	}
	return *r, nil
}

// SyncRuns answers a page of the runs of a linked account, or of one stream of it, newest first.
func (db *DB) SyncRuns(ctx context.Context, ws signalbox.WorkspaceID, lac signalbox.LinkedAccountID, str signalbox.StreamID, p signalbox.Page) ([]signalbox.SyncRun, int64, error) {
	sql, of := syncRunsOfLinkedSQL, int64(lac)
	if str != 0 {
		sql, of = syncRunsOfStreamSQL, int64(str)
	}
	l := listing[signalbox.SyncRun]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(sql, []any{id(ws), of, before, n}, each)
		},
		scan: func(r *row) (signalbox.SyncRun, error) { return scanSyncRun(r), nil },
	}
	if str != 0 { // a stream of another account has no runs of this one
		l.keep = func(r *row) bool { return r.int(2) == int64(lac) }
	}
	return fill(ctx, db, p, l)
}
