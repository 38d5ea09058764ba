package health

import (
	"context"
	"fmt"

	"signalbox"
)

// alarm writes to a workspace's administrators that a run of a stream is quarantined: somebody is to say whether the records that are missing are gone.
func (k *Keeper) alarm(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
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
	now := k.cfg.Now().UTC()
	told, err := k.cfg.Store.TellAlarm(ctx, d.Workspace, signalbox.SyncRunID(d.Subject), k.cfg.IDs, now, func(a signalbox.SyncAlarm, next func() int64) []signalbox.Mail {
		k.cfg.Log.WarnContext(ctx, "stream.quarantined", "run", k.cfg.Codec.Format(signalbox.KindSyncRun, d.Subject), "reason", a.Run.Error)
		subject, body := k.alarmLetter(&ws, &a)
		var mails []signalbox.Mail
		for _, one := range to {
			mails = append(mails, signalbox.Mail{ID: signalbox.MailID(next()), Workspace: d.Workspace, To: one, Subject: subject, Body: body, CreatedAt: now})
		}
		return mails
	})
	if err != nil {
		return signalbox.Again{}, err
	}
	if told {
		k.cfg.Wake(now)
	}
	return signalbox.Again{Kept: true}, nil
}

// alarmLetter is what they are written. Nothing is known of the records but how many are missing.
func (k *Keeper) alarmLetter(ws *signalbox.Workspace, a *signalbox.SyncAlarm) (subject, body string) {
	whose := a.Linked.OriginOwnerName
	if whose == "" {
		whose = k.cfg.Codec.Format(signalbox.KindLinked, int64(a.Linked.ID))
	}
	what := fmt.Sprintf("%s_%s of %s (%s)", a.Stream.API, a.Stream.RecordType, line(whose), line(a.Linked.Provider))
	return fmt.Sprintf("[%s] Records are missing: %s", line(ws.Name), line(what)),
		fmt.Sprintf("The run that began on %s found too many records of %s missing to believe that they are gone: %s.\n\n"+
			"Nothing was deleted. Later runs go on, and one that finds the records ends this by itself. Approve the run to delete what is still missing, or discard it to keep that:\n%s\n",
			when(a.Run.StartedAt), what, a.Run.Error, k.cfg.PublicURL+"/linked-accounts/"+k.cfg.Codec.Format(signalbox.KindLinked, int64(a.Linked.ID)))
}
