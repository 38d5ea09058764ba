package strictjson_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"signalbox/strictjson"
)

func nested(open, end string, n int) string {
	return strings.Repeat(open, n) + strings.Repeat(end, n)
}

// The classes of JSONTestSuite's n_ files and of its i_ files that we refuse.
var refused = []struct {
	name, text string
	kind       strictjson.Kind
}{
	{"nothing", "", strictjson.Empty},
	{"whitespace only", " \n\t\r", strictjson.Empty},
	{"byte order mark", "\uFEFF{}", strictjson.Malformed},
	{"byte order mark only", "\uFEFF", strictjson.Malformed},
	{"utf-16", "[\x00\"\x00\xe9\x00\"\x00]\x00", strictjson.Malformed},
	{"bare word", "nope", strictjson.Malformed},
	{"half literal", "tru", strictjson.Malformed},
	{"capital literal", "True", strictjson.Malformed},
	{"literal with a tail", "truex", strictjson.TrailingData},
	{"NaN", "[NaN]", strictjson.Malformed},
	{"Infinity", "[-Infinity]", strictjson.Malformed},
	{"leading zero", "[012]", strictjson.Malformed},
	{"negative leading zero", "[-012]", strictjson.Malformed},
	{"top-level leading zero", "01", strictjson.TrailingData},
	{"leading plus", "[+1]", strictjson.Malformed},
	{"leading point", "[.5]", strictjson.Malformed},
	{"trailing point", "[1.]", strictjson.Malformed},
	{"point before exponent", "[1.e3]", strictjson.Malformed},
	{"two points", "[1.2.3]", strictjson.Malformed},
	{"exponent without digits", "[1e]", strictjson.Malformed},
	{"signed exponent without digits", "[1E+]", strictjson.Malformed},
	{"minus alone", "[-]", strictjson.Malformed},
	{"minus and space", "[- 1]", strictjson.Malformed},
	{"two minuses", "[--1]", strictjson.Malformed},
	{"hexadecimal", "[0x1F]", strictjson.Malformed},
	{"underscore in number", "[1_000]", strictjson.Malformed},
	{"full-width digit", "[１]", strictjson.Malformed},
	{"array trailing comma", "[1,]", strictjson.Malformed},
	{"array leading comma", "[,1]", strictjson.Malformed},
	{"array double comma", "[1,,2]", strictjson.Malformed},
	{"array without comma", "[1 2]", strictjson.Malformed},
	{"array with colon", "[1:2]", strictjson.Malformed},
	{"array unclosed", "[1", strictjson.Malformed},
	{"array closed twice", "[1]]", strictjson.TrailingData},
	{"array closed as object", "[1}", strictjson.Malformed},
	{"object trailing comma", `{"a":1,}`, strictjson.Malformed},
	{"object leading comma", `{,"a":1}`, strictjson.Malformed},
	{"object double comma", `{"a":1,,"b":2}`, strictjson.Malformed},
	{"object missing comma", `{"a":1 "b":2}`, strictjson.Malformed},
	{"object missing colon", `{"a" 1}`, strictjson.Malformed},
	{"object double colon", `{"a"::1}`, strictjson.Malformed},
	{"object missing value", `{"a":}`, strictjson.Malformed},
	{"object bare key", `{a:1}`, strictjson.Malformed},
	{"object number key", `{1:1}`, strictjson.Malformed},
	{"object single quotes", `{'a':1}`, strictjson.Malformed},
	{"object unclosed", `{"a":1`, strictjson.Malformed},
	{"object comma for colon", `{"a",1}`, strictjson.Malformed},
	{"comment", `{"a":1/*x*/}`, strictjson.Malformed},
	{"comment after", `{"a":1}//x`, strictjson.TrailingData},
	{"two values", `{} {}`, strictjson.TrailingData},
	{"trailing NUL byte", "{}\x00", strictjson.TrailingData},
	{"form feed as space", "[\f1]", strictjson.Malformed},
	{"no-break space", "[\u00a01]", strictjson.Malformed},
	{"string unclosed", `["a`, strictjson.Malformed},
	{"string ends in backslash", `["a\`, strictjson.Malformed},
	{"raw newline", "[\"a\nb\"]", strictjson.Malformed},
	{"raw tab", "[\"a\tb\"]", strictjson.Malformed},
	{"raw unit separator", "[\"\x1f\"]", strictjson.Malformed},
	{"escape x", `["\x41"]`, strictjson.Malformed},
	{"escape a", `["\a"]`, strictjson.Malformed},
	{"escape quote single", `["\'"]`, strictjson.Malformed},
	{"escape capital U", `["\U0041"]`, strictjson.Malformed},
	{"escape short u", `["\u00A"]`, strictjson.Malformed},
	{"escape u not hex", `["\u00G0"]`, strictjson.Malformed},
	{"escape before emoji", `["\🌀"]`, strictjson.Malformed},
	{"raw NUL", "[\"a\x00b\"]", strictjson.NUL},
	{"escaped NUL", `["a\u0000b"]`, strictjson.NUL},
	{"escaped NUL in key", `{"a\u0000":1}`, strictjson.NUL},
	{"raw NUL in key", "{\"\x00\":1}", strictjson.NUL},
	{"lone high surrogate", `["\uD800"]`, strictjson.Surrogate},
	{"lone low surrogate", `["\uDC00"]`, strictjson.Surrogate},
	{"high surrogate then text", `["\uD834abc"]`, strictjson.Surrogate},
	{"high surrogate then newline", `["\uD834\n"]`, strictjson.Surrogate},
	{"two high surrogates", `["\uD800\uD800"]`, strictjson.Surrogate},
	{"inverted surrogates", `["\uDD1E\uD834"]`, strictjson.Surrogate},
	{"lone surrogate in key", `{"\ud800":1}`, strictjson.Surrogate},
	{"incomplete second surrogate", `["\uD834\uDd"]`, strictjson.Surrogate},
	{"lone continuation byte", "[\"\x81\"]", strictjson.InvalidUTF8},
	{"truncated sequence", "[\"\xe0\xff\"]", strictjson.InvalidUTF8},
	{"overlong slash", "[\"\xc0\xaf\"]", strictjson.InvalidUTF8},
	{"overlong in six bytes", "[\"\xfc\x80\x80\x80\x80\x80\"]", strictjson.InvalidUTF8},
	{"surrogate as utf-8", "[\"\xed\xa0\x80\"]", strictjson.InvalidUTF8},
	{"beyond unicode", "[\"\xf4\xbf\xbf\xbf\"]", strictjson.InvalidUTF8},
	{"latin-1", "[\"\xe9\"]", strictjson.InvalidUTF8},
	{"invalid utf-8 in key", "{\"\xff\":1}", strictjson.InvalidUTF8},
	{"huge exponent", "[1e400]", strictjson.NumberRange},
	{"huge negative", "[-1e+9999]", strictjson.NumberRange},
	{"just beyond", "[1.8e308]", strictjson.NumberRange},
	{"exponent beyond any integer", "[0.4e00669999999999999999999999999999999999999999999]", strictjson.NumberRange},
	{"integer of 400 digits", "[" + strings.Repeat("9", 400) + "]", strictjson.NumberRange},
	{"duplicate", `{"a":1,"a":2}`, strictjson.DuplicateKey},
	{"duplicate of equal value", `{"a":1,"a":1}`, strictjson.DuplicateKey},
	{"duplicate by escape", `{"a":1,"\u0061":2}`, strictjson.DuplicateKey},
	{"duplicate empty", `{"":1,"":2}`, strictjson.DuplicateKey},
	{"duplicate nested", `{"x":[{"a":{"b":1,"c":2,"b":3}}]}`, strictjson.DuplicateKey},
	{"duplicate after child with that key", `{"a":{"b":1},"b":2,"a":3}`, strictjson.DuplicateKey},
	{"33 arrays", nested("[", "]", 33), strictjson.TooDeep},
	{"33 objects", strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), strictjson.TooDeep},
	{"100000 opened arrays", strings.Repeat("[", 100000), strictjson.TooDeep},
}

func TestCheck_RefusesEveryInvalidClass(t *testing.T) {
	t.Parallel()
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			requireKind(t, strictjson.Check([]byte(c.text)), c.kind)
			_, err := strictjson.Stable([]byte(c.text))
			requireKind(t, err, c.kind)
			_, err = strictjson.Canonical([]byte(c.text))
			requireKind(t, err, c.kind)
			var v any
			requireKind(t, strictjson.Unmarshal([]byte(c.text), &v), c.kind)
			var raw strictjson.Raw
			requireKind(t, strictjson.Unmarshal([]byte(c.text), &raw), c.kind)
		})
	}
}

func requireKind(t *testing.T, err error, want strictjson.Kind) {
	t.Helper()
	var e *strictjson.Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want kind %q", err, want)
	}
	if e.Kind != want {
		t.Fatalf("got kind %q (%v), want %q", e.Kind, err, want)
	}
}

func TestCheck_ADuplicateAmongManyKeysIsFound(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 23, 24, 25, 26, 300} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":{"k0":1},`, i)
		}
		distinct := "{" + strings.TrimSuffix(b.String(), ",") + "}"
		if err := strictjson.Check([]byte(distinct)); err != nil {
			t.Errorf("%d distinct keys: %v", n, err)
		}
		for _, again := range []int{0, n / 2, n - 1} {
			text := fmt.Sprintf(`{%s"k%d":0}`, b.String(), again)
			requireKind(t, strictjson.Check([]byte(text)), strictjson.DuplicateKey)
		}
	}
}

