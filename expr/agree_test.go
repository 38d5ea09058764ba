package expr_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox/expr"
	"signalbox/filter"
)

// others are conditions of every other form, those of the library among them.
var others = []string{
	`properties.ok`, `properties.plan`, `has(properties.none)`, `has(account.status)`, `properties.plan.matches("^p.o$")`, `properties.absent.matches("x")`,
	`properties.team_size + 1 > 8`, `properties.absent + 1 > 8`, `size(properties.tags) == 2`, `properties.tags.exists(t, t == "b")`, `properties.absent.exists(t, true)`,
	`properties.items.all(i, i.price > 1)`, `properties.team_size == account.score`, `account.stage == contact.last_name`, `signals.context.n > 3`,
	`signals.exists(s, s.type == "a" && within(s.occurred_at, "3d"))`, `count(signals, "a", "5d") >= 2`, `count(signals, "b", "2d") < 1`, `count(signals, "a", "4d") == 1`,
	`within(last(signals, "a"), "2d")`, `within(last(signals, "c"), "2d")`, `last(signals, "a") > last(signals, "b")`, `within(signal.occurred_at, "3h")`,
	`within(account.attributes.renewal, "3d")`, `[signal.occurred_at].exists(t, within(t, "2h"))`,
}

// condition writes a condition on the facts of these tests: comparisons of fields that are there, missing and of every kind, in and, or, not.
func condition(t *rapid.T, depth int) string {
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "kind") > 0 {
		a, b := condition(t, depth-1), condition(t, depth-1)
		return rapid.SampledFrom([]string{a + " && " + b, "(" + a + ") || (" + b + ")", "!(" + a + ")", "(" + a + ") ? (" + b + ") : !(" + b + ")"}).Draw(t, "join")
	}
	field := rapid.SampledFrom([]string{
		"properties.team_size", "properties.plan", "properties.budget", "properties.tags", "properties.ok", "properties.none", "properties.absent", "properties.float",
		"properties.at", "properties.big", "properties.nested.deep.x", "properties.plan.deeper", "account.attributes.employees", "account.attributes.none", "account.score", "account.stage",
		"contact.title", "contact.last_name", "signal.type",
	}).Draw(t, "field")
	constant := rapid.SampledFrom([]string{`8`, `12000`, `-1`, `2.5`, `"8"`, `"pro"`, `"Warm"`, `"2026-03-01T00:00:00Z"`, `"a"`, `""`}).Draw(t, "constant")
	switch rapid.IntRange(0, 5).Draw(t, "form") {
	case 2:
		return rapid.SampledFrom(others).Draw(t, "other")
	case 3:
		return fmt.Sprintf("%s %s %s", constant, rapid.SampledFrom([]string{"==", "<", ">="}).Draw(t, "operator"), field)
	case 0:
		return fmt.Sprintf("%s in [%s, %s]", field, constant, `"x"`)
	case 1:
		if strings.HasPrefix(constant, `"`) && !strings.Contains(field, "score") {
			return fmt.Sprintf("%s.%s(%s)", field, rapid.SampledFrom([]string{"contains", "startsWith", "endsWith"}).Draw(t, "call"), constant)
		}
	}
	return fmt.Sprintf("%s %s %s", field, rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">="}).Draw(t, "operator"), constant)
}

// What is asked by closures of our own answers as the library does: the one is quicker, not another language.
func TestAsk_BothWaysAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		source := condition(rt, rapid.IntRange(0, 3).Draw(rt, "depth"))
		quick, err := expr.Compile(source, expr.Options{Use: expr.ForRecord})
		slow, slowErr := expr.CompileSlow(source, expr.Options{Use: expr.ForRecord})
		if (err == nil) != (slowErr == nil) {
			rt.Fatalf("%s: %v and %v", source, err, slowErr)
		}
		if err != nil {
			return // a comparison that can never hold is refused
		}
		timeline := drawTimeline(rt)
		ask := func(p *expr.Program) expr.Verdict {
			f := facts()
			f.Times = history(p, timeline...)
			return p.Ask(f, nil)
		}
		a, b := ask(quick), ask(slow)
		if a.Holds != b.Holds || a.Reason != b.Reason || !slices.Equal(a.Missing, b.Missing) || !a.Next.Equal(b.Next) {
			rt.Fatalf("%s: %+v and %+v", source, a, b)
		}
	})
}

