package store

import (
	"context"
	"fmt"

	"signalbox"
)

const definitionsVersionSQL = `
SELECT definitions_version
  FROM heads
 WHERE workspace_id = $1`

const definedWebhooksSQL = `
SELECT ` + webhookColumns + `
  FROM webhooks
 WHERE workspace_id = $1
   AND deleted_at IS NULL
 ORDER BY id
 LIMIT 500` // signalbox.MaxWebhooks

const definedTypesSQL = `
SELECT id, name, declared, created_at
  FROM signal_types
 WHERE workspace_id = $1
 LIMIT 2000` // signalbox.MaxSignalTypes

// Definitions returns what is in force in a workspace, all of one moment: its settings, webhooks and types, and the version that its head
// had then.
func (db *DB) Definitions(ctx context.Context, ws signalbox.WorkspaceID) (*signalbox.Definitions, error) {
	d := &signalbox.Definitions{Types: map[string]signalbox.SignalType{}}
	err := db.read(ctx, func(t *tx) (err error) {
		if d.Workspace, err = t.workspace(ws); err != nil {
			return err
		}
		if d.Version, err = t.count(definitionsVersionSQL, ws); err != nil {
			return err
		}
		err = t.query(definedWebhooksSQL, []any{ws}, func(r *row) error {
			w, err := scanWebhook(r)
			d.Webhooks = append(d.Webhooks, w)
			return err
		})
		if err != nil {
			return err
		}
		return t.query(definedTypesSQL, []any{ws}, func(r *row) error {
			y := signalbox.SignalType{
				ID:        signalbox.TypeID(r.int(0)),
				Workspace: ws,
				Name:      r.text(1),
				Declared:  r.bool(2),
				CreatedAt: r.time(3),
			}
			d.Types[y.Name] = y
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("definitions: %w", err)
	}
	return d, nil
}
