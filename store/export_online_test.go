package store

import (
	"context"
	"errors"
	"slices"
)

// FailAfterWriting is a write of its own that fails with err after it has changed a row.
func FailAfterWriting(ctx context.Context, db *DB, err error) error {
	return db.write(ctx, classManage, func(t *tx) error {
		if _, writeErr := t.exec(putSettingSQL, "test", []byte("never")); writeErr != nil {
			return writeErr
		}
		return err
	})
}

// EachID reads the ids of all rows of a table.
func EachID(s *Snapshot, table string, each func(id int64)) error {
	t, err := s.db.table(table)
	if err != nil {
		return err
	}
	column := slices.Index(t.Columns, "id")
	var after []byte
	for {
		after, err = s.Rows(table, after, 1000, func(row []byte) error {
			return t.values(row, func(i int, _ kind, n int64, _ []byte) {
				if i == column {
					each(n)
				}
			})
		})
		if err != nil || after == nil {
			return err
		}
	}
}

// CheckSnapshot has SQLite look whether the database of a snapshot is whole.
func CheckSnapshot(s *Snapshot) error {
	var found string
	_, err := s.t.one("PRAGMA integrity_check", nil, func(r *row) { found = r.text(0) })
	if err == nil && found != "ok" {
		err = errors.New(found)
	}
	return err
}
