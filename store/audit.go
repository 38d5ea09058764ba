package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"signalbox"
)

const insertAuditSQL = `
INSERT INTO audit_log (id, workspace_id, at, actor_type, actor_id, actor_name, action, subject_type, subject_id, subject_name, before, after,
                       request_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

// audit tells the audit log of a change, in the transaction that makes it. Nothing is told of a change that is nobody's act, nor of one that changed
// nothing.
func (t *tx) audit(ctx context.Context, ws signalbox.WorkspaceID, action string, about signalbox.Subject, before, after signalbox.Facts) error {
	act, ok := signalbox.ActOf(ctx)
	if !ok {
		return nil
	}
	was, is := signalbox.Diff(before, after)
	if was == nil && is == nil && before != nil {
		return nil
	}
	return t.insertAudit(&signalbox.AuditEntry{
		ID: act.Entry, Workspace: ws, At: act.At, Actor: act.Actor, Action: action, Subject: about, Before: was, After: is, Request: act.Request,
	})
}

func (t *tx) insertAudit(e *signalbox.AuditEntry) error {
	_, err := t.exec(insertAuditSQL, id(e.ID), id(e.Workspace), e.At, string(e.Actor.Type), id(signalbox.EntityID(e.Actor.ID)), e.Actor.Name, e.Action,
		e.Subject.Type, id(signalbox.EntityID(e.Subject.ID)), e.Subject.Name, textBytes(e.Before), textBytes(e.After), id(e.Request))
	if err != nil {
		return fmt.Errorf("insert audit entry: %w", err)
	}
	return nil
}

// saveAudit saves what a turn tells.
func (t *tx) saveAudit(d *signalbox.Decision) error {
	for i := range d.Audit {
		if err := t.insertAudit(&d.Audit[i]); err != nil {
			return err
		}
	}
	return nil
}

const auditSQL = `
SELECT id, workspace_id, at, actor_type, actor_id, actor_name, action, subject_type, subject_id, subject_name, before, after, request_id
  FROM audit_log
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

// AuditLog answers a page of what was changed in a workspace, newest first.
func (db *DB) AuditLog(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.AuditFilter, p signalbox.Page) ([]signalbox.AuditEntry, int64, error) {
	l := listing[signalbox.AuditEntry]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(auditSQL, []any{id(ws), before, n}, each)
		},
		scan: func(r *row) (signalbox.AuditEntry, error) { return scanAudit(r), nil },
	}
	if f != (signalbox.AuditFilter{}) {
		l.keep = func(r *row) bool { return keepsAudit(&f, r) }
	}
	return fill(ctx, db, p, l)
}

// keepsAudit reads no more of a row than the filter asks for.
func keepsAudit(f *signalbox.AuditFilter, r *row) bool {
	at := r.time(2)
	action := r.text(6)
	return (f.From.IsZero() || !at.Before(f.From)) && (f.To.IsZero() || !at.After(f.To)) &&
		(f.Actor == 0 || r.int(4) == f.Actor) && (f.Subject == 0 || r.int(8) == f.Subject) &&
		(f.Action == "" || action == f.Action || strings.HasPrefix(action, f.Action+"."))
}

// scanAudit reads a row of auditSQL.
func scanAudit(r *row) signalbox.AuditEntry {
	return signalbox.AuditEntry{
		ID: signalbox.AuditID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), At: r.time(2),
		Actor:   signalbox.Actor{Type: signalbox.ActorType(r.text(3)), ID: r.int(4), Name: r.text(5)},
		Action:  r.text(6),
		Subject: signalbox.Subject{Type: r.text(7), ID: r.int(8), Name: r.text(9)},
		Before:  r.bytes(10), After: r.bytes(11), Request: signalbox.RequestID(r.int(12)),
	}
}

const eraseAuditSQL = `
UPDATE audit_log
   SET subject_name = '', before = NULL, after = NULL
 WHERE id IN (SELECT id
                FROM audit_log
               WHERE subject_id = $2
                 AND (before IS NOT NULL OR after IS NOT NULL OR subject_name <> '')
               ORDER BY id
               LIMIT $3)
   AND workspace_id = $1`

const eraseAuditPostgresSQL = `
UPDATE audit_log
   SET subject_name = '', before = NULL, after = NULL
 WHERE workspace_id = $1
   AND id IN (SELECT id
                FROM audit_log
               WHERE workspace_id = $1
                 AND subject_id = $2
                 AND (before IS NOT NULL OR after IS NOT NULL OR subject_name <> '')
               ORDER BY id
               LIMIT $3)`

// eraseAudit takes what the audit log tells of an erased record; false when the slice is full before its end. That it was changed, when and by whom, stays.
func (t *tx) eraseAudit(j *jobRow, left *int) (bool, error) {
	if *left <= 0 {
		return false, nil
	}
	n, err := t.exec(eraseAuditSQL, id(j.Workspace), j.Subject, *left)
	if err != nil {
		return false, fmt.Errorf("erase audit entries: %w", err)
	}
	*left -= int(n)
	return *left > 0, nil
}

const dropAuditSQL = `
DELETE FROM audit_log
 WHERE workspace_id = $1
   AND id IN (SELECT id
                FROM audit_log
               WHERE workspace_id = $1 AND id < $2
               ORDER BY id
               LIMIT $3)`

// dropAudit forgets what was changed more than AuditDays ago.
func (t *tx) dropAudit(j *jobRow, _ *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	return t.dropBelow(j, dropAuditSQL, keptFrom(signalbox.AuditDays, now), left)
}

const dropSessionsSQL = `
DELETE FROM sessions
 WHERE workspace_id = $1
   AND id IN (SELECT id
                FROM sessions
               WHERE workspace_id = $1 AND expires_at < $2
               LIMIT $3)`

// dropSessions forgets sessions that have ended by themselves.
func (t *tx) dropSessions(j *jobRow, _ *signalbox.Workspace, now time.Time, left *int) (bool, error) {
	return t.dropBelow(j, dropSessionsSQL, now.UnixMicro(), left)
}

// dropBelow deletes at most a slice of what lies below a bound; false when there may be more.
func (t *tx) dropBelow(j *jobRow, sql string, bound int64, left *int) (bool, error) {
	asked := *left
	n, err := t.exec(sql, id(j.Workspace), bound, asked)
	if err != nil {
		return false, fmt.Errorf("drop old rows: %w", err)
	}
	*left -= int(n)
	j.Done += n
	return int(n) < asked, nil
}
