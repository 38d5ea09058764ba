package storesuite

import (
	"context"
	"crypto/sha256"
	"reflect"
	"strings"
	"time"

	"signalbox"
)

// By is a context in which a change is somebody's act.
func (b *Box) By(name string) context.Context {
	return signalbox.WithAct(b.Context(), signalbox.Act{
		Entry: signalbox.AuditID(b.ID()), Actor: signalbox.Actor{Type: signalbox.ActorMember, ID: 7, Name: name}, Request: 9, At: b.Now,
	})
}

// NewMember adds a member who has joined.
func (b *Box) NewMember(email string, role signalbox.Role, edit ...func(*signalbox.Member)) signalbox.Member {
	b.Helper()
	m := signalbox.Member{
		ID: signalbox.MemberID(b.ID()), Workspace: b.WS, Email: email, Name: "N", Role: role, Password: "$hash", CreatedAt: b.Now, UpdatedAt: b.Now,
		JoinedAt: b.Now,
	}
	for _, e := range edit {
		e(&m)
	}
	b.Must(b.DB.CreateMember(b.By("maker"), m, nil))
	return m
}

// invited is a member who has not joined.
func invited(m *signalbox.Member) { m.JoinedAt, m.Password = time.Time{}, "" }

// newSession signs a member in.
func (b *Box) newSession(m signalbox.Member, token string) signalbox.Session {
	b.Helper()
	s := b.session(m, token)
	b.Must(b.DB.CreateSession(b.Context(), s, ""))
	return s
}

func (b *Box) session(m signalbox.Member, token string) signalbox.Session {
	return signalbox.Session{
		ID: signalbox.SessionID(b.ID()), Workspace: m.Workspace, Member: m.ID, Hash: sha256.Sum256([]byte(token)), UserAgent: "Browser/1", Address: "192.0.2.1",
		CreatedAt: b.Now, SeenAt: b.Now, ExpiresAt: b.Now.Add(signalbox.SessionLife),
	}
}

// newLink gives a member a link.
func (b *Box) newLink(m signalbox.Member, token string) signalbox.Link {
	b.Helper()
	l, err := b.DB.PutLink(b.Context(), signalbox.Link{
		ID: signalbox.LinkID(b.ID()), Workspace: m.Workspace, Member: m.ID, Hash: sha256.Sum256([]byte(token)), CreatedAt: b.Now,
	})
	b.Must(err)
	return l
}

var memberTests = map[string]func(*Box){
	"AMemberIsFoundByEMailAndId":                 memberFound,
	"AnEMailIsOneMembersOverAllWorkspaces":       memberTwice,
	"OnlyNameAndRoleChange":                      memberUpdate,
	"TheLastAdminWhoJoinedStays":                 lastAdmin,
	"AMemberIsGoneWithItsSessionsAndLinks":       memberDelete,
	"AnotherWorkspacesMemberIsUnknown":           memberForeign,
	"APageIsStableWhileMembersAreMade":           memberPages,
	"ALinkWorksOnceAndUntilItExpires":            linkOnce,
	"AFreshLinkTakesThePlaceOfTheOneBefore":      linkReplaced,
	"ALinkOfOneWhoJoinedResets":                  linkKinds,
	"AnotherPasswordEndsSessionsAndDropsTheLink": passwordSet,
}

func memberFound(b *Box) {
	want := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	byEmail, err := b.DB.MemberByEmail(b.Context(), want.Email)
	b.Must(err)
	byID, err := b.DB.Member(b.Context(), b.WS, want.ID)
	b.Must(err)
	if !reflect.DeepEqual(byEmail, want) || byID != byEmail {
		b.Fatalf("got %+v and %+v, want %+v", byEmail, byID, want)
	}
	_, err = b.DB.MemberByEmail(b.Context(), "ANN@acme.com")
	b.WantNoSuch(err, "member")
	has, err := b.DB.HasMembers(b.Context())
	b.Must(err)
	if !has {
		b.Error("a database with a member has none")
	}
}

func memberTwice(b *Box) {
	m := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	m.ID, m.Workspace = signalbox.MemberID(b.ID()), b.NewWorkspace("other")
	b.WantCode(b.DB.CreateMember(b.Context(), m, nil), signalbox.Conflict)
	m.Email, m.Workspace = "bob@acme.com", signalbox.WorkspaceID(b.ID())
	b.WantNoSuch(b.DB.CreateMember(b.Context(), m, nil), "workspace")
}

