package intake

import (
	"context"
	"time"

	"signalbox"
	"signalbox/decide"
)

// Owners are the due rows that deciding owns.
func (i *Intake) Owners() map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error) {
	return map[signalbox.DueKind]func(context.Context, signalbox.Due) (signalbox.Again, error){signalbox.DueRecord: i.recordDue, signalbox.DueRun: i.runDue}
}

// runDue has a run of an automation go on that has waited for its delay. Deciding takes its due row away itself, in the transaction that does what the run comes to.
func (i *Intake) runDue(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	out, err := i.one(ctx, decide.Input{Workspace: d.Workspace, Run: signalbox.RunID(d.Subject)})
	if signalbox.CodeOf(err) == signalbox.NotFound { // the workspace is gone
		return signalbox.Again{Done: true}, nil
	}
	return signalbox.Again{Kept: true, At: out.Next}, err
}

// recordDue has a record looked at that time alone may have changed. Deciding sets its due row itself, in the transaction that tells of the change.
func (i *Intake) recordDue(ctx context.Context, d signalbox.Due) (signalbox.Again, error) {
	out, err := i.look(ctx, d.Workspace, signalbox.EntityID(d.Subject), false)
	if signalbox.CodeOf(err) == signalbox.NotFound { // the workspace is gone
		return signalbox.Again{Done: true}, nil
	}
	return signalbox.Again{Kept: true, At: out.Next}, err
}

// look has a record looked at; refit: it is qualified anew.
func (i *Intake) look(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.EntityID, refit bool) (decide.Outcome, error) {
	in := decide.Input{Workspace: ws, Act: actOf(ctx), Due: of, Refit: refit}
	c, err := i.definitions(ctx, ws)
	if err != nil {
		return decide.Outcome{}, err
	}
	if c.ReadsSignal() {
		if in.Last, err = i.cfg.Store.LastSignal(ctx, ws, of); err != nil {
			return decide.Outcome{}, err
		}
	}
	return i.one(ctx, in)
}

// Refit qualifies a record anew, by what its last signal says where a profile reads one.
func (i *Intake) Refit(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.EntityID) error {
	_, err := i.look(ctx, ws, of, true)
	return err
}

// Standing says where a record of a workspace stands at a moment, of its own state and those of all that is merged into it, by the definitions in force.
func (i *Intake) Standing(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.RecordKind, at time.Time, states ...signalbox.EntityState) (signalbox.Standing, error) {
	c, err := i.definitions(ctx, ws)
	if err != nil {
		return signalbox.Standing{}, err
	}
	return c.Standing(kind, at, states...)
}

// Explain says what a score is made of at a moment by the definitions in force, and where that puts the record: the most largest contributions of signals,
// and one rest.
func (i *Intake) Explain(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.RecordKind, signals []signalbox.Scored, at time.Time, most int) (signalbox.Standing, signalbox.Explanation, error) {
	c, err := i.definitions(ctx, ws)
	if err != nil {
		return signalbox.Standing{}, signalbox.Explanation{}, err
	}
	standing, e := c.Explain(kind, signals, at, most)
	return standing, e, nil
}

// History says where a record stood at several moments, which ascend, by the definitions in force.
func (i *Intake) History(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.RecordKind, signals []signalbox.Scored, at []time.Time) (signalbox.ScoreHistory, error) {
	c, err := i.definitions(ctx, ws)
	if err != nil {
		return signalbox.ScoreHistory{}, err
	}
	return c.History(kind, signals, at), nil
}
