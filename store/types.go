package store

import (
	"context"
	"fmt"

	"signalbox"
)

const typesSQL = `
SELECT id, name, declared, created_at
  FROM signal_types
 WHERE workspace_id = $1
 ORDER BY name
 LIMIT $2`

// Types answers the workspace's signal types by name: at most MaxSignalTypes.
func (db *DB) Types(ctx context.Context, ws signalbox.WorkspaceID) ([]signalbox.SignalType, error) {
	list := []signalbox.SignalType{}
	err := db.read(ctx, func(t *tx) error {
		return t.query(typesSQL, []any{id(ws), signalbox.MaxSignalTypes}, func(r *row) error {
			list = append(list, signalbox.SignalType{
				ID: signalbox.TypeID(r.int(0)), Workspace: ws, Name: r.text(1), Declared: r.bool(2), CreatedAt: r.time(3),
			})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read signal types: %w", err)
	}
	return list, nil
}
