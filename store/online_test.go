package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"signalbox"
	"signalbox/internal/boxtest/faultvfs"
	"signalbox/store"
)

// traffic writes to a database until it is stopped: signals, and operations that fail after they have written.
type traffic struct {
	mu    sync.Mutex
	acked []signalbox.SignalID
	took  []time.Duration
	wg    sync.WaitGroup
	end   atomic.Bool
}

// begin starts as many writers; of every four operations of a writer one is refused.
func (f *traffic) begin(t *testing.T, s *small, writers int, body []byte) {
	t.Helper()
	for range writers {
		f.wg.Add(1)
		go func() {
			defer f.wg.Done()
			for n := 0; !f.end.Load(); n++ {
				if n%4 == 3 {
					if err := store.FailAfterWriting(context.Background(), s.DB, errTest); !errors.Is(err, errTest) {
						t.Errorf("the refused write: %v", err)
						return
					}
				}
				begin := time.Now()
				sig, _, err := s.signal(body)
				if err != nil {
					t.Errorf("write: %v", err)
					return
				}
				f.mu.Lock()
				f.acked = append(f.acked, sig)
				f.took = append(f.took, time.Since(begin))
				f.mu.Unlock()
			}
		}()
	}
}

// now is what was acknowledged until now.
func (f *traffic) now() []signalbox.SignalID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.acked)
}

func (f *traffic) stop() {
	f.end.Store(true)
	f.wg.Wait()
}

// signalsIn are the ids of the signals that a snapshot has.
func signalsIn(s *store.Snapshot) (map[signalbox.SignalID]bool, error) {
	has := map[signalbox.SignalID]bool{}
	err := store.EachID(s, "signals", func(id int64) { has[signalbox.SignalID(id)] = true })
	return has, err
}

// TestSnapshotOnline_HoldsWhatWasAcknowledgedBefore copies a database again and again while it is written to and its log is copied and cut, and while
// transactions are rolled back: each copy is whole, has every signal that was acknowledged before it began, and never began anew.
func TestSnapshotOnline_HoldsWhatWasAcknowledgedBefore(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	var f traffic
	f.begin(t, s, 8, bytes.Repeat([]byte("x"), 16<<10))
	for n, alone := 0, 0; alone < 5 && !t.Failed(); n++ {
		info, err := os.Stat(s.path)
		if err != nil {
			t.Fatal(err)
		}
		if alone > 0 || info.Size() > 64<<20 { // the log was full and was cut; from here on most transactions are of one operation
			if alone++; alone == 1 {
				f.stop()
				f.end.Store(false)
				f.begin(t, s, 1, []byte("{}"))
			}
		}
		before := f.now()
		steps, restarts := 0, 0
		err = s.SnapshotOnline(t.Context(), func(p store.CopyProgress) { steps, restarts = steps+1, p.Restarts }, func(shot *store.Snapshot) error {
			has, err := signalsIn(shot)
			for _, sig := range before {
				if !has[sig] {
					t.Fatalf("copy %d lacks signal %d of %d", n, sig, len(before))
				}
			}
			return errors.Join(err, store.CheckSnapshot(shot))
		})
		if err != nil {
			t.Fatal(err)
		}
		if restarts > 0 {
			t.Errorf("copy %d began anew %d times", n, restarts)
		}
		t.Logf("copy %d: %d signals before, %d after, %d steps", n, len(before), len(f.now()), steps)
	}
	f.stop()
	slices.Sort(f.took)
	t.Logf("%d writes: half in %v, p99 %v, longest %v", len(f.took), f.took[len(f.took)/2], f.took[len(f.took)*99/100], f.took[len(f.took)-1])
	noCopy(t, s)
}

// noCopy checks that nothing is left of a copy.
func noCopy(t *testing.T, s *small) {
	t.Helper()
	left, err := filepath.Glob(s.path + ".copy*")
	if err != nil || len(left) > 0 {
		t.Errorf("left of the copy: %v, %v", left, err)
	}
}

// large adds signals until a copy takes many steps.
func large(t *testing.T, s *small) {
	t.Helper()
	for range 12 {
		if _, _, err := s.signal(bytes.Repeat([]byte("x"), 128<<10)); err != nil {
			t.Fatal(err)
		}
	}
}

