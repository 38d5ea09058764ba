package connector_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox/poll/connector"
)

func TestDefinitions_TheShippedOnesAreRight(t *testing.T) {
	t.Parallel()
	all, err := connector.Definitions("")
	if err != nil {
		t.Fatal(err)
	}
	for name, streams := range map[string][]string{
		"bamboohr":   {"employees", "employments"},                                 // S4-10, S4-11
		"greenhouse": {"applications", "candidates", "interviews", "job_postings"}, // S4-12 to S4-15
		"hubspot":    {"contacts"},
		"rest":       {connector.AnyStream},
	} {
		if all[name] == nil || !slices.Equal(all[name].Names(), streams) {
			t.Errorf("%s has not the streams %v", name, streams)
		}
	}
	if len(all) != 4 {
		t.Errorf("%d definitions are shipped; the test knows 4", len(all))
	}
	if s := all["bamboohr"].Stream("payslips"); s != nil {
		t.Error("a stream that is not there was found")
	}
	if s := all["rest"].Stream("payslips"); s == nil {
		t.Error("any stream is none")
	}
}

func TestDefinitions_ADirectoryAddsAndReplaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"shop.yaml":     minimal("shop"),
		"bamboohr.yaml": minimal("bamboohr"),
		"broken.yaml":   "name: broken\nstreems: {}\n",
		"wrong.yaml":    minimal("other"),
		"notes.txt":     "not read",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := connector.Definitions(dir)
	for _, want := range []string{"broken.yaml:2: ", "wrong.yaml:1: name: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	if all["shop"] == nil || all["bamboohr"].Stream("things") == nil || all["broken"] != nil || all["greenhouse"] == nil {
		t.Errorf("there are %v", len(all))
	}
	if _, err := connector.Definitions(filepath.Join(dir, "missing")); err == nil {
		t.Error("a directory that is not there is none")
	}
}

// minimal is a definition with as little as there may be.
func minimal(name string) string {
	return "name: " + name + `
streams:
  things:
    api: shop
    url: https://api.example.com/things
    id: id
`
}

