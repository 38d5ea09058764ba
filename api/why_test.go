package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"signalbox"
)

// why asks why a signal starts one, and returns whether it does and what is said of each clause.
func (b *box) why(path, signal string) (fired bool, says string, a answer) {
	b.Helper()
	a = b.do(http.StatusOK, "GET", path+"/why?signal_id="+signal, "")
	var lines []string
	for _, one := range a.at("data.reasons").([]any) {
		r := one.(map[string]any)
		lines = append(lines, fmt.Sprintf("%s: %v (%s)", r["clause"], r["value"], r["outcome"]))
	}
	return a.at("data.fired").(bool), strings.Join(lines, "; "), a
}

// signalOf sends a signal of a type about acme.com, and returns its id.
func signalOf(b *box, typ, properties string) string {
	b.Helper()
	return b.do(http.StatusCreated, "POST", "/v1/signals",
		`{"type":"`+typ+`","source":"s","account":{"domain":"acme.com","name":"Acme"},"contact":{"email":"jane@acme.com"},"properties":`+properties+`}`).text("id")
}

// proves contract sections 10 and 16: a signal that did not fire can be asked why, clause by clause
func TestWhy_SaysClauseByClauseWhatASignalStarts(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		early := signalOf(b, "demo_requested", `{"team_size":50}`)
		const act = `"action":{"type":"email","config":{"to":"a@x.com","subject":"s","text":"t"}}`
		id := b.do(http.StatusCreated, "POST", "/v1/automations",
			`{"name":"a","enabled":true,"trigger":{"type":"signal_received","signal_type":"demo_requested"},"conditions":["signal.properties.team_size > 10","count(signals, 'demo_requested', '30d') >= 3"],`+act+`}`).text("id")
		path := "/v1/automations/" + id
		small, second, third := signalOf(b, "demo_requested", `{"team_size":3}`), signalOf(b, "page_view", `{"team_size":30}`), signalOf(b, "demo_requested", `{"team_size":30}`)
		for i := range 3 {
			signalOf(b, "demo_requested", fmt.Sprintf(`{"team_size":%d}`, i))
		}
		for name, c := range map[string]struct {
			signal string
			fires  bool
			says   []string
		}{
			"before it was made":  {early, false, []string{"created_at: the automation was made after the signal had come", "team_size"}},
			"a clause that fails": {small, false, []string{"signal.type == \"demo_requested\": signal.type is demo_requested (met)", "(unmet)"}},
			"another type":        {second, false, []string{"signal.type is page_view, not demo_requested (unmet)"}},
			"all of it":           {third, true, []string{"(met)"}},
		} {
			fires, says, a := b.why(path, c.signal)
			if fires != c.fires {
				b.Errorf("%s: fires %v: %s", name, fires, a.body)
			}
			for _, part := range c.says {
				if !strings.Contains(says, part) {
					b.Errorf("%s: %q is not in %s", name, part, says)
				}
			}
		}
		if fires, says, _ := b.why(path, small); fires || !strings.Contains(says, "count(signals") || strings.Count(says, "(unmet)") < 2 {
			b.Errorf("later signals count for an earlier one: %s", says)
		}
		b.do(http.StatusOK, "PATCH", path, `{"conditions":null}`)
		if fires, _, a := b.why(path, small); !fires || !strings.Contains(string(a.body), "the automation was changed after the signal had come") {
			b.Errorf("changed it says %s", a.body)
		}
		b.do(http.StatusOK, "POST", path+"/disable", "")
		if fires, says, _ := b.why(path, third); fires || !strings.Contains(says, "enabled: disabled (unmet)") {
			b.Errorf("disabled it says %s", says)
		}
		b.send(b.admin, "GET", path+"/why", "").refuses(http.StatusBadRequest, "validation_error", "signal_id", "required")
		b.send(b.admin, "GET", path+"/why?signal_id="+unknownID(b, signalbox.KindSignal), "").refuses(http.StatusBadRequest, "validation_error", "signal_id", "nothing that is there")
		b.send(b.admin, "GET", "/v1/notifications/"+id+"/why?signal_id="+third, "").refuses(http.StatusNotFound, "notification_not_found", "", "")
	})
}

