package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"signalbox"
	"signalbox/auth"
)

// OIDC is how members sign in with an identity provider.
type OIDC struct {
	Provider Provider // nil: they do not
	Label    string   // what the button says
	// Role is what somebody becomes who is no member yet and whose e-mail is of one of Domains; "": nobody becomes a member by signing in.
	Role    signalbox.Role
	Domains []string
	// Workspace is where they become one.
	Workspace signalbox.WorkspaceID
}

// Provider is an identity provider.
type Provider interface {
	// Begin says where to send the browser, which comes back to redirect, and what must be known of it then.
	Begin(ctx context.Context, redirect string) (to, flow string, err error)
	// Finish makes of the query that the browser came back with who it is. The e-mail is one that the provider says it has verified; an error that wraps
	// auth.ErrUnverified says that it has not.
	Finish(ctx context.Context, redirect, flow string, query url.Values) (auth.Identity, error)
}

// The paths of signing in with a provider, and the page that is told why it did not work.
const (
	oidcBegin    = "/v1/sign-in/oidc"
	oidcCallback = "/v1/sign-in/oidc/callback"
	signInPage   = "/sign-in"

	flowPlain  = "signalbox-oidc"
	flowSecure = "__Host-signalbox-oidc"
	flowFor    = 10 * time.Minute
)

// oidcRoutes lead a browser to the provider and back. They answer no JSON: where something is wrong, the sign-in page is told by a word (docs/sign-in.md).
func (a *API) oidcRoutes() []route {
	const tag = "Sign-in"
	return []route{
		{
			method: http.MethodGet, pattern: oidcBegin, id: "beginOIDC", tag: tag, need: public, anyQuery: true, unlisted: true,
			summary: "Go to the identity provider", status: http.StatusFound, answers: endpoint{run: a.beginOIDC},
		},
		{
			method: http.MethodGet, pattern: oidcCallback, id: "finishOIDC", tag: tag, need: public, anyQuery: true, unlisted: true,
			summary: "Come back from the identity provider", status: http.StatusFound, answers: endpoint{run: a.finishOIDC},
		},
	}
}

func (c *call) flowName() string {
	if c.https() {
		return flowSecure
	}
	return flowPlain
}

func (a *API) redirectURI() string { return a.cfg.PublicURL + oidcCallback }

// redirect sends the browser on.
func (c *call) redirect(to string) error {
	h := c.Header()
	h["Cache-Control"] = noStore
	h.Set("Location", to)
	h.Set("Referrer-Policy", "no-referrer")
	c.WriteHeader(http.StatusFound)
	return nil
}

// notSignedIn sends the browser back to the sign-in page with a word that says why; the log says more.
func (c *call) notSignedIn(word string, err error) error {
	c.api.cfg.Log.LogAttrs(c.r.Context(), slog.LevelWarn, "oidc.failed", slog.String("request_id", c.requestID), slog.String("reason", word), slog.Any("error", err))
	return c.redirect(signInPage + "?error=" + word)
}

func (a *API) beginOIDC(c *call) error {
	if a.cfg.OIDC.Provider == nil {
		return signalbox.Errorf(signalbox.NotFound, "this server has no identity provider: sign in with a password")
	}
	to, flow, err := a.cfg.OIDC.Provider.Begin(c.r.Context(), a.redirectURI())
	if err != nil {
		return c.notSignedIn("oidc_unavailable", err)
	}
	c.setCookie(c.flowName(), flow, int(flowFor/time.Second))
	return c.redirect(to)
}

func (a *API) finishOIDC(c *call) error {
	if a.cfg.OIDC.Provider == nil {
		return signalbox.Errorf(signalbox.NotFound, "this server has no identity provider: sign in with a password")
	}
	cookie, err := c.r.Cookie(c.flowName())
	if err != nil || cookie.Value == "" {
		return c.notSignedIn("oidc_expired", errors.New("the browser has no cookie of a sign-in under way"))
	}
	c.setCookie(c.flowName(), "", -1) // it is good for one try
	query := c.r.URL.Query()
	if query.Get("error") == "access_denied" {
		return c.notSignedIn("oidc_denied", errors.New("the provider answered access_denied"))
	}
	who, err := a.cfg.OIDC.Provider.Finish(c.r.Context(), a.redirectURI(), cookie.Value, query)
	switch {
	case errors.Is(err, auth.ErrUnverified):
		return c.notSignedIn("oidc_unverified", err)
	case err != nil:
		return c.notSignedIn("oidc_failed", err)
	}
	m, err := a.memberOf(c, who)
	switch signalbox.CodeOf(err) {
	case "":
	case signalbox.NotFound, signalbox.Invalid, signalbox.Conflict:
		return c.notSignedIn("oidc_no_member", err)
	default:
		return err
	}
	signed, err := a.cfg.SignIn.As(c.act(), m, c.from(), c.now)
	if signalbox.CodeOf(err) == signalbox.Unauthorized {
		return c.notSignedIn("oidc_no_member", err)
	}
	if err != nil {
		return err
	}
	if _, err := a.signedIn(c, signed); err != nil {
		return err
	}
	return c.redirect("/")
}

// memberOf finds the member whom the provider vouches for, or makes one where the configuration says so.
func (a *API) memberOf(c *call, who auth.Identity) (signalbox.Member, error) {
	email, err := signalbox.NormalizeMemberEmail(who.Email)
	if err != nil {
		return signalbox.Member{}, err
	}
	m, err := a.cfg.Store.MemberByEmail(c.r.Context(), email)
	_, domain, _ := strings.Cut(email, "@")
	if signalbox.CodeOf(err) != signalbox.NotFound || a.cfg.OIDC.Role == "" || !slices.Contains(a.cfg.OIDC.Domains, domain) {
		return m, err
	}
	name := who.Name
	if checkLength("name", name, signalbox.MaxName) != nil {
		name = ""
	}
	m = signalbox.Member{
		ID: signalbox.MemberID(a.cfg.IDs.Next(c.now)), Workspace: a.cfg.OIDC.Workspace, Email: email, Name: name, Role: a.cfg.OIDC.Role, CreatedAt: c.now,
		UpdatedAt: c.now,
	}
	if err := a.cfg.Store.CreateMember(c.act(), m, nil); signalbox.CodeOf(err) != signalbox.Conflict {
		return m, err
	}
	return a.cfg.Store.MemberByEmail(c.r.Context(), email) // another tab was faster
}
