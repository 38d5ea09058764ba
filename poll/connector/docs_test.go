package connector_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"signalbox/poll/connector"
)

func manual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/connectors.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func blocks(text, language string) []string {
	var all []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// The manual's own examples are accepted, and say what it says of them.
func TestManual_ItsExamplesAreRight(t *testing.T) {
	t.Parallel()
	text := manual(t)
	files := blocks(text, "yaml")
	if len(files) != 1 {
		t.Fatalf("%d definitions in the manual", len(files))
	}
	d, err := connector.ReadDefinition("acme.yaml", []byte(files[0]))
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Config("employees", map[string]string{"tenant": "my-company"}, "")
	if err != nil || c.URL != "https://my-company.api.acme.example/v2/people" || c.Query["region"] != "eu" || c.Auth.Params["audience"] != "my-company" || !c.Incremental() {
		t.Errorf("%+v, %v", c, err)
	}
	got, err := d.Stream("employees").Unify(connector.Record{Raw: []byte(`{"person":{"first":"Ada"},"left_on":null}`)})
	if want := `{"employment_status":"active","first_name":"Ada","job_title":null,"last_name":null,"work_email":null}`; err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	for i, block := range blocks(text, "json") {
		raw := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(block), `{"connector": `), "}")
		if i == 0 {
			auth := regexp.MustCompile(`"auth": (\{.*?\})`).FindStringSubmatch(raw)[1]
			a, secrets, err := connector.ReadAuth([]byte(auth))
			if c, cerr := definition(t, "bamboohr").Config("employees", map[string]string{"domain": "acme"}, a.Type); err != nil || cerr != nil || len(secrets) != len(connector.SecretsOf(c.Auth)) {
				t.Errorf("%s: %v, %v", auth, err, cerr)
			}
			continue
		}
		c, _, err := connector.ReadConfig([]byte(raw))
		if err == nil {
			err = c.Check()
		}
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// Every key of a file is in the manual, so is every bound that it names.
func TestManual_NamesEveryKey(t *testing.T) {
	t.Parallel()
	text := manual(t)
	for _, key := range connector.Keys() {
		if !regexp.MustCompile("`" + regexp.QuoteMeta(key) + "[`:]").MatchString(text) {
			t.Errorf("the manual does not name the key %s", key)
		}
	}
	if len(connector.Keys()) < 40 {
		t.Errorf("only %d keys were found", len(connector.Keys()))
	}
}
