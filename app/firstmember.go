package app

import (
	"cmp"
	"context"
	"time"

	"signalbox"
	"signalbox/auth"
)

// firstMemberSetting holds the id of the first admin until somebody has been shown the password, then shownKey.
const firstMemberSetting = "first_member"

// defaultAdminEmail is the first admin's unless one is configured (contract section 15).
const defaultAdminEmail = "admin@localhost"

// firstMember makes the first admin of a database that has no member, with the configured password or one that is told. A start that ended before the password
// was shown begins again, as with the key.
func (a *App) firstMember(ctx context.Context, ws signalbox.WorkspaceID) error {
	has, err := a.db.HasMembers(ctx)
	if err != nil {
		return err
	}
	if !has {
		return a.makeFirstMember(ctx, ws)
	}
	known, err := a.db.Setting(ctx, firstMemberSetting)
	if err != nil {
		return err
	}
	made, ok := parseFirst(known)
	if !ok || made.token != a.token && a.node.Now().Sub(made.at) < showWithin {
		return nil // it was shown, or another node is about to show it
	}
	m, err := a.db.Member(ctx, ws, signalbox.MemberID(made.key))
	if signalbox.CodeOf(err) == signalbox.NotFound || err == nil && !m.LastSeenAt.IsZero() {
		return a.db.PutSetting(ctx, firstMemberSetting, []byte(shownKey)) // removed, or in use: nobody needs to be told
	}
	if err != nil {
		return err
	}
	password := auth.NewPassword()
	hash, err := auth.HashPassword(ctx, password)
	if err != nil {
		return err
	}
	if err := a.db.SetPassword(ctx, ws, m.ID, hash, 0, a.node.Now().UTC().Truncate(time.Microsecond)); err != nil {
		return err
	}
	return a.tellMember(ctx, ws, &m, password)
}

func (a *App) makeFirstMember(ctx context.Context, ws signalbox.WorkspaceID) error {
	if a.cfg.NoPasswords && a.cfg.AdminEmail == "" {
		a.log.Warn("server.no_member", "warning", "nobody is a member yet and passwords are switched off: set SIGNALBOX_ADMIN_EMAIL to the e-mail of who is to be the first admin")
		return nil
	}
	email, err := signalbox.NormalizeMemberEmail(cmp.Or(a.cfg.AdminEmail, defaultAdminEmail))
	if err != nil {
		return err
	}
	now := a.node.Now().UTC().Truncate(time.Microsecond)
	m := signalbox.Member{
		ID: signalbox.MemberID(a.ids.Next(now)), Workspace: ws, Email: email, Role: signalbox.RoleAdmin, CreatedAt: now, UpdatedAt: now,
	}
	password := a.cfg.AdminPassword
	if password == "" {
		password = auth.NewPassword()
	}
	if !a.cfg.NoPasswords {
		if m.Password, err = auth.HashPassword(ctx, password); err != nil {
			return err
		}
		m.JoinedAt = now
	}
	if err := a.db.CreateMember(a.byOwner(ctx), m, nil); err != nil {
		return err
	}
	if a.cfg.NoPasswords || a.cfg.AdminPassword != "" {
		return a.db.PutSetting(ctx, firstMemberSetting, []byte(shownKey)) // there is nothing to show
	}
	return a.tellMember(ctx, ws, &m, password)
}

// tellMember has the first start tell of a password.
func (a *App) tellMember(ctx context.Context, ws signalbox.WorkspaceID, m *signalbox.Member, password string) error {
	a.tell(ws)
	a.first.Email, a.first.Password = m.Email, password
	return a.db.PutSetting(ctx, firstMemberSetting, firstKey{signalbox.KeyID(m.ID), a.node.Now(), a.token}.format())
}

// tell has there be something to tell.
func (a *App) tell(ws signalbox.WorkspaceID) {
	if a.first == nil {
		a.first = &FirstStart{Workspace: a.codec.Format(signalbox.KindWorkspace, int64(ws))}
	}
}

// byOwner makes a change the act of whoever owns the database.
func (a *App) byOwner(ctx context.Context) context.Context {
	now := a.node.Now().UTC().Truncate(time.Microsecond)
	return signalbox.WithAct(ctx, signalbox.Act{
		Entry: signalbox.AuditID(a.ids.Next(now)), Actor: signalbox.Actor{Type: signalbox.ActorSystem, Name: "server's owner"}, At: now,
	})
}
