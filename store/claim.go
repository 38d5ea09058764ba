package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

// openLane are the free rows of a lane: open, with a time, and leased by nobody whose lease still holds.
const openLane = `
  FROM deliveries
 WHERE workspace_id = $1
   AND webhook_id = $2
   AND done_at IS NULL
   AND due_at IS NOT NULL
   AND (lease_node IS NULL
    OR NOT EXISTS (SELECT 1
                     FROM nodes
                    WHERE nodes.id = deliveries.lease_node
                      AND nodes.generation = deliveries.lease_generation))`

const claimableSQL = `
SELECT ` + deliveryColumns + openLane + `
   AND due_at <= $3
 ORDER BY due_at, id
 LIMIT $4`

const nextInLaneSQL = `
SELECT due_at` + openLane + `
 ORDER BY due_at, id
 LIMIT 1`

const leaseDeliverySQL = `
UPDATE deliveries
   SET lease_node = $3,
       lease_generation = $4
 WHERE workspace_id = $1
   AND id = $2`

const expireDeliverySQL = `
UPDATE deliveries
   SET state = $3,
       reason = $4,
       due_at = NULL,
       done_at = $5,
       lease_node = NULL,
       lease_generation = NULL,
       manual_state = NULL,
       manual_reason = NULL,
       manual_due_at = NULL
 WHERE workspace_id = $1
   AND id = $2`

// Claim leases at most limit free deliveries of a webhook that are due at now, earliest first, and returns them with the bytes to send. One
// whose event's bytes are gone fails as "expired". The lane's due row is left at the time of its next row, at now + LeaseFor while more
// is due now (the lane claims again as it drains; the row is for the case that it does not), and is taken away when nothing waits.
// Of a webhook that is deleted, disabled or pulled from nothing is claimed: Claimed.Webhook is nil. A lease that has ended claims nothing
// (error with code Conflict).
func (db *DB) Claim(
	ctx context.Context, l signalbox.Lease, ws signalbox.WorkspaceID, wh signalbox.WebhookID, limit int, now time.Time,
) (signalbox.Claimed, error) {
	var c signalbox.Claimed
	err := db.write(ctx, classSettle, func(t *tx) (err error) {
		c, err = t.claim(l, ws, wh, min(limit, signalbox.SliceRows), now)
		return err
	})
	if err != nil {
		return signalbox.Claimed{}, fmt.Errorf("claim deliveries: %w", err)
	}
	return c, nil
}

func (t *tx) claim(l signalbox.Lease, ws signalbox.WorkspaceID, wh signalbox.WebhookID, limit int, now time.Time) (c signalbox.Claimed, err error) {
	if err := t.holdsLease(l); err != nil {
		return c, err
	}
	armed, err := t.lockDue(laneDue(ws, wh, time.Time{}))
	if err != nil {
		return c, err
	}
	w, err := t.webhook(ws, wh)
	if isNoSuch(err) || err == nil && (!w.Enabled || w.Kind == signalbox.KindPull) {
		return c, t.leaveDue(laneDue(ws, wh, time.Time{}), armed)
	}
	if err != nil {
		return c, err
	}
	c.Webhook = &w
	due, err := t.claimable(ws, wh, limit, now)
	if err != nil {
		return c, err
	}
	if c.Ready, err = t.leaseAll(l, due, w.Format, now); err != nil {
		return c, err
	}
	return c, t.rearmLane(&c, ws, wh, now, armed)
}

// leaseAll gives deliveries to the lease's node, but for those whose bytes are gone: they have failed.
func (t *tx) leaseAll(l signalbox.Lease, due []signalbox.Delivery, f signalbox.Format, now time.Time) (all []signalbox.Ready, err error) {
	if t.pg != nil {
		return t.leaseBatch(l, due, f, now)
	}
	for _, d := range due {
		ready, err := t.lease(l, d, f, now)
		if err != nil {
			return nil, err
		}
		if ready != nil {
			all = append(all, *ready)
		}
	}
	return all, nil
}

// claimable reads the due rows before any of them changes.
func (t *tx) claimable(ws signalbox.WorkspaceID, wh signalbox.WebhookID, limit int, now time.Time) (due []signalbox.Delivery, err error) {
	err = t.query(claimableSQL, []any{ws, wh, now, limit}, func(r *row) error {
		due = append(due, scanDelivery(r))
		return nil
	})
	return due, err
}

// lease gives a delivery to the lease's node; nil when its bytes are gone, and it has failed.
func (t *tx) lease(l signalbox.Lease, d signalbox.Delivery, f signalbox.Format, now time.Time) (*signalbox.Ready, error) {
	body, q, err := t.frozen(d.Workspace, d.Event, f)
	if err != nil {
		return nil, err
	}
	if body == nil {
		_, err := t.exec(expireDeliverySQL, d.Workspace, d.ID, signalbox.Failed, signalbox.ReasonExpired, now)
		return nil, err
	}
	if _, err := t.exec(leaseDeliverySQL, d.Workspace, d.ID, l.Node, l.Generation); err != nil {
		return nil, err
	}
	return &signalbox.Ready{Delivery: d, Body: body, Request: q, Lease: l}, nil
}

// rearmLane finds what is next in a lane and leaves its due row there; armed says that this transaction holds that row.
func (t *tx) rearmLane(c *signalbox.Claimed, ws signalbox.WorkspaceID, wh signalbox.WebhookID, now time.Time, armed bool) error {
	var next time.Time
	if _, err := t.one(nextInLaneSQL, []any{ws, wh}, func(r *row) { next = r.time(0) }); err != nil {
		return err
	}
	c.NextDue = next
	if c.More = !next.IsZero() && !next.After(now); c.More {
		next = now.Add(signalbox.LeaseFor)
	}
	return t.leaveDue(laneDue(ws, wh, next), armed)
}

// leaveDue sets a subject's due row, if this transaction holds it. Else somebody may be making it just now, for what is not seen yet: then
// it is not taken away, and only made earlier.
func (t *tx) leaveDue(d signalbox.Due, held bool) error {
	switch {
	case held:
		return t.setDue(d)
	case d.At.IsZero():
		return nil
	}
	return t.armDue(d)
}
