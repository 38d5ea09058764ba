package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"signalbox/move"
	"signalbox/seal"
	"signalbox/store"
)

// MoveProgress is how far a move is.
type MoveProgress = move.Progress

// Moved is what a move has to tell when all is carried over.
type Moved struct {
	To      string         // without a password
	Tables  []move.Checked // the same in both databases
	KeyID   seal.KeyID     // of the secret key that nodes of the new database need
	KeyFile string         // where that key is; "" when it came from the environment
}

// Move carries the embedded database in DataDir over to the PostgreSQL database at DatabaseURL, or goes on with a move that was cut short. No server may
// have either open. What cannot be is refused before anything is marked or carried.
func Move(ctx context.Context, cfg Config, report func(MoveProgress)) (m Moved, err error) {
	if cfg.SecretKey == "" && cfg.SecretKeyFile == "" {
		cfg.SecretKeyFile = filepath.Join(cfg.withDefaults().DataDir, keyFile)
	}
	if err := store.CheckURL(cfg.DatabaseURL); err != nil {
		return m, fmt.Errorf("--to: %w", err)
	}
	from, err := openLeft(ctx, &cfg)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	m = Moved{To: store.RedactURL(cfg.DatabaseURL), KeyFile: cfg.SecretKeyFile}
	if m.KeyID, err = checkKey(ctx, &cfg, from); err != nil {
		return m, err
	}
	to, err := store.Open(ctx, store.Config{DatabaseURL: cfg.DatabaseURL, Log: cfg.Log, Moving: true})
	if err != nil {
		return m, fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	m.Tables, err = move.Run(ctx, move.Config{From: from, To: to, Target: m.To, Now: cfg.Now().UTC(), Report: report})
	return m, err
}

// AbandonMove gives up a move that is not complete, and returns where it went to: what is there is to be emptied.
func AbandonMove(ctx context.Context, cfg Config) (to string, err error) {
	cfg.DatabaseURL = "" // where to is in the mark
	from, err := openLeft(ctx, &cfg)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	return move.Abandon(ctx, from)
}

// openLeft checks the configuration and opens the embedded database of a move; there must be one.
func openLeft(ctx context.Context, cfg *Config) (*store.DB, error) {
	*cfg = cfg.withDefaults()
	path := filepath.Join(cfg.DataDir, DatabaseFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, noDatabase(cfg.DataDir)
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Config{Path: path, Log: cfg.Log, VFS: cfg.VFS, Moving: true})
}

func noDatabase(dir string) error {
	return fmt.Errorf("--data-dir: there is no Signalbox database in %s", dir)
}

// checkKey holds the configured key against the probe of a database that it must open, and names it. It makes no key.
func checkKey(ctx context.Context, cfg *Config, db *store.DB) (seal.KeyID, error) {
	box, err := cfg.box(func() (seal.Key, error) { return seal.LoadKeyFile(cfg.SecretKeyFile) })
	if err != nil {
		return "", err
	}
	probe, err := db.Setting(ctx, probeSetting)
	if err != nil {
		return "", err
	}
	if probe == nil { // no server was ever started on it: nothing is sealed
		return box.Primary(), nil
	}
	return box.Primary(), opensProbe(box, probe)
}

// Schema says how a database and this program fit.
type Schema = store.Schema

// ReadSchema reads the schema of the configured database and touches nothing.
func ReadSchema(ctx context.Context, cfg Config) (Schema, error) {
	sc, err := cfg.database()
	if err != nil {
		return Schema{}, err
	}
	return store.ReadSchema(ctx, sc)
}

// database is how the configured database is opened, without anything that only a server needs.
func (c Config) database() (store.Config, error) {
	c = c.withDefaults()
	if c.DatabaseURL != "" {
		if err := store.CheckURL(c.DatabaseURL); err != nil {
			return store.Config{}, fmt.Errorf("--database-url: %w", err)
		}
	}
	return store.Config{DatabaseURL: c.DatabaseURL, Path: filepath.Join(c.DataDir, DatabaseFile), Log: c.Log}, nil
}

// Migrated is what Migrate has done.
type Migrated struct {
	Schema  Schema // as it is now
	Applied []store.SchemaStep
	Copy    string // what the embedded database was before; "" when nothing was applied, or there was nothing to keep
}

// Migrate applies the migrations that are missing. An embedded database must be there, and is copied first; one of PostgreSQL may be empty.
func Migrate(ctx context.Context, cfg Config) (m Migrated, err error) {
	sc, err := cfg.database()
	if err != nil {
		return m, err
	}
	if _, err := os.Stat(sc.Path); sc.DatabaseURL == "" && errors.Is(err, fs.ErrNotExist) {
		return m, noDatabase(cfg.withDefaults().DataDir)
	}
	before, readErr := store.ReadSchema(ctx, sc)
	db, err := store.Open(ctx, sc) // says more of what is wrong than reading did
	if err != nil {
		return m, err
	}
	if err := errors.Join(db.Close(), readErr); err != nil {
		return m, err
	}
	if m.Schema, err = store.ReadSchema(ctx, sc); err != nil {
		return m, err
	}
	for i, step := range m.Schema.Steps {
		if i < len(before.Steps) && before.Steps[i].AppliedAt.IsZero() {
			m.Applied = append(m.Applied, step)
		}
	}
	if len(m.Applied) > 0 && m.Applied[0].Number > 1 && sc.DatabaseURL == "" {
		m.Copy = fmt.Sprintf("%s.before-%04d", sc.Path, m.Applied[0].Number)
	}
	return m, nil
}
