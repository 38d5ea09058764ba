package inbound

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"signalbox"
	"signalbox/expr"
	"signalbox/strictjson"
)

// Door is an Incoming that was checked. Safe for concurrent use.
type Door struct {
	in      signalbox.Incoming
	when    *expr.Program
	perItem bool // when is asked of each item, not once of the body
	each    *expr.Program
	fields  []field // those that the mapping has, in the order of the table
}

// kind is what becomes of a field's value.
type kind uint8

const (
	aText   kind = iota // a text; a number becomes its digits
	aMoment             // RFC 3339, or Unix time
	anObject
)

// field is one field of a mapping.
type field struct {
	name     string // in a signal: "contact.email"
	kind     kind
	program  *expr.Program
	template *expr.Template // in the place of program, of an object that is written as one
	ofItem   bool           // it reads item
}

// param is what errors and the API call a field.
func param(name string) string { return "mapping." + name }

// sources are the fields of a mapping, in the order in which they are told of; those of one object stand together.
var sources = []struct {
	name string
	kind kind
	of   func(*signalbox.Mapping) string
}{
	{"type", aText, func(m *signalbox.Mapping) string { return m.Type }},
	{"source", aText, func(m *signalbox.Mapping) string { return m.Source }},
	{"account.domain", aText, func(m *signalbox.Mapping) string { return m.Account.Domain }},
	{"account.name", aText, func(m *signalbox.Mapping) string { return m.Account.Name }},
	{"account.attributes", anObject, func(m *signalbox.Mapping) string { return m.Account.Attributes }},
	{"contact.email", aText, func(m *signalbox.Mapping) string { return m.Contact.Email }},
	{"contact.first_name", aText, func(m *signalbox.Mapping) string { return m.Contact.FirstName }},
	{"contact.last_name", aText, func(m *signalbox.Mapping) string { return m.Contact.LastName }},
	{"contact.title", aText, func(m *signalbox.Mapping) string { return m.Contact.Title }},
	{"contact.linkedin_url", aText, func(m *signalbox.Mapping) string { return m.Contact.LinkedInURL }},
	{"contact.attributes", anObject, func(m *signalbox.Mapping) string { return m.Contact.Attributes }},
	{"properties", anObject, func(m *signalbox.Mapping) string { return m.Properties }},
	{"occurred_at", aMoment, func(m *signalbox.Mapping) string { return m.OccurredAt }},
	{"idempotency_key", aText, func(m *signalbox.Mapping) string { return m.IdempotencyKey }},
}

// Check says whether an Incoming can be used; the error names the field.
func Check(in *signalbox.Incoming) error {
	_, err := Compile(in)
	return err
}

// Compile checks an Incoming and makes a Door of it. Its errors are *signalbox.Error with a Param: "verify.header", "mapping.contact.email".
func Compile(in *signalbox.Incoming) (*Door, error) {
	if err := checkVerify(&in.Verify); err != nil {
		return nil, err
	}
	d := &Door{in: *in}
	if err := d.compileFrame(&in.Mapping); err != nil {
		return nil, err
	}
	for _, s := range sources {
		text := s.of(&in.Mapping)
		if strings.TrimSpace(text) == "" {
			if s.name == "type" || s.name == "source" {
				return nil, signalbox.InvalidField(param(s.name), "%s is required: an expression such as body.event, or a fixed text in quotes such as 'signed_up'", param(s.name))
			}
			continue
		}
		f, err := d.compileField(s.name, s.kind, text)
		if err != nil {
			return nil, err
		}
		d.fields = append(d.fields, f)
	}
	return d, nil
}

// Incoming is what the door was made of.
func (d *Door) Incoming() signalbox.Incoming { return d.in }

