package inbound_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signalbox"
	"signalbox/inbound"
	"signalbox/strictjson"
)

func TestHide_ByName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"password", "Password", "user_password", "passwordHash", "new-password", "secret", "client_secret", "clientSecret", "token", "access_token",
		"accessToken", "X-Auth-Token", "authorization", "api_key", "apiKey", "API-Key", "apikey", "access_key", "accessKeyId", "private_key", "credentials", "cvv", "cvc", "card_number",
		"cardNumber", "credit_card", "ssn", "cookie", "signature", "card", "pin", "otp", "session_id", "accesstoken"} {
		body := fmt.Sprintf(`{%q:"abc","n":{%q:12,"x":null}}`, name, name)
		if got := string(inbound.Hide([]byte(body))); got != fmt.Sprintf(`{%q:"[hidden]","n":{%q:"[hidden]","x":null}}`, name, name) {
			t.Errorf("%s: got %s", name, got)
		}
	}
	for _, name := range []string{"email", "secretary", "tokens_used", "author", "idempotency_key", "public_key", "key", "keyword", "passenger", "pinned", "bypass", "card_brand", "encode",
		"signed_up_at", "tokenizer", "description", "id", "authored", "expand", "significant"} {
		body := fmt.Sprintf(`{%q:"abc"}`, name)
		if got := string(inbound.Hide([]byte(body))); got != body {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestHide_WhatLiesBelowASecretName(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"credentials":{"user":"ada","list":["a",1,true,null,""]}}`: `{"credentials":{"user":"[hidden]","list":["[hidden]","[hidden]",true,null,""]}}`,
		`{"card":{"brand":"visa","last4":"4242","exp_month":12}}`:    `{"card":{"brand":"visa","last4":"4242","exp_month":12}}`,
		`{"password":"","has_password":true}`:                        `{"password":"","has_password":true}`,
		`{"payload":"{\"user\":\"ada\",\"password\":\"x\"}"}`:        `{"payload":"{\"user\":\"ada\",\"password\":\"[hidden]\"}"}`,
		`{"a":1.50,"b":[],"c":{},"d":12345678901234567890}`:          `{"a":1.50,"b":[],"c":{},"d":12345678901234567890}`,
		`"sk_live_abcdefgh12345"`:                                    `"[hidden]"`,
		`[{"token":1},{"Token":2}]`:                                  `[{"token":"[hidden]"},{"Token":"[hidden]"}]`,
		`{"a":"<é\u2028>"}`:                                          "{\"a\":\"<é\u2028>\"}",
	} {
		if got := string(inbound.Hide([]byte(body))); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

// The keys of this test are made up, or the documentation's own placeholders; none is written as one piece, for scanners of secrets read this file too.
var keys = []string{
	"sk" + "_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "rk" + "_test_" + "4eC39HqLyjWDarjtT1zdp7dc", "whsec" + "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	"ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
	"-----BEGIN RSA PRIVATE" + " KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE" + " KEY-----\nMIIB",
	"Bearer abcdef0123456789abcdef", "authorization: bearer " + "abcdef0123456789", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
	"gh" + "p_16C7e42F292c6912E7710c838347Ae178B4a", "github" + "_pat_11ABCDEFG0123456789_abcdefghijkl", "xox" + "b-123456789012-abcdefghijkl",
	"https://hooks.slack.com/services" + "/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "AKIA" + "IOSFODNN7EXAMPLE", "AIza" + "SyA1234567890abcdefghijklmnopqrstuvw",
	"postgres://ada:hunter22@db.acme.com/x", "https://acme.com/x?a=1&access_token=abcdef123456", "4242 4242 4242 4242", "378282246310005", "card 5555-5555-5555-4444 of Ada",
	"123-45-6789", "sk" + "-proj-abcdefghijklmnopqrstuvwxyz012345",
}

func TestHide_ByLook(t *testing.T) {
	t.Parallel()
	for _, key := range keys {
		for _, text := range []string{key, "see " + key + " there"} {
			body, _ := json.Marshal(map[string]any{"note": text, "list": []string{text}})
			if got := string(inbound.Hide(body)); got != `{"list":["[hidden]"],"note":"[hidden]"}` {
				t.Errorf("%s: got %s", text, got)
			}
		}
	}
	for _, text := range []string{"ada@acme.com", "https://acme.com/a?b=c#d", "https://acme.com:8443/x@y", "2026-11-20T12:00:00Z", "Basic membership", "the bearer of bad news",
		"d290f1ee-6c54-4b01-90e6-d701748f0851", "cus_NffrFeUfNV2Hib", "evt_1Ozr8j2eZvKYlo2C9X1zHnGw", "+49 30 1234567", "1234567890123456", "4111111111111112", "820982911946154508",
		"7fd1a60b01f91b314f59955a4e4d4e80d8edf11d", "task-forces-of-the-world", "1564113600000", "a sentence of several words, and no secret in it"} {
		body, _ := json.Marshal(map[string]any{"note": text})
		if got := inbound.Hide(body); !bytes.Equal(got, body) {
			t.Errorf("%s: got %s", text, got)
		}
	}
	if got := string(inbound.Hide([]byte(`{"a":4242424242424242,"b":4242424242424241,"c":1564113600000}`))); got != `{"a":"[hidden]","b":4242424242424241,"c":1564113600000}` {
		t.Errorf("numbers: got %s", got)
	}
}

// A sample body is of use only while what a mapping reads is still there.
func TestHide_LeavesTheSamplesOfToolsReadable(t *testing.T) {
	t.Parallel()
	for name, body := range samples(t) {
		got := string(inbound.Hide(body))
		want := 0
		if name == "github/ping.3" {
			want = 1 // the webhook's own secret, which GitHub itself shows as ********
		}
		if n := strings.Count(got, "[hidden]"); n != want {
			t.Errorf("%s: %d values are hidden, want %d", name, n, want)
		}
	}
}

// shapeOf is a value with its leaves taken away.
func shapeOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, one := range v {
			out[key] = shapeOf(one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = shapeOf(one)
		}
		return out
	case bool, nil:
		return v
	}
	return "leaf"
}

func drawValue(t *rapid.T, depth int) any {
	names := rapid.SampledFrom([]string{"a", "name", "password", "api_key", "card", "token", "x-signature", "ünïcode", ""})
	kinds := 6
	if depth > 3 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.OneOf(rapid.String(), rapid.SampledFrom(keys)).Draw(t, "text")
	case 1:
		return rapid.Float64Range(-1e9, 1e17).Draw(t, "number")
	case 2:
		return rapid.Bool().Draw(t, "bool")
	case 3:
		return nil
	case 4:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			list = append(list, drawValue(t, depth+1))
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		object[names.Draw(t, "name")] = drawValue(t, depth+1)
	}
	return object
}

func TestHide_NeverChangesTheShape(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before := drawValue(t, 0)
		body, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		got := inbound.Hide(body)
		var after any
		if err := json.Unmarshal(body, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("%s is no JSON: %v", got, err)
		}
		if diff := cmp.Diff(shapeOf(before), shapeOf(after)); diff != "" {
			t.Fatalf("%s became %s: %s", body, got, diff)
		}
		if again := inbound.Hide(got); !bytes.Equal(again, got) {
			t.Fatalf("hidden again %s is %s", got, again)
		}
		for _, key := range keys {
			quoted, _ := json.Marshal(key)
			if bytes.Contains(got, quoted) {
				t.Fatalf("%s still holds %s", got, key)
			}
		}
	})
}

func TestHide_WhatIsNoJSONIsHiddenAsText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"user=ada&password=hunter2&x=1":         "user=ada&password=[hidden]&x=1",
		`{"password": "hunter2", "a": }`:        `{"password": "[hidden]", "a": }`,
		"Api-Key: abcdef":                       "Api-Key: [hidden]",
		`{"a":1} {"token":"abc"}`:               `{"a":1} {"token":"[hidden]"}`,
		"pay with 4242 4242 4242 4242 today":    "pay with [hidden] today",
		"the key is " + keys[0] + ", he said":   "the key is [hidden], he said",
		"nothing to see: here = there, 5 < 6 &": "nothing to see: here = there, 5 < 6 &",
		"":                                      "",
	} {
		if got := string(inbound.Hide([]byte(text))); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestHideHeaders_KeepsNamesAndHidesSecrets(t *testing.T) {
	t.Parallel()
	in := http.Header{"Authorization": {"Bearer x"}, "X-Hub-Signature-256": {"sha256=00"}, "X-Shopify-Hmac-Sha256": {"a"}, "Cookie": {"a=b"}, "X-Api-Key": {"k", ""},
		"X-Custom": {"mine"}, "Content-Type": {"application/json"}, "X-Note": {keys[0]}, "X-Github-Event": {"star"}}
	want := http.Header{"Authorization": {"[hidden]"}, "X-Hub-Signature-256": {"[hidden]"}, "X-Shopify-Hmac-Sha256": {"[hidden]"}, "Cookie": {"[hidden]"}, "X-Api-Key": {"[hidden]", ""},
		"X-Custom": {"[hidden]"}, "Content-Type": {"application/json"}, "X-Note": {"[hidden]"}, "X-Github-Event": {"star"}}
	if diff := cmp.Diff(want, inbound.HideHeaders(in, "x-custom")); diff != "" {
		t.Error(diff)
	}
	if in.Get("Authorization") != "Bearer x" {
		t.Error("what was handed in is changed")
	}
}

func TestHideRequest_HidesTheDoorsOwnHeaderAndItsURL(t *testing.T) {
	t.Parallel()
	d := doorOf(t, signalbox.Verification{Preset: signalbox.PresetHeader, Header: "X-Door"})
	got := d.HideRequest(&inbound.Request{Method: "POST", URL: "https://signalbox.example/in/abc?sig=x", Header: http.Header{"X-Door": {"s"}, "Accept": {"a"}},
		Query: url.Values{"sig": {"x"}, "a": {"b"}}, Body: []byte(`{"token":"x"}`)})
	want := &inbound.Request{Method: "POST", Header: http.Header{"X-Door": {"[hidden]"}, "Accept": {"a"}}, Query: url.Values{"sig": {"[hidden]"}, "a": {"b"}}, Body: []byte(`{"token":"[hidden]"}`)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzHide(f *testing.F) {
	for _, body := range []string{"", `{"password":"x"}`, `[1,"a",{"b":[]}]`, `{"a":1,"a":2}`, `{`, "a=b", `"\ud800"`, "\"\xff\"", keys[0]} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := inbound.Hide(body)
		if strictjson.Check(body) != nil {
			return
		}
		if err := strictjson.Check(got); err != nil {
			t.Fatalf("%s became %s: %v", body, got, err)
		}
		var before, after any
		if json.Unmarshal(body, &before) != nil || json.Unmarshal(got, &after) != nil {
			t.Fatalf("%s became %s", body, got)
		}
		if diff := cmp.Diff(shapeOf(before), shapeOf(after)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkHide(b *testing.B) {
	body := samples(b)["github/pull_request.0"]
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		inbound.Hide(body)
	}
}
