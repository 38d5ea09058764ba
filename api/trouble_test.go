package api_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/api"
)

// moody answers signals as it is told to.
type moody struct {
	api.Signals
	submit func() (signalbox.Receipt, error)
	full   error     // what Room says
	asked  func(int) // of Room
}

func (m moody) Submit(context.Context, signalbox.WorkspaceID, signalbox.KeyID, signalbox.SignalInput) (signalbox.Receipt, error) {
	return m.submit()
}

func (m moody) Room(_ signalbox.WorkspaceID, signals int) error {
	if m.asked != nil {
		m.asked(signals)
	}
	return m.full
}

func (m moody) SubmitBatch(_ context.Context, _ signalbox.WorkspaceID, _ signalbox.KeyID, in []signalbox.SignalInput) ([]signalbox.Verdict, error) {
	out := make([]signalbox.Verdict, len(in))
	for i := range out {
		out[i].Receipt, out[i].Err = m.submit()
	}
	return out, nil
}

func TestTrouble_EachRefusalHasItsStatusAndHeaders(t *testing.T) {
	t.Parallel()
	var mood atomic.Value
	b := newBox(t, func(c *api.Config) {
		c.Signals = moody{submit: func() (signalbox.Receipt, error) { return signalbox.Receipt{}, *mood.Load().(*error) }}
	})
	reset := time.Unix(1_900_000_000, 0)
	for _, c := range []struct {
		err    error
		status int
		code   string
		header map[string]string
	}{
		{&signalbox.Error{Code: signalbox.Overloaded, Msg: "m", RetryAfter: 1500 * time.Millisecond}, 503, "overloaded", map[string]string{"Retry-After": "2"}},
		{&signalbox.Error{Code: signalbox.Unavailable, Msg: "m", RetryAfter: time.Second, Err: errors.New("disk full at /var/secret")}, 503, "unavailable", map[string]string{"Retry-After": "1"}},
		{signalbox.Errorf(signalbox.InProgress, "m"), 409, "idempotency_in_progress", nil},
		{signalbox.Errorf(signalbox.Conflict, "m"), 409, "conflict", nil},
		{signalbox.Errorf(signalbox.UnknownSignalType, "m"), 400, "unknown_signal_type", nil},
		{&signalbox.Error{Code: signalbox.RateLimited, Msg: "m", RetryAfter: 30 * time.Second, Quota: &signalbox.Quota{Limit: 500, Reset: reset}}, 429, "rate_limited",
			map[string]string{"Retry-After": "30", "X-Ratelimit-Limit": "500", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1900000000"}},
	} {
		mood.Store(&c.err)
		got := b.send(b.admin, "POST", "/v1/signals", trial)
		got.refuses(c.status, c.code, "", "m")
		for name, want := range c.header {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", c.code, name, got.header.Get(name), want)
			}
		}
		if strings.Contains(string(got.body), "secret") {
			t.Errorf("the cause was shown: %s", got.body)
		}
	}
}

func TestTrouble_WithoutRoomTheBodyIsNotEvenRead(t *testing.T) {
	t.Parallel()
	full := &signalbox.Error{Code: signalbox.Overloaded, Msg: "m", RetryAfter: time.Second}
	var asked atomic.Int64
	b := newBox(t, func(c *api.Config) {
		c.Signals = moody{full: full, asked: func(n int) { asked.Store(int64(n)) }}
	})
	long := `{"malformed` + strings.Repeat(" ", 60_000)
	for path, want := range map[string]int64{"/v1/signals": 1, "/v1/signals/batch": 100} {
		got := b.send(b.admin, "POST", path, long)
		if asked.Load() != want {
			t.Errorf("%s asked for room for %d signals in %d bytes, want %d", path, asked.Load(), len(long), want)
		}
		got.refuses(http.StatusServiceUnavailable, "overloaded", "", "m")
		if got.header.Get("Retry-After") != "1" {
			t.Errorf("%s: Retry-After is %q, want 1", path, got.header.Get("Retry-After"))
		}
	}
}

func TestTrouble_WhatIsOursIsLoggedAndNeverShown(t *testing.T) {
	t.Parallel()
	for name, submit := range map[string]func() (signalbox.Receipt, error){
		"error": func() (signalbox.Receipt, error) {
			return signalbox.Receipt{}, errors.New("SELECT planted FROM secrets")
		},
		"internal": func() (signalbox.Receipt, error) {
			return signalbox.Receipt{}, signalbox.Errorf(signalbox.Internal, "planted")
		},
		"panic": func() (signalbox.Receipt, error) { panic("planted") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, func(c *api.Config) { c.Signals = moody{submit: submit} })
			got := b.send(b.admin, "POST", "/v1/signals", trial)
			got.refuses(http.StatusInternalServerError, "internal_error", "", "request id")
			if strings.Contains(string(got.body), "planted") {
				t.Errorf("shown: %s", got.body)
			}
			if line := b.line(got.header.Get("X-Request-Id")); !strings.Contains(line, "planted") || !strings.Contains(line, "level=WARN") {
				t.Errorf("logged: %s", line)
			}
			b.do(http.StatusOK, "GET", "/v1/signals", "") // the next request is served
			if name == "panic" {
				return
			}
			batch := b.do(http.StatusOK, "POST", "/v1/signals/batch", `{"signals":[`+trial+`]}`)
			if batch.text("data.results.0.status") != "failed" || strings.Contains(string(batch.body), "planted") {
				t.Errorf("batch: %s", batch.body)
			}
		})
	}
}

