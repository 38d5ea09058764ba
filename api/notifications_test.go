package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"signalbox"
)

// hotAccount is a notification that goes to Slack.
const hotAccount = `{"name":"Hot account","type":"score_threshold","entity_type":"account","threshold":85,"direction":"above","destinations":[{"type":"slack","webhook_url":"https://hooks.slack.com/services/T0000/B0000/abcdefgh1234"}]}`

// proves S2-16…S2-18, S2-21 and contract section 11
func TestNotifications_AreMadeReadChangedAndDeleted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		hook := b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/s","format":"staircase"}`).text("id")
		made := b.do(http.StatusCreated, "POST", "/v1/notifications", `{"name":"Account personnel change","type":"signal","signal_type":"account_personnel_change","account_filter":{"field":"account.status","operator":"equals","value":"active"},"destinations":[{"type":"webhook","webhook_id":"`+hook+`"},{"type":"slack","webhook_url":"https://hooks.slack.com/services/T0000/B0000/abcdefgh1234"},{"type":"email","to":"success@example.com"}]}`)
		made.same(map[string]any{
			"data.name": "Account personnel change", "data.type": "signal", "data.enabled": true, "data.signal_type": "account_personnel_change", "data.source": nil,
			"data.account_filter": `account.status == "active"`, "data.destinations.0.type": "webhook", "data.destinations.0.webhook_id": hook,
			"data.destinations.1.webhook_url": "https://hooks.slack.com/…1234", "data.destinations.2.to": "success@example.com", "data.destinations.2.webhook_id": nil, "data.revision": 1,
		})
		id := made.text("data.id")
		path := "/v1/notifications/" + id
		if !strings.HasPrefix(id, "auto_") || strings.Contains(string(made.body), "abcdefgh") {
			b.Errorf("answered %s", made.body)
		}
		b.send(b.admin, "GET", "/v1/automations/"+id, "").refuses(http.StatusNotFound, "automation_not_found", "", "")
		b.send(b.admin, "DELETE", "/v1/automations/"+id, "").refuses(http.StatusNotFound, "automation_not_found", "", "")

		b.do(http.StatusOK, "PATCH", path, `{"source":"gong","account_filter":null,"revision":1}`).same(map[string]any{
			"data.signal_type": "account_personnel_change", "data.source": "gong", "data.account_filter": nil, "data.revision": 2,
		})
		b.do(http.StatusOK, "PATCH", path, `{"source":null}`).same(map[string]any{"data.source": nil, "data.revision": 3})
		b.send(b.admin, "PATCH", path, `{"name":"x","revision":2}`).refuses(http.StatusConflict, "conflict", "", "at revision 3, not 2")
		b.do(http.StatusOK, "PATCH", path, `{"type":"stage","entity_type":"contact","stage":"Hot","destinations":[{"type":"slack","webhook_url":"https://hooks.slack.com/…1234"}]}`).same(map[string]any{
			"data.type": "stage", "data.signal_type": nil, "data.entity_type": "contact", "data.stage": "Hot", "data.destinations.0.webhook_url": "https://hooks.slack.com/…1234",
			"data.destinations.1": nil,
		})
		if kept := b.stored(id).Notification.Destinations[0].WebhookURL; kept != "https://hooks.slack.com/services/T0000/B0000/abcdefgh1234" {
			b.Errorf("kept %s", kept)
		}
		b.do(http.StatusOK, "PATCH", path, `{"stage":"Warm"}`).same(map[string]any{"data.type": "stage", "data.entity_type": "contact", "data.stage": "Warm"})
		b.do(http.StatusOK, "PATCH", path, `{"type":"stage","stage":null}`).same(map[string]any{"data.entity_type": "contact", "data.stage": nil})

		b.do(http.StatusOK, "POST", path+"/disable", "").same(map[string]any{"data.enabled": false})
		b.do(http.StatusOK, "POST", path+"/enable", "").same(map[string]any{"data.enabled": true})
		b.do(http.StatusNoContent, "DELETE", path, "")
		b.send(b.admin, "GET", path, "").refuses(http.StatusNotFound, "notification_not_found", "", "no such notification")
		told := b.do(http.StatusOK, "GET", "/v1/audit-log?subject="+id, "")
		told.same(map[string]any{"data.0.action": "automation.deleted", "data.0.subject.name": "Account personnel change", "data.0.before.type": "stage"})
		if strings.Contains(string(told.body), "abcdefgh") {
			b.Errorf("told %s", told.body)
		}
	})
}

