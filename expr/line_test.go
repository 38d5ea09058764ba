package expr_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox/expr"
)

func lineFacts() *expr.Facts {
	return &expr.Facts{
		Signal:  &expr.Signal{Type: "form_submit", Context: []byte(`{"n":12,"plan":"pro & more","tags":["a","<b>"],"<k>":"&"}`)},
		Account: &expr.Account{Name: "Acme"},
	}
}

func TestLine_ValuesStandWhereTheirExpressionsDo(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                                       "",
		"no expression, \"quoted\"\n":            "no expression, \"quoted\"\n",
		"{{ account.name }}":                     "Acme",
		"{{ properties.n }} seats":               "12 seats",
		"to {{ account.name }}: {{signal.type}}": "to Acme: form_submit",
		"{{ properties.missing }}!":              "!",
		"{{ properties.tags }}":                  `["a","<b>"]`,
		`{{ "{{" }} stays`:                       "{{ stays",
	} {
		l, err := expr.CompileLine(source, expr.Options{})
		if err != nil {
			t.Errorf("%q: %v", source, err)
			continue
		}
		if got, err := l.Render(lineFacts(), nil, nil); err != nil || got != want {
			t.Errorf("%q is %q, %v, want %q", source, got, err, want)
		}
	}
}

func TestLine_WhatPutSaysStands(t *testing.T) {
	t.Parallel()
	l, err := expr.CompileLine("a {{ account.name }} b {{ properties.n }}", expr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a ", " b ", ""}, l.Literals()); diff != "" {
		t.Error(diff)
	}
	var seen []string
	got, err := l.Render(lineFacts(), nil, func(dst []byte, value string) ([]byte, error) {
		seen = append(seen, string(dst)+"|"+value)
		return append(dst, strings.ToUpper(value)...), nil
	})
	if err != nil || got != "a ACME b 12" {
		t.Errorf("%q, %v", got, err)
	}
	if diff := cmp.Diff([]string{"a |Acme", "a ACME b |12"}, seen); diff != "" {
		t.Error(diff)
	}
	no := errors.New("no")
	if _, err := l.Render(lineFacts(), nil, func([]byte, string) ([]byte, error) { return nil, no }); !errors.Is(err, no) {
		t.Errorf("the error of put is lost: %v", err)
	}
}

func TestLine_RefusesWhatATemplateRefuses(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"{{ acount.name }}":                     "unknown variable acount",
		"x {{ account.name":                     "is not closed",
		"{{ }}":                                 "is empty",
		"nul \x00":                              "without U+0000",
		"bad \xff":                              "Unicode",
		strings.Repeat("x", expr.MaxTemplate+1): "the most is",
	} {
		var e *expr.Error
		if _, err := expr.CompileLine(source, expr.Options{}); !errors.As(err, &e) || !strings.Contains(e.Msg, want) {
			t.Errorf("%.20q: %v, want %q", source, err, want)
		}
	}
	long, err := expr.CompileLine(strings.Repeat("{{ properties.x }}", 5), expr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := &expr.Facts{Signal: &expr.Signal{Context: []byte(`{"x":"` + strings.Repeat("y", expr.MaxRendered/4) + `"}`)}}
	if got, err := long.Render(f, nil, nil); err == nil {
		t.Errorf("a text of %d bytes is made", len(got))
	}
}

func TestRenderWith_ChangesEachValueAndNothingElse(t *testing.T) {
	t.Parallel()
	tpl, err := expr.CompileTemplate([]byte(`{"a&":"<{{ properties.plan }}>","b":{"url":"{{ properties.tags }}"},"c":["{{ properties }}",1,null]}`), expr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	got, err := tpl.RenderWith(lineFacts(), nil, func(path string, value []byte) []byte {
		places = append(places, path)
		return []byte(strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(string(value)))
	})
	want := `{"a&":"<pro &amp; more>","b":{"url":["a","&lt;b>"]},"c":[{"&lt;k>":"&amp;","n":12,"plan":"pro &amp; more","tags":["a","&lt;b>"]},1,null]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v, want\n%s", got, err, want)
	}
	if diff := cmp.Diff([]string{"a&", "b.url", "c[0]"}, places); diff != "" {
		t.Error(diff)
	}
}

func TestRenderWith_WithoutAChangeIsRender(t *testing.T) {
	t.Parallel()
	tpl, err := expr.CompileTemplate([]byte(`{"a":"<{{ properties.x }}>","b":"{{ properties.x }}","c":"{{ properties }}"}`), expr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		f := &expr.Facts{Signal: &expr.Signal{Context: []byte(rapid.SampledFrom([]string{`{"x":1e30}`, `{"x":null}`, `{"x":{"y":[1,"\n"]}}`, `{"x":"\u2028\""}`, `[]`}).Draw(rt, "context"))}}
		a, err1 := tpl.Render(f, nil)
		b, err2 := tpl.RenderWith(f, nil, func(_ string, v []byte) []byte { return v })
		if err1 != nil || err2 != nil || string(a) != string(b) {
			rt.Fatalf("%s, %v and %s, %v", a, err1, b, err2)
		}
	})
}

func TestExplain_IsTheSameASecondTime(t *testing.T) {
	t.Parallel()
	p, err := expr.Compile(`properties.n > 20 && account.name == "Acme"`, expr.Options{Use: expr.ForRecord})
	if err != nil {
		t.Fatal(err)
	}
	first := p.Explain(lineFacts())
	if len(first) != 2 || first[0].Holds || !first[1].Holds || first[0].Says != "properties.n is 12, not > 20" {
		t.Errorf("%+v", first)
	}
	if diff := cmp.Diff(first, p.Explain(lineFacts())); diff != "" {
		t.Error(diff)
	}
}
