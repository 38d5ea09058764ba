package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"

	"signalbox/internal/fault"
)

// class is what kind of write an operation is: each class has its own queue and its share of every transaction, so that none
// waits for another's backlog.
type class uint8

const (
	classTurn   class = iota // deciding
	classSettle              // claims and settles of deliveries, due rows
	classManage              // what people and clients change
	classSlice               // one slice of a job
	classBeat                // heartbeats: they wait for nobody
	classes
)

// shares is how many operations of each class one transaction takes at most.
var shares = [classes]int{classTurn: 4, classSettle: 16, classManage: 8, classSlice: 1, classBeat: 1}

// queueLen bounds what waits of each class; who comes then waits at the door.
const queueLen = 256

// errClosed is the answer to a write that comes after Close.
var errClosed = errors.New("the database is closed")

// op is one write: fn runs in the writer's goroutine, in a transaction, and either all it wrote is committed or none of it.
type op struct {
	ctx     context.Context
	fn      func(*tx) error
	class   class
	outside bool        // fn runs between transactions
	started atomic.Bool // set by the writer when it begins, or by the caller when it gives up first
	done    chan error
}

// writer owns the connection that writes. Its goroutine takes what waits, runs it in one transaction, commits once (one fsync),
// and answers everybody.
type writer struct {
	db     *DB
	c      *conn
	queues [classes]chan *op
	quit   chan struct{}
	gone   chan struct{} // closed when the goroutine has ended
	alive  bool
	batch  []*op
	pages  int // of the log, as of the last commit
}

func newWriter(db *DB, c *conn) *writer {
	w := &writer{db: db, c: c, quit: make(chan struct{}), gone: make(chan struct{})}
	for i := range w.queues {
		w.queues[i] = make(chan *op, queueLen)
	}
	return w
}

func (w *writer) start() {
	w.c.WALHook(w.committed)
	w.alive = true
	go w.run()
}

// stop ends the goroutine after what waits is done.
func (w *writer) stop() {
	if w.alive {
		w.alive = false
		close(w.quit)
		<-w.gone
	}
}

// write queues fn and waits for the commit it was part of. fn sees the database as of its own moment, and runs at most once: an error
// or panic of fn undoes its writes alone and is returned. A ctx that ends before fn begins ends the wait; after that the outcome is
// waited for, since fn may touch what the caller owns. An error that is not fn's own is a signalbox.Error with code Unavailable.
//
// On PostgreSQL there is no writer: fn has a transaction and a connection of its own, and may run again (postgres_write.go).
func (db *DB) write(ctx context.Context, c class, fn func(*tx) error) error {
	if db.pg != nil {
		return db.pg.write(ctx, c, fn)
	}
	return db.w.do(c, &op{ctx: ctx, fn: fn, done: make(chan error, 1)})
}

// outside runs fn on the writer's connection between two transactions.
func (db *DB) outside(ctx context.Context, fn func(*tx) error) error {
	return db.w.do(classSlice, &op{ctx: ctx, fn: fn, outside: true, done: make(chan error, 1)})
}

func (w *writer) do(c class, o *op) error {
	o.class = c
	select {
	case w.queues[c] <- o:
	case <-o.ctx.Done():
		return o.ctx.Err()
	case <-w.gone:
		return unavailable(errClosed)
	}
	select {
	case err := <-o.done:
		return err
	case <-o.ctx.Done():
		if o.started.CompareAndSwap(false, true) {
			return o.ctx.Err()
		}
	case <-w.gone:
	}
	select {
	case err := <-o.done:
		return err
	case <-w.gone:
	}
	select {
	case err := <-o.done: // answered just before the end
		return err
	default:
		return unavailable(errClosed)
	}
}

func (w *writer) run() {
	defer close(w.gone)
	for w.next() {
		w.serve(w.batch)
		w.db.ckpt.tend(w)
	}
}

// next fills the batch with what waits, each class its share, and waits while nothing does. It returns false when the writer is to
// stop and nothing waits.
func (w *writer) next() bool {
	w.batch = w.batch[:0]
	w.collect()
	if len(w.batch) > 0 {
		return true
	}
	select {
	case o := <-w.queues[classTurn]:
		w.batch = append(w.batch, o)
	case o := <-w.queues[classSettle]:
		w.batch = append(w.batch, o)
	case o := <-w.queues[classManage]:
		w.batch = append(w.batch, o)
	case o := <-w.queues[classSlice]:
		w.batch = append(w.batch, o)
	case o := <-w.queues[classBeat]:
		w.batch = append(w.batch, o)
	case err := <-w.db.ckpt.rested:
		w.db.ckpt.finish(w, err)
	case <-w.quit:
		w.collect()
		return len(w.batch) > 0
	}
	w.collect()
	return true
}

