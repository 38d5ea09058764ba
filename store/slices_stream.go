package store

import (
	"fmt"
	"time"

	"signalbox"
)

const (
	dropSnapshotsSQL = `
DELETE FROM snapshots
 WHERE workspace_id = $1
   AND stream_id = $2
   AND record IN (SELECT record
                    FROM snapshots
                   WHERE workspace_id = $1 AND stream_id = $2
                   ORDER BY record
                   LIMIT $3)`

	dropNamesSQL = `
DELETE FROM stream_names
 WHERE workspace_id = $1
   AND stream_id = $2
   AND number IN (SELECT number
                    FROM stream_names
                   WHERE workspace_id = $1 AND stream_id = $2
                   ORDER BY number
                   LIMIT $3)`

	dropStreamRunsSQL = `
DELETE FROM sync_runs
 WHERE workspace_id = $1
   AND id IN (SELECT id
                FROM sync_runs
               WHERE workspace_id = $1 AND stream_id = $2
               ORDER BY id
               LIMIT $3)`

	dropStreamSQL = `
DELETE FROM streams
 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NOT NULL`
)

// sliceStream forgets a deleted stream: its records, the names of their fields, its runs, and at last itself.
func (t *tx) sliceStream(j *jobRow, now time.Time) error {
	left := int64(signalbox.SliceRows)
	for _, sql := range []string{dropSnapshotsSQL, dropNamesSQL, dropStreamRunsSQL} {
		n, err := t.exec(sql, id(j.Workspace), j.Subject, left)
		if err != nil {
			return fmt.Errorf("forget stream %d: %w", j.Subject, err)
		}
		j.Done += n
		if left -= n; left == 0 {
			return nil
		}
	}
	if _, err := t.exec(dropStreamSQL, id(j.Workspace), j.Subject); err != nil {
		return fmt.Errorf("forget stream %d: %w", j.Subject, err)
	}
	j.end(signalbox.JobDone, now)
	return nil
}

// dropOldRunsSQL leaves what may still be asked for: a run that goes on, and one that waits for a decision.
const dropOldRunsSQL = `
DELETE FROM sync_runs
 WHERE workspace_id = $1
   AND id IN (SELECT id
                FROM sync_runs
               WHERE workspace_id = $1 AND id < $2 AND ended_at IS NOT NULL AND (status <> 'quarantined' OR closed <> '')
               ORDER BY id
               LIMIT $3)`

// dropRuns forgets runs of streams with the events of their time.
func (t *tx) dropRuns(j *jobRow, w *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	return t.dropBelow(j, dropOldRunsSQL, keptFrom(w.Retention.EventDays, now), left)
}
