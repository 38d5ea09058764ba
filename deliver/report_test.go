package deliver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"signalbox"
	"signalbox/deliver"
	"signalbox/egress"
)

// House style, Logging: one wide line per finished thing.
func TestReport_OneLinePerAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		first := true
		r := newRig(t, func(context.Context, egress.Request) egress.Result {
			time.Sleep(30 * time.Millisecond)
			defer func() { first = false }()
			if first {
				return answer(503)
			}
			return answer(200)
		}, func(c *deliver.Config) {
			c.Log = slog.New(slog.NewJSONHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		wh := r.webhook(1, nil)
		d, _ := r.submit(wh)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines, want one per attempt:\n%s", len(lines), text.String())
		}
		row := r.model.row(d)
		for i, want := range []map[string]any{
			{"level": "INFO", "state": "retrying", "status_code": 503., "attempt": 1., "of": 6., "reason": "http_503: the receiver answered 503 Service Unavailable", "duration": 30e6},
			{"level": "DEBUG", "state": "delivered", "status_code": 200., "attempt": 2., "of": 6., "duration": 30e6},
		} {
			var got map[string]any
			if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
				t.Fatal(err)
			}
			want["msg"] = "delivery.attempted"
			want["delivery_id"] = r.codec.Format(signalbox.KindDelivery, int64(d))
			want["event_id"] = r.codec.Format(signalbox.KindEvent, int64(row.Event))
			want["webhook_id"] = r.codec.Format(signalbox.KindWebhook, 1)
			want["workspace_id"] = r.codec.Format(signalbox.KindWorkspace, int64(workspace))
			for name, value := range want {
				if got[name] != value {
					t.Errorf("line %d: %s is %v, want %v", i+1, name, got[name], value)
				}
			}
			if _, next := got["next"]; next != (i == 0) {
				t.Errorf("line %d: next is told: %v", i+1, next)
			}
		}
		if strings.Contains(text.String(), "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") || strings.Contains(text.String(), wh.URL) {
			t.Error("the log holds the secret or the url")
		}
	})
}

func TestMetrics_CountAttemptsAndAreCleanForPromtool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		r := newRig(t, func(context.Context, egress.Request) egress.Result { return answer(404) }, func(c *deliver.Config) { c.Metrics = registry })
		r.submit(r.webhook(1, nil))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		problems, err := promlint.NewWithMetricFamilies(families).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("lint: %v %v", problems, err)
		}
		got := map[string]float64{}
		for _, f := range families {
			m := f.GetMetric()[0]
			got[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
		for name, want := range map[string]float64{
			"signalbox_delivery_attempts_total": 3, "signalbox_delivery_attempt_duration_seconds": 3, "signalbox_delivery_latency_seconds": 1,
			"signalbox_delivery_settle_batch_size": 3, "signalbox_delivery_lanes": 1, "signalbox_delivery_in_flight": 0, "signalbox_delivery_queued": 0,
			"signalbox_delivery_unsettled": 0, "signalbox_delivery_held_bytes": 0,
		} {
			if have, ok := got[name]; !ok || have != want {
				t.Errorf("%s is %v, want %v", name, have, want)
			}
		}
	})
}
