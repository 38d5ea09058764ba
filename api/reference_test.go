package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"signalbox/api"
)

func TestReference_LoadsFromThisServerOnly(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	page := b.send("", "GET", "/docs", "")
	policy := page.header.Get("Content-Security-Policy")
	if page.status != http.StatusOK || page.header.Get("Content-Type") != "text/html; charset=utf-8" ||
		!strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self';") || strings.Contains(policy, "http") {
		t.Errorf("%d %v", page.status, page.header)
	}
	scripts := regexp.MustCompile(`<script([^>]*)>([^<]*)</script>`).FindAllStringSubmatch(string(page.body), -1)
	if len(scripts) != 2 || strings.Contains(string(page.body), "<style") || strings.Contains(string(page.body), "://") {
		t.Fatalf("page %s", page.body)
	}
	for _, script := range scripts {
		src := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(script[1]), `src="`), `"`)
		got := b.send("", "GET", src, "")
		if script[2] != "" || got.status != http.StatusOK || got.header.Get("Content-Type") != "text/javascript; charset=utf-8" || len(got.body) == 0 {
			t.Errorf("%s: %d %v, %d bytes; inline %q", src, got.status, got.header, len(got.body), script[2])
		}
	}
	for _, off := range []string{"withDefaultFonts: false", "telemetry: false", "hideClientButton: true", "agent: { disabled: true }", "mcp: { disabled: true }"} {
		if setup := b.send("", "GET", "/docs/setup.js", ""); !strings.Contains(string(setup.body), off) {
			t.Errorf("setup.js does not say %s", off)
		}
	}
}

func TestReference_ProgramIsTheSameGzippedOrNot(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	unpacked := b.send("", "GET", "/docs/scalar.js", "") // the client asks for gzip by itself, and unpacks
	plain := b.send("", "GET", "/docs/scalar.js", "", "Accept-Encoding", "identity")
	if string(unpacked.body) != string(plain.body) || !strings.Contains(string(plain.body), "createApiReference") || plain.header.Get("Content-Encoding") != "" {
		t.Errorf("%d and %d bytes, %v", len(unpacked.body), len(plain.body), plain.header)
	}
}

func TestServer_BoundsWhatASlowClientCanHold(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	s := api.NewServer(b.api)
	if s.ReadHeaderTimeout != 10*time.Second || s.ReadTimeout != 30*time.Second || s.IdleTimeout != 120*time.Second || s.MaxHeaderBytes != 64<<10 {
		t.Errorf("%v %v %v %d", s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout, s.MaxHeaderBytes)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", b.server.URL+"/v1/workspace", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Long", strings.Repeat("x", 80<<10))
	resp, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge { // net/http refuses it before there is a request
		t.Errorf("80 KiB of headers: %d", resp.StatusCode)
	}
}

func TestLog_HasOneWideLineForEveryChange(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	read := b.do(http.StatusOK, "GET", "/v1/workspace", "").header.Get("X-Request-Id")
	made := b.do(http.StatusCreated, "POST", "/v1/signals", trial).header.Get("X-Request-Id")
	line := b.line(made)
	for _, fact := range []string{"request.finished", "operation=createSignal", "status=201", "workspace_id=ws_", "key_id=key_", "took="} {
		if !strings.Contains(line, fact) {
			t.Errorf("no %s in %s", fact, line)
		}
	}
	if log := b.log.String(); strings.Count(log, made) != 1 || strings.Contains(log, read) {
		t.Errorf("lines: %s", log)
	}
}
