package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

// settleSQL is fenced by the lease: 0 rows mean that someone else holds the delivery now, or nobody.
const settleSQL = `
UPDATE deliveries
   SET state = $5,
       reason = $6,
       attempts = $7,
       due_at = $8,
       done_at = $9,
       lease_node = NULL,
       lease_generation = NULL,
       manual_state = CASE WHEN $10 THEN manual_state END,
       manual_reason = CASE WHEN $10 THEN manual_reason END,
       manual_due_at = CASE WHEN $10 THEN manual_due_at END
 WHERE workspace_id = $1
   AND id = $2
   AND lease_node = $3
   AND lease_generation = $4`

const insertAttemptSQL = `
INSERT INTO attempts (id, workspace_id, delivery_id, at, duration_us, dns_us, connect_us, tls_us, first_byte_us, remote_addr, status_code,
                      error, headers, body, truncated, manual)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

// Settle saves the outcomes of leased deliveries, many at once, and says which were still theirs to save: a delivery that its lease no longer
// holds is left alone, with no attempt written. A final state is reached at the attempt's end (without an attempt, at DueAt); an open one with a time makes its lane
// due then. An open one without an attempt gives the delivery back: a manual retry stays one, and the free row's lane is due.
func (db *DB) Settle(ctx context.Context, list []signalbox.Settlement) (settled []bool, err error) {
	err = db.write(ctx, classSettle, func(t *tx) error {
		settled = make([]bool, len(list))
		return t.settle(list, settled)
	})
	if err != nil {
		return nil, fmt.Errorf("settle deliveries: %w", err)
	}
	return settled, nil
}

func (t *tx) settle(list []signalbox.Settlement, settled []bool) error {
	if t.pg != nil {
		return t.settleBatch(list, settled)
	}
	lanes := map[signalbox.WebhookID]signalbox.Due{}
	held := map[signalbox.Lease]bool{}
	for i := range list {
		s := &list[i]
		holds, ok := held[s.Lease]
		if !ok {
			var err error
			if holds, err = t.leaseHolds(s.Lease); err != nil {
				return err
			}
			held[s.Lease] = holds
		}
		if !holds {
			continue
		}
		var err error
		if settled[i], err = t.settleOne(s); err != nil {
			return err
		}
		if lane, ok := lanes[s.Webhook]; settled[i] && s.State.Open() && (!ok || s.DueAt.Before(lane.At)) {
			lanes[s.Webhook] = laneDue(s.Workspace, s.Webhook, s.DueAt)
		}
	}
	if err := t.armAll(lanes); err != nil {
		return err
	}
	if err := t.tellSettled(list, settled); err != nil {
		return err
	}
	return t.tallySettled(list, settled)
}

// settleOne saves one outcome: false when the delivery is no longer the lease's.
func (t *tx) settleOne(s *signalbox.Settlement) (bool, error) {
	if err := sendable(s); err != nil {
		return false, err
	}
	st, err := t.stmt(settleSQL)
	if err != nil {
		return false, err
	}
	bindSettlement(st, s)
	changed, err := st.run()
	if err != nil || changed == 0 {
		return false, err
	}
	if s.Attempt != nil {
		if err := t.insertAttempt(s.Attempt); err != nil {
			return false, err
		}
	}
	if s.DisableWebhook != "" {
		return true, t.disableWebhook(s)
	}
	return true, nil
}

// sendable refuses an open delivery that nobody would ever come back to.
func sendable(s *signalbox.Settlement) error {
	if s.State.Open() && s.DueAt.IsZero() {
		return fmt.Errorf("delivery %d: %s without a time would never be sent", s.Delivery, s.State)
	}
	return nil
}

func bindSettlement(st *stmt, s *signalbox.Settlement) {
	due, done := s.DueAt, time.Time{}
	if !s.State.Open() {
		due, done = time.Time{}, doneAt(s)
	}
	st.id(int64(s.Workspace)).id(int64(s.Delivery)).int(int64(s.Lease.Node)).int(s.Lease.Generation)
	st.int(int64(s.State)).text(s.Reason).int(int64(s.Attempts)).time(due).time(done).bool(s.Attempt == nil && s.State.Open())
}

// doneAt is when a final state was reached: the end of its attempt; without one, as where it is skipped, the settlement's DueAt, or else the time that
// the delivery was made.
func doneAt(s *signalbox.Settlement) time.Time {
	switch {
	case s.Attempt != nil:
		return s.Attempt.At.Add(s.Attempt.Duration)
	case !s.DueAt.IsZero():
		return s.DueAt
	}
	return signalbox.IDTime(s.Delivery)
}

func (t *tx) insertAttempt(a *signalbox.Attempt) error {
	st, err := t.stmt(insertAttemptSQL)
	if err != nil {
		return err
	}
	bindAttempt(st, a)
	_, err = st.run()
	return err
}

func bindAttempt(st *stmt, a *signalbox.Attempt) {
	st.id(int64(a.ID)).id(int64(a.Workspace)).id(int64(a.Delivery)).time(a.At)
	for _, d := range []time.Duration{a.Duration, a.DNS, a.Connect, a.TLS, a.FirstByte} {
		st.int(d.Microseconds())
	}
	st.text(a.RemoteAddr).int(int64(a.StatusCode)).text(a.Error).json(a.Headers).blob(a.Body).bool(a.Truncated).bool(a.Manual)
}

// disableWebhook ends sending to a receiver that asked for it. Disabled by hand or gone meanwhile, it stays as it is.
func (t *tx) disableWebhook(s *signalbox.Settlement) error {
	if err := t.lockHead(s.Workspace); err != nil {
		return err
	}
	w, err := t.webhook(s.Workspace, s.Webhook)
	if isNoSuch(err) || err == nil && !w.Enabled {
		return nil
	}
	if err != nil {
		return err
	}
	now := signalbox.IDTime(s.Delivery)
	if !s.State.Open() {
		now = doneAt(s)
	}
	ctx := context.Background()
	if s.Attempt != nil { // the attempt's id is nobody else's
		ctx = signalbox.WithAct(ctx, signalbox.Act{Entry: signalbox.AuditID(s.Attempt.ID), At: now, Actor: signalbox.Actor{Type: signalbox.ActorSystem}})
	}
	return t.disable(ctx, &w, s.DisableWebhook, time.Time{}, now)
}
