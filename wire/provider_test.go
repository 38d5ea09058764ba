package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/wire"
)

// linked is S4's sample of an account (S4-18…S4-28).
func linked() wire.EventInfo {
	return wire.EventInfo{
		Codec: codec, Event: 9001, Workspace: 9002, CreatedAt: createdAt, OccurredAt: createdAt.Add(-10e6),
		Linked: &signalbox.LinkedAccount{
			ID: 9010, Provider: "bamboohr", OriginOwnerID: "unique-org-identifier", OriginOwnerName: "Test organization", OriginUsername: "sample-user",
			Setup: []byte(`{"domain":"companytest"}`),
		},
	}
}

// names are an object's names in their order.
func names(t *testing.T, body []byte) (list []string) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(body)))
	if _, err := dec.Token(); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for dec.More() {
		name, err := dec.Token()
		var skipped any
		if err != nil || dec.Decode(&skipped) != nil {
			t.Fatalf("%s: %v", body, err)
		}
		list = append(list, name.(string))
	}
	return list
}

// proves S4-9, S4-18…S4-28
func TestStackOne_AnAccountEventIsTheSampleFieldByField(t *testing.T) {
	t.Parallel()
	account := codec.Format(signalbox.KindLinked, 9010)
	got := wire.Freeze(signalbox.FormatStackOne, "linked_account.updated", linked())
	want := `{"project_id":"` + codec.Format(signalbox.KindWorkspace, 9002) + `","account_id":"` + account + `","event":"account.updated","event_date":"2025-06-15T14:32:07.113Z",` +
		`"record_type":"account","record_id":"` + account + `","sent_at":"2025-06-15T14:32:07.123Z","origin_owner_id":"unique-org-identifier","origin_owner_name":"Test organization",` +
		`"origin_username":"sample-user","setup_information":{"domain":"companytest"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	bare := linked()
	bare.Linked = &signalbox.LinkedAccount{ID: 9010, Provider: "bamboohr"}
	body := wire.Freeze(signalbox.FormatStackOne, "linked_account.created", bare)
	if diff := cmp.Diff([]string{"project_id", "account_id", "event", "event_date", "record_type", "record_id", "sent_at"}, names(t, body)); diff != "" {
		t.Errorf("what is not known is not left out: %s", diff)
	}
}

// proves S4-10, S4-22, S4-24, S4-29: of a record nothing is told but which one it is, and ids beyond 2^53 are strings
func TestStackOne_ARecordEventHoldsNoContents(t *testing.T) {
	t.Parallel()
	e := linked()
	e.Record = &signalbox.LinkedRecord{API: "hris", Type: "employees", ID: "3223323715753018140", Changed: []string{"salary"}}
	got := wire.Freeze(signalbox.FormatStackOne, "hris_employees.updated", e)
	want := `{"project_id":"` + codec.Format(signalbox.KindWorkspace, 9002) + `","account_id":"` + codec.Format(signalbox.KindLinked, 9010) +
		`","event":"hris_employees.updated","event_date":"2025-06-15T14:32:07.113Z","record_type":"employees","record_id":"3223323715753018140","sent_at":"2025-06-15T14:32:07.123Z"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	var told struct {
		Data struct {
			Record struct {
				ID            string   `json:"id"`
				ChangedFields []string `json:"changed_fields"`
			} `json:"record"`
		} `json:"data"`
	}
	if err := json.Unmarshal(wire.Freeze(signalbox.FormatStandard, "hris_employees.updated", e), &told); err != nil {
		t.Fatal(err)
	}
	if told.Data.Record.ID != "3223323715753018140" || !cmp.Equal(told.Data.Record.ChangedFields, []string{"salary"}) {
		t.Errorf("the other formats tell which fields differ: %+v", told)
	}
}

// proves S4-3, S4-9…S4-15: the events of stackone under its own names, and no others
func TestStackOne_SendsItsOwnEventsAlone(t *testing.T) {
	t.Parallel()
	var all []string
	for _, e := range wire.EventTypes(signalbox.FormatStackOne) {
		all = append(all, e.In(signalbox.FormatStackOne))
	}
	var want []string
	for _, set := range []string{"account", "hris_employees", "hris_employments", "ats_interviews", "ats_applications", "ats_candidates", "ats_job_postings"} {
		want = append(want, set+".created", set+".updated", set+".deleted")
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	everything := signalbox.Webhook{Format: signalbox.FormatStackOne, Events: []string{"*"}}
	account := signalbox.Webhook{Format: signalbox.FormatStackOne, Events: []string{"account.*"}}
	for event, takes := range map[string][2]bool{
		"linked_account.created": {true, true}, "account.score_changed": {false, false}, "signal.created": {false, false}, "hris_employees.deleted": {true, false},
		"webhook.failing": {false, false},
	} {
		if got := [2]bool{everything.Takes(event), account.Takes(event)}; got != takes {
			t.Errorf("%s is taken by * and account.*: %v, want %v", event, got, takes)
		}
	}
	for bad, says := range map[string]string{
		"signal.created": "not sent in the format stackone", "account.create": `"account.created"`, "linked_account.created": "not sent in the format stackone", "webhook.*": "not sent in the format stackone",
	} {
		err := wire.CheckPattern(signalbox.FormatStackOne, bad)
		wantInvalid(t, err, "events")
		if err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := wire.CheckPattern(signalbox.FormatStackOne, "hris_employees.*"); err != nil {
		t.Error(err)
	}
}

// proves S2-15, S2-19…S2-21: the body of contract section 11
func TestStaircase_ANotificationSaysWhatWhomAndWhere(t *testing.T) {
	t.Parallel()
	e := s1()
	score := 71
	e.Notice = &wire.Notice{
		ID: 9020, Name: "Renewal Risk Escalation", Type: "renewal_risk", Title: "Renewal risk at Acme Corp", Description: "No reach-out for 30 days.", Status: "active", Score: &score,
		Stage: "In-market", URL: "https://signalbox.example.com/accounts/x", Test: true,
	}
	body := wire.Freeze(signalbox.FormatStaircase, wire.EventNotification, e)
	want := []string{"id", "type", "notification", "title", "description", "occurred_at", "account", "contact", "signal", "url", "test"}
	if diff := cmp.Diff(want, names(t, body)); diff != "" {
		t.Error(diff)
	}
	var got struct {
		Account map[string]any `json:"account"`
		Test    bool           `json:"test"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	wantAccount := map[string]any{
		"id": codec.Format(signalbox.KindAccount, 9004), "name": "Acme Corp", "domain": "acme.com", "status": "active", "score": 71.0, "stage": "In-market",
	}
	if diff := cmp.Diff(wantAccount, got.Account); diff != "" || !got.Test {
		t.Error(diff, got.Test)
	}
	e.Notice, e.Account, e.Contact, e.Signal = &wire.Notice{Type: "x"}, nil, nil, nil
	if diff := cmp.Diff(want, names(t, wire.Freeze(signalbox.FormatStaircase, wire.EventNotification, e))); diff != "" {
		t.Errorf("what is unknown is not null: %s", diff)
	}
}

// proves S2-16: nothing subscribes to notifications
func TestStaircase_TakesNoEvent(t *testing.T) {
	t.Parallel()
	w := signalbox.Webhook{Format: signalbox.FormatStaircase, Events: []string{"*"}}
	for _, e := range wire.EventTypes(signalbox.FormatStairoids) {
		if w.Takes(e.Name) {
			t.Errorf("it takes %s", e.Name)
		}
	}
}

func TestRecord_OfStackOneIsTheBodyItself(t *testing.T) {
	t.Parallel()
	body := wire.Freeze(signalbox.FormatStackOne, "linked_account.updated", linked())
	if got := wire.Record(signalbox.FormatStackOne, body); got["event"] != "account.updated" || got["setup_information"].(map[string]any)["domain"] != "companytest" {
		t.Errorf("got %v", got)
	}
	w := signalbox.Webhook{Format: signalbox.FormatStackOne, Filter: []byte(`{"field":"setup_information.domain","operator":"equals","value":"other"}`)}
	if why := wire.FilterOf(&w).Why(wire.Record(w.Format, body)); why == "" {
		t.Error("the filter lets through what it names not")
	}
	if got := wire.Record(signalbox.FormatStairoids, []byte(`{"data":[1]}`)); len(got) != 0 {
		t.Errorf("a body of no shape: %v", got)
	}
}

// what a test call of these formats sends may be the whole body
func TestSampleWith_OfAFormatWithoutDataReplacesTheBody(t *testing.T) {
	t.Parallel()
	e := wire.EventInfo{Codec: codec, Event: 9001, Workspace: 9002, CreatedAt: createdAt}
	got, err := wire.SampleWith("account.updated", signalbox.FormatStackOne, e, []byte(`{ "event": "account.updated", "x": 1.0 }`))
	if err != nil || string(got) != `{"event":"account.updated","x":1}` {
		t.Errorf("got %s, %v", got, err)
	}
	_, err = wire.SampleWith("linked_account.updated", signalbox.FormatStackOne, e, nil)
	wantInvalid(t, err, "event")
	_, err = wire.SampleWith("notification", signalbox.FormatStaircase, e, []byte(`[]`))
	wantInvalid(t, err, "data")
}
