package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"signalbox"
	"signalbox/automate"
	"signalbox/expr"
	"signalbox/strictjson"
)

// automationForm is the body of POST /v1/automations.
type automationForm struct {
	Name       *string          `json:"name" required:"true" maxlen:"200" doc:"What it is called; names may repeat."`
	Type       *string          `json:"type" enum:"outgoing" doc:"outgoing unless given: it is started by what happens here."`
	Enabled    *bool            `json:"enabled" doc:"False unless given."`
	Trigger    *triggerForm     `json:"trigger" required:"true"`
	Conditions []strictjson.Raw `json:"conditions" maxitems:"20" doc:"What must hold besides, all of it: expressions, or {field, operator, value} in groups {all: […]} and {any: […]}, which are answered as expressions."`
	Frequency  *frequencyForm   `json:"frequency" doc:"How often it runs for the same record: each time unless given."`
	Delay      *string          `json:"delay" doc:"How long its actions wait, as in 1h: whole seconds, at most 30d. The conditions are asked again then."`
	PerHour    *int             `json:"per_hour" min:"1" max:"100000" doc:"Runs in an hour (UTC): 1,000 unless given. Those beyond it are kept as throttled."`
	Action     *actionForm      `json:"action" doc:"What it does; in its place actions, for several."`
	Actions    *[]actionForm    `json:"actions" minitems:"1" maxitems:"10" doc:"What it does, in this order."`
}

// automationPatch is the body of PATCH /v1/automations/{id}.
type automationPatch struct {
	Name       *string           `json:"name" maxlen:"200"`
	Type       *string           `json:"type" enum:"outgoing" doc:"Fixed: only the value that it has is taken."`
	Enabled    *bool             `json:"enabled"`
	Trigger    *triggerForm      `json:"trigger" doc:"Replaced whole."`
	Conditions *[]strictjson.Raw `json:"conditions" maxitems:"20" doc:"Replaced whole; null: none."`
	Frequency  *frequencyForm    `json:"frequency" doc:"Replaced whole."`
	Delay      *string           `json:"delay" doc:"Null: none."`
	PerHour    *int              `json:"per_hour" min:"1" max:"100000"`
	Action     *actionForm       `json:"action" doc:"All actions are replaced by this one."`
	Actions    *[]actionForm     `json:"actions" minitems:"1" maxitems:"10" doc:"Replaced whole."`
	Revision   *int64            `json:"revision" doc:"The revision that the change was made from: 409 when it is another one by now. Absent: whatever it is."`
}

// triggerForm is what starts an automation. Which fields it has is said by its type.
type triggerForm struct {
	Type          *string          `json:"type" enum:"signal_received|signal_property_match|score_threshold|audience|qualified|stage|record_changed|event" doc:"event, where event is given."`
	SignalType    *string          `json:"signal_type" maxlen:"200" doc:"Of signal_received. The type need not have been seen yet."`
	Source        *string          `json:"source" maxlen:"200" doc:"Of signal_received: any unless given."`
	PropertyKey   *string          `json:"property_key" maxlen:"200" doc:"Of signal_property_match: a property, or a path to one, as in cart.total."`
	Operator      *string          `json:"operator" enum:"equals|not_equals|contains|starts_with|greater_than|greater_or_equal|less_than|less_or_equal|in" doc:"Of signal_property_match."`
	PropertyValue strictjson.Raw   `json:"property_value" doc:"Of signal_property_match: a text, a number, true or false; a list for in."`
	EntityType    *string          `json:"entity_type" enum:"account|contact" doc:"Of score_threshold and stage: whose."`
	Threshold     *int             `json:"threshold" min:"1" max:"1000000" doc:"Of score_threshold. It starts once for each crossing, and again after it was crossed back."`
	Direction     *string          `json:"direction" enum:"above|below" doc:"Of score_threshold."`
	Stage         *string          `json:"stage" maxlen:"200" doc:"Of stage: the one that is reached; any unless given."`
	AudienceID    *string          `json:"audience_id" doc:"Of audience."`
	On            *string          `json:"on" enum:"enter|leave" doc:"Of audience."`
	ICPCode       *string          `json:"icp_code" maxlen:"200" doc:"Of qualified: any that fits unless given."`
	PersonaCode   *string          `json:"persona_code" maxlen:"200" doc:"Of qualified: any, or none, unless given."`
	RecordType    *string          `json:"record_type" maxlen:"200" doc:"Of record_changed: employees, job_postings …"`
	Change        *string          `json:"change" enum:"created|updated|deleted" doc:"Of record_changed: any unless given."`
	Event         *string          `json:"event" maxlen:"200" doc:"Of event: signal.created, account.stage_changed … What tells of automations, webhooks and deliveries starts none."`
	Conditions    []strictjson.Raw `json:"conditions" maxitems:"20" doc:"Of event: as the automation's own."`
}

