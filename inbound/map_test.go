package inbound_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/inbound"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// mapped compiles a mapping, which must be good.
func mapped(t testing.TB, m signalbox.Mapping) *inbound.Door {
	t.Helper()
	d, err := inbound.Compile(&signalbox.Incoming{Verify: signalbox.Verification{Preset: signalbox.PresetNone}, Mapping: m})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// plain is a mapping of a type and a source, and what else a test is about.
func plain(change func(*signalbox.Mapping)) signalbox.Mapping {
	m := signalbox.Mapping{Type: `"t"`, Source: `"s"`}
	change(&m)
	return m
}

func one(t *testing.T, d *inbound.Door, body string) signalbox.SignalInput {
	t.Helper()
	list, err := d.Map(&inbound.Request{}, []byte(body), now)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: got %d signals, %v", body, len(list), err)
	}
	return list[0]
}

func TestMap_EveryField(t *testing.T) {
	t.Parallel()
	d := mapped(t, signalbox.Mapping{
		When: `body.kind == "order"`, Type: `"order_" + body.status`, Source: `query.from`,
		Account: signalbox.AccountMapping{Domain: `body.company.site`, Name: `body.company.name`, Attributes: `{"size": "{{ body.company.size }}"}`},
		Contact: signalbox.ContactMapping{Email: `body.buyer.email`, FirstName: `body.buyer.first`, LastName: `body.buyer.last`, Title: `body.buyer.title`,
			LinkedInURL: `body.buyer.linkedin`, Attributes: `{"vip": body.buyer.vip}`},
		Properties: `{"total": "{{ body.total }}", "note": "order {{ body.id }}", "agent": "{{ headers['user-agent'] }}", "none": "{{ body.none }}"}`,
		OccurredAt: `body.at`, IdempotencyKey: `body.id`,
	})
	req := &inbound.Request{Header: http.Header{"User-Agent": {"shop/1"}}, Query: url.Values{"from": {"shop"}}}
	body := `{"kind":"order","status":"paid","id":17,"total":12.50,"at":"2026-11-20T10:00:00+01:00",
		"company":{"site":"https://acme.com","name":"Acme","size":12},
		"buyer":{"email":"ada@acme.com","first":" Ada ","last":"Lovelace","title":"CTO","linkedin":"https://linkedin.com/in/ada","vip":true}}`
	list, err := d.Map(req, []byte(body), now)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d signals, %v", len(list), err)
	}
	want := signalbox.SignalInput{
		Type: "order_paid", Source: "shop", IdempotencyKey: "17", BodyHash: list[0].BodyHash, OccurredAt: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC),
		Account: signalbox.AccountInput{Domain: "https://acme.com", Name: "Acme", Attributes: []byte(`{"size":12}`)},
		Contact: signalbox.ContactInput{Email: "ada@acme.com", FirstName: "Ada", LastName: "Lovelace", Title: "CTO", LinkedInURL: "https://linkedin.com/in/ada",
			Attributes: []byte(`{"vip":true}`)},
		Properties: []byte(`{"total":12.5,"note":"order 17","agent":"shop/1","none":null}`),
	}
	if diff := cmp.Diff(want, list[0]); diff != "" {
		t.Error(diff)
	}
	again, err := d.Map(req, []byte(body), now.Add(time.Hour))
	if diff := cmp.Diff(list, again); err != nil || diff != "" {
		t.Errorf("mapped again: %v %s", err, diff)
	}
}

