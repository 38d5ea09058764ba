package intake

import (
	"context"
	"time"

	"signalbox"
	"signalbox/decide"
)

// Owners are the due rows that deciding owns.
func (i *Intake) Owners() map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error) {
	return map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error){signalbox.DueRecord: i.recordDue}
}

// recordDue has a record looked at that time alone may have changed. Deciding sets its due row itself, in the transaction that tells of the change.
func (i *Intake) recordDue(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	out, err := i.one(ctx, decide.Input{Workspace: d.Workspace, Due: signalbox.EntityID(d.Subject)})
	if signalbox.CodeOf(err) == signalbox.NotFound { // the workspace is gone
		return signalbox.Again{Done: true}, nil
	}
	return signalbox.Again{Kept: true, At: out.Next}, err
}

// Scoring explains scores under the definitions of a workspace that are in force.
func (i *Intake) Scoring(ctx context.Context, ws signalbox.WorkspaceID) (func(kind signalbox.RecordKind, signals []signalbox.Scored, at time.Time, most int) (signalbox.Standing, signalbox.Explanation), error) {
	c, err := i.definitions(ctx, ws)
	if err != nil {
		return nil, err
	}
	return c.Explain, nil
}

// Standings says where records of a workspace stand at a moment: each of its own state and those of all that is merged into it.
func (i *Intake) Standings(ctx context.Context, ws signalbox.WorkspaceID) (func(kind signalbox.RecordKind, at time.Time, states ...signalbox.EntityState) (signalbox.Standing, error), error) {
	c, err := i.definitions(ctx, ws)
	if err != nil {
		return nil, err
	}
	return c.Standing, nil
}