// frequencyForm says how often an automation runs for the same record.
type frequencyForm struct {
	Mode     *string `json:"mode" enum:"every|once_per_contact|once_per_account|cooldown" doc:"every unless given."`
	Duration *string `json:"duration" doc:"Of cooldown: how long after a run there is no other one, 1m to 365d."`
	Per      *string `json:"per" enum:"contact|account" doc:"Of cooldown: whose run counts."`
}

// actionForm is one thing that an automation does.
type actionForm struct {
	Type   *string       `json:"type" required:"true" enum:"webhook|slack|email|update|signal"`
	Config *actionConfig `json:"config" required:"true"`
}

// actionConfig says how. Which fields it has is said by the action's type. What is called a template may hold {{ expressions }}.
type actionConfig struct {
	URL        *string            `json:"url" maxlen:"2048" doc:"Of webhook: scheme and host are literal, the rest is a template."`
	Method     *string            `json:"method" enum:"POST|PUT|PATCH" doc:"Of webhook: POST unless given."`
	Headers    map[string]*string `json:"headers" doc:"Of webhook. Values are stored sealed and never shown; null keeps the one that there is, as long as scheme and host stay."`
	Body       strictjson.Raw     `json:"body" doc:"Of webhook: a JSON template. Unless given: the signal with its account and contact, as automation.action_triggered."`
	WebhookURL *string            `json:"webhook_url" maxlen:"2048" doc:"Of slack: the address of an incoming webhook. It is shown masked, and what is shown keeps the one that there is."`
	Text       *string            `json:"text" doc:"Of slack and email: a template."`
	Blocks     strictjson.Raw     `json:"blocks" type:"array" doc:"Of slack: Block Kit's blocks, a JSON template."`
	To         *string            `json:"to" maxlen:"254" doc:"Of email: one address."`
	Subject    *string            `json:"subject" doc:"Of email: a template."`
	Entity     *string            `json:"entity" enum:"account|contact" doc:"Of update: whose."`
	Attributes strictjson.Raw     `json:"attributes" type:"object" doc:"Of update: a JSON template that is merged (RFC 7396)."`
	Status     *string            `json:"status" doc:"Of update, of an account: a template."`
	Name       *string            `json:"name" doc:"Of update, of an account: a template."`
	SignalType *string            `json:"type" maxlen:"200" doc:"Of signal: the type of the signal that is sent about the same record."`
	Properties strictjson.Raw     `json:"properties" type:"object" doc:"Of signal: a JSON template."`
}

// automationChange is what a body does to an automation that is otherwise as it was.
type automationChange struct {
	apply    func(*signalbox.Automation) error
	actions  bool // it has actions of its own, whose targets are to be asked for
	disables bool // and that is all that it does
	one      bool // they were given as action
	revision *int64
}

func (in *automationForm) patch() *automationPatch {
	p := &automationPatch{
		Name: in.Name, Type: in.Type, Enabled: in.Enabled, Trigger: in.Trigger, Frequency: in.Frequency, Delay: in.Delay, PerHour: in.PerHour,
		Action: in.Action, Actions: in.Actions,
	}
	if in.Conditions != nil {
		p.Conditions = &in.Conditions
	}
	return p
}

