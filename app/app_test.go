package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"signalbox/app"
	"signalbox/sign"
)

const bootstrap = "sk_live_bootstrap_key_of_the_tests_0001"

// server is the program on a data directory, in this process.
type server struct {
	*testing.T
	app  *app.App
	stop func()
}

// start runs the program; set may change its configuration.
func start(t *testing.T, dir string, set func(*app.Config)) *server {
	t.Helper()
	cfg := app.Config{Addr: "127.0.0.1:0", DataDir: dir, Dev: true, BootstrapAPIKey: bootstrap, Log: slog.New(slog.DiscardHandler)}
	if set != nil {
		set(&cfg)
	}
	a, err := app.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	s := &server{T: t, app: a}
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// call makes a request and returns the status and the decoded body.
func (s *server) call(method, path, body string) (int, map[string]any) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.app.URL()+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bootstrap)
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	var v map[string]any
	if len(text) > 0 && strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(text, &v); err != nil {
			s.Fatalf("%s %s answered %s: %v", method, path, text, err)
		}
	}
	return res.StatusCode, v
}

func (s *server) want(status int, method, path, body string) map[string]any {
	s.Helper()
	got, v := s.call(method, path, body)
	if got != status {
		s.Fatalf("%s %s answered %d %v, want %d", method, path, got, v, status)
	}
	return v
}

const signal = `{"type":"demo_requested","source":"website","contact":{"email":"jane.doe@acmecorp.com"}}`

// receiver collects what arrives; each request is answered with the status that mood gives.
type receiver struct {
	*httptest.Server
	got chan *http.Request
}

func newReceiver(t *testing.T, mood func(n int) int) *receiver {
	t.Helper()
	r := &receiver{got: make(chan *http.Request, 1000)}
	var mu sync.Mutex
	n := 0
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		mu.Lock()
		n++
		status := mood(n)
		mu.Unlock()
		w.WriteHeader(status)
		r.got <- req
	}))
	t.Cleanup(r.Close)
	return r
}

func always(status int) func(int) int { return func(int) int { return status } }

// next waits for a request.
func (r *receiver) next(t *testing.T) (*http.Request, []byte) {
	t.Helper()
	select {
	case req := <-r.got:
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Fatal(err)
		}
		return req, body
	case <-time.After(20 * time.Second):
		t.Fatal("nothing arrived within 20 s")
		return nil, nil
	}
}

// proves S0-22…S0-24, S1-18…S1-26, S1-28
func TestProgram_SignalBecomesASignedWebhook(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), nil)
	rec := newReceiver(t, always(200))
	hook := s.want(201, "POST", "/v1/webhooks", fmt.Sprintf(`{"url":%q,"events":["signal.created"]}`, rec.URL))
	receipt := s.want(201, "POST", "/v1/signals", signal)
	req, body := rec.next(t)
	secret, err := sign.ParseSecret(hook["secret"].(string))
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []sign.Scheme{sign.Standard, sign.Stairoids} {
		if err := sign.Verify(scheme, req.Header, body, []sign.Secret{secret}, time.Now()); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	var event struct {
		Data struct{ Signal struct{ ID string } }
	}
	if err := json.Unmarshal(body, &event); err != nil || event.Data.Signal.ID != receipt["id"] {
		t.Errorf("the webhook is about %s (%v), the answer about %s", event.Data.Signal.ID, err, receipt["id"])
	}
}

func TestProgram_WhatWasNotSentIsSentAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rec := newReceiver(t, always(200))
	first := start(t, dir, func(c *app.Config) { c.HoldDeliveries = true })
	first.want(201, "POST", "/v1/webhooks", fmt.Sprintf(`{"url":%q,"events":["signal.created"]}`, rec.URL))
	want := map[string]bool{}
	for range 20 {
		want[first.want(201, "POST", "/v1/signals", signal)["id"].(string)] = true
	}
	first.stop()
	if len(rec.got) != 0 {
		t.Fatalf("%d deliveries were sent although sending was held", len(rec.got))
	}
	start(t, dir, nil)
	for len(want) > 0 {
		_, body := rec.next(t)
		var event struct {
			Data struct{ Signal struct{ ID string } }
		}
		if err := json.Unmarshal(body, &event); err != nil {
			t.Fatal(err)
		}
		delete(want, event.Data.Signal.ID)
	}
}

