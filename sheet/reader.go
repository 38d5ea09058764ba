package sheet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxRow is the most bytes that a row may have as it is written.
const MaxRow = 2 << 20

// bom is what some programs put before UTF-8.
const bom = "\ufeff"

// Error is a file that is no such CSV. Line counts from 1; Msg may be shown to anyone.
type Error struct {
	Line int
	Msg  string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// Row is one row of a file.
type Row struct {
	Line  int // where it begins
	Cells []string
}

// Reader reads a file row by row. Not safe for concurrent use.
type Reader struct {
	// Comma separates cells.
	Comma byte

	in     *bufio.Reader
	line   int   // lines read so far
	offset int64 // bytes read so far
	width  int   // cells of the first row; 0 before it
	row    []byte
	text   []byte // the cells of a row, end to end
	ends   []int
	err    error
}

// NewReader makes a reader of cells that are separated by commas.
func NewReader(r io.Reader) *Reader {
	return &Reader{Comma: ',', in: bufio.NewReaderSize(r, 64<<10)}
}

// Offset is how many bytes were read.
func (r *Reader) Offset() int64 { return r.offset }

// Read returns the next row, or io.EOF behind the last one. Empty lines are none. Another error is a *Error, or that of what is read
// from; it ends the file: who reads on gets it again.
func (r *Reader) Read() (Row, error) {
	if r.err != nil {
		return Row{}, r.err
	}
	row, err := r.next()
	if err != nil {
		r.err = err
		return Row{}, err
	}
	return row, nil
}

func (r *Reader) next() (Row, error) {
	if r.offset == 0 {
		if err := r.begin(); err != nil {
			return Row{}, err
		}
	}
	for {
		r.row = r.row[:0]
		first := r.line + 1
		if err := r.physical(first); err != nil {
			return Row{}, err
		}
		if len(trimEnd(r.row)) == 0 {
			continue
		}
		if err := r.split(first); err != nil {
			return Row{}, err
		}
		cells := r.cells()
		if r.width == 0 {
			r.width = len(cells)
		}
		if len(cells) != r.width {
			return Row{}, &Error{first, fmt.Sprintf("%s, but the first row has %d; put a cell that has a comma in it between quotes", count(len(cells)), r.width)}
		}
		return Row{Line: first, Cells: cells}, nil
	}
}

func count(cells int) string {
	if cells == 1 {
		return "there is 1 cell"
	}
	return fmt.Sprintf("there are %d cells", cells)
}

// begin looks at the first bytes: those that mark UTF-8 are passed over.
func (r *Reader) begin() error {
	head, err := r.in.Peek(len(bom))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case string(head) == bom:
		r.offset += int64(len(bom))
		_, err = r.in.Discard(len(bom))
		return err
	case len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff || head[0] == 0 || head[1] == 0):
		return &Error{1, "the file is UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)"}
	}
	return nil
}

// physical appends the next line of the file to the row, with its end.
func (r *Reader) physical(first int) error {
	begin := len(r.row)
	for {
		part, err := r.in.ReadSlice('\n')
		r.offset += int64(len(part))
		r.row = append(r.row, part...)
		switch {
		case len(r.row) > MaxRow:
			return &Error{first, fmt.Sprintf("the row that begins here is longer than %d bytes; is a closing quote missing?", MaxRow)}
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(part) == 0 && len(r.row) == begin:
			return io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return err
		}
		r.line++
		line := r.row[begin:]
		if !utf8.Valid(line) {
			return &Error{r.line, fmt.Sprintf("byte %d is not UTF-8; save the file as UTF-8", invalid(line)+1)}
		}
		if bytes.IndexByte(line, 0) >= 0 {
			return &Error{r.line, "there is a NUL byte; is the file UTF-16? save it as UTF-8"}
		}
		return nil
	}
}

// invalid finds the first byte that is no UTF-8.
func invalid(text []byte) int {
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}

// split takes the row apart, reading further lines while a quote is open.
func (r *Reader) split(first int) error {
	r.text, r.ends = r.text[:0], r.ends[:0]
	for pos := 0; ; {
		var err error
		if pos < len(r.row) && r.row[pos] == '"' {
			pos, err = r.quoted(pos+1, first)
		} else {
			pos, err = r.bare(pos)
		}
		if err != nil {
			return err
		}
		r.ends = append(r.ends, len(r.text))
		if len(trimEnd(r.row[pos:])) == 0 {
			return nil
		}
		pos++ // the comma
	}
}

// bare reads a cell without quotes, to the comma or the end of the line.
func (r *Reader) bare(pos int) (int, error) {
	rest := trimEnd(r.row[pos:])
	if i := bytes.IndexByte(rest, r.Comma); i >= 0 {
		rest = rest[:i]
	}
	if bytes.IndexByte(rest, '"') >= 0 {
		return 0, &Error{r.line, fmt.Sprintf(`there is a quote inside the cell %q; put the whole cell between quotes, and write its quotes twice`, clip(rest))}
	}
	if bytes.IndexByte(rest, '\r') >= 0 {
		return 0, &Error{r.line, "there is a carriage return inside a cell; put the cell between quotes, or end lines with LF or CRLF"}
	}
	r.text = append(r.text, rest...)
	return pos + len(rest), nil
}

// quoted reads a cell in quotes, from behind the opening one.
func (r *Reader) quoted(pos, first int) (int, error) {
	opened := r.line
	for {
		i := bytes.IndexByte(r.row[pos:], '"')
		if i < 0 {
			r.text = append(r.text, r.row[pos:]...)
			pos = len(r.row)
			if err := r.physical(first); errors.Is(err, io.EOF) {
				return 0, &Error{opened, "a quote is opened here and never closed"}
			} else if err != nil {
				return 0, err
			}
			continue
		}
		r.text = append(r.text, r.row[pos:pos+i]...)
		pos += i + 1
		switch rest := r.row[pos:]; {
		case len(rest) > 0 && rest[0] == '"':
			r.text = append(r.text, '"')
			pos++
		case len(trimEnd(rest)) == 0, rest[0] == r.Comma:
			return pos, nil
		default:
			return 0, &Error{r.line, fmt.Sprintf(`%q follows a closing quote; write a quote that belongs to the cell twice`, clip(trimEnd(rest)))}
		}
	}
}

// cells are the row's, in one piece of memory.
func (r *Reader) cells() []string {
	all, from := string(r.text), 0
	cells := make([]string, len(r.ends))
	for i, end := range r.ends {
		cells[i], from = all[from:end], end
	}
	return cells
}

// trimEnd takes a line's end away.
func trimEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// clip shortens what a file says for a message.
func clip(text []byte) string {
	const most = 40
	if len(text) <= most {
		return string(text)
	}
	return string(bytes.ToValidUTF8(text[:most], nil)) + "…"
}
