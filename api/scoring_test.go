package api_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestScoring_WhatIsShippedIsShownUntilItIsSet(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		got := b.do(http.StatusOK, "GET", "/v1/scoring", "")
		for path, want := range map[string]string{
			"half_life": `"14d"`, "default_points": "5", "default_cap": "40", "boost": "0", "revision": "0", "job_id": "null", "rules": "[]",
			"types": `{"crm_stage_change":{"points":12,`, "stages": `{"account":[{"name":"Cool","min":0},{"name":"Warm","min":40}`,
		} {
			if !strings.Contains(string(got.body), `"`+path+`":`+want) {
				b.Errorf("%s is not %s: %s", path, want, got.body)
			}
		}
		set := b.do(http.StatusOK, "PUT", "/v1/scoring", `{"half_life":"never","types":{"page_view":{"points":3.5,"half_life":"36h","cap":10},"mine":{"cap":7}},
			"rules":[{"when":{"field":"properties.team_size","operator":"greater_than","value":10},"points":4}],
			"stages":{"contact":[{"name":"Low","min":0},{"name":"High","min":10}]},"revision":0}`)
		for path, want := range map[string]string{
			"data.half_life": "never", "data.types.page_view.half_life": "36h", "data.stages.contact.1.name": "High", "data.stages.account.3.name": "Hot",
			"data.rules.0.when": "properties.team_size > 10", "data.rules.0.name": "properties.team_size > 10", "data.rules.0.type": "*",
		} {
			if got := set.text(path); got != want {
				b.Errorf("%s is %q, want %q: %s", path, got, want, set.body)
			}
		}
		if set.text("data.job_id") == "" || !strings.Contains(string(set.body), `"mine":{"points":5,"half_life":null,"cap":7,"shipped":null}`) || !strings.Contains(string(set.body), `"cap":10,"shipped":2}`) || !strings.Contains(string(set.body), `"revision":1`) {
			b.Errorf("set is %s", set.body)
		}
		if again := b.do(http.StatusOK, "GET", "/v1/scoring", ""); again.at("data.types") == nil || again.text("data.job_id") != set.text("data.job_id") {
			b.Errorf("read again it is %s", again.body)
		}
		b.send(b.admin, "PUT", "/v1/scoring", `{"revision":0}`).refuses(http.StatusConflict, "conflict", "", "revision 1, not 0")
		if only := b.do(http.StatusOK, "PUT", "/v1/scoring", `{}`); strings.Contains(string(only.body), "mine") || only.text("data.half_life") != "14d" {
			b.Errorf("emptied it is %s", only.body)
		}
	})
}

// proves contract section 8 and the bad input of scoring: each refusal names the field and says what would be right; nothing changes
func TestScoring_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		for name, c := range map[string]struct{ body, param, text string }{
			"a half-life of zero":       {`{"half_life":"0d"}`, "half_life", "14d"},
			"a half-life of a type":     {`{"types":{"a":{"half_life":"soon"}}}`, "types.a.half_life", "never"},
			"a cap of zero":             {`{"default_cap":0}`, "default_cap", "above 0"},
			"points beyond all":         {`{"types":{"a":{"points":1e9}}}`, "types.a.points", "1000000"},
			"a boost beyond all":        {`{"boost":11}`, "boost", "0 to 10"},
			"a rule without points":     {`{"rules":[{"type":"a"}]}`, "rules[0].points", "required"},
			"a rule of nothing":         {`{"rules":[{"points":0}]}`, "rules[0].points", "other than 0"},
			"a star in the middle":      {`{"rules":[{"type":"a*b","points":1}]}`, "rules[0].type", "last character"},
			"a rule on the account":     {`{"rules":[{"when":"account.domain == 'a'","points":1}]}`, "rules[0].when", "line 1, column 1"},
			"a rule on history":         {`{"rules":[{"when":"count(signals, 'a', '30d') > 1","points":1}]}`, "rules[0].when", "signals"},
			"a slip":                    {`{"rules":[{"points":1,"when":"properties.n = 1"}]}`, "rules[0].when", "did you mean ==?"},
			"a field nearly right":      {`{"rules":[{"points":1,"when":"signal.sorce == 'a'"}]}`, "rules[0].when", "source"},
			"a structured field":        {`{"rules":[{"points":1,"when":{"all":[{"field":"properties.n","operator":"over","value":1}]}}]}`, "rules[0].when.all[0].operator", "greater_than"},
			"a condition that is true":  {`{"rules":[{"points":1,"when":true}]}`, "rules[0].when", "in quotes"},
			"stages that begin above 0": {`{"stages":{"account":[{"name":"A","min":1}]}}`, "stages.account[0].min", "must be 0"},
			"stages out of order":       {`{"stages":{"account":[{"name":"A","min":0},{"name":"B","min":9},{"name":"C","min":9}]}}`, "stages.account[2].min", "above"},
			"two stages of one name":    {`{"stages":{"contact":[{"name":"A","min":0},{"name":"A","min":9}]}}`, "stages.contact[1].name", "two stages"},
			"a field that is not there": {`{"halflife":"14d"}`, "halflife", ""},
		} {
			for _, door := range []string{"PUT /v1/scoring", "POST /v1/scoring/preview"} {
				method, path, _ := strings.Cut(door, " ")
				b.Log(name)
				b.send(b.admin, method, path, c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.text)
			}
		}
		many := `{"rules":[` + strings.TrimSuffix(strings.Repeat(`{"points":1},`, 201), ",") + `]}`
		b.send(b.admin, "PUT", "/v1/scoring", many).refuses(http.StatusConflict, "conflict", "", "200")
		if got := b.do(http.StatusOK, "GET", "/v1/scoring", ""); !strings.Contains(string(got.body), `"revision":0`) {
			b.Errorf("something changed: %s", got.body)
		}
	})
}

func TestScoring_PreviewSaysWhoMovesAndChangesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		acc := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"demo_requested","source":"s","account":{"domain":"acme.com","name":"Acme"},"contact":{"email":"jane@acme.com","first_name":"Jane"}}`).text("account_id")
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"page_view","source":"s","account":{"domain":"other.com"}}`)
		got := b.do(http.StatusOK, "POST", "/v1/scoring/preview", `{"default_cap":100,"types":{"demo_requested":{"points":70}},"stages":{"contact":[{"name":"Any","min":0}]}}`)
		for path, want := range map[string]string{
			"data.accounts.examples.0.id": acc, "data.accounts.examples.0.name": "Acme", "data.accounts.examples.0.after.stage": "In-market",
			"data.accounts.stages.0.from": "Cool", "data.accounts.stages.0.to": "In-market", "data.contacts.examples.0.name": "Jane",
			"data.contacts.stages.0.to": "Any",
		} {
			if got := got.text(path); got != want {
				b.Errorf("%s is %q, want %q", path, got, want)
			}
		}
		if !strings.Contains(string(got.body), `"signals":2,"complete":true,"records":3,"accounts":{"up":1,"down":0,`) {
			b.Errorf("the preview is %s", got.body)
		}
		if now := b.do(http.StatusOK, "GET", "/v1/accounts/"+acc, ""); now.text("data.stage") != "Cool" {
			b.Errorf("it moved: %s", now.body)
		}
	})
}
