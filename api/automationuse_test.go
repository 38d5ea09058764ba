package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"signalbox"
	"signalbox/deliver"
	"signalbox/seal"
)

// proves contract section 2 and 16: {"automations","next_cursor","total"}, 1 to 100, filters
func TestAutomations_AreListedNewestFirst(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		var ids []string
		for i := range 5 {
			body := strings.Replace(onTrial, `"type":"outgoing"`, fmt.Sprintf(`"enabled":%v`, i%2 == 0), 1)
			ids = append(ids, b.do(http.StatusCreated, "POST", "/v1/automations", body).text("id"))
		}
		b.do(http.StatusCreated, "POST", "/v1/notifications", hotAccount)
		var seen []string
		for cursor := ""; ; {
			list := b.do(http.StatusOK, "GET", "/v1/automations?limit=2&cursor="+cursor, "")
			if list.at("total").(json.Number) != "5" || list.at("data") != nil {
				b.Errorf("answered %s", list.body)
			}
			for _, one := range list.at("automations").([]any) {
				seen = append(seen, one.(map[string]any)["id"].(string))
			}
			if cursor = list.text("next_cursor"); cursor == "" {
				break
			}
		}
		if got, want := fmt.Sprint(seen), fmt.Sprint([]string{ids[4], ids[3], ids[2], ids[1], ids[0]}); got != want {
			b.Errorf("listed %s, want %s", got, want)
		}
		for query, want := range map[string]string{"enabled=true": "3", "enabled=false": "2", "type=outgoing": "5", "type=incoming": "0", "enabled=true&type=outgoing": "3"} {
			if list := b.do(http.StatusOK, "GET", "/v1/automations?"+query, ""); string(list.at("total").(json.Number)) != want || list.at("automations") == nil {
				b.Errorf("%s: %s, want %s", query, list.body, want)
			}
		}
		for query, param := range map[string]string{"limit=101": "limit", "limit=0": "limit", "enabled=yes": "enabled", "type=both": "type", "cursor=zzz": "cursor"} {
			b.send(b.admin, "GET", "/v1/automations?"+query, "").refuses(http.StatusBadRequest, "validation_error", param, param)
		}
		if list := b.do(http.StatusOK, "GET", "/v1/notifications", ""); list.at("data.1") != nil || list.at("meta.total").(json.Number) != "1" {
			b.Errorf("notifications are %s", list.body)
		}
	})
}

// proves contract section 10: one secret, regenerable, with an overlap as of webhooks
func TestAutomations_HaveASecretThatIsMadeAnew(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/automations", onTrial)
	id := made.text("id")
	path := "/v1/automations/" + id + "/secret/"
	secret := func() string {
		w, err := b.lane(id)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := b.sealed.Open(seal.Bind{Workspace: int64(b.ws), Row: int64(w.ID), Kind: deliver.SecretKind}, w.SealedSecret)
		if err != nil {
			t.Fatal(err)
		}
		return string(plain)
	}
	b.send(b.admin, "POST", path+"activate", "").refuses(http.StatusConflict, "conflict", "", "no overlap goes on")
	fresh := b.do(http.StatusOK, "POST", path+"regenerate", "")
	if fresh.text("secret") != secret() || fresh.text("secret") == made.text("secret") || fresh.at("previous_secret.signs_format_header") != true {
		t.Errorf("answered %s, sealed %s", fresh.body, secret())
	}
	if active := b.do(http.StatusOK, "POST", path+"activate", ""); active.text("id") != id || strings.Contains(string(active.body), "whsec_") {
		t.Errorf("activated it is %s", active.body)
	}
	if w, _ := b.lane(id); w.VendorPrevious || len(w.SealedPrevious) == 0 {
		t.Error("the vendor's header goes on with the old secret, or nothing else does")
	}
	b.do(http.StatusOK, "POST", path+"regenerate", `{"overlap":0,"secret":"a secret of mine own"}`)
	if secret() != "a secret of mine own" {
		t.Error("one's own secret is not taken")
	}
	b.send(b.admin, "POST", path+"regenerate", `{"overlap":-1}`).refuses(http.StatusBadRequest, "validation_error", "overlap", "from 0")
	silent := b.do(http.StatusCreated, "POST", "/v1/automations", `{"name":"a","trigger":{"type":"qualified"},"action":{"type":"update","config":{"entity":"account","attributes":{"fits":true}}}}`)
	if silent.at("secret") != nil || silent.at("webhook_id") != nil {
		t.Errorf("one that sends nothing is answered %s", silent.body)
	}
	b.send(b.admin, "POST", "/v1/automations/"+silent.text("id")+"/secret/regenerate", "").refuses(http.StatusConflict, "conflict", "", "sends nothing that is signed")
	later := b.do(http.StatusOK, "PATCH", "/v1/automations/"+silent.text("id"), `{"action":{"type":"webhook","config":{"url":"https://hooks.example.com/x"}}}`)
	if !strings.HasPrefix(later.text("secret"), "whsec_") {
		t.Errorf("the first action that sends something shows no secret: %s", later.body)
	}
	b.do(http.StatusNoContent, "DELETE", "/v1/automations/"+silent.text("id"), "")
	notice := b.do(http.StatusCreated, "POST", "/v1/notifications", hotAccount)
	if strings.Contains(string(notice.body), "whsec_") {
		t.Errorf("a notification shows a secret: %s", notice.body)
	}
	if w, err := b.lane(notice.text("data.id")); err != nil || w.Kind != signalbox.KindAction {
		t.Errorf("a notification to Slack has nothing to send through: %v", err)
	}
	b.send(b.admin, "POST", "/v1/automations/"+notice.text("data.id")+"/secret/regenerate", "").refuses(http.StatusNotFound, "automation_not_found", "", "")
}

