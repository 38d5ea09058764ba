package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"signalbox"
)

// saas is an ICP as contract section 16 has it.
const saas = `{"code":"Mid-market SaaS","status":"live","priority":3,"parameters":[
	{"name":"Size","field":"account.attributes.employees","operator":"greater_than","value":50,"mode":"filter"},
	{"name":"Industry","expression":"account.attributes.industry == \"SaaS\"","mode":"score","weight":8,"on_missing":"neutral"},
	{"name":"Place","expression":{"any":[{"field":"account.attributes.country","operator":"equals","value":"DE"},{"field":"account.attributes.country","operator":"in","value":["AT","CH"]}]},"mode":"score","on_missing":"fail"}]}`

// leader is a persona of it.
const leader = `{"code":"Leader","icp_codes":["Mid-market SaaS"],"parameters":[{"name":"Title","expression":"contact.title.contains(\"VP\")","mode":"filter"}]}`

func TestProfiles_AreMadeReadChangedAndDeleted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		made := b.do(http.StatusCreated, "POST", "/v1/icps", saas)
		for path, want := range map[string]any{
			"data.code": "Mid-market SaaS", "data.status": "live", "data.icp_codes": nil,
			"data.parameters.0.expression": "account.attributes.employees > 50", "data.parameters.0.weight": nil, "data.parameters.0.on_missing": "neutral",
			"data.parameters.2.expression": `account.attributes.country == "DE" || account.attributes.country in ["AT", "CH"]`, "data.parameters.2.on_missing": "fail",
		} {
			if got := made.at(path); got != want {
				b.Errorf("%s is %v, want %v: %s", path, got, want, made.body)
			}
		}
		for _, part := range []string{`"priority":3`, `"weight":8`, `"weight":5`, `"revision":1`} {
			if !strings.Contains(string(made.body), part) {
				b.Errorf("no %s in %s", part, made.body)
			}
		}
		icp := "/v1/icps/" + made.text("data.id")
		persona := b.do(http.StatusCreated, "POST", "/v1/personas", leader)
		if persona.text("data.status") != "draft" || persona.text("data.icp_codes.0") != "Mid-market SaaS" || !strings.HasPrefix(persona.text("data.id"), "per_") {
			b.Errorf("the persona is %s", persona.body)
		}

		b.send(b.admin, "PATCH", icp, `{"priority":1,"revision":7}`).refuses(http.StatusConflict, "conflict", "", "at revision 1, not 7")
		b.send(b.admin, "PATCH", icp, `{"code":"Other"}`).refuses(http.StatusConflict, "conflict", "", `cannot be renamed while personas name it: "Leader"`)
		b.send(b.admin, "DELETE", icp, "").refuses(http.StatusConflict, "conflict", "", `cannot be deleted while personas name it: "Leader"`)
		if same := b.do(http.StatusOK, "PATCH", icp, `{"priority":3,"revision":1}`); !strings.Contains(string(same.body), `"revision":1`) {
			b.Errorf("what changes nothing is a new revision: %s", same.body)
		}
		changed := b.do(http.StatusOK, "PATCH", icp, `{"status":"draft","parameters":[{"name":"Size","expression":"account.attributes.employees > 9","mode":"score"}],"revision":1}`)
		if changed.text("data.status") != "draft" || changed.at("data.parameters.1") != nil || !strings.Contains(string(changed.body), `"revision":2`) || !strings.Contains(string(changed.body), `"priority":3`) {
			b.Errorf("changed it is %s", changed.body)
		}
		if again := b.do(http.StatusOK, "GET", icp, ""); fmt.Sprint(again.at("data")) != fmt.Sprint(changed.at("data")) {
			b.Errorf("read again it is %s, not %s", again.body, changed.body)
		}

		person := "/v1/personas/" + persona.text("data.id")
		if free := b.do(http.StatusOK, "PATCH", person, `{"icp_codes":null}`); !strings.Contains(string(free.body), `"icp_codes":[]`) {
			b.Errorf("of every ICP it is %s", free.body)
		}
		b.do(http.StatusOK, "PATCH", icp, `{"code":"Other"}`)
		b.do(http.StatusNoContent, "DELETE", icp, "")
		b.send(b.admin, "GET", icp, "").refuses(http.StatusNotFound, "icp_not_found", "", "no such icp")
		b.do(http.StatusNoContent, "DELETE", person, "")
		b.send(b.admin, "PATCH", person, `{}`).refuses(http.StatusNotFound, "persona_not_found", "", "no such persona")
		for action, name := range map[string]string{"icp.created": "Mid-market SaaS", "icp.updated": "Other", "icp.deleted": "Other", "persona.deleted": "Leader"} {
			told := b.do(http.StatusOK, "GET", "/v1/audit-log?action="+action, "")
			if told.text("data.0.subject.name") != name || !strings.HasPrefix(told.text("data.0.subject.id"), action[:3]+"_") {
				b.Errorf("%s is told as %s", action, told.body)
			}
		}
		if told := b.do(http.StatusOK, "GET", "/v1/audit-log?action=icp.updated", ""); told.text("data.1.before.status") != "live" || told.text("data.1.after.status") != "draft" || told.at("data.1.before.priority") != nil {
			b.Errorf("the change is told as %s", told.body)
		}
	})
}

