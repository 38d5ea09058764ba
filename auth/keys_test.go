package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signalbox"
	"signalbox/auth"
)

// shelf is a store of keys that can be told to fail.
type shelf struct {
	mu      sync.Mutex
	keys    map[[32]byte]signalbox.APIKey
	reads   int
	touched []map[signalbox.KeyID]time.Time
	broken  error
	hold    chan struct{} // not nil: a look-up waits for it after reading
	reading chan struct{}
}

func (s *shelf) KeyByHash(_ context.Context, hash [32]byte) (signalbox.APIKey, error) {
	s.mu.Lock()
	s.reads++
	key, ok := s.keys[hash]
	err, hold := s.broken, s.hold
	s.mu.Unlock()
	if hold != nil {
		s.reading <- struct{}{}
		<-hold
	}
	if err != nil {
		return signalbox.APIKey{}, err
	}
	if !ok {
		return signalbox.APIKey{}, signalbox.NoSuch("api_key")
	}
	return key, nil
}

func (s *shelf) TouchKeys(_ context.Context, used map[signalbox.KeyID]time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	copied := map[signalbox.KeyID]time.Time{}
	for id, at := range used {
		copied[id] = at
	}
	s.touched = append(s.touched, copied)
	return nil
}

// fail makes every call fail with err from now on; nil heals.
func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

// stored returns the flushes so far.
func (s *shelf) stored() []map[signalbox.KeyID]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.touched
}

func (s *shelf) change(text string, f func(*signalbox.APIKey)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.keys[auth.Hash(text)]
	f(&key)
	s.keys[auth.Hash(text)] = key
}

const opened = "sk_live_a_bootstrap_key_for_testing"

func newShelf() *shelf {
	return &shelf{keys: map[[32]byte]signalbox.APIKey{
		auth.Hash(opened): {ID: 7, Workspace: 3, Scope: signalbox.ScopeRead, Hash: auth.Hash(opened)},
	}}
}

// bubble runs f in a synctest bubble with keys over a shelf, Run running.
func bubble(t *testing.T, f func(t *testing.T, s *shelf, keys *auth.Keys)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		keys := auth.NewKeys(s, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- keys.Run(ctx) }()
		f(t, s, keys)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func opens(t *testing.T, keys *auth.Keys, text string) bool {
	t.Helper()
	key, err := keys.Authenticate(t.Context(), text, time.Now())
	if err == nil {
		return key.ID == 7 && key.Workspace == 3
	}
	if signalbox.CodeOf(err) != signalbox.Unauthorized {
		t.Errorf("got %v, want unauthorized", err)
	}
	return false
}

func TestAuthenticate_UnknownKeyIsRefused(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, s *shelf, keys *auth.Keys) {
		if !opens(t, keys, opened) || opens(t, keys, opened+"x") || opens(t, keys, "nonsense") {
			t.Error("only the stored key may open")
		}
	})
}

func TestAuthenticate_RevocationHoldsWithinASecondEverywhere(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, s *shelf, keys *auth.Keys) {
		for range 100 {
			opens(t, keys, opened)
		}
		if s.reads != 1 {
			t.Errorf("%d look-ups for 100 uses at one moment, want 1", s.reads)
		}
		s.change(opened, func(k *signalbox.APIKey) { k.RevokedAt = time.Now() }) // by another node
		time.Sleep(auth.CacheFor + time.Nanosecond)
		if opens(t, keys, opened) {
			t.Error("a key revoked elsewhere still opens after CacheFor")
		}
	})
}

func TestForget_RevocationHoldsAtOnceHere(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, s *shelf, keys *auth.Keys) {
		opens(t, keys, opened)
		s.change(opened, func(k *signalbox.APIKey) { k.RevokedAt = time.Now() })
		keys.Forget()
		if opens(t, keys, opened) {
			t.Error("a forgotten key still opens")
		}
	})
}

func TestForget_ALookUpUnderWayIsNotUsed(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, s *shelf, keys *auth.Keys) {
		hold := make(chan struct{})
		s.hold, s.reading = hold, make(chan struct{}, 2)
		result := make(chan bool)
		go func() { result <- opens(t, keys, opened) }()
		<-s.reading // has read the live key
		s.change(opened, func(k *signalbox.APIKey) { k.RevokedAt = time.Now() })
		keys.Forget()
		close(hold)
		if <-result {
			t.Error("a key read before the revocation opens after it")
		}
	})
}

func TestAuthenticate_ExpiryIsJudgedAtEachUse(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, s *shelf, keys *auth.Keys) {
		end := time.Now().Add(auth.CacheFor / 2)
		s.change(opened, func(k *signalbox.APIKey) { k.ExpiresAt = end })
		if !opens(t, keys, opened) {
			t.Error("refused before it expired")
		}
		time.Sleep(time.Until(end))
		if opens(t, keys, opened) {
			t.Error("opens at the moment that it expires, from memory")
		}
	})
}

func TestAuthenticate_AStoreThatFailsIsNoRefusal(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, s *shelf, keys *auth.Keys) {
		burning := errors.New("disk on fire")
		s.fail(burning)
		_, err := keys.Authenticate(t.Context(), opened, time.Now())
		if err == nil || signalbox.CodeOf(err) == signalbox.Unauthorized || !errors.Is(err, burning) {
			t.Errorf("got %v, want the store's error", err)
		}
		s.fail(nil)
		if !opens(t, keys, opened) {
			t.Error("the failure was remembered")
		}
	})
}

func TestAuthenticate_AKeyMadeJustNowOpens(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, s *shelf, keys *auth.Keys) {
		const fresh = "sk_live_made_a_moment_after_its_first_use"
		if opens(t, keys, fresh) {
			t.Fatal("opens before it was made")
		}
		s.change(fresh, func(k *signalbox.APIKey) { k.ID, k.Workspace = 7, 3 })
		if !opens(t, keys, fresh) {
			t.Error("the first refusal was remembered")
		}
	})
}

func TestRun_LastUsedIsStoredAtMostOnceAMinute(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, s *shelf, keys *auth.Keys) {
		var last time.Time
		for range 90 {
			last = time.Now()
			opens(t, keys, opened)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := len(s.stored()); n != 1 {
			t.Fatalf("stored %d times in 90 s, want once", n)
		}
		s.fail(errors.New("full"))
		time.Sleep(auth.TouchEvery)
		s.fail(nil)
		time.Sleep(auth.TouchEvery)
		synctest.Wait()
		stored := s.stored()
		if got := stored[len(stored)-1][7]; len(stored) != 2 || !got.Equal(last) {
			t.Errorf("after a failed minute: stored %d times, %v; want twice, %v", len(stored), got, last)
		}
	})
}

func TestRun_LastUsedIsStoredWhenTheProgramStops(t *testing.T) {
	t.Parallel()
	var s *shelf
	bubble(t, func(t *testing.T, inner *shelf, keys *auth.Keys) {
		s = inner
		opens(t, keys, opened)
		opens(t, keys, "sk_live_"+strings.Repeat("u", 30)) // unknown: nothing to note
	})
	if len(s.touched) != 1 || len(s.touched[0]) != 1 {
		t.Errorf("stored %v, want the one key", s.touched)
	}
}
