package wire

import (
	"strconv"

	"signalbox"
)

// EventNotification is what the log calls a notification that goes to a webhook. Nothing subscribes to it: a notification names where it goes (S2-16,
// S2-17).
const EventNotification = "notification"

// notification is not among eventTypes: a webhook of the format staircase subscribes to nothing.
var notification = EventType{EventNotification, "A notification names this webhook as where it goes.", false, nil, ""}

// Notice is what a notification says, beside the account, contact and signal that it is about.
type Notice struct {
	ID          int64  // of the notification; 0 for none
	Name        string // of the notification
	Type        string // of what happened: "account_personnel_change"
	Title       string
	Description string
	Status      string // of the account: "active"
	Score       *int   // of the account; nil when it has none
	Stage       string // of the account
	URL         string // of the account's page in the dashboard
	Test        bool   // somebody asked for it (S2-20)
}

// appendNotification appends the whole body of the format staircase (contract section 11), up to its last brace.
func appendNotification(dst []byte, e *EventInfo) []byte {
	n := e.Notice
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindEvent, int64(e.Event))
	dst = appendField(dst, "type", n.Type)
	dst = append(dst, `,"notification":{"id":`...)
	dst = appendID(dst, e.Codec, "ntf", n.ID)
	dst = append(dst, `,"name":`...)
	dst = appendText(dst, n.Name)
	dst = append(dst, `},"title":`...)
	dst = appendText(dst, n.Title)
	dst = append(dst, `,"description":`...)
	dst = appendText(dst, n.Description)
	dst = append(dst, `,"occurred_at":"`...)
	dst = AppendMillis(dst, e.happened())
	dst = append(dst, `","account":`...)
	dst = appendStanding(dst, e)
	dst = append(dst, `,"contact":`...)
	dst = appendContact(dst, e.Codec, e.Contact)
	dst = append(dst, `,"signal":`...)
	if e.Signal == nil {
		dst = append(dst, `null`...)
	} else {
		dst = appendSignal(dst, e)
	}
	dst = append(dst, `,"url":`...)
	dst = appendText(dst, n.URL)
	dst = append(dst, `,"test":`...)
	return strconv.AppendBool(dst, n.Test)
}

// appendStanding appends an account with where it stands.
func appendStanding(dst []byte, e *EventInfo) []byte {
	if e.Account == nil {
		return append(dst, `null`...)
	}
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindAccount, int64(e.Account.ID))
	dst = append(dst, `,"name":`...)
	dst = appendText(dst, e.Account.Name)
	dst = append(dst, `,"domain":`...)
	dst = appendText(dst, e.Account.Domain)
	dst = append(dst, `,"status":`...)
	dst = appendText(dst, e.Notice.Status)
	dst = append(dst, `,"score":`...)
	if e.Notice.Score == nil {
		dst = append(dst, `null`...)
	} else {
		dst = strconv.AppendInt(dst, int64(*e.Notice.Score), 10)
	}
	dst = append(dst, `,"stage":`...)
	dst = appendText(dst, e.Notice.Stage)
	return append(dst, '}')
}

// fillNotification puts a sample into e: a person in a key role has left (S2-21).
func fillNotification(e *EventInfo) {
	fillSample(e)
	e.Signal.Type, e.Signal.Source, e.Signal.Properties = "account_personnel_change", "hris", []byte(`{"change":"left"}`)
	score := 71
	e.OccurredAt = e.Signal.CreatedAt
	e.Notice = &Notice{
		ID: sampleID(e.CreatedAt, 12), Name: "Account personnel change", Type: e.Signal.Type, Title: "Account personnel change at Acme Corp",
		Description: "Jane Doe has left.", Status: "active", Score: &score, Stage: "In-market", Test: true,
	}
}

// notificationSchema is the schema of a body in the format staircase, up to its last brace.
func notificationSchema(dst []byte) []byte {
	return append(dst, `,"type":"object","required":["id","type","notification","title","description","occurred_at","account","contact","signal","url","test"],"properties":{"id":`+textSchema+
		`,"type":`+textSchema+`,"notification":{"type":"object","required":["id","name"],"properties":{"id":`+maybeTextSchema+`,"name":`+maybeTextSchema+`}},"title":`+maybeTextSchema+
		`,"description":`+maybeTextSchema+`,"occurred_at":`+timeSchema+`,"account":{"type":["object","null"],"required":["id","name","domain","status","score","stage"],"properties":{"id":`+textSchema+
		`,"name":`+maybeTextSchema+`,"domain":`+maybeTextSchema+`,"status":`+maybeTextSchema+`,"score":{"type":["integer","null"]},"stage":`+maybeTextSchema+`}},"contact":`+contactOrNull+
		`,"signal":{"type":["object","null"]},"url":`+maybeTextSchema+`,"test":{"type":"boolean"}}`...)
}
