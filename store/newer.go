package store

import (
	"context"
	"fmt"

	"signalbox"
)

// A live view reads what came after what it has seen, oldest first. Ids of a workspace grow in the order of its commits, so that nothing is missed.

// newerSignalsSQL names no workspace, as allSignalsSQL.
const newerSignalsSQL = `
SELECT ` + signalColumns + `
  FROM signals
 WHERE id > $1
 ORDER BY id
 LIMIT $2`

// NewerSignals answers at most limit signals behind an id, oldest first. upTo is where to go on: there may be more when full.
func (db *DB) NewerSignals(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) (list []signalbox.SignalView, upTo int64, full bool, err error) {
	err = db.read(ctx, func(t *tx) error {
		list, upTo = nil, after
		seen := 0
		err := t.query(newerSignalsSQL, t.scoped(int64(ws), after, limit), func(r *row) error {
			seen++
			upTo = r.int(0)
			if r.int(1) == int64(ws) && r.null(13) {
				list = append(list, signalbox.SignalView{Signal: scanSignal(r)})
			}
			return nil
		})
		if full = seen == limit; err != nil {
			return err
		}
		return t.dress(list)
	})
	if err != nil {
		return nil, after, false, fmt.Errorf("read newer signals: %w", err)
	}
	return list, upTo, full, nil
}

// newerDeliveriesSQL names no workspace, as allSignalsSQL.
const newerDeliveriesSQL = `
SELECT ` + deliveryColumns + `
  FROM deliveries
 WHERE id > $1
 ORDER BY id
 LIMIT $2`

// NewerDeliveries answers at most limit deliveries behind an id, oldest first; upTo and full as NewerSignals has them.
func (db *DB) NewerDeliveries(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) (list []signalbox.Delivery, upTo int64, full bool, err error) {
	err = db.read(ctx, func(t *tx) error {
		list, upTo = nil, after
		seen := 0
		err := t.query(newerDeliveriesSQL, t.scoped(int64(ws), after, limit), func(r *row) error {
			seen++
			upTo = r.int(0)
			if r.int(1) == int64(ws) {
				list = append(list, scanDelivery(r))
			}
			return nil
		})
		full = seen == limit
		return err
	})
	if err != nil {
		return nil, after, false, fmt.Errorf("read newer deliveries: %w", err)
	}
	return list, upTo, full, nil
}

const deliveryRowSQL = `
SELECT ` + deliveryColumns + `
  FROM deliveries
 WHERE workspace_id = $1 AND id = $2`

// DeliveriesByID answers deliveries as they stand now; what is gone, or is not the workspace's, is left out.
func (db *DB) DeliveriesByID(ctx context.Context, ws signalbox.WorkspaceID, ids []signalbox.DeliveryID) (list []signalbox.Delivery, err error) {
	keys := make([]scoped[signalbox.DeliveryID], len(ids))
	for i, dlv := range ids {
		keys[i] = scoped[signalbox.DeliveryID]{ws, dlv}
	}
	err = db.read(ctx, func(t *tx) error {
		list = nil
		return lookUp(t, deliveryRowSQL, 15, keys, bindScoped, func(r *row, _ *scoped[signalbox.DeliveryID]) { list = append(list, scanDelivery(r)) })
	})
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return list, nil
}

const newerLogsSQL = `
SELECT ` + logColumns + `
  FROM logs
 WHERE workspace_id = $1 AND id > $2
 ORDER BY id
 LIMIT $3`

// NewerLogs answers at most limit stored rows of the log behind an id, oldest first. They are stored a moment after their ids were made: who follows
// the log looks back a little and passes over what it has seen.
func (db *DB) NewerLogs(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) (list []signalbox.LogRow, err error) {
	err = db.read(ctx, func(t *tx) error {
		list = nil
		err := t.query(newerLogsSQL, []any{id(ws), after, limit}, func(r *row) error {
			l, err := scanLog(r)
			list = append(list, l)
			return err
		})
		if err != nil {
			return err
		}
		return t.nameKeys(ws, list)
	})
	if err != nil {
		return nil, fmt.Errorf("read newer logs: %w", err)
	}
	return list, nil
}

// passSQL and its kin name no workspace, as allSignalsSQL.
const (
	passSignalsSQL = `
SELECT id, workspace_id
  FROM signals
 WHERE id > $1
 ORDER BY id
 LIMIT $2`

	passDeliveriesSQL = `
SELECT id, workspace_id
  FROM deliveries
 WHERE id > $1
 ORDER BY id
 LIMIT $2`
)

// PassSignals counts at most limit signals behind an id; upTo and full as NewerSignals has them.
func (db *DB) PassSignals(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) (n int, upTo int64, full bool, err error) {
	return db.pass(ctx, passSignalsSQL, ws, after, limit)
}

// PassDeliveries counts at most limit deliveries behind an id.
func (db *DB) PassDeliveries(ctx context.Context, ws signalbox.WorkspaceID, after int64, limit int) (n int, upTo int64, full bool, err error) {
	return db.pass(ctx, passDeliveriesSQL, ws, after, limit)
}

func (db *DB) pass(ctx context.Context, sql string, ws signalbox.WorkspaceID, after int64, limit int) (n int, upTo int64, full bool, err error) {
	err = db.read(ctx, func(t *tx) error {
		n, upTo = 0, after
		seen := 0
		err := t.query(sql, t.scoped(int64(ws), after, limit), func(r *row) error {
			seen++
			upTo = r.int(0)
			if r.int(1) == int64(ws) {
				n++
			}
			return nil
		})
		full = seen == limit
		return err
	})
	if err != nil {
		return 0, after, false, fmt.Errorf("count newer rows: %w", err)
	}
	return n, upTo, full, nil
}

// lastIDSQL is not lockHeadSQL: what a statement is on PostgreSQL goes by its text.
const lastIDSQL = `
SELECT last_id, definitions_version
  FROM heads
 WHERE workspace_id = $1`

// LastID answers the highest id that the workspace has: what is committed later has a higher one.
func (db *DB) LastID(ctx context.Context, ws signalbox.WorkspaceID) (last int64, err error) {
	err = db.read(ctx, func(t *tx) error {
		last, err = t.count(lastIDSQL, id(ws))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read head: %w", err)
	}
	return last, nil
}
