// Package oidc signs members in with an OpenID Connect provider: the authorization code flow with PKCE, a state and a nonce.
//
// It says who the provider has vouched for, and no more: whether that is a member is decided elsewhere. It refuses an answer whose state is not the one of the
// browser that asked, an ID token that the provider did not sign for this client and this flow, and an e-mail that the provider does not say it has verified.
//
// It reaches the provider through the HTTP client that it is given, keeps nothing of a flow (the browser carries it in a cookie), and finds out about the provider
// when it is first needed, so that a provider that is down keeps no server from starting.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"signalbox/auth"
)

// Config is what the provider has been told of this server, and where it is.
type Config struct {
	Issuer       string
	ClientID     string
	ClientSecret string // "": a public client
	HTTP         *http.Client
}

// Provider is an identity provider. Safe for concurrent use.
type Provider struct {
	cfg Config

	mu    sync.Mutex
	known *oidc.Provider // nil until it was found
}

// New makes a provider; nothing is asked of it yet.
func New(cfg Config) *Provider { return &Provider{cfg: cfg} }

// find reads what the provider says of itself, once.
func (p *Provider) find(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	known, err := oidc.NewProvider(p.client(ctx), p.cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the issuer about itself: %w", err)
	}
	p.known = known
	return known, nil
}

// client has the libraries use the client that was given.
func (p *Provider) client(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.cfg.HTTP)
}

func (p *Provider) oauth(known *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: known.Endpoint(), RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}
}

// flow is what must be known of a sign-in when the browser comes back.
type flow struct{ state, nonce, verifier string }

func (f flow) text() string { return f.state + "." + f.nonce + "." + f.verifier }

func parseFlow(text string) (flow, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(parts[0]) < 32 || len(parts[1]) < 32 || len(parts[2]) < 32 {
		return flow{}, errors.New("the cookie of the sign-in is malformed")
	}
	return flow{parts[0], parts[1], parts[2]}, nil
}

func random() string {
	var raw [32]byte
	rand.Read(raw[:])
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// Begin says where to send the browser, and what it is to carry until it comes back to redirect.
func (p *Provider) Begin(ctx context.Context, redirect string) (to, carried string, err error) {
	known, err := p.find(ctx)
	if err != nil {
		return "", "", err
	}
	f := flow{random(), random(), oauth2.GenerateVerifier()}
	return p.oauth(known, redirect).AuthCodeURL(f.state, oidc.Nonce(f.nonce), oauth2.S256ChallengeOption(f.verifier)), f.text(), nil
}

// Finish makes of the query that the browser came back with who it is.
func (p *Provider) Finish(ctx context.Context, redirect, carried string, query url.Values) (auth.Identity, error) {
	f, err := parseFlow(carried)
	switch {
	case err != nil:
		return auth.Identity{}, err
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(f.state)) != 1:
		return auth.Identity{}, errors.New("the state is not the one of this browser's sign-in")
	case query.Get("error") != "":
		return auth.Identity{}, fmt.Errorf("the provider refused: %.100q", query.Get("error"))
	case query.Has("iss") && query.Get("iss") != p.cfg.Issuer: // RFC 9207
		return auth.Identity{}, errors.New("the answer is of another issuer")
	case query.Get("code") == "":
		return auth.Identity{}, errors.New("the provider's answer has no code")
	}
	known, err := p.find(ctx)
	if err != nil {
		return auth.Identity{}, err
	}
	ctx = p.client(ctx)
	token, err := p.oauth(known, redirect).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(f.verifier))
	if err != nil {
		return auth.Identity{}, fmt.Errorf("exchange the code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return auth.Identity{}, errors.New("the provider's answer has no ID token")
	}
	id, err := known.Verifier(&oidc.Config{ClientID: p.cfg.ClientID}).Verify(ctx, raw)
	if err != nil {
		return auth.Identity{}, fmt.Errorf("verify the ID token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.nonce)) != 1 {
		return auth.Identity{}, errors.New("the ID token is of another sign-in")
	}
	return p.identity(ctx, known, id, token)
}

// claims are what is read of a provider's words. Some write booleans as texts.
type claims struct {
	Email    string `json:"email"`
	Verified any    `json:"email_verified"`
	Name     string `json:"name"`
}

// identity reads the ID token, and asks for what it does not say.
func (p *Provider) identity(ctx context.Context, known *oidc.Provider, id *oidc.IDToken, token *oauth2.Token) (auth.Identity, error) {
	var c claims
	if err := id.Claims(&c); err != nil {
		return auth.Identity{}, fmt.Errorf("read the ID token: %w", err)
	}
	if c.Email == "" {
		info, err := known.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return auth.Identity{}, fmt.Errorf("ask for the user's e-mail: %w", err)
		}
		if info.Subject != id.Subject {
			return auth.Identity{}, errors.New("the user's facts are of another user than the ID token")
		}
		c = claims{}
		if err := info.Claims(&c); err != nil {
			return auth.Identity{}, fmt.Errorf("read the user's facts: %w", err)
		}
	}
	switch {
	case c.Email == "":
		return auth.Identity{}, errors.New("the provider tells no e-mail: allow this client the scope email")
	case c.Verified != true && c.Verified != "true":
		return auth.Identity{}, fmt.Errorf("%w of subject %.100q", auth.ErrUnverified, id.Subject)
	}
	return auth.Identity{Email: c.Email, Name: c.Name}, nil
}
