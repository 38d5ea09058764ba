package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/client"
)

// proves S0-5, S0-11 (contract section 2: keys)
func TestBadKey_IsRefusedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	s := serve(t, "--dev")
	key := func(scope signalbox.Scope, expires time.Time) client.APIKey {
		made, err := s.CreateKey(t.Context(), client.KeyInput{Name: "of " + t.Name(), Scope: scope, ExpiresAt: expires})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	good := key("ingest", time.Time{}).Key.Reveal()
	revoked := key("ingest", time.Time{})
	if err := s.RevokeKey(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	expired := key("ingest", time.Now().Add(2*time.Second)).Key.Reveal()
	eventually(t, "the key that ends soon has ended", func() bool {
		status, _ := s.authorized(t, http.MethodGet, "/v1/signals", "Bearer "+expired)
		return status == http.StatusUnauthorized // before, it is a key without the right to read: 403
	})
	mistyped := good[:10] + swapped(good[10]) + good[11:]

	unauthorized := func(says string) refusal { return refusal{status: 401, code: "unauthorized", says: says} }
	forbidden := refusal{status: 403, code: "forbidden"}
	cases := []struct {
		name, method, path, header string
		want                       refusal
	}{
		{"none", "POST", "/v1/signals", "", unauthorized("Authorization")},
		{"another scheme", "POST", "/v1/signals", "Basic " + good, unauthorized("Bearer")},
		{"no word Bearer", "POST", "/v1/signals", good, unauthorized("Bearer")},
		{"empty", "POST", "/v1/signals", "Bearer ", unauthorized("")},
		{"another prefix", "POST", "/v1/signals", "Bearer pk_live_" + good[8:], unauthorized("sk_live_")},
		{"too short", "POST", "/v1/signals", "Bearer sk_live_short", unauthorized("short")},
		{"a stranger's character", "POST", "/v1/signals", "Bearer " + good[:20] + "-" + good[21:], unauthorized("letters")},
		{"mistyped", "POST", "/v1/signals", "Bearer " + mistyped, unauthorized("mistyped")},
		{"cut off", "POST", "/v1/signals", "Bearer " + good[:len(good)-1], unauthorized("")},
		{"unknown", "POST", "/v1/signals", "Bearer sk_live_nobody_knows_this_key_here", unauthorized("unknown")},
		{"revoked", "POST", "/v1/signals", "Bearer " + revoked.Key.Reveal(), unauthorized("revoked")},
		{"expired", "POST", "/v1/signals", "Bearer " + expired, unauthorized("expired")},
		{"to ingest, reading", "GET", "/v1/signals", "Bearer " + good, forbidden},
		{"to ingest, making webhooks", "POST", "/v1/webhooks", "Bearer " + good, forbidden},
		{"to read, sending", "POST", "/v1/signals", "Bearer " + key("read", time.Time{}).Key.Reveal(), forbidden},
		{"to write, reading", "GET", "/v1/webhooks", "Bearer " + key("write", time.Time{}).Key.Reveal(), forbidden},
		{"to read and write, making keys", "GET", "/v1/api-keys", "Bearer " + key("read_write", time.Time{}).Key.Reveal(), forbidden},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			status, body := s.authorized(t, test.method, test.path, test.header)
			test.want.check(t, status, body)
			for _, secret := range []string{good, mistyped, revoked.Key.Reveal()} {
				if strings.Contains(string(body), secret[12:]) {
					t.Errorf("the answer repeats the key: %s", body)
				}
			}
		})
	}
	if n := s.storedSignals(); n != 0 {
		t.Errorf("%d signals are stored, want none", n)
	}
	if status, body := s.authorized(t, "POST", "/v1/signals", "Bearer "+good); status != http.StatusCreated {
		t.Errorf("the good key is answered %d %s", status, body)
	}
	if strings.Contains(s.log.String(), good[12:]) {
		t.Error("the log holds an API key")
	}
}

// swapped is another character of a key's alphabet.
func swapped(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// authorized makes a request with an Authorization header, a good signal its body where there is one.
func (s *server) authorized(t *testing.T, method, path, header string) (status int, body []byte) {
	t.Helper()
	var payload io.Reader
	if method == http.MethodPost {
		payload = strings.NewReader(`{"type":"t","source":"s"}`)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, payload)
	if err != nil {
		t.Fatal(err)
	}
	if header != "" {
		req.Header.Set("Authorization", header)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}