func TestAutomations_WhatTheySendThroughIsNotChangedByItself(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	made := b.do(http.StatusCreated, "POST", "/v1/automations", onTrial)
	path := "/v1/webhooks/" + made.text("webhook_id")
	before, err := b.lane(made.text("id"))
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range [][3]string{
		{"PATCH", "", `{"events":["*"]}`}, {"DELETE", "", ""}, {"POST", "/disable", ""}, {"POST", "/enable", ""}, {"POST", "/test", ""},
		{"POST", "/secret/regenerate", ""}, {"POST", "/secret/activate", ""},
	} {
		b.send(b.admin, try[0], path+try[1], try[2]).refuses(http.StatusConflict, "conflict", "", "change or test the automation")
	}
	if after, err := b.lane(made.text("id")); err != nil || after.Revision != before.Revision {
		t.Errorf("it was changed: %+v %v", after, err)
	}
	if got := b.do(http.StatusOK, "GET", path, ""); got.text("kind") != "action" || got.at("url") != nil {
		t.Errorf("read it is %s", got.body)
	}
	b.do(http.StatusOK, "GET", path+"/deliveries", "")
}

// proves S0-29: a trigger may name a type that was never seen
func TestAutomations_WhatATriggerNamesStays(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	aud := b.do(http.StatusCreated, "POST", "/v1/audiences", `{"name":"Ready","entity":"account","condition":"account.score > 10"}`).text("data.id")
	icp := b.do(http.StatusCreated, "POST", "/v1/icps", saas).text("data.id")
	persona := b.do(http.StatusCreated, "POST", "/v1/personas", strings.Replace(leader, `"icp_codes":["Mid-market SaaS"],`, "", 1)).text("data.id")
	const act = `,"action":{"type":"email","config":{"to":"a@x.com","subject":"s","text":"t"}}}`
	fits := b.do(http.StatusCreated, "POST", "/v1/automations", `{"name":"Fits","trigger":{"type":"qualified","icp_code":"Mid-market SaaS","persona_code":"Leader"}`+act).text("id")
	told := b.do(http.StatusCreated, "POST", "/v1/notifications", `{"name":"Entered","type":"audience","audience_id":"`+aud+`","on":"enter","destinations":[{"type":"email","to":"a@x.com"}]}`).text("data.id")
	b.do(http.StatusCreated, "POST", "/v1/automations", `{"name":"New","trigger":{"type":"signal_received","signal_type":"never_seen"}`+act)
	b.send(b.admin, "DELETE", "/v1/audiences/"+aud, "").refuses(http.StatusConflict, "conflict", "", `"Ready" cannot be deleted while it starts automations or notifications: "Entered"`)
	b.send(b.admin, "DELETE", "/v1/icps/"+icp, "").refuses(http.StatusConflict, "conflict", "", `"Fits"`)
	b.send(b.admin, "PATCH", "/v1/icps/"+icp, `{"code":"Other"}`).refuses(http.StatusConflict, "conflict", "", `cannot be renamed while it starts automations or notifications: "Fits"`)
	b.send(b.admin, "DELETE", "/v1/personas/"+persona, "").refuses(http.StatusConflict, "conflict", "", `"Fits"`)
	b.do(http.StatusNoContent, "DELETE", "/v1/automations/"+fits, "")
	b.do(http.StatusNoContent, "DELETE", "/v1/notifications/"+told, "")
	for _, path := range []string{"/v1/audiences/" + aud, "/v1/personas/" + persona, "/v1/icps/" + icp} {
		b.do(http.StatusNoContent, "DELETE", path, "")
	}
}

func TestAutomations_ThatNameWhatIsGoneCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	hook := b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/s","format":"staircase"}`).text("id")
	id := b.do(http.StatusCreated, "POST", "/v1/notifications", `{"name":"a","type":"signal","signal_type":"renewal","destinations":[{"type":"webhook","webhook_id":"`+hook+`"}]}`).text("data.id")
	b.do(http.StatusNoContent, "DELETE", "/v1/webhooks/"+hook, "")
	b.send(b.admin, "PATCH", "/v1/notifications/"+id, `{"name":"b"}`).refuses(http.StatusBadRequest, "validation_error", "destinations[0].webhook_id", "no such webhook")
	b.do(http.StatusOK, "POST", "/v1/notifications/"+id+"/disable", "")
	b.send(b.admin, "POST", "/v1/notifications/"+id+"/enable", "").refuses(http.StatusBadRequest, "validation_error", "destinations[0].webhook_id", "no such webhook")
	b.do(http.StatusOK, "PATCH", "/v1/notifications/"+id, `{"enabled":false}`)
}

// proves contract section 8: what conditions ask of signals is kept from then on, and given what is stored; all of it together has a bound
func TestAutomations_ConditionsOnSignalsAreFollowed(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	when := func(n int) string {
		return fmt.Sprintf(`"conditions":["count(signals, 'type_%d', '30d') >= 100"]`, n)
	}
	made := b.do(http.StatusCreated, "POST", "/v1/automations", strings.Replace(onTrial, `"type":"outgoing"`, when(0), 1))
	job := func() string {
		list := b.do(http.StatusOK, "GET", "/v1/jobs", "")
		return list.text("data.0.id")
	}
	first := job()
	if first == "" {
		t.Error("no job notes the signals that are stored")
	}
	path := "/v1/automations/" + made.text("id")
	b.do(http.StatusOK, "PATCH", path, `{"name":"another name"}`)
	b.do(http.StatusOK, "PATCH", path, `{"conditions":["account.score > 3","count(signals, 'type_0', '7d') >= 50"]}`)
	if again := job(); again != first {
		t.Error("what was asked before is noted again")
	}
	b.do(http.StatusOK, "PATCH", path, `{"conditions":["count(signals, 'type_other', '7d') >= 50"]}`)
	if again := job(); again == first {
		t.Error("another question is not given what is stored")
	}
	refused := answer{}
	for n := 1; n < 60 && refused.T == nil; n++ {
		body := strings.Replace(onTrial, `"type":"outgoing"`, when(n), 1)
		if n%2 == 0 {
			body = fmt.Sprintf(`{"name":"n","type":"stage","entity_type":"account","account_filter":"count(signals, 'type_%d', '30d') >= 100","destinations":[{"type":"email","to":"a@x.com"}]}`, n)
		}
		if got := b.send(b.admin, "POST", []string{"/v1/notifications", "/v1/automations"}[n%2], body); got.status != http.StatusCreated {
			refused = got
		}
	}
	if refused.T == nil {
		t.Fatal("there is no bound")
	}
	refused.refuses(http.StatusConflict, "conflict", "", "would keep")
}
