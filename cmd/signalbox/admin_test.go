package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"signalbox/app"
	"signalbox/client"
)

func TestKeys_CreateListRevoke(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	made := s.cli().run(t, "keys", "create", "website", "--scope", "ingest", "--expires-in", "1h", "--json")
	var key shownKey
	if err := json.Unmarshal([]byte(made.out), &key); err != nil || made.code != exitOK {
		t.Fatalf("status %d, %v: %s%s", made.code, err, made.out, made.err)
	}
	if key.Name != "website" || key.Scope != "ingest" || !strings.HasPrefix(key.Key, "sk_live_") || key.ExpiresAt.IsZero() {
		t.Errorf("made %+v", key)
	}
	limited := client.New(s.url, key.Key)
	if _, err := limited.SendSignal(t.Context(), client.SignalInput{Type: "t", Source: "s"}); err != nil {
		t.Errorf("the new key does not work: %v", err)
	}
	list := s.cli().run(t, "keys", "list")
	if list.code != exitOK || !strings.Contains(list.out, "website") || !strings.Contains(list.out, key.ID) || strings.Contains(list.out, key.Key) {
		t.Errorf("status %d: %s%s", list.code, list.out, list.err)
	}
	if got := s.cli().run(t, "keys", "revoke", key.ID); got.code != exitOK || got.out != key.ID+" is revoked.\n" {
		t.Errorf("status %d: %s%s", got.code, got.out, got.err)
	}
	if _, err := limited.SendSignal(t.Context(), client.SignalInput{Type: "t", Source: "s"}); err == nil {
		t.Error("the revoked key still works")
	}
	var keys []shownKey
	list = s.cli().run(t, "keys", "list", "--json")
	if err := json.Unmarshal([]byte(list.out), &keys); err != nil || len(keys) != 2 {
		t.Fatalf("%v: %s%s", err, list.out, list.err)
	}
	if got := s.cli().run(t, "keys", "revoke", "key_nonsense"); got.code != exitFailure || !strings.Contains(got.err, "not_found") {
		t.Errorf("status %d: %s", got.code, got.err)
	}
}

func TestKeys_CreateAloneOnStandardOutput(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	got := s.cli().run(t, "keys", "create", "for a script")
	if got.code != exitOK || !regexp.MustCompile(`^sk_live_\w+\n$`).MatchString(got.out) {
		t.Errorf("status %d, wrote %q, said %q", got.code, got.out, got.err)
	}
}

func TestWorkspaces_AreMadeWhileNoServerRuns(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.stop()
	made := cli{}.run(t, "workspaces", "create", "  Second  ", "--data-dir", s.dir, "--json")
	var ws app.Workspace
	if err := json.Unmarshal([]byte(made.out), &ws); err != nil || made.code != exitOK {
		t.Fatalf("status %d, %v: %s%s", made.code, err, made.out, made.err)
	}
	list := cli{}.run(t, "workspaces", "list", "--data-dir", s.dir)
	if list.code != exitOK || !strings.Contains(list.out, ws.ID) || strings.Count(list.out, "ws_") != 2 {
		t.Errorf("status %d: %s%s", list.code, list.out, list.err)
	}
	s.start(t, "127.0.0.1:0")
	got, err := client.New(s.url, ws.APIKey).Workspace(t.Context())
	if err != nil || got.ID != ws.ID || got.Name != "Second" {
		t.Errorf("the new key opens %+v, %v; want %s", got, err, ws.ID)
	}
}

