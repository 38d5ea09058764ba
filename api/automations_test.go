package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"signalbox"
	"signalbox/api"
	"signalbox/deliver"
	"signalbox/seal"
)

// onTrial is an automation with a webhook action (S0-7).
const onTrial = `{"name":"High-intent trial → notify sales","type":"outgoing","trigger":{"type":"signal_received","signal_type":"product_trial_started"},"action":{"type":"webhook","config":{"url":"https://hooks.example.com/sales"}}}`

// lane reads what an automation sends through.
func (b *box) lane(id string) (signalbox.Webhook, error) {
	b.Helper()
	return b.db.Webhook(b.Context(), b.ws, signalbox.WebhookID(automationOf(b, id)))
}

func automationOf(b *box, id string) signalbox.AutomationID {
	b.Helper()
	n, ok := b.codec.Parse(signalbox.KindAutomation, id)
	if !ok {
		b.Fatalf("%q is no automation's id", id)
	}
	return signalbox.AutomationID(n)
}

// stored reads an automation or a notification as it is kept.
func (b *box) stored(id string) signalbox.Automation {
	b.Helper()
	d, err := b.db.Definitions(b.Context(), b.ws)
	if err != nil {
		b.Fatal(err)
	}
	one := d.Automation(automationOf(b, id))
	if one == nil {
		b.Fatalf("%s is not kept", id)
	}
	return *one
}

// same checks what an answer holds by path.
func (a answer) same(want map[string]any) {
	a.Helper()
	for path, value := range want {
		if got := a.at(path); fmt.Sprint(got) != fmt.Sprint(value) {
			a.Errorf("%s is %v, want %v: %s", path, got, value, a.body)
		}
	}
}

