package store

import (
	"context"
	"fmt"

	"signalbox"
)

const accountColumns = `id, workspace_id, domain, name, status, attributes, revision, created_at, updated_at, erased_at,
       merged_into, merged`

// Accounts answers a page of the workspace's accounts, in the order that the filter asks for; without one, the newest first.
func (db *DB) Accounts(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page) ([]signalbox.Account, signalbox.Place, error) {
	rows, next, err := db.sortedRecords(ctx, accountShelf, ws, f, p, func(r signalbox.Record) bool {
		return f.Status == "" || r.(*signalbox.Account).Status == f.Status
	})
	list := make([]signalbox.Account, len(rows))
	for i, r := range rows {
		list[i] = *r.(*signalbox.Account)
	}
	return list, next, err
}

// Account answers an account, or NoSuch("account") when it is unknown or erased.
func (db *DB) Account(ctx context.Context, ws signalbox.WorkspaceID, acc signalbox.AccountID) (signalbox.Account, error) {
	var a signalbox.Account
	err := db.read(ctx, func(t *tx) (err error) {
		a, err = t.account(ws, acc)
		return err
	})
	return a, err
}

const findRecordSQL = `
SELECT entity_id
  FROM record_keys
 WHERE workspace_id = $1 AND kind = $2 AND value = $3`

// FindRecord answers the account or contact that a key names, false when there is none.
func (db *DB) FindRecord(ctx context.Context, key signalbox.RecordKey) (signalbox.EntityID, bool, error) {
	var entity signalbox.EntityID
	var found bool
	err := db.read(ctx, func(t *tx) (err error) {
		found, err = t.one(findRecordSQL, []any{id(key.Workspace), key.Kind, key.Value}, func(r *row) {
			entity = signalbox.EntityID(r.int(0))
		})
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("find record: %w", err)
	}
	return entity, found, nil
}

const stateSQL = `
SELECT last_signal_id, last_signal_at, signals, standing, following
  FROM entity_states
 WHERE workspace_id = $1 AND entity_id = $2`

// State answers what deciding keeps of an account or a contact, or NoSuch("record").
func (db *DB) State(ctx context.Context, ws signalbox.WorkspaceID, entity signalbox.EntityID) (signalbox.EntityState, error) {
	var s signalbox.EntityState
	err := db.read(ctx, func(t *tx) (err error) {
		s, err = t.state(ws, entity)
		return err
	})
	return s, err
}

func (t *tx) state(ws signalbox.WorkspaceID, entity signalbox.EntityID) (signalbox.EntityState, error) {
	s := signalbox.EntityState{Entity: entity, Workspace: ws}
	found, err := t.one(stateSQL, []any{id(ws), id(entity)}, func(r *row) {
		s.LastSignal, s.LastSignalAt, s.Signals, s.Standing = signalbox.SignalID(r.int(0)), r.time(1), r.int(2), r.bytes(3)
		s.Following = r.bytes(4)
	})
	return s, foundOr(found, err, "record")
}

const accountSQL = `
SELECT ` + accountColumns + `
  FROM accounts
 WHERE workspace_id = $1 AND id = $2 AND erased_at IS NULL`

// account loads an account that is not erased, or the one that stands for it, or NoSuch("account").
func (t *tx) account(ws signalbox.WorkspaceID, acc signalbox.AccountID) (a signalbox.Account, err error) {
	for next := acc; next != 0; next = a.MergedInto {
		found, err := t.one(accountSQL, []any{id(ws), id(next)}, func(r *row) { a = scanAccount(r) })
		if err := foundOr(found, err, "account"); err != nil {
			return a, err
		}
	}
	return a, foundOr(a.ID != 0, nil, "account")
}

// scanAccount reads a row of accountColumns.
func scanAccount(r *row) signalbox.Account {
	return signalbox.Account{
		ID: signalbox.AccountID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Domain: r.text(2), Name: r.text(3),
		Status: r.text(4), Attributes: r.bytes(5), Revision: r.int(6), CreatedAt: r.time(7), UpdatedAt: r.time(8), ErasedAt: r.time(9),
		MergedInto: signalbox.AccountID(r.int(10)), Merged: r.merged(11),
	}
}
