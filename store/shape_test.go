package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"signalbox/store"
)

// olderThan gives migrations with one step more than this program has: a backup of this program's schema is an older one to it.
func olderThan(t *testing.T, pg bool) store.Config {
	t.Helper()
	engine := "sqlite"
	cfg := store.Config{Path: filepath.Join(t.TempDir(), "box.db"), Readers: 1}
	if pg {
		engine, cfg.DatabaseURL = "postgres", postgres(t).Schema(t)
	}
	files, err := filepath.Glob(filepath.Join("migrations", engine, "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, f := range files {
		fsys[filepath.Base(f)] = &fstest.MapFile{Data: []byte(read(t, f))}
	}
	fsys[fmt.Sprintf("%04d_next.sql", len(files)+1)] = &fstest.MapFile{Data: []byte("ALTER TABLE accounts ADD COLUMN tier TEXT NOT NULL DEFAULT 'none';")}
	cfg.Migrations = fsys
	return cfg
}

// parsed are this program's tables as a backup tells of them.
func parsed(t *testing.T) (list []store.Table) {
	t.Helper()
	for _, table := range store.Tables() {
		p, err := store.ParseTable(table.Name, table.Key, table.Words())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func TestShape_AnOlderSchemaIsLoadedAndThenMigrated(t *testing.T) {
	t.Parallel()
	for name, pg := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := dump(t, filled(t, pg).DB, 1000)
			cfg := olderThan(t, pg)
			shape, err := store.NewShape(cfg, len(cfg.Migrations.(fstest.MapFS))-1, parsed(t))
			if err != nil {
				t.Fatal(err)
			}
			older := cfg
			older.Shape = shape
			db, err := store.Open(t.Context(), older)
			if err != nil {
				t.Fatal(err)
			}
			for _, table := range store.Tables() {
				if err := db.LoadRows(t.Context(), table.Name, rows[table.Name]); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if db, err = store.Open(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			tiers, err := store.Texts(t.Context(), db, "SELECT tier FROM accounts")
			if err != nil || len(tiers) != len(rows["accounts"]) || tiers[0] != "none" {
				t.Errorf("after the migration: %v, %v; want %d rows", tiers, err, len(rows["accounts"]))
			}
		})
	}
}

func TestNewShape_RefusesWhatThisProgramCannotHold(t *testing.T) {
	t.Parallel()
	tables := parsed(t)
	if _, err := store.NewShape(store.Config{}, 1_000, tables); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("a newer schema: %v", err)
	}
	if _, err := store.NewShape(store.Config{}, 0, tables); err == nil {
		t.Error("version 0 was taken")
	}
	latest := len(schemaFiles(t))
	if _, err := store.NewShape(store.Config{}, latest, tables); err != nil {
		t.Error(err)
	}
	if _, err := store.NewShape(store.Config{}, latest, tables[1:]); err == nil {
		t.Error("a table less was taken")
	}
	for name, words := range map[string][]string{
		"a statement": {"id", "x); DROP TABLE accounts; --"}, "upper case": {"Id"}, "no columns": nil, "twice": {"id", "id"}, "unknown kind": {"id", "x float"}, "empty": {""},
	} {
		if _, err := store.ParseTable("t", 1, words); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	for name, tab := range map[string]struct {
		table string
		key   int
	}{"a statement": {"t; DROP TABLE x", 1}, "no key": {"t", 0}, "a longer key": {"t", 2}, "lacks its order": {"due", 1}} {
		if _, err := store.ParseTable(tab.table, tab.key, []string{"id"}); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func schemaFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("migrations/sqlite/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
