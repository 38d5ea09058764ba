package api_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"signalbox/egress"
)

// until asks for a path until what it answers is as wanted.
func (b *box) until(path string, good func(answer) bool) answer {
	b.Helper()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		a := b.do(http.StatusOK, "GET", path, "")
		if good(a) {
			return a
		}
		select {
		case <-tick.C:
		case <-end.C:
			b.Fatalf("%s answers %s", path, a.body)
		}
	}
}

func TestOverview_GettingStartedNoticesByItself(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		empty := b.do(http.StatusOK, "GET", "/v1/overview", "")
		for _, path := range []string{"getting_started.first_signal_at", "getting_started.first_webhook_at", "getting_started.first_delivery_at", "deliveries.success_rate_24h", "deliveries.oldest_pending_at"} {
			if empty.at("data."+path) != nil {
				b.Errorf("%s in %s", path, empty.body)
			}
		}
		if minutes := empty.at("data.signals.per_minute").([]any); len(minutes) != 60 {
			b.Errorf("%d minutes", len(minutes))
		}
		hook := b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://example.com/hook","events":["signal.created"]}`).text("id")
		b.do(http.StatusOK, "POST", "/v1/webhooks/"+hook+"/test", "")
		if got := b.do(http.StatusOK, "GET", "/v1/overview", ""); got.text("data.getting_started.first_delivery_at") == "" || got.at("data.deliveries.success_rate_24h") != nil || got.text("data.getting_started.first_webhook_at") == "" {
			b.Errorf("after a test call: %s", got.body)
		}
		b.do(http.StatusCreated, "POST", "/v1/signals", trial)
		got := b.until("/v1/overview", func(a answer) bool { return a.at("data.deliveries.success_rate_24h") != nil })
		for path, want := range map[string]json.Number{
			"signals.total": "1", "signals.last_24h": "1", "deliveries.pending": "0", "deliveries.delivered_24h": "1", "deliveries.failed_24h": "0",
			"deliveries.success_rate_24h": "1", "webhooks.enabled": "1", "webhooks.disabled": "0", "webhooks.failing": "0",
		} {
			if got.at("data."+path) != want {
				b.Errorf("%s is %v, want %s", path, got.at("data."+path), want)
			}
		}
	})
}

func TestWebhookHealth_ShowsTroubleAtTheFirstAttempt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		b.world.mu.Lock()
		b.world.answer = func(egress.Request) egress.Result {
			return egress.Result{Status: 500, Header: http.Header{}, RemoteAddr: "203.0.113.7:443", Timings: egress.Timings{Total: time.Millisecond}}
		}
		b.world.mu.Unlock()
		hook := b.do(http.StatusCreated, "POST", "/v1/webhooks", `{"url":"https://example.com/hook","events":["signal.created"]}`).text("id")
		path := "/v1/webhooks/" + hook + "/health"
		if got := b.do(http.StatusOK, "GET", path, ""); got.at("data.success_rate_7d") != nil || got.at("data.p95_ms") != nil || len(got.at("data.hours").([]any)) != 168 {
			b.Errorf("before anything: %s", got.body)
		}
		b.do(http.StatusCreated, "POST", "/v1/signals", trial)
		got := b.until(path, func(a answer) bool { return a.at("data.success_rate_24h") != nil })
		if got.at("data.success_rate_24h").(json.Number) != "0" || got.at("data.pending").(json.Number) != "1" || got.text("data.oldest_pending_at") == "" || got.at("data.p50_ms") == nil {
			b.Errorf("health %s", got.body)
		}
		if o := b.do(http.StatusOK, "GET", "/v1/overview", ""); o.at("data.webhooks.failing").(json.Number) != "1" || o.at("data.deliveries.failed_24h").(json.Number) != "0" {
			b.Errorf("overview %s", o.body)
		}
		_, foreign := b.workspace("Globex")
		b.send(foreign, "GET", path, "").refuses(http.StatusNotFound, "webhook_not_found", "", "no such webhook")
	})
}
