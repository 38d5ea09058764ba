package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbox"
	"signalbox/app"
	"signalbox/internal/boxtest/pgserver"
)

// database starts the PostgreSQL server that the tests of this package share, when the first of them needs it.
var database = sync.OnceValues(func() (*pgserver.Server, error) {
	databaseUsed = true
	return pgserver.Start()
})

// databaseUsed is read after all tests have ended.
var databaseUsed bool

func TestMain(m *testing.M) {
	code := m.Run()
	if databaseUsed {
		if s, err := database(); err == nil {
			if err := s.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
				code = 1
			}
		}
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

const sharedSecretKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// cluster is a database that nodes share.
type cluster struct {
	*testing.T
	url string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	s, err := database()
	if err != nil {
		t.Fatal("a PostgreSQL server is needed: ", err)
	}
	return &cluster{T: t, url: s.Schema(t)}
}

// node starts one more node.
func (c *cluster) node(set func(*app.Config)) *server {
	c.Helper()
	return start(c.T, c.TempDir(), func(cfg *app.Config) {
		cfg.DatabaseURL, cfg.SecretKey = c.url, sharedSecretKey
		if set != nil {
			set(cfg)
		}
	})
}

// nodes starts nodes and waits until each knows of all.
func (c *cluster) nodes(n int) []*server {
	c.Helper()
	list := make([]*server, n)
	for i := range list {
		list[i] = c.node(nil)
	}
	for _, s := range list {
		within(c.T, 10*time.Second, func() bool { return strings.Contains(s.metrics(), fmt.Sprintf("\nsignalbox_nodes_live %d\n", n)) })
	}
	return list
}

// metrics are what /metrics answers.
func (s *server) metrics() string {
	s.Helper()
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(s.app.URL() + "/metrics")
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return string(text)
}

// within waits for something that must come in time.
func within(t *testing.T, most time.Duration, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(most); !yes(); {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come within %v", most)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// webhook registers a receiver.
func (s *server) webhook(url, more string) string {
	s.Helper()
	return s.want(201, "POST", "/v1/webhooks", fmt.Sprintf(`{"url":%q,"events":["signal.created"]%s}`, url, more))["id"].(string)
}

func TestNodes_FirstStartsAtOnceMakeOneWorkspaceAndOneKey(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	keys := make(chan string, 3)
	var wg sync.WaitGroup
	for range 3 {
		dir := t.TempDir()
		wg.Go(func() {
			a, err := app.New(t.Context(), app.Config{Addr: "127.0.0.1:0", DataDir: dir, DatabaseURL: c.url, SecretKey: sharedSecretKey})
			if err != nil {
				t.Error(err)
				return
			}
			defer a.Close()
			if first, ok := a.FirstStart(); ok {
				keys <- first.APIKey
				if err := a.FirstStartShown(t.Context()); err != nil {
					t.Error(err)
				}
			}
			list, err := a.DB().Workspaces(t.Context())
			if err != nil || len(list) != 1 {
				t.Errorf("%d workspaces, %v, want one", len(list), err)
			}
		})
	}
	wg.Wait()
	if len(keys) != 1 {
		t.Fatalf("%d nodes tell a first key, want one", len(keys))
	}
	s := c.node(func(cfg *app.Config) { cfg.BootstrapAPIKey = "" })
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.app.URL()+"/v1/workspace", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+<-keys)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("the key that was told gets %d", res.StatusCode)
	}
}

func TestNodes_ADefinitionIsInForceOnAllForTheNextSignal(t *testing.T) {
	t.Parallel()
	nodes := newCluster(t).nodes(2)
	rec := newReceiver(t, always(200))
	for i := range 6 {
		a, b := nodes[i%2], nodes[(i+1)%2]
		b.want(201, "POST", "/v1/signals", signal) // b holds definitions as they were
		hook := a.webhook(rec.URL, "")
		b.want(201, "POST", "/v1/signals", signal)
		if _, body := rec.next(t); !strings.Contains(string(body), `"signal.created"`) {
			t.Fatalf("got %s", body)
		}
		a.want(200, "POST", "/v1/webhooks/"+hook+"/disable", "")
		b.want(201, "POST", "/v1/signals", signal)
		list := b.want(200, "GET", "/v1/webhooks/"+hook+"/deliveries", "")["data"].([]any)
		if len(list) != 2 || list[0].(map[string]any)["status"] != "skipped" {
			t.Fatalf("deliveries %v, want one sent and then one skipped", list)
		}
	}
}

func TestNodes_ARevokedKeyIsRefusedByAllWithinASecond(t *testing.T) {
	t.Parallel()
	nodes := newCluster(t).nodes(2)
	made := nodes[0].want(201, "POST", "/v1/api-keys", `{"name":"short lived","scope":"read"}`)["data"].(map[string]any)
	ask := func() int {
		req, err := http.NewRequestWithContext(t.Context(), "GET", nodes[1].app.URL()+"/v1/workspace", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+made["key"].(string))
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if got := ask(); got != 200 {
		t.Fatalf("the key gets %d on the other node", got)
	}
	nodes[0].want(204, "DELETE", "/v1/api-keys/"+made["id"].(string), "")
	within(t, time.Second, func() bool { return ask() == 401 })
}

// proves contract section 2: signals are counted in their own transaction, exactly, across nodes.
func TestNodes_ALimitOnSignalsIsExactOverAll(t *testing.T) {
	t.Parallel()
	nodes := newCluster(t).nodes(2)
	nodes[0].want(200, "PATCH", "/v1/workspace", `{"limits":{"workspace":{"per_day":40}}}`)
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for i := range 120 {
		wg.Go(func() {
			status, _ := nodes[i%2].call("POST", "/v1/signals", signal)
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	wg.Wait()
	if want := map[int]int{201: 40, 429: 80}; !maps.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
}

// proves contract section 3: one key is one signal, whichever nodes its twins meet.
func TestNodes_TwinsOfAKeyAreOneSignal(t *testing.T) {
	t.Parallel()
	nodes := newCluster(t).nodes(2)
	for k := range 20 {
		body := fmt.Sprintf(`{"type":"t","source":"s","account":{"domain":"twin%d.com"},"idempotency_key":"k%d"}`, k, k)
		answers := make(chan string, 8)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				status, v := nodes[i%2].call("POST", "/v1/signals", body)
				text, err := json.Marshal(v)
				if err != nil || status != 201 {
					t.Errorf("%d %s, %v", status, text, err)
				}
				answers <- string(text)
			})
		}
		wg.Wait()
		first := <-answers
		for range 7 {
			if next := <-answers; next != first {
				t.Fatalf("answers %s and %s to one key", first, next)
			}
		}
	}
	if list := nodes[0].want(200, "GET", "/v1/signals?limit=200", "")["data"].([]any); len(list) != 20 {
		t.Errorf("%d signals are stored of 20 keys", len(list))
	}
}

// narrow is a receiver that counts how many requests it has at the same time.
type narrow struct {
	*httptest.Server
	mu       sync.Mutex
	now, top int
	got      map[string]int // by webhook-id
}

func newNarrow(t *testing.T, each time.Duration) *narrow {
	n := &narrow{got: map[string]int{}}
	n.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		n.now++
		n.top = max(n.top, n.now)
		n.mu.Unlock()
		<-time.After(each)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.now--
		n.got[r.Header.Get("Webhook-Id")]++
	}))
	t.Cleanup(n.Close)
	return n
}

