package filter_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"signalbox/filter"
)

var fields = []string{"signal.type", "signal.source", "signal.properties.*", "account.domain", "contact.email"}

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

const record = `{"signal":{"type":"form_submitted","source":"website","properties":{"team_size":8,"plan":"pro","budget":"12000","tags":["a","b"],"ok":true,"none":null,
	"a.b":{"c":"dotted"},"at":"2026-03-01T00:00:00Z","big":12345678901234567890}},"account":{"domain":"acme.com"},"contact":null}`

func condition(field, operator, value string) string {
	return fmt.Sprintf(`{"field":%q,"operator":%q,"value":%s}`, field, operator, value)
}

func TestTakes_EachOperatorOnEachKind(t *testing.T) {
	t.Parallel()
	r := decode(t, record)
	p := "signal.properties."
	for _, c := range []struct {
		field, operator, value string
		want                   bool
		why                    string
	}{
		{"signal.type", "equals", `"form_submitted"`, true, ""},
		{"signal.type", "equals", `"page_view"`, false, `signal.type is "form_submitted", not equal to "page_view"`},
		{"signal.type", "not_equals", `"page_view"`, true, ""},
		{"signal.type", "in", `["page_view","form_submitted"]`, true, ""},
		{"signal.type", "in", `["page_view"]`, false, `signal.type is "form_submitted", not one of ["page_view"]`},
		{"signal.type", "starts_with", `"form"`, true, ""},
		{"signal.type", "contains", `"submit"`, true, ""},
		{p + "team_size", "greater_than", `10`, false, `signal.properties.team_size is 8, not greater than 10`},
		{p + "team_size", "greater_than", `7.5`, true, ""},
		{p + "team_size", "greater_or_equal", `8`, true, ""},
		{p + "team_size", "greater_or_equal", `"8.0"`, true, ""},
		{p + "team_size", "less_than", `8`, false, `signal.properties.team_size is 8, not less than 8`},
		{p + "team_size", "less_or_equal", `8e0`, true, ""},
		{p + "team_size", "equals", `8.00`, true, ""},
		{p + "team_size", "equals", `"8"`, true, ""},
		{p + "team_size", "not_equals", `9`, true, ""},
		{p + "team_size", "not_equals", `"pro"`, false, ""}, // unlike types
		{p + "team_size", "contains", `"8"`, false, ""},
		{p + "budget", "greater_than", `11999.5`, true, ""}, // a text that is a number
		{p + "budget", "equals", `12000`, true, ""},
		{p + "plan", "greater_than", `5`, false, ""},
		{p + "tags", "contains", `"b"`, true, ""},
		{p + "tags", "contains", `"c"`, false, `signal.properties.tags is ["a","b"], not a text that contains "c"`},
		{p + "tags", "equals", `"a"`, false, ""},
		{p + "ok", "equals", `true`, true, ""},
		{p + "ok", "equals", `1`, false, ""},
		{p + "ok", "not_equals", `false`, true, ""},
		{p + "none", "equals", `null`, false, "signal.properties.none is missing"},
		{p + "absent", "not_equals", `"x"`, false, "signal.properties.absent is missing"},
		{p + "plan.deeper", "equals", `"x"`, false, "signal.properties.plan.deeper is missing"},
		{p + "a.b.c", "equals", `"dotted"`, true, ""},
		{p + "at", "greater_than", `"2026-01-01T00:00:00Z"`, true, ""},
		{p + "big", "equals", `12345678901234567890`, true, ""},
		{p + "big", "equals", `12345678901234567891`, false, ""}, // beyond what a float tells apart
		{"contact.email", "contains", `"@"`, false, "contact.email is missing"},
		{"account.domain", "equals", `"acme.com"`, true, ""},
	} {
		text := condition(c.field, c.operator, c.value)
		f, err := filter.Parse([]byte(text), fields)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f.Takes(r); got != c.want {
			t.Errorf("%s: %v, want %v", text, got, c.want)
		}
		if why := f.Why(r); c.want != (why == "") || c.why != "" && why != c.why {
			t.Errorf("%s: because %q, want %q", text, why, c.why)
		}
	}
}

