package wire

import (
	"slices"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// The names of the events that a webhook can subscribe to (S1-12…S1-16).
const (
	EventSignalCreated       = "signal.created"
	EventSignalScored        = "signal.scored"
	EventAutomationTriggered = "automation.triggered"
	EventAccountScoreChanged = "account.score_changed"
	EventContactScoreChanged = "contact.score_changed"
	EventAccountStageChanged = "account.stage_changed"
	EventContactStageChanged = "contact.stage_changed"
	EventSignalQualified     = "signal.qualified"
	EventAudienceEntered     = "audience.entered"
	EventAudienceLeft        = "audience.left"
)

// EventType is a kind of event that a webhook can subscribe to.
type EventType struct {
	Name        string
	Description string
	Produced    bool // false: can be subscribed to and tested, but this version never sends it by itself
	data        func(dst []byte, e *EventInfo) []byte
	dataSchema  string
}

// eventTypes are in the order of S1's checklist, then those of S4, operational ones last; never changed.
var eventTypes = slices.Concat(engagement, providerEvents(), operational)

var engagement = []EventType{
	{EventSignalCreated, "A new signal was ingested, from any source.", true, appendSignalData, signalCreatedSchema},
	{EventSignalScored, "A signal was processed and given a score.", true, appendScoredData, signalScoredSchema},
	{EventAutomationTriggered, "An automation was triggered by a matching signal.", true, appendTriggeredData, automationTriggeredSchema},
	{EventAccountScoreChanged, "The score of an account changed.", true, appendAccountScoreData, accountScoreSchema},
	{EventContactScoreChanged, "The score of a contact changed.", true, appendContactScoreData, contactScoreSchema},
	{EventAccountStageChanged, "An account has reached another stage, by a signal or as time passed.", true, appendAccountStageData, accountStageSchema},
	{EventContactStageChanged, "A contact has reached another stage, by a signal or as time passed.", true, appendContactStageData, contactStageSchema},
	{EventSignalQualified, "A signal was captured whose record fits an ideal customer.", true, appendQualifiedData, signalQualifiedSchema},
	{EventAudienceEntered, "An account or a contact has entered an audience.", true, appendAudienceData, audienceMoveSchema},
	{EventAudienceLeft, "An account or a contact has left an audience.", true, appendAudienceData, audienceMoveSchema},
}

var operational = []EventType{
	{EventWebhookFailing, "Every attempt of an hour to deliver to another webhook has failed.", true, appendFailingData, webhookFailingSchema},
	{EventWebhookRecovered, "Another webhook that was failing is delivered to again.", true, appendFailingData, webhookFailingSchema},
	{EventWebhookDisabled, "Another webhook was disabled: by hand, by its receiver, or after five days of failures.", true, appendDisabledData, webhookDisabledSchema},
	{EventDeliveryFailed, "A delivery to another webhook has no attempt left.", true, appendDeliveryData, deliveryFailedSchema},
}

// EventTypes lists every event that a webhook of a format can be sent, in the documents' order: those that it can subscribe to, and for staircase
// the notification, which nothing subscribes to. The list is the caller's own.
func EventTypes(format signalbox.Format) []EventType {
	if format == signalbox.FormatStaircase {
		return []EventType{notification}
	}
	list := slices.Clone(eventTypes)
	return slices.DeleteFunc(list, func(t EventType) bool { return format.EventName(t.Name) == "" })
}

// In is what the webhooks of a format call the event.
func (t EventType) In(format signalbox.Format) string {
	if name := format.EventName(t.Name); name != "" {
		return name
	}
	return t.Name
}

// LookUp finds an event by what the webhooks of a format call it.
func LookUp(format signalbox.Format, event string) (EventType, bool) {
	for _, t := range EventTypes(format) {
		if t.In(format) == event {
			return t, true
		}
	}
	return EventType{}, false
}

// byName are the events by their own names.
var byName = func() map[string]EventType {
	all := make(map[string]EventType, len(eventTypes))
	for _, t := range eventTypes {
		all[t.Name] = t
	}
	return all
}()

// Schema returns the JSON Schema (draft 2020-12) of the whole body that a format sends for this event, as compact JSON.
func (t EventType) Schema(format signalbox.Format) []byte {
	dst := append([]byte(nil), `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":`...)
	dst = strictjson.AppendString(dst, t.In(format))
	dst = append(dst, `,"description":`...)
	dst = strictjson.AppendString(dst, t.Description)
	switch format {
	case signalbox.FormatStackOne:
		return append(stackOneSchema(dst, t.Name), '}')
	case signalbox.FormatStaircase:
		return append(notificationSchema(dst), '}')
	case signalbox.FormatStandard:
		dst = append(dst, `,"type":"object","required":["type","timestamp","data"],"properties":{"type":{"const":`...)
		dst = strictjson.AppendString(dst, t.Name)
		dst = append(dst, `},"timestamp":`+timeSchema+`,"data":`...)
	default:
		dst = append(dst, `,"type":"object","required":["event","id","created_at","workspace_id","data"],"properties":{"event":{"const":`...)
		dst = strictjson.AppendString(dst, t.Name)
		dst = append(dst, `},"id":`+textSchema+`,"created_at":`+timeSchema+`,"workspace_id":`+textSchema+`,"data":`...)
	}
	dst = append(dst, t.dataSchema...)
	return append(dst, `}}`...)
}

// Sample returns an example body of an event for the documentation, nil for an unknown event. Its ids are well formed and name
// nothing.
func Sample(event string, format signalbox.Format, c *signalbox.Codec, now time.Time) []byte {
	e := EventInfo{Codec: c, Event: signalbox.EventID(sampleID(now, 1)), Workspace: signalbox.WorkspaceID(sampleID(now, 2)), CreatedAt: now}
	body, err := SampleWith(event, format, e, nil)
	if err != nil {
		return nil // the event is unknown: a sample of our own data cannot fail otherwise
	}
	return body
}

// SampleWith freezes the body of a test call (S1-11): the sample of an event, by what the format calls it, under the event id, workspace and time
// of e. A non-empty data, a JSON object, replaces the sample's own: its "data", or the whole body in a format that has none. The rest of e is not
// looked at. The errors are of Params "event" and "data".
func SampleWith(event string, format signalbox.Format, e EventInfo, data []byte) ([]byte, error) {
	t, ok := LookUp(format, event)
	if !ok {
		return nil, unknownEvent(format, event)
	}
	dst := make([]byte, 0, 1024+len(data))
	if len(data) == 0 {
		t.fill(&e)
		return t.append(dst, format, &e), nil
	}
	enveloped := format == signalbox.FormatStairoids || format == signalbox.FormatStandard
	if enveloped {
		dst = appendHead(dst, format, t.Name, &e)
	}
	at := len(dst)
	dst, err := strictjson.AppendStable(dst, data)
	if err != nil {
		return nil, badJSON(err, "data")
	}
	if dst[at] != '{' {
		return nil, signalbox.InvalidField("data", "data must be a JSON object, not %s", kindOf(dst[at:]))
	}
	if enveloped {
		dst = append(dst, '}')
	}
	return dst, nil
}

// fill puts the sample of an event into e.
func (t EventType) fill(e *EventInfo) {
	switch {
	case t.Name == EventNotification:
		fillNotification(e)
	case signalbox.Operational(t.Name):
		fillOperational(e, t.Name)
	case signalbox.FormatStackOne.EventName(t.Name) != "":
		fillProvider(e, t.Name)
	default:
		fillSample(e)
		e.Signal.Points = signalbox.PointsOf(2)
		e.Qualified = &signalbox.Qualified{ICP: "Mid-market SaaS", ICPScore: 73, Persona: "VP Engineering", PersonaScore: 81}
		e.Audience = &signalbox.Audience{ID: signalbox.AudienceID(sampleID(e.CreatedAt, 6)), Name: "Ready to talk", Of: signalbox.AccountRecord}
		e.Automation = &signalbox.Automation{ID: signalbox.AutomationID(sampleID(e.CreatedAt, 6)), Name: "High-intent trial → notify sales"}
		e.Run = signalbox.RunID(sampleID(e.CreatedAt, 7))
		e.Change = &ScoreChange{Score: 42, Previous: 38, Stage: "Warm", PreviousStage: "Cool", Reason: "signal"}
	}
}

func unknownEvent(format signalbox.Format, event string) error {
	known := namesIn(format)
	if near := nearest(event, known); near != "" {
		return signalbox.InvalidField("event", "event: unknown event %q; did you mean %q?", clip(event), near)
	}
	return signalbox.InvalidField("event", "event: unknown event %q; GET /v1/event-types lists them", clip(event))
}

// sampleID makes an id of the moment that no row has: the highest node number, whose ids only a node of that number makes.
func sampleID(now time.Time, n int64) int64 {
	const nodeShift = 12 // the bits of an id's sequence
	return signalbox.FirstIDAt(now) + signalbox.MaxNode<<nodeShift + n
}

// fillSample puts S1's sample signal into e.
func fillSample(e *EventInfo) {
	e.Account = &signalbox.Account{ID: signalbox.AccountID(sampleID(e.CreatedAt, 3)), Domain: "acme.com", Name: "Acme Corp", Revision: 1}
	e.Contact = &signalbox.Contact{ID: signalbox.ContactID(sampleID(e.CreatedAt, 4)), Email: "jane.doe@acme.com", FirstName: "Jane", LastName: "Doe", Revision: 1}
	e.Signal = &signalbox.Signal{
		ID: signalbox.SignalID(sampleID(e.CreatedAt, 5)), Type: "page_view", Source: "segment",
		Account: e.Account.ID, Contact: e.Contact.ID,
		Properties: []byte(`{"url":"https://www.acme.com/pricing","referrer":"https://www.google.com"}`),
		CreatedAt:  e.CreatedAt.Add(-2 * time.Second),
	}
}

func appendSignalData(dst []byte, e *EventInfo) []byte {
	return append(appendSignal(append(dst, `{"signal":`...), e), '}')
}

// appendTriggeredData appends the automation, its run, and what started it: the signal is null where time or a person did.
func appendTriggeredData(dst []byte, e *EventInfo) []byte {
	dst = append(dst, `{"automation":{"id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindAutomation, int64(e.Automation.ID))
	dst = append(dst, `,"name":`...)
	dst = strictjson.AppendString(dst, e.Automation.Name)
	dst = append(dst, `},"run":{"id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindRun, int64(e.Run))
	dst = append(dst, `},"signal":`...)
	if e.Signal == nil {
		dst = append(dst, `null`...)
	} else {
		dst = appendSignal(dst, e)
	}
	dst = appendAccount(append(dst, `,"account":`...), e.Codec, e.Account)
	dst = appendContact(append(dst, `,"contact":`...), e.Codec, e.Contact)
	return append(dst, '}')
}
