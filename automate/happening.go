package automate

import (
	"regexp"
	"slices"
	"strings"

	"signalbox"
	"signalbox/expr"
)

// What says what kind of thing happened.
type What uint8

// What can happen.
const (
	Received  What = 1 // a signal was received and scored
	Scored    What = 2 // a shown score is another one
	Staged    What = 3 // a record is in another stage
	Moved     What = 4 // a record entered an audience, or left it
	Qualified What = 5 // a captured signal's record fits an ICP
	Changed   What = 6 // a record of a linked account was created, updated or deleted
	Named     What = 7 // any other event, by its name
)

// The names of the events that a trigger may name. Events of records of linked accounts have names of a form: see recordEvent.
const (
	signalCreated   = "signal.created"
	signalScored    = "signal.scored"
	signalQualified = "signal.qualified"
	audienceEntered = "audience.entered"
	audienceLeft    = "audience.left"
	scoreChanged    = ".score_changed" // behind account or contact, as the next one
	stageChanged    = ".stage_changed"
)

var events = []string{
	signalCreated, signalScored, signalQualified, "account" + scoreChanged, "contact" + scoreChanged, "account" + stageChanged, "contact" + stageChanged,
	audienceEntered, audienceLeft, "linked_account.created", "linked_account.updated", "linked_account.deleted",
}

// recordEvent is how events of records are called: hris_employees.updated (S4-10…S4-15).
var recordEvent = regexp.MustCompile(`^(hris|ats)_[a-z0-9_]+\.(created|updated|deleted)$`)

// Events lists the events that a trigger may name, but for those of records of linked accounts. What tells of automations, webhooks and deliveries themselves
// is not among them: an automation on it could start itself for ever.
func Events() []string { return slices.Clone(events) }

// Happening is one thing that happened, with whom it is about. Which of the fields below the line count is said by What.
type Happening struct {
	What    What
	Account *signalbox.Account // nil: none, as of the two below
	Contact *signalbox.Contact
	Signal  *signalbox.Signal // that caused it
	Depth   int               // of what caused it: of a signal or a change that an automation has made, one more than that of its run; else 0

	Of           signalbox.RecordKind // of Scored, Staged and Moved: whose
	From, To     int                  // of Scored: the shown score before and after
	Left, Enters string               // of Staged: the stage before and after
	Audience     signalbox.AudienceID // of Moved
	AudienceName string               // of Moved: for notifications
	Entered      bool                 // of Moved
	Fit          signalbox.Qualified  // of Qualified
	API          string               // of Changed: "hris"
	RecordType   string               // of Changed: "employees"
	Change       string               // of Changed: "created", "updated" or "deleted"
	Provider     string               // of Changed: for notifications
	Event        string               // of Named
}

// Name is the event that tells of it.
func (h *Happening) Name() string {
	switch h.What {
	case Received:
		return signalCreated
	case Scored:
		return h.Of.String() + scoreChanged
	case Staged:
		return h.Of.String() + stageChanged
	case Moved:
		if h.Entered {
			return audienceEntered
		}
		return audienceLeft
	case Qualified:
		return signalQualified
	case Changed:
		return h.API + "_" + h.RecordType + "." + h.Change
	}
	return h.Event
}

// is says whether an event tells of it: two tell of a signal.
func (h *Happening) is(event string) bool {
	return event != "" && h.Name() == event || h.What == Received && event == signalScored
}

// past says that it tells of history, which starts nothing.
func (h *Happening) past() bool { return h.Signal != nil && h.Signal.Backfill }

// Matched is an automation that is started, before its frequency is asked.
type Matched struct{ e *entry }

// Automation is the automation; nothing of it may be changed. Of a notification it is what the notification stands for.
func (x Matched) Automation() *signalbox.Automation { return &x.e.a }