// read reads a body for the automation of an id.
func (in *automationPatch) read(a *API, c *call, id signalbox.AutomationID) (*automationChange, error) {
	if typ := value(in.Type); typ != "" && typ != typeOutgoing {
		return nil, unknownAutomationType(typ)
	}
	ch := &automationChange{actions: in.Action != nil || in.Actions != nil, one: in.Action != nil, revision: in.Revision}
	var trigger signalbox.Trigger
	var when []string
	var often signalbox.Frequency
	var late time.Duration
	var err error
	if in.Trigger != nil {
		if trigger, err = in.Trigger.read(c, "trigger."); err != nil {
			return nil, err
		}
	}
	if in.Conditions != nil {
		if when, err = conditions("conditions", *in.Conditions); err != nil {
			return nil, err
		}
	}
	if in.Frequency != nil {
		if often, err = in.Frequency.read(); err != nil {
			return nil, err
		}
	}
	if text := value(in.Delay); text != "" {
		if late, err = duration("delay", text); err != nil {
			return nil, err
		}
	}
	if in.PerHour != nil && *in.PerHour < 1 { // 0 would mean that it was left out
		return nil, signalbox.InvalidField("per_hour", "per_hour must be from 1 to %d", automate.MaxPerHour)
	}
	acts, err := in.acts(a, c, id)
	if err != nil {
		return nil, err
	}
	ch.disables = in.Enabled != nil && !*in.Enabled && in.Name == nil && in.Trigger == nil && in.Conditions == nil && in.Frequency == nil && in.Delay == nil &&
		in.PerHour == nil && !ch.actions
	ch.apply = func(one *signalbox.Automation) error {
		if in.Name != nil {
			one.Name = strings.TrimSpace(*in.Name)
		}
		set(&one.Enabled, in.Enabled)
		set(&one.PerHour, in.PerHour)
		if in.Trigger != nil {
			one.Trigger = trigger
		}
		if in.Conditions != nil {
			one.Conditions = when
		}
		if in.Frequency != nil {
			one.Frequency = often
		}
		if in.Delay != nil {
			one.Delay = late
		}
		if acts == nil {
			return nil
		}
		list, err := acts(one.Actions)
		one.Actions = list
		return err
	}
	return ch, nil
}

// typeOutgoing is what starts by what happens here; typeIncoming what starts by what others send.
const (
	typeOutgoing = "outgoing"
	typeIncoming = "incoming"
)

func unknownAutomationType(typ string) error {
	if typ == typeIncoming {
		return signalbox.InvalidField("type", "type: incoming automations are not there yet; type must be outgoing. What others send is taken at POST /v1/signals")
	}
	return signalbox.InvalidField("type", "type must be outgoing")
}

// isIncoming says whether a body asks for what is not there yet, so that it is refused for this and not for its fields.
func isIncoming(body []byte) bool {
	var in struct {
		Type *string `json:"type"`
	}
	return strictjson.Unmarshal(body, &in) == nil && value(in.Type) == typeIncoming
}

// read reads a trigger; what the form does not know of it is refused when it is checked. at is what stands before its fields' names.
func (in *triggerForm) read(c *call, at string) (t signalbox.Trigger, err error) {
	t = signalbox.Trigger{
		Type: signalbox.TriggerType(value(in.Type)), SignalType: strings.TrimSpace(value(in.SignalType)), Source: strings.TrimSpace(value(in.Source)),
		PropertyKey: strings.TrimSpace(value(in.PropertyKey)), Operator: value(in.Operator), Direction: signalbox.Direction(value(in.Direction)),
		Stage: value(in.Stage), On: signalbox.Move(value(in.On)), ICP: value(in.ICPCode), Persona: value(in.PersonaCode),
		RecordType: strings.TrimSpace(value(in.RecordType)), Change: value(in.Change), Event: value(in.Event),
	}
	if t.Type == "" && t.Event != "" {
		t.Type = signalbox.OnEvent
	}
	if !absent(in.PropertyValue) {
		t.PropertyValue = slices.Clone(json.RawMessage(in.PropertyValue))
	}
	if word := value(in.EntityType); word != "" {
		if t.Of = entityOf(word); t.Of == 0 {
			return t, signalbox.InvalidField(at+"entity_type", "%sentity_type must be account or contact", at)
		}
	}
	if in.Threshold != nil {
		if t.Threshold = *in.Threshold; t.Threshold == 0 {
			t.Threshold = -1 // which is refused; 0 would mean that it was left out
		}
	}
	if n, given := c.named(in.AudienceID, signalbox.KindAudience); given {
		if t.Audience = signalbox.AudienceID(n); n == 0 {
			t.Audience = -1 // as above
		}
	}
	t.Conditions, err = conditions(at+"conditions", in.Conditions)
	return t, err
}