func (n *narrow) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.got)
}

// The cap of a webhook is divided among the nodes to the last request: a cap of one is one, over all of them.
func TestNodes_ShareTheCapOfAWebhook(t *testing.T) {
	t.Parallel()
	for limit, each := range map[int]time.Duration{1: 2 * time.Millisecond, 4: 8 * time.Millisecond} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			nodes := newCluster(t).nodes(3)
			rec := newNarrow(t, each)
			nodes[0].webhook(rec.URL, fmt.Sprintf(`,"max_in_flight":%d`, limit))
			var wg sync.WaitGroup
			for i := range 90 {
				wg.Go(func() { nodes[i%3].want(201, "POST", "/v1/signals", signal) })
			}
			wg.Wait()
			within(t, 20*time.Second, func() bool { return rec.count() == 90 })
			rec.mu.Lock()
			defer rec.mu.Unlock()
			if rec.top > limit {
				t.Errorf("%d requests at the same time, the cap is %d", rec.top, limit)
			}
			for id, times := range rec.got {
				if times != 1 {
					t.Errorf("%s came %d times", id, times)
				}
			}
		})
	}
}

// A node that sends nothing leaves what it takes in to the others, soon.
func TestNodes_WhatAHoldingNodeTakesInIsSentByTheOther(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	holds := c.node(func(cfg *app.Config) { cfg.HoldDeliveries = true })
	c.nodes(1)
	rec := newReceiver(t, always(200))
	holds.webhook(rec.URL, "")
	var took []time.Duration
	for range 10 {
		begin := time.Now()
		holds.want(201, "POST", "/v1/signals", signal)
		rec.next(t)
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	t.Logf("from the request on one node to its webhook from another: median %v, most %v", took[5], took[9])
	if took[5] > time.Second {
		t.Errorf("half of the deliveries started only after %v: the news did not come, a poll found them", took[5])
	}
}

// What is queued in a node's memory is void when the webhook is changed through another one.
func TestNodes_DisablingAWebhookStopsWhatOthersHaveQueued(t *testing.T) {
	t.Parallel()
	nodes := newCluster(t).nodes(2)
	rec := newNarrow(t, 100*time.Millisecond)
	hook := nodes[0].webhook(rec.URL, `,"max_in_flight":2`)
	for range 40 {
		nodes[1].want(201, "POST", "/v1/signals", signal)
	}
	within(t, 10*time.Second, func() bool { return rec.count() >= 2 })
	nodes[0].want(200, "POST", "/v1/webhooks/"+hook+"/disable", "")
	within(t, 10*time.Second, func() bool { // nothing is in flight, nothing queued
		for _, s := range nodes {
			if text := s.metrics(); !strings.Contains(text, "\nsignalbox_delivery_in_flight 0\n") || !strings.Contains(text, "\nsignalbox_delivery_queued 0\n") {
				return false
			}
		}
		return true
	})
	stopped := rec.count()
	if stopped >= 40 {
		t.Fatalf("all %d were sent", stopped)
	}
	nodes[1].want(200, "POST", "/v1/webhooks/"+hook+"/enable", "")
	within(t, 20*time.Second, func() bool { return rec.count() == 40 })
}

func TestNodes_AFeedsReaderIsWokenByAnotherNode(t *testing.T) {
	t.Parallel()
	nodes := newCluster(t).nodes(2)
	hook := nodes[0].want(201, "POST", "/v1/webhooks", `{"kind":"pull","events":["signal.created"]}`)["id"].(string)
	for range 3 {
		type answer struct {
			rows int
			took time.Duration
		}
		got := make(chan answer, 1)
		cursor := nodes[1].want(200, "GET", "/v1/webhooks/"+hook+"/events", "")["meta"].(map[string]any)["next_cursor"].(string)
		begin := time.Now()
		go func() {
			_, v := nodes[1].call("GET", "/v1/webhooks/"+hook+"/events?wait=20&cursor="+cursor, "")
			rows, _ := v["data"].([]any)
			got <- answer{len(rows), time.Since(begin)}
		}()
		nodes[0].want(201, "POST", "/v1/signals", signal)
		if a := <-got; a.rows != 1 || a.took > 10*time.Second {
			t.Errorf("%d rows after %v", a.rows, a.took)
		}
	}
}

// A node that stops leaves nothing behind: the others go on at once.
func TestNodes_AStopHandsTheWorkOver(t *testing.T) {
	t.Parallel()
	nodes := newCluster(t).nodes(2)
	rec := newNarrow(t, 20*time.Millisecond)
	nodes[0].webhook(rec.URL, `,"max_in_flight":2`)
	for range 100 {
		nodes[0].want(201, "POST", "/v1/signals", signal)
	}
	nodes[0].stop()
	stopped := time.Now()
	within(t, signalbox.LeaseFor, func() bool { return rec.count() == 100 })
	t.Logf("the other node had sent everything %v after the stop", time.Since(stopped))
	within(t, 5*time.Second, func() bool { return strings.Contains(nodes[1].metrics(), "\nsignalbox_nodes_live 1\n") })
}

// A data directory that was copied with its token makes two programs say that they are the same node: the one that finds out goes on as another.
func TestNodes_ACopiedTokenIsNotFoughtOver(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	var dir string
	first := c.node(func(cfg *app.Config) { dir = cfg.DataDir })
	token, err := os.ReadFile(filepath.Join(dir, "node.token"))
	if err != nil {
		t.Fatal(err)
	}
	second := c.node(func(cfg *app.Config) {
		if err := os.WriteFile(filepath.Join(cfg.DataDir, "node.token"), token, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	for _, s := range []*server{first, second} {
		within(t, 15*time.Second, func() bool { return strings.Contains(s.metrics(), "\nsignalbox_nodes_live 2\n") })
	}
	for _, s := range []*server{first, second} {
		s.want(201, "POST", "/v1/signals", signal)
	}
	if _, err := app.New(t.Context(), app.Config{Addr: "127.0.0.1:0", DataDir: dir, DatabaseURL: c.url, SecretKey: sharedSecretKey}); err == nil || !strings.Contains(err.Error(), "--data-dir of its own") {
		t.Errorf("a second program on one data directory: %v", err)
	}
}

func TestNodes_ASharedDatabaseNeedsASharedKey(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	cfg := app.Config{Addr: "127.0.0.1:0", DataDir: t.TempDir(), DatabaseURL: c.url}
	if _, err := app.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "SIGNALBOX_SECRET_KEY") {
		t.Errorf("without a key: %v", err)
	}
	c.node(nil)
	cfg.SecretKey = strings.Replace(sharedSecretKey, "00", "ff", 1)
	if _, err := app.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "k_") {
		t.Errorf("with another key: %v, want a refusal that names the key id wanted", err)
	}
}
