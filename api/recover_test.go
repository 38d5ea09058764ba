package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A receiver that was switched off for a while asks for what it has missed.
func TestRecover_PreviewsAndBeginsAJob(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		since := time.Now().UTC().Add(-time.Minute).Format(time.RFC3339)
		path := "/v1/webhooks/" + b.do(http.StatusCreated, "POST", "/v1/webhooks", push).text("id")
		b.do(http.StatusOK, "POST", path+"/disable", "")
		b.do(http.StatusCreated, "POST", "/v1/signals", trial)
		b.do(http.StatusCreated, "POST", "/v1/signals", trial)
		b.send(b.admin, "POST", path+"/recover", `{"since":"`+since+`"}`).refuses(http.StatusConflict, "conflict", "", "enable it first")
		b.do(http.StatusOK, "POST", path+"/enable", "")
		later := "/v1/webhooks/" + b.do(http.StatusCreated, "POST", "/v1/webhooks", push).text("id")

		got := b.do(http.StatusOK, "POST", path+"/recover/preview", `{"since":"`+since+`"}`)
		if got.at("matching").(json.Number) != "2" || got.at("counts.skipped").(json.Number) != "2" || got.at("counts.failed").(json.Number) != "0" || got.at("at_least") != false {
			b.Errorf("preview %s", got.body)
		}
		if got.text("events.0.event") != "signal.created" || got.text("events.0.missed") != "skipped" || got.text("events.0.delivery_id") == "" {
			b.Errorf("preview %s", got.body)
		}
		if never := b.do(http.StatusOK, "POST", later+"/recover/preview", `{"since":"`+since+`","include":["never_attempted"]}`); never.at("matching").(json.Number) != "2" || never.at("events.1.delivery_id") != nil {
			b.Errorf("preview for a webhook that was made later: %s", never.body)
		}
		woken := len(b.wakes())
		job := b.do(http.StatusAccepted, "POST", path+"/recover", `{"since":"`+since+`","include":["skipped","failed"],"rate_per_second":100}`)
		if job.text("data.kind") != "recover" || job.at("data.matching").(json.Number) != "2" || !strings.HasSuffix(path, job.text("data.subject")) || len(b.wakes()) == woken {
			b.Errorf("job %s", job.body)
		}
		if list := b.do(http.StatusOK, "GET", "/v1/jobs/"+job.text("data.id"), ""); list.text("data.status") != "queued" {
			b.Errorf("job %s", list.body)
		}
	})
}

func TestRecover_BadOrdersAreRefusedByName(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path := "/v1/webhooks/" + b.do(http.StatusCreated, "POST", "/v1/webhooks", push).text("id")
	for body, want := range map[string][2]string{
		`{}`:                               {"since", "required"},
		`{"since":"yesterday"}`:            {"since", "2026-01-02T15:04:05Z"},
		`{"since":"2999-01-01T00:00:00Z"}`: {"since", "future"},
		`{"since":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}`: {"until", "before since"},
		`{"since":"2026-01-02T00:00:00Z","include":[]}`:                   {"include", "at least one"},
		`{"since":"2026-01-02T00:00:00Z","include":["lost"]}`:             {"include", "never_attempted"},
		`{"since":"2026-01-02T00:00:00Z","rate_per_second":0}`:            {"rate_per_second", "1 to 1000"},
		`{"since":"2026-01-02T00:00:00Z","rate_per_second":1001}`:         {"rate_per_second", "1 to 1000"},
		`{"since":"2026-01-02T00:00:00Z","everything":true}`:              {"everything", "unknown field"},
	} {
		for _, door := range []string{"/recover", "/recover/preview"} {
			b.send(b.admin, "POST", path+door, body).refuses(http.StatusBadRequest, "validation_error", want[0], want[1])
		}
	}
	pull := "/v1/webhooks/" + b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"kind":"pull","events":["signal.created"]}`).text("id")
	b.send(b.admin, "POST", pull+"/recover", `{"since":"2026-01-02T00:00:00Z"}`).refuses(http.StatusConflict, "conflict", "", "pull webhook")
}
