package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ncruces/go-sqlite3"

	"signalbox/store"
)

// steps are a program's migrations: this program's own, and those of later versions.
func steps(t *testing.T, later ...string) fstest.MapFS {
	t.Helper()
	return stepsIn(t, "migrations/sqlite", later...)
}

func stepsIn(t *testing.T, dir string, later ...string) fstest.MapFS {
	t.Helper()
	own, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, f := range own {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fsys[f.Name()] = &fstest.MapFile{Data: text}
	}
	for i, sql := range later {
		fsys[fmt.Sprintf("%04d_later.sql", len(own)+1+i)] = &fstest.MapFile{Data: []byte(sql)}
	}
	return fsys
}

func TestMigrate_CopiesTheDatabaseAndKeepsWhatItHolds(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	sig, _, err := s.signal([]byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.path + ".before-0001"); err == nil {
		t.Fatal("an empty database was copied")
	}
	s.open(t, store.Config{Migrations: steps(t, "CREATE TABLE later (id INTEGER PRIMARY KEY); INSERT INTO later VALUES (1)", "ALTER TABLE later ADD COLUMN name TEXT")})
	if !s.has(t, sig) {
		t.Fatal("the signal is gone")
	}
	if err := store.Exec(t.Context(), s.DB, "INSERT INTO later (id, name) VALUES (2, 'x')"); err != nil {
		t.Fatal(err)
	}
	n := own(t)
	before := fmt.Sprintf("%s.before-%04d", s.path, n+1)
	checkFile(t, before)
	if _, err := os.Stat(fmt.Sprintf("%s.before-%04d", s.path, n+2)); err == nil {
		t.Error("the second step of one start copied again")
	}
	copied := &small{path: before, ws: s.ws}
	copied.open(t, store.Config{}) // this version opens the copy: it is from before
	if !copied.has(t, sig) {
		t.Fatal("the copy lacks the signal")
	}
}

func TestMigrate_AnOlderProgramRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.open(t, store.Config{Migrations: steps(t, "CREATE TABLE later (id INTEGER PRIMARY KEY)")})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), store.Config{Path: s.path})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint("version ", own(t)+1)) || !strings.Contains(err.Error(), fmt.Sprint("up to ", own(t))) {
		t.Fatalf("error %v does not name both versions", err)
	}
}

func TestMigrate_AChangedStepIsRefused(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	changed := steps(t)
	changed["0001_spine.sql"].Data = append(changed["0001_spine.sql"].Data, "-- later thought\n"...)
	_, err := store.Open(t.Context(), store.Config{Path: s.path, Migrations: changed})
	if err == nil || !strings.Contains(err.Error(), "other content") {
		t.Fatalf("error %v", err)
	}
}

func TestMigrate_AStepIsAllOrNothing(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	broken := steps(t, "CREATE TABLE later (id INTEGER PRIMARY KEY); INSERT INTO nowhere VALUES (1)")
	if _, err := store.Open(t.Context(), store.Config{Path: s.path, Migrations: broken}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("migration %d (later)", own(t)+1)) {
		t.Fatalf("error %v", err)
	}
	s.open(t, store.Config{Migrations: steps(t, "CREATE TABLE later (id INTEGER PRIMARY KEY)")}) // no trace of the first try
}

func TestMigrate_NumbersHaveNoGap(t *testing.T) {
	t.Parallel()
	gap := steps(t)
	gap[fmt.Sprintf("%04d_gap.sql", own(t)+2)] = &fstest.MapFile{Data: []byte("SELECT 1")}
	_, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "box.db"), Migrations: gap})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("want number %04d", own(t)+1)) {
		t.Fatalf("error %v", err)
	}
}

func TestOpen_RefusesWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "box.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Config{Path: path}); err == nil {
		t.Fatal("opened")
	}
	if got, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(got), "no database\n") {
		t.Fatalf("the file was changed: %v", err)
	}
}

// TestSchema_ChecksHoldInvariants: what the code must never write, the database does not take.
func TestSchema_ChecksHoldInvariants(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	delivery := "INSERT INTO deliveries (id, workspace_id, webhook_id, event_id, event_name, state, reason, attempts, test, created_at, done_at, due_at, lease_node, lease_generation) VALUES "
	cases := map[string]string{
		"open_and_done":         delivery + "(1, 1, 1, 1, '', 1, '', 0, 0, 1, 5, NULL, NULL, NULL)",
		"final_and_not_done":    delivery + "(1, 1, 1, 1, '', 3, '', 0, 0, 1, NULL, NULL, NULL, NULL)",
		"final_and_due":         delivery + "(1, 1, 1, 1, '', 3, '', 0, 0, 1, 5, 5, NULL, NULL)",
		"leased_without_time":   delivery + "(1, 1, 1, 1, '', 1, '', 0, 0, 1, NULL, NULL, 0, 1)",
		"half_a_lease":          delivery + "(1, 1, 1, 1, '', 1, '', 0, 0, 1, NULL, 5, 0, NULL)",
		"unknown_state":         delivery + "(1, 1, 1, 1, '', 6, '', 0, 0, 1, 5, NULL, NULL, NULL)",
		"chain_forwards":        "INSERT INTO signals (id, workspace_id, type_id, source, occurred_at, created_at, backfill, caused_to, prev_account_signal_id) VALUES (1, 1, 1, '', 1, 1, 0, 1, 2)",
		"caused_before":         "INSERT INTO signals (id, workspace_id, type_id, source, occurred_at, created_at, backfill, caused_to) VALUES (2, 1, 1, '', 1, 1, 0, 1)",
		"short_key_hash":        "INSERT INTO api_keys (id, workspace_id, name, scope, hint, hash, created_at) VALUES (1, 1, '', '', '', x'00', 1)",
		"job_ended_and_running": "INSERT INTO jobs (id, workspace_id, kind, status, cursor, matching, done, error, created_at, updated_at, ended_at) VALUES (1, 1, '', 'running', 0, 0, 0, '', 1, 1, 1)",
	}
	for name, sql := range cases {
		err := store.Exec(t.Context(), s.DB, sql)
		if err == nil || !strings.Contains(err.Error(), sqlite3.CONSTRAINT_CHECK.Error()) && !strings.Contains(err.Error(), "CHECK") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
