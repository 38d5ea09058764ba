package api

import (
	"net/http"
	"time"

	"signalbox"
	"signalbox/auth"
)

// sessionRoutes are the doors of signing in and of one's own sessions.
func (a *API) sessionRoutes() []route {
	const tag = "Sign-in"
	return append([]route{
		{
			method: http.MethodGet, pattern: "/v1/sign-in", id: "getSignIn", tag: tag, need: public,
			summary: "Say how members sign in", status: http.StatusOK, answers: asks(a.getSignIn),
		},
		{
			method: http.MethodPost, pattern: "/v1/session", id: "createSession", tag: tag, need: public,
			summary: "Sign in",
			detail: "The answer sets the cookie of a session, by which a browser on the same origin may call every operation that the member's role allows. " +
				"An unknown e-mail answers as a wrong password does. After failures the next try must wait (`Retry-After`); nobody is locked out.",
			status: created, also: []signalbox.Code{signalbox.Unauthorized, signalbox.Forbidden, signalbox.RateLimited, signalbox.Overloaded},
			examples: []example{{name: "password", summary: "With an e-mail and a password", body: `{"email":"jane@acmecorp.com","password":"correct horse battery"}`}},
			answers:  takes(a.createSession),
		},
		{
			method: http.MethodGet, pattern: "/v1/session", id: "getSession", tag: tag, need: auth.NeedMember,
			summary: "Say who is signed in", status: http.StatusOK, answers: asks(a.getSession),
		},
		{
			method: http.MethodPatch, pattern: "/v1/session", id: "updateSession", tag: tag, need: auth.NeedMember,
			summary: "Change one's own name or password", detail: "Another password ends all other sessions of the member.",
			status: http.StatusOK, also: []signalbox.Code{signalbox.Overloaded},
			examples: []example{{name: "password", summary: "A name and another password", body: `{"name":"Jane Doe","password":{"current":"correct horse battery","new":"staple correct horse"}}`}},
			answers:  takes(a.updateSession),
		},
		{
			method: http.MethodGet, pattern: "/v1/sessions", id: "listSessions", tag: tag, need: auth.NeedMember,
			summary: "List one's own sessions", detail: "Newest first.", status: http.StatusOK, query: paging(), answers: lists(a.listSessions),
		},
		{
			method: http.MethodDelete, pattern: "/v1/sessions/{id}", id: "deleteSession", tag: tag, need: auth.NeedMember,
			summary: "End one of one's own sessions", detail: "It stops working at once, on every node within a second.",
			status: http.StatusNoContent, answers: asks(a.deleteSession),
		},
		{
			method: http.MethodDelete, pattern: "/v1/session", id: "signOut", tag: tag, need: auth.NeedMember,
			summary: "Sign out", status: http.StatusNoContent, answers: asks(a.signOut),
		},
	}, a.oidcRoutes()...)
}

// signInView says how members sign in.
type signInView struct {
	Password bool        `json:"password" doc:"With an e-mail and a password."`
	OIDC     *signInOIDC `json:"oidc" doc:"Null: there is no identity provider."`
	SignedIn bool        `json:"signed_in" doc:"True: the request came with a session that is on."`
	Insecure bool        `json:"insecure" doc:"True: the connection is not encrypted, and goes further than this machine."`
}

type signInOIDC struct {
	Label string `json:"label"`
	URL   string `json:"url" doc:"Where to send the browser."`
}

func (a *API) getSignIn(c *call) (signInView, error) {
	v := signInView{Password: !a.cfg.NoPasswords, SignedIn: c.bySession() == nil, Insecure: !c.https() && !c.loopback()}
	if a.cfg.OIDC.Provider != nil {
		v.OIDC = &signInOIDC{Label: a.cfg.OIDC.Label, URL: oidcBegin}
	}
	return v, nil
}

// credentials is the body of POST /v1/session.
type credentials struct {
	Email    string `json:"email" required:"true" maxlen:"254"`
	Password string `json:"password" required:"true"`
}

// errNoPasswords refuses what needs a password where nobody has one.
func (a *API) errNoPasswords() error {
	if a.cfg.NoPasswords {
		return signalbox.Errorf(signalbox.Forbidden, "signing in by password is switched off: use %s", a.cfg.OIDC.Label)
	}
	return nil
}

func (a *API) createSession(c *call, in *credentials) (sessionView, error) {
	if err := a.errNoPasswords(); err != nil {
		return sessionView{}, err
	}
	if in.Password == "" {
		return sessionView{}, signalbox.InvalidField("password", "password is required")
	}
	signed, err := a.cfg.SignIn.ByPassword(c.act(), in.Email, in.Password, c.from(), c.now)
	if err != nil {
		return sessionView{}, err
	}
	return a.signedIn(c, signed)
}

// signedIn gives the browser the cookie of a session that has begun, and answers who is signed in.
func (a *API) signedIn(c *call, signed auth.Signed) (sessionView, error) {
	c.by = caller{member: signed.Member, session: signed.Session}
	c.setCookie(c.cookieName(), signed.Token.Reveal(), int(signalbox.SessionLife/time.Second))
	return a.getSession(c)
}

