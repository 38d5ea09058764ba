package wire

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"signalbox"
	"signalbox/strictjson"
)

// The bounds of the signal doors' bodies (contract sections 2 and 3).
const (
	MaxBody      = 1 << 20 // bytes of one signal, also inside a batch
	MaxBatchBody = 5 << 20 // bytes of a batch
	MaxBatch     = 2500    // signals of a batch
	// MaxIgnored is how many unknown fields of one signal are named; what follows is ignored without a name.
	MaxIgnored = 50
)

// DecodeSignal reads the body of POST /v1/signals (contract section 3; S0-13…S0-21). now judges occurred_at.
//
// ignored names the members that this door does not know, dotted and safe in a header, in the order of the body. The error is the
// first thing wrong; then in holds what was read before it, for whoever looks for the signal that was refused. in.BodyHash is set when
// the body itself has an idempotency key; a caller whose key came in a header asks [BodyHash].
func DecodeSignal(body []byte, now time.Time) (in signalbox.SignalInput, ignored []string, err error) {
	stable, err := strictjson.AppendStable(make([]byte, 0, len(body)), body)
	if err != nil {
		return signalbox.SignalInput{}, nil, badJSON(err, "")
	}
	if stable[0] != '{' {
		return signalbox.SignalInput{}, nil, signalbox.Errorf(signalbox.Invalid, "the body must be a JSON object, not %s", kindOf(stable))
	}
	d := decoder{now: now}
	if err := d.signal(stable); err != nil {
		return d.in, nil, err
	}
	return d.in, d.ignored, nil
}

// BodyHash is what tells a repeated body from another one: the first 16 bytes of the SHA-256 of its canonical JSON, so that
// neither spaces nor the order of keys matter (contract section 3: "the same JSON value").
func BodyHash(body []byte) (hash [16]byte, err error) {
	canonical, err := strictjson.Canonical(body)
	if err != nil {
		return hash, badJSON(err, "")
	}
	sum := sha256.Sum256(canonical)
	copy(hash[:], sum[:])
	return hash, nil
}

// decoder fills one SignalInput.
type decoder struct {
	now     time.Time
	in      signalbox.SignalInput
	ignored []string
}

func (d *decoder) signal(stable []byte) (err error) {
	for m := walk(stable); m.next() && err == nil; {
		switch string(m.key) {
		case "type":
			d.in.Type, err = name(m.value, "type")
		case "source":
			d.in.Source, err = name(m.value, "source")
		case "account":
			err = d.object(m.value, "account", d.account)
		case "contact":
			err = d.object(m.value, "contact", d.contact)
		case "properties":
			d.in.Properties, err = jsonObject(m.value, "properties", MaxBody)
		case "occurred_at":
			d.in.OccurredAt, err = d.moment(m.value, "occurred_at")
		case "backfill":
			d.in.Backfill, err = flag(m.value, "backfill")
		case "idempotency_key":
			d.in.IdempotencyKey, err = limited(m.value, "idempotency_key", signalbox.MaxKey)
		default:
			d.ignore("", m.key)
		}
	}
	if err != nil {
		return err
	}
	return d.finish(stable)
}

// finish checks what only the whole body can tell.
func (d *decoder) finish(stable []byte) (err error) {
	if d.in.Type == "" {
		return signalbox.InvalidField("type", `type is required: a non-empty string such as "product_trial_started"`)
	}
	if d.in.Source == "" {
		return signalbox.InvalidField("source", `source is required: a non-empty string such as "internal_app"`)
	}
	if d.in.IdempotencyKey != "" {
		d.in.BodyHash, err = BodyHash(stable)
	}
	return err
}

func (d *decoder) account(m *members) (err error) {
	switch string(m.key) {
	case "domain":
		// May be a whole URL here: what is left of it once normalised has the bound of a domain, and identity holds it.
		d.in.Account.Domain, err = limited(m.value, "account.domain", signalbox.MaxURL)
	case "name":
		d.in.Account.Name, err = name(m.value, "account.name")
	case "attributes":
		d.in.Account.Attributes, err = jsonObject(m.value, "account.attributes", signalbox.MaxAttributes)
	default:
		d.ignore("account.", m.key)
	}
	return err
}

func (d *decoder) contact(m *members) (err error) {
	switch string(m.key) {
	case "email":
		d.in.Contact.Email, err = limited(m.value, "contact.email", signalbox.MaxEmail)
	case "first_name":
		d.in.Contact.FirstName, err = name(m.value, "contact.first_name")
	case "last_name":
		d.in.Contact.LastName, err = name(m.value, "contact.last_name")
	case "title":
		d.in.Contact.Title, err = name(m.value, "contact.title")
	case "linkedin_url":
		d.in.Contact.LinkedInURL, err = limited(m.value, "contact.linkedin_url", signalbox.MaxLinkedIn)
	case "attributes":
		d.in.Contact.Attributes, err = jsonObject(m.value, "contact.attributes", signalbox.MaxAttributes)
	default:
		d.ignore("contact.", m.key)
	}
	return err
}