func TestNotifications_RefuseWhatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	hook := b.do(http.StatusCreated, "POST", "/v1/webhooks", push).text("id")
	id := b.do(http.StatusCreated, "POST", "/v1/notifications", hotAccount).text("data.id")
	before := fmt.Sprint(*b.stored(id).Notification)
	const mail = `"destinations":[{"type":"email","to":"a@x.com"}]`
	goes := func(destination string) string {
		return `{"name":"n","type":"signal","signal_type":"renewal","destinations":[` + destination + `]}`
	}
	for name, c := range map[string]struct{ body, param, text string }{
		"a name of blanks":           {`{"name":" ","type":"signal","signal_type":"renewal",` + mail + `}`, "name", "1 to 200"},
		"another type":               {`{"name":"n","type":"qualified",` + mail + `}`, "type", "signal, record_changed"},
		"a field of another type":    {`{"name":"n","type":"signal","signal_type":"renewal","threshold":3,` + mail + `}`, "threshold", "has no threshold"},
		"no signal type":             {`{"name":"n","type":"signal",` + mail + `}`, "signal_type", "1 to 200"},
		"whose score":                {`{"name":"n","type":"score_threshold","threshold":3,"direction":"above","entity_type":"",` + mail + `}`, "entity_type", "account or contact"},
		"a threshold of 0":           {`{"name":"n","type":"score_threshold","entity_type":"account","threshold":0,"direction":"above",` + mail + `}`, "threshold", "from 1"},
		"no such stage":              {`{"name":"n","type":"stage","entity_type":"account","stage":"Boiling",` + mail + `}`, "stage", "Cool"},
		"no such audience":           {`{"name":"n","type":"audience","on":"leave","audience_id":"` + b.codec.Format(signalbox.KindAudience, 7) + `",` + mail + `}`, "audience_id", "no such audience"},
		"no audience":                {`{"name":"n","type":"audience","on":"leave","audience_id":"x",` + mail + `}`, "audience_id", "name an audience"},
		"no record type":             {`{"name":"n","type":"record_changed",` + mail + `}`, "record_type", "1 to 200"},
		"a filter that is none":      {`{"name":"n","type":"signal","signal_type":"renewal","account_filter":"account.score",` + mail + `}`, "account_filter", ""},
		"no destinations":            {`{"name":"n","type":"signal","signal_type":"renewal","destinations":[]}`, "destinations", "1 to 10"},
		"too many destinations":      {goes(strings.Repeat(`{},`, 10) + `{}`), "destinations", "there are 11"},
		"another destination":        {goes(`{"type":"sms"}`), "destinations[0].type", "webhook, slack or email"},
		"a destination by its name":  {goes(`{"type":"notify","webhook_id":"` + hook + `"}`), "destinations[0].type", "webhook, slack or email"},
		"no webhook":                 {goes(`{"type":"webhook"}`), "destinations[0].webhook_id", "required"},
		"a webhook of another form":  {goes(`{"type":"webhook","webhook_id":"` + hook + `"}`), "destinations[0].webhook_id", "staircase"},
		"a webhook nobody has":       {goes(`{"type":"webhook","webhook_id":"wh_x"}`), "destinations[0].webhook_id", "no such webhook"},
		"a field of another one":     {goes(`{"type":"email","to":"a@x.com","webhook_id":"` + hook + `"}`), "destinations[0].webhook_id", "has to alone"},
		"no address":                 {goes(`{"type":"email","to":"nobody"}`), "destinations[0].to", "one e-mail address"},
		"a host that is not Slack's": {goes(`{"type":"email","to":"a@x.com"},{"type":"slack","webhook_url":"https://evil.example.com/x"}`), "destinations[1].webhook_url", "hooks.slack.com"},
		"a masked address":           {goes(`{"type":"slack","webhook_url":"https://hooks.slack.com/…9999"}`), "destinations[0].webhook_url", "give it whole"},
		"a field that is not there":  {`{"name":"n","type":"signal","signal_type":"renewal","filter":"x",` + mail + `}`, "filter", "unknown"},
	} {
		t.Log(name)
		b.send(b.admin, "POST", "/v1/notifications", c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.text)
		if name != "whose score" { // the one that is changed has that already
			b.send(b.admin, "PATCH", "/v1/notifications/"+id, c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.text)
		}
	}
	for body, param := range map[string]string{`{"name":"n",` + mail + `}`: "type", `{"name":"n","type":"signal","signal_type":"x"}`: "destinations", `{"type":"signal","signal_type":"x",` + mail + `}`: "name"} {
		b.send(b.admin, "POST", "/v1/notifications", body).refuses(http.StatusBadRequest, "validation_error", param, "")
	}
	if after := fmt.Sprint(*b.stored(id).Notification); after != before {
		t.Errorf("it changed from %s to %s", before, after)
	}
	if list := b.do(http.StatusOK, "GET", "/v1/notifications", ""); list.at("meta.total").(json.Number) != "1" {
		t.Errorf("refused ones are there: %s", list.body)
	}
}

// proves S2-21, V-22
func TestNotificationTypes_AreThoseThatAreShipped(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	list := b.do(http.StatusOK, "GET", "/v1/notification-types", "")
	if n := len(list.at("data").([]any)); n != 13 {
		t.Errorf("%d types", n)
	}
	list.same(map[string]any{"data.0.name": "account_personnel_change", "data.0.label": "Account personnel change"})
}
