package api

import (
	"fmt"
	"net/http"
	"strings"

	"signalbox"
	"signalbox/auth"
	"signalbox/wire"
)

func (a *API) explainRoute() route {
	return route{
		method: http.MethodGet, pattern: "/v1/events/{id}/explain", id: "explainEvent", tag: "Deliveries", need: auth.NeedRead,
		summary: "Say of each webhook why an event was or was not sent to it",
		detail: "`id` is the event's, as a delivery names it and a receiver gets it in `webhook-id`. What was not sent is judged by the webhooks as they are now: " +
			"one that was changed after the event says so.",
		status: http.StatusOK, answers: asks(a.explainEvent),
	}
}

// explained is an event, and what became of it for each webhook.
type explained struct {
	ID        string    `json:"id"`
	Event     string    `json:"event"`
	SignalID  *string   `json:"signal_id" doc:"The signal that caused it."`
	Test      bool      `json:"test" doc:"Of a test call: it is for one webhook alone."`
	CreatedAt stamp     `json:"created_at"`
	Webhooks  []whySent `json:"webhooks" doc:"Those that it was for first, then all others, newest first."`
}

// whySent says what became of an event for one webhook.
type whySent struct {
	WebhookID string        `json:"webhook_id"`
	Label     *string       `json:"label"`
	URL       *string       `json:"url"`
	Deleted   bool          `json:"deleted" doc:"The webhook is gone by now."`
	Verdict   string        `json:"verdict" enum:"sent|waits|not_sent|not_subscribed|filtered_out|made_later|changed_later|other_webhook|unknown" doc:"In a word; reason says it in a sentence."`
	Reason    string        `json:"reason"`
	Delivery  *deliveryView `json:"delivery" doc:"Null: it was not for this webhook."`
}

func (a *API) explainEvent(c *call) (explained, error) {
	evt, err := id[signalbox.EventID](c, signalbox.KindEvent, "event")
	if err != nil {
		return explained{}, err
	}
	e, sent, err := a.cfg.Store.Event(c.r.Context(), c.ws(), evt)
	if err != nil {
		return explained{}, err
	}
	hooks, err := a.allWebhooks(c)
	if err != nil {
		return explained{}, err
	}
	out := explained{
		ID: c.idText(signalbox.KindEvent, int64(e.ID)), Event: e.Name, SignalID: c.idOrNull(signalbox.KindSignal, int64(e.Signal)), Test: e.Test,
		CreatedAt: stamp(e.CreatedAt), Webhooks: []whySent{},
	}
	known := map[signalbox.WebhookID]*signalbox.Webhook{}
	for i := range hooks {
		known[hooks[i].ID] = &hooks[i]
	}
	for i := range sent {
		d := &sent[i]
		view := c.deliveryView(d)
		why := whySent{WebhookID: view.WebhookID, Deleted: true, Delivery: &view}
		if w := known[d.Webhook]; w != nil {
			why.Label, why.URL, why.Deleted = textOrNull(w.Label), textOrNull(w.URL), false
			delete(known, d.Webhook)
		}
		if e.Request != nil {
			if err := a.explainAction(c, &why, &e, d.Webhook); err != nil {
				return explained{}, err
			}
		}
		why.Verdict, why.Reason = sentWords(d)
		out.Webhooks = append(out.Webhooks, why)
	}
	for i := range hooks {
		w := &hooks[i]
		if known[w.ID] == nil {
			continue
		}
		why := whySent{WebhookID: c.idText(signalbox.KindWebhook, int64(w.ID)), Label: textOrNull(w.Label), URL: textOrNull(w.URL)}
		why.Verdict, why.Reason = notSentWords(w, &e)
		out.Webhooks = append(out.Webhooks, why)
	}
	return out, nil
}

// explainAction names where an automation has sent an event: the webhook that it goes through is none of those that are registered.
func (a *API) explainAction(c *call, why *whySent, e *signalbox.Event, through signalbox.WebhookID) error {
	target := e.Request.Target()
	why.URL = &target
	w, err := a.cfg.Store.Webhook(c.r.Context(), c.ws(), through)
	if signalbox.CodeOf(err) == signalbox.NotFound {
		return nil
	}
	why.Label, why.Deleted = textOrNull(w.Label), false
	return err
}

// filteredOut says why a webhook's filter keeps an event out; "" when it does not, or the event's bytes are gone.
func filteredOut(w *signalbox.Webhook, e *signalbox.Event) string {
	f := wire.FilterOf(w)
	if f == nil {
		return ""
	}
	if body := e.Bodies.Of(w.Format); body != nil {
		return f.Why(wire.Record(w.Format, body))
	}
	for _, format := range []signalbox.Format{signalbox.FormatStairoids, signalbox.FormatStandard} {
		if body := e.Bodies.Of(format); body != nil && w.Format != signalbox.FormatStackOne {
			return f.Why(wire.Record(format, body))
		}
	}
	return ""
}

// allWebhooks reads every webhook of the workspace, newest first: there are MaxWebhooks at most.
func (a *API) allWebhooks(c *call) (all []signalbox.Webhook, err error) {
	for before, more := int64(0), true; more; {
		list, _, next, err := a.cfg.Store.WebhooksOf(c.r.Context(), c.ws(), "", signalbox.Page{Limit: signalbox.MaxPage, Before: before})
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		before, more = next, next != 0
	}
	return all, nil
}

// sentWords say where the delivery of an event stands.
func sentWords(d *signalbox.Delivery) (verdict, reason string) {
	because := ""
	if d.Reason != "" {
		because = ": " + d.Reason
	}
	switch d.State {
	case signalbox.Delivered:
		return "sent", "it was delivered"
	case signalbox.Pending:
		return "waits", "it waits for its first attempt" + because
	case signalbox.Retrying:
		return "waits", fmt.Sprintf("%d attempts failed, another is due%s", d.Attempts, because)
	case signalbox.Failed:
		return "not_sent", "no attempt is left" + because
	}
	return "not_sent", "it was skipped" + because
}

// notSentWords say why there is no delivery of an event for a webhook: by what the webhook is now, as far as that was so then.
func notSentWords(w *signalbox.Webhook, e *signalbox.Event) (verdict, reason string) {
	changed, unfit := w.UpdatedAt.After(e.CreatedAt), filteredOut(w, e)
	switch {
	case e.Test:
		return "other_webhook", "the event is of a test call of another webhook"
	case e.Name == signalbox.EventActionTriggered:
		return "not_subscribed", "an automation sends it where its action says, and to no other webhook"
	case w.CreatedAt.After(e.CreatedAt):
		return "made_later", "the webhook was made after the event, and nothing is sent of the past"
	case w.Format.EventName(e.Name) == "":
		return "not_subscribed", fmt.Sprintf("its format, %s, does not send %s", w.Format, e.Name)
	case w.Takes(e.Name) && unfit != "":
		reason = "its filter keeps it out: " + unfit
		if changed {
			reason += "; it was changed after the event"
		}
		return "filtered_out", reason
	case !w.Takes(e.Name) && changed:
		return "not_subscribed", fmt.Sprintf("it subscribes to %s, not to %s; it was changed after the event", strings.Join(w.Events, ", "), e.Name)
	case !w.Takes(e.Name):
		return "not_subscribed", fmt.Sprintf("it subscribes to %s, not to %s", strings.Join(w.Events, ", "), e.Name)
	case changed:
		return "changed_later", fmt.Sprintf("it subscribes to %s now, and was changed after the event", e.Name)
	}
	return "unknown", "no delivery is stored: retention or an erasure took it"
}
