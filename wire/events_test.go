package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/strictjson"
	"signalbox/wire"
)

var formats = []signalbox.Format{signalbox.FormatStairoids, signalbox.FormatStandard}

// proves S1-12…S1-16
func TestEventTypes_AreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	var names, produced []string
	for _, e := range wire.EventTypes(signalbox.FormatStandard) {
		names = append(names, e.Name)
		if e.Produced {
			produced = append(produced, e.Name)
		}
		if e.Description == "" {
			t.Errorf("%s has no description", e.Name)
		}
	}
	want := []string{"signal.created", "signal.scored", "automation.triggered", "account.score_changed", "contact.score_changed",
		"account.stage_changed", "contact.stage_changed", "signal.qualified", "audience.entered", "audience.left",
		"linked_account.created", "linked_account.updated", "linked_account.deleted",
		"hris_employees.created", "hris_employees.updated", "hris_employees.deleted", "hris_employments.created", "hris_employments.updated", "hris_employments.deleted",
		"ats_interviews.created", "ats_interviews.updated", "ats_interviews.deleted", "ats_applications.created", "ats_applications.updated", "ats_applications.deleted",
		"ats_candidates.created", "ats_candidates.updated", "ats_candidates.deleted", "ats_job_postings.created", "ats_job_postings.updated", "ats_job_postings.deleted",
		"webhook.failing", "webhook.recovered", "webhook.disabled", "delivery.failed"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(slices.DeleteFunc(want, func(name string) bool { return name == "automation.triggered" }), produced); diff != "" {
		t.Errorf("what this version sends: %s", diff)
	}
}

func TestEventTypes_TheListIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	wire.EventTypes(signalbox.FormatStairoids)[0].Name = "changed"
	if got := wire.EventTypes(signalbox.FormatStairoids)[0].Name; got != wire.EventSignalCreated {
		t.Errorf("a caller changed the list for all: %s", got)
	}
}

// proves S1-11, S1-19…S1-24
func TestSample_FitsItsSchemaInEveryFormat(t *testing.T) {
	t.Parallel()
	for _, f := range signalbox.Formats() {
		for _, e := range wire.EventTypes(f) {
			body := wire.Sample(e.In(f), f, codec, createdAt)
			schema := e.Schema(f)
			for what, text := range map[string][]byte{"sample": body, "schema": schema} {
				if stable, err := strictjson.Stable(text); err != nil || !bytes.Equal(stable, text) {
					t.Errorf("%s %s %s is not stable: %v", e.Name, f, what, err)
				}
			}
			var s, v map[string]any
			if json.Unmarshal(schema, &s) != nil || json.Unmarshal(body, &v) != nil {
				t.Fatalf("%s %s: no JSON objects", e.Name, f)
			}
			if s["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
				t.Errorf("%s: no $schema", e.Name)
			}
			for _, flaw := range fits(s, v, "body") {
				t.Errorf("%s %s: %s", e.Name, f, flaw)
			}
			if e.In(f) != "hris_employees.updated" && (strings.HasPrefix(e.Name, "hris_") || strings.HasPrefix(e.Name, "ats_")) {
				continue // they differ in their names alone
			}
			golden(t, "sample_"+e.In(f)+"_"+string(f)+".json", body)
			golden(t, "schema_"+e.In(f)+"_"+string(f)+".json", schema)
		}
	}
}

func TestSchema_FitsARealEventAndRefusesAPoorerOne(t *testing.T) {
	t.Parallel()
	created, _ := wire.LookUp(signalbox.FormatStairoids, wire.EventSignalCreated)
	bare := s1()
	bare.Account, bare.Contact = nil, nil
	for _, f := range formats {
		var schema map[string]any
		if err := json.Unmarshal(created.Schema(f), &schema); err != nil {
			t.Fatal(err)
		}
		for _, e := range []wire.EventInfo{s1(), bare} {
			body := wire.Freeze(f, wire.EventSignalCreated, e)
			var v any
			_ = json.Unmarshal(body, &v)
			if flaws := fits(schema, v, "body"); flaws != nil {
				t.Errorf("%s: %v", body, flaws)
			}
			_ = json.Unmarshal(bytes.Replace(body, []byte(`"source"`), []byte(`"sauce"`), 1), &v)
			if fits(schema, v, "body") == nil {
				t.Errorf("%s: the schema does not ask for data.signal.source", f)
			}
		}
	}
}

