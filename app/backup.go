package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"signalbox/admin"
	"signalbox/archive"
	"signalbox/backup"
	"signalbox/store"
)

// BackupContents is what a backup holds.
type BackupContents = archive.Contents

// The kinds of database, as a backup names them.
const (
	embeddedKind = "embedded"
	postgresKind = "postgresql"
)

// Backup writes a backup of the configured database to w: of one of PostgreSQL by itself, of an embedded one through the server that has it open, or
// by itself when none has. Everything that was acknowledged before the call is in it. What is written is of no use until this has succeeded, and is
// to be read again by whoever keeps it (CheckBackup).
func Backup(ctx context.Context, cfg Config, w io.Writer) (err error) {
	sc, err := cfg.database()
	if err != nil {
		return err
	}
	cfg = cfg.withDefaults()
	server, err := cfg.server(ctx)
	if err != nil {
		return err
	}
	if server != nil {
		defer server.Close()
		return server.Backup(ctx, w)
	}
	if err := current(ctx, sc); err != nil {
		return err
	}
	made := cfg.Now()
	db, err := store.Open(ctx, sc)
	if err != nil {
		if server, err = cfg.orServer(ctx, err); err != nil {
			return err
		}
		defer server.Close()
		return server.Backup(ctx, w)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Snapshot(ctx, func(s *store.Snapshot) error { return cfg.write(ctx, s, w, made) })
}

// write writes a backup of a snapshot.
func (c Config) write(ctx context.Context, s *store.Snapshot, w io.Writer, made time.Time) error {
	out := bufio.NewWriterSize(w, 256<<10)
	if _, err := backup.Write(ctx, s, out, c.source(made)); err != nil {
		return err
	}
	return out.Flush()
}

// server is the server that has the embedded database open; nil when none has, or the database is one of PostgreSQL. The database must be there.
func (c Config) server(ctx context.Context) (*admin.Client, error) {
	if c.DatabaseURL != "" {
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, DatabaseFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, noDatabase(c.DataDir)
	}
	server, err := admin.Dial(ctx, c.DataDir)
	if errors.Is(err, admin.ErrNoServer) || errors.As(err, new(*admin.PathError)) {
		return nil, nil
	}
	return server, err
}

// How long a server that has the database open may take to open its door, as one does that is just starting, and how often it is tried.
const (
	doorWithin = 2 * time.Second
	doorEvery  = 50 * time.Millisecond
)

// orServer is the server that opens its door after the database was found to be open elsewhere; with none the error is refused, explained.
func (c Config) orServer(ctx context.Context, refused error) (server *admin.Client, err error) {
	if c.DatabaseURL != "" || !errors.Is(refused, store.ErrLocked) {
		return nil, refused
	}
	for end := time.Now().Add(doorWithin); err == nil && server == nil && time.Now().Before(end); {
		select {
		case <-time.After(doorEvery):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		server, err = c.server(ctx)
	}
	if err == nil && server == nil {
		err = c.doorless(refused)
	}
	return server, err
}

// doorless explains why a database that is open elsewhere could not be reached there.
func (c Config) doorless(err error) error {
	if _, dialErr := admin.Dial(context.Background(), c.DataDir); errors.As(dialErr, new(*admin.PathError)) {
		return fmt.Errorf("%w, and its local door cannot be reached: %w", err, dialErr)
	}
	return fmt.Errorf("%w, and it has no local door (%s): it may be another command, or a server that is just starting or stopping",
		err, filepath.Join(c.DataDir, admin.Socket))
}

// source says where the rows of a backup come from.
func (c Config) source(made time.Time) backup.Source {
	kind := embeddedKind
	if c.DatabaseURL != "" {
		kind = postgresKind
	}
	return backup.Source{MadeAt: made, Program: c.Version, Kind: kind, Probe: probeSetting}
}

// current refuses a database that this program would have to migrate to read it: that is not what whoever makes a backup asks for.
func current(ctx context.Context, sc store.Config) error {
	schema, err := store.ReadSchema(ctx, sc)
	switch {
	case err != nil:
		return err
	case schema.Refused != nil:
		return schema.Refused
	case schema.Pending() == len(schema.Steps):
		return errors.New("there is no Signalbox database: no server was ever started on it")
	case schema.Pending() > 0:
		return fmt.Errorf("the schema has version %d and this program's is %d: use the program that served it last, or migrate it first (signalbox migrate up)",
			len(schema.Steps)-schema.Pending(), len(schema.Steps))
	}
	return nil
}

// CheckBackup reads a whole backup and says what is in it; report, if not nil, is told how many bytes are read.
func CheckBackup(ctx context.Context, r io.Reader, report func(bytes int64)) (BackupContents, error) {
	return backup.Check(ctx, r, report)
}

// BackupProgress is how far a backup file is.
type BackupProgress = backup.Written

// BackupFile makes a backup in a file that only its owner can read. The file has its name only when it is whole, on the disk, and was read again. One
// that is there is replaced only with force.
func BackupFile(ctx context.Context, cfg Config, path string, force bool, report func(BackupProgress)) (BackupContents, error) {
	return backup.ToFile(ctx, path, force, func(w io.Writer) error { return Backup(ctx, cfg, w) }, report)
}

// BackupStream makes a backup in what cannot be read again, and reads it as it passes.
func BackupStream(ctx context.Context, cfg Config, w io.Writer) (BackupContents, error) {
	return backup.ToStream(ctx, w, func(w io.Writer) error { return Backup(ctx, cfg, w) })
}
