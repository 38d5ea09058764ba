package api

import (
	"net/http"
	"time"

	"signalbox"
	"signalbox/auth"
	"signalbox/retry"
)

// webhookRoutes are the doors of webhooks; feed.go and testcall.go hold the two long ones.
func (a *API) webhookRoutes() []route {
	const tag = "Webhooks"
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/webhooks", id: "createWebhook", tag: tag, need: auth.NeedHooks,
			summary: "Register a webhook",
			detail: "The answer shows the signing `secret`, once. Every delivery is signed with it, in the form of its format and in that of Standard Webhooks. " +
				"A `push` webhook is sent to over HTTPS; a `pull` webhook has no url and is read with `GET /v1/webhooks/{id}/events`.",
			status: created, bare: true, also: []signalbox.Code{signalbox.Conflict},
			examples: webhookExamples(), answers: takes(a.createWebhook),
		},
		{
			method: http.MethodGet, pattern: "/v1/webhooks", id: "listWebhooks", tag: tag, need: auth.NeedRead,
			summary: "List webhooks", detail: "Newest first.", status: http.StatusOK, bare: true,
			query:   append(paging(), param{name: "format", kind: words, enum: formatNames(), doc: "Only the webhooks of this format."}),
			answers: asks(a.listWebhooks),
		},
		{
			method: http.MethodGet, pattern: "/v1/webhooks/{id}", id: "getWebhook", tag: tag, need: auth.NeedRead,
			summary: "Read a webhook", status: http.StatusOK, bare: true, answers: asks(a.getWebhook),
		},
		{
			method: http.MethodPatch, pattern: "/v1/webhooks/{id}", id: "updateWebhook", tag: tag, need: auth.NeedHooks,
			summary: "Change a webhook",
			detail:  "Only the fields that are given change; `null` removes one. What was fixed when the webhook was made (kind, format, temporary) stays; `headers` are replaced whole.",
			status:  http.StatusOK, bare: true,
			examples: []example{{name: "subscribe", summary: "Another choice of events", body: `{"events":["signal.created","account.*"],"label":"CRM","max_in_flight":4}`}},
			answers:  takes(a.updateWebhook),
		},
		{
			method: http.MethodPost, pattern: "/v1/webhooks/{id}/disable", id: "disableWebhook", tag: tag, need: auth.NeedHooks,
			summary: "Disable a webhook", detail: "Nothing is sent any more. Events that it would have had are kept as `skipped`.",
			status: http.StatusOK, bare: true, bodyOptional: true, answers: asks(a.disableWebhook),
		},
		{
			method: http.MethodPost, pattern: "/v1/webhooks/{id}/enable", id: "enableWebhook", tag: tag, need: auth.NeedHooks,
			summary: "Enable a webhook", detail: "What waited is sent at once; what was skipped can be retried by hand.",
			status: http.StatusOK, bare: true, bodyOptional: true, answers: asks(a.enableWebhook),
		},
		a.testRoute(),
		a.deliveriesRoute(),
		a.feedRoute(),
	}
}

// deleteWebhookRoute stands last of the webhooks' routes: the examples are run in the order of the table.
func (a *API) deleteWebhookRoute() route {
	return route{
		method: http.MethodDelete, pattern: "/v1/webhooks/{id}", id: "deleteWebhook", tag: "Webhooks", need: auth.NeedHooks,
		summary: "Delete a webhook", detail: "It is gone at once. What it still had to be sent ends as `failed` with the reason `webhook_deleted`.",
		status: http.StatusNoContent, answers: asks(a.deleteWebhook),
	}
}

func webhookExamples() []example {
	return []example{
		{name: "push", summary: "Every signal, over HTTPS",
			body: `{"url":"https://hooks.example.com/signalbox","events":["signal.created"]}`},
		{name: "everything", summary: "Every field",
			body: `{"url":"https://hooks.example.com/standard","events":["signal.*","contact.score_changed"],"label":"Warehouse","description":"Loads events into the warehouse.","format":"standard","headers":{"X-Api-Key":"k-123"},"max_in_flight":2,"asymmetric":true,"filter":{"all":[{"field":"signal.type","operator":"equals","value":"demo_requested"},{"field":"signal.properties.team_size","operator":"greater_than","value":10}]},"enabled":true,"kind":"push","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`},
		{name: "pull", summary: "A feed to read, gone with its last reader",
			body: `{"kind":"pull","temporary":true,"events":["*"]}`},
	}
}

