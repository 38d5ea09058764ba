package store

import (
	"context"
	"fmt"
	"time"

	"signalbox"
)

const insertMailSQL = `
INSERT INTO mails (id, workspace_id, recipient, subject, body, attempts, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)`

// insertMail keeps a message and makes it due.
func (t *tx) insertMail(m *signalbox.Mail) error {
	if _, err := t.exec(insertMailSQL, id(m.ID), id(m.Workspace), m.To, m.Subject, m.Body, m.Attempts, m.CreatedAt); err != nil {
		return fmt.Errorf("insert mail: %w", err)
	}
	return t.armDue(signalbox.Due{Kind: signalbox.DueMail, Workspace: m.Workspace, Subject: int64(m.ID), At: m.CreatedAt})
}

const mailSQL = `
SELECT recipient, subject, body, attempts, created_at
  FROM mails
 WHERE workspace_id = $1 AND id = $2`

// Mail answers a message that is to be sent, or NoSuch("mail").
func (db *DB) Mail(ctx context.Context, ws signalbox.WorkspaceID, mail signalbox.MailID) (signalbox.Mail, error) {
	m := signalbox.Mail{ID: mail, Workspace: ws}
	err := db.read(ctx, func(t *tx) error {
		found, err := t.one(mailSQL, []any{id(ws), id(mail)}, func(r *row) {
			m.To, m.Subject, m.Body, m.Attempts, m.CreatedAt = r.text(0), r.text(1), r.text(2), int(r.int(3)), r.time(4)
		})
		return foundOr(found, err, "mail")
	})
	return m, err
}

const (
	failMailSQL = `
UPDATE mails
   SET attempts = attempts + 1
 WHERE workspace_id = $1 AND id = $2`

	dropMailSQL = `
DELETE FROM mails
 WHERE workspace_id = $1 AND id = $2`
)

// SettleMail says what became of an attempt: next is when the message is tried again; zero: it is sent, or given up, and forgotten.
func (db *DB) SettleMail(ctx context.Context, ws signalbox.WorkspaceID, mail signalbox.MailID, next time.Time) error {
	sql := dropMailSQL
	if !next.IsZero() {
		sql = failMailSQL
	}
	return db.write(ctx, classSettle, func(t *tx) error {
		if _, err := t.exec(sql, id(ws), id(mail)); err != nil {
			return fmt.Errorf("settle mail: %w", err)
		}
		return t.setDue(signalbox.Due{Kind: signalbox.DueMail, Workspace: ws, Subject: int64(mail), At: next})
	})
}