// proves contract section 7: each refusal names the field and says what would be right; nothing changes
func TestProfiles_RefuseWhatCannotBe(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		icp := "/v1/icps/" + b.do(http.StatusCreated, "POST", "/v1/icps", saas).text("data.id")
		before := b.do(http.StatusOK, "GET", icp, "").at("data")
		asks := func(parameter string) string {
			return `{"code":"X","parameters":[{"name":"a","mode":"score",` + parameter + `}]}`
		}
		const good = `"expression":"account.score > 1"`
		for name, c := range map[string]struct{ body, param, text string }{
			"no code":                         {`{"parameters":[{"name":"a","mode":"score",` + good + `}]}`, "code", "1 to 200"},
			"no parameters":                   {`{"code":"X"}`, "parameters", "1 to 50"},
			"an empty list of parameters":     {`{"code":"X","parameters":[]}`, "parameters", "1 to 50"},
			"too many parameters":             {`{"code":"X","parameters":[` + strings.Repeat(`{},`, 50) + `{}]}`, "parameters", "there are 51"},
			"another status":                  {`{"code":"X","status":"on","parameters":[]}`, "status", "draft or live"},
			"a priority beyond all":           {strings.Replace(asks(good), "{", `{"priority":1001,`, 1), "priority", "-1000 to 1000"},
			"ICPs of an ICP":                  {strings.Replace(asks(good), "{", `{"icp_codes":["Y"],`, 1), "icp_codes", "only a persona"},
			"a weight of zero":                {asks(good + `,"weight":0`), "parameters[0].weight", "1 to 10"},
			"a weight above all":              {asks(good + `,"weight":11`), "parameters[0].weight", "1 to 10"},
			"a weight below all":              {asks(good + `,"weight":-1`), "parameters[0].weight", "1 to 10"},
			"a weight that is not whole":      {asks(good + `,"weight":1.5`), "parameters.0.weight", ""},
			"a filter that weighs":            {`{"code":"X","parameters":[{"name":"a","mode":"filter","weight":3,` + good + `}]}`, "parameters[0].weight", "leave it out"},
			"another mode":                    {`{"code":"X","parameters":[{"name":"a","mode":"must",` + good + `}]}`, "parameters[0].mode", "filter, score or exclude"},
			"another way to miss":             {asks(good + `,"on_missing":"skip"`), "parameters[0].on_missing", "neutral, fail or pass"},
			"a parameter without a name":      {`{"code":"X","parameters":[{"mode":"score",` + good + `}]}`, "parameters[0].name", "1 to 200"},
			"two parameters of one name":      {`{"code":"X","parameters":[{"name":"a","mode":"score",` + good + `},{"name":"a ","mode":"filter",` + good + `}]}`, "parameters[1].name", "its own"},
			"nothing that is asked":           {asks(`"weight":1`), "parameters[0].expression", "is required"},
			"both ways to ask":                {asks(good + `,"field":"account.score","operator":"equals","value":1`), "parameters[0].expression", "either"},
			"a type error":                    {asks(`"expression":"account.domain + 1 > 2"`), "parameters[0].expression", "line 1, column"},
			"what is no condition":            {asks(`"expression":"account.domain"`), "parameters[0].expression", ""},
			"a slip":                          {asks(`"expression":"account.score = 1"`), "parameters[0].expression", "did you mean ==?"},
			"a field nearly right":            {asks(`"expression":"acount.score > 1"`), "parameters[0].expression", "account"},
			"an expression that is a number":  {asks(`"expression":1`), "parameters[0].expression", "in quotes"},
			"a structured field that is none": {asks(`"field":"acc.score","operator":"equals","value":1`), "parameters[0].field", "account.*"},
			"a structured field unknown":      {asks(`"field":"account.size","operator":"equals","value":1`), "parameters[0].field", "unknown"},
			"a structured operator":           {asks(`"field":"account.score","operator":"over","value":1`), "parameters[0].operator", "greater_than"},
			"a structured value left out":     {asks(`"field":"account.score","operator":"equals"`), "parameters[0].value", ""},
			"a group":                         {asks(`"expression":{"all":[{"field":"account.score","operator":"over","value":1}]}`), "parameters[0].expression.all[0].operator", "greater_than"},
			"a field that is not there":       {asks(good + `,"wieght":1`), "parameters.0.wieght", ""},
		} {
			b.Log(name)
			b.send(b.admin, "POST", "/v1/icps", c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.text)
			if name != "no code" && name != "no parameters" {
				b.send(b.admin, "PATCH", icp, c.body).refuses(http.StatusBadRequest, "validation_error", c.param, c.text)
			}
			if got := b.send(b.admin, "POST", "/v1/icps/test", `{"profile":`+c.body+`,"account_id":"acc_x"}`); got.status != http.StatusBadRequest || !strings.HasPrefix(got.text("error.param"), "profile.") {
				b.Errorf("a draft with %s: %d %s, want the param profile.%s", name, got.status, got.body, c.param)
			}
		}
		named := func(codes string) string { return strings.Replace(leader, `["Mid-market SaaS"]`, codes, 1) }
		b.send(b.admin, "POST", "/v1/personas", named(`["Mid-market SaaS","Mid-market Saas"]`)).refuses(http.StatusBadRequest, "validation_error", "icp_codes[1]", `did you mean "Mid-market SaaS"?`)
		b.send(b.admin, "POST", "/v1/personas", named(`["Mid-market SaaS","Mid-market SaaS"]`)).refuses(http.StatusBadRequest, "validation_error", "icp_codes[1]", "once")
		b.send(b.admin, "POST", "/v1/icps", saas).refuses(http.StatusConflict, "conflict", "code", "already")
		if after := b.do(http.StatusOK, "GET", icp, "").at("data"); fmt.Sprint(after) != fmt.Sprint(before) {
			b.Errorf("it changed from %v to %v", before, after)
		}
		for path, want := range map[string]string{"/v1/icps": `"total":1`, "/v1/personas": `"data":[]`} {
			if list := b.do(http.StatusOK, "GET", path, ""); !strings.Contains(string(list.body), want) {
				b.Errorf("%s is %s", path, list.body)
			}
		}
	})
}

