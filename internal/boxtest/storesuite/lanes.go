package storesuite

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"signalbox"
)

var laneTests = map[string]func(*Box){
	"ALaneIsMadeWithItsAutomation":                 laneMade,
	"ALaneIsNotAmongTheWebhooks":                   laneHidden,
	"ALaneChangesWithItsAutomation":                laneChanged,
	"ALaneThatIsEnabledAgainSendsWhatWaited":       laneEnabled,
	"ALaneGoesWithItsAutomation":                   laneDropped,
	"OnlyAnAutomationHasALane":                     laneOfNothing,
	"ARequestComesWithEveryClaim":                  requestClaimed,
	"ARequestsTargetIsShownAndNoSecretOfIt":        requestShown,
	"WhatAnAutomationSendsIsNothingToSubscribeTo":  requestNotMissed,
	"ErasingTakesTheRequestToo":                    requestErased,
	"AnEmailMayHaveNoText":                         requestEmpty,
	"WhatIsSkippedWhenItIsSentEndsWithoutAnyCount": skippedWhenSent,
	"WhatALaneFailedToSendIsTold":                  laneTold,
}

// NewAutomation makes an automation with one webhook action, and what it sends through.
func (b *Box) NewAutomation(name string, headers ...signalbox.Header) (signalbox.AutomationID, signalbox.Webhook) {
	b.Helper()
	id := signalbox.AutomationID(b.ID())
	b.putAutomation(id, name, &signalbox.Webhook{SealedSecret: []byte("sealed"), Enabled: true}, headers...)
	w, err := b.DB.Webhook(b.Context(), b.WS, signalbox.WebhookID(id))
	b.Must(err)
	return id, w
}

// putAutomation saves an automation, with its lane where one is given.
func (b *Box) putAutomation(id signalbox.AutomationID, name string, lane *signalbox.Webhook, headers ...signalbox.Header) {
	b.Helper()
	body, err := json.Marshal(signalbox.Automation{Name: name, Enabled: true, Actions: []signalbox.Action{{Type: signalbox.ActWebhook, URL: "https://crm.example/", Headers: headers}}})
	b.Must(err)
	put := signalbox.Definition{ID: int64(id), Workspace: b.WS, Kind: signalbox.DefinedAutomation, Code: fmt.Sprint(id), Body: body}
	b.Must(b.DB.Define(b.Context(), b.WS, b.Now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
		return &signalbox.Redefinition{Put: &put, Lane: lane}, nil
	}))
}

func (b *Box) dropAutomation(id signalbox.AutomationID) {
	b.Helper()
	b.Must(b.DB.Define(b.Context(), b.WS, b.Now, func(d *signalbox.Definitions) (*signalbox.Redefinition, error) {
		return &signalbox.Redefinition{Drop: d.Find(signalbox.DefinedAutomation, int64(id))}, nil
	}))
}

// What a lane is, is set by the store, whatever it is given; the rest comes back as it was given.
func laneMade(b *Box) {
	id := signalbox.AutomationID(b.ID())
	given := signalbox.Webhook{
		ID: 7, Workspace: 8, Kind: signalbox.KindPush, URL: "https://example.com/", Events: []string{"*"}, Label: "x", Format: signalbox.FormatStandard,
		SealedSecret: []byte{1, 2}, RetrySchedule: []time.Duration{time.Minute}, Enabled: true, DisabledReason: "x",
	}
	b.putAutomation(id, "High-intent trial → notify sales", &given)
	want := signalbox.Webhook{
		ID: signalbox.WebhookID(id), Workspace: b.WS, Kind: signalbox.KindAction, Events: []string{}, Label: "High-intent trial → notify sales",
		Format: signalbox.FormatStairoids, SignatureFormat: signalbox.SignaturePrefixed, SealedSecret: []byte{1, 2}, RetrySchedule: []time.Duration{time.Minute},
		HeaderNames: []string{}, MaxInFlight: signalbox.DefaultMaxInFlight, Enabled: true, Revision: 1, CreatedAt: b.Now, UpdatedAt: b.Now,
	}
	got, err := b.DB.Webhook(b.Context(), b.WS, want.ID)
	b.Must(err)
	got.Events, got.HeaderNames = append([]string{}, got.Events...), append([]string{}, got.HeaderNames...)
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("the lane is\n%+v, want\n%+v", got, want)
	}
	d, err := b.DB.Definitions(b.Context(), b.WS)
	b.Must(err)
	if len(d.Webhooks) != 1 || d.Webhooks[0].ID != want.ID || d.Automation(id) == nil {
		b.Fatalf("in force are %+v and %+v", d.Webhooks, d.Automations)
	}
	unsent := signalbox.AutomationID(b.ID())
	b.putAutomation(unsent, "Only updates", nil)
	_, err = b.DB.Webhook(b.Context(), b.WS, signalbox.WebhookID(unsent))
	b.WantNoSuch(err, "webhook")
}

