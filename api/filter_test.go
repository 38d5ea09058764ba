package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// A webhook with a filter gets what fits, and whoever asks why not is told the condition that did not hold.
func TestFilter_SendsWhatFitsAndExplainsTheRest(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		hook := b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/x","events":["signal.created"],"label":"big ones",
			"filter":{"all":[{"field":"signal.type","operator":"in","value":["demo_requested"]},{"field":"signal.properties.team_size","operator":"greater_than","value":10}]}}`)
		all := b.do(http.StatusCreated, "POST", "/v1/webhooks", push).text("id")
		path := "/v1/webhooks/" + hook.text("id")
		if hook.text("filter.all.0.operator") != "in" {
			b.Fatalf("made %s", hook.body)
		}
		signal := func(size string) string {
			id := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"demo_requested","source":"website","account":{"domain":"acme.com"},"properties":{"team_size":`+size+`}}`).text("id")
			got := b.do(http.StatusOK, "GET", "/v1/signals/"+id+"/deliveries", "")
			return got.text("data.0.event_id")
		}
		small, big := signal("8"), signal(`"12"`)
		if got := b.do(http.StatusOK, "GET", path+"/deliveries", ""); len(got.at("data").([]any)) != 1 || got.text("data.0.event_id") != big {
			b.Errorf("log %s", got.body)
		}
		why := b.do(http.StatusOK, "GET", "/v1/events/"+small+"/explain", "")
		for i := range 2 {
			row := why.at("data.webhooks").([]any)[i].(map[string]any)
			want := "sent"
			if row["label"] == "big ones" {
				if want = "filtered_out"; row["reason"] != "its filter keeps it out: signal.properties.team_size is 8, not greater than 10" {
					b.Errorf("because %v", row["reason"])
				}
			}
			if row["verdict"] != want && !(want == "sent" && row["verdict"] == "waits") {
				b.Errorf("%v, want %s", row, want)
			}
		}
		b.do(http.StatusOK, "PATCH", path, `{"filter":null}`)
		if got := b.do(http.StatusOK, "GET", path, ""); got.at("filter") != nil {
			b.Errorf("without a filter %s", got.body)
		}
		signal("1")
		if got := b.do(http.StatusOK, "GET", path+"/deliveries", ""); len(got.at("data").([]any)) != 2 {
			b.Errorf("log %s", got.body)
		}
		if got := b.do(http.StatusOK, "GET", "/v1/webhooks/"+all+"/deliveries", ""); len(got.at("data").([]any)) != 3 {
			b.Errorf("the other webhook's log %s", got.body)
		}
		later := "/v1/webhooks/" + b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://hooks.example.com/y","events":["signal.created"],"filter":{"field":"signal.properties.team_size","operator":"less_than","value":10}}`).text("id")
		if got := b.do(http.StatusOK, "POST", later+"/recover/preview", `{"since":"2026-01-02T15:04:05Z"}`); got.at("counts.never_attempted").(json.Number) != "2" {
			b.Errorf("a recovery would send %s, want what the filter lets through", got.body)
		}
		bad := `{"url":"https://hooks.example.com/x","events":["signal.created"],"filter":{"all":[{"field":"signal.type","operator":"equals","value":"x"},{"field":"signal.kind","operator":"equals","value":1}]}}`
		b.send(b.admin, "POST", "/v1/webhooks", bad).refuses(http.StatusBadRequest, "validation_error", "filter.all[1].field", `"signal.kind" is none of signal.type`)
		b.send(b.admin, "PATCH", path, `{"filter":"signal.type"}`).refuses(http.StatusBadRequest, "validation_error", "filter", "")
		if told := b.do(http.StatusOK, "GET", "/v1/audit-log", ""); !strings.Contains(string(told.body), `"filter"`) {
			b.Errorf("the audit log says %s", told.body)
		}
	})
}
