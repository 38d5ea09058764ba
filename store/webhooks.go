package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"signalbox"
)

const countWebhooksSQL = `
SELECT count(*)
  FROM webhooks
 WHERE workspace_id = $1 AND deleted_at IS NULL AND kind <> 'action' AND ($2 = '' OR format = $2)`

const insertWebhookSQL = `
INSERT INTO webhooks (id, workspace_id, kind, url, events, label, description, format, signature_format, sealed_secret,
                      sealed_headers, header_names, max_in_flight, enabled, disabled_reason, temporary, last_read_at, revision,
                      created_at, updated_at, retry_schedule, rate_per_second, sealed_previous, previous_until, vendor_previous,
                      sealed_key, sealed_previous_key, public_key, filter)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)`

// CreateWebhook adds a webhook; it is in force for every signal that is decided after it. A workspace that has MaxWebhooks gets
// Conflict.
func (db *DB) CreateWebhook(ctx context.Context, w signalbox.Webhook) error {
	return db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(w.Workspace); err != nil {
			return err
		}
		if _, err := t.workspace(w.Workspace); err != nil {
			return err
		}
		n, err := t.count(countWebhooksSQL, id(w.Workspace), "")
		if err != nil {
			return fmt.Errorf("count webhooks: %w", err)
		}
		if n >= signalbox.MaxWebhooks {
			return signalbox.Errorf(signalbox.Conflict, "a workspace has at most %d webhooks: delete one first", signalbox.MaxWebhooks)
		}
		if err := t.insertWebhook(&w); err != nil {
			return err
		}
		if err := t.audit(ctx, w.Workspace, "webhook.created", aboutWebhook(&w), nil, w.Facts()); err != nil {
			return err
		}
		return t.bumpDefinitions(w.Workspace, int64(w.ID))
	})
}

func (t *tx) insertWebhook(w *signalbox.Webhook) error {
	args, err := webhookArgs(w)
	if err != nil {
		return err
	}
	args = append([]any{id(w.ID), id(w.Workspace), string(w.Kind), w.URL}, args...)
	args = append(args, w.LastReadAt, max(w.Revision, 1), w.CreatedAt, w.UpdatedAt)
	args = append(args, sendingArgs(w)...)
	if _, err := t.exec(insertWebhookSQL, args...); err != nil {
		return fmt.Errorf("insert webhook: %w", err)
	}
	return nil
}

func aboutWebhook(w *signalbox.Webhook) signalbox.Subject {
	return signalbox.Subject{Type: "webhook", ID: int64(w.ID), Name: w.Title()}
}

// webhookFacts are what the audit log says of two states of a webhook. Headers that were replaced by others of the same names differ, though their values
// are never told.
func webhookFacts(old, w *signalbox.Webhook) (was, is signalbox.Facts) {
	was, is = old.Facts(), w.Facts()
	if !bytes.Equal(old.SealedHeaders, w.SealedHeaders) {
		was["headers"], is["headers"] = "[hidden]", "[changed]"
	}
	if !bytes.Equal(old.SealedSecret, w.SealedSecret) {
		was["secret"], is["secret"] = "[hidden]", "[changed]"
	}
	return was, is
}

// Webhook answers a webhook, or NoSuch("webhook") when it is unknown or deleted.
func (db *DB) Webhook(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID) (signalbox.Webhook, error) {
	var w signalbox.Webhook
	err := db.read(ctx, func(t *tx) (err error) {
		w, err = t.webhook(ws, wh)
		return err
	})
	return w, err
}

const webhookColumns = `id, workspace_id, kind, url, events, label, description, format, signature_format, sealed_secret,
       sealed_headers, header_names, max_in_flight, enabled, disabled_reason, temporary, last_read_at, revision, created_at,
       updated_at, retry_schedule, rate_per_second, sealed_previous, previous_until, vendor_previous,
       sealed_key, sealed_previous_key, public_key, filter`

const webhooksSQL = `
SELECT ` + webhookColumns + `
  FROM webhooks
 WHERE workspace_id = $1 AND id < $2 AND deleted_at IS NULL AND kind <> 'action' AND ($4 = '' OR format = $4)
 ORDER BY id DESC
 LIMIT $3`

