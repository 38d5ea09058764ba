package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"signalbox"
	"signalbox/strictjson"
)

// automationView is an automation. What it shows of a trigger and of actions can be sent back as it is.
type automationView struct {
	ID         string        `json:"id"`
	Name       string        `json:"name"`
	Type       string        `json:"type" enum:"outgoing"`
	Enabled    bool          `json:"enabled"`
	Trigger    triggerView   `json:"trigger"`
	Conditions []string      `json:"conditions" doc:"Expressions, which all must hold."`
	Frequency  frequencyView `json:"frequency"`
	Delay      *string       `json:"delay" doc:"Null: none."`
	PerHour    int           `json:"per_hour" doc:"Runs in an hour (UTC) at most; those beyond it are kept as throttled."`
	Action     *actionView   `json:"action" doc:"The one action; null where there are several."`
	Actions    []actionView  `json:"actions"`
	WebhookID  *string       `json:"webhook_id" doc:"What it sends is in the delivery log of this one, GET /v1/webhooks/{id}/deliveries. Null: it sends nothing."`
	Revision   int64         `json:"revision" doc:"Grows with each change."`
	CreatedAt  stamp         `json:"created_at"`
	UpdatedAt  stamp         `json:"updated_at"`
}

// savedAutomation is the answer of a change; where the change made a signing secret it shows it, once (S0-41).
type savedAutomation struct {
	automationView
	Secret *string `json:"secret,omitempty" doc:"What its webhook actions are signed with. Shown this once, when its first action that sends something is saved; kept when actions are replaced."`
}

// automationList is the answer of the list (contract section 16).
type automationList struct {
	Automations []automationView `json:"automations"`
	Total       int              `json:"total"`
	NextCursor  *string          `json:"next_cursor" doc:"Null: this is the end."`
}

// triggerView is what starts an automation: the fields that its type has, and that are set.
type triggerView struct {
	Type string `json:"type" enum:"signal_received|signal_property_match|score_threshold|audience|qualified|stage|record_changed|event"`
	startView
	PropertyKey   string         `json:"property_key,omitempty"`
	Operator      string         `json:"operator,omitempty"`
	PropertyValue strictjson.Raw `json:"property_value,omitempty" type:"string|number|boolean|array"`
	ICPCode       string         `json:"icp_code,omitempty"`
	PersonaCode   string         `json:"persona_code,omitempty"`
	Event         string         `json:"event,omitempty"`
	Conditions    []string       `json:"conditions,omitzero" doc:"Of event: expressions."`
}

// startView is what triggers of automations and of notifications have in common.
type startView struct {
	SignalType string `json:"signal_type,omitempty"`
	Source     string `json:"source,omitempty"`
	EntityType string `json:"entity_type,omitempty" enum:"account|contact"`
	Threshold  int    `json:"threshold,omitempty"`
	Direction  string `json:"direction,omitempty" enum:"above|below"`
	Stage      string `json:"stage,omitempty"`
	AudienceID string `json:"audience_id,omitempty"`
	On         string `json:"on,omitempty" enum:"enter|leave"`
	RecordType string `json:"record_type,omitempty"`
	Change     string `json:"change,omitempty" enum:"created|updated|deleted"`
}

type frequencyView struct {
	Mode     string  `json:"mode" enum:"every|once_per_contact|once_per_account|cooldown"`
	Duration *string `json:"duration,omitempty"`
	Per      string  `json:"per,omitempty" enum:"contact|account"`
}

type actionView struct {
	Type   string     `json:"type" enum:"webhook|slack|email|update|signal"`
	Config configView `json:"config"`
}

// configView says how an action is done: the fields that its type has, and that are set.
type configView struct {
	URL        string             `json:"url,omitempty"`
	Method     string             `json:"method,omitempty" enum:"POST|PUT|PATCH"`
	Headers    map[string]*string `json:"headers,omitempty" doc:"Values are never shown: null, which keeps them when it is sent back."`
	Body       strictjson.Raw     `json:"body,omitempty" type:"object|array|string|number|boolean"`
	WebhookURL string             `json:"webhook_url,omitempty" doc:"Masked."`
	Text       string             `json:"text,omitempty"`
	Blocks     strictjson.Raw     `json:"blocks,omitempty" type:"array"`
	To         string             `json:"to,omitempty"`
	Subject    string             `json:"subject,omitempty"`
	Entity     string             `json:"entity,omitempty" enum:"account|contact"`
	Attributes strictjson.Raw     `json:"attributes,omitempty" type:"object"`
	Status     string             `json:"status,omitempty"`
	Name       string             `json:"name,omitempty"`
	SignalType string             `json:"type,omitempty"`
	Properties strictjson.Raw     `json:"properties,omitempty" type:"object"`
}

