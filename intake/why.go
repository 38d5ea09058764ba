package intake

import (
	"context"

	"signalbox"
)

// Why says clause by clause why a stored signal starts an automation or a notification, or does not, by the definitions in force; fires says which. NoSuch when there
// is none of that id.
func (i *Intake) Why(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.AutomationID, q *signalbox.Asked) (fires bool, reasons []signalbox.Reason, err error) {
	c, err := i.definitions(ctx, ws)
	if err == nil {
		c, err = i.inForce(ctx, c) // one that was made a moment ago may be asked about at once
	}
	if err != nil {
		return false, nil, err
	}
	fires, reasons, known := c.Why(id, q)
	if !known {
		return false, nil, signalbox.NoSuch("automation")
	}
	return fires, reasons, nil
}
