package connector_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox/poll/connector"
	"signalbox/strictjson"
)

// page reads one answer.
func page(t testing.TB, c connector.Config, body string) []connector.Record {
	t.Helper()
	client := doer(func(*http.Request) string { return body })
	return mustWalk(t, open(t, c, connector.Options{Client: client, Secrets: bearer})).records
}

func one(t testing.TB, c connector.Config, record string) connector.Record {
	t.Helper()
	all := page(t, c, `{"data":[`+record+`]}`)
	if len(all) != 1 {
		t.Fatalf("%d records of one", len(all))
	}
	return all[0]
}

func TestRecord_WhatIsComparedIsWhatTheConfigSays(t *testing.T) {
	t.Parallel()
	const record = `{"name":"Ada","id":7,"meta":{"seen":"now","by":"x","deep":[{"at":1,"v":"b"},{"at":2,"v":"a"}]},"tags":["b","a"],"null":null,"a.b":1}`
	for name, c := range map[string]struct {
		with func(*connector.Config)
		want string
	}{
		"everything": {func(*connector.Config) {},
			`{"a.b":1,"id":7,"meta":{"by":"x","deep":[{"at":1,"v":"b"},{"at":2,"v":"a"}],"seen":"now"},"name":"Ada","null":null,"tags":["b","a"]}`},
		"without a member": {func(c *connector.Config) { c.Exclude = []string{"meta", "nothing"} },
			`{"a.b":1,"id":7,"name":"Ada","null":null,"tags":["b","a"]}`},
		"without a nested member": {func(c *connector.Config) { c.Exclude = []string{"meta.seen", "name.first"} },
			`{"a.b":1,"id":7,"meta":{"by":"x","deep":[{"at":1,"v":"b"},{"at":2,"v":"a"}]},"name":"Ada","null":null,"tags":["b","a"]}`},
		"without a member of each element": {func(c *connector.Config) { c.Exclude = []string{"meta.deep.at", "meta.seen", "null"} },
			`{"a.b":1,"id":7,"meta":{"by":"x","deep":[{"v":"b"},{"v":"a"}]},"name":"Ada","tags":["b","a"]}`},
		"lists without an order": {func(c *connector.Config) {
			c.Unordered = []string{"tags", "meta.deep"}
			c.Exclude = []string{"meta.deep.at", "null", `a\.b`}
		},
			`{"id":7,"meta":{"by":"x","deep":[{"v":"a"},{"v":"b"}],"seen":"now"},"name":"Ada","tags":["a","b"]}`},
		"chosen paths": {func(c *connector.Config) { c.Fields = []string{"name", "meta.by", "meta.deep.1.v", `a\.b`, "missing"} },
			`{"a\\.b":1,"meta.by":"x","meta.deep.1.v":"a","missing":null,"name":"Ada"}`},
		"chosen, and a part left out": {func(c *connector.Config) {
			c.Fields = []string{"meta", "tags"}
			c.Exclude = []string{"meta.deep"}
			c.Unordered = []string{"tags"}
		},
			`{"meta":{"by":"x","seen":"now"},"tags":["a","b"]}`},
		"chosen, and left out itself": {func(c *connector.Config) {
			c.Fields = []string{"name", "meta.by", "tags"}
			c.Exclude = []string{"name", "meta"}
		}, `{"tags":["b","a"]}`},
	} {
		config := generic("all", connector.Pagination{})
		c.with(&config)
		r := one(t, config, record)
		if diff := cmp.Diff(c.want, string(r.Body)); diff != "" || r.ID != "7" {
			t.Errorf("%s: record %s: %s", name, r.ID, diff)
		}
		if got := joined(r.Fields); got != c.want {
			t.Errorf("%s: the fields are %s", name, got)
		}
		if want, _ := strictjson.Canonical([]byte(record)); string(r.Raw) != string(want) {
			t.Errorf("%s: raw is %s", name, r.Raw)
		}
	}
}

// joined is the object of all fields.
func joined(fields []connector.Field) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(append(strictjson.AppendString(nil, f.Name), ':'))
		b.Write(f.Value)
	}
	return "{" + b.String() + "}"
}

