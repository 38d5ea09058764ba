package expr_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbox/expr"
)

// history answers Facts.Times from signals, as whoever keeps times would: latest first, as many as the atom keeps.
func history(p *expr.Program, signals ...*expr.Signal) func(string) []time.Time {
	return func(key string) []time.Time {
		var times []time.Time
		for _, a := range p.Atoms() {
			for _, s := range signals {
				if a.Key == key && a.Holds(s, nil) {
					times = append(times, s.OccurredAt)
				}
			}
			if a.Key == key {
				slices.SortFunc(times, func(a, b time.Time) int { return b.Compare(a) })
				times = times[:min(len(times), a.Keep)]
			}
		}
		return times
	}
}

const day = 24 * time.Hour

func ago(d time.Duration, kind, context string) *expr.Signal {
	return &expr.Signal{Type: kind, Source: "website", Context: []byte(context), OccurredAt: now.Add(-d)}
}

// timeline is what the record of the next test did.
func timeline() []*expr.Signal {
	return []*expr.Signal{
		ago(2*day, "demo_request", `{"team_size":12,"tags":["a"]}`),
		ago(5*day, "page_view", `{"team_size":"3","url":"/pricing"}`),
		ago(20*day, "page_view", `{"plan":"pro","url":"/docs"}`),
		ago(40*day, "page_view", `[1]`),
	}
}

// Contract section 8 and S3-13: a comparison on signals holds when any of them satisfies it; several may be met by different ones.
func TestAsk_SignalsHelpersAndWhenTheirAnswerChanges(t *testing.T) {
	t.Parallel()
	never := time.Duration(0)
	for _, c := range []struct {
		source string
		want   bool
		next   time.Duration // from now; 0: never
	}{
		{`signals.context.team_size > 10`, true, never},
		{`signals.context.team_size > 20`, false, never},
		{`!(signals.context.team_size > 20)`, true, never},
		{`10 < signals.properties.team_size`, true, never},
		{`signals.context.team_size < 5`, true, never}, // a text that is a number
		{`signals.type == "demo_request" && signals.context.plan == "pro"`, true, never},
		{`signals.exists(s, s.type == "demo_request" && s.context.plan == "pro")`, false, never},
		{`signals.type in ["x", "page_view"]`, true, never},
		{`signals.context.url.startsWith("/pri")`, true, never},
		{`signals.context.url.matches("^/(docs|help)$")`, true, never},
		{`signals.context.tags.contains("a")`, true, never},
		{`"a" in signals.context.tags`, true, never},
		{`signals.occurred_at > timestamp("2026-03-08T00:00:00Z")`, true, never},
		{`signals.exists(s, size(s.context.tags) == 1)`, true, never},
		{`signals.exists(x, x.type == "page_view" && within(x.occurred_at, "14d"))`, true, 9 * day},
		{`signals.exists(s, within(s.occurred_at, "14d") && s.type == "page_view" && within(s.occurred_at, "1w"))`, true, 2 * day},
		{`signals.exists(s, s.context.plan == "pro" && within(s.occurred_at, "14d"))`, false, never},
		{`signals.exists(s, within(s.occurred_at, "3d"))`, true, day},
		{`count(signals, "page_view") == 3`, true, never},
		{`count(signals, "page_view") > 3`, false, never},
		{`count(signals, "page_view", "30d") >= 2`, true, 10 * day},
		{`3 > count(signals, "page_view", "30d")`, true, never},
		{`count(signals, "page_view", "60d") < 3`, false, 20 * day},
		{`count(signals, "page_view", "30d") == 1`, false, 10 * day},
		{`count(signals, "page_view", "30d") != 0`, true, 25 * day},
		{`count(signals, "nothing", "30d") == 0`, true, never},
		{`count(signals, "page_view", "5d") >= 1`, false, never}, // exactly so long ago is out
		{`within(last(signals, "page_view"), "14d")`, true, 9 * day},
		{`within(last(signals, "nothing"), "14d")`, false, never},
		{`!within(last(signals, "nothing"), "14d")`, true, never},
		{`last(signals, "demo_request") > last(signals, "page_view")`, true, never},
		{`last(signals, "page_view") < "2026-03-06T00:00:00Z"`, true, never},
		{`within(signal.occurred_at, "2h")`, true, time.Hour},
		{`within(account.attributes.renewal, "2d")`, true, 12 * time.Hour},
		{`within(account.attributes.plan, "2d")`, false, never},
		{`[account.attributes.renewal].exists(r, within(r, "2d"))`, true, 12 * time.Hour},
		{`within(signal.occurred_at, "2h") || within(last(signals, "page_view"), "14d")`, true, time.Hour}, // asked again then
	} {
		for _, p := range []*expr.Program{compile(t, c.source, expr.Options{Use: expr.ForRecord}), slow(t, c.source, expr.ForRecord)} {
			f := facts()
			f.Times = history(p, timeline()...)
			got := p.Ask(f, nil)
			var want time.Time
			if c.next != never {
				want = now.Add(c.next)
			}
			if got.Holds != c.want || !got.Next.Equal(want) || got.Reason != "" {
				t.Errorf("%s: %+v, want %v until %v", c.source, got, c.want, want)
			}
			if r := p.Reads(); c.next != never && !r.Time {
				t.Errorf("%s: does not say that it reads the time", c.source)
			}
		}
	}
}

