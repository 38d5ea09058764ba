package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"signalbox/sign"
)

// feed makes a pull webhook and returns the path of its feed and its secret.
func (b *box) feed() (path, secret string) {
	b.Helper()
	made := b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"kind":"pull","events":["signal.created"]}`)
	return "/v1/webhooks/" + made.text("id") + "/events", made.text("secret")
}

func TestReadFeed_GivesWhatAPushWouldCarryInTheOrderOfCommits(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path, secret := b.feed()
	empty := b.do(http.StatusOK, "GET", path, "")
	if len(empty.at("data").([]any)) != 0 || empty.text("meta.next_cursor") == "" {
		t.Fatalf("an empty feed answers %s", empty.body)
	}
	for i := range 3 {
		b.do(http.StatusCreated, "POST", "/v1/signals", fmt.Sprintf(`{"type":"t%d","source":"s"}`, i))
	}
	cursor, read := empty.text("meta.next_cursor"), 0
	for range 2 {
		got := b.do(http.StatusOK, "GET", path+"?limit=2&cursor="+cursor, "")
		for i := range got.at("data").([]any) {
			item := fmt.Sprintf("data.%d.", i)
			h := http.Header{}
			for name, v := range got.at(item + "headers").(map[string]any) {
				h.Set(name, v.(string))
			}
			body := got.text(item + "body")
			for _, scheme := range []sign.Scheme{sign.Stairoids, sign.Standard} {
				if err := sign.Verify(scheme, h, []byte(body), []sign.Secret{sign.Secret(secret)}, time.Now()); err != nil {
					t.Errorf("%s: %v", scheme, err)
				}
			}
			if got.text(item+"event_id") != h.Get("webhook-id") || !strings.Contains(body, fmt.Sprintf(`"type":"t%d"`, read)) {
				t.Errorf("event %d: %s", read, body)
			}
			read++
		}
		cursor = got.text("meta.next_cursor")
	}
	if read != 3 {
		t.Errorf("read %d events, want 3", read)
	}
}

func TestReadFeed_ComingBackMarksAsReadWhatCameBefore(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path, _ := b.feed()
	log := strings.TrimSuffix(path, "events") + "deliveries"
	b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	first := b.do(http.StatusOK, "GET", path, "")
	if got := b.do(http.StatusOK, "GET", log, ""); got.text("data.0.status") != "pending" {
		t.Errorf("not acknowledged yet: %s", got.body)
	}
	b.do(http.StatusOK, "GET", path+"?cursor="+first.text("meta.next_cursor"), "")
	if got := b.do(http.StatusOK, "GET", log, ""); got.text("data.0.status") != "delivered" || got.text("data.0.reason") != "read" {
		t.Errorf("acknowledged: %s", got.body)
	}
	if got := b.do(http.StatusOK, "GET", strings.TrimSuffix(path, "/events"), ""); got.at("last_read_at") == nil {
		t.Errorf("nobody knows that it was read: %s", got.body)
	}
}

func TestReadFeed_WaitsForSomethingToArrive(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path, _ := b.feed()
	got := make(chan answer)
	go func() { got <- b.send(b.admin, "GET", path+"?wait=30", "") }()
	b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	select {
	case a := <-got:
		if len(a.at("data").([]any)) != 1 {
			t.Errorf("answer %d %s", a.status, a.body)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the reader was not woken")
	}
}

func TestReadFeed_AServerThatStopsAnswersReadersAtOnce(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path, _ := b.feed()
	got := make(chan answer)
	go func() { got <- b.send(b.admin, "GET", path+"?wait=30", "") }()
	b.api.StopWaiting()
	select {
	case a := <-got:
		if a.status != http.StatusOK || a.text("meta.next_cursor") == "" {
			t.Errorf("answer %d %s", a.status, a.body)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the reader was kept waiting")
	}
}

func TestReadFeed_BadQueriesAreRefused(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path, _ := b.feed()
	other, _ := b.feed()
	cursor := b.do(http.StatusOK, "GET", other, "").text("meta.next_cursor")
	b.send(b.admin, "GET", path+"?cursor="+cursor, "").refuses(http.StatusBadRequest, "validation_error", "cursor", "not of this list")
	b.send(b.admin, "GET", path+"?wait=31", "").refuses(http.StatusBadRequest, "validation_error", "wait", "0 to 30")
	pushed := b.do(http.StatusCreated, "POST", "/v1/webhooks", push).text("id")
	b.send(b.admin, "GET", "/v1/webhooks/"+pushed+"/events", "").refuses(http.StatusConflict, "conflict", "", "")
}

// Contract section 16: a delivery's log, and a retry by hand.
func TestDeliveries_TheLogIsFilteredAndARetryIsAskedFor(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	path := "/v1/webhooks/" + b.do(http.StatusCreated, "POST", "/v1/webhooks", push).text("id")
	b.do(http.StatusOK, "POST", path+"/disable", "")
	b.do(http.StatusCreated, "POST", "/v1/signals", trial)
	for query, want := range map[string]int{
		"": 1, "?status=skipped": 1, "?status=failed": 0, "?event=signal.created": 1, "?event=signal.scored": 0,
		"?from=2020-01-01T00:00:00Z": 1, "?to=2020-01-01T00:00:00Z": 0,
	} {
		if got := len(b.do(http.StatusOK, "GET", path+"/deliveries"+query, "").at("data").([]any)); got != want {
			t.Errorf("deliveries%s: %d, want %d", query, got, want)
		}
	}
	b.send(b.admin, "GET", path+"/deliveries?status=lost", "").refuses(http.StatusBadRequest, "validation_error", "status", "pending")
	id := b.do(http.StatusOK, "GET", path+"/deliveries", "").text("data.0.id")
	b.send(b.admin, "POST", "/v1/deliveries/"+id+"/retry", "").refuses(http.StatusConflict, "conflict", "", "")
	b.do(http.StatusOK, "POST", path+"/enable", "")
	retried := b.do(http.StatusAccepted, "POST", "/v1/deliveries/"+id+"/retry", "")
	if retried.text("data.id") != id || retried.at("data.next_attempt_at") == nil {
		t.Errorf("answer %s", retried.body)
	}
	if got := b.do(http.StatusOK, "GET", "/v1/deliveries/"+id, ""); got.at("data.attempt_count").(json.Number) != "0" || got.text("data.url") == "" {
		t.Errorf("delivery %s", got.body)
	}
}