func (a *API) createWebhook(c *call, in *newWebhook) (madeWebhook, error) {
	w, err := a.buildWebhook(c, in)
	if err != nil {
		return madeWebhook{}, err
	}
	secret, err := a.chooseSecret(in.Secret)
	if err != nil {
		return madeWebhook{}, err
	}
	w.SealedSecret = a.cfg.Box.Seal(secretBind(&w), []byte(secret.Reveal()))
	if err := a.cfg.Store.CreateWebhook(c.act(), w); err != nil {
		return madeWebhook{}, err
	}
	w.Revision = max(w.Revision, 1)
	return madeWebhook{webhookView: c.webhookView(&w), Secret: secret.Reveal(), StandardSecret: standardForm(secret)}, nil
}

func (a *API) listWebhooks(c *call) (webhookList, error) {
	p, err := c.page()
	if err != nil {
		return webhookList{}, err
	}
	format := signalbox.Format(c.query.Get("format"))
	if format != "" {
		if err := checkFormat(format); err != nil {
			return webhookList{}, err
		}
	}
	rows, total, next, err := a.cfg.Store.WebhooksOf(c.r.Context(), c.ws(), format, p)
	if err != nil {
		return webhookList{}, err
	}
	out := webhookList{Webhooks: make([]webhookView, len(rows)), Total: total, NextCursor: textOrNull(c.cursor(next))}
	for i := range rows {
		out.Webhooks[i] = c.webhookView(&rows[i])
	}
	return out, nil
}

func (a *API) getWebhook(c *call) (webhookView, error) {
	w, err := a.webhook(c)
	if err != nil {
		return webhookView{}, err
	}
	return c.webhookView(&w), nil
}

// webhook reads the webhook of the path.
func (a *API) webhook(c *call) (signalbox.Webhook, error) {
	id, err := webhookID(c)
	if err != nil {
		return signalbox.Webhook{}, err
	}
	return a.cfg.Store.Webhook(c.r.Context(), c.ws(), id)
}

// registered refuses a webhook that nobody has registered: one that an automation sends through has no URL and no events to set or to try.
func (a *API) registered(w *signalbox.Webhook) error {
	if w.Kind != signalbox.KindAction {
		return nil
	}
	return signalbox.Errorf(signalbox.Conflict, "what the automation %s sends goes through this webhook: change or test the automation",
		a.cfg.Codec.Format(signalbox.KindAutomation, int64(w.ID)))
}

func webhookID(c *call) (signalbox.WebhookID, error) {
	return id[signalbox.WebhookID](c, signalbox.KindWebhook, "webhook")
}

func (a *API) updateWebhook(c *call, in *webhookPatch) (webhookView, error) {
	w, err := a.webhook(c)
	if err == nil {
		err = a.registered(&w)
	}
	if err != nil {
		return webhookView{}, err
	}
	change, err := a.buildPatch(c, &w, in)
	if err != nil {
		return webhookView{}, err
	}
	return a.changeWebhook(c, w.ID, change)
}

func (a *API) enableWebhook(c *call) (webhookView, error) {
	return a.switchWebhook(c, true, "")
}

func (a *API) disableWebhook(c *call) (webhookView, error) {
	return a.switchWebhook(c, false, disabledByHand)
}

// disabledByHand is the reason of a webhook that a person disabled.
const disabledByHand = "manual"

func (a *API) switchWebhook(c *call, enabled bool, reason string) (webhookView, error) {
	id, err := webhookID(c)
	if err != nil {
		return webhookView{}, err
	}
	return a.changeWebhook(c, id, func(w *signalbox.Webhook) error {
		setEnabled(w, enabled, reason)
		return nil
	})
}

// setEnabled keeps the reason of a webhook that is disabled already.
func setEnabled(w *signalbox.Webhook, enabled bool, reason string) {
	if w.Enabled != enabled {
		w.Enabled, w.DisabledReason = enabled, reason
	}
}

// changeWebhook changes a webhook that is no automation's.
func (a *API) changeWebhook(c *call, id signalbox.WebhookID, change func(*signalbox.Webhook) error) (webhookView, error) {
	return a.saveWebhook(c, id, func(w *signalbox.Webhook) error {
		if err := a.registered(w); err != nil {
			return err
		}
		return change(w)
	})
}

// saveWebhook saves a change and tells the sender.
func (a *API) saveWebhook(c *call, id signalbox.WebhookID, change func(*signalbox.Webhook) error) (webhookView, error) {
	w, err := a.cfg.Store.UpdateWebhook(c.act(), c.ws(), id, c.now, change)
	if err != nil {
		return webhookView{}, err
	}
	a.definitionChanged(c, id)
	return c.webhookView(&w), nil
}

// definitionChanged tells the sender, so that nothing more goes out by the old definition.
func (a *API) definitionChanged(c *call, id signalbox.WebhookID) {
	a.cfg.Sender.Changed(id)
	a.cfg.Wake(c.now)
}

