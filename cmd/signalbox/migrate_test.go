package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMigrate_OfADataDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	got := cli{}.run(t, "migrate", "status", "--data-dir", dir)
	if got.code != exitFailure || !strings.Contains(got.out, "spine") || !strings.Contains(got.out, "pending") || !strings.Contains(got.err, "migrations are pending") {
		t.Errorf("status with nothing there: %+v", got)
	}
	got = cli{}.run(t, "migrate", "up", "--data-dir", dir)
	if got.code != exitFailure || !strings.Contains(got.err, "there is no Signalbox database in "+dir) {
		t.Errorf("up with nothing there: %+v", got)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory was made: %v", err)
	}
	s := startServer(t)
	got = cli{}.run(t, "migrate", "status", "--data-dir", s.dir)
	if got.code != exitOK || got.err != "" || strings.Contains(got.out, "pending") {
		t.Errorf("status beside a server: %+v", got)
	}
	got = cli{}.run(t, "migrate", "up", "--data-dir", s.dir)
	if got.code != exitFailure || !strings.Contains(got.err, "held by process") || strings.Count(got.err, "\n") != 1 {
		t.Errorf("up beside a server: %+v", got)
	}
	s.stop()
	got = cli{}.run(t, "migrate", "up", "--data-dir", s.dir)
	if got.code != exitOK || !strings.Contains(got.out, "Nothing to do: the schema has version") {
		t.Errorf("up: %+v", got)
	}
}

func TestMigrate_OfPostgreSQL(t *testing.T) {
	t.Parallel()
	base := postgres(t).Schema(t)
	c := cli{environ: []string{"SIGNALBOX_DATABASE_URL=" + base}}
	if got := c.run(t, "migrate", "status"); got.code != exitFailure || !strings.Contains(got.out, "pending") {
		t.Errorf("status of an empty database: %+v", got)
	}
	if tables := tablesOf(t, base, schemaOf(base)); tables != "" {
		t.Errorf("status made %s", tables)
	}
	if got := c.run(t, "migrate", "up"); got.code != exitOK || !strings.HasPrefix(got.out, "Applied 1 spine.\n") || got.err != "" {
		t.Errorf("up: %+v", got)
	}
	if got := c.run(t, "migrate", "up"); got.code != exitOK || !strings.HasPrefix(got.out, "Nothing to do") {
		t.Errorf("up again: %+v", got)
	}
	got := c.run(t, "migrate", "status", "--json")
	var shown struct {
		Migrations []shownStep
		Pending    int
		Refused    string
	}
	if err := json.Unmarshal([]byte(got.out), &shown); err != nil || got.code != exitOK || shown.Pending != 0 || shown.Refused != "" ||
		len(shown.Migrations) == 0 || shown.Migrations[0].Name != "spine" || shown.Migrations[0].AppliedAt.IsZero() || !shown.Migrations[0].Known {
		t.Errorf("status in JSON: %+v, %v", got, err)
	}
}

// TestMigrate_KilledInAStepItFinishesTheNextTime, as a process of its own, on both databases.
func TestMigrate_KilledInAStepItFinishesTheNextTime(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"store.before_migration", "store.in_migration", "store.after_migration_step"} {
		for _, pg := range []bool{false, true} {
			t.Run(fmt.Sprint(point, " ", pg), func(t *testing.T) {
				t.Parallel()
				environ := []string{"SIGNALBOX_DATA_DIR=" + t.TempDir()}
				if pg {
					environ = append(environ, "SIGNALBOX_DATABASE_URL="+postgres(t).Schema(t))
				} else if err := os.WriteFile(filepath.Join(environ[0][len("SIGNALBOX_DATA_DIR="):], "signalbox.db"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				got, killed := runProcess(t, append(environ, "SIGNALBOX_FAULTS="+point+"=kill"), "migrate", "up")
				if !killed {
					t.Fatalf("it was to be killed: %+v", got)
				}
				if got := (cli{environ: environ}).run(t, "migrate", "up"); got.code != exitOK {
					t.Errorf("up again: %+v", got)
				}
				if got := (cli{environ: environ}).run(t, "migrate", "status"); got.code != exitOK {
					t.Errorf("status: %+v", got)
				}
			})
		}
	}
}
