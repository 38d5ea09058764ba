package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"signalbox"
)

// MemberStore is where members, sessions and links are kept.
type MemberStore interface {
	SessionStore
	// MemberByEmail returns the member of an e-mail, or a *signalbox.Error NotFound.
	MemberByEmail(ctx context.Context, email string) (signalbox.Member, error)
	// CreateSession signs a member in; NotFound when the member is gone or has another password hash than this one ("": whatever it has).
	CreateSession(ctx context.Context, s signalbox.Session, password string) error
	// UseLink sets a link's member's password and signs in by s; NotFound when the link does not work.
	UseLink(ctx context.Context, hash [32]byte, password, name string, s signalbox.Session, now time.Time) (signalbox.Session, signalbox.Member, error)
	// SetPassword gives a member another password and ends all sessions but one.
	SetPassword(ctx context.Context, ws signalbox.WorkspaceID, member signalbox.MemberID, password string, keep signalbox.SessionID, now time.Time) error
}

// SignIn begins sessions: by a password, by a link, or for a member that an identity provider knows. Safe for concurrent use.
type SignIn struct {
	Sessions *Sessions

	store    MemberStore
	ids      *signalbox.IDs
	hasher   *hasher
	throttle *throttle
}

// From is where somebody signs in from, as far as the server can see.
type From struct {
	Address   string // an IP address
	UserAgent string
}

// Signed is a session that has just begun, and its token, which is shown to the browser now and never again.
type Signed struct {
	Session signalbox.Session
	Member  signalbox.Member
	Token   Secret
}

// NewSignIn makes the door of members.
func NewSignIn(store MemberStore, sessions *Sessions, ids *signalbox.IDs) *SignIn {
	return &SignIn{Sessions: sessions, store: store, ids: ids, hasher: newHasher(), throttle: newThrottle()}
}

// errWrong is the one answer to an unknown e-mail, a wrong password and a member without one.
var errWrong = unauthorized("the e-mail or the password is wrong")

// ByPassword signs in whoever knows a member's password. An unknown e-mail answers as a wrong password does, after the same time. RateLimited: too many tries
// failed before.
func (s *SignIn) ByPassword(ctx context.Context, email, password string, from From, now time.Time) (Signed, error) {
	email, err := signalbox.NormalizeMemberEmail(email)
	if err != nil {
		return Signed{}, err
	}
	if err := s.throttle.try(email, from.Address, now); err != nil {
		return Signed{}, err
	}
	signed, err := s.byPassword(ctx, email, password, from, now)
	switch {
	case err == nil:
		s.throttle.succeed(email, from.Address, now)
	case !errors.Is(err, errWrong):
		s.throttle.undo(email, from.Address, now)
	}
	return signed, err
}

func (s *SignIn) byPassword(ctx context.Context, email, password string, from From, now time.Time) (Signed, error) {
	m, err := s.store.MemberByEmail(ctx, email)
	if err != nil && signalbox.CodeOf(err) != signalbox.NotFound {
		return Signed{}, fmt.Errorf("look up a member: %w", err)
	}
	if len(password) > MaxPassword {
		password = "" // no member's
	}
	right, err := s.hasher.check(ctx, password, m.Password)
	if err != nil {
		return Signed{}, err
	}
	if !right {
		return Signed{}, errWrong
	}
	return s.begin(ctx, m, m.Password, from, now)
}

// As signs a member in whom somebody else has vouched for.
func (s *SignIn) As(ctx context.Context, m signalbox.Member, from From, now time.Time) (Signed, error) {
	return s.begin(ctx, m, "", from, now)
}

func (s *SignIn) begin(ctx context.Context, m signalbox.Member, password string, from From, now time.Time) (Signed, error) {
	signed := s.session(from, now)
	signed.Session.Workspace, signed.Session.Member = m.Workspace, m.ID
	err := s.store.CreateSession(actAs(ctx, &m), signed.Session, password)
	if signalbox.CodeOf(err) == signalbox.NotFound {
		return Signed{}, errWrong // removed, or another password was set, since the look-up
	}
	if err != nil {
		return Signed{}, fmt.Errorf("begin a session: %w", err)
	}
	if m.JoinedAt.IsZero() {
		m.JoinedAt = now
	}
	m.LastSeenAt, signed.Member = now, m
	return signed, nil
}

