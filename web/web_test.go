package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"signalbox/web"
)

// fromAPI is what the API of these tests answers to whatever comes through.
const fromAPI = "the API"

// serve makes a dashboard in front of an API that answers all alike.
func serve(t *testing.T, dev bool) http.Handler {
	t.Helper()
	h, err := web.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, fromAPI)
	}), dev)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// get asks for a path; headers come as name and value.
func get(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const browser = "text/html,application/xhtml+xml,*/*;q=0.8"

func TestHandler_PagesAreTheAppAndTheRestIsTheAPIs(t *testing.T) {
	t.Parallel()
	plain, dev := serve(t, false), serve(t, true)
	for _, c := range []struct {
		name, method, path, accept string
		page                       bool
	}{
		{"the bare address", "GET", "/", "", true},
		{"the bare address, HEAD", "HEAD", "/", "", true},
		{"a page", "GET", "/signals", browser, true},
		{"a deep link", "GET", "/accounts/acc_01/edit", browser, true},
		{"an invitation", "GET", "/link/abc", browser, true},
		{"a page that is not there", "GET", "/nonsense", browser, true},
		{"a program's typo", "GET", "/nonsense", "*/*", false},
		{"a signal of the other face", "POST", "/signals", browser, false},
		{"a form post to a page", "POST", "/", browser, false},
		{"the API", "GET", "/v1/signals", browser, false},
		{"an unknown path of the API", "GET", "/v1/nonsense", browser, false},
		{"the API's root", "GET", "/v1", browser, false},
		{"a page that begins like the API", "GET", "/v1x", browser, true},
		{"the reference", "GET", "/docs", browser, false},
		{"the document", "GET", "/openapi.json", browser, false},
		{"health", "GET", "/healthz", browser, false},
		{"readiness", "GET", "/readyz", browser, false},
		{"metrics", "GET", "/metrics", browser, false},
		{"an asset that is not there", "GET", "/assets/nonsense.js", browser, false},
		{"a path that climbs", "GET", "/assets/../../web.go", browser, false},
		{"the page by its file's name", "GET", "/assets/index.html", browser, false},
		{"the gallery", "GET", "/gallery", browser, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := get(plain, c.method, c.path, "Accept", c.accept)
			page := got.Code == http.StatusOK && strings.HasPrefix(got.Header().Get("Content-Type"), "text/html")
			if page != c.page {
				t.Errorf("answered %d %q, want a page: %v", got.Code, got.Body, c.page)
			}
		})
	}
	if got := get(dev, "GET", "/gallery", "Accept", browser); got.Code != http.StatusOK {
		t.Errorf("the gallery under --dev answered %d", got.Code)
	}
}

func TestHandler_EveryAnswerForbidsWhatIsNotNeeded(t *testing.T) {
	t.Parallel()
	h := serve(t, false)
	for _, path := range append([]string{"/", "/signals"}, loads(t, h)...) {
		got := get(h, "GET", path, "Accept", browser).Header()
		for name, want := range map[string]string{
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin",
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got.Get(name), want)
			}
		}
		policy := got.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "object-src 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "data:") {
			t.Errorf("%s: the policy %q lets too much through", path, policy)
		}
	}
}

// loads are the files that the page names.
func loads(t *testing.T, h http.Handler) []string {
	t.Helper()
	page := get(h, "GET", "/").Body.String()
	if strings.Contains(page, "<style") || regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(page) || strings.Contains(page, " style=") {
		t.Errorf("the page has something inline: %s", page)
	}
	var paths []string
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		paths = append(paths, m[1])
	}
	if len(paths) < 4 {
		t.Fatalf("the page names %v only", paths)
	}
	return paths
}

func TestHandler_WhatThePageLoadsIsThereAndNeverChanges(t *testing.T) {
	t.Parallel()
	h := serve(t, false)
	for _, path := range loads(t, h) {
		got := get(h, "GET", path)
		want := "public, max-age=31536000, immutable"
		if path == "/assets/icon.svg" { // its name holds no hash
			want = "no-cache"
		}
		if got.Code != http.StatusOK || got.Header().Get("Cache-Control") != want {
			t.Errorf("%s: %d, Cache-Control %q, want %q", path, got.Code, got.Header().Get("Cache-Control"), want)
		}
	}
	if got := get(h, "GET", "/").Header().Get("Cache-Control"); got != "no-cache" {
		t.Errorf("the page may be kept: %q", got)
	}
}

func TestHandler_GzipAndPlainAreTheSameAndEachIsKnownAgain(t *testing.T) {
	t.Parallel()
	h := serve(t, false)
	for _, path := range append([]string{"/"}, loads(t, h)...) {
		plain, zipped := get(h, "GET", path), get(h, "GET", path, "Accept-Encoding", "br, gzip")
		if zipped.Header().Get("Content-Encoding") == "gzip" {
			r, err := gzip.NewReader(zipped.Body)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil || string(text) != plain.Body.String() {
				t.Errorf("%s: gzip holds something else (%v)", path, err)
			}
			if zipped.Header().Get("ETag") == plain.Header().Get("ETag") {
				t.Errorf("%s: both encodings have the ETag %s", path, plain.Header().Get("ETag"))
			}
		} else if strings.HasSuffix(path, ".js") && plain.Body.Len() > 1000 {
			t.Errorf("%s is not sent as gzip", path)
		}
		if got := get(h, "GET", path, "Accept-Encoding", "gzip;q=0"); got.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: gzip for who refuses it", path)
		}
		for _, tag := range []string{plain.Header().Get("ETag"), zipped.Header().Get("ETag"), `W/` + plain.Header().Get("ETag"), `"other", ` + zipped.Header().Get("ETag"), "*"} {
			got := get(h, "GET", path, "If-None-Match", tag)
			if got.Code != http.StatusNotModified || got.Body.Len() != 0 {
				t.Errorf("%s with If-None-Match %s: %d, %d bytes", path, tag, got.Code, got.Body.Len())
			}
		}
		if got := get(h, "HEAD", path); got.Body.Len() != 0 || got.Header().Get("Content-Length") != plain.Header().Get("Content-Length") {
			t.Errorf("HEAD %s: %d bytes, Content-Length %s", path, got.Body.Len(), got.Header().Get("Content-Length"))
		}
	}
}
