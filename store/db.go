package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"signalbox/internal/fault"
)

// Config says where the database is and how much memory it may use.
type Config struct {
	DatabaseURL string        // postgres://…: a PostgreSQL database; of the other fields only Log, Readers and Migrations mean something then
	Path        string        // the database file; its directory must exist. Path + ".lock", "-wal" and "-shm" stand beside it
	Log         *slog.Logger  // nil: nothing is logged
	CacheBytes  int           // the writer's page cache; 0: 32 MiB, at most 64 MiB
	Readers     int           // connections that read; 0: 4
	BusyTimeout time.Duration // how long a lock is waited for; 0: 5 s
	Takes       Takes         // asked by recoveries which events a webhook's filter lets through; nil: all
	Scorer      MakeScorer    // works on scores for jobs; nil: signals that are erased or past retention stay in them
	Moving      bool          // opens also what a move or a restore has marked, which nobody else may (move.go)
	Shape       *Shape        // opens what a restore fills: of a schema that is perhaps older than this program's (shape.go); nil: this program's

	VFS        string // tests: the name of a registered VFS; "" is the operating system
	Migrations fs.FS  // tests: the migrations, NNNN_name.sql; nil: this program's own

	Statements func(text string) // tests: told of every statement that a connection to PostgreSQL prepares; nil: nobody is

	DiskUsage func(dir string) (free, total uint64, err error) // tests: bytes of the file system; nil: asks it
}

// The bounds of Config's fields.
const (
	defaultCache   = 32 << 20
	maxCache       = 64 << 20
	readerCache    = 4 << 20
	defaultReaders = 4
	defaultBusy    = 5 * time.Second
	pageSize       = 4096
)

// minVersion is the oldest SQLite whose log survives several connections that write and checkpoint at once (storage.md; the
// WAL-reset bug of 3.7.0 to 3.51.2).
const minVersion = 3_051_003

// DB is an open database. Every method may be called by many goroutines at once.
type DB struct {
	cfg     Config
	log     *slog.Logger
	version int       // of the schema that this program knows, or of Shape
	tables  []*Table  // of a copy
	pg      *postgres // PostgreSQL; nil: the embedded database, which is lock to space
	lock    *lockFile
	w       *writer
	readers chan *conn
	ckpt    *checkpointer
	space   *space
	memory  *memory
	copying sync.Mutex // held while a copy of the embedded database is made (online.go)

	logBytes atomic.Int64 // of the write-ahead log, not copied into the database file yet

	failure  atomic.Pointer[error] // why no write is acknowledged any more
	failed   chan struct{}
	failOnce sync.Once
	sick     atomic.Pointer[error] // why the last write could not be taken; nil once one succeeds

	closeOnce sync.Once
	closeErr  error
}

// Open opens or makes the database at cfg.Path, brings its schema up to date, and starts its writer. Two programs never have the
// same database open: the second one is refused, and the error names the lock file.
//
// With a DatabaseURL it connects to PostgreSQL instead, where any number of programs may. The error says in one line what is wrong (the address, a
// right, the server's version or state, the schema), and nothing was changed then.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	cfg.Readers = cmp.Or(cfg.Readers, defaultReaders)
	cfg.Scorer = cfg.Scorer.remembering()
	if cfg.DatabaseURL != "" {
		return open(ctx, cfg)
	}
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	cfg.Path = path
	cfg.CacheBytes = min(cmp.Or(cfg.CacheBytes, defaultCache), maxCache)
	cfg.BusyTimeout = cmp.Or(cfg.BusyTimeout, defaultBusy)
	db := &DB{cfg: cfg, log: cfg.Log, tables: cfg.Shape.list(), failed: make(chan struct{}), readers: make(chan *conn, cfg.Readers), memory: newMemory(), space: newSpace(cfg.Path, cfg.DiskUsage)}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if err := db.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", cfg.Path, err), db.closeFiles())
	}
	return db, nil
}

