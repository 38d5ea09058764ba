package store

import (
	"fmt"
	"time"

	"signalbox"
)

// A partial index serves each of the two ways to be open; their terms must stand here word for word.
const (
	openOfWebhookSQL = `
SELECT id
  FROM deliveries
 WHERE workspace_id = $1 AND webhook_id = $2 AND done_at IS NULL AND due_at IS NOT NULL
 ORDER BY due_at, id
 LIMIT $3`

	unreadOfWebhookSQL = `
SELECT id
  FROM deliveries
 WHERE workspace_id = $1 AND webhook_id = $2 AND done_at IS NULL AND due_at IS NULL
 ORDER BY id
 LIMIT $3`
)

// sliceClose fails what a deleted webhook still had to send, or to be read. A delivery that is just being sent is failed too:
// its settle finds the lease gone.
func (t *tx) sliceClose(j *jobRow, now time.Time) error {
	left := signalbox.SliceRows
	for _, sql := range []string{openOfWebhookSQL, unreadOfWebhookSQL} {
		ids, err := t.ids(sql, id(j.Workspace), j.Subject, left)
		if err != nil {
			return err
		}
		for _, dlv := range ids {
			if _, err := t.failOpen(j.Workspace, dlv, signalbox.ReasonDeleted, now); err != nil {
				return err
			}
		}
		j.Done += int64(len(ids))
		left -= len(ids)
	}
	if left > 0 {
		j.end(signalbox.JobDone, now)
	}
	return nil
}

const failOpenSQL = `
UPDATE deliveries
   SET state = $3, reason = $4, done_at = $5, due_at = NULL, lease_node = NULL, lease_generation = NULL, manual_state = NULL,
       manual_reason = NULL, manual_due_at = NULL
 WHERE workspace_id = $1 AND id = $2 AND done_at IS NULL`

// failOpen ends a delivery that is open; whoever holds its lease settles nothing any more. It says whether it was open.
func (t *tx) failOpen(ws signalbox.WorkspaceID, dlv int64, reason string, now time.Time) (bool, error) {
	n, err := t.exec(failOpenSQL, id(ws), dlv, signalbox.Failed, reason, now)
	if err != nil {
		return false, fmt.Errorf("fail delivery: %w", err)
	}
	return n > 0, nil
}

// ids collects the first column of a statement that is bounded by its own LIMIT.
func (t *tx) ids(sql string, args ...any) ([]int64, error) {
	var list []int64
	err := t.query(sql, args, func(r *row) error {
		list = append(list, r.int(0))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("collect ids: %w", err)
	}
	return list, nil
}
