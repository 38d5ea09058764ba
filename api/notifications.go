package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"signalbox"
	"signalbox/auth"
	"signalbox/automate"
	"signalbox/expr"
	"signalbox/strictjson"
)

// notificationRoutes are the doors of notifications: automations with a preset (contract section 11).
func (a *API) notificationRoutes() []route {
	const tag = "Notifications"
	both := []signalbox.Code{signalbox.Conflict}
	return []route{
		{
			method: http.MethodGet, pattern: "/v1/notification-types", id: "listNotificationTypes", tag: tag, need: auth.NeedRead,
			summary: "List the types of signals that notifications are shipped for",
			detail:  "What such signals are called, and what is said of one that does not describe itself. A notification may name any other type of signals, too.",
			status:  http.StatusOK, answers: lists(listNotificationTypes),
		},
		{
			method: http.MethodPost, pattern: "/v1/notifications", id: "createNotification", tag: tag, need: auth.NeedWrite,
			summary: "Make a notification",
			detail: "It tells its `destinations` of what its `type` says: webhooks of the format `staircase`, Slack, or an e-mail address. `account_filter` narrows it to some accounts. It is enabled " +
				"unless it says otherwise, and tells nothing of the past.",
			status: created, also: both, examples: notificationExamples(), answers: takes(a.createNotification),
		},
		{
			method: http.MethodGet, pattern: "/v1/notifications", id: "listNotifications", tag: tag, need: auth.NeedRead,
			summary: "List notifications", detail: "Newest first.", status: http.StatusOK, query: paging(), answers: lists(a.listNotifications),
		},
		{
			method: http.MethodGet, pattern: "/v1/notifications/{id}", id: "getNotification", tag: tag, need: auth.NeedRead,
			summary: "Read a notification", status: http.StatusOK, answers: asks(a.getNotification),
		},
		{
			method: http.MethodPatch, pattern: "/v1/notifications/{id}", id: "updateNotification", tag: tag, need: auth.NeedWrite,
			summary: "Change a notification",
			detail:  "Only the fields that are given change; `destinations` are replaced whole. Another `type` leaves nothing of what belonged to the one before.",
			status:  http.StatusOK, also: both,
			examples: []example{{name: "filter", summary: "Active accounts alone", body: `{"account_filter":"account.status == 'active'"}`}},
			answers:  takes(a.updateNotification),
		},
		{
			method: http.MethodPost, pattern: "/v1/notifications/{id}/disable", id: "disableNotification", tag: tag, need: auth.NeedWrite,
			summary: "Disable a notification", detail: "It tells nothing any more.", status: http.StatusOK, bodyOptional: true, answers: asks(a.disableNotification),
		},
		{
			method: http.MethodPost, pattern: "/v1/notifications/{id}/enable", id: "enableNotification", tag: tag, need: auth.NeedWrite,
			summary: "Enable a notification", detail: "It tells of what happens from now on.", status: http.StatusOK, bodyOptional: true, also: both, answers: asks(a.enableNotification),
		},
		a.notifications().whyRoute(),
	}
}

// deleteNotificationRoute stands last: the examples are run in the order of the table.
func (a *API) deleteNotificationRoute() route {
	return route{
		method: http.MethodDelete, pattern: "/v1/notifications/{id}", id: "deleteNotification", tag: "Notifications", need: auth.NeedWrite,
		summary: "Delete a notification", detail: "It is gone at once. What it still had to send to Slack or by e-mail ends as `failed`.",
		status: http.StatusNoContent, answers: asks(a.deleteNotification),
	}
}

func notificationExamples() []example {
	return []example{
		{name: "personnel", summary: "Account personnel change, of active accounts", // S2-18
			body: `{"name":"Account personnel change","type":"signal","signal_type":"account_personnel_change","account_filter":{"field":"account.status","operator":"equals","value":"active"},"destinations":[{"type":"webhook","webhook_id":"wh_01m3w6r2c9f4t8qk7n5jv1xhda"},{"type":"email","to":"success@example.com"}]}`},
		{name: "score", summary: "A score that is reached",
			body: `{"name":"Hot account","type":"score_threshold","entity_type":"account","threshold":85,"direction":"above","destinations":[{"type":"slack","webhook_url":"https://hooks.slack.com/services/T0/B0/example"}]}`},
	}
}

