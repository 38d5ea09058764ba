package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"github.com/ncruces/go-sqlite3"

	"signalbox"
)

// A copy of the embedded database is made while it works: SQLite's backup copies pages from the writer's connection, a little between two
// transactions, and carries over by itself what that connection changes in pages that were copied before. So the copy is the database of
// the moment of its last step, and holds everything that was acknowledged before its first.
//
// SQLite begins anew when a transaction that has written is rolled back. While a copy is made the writer therefore has a savepoint around
// every operation, and commits what is left of a transaction whose operations have all failed (writer.go).

// copySuffix names the copy beside the database file. Open removes what a crash left of one.
const copySuffix = ".copy"

const (
	somePages    = 1 << 20 / pageSize    // of a step
	leastPages   = 16                    // of one on a disk that is slow
	mostPages    = 64 << 20 / pageSize   // of one while the database grows faster than it is copied
	stepFor      = 20 * time.Millisecond // a step that took longer makes the next one shorter
	mostRestarts = 10                    // then the copy is given up
)

// copyPragmas are of the copy's own connection: the copy is thrown away unless it becomes whole, and need not outlive this process.
var copyPragmas = []string{"journal_mode(OFF)", "synchronous(OFF)", "locking_mode(EXCLUSIVE)", "cache_size(-2048)"}

// CopyProgress is how far a copy is, in bytes of the database.
type CopyProgress struct {
	Done, Total int64
	Restarts    int // how often it had to begin anew
}

// SnapshotOnline is Snapshot of a database that is being written to: of the embedded one it makes a copy beside the database file first, and the
// moment is that of the copy's end; report, if not nil, is told of every step of that. Only one copy is made at a time: Conflict.
func (db *DB) SnapshotOnline(ctx context.Context, report func(CopyProgress), fn func(*Snapshot) error) (err error) {
	if db.pg != nil {
		return db.Snapshot(ctx, fn)
	}
	if !db.copying.TryLock() {
		return signalbox.Errorf(signalbox.Conflict, "a copy of this database is being made already")
	}
	defer db.copying.Unlock()
	defer func() { err = errors.Join(err, removeCopy(db.cfg.Path)) }()
	if err := db.copyOnline(ctx, report); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return db.readCopy(ctx, fn)
}

// removeCopy removes what there is of a copy. An immutable file has nothing beside it.
func removeCopy(path string) error {
	if err := os.Remove(path + copySuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the copy: %w", err)
	}
	return nil
}

// copyOnline makes the copy, step by step.
func (db *DB) copyOnline(ctx context.Context, report func(CopyProgress)) error {
	if err := removeCopy(db.cfg.Path); err != nil {
		return err
	}
	if err := db.roomForCopy(); err != nil {
		return err
	}
	if err := touch(db.cfg.Path + copySuffix); err != nil {
		return err
	}
	query := url.Values{"_pragma": copyPragmas}
	if db.cfg.VFS != "" {
		query.Set("vfs", db.cfg.VFS)
	}
	name := url.URL{Scheme: "file", Path: db.cfg.Path + copySuffix, RawQuery: query.Encode()}
	if err := db.step(ctx, func(c *pageCopy, w *writer) (err error) {
		c.backup, err = w.c.BackupInit("main", name.String())
		return err
	}); err != nil {
		return err
	}
	defer func() { // also when ctx has ended; a writer that is gone has done it
		_ = db.step(context.WithoutCancel(ctx), func(c *pageCopy, _ *writer) error { return c.end() })
	}()
	pages, left := somePages, int64(0)
	for {
		var p CopyProgress
		var done bool
		var took time.Duration
		err := db.step(ctx, func(c *pageCopy, _ *writer) (err error) {
			begin := time.Now()
			done, err = c.step(pages)
			took = time.Since(begin)
			p = c.progress
			return err
		})
		switch {
		case err != nil:
			return err
		case p.Restarts > mostRestarts:
			return fmt.Errorf("the copy had to begin anew %d times", p.Restarts)
		}
		if report != nil {
			report(p)
		}
		if done {
			return nil
		}
		pages, left = nextPages(pages, took, left, p), p.Total-p.Done
		if err := db.space.check(db.logBytes.Load()); err != nil {
			return err
		}
	}
}

