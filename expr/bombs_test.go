package expr_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"signalbox/expr"
)

// manyMacros nests macros that the parser expands.
func manyMacros(n int) string {
	s := "true"
	for i := range n {
		s = fmt.Sprintf("[1, 2, 3].all(v%d, %s)", i, s)
	}
	return s
}

// bombs are sources that would take long, or much memory, if nobody counted.
var bombs = map[string]string{
	"brackets":               strings.Repeat("(", 2000) + "true" + strings.Repeat(")", 2000),
	"lists in lists":         strings.Repeat("[", 58) + strings.Repeat("]", 58) + " == []",
	"a row of !":             strings.Repeat("!", 5000) + "true",
	"a row of -":             strings.Repeat("-", 8000) + "1 > 0",
	"a long path":            "properties" + strings.Repeat(".a", 8000) + " == 1",
	"a row of indexes":       "properties" + strings.Repeat("[0]", 5000) + " == 1",
	"a row of calls":         "properties.a" + strings.Repeat(".trim()", 2000) + ` == ""`,
	"no operators":           strings.Repeat("a b ", 4000),
	"only signs":             strings.Repeat("?:", 8000),
	"a row of ?":             strings.Repeat("true ? true : ", 1000) + "true",
	"a long sum":             "1" + strings.Repeat("+1", 4000) + " > 0",
	"a long text":            `properties.x == "` + strings.Repeat("x", 1<<20) + `"`,
	"a long list":            "1 in [" + strings.Repeat("1,", 4000) + "1]",
	"a long conjunction":     "true" + strings.Repeat(" && true", 20_000),
	"too many macros":        "true" + strings.Repeat(` && properties.a.exists(s, s.type == "x")`, 200),
	"too many on signals":    "true" + strings.Repeat(` && signals.exists(s, s.type == "x")`, 400),
	"macros in macros":       manyMacros(50),
	"loops in loops":         "properties.tags.all(a, properties.tags.all(b, properties.tags.all(c, a == b || b == c || true)))",
	"loops over constants":   manyMacros(12) + ` && properties.tags.all(e, e == 1)`,
	"lists that grow":        "properties.tags" + strings.Repeat(".map(v, [v, v])", 12) + ".size() > 0",
	"objects that are made":  `properties.tags.map(x, {"a": x, "b": [x, x]}).size() > 0`,
	"a slow pattern":         `properties.text.matches("(a|b|ab)*c$")`,
	"patterns in a loop":     `properties.words.all(w, w.matches("(a+)+$") || true)`,
	"text that is added":     `(properties.text + properties.text + properties.text).size() > 1`,
	"text added in a loop":   `properties.words.all(w, (w + properties.text) != "")`,
	"text that is replaced":  `properties.text.replace("a", "bbbbbbbbbbbb").size() > 1`,
	"text that is split":     `properties.text.split("").size() > 1`,
	"text that is joined":    `properties.words.join("xx").size() > 1`,
	"text in capitals":       `properties.text.upperAscii().lowerAscii() == "x"`,
	"text that is measured":  `properties.words.all(w, size(properties.text) > 1)`,
	"text that is searched":  `properties.words.all(w, properties.text.indexOf("b") < 0)`,
	"text that is no number": `properties.words.all(w, double(properties.digits) > 1.0 || true)`,
	"text searched often":    "false" + strings.Repeat(` || properties.text.contains("aaaaaaab")`, 150),
	"lists compared":         `properties.tags == properties.tags`,
	"lists compared in list": `[1, 2, 3, 4, 5, 6, 7, 8].all(x, properties.tags == properties.tags)`,
	"objects compared":       `{"a": properties.tags} == {"a": properties.tags}`,
	"a long list searched":   `5 in properties.tags`,
	"searched in a loop":     `properties.tags.all(x, x + 1 in properties.tags || true)`,
	"lists in a long list":   `[5] in properties.tags`,
}

