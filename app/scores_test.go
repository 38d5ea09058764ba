package app_test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"signalbox/app"
)

// changed is what account.stage_changed tells.
type changed struct {
	Data struct {
		Account struct {
			Score         int
			Stage, Reason string
			PreviousStage string `json:"previous_stage"`
		}
	}
}

// stageChange waits for a delivery and reads it.
func (r *receiver) stageChange(t *testing.T) (c changed) {
	t.Helper()
	_, body := r.next(t)
	if err := json.Unmarshal(body, &c); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return c
}

// Nothing is sent, three days pass, and the account is Cool again: that is told when it happens.
func TestScores_TimeAloneMovesAnAccount(t *testing.T) {
	t.Parallel()
	rec := newReceiver(t, always(200))
	var ahead atomic.Int64
	s := start(t, t.TempDir(), func(c *app.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	s.want(201, "POST", "/v1/webhooks", fmt.Sprintf(`{"url":%q,"events":["account.stage_changed"]}`, rec.URL))
	for _, typ := range []string{"deal_created", "meeting_booked"} {
		s.want(201, "POST", "/v1/signals", `{"type":"`+typ+`","source":"crm","account":{"domain":"acme.com"}}`)
	}
	if a := rec.stageChange(t).Data.Account; a.Score != 45 || a.Stage != "Warm" || a.Reason != "signal" {
		t.Errorf("told %+v", a)
	}
	ahead.Store(int64(72 * time.Hour))
	if a := rec.stageChange(t).Data.Account; a.Score != 39 || a.Stage != "Cool" || a.PreviousStage != "Warm" || a.Reason != "decay" {
		t.Errorf("told %+v", a)
	}
}

// Erasing a person takes what their signals gave to the company with it, and that is told.
func TestScores_ErasingAContactTakesItsPointsFromTheAccount(t *testing.T) {
	t.Parallel()
	rec := newReceiver(t, always(200))
	s := start(t, t.TempDir(), nil)
	s.want(201, "POST", "/v1/signals", `{"type":"deal_created","source":"crm","account":{"domain":"acme.com"}}`)
	jane := s.want(201, "POST", "/v1/signals", `{"type":"meeting_booked","source":"calendar","account":{"domain":"acme.com"},"contact":{"email":"jane@acme.com"}}`)
	account := "/v1/accounts/" + jane["account_id"].(string)
	stands := func() string {
		got := s.want(200, "GET", account, "")["data"].(map[string]any)
		return fmt.Sprint(got["score"], " ", got["stage"])
	}
	if got := stands(); got != "45 Warm" {
		t.Fatalf("it stands at %s", got)
	}
	s.want(201, "POST", "/v1/webhooks", fmt.Sprintf(`{"url":%q,"events":["account.stage_changed"]}`, rec.URL))
	s.want(202, "DELETE", "/v1/contacts/"+jane["contact_id"].(string), "")
	if a := rec.stageChange(t).Data.Account; a.Score != 20 || a.Stage != "Cool" || a.PreviousStage != "Warm" || a.Reason != "removal" {
		t.Errorf("told %+v", a)
	}
	if got := stands(); got != "20 Cool" {
		t.Errorf("it stands at %s", got)
	}
}

// A scoring is changed: new signals are scored by it at once, the stored ones when that is asked for, and who moves is told when that is asked for too.
func TestScores_ARecomputeGivesStoredSignalsTheirPointsAndTells(t *testing.T) {
	t.Parallel()
	rec := newReceiver(t, always(200))
	s := start(t, t.TempDir(), nil)
	signal := `{"type":"demo_requested","source":"site","account":{"domain":"acme.com"},"properties":{"team_size":120}}`
	account := "/v1/accounts/" + s.want(201, "POST", "/v1/signals", signal)["account_id"].(string)
	s.want(201, "POST", "/v1/webhooks", fmt.Sprintf(`{"url":%q,"events":["account.stage_changed"]}`, rec.URL))
	set := s.want(200, "PUT", "/v1/scoring", `{"types":{"demo_requested":{"points":30,"cap":90}},"rules":[{"name":"Large","when":"properties.team_size > 100","points":10}]}`)
	if set["data"].(map[string]any)["job_id"] == nil {
		t.Errorf("a cap changed, and no job works out where records stand: %v", set)
	}
	s.want(201, "POST", "/v1/signals", signal)
	if a := rec.stageChange(t).Data.Account; a.Score != 45 || a.Stage != "Warm" || a.Reason != "signal" {
		t.Errorf("told %+v", a)
	}
	s.want(202, "POST", "/v1/scoring/recompute", `{"emit_events":true}`)
	if a := rec.stageChange(t).Data.Account; a.Score != 80 || a.Stage != "In-market" || a.PreviousStage != "Warm" || a.Reason != "recompute" {
		t.Errorf("told %+v", a)
	}
	got := s.want(200, "GET", account+"/score", "")["data"].(map[string]any)
	rest := got["rest"].(map[string]any)["points"].(float64)
	if list := got["contributions"].([]any); got["score"] != 80.0 || len(list) != 2 || rest > 1e-6 || rest < -1e-6 {
		t.Errorf("it is explained as %v", got)
	}
}