// proves V-6, S0-7, S0-41, S0-42: disabled by default, trigger and action replaced whole, the secret shown once and kept
func TestAutomations_AreMadeReadChangedAndDeleted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		made := b.do(http.StatusCreated, "POST", "/v1/automations", onTrial)
		id, secret := made.text("id"), made.text("secret")
		made.same(map[string]any{
			"name": "High-intent trial → notify sales", "type": "outgoing", "enabled": false, "trigger.type": "signal_received", "trigger.signal_type": "product_trial_started",
			"conditions.0": nil, "frequency.mode": "every", "delay": nil, "per_hour": 1000, "action.type": "webhook", "action.config.url": "https://hooks.example.com/sales",
			"action.config.method": "POST", "actions.0.config.url": "https://hooks.example.com/sales", "actions.1": nil, "revision": 1,
		})
		if !strings.HasPrefix(id, "auto_") || !strings.HasPrefix(secret, "whsec_") || !strings.HasPrefix(made.text("webhook_id"), "wh_") || made.at("data") != nil {
			b.Errorf("answered %s", made.body)
		}
		lane, err := b.lane(id)
		if err != nil {
			b.Fatal(err)
		}
		opened, err := b.sealed.Open(seal.Bind{Workspace: int64(b.ws), Row: int64(lane.ID), Kind: deliver.SecretKind}, lane.SealedSecret)
		if err != nil || string(opened) != secret || lane.Kind != signalbox.KindAction || lane.SignatureFormat != signalbox.SignaturePrefixed || len(lane.Events) > 0 || !lane.Enabled {
			b.Errorf("the lane is %+v, its secret %q (%v)", lane, opened, err)
		}

		path := "/v1/automations/" + id
		changed := b.do(http.StatusOK, "PATCH", path, `{"trigger":{"event":"account.stage_changed","conditions":["account.score >= 40"]},"conditions":[{"field":"account.attributes.plan","operator":"in","value":["pro","team"]}],"frequency":{"mode":"cooldown","duration":"168h","per":"account"},"delay":"60m","per_hour":5,"revision":1}`)
		changed.same(map[string]any{
			"trigger.type": "event", "trigger.event": "account.stage_changed", "trigger.conditions.0": "account.score >= 40", "trigger.signal_type": nil,
			"conditions.0": `account.attributes.plan in ["pro", "team"]`, "frequency.mode": "cooldown", "frequency.duration": "7d", "frequency.per": "account", "delay": "1h",
			"per_hour": 5, "revision": 2, "secret": nil, "action.config.url": "https://hooks.example.com/sales",
		})
		b.send(b.admin, "PATCH", path, `{"name":"x","revision":1}`).refuses(http.StatusConflict, "conflict", "", "at revision 2, not 1")
		same := b.do(http.StatusOK, "PATCH", path, `{"per_hour":5,"revision":2}`)
		same.same(map[string]any{"revision": 2})
		replaced := b.do(http.StatusOK, "PATCH", path, `{"actions":[{"type":"slack","config":{"webhook_url":"https://hooks.slack.com/services/T0000/B0000/abcdefgh1234","text":"{{ account.name }}"}},{"type":"webhook","config":{"url":"https://other.example.com/{{ account.domain }}","method":"PUT","body":{"a":"<{{ account.score }}>"}}}],"conditions":null,"delay":null}`)
		replaced.same(map[string]any{
			"action": nil, "actions.0.config.webhook_url": "https://hooks.slack.com/…1234", "actions.0.config.text": "{{ account.name }}", "actions.1.config.method": "PUT",
			"actions.1.config.body.a": "<{{ account.score }}>", "conditions.0": nil, "delay": nil, "secret": nil,
		})
		if again := b.do(http.StatusOK, "GET", path, ""); fmt.Sprint(again.at("actions")) != fmt.Sprint(replaced.at("actions")) || strings.Contains(string(again.body), "abcdefgh") {
			b.Errorf("read again it is %s", again.body)
		}
		kept, err := b.lane(id)
		if err != nil || string(kept.SealedSecret) != string(lane.SealedSecret) {
			b.Errorf("the secret was not kept: %v", err)
		}

		if on := b.do(http.StatusOK, "POST", path+"/enable", ""); on.at("enabled") != true || !b.stored(id).Enabled {
			b.Errorf("enabled it is %s", on.body)
		}
		if off := b.do(http.StatusOK, "POST", path+"/disable", "{}"); off.at("enabled") != false || b.stored(id).Enabled {
			b.Errorf("disabled it is %s", off.body)
		}
		b.do(http.StatusNoContent, "DELETE", path, "")
		b.send(b.admin, "GET", path, "").refuses(http.StatusNotFound, "automation_not_found", "", "no such automation")
		b.send(b.admin, "PATCH", path, `{"name":"x"}`).refuses(http.StatusNotFound, "automation_not_found", "", "")
		if _, err := b.lane(id); signalbox.CodeOf(err) != signalbox.NotFound {
			b.Errorf("what it sent through stays: %v", err)
		}
		told := b.do(http.StatusOK, "GET", "/v1/audit-log?subject="+id, "")
		told.same(map[string]any{
			"data.0.action": "automation.deleted", "data.0.subject.name": "High-intent trial → notify sales", "data.0.subject.id": id, "data.1.before.enabled": true,
			"data.1.after.enabled": false, "data.3.after.actions.0.config.webhook_url": "https://hooks.slack.com/…1234", "data.4.before.per_hour": 1000, "data.4.after.per_hour": 5,
			"data.4.before.name": nil, "data.5.action": "automation.created", "data.6": nil,
		})
		if strings.Contains(string(told.body), "abcdefgh") || strings.Contains(string(told.body), secret) {
			b.Errorf("the audit log tells a secret: %s", told.body)
		}
	})
}

