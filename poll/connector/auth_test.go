package connector_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signalbox/internal/boxtest/provider"
	"signalbox/poll/connector"
)

func TestAuth_EveryWayToSignIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		auth    string // as the API has it
		want    string // header
		inQuery string
	}{
		"bearer":        {`{"type":"bearer","token":"s"}`, "Authorization: Bearer s", ""},
		"basic":         {`{"type":"basic","username":"u","password":"p"}`, "Authorization: Basic dTpw", ""},
		"no password":   {`{"type":"basic","username":"u"}`, "Authorization: Basic dTo=", ""},
		"header":        {`{"type":"api_key","in":"header","name":"X-Api-Key","value":"s"}`, "X-Api-Key: s", ""},
		"with a prefix": {`{"type":"api_key","in":"header","name":"Authorization","prefix":"Token token=","value":"s"}`, "Authorization: Token token=s", ""},
		"query":         {`{"type":"api_key","in":"query","name":"api_key","value":"s&t"}`, "", "api_key=s%26t"},
		"none":          {`{"type":"none"}`, "", ""},
	} {
		auth, secrets, err := connector.ReadAuth([]byte(c.auth))
		if err != nil {
			t.Fatal(err)
		}
		config := generic("all", connector.Pagination{})
		config.Auth = auth
		var asked *http.Request
		client := doer(func(r *http.Request) string { asked = r; return `{"data":[]}` })
		mustWalk(t, open(t, config, connector.Options{Client: client, Secrets: secrets}))
		if key, value, _ := strings.Cut(c.want, ": "); key != "" && asked.Header.Get(key) != value {
			t.Errorf("%s: %s is %q, want %q", name, key, asked.Header.Get(key), value)
		}
		if c.want == "" && asked.Header.Get("Authorization") != "" || !strings.Contains(asked.URL.RawQuery, c.inQuery) {
			t.Errorf("%s: asked %s with %v", name, asked.URL, asked.Header)
		}
	}
}

// oauth is a configuration that fetches tokens.
func oauth() connector.Config {
	c := ways(4)["page"]
	c.Auth = connector.Auth{Type: connector.AuthOAuth2, TokenURL: "https://auth.example.com/token", Scope: "read", Params: map[string]string{"sub": "7"}}
	return c
}

func TestOAuth2_ATokenIsKeptUntilAMinuteBeforeItExpires(t *testing.T) {
	t.Parallel()
	server := provider.Generic() // its tokens are good for an hour
	server.Fill("items", 1, 10)
	synctest.Test(t, func(t *testing.T) {
		o := connector.Options{Client: server, Secrets: harvest, Session: connector.NewSession()}
		for _, c := range []struct {
			wait time.Duration
			want int
		}{{0, 1}, {time.Minute, 1}, {57*time.Minute + 30*time.Second, 1}, {31 * time.Second, 2}} {
			time.Sleep(c.wait)
			if w := mustWalk(t, open(t, oauth(), o)); len(w.records) != 10 {
				t.Errorf("%d records", len(w.records))
			}
			if server.Tokens() != c.want {
				t.Errorf("%s later there were %d tokens, want %d", c.wait, server.Tokens(), c.want)
			}
		}
	})
}

func TestOAuth2_ARevokedTokenIsFetchedAnewOnceAPage(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	server.Fill("items", 1, 10)
	server.Before(2, server.Revoke)
	w := mustWalk(t, open(t, oauth(), connector.Options{Client: server, Secrets: harvest}))
	if len(w.records) != 10 || server.Tokens() != 2 || w.requests != len(server.Asked()) {
		t.Errorf("%d records with %d tokens, %d requests told of %d", len(w.records), server.Tokens(), w.requests, len(server.Asked()))
	}
	server.Then(provider.Status(401), provider.Status(401), provider.Status(401))
	_, err := open(t, oauth(), connector.Options{Client: server, Secrets: harvest}).Next(t.Context(), nil)
	failure(t, err, connector.AuthFailure, "401", "page 1")
	if server.Tokens() != 4 {
		t.Errorf("%d tokens were fetched in all, want 4: one and one more for a page that is refused", server.Tokens())
	}
}

func TestOAuth2_NoTokenIsAFailureOfItsKind(t *testing.T) {
	t.Parallel()
	server := provider.Generic()
	wrongSecret := connector.Secrets{"client_id": provider.ClientID, "client_secret": "wrong"}
	_, err := open(t, oauth(), connector.Options{Client: server, Secrets: wrongSecret}).Next(t.Context(), nil)
	failure(t, err, connector.AuthFailure, "no token", "client's id and secret")
	for name, answer := range map[string]string{"no token": `{}`, "not JSON": `x`, "HTML": `<html>`, "a token that is no header": `{"access_token":"a\nb"}`} {
		client := doer(func(*http.Request) string { return answer })
		if _, err := open(t, oauth(), connector.Options{Client: client, Secrets: harvest}).Next(t.Context(), nil); err == nil {
			t.Errorf("%s: a page", name)
		} else {
			failure(t, err, connector.AuthFailure, "access_token")
		}
	}
}

