package wire_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/strictjson"
	"signalbox/wire"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// s0Sample is the request of S0-13 as the document prints it.
const s0Sample = `{
"type": "product_trial_started",
"source": "internal_app",
"account": {
"domain": "acmecorp.com",
"name": "Acme Corp"
},
"contact": {
"email": "jane.doe@acmecorp.com",
"first_name": "Jane",
"last_name": "Doe"
},
"properties": {
"plan": "pro_trial",
"trial_ends_at": "2024-09-15T00:00:00Z",
"invited_by": "sales_outreach"
}
}`

// proves S0-13…S0-21
func TestDecodeSignal_TheSampleOfTheDocument(t *testing.T) {
	t.Parallel()
	in, ignored, err := wire.DecodeSignal([]byte(s0Sample), now)
	if err != nil || len(ignored) > 0 {
		t.Fatalf("ignored %v, err %v", ignored, err)
	}
	want := signalbox.SignalInput{
		Type:       "product_trial_started",
		Source:     "internal_app",
		Account:    signalbox.AccountInput{Domain: "acmecorp.com", Name: "Acme Corp"},
		Contact:    signalbox.ContactInput{Email: "jane.doe@acmecorp.com", FirstName: "Jane", LastName: "Doe"},
		Properties: []byte(`{"plan":"pro_trial","trial_ends_at":"2024-09-15T00:00:00Z","invited_by":"sales_outreach"}`),
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeSignal_EveryField(t *testing.T) {
	t.Parallel()
	body := `{"type":" t ","source":"s","occurred_at":"2026-11-20T13:00:00.1234567+02:00","backfill":true,"idempotency_key":"k-1",
		"account":{"domain":" https://Acme.com/x ","name":"Ac\u006de \"X\"","attributes":{"employees":12345678901234567890, "b":1.50}},
		"contact":{"email":"J@acme.com","first_name":"J","last_name":"D","title":"CTO","linkedin_url":"https://linkedin.com/in/j","attributes":{}},
		"properties":{"z":1e2,"a":[1, 2,{"x":null}]}}`
	in, ignored, err := wire.DecodeSignal([]byte(body), now)
	if err != nil || len(ignored) > 0 {
		t.Fatalf("ignored %v, err %v", ignored, err)
	}
	hash, err := wire.BodyHash([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := signalbox.SignalInput{
		Type: "t", Source: "s", Backfill: true, IdempotencyKey: "k-1", BodyHash: hash,
		OccurredAt: time.Date(2026, 11, 20, 11, 0, 0, 123456000, time.UTC),
		Account:    signalbox.AccountInput{Domain: "https://Acme.com/x", Name: `Acme "X"`, Attributes: []byte(`{"employees":12345678901234567890,"b":1.5}`)},
		Contact: signalbox.ContactInput{Email: "J@acme.com", FirstName: "J", LastName: "D", Title: "CTO",
			LinkedInURL: "https://linkedin.com/in/j", Attributes: []byte(`{}`)},
		Properties: []byte(`{"z":100,"a":[1,2,{"x":null}]}`),
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
}

// proves contract section 2: null or "" in an optional field means absent
func TestDecodeSignal_NullAndEmptyAreAbsent(t *testing.T) {
	t.Parallel()
	want := signalbox.SignalInput{Type: "t", Source: "s"}
	for _, empty := range []string{`null`, `""`} {
		body := strings.ReplaceAll(`{"type":"t","source":"s","account":E,"contact":E,"properties":E,"occurred_at":E,"backfill":E,"idempotency_key":E}`, "E", empty)
		in, _, err := wire.DecodeSignal([]byte(body), now)
		if diff := cmp.Diff(want, in); err != nil || diff != "" {
			t.Errorf("%s: %v %s", body, err, diff)
		}
		body = strings.ReplaceAll(`{"type":"t","source":"s","account":{"domain":E,"name":E,"attributes":E},
			"contact":{"email":E,"first_name":E,"last_name":E,"title":E,"linkedin_url":E,"attributes":E}}`, "E", empty)
		in, _, err = wire.DecodeSignal([]byte(body), now)
		if diff := cmp.Diff(want, in); err != nil || diff != "" {
			t.Errorf("%s: %v %s", body, err, diff)
		}
	}
}

func TestDecodeSignal_UnknownFieldsAreNamed(t *testing.T) {
	t.Parallel()
	body := `{"type":"t","typo":{"x":1},"source":"s","account":{"Domain":"x","name":"n"},"contact":{"phone":1},"we.ird\r\n":1,"é":2,"properties":{"free":1}}`
	_, ignored, err := wire.DecodeSignal([]byte(body), now)
	want := []string{"typo", "account.Domain", "contact.phone", `"we.ird\r\n"`, `"\u00e9"`}
	if diff := cmp.Diff(want, ignored); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	var many strings.Builder
	many.WriteString(`{"type":"t","source":"s"`)
	for i := range 4 * wire.MaxIgnored {
		many.WriteString(`,"x` + strconv.Itoa(i) + `":1`)
	}
	many.WriteString("}")
	if _, ignored, err = wire.DecodeSignal([]byte(many.String()), now); err != nil || len(ignored) != wire.MaxIgnored {
		t.Errorf("%d names, want at most %d (%v)", len(ignored), wire.MaxIgnored, err)
	}
}

func TestDecodeSignal_BadInputIsRefusedByField(t *testing.T) {
	t.Parallel()
	with := func(member string) string { return `{"type":"t","source":"s",` + member + `}` }
	long := func(n int) string { return `"` + strings.Repeat("é", n) + `"` }
	for _, c := range []struct{ name, body, param string }{
		{"empty body", ``, ""},
		{"malformed", `{]`, ""},
		{"trailing data", `{"type":"t","source":"s"} x`, ""},
		{"an array", `[]`, ""},
		{"a string", `"signal"`, ""},
		{"duplicate key", `{"type":"t","type":"u","source":"s"}`, "type"},
		{"duplicate key spelled otherwise", with(`"properties":{"a":1,"\u0061":2}`), "properties.a"},
		{"invalid UTF-8", with("\"properties\":{\"a\":\"\xff\"}"), "properties.a"},
		{"unpaired surrogate", with(`"contact":{"first_name":"\ud800"}`), "contact.first_name"},
		{"U+0000", with(`"account":{"name":"a\u0000b"}`), "account.name"},
		{"a number beyond doubles", with(`"properties":{"n":1e400}`), "properties.n"},
		{"too deep", with(`"properties":{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`), "properties.a" + strings.Repeat(".0", 30)},
		{"no type", `{"source":"s"}`, "type"},
		{"null type", `{"type":null,"source":"s"}`, "type"},
		{"blank type", `{"type":" \t","source":"s"}`, "type"},
		{"type is a number", `{"type":1,"source":"s"}`, "type"},
		{"type is too long", `{"type":` + long(201) + `,"source":"s"}`, "type"},
		{"no source", `{"type":"t"}`, "source"},
		{"source is an object", `{"type":"t","source":{}}`, "source"},
		{"source is too long", `{"type":"t","source":` + long(201) + `}`, "source"},
		{"account is a string", with(`"account":"acme.com"`), "account"},
		{"domain is an array", with(`"account":{"domain":["a.com"]}`), "account.domain"},
		{"domain is too long", with(`"account":{"domain":` + long(1025) + `}`), "account.domain"},
		{"account name is true", with(`"account":{"name":true}`), "account.name"},
		{"account name is too long", with(`"account":{"name":` + long(201) + `}`), "account.name"},
		{"account attributes are an array", with(`"account":{"attributes":[]}`), "account.attributes"},
		{"account attributes are too large", with(`"account":{"attributes":{"a":` + long(33<<10) + `}}`), "account.attributes"},
		{"contact is an array", with(`"contact":[]`), "contact"},
		{"email is a number", with(`"contact":{"email":5}`), "contact.email"},
		{"email is too long", with(`"contact":{"email":` + long(128) + `}`), "contact.email"},
		{"first name is false", with(`"contact":{"first_name":false}`), "contact.first_name"},
		{"last name is too long", with(`"contact":{"last_name":` + long(201) + `}`), "contact.last_name"},
		{"title is an object", with(`"contact":{"title":{}}`), "contact.title"},
		{"linkedin_url is too long", with(`"contact":{"linkedin_url":` + long(257) + `}`), "contact.linkedin_url"},
		{"contact attributes are a number", with(`"contact":{"attributes":1}`), "contact.attributes"},
		{"properties are an array", with(`"properties":[1]`), "properties"},
		{"properties are a string", with(`"properties":"x"`), "properties"},
		{"occurred_at is a number", with(`"occurred_at":1700000000`), "occurred_at"},
		{"occurred_at is no time", with(`"occurred_at":"yesterday"`), "occurred_at"},
		{"occurred_at has no zone", with(`"occurred_at":"2026-11-20T12:00:00"`), "occurred_at"},
		{"occurred_at is no day", with(`"occurred_at":"2026-02-30T12:00:00Z"`), "occurred_at"},
		{"occurred_at would read as none", with(`"occurred_at":"0001-01-01T00:00:00Z"`), "occurred_at"},
		{"occurred_at is too far ahead", with(`"occurred_at":"2026-11-21T12:00:00.001Z"`), "occurred_at"},
		{"backfill is a string", with(`"backfill":"yes"`), "backfill"},
		{"backfill is a number", with(`"backfill":1`), "backfill"},
		{"idempotency_key is a number", with(`"idempotency_key":7`), "idempotency_key"},
		{"idempotency_key is too long", with(`"idempotency_key":` + long(128)), "idempotency_key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in, ignored, err := wire.DecodeSignal([]byte(c.body), now)
			wantInvalid(t, err, c.param)
			if in.BodyHash != ([16]byte{}) || ignored != nil {
				t.Errorf("a refused body has the hash %x and ignored %q", in.BodyHash, ignored)
			}
		})
	}
}

// Whoever looks for the signal that was refused finds it by what was read before the error.
func TestDecodeSignal_ARefusedBodyTellsWhatWasReadBeforeTheError(t *testing.T) {
	t.Parallel()
	in, _, err := wire.DecodeSignal([]byte(`{"type":"t","source":"s","account":{"domain":"acme.com"},"properties":[1],"contact":{"email":"a@acme.com"}}`), now)
	wantInvalid(t, err, "properties")
	want := signalbox.SignalInput{Type: "t", Source: "s", Account: signalbox.AccountInput{Domain: "acme.com"}}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
}

func wantInvalid(t *testing.T, err error, param string) {
	t.Helper()
	var e *signalbox.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a refusal of %q", err, param)
	}
	if e.Code != signalbox.Invalid || e.Param != param {
		t.Errorf("got %s of %q, want %s of %q (%s)", e.Code, e.Param, signalbox.Invalid, param, e.Msg)
	}
	if !strings.Contains(e.Msg, param) {
		t.Errorf("the message does not name %q: %s", param, e.Msg)
	}
}

func TestDecodeSignal_BoundsAreInclusive(t *testing.T) {
	t.Parallel()
	body := `{"type":"` + strings.Repeat("é", 200) + `","source":"s","idempotency_key":"` + strings.Repeat("k", 255) + `","occurred_at":"2026-11-21T12:00:00Z",
		"contact":{"email":"` + strings.Repeat("e", 254) + `","linkedin_url":"` + strings.Repeat("l", 512) + `"},
		"properties":{"a":` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + `}}`
	if _, _, err := wire.DecodeSignal([]byte(body), now); err != nil {
		t.Error(err)
	}
}

func TestDecodeSignal_OccurredAtTakesAnyRFC3339Time(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2024-09-01T14:32:00Z":             time.Date(2024, 9, 1, 14, 32, 0, 0, time.UTC),
		"2024-09-01t14:32:00z":             time.Date(2024, 9, 1, 14, 32, 0, 0, time.UTC),
		"2024-09-01T14:32:00.5-07:00":      time.Date(2024, 9, 1, 21, 32, 0, 5e8, time.UTC),
		"2024-09-01T14:32:00.999999999Z":   time.Date(2024, 9, 1, 14, 32, 0, 999999000, time.UTC),
		"2016-12-31T23:59:60Z":             time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC),
		"1969-07-20T20:17:40+00:00":        time.Date(1969, 7, 20, 20, 17, 40, 0, time.UTC),
		"  2024-09-01T14:32:00.000-00:00 ": time.Date(2024, 9, 1, 14, 32, 0, 0, time.UTC),
	} {
		in, _, err := wire.DecodeSignal([]byte(`{"type":"t","source":"s","occurred_at":"`+text+`"}`), now)
		if err != nil || !in.OccurredAt.Equal(want) || in.OccurredAt.Location() != time.UTC {
			t.Errorf("%s: got %v (%v), want %v", text, in.OccurredAt, err, want)
		}
	}
}

func TestBodyHash_SameValueSameHash(t *testing.T) {
	t.Parallel()
	hash := func(body string) [16]byte {
		h, err := wire.BodyHash([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if hash(`{"a":1,"b":[1,2]}`) != hash(" {\"b\" : [1.0,2],\n\"a\":1e0}") {
		t.Error("spaces, order and spelling changed the hash")
	}
	if hash(`{"a":[1,2]}`) == hash(`{"a":[2,1]}`) {
		t.Error("another value has the same hash")
	}
	if _, err := wire.BodyHash([]byte(`{"a":`)); signalbox.CodeOf(err) != signalbox.Invalid {
		t.Errorf("got %v", err)
	}
}

func FuzzDecodeSignal(f *testing.F) {
	for _, seed := range []string{s0Sample, ``, `{}`, `[]`, `{"type":"t","source":"s","x":1}`, `{"type":"t","source":"s","properties":{"a":"\u2028\"}"}}`,
		`{"type":"t","source":"s","occurred_at":"2016-12-31T23:59:60Z","backfill":true,"idempotency_key":"k"}`,
		`{"type":"t","source":"s","account":{"domain":"d","attributes":{"a":{}}},"contact":{"attributes":{"]":"}"}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := slices.Clone(body)
		in, ignored, err := wire.DecodeSignal(body, now)
		if !slices.Equal(before, body) {
			t.Fatal("the body was written to")
		}
		if err != nil {
			if signalbox.CodeOf(err) != signalbox.Invalid {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if err := strictjson.Check(body); err != nil {
			t.Fatalf("accepted what is no strict JSON: %v", err)
		}
		if in.Type == "" || in.Source == "" {
			t.Fatal("type or source is empty")
		}
		for _, object := range [][]byte{in.Properties, in.Account.Attributes, in.Contact.Attributes} {
			if again, err := strictjson.Stable(object); object != nil && (err != nil || !slices.Equal(again, object) || object[0] != '{') {
				t.Fatalf("not a stable object: %s (%v)", object, err)
			}
		}
		for _, name := range ignored {
			if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%q is not safe in a header", name)
			}
		}
	})
}

func BenchmarkDecodeSignal(b *testing.B) {
	body := []byte(`{"type":"product_trial_started","source":"internal_app","occurred_at":"2026-11-20T11:00:00.123Z","account":{"domain":"acmecorp.com","name":"Acme Corp"},"contact":{"email":"jane.doe@acmecorp.com","first_name":"Jane","last_name":"Doe"},"properties":{"plan":"pro_trial","trial_ends_at":"2024-09-15T00:00:00Z","invited_by":"sales_outreach","url":"https://www.acmecorp.com/pricing?utm_source=newsletter&utm_campaign=autumn","seats":25,"monthly":1299.50,"features":["sso","audit","export"],"nested":{"a":true,"b":null,"c":"some text that goes on for a while to reach the size"}}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := wire.DecodeSignal(body, now); err != nil {
			b.Fatal(err)
		}
	}
}
