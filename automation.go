package signalbox

import (
	"encoding/json"
	"time"
)

// Automation is what a workspace has done when something happens (contract section 10); a notification is one with a preset (section 11).
type Automation struct {
	ID           AutomationID  `json:"-"`
	Version      int64         `json:"-"` // grows with each change
	Name         string        `json:"name"`
	Enabled      bool          `json:"enabled,omitempty"`      // one that is not is never started
	Notification *Notification `json:"notification,omitempty"` // not nil: the preset that stands for all that follows, which is then empty
	Trigger      Trigger       `json:"trigger"`
	Conditions   []string      `json:"conditions,omitempty"` // expressions, which all must hold
	Frequency    Frequency     `json:"frequency,omitzero"`
	Delay        time.Duration `json:"delay,omitempty"`    // of the actions; the conditions are asked again then
	PerHour      int           `json:"per_hour,omitempty"` // runs in an hour (UTC); 0: DefaultPerHour
	Actions      []Action      `json:"actions,omitempty"`  // at least one
}

// DefaultPerHour is how many runs an automation has in an hour at most unless set; those beyond it are kept as RunThrottled.
const DefaultPerHour = 1000

// MaxDepth bounds chains: a signal that an automation has sent lies one deeper than what started it, and at this depth an automation sends none and
// changes no record.
const MaxDepth = 4

// TriggerType says what an automation waits for.
type TriggerType string

// The triggers.
const (
	OnSignal   TriggerType = "signal_received"
	OnProperty TriggerType = "signal_property_match"
	OnScore    TriggerType = "score_threshold"
	OnAudience TriggerType = "audience"
	OnFit      TriggerType = "qualified"
	OnStage    TriggerType = "stage"
	OnRecord   TriggerType = "record_changed"
	OnEvent    TriggerType = "event" // the API form, {event, conditions}
)

// Trigger is what starts an automation. Which fields count is said by Type; the others are zero.
type Trigger struct {
	Type TriggerType `json:"type"`

	SignalType string `json:"signal_type,omitempty"` // of OnSignal; it need not have been seen yet (S0-29)
	Source     string `json:"source,omitempty"`      // of OnSignal; "": any

	PropertyKey   string          `json:"property_key,omitempty"` // of OnProperty, as the two below
	Operator      string          `json:"operator,omitempty"`
	PropertyValue json.RawMessage `json:"property_value,omitempty"`

	Of        RecordKind `json:"of,omitempty"`        // of OnScore and OnStage: whose
	Threshold int        `json:"threshold,omitempty"` // of OnScore, a shown score
	Direction Direction  `json:"direction,omitempty"` // of OnScore
	Stage     string     `json:"stage,omitempty"`     // of OnStage: the one that is reached; "": any

	Audience AudienceID `json:"audience,omitempty"` // of OnAudience
	On       Move       `json:"on,omitempty"`       // of OnAudience

	ICP     string `json:"icp_code,omitempty"`     // of OnFit; "": any that fits
	Persona string `json:"persona_code,omitempty"` // of OnFit; "": any, or none

	RecordType string `json:"record_type,omitempty"` // of OnRecord: "employees"
	Change     string `json:"change,omitempty"`      // of OnRecord: "created", "updated" or "deleted"; "": any

	Event      string   `json:"event,omitempty"`      // of OnEvent
	Conditions []string `json:"conditions,omitempty"` // of OnEvent: expressions, which all must hold
}

// Direction is how a score crosses a threshold.
type Direction string

// The directions.
const (
	Above Direction = "above" // from below the threshold to it, or higher
	Below Direction = "below" // from the threshold, or higher, to below it
)

// Move is what a record does with an audience.
type Move string

// The moves.
const (
	Enters Move = "enter"
	Leaves Move = "leave"
)

