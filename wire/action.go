package wire

import (
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// EventActionTriggered is what the body of an automation's webhook action calls itself (S0-30). It is no event that a webhook could subscribe to: that is
// automation.triggered (C5).
const EventActionTriggered = signalbox.EventActionTriggered

// ActionInfo is all that the body of an automation's webhook action is made of, where the action names no body of its own.
type ActionInfo struct {
	Codec       *signalbox.Codec
	Automation  signalbox.AutomationID
	Name        string
	TriggeredAt time.Time
	Account     *signalbox.Account // nil: there is none, as of the two below
	Contact     *signalbox.Contact
	Signal      *signalbox.Signal
}

// AppendAction appends the body that S0-30…S0-38 show, field by field in their order and nothing besides: no id, no workspace, no envelope, no revision. What
// is unknown is null; properties are all of the signal's (S0-37 shows some).
func AppendAction(dst []byte, a *ActionInfo) []byte {
	dst = append(dst, `{"event":"`+EventActionTriggered+`","automation_id":`...)
	dst = appendID(dst, a.Codec, signalbox.KindAutomation, int64(a.Automation))
	dst = append(dst, `,"automation_name":`...)
	dst = strictjson.AppendString(dst, a.Name)
	dst = append(dst, `,"triggered_at":"`...)
	dst = AppendSeconds(dst, a.TriggeredAt)
	dst = append(dst, `","account":`...)
	dst = appendActionAccount(dst, a)
	dst = append(dst, `,"contact":`...)
	dst = appendActionContact(dst, a)
	dst = append(dst, `,"signal":`...)
	dst = appendActionSignal(dst, a)
	return append(dst, '}')
}

// appendActionAccount appends the account of S0-34.
func appendActionAccount(dst []byte, a *ActionInfo) []byte {
	if a.Account == nil {
		return append(dst, `null`...)
	}
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, a.Codec, signalbox.KindAccount, int64(a.Account.ID))
	dst = appendKnown(dst, "name", a.Account.Name)
	dst = appendKnown(dst, "domain", a.Account.Domain)
	return append(dst, '}')
}

// appendActionContact appends the contact of S0-35.
func appendActionContact(dst []byte, a *ActionInfo) []byte {
	if a.Contact == nil {
		return append(dst, `null`...)
	}
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, a.Codec, signalbox.KindContact, int64(a.Contact.ID))
	dst = appendKnown(dst, "email", a.Contact.Email)
	dst = appendKnown(dst, "first_name", a.Contact.FirstName)
	dst = appendKnown(dst, "last_name", a.Contact.LastName)
	return append(dst, '}')
}

// appendActionSignal appends the signal of S0-36.
func appendActionSignal(dst []byte, a *ActionInfo) []byte {
	if a.Signal == nil {
		return append(dst, `null`...)
	}
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, a.Codec, signalbox.KindSignal, int64(a.Signal.ID))
	dst = append(dst, `,"type":`...)
	dst = strictjson.AppendString(dst, a.Signal.Type)
	dst = append(dst, `,"source":`...)
	dst = strictjson.AppendString(dst, a.Signal.Source)
	dst = append(dst, `,"properties":`...)
	dst = appendProperties(dst, a.Signal.Properties)
	dst = append(dst, `,"created_at":"`...)
	dst = AppendSeconds(dst, a.Signal.CreatedAt)
	return append(dst, `"}`...)
}

// appendKnown appends a member, null when it is unknown.
func appendKnown(dst []byte, name, value string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	return appendText(dst, value)
}