func (a *API) deleteWebhook(c *call) (none, error) {
	w, err := a.webhook(c)
	if err != nil {
		return none{}, err
	}
	if err := a.registered(&w); err != nil {
		return none{}, err
	}
	id := w.ID
	job := signalbox.Job{
		ID: signalbox.JobID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Kind: signalbox.JobCloseWebhook, Status: signalbox.JobQueued,
		Subject: int64(id), CreatedAt: c.now, UpdatedAt: c.now,
	}
	if err := a.cfg.Store.DeleteWebhook(c.act(), c.ws(), id, c.now, job); err != nil {
		return none{}, err
	}
	a.definitionChanged(c, id)
	return none{}, nil
}

// webhookView is a webhook, without its secrets.
type webhookView struct {
	ID              string          `json:"id"`
	Kind            string          `json:"kind" enum:"push|pull|action" doc:"action: what an automation sends goes through it, and says itself where to."`
	URL             *string         `json:"url" doc:"Null: a pull webhook, or an automation's."`
	Events          []string        `json:"events"`
	Label           *string         `json:"label"`
	Description     *string         `json:"description"`
	Format          string          `json:"format" enum:"stairoids|standard|stackone|staircase"`
	SignatureFormat *string         `json:"signature_format" doc:"Null: the format's own."`
	HeaderNames     []string        `json:"header_names" doc:"Custom headers; their values are never shown."`
	MaxInFlight     int             `json:"max_in_flight"`
	RatePerSecond   int             `json:"rate_per_second" doc:"0: as many as it takes."`
	RetrySchedule   []int           `json:"retry_schedule" doc:"Seconds to wait after each failed attempt."`
	RetryPreset     *string         `json:"retry_preset" enum:"stairoids|standard" doc:"Null: another schedule."`
	Filter          *object         `json:"filter" doc:"Which of the events that it names it takes; null: all of them."`
	PublicKey       *string         `json:"public_key" doc:"Of the ed25519 key that signs too (v1a), as Standard Webhooks writes it: whpk_…. Null: none does."`
	PreviousSecret  *previousSecret `json:"previous_secret" doc:"The secret before the present one; null: there was none."`
	Enabled         bool            `json:"enabled"`
	DisabledReason  *string         `json:"disabled_reason"`
	Temporary       bool            `json:"temporary"`
	LastReadAt      *stamp          `json:"last_read_at" doc:"When its feed was last read."`
	Revision        int64           `json:"revision"`
	CreatedAt       stamp           `json:"created_at"`
	UpdatedAt       stamp           `json:"updated_at"`
}

// madeWebhook is the answer that shows the secret, once.
type madeWebhook struct {
	webhookView
	Secret string `json:"secret" doc:"Shown this once."`
	// StandardSecret is what Standard Webhooks libraries take for a secret that is no whsec_ base64 itself (contract section 12).
	StandardSecret string `json:"standard_secret,omitempty" doc:"The same secret in the form that Standard Webhooks libraries take, when yours has another one. Shown this once."`
}

type webhookList struct {
	Webhooks   []webhookView `json:"webhooks"`
	Total      int           `json:"total"`
	NextCursor *string       `json:"next_cursor" doc:"Null: this is the end."`
}

func (c *call) webhookView(w *signalbox.Webhook) webhookView {
	names := w.HeaderNames
	if names == nil {
		names = []string{}
	}
	schedule := retry.Schedule(w.RetrySchedule)
	if schedule == nil {
		schedule = retry.Stairoids()
	}
	seconds := make([]int, len(schedule))
	for i, wait := range schedule {
		seconds[i] = int(wait / time.Second)
	}
	return webhookView{
		ID: c.idText(signalbox.KindWebhook, int64(w.ID)), Kind: string(w.Kind), URL: textOrNull(w.URL), Events: w.Events,
		Label: textOrNull(w.Label), Description: textOrNull(w.Description), Format: string(w.Format),
		SignatureFormat: textOrNull(string(w.SignatureFormat)), HeaderNames: names, MaxInFlight: w.MaxInFlight,
		RatePerSecond: w.RatePerSecond, RetrySchedule: seconds, RetryPreset: textOrNull(retry.PresetOf(schedule)),
		Filter: objectOrNull(w.Filter), PublicKey: textOrNull(w.PublicKey),
		PreviousSecret: c.previousSecret(w), Enabled: w.Enabled, DisabledReason: textOrNull(w.DisabledReason), Temporary: w.Temporary, LastReadAt: stampOrNull(w.LastReadAt),
		Revision: w.Revision, CreatedAt: stamp(w.CreatedAt), UpdatedAt: stamp(w.UpdatedAt),
	}
}