// S4-22: an id is a text or a number; S4-24: digits are kept beyond 2^53.
func TestRecord_IDsAreTextsOrIntegersByTheirDigits(t *testing.T) {
	t.Parallel()
	for record, want := range map[string]string{
		`{"id":"a b"}`:                    "a b",
		`{"id":"\u00fc\""}`:               `ü"`,
		`{"id":45355977128720120112}`:     "45355977128720120112",
		`{"id":9007199254740993}`:         "9007199254740993",
		`{"id":-3}`:                       "-3",
		`{"id":0}`:                        "0",
		`{"id":1e3}`:                      "1000",
		`{"id":{"value":["x",{"y":12}]}}`: "12",
	} {
		c := generic("all", connector.Pagination{})
		if strings.Contains(record, "value") {
			c.ID = "id.value.1.y"
		}
		if got := one(t, c, record).ID; got != want {
			t.Errorf("%s: id %q, want %q", record, got, want)
		}
	}
}

// The hash of a record must not change with the way in which its provider writes it.
func TestRecord_TheSameRecordHasTheSameBytes(t *testing.T) {
	t.Parallel()
	c := generic("all", connector.Pagination{})
	rapid.Check(t, func(rt *rapid.T) {
		values := rapid.MapOfN(rapid.String(), jsonValue(3), 0, 8).Draw(rt, "members")
		delete(values, "id")
		write := func(reverse bool) string {
			var parts []string
			for k, v := range values {
				key, _ := json.Marshal(k)
				value, _ := json.MarshalIndent(v, "", strings.Repeat(" ", rapid.IntRange(0, 3).Draw(rt, "indent")))
				if parts = append(parts, string(key)+" : "+string(value)); reverse {
					copy(parts[1:], parts[:len(parts)-1])
					parts[0] = string(key) + ":" + string(value)
				}
			}
			return "{" + strings.Join(append(parts, `"id": "x"`), ", ") + "}"
		}
		first, second := write(false), write(true)
		if strictjson.Check([]byte(first)) != nil {
			return // keys that JSON takes for the same, U+0000
		}
		a, b := one(t, c, first), one(t, c, second)
		if string(a.Body) != string(b.Body) || joined(a.Fields) != string(a.Body) || !json.Valid(a.Body) {
			rt.Fatalf("%s\n%s\n%s", a.Body, b.Body, joined(a.Fields))
		}
	})
}

func jsonValue(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }), rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }), rapid.Map(rapid.Float64(), func(f float64) any { return f }),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(jsonValue(depth-1), 0, 4), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-z\\".\x{e9}]{1,4}`), jsonValue(depth-1), 0, 4), func(m map[string]any) any { return m }))...)
}

// Parts of records lie in the memory of their page; to append to one must not write over another.
func TestRecord_PartsDoNotOverlap(t *testing.T) {
	t.Parallel()
	all := page(t, generic("all", connector.Pagination{}), `{"data":[{"id":1,"a":"x"},{"id":2,"a":"y"}]}`)
	before := string(all[1].Body)
	_ = append(all[0].Body, "overwritten by whoever appends"...)
	for i := range all[0].Fields {
		_ = append(all[0].Fields[i].Value, "overwritten"...)
	}
	_ = append(all[0].Fields, connector.Field{Name: "new", Value: []byte("1")})
	if string(all[1].Body) != before || all[1].Fields[0].Name != "a" || string(all[0].Body) != `{"a":"x","id":1}` {
		t.Errorf("a record was written over: %s %v", all[1].Body, all[1].Fields)
	}
}

func TestPage_TheWholeAnswerMayBeTheList(t *testing.T) {
	t.Parallel()
	c := generic("all", connector.Pagination{})
	c.Records = ""
	if all := page(t, c, "\ufeff [ {\"id\":1} , {\"id\":2} ] \n"); len(all) != 2 {
		t.Errorf("%d records", len(all))
	}
	client := doer(func(*http.Request) string { return `{"data":[]}` })
	_, err := open(t, c, connector.Options{Client: client, Secrets: bearer}).Next(t.Context(), nil)
	failure(t, err, connector.ShapeFailure, "not a list of records", "records")
}

func TestPage_TheTotalIsWhatTheProviderSays(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]int{
		`{"data":[],"meta":{"total":12}}`:     12,
		`{"data":[],"meta":{"total":"12"}}`:   12,
		`{"data":[],"meta":{"total":null}}`:   -1,
		`{"data":[],"meta":{"total":-1}}`:     -1,
		`{"data":[],"meta":{"total":1.5}}`:    -1,
		`{"data":[],"meta":{"total":"many"}}`: -1,
		`{"data":[]}`:                         -1,
	} {
		c := generic("all", connector.Pagination{})
		c.Total = "meta.total"
		client := doer(func(*http.Request) string { return answer })
		if got := mustWalk(t, open(t, c, connector.Options{Client: client, Secrets: bearer})).total; got != want {
			t.Errorf("%s: total %d, want %d", answer, got, want)
		}
	}
}
