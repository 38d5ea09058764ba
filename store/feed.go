package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

// feedSQL reads a webhook's deliveries in the order of their commits: ids grow with them.
const feedSQL = `
SELECT d.id, d.event_id, d.event_name, d.state, d.created_at,
       CASE $5 WHEN 'stairoids' THEN e.stairoids WHEN 'standard' THEN e.standard ELSE e.vendor END
  FROM deliveries AS d
  LEFT JOIN events AS e ON e.id = d.event_id AND e.workspace_id = d.workspace_id
 WHERE d.workspace_id = $1 AND d.webhook_id = $2 AND d.id > $3
 ORDER BY d.id
 LIMIT $4`

// Feed answers at most limit events of a pull webhook behind the delivery after, in the order of commits, read ones too: a
// reader that comes again from an earlier place gets the same. What was skipped while the webhook was disabled, and what
// retention or erasure took, is passed over. Nothing more waits when the answer is empty. Conflict for a push webhook.
func (db *DB) Feed(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID, after signalbox.DeliveryID, limit int) ([]signalbox.FeedItem, error) {
	limit, _ = bounds(signalbox.Page{Limit: limit})
	items := []signalbox.FeedItem{}
	for {
		seen := 0
		err := db.read(ctx, func(t *tx) error {
			w, err := t.pullWebhook(ws, wh)
			if err != nil {
				return err
			}
			return t.query(feedSQL, []any{id(ws), id(wh), int64(after), signalbox.SliceRows, string(w.Format)}, func(r *row) error {
				seen++
				after = signalbox.DeliveryID(r.int(0))
				state := signalbox.DeliveryState(r.int(3))
				if r.null(5) || state != signalbox.Pending && state != signalbox.Delivered {
					return nil
				}
				items = append(items, signalbox.FeedItem{
					Delivery: after, Event: signalbox.EventID(r.int(1)), EventName: r.text(2), CreatedAt: r.time(4), Body: r.bytes(5),
				})
				if len(items) == limit {
					return errStop
				}
				return nil
			})
		})
		if err != nil {
			return nil, fmt.Errorf("read feed: %w", err)
		}
		if len(items) == limit || seen < signalbox.SliceRows {
			return items, nil
		}
	}
}

// ackFeedSQL goes through the partial index of what was not read: what was read before costs nothing.
const ackFeedSQL = `
UPDATE deliveries
   SET state = $4, reason = $5, done_at = $6
 WHERE id IN (SELECT id
                FROM deliveries
               WHERE workspace_id = $1 AND webhook_id = $2 AND id <= $3 AND done_at IS NULL AND due_at IS NULL
               ORDER BY id
               LIMIT $7)
   AND workspace_id = $1`

const readWebhookSQL = `
UPDATE webhooks
   SET last_read_at = $3
 WHERE workspace_id = $1 AND id = $2 AND (last_read_at IS NULL OR last_read_at < $3)`

// AckFeed says that the reader of a pull webhook has all up to a delivery: those become Delivered, reason "read", and the
// webhook was last read at now. That is no change of its definition: its revision stays.
func (db *DB) AckFeed(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID, upTo signalbox.DeliveryID, now time.Time) error {
	for {
		var read int64
		err := db.write(ctx, classManage, func(t *tx) error {
			if _, err := t.pullWebhook(ws, wh); err != nil {
				return err
			}
			if _, err := t.exec(readWebhookSQL, id(ws), id(wh), now); err != nil {
				return fmt.Errorf("note reader: %w", err)
			}
			var err error
			read, err = t.exec(ackFeedSQL, id(ws), id(wh), int64(upTo), signalbox.Delivered, signalbox.ReasonRead, now, signalbox.SliceRows)
			if err != nil {
				return fmt.Errorf("acknowledge feed: %w", err)
			}
			if read == 0 {
				return nil
			}
			counts := tallies{}
			counts.read(ws, wh, read, now)
			return t.add(counts)
		})
		if err != nil || read < signalbox.SliceRows {
			return err
		}
	}
}

// pullWebhook loads a webhook that has a feed.
func (t *tx) pullWebhook(ws signalbox.WorkspaceID, wh signalbox.WebhookID) (signalbox.Webhook, error) {
	w, err := t.webhook(ws, wh)
	if err == nil && w.Kind != signalbox.KindPull {
		err = signalbox.Errorf(signalbox.Conflict, "events are sent to this webhook: only a pull webhook has a feed")
	}
	return w, err
}
