package health

import (
	"context"
	"log/slog"
	"time"

	"signalbox"
)

// Store keeps how webhooks fare and what is to be told.
type Store interface {
	JudgeHealth(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID, armed, now time.Time, judge func(signalbox.Fares) signalbox.Judgement) (signalbox.Judgement, error)
	TellNotices(ctx context.Context, ws signalbox.WorkspaceID, ids *signalbox.IDs, now time.Time, tell func(hooks []signalbox.Webhook, n signalbox.Told, next func() int64) signalbox.Telling) (saved signalbox.Telling, more bool, err error)
	TellAlarm(ctx context.Context, ws signalbox.WorkspaceID, run signalbox.SyncRunID, ids *signalbox.IDs, now time.Time, tell func(a signalbox.SyncAlarm, next func() int64) []signalbox.Mail) (told bool, err error)
	Workspace(ctx context.Context, ws signalbox.WorkspaceID) (signalbox.Workspace, error)
	Members
}

// Config is what a Keeper works with; everything is needed.
type Config struct {
	Store     Store
	IDs       *signalbox.IDs
	Codec     *signalbox.Codec
	Log       *slog.Logger
	Now       func() time.Time
	PublicURL string // where the dashboard is, without a final slash
	Mails     bool   // there is a mail server
	// Changed is told of webhooks that were disabled, on every node; after an error it is told again.
	Changed func(ctx context.Context, id signalbox.WebhookID) error
	Wake    func(at time.Time)                // told of what has become due
	Arrived func(webhook signalbox.WebhookID) // told of pull webhooks that have something to read
}

// Keeper owns the due rows of webhooks' health and of notices.
type Keeper struct{ cfg Config }

// New makes a Keeper.
func New(cfg Config) *Keeper { return &Keeper{cfg} }

// Owners returns the owners by kind of due row, for whoever hands due rows out.
func (k *Keeper) Owners() map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error) {
	return map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error){
		signalbox.DueHealth:  k.look,
		signalbox.DueNotices: k.tell,
		signalbox.DueAlarm:   k.alarm,
	}
}

// look judges one webhook.
func (k *Keeper) look(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	now, id := k.cfg.Now().UTC(), signalbox.WebhookID(d.Subject)
	act := signalbox.Act{Entry: signalbox.AuditID(k.cfg.IDs.Next(now)), At: now, Actor: signalbox.Actor{Type: signalbox.ActorSystem}}
	j, err := k.cfg.Store.JudgeHealth(signalbox.WithAct(ctx, act), d.Workspace, id, d.At, now, func(f signalbox.Fares) signalbox.Judgement { return Judge(f, now) })
	if err != nil {
		return signalbox.Again{}, err
	}
	name := k.cfg.Codec.Format(signalbox.KindWebhook, d.Subject)
	switch {
	case j.Disable:
		k.cfg.Log.WarnContext(ctx, "webhook.disabled", "webhook_id", name, "reason", signalbox.ReasonFailing)
		if err := k.cfg.Changed(ctx, id); err != nil {
			return signalbox.Again{}, err
		}
	case j.Tell == signalbox.NoticeFailing:
		k.cfg.Log.WarnContext(ctx, "webhook.failing", "webhook_id", name, "since", j.Failing)
	case j.Tell == signalbox.NoticeRecovered:
		k.cfg.Log.InfoContext(ctx, "webhook.recovered", "webhook_id", name)
	}
	if j.Tell != 0 || j.Disable {
		k.cfg.Wake(now)
	}
	return signalbox.Again{Kept: true}, nil
}

// tell makes events and mails of a workspace's notices.
func (k *Keeper) tell(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	ws, err := k.cfg.Store.Workspace(ctx, d.Workspace)
	if err != nil {
		return signalbox.Again{}, err
	}
	var to []string
	if k.cfg.Mails {
		if to, err = Administrators(ctx, k.cfg.Store, d.Workspace); err != nil {
			return signalbox.Again{}, err
		}
	}
	for more := true; more; {
		now := k.cfg.Now().UTC()
		t := teller{codec: k.cfg.Codec, now: now, workspace: &ws, to: to, url: k.cfg.PublicURL}
		var saved signalbox.Telling
		saved, more, err = k.cfg.Store.TellNotices(ctx, d.Workspace, k.cfg.IDs, now, t.tell)
		if err != nil {
			return signalbox.Again{}, err
		}
		if len(saved.Deliveries)+len(saved.Mails) > 0 {
			k.cfg.Wake(now)
		}
		for i := range saved.Deliveries {
			if d := &saved.Deliveries[i]; d.Reason == signalbox.ReasonPull {
				k.cfg.Arrived(d.Webhook)
			}
		}
	}
	return signalbox.Again{Kept: true}, nil
}

// Members lists who is a member of a workspace; *store.DB does.
type Members interface {
	Members(ctx context.Context, ws signalbox.WorkspaceID, p signalbox.Page) (list []signalbox.Member, next int64, err error)
}

// Administrators are the addresses of those who may change a workspace's webhooks and have joined.
func Administrators(ctx context.Context, s Members, ws signalbox.WorkspaceID) (to []string, err error) {
	p := signalbox.Page{Limit: signalbox.MaxPage}
	for {
		list, next, err := s.Members(ctx, ws, p)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if list[i].Role == signalbox.RoleAdmin && !list[i].JoinedAt.IsZero() {
				to = append(to, list[i].Email)
			}
		}
		if next == 0 {
			return to, nil
		}
		p.Before = next
	}
}
