package connector

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"signalbox/egress"
	"signalbox/strictjson"
)

// The ways to sign in.
const (
	AuthNone   = "none"
	AuthBearer = "bearer"
	AuthBasic  = "basic"
	AuthAPIKey = "api_key"
	AuthOAuth2 = "oauth2" // client credentials (RFC 6749, section 4.4)
)

// Auth says how requests sign in, without the secrets.
type Auth struct {
	Type     string            `json:"type,omitempty" yaml:"type"`
	In       string            `json:"in,omitempty" yaml:"in"`     // of an API key: "header" or "query"
	Name     string            `json:"name,omitempty" yaml:"name"` // of that header or parameter
	TokenURL string            `json:"token_url,omitempty" yaml:"token_url"`
	Scope    string            `json:"scope,omitempty" yaml:"scope"`
	Params   map[string]string `json:"params,omitempty" yaml:"params"`   // further ones of the token request
	SendIn   string            `json:"send_in,omitempty" yaml:"send_in"` // of the client's id and secret: "header" (default) or "body"
	Fixed    map[string]string `json:"fixed,omitempty" yaml:"fixed"`     // secrets that are the same for everybody, as a password that is not looked at
	Prefix   string            `json:"prefix,omitempty" yaml:"prefix"`   // of an API key's value: "Token "
}

// Secrets are what signs in, by name; SecretsOf says which there are. They print as [hidden].
type Secrets map[string]string

const hidden = "[hidden]"

// String hides them.
func (s Secrets) String() string { return hidden }

// GoString hides them.
func (s Secrets) GoString() string { return hidden }

// Format hides them from every verb.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue hides them in logs.
func (s Secrets) LogValue() slog.Value { return slog.StringValue(hidden) }

// secretNames are those of each type; a name that ends in ? may be left out.
var secretNames = map[string][]string{
	"": nil, AuthNone: nil,
	AuthBearer: {"token"},
	AuthBasic:  {"username", "password?"},
	AuthAPIKey: {"value"},
	AuthOAuth2: {"client_id", "client_secret"},
}

// maxSecret bounds a secret, in bytes: it fits into a header.
const maxSecret = egress.MaxHeaderValue / 2

