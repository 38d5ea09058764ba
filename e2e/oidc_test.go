package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// provider is a real OpenID provider beside the server.
type provider struct {
	*program
	base string
}

const clientSecret = "what only the provider and the server know"

// provide starts a provider, and a server that signs in with it.
func provide(t *testing.T, flags ...string) (*provider, *server) {
	t.Helper()
	p := &provider{program: start(t, nil, kit.node, filepath.Join("programs", "oidc.mjs"))}
	p.base = "http://127.0.0.1:" + strings.TrimPrefix(p.out.await(t, "listening ", p.exited), "listening ")
	env := []string{"SIGNALBOX_BOOTSTRAP_API_KEY=" + apiKey, "SIGNALBOX_OIDC_CLIENT_SECRET=" + clientSecret}
	s := startServer(t, t.TempDir(), env, append([]string{"--oidc-issuer", p.base, "--oidc-client-id", "signalbox", "--oidc-label", "Acme SSO"}, flags...)...)
	p.post("/setup", map[string]any{"redirect_uri": s.url + "/v1/sign-in/oidc/callback", "secret": clientSecret})
	return p, s
}

// post tells the provider something.
func (p *provider) post(path string, body any) {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.Post(p.base+path, "application/json", bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s answered %d", path, resp.StatusCode)
	}
}

// browser keeps cookies and follows redirects, as far as a page of the server's.
type browser struct {
	*http.Client
	t *testing.T
	s *server
}

func browse(t *testing.T, s *server) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if home := strings.HasPrefix(r.URL.String(), s.url); home && !strings.HasPrefix(r.URL.Path, "/v1/") || len(via) > 20 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return &browser{c, t, s}
}

// goes opens a path of the server's, and returns where the browser is sent at last.
func (b *browser) goes(path string) string {
	b.t.Helper()
	resp, err := b.Get(b.s.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusFound && resp.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("%s ended with %d at %s: %.300s", path, resp.StatusCode, resp.Request.URL, text)
	}
	return resp.Header.Get("Location")
}

// session asks who is signed in.
func (b *browser) session() (status int, email, role string) {
	b.t.Helper()
	resp, err := b.Get(b.s.url + "/v1/session")
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct{ Member struct{ Email, Role string } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, answer.Data.Member.Email, answer.Data.Member.Role
}

func TestOIDC_SignsInWhomTheProviderVouchesForAndNobodyElse(t *testing.T) {
	t.Parallel()
	p, s := provide(t, "--oidc-default-role", "viewer", "--oidc-domains", "acmecorp.com")
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/v1/members", strings.NewReader(`{"email":"Jane@Partner.example","role":"analyst"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("inviting a member: %d", resp.StatusCode)
	}
	for name, c := range map[string]struct {
		user        map[string]any
		to          string
		email, role string
	}{
		"an invited member":             {map[string]any{"email": "jane@partner.example", "email_verified": true, "name": "Jane"}, "/", "jane@partner.example", "analyst"},
		"somebody of the domain":        {map[string]any{"email": "Max@AcmeCorp.com", "email_verified": true, "name": "Max"}, "/", "max@acmecorp.com", "viewer"},
		"of the domain, but unverified": {map[string]any{"email": "eve@acmecorp.com", "email_verified": false}, "/sign-in?error=oidc_unverified", "", ""},
		"of the domain, and not said":   {map[string]any{"email": "eve2@acmecorp.com"}, "/sign-in?error=oidc_unverified", "", ""},
		"of a domain that ends alike":   {map[string]any{"email": "eve@notacmecorp.com", "email_verified": true}, "/sign-in?error=oidc_no_member", "", ""},
		"who changes their mind":        {map[string]any{"email": "jane@partner.example", "email_verified": true, "denies": true}, "/sign-in?error=oidc_denied", "", ""},
	} {
		t.Run(name, func(t *testing.T) { // one after the other: the provider has one user at a time
			p.post("/user", c.user)
			b := browse(t, s)
			if to := b.goes("/v1/sign-in/oidc"); to != c.to {
				t.Fatalf("the browser is sent to %s, want %s", to, c.to)
			}
			status, email, role := b.session()
			if email != c.email || role != c.role || (status == http.StatusOK) != (c.email != "") {
				t.Errorf("%d: signed in as %q, %q; want %q, %q", status, email, role, c.email, c.role)
			}
		})
	}
}

func TestOIDC_AnAnswerThatThisBrowserDidNotAskForIsRefused(t *testing.T) {
	t.Parallel()
	p, s := provide(t)
	p.post("/user", map[string]any{"email": "admin@localhost", "email_verified": true})
	if to := browse(t, s).goes("/v1/sign-in/oidc/callback?code=x&state=y"); to != "/sign-in?error=oidc_expired" {
		t.Errorf("without a cookie: %s", to)
	}
	// The attacker's own answer, given to somebody else who has a sign-in under way.
	attacker := browse(t, s)
	var stolen *url.URL
	attacker.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), s.url+"/v1/sign-in/oidc/callback") {
			stolen = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	attacker.goes("/v1/sign-in/oidc")
	if stolen == nil || stolen.Query().Get("code") == "" {
		t.Fatal("the provider sent no code")
	}
	victim := browse(t, s)
	victim.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	victim.goes("/v1/sign-in/oidc")
	if to := victim.goes(stolen.Path + "?" + stolen.RawQuery); to != "/sign-in?error=oidc_failed" {
		t.Errorf("another browser's answer leads to %s", to)
	}
	if status, _, _ := victim.session(); status != http.StatusUnauthorized {
		t.Errorf("the victim is signed in: %d", status)
	}
	// The browser that asked may use it, once.
	attacker.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if to := attacker.goes(stolen.Path + "?" + stolen.RawQuery); to != "/" {
		t.Errorf("its own answer leads to %s", to)
	}
	if to := attacker.goes(stolen.Path + "?" + stolen.RawQuery); to != "/sign-in?error=oidc_expired" {
		t.Errorf("used again: %s", to)
	}
}

func TestOIDC_PasswordsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	_, s := provide(t, "--password-login=false")
	b := browse(t, s)
	resp, err := b.Get(s.url + "/v1/sign-in")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var says struct {
		Data struct {
			Password bool
			OIDC     *struct{ Label, URL string }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&says); err != nil {
		t.Fatal(err)
	}
	if says.Data.Password || says.Data.OIDC == nil || says.Data.OIDC.Label != "Acme SSO" || says.Data.OIDC.URL != "/v1/sign-in/oidc" {
		t.Errorf("the server says %+v, %+v", says.Data, says.Data.OIDC)
	}
	refused, err := b.Post(s.url+"/v1/session", "application/json", strings.NewReader(`{"email":"admin@localhost","password":"correct horse battery"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Body.Close()
	if refused.StatusCode != http.StatusForbidden {
		t.Errorf("a password gets %d", refused.StatusCode)
	}
}
