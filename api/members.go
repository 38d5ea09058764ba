package api

import (
	"net/http"

	"signalbox"
	"signalbox/auth"
)

// memberRoutes are the doors of members.
func (a *API) memberRoutes() []route {
	const tag = "Members"
	return []route{
		{
			method: http.MethodPost, pattern: "/v1/members", id: "createMember", tag: tag, need: auth.NeedAdmin,
			summary: "Invite a member", detail: "The answer shows `invite_url`, once: a link by which whoever has it sets the member's password. It works once, for seven days.",
			status: created, also: []signalbox.Code{signalbox.Conflict},
			examples: []example{{name: "analyst", summary: "Somebody who edits", body: `{"email":"max@acmecorp.com","name":"Max Roe","role":"analyst"}`}},
			answers:  takes(a.createMember),
		},
		{
			method: http.MethodGet, pattern: "/v1/members", id: "listMembers", tag: tag, need: auth.NeedAdmin,
			summary: "List members", detail: "Newest first.", status: http.StatusOK, query: paging(), answers: lists(a.listMembers),
		},
		{
			method: http.MethodGet, pattern: "/v1/members/{id}", id: "getMember", tag: tag, need: auth.NeedAdmin,
			summary: "Read a member", status: http.StatusOK, answers: asks(a.getMember),
		},
		{
			method: http.MethodPatch, pattern: "/v1/members/{id}", id: "updateMember", tag: tag, need: auth.NeedAdmin,
			summary: "Change a member's name or role", detail: "It is in force at once, on every node within a second. The last admin who has joined stays admin.",
			status: http.StatusOK, also: []signalbox.Code{signalbox.Conflict},
			examples: []example{{name: "role", summary: "Another role", body: `{"role":"viewer"}`}},
			answers:  takes(a.updateMember),
		},
		{
			method: http.MethodPost, pattern: "/v1/members/{id}/link", id: "createMemberLink", tag: tag, need: auth.NeedAdmin,
			summary: "Make a fresh link for a member",
			detail: "An invitation for one who has not joined, else one to set another password. It is shown once and takes the place of the link before. " +
				"The password that the member has works until the link is used.",
			status: created, bodyOptional: true, answers: asks(a.createMemberLink),
		},
	}
}

// linkRoutes are the doors of one-time links, and the removal of members, which stands behind them: the examples are run in the order of the table.
func (a *API) linkRoutes() []route {
	return []route{
		{
			method: http.MethodGet, pattern: "/v1/links/{token}", id: "getLink", tag: "Sign-in", need: public,
			summary: "Say what a one-time link is for", detail: "A link that is unknown, used or expired answers as one that never was.",
			status: http.StatusOK, answers: asks(a.getLink),
		},
		{
			method: http.MethodPost, pattern: "/v1/links/{token}", id: "useLink", tag: "Sign-in", need: public,
			summary: "Set a password by a one-time link, and sign in", detail: "The link works no more; all other sessions of the member end.",
			status: created, also: []signalbox.Code{signalbox.Forbidden, signalbox.Overloaded},
			examples: []example{{name: "join", summary: "A first password", body: `{"password":"correct horse battery","name":"Max"}`}},
			answers:  takes(a.useLink),
		},
		{
			method: http.MethodDelete, pattern: "/v1/members/{id}", id: "deleteMember", tag: "Members", need: auth.NeedAdmin,
			summary: "Remove a member", detail: "He or she is signed out at once, on every node within a second. The last admin who has joined cannot be removed.",
			status: http.StatusNoContent, also: []signalbox.Code{signalbox.Conflict}, answers: asks(a.deleteMember),
		},
	}
}

// newMember is the body of POST /v1/members.
type newMember struct {
	Email string  `json:"email" required:"true" maxlen:"254"`
	Name  *string `json:"name" maxlen:"200"`
	Role  string  `json:"role" required:"true" enum:"admin|analyst|viewer"`
}

type memberPatch struct {
	Name *string `json:"name" maxlen:"200"`
	Role *string `json:"role" enum:"admin|analyst|viewer"`
}

