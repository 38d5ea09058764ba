package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"signalbox"
)

const runColumns = `id, workspace_id, automation_id, version, signal_id, account_id, contact_id, of_kind, happened, at, due_at, status, depth,
       reasons, actions, notice, events`

// runFields is how many columns runColumns are.
const runFields = 17

const insertRunSQL = `
INSERT INTO runs (id, workspace_id, automation_id, version, signal_id, account_id, contact_id, of_kind, happened, at, due_at, status, depth,
                  reasons, actions, notice, events, last_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`

const updateRunSQL = `
UPDATE runs
   SET automation_id = $3,
       version = $4,
       signal_id = $5,
       account_id = $6,
       contact_id = $7,
       of_kind = $8,
       happened = $9,
       at = $10,
       due_at = $11,
       status = $12,
       depth = $13,
       reasons = $14,
       actions = $15,
       notice = $16,
       events = $17,
       last_id = $18
 WHERE id = $1
   AND workspace_id = $2`

// saveRuns writes what became of automations that were started, and of runs that waited.
func (t *tx) saveRuns(d *signalbox.Decision) error {
	return written(t, insertRunSQL, updateRunSQL, d.Runs, func(w *signalbox.Written[signalbox.Run]) bool { return w.New }, bindRun)
}

func bindRun(s *stmt, w *signalbox.Written[signalbox.Run]) {
	r := w.Row
	last := int64(r.ID)
	for _, e := range r.Events {
		last = max(last, int64(e))
	}
	s.id(int64(r.ID)).id(int64(r.Workspace)).id(int64(r.Automation)).int(r.Version).id(int64(r.Signal)).id(int64(r.Account)).id(int64(r.Contact))
	s.int(int64(r.Of)).text(r.Happened).time(r.At).time(r.Due).text(string(r.Status)).int(int64(r.Depth))
	reasons := r.Reasons
	if reasons == nil {
		reasons = []signalbox.Reason{} // NULL is what was erased
	}
	s.encoded(reasons, true).encoded(r.Actions, r.Actions != nil).encoded(r.Notice, r.Notice != nil).encoded(r.Events, r.Events != nil).int(last)
}

// encoded binds a value as JSON; NULL where there is none.
func (s *stmt) encoded(v any, there bool) *stmt {
	if !there {
		return s.null()
	}
	text, err := json.Marshal(v)
	return s.json(text).bound(err)
}

const (
	paceSQL = `
SELECT packed
  FROM paces
 WHERE workspace_id = $1`

	savePaceSQL = `
INSERT INTO paces (workspace_id, packed)
VALUES ($1, $2)
ON CONFLICT (workspace_id) DO UPDATE
   SET packed = excluded.packed`
)

// savePaces keeps how many runs automations had this hour.
func (t *tx) savePaces(d *signalbox.Decision) error {
	list := make([]signalbox.WorkspaceID, 0, len(d.Paces))
	for ws := range d.Paces {
		list = append(list, ws)
	}
	return each(t, savePaceSQL, list, func(s *stmt, ws *signalbox.WorkspaceID) { s.id(int64(*ws)).blob(d.Paces[*ws]) })
}

func bindWorkspace(s *stmt, ws *signalbox.WorkspaceID) { s.id(int64(*ws)) }

// paces loads how many runs the automations of workspaces had.
func (l *loader) paces(n *signalbox.Need) error {
	return lookUp(l.t, paceSQL, 1, n.Paces, bindWorkspace, func(r *row, ws *signalbox.WorkspaceID) { l.s.Paces[*ws] = r.bytes(0) })
}

// findPaces is paces in a batch.
func (l *loader) findPaces(n *signalbox.Need) error {
	return findBatch(l.t, paceSQL, 1, n.Paces, bindWorkspace, func(r *row, ws *signalbox.WorkspaceID) error {
		l.s.Paces[*ws] = r.bytes(0)
		return nil
	})
}

const runSQL = `
SELECT ` + runColumns + `
  FROM runs
 WHERE workspace_id = $1 AND id = $2`

// runs loads the runs that the turn names, in any of its workspaces: the records that they are about are loaded with those that the turn names itself.
func (l *loader) runs(n *signalbox.Need) error {
	var bad error
	err := lookUp(l.t, runSQL, runFields, runsOf(n), bindScoped, func(r *row, _ *scoped[signalbox.RunID]) {
		if err := l.putRun(r, n); err != nil {
			bad = err
		}
	})
	if err != nil {
		return err
	}
	return bad
}