func TestReadDefinition_NamesTheLineAndWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	good := minimal("shop") // 6 lines
	for name, c := range map[string]struct {
		text string
		line int
		path string
		says string
	}{
		"empty":                    {"", 0, "", "is empty"},
		"a list":                   {"- a\n", 0, "", "no mapping"},
		"two documents":            {good + "---\nname: x\n", 0, "", "more than one document"},
		"broken YAML":              {"name: [\n", 0, "", ""},
		"too long":                 {good + "#" + strings.Repeat("x", 256<<10), 0, "", "the most is 262144"},
		"an unknown key":           {good + "titel: Shop\n", 7, "", `no key "titel"`},
		"an unknown key in depth":  {good + "    idd: id\n", 7, "", `no key "idd"`},
		"a key twice":              {good + "name: shop\n", 7, "", "stands on line 1 already"},
		"a list for a text":        {strings.Replace(good, "id: id", "id: [id]", 1), 6, "", "a list where a text belongs"},
		"a text for a number":      {good + "    pagination: {type: page, param: p, size: many}\n", 7, "", "a text where a whole number belongs"},
		"a wrong duration":         {good + "    updated_since: {param: a, overlap: soon}\n", 7, "", "no duration"},
		"no name":                  {strings.Replace(good, "name: shop", "title: shop", 1), 0, "name", "is missing"},
		"another name":             {strings.Replace(good, "name: shop", "name: other", 1), 1, "name", "other.yaml"},
		"a name in capitals":       {strings.Replace(good, "name: shop", "name: Shop", 1), 1, "name", "lower-case"},
		"no streams":               {"name: shop\n", 0, "streams", "is missing"},
		"an empty stream":          {"name: shop\nstreams:\n  things:\n", 3, "streams.things", "is empty"},
		"a stream in capitals":     {strings.Replace(good, "things:", "Things:", 1), 3, "streams.Things", "record type"},
		"no api":                   {strings.Replace(good, "api: shop", "title: shop", 1), 3, "streams.things.api", "is missing"},
		"no id path":               {strings.Replace(good, "    id: id\n", "", 1), 3, "streams.things.id", "is missing"},
		"no url":                   {strings.Replace(good, "    url: https://api.example.com/things\n", "", 1), 3, "streams.things.url", "is missing"},
		"a wrong pagination":       {good + "    pagination:\n      type: pages\n", 8, "streams.things.pagination.type", "no way of paging"},
		"a wrong path":             {good + "    exclude: [a, 'b..c']\n", 7, "streams.things.exclude.1", "keys with dots"},
		"auth in a stream":         {good + "    auth: {type: bearer}\n", 3, "streams.things", "whole definition's"},
		"a file":                   {good + "    type: csv\n    file: a.csv\n", 8, "streams.things.file", "files are of one server"},
		"a wrong way to sign in":   {good + "auth: [{type: digest}]\n", 7, "auth.type", "no way to sign in"},
		"a way to sign in twice":   {good + "auth: [{type: bearer}, {type: bearer}]\n", 7, "auth", "given twice"},
		"a fixed secret of none":   {good + "auth: [{type: bearer, fixed: {password: x}}]\n", 7, "auth.fixed", "no secret of the type"},
		"a token address":          {good + "auth: [{type: oauth2}]\n", 7, "auth.token_url", "is missing"},
		"credentials as a header":  {good + "headers: {Authorization: x}\n", 7, "headers", "credential"},
		"an unknown setting":       {strings.Replace(good, "/things", "/{shop}/things", 1), 3, "streams.things", "{shop} stands for no setting"},
		"a setting not shown":      {good + "settings: {shop: {title: Shop}}\n", 7, "settings.shop", "needs an example"},
		"a setting called id":      {good + "settings: {id: {example: x}}\n", 7, "settings.id", "neither id nor since"},
		"a wrong pattern":          {good + "settings: {shop: {example: x, pattern: '('}}\n", 7, "settings.shop.pattern", "no regular expression"},
		"a wrong example":          {good + "settings: {shop: {example: 'x y', pattern: '[a-z]+'}}\n", 7, "settings.shop.example", "must be like"},
		"the host is a setting":    {strings.Replace(good, "api.example.com", "{host}", 1) + "settings: {host: {example: api.example.com}}\n", 5, "streams.things.url", "a label of the host's name"},
		"the domain is a setting":  {strings.Replace(good, "example.com", "{host}.com", 1) + "settings: {host: {example: example}}\n", 5, "streams.things.url", "a label of the host's name"},
		"a broken expression":      {good + "    unified:\n      name: record.name +\n", 8, "streams.things.unified.name", "line 1, column"},
		"an unknown variable":      {good + "    unified:\n      name: recrod.name\n", 8, "streams.things.unified.name", "record"},
		"an expression on signals": {good + "    unified:\n      name: signal.type\n", 8, "streams.things.unified.name", "something else than record"},
		"two expressions":          {good + "    unified:\n      name: record.a }} {{ record.b\n", 8, "streams.things.unified.name", ""},
		"an unknown unified field": {strings.Replace(good, "things", "employees", 1) + "    unified: {salary: record.salary}\n", 7, "streams.employees.unified.salary", "work_email"},
		"an unknown identity":      {good + "    identity: {phone: record.phone}\n", 7, "streams.things.identity.phone", "account_domain"},
		"a rate without a time":    {good + "rate_limit: {requests: 5}\n", 7, "rate_limit.per", "goes with requests"},
	} {
		_, err := connector.ReadDefinition("conf/shop.yaml", []byte(c.text))
		var e *connector.DefinitionError
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v, want an error of the definition", name, err)
			continue
		}
		if c.line != 0 && e.Line != c.line || e.Path != c.path || !strings.Contains(e.Msg, c.says) || !strings.HasPrefix(e.Error(), "conf/shop.yaml") {
			t.Errorf("%s: line %d, path %q: %s; want line %d, path %q, %q", name, e.Line, e.Path, e.Error(), c.line, c.path, c.says)
		}
		if strings.Contains(e.Error(), "connector.") {
			t.Errorf("%s: %q tells the names of our types", name, e)
		}
	}
	if _, err := connector.ReadDefinition("conf/shop.yaml", []byte(good)); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// What whoever links an account gives must not lead to another host, and cannot break out of its place.
