package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"signalbox"
)

// automated stores an automation with what it sends through, and something that it has sent to Slack.
func (b *box) automated() (lane, evt, dlv string) {
	b.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	of := signalbox.AutomationID(b.ids.Next(now))
	err := b.db.Define(b.Context(), b.ws, now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
		return &signalbox.Redefinition{
			Put:  &signalbox.Definition{ID: int64(of), Workspace: b.ws, Kind: signalbox.DefinedAutomation, Code: fmt.Sprint(of), Body: []byte(`{"name":"Notify sales"}`)},
			Lane: &signalbox.Webhook{SealedSecret: []byte("sealed"), Enabled: true},
		}, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	e := signalbox.Event{
		ID: signalbox.EventID(b.ids.Next(now)), Workspace: b.ws, Name: signalbox.EventActionTriggered, Bodies: signalbox.Bodies{Stairoids: []byte(`{"text":"x"}`)}, CreatedAt: now,
		Request: &signalbox.Request{Type: signalbox.ActSlack, URL: "https://hooks.slack.example/services/canary", Key: "run_x/1"},
	}
	d := signalbox.Delivery{
		ID: signalbox.DeliveryID(b.ids.Next(now)), Workspace: b.ws, Webhook: signalbox.WebhookID(of), Event: e.ID, EventName: e.Name, State: signalbox.Failed, Reason: "no_service",
		CreatedAt: now, DoneAt: now,
	}
	e.CausedTo = int64(d.ID)
	need := signalbox.Need{Workspaces: []signalbox.WorkspaceID{b.ws}}
	err = b.db.Decide(b.Context(), func() signalbox.Need { return need }, func(s *signalbox.Situation) (*signalbox.Decision, error) {
		head := s.Heads[b.ws]
		head.LastID = max(head.LastID, e.CausedTo)
		return &signalbox.Decision{
			Events: []signalbox.Event{e}, Deliveries: []signalbox.NewDelivery{{Delivery: d}}, Heads: map[signalbox.WorkspaceID]signalbox.Head{b.ws: head},
		}, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return b.codec.Format(signalbox.KindWebhook, int64(of)), b.codec.Format(signalbox.KindEvent, int64(e.ID)), b.codec.Format(signalbox.KindDelivery, int64(d.ID))
}

// What an automation sends through is shown and changed with the automation, not among the webhooks.
func TestWebhooks_ThoseOfAutomationsAreNotAmongThem(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	lane, _, _ := b.automated()
	if list := b.do(http.StatusOK, "GET", "/v1/webhooks", ""); list.at("total").(json.Number) != "0" || list.at("webhooks.0") != nil {
		b.Errorf("listed %s", list.body)
	}
	path := "/v1/webhooks/" + lane
	if one := b.do(http.StatusOK, "GET", path, ""); one.text("kind") != "action" { // an automation names it as what holds its log
		b.Errorf("read it is %s", one.body)
	}
	for _, c := range [][3]string{
		{"PATCH", path, `{"url":"https://example.com/","events":["*"]}`}, {"POST", path + "/disable", ""}, {"POST", path + "/test", `{}`}, {"DELETE", path, ""},
	} {
		b.send(b.admin, c[0], c[1], c[2]).refuses(http.StatusConflict, "conflict", "", "automation")
	}
	if log := b.do(http.StatusOK, "GET", path+"/deliveries", ""); log.text("data.0.reason") != "no_service" || log.text("data.0.event") != "automation.action_triggered" {
		b.Errorf("its log is %s", log.body)
	}
}

// Explaining what an automation sent names where it went, and says that no webhook could have had it.
func TestExplain_WhatAnAutomationSent(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/all","events":["*"]}`)
	_, evt, dlv := b.automated()
	got := b.do(http.StatusOK, "GET", "/v1/events/"+evt+"/explain", "")
	if got.text("data.webhooks.0.verdict") != "not_sent" || got.text("data.webhooks.0.label") != "Notify sales" || got.at("data.webhooks.0.deleted") != false ||
		got.text("data.webhooks.0.url") != "https://hooks.slack.example/[hidden]" || got.text("data.webhooks.0.delivery.id") != dlv {
		b.Errorf("of its own: %s", got.body)
	}
	if got.text("data.webhooks.1.verdict") != "not_subscribed" || got.at("data.webhooks.2") != nil {
		b.Errorf("of the others: %s", got.body)
	}
	if v := b.do(http.StatusOK, "GET", "/v1/deliveries/"+dlv, ""); v.text("data.url") != "https://hooks.slack.example/[hidden]" || v.text("data.body") != `{"text":"x"}` {
		b.Errorf("the delivery is shown as %s", v.body)
	}
}
