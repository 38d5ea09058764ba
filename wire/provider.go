package wire

import (
	"strings"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// The changes that linked accounts and their records go through.
const (
	changeCreated = "created"
	changeUpdated = "updated"
	changeDeleted = "deleted"
)

// recordSets are what is compared of linked accounts (S4-10…S4-15): the kind of product and the type of record.
var recordSets = [...][2]string{
	{"hris", "employees"}, {"hris", "employments"}, {"ats", "interviews"}, {"ats", "applications"}, {"ats", "candidates"}, {"ats", "job_postings"},
}

// providerEvents are the events of linked accounts and their records: S4-9…S4-15, which the format stackone calls account.* where it is about the
// account itself.
func providerEvents() []EventType {
	var list []EventType
	for _, change := range []string{changeCreated, changeUpdated, changeDeleted} {
		list = append(list, EventType{"linked_account." + change, "A linked account was " + change + ".", true, appendLinkedData, linkedAccountSchema})
	}
	for _, set := range recordSets {
		one := strings.TrimSuffix(strings.ReplaceAll(set[1], "_", " "), "s")
		for _, change := range []string{changeCreated, changeUpdated, changeDeleted} {
			about := "One " + one + " of a linked account was " + change + "."
			list = append(list, EventType{set[0] + "_" + set[1] + "." + change, about, true, appendRecordData, recordSchema})
		}
	}
	return list
}

// recordEvent is that of records of another type than those of S4: it is known by what it holds.
func recordEvent(name string) EventType {
	return EventType{name, "One record of a linked account differs.", true, appendRecordData, recordSchema}
}

// appendLinked appends what is told of a linked account.
func appendLinked(dst []byte, e *EventInfo) []byte {
	l := e.Linked
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindLinked, int64(l.ID))
	dst = append(dst, `,"provider":`...)
	dst = appendText(dst, l.Provider)
	dst = append(dst, `,"origin_owner_id":`...)
	dst = appendText(dst, l.OriginOwnerID)
	dst = append(dst, `,"origin_owner_name":`...)
	dst = appendText(dst, l.OriginOwnerName)
	dst = append(dst, `,"origin_username":`...)
	dst = appendText(dst, l.OriginUsername)
	dst = append(dst, `,"setup_information":`...)
	if dst = append(dst, l.Setup...); l.Setup == nil {
		dst = append(dst, `null`...)
	}
	dst = append(dst, `,"status":`...)
	dst = appendText(dst, l.Status)
	return append(dst, '}')
}

func appendLinkedData(dst []byte, e *EventInfo) []byte {
	return append(appendLinked(append(dst, `{"linked_account":`...), e), '}')
}

// appendRecordData tells which record it is and which of its fields differ, never what they hold.
func appendRecordData(dst []byte, e *EventInfo) []byte {
	dst = append(dst, `{"record":{"id":`...)
	dst = appendText(dst, e.Record.ID)
	dst = append(dst, `,"type":`...)
	dst = appendText(dst, e.Record.Type)
	dst = append(dst, `,"changed_fields":[`...)
	for i, name := range e.Record.Changed {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strictjson.AppendString(dst, name)
	}
	return append(appendLinked(append(dst, `]},"linked_account":`...), e), '}')
}

