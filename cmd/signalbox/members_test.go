package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"signalbox/app"
)

// useLink sets a password by a link's token, and returns the status.
func useLink(t *testing.T, server, link, password string) int {
	t.Helper()
	token := link[strings.LastIndex(link, "/")+1:]
	resp, err := http.Post(server+"/v1/links/"+token, "application/json", strings.NewReader(`{"password":"`+password+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestMembers_WhoIsLockedOutIsLetInWhileAServerRunsAndWhileNoneDoes(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	list := cli{}.run(t, "members", "list", "--data-dir", s.dir)
	if list.code != exitOK || !strings.Contains(list.out, "admin@localhost") || !strings.Contains(list.out, "admin") || !strings.Contains(list.out, "My workspace") {
		t.Errorf("status %d: %s%s", list.code, list.out, list.err)
	}
	made := cli{}.run(t, "members", "reset-password", "Admin@localhost", "--data-dir", s.dir)
	link := strings.TrimSpace(made.out)
	if made.code != exitOK || !strings.HasPrefix(link, s.url+"/link/") || !strings.Contains(made.err, "once") {
		t.Fatalf("status %d: %s%s", made.code, made.out, made.err)
	}
	if got := useLink(t, s.url, link, "a password anew"); got != http.StatusCreated {
		t.Errorf("the link gets %d", got)
	}
	if got := useLink(t, s.url, link, "a password anew"); got != http.StatusNotFound {
		t.Errorf("the link gets %d when it is used again", got)
	}
	if got := (cli{}).run(t, "members", "reset-password", "eve@localhost", "--data-dir", s.dir); got.code != exitFailure || !strings.Contains(got.err, "no member has the e-mail eve@localhost") {
		t.Errorf("status %d: %s", got.code, got.err)
	}
	addr := s.app.Addr()
	s.stop()
	var off app.MemberLink
	stopped := cli{}.run(t, "members", "reset-password", "admin@localhost", "--data-dir", s.dir, "--public-url", "http://"+addr, "--json")
	if err := json.Unmarshal([]byte(stopped.out), &off); err != nil || off.Kind != "reset" || !strings.HasPrefix(off.URL, "http://"+addr+"/link/") {
		t.Fatalf("%v: %s%s", err, stopped.out, stopped.err)
	}
	s.start(t, "127.0.0.1:0") // the address may be somebody else's by now
	if got := useLink(t, s.url, off.URL, "yet another password"); got != http.StatusCreated {
		t.Errorf("the link of a stopped server gets %d", got)
	}
}

func TestCredentials_WhatIsMadeLaterJoinsWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := writeCredentials(dir, "http://x", app.FirstStart{Workspace: "ws_1", APIKey: "sk_live_1"}); err != nil {
		t.Fatal(err)
	}
	path, err := writeCredentials(dir, "http://y", app.FirstStart{Workspace: "ws_1", Email: "admin@localhost", Password: "hush"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	info, statErr := os.Stat(filepath.Join(dir, credentialsFile))
	want := "SIGNALBOX_URL=http://y\nSIGNALBOX_WORKSPACE_ID=ws_1\nSIGNALBOX_API_KEY=sk_live_1\nSIGNALBOX_ADMIN_EMAIL=admin@localhost\nSIGNALBOX_ADMIN_PASSWORD=hush\n"
	if err != nil || statErr != nil || info.Mode().Perm() != 0o600 || !strings.HasSuffix(string(text), want) {
		t.Errorf("%v, %v, %s", err, statErr, text)
	}
}