func TestFirstStart_TellsItsKeyOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unset := func(c *app.Config) { c.BootstrapAPIKey = "" }
	s := start(t, dir, unset)
	first, ok := s.app.FirstStart()
	if !ok || !strings.HasPrefix(first.APIKey, "sk_live_") || !strings.HasPrefix(first.Workspace, "ws_") {
		t.Fatalf("the first start tells %+v, %t", first, ok)
	}
	s.stop()
	s = start(t, dir, unset) // nobody was shown that key: it is told again, and the one before is worth nothing
	unseen := first
	if first, ok = s.app.FirstStart(); !ok || first.APIKey == unseen.APIKey || first.Workspace != unseen.Workspace {
		t.Fatalf("the start after one that told nobody tells %+v, %t", first, ok)
	}
	if err := s.app.FirstStartShown(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.stop()
	s = start(t, dir, unset)
	if again, ok := s.app.FirstStart(); ok {
		t.Errorf("the second start tells %+v", again)
	}
	for key, want := range map[string]int{first.APIKey: 200, unseen.APIKey: 401} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.app.URL()+"/v1/workspace", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("a first start's key got %d after a restart, want %d", res.StatusCode, want)
		}
	}
}

func TestBootstrapKey_IsNeverUnrevoked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, nil)
	keys := s.want(200, "GET", "/v1/api-keys", "")["data"].([]any)
	s.want(204, "DELETE", "/v1/api-keys/"+keys[0].(map[string]any)["id"].(string), "")
	s.stop()
	s = start(t, dir, nil)
	if status, _ := s.call("GET", "/v1/workspace", ""); status != 401 {
		t.Errorf("the revoked bootstrap key got %d after a restart, want 401", status)
	}
}

func TestNew_RefusesASecretKeyThatCannotOpenTheDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := strings.Repeat("01", 31)+"02", strings.Repeat("03", 31)+"04"
	start(t, dir, func(c *app.Config) { c.SecretKey = one }).stop()
	_, err := app.New(t.Context(), app.Config{Addr: "127.0.0.1:0", DataDir: dir, SecretKey: two})
	if err == nil || !strings.Contains(err.Error(), "k_") {
		t.Fatalf("started with %v, want a refusal that names the key id wanted", err)
	}
	start(t, dir, func(c *app.Config) { c.SecretKey, c.OldSecretKeys = two, []string{one} }).stop()
}

func TestNew_TwoServersNeverShareADataDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir, nil)
	if _, err := app.New(t.Context(), app.Config{Addr: "127.0.0.1:0", DataDir: dir}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second server on the directory: %v, want a refusal that names it", err)
	}
}

func TestConfig_EveryProblemIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	err := app.Config{
		Addr: "8080", TLSCert: "/does/not/exist", PublicURL: "signals.example.com", SecretKey: "short",
		AllowTargets: []string{"http://x"}, RetentionEventDays: -1,
	}.Check()
	for _, flag := range []string{"--addr", "--tls-cert", "--public-url", "--secret-key", "--allow-target", "--retention-event-days"} {
		if err == nil || !strings.Contains(err.Error(), flag+":") {
			t.Errorf("%v does not name %s", err, flag)
		}
	}
	if err := (app.Config{}).Check(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}

func TestMetrics_PassPromtool(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing: install Debian's package prometheus, or run the tools part of internal/testall")
	}
	s := start(t, t.TempDir(), nil)
	rec := newReceiver(t, always(200))
	s.want(201, "POST", "/v1/webhooks", fmt.Sprintf(`{"url":%q,"events":["signal.created"]}`, rec.URL))
	s.want(201, "POST", "/v1/signals", signal)
	rec.next(t)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(s.app.URL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("\nsignalbox_signals_total 1\n")) {
		t.Errorf("the signal is not counted in\n%s", text)
	}
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

func TestHealth_SaysReady(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), nil)
	s.want(200, "GET", "/healthz", "")
	s.want(200, "GET", "/readyz", "")
}