// appendStackOne appends the whole body of the format stackone (S4-18…S4-29), up to its last brace: ids as strings, times in milliseconds, and what is
// not known left out. Of a record nothing is told but which one it is.
func appendStackOne(dst []byte, event string, e *EventInfo) []byte {
	account := e.Codec.Format(signalbox.KindLinked, int64(e.Linked.ID))
	what, id := "account", account
	if e.Record != nil {
		what, id = e.Record.Type, e.Record.ID
	}
	dst = append(dst, `{"project_id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindWorkspace, int64(e.Workspace))
	for _, field := range [...][2]string{{"account_id", account}, {"event", signalbox.FormatStackOne.EventName(event)}} {
		dst = appendField(dst, field[0], field[1])
	}
	dst = append(dst, `,"event_date":"`...)
	dst = append(AppendMillis(dst, e.happened()), '"')
	dst = appendField(dst, "record_type", what)
	dst = appendField(dst, "record_id", id)
	dst = append(dst, `,"sent_at":"`...)
	dst = append(AppendMillis(dst, e.CreatedAt), '"')
	if e.Record != nil {
		return dst
	}
	for _, field := range [...][2]string{
		{"origin_owner_id", e.Linked.OriginOwnerID}, {"origin_owner_name", e.Linked.OriginOwnerName}, {"origin_username", e.Linked.OriginUsername},
	} {
		if field[1] != "" {
			dst = appendField(dst, field[0], field[1])
		}
	}
	if e.Linked.Setup != nil {
		dst = append(append(dst, `,"setup_information":`...), e.Linked.Setup...)
	}
	return dst
}

// appendField appends a further field of an object.
func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	return strictjson.AppendString(dst, value)
}

// happened is when it happened that is told of: when the event was made, unless it was earlier.
func (e *EventInfo) happened() time.Time {
	if e.OccurredAt.IsZero() {
		return e.CreatedAt
	}
	return e.OccurredAt
}

// fillProvider puts the samples of S4 into e.
func fillProvider(e *EventInfo, event string) {
	e.OccurredAt = e.CreatedAt.Add(-10 * time.Millisecond)
	e.Linked = &signalbox.LinkedAccount{
		ID: signalbox.LinkedAccountID(sampleID(e.CreatedAt, 11)), Provider: "bamboohr", OriginOwnerID: "unique-org-identifier", OriginOwnerName: "Test organization",
		OriginUsername: "sample-user", Setup: []byte(`{"domain":"companytest"}`), Status: "active",
	}
	set, change, _ := strings.Cut(event, ".")
	api, what, ok := strings.Cut(set, "_")
	if set == "linked_account" || !ok {
		return
	}
	e.Record = &signalbox.LinkedRecord{API: api, Type: what, ID: "3223323715753018140"}
	if change == changeUpdated {
		e.Record.Changed = []string{"title"}
	}
}

const (
	linkedSchema = `{"type":"object","required":["id","provider","origin_owner_id","origin_owner_name","origin_username","setup_information","status"],"properties":{"id":` + textSchema +
		`,"provider":` + maybeTextSchema + `,"origin_owner_id":` + maybeTextSchema + `,"origin_owner_name":` + maybeTextSchema + `,"origin_username":` + maybeTextSchema +
		`,"setup_information":{"type":["object","null"]},"status":` + maybeTextSchema + `}}`

	linkedAccountSchema = `{"type":"object","required":["linked_account"],"properties":{"linked_account":` + linkedSchema + `}}`

	recordSchema = `{"type":"object","required":["record","linked_account"],"properties":{"record":{"type":"object","required":["id","type","changed_fields"],"properties":{"id":` + textSchema +
		`,"type":` + textSchema + `,"changed_fields":{"type":"array","items":` + textSchema + `}}},"linked_account":` + linkedSchema + `}}`
)

// stackOneSchema is the schema of a body in the format stackone, up to its last brace.
func stackOneSchema(dst []byte, event string) []byte {
	name := signalbox.FormatStackOne.EventName(event)
	dst = append(dst, `,"type":"object","required":["project_id","account_id","event","event_date","record_type","record_id","sent_at"],"properties":{"project_id":`+textSchema+
		`,"account_id":`+textSchema+`,"event":{"const":`...)
	dst = strictjson.AppendString(dst, name)
	dst = append(dst, `},"event_date":`+timeSchema+`,"record_type":`+textSchema+`,"record_id":`+textSchema+`,"sent_at":`+timeSchema...)
	if strings.HasPrefix(name, "account.") {
		dst = append(dst, `,"origin_owner_id":`+textSchema+`,"origin_owner_name":`+textSchema+`,"origin_username":`+textSchema+`,"setup_information":{"type":"object"}`...)
	}
	return append(dst, '}')
}
