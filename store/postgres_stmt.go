package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// session is one connection with the statements it has prepared. It is used by one goroutine at a time.
type session struct {
	conn  *pgconn.PgConn
	owner *postgres // nil: it is of no pool
	stmts map[string]*prepared
	ctx   context.Context // of a read: its statements do not begin after its end
	xid   string          // the number of the transaction that is under way
	proof proof           // shows that it was committed
	heard bool            // the server has answered in it
	end   time.Time       // when the connection is given up, whatever happens; zero: never

	queue     []queued // what is sent with the next statement whose result somebody waits for
	deferring bool     // nobody waits for how many rows a statement changed
}

// prepared is a statement as the server knows it.
type prepared struct {
	*pgconn.StatementDescription
	text string // as it was sent
}

// binaryForm says that all values are in PostgreSQL's binary form.
var binaryForm = []int16{pgtype.BinaryFormatCode}

// until gives the connection up at a moment, whatever happens then; the zero time takes that back. A context for each call would cost a
// goroutine for each call.
func (s *session) until(at time.Time) {
	_ = s.conn.Conn().SetDeadline(at) // a closed connection says so when it is used
}

// depart and arrive are around every trip to the server, so that its statements are counted and one which lasts is noticed. A connection of nobody's pool, which copies or looks
// at a schema, has its own deadline and is not watched.
func (s *session) depart(statements int) {
	if s.owner != nil {
		s.owner.statements.Add(int64(statements))
		s.owner.watch.depart(s)
	}
}

func (s *session) arrive() {
	if s.owner != nil {
		s.owner.watch.arrive(s)
	}
}

// simple runs statements without parameters and returns the first column of the last row.
func (s *session) simple(sql string) (value string, err error) {
	s.depart(1)
	defer s.arrive()
	results, err := s.conn.Exec(context.Background(), sql).ReadAll()
	if err != nil {
		return "", describe(err, sql)
	}
	if rows := results[len(results)-1].Rows; len(rows) > 0 {
		value = string(rows[0][0])
	}
	return value, nil
}

// prepare returns the server's form of a statement, prepared at its first use.
func (s *session) prepare(sql string) (*prepared, error) {
	if p := s.stmts[sql]; p != nil {
		return p, nil
	}
	if s.ctx != nil && s.ctx.Err() != nil {
		return nil, s.ctx.Err()
	}
	s.depart(0)
	defer s.arrive()
	text := toPostgres(sql)
	name := fmt.Sprint("s", len(s.stmts))
	if sql == commitSQL {
		name = "commit" // so that it can be found among what is sent
	}
	d, err := s.conn.Prepare(context.Background(), name, text, nil)
	if err != nil {
		return nil, describe(err, text)
	}
	if s.owner != nil && s.owner.db.cfg.Statements != nil {
		s.owner.db.cfg.Statements(text)
	}
	p := &prepared{d, text}
	s.stmts[sql] = p
	return p, nil
}

// stmt returns a statement with nothing bound.
func (s *session) stmt(sql string) (*stmt, error) {
	p, err := s.prepare(sql)
	if err != nil {
		return nil, err
	}
	return &stmt{pg: &pgStmt{s: s, p: p, params: make([][]byte, 0, len(p.ParamOIDs))}}, nil
}

// pgStmt is a prepared statement being given its parameters: one value for each, or, in a batch, a column for each.
type pgStmt struct {
	s      *session
	p      *prepared
	params [][]byte
	cols   []column // of a batch
	next   int      // in a batch, the column of the next value
	err    error
}

func (q *pgStmt) int(v int64) {
	oid, ok := q.oid()
	if !ok {
		return
	}
	var b [8]byte
	value, err := appendInt(b[:0], oid, v)
	if err != nil && q.err == nil {
		q.err = fmt.Errorf("parameter %d: %w", q.at(), err)
	}
	q.put(value)
}

