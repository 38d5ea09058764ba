package store

import (
	"context"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// The sizes of the log, in pages, at which it is copied into the database file (design, Storage): in the background every 16 MiB,
// and with everybody else waiting when it has still grown to 48 MiB.
const (
	copyEvery  = 16 << 20 / pageSize
	truncateAt = 48 << 20 / pageSize
)

// copierCache is the page cache of the connection that copies: it reads no rows.
const copierCache = 64 << 10

// squeezeEvery is how often a full disk may make the log be copied early.
const squeezeEvery = 200 * time.Millisecond

// truncateWait is how long a TRUNCATE may wait for readers to leave; then it is tried again copyEvery pages later.
const truncateWait = 500 * time.Millisecond

// checkpointer copies the log into the database file so that it does not grow for ever. Most of the copying is done on a connection of
// its own while the writer goes on; the writer then copies the little that came meanwhile between two transactions, and the next
// commit starts the log anew.
type checkpointer struct {
	db      *DB
	c       *conn      // opened at the first copy
	rested  chan error // the background copy has ended
	running bool       // the writer's goroutine only, as all below
	copied  int        // pages of the log at the last copy

	squeezed time.Time // when a full disk last made it copy early
}

func newCheckpointer(db *DB) *checkpointer {
	return &checkpointer{db: db, rested: make(chan error, 1)}
}

// tend is called by the writer between two transactions.
func (k *checkpointer) tend(w *writer) {
	if k.db.Err() != nil {
		return
	}
	defer func() { k.db.logBytes.Store(int64(w.pages-k.copied) * pageSize) }()
	select {
	case err := <-k.rested:
		k.finish(w, err)
	default:
	}
	if w.pages < k.copied { // the log has started anew
		k.copied = 0
	}
	if k.running || w.pages-k.copied < copyEvery && !k.scarce(w) {
		return
	}
	if w.pages >= truncateAt {
		k.copied = w.pages
		k.report(w, k.truncate(w))
		return
	}
	k.running = true
	go k.copyInBackground()
}

// scarce says whether the disk is so full that even a little is worth copying now: then the log's own room is used again.
func (k *checkpointer) scarce(w *writer) bool {
	if w.pages == k.copied || time.Since(k.squeezed) < squeezeEvery || k.db.space.check(k.db.logBytes.Load()) == nil {
		return false
	}
	k.squeezed = time.Now()
	return true
}

func (k *checkpointer) copyInBackground() {
	var err error
	if k.c == nil {
		k.c, err = k.db.connect(context.Background(), copierCache)
	}
	if err == nil {
		_, _, err = k.c.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
	}
	if judge(err, true) == untrusted {
		k.db.fail(err) // at once: the writer may be about to acknowledge
	}
	k.rested <- err
}

// finish copies what was committed while the background copy ran.
func (k *checkpointer) finish(w *writer, err error) {
	k.running = false
	k.copied = w.pages
	if err == nil && k.db.Err() == nil {
		var size, copied int
		size, copied, err = w.c.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
		if err == nil && size == copied {
			w.pages, k.copied = 0, 0
		}
	}
	k.report(w, err)
}

// truncate copies everything and cuts the log to nothing. A reader that does not leave in time makes it a plain copy.
func (k *checkpointer) truncate(w *writer) error {
	if err := w.c.BusyTimeout(truncateWait); err != nil {
		return err
	}
	_, _, err := w.c.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	if err == nil {
		w.pages, k.copied = 0, 0
	}
	if busyErr := w.c.BusyTimeout(k.db.cfg.BusyTimeout); err == nil {
		err = busyErr
	}
	return err
}

// report keeps what an error says of the database; a lock that was not free says nothing.
func (k *checkpointer) report(w *writer, err error) {
	if isBusy(err) {
		k.db.log.Debug("checkpoint waits for readers", "err", err)
		return
	}
	_ = w.settleError(err, true)
}

// wait waits for a background copy; the writer has stopped.
func (k *checkpointer) wait() error {
	if !k.running {
		return nil
	}
	k.running = false
	return <-k.rested
}
