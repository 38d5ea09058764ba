package expr_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"signalbox/expr"
	"signalbox/filter"
)

func FuzzCompile(f *testing.F) {
	for source := range answers {
		f.Add(source)
	}
	for _, c := range refused {
		f.Add(c.source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		for _, use := range []expr.Use{expr.ForSignal, expr.ForRecord, expr.ForTemplate} {
			p, err := expr.Compile(source, expr.Options{Use: use})
			if err != nil {
				if e, ok := err.(*expr.Error); !ok || e.Msg == "" || e.Line < 0 || e.Column < 0 {
					t.Errorf("%q: %#v", source, err)
				}
				continue
			}
			a, b := p.Ask(facts(), expr.NewBudget(10_000)), p.Ask(facts(), expr.NewBudget(10_000))
			if a.Holds != b.Holds {
				t.Errorf("%q answers %v and %v", source, a, b)
			}
			slow, err := expr.CompileSlow(source, expr.Options{Use: use})
			if err != nil {
				t.Fatalf("%q compiles, and not through the library: %v", source, err)
			}
			if c := slow.Ask(facts(), nil); a.Reason == "" && c.Reason == "" && (a.Holds != c.Holds || !slices.Equal(a.Missing, c.Missing) || !a.Next.Equal(c.Next)) {
				t.Errorf("%q answers %+v, and through the library %+v", source, a, c)
			}
			for _, c := range p.Explain(facts()) {
				if c.Source == "" && use != expr.ForTemplate {
					t.Errorf("%q has a clause without a source: %+v", source, c)
				}
			}
		}
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add([]byte(`{"a":"{{ properties.plan }} x","b":["{{ account.score }}"]}`))
	f.Add([]byte(`"{{ '}}' }}"`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		tm, err := expr.CompileTemplate(raw, expr.Options{})
		if err != nil {
			return
		}
		got, err := tm.Render(facts(), expr.NewBudget(10_000))
		if err == nil && !json.Valid(got) {
			t.Errorf("%q renders %q", raw, got)
		}
		if again, _ := tm.Render(facts(), expr.NewBudget(10_000)); err == nil && !bytes.Equal(got, again) {
			t.Errorf("%q renders %q and %q", raw, got, again)
		}
	})
}

// Whatever the structured form becomes compiles, and answers as package filter does; what it refuses says why.
func FuzzFromStructured(f *testing.F) {
	for _, c := range [][3]string{
		{"signal.type", "equals", `"form_submitted"`}, {"signal.properties.team_size", "greater_than", `"7.5"`}, {"signal.properties.a.b.c", "in", `["dotted",1]`},
		{"signal.properties.tags", "contains", `"a"`}, {"signal.properties.we ird.\"q", "not_equals", `-1e3`}, {"signal.properties.big", "equals", `12345678901234567890`},
		{"signal.properties.in", "less_or_equal", `"x\n\u2028"`},
	} {
		raw, _ := json.Marshal(map[string]any{"field": c[0], "operator": c[1], "value": json.RawMessage(c[2])})
		f.Add(raw, []byte(context))
		f.Add([]byte(`{"any":[{"all":[`+string(raw)+`]},`+string(raw)+`]}`), []byte(`{"in":"x","we ird":{"\"q":5}}`))
	}
	f.Fuzz(func(t *testing.T, raw, properties []byte) {
		source, err := expr.FromStructured(raw)
		if err != nil {
			if e := (*expr.Error)(nil); !errors.As(err, &e) || e.Msg == "" || e.Line != 0 {
				t.Errorf("%s: %#v", raw, err)
			}
			return
		}
		p, err := expr.Compile(source, expr.Options{Use: expr.ForRecord})
		if err != nil {
			t.Fatalf("%s gives %s: %v", raw, source, err)
		}
		if again, err := expr.Compile(p.Source(), expr.Options{Use: expr.ForRecord}); err != nil || again.Source() != p.Source() {
			t.Fatalf("%s gives %s, which is no source of its own: %v", raw, source, err)
		}
		asked, err := filter.Parse(raw, []string{"signal.type", "signal.source", "signal.event_name", "signal.properties.*"})
		var record map[string]any
		dec := json.NewDecoder(strings.NewReader(`{"signal":{"type":"form_submitted","source":"website","properties":` + string(properties) + `}}`))
		dec.UseNumber()
		if err != nil || !plain(raw) || !plain(properties) || dec.Decode(&record) != nil || dec.More() {
			return
		}
		facts := &expr.Facts{Signal: &expr.Signal{Type: "form_submitted", Source: "website", Context: properties}}
		if got, want := p.Ask(facts, nil), asked.Takes(record); got.Holds != want && got.Reason == "" {
			t.Errorf("%s of %s: %s says %v, the filter %v", raw, properties, source, got.Holds, want)
		}
	})
}

// plain says whether package filter and doubles read every number of a text alike: none has many digits, or an exponent of three.
func plain(text []byte) bool {
	digits, exponent := 0, false
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && digits > 0, (c == '-' || c == '+') && exponent:
		default:
			exponent = (c == 'e' || c == 'E') && i > 0 && text[i-1] >= '0' && text[i-1] <= '9'
			digits = 0
		}
		if digits > 15 || exponent && digits > 2 {
			return false
		}
	}
	return true
}
