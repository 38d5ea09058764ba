package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"signalbox"
	"signalbox/internal/boxtest/faultvfs"
	"signalbox/store"
)

// faultCase is a way in which the file layer fails; the sweep tries it at every call of its kind.
type faultCase struct {
	name string
	plan faultvfs.Plan
	// dies says that the failure must end every acknowledgement; heals, that once it is over writes must work again by themselves.
	dies, heals bool
}

var faultCases = []faultCase{
	{name: "write_eio_once", plan: faultvfs.Plan{Op: faultvfs.Write, Err: syscall.EIO}, heals: true},
	{name: "write_enospc_once", plan: faultvfs.Plan{Op: faultvfs.Write, Err: syscall.ENOSPC}, heals: true},
	{name: "write_short_once", plan: faultvfs.Plan{Op: faultvfs.Write, Err: syscall.ENOSPC, Short: true}, heals: true},
	{name: "write_enospc_for_good", plan: faultvfs.Plan{Op: faultvfs.Write, Err: syscall.ENOSPC, Sticky: true}},
	{name: "write_short_for_good", plan: faultvfs.Plan{Op: faultvfs.Write, Err: syscall.EIO, Short: true, Sticky: true}},
	{name: "sync_once", plan: faultvfs.Plan{Op: faultvfs.Sync, Err: syscall.EIO}, dies: true},
	{name: "sync_once_and_loses", plan: faultvfs.Plan{Op: faultvfs.Sync, Err: syscall.EIO, Lose: true}, dies: true},
	{name: "sync_for_good", plan: faultvfs.Plan{Op: faultvfs.Sync, Err: syscall.EIO, Sticky: true}, dies: true},
	{name: "truncate_once", plan: faultvfs.Plan{Op: faultvfs.Truncate, Err: syscall.EIO}},
	{name: "truncate_for_good", plan: faultvfs.Plan{Op: faultvfs.Truncate, Err: syscall.EIO, Sticky: true}},
	{name: "open_once", plan: faultvfs.Plan{Op: faultvfs.Open, Err: syscall.EIO}},
	{name: "open_for_good", plan: faultvfs.Plan{Op: faultvfs.Open, Err: syscall.EMFILE, Sticky: true}},
	{name: "power_cut_at_write", plan: faultvfs.Plan{Op: faultvfs.Write, Cut: true}},
	{name: "power_cut_at_sync", plan: faultvfs.Plan{Op: faultvfs.Sync, Cut: true}},
}

// TestFaults_AcknowledgedIsNeverLost fails every single call to the file layer in turn, each in its own run of the store, and opens the
// file afterwards without faults: what was acknowledged is there, and the file is whole. After a failed sync nothing is acknowledged.
func TestFaults_AcknowledgedIsNeverLost(t *testing.T) {
	t.Parallel()
	made := newSmall(t)
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(made.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range faultCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := 1
			for ; sweepOnce(t, made, image, c, n); n += stride {
				if n > 2000 {
					t.Fatal("the sweep does not end")
				}
			}
			if n < 3 { // at stride 1 there are dozens of each kind
				t.Fatalf("only %d calls to fail: the sweep misses what it is for", n-1)
			}
		})
	}
}

