package automate_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/automate"
	"signalbox/egress"
	"signalbox/expr"
	"signalbox/wire"
)

// options know a workspace with an audience, an ICP, a persona and two webhooks.
func options() automate.Options {
	return automate.Options{CheckHeaders: egress.ValidateHeaders, SlackHosts: []string{"127.0.0.1:9000"}, Definitions: &signalbox.Definitions{
		Audiences: []signalbox.Audience{{ID: 5, Name: "Ready"}},
		ICPs:      []signalbox.Profile{{Code: "Mid-market SaaS"}},
		Personas:  []signalbox.Profile{{Code: "VP Engineering"}},
		Webhooks:  []signalbox.Webhook{{ID: 41, Format: signalbox.FormatStaircase}, {ID: 42, Format: signalbox.FormatStairoids}},
	}}
}

func slack() signalbox.Action {
	return signalbox.Action{Type: signalbox.ActSlack, WebhookURL: "https://hooks.slack.com/services/T/B/x", Text: "{{ account.name }} is hot"}
}

func email() signalbox.Action {
	return signalbox.Action{Type: signalbox.ActEmail, To: "sales@acme.com", Subject: "{{ account.name }}", Text: "Look at {{ account.domain }}"}
}

func update() signalbox.Action {
	return signalbox.Action{Type: signalbox.ActUpdate, Entity: accounts, Attributes: []byte(`{"plan":"{{ properties.plan }}"}`)}
}

func emit(typ string) signalbox.Action {
	return signalbox.Action{Type: signalbox.ActSignal, SignalType: typ, Properties: []byte(`{"from":"{{ signal.type }}"}`)}
}