func drawTimeline(t *rapid.T) []*expr.Signal {
	var all []*expr.Signal
	for range rapid.IntRange(0, 6).Draw(t, "signals") {
		hours := rapid.IntRange(-23, 24*7).Draw(t, "hours ago") // up to a day ahead (contract section 2)
		all = append(all, ago(time.Duration(hours)*time.Hour, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "type"),
			fmt.Sprintf(`{"n":%d}`, rapid.IntRange(0, 5).Draw(t, "n"))))
	}
	return all
}

// Until Verdict.Next time alone changes nothing, whatever the condition; with no Next it never does. Timers of audiences rest on it (contract section 9).
func TestAsk_NothingChangesBeforeNext(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		source := condition(rt, rapid.IntRange(0, 3).Draw(rt, "depth"))
		p, err := expr.Compile(source, expr.Options{Use: expr.ForRecord})
		if err != nil {
			return
		}
		timeline := drawTimeline(rt)
		at := func(now time.Time) expr.Verdict {
			f := facts()
			f.Now, f.Times = now, history(p, timeline...)
			return p.Ask(f, nil)
		}
		first := at(now)
		until := first.Next
		if until.IsZero() {
			until = now.Add(30 * day)
		}
		if !until.After(now) {
			rt.Fatalf("%s: next %v is not after now", source, first.Next)
		}
		for later := now; later.Before(until); later = later.Add(30 * time.Minute) {
			if got := at(later); got.Holds != first.Holds {
				rt.Fatalf("%s: %v from %v on, not before %v", source, got.Holds, later, first.Next)
			}
		}
		if got := at(until.Add(-time.Microsecond)); got.Holds != first.Holds {
			rt.Fatalf("%s: changed before %v", source, until)
		}
	})
}

// what the structured form says of a record is what package filter says of it
func TestFromStructured_MeansWhatTheFilterMeans(t *testing.T) {
	t.Parallel()
	record := map[string]any{}
	dec := json.NewDecoder(strings.NewReader(`{"signal":{"type":"form_submitted","source":"website","properties":` + context + `}}`))
	dec.UseNumber()
	if err := dec.Decode(&record); err != nil {
		t.Fatal(err)
	}
	leaf := func(rt *rapid.T) map[string]any {
		operator := rapid.SampledFrom([]string{"equals", "not_equals", "contains", "starts_with", "greater_than", "greater_or_equal", "less_than", "less_or_equal", "in"}).Draw(rt, "operator")
		value := any(rapid.SampledFrom([]any{8, 2.5, "8", "pro", "12000", "form", "a", true, -3}).Draw(rt, "value"))
		if operator == "in" {
			value = []any{value, "x"}
		}
		return map[string]any{"field": rapid.SampledFrom([]string{"signal.type", "signal.properties.team_size", "signal.properties.plan", "signal.properties.budget",
			"signal.properties.tags", "signal.properties.ok", "signal.properties.absent", "signal.properties.nested.deep.x"}).Draw(rt, "field"), "operator": operator, "value": value}
	}
	rapid.Check(t, func(rt *rapid.T) {
		node := leaf(rt)
		if rapid.Bool().Draw(rt, "group") {
			node = map[string]any{rapid.SampledFrom([]string{"all", "any"}).Draw(rt, "which"): []any{node, leaf(rt), map[string]any{"any": []any{leaf(rt), leaf(rt)}}}}
		}
		raw, err := json.Marshal(node)
		if err != nil {
			rt.Fatal(err)
		}
		f, err := filter.Parse(raw, []string{"signal.type", "signal.source", "signal.properties.*"})
		if err != nil {
			return // contains and starts_with take texts
		}
		source, err := expr.FromStructured(raw)
		if err != nil {
			if strings.Contains(err.Error(), "never holds") {
				return // a filter may hold what can never be: an expression is told
			}
			rt.Fatalf("%s: %v", raw, err)
		}
		if got, want := compile(t, source, expr.Options{Use: expr.ForSignal}).Ask(facts(), nil).Holds, f.Takes(record); got != want {
			rt.Fatalf("%s is %s, which says %t, and the filter says %t", raw, source, got, want)
		}
	})
}