// sweepOnce runs the store with the n-th call failing and says whether that call was reached.
func sweepOnce(t *testing.T, made *small, image []byte, c faultCase, n int) (reached bool) {
	t.Helper()
	s := *made
	s.path = filepath.Join(t.TempDir(), "box.db")
	if err := os.WriteFile(s.path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	c.plan.N = n
	name := fmt.Sprintf("%s-%d", t.Name(), n)
	v := faultvfs.Register(strings.ReplaceAll(name, "/", "-"), c.plan)
	defer v.Unregister()
	acked := s.underFault(t, c, v, strings.ReplaceAll(name, "/", "-"))
	s.open(t, store.Config{})
	for _, sig := range acked {
		if !s.has(t, sig) {
			t.Fatalf("call %d failed: signal %d was acknowledged and is gone", n, sig)
		}
	}
	if err := store.Check(context.Background(), s.DB); err != nil {
		t.Fatalf("call %d failed: %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return v.Hit()
}

// underFault opens, writes, and closes while something fails, and returns what was acknowledged.
func (s *small) underFault(t *testing.T, c faultCase, v *faultvfs.VFS, name string) (acked []signalbox.SignalID) {
	t.Helper()
	db, err := store.Open(context.Background(), store.Config{Path: s.path, VFS: name, Readers: 1})
	if err != nil {
		return nil
	}
	s.DB = db
	defer func() {
		if c.plan.Cut {
			v.Cut() // also when the planned call never came: what is not synced by now is gone
		}
		_ = db.Close()
	}()
	if s.lease, err = db.JoinNode(context.Background(), "fault", s.now); err != nil && v.Hit() == false {
		t.Fatalf("nothing failed yet, and joining did: %v", err)
	}
	body := []byte(`{"text":"` + strings.Repeat("x", 5000) + `"}`)
	for range 4 {
		before := v.Hit()
		sig, dlv, err := s.signal(body)
		switch {
		case err == nil && before && c.dies:
			t.Fatal("acknowledged after a failed sync")
		case err == nil:
			acked = append(acked, sig)
			_, _ = s.Settle(context.Background(), []signalbox.Settlement{{
				Delivery: dlv, Workspace: s.ws, Webhook: s.wh, Lease: s.lease, State: signalbox.Delivered, Attempts: 1,
			}})
		case !v.Hit():
			t.Fatalf("nothing failed yet, and deciding did: %v", err)
		default:
			wantCode(t, err, signalbox.Unavailable)
		}
	}
	s.afterFault(t, c, v)
	return acked
}

// afterFault checks what the store says of itself once the fault is over.
func (s *small) afterFault(t *testing.T, c faultCase, v *faultvfs.VFS) {
	t.Helper()
	if !v.Hit() {
		if err := s.Err(); err != nil {
			t.Fatalf("nothing failed, and the database did: %v", err)
		}
		return
	}
	select {
	case <-s.Failed():
		if c.heals {
			t.Fatalf("a write that could not be made is no reason to stop: %v", s.Err())
		}
		if s.Err() == nil || signalbox.CodeOf(s.Healthy(context.Background())) != signalbox.Unavailable {
			t.Fatal("failed, and does not say so")
		}
	default:
		if c.dies {
			t.Fatal("a sync failed and the database goes on")
		}
		if c.heals {
			if err := s.Healthy(context.Background()); err != nil {
				t.Fatalf("the fault is over and the database is not healthy: %v", err)
			}
		}
	}
}

// TestDecide_EachCommitIsSynced: an answer means that the disk has it.
func TestDecide_EachCommitIsSynced(t *testing.T) {
	t.Parallel()
	v := faultvfs.Register(t.Name(), faultvfs.Plan{})
	t.Cleanup(v.Unregister) // after the database is closed
	s := &small{path: filepath.Join(t.TempDir(), "box.db"), ids: signalbox.NewIDs(0), now: benchTime}
	s.open(t, store.Config{VFS: t.Name()})
	s.fill(t)
	for range 20 {
		before := v.Calls(faultvfs.Sync)
		if _, _, err := s.signal([]byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		if v.Calls(faultvfs.Sync) == before {
			t.Fatal("acknowledged without a sync")
		}
	}
}

// TestHealthy_ACommitOfNothingShowsNothing: while the disk is full, reading turns do not make the database look well.
func TestHealthy_ACommitOfNothingShowsNothing(t *testing.T) {
	t.Parallel()
	made := newSmall(t)
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	v := faultvfs.Register(t.Name(), faultvfs.Plan{Op: faultvfs.Write, N: 1, Err: syscall.ENOSPC, Sticky: true})
	t.Cleanup(v.Unregister)
	made.open(t, store.Config{VFS: t.Name()})
	_, _, err := made.signal([]byte(`{}`))
	wantCode(t, err, signalbox.Unavailable)
	if err := made.decide(nil); err != nil {
		t.Fatal(err)
	}
	wantCode(t, made.Healthy(t.Context()), signalbox.Unavailable)
	if err := made.Err(); err != nil {
		t.Fatalf("a full disk is no reason to stop: %v", err)
	}
}

// TestOpen_FilesArePrivate: what people sent is for the owner of the files only.
func TestOpen_FilesArePrivate(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	for _, path := range []string{s.path, s.path + "-wal", s.path + ".lock"} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
}

// checkFile opens a database file with nothing between it and SQLite and has it checked whole.
func checkFile(t *testing.T, path string) {
	t.Helper()
	c, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	st, _, err := c.Prepare("PRAGMA integrity_check")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if st.Step(); st.Err() != nil || st.ColumnText(0) != "ok" {
		t.Fatalf("integrity check of %s: %q %v", path, st.ColumnText(0), st.Err())
	}
}
