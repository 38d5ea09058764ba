package wire

import (
	"strconv"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// AppendSeconds appends t as the stairoids face writes times: UTC, whole seconds, Z (S0-26).
func AppendSeconds(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, time.RFC3339)
}

// AppendMillis appends t as the management API writes times: UTC, milliseconds, Z (contract section 2).
func AppendMillis(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

// AppendReceipt appends the answer to a signal: exactly id, type, source, status, account_id, contact_id and created_at
// (S0-23…S0-26), null for an account or contact that the signal does not have.
func AppendReceipt(dst []byte, c *signalbox.Codec, r signalbox.Receipt) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, c, signalbox.KindSignal, int64(r.ID))
	dst = append(dst, `,"type":`...)
	dst = strictjson.AppendString(dst, r.Type)
	dst = append(dst, `,"source":`...)
	dst = strictjson.AppendString(dst, r.Source)
	dst = append(dst, `,"status":"`+signalbox.Status+`","account_id":`...)
	dst = appendID(dst, c, signalbox.KindAccount, int64(r.Account))
	dst = append(dst, `,"contact_id":`...)
	dst = appendID(dst, c, signalbox.KindContact, int64(r.Contact))
	dst = append(dst, `,"created_at":"`...)
	dst = AppendSeconds(dst, r.CreatedAt)
	return append(dst, `"}`...)
}

// EventInfo is all that the bytes of an event are made of.
type EventInfo struct {
	Codec     *signalbox.Codec
	Event     signalbox.EventID
	Workspace signalbox.WorkspaceID
	CreatedAt time.Time // when the event was generated (S1-22)
	Signal    *signalbox.Signal
	Account   *signalbox.Account // nil: the signal has none
	Contact   *signalbox.Contact // nil: the signal has none

	OccurredAt time.Time // when it happened that the event tells of, where that is told; zero: when it was generated

	Change    *ScoreChange             // of events of scores and stages alone
	Qualified *signalbox.Qualified     // of signal.qualified alone
	Audience  *signalbox.Audience      // of audience.entered and audience.left alone
	Linked    *signalbox.LinkedAccount // of events of linked accounts and of their records alone
	Record    *signalbox.LinkedRecord  // of events of records alone
	Notice    *Notice                  // of notifications alone

	// Of operational events alone.
	Webhook  *signalbox.Webhook
	Delivery *signalbox.Delivery
	Since    time.Time // since when the webhook fails
	Reason   string    // why the webhook is disabled, or the delivery failed
}

// Freeze freezes an event, by its own name, in a format that sends it. What e must hold depends on the event. Fields of the vendor are always
// there, null when unknown; accounts and contacts also carry their revision (contract section 12).
func Freeze(format signalbox.Format, event string, e EventInfo) []byte {
	t, known := byName[event]
	switch {
	case event == EventNotification:
		t = notification
	case !known && e.Record != nil:
		t = recordEvent(event)
	}
	size := 768
	if e.Signal != nil {
		size += len(e.Signal.Properties)
	}
	return t.append(make([]byte, 0, size), format, &e)
}

// append appends the body of an event of this type.
func (t EventType) append(dst []byte, format signalbox.Format, e *EventInfo) []byte {
	switch format {
	case signalbox.FormatStackOne:
		dst = appendStackOne(dst, t.Name, e)
	case signalbox.FormatStaircase:
		dst = appendNotification(dst, e)
	default:
		dst = t.data(appendHead(dst, format, t.Name, e), e)
	}
	return append(dst, '}')
}

// appendHead appends the envelope of stairoids or standard up to the value of "data"; the caller appends that value and closes the object.
func appendHead(dst []byte, format signalbox.Format, event string, e *EventInfo) []byte {
	if format == signalbox.FormatStandard {
		dst = append(dst, `{"type":`...)
		dst = strictjson.AppendString(dst, event)
		dst = append(dst, `,"timestamp":"`...)
		dst = AppendMillis(dst, e.CreatedAt)
		return append(dst, `","data":`...)
	}
	dst = append(dst, `{"event":`...)
	dst = strictjson.AppendString(dst, event)
	dst = append(dst, `,"id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindEvent, int64(e.Event))
	dst = append(dst, `,"created_at":"`...)
	dst = AppendSeconds(dst, e.CreatedAt)
	dst = append(dst, `","workspace_id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindWorkspace, int64(e.Workspace))
	return append(dst, `,"data":`...)
}

// appendSignal appends the signal object of S1-26.
func appendSignal(dst []byte, e *EventInfo) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, e.Codec, signalbox.KindSignal, int64(e.Signal.ID))
	dst = append(dst, `,"type":`...)
	dst = strictjson.AppendString(dst, e.Signal.Type)
	dst = append(dst, `,"source":`...)
	dst = strictjson.AppendString(dst, e.Signal.Source)
	dst = append(dst, `,"created_at":"`...)
	dst = AppendSeconds(dst, e.Signal.CreatedAt)
	dst = append(dst, `","properties":`...)
	dst = appendProperties(dst, e.Signal.Properties)
	dst = append(dst, `,"account":`...)
	dst = appendAccount(dst, e.Codec, e.Account)
	dst = append(dst, `,"contact":`...)
	dst = appendContact(dst, e.Codec, e.Contact)
	return append(dst, '}')
}

// appendProperties appends a signal's properties, which are an object: a context of another shape (S3-12) is its only member.
func appendProperties(dst, properties []byte) []byte {
	switch {
	case len(properties) == 0:
		return append(dst, `{}`...)
	case properties[0] != '{':
		return append(append(append(dst, `{"context":`...), properties...), '}')
	}
	return append(dst, properties...)
}

// PropertiesOf are a signal's properties as they are shown: an object, nil for none.
func PropertiesOf(s *signalbox.Signal) []byte {
	if len(s.Properties) == 0 || s.Properties[0] == '{' {
		return s.Properties
	}
	return appendProperties(nil, s.Properties)
}

func appendAccount(dst []byte, c *signalbox.Codec, a *signalbox.Account) []byte {
	if a == nil {
		return append(dst, `null`...)
	}
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, c, signalbox.KindAccount, int64(a.ID))
	dst = append(dst, `,"domain":`...)
	dst = appendText(dst, a.Domain)
	dst = append(dst, `,"name":`...)
	dst = appendText(dst, a.Name)
	return appendRevision(dst, a.Revision)
}

func appendContact(dst []byte, c *signalbox.Codec, p *signalbox.Contact) []byte {
	if p == nil {
		return append(dst, `null`...)
	}
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, c, signalbox.KindContact, int64(p.ID))
	dst = append(dst, `,"email":`...)
	dst = appendText(dst, p.Email)
	dst = append(dst, `,"name":`...)
	dst = appendText(dst, p.FullName())
	return appendRevision(dst, p.Revision)
}

func appendRevision(dst []byte, revision int64) []byte {
	dst = append(dst, `,"revision":`...)
	dst = strconv.AppendInt(dst, revision, 10)
	return append(dst, '}')
}

// appendText appends a string, null when there is none.
func appendText(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, `null`...)
	}
	return strictjson.AppendString(dst, s)
}

// appendID appends the text of an id, null for none. Ids need no escapes.
func appendID(dst []byte, c *signalbox.Codec, kind signalbox.Kind, id int64) []byte {
	if id == 0 {
		return append(dst, `null`...)
	}
	dst = append(dst, '"')
	dst = c.Append(dst, kind, id)
	return append(dst, '"')
}