func TestMap_WhatAFieldMayGive(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(*signalbox.Mapping)
		body   string
		check  func(signalbox.SignalInput) bool
	}{
		{"what is missing is left out", func(m *signalbox.Mapping) { m.Contact.Email = `body.email` }, `{}`,
			func(in signalbox.SignalInput) bool { return in.Contact.Email == "" }},
		{"null and an empty text too", func(m *signalbox.Mapping) { m.Contact.Email, m.OccurredAt = `body.email`, `body.at` }, `{"email":null,"at":""}`,
			func(in signalbox.SignalInput) bool { return in.Contact.Email == "" && in.OccurredAt.IsZero() }},
		{"the whole body as properties", func(m *signalbox.Mapping) { m.Properties = `body` }, `{"b":1,"a":[12345678901234567890]}`,
			func(in signalbox.SignalInput) bool {
				return string(in.Properties) == `{"a":[12345678901234567890],"b":1}`
			}},
		{"an object as an expression", func(m *signalbox.Mapping) { m.Properties = `{"n": body.n + 1, 'k': "x"}` }, `{"n":1}`,
			func(in signalbox.SignalInput) bool { return string(in.Properties) == `{"k":"x","n":2}` }},
		{"an id of many digits as a key", func(m *signalbox.Mapping) { m.IdempotencyKey = `body.id` }, `{"id":12345678901234567890}`,
			func(in signalbox.SignalInput) bool { return in.IdempotencyKey == "12345678901234567890" }},
		{"Unix seconds", func(m *signalbox.Mapping) { m.OccurredAt = `body.at` }, `{"at":1533204620}`,
			func(in signalbox.SignalInput) bool { return in.OccurredAt.Equal(time.Unix(1533204620, 0)) }},
		{"Unix milliseconds", func(m *signalbox.Mapping) { m.OccurredAt = `body.at` }, `{"at":1533204620123}`,
			func(in signalbox.SignalInput) bool { return in.OccurredAt.Equal(time.UnixMilli(1533204620123)) }},
		{"Unix microseconds", func(m *signalbox.Mapping) { m.OccurredAt = `body.at` }, `{"at":1533204620123456}`,
			func(in signalbox.SignalInput) bool { return in.OccurredAt.Equal(time.UnixMicro(1533204620123456)) }},
		{"Unix time in a text, as Slack's ts", func(m *signalbox.Mapping) { m.OccurredAt = `body.at` }, `{"at":"1518664962.000200"}`,
			func(in signalbox.SignalInput) bool { return in.OccurredAt.Equal(time.UnixMicro(1518664962000200)) }},
		{"a time that was made", func(m *signalbox.Mapping) { m.OccurredAt = `timestamp(body.at)` }, `{"at":"2026-01-01T00:00:00Z"}`,
			func(in signalbox.SignalInput) bool {
				return in.OccurredAt.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
			}},
		{"comments and line ends in an expression", func(m *signalbox.Mapping) { m.Type = "\n\"a_\" // which\n + body.t\n" }, `{"t":"b"}`,
			func(in signalbox.SignalInput) bool { return in.Type == "a_b" }},
		{"braces in a text of an expression", func(m *signalbox.Mapping) { m.Type = `"}} {{" + body.t` }, `{"t":"b"}`,
			func(in signalbox.SignalInput) bool { return in.Type == "}} {{b" }},
	}
	for _, c := range cases {
		if in := one(t, mapped(t, plain(c.change)), c.body); !c.check(in) {
			t.Errorf("%s: got %+v", c.name, in)
		}
	}
}