// proves contract section 10: header values are write-only and sealed
func TestAutomations_HeaderValuesAreSealedAndStayWhereTheyWereSent(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	action := func(url, headers string) string {
		return `"action":{"type":"webhook","config":{"url":"` + url + `","headers":` + headers + `}}`
	}
	made := b.do(http.StatusCreated, "POST", "/v1/automations", `{"name":"a","trigger":{"type":"stage","entity_type":"account"},`+action("https://a.example.com/x", `{"X-Key":"hush-hush","X-App":"crm"}`)+`}`)
	id := made.text("id")
	sealedNow := func() map[string]string {
		values := map[string]string{}
		for _, h := range b.stored(id).Actions[0].Headers {
			plain, err := b.sealed.Open(seal.Bind{Workspace: int64(b.ws), Row: int64(automationOf(b, id)), Kind: deliver.HeadersKind}, h.Sealed)
			if err != nil {
				t.Fatal(err)
			}
			values[h.Name] = string(plain)
		}
		return values
	}
	if got := fmt.Sprint(sealedNow()); got != "map[X-App:crm X-Key:hush-hush]" || strings.Contains(string(made.body), "hush") {
		t.Errorf("sealed %s, answered %s", got, made.body)
	}
	if shown := fmt.Sprint(made.at("action.config.headers")); shown != "map[X-App:<nil> X-Key:<nil>]" {
		t.Errorf("shown as %s", shown)
	}
	path := "/v1/automations/" + id
	shown := b.do(http.StatusOK, "GET", path, "")
	action2, err := json.Marshal(shown.at("action"))
	if err != nil {
		t.Fatal(err)
	}
	b.do(http.StatusOK, "PATCH", path, `{"action":`+string(action2)+`}`) // what is shown can be sent back
	b.do(http.StatusOK, "PATCH", path, `{`+action("https://a.example.com/y/{{ account.domain }}", `{"X-Key":null,"X-App":"erp"}`)+`}`)
	if got := fmt.Sprint(sealedNow()); got != "map[X-App:erp X-Key:hush-hush]" {
		t.Errorf("kept %s", got)
	}
	for _, elsewhere := range []string{"https://evil.example.com/x", "http://a.example.com/x", "https://a.example.com:8443/x"} {
		b.send(b.admin, "PATCH", path, `{`+action(elsewhere, `{"X-Key":null}`)+`}`).
			refuses(http.StatusBadRequest, "validation_error", "action.config.headers", `no value of "X-Key" to keep`)
	}
	b.send(b.admin, "PATCH", path, `{`+action("https://a.example.com/x", `{"X-Other":null}`)+`}`).refuses(http.StatusBadRequest, "validation_error", "action.config.headers", `"X-Other"`)
	b.do(http.StatusOK, "PATCH", path, `{"action":{"type":"webhook","config":{"url":"https://a.example.com/x"}}}`)
	if got := sealedNow(); len(got) != 0 {
		t.Errorf("what is replaced whole keeps %v", got)
	}
	told := b.do(http.StatusOK, "GET", "/v1/audit-log?subject="+id, "")
	if told.text("data.1.after.hidden_values") != "[changed]" || strings.Contains(string(told.body), "hush") {
		t.Errorf("told %s", told.body)
	}
}

