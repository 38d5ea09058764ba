package connector_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox/poll/connector"
)

func TestReadConfig_IsTheShapeOfTheContract(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a page":   `{"type":"http_json","url":"https://x.example.com/a","auth":{"type":"bearer","token":"s"},"pagination":{"type":"page","param":"page","size_param":"n","size":50},"records":"data","id":"id","exclude":["seen"],"total":"meta.total","by_id":"https://x.example.com/a/{id}"}`,
		"a cursor": `{"type":"http_json","url":"https://x.example.com/a","pagination":{"type":"cursor","next":"meta.next","param":"after"},"id":"id","updated_since":{"param":"since","overlap":"10m"},"rate_limit":{"requests":5,"per":"1s","hourly":100}}`,
		"a link":   `{"type":"http_json","url":"https://x.example.com/a","pagination":{"type":"link"},"id":"a.b","fields":["x","y"],"unordered":["x"],"headers":{"Accept":"application/json"},"query":{"a":"b"}}`,
		"csv":      `{"type":"csv","url":"https://x.example.com/a.csv.gz","id":"id","delimiter":";","gzip":true}`,
		"a file":   `{"type":"csv","file":"people/all.csv","id":"id"}`,
	} {
		c, secrets, err := connector.ReadConfig([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(text, "token") != (secrets["token"] == "s") {
			t.Errorf("%s: secrets %d", name, len(secrets))
		}
		stored, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var again connector.Config
		if err := json.Unmarshal(stored, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, again); diff != "" {
			t.Errorf("%s: what is stored reads otherwise: %s", name, diff)
		}
		if strings.Contains(string(stored), `"s"`) {
			t.Errorf("%s: the secret is stored in the clear: %s", name, stored)
		}
		// The API answers what it was given, but for the secret.
		if want := strings.Replace(text, `,"token":"s"`, "", 1); !sameJSON(t, want, string(stored)) {
			t.Errorf("%s: stored %s, want %s", name, stored, want)
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		t.Fatal("no JSON")
	}
	return cmp.Equal(x, y)
}

func TestCheck_NamesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	const good = `"type":"http_json","url":"https://x.example.com/a","id":"id"`
	for text, want := range map[string]string{
		`{}`:                             "connector.type",
		`{"type":"ftp"}`:                 "connector.type",
		`{"typ":"csv"}`:                  "connector.typ",
		`{"type":7}`:                     "connector.type",
		`[]`:                             "connector",
		`{"type":"http_json","id":"id"}`: "connector.url",
		`{"type":"http_json","url":"ftp://x/","id":"id"}`:                                       "connector.url",
		`{"type":"http_json","url":"/a","id":"id"}`:                                             "connector.url",
		`{"type":"http_json","url":"https://u:p@x/","id":"id"}`:                                 "connector.url",
		`{"type":"http_json","url":"https://x/#a","id":"id"}`:                                   "connector.url",
		`{"type":"http_json","url":"https://x/?a=%zz","id":"id"}`:                               "connector.url",
		`{"type":"http_json","url":"https://x.example.com"}`:                                    "connector.id",
		`{` + good + `,"records":"a..b"}`:                                                       "connector.records",
		`{` + good + `,"records":"a\\b"}`:                                                       "connector.records",
		`{` + good + `,"exclude":["a","a"]}`:                                                    "connector.exclude.1",
		`{` + good + `,"fields":[""]}`:                                                          "connector.fields.0",
		`{` + good + `,"total":"header:"}`:                                                      "connector.total",
		`{` + good + `,"by_id":"https://x.example.com/a"}`:                                      "connector.by_id",
		`{` + good + `,"by_id":"https://y.example.com/{id}"}`:                                   "connector.by_id",
		`{` + good + `,"file":"a.csv"}`:                                                         "connector.file",
		`{` + good + `,"pagination":{"type":"pages"}}`:                                          "connector.pagination.type",
		`{` + good + `,"pagination":{"param":"page"}}`:                                          "connector.pagination.type",
		`{` + good + `,"pagination":{"type":"page"}}`:                                           "connector.pagination.param",
		`{` + good + `,"pagination":{"type":"offset"}}`:                                         "connector.pagination.param",
		`{` + good + `,"pagination":{"type":"cursor","param":"a"}}`:                             "connector.pagination.next",
		`{` + good + `,"pagination":{"type":"link","param":"a"}}`:                               "connector.pagination.param",
		`{` + good + `,"pagination":{"type":"link","next":"a"}}`:                                "connector.pagination.next",
		`{` + good + `,"pagination":{"type":"link","size":5}}`:                                  "connector.pagination.size_param",
		`{` + good + `,"pagination":{"type":"link","size_param":"a"}}`:                          "connector.pagination.size",
		`{` + good + `,"pagination":{"type":"page","param":"a","size_param":"b","size":10001}}`: "connector.pagination.size",
		`{` + good + `,"pagination":{"type":"page","param":"a","start":2}}`:                     "connector.pagination.start",
		`{` + good + `,"pagination":{"type":"page","param":"a","shifts":true}}`:                 "connector.pagination.shifts",
		`{` + good + `,"updated_since":{}}`:                                                     "connector.updated_since.param",
		`{` + good + `,"updated_since":{"param":"a","format":"x"}}`:                             "connector.updated_since.format",
		`{` + good + `,"updated_since":{"param":"a","value":"x"}}`:                              "connector.updated_since.value",
		`{` + good + `,"updated_since":{"param":"a","overlap":"8d"}}`:                           "connector.updated_since.overlap",
		`{` + good + `,"updated_since":{"param":"a","overlap":"10 min"}}`:                       "connector.updated_since.overlap",
		`{` + good + `,"headers":{"Authorization":"x"}}`:                                        "connector.headers",
		`{` + good + `,"headers":{"Host":"x"}}`:                                                 "connector.headers",
		`{` + good + `,"headers":{"Accept-Encoding":"br"}}`:                                     "connector.headers",
		`{` + good + `,"query":{"":"x"}}`:                                                       "connector.query",
		`{` + good + `,"rate_limit":{"requests":5}}`:                                            "connector.rate_limit.per",
		`{` + good + `,"rate_limit":{"requests":100000,"per":"1s"}}`:                            "connector.rate_limit.requests",
		`{` + good + `,"rate_limit":{"hourly":-1}}`:                                             "connector.rate_limit.hourly",
		`{` + good + `,"rate_limit":{"reset_unit":"weeks"}}`:                                    "connector.rate_limit.reset_unit",
		`{"type":"csv","id":"id"}`:                                                              "connector.url",
		`{"type":"csv","url":"https://x/a","file":"a","id":"id"}`:                               "connector.file",
		`{"type":"csv","file":"a.csv"}`:                                                         "connector.id",
		`{"type":"csv","file":"a.csv","id":"id","delimiter":"::"}`:                              "connector.delimiter",
		`{"type":"csv","file":"a.csv","id":"id","delimiter":"\""}`:                              "connector.delimiter",
		`{"type":"csv","file":"a.csv","id":"id","auth":{"type":"bearer","token":"a"}}`:          "connector.auth",
		`{"type":"csv","file":"a.csv","id":"id","records":"data"}`:                              "connector.records",
		`{"type":"csv","file":"a.csv","id":"id","pagination":{"type":"none"}}`:                  "connector.pagination",
		`{"type":"csv","file":"/etc/passwd","id":"id"}`:                                         "connector.file",
	} {
		c, _, err := connector.ReadConfig([]byte(text))
		if err == nil {
			err = c.Check()
		}
		invalid(t, err, want)
	}
}

func TestURLs_AreAllThatTheGuardMustJudge(t *testing.T) {
	t.Parallel()
	c := oauth()
	c.ByID = "https://api.example.com/items/{id}"
	want := []string{"https://api.example.com/page", "https://api.example.com/items/0", "https://auth.example.com/token"}
	if diff := cmp.Diff(want, c.URLs()); diff != "" {
		t.Error(diff)
	}
}

func TestDuration_IsWrittenAsTheContractHasIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"30s": 30 * time.Second, "90s": 90 * time.Second, "5m": 5 * time.Minute, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "0s": 0} {
		var d connector.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %s, %v", text, time.Duration(d), err)
		}
		var again connector.Duration
		if written, err := d.MarshalText(); err != nil || again.UnmarshalText(written) != nil || again != d {
			t.Errorf("%s is written %s, %v", text, written, err)
		}
	}
	for _, text := range []string{"", "s", "5", "1.5h", "-1s", "5 m", "5M", "99999999999d"} {
		var d connector.Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %s", text, time.Duration(d))
		}
	}
}
