package retry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/retry"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func pending() signalbox.Delivery {
	return signalbox.Delivery{ID: 7, State: signalbox.Pending, DueAt: now}
}

func judge(o retry.Outcome, d signalbox.Delivery) retry.Verdict {
	return retry.Judge(o, d, retry.Stairoids(), now, 0)
}

// proves S1-33, S1-34: any 2xx is success, every other status is a failure that is retried, but for 410, which ends it.
func TestJudge_EveryStatusOfTheCatalogue(t *testing.T) {
	t.Parallel()
	for status := 100; status <= 599; status++ {
		v := judge(retry.Outcome{Status: status}, pending())
		word := fmt.Sprintf("http_%d", status)
		switch {
		case status/100 == 2:
			want := retry.Verdict{State: signalbox.Delivered, Attempts: 1}
			if v != want {
				t.Errorf("%d: got %+v, want %+v", status, v, want)
			}
			continue
		case status == http.StatusGone:
			if v.State != signalbox.Failed || v.DisableWebhook != "gone_410" || !v.DueAt.IsZero() {
				t.Errorf("410: got %+v, want it failed and the webhook disabled", v)
			}
		default:
			if v.State != signalbox.Retrying || !v.DueAt.Equal(now.Add(time.Minute)) || v.DisableWebhook != "" {
				t.Errorf("%d: got %+v, want a retry in a minute", status, v)
			}
		}
		if v.Reason != word || v.Attempts != 1 || v.Released || !strings.HasPrefix(v.Text, word+": ") {
			t.Errorf("%d: got %+v, want reason %s, one attempt and a text", status, v, word)
		}
		if redirect := strings.Contains(v.Text, "redirects are not followed"); redirect != (status/100 == 3) {
			t.Errorf("%d: text %q", status, v.Text)
		}
		if text := http.StatusText(status); !strings.Contains(v.Text, text) {
			t.Errorf("%d: text %q does not say %q", status, v.Text, text)
		}
	}
}

// proves S1-44: without a complete answer in time it is a failure, even if the head of the answer said 200.
func TestJudge_EveryNetworkFailureIsRetried(t *testing.T) {
	t.Parallel()
	failures := []retry.Failure{retry.RefusedTarget, retry.DNS, retry.Connect, retry.TLS, retry.Timeout, retry.ConnectionLost, retry.ProtocolError, retry.Unprepared}
	for _, failure := range failures {
		for _, status := range []int{0, 200, 410} {
			v := judge(retry.Outcome{Status: status, Failure: failure, Detail: "what happened"}, pending())
			want := retry.Verdict{State: signalbox.Retrying, Reason: string(failure), Text: string(failure) + ": what happened", Attempts: 1, DueAt: now.Add(time.Minute)}
			if v != want {
				t.Errorf("%s with status %d: got %+v, want %+v", failure, status, v, want)
			}
		}
	}
}

// proves S1-35…S1-40
func TestJudge_TheScheduleOfTheDocuments(t *testing.T) {
	t.Parallel()
	waits := []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 8 * time.Hour}
	for _, jitter := range []float64{0, 0.5, 1} {
		d, at := pending(), now
		for i, wait := range waits {
			v := retry.Judge(retry.Outcome{Status: 503}, d, retry.Stairoids(), at, jitter)
			wantDue := at.Add(wait + time.Duration(float64(wait)*0.1*jitter))
			if v.State != signalbox.Retrying || v.Attempts != i+1 || !v.DueAt.Equal(wantDue) {
				t.Fatalf("jitter %v, failure %d: got %+v, want a retry at %v", jitter, i+1, v, wantDue)
			}
			d.State, d.Reason, d.Attempts, d.DueAt, at = v.State, v.Reason, v.Attempts, v.DueAt, v.DueAt
		}
		v := retry.Judge(retry.Outcome{Status: 503}, d, retry.Stairoids(), at, jitter)
		if v.State != signalbox.Failed || v.Attempts != 6 || !v.DueAt.IsZero() || v.Reason != "http_503" {
			t.Errorf("jitter %v, sixth failure: got %+v, want failed for good", jitter, v)
		}
	}
}

