package archive

import (
	"bufio"
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
	"slices"
)

// ErrNoArchive says that a file is something else.
var ErrNoArchive = errors.New("this is not a Signalbox archive")

// Damaged says that an archive is not as it was written.
type Damaged struct {
	At   int64  // the byte before which everything was right
	What string // what is wrong from there on
}

// Error says where and what.
func (d *Damaged) Error() string {
	return fmt.Sprintf("the archive is damaged behind byte %d: %s", d.At, d.What)
}

// CutOff says that an archive ends before its end.
type CutOff struct {
	At int64 // its length
}

// Error says where.
func (c *CutOff) Error() string {
	return fmt.Sprintf("the archive is cut off: it ends after %d bytes, before its end; it was not written or copied completely", c.At)
}

// Reader reads an archive from its beginning to its end. It is used by one goroutine at a time.
type Reader struct {
	from   *bufio.Reader
	header Header
	sums   *sums
	whole  hash.Hash
	at     int64  // bytes of whole frames
	frames uint32 // whole ones
	table  int    // of the last block

	text  bytes.Buffer // of the frame
	plain []byte       // of the block
	rows  [][]byte
	open  io.ReadCloser // DEFLATE
	err   error
	done  Contents
}

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	a := &Reader{from: bufio.NewReaderSize(r, 64<<10), whole: sha256.New(), open: flate.NewReader(bytes.NewReader(nil))}
	line := make([]byte, len(firstLine))
	if n, err := io.ReadFull(a.from, line); err != nil || string(line) != firstLine {
		switch {
		case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return nil, fmt.Errorf("read the archive: %w", err)
		case n > 0 && string(line[:n]) == firstLine[:n]:
			return nil, &CutOff{int64(n)}
		}
		return nil, ErrNoArchive
	}
	a.whole.Write(line)
	a.at = int64(len(line))
	kind, text, err := a.frame()
	if err != nil {
		return nil, err
	}
	if kind != kindHeader {
		return nil, a.damaged("there is a frame of kind %q where the header belongs", kind)
	}
	return a, a.readHeader(text)
}

// readHeader reads a header whose checksum is right.
func (a *Reader) readHeader(text []byte) error {
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return a.damaged("the header: %v", err)
	}
	if h.Format != Version {
		return fmt.Errorf("the archive has format %d and this program reads format %d: use the program that made it, or a newer one", h.Format, Version)
	}
	if err := h.check(); err != nil {
		return a.damaged("the header: %v", err)
	}
	a.header, a.sums = h.Header, newSums(len(h.Tables))
	return nil
}

// Header says what the archive holds.
func (a *Reader) Header() Header { return a.header }

// Next reads the next rows: of one table, whose number is that in the header, and never goes back. They are the caller's until Next is called
// again. io.EOF says that the archive was read to its end and is whole; any other error is final too.
func (a *Reader) Next() (table int, rows [][]byte, err error) {
	if a.err == nil {
		a.err = a.next()
	}
	if a.err != nil {
		return 0, nil, a.err
	}
	return a.table, a.rows, nil
}

// Contents is what the whole archive holds, once Next has answered io.EOF.
func (a *Reader) Contents() Contents { return a.done }

// Offset is how many bytes were read and right.
func (a *Reader) Offset() int64 { return a.at }

func (a *Reader) next() error {
	before := hex.EncodeToString(a.whole.Sum(nil))
	kind, text, err := a.frame()
	switch {
	case err != nil:
		return err
	case kind == kindBlock:
		return a.readBlock(text)
	case kind == kindFooter:
		return a.readFooter(text, before)
	}
	return a.damaged("frame %d is of kind %q", a.frames-1, kind)
}

// frame reads a frame: its bytes are the reader's own until the next one.
func (a *Reader) frame() (kind byte, text []byte, err error) {
	var head [headSize]byte
	if err := a.fill(head[:]); err != nil {
		return 0, nil, err
	}
	if crc32.Checksum(head[:9], castagnoli) != binary.BigEndian.Uint32(head[9:]) {
		return 0, nil, a.damaged("the checksum of the head of frame %d is not right", a.frames)
	}
	kind = head[0]
	number, size := binary.BigEndian.Uint32(head[1:]), int64(binary.BigEndian.Uint32(head[5:]))
	if number != a.frames {
		return 0, nil, a.damaged("frame %d stands where frame %d belongs", number, a.frames)
	}
	most := int64(maxWords)
	if kind == kindBlock {
		most = maxBlock
	}
	if size > most {
		return 0, nil, a.damaged("frame %d says that it has %d bytes, the most is %d", number, size, most)
	}
	a.text.Reset()
	if a.text.Cap() > 4*blockBytes {
		a.text = bytes.Buffer{}
	}
	if n, err := io.CopyN(&a.text, a.from, size); err != nil { // takes memory as bytes come, not as they are promised
		return 0, nil, a.short(headSize+int(n), err)
	}
	var sum [4]byte
	if n, err := io.ReadFull(a.from, sum[:]); err != nil {
		return 0, nil, a.short(headSize+a.text.Len()+n, err)
	}
	text = a.text.Bytes()
	if crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, text) != binary.BigEndian.Uint32(sum[:]) {
		return 0, nil, a.damaged("the checksum of frame %d, of %d bytes, is not right", number, size)
	}
	a.whole.Write(head[:])
	a.whole.Write(text)
	a.whole.Write(sum[:])
	a.at += headSize + size + 4
	a.frames++
	return kind, text, nil
}

