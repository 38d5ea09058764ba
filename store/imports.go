package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"signalbox"
)

const standingImportSQL = `
SELECT id
  FROM imports
 WHERE workspace_id = $1
   AND name = $2
   AND undone_at IS NULL`

func (l *loader) imports(n *signalbox.Need) error {
	for _, key := range n.Imports {
		_, err := l.t.one(standingImportSQL, []any{key.Workspace, key.Name}, func(r *row) { l.s.Imports[key] = signalbox.ImportID(r.int(0)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// findImports is imports for PostgreSQL.
func (l *loader) findImports(n *signalbox.Need) error {
	return findBatch(l.t, standingImportSQL, 1, n.Imports,
		func(s *stmt, k *signalbox.ImportKey) { s.id(int64(k.Workspace)).text(k.Name) },
		func(r *row, k *signalbox.ImportKey) error {
			l.s.Imports[*k] = signalbox.ImportID(r.int(0))
			return nil
		})
}

const insertImportSQL = `
INSERT INTO imports (id, workspace_id, name, created_at, undone_at)
VALUES ($1, $2, $3, $4, $5)`

// insertImportedSQL keeps the first image of a record that one import changes again. Was it changed by somebody else between, the revision is 0,
// which none has.
const insertImportedSQL = `
INSERT INTO import_rows (workspace_id, import_id, entity_id, kind, made, before, revision)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (workspace_id, import_id, entity_id) DO NOTHING`

const againImportedSQL = `
UPDATE import_rows
   SET revision = CASE WHEN revision = $4 THEN $5 ELSE 0 END
 WHERE workspace_id = $1
   AND import_id = $2
   AND entity_id = $3
   AND revision < $5`

const deleteImportedSQL = `
DELETE FROM import_rows
 WHERE workspace_id = $1
   AND import_id = $2
   AND entity_id = $3`

const dropImportedSQL = `
DELETE FROM import_rows
 WHERE workspace_id = $1 AND entity_id = $2`

// saveImports goes row by row where a record is changed twice in one decision: the second change must find the first one.
func (t *tx) saveImports(d *signalbox.Decision) error {
	err := each(t, insertImportSQL, d.Imports, func(s *stmt, m *signalbox.Import) {
		s.id(int64(m.ID)).id(int64(m.Workspace)).text(m.Name).time(m.CreatedAt).time(m.UndoneAt)
	})
	if err != nil {
		return err
	}
	type place struct {
		of     signalbox.ImportID
		entity signalbox.EntityID
	}
	seen := map[place]bool{}
	for rest := d.Imported; len(rest) > 0; {
		clear(seen)
		n := 0
		for n < len(rest) && !seen[place{rest[n].Import, rest[n].Entity}] {
			seen[place{rest[n].Import, rest[n].Entity}] = true
			n++
		}
		if err := t.saveImported(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return each(t, deleteImportedSQL, d.Unimported, func(s *stmt, m *signalbox.ImportedRow) {
		s.id(int64(m.Workspace)).id(int64(m.Import)).id(int64(m.Entity))
	})
}

func (t *tx) saveImported(rows []signalbox.ImportedRow) error {
	err := each(t, insertImportedSQL, rows, func(s *stmt, m *signalbox.ImportedRow) {
		s.id(int64(m.Workspace)).id(int64(m.Import)).id(int64(m.Entity)).int(int64(m.Kind)).bool(m.Made)
		s.says(m.Before).int(m.Revision)
	})
	if err != nil {
		return err
	}
	return each(t, againImportedSQL, rows, func(s *stmt, m *signalbox.ImportedRow) {
		s.id(int64(m.Workspace)).id(int64(m.Import)).id(int64(m.Entity)).int(m.Was).int(m.Revision)
	})
}

// says binds what a record says: nil is NULL.
func (s *stmt) says(o *signalbox.Own) *stmt {
	if o == nil {
		return s.null()
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	s.bound(enc.Encode(o))
	return s.json(bytes.TrimSpace(buf.Bytes()))
}

const importColumns = `id, workspace_id, name, created_at, undone_at`

const importsSQL = `
SELECT ` + importColumns + `
  FROM imports
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

const importSQL = `
SELECT ` + importColumns + `
  FROM imports
 WHERE workspace_id = $1 AND id = $2`

// countedImportedSQL counts no further than ten slices.
const countedImportedSQL = `
SELECT count(*)
  FROM (SELECT 1
          FROM import_rows
         WHERE workspace_id = $1 AND import_id = $2
         LIMIT 10000) AS few`

func scanImport(r *row) signalbox.Import {
	return signalbox.Import{
		ID: signalbox.ImportID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Name: r.text(2), CreatedAt: r.time(3), UndoneAt: r.time(4),
	}
}

// Imports answers a page of the workspace's imports, newest first.
func (db *DB) Imports(ctx context.Context, ws signalbox.WorkspaceID, p signalbox.Page) ([]signalbox.Import, int64, error) {
	list, next, err := fill(ctx, db, p, listing[signalbox.Import]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(importsSQL, []any{id(ws), before, n}, each)
		},
		scan: func(r *row) (signalbox.Import, error) { return scanImport(r), nil },
	})
	if err != nil {
		return nil, 0, err
	}
	err = db.read(ctx, func(t *tx) (err error) {
		for i := range list {
			if list[i].Records, err = t.count(countedImportedSQL, id(ws), id(list[i].ID)); err != nil {
				return err
			}
		}
		return nil
	})
	return list, next, err
}

// Import answers an import, or NoSuch("import").
func (db *DB) Import(ctx context.Context, ws signalbox.WorkspaceID, imp signalbox.ImportID) (m signalbox.Import, err error) {
	err = db.read(ctx, func(t *tx) error {
		found, err := t.one(importSQL, []any{id(ws), id(imp)}, func(r *row) { m = scanImport(r) })
		if err := foundOr(found, err, "import"); err != nil {
			return err
		}
		m.Records, err = t.count(countedImportedSQL, id(ws), id(imp))
		return err
	})
	return m, err
}

const importedRowsSQL = `
SELECT i.entity_id, i.kind, i.made, i.before, i.revision,
       CASE WHEN i.kind = 1 AND i.made = 1
            THEN (SELECT c.id
                    FROM contacts AS c
                   WHERE c.workspace_id = $1 AND c.account_id = i.entity_id AND c.erased_at IS NULL
                   LIMIT 1) END
  FROM import_rows AS i
 WHERE i.workspace_id = $1 AND i.import_id = $2 AND i.entity_id < $3 AND i.kind = $5
 ORDER BY i.entity_id DESC
 LIMIT $4`

// ImportedRows answers what an import did to records of a kind with ids below before, at most SliceRows of them, the latest made first.
func (db *DB) ImportedRows(ctx context.Context, ws signalbox.WorkspaceID, imp signalbox.ImportID, kind signalbox.RecordKind, before signalbox.EntityID) (list []signalbox.ImportedRow, err error) {
	err = db.read(ctx, func(t *tx) error {
		list = nil
		return t.query(importedRowsSQL, []any{id(ws), id(imp), id(before), signalbox.SliceRows, int64(kind)}, func(r *row) error {
			m := signalbox.ImportedRow{
				Workspace: ws, Import: imp, Entity: signalbox.EntityID(r.int(0)), Kind: signalbox.RecordKind(r.int(1)), Made: r.bool(2),
				Revision: r.int(4), Used: !r.null(5),
			}
			if !r.null(3) {
				m.Before = new(signalbox.Own)
				if err := json.Unmarshal(r.bytes(3), m.Before); err != nil {
					return fmt.Errorf("column before: %w", err)
				}
			}
			list = append(list, m)
			return nil
		})
	})
	return list, err
}

const endImportSQL = `
UPDATE imports
   SET undone_at = $3
 WHERE workspace_id = $1 AND id = $2`

// EndImport marks an import as undone: its name is free for another one.
func (db *DB) EndImport(ctx context.Context, ws signalbox.WorkspaceID, imp signalbox.ImportID, now time.Time) error {
	return db.write(ctx, classManage, func(t *tx) error {
		_, err := t.exec(endImportSQL, id(ws), id(imp), now)
		return err
	})
}
