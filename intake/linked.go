package intake

import (
	"context"

	"signalbox"
	"signalbox/decide"
)

// sliceRow is about how many bytes of memory a row or a change of a slice holds: an id, a print of ten fields, and their headers.
const sliceRow = 320

// Link makes a linked account and tells of it.
func (i *Intake) Link(ctx context.Context, ws signalbox.WorkspaceID, l signalbox.LinkedAccount) (signalbox.LinkedAccount, error) {
	return i.linked(ctx, ws, decide.LinkedAct{Link: &l})
}

// PatchLinked changes a linked account and tells of it, unless it is as it was.
func (i *Intake) PatchLinked(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.LinkedAccountID, p signalbox.LinkedPatch) (signalbox.LinkedAccount, error) {
	return i.linked(ctx, ws, decide.LinkedAct{ID: id, Patch: &p})
}

// Unlink deletes a linked account with its streams, and tells of it. What was kept of their records is forgotten by jobs.
func (i *Intake) Unlink(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.LinkedAccountID) error {
	_, err := i.one(ctx, decide.Input{Workspace: ws, Act: actOf(ctx), Linked: &decide.LinkedAct{ID: id, Unlink: true}})
	return err
}

func (i *Intake) linked(ctx context.Context, ws signalbox.WorkspaceID, act decide.LinkedAct) (signalbox.LinkedAccount, error) {
	out, err := i.one(ctx, decide.Input{Workspace: ws, Act: actOf(ctx), Linked: &act})
	if err != nil {
		return signalbox.LinkedAccount{}, err
	}
	return *out.Linked, nil
}

// SaveSync has a slice of the work on a stream decided and saved, with the events and signals of its changes, or refuses it with Conflict when it is not the
// next one of whoever has the stream, and with NotFound when that is gone. It is read until it is answered.
func (i *Intake) SaveSync(ctx context.Context, s *signalbox.SyncSlice) error {
	out, err := i.one(ctx, decide.Input{Workspace: s.Run.Workspace, Sync: s})
	if err == nil && out.Refused > 0 {
		i.cfg.Log.WarnContext(ctx, "intake.changes_refused", "stream", i.cfg.Codec.Format(signalbox.KindStream, int64(s.Run.Stream)), "signals", out.Refused)
	}
	return err
}
