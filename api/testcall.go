package api

import (
	"net/http"
	"strings"

	"signalbox"
	"signalbox/auth"
	"signalbox/strictjson"
	"signalbox/wire"
)

func (a *API) testRoute() route {
	return route{
		method: http.MethodPost, pattern: "/v1/webhooks/{id}/test", id: "testWebhook", tag: "Webhooks", need: auth.NeedHooks,
		summary: "Send a test event",
		detail: "Sends a sample of any event through the same path as real ones, once, and answers with what was sent and what came back. " +
			"`200` says that the test was made; `response` and `error` say how it went. It is in the delivery log, and is not retried.",
		status: http.StatusOK, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict},
		examples: []example{{name: "sample", summary: "A sample with data of your own",
			body: `{"event":"signal.created","data":{"signal":{"type":"page_view","properties":{"url":"/pricing"}}}}`}},
		answers: takes(a.testWebhook),
	}
}

// testOrder is the body of a test call.
type testOrder struct {
	Event *string        `json:"event" doc:"Any event that GET /v1/event-types lists for the webhook's format, the first of them unless given; it need not be subscribed."`
	Data  strictjson.Raw `json:"data" type:"object" doc:"Replaces the data of the sample; the whole body, in the formats stackone and staircase."`
}

// testWebhook makes a test delivery, sends it once and shows both sides.
func (a *API) testWebhook(c *call, in *testOrder) (testResult, error) {
	w, err := a.webhook(c)
	if err != nil {
		return testResult{}, err
	}
	if err := ofAutomation(&w); err != nil {
		return testResult{}, err
	}
	if w.Kind == signalbox.KindPull {
		return testResult{}, signalbox.Errorf(signalbox.Conflict, "a pull webhook has no url to send to")
	}
	ready, err := a.insertTest(c, &w, in)
	if err != nil {
		return testResult{}, err
	}
	attempt, headers, err := a.cfg.Sender.Test(c.r.Context(), &w, ready)
	if err != nil {
		return testResult{}, err
	}
	out := testResult{
		DeliveryID: c.idText(signalbox.KindDelivery, int64(ready.ID)),
		Request:    testRequest{Method: http.MethodPost, URL: w.URL, Headers: a.showHeaders(headers, w.HeaderNames), Body: string(ready.Body)},
		Error:      attempt.Error,
	}
	if attempt.StatusCode != 0 {
		out.Response = &testResponse{
			Status: attempt.StatusCode, Headers: attempt.Headers, Body: string(attempt.Body), DurationMS: milliseconds(attempt.Duration),
		}
	}
	return out, nil
}

// insertTest saves the event and its one delivery, leased to this node.
func (a *API) insertTest(c *call, w *signalbox.Webhook, in *testOrder) (signalbox.Ready, error) {
	name := value(in.Event)
	if name == "" {
		name = wire.EventTypes(w.Format)[0].In(w.Format)
	}
	var data []byte
	if string(in.Data) != "null" {
		data = in.Data
	}
	e := signalbox.Event{ID: signalbox.EventID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Name: name, Test: true, CreatedAt: c.now}
	info := wire.EventInfo{Codec: a.cfg.Codec, Event: e.ID, Workspace: e.Workspace, CreatedAt: e.CreatedAt}
	body, err := wire.SampleWith(name, w.Format, info, data)
	if err != nil {
		return signalbox.Ready{}, err
	}
	if t, ok := wire.LookUp(w.Format, name); ok {
		e.Name = t.Name
	}
	lease, ok := a.cfg.Sender.Lease()
	if !ok {
		return signalbox.Ready{}, &signalbox.Error{
			Code: signalbox.Unavailable, Msg: "this server cannot send at the moment", RetryAfter: signalbox.HeartbeatEvery,
		}
	}
	e.Bodies.Set(w.Format, body)
	d := signalbox.Delivery{
		ID: signalbox.DeliveryID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Webhook: w.ID, Event: e.ID, EventName: e.Name,
		State: signalbox.Pending, DueAt: c.now, Test: true, CreatedAt: c.now,
	}
	e.CausedTo = int64(d.ID)
	if err := a.cfg.Store.InsertTest(c.act(), e, signalbox.NewDelivery{Delivery: d, Lease: lease}); err != nil {
		return signalbox.Ready{}, err
	}
	return signalbox.Ready{Delivery: d, Body: body, Lease: lease}, nil
}

// showHeaders shows the headers of a request, custom ones by name only: their values are write-only.
func (a *API) showHeaders(sent http.Header, custom []string) map[string]string {
	out := map[string]string{}
	for name, values := range sent {
		out[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	for _, name := range custom {
		if _, there := out[strings.ToLower(name)]; there {
			out[strings.ToLower(name)] = "[hidden]"
		}
	}
	return out
}

type testResult struct {
	DeliveryID string        `json:"delivery_id" doc:"The test in the delivery log."`
	Request    testRequest   `json:"request"`
	Response   *testResponse `json:"response" doc:"Null: there was no answer."`
	Error      string        `json:"error,omitempty" doc:"Why it would have counted as a failure."`
}

type testRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers" doc:"By lower-case name. Values of your custom headers read [hidden]."`
	Body    string            `json:"body"`
}

type testResponse struct {
	Status     int     `json:"status"`
	Headers    object  `json:"headers"`
	Body       string  `json:"body" doc:"The first 16 KiB."`
	DurationMS float64 `json:"duration_ms"`
}
