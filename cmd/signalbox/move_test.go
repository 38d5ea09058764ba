package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbox"
	"signalbox/app"
	"signalbox/client"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/sign"
	"signalbox/store"
)

// moveKey is a secret key.
const moveKey = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// moveSource makes a data directory with a database that holds something in every table, and no key: no server was ever started on it.
func moveSource(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	db := openMarked(t, store.Config{Path: filepath.Join(dir, app.DatabaseFile)})
	b := storesuite.NewBox(t, db, storesuite.Start)
	b.Fill(3)
	for range 3 { // more than a slice
		b.Send(make([]storesuite.Sent, signalbox.SliceRows)...)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// openMarked opens a database that a move may have marked.
func openMarked(t *testing.T, cfg store.Config) *store.DB {
	t.Helper()
	cfg.Moving = true
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // closed before, or the test has failed
	return db
}

// state says how the database of a data directory, or at a URL, is marked; "free" lets servers start.
func state(t *testing.T, where string) string {
	t.Helper()
	cfg := store.Config{Path: filepath.Join(where, app.DatabaseFile)}
	if strings.HasPrefix(where, "postgres:") {
		cfg = store.Config{DatabaseURL: where}
	}
	db := openMarked(t, cfg)
	defer db.Close()
	m, err := db.Move(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m == nil {
		return "free"
	}
	return string(m.State)
}

// sumsOf are the counts and checksums of all tables.
func sumsOf(t *testing.T, cfg store.Config) map[string]store.Sum {
	t.Helper()
	db := openMarked(t, cfg)
	defer db.Close()
	all := map[string]store.Sum{}
	err := db.Snapshot(t.Context(), func(s *store.Snapshot) (err error) {
		for _, table := range store.Tables() {
			if all[table.Name], err = s.Sum(table.Name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// hooks is a receiver that keeps what it believes: what a secret signed.
type hooks struct {
	*httptest.Server
	mu     sync.Mutex
	answer map[string]int         // by path
	secret map[string]sign.Secret // by path
	got    map[string][]string    // webhook-id by path
	lies   []string
}

func newHooks(t *testing.T) *hooks {
	t.Helper()
	h := &hooks{answer: map[string]int{}, secret: map[string]sign.Secret{}, got: map[string][]string{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		path := r.URL.Path
		if err == nil {
			err = sign.Verify(sign.Standard, r.Header, body, []sign.Secret{h.secret[path]}, time.Now())
		}
		if err == nil && r.Header.Get("X-Mine") != "sealed "+path {
			err = fmt.Errorf("X-Mine is %q", r.Header.Get("X-Mine"))
		}
		if err != nil {
			h.lies = append(h.lies, fmt.Sprint(path, ": ", err))
		}
		h.got[path] = append(h.got[path], r.Header.Get("webhook-id"))
		w.WriteHeader(h.answer[path])
	}))
	t.Cleanup(h.Close)
	return h
}

// add makes a webhook that is answered with a status.
func (h *hooks) add(t *testing.T, c *client.Client, path string, status int) client.Webhook {
	t.Helper()
	w, err := c.CreateWebhook(t.Context(), client.WebhookInput{
		URL: h.URL + path, Events: []string{"signal.created"}, Format: "standard", Headers: map[string]string{"X-Mine": "sealed " + path},
	})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := sign.ParseSecret(w.Secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer[path], h.secret[path] = status, secret
	return w
}

// arrived are the ids of what came to a path.
func (h *hooks) arrived(path string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got[path])
}

// world is all that a client sees of a workspace, as JSON.
func world(t *testing.T, c *client.Client) string {
	t.Helper()
	ctx := t.Context()
	all := map[string]any{}
	add := func(name string, list any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		all[name] = list
	}
	signals, err := collect(c.Signals(ctx, client.SignalQuery{}))
	add("signals", signals, err)
	accounts, err := collect(c.Accounts(ctx, client.RecordQuery{}))
	add("accounts", accounts, err)
	contacts, err := collect(c.Contacts(ctx, client.RecordQuery{}))
	add("contacts", contacts, err)
	jobs, err := collect(c.Jobs(ctx))
	add("jobs", jobs, err)
	webhooks, err := collect(c.Webhooks(ctx))
	add("webhooks", webhooks, err)
	workspace, err := c.Workspace(ctx)
	add("workspace", workspace, err)
	keys, err := collect(c.Keys(ctx))
	for i := range keys {
		keys[i].LastUsedAt = time.Time{} // now
	}
	add("keys", keys, err)
	for _, w := range webhooks {
		list, err := collect(c.Deliveries(ctx, w.ID, client.DeliveryQuery{}))
		for i := range list {
			if list[i], err = c.Delivery(ctx, list[i].ID); err != nil {
				t.Fatal(err)
			}
		}
		add("deliveries of "+w.URL+w.Kind, list, err)
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func collect[T any](seq func(func(T, error) bool)) (list []T, err error) {
	for v, e := range seq {
		if e != nil {
			return nil, e
		}
		list = append(list, v)
	}
	return list, nil
}

// runApp runs a server in this process until its test, or stop, ends it.
func runApp(t *testing.T, cfg app.Config) (a *app.App, stop func()) {
	t.Helper()
	cfg.Addr, cfg.Dev = "127.0.0.1:0", true
	a, err := app.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	t.Cleanup(stop)
	return a, stop
}

func clientOf(a *app.App, key string) *client.Client {
	return client.New(a.URL(), key, client.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
}

// left is a data directory that was filled through the doors, with deliveries in every state.
type left struct {
	dir        string
	hooks      *hooks
	key        string // an admin key
	reader     client.APIKey
	good, pull client.Webhook
	all        []client.Webhook
	world      string // all that a client saw of it
	sent       int    // what the good receiver got
	waiting    int    // and will get
}

// leaveBehind makes one, and stops its server.
func leaveBehind(t *testing.T) *left {
	t.Helper()
	l := &left{dir: filepath.Join(t.TempDir(), "data"), hooks: newHooks(t)}
	a, stop := runApp(t, app.Config{DataDir: l.dir})
	first, _ := a.FirstStart()
	if err := a.FirstStartShown(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.key = first.APIKey
	c := clientOf(a, l.key)
	l.good = l.hooks.add(t, c, "/good", 200)
	off := l.hooks.add(t, c, "/off", 200)
	if _, err := c.DisableWebhook(t.Context(), off.ID); err != nil {
		t.Fatal(err)
	}
	var err error
	if l.pull, err = c.CreateWebhook(t.Context(), client.WebhookInput{Kind: "pull", Events: []string{"signal.created"}, Format: "standard"}); err != nil {
		t.Fatal(err)
	}
	if l.reader, err = c.CreateKey(t.Context(), client.KeyInput{Name: "reader", Scope: signalbox.ScopeRead}); err != nil {
		t.Fatal(err)
	}
	l.all = []client.Webhook{l.good, off, l.pull, l.hooks.add(t, c, "/gone", 410), l.hooks.add(t, c, "/busy", 503)}
	for n := range 4 {
		sendNumber(t, c, n)
	}
	job, err := c.EraseContact(t.Context(), sendNumber(t, c, 4).ContactID)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		j, err := c.Job(t.Context(), job.ID)
		return err == nil && j.Status == "done" && len(l.hooks.arrived("/good")) >= 4 && len(l.hooks.arrived("/busy")) >= 4 && len(l.hooks.arrived("/gone")) >= 1
	})
	stop()
	l.holdOne(t)
	return l
}

// holdOne sends one more signal, whose deliveries wait, and takes down what there is.
func (l *left) holdOne(t *testing.T) {
	t.Helper()
	a, stop := runApp(t, app.Config{DataDir: l.dir, HoldDeliveries: true})
	defer stop()
	c := clientOf(a, l.key)
	sendNumber(t, c, 10)
	eventually(t, func() bool {
		counts := statuses(t, c, l.all...)
		return counts["delivered"] > 0 && counts["retrying"] > 0 && counts["failed"] > 0 && counts["skipped"] > 0 && counts["pending"] > 2
	})
	l.world = world(t, c)
	l.sent = len(l.hooks.arrived("/good"))
	if l.waiting = statuses(t, c, l.good)["pending"]; l.waiting == 0 { // the last signal, and one that was not sent before the first stop
		t.Fatal("nothing waits to be sent")
	}
}

// sendNumber sends a signal that is told by its number.
func sendNumber(t *testing.T, c *client.Client, n int) client.Receipt {
	t.Helper()
	in := client.SignalInput{Type: "page_visit", Source: "website", IdempotencyKey: fmt.Sprint("key-", n), Properties: map[string]any{"n": n}}
	in.Contact.Email, in.Account.Name = fmt.Sprintf("ann%d@acme%d.example", n, n%3), "Acme"
	r, err := c.SendSignal(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestMove_ThePostgreSQLServerIsTheOneThatWasLeft fills a database through the doors, with deliveries in every state, moves it, and starts a server on the
// other database: a client sees the same of everything, keys work, secrets open, and what waited is sent, once. Nothing starts on what was left.
func TestMove_ThePostgreSQLServerIsTheOneThatWasLeft(t *testing.T) {
	t.Parallel()
	l, base := leaveBehind(t), postgres(t).Schema(t)
	secret := filepath.Join(l.dir, "secret.key")
	got := cli{now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}.run(t, "move", "--data-dir", l.dir, "--to", base)
	if got.code != exitOK || !strings.Contains(got.out, "signals") || !strings.Contains(got.out, secret) ||
		!strings.Contains(got.err, "carry over: ") || !strings.Contains(got.err, "check: ") {
		t.Fatalf("move: %+v", got)
	}
	key, err := os.ReadFile(secret)
	if err != nil || strings.Contains(got.out+got.err, strings.TrimSpace(string(key))) {
		t.Errorf("the key itself was printed, %v", err)
	}
	for _, args := range [][]string{{"serve", "--addr", "127.0.0.1:0"}, {"workspaces", "list"}, {"move", "--to", postgres(t).Schema(t)}, {"migrate", "up"}} {
		refused := cli{}.run(t, append(args, "--data-dir", l.dir)...)
		if refused.code != exitFailure || !strings.Contains(refused.err, "was moved to "+app.RedactURL(base)+" on 2026-11-20: start with --database-url") {
			t.Errorf("%v on what was left: %+v", args, refused)
		}
	}
	if got := (cli{}).run(t, "move", "--abandon", "--data-dir", l.dir); got.code != exitFailure || !strings.Contains(got.err, "cannot be given up") {
		t.Errorf("abandon: %+v", got)
	}
	l.isThere(t, app.Config{DataDir: t.TempDir(), DatabaseURL: base, SecretKeyFile: secret})
}

// isThere starts servers on the new database, and finds everything.
func (l *left) isThere(t *testing.T, node app.Config) {
	t.Helper()
	node.HoldDeliveries = true
	a, stop := runApp(t, node)
	if _, ok := a.FirstStart(); ok {
		t.Error("the new database had a first start")
	}
	c := clientOf(a, l.key)
	if diff := cmp.Diff(strings.Split(l.world, "\n"), strings.Split(world(t, c), "\n")); diff != "" {
		t.Errorf("a client sees other things (-left +new):\n%s", diff)
	}
	if again := sendNumber(t, c, 1); !again.Replayed {
		t.Error("an idempotency key was forgotten")
	}
	if _, err := clientOf(a, l.reader.Key.Reveal()).Workspace(t.Context()); err != nil {
		t.Errorf("the reader's key: %v", err)
	}
	if feed, err := c.Feed(t.Context(), l.pull.ID, "", 0); err != nil || len(feed.Events) < 5 {
		t.Errorf("the feed has %d events, %v", len(feed.Events), err)
	}
	stop()
	node.HoldDeliveries = false
	a, stop = runApp(t, node)
	c = clientOf(a, l.key)
	eventually(t, func() bool { return len(l.hooks.arrived("/good")) == l.sent+l.waiting })
	after := sendNumber(t, c, 11)
	eventually(t, func() bool { return len(l.hooks.arrived("/good")) == l.sent+l.waiting+1 })
	if s, err := c.Signal(t.Context(), after.ID); err != nil || s.ID != after.ID {
		t.Errorf("a signal to the new server: %+v, %v", s, err)
	}
	stop()
	ids := l.hooks.arrived("/good")
	slices.Sort(ids)
	if once := slices.Compact(slices.Clone(ids)); len(once) != len(ids) {
		t.Errorf("something was sent twice: %v", ids)
	}
	if len(l.hooks.lies) > 0 {
		t.Errorf("what came was not signed, or lacked its header: %v", l.hooks.lies)
	}
}

func statuses(t *testing.T, c *client.Client, hooks ...client.Webhook) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, w := range hooks {
		list, err := collect(c.Deliveries(t.Context(), w.ID, client.DeliveryQuery{}))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			counts[d.Status]++
		}
	}
	return counts
}

// eventually waits until something holds.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatal("it never came to hold")
		}
		<-time.After(20 * time.Millisecond)
	}
}

// TestMove_KilledAnywhereGoesOn kills the process at every step of a move. No server starts on both databases at any time, and the same command ends it with
// every row there once.
func TestMove_KilledAnywhereGoesOn(t *testing.T) {
	t.Parallel()
	source := moveSource(t)
	want := sumsOf(t, store.Config{Path: filepath.Join(source, app.DatabaseFile)})
	if want["signals"].Rows < 3*signalbox.SliceRows {
		t.Fatalf("only %d signals: every table fits into a slice", want["signals"].Rows)
	}
	for at, both := range map[string]string{
		"move.leaving=kill": "leaving free", "move.filling=kill": "leaving filling", "move.slice=kill": "leaving filling", "move.slice=kill@12": "leaving filling",
		"move.slice=kill@13": "leaving filling", "move.slice=kill@15": "leaving filling", "move.filled=kill": "leaving filling", "move.checked=kill": "leaving filling",
		"move.left=kill": "left filling", "store.before_commit=kill@9": "leaving filling", "store.after_commit=kill@10": "leaving filling",
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			dir, base := t.TempDir(), postgres(t).Schema(t)
			if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
				t.Fatal(err)
			}
			environ := []string{"SIGNALBOX_SECRET_KEY=" + moveKey, "SIGNALBOX_DATABASE_URL=" + base}
			args := []string{"move", "--data-dir", dir}
			if got, killed := runProcess(t, append(environ, "SIGNALBOX_FAULTS="+at), args...); !killed {
				t.Fatalf("it was to be killed: %+v", got)
			}
			if got := state(t, dir) + " " + state(t, base); got != both {
				t.Errorf("the databases are %s, want %s", got, both)
			}
			for _, serve := range [][]string{{"--data-dir", dir}, {"--data-dir", t.TempDir(), "--database-url", base}} {
				c := cli{environ: environ[:1]}
				if len(serve) > 2 && strings.HasSuffix(both, "free") {
					continue // it is empty, and nobody's yet
				}
				got := c.run(t, append([]string{"serve", "--addr", "127.0.0.1:0"}, serve...)...)
				if got.code != exitFailure || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, "move") {
					t.Errorf("serve %v: %+v", serve, got)
				}
			}
			got, killed := runProcess(t, environ, args...)
			if killed || got.code != exitOK {
				t.Fatalf("gone on with: %+v", got)
			}
			if got := state(t, dir) + " " + state(t, base); got != "left arrived" {
				t.Errorf("at the end the databases are %s", got)
			}
			if diff := cmp.Diff(want, sumsOf(t, store.Config{DatabaseURL: base}), cmp.AllowUnexported(store.Sum{})); diff != "" {
				t.Errorf("the new database has other rows (-want +got):\n%s", diff)
			}
		})
	}
}

// What cannot be moved is refused in one line, and stays free.
func TestMove_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	base, used := postgres(t).Schema(t), postgres(t).Schema(t)
	_, stop := runApp(t, app.Config{DataDir: t.TempDir(), DatabaseURL: used, SecretKey: moveKey})
	stop()
	refuse := func(says string, environ []string, args ...string) {
		t.Helper()
		got := cli{environ: environ}.run(t, append([]string{"move"}, args...)...)
		if got.code != exitFailure || !strings.Contains(got.err, says) || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%v: %+v, want one line with %q", args, got, says)
		}
	}
	refuse("held by process", nil, "--data-dir", s.dir, "--to", base)
	s.stop()
	refuse("there is no Signalbox database in", nil, "--data-dir", t.TempDir(), "--to", base)
	wrong := []string{"SIGNALBOX_SECRET_KEY=" + moveKey}
	refuse("the secret key does not open this database: open the stored probe: this needs the secret key ", wrong, "--data-dir", s.dir, "--to", base)
	refuse("is not empty: table ", nil, "--data-dir", s.dir, "--to", used)
	refuse("no move of this database is under way", nil, "--data-dir", s.dir, "--abandon")
	if got := tablesOf(t, base, schemaOf(base)); got != "" {
		t.Errorf("in the new database %s were made", got)
	}
	if got := state(t, s.dir); got != "free" {
		t.Errorf("the database is %s", got)
	}
	key := filepath.Join(s.dir, "secret.key")
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	refuse("secret.key: no such file", nil, "--data-dir", s.dir, "--to", base)
	if _, err := os.Stat(key); !os.IsNotExist(err) {
		t.Errorf("a key was made: %v", err)
	}
	for says, args := range map[string][]string{"--to is missing": {}, "not both": {"--to", base, "--abandon"}} {
		if got := (cli{}).run(t, append([]string{"move"}, args...)...); got.code != exitUsage || !strings.Contains(got.err, says) {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

// Given up after it was killed, the data directory serves as before.
func TestMove_GivenUpTheDataDirectoryServesAsBefore(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	receipt, err := s.client().SendSignal(t.Context(), client.SignalInput{Type: "t", Source: "s"})
	if err != nil {
		t.Fatal(err)
	}
	s.stop()
	base := postgres(t).Schema(t)
	if got, killed := runProcess(t, []string{"SIGNALBOX_FAULTS=move.slice=kill@3"}, "move", "--data-dir", s.dir, "--to", base); !killed {
		t.Fatalf("it was to be killed: %+v", got)
	}
	other := cli{}.run(t, "move", "--data-dir", s.dir, "--to", postgres(t).Schema(t))
	if other.code != exitFailure || !strings.Contains(other.err, "a move to "+app.RedactURL(base)+" is under way") {
		t.Errorf("a move to elsewhere: %+v", other)
	}
	got := cli{}.run(t, "move", "--data-dir", s.dir, "--abandon")
	if got.code != exitOK || !strings.Contains(got.out, app.RedactURL(base)) {
		t.Errorf("abandon: %+v", got)
	}
	s.start(t, "127.0.0.1:0")
	if _, err := s.client().Signal(t.Context(), receipt.ID); err != nil {
		t.Error(err)
	}
	s.stop()
	if got := (cli{}).run(t, "move", "--data-dir", s.dir, "--to", base); got.code != exitFailure || !strings.Contains(got.err, "empty it first") {
		t.Errorf("into what was given up: %+v", got)
	}
}

// On a terminal a bar shows how far it is.
func TestMove_ShowsABarOnATerminal(t *testing.T) {
	t.Parallel()
	dir := moveSource(t)
	got := cli{terminal: true, environ: []string{"SIGNALBOX_SECRET_KEY=" + moveKey}}.run(t, "move", "--data-dir", dir, "--to", postgres(t).Schema(t))
	for _, part := range []string{"carry over", "check", "100 %", "rows"} {
		if got.code != exitOK || !strings.Contains(got.err, part) {
			t.Errorf("status %d, no %q in %q", got.code, part, got.err)
		}
	}
	if !bytes.Contains([]byte(got.out), []byte("CHECKSUM")) {
		t.Errorf("it wrote %s", got.out)
	}
}
