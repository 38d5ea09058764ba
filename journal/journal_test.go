package journal_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"signalbox"
	"signalbox/journal"
	"signalbox/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf keeps what is stored, or refuses it.
type shelf struct {
	mu     sync.Mutex
	rows   []signalbox.LogRow
	chunks []int
	fails  error
	gate   chan struct{} // not nil: nothing is stored until it is closed
}

func (s *shelf) InsertLogs(ctx context.Context, rows []signalbox.LogRow) error {
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	s.rows = append(s.rows, rows...)
	s.chunks = append(s.chunks, len(rows))
	return nil
}

// counted is how many rows there are, and how many requests they stand for.
func (s *shelf) counted() (rows, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		requests += r.Count
	}
	return len(s.rows), requests
}

// start runs a journal in a synctest bubble; the answer stops it.
func start(t *testing.T, s *shelf) (*journal.Journal, func()) {
	t.Helper()
	j := journal.New(journal.Config{Store: s, IDs: signalbox.NewIDs(0), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- j.Run(ctx) }()
	return j, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func refusal(ws signalbox.WorkspaceID, code string) signalbox.LogRow {
	return signalbox.LogRow{
		Workspace: ws, At: time.Now(), Outcome: signalbox.LogRefused, Operation: "createSignal", Status: 400, Code: code, Message: "no", Email: "jane@acme.com",
	}
}

func TestNote_IsStoredAMomentLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		j, stop := start(t, s)
		defer stop()
		for range 3 {
			j.Note(refusal(1, "a"))
		}
		time.Sleep(journal.StoreEvery)
		if rows, requests := s.counted(); rows != 3 || requests != 3 || s.rows[0].ID == 0 || s.rows[0].ID >= s.rows[1].ID {
			t.Errorf("%d rows of %d requests: %+v", rows, requests, s.rows)
		}
	})
}

// A flood adds what a workspace may add and a few rows that stand for the rest, and every request of it is counted.
func TestNote_AFloodIsFoldedAndCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		j, stop := start(t, s)
		const minutes, perSecond = 5, 300
		for range minutes * 60 {
			for n := range perSecond {
				j.Note(refusal(1, fmt.Sprint("code", n%3)))
			}
			time.Sleep(time.Second)
		}
		stop()
		rows, requests := s.counted()
		most := journal.Burst + minutes*journal.PerMinute + 3*(minutes*6+1)
		if requests != minutes*60*perSecond || rows > most {
			t.Errorf("%d rows, at most %d, of %d requests, want %d", rows, most, requests, minutes*60*perSecond)
		}
		for _, r := range s.rows {
			if r.Count > 1 && r.Email != "" {
				t.Fatalf("a row that stands for many names somebody: %+v", r)
			}
		}
		for _, n := range s.chunks {
			if n > journal.Chunk {
				t.Errorf("%d rows at once", n)
			}
		}
	})
}

func TestNote_OneWorkspacesFloodFoldsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		j, stop := start(t, s)
		for range 2 * journal.Burst {
			j.Note(refusal(1, "flood"))
		}
		j.Note(refusal(2, "quiet"))
		stop()
		for _, r := range s.rows {
			if r.Workspace == 2 && (r.Count != 1 || r.Email == "") {
				t.Errorf("row %+v", r)
			}
		}
		if _, requests := s.counted(); requests != 2*journal.Burst+1 {
			t.Errorf("%d requests", requests)
		}
	})
}

func TestNote_ManyKindsOfRefusalsFoldIntoFewRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		j, stop := start(t, s)
		for n := range 10_000 {
			j.Note(refusal(1, fmt.Sprint("code", n)))
		}
		stop()
		if rows, requests := s.counted(); requests != 10_000 || rows > journal.Burst+65 {
			t.Errorf("%d rows of %d requests", rows, requests)
		}
	})
}

// A database that hangs holds up nobody who notes, and memory does not grow with what comes meanwhile.
func TestNote_NeverWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{gate: make(chan struct{})}
		j, stop := start(t, s)
		begin := time.Now()
		for ws := range 100 {
			for range 100 {
				j.Note(refusal(signalbox.WorkspaceID(ws+1), "a"))
			}
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("noting waited for %v", took)
		}
		if n := j.Waiting(); n > 4096 {
			t.Errorf("%d rows wait", n)
		}
		close(s.gate)
		stop()
		if _, requests := s.counted(); requests != 10_000 {
			t.Errorf("%d requests, want 10,000", requests)
		}
	})
}

func TestRun_WhatTheDatabaseCannotTakeNowIsStoredLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{fails: signalbox.Errorf(signalbox.Unavailable, "full")}
		j, stop := start(t, s)
		defer stop()
		j.Note(refusal(1, "a"))
		time.Sleep(time.Minute)
		if rows, _ := s.counted(); rows != 0 || j.Waiting() != 1 {
			t.Fatalf("%d rows, %d wait", rows, j.Waiting())
		}
		s.mu.Lock()
		s.fails = nil
		s.mu.Unlock()
		time.Sleep(2 * time.Second)
		if rows, _ := s.counted(); rows != 1 || j.Waiting() != 0 {
			t.Errorf("%d rows, %d wait", rows, j.Waiting())
		}
	})
}

func TestRun_WhatTheDatabaseWillNeverTakeIsLetGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{fails: errors.New("no such column")}
		j, stop := start(t, s)
		defer stop()
		j.Note(refusal(1, "a"))
		time.Sleep(time.Second)
		if j.Waiting() != 0 {
			t.Error("it is tried for ever")
		}
	})
}

func TestRun_StopsWithEverythingStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		j, stop := start(t, s)
		synctest.Wait()
		for range 2 * journal.Burst {
			j.Note(refusal(1, "a"))
		}
		stop()
		if _, requests := s.counted(); requests != 2*journal.Burst {
			t.Errorf("%d requests stored, want %d", requests, 2*journal.Burst)
		}
	})
}

// BenchmarkNote is what a refused request pays.
func BenchmarkNote(b *testing.B) {
	db, err := store.Open(b.Context(), store.Config{Path: filepath.Join(b.TempDir(), "box.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	j := journal.New(journal.Config{Store: db, IDs: signalbox.NewIDs(0), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- j.Run(ctx) }()
	row := refusal(1, "a")
	row.Message = strings.Repeat("x", 100)
	for b.Loop() {
		row.At = time.Now()
		j.Note(row)
	}
	cancel()
	<-done
}