// While a server has the data directory open, it lists and makes workspaces itself.
func TestWorkspaces_WithALiveServer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	made := cli{}.run(t, "workspaces", "create", "Second", "--data-dir", s.dir, "--json")
	var ws app.Workspace
	if err := json.Unmarshal([]byte(made.out), &ws); err != nil || made.code != exitOK {
		t.Fatalf("status %d, %v: %s%s", made.code, err, made.out, made.err)
	}
	got, err := client.New(s.url, ws.APIKey).Workspace(t.Context())
	if err != nil || got.ID != ws.ID || got.Name != "Second" {
		t.Errorf("the new key opens %+v, %v; want %s", got, err, ws.ID)
	}
	list := cli{}.run(t, "workspaces", "list", "--data-dir", s.dir)
	if list.code != exitOK || strings.Count(list.out, "ws_") != 2 || !strings.Contains(list.out, ws.ID) {
		t.Errorf("list: status %d: %s%s", list.code, list.out, list.err)
	}
	asked := s.cli().run(t, "workspaces", "list")
	if asked.code != exitOK || strings.Count(asked.out, "ws_") != 1 || !strings.Contains(asked.err, "Asked the server") {
		t.Errorf("by an API key: status %d: %s%s", asked.code, asked.out, asked.err)
	}
	if bad := (cli{}).run(t, "workspaces", "create", strings.Repeat("x", 201), "--data-dir", s.dir); bad.code != exitUsage {
		t.Errorf("a name too long: status %d: %s", bad.code, bad.err)
	}
}

// On PostgreSQL they work beside the nodes.
func TestWorkspaces_OnPostgreSQL(t *testing.T) {
	t.Parallel()
	base := postgres(t).Schema(t)
	a, stop := runApp(t, app.Config{DataDir: t.TempDir(), DatabaseURL: base, SecretKey: moveKey})
	defer stop()
	owner := cli{environ: []string{"SIGNALBOX_SECRET_KEY=" + moveKey, "SIGNALBOX_DATABASE_URL=" + base}}
	made := owner.run(t, "workspaces", "create", "Second", "--json")
	var ws app.Workspace
	if err := json.Unmarshal([]byte(made.out), &ws); err != nil || made.code != exitOK {
		t.Fatalf("status %d, %v: %s%s", made.code, err, made.out, made.err)
	}
	if got, err := clientOf(a, ws.APIKey).Workspace(t.Context()); err != nil || got.ID != ws.ID {
		t.Errorf("the new key opens %+v, %v", got, err)
	}
	if list := owner.run(t, "workspaces", "list"); list.code != exitOK || strings.Count(list.out, "ws_") != 2 {
		t.Errorf("list: status %d: %s%s", list.code, list.out, list.err)
	}
}

func TestWorkspaces_NeverMakeADataDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	for _, args := range [][]string{{"workspaces", "list"}, {"workspaces", "create", "x"}} {
		got := cli{}.run(t, append(args, "--data-dir", dir)...)
		if got.code != exitFailure || !strings.Contains(got.err, "there is no Signalbox database in") {
			t.Errorf("%v: status %d: %s", args, got.code, got.err)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("a data directory was made: %v", err)
	}
}

func TestConnection_KeyOfAFirstStartGoesToItsServerOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "SIGNALBOX_URL=http://127.0.0.1:1\nSIGNALBOX_API_KEY=sk_live_left\n"
	if err := os.WriteFile(filepath.Join(dir, credentialsFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name     string
		conn     connection
		env      []string
		url, err string
	}{
		{"found", connection{dataDir: dir}, nil, "http://127.0.0.1:1", ""},
		{"same server", connection{dataDir: dir, server: "http://127.0.0.1:1"}, nil, "http://127.0.0.1:1", ""},
		{"another server", connection{dataDir: dir, server: "http://example.com"}, nil, "", "no API key"},
		{"another server in the environment", connection{dataDir: dir}, []string{"SIGNALBOX_URL=http://example.com"}, "", "no API key"},
		{"own key for another server", connection{dataDir: dir, server: "http://example.com", key: "k"}, nil, "http://example.com", ""},
		{"nothing left", connection{dataDir: t.TempDir()}, nil, "", "no API key"},
		{"nothing left, own key", connection{dataDir: t.TempDir(), key: "k"}, nil, "http://127.0.0.1:8080", ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := tc.conn.open(cli{environ: tc.env}.program(nil, nil))
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("want %q, got %v", tc.err, err)
				}
				return
			}
			if err != nil || c.URL() != tc.url {
				t.Errorf("got %v, %v; want %s", c, err, tc.url)
			}
		})
	}
}
