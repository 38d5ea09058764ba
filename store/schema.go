package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"
)

// SchemaStep is one migration, as a database and this program know it.
type SchemaStep struct {
	Number    int
	Name      string
	AppliedAt time.Time // zero: it is pending
	Known     bool      // to this program
}

// Schema says how a database and this program fit.
type Schema struct {
	Steps   []SchemaStep
	Refused error // why this program cannot work with the schema; nil when it can, once what is pending was applied
}

// Pending is how many migrations were not applied yet.
func (s Schema) Pending() (n int) {
	for _, step := range s.Steps {
		if step.AppliedAt.IsZero() {
			n++
		}
	}
	return n
}

// ReadSchema reads which migrations a database has, and changes nothing: it makes no file, takes no lock that a server could miss, and needs no right
// but to read. A database that does not exist has none.
func ReadSchema(ctx context.Context, cfg Config) (s Schema, err error) {
	own, read := ownSQLite, readSQLiteHistory
	if cfg.DatabaseURL != "" {
		own, read = ownPostgres, readPostgresHistory
	}
	known, err := readMigrations(cfg.Migrations, own)
	if err != nil {
		return s, err
	}
	list, err := read(ctx, cfg)
	if err != nil {
		return s, fmt.Errorf("read the schema: %w", err)
	}
	s.Refused = judgeHistory(list, known)
	for _, a := range list {
		s.Steps = append(s.Steps, SchemaStep{a.number, a.name, a.at, a.number <= len(known)})
	}
	for _, m := range known[min(len(list), len(known)):] {
		s.Steps = append(s.Steps, SchemaStep{Number: m.number, Name: m.name, Known: true})
	}
	return s, nil
}

const (
	hasHistorySQL = `
SELECT count(*)
  FROM sqlite_schema
 WHERE type = 'table'
   AND name = 'schema_migrations'`

	hasHistoryPostgresSQL = `
SELECT count(to_regclass('schema_migrations'))`
)

// historyOf reads the history if there is one.
func historyOf(t *tx) ([]step, error) {
	has, err := t.count(hasHistorySQL)
	if err != nil || has == 0 {
		return nil, err
	}
	return t.history()
}

// readSQLiteHistory reads the file. While there is a log beside it, a server has it open or was killed, and the log is read too; else nothing
// can change the file's content, and it is read as it is, without the files that SQLite would make for a moment.
func readSQLiteHistory(_ context.Context, cfg Config) (list []step, err error) {
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	query := url.Values{}
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		query.Set("immutable", "1")
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	raw, err := sqlite3.OpenFlags(name.String(), sqlite3.OPEN_READONLY|sqlite3.OPEN_URI)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c := &conn{Conn: raw, stmts: map[string]*stmt{}}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.BusyTimeout(defaultBusy); err != nil {
		return nil, err
	}
	return historyOf(&tx{c: c})
}

// readPostgresHistory asks the server, on one connection.
func readPostgresHistory(ctx context.Context, cfg Config) ([]step, error) {
	config, err := pgconn.ParseConfig(cfg.DatabaseURL)
	if err != nil {
		return nil, err // names no password
	}
	tune(config)
	c, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, &lost{err}
	}
	defer c.Close(context.WithoutCancel(ctx))
	s := &session{conn: c, stmts: map[string]*prepared{}, ctx: ctx}
	s.until(time.Now().Add(transactFor))
	if err := s.begin(beginReadSQL); err != nil {
		return nil, err
	}
	return historyOf(&tx{pg: s})
}