// open opens a database of PostgreSQL.
func open(ctx context.Context, cfg Config) (*DB, error) {
	db := &DB{cfg: cfg, log: cfg.Log, tables: cfg.Shape.list(), memory: newMemory(), failed: make(chan struct{})}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if db.pg, err = openPostgres(ctx, db); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return db, nil
}

func (db *DB) open(ctx context.Context) (err error) {
	if db.lock, err = lockPath(db.cfg.Path + ".lock"); err != nil {
		return err
	}
	if err := removeCopy(db.cfg.Path); err != nil { // a crash may have left one
		return err
	}
	if err := touch(db.cfg.Path); err != nil {
		return err
	}
	main, err := db.connect(ctx, db.cfg.CacheBytes)
	if err != nil {
		return err
	}
	db.w = newWriter(db, main)
	if err := db.prepare(ctx, main); err != nil {
		return err
	}
	for range db.cfg.Readers {
		db.readers <- nil // opened when it is first needed
	}
	db.ckpt = newCheckpointer(db)
	db.w.start()
	return nil
}

// reader makes sure that a place among the readers has its connection.
func (db *DB) reader(c *conn) (*conn, error) {
	if c != nil {
		return c, nil
	}
	c, err := db.connect(context.Background(), readerCache)
	if err != nil {
		return nil, err
	}
	if err := c.Exec("PRAGMA query_only = ON"); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// prepare checks the library and brings the file to what this program needs.
func (db *DB) prepare(ctx context.Context, c *conn) error {
	if err := checkVersion(c); err != nil {
		return err
	}
	if err := db.refuseMoved(&tx{c: c}); err != nil {
		return err
	}
	if err := db.migrate(ctx, c); err != nil {
		return err
	}
	// SQLite syncs a new log's content but leaves it to the caller that its name survives a power cut.
	return syncDir(filepath.Dir(db.cfg.Path))
}

// connect opens one connection with the settings that all of them share.
func (db *DB) connect(ctx context.Context, cache int) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	query := url.Values{"modeof": {db.cfg.Path}} // the log is as private as the database file
	if db.cfg.VFS != "" {
		query.Set("vfs", db.cfg.VFS)
	}
	name := url.URL{Scheme: "file", Path: db.cfg.Path, RawQuery: query.Encode()}
	raw, err := sqlite3.OpenFlags(name.String(), sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, stmts: map[string]*stmt{}}
	if err := db.configure(c, cache); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (db *DB) configure(c *conn, cache int) error {
	if err := c.BusyTimeout(db.cfg.BusyTimeout); err != nil {
		return err
	}
	t := &tx{c: c}
	mode := ""
	if _, err := t.one("PRAGMA journal_mode = WAL", nil, func(r *row) { mode = r.text(0) }); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("journal mode is %q: this file system or VFS has no shared memory for a write-ahead log", mode)
	}
	synchronous := "FULL"
	if fault.Err("store.sync_off") != nil { // the wrong program whose losses the power-cut test must see
		synchronous = "OFF"
	}
	// FULL: a commit is on the disk when it is acknowledged. Secure delete is always ON, not FAST and not for
	// erasing alone: a long value that is replaced leaves free pages, and erasing later could not find its old copies there. Turns and
	// settles free so few pages that it costs nothing that can be measured. The log is cut back to journal_size_limit when it starts anew.
	return c.Exec(fmt.Sprintf(`
PRAGMA synchronous = %s;
PRAGMA fullfsync = ON;
PRAGMA wal_autocheckpoint = 0;
PRAGMA journal_size_limit = %d;
PRAGMA cache_size = -%d;
PRAGMA foreign_keys = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA secure_delete = ON;
PRAGMA trusted_schema = OFF;
PRAGMA mmap_size = 0`, synchronous, truncateAt*pageSize, cache>>10))
}

// checkVersion refuses a library with the WAL-reset bug.
func checkVersion(c *conn) error {
	var text string
	var major, minor, patch int
	t := &tx{c: c}
	if _, err := t.one("SELECT sqlite_version()", nil, func(r *row) { text = r.text(0) }); err != nil {
		return err
	}
	if _, err := fmt.Sscanf(text, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return fmt.Errorf("SQLite version %q: %w", text, err)
	}
	if major*1_000_000+minor*1000+patch < minVersion {
		return fmt.Errorf("SQLite %s can corrupt a database that several connections use; 3.51.3 or later is needed", text)
	}
	return nil
}