// findRuns is runs in a batch.
func (l *loader) findRuns(n *signalbox.Need) error {
	return findBatch(l.t, runSQL, runFields, runsOf(n), bindScoped, func(r *row, _ *scoped[signalbox.RunID]) error { return l.putRun(r, n) })
}

func runsOf(n *signalbox.Need) (asked []scoped[signalbox.RunID]) {
	for _, ws := range n.Workspaces {
		for _, run := range n.Runs {
			asked = append(asked, scoped[signalbox.RunID]{ws, run})
		}
	}
	return asked
}

func (l *loader) putRun(r *row, n *signalbox.Need) error {
	run, err := scanRun(r)
	if err != nil {
		return err
	}
	l.s.Runs[run.ID] = &run
	if run.Account != 0 {
		n.Accounts = append(n.Accounts, run.Account)
	}
	if run.Contact != 0 {
		n.Contacts = append(n.Contacts, run.Contact)
	}
	return nil
}

// runSignals loads the signals that runs were started by; one that is erased, or past retention, is left out.
func (l *loader) runSignals(*signalbox.Need) error {
	var asked []scoped[signalbox.SignalID]
	for _, run := range l.s.Runs {
		if run.Signal != 0 {
			asked = append(asked, scoped[signalbox.SignalID]{run.Workspace, run.Signal})
		}
	}
	if len(asked) == 0 {
		return nil
	}
	var list []signalbox.Signal
	err := lookUp(l.t, signalSQL, signalFields, asked, bindScoped, func(r *row, _ *scoped[signalbox.SignalID]) {
		if s := scanSignal(r); s.ErasedAt.IsZero() {
			list = append(list, s)
		}
	})
	if err != nil || len(list) == 0 {
		return err
	}
	if err := l.t.nameTypes(list); err != nil {
		return err
	}
	for i := range list {
		l.s.Signals[list[i].ID] = &list[i]
	}
	return nil
}

// Run answers a run of an automation, or NoSuch("run").
func (db *DB) Run(ctx context.Context, ws signalbox.WorkspaceID, run signalbox.RunID) (signalbox.Run, error) {
	var out signalbox.Run
	err := db.read(ctx, func(t *tx) error {
		var bad error
		found, err := t.one(runSQL, []any{id(ws), id(run)}, func(r *row) { out, bad = scanRun(r) })
		if err == nil {
			err = bad
		}
		return foundOr(found, err, "run")
	})
	return out, err
}

const runsOfAutomationSQL = `
SELECT ` + runColumns + `
  FROM runs
 WHERE workspace_id = $1 AND automation_id = $2 AND id < $3
 ORDER BY id DESC
 LIMIT $4`

// Runs answers a page of an automation's runs, newest first, deleted automations' too.
func (db *DB) Runs(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.AutomationID, p signalbox.Page) ([]signalbox.Run, int64, error) {
	return fill(ctx, db, p, listing[signalbox.Run]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(runsOfAutomationSQL, []any{id(ws), id(of), before, n}, each)
		},
		scan: scanRun,
	})
}

// The statements by which runs are found read partial indexes; their terms must stand here word for word.
const (
	runsOfSignalSQL = `
SELECT ` + runColumns + `
  FROM runs
 WHERE workspace_id = $1 AND signal_id = $2 AND reasons IS NOT NULL
 ORDER BY id
 LIMIT $3`

	runsOfAccountSQL = `
SELECT ` + runColumns + `
  FROM runs
 WHERE workspace_id = $1 AND account_id = $2 AND reasons IS NOT NULL
 ORDER BY id
 LIMIT $3`

	runsOfContactSQL = `
SELECT ` + runColumns + `
  FROM runs
 WHERE workspace_id = $1 AND contact_id = $2 AND reasons IS NOT NULL
 ORDER BY id
 LIMIT $3`
)