func checkVerify(v *signalbox.Verification) error {
	if !slices.Contains(signalbox.Presets(), v.Preset) {
		return signalbox.InvalidField("verify.preset", "%q is no preset: it is one of %s", shortened(string(v.Preset)), presetNames())
	}
	switch header := v.Preset == signalbox.PresetHeader; {
	case header && v.Header == "":
		return signalbox.InvalidField("verify.header", "verify.header is required: the name of the header that holds the secret, such as X-Api-Key or Authorization")
	case header && !httpguts.ValidHeaderFieldName(v.Header):
		return signalbox.InvalidField("verify.header", "%q is no name of a header: letters, digits and dashes, such as X-Api-Key", shortened(v.Header))
	case header && (len(v.Header) > signalbox.MaxName || slices.Contains(senders, http.CanonicalHeaderKey(v.Header))):
		return signalbox.InvalidField("verify.header", "%q cannot hold a secret: name a header of the sender's own, such as X-Api-Key", shortened(v.Header))
	case !header && v.Header != "":
		return signalbox.InvalidField("verify.header", "verify.header goes with the preset header only, not with %s", v.Preset)
	}
	switch basic := v.Preset == signalbox.PresetBasic; {
	case basic && v.User == "":
		return signalbox.InvalidField("verify.user", "verify.user is required: the user's name; the secret is the password")
	case basic && (len(v.User) > signalbox.MaxName || strings.ContainsFunc(v.User, func(r rune) bool { return r == ':' || r < ' ' || r == 0x7f })):
		return signalbox.InvalidField("verify.user", "verify.user is at most %d bytes, without a colon and control characters (RFC 7617)", signalbox.MaxName)
	case !basic && v.User != "":
		return signalbox.InvalidField("verify.user", "verify.user goes with the preset basic only, not with %s", v.Preset)
	}
	return nil
}

// senders are headers that every client or proxy sets: what they hold proves nothing.
var senders = []string{"Host", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "User-Agent", "Accept", "Accept-Encoding"}

func presetNames() string {
	var names []string
	for _, p := range signalbox.Presets() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// The cost of expressions, in units (docs/expressions.md). What runs once for a body may go through a long list.
const (
	maxFrameCost = expr.HighestMaxCost
	maxFieldCost = expr.DefaultMaxCost
)

// options say what a field may read.
func (d *Door) options(cost uint64, use expr.Use) expr.Options {
	o := expr.Options{Use: use, MaxCost: cost, Extra: []string{"body", "headers", "query"}, Only: true}
	if d.each != nil {
		o.Extra = append(o.Extra, "item")
	}
	return o
}

// compileFrame compiles what decides how many signals there are.
func (d *Door) compileFrame(m *signalbox.Mapping) (err error) {
	if strings.TrimSpace(m.Each) != "" {
		if d.each, err = expr.Compile(m.Each, d.options(maxFrameCost, expr.ForTemplate)); err != nil {
			return badSource("each", m.Each, err)
		}
	}
	if strings.TrimSpace(m.When) == "" {
		return nil
	}
	if d.when, err = expr.Compile(m.When, d.options(maxFrameCost, expr.ForSignal)); err != nil {
		return badSource("when", m.When, err)
	}
	d.perItem = readsItem(d.when.Reads())
	return nil
}

func (d *Door) compileField(name string, k kind, text string) (f field, err error) {
	f = field{name: name, kind: k}
	if k == anObject && isTemplate(text) {
		if f.template, err = expr.CompileTemplate([]byte(text), d.options(maxFieldCost, expr.ForTemplate)); err != nil {
			return f, badSource(name, text, err)
		}
		f.ofItem = readsItem(f.template.Reads())
		return f, nil
	}
	if f.program, err = expr.Compile(text, d.options(maxFieldCost, expr.ForTemplate)); err != nil {
		return f, badSource(name, text, err)
	}
	f.ofItem = readsItem(f.program.Reads())
	return f, nil
}

// isTemplate says whether a text is a JSON object: then its strings may hold {{ expressions }}. As an expression a JSON object would mean the same.
func isTemplate(text string) bool {
	text = strings.TrimSpace(text)
	return text[0] == '{' && strictjson.Check([]byte(text)) == nil
}

func readsItem(r expr.Reads) bool {
	return slices.ContainsFunc(r.Fields, func(f string) bool {
		return f == "item" || strings.HasPrefix(f, "item.") || strings.HasPrefix(f, "item[")
	})
}

// bareWord is a source that was probably meant as a fixed text.
var bareWord = regexp.MustCompile(`^\s*[A-Za-z_][A-Za-z0-9_-]*\s*$`)

// badSource is the refusal of a field's expression.
func badSource(name, text string, err error) error {
	var bad *expr.Error
	if !errors.As(err, &bad) {
		return err
	}
	msg := bad.Error()
	switch {
	case bareWord.MatchString(text) && len(bad.Near) == 0:
		msg += "; a fixed text stands in quotes: '" + strings.TrimSpace(text) + "'"
	case strings.Contains(text, "{{") && (name == "properties" || strings.HasSuffix(name, ".attributes")):
		msg += "; a template must be a JSON object"
	case strings.Contains(text, "{{"):
		msg += "; here stands an expression without braces, as in 'order_' + body.status"
	}
	return &signalbox.Error{Code: signalbox.Invalid, Param: param(name), Msg: param(name) + ": " + msg, Err: bad}
}
