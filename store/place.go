package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Place is what there is where a database is to be restored.
type Place struct {
	Exists bool   // there is a database, if only an empty one
	Schema int    // how many migrations it has
	Mark   *Move  // of a move or a restore
	Holds  string // a table that has rows; "" when none has
}

// Look says what there is where cfg points, and changes nothing.
func Look(ctx context.Context, cfg Config) (p Place, err error) {
	err = look(ctx, cfg, func(t *tx) error {
		list, err := historyOf(t)
		if err != nil || len(list) == 0 {
			return err
		}
		p.Exists, p.Schema = true, len(list)
		if p.Mark, err = t.move(); err != nil {
			return err
		}
		p.Holds, err = t.holds()
		return err
	})
	if err != nil {
		return p, fmt.Errorf("look at the database: %w", err)
	}
	return p, nil
}

// The tables that have rows in every database that a server was ever started on, of any version; of settings only what is not of the place.
const (
	anySettingSQL = `
SELECT count(*)
  FROM settings
 WHERE ` + notOfOnePlace

	anyWorkspaceSQL = `
SELECT count(*)
  FROM workspaces`
)

func (t *tx) holds() (table string, err error) {
	for _, q := range []struct{ table, sql string }{{"settings", anySettingSQL}, {"workspaces", anyWorkspaceSQL}, {"nodes", anyNodeSQL}} {
		n, err := t.count(q.sql)
		if err != nil || n > 0 {
			return q.table, err
		}
	}
	return "", nil
}

// Remove removes a database whose restore was not completed, with all that is in it, so that another one can begin. It refuses any other.
func Remove(ctx context.Context, cfg Config) error {
	if cfg.DatabaseURL != "" {
		return removePostgres(ctx, cfg)
	}
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return err
	}
	lock, err := lockPath(path + ".lock")
	if err != nil {
		return err
	}
	p, err := Look(ctx, cfg)
	if err == nil {
		err = p.removable()
	}
	for _, suffix := range []string{"", "-wal", "-shm"} { // the file first: what is left of a log is of no database then
		if err == nil {
			err = os.Remove(path + suffix)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	return errors.Join(err, lock.release())
}

func (p Place) removable() error {
	if p.Mark == nil || p.Mark.State != Restoring {
		return errors.New("it is not what an unfinished restore left: it is not removed")
	}
	return nil
}

// removePostgres drops the tables, of whatever version: a restore may have been cut short before or after it migrated.
func removePostgres(ctx context.Context, cfg Config) error {
	c, err := connectOnce(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	s := &session{conn: c, stmts: map[string]*prepared{}, ctx: ctx}
	s.until(time.Time{})
	return s.exclusive(func() error {
		p, err := Look(ctx, cfg)
		if err == nil {
			err = p.removable()
		}
		if err != nil {
			return err
		}
		_, err = s.simple("DROP TABLE IF EXISTS " + strings.Join(allTables(), ", "))
		return err
	})
}