func TestCheck_AcceptsEveryValidClass(t *testing.T) {
	t.Parallel()
	valid := []string{
		"null", "true", "false", "0", "-0", `""`, "[]", "{}", " [ ] ", "\r\n\t {\"a\" : [ 1 , 2 ] } \n",
		`"\"\\\/\b\f\n\r\t"`, `"\u0061\u30af\u30EA"`, `"\ud83d\ude39"`, `"\uDBFF\uDFFF"`, `"\uFFFF"`, "\"\u007f\"", "\"\u2028\u2029\"",
		`"€𝄞"`, `"\u0012"`, "\"\U0010FFFF\"", `[1,-1,0.1,1.5e3,1E3,1e+3,1e-3,0e1,-0.0,0E+1]`,
		"123456789012345678901234567890", "1.7976931348623157e308", "1e-400", "4.9e-324", strings.Repeat("9", 308),
		"[1,[2,[3]],{\"a\":{}}]", `{"":0}`, `{"a":1,"A":2}`, `{"a":{"a":{"a":1}}}`, `[{"a":1},{"a":1}]`,
		nested("[", "]", 32), strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat("}", 32),
		"[" + strings.Repeat("[],", 5000) + "[]]",
	}
	for _, text := range valid {
		if err := strictjson.Check([]byte(text)); err != nil {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func TestLimits_DepthIsTheCallersChoice(t *testing.T) {
	t.Parallel()
	if err := (strictjson.Limits{MaxDepth: 40}).Check([]byte(nested("[", "]", 40))); err != nil {
		t.Error(err)
	}
	requireKind(t, strictjson.Limits{MaxDepth: 2}.Check([]byte("[[[]]]")), strictjson.TooDeep)
	if _, err := (strictjson.Limits{MaxDepth: 3}).AppendStable(nil, []byte("[[[]]]")); err != nil {
		t.Error(err)
	}
}

func TestError_SaysWhereAndWhat(t *testing.T) {
	t.Parallel()
	cases := []struct{ text, path, msg string }{
		{"", "", "the body is empty; send a JSON value"},
		{"{\n  \"a\": 1\n  \"b\": 2}", "", `malformed JSON at line 3, column 3: expected ',' or '}', found '"'`},
		{`{"contact":{"email":"a@b.c","email":"x@y.z"}}`, "contact.email", "contact.email is given twice; a key may appear once in an object"},
		{`{"signals":[{},{"n":1e400}]}`, "signals.1.n", "signals.1.n is a number that no double can hold; the largest is about 1.8e308"},
		{`{"p":{"x":"\ud800"}}`, "p.x", `p.x has the unpaired surrogate escape \ud800; characters beyond U+FFFF need two`},
		{`{"p":["a","\u0000"]}`, "p.1", "p.1 has the character U+0000 in a string at line 1, column 12; it cannot be stored"},
		{`{"a.b":{"c\nd":1e999}}`, `"a.b"."c\nd"`, `"a.b"."c\nd" is a number that no double can hold; the largest is about 1.8e308`},
		{`{"a":1} x`, "", "the body must be one JSON value, but more data follows it at line 1, column 9"},
		{"\uFEFF{}", "", "malformed JSON at line 1, column 1: expected a value, found a byte order mark"},
		{`[1`, "0", "malformed JSON at line 1, column 3: expected ',' or ']', found the end of the body"},
	}
	for _, c := range cases {
		var e *strictjson.Error
		if err := strictjson.Check([]byte(c.text)); !errors.As(err, &e) {
			t.Errorf("%s: got %v", c.text, err)
			continue
		}
		if e.Path != c.path || e.Msg != c.msg || e.Error() != c.msg {
			t.Errorf("%s:\n got %q %q\nwant %q %q", c.text, e.Path, e.Msg, c.path, c.msg)
		}
	}
}

func TestError_ALongKeyIsCutInThePath(t *testing.T) {
	t.Parallel()
	var e *strictjson.Error
	text := `{"` + strings.Repeat("é", 5000) + `":1e400}`
	if err := strictjson.Check([]byte(text)); !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	if want := strings.Repeat("é", 32) + "…"; e.Path != want {
		t.Errorf("got path %q, want %q", e.Path, want)
	}
}