func (a *API) createMember(c *call, in *newMember) (madeMember, error) {
	email, err := signalbox.NormalizeMemberEmail(in.Email)
	if err != nil {
		return madeMember{}, err
	}
	role, err := signalbox.ParseRole(in.Role)
	if err != nil {
		return madeMember{}, err
	}
	if err := checkLength("name", value(in.Name), signalbox.MaxName); err != nil {
		return madeMember{}, err
	}
	m := signalbox.Member{
		ID: signalbox.MemberID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Email: email, Name: value(in.Name), Role: role, CreatedAt: c.now, UpdatedAt: c.now,
	}
	var invite *signalbox.Link
	made := madeMember{memberView: c.memberView(&m)}
	if !a.cfg.NoPasswords {
		link, token := auth.NewLink(signalbox.LinkID(a.cfg.IDs.Next(c.now)), &m, c.now)
		invite, made.InviteURL, made.InviteExpiresAt = &link, textOrNull(a.linkURL(token)), stampOrNull(link.ExpiresAt)
	}
	if err := a.cfg.Store.CreateMember(c.act(), m, invite); err != nil {
		return madeMember{}, err
	}
	if made.InviteURL != nil {
		made.Mailed = a.mailLink(c, &m, *invite, *made.InviteURL)
	}
	return made, nil
}

// linkURL is where a link's page is.
func (a *API) linkURL(token auth.Secret) string {
	return a.cfg.PublicURL + signalbox.LinkPath(token.Reveal())
}

func (a *API) listMembers(c *call) (page[memberView], error) {
	p, err := c.page()
	if err != nil {
		return page[memberView]{}, err
	}
	rows, next, err := a.cfg.Store.Members(c.r.Context(), c.ws(), p)
	if err != nil {
		return page[memberView]{}, err
	}
	out := page[memberView]{next: c.cursor(next)}
	for i := range rows {
		out.items = append(out.items, c.memberView(&rows[i]))
	}
	return out, nil
}

func memberID(c *call) (signalbox.MemberID, error) {
	return id[signalbox.MemberID](c, signalbox.KindMember, "member")
}

func (a *API) getMember(c *call) (memberView, error) {
	id, err := memberID(c)
	if err != nil {
		return memberView{}, err
	}
	m, err := a.cfg.Store.Member(c.r.Context(), c.ws(), id)
	return c.memberView(&m), err
}

func (a *API) updateMember(c *call, in *memberPatch) (memberView, error) {
	id, err := memberID(c)
	if err != nil {
		return memberView{}, err
	}
	m, err := a.cfg.Store.UpdateMember(c.act(), c.ws(), id, c.now, func(m *signalbox.Member) error {
		if set(&m.Name, in.Name); in.Role != nil {
			role, err := signalbox.ParseRole(*in.Role)
			if err != nil {
				return err
			}
			m.Role = role
		}
		return checkLength("name", m.Name, signalbox.MaxName)
	})
	if err != nil {
		return memberView{}, err
	}
	a.cfg.SignIn.Sessions.Forget()
	return c.memberView(&m), nil
}

func (a *API) deleteMember(c *call) (none, error) {
	id, err := memberID(c)
	if err != nil {
		return none{}, err
	}
	if err := a.cfg.Store.DeleteMember(c.act(), c.ws(), id); err != nil {
		return none{}, err
	}
	a.cfg.SignIn.Sessions.Forget()
	return none{}, nil
}

func (a *API) createMemberLink(c *call) (madeLink, error) {
	id, err := memberID(c)
	if err != nil {
		return madeLink{}, err
	}
	m, err := a.cfg.Store.Member(c.r.Context(), c.ws(), id)
	if err != nil {
		return madeLink{}, err
	}
	if err := a.errNoPasswords(); err != nil {
		return madeLink{}, err
	}
	link, token := auth.NewLink(signalbox.LinkID(a.cfg.IDs.Next(c.now)), &m, c.now)
	if link, err = a.cfg.Store.PutLink(c.act(), link); err != nil {
		return madeLink{}, err
	}
	url := a.linkURL(token)
	return madeLink{Kind: string(link.Kind), URL: url, ExpiresAt: stamp(link.ExpiresAt), Mailed: a.mailLink(c, &m, link, url)}, nil
}

