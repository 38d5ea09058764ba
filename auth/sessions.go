package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"signalbox"
)

// tokenLen is how many random bytes a session's or a link's token has.
const tokenLen = 32

// NewToken makes the token of a session or a link: 256 bits, as text that a URL and a cookie take.
func NewToken() Secret {
	var raw [tokenLen]byte
	rand.Read(raw[:])
	return Secret(base64.RawURLEncoding.EncodeToString(raw[:]))
}

// tokenText says whether a text can be a token at all.
func tokenText(text string) bool {
	return len(text) == base64.RawURLEncoding.EncodedLen(tokenLen)
}

// SessionStore is where members and their sessions are kept.
type SessionStore interface {
	// SessionByHash returns the session with this hash and its member, one that has ended too; a *signalbox.Error NotFound when there is none.
	SessionByHash(ctx context.Context, hash [32]byte) (signalbox.Session, signalbox.Member, error)
	// TouchSessions stores when sessions were last used; a time never goes back.
	TouchSessions(ctx context.Context, used []signalbox.Session) error
}

// Sessions authenticates the tokens of sessions, as Keys does API keys. Safe for concurrent use; Run must be running for sessions to be renewed.
type Sessions struct {
	store SessionStore
	log   *slog.Logger
	known *otter.Cache[[32]byte, signedIn]
	age   atomic.Uint64 // counts the calls of Forget: a look-up that began before the latest one is never used

	mu   sync.Mutex
	used map[signalbox.SessionID]signalbox.Session // since the last flush
}

// signedIn is what was found for a hash, and the age at which looking began.
type signedIn struct {
	session signalbox.Session
	member  signalbox.Member
	age     uint64
}

// NewSessions makes an authenticator over the store.
func NewSessions(store SessionStore, log *slog.Logger) *Sessions {
	return &Sessions{
		store: store,
		log:   log,
		known: otter.Must(&otter.Options[[32]byte, signedIn]{
			MaximumSize:      cacheSize,
			ExpiryCalculator: otter.ExpiryCreating[[32]byte, signedIn](CacheFor),
		}),
		used: map[signalbox.SessionID]signalbox.Session{},
	}
}

// Authenticate returns the live session that a token is of, and its member as he or she is now. A refusal is a *signalbox.Error Unauthorized that never
// says whether the session once lived; any other error is the store's.
func (s *Sessions) Authenticate(ctx context.Context, token string, now time.Time) (signalbox.Session, signalbox.Member, error) {
	over := unauthorized("you are signed out: sign in again")
	if !tokenText(token) {
		return signalbox.Session{}, signalbox.Member{}, over
	}
	found, err := s.find(ctx, Hash(token))
	switch {
	case errors.Is(err, otter.ErrNotFound):
		return signalbox.Session{}, signalbox.Member{}, over
	case err != nil:
		return signalbox.Session{}, signalbox.Member{}, fmt.Errorf("look up a session: %w", err)
	}
	s.renew(&found.session, now)
	if !now.Before(found.session.EndsAt()) {
		return signalbox.Session{}, signalbox.Member{}, over
	}
	s.touch(found.session, now)
	found.session.SeenAt = now
	return found.session, found.member, nil
}

// renew gives a session the last use that memory knows and the store does not yet.
func (s *Sessions) renew(session *signalbox.Session, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if used, ok := s.used[session.ID]; ok && used.SeenAt.After(session.SeenAt) && !used.SeenAt.After(now) {
		session.SeenAt = used.SeenAt
	}
}

// find looks a hash up, in memory while what memory holds is young enough.
func (s *Sessions) find(ctx context.Context, hash [32]byte) (signedIn, error) {
	for {
		found, err := s.known.Get(ctx, hash, otter.LoaderFunc[[32]byte, signedIn](s.load))
		if err != nil || found.age == s.age.Load() {
			return found, err
		}
		s.known.Invalidate(hash) // read before the latest Forget, perhaps before what was forgotten was committed
	}
}

// load reads the store. Several callers may wait for one load, so it does not end with the first one's request.
func (s *Sessions) load(ctx context.Context, hash [32]byte) (signedIn, error) {
	found := signedIn{age: s.age.Load()}
	var err error
	found.session, found.member, err = s.store.SessionByHash(context.WithoutCancel(ctx), hash)
	if signalbox.CodeOf(err) == signalbox.NotFound {
		return signedIn{}, otter.ErrNotFound
	}
	return found, err
}

// Forget drops everything remembered, at once: call it after a member or a session was changed.
func (s *Sessions) Forget() {
	s.age.Add(1)
	s.known.InvalidateAll()
}

// touch notes a use, unless one that is young enough is stored or noted: a busy session is written once a minute.
func (s *Sessions) touch(session signalbox.Session, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(session.SeenAt) >= TouchEvery {
		session.SeenAt = now
		s.used[session.ID] = session
	}
}

// Run stores last uses every TouchEvery, and once more when ctx ends.
func (s *Sessions) Run(ctx context.Context) error {
	tick := time.NewTicker(TouchEvery)
	defer tick.Stop()
	defer s.Close()
	for {
		select {
		case <-tick.C:
			s.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchGrace)
			s.flush(last)
			cancel()
			return nil
		}
	}
}

// Close gives back what NewSessions has taken, also where Run was never called; after it nobody may be authenticated.
func (s *Sessions) Close() { s.known.StopAllGoroutines() }

// flush stores what was noted; what could not be stored is noted again for the next time.
func (s *Sessions) flush(ctx context.Context) {
	s.mu.Lock()
	list := make([]signalbox.Session, 0, len(s.used))
	for _, session := range s.used {
		list = append(list, session)
	}
	s.mu.Unlock()
	if len(list) == 0 {
		return
	}
	if err := s.store.TouchSessions(ctx, list); err != nil {
		s.log.Warn("last uses of sessions not stored, trying again", "sessions", len(list), "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range list {
		if s.used[list[i].ID].SeenAt.Equal(list[i].SeenAt) {
			delete(s.used, list[i].ID)
		}
	}
}
