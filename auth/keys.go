package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"signalbox"
)

// The clock of keys.
const (
	CacheFor   = 500 * time.Millisecond // the longest that a look-up is remembered
	TouchEvery = time.Minute            // how often last-used times are stored
	touchGrace = 5 * time.Second        // what the last flush may take when the program stops
	cacheSize  = 10_000                 // keys; further ones are looked up at each use
)

// Store is where keys are kept.
type Store interface {
	// KeyByHash returns the key with this hash, revoked and expired ones too; a *signalbox.Error NotFound when there is none.
	KeyByHash(ctx context.Context, hash [32]byte) (signalbox.APIKey, error)
	// TouchKeys stores when keys were last used; a time never goes back.
	TouchKeys(ctx context.Context, used map[signalbox.KeyID]time.Time) error
}

// Keys authenticates API keys. Safe for concurrent use; Run must be running for last-used times to be stored.
type Keys struct {
	store Store
	log   *slog.Logger
	known *otter.Cache[[32]byte, lookup]
	// age counts the calls of Forget: a look-up that began before the latest one is never used.
	age atomic.Uint64

	mu   sync.Mutex
	used map[signalbox.KeyID]time.Time // since the last flush
}

// lookup is what was found for a hash, and the age at which looking began.
type lookup struct {
	key signalbox.APIKey
	age uint64
}

// NewKeys makes an authenticator over the store.
func NewKeys(store Store, log *slog.Logger) *Keys {
	return &Keys{
		store: store,
		log:   log,
		known: otter.Must(&otter.Options[[32]byte, lookup]{
			MaximumSize:      cacheSize,
			ExpiryCalculator: otter.ExpiryCreating[[32]byte, lookup](CacheFor),
		}),
		used: map[signalbox.KeyID]time.Time{},
	}
}

// Authenticate returns the live key that text is, or a *signalbox.Error Unauthorized that may be shown. Any other error is the
// store's: the caller must not take it for a refusal.
func (k *Keys) Authenticate(ctx context.Context, text string, now time.Time) (signalbox.APIKey, error) {
	if err := CheckShape(text); err != nil {
		return signalbox.APIKey{}, err
	}
	found, err := k.find(ctx, Hash(text), now)
	switch {
	case errors.Is(err, otter.ErrNotFound) || err == nil && !live(&found.key, now):
		return signalbox.APIKey{}, Refused(text)
	case err != nil:
		return signalbox.APIKey{}, fmt.Errorf("look up an API key: %w", err)
	}
	return found.key, nil
}

// find looks a hash up, in memory while what memory holds is young enough.
func (k *Keys) find(ctx context.Context, hash [32]byte, now time.Time) (lookup, error) {
	load := otter.LoaderFunc[[32]byte, lookup](func(ctx context.Context, hash [32]byte) (lookup, error) {
		return k.load(ctx, hash, now)
	})
	for {
		found, err := k.known.Get(ctx, hash, load)
		if err != nil || found.age == k.age.Load() {
			return found, err
		}
		k.known.Invalidate(hash) // read before the latest Forget, perhaps before what was forgotten was committed
	}
}

// load reads the store. Several callers may wait for one load, so it does not end with the first one's request.
func (k *Keys) load(ctx context.Context, hash [32]byte, now time.Time) (lookup, error) {
	found := lookup{age: k.age.Load()}
	key, err := k.store.KeyByHash(context.WithoutCancel(ctx), hash)
	if signalbox.CodeOf(err) == signalbox.NotFound {
		return lookup{}, otter.ErrNotFound
	}
	if err != nil {
		return lookup{}, err
	}
	found.key = key
	if live(&key, now) {
		k.touch(key.ID, now)
	}
	return found, nil
}

func live(key *signalbox.APIKey, now time.Time) bool {
	return key.RevokedAt.IsZero() && (key.ExpiresAt.IsZero() || now.Before(key.ExpiresAt))
}

// Forget drops everything remembered, at once: call it after a key was changed or revoked. Changes of keys are rare, looking
// all live ones up again is not worth a finer rule.
func (k *Keys) Forget() {
	k.age.Add(1)
	k.known.InvalidateAll()
}

// touch notes a use. It is called per look-up, not per request: a last-used time is at most CacheFor early.
func (k *Keys) touch(id signalbox.KeyID, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.After(k.used[id]) {
		k.used[id] = now
	}
}

// Run stores last-used times every TouchEvery, and once more when ctx ends.
func (k *Keys) Run(ctx context.Context) error {
	tick := time.NewTicker(TouchEvery)
	defer tick.Stop()
	defer k.Close()
	for {
		select {
		case <-tick.C:
			k.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchGrace)
			k.flush(last)
			cancel()
			return nil
		}
	}
}

// Close gives back what NewKeys has taken, also where Run was never called; after it nothing may be authenticated.
func (k *Keys) Close() { k.known.StopAllGoroutines() }

// flush stores what was noted; what could not be stored is noted again for the next time.
func (k *Keys) flush(ctx context.Context) {
	k.mu.Lock()
	used := k.used
	k.used = map[signalbox.KeyID]time.Time{}
	k.mu.Unlock()
	if len(used) == 0 {
		return
	}
	if err := k.store.TouchKeys(ctx, used); err != nil {
		k.log.Warn("last-used times of API keys not stored, trying again", "keys", len(used), "error", err)
		k.mu.Lock()
		defer k.mu.Unlock()
		maps.Copy(used, k.used) // what came meanwhile is later
		k.used = used
	}
}