// object hands each member of an optional object to a field's reader.
func (d *decoder) object(value []byte, param string, member func(*members) error) error {
	if absent(value) {
		return nil
	}
	if value[0] != '{' {
		return wrongType(param, "an object", value)
	}
	for m := walk(value); m.next(); {
		if err := member(&m); err != nil {
			return err
		}
	}
	return nil
}

// ignore remembers the name of a member that this door does not know.
func (d *decoder) ignore(parent string, key []byte) {
	if len(d.ignored) < MaxIgnored {
		d.ignored = append(d.ignored, parent+shownKey(key))
	}
}

// name reads an optional string of at most MaxName characters.
func name(value []byte, param string) (string, error) {
	s, err := text(value, param)
	if len(s) > signalbox.MaxName && utf8.RuneCountInString(s) > signalbox.MaxName {
		return "", signalbox.InvalidField(param, "%s is too long: at most %d characters", param, signalbox.MaxName)
	}
	return s, err
}

// limited reads an optional string of at most most bytes.
func limited(value []byte, param string, most int) (string, error) {
	s, err := text(value, param)
	if len(s) > most {
		return "", signalbox.InvalidField(param, "%s is too long: at most %d bytes", param, most)
	}
	return s, err
}

// text reads an optional string, trimmed.
func text(value []byte, param string) (string, error) {
	if absent(value) {
		return "", nil
	}
	if value[0] != '"' {
		return "", wrongType(param, "a string", value)
	}
	return strings.TrimSpace(textOf(value)), nil
}

// jsonObject reads an optional object of at most most bytes, as its stable JSON.
func jsonObject(value []byte, param string, most int) ([]byte, error) {
	if absent(value) {
		return nil, nil
	}
	if value[0] != '{' {
		return nil, wrongType(param, "an object", value)
	}
	if len(value) > most {
		return nil, signalbox.InvalidField(param, "%s is too large: at most %d bytes", param, most)
	}
	return bytes.Clone(value), nil // a copy: the body must not live as long as the signal
}

func flag(value []byte, param string) (bool, error) {
	if absent(value) {
		return false, nil
	}
	switch string(value) {
	case `true`:
		return true, nil
	case `false`:
		return false, nil
	}
	return false, wrongType(param, "true or false", value)
}

// moment reads an optional RFC 3339 time that is not too far ahead, to the microsecond.
func (d *decoder) moment(value []byte, param string) (time.Time, error) {
	s, err := text(value, param)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	t, ok := parseTime(s)
	if !ok {
		return time.Time{}, signalbox.InvalidField(param, "%s must be an RFC 3339 time such as 2024-09-01T14:32:00Z, not %q", param, clip(s))
	}
	if t.After(d.now.Add(signalbox.MaxFuture)) {
		return time.Time{}, signalbox.InvalidField(param, "%s is %s, more than 24 hours ahead of now", param, AppendSeconds(nil, t))
	}
	return t, nil
}

// parseTime reads any time that RFC 3339 section 5.6 allows, also in lower case and on a leap second, which becomes the second
// after it. The year 1 and what lies before it is refused: the zero time means "none" here.
func parseTime(s string) (time.Time, bool) {
	s = strings.ToUpper(s)
	leap := len(s) > 19 && s[16:19] == ":60"
	if leap {
		s = s[:17] + "59" + s[19:]
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil || t.UTC().Year() < 2 {
		return time.Time{}, false
	}
	if leap {
		t = t.Add(time.Second)
	}
	return t.UTC().Truncate(time.Microsecond), true
}

func wrongType(param, want string, value []byte) error {
	return signalbox.InvalidField(param, "%s must be %s, not %s", param, want, kindOf(value))
}

// badJSON turns the refusal of strictjson into a caller's error; under names where the text was found, "" for the whole body.
func badJSON(err error, under string) error {
	var bad *strictjson.Error
	if !errors.As(err, &bad) {
		return err
	}
	out := &signalbox.Error{Code: signalbox.Invalid, Param: bad.Path, Msg: bad.Msg, Err: bad}
	switch {
	case under != "" && bad.Path != "":
		out.Param = under + "." + bad.Path
	case under != "":
		out.Param = under
	}
	if under != "" {
		out.Msg = "in " + out.Param + ": " + bad.Msg
	}
	return out
}

// shownKey prints a sender's key so that it is safe in a header and in a log: short, and quoted where it is not plain ASCII.
func shownKey(raw []byte) string {
	key := string(raw)
	if bytes.IndexByte(raw, '\\') >= 0 {
		key = textOf(append(append([]byte{'"'}, raw...), '"'))
	}
	key = clip(key)
	odd := func(r rune) bool { return r > unicode.MaxASCII || r <= ' ' || strings.ContainsRune(".,\"\\\x7f", r) }
	if key == "" || strings.ContainsFunc(key, odd) {
		return strconv.QuoteToASCII(key)
	}
	return key
}
