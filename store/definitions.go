package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

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
 LIMIT 1000` // signalbox.MaxWebhooks, and one for each automation

const definedTypesSQL = `
SELECT id, name, declared, created_at
  FROM signal_types
 WHERE workspace_id = $1
 LIMIT 2000` // signalbox.MaxSignalTypes

const definedSQL = `
SELECT kind, id, code, body, revision, created_at, updated_at
  FROM definitions
 WHERE workspace_id = $1
 ORDER BY kind, id
 LIMIT 3000` // the sum of signalbox.DefinitionKind.Most

// Definitions returns what is in force in a workspace, all of one moment: its settings, webhooks and types, and the version that its head
// had then.
func (db *DB) Definitions(ctx context.Context, ws signalbox.WorkspaceID) (*signalbox.Definitions, error) {
	var d *signalbox.Definitions
	err := db.read(ctx, func(t *tx) (err error) {
		d, err = t.definitions(ws)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("definitions: %w", err)
	}
	return d, nil
}

// DefinitionsVersion is the version of what is in force in a workspace.
func (db *DB) DefinitionsVersion(ctx context.Context, ws signalbox.WorkspaceID) (version int64, err error) {
	err = db.read(ctx, func(t *tx) (err error) {
		version, err = t.count(definitionsVersionSQL, ws)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("definitions' version: %w", err)
	}
	return version, nil
}

func (t *tx) definitions(ws signalbox.WorkspaceID) (*signalbox.Definitions, error) {
	d := &signalbox.Definitions{Types: map[string]signalbox.SignalType{}}
	var err error
	if d.Workspace, err = t.workspace(ws); err != nil {
		return nil, err
	}
	if d.Version, err = t.count(definitionsVersionSQL, ws); err != nil {
		return nil, err
	}
	if d.Webhooks, err = t.webhooks(ws); err != nil {
		return nil, err
	}
	err = t.query(definedTypesSQL, []any{ws}, func(r *row) error {
		y := signalbox.SignalType{ID: signalbox.TypeID(r.int(0)), Workspace: ws, Name: r.text(1), Declared: r.bool(2), CreatedAt: r.time(3)}
		d.Types[y.Name] = y
		return nil
	})
	if err != nil {
		return nil, err
	}
	var list []signalbox.Definition
	err = t.query(definedSQL, []any{ws}, func(r *row) error {
		list = append(list, signalbox.Definition{
			Workspace: ws, Kind: signalbox.DefinitionKind(r.text(0)), ID: r.int(1), Code: r.text(2), Body: []byte(r.text(3)), Revision: r.int(4),
			CreatedAt: r.time(5), UpdatedAt: r.time(6),
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d, d.Define(list)
}

const (
	insertDefinitionSQL = `
INSERT INTO definitions (workspace_id, kind, id, code, body, revision, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

	updateDefinitionSQL = `
UPDATE definitions
   SET code = $4, body = $5, revision = $6, updated_at = $7
 WHERE workspace_id = $1 AND kind = $2 AND id = $3`

	deleteDefinitionSQL = `
DELETE FROM definitions
 WHERE workspace_id = $1 AND kind = $2 AND id = $3`
)

// Define has change say what becomes of one definition, given all that are in force, and saves that as the next version of the workspace's definitions:
// it is in force for every signal that is decided after it. An error of change is returned as it is and nothing is saved, and so it is when change
// answers nil. The lane of an automation is saved with it, and goes with it. Conflict when the workspace has the most definitions of the kind, or the most types, already, or another one with the code. Revision and the times of what is
// put are set here.
func (db *DB) Define(ctx context.Context, ws signalbox.WorkspaceID, now time.Time, change func(*signalbox.Definitions) (*signalbox.Redefinition, error)) error {
	return db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(ws); err != nil {
			return err
		}
		d, err := t.definitions(ws)
		if err != nil {
			return err
		}
		to, err := change(d)
		if err != nil || to == nil {
			return err
		}
		var last int64
		about := to.Drop
		if about != nil {
			_, err = t.exec(deleteDefinitionSQL, id(ws), string(about.Kind), about.ID)
		} else {
			about, last = to.Put, to.Put.ID
			if err = t.putDefinition(d, about, now); err == nil {
				err = t.keepProfile(about)
			}
		}
		if err != nil {
			return fmt.Errorf("define: %w", err)
		}
		if err := t.keepLane(d, to, now); err != nil {
			return err
		}
		if to.Type != nil {
			if err := t.redeclare(d, to.Type); err != nil {
				return err
			}
		}
		if to.Job != nil {
			last = max(last, int64(to.Job.ID))
			save := t.insertJob
			if to.Job.Kind == signalbox.JobRescore {
				save = func(j *signalbox.Job) error { return t.replaceJob(j, now) }
			}
			if err := save(to.Job); err != nil {
				return err
			}
		}
		subject := signalbox.Subject{Type: string(about.Kind), ID: about.ID, Name: cmp.Or(to.Name, about.Code)}
		if err := t.audit(ctx, ws, to.Act, subject, to.Was, to.Is); err != nil {
			return err
		}
		return t.bumpDefinitions(ws, last)
	})
}

// putDefinition inserts or replaces one.
func (t *tx) putDefinition(d *signalbox.Definitions, put *signalbox.Definition, now time.Time) error {
	if other := d.Called(put.Kind, put.Code); other != nil && other.ID != put.ID {
		return signalbox.Errorf(signalbox.Conflict, "there is another %s called %q", put.Kind, put.Code)
	}
	put.UpdatedAt = now
	if old := d.Find(put.Kind, put.ID); old != nil {
		put.Revision, put.CreatedAt = old.Revision+1, old.CreatedAt
		_, err := t.exec(updateDefinitionSQL, id(put.Workspace), string(put.Kind), put.ID, put.Code, textBytes(put.Body), put.Revision, now)
		return err
	}
	n := 0
	for i := range d.Defined {
		if d.Defined[i].Kind == put.Kind {
			n++
		}
	}
	if most := put.Kind.Most(); n >= most {
		return signalbox.Errorf(signalbox.Conflict, "a workspace has at most %d %s: delete one first", most, put.Kind.Plural())
	}
	put.Revision, put.CreatedAt = 1, now
	_, err := t.exec(insertDefinitionSQL, id(put.Workspace), string(put.Kind), put.ID, put.Code, textBytes(put.Body), put.Revision, now, now)
	return err
}