func TestAtoms_EqualOnesShareTheirKeyAndKeepEnough(t *testing.T) {
	t.Parallel()
	atoms := func(source string) []expr.Atom {
		return compile(t, source, expr.Options{Use: expr.ForRecord}).Atoms()
	}
	same := [][]string{
		{`signals.context.team_size > 10`, `10 < signals.properties.team_size`, `signals.exists(x, x.context.team_size > 10)`,
			`signals.exists(s, (s.properties["team_size"] > 10) && within(s.occurred_at, "1d"))`},
		{`count(signals, "a", "3d") > 2`, `last(signals, 'a') < "2026-01-01T00:00:00Z"`, `signals.type == "a"`, `signals.exists(s, s.type == r"a")`},
		{`signals.exists(s, within(s.occurred_at, "3d"))`, `signals.exists(s, true)`},
		{`signals.exists(s, has(s.context.a))`, `signals.exists(x, has(x.properties.a))`},
		{`signals.exists(s, s.context.items.exists(i, has(s.context["a b"]) && has(i.n)))`, `signals.exists(x, x.properties.items.exists(i, has(x.properties["a b"]) && has(i.n)))`},
	}
	seen := map[string]bool{}
	for _, group := range same {
		first := atoms(group[0])[0]
		if seen[first.Key] || len(first.Key) > 20 {
			t.Errorf("%s: key %q", group[0], first.Key)
		}
		seen[first.Key] = true
		for _, source := range group[1:] {
			if got := atoms(source); len(got) != 1 || got[0].Key != first.Key || got[0].Text != first.Text {
				t.Errorf("%s and %s: %+v, %+v", group[0], source, first, got)
			}
		}
	}
	for source, keep := range map[string]int{
		`count(signals, "a") >= 3`: 3, `count(signals, "a") > 3`: 4, `count(signals, "a") == 3`: 4, `count(signals, "a") < 3`: 3, `count(signals, "a") <= 3`: 4,
		`3 < count(signals, "a")`: 4, `count(signals, "a") >= 0`: 1, `count(signals, "a") >= 100`: 100, `signals.type == "a" && count(signals, "a") != 9`: 10,
	} {
		if got := atoms(source); len(got) != 1 || got[0].Keep != keep {
			t.Errorf("%s: %+v, want one that keeps %d", source, got, keep)
		}
	}
}

func TestAtom_HoldsOnOneSignal(t *testing.T) {
	t.Parallel()
	a := compile(t, `signals.exists(s, s.context.items.exists(i, i.price > 10) && s.source == "shop")`, expr.Options{Use: expr.ForRecord}).Atoms()[0]
	if want := `signal.properties.items.exists(i, i.price > 10) && signal.source == "shop"`; a.Text != want {
		t.Errorf("text %s, want %s", a.Text, want)
	}
	yes := &expr.Signal{Source: "shop", Context: []byte(`{"items":[{"price":"11"}]}`)}
	no := &expr.Signal{Source: "shop", Context: []byte(`{"items":[{"price":10}]}`)}
	if !a.Holds(yes, nil) || a.Holds(no, nil) || a.Holds(&expr.Signal{}, nil) {
		t.Error("answers wrongly")
	}
	b := expr.NewBudget(1)
	if a.Holds(yes, b); b.Left() != 0 || a.Holds(yes, b) {
		t.Error("holds beyond its budget")
	}
}

