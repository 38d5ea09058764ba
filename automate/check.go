package automate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"signalbox"
	"signalbox/expr"
)

// The bounds of an automation.
const (
	MaxConditions = 20
	MaxActions    = 10
	MaxDelay      = 30 * 24 * time.Hour
	MinCooldown   = time.Minute
	MaxCooldown   = 365 * 24 * time.Hour
	MaxPerHour    = 100_000   // runs, 28 a second: what is sent more of is a stream, which a webhook takes
	MaxThreshold  = 1_000_000 // scores are sums, and have no highest one
)

// Options are what checking an automation needs to know besides.
type Options struct {
	SlackHosts   []string                      // that slack actions may post to besides Slack's own: "host" or "host:port", by http too
	CheckHeaders func(map[string]string) error // judges the names of custom headers, as those of webhooks are judged; nil: there may be none
	Definitions  *signalbox.Definitions        // what may be named: audiences, webhooks, ICPs, personas, stages; nil: names are not looked up
}

// Check says what is wrong with an automation or a notification that is to be saved, as a *signalbox.Error that names the field; of an expression it wraps the
// *expr.Error. It does no I/O: whether a target may be reached is judged by who may ask names ([Targets]).
func Check(a *signalbox.Automation, o Options) error {
	e, err := ready(a)
	if err != nil {
		return err
	}
	if n := a.Notification; n != nil {
		if err := o.trigger(&n.Trigger, ""); err != nil {
			return err
		}
		return o.targets(e, func(i int) string { return "destinations[" + strconv.Itoa(i) + "]." })
	}
	if err := o.trigger(&a.Trigger, "trigger."); err != nil {
		return err
	}
	if err := o.targets(e, configOf); err != nil {
		return err
	}
	return e.loops()
}

// configOf is how refusals name what belongs to an action.
func configOf(i int) string { return "actions[" + strconv.Itoa(i) + "].config." }

// ready checks what an automation says by itself, and compiles it.
func ready(a *signalbox.Automation) (*entry, error) {
	if n := utf8.RuneCountInString(a.Name); strings.TrimSpace(a.Name) == "" || n > signalbox.MaxName {
		return nil, signalbox.InvalidField("name", "name must have 1 to %d characters", signalbox.MaxName)
	}
	if a.Notification != nil {
		return readyNotification(a)
	}
	e := &entry{a: *a}
	if err := e.trigger("trigger."); err != nil {
		return nil, err
	}
	if n := len(a.Conditions) + len(a.Trigger.Conditions); n > MaxConditions {
		return nil, signalbox.InvalidField("conditions", "conditions: there are %d, the most is %d; join some with &&", n, MaxConditions)
	}
	if err := e.conditions(a.Trigger.Conditions, "trigger.conditions"); err != nil {
		return nil, err
	}
	if err := e.conditions(a.Conditions, "conditions"); err != nil {
		return nil, err
	}
	if err := checkPace(a); err != nil {
		return nil, err
	}
	if n := len(a.Actions); n < 1 || n > MaxActions {
		return nil, signalbox.InvalidField("actions", "actions must be 1 to %d, and there are %d", MaxActions, n)
	}
	for i := range a.Actions {
		c, err := readyAction(&a.Actions[i], "actions["+strconv.Itoa(i)+"].type", configOf(i))
		if err != nil {
			return nil, err
		}
		e.actions = append(e.actions, c)
	}
	e.types = e.startedBy()
	return e, nil
}

