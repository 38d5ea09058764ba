package app

import (
	"context"
	"time"

	"signalbox"
	"signalbox/admin"
	"signalbox/auth"
)

// Member is a member as the server's owners see one, and MemberLink a one-time link for one.
type (
	Member     = admin.Member
	MemberLink = admin.MemberLink
)

// Members lists the members of all workspaces, those of each by the time that they were made.
func (l localActs) Members(ctx context.Context) ([]Member, error) {
	workspaces, err := l.a.db.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	list := []Member{}
	for i := range workspaces {
		w := &workspaces[i]
		for before := int64(0); ; {
			page, next, err := l.a.db.Members(ctx, w.ID, signalbox.Page{Limit: signalbox.MaxPage, Before: before})
			if err != nil {
				return nil, err
			}
			for j := range page {
				list = append(list, l.showMember(&page[j], w.Name))
			}
			if before = next; next == 0 {
				break
			}
		}
	}
	return list, nil
}

func (l localActs) showMember(m *signalbox.Member, workspace string) Member {
	return Member{
		ID: l.a.codec.Format(signalbox.KindMember, int64(m.ID)), Email: m.Email, Name: m.Name, Role: string(m.Role), Status: m.Status(), Workspace: workspace,
		CreatedAt: m.CreatedAt, LastSeenAt: m.LastSeenAt,
	}
}

// MemberLink makes a fresh one-time link for the member of an e-mail.
func (l localActs) MemberLink(ctx context.Context, email string) (MemberLink, error) {
	email, err := signalbox.NormalizeMemberEmail(email)
	if err != nil {
		return MemberLink{}, err
	}
	if l.a.cfg.NoPasswords {
		return MemberLink{}, signalbox.Errorf(signalbox.Forbidden, "signing in by password is switched off: a link would be of no use")
	}
	m, err := l.a.db.MemberByEmail(ctx, email)
	if signalbox.CodeOf(err) == signalbox.NotFound {
		return MemberLink{}, &signalbox.Error{Code: signalbox.NotFound, Thing: "member", Msg: "no member has the e-mail " + email + ": signalbox members list shows them all"}
	}
	if err != nil {
		return MemberLink{}, err
	}
	now := l.a.node.Now().UTC().Truncate(time.Microsecond)
	link, token := auth.NewLink(signalbox.LinkID(l.a.ids.Next(now)), &m, now)
	if link, err = l.a.db.PutLink(l.a.byOwner(ctx), link); err != nil {
		return MemberLink{}, err
	}
	return MemberLink{Email: m.Email, Kind: string(link.Kind), URL: l.a.URL() + signalbox.LinkPath(token.Reveal()), ExpiresAt: link.ExpiresAt}, nil
}
