package app_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// listen opens a stream of the server and returns its lines.
func (s *server) listen(key string) <-chan string {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", s.app.URL()+"/v1/stream", nil)
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		s.Fatal(res, err)
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		defer res.Body.Close()
		for scan := bufio.NewScanner(res.Body); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	s.Cleanup(func() {
		cancel()
		for range lines { // until it has ended
		}
	})
	return lines
}

// until waits for a line that holds every one of some texts.
func until(t *testing.T, lines <-chan string, texts ...string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case line, open := <-lines:
			if !open {
				t.Fatalf("the stream ended before %q", texts)
			}
			found := true
			for _, text := range texts {
				found = found && strings.Contains(line, text)
			}
			if found {
				return
			}
		case <-late:
			t.Fatalf("no line with %q", texts)
		}
	}
}

// What happens at any node is seen at every node, in the live view and in the log.
func TestNodes_OneShowsLiveWhatHappensAtAnother(t *testing.T) {
	t.Parallel()
	nodes := newCluster(t).nodes(2)
	rec := newReceiver(t, always(200))
	hook := nodes[0].webhook(rec.URL, "")
	for _, pair := range [][2]*server{{nodes[0], nodes[1]}, {nodes[1], nodes[0]}} {
		lines := pair[0].listen(bootstrap)
		pair[1].want(201, "POST", "/v1/signals", signal)
		until(t, lines, `"type":`, `"properties":`)
		until(t, lines, `"webhook_id":"`+hook, `"status":"delivered"`)
		pair[1].want(400, "POST", "/v1/signals", `{"source":"elsewhere"}`)
		until(t, lines, `"status":"refused"`, `"source":"elsewhere"`)
		list := pair[0].want(200, "GET", "/v1/logs?status=refused&limit=1", "")["data"].([]any)
		if len(list) != 1 || list[0].(map[string]any)["source"] != "elsewhere" {
			t.Errorf("the log has %v", list)
		}
	}
}

// A server that stops ends its streams at once, and nothing that was noted is lost.
func TestRun_AStopEndsStreamsAndKeepsTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, nil)
	lines := s.listen(bootstrap)
	s.want(400, "POST", "/v1/signals", `{"source":"last words"}`)
	begin := time.Now()
	s.stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
	for range lines { // ends because the stream has
	}
	again := start(t, dir, nil)
	if list := again.want(200, "GET", "/v1/logs", "")["data"].([]any); len(list) != 1 {
		t.Errorf("the log has %v", list)
	}
}
