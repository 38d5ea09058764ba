package connector

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"signalbox"
	"signalbox/sheet"
	"signalbox/strictjson"
)

// csvPage is how many rows a page of a CSV file has: as many as a turn of the program that diffs them takes well.
const csvPage = 1000

// csvSource reads a CSV file: the first row names the fields, each further one is a record. The whole file is fetched for the first page and is in memory
// until the last one was given.
type csvSource struct {
	c      Config
	o      Options
	caller *caller // of a URL

	table *table // nil: not fetched, or all given
	row   int    // rows given
}

// csvPlace is what a checkpoint of a CSV file holds.
type csvPlace struct {
	Config uint32 `json:"c"`
	Row    int    `json:"r"` // rows behind it
	File   uint64 `json:"f"` // of the bytes of the file: it must be the same one that is read on
}

// Shifts is false: a file is read at once.
func (s *csvSource) Shifts() bool { return false }

// Next reads rows.
func (s *csvSource) Next(ctx context.Context, from Checkpoint) (Page, error) {
	var p csvPlace
	if len(from) > 0 {
		if err := decodeCheckpoint(from, &p); err != nil {
			return Page{}, err
		}
		if p.Config != s.c.fingerprint() || p.Row < 1 {
			return Page{}, staleCheckpoint()
		}
	}
	page, err := s.next(ctx, p)
	var f *Failure
	if errors.As(err, &f) {
		f.Page = p.Row/csvPage + 1
		s.table = nil
	}
	return page, err
}

func (s *csvSource) next(ctx context.Context, p csvPlace) (Page, error) {
	requests, err := s.stand(ctx, p)
	if err != nil {
		return Page{Requests: requests}, err
	}
	page := Page{Total: -1, Requests: requests}
	for len(page.Records) < csvPage {
		one, err := s.table.read()
		if errors.Is(err, io.EOF) {
			page.Last = true
			s.table = nil
			return page, nil
		}
		if err != nil {
			return Page{Requests: requests}, err
		}
		page.Records = append(page.Records, one)
	}
	s.row = p.Row + len(page.Records)
	page.Next, err = encodeCheckpoint(csvPlace{Config: s.c.fingerprint(), Row: s.row, File: s.table.sum})
	return page, err
}

// stand brings the table to the row that a place stands before, which it mostly is.
func (s *csvSource) stand(ctx context.Context, p csvPlace) (requests int, err error) {
	if s.table != nil && p.Row > 0 && p.Row == s.row && p.File == s.table.sum {
		return 0, nil
	}
	body, requests, err := s.fetch(ctx)
	if err != nil {
		return requests, err
	}
	if body, err = s.unpack(body); err != nil {
		return requests, err
	}
	if s.table, err = newTable(body, s.c); err != nil {
		return requests, err
	}
	if p.Row > 0 && s.table.sum != p.File {
		return requests, &Failure{Kind: ShapeFailure, Temporary: true, Err: ErrStale, Msg: "the file was changed while it was read; the walk begins anew"}
	}
	for range p.Row {
		if _, err := s.table.read(); err != nil {
			return requests, err
		}
	}
	return requests, nil
}

func (s *csvSource) fetch(ctx context.Context) ([]byte, int, error) {
	if s.c.File != "" {
		body, err := readFile(s.o.ImportDir, s.c.File)
		return body, 0, err
	}
	w := httpSource{c: s.c}
	u, err := w.address(place{})
	if err != nil {
		return nil, 0, err
	}
	got, err := s.caller.get(ctx, u.String(), "text/csv, */*;q=0.1", MaxFileBytes)
	return got.body, got.requests, err
}

// unpack decompresses what is compressed, which its first bytes tell, whatever its name.
func (s *csvSource) unpack(body []byte) ([]byte, error) {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		if s.c.Gzip {
			return nil, shapeFailure("the file is not compressed by gzip, as gzip: true says")
		}
		return body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, shapeFailure("the file begins like gzip and is not")
	}
	plain, tooLong, err := readAll(z, MaxFileBytes)
	switch {
	case err != nil:
		return nil, &Failure{Kind: ShapeFailure, Temporary: true, Msg: "the compressed file is damaged, or still being written", Err: err}
	case tooLong:
		return nil, tooLongFile()
	}
	return plain, nil
}

func tooLongFile() *Failure {
	return shapeFailure("the file has more than %d MiB; split it into several streams", MaxFileBytes>>20)
}

// table reads records out of a CSV file.
type table struct {
	rows  *sheet.Reader
	width int
	id    int      // column of the ids
	names []string // of the columns that are compared, in the order of Body
	at    []int    // their columns
	raw   []string // of all columns, in the order of Raw
	rawAt []int
	sum   uint64
}

func newTable(body []byte, c Config) (*table, error) {
	if text := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n"); len(text) == 0 {
		return nil, shapeFailure("the file is empty; its first row names the columns")
	} else if text[0] == '<' {
		return nil, shapeFailure("the file is HTML or XML, not CSV; look whether the url is that of the file, and whether it needs to sign in")
	}
	t := &table{rows: sheet.NewReader(bytes.NewReader(body))}
	if c.Delimiter != "" {
		t.rows.Comma = c.Delimiter[0]
	}
	h := fnv.New64a()
	_, _ = h.Write(body)
	t.sum = max(h.Sum64(), 1)
	head, err := t.rows.Read()
	if err != nil {
		return nil, sheetFailure(err)
	}
	if err := checkHeader(head.Cells); err != nil {
		return nil, err
	}
	columns := map[string]int{}
	for i, name := range head.Cells {
		columns[name] = i
	}
	return t, t.choose(c, columns)
}

