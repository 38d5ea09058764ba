package api

import (
	"net/http"
	"slices"

	"signalbox"
	"signalbox/auth"
	"signalbox/seal"
)

// sends says whether an automation sends anything out of here by itself: what a notification has a registered webhook send is that webhook's.
func sends(one *signalbox.Automation) bool {
	if n := one.Notification; n != nil {
		return slices.ContainsFunc(n.Destinations, func(d signalbox.Destination) bool { return d.Type != signalbox.ActNotify })
	}
	return slices.ContainsFunc(one.Actions, func(x signalbox.Action) bool {
		return x.Type == signalbox.ActWebhook || x.Type == signalbox.ActSlack || x.Type == signalbox.ActEmail
	})
}

// laneHeaders says what the header values of an automation's actions belong to, in the words that deliver opens them with.
func laneHeaders(ws signalbox.WorkspaceID, id signalbox.AutomationID) seal.Bind {
	return headersBind(&signalbox.Webhook{ID: signalbox.WebhookID(id), Workspace: ws})
}

// lane makes the webhook that an automation sends through, with a secret of its own; nil where it sends nothing, or has one. It keeps the one that it has when its
// actions are replaced, and the secret with it. old is what the automation was, nil for a new one.
func (a *API) lane(c *call, d *signalbox.Definitions, old, one *signalbox.Automation) (w *signalbox.Webhook, secret string, err error) {
	id := signalbox.WebhookID(one.ID)
	there := slices.ContainsFunc(d.Webhooks, func(w signalbox.Webhook) bool { return w.ID == id })
	if there || !sends(one) || old != nil && sends(old) {
		return nil, "", nil
	}
	fresh, err := a.chooseSecret(nil)
	if err != nil {
		return nil, "", err
	}
	w = &signalbox.Webhook{
		ID: id, Workspace: c.ws(), Kind: signalbox.KindAction, Events: []string{}, Label: one.Name, Format: signalbox.FormatStairoids,
		SignatureFormat: signalbox.SignaturePrefixed, // S0-42
		MaxInFlight:     signalbox.DefaultMaxInFlight, Enabled: true, Revision: 1, CreatedAt: c.now, UpdatedAt: c.now,
	}
	w.SealedSecret = a.cfg.Box.Seal(secretBind(w), []byte(fresh.Reveal()))
	return w, fresh.Reveal(), nil
}

// ofWebhook refuses all but those.
func ofWebhook(w *signalbox.Webhook) error {
	if w.Kind == signalbox.KindAction {
		return nil
	}
	return signalbox.NoSuch("webhook")
}

// automationSecretRoutes are the doors of the secret that an automation's webhook actions are signed with.
func (a *API) automationSecretRoutes() []route {
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/automations/{id}/secret/regenerate", id: "regenerateAutomationSecret", tag: "Automations", need: auth.NeedWrite,
			summary: "Make another signing secret of an automation",
			detail: "The answer shows the new `secret`, once. During the overlap both sign, as of a webhook: `X-Stairoids-Signature` has room for one signature, and carries that of the old secret " +
				"until `POST …/secret/activate` or the end. With an overlap of 0 the old secret signs nothing any more.",
			status: http.StatusOK, bare: true, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict},
			examples: []example{{name: "overlap", summary: "Both secrets sign for an hour", body: `{"overlap":3600}`}},
			answers:  takes(a.regenerateAutomationSecret),
		},
		{
			method: http.MethodPost, pattern: "/v1/automations/{id}/secret/activate", id: "activateAutomationSecret", tag: "Automations", need: auth.NeedWrite,
			summary: "Sign an automation's X-Stairoids-Signature with the new secret now",
			detail:  "`webhook-signature` goes on carrying both signatures until the overlap ends. Conflict where no overlap goes on.",
			status:  http.StatusOK, bare: true, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict}, answers: asks(a.activateAutomationSecret),
		},
	}
}

// laneOf is the webhook that the automation of the path sends through.
func (a *API) laneOf(c *call) (signalbox.WebhookID, error) {
	_, one, _, err := a.automations().stored(c)
	if err != nil {
		return 0, err
	}
	return signalbox.WebhookID(one.ID), nil
}

// noLane says that an automation has nothing that is signed, where the webhook that it would send through is not there.
func noLane(err error) error {
	if signalbox.CodeOf(err) != signalbox.NotFound {
		return err
	}
	return signalbox.Errorf(signalbox.Conflict, "the automation sends nothing that is signed, and has no secret: give it an action of the type webhook first")
}

func (a *API) regenerateAutomationSecret(c *call, in *newSecret) (freshSecret, error) {
	lane, err := a.laneOf(c)
	if err != nil {
		return freshSecret{}, err
	}
	out, err := a.regenerate(c, in, lane, ofWebhook)
	return out, noLane(err)
}

func (a *API) activateAutomationSecret(c *call) (automationView, error) {
	lane, err := a.laneOf(c)
	if err != nil {
		return automationView{}, err
	}
	if _, err := a.activate(c, lane, ofWebhook); err != nil {
		return automationView{}, noLane(err)
	}
	return a.getAutomation(c)
}
