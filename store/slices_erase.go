package store

import (
	"fmt"
	"time"

	"signalbox"
)

// Erasing takes a record's values away and leaves rows that say nothing: its keys first, so that nothing new is matched to it;
// then its timeline, signal by signal from the newest, with the bodies of the events that each caused, what receivers
// answered to them and what runs of automations hold of it; then the runs that are about it without a signal; last its own row. Rows stay because chains and logs lead through them.
//
// The job's mark is 0 until the keys are gone, then the newest signal that the walk began at, and markPurge when all is
// blanked; the cursor is the signal that the walk goes on with, 0 at its end.

// markPurge is the mark of a job whose work is committed and whose traces are still to leave the log.
const markPurge = -1

// erasure is what erasing a kind of record takes.
type erasure struct {
	kind   signalbox.RecordKind
	thing  string
	chain  chain
	exists string // answers a row when the record is the workspace's, erased or not
	unlink string // "", or takes a slice of the rows that name the record away from it
	runs   string // answers runs that are about the record
	blank  string
}

const unlinkAccountSQL = `
UPDATE contacts
   SET account_id = NULL, revision = revision + 1, updated_at = $3
 WHERE id IN (SELECT id
                FROM contacts
               WHERE account_id = $2
               ORDER BY id
               LIMIT $4)
   AND workspace_id = $1`

// forgetSQL voids what any process remembers of a workspace's records.
const forgetSQL = `
UPDATE heads
   SET changes = NULL
 WHERE workspace_id = $1`

var accountErasure = erasure{
	kind:  signalbox.AccountRecord,
	thing: "account",
	chain: accountChain,
	exists: `
SELECT 1
  FROM accounts
 WHERE workspace_id = $1 AND id = $2`,
	unlink: unlinkAccountSQL,
	runs:   runsOfAccountSQL,
	blank: `
UPDATE accounts
   SET domain = '', name = '', status = '', attributes = NULL, merged = NULL, sorted = '', revision = revision + 1, updated_at = $3,
       erased_at = coalesce(erased_at, $3)
 WHERE workspace_id = $1 AND id = $2`,
}

var contactErasure = erasure{
	kind:  signalbox.ContactRecord,
	thing: "contact",
	chain: contactChain,
	exists: `
SELECT 1
  FROM contacts
 WHERE workspace_id = $1 AND id = $2`,
	runs: runsOfContactSQL,
	blank: `
UPDATE contacts
   SET account_id = NULL, email = '', first_name = '', last_name = '', title = '', linkedin_url = '', attributes = NULL,
       merged = NULL, sorted = '', by_hand = 0, revision = revision + 1, updated_at = $3, erased_at = coalesce(erased_at, $3)
 WHERE workspace_id = $1 AND id = $2`,
}

// sliceErase does one slice of an erasure. A record that is not there fails the job; one that is erased already is looked
// through again, which costs little.
func (t *tx) sliceErase(j *jobRow, e erasure, now time.Time) error {
	if err := t.holdStill(j.Workspace); err != nil { // no turn is about to save a signal of the record
		return err
	}
	found, err := t.one(e.exists, []any{id(j.Workspace), j.Subject}, func(*row) {})
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", e.thing, err)
	case !found:
		j.Error = "no such " + e.thing
		j.end(signalbox.JobFailed, now)
		return nil
	}
	left := signalbox.SliceRows
	if j.mark == 0 {
		if done, err := t.beginErase(j, e, now, &left); err != nil || !done {
			return err
		}
	}
	if done, err := t.walkErase(j, e, now, &left); err != nil || !done {
		return err
	}
	s, err := t.state(j.Workspace, signalbox.EntityID(j.Subject))
	if err != nil && !isNoSuch(err) {
		return err
	}
	if int64(s.LastSignal) > j.mark { // one came in before the keys were gone from every turn: walk again
		j.mark, j.Cursor = int64(s.LastSignal), int64(s.LastSignal)
		return nil
	}
	if done, err := t.eraseRuns(e.runs, j.Workspace, j.Subject, now, &left); err != nil || !done {
		return err
	}
	if done, err := t.eraseAudit(j, &left); err != nil || !done {
		return err
	}
	if err := t.forgetWords(j.Workspace, e.kind, signalbox.EntityID(j.Subject)); err != nil {
		return err
	}
	if _, err := t.exec(e.blank, id(j.Workspace), j.Subject, now); err != nil {
		return fmt.Errorf("blank %s: %w", e.thing, err)
	}
	j.Done++
	j.mark = markPurge
	return nil
}

const freeKeysSQL = `
DELETE FROM record_keys
 WHERE workspace_id = $1 AND entity_id = $2`