// Lists, limits and counts of webhooks are about those that somebody registered; deciding and erasing know all.
func laneHidden(b *Box) {
	_, lane := b.NewAutomation("one")
	if o := b.overview(); o.Enabled != 0 || o.Disabled != 0 || o.Failing != 0 || !o.FirstWebhook.IsZero() {
		b.Fatalf("the overview counts it: %+v", o)
	}
	for range signalbox.MaxWebhooks {
		b.NewWebhook()
	}
	extra := signalbox.Webhook{ID: signalbox.WebhookID(b.ID()), Workspace: b.WS, Kind: signalbox.KindPush, CreatedAt: b.Now, UpdatedAt: b.Now}
	b.WantCode(b.DB.CreateWebhook(b.Context(), extra), signalbox.Conflict)
	_, other := b.NewAutomation("another")
	for before, more := int64(0), true; more; {
		list, total, next, err := b.DB.Webhooks(b.Context(), b.WS, signalbox.Page{Limit: signalbox.MaxPage, Before: before})
		b.Must(err)
		for _, w := range list {
			if total != signalbox.MaxWebhooks || w.Kind == signalbox.KindAction {
				b.Fatalf("among %d webhooks is %+v", total, w)
			}
		}
		before, more = next, next != 0
	}
	_, total, _, err := b.DB.WebhooksOf(b.Context(), b.WS, signalbox.FormatStairoids, signalbox.Page{Limit: 1})
	b.Must(err)
	if total != signalbox.MaxWebhooks {
		b.Fatalf("%d of the format, want %d", total, signalbox.MaxWebhooks)
	}
	ids, err := b.DB.WebhookIDs(b.Context(), b.WS)
	b.Must(err)
	d, err := b.DB.Definitions(b.Context(), b.WS)
	b.Must(err)
	if want := signalbox.MaxWebhooks + 2; len(ids) != want || len(d.Webhooks) != want || !slices.Contains(ids, lane.ID) || !slices.Contains(ids, other.ID) {
		b.Fatalf("all are %d, and %d are in force, want %d", len(ids), len(d.Webhooks), want)
	}
}

func laneChanged(b *Box) {
	id, lane := b.NewAutomation("before")
	b.Now = b.Now.Add(time.Minute)
	b.putAutomation(id, "after", nil)
	got, err := b.DB.Webhook(b.Context(), b.WS, lane.ID)
	b.Must(err)
	if got.Label != "after" || got.Revision != 2 || !got.CreatedAt.Equal(lane.CreatedAt) || !got.UpdatedAt.Equal(b.Now) || string(got.SealedSecret) != "sealed" || !got.Enabled {
		b.Fatalf("a new name made it %+v", got)
	}
	b.putAutomation(id, "after", nil)
	if same, err := b.DB.Webhook(b.Context(), b.WS, lane.ID); err != nil || same.Revision != 2 {
		b.Fatalf("without a change of its own it became %+v, %v", same, err)
	}
	got.SealedSecret, got.SealedPrevious, got.PreviousUntil = []byte("new"), got.SealedSecret, b.Now.Add(time.Hour)
	b.putAutomation(id, "after", &got)
	fresh, err := b.DB.Webhook(b.Context(), b.WS, lane.ID)
	b.Must(err)
	if string(fresh.SealedSecret) != "new" || string(fresh.SealedPrevious) != "sealed" || fresh.Revision != 3 {
		b.Fatalf("with a new secret it is %+v", fresh)
	}
}