// notificationForm is the body of POST /v1/notifications.
type notificationForm struct {
	Name    *string `json:"name" required:"true" maxlen:"200"`
	Type    *string `json:"type" required:"true" enum:"signal|record_changed|score_threshold|stage|audience"`
	Enabled *bool   `json:"enabled" doc:"True unless given."`
	startForm
	AccountFilter strictjson.Raw     `json:"account_filter" doc:"Of which accounts it tells: an expression, or its structured form. All unless given."`
	Destinations  *[]destinationForm `json:"destinations" required:"true" minitems:"1" maxitems:"10"`
}

// notificationPatch is the body of PATCH /v1/notifications/{id}.
type notificationPatch struct {
	Name    *string `json:"name" maxlen:"200"`
	Type    *string `json:"type" enum:"signal|record_changed|score_threshold|stage|audience" doc:"Another one begins anew: of what belonged to the one before nothing is left."`
	Enabled *bool   `json:"enabled"`
	startForm
	AccountFilter strictjson.Raw     `json:"account_filter" doc:"Null: all accounts."`
	Destinations  *[]destinationForm `json:"destinations" minitems:"1" maxitems:"10" doc:"Replaced whole."`
	Revision      *int64             `json:"revision" doc:"The revision that the change was made from: 409 when it is another one by now. Absent: whatever it is."`
}

// startForm is what starts a notification. Which fields it has is said by its type.
type startForm struct {
	SignalType *string `json:"signal_type" maxlen:"200" doc:"Of signal: GET /v1/notification-types lists those that are shipped."`
	Source     *string `json:"source" maxlen:"200" doc:"Of signal: any unless given."`
	EntityType *string `json:"entity_type" enum:"account|contact" doc:"Of score_threshold and stage: whose."`
	Threshold  *int    `json:"threshold" min:"1" max:"1000000" doc:"Of score_threshold."`
	Direction  *string `json:"direction" enum:"above|below" doc:"Of score_threshold."`
	Stage      *string `json:"stage" maxlen:"200" doc:"Of stage: the one that is reached; any unless given."`
	AudienceID *string `json:"audience_id" doc:"Of audience."`
	On         *string `json:"on" enum:"enter|leave" doc:"Of audience."`
	RecordType *string `json:"record_type" maxlen:"200" doc:"Of record_changed."`
	Change     *string `json:"change" enum:"created|updated|deleted" doc:"Of record_changed: any unless given."`
}

// destinationForm is where a notification goes. Which field it has is said by its type.
type destinationForm struct {
	Type       *string `json:"type" required:"true" enum:"webhook|slack|email"`
	WebhookID  *string `json:"webhook_id" doc:"Of webhook: one of the format staircase."`
	WebhookURL *string `json:"webhook_url" maxlen:"2048" doc:"Of slack: the address of an incoming webhook. It is shown masked, and what is shown keeps the one that there is."`
	To         *string `json:"to" maxlen:"254" doc:"Of email: one address."`
}

// typeWebhook is what the API calls a destination that is a registered webhook (S2-17).
const typeWebhook = "webhook"

// read reads a body into what it does to a notification that is otherwise as it was.
func (in *notificationPatch) read(c *call) (*automationChange, error) {
	ch := &automationChange{actions: in.Destinations != nil, revision: in.Revision}
	var on signalbox.TriggerType
	if word := value(in.Type); word != "" {
		known := false
		if on, known = automate.NotificationTrigger(word); !known {
			return nil, signalbox.InvalidField("type", "type must be signal, record_changed, score_threshold, stage or audience")
		}
	}
	given, err := in.trigger(c)
	if err != nil {
		return nil, err
	}
	filter, err := condition("account_filter", in.AccountFilter, expr.ForRecord)
	if err != nil {
		return nil, err
	}
	var goes []signalbox.Destination
	if in.Destinations != nil {
		if goes, err = destinations(c, *in.Destinations); err != nil {
			return nil, err
		}
	}
	ch.disables = in.Enabled != nil && !*in.Enabled && in.Name == nil && on == "" && in.startForm == (startForm{}) && len(in.AccountFilter) == 0 && !ch.actions
	ch.apply = func(one *signalbox.Automation) error {
		n := *one.Notification // what is stored is not changed
		one.Notification = &n
		if in.Name != nil {
			one.Name = strings.TrimSpace(*in.Name)
		}
		set(&one.Enabled, in.Enabled)
		if on != "" && on != n.Trigger.Type {
			n.Trigger = signalbox.Trigger{Type: on}
		}
		in.put(&n.Trigger, &given)
		if len(in.AccountFilter) > 0 {
			n.AccountFilter = filter
		}
		if in.Destinations != nil {
			list, err := keepDestinations(goes, n.Destinations)
			n.Destinations = list
			return err
		}
		return nil
	}
	return ch, nil
}