// Frequency says how often an automation runs for the same record. The zero value is for everything that starts it.
type Frequency struct {
	Mode     FrequencyMode `json:"mode,omitempty"`
	Duration time.Duration `json:"duration,omitempty"` // of Cooldown: how long after a run there is no other one
	Per      RecordKind    `json:"per,omitempty"`      // of Cooldown: whose run counts
}

// FrequencyMode is how often.
type FrequencyMode string

// The modes.
const (
	Every          FrequencyMode = "every" // and ""
	OncePerContact FrequencyMode = "once_per_contact"
	OncePerAccount FrequencyMode = "once_per_account"
	Cooldown       FrequencyMode = "cooldown"
)

// Starts is the trigger: of a notification, that of its preset.
func (a *Automation) Starts() *Trigger {
	if a.Notification != nil {
		return &a.Notification.Trigger
	}
	return &a.Trigger
}

// Limits says that the frequency keeps something out.
func (f Frequency) Limits() bool { return f.Mode != "" && f.Mode != Every }

// ActionType says what an action does.
type ActionType string

// The actions.
const (
	ActWebhook ActionType = "webhook" // a request of its own
	ActSlack   ActionType = "slack"
	ActEmail   ActionType = "email"
	ActUpdate  ActionType = "update" // of the record
	ActSignal  ActionType = "signal" // about the same records
	ActNotify  ActionType = "notify" // of a notification: to a registered webhook
)

// Action is one thing that a run does. Which fields count is said by Type; the others are zero. What is called a template may hold {{ expression }}.
type Action struct {
	Type ActionType `json:"type"`

	URL     string          `json:"url,omitempty"`     // of a webhook; its scheme and host are literal, the rest is a template
	Method  string          `json:"method,omitempty"`  // of a webhook: POST, PUT or PATCH; "": POST
	Headers []Header        `json:"headers,omitempty"` // of a webhook
	Body    json.RawMessage `json:"body,omitempty"`    // of a webhook: a JSON template; nil: what S0-30…S0-38 show

	WebhookURL string          `json:"webhook_url,omitempty"` // of slack; literal. Whoever has it can post
	Text       string          `json:"text,omitempty"`        // of slack and email: a template
	Blocks     json.RawMessage `json:"blocks,omitempty"`      // of slack: a JSON template, a list of Block Kit's blocks

	To      string `json:"to,omitempty"`      // of an email: one address
	Subject string `json:"subject,omitempty"` // of an email: a template

	Entity     RecordKind      `json:"entity,omitempty"`     // of an update: whose
	Attributes json.RawMessage `json:"attributes,omitempty"` // of an update: a JSON template, an object that is merged (RFC 7396)
	Status     string          `json:"status,omitempty"`     // of an update of an account: a template
	Name       string          `json:"name,omitempty"`       // of an update of an account: a template

	SignalType string          `json:"signal_type,omitempty"` // of a signal; literal
	Properties json.RawMessage `json:"properties,omitempty"`  // of a signal: a JSON template, an object

	Webhook WebhookID `json:"webhook,omitempty"` // of notify
}

// Header is a custom header of a webhook action. Its value is sealed: nobody reads it back.
type Header struct {
	Name   string `json:"name"`
	Sealed []byte `json:"sealed"`
}

// Notification is what makes an automation a notification (contract section 11).
type Notification struct {
	Trigger       Trigger       `json:"trigger"` // OnSignal, OnRecord, OnScore, OnStage or OnAudience
	AccountFilter string        `json:"account_filter,omitempty"`
	Destinations  []Destination `json:"destinations"` // at least one
}

// Destination is where a notification goes.
type Destination struct {
	Type       ActionType `json:"type"`                  // ActNotify, ActSlack or ActEmail
	Webhook    WebhookID  `json:"webhook,omitempty"`     // of ActNotify (S2-17)
	WebhookURL string     `json:"webhook_url,omitempty"` // of ActSlack
	To         string     `json:"to,omitempty"`          // of ActEmail: one address
}

