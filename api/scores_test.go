package api_test

import (
	"encoding/json"
	"math"
	"net/http"
	"testing"
	"time"
)

// proves contract section 6: an explanation sums to the points, at any time
func TestScore_IsExplainedAtAnyTime(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		old := time.Now().Add(-14 * 24 * time.Hour).UTC().Format(time.RFC3339)
		acc := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"form_submit","source":"s","account":{"domain":"acme.com"},"contact":{"email":"jane@acme.com"},"occurred_at":"`+old+`"}`).text("account_id")
		for range 3 {
			b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"meeting_booked","source":"s","account":{"domain":"acme.com"}}`)
		}
		number := func(v any) float64 {
			f, err := v.(json.Number).Float64()
			if err != nil {
				b.Fatal(err)
			}
			return f
		}
		explained := func(query string, signals int, points float64) {
			b.Helper()
			got := b.do(http.StatusOK, "GET", "/v1/accounts/"+acc+"/score"+query, "")
			list := got.at("data.contributions").([]any)
			sum := number(got.at("data.rest.points"))
			for _, c := range list {
				sum += number(c.(map[string]any)["decayed_points"])
			}
			if p := number(got.at("data.points")); len(list) != signals || math.Abs(sum-p) > 1e-9 || math.Abs(p-points) > 0.01 {
				b.Errorf("%s: %d contributions sum to %v of %v points, want %d and %v: %s", query, len(list), sum, p, signals, points, got.body)
			}
		}
		explained("", 4, 49) // 75 are capped at 40, and 9 of 18 are left
		explained("?at="+old, 1, 18)
		explained("?at="+time.Now().Add(14*24*time.Hour).UTC().Format(time.RFC3339), 4, 37.5+4.5)
		explained("?at=2020-01-01T00:00:00Z", 0, 0)
		if got := b.do(http.StatusOK, "GET", "/v1/accounts/"+acc+"/score", ""); got.text("data.stage") != "Warm" || number(got.at("data.score")) != 49 {
			b.Errorf("it stands at %s", got.body)
		}
		b.send(b.admin, "GET", "/v1/accounts/"+acc+"/score?at=yesterday", "").refuses(http.StatusBadRequest, "validation_error", "at", "")
		b.send(b.admin, "GET", "/v1/accounts/acc_x/score", "").refuses(http.StatusNotFound, "account_not_found", "", "")
	})
}
