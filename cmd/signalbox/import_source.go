package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"signalbox/sheet"
	"signalbox/strictjson"
)

// fileRow is one row of a file: ready to send, or why it cannot be.
type fileRow struct {
	line    int
	body    json.RawMessage // nil: bad says why
	bad     string
	kept    []byte            // the row as --errors writes it, without its line end and what was wrong
	columns []column          // what it says, for messages
	cells   []string          // of CSV, in the order of the columns
	values  []json.RawMessage // of JSONL
	offset  int64             // bytes of the file up to its end
}

// said is what the row says of a field, or of the one that it is a part of, and in which column.
func (it *fileRow) said(field string) (column, value string) {
	best := -1
	for i, c := range it.columns {
		if to := c.to(); c.path != nil && (to == field || strings.HasPrefix(field, to+".")) && (best < 0 || len(to) > len(it.columns[best].to())) {
			best = i
		}
	}
	switch {
	case best < 0:
		return "", ""
	case it.cells != nil:
		return it.columns[best].name, it.cells[best]
	}
	return it.columns[best].name, string(it.values[best])
}

// rowSource reads a file of rows. The error is io.EOF, or one that ends the import.
type rowSource interface {
	next() (fileRow, error)
}

// maker turns what a row says into the JSON that is sent.
type maker struct {
	kind    *recordKind
	sets    []column // what --set gives to every row
	values  []json.RawMessage
	trigger bool
}

// make builds a row's JSON of its values, which stand in the order of the columns; nil leaves one out. raw is the row itself, which
// its idempotency key is made of.
func (m *maker) make(list []column, values []json.RawMessage, line int, raw []byte) (json.RawMessage, error) {
	var t tree
	for i, c := range slices.Concat(m.sets, list) {
		value := json.RawMessage(nil)
		if i < len(m.sets) {
			value = m.values[i]
		} else {
			value = values[i-len(m.sets)]
		}
		if value == nil || c.path == nil || m.kind.signals() && m.passesOver(c, value) {
			continue
		}
		if err := t.set(c.path, value); err != nil {
			return nil, fmt.Errorf("%s %w", c.to(), err)
		}
	}
	if m.kind.signals() {
		if !m.trigger {
			_ = t.set([]string{"backfill"}, json.RawMessage("true")) // never there: left out above
		}
		_ = t.set([]string{"idempotency_key"}, strictjson.AppendString(nil, rowKey(line, raw))) // unless the row has its own
	}
	body := t.append(nil)
	if len(body) > maxLine {
		return nil, fmt.Errorf("the row is larger than %d bytes of JSON", maxLine)
	}
	return body, nil
}

// passesOver says whether a field of a signal is left to us: whether it is history, and a key that is none.
func (m *maker) passesOver(c column, value json.RawMessage) bool {
	switch c.path[0] {
	case "backfill":
		return !m.trigger
	case "idempotency_key":
		return string(value) == `null` || string(value) == `""`
	}
	return false
}

// rowKey names a row of a file by its line and what stands there: the same file again is the same rows, whatever its name, and a
// row that is changed is another one.
func rowKey(line int, raw []byte) string {
	sum := sha256.Sum256(raw)
	return "import/" + strconv.Itoa(line) + "/" + hex.EncodeToString(sum[:16])
}

// csvSource reads rows of CSV.
type csvSource struct {
	in      *sheet.Reader
	columns []column
	make    *maker
	raw     bool
}

func (s *csvSource) next() (fileRow, error) {
	row, err := s.in.Read()
	if err != nil {
		return fileRow{}, err
	}
	it := fileRow{line: row.Line, offset: s.in.Offset(), columns: s.columns, cells: row.Cells, kept: s.keep(row.Cells)}
	values := make([]json.RawMessage, len(row.Cells))
	for i, c := range s.columns {
		if !s.raw {
			row.Cells[i] = sheet.Restore(row.Cells[i])
		}
		text := row.Cells[i]
		if c.path == nil || strings.TrimSpace(text) == "" {
			continue // an empty cell says nothing
		}
		if values[i], err = valueOf(text, c.shape); err != nil {
			it.bad = fmt.Sprintf("%s: %v", c.to(), err)
			return it, nil
		}
	}
	if it.body, err = s.make.make(s.columns, values, row.Line, it.kept); err != nil {
		it.bad = err.Error()
	}
	return it, nil
}

