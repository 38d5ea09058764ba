package auth_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/auth"
)

// house is a store of members that can be told to fail.
type house struct {
	mu       sync.Mutex
	members  map[string]signalbox.Member
	sessions map[[32]byte]signalbox.Session
	touched  int
	broken   error
}

func newHouse(t *testing.T, email, password string) *house {
	t.Helper()
	hash, err := auth.HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return &house{
		members:  map[string]signalbox.Member{email: {ID: 7, Workspace: 1, Email: email, Role: signalbox.RoleAdmin, Password: hash, JoinedAt: time.Unix(1, 0)}},
		sessions: map[[32]byte]signalbox.Session{},
	}
}

func (h *house) byID(id signalbox.MemberID) (signalbox.Member, bool) {
	for _, m := range h.members {
		if m.ID == id {
			return m, true
		}
	}
	return signalbox.Member{}, false
}

func (h *house) MemberByEmail(_ context.Context, email string) (signalbox.Member, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m, ok := h.members[email]
	if !ok {
		return m, signalbox.NoSuch("member")
	}
	return m, h.broken
}

func (h *house) SessionByHash(_ context.Context, hash [32]byte) (signalbox.Session, signalbox.Member, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.sessions[hash]
	m, there := h.byID(s.Member)
	if !ok || !there {
		return s, m, signalbox.NoSuch("session")
	}
	return s, m, h.broken
}

func (h *house) TouchSessions(_ context.Context, used []signalbox.Session) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken != nil {
		return h.broken
	}
	h.touched++
	for _, u := range used {
		s := h.sessions[u.Hash]
		s.SeenAt = u.SeenAt
		h.sessions[u.Hash] = s
	}
	return nil
}

func (h *house) CreateSession(_ context.Context, s signalbox.Session, password string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m, ok := h.byID(s.Member); !ok || password != "" && m.Password != password {
		return signalbox.NoSuch("member")
	}
	h.sessions[s.Hash] = s
	return nil
}

func (h *house) UseLink(context.Context, [32]byte, string, string, signalbox.Session, time.Time) (signalbox.Session, signalbox.Member, error) {
	return signalbox.Session{}, signalbox.Member{}, signalbox.NoSuch("link")
}

func (h *house) SetPassword(_ context.Context, _ signalbox.WorkspaceID, id signalbox.MemberID, password string, _ signalbox.SessionID, _ time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	m, _ := h.byID(id)
	m.Password = password
	h.members[m.Email] = m
	return nil
}

// change edits what is stored, as another node would.
func (h *house) change(f func(*house)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
}

const (
	email    = "ann@acme.com"
	password = "correct horse battery"
)

func newSignIn(t *testing.T, h *house) *auth.SignIn {
	t.Helper()
	sessions := auth.NewSessions(h, slog.New(slog.DiscardHandler))
	t.Cleanup(sessions.Close)
	return auth.NewSignIn(h, sessions, signalbox.NewIDs(0))
}

var (
	home = auth.From{Address: "192.0.2.1", UserAgent: "Browser/1\x00\u00e9"}
	noon = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
)

func TestByPassword_TheRightOneAloneSignsIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, email, password)
	s := newSignIn(t, h)
	signed, err := s.ByPassword(t.Context(), " Ann@ACME.com ", password, home, noon)
	if err != nil {
		t.Fatal(err)
	}
	if signed.Member.ID != 7 || signed.Session.Hash != auth.Hash(signed.Token.Reveal()) || signed.Session.UserAgent != "Browser/1" ||
		!signed.Session.ExpiresAt.Equal(noon.Add(signalbox.SessionLife)) {
		t.Errorf("signed in as %+v", signed)
	}
	session, m, err := s.Sessions.Authenticate(t.Context(), signed.Token.Reveal(), noon)
	if err != nil || session.ID != signed.Session.ID || m.ID != 7 {
		t.Errorf("the session is %+v of %+v, %v", session, m, err)
	}
	wrong := map[string]bool{}
	for _, try := range [][2]string{{email, password + " "}, {email, ""}, {email, strings.Repeat("x", 5000)}, {"eve@acme.com", password}} {
		_, err := s.ByPassword(t.Context(), try[0], try[1], auth.From{Address: "192.0.2.2"}, noon)
		if signalbox.CodeOf(err) != signalbox.Unauthorized {
			t.Fatalf("%s with %.30q: %v", try[0], try[1], err)
		}
		wrong[err.Error()] = true
	}
	if len(wrong) != 1 {
		t.Errorf("refusals tell members from strangers: %v", wrong)
	}
	h.change(func(h *house) { m := h.members[email]; m.Password = ""; h.members[email] = m })
	if _, err := s.ByPassword(t.Context(), email, "", auth.From{Address: "192.0.2.3"}, noon); signalbox.CodeOf(err) != signalbox.Unauthorized {
		t.Errorf("a member without a password signs in with none: %v", err)
	}
}

