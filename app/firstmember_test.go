package app_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/app"
	"signalbox/auth"
	"signalbox/store"
)

// signsIn says with which status a password is answered.
func (s *server) signsIn(email, password string) int {
	s.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Post(s.app.URL()+"/v1/session", "application/json", strings.NewReader(`{"email":"`+email+`","password":"`+password+`"}`))
	if err != nil {
		s.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestFirstMember_IsToldOnceAndSignsIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, nil) // with a bootstrap key: there is no key to tell of
	unseen, ok := s.app.FirstStart()
	if !ok || unseen.Email != "admin@localhost" || unseen.Password == "" || unseen.APIKey != "" {
		t.Fatalf("the first start tells %+v, %t", unseen, ok)
	}
	s.stop()
	s = start(t, dir, nil) // nobody was shown that password: another one takes its place
	first, ok := s.app.FirstStart()
	if !ok || first.Password == "" || first.Password == unseen.Password {
		t.Fatalf("the start after one that told nobody tells %+v, %t", first, ok)
	}
	if err := s.app.FirstStartShown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if old, now := s.signsIn(first.Email, unseen.Password), s.signsIn(first.Email, first.Password); old != http.StatusUnauthorized || now != http.StatusCreated {
		t.Errorf("the password before gets %d, the one that was told %d", old, now)
	}
	s.stop()
	s = start(t, dir, nil)
	if again, ok := s.app.FirstStart(); ok {
		t.Errorf("the third start tells %+v", again)
	}
	if got := s.signsIn(first.Email, first.Password); got != http.StatusCreated {
		t.Errorf("the password that was told gets %d", got)
	}
}

func TestFirstMember_WhoSignedInIsNotToldOfAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, nil)
	first, _ := s.app.FirstStart()
	if got := s.signsIn(first.Email, first.Password); got != http.StatusCreated {
		t.Fatalf("the password gets %d", got)
	}
	s.stop()
	s = start(t, dir, nil) // FirstStartShown was never called, but somebody knows the password
	if again, ok := s.app.FirstStart(); ok {
		t.Errorf("the next start tells %+v", again)
	}
	if got := s.signsIn(first.Email, first.Password); got != http.StatusCreated {
		t.Errorf("the password gets %d afterwards", got)
	}
}

func TestFirstMember_IsWhoIsConfigured(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), func(c *app.Config) { c.AdminEmail, c.AdminPassword = "Boss@Acme.com", "a password of their own" })
	if first, ok := s.app.FirstStart(); ok {
		t.Errorf("there is nothing to tell, and it tells %+v", first)
	}
	if got := s.signsIn("boss@acme.com", "a password of their own"); got != http.StatusCreated {
		t.Errorf("the configured password gets %d", got)
	}
}

// A database from before there were members gets its first admin at its next start; its key works on.
func TestFirstMember_IsMadeInADatabaseThatHasNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	withoutMembers(t, dir)
	s := start(t, dir, func(c *app.Config) { c.BootstrapAPIKey = "" })
	first, ok := s.app.FirstStart()
	if !ok || first.APIKey != "" || first.Password == "" || first.Workspace == "" {
		t.Fatalf("the start with members tells %+v, %t", first, ok)
	}
	if got := s.signsIn(first.Email, first.Password); got != http.StatusCreated {
		t.Errorf("the password gets %d", got)
	}
}

// withoutMembers leaves in a directory the database of a server that had a workspace and had shown its key, and knew no members.
func withoutMembers(t *testing.T, dir string) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(dir, app.DatabaseFile)})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	ws := signalbox.Workspace{ID: signalbox.WorkspaceID(signalbox.NewIDs(0).Next(now)), Name: "Old", Timezone: "UTC", CreatedAt: now, UpdatedAt: now}
	if err := errors.Join(db.CreateWorkspace(t.Context(), ws), db.PutSetting(t.Context(), "first_key", []byte("shown")), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestConfig_OfSignInIsChecked(t *testing.T) {
	t.Parallel()
	for says, set := range map[string]func(*app.Config){
		"--admin-email":                  func(c *app.Config) { c.AdminEmail = "boss" },
		"at least 10 characters":         func(c *app.Config) { c.AdminPassword = "short" },
		"--trusted-proxies":              func(c *app.Config) { c.TrustedProxies = []string{"proxy.example"} },
		"give --oidc-issuer too":         func(c *app.Config) { c.NoPasswords = true },
		"--oidc-client-id: it goes with": func(c *app.Config) { c.OIDC.ClientID = "x" },
		"--oidc-client-id: the provider": func(c *app.Config) { c.OIDC.Issuer = "https://login.example.com" },
		"must begin with https://":       func(c *app.Config) { c.OIDC = app.OIDC{Issuer: "http://login.example.com", ClientID: "x"} },
		"is not a URL such as https://login": func(c *app.Config) {
			c.OIDC = app.OIDC{Issuer: "login.example.com", ClientID: "x"}
		},
		"give both --oidc-default-role": func(c *app.Config) {
			c.OIDC = app.OIDC{Issuer: "https://login.example.com", ClientID: "x", DefaultRole: "viewer"}
		},
		"is none of admin, analyst, viewer": func(c *app.Config) {
			c.OIDC = app.OIDC{Issuer: "https://login.example.com", ClientID: "x", DefaultRole: "owner", Domains: []string{"acme.com"}}
		},
	} {
		c := app.Config{}
		set(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q, got %v", says, err)
		}
	}
	good := app.Config{
		AdminEmail: "boss@acme.com", AdminPassword: auth.NewPassword(), TrustedProxies: []string{"10.0.0.0/8", "::1"}, NoPasswords: true,
		OIDC: app.OIDC{Issuer: "https://login.example.com", ClientID: "x", DefaultRole: "viewer", Domains: []string{"acme.com"}},
	}
	if err := good.Check(); err != nil {
		t.Errorf("a good configuration: %v", err)
	}
}
