package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"signalbox"
)

const deliveryColumns = `id, workspace_id, webhook_id, event_id, event_name, state, reason, attempts, due_at, manual_state,
       manual_reason, manual_due_at, test, created_at, done_at`

const deliveriesSQL = `
SELECT ` + deliveryColumns + `
  FROM deliveries
 WHERE workspace_id = $1 AND webhook_id = $2 AND id < $3
 ORDER BY id DESC
 LIMIT $4`

// troubleSQL reads the partial index of what is retried, failed or skipped; its terms must stand here word for word.
const troubleSQL = `
SELECT ` + deliveryColumns + `
  FROM deliveries
 WHERE workspace_id = $1 AND webhook_id = $2 AND id < $3 AND state = $5 AND (state = 2 OR state >= 4)
 ORDER BY id DESC
 LIMIT $4`

const unreadDeliveriesSQL = `
SELECT ` + deliveryColumns + `
  FROM deliveries
 WHERE workspace_id = $1 AND webhook_id = $2 AND id < $3 AND done_at IS NULL AND due_at IS NULL
 ORDER BY id DESC
 LIMIT $4`

// openDeliveriesSQL is openOfWebhookSQL for those who only look: on PostgreSQL that one locks what it finds.
const openDeliveriesSQL = `
SELECT id
  FROM deliveries
 WHERE workspace_id = $1 AND webhook_id = $2 AND done_at IS NULL AND due_at IS NOT NULL
 LIMIT $3`

// retryingSQL reads the partial index that troubleSQL reads.
const retryingSQL = `
SELECT id
  FROM deliveries
 WHERE workspace_id = $1 AND webhook_id = $2 AND state = 2 AND (state = 2 OR state >= 4)
 LIMIT $3`

// pendingDeliveries reads the deliveries of a webhook that no attempt has ended of, newest first: those that are open and not retried. Where there are
// more open ones than are counted, they are many enough to be found among all.
func (t *tx) pendingDeliveries(ws signalbox.WorkspaceID, w *signalbox.Webhook, before int64, n int, each func(*row) error) error {
	if w.Kind == signalbox.KindPull {
		return t.query(unreadDeliveriesSQL, []any{id(ws), id(w.ID), before, n}, each)
	}
	open, err := t.ids(openDeliveriesSQL, id(ws), id(w.ID), signalbox.MaxPendingCounted+1)
	if err != nil {
		return err
	}
	if len(open) > signalbox.MaxPendingCounted {
		return t.query(deliveriesSQL, []any{id(ws), id(w.ID), before, n}, each)
	}
	retrying, err := t.ids(retryingSQL, id(ws), id(w.ID), len(open))
	if err != nil {
		return err
	}
	slices.Sort(open)
	slices.Sort(retrying)
	for _, one := range slices.Backward(open) {
		if _, retried := slices.BinarySearch(retrying, one); retried || one >= before {
			continue
		}
		if n--; n < 0 {
			return nil
		}
		stopped := false
		err := t.query(anyDeliverySQL, []any{id(ws), one}, func(r *row) error {
			err := each(r)
			stopped = err != nil
			return err
		})
		if err != nil || stopped {
			return err
		}
	}
	return nil
}

const anyDeliverySQL = `
SELECT ` + deliveryColumns + `
  FROM deliveries
 WHERE workspace_id = $1 AND id = $2`

// Deliveries answers a page of a webhook's delivery log, newest first. A filter that lets little through may give a short page
// with a next: the scan's time was over.
func (db *DB) Deliveries(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID, f signalbox.DeliveryFilter, p signalbox.Page) ([]signalbox.Delivery, int64, error) {
	w, err := db.Webhook(ctx, ws, wh)
	if err != nil {
		return nil, 0, err
	}
	l := listing[signalbox.Delivery]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(deliveriesSQL, []any{id(ws), id(wh), before, n}, each)
		},
		scan:  func(r *row) (signalbox.Delivery, error) { return scanDelivery(r), nil },
		floor: floorAt(f.From),
	}
	switch f.State {
	case signalbox.Pending:
		l.slice = func(t *tx, before int64, n int, each func(*row) error) error {
			return t.pendingDeliveries(ws, &w, before, n, each)
		}
	case signalbox.Retrying, signalbox.Failed, signalbox.Skipped:
		l.slice = func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(troubleSQL, []any{id(ws), id(wh), before, n, f.State}, each)
		}
	}
	if f != (signalbox.DeliveryFilter{}) {
		l.keep = func(r *row) bool {
			return (f.State == 0 || r.int(5) == int64(f.State)) && (f.Event == "" || r.text(4) == f.Event) &&
				within(r.time(13), f.From, f.To)
		}
	}
	return fill(ctx, db, p, l)
}