// keep is a row as it was, without what an earlier import said of it.
func (s *csvSource) keep(cells []string) []byte {
	kept := make([]string, 0, len(cells))
	for i, c := range s.columns {
		if strings.TrimSpace(c.name) != errorColumn {
			kept = append(kept, cells[i])
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return bytes.TrimSuffix(sheet.AppendRow(nil, kept...), []byte("\r\n"))
}

// valueOf is a cell as JSON.
func valueOf(text string, as shape) (json.RawMessage, error) {
	switch trimmed := strings.TrimSpace(text); as {
	case asObject:
		value := json.RawMessage(trimmed)
		if err := strictjson.Check(value); err != nil {
			return nil, fmt.Errorf("not a JSON object: %w", err)
		}
		if value[0] != '{' && trimmed != "null" {
			return nil, errors.New(`not a JSON object such as {"plan":"pro"}`)
		}
		return value, nil
	case asScalar:
		if isScalar(trimmed) {
			return json.RawMessage(trimmed), nil
		}
		return strictjson.AppendString(nil, trimmed), nil
	default:
		return strictjson.AppendString(nil, trimmed), nil
	}
}

// isScalar says whether a cell is a number, true, false or null as JSON writes them. A number that no double can hold stays text, as
// does one with leading zeros.
func isScalar(text string) bool {
	switch text {
	case "true", "false", "null":
		return true
	}
	if c := text[0]; c != '-' && (c < '0' || c > '9') || !json.Valid([]byte(text)) {
		return false
	}
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && !math.IsInf(n, 0)
}

// jsonSource reads rows of JSONL.
type jsonSource struct {
	in      *bufio.Reader
	name    string
	columns *columns
	known   map[string]column // members that were met before
	make    *maker
	line    int
	offset  int64
	ended   bool
}

func (s *jsonSource) next() (fileRow, error) {
	for !s.ended {
		text, size, err := readLine(s.in)
		if err != nil && !errors.Is(err, io.EOF) {
			return fileRow{}, fmt.Errorf("read %s: %w", s.name, err)
		}
		s.ended = errors.Is(err, io.EOF)
		s.line++
		s.offset += int64(size)
		if s.line == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		if len(text) == 0 && size <= maxLine+2 {
			continue
		}
		it := fileRow{line: s.line, offset: s.offset, kept: text}
		if it.body, err = s.row(&it, text, size); err != nil {
			it.body, it.bad = nil, err.Error()
		}
		return it, nil
	}
	return fileRow{}, io.EOF
}

// row makes a row of a line.
func (s *jsonSource) row(it *fileRow, text []byte, size int) (json.RawMessage, error) {
	if size > maxLine+2 || len(text) > maxLine {
		return nil, fmt.Errorf("the line is longer than %d bytes", maxLine)
	}
	names, values, err := membersOf(text)
	if err != nil {
		return nil, err
	}
	it.columns, it.values = make([]column, len(names)), values
	for i, name := range names {
		c, ok := s.known[name]
		if !ok {
			if c, err = s.columns.one(name, 0); err != nil {
				return nil, err
			}
			if len(s.known) < maxKnown {
				s.known[name] = c
			}
		}
		it.columns[i] = c
	}
	return s.make.make(it.columns, values, s.line, text)
}

// maxKnown bounds how many names of members are remembered.
const maxKnown = 10_000

// membersOf takes a JSON object apart, in its order.
func membersOf(text []byte) (names []string, values []json.RawMessage, err error) {
	if !utf8.Valid(text) {
		return nil, nil, errors.New("the line is not UTF-8")
	}
	if err := strictjson.Check(text); err != nil {
		var bad *strictjson.Error
		if errors.As(err, &bad) && bad.Kind == strictjson.Malformed {
			return nil, nil, fmt.Errorf("not JSON: %w", err)
		}
		return nil, nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, errors.New(`not a JSON object such as {"domain":"acme.com"}`)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, nil, err
		}
		names, values = append(names, name.(string)), append(values, value)
	}
	return names, values, nil
}
