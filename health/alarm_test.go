package health_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/health"
)

// alarms is a store with one quarantined run and two members, one of whom is an administrator.
type alarms struct {
	health.Store
	alarm *signalbox.SyncAlarm // nil: it is over
	mails []signalbox.Mail
}

func (s *alarms) Workspace(context.Context, signalbox.WorkspaceID) (signalbox.Workspace, error) {
	return signalbox.Workspace{ID: 1, Name: "Acme"}, nil
}

func (s *alarms) Members(context.Context, signalbox.WorkspaceID, signalbox.Page) ([]signalbox.Member, int64, error) {
	joined := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	return []signalbox.Member{
		{Email: "ann@acme.com", Role: signalbox.RoleAdmin, JoinedAt: joined}, {Email: "bob@acme.com", Role: signalbox.RoleAnalyst, JoinedAt: joined},
	}, 0, nil
}

func (s *alarms) TellAlarm(_ context.Context, _ signalbox.WorkspaceID, _ signalbox.SyncRunID, ids *signalbox.IDs, now time.Time, tell func(signalbox.SyncAlarm, func() int64) []signalbox.Mail) (bool, error) {
	if s.alarm == nil {
		return false, nil
	}
	s.mails = tell(*s.alarm, func() int64 { return ids.Next(now) })
	return len(s.mails) > 0, nil
}

// proves contract section 13: a quarantined run is notified.
func TestAlarm_AdministratorsAreWrittenOfAQuarantinedRun(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 2, 8, 30, 0, 0, time.UTC)
	alarm := &signalbox.SyncAlarm{
		Run:    signalbox.SyncRun{ID: 5, Error: "60 of 80 known records are missing, more than 50", StartedAt: now},
		Stream: signalbox.Stream{API: "hris", RecordType: "employees"},
		Linked: signalbox.LinkedAccount{ID: 7, Provider: "bamboohr", OriginOwnerName: "Globex\r\nBcc: all@example.com"},
	}
	for name, c := range map[string]struct {
		alarm *signalbox.SyncAlarm
		mails bool
		to    int
	}{
		"with a mail server": {alarm, true, 1},
		"without one":        {alarm, false, 0},
		"one that is over":   {nil, true, 0},
	} {
		s := &alarms{alarm: c.alarm}
		woken := 0
		k := health.New(health.Config{
			Store: s, IDs: signalbox.NewIDs(0), Codec: signalbox.NewCodec([16]byte{1}), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
			PublicURL: "https://signals.example.com", Mails: c.mails, Wake: func(time.Time) { woken++ },
		})
		again, err := k.Owners()[signalbox.DueAlarm](t.Context(), signalbox.Due{Kind: signalbox.DueAlarm, Workspace: 1, Subject: 5})
		if err != nil || !again.Kept || len(s.mails) != c.to || woken != c.to {
			t.Errorf("%s: %d mails, woken %d times, %+v, %v; want %d", name, len(s.mails), woken, again, err, c.to)
		}
		for _, m := range s.mails {
			if m.To != "ann@acme.com" || strings.ContainsAny(m.Subject, "\r\n") || !strings.Contains(m.Subject, "hris_employees of Globex") ||
				!strings.Contains(m.Body, alarm.Run.Error) || !strings.Contains(m.Body, "https://signals.example.com/linked-accounts/lac_") {
				t.Errorf("%s: %+v", name, m)
			}
		}
	}
}