// What a signal caused lies between its own id and its caused_to, in the order in which it was decided.
const causedSQL = `
SELECT ` + deliveryColumns + `
  FROM deliveries
 WHERE workspace_id = $1 AND id < $2 AND id > $3 AND id <= $4
 ORDER BY id DESC
 LIMIT $5`

// Caused answers a page of the deliveries that a signal caused, newest first.
func (db *DB) Caused(ctx context.Context, ws signalbox.WorkspaceID, sig signalbox.SignalID, p signalbox.Page) ([]signalbox.Delivery, int64, error) {
	view, err := db.Signal(ctx, ws, sig)
	if err != nil {
		return nil, 0, err
	}
	return fill(ctx, db, p, listing[signalbox.Delivery]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(causedSQL, []any{id(ws), before, id(sig), view.CausedTo, n}, each)
		},
		scan: func(r *row) (signalbox.Delivery, error) { return scanDelivery(r), nil },
	})
}

// Delivery answers a delivery with its attempts, oldest first, and the bytes it sends; Body is nil once its event is gone.
// A delivery outlives its webhook.
func (db *DB) Delivery(ctx context.Context, ws signalbox.WorkspaceID, dlv signalbox.DeliveryID) (signalbox.DeliveryView, error) {
	var v signalbox.DeliveryView
	err := db.read(ctx, func(t *tx) error {
		d, err := t.delivery(ws, dlv)
		if err != nil {
			return err
		}
		v.Delivery = d.Delivery
		if err := t.deliveryTarget(&v); err != nil {
			return err
		}
		if v.Log, err = t.attempts(ws, dlv); err != nil {
			return err
		}
		v.Body, v.Request, err = t.frozen(ws, v.Event, v.Format)
		if v.Request != nil {
			v.URL = v.Request.Target()
		}
		return err
	})
	if err != nil {
		return signalbox.DeliveryView{}, err
	}
	return v, nil
}

const deliveryTargetSQL = `
SELECT url, format
  FROM webhooks
 WHERE workspace_id = $1 AND id = $2`

// deliveryTarget fills in where a delivery goes, be its webhook deleted or not.
func (t *tx) deliveryTarget(v *signalbox.DeliveryView) error {
	_, err := t.one(deliveryTargetSQL, []any{id(v.Workspace), id(v.Webhook)}, func(r *row) {
		v.URL, v.Format = r.text(0), signalbox.Format(r.text(1))
	})
	if err != nil {
		return fmt.Errorf("read target: %w", err)
	}
	return nil
}

const attemptsSQL = `
SELECT id, at, duration_us, dns_us, connect_us, tls_us, first_byte_us, remote_addr, status_code, error, headers, body,
       truncated, manual
  FROM attempts
 WHERE workspace_id = $1 AND delivery_id = $2
 ORDER BY id
 LIMIT 1000`

