package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"signalbox"
)

// writtenBatch is written in two statements.
func writtenBatch[T any](t *tx, insert, update string, rows []T, isNew func(*T) bool, bind func(*stmt, *T)) error {
	var fresh, known []T
	for i := range rows {
		if isNew(&rows[i]) {
			fresh = append(fresh, rows[i])
		} else {
			known = append(known, rows[i])
		}
	}
	if err := runBatch(t, insert, fresh, bind); err != nil {
		return err
	}
	return t.runBatch(update, len(known), true, func(s *stmt, i int) { bind(s, &known[i]) })
}

// leaseBatch is leaseAll in three statements.
func (t *tx) leaseBatch(l signalbox.Lease, due []signalbox.Delivery, f signalbox.Format, now time.Time) ([]signalbox.Ready, error) {
	kept := make(map[signalbox.DeliveryID]signalbox.Ready, len(due))
	err := findBatch(t, eventBodySQL, 2, due,
		func(s *stmt, d *signalbox.Delivery) { s.id(int64(d.Workspace)).id(int64(d.Event)).text(string(f)) },
		func(r *row, d *signalbox.Delivery) error {
			body, q, err := scanFrozen(r)
			if body != nil {
				kept[d.ID] = signalbox.Ready{Delivery: *d, Body: body, Request: q, Lease: l}
			}
			return err
		})
	if err == nil {
		err = t.pg.flush()
	}
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	var ready []signalbox.Ready
	var gone []signalbox.Delivery
	for _, d := range due {
		if r, ok := kept[d.ID]; ok {
			ready = append(ready, r)
		} else {
			gone = append(gone, d)
		}
	}
	if len(ready) > 0 { // a lease that nobody knows of would hold its delivery for as long as this node lives
		t.prove(leaseProofSQL, ready[0].Workspace, ready[0].ID, l.Node, l.Generation)
	}
	err = runBatch(t, leaseDeliverySQL, ready, func(s *stmt, r *signalbox.Ready) {
		s.id(int64(r.Workspace)).id(int64(r.ID)).int(int64(l.Node)).int(l.Generation)
	})
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	err = runBatch(t, expireDeliverySQL, gone, func(s *stmt, d *signalbox.Delivery) {
		s.id(int64(d.Workspace)).id(int64(d.ID)).int(int64(signalbox.Failed)).text(signalbox.ReasonExpired).time(now)
	})
	if err != nil {
		return nil, fmt.Errorf("expire: %w", err)
	}
	return ready, nil
}

// armUnlessHeldSQL makes lanes due when a lease has ended; while it holds, nobody ends it before this transaction, and no lane is made due.
const armUnlessHeldSQL = `
WITH held AS MATERIALIZED (
  SELECT 1
    FROM nodes
   WHERE id = $1 AND generation = $2
     FOR SHARE)
INSERT INTO due (kind, subject, workspace_id, at)
SELECT l.kind, l.subject, l.workspace_id, l.at
  FROM unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS l(kind, subject, workspace_id, at)
 WHERE NOT EXISTS (SELECT 1 FROM held)
ON CONFLICT (workspace_id, kind, subject) DO UPDATE
   SET at = excluded.at
 WHERE excluded.at < due.at`

// lanes are the lanes that deliveries make due, each at its earliest.
type lanes map[signalbox.WebhookID]signalbox.Due

func (l lanes) add(d *signalbox.Delivery) {
	if lane, ok := l[d.Webhook]; !ok || d.DueAt.Before(lane.At) {
		l[d.Webhook] = laneDue(d.Workspace, d.Webhook, d.DueAt)
	}
}

// insertDeliveryBatch is insertDeliveries without a question to the server: a row keeps the lease that it was made with, and is free when
// that has ended; the server makes its lane due then.
func (t *tx) insertDeliveryBatch(rows []signalbox.NewDelivery) error {
	free, leased := lanes{}, map[signalbox.Lease]lanes{}
	born := make([]bornDelivery, len(rows))
	for i := range rows {
		n := &rows[i]
		born[i] = bornDelivery{n, n.Lease != (signalbox.Lease{}) && !n.DueAt.IsZero()}
		switch {
		case born[i].leased && leased[n.Lease] == nil:
			leased[n.Lease] = lanes{}
			fallthrough
		case born[i].leased:
			leased[n.Lease].add(&n.Delivery)
		case !n.DueAt.IsZero():
			free.add(&n.Delivery)
		}
	}
	return t.unheard(func() error {
		if err := each(t, insertDeliverySQL, born, bindDelivery); err != nil {
			return err
		}
		for lease, lanes := range leased { // before a due row is taken: whoever ends a lease takes due rows under its node's
			if err := t.armUnlessHeld(lease, lanes); err != nil {
				return err
			}
		}
		return t.armAll(free)
	})
}