func laneEnabled(b *Box) {
	id, lane := b.NewAutomation("x")
	sent := b.Send(Sent{To: []signalbox.Webhook{lane}, Request: slackRequest(), Body: `{}`})[0]
	lane.Enabled, lane.DisabledReason = false, "manual"
	b.putAutomation(id, "x", &lane)
	if c := b.Claim(lane.ID, 10); c.Webhook != nil || len(c.Ready) != 0 {
		b.Fatalf("a disabled lane claimed %+v", c)
	}
	_, err := b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
	b.WantCode(err, signalbox.Conflict)
	b.Now = b.Now.Add(time.Hour)
	lane.Enabled = true
	b.putAutomation(id, "x", &lane)
	due := b.dueOf(signalbox.DueLane)
	if len(due) != 1 || due[0].Subject != int64(lane.ID) || !due[0].At.Equal(b.Now) {
		b.Fatalf("enabled: due %+v", due)
	}
	c := b.Claim(lane.ID, 10)
	if len(c.Ready) != 1 || c.Ready[0].ID != sent.Deliveries[0] || c.Webhook.DisabledReason != "" {
		b.Fatalf("claimed %+v", c)
	}
	off, err := b.DB.UpdateWebhook(b.Context(), b.WS, lane.ID, b.Now, func(w *signalbox.Webhook) error { w.Enabled = false; return nil })
	b.Must(err)
	b.Settle(c.Ready[0], signalbox.Retrying, "http_500", b.Now.Add(time.Minute), 500, "")
	b.dueOf(signalbox.DueLane)
	b.Now = b.Now.Add(time.Hour)
	_, err = b.DB.UpdateWebhook(b.Context(), b.WS, off.ID, b.Now, func(w *signalbox.Webhook) error { w.Enabled = true; return nil })
	b.Must(err)
	if c := b.Claim(lane.ID, 10); len(c.Ready) != 1 {
		b.Fatalf("enabled by itself it claimed %+v", c)
	}
}

func laneDropped(b *Box) {
	id, lane := b.NewAutomation("x")
	sent := b.Send(Sent{To: []signalbox.Webhook{lane}, Request: slackRequest(), Body: `{}`})[0]
	b.WantCode(b.DB.DeleteWebhook(b.Context(), b.WS, lane.ID, b.Now, signalbox.Job{ID: signalbox.JobID(b.ID()), CreatedAt: b.Now}), signalbox.Conflict)
	b.dropAutomation(id)
	_, err := b.DB.Webhook(b.Context(), b.WS, lane.ID)
	b.WantNoSuch(err, "webhook")
	if c := b.Claim(lane.ID, 10); c.Webhook != nil || len(c.Ready) != 0 {
		b.Fatalf("it still claims %+v", c)
	}
	due := b.dueOf(signalbox.DueJob)
	if len(due) != 1 {
		b.Fatalf("due are %+v, want the job that closes it", due)
	}
	j, _ := b.RunJob(signalbox.JobID(due[0].Subject))
	if j.Status != signalbox.JobDone || j.Kind != signalbox.JobCloseWebhook || j.Subject != int64(lane.ID) || j.Done != 1 {
		b.Fatalf("job %+v", j)
	}
	if v := b.Delivery(sent.Deliveries[0]); v.State != signalbox.Failed || v.Reason != signalbox.ReasonDeleted || v.Request == nil {
		b.Fatalf("an open one became %+v", v)
	}
	d, err := b.DB.Definitions(b.Context(), b.WS)
	b.Must(err)
	if len(d.Webhooks) != 0 || len(d.Automations) != 0 {
		b.Fatalf("still in force: %+v, %+v", d.Webhooks, d.Automations)
	}
	unsent := signalbox.AutomationID(b.ID())
	b.putAutomation(unsent, "Only updates", nil)
	b.dropAutomation(unsent)
	if due := b.dueOf(signalbox.DueJob); len(due) != 0 {
		b.Fatalf("without a lane there is a job: %+v", due)
	}
}

func laneOfNothing(b *Box) {
	put := signalbox.Definition{ID: b.ID(), Workspace: b.WS, Kind: signalbox.DefinedICP, Code: "x", Body: []byte(`{}`)}
	err := b.DB.Define(b.Context(), b.WS, b.Now, func(*signalbox.Definitions) (*signalbox.Redefinition, error) {
		return &signalbox.Redefinition{Put: &put, Lane: &signalbox.Webhook{Enabled: true}}, nil
	})
	d, dErr := b.DB.Definitions(b.Context(), b.WS)
	b.Must(dErr)
	if err == nil || len(d.Defined) != 0 || len(d.Webhooks) != 0 {
		b.Fatalf("saved %+v and %+v, error %v", d.Defined, d.Webhooks, err)
	}
}