// allocated is how many bytes something takes.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// S9: what is too large is refused when it is saved, with its place; what is not ends within its budget and within 1 MiB. The memory stands for the time
// too: what is not bounded takes a hundred times as much of both. Not parallel: it measures.
func TestBombs_EndWithinTheirBudgetAndMemory(t *testing.T) {
	large, err := json.Marshal(map[string]any{"tags": make([]int, 200_000), "text": strings.Repeat("a", 200_000), "words": strings.Fields(strings.Repeat("ab ", 50_000)),
		"digits": strings.Repeat("1", 200_000)})
	if err != nil {
		t.Fatal(err)
	}
	f := facts()
	f.Signal.Context = large
	compile(t, `properties.x == 1`, expr.Options{}).Ask(f, nil) // decodes once
	for name, source := range bombs {
		var p *expr.Program
		if bytes := allocated(func() { p, err = expr.Compile(source, expr.Options{Use: expr.ForRecord}) }); bytes > 16<<20 {
			t.Errorf("%s: compiling took %d KiB", name, bytes>>10)
		}
		if err != nil {
			if e := err.(*expr.Error); e.Line == 0 || len(e.Msg) > 250 {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		b := expr.NewBudget(1_000_000)
		var v expr.Verdict
		if bytes := allocated(func() { v = p.Ask(f, b) }); bytes > 1<<20 && !raceDetector {
			t.Errorf("%s: asking took %d KiB", name, bytes>>10)
		}
		if spent := 1_000_000 - b.Left(); v.Holds && v.Reason != "" || (spent > expr.DefaultMaxCost) != (v.Reason == "costs more than 10000 units") {
			t.Errorf("%s: %+v for %d units", name, v, spent)
		}
	}
}

// S9: what one tenant's templates give is bounded as well.
func TestTemplate_EndsWithinItsBudgetAndSize(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Signal.Context = []byte(`{"text":"` + strings.Repeat("a", 100_000) + `"}`)
	for template, says := range map[string]string{
		`["` + strings.Repeat("{{ properties.text }}", 10) + `"]`:       "[0]: makes the result longer than 262144 bytes",
		`[` + strings.Repeat(`"{{ properties.text }}",`, 10) + `1]`:     "makes the result longer",
		`{"a":{"b":"{{ properties.text.matches(\"(a|b|ab)*c$\") }}"}}`:  "a.b: costs more than 10000 units",
		`["` + strings.Repeat("{{ properties.text }}", 201) + `"]`:      "more than 200 expressions",
		`"` + strings.Repeat("x", 65<<10) + `"`:                         "the most is 65536",
		strings.Repeat("[", 40) + strings.Repeat("]", 40):               "JSON",
		`{"a":"{{ signal.type }}","a":1}`:                               "JSON",
		`{"x":["first {{ properties.text }}\nthen {{ signal.tipe }}"]}`: "x[0]: line 2, column 16: unknown field signal.tipe; did you mean signal.type?",
		`"{{ signals.type == 1 }}"`:                                     "signals cannot be read here",
		`"{{ }}"`:                                                       "is empty",
	} {
		tm, err := expr.CompileTemplate([]byte(template), expr.Options{})
		if err == nil {
			_, err = tm.Render(f, nil)
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.80s: %v, want %q", template, err, says)
		}
	}
	tm, err := expr.CompileTemplate([]byte(`"{{ properties.text.contains(\"b\") }}"`), expr.Options{Use: expr.ForTemplate, MaxCost: expr.HighestMaxCost})
	if err != nil {
		t.Fatal(err)
	}
	b := expr.NewBudget(15_000)
	if got, err := tm.Render(f, b); err != nil || string(got) != "false" {
		t.Errorf("within its budget: %s, %v", got, err)
	}
	if _, err := tm.Render(f, b); err == nil || !strings.Contains(err.Error(), "the 15000 units that its signal may cost are used up") {
		t.Errorf("beyond its budget: %v", err)
	}
}

// Budgets are summed per signal (contract section 8): when one is used up, everything that is asked after is false, and says why.
func TestBudget_IsSharedByAllThatASignalAsks(t *testing.T) {
	t.Parallel()
	p, f, b := compile(t, `properties.ok && properties.team_size == 8`, expr.Options{}), facts(), expr.NewBudget(10)
	held := 0
	for range 20 {
		v := p.Ask(f, b)
		if v.Holds {
			held++
		}
		if v.Holds == (v.Reason != "") || v.Reason != "" && v.Reason != "the 10 units that its signal may cost are used up" {
			t.Fatalf("%+v", v)
		}
	}
	if held == 0 || held == 20 || b.Left() != 0 {
		t.Errorf("held %d times, %d units left", held, b.Left())
	}
}

// What is refused says where; so what the bounds allow must not be refused by the parser, which does not.
func TestCompile_TakesAsManyBracketsAndFieldsAsItSays(t *testing.T) {
	t.Parallel()
	many := strings.Repeat
	fields := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("properties.a%d", i)
		}
		return strings.Join(all, " && ")
	}
	for name, form := range map[string]func(n int) string{
		"60 brackets":              func(n int) string { return many("(", n) + "true" + many(")", n) },
		"60 groups":                func(n int) string { return many("(properties.a == 1 && ", n) + "true" + many(")", n) },
		"60 times !":               func(n int) string { return many("!(", n) + "true" + many(")", n) },
		"60 times ?":               func(n int) string { return many("true ? true : ", n) + "true" },
		"40 fields in a row":       func(n int) string { return "properties" + many(".a", n) + " == 1" },
		"128 different fields":     fields,
		"990 constants and commas": func(n int) string { return "1 in [1" + many(", 1", n) + "]" },
	} {
		var most int
		if _, err := fmt.Sscan(name, &most); err != nil {
			t.Fatal(err)
		}
		if _, err := expr.Compile(form(most), expr.Options{Use: expr.ForRecord}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := expr.Compile(form(most+10), expr.Options{Use: expr.ForRecord}); err == nil || strings.Contains(err.Error(), "recursion") {
			t.Errorf("more than %s: %v", name, err)
		}
	}
}