func TestTakes_Groups(t *testing.T) {
	t.Parallel()
	r := decode(t, record)
	yes, no := condition("signal.type", "equals", `"form_submitted"`), condition("signal.source", "equals", `"shop"`)
	other := condition("account.domain", "equals", `"globex.com"`)
	for text, why := range map[string]string{
		`{"all":[` + yes + `]}`:                                    "",
		`{"all":[` + yes + `,` + no + `,` + other + `]}`:           `signal.source is "website", not equal to "shop"`,
		`{"any":[` + no + `,` + yes + `]}`:                         "",
		`{"any":[` + no + `,` + other + `]}`:                       `signal.source is "website", not equal to "shop", and account.domain is "acme.com", not equal to "globex.com"`,
		`{"all":[` + yes + `,{"any":[` + no + `,` + yes + `]}]}`:   "",
		`{"any":[{"all":[` + yes + `,` + no + `]},` + other + `]}`: `signal.source is "website", not equal to "shop", and account.domain is "acme.com", not equal to "globex.com"`,
	} {
		f, err := filter.Parse([]byte(text), fields)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := f.Why(r); got != why || f.Takes(r) != (why == "") {
			t.Errorf("%s: %v, because %q, want %q", text, f.Takes(r), got, why)
		}
	}
	var none *filter.Filter
	if !none.Takes(r) || !new(filter.Filter).Takes(nil) {
		t.Error("no filter keeps something out")
	}
}

func TestParse_SaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	good := condition("signal.type", "equals", `"x"`)
	for text, want := range map[string][2]string{
		``:           {"", "JSON"},
		`[]`:         {"", "object"},
		`{} {}`:      {"", "JSON"},
		`{}`:         {"field", "required"},
		`{"all":[]}`: {"all", "at least one"},
		`{"all":{}}`: {"all", "list"},
		`{"all":[` + good + `],"any":[` + good + `]}`:                        {"any", "beside all"},
		`{"all":[` + good + `,{"any":["x"]}]}`:                               {"all[1].any[0]", "object"},
		`{"field":"signal.kind","operator":"equals","value":1}`:              {"field", `"signal.kind" is none of signal.type`},
		`{"field":"signal.properties.","operator":"equals","value":1}`:       {"field", "none of"},
		`{"all":[{"field":"signal.type","operator":"is","value":1}]}`:        {"all[0].operator", "contains, equals, greater_or_equal"},
		`{"field":"signal.type","operator":"equals"}`:                        {"value", "required"},
		`{"field":"signal.type","operator":"equals","value":1,"not":true}`:   {"not", "unknown"},
		condition("signal.type", "in", `"x"`):                                {"value", "list"},
		condition("signal.type", "in", `[]`):                                 {"value", "1 to 100"},
		condition("signal.type", "in", `[["x"]]`):                            {"value", "holds one"},
		condition("signal.type", "contains", `1`):                            {"value", "text"},
		condition("signal.type", "starts_with", `""`):                        {"value", "text"},
		condition("signal.type", "less_than", `true`):                        {"value", "number"},
		condition("signal.type", "equals", `{"a":1}`):                        {"value", "object"},
		condition("signal.type", "equals", `[1]`):                            {"value", "list"},
		condition("signal.type", "equals", `"`+strings.Repeat("x", 501)+`"`): {"value", "500"},
		strings.Repeat(`{"all":[`, 5) + good + strings.Repeat(`]}`, 5):       {"all[0].all[0].all[0].all[0]", "deeper"},
		`{"all":[` + strings.Repeat(good+",", 50) + good + `]}`:              {"all[50]", "50 conditions"},
	} {
		_, err := filter.Parse([]byte(text), fields)
		var e *filter.Error
		if !errors.As(err, &e) || e.Path != want[0] || !strings.Contains(e.Msg, want[1]) {
			t.Errorf("%.80s: %v, want %q at %q", text, err, want[1], want[0])
		}
	}
}

// Whatever is saved and whatever comes, the answer is one, and a reason is there exactly when something is kept out.
func FuzzFilter(f *testing.F) {
	f.Add(condition("signal.properties.n", "greater_than", `"1e5"`), record)
	f.Add(`{"any":[{"all":[`+condition("signal.type", "in", `["x",1,null,true]`)+`]}]}`, record)
	f.Add(condition("signal.properties.a.b.c", "contains", `"x"`), `{"signal":{"properties":{"a.b.c":["x"],"a":{"b":{"c":1e999999}}}}}`)
	f.Fuzz(func(t *testing.T, text, doc string) {
		parsed, err := filter.Parse([]byte(text), fields)
		if err != nil {
			return
		}
		dec := json.NewDecoder(strings.NewReader(doc))
		dec.UseNumber()
		var r map[string]any
		if dec.Decode(&r) != nil {
			return
		}
		if takes, why := parsed.Takes(r), parsed.Why(r); takes != (why == "") {
			t.Errorf("%s of %s: %v, because %q", text, doc, takes, why)
		}
	})
}