func TestMap_RefusalsNameTheFieldAndWhatWasAbsent(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	cases := []struct {
		name, body, param, says string
		change                  func(*signalbox.Mapping)
	}{
		{"no type", `{}`, "mapping.type", "mapping.type gave nothing: body.event is absent", func(m *signalbox.Mapping) { m.Type = `body.event` }},
		{"no type of two parts", `{}`, "mapping.type", "mapping.type gave nothing: body.a, body.b and body.c are absent", func(m *signalbox.Mapping) { m.Type = `has(body.x) ? "x" : (body.a == 1 || body.b == 1 ? "y" : body.c)` }},
		{"an empty type", `{"event":""}`, "mapping.type", "mapping.type gave nothing: it must give a text that is not empty", func(m *signalbox.Mapping) { m.Type = `body.event` }},
		{"a type of white space", `{"event":"  "}`, "mapping.type", "mapping.type", func(m *signalbox.Mapping) { m.Type = `body.event` }},
		{"a type that is no text", `{"event":{"a":1}}`, "mapping.type", "mapping.type must be a string, not an object", func(m *signalbox.Mapping) { m.Type = `body.event` }},
		{"a type that is yes", `{"event":true}`, "mapping.type", "not true or false", func(m *signalbox.Mapping) { m.Type = `body.event` }},
		{"a type that is too long", `{"event":"` + long + `"}`, "mapping.type", "mapping.type is too long: at most 200 characters", func(m *signalbox.Mapping) { m.Type = `body.event` }},
		{"no source", `{}`, "mapping.source", "mapping.source gave nothing: body.from is absent", func(m *signalbox.Mapping) { m.Source = `body.from` }},
		{"an e-mail that is too long", `{"e":"` + long + `"}`, "mapping.contact.email", "mapping.contact.email is too long: at most 254 bytes", func(m *signalbox.Mapping) { m.Contact.Email = `body.e` }},
		{"a time that is none", `{"at":"yesterday"}`, "mapping.occurred_at", `mapping.occurred_at must be an RFC 3339 time such as 2024-09-01T14:32:00Z, not "yesterday"`, func(m *signalbox.Mapping) { m.OccurredAt = `body.at` }},
		{"a time that cannot be made", `{"at":"yesterday"}`, "mapping.occurred_at", `mapping.occurred_at cannot be made of these values`, func(m *signalbox.Mapping) { m.OccurredAt = `timestamp(body.at)` }},
		{"a year as a time", `{"at":2026}`, "mapping.occurred_at", "gives 2026, which is no Unix time", func(m *signalbox.Mapping) { m.OccurredAt = `body.at` }},
		{"a time before 1970", `{"at":-5}`, "mapping.occurred_at", "no Unix time", func(m *signalbox.Mapping) { m.OccurredAt = `body.at` }},
		{"a list as a time", `{"at":[1]}`, "mapping.occurred_at", "not a list", func(m *signalbox.Mapping) { m.OccurredAt = `body.at` }},
		{"a time far ahead", `{"at":"2027-11-20T00:00:00Z"}`, "mapping.occurred_at", "more than 24 hours ahead", func(m *signalbox.Mapping) { m.OccurredAt = `body.at` }},
		{"properties that are a list", `[1]`, "mapping.properties", "mapping.properties must be an object, not an array", func(m *signalbox.Mapping) { m.Properties = `body` }},
		{"properties that are too large", `{"x":"` + strings.Repeat("x", 300<<10) + `"}`, "mapping.properties", "mapping.properties gives more than 262144 bytes", func(m *signalbox.Mapping) { m.Properties = `body` }},
		{"properties that lie too deep", strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat(`}`, 32), "mapping.properties", "mapping.properties cannot be used: ", func(m *signalbox.Mapping) { m.Properties = `body` }},
		{"attributes that are too large", `{"x":"` + strings.Repeat("x", 70<<10) + `"}`, "mapping.account.attributes", "at most 65536 bytes", func(m *signalbox.Mapping) { m.Account.Attributes = `body` }},
		{"a key that is too long", `{"k":"` + long + `"}`, "mapping.idempotency_key", "at most 255 bytes", func(m *signalbox.Mapping) { m.IdempotencyKey = `body.k` }},
		{"an expression that costs too much", `{"l":[` + strings.Repeat("1,", 3000) + `1]}`, "mapping.contact.title", "costs more than 10000 units", func(m *signalbox.Mapping) {
			m.Contact.Title = `body.l.exists(a, body.l.exists(b, a + b > 9)) ? "x" : "y"`
		}},
		{"a template that costs too much", `{"l":[` + strings.Repeat("1,", 3000) + `1]}`, "mapping.properties", "costs more than 10000 units", func(m *signalbox.Mapping) {
			m.Properties = `{"a":"{{ body.l.exists(a, body.l.exists(b, a + b > 9)) }}"}`
		}},
		{"nothing to go through", `{}`, "mapping.each", "mapping.each gave nothing: body.events is absent", func(m *signalbox.Mapping) { m.Each = `body.events` }},
		{"a text to go through", `{"events":"a"}`, "mapping.each", "mapping.each must give a list, not a text", func(m *signalbox.Mapping) { m.Each = `body.events` }},
		{"too many items", `[` + strings.Repeat("1,", 2500) + `1]`, "mapping.each", "gives 2501 items, at most 2500", func(m *signalbox.Mapping) { m.Each = `body` }},
		{"one item of several", `[{"t":"a"},{"x":1}]`, "mapping.type", "item 2 of 2: mapping.type gave nothing: item.t is absent", func(m *signalbox.Mapping) { m.Each, m.Type = `body`, `item.t` }},
	}
	for _, c := range cases {
		list, err := mapped(t, plain(c.change)).Map(&inbound.Request{}, []byte(c.body), now)
		var e *signalbox.Error
		if !errors.As(err, &e) || e.Code != signalbox.Invalid || e.Param != c.param || !strings.Contains(e.Msg, c.says) || list != nil {
			t.Errorf("%s: got %v, %v; want %s: %s", c.name, list, err, c.param, c.says)
		}
	}
}

