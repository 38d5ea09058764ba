package store

import (
	"context"

	"signalbox"
)

const linkedColumns = `id, workspace_id, provider, origin_owner_id, origin_owner_name, origin_username, setup, status, revision, created_at, updated_at`

const linkedListSQL = `
SELECT ` + linkedColumns + `
  FROM linked_accounts
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

const linkedSQL = `
SELECT ` + linkedColumns + `
  FROM linked_accounts
 WHERE workspace_id = $1 AND id = $2`

// LinkedAccounts answers a page of the workspace's linked accounts, newest first. They are made, changed and deleted by deciding, which tells of it.
func (db *DB) LinkedAccounts(ctx context.Context, ws signalbox.WorkspaceID, p signalbox.Page) ([]signalbox.LinkedAccount, int64, error) {
	return fill(ctx, db, p, listing[signalbox.LinkedAccount]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(linkedListSQL, []any{id(ws), before, n}, each)
		},
		scan: func(r *row) (signalbox.LinkedAccount, error) { return scanLinked(r), nil },
	})
}

// LinkedAccount answers a linked account, or NoSuch("linked_account").
func (db *DB) LinkedAccount(ctx context.Context, ws signalbox.WorkspaceID, lac signalbox.LinkedAccountID) (l signalbox.LinkedAccount, err error) {
	err = db.read(ctx, func(t *tx) error {
		l, err = t.linked(ws, lac)
		return err
	})
	return l, err
}

func (t *tx) linked(ws signalbox.WorkspaceID, lac signalbox.LinkedAccountID) (l signalbox.LinkedAccount, err error) {
	found, err := t.one(linkedSQL, []any{id(ws), id(lac)}, func(r *row) { l = scanLinked(r) })
	return l, foundOr(found, err, "linked_account")
}

// scanLinked reads a row of linkedColumns.
func scanLinked(r *row) signalbox.LinkedAccount {
	return signalbox.LinkedAccount{
		ID: signalbox.LinkedAccountID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Provider: r.text(2), OriginOwnerID: r.text(3),
		OriginOwnerName: r.text(4), OriginUsername: r.text(5), Setup: r.bytes(6), Status: r.text(7), Revision: r.int(8), CreatedAt: r.time(9), UpdatedAt: r.time(10),
	}
}

// linkedStates loads the linked accounts that a turn names, with the ids of their streams. There are few: a turn has acts of people.
func (l *loader) linkedStates(n *signalbox.Need) error {
	for _, key := range n.Linked {
		if l.s.Busy[key.Workspace] {
			continue
		}
		account, err := l.t.linked(key.Workspace, key.ID)
		if isNoSuch(err) {
			continue
		}
		if err != nil {
			return err
		}
		state := &signalbox.LinkedState{LinkedAccount: account}
		ids, err := l.t.ids(streamIDsSQL, key.Workspace, id(key.ID), signalbox.MaxStreams)
		if err != nil {
			return err
		}
		for _, stream := range ids {
			state.Streams = append(state.Streams, signalbox.StreamID(stream))
		}
		l.s.Linked[key] = state
	}
	return nil
}

const (
	insertLinkedSQL = `
INSERT INTO linked_accounts (id, workspace_id, provider, origin_owner_id, origin_owner_name, origin_username, setup, status, revision, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

	updateLinkedSQL = `
UPDATE linked_accounts
   SET provider = $3,
       origin_owner_id = $4,
       origin_owner_name = $5,
       origin_username = $6,
       setup = $7,
       status = $8,
       revision = $9,
       created_at = $10,
       updated_at = $11
 WHERE id = $1
   AND workspace_id = $2`

	deleteLinkedSQL = `
DELETE FROM linked_accounts
 WHERE workspace_id = $1 AND id = $2`

	endStreamsSQL = `
UPDATE streams
   SET deleted_at = $3,
       lease_node = NULL,
       lease_generation = NULL
 WHERE workspace_id = $1 AND linked_id = $2 AND deleted_at IS NULL`
)

// saveLinked saves linked accounts, and ends the streams of those that are deleted.
func (t *tx) saveLinked(d *signalbox.Decision) error {
	err := written(t, insertLinkedSQL, updateLinkedSQL, d.Linked,
		func(w *signalbox.Written[signalbox.LinkedAccount]) bool { return w.New },
		func(s *stmt, w *signalbox.Written[signalbox.LinkedAccount]) {
			l := w.Row
			s.id(int64(l.ID)).id(int64(l.Workspace)).text(l.Provider).text(l.OriginOwnerID).text(l.OriginOwnerName).text(l.OriginUsername).json(l.Setup)
			s.text(l.Status).int(l.Revision).time(l.CreatedAt).time(l.UpdatedAt)
		})
	if err != nil {
		return err
	}
	for _, gone := range d.Unlinked {
		if _, err := t.exec(deleteLinkedSQL, gone.Workspace, id(gone.ID)); err != nil {
			return err
		}
		if _, err := t.exec(endStreamsSQL, gone.Workspace, id(gone.ID), gone.At); err != nil {
			return err
		}
	}
	return nil
}
