package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// A trip to the server and back costs more than most statements. Statements wait in their session's queue until somebody needs a result, and
// are sent together then (pipeline): the beginning of a transaction goes with its first look-ups, and what a decision
// writes goes with the COMMIT: a turn takes two trips. Order is kept, each statement sees what those before it did, and after one that fails
// the server passes over all that stand behind it, the COMMIT too.

// queued is a statement that waits to be sent.
type queued struct {
	p      *prepared
	params [][]byte
	each   func(*row) error        // called for each row of the result
	ended  func(pgconn.CommandTag) // called with what the server says of it at its end
}

const (
	beginWriteSQL = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`
	beginReadSQL  = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`

	commitSQL = `COMMIT`

	transactionNumberSQL = `
SELECT pg_current_xact_id()::text`
)

// begin begins a transaction with the next statement that is sent.
func (s *session) begin(sql string) error {
	s.xid, s.proof = "", proof{}
	s.heard, s.queue, s.deferring = false, s.queue[:0], false
	p, err := s.prepare(sql)
	if err != nil {
		return err
	}
	s.queue = append(s.queue, queued{p: p})
	return nil
}

// unheard runs fn, whose statements nobody waits for: they go with the next trip, or with the COMMIT.
func (t *tx) unheard(fn func() error) error {
	if t.pg == nil {
		return fn()
	}
	before := t.pg.deferring
	t.pg.deferring = true
	defer func() { t.pg.deferring = before }()
	return fn()
}

// hear sends what somebody listens to: nothing of a transaction that is committed may be refused afterwards, and its number must be known
// before. What nobody listens to waits for the COMMIT.
func (s *session) hear() error {
	heard := s.xid != ""
	for i := range s.queue {
		heard = heard && s.queue[i].each == nil && s.queue[i].ended == nil
	}
	if heard {
		return nil
	}
	return s.flush()
}

// commit sends what waits and ends the transaction: nil only when the server says that it is committed.
func (s *session) commit() error {
	p, err := s.prepare(commitSQL)
	if err != nil {
		return err
	}
	var said string
	s.queue = append(s.queue, queued{p: p, ended: func(tag pgconn.CommandTag) { said = tag.String() }})
	if err := s.flush(); err != nil {
		return err
	}
	if said != commitSQL {
		return &rolledBack{}
	}
	return nil
}

// rollback ends a transaction, begun or not. A connection that cannot is closed by the pool, and the server rolls back by itself.
func (s *session) rollback() error {
	s.queue, s.deferring = s.queue[:0], false
	if s.conn.TxStatus() == 'I' {
		return nil
	}
	_, err := s.simple("ROLLBACK")
	return err
}

// flush sends what waits and takes the results in. The first error ends it; the server passes over what stands behind.
func (s *session) flush() error {
	list := s.queue
	s.queue = nil // a callback's panic leaves nothing to be sent again
	if len(list) == 0 {
		return nil
	}
	defer func() {
		clear(list)
		s.queue = list[:0]
	}()
	s.depart(len(list))
	defer s.arrive()
	if len(list) == 1 {
		q := &list[0]
		return s.take(q, s.conn.ExecStatement(context.Background(), q.p.StatementDescription, q.params, binaryForm, binaryForm))
	}
	return s.pipeline(list)
}

func (s *session) pipeline(list []queued) (err error) {
	pl := s.conn.StartPipeline(context.Background())
	defer func() { // reads what is left, whatever ended the loop
		if closeErr := pl.Close(); err == nil && closeErr != nil {
			err = &lost{closeErr}
		}
	}()
	for i := range list {
		pl.SendQueryStatement(list[i].p.StatementDescription, list[i].params, binaryForm, binaryForm)
	}
	if err := pl.Sync(); err != nil {
		return &lost{err}
	}
	for i := range list {
		results, err := pl.GetResults()
		if err != nil {
			return describe(err, list[i].p.text)
		}
		rr, ok := results.(*pgconn.ResultReader)
		if !ok {
			return errors.New("no result of " + list[i].p.text)
		}
		if err := s.take(&list[i], rr); err != nil {
			return err
		}
	}
	return nil
}

// take reads a statement's result.
func (s *session) take(q *queued, rr *pgconn.ResultReader) error {
	closed := false
	defer func() { // also when each panics: a result left open would block the connection
		if !closed {
			_, _ = rr.Close()
		}
	}()
	var stopped error
	for q.each != nil && stopped == nil && rr.NextRow() {
		s.heard = true
		stopped = q.each(&row{pg: rr.Values()})
	}
	closed = true
	tag, err := rr.Close()
	s.heard = s.heard || err == nil
	switch {
	case err != nil:
		return describe(err, q.p.text)
	case stopped != nil && !errors.Is(stopped, errStop):
		return stopped
	case q.ended != nil:
		q.ended(tag)
	}
	return nil
}