func memberUpdate(b *Box) {
	want := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	later := b.Now.Add(time.Hour)
	got, err := b.DB.UpdateMember(b.Context(), b.WS, want.ID, later, func(m *signalbox.Member) error {
		m.Name, m.Role, m.Email, m.Password, m.JoinedAt = "Ann", signalbox.RoleAnalyst, "eve@acme.com", "$other", time.Time{}
		return nil
	})
	b.Must(err)
	want.Name, want.Role, want.UpdatedAt = "Ann", signalbox.RoleAnalyst, later
	stored, err := b.DB.Member(b.Context(), b.WS, want.ID)
	b.Must(err)
	if got != want || stored != want {
		b.Fatalf("answered %+v, stored %+v, want %+v", got, stored, want)
	}
	_, err = b.DB.UpdateMember(b.Context(), b.WS, want.ID, later, func(*signalbox.Member) error { return signalbox.InvalidField("role", "no") })
	b.WantCode(err, signalbox.Invalid)
}

func lastAdmin(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleAdmin)
	b.NewMember("invited@acme.com", signalbox.RoleAdmin, invited)
	b.NewMember("viewer@acme.com", signalbox.RoleViewer)
	demote := func(m *signalbox.Member) error { m.Role = signalbox.RoleViewer; return nil }
	_, err := b.DB.UpdateMember(b.Context(), b.WS, ann.ID, b.Now, demote)
	b.WantCode(err, signalbox.Conflict)
	b.WantCode(b.DB.DeleteMember(b.Context(), b.WS, ann.ID), signalbox.Conflict)
	bob := b.NewMember("bob@acme.com", signalbox.RoleAdmin)
	_, err = b.DB.UpdateMember(b.Context(), b.WS, ann.ID, b.Now, demote)
	b.Must(err)
	b.Must(b.DB.DeleteMember(b.Context(), b.WS, ann.ID))
	b.WantCode(b.DB.DeleteMember(b.Context(), b.WS, bob.ID), signalbox.Conflict)
}

func memberDelete(b *Box) {
	b.NewMember("admin@acme.com", signalbox.RoleAdmin)
	ann := b.NewMember("ann@acme.com", signalbox.RoleAdmin)
	s, l := b.newSession(ann, "s"), b.newLink(ann, "l")
	b.Must(b.DB.DeleteMember(b.Context(), b.WS, ann.ID))
	_, _, err := b.DB.SessionByHash(b.Context(), s.Hash)
	b.WantNoSuch(err, "session")
	_, _, err = b.DB.LinkByHash(b.Context(), l.Hash, b.Now)
	b.WantNoSuch(err, "link")
	_, err = b.DB.MemberByEmail(b.Context(), ann.Email)
	b.WantNoSuch(err, "member")
	b.WantNoSuch(b.DB.DeleteMember(b.Context(), b.WS, ann.ID), "member")
	b.NewMember("ann@acme.com", signalbox.RoleViewer) // the e-mail is free again
}

func memberForeign(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	s := b.newSession(ann, "s")
	other := b.NewWorkspace("other")
	_, err := b.DB.Member(b.Context(), other, ann.ID)
	b.WantNoSuch(err, "member")
	_, err = b.DB.UpdateMember(b.Context(), other, ann.ID, b.Now, func(*signalbox.Member) error { return nil })
	b.WantNoSuch(err, "member")
	b.WantNoSuch(b.DB.DeleteMember(b.Context(), other, ann.ID), "member")
	b.WantNoSuch(b.DB.SetPassword(b.Context(), other, ann.ID, "$x", 0, b.Now), "member")
	b.WantNoSuch(b.DB.DeleteSession(b.Context(), other, ann.ID, s.ID), "session")
	list, _, err := b.DB.Members(b.Context(), other, signalbox.Page{})
	b.Must(err)
	if len(list) != 0 {
		b.Fatalf("another workspace lists %v", list)
	}
	entries, _, err := b.DB.AuditLog(b.Context(), other, signalbox.AuditFilter{}, signalbox.Page{})
	b.Must(err)
	if len(entries) != 0 {
		b.Fatalf("another workspace's audit log holds %v", entries)
	}
}

