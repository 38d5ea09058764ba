package store

import (
	"encoding/json"
	"fmt"
	"time"

	"signalbox"
)

// What an automation sends goes through a webhook of its own, which has its number, its name and no URL. It is made, changed and ended in the transaction that
// does so with the automation, so that neither is ever there without what the other needs.

// keepLane saves the webhook that an automation sends through with a change of the automation.
func (t *tx) keepLane(d *signalbox.Definitions, to *signalbox.Redefinition, now time.Time) error {
	about := to.Put
	if about == nil {
		about = to.Drop
	}
	if about.Kind != signalbox.DefinedAutomation {
		if to.Lane != nil {
			return fmt.Errorf("define: %s %q sends nothing, and has no lane", about.Kind, about.Code)
		}
		return nil
	}
	old := laneOf(d, signalbox.AutomationID(about.ID))
	switch {
	case to.Drop == nil:
		return t.putLane(old, to, now)
	case old == nil:
		return nil
	}
	// The job has the number of the automation, too: nothing else ever had it.
	return t.endWebhook(old, now, signalbox.Job{ID: signalbox.JobID(about.ID), CreatedAt: now, UpdatedAt: now})
}

// laneOf finds the webhook that an automation sends through, nil when it has none.
func laneOf(d *signalbox.Definitions, of signalbox.AutomationID) *signalbox.Webhook {
	for i := range d.Webhooks {
		if w := &d.Webhooks[i]; w.ID == signalbox.WebhookID(of) && w.Kind == signalbox.KindAction {
			return w
		}
	}
	return nil
}

// putLane inserts or replaces a lane. Which it is, what it is called and how it signs is set here; one that is enabled again sends what waited.
func (t *tx) putLane(old *signalbox.Webhook, to *signalbox.Redefinition, now time.Time) error {
	var named struct{ Name string }
	if err := json.Unmarshal(to.Put.Body, &named); err != nil {
		return fmt.Errorf("define: read the automation: %w", err)
	}
	var w signalbox.Webhook
	switch {
	case to.Lane != nil:
		w = *to.Lane
	case old == nil || old.Label == named.Name:
		return nil
	default:
		w = *old
	}
	w.ID, w.Workspace, w.Kind, w.URL, w.Events, w.Label = signalbox.WebhookID(to.Put.ID), to.Put.Workspace, signalbox.KindAction, "", nil, named.Name
	w.Format, w.SignatureFormat = signalbox.FormatStairoids, signalbox.SignaturePrefixed // S0-42
	w.UpdatedAt = now
	if w.MaxInFlight <= 0 {
		w.MaxInFlight = signalbox.DefaultMaxInFlight
	}
	if w.Enabled {
		w.DisabledReason = ""
	}
	if old == nil {
		w.Revision, w.CreatedAt = 1, now
		return t.insertWebhook(&w)
	}
	w.Revision, w.CreatedAt = old.Revision+1, old.CreatedAt
	if err := t.updateWebhook(&w); err != nil {
		return err
	}
	if w.Enabled && !old.Enabled {
		return t.armDue(laneDue(w.Workspace, w.ID, now))
	}
	return nil
}
