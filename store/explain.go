package store

import (
	"context"

	"signalbox"
)

const eventSQL = `
SELECT name, signal_id, account_id, contact_id, caused_to, test, created_at, stairoids, standard, vendor, request
  FROM events
 WHERE workspace_id = $1 AND id = $2`

// What an event was sent as lies between its own id and its caused_to.
const sentSQL = `
SELECT ` + deliveryColumns + `
  FROM deliveries
 WHERE workspace_id = $1 AND id > $2 AND id <= $3 AND event_id = $2
 ORDER BY id
 LIMIT $4`

// Event answers an event, and the deliveries that are stored of it, oldest first: one for each webhook that it was for. NoSuch("event") when it
// is unknown, or past retention.
func (db *DB) Event(ctx context.Context, ws signalbox.WorkspaceID, evt signalbox.EventID) (e signalbox.Event, list []signalbox.Delivery, err error) {
	err = db.read(ctx, func(t *tx) error {
		e, list = signalbox.Event{ID: evt, Workspace: ws}, nil
		var bad error
		found, err := t.one(eventSQL, []any{id(ws), id(evt)}, func(r *row) {
			e.Name, e.Signal, e.Account, e.Contact = r.text(0), signalbox.SignalID(r.int(1)), signalbox.AccountID(r.int(2)), signalbox.ContactID(r.int(3))
			e.CausedTo, e.Test, e.CreatedAt = r.int(4), r.bool(5), r.time(6)
			e.Bodies = signalbox.Bodies{Stairoids: r.bytes(7), Standard: r.bytes(8), Vendor: r.bytes(9)}
			e.Request, bad = parseRequest(r.bytes(10))
		})
		if err := foundOr(found, err, "event"); err != nil {
			return err
		}
		if bad != nil {
			return bad
		}
		err = t.query(sentSQL, []any{id(ws), id(evt), e.CausedTo, signalbox.SliceRows}, func(r *row) error {
			list = append(list, scanDelivery(r))
			return nil
		})
		if err != nil {
			return err
		}
		later, err := t.ids(recoveredOfEventSQL, id(ws), id(evt), signalbox.SliceRows)
		for _, dlv := range later {
			if _, err := t.one(anyDeliverySQL, []any{id(ws), dlv}, func(r *row) { list = append(list, scanDelivery(r)) }); err != nil {
				return err
			}
		}
		return err
	})
	return e, list, err
}
