package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"signalbox"
)

// A recovery goes through the webhook's deliveries from its beginning to its end, and then, if it is asked for what never was one, through the
// workspace's events: the job's mark is the step, its cursor the last row that the step has seen. What it sets going is as new: pending, due now,
// with a schedule of its own. It paces itself, so that whoever cancels it keeps back what has not been set going.

// The steps of a recovery.
const (
	recoverDeliveries = 0
	recoverEvents     = 1
)

const endedOfWebhookSQL = `
SELECT id, event_id, event_name, state, reason
  FROM deliveries
 WHERE workspace_id = $1 AND webhook_id = $2 AND id > $3 AND id < $4 AND test = 0
 ORDER BY id
 LIMIT $5`

const (
	eventsBetweenSQL = `
SELECT id, workspace_id, name, caused_to, test
  FROM events
 WHERE id > $1 AND id < $2
 ORDER BY id
 LIMIT $3`

	eventsBetweenPostgresSQL = `
SELECT id, workspace_id, name, caused_to, test
  FROM events
 WHERE id > $1 AND id < $2 AND workspace_id = $4
 ORDER BY id
 LIMIT $3`
)

// deliveryOfSQL finds the delivery of an event for a webhook where an event's deliveries lie.
const deliveryOfSQL = `
SELECT 1
  FROM deliveries
 WHERE workspace_id = $1 AND id > $2 AND id <= $3 AND webhook_id = $4 AND event_id = $2
 LIMIT 1`

// recoveredSQL finds the one that a recovery made.
const recoveredSQL = `
SELECT delivery_id
  FROM recovered
 WHERE workspace_id = $1 AND event_id = $2 AND webhook_id = $3`

const recoveredOfEventSQL = `
SELECT delivery_id
  FROM recovered
 WHERE workspace_id = $1 AND event_id = $2
 ORDER BY delivery_id
 LIMIT $3`

const recoverDeliverySQL = `
UPDATE deliveries
   SET state = $3, reason = $4, attempts = 0, due_at = $5, done_at = NULL, lease_node = NULL, lease_generation = NULL, manual_state = NULL,
       manual_reason = NULL, manual_due_at = NULL
 WHERE workspace_id = $1 AND id = $2 AND done_at IS NOT NULL`

const insertRecoveredSQL = `
INSERT INTO recovered (workspace_id, event_id, webhook_id, delivery_id)
VALUES ($1, $2, $3, $4)`

const dropRecoveredSQL = `
DELETE FROM recovered
 WHERE workspace_id = $1 AND event_id = $2`

// missedBy says why an ended delivery would be sent again; "" when it would not: what is open goes by itself, and what was erased has nothing to send.
func missedBy(state signalbox.DeliveryState, reason string) signalbox.Missed {
	switch {
	case reason == signalbox.ReasonErased || reason == signalbox.ReasonExpired:
		return ""
	case state == signalbox.Failed:
		return signalbox.MissedFailed
	case state == signalbox.Skipped:
		return signalbox.MissedSkipped
	case state == signalbox.Delivered:
		return signalbox.MissedNothing
	}
	return ""
}

// recovery walks what a recovery would send, oldest first. It reads at most rows rows in a step, from step and cursor on, and calls found for each event that is
// asked for until that answers false.
type recovery struct {
	signalbox.Recovery
	webhook *signalbox.Webhook
	takes   Takes
	step    int64
	cursor  int64
}

// bounds are the ids between which the rows of the recovery's time lie.
func (r *recovery) bounds() (after, before int64) {
	return max(signalbox.FirstIDAt(r.From)-1, r.cursor), signalbox.FirstIDAt(r.To.Add(time.Millisecond))
}

// walk reads rows rows at most and says whether it came to the end.
func (r *recovery) walk(t *tx, rows int, found func(signalbox.Recoverable) (more bool, err error)) (done bool, err error) {
	if r.step == recoverDeliveries {
		ended, read, err := r.walkDeliveries(t, rows, found)
		if err != nil || !ended {
			return false, err
		}
		r.step, r.cursor = recoverEvents, 0
		rows -= read
	}
	if !r.Includes(signalbox.MissedNever) {
		return true, nil
	}
	if rows <= 0 {
		return false, nil
	}
	return r.walkEvents(t, rows, found)
}

