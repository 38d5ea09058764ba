package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

// Work on streams. Whoever changes a stream, a run or whose they are takes the workspace's head first, so that a slice is decided by what is there when it is
// saved. Rows of snapshots are written by slices alone, and read without the head: whoever has the stream is the only one to write them.

const leaseStreamSQL = `
UPDATE streams
   SET lease_node = $3,
       lease_generation = $4,
       run_id = $5,
       last_run_id = $6
 WHERE workspace_id = $1 AND id = $2`

// BeginSync leases a stream to a node and says what is to be done: the run that goes on, else a new one (Stream.NewRun) if it is due, and the quarantine. ok is
// false, and nothing is leased, when the stream is gone, is leased to another node whose lease holds, or has nothing to do. Of one that is paused, or whose account
// is inactive, there is only a decision to carry out. A lease that has ended begins nothing (Conflict), nor does a run whose id is not above those of the runs before
// (Unavailable): rows say by it when they were last seen.
func (db *DB) BeginSync(ctx context.Context, c signalbox.SyncClaim) (w signalbox.SyncWork, ok bool, err error) {
	err = db.write(ctx, classSettle, func(t *tx) error {
		w, ok = signalbox.SyncWork{}, false
		if err := t.lockHead(c.Workspace); err != nil {
			return err
		}
		s, err := t.stream(c.Workspace, c.Stream)
		if isNoSuch(err) {
			return t.setDue(streamDue(c.Workspace, c.Stream, time.Time{}))
		}
		if err != nil {
			return err
		}
		if err := t.holdsLease(c.Lease); err != nil {
			return err
		}
		if s.lease.Generation != 0 && s.lease != c.Lease {
			if taken, err := t.leaseHolds(s.lease); err != nil || taken {
				return err
			}
		}
		ok, err = t.begin(&c, &s, &w)
		return err
	})
	if err != nil {
		return signalbox.SyncWork{}, false, fmt.Errorf("begin work on a stream: %w", err)
	}
	return w, ok, nil
}

// begin says what is to be done with a stream that is free, and leases it if that is anything.
func (t *tx) begin(c *signalbox.SyncClaim, s *streamRow, w *signalbox.SyncWork) (ok bool, err error) {
	linked, err := t.linked(c.Workspace, s.Linked)
	if err != nil {
		return false, err
	}
	if w.Quarantine, err = t.syncRun(c.Workspace, s.Quarantine); err != nil {
		return false, err
	}
	rests := s.Paused || linked.Status != signalbox.LinkedActive
	if !rests {
		if err := t.beginRun(c, s, w); err != nil {
			return false, err
		}
	}
	due := streamDue(c.Workspace, c.Stream, c.Now.Add(signalbox.LeaseFor))
	if w.Run == nil && (w.Quarantine == nil || w.Quarantine.Decision == "") {
		if due.At = s.NextAt; rests {
			due.At = time.Time{}
		}
		return false, t.setDue(due)
	}
	if w.Names, err = t.fieldNames(c.Workspace, c.Stream); err != nil {
		return false, err
	}
	w.Stream = s.Stream
	_, err = t.exec(leaseStreamSQL, c.Workspace, c.Stream, c.Lease.Node, c.Lease.Generation, s.Run, s.lastRun)
	if err != nil {
		return false, fmt.Errorf("lease stream: %w", err)
	}
	return true, t.setDue(due)
}

// beginRun finds the run that goes on, or begins one that is due.
func (t *tx) beginRun(c *signalbox.SyncClaim, s *streamRow, w *signalbox.SyncWork) (err error) {
	if s.Run == 0 && !s.NextAt.After(c.Now) {
		return t.newRun(s, c.Run, c.Now, &w.Run)
	}
	w.Run, err = t.syncRun(c.Workspace, s.Run)
	return err
}

// newRun begins a run of a stream; the caller saves the stream.
func (t *tx) newRun(s *streamRow, run signalbox.SyncRunID, now time.Time, begun **signalbox.SyncRun) error {
	if run <= s.lastRun {
		return &signalbox.Error{Code: signalbox.Unavailable, RetryAfter: time.Second, Msg: "the clock is behind that of the stream's run before; it is tried again"}
	}
	r := s.NewRun(run, now)
	s.Run, s.lastRun, *begun = r.ID, r.ID, &r
	if err := each(t, insertSyncRunSQL, []signalbox.SyncRun{r}, bindSyncRun); err != nil {
		return fmt.Errorf("insert run: %w", err)
	}
	return t.raiseHead(s.Workspace, int64(run))
}

