package store

import (
	"context"
	"fmt"

	"signalbox"
)

// lookUp looks many rows up by the same statement: a trip each to the embedded database, one trip for all of them to PostgreSQL. columns is
// how many the statement has.
func lookUp[K any](t *tx, sql string, columns int, keys []K, bind func(*stmt, *K), found func(*row, *K)) error {
	if t.pg != nil {
		err := findBatch(t, sql, columns, keys, bind, func(r *row, k *K) error {
			found(r, k)
			return nil
		})
		if err != nil {
			return err
		}
		return t.pg.flush()
	}
	for i := range keys {
		s, err := t.stmt(sql)
		if err != nil {
			return err
		}
		bind(s, &keys[i])
		if _, err := s.first(func(r *row) { found(r, &keys[i]) }); err != nil {
			return err
		}
	}
	return nil
}

// scoped is an id and the workspace that it must be of.
type scoped[T signalbox.ID] struct {
	workspace signalbox.WorkspaceID
	id        T
}

func bindScoped[T signalbox.ID](s *stmt, k *scoped[T]) { s.id(int64(k.workspace)).id(int64(k.id)) }

// States answers what deciding keeps of several accounts or contacts; what has no state, or is not the workspace's, is left out.
func (db *DB) States(ctx context.Context, ws signalbox.WorkspaceID, ids []signalbox.EntityID) (map[signalbox.EntityID]signalbox.EntityState, error) {
	states := make(map[signalbox.EntityID]signalbox.EntityState, len(ids))
	err := db.read(ctx, func(t *tx) error {
		clear(states) // a read may run again
		return lookUp(t, stateSQL, 5, ids, func(s *stmt, e *signalbox.EntityID) { s.id(int64(ws)).id(int64(*e)) }, func(r *row, e *signalbox.EntityID) {
			states[*e] = signalbox.EntityState{Entity: *e, Workspace: ws, LastSignal: signalbox.SignalID(r.int(0)), LastSignalAt: r.time(1), Signals: r.int(2), Standing: r.bytes(3),
				Following: r.bytes(4)}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read states: %w", err)
	}
	return states, nil
}

// Companies answers several accounts, or those that stand for them, by the ids that were asked for; one that is erased, or not the workspace's,
// is left out.
func (db *DB) Companies(ctx context.Context, ws signalbox.WorkspaceID, ids []signalbox.AccountID) (map[signalbox.AccountID]signalbox.Account, error) {
	var found map[signalbox.AccountID]signalbox.Account
	err := db.read(ctx, func(t *tx) error {
		rows := make(map[scoped[signalbox.AccountID]]*signalbox.Account, len(ids))
		for _, id := range ids {
			rows[scoped[signalbox.AccountID]{ws, id}] = nil
		}
		err := t.accountsOf(rows)
		found = make(map[signalbox.AccountID]signalbox.Account, len(ids)) // a read may run again
		for k, a := range rows {
			if a != nil {
				found[k.id] = *a
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return found, nil
}
