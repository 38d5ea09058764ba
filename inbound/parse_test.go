package inbound_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/inbound"
	"signalbox/strictjson"
)

const formType = "application/x-www-form-urlencoded"

func TestParse_WhatIsTaken(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, kind, body, want string }{
		{"JSON", "application/json; charset=utf-8", ` {"a": 1} `, `{"a": 1}`},
		{"no content type is JSON", "", `{"a":1}`, `{"a":1}`},
		{"a list", "application/json", `[1]`, `[1]`},
		{"JSON under a vendor's type", "application/vnd.api+json", `{"a":1}`, `{"a":1}`},
		{"JSON called text, as Amazon SNS does", "text/plain; charset=UTF-8", `{"a":1}`, `{"a":1}`},
		{"JSON of an unknown type", "application/octet-stream", `{"a":1}`, `{"a":1}`},
		{"a slip in the content type", "application/json; charset=", `{"a":1}`, `{"a":1}`},
		{"a byte order mark", "application/json", "\ufeff{\"a\":1}", `{"a":1}`},
		{"JSON that curl -d calls a form", formType, `{"a":"b&c=d"}`, `{"a":"b&c=d"}`},
		{"a form", formType, `event=signed+up&email=a%40b.com`, `{"event":"signed up","email":"a@b.com"}`},
		{"a form's charset", "Application/X-WWW-Form-Urlencoded; charset=UTF-8", `a=1`, `{"a":"1"}`},
		{"a name that is there several times is a list", formType, `tag=a&x=1&tag=b`, `{"tag":["a","b"],"x":"1"}`},
		{"a name without a value", formType, `a=&b&c=1`, `{"a":"","b":"","c":"1"}`},
		{"a semicolon parts nothing", formType, `a=1;b=2`, `{"a":"1;b=2"}`},
		{"names keep their brackets", formType, `user%5Bname%5D=Ada`, `{"user[name]":"Ada"}`},
		{"the JSON of a payload field is unpacked", formType, `payload=%7B%22action%22%3A%22opened%22%7D`, `{"payload":{"action":"opened"}}`},
		{"a payload that is no JSON stays a text", formType, `payload=%7Bnot+json`, `{"payload":"{not json"}`},
		{"a payload that is a number stays a text", formType, `payload=12`, `{"payload":"12"}`},
		{"JSON in another field stays a text", formType, `data=%7B%7D`, `{"data":"{}"}`},
		{"a line end after the form", formType, "a=1\r\n", `{"a":"1"}`},
		{"what must be escaped in JSON", formType, `a=%22%0A%5C`, `{"a":"\"\n\\"}`},
	}
	for _, c := range cases {
		got, err := inbound.Parse(c.kind, []byte(c.body))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
		if err := strictjson.Check(got); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestParse_WhatIsRefusedSaysWhy(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 33) + strings.Repeat("]", 33)
	cases := []struct {
		name, kind, body string
		code             signalbox.Code
		says             string
	}{
		{"nothing", "application/json", "", signalbox.Invalid, "the body is empty"},
		{"white space", "", " \n", signalbox.Invalid, "the body is empty"},
		{"a byte order mark alone", "", "\ufeff", signalbox.Invalid, "the body is empty"},
		{"an empty form", formType, "&&", signalbox.Invalid, "the form is empty"},
		{"a text", "text/plain", "Hello, World!", signalbox.Invalid, `the body is not JSON: it begins with "Hello, World!"`},
		{"XML without its type", "", "<?xml version='1.0'?>", signalbox.Invalid, `it begins with "<?xml`},
		{"a form without its type", "", "a=1&b=2", signalbox.Invalid, "a form with its content type is needed"},
		{"a text called a form", formType, "Hello", signalbox.Invalid, "the body is no form"},
		{"JSON that is cut off", "", `{"a":`, signalbox.Invalid, ""},
		{"two values", "", `{} {}`, signalbox.Invalid, ""},
		{"a key twice", "", `{"a":1,"a":2}`, signalbox.Invalid, "a"},
		{"not UTF-8", "", "{\"a\":\"\xff\"}", signalbox.Invalid, "UTF-8"},
		{"UTF-16", "", "\xff\xfe{\x00}\x00", signalbox.Invalid, ""},
		{"too deep", "", deep, signalbox.Invalid, "32"},
		{"a bad escape in a form", formType, "a=100%", signalbox.Invalid, `"100%"`},
		{"a form that is not UTF-8", formType, "a=%ff", signalbox.Invalid, "not UTF-8"},
		{"a form with U+0000", formType, "a=%00", signalbox.Invalid, "U+0000"},
		{"multipart", "multipart/form-data; boundary=x", "--x", signalbox.UnsupportedMedia, `"multipart/form-data" are not read: send application/json`},
		{"XML", "application/xml", "<a/>", signalbox.UnsupportedMedia, "application/xml"},
		{"more than a megabyte", "", `"` + strings.Repeat("x", inbound.MaxBody) + `"`, signalbox.TooLarge, "1048576"},
	}
	for _, c := range cases {
		got, err := inbound.Parse(c.kind, []byte(c.body))
		if signalbox.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) || got != nil {
			t.Errorf("%s: got %s, %v; want %s saying %q", c.name, got, err, c.code, c.says)
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("%s: an error of %d bytes", c.name, len(err.Error()))
		}
	}
}

func TestParse_ABodyOfExactlyOneMegabyteIsTaken(t *testing.T) {
	t.Parallel()
	body := `"` + strings.Repeat("x", inbound.MaxBody-2) + `"`
	if got, err := inbound.Parse("", []byte(body)); err != nil || len(got) != inbound.MaxBody {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestParse_AFormKeepsEveryValue(t *testing.T) {
	t.Parallel()
	text := rapid.StringMatching(`[a-zA-Z0-9 é&=;+%"\\{}\n]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		values := url.Values(rapid.MapOfN(text, rapid.SliceOfN(text, 1, 3), 1, 6).Draw(t, "form"))
		got, err := inbound.Parse(formType, []byte("sure=1&"+values.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(got, &object); err != nil {
			t.Fatal(err)
		}
		for name, want := range values {
			if name == "sure" || name == "payload" {
				continue
			}
			var list []any
			switch v := object[name].(type) {
			case string:
				list = []any{v}
			case []any:
				list = v
			}
			if len(list) != len(want) {
				t.Fatalf("%q: got %v, want %q", name, list, want)
			}
			for i := range want {
				if list[i] != want[i] {
					t.Fatalf("%q: got %q, want %q", name, list[i], want[i])
				}
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{"", `{"a":1}`, "a=1&b=%20&a=2", "payload=%7B%7D", "\ufeff[]", "%", "a=%ff"} {
		for _, kind := range []string{"", formType, "text/plain", "multipart/form-data"} {
			f.Add(kind, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		got, err := inbound.Parse(kind, body)
		if err != nil {
			if code := signalbox.CodeOf(err); code == signalbox.Internal {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if err := strictjson.Check(got); err != nil {
			t.Fatalf("%q became %q: %v", body, got, err)
		}
	})
}