// link finds the link of the path. What is wrong with one that does not work is not told apart.
func (a *API) link(c *call) (signalbox.Link, signalbox.Member, error) {
	l, m, err := a.cfg.Store.LinkByHash(c.r.Context(), auth.Hash(c.r.PathValue("token")), c.now)
	if signalbox.CodeOf(err) == signalbox.NotFound {
		err = errNoLink()
	}
	return l, m, err
}

func errNoLink() error {
	return &signalbox.Error{Code: signalbox.NotFound, Thing: "link", Msg: "this link does not work: it was used, has expired, or another one took its place; ask for a fresh one"}
}

func (a *API) getLink(c *call) (linkView, error) {
	l, m, err := a.link(c)
	if err != nil {
		return linkView{}, err
	}
	return linkView{Kind: string(l.Kind), Email: m.Email, Name: textOrNull(m.Name), ExpiresAt: stamp(l.ExpiresAt)}, nil
}

// linkUse is the body of POST /v1/links/{token}.
type linkUse struct {
	Password string  `json:"password" required:"true" doc:"At least 10 characters, at most 1,024 bytes."`
	Name     *string `json:"name" maxlen:"200" doc:"Absent: it stays as it is."`
}

func (a *API) useLink(c *call, in *linkUse) (sessionView, error) {
	if err := a.errNoPasswords(); err != nil {
		return sessionView{}, err
	}
	_, m, err := a.link(c) // before hashing: only who has a link may have that done
	if err != nil {
		return sessionView{}, err
	}
	if err := checkLength("name", value(in.Name), signalbox.MaxName); err != nil {
		return sessionView{}, err
	}
	signed, err := a.cfg.SignIn.ByLink(c.act(), c.r.PathValue("token"), m, in.Password, value(in.Name), c.from(), c.now)
	if signalbox.CodeOf(err) == signalbox.NotFound {
		err = errNoLink()
	}
	if err != nil {
		return sessionView{}, err
	}
	return a.signedIn(c, signed)
}

// memberView is a member.
type memberView struct {
	ID         string  `json:"id"`
	Email      string  `json:"email"`
	Name       *string `json:"name"`
	Role       string  `json:"role" enum:"admin|analyst|viewer"`
	Status     string  `json:"status" enum:"active|invited"`
	LastSeenAt *stamp  `json:"last_seen_at" doc:"Refreshed once a minute. Null: never."`
	CreatedAt  stamp   `json:"created_at"`
}

// madeMember is the answer that shows the invitation, once.
type madeMember struct {
	memberView
	InviteURL       *string `json:"invite_url" doc:"Shown this once. Null: signing in by password is switched off."`
	InviteExpiresAt *stamp  `json:"invite_expires_at"`
	Mailed          bool    `json:"mailed" doc:"The invitation was mailed to the member as well. Not so: hand the link over yourself."`
}

type madeLink struct {
	Kind      string `json:"kind" enum:"invite|reset"`
	URL       string `json:"url" doc:"Shown this once."`
	ExpiresAt stamp  `json:"expires_at"`
	Mailed    bool   `json:"mailed" doc:"It was mailed to the member as well. Not so: hand it over yourself."`
}

// linkView is what a one-time link is for.
type linkView struct {
	Kind      string  `json:"kind" enum:"invite|reset"`
	Email     string  `json:"email"`
	Name      *string `json:"name"`
	ExpiresAt stamp   `json:"expires_at"`
}

func (c *call) memberView(m *signalbox.Member) memberView {
	return memberView{
		ID: c.idText(signalbox.KindMember, int64(m.ID)), Email: m.Email, Name: textOrNull(m.Name), Role: string(m.Role), Status: m.Status(),
		LastSeenAt: stampOrNull(m.LastSeenAt), CreatedAt: stamp(m.CreatedAt),
	}
}