func TestMap_EachItemIsASignal(t *testing.T) {
	t.Parallel()
	d := mapped(t, signalbox.Mapping{Each: `body.events`, When: `item.t != "noise"`, Type: `item.t`, Source: `body.from`, Properties: `item`})
	list, err := d.Map(&inbound.Request{}, []byte(`{"from":"x","events":[{"t":"a"},{"t":"noise"},{"t":"b","n":2}]}`), now)
	if err != nil || len(list) != 2 || list[0].Type != "a" || list[1].Type != "b" || list[1].Source != "x" || string(list[1].Properties) != `{"n":2,"t":"b"}` {
		t.Errorf("got %+v, %v", list, err)
	}
	list, err = d.Map(&inbound.Request{}, []byte(`{"from":"x","events":{"t":"a"}}`), now)
	if err != nil || len(list) != 1 || list[0].Type != "a" {
		t.Errorf("a single one without brackets: got %+v, %v", list, err)
	}
}

func TestMap_AsManyItemsAsABatchHas(t *testing.T) {
	t.Parallel()
	d := mapped(t, signalbox.Mapping{Each: `body.list`, Type: `body.kind`, Source: `"s"`, Properties: `{"n": item}`})
	body := `{"kind":"k","pad":"` + strings.Repeat("x", 900<<10) + `","list":[` + strings.Repeat("1,", inbound.MaxSignals-1) + `1]}`
	list, err := d.Map(&inbound.Request{}, []byte(body), now)
	if err != nil || len(list) != inbound.MaxSignals || list[2499].Type != "k" {
		t.Errorf("%d signals, %v", len(list), err)
	}
}

func TestMap_AllSignalsTogetherAreBounded(t *testing.T) {
	t.Parallel()
	d := mapped(t, signalbox.Mapping{Each: `body.list`, Type: `"t"`, Source: `"s"`, Properties: `{"pad": body.pad}`})
	body := `{"pad":"` + strings.Repeat("x", 100<<10) + `","list":[` + strings.Repeat("1,", 999) + `1]}`
	_, err := d.Map(&inbound.Request{}, []byte(body), now)
	if signalbox.CodeOf(err) != signalbox.TooLarge || !strings.Contains(err.Error(), "item 52 of 1000: the signals of one body have more than") {
		t.Errorf("got %v", err)
	}
}

func TestMap_TheCostOfABodyIsBounded(t *testing.T) {
	t.Parallel()
	d := mapped(t, signalbox.Mapping{Each: `body.list`, Type: `body.list.exists(a, a == 2) ? "x" : "t"`, Source: `"s"`})
	_, err := d.Map(&inbound.Request{}, []byte(`{"list":[`+strings.Repeat("1,", 900)+`1]}`), now)
	var e *signalbox.Error
	if !errors.As(err, &e) || e.Param != "mapping.type" || !strings.Contains(e.Msg, "1000000 units were used up") {
		t.Errorf("got %v", err)
	}
}

