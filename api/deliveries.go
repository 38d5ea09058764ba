package api

import (
	"net/http"
	"time"

	"signalbox"
	"signalbox/auth"
)

func (a *API) deliveriesRoute() route {
	return route{
		method: http.MethodGet, pattern: "/v1/webhooks/{id}/deliveries", id: "listDeliveries", tag: "Deliveries", need: auth.NeedRead,
		summary: "Read a webhook's delivery log", detail: "Newest first. Every delivery has a visible answer: pending, delivered, retrying, failed or skipped, and why.",
		status: http.StatusOK,
		query: paging(
			param{name: "status", kind: words, enum: deliveryWords(), doc: "Only deliveries that stand so."},
			param{name: "event", kind: text, doc: "Only deliveries of this event, by its exact name."},
			param{name: "from", kind: moment, doc: "Only deliveries made at or after this time."},
			param{name: "to", kind: moment, doc: "Only deliveries made at or before this time."}),
		answers: lists(a.listDeliveries),
	}
}

// deliveryRoutes are the doors of single deliveries.
func (a *API) deliveryRoutes() []route {
	return []route{
		{
			method: http.MethodGet, pattern: "/v1/deliveries/{id}", id: "getDelivery", tag: "Deliveries", need: auth.NeedRead,
			summary: "Read a delivery with its attempts", detail: "`body` is what every attempt sends, byte for byte; null once retention or erasure took it.",
			status: http.StatusOK, answers: asks(a.getDelivery),
		},
		{
			method: http.MethodPost, pattern: "/v1/deliveries/{id}/retry", id: "retryDelivery", tag: "Deliveries", need: auth.NeedHooks,
			summary: "Send a delivery now", detail: "Whatever state it is in. When this attempt fails, the schedule is as if nobody had asked for it.",
			status: http.StatusAccepted, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict},
			answers: asks(a.retryDelivery),
		},
		a.explainRoute(),
	}
}

func deliveryWords() []string {
	states := []signalbox.DeliveryState{signalbox.Pending, signalbox.Retrying, signalbox.Delivered, signalbox.Failed, signalbox.Skipped}
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = s.String()
	}
	return out
}

func (a *API) listDeliveries(c *call) (page[deliveryView], error) {
	id, err := webhookID(c)
	if err != nil {
		return page[deliveryView]{}, err
	}
	p, err := c.page()
	if err != nil {
		return page[deliveryView]{}, err
	}
	filter, err := c.deliveryFilter()
	if err != nil {
		return page[deliveryView]{}, err
	}
	rows, next, err := a.cfg.Store.Deliveries(c.r.Context(), c.ws(), id, filter, p)
	if err != nil {
		return page[deliveryView]{}, err
	}
	return c.deliveryPage(rows, next), nil
}

func (c *call) deliveryPage(rows []signalbox.Delivery, next int64) page[deliveryView] {
	out := page[deliveryView]{next: c.cursor(next)}
	for i := range rows {
		out.items = append(out.items, c.deliveryView(&rows[i]))
	}
	return out
}

func (c *call) deliveryFilter() (f signalbox.DeliveryFilter, err error) {
	if word := c.query.Get("status"); word != "" {
		state, ok := signalbox.ParseDeliveryState(word)
		if !ok {
			return f, signalbox.InvalidField("status", "status must be one of pending, retrying, delivered, failed, skipped")
		}
		f.State = state
	}
	f.Event = c.query.Get("event")
	f.From, f.To, err = c.span()
	return f, err
}

func (a *API) getDelivery(c *call) (deliveryDetail, error) {
	id, err := id[signalbox.DeliveryID](c, signalbox.KindDelivery, "delivery")
	if err != nil {
		return deliveryDetail{}, err
	}
	d, err := a.cfg.Store.Delivery(c.r.Context(), c.ws(), id)
	if err != nil {
		return deliveryDetail{}, err
	}
	out := deliveryDetail{
		deliveryView: c.deliveryView(&d.Delivery), URL: textOrNull(d.URL), Format: string(d.Format),
		Body: textOrNull(string(d.Body)), Attempts: []attemptView{},
	}
	for i := range d.Log {
		out.Attempts = append(out.Attempts, c.attemptView(&d.Log[i]))
	}
	return out, nil
}