func memberPages(b *Box) {
	var want, got []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		want = append([]string{b.NewMember(name+"@acme.com", signalbox.RoleViewer).Email}, want...)
	}
	for before := int64(0); ; {
		page, next, err := b.DB.Members(b.Context(), b.WS, signalbox.Page{Limit: 2, Before: before})
		b.Must(err)
		for _, m := range page {
			got = append(got, m.Email)
		}
		if before = next; next == 0 {
			break
		}
		b.NewMember(strings.Repeat("x", len(got))+"@acme.com", signalbox.RoleViewer)
	}
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("pages hold %v, want %v", got, want)
	}
}

func linkOnce(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleAdmin, invited)
	l := b.newLink(ann, "l")
	if l.Kind != signalbox.LinkInvite || !l.ExpiresAt.Equal(b.Now.Add(signalbox.InviteFor)) {
		b.Fatalf("link %+v", l)
	}
	_, _, err := b.DB.LinkByHash(b.Context(), l.Hash, l.ExpiresAt)
	b.WantNoSuch(err, "link")
	_, _, err = b.DB.UseLink(b.Context(), l.Hash, "$new", "", b.session(ann, "late"), l.ExpiresAt)
	b.WantNoSuch(err, "link")
	old := b.newSession(ann, "old")
	s, m, err := b.DB.UseLink(b.By("nobody"), l.Hash, "$new", "Ann", b.session(signalbox.Member{}, "s"), b.Now)
	b.Must(err)
	stored, err := b.DB.Member(b.Context(), b.WS, ann.ID)
	b.Must(err)
	if m != stored || m.Password != "$new" || m.Name != "Ann" || !m.JoinedAt.Equal(b.Now) || s.Member != ann.ID || s.Workspace != b.WS {
		b.Fatalf("answered %+v, session %+v, stored %+v", m, s, stored)
	}
	_, _, err = b.DB.SessionByHash(b.Context(), s.Hash)
	b.Must(err)
	_, _, err = b.DB.SessionByHash(b.Context(), old.Hash)
	b.WantNoSuch(err, "session")
	_, _, err = b.DB.UseLink(b.Context(), l.Hash, "$again", "", b.session(ann, "t"), b.Now)
	b.WantNoSuch(err, "link")
}

func linkReplaced(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleViewer, invited)
	first, second := b.newLink(ann, "1"), b.newLink(ann, "2")
	_, _, err := b.DB.LinkByHash(b.Context(), first.Hash, b.Now)
	b.WantNoSuch(err, "link")
	got, m, err := b.DB.LinkByHash(b.Context(), second.Hash, b.Now)
	b.Must(err)
	if got != second || m.ID != ann.ID {
		b.Fatalf("got %+v of %v, want %+v", got, m.ID, second)
	}
}

func linkKinds(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	if l := b.newLink(ann, "1"); l.Kind != signalbox.LinkReset || !l.ExpiresAt.Equal(b.Now.Add(signalbox.ResetFor)) {
		b.Fatalf("link %+v", l)
	}
}

func passwordSet(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	kept, other, l := b.newSession(ann, "1"), b.newSession(ann, "2"), b.newLink(ann, "l")
	b.Must(b.DB.SetPassword(b.Context(), b.WS, ann.ID, "$new", kept.ID, b.Now))
	_, m, err := b.DB.SessionByHash(b.Context(), kept.Hash)
	b.Must(err)
	if m.Password != "$new" {
		b.Errorf("password %q", m.Password)
	}
	_, _, err = b.DB.SessionByHash(b.Context(), other.Hash)
	b.WantNoSuch(err, "session")
	_, _, err = b.DB.LinkByHash(b.Context(), l.Hash, b.Now)
	b.WantNoSuch(err, "link")
}

var sessionTests = map[string]func(*Box){
	"ASessionIsFoundByItsHash":                       sessionByHash,
	"SigningInJoinsOneWhoWasInvited":                 sessionJoins,
	"ASignInAgainstAPasswordThatChangedIsNone":       sessionStale,
	"TheOldestSessionEndsWhenThereAreTooMany":        sessionMany,
	"LastUseGoesForwardOnly":                         sessionTouch,
	"EndingASessionIsAtOnceAndOnce":                  sessionDelete,
	"RetentionForgetsWhatHasEndedAndKeepsWhatHasNot": sessionRetention,
}

