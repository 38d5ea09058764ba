package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"signalbox"
)

// conn is one connection with the statements it has compiled. It is used by one goroutine at a time.
type conn struct {
	*sqlite3.Conn
	stmts map[string]*stmt
}

// stmt is a compiled statement being given its parameters, in order. The first error sticks and comes out of run. On PostgreSQL pg
// takes the parameters and the rest stays empty: a branch costs the embedded database nothing that can be measured, where a call
// through an interface for each of a signal's hundred values would.
type stmt struct {
	*sqlite3.Stmt
	pg   *pgStmt
	c    *conn
	next int // the last parameter that was bound
	err  error
	busy bool // between its first step and its reset: a second user gets one of its own
	own  bool // not kept: closed by its user
}

// stmt returns the compiled form of a statement, with nothing bound.
func (c *conn) stmt(sql string) (*stmt, error) {
	s := c.stmts[sql]
	if s != nil && !s.busy {
		s.next, s.err = 0, nil
		return s, nil
	}
	compiled, tail, err := c.PrepareFlags(toSQLite(sql), sqlite3.PREPARE_PERSISTENT)
	if err == nil && (compiled == nil || tail != "") {
		err = errors.New("not exactly one statement")
	}
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", sql, err)
	}
	fresh := &stmt{Stmt: compiled, c: c, own: s != nil}
	if s == nil {
		c.stmts[sql] = fresh
	}
	return fresh, nil
}

// close ends the statements and the connection.
func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	clear(c.stmts)
	return errors.Join(append(errs, c.Conn.Close())...)
}

func (s *stmt) bound(err error) *stmt {
	if s.err == nil {
		s.err = err
	}
	return s
}

func (s *stmt) int(v int64) *stmt {
	if s.pg != nil {
		s.pg.int(v)
		return s
	}
	s.next++
	return s.bound(s.BindInt64(s.next, v))
}

// id binds an id, or a count that is NULL where there is none: zero is NULL.
func (s *stmt) id(v int64) *stmt {
	if v == 0 {
		return s.null()
	}
	return s.int(v)
}

func (s *stmt) bool(v bool) *stmt {
	if v {
		return s.int(1)
	}
	return s.int(0)
}

func (s *stmt) text(v string) *stmt {
	if s.pg != nil {
		s.pg.text(v)
		return s
	}
	s.next++
	return s.bound(s.BindText(s.next, v))
}

// json binds bytes as TEXT: nil is NULL.
func (s *stmt) json(v []byte) *stmt {
	if v == nil {
		return s.null()
	}
	if s.pg != nil {
		s.pg.bytes(v)
		return s
	}
	s.next++
	return s.bound(s.BindRawText(s.next, v))
}

// blob binds bytes as they are: nil is NULL.
func (s *stmt) blob(v []byte) *stmt {
	if v == nil {
		return s.null()
	}
	if s.pg != nil {
		s.pg.bytes(v)
		return s
	}
	s.next++
	return s.bound(s.BindBlob(s.next, v))
}

// time binds microseconds: the zero time is NULL.
func (s *stmt) time(v time.Time) *stmt {
	if v.IsZero() {
		return s.null()
	}
	return s.int(v.UnixMicro())
}

func (s *stmt) null() *stmt {
	if s.pg != nil {
		s.pg.null()
		return s
	}
	s.next++
	return s.bound(s.BindNull(s.next))
}

// run executes a statement that returns no rows and says how many rows it changed.
func (s *stmt) run() (int64, error) {
	if s.pg != nil {
		return s.pg.run(s.err)
	}
	err := s.err
	if err == nil {
		err = s.Exec()
	}
	if err = s.done(err); err != nil {
		return 0, err
	}
	return s.c.Changes(), nil
}

// rows steps through the result. The callback's errStop ends it early without an error.
func (s *stmt) rows(each func(*row) error) (err error) {
	if s.pg != nil {
		return s.pg.rows(s.err, each)
	}
	s.busy = true
	defer func() { // also when each panics: a statement left open would hold its snapshot
		s.busy = false
		if resetErr := s.Reset(); err == nil {
			err = resetErr
		}
		if err = s.done(err); errors.Is(err, errStop) {
			err = nil
		}
	}()
	if s.err != nil {
		return s.err
	}
	r := row{s: s.Stmt}
	for s.Step() {
		if err := each(&r); err != nil {
			return err
		}
	}
	return s.Err()
}

// first calls scan with the first row of the result and says whether there was one.
func (s *stmt) first(scan func(*row)) (found bool, err error) {
	err = s.rows(func(r *row) error {
		found = true
		scan(r)
		return errStop
	})
	return found, err
}

// done closes a statement that is not kept, and says which statement an error came from.
func (s *stmt) done(err error) error {
	var code sqlite3.ErrorCode
	if errors.As(err, &code) {
		err = fmt.Errorf("%w in %q", err, s.SQL())
	}
	if s.own {
		if closeErr := s.Close(); err == nil {
			err = closeErr
		}
	}
	return err
}

// errStop, returned by a row callback, ends the query early without an error.
var errStop = errors.New("stop")