func TestSettings_StayInTheirPlace(t *testing.T) {
	t.Parallel()
	d, err := connector.ReadDefinition("shop.yaml", []byte(`
name: shop
settings:
  tenant: {example: acme}
  shop: {example: main, optional: true}
  token_host: {default: login}
auth:
  - type: oauth2
    token_url: https://{token_host}.example.com/token
    params: {shop: "{shop}", audience: fixed}
streams:
  things:
    api: shop
    url: https://{tenant}.api.example.com/{tenant}/things?shop={tenant}
    by_id: https://{tenant}.api.example.com/things/{id}
    query: {shop: "{shop}"}
    id: id
`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Config("things", map[string]string{"tenant": "my-1"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if c.URL != "https://my-1.api.example.com/my-1/things?shop=my-1" || c.ByID != "https://my-1.api.example.com/things/{id}" || len(c.Query) != 0 {
		t.Errorf("got %s, %s, %v", c.URL, c.ByID, c.Query)
	}
	if diff := cmp.Diff(map[string]string{"audience": "fixed"}, c.Auth.Params); diff != "" || c.Auth.TokenURL != "https://login.example.com/token" {
		t.Errorf("%s %s", c.Auth.TokenURL, diff)
	}
	for _, tenant := range []string{"", "evil.com/", "evil.com", "a@b", "a:1", "a/b", "a?b", "a#b", "a\\b", "-a", "a-", strings.Repeat("a", 64), "ä", "{id}", "%2e", "..", "a\n"} {
		_, err := d.Config("things", map[string]string{"tenant": tenant}, "")
		invalid(t, err, "connector.settings.tenant")
	}
	_, err = d.Config("things", map[string]string{"tenant": "a", "tenent": "b"}, "")
	invalid(t, err, "connector.settings.tenent", "shop, tenant, token_host")
	_, err = d.Config("thing", map[string]string{"tenant": "a"}, "")
	invalid(t, err, "record_type", "things")
	_, err = d.Config("things", map[string]string{"tenant": "a"}, "bearer")
	invalid(t, err, "connector.auth.type", "oauth2")
}

func TestSettings_ReadyMadeAddressesStayAddresses(t *testing.T) {
	t.Parallel()
	d := definition(t, "rest")
	for _, url := range []string{"", "https://x.example.com/?a=b", "https://x.example.com/#a", "ftp://x.example.com", "x.example.com", "https://{id}.example.com/"} {
		if _, err := d.Config("things", map[string]string{"url": url}, ""); err == nil {
			t.Errorf("%q is an address", url)
		}
	}
	c, err := d.Config("things", map[string]string{"url": "https://x.example.com/v1/things/", "records": "items", "next": "header:X-Next"}, "none")
	if err != nil || c.URL != "https://x.example.com/v1/things/" || c.ByID != "https://x.example.com/v1/things/{id}" || c.Records != "items" || c.Pagination.Next != "header:X-Next" || c.ID != "id" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestDefinition_SecretsThatAreTheSameForAllAreNotAskedFor(t *testing.T) {
	t.Parallel()
	c, err := definition(t, "bamboohr").Config("employees", map[string]string{"domain": "acme"}, "basic")
	if err != nil {
		t.Fatal(err)
	}
	if got := connector.SecretsOf(c.Auth); !slices.Equal(got, []string{"username"}) {
		t.Errorf("asked for %v", got)
	}
	if got := connector.SecretsOf(connector.Auth{Type: connector.AuthOAuth2}); !slices.Equal(got, []string{"client_id", "client_secret"}) {
		t.Errorf("asked for %v", got)
	}
}

func TestMapping_MayHoldCommentsAndBraces(t *testing.T) {
	t.Parallel()
	d, err := connector.ReadDefinition("shop.yaml", []byte(minimal("shop")+`    unified:
      commented: "record.a // not }} this"
      text: "'}}' + record.a"
      list: "[record.a, {'b': record.a}]"
`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Stream("things").Unify(connector.Record{Raw: []byte(`{"a":"x"}`)})
	if want := `{"commented":"x","list":["x",{"b":"x"}],"text":"}}x"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if got, err := d.Stream("things").Identify(connector.Record{Raw: []byte(`{}`)}); err != nil || got != (connector.Identity{}) {
		t.Errorf("a definition that says nothing of whom a record is about says %v, %v", got, err)
	}
}
