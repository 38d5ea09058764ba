package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"signalbox"
)

// A copy of a whole database is made row by row, table by table: a backup, a restore, a move to PostgreSQL. These calls are the only ones
// that read and write rows of any table without knowing what they mean.

// sliceBytes is about how many bytes of rows one call of Rows reads at most.
const sliceBytes = 4 << 20

// copyFor is how long the server may take for one slice of rows.
const copyFor = time.Minute

// Snapshot is one moment of a database. It is used by one goroutine at a time.
type Snapshot struct {
	t   *tx
	fit int   // how many rows of the last table fitted into sliceBytes; 0: all that were asked for
	err error // of the database, not of a caller
}

// Snapshot gives fn one moment of the database, however long fn takes; the moment is not before the call. On PostgreSQL it has a connection of its own
// and keeps nobody waiting. The embedded database cannot cut its log for as long: there it is for a copy, or a database that nothing writes
// to. An error of fn is returned as it is.
func (db *DB) Snapshot(ctx context.Context, fn func(*Snapshot) error) error {
	var fnErr error
	run := func(t *tx) error {
		if err := t.sameSchema(db); err != nil { // also the first statement: the moment is its
			return err
		}
		s := &Snapshot{t: t}
		fnErr = fn(s)
		return s.err
	}
	var err error
	if db.pg != nil {
		err = db.pg.answer(db.pg.longSnapshot(ctx, run))
	} else {
		err = db.read(ctx, run)
	}
	if err != nil {
		return err
	}
	return fnErr
}

const schemaVersionSQL = `
SELECT max(number)
  FROM schema_migrations`

// sameSchema refuses a schema that has more than this program knows: a copy would lack it.
func (t *tx) sameSchema(db *DB) error {
	version, err := t.count(schemaVersionSQL)
	if err == nil && version != int64(db.version) {
		err = fmt.Errorf("the schema has version %d and this program knows up to %d: its copy would lack what is new, use the newer program", version, db.version)
	}
	return err
}

// longSnapshot is a read on a connection of its own, whose clocks are those of a slice of rows, not of a transaction.
func (p *postgres) longSnapshot(ctx context.Context, fn func(*tx) error) error {
	cfg := p.pool.Config().ConnConfig.Config
	cfg.RuntimeParams["statement_timeout"] = fmt.Sprint(copyFor.Milliseconds())
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	c, err := pgconn.ConnectConfig(ctx, &cfg)
	if err != nil {
		return &lost{err}
	}
	s := &session{conn: c, stmts: map[string]*prepared{}, ctx: ctx}
	defer func() {
		s.until(time.Now().Add(connectFor))
		_ = c.Close(context.WithoutCancel(ctx)) // it only read
	}()
	s.until(time.Now().Add(copyFor))
	if err := s.begin(beginReadSQL); err != nil {
		return err
	}
	return fn(&tx{pg: s})
}

// Rows calls each for at most limit rows of a table, encoded, from behind a place (nil: from the table's beginning), in the order in which the
// database keeps them, and returns the place to go on from, nil at the end. When rows are long it reads fewer than limit. A row is each's
// until each returns. A place of one kind of database means nothing to the other.
func (s *Snapshot) Rows(table string, after []byte, limit int, each func(row []byte) error) (next []byte, err error) {
	t := findTable(table)
	if t == nil {
		return nil, fmt.Errorf("no table %q in a copy", table)
	}
	if s.t.pg != nil {
		s.t.pg.until(time.Now().Add(copyFor))
	}
	if after == nil || s.fit == 0 {
		s.fit = limit
	}
	limit = max(min(limit, s.fit), 1)
	order := t.order(s.t.pg != nil)
	q, err := s.t.stmt(t.selectSQL(s.t.pg != nil, after != nil))
	if err != nil {
		return nil, s.broken(table, err)
	}
	if after != nil {
		if err := t.bindPlace(q, after, order); err != nil {
			return nil, fmt.Errorf("place in %s: %w", table, err)
		}
	}
	var last []byte
	var eachErr error
	rows, size := 0, 0
	err = q.int(int64(limit)).rows(func(r *row) (err error) {
		if last, err = t.appendRow(last[:0], r); err != nil {
			return err
		}
		rows++
		size += len(last)
		if eachErr = each(last); eachErr != nil || size >= sliceBytes {
			return errStop
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, s.broken(table, err)
	case eachErr != nil:
		return nil, eachErr
	case rows < limit && size < sliceBytes:
		return nil, nil
	}
	s.fit = rows
	if size < sliceBytes/2 {
		s.fit *= 2
	}
	return t.place(last, order)
}

// broken keeps an error of the database, so that what it says of the database is seen.
func (s *Snapshot) broken(table string, err error) error {
	s.err = fmt.Errorf("read %s: %w", table, err)
	return s.err
}

// Count counts the rows of a table that a copy has.
func (s *Snapshot) Count(table string) (int64, error) {
	t := findTable(table)
	if t == nil {
		return 0, fmt.Errorf("no table %q in a copy", table)
	}
	n, err := s.t.count(t.countSQL())
	if err != nil {
		return 0, s.broken(table, err)
	}
	return n, nil
}

// Sum reads a whole table and sums it up.
func (s *Snapshot) Sum(table string) (sum Sum, err error) {
	var after []byte
	for {
		after, err = s.Rows(table, after, signalbox.SliceRows, func(row []byte) error {
			sum.Add(row)
			return nil
		})
		if err != nil || after == nil {
			return sum, err
		}
	}
}

// LoadRows adds encoded rows to a table, all or none: of a database that is being filled and that nobody works on.
func (db *DB) LoadRows(ctx context.Context, table string, rows [][]byte) error {
	t := findTable(table)
	if t == nil {
		return fmt.Errorf("no table %q in a copy", table)
	}
	return db.write(ctx, classManage, func(x *tx) error { return x.loadRows(db, t, rows) })
}

func (t *tx) loadRows(db *DB, to *Table, rows [][]byte) error {
	if err := t.sameSchema(db); err != nil {
		return err
	}
	var bad error
	err := each(t, to.insertSQL(), rows, func(s *stmt, row *[]byte) {
		if err := to.bindRow(s, *row); err != nil && bad == nil {
			bad = err
			s.bound(err)
		}
	})
	if bad != nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("load %s: %w", to.Name, err)
	}
	return nil
}