func TestJudge_RetryAfterIsNeverShortened(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, header string
		want         time.Duration
	}{
		{"none", "", time.Minute},
		{"seconds", "600", 10 * time.Minute},
		{"seconds with spaces", "  600 ", 10 * time.Minute},
		{"shorter than the schedule", "5", time.Minute},
		{"zero", "0", time.Minute},
		{"a day", "86400", 24 * time.Hour},
		{"more than a day is a day", "86401", 24 * time.Hour},
		{"more digits than a number holds", "99999999999999999999999", 24 * time.Hour},
		{"beyond what a duration holds", "9223372036854775807", 24 * time.Hour},
		{"negative", "-600", time.Minute},
		{"a fraction", "600.5", time.Minute},
		{"words", "soon", time.Minute},
		{"IMF-fixdate", now.Add(20 * time.Minute).Format(http.TimeFormat), 20 * time.Minute},
		{"RFC 850 date", now.Add(20 * time.Minute).Format("Monday, 02-Jan-06 15:04:05 GMT"), 20 * time.Minute},
		{"asctime date", now.Add(20 * time.Minute).Format(time.ANSIC), 20 * time.Minute},
		{"a date in the past", now.Add(-time.Hour).Format(http.TimeFormat), time.Minute},
		{"a date far away", "Fri, 31 Dec 9999 23:59:59 GMT", 24 * time.Hour},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []int{302, 429, 500, 503} {
				v := judge(retry.Outcome{Status: status, RetryAfter: c.header}, pending())
				if got := v.DueAt.Sub(now); got != c.want {
					t.Errorf("%d with %q: waits %v, want %v", status, c.header, got, c.want)
				}
			}
		})
	}
}

func TestJudge_RetryAfterNeverAddsAnAttempt(t *testing.T) {
	t.Parallel()
	d := pending()
	d.State, d.Attempts = signalbox.Retrying, 5
	if v := judge(retry.Outcome{Status: 503, RetryAfter: "60"}, d); v.State != signalbox.Failed {
		t.Errorf("got %+v, want failed", v)
	}
}

func TestJudge_ACutAttemptIsNotCounted(t *testing.T) {
	t.Parallel()
	d := pending()
	d.State, d.Attempts, d.Reason = signalbox.Retrying, 3, "http_500"
	v := judge(retry.Outcome{Cut: true, Failure: retry.Timeout}, d)
	want := retry.Verdict{State: signalbox.Retrying, Reason: "http_500", Attempts: 3, DueAt: now, Released: true}
	if v != want {
		t.Errorf("got %+v, want %+v", v, want)
	}
}

