package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"
)

// An encoded row is its values one behind the other in the order of Table.Columns, the same bytes whichever database it came from:
//
//	NULL     0
//	integer  1, zigzag varint
//	text     2, length as uvarint, UTF-8
//	blob     3, length as uvarint, bytes
//
// Only PostgreSQL refuses U+0000 and what is no UTF-8 in text; what the embedded database has of it, as in the words of a receiver's
// error, is U+FFFD in a row.

// errNotARow is what decoding says of bytes that are no row of their table.
var errNotARow = errors.New("it is no row of this table: a value is cut off, of another kind, missing or too much")

// appendRow encodes the row that a query of t.Columns stands on.
func (t *Table) appendRow(b []byte, r *row) ([]byte, error) {
	var err error
	for i := range t.Columns {
		if b, err = appendValue(b, r, i, t.kinds[i]); err != nil {
			return b, fmt.Errorf("column %s of %s: %w", t.Columns[i], t.Name, err)
		}
	}
	return b, nil
}

func appendValue(b []byte, r *row, i int, k kind) ([]byte, error) {
	if r.null(i) {
		return append(b, 0), nil
	}
	b = append(b, byte(k))
	if k == kindInt {
		if r.pg == nil && r.s.ColumnType(i) != sqlite3.INTEGER {
			return b, fmt.Errorf("it holds a value of type %s, not an integer", r.s.ColumnType(i))
		}
		return binary.AppendVarint(b, r.int(i)), nil
	}
	var value []byte // the row's own
	if r.pg != nil {
		value = r.pg[i]
	} else {
		value = r.s.ColumnRawBlob(i)
	}
	if k == kindText && r.pg == nil && (!utf8.Valid(value) || bytes.IndexByte(value, 0) >= 0) {
		value = bytes.ToValidUTF8(bytes.ReplaceAll(value, []byte{0}, []byte("\uFFFD")), []byte("\uFFFD"))
	}
	return append(binary.AppendUvarint(b, uint64(len(value))), value...), nil
}

// values reads an encoded row; it is called for each column with an integer, or the bytes of a text or blob, or nothing for NULL.
func (t *Table) values(encoded []byte, each func(i int, k kind, n int64, b []byte)) error {
	rest := encoded
	for i, want := range t.kinds {
		if len(rest) == 0 {
			return errNotARow
		}
		got := kind(rest[0])
		rest = rest[1:]
		if got != 0 && got != want {
			return errNotARow
		}
		switch got {
		case 0:
			each(i, 0, 0, nil)
		case kindInt:
			v, size := binary.Varint(rest)
			if size <= 0 {
				return errNotARow
			}
			each(i, got, v, nil)
			rest = rest[size:]
		default:
			n, size := binary.Uvarint(rest)
			if size <= 0 || n > uint64(len(rest)-size) {
				return errNotARow
			}
			each(i, got, 0, rest[size:size+int(n)])
			rest = rest[size+int(n):]
		}
	}
	if len(rest) > 0 {
		return errNotARow
	}
	return nil
}

// bindRow gives an encoded row's values to a statement.
func (t *Table) bindRow(s *stmt, encoded []byte) error {
	return t.values(encoded, func(_ int, k kind, n int64, b []byte) {
		switch k {
		case kindInt:
			s.int(n)
		case kindText:
			s.json(b)
		case kindBlob:
			s.blob(b)
		default:
			s.null()
		}
	})
}

// place is where a row stands in the order that its database keeps rows in: the values of those columns.
func (t *Table) place(encoded []byte, order []int) (place []byte, err error) {
	parts := make([][]byte, len(t.Columns))
	err = t.values(encoded, func(i int, k kind, n int64, b []byte) {
		switch k {
		case 0:
			parts[i] = []byte{0}
			return
		case kindInt:
			parts[i] = binary.AppendVarint([]byte{byte(k)}, n)
			return
		}
		parts[i] = append(binary.AppendUvarint([]byte{byte(k)}, uint64(len(b))), b...)
	})
	for _, column := range order {
		place = append(place, parts[column]...)
	}
	return place, err
}

// bindPlace gives the values of a place to a statement.
func (t *Table) bindPlace(s *stmt, place []byte, order []int) error {
	key := &Table{kinds: make([]kind, len(order))}
	for i, column := range order {
		key.kinds[i] = t.kinds[column]
	}
	return key.bindRow(s, place)
}

// Sum is a count and a checksum of rows, whatever order they come in: two databases that keep their rows in different orders are compared by
// it. It is the sum, modulo 2^128, of the first half of each row's SHA-256.
type Sum struct {
	Rows   int64
	hi, lo uint64
}

// Add counts an encoded row in.
func (s *Sum) Add(row []byte) {
	h := sha256.Sum256(row)
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, binary.BigEndian.Uint64(h[8:16]), 0)
	s.hi, _ = bits.Add64(s.hi, binary.BigEndian.Uint64(h[:8]), carry)
	s.Rows++
}

// Checksum is the sum without the count, 32 hex characters.
func (s Sum) Checksum() string { return fmt.Sprintf("%016x%016x", s.hi, s.lo) }