// fill reads the head of a frame.
func (a *Reader) fill(head []byte) error {
	n, err := io.ReadFull(a.from, head)
	if err != nil {
		return a.short(n, err)
	}
	return nil
}

// short says why n more bytes came and then no more.
func (a *Reader) short(n int, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &CutOff{a.at + int64(n)}
	}
	return fmt.Errorf("read the archive: %w", err)
}

// readBlock reads a block whose checksum is right.
func (a *Reader) readBlock(text []byte) error {
	var words [3]uint64 // table, rows, length
	for i := range words {
		v, n := binary.Uvarint(text)
		if n <= 0 {
			return a.damaged("frame %d is no block", a.frames-1)
		}
		words[i], text = v, text[n:]
	}
	if words[0] < uint64(a.table) || words[0] >= uint64(len(a.header.Tables)) {
		return a.damaged("frame %d is of table %d, after one of table %d", a.frames-1, words[0], a.table)
	}
	if words[1] == 0 || words[1] > words[2] || words[2] > maxPlain {
		return a.damaged("frame %d says that it has %d rows in %d bytes", a.frames-1, words[1], words[2])
	}
	a.table = int(words[0])
	if err := a.unpack(text, int(words[2])); err != nil {
		return a.damaged("frame %d of table %s does not unpack: %v", a.frames-1, a.header.Tables[a.table].Name, err)
	}
	if err := a.split(int(words[1])); err != nil {
		return a.damaged("frame %d of table %s: %v", a.frames-1, a.header.Tables[a.table].Name, err)
	}
	return nil
}

// unpack fills plain with exactly size bytes.
func (a *Reader) unpack(packed []byte, size int) error {
	from := bytes.NewReader(packed)
	if err := a.open.(flate.Resetter).Reset(from, nil); err != nil {
		return err
	}
	into := bytes.NewBuffer(a.plain[:0])
	if cap(a.plain) > 4*blockBytes {
		into = &bytes.Buffer{}
	}
	n, err := io.Copy(into, io.LimitReader(a.open, int64(size)+1))
	a.plain = into.Bytes()
	switch {
	case err != nil:
		return err
	case n != int64(size) || from.Len() > 0:
		return errors.New("it has another length than it says")
	}
	return nil
}

// split finds the rows in plain.
func (a *Reader) split(rows int) error {
	a.rows = a.rows[:0]
	for rest := a.plain; len(rest) > 0; {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > MaxRow || size > uint64(len(rest)-n) {
			return errors.New("a row is cut off")
		}
		row := rest[n : n+int(size) : n+int(size)]
		a.rows, rest = append(a.rows, row), rest[n+int(size):]
		a.sums.add(a.table, row)
	}
	if len(a.rows) != rows {
		return fmt.Errorf("it has %d rows and says %d", len(a.rows), rows)
	}
	return nil
}

// readFooter holds what was read against what the footer says of it; io.EOF when it is the same.
func (a *Reader) readFooter(text []byte, before string) error {
	var f footer
	if err := json.Unmarshal(text, &f); err != nil {
		return a.damaged("the footer: %v", err)
	}
	if f.SHA256 != before {
		return a.damaged("its SHA-256 is %s and the footer says %s", before, f.SHA256)
	}
	got := a.sums.end()
	if len(f.Sums) != len(got) {
		return a.damaged("the footer has the sums of %d tables, the header %d tables", len(f.Sums), len(got))
	}
	for i, want := range f.Sums {
		if got[i] != want {
			return a.damaged("table %s has %d rows (SHA-256 %s) and the footer says %d (%s)", a.header.Tables[i].Name, got[i].Rows, got[i].SHA256, want.Rows, want.SHA256)
		}
	}
	switch _, err := a.from.ReadByte(); {
	case err == nil:
		return a.damaged("something stands behind its end")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("read the archive: %w", err)
	}
	a.done = Contents{Header: a.header, Sums: slices.Clone(got), Bytes: a.at, SHA256: hex.EncodeToString(a.whole.Sum(nil))}
	return io.EOF
}

func (a *Reader) damaged(format string, args ...any) error {
	return &Damaged{a.at, fmt.Sprintf(format, args...)}
}

// Check reads an archive to its end; each, if not nil, sees every row. An error of each ends it and is returned as it is.
func Check(r io.Reader, each func(table int, row []byte) error) (Contents, error) {
	a, err := NewReader(r)
	if err != nil {
		return Contents{}, err
	}
	for {
		table, rows, err := a.Next()
		if errors.Is(err, io.EOF) {
			return a.Contents(), nil
		}
		if err != nil {
			return Contents{}, err
		}
		for _, row := range rows {
			if each == nil {
				break
			}
			if err := each(table, row); err != nil {
				return Contents{}, err
			}
		}
	}
}