func TestJudge_ManualFailureLeavesTheSchedule(t *testing.T) {
	t.Parallel()
	due := now.Add(2 * time.Hour)
	cases := []struct {
		name   string
		resume signalbox.Resume
		status int
		want   retry.Verdict
	}{
		{"retrying goes on", signalbox.Resume{State: signalbox.Retrying, Reason: "timeout", DueAt: due}, 500, retry.Verdict{State: signalbox.Retrying, Reason: "timeout", Attempts: 4, DueAt: due}},
		{"failed stays failed", signalbox.Resume{State: signalbox.Failed, Reason: "http_503"}, 500, retry.Verdict{State: signalbox.Failed, Reason: "http_503", Attempts: 4}},
		{"skipped stays skipped", signalbox.Resume{State: signalbox.Skipped, Reason: signalbox.ReasonDisabled}, 500, retry.Verdict{State: signalbox.Skipped, Reason: signalbox.ReasonDisabled, Attempts: 4}},
		{"delivered stays delivered", signalbox.Resume{State: signalbox.Delivered}, 500, retry.Verdict{State: signalbox.Delivered, Attempts: 4}},
		{"open without a time is due now", signalbox.Resume{State: signalbox.Pending}, 500, retry.Verdict{State: signalbox.Pending, Attempts: 4, DueAt: now}},
		{"410 ends an open one", signalbox.Resume{State: signalbox.Retrying, Reason: "timeout", DueAt: due}, 410, retry.Verdict{State: signalbox.Failed, Reason: "http_410", Attempts: 4, DisableWebhook: "gone_410"}},
		{"410 leaves a final one", signalbox.Resume{State: signalbox.Delivered}, 410, retry.Verdict{State: signalbox.Delivered, Attempts: 4, DisableWebhook: "gone_410"}},
		{"success delivers", signalbox.Resume{State: signalbox.Failed, Reason: "http_503"}, 204, retry.Verdict{State: signalbox.Delivered, Attempts: 5}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := signalbox.Delivery{State: signalbox.Retrying, Reason: signalbox.ReasonManual, Attempts: 4, Manual: &c.resume}
			got := judge(retry.Outcome{Status: c.status}, d)
			if text := got.Text; (text == "") != (c.status == 204) {
				t.Errorf("text %q: a failed attempt explains itself in the log", text)
			}
			if got.Text = ""; got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// proves S1-11 in part: a test call answers at once, whatever comes.
func TestJudge_TestCallEndsAtOnce(t *testing.T) {
	t.Parallel()
	d := pending()
	d.Test = true
	for _, o := range []retry.Outcome{{Status: 500, RetryAfter: "60"}, {Failure: retry.DNS}, {Status: 301}, {Cut: true}} {
		v := judge(o, d)
		if v.State != signalbox.Failed || !v.DueAt.IsZero() || v.Released || v.Reason == "" || v.Text == "" {
			t.Errorf("%+v: got %+v, want failed at once with a reason", o, v)
		}
	}
	if v := judge(retry.Outcome{Status: 200}, d); v.State != signalbox.Delivered {
		t.Errorf("200: got %+v, want delivered", v)
	}
}

func TestJudge_DueTimesAreStorable(t *testing.T) {
	t.Parallel()
	at := now.Add(1)
	v := retry.Judge(retry.Outcome{Status: 500}, pending(), retry.Stairoids(), at, 0)
	if want := now.Add(time.Minute + time.Microsecond); !v.DueAt.Equal(want) {
		t.Errorf("due %v, want %v: whole microseconds, rounded up", v.DueAt, want)
	}
}

// The invariants of the package comment, for any input.
func TestJudge_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o, d, s := outcomes(t), deliveries(t), schedules(t)
		at := now.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "at")))
		low := rapid.Float64Range(-1, 2).Draw(t, "jitter")
		high := rapid.Float64Range(low, 2).Draw(t, "more jitter")
		v, later := retry.Judge(o, d, s, at, low), retry.Judge(o, d, s, at, high)

		if v.State.Open() == v.DueAt.IsZero() {
			t.Fatalf("%+v: open and due must go together", v)
		}
		if later.DueAt.Before(v.DueAt) {
			t.Fatalf("more jitter is earlier: %v, %v", v.DueAt, later.DueAt)
		}
		if v.Attempts < d.Attempts || v.Attempts > d.Attempts+1 {
			t.Fatalf("attempts went from %d to %d", d.Attempts, v.Attempts)
		}
		if v.State == signalbox.Delivered && d.Manual == nil && (o.Cut || o.Failure != "" || o.Status/100 != 2) {
			t.Fatalf("delivered by %+v", o)
		}
		if v.State == signalbox.Retrying && d.Manual == nil && !o.Cut {
			wait := s[d.Attempts]
			if early := at.Add(wait); v.DueAt.Before(early) {
				t.Fatalf("due %v, before %v", v.DueAt, early)
			}
			longest := max(wait, retry.MaxRetryAfter)
			if late := at.Add(longest + longest/10 + time.Microsecond); v.DueAt.After(late) {
				t.Fatalf("due %v, after %v", v.DueAt, late)
			}
		}
	})
}

func outcomes(t *rapid.T) retry.Outcome {
	o := retry.Outcome{Cut: rapid.IntRange(0, 9).Draw(t, "cut") == 0}
	o.Status = rapid.IntRange(0, 999).Draw(t, "status")
	o.RetryAfter = rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[0-9]{1,25}`), rapid.String()).Draw(t, "retry-after")
	o.Failure = rapid.SampledFrom([]retry.Failure{"", "", retry.DNS, retry.Timeout}).Draw(t, "failure")
	return o
}

func deliveries(t *rapid.T) signalbox.Delivery {
	d := pending()
	d.Attempts = rapid.IntRange(0, 8).Draw(t, "attempts")
	if d.Attempts > 0 {
		d.State = signalbox.Retrying
	}
	d.Test = rapid.IntRange(0, 9).Draw(t, "test") == 0
	if rapid.IntRange(0, 4).Draw(t, "manual") == 0 {
		d.Manual = &signalbox.Resume{State: rapid.SampledFrom([]signalbox.DeliveryState{signalbox.Failed, signalbox.Delivered, signalbox.Skipped}).Draw(t, "resume")}
	}
	return d
}

func schedules(t *rapid.T) retry.Schedule {
	wait := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, int64(72*time.Hour)).Draw(t, "wait"))
	})
	return rapid.SliceOfN(wait, 0, 8).Draw(t, "schedule")
}

func FuzzJudge_RetryAfter(f *testing.F) {
	for _, seed := range []string{"", "120", "-1", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999999999", "1e9", "\x00", "٣"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		v := judge(retry.Outcome{Status: 503, RetryAfter: header}, pending())
		if wait := v.DueAt.Sub(now); wait < time.Minute || wait > retry.MaxRetryAfter {
			t.Errorf("Retry-After %q waits %v", header, wait)
		}
	})
}
