package connector_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/internal/boxtest/provider"
	"signalbox/poll/connector"
)

func definitions(t testing.TB) map[string]*connector.Definition {
	t.Helper()
	all, err := connector.Definitions("")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// setUp reads a connector for employees that must be good.
func setUp(t testing.TB, raw string) (connector.Setup, connector.Secrets) {
	t.Helper()
	s, secrets, err := connector.ReadSetup([]byte(raw), "employees", definitions(t))
	if err == nil {
		err = s.CheckSecrets(secrets)
	}
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return s, secrets
}

const (
	ownSetup     = `{"type":"http_json","url":"https://api.example.com/v1/people?a=1&b=2","auth":{"type":"bearer","token":"s3cr3t-of-the-test"},"records":"data","id":"id"}`
	definedSetup = `{"definition":"bamboohr","settings":{"domain":"acme"},"auth":{"type":"basic","username":"s3cr3t-of-the-test"}}`
)

func TestSetup_SecretsAreTakenApartAndNeverStoredOrShown(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{"own": ownSetup, "defined": definedSetup} {
		s, secrets := setUp(t, raw)
		stored, err := s.Stored()
		if err != nil {
			t.Fatal(err)
		}
		shown, err := s.Shown()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(stored), string(shown)} {
			if strings.Contains(text, provider.Secret) || strings.Contains(text, `\u0026`) {
				t.Errorf("%s: kept as %s", name, text)
			}
		}
		found := false
		for _, value := range secrets {
			found = found || value == provider.Secret
		}
		if !found {
			t.Errorf("%s: the secret is lost", name)
		}
		again, err := connector.ParseSetup(stored)
		if err != nil || again.Fingerprint() != s.Fingerprint() || again.Config.URL != s.Config.URL {
			t.Errorf("%s: stored %s reads as %+v, %v", name, stored, again, err)
		}
	}
}

// What is shown, with the secrets put back, is what was given: somebody can read a connector, change a word and send it again.
func TestSetup_WhatIsShownCanBeSentAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2]string{"own": {ownSetup, `"token":"x"`}, "defined": {definedSetup, `"username":"x"`}} {
		s, _ := setUp(t, c[0])
		shown, err := s.Shown()
		if err != nil {
			t.Fatal(err)
		}
		var open map[string]any
		if err := json.Unmarshal(shown, &open); err != nil {
			t.Fatal(err)
		}
		again, _ := setUp(t, strings.Replace(string(shown), `"auth":{`, `"auth":{`+c[1]+`,`, 1))
		if again.Fingerprint() != s.Fingerprint() || !again.KeepsSecrets(s) {
			t.Errorf("%s: %s is another connector", name, shown)
		}
	}
}

func TestSetup_RefusesWhatCannotBeFetchedAndNamesTheField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, param, says string }{
		{"no object", `[]`, "connector", ""},
		{"no type", `{}`, "connector.type", "http_json or csv"},
		{"unknown definition", `{"definition":"nobody"}`, "connector.definition", "bamboohr"},
		{"a definition that is no text", `{"definition":1}`, "connector.definition", ""},
		{"a definition and an address", `{"definition":"bamboohr","url":"https://x.example"}`, "connector.url", ""},
		{"a setting is missing", `{"definition":"bamboohr"}`, "connector.settings.domain", "is missing"},
		{"a setting that there is not", `{"definition":"bamboohr","settings":{"domain":"a","zone":"b"}}`, "connector.settings.zone", "domain"},
		{"a way to sign in that there is not", `{"definition":"bamboohr","settings":{"domain":"a"},"auth":{"type":"api_key","value":"t"}}`, "connector.auth.type", "basic"},
		{"a header of one's own for a definition", `{"definition":"bamboohr","settings":{"domain":"a"},"auth":{"type":"basic","name":"X"}}`, "connector.auth.name", "leave it out"},
		{"credentials in the address", `{"type":"http_json","url":"https://a:b@x.example","id":"id"}`, "connector.url", "give them as auth"},
		{"an unknown key", `{"type":"http_json","url":"https://x.example","id":"id","idd":1}`, "connector.idd", ""},
	} {
		_, _, err := connector.ReadSetup([]byte(c.raw), "employees", definitions(t))
		if invalid(t, err, c.param, c.says); t.Failed() {
			t.Fatalf("%s: %s", c.name, c.raw)
		}
	}
	s, _, err := connector.ReadSetup([]byte(`{"definition":"bamboohr","settings":{"domain":"acme"}}`), "employees", definitions(t))
	if err != nil {
		t.Fatal(err)
	}
	invalid(t, s.CheckSecrets(nil), "connector.auth.username", "is missing")
	_, _, err = connector.ReadSetup([]byte(definedSetup), "badges", definitions(t))
	invalid(t, err, "record_type", "employees")
}