// Webhooks answers a page of the workspace's webhooks, newest first, and how many there are in all. Those of automations are not among them.
func (db *DB) Webhooks(ctx context.Context, ws signalbox.WorkspaceID, p signalbox.Page) (list []signalbox.Webhook, total int, next int64, err error) {
	return db.WebhooksOf(ctx, ws, "", p)
}

// WebhooksOf answers a page of the webhooks of a format, "" for any, newest first, and how many of it there are in all.
func (db *DB) WebhooksOf(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.Format, p signalbox.Page) (list []signalbox.Webhook, total int, next int64, err error) {
	list, next, err = fill(ctx, db, p, listing[signalbox.Webhook]{
		slice: func(t *tx, before int64, n int, each func(*row) error) error {
			return t.query(webhooksSQL, []any{id(ws), before, n, string(f)}, each)
		},
		scan: scanWebhook,
	})
	if err != nil {
		return nil, 0, 0, err
	}
	err = db.read(ctx, func(t *tx) error {
		n, err := t.count(countWebhooksSQL, id(ws), string(f))
		total = int(n)
		return err
	})
	return list, total, next, err
}

const webhookIDsSQL = `
SELECT id
  FROM webhooks
 WHERE workspace_id = $1 AND deleted_at IS NULL
 ORDER BY id
 LIMIT 1000` // as definedWebhooksSQL

