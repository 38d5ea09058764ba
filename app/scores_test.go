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