// beginErase takes the record's keys and what names it, and sets the walk to the head of its timeline; false when the slice is full.
func (t *tx) beginErase(j *jobRow, e erasure, now time.Time, left *int) (bool, error) {
	if _, err := t.exec(freeKeysSQL, id(j.Workspace), j.Subject); err != nil {
		return false, fmt.Errorf("free keys: %w", err)
	}
	for _, sql := range []string{dropProposalsFromSQL, dropProposalsIntoSQL, dropImportedSQL} {
		if _, err := t.exec(sql, id(j.Workspace), j.Subject); err != nil {
			return false, fmt.Errorf("drop proposals: %w", err)
		}
	}
	if e.unlink != "" {
		n, err := t.exec(e.unlink, id(j.Workspace), j.Subject, now, *left)
		if err != nil {
			return false, fmt.Errorf("unlink %s: %w", e.thing, err)
		}
		if *left -= int(n); *left <= 0 {
			return false, nil
		}
	}
	s, err := t.state(j.Workspace, signalbox.EntityID(j.Subject))
	if err != nil && !isNoSuch(err) {
		return false, err
	}
	j.mark, j.Cursor, j.Matching = max(int64(s.LastSignal), 1), int64(s.LastSignal), s.Signals+1
	return true, nil
}

// walkErase blanks the timeline from the cursor on; false when the slice is full before its end. What the signals gave to scores, of others too, goes
// with them.
func (t *tx) walkErase(j *jobRow, e erasure, now time.Time, left *int) (bool, error) {
	var gone []signalbox.Signal
	done, err := t.walkOn(j, e, now, left, &gone)
	if err == nil {
		err = t.uncount(j, gone, now)
	}
	return done, err
}

func (t *tx) walkOn(j *jobRow, e erasure, now time.Time, left *int, gone *[]signalbox.Signal) (bool, error) {
	for j.Cursor != 0 {
		if *left <= 0 {
			return false, nil
		}
		*left--
		var prev int64
		var s signalbox.Signal
		found, err := t.one(signalSQL, []any{id(j.Workspace), j.Cursor}, func(r *row) {
			prev, s = r.int(e.chain.prev), scanSignal(r)
		})
		switch {
		case err != nil:
			return false, fmt.Errorf("walk timeline: %w", err)
		case found && s.ErasedAt.IsZero():
			if done, err := t.eraseSignal(j, s.CausedTo, now, left); err != nil || !done {
				return false, err
			}
			*gone = append(*gone, s)
			j.Done++
		}
		j.Cursor = prev
	}
	return true, nil
}

const eventsOfSignalSQL = `
SELECT id, caused_to
  FROM events
 WHERE workspace_id = $1 AND id > $2 AND id <= $3 AND signal_id = $2
 ORDER BY id
 LIMIT 1000`

const eraseSignalSQL = `
UPDATE signals
   SET source = '', properties = NULL, points = 0, rules = NULL, event_name = NULL, erased_at = $3
 WHERE workspace_id = $1 AND id = $2`

// eraseSignal blanks the signal at the cursor and all that it caused. The signal comes last: until it is marked, the next
// slice goes over what it caused again, which changes only what is left.
func (t *tx) eraseSignal(j *jobRow, causedTo int64, now time.Time, left *int) (bool, error) {
	type caused struct{ id, to int64 }
	var events []caused
	err := t.query(eventsOfSignalSQL, []any{id(j.Workspace), j.Cursor, causedTo}, func(r *row) error {
		events = append(events, caused{r.int(0), r.int(1)})
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("find events: %w", err)
	}
	for _, evt := range events {
		if done, err := t.eraseEvent(j.Workspace, evt.id, evt.to, now, left); err != nil || !done {
			return false, err
		}
	}
	if done, err := t.eraseRuns(runsOfSignalSQL, j.Workspace, j.Cursor, now, left); err != nil || !done {
		return false, err
	}
	if _, err := t.exec(eraseSignalSQL, id(j.Workspace), j.Cursor, now); err != nil {
		return false, fmt.Errorf("erase signal: %w", err)
	}
	return true, nil
}

const eraseEventSQL = `
UPDATE events
   SET stairoids = NULL, standard = NULL, vendor = NULL, request = NULL
 WHERE workspace_id = $1 AND id = $2
   AND (stairoids IS NOT NULL OR standard IS NOT NULL OR vendor IS NOT NULL OR request IS NOT NULL)`

const eraseAttemptsSQL = `
UPDATE attempts
   SET headers = NULL, body = NULL
 WHERE id IN (SELECT id
                FROM attempts
               WHERE delivery_id = $2 AND (headers IS NOT NULL OR body IS NOT NULL)
               ORDER BY id
               LIMIT $3)
   AND workspace_id = $1`

// eraseEvent takes an event's bodies and where an automation sent them, fails its open deliveries and takes what receivers answered; false when the slice is full. An
// event has at most MaxWebhooks deliveries, so that looking at them anew always leaves room for what is to be done.
func (t *tx) eraseEvent(ws signalbox.WorkspaceID, evt, causedTo int64, now time.Time, left *int) (bool, error) {
	n, err := t.exec(eraseEventSQL, id(ws), evt)
	if err != nil {
		return false, fmt.Errorf("erase event: %w", err)
	}
	*left -= int(n)
	ids, err := t.deliveriesOfEvent(ws, evt, causedTo, signalbox.SliceRows)
	if err != nil {
		return false, err
	}
	for _, dlv := range ids {
		if *left <= 0 {
			return false, nil
		}
		*left--
		if _, err := t.failOpen(ws, dlv, signalbox.ReasonErased, now); err != nil {
			return false, err
		}
		n, err := t.exec(eraseAttemptsSQL, id(ws), dlv, *left)
		if err != nil {
			return false, fmt.Errorf("erase answers: %w", err)
		}
		*left -= int(n)
	}
	return true, nil
}