func (a *API) retryDelivery(c *call) (deliveryView, error) {
	id, err := id[signalbox.DeliveryID](c, signalbox.KindDelivery, "delivery")
	if err != nil {
		return deliveryView{}, err
	}
	d, err := a.cfg.Store.RetryDelivery(c.act(), c.ws(), id, c.now)
	if err != nil {
		return deliveryView{}, err
	}
	a.cfg.Wake(c.now)
	if a.cfg.Live != nil {
		a.cfg.Live.Changed(c.ws(), id)
	}
	return c.deliveryView(&d), nil
}

// deliveryView is a delivery in a list.
type deliveryView struct {
	ID            string `json:"id"`
	WebhookID     string `json:"webhook_id"`
	EventID       string `json:"event_id" doc:"Also webhook-id, and id in the body: receivers tell repetitions by it."`
	Event         string `json:"event"`
	Status        string `json:"status" enum:"pending|retrying|delivered|failed|skipped"`
	Reason        string `json:"reason,omitempty" doc:"Why it stands so: docs/states.md lists the reasons."`
	AttemptCount  int    `json:"attempt_count" doc:"Attempts that counted."`
	NextAttemptAt *stamp `json:"next_attempt_at,omitempty"`
	Test          bool   `json:"test" doc:"A test call: one attempt, never retried."`
	CreatedAt     stamp  `json:"created_at"`
	DoneAt        *stamp `json:"done_at"`
}

// deliveryDetail is a delivery with all that is known of it.
type deliveryDetail struct {
	deliveryView
	URL      *string       `json:"url"`
	Format   string        `json:"format"`
	Body     *string       `json:"body"`
	Attempts []attemptView `json:"attempts" doc:"Oldest first."`
}

// attemptView is one HTTP request of a delivery.
type attemptView struct {
	ID                string  `json:"id"`
	At                stamp   `json:"at"`
	DurationMS        float64 `json:"duration_ms"`
	DNSMS             float64 `json:"dns_ms"`
	ConnectMS         float64 `json:"connect_ms"`
	TLSMS             float64 `json:"tls_ms"`
	FirstByteMS       float64 `json:"first_byte_ms"`
	RemoteAddr        *string `json:"remote_addr"`
	StatusCode        int     `json:"status_code,omitempty" doc:"Absent: there was no answer."`
	Error             string  `json:"error,omitempty" doc:"Why there was no answer that counts."`
	ResponseHeaders   object  `json:"response_headers"`
	ResponseBody      string  `json:"response_body" doc:"The first 16 KiB."`
	ResponseTruncated bool    `json:"response_truncated"`
	Manual            bool    `json:"manual"`
}

func (c *call) deliveryView(d *signalbox.Delivery) deliveryView {
	return deliveryView{
		ID: c.idText(signalbox.KindDelivery, int64(d.ID)), WebhookID: c.idText(signalbox.KindWebhook, int64(d.Webhook)),
		EventID: c.idText(signalbox.KindEvent, int64(d.Event)), Event: d.EventName, Status: d.State.String(), Reason: d.Reason,
		AttemptCount: d.Attempts, NextAttemptAt: stampOrNull(d.DueAt), Test: d.Test, CreatedAt: stamp(d.CreatedAt), DoneAt: stampOrNull(d.DoneAt),
	}
}

func (c *call) attemptView(t *signalbox.Attempt) attemptView {
	return attemptView{
		ID: c.idText(signalbox.KindAttempt, int64(t.ID)), At: stamp(t.At), DurationMS: milliseconds(t.Duration), DNSMS: milliseconds(t.DNS),
		ConnectMS: milliseconds(t.Connect), TLSMS: milliseconds(t.TLS), FirstByteMS: milliseconds(t.FirstByte),
		RemoteAddr: textOrNull(t.RemoteAddr), StatusCode: t.StatusCode, Error: t.Error, ResponseHeaders: t.Headers,
		ResponseBody: string(t.Body), ResponseTruncated: t.Truncated, Manual: t.Manual,
	}
}

// milliseconds keeps microseconds as decimals.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