const namesSQL = `
SELECT number, name
  FROM stream_names
 WHERE workspace_id = $1 AND stream_id = $2 AND number > $3
 ORDER BY number
 LIMIT $4`

// fieldNames are the names of a stream's fields, in their order: SliceRows at a time, and a few thousand at most.
func (t *tx) fieldNames(ws signalbox.WorkspaceID, str signalbox.StreamID) (names []string, err error) {
	for last, full := int64(0), true; full; {
		n := 0
		err := t.query(namesSQL, []any{ws, str, last, signalbox.SliceRows}, func(r *row) error {
			n++
			last = r.int(0)
			names = append(names, r.text(1))
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the names of fields: %w", err)
		}
		full = n == signalbox.SliceRows
	}
	return names, nil
}

const startSyncRunSQL = `
UPDATE streams
   SET run_id = $3,
       last_run_id = $3
 WHERE workspace_id = $1 AND id = $2`

// StartSync returns the run that goes on, else makes one with this id, and makes the stream due now. Conflict when nothing of the stream is fetched.
func (db *DB) StartSync(ctx context.Context, ws signalbox.WorkspaceID, str signalbox.StreamID, run signalbox.SyncRunID, now time.Time) (signalbox.SyncRunID, error) {
	var at signalbox.SyncRunID
	err := db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(ws); err != nil {
			return err
		}
		s, err := t.stream(ws, str)
		if err != nil {
			return err
		}
		linked, err := t.linked(ws, s.Linked)
		switch {
		case err != nil:
			return err
		case s.Paused:
			return signalbox.Errorf(signalbox.Conflict, "the stream is paused: resume it first")
		case linked.Status != signalbox.LinkedActive:
			return signalbox.Errorf(signalbox.Conflict, "the linked account is %s: make it %s first", linked.Status, signalbox.LinkedActive)
		}
		if at = s.Run; at != 0 {
			return nil
		}
		var begun *signalbox.SyncRun
		if err := t.newRun(&s, run, now, &begun); err != nil {
			return err
		}
		at = run
		if _, err := t.exec(startSyncRunSQL, ws, str, run); err != nil {
			return fmt.Errorf("start run: %w", err)
		}
		if err := t.armDue(streamDue(ws, str, now)); err != nil {
			return err
		}
		return t.audit(ctx, ws, "stream.synced", aboutStream(&s.Stream), nil, signalbox.Facts{"run": int64(run)})
	})
	return at, err
}

const decideSyncRunSQL = `
UPDATE sync_runs
   SET decision = $3
 WHERE workspace_id = $1 AND id = $2`

// DecideSync notes a decision on the run that is a stream's quarantine, and makes the stream due now. Conflict for a run that waits for none, or for another one.
func (db *DB) DecideSync(ctx context.Context, ws signalbox.WorkspaceID, run signalbox.SyncRunID, d signalbox.SyncDecision, now time.Time) error {
	return db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(ws); err != nil {
			return err
		}
		r, err := t.syncRun(ws, run)
		if err != nil {
			return err
		}
		if r == nil {
			return signalbox.NoSuch("run")
		}
		s, err := t.stream(ws, r.Stream)
		if isNoSuch(err) { // its runs are about to be forgotten
			return signalbox.NoSuch("run")
		}
		switch {
		case err != nil:
			return err
		case r.Status != signalbox.SyncQuarantined:
			return signalbox.Errorf(signalbox.Conflict, "the run is %s: it waits for no decision", r.Status)
		case r.Closed != "":
			return signalbox.Errorf(signalbox.Conflict, "the quarantine is over: %s", r.Closed)
		case r.Decision != "" && r.Decision != d:
			return signalbox.Errorf(signalbox.Conflict, "the run is %s already", r.Decision)
		}
		if _, err := t.exec(decideSyncRunSQL, ws, run, string(d)); err != nil {
			return fmt.Errorf("decide on run: %w", err)
		}
		if err := t.armDue(streamDue(ws, r.Stream, now)); err != nil {
			return err
		}
		about := signalbox.Subject{Type: "sync_run", ID: int64(run), Name: s.API + "_" + s.RecordType}
		return t.audit(ctx, ws, "sync_run."+string(d), about, signalbox.Facts{"decision": string(r.Decision)}, signalbox.Facts{"decision": string(d)})
	})
}
