package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"signalbox"
)

// How webhooks fare, and what is told of it. An attempt that fails has its webhook looked at in an hour, unless that is so already; the first delivery after
// a failure has it looked at now. What is found out, and every delivery that fails for good, becomes a notice in the same transaction, and the
// notices of a workspace become events and mails later: who settles waits for nobody.

const (
	insertNoticeSQL = `
INSERT INTO notices (workspace_id, kind, subject, webhook_id, reason, since, at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (workspace_id, kind, subject) DO UPDATE
   SET reason = excluded.reason, since = excluded.since, at = excluded.at`

	hastenSQL = `
UPDATE due
   SET at = $4
 WHERE kind = $1 AND subject = $2 AND workspace_id = $3 AND at > $4`
)

// tellSettled has the webhooks of outcomes looked at, and leaves notices of what failed for good.
func (t *tx) tellSettled(list []signalbox.Settlement, settled []bool) error {
	look, now := map[signalbox.WebhookID]signalbox.Due{}, map[signalbox.WebhookID]signalbox.Due{}
	var notices []signalbox.Notice
	for i := range list {
		s := &list[i]
		if !settled[i] || s.Attempt == nil || s.Test {
			continue
		}
		d := signalbox.Due{Kind: signalbox.DueHealth, Workspace: s.Workspace, Subject: int64(s.Webhook), At: doneAt(s)}
		if s.Attempt.Delivered() {
			if s.Recovered {
				now[s.Webhook] = d
			}
			continue
		}
		d.At = d.At.Add(signalbox.FailingAfter)
		if was, ok := look[s.Webhook]; !ok || d.At.Before(was.At) {
			look[s.Webhook] = d
		}
		if s.State == signalbox.Failed && !s.Attempt.Manual && !signalbox.Operational(s.EventName) {
			notices = append(notices, signalbox.Notice{
				Workspace: s.Workspace, Kind: signalbox.NoticeFailed, Subject: int64(s.Delivery), Webhook: s.Webhook, Reason: s.Reason, At: doneAt(s),
			})
		}
	}
	if len(look)+len(now)+len(notices) == 0 {
		return nil
	}
	return t.unheard(func() error {
		if err := t.armAll(look); err != nil {
			return fmt.Errorf("have webhooks looked at: %w", err)
		}
		err := each(t, hastenSQL, inOrder(now), func(s *stmt, d *signalbox.Due) {
			s.int(int64(d.Kind)).int(d.Subject).id(int64(d.Workspace)).time(d.At)
		})
		if err != nil {
			return fmt.Errorf("have webhooks looked at now: %w", err)
		}
		return t.leaveNotices(notices)
	})
}

// leaveNotices leaves things to be told, in the order of their keys: two that leave some at the same time wait for each other in turn.
func (t *tx) leaveNotices(list []signalbox.Notice) error {
	slices.SortFunc(list, func(a, b signalbox.Notice) int {
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
	})
	err := each(t, insertNoticeSQL, list, func(s *stmt, n *signalbox.Notice) {
		s.id(int64(n.Workspace)).int(int64(n.Kind)).int(n.Subject).id(int64(n.Webhook)).text(n.Reason).time(n.Since).time(n.At)
	})
	if err != nil {
		return fmt.Errorf("leave notices: %w", err)
	}
	for i := range list {
		if i > 0 && list[i].Workspace == list[i-1].Workspace {
			continue
		}
		if err := t.armDue(signalbox.Due{Kind: signalbox.DueNotices, Workspace: list[i].Workspace, Subject: int64(list[i].Workspace), At: list[i].At}); err != nil {
			return fmt.Errorf("have notices told: %w", err)
		}
	}
	return nil
}

const (
	failingSQL = `
SELECT since
  FROM failing
 WHERE workspace_id = $1 AND webhook_id = $2`

	setFailingSQL = `
INSERT INTO failing (workspace_id, webhook_id, since)
VALUES ($1, $2, $3)
ON CONFLICT (workspace_id, webhook_id) DO UPDATE
   SET since = excluded.since`

	clearFailingSQL = `
DELETE FROM failing
 WHERE workspace_id = $1 AND webhook_id = $2`

	faresLastSQL = `
SELECT what, max(last)
  FROM tallies
 WHERE workspace_id = $1 AND subject = $2 AND (what = 2 OR what = 4)
 GROUP BY what`

	missedHoursSQL = `
SELECT DISTINCT at
  FROM tallies
 WHERE workspace_id = $1 AND subject = $2 AND what = 4 AND at > $3`
)

