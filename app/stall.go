package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"signalbox"
	"signalbox/health"
)

// stalls notices by itself that sending stands still: in the log, in a metric, and by mail to whom it concerns. Signals are taken meanwhile, so /readyz
// stays as it is.
type stalls struct {
	sender func() (since time.Time, why string)                     // what this node's memory says
	due    func(context.Context) (at time.Time, ok bool, err error) // what is due first
	now    func() time.Time
	tell   func(ctx context.Context, subject, body string)
	log    *slog.Logger

	since   atomic.Int64 // Unix microseconds; 0: nothing stands still
	suspect bool         // something did at the last look: a machine that slept is not told of
}

const (
	// stallLook is how often it is looked.
	stallLook = 15 * time.Second
	// overdue is for how long what is due may be left untaken: a node that dies leaves its work for a quarter of that.
	overdue = time.Minute
)

// Run looks until ctx ends.
func (s *stalls) Run(ctx context.Context) error {
	tick := time.NewTicker(stallLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.look(ctx)
		}
	}
}

// look tells of a stall when it begins and when it is over.
func (s *stalls) look(ctx context.Context) {
	since, why := s.find(ctx)
	was, suspected := s.since.Load(), s.suspect
	s.suspect = !since.IsZero()
	switch {
	case was == 0 && s.suspect && suspected:
		s.since.Store(since.UnixMicro())
		s.log.ErrorContext(ctx, "sender.stalled", "since", since, "reason", why)
		s.tell(ctx, "Signalbox sends nothing", fmt.Sprintf(
			"Deliveries stand still since %s: %s.\n\nSignals are taken meanwhile and nothing is lost. Look at the log of the server, at the disk and at the database; a restart does no harm.\n",
			since.UTC().Format("2 January 2006, 15:04 UTC"), why))
	case was != 0 && since.IsZero():
		s.since.Store(0)
		begun := time.UnixMicro(was)
		s.log.WarnContext(ctx, "sender.recovered", "since", begun, "after", s.now().Sub(begun))
		s.tell(ctx, "Signalbox sends again", "What waited is being sent.\n")
	}
}

// find says since when sending stands still, and why; the zero time when it does not.
func (s *stalls) find(ctx context.Context) (since time.Time, why string) {
	if since, why = s.sender(); !since.IsZero() {
		return since, why
	}
	at, ok, err := s.due(ctx)
	if err != nil || !ok { // a database that is away is told of by what is asked of it
		return time.Time{}, ""
	}
	if s.now().Sub(at) > overdue {
		return at, "what is due in the database is not taken"
	}
	return time.Time{}, ""
}

// stalled says for how long sending has stood still.
func (s *stalls) stalled() time.Duration {
	if since := s.since.Load(); since != 0 {
		return s.now().Sub(time.UnixMicro(since))
	}
	return 0
}

// newStalls watches this node's sending.
func (a *App) newStalls() *stalls {
	return &stalls{sender: a.sender.Stalled, due: a.db.NextDue, now: a.node.Now, tell: a.tellOperators, log: a.log}
}

// tellOperators mails the administrators of the oldest workspace, whose members run the server. It goes past the database's queue, which may be what
// stands still; who cannot be written to finds it in the log.
func (a *App) tellOperators(ctx context.Context, subject, body string) {
	if a.mailer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, statsWithin)
	list, err := a.operators(ctx)
	cancel()
	if err != nil {
		a.log.WarnContext(ctx, "mail.failed", "subject", subject, "err", err)
		return
	}
	for i := range list {
		now := a.node.Now()
		m := signalbox.Mail{ID: signalbox.MailID(a.ids.Next(now)), To: list[i], Subject: subject, Body: body, CreatedAt: now}
		if err := a.mailer.Send(context.WithoutCancel(ctx), m); err != nil {
			a.log.WarnContext(ctx, "mail.failed", "subject", subject, "err", err)
		}
	}
}

// operators are the addresses of the administrators of the oldest workspace.
func (a *App) operators(ctx context.Context) (to []string, err error) {
	workspaces, err := a.db.Workspaces(ctx)
	if err != nil || len(workspaces) == 0 {
		return nil, err
	}
	oldest := workspaces[0]
	for _, w := range workspaces {
		if w.ID < oldest.ID {
			oldest = w
		}
	}
	return health.Administrators(ctx, a.db, oldest.ID)
}