func TestByPassword_AFaultOfTheStoreIsNoWrongPassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t, email, password)
	s := newSignIn(t, h)
	h.change(func(h *house) { h.broken = &signalbox.Error{Code: signalbox.Unavailable, Msg: "gone"} })
	for range 30 { // nor does it slow anybody
		if _, err := s.ByPassword(t.Context(), email, password, home, noon); signalbox.CodeOf(err) != signalbox.Unavailable {
			t.Fatalf("got %v", err)
		}
	}
}

// fails tries a wrong password and says how long the next try must wait; 0: it was heard.
func fails(t *testing.T, s *auth.SignIn, email, address string, now time.Time) time.Duration {
	t.Helper()
	_, err := s.ByPassword(t.Context(), email, "not the password", auth.From{Address: address}, now)
	switch signalbox.CodeOf(err) {
	case signalbox.Unauthorized:
		return 0
	case signalbox.RateLimited:
		return err.(*signalbox.Error).RetryAfter
	}
	t.Fatalf("got %v", err)
	return 0
}

func TestThrottle_FailuresDelayAndNeverLock(t *testing.T) {
	t.Parallel()
	h := newHouse(t, email, password)
	s := newSignIn(t, h)
	now := noon
	for range 5 {
		if wait := fails(t, s, email, "192.0.2.66", now); wait != 0 {
			t.Fatalf("a free try must wait %v", wait)
		}
	}
	longest := time.Duration(0)
	for range 12 { // each failure doubles the wait, up to its most; a try that comes too early lengthens nothing
		wait := fails(t, s, email, "192.0.2.66", now)
		if wait == 0 || fails(t, s, email, "192.0.2.66", now) != wait {
			t.Fatalf("wait %v, and another one when asked again", wait)
		}
		longest = max(longest, wait)
		now = now.Add(wait)
		if again := fails(t, s, email, "192.0.2.66", now); again != 0 {
			t.Fatalf("who waited %v must wait %v more", wait, again)
		}
	}
	if longest > time.Minute+time.Second || longest < 30*time.Second {
		t.Errorf("the longest wait is %v", longest)
	}
	if _, err := s.ByPassword(t.Context(), email, password, home, now); err != nil {
		t.Errorf("the member elsewhere: %v", err)
	}
	now = now.Add(2 * time.Minute)
	if _, err := s.ByPassword(t.Context(), email, password, auth.From{Address: "192.0.2.66"}, now); err != nil {
		t.Errorf("the right password after the wait: %v", err)
	}
	if wait := fails(t, s, email, "192.0.2.66", now); wait != 0 {
		t.Errorf("after a success the first failure must wait %v", wait)
	}
}

func TestThrottle_ManyAddressesSlowAnEMailButNotItsOwner(t *testing.T) {
	t.Parallel()
	h := newHouse(t, email, password)
	s := newSignIn(t, h)
	if _, err := s.ByPassword(t.Context(), email, password, home, noon); err != nil {
		t.Fatal(err)
	}
	slowed := false
	for i := range 40 {
		slowed = fails(t, s, email, "2001:db8:0:"+string(rune('a'+i%6))+string(rune('0'+i/6))+"::1", noon) != 0 || slowed
	}
	if !slowed {
		t.Error("forty addresses may guess at one e-mail at once")
	}
	if _, err := s.ByPassword(t.Context(), email, password, home, noon); err != nil {
		t.Errorf("the owner, from where he signed in before: %v", err)
	}
}

func TestThrottle_OneAddressIsSlowedOverManyEMailsAndAsAWholeNetwork(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, newHouse(t, email, password))
	slowed := 0
	for i := range 60 {
		if fails(t, s, string(rune('a'+i%26))+string(rune('a'+i/26))+"@acme.com", "2001:db8::"+string(rune('a'+i%6)), noon) != 0 {
			slowed++
		}
	}
	if slowed != 10 {
		t.Errorf("%d of 60 tries were refused unheard, want 10", slowed)
	}
}

func TestThrottle_OfManyAtOnceOnlyTheFreeAreHeard(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, newHouse(t, email, password))
	var mu sync.Mutex
	var tries sync.WaitGroup
	heard := 0
	for range 30 {
		tries.Go(func() {
			if _, err := s.ByPassword(t.Context(), email, "not the password", home, noon); signalbox.CodeOf(err) == signalbox.Unauthorized {
				mu.Lock()
				heard++
				mu.Unlock()
			}
		})
	}
	tries.Wait()
	if heard != 5 {
		t.Errorf("%d tries were heard, want 5", heard)
	}
}

