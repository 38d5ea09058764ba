package store_test

import (
	"errors"
	"math"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"signalbox"
	"signalbox/store"
)

// A disk that is nearly full takes nothing more in, and goes on with what is stored: reads, settles and slices (reliability R4).
func TestSpace_ReserveIsKeptForWhatIsStored(t *testing.T) {
	t.Parallel()
	var free atomic.Uint64
	free.Store(math.MaxInt64)
	db, err := store.Open(t.Context(), store.Config{
		Path:      filepath.Join(t.TempDir(), "signalbox.db"),
		DiskUsage: func(string) (uint64, uint64, error) { return free.Load(), 1 << 40, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now().UTC()
	lease, err := db.JoinNode(t.Context(), "node", now)
	if err != nil {
		t.Fatal(err)
	}
	ws := signalbox.Workspace{ID: 1, Name: "Acme", Timezone: "UTC", CreatedAt: now, UpdatedAt: now}
	if err := db.CreateWorkspace(t.Context(), ws); err != nil {
		t.Fatal(err)
	}

	free.Store(64<<20 - 1)
	soon(t, func() bool { return db.Healthy(t.Context()) != nil })
	var e *signalbox.Error
	err = db.Decide(t.Context(), func() signalbox.Need { return signalbox.Need{} }, func(*signalbox.Situation) (*signalbox.Decision, error) {
		t.Error("a turn was decided on a disk that is nearly full")
		return nil, nil
	})
	if !errors.As(err, &e) || e.Code != signalbox.Unavailable || e.RetryAfter <= 0 {
		t.Errorf("a turn got %v, want unavailable with a time to come again", err)
	}
	if _, err := db.Workspace(t.Context(), 1); err != nil {
		t.Errorf("reading got %v", err)
	}
	if beat, err := db.Heartbeat(t.Context(), signalbox.Heartbeat{Lease: lease, Now: now}); err != nil || !beat.Holds {
		t.Errorf("the heartbeat got %+v, %v: leases must hold while stored deliveries are sent", beat, err)
	}
	if _, err := db.Settle(t.Context(), nil); err != nil {
		t.Errorf("settling got %v", err)
	}

	free.Store(math.MaxInt64)
	soon(t, func() bool { return db.Healthy(t.Context()) == nil })
	ws.ID = 2
	if err := db.CreateWorkspace(t.Context(), ws); err != nil {
		t.Errorf("with room again a change got %v", err)
	}
}

// soon waits for a condition that a cached look at the disk delays.
func soon(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatal("a condition did not come true within 10 s")
		}
		<-time.After(time.Millisecond)
	}
}