func TestMap_AsManyItemsAsThereMayBeFitIntoTheCost(t *testing.T) {
	t.Parallel()
	event := `{"eventId":100,"subscriptionId":1960986,"portalId":62515,"appId":54321,"occurredAt":1564113601250,"subscriptionType":"contact.propertyChange","attemptNumber":1,"objectId":123,` +
		`"propertyName":"email","propertyValue":"ada@acmecorp.com","changeSource":"CRM_UI","sourceId":"userId:45678"},`
	body := `[` + strings.TrimSuffix(strings.Repeat(event, inbound.MaxSignals), ",") + `]`
	if list, err := ready(t, "hubspot").Map(&inbound.Request{}, []byte(body), now); err != nil || len(list) != inbound.MaxSignals {
		t.Errorf("%d signals, %v", len(list), err)
	}
}

func TestMap_AKeyOfTheWholeBodyIsNumberedForItsItems(t *testing.T) {
	t.Parallel()
	body := []byte(`{"id":"b1","list":[{"id":"i1"},{"id":"i2"}]}`)
	for source, want := range map[string]string{`body.id`: "b1/0 b1/1", `item.id`: "i1 i2", `body.id + item["id"]`: "b1i1 b1i2", `body.none`: " "} {
		d := mapped(t, plain(func(m *signalbox.Mapping) { m.Each, m.IdempotencyKey = `body.list`, source }))
		list, err := d.Map(&inbound.Request{}, body, now)
		if err != nil || list[0].IdempotencyKey+" "+list[1].IdempotencyKey != want {
			t.Errorf("%s: got %+v, %v", source, list, err)
		}
	}
	if in := one(t, mapped(t, plain(func(m *signalbox.Mapping) { m.IdempotencyKey = `body.id` })), `{"id":"b1"}`); in.IdempotencyKey != "b1" || in.BodyHash == [16]byte{} {
		t.Errorf("got %+v", in)
	}
}

func TestMap_WhatIsIgnoredOnPurposeSaysWhy(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, when, each, body, want string }{
		{"a condition on the body", `body.action == "created" && has(body.id)`, "", `{"action":"deleted","id":1}`, `mapping.when does not hold: body.action is "deleted", not == "created"`},
		{"a field that is missing", `body.action == "created"`, "", `{}`, `mapping.when does not hold: body.action is missing`},
		{"a condition on the body, and a list", `body.live`, `body.list`, `{"live":false,"list":[1]}`, `mapping.when does not hold: body.live is false`},
		{"no item", `item.n > 5`, `body`, `[{"n":1},{"n":2}]`, `mapping.when holds for none of 2 items; of the first: mapping.when does not hold: item.n is 1, not > 5`},
		{"one item", `item.n > 5`, `body`, `[{"n":1}]`, `mapping.when does not hold: item.n is 1, not > 5`},
		{"an empty list", "", `body`, `[]`, `mapping.each gave an empty list`},
	}
	for _, c := range cases {
		d := mapped(t, plain(func(m *signalbox.Mapping) { m.When, m.Each = c.when, c.each }))
		list, err := d.Map(&inbound.Request{}, []byte(c.body), now)
		var ignored *inbound.Ignored
		if !errors.As(err, &ignored) || ignored.Reason != c.want || list != nil {
			t.Errorf("%s: got %v, %v, want %s", c.name, list, err, c.want)
		}
		if tried := d.Try(&inbound.Request{}, []byte(c.body), now); c.each == "" && tried.Ignored != c.want {
			t.Errorf("%s: Try says %q", c.name, tried.Ignored)
		}
	}
}

func TestMap_AConditionThatCostsTooMuchIgnoresNothing(t *testing.T) {
	t.Parallel()
	d := mapped(t, plain(func(m *signalbox.Mapping) { m.When = `body.l.exists(a, body.l.exists(b, a + b > 9))` }))
	_, err := d.Map(&inbound.Request{}, []byte(`{"l":[`+strings.Repeat("1,", 3000)+`1]}`), now)
	if signalbox.CodeOf(err) != signalbox.Invalid || !strings.Contains(err.Error(), "mapping.when costs more than 100000 units") {
		t.Errorf("got %v", err)
	}
}