// A change of credentials, of paging or of proof is no other stream; a change of what is asked for or looked at is (contract section 13).
func TestFingerprint_IsOfWhatDecidesWhichRecordsThereAre(t *testing.T) {
	t.Parallel()
	base, _ := setUp(t, ownSetup)
	for name, c := range map[string]struct {
		change func(*connector.Config)
		same   bool
	}{
		"another way to sign in":        {func(c *connector.Config) { c.Auth = connector.Auth{Type: connector.AuthBasic} }, true},
		"pages":                         {func(c *connector.Config) { c.Pagination = connector.Pagination{Type: connector.PageLink} }, true},
		"a total":                       {func(c *connector.Config) { c.Total = "meta.total" }, true},
		"by id":                         {func(c *connector.Config) { c.ByID = "https://api.example.com/v1/people/{id}" }, true},
		"a rate":                        {func(c *connector.Config) { c.Rate.Requests = 3 }, true},
		"an empty query":                {func(c *connector.Config) { c.Query = map[string]string{} }, true},
		"another address":               {func(c *connector.Config) { c.URL += "&c=3" }, false},
		"a query":                       {func(c *connector.Config) { c.Query = map[string]string{"active": "1"} }, false},
		"a header":                      {func(c *connector.Config) { c.Headers = map[string]string{"X-Version": "2"} }, false},
		"other records":                 {func(c *connector.Config) { c.Records = "items" }, false},
		"another id":                    {func(c *connector.Config) { c.ID = "uuid" }, false},
		"an excluded field":             {func(c *connector.Config) { c.Exclude = []string{"seen_at"} }, false},
		"fields":                        {func(c *connector.Config) { c.Fields = []string{"name"} }, false},
		"a list whose order is no news": {func(c *connector.Config) { c.Unordered = []string{"tags"} }, false},
	} {
		other := base
		c.change(&other.Config)
		if (other.Fingerprint() == base.Fingerprint()) != c.same {
			t.Errorf("%s: the same fingerprint: %v", name, !c.same)
		}
	}
	x, y := base, base
	x.Config.Exclude, y.Config.Exclude = []string{"a", "b"}, []string{"b", "a"}
	if x.Fingerprint() != y.Fingerprint() {
		t.Error("the order in which fields are excluded counts")
	}
}