// WebhookIDs answers the ids of all webhooks of a workspace, those that automations send through too.
func (db *DB) WebhookIDs(ctx context.Context, ws signalbox.WorkspaceID) (list []signalbox.WebhookID, err error) {
	err = db.read(ctx, func(t *tx) error {
		list = nil
		return t.query(webhookIDsSQL, []any{id(ws)}, func(r *row) error {
			list = append(list, signalbox.WebhookID(r.int(0)))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read webhooks: %w", err)
	}
	return list, nil
}

const updateWebhookSQL = `
UPDATE webhooks
   SET url = $3, events = $4, label = $5, description = $6, format = $7, signature_format = $8, sealed_secret = $9,
       sealed_headers = $10, header_names = $11, max_in_flight = $12, enabled = $13, disabled_reason = $14, temporary = $15,
       last_read_at = $16, revision = $17, updated_at = $18, retry_schedule = $19, rate_per_second = $20,
       sealed_previous = $21, previous_until = $22, vendor_previous = $23, sealed_key = $24, sealed_previous_key = $25,
       public_key = $26, filter = $27
 WHERE workspace_id = $1 AND id = $2`

// UpdateWebhook reads a webhook, has change edit it and saves it as its next revision and the next version of the workspace's
// definitions. An error of change is returned as it is and nothing is saved. Id, Kind and CreatedAt do not change. Enabling one
// that is sent to clears its DisabledReason and arms its lane at now, so that what waited is sent.
func (db *DB) UpdateWebhook(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID, now time.Time, change func(*signalbox.Webhook) error) (signalbox.Webhook, error) {
	var out signalbox.Webhook
	err := db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(ws); err != nil {
			return err
		}
		old, err := t.webhook(ws, wh)
		if err != nil {
			return err
		}
		w := old
		if err := change(&w); err != nil {
			return err
		}
		w.ID, w.Workspace, w.Kind, w.CreatedAt = old.ID, old.Workspace, old.Kind, old.CreatedAt
		w.Revision, w.UpdatedAt = old.Revision+1, now
		if w.Enabled {
			w.DisabledReason = ""
		}
		if err := t.updateWebhook(&w); err != nil {
			return err
		}
		if old.Enabled && !w.Enabled {
			n := signalbox.Notice{Workspace: ws, Kind: signalbox.NoticeDisabled, Subject: int64(wh), Webhook: wh, Reason: w.DisabledReason, At: now}
			if err := t.leaveNotices([]signalbox.Notice{n}); err != nil {
				return err
			}
		}
		if w.Enabled && !old.Enabled && w.Kind != signalbox.KindPull {
			if err := t.armDue(laneDue(ws, wh, now)); err != nil {
				return err
			}
		}
		out = w
		was, is := webhookFacts(&old, &w)
		if err := t.audit(ctx, ws, "webhook.updated", aboutWebhook(&w), was, is); err != nil {
			return err
		}
		return t.bumpDefinitions(ws, 0)
	})
	return out, err
}

func (t *tx) updateWebhook(w *signalbox.Webhook) error {
	args, err := webhookArgs(w)
	if err != nil {
		return err
	}
	args = append([]any{id(w.Workspace), id(w.ID), w.URL}, args...)
	args = append(append(args, w.LastReadAt, w.Revision, w.UpdatedAt), sendingArgs(w)...)
	if _, err := t.exec(updateWebhookSQL, args...); err != nil {
		return fmt.Errorf("update webhook: %w", err)
	}
	return t.tell(signalbox.News{Kind: signalbox.NewsWebhook, Workspace: w.Workspace, Webhook: w.ID})
}

// deleteWebhookSQL keeps the row, without its secrets: the deliveries it had still say where they went.
const deleteWebhookSQL = `
UPDATE webhooks
   SET deleted_at = $3, updated_at = $3, enabled = 0, sealed_secret = NULL, sealed_previous = NULL, sealed_headers = NULL,
       sealed_key = NULL, sealed_previous_key = NULL, header_names = NULL
 WHERE workspace_id = $1 AND id = $2`

// DeleteWebhook ends a webhook: from this commit on nothing is decided for it and nothing claimed, and it answers as unknown.
// What it still had to send is failed in slices by job, whose kind and subject are set here. One that an automation sends through goes with the
// automation (Define): Conflict.
func (db *DB) DeleteWebhook(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID, now time.Time, job signalbox.Job) error {
	return db.write(ctx, classManage, func(t *tx) error {
		if err := t.lockHead(ws); err != nil {
			return err
		}
		w, err := t.webhook(ws, wh)
		if err != nil {
			return err
		}
		if w.Kind == signalbox.KindAction {
			return signalbox.Errorf(signalbox.Conflict, "an automation sends through this webhook: delete the automation")
		}
		if err := t.endWebhook(&w, now, job); err != nil {
			return err
		}
		if err := t.audit(ctx, ws, "webhook.deleted", aboutWebhook(&w), w.Facts(), nil); err != nil {
			return err
		}
		return t.bumpDefinitions(ws, int64(job.ID))
	})
}

// endWebhook marks a webhook as deleted and leaves what it still had to send to the job.
func (t *tx) endWebhook(w *signalbox.Webhook, now time.Time, job signalbox.Job) error {
	if _, err := t.exec(deleteWebhookSQL, id(w.Workspace), id(w.ID), now); err != nil {
		return fmt.Errorf("delete webhook: %w", err)
	}
	if err := t.tell(signalbox.News{Kind: signalbox.NewsWebhook, Workspace: w.Workspace, Webhook: w.ID}); err != nil {
		return err
	}
	for _, kind := range []signalbox.DueKind{signalbox.DueLane, signalbox.DueWebhook} {
		if err := t.setDue(signalbox.Due{Kind: kind, Workspace: w.Workspace, Subject: int64(w.ID)}); err != nil {
			return fmt.Errorf("forget due rows: %w", err)
		}
	}
	job.Workspace, job.Kind, job.Subject, job.Status = w.Workspace, signalbox.JobCloseWebhook, int64(w.ID), signalbox.JobQueued
	return t.insertJob(&job)
}

const webhookSQL = `
SELECT ` + webhookColumns + `
  FROM webhooks
 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL`

// webhooks reads every webhook of a workspace, those that automations send through too, by id.
func (t *tx) webhooks(ws signalbox.WorkspaceID) (list []signalbox.Webhook, err error) {
	err = t.query(definedWebhooksSQL, []any{id(ws)}, func(r *row) error {
		w, err := scanWebhook(r)
		list = append(list, w)
		return err
	})
	return list, err
}

// webhook loads a webhook that is not deleted, or NoSuch("webhook").
func (t *tx) webhook(ws signalbox.WorkspaceID, wh signalbox.WebhookID) (signalbox.Webhook, error) {
	var w signalbox.Webhook
	var bad error
	found, err := t.one(webhookSQL, []any{id(ws), id(wh)}, func(r *row) { w, bad = scanWebhook(r) })
	if err := foundOr(found, err, "webhook"); err != nil {
		return w, err
	}
	return w, bad
}

// webhookArgs are a webhook's definition in the order of its columns, events to temporary.
func webhookArgs(w *signalbox.Webhook) ([]any, error) {
	events, err := json.Marshal(nonNil(w.Events))
	if err != nil {
		return nil, fmt.Errorf("encode events: %w", err)
	}
	names, err := json.Marshal(nonNil(w.HeaderNames))
	if err != nil {
		return nil, fmt.Errorf("encode header names: %w", err)
	}
	return []any{textBytes(events), w.Label, w.Description, string(w.Format), string(w.SignatureFormat), w.SealedSecret,
		w.SealedHeaders, textBytes(names), w.MaxInFlight, w.Enabled, w.DisabledReason, w.Temporary}, nil
}

// sendingArgs are how it is sent to, in the order of the last columns.
func sendingArgs(w *signalbox.Webhook) []any {
	return []any{scheduleText(w.RetrySchedule), w.RatePerSecond, w.SealedPrevious, w.PreviousUntil, w.VendorPrevious,
		w.SealedKey, w.SealedOldKey, w.PublicKey, string(w.Filter)}
}

// scheduleText is a schedule as it is stored: a JSON array of seconds; "" for the server's own.
func scheduleText(schedule []time.Duration) string {
	if schedule == nil {
		return ""
	}
	text := []byte{'['}
	for i, wait := range schedule {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(wait/time.Second), 10)
	}
	return string(append(text, ']'))
}