// SecretsOf names the secrets that an Auth needs from whoever sets a source up, sorted.
func SecretsOf(a Auth) []string {
	var names []string
	for _, name := range secretNames[a.Type] {
		name = strings.TrimSuffix(name, "?")
		if _, fixed := a.Fixed[name]; !fixed {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ReadAuth reads the "auth" of a connector as the API has it, and takes the secrets out of it: {"type": "bearer", "token": "…"}. Check is still to be called.
func ReadAuth(raw []byte) (Auth, Secrets, error) {
	var given struct {
		Type     string            `json:"type"`
		In       string            `json:"in"`
		Name     string            `json:"name"`
		Prefix   string            `json:"prefix"`
		TokenURL string            `json:"token_url"`
		Scope    string            `json:"scope"`
		Params   map[string]string `json:"params"`
		SendIn   string            `json:"send_in"`

		Token        *string `json:"token"`
		Username     *string `json:"username"`
		Password     *string `json:"password"`
		Value        *string `json:"value"`
		ClientID     *string `json:"client_id"`
		ClientSecret *string `json:"client_secret"`
	}
	if err := strictjson.UnmarshalKnown(raw, &given); err != nil {
		return Auth{}, nil, jsonError("connector.auth", err)
	}
	a := Auth{Type: given.Type, In: given.In, Name: given.Name, Prefix: given.Prefix, TokenURL: given.TokenURL, Scope: given.Scope, Params: given.Params,
		SendIn: given.SendIn}
	secrets := Secrets{}
	for name, value := range map[string]*string{"token": given.Token, "username": given.Username, "password": given.Password, "value": given.Value,
		"client_id": given.ClientID, "client_secret": given.ClientSecret} {
		if value != nil {
			secrets[name] = *value
		}
	}
	return a, secrets, nil
}

// check judges everything but the secrets.
func (a Auth) check() error {
	names, known := secretNames[a.Type]
	if !known {
		return wrong("auth.type", "%.40q is no way to sign in; it is bearer, basic, api_key, oauth2 or none", a.Type)
	}
	key, oauth := a.Type == AuthAPIKey, a.Type == AuthOAuth2
	for field, has := range map[string]bool{"in": a.In != "" && !key, "name": a.Name != "" && !key, "prefix": a.Prefix != "" && !key, "token_url": a.TokenURL != "" && !oauth,
		"scope": a.Scope != "" && !oauth, "params": len(a.Params) > 0 && !oauth, "send_in": a.SendIn != "" && !oauth} {
		if has {
			return wrong("auth."+field, "is not for the type %s", a.Type)
		}
	}
	for name := range a.Fixed {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.TrimSuffix(n, "?") == name }) {
			return wrong("auth.fixed", "%.40q is no secret of the type %s", name, a.Type)
		}
	}
	switch {
	case key:
		return a.checkKey()
	case oauth && a.SendIn != "" && a.SendIn != "header" && a.SendIn != "body":
		return wrong("auth.send_in", "is header or body")
	case oauth:
		return checkURL("auth.token_url", a.TokenURL)
	}
	return nil
}

func (a Auth) checkKey() error {
	switch {
	case a.In != "header" && a.In != "query":
		return wrong("auth.in", "is header or query: where the key is sent")
	case a.Name == "":
		return wrong("auth.name", "is missing; it is the name of the header or the query parameter that the key is sent in")
	case a.In == "header" && http.CanonicalHeaderKey(a.Name) != "Authorization" && egress.ValidateHeaders(map[string]string{a.Name: a.Prefix}) != nil:
		return wrong("auth.name", "%.64q cannot be a header of a request", a.Name)
	case len(a.Name) > egress.MaxHeaderName || len(a.Prefix) > egress.MaxHeaderName:
		return wrong("auth.name", "is longer than %d bytes", egress.MaxHeaderName)
	}
	return nil
}

// checkSecrets says which secret is missing, is too much or cannot be sent. It never tells a secret.
func (a Auth) checkSecrets(s Secrets) error {
	known := map[string]bool{}
	for _, name := range secretNames[a.Type] {
		name, optional := strings.CutSuffix(name, "?")
		known[name] = true
		value, given := s[name]
		if !given {
			value, given = a.Fixed[name]
		}
		switch {
		case (!given || value == "") && !optional:
			return wrong("auth."+name, "is missing; signing in by %s needs it", a.Type)
		case len(value) > maxSecret:
			return wrong("auth."+name, "has more than %d bytes", maxSecret)
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return wrong("auth."+name, "has a control character, as a line break at its end; leave it out")
		case name == "username" && strings.Contains(value, ":"):
			return wrong("auth.username", "has a colon, which basic authentication cannot carry")
		}
	}
	for _, name := range sortedKeys(s) {
		if !known[name] {
			return wrong("auth."+name, "is not for the type %s", cmp.Or(a.Type, AuthNone))
		}
	}
	return nil
}

// secret is one by its name.
func (a Auth) secret(s Secrets, name string) string {
	if value, given := s[name]; given {
		return value
	}
	return a.Fixed[name]
}

// sign puts the credentials on a request. token is that of OAuth2.
func (a Auth) sign(r *http.Request, s Secrets, token string) {
	switch a.Type {
	case AuthBearer:
		r.Header.Set("Authorization", "Bearer "+a.secret(s, "token"))
	case AuthBasic:
		r.SetBasicAuth(a.secret(s, "username"), a.secret(s, "password"))
	case AuthOAuth2:
		r.Header.Set("Authorization", "Bearer "+token)
	case AuthAPIKey:
		value := a.Prefix + a.secret(s, "value")
		if a.In == "header" {
			r.Header.Set(a.Name, value)
			return
		}
		q := r.URL.Query()
		q.Set(a.Name, value)
		r.URL.RawQuery = q.Encode()
	}
}

// tokenForm is what asks for a token (RFC 6749, sections 2.3.1 and 4.4.2).
func (a Auth) tokenForm(s Secrets) (form url.Values, user, password string) {
	form = url.Values{"grant_type": {"client_credentials"}}
	if a.Scope != "" {
		form.Set("scope", a.Scope)
	}
	for name, value := range a.Params {
		if value != "" {
			form.Set(name, value)
		}
	}
	id, secret := a.secret(s, "client_id"), a.secret(s, "client_secret")
	if a.SendIn == "body" {
		form.Set("client_id", id)
		form.Set("client_secret", secret)
		return form, "", ""
	}
	return form, url.QueryEscape(id), url.QueryEscape(secret)
}