func TestReads_FieldsRecordsAndTypes(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]expr.Reads{
		`properties.a == 1 && context["b.c"].d == 2`:                       {Fields: []string{"signal.properties.a", `signal.properties["b.c"].d`}, Signal: true},
		`account.attributes.plan == "x" || contact.title == "y"`:           {Fields: []string{"account.attributes.plan", "contact.title"}, Account: true, Contact: true},
		`signals.context.n > 1`:                                            {Fields: []string{"signals.properties.n"}, Signals: true},
		`within(last(signals, "a"), "1d")`:                                 {Fields: []string{"signals.type"}, Signals: true, Time: true},
		`signal.type == "b" && true`:                                       {Fields: []string{"signal.type"}, Signal: true, Types: []string{"b"}},
		`"b" == signal.type || (signal.type in ["c", "a"])`:                {Fields: []string{"signal.type"}, Signal: true, Types: []string{"a", "b", "c"}},
		`signal.type == "b" && signal.type in ["c", "a"]`:                  {Fields: []string{"signal.type"}, Signal: true, Types: []string{}},
		`signal.type == "b" && signal.type in ["c", "b"]`:                  {Fields: []string{"signal.type"}, Signal: true, Types: []string{"b"}},
		`signal.type == "b" || true`:                                       {Fields: []string{"signal.type"}, Signal: true},
		`!(signal.type == "b")`:                                            {Fields: []string{"signal.type"}, Signal: true},
		`signal.type.startsWith("b")`:                                      {Fields: []string{"signal.type"}, Signal: true},
		`size(account) > 1 && signal.occurred_at > "2026-01-01T00:00:00Z"`: {Fields: []string{"account", "signal.occurred_at"}, Account: true, Signal: true},
	} {
		got := compile(t, source, expr.Options{Use: expr.ForRecord}).Reads()
		if !slices.Equal(got.Fields, want.Fields) || !slices.Equal(got.Types, want.Types) || (got.Types == nil) != (want.Types == nil) ||
			got.Signal != want.Signal || got.Account != want.Account || got.Contact != want.Contact || got.Signals != want.Signals || got.Time != want.Time {
			t.Errorf("%s: %+v, want %+v", source, got, want)
		}
	}
}

