package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
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
}

const createMigrationsSQL = `
CREATE TABLE IF NOT EXISTS schema_migrations (
  number     INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  checksum   TEXT NOT NULL,
  applied_at BIGINT NOT NULL
)`

// migrate brings the schema to this program's version, one transaction per step. A schema that a newer program made is refused, and so
// is one whose history differs from this program's. A database that already holds something is copied to <path>.before-NNNN first.
func migrate(ctx context.Context, c *conn, path string, fsys fs.FS, now time.Time, log *slog.Logger) error {
	known, err := readMigrations(fsys, "migrations/sqlite")
	if err != nil {
		return err
	}
	t := &tx{c: c}
	if _, err := t.exec(createMigrationsSQL); err != nil {
		return err
	}
	applied, err := checkHistory(t, known)
	if err != nil {
		return err
	}
	for _, m := range known[applied:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if m.number > 1 && applied == m.number-1 {
			if err := copyBefore(c, fmt.Sprintf("%s.before-%04d", path, m.number)); err != nil {
				return fmt.Errorf("copy the database before migration %d: %w", m.number, err)
			}
		}
		fault.Point("store.before_migration")
		if err := apply(t, m, now); err != nil {
			return fmt.Errorf("migration %d (%s): %w", m.number, m.name, err)
		}
		fault.Point("store.after_migration_step")
		log.Info("database migrated", "number", m.number, "name", m.name)
	}
	return nil
}

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
		sum := sha256.Sum256(text)
		known = append(known, migration{i + 1, name, string(text), hex.EncodeToString(sum[:])})
	}
	return known, nil
}

const appliedMigrationsSQL = `
SELECT number, name, checksum
  FROM schema_migrations
 ORDER BY number`

// checkHistory compares what was applied with what this program knows, and returns how many of those were applied.
func checkHistory(t *tx, known []migration) (applied int, err error) {
	newest := 0
	err = t.query(appliedMigrationsSQL, nil, func(r *row) error {
		newest = int(r.int(0))
		if newest > len(known) {
			return nil
		}
		if applied++; newest != applied {
			return fmt.Errorf("migration %d was never applied, yet %d was", applied, newest)
		}
		if m := known[newest-1]; m.checksum != r.text(2) {
			return fmt.Errorf("migration %d (%s) was applied with other content (%s) than this program has (%s)",
				newest, r.text(1), r.text(2), m.checksum)
		}
		return nil
	})
	if err == nil && newest > len(known) {
		err = fmt.Errorf("the schema has version %d and this program knows up to %d: run the newer program", newest, len(known))
	}
	return applied, err
}

const insertMigrationSQL = `
INSERT INTO schema_migrations (number, name, checksum, applied_at)
VALUES ($1, $2, $3, $4)`

// apply runs one step and records it, together or not at all.
func apply(t *tx, m migration, now time.Time) error {
	if _, err := t.exec("BEGIN EXCLUSIVE"); err != nil {
		return err
	}
	err := t.c.Exec(m.sql)
	if err == nil {
		_, err = t.exec(insertMigrationSQL, m.number, m.name, m.checksum, now)
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
