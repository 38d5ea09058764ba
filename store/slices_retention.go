package store

import (
	"fmt"
	"time"

	"signalbox"
)

// Retention goes through its steps one after the other: the job's mark is the step, its cursor the last row the step has seen.
// An event goes together with its deliveries and their attempts, in one transaction unless they are more than a slice; the
// steps after it take what events left behind. A delivery that is still open has nothing to send once its event is gone: it is
// over with it, and its row goes in the same slice.
var retentionSteps = []func(*tx, *jobRow, *signalbox.Workspace, time.Time, *int) (bool, error){
	(*tx).dropEvents, (*tx).dropDeliveries, (*tx).dropAttempts, (*tx).dropSignals, (*tx).dropAnswered,
	(*tx).dropAudit, (*tx).dropSessions, (*tx).dropLogs, (*tx).dropTallies, (*tx).dropRuns,
}

// sliceRetention drops what is past the workspace's days at now, as far as one slice goes.
func (t *tx) sliceRetention(j *jobRow, now time.Time) error {
	w, err := t.workspace(j.Workspace)
	if err != nil {
		return err
	}
	for left := signalbox.SliceRows; left > 0; {
		done, err := retentionSteps[j.mark](t, j, &w, now, &left)
		if err != nil {
			return err
		}
		if !done {
			continue
		}
		j.mark, j.Cursor = j.mark+1, 0
		if int(j.mark) == len(retentionSteps) {
			j.end(signalbox.JobDone, now)
			return nil
		}
	}
	return nil
}

// keptFrom is the smallest id that is kept for some days at now: 0 days keep everything.
func keptFrom(days int, now time.Time) int64 {
	if days == 0 {
		return 0
	}
	return signalbox.FirstIDAt(now.AddDate(0, 0, -days))
}

// aged is a row of a table that grows, as the steps look at it.
type aged struct{ id, workspace, causedTo int64 }

// The statements that look for old rows name no workspace: these tables are in the order of their ids alone, and a WHERE that
// no index serves would read without bound. The steps pass over what is not the workspace's.
const (
	agedEventsSQL = `
SELECT id, workspace_id, caused_to
  FROM events
 WHERE id > $1 AND id < $2
 ORDER BY id
 LIMIT $3`

	agedDeliveriesSQL = `
SELECT id, workspace_id, 0
  FROM deliveries
 WHERE id > $1 AND id < $2
 ORDER BY id
 LIMIT $3`

	agedAttemptsSQL = `
SELECT id, workspace_id, 0
  FROM attempts
 WHERE id > $1 AND id < $2
 ORDER BY id
 LIMIT $3`

	agedSignalsSQL = `
SELECT id, workspace_id, 0
  FROM signals
 WHERE id > $1 AND id < $2
 ORDER BY id
 LIMIT $3`

	agedLogsSQL = `
SELECT id, workspace_id, 0
  FROM logs
 WHERE id > $1 AND id < $2
 ORDER BY id
 LIMIT $3`
)

const (
	dropEventSQL = `
DELETE FROM events
 WHERE workspace_id = $1 AND id = $2`

	dropDeliverySQL = `
DELETE FROM deliveries
 WHERE workspace_id = $1 AND id = $2`

	dropAttemptSQL = `
DELETE FROM attempts
 WHERE workspace_id = $1 AND id = $2`

	dropSignalSQL = `
DELETE FROM signals
 WHERE workspace_id = $1 AND id = $2`

	dropLogSQL = `
DELETE FROM logs
 WHERE workspace_id = $1 AND id = $2`
)

func (t *tx) dropEvents(j *jobRow, w *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	return t.sweep(j, agedEventsSQL, keptFrom(w.Retention.EventDays, now), left, t.dropEvent)
}

func (t *tx) dropDeliveries(j *jobRow, w *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	return t.sweep(j, agedDeliveriesSQL, keptFrom(w.Retention.EventDays, now), left, func(j *jobRow, a aged, left *int) (bool, error) {
		return t.dropDelivery(j, a.id, left)
	})
}

func (t *tx) dropAttempts(j *jobRow, w *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	return t.sweep(j, agedAttemptsSQL, keptFrom(w.Retention.EventDays, now), left, t.drop(dropAttemptSQL))
}

// dropSignals leaves chains as they are: a record's timeline just ends at the first signal that is missing. What signals gave to scores goes with them.
func (t *tx) dropSignals(j *jobRow, w *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	before := j.Done
	var gone []signalbox.Signal
	drop := t.drop(dropSignalSQL)
	done, err := t.sweep(j, agedSignalsSQL, keptFrom(w.Retention.SignalDays, now), left, func(j *jobRow, a aged, left *int) (bool, error) {
		_, err := t.one(signalSQL, []any{id(j.Workspace), a.id}, func(r *row) {
			if s := scanSignal(r); s.ErasedAt.IsZero() {
				gone = append(gone, s)
			}
		})
		if err != nil {
			return false, fmt.Errorf("read signal: %w", err)
		}
		return drop(j, a, left)
	})
	if err == nil && len(gone) > 0 {
		if err = t.holdStill(j.Workspace); err == nil {
			err = t.uncount(j, gone, now)
		}
	}
	if err == nil && j.Done > before {
		_, err = t.exec(countedSignalsSQL, id(j.Workspace), before-j.Done)
	}
	return done, err
}