func TestAutomations_TheMaskedAddressOfSlackKeepsTheOneThatThereIs(t *testing.T) {
	t.Parallel()
	b := newBox(t, func(c *api.Config) { c.SlackHosts = []string{"chat.example.com"} })
	slack := func(url, text string) string {
		return `"action":{"type":"slack","config":{"webhook_url":"` + url + `","text":"` + text + `"}}`
	}
	const whole = "https://hooks.slack.com/services/T0000/B0000/abcdefgh1234"
	made := b.do(http.StatusCreated, "POST", "/v1/automations", `{"name":"a","trigger":{"type":"qualified"},`+slack(whole, "x")+`}`)
	id := made.text("id")
	b.do(http.StatusOK, "PATCH", "/v1/automations/"+id, `{`+slack(made.text("action.config.webhook_url"), "y")+`}`)
	if got := b.stored(id).Actions[0]; got.WebhookURL != whole || got.Text != "y" {
		t.Errorf("kept %+v", got)
	}
	for _, bad := range []string{"https://hooks.slack.com/…9999", "https://chat.example.com/…1234"} {
		b.send(b.admin, "PATCH", "/v1/automations/"+id, `{`+slack(bad, "z")+`}`).refuses(http.StatusBadRequest, "validation_error", "action.config.webhook_url", "give it whole")
	}
	b.send(b.admin, "POST", "/v1/automations", `{"name":"b","trigger":{"type":"qualified"},`+slack("https://hooks.slack.com/…1234", "x")+`}`).
		refuses(http.StatusBadRequest, "validation_error", "action.config.webhook_url", "give it whole")
	short := b.do(http.StatusOK, "PATCH", "/v1/automations/"+id, `{`+slack("https://chat.example.com/hooks/short1", "x")+`}`)
	if got := short.text("action.config.webhook_url"); got != "https://chat.example.com/…" {
		t.Errorf("a short address is shown as %s", got)
	}
}

// refusal is a body that is refused: for which field, saying what.
type refusal struct{ body, param, text string }

// A trigger and an action that are right, and bodies with another one.
const (
	goodTrigger = `{"type":"signal_received","signal_type":"t"}`
	goodAction  = `{"type":"webhook","config":{"url":"https://hooks.example.com/x"}}`
)

func automationBody(trigger, action, more string) string {
	return `{"name":"x","trigger":` + trigger + `,"action":` + action + more + `}`
}

// badTriggers, badPaces and badActions are all that the checks refuse.
func badTriggers(b *box) map[string]refusal {
	on := func(trigger string) string { return automationBody(trigger, goodAction, "") }
	with := func(more string) string { return automationBody(goodTrigger, goodAction, ","+more) }
	return map[string]refusal{
		"a name of blanks":              {strings.Replace(on(goodTrigger), `"x"`, `" "`, 1), "name", "1 to 200"},
		"a name too long":               {strings.Replace(on(goodTrigger), `"x"`, `"`+strings.Repeat("x", 201)+`"`, 1), "name", "1 to 200"},
		"incoming":                      {`{"name":"x","type":"incoming","trigger":{"method":"webhook","mapping":{}}}`, "type", "not there yet"},
		"another type":                  {with(`"type":"both"`), "type", "outgoing"},
		"an unknown trigger":            {on(`{"type":"signal_recieved","signal_type":"t"}`), "trigger.type", `did you mean "signal_received"`},
		"a trigger without a type":      {on(`{"signal_type":"t"}`), "trigger.type", "one of"},
		"a field of another trigger":    {on(`{"type":"signal_received","signal_type":"t","threshold":3}`), "trigger.threshold", "has no threshold"},
		"no signal type":                {on(`{"type":"signal_received"}`), "trigger.signal_type", "1 to 200"},
		"no property":                   {on(`{"type":"signal_property_match","operator":"equals","property_value":1}`), "trigger.property_key", "1 to 200"},
		"an unknown operator":           {on(`{"type":"signal_property_match","property_key":"p","operator":"is","property_value":1}`), "trigger.operator", "equals"},
		"no value":                      {on(`{"type":"signal_property_match","property_key":"p","operator":"equals"}`), "trigger.property_value", "required"},
		"whose score":                   {on(`{"type":"score_threshold","threshold":3,"direction":"above"}`), "trigger.entity_type", "account or contact"},
		"whose score, a word":           {on(`{"type":"score_threshold","entity_type":"lead","threshold":3,"direction":"above"}`), "trigger.entity_type", "account or contact"},
		"a threshold of 0":              {on(`{"type":"score_threshold","entity_type":"account","threshold":0,"direction":"above"}`), "trigger.threshold", "from 1"},
		"another direction":             {on(`{"type":"score_threshold","entity_type":"account","threshold":3,"direction":"up"}`), "trigger.direction", "above or below"},
		"an audience that is not there": {on(`{"type":"audience","audience_id":"aud_x","on":"enter"}`), "trigger.audience_id", "name an audience"},
		"no move":                       {on(`{"type":"audience","audience_id":"` + b.codec.Format(signalbox.KindAudience, 7) + `"}`), "trigger.on", "enter or leave"},
		"an audience nobody knows":      {on(`{"type":"audience","on":"enter","audience_id":"` + b.codec.Format(signalbox.KindAudience, 7) + `"}`), "trigger.audience_id", "no such audience"},
		"an ICP that is not there":      {on(`{"type":"qualified","icp_code":"X"}`), "trigger.icp_code", "no ICP"},
		"a persona that is not there":   {on(`{"type":"qualified","persona_code":"X"}`), "trigger.persona_code", "no persona"},
		"a stage that is not there":     {on(`{"type":"stage","entity_type":"account","stage":"Boiling"}`), "trigger.stage", "Cool, Warm"},
		"no record type":                {on(`{"type":"record_changed"}`), "trigger.record_type", "1 to 200"},
		"another change":                {on(`{"type":"record_changed","record_type":"employees","change":"moved"}`), "trigger.change", "created, updated or deleted"},
		"an unknown event":              {on(`{"event":"signal.create"}`), "trigger.event", `did you mean "signal.created"`},
		"an event of webhooks":          {on(`{"event":"webhook.failing"}`), "trigger.event", "for ever"},
	}
}

