package expr_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbox/expr"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const context = `{"team_size":8,"plan":"pro","budget":"12000","tags":["a","b"],"ok":true,"no":false,"none":null,"empty":"","float":2.5,
	"a.b":{"c":"dotted"},"at":"2026-03-01T00:00:00Z","big":12345678901234567890,"nested":{"deep":{"x":1}},"items":[{"price":5},{"price":"20"},{}]}`

// facts are those of most tests.
func facts() *expr.Facts {
	return &expr.Facts{
		Signal: &expr.Signal{Type: "form_submitted", Source: "website", Context: []byte(context), OccurredAt: now.Add(-time.Hour), CreatedAt: now, Score: 7},
		Account: &expr.Account{Domain: "acme.com", Name: "Acme", Attributes: []byte(`{"plan":"free","employees":51,"industry":"SaaS","renewal":"2026-03-09T00:00:00Z"}`),
			Score: 42, Stage: "Warm"},
		Contact: &expr.Contact{Email: "ada@acme.com", FirstName: "Ada", Title: "VP Engineering"},
		Now:     now,
	}
}

func compile(t testing.TB, source string, o expr.Options) *expr.Program {
	t.Helper()
	p, err := expr.Compile(source, o)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return p
}

// answers are conditions with what the facts above make of them.
var answers = map[string]bool{
	`signal.type == "form_submitted"`:                          true,
	`signal.type != "page_view"`:                               true,
	`signal.type in ["page_view", "form_submitted"]`:           true,
	`signal.type in ["page_view"]`:                             false,
	`signal.type.startsWith("form")`:                           true,
	`signal.type.endsWith("form")`:                             false,
	`signal.type.contains("submit")`:                           true,
	`signal.type.matches("^form_[a-z]+$")`:                     true,
	`signal.type.matches("^page")`:                             false,
	`properties.team_size > 10`:                                false,
	`context.team_size > 7.5`:                                  true,
	`signal.properties.team_size >= 8`:                         true,
	`signal.context.team_size >= "8.0"`:                        true,
	`properties.team_size < 8`:                                 false,
	`8 <= properties.team_size`:                                true,
	`properties["team_size"] == 8.0`:                           true,
	`properties.team_size == 8u`:                               true,
	`properties.team_size == "8"`:                              true,
	`properties.team_size != 9`:                                true,
	`properties.team_size != "pro"`:                            false, // unlike
	`properties.team_size.contains("8")`:                       false,
	`properties.budget > 11999.5`:                              true, // a text that is a number
	`properties.budget == 12000`:                               true,
	`properties.budget > "9"`:                                  true,
	`properties.plan > 5`:                                      false,
	`properties.tags.contains("b")`:                            true,
	`properties.tags.contains("c")`:                            false,
	`"a" in properties.tags`:                                   true,
	`properties.tags == ["a", "b"]`:                            true,
	`properties.tags == "a"`:                                   false,
	`properties.ok`:                                            true,
	`properties.ok == true`:                                    true,
	`properties.ok == 1`:                                       false,
	`properties.ok != false`:                                   true,
	`!properties.no`:                                           true,
	`properties.plan`:                                          false, // no yes or no
	`!properties.plan`:                                         true,
	`properties.none == "x"`:                                   false,
	`properties.none != "x"`:                                   false, // null is missing
	`properties.absent != "x"`:                                 false,
	`!(properties.absent > 1)`:                                 true,
	`properties.absent`:                                        false,
	`properties.plan.deeper == "x"`:                            false, // field access on what is no object
	`properties.nested.deep.x == 1`:                            true,
	`properties.a.b.c == "dotted"`:                             true,
	`properties["a.b"].c == "dotted"`:                          true,
	`properties.at > "2026-01-01T00:00:00Z"`:                   true,
	`properties.at > timestamp("2026-01-01T00:00:00Z")`:        true,
	`signal.occurred_at < "2026-03-10T12:00:00Z"`:              true,
	`signal.created_at - signal.occurred_at == duration("1h")`: true,
	`properties.big == 12345678901234567890u`:                  true,
	`properties.big == "12345678901234567891"`:                 false, // beyond what a double tells apart
	`properties.empty == ""`:                                   true,
	`contact.last_name == ""`:                                  false, // "" in a record's own field is absent (contract section 2)
	`account.status != "customer"`:                             false,
	`account.score > 40 && account.stage == "Warm"`:            true,
	`account.attributes.employees > 50`:                        true,
	`contact.title.contains("VP")`:                             true,
	`contact.attributes.x == 1`:                                false,
	`account.domain == contact.email`:                          false,
	`signal.score == 7`:                                        true,
	`has(properties.plan)`:                                     true,
	`has(properties.none)`:                                     false,
	`has(properties.absent.deeper)`:                            false,
	`has(properties["a.b"].c) && !has(properties["a b"])`:      true,
	`properties.items.exists(i, has(i["price"]))`:              true,
	`has(account.name) && !has(account.status)`:                true,
	// What the library does.
	`size(properties.tags) == 2`:                              true,
	`size(properties.absent) >= 0`:                            false,
	`properties.team_size * 2 + 1 == 17`:                      true,
	`properties.team_size * 1.5 > 11`:                         true, // whole numbers and doubles mix
	`properties.absent + 1 > 0`:                               false,
	`properties.team_size / 0 > 0`:                            false,
	`(properties.ok ? properties.team_size : 0) == 8`:         true,
	`properties.absent ? true : properties.ok`:                true,
	`properties.tags.exists(t, t == "b")`:                     true,
	`properties.tags.all(t, t.startsWith("a"))`:               false,
	`properties.tags.exists_one(t, t == "b")`:                 true,
	`properties.absent.all(t, true)`:                          false,
	`properties.items.exists(i, i.price > 10)`:                true, // "20" is a number, {} has none
	`properties.items.filter(i, has(i.price)).size() == 2`:    true,
	`properties.items[0].price == 5`:                          true,
	`properties.items[9].price == 5`:                          false,
	`properties.tags.map(t, t + "!") == ["a!", "b!"]`:         true,
	`properties.plan.upperAscii() == "PRO"`:                   true,
	`"a-b-c".replace("-", "").split("b").join("+") == "a+c"`:  true,
	`"grüße".substring(2, 4) + "x" == "üßx"`:                  true,
	`"grüße".indexOf("e") == 4`:                               true,
	`signal.occurred_at.getHours() == 11`:                     true,
	`signal.occurred_at.getHours("+02:00") == 13`:             true,
	`r"a\d" == "a\\d" && 'x' in ["x"]`:                        true,
	`properties.plan in {"pro": 1}`:                           true,
	`properties.nested == {"deep": {"x": 1.0}}`:               true,
	`properties.tags.exists(t, properties.tags.all(u, u==t))`: false,
}

// Contract section 8: a missing field or unlike types are false; a text that is a JSON number compares as a number with a number.
func TestAsk_EachComparisonOnEachKind(t *testing.T) {
	t.Parallel()
	for source, want := range answers {
		p := compile(t, source, expr.Options{Use: expr.ForRecord})
		if got := p.Ask(facts(), nil); got.Holds != want || got.Reason != "" {
			t.Errorf("%s: %+v, want %v", source, got, want)
		}
		if got := slow(t, source, expr.ForRecord).Ask(facts(), nil); got.Holds != want || got.Reason != "" {
			t.Errorf("%s through the library: %+v, want %v", source, got, want)
		}
	}
}

func slow(t testing.TB, source string, use expr.Use) *expr.Program {
	t.Helper()
	p, err := expr.CompileSlow(source, expr.Options{Use: use})
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return p
}

// Contract section 7: on_missing needs to know which fields were absent.
func TestAsk_MissingFieldsAreNamed(t *testing.T) {
	t.Parallel()
	for source, want := range map[string][]string{
		`properties.x > 1 || context.y == 2 || properties.team_size > 1`: {"signal.properties.x", "signal.properties.y"},
		`properties.ok || properties.x > 1`:                              nil, // not read
		`has(properties.x) && properties.x > 1`:                          nil, // it was asked for
		`account.attributes["a b"] == 1`:                                 {`account.attributes["a b"]`},
		`contact.last_name == "x" && account.status == "y"`:              {"contact.last_name"},
		`properties.x + 1 > properties.team_size`:                        {"signal.properties.x"},
	} {
		for _, p := range []*expr.Program{compile(t, source, expr.Options{Use: expr.ForRecord}), slow(t, source, expr.ForRecord)} {
			if got := p.Ask(facts(), nil).Missing; !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", source, got, want)
			}
		}
	}
	p := compile(t, `account.name == "Acme" && contact.email == "x" && signal.type == "x"`, expr.Options{Use: expr.ForRecord})
	if got := p.Ask(&expr.Facts{}, nil); got.Holds || !slices.Equal(got.Missing, []string{"account.name"}) {
		t.Errorf("nothing is there: %+v", got)
	}
}

// Automations and mappings hand in variables of their own (contract section 10); only those that are named can be read.
func TestAsk_ExtraVariables(t *testing.T) {
	t.Parallel()
	o := expr.Options{Use: expr.ForRecord, Extra: []string{"body", "automation"}}
	p := compile(t, `body.items.exists(i, i.n > 1) && body["x-y"].z == 1 && automation.name == "A"`, o)
	f := &expr.Facts{Extra: map[string]any{"body": json.RawMessage(`{"items":[{"n":2}],"x-y":{"z":1}}`), "automation": map[string]any{"name": "A", "n": 3}}}
	if v := p.Ask(f, nil); !v.Holds || v.Reason != "" {
		t.Errorf("%s: %+v", p.Source(), v)
	}
	if got := p.Explain(f); len(got) < 2 || !got[len(got)-1].Holds {
		t.Errorf("explained as %+v", got)
	}
	if v := p.Ask(&expr.Facts{}, nil); v.Holds || !slices.Equal(v.Missing, []string{"body.items"}) {
		t.Errorf("without any: %+v", v)
	}
	if _, err := expr.Compile(`bodi.x == 1`, o); err == nil || !strings.Contains(err.Error(), "did you mean body?") {
		t.Errorf("a slip: %v", err)
	}
	if _, err := expr.Compile(`body.x == 1`, expr.Options{Use: expr.ForRecord}); err == nil {
		t.Error("a variable that nobody named is read")
	}
	tm, err := expr.CompileTemplate([]byte(`{"id":"{{ body.id }}","wide":"{{ body.wide }}","all":"{{ automation }}"}`), o)
	if err != nil {
		t.Fatal(err)
	}
	f.Extra["body"] = json.RawMessage(`{"id":9007199254740993,"wide":123456789012345678901234567890}`)
	f = &expr.Facts{Extra: f.Extra}
	if got, err := tm.Render(f, nil); err != nil || string(got) != `{"id":9007199254740993,"wide":123456789012345678901234567890,"all":{"n":3,"name":"A"}}` {
		t.Errorf("renders %s, %v", got, err)
	}
}