// RunsOfSignal answers the runs that a signal has started, in order, SliceRows at most.
func (db *DB) RunsOfSignal(ctx context.Context, ws signalbox.WorkspaceID, sig signalbox.SignalID) (list []signalbox.Run, err error) {
	err = db.read(ctx, func(t *tx) (err error) {
		list, err = t.foundRuns(runsOfSignalSQL, ws, int64(sig), signalbox.SliceRows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read runs of a signal: %w", err)
	}
	return list, nil
}

func (t *tx) foundRuns(sql string, ws signalbox.WorkspaceID, of int64, limit int) ([]signalbox.Run, error) {
	list := []signalbox.Run{}
	err := t.query(sql, []any{id(ws), of, limit}, func(r *row) error {
		run, err := scanRun(r)
		list = append(list, run)
		return err
	})
	return list, err
}

// scanRun reads a row of runColumns.
func scanRun(r *row) (signalbox.Run, error) {
	run := signalbox.Run{
		ID: signalbox.RunID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Automation: signalbox.AutomationID(r.int(2)), Version: r.int(3),
		Signal: signalbox.SignalID(r.int(4)), Account: signalbox.AccountID(r.int(5)), Contact: signalbox.ContactID(r.int(6)), Of: signalbox.RecordKind(r.int(7)),
		Happened: r.text(8), At: r.time(9), Due: r.time(10), Status: signalbox.RunStatus(r.text(11)), Depth: int(r.int(12)),
	}
	for column, into := range map[int]any{13: &run.Reasons, 14: &run.Actions, 15: &run.Notice, 16: &run.Events} {
		if text := r.bytes(column); text != nil {
			if err := json.Unmarshal(text, into); err != nil {
				return run, fmt.Errorf("run %d: %w", run.ID, err)
			}
		}
	}
	return run, nil
}

const eraseRunSQL = `
UPDATE runs
   SET reasons = NULL, actions = NULL, notice = NULL, due_at = NULL, status = CASE status WHEN 'waiting' THEN 'stopped' ELSE status END
 WHERE workspace_id = $1 AND id = $2`

// eraseRuns takes what runs hold of a signal or a record, and the bodies of what they sent; false when the slice is full before its end. One that waits never goes on.
func (t *tx) eraseRuns(sql string, ws signalbox.WorkspaceID, of int64, now time.Time, left *int) (bool, error) {
	for {
		if *left <= 0 {
			return false, nil
		}
		list, err := t.foundRuns(sql, ws, of, *left)
		if err != nil {
			return false, fmt.Errorf("find runs: %w", err)
		}
		if len(list) == 0 {
			return true, nil
		}
		for i := range list {
			if done, err := t.eraseRun(&list[i], now, left); err != nil || !done {
				return false, err
			}
		}
	}
}

// eraseRun erases what a run sent, and then the run: until it is marked, the next slice goes over what it sent again.
func (t *tx) eraseRun(r *signalbox.Run, now time.Time, left *int) (bool, error) {
	for _, evt := range r.Events {
		var causedTo int64
		found, err := t.one(eventSQL, []any{id(r.Workspace), id(evt)}, func(row *row) { causedTo = row.int(4) })
		if err != nil {
			return false, fmt.Errorf("find event: %w", err)
		}
		if !found {
			continue
		}
		if done, err := t.eraseEvent(r.Workspace, int64(evt), causedTo, now, left); err != nil || !done {
			return false, err
		}
	}
	if *left <= 0 {
		return false, nil
	}
	*left--
	if r.Status == signalbox.RunWaiting {
		if err := t.setDue(signalbox.Due{Kind: signalbox.DueRun, Workspace: r.Workspace, Subject: int64(r.ID)}); err != nil {
			return false, err
		}
	}
	if _, err := t.exec(eraseRunSQL, id(r.Workspace), id(r.ID)); err != nil {
		return false, fmt.Errorf("erase run: %w", err)
	}
	return true, nil
}

// agedRunsSQL answers the newest id of a run and of what it sent as caused_to; of one that waits none is old.
const agedRunsSQL = `
SELECT id, workspace_id, CASE status WHEN 'waiting' THEN 9223372036854775807 ELSE last_id END
  FROM runs
 WHERE id > $1 AND id < $2
 ORDER BY id
 LIMIT $3`

const agedRunsPostgresSQL = `
SELECT id, workspace_id, CASE status WHEN 'waiting' THEN 9223372036854775807 ELSE last_id END
  FROM runs
 WHERE id > $1 AND id < $2 AND workspace_id = $4
 ORDER BY id
 LIMIT $3`

const dropRunSQL = `
DELETE FROM runs
 WHERE workspace_id = $1 AND id = $2`

// dropRuns takes runs as old as events that are dropped: each stays for as long as what it sent, and as it waits.
func (t *tx) dropRuns(j *jobRow, w *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	end := keptFrom(w.Retention.EventDays, now)
	drop := t.drop(dropRunSQL)
	return t.sweep(j, agedRunsSQL, end, left, func(j *jobRow, a aged, left *int) (bool, error) {
		if a.causedTo >= end {
			*left--
			return true, nil
		}
		return drop(j, a, left)
	})
}
