package intake

import (
	"context"
	"time"

	"signalbox"
	"signalbox/decide"
)

// Preview says who would move by another scoring at a moment, of the definitions now in force. read answers signals with whom they are about, slice after
// slice; none: these were all.
func (i *Intake) Preview(ctx context.Context, ws signalbox.WorkspaceID, to *signalbox.Scoring, at time.Time, read func() ([]signalbox.SignalView, error)) (signalbox.ScoringPreview, error) {
	d, err := i.cfg.Store.Definitions(ctx, ws)
	if err != nil {
		return signalbox.ScoringPreview{}, err
	}
	p, err := decide.NewPreview(d, to)
	if err != nil {
		return signalbox.ScoringPreview{}, err
	}
	for {
		list, err := read()
		if err != nil {
			return signalbox.ScoringPreview{}, err
		}
		if len(list) == 0 {
			return p.Moves(at), nil
		}
		p.Add(list)
	}
}

// Together refuses definitions that may not be in force with one another: whose conditions together would keep too much of a record.
func (*Intake) Together(d *signalbox.Definitions) error {
	if _, err := decide.Compile(d); err != nil {
		return signalbox.Errorf(signalbox.Conflict, "%s", err.Error())
	}
	return nil
}
