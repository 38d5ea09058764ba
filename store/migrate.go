package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"signalbox/internal/fault"
)

//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var embedded embed.FS

// migration is one numbered step of the schema, forward only and never changed once released.
type migration struct {
	number   int
	name     string
	sql      string
	checksum string // SHA-256 of the file, hex
	oldest   int    // programs of this version of the schema and later ones work with what the step makes of it
}

// oldestLine says in a migration's file which programs go on working once it is applied: "-- oldest: 3" lets those work that know the schema up to
// step 3, and they may be running while the step is. A step that does not say lets none work that does not know it.
var oldestLine = regexp.MustCompile(`(?m)^-- oldest: (\d+)$`)

const createMigrationsSQL = `
CREATE TABLE IF NOT EXISTS schema_migrations (
  number     INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  checksum   TEXT NOT NULL,
  applied_at BIGINT NOT NULL,
  oldest     INTEGER NOT NULL CHECK (oldest BETWEEN 1 AND number)
)`

// migrate brings the schema to this program's version, one transaction per step. A schema that a newer program made is refused unless its
// steps say that this program works with it, and so is one whose history differs from this program's. A database that already holds something is
// copied to <path>.before-NNNN first.
func (db *DB) migrate(ctx context.Context, c *conn) error {
	known, err := readMigrations(db.cfg.Migrations, ownSQLite)
	if err != nil {
		return err
	}
	db.version = len(known)
	t := &tx{c: c}
	if _, err := t.exec(createMigrationsSQL); err != nil {
		return err
	}
	applied, err := db.checkHistory(t, known)
	if err != nil {
		return err
	}
	for _, m := range known[applied:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if m.number > 1 && applied == m.number-1 {
			if err := copyBefore(c, fmt.Sprintf("%s.before-%04d", db.cfg.Path, m.number)); err != nil {
				return fmt.Errorf("copy the database before migration %d: %w", m.number, err)
			}
		}
		fault.Point("store.before_migration")
		if err := apply(t, m, time.Now()); err != nil {
			return fmt.Errorf("migration %d (%s): %w", m.number, m.name, err)
		}
		fault.Point("store.after_migration_step")
		db.log.Info("database migrated", "number", m.number, "name", m.name)
	}
	return nil
}

// The folders of this program's own migrations.
const (
	ownSQLite   = "migrations/sqlite"
	ownPostgres = "migrations/postgres"
)

// readMigrations reads NNNN_name.sql files, numbered from 1 without a gap: those of fsys, or this program's own.
func readMigrations(fsys fs.FS, own string) ([]migration, error) {
	if fsys == nil {
		var err error
		if fsys, err = fs.Sub(embedded, own); err != nil {
			return nil, err
		}
	}
	names, err := fs.Glob(fsys, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	known := make([]migration, 0, len(names))
	for i, file := range names {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		number, name, _ := strings.Cut(strings.TrimSuffix(file, ".sql"), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s: want number %04d", file, i+1)
		}
		m := migration{number: i + 1, name: name, sql: string(text), oldest: i + 1}
		if said := oldestLine.FindStringSubmatch(m.sql); said != nil {
			if m.oldest, err = strconv.Atoi(said[1]); err != nil || m.oldest < 1 || m.oldest > m.number {
				return nil, fmt.Errorf("migration %s: oldest must be 1 to %d, and is %s", file, m.number, said[1])
			}
		}
		sum := sha256.Sum256(text)
		m.checksum = hex.EncodeToString(sum[:])
		known = append(known, m)
	}
	return known, nil
}

// step is a migration that was applied, as the database tells.
type step struct {
	number   int
	name     string
	checksum string
	at       time.Time
	oldest   int
}

const appliedMigrationsSQL = `
SELECT number, name, checksum, applied_at, oldest
  FROM schema_migrations
 ORDER BY number`

// history reads which migrations were applied.
func (t *tx) history() (list []step, err error) {
	err = t.query(appliedMigrationsSQL, nil, func(r *row) error {
		list = append(list, step{int(r.int(0)), r.text(1), r.text(2), r.time(3), int(r.int(4))})
		return nil
	})
	return list, err
}

// checkHistory returns how many migrations of this program were applied, and refuses a schema that it cannot work with.
func (db *DB) checkHistory(t *tx, known []migration) (applied int, err error) {
	list, err := t.history()
	if err != nil {
		return 0, err
	}
	if err := judgeHistory(list, known); err != nil {
		return 0, err
	}
	if newer := len(list) - len(known); newer > 0 {
		db.log.Info("the schema is newer than this program, which works with it", "schema", len(list), "program", len(known))
	}
	return min(len(list), len(known)), nil
}

// judgeHistory compares what was applied with what a program knows, and says why it cannot work with it.
func judgeHistory(list []step, known []migration) error {
	for i, s := range list {
		if s.number != i+1 {
			return fmt.Errorf("migration %d was never applied, yet %d was", i+1, s.number)
		}
		if i < len(known) && known[i].checksum != s.checksum {
			return fmt.Errorf("migration %d (%s) was applied with other content (%s) than this program has (%s)", s.number, s.name, s.checksum, known[i].checksum)
		}
		if i >= len(known) && s.oldest > len(known) {
			return fmt.Errorf("the schema has version %d and this program knows up to %d: run the newer program", len(list), len(known))
		}
	}
	return nil
}

const insertMigrationSQL = `
INSERT INTO schema_migrations (number, name, checksum, applied_at, oldest)
VALUES ($1, $2, $3, $4, $5)`

// apply runs one step and records it, together or not at all.
func apply(t *tx, m migration, now time.Time) error {
	if _, err := t.exec("BEGIN EXCLUSIVE"); err != nil {
		return err
	}
	err := t.c.Exec(m.sql)
	if err == nil {
		fault.Point("store.in_migration")
		_, err = t.exec(insertMigrationSQL, m.number, m.name, m.checksum, now, m.oldest)
	}
	if err == nil {
		_, err = t.exec("COMMIT")
	}
	if err != nil && !t.c.GetAutocommit() {
		_, undoErr := t.exec("ROLLBACK")
		err = errors.Join(err, undoErr)
	}
	return err
}

// copyBefore makes a consistent copy of the database. It has the name only when it is whole and on the disk.
func copyBefore(c *conn, to string) error {
	part := to + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := touch(part); err != nil {
		return err
	}
	t := &tx{c: c}
	if _, err := t.exec("VACUUM INTO $1", part); err != nil {
		return err
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}