func checkHeader(cells []string) error {
	for i, name := range cells {
		switch {
		case name == "" || len(name) > maxColumn:
			return shapeFailure("column %d of the first row has no name, or one of more than %d bytes", i+1, maxColumn)
		case slices.Contains(cells[:i], name):
			return shapeFailure("the first row names %.80q twice", name)
		}
	}
	return nil
}

// choose finds the columns.
func (t *table) choose(c Config, columns map[string]int) error {
	t.width = len(columns)
	id, there := columns[c.ID]
	if !there {
		return shapeFailure("the first row has no column %.80q, which is to hold the ids; look whether the delimiter is right", c.ID)
	}
	t.id = id
	compared := c.Fields
	if compared == nil {
		compared = sortedKeys(columns)
	}
	var kept []string
	for _, name := range compared {
		if _, there := columns[name]; !there {
			return shapeFailure("the first row has no column %.80q", name)
		}
		if !slices.Contains(c.Exclude, name) {
			kept = append(kept, name)
		}
	}
	t.names, t.raw = sortedAsKeys(kept), sortedAsKeys(sortedKeys(columns))
	for _, name := range t.names {
		t.at = append(t.at, columns[name])
	}
	for _, name := range t.raw {
		t.rawAt = append(t.rawAt, columns[name])
	}
	return nil
}

// read gives the next record, io.EOF behind the last one.
func (t *table) read() (Record, error) {
	row, err := t.rows.Read()
	if err != nil {
		return Record{}, sheetFailure(err)
	}
	one := Record{ID: row.Cells[t.id]}
	if one.ID == "" || len(one.ID) > MaxIDBytes {
		return Record{}, shapeFailure("line %d has an id that is empty or longer than %d bytes", row.Line, MaxIDBytes)
	}
	if size := len(strings.Join(row.Cells, "")); size > MaxRecordBytes {
		return Record{}, shapeFailure("line %d has more than 1 MiB", row.Line)
	}
	one.Fields = make([]Field, 0, len(t.names))
	one.Body = appendRow(nil, t.names, t.at, row.Cells, &one.Fields)
	if len(t.names) == len(t.raw) {
		one.Raw = one.Body
		return one, nil
	}
	one.Raw = appendRow(nil, t.raw, t.rawAt, row.Cells, nil)
	return one, nil
}

// appendRow writes columns as an object, and notes its fields.
func appendRow(dst []byte, names []string, at []int, cells []string, fields *[]Field) json.RawMessage {
	dst = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strictjson.AppendString(dst, name), ':')
		from := len(dst)
		dst = strictjson.AppendString(dst, cells[at[i]])
		if fields != nil {
			*fields = append(*fields, Field{name, dst[from:len(dst):len(dst)]})
		}
	}
	return append(dst, '}')
}

// sheetFailure is a file that is no CSV. What sheet says may repeat a cell, so that only the line is told.
func sheetFailure(err error) error {
	var bad *sheet.Error
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case errors.As(err, &bad):
		f := shapeFailure("line %d of the file is not valid CSV (RFC 4180) in UTF-8, or has more or fewer cells than the first row", bad.Line)
		f.Err = fmt.Errorf("line %d", bad.Line)
		return f
	}
	return err
}

// CheckFile says whether a file below the import directory can be read, for whoever saves a Config. Its errors are *signalbox.Error; nothing outside of the
// directory is opened.
func CheckFile(importDir, name string) error {
	if importDir == "" {
		return wrong("file", "the server was started without --import-dir, so no file can be read")
	}
	f, err := openFile(importDir, name)
	if err != nil {
		return err
	}
	return f.Close()
}

// openFile opens a regular file. os.Root refuses what leads out of the directory on the way, symbolic links included, whatever changes meanwhile.
func openFile(importDir, name string) (*os.File, error) {
	if err := checkFileName(name); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(importDir)
	if err != nil {
		return nil, &signalbox.Error{Code: signalbox.Invalid, Param: "connector.file", Msg: "the server's import directory cannot be opened", Err: err}
	}
	defer root.Close()
	info, err := root.Stat(name) // before it is opened: to open a pipe waits for who writes into it
	if err == nil && !info.Mode().IsRegular() {
		return nil, wrong("file", "is no regular file; give the name of a CSV file")
	}
	var f *os.File
	if err == nil {
		f, err = root.Open(name)
	}
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, &signalbox.Error{Code: signalbox.Invalid, Param: "connector.file", Msg: "is not in the server's import directory", Err: err}
	case errors.Is(err, fs.ErrPermission):
		return nil, &signalbox.Error{Code: signalbox.Invalid, Param: "connector.file", Msg: "cannot be read by the server", Err: err}
	}
	return nil, &signalbox.Error{Code: signalbox.Invalid, Param: "connector.file", Msg: "must lie below the server's import directory, also when links are followed", Err: err}
}

func readFile(importDir, name string) ([]byte, error) {
	f, err := openFile(importDir, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, tooLong, err := readAll(f, MaxFileBytes)
	if err != nil {
		return nil, &Failure{Kind: NetworkFailure, Temporary: true, Msg: "the file could not be read to its end", Err: err}
	}
	if tooLong {
		return nil, tooLongFile()
	}
	return body, nil
}