func badPaces() map[string]refusal {
	on := func(trigger string) string { return automationBody(trigger, goodAction, "") }
	with := func(more string) string { return automationBody(goodTrigger, goodAction, ","+more) }
	return map[string]refusal{
		"a condition that is none":    {with(`"conditions":["account.score"]`), "conditions[0]", ""},
		"a slip in a condition":       {with(`"conditions":["account.score > 1","acount.score > 1"]`), "conditions[1]", "account"},
		"a condition that is empty":   {with(`"conditions":[""]`), "conditions[0]", "is empty"},
		"a number as condition":       {with(`"conditions":[1]`), "conditions[0]", "in quotes"},
		"a structured operator":       {with(`"conditions":[{"all":[{"field":"account.score","operator":"over","value":1}]}]`), "conditions[0].all[0].operator", "greater_than"},
		"a condition of the event":    {on(`{"event":"signal.created","conditions":["signal.type = 't'"]}`), "trigger.conditions[0]", "=="},
		"too many conditions":         {with(`"conditions":[` + strings.Repeat(`"account.score > 1",`, 20) + `"account.score > 1"]`), "conditions", "the most is 20"},
		"another mode":                {with(`"frequency":{"mode":"daily"}`), "frequency.mode", "cooldown"},
		"a cooldown without duration": {with(`"frequency":{"mode":"cooldown","per":"account"}`), "frequency.duration", "1m to 365d"},
		"a cooldown of words":         {with(`"frequency":{"mode":"cooldown","duration":"a week","per":"account"}`), "frequency.duration", "as in 90m or 7d"},
		"a cooldown of nobody":        {with(`"frequency":{"mode":"cooldown","duration":"7d"}`), "frequency.per", "contact or account"},
		"a cooldown of a lead":        {with(`"frequency":{"mode":"cooldown","duration":"7d","per":"lead"}`), "frequency.per", "contact or account"},
		"a duration of another mode":  {with(`"frequency":{"mode":"every","duration":"7d"}`), "frequency", "only the mode cooldown"},
		"a delay too long":            {with(`"delay":"31d"`), "delay", "up to 30d"},
		"a delay of words":            {with(`"delay":"1 hour"`), "delay", "is no duration"},
		"a delay below nothing":       {with(`"delay":"-1h"`), "delay", "is no duration"},
		"a delay of a fraction":       {with(`"delay":"1.5h"`), "delay", "is no duration"},
		"a delay beyond all":          {with(`"delay":"999999999999d"`), "delay", "is no duration"},
		"no runs in an hour":          {with(`"per_hour":0`), "per_hour", "from 1"},
		"too many runs in an hour":    {with(`"per_hour":100001`), "per_hour", "100,000"},
	}
}