func (a *API) getSession(c *call) (sessionView, error) {
	ws, err := a.cfg.Store.Workspace(c.r.Context(), c.ws())
	if err != nil {
		return sessionView{}, err
	}
	m := &c.by.member
	return sessionView{
		Member:    sessionMember{ID: c.idText(signalbox.KindMember, int64(m.ID)), Email: m.Email, Name: textOrNull(m.Name), Role: string(m.Role)},
		Workspace: sessionWorkspace{ID: c.idText(signalbox.KindWorkspace, int64(ws.ID)), Name: ws.Name, Timezone: ws.Timezone},
		Can:       auth.Can(m.Role), ExpiresAt: stamp(c.by.session.EndsAt()), Version: a.cfg.Version, Dev: a.cfg.Dev,
	}, nil
}

// sessionPatch is the body of PATCH /v1/session.
type sessionPatch struct {
	Name     *string        `json:"name" maxlen:"200"`
	Password *passwordPatch `json:"password"`
}

type passwordPatch struct {
	Current string `json:"current" required:"true"`
	New     string `json:"new" required:"true" doc:"At least 10 characters, at most 1,024 bytes."`
}

func (a *API) updateSession(c *call, in *sessionPatch) (sessionView, error) {
	if in.Name != nil {
		if err := checkLength("name", *in.Name, signalbox.MaxName); err != nil {
			return sessionView{}, err
		}
	}
	if p := in.Password; p != nil {
		if err := a.errNoPasswords(); err != nil {
			return sessionView{}, err
		}
		if err := a.cfg.SignIn.ChangePassword(c.act(), c.by.member, c.by.session.ID, p.Current, p.New, c.from(), c.now); err != nil {
			return sessionView{}, err
		}
	}
	if in.Name != nil {
		m, err := a.cfg.Store.UpdateMember(c.act(), c.ws(), c.by.member.ID, c.now, func(m *signalbox.Member) error {
			m.Name = *in.Name
			return nil
		})
		if err != nil {
			return sessionView{}, err
		}
		a.cfg.SignIn.Sessions.Forget()
		c.by.member = m
	}
	return a.getSession(c)
}

func (a *API) listSessions(c *call) (page[ownSession], error) {
	p, err := c.page()
	if err != nil {
		return page[ownSession]{}, err
	}
	rows, next, err := a.cfg.Store.Sessions(c.r.Context(), c.ws(), c.by.member.ID, p)
	if err != nil {
		return page[ownSession]{}, err
	}
	out := page[ownSession]{next: c.cursor(next)}
	for i := range rows {
		s := &rows[i]
		if !c.now.Before(s.EndsAt()) {
			continue // it has ended by itself
		}
		out.items = append(out.items, ownSession{
			ID: c.idText(signalbox.KindSession, int64(s.ID)), Current: s.ID == c.by.session.ID, UserAgent: textOrNull(s.UserAgent), Address: textOrNull(s.Address),
			CreatedAt: stamp(s.CreatedAt), LastSeenAt: stamp(s.SeenAt), ExpiresAt: stamp(s.EndsAt()),
		})
	}
	return out, nil
}

func (a *API) deleteSession(c *call) (none, error) {
	id, err := id[signalbox.SessionID](c, signalbox.KindSession, "session")
	if err != nil {
		return none{}, err
	}
	return none{}, a.endSession(c, id)
}

func (a *API) signOut(c *call) (none, error) {
	return none{}, a.endSession(c, c.by.session.ID)
}

// endSession ends a session; with the one that asks goes its cookie.
func (a *API) endSession(c *call, id signalbox.SessionID) error {
	err := a.cfg.Store.DeleteSession(c.act(), c.ws(), c.by.member.ID, id)
	if err != nil {
		return err
	}
	a.cfg.SignIn.Sessions.Forget()
	if id == c.by.session.ID {
		c.setCookie(c.cookieName(), "", -1)
	}
	return nil
}

// sessionView is who is signed in, and what they may do.
type sessionView struct {
	Member    sessionMember    `json:"member"`
	Workspace sessionWorkspace `json:"workspace"`
	Can       []string         `json:"can" doc:"read, write and admin, as far as the role goes."`
	ExpiresAt stamp            `json:"expires_at" doc:"When the session ends unless it is used before."`
	Version   string           `json:"version" doc:"Of the server."`
	Dev       bool             `json:"dev" doc:"The server runs with --dev."`
}

type sessionMember struct {
	ID    string  `json:"id"`
	Email string  `json:"email"`
	Name  *string `json:"name"`
	Role  string  `json:"role" enum:"admin|analyst|viewer"`
}

type sessionWorkspace struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Timezone string `json:"timezone"`
}

// ownSession is a session as its member sees it.
type ownSession struct {
	ID         string  `json:"id"`
	Current    bool    `json:"current" doc:"It is the one that asks."`
	UserAgent  *string `json:"user_agent" doc:"The browser, as it says itself."`
	Address    *string `json:"address" doc:"Where it signed in from."`
	CreatedAt  stamp   `json:"created_at"`
	LastSeenAt stamp   `json:"last_seen_at" doc:"Refreshed once a minute."`
	ExpiresAt  stamp   `json:"expires_at" doc:"When it ends unless it is used before."`
}
