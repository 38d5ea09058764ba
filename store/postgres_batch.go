package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"signalbox"
)

// A batch runs a statement for many rows at once: what is written once with $1, $2 … for one row is given the rows as arrays, one for each
// parameter (unnest), which is as fast as COPY and takes part in any statement (storage.md). How a statement is turned:
//
//	INSERT … VALUES ($1, $2)    INSERT … SELECT b.p1, b.p2 FROM unnest($1::bigint[], $2::text[]) AS b(p1, p2)
//	UPDATE t SET … WHERE a = $1 UPDATE t SET … FROM unnest(…) AS b(…) WHERE a = b.p1
//	DELETE FROM t WHERE a = $1  DELETE FROM t USING unnest(…) AS b(…) WHERE a = b.p1
//	SELECT c FROM t WHERE a=$1  SELECT c, b.n FROM unnest(…) WITH ORDINALITY AS b(…, n), t WHERE a = b.p1
//
// The types of the parameters are what the server says of the statement for one row.

// batchName is what the batch form of a statement is kept under, exactName its exact form.
const (
	batchName = "\x00batch "
	exactName = "\x00exact "
)

// The exact form of a statement fails at the server, with a division by zero, when it does not change as many rows as its last parameter says: a
// COMMIT that was sent with it is passed over then.
const (
	exactly    = "WITH changed AS (%s\nRETURNING 1)\nSELECT 1 / (count(*) = $%d::bigint)::int\n  FROM changed"
	wrongCount = "22012"
)

// arrays are the array types of the parameters' types.
var arrays = map[uint32]string{
	pgtype.Int8OID: "bigint[]", pgtype.Int4OID: "integer[]", pgtype.Int2OID: "smallint[]", pgtype.BoolOID: "boolean[]",
	pgtype.TextOID: "text[]", pgtype.ByteaOID: "bytea[]",
}

// batch returns the batch form of a statement, or its exact form, with no rows bound.
func (s *session) batch(sql string, exact bool) (*stmt, error) {
	one, err := s.prepare(sql)
	if err != nil {
		return nil, err
	}
	name := batchName
	if exact {
		name = exactName
	}
	p := s.stmts[name+sql]
	if p == nil {
		text, err := batchText(one.text, one.ParamOIDs)
		if err != nil {
			return nil, err
		}
		if exact {
			text = fmt.Sprintf(exactly, text, len(one.ParamOIDs)+1)
		}
		if p, err = s.prepare(text); err != nil {
			return nil, err
		}
		s.stmts[name+sql] = p
	}
	q := &pgStmt{s: s, p: p, cols: make([]column, len(one.ParamOIDs))}
	for i, oid := range one.ParamOIDs {
		q.cols[i].oid = oid
	}
	return &stmt{pg: q}, nil
}

// row begins the next row of a batch.
func (q *pgStmt) row() { q.next = 0 }

// bound makes arrays of the rows.
func (q *pgStmt) bound() {
	for i := range q.cols {
		q.params = append(q.params, q.cols[i].array())
	}
	q.cols = nil
}

func batchText(sql string, oids []uint32) (string, error) {
	var types, names []string
	for i, oid := range oids {
		if arrays[oid] == "" {
			return "", fmt.Errorf("no array for type %d in %q", oid, sql)
		}
		types = append(types, fmt.Sprintf("$%d::%s", i+1, arrays[oid]))
		names = append(names, fmt.Sprintf("p%d", i+1))
	}
	from := "unnest(" + strings.Join(types, ", ") + ") AS b(" + strings.Join(names, ", ") + ")"
	text := strings.ReplaceAll(sql, "$", "b.p")
	switch head := strings.TrimSpace(text); {
	case strings.HasPrefix(head, "INSERT"):
		before, after, ok := strings.Cut(text, "VALUES (")
		values, rest, closed := strings.Cut(after, ")")
		if !ok || !closed {
			break
		}
		text = before + "SELECT " + values + "\n  FROM " + from
		if rest != "" {
			text += "\n WHERE true" + rest // or ON would be read as a join's
		}
		return text, nil
	case strings.HasPrefix(head, "UPDATE"):
		return insertBefore(text, "\n WHERE ", "\n  FROM "+from), nil
	case strings.HasPrefix(head, "DELETE"):
		return insertBefore(text, "\n WHERE ", "\n USING "+from), nil
	case strings.HasPrefix(head, "SELECT"):
		from = strings.Replace(from, ") AS b(", ") WITH ORDINALITY AS b(", 1)
		from = strings.TrimSuffix(from, ")") + ", n)"
		return strings.Replace(text, "\n  FROM ", ", b.n\n  FROM "+from+", ", 1), nil
	}
	return "", errors.New("no batch form of " + sql)
}