// refused are sources with where and why they are.
var refused = []struct {
	source string
	use    expr.Use
	line   int
	column int
	says   string
}{
	{``, expr.ForRecord, 1, 1, "empty"},
	{`account.domian == "x"`, expr.ForRecord, 1, 9, "unknown field account.domian; did you mean account.domain?"},
	{"true &&\n  acount.domain == 'x'", expr.ForRecord, 2, 3, "unknown variable acount; did you mean account?"},
	{`signal.kind == "x"`, expr.ForSignal, 1, 8, "unknown field signal.kind"},
	{`signal.type.x == "x"`, expr.ForSignal, 1, 8, "signal.type has no fields"},
	{`properties.plan.startWith("x")`, expr.ForSignal, 1, 26, "unknown function startWith; did you mean startsWith?"},
	{`propertes.plan == "x"`, expr.ForSignal, 1, 1, "did you mean properties?"},
	{`properties.tags.exist(t, t == "a")`, expr.ForSignal, 1, 22, "did you mean exists?"},
	{`properties.tags.exists(t)`, expr.ForSignal, 1, 23, `properties.tags.exists(t, t == "a")`},
	{`signal.type = "x"`, expr.ForSignal, 1, 13, "unknown operator =; did you mean ==?"},
	{`signal.type == "=" and true`, expr.ForSignal, 1, 20, "unknown operator and; did you mean &&?"},
	{`signal.type == "x" && OR`, expr.ForSignal, 1, 23, "unknown variable OR"},
	{`signal.type <> "x"`, expr.ForSignal, 1, 13, "did you mean !=?"},
	{`(signal.type == "x"`, expr.ForSignal, 1, 20, "cannot be read"},
	{`signal.type == "x`, expr.ForSignal, 1, 16, "cannot be read"},
	{`1 + 2`, expr.ForSignal, 1, 3, "gives a number where a yes or no is needed"},
	{`signal.type`, expr.ForSignal, 1, 7, "gives a text where a yes or no is needed"},
	{`signal.type && true`, expr.ForSignal, 1, 7, "gives a text"},
	{`signal.type - 1 > 2`, expr.ForSignal, 1, 13, "- cannot be used on string, int"},
	{`signal.type == true`, expr.ForSignal, 1, 13, "== never holds between a text and a yes or no"},
	{`true > false`, expr.ForSignal, 1, 6, "> never holds"},
	{`properties.x == null`, expr.ForSignal, 1, 14, "ask with has"},
	{`properties.x in 5`, expr.ForSignal, 1, 14, "in never holds between any value and a number"},
	{`properties.x.matches(properties.y)`, expr.ForSignal, 1, 33, "text in quotes"},
	{`properties.x.matches("(")`, expr.ForSignal, 1, 22, "missing closing"},
	{`properties.x.matches("((a{50}){50}){50}")`, expr.ForSignal, 1, 22, "cannot be used"},
	{`properties.x.matches("(abcdefghij){100}")`, expr.ForSignal, 1, 22, "the most is 500"},
	{`matches(properties.x, "a")`, expr.ForSignal, 1, 8, "not written so"},
	{`account.domain == "x"`, expr.ForSignal, 1, 1, "only signal, properties and context can"},
	{`signals.type == "x"`, expr.ForSignal, 1, 14, "signals cannot be read here"},
	{`signals.type == "x" ? 1 : 2`, expr.ForTemplate, 1, 14, "signals cannot be read here"},
	{`within(signal.occurred_at, "1d")`, expr.ForSignal, 1, 7, "within reads the time"},
	{`now > signal.occurred_at`, expr.ForRecord, 1, 1, "now cannot be read"},
	{`signals`, expr.ForRecord, 1, 1, "signals is only read as"},
	{`signals.context.ok`, expr.ForRecord, 1, 1, "signals is only read as"},
	{`signals.context.a == signals.context.b`, expr.ForRecord, 1, 19, "signals is only read as"},
	{`signals.context.a == account.name`, expr.ForRecord, 1, 19, "signals is only read as"},
	{`signals.context.a + 1 > 2`, expr.ForRecord, 1, 1, "signals is only read as"},
	{`signals.all(s, s.type == "x")`, expr.ForRecord, 1, 12, "signals is only read as"},
	{`signals.map(s, s.type).size() > 1`, expr.ForRecord, 1, 12, "signals is only read as"},
	{`size(signals) > 1`, expr.ForRecord, 1, 6, "count(signals"},
	{`has(signals.context.a)`, expr.ForRecord, 1, 5, "signals is only read as"},
	{`signals[0].type == "x"`, expr.ForRecord, 1, 1, "signals is only read as"},
	{`signals.tipe == "x"`, expr.ForRecord, 1, 9, "unknown field signals.tipe; did you mean signals.type?"},
	{`signals.exists(s, s.tipe == "x")`, expr.ForRecord, 1, 21, "unknown field s.tipe; did you mean s.type?"},
	{"signals.exists(s,\n s.type == account.name)", expr.ForRecord, 2, 12, "only s is, as in s.type"},
	{`signals.exists(s, s.type)`, expr.ForRecord, 1, 20, "gives a text"},
	{`signals.exists(s, s.type == "x" || within(s.occurred_at, "1d"))`, expr.ForRecord, 1, 42, "within reads the time"},
	{`signals.exists(s, within(s.created_at, "1d"))`, expr.ForRecord, 1, 25, "within reads s.occurred_at"},
	{`signals.exists(account, account.type == "x")`, expr.ForRecord, 1, 15, "has a meaning already"},
	{`properties.tags.exists(account, account == "x")`, expr.ForRecord, 1, 23, "has a meaning already"},
	{`count(signals, "x") `, expr.ForRecord, 1, 6, "compared with a number"},
	{`count(signals, "x") > account.score`, expr.ForRecord, 1, 31, "whole number from 0 to 100"},
	{`count(signals, "x") >= 101`, expr.ForRecord, 1, 24, "whole number from 0 to 100"},
	{`count(signals, "x") > 100`, expr.ForRecord, 1, 23, "only the latest 100 are counted"},
	{`count(properties.tags, "x") > 1`, expr.ForRecord, 1, 6, "not written so"},
	{`count(signals, account.name) > 1`, expr.ForRecord, 1, 24, "in quotes"},
	{`last(signals) > "2026"`, expr.ForRecord, 1, 5, `last(signals, "page_view")`},
	{`within(signal.occurred_at, "1y")`, expr.ForRecord, 1, 28, "s, m, h, d, w"},
	{`within(signal.occurred_at, "9999999w")`, expr.ForRecord, 1, 28, "100 years"},
	{`within(signal.occurred_at, properties.x)`, expr.ForRecord, 1, 39, "s, m, h, d, w"},
	{`within(signals.occurred_at, "1d")`, expr.ForRecord, 1, 7, "signals.exists(s, within"},
	{`within("2026-01-01T00:00:00Z", "1d")`, expr.ForRecord, 1, 8, "a time that is read"},
	{`within(account.score, "1d")`, expr.ForRecord, 1, 7, "within never holds"},
	{`signals.exists(s, signals.exists(t, t.type == "x"))`, expr.ForRecord, 1, 19, "only s is, as in s.type"},
	{`signal.occurred_at.getHours("Europe/Berlin") > 8`, expr.ForSignal, 1, 29, `getHours("+01:00")`},
	{`signal.type is "x"`, expr.ForSignal, 1, 13, "unknown operator is; did you mean ==?"},
	{`signal.type "x"`, expr.ForSignal, 1, 13, "there is no operator before"},
	{`b"x" == b"x"`, expr.ForSignal, 1, 1, "bytes"},
	{`type(properties.x) == int`, expr.ForSignal, 1, 5, "unknown function type"},
	{`google.protobuf.Duration{seconds: 1} == properties.x`, expr.ForSignal, 1, 25, "objects with a type"},
	{`has(contact)`, expr.ForRecord, 1, 5, "has asks for a field, as in has(properties.plan)"},
	{`has(last(signals, "x"))`, expr.ForRecord, 1, 9, `count(signals, "page_view") >= 1`},
	{`properties.tags.existsOne(t)`, expr.ForSignal, 1, 26, `existsOne is not written so: properties.tags.existsOne(t, t == "a")`},
	{`"ab".substring(1) == "b"`, expr.ForSignal, 1, 15, "substring cannot be used on string with int: it is written properties.plan.substring(0, 3)"},
	{`["a"].join() == "a"`, expr.ForSignal, 1, 11, `join cannot be used on list(string): it is written properties.tags.join(", ")`},
	{`signal.created_at - signal.occurred_at < duration("1d")`, expr.ForSignal, 1, 51, `duration cannot read "1d": it needs a time span in h, m and s, as in duration("36h")`},
	{`signal.created_at < timestamp("2026-03-01")`, expr.ForSignal, 1, 31, `as in timestamp("2026-03-01T00:00:00Z")`},
	{`int("x") == 1`, expr.ForSignal, 1, 5, `int cannot read "x"`},
	{`signal.created_at < "2026-03-01"`, expr.ForSignal, 1, 21, `"2026-03-01" is compared with a time, and is none`},
	{`"forty" == account.score`, expr.ForRecord, 1, 1, `"forty" is compared with a number, and is none`},
	{`account.plan == "pro"`, expr.ForRecord, 1, 9, "unknown field account.plan; did you mean account.attributes.plan?"},
	{`@d0 == 1`, expr.ForSignal, 1, 1, "cannot be read"},
}

// Contract section 8: anything else is refused when it is saved; the refusal says where, and what is allowed.
func TestCompile_SaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	for _, c := range refused {
		_, err := expr.Compile(c.source, expr.Options{Use: c.use})
		var e *expr.Error
		if !errors.As(err, &e) || e.Line != c.line || e.Column != c.column || !strings.Contains(e.Msg, c.says) {
			t.Errorf("%s: %v, want %q at %d:%d", c.source, err, c.says, c.line, c.column)
			continue
		}
		if len(e.Near) > 0 != strings.Contains(e.Msg, "did you mean") || strings.Contains(e.Msg, "@") && !strings.Contains(c.source, "@") {
			t.Errorf("%s: %v, near %q", c.source, err, e.Near)
		}
	}
}