func (t *tx) dropLogs(j *jobRow, w *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	return t.sweep(j, agedLogsSQL, keptFrom(w.Retention.EventDays, now), left, t.drop(dropLogSQL))
}

// sweep looks at the rows with ids between the job's cursor and end, and has drop take the workspace's own. It returns true
// when there are no more, false when the slice is full; a drop that answers false is called again for the same row.
func (t *tx) sweep(j *jobRow, sql string, end int64, left *int, drop func(*jobRow, aged, *int) (bool, error)) (bool, error) {
	if end == 0 {
		return true, nil
	}
	var rows []aged
	asked := *left
	err := t.query(sql, t.scoped(int64(j.Workspace), j.Cursor, end, asked), func(r *row) error {
		rows = append(rows, aged{id: r.int(0), workspace: r.int(1), causedTo: r.int(2)})
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look for old rows: %w", err)
	}
	for _, a := range rows {
		if *left <= 0 {
			return false, nil
		}
		if a.workspace == int64(j.Workspace) {
			gone, err := drop(j, a, left)
			if err != nil || !gone {
				return false, err
			}
		} else {
			*left--
		}
		j.Cursor = a.id
	}
	return len(rows) < asked, nil
}

// drop makes a drop that deletes the row alone.
func (t *tx) drop(sql string) func(*jobRow, aged, *int) (bool, error) {
	return func(j *jobRow, a aged, left *int) (bool, error) {
		_, err := t.exec(sql, id(j.Workspace), a.id)
		if err != nil {
			return false, fmt.Errorf("drop row: %w", err)
		}
		*left--
		j.Done++
		return true, nil
	}
}

const deliveriesOfEventSQL = `
SELECT id
  FROM deliveries
 WHERE workspace_id = $1 AND id > $2 AND id <= $3 AND event_id = $2
 ORDER BY id
 LIMIT $4`

// deliveriesOfEvent are the deliveries of an event, those that recoveries made of it too; at most limit.
func (t *tx) deliveriesOfEvent(ws signalbox.WorkspaceID, evt, causedTo int64, limit int) ([]int64, error) {
	list, err := t.ids(deliveriesOfEventSQL, id(ws), evt, causedTo, limit)
	if err != nil || len(list) >= limit {
		return list, err
	}
	later, err := t.ids(recoveredOfEventSQL, id(ws), evt, limit-len(list))
	return append(list, later...), err
}

// dropEvent takes an event once all its deliveries are gone; false when the slice was full before.
func (t *tx) dropEvent(j *jobRow, a aged, left *int) (bool, error) {
	for *left > 0 {
		asked := *left
		ids, err := t.deliveriesOfEvent(j.Workspace, a.id, a.causedTo, asked)
		if err != nil {
			return false, err
		}
		for _, dlv := range ids {
			if gone, err := t.dropDelivery(j, dlv, left); err != nil || !gone {
				return false, err
			}
		}
		if len(ids) < asked {
			if _, err := t.exec(dropRecoveredSQL, id(j.Workspace), a.id); err != nil {
				return false, fmt.Errorf("forget what was recovered: %w", err)
			}
			return t.drop(dropEventSQL)(j, a, left)
		}
	}
	return false, nil
}

const attemptsToDropSQL = `
SELECT id
  FROM attempts
 WHERE workspace_id = $1 AND delivery_id = $2
 ORDER BY id
 LIMIT $3`

// dropDelivery takes a delivery once all its attempts are gone; false when the slice was full before.
func (t *tx) dropDelivery(j *jobRow, dlv int64, left *int) (bool, error) {
	if *left <= 0 {
		return false, nil
	}
	asked := *left
	ids, err := t.ids(attemptsToDropSQL, id(j.Workspace), dlv, asked)
	if err != nil {
		return false, err
	}
	for _, att := range ids {
		if _, err := t.drop(dropAttemptSQL)(j, aged{id: att}, left); err != nil {
			return false, err
		}
	}
	if len(ids) == asked {
		return false, nil
	}
	return t.drop(dropDeliverySQL)(j, aged{id: dlv}, left)
}

// dropAnsweredSQL takes whole days, oldest first, by the primary key.
const dropAnsweredSQL = `
DELETE FROM answered
 WHERE (workspace_id, day, key) IN (SELECT workspace_id, day, key
                                      FROM answered
                                     WHERE workspace_id = $1 AND day < $2
                                     ORDER BY day, key
                                     LIMIT $3)`

// dropAnswered forgets idempotency keys: a look-up probes today and the AnswerDays before it.
func (t *tx) dropAnswered(j *jobRow, _ *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	today := now.Unix() / (24 * 60 * 60)
	return t.dropBelow(j, dropAnsweredSQL, today-signalbox.AnswerDays, left)
}