func (t *tx) armUnlessHeld(l signalbox.Lease, lanes lanes) error {
	s, err := t.stmt(armUnlessHeldSQL)
	if err != nil {
		return err
	}
	s.int(int64(l.Node)).int(l.Generation)
	sorted := inOrder(lanes)
	bindInts(s, pgtype.Int2OID, sorted, func(d *signalbox.Due) int64 { return int64(d.Kind) })
	bindInts(s, pgtype.Int8OID, sorted, func(d *signalbox.Due) int64 { return d.Subject })
	bindInts(s, pgtype.Int8OID, sorted, func(d *signalbox.Due) int64 { return int64(d.Workspace) })
	bindInts(s, pgtype.Int8OID, sorted, func(d *signalbox.Due) int64 { return d.At.UnixMicro() })
	_, err = s.run()
	return err
}

// settledSQL says which deliveries were settled, and for which lease. The lease is looked at where the row is: that it still holds at the commit does not matter, because
// whoever claims the row then waits for this transaction and finds it settled.
const settledSQL = settleSQL + `
   AND EXISTS (SELECT 1 FROM nodes WHERE nodes.id = deliveries.lease_node AND nodes.generation = deliveries.lease_generation)
RETURNING deliveries.id, $3, $4`

// outcome is a delivery under one lease.
type outcome struct {
	delivery signalbox.DeliveryID
	lease    signalbox.Lease
}

// settleBatch is settle in two trips, its rows in the order of their ids. Of two outcomes of one delivery under one lease the first counts.
func (t *tx) settleBatch(list []signalbox.Settlement, settled []bool) error {
	place := make(map[outcome]int, len(list))
	ours := make([]*signalbox.Settlement, 0, len(list))
	for i := range list {
		s := &list[i]
		if err := sendable(s); err != nil {
			return err
		}
		o := outcome{s.Delivery, s.Lease}
		if _, twice := place[o]; !twice {
			place[o] = i
			ours = append(ours, s)
		}
	}
	slices.SortFunc(ours, func(a, b *signalbox.Settlement) int { return int(a.Delivery - b.Delivery) })
	for chunk := range slices.Chunk(ours, signalbox.SliceRows) {
		if err := t.settleRows(chunk, func(o outcome) { settled[place[o]] = true }); err != nil {
			return err
		}
	}
	return t.afterSettle(list, settled)
}

// settleRows saves outcomes and calls done for each that was still its lease's to save.
func (t *tx) settleRows(rows []*signalbox.Settlement, done func(outcome)) error {
	s, err := t.pg.batch(settledSQL, false)
	if err != nil {
		return err
	}
	for _, row := range rows {
		s.pg.row()
		bindSettlement(s, row)
	}
	s.pg.bound()
	return s.rows(func(r *row) error {
		done(outcome{signalbox.DeliveryID(r.int(0)), signalbox.Lease{Node: int(r.int(1)), Generation: r.int(2)}})
		return nil
	})
}

// afterSettle writes what follows from the outcomes that were saved: attempts, webhooks that asked for no more, lanes.
func (t *tx) afterSettle(list []signalbox.Settlement, settled []bool) error {
	var attempts []*signalbox.Attempt
	due := lanes{}
	for i := range list {
		s := &list[i]
		if !settled[i] {
			continue
		}
		if s.Attempt != nil {
			attempts = append(attempts, s.Attempt)
		}
		if s.State.Open() {
			due.add(&signalbox.Delivery{Workspace: s.Workspace, Webhook: s.Webhook, DueAt: s.DueAt})
		}
	}
	err := t.unheard(func() error {
		return each(t, insertAttemptSQL, attempts, func(s *stmt, a **signalbox.Attempt) { bindAttempt(s, *a) })
	})
	if err != nil {
		return err
	}
	for i := range list {
		if settled[i] && list[i].DisableWebhook != "" {
			if err := t.disableWebhook(&list[i]); err != nil {
				return err
			}
		}
	}
	if err := t.unheard(func() error { return t.armAll(due) }); err != nil {
		return err
	}
	if err := t.tellSettled(list, settled); err != nil {
		return err
	}
	return t.tallySettled(list, settled)
}