// RFC 6749 says seconds, Greenhouse a time; some say it as a text, or not at all.
func TestOAuth2_HowLongATokenIsGood(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		good   time.Duration
	}{
		"seconds":           {`{"access_token":"t","expires_in":600}`, 9 * time.Minute},
		"seconds as a text": {`{"access_token":"t","expires_in":"600"}`, 9 * time.Minute},
		"a time":            {`{"access_token":"t","expires_at":"2000-01-01T00:30:00Z"}`, 29 * time.Minute},
		"not said":          {`{"access_token":"t"}`, 59 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) { // its clock begins at 2000-01-01T00:00:00Z
			tokens := 0
			client := doer(func(r *http.Request) string {
				if r.Method == http.MethodPost {
					tokens++
					return c.answer
				}
				return `{"data":[]}`
			})
			o := connector.Options{Client: client, Secrets: harvest, Session: connector.NewSession()}
			mustWalk(t, open(t, oauth(), o))
			time.Sleep(c.good - time.Second)
			mustWalk(t, open(t, oauth(), o))
			if tokens != 1 {
				t.Errorf("%s: a token was not used as long as it is good", name)
			}
			time.Sleep(2 * time.Second)
			if mustWalk(t, open(t, oauth(), o)); tokens != 2 {
				t.Errorf("%s: a token was used for longer than %s", name, c.good)
			}
		})
	}
}

func TestOAuth2_TheClientSignsInInTheHeaderOrTheBody(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "header", "body"} {
		var form string
		var basic bool
		client := doer(func(r *http.Request) string {
			if r.Method != http.MethodPost {
				return `{"data":[]}`
			}
			_ = r.ParseForm()
			form = r.PostForm.Encode()
			_, _, basic = r.BasicAuth()
			return `{"access_token":"t"}`
		})
		c := oauth()
		c.Auth.SendIn = in
		mustWalk(t, open(t, c, connector.Options{Client: client, Secrets: harvest}))
		if (in == "body") == basic || !strings.Contains(form, "grant_type=client_credentials") || !strings.Contains(form, "scope=read&sub=7") ||
			(in == "body") != strings.Contains(form, "client_secret=") {
			t.Errorf("in %q: basic %v, form %s", in, basic, form)
		}
	}
}

func TestSecrets_AreHiddenHoweverTheyArePrinted(t *testing.T) {
	t.Parallel()
	s := connector.Secrets{"token": provider.Secret}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secrets", s)
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %d", s, s, s, s, s, s), log.String()} {
		if strings.Contains(text, provider.Secret) {
			t.Errorf("printed %s", text)
		}
	}
	o, err := json.Marshal(ways(3)["page"])
	if err != nil || strings.Contains(string(o), provider.Secret) {
		t.Errorf("the configuration holds %s, %v", o, err)
	}
}

func TestAuth_WhatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	for auth, want := range map[string]string{
		`{"type":"digest"}`:                                          "connector.auth.type",
		`{"type":"bearer"}`:                                          "connector.auth.token",
		`{"type":"bearer","token":""}`:                               "connector.auth.token",
		`{"type":"bearer","token":"a\n"}`:                            "connector.auth.token",
		`{"type":"bearer","token":"a","username":"b"}`:               "connector.auth.username",
		`{"type":"bearer","token":"a","scope":"b"}`:                  "connector.auth.scope",
		`{"type":"bearer","tokn":"a"}`:                               "connector.auth.tokn",
		`{"type":"basic","username":"a:b"}`:                          "connector.auth.username",
		`{"type":"api_key","value":"a"}`:                             "connector.auth.in",
		`{"type":"api_key","in":"header","value":"a"}`:               "connector.auth.name",
		`{"type":"api_key","in":"header","name":"Host","value":"a"}`: "connector.auth.name",
		`{"type":"api_key","in":"header","name":"X","value":"` + strings.Repeat("x", 3000) + `"}`:                      "connector.auth.value",
		`{"type":"oauth2","client_id":"a","client_secret":"b"}`:                                                        "connector.auth.token_url",
		`{"type":"oauth2","token_url":"https://x.example.com/token"}`:                                                  "connector.auth.client_id",
		`{"type":"oauth2","token_url":"https://x.example.com","client_id":"a","client_secret":"b","send_in":"cookie"}`: "connector.auth.send_in",
	} {
		c := generic("all", connector.Pagination{})
		var secrets connector.Secrets
		var err error
		if c.Auth, secrets, err = connector.ReadAuth([]byte(auth)); err == nil {
			_, err = connector.Open(c, connector.Options{Client: provider.Generic(), Secrets: secrets})
		}
		invalid(t, err, want)
	}
}