func TestMap_HeadersThatProveTheSenderCannotBeRead(t *testing.T) {
	t.Parallel()
	d, err := inbound.Compile(&signalbox.Incoming{
		Verify:  signalbox.Verification{Preset: signalbox.PresetHeader, Header: "x-door"},
		Mapping: signalbox.Mapping{Type: `"t"`, Source: `"s"`, Properties: `{"all": headers}`},
	})
	if err != nil {
		t.Fatal(err)
	}
	req := &inbound.Request{Header: http.Header{"X-Door": {"s3cret"}, "Authorization": {"Bearer s3cret"}, "Cookie": {"s3cret"}, "X-Hub-Signature-256": {"s3cret"},
		"X-Github-Event": {"star"}, "Accept": {"a", "b"}}}
	list, err := d.Map(req, []byte(`{}`), now)
	if err != nil || string(list[0].Properties) != `{"all":{"accept":"a, b","x-github-event":"star"}}` {
		t.Errorf("got %s, %v", list[0].Properties, err)
	}
}

func TestMap_AQueryIsTextsAndLists(t *testing.T) {
	t.Parallel()
	d := mapped(t, plain(func(m *signalbox.Mapping) { m.Properties = `{"q": query}` }))
	list, err := d.Map(&inbound.Request{Query: url.Values{"a": {"1"}, "b": {"2", "3"}}}, []byte(`{}`), now)
	if err != nil || string(list[0].Properties) != `{"q":{"a":"1","b":["2","3"]}}` {
		t.Errorf("got %s, %v", list[0].Properties, err)
	}
}

