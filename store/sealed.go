package store

import (
	"bytes"
	"context"
	"fmt"

	"signalbox"
)

// SealedColumn is a column whose values the secret key alone opens.
type SealedColumn struct {
	Table  string
	Column string
	Kind   string // what its values are bound to, beside the workspace and the row's id
}

// sealedColumns are all of them: whoever adds one adds it here, and backups, rotation and starts know it. A test holds the list against the schema.
var sealedColumns = []SealedColumn{
	{"webhooks", "sealed_secret", "webhook.secret"},
	{"webhooks", "sealed_previous", "webhook.secret"},
	{"webhooks", "sealed_headers", "webhook.headers"},
	{"webhooks", "sealed_key", "webhook.key"},
	{"webhooks", "sealed_previous_key", "webhook.key"},
	{"streams", "sealed_secrets", "stream.secrets"},
	{"streams", "sealed_key", "stream.key"},
}

// Sealed is a sealed value and what it belongs to.
type Sealed struct {
	SealedColumn
	Workspace signalbox.WorkspaceID
	Row       int64
	Value     []byte
}

// SealedColumns lists the columns that hold sealed values. The setting that a server holds its key against is not one of them: that is its own.
func SealedColumns() []SealedColumn { return append([]SealedColumn(nil), sealedColumns...) }

// headersSQL finds with what a column's values begin: a value says there which key sealed it. It is of all workspaces, asked at a start and by a backup.
func (c SealedColumn) headersSQL() string {
	return "\nSELECT DISTINCT substr(" + c.Column + ", 1, $1)\n  FROM " + c.Table + "\n WHERE " + c.Column + " IS NOT NULL"
}

func (c SealedColumn) selectSQL() string {
	return "\nSELECT id, " + c.Column + "\n  FROM " + c.Table + "\n WHERE workspace_id = $1\n   AND id > $2\n   AND " + c.Column + " IS NOT NULL" +
		"\n ORDER BY id\n LIMIT $3"
}

func (c SealedColumn) updateSQL() string {
	return "\nUPDATE " + c.Table + "\n   SET " + c.Column + " = $3\n WHERE workspace_id = $1\n   AND id = $2"
}

// SealedHeaders returns every beginning, of the given length, that a sealed value has.
func (db *DB) SealedHeaders(ctx context.Context, size int) (list [][]byte, err error) {
	err = db.read(ctx, func(t *tx) error {
		list, err = t.sealedHeaders(size)
		return err
	})
	return list, err
}

// SealedHeaders returns every beginning, of the given length, that a sealed value has.
func (s *Snapshot) SealedHeaders(size int) ([][]byte, error) {
	list, err := s.t.sealedHeaders(size)
	if err != nil {
		return nil, s.broken("sealed values", err)
	}
	return list, nil
}

func (t *tx) sealedHeaders(size int) (list [][]byte, err error) {
	for _, c := range sealedColumns {
		if err := t.query(c.headersSQL(), []any{int64(size)}, func(r *row) error {
			list = append(list, r.bytes(0))
			return nil
		}); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", c.Table, c.Column, err)
		}
	}
	return list, nil
}

// Rewrap has change seal a workspace's values anew, and says how many became others. It works in slices, each under the workspace's head: whoever
// changes a row at the same time comes before or after it, and none loses what the other wrote. A value that change returns as it is
// stays. That is no change of a definition: what nodes hold in memory opens as before, under the key that it was sealed with. change may be called
// again for the same value; its error ends the slice without a change.
func (db *DB) Rewrap(ctx context.Context, ws signalbox.WorkspaceID, change func(Sealed) ([]byte, error)) (changed int, err error) {
	for _, c := range sealedColumns {
		for after, more := int64(0), true; more; {
			var n int
			last := after
			err := db.write(ctx, classSlice, func(t *tx) error {
				n, last = 0, after
				var err error
				n, last, err = t.rewrap(c, ws, after, change)
				return err
			})
			if err != nil {
				return changed, fmt.Errorf("rewrap %s.%s: %w", c.Table, c.Column, err)
			}
			changed += n
			more, after = last > after, last
		}
	}
	return changed, nil
}

// rewrap is one slice; last is the row that it came to, or after when there was none.
func (t *tx) rewrap(c SealedColumn, ws signalbox.WorkspaceID, after int64, change func(Sealed) ([]byte, error)) (changed int, last int64, err error) {
	if err := t.lockHead(ws); err != nil {
		return 0, after, err
	}
	var list []Sealed
	err = t.query(c.selectSQL(), []any{ws, after, signalbox.SliceRows}, func(r *row) error {
		list = append(list, Sealed{c, ws, r.int(0), r.bytes(1)})
		return nil
	})
	if err != nil {
		return 0, after, err
	}
	last = after
	for _, v := range list {
		last = v.Row
		fresh, err := change(v)
		if err != nil {
			return 0, after, err
		}
		if bytes.Equal(fresh, v.Value) {
			continue
		}
		if _, err := t.exec(c.updateSQL(), ws, v.Row, fresh); err != nil {
			return 0, after, err
		}
		changed++
	}
	return changed, last, nil
}