// checkPace is about how often, how late and how many.
func checkPace(a *signalbox.Automation) error {
	fr := a.Frequency
	switch fr.Mode {
	case "", signalbox.Every, signalbox.OncePerContact, signalbox.OncePerAccount:
		if fr.Duration != 0 || fr.Per != 0 {
			return signalbox.InvalidField("frequency", "frequency: only the mode cooldown has a duration and a per; leave them out")
		}
	case signalbox.Cooldown:
		if fr.Duration < MinCooldown || fr.Duration > MaxCooldown {
			return signalbox.InvalidField("frequency.duration", "frequency.duration must be from 1m to 365d")
		}
		if fr.Per != signalbox.AccountRecord && fr.Per != signalbox.ContactRecord {
			return signalbox.InvalidField("frequency.per", "frequency.per must be contact or account")
		}
	default:
		return signalbox.InvalidField("frequency.mode", "frequency.mode must be every, once_per_contact, once_per_account or cooldown%s",
			near(string(fr.Mode), "every", "once_per_contact", "once_per_account", "cooldown"))
	}
	if a.Delay < 0 || a.Delay > MaxDelay || a.Delay%time.Second != 0 {
		return signalbox.InvalidField("delay", "delay must be whole seconds, up to 30d")
	}
	if a.PerHour < 0 || a.PerHour > MaxPerHour {
		return signalbox.InvalidField("per_hour", "per_hour must be from 1 to %s; leave it out for %s", thousands(MaxPerHour), thousands(signalbox.DefaultPerHour))
	}
	return nil
}

// conditions compiles expressions.
func (e *entry) conditions(list []string, param string) error {
	for i, when := range list {
		p, err := expr.Compile(when, expr.Options{Use: expr.ForRecord})
		if err != nil {
			return badExpression(param+"["+strconv.Itoa(i)+"]", err)
		}
		e.when = append(e.when, p)
	}
	return nil
}

// badExpression refuses an expression or a template, and keeps where it is wrong.
func badExpression(param string, err error) error {
	bad := signalbox.InvalidField(param, "%s: %s", param, err)
	var e *expr.Error
	if errors.As(err, &e) && len(e.Near) > 0 && !strings.Contains(e.Msg, e.Near[0]) {
		bad.Msg += "; did you mean " + strings.Join(e.Near, " or ") + "?"
	}
	bad.Err = err
	return bad
}

// near proposes what may have been meant.
func near(written string, known ...string) string {
	var list []string
	for _, one := range signalbox.Near(written, known) {
		list = append(list, strconv.Quote(one))
	}
	if len(list) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(list, " or ") + "?"
}

// triggerFields are the fields that each trigger may have.
var triggerFields = map[signalbox.TriggerType][]string{
	signalbox.OnSignal:   {"signal_type", "source"},
	signalbox.OnProperty: {"property_key", "operator", "property_value"},
	signalbox.OnScore:    {"entity_type", "threshold", "direction"},
	signalbox.OnAudience: {"audience_id", "on"},
	signalbox.OnFit:      {"icp_code", "persona_code"},
	signalbox.OnStage:    {"entity_type", "stage"},
	signalbox.OnRecord:   {"record_type", "change"},
	signalbox.OnEvent:    {"event", "conditions"},
}

// Triggers lists the types of triggers.
func Triggers() []signalbox.TriggerType {
	return []signalbox.TriggerType{signalbox.OnSignal, signalbox.OnProperty, signalbox.OnScore, signalbox.OnAudience, signalbox.OnFit, signalbox.OnStage,
		signalbox.OnRecord, signalbox.OnEvent}
}

// given lists the fields of a trigger that are set.
func given(t *signalbox.Trigger) []string {
	var list []string
	for _, one := range []struct {
		name string
		set  bool
	}{
		{"signal_type", t.SignalType != ""}, {"source", t.Source != ""}, {"property_key", t.PropertyKey != ""}, {"operator", t.Operator != ""},
		{"property_value", len(t.PropertyValue) > 0}, {"entity_type", t.Of != 0}, {"threshold", t.Threshold != 0}, {"direction", t.Direction != ""},
		{"stage", t.Stage != ""}, {"audience_id", t.Audience != 0}, {"on", t.On != ""}, {"icp_code", t.ICP != ""}, {"persona_code", t.Persona != ""},
		{"record_type", t.RecordType != ""}, {"change", t.Change != ""}, {"event", t.Event != ""}, {"conditions", len(t.Conditions) > 0},
	} {
		if one.set {
			list = append(list, one.name)
		}
	}
	return list
}

