package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

const insertKeySQL = `
INSERT INTO api_keys (id, workspace_id, name, scope, hint, hash, created_at, expires_at, last_used_at, revoked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// CreateKey adds an API key. Only the key's hash is stored; two keys of one hash cannot be: Conflict.
func (db *DB) CreateKey(ctx context.Context, k signalbox.APIKey) error {
	return db.write(ctx, classManage, func(t *tx) error {
		if _, err := t.workspace(k.Workspace); err != nil {
			return err
		}
		switch found, err := t.one(keyByHashSQL, []any{k.Hash[:]}, func(*row) {}); {
		case err != nil:
			return fmt.Errorf("look for key: %w", err)
		case found:
			return signalbox.Errorf(signalbox.Conflict, "this key exists already")
		}
		_, err := t.exec(insertKeySQL, id(k.ID), id(k.Workspace), k.Name, string(k.Scope), k.Hint, k.Hash[:],
			k.CreatedAt, k.ExpiresAt, k.LastUsedAt, k.RevokedAt)
		if err != nil {
			return fmt.Errorf("insert key: %w", err)
		}
		if err := t.audit(ctx, k.Workspace, "api_key.created", aboutKey(&k), nil, k.Facts()); err != nil {
			return err
		}
		return t.raiseHead(k.Workspace, int64(k.ID))
	})
}

func aboutKey(k *signalbox.APIKey) signalbox.Subject {
	return signalbox.Subject{Type: "api_key", ID: int64(k.ID), Name: k.Name}
}

const keyColumns = `id, workspace_id, name, scope, hint, hash, created_at, expires_at, last_used_at, revoked_at`

const keysSQL = `
SELECT ` + keyColumns + `
  FROM api_keys
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

// Keys answers a page of the workspace's keys, newest first, revoked and expired ones too.
func (db *DB) Keys(ctx context.Context, ws signalbox.WorkspaceID, p signalbox.Page) ([]signalbox.APIKey, int64, error) {
	return fill(ctx, db, p, listing[signalbox.APIKey]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(keysSQL, []any{id(ws), before, n}, each)
		},
		scan: func(r *row) (signalbox.APIKey, error) { return scanKey(r), nil },
	})
}

// Key answers a key, or NoSuch("key").
func (db *DB) Key(ctx context.Context, ws signalbox.WorkspaceID, key signalbox.KeyID) (signalbox.APIKey, error) {
	var k signalbox.APIKey
	err := db.read(ctx, func(t *tx) (err error) {
		k, err = t.key(ws, key)
		return err
	})
	return k, err
}

const updateKeySQL = `
UPDATE api_keys
   SET name = $3, scope = $4, expires_at = $5
 WHERE workspace_id = $1 AND id = $2`

// UpdateKey reads a key, has change edit its name, scope or expiry, and saves it; other fields do not change. An error of
// change is returned as it is and nothing is saved.
func (db *DB) UpdateKey(ctx context.Context, ws signalbox.WorkspaceID, key signalbox.KeyID, change func(*signalbox.APIKey) error) (signalbox.APIKey, error) {
	var out signalbox.APIKey
	err := db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(ws); err != nil {
			return err
		}
		old, err := t.key(ws, key)
		if err != nil {
			return err
		}
		k := old
		if err := change(&k); err != nil {
			return err
		}
		if _, err := t.exec(updateKeySQL, id(ws), id(key), k.Name, string(k.Scope), k.ExpiresAt); err != nil {
			return fmt.Errorf("update key: %w", err)
		}
		out = old
		out.Name, out.Scope, out.ExpiresAt = k.Name, k.Scope, k.ExpiresAt
		return t.audit(ctx, ws, "api_key.updated", aboutKey(&out), old.Facts(), out.Facts())
	})
	return out, err
}

const revokeKeySQL = `
UPDATE api_keys
   SET revoked_at = $3
 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL`

// RevokeKey ends a key at once and for good. A key that is revoked already keeps its first time.
func (db *DB) RevokeKey(ctx context.Context, ws signalbox.WorkspaceID, key signalbox.KeyID, now time.Time) error {
	return db.write(ctx, classManage, func(t *tx) error {
		k, err := t.key(ws, key)
		if err != nil {
			return err
		}
		n, err := t.exec(revokeKeySQL, id(ws), id(key), now)
		if err != nil {
			return fmt.Errorf("revoke key: %w", err)
		}
		if n == 0 {
			return nil
		}
		was := k.Facts()
		k.RevokedAt = now
		return t.audit(ctx, ws, "api_key.revoked", aboutKey(&k), was, k.Facts())
	})
}

// keyByHashSQL has no workspace: the hash is what tells whose key it is.
const keyByHashSQL = `
SELECT ` + keyColumns + `
  FROM api_keys
 WHERE hash = $1`

// KeyByHash answers the key of a hash, revoked and expired ones too, or NoSuch("key").
func (db *DB) KeyByHash(ctx context.Context, hash [32]byte) (signalbox.APIKey, error) {
	var k signalbox.APIKey
	err := db.read(ctx, func(t *tx) error {
		found, err := t.one(keyByHashSQL, []any{hash[:]}, func(r *row) { k = scanKey(r) })
		return foundOr(found, err, "key")
	})
	return k, err
}

// touchKeySQL has no workspace: the caller holds keys that were just looked up by their hash.
const touchKeySQL = `
UPDATE api_keys
   SET last_used_at = $2
 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)`

// TouchKeys notes when keys were last used, only to later; unknown keys are passed over.
func (db *DB) TouchKeys(ctx context.Context, used map[signalbox.KeyID]time.Time) error {
	batch := make(map[signalbox.KeyID]time.Time, min(len(used), signalbox.SliceRows))
	for k, at := range used {
		batch[k] = at
		if len(batch) == signalbox.SliceRows {
			if err := db.touchKeys(ctx, batch); err != nil {
				return err
			}
			clear(batch)
		}
	}
	return db.touchKeys(ctx, batch)
}

func (db *DB) touchKeys(ctx context.Context, used map[signalbox.KeyID]time.Time) error {
	if len(used) == 0 {
		return nil
	}
	return db.write(ctx, classManage, func(t *tx) error {
		for k, at := range used {
			if _, err := t.exec(touchKeySQL, id(k), at); err != nil {
				return fmt.Errorf("touch key: %w", err)
			}
		}
		return nil
	})
}

const keySQL = `
SELECT ` + keyColumns + `
  FROM api_keys
 WHERE workspace_id = $1 AND id = $2`

func (t *tx) key(ws signalbox.WorkspaceID, key signalbox.KeyID) (signalbox.APIKey, error) {
	var k signalbox.APIKey
	found, err := t.one(keySQL, []any{id(ws), id(key)}, func(r *row) { k = scanKey(r) })
	return k, foundOr(found, err, "key")
}

// scanKey reads a row of keyColumns.
func scanKey(r *row) signalbox.APIKey {
	k := signalbox.APIKey{
		ID: signalbox.KeyID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Name: r.text(2), Scope: signalbox.Scope(r.text(3)),
		Hint: r.text(4), CreatedAt: r.time(6), ExpiresAt: r.time(7), LastUsedAt: r.time(8), RevokedAt: r.time(9),
	}
	copy(k.Hash[:], r.bytes(5))
	return k
}
