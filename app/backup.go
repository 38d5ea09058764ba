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
		return cfg.doorless(err)
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

// doorless explains why a database that is open elsewhere could not be reached there.
func (c Config) doorless(err error) error {
	if c.DatabaseURL != "" || !errors.Is(err, store.ErrLocked) {
		return err
	}
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
	a, err := archive.NewReader(r)
	if err != nil {
		return BackupContents{}, err
	}
	for {
		_, _, err := a.Next()
		switch {
		case errors.Is(err, io.EOF):
			return a.Contents(), nil
		case err != nil:
			return BackupContents{}, err
		case ctx.Err() != nil:
			return BackupContents{}, ctx.Err()
		}
		if report != nil {
			report(a.Offset())
		}
	}
}

// BackupProgress is how far a backup file is.
type BackupProgress struct {
	Checking bool  // it is written, and is read again
	Bytes    int64 // written or read
	Total    int64 // of the file, while it is read
}

// BackupFile makes a backup in a file that only its owner can read. The file has its name only when it is whole, on the disk, and was read again. One
// that is there is replaced only with force.
func BackupFile(ctx context.Context, cfg Config, path string, force bool, report func(BackupProgress)) (c BackupContents, err error) {
	part := path + ".part"
	f, err := createPart(path, part, force)
	if err != nil {
		return c, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(part))
		}
	}()
	to := &tracked{w: f, report: func(n int64) { report(BackupProgress{Bytes: n}) }}
	if err := Backup(ctx, cfg, to); err != nil {
		return c, err
	}
	if err := f.Sync(); err != nil {
		return c, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return c, err
	}
	c, err = CheckBackup(ctx, f, func(n int64) { report(BackupProgress{true, n, to.n}) })
	if err != nil {
		return c, fmt.Errorf("the backup was written, but is not whole: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		return c, err
	}
	return c, errors.Join(f.Close(), syncDir(filepath.Dir(path)))
}

// createPart makes the file that a backup is written to.
func createPart(path, part string, force bool) (*os.File, error) {
	if dir := filepath.Dir(path); !isDir(dir) {
		return nil, fmt.Errorf("there is no directory %s to put the backup in", dir)
	}
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a directory: name a file", path)
	case err == nil && !force:
		return nil, fmt.Errorf("%s is there already: give another name, or --force to replace it", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	flags := os.O_RDWR | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_RDWR | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(part, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s is there already: another backup is being written, or one was cut short; remove it, or give --force", part)
	}
	return f, err
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// tracked tells how much went through it.
type tracked struct {
	w      io.Writer
	n      int64
	report func(n int64)
}

func (t *tracked) Write(b []byte) (int, error) {
	k, err := t.w.Write(b)
	t.n += int64(k)
	t.report(t.n)
	return k, err
}

// BackupStream makes a backup in what cannot be read again, and reads it as it passes.
func BackupStream(ctx context.Context, cfg Config, w io.Writer) (BackupContents, error) {
	r, copied := io.Pipe()
	made := make(chan error, 1)
	go func() {
		err := Backup(ctx, cfg, io.MultiWriter(w, copied))
		_ = copied.CloseWithError(err) // nil is the end
		made <- err
	}()
	c, err := CheckBackup(ctx, r, nil)
	_ = r.CloseWithError(err) // whoever still writes hears why not
	if madeErr := <-made; madeErr != nil {
		return c, madeErr
	}
	return c, err
}
