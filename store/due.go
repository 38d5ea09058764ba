package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"signalbox"
)

const armDueSQL = `
INSERT INTO due (kind, subject, workspace_id, at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, subject) DO UPDATE
   SET at = excluded.at
 WHERE excluded.at < due.at`

// armDue makes a subject due at d.At unless it is due earlier already.
func (t *tx) armDue(d signalbox.Due) error {
	_, err := t.exec(armDueSQL, int64(d.Kind), d.Subject, int64(d.Workspace), d.At)
	return err
}

// armAll makes lanes due, in one order: two transactions that make the same ones due wait for each other in turn.
func (t *tx) armAll(lanes map[signalbox.WebhookID]signalbox.Due) error {
	return each(t, armDueSQL, inOrder(lanes), bindDue)
}

func inOrder(lanes map[signalbox.WebhookID]signalbox.Due) []signalbox.Due {
	return slices.SortedFunc(maps.Values(lanes), func(a, b signalbox.Due) int {
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Subject, b.Subject))
	})
}

func bindDue(s *stmt, d *signalbox.Due) {
	s.int(int64(d.Kind)).int(d.Subject).id(int64(d.Workspace)).time(d.At)
}

const setDueSQL = `
INSERT INTO due (kind, subject, workspace_id, at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, subject) DO UPDATE
   SET at = excluded.at`

const deleteDueSQL = `
DELETE FROM due
 WHERE kind = $1
   AND subject = $2
   AND workspace_id = $3`

// lockDueSQL takes a due row, so that nobody makes it earlier between what its owner reads and what the owner sets it to.
const lockDueSQL = `
SELECT at
  FROM due
 WHERE kind = $1
   AND subject = $2
   AND workspace_id = $3`

// lockDue takes a subject's row until the transaction ends and says whether there is one. Without one, whoever is making it now is not seen:
// its owner may only make it earlier then, never set it. On SQLite the writer is the lock.
func (t *tx) lockDue(d signalbox.Due) (found bool, err error) {
	if t.pg == nil {
		return true, nil
	}
	return t.one(lockDueSQL, []any{int64(d.Kind), d.Subject, int64(d.Workspace)}, func(*row) {})
}

// saveDue sets the due rows of a decision, in one order.
func (t *tx) saveDue(d *signalbox.Decision) error {
	list := slices.Clone(d.Due) // the last word on a subject counts
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b signalbox.Due) int {
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
	})
	list = slices.CompactFunc(list, func(a, b signalbox.Due) bool { return a.Kind == b.Kind && a.Subject == b.Subject })
	gone := slices.DeleteFunc(slices.Clone(list), func(d signalbox.Due) bool { return !d.At.IsZero() })
	set := slices.DeleteFunc(list, func(d signalbox.Due) bool { return d.At.IsZero() })
	if err := each(t, setDueSQL, set, bindDue); err != nil {
		return err
	}
	if err := each(t, armDueSQL, soonest(d.Sooner), bindDue); err != nil {
		return err
	}
	return each(t, deleteDueSQL, gone, func(s *stmt, d *signalbox.Due) { s.int(int64(d.Kind)).int(d.Subject).id(int64(d.Workspace)) })
}

// soonest are the earliest of what is due, one for each subject, in one order.
func soonest(list []signalbox.Due) []signalbox.Due {
	list = slices.SortedFunc(slices.Values(list), func(a, b signalbox.Due) int {
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject), a.At.Compare(b.At))
	})
	return slices.CompactFunc(list, func(a, b signalbox.Due) bool { return a.Kind == b.Kind && a.Subject == b.Subject })
}

// setDue makes a subject due at exactly d.At; the zero time takes its row away.
func (t *tx) setDue(d signalbox.Due) error {
	if d.At.IsZero() {
		_, err := t.exec(deleteDueSQL, int64(d.Kind), d.Subject, int64(d.Workspace))
		return err
	}
	_, err := t.exec(setDueSQL, int64(d.Kind), d.Subject, int64(d.Workspace), d.At)
	return err
}

const nextDueSQL = `
SELECT at
  FROM due
 ORDER BY at
 LIMIT 1`

// NextDue says when the earliest subject is due; false when none waits.
func (db *DB) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	err = db.read(ctx, func(t *tx) error {
		ok, err = t.one(nextDueSQL, nil, func(r *row) { at = r.time(0) })
		return err
	})
	return at, ok, err
}

const selectDueSQL = `
SELECT kind, subject, workspace_id, at
  FROM due
 WHERE at <= $1
 ORDER BY at
 LIMIT $2`

// TakeDue returns at most limit subjects that are due at now, earliest first, and moves each to now + LeaseFor: whoever takes them and
// dies leaves them to fire again. A lease that has ended takes nothing (error with code Conflict).
func (db *DB) TakeDue(ctx context.Context, l signalbox.Lease, now time.Time, limit int) (taken []signalbox.Due, err error) {
	err = db.write(ctx, classSettle, func(t *tx) error {
		taken = nil
		if err := t.holdsLease(l); err != nil {
			return err
		}
		err := t.query(selectDueSQL, []any{now, limit}, func(r *row) error {
			taken = append(taken, signalbox.Due{
				Kind:      signalbox.DueKind(r.int(0)),
				Subject:   r.int(1),
				Workspace: signalbox.WorkspaceID(r.int(2)),
				At:        r.time(3),
			})
			return nil
		})
		if err != nil {
			return err
		}
		return each(t, setDueSQL, taken, func(s *stmt, d *signalbox.Due) {
			s.int(int64(d.Kind)).int(d.Subject).id(int64(d.Workspace)).time(now.Add(signalbox.LeaseFor))
		})
	})
	if err != nil {
		return nil, fmt.Errorf("take what is due: %w", err)
	}
	return taken, nil
}

// PutDue makes a subject due at d.At unless it is due earlier already.
func (db *DB) PutDue(ctx context.Context, d signalbox.Due) error {
	return db.write(ctx, classSettle, func(t *tx) error { return t.armDue(d) })
}

// RearmDue makes a subject due at exactly d.At; the zero time takes its row away.
func (db *DB) RearmDue(ctx context.Context, d signalbox.Due) error {
	return db.write(ctx, classSettle, func(t *tx) error { return t.setDue(d) })
}