func TestCheck_TakesWhatIsRight(t *testing.T) {
	t.Parallel()
	full := onSignal("form_submit", `properties.team_size > 10`, `count(signals, "page_view", "7d") >= 3`)
	full.Frequency = signalbox.Frequency{Mode: signalbox.Cooldown, Duration: time.Minute, Per: accounts}
	full.Delay, full.PerHour = 30*24*time.Hour, 100_000
	full.Actions = []signalbox.Action{
		{Type: signalbox.ActWebhook, URL: "https://api.example.com:8443/v1/contacts/{{ contact.email }}/notes?source={{ signal.source }}&x=%20", Method: "PUT",
			Headers: []signalbox.Header{{Name: "X-Api-Key", Sealed: []byte("sealed")}}, Body: []byte(`{"n":"{{ properties.team_size }}","list":[1,"{{ signal.type }}!"]}`)},
		slack(), {Type: signalbox.ActSlack, WebhookURL: "http://127.0.0.1:9000/x", Text: "hi", Blocks: []byte(`[{"type":"section","text":{"type":"mrkdwn","text":"{{ account.name }}"}}]`)},
		email(), update(), {Type: signalbox.ActUpdate, Entity: accounts, Status: "{{ properties.status }}", Name: "Acme"}, emit("lead_scored"),
	}
	notice := signalbox.Automation{ID: 9, Name: "Churn", Notification: &signalbox.Notification{
		Trigger: signalbox.Trigger{Type: signalbox.OnSignal, SignalType: "churn_risk"}, AccountFilter: `account.status == "active"`,
		Destinations: []signalbox.Destination{{Type: signalbox.ActNotify, Webhook: 41}, {Type: signalbox.ActSlack, WebhookURL: slack().WebhookURL}, {Type: signalbox.ActEmail, To: "cs@acme.com"}},
	}}
	for name, a := range map[string]signalbox.Automation{
		"everything": full, "a notification": notice, "a stage": on(signalbox.Trigger{Type: signalbox.OnStage, Of: contacts, Stage: "Hot"}),
		"a fit": on(signalbox.Trigger{Type: signalbox.OnFit, ICP: "Mid-market SaaS", Persona: "VP Engineering"}), "Slack for governments": acts(onSignal("a"),
			signalbox.Action{Type: signalbox.ActSlack, WebhookURL: "https://hooks.slack-gov.com/services/x", Text: "x"}),
		"a signal of another type": acts(onSignal("a"), emit("b")), "a signal that a condition keeps from starting it": acts(on(event("signal.created"), `signal.type != "b"`), emit("b")),
		"a signal where none starts it": acts(on(signalbox.Trigger{Type: signalbox.OnFit}), emit("b")),
	} {
		if err := automate.Check(&a, options()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		stored, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		d := signalbox.Definitions{}
		if err := d.Define([]signalbox.Definition{{ID: int64(a.ID), Kind: signalbox.DefinedAutomation, Code: "auto_x", Body: stored, Revision: a.Version}}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, *d.Automation(a.ID)); diff != "" {
			t.Errorf("%s: stored and read again it is another one: %s", name, diff)
		}
	}
}

// edited is an automation with a change.
func edited(change func(*signalbox.Automation)) signalbox.Automation {
	a := onSignal("form_submit")
	change(&a)
	return a
}

// withAction is an automation with one action, changed.
func withAction(base signalbox.Action, change func(*signalbox.Action)) signalbox.Automation {
	change(&base)
	return acts(onSignal("form_submit"), base)
}

func toURL(url string) signalbox.Automation {
	return withAction(hook(), func(x *signalbox.Action) { x.URL = url })
}

func withHeader(name string) signalbox.Automation {
	return withAction(hook(), func(x *signalbox.Action) { x.Headers = []signalbox.Header{{Name: name}} })
}

func many(n int) (list []string) {
	for range n {
		list = append(list, "true")
	}
	return list
}

// wrong are automations with the field that is refused, and part of what is said.
var wrong = []struct {
	name, param, says string
	a                 signalbox.Automation
}{
	{"no name", "name", "1 to 200", edited(func(a *signalbox.Automation) { a.Name = " " })},
	{"a long name", "name", "1 to 200", edited(func(a *signalbox.Automation) { a.Name = strings.Repeat("x", 201) })},
	{"no trigger", "trigger.type", "must be one of signal_received", on(T{})},
	{"an unknown trigger", "trigger.type", `did you mean "signal_received"?`, on(T{Type: "signal_recieved"})},
	{"no type of signal", "trigger.signal_type", "1 to 200", onSignal("")},
	{"a field of another trigger", "trigger.threshold", "has no threshold", on(T{Type: signalbox.OnSignal, SignalType: "a", Threshold: 4})},
	{"an unknown operator", "trigger.operator", "must be one of", on(T{Type: signalbox.OnProperty, PropertyKey: "a", Operator: "=~", PropertyValue: []byte(`1`)})},
	{"no operator", "trigger.operator", "must be one of", on(T{Type: signalbox.OnProperty, PropertyKey: "a", PropertyValue: []byte(`1`)})},
	{"no property", "trigger.property_key", "1 to 200", on(T{Type: signalbox.OnProperty, Operator: "equals", PropertyValue: []byte(`1`)})},
	{"no value", "trigger.property_value", "is required", on(T{Type: signalbox.OnProperty, PropertyKey: "a", Operator: "equals"})},
	{"a value that does not suit", "trigger.property_value", "must be a text for contains", on(T{Type: signalbox.OnProperty, PropertyKey: "a", Operator: "contains", PropertyValue: []byte(`1`)})},
	{"a value that is no JSON", "trigger.property_value", "must be JSON", on(T{Type: signalbox.OnProperty, PropertyKey: "a", Operator: "equals", PropertyValue: []byte(`x`)})},
	{"whose score", "trigger.entity_type", "account or contact", on(T{Type: signalbox.OnScore, Threshold: 5, Direction: signalbox.Above})},
	{"a threshold of 0", "trigger.threshold", "from 1 to 1,000,000", on(T{Type: signalbox.OnScore, Of: accounts, Direction: signalbox.Above})},
	{"no direction", "trigger.direction", "above or below", on(T{Type: signalbox.OnScore, Of: accounts, Threshold: 5})},
	{"no audience", "trigger.audience_id", "must name an audience", on(T{Type: signalbox.OnAudience, On: signalbox.Enters})},
	{"an unknown audience", "trigger.audience_id", "no such audience", on(T{Type: signalbox.OnAudience, Audience: 6, On: signalbox.Enters})},
	{"neither enter nor leave", "trigger.on", "enter or leave", on(T{Type: signalbox.OnAudience, Audience: 5})},
	{"an unknown ICP", "trigger.icp_code", `did you mean "Mid-market SaaS"?`, on(T{Type: signalbox.OnFit, ICP: "Mid-market Saas"})},
	{"an unknown persona", "trigger.persona_code", "no persona has the code", on(T{Type: signalbox.OnFit, Persona: "Nobody"})},
	{"an unknown stage", "trigger.stage", "there are Cool, Warm, In-market, Hot", on(T{Type: signalbox.OnStage, Of: accounts, Stage: "hot"})},
	{"whose stage", "trigger.entity_type", "account or contact", on(T{Type: signalbox.OnStage, Stage: "Hot"})},
	{"no type of record", "trigger.record_type", "1 to 200", on(T{Type: signalbox.OnRecord})},
	{"an unknown change", "trigger.change", "created, updated or deleted", on(T{Type: signalbox.OnRecord, RecordType: "employees", Change: "gone"})},
	{"an unknown event", "trigger.event", `did you mean "signal.created"?`, on(event("signal.create"))},
	{"an event of automations", "trigger.event", "start each other for ever", on(event("automation.triggered"))},
	{"an event of webhooks", "trigger.event", "start each other for ever", on(event("delivery.failed"))},
	{"a condition of the trigger", "trigger.conditions[1]", "line 1, column 1: unknown variable acount", on(T{Type: signalbox.OnEvent, Event: "signal.created", Conditions: []string{"true", "acount.score > 1"}})},
	{"a condition", "conditions[1]", "line 2, column 4: unknown variable acount; did you mean account", onSignal("a", "true", "true\n&& acount.score > 1")},
	{"a condition that says neither yes nor no", "conditions[0]", "yes or no", onSignal("a", `"text"`)},
	{"too many conditions", "conditions", "the most is 20", onSignal("a", many(21)...)},

	{"an unknown frequency", "frequency.mode", `did you mean "cooldown"?`, edited(func(a *signalbox.Automation) { a.Frequency.Mode = "cool_down" })},
	{"a duration without a cooldown", "frequency", "only the mode cooldown", edited(func(a *signalbox.Automation) { a.Frequency.Duration = time.Hour })},
	{"a short cooldown", "frequency.duration", "from 1m to 365d", edited(func(a *signalbox.Automation) {
		a.Frequency = signalbox.Frequency{Mode: signalbox.Cooldown, Duration: time.Minute - 1, Per: accounts}
	})},
	{"a long cooldown", "frequency.duration", "from 1m to 365d", edited(func(a *signalbox.Automation) {
		a.Frequency = signalbox.Frequency{Mode: signalbox.Cooldown, Duration: 365*24*time.Hour + 1, Per: accounts}
	})},
	{"a cooldown per nobody", "frequency.per", "contact or account", edited(func(a *signalbox.Automation) {
		a.Frequency = signalbox.Frequency{Mode: signalbox.Cooldown, Duration: time.Hour}
	})},
	{"a negative delay", "delay", "up to 30d", edited(func(a *signalbox.Automation) { a.Delay = -time.Second })},
	{"a long delay", "delay", "up to 30d", edited(func(a *signalbox.Automation) { a.Delay = 30*24*time.Hour + time.Second })},
	{"a part of a second", "delay", "whole seconds", edited(func(a *signalbox.Automation) { a.Delay = time.Millisecond })},
	{"a negative limit", "per_hour", "from 1 to 100,000", edited(func(a *signalbox.Automation) { a.PerHour = -1 })},

	{"no action", "actions", "1 to 10, and there are 0", acts(onSignal("a"))},
	{"too many actions", "actions", "1 to 10, and there are 11", acts(onSignal("a"), make([]signalbox.Action, 11)...)},
	{"an unknown action", "actions[0].type", `did you mean "webhook"?`, acts(onSignal("a"), signalbox.Action{Type: "webhok"})},
	{"an action of notifications alone", "actions[0].type", "unknown action", acts(onSignal("a"), signalbox.Action{Type: signalbox.ActNotify, Webhook: 41})},
	{"a field of another action", "actions[1].config.to", "has no to", acts(onSignal("a"), hook(), signalbox.Action{Type: signalbox.ActWebhook, URL: hook().URL, To: "x"})},

	{"no address", "actions[0].config.url", "1 to 2048", toURL("")},
	{"the scheme is data", "actions[0].config.url", "must begin with https://", toURL("{{ properties.url }}")},
	{"the host is data", "actions[0].config.url", "must begin with https://", toURL("https://{{ properties.host }}/x")},
	{"a part of the host is data", "actions[0].config.url", "stands in the host", toURL("https://example.com{{ properties.host }}/x")},
	{"the port is data", "actions[0].config.url", "stands in the host", toURL("https://example.com:{{ properties.port }}/x")},
	{"a scheme that is none", "actions[0].config.url", "must begin with https://", toURL("ftp://example.com/x")},
	{"a user in the address", "actions[0].config.url", "must begin with https://", toURL("https://user:pass@example.com/")},
	{"a space in the address", "actions[0].config.url", "percent-encoded", toURL("https://example.com/a b")},
	{"a fragment", "actions[0].config.url", "percent-encoded", toURL("https://example.com/a#b")},
	{"a path that steps out", "actions[0].config.url", ". or ..", toURL("https://example.com/a/%2e./b")},
	{"an unknown field in the address", "actions[0].config.url", "unknown field account.domian", toURL("https://example.com/{{ account.domian }}")},
	{"an unknown method", "actions[0].config.method", "POST, PUT or PATCH", withAction(hook(), func(x *signalbox.Action) { x.Method = "GET" })},
	{"an unknown field in the body", "actions[0].config.body", "a.b[0]: line 1, column 4: unknown variable acount", withAction(hook(), func(x *signalbox.Action) { x.Body = []byte(`{"a":{"b":["{{ acount.name }}"]}}`) })},
	{"a body that is no JSON", "actions[0].config.body", "must be JSON", withAction(hook(), func(x *signalbox.Action) { x.Body = []byte(`{{ signal }}`) })},
	{"a header of the protocol", "actions[0].config.headers", "set by the protocol", withHeader("Content-Type")},
	{"a header of the signature", "actions[0].config.headers", "set by the protocol", withHeader("X-Stairoids-Signature")},
	{"the key's header", "actions[0].config.headers", "cannot be set", withHeader("idempotency-key")},
	{"a header that would inject", "actions[0].config.headers", "cannot hold", withHeader("X-A\r\nX-B")},

	{"Slack elsewhere", "actions[0].config.webhook_url", "must be at hooks.slack.com", withAction(slack(), func(x *signalbox.Action) { x.WebhookURL = "https://hooks.slack.com.evil.example/services/x" })},
	{"Slack without TLS", "actions[0].config.webhook_url", "by https", withAction(slack(), func(x *signalbox.Action) { x.WebhookURL = "http://hooks.slack.com/services/x" })},
	{"Slack with data in its address", "actions[0].config.webhook_url", "must be", withAction(slack(), func(x *signalbox.Action) { x.WebhookURL = "https://{{ account.domain }}/" })},
	{"Slack without a text", "actions[0].config.text", "is required", withAction(slack(), func(x *signalbox.Action) { x.Text = "" })},
	{"blocks that are no list", "actions[0].config.blocks", "1 to 50 blocks", withAction(slack(), func(x *signalbox.Action) { x.Blocks = []byte(`{"type":"section"}`) })},
	{"an unknown field in a block", "actions[0].config.blocks", "unknown variable x", withAction(slack(), func(x *signalbox.Action) { x.Blocks = []byte(`[{"text":"{{ x }}"}]`) })},

	{"no recipient", "actions[0].config.to", "one e-mail address", withAction(email(), func(x *signalbox.Action) { x.To = "" })},
	{"a recipient that is no address", "actions[0].config.to", "one e-mail address", withAction(email(), func(x *signalbox.Action) { x.To = "sales" })},
	{"two recipients", "actions[0].config.to", "one e-mail address", withAction(email(), func(x *signalbox.Action) { x.To = "a@b.com, c@d.com" })},
	{"a recipient with a name", "actions[0].config.to", "one e-mail address", withAction(email(), func(x *signalbox.Action) { x.To = "Sales <a@b.com>" })},
	{"a recipient that would inject", "actions[0].config.to", "line end", withAction(email(), func(x *signalbox.Action) { x.To = "a@b.com\r\nBcc: c@d.com" })},
	{"the recipient is data", "actions[0].config.to", "holds no expression", withAction(email(), func(x *signalbox.Action) { x.To = "{{ contact.email }}" })},
	{"a subject that would inject", "actions[0].config.subject", "line end", withAction(email(), func(x *signalbox.Action) { x.Subject = "a\nBcc: c@d.com" })},
	{"no subject", "actions[0].config.subject", "is required", withAction(email(), func(x *signalbox.Action) { x.Subject = "" })},
	{"an email without a text", "actions[0].config.text", "is required", withAction(email(), func(x *signalbox.Action) { x.Text = "" })},

	{"whose update", "actions[0].config.entity", "account or contact", withAction(update(), func(x *signalbox.Action) { x.Entity = 0 })},
	{"a contact's status", "actions[0].config.status", "a contact has none", withAction(update(), func(x *signalbox.Action) { x.Entity, x.Status = contacts, "x" })},
	{"nothing to update", "actions[0].config.attributes", "nothing to update", withAction(update(), func(x *signalbox.Action) { x.Attributes = nil })},
	{"attributes that are no object", "actions[0].config.attributes", "JSON object", withAction(update(), func(x *signalbox.Action) { x.Attributes = []byte(`["a"]`) })},
	{"an unknown field in an attribute", "actions[0].config.attributes.plan", "unknown variable acount", withAction(update(), func(x *signalbox.Action) { x.Attributes = []byte(`{"plan":"{{ acount }}"}`) })},

	{"a signal of no type", "actions[0].config.type", "1 to 200", withAction(emit("x"), func(x *signalbox.Action) { x.SignalType = "" })},
	{"a signal whose type is data", "actions[0].config.type", "holds no expression", withAction(emit("x"), func(x *signalbox.Action) { x.SignalType = "{{ signal.type }}" })},
	{"a signal that starts its own automation", "actions[0].config.type", "would start this automation again", acts(onSignal("a"), emit("a"))},
	{"a signal of a type that conditions allow", "actions[0].config.type", "would start this automation again", acts(on(event("signal.created"), `signal.type in ["a", "b"]`), emit("b"))},
	{"a signal where every signal starts it", "actions[0].config.type", "would start this automation again", acts(on(event("signal.scored")), emit("b"))},
	{"properties that are no object", "actions[0].config.properties", "JSON object", withAction(emit("x"), func(x *signalbox.Action) { x.Properties = []byte(`1`) })},
}

func TestCheck_NamesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range wrong {
		err := automate.Check(&c.a, options())
		var e *signalbox.Error
		if !errors.As(err, &e) || e.Code != signalbox.Invalid || e.Param != c.param || !strings.Contains(e.Msg, c.says) {
			t.Errorf("%s: %v\nwant %s: … %s …", c.name, err, c.param, c.says)
		}
	}
}