// JudgeHealth reads how a webhook fares at now, has judge say what follows, and saves that with what is to be told. armed is when it was to be
// looked at. A webhook that is gone or disabled is forgotten.
func (db *DB) JudgeHealth(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID, armed, now time.Time, judge func(signalbox.Fares) signalbox.Judgement) (signalbox.Judgement, error) {
	var j signalbox.Judgement
	err := db.write(ctx, classSettle, func(t *tx) error {
		j = signalbox.Judgement{}
		if err := t.lockHead(ws); err != nil {
			return err
		}
		due := signalbox.Due{Kind: signalbox.DueHealth, Workspace: ws, Subject: int64(wh)}
		if _, err := t.lockDue(due); err != nil {
			return err
		}
		w, err := t.webhook(ws, wh)
		if err != nil && !isNoSuch(err) {
			return err
		}
		if err != nil || !w.Enabled {
			if _, err := t.exec(clearFailingSQL, id(ws), id(wh)); err != nil {
				return fmt.Errorf("forget a failing webhook: %w", err)
			}
			return t.setDue(due)
		}
		f := signalbox.Fares{Webhook: &w, Armed: armed}
		if err := t.fares(&f, now); err != nil {
			return err
		}
		j = judge(f)
		return t.saveJudgement(ctx, &w, f, j, now)
	})
	if err != nil {
		return j, fmt.Errorf("judge how a webhook fares: %w", err)
	}
	return j, nil
}

// fares fills in what is known of a webhook.
func (t *tx) fares(f *signalbox.Fares, now time.Time) error {
	ws, wh := f.Webhook.Workspace, f.Webhook.ID
	if _, err := t.one(failingSQL, []any{id(ws), id(wh)}, func(r *row) { f.Failing = r.time(0) }); err != nil {
		return err
	}
	err := t.query(faresLastSQL, []any{id(ws), id(wh)}, func(r *row) error {
		switch last := r.int(1); {
		case last == 0: // counted by a version that did not note when
		case r.int(0) == tallyDelivered:
			f.Delivered = time.UnixMicro(last).UTC()
		default:
			f.Missed = time.UnixMicro(last).UTC()
		}
		return nil
	})
	if err != nil {
		return err
	}
	var days [signalbox.DisableDays]bool
	err = t.query(missedHoursSQL, []any{id(ws), id(wh), hourOf(now.Add(-signalbox.DisableAfter))}, func(r *row) error {
		if ago := now.Sub(minuteTime(r.int(0))) / (24 * time.Hour); ago >= 0 && int(ago) < len(days) {
			days[ago] = true
		}
		return nil
	})
	for _, missed := range days {
		if missed {
			f.MissedDays++
		}
	}
	return err
}

// saveJudgement keeps what follows from how a webhook fares.
func (t *tx) saveJudgement(ctx context.Context, w *signalbox.Webhook, f signalbox.Fares, j signalbox.Judgement, now time.Time) error {
	var err error
	switch {
	case !j.Failing.IsZero() && !j.Failing.Equal(f.Failing):
		_, err = t.exec(setFailingSQL, id(w.Workspace), id(w.ID), j.Failing)
	case j.Failing.IsZero() && !f.Failing.IsZero():
		_, err = t.exec(clearFailingSQL, id(w.Workspace), id(w.ID))
	}
	if err != nil {
		return err
	}
	if j.Tell != 0 {
		since := j.Failing
		if since.IsZero() {
			since = f.Failing
		}
		err := t.leaveNotices([]signalbox.Notice{{Workspace: w.Workspace, Kind: j.Tell, Subject: int64(w.ID), Webhook: w.ID, Since: since, At: now}})
		if err != nil {
			return err
		}
	}
	if j.Disable {
		if err := t.disable(ctx, w, signalbox.ReasonFailing, f.Failing, now); err != nil {
			return err
		}
	}
	return t.setDue(signalbox.Due{Kind: signalbox.DueHealth, Workspace: w.Workspace, Subject: int64(w.ID), At: j.Next})
}

// disable ends sending to a webhook by ourselves, and has that told. The caller holds the head.
func (t *tx) disable(ctx context.Context, w *signalbox.Webhook, reason string, since, now time.Time) error {
	was := *w
	w.Enabled, w.DisabledReason = false, reason
	w.Revision++
	w.UpdatedAt = now
	if err := t.updateWebhook(w); err != nil {
		return err
	}
	before, after := webhookFacts(&was, w)
	if err := t.audit(ctx, w.Workspace, "webhook.updated", aboutWebhook(w), before, after); err != nil {
		return err
	}
	err := t.leaveNotices([]signalbox.Notice{{
		Workspace: w.Workspace, Kind: signalbox.NoticeDisabled, Subject: int64(w.ID), Webhook: w.ID, Reason: reason, Since: since, At: now,
	}})
	if err != nil {
		return err
	}
	return t.bumpDefinitions(w.Workspace, 0)
}