// row is the row that a query stands on. What it returns is the caller's to keep.
type row struct {
	s  *sqlite3.Stmt
	pg [][]byte // PostgreSQL: the columns as they came, in its binary form; they are its own
}

// int returns an integer column, 0 for NULL.
func (r *row) int(i int) int64 {
	if r.pg != nil {
		return pgInt(r.pg[i])
	}
	return r.s.ColumnInt64(i)
}

// text returns a text column, "" for NULL.
func (r *row) text(i int) string {
	if r.pg != nil {
		return string(r.pg[i])
	}
	return r.s.ColumnText(i)
}

// bytes returns a copy of a text or blob column, nil for NULL.
func (r *row) bytes(i int) []byte {
	if r.pg != nil {
		return bytes.Clone(r.pg[i])
	}
	if raw := r.s.ColumnRawBlob(i); raw != nil {
		return append(make([]byte, 0, len(raw)), raw...)
	}
	if r.null(i) {
		return nil
	}
	return []byte{}
}

// bool returns an integer column as a truth value.
func (r *row) bool(i int) bool { return r.int(i) != 0 }

// time returns a column of microseconds, the zero time for NULL.
func (r *row) time(i int) time.Time {
	us := r.int(i)
	if us == 0 && r.null(i) {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// null says whether a column is NULL.
func (r *row) null(i int) bool {
	if r.pg != nil {
		return r.pg[i] == nil
	}
	return r.s.ColumnType(i) == sqlite3.NULL
}

// tx is what an operation sees of the database: one transaction of the writer, or one snapshot of a reader. It never leaves this
// room, and nothing outside the database happens inside one.
type tx struct {
	c  *conn    // SQLite
	pg *session // PostgreSQL
}

// stmt returns the compiled form of a statement, with nothing bound.
func (t *tx) stmt(sql string) (*stmt, error) {
	if t.pg != nil {
		return t.pg.stmt(sql)
	}
	return t.c.stmt(sql)
}

// textBytes are bytes to bind as TEXT: nil is NULL.
type textBytes []byte

// id makes a parameter of a typed id: NULL for none.
func id[T signalbox.ID](v T) any {
	if v == 0 {
		return nil
	}
	return int64(v)
}

// exec runs a statement that returns no rows and says how many rows it changed.
func (t *tx) exec(sql string, args ...any) (changed int64, err error) {
	s, err := t.bind(sql, args)
	if err != nil {
		return 0, err
	}
	return s.run()
}

// query calls each for every row of the result; errStop from it ends the query early without an error.
func (t *tx) query(sql string, args []any, each func(r *row) error) error {
	s, err := t.bind(sql, args)
	if err != nil {
		return err
	}
	return s.rows(each)
}

// one calls scan with the first row of the result and says whether there was one.
func (t *tx) one(sql string, args []any, scan func(r *row)) (found bool, err error) {
	s, err := t.bind(sql, args)
	if err != nil {
		return false, err
	}
	return s.first(scan)
}

// bind compiles a statement and gives it its parameters: integers, strings, bools, typed ids (0 is NULL), []byte (nil is NULL),
// textBytes, times (zero is NULL) and nil.
func (t *tx) bind(sql string, args []any) (*stmt, error) {
	s, err := t.stmt(sql)
	if err != nil {
		return nil, err
	}
	for _, arg := range args {
		bindArg(s, arg)
	}
	return s, nil
}

func bindArg(s *stmt, arg any) {
	switch v := arg.(type) {
	case nil:
		s.null()
	case int64:
		s.int(v)
	case int:
		s.int(int64(v))
	case uint8:
		s.int(int64(v))
	case string:
		s.text(v)
	case []byte:
		s.blob(v)
	case textBytes:
		s.json(v)
	case bool:
		s.bool(v)
	case time.Time:
		s.time(v)
	default:
		bindWord(s, arg)
	}
}

// bindWord binds the words of the root package.
func bindWord(s *stmt, arg any) {
	switch v := arg.(type) {
	case signalbox.WorkspaceID:
		s.id(int64(v))
	case signalbox.KeyID:
		s.id(int64(v))
	case signalbox.SignalID:
		s.id(int64(v))
	case signalbox.TypeID:
		s.id(int64(v))
	case signalbox.AccountID:
		s.id(int64(v))
	case signalbox.ContactID:
		s.id(int64(v))
	case signalbox.EntityID:
		s.id(int64(v))
	case signalbox.WebhookID:
		s.id(int64(v))
	case signalbox.EventID:
		s.id(int64(v))
	case signalbox.DeliveryID:
		s.id(int64(v))
	case signalbox.AttemptID:
		s.id(int64(v))
	case signalbox.JobID:
		s.id(int64(v))
	case signalbox.MergeID:
		s.id(int64(v))
	case signalbox.ImportID:
		s.id(int64(v))
	case signalbox.StreamID:
		s.id(int64(v))
	case signalbox.SyncRunID:
		s.id(int64(v))
	case signalbox.DeliveryState:
		s.int(int64(v))
	case signalbox.DueKind:
		s.int(int64(v))
	case signalbox.KeyKind:
		s.int(int64(v))
	default:
		s.bound(fmt.Errorf("no parameter can be a %T", arg))
	}
}