func insertBefore(text, mark, what string) string {
	return strings.Replace(text, mark, what+mark, 1)
}

// column is one parameter of many rows, in the binary form of an array.
type column struct {
	oid   uint32
	rows  int
	nulls bool
	buf   []byte
}

func (c *column) add(v []byte) {
	c.rows++
	if v == nil {
		c.nulls = true
		c.buf = binary.BigEndian.AppendUint32(c.buf, 1<<32-1)
		return
	}
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(v)))
	c.buf = append(c.buf, v...)
}

func (c *column) array() []byte {
	a := make([]byte, 0, 20+len(c.buf))
	a = binary.BigEndian.AppendUint32(a, 1) // one dimension
	flags := uint32(0)
	if c.nulls {
		flags = 1
	}
	a = binary.BigEndian.AppendUint32(a, flags)
	a = binary.BigEndian.AppendUint32(a, c.oid)
	a = binary.BigEndian.AppendUint32(a, uint32(c.rows))
	a = binary.BigEndian.AppendUint32(a, 1) // the first element's number
	return append(a, c.buf...)
}

// runBatch runs a statement for rows, SliceRows at a time.
func runBatch[T any](t *tx, sql string, rows []T, bind func(*stmt, *T)) error {
	return t.runBatch(sql, len(rows), false, func(s *stmt, i int) { bind(s, &rows[i]) })
}

// runBatch runs a statement for n rows; exact: it must change as many of the database.
func (t *tx) runBatch(sql string, n int, exact bool, bind func(*stmt, int)) error {
	for at := 0; at < n; at += signalbox.SliceRows {
		s, err := t.pg.batch(sql, exact)
		if err != nil {
			return err
		}
		end := min(at+signalbox.SliceRows, n)
		for i := at; i < end; i++ {
			s.pg.row()
			bind(s, i)
		}
		s.pg.bound()
		if exact {
			s.int(int64(end - at))
		}
		if _, err := s.run(); err != nil {
			return err
		}
	}
	return nil
}

// findBatch looks rows up, SliceRows at a time, when the session's queue is sent; found is told which of them a result belongs to. The column behind
// those of the statement is the row's number.
func findBatch[T any](t *tx, sql string, columns int, rows []T, bind func(*stmt, *T), found func(r *row, of *T) error) error {
	for len(rows) > 0 {
		n := min(len(rows), signalbox.SliceRows)
		s, err := t.pg.batch(sql, false)
		if err != nil {
			return err
		}
		for i := range rows[:n] {
			s.pg.row()
			bind(s, &rows[i])
		}
		s.pg.bound()
		part := rows[:n]
		if err := s.pg.later(s.err, func(r *row) error { return found(r, &part[r.int(columns)-1]) }); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// bindIDs binds an array of ids to the next parameter.
func bindIDs[T signalbox.ID](s *stmt, ids []T) {
	bindInts(s, pgtype.Int8OID, ids, func(id *T) int64 { return int64(*id) })
}

// bindInts binds an array of integers to the next parameter.
func bindInts[T any](s *stmt, oid uint32, rows []T, of func(*T) int64) {
	c := column{oid: oid}
	for i := range rows {
		var b [8]byte
		v, err := appendInt(b[:0], oid, of(&rows[i]))
		s.bound(err)
		c.add(v)
	}
	s.pg.put(c.array())
}
