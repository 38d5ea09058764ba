package mail

import (
	"context"
	"log/slog"
	"time"

	"signalbox"
)

// Store keeps the messages that are to be sent.
type Store interface {
	Mail(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MailID) (signalbox.Mail, error)
	// SettleMail forgets a message, or has it tried again at next.
	SettleMail(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MailID, next time.Time) error
}

// Queue owns the due rows of messages.
type Queue struct {
	store Store
	send  func(context.Context, signalbox.Mail) error // nil: there is no server
	log   *slog.Logger
	now   func() time.Time
}

// NewQueue makes a Queue; a nil m has no server, and forgets what is to be sent.
func NewQueue(s Store, m *Mailer, log *slog.Logger, now func() time.Time) *Queue {
	q := &Queue{store: s, log: log, now: now}
	if m != nil {
		q.send = m.Send
	}
	return q
}

// again are the waits after failed attempts; after the last a message is given up.
var again = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 8 * time.Hour}

// Owners returns the owner by kind of due row, for whoever hands due rows out.
func (q *Queue) Owners() map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error) {
	return map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error){signalbox.DueMail: q.one}
}

// one sends a message that is due. A crash between the server's yes and the settlement sends it twice.
func (q *Queue) one(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	m, err := q.store.Mail(ctx, d.Workspace, signalbox.MailID(d.Subject))
	if signalbox.CodeOf(err) == signalbox.NotFound {
		return signalbox.Again{Done: true}, nil
	}
	if err != nil {
		return signalbox.Again{}, err
	}
	var next time.Time
	switch err := q.attempt(ctx, m); {
	case err == nil:
		q.log.InfoContext(ctx, "mail.sent", "subject", m.Subject, "attempt", m.Attempts+1)
	case ctx.Err() != nil:
		return signalbox.Again{}, ctx.Err()
	case Permanent(err) || m.Attempts >= len(again):
		q.log.ErrorContext(ctx, "mail.given_up", "subject", m.Subject, "attempts", m.Attempts+1, "err", err)
	default:
		next = q.now().Add(again[m.Attempts])
		q.log.WarnContext(ctx, "mail.failed", "subject", m.Subject, "attempt", m.Attempts+1, "next", next, "err", err)
	}
	if err := q.store.SettleMail(ctx, d.Workspace, m.ID, next); err != nil {
		return signalbox.Again{}, err
	}
	return signalbox.Again{Kept: true}, nil
}

func (q *Queue) attempt(ctx context.Context, m signalbox.Mail) error {
	if q.send == nil {
		return &permanent{errNoServer}
	}
	return q.send(ctx, m)
}
