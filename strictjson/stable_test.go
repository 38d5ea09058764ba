package strictjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signalbox/strictjson"
)

// proves C27 (the exceptions of the package comment apart; node_test.go asks JavaScript itself)
func TestStable_PrintsWhatJSONStringifyPrints(t *testing.T) {
	t.Parallel()
	cases := []struct{ text, want string }{
		{" { \"b\" : [ 1 , true ,\tnull ] , \"a\" : { } , \"c\":[ ] }\r\n", `{"b":[1,true,null],"a":{},"c":[]}`},
		{`"<&>'\/ \u003c \u007f"`, "\"<&>'/ < \u007f\""},
		{`"\u2028\u2029"`, "\"\u2028\u2029\""},
		{`"\u0001\u001F\b\f\n\r\t\u0008\u000a"`, `"\u0001\u001f\b\f\n\r\t\b\n"`},
		{`"\"\\\u0022\u005c"`, `"\"\\\"\\"`},
		{`"\ud83d\uDE39é\u00e9"`, `"😹éé"`},
		{`{"\u0061\n":1}`, `{"a\n":1}`},
		{"-0", "0"}, {"-0.0", "0"}, {"-0e10", "0"}, {"0.0", "0"}, {"0e5", "0"},
		{"1.0", "1"}, {"1.50", "1.5"}, {"-1.500", "-1.5"}, {"100.00", "100"}, {"1E3", "1000"}, {"0.10", "0.1"},
		{"1e21", "1e+21"}, {"1e20", "100000000000000000000"}, {"1.5e300", "1.5e+300"}, {"1e-6", "0.000001"}, {"1e-7", "1e-7"},
		{"0.000001", "0.000001"}, {"0.0000010", "0.000001"}, {"0.0000001", "1e-7"}, {"0.00000123", "0.00000123"}, {"-0.000000123", "-1.23e-7"},
		{"5e-324", "5e-324"}, {"1e-400", "0"}, {"1.7976931348623157e308", "1.7976931348623157e+308"},
		{"0.1000000000000000055511151231257827", "0.1"}, {"123456789.123456789", "123456789.12345679"}, {"9007199254740993.0", "9007199254740992"},
		// the documented exceptions
		{"9007199254740993", "9007199254740993"}, {"-12345678901234567890123", "-12345678901234567890123"}, {`{"b":1,"7":2}`, `{"b":1,"7":2}`},
	}
	for _, c := range cases {
		got, err := strictjson.Stable([]byte(c.text))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.text, got, err, c.want)
		}
	}
}

func TestAppendStable_KeepsWhatStandsBefore(t *testing.T) {
	t.Parallel()
	got, err := strictjson.AppendStable([]byte("x:"), []byte("[ 1 ]"))
	if err != nil || string(got) != "x:[1]" {
		t.Errorf("got %s, %v", got, err)
	}
	got, err = strictjson.AppendStable([]byte("x:"), []byte("[ 1 "))
	if err == nil || string(got) != "x:" {
		t.Errorf("after an error: got %s, %v", got, err)
	}
}