func badActions() map[string]refusal {
	does := func(action string) string { return automationBody(goodTrigger, action, "") }
	with := func(more string) string { return automationBody(goodTrigger, goodAction, ","+more) }
	return map[string]refusal{
		"action and actions":            {with(`"actions":[` + goodAction + `]`), "actions", "either"},
		"no action at all":              {`{"name":"x","trigger":` + goodTrigger + `,"actions":[]}`, "actions", "1 to 10"},
		"too many actions":              {`{"name":"x","trigger":` + goodTrigger + `,"actions":[` + strings.Repeat(goodAction+",", 10) + goodAction + `]}`, "actions", "there are 11"},
		"an unknown action":             {does(`{"type":"sms","config":{}}`), "action.type", "unknown action"},
		"an action of notifications":    {does(`{"type":"notify","config":{}}`), "action.type", "unknown action"},
		"no config":                     {does(`{"type":"webhook"}`), "action.config.url", "1 to 2048"},
		"a field of another action":     {does(`{"type":"email","config":{"url":"https://x.example.com/"}}`), "action.config.url", "has no url"},
		"an expression in the host":     {does(`{"type":"webhook","config":{"url":"https://{{ account.domain }}/x"}}`), "action.config.url", "host"},
		"a target that is private":      {does(`{"type":"webhook","config":{"url":"https://10.0.0.1/x"}}`), "action.config.url", "--allow-target"},
		"http":                          {does(`{"type":"webhook","config":{"url":"http://hooks.example.com/x"}}`), "action.config.url", "https"},
		"another method":                {does(`{"type":"webhook","config":{"url":"https://x.example.com/","method":"GET"}}`), "action.config.method", "POST, PUT or PATCH"},
		"a header of the protocol":      {does(`{"type":"webhook","config":{"url":"https://x.example.com/","headers":{"Host":"x"}}}`), "action.config.headers", "Host"},
		"the key of the request":        {does(`{"type":"webhook","config":{"url":"https://x.example.com/","headers":{"Idempotency-Key":"x"}}}`), "action.config.headers", "Idempotency-Key"},
		"a header twice":                {does(`{"type":"webhook","config":{"url":"https://x.example.com/","headers":{"X-a":"1","x-A":"2"}}}`), "action.config.headers", "twice"},
		"a template that is wrong":      {does(`{"type":"webhook","config":{"url":"https://x.example.com/","body":{"a":["{{ account. }}"]}}}`), "action.config.body", "a[0]"},
		"a host that is not Slack's":    {does(`{"type":"slack","config":{"webhook_url":"https://slack.example.com/x","text":"t"}}`), "action.config.webhook_url", "hooks.slack.com"},
		"no text":                       {does(`{"type":"slack","config":{"webhook_url":"https://hooks.slack.com/services/x"}}`), "action.config.text", "required"},
		"blocks that are none":          {does(`{"type":"slack","config":{"webhook_url":"https://hooks.slack.com/services/x","text":"t","blocks":[]}}`), "action.config.blocks", "1 to 50"},
		"two recipients":                {does(`{"type":"email","config":{"to":"a@x.com, b@x.com","subject":"s","text":"t"}}`), "action.config.to", "one e-mail address"},
		"an expression as recipient":    {does(`{"type":"email","config":{"to":"{{ contact.email }}","subject":"s","text":"t"}}`), "action.config.to", "no expression"},
		"no subject":                    {does(`{"type":"email","config":{"to":"a@x.com","text":"t"}}`), "action.config.subject", "required"},
		"nothing to update":             {does(`{"type":"update","config":{"entity":"account"}}`), "action.config.attributes", "nothing to update"},
		"an update of nobody":           {does(`{"type":"update","config":{"attributes":{"a":1}}}`), "action.config.entity", "account or contact"},
		"attributes that are none":      {does(`{"type":"update","config":{"entity":"account","attributes":[1]}}`), "action.config.attributes", "object"},
		"a contact's status":            {does(`{"type":"update","config":{"entity":"contact","status":"x"}}`), "action.config.status", "a contact has none"},
		"a signal without a type":       {does(`{"type":"signal","config":{"properties":{}}}`), "action.config.type", "1 to 200"},
		"a signal that starts it again": {does(`{"type":"signal","config":{"type":"t"}}`), "action.config.type", "start this automation again"},
		"the second of several":         {`{"name":"x","trigger":` + goodTrigger + `,"actions":[` + goodAction + `,{"type":"email","config":{"to":"x","subject":"s","text":"t"}}]}`, "actions[1].config.to", "actions[1].config.to must be one"},
		"a field that is not there":     {with(`"freqency":{}`), "freqency", "unknown"},
	}
}