func TestProfiles_AWorkspaceHasSoManyAndListsThemNewestFirst(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		for path, most := range map[string]int{"/v1/icps": signalbox.DefinedICP.Most(), "/v1/personas": signalbox.DefinedPersona.Most()} {
			one := func(i int) string {
				return fmt.Sprintf(`{"code":"No. %d","parameters":[{"name":"a","mode":"filter","expression":"account.score > 1"}]}`, i)
			}
			for i := range most {
				b.do(http.StatusCreated, "POST", path, one(i))
			}
			b.send(b.admin, "POST", path, one(most)).refuses(http.StatusConflict, "conflict", "", fmt.Sprint(most))
			seen, cursor := most, ""
			for more := true; more; more = cursor != "" {
				list := b.do(http.StatusOK, "GET", path+"?limit=7"+cursor, "")
				if !strings.Contains(string(list.body), fmt.Sprintf(`"total":%d`, most)) {
					b.Fatalf("no total: %s", list.body)
				}
				for _, row := range list.at("data").([]any) {
					seen--
					if code := row.(map[string]any)["code"]; code != fmt.Sprintf("No. %d", seen) {
						b.Fatalf("%v comes where No. %d should", code, seen)
					}
				}
				if cursor = list.text("meta.next_cursor"); cursor != "" {
					cursor = "&cursor=" + cursor
				}
			}
			if seen != 0 {
				b.Errorf("%d of %s are in no page", seen, path)
			}
		}
	})
}