func (t *tx) attempts(ws signalbox.WorkspaceID, dlv signalbox.DeliveryID) ([]signalbox.Attempt, error) {
	us := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	var list []signalbox.Attempt
	err := t.query(attemptsSQL, []any{id(ws), id(dlv)}, func(r *row) error {
		list = append(list, signalbox.Attempt{
			ID: signalbox.AttemptID(r.int(0)), Workspace: ws, Delivery: dlv, At: r.time(1), Duration: us(r.int(2)),
			DNS: us(r.int(3)), Connect: us(r.int(4)), TLS: us(r.int(5)), FirstByte: us(r.int(6)), RemoteAddr: r.text(7),
			StatusCode: int(r.int(8)), Error: r.text(9), Headers: r.bytes(10), Body: r.bytes(11), Truncated: r.bool(12), Manual: r.bool(13),
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return list, nil
}

const eventBodySQL = `
SELECT CASE $3 WHEN 'stairoids' THEN stairoids WHEN 'standard' THEN standard ELSE vendor END, request
  FROM events
 WHERE workspace_id = $1 AND id = $2`

// frozen reads an event's bytes in a format, and where they go when an automation sends them; a nil body says that the event or its bytes are gone.
func (t *tx) frozen(ws signalbox.WorkspaceID, evt signalbox.EventID, f signalbox.Format) (body []byte, q *signalbox.Request, err error) {
	var bad error
	if _, err = t.one(eventBodySQL, []any{id(ws), id(evt), string(f)}, func(r *row) { body, q, bad = scanFrozen(r) }); err == nil {
		err = bad
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read event: %w", err)
	}
	return body, q, nil
}

// scanFrozen reads a row of eventBodySQL.
func scanFrozen(r *row) (body []byte, q *signalbox.Request, err error) {
	if q, err = parseRequest(r.bytes(1)); err != nil || r.null(0) {
		return nil, q, err
	}
	if body = r.bytes(0); body == nil { // an e-mail's text may be empty
		body = []byte{}
	}
	return body, q, nil
}

// eventBody reads an event's bytes in a format; nil when the event or its body is gone.
func (t *tx) eventBody(ws signalbox.WorkspaceID, evt signalbox.EventID, f signalbox.Format) ([]byte, error) {
	body, _, err := t.frozen(ws, evt, f)
	return body, err
}

// requestText is a request as it is stored: JSON, or NULL where an event goes to its webhooks.
func requestText(q *signalbox.Request) []byte {
	if q == nil {
		return nil
	}
	text, err := json.Marshal(q)
	if err != nil {
		return nil // not reachable: strings and bytes
	}
	return text
}

func parseRequest(text []byte) (*signalbox.Request, error) {
	if len(text) == 0 {
		return nil, nil
	}
	q := &signalbox.Request{}
	if err := json.Unmarshal(text, q); err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return q, nil
}

const retryDeliverySQL = `
UPDATE deliveries
   SET state = $3, reason = $4, due_at = $5, done_at = NULL, lease_node = NULL, lease_generation = NULL, manual_state = $6,
       manual_reason = $7, manual_due_at = $8
 WHERE workspace_id = $1 AND id = $2`

// RetryDelivery has a delivery attempted now, whatever its state: it becomes Retrying by hand, remembers in Manual what it
// goes back to if that attempt fails, and its lane is armed at now. Asked for again before the attempt, it changes nothing but
// the time. Conflict when the webhook is deleted, disabled or pulled from, an attempt is under way, the event's body is gone,
// or it was a test call.
func (db *DB) RetryDelivery(ctx context.Context, ws signalbox.WorkspaceID, dlv signalbox.DeliveryID, now time.Time) (signalbox.Delivery, error) {
	var out signalbox.Delivery
	err := db.write(ctx, classManage, func(t *tx) error {
		d, err := t.findDelivery(t.locking(deliverySQL), ws, dlv)
		if err != nil {
			return err
		}
		if err := t.retriable(&d); err != nil {
			return err
		}
		if d.Manual == nil {
			d.Manual = &signalbox.Resume{State: d.State, Reason: d.Reason, DueAt: d.DueAt}
		}
		d.State, d.Reason, d.DueAt, d.DoneAt = signalbox.Retrying, signalbox.ReasonManual, now, time.Time{}
		_, err = t.exec(retryDeliverySQL, id(ws), id(dlv), d.State, d.Reason, d.DueAt, d.Manual.State, d.Manual.Reason, d.Manual.DueAt)
		if err != nil {
			return fmt.Errorf("retry delivery: %w", err)
		}
		out = d.Delivery
		about := signalbox.Subject{Type: "delivery", ID: int64(dlv), Name: d.EventName}
		if err := t.audit(ctx, ws, "delivery.retried", about, nil, nil); err != nil {
			return err
		}
		return t.armDue(laneDue(ws, d.Webhook, now))
	})
	return out, err
}

// retriable says why a delivery cannot be attempted now; nil when it can.
func (t *tx) retriable(d *leasedDelivery) error {
	w, err := t.webhook(d.Workspace, d.Webhook)
	switch {
	case isNoSuch(err):
		return signalbox.Errorf(signalbox.Conflict, "the webhook was deleted")
	case err != nil:
		return err
	case w.Kind == signalbox.KindPull:
		return signalbox.Errorf(signalbox.Conflict, "nothing is sent to a pull webhook: read its feed again from an earlier cursor")
	case !w.Enabled:
		return errDisabled(&w)
	case d.Test:
		return signalbox.Errorf(signalbox.Conflict, "a test call is not sent again: make another one")
	case d.leased:
		return signalbox.Errorf(signalbox.Conflict, "an attempt is under way: its result comes first")
	}
	body, err := t.eventBody(d.Workspace, d.Event, w.Format)
	if err == nil && body == nil {
		return signalbox.Errorf(signalbox.Conflict, "the event is no longer kept")
	}
	return err
}

// errDisabled says that nothing is sent as long as a webhook is disabled.
func errDisabled(w *signalbox.Webhook) error {
	if w.Kind == signalbox.KindAction {
		return signalbox.Errorf(signalbox.Conflict, "what the automation sends is disabled: enable the automation first")
	}
	return signalbox.Errorf(signalbox.Conflict, "the webhook is disabled: enable it first")
}

// leasedDelivery is a delivery and whether a node that is alive works on it.
type leasedDelivery struct {
	signalbox.Delivery
	leased bool
}

// deliverySQL: a lease of a generation that its node no longer has is no lease.
const deliverySQL = `
SELECT ` + deliveryColumns + `,
       EXISTS (SELECT 1 FROM nodes WHERE nodes.id = lease_node AND nodes.generation = lease_generation)
  FROM deliveries
 WHERE workspace_id = $1 AND id = $2`

func (t *tx) delivery(ws signalbox.WorkspaceID, dlv signalbox.DeliveryID) (leasedDelivery, error) {
	return t.findDelivery(deliverySQL, ws, dlv)
}

func (t *tx) findDelivery(sql string, ws signalbox.WorkspaceID, dlv signalbox.DeliveryID) (leasedDelivery, error) {
	var d leasedDelivery
	found, err := t.one(sql, []any{id(ws), id(dlv)}, func(r *row) {
		d.Delivery, d.leased = scanDelivery(r), r.bool(15)
	})
	return d, foundOr(found, err, "delivery")
}

// scanDelivery reads a row of deliveryColumns.
func scanDelivery(r *row) signalbox.Delivery {
	d := signalbox.Delivery{
		ID: signalbox.DeliveryID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Webhook: signalbox.WebhookID(r.int(2)),
		Event: signalbox.EventID(r.int(3)), EventName: r.text(4), State: signalbox.DeliveryState(r.int(5)), Reason: r.text(6),
		Attempts: int(r.int(7)), DueAt: r.time(8), Test: r.bool(12), CreatedAt: r.time(13), DoneAt: r.time(14),
	}
	if !r.null(9) {
		d.Manual = &signalbox.Resume{State: signalbox.DeliveryState(r.int(9)), Reason: r.text(10), DueAt: r.time(11)}
	}
	return d
}

// within says whether at lies in a range whose ends count and may be missing.
func within(at, from, to time.Time) bool {
	return (from.IsZero() || !at.Before(from)) && (to.IsZero() || !at.After(to))
}

// floorAt is an id below which every row was made before from: ids are never older than their row's created_at.
func floorAt(from time.Time) int64 {
	if from.IsZero() {
		return 0
	}
	return signalbox.FirstIDAt(from)
}