// Run is that an automation was started, and what came of it.
type Run struct {
	ID         RunID
	Workspace  WorkspaceID
	Automation AutomationID
	Version    int64    // of the automation, when it was started
	Signal     SignalID // what it was started by; 0: no signal
	Account    AccountID
	Contact    ContactID
	Of         RecordKind // whose score, stage or membership it was that started it; 0: none was
	Happened   string     // the event that started it: "signal.created"
	At         time.Time
	Due        time.Time // when a waiting one goes on; else zero
	Status     RunStatus
	Reasons    []Reason
	Actions    []Rendered // none while it waits, or is throttled
	Notice     *Said      // of a notification: what it says
	Depth      int        // of what started it: what it causes lies one deeper
	Events     []EventID  // what it sent, and the automation.triggered that tells of it
}

// RunStatus is where a run stands.
type RunStatus string

// The states of a run.
const (
	RunDone      RunStatus = "done"      // its actions were made; what became of each is told by its delivery
	RunWaiting   RunStatus = "waiting"   // for its delay
	RunThrottled RunStatus = "throttled" // the hour had no room for it: kept, and nothing was done
	RunStopped   RunStatus = "stopped"   // nothing is done: its conditions no longer hold, or none of its actions could be made
)

// Reason is one part of why a run was made, or was not.
type Reason struct {
	Clause  string  `json:"clause"`          // `properties.team_size > 10`, "frequency"
	Value   string  `json:"value,omitempty"` // for people: "signal.properties.team_size is 8, not > 10"
	Outcome Outcome `json:"outcome"`
}

// Outcome is what a clause gave.
type Outcome string

// The outcomes.
const (
	Met   Outcome = "met"
	Unmet Outcome = "unmet"
)

// Asked is a stored signal that an automation is asked about afterwards: why it was started by it, or was not. It is what was known when the signal came, as far as
// that can be told.
type Asked struct {
	Signal  *SignalView
	Account Stood     // of Signal.AccountRow
	Contact Stood     // of Signal.ContactRow
	Fit     Qualified // what the qualification of whom it is about came to
	Signals []Signal  // of the record that conditions on signals ask, up to this one and with it, the latest first
}

// Stood is where a record stood before a signal and after it. The zero value is of nobody.
type Stood struct{ Before, After Standing }

// Rendered is an action that is ready to be done: nothing in it is a template.
type Rendered struct {
	Step   int        `json:"step"` // its place among the automation's actions, from 1
	Type   ActionType `json:"type"`
	Key    string     `json:"idempotency_key,omitempty"` // the run's id and the step: the same at every attempt
	Failed string     `json:"failed,omitempty"`          // why it could not be made, for people: nothing else is set but the above
	Event  EventID    `json:"event,omitempty"`           // what it was sent as: that has the body, the text and the headers, which are not kept here once it is stored
	Signal SignalID   `json:"signal,omitempty"`          // the signal that it sent

	URL     string   `json:"url,omitempty"` // of a webhook and of slack
	Method  string   `json:"method,omitempty"`
	Headers []Header `json:"headers,omitempty"`
	Body    []byte   `json:"body,omitempty"` // frozen

	To      string `json:"to,omitempty"`
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text,omitempty"` // of an email

	Entity     RecordKind      `json:"entity,omitempty"`
	Attributes json.RawMessage `json:"attributes,omitempty"`
	Status     string          `json:"status,omitempty"` // "": left alone
	Name       string          `json:"name,omitempty"`   // "": left alone

	SignalType string          `json:"signal_type,omitempty"`
	Properties json.RawMessage `json:"properties,omitempty"` // an object

	Webhook WebhookID `json:"webhook,omitempty"` // of notify
}

// Said is what a notification says of what happened.
type Said struct {
	Type        string `json:"type"` // "account_personnel_change", "stage"
	Title       string `json:"title"`
	Description string `json:"description"`
}
