package store

import (
	"fmt"
	"slices"
	"time"

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
	bodies := make(map[signalbox.DeliveryID][]byte, len(due))
	err := findBatch(t, eventBodySQL, 1, due,
		func(s *stmt, d *signalbox.Delivery) { s.id(int64(d.Workspace)).id(int64(d.Event)).text(string(f)) },
		func(r *row, d *signalbox.Delivery) error {
			bodies[d.ID] = r.bytes(0)
			return nil
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
		if body := bodies[d.ID]; body != nil {
			ready = append(ready, signalbox.Ready{Delivery: d, Body: body, Lease: l})
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

// settledSQL says which deliveries were settled.
const settledSQL = settleSQL + `
RETURNING deliveries.id`

// settleBatch is settle in a few statements, its rows in the order of their ids. Of two outcomes of one delivery the first counts.
func (t *tx) settleBatch(list []signalbox.Settlement, settled []bool) error {
	place := make(map[signalbox.DeliveryID]int, len(list))
	held := map[signalbox.Lease]bool{}
	ours := make([]*signalbox.Settlement, 0, len(list))
	for i := range list {
		s := &list[i]
		if err := sendable(s); err != nil {
			return err
		}
		holds, ok := held[s.Lease]
		if !ok {
			var err error
			if holds, err = t.leaseHolds(s.Lease); err != nil {
				return err
			}
			held[s.Lease] = holds
		}
		if _, twice := place[s.Delivery]; holds && !twice {
			place[s.Delivery] = i
			ours = append(ours, s)
		}
	}
	slices.SortFunc(ours, func(a, b *signalbox.Settlement) int { return int(a.Delivery - b.Delivery) })
	for chunk := range slices.Chunk(ours, signalbox.SliceRows) {
		if err := t.settleRows(chunk, func(dlv signalbox.DeliveryID) { settled[place[dlv]] = true }); err != nil {
			return err
		}
	}
	return t.afterSettle(list, settled)
}

// settleRows saves outcomes and calls done for each that was still its lease's to save.
func (t *tx) settleRows(rows []*signalbox.Settlement, done func(signalbox.DeliveryID)) error {
	s, err := t.pg.batch(settledSQL)
	if err != nil {
		return err
	}
	for _, row := range rows {
		s.pg.row()
		bindSettlement(s, row)
	}
	s.pg.bound()
	return s.rows(func(r *row) error {
		done(signalbox.DeliveryID(r.int(0)))
		return nil
	})
}

// afterSettle writes what follows from the outcomes that were saved: attempts, webhooks that asked for no more, lanes.
func (t *tx) afterSettle(list []signalbox.Settlement, settled []bool) error {
	var attempts []*signalbox.Attempt
	lanes := map[signalbox.WebhookID]signalbox.Due{}
	for i := range list {
		s := &list[i]
		if !settled[i] {
			continue
		}
		if s.Attempt != nil {
			attempts = append(attempts, s.Attempt)
		}
		if lane, ok := lanes[s.Webhook]; s.State.Open() && (!ok || s.DueAt.Before(lane.At)) {
			lanes[s.Webhook] = laneDue(s.Workspace, s.Webhook, s.DueAt)
		}
	}
	err := each(t, insertAttemptSQL, attempts, func(s *stmt, a **signalbox.Attempt) { bindAttempt(s, *a) })
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
	return t.armAll(lanes)
}
