package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"signalbox"
	"signalbox/auth"
)

// caller is who asks: an API key, or a member by a session. The zero caller is nobody.
type caller struct {
	key     signalbox.APIKey
	member  signalbox.Member
	session signalbox.Session
}

func (by *caller) workspace() signalbox.WorkspaceID {
	if by.member.ID != 0 {
		return by.member.Workspace
	}
	return by.key.Workspace
}

// allows says whether the caller may do what an operation needs.
func (by *caller) allows(need auth.Need) bool {
	if by.member.ID != 0 {
		return auth.RoleAllows(by.member.Role, need)
	}
	return auth.Allows(by.key.Scope, need)
}

// words begin a refusal of what the caller may not.
func (by *caller) words() string {
	if by.member.ID != 0 {
		return "you have the role " + string(by.member.Role)
	}
	return "this API key has the scope " + string(by.key.Scope)
}

// scope is the widest scope that the caller can give a key: what members alone may do, no key may.
func (by *caller) scope() signalbox.Scope {
	if by.member.ID == 0 {
		return by.key.Scope
	}
	scope := signalbox.ScopeRead
	if auth.RoleAllows(by.member.Role, auth.NeedAdmin) {
		scope = signalbox.ScopeAdmin
	}
	return scope
}

func (by *caller) actor() signalbox.Actor {
	switch {
	case by.member.ID != 0:
		return signalbox.Actor{Type: signalbox.ActorMember, ID: int64(by.member.ID), Name: by.member.Email}
	case by.key.ID != 0:
		return signalbox.Actor{Type: signalbox.ActorKey, ID: int64(by.key.ID), Name: by.key.Name}
	}
	return signalbox.Actor{Type: signalbox.ActorSystem}
}

// act is the context of one change that the call makes: the audit log tells of it.
func (c *call) act() context.Context {
	request, _ := c.api.cfg.Codec.Parse(signalbox.KindRequest, c.requestID)
	return signalbox.WithAct(c.r.Context(), signalbox.Act{
		Entry: signalbox.AuditID(c.api.cfg.IDs.Next(c.now)), Actor: c.by.actor(), Request: signalbox.RequestID(request), At: c.now,
	})
}

// authenticate finds out who asks, and holds what they may do against the route's need. A key in the header goes before a session in a cookie.
func (c *call) authenticate() error {
	var err error
	if header := c.r.Header.Get("Authorization"); header != "" {
		err = c.byKey(header)
	} else {
		err = c.bySession()
	}
	if err != nil {
		return err
	}
	need := c.route.need
	switch {
	case c.by.allows(need):
		return nil
	case need == auth.NeedMember:
		return signalbox.Errorf(signalbox.Forbidden, "%s, and the operation is for members who are signed in", c.by.words())
	case c.by.member.ID != 0:
		return signalbox.Errorf(signalbox.Forbidden, "%s, and the operation needs %s", c.by.words(), need.Roles())
	}
	return signalbox.Errorf(signalbox.Forbidden, "%s, and the operation needs %s", c.by.words(), need.Words())
}

func (c *call) byKey(header string) error {
	scheme, key, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return signalbox.Errorf(signalbox.Unauthorized, "the Authorization header is malformed: it must read Bearer %s…", auth.Prefix)
	}
	found, err := c.api.cfg.Keys.Authenticate(c.r.Context(), strings.TrimSpace(key), c.now)
	c.by.key = found
	return err
}

// bySession authenticates the session of a cookie. A cookie goes along whoever made the page that asks, so that what changes something must come from our own.
func (c *call) bySession() error {
	cookie, err := c.r.Cookie(c.cookieName())
	if err != nil || cookie.Value == "" {
		return signalbox.Errorf(signalbox.Unauthorized, "no API key: send it in the header as Authorization: Bearer %s…, or sign in", auth.Prefix)
	}
	if err := c.sameOrigin(); err != nil {
		return err
	}
	session, member, err := c.api.cfg.SignIn.Sessions.Authenticate(c.r.Context(), cookie.Value, c.now)
	if signalbox.CodeOf(err) == signalbox.Unauthorized {
		c.setCookie(c.cookieName(), "", -1)
	}
	c.by.session, c.by.member = session, member
	return err
}

// sameOrigin refuses a request that another site's page sends to change something.
func (c *call) sameOrigin() error {
	if err := c.api.origin.Check(c.r); err != nil {
		return &signalbox.Error{Code: signalbox.Forbidden, Msg: "a page of another site sent this request", Err: err}
	}
	return nil
}

// newOrigin takes requests whose origin is the public URL for our own, whatever name a proxy passes on.
func newOrigin(publicURL string) *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	if u, err := url.Parse(publicURL); err == nil && u.Host != "" {
		_ = p.AddTrustedOrigin(u.Scheme + "://" + u.Host) // an origin that no browser sends is none that could be trusted
	}
	return p
}

// The cookie of a session. Over https its name has every browser hold that it is Secure, of this host alone and of the whole of it.
const (
	cookiePlain  = "signalbox"
	cookieSecure = "__Host-signalbox"
)

func (c *call) cookieName() string {
	if c.https() {
		return cookieSecure
	}
	return cookiePlain
}

// setCookie sets a cookie of this host for so many seconds; below 0 it is taken away.
func (c *call) setCookie(name, value string, seconds int) {
	http.SetCookie(c, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(name, "__Host-"),
	})
}

// https says whether the browser speaks https, as far as can be known: to this server, to a proxy whose word is taken, or to the public URL.
func (c *call) https() bool {
	if c.r.TLS != nil {
		return true
	}
	if c.trusts(c.peer()) && strings.EqualFold(c.r.Header.Get("X-Forwarded-Proto"), "https") {
		return true
	}
	u, err := url.Parse(c.api.cfg.PublicURL)
	return err == nil && u.Scheme == "https" && strings.EqualFold(u.Host, c.r.Host)
}

// loopback says whether the browser is on this machine, by the name that it asked for.
func (c *call) loopback() bool {
	host := c.r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// peer is the address of the other end of the connection.
func (c *call) peer() string {
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		return c.r.RemoteAddr
	}
	return host
}

// trusts says whether an address is that of a proxy whose word is taken.
func (c *call) trusts(address string) bool {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, p := range c.api.cfg.Proxies {
		if p.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}

// from is where the request came from: the last address that no trusted proxy has.
func (c *call) from() auth.From {
	from := auth.From{Address: c.peer(), UserAgent: c.r.UserAgent()}
	chain := strings.Split(strings.Join(c.r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(chain) - 1; i >= 0 && c.trusts(from.Address); i-- {
		ip, err := netip.ParseAddr(strings.TrimSpace(chain[i]))
		if err != nil {
			break
		}
		from.Address = ip.Unmap().String()
	}
	return from
}