// trigger checks a trigger by itself, and compiles what it compares. at is what stands before its fields' names.
func (e *entry) trigger(at string) error {
	t := &e.a.Trigger
	fields, ok := triggerFields[t.Type]
	if !ok {
		var known []string
		for _, one := range Triggers() {
			known = append(known, string(one))
		}
		return signalbox.InvalidField(at+"type", "%stype: unknown trigger %q; it must be one of %s%s", at, clip(string(t.Type)), strings.Join(known, ", "), near(string(t.Type), known...))
	}
	for _, name := range given(t) {
		if !slices.Contains(fields, name) {
			return signalbox.InvalidField(at+name, "%s%s: a trigger of the type %s has no %s; it has %s", at, name, t.Type, name, strings.Join(fields, ", "))
		}
	}
	switch t.Type {
	case signalbox.OnSignal:
		return checkWord(at+"signal_type", t.SignalType)
	case signalbox.OnProperty:
		return e.propertyMatch(at)
	case signalbox.OnScore:
		return checkScore(t, at)
	case signalbox.OnAudience:
		return checkMove(t, at)
	case signalbox.OnStage:
		return checkKind(at+"entity_type", t.Of)
	case signalbox.OnRecord:
		return checkRecord(t, at)
	case signalbox.OnEvent:
		return checkEvent(t.Event, at)
	}
	return nil
}

func checkWord(param, word string) error {
	if n := utf8.RuneCountInString(word); strings.TrimSpace(word) == "" || n > signalbox.MaxName {
		return signalbox.InvalidField(param, "%s must have 1 to %d characters", param, signalbox.MaxName)
	}
	return nil
}

func checkKind(param string, kind signalbox.RecordKind) error {
	if kind != signalbox.AccountRecord && kind != signalbox.ContactRecord {
		return signalbox.InvalidField(param, "%s must be account or contact", param)
	}
	return nil
}

func checkScore(t *signalbox.Trigger, at string) error {
	if err := checkKind(at+"entity_type", t.Of); err != nil {
		return err
	}
	if t.Threshold < 1 || t.Threshold > MaxThreshold {
		return signalbox.InvalidField(at+"threshold", "%sthreshold must be a whole number from 1 to %s", at, thousands(MaxThreshold))
	}
	if t.Direction != signalbox.Above && t.Direction != signalbox.Below {
		return signalbox.InvalidField(at+"direction", "%sdirection must be above or below", at)
	}
	return nil
}

func checkMove(t *signalbox.Trigger, at string) error {
	if t.Audience <= 0 {
		return signalbox.InvalidField(at+"audience_id", "%saudience_id must name an audience", at)
	}
	if t.On != signalbox.Enters && t.On != signalbox.Leaves {
		return signalbox.InvalidField(at+"on", "%son must be enter or leave", at)
	}
	return nil
}

func checkRecord(t *signalbox.Trigger, at string) error {
	if err := checkWord(at+"record_type", t.RecordType); err != nil {
		return err
	}
	if t.Change != "" && !slices.Contains([]string{"created", "updated", "deleted"}, t.Change) {
		return signalbox.InvalidField(at+"change", "%schange must be created, updated or deleted; leave it out for any", at)
	}
	return nil
}

func checkEvent(event, at string) error {
	if slices.Contains(events, event) || recordEvent.MatchString(event) {
		return nil
	}
	if signalbox.Operational(event) || strings.HasPrefix(event, "automation.") {
		return signalbox.InvalidField(at+"event", "%sevent: %s tells of what automations and webhooks do, and starts none: they could start each other for ever; subscribe a webhook to it", at, clip(event))
	}
	return signalbox.InvalidField(at+"event", "%sevent: unknown event %q; it must be one of %s, or that of a linked account's records, as in hris_employees.updated%s",
		at, clip(event), strings.Join(events, ", "), near(event, events...))
}

// propertyMatch makes an expression of {property_key, operator, property_value}.
func (e *entry) propertyMatch(at string) error {
	t := &e.a.Trigger
	if err := checkWord(at+"property_key", t.PropertyKey); err != nil {
		return err
	}
	value := t.PropertyValue
	if len(value) == 0 {
		return signalbox.InvalidField(at+"property_value", "%sproperty_value is required", at)
	}
	raw, err := json.Marshal(map[string]any{"field": "signal.properties." + t.PropertyKey, "operator": t.Operator, "value": value})
	if err != nil {
		return signalbox.InvalidField(at+"property_value", "%sproperty_value must be JSON", at)
	}
	source, err := expr.FromStructured(raw)
	if err == nil {
		e.property, err = expr.Compile(source, expr.Options{Use: expr.ForRecord})
	}
	if err == nil {
		return nil
	}
	param := at + "property_value"
	var bad *expr.Error
	if errors.As(err, &bad) {
		switch bad.Path {
		case "field":
			param = at + "property_key"
		case "operator":
			param = at + "operator"
		}
		bad.Path = "" // the param says it
	}
	return badExpression(param, err)
}

