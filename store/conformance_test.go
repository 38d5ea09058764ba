package store_test

import (
	"path/filepath"
	"testing"

	"signalbox/internal/boxtest/storesuite"
	"signalbox/store"
)

// TestConformance_SQLite holds the embedded database to the suite.
func TestConformance_SQLite(t *testing.T) {
	t.Parallel()
	storesuite.Run(t, func(t *testing.T) *store.DB {
		t.Helper()
		db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "box.db"), Readers: 2})
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
