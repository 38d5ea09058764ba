package wire

import (
	"strconv"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// DecodeCapture reads the body of POST /signals (S3-6…S3-14), as [DecodeSignal] reads that of the other door. What is to be captured must say when it happened
// and whom it is about.
func DecodeCapture(body []byte, now time.Time) (in signalbox.SignalInput, ignored []string, err error) {
	stable, err := strictjson.AppendStable(make([]byte, 0, len(body)), body)
	if err != nil {
		return signalbox.SignalInput{}, nil, badJSON(err, "")
	}
	if stable[0] != '{' {
		return signalbox.SignalInput{}, nil, signalbox.Errorf(signalbox.Invalid, "the body must be a JSON object, not %s", kindOf(stable))
	}
	d := decoder{now: now, in: signalbox.SignalInput{Capture: true}}
	if err := d.capture(stable); err != nil {
		return d.in, nil, err
	}
	return d.in, d.ignored, nil
}

func (d *decoder) capture(stable []byte) (err error) {
	for m := walk(stable); m.next() && err == nil; {
		switch string(m.key) {
		case "signal_type":
			d.in.Type, err = name(m.value, "signal_type")
		case "source":
			d.in.Source, err = name(m.value, "source")
		case "occurred_at":
			d.in.OccurredAt, err = d.moment(m.value, "occurred_at")
		case "identity":
			err = d.object(m.value, "identity", d.identity)
		case "event_name":
			d.in.EventName, err = name(m.value, "event_name")
		case "context":
			if !absent(m.value) {
				d.in.Properties = m.value
			}
		case "idempotency_key":
			d.in.IdempotencyKey, err = limited(m.value, "idempotency_key", signalbox.MaxKey)
		default:
			d.ignore("", m.key)
		}
	}
	if err != nil {
		return err
	}
	switch id := &d.in; {
	case id.Type == "":
		return signalbox.InvalidField("signal_type", `signal_type is required: the name of a declared type, such as "custom_event"`)
	case id.Source == "":
		return signalbox.InvalidField("source", `source is required: the system that it comes from, such as "product"`)
	case id.OccurredAt.IsZero():
		return signalbox.InvalidField("occurred_at", "occurred_at is required: when it happened, such as 2026-05-26T14:30:00Z")
	case id.Contact.Email == "" && id.Contact.LinkedInURL == "" && id.Account.Domain == "":
		return signalbox.InvalidField("identity", "identity is required: at least one of email, linkedin_url and company_domain")
	}
	return nil
}

func (d *decoder) identity(m *members) (err error) {
	switch string(m.key) {
	case "email":
		d.in.Contact.Email, err = limited(m.value, "identity.email", signalbox.MaxEmail)
	case "linkedin_url":
		d.in.Contact.LinkedInURL, err = limited(m.value, "identity.linkedin_url", signalbox.MaxLinkedIn)
	case "company_domain":
		d.in.Account.Domain, err = limited(m.value, "identity.company_domain", signalbox.MaxURL)
	case "first_name":
		d.in.Contact.FirstName, err = name(m.value, "identity.first_name")
	case "last_name":
		d.in.Contact.LastName, err = name(m.value, "identity.last_name")
	case "title":
		d.in.Contact.Title, err = name(m.value, "identity.title")
	default:
		d.ignore("identity.", m.key)
	}
	return err
}

// AppendCapture appends the answer to a capture (S3-15…S3-19): the record that it landed on is the contact, or the account when there is no contact.
func AppendCapture(dst []byte, c *signalbox.Codec, r signalbox.Receipt) []byte {
	dst = append(dst, '{')
	dst = appendCaptured(dst, c, r.ID, r.Account, r.Contact)
	return append(appendQualification(append(dst, `,"qualification":`...), r.Qualified), '}')
}

func appendCaptured(dst []byte, c *signalbox.Codec, sig signalbox.SignalID, account signalbox.AccountID, contact signalbox.ContactID) []byte {
	dst = append(dst, `"signal_capture_id":`...)
	dst = appendRenamed(dst, c, signalbox.CapturePrefix, signalbox.KindSignal, int64(sig))
	dst = append(dst, `,"matched_record_id":`...)
	if contact != 0 {
		return appendRenamed(dst, c, signalbox.LeadPrefix, signalbox.KindContact, int64(contact))
	}
	return appendRenamed(dst, c, signalbox.LeadPrefix, signalbox.KindAccount, int64(account))
}

// appendRenamed appends an id under another prefix than its kind's.
func appendRenamed(dst []byte, c *signalbox.Codec, prefix string, kind signalbox.Kind, id int64) []byte {
	if id == 0 {
		return append(dst, `null`...)
	}
	dst = append(append(dst, '"'), prefix...)
	at := len(dst)
	dst = c.Append(dst, kind, id)
	dst = append(dst[:at], dst[at+len(kind):]...)
	return append(dst, '"')
}

// appendQualification appends a qualification; of one that is held every field is null (S3-19).
func appendQualification(dst []byte, q *signalbox.Qualified) []byte {
	if q == nil {
		return append(dst, `{"icp_code":null,"icp_score":null,"persona_code":null,"persona_score":null}`...)
	}
	dst = appendText(append(dst, `{"icp_code":`...), q.ICP)
	dst = strconv.AppendInt(append(dst, `,"icp_score":`...), int64(q.ICPScore), 10)
	dst = appendText(append(dst, `,"persona_code":`...), q.Persona)
	dst = strconv.AppendInt(append(dst, `,"persona_score":`...), int64(q.PersonaScore), 10)
	return append(dst, '}')
}

func appendQualifiedData(dst []byte, e *EventInfo) []byte {
	dst = appendSignal(append(dst, `{"signal":`...), e)
	dst = appendAccount(append(dst, `,"account":`...), e.Codec, e.Account)
	dst = appendContact(append(dst, `,"contact":`...), e.Codec, e.Contact)
	var account signalbox.AccountID
	var contact signalbox.ContactID
	if e.Account != nil {
		account = e.Account.ID
	}
	if e.Contact != nil {
		contact = e.Contact.ID
	}
	dst = appendCaptured(append(dst, ','), e.Codec, e.Signal.ID, account, contact)
	return append(appendQualification(append(dst, `,"qualification":`...), e.Qualified), '}')
}

func appendAudienceData(dst []byte, e *EventInfo) []byte {
	dst = appendID(append(dst, `{"audience":{"id":`...), e.Codec, signalbox.KindAudience, int64(e.Audience.ID))
	dst = appendField(dst, "name", e.Audience.Name)
	dst = appendField(dst, "entity", e.Audience.Of.String())
	dst = appendAccount(append(dst, `},"account":`...), e.Codec, accountIf(e))
	dst = appendContact(append(dst, `,"contact":`...), e.Codec, contactIf(e))
	return append(dst, '}')
}

// accountIf is the account of an audience of accounts.
func accountIf(e *EventInfo) *signalbox.Account {
	if e.Audience.Of == signalbox.ContactRecord {
		return nil
	}
	return e.Account
}

// contactIf is the contact of an audience of contacts.
func contactIf(e *EventInfo) *signalbox.Contact {
	if e.Audience.Of == signalbox.ContactRecord {
		return e.Contact
	}
	return nil
}

const (
	maybeWholeSchema = `{"type":["integer","null"]}`

	qualificationSchema = `{"type":"object","required":["icp_code","icp_score","persona_code","persona_score"],"properties":{"icp_code":` + maybeTextSchema +
		`,"icp_score":` + maybeWholeSchema + `,"persona_code":` + maybeTextSchema + `,"persona_score":` + maybeWholeSchema + `}}`

	signalQualifiedSchema = `{"type":"object","required":["signal","account","contact","signal_capture_id","matched_record_id","qualification"],"properties":{"signal":` +
		signalSchema + `,"account":` + accountOrNull + `,"contact":` + contactOrNull + `,"signal_capture_id":` + textSchema + `,"matched_record_id":` + maybeTextSchema +
		`,"qualification":` + qualificationSchema + `}}`

	audienceMoveSchema = `{"type":"object","required":["audience","account","contact"],"properties":{"audience":{"type":"object","required":["id","name","entity"],"properties":{"id":` +
		textSchema + `,"name":` + textSchema + `,"entity":` + textSchema + `}},"account":` + accountOrNull + `,"contact":` + contactOrNull + `}}`
)
