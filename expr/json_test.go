package expr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"signalbox/expr"
)

func mapping(t *testing.T, source string) *expr.Program {
	t.Helper()
	p, err := expr.Compile(source, expr.Options{Use: expr.ForTemplate, Extra: []string{"body", "headers", "query"}, Only: true})
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return p
}

func TestJSON_GivesTheValueAndWhatWasMissing(t *testing.T) {
	t.Parallel()
	f := &expr.Facts{Extra: map[string]any{
		"body":    json.RawMessage(`{"id":12345678901234567890,"n":1.50,"list":[{"b":1,"a":2}],"when":"tomorrow","t":1533204620}`),
		"headers": map[string]any{"x-event": "star"},
	}}
	cases := []struct{ name, source, want, missing, err string }{
		{name: "an integer beyond 64 bits keeps its digits", source: `body.id`, want: `12345678901234567890`},
		{name: "a double", source: `body.n`, want: `1.5`},
		{name: "keys are sorted", source: `body.list`, want: `[{"a":2,"b":1}]`},
		{name: "a text is made", source: `"github_" + headers["x-event"]`, want: `"github_star"`},
		{name: "a time", source: `timestamp(body.t)`, want: `"2018-08-02T10:10:20.000Z"`},
		{name: "what is missing is null, and named", source: `body.event`, want: `null`, missing: "body.event"},
		{name: "what is made of it too", source: `"x" + body.event`, want: `null`, missing: "body.event"},
		{name: "has asks without naming", source: `has(body.event) ? body.event : "none"`, want: `"none"`},
		{name: "what cannot be made is an error", source: `timestamp(body.when)`, err: "cannot be made of these values"},
		{name: "what is too long is an error", source: `body.list.map(l, string(body.id) + string(body.id))`, err: "gives more than 40 bytes"},
	}
	for _, c := range cases {
		got, missing, err := mapping(t, c.source).JSON(f, nil, 40)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if string(got) != c.want || strings.Join(missing, " ") != c.missing || said != c.err {
			t.Errorf("%s: got %s, missing %v, %v", c.name, got, missing, err)
		}
	}
}

func TestJSON_IsPaidFromTheBudget(t *testing.T) {
	t.Parallel()
	f := &expr.Facts{Extra: map[string]any{"body": json.RawMessage(`{"list":[1,2,3]}`)}}
	p, b := mapping(t, `body.list.map(l, l + 1)`), expr.NewBudget(400)
	if _, _, err := p.JSON(f, b, 100); err != nil || b.Left() == 400 {
		t.Fatalf("%v, left %d", err, b.Left())
	}
	for b.Left() > 0 {
		_, _, _ = p.JSON(f, b, 100)
	}
	if _, _, err := p.JSON(f, b, 100); err == nil || !strings.Contains(err.Error(), "used up") {
		t.Errorf("got %v", err)
	}
}

func TestJSON_AConditionHasNone(t *testing.T) {
	t.Parallel()
	p, err := expr.Compile(`body.a == 1`, expr.Options{Extra: []string{"body"}, Only: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.JSON(&expr.Facts{}, nil, 10); err == nil {
		t.Error("no error")
	}
}

func TestSet_ChangesOneVariableAndKeepsTheOthers(t *testing.T) {
	t.Parallel()
	f := &expr.Facts{Extra: map[string]any{"body": json.RawMessage(`{"a":1}`)}}
	p := mapping(t, `[body.a, query.a]`)
	for _, want := range []string{"[1,2]", "[1,3]"} {
		f.Set("query", json.RawMessage(`{"a":`+want[3:4]+`}`))
		if got, _, err := p.JSON(f, nil, 100); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

func TestCompile_OnlyLeavesNothingButTheFurtherVariables(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`signal.type`:   "line 1, column 1: unknown variable signal: only body and query can be read here",
		`properties.a`:  "line 1, column 1: unknown variable properties: only body and query can be read here",
		`bdy.event`:     "line 1, column 1: unknown variable bdy: only body and query can be read here; did you mean body?",
		`contact.email`: "line 1, column 1: unknown variable contact: only body and query can be read here",
		`now`:           "line 1, column 1: unknown variable now: only body and query can be read here",
	} {
		_, err := expr.Compile(source, expr.Options{Use: expr.ForTemplate, Extra: []string{"body", "query"}, Only: true})
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v", source, err)
		}
	}
}
