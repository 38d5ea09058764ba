package store

import (
	"context"
	"fmt"

	"signalbox"
)

// InsertTest saves a test call: an event of its own and its one delivery, leased to the node that is about to send it. Who
// gives no lease, or one that has ended, leaves it to the lane. NoSuch("webhook") when the webhook is unknown or deleted.
func (db *DB) InsertTest(ctx context.Context, e signalbox.Event, d signalbox.NewDelivery) error {
	return db.write(ctx, classManage, func(t *tx) error {
		w, err := t.webhook(d.Workspace, d.Webhook)
		if err != nil {
			return err
		}
		e.Test, d.Test, d.Event = true, true, e.ID
		e.CausedTo = max(e.CausedTo, int64(d.ID))
		t.prove(eventProofSQL, e.Workspace, e.ID)
		if err := t.insertEvent(e); err != nil {
			return fmt.Errorf("insert test event: %w", err)
		}
		if err := t.insertDeliveries([]signalbox.NewDelivery{d}); err != nil {
			return fmt.Errorf("insert test delivery: %w", err)
		}
		if err := t.audit(ctx, d.Workspace, "webhook.tested", aboutWebhook(&w), nil, signalbox.Facts{"event": e.Name}); err != nil {
			return err
		}
		return t.raiseHead(d.Workspace, e.CausedTo)
	})
}
