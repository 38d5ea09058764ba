package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"signalbox/app"
	"signalbox/internal/boxtest/provider"
)

// people is a definition of the imitated API, at its address.
const people = `name: people
settings:
  url:
    kind: url
    example: https://api.example.com
auth:
  - type: bearer
streams:
  employees:
    api: hris
    url: "{url}/page"
    pagination: {type: page, param: page}
    records: data
    id: id
    total: meta.total
    exclude: [seen]
    unified:
      first_name: record.name
    identity:
      email: record.email
`

// office is an imitated product with twelve people, and a command line with its credentials.
func office(t *testing.T) (url string, c cli) {
	t.Helper()
	s := provider.Generic()
	s.Fill("items", 1, 12)
	s.Put("items", "1", provider.Fields{"name": "Ada\x1b[31m", "email": "ada@acme.com", "seen": 7})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL, cli{environ: []string{connectorAuth + `={"type":"bearer","token":"` + provider.Secret + `"}`}}
}

func TestConnectorTry_ShowsIdsHashesAndWhatIsMapped(t *testing.T) {
	t.Parallel()
	url, c := office(t)
	got := c.run(t, "connector", "try", write(t, "people.yaml", people), "--setting", "url="+url, "--allow-target", strings.TrimPrefix(url, "http://"), "--records", "2")
	if got.code != exitOK {
		t.Fatalf("status %d: %s", got.code, got.err)
	}
	for _, want := range []string{
		"connector  people employees (hris)\n", "source     " + url + "/page\n", "page       10 records, another page follows; 12 in all, says the provider\n",
		"\n1\n  hash       ", "\n  compared   email, id, name\n", `"first_name":"Ada`, `about      {"email":"ada@acme.com"}`, "\n2\n", "8 more; --records shows them\n",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("it does not show %q in\n%s", want, got.out)
		}
	}
	if strings.Contains(got.out, "\n3\n") || strings.Contains(got.out, "\x1b") || strings.Contains(got.out+got.err, provider.Secret) {
		t.Errorf("it shows too much:\n%s%s", got.out, got.err)
	}
}

// The key of the hashes is thrown away: who keeps what was shown can compare it with nothing.
func TestConnectorTry_HashesAreOtherOnesEachTime(t *testing.T) {
	t.Parallel()
	url, c := office(t)
	hash := regexp.MustCompile(`hash +([0-9a-f]{32})\n`)
	var seen []string
	for range 2 {
		got := c.run(t, "connector", "try", "rest", "--record-type", "items", "--setting", "url="+url+"/cursor", "--allow-target", strings.TrimPrefix(url, "http://"), "--records", "1")
		m := hash.FindStringSubmatch(got.out)
		if m == nil {
			t.Fatalf("status %d: %s%s", got.code, got.out, got.err)
		}
		seen = append(seen, m[1])
	}
	if seen[0] == seen[1] {
		t.Errorf("twice %s", seen[0])
	}
}

func TestConnectorTry_TakesTheConnectorOfARequest(t *testing.T) {
	t.Parallel()
	url, c := office(t)
	for name, text := range map[string]string{
		"bare":   `{"type":"http_json","url":"` + url + `/all?limit=3","auth":{"type":"bearer"},"records":"data","id":"id"}`,
		"stream": `{"api":"hris","record_type":"employees","connector":{"type":"http_json","url":"` + url + `/all?limit=3","auth":{"type":"bearer","token":"of the file"},"records":"data","id":"id"}}`,
	} {
		got := c.run(t, "connector", "try", write(t, "people.json", text), "--dev", "--json", "--records", "1")
		var page app.TriedPage
		if err := json.Unmarshal([]byte(got.out), &page); err != nil {
			t.Fatalf("%s: status %d, %s%s", name, got.code, got.out, got.err)
		}
		if len(page.Records) != 1 || page.Records[0].ID != "1" || len(page.Records[0].Hash) != 32 || len(page.Records[0].Fields["email"]) != 16 || !page.Last || page.Total != -1 || page.Source != url+"/all" {
			t.Errorf("%s: %s", name, got.out)
		}
		if page.Records[0].Unified != nil || page.Records[0].Identity != nil {
			t.Errorf("%s: something is mapped without a definition: %s", name, got.out)
		}
	}
}

func TestConnectorTry_ReadsAFileBelowTheImportDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "people.csv"), []byte("No,Name\n7,Ada\n8,Grace\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := write(t, "people.json", `{"type":"csv","file":"people.csv","id":"No"}`)
	got := cli{environ: []string{"SIGNALBOX_IMPORT_DIR=" + dir}}.run(t, "connector", "try", file)
	if got.code != exitOK || !strings.Contains(got.out, "page       2 records, this is the last one\n") || !strings.Contains(got.out, "compared   Name, No\n") {
		t.Errorf("status %d:\n%s%s", got.code, got.out, got.err)
	}
	if got := (cli{}).run(t, "connector", "try", file); got.code != exitFailure || !strings.Contains(got.err, "--import-dir") {
		t.Errorf("without a directory: status %d, %s", got.code, got.err)
	}
}

