package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"slices"
	"time"
)

// Version is the version of the format that this program writes, and the newest that it reads.
const Version = 1

// firstLine begins every archive, of every version.
const firstLine = "signalbox archive\n"

// The bounds of a frame. A block is closed when its rows reach blockBytes; a row may be as long as MaxRow, so that a block may be longer by one.
const (
	blockBytes = 1 << 20
	MaxRow     = 32 << 20 // bytes of a row
	maxPlain   = blockBytes + MaxRow + binary.MaxVarintLen64
	maxBlock   = maxPlain + maxPlain>>8 + 1024 // rows that cannot be packed grow a little
	maxWords   = 1 << 20                       // bytes of a header or footer
)

// The kinds of frames.
const (
	kindHeader = 'H'
	kindBlock  = 'B'
	kindFooter = 'F'
)

// headSize is what stands in a frame before its bytes.
const headSize = 13

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header says what an archive holds.
type Header struct {
	MadeAt  time.Time `json:"made_at"` // not before this moment: what was acknowledged until then is in it
	Program string    `json:"program"` // the version of the program that made it
	Source  string    `json:"source"`  // the kind of database
	Schema  int       `json:"schema"`  // the version of the database's schema
	KeyIDs  []string  `json:"key_ids"` // the names of the secret keys that its sealed values need, sorted
	Tables  []Table   `json:"tables"`  // in the order in which they are to be loaded
}

// Table is a table of an archive.
type Table struct {
	Name    string   `json:"name"`
	Key     int      `json:"key"`     // so many of the first columns are its key
	Columns []string `json:"columns"` // what the values of a row are, in their order, in the words of whoever made the rows
}

// Sum is what an archive says of one of its tables.
type Sum struct {
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // of the rows in the order in which they stand, each after its length as a uvarint; hex
}

// Contents is what a whole archive turned out to hold.
type Contents struct {
	Header Header
	Sums   []Sum  // of Header.Tables
	Bytes  int64  // of the file
	SHA256 string // of the file, hex
}

// Rows is how many rows all tables have.
func (c Contents) Rows() (n int64) {
	for _, s := range c.Sums {
		n += s.Rows
	}
	return n
}

// header is a header frame.
type header struct {
	Format int `json:"format"`
	Header
}

// footer is a footer frame.
type footer struct {
	Sums   []Sum  `json:"tables"`
	SHA256 string `json:"sha256"` // of every byte before this frame
}

// check refuses a header that nobody can mean.
func (h *Header) check() error {
	if len(h.Tables) == 0 {
		return errors.New("it names no table")
	}
	var names []string
	for _, t := range h.Tables {
		if t.Name == "" || slices.Contains(names, t.Name) {
			return fmt.Errorf("it names the table %q twice, or not at all", t.Name)
		}
		names = append(names, t.Name)
	}
	return nil
}

// sums adds up the rows of tables while they are written or read.
type sums struct {
	list []Sum
	hash []hash.Hash
	size [binary.MaxVarintLen64]byte
}

func newSums(tables int) *sums {
	s := &sums{list: make([]Sum, tables), hash: make([]hash.Hash, tables)}
	for i := range s.hash {
		s.hash[i] = sha256.New()
	}
	return s
}

func (s *sums) add(table int, row []byte) {
	s.list[table].Rows++
	s.hash[table].Write(binary.AppendUvarint(s.size[:0], uint64(len(row))))
	s.hash[table].Write(row)
}

// end fills in the hashes.
func (s *sums) end() []Sum {
	for i, h := range s.hash {
		s.list[i].SHA256 = hex.EncodeToString(h.Sum(nil))
	}
	return s.list
}

// appendHead begins a frame.
func appendHead(b []byte, kind byte, number uint32, size int) []byte {
	at := len(b)
	b = append(b, kind)
	b = binary.BigEndian.AppendUint32(b, number)
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}