func TestFingerprint_IsNeverZeroAndSurvivesStorage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zé&<{} ]{0,8}`)
		s := connector.Setup{Config: connector.Config{Type: connector.TypeHTTP, URL: "https://x.example/" + text.Draw(t, "path"), ID: text.Draw(t, "id"), Records: text.Draw(t, "records"),
			Query: rapid.MapOf(text, text).Draw(t, "query"), Exclude: rapid.SliceOf(text).Draw(t, "exclude")}}
		stored, err := s.Stored()
		if err != nil {
			t.Fatal(err)
		}
		again, err := connector.ParseSetup(stored)
		if err != nil || s.Fingerprint() == 0 || again.Fingerprint() != s.Fingerprint() {
			t.Fatalf("%s: %d, then %d, %v", stored, s.Fingerprint(), again.Fingerprint(), err)
		}
	})
}

// Whoever may change an address, but not read the secrets, must not have them sent to a host of his own.
func TestSetup_SecretsStayOnlyWithTheHostsTheyWereGivenFor(t *testing.T) {
	t.Parallel()
	base, _ := setUp(t, ownSetup)
	for name, c := range map[string]struct {
		change func(*connector.Config)
		keeps  bool
	}{
		"the same":              {func(*connector.Config) {}, true},
		"another path":          {func(c *connector.Config) { c.URL = "https://api.example.com:443/v2" }, true},
		"another host":          {func(c *connector.Config) { c.URL = "https://evil.example/v1" }, false},
		"another port":          {func(c *connector.Config) { c.URL = "https://api.example.com:8443/v1" }, false},
		"in the clear":          {func(c *connector.Config) { c.URL = "http://api.example.com/v1" }, false},
		"another token address": {func(c *connector.Config) { c.Auth.TokenURL = "https://evil.example/token" }, false},
		"another way":           {func(c *connector.Config) { c.Auth.Type = connector.AuthBasic }, false},
	} {
		other := base
		c.change(&other.Config)
		if got := other.KeepsSecrets(base); got != c.keeps {
			t.Errorf("%s: keeps the secrets: %v", name, got)
		}
	}
	defined, _ := setUp(t, definedSetup)
	other, _ := setUp(t, strings.Replace(definedSetup, "acme", "evil", 1))
	if other.KeepsSecrets(defined) {
		t.Error("a setting leads the secrets to another host")
	}
}

func TestSetup_ItsAddressesNameTheFieldThatTheyComeFrom(t *testing.T) {
	t.Parallel()
	s, _ := setUp(t, `{"type":"http_json","url":"https://a.example/x","id":"id","by_id":"https://a.example/x/{id}","auth":{"type":"oauth2","token_url":"https://b.example/t","client_id":"i","client_secret":"s"}}`)
	want := []connector.Address{{Param: "connector.url", URL: "https://a.example/x"}, {Param: "connector.by_id", URL: "https://a.example/x/0"}, {Param: "connector.auth.token_url", URL: "https://b.example/t"}}
	got := s.Addresses()
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
	defined, _ := setUp(t, definedSetup)
	for _, a := range defined.Addresses() {
		if a.Param != "connector.settings" {
			t.Errorf("%s of a definition is about %s", a.URL, a.Param)
		}
	}
}

func TestSetup_TheAPIIsTheDefinitionsUnlessItsStreamStandsForMany(t *testing.T) {
	t.Parallel()
	known := definitions(t)
	own, _ := setUp(t, ownSetup)
	defined, _ := setUp(t, definedSetup)
	rest, _, err := connector.ReadSetup([]byte(`{"definition":"rest","settings":{"url":"https://x.example/v1/a"},"auth":{"type":"none"}}`), "deals", known)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of                  connector.Setup
		given, record, want string
	}{
		{own, "hris", "employees", "hris"}, {own, "", "employees", ""}, {defined, "", "employees", "hris"}, {defined, "hris", "employees", "hris"},
		{rest, "", "deals", "rest"}, {rest, "crm", "deals", "crm"},
	} {
		if got, err := c.of.CheckAPI(c.given, c.record, known); err != nil || got != c.want {
			t.Errorf("%q of %s: %q, %v", c.given, c.record, got, err)
		}
	}
	_, err = defined.CheckAPI("ats", "employees", known)
	invalid(t, err, "api", "hris")
}

// Whatever is sent as a connector, a setup that is taken is stored and shown without its secrets, and reads back as it was.
func FuzzReadSetup(f *testing.F) {
	for _, seed := range []string{ownSetup, definedSetup, `{}`, `[]`, `null`, `{"definition":null}`, `{"type":"csv","file":"a.csv","id":"x"}`, `{"definition":"rest","settings":{"url":"https://a.example/x"},"auth":{"type":"none"}}`} {
		f.Add([]byte(seed), "employees")
	}
	known := definitions(f)
	f.Fuzz(func(t *testing.T, raw []byte, recordType string) {
		s, secrets, err := connector.ReadSetup(raw, recordType, known)
		if err != nil {
			var e *signalbox.Error
			if !errors.As(err, &e) || e.Code != signalbox.Invalid || e.Param == "" {
				t.Fatalf("refused with %v, which names no field", err)
			}
			return
		}
		stored, err := s.Stored()
		if err != nil {
			t.Fatal(err)
		}
		again, err := connector.ParseSetup(stored)
		if err != nil || again.Fingerprint() != s.Fingerprint() || s.Fingerprint() == 0 || !again.KeepsSecrets(s) {
			t.Fatalf("%s reads back as another one: %v", stored, err)
		}
		bare := s
		bare.Config.Auth = connector.Auth{}
		plain, _ := bare.Stored()
		for name, value := range secrets {
			if len(value) > 8 && strings.Contains(string(stored), value) && !strings.Contains(string(plain), value) && !strings.Contains(s.Config.Auth.Prefix+s.Config.Auth.Name+s.Config.Auth.Scope, value) {
				t.Fatalf("%s is stored in the open: %s", name, stored)
			}
		}
	})
}