func TestCheck_AnExpressionsPlaceIsKept(t *testing.T) {
	t.Parallel()
	a := onSignal("a", "account.score >\n  acount.score")
	var e *expr.Error
	if err := automate.Check(&a, options()); !errors.As(err, &e) || e.Line != 2 || e.Column != 3 {
		t.Errorf("%+v", e)
	}
}

func TestCheck_WithoutAJudgeOfHeadersThereAreNone(t *testing.T) {
	t.Parallel()
	a := onSignal("a")
	a.Actions[0].Headers = []signalbox.Header{{Name: "X-Fine"}}
	if err := automate.Check(&a, automate.Options{}); err == nil {
		t.Error("a header that nobody judged is taken")
	}
}

func TestCheck_Notifications(t *testing.T) {
	t.Parallel()
	type N = signalbox.Notification
	with := func(change func(*N)) signalbox.Automation {
		n := &N{Trigger: signalbox.Trigger{Type: signalbox.OnSignal, SignalType: "churn_risk"}, Destinations: []signalbox.Destination{{Type: signalbox.ActNotify, Webhook: 41}}}
		change(n)
		return signalbox.Automation{ID: 9, Name: "Churn", Notification: n}
	}
	to := func(d signalbox.Destination) signalbox.Automation {
		return with(func(n *N) { n.Destinations = []signalbox.Destination{d} })
	}
	for _, c := range []struct {
		name, param, says string
		a                 signalbox.Automation
	}{
		{"no name", "name", "1 to 200", signalbox.Automation{Notification: &N{}}},
		{"a trigger of automations alone", "type", "signal, record_changed", with(func(n *N) { n.Trigger = signalbox.Trigger{Type: signalbox.OnFit} })},
		{"no type of signal", "signal_type", "1 to 200", with(func(n *N) { n.Trigger.SignalType = "" })},
		{"an unknown audience", "audience_id", "no such audience", with(func(n *N) {
			n.Trigger = signalbox.Trigger{Type: signalbox.OnAudience, Audience: 6, On: signalbox.Enters}
		})},
		{"a filter", "account_filter", "line 1, column 1: unknown variable acount", with(func(n *N) { n.AccountFilter = `acount.status == "active"` })},
		{"nowhere to go", "destinations", "1 to 10, and there are 0", with(func(n *N) { n.Destinations = nil })},
		{"an unknown destination", "destinations[0].type", "webhook, slack or email", to(signalbox.Destination{Type: signalbox.ActUpdate})},
		{"no webhook", "destinations[0].webhook_id", "is required", to(signalbox.Destination{Type: signalbox.ActNotify})},
		{"an unknown webhook", "destinations[0].webhook_id", "no such webhook", to(signalbox.Destination{Type: signalbox.ActNotify, Webhook: 40})},
		{"a webhook of another format", "destinations[0].webhook_id", "has the format stairoids", to(signalbox.Destination{Type: signalbox.ActNotify, Webhook: 42})},
		{"a field of another destination", "destinations[0].to", "webhook_id alone", to(signalbox.Destination{Type: signalbox.ActNotify, Webhook: 41, To: "a@b.com"})},
		{"Slack elsewhere", "destinations[0].webhook_url", "must be at hooks.slack.com", to(signalbox.Destination{Type: signalbox.ActSlack, WebhookURL: "https://example.com/"})},
		{"no address", "destinations[0].to", "one e-mail address", to(signalbox.Destination{Type: signalbox.ActEmail, To: "cs"})},
	} {
		err := automate.Check(&c.a, options())
		var e *signalbox.Error
		if !errors.As(err, &e) || e.Code != signalbox.Invalid || e.Param != c.param || !strings.Contains(e.Msg, c.says) {
			t.Errorf("%s: %v\nwant %s: … %s …", c.name, err, c.param, c.says)
		}
	}
}

