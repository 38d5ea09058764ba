package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"signalbox/internal/boxtest/pgserver"
	"signalbox/internal/boxtest/storesuite"
	"signalbox/store"
)

// server starts the PostgreSQL server that the tests of this package share, when the first of them needs it.
var server = sync.OnceValues(func() (*pgserver.Server, error) {
	serverUsed = true
	return pgserver.Start()
})

// serverUsed is read after all tests have ended.
var serverUsed bool

func TestMain(m *testing.M) {
	code := m.Run()
	if serverUsed {
		if s, err := server(); err == nil {
			if err := s.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// postgres is the shared server; without one the test fails.
func postgres(t testing.TB) *pgserver.Server {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatal("a PostgreSQL server is needed: ", err)
	}
	return s
}

// TestConformance_SQLite holds the embedded database to the suite.
func TestConformance_SQLite(t *testing.T) {
	t.Parallel()
	conform(t, func(t *testing.T) store.Config { return store.Config{Path: filepath.Join(t.TempDir(), "box.db")} })
}

// TestConformance_PostgreSQL holds PostgreSQL to it.
func TestConformance_PostgreSQL(t *testing.T) {
	t.Parallel()
	postgres(t)
	var ran statementLog
	t.Cleanup(func() { ran.stayOnTheirShard(t) }) // when every group has ended
	conform(t, func(t *testing.T) store.Config {
		return store.Config{DatabaseURL: postgres(t).Schema(t), Statements: ran.add}
	})
}

func conform(t *testing.T, config func(t *testing.T) store.Config) {
	storesuite.Run(t, func(t *testing.T) *store.DB {
		t.Helper()
		cfg := config(t)
		cfg.Readers, cfg.Scorer = 2, storesuite.Scorer
		db, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	})
}