// trigger looks up what a trigger names.
func (o Options) trigger(t *signalbox.Trigger, at string) error {
	d := o.Definitions
	if d == nil {
		return nil
	}
	if t.Audience != 0 && d.Audience(t.Audience) == nil {
		return signalbox.InvalidField(at+"audience_id", "%saudience_id: there is no such audience", at)
	}
	if err := named(at+"icp_code", "ICP", t.ICP, d.ICPs); err != nil {
		return err
	}
	if err := named(at+"persona_code", "persona", t.Persona, d.Personas); err != nil {
		return err
	}
	if t.Stage == "" {
		return nil
	}
	stages := d.Scoring.AccountStages
	if t.Of == signalbox.ContactRecord {
		stages = d.Scoring.ContactStages
	}
	if len(stages) == 0 {
		stages = signalbox.ShippedStages()
	}
	var names []string
	for _, s := range stages {
		if s.Name == t.Stage {
			return nil
		}
		names = append(names, s.Name)
	}
	return signalbox.InvalidField(at+"stage", "%sstage: there is no stage %q; there are %s", at, clip(t.Stage), strings.Join(names, ", "))
}

func named(param, what, code string, list []signalbox.Profile) error {
	var codes []string
	for i := range list {
		codes = append(codes, list[i].Code)
	}
	if code == "" || slices.Contains(codes, code) {
		return nil
	}
	return signalbox.InvalidField(param, "%s: no %s has the code %q%s", param, what, clip(code), near(code, codes...))
}

// clip keeps what is quoted in a refusal short.
func clip(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// startedBy finds the types of signals outside of which no signal starts it; nil: any.
func (e *entry) startedBy() []string {
	var types []string
	narrow := func(to []string) {
		switch {
		case to == nil:
		case types == nil:
			types = append([]string{}, to...)
		default:
			types = slices.DeleteFunc(types, func(one string) bool { return !slices.Contains(to, one) })
		}
	}
	if e.a.Trigger.Type == signalbox.OnSignal {
		narrow([]string{e.a.Trigger.SignalType})
	}
	for _, p := range e.when {
		narrow(p.Reads().Types)
	}
	return types
}

// loops refuses an automation that certainly starts itself. Longer chains, and those that a condition may end, are bounded when they run.
func (e *entry) loops() error {
	if !(*triggered)(&e.a.Trigger).signals() {
		return nil
	}
	for i := range e.a.Actions {
		x := &e.a.Actions[i]
		if x.Type != signalbox.ActSignal {
			continue
		}
		always := e.types == nil && e.a.Trigger.Type == signalbox.OnEvent && len(e.when) == 0
		if always || slices.Contains(e.types, x.SignalType) {
			return signalbox.InvalidField(configOf(i)+"type", "%stype: a signal of the type %q would start this automation again; send one of another type", configOf(i), clip(x.SignalType))
		}
	}
	return nil
}

// Target is an address that an automation sends to, as far as it stands: whoever may ask names judges whether it may be reached.
type Target struct {
	Param string // the field that names it
	URL   string // scheme and host
}

// Targets lists the addresses that an automation that [Check] has passed sends to.
func Targets(a *signalbox.Automation) ([]Target, error) {
	e, err := ready(a)
	if err != nil {
		return nil, err
	}
	at := configOf
	if a.Notification != nil {
		at = func(i int) string { return fmt.Sprintf("destinations[%d].", i) }
	}
	var list []Target
	for i, c := range e.actions {
		switch c.Type {
		case signalbox.ActWebhook:
			list = append(list, Target{at(i) + "url", c.origin})
		case signalbox.ActSlack:
			list = append(list, Target{at(i) + "webhook_url", originOf(c.WebhookURL)})
		}
	}
	return list, nil
}
