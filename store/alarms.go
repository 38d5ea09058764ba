package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

// TellAlarm has tell say what administrators are written of a quarantined run, and saves that in the transaction that takes the run's due row away: each is
// told once. next makes ids that lie above all others of the workspace. Of a run that is gone, or over, nobody is told. told says whether somebody was.
func (db *DB) TellAlarm(ctx context.Context, ws signalbox.WorkspaceID, run signalbox.SyncRunID, ids *signalbox.IDs, now time.Time, tell func(a signalbox.SyncAlarm, next func() int64) []signalbox.Mail) (told bool, err error) {
	err = db.write(ctx, classSettle, func(t *tx) error {
		told = false
		var last int64
		if _, err := t.one(lockHeadSQL, []any{ws}, func(r *row) { last = r.int(0) }); err != nil {
			return err
		}
		a, found, err := t.alarm(ws, run)
		if err != nil {
			return err
		}
		if found {
			ids.Above(last)
			mails := tell(a, func() int64 {
				last = ids.Next(now)
				return last
			})
			for i := range mails {
				told = true
				if err := t.insertMail(&mails[i]); err != nil {
					return err
				}
			}
			if err := t.raiseHead(ws, last); err != nil {
				return err
			}
		}
		return t.setDue(signalbox.Due{Kind: signalbox.DueAlarm, Workspace: ws, Subject: int64(run)})
	})
	if err != nil {
		return false, fmt.Errorf("tell of a quarantined run: %w", err)
	}
	return told, nil
}

// alarm finds a run that waits for a decision, with what it is of.
func (t *tx) alarm(ws signalbox.WorkspaceID, run signalbox.SyncRunID) (a signalbox.SyncAlarm, found bool, err error) {
	r, err := t.syncRun(ws, run)
	if err != nil || r == nil || r.Status != signalbox.SyncQuarantined || r.Closed != "" || r.Decision != "" {
		return a, false, err
	}
	s, err := t.stream(ws, r.Stream)
	if isNoSuch(err) {
		return a, false, nil
	}
	if err != nil {
		return a, false, err
	}
	a = signalbox.SyncAlarm{Run: *r, Stream: s.Stream}
	a.Linked, err = t.linked(ws, s.Linked)
	return a, err == nil, err
}