// Match finds the enabled automations that a happening starts: whose trigger and conditions hold of it, by id. Conditions are asked of the facts: f.Signal,
// f.Account and f.Contact are those of h, as far as it has them, and f.Times those of the record that it happened to; of a signal, of its account, or of its
// contact where it has none. What that costs is taken from the budget, which may be nil; a condition that it does not pay for does not hold. A signal of history (backfill)
// starts nothing.
func (m *Model) Match(h *Happening, f *expr.Facts, b *expr.Budget) []Matched {
	if h.past() {
		return nil
	}
	var list []Matched
	for _, e := range m.candidates(h) {
		if e.starts(h, f, b) && e.holds(f, b) {
			list = append(list, Matched{e})
		}
	}
	return list
}

// Awaits says whether any enabled automation may be started by a happening: where none may, nothing need be gathered to ask Match.
func (m *Model) Awaits(h *Happening) bool { return !h.past() && len(m.candidates(h)) > 0 }

// candidates are the enabled automations that may be started, by id.
func (m *Model) candidates(h *Happening) []*entry {
	switch h.What {
	case Received:
		if h.Signal == nil {
			return nil
		}
		if of, named := m.byType[h.Signal.Type]; named {
			return of
		}
		return m.anyType
	case Changed:
		return m.records
	}
	return m.byEvent[h.Name()]
}

// starts asks the trigger alone.
func (e *entry) starts(h *Happening, f *expr.Facts, b *expr.Budget) bool {
	t := &e.a.Trigger
	switch t.Type {
	case signalbox.OnSignal:
		return h.What == Received && h.Signal.Type == t.SignalType && (t.Source == "" || h.Signal.Source == t.Source)
	case signalbox.OnProperty:
		return h.What == Received && e.property.Ask(f, b).Holds
	case signalbox.OnScore:
		return h.What == Scored && h.Of == t.Of && crosses(t, h.From, h.To)
	case signalbox.OnStage:
		return h.What == Staged && h.Of == t.Of && h.Left != h.Enters && (t.Stage == "" || h.Enters == t.Stage)
	case signalbox.OnAudience:
		return h.What == Moved && h.Audience == t.Audience && h.Entered == (t.On == signalbox.Enters)
	case signalbox.OnFit:
		return h.What == Qualified && h.Fit.ICP != "" && (t.ICP == "" || h.Fit.ICP == t.ICP) && (t.Persona == "" || h.Fit.Persona == t.Persona)
	case signalbox.OnRecord:
		return h.What == Changed && h.RecordType == t.RecordType && (t.Change == "" || h.Change == t.Change)
	case signalbox.OnEvent:
		return h.is(t.Event)
	}
	return false
}

// crosses says whether a score goes over a threshold in the trigger's direction (V-12). It is armed again by crossing back, for then it can be crossed again.
func crosses(t *signalbox.Trigger, from, to int) bool {
	if t.Direction == signalbox.Above {
		return from < t.Threshold && t.Threshold <= to
	}
	return to < t.Threshold && t.Threshold <= from
}

// holds asks the conditions.
func (e *entry) holds(f *expr.Facts, b *expr.Budget) bool {
	for _, p := range e.when {
		if !p.Ask(f, b).Holds {
			return false
		}
	}
	return true
}

// event is what an automation without an index of its own listens to; "" for one that only signals of some types start.
func (t *triggered) event() string {
	switch t.Type {
	case signalbox.OnSignal, signalbox.OnProperty:
		return signalCreated
	case signalbox.OnScore:
		return t.Of.String() + scoreChanged
	case signalbox.OnStage:
		return t.Of.String() + stageChanged
	case signalbox.OnAudience:
		if t.On == signalbox.Enters {
			return audienceEntered
		}
		return audienceLeft
	case signalbox.OnFit:
		return signalQualified
	}
	return t.Event
}

// triggered is a trigger, to be asked what it waits for.
type triggered signalbox.Trigger

// signals says that it is signals that start it.
func (t *triggered) signals() bool { return t.event() == signalCreated || t.event() == signalScored }

// records says that it is records of linked accounts.
func (t *triggered) records() bool {
	return t.Type == signalbox.OnRecord || recordEvent.MatchString(t.Event)
}

// about is the record of a linked account that a record event tells of.
func about(event string) (recordType, change string) {
	name, change, _ := strings.Cut(event, ".")
	_, recordType, _ = strings.Cut(name, "_")
	return recordType, change
}