// Close waits until what was accepted is written, brings the log into the database file, and lets the file go. Later calls of other
// methods are refused; closing again changes nothing.
func (db *DB) Close() error {
	db.closeOnce.Do(func() {
		if db.pg != nil {
			db.closeErr = db.pg.close()
			return
		}
		db.w.stop()
		db.closeErr = db.closeFiles()
	})
	return db.closeErr
}

func (db *DB) closeFiles() error {
	var errs []error
	if db.ckpt != nil {
		errs = append(errs, db.ckpt.wait(), db.closeConn(db.ckpt.c))
		for range db.cfg.Readers {
			errs = append(errs, db.closeConn(<-db.readers)) // waits for those who read
		}
	}
	if db.w != nil {
		if db.Err() == nil && db.ckpt != nil {
			errs = append(errs, db.ckpt.truncate(db.w))
		}
		errs = append(errs, db.closeConn(db.w.c))
	}
	if db.lock != nil {
		errs = append(errs, db.lock.release())
	}
	return errors.Join(errs...)
}

// closeConn closes a connection. The last one to close would copy the log and sync once more: not after a failed sync.
func (db *DB) closeConn(c *conn) error {
	if c == nil {
		return nil
	}
	if db.Err() != nil {
		if _, err := c.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true); err != nil {
			return err
		}
	}
	return c.close()
}

// Failed is closed once an error left it unknown what is on the disk, as a failed fsync does. From then on no write is acknowledged and
// the program should exit: what was acknowledged before is safe, and the next start finds the truth.
func (db *DB) Failed() <-chan struct{} { return db.failed }

// Err says why Failed was closed; nil while it is not.
func (db *DB) Err() error {
	if p := db.failure.Load(); p != nil {
		return *p
	}
	return nil
}

func (db *DB) fail(cause error) {
	db.failOnce.Do(func() {
		cause = fmt.Errorf("the database cannot be trusted any more: %w", cause)
		db.failure.Store(&cause)
		close(db.failed)
		db.log.Error("database failed", "err", cause)
	})
}

// Healthy returns nil, or why a write cannot be taken now. After a write that found no room it tries another one, so that the answer
// is nil again as soon as there is room.
func (db *DB) Healthy(ctx context.Context) error {
	if err := db.Err(); err != nil {
		return unavailable(err)
	}
	if db.pg == nil {
		if err := db.space.check(db.logBytes.Load()); err != nil {
			return unavailable(err)
		}
	}
	if db.sick.Load() == nil {
		return nil
	}
	return db.write(ctx, classManage, probe)
}

// read gives fn one snapshot of the database, on a connection that only reads. Its work ends when ctx does.
func (db *DB) read(ctx context.Context, fn func(*tx) error) error {
	if db.pg != nil {
		return db.pg.read(ctx, fn)
	}
	var c *conn
	select {
	case c = <-db.readers:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.w.gone:
		return unavailable(errClosed)
	}
	defer func() { db.readers <- c }()
	opened, err := db.reader(c)
	if err == nil {
		c = opened
		err = readSnapshot(ctx, c, fn)
	}
	switch judge(err, false) {
	case untrusted:
		db.fail(err)
		return unavailable(err)
	case notNow:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return unavailable(err)
	}
	return err
}

func readSnapshot(ctx context.Context, c *conn, fn func(*tx) error) (err error) {
	c.SetInterrupt(ctx)
	defer c.SetInterrupt(context.Background())
	t := &tx{c: c}
	if _, err := t.exec("BEGIN"); err != nil {
		return err
	}
	defer func() {
		c.SetInterrupt(context.Background()) // the end of ctx must not keep the snapshot open
		if _, endErr := t.exec("ROLLBACK"); err == nil {
			err = endErr
		}
	}()
	return fn(t)
}

// touch makes a file that only its owner can read, unless it is there.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
