package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

const (
	firstTallySQL = `
SELECT at
  FROM tallies
 WHERE workspace_id = $1 AND subject = 0 AND what = $2
 ORDER BY at
 LIMIT 1`

	sumTallySQL = `
SELECT CAST(coalesce(sum(n), 0) AS BIGINT)
  FROM tallies
 WHERE workspace_id = $1 AND subject = 0 AND what = $2 AND at > $3`

	minutesSQL = `
SELECT at, n
  FROM tallies
 WHERE workspace_id = $1 AND subject = 0 AND what = $2 AND at >= $3
 ORDER BY at
 LIMIT 1000`

	storedSignalsSQL = `
SELECT signals
  FROM heads
 WHERE workspace_id = $1`

	firstWebhookSQL = `
SELECT created_at
  FROM webhooks
 WHERE workspace_id = $1 AND deleted_at IS NULL AND temporary = 0 AND kind <> 'action'
 ORDER BY id
 LIMIT 1`
)

// pendingSQL and its two kin count through a partial index, and not for ever.
const (
	pendingSQL = `
SELECT count(*), min(id)
  FROM (SELECT id
          FROM deliveries
         WHERE workspace_id = $1 AND done_at IS NULL AND due_at IS NOT NULL
         LIMIT $2) AS waiting`

	pendingOfWebhookSQL = `
SELECT count(*), min(id)
  FROM (SELECT id
          FROM deliveries
         WHERE workspace_id = $1 AND webhook_id = $2 AND done_at IS NULL AND due_at IS NOT NULL
         LIMIT $3) AS waiting`

	unreadSQL = `
SELECT count(*), min(id)
  FROM (SELECT id
          FROM deliveries
         WHERE workspace_id = $1 AND webhook_id = $2 AND done_at IS NULL AND due_at IS NULL
         ORDER BY id
         LIMIT $3) AS waiting`
)

// faresSQL asks of each webhook when attempts of it failed last, and what has become of them since that hour began: a webhook fails when more of
// them failed than delivered.
const faresSQL = `
SELECT enabled,
       (SELECT CAST(coalesce(sum(n), 0) AS BIGINT)
          FROM tallies
         WHERE workspace_id = $1 AND subject = w.id AND what = 4 AND at >= w.missed_at),
       (SELECT CAST(coalesce(sum(n), 0) AS BIGINT)
          FROM tallies
         WHERE workspace_id = $1 AND subject = w.id AND what = 2 AND at >= w.missed_at)
  FROM (SELECT id, enabled,
               (SELECT max(at)
                  FROM tallies
                 WHERE workspace_id = $1 AND subject = webhooks.id AND what = 4 AND at > $2) AS missed_at
          FROM webhooks
         WHERE workspace_id = $1 AND deleted_at IS NULL AND kind <> 'action') AS w`

// Overview answers how a workspace fares at now. It takes milliseconds whatever the database holds: what happened was counted as it happened.
func (db *DB) Overview(ctx context.Context, ws signalbox.WorkspaceID, now time.Time) (signalbox.Overview, error) {
	var o signalbox.Overview
	err := db.read(ctx, func(t *tx) error {
		o = signalbox.Overview{}
		for _, part := range []func(*signalbox.Overview, signalbox.WorkspaceID, time.Time) error{t.viewSignals, t.viewDeliveries, t.viewWebhooks, t.viewFirsts} {
			if err := part(&o, ws, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return signalbox.Overview{}, fmt.Errorf("read overview: %w", err)
	}
	return o, nil
}

// shownMinutes is how much of the past an overview plots.
const shownMinutes = 60

func (t *tx) viewSignals(o *signalbox.Overview, ws signalbox.WorkspaceID, now time.Time) (err error) {
	if o.Signals, err = t.count(storedSignalsSQL, id(ws)); err != nil {
		return err
	}
	if o.SignalsDay, err = t.count(sumTallySQL, id(ws), tallySignals, minuteOf(now.AddDate(0, 0, -1))); err != nil {
		return err
	}
	from := minuteOf(now) - shownMinutes + 1
	for i := range int64(shownMinutes) {
		o.PerMinute = append(o.PerMinute, signalbox.Count{At: minuteTime(from + i)})
	}
	return t.query(minutesSQL, []any{id(ws), tallySignals, from}, func(r *row) error {
		if i := r.int(0) - from; i < shownMinutes { // another node's clock may be ahead
			o.PerMinute[i].N += r.int(1)
		}
		return nil
	})
}

func (t *tx) viewDeliveries(o *signalbox.Overview, ws signalbox.WorkspaceID, now time.Time) (err error) {
	day := minuteOf(now.AddDate(0, 0, -1))
	if o.DeliveredDay, err = t.count(sumTallySQL, id(ws), tallyDelivered, day); err != nil {
		return err
	}
	if o.FailedDay, err = t.count(sumTallySQL, id(ws), tallyFailed, day); err != nil {
		return err
	}
	o.Pending, err = t.pending(pendingSQL, id(ws), signalbox.MaxPendingCounted)
	return err
}

// pending reads a count and the smallest id.
func (t *tx) pending(sql string, args ...any) (p signalbox.Backlog, err error) {
	_, err = t.one(sql, args, func(r *row) {
		p.N = int(r.int(0))
		if !r.null(1) {
			p.Oldest = signalbox.IDTime(signalbox.DeliveryID(r.int(1)))
		}
	})
	return p, err
}

func (t *tx) viewWebhooks(o *signalbox.Overview, ws signalbox.WorkspaceID, now time.Time) error {
	return t.query(faresSQL, []any{id(ws), hourOf(now.AddDate(0, 0, -1))}, func(r *row) error {
		switch missed, delivered := r.int(1), r.int(2); {
		case !r.bool(0):
			o.Disabled++
			return nil
		case missed > delivered:
			o.Failing++
		}
		o.Enabled++
		return nil
	})
}

func (t *tx) viewFirsts(o *signalbox.Overview, ws signalbox.WorkspaceID, _ time.Time) error {
	var tested time.Time
	for what, at := range map[int]*time.Time{tallySignals: &o.FirstSignal, tallyDelivered: &o.FirstDelivery, tallyTested: &tested} {
		if _, err := t.one(firstTallySQL, []any{id(ws), what}, func(r *row) { *at = minuteTime(r.int(0)) }); err != nil {
			return err
		}
	}
	if o.FirstDelivery.IsZero() || !tested.IsZero() && tested.Before(o.FirstDelivery) {
		o.FirstDelivery = tested
	}
	_, err := t.one(firstWebhookSQL, []any{id(ws)}, func(r *row) { o.FirstWebhook = r.time(0) })
	return err
}

// Pulse is what a live view shows of a workspace every second.
func (db *DB) Pulse(ctx context.Context, ws signalbox.WorkspaceID, now time.Time) (p signalbox.Pulse, err error) {
	err = db.read(ctx, func(t *tx) error {
		p = signalbox.Pulse{}
		from := minuteOf(now) - 1
		err := t.query(minutesSQL, []any{id(ws), tallySignals, from}, func(r *row) error {
			n := r.int(1)
			if r.int(0) == from { // so much of that minute is within the last one
				n = n * (60 - now.Unix()%60) / 60
			}
			p.SignalsPerMinute += n
			return nil
		})
		if err != nil {
			return err
		}
		waiting, err := t.pending(pendingSQL, id(ws), signalbox.MaxPendingCounted)
		p.Pending = waiting.N
		return err
	})
	if err != nil {
		return p, fmt.Errorf("read pulse: %w", err)
	}
	return p, nil
}