func slackRequest() *signalbox.Request {
	return &signalbox.Request{Type: signalbox.ActSlack, URL: "https://hooks.slack.example/services/T0/B0/secret", Key: "run_x/1"}
}

func webhookRequest() *signalbox.Request {
	return &signalbox.Request{
		Type: signalbox.ActWebhook, Method: "PUT", URL: "https://crm.example/leads?a=1&b=<2>", Key: "run_x/2", Headers: []signalbox.Header{{Name: "X-Key", Sealed: []byte{0, 255}}},
	}
}

// The first time, after a failure, by hand and by a recovery: it goes where it said.
func requestClaimed(b *Box) {
	_, lane := b.NewAutomation("x")
	hook := b.NewWebhook()
	want := webhookRequest()
	sent := b.Send(Sent{To: []signalbox.Webhook{lane}, Request: want, Body: `{"event":"automation.action_triggered"}`})[0]
	plain := b.Send(Sent{To: []signalbox.Webhook{hook}})[0]
	e, _, err := b.DB.Event(b.Context(), b.WS, sent.Event)
	b.Must(err)
	if !reflect.DeepEqual(e.Request, want) || e.Name != "automation.action_triggered" {
		b.Fatalf("the event is %+v", e)
	}
	if e, _, err := b.DB.Event(b.Context(), b.WS, plain.Event); err != nil || e.Request != nil {
		b.Fatalf("an event for a webhook has the request %+v, %v", e.Request, err)
	}
	if c := b.Claim(hook.ID, 10); len(c.Ready) != 1 || c.Ready[0].Request != nil {
		b.Fatalf("claimed for a webhook: %+v", c)
	}
	claim := func(when string) signalbox.Ready {
		b.Helper()
		c := b.Claim(lane.ID, 10)
		if len(c.Ready) != 1 || !reflect.DeepEqual(c.Ready[0].Request, want) || string(c.Ready[0].Body) != `{"event":"automation.action_triggered"}` {
			b.Fatalf("%s claimed %+v, want the request %+v", when, c.Ready, want)
		}
		return c.Ready[0]
	}
	b.Settle(claim("first"), signalbox.Retrying, "http_500", b.Now.Add(time.Minute), 500, "")
	b.Now = b.Now.Add(time.Minute)
	b.Settle(claim("after a failure"), signalbox.Failed, "http_404", time.Time{}, 404, "")
	_, err = b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
	b.Must(err)
	b.Settle(claim("by hand"), signalbox.Failed, "http_404", time.Time{}, 404, "")
	if j := b.recover(lane, b.recovery(signalbox.MissedFailed)); j.Done != 1 {
		b.Fatalf("job %+v", j)
	}
	claim("by a recovery")
}

func requestShown(b *Box) {
	_, lane := b.NewAutomation("x")
	for want, q := range map[string]*signalbox.Request{
		"https://crm.example/leads?a=1&b=<2>":  webhookRequest(),
		"https://hooks.slack.example/[hidden]": slackRequest(),
		"mailto:sales@acme.com":                {Type: signalbox.ActEmail, To: "sales@acme.com", Subject: "s", Key: "k"},
	} {
		sent := b.Send(Sent{To: []signalbox.Webhook{lane}, Request: q, Body: `{}`})[0]
		if v := b.Delivery(sent.Deliveries[0]); v.URL != want || !reflect.DeepEqual(v.Request, q) || string(v.Body) != `{}` {
			b.Errorf("%s is shown as %+v", want, v)
		}
	}
}

// However wide a webhook's pattern is: a recovery of what it never was sent does not find what automations sent to others.
func requestNotMissed(b *Box) {
	_, lane := b.NewAutomation("x")
	b.Send(Sent{To: []signalbox.Webhook{lane}, Request: webhookRequest(), Body: `{}`})
	for _, events := range [][]string{{"*"}, {"automation.*"}, {signalbox.EventActionTriggered}} {
		w := b.NewWebhook(func(w *signalbox.Webhook) { w.Events = events })
		p, err := b.DB.PreviewRecovery(b.Context(), b.WS, w.ID, b.recovery())
		b.Must(err)
		if p.Matching() != 0 || w.Takes(signalbox.EventActionTriggered) {
			b.Errorf("%v would be sent %+v", events, p)
		}
	}
}

