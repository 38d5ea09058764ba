package store

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"signalbox"
)

const accountColumns = `id, workspace_id, domain, name, status, attributes, revision, created_at, updated_at, erased_at,
       merged_into, merged`

const accountsSQL = `
SELECT ` + accountColumns + `
  FROM accounts
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

// Accounts answers a page of the workspace's accounts, newest first. Query is a prefix of the domain or the name.
//
// A query is a scan in slices, not an index: an index over text answers by text, and a page is by id, so that a short prefix
// would have to read and sort every match; and text that stands in one place is erased in one place. A slice of 1,000 rows
// takes a few milliseconds; who has the whole domain asks FindRecord.
func (db *DB) Accounts(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, p signalbox.Page) ([]signalbox.Account, signalbox.Place, error) {
	query := strings.TrimSpace(f.Query)
	list, next, err := fill(ctx, db, p, listing[signalbox.Account]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(accountsSQL, []any{id(ws), before, n}, each)
		},
		keep: func(r *row) bool {
			return r.null(9) && r.null(10) && (f.Status == "" || r.text(4) == f.Status) &&
				(query == "" || hasPrefix(r.text(2), query) || hasPrefix(r.text(3), query))
		},
		scan: func(r *row) (signalbox.Account, error) { return scanAccount(r), nil },
	})
	return list, signalbox.Place{Before: next}, err
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
SELECT last_signal_id, last_signal_at, signals
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
		s.LastSignal, s.LastSignalAt, s.Signals = signalbox.SignalID(r.int(0)), r.time(1), r.int(2)
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

// hasPrefix says whether s begins with prefix, without regard to case.
func hasPrefix(s, prefix string) bool {
	for _, want := range prefix {
		got, size := utf8.DecodeRuneInString(s)
		if size == 0 || got != want && unicode.ToLower(got) != unicode.ToLower(want) {
			return false
		}
		s = s[size:]
	}
	return true
}
