package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"

	"signalbox/sheet"
	"signalbox/strictjson"
)

// lineMember holds a line of JSONL that is no JSON object, in the file of refused rows.
const lineMember = "import_line"

// refusedRows is the file that --errors names: the rows as they were, each with why it was not taken. It can be imported. Without
// the flag it keeps nothing.
type refusedRows struct {
	file *os.File
	out  *bufio.Writer
	json bool
	rows int
	err  error
}

// newRefusedRows begins the file; header is that of a CSV file.
func newRefusedRows(s *importing, header []byte) (*refusedRows, error) {
	r := &refusedRows{json: s.format == formatJSONL}
	if s.errors == "" {
		return r, nil
	}
	f, err := os.OpenFile(s.errors, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	r.file, r.out = f, bufio.NewWriter(f)
	if !r.json {
		r.write(appendCell(header, errorColumn))
	}
	return r, nil
}

// appendCell ends a row with one cell more.
func appendCell(row []byte, cell string) []byte {
	return append(append(row[:len(row):len(row)], ','), sheet.AppendRow(nil, sheet.Defuse(cell))...)
}

// add keeps a row.
func (r *refusedRows) add(it *fileRow, reason string) {
	if r.rows++; r.file == nil {
		return
	}
	if !r.json {
		r.write(appendCell(it.kept, reason))
		return
	}
	var t tree
	names, values, err := membersOf(it.kept)
	if err != nil {
		names, values = []string{lineMember}, []json.RawMessage{strictjson.AppendString(nil, string(it.kept))}
	}
	for i, name := range names {
		if name != errorColumn {
			_ = t.set([]string{name}, values[i]) // a name that is there twice is no member of a checked object
		}
	}
	_ = t.set([]string{errorColumn}, strictjson.AppendString(nil, reason))
	r.write(append(t.append(nil), '\n'))
}

func (r *refusedRows) write(text []byte) {
	if _, err := r.out.Write(text); err != nil {
		r.err = err
	}
}

// flush puts what was kept into the file.
func (r *refusedRows) flush() {
	if r.file == nil {
		return
	}
	if err := r.out.Flush(); err != nil {
		r.err = err
	}
}

// close ends the file; one without rows is removed.
func (r *refusedRows) close() error {
	if r.file == nil {
		return nil
	}
	r.flush()
	err := errors.Join(r.err, r.file.Close())
	if r.rows == 0 {
		err = errors.Join(err, os.Remove(r.file.Name()))
	}
	return err
}