// A copy that is given up leaves nothing, neither on the disk nor in the writer's way, and another one can be made.
func TestSnapshotOnline_ALeftCopyLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	large(t, s)
	never := func(*store.Snapshot) error {
		t.Error("a copy that is not complete was given")
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := s.SnapshotOnline(ctx, func(p store.CopyProgress) {
		if p.Done > 1<<20 {
			cancel()
		}
		err := s.SnapshotOnline(t.Context(), nil, never)
		wantCode(t, err, signalbox.Conflict)
	}, never)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	noCopy(t, s)
	if err := s.SnapshotOnline(t.Context(), nil, func(*store.Snapshot) error { return errTest }); !errors.Is(err, errTest) {
		t.Errorf("refused by its reader: %v", err)
	}
	noCopy(t, s)
	sig, _, err := s.signal([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	err = s.SnapshotOnline(t.Context(), nil, func(shot *store.Snapshot) error {
		has, err := signalsIn(shot)
		if !has[sig] {
			t.Error("a copy after the others lacks a signal")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Closing the database ends a copy that is being made.
func TestSnapshotOnline_EndsWithTheDatabase(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	large(t, s)
	closed := make(chan error, 1)
	once := sync.OnceFunc(func() { go func() { closed <- s.Close() }() })
	err := s.SnapshotOnline(t.Context(), func(store.CopyProgress) { once() }, func(*store.Snapshot) error { return errTest })
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
	if !errors.Is(err, errTest) { // the copy was complete before the end
		wantCode(t, err, signalbox.Unavailable)
	}
	noCopy(t, s)
	s.open(t, store.Config{})
	if err := store.Check(t.Context(), s.DB); err != nil {
		t.Error(err)
	}
}

// What a crash left of a copy goes at the next start.
func TestOpen_RemovesWhatIsLeftOfACopy(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path+".copy", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.open(t, store.Config{})
	noCopy(t, s)
}

// A copy that finds no room is refused before it takes any.
func TestSnapshotOnline_NeedsRoom(t *testing.T) {
	t.Parallel()
	var free atomic.Uint64
	free.Store(1 << 40)
	s := &small{path: filepath.Join(t.TempDir(), "box.db"), ids: signalbox.NewIDs(0), now: benchTime}
	s.open(t, store.Config{DiskUsage: func(string) (uint64, uint64, error) { return free.Load(), 1 << 40, nil }})
	s.fill(t)
	free.Store(64<<20 + 1000) // more than is kept, less than the copy needs besides
	err := s.SnapshotOnline(t.Context(), nil, func(*store.Snapshot) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "too little room for a copy") {
		t.Error(err)
	}
	noCopy(t, s)
	free.Store(1 << 40)
	if _, _, err := s.signal(nil); err != nil {
		t.Error(err)
	}
}

// A disk that fails under the copy fails the copy alone: the database stays trusted and goes on.
func TestSnapshotOnline_FailsAlone(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]faultvfs.Plan{
		"write": {Op: faultvfs.Write, Err: syscall.ENOSPC}, "write for good": {Op: faultvfs.Write, Err: syscall.EIO, Sticky: true},
		"truncate": {Op: faultvfs.Truncate, Err: syscall.EIO}, "open": {Op: faultvfs.Open, Err: syscall.EMFILE, Sticky: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := 0
			for n := 1; n < 4000; n += max(n, 1) {
				s := newSmall(t)
				large(t, s)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				plan.N, plan.Only = n, ".copy"
				fs := strings.ReplaceAll(fmt.Sprintf("%s-%d", t.Name(), n), "/", "-")
				v := faultvfs.Register(fs, plan)
				s.open(t, store.Config{VFS: fs})
				var f traffic
				f.begin(t, s, 2, []byte("{}"))
				err := s.SnapshotOnline(t.Context(), nil, func(shot *store.Snapshot) error { return store.CheckSnapshot(shot) })
				f.stop()
				if v.Hit() != (err != nil) {
					t.Errorf("call %d: failed %v, error %v", n, v.Hit(), err)
				}
				if s.Err() != nil || s.Healthy(t.Context()) != nil {
					t.Errorf("call %d: the database says %v, %v", n, s.Err(), s.Healthy(t.Context()))
				}
				noCopy(t, s)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				v.Unregister()
				if !v.Hit() {
					break
				}
				failed++
			}
			if failed == 0 && name != "truncate" {
				t.Error("nothing ever failed")
			}
		})
	}
}