func TestProfiles_TestJudgesARecordAsItStands(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		var signal answer
		for i := range 3 {
			signal = b.do(http.StatusCreated, "POST", "/v1/signals", fmt.Sprintf(`{"type":"page_view","source":"web","account":{"domain":"acme.com","attributes":{"employees":80,"industry":"SaaS"}},
				"contact":{"email":"jane@acme.com","title":"VP Sales"},"properties":{"visit":%d}}`, i))
		}
		account, contact := signal.text("account_id"), signal.text("contact_id")
		judge := func(path, record string) string {
			b.Helper()
			var says []string
			got := b.do(http.StatusOK, "POST", path+"/test", record)
			for _, one := range got.at("data.answers").([]any) {
				says = append(says, fmt.Sprint(one.(map[string]any)["outcome"], " ", one.(map[string]any)["gives"]))
			}
			return fmt.Sprint(got.at("data.fits"), " ", got.at("data.score"), " ", got.at("data.coverage"), " ", got.at("data.reason"), " ", got.at("data.complete"), ": ", strings.Join(says, ", "))
		}
		icp := "/v1/icps/" + b.do(http.StatusCreated, "POST", "/v1/icps", saas).text("data.id")
		persona := "/v1/personas/" + b.do(http.StatusCreated, "POST", "/v1/personas", leader).text("data.id")
		draft := func(expression, record string) string {
			return `{"profile":{"code":"D","parameters":[{"name":"a","mode":"score","expression":` + fmt.Sprintf("%q", expression) + `}]},` + record + `}`
		}
		ofAccount, ofContact, ofSignal := `"account_id":"`+account+`"`, `"contact_id":"`+contact+`"`, `"signal_id":"`+signal.text("id")+`"`
		other := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","account":{"domain":"other.com"},"contact":{"email":"joe@other.com"}}`)
		for _, c := range []struct{ name, path, record, want string }{
			{"an account", icp, `{` + ofAccount + `}`, "true 62 0.6153846153846154 <nil> true: hit 0, hit 61.53846153846154, missing 0"},
			{"a contact's account", icp, `{` + ofContact + `}`, "true 62 0.6153846153846154 <nil> true: hit 0, hit 61.53846153846154, missing 0"},
			{"whom nothing is known of", icp, `{"account_id":"` + other.text("account_id") + `"}`, "false 0 0 not_enough_data true: missing 0, missing 0, missing 0"},
			{"a contact", persona, `{` + ofContact + `}`, "true 100 1 <nil> true: hit 0"},
			{"a signal's contact", persona, `{` + ofSignal + `}`, "true 100 1 <nil> true: hit 0"},
			{"an account for a persona", persona, `{` + ofAccount + `}`, "false 0 0 not_enough_data true: missing 0"},
			{"the signals of an account", "/v1/icps", draft(`count(signals, "page_view", "1d") >= 3 && account.score > 0`, ofAccount), "true 100 1 <nil> true: hit 100"},
			{"more signals than there are", "/v1/icps", draft(`count(signals, "page_view", "1d") >= 4`, ofAccount), "false 0 1 no_match true: miss 0"},
			{"a field of any signal", "/v1/personas", draft(`signals.properties.visit == 1`, ofContact), "true 100 1 <nil> true: hit 100"},
			{"the signals of another", "/v1/personas", draft(`signals.properties.visit == 1`, `"contact_id":"`+other.text("contact_id")+`"`), "false 0 1 no_match true: miss 0"},
			{"the signal itself", "/v1/icps", draft(`properties.visit == 2 && signal.source == "web"`, ofSignal), "true 100 1 <nil> true: hit 100"},
			{"without a signal", "/v1/icps", draft(`properties.visit == 2`, ofAccount), "false 0 0 not_enough_data true: missing 0"},
		} {
			if got := judge(c.path, c.record); got != c.want {
				b.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}

		_, stranger := b.workspace("Stranger")
		own := b.send(stranger, "POST", "/v1/icps", saas).text("data.id")
		for param, id := range map[string]string{"account_id": account, "contact_id": contact, "signal_id": signal.text("id")} {
			foreign := b.send(stranger, "POST", "/v1/icps/"+own+"/test", `{"`+param+`":"`+id+`"}`)
			foreign.refuses(http.StatusBadRequest, "validation_error", param, "nothing that is there")
			b.send(b.admin, "POST", icp+"/test", `{"`+param+`":"x"}`).refuses(http.StatusBadRequest, "validation_error", param, foreign.text("error.message"))
		}
		b.send(b.admin, "POST", icp+"/test", `{}`).refuses(http.StatusBadRequest, "validation_error", "account_id", "is required")
		b.send(b.admin, "POST", "/v1/icps/test", `{}`).refuses(http.StatusBadRequest, "validation_error", "profile", "is required")
	})
}