// trigger reads the fields as those of a trigger.
func (in *startForm) trigger(c *call) (signalbox.Trigger, error) {
	form := triggerForm{
		SignalType: in.SignalType, Source: in.Source, EntityType: in.EntityType, Threshold: in.Threshold, Direction: in.Direction, Stage: in.Stage,
		AudienceID: in.AudienceID, On: in.On, RecordType: in.RecordType, Change: in.Change,
	}
	return form.read(c, "")
}

// put sets those fields of a trigger that are given.
func (in *startForm) put(t, given *signalbox.Trigger) {
	for _, one := range []struct {
		field, by *string
		is        bool
	}{
		{&t.SignalType, &given.SignalType, in.SignalType != nil}, {&t.Source, &given.Source, in.Source != nil}, {&t.Stage, &given.Stage, in.Stage != nil},
		{&t.RecordType, &given.RecordType, in.RecordType != nil}, {&t.Change, &given.Change, in.Change != nil},
		{(*string)(&t.Direction), (*string)(&given.Direction), in.Direction != nil}, {(*string)(&t.On), (*string)(&given.On), in.On != nil},
	} {
		if one.is {
			*one.field = *one.by
		}
	}
	if in.EntityType != nil {
		t.Of = given.Of
	}
	if in.Threshold != nil {
		t.Threshold = given.Threshold
	}
	if in.AudienceID != nil {
		t.Audience = given.Audience
	}
}

// destinations reads where a notification goes.
func destinations(c *call, forms []destinationForm) ([]signalbox.Destination, error) {
	if len(forms) > automate.MaxActions {
		return nil, signalbox.InvalidField("destinations", "destinations must be 1 to %d, and there are %d", automate.MaxActions, len(forms))
	}
	list := make([]signalbox.Destination, len(forms))
	for i := range forms {
		one := signalbox.Destination{Type: signalbox.ActionType(value(forms[i].Type)), WebhookURL: value(forms[i].WebhookURL), To: value(forms[i].To)}
		if one.Type == signalbox.ActNotify { // its own word is not the API's
			one.Type = ""
		}
		if one.Type == typeWebhook {
			one.Type = signalbox.ActNotify
		}
		if n, given := c.named(forms[i].WebhookID, signalbox.KindWebhook); given {
			if one.Webhook = signalbox.WebhookID(n); n == 0 {
				one.Webhook = -1 // which nobody has; 0 would mean that it was left out
			}
		}
		list[i] = one
	}
	return list, nil
}

// keepDestinations puts in the addresses of Slack that are given as they were shown.
func keepDestinations(list, old []signalbox.Destination) ([]signalbox.Destination, error) {
	list = slices.Clone(list)
	for i := range list {
		address, err := unmask(list[i].WebhookURL, fmt.Sprintf("destinations[%d].webhook_url", i), func(yield func(string) bool) {
			for j := range old {
				if old[j].WebhookURL != "" && !yield(old[j].WebhookURL) {
					return
				}
			}
		})
		if err != nil {
			return nil, err
		}
		list[i].WebhookURL = address
	}
	return list, nil
}

// notificationView is a notification.
type notificationView struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Type    string `json:"type" enum:"signal|record_changed|score_threshold|stage|audience"`
	Enabled bool   `json:"enabled"`
	startView
	AccountFilter *string           `json:"account_filter" doc:"An expression; null: all accounts."`
	Destinations  []destinationView `json:"destinations"`
	Revision      int64             `json:"revision" doc:"Grows with each change."`
	CreatedAt     stamp             `json:"created_at"`
	UpdatedAt     stamp             `json:"updated_at"`
}

type destinationView struct {
	Type       string `json:"type" enum:"webhook|slack|email"`
	WebhookID  string `json:"webhook_id,omitempty"`
	WebhookURL string `json:"webhook_url,omitempty" doc:"Masked."`
	To         string `json:"to,omitempty"`
}

