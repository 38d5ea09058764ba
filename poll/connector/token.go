package connector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"signalbox/strictjson"
)

// The bounds of a token.
const (
	maxTokenAnswer = 64 << 10
	tokenMargin    = time.Minute // before a token expires another one is fetched: a request must not meet the end of it
	tokenLife      = time.Hour   // of one that does not say when it expires; a 401 ends it sooner
)

// token is an access token, and until when it is used.
type token struct {
	value string
	until time.Time
}

// tokenKey tells tokens of different credentials apart.
func (k *caller) tokenKey() [sha256.Size]byte {
	form, user, password := k.auth.tokenForm(k.secrets)
	text, _ := json.Marshal([]string{k.auth.TokenURL, form.Encode(), user, password})
	return sha256.Sum256(text)
}

// token is a token that is still good, the session's or a new one. refused is one that the provider did not take: it is not used again. requests is how many
// were sent for it.
func (k *caller) token(ctx context.Context, refused string) (value string, requests int, err error) {
	select {
	case k.session.fetching <- struct{}{}:
		defer func() { <-k.session.fetching }()
	case <-ctx.Done():
		return "", 0, ctx.Err()
	}
	key := k.tokenKey()
	if t, ok := k.session.tokens[key]; ok && t.value != refused && time.Now().Before(t.until) {
		return t.value, 0, nil
	}
	t, requests, err := k.fetchToken(ctx)
	if err != nil {
		return "", requests, err
	}
	k.session.tokens[key] = t
	return t.value, requests, nil
}

func (k *caller) fetchToken(ctx context.Context) (token, int, error) {
	form, user, password := k.auth.tokenForm(k.secrets)
	ask := func() (*http.Request, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.auth.TokenURL, strings.NewReader(form.Encode()))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "application/json")
		if user != "" || password != "" {
			r.SetBasicAuth(user, password)
		}
		return r, nil
	}
	got, err := k.patiently(ctx, ask, maxTokenAnswer)
	if err != nil {
		return token{}, got.requests, err
	}
	if got.status != http.StatusOK {
		f := statusFailure(got.status)
		// RFC 6749, section 5.2: what is wrong with the credentials is a 400 or a 401.
		if got.status == http.StatusBadRequest || got.status == http.StatusUnauthorized || got.status == http.StatusForbidden {
			f = &Failure{Kind: AuthFailure}
		}
		f.Msg = "the provider gave no token, it answered " + statusText(got.status) + "; look whether the client's id and secret are right and still valid"
		return token{}, got.requests, f
	}
	t, err := readToken(got.body, time.Now())
	return t, got.requests, err
}

// readToken reads a token answer. Providers say when it expires in seconds, as RFC 6749 has it, or as a time.
func readToken(body []byte, now time.Time) (token, error) {
	var given struct {
		Value     string         `json:"access_token"`
		ExpiresIn strictjson.Raw `json:"expires_in"`
		ExpiresAt strictjson.Raw `json:"expires_at"`
	}
	if err := strictjson.Unmarshal(body, &given); err != nil || given.Value == "" || len(given.Value) > 2*maxSecret {
		return token{}, &Failure{Kind: AuthFailure, Msg: "the answer of the token address has no access_token; look whether token_url is right"}
	}
	if strings.ContainsFunc(given.Value, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return token{}, &Failure{Kind: AuthFailure, Msg: "the access_token of the token address cannot be sent in a header"}
	}
	until := now.Add(tokenLife)
	var seconds json.Number
	if in := bytes.Trim(given.ExpiresIn, `"`); len(in) > 0 && json.Unmarshal(in, &seconds) == nil {
		if n, err := seconds.Float64(); err == nil && n > 0 && n < 1e9 {
			until = now.Add(time.Duration(n * float64(time.Second)))
		}
	} else if at := bytes.Trim(given.ExpiresAt, `"`); len(at) > 0 {
		if t, err := time.Parse(time.RFC3339, string(at)); err == nil {
			until = t
		}
	}
	return token{value: given.Value, until: until.Add(-tokenMargin)}, nil
}

// readAll reads a body of at most so many bytes; what is longer is told apart.
func readAll(r io.Reader, most int64) (body []byte, tooLong bool, err error) {
	body, err = io.ReadAll(io.LimitReader(r, most+1))
	return body, int64(len(body)) > most, err
}