// proves S3-13
func TestFromStructured_IsShownAsItsExpression(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"field":"signals.context.team_size","operator":"greater_than","value":10}`:                                                                        `signals.context.team_size > 10`,
		`{"all":[{"field":"account.attributes.plan","operator":"in","value":["pro","team"]},{"field":"contact.title","operator":"contains","value":"VP"}]}`: `account.attributes.plan in ["pro", "team"] && contact.title.contains("VP")`,
	} {
		got, err := expr.FromStructured([]byte(raw))
		if err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", raw, got, err, want)
		}
	}
	for raw, path := range map[string]string{`{"field":"x","operator":"equals","value":1}`: "field", `{"all":[{"field":"signal.type","operator":"is","value":1}]}`: "all[0].operator", `[]`: ""} {
		_, err := expr.FromStructured([]byte(raw))
		e, ok := err.(*expr.Error)
		if !ok || e.Path != path {
			t.Errorf("%s: %v, want an error at %q", raw, err, path)
		}
	}
}

func TestExplain_SaysWhichPartHoldsAndWhyNot(t *testing.T) {
	t.Parallel()
	p := compile(t, `properties.team_size > 10 && (account.stage == "Warm" || contact.last_name == "X") && properties.absent == 1`, expr.Options{Use: expr.ForRecord})
	var got []string
	for _, c := range p.Explain(facts()) {
		got = append(got, fmt.Sprintf("%s: %t: %s", c.Source, c.Holds, c.Says))
	}
	want := []string{
		`properties.team_size > 10: false: properties.team_size is 8, not > 10`,
		`account.stage == "Warm": true: account.stage is "Warm"`,
		`contact.last_name == "X": false: contact.last_name is missing`,
		`properties.absent == 1: false: properties.absent is missing`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("explained as\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTemplate_OnlyLeavesAreRenderedAndValuesKeepTheirType(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		`{"size":"{{ properties.team_size }}","text":"{{properties.plan}} of {{ properties.team_size }}","n":1.50,"{{key}}":"x"}`: `{"size":8,"text":"pro of 8","n":1.5,"{{key}}":"x"}`,
		`["{{ properties.tags }}","{{ properties.absent }}","is {{ properties.absent }}",{"a":null}]`:                             `[["a","b"],null,"is ",{"a":null}]`,
		`"{{ account.score > 40 ? \"hot\" : \"cold\" }}"`:                                                                         `"hot"`,
	} {
		tm, err := expr.CompileTemplate([]byte(template), expr.Options{})
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		if got, err := tm.Render(facts(), nil); err != nil || string(got) != want {
			t.Errorf("%s renders %s, %v; want %s", template, got, err, want)
		}
	}
	for template, path := range map[string]string{`{"a":["{{ acount.name }}"]}`: "a[0]", `{"a":"{{ signal.type"}`: "a", `{"a":`: ""} {
		_, err := expr.CompileTemplate([]byte(template), expr.Options{})
		e, ok := err.(*expr.Error)
		if !ok || e.Path != path {
			t.Errorf("%s: %v, want an error at %q", template, err, path)
		}
	}
}

// S9: whatever a sender puts into values changes no tree.
func TestTemplate_ValuesNeverBecomeStructure(t *testing.T) {
	t.Parallel()
	tm, err := expr.CompileTemplate([]byte(`{"text":"<{{ properties.v }}>","whole":"{{ properties.v }}"}`), expr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{`","x":"y`, "\n\"}", `{{ signal.type }}`, `\u0022`, "\u2028</script>", `${7*7}`, `{{7*7}}`, `#{7*7}`})).Draw(rt, "value")
		properties, err := json.Marshal(map[string]any{"v": v})
		if err != nil {
			rt.Fatal(err)
		}
		f := facts()
		f.Signal.Context = properties
		got, err := tm.Render(f, nil)
		if err != nil {
			rt.Fatal(err)
		}
		var back map[string]string
		if err := json.Unmarshal(got, &back); err != nil || len(back) != 2 {
			rt.Fatalf("%q renders %s: %v", v, got, err)
		}
		var sent struct{ V string }
		if err := json.Unmarshal(properties, &sent); err != nil || v != "" && (back["text"] != "<"+sent.V+">" || back["whole"] != sent.V) {
			rt.Fatalf("%q renders %s", v, got)
		}
	})
}