// proves V-12: a threshold is crossed once, by the signal that crosses it
func TestWhy_WorksScoresOutAsTheyStoodWhenTheSignalCame(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.do(http.StatusOK, "PUT", "/v1/scoring", `{"types":{"visit":{"points":30,"cap":90}}}`)
	const mail = `"destinations":[{"type":"email","to":"a@x.com"}]`
	score := "/v1/notifications/" + b.do(http.StatusCreated, "POST", "/v1/notifications", `{"name":"s","type":"score_threshold","entity_type":"account","threshold":50,"direction":"above",`+mail+`}`).text("data.id")
	stage := "/v1/notifications/" + b.do(http.StatusCreated, "POST", "/v1/notifications", `{"name":"s","type":"stage","entity_type":"contact","stage":"Hot","account_filter":"account.score >= 90",`+mail+`}`).text("data.id")
	changed := "/v1/automations/" + b.do(http.StatusCreated, "POST", "/v1/automations",
		`{"name":"e","enabled":true,"trigger":{"event":"account.stage_changed"},"action":{"type":"update","config":{"entity":"account","attributes":{"a":1}}}}`).text("id")
	first, second, third, fourth := signalOf(b, "visit", `{}`), signalOf(b, "visit", `{}`), signalOf(b, "visit", `{}`), signalOf(b, "visit", `{}`)
	for _, c := range []struct {
		path, signal string
		fires        bool
		says         string
	}{
		{score, first, false, "account.score went from 0 to 30, which does not cross 50 that way"},
		{score, second, true, "account.score reaches 50: account.score went from 30 to 60 (met)"},
		{score, third, false, "from 60 to 90"},
		{stage, second, false, "contact.stage is Warm, not Hot"},
		{stage, third, true, "contact.stage is Hot (met)"},
		{changed, first, false, "signal.created happened, which is another event"},
		{changed, second, true, "event is account.stage_changed (met)"},
		{changed, fourth, false, "another event"},
	} {
		fires, says, a := b.why(c.path, c.signal)
		if fires != c.fires || !strings.Contains(says, c.says) {
			t.Errorf("%s: fires %v: %s, want %v, %q", c.path, fires, says, c.fires, c.says)
		}
		if strings.Contains(string(a.body), "score and stage are those of now") {
			t.Errorf("scores are of now: %s", a.body)
		}
	}
}

func TestWhy_NamesWhatIsOfNow(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	id := b.do(http.StatusCreated, "POST", "/v1/automations",
		`{"name":"a","enabled":true,"trigger":{"type":"qualified"},"conditions":["account.attributes.plan == 'pro'"],"action":{"type":"update","config":{"entity":"account","attributes":{"a":1}}}}`).text("id")
	b.do(http.StatusCreated, "POST", "/v1/icps", `{"code":"Known","status":"live","parameters":[{"name":"p","expression":"account.domain != ''","mode":"filter"}]}`)
	signal := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","account":{"domain":"acme.com"}}`)
	fires, says, a := b.why("/v1/automations/"+id, signal.text("id"))
	if fires || !strings.Contains(says, "an ICP fits: Known fits with 100 (met)") || a.at("data.approximate.0") != nil {
		t.Errorf("said %s", a.body)
	}
	b.do(http.StatusOK, "PATCH", "/v1/accounts/"+signal.text("account_id"), `{"attributes":{"plan":"pro"}}`)
	fires, _, a = b.why("/v1/automations/"+id, signal.text("id"))
	if !fires || !strings.Contains(string(a.body), "the account was changed after the signal had come") {
		t.Errorf("said %s", a.body)
	}
	backfill := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","account":{"domain":"acme.com"},"backfill":true}`)
	if fires, says, _ = b.why("/v1/automations/"+id, backfill.text("id")); fires || !strings.Contains(says, "history") {
		t.Errorf("of history: %s", says)
	}
}