func TestTry_ShowsEveryFieldAlsoWhereMapStops(t *testing.T) {
	t.Parallel()
	d := mapped(t, signalbox.Mapping{Type: `body.event`, Source: `"s"`, Contact: signalbox.ContactMapping{Email: `body.email`}, OccurredAt: `timestamp(body.at)`,
		Properties: `{"n": "{{ body.n }}"}`})
	tried := d.Try(&inbound.Request{}, []byte(`{"email":"ada@acme.com","at":"x","n":5}`), now)
	if tried.Err != nil || tried.Items != 1 || len(tried.Signals) != 1 {
		t.Fatalf("got %+v", tried)
	}
	s := tried.Signals[0]
	var got []string
	for _, f := range s.Fields {
		said := ""
		if f.Err != nil {
			said = f.Err.(*signalbox.Error).Msg
		}
		got = append(got, fmt.Sprintf("%s=%s %v %s", f.Name, f.Value, f.Missing, said))
	}
	want := []string{
		"type= [body.event] mapping.type gave nothing: body.event is absent",
		`source="s" [] `,
		`contact.email="ada@acme.com" [] `,
		`properties={"n":5} [] `,
		"occurred_at= [] mapping.occurred_at cannot be made of these values",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.Input != nil || s.Err == nil || s.Err.(*signalbox.Error).Param != "mapping.type" {
		t.Errorf("got %+v, %v", s.Input, s.Err)
	}
}

func TestTry_AgreesWithMap(t *testing.T) {
	t.Parallel()
	d := mapped(t, signalbox.Mapping{Each: `body`, When: `item.n > 0`, Type: `item.t`, Source: `"s"`, OccurredAt: `item.at`})
	for _, body := range []string{`[{"n":1,"t":"a"},{"n":0},{"n":2,"t":"b","at":1533204620}]`, `[{"n":1}]`, `[{"n":1,"t":"a","at":"2099-01-01T00:00:00Z"}]`, `{}`, `[]`, `5`} {
		list, err := d.Map(&inbound.Request{}, []byte(body), now)
		tried := d.Try(&inbound.Request{}, []byte(body), now)
		var inputs []signalbox.SignalInput
		said := tried.Err
		for _, s := range tried.Signals {
			if s.Input != nil {
				inputs = append(inputs, *s.Input)
			}
			if s.Err != nil && said == nil {
				said = s.Err
			}
		}
		var ignored *inbound.Ignored
		if errors.As(err, &ignored) {
			err = nil
		}
		if (err == nil) != (said == nil) || err == nil && cmp.Diff(list, inputs) != "" {
			t.Errorf("%s: Map %v, %v; Try %v, %v", body, list, err, inputs, said)
		}
	}
}

func TestTry_ShowsTheFirstItemsAndCountsTheRest(t *testing.T) {
	t.Parallel()
	d := mapped(t, plain(func(m *signalbox.Mapping) { m.Each = `body` }))
	tried := d.Try(&inbound.Request{}, []byte(`[`+strings.Repeat("1,", 99)+`1]`), now)
	if tried.Items != 100 || len(tried.Signals) != inbound.MaxTried {
		t.Errorf("%d items, %d shown", tried.Items, len(tried.Signals))
	}
}

func TestCompile_RefusesWhatCannotBeUsed(t *testing.T) {
	t.Parallel()
	type in = signalbox.Incoming
	cases := []struct {
		name, param, says string
		change            func(*in)
	}{
		{"no preset", "verify.preset", `"" is no preset: it is one of none, header, basic, standard, github`, func(i *in) { i.Verify.Preset = "" }},
		{"an unknown preset", "verify.preset", `"gitlab" is no preset`, func(i *in) { i.Verify.Preset = "gitlab" }},
		{"no header", "verify.header", "is required", func(i *in) { i.Verify.Preset = "header" }},
		{"a header that is none", "verify.header", "is no name of a header", func(i *in) { i.Verify = signalbox.Verification{Preset: "header", Header: "X Key"} }},
		{"a header of every client", "verify.header", "cannot hold a secret", func(i *in) { i.Verify = signalbox.Verification{Preset: "header", Header: "host"} }},
		{"a header with another preset", "verify.header", "goes with the preset header only, not with github", func(i *in) { i.Verify = signalbox.Verification{Preset: "github", Header: "X-Key"} }},
		{"no user", "verify.user", "is required", func(i *in) { i.Verify.Preset = "basic" }},
		{"a user with a colon", "verify.user", "without a colon", func(i *in) { i.Verify = signalbox.Verification{Preset: "basic", User: "a:b"} }},
		{"a user with another preset", "verify.user", "goes with the preset basic only", func(i *in) { i.Verify.User = "a" }},
		{"no type", "mapping.type", "mapping.type is required", func(i *in) { i.Mapping.Type = " " }},
		{"no source", "mapping.source", "mapping.source is required", func(i *in) { i.Mapping.Source = "" }},
		{"a fixed text without quotes", "mapping.type", "mapping.type: line 1, column 1: unknown variable signed_up: only body, headers and query can be read here; a fixed text stands in quotes: 'signed_up'", func(i *in) { i.Mapping.Type = "signed_up" }},
		{"a slip", "mapping.type", "unknown variable bdy: only body, headers and query can be read here; did you mean body?", func(i *in) { i.Mapping.Type = "bdy" }},
		{"braces in an expression", "mapping.type", "here stands an expression without braces", func(i *in) { i.Mapping.Type = "order_{{ body.status }}" }},
		{"a template that is no object", "mapping.properties", "a template must be a JSON object", func(i *in) { i.Mapping.Properties = `{"a": "{{ body.a }}",}` + "x" }},
		{"a bad expression in a template", "mapping.properties", "mapping.properties: a.b: line 1, column 4: unknown variable bdy", func(i *in) { i.Mapping.Properties = `{"a":{"b":"{{ bdy.x }}"}}` }},
		{"an item without a list", "mapping.contact.email", "unknown variable item", func(i *in) { i.Mapping.Contact.Email = "item.email" }},
		{"the item in what gives the list", "mapping.each", "unknown variable item", func(i *in) { i.Mapping.Each = "item.list" }},
		{"a signal, which is not there yet", "mapping.type", "unknown variable signal", func(i *in) { i.Mapping.Type = "signal.type" }},
		{"a condition that is none", "mapping.when", "a yes or no is needed", func(i *in) { i.Mapping.When = "'x'" }},
		{"an expression that is too long", "mapping.type", "16384", func(i *in) { i.Mapping.Type = `"` + strings.Repeat("x", 17000) + `"` }},
	}
	for _, c := range cases {
		i := in{Verify: signalbox.Verification{Preset: signalbox.PresetNone}, Mapping: signalbox.Mapping{Type: `"t"`, Source: `"s"`}}
		c.change(&i)
		err := inbound.Check(&i)
		var e *signalbox.Error
		if !errors.As(err, &e) || e.Code != signalbox.Invalid || e.Param != c.param || !strings.Contains(e.Msg, c.says) {
			t.Errorf("%s: got %v, want %s: %s", c.name, err, c.param, c.says)
		}
	}
}

func TestIncoming_IsKeptAsJSON(t *testing.T) {
	t.Parallel()
	in := inbound.Ready()[0].Incoming
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var back signalbox.Incoming
	if err := json.Unmarshal(raw, &back); err != nil || back != in {
		t.Errorf("%v: %s", err, cmp.Diff(in, back))
	}
	if strings.Contains(string(raw), `"account"`) {
		t.Errorf("what is not mapped is written: %s", raw)
	}
}

func FuzzMap(f *testing.F) {
	doors := []*inbound.Door{
		mapped(f, signalbox.Mapping{Type: `body.type`, Source: `"s"`, Properties: `body`, OccurredAt: `body.at`, IdempotencyKey: `body.id`, Contact: signalbox.ContactMapping{Email: `body.email`}}),
		mapped(f, signalbox.Mapping{Each: `body.list`, When: `item.n > 1`, Type: `item.type`, Source: `body.from`, Properties: `{"a":"{{ item.a }}"}`}),
	}
	for _, body := range []string{`{}`, `{"type":"a","at":1,"id":{},"email":[]}`, `{"from":"x","list":[{"n":2,"type":"b"},null]}`, `[]`, `"x"`, `{"type":"a","at":"1518664962.000200"}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		text, err := inbound.Parse("", []byte(body))
		if err != nil {
			return
		}
		for _, d := range doors {
			list, err := d.Map(&inbound.Request{}, text, now)
			var ignored *inbound.Ignored
			if (err == nil) != (len(list) > 0) || err != nil && !errors.As(err, &ignored) && signalbox.CodeOf(err) == signalbox.Internal {
				t.Fatalf("%s: %d signals, %v", body, len(list), err)
			}
			for _, in := range list {
				if in.Type == "" || in.Source == "" {
					t.Fatalf("%s: %+v", body, in)
				}
			}
			d.Try(&inbound.Request{}, text, now)
		}
	})
}

func BenchmarkMap(b *testing.B) {
	list := `{"events":[` + strings.TrimSuffix(strings.Repeat(`{"t":"a","email":"ada@acme.com","n":1},`, 100), ",") + `]}`
	for name, c := range map[string]struct {
		m    signalbox.Mapping
		body string
	}{
		"one": {signalbox.Mapping{Type: `"x_" + body.t`, Source: `"s"`, Contact: signalbox.ContactMapping{Email: `body.email`}, Properties: `{"n":"{{ body.n }}"}`, IdempotencyKey: `body.id`},
			`{"t":"a","email":"ada@acme.com","n":1,"id":"k"}`},
		"a hundred of one body": {signalbox.Mapping{Each: `body.events`, Type: `"x_" + item.t`, Source: `"s"`, Contact: signalbox.ContactMapping{Email: `item.email`}, Properties: `item`}, list},
	} {
		b.Run(name, func(b *testing.B) {
			d := mapped(b, c.m)
			req := &inbound.Request{Header: http.Header{"X-Event": {"a"}}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Map(req, []byte(c.body), now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
