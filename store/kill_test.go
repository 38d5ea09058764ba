//go:build faults

package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"signalbox/store"
)

// killEnv tells a copy of this binary to open a database and end.
const killEnv = "STORE_OPEN"

// opening is what the copy opens.
type opening struct {
	Path, DatabaseURL string
	Migrations        map[string][]byte
}

func init() {
	text := os.Getenv(killEnv)
	if text == "" {
		return
	}
	if err := openAndEnd(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func openAndEnd(text string) error {
	var o opening
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	fsys := fstest.MapFS{}
	for name, data := range o.Migrations {
		fsys[name] = &fstest.MapFile{Data: data}
	}
	db, err := store.Open(context.Background(), store.Config{Path: o.Path, DatabaseURL: o.DatabaseURL, Migrations: fsys})
	if err != nil {
		return err
	}
	return db.Close()
}

// killedAt opens the database in a process of its own, which is killed at a passage of a fault point.
func killedAt(t *testing.T, cfg store.Config, point string, passage int) {
	t.Helper()
	o := opening{Path: cfg.Path, DatabaseURL: cfg.DatabaseURL, Migrations: map[string][]byte{}}
	for name, f := range cfg.Migrations.(fstest.MapFS) {
		o.Migrations[name] = f.Data
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), killEnv+"="+string(text), fmt.Sprintf("SIGNALBOX_FAULTS=%s=kill@%d", point, passage))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("it was to be killed at %s: %v: %s", point, err, out)
	}
}

// TestMigrate_KilledInAnyStepTheNextStartFinishes kills a program in every step of a migration of several, before, inside and after it: the schema
// then stands between two whole steps, a program of that version works, and the next start finishes.
func TestMigrate_KilledInAnyStepTheNextStartFinishes(t *testing.T) {
	t.Parallel()
	later := []string{
		"CREATE TABLE later (id BIGINT PRIMARY KEY); INSERT INTO later VALUES (1)",
		"ALTER TABLE later ADD COLUMN name TEXT; INSERT INTO later VALUES (2, 'x')",
	}
	all := own(t) + len(later)
	for point, done := range map[string]int{"store.before_migration": -1, "store.in_migration": -1, "store.after_migration_step": 0} {
		for passage := 1; passage <= all; passage++ {
			t.Run(fmt.Sprint(point, " ", passage), func(t *testing.T) {
				t.Parallel()
				onEither(t, func(t *testing.T, e either) {
					next := e.with(t, later...)
					killedAt(t, next, point, passage)
					got := status(t, next)
					if n := strings.Count(got, "applied"); n != passage+done || strings.Contains(got, "refused") {
						t.Fatalf("%s, want %d steps applied", got, passage+done)
					}
					if passage+done >= own(t) {
						if err := opens(t, e.with(t, later[:passage+done-own(t)]...)); err != nil {
							t.Errorf("a program of the version that the schema has: %v", err)
						}
					}
					db, err := store.Open(t.Context(), next)
					if err != nil {
						t.Fatal("the next start: ", err)
					}
					defer db.Close()
					rows, err := store.Texts(t.Context(), db, "SELECT coalesce(name, '-') FROM later ORDER BY id")
					if err != nil || strings.Join(rows, " ") != "- x" {
						t.Errorf("rows %v, %v", rows, err)
					}
				})
			})
		}
	}
}
