package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"signalbox"
	"signalbox/store"
)

// hold keeps the writer busy until the returned func is called, which waits for it.
func hold(t *testing.T, db *store.DB) (release func()) {
	t.Helper()
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- store.Manage(context.Background(), db, func() error {
			close(held)
			<-free
			return nil
		})
	}()
	<-held
	return func() {
		t.Helper()
		close(free)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// await waits until n operations wait for the writer.
func await(t *testing.T, db *store.DB, n int) {
	t.Helper()
	for store.Waiting(db) < n {
		if t.Context().Err() != nil {
			t.Fatal("the operations never queued up")
		}
		runtime.Gosched()
	}
}

func TestWrite_AFailedOperationCostsItselfOnly(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	release := hold(t, s.DB)
	outcomes := map[string]func() error{
		"good":  func() error { return nil },
		"bad":   func() error { return errTest },
		"panic": func() error { panic("boom") },
	}
	got := map[string]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for name, end := range outcomes {
		wg.Go(func() {
			err := s.Decide(context.Background(), func() signalbox.Need { return signalbox.Need{} },
				func(*signalbox.Situation) (*signalbox.Decision, error) {
					return s.keyed(name), end()
				})
			mu.Lock()
			defer mu.Unlock()
			got[name] = err
		})
	}
	// A failure that comes late has written already: its savepoint takes it back.
	wg.Go(func() {
		d := s.keyed("late")
		d.Keys = append(d.Keys, d.Keys[0])
		err := s.decide(d)
		mu.Lock()
		defer mu.Unlock()
		got["late"] = err
	})
	await(t, s.DB, 4)
	release()
	wg.Wait()
	if got["good"] != nil || !errors.Is(got["bad"], errTest) || got["late"] == nil {
		t.Fatalf("outcomes %v", got)
	}
	wantCode(t, got["panic"], signalbox.Internal)
	for name := range got {
		_, found, err := s.FindRecord(t.Context(), s.keyed(name).Keys[0].RecordKey)
		if err != nil || found != (name == "good") {
			t.Errorf("%s: saved %t, %v", name, found, err)
		}
	}
}

// keyed is a decision that saves one key.
func (s *small) keyed(name string) *signalbox.Decision {
	return &signalbox.Decision{Keys: []signalbox.NewKey{newKey(s.ws, signalbox.KeyDomain, name, 1)}}
}

func TestWrite_CancelledBeforeItBeginsIsNotRun(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	release := hold(t, s.DB)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- store.Manage(ctx, s.DB, func() error {
			t.Error("it ran")
			return nil
		})
	}()
	await(t, s.DB, 1)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) { // answered while the writer is still busy
		t.Fatalf("error %v, want the context's", err)
	}
	release()
	if err := store.Manage(t.Context(), s.DB, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestWrite_NoClassWaitsForAnothersBacklog(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	release := hold(t, s.DB)
	var mu sync.Mutex
	var order []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	const backlog = 200
	var wg sync.WaitGroup
	for range backlog {
		wg.Go(func() {
			_ = store.Manage(context.Background(), s.DB, func() error { note("manage"); return nil })
		})
	}
	await(t, s.DB, backlog)
	wg.Go(func() {
		_ = s.Decide(context.Background(), func() signalbox.Need { note("turn"); return signalbox.Need{} },
			func(*signalbox.Situation) (*signalbox.Decision, error) { return nil, nil })
	})
	await(t, s.DB, backlog+1)
	release()
	wg.Wait()
	if len(order) != backlog+1 || order[0] != "turn" {
		t.Fatalf("%d ran, first %q: the turn waited for %d others", len(order), order[0], backlog)
	}
}

func TestClose_WritesWhatWasAccepted(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	release := hold(t, s.DB)
	const n = 40
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- s.decide(s.keyed(fmt.Sprint("key", i))) }()
	}
	await(t, s.DB, n)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	release()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := <-errs; err != nil {
			t.Fatalf("accepted before Close, refused after: %v", err)
		}
	}
	wantCode(t, s.decide(s.keyed("late")), signalbox.Unavailable)
	_, err := s.Definitions(t.Context(), s.ws)
	wantCode(t, err, signalbox.Unavailable)
	s.open(t, store.Config{})
	for i := range n {
		if _, found, err := s.FindRecord(t.Context(), s.keyed(fmt.Sprint("key", i)).Keys[0].RecordKey); !found {
			t.Fatalf("key %d is gone: %v", i, err)
		}
	}
}

func TestOpen_ASecondServerIsRefused(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	_, err := store.Open(t.Context(), store.Config{Path: s.path})
	if err == nil {
		t.Fatal("two servers have the same database open")
	}
	for _, want := range []string{s.path + ".lock", fmt.Sprint(os.Getpid())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not name %q", err, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.open(t, store.Config{})
}

func TestRead_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Definitions(ctx, s.ws); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want the context's", err)
	}
	if _, err := s.Definitions(t.Context(), s.ws); err != nil { // the connection is whole again
		t.Fatal(err)
	}
}

func TestCodecKey_IsMadeOnce(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	first, err := s.CodecKey(t.Context())
	if err != nil || first == [16]byte{} {
		t.Fatalf("key %x, %v", first, err)
	}
	if err := s.PutSetting(t.Context(), "probe", []byte("sealed")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.open(t, store.Config{})
	again, err := s.CodecKey(t.Context())
	if err != nil || again != first {
		t.Fatalf("key %x then %x, %v", first, again, err)
	}
	if got, err := s.Setting(t.Context(), "probe"); err != nil || string(got) != "sealed" {
		t.Fatalf("setting %q, %v", got, err)
	}
	if got, err := s.Setting(t.Context(), "none"); err != nil || got != nil {
		t.Fatalf("setting %q, %v", got, err)
	}
}

// TestCheckpoint_TheLogStaysBounded writes far more than the log may hold.
func TestCheckpoint_TheLogStaysBounded(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	body := []byte(`{"text":"` + strings.Repeat("x", 256<<10) + `"}`)
	signals := 260 // 2 × 256 KiB each: 130 MiB
	if stride > 1 {
		signals = 80 // enough for the background copy to run beside the writer
	}
	for range signals {
		if _, _, err := s.signal(body); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Stat(s.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if most := int64(64 << 20); log.Size() > most {
		t.Errorf("the log has %d bytes, at most %d", log.Size(), most)
	}
	file, err := os.Stat(s.path)
	if err != nil || file.Size() < 16<<20 {
		t.Errorf("the database file has %d bytes: the log was not copied (%v)", file.Size(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if log, err := os.Stat(s.path + "-wal"); err == nil && log.Size() != 0 {
		t.Errorf("after closing the log has %d bytes", log.Size())
	}
}

// TestStatements_HotOnesNeverScan: what runs for every signal or lane finds its rows by key, however many there are.
func TestStatements_HotOnesNeverScan(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	for _, sql := range append(store.HotStatements(), store.ListStatements()...) {
		steps, err := store.Plan(t.Context(), s.DB, sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		for _, step := range steps {
			if strings.HasPrefix(step, "SCAN") && step != "SCAN due USING COVERING INDEX due_at" || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\n%s", sql, step)
			}
		}
	}
}