func requestErased(b *Box) {
	acc := b.NewAccount("acme.com", "Acme")
	_, lane := b.NewAutomation("x")
	sent := b.Send(Sent{Account: acc.ID, To: []signalbox.Webhook{lane}, Request: &signalbox.Request{Type: signalbox.ActEmail, To: "ann@acme.com", Subject: "Ann", Key: "k"}, Body: "Ann"})[0]
	b.erase(signalbox.JobEraseAccount, int64(acc.ID))
	v := b.Delivery(sent.Deliveries[0])
	if v.Request != nil || v.Body != nil || v.State != signalbox.Failed || v.Reason != signalbox.ReasonErased || v.URL != "" {
		b.Fatalf("what is left is %+v", v)
	}
}

func requestEmpty(b *Box) {
	_, lane := b.NewAutomation("x")
	b.Send(Sent{To: []signalbox.Webhook{lane}, Request: &signalbox.Request{Type: signalbox.ActEmail, To: "ann@acme.com", Subject: "s", Key: "k"}, Body: ""})
	if c := b.Claim(lane.ID, 10); len(c.Ready) != 1 || c.Ready[0].Body == nil || len(c.Ready[0].Body) != 0 {
		b.Fatalf("claimed %+v", c.Ready)
	}
}

// Nobody was asked: there is no attempt, nothing is counted against the lane, and what was asked for by hand is over.
func skippedWhenSent(b *Box) {
	_, lane := b.NewAutomation("x")
	sent := b.Send(Sent{To: []signalbox.Webhook{lane}, Request: &signalbox.Request{Type: signalbox.ActEmail, To: "ann@acme.com", Subject: "s", Key: "k"}, Body: "t"})[0]
	for _, when := range []string{"first", "by hand"} {
		r := b.Claim(lane.ID, 10).Ready[0]
		ok, err := b.DB.Settle(b.Context(), []signalbox.Settlement{{
			Delivery: r.ID, Workspace: b.WS, Webhook: lane.ID, Lease: r.Lease, State: signalbox.Skipped, Reason: signalbox.ReasonNoMail, DueAt: b.Now, EventName: r.EventName,
		}})
		b.Must(err)
		v := b.Delivery(r.ID)
		if !ok[0] || v.State != signalbox.Skipped || v.Reason != signalbox.ReasonNoMail || v.Attempts != 0 || v.Manual != nil || !v.DoneAt.Equal(b.Now) || !v.DueAt.IsZero() || len(v.Log) != 0 {
			b.Fatalf("%s: %+v", when, v)
		}
		if h := b.health(lane); h.Day.Failed != 0 || h.Day.Delivered != 0 || h.Pending.N != 0 {
			b.Fatalf("%s: counted %+v", when, h)
		}
		if when == "first" {
			_, err := b.DB.RetryDelivery(b.Context(), b.WS, sent.Deliveries[0], b.Now)
			b.Must(err)
		}
	}
}

// A lane is no webhook that anybody lists, and is told of all the same.
func laneTold(b *Box) {
	_, lane := b.NewAutomation("Notify")
	b.Send(Sent{To: []signalbox.Webhook{lane}, Request: webhookRequest(), Body: `{}`})
	r := b.Claim(lane.ID, 10).Ready[0]
	ok, err := b.DB.Settle(b.Context(), []signalbox.Settlement{{
		Delivery: r.ID, Workspace: b.WS, Webhook: lane.ID, Lease: r.Lease, State: signalbox.Failed, Reason: "http_404", Attempts: 1, EventName: r.EventName,
		Attempt: &signalbox.Attempt{ID: signalbox.AttemptID(b.ID()), Workspace: b.WS, Delivery: r.ID, At: b.Now, StatusCode: 404, Error: "no"},
	}})
	b.Must(err)
	told, _ := b.telling(func(signalbox.Told, func() int64) signalbox.Telling { return signalbox.Telling{} })
	if !ok[0] || len(told) != 1 || told[0].Kind != signalbox.NoticeFailed || told[0].About == nil || told[0].About.Label != "Notify" {
		b.Fatalf("told %+v", told)
	}
	if b.healthDue(lane.ID).IsZero() {
		b.Fatal("nobody looks at how it fares")
	}
}