// nextPages says how many pages the next step is to have: few, so that writers wait little; more while no less is left than was before, or
// the copy would never end.
func nextPages(pages int, took time.Duration, left int64, p CopyProgress) int {
	switch {
	case left > 0 && p.Total-p.Done >= left:
		return min(2*pages, mostPages)
	case took > stepFor:
		return max(pages/4, leastPages)
	case pages < somePages:
		return min(2*pages, somePages)
	}
	return max(pages/2, somePages)
}

// roomForCopy refuses a copy that would eat into the room that is kept for what is stored already.
func (db *DB) roomForCopy() error {
	info, err := os.Stat(db.cfg.Path)
	if err != nil {
		return err
	}
	free, total, err := db.space.usage(db.space.dir)
	if err != nil {
		return nil // a file system that does not tell how full it is has room
	}
	if need := uint64(info.Size()+db.logBytes.Load()) + reserve(total); free < need {
		return fmt.Errorf("the disk has too little room for a copy of the database: %d bytes are free in %s, and %d are needed until the backup is made",
			free, db.space.dir, need)
	}
	return nil
}

// pageCopy is a copy that is being made; the writer's goroutine has it.
type pageCopy struct {
	backup   *sqlite3.Backup
	progress CopyProgress
}

// step runs fn on the writer's connection between two transactions. What fn says is of the copy, whose file may be at fault, and tells
// nothing of the database.
func (db *DB) step(ctx context.Context, fn func(*pageCopy, *writer) error) error {
	var copyErr error
	err := db.outside(ctx, func(*tx) error {
		copyErr = fn(&db.w.copy, db.w)
		return nil
	})
	return errors.Join(err, copyErr)
}

// step copies pages; it ends the copy when that was all.
func (c *pageCopy) step(pages int) (done bool, err error) {
	done, err = c.backup.Step(pages)
	if isBusy(err) {
		return false, nil // nothing was copied, and nothing is wrong
	}
	if err != nil {
		return false, err
	}
	total, left := c.backup.PageCount(), c.backup.Remaining()
	now := CopyProgress{Done: int64(total-left) * pageSize, Total: int64(total) * pageSize, Restarts: c.progress.Restarts}
	if now.Done <= c.progress.Done && !done {
		now.Restarts++
	}
	c.progress = now
	if done {
		err = c.end()
	}
	return done, err
}

// end gives the copy's file free; it is whole if the last step said so.
func (c *pageCopy) end() error {
	if c.backup == nil {
		return nil
	}
	err := c.backup.Close()
	*c = pageCopy{}
	return err
}

// readCopy gives fn the copy.
func (db *DB) readCopy(ctx context.Context, fn func(*Snapshot) error) (err error) {
	query := url.Values{"immutable": {"1"}}
	if db.cfg.VFS != "" {
		query.Set("vfs", db.cfg.VFS)
	}
	name := url.URL{Scheme: "file", Path: db.cfg.Path + copySuffix, RawQuery: query.Encode()}
	raw, err := sqlite3.OpenFlags(name.String(), sqlite3.OPEN_READONLY|sqlite3.OPEN_URI)
	if err != nil {
		return fmt.Errorf("open the copy: %w", err)
	}
	c := &conn{Conn: raw, stmts: map[string]*stmt{}}
	defer func() { err = errors.Join(err, c.close()) }()
	var fnErr error
	err = readSnapshot(ctx, c, func(t *tx) error {
		if err := t.sameSchema(db); err != nil {
			return err
		}
		s := &Snapshot{t: t, db: db}
		fnErr = fn(s)
		return s.err
	})
	if err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	return fnErr
}
