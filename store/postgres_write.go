package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"signalbox/internal/fault"
)

// reruns is how often a transaction is run again that the server gave up for the sake of another one.
const reruns = 8

// write runs fn in a transaction of its own, with the promises of DB.write, but one: fn runs again when the server gave the
// transaction up for another's sake (40001, 40P01), when the connection broke and the transaction is known not to be committed, or when a row that
// it looked for in vain was made meanwhile (23505, what people change).
func (p *postgres) write(ctx context.Context, c class, fn func(*tx) error) error {
	if err := p.enter(ctx, p.queues[c]); err != nil {
		return err
	}
	defer func() { <-p.queues[c] }()
	for n := 0; ; n++ {
		err := p.transact(ctx, fn)
		if err == nil {
			p.db.sick.Store(nil)
			return nil
		}
		if n == reruns || !again(err, c, n) || p.watch.gone() != nil {
			return p.answer(err)
		}
		// Two that met are not to meet again at once.
		select {
		case <-time.After(time.Duration(rand.Int64N(int64(time.Millisecond) << n))):
		case <-p.closing:
			return unavailable(errClosed)
		}
	}
}

// single runs one statement that is its own transaction: what an idle node says to the server is no more than it must be. It runs again on
// another connection only where it was not heard.
func (p *postgres) single(ctx context.Context, fn func(*tx) error) error {
	if err := p.enter(ctx, p.queues[classBeat]); err != nil {
		return err
	}
	defer func() { <-p.queues[classBeat] }()
	err := p.alone(ctx, fn)
	for n := 0; n < 2 && errors.As(err, new(*stale)); n++ {
		err = p.alone(ctx, fn)
	}
	if err == nil {
		p.db.sick.Store(nil)
	}
	return p.answer(err)
}

func (p *postgres) alone(ctx context.Context, fn func(*tx) error) error {
	c, s, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer release(c, s)
	s.heard, s.queue, s.deferring = false, s.queue[:0], false
	return s.orStale(fn(&tx{pg: s}))
}

// stale is an error of a connection that broke when nothing had come of its transaction yet: the server was restarted, or ended the connection.
// Nothing is saved and nobody was told anything, so that another connection may be tried.
type stale struct{ err error }

func (e *stale) Error() string { return e.err.Error() }
func (e *stale) Unwrap() error { return e.err }

// orStale marks the error of a transaction that the server never answered in.
func (s *session) orStale(err error) error {
	if s.heard {
		return err
	}
	return s.orBroken(err)
}

// orBroken marks the error of a transaction whose connection broke before its COMMIT was taken.
func (s *session) orBroken(err error) error {
	if err != nil && s.conn.IsClosed() && judgePostgres(err) == notNow {
		return &stale{err}
	}
	return err
}

// again says whether a transaction that ended with err is run once more.
func again(err error, c class, ran int) bool {
	var e *pgconn.PgError
	var s *stale
	if errors.As(err, &s) {
		return ran < 2
	}
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == "40001" || e.Code == "40P01" || e.Code == "23505" && c == classManage && ran == 0
}

// transact runs fn in one transaction. Its first statement asks for the transaction's number, by which the outcome is found when the answer
// to COMMIT is lost.
func (p *postgres) transact(ctx context.Context, fn func(*tx) error) error {
	c, s, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer release(c, s)
	err = s.beginWrite()
	if err == nil {
		err = call(fn, &tx{pg: s})
	}
	if err == nil {
		err = s.hear()
	}
	if err != nil {
		_ = s.rollback()
		return s.orBroken(err)
	}
	fault.Point("store.before_commit")
	if err := fault.Err("store.commit"); err != nil {
		_ = s.rollback()
		return &lost{err}
	}
	if err := s.commit(); err != nil {
		if !outcomeUnknown(err) {
			_ = s.rollback()
			return s.orBroken(err)
		}
		if err := p.resolve(s.xid, s.proof, err); err != nil {
			return err
		}
	}
	fault.Point("store.after_commit")
	return nil
}

// beginWrite begins a transaction that writes, and asks for its number.
func (s *session) beginWrite() error {
	if err := s.begin(beginWriteSQL); err != nil {
		return err
	}
	number, err := s.prepare(transactionNumberSQL)
	if err != nil {
		return err
	}
	s.queue = append(s.queue, queued{p: number, each: func(r *row) error {
		s.xid = r.text(0)
		return nil
	}})
	return nil
}

// rolledBack says that the server answered COMMIT with ROLLBACK: a statement had failed and somebody went on.
type rolledBack struct{}

func (rolledBack) Error() string {
	return "the transaction was rolled back: one of its statements had failed"
}

// judgePostgres says what an error means: nothing here is ever untrusted, the server keeps its own promises. What the
// server could not do now, or the way to it, is Unavailable; any other error is the operation's own.
func judgePostgres(err error) verdict {
	var way *lost
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e):
		return judgeCode(e.Code)
	case errors.As(err, &way):
		return notNow
	}
	return ownFault
}

// notNowClasses are the SQLSTATE classes that a later try may not meet again.
var notNowClasses = map[string]bool{
	"08": true, // connection
	"40": true, // rolled back for another's sake, once more after all reruns
	"53": true, // out of disk, memory or connections
	"57": true, // shut down, starting, or a statement that ran too long
	"58": true, // the server's own files
	"XX": true, // the server's own fault, corruption among them
}

func judgeCode(code string) verdict {
	switch {
	case code == "55P03", // a lock was not free in time
		code == "25P03",                                   // this program stood still for too long in the middle of a transaction
		code == "25006",                                   // the server has become a read-only standby
		code == "28P01", code == "28000", code == "3D000", // a password or database that was right once
		len(code) == 5 && notNowClasses[code[:2]]:
		return notNow
	}
	return ownFault
}

// describe names the statement that an error came from.
func describe(err error, sql string) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		if e.Code == wrongCount {
			return fmt.Errorf("not as many rows changed as must be in %q", sql)
		}
		return fmt.Errorf("%w in %q", err, sql)
	}
	return &lost{err}
}
