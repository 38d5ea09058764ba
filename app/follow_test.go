package app_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

// moved is what audience.entered and audience.left tell.
type moved struct {
	Event string
	Data  struct {
		Audience struct{ Name, Entity string }
		Account  *struct{ Domain string }
		Contact  *struct{ Email string }
	}
}

func (r *receiver) move(t *testing.T) (m moved) {
	t.Helper()
	_, body := r.next(t)
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return m
}

// ended asks for a job until it is done.
func (s *server) ended(job string) {
	s.Helper()
	for {
		switch got := s.want(200, "GET", "/v1/jobs/"+job, "")["data"].(map[string]any); got["status"] {
		case "done":
			return
		case "failed", "cancelled":
			s.Fatalf("the job is %v", got)
		}
	}
}

// proves contract section 9: what was true before is no news; what becomes true is, in the same commit as the signal
func TestAudiences_AreFilledQuietlyAndTellOfWhoComes(t *testing.T) {
	t.Parallel()
	rec := newReceiver(t, always(200))
	s := start(t, t.TempDir(), nil)
	visit := func(domain string) {
		t.Helper()
		s.want(201, "POST", "/v1/signals", `{"type":"page_view","source":"site","account":{"domain":"`+domain+`"},"properties":{"url":"/pricing"}}`)
	}
	visit("first.com")
	s.want(201, "POST", "/v1/webhooks", fmt.Sprintf(`{"url":%q,"events":["audience.*"]}`, rec.URL))
	made := s.want(201, "POST", "/v1/audiences", `{"name":"Prices","entity":"account","condition":"signals.properties.url == '/pricing'"}`)["data"].(map[string]any)
	audience := "/v1/audiences/" + made["id"].(string)
	job := made["job_id"].(string)
	s.ended(job)
	if got := s.want(200, "GET", audience, "")["data"].(map[string]any); got["status"] != "ready" || got["members"] != 1.0 {
		t.Errorf("filled it is %v", got)
	}
	visit("second.com")
	if m := rec.move(t); m.Event != "audience.entered" || m.Data.Audience.Name != "Prices" || m.Data.Account.Domain != "second.com" || m.Data.Contact != nil {
		t.Errorf("told %+v", m)
	}
	s.want(200, "PATCH", audience, `{"condition":"signals.properties.url == '/docs'"}`)
	list := s.want(200, "GET", "/v1/jobs", "")["data"].([]any)
	again := list[0].(map[string]any)["id"].(string)
	s.ended(again)
	if got := s.want(200, "GET", audience, "")["data"].(map[string]any); got["members"] != 0.0 {
		t.Errorf("with another condition it is %v", got)
	}
	s.want(201, "POST", "/v1/signals", `{"type":"page_view","source":"site","account":{"domain":"third.com"},"properties":{"url":"/docs"}}`)
	if m := rec.move(t); m.Event != "audience.entered" || m.Data.Account.Domain != "third.com" {
		t.Errorf("of those who left by the change nobody is told, but of %+v", m)
	}
}