func TestConnectorTry_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	url, c := office(t)
	yaml := write(t, "people.yaml", people)
	two := write(t, "two.yaml", strings.Replace(people, "name: people", "name: two", 1)+"  badges:\n    url: \"{url}/all\"\n    api: access\n    records: data\n    id: id\n")
	own := write(t, "own.json", `{"type":"http_json","url":"`+url+`/all","records":"data","id":"id"}`)
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"the guard":                 {[]string{yaml, "--setting", "url=" + url}, exitFailure, "connector.settings: "},
		"no setting":                {[]string{yaml}, exitFailure, "connector.settings.url: is missing"},
		"which record type":         {[]string{two, "--setting", "url=" + url}, exitFailure, "--record-type: say which record type: two has badges, employees"},
		"a record type that is not": {[]string{yaml, "--record-type", "cats", "--setting", "url=" + url}, exitFailure, `--record-type: "cats" is no stream of people`},
		"a line of the file":        {[]string{write(t, "bad.yaml", "name: bad\nstreams:\n  a: {url: https://x.example, idd: id}\n")}, exitFailure, "bad.yaml:3: "},
		"no such definition":        {[]string{"nobody"}, exitFailure, "nobody is neither a file"},
		"no such file":              {[]string{"nobody.yaml"}, exitFailure, "nobody.yaml"},
		"refused credentials":       {[]string{yaml, "--setting", "url=" + url, "--dev", "--auth", `{"type":"bearer","token":"wrong"}`}, exitFailure, "401"},
		"credentials missing":       {[]string{yaml, "--setting", "url=" + url, "--dev", "--auth", `{"type":"bearer"}`}, exitFailure, "connector.auth.token: is missing"},
		"credentials that are none": {[]string{yaml, "--setting", "url=" + url, "--dev", "--auth", `s3cr3t`}, exitFailure, "--auth: is no JSON"},
		"settings for a request":    {[]string{own, "--setting", "a=b", "--dev"}, exitFailure, "--setting: settings are for definitions"},
		"no value":                  {[]string{yaml, "--setting", "url"}, exitUsage, "not name=value"},
		"a setting twice":           {[]string{yaml, "--setting", "a=b", "--setting", "a=c"}, exitUsage, "a is given twice"},
		"no records":                {[]string{yaml, "--records", "0"}, exitUsage, "at least 1"},
		"no file":                   {nil, exitUsage, "FILE is missing"},
	} {
		got := c.run(t, append([]string{"connector", "try"}, tc.args...)...)
		if got.code != tc.code || !strings.Contains(got.err, tc.says) || got.out != "" || strings.Contains(got.err, "s3cr3t") {
			t.Errorf("%s: status %d, said %q, wrote %q; want status %d and %q", name, got.code, got.err, got.out, tc.code, tc.says)
		}
	}
}

func TestCheckConfig_NamesTheLineOfADefinitionThatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good.yaml": strings.Replace(people, "name: people", "name: good", 1), "typo.yaml": "name: typo\nstreams:\n  a:\n    url: https://x.example\n    idd: id\n", "other.yaml": people,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shown, got := checkConfig(t, cli{}, "--connectors-dir", dir)
	if got.code != exitFailure || len(shown.Problems) != 2 || !strings.Contains(shown.Problems[0], "--connectors-dir: "+filepath.Join(dir, "other.yaml")+":1: ") ||
		!strings.Contains(shown.Problems[1], "--connectors-dir: "+filepath.Join(dir, "typo.yaml")+":5: ") {
		t.Errorf("status %d, %q", got.code, shown.Problems)
	}
	if value, source := shown.setting("connectors-dir"); value != dir || source != "--connectors-dir" {
		t.Errorf("connectors-dir is %q from %q", value, source)
	}
	for _, flag := range []string{"connectors-dir", "import-dir"} {
		missing := filepath.Join(dir, "nowhere")
		if shown, got := checkConfig(t, cli{}, "--"+flag, missing); got.code != exitFailure || !strings.Contains(strings.Join(shown.Problems, "\n"), "--"+flag+": "+missing) {
			t.Errorf("%s: status %d, %q", flag, got.code, shown.Problems)
		}
	}
	good := t.TempDir()
	if err := os.WriteFile(filepath.Join(good, "people.yaml"), []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	if shown, got := checkConfig(t, cli{}, "--connectors-dir", good, "--import-dir", good); got.code != exitOK {
		t.Errorf("status %d, %q", got.code, shown.Problems)
	}
}