// fits checks a value against the few words of JSON Schema that our schemas use, and fails on any other word.
func fits(schema map[string]any, v any, at string) (flaws []string) {
	object, _ := v.(map[string]any)
	for word, rule := range schema {
		switch word {
		case "$schema", "title", "description", "format":
		case "type":
			if !slices.Contains(typesOf(rule), typeOf(v)) {
				flaws = append(flaws, fmt.Sprintf("%s is %s, want %v", at, typeOf(v), rule))
			}
		case "const":
			if v != rule {
				flaws = append(flaws, fmt.Sprintf("%s is %v, want %v", at, v, rule))
			}
		case "required":
			for _, name := range rule.([]any) {
				if _, ok := object[name.(string)]; object != nil && !ok {
					flaws = append(flaws, fmt.Sprintf("%s has no %s", at, name))
				}
			}
		case "properties":
			for name, inner := range rule.(map[string]any) {
				if value, ok := object[name]; ok {
					flaws = append(flaws, fits(inner.(map[string]any), value, at+"."+name)...)
				}
			}
		case "items":
			for i, value := range v.([]any) {
				flaws = append(flaws, fits(rule.(map[string]any), value, fmt.Sprint(at, ".", i))...)
			}
		default:
			flaws = append(flaws, "unknown schema word "+word)
		}
	}
	return flaws
}

func typesOf(rule any) []string {
	if one, ok := rule.(string); ok {
		return []string{one, map[string]string{"number": "integer"}[one]}
	}
	var all []string
	for _, one := range rule.([]any) {
		all = append(all, one.(string))
	}
	return all
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	}
	return "object"
}

func TestSample_UnknownEventHasNone(t *testing.T) {
	t.Parallel()
	if got := wire.Sample("signal.lost", signalbox.FormatStairoids, codec, createdAt); got != nil {
		t.Errorf("got %s", got)
	}
}

// proves S1-11: the test call sends a sample under the ids of its own event
func TestSampleWith_ReplacesTheData(t *testing.T) {
	t.Parallel()
	e := wire.EventInfo{Codec: codec, Event: 9001, Workspace: 9002, CreatedAt: createdAt}
	got, err := wire.SampleWith(wire.EventAccountScoreChanged, signalbox.FormatStairoids, e, []byte(`{ "b": 1.0, "a": "\u003c" }`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"event":"account.score_changed","id":"` + codec.Format(signalbox.KindEvent, 9001) + `","created_at":"2025-06-15T14:32:07Z","workspace_id":"` +
		codec.Format(signalbox.KindWorkspace, 9002) + `","data":{"b":1,"a":"<"}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, c := range []struct{ name, event, data, param string }{
		{"no object", wire.EventSignalCreated, `[1]`, "data"},
		{"no JSON", wire.EventSignalCreated, `{"a"`, "data.a"},
		{"a duplicate key", wire.EventSignalCreated, `{"a":1,"a":2}`, "data.a"},
		{"a mistyped event", "signal.create", ``, "event"},
		{"an unknown event", "something", `{}`, "event"},
	} {
		_, err := wire.SampleWith(c.event, signalbox.FormatStandard, e, []byte(c.data))
		t.Run(c.name, func(t *testing.T) {
			wantInvalid(t, err, c.param)
		})
	}
}

// proves S1-8, S1-17
func TestTakes_OnlyWhatIsSubscribed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		patterns string
		event    string
		want     bool
	}{
		{"", "signal.created", false},
		{"*", "signal.created", true},
		{"signal.created", "signal.created", true},
		{"signal.created", "signal.created2", false},
		{"signal.created", "signal.create", false},
		{"signal.*", "signal.created", true},
		{"signal.*", "signal", false},
		{"signal.*", "signals.created", false},
		{"account.*,contact.*", "contact.score_changed", true},
		{"account.*,contact.*", "signal.scored", false},
		{"sig*", "signal.created", false},
		{"*.created", "signal.created", false},
	} {
		w := signalbox.Webhook{Format: signalbox.FormatStairoids, Events: strings.Split(c.patterns, ",")}
		if got := w.Takes(c.event); got != c.want {
			t.Errorf("%q on %q: got %v", c.patterns, c.event, got)
		}
	}
	if (&signalbox.Webhook{Format: signalbox.FormatStairoids}).Takes("signal.created") {
		t.Error("no pattern subscribed to something")
	}
}

func TestCheckPattern_RefusesWhatCanNeverMatch(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"*", "signal.*", "account.*", "signal.created", "contact.score_changed", "crm_people.created", "crm_open_deals.*"} {
		if err := wire.CheckPattern(signalbox.FormatStairoids, good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, near := range map[string]string{
		"signal.create":                `"signal.created"`,
		"Signal.Created":               `"signal.created"`,
		"signal_created":               `"signal.created"`,
		"account.score_change":         `"account.score_changed"`,
		"signals.*":                    `known are`,
		"":                             `known are`,
		"sig*":                         `known are`,
		"audit.written":                `known are`,
		"hris_employes.created":        `"hris_employees.created"`,
		"crm_people.made":              `known are`,
		strings.Repeat("x", 300) + "*": `x…`,
	} {
		err := wire.CheckPattern(signalbox.FormatStairoids, bad)
		wantInvalid(t, err, "events")
		if err != nil && !strings.Contains(err.Error(), near) {
			t.Errorf("%s: the refusal does not say %s: %v", bad, near, err)
		}
	}
}
