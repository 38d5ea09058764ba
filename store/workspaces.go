package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"signalbox"
)

// limitsJSON and retentionJSON are how a workspace's settings lie in their columns: named fields, so that a later version can
// add one without a migration.
type limitsJSON struct {
	Workspace rateJSON `json:"workspace"`
	Key       rateJSON `json:"key"`
	Captures  rateJSON `json:"captures,omitzero"`
	Requests  rateJSON `json:"requests"`
}

type rateJSON struct {
	PerMinute int `json:"per_minute,omitempty"`
	PerDay    int `json:"per_day,omitempty"`
}

type retentionJSON struct {
	SignalDays int `json:"signal_days"`
	EventDays  int `json:"event_days"`
}

const insertWorkspaceSQL = `
INSERT INTO workspaces (id, name, timezone, require_identity, mailbox_added, mailbox_removed, aliases, limits, retention,
                        revision, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

const insertHeadSQL = `
INSERT INTO heads (workspace_id, definitions_version, last_id, types)
VALUES ($1, 1, $2, 0)`

// firstRetention is how long after its making a workspace is first looked through for what is past its days: nothing can be
// older than that before. Whoever owns DueRetention moves the row on from there.
const firstRetention = 24 * time.Hour

// CreateWorkspace adds a workspace with its head and arms its DueRetention, so that no workspace is ever without one.
func (db *DB) CreateWorkspace(ctx context.Context, w signalbox.Workspace) error {
	return db.write(ctx, classManage, func(t *tx) error {
		args, err := workspaceArgs(&w)
		if err != nil {
			return err
		}
		if _, err := t.exec(insertWorkspaceSQL, append(append([]any{id(w.ID)}, args...), max(w.Revision, 1), w.CreatedAt, w.UpdatedAt)...); err != nil {
			return fmt.Errorf("insert workspace: %w", err)
		}
		if _, err := t.exec(insertHeadSQL, id(w.ID), int64(w.ID)); err != nil {
			return fmt.Errorf("insert head: %w", err)
		}
		if err := t.audit(ctx, w.ID, "workspace.created", aboutWorkspace(&w), nil, w.Facts()); err != nil {
			return err
		}
		return t.armDue(signalbox.Due{Kind: signalbox.DueRetention, Workspace: w.ID, Subject: int64(w.ID), At: w.CreatedAt.Add(firstRetention)})
	})
}

func aboutWorkspace(w *signalbox.Workspace) signalbox.Subject {
	return signalbox.Subject{Type: "workspace", ID: int64(w.ID), Name: w.Name}
}

// Workspace answers a workspace, or NoSuch("workspace").
func (db *DB) Workspace(ctx context.Context, ws signalbox.WorkspaceID) (signalbox.Workspace, error) {
	var w signalbox.Workspace
	err := db.read(ctx, func(t *tx) (err error) {
		w, err = t.workspace(ws)
		return err
	})
	return w, err
}

const workspaceColumns = `id, name, timezone, require_identity, mailbox_added, mailbox_removed, aliases, limits, retention,
       revision, created_at, updated_at`

const workspacesSQL = `
SELECT ` + workspaceColumns + `
  FROM workspaces
 WHERE id > $1
 ORDER BY id
 LIMIT $2`

// Workspaces answers all workspaces by id, read in slices so that no snapshot lasts.
func (db *DB) Workspaces(ctx context.Context) ([]signalbox.Workspace, error) {
	var all []signalbox.Workspace
	for after := int64(0); ; {
		n := len(all)
		err := db.read(ctx, func(t *tx) error {
			return t.query(workspacesSQL, []any{after, signalbox.SliceRows}, func(r *row) error {
				w, err := scanWorkspace(r)
				all, after = append(all, w), int64(w.ID)
				return err
			})
		})
		if err != nil || len(all)-n < signalbox.SliceRows {
			return all, err
		}
	}
}

const updateWorkspaceSQL = `
UPDATE workspaces
   SET name = $2, timezone = $3, require_identity = $4, mailbox_added = $5, mailbox_removed = $6, aliases = $7, limits = $8,
       retention = $9, revision = $10, updated_at = $11
 WHERE id = $1`

// UpdateWorkspace reads a workspace, has change edit it and saves it as the next revision and the next version of the
// workspace's definitions. An error of change is returned as it is and nothing is saved. Id and CreatedAt do not change.
func (db *DB) UpdateWorkspace(ctx context.Context, ws signalbox.WorkspaceID, now time.Time, change func(*signalbox.Workspace) error) (signalbox.Workspace, error) {
	var out signalbox.Workspace
	err := db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(ws); err != nil {
			return err
		}
		old, err := t.workspace(ws)
		if err != nil {
			return err
		}
		w := old
		if err := change(&w); err != nil {
			return err
		}
		w.ID, w.CreatedAt, w.Revision, w.UpdatedAt = old.ID, old.CreatedAt, old.Revision+1, now
		args, err := workspaceArgs(&w)
		if err != nil {
			return err
		}
		if _, err := t.exec(updateWorkspaceSQL, append(append([]any{id(ws)}, args...), w.Revision, w.UpdatedAt)...); err != nil {
			return fmt.Errorf("update workspace: %w", err)
		}
		out = w
		if err := t.audit(ctx, ws, "workspace.updated", aboutWorkspace(&w), old.Facts(), w.Facts()); err != nil {
			return err
		}
		return t.bumpDefinitions(ws, 0)
	})
	return out, err
}

const workspaceSQL = `
SELECT ` + workspaceColumns + `
  FROM workspaces
 WHERE id = $1`

// workspace loads a workspace, or NoSuch("workspace").
func (t *tx) workspace(ws signalbox.WorkspaceID) (signalbox.Workspace, error) {
	var w signalbox.Workspace
	var bad error
	found, err := t.one(workspaceSQL, []any{id(ws)}, func(r *row) { w, bad = scanWorkspace(r) })
	switch {
	case err != nil:
		return w, fmt.Errorf("read workspace: %w", err)
	case !found:
		return w, signalbox.NoSuch("workspace")
	}
	return w, bad
}

// workspaceArgs are a workspace's settings in the order of their columns, name to retention.
func workspaceArgs(w *signalbox.Workspace) ([]any, error) {
	rate := func(r signalbox.Rate) rateJSON { return rateJSON(r) }
	limits := limitsJSON{Workspace: rate(w.Limits.Workspace), Key: rate(w.Limits.Key), Captures: rate(w.Limits.Captures), Requests: rate(w.Limits.Requests)}
	args := []any{w.Name, w.Timezone, w.RequireIdentity}
	for _, v := range []any{nonNil(w.MailboxProviders.Added), nonNil(w.MailboxProviders.Removed), w.Aliases, limits, retentionJSON(w.Retention)} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("encode workspace settings: %w", err)
		}
		args = append(args, textBytes(text))
	}
	return args, nil
}

// scanWorkspace reads a row of workspaceColumns.
func scanWorkspace(r *row) (signalbox.Workspace, error) {
	w := signalbox.Workspace{
		ID: signalbox.WorkspaceID(r.int(0)), Name: r.text(1), Timezone: r.text(2), RequireIdentity: r.bool(3),
		Revision: r.int(9), CreatedAt: r.time(10), UpdatedAt: r.time(11),
	}
	var limits limitsJSON
	var keep retentionJSON
	for i, into := range []any{&w.MailboxProviders.Added, &w.MailboxProviders.Removed, &w.Aliases, &limits, &keep} {
		if err := json.Unmarshal([]byte(r.text(4+i)), into); err != nil {
			return w, fmt.Errorf("workspace %d: settings: %w", w.ID, err)
		}
	}
	w.Limits = signalbox.RateLimits{
		Workspace: signalbox.Rate(limits.Workspace), Key: signalbox.Rate(limits.Key), Captures: signalbox.Rate(limits.Captures),
		Requests: signalbox.Rate(limits.Requests),
	}
	w.Retention = signalbox.Retention(keep)
	return w, nil
}

// nonNil makes a list that JSON writes as [].
func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