func (c *call) notificationView(one *signalbox.Automation, stored *signalbox.Definition) notificationView {
	n := one.Notification
	v := notificationView{
		ID: c.idText(signalbox.KindAutomation, stored.ID), Name: one.Name, Type: automate.NotificationType(n.Trigger.Type), Enabled: one.Enabled,
		startView: c.startView(&n.Trigger), AccountFilter: textOrNull(n.AccountFilter), Destinations: make([]destinationView, len(n.Destinations)),
		Revision: stored.Revision, CreatedAt: stamp(stored.CreatedAt), UpdatedAt: stamp(stored.UpdatedAt),
	}
	for i, d := range n.Destinations {
		to := destinationView{Type: string(d.Type), WebhookID: c.idText(signalbox.KindWebhook, int64(d.Webhook)), To: d.To}
		if d.Type == signalbox.ActNotify {
			to.Type = typeWebhook
		}
		if d.WebhookURL != "" {
			to.WebhookURL = masked(d.WebhookURL)
		}
		v.Destinations[i] = to
	}
	return v
}

func (a *API) createNotification(c *call, in *notificationForm) (notificationView, error) {
	if value(in.Type) == "" {
		return notificationView{}, signalbox.InvalidField("type", "type is required: signal, record_changed, score_threshold, stage or audience")
	}
	if in.Destinations == nil {
		return notificationView{}, signalbox.InvalidField("destinations", `destinations is required: where it goes, as in [{"type":"email","to":"ops@acme.com"}]`)
	}
	patch := notificationPatch{
		Name: in.Name, Type: in.Type, Enabled: in.Enabled, startForm: in.startForm, AccountFilter: in.AccountFilter, Destinations: in.Destinations,
	}
	ch, err := patch.read(c)
	if err != nil {
		return notificationView{}, err
	}
	id := signalbox.AutomationID(a.cfg.IDs.Next(c.now))
	return a.saveNotification(c, id, &signalbox.Automation{ID: id, Enabled: true, Notification: &signalbox.Notification{}}, ch)
}

func (a *API) saveNotification(c *call, id signalbox.AutomationID, fresh *signalbox.Automation, ch *automationChange) (notificationView, error) {
	one, stored, _, err := a.notifications().change(c, id, fresh, ch)
	if err != nil {
		return notificationView{}, err
	}
	return c.notificationView(&one, &stored), nil
}

func (a *API) updateNotification(c *call, in *notificationPatch) (notificationView, error) {
	id, err := a.notifications().asked(c)
	if err != nil {
		return notificationView{}, err
	}
	ch, err := in.read(c)
	if err != nil {
		return notificationView{}, err
	}
	return a.saveNotification(c, id, nil, ch)
}

func (a *API) enableNotification(c *call) (notificationView, error) {
	return a.switchNotification(c, true)
}

func (a *API) disableNotification(c *call) (notificationView, error) {
	return a.switchNotification(c, false)
}

func (a *API) switchNotification(c *call, enabled bool) (notificationView, error) {
	id, err := a.notifications().asked(c)
	if err != nil {
		return notificationView{}, err
	}
	return a.saveNotification(c, id, nil, switching(enabled))
}

func (a *API) getNotification(c *call) (notificationView, error) {
	_, one, stored, err := a.notifications().stored(c)
	if err != nil {
		return notificationView{}, err
	}
	return c.notificationView(one, stored), nil
}

func (a *API) listNotifications(c *call) (page[notificationView], error) {
	asked, err := c.page()
	if err != nil {
		return page[notificationView]{}, err
	}
	d, err := a.cfg.Store.Definitions(c.r.Context(), c.ws())
	if err != nil {
		return page[notificationView]{}, err
	}
	all := a.notifications().of(d, func(*signalbox.Automation) bool { return true })
	total := len(all)
	rows, next := c.pageOf(all, asked)
	out := page[notificationView]{total: &total, next: next}
	for _, stored := range rows {
		out.items = append(out.items, c.notificationView(d.Automation(signalbox.AutomationID(stored.ID)), stored))
	}
	return out, nil
}

func (a *API) deleteNotification(c *call) (none, error) { return a.notifications().remove(c) }

// notificationTypeView is a type of signals that notifications are shipped for.
type notificationTypeView struct {
	Name        string `json:"name" doc:"Of the signals' type."`
	Label       string `json:"label" doc:"For people."`
	Title       string `json:"title" doc:"Of a notification of it, before the account's name."`
	Description string `json:"description" doc:"Of a notification of it, where the signal does not describe itself."`
}

func listNotificationTypes(*call) (page[notificationTypeView], error) {
	out := page[notificationTypeView]{}
	for _, one := range automate.NoticeTypes() {
		out.items = append(out.items, notificationTypeView(one))
	}
	return out, nil
}