func (w *writer) collect() {
	var taken [classes]int
	for c, q := range w.queues {
		for ; taken[c] < shares[c]; taken[c]++ {
			select {
			case o := <-q:
				w.batch = append(w.batch, o)
				continue
			default:
			}
			break
		}
	}
}

// serve runs the operations that still want to run, in one transaction; those that run outside come after it.
func (w *writer) serve(batch []*op) {
	inside := batch[:0]
	var after []*op
	full := w.db.space.check(w.db.logBytes.Load())
	for _, o := range batch {
		switch {
		case w.db.Err() != nil:
			o.done <- unavailable(w.db.Err())
		case full != nil && (o.class == classTurn || o.class == classManage):
			o.done <- unavailable(full)
		case o.ctx.Err() != nil || !o.started.CompareAndSwap(false, true):
			o.done <- o.ctx.Err()
		case o.outside:
			after = append(after, o)
		default:
			inside = append(inside, o)
		}
	}
	if len(inside) > 0 {
		w.transact(inside)
	}
	for _, o := range after {
		o.done <- w.settleError(call(o.fn, &tx{c: w.c}), false)
	}
}

// transact runs operations in one transaction and answers each. A savepoint keeps them apart; a lone one needs none.
func (w *writer) transact(ops []*op) {
	t := &tx{c: w.c}
	before := w.c.TotalChanges()
	if _, err := t.exec("BEGIN IMMEDIATE"); err != nil {
		w.refuse(ops, err, false)
		return
	}
	ran := ops[:0]
	for i, o := range ops {
		err := w.runOne(t, o, len(ops) > 1)
		if w.c.GetAutocommit() { // SQLite gave the whole transaction up
			w.refuse(append(append([]*op{}, ran...), ops[i:]...), err, false)
			return
		}
		if err != nil {
			o.done <- w.settleError(err, false)
			continue
		}
		ran = append(ran, o)
	}
	fault.Point("store.before_commit")
	if err := w.commit(t, len(ran)); err != nil {
		w.refuse(ran, err, true)
		return
	}
	fault.Point("store.after_commit")
	if err := w.db.Err(); err != nil { // a sync failed elsewhere meanwhile
		w.refuse(ran, err, false)
		return
	}
	if w.c.TotalChanges() != before { // something was written: a commit of nothing shows nothing
		w.db.sick.Store(nil)
	}
	for _, o := range ran {
		o.done <- nil
	}
}

// commit ends the transaction; with nothing to keep there is nothing to sync.
func (w *writer) commit(t *tx, kept int) error {
	if err := fault.Err("store.commit"); err != nil {
		return err
	}
	if kept == 0 {
		_, err := t.exec("ROLLBACK")
		return err
	}
	_, err := t.exec("COMMIT")
	return err
}

// runOne runs one operation; what it wrote is undone if it fails. An error that is left over from undoing wins: it says that the
// transaction is not what it should be.
func (w *writer) runOne(t *tx, o *op, shared bool) error {
	if shared {
		if _, err := t.exec("SAVEPOINT op"); err != nil {
			return err
		}
	}
	err := call(o.fn, t)
	if w.c.GetAutocommit() {
		return err
	}
	if err != nil && shared {
		if _, undoErr := t.exec("ROLLBACK TO op"); undoErr != nil {
			return w.abandon(t, undoErr)
		}
	}
	if shared {
		if _, endErr := t.exec("RELEASE op"); endErr != nil {
			return w.abandon(t, endErr)
		}
	}
	return err
}

// abandon gives the whole transaction up.
func (w *writer) abandon(t *tx, cause error) error {
	_, err := t.exec("ROLLBACK")
	if !w.c.GetAutocommit() {
		w.db.fail(errors.Join(cause, err))
	}
	return cause
}

// refuse answers every operation of a transaction that could not be committed.
func (w *writer) refuse(ops []*op, cause error, committing bool) {
	if !w.c.GetAutocommit() {
		_ = w.abandon(&tx{c: w.c}, cause)
	}
	err := w.settleError(cause, committing)
	if judge(cause, committing) == ownFault {
		err = unavailable(cause)
	}
	for _, o := range ops {
		o.done <- err
	}
}

// settleError turns an error into what the caller gets, and remembers what it says of the database.
func (w *writer) settleError(err error, committing bool) error {
	switch judge(err, committing) {
	case untrusted:
		w.db.fail(err)
		return unavailable(err)
	case notNow:
		if w.db.sick.Swap(&err) == nil {
			w.db.log.Warn("database cannot write", "err", err)
		}
		return unavailable(err)
	}
	return err
}

// panicError is a panic of an operation: it costs that operation only.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

func call(fn func(*tx) error, t *tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v, debug.Stack()}
		}
	}()
	return fn(t)
}

// committed is told of every commit how many pages the log has.
func (w *writer) committed(_ *sqlite3.Conn, _ string, pages int) error {
	w.pages = pages
	return nil
}