func TestReceipt_LimitsAreSaidWhereTheyApply(t *testing.T) {
	t.Parallel()
	quota := &signalbox.Quota{Limit: 10, Remaining: 3, Reset: time.Unix(1_900_000_000, 0)}
	b := newBox(t, func(c *api.Config) {
		c.Signals = moody{submit: func() (signalbox.Receipt, error) { return signalbox.Receipt{ID: 1, Quota: quota}, nil }}
	})
	for path, body := range map[string]string{"/v1/signals": trial, "/v1/signals/batch": `{"signals":[` + trial + `]}`} {
		got := b.send(b.admin, "POST", path, body)
		if h := got.header; h.Get("X-RateLimit-Limit") != "10" || h.Get("X-RateLimit-Remaining") != "3" || h.Get("X-RateLimit-Reset") != "1900000000" {
			t.Errorf("POST %s: %v", path, h)
		}
	}
}

func TestLimits_OtherRequestsAreCountedInASlidingMinute(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.do(http.StatusOK, "PATCH", "/v1/workspace", `{"limits":{"requests":{"per_minute":3,"per_day":100}}}`)
	for left := 2; left >= 0; left-- {
		got := b.do(http.StatusOK, "GET", "/v1/workspace", "")
		if h := got.header; h.Get("X-RateLimit-Limit") != "3" || h.Get("X-RateLimit-Remaining") != string(rune('0'+left)) {
			t.Fatalf("with %d left: %v", left, h)
		}
	}
	got := b.send(b.admin, "GET", "/v1/workspace", "")
	got.refuses(http.StatusTooManyRequests, "rate_limited", "", "limit")
	if got.header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	b.do(http.StatusCreated, "POST", "/v1/signals", trial) // signals are counted apart
}

func TestLimits_RoomComesBackAsTheMinuteSlides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := api.NewWindow()
		rate := signalbox.Rate{PerMinute: 2, PerDay: 5}
		take := func(want bool, limit, left int) {
			t.Helper()
			q, ok := w.Count(rate, time.Now())
			if ok != want || q.Limit != limit || q.Remaining != left {
				t.Errorf("at %s: %v %+v, want %v, %d of %d left", time.Now().Format(time.TimeOnly), ok, q, want, left, limit)
			}
		}
		take(true, 2, 1) // 00:00:00
		time.Sleep(30 * time.Second)
		take(true, 2, 0)  // 00:00:30
		take(false, 2, 0) // refused requests count nothing
		time.Sleep(30 * time.Second)
		take(true, 2, 0) // 00:01:00: the first has left the minute
		time.Sleep(time.Minute)
		take(true, 5, 1) // of the two windows, the one with least left; at equality the day
		take(true, 5, 0)
		time.Sleep(time.Minute)
		take(false, 5, 0) // the day is used up
		time.Sleep(24 * time.Hour)
		take(true, 2, 1)
	})
}

func TestReady_SaysWhetherSignalsCanBeTaken(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	b := newBox(t, func(c *api.Config) {
		c.Ready = func(context.Context) error {
			if down.Load() {
				return errors.New("no space left on /planted")
			}
			return nil
		}
	})
	if got := b.send("", "GET", "/readyz", ""); got.status != 200 || string(got.body) != `{"status":"ready"}` {
		t.Errorf("%d %s", got.status, got.body)
	}
	down.Store(true)
	got := b.send("", "GET", "/readyz", "")
	got.refuses(http.StatusServiceUnavailable, "unavailable", "", "not ready")
	if strings.Contains(string(got.body), "planted") || got.header.Get("Retry-After") == "" {
		t.Errorf("%v %s", got.header, got.body)
	}
	if got := b.send("", "GET", "/healthz", ""); got.status != 200 || string(got.body) != `{"status":"ok"}` {
		t.Errorf("%d %s", got.status, got.body)
	}
	b.send("", "GET", "/metrics", "").refuses(http.StatusNotFound, "not_found", "", "metrics")
}

func TestRefusals_EachIsExplainedInTheDocs(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range api.Refusals() {
		if !strings.Contains(string(docs), "\n## "+string(r.Code)+"\n") {
			t.Errorf("docs/errors.md has no section %s", r.Code)
		}
	}
}