func parseSchedule(text string) ([]time.Duration, error) {
	if text == "" {
		return nil, nil
	}
	var seconds []int64
	if err := json.Unmarshal([]byte(text), &seconds); err != nil {
		return nil, err
	}
	schedule := make([]time.Duration, len(seconds))
	for i, n := range seconds {
		schedule[i] = time.Duration(n) * time.Second
	}
	return schedule, nil
}

func filterOf(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// scanWebhook reads a row of webhookColumns.
func scanWebhook(r *row) (signalbox.Webhook, error) {
	w := signalbox.Webhook{
		ID: signalbox.WebhookID(r.int(0)), Workspace: signalbox.WorkspaceID(r.int(1)), Kind: signalbox.WebhookKind(r.text(2)),
		URL: r.text(3), Label: r.text(5), Description: r.text(6), Format: signalbox.Format(r.text(7)),
		SignatureFormat: signalbox.SignatureFormat(r.text(8)), SealedSecret: r.bytes(9), SealedHeaders: r.bytes(10),
		MaxInFlight: int(r.int(12)), Enabled: r.bool(13), DisabledReason: r.text(14), Temporary: r.bool(15),
		LastReadAt: r.time(16), Revision: r.int(17), CreatedAt: r.time(18), UpdatedAt: r.time(19), RatePerSecond: int(r.int(21)),
		SealedPrevious: r.bytes(22), PreviousUntil: r.time(23), VendorPrevious: r.bool(24),
		SealedKey: r.bytes(25), SealedOldKey: r.bytes(26), PublicKey: r.text(27),
		Filter: filterOf(r.text(28)),
	}
	var err error
	if w.RetrySchedule, err = parseSchedule(r.text(20)); err != nil {
		return w, fmt.Errorf("webhook %d: retry schedule: %w", w.ID, err)
	}
	if err := json.Unmarshal([]byte(r.text(4)), &w.Events); err != nil {
		return w, fmt.Errorf("webhook %d: events: %w", w.ID, err)
	}
	if r.null(11) {
		return w, nil
	}
	var names []string
	if err := json.Unmarshal([]byte(r.text(11)), &names); err != nil {
		return w, fmt.Errorf("webhook %d: header names: %w", w.ID, err)
	}
	if len(names) > 0 {
		w.HeaderNames = names
	}
	return w, nil
}

// laneDue is the row that has a webhook's lane claimed at the given time.
func laneDue(ws signalbox.WorkspaceID, wh signalbox.WebhookID, at time.Time) signalbox.Due {
	return signalbox.Due{Kind: signalbox.DueLane, Workspace: ws, Subject: int64(wh), At: at}
}

// count runs a statement that answers one number.
func (t *tx) count(sql string, args ...any) (int64, error) {
	var n int64
	_, err := t.one(sql, args, func(r *row) { n = r.int(0) })
	return n, err
}