// text binds text. The server refuses what is no UTF-8 and U+0000: the doors have refused it before, and what is left, as in the words of
// a receiver's error, is told apart no further.
func (q *pgStmt) text(v string) {
	if strings.IndexByte(v, 0) >= 0 {
		v = strings.ReplaceAll(v, "\x00", "\uFFFD")
	}
	q.put([]byte(strings.ToValidUTF8(v, "\uFFFD")))
}

func (q *pgStmt) bytes(v []byte) { q.put(v) }

func (q *pgStmt) null() { q.put(nil) }

// at is the number of the next parameter.
func (q *pgStmt) at() int {
	if q.cols != nil {
		return q.next + 1
	}
	return len(q.params) + 1
}

// oid is the type of the next parameter.
func (q *pgStmt) oid() (uint32, bool) {
	if q.cols != nil {
		return q.cols[q.next].oid, true
	}
	if len(q.params) == len(q.p.ParamOIDs) {
		q.err = errors.New("more parameters than the statement has")
		return 0, false
	}
	return q.p.ParamOIDs[len(q.params)], true
}

func (q *pgStmt) put(v []byte) {
	if q.cols == nil {
		if v != nil && len(v) <= 8 {
			v = append([]byte{}, v...) // of the caller's stack
		}
		q.params = append(q.params, v)
		return
	}
	q.cols[q.next].add(v)
	q.next++
}

// check says why the statement cannot be sent.
func (q *pgStmt) check(err error) error {
	switch {
	case err != nil:
		return err
	case q.err != nil:
		return fmt.Errorf("%w in %q", q.err, q.p.text)
	case len(q.params) != len(q.p.ParamOIDs):
		return fmt.Errorf("%d parameters of %d in %q", len(q.params), len(q.p.ParamOIDs), q.p.text)
	case q.s.ctx != nil && q.s.ctx.Err() != nil:
		return q.s.ctx.Err()
	}
	return nil
}

// run executes the statement and says how many rows it changed; while the session defers it answers 0, and an error comes out of flush.
func (q *pgStmt) run(err error) (changed int64, _ error) {
	if err := q.check(err); err != nil {
		return 0, err
	}
	if q.s.deferring {
		q.s.queue = append(q.s.queue, queued{p: q.p, params: q.params})
		return 0, nil
	}
	q.s.queue = append(q.s.queue, queued{p: q.p, params: q.params, ended: func(tag pgconn.CommandTag) { changed = tag.RowsAffected() }})
	err = q.s.flush()
	return changed, err
}

func (q *pgStmt) rows(err error, each func(*row) error) error {
	if err := q.later(err, each); err != nil {
		return err
	}
	return q.s.flush()
}

// later has each called for the rows of the result when the queue is sent.
func (q *pgStmt) later(err error, each func(*row) error) error {
	if err := q.check(err); err != nil {
		return err
	}
	q.s.queue = append(q.s.queue, queued{p: q.p, params: q.params, each: each})
	return nil
}

// appendInt appends an integer in the binary form of a type.
func appendInt(b []byte, oid uint32, v int64) ([]byte, error) {
	switch oid {
	case pgtype.Int8OID:
		return binary.BigEndian.AppendUint64(b, uint64(v)), nil
	case pgtype.Int4OID:
		if int64(int32(v)) == v {
			return binary.BigEndian.AppendUint32(b, uint32(v)), nil
		}
	case pgtype.Int2OID:
		if int64(int16(v)) == v {
			return binary.BigEndian.AppendUint16(b, uint16(v)), nil
		}
	case pgtype.BoolOID:
		if v == 0 || v == 1 {
			return append(b, byte(v)), nil
		}
	}
	return b, fmt.Errorf("%d is no value of type %d", v, oid)
}

// pgInt reads an integer or a truth value in its binary form; 0 for NULL.
func pgInt(b []byte) int64 {
	switch len(b) {
	case 8:
		return int64(binary.BigEndian.Uint64(b))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 1:
		return int64(b[0])
	}
	return 0
}