func TestAppendString_QuotesLikeJSONStringify(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, want string }{
		{"", `""`}, {"a\"b\\c/", `"a\"b\\c/"`}, {"\x00\x1f\x7f", "\"\\u0000\\u001f\x7f\""}, {"<\u2028>", "\"<\u2028>\""},
		{"a\xffb\xc3", "\"a\uFFFDb\uFFFD\""}, {"\uFFFD𝄞", "\"\uFFFD𝄞\""},
	}
	for _, c := range cases {
		if got := string(strictjson.AppendString(nil, c.in)); got != c.want {
			t.Errorf("%q: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestAppendNumber_ReadsBackAsTheSameDouble(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got := string(strictjson.AppendNumber(nil, f)); got != "null" {
			t.Errorf("%v: got %s", f, got)
		}
	}
	if got := string(strictjson.AppendNumber(nil, math.Copysign(0, -1))); got != "0" {
		t.Errorf("-0: got %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		text := strictjson.AppendNumber([]byte("["), f)[1:]
		var back float64
		if err := json.Unmarshal(text, &back); err != nil || back != f {
			t.Fatalf("%v: got %s, %v", f, text, err)
		}
	})
}

// A short decimal takes a path that never reads it as a double; it must print
// what the long way prints.
func TestStable_ShortDecimalsPrintAsTheirDouble(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,10})\.[0-9]{1,12}`).Draw(t, "decimal")
		var f float64
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		got, err := strictjson.Stable([]byte(text))
		if want := strictjson.AppendNumber(nil, f); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: got %s, %v; want %s", text, got, err, want)
		}
	})
}

// writer prints random documents with random spacing, escapes and number
// forms; all printings of one document have the same value.
type writer struct {
	rnd     *rand.Rand
	shuffle bool // members in any order
}

type member struct {
	key   string
	value any
}

func randomDoc(rnd *rand.Rand, depth int) any {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch rnd.IntN(kinds) {
	case 0:
		return []any{nil, true, false}[rnd.IntN(3)]
	case 1:
		return randomString(rnd)
	case 2:
		return math.Float64frombits(rnd.Uint64() &^ (1 << 62)) // no NaN, no infinity
	case 3:
		return float64(rnd.IntN(2_000_000)-1_000_000) / 1000
	case 4:
		return float64(rnd.Int64N(1<<53)) * float64(1-2*rnd.IntN(2))
	case 5:
		list := make([]any, rnd.IntN(5))
		for i := range list {
			list[i] = randomDoc(rnd, depth-1)
		}
		return list
	}
	object := make([]member, 0, 5)
	used := map[string]bool{}
	for range rnd.IntN(6) {
		if key := "k" + randomString(rnd); !used[key] {
			used[key] = true
			object = append(object, member{key, randomDoc(rnd, depth-1)})
		}
	}
	return object
}

func randomString(rnd *rand.Rand) string {
	alphabet := []rune("ab z09\"\\/\b\f\n\r\t\x01\x1f\x7f<>&é€\u2028\u2029\uE000\uFFFD\U0001F639\U0010FFFF")
	var b strings.Builder
	for range rnd.IntN(7) {
		b.WriteRune(alphabet[rnd.IntN(len(alphabet))])
	}
	return b.String()
}

func (w writer) append(dst []byte, v any) []byte {
	dst = w.space(dst)
	switch v := v.(type) {
	case string:
		dst = w.str(dst, v)
	case float64:
		dst = w.number(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = w.append(dst, e)
		}
		dst = append(w.space(dst), ']')
	case []member:
		dst = w.object(dst, v)
	default:
		text, _ := json.Marshal(v)
		dst = append(dst, text...)
	}
	return w.space(dst)
}

func (w writer) object(dst []byte, members []member) []byte {
	order := make([]int, len(members))
	for i := range order {
		order[i] = i
	}
	if w.shuffle {
		order = w.rnd.Perm(len(members))
	}
	dst = append(dst, '{')
	for i, at := range order {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = w.space(w.str(w.space(dst), members[at].key))
		dst = w.append(append(dst, ':'), members[at].value)
	}
	return append(w.space(dst), '}')
}

func (w writer) space(dst []byte) []byte {
	for w.rnd.IntN(4) == 0 {
		dst = append(dst, " \t\r\n"[w.rnd.IntN(4)])
	}
	return dst
}

func (w writer) str(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r < ' ' || r < 0xFFFF && w.rnd.IntN(4) == 0:
			dst = fmt.Appendf(dst, []string{`\u%04x`, `\u%04X`}[w.rnd.IntN(2)], r)
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		default:
			dst = append(dst, string(r)...)
		}
	}
	return append(dst, '"')
}

func (w writer) number(dst []byte, f float64) []byte {
	switch w.rnd.IntN(4) {
	case 0:
		return fmt.Appendf(dst, "%.17e", f)
	case 1:
		return fmt.Appendf(dst, "%.17E", f)
	case 2:
		if math.Abs(f) < 1e15 && math.Abs(f) > 1e-3 {
			return fmt.Appendf(dst, "%.25f", f)
		}
	}
	return strictjson.AppendNumber(dst, f)
}

func TestCanonical_TheSameValueGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		doc := randomDoc(rnd, 4)
		w := writer{rnd: rnd, shuffle: true}
		one, two := w.append(nil, doc), w.append(nil, doc)
		a, errA := strictjson.Canonical(one)
		b, errB := strictjson.Canonical(two)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Fatalf("%s\n%s\ngive %s (%v)\nand  %s (%v)", one, two, a, errA, b, errB)
		}
		if again, err := strictjson.Canonical(a); err != nil || !bytes.Equal(a, again) {
			t.Fatalf("not idempotent: %s, %s, %v", a, again, err)
		}
	})
}

func TestStable_IsIdempotentAndNeverFailsOnACheckedText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		text := writer{rnd: rnd}.append(nil, randomDoc(rnd, 4))
		if err := strictjson.Check(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		once, err := strictjson.Stable(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if twice, err := strictjson.Stable(once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s\n%s\n%v", once, twice, err)
		}
	})
}

func TestCanonical_SortsByUTF16CodeUnit(t *testing.T) {
	t.Parallel()
	cases := []struct{ text, want string }{
		// RFC 8785, section 3.2.3
		{"{\"\u20ac\":1,\"\\r\":2,\"\ufb33\":3,\"1\":4,\"\U0001F600\":5,\"\u0080\":6,\"\u00f6\":7}", "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"\u00f6\":7,\"\u20ac\":1,\"\U0001F600\":5,\"\ufb33\":3}"},
		{`{"b":{"z":1,"y":[{"d":1,"c":2}]},"a":2,"aa":3,"":4}`, `{"":4,"a":2,"aa":3,"b":{"y":[{"c":2,"d":1}],"z":1}}`},
		{`[9007199254740993,9007199254740992]`, `[9007199254740993,9007199254740992]`},
		{`[1000000000000000000000,1e21,-1200000000000000000000,-1.2e21]`, `[1e+21,1e+21,-1.2e+21,-1.2e+21]`},
		{`[1000000000000000000001,1152921504606846976000000]`, `[1000000000000000000001,1152921504606846976000000]`},
	}
	for _, c := range cases {
		got, err := strictjson.Canonical([]byte(c.text))
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", c.text, got, err, c.want)
		}
	}
}