const (
	noticesSQL = `
SELECT kind, subject, webhook_id, reason, since, at
  FROM notices
 WHERE workspace_id = $1
 ORDER BY kind, subject
 LIMIT $2`

	anyNoticeSQL = `
SELECT 1
  FROM notices
 WHERE workspace_id = $1
 LIMIT 1`

	dropNoticeSQL = `
DELETE FROM notices
 WHERE workspace_id = $1 AND kind = $2 AND subject = $3`
)

// noticesAtOnce is how many notices one transaction tells.
const noticesAtOnce = 100

// TellNotices has tell say of each notice of a workspace, the webhooks that there are at hand, which events and mails it becomes, and saves those in
// the transaction that takes the notice away: each is told once. next makes ids that lie above all others of the workspace. What is about a webhook or
// a delivery that is gone is passed over. more says that there are more.
func (db *DB) TellNotices(ctx context.Context, ws signalbox.WorkspaceID, ids *signalbox.IDs, now time.Time, tell func(hooks []signalbox.Webhook, n signalbox.Told, next func() int64) signalbox.Telling) (saved signalbox.Telling, more bool, err error) {
	err = db.write(ctx, classSettle, func(t *tx) error {
		saved, more = signalbox.Telling{}, false
		due := signalbox.Due{Kind: signalbox.DueNotices, Workspace: ws, Subject: int64(ws)}
		last, err := t.count(lockHeadSQL, int64(ws))
		if err != nil {
			return err
		}
		list, err := t.notices(ws)
		if err != nil {
			return err
		}
		hooks, err := t.webhooks(ws)
		if err != nil {
			return err
		}
		slices.Reverse(hooks) // the newest is told first
		ids.Above(last)
		next := func() int64 {
			last = ids.Next(now)
			return last
		}
		for i := range list {
			n, known, err := t.told(list[i], hooks)
			if err != nil {
				return err
			}
			if known {
				one := tell(hooks, n, next)
				saved.Events, saved.Deliveries = append(saved.Events, one.Events...), append(saved.Deliveries, one.Deliveries...)
				saved.Mails = append(saved.Mails, one.Mails...)
			}
			if _, err := t.exec(dropNoticeSQL, id(ws), int64(list[i].Kind), list[i].Subject); err != nil {
				return err
			}
		}
		if err := t.saveTelling(ws, &saved, last); err != nil {
			return err
		}
		// The lanes come before this row, as where outcomes are settled: nobody waits in a circle. Who leaves a notice from here on waits for it, and
		// whoever has left one is seen now.
		armed, err := t.lockDue(due)
		if err != nil || !armed {
			return err // somebody else makes the row now
		}
		if more, err = t.one(anyNoticeSQL, []any{id(ws)}, func(*row) {}); err != nil {
			return err
		}
		if more {
			due.At = now
		}
		return t.setDue(due)
	})
	if err != nil {
		return signalbox.Telling{}, false, fmt.Errorf("tell notices: %w", err)
	}
	return saved, more, nil
}

func (t *tx) notices(ws signalbox.WorkspaceID) (list []signalbox.Notice, err error) {
	err = t.query(t.locking(noticesSQL), []any{id(ws), noticesAtOnce}, func(r *row) error {
		list = append(list, signalbox.Notice{
			Workspace: ws, Kind: signalbox.NoticeKind(r.int(0)), Subject: r.int(1), Webhook: signalbox.WebhookID(r.int(2)), Reason: r.text(3),
			Since: r.time(4), At: r.time(5),
		})
		return nil
	})
	return list, err
}

// told finds what a notice is about; false: it is gone.
func (t *tx) told(n signalbox.Notice, hooks []signalbox.Webhook) (signalbox.Told, bool, error) {
	out := signalbox.Told{Notice: n}
	i := slices.IndexFunc(hooks, func(w signalbox.Webhook) bool { return w.ID == n.Webhook })
	if i < 0 {
		return out, false, nil
	}
	out.About = &hooks[i]
	if n.Kind != signalbox.NoticeFailed {
		return out, true, nil
	}
	found, err := t.one(anyDeliverySQL, []any{id(n.Workspace), n.Subject}, func(r *row) {
		d := scanDelivery(r)
		out.Delivery = &d
	})
	return out, found, err
}

func (t *tx) saveTelling(ws signalbox.WorkspaceID, saved *signalbox.Telling, last int64) error {
	if err := each(t, insertEventSQL, saved.Events, bindEvent); err != nil {
		return err
	}
	if err := t.insertDeliveries(saved.Deliveries); err != nil {
		return err
	}
	for i := range saved.Mails {
		if err := t.insertMail(&saved.Mails[i]); err != nil {
			return err
		}
	}
	return t.raiseHead(ws, last)
}