// Every event that webhooks can subscribe to is one that starts automations, or one that must not.
func TestEvents_AreThoseOfWire(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, name := range automate.Events() {
		known[name] = true
	}
	for _, e := range wire.EventTypes(signalbox.FormatStairoids) {
		a := on(event(e.Name))
		err := automate.Check(&a, options())
		must := !signalbox.Operational(e.Name) && e.Name != wire.EventAutomationTriggered
		if (err == nil) != must {
			t.Errorf("%s: %v", e.Name, err)
		}
		delete(known, e.Name)
	}
	if len(known) > 0 {
		t.Errorf("nobody sends %v", known)
	}
}

func TestTargets_AreWhereItSendsTo(t *testing.T) {
	t.Parallel()
	a := acts(onSignal("a"), signalbox.Action{Type: signalbox.ActWebhook, URL: "https://api.example.com:8443/v1/{{ account.domain }}"}, email(), slack(),
		signalbox.Action{Type: signalbox.ActWebhook, URL: "http://127.0.0.1:8080?x={{ account.domain }}"})
	got, err := automate.Targets(&a)
	if err != nil {
		t.Fatal(err)
	}
	want := []automate.Target{{"actions[0].config.url", "https://api.example.com:8443"}, {"actions[2].config.webhook_url", "https://hooks.slack.com"},
		{"actions[3].config.url", "http://127.0.0.1:8080"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
