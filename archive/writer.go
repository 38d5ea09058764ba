package archive

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// Writer writes an archive. It is used by one goroutine at a time, and after an error it is of no use.
type Writer struct {
	to     io.Writer
	tables int
	sums   *sums
	whole  hash.Hash
	frames uint32
	bytes  int64

	table int // of the open block
	rows  int
	plain []byte
	block bytes.Buffer
	pack  *flate.Writer
	err   error
	done  Contents
}

// NewWriter begins an archive. Everything goes to w in a few large writes; w may need a Sync, not a Flush.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("archive header: %w", err)
	}
	text, err := json.Marshal(header{Version, h})
	if err != nil {
		return nil, fmt.Errorf("archive header: %w", err)
	}
	if len(text) > maxWords {
		return nil, fmt.Errorf("archive header: it has %d bytes, the most is %d", len(text), maxWords)
	}
	// Not a better level: that takes several times as long for a fourteenth less, and a server that is backed up has other work.
	pack, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	a := &Writer{to: w, tables: len(h.Tables), sums: newSums(len(h.Tables)), whole: sha256.New(), pack: pack, done: Contents{Header: h}}
	a.put([]byte(firstLine))
	a.frame(kindHeader, text)
	return a, a.err
}

// Row adds a row of a table: the number is that in the header, and never goes back.
func (a *Writer) Row(table int, row []byte) error {
	switch {
	case a.err != nil:
		return a.err
	case table < a.table || table >= a.tables:
		return fmt.Errorf("archive: a row of table %d after one of table %d, of %d", table, a.table, a.tables)
	case len(row) > MaxRow:
		return fmt.Errorf("archive: a row of table %d has %d bytes, the most is %d", table, len(row), MaxRow)
	}
	if table != a.table {
		a.endBlock()
		a.table = table
	}
	a.sums.add(table, row)
	a.plain = append(binary.AppendUvarint(a.plain, uint64(len(row))), row...)
	a.rows++
	if len(a.plain) >= blockBytes {
		a.endBlock()
	}
	return a.err
}

// Close ends the archive and says what is in it. It does not close what was written to.
func (a *Writer) Close() (Contents, error) {
	a.endBlock()
	if a.err != nil {
		return Contents{}, a.err
	}
	a.done.Sums = a.sums.end()
	text, err := json.Marshal(footer{a.done.Sums, hex.EncodeToString(a.whole.Sum(nil))})
	if err != nil {
		return Contents{}, err
	}
	a.frame(kindFooter, text)
	if a.err != nil {
		return Contents{}, a.err
	}
	a.done.Bytes, a.done.SHA256 = a.bytes, hex.EncodeToString(a.whole.Sum(nil))
	a.err = errors.New("archive: it is closed")
	return a.done, nil
}

// endBlock writes the rows that are open.
func (a *Writer) endBlock() {
	if a.rows == 0 || a.err != nil {
		return
	}
	a.block.Reset()
	head := binary.AppendUvarint(nil, uint64(a.table))
	head = binary.AppendUvarint(head, uint64(a.rows))
	a.block.Write(binary.AppendUvarint(head, uint64(len(a.plain))))
	a.pack.Reset(&a.block)
	_, err := a.pack.Write(a.plain)
	if err = errors.Join(err, a.pack.Close()); err != nil { // a bytes.Buffer takes everything
		a.err = err
		return
	}
	a.frame(kindBlock, a.block.Bytes())
	a.rows, a.plain = 0, a.plain[:0]
	if cap(a.plain) > 4*blockBytes { // after a row of unusual length
		a.plain, a.block = nil, bytes.Buffer{}
	}
}

func (a *Writer) frame(kind byte, text []byte) {
	head := appendHead(nil, kind, a.frames, len(text))
	a.frames++
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, text)
	a.put(head)
	a.put(text)
	a.put(binary.BigEndian.AppendUint32(nil, sum))
}

func (a *Writer) put(b []byte) {
	if a.err != nil {
		return
	}
	n, err := a.to.Write(b)
	a.bytes += int64(n)
	a.whole.Write(b[:n])
	if err != nil {
		a.err = fmt.Errorf("write the archive: %w", err)
	}
}
