package egress_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"signalbox/egress"
)

func TestHTTPClient_GoesNowhereElseThanThePolicyAllows(t *testing.T) {
	t.Parallel()
	answers := http.NewServeMux()
	answers.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("x"), 3<<20)) })
	answers.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
	})
	answers.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	s := httptest.NewServer(answers)
	defer s.Close()
	get := func(url string, allow ...string) (*http.Response, error) {
		p, err := egress.NewPolicy(egress.Config{AllowTargets: allow})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := egress.NewHTTPClient(p).Get(url)
		if err == nil {
			t.Cleanup(func() { resp.Body.Close() })
		}
		return resp, err
	}
	here := strings.TrimPrefix(s.URL, "http://")
	if _, err := get(s.URL); err == nil {
		t.Error("a loopback address that nobody allowed was asked")
	}
	if _, err := get(s.URL, "127.0.0.1:1"); err == nil {
		t.Error("another port than the allowed one was asked")
	}
	if _, err := get(strings.Replace(s.URL, "http://", "http://user:secret@", 1), here); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a URL with user-info: %v", err)
	}
	resp, err := get(s.URL+"/long", here)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || len(body) != 1<<20 {
		t.Errorf("of 3 MiB, %d bytes were read, %v", len(body), err)
	}
	if resp, err := get(s.URL+"/elsewhere", here); err != nil || resp.StatusCode != http.StatusFound {
		t.Errorf("a redirect: %v, %v; want it as the answer", resp, err)
	}
}

func TestFetchClient_KeepsConnectionsUnderThePolicy(t *testing.T) {
	t.Parallel()
	from := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from[r.RemoteAddr] = true
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), 1000))
	}))
	defer s.Close()
	fetch := func(url string, allow ...string) func(path string) (int, int, error) {
		p, err := egress.NewPolicy(egress.Config{AllowTargets: allow})
		if err != nil {
			t.Fatal(err)
		}
		client := egress.NewFetchClient(p, 900, time.Minute)
		t.Cleanup(client.CloseIdleConnections)
		return func(path string) (int, int, error) {
			resp, err := client.Get(url + path)
			if err != nil {
				return 0, 0, err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			_, _ = io.Copy(io.Discard, resp.Body)
			return resp.StatusCode, len(body), err
		}
	}
	if _, _, err := fetch(s.URL)("/"); err == nil {
		t.Error("a loopback address that nobody allowed was asked")
	}
	get := fetch(s.URL, strings.TrimPrefix(s.URL, "http://"))
	for range 3 {
		if status, _, err := get("/elsewhere"); err != nil || status != http.StatusFound {
			t.Errorf("a redirect: %d, %v; want it as the answer", status, err)
		}
	}
	if len(from) != 1 {
		t.Errorf("three requests came over %d connections, want one", len(from))
	}
	if _, n, err := get("/"); err != nil || n != 900 {
		t.Errorf("of 1,000 bytes %d were read, %v; want 900", n, err)
	}
}