func TestChangePassword_NeedsThePresentOneAndAGoodNewOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t, email, password)
	s := newSignIn(t, h)
	m := h.members[email]
	for name, c := range map[string]struct{ current, next, param, says string }{
		"wrong":      {"not the password", "staple correct horse", "password.current", "not your present password"},
		"short":      {password, "short", "password.new", "at least 10"},
		"long":       {password, strings.Repeat("ä", 513), "password.new", "at most 1024"},
		"the e-mail": {password, " Ann@Acme.com ", "password.new", "must not be the e-mail"},
		"one letter": {password, "aaaaaaaaaaaa", "password.new", "again and again"},
	} {
		err := s.ChangePassword(t.Context(), m, 1, c.current, c.next, home, noon)
		var e *signalbox.Error
		if signalbox.CodeOf(err) != signalbox.Invalid {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if e = err.(*signalbox.Error); e.Param != c.param || !strings.Contains(e.Msg, c.says) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if err := s.ChangePassword(t.Context(), m, 1, password, "staple correct horse", home, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ByPassword(t.Context(), email, "staple correct horse", home, noon); err != nil {
		t.Errorf("the new password: %v", err)
	}
}

func TestHashes_AreArgon2idAndNeverTheSame(t *testing.T) {
	t.Parallel()
	one, err := auth.HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	other, err := auth.HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") || one == other {
		t.Errorf("%s and %s", one, other)
	}
	// The reference implementation's own vector: what it made, and what other programs make, opens here.
	if ok, err := auth.Check(t.Context(), "password", "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$Bo1ismRVk2qm6+YAYLCmWHDb+j3fjUH3"); !ok || err != nil {
		t.Errorf("the reference's hash: %v, %v", ok, err)
	}
	if ok, err := auth.Check(t.Context(), "wrong", one); ok || err != nil {
		t.Errorf("a wrong password: %v, %v", ok, err)
	}
	for _, bad := range []string{"x", "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA", "$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		if ok, err := auth.Check(t.Context(), password, bad); ok || err == nil {
			t.Errorf("%s: %v, %v", bad, ok, err)
		}
	}
}

func TestNewPassword_PassesItsOwnRulesAndIsNeverTheSame(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		p := auth.NewPassword()
		if err := auth.CheckPassword(p, "admin@localhost"); err != nil || seen[p] || len(p) != 23 {
			t.Fatalf("%q: %v", p, err)
		}
		seen[p] = true
	}
}

func TestSessions_EndWhenTheyAreNotUsedAndAtTheirLatest(t *testing.T) {
	t.Parallel()
	h := newHouse(t, email, password)
	s := newSignIn(t, h)
	signed, err := s.ByPassword(t.Context(), email, password, home, noon)
	if err != nil {
		t.Fatal(err)
	}
	token := signed.Token.Reveal()
	lives := func(at time.Time) bool {
		s.Sessions.Forget()
		_, _, err := s.Sessions.Authenticate(t.Context(), token, at)
		if err != nil && signalbox.CodeOf(err) != signalbox.Unauthorized {
			t.Fatal(err)
		}
		return err == nil
	}
	if !lives(noon.Add(signalbox.SessionIdle-time.Second)) || lives(noon.Add(2*signalbox.SessionIdle)) {
		t.Error("a session that is not used lives another time than its idle time")
	}
	h.change(func(h *house) {
		one := h.sessions[auth.Hash(token)]
		one.SeenAt = noon.Add(signalbox.SessionLife - time.Minute)
		h.sessions[auth.Hash(token)] = one
	})
	if !lives(noon.Add(signalbox.SessionLife-time.Second)) || lives(noon.Add(signalbox.SessionLife)) {
		t.Error("a session that is used lives another time than its whole life")
	}
	for _, bad := range []string{"", "x", token + "x", token[:len(token)-1], auth.NewToken().Reveal()} {
		if _, _, err := s.Sessions.Authenticate(t.Context(), bad, noon); signalbox.CodeOf(err) != signalbox.Unauthorized {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSessions_AreRenewedOnceAMinuteAndRevokedWithinASecond(t *testing.T) {
	t.Parallel()
	h := newHouse(t, email, password)
	synctest.Test(t, func(t *testing.T) {
		sessions := auth.NewSessions(h, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- sessions.Run(ctx) }()
		begin := time.Now()
		token := auth.NewToken().Reveal()
		h.change(func(h *house) {
			h.sessions[auth.Hash(token)] = signalbox.Session{ID: 1, Workspace: 1, Member: 7, Hash: auth.Hash(token), CreatedAt: begin, SeenAt: begin, ExpiresAt: begin.Add(signalbox.SessionLife)}
		})
		for range 3000 { // five minutes of a busy page
			if _, _, err := sessions.Authenticate(t.Context(), token, time.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		h.change(func(h *house) {
			if h.touched < 3 || h.touched > 5 {
				t.Errorf("stored %d times in five minutes", h.touched)
			}
			if seen := h.sessions[auth.Hash(token)].SeenAt; time.Since(seen) > 3*time.Minute {
				t.Errorf("seen %v ago", time.Since(seen))
			}
			delete(h.sessions, auth.Hash(token)) // on another node
		})
		time.Sleep(time.Second)
		if _, _, err := sessions.Authenticate(t.Context(), token, time.Now()); signalbox.CodeOf(err) != signalbox.Unauthorized {
			t.Errorf("a second after its end: %v", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