// automationView shows an automation as it is stored.
func (c *call) automationView(one *signalbox.Automation, stored *signalbox.Definition) automationView {
	v := automationView{
		ID: c.idText(signalbox.KindAutomation, stored.ID), Name: one.Name, Type: typeOutgoing, Enabled: one.Enabled, Trigger: c.triggerView(&one.Trigger),
		Conditions: append([]string{}, one.Conditions...), Frequency: frequencyViewOf(one.Frequency), Delay: durationOrNull(one.Delay),
		PerHour: cmp.Or(one.PerHour, signalbox.DefaultPerHour), Actions: make([]actionView, len(one.Actions)),
		Revision: stored.Revision, CreatedAt: stamp(stored.CreatedAt), UpdatedAt: stamp(stored.UpdatedAt),
	}
	for i := range one.Actions {
		v.Actions[i] = actionViewOf(&one.Actions[i])
	}
	if len(v.Actions) == 1 {
		v.Action = &v.Actions[0]
	}
	if sends(one) {
		v.WebhookID = c.idOrNull(signalbox.KindWebhook, stored.ID)
	}
	return v
}

func (c *call) triggerView(t *signalbox.Trigger) triggerView {
	v := triggerView{
		Type: string(t.Type), startView: c.startView(t), PropertyKey: t.PropertyKey, Operator: t.Operator, PropertyValue: strictjson.Raw(t.PropertyValue),
		ICPCode: t.ICP, PersonaCode: t.Persona, Event: t.Event,
	}
	if t.Type == signalbox.OnEvent {
		v.Conditions = append([]string{}, t.Conditions...)
	}
	return v
}

func (c *call) startView(t *signalbox.Trigger) startView {
	return startView{
		SignalType: t.SignalType, Source: t.Source, EntityType: kindWord(t.Of), Threshold: t.Threshold, Direction: string(t.Direction), Stage: t.Stage,
		AudienceID: c.idText(signalbox.KindAudience, int64(t.Audience)), On: string(t.On), RecordType: t.RecordType, Change: t.Change,
	}
}

// kindWord is the word of a kind of record, "" for none.
func kindWord(kind signalbox.RecordKind) string {
	if kind == 0 {
		return ""
	}
	return kind.String()
}

func frequencyViewOf(f signalbox.Frequency) frequencyView {
	return frequencyView{Mode: string(cmp.Or(f.Mode, signalbox.Every)), Duration: durationOrNull(f.Duration), Per: kindWord(f.Per)}
}

func actionViewOf(x *signalbox.Action) actionView {
	v := actionView{Type: string(x.Type), Config: configView{
		URL: x.URL, Method: x.Method, Body: strictjson.Raw(x.Body), Text: x.Text, Blocks: strictjson.Raw(x.Blocks), To: x.To, Subject: x.Subject, Entity: kindWord(x.Entity),
		Attributes: strictjson.Raw(x.Attributes), Status: x.Status, Name: x.Name, SignalType: x.SignalType, Properties: strictjson.Raw(x.Properties),
	}}
	if x.Type == signalbox.ActWebhook {
		v.Config.Method = cmp.Or(x.Method, "POST")
	}
	if x.WebhookURL != "" {
		v.Config.WebhookURL = masked(x.WebhookURL)
	}
	for _, h := range x.Headers {
		if v.Config.Headers == nil {
			v.Config.Headers = map[string]*string{}
		}
		v.Config.Headers[h.Name] = nil
	}
	return v
}

// encodeDefinition writes what is stored of a definition; texts as they are, not escaped for HTML.
func encodeDefinition(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// viewFacts are what the audit log says of a thing: what is shown of it, which holds no secret, without what every change changes.
func viewFacts(v any, without ...string) (f signalbox.Facts, err error) {
	text, err := encodeDefinition(v)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	for _, name := range append(without, "id", "revision", "created_at", "updated_at") {
		delete(f, name)
	}
	return f, err
}

// automationFacts are what the audit log says of two states of an automation. Headers whose values were replaced differ, though the values are never told. old is
// nil for one that is new.
func (c *call) automationFacts(old, one *signalbox.Automation) (was, is signalbox.Facts, err error) {
	facts := func(of *signalbox.Automation) (signalbox.Facts, error) {
		if of == nil {
			return nil, nil
		}
		if of.Notification != nil {
			return viewFacts(c.notificationView(of, &signalbox.Definition{}))
		}
		return viewFacts(c.automationView(of, &signalbox.Definition{}), "action", "webhook_id")
	}
	if was, err = facts(old); err != nil {
		return nil, nil, err
	}
	if is, err = facts(one); err == nil && old != nil && one != nil && !slices.EqualFunc(old.Actions, one.Actions, sameHidden) {
		was["hidden_values"], is["hidden_values"] = "[hidden]", "[changed]"
	}
	return was, is, err
}

// sameHidden says whether two actions have the same of what is not shown.
func sameHidden(x, y signalbox.Action) bool {
	return x.WebhookURL == y.WebhookURL && slices.EqualFunc(x.Headers, y.Headers, func(a, b signalbox.Header) bool {
		return a.Name == b.Name && bytes.Equal(a.Sealed, b.Sealed)
	})
}
