package store

import (
	"context"
	"fmt"
	"math"

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

const (
	declareTypeSQL = `
UPDATE signal_types
   SET declared = $3
 WHERE workspace_id = $1 AND id = $2`

	deleteTypeSQL = `
DELETE FROM signal_types
 WHERE workspace_id = $1 AND id = $2`

	// typeUsedSQL finds erased signals too: what is left of them still names their type.
	typeUsedSQL = `
SELECT id
  FROM signals
 WHERE workspace_id = $1 AND type_id = $2
 LIMIT 1`

	countTypeSQL = `
UPDATE heads
   SET types = types + $2
 WHERE workspace_id = $1`
)

// redeclare saves a type whose declaration is made or taken away. One that is declared takes the place of what signals have made by its name; one that
// is no longer declared stays while signals have it. Only under the head: a turn that makes a type, or a signal of it, comes before or after.
func (t *tx) redeclare(d *signalbox.Definitions, y *signalbox.SignalType) error {
	known, isKnown := d.Types[y.Name]
	switch {
	case isKnown && known.ID != y.ID:
		return signalbox.Errorf(signalbox.Conflict, "there is another signal type called %q", y.Name)
	case y.Declared && !isKnown:
		if len(d.Types) >= signalbox.MaxSignalTypes {
			return signalbox.Errorf(signalbox.Conflict, "a workspace has at most %d signal types: delete one first", signalbox.MaxSignalTypes)
		}
		if _, err := t.exec(insertTypeSQL, id(y.ID), id(y.Workspace), y.Name, y.Declared, y.CreatedAt); err != nil {
			return fmt.Errorf("insert signal type: %w", err)
		}
		return t.countTypes(y.Workspace, 1)
	}
	used := y.Declared
	if !used {
		var err error
		if used, err = t.one(typeUsedSQL, []any{id(y.Workspace), id(y.ID)}, func(*row) {}); err != nil {
			return fmt.Errorf("look for signals of a type: %w", err)
		}
	}
	if used {
		_, err := t.exec(declareTypeSQL, id(y.Workspace), id(y.ID), y.Declared)
		return err
	}
	deleted, err := t.exec(deleteTypeSQL, id(y.Workspace), id(y.ID))
	if err != nil {
		return fmt.Errorf("delete signal type: %w", err)
	}
	return t.countTypes(y.Workspace, -deleted)
}

func (t *tx) countTypes(ws signalbox.WorkspaceID, by int64) error {
	_, err := t.exec(countTypeSQL, id(ws), by)
	return err
}

// TypeSignals answers signals of a type with ids below before (0: from the newest), the latest made first: at most SliceRows of them, erased ones too.
// None: these were all.
func (db *DB) TypeSignals(ctx context.Context, ws signalbox.WorkspaceID, typ signalbox.TypeID, before signalbox.SignalID) ([]signalbox.Signal, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	var list []signalbox.Signal
	err := db.read(ctx, func(t *tx) error {
		return t.query(signalsOfTypeSQL, []any{id(ws), id(typ), id(before), signalbox.SliceRows}, func(r *row) error {
			list = append(list, scanSignal(r))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read signals of a type: %w", err)
	}
	return list, nil
}