func (in *frequencyForm) read() (f signalbox.Frequency, err error) {
	f = signalbox.Frequency{Mode: signalbox.FrequencyMode(value(in.Mode))}
	if f.Mode == signalbox.Every {
		f.Mode = ""
	}
	if word := value(in.Per); word != "" {
		if f.Per = entityOf(word); f.Per == 0 {
			return f, signalbox.InvalidField("frequency.per", "frequency.per must be contact or account")
		}
	}
	if text := value(in.Duration); text != "" {
		f.Duration, err = duration("frequency.duration", text)
	}
	return f, err
}

// conditions reads a list of conditions as expressions.
func conditions(param string, given []strictjson.Raw) ([]string, error) {
	if len(given) == 0 {
		return nil, nil
	}
	list := make([]string, len(given))
	if len(given) > automate.MaxConditions {
		return list, signalbox.InvalidField(param, "%s: there are %d, the most is %d; join some with &&", param, len(given), automate.MaxConditions)
	}
	for i, one := range given {
		at := fmt.Sprintf("%s[%d]", param, i)
		when, err := condition(at, one, expr.ForRecord)
		if err != nil {
			return nil, err
		}
		if when == "" {
			return nil, signalbox.InvalidField(at, "%s is empty: write an expression such as account.score >= 40, or leave it out", at)
		}
		list[i] = when
	}
	return list, nil
}

// acts reads the actions of a body into what makes them, given those that there were before; nil: it has none.
func (in *automationPatch) acts(a *API, c *call, id signalbox.AutomationID) (func(old []signalbox.Action) ([]signalbox.Action, error), error) {
	var forms []actionForm
	switch {
	case in.Action != nil && in.Actions != nil:
		return nil, signalbox.InvalidField("actions", "give either action or actions")
	case in.Action != nil:
		forms = []actionForm{*in.Action}
	case in.Actions != nil:
		forms = *in.Actions
	default:
		return nil, nil
	}
	if len(forms) > automate.MaxActions {
		return nil, signalbox.InvalidField("actions", "actions must be 1 to %d, and there are %d", automate.MaxActions, len(forms))
	}
	made := make([]signalbox.Action, len(forms))
	keeps := make([][]string, len(forms)) // names of headers whose values stay as they are
	for i := range forms {
		var err error
		if made[i], keeps[i], err = forms[i].read(a, c, id, configOf(in.Action != nil, i)); err != nil {
			return nil, err
		}
	}
	return func(old []signalbox.Action) ([]signalbox.Action, error) {
		list := slices.Clone(made)
		for i := range list {
			if err := keep(&list[i], keeps[i], old, configOf(in.Action != nil, i)); err != nil {
				return nil, err
			}
		}
		return list, nil
	}, nil
}

// configOf names what belongs to an action, as the body gave it.
func configOf(one bool, i int) string {
	if one {
		return "action.config."
	}
	return "actions[" + strconv.Itoa(i) + "].config."
}

