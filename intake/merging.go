package intake

import (
	"context"

	"signalbox"
	"signalbox/decide"
)

// MergeRecords has one record stand for another one from now on, with all that was merged into that one before. dry says what would come of it,
// and changes nothing: what it answers has an id that is nobody's.
func (i *Intake) MergeRecords(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.RecordKind, from, into signalbox.EntityID, dry bool) (signalbox.Merge, error) {
	in := decide.Input{Workspace: ws, Merge: &decide.MergeAct{Deed: decide.MergeNow, Kind: kind, From: from, Into: into}}
	if !dry {
		return i.merge(ctx, in)
	}
	outcomes, err := i.try(ctx, ws, []decide.Input{in})
	if err == nil {
		err = outcomes[0].Err
	}
	if err != nil {
		return signalbox.Merge{}, err
	}
	m := *outcomes[0].Merge
	m.ID = 0
	return m, nil
}

// AcceptMerge does what was proposed.
func (i *Intake) AcceptMerge(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MergeID) (signalbox.Merge, error) {
	return i.merge(ctx, decide.Input{Workspace: ws, Merge: &decide.MergeAct{Deed: decide.MergeAccept, ID: id}})
}

// DismissMerge turns a proposal down.
func (i *Intake) DismissMerge(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MergeID) (signalbox.Merge, error) {
	return i.merge(ctx, decide.Input{Workspace: ws, Merge: &decide.MergeAct{Deed: decide.MergeDismiss, ID: id}})
}

// UndoMerge takes a merge back: both records are as they would be without it.
func (i *Intake) UndoMerge(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MergeID) (signalbox.Merge, error) {
	return i.merge(ctx, decide.Input{Workspace: ws, Merge: &decide.MergeAct{Deed: decide.MergeUndo, ID: id}})
}

// UndoRows takes back what an import did to records, each on its own; what somebody else has touched since is left alone.
func (i *Intake) UndoRows(ctx context.Context, ws signalbox.WorkspaceID, rows []signalbox.ImportedRow) ([]signalbox.UndoneRow, error) {
	inputs := make([]decide.Input, len(rows))
	for n := range rows {
		inputs[n] = decide.Input{Workspace: ws, Undo: &rows[n]}
	}
	outcomes, err := i.batch(ctx, ws, inputs)
	if err != nil {
		return nil, err
	}
	out := make([]signalbox.UndoneRow, len(rows))
	for n := range rows {
		if err := outcomes[n].Err; err != nil {
			return nil, err
		}
		out[n] = signalbox.UndoneRow{Kind: rows[n].Kind, Entity: rows[n].Entity, Left: outcomes[n].Left}
	}
	return out, nil
}

func (i *Intake) merge(ctx context.Context, in decide.Input) (signalbox.Merge, error) {
	out, err := i.one(ctx, in)
	if err != nil {
		return signalbox.Merge{}, err
	}
	return *out.Merge, nil
}