// actAs makes the act of a sign-in that of the member who signs in.
func actAs(ctx context.Context, m *signalbox.Member) context.Context {
	act, ok := signalbox.ActOf(ctx)
	if !ok {
		return ctx
	}
	act.Actor = signalbox.Actor{Type: signalbox.ActorMember, ID: int64(m.ID), Name: m.Email}
	return signalbox.WithAct(ctx, act)
}

// session makes a session of nobody yet.
func (s *SignIn) session(from From, now time.Time) Signed {
	token := NewToken()
	return Signed{Token: token, Session: signalbox.Session{
		ID: signalbox.SessionID(s.ids.Next(now)), Hash: Hash(token.Reveal()), UserAgent: clipped(from.UserAgent), Address: from.Address,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(signalbox.SessionLife),
	}}
}

// clipped bounds what a browser says of itself, and leaves only what can be shown.
func clipped(agent string) string {
	out := make([]byte, 0, min(len(agent), signalbox.MaxUserAgent))
	for _, c := range []byte(agent) {
		if c >= ' ' && c < 0x7f && len(out) < signalbox.MaxUserAgent {
			out = append(out, c)
		}
	}
	return string(out)
}

// ByLink sets the password of a link's member, and the name unless it is "", and signs in. The link works no more, and the member's other sessions have ended.
// NotFound: the link does not work.
func (s *SignIn) ByLink(ctx context.Context, token string, m signalbox.Member, password, name string, from From, now time.Time) (Signed, error) {
	if err := CheckPassword(password, m.Email); err != nil {
		return Signed{}, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return Signed{}, err
	}
	signed := s.session(from, now)
	signed.Session, signed.Member, err = s.store.UseLink(ctx, Hash(token), hash, name, signed.Session, now)
	if err != nil {
		return Signed{}, err
	}
	s.Sessions.Forget()
	return signed, nil
}

// ChangePassword gives a member who knows the present password another one; all other sessions end. Tries that fail slow further ones as sign-ins do.
func (s *SignIn) ChangePassword(ctx context.Context, m signalbox.Member, keep signalbox.SessionID, current, password string, from From, now time.Time) error {
	if err := CheckPassword(password, m.Email); err != nil {
		return inside("password.new", err)
	}
	if err := s.throttle.try(m.Email, from.Address, now); err != nil {
		return err
	}
	right, err := s.hasher.check(ctx, current, m.Password)
	if err != nil {
		s.throttle.undo(m.Email, from.Address, now)
		return err
	}
	if !right {
		return signalbox.InvalidField("password.current", "this is not your present password")
	}
	s.throttle.succeed(m.Email, from.Address, now)
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := s.store.SetPassword(ctx, m.Workspace, m.ID, hash, keep, now); err != nil {
		return err
	}
	s.Sessions.Forget()
	return nil
}

// inside names the field that a refusal of a password is about.
func inside(param string, err error) error {
	var e *signalbox.Error
	if errors.As(err, &e) {
		named := *e
		named.Param = param
		return &named
	}
	return err
}

// HashPassword makes the hash of a first password.
func HashPassword(ctx context.Context, password string) (string, error) {
	return newHasher().hash(ctx, password)
}

// NewLink makes a link for a member, and its token.
func NewLink(id signalbox.LinkID, m *signalbox.Member, now time.Time) (signalbox.Link, Secret) {
	token := NewToken()
	return signalbox.Link{
		ID: id, Workspace: m.Workspace, Member: m.ID, Kind: signalbox.LinkInvite, Hash: Hash(token.Reveal()), CreatedAt: now,
		ExpiresAt: now.Add(signalbox.LinkInvite.For()),
	}, token
}