func sessionByHash(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	want := b.newSession(ann, "s")
	got, m, err := b.DB.SessionByHash(b.Context(), want.Hash)
	b.Must(err)
	if got != want || m.ID != ann.ID || m.Role != ann.Role || !m.LastSeenAt.Equal(b.Now) {
		b.Fatalf("got %+v of %+v, want %+v", got, m, want)
	}
	_, _, err = b.DB.SessionByHash(b.Context(), [32]byte{1})
	b.WantNoSuch(err, "session")
	list, _, err := b.DB.Sessions(b.Context(), b.WS, ann.ID, signalbox.Page{})
	b.Must(err)
	if !reflect.DeepEqual(list, []signalbox.Session{want}) {
		b.Fatalf("listed %+v", list)
	}
}

func sessionJoins(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleViewer, invited)
	b.newSession(ann, "s")
	b.Now = b.Now.Add(time.Hour)
	b.newSession(ann, "t")
	m, err := b.DB.Member(b.Context(), b.WS, ann.ID)
	b.Must(err)
	if !m.JoinedAt.Equal(Start) || !m.LastSeenAt.Equal(b.Now) {
		b.Fatalf("joined %v, seen %v", m.JoinedAt, m.LastSeenAt)
	}
}

func sessionStale(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	b.Must(b.DB.CreateSession(b.Context(), b.session(ann, "1"), ann.Password))
	b.Must(b.DB.SetPassword(b.Context(), b.WS, ann.ID, "$new", 0, b.Now))
	b.WantNoSuch(b.DB.CreateSession(b.Context(), b.session(ann, "2"), ann.Password), "member")
	ann.ID = signalbox.MemberID(b.ID())
	b.WantNoSuch(b.DB.CreateSession(b.Context(), b.session(ann, "3"), ""), "member")
}

func sessionMany(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	first := b.newSession(ann, "first")
	for i := range 100 {
		_, _, err := b.DB.SessionByHash(b.Context(), first.Hash)
		b.Must(err)
		b.newSession(ann, string(rune('a'+i)))
	}
	_, _, err := b.DB.SessionByHash(b.Context(), first.Hash)
	b.WantNoSuch(err, "session")
}

func sessionTouch(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	s := b.newSession(ann, "s")
	gone := b.session(ann, "gone")
	late := b.Now.Add(time.Hour)
	for _, at := range []time.Time{late, b.Now} {
		s.SeenAt, gone.SeenAt = at, at
		b.Must(b.DB.TouchSessions(b.Context(), []signalbox.Session{gone, s}))
	}
	got, m, err := b.DB.SessionByHash(b.Context(), s.Hash)
	b.Must(err)
	if !got.SeenAt.Equal(late) || !m.LastSeenAt.Equal(late) {
		b.Fatalf("session seen %v, member %v, want %v", got.SeenAt, m.LastSeenAt, late)
	}
}

func sessionDelete(b *Box) {
	ann, bob := b.NewMember("ann@acme.com", signalbox.RoleViewer), b.NewMember("bob@acme.com", signalbox.RoleViewer)
	s := b.newSession(ann, "s")
	b.WantNoSuch(b.DB.DeleteSession(b.Context(), b.WS, bob.ID, s.ID), "session")
	b.Must(b.DB.DeleteSession(b.Context(), b.WS, ann.ID, s.ID))
	b.WantNoSuch(b.DB.DeleteSession(b.Context(), b.WS, ann.ID, s.ID), "session")
	_, _, err := b.DB.SessionByHash(b.Context(), s.Hash)
	b.WantNoSuch(err, "session")
}

func sessionRetention(b *Box) {
	ann := b.NewMember("ann@acme.com", signalbox.RoleViewer)
	old := b.newSession(ann, "old")
	b.Now = b.Now.Add(signalbox.SessionLife + time.Second)
	live := b.newSession(ann, "live")
	b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
	_, _, err := b.DB.SessionByHash(b.Context(), old.Hash)
	b.WantNoSuch(err, "session")
	_, _, err = b.DB.SessionByHash(b.Context(), live.Hash)
	b.Must(err)
}