// read reads an action, and seals what is never shown. keeps names the headers whose values stay.
func (in *actionForm) read(a *API, c *call, id signalbox.AutomationID, at string) (x signalbox.Action, keeps []string, err error) {
	x.Type = signalbox.ActionType(value(in.Type))
	g := in.Config
	if g == nil {
		return x, nil, nil
	}
	x.URL, x.Method, x.WebhookURL, x.Text = value(g.URL), value(g.Method), value(g.WebhookURL), value(g.Text)
	x.To, x.Subject, x.Status, x.Name, x.SignalType = value(g.To), value(g.Subject), value(g.Status), value(g.Name), strings.TrimSpace(value(g.SignalType))
	x.Body, x.Blocks, x.Attributes, x.Properties = rawOrNone(g.Body), rawOrNone(g.Blocks), rawOrNone(g.Attributes), rawOrNone(g.Properties)
	if word := value(g.Entity); word != "" {
		if x.Entity = entityOf(word); x.Entity == 0 {
			return x, nil, signalbox.InvalidField(at+"entity", "%sentity must be account or contact", at)
		}
	}
	if x.Type == signalbox.ActWebhook && x.Method == http.MethodPost {
		x.Method = "" // what is said and what is left out are kept as the same
	}
	plain := map[string]string{}
	for name, v := range g.Headers {
		if plain[name] = value(v); v == nil {
			keeps = append(keeps, name)
		}
	}
	if len(plain) > 0 && x.Type == signalbox.ActWebhook {
		if err := a.cfg.CheckHeaders(plain); err != nil {
			return x, nil, signalbox.InvalidField(at+"headers", "%sheaders: %s", at, err.Error())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(plain)) {
		h := signalbox.Header{Name: name}
		if !slices.Contains(keeps, name) {
			h.Sealed = a.cfg.Box.Seal(laneHeaders(c.ws(), id), []byte(plain[name]))
		}
		x.Headers = append(x.Headers, h)
	}
	return x, keeps, nil
}

// rawOrNone is JSON of a body, compact; nil where it is absent.
func rawOrNone(given strictjson.Raw) json.RawMessage {
	if absent(given) || string(given) == `""` {
		return nil
	}
	compact := slices.Clone(given)
	if compact.Compact() != nil {
		return json.RawMessage(given) // not reachable: it was decoded
	}
	return json.RawMessage(compact)
}

// keep puts in what a body that was read before says stays: the values of headers, where an action to the same scheme and host has them, and the address of Slack that is
// shown masked. at is what stands before the names of the action's fields.
func keep(x *signalbox.Action, headers []string, old []signalbox.Action, at string) error {
	x.Headers = slices.Clone(x.Headers)
	for i := range x.Headers {
		h := &x.Headers[i]
		if !slices.Contains(headers, h.Name) {
			continue
		}
		if h.Sealed = sealedBefore(x, h.Name, old); h.Sealed == nil {
			return signalbox.InvalidField(at+"headers", "%sheaders: there is no value of %q to keep: give it anew, as also when the scheme or the host changes", at, clip(h.Name))
		}
	}
	if x.Type != signalbox.ActSlack {
		return nil
	}
	address, err := unmask(x.WebhookURL, at+"webhook_url", func(yield func(string) bool) {
		for i := range old {
			if old[i].Type == signalbox.ActSlack && !yield(old[i].WebhookURL) {
				return
			}
		}
	})
	x.WebhookURL = address
	return err
}

// sealedBefore is a header's value as it was sealed, of an action that goes to the same scheme and host: nobody has it sent to himself by another address.
func sealedBefore(x *signalbox.Action, name string, old []signalbox.Action) []byte {
	for i := range old {
		o := &old[i]
		if o.Type != signalbox.ActWebhook || automate.Origin(o.URL) == "" || automate.Origin(o.URL) != automate.Origin(x.URL) {
			continue
		}
		for _, h := range o.Headers {
			if h.Name == name {
				return h.Sealed
			}
		}
	}
	return nil
}

// hidden stands in a masked address for what is not shown; no address holds it.
const hidden = "…"

// masked is an address that whoever has it can post to, as it is shown: where it leads, and enough of its end to tell it from others.
func masked(address string) string {
	const shown, least = 4, 16 // characters of the end, and how many must stay hidden
	origin := automate.Origin(address)
	if rest := address[len(origin):]; len(rest) >= shown+least {
		return origin + "/" + hidden + rest[len(rest)-shown:]
	}
	return origin + "/" + hidden
}

// unmask finds the address that a body gives as it was shown.
func unmask(given, param string, old func(yield func(string) bool)) (string, error) {
	if !strings.Contains(given, hidden) {
		return given, nil
	}
	for address := range old {
		if masked(address) == given {
			return address, nil
		}
	}
	return "", signalbox.InvalidField(param, "%s is masked, and there is no such address to keep: give it whole", param)
}

// asGiven names in a refusal of the checks the one action of a body as the body did.
func (ch *automationChange) asGiven(err error) error {
	var e *signalbox.Error
	if !ch.one || !errors.As(err, &e) || !strings.HasPrefix(e.Param, "actions[0].") {
		return err
	}
	shown := *e
	shown.Param = "action." + strings.TrimPrefix(e.Param, "actions[0].")
	shown.Msg = strings.ReplaceAll(e.Msg, e.Param, shown.Param)
	return &shown
}