// A profile that is live and asks for signals knows those that were there before it.
func TestProfiles_SignalsThatAreStoredAreNotedForOneThatAsksForThem(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	jobs := func() int { return len(b.do(http.StatusOK, "GET", "/v1/jobs", "").at("data").([]any)) }
	body := func(status string) string {
		return `{"code":"` + status + `","status":"` + status + `","parameters":[{"name":"a","mode":"score","expression":"signals.type == 'page_view'"}]}`
	}
	b.do(http.StatusCreated, "POST", "/v1/icps", saas)
	draft := "/v1/icps/" + b.do(http.StatusCreated, "POST", "/v1/icps", body("draft")).text("data.id")
	if n := jobs(); n != 0 {
		t.Errorf("%d jobs for one that asks for no signals, and a draft", n)
	}
	b.do(http.StatusOK, "PATCH", draft, `{"status":"live"}`)
	if n := jobs(); n != 1 {
		t.Errorf("%d jobs for one that asks for signals", n)
	}
	b.do(http.StatusOK, "PATCH", draft, `{"priority":1}`)
	b.do(http.StatusNoContent, "DELETE", draft, "")
	if n := jobs(); n != 1 {
		t.Errorf("%d jobs after a change of its priority and its end", n)
	}
	var much []string
	for i := range 40 {
		much = append(much, fmt.Sprintf(`{"name":"%d","mode":"score","expression":"count(signals, 'type %d') >= 100"}`, i, i))
	}
	b.send(b.admin, "POST", "/v1/icps", `{"code":"much","status":"live","parameters":[`+strings.Join(much, ",")+`]}`).refuses(http.StatusConflict, "conflict", "", "smaller numbers")
}

func TestProfiles_TestSaysWhenThereAreMoreSignalsThanItAsks(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	send := func(typ string, n int) string {
		var rows []string
		for range n {
			rows = append(rows, `{"type":"`+typ+`","source":"s","account":{"domain":"acme.com"}}`)
		}
		return b.do(http.StatusOK, "POST", "/v1/signals/batch", `{"signals":[`+strings.Join(rows, ",")+`]}`).text("data.0.account_id")
	}
	send("first", 1)
	for range 10 {
		send("later", 100)
	}
	account := b.do(http.StatusOK, "GET", "/v1/accounts", "").text("data.0.id")
	for typ, want := range map[string]bool{"first": false, "later": true} {
		got := b.do(http.StatusOK, "POST", "/v1/icps/test", `{"profile":{"code":"X","parameters":[{"name":"a","mode":"score","expression":"signals.type == '`+typ+`'"}]},"account_id":"`+account+`"}`)
		if got.at("data.fits") != want || got.at("data.complete") != false {
			b.Errorf("asked for %s: %s", typ, got.body)
		}
	}
}