// proves contract section 10: each of the checks' refusals names its field, and nothing changes
func TestAutomations_RefuseWhatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	id := b.do(http.StatusCreated, "POST", "/v1/automations", onTrial).text("id")
	before := fmt.Sprint(b.stored(id))
	all := badTriggers(b)
	maps.Copy(all, badPaces())
	maps.Copy(all, badActions())
	for name, c := range all {
		t.Log(name)
		b.send(b.admin, "POST", "/v1/automations", c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.text)
		if name != "incoming" {
			b.send(b.admin, "PATCH", "/v1/automations/"+id, c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.text)
		}
	}
	for body, param := range map[string]string{`{"trigger":` + goodTrigger + `,"action":` + goodAction + `}`: "name", `{"name":"x","action":` + goodAction + `}`: "trigger", `{"name":"x","trigger":` + goodTrigger + `}`: "action"} {
		b.send(b.admin, "POST", "/v1/automations", body).refuses(http.StatusBadRequest, "validation_error", param, "")
	}
	if after := fmt.Sprint(b.stored(id)); after != before {
		t.Errorf("it changed from %s to %s", before, after)
	}
	if list := b.do(http.StatusOK, "GET", "/v1/automations", ""); list.at("total").(json.Number) != "1" {
		t.Errorf("refused ones are there: %s", list.body)
	}
	if told := b.do(http.StatusOK, "GET", "/v1/audit-log?action=automation", ""); told.at("data.1") != nil {
		t.Errorf("refusals are told of: %s", told.body)
	}
}

// TestAutomations_WhatIsShownSentBackChangesNothing: neither what is shown in another form than it was given nor what is not shown.
func TestAutomations_WhatIsShownSentBackChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	var bodies []string
	for _, r := range b.api.Table() {
		if r.ID == "createAutomation" || r.ID == "createNotification" {
			for _, body := range r.Examples {
				bodies = append(bodies, r.Pattern, mergeable(b, r, nil, body))
			}
		}
	}
	for i := 0; i < len(bodies); i += 2 {
		var shown map[string]any
		made := b.do(http.StatusCreated, "POST", bodies[i], bodies[i+1])
		if err := json.Unmarshal(made.body, &shown); err != nil {
			t.Fatal(err)
		}
		if data, wrapped := shown["data"].(map[string]any); wrapped {
			shown = data
		}
		path := bodies[i] + "/" + shown["id"].(string)
		for _, name := range []string{"id", "action", "webhook_id", "created_at", "updated_at", "secret", "per_hour"} { // of actions, which are all of them, action is a part
			delete(shown, name)
		}
		back, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.do(http.StatusOK, "PATCH", path, string(back)); !strings.Contains(string(got.body), `"revision":1,`) {
			t.Errorf("sent back as %s it is %s", back, got.body)
		}
	}
}