func (r *recovery) walkDeliveries(t *tx, rows int, found func(signalbox.Recoverable) (bool, error)) (ended bool, read int, err error) {
	after, before := r.bounds()
	var list []signalbox.Recoverable
	err = t.query(endedOfWebhookSQL, []any{id(r.webhook.Workspace), id(r.webhook.ID), after, before, rows}, func(row *row) error {
		read++
		one := signalbox.Recoverable{
			Delivery: signalbox.DeliveryID(row.int(0)), Event: signalbox.EventID(row.int(1)), EventName: row.text(2),
			Why: missedBy(signalbox.DeliveryState(row.int(3)), row.text(4)), CreatedAt: signalbox.IDTime(signalbox.EventID(row.int(1))),
		}
		list = append(list, one)
		return nil
	})
	if err != nil {
		return false, read, fmt.Errorf("look for deliveries: %w", err)
	}
	for _, one := range list {
		if one.Why != "" && r.Includes(one.Why) && (r.Event == "" || r.Event == one.EventName) {
			if more, err := found(one); err != nil || !more {
				return false, read, err
			}
		}
		r.cursor = int64(one.Delivery)
	}
	return read < rows, read, nil
}

func (r *recovery) walkEvents(t *tx, rows int, found func(signalbox.Recoverable) (bool, error)) (ended bool, err error) {
	type event struct {
		signalbox.Recoverable
		ours     bool
		causedTo int64
	}
	after, before := r.bounds()
	var list []event
	err = t.query(eventsBetweenSQL, t.scoped(int64(r.webhook.Workspace), after, before, rows), func(row *row) error {
		e := event{causedTo: row.int(3)}
		e.Why, e.Event, e.EventName = signalbox.MissedNever, signalbox.EventID(row.int(0)), row.text(2)
		e.CreatedAt = signalbox.IDTime(e.Event)
		e.ours = row.int(1) == int64(r.webhook.Workspace) && !row.bool(4)
		list = append(list, e)
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look for events: %w", err)
	}
	for _, e := range list {
		if e.ours && r.webhook.Takes(e.EventName) && (r.Event == "" || r.Event == e.EventName) {
			missing, err := t.neverWas(r.webhook, r.takes, e.Event, e.causedTo)
			if err != nil {
				return false, err
			}
			if missing {
				if more, err := found(e.Recoverable); err != nil || !more {
					return false, err
				}
			}
		}
		r.cursor = int64(e.Event)
	}
	return len(list) < rows, nil
}

// Takes says whether a webhook's filter lets an event through that is kept as body.
type Takes func(w *signalbox.Webhook, body []byte) bool

// neverWas says whether a webhook has no delivery of an event that is kept in its format and that it takes.
func (t *tx) neverWas(w *signalbox.Webhook, takes Takes, evt signalbox.EventID, causedTo int64) (bool, error) {
	was, err := t.one(deliveryOfSQL, []any{id(w.Workspace), id(evt), causedTo, id(w.ID)}, func(*row) {})
	if err == nil && !was {
		was, err = t.one(recoveredSQL, []any{id(w.Workspace), id(evt), id(w.ID)}, func(*row) {})
	}
	if err != nil {
		return false, fmt.Errorf("look for a delivery: %w", err)
	}
	if was {
		return false, nil
	}
	body, err := t.eventBody(w.Workspace, evt, w.Format)
	return body != nil && (takes == nil || takes(w, body)), err
}

// previewFor is how long a preview looks: somebody waits for it.
const previewFor = time.Second

// PreviewRecovery says what a recovery of a webhook would send if it began now. NoSuch("webhook"), or Conflict when nothing can be sent to it.
func (db *DB) PreviewRecovery(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID, asked signalbox.Recovery) (signalbox.RecoveryPreview, error) {
	out := signalbox.RecoveryPreview{Counts: map[signalbox.Missed]int{}}
	var r recovery
	for start := time.Now(); ; {
		done := false
		err := db.read(ctx, func(t *tx) error {
			if r.webhook == nil {
				w, err := t.sendable(ws, wh)
				if err != nil {
					return err
				}
				r = recovery{Recovery: asked, webhook: w, takes: db.cfg.Takes}
			}
			var err error
			done, err = r.walk(t, signalbox.SliceRows, func(one signalbox.Recoverable) (bool, error) {
				out.Counts[one.Why]++
				if len(out.First) < signalbox.MaxRecoveryShown {
					out.First = append(out.First, one)
				}
				return true, nil
			})
			return err
		})
		switch {
		case err != nil:
			return signalbox.RecoveryPreview{}, fmt.Errorf("preview a recovery: %w", err)
		case done:
			return out, nil
		case out.Matching() >= signalbox.MaxRecoveryCounted || time.Since(start) > previewFor:
			out.AtLeast = true
			return out, nil
		}
	}
}

// sendable reads a webhook, and says why nothing can be sent to it again.
func (t *tx) sendable(ws signalbox.WorkspaceID, wh signalbox.WebhookID) (*signalbox.Webhook, error) {
	w, err := t.webhook(ws, wh)
	switch {
	case err != nil:
		return nil, err
	case w.Kind == signalbox.KindPull:
		return nil, signalbox.Errorf(signalbox.Conflict, "nothing is sent to a pull webhook: read its feed again from an earlier cursor")
	case !w.Enabled:
		return nil, errDisabled(&w)
	}
	return &w, nil
}

// CreateRecovery adds a job that sends again what a webhook has missed. j.Subject is the webhook; the errors are those of PreviewRecovery.
func (db *DB) CreateRecovery(ctx context.Context, j signalbox.Job, r signalbox.Recovery) error {
	return db.write(ctx, classManage, func(t *tx) error {
		w, err := t.sendable(j.Workspace, signalbox.WebhookID(j.Subject))
		if err != nil {
			return err
		}
		j.Kind, j.Status, j.Params = signalbox.JobRecover, signalbox.JobQueued, r.Text()
		if err := t.insertJob(&j); err != nil {
			return err
		}
		var facts signalbox.Facts
		if err := json.Unmarshal([]byte(j.Params), &facts); err != nil {
			return fmt.Errorf("tell of a recovery: %w", err)
		}
		if err := t.audit(ctx, j.Workspace, "webhook.recovery_started", aboutWebhook(w), nil, facts); err != nil {
			return err
		}
		return t.raiseHead(j.Workspace, int64(j.ID))
	})
}

// paceOf is how many deliveries one slice of a recovery sets going: a quarter of a second's.
func paceOf(rate int) int { return max(1, min(rate/4, signalbox.SliceRows/4)) }

// sliceRecover sets some deliveries going and says in ResumeAt when the next ones may follow.
func (t *tx) sliceRecover(j *jobRow, ids *signalbox.IDs, now time.Time) error {
	if now.Before(j.ResumeAt) {
		return nil
	}
	asked, err := signalbox.ParseRecovery(j.Params)
	if err != nil {
		return err
	}
	if err := t.lockHead(j.Workspace); err != nil {
		return err
	}
	w, err := t.sendable(j.Workspace, signalbox.WebhookID(j.Subject))
	var refused *signalbox.Error
	switch {
	case errors.As(err, &refused) && (refused.Code == signalbox.Conflict || refused.Code == signalbox.NotFound):
		j.Error = refused.Msg
		j.end(signalbox.JobFailed, now)
		return nil
	case err != nil:
		return err
	}
	r := recovery{Recovery: asked, webhook: w, takes: j.takes, step: j.mark, cursor: j.Cursor}
	set, most := 0, paceOf(asked.Rate)
	done, err := r.walk(t, signalbox.SliceRows, func(one signalbox.Recoverable) (bool, error) {
		if set == most {
			return false, nil
		}
		ok, err := t.setGoing(w, one, ids, now)
		if ok {
			set++
			j.Done++
		}
		return true, err
	})
	if err != nil {
		return err
	}
	j.mark, j.Cursor = r.step, r.cursor
	if set > 0 {
		j.ResumeAt = now.Add(time.Duration(set) * time.Second / time.Duration(asked.Rate))
		err = t.armDue(laneDue(j.Workspace, w.ID, now))
	}
	if done {
		j.end(signalbox.JobDone, now)
	}
	return err
}

// setGoing makes an event pending for a webhook; false when there is nothing to send any more, or somebody was quicker.
func (t *tx) setGoing(w *signalbox.Webhook, one signalbox.Recoverable, ids *signalbox.IDs, now time.Time) (bool, error) {
	if one.Delivery != 0 {
		body, err := t.eventBody(w.Workspace, one.Event, w.Format)
		if err != nil || body == nil {
			return false, err
		}
		n, err := t.exec(recoverDeliverySQL, id(w.Workspace), id(one.Delivery), signalbox.Pending, signalbox.ReasonRecovered, now)
		if err != nil {
			return false, fmt.Errorf("recover a delivery: %w", err)
		}
		return n > 0, nil
	}
	last, err := t.count(lockHeadSQL, int64(w.Workspace))
	if err != nil {
		return false, fmt.Errorf("read the head: %w", err)
	}
	ids.Above(last)
	d := signalbox.NewDelivery{Delivery: signalbox.Delivery{
		ID: signalbox.DeliveryID(ids.Next(now)), Workspace: w.Workspace, Webhook: w.ID, Event: one.Event, EventName: one.EventName,
		State: signalbox.Pending, Reason: signalbox.ReasonRecovered, DueAt: now, CreatedAt: now,
	}}
	if err := t.insertDeliveries([]signalbox.NewDelivery{d}); err != nil {
		return false, fmt.Errorf("make a delivery: %w", err)
	}
	if _, err := t.exec(insertRecoveredSQL, id(w.Workspace), id(one.Event), id(w.ID), id(d.ID)); err != nil {
		return false, fmt.Errorf("note a delivery: %w", err)
	}
	return true, t.raiseHead(w.Workspace, int64(d.ID))
}
