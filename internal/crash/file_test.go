package crash_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// file is the embedded database of a server that is not running.
type file struct {
	*oracle
	c *sqlite3.Conn
}

// openFile opens it; what a crash left in the log is recovered by this.
func openFile(data string) (*file, error) {
	c, err := sqlite3.OpenFlags("file:"+filepath.Join(data, "signalbox.db"), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, fmt.Errorf("open what the crash left: %w", err)
	}
	o, err := newOracle(sqliteTables{c})
	if err != nil {
		return nil, err
	}
	return &file{o, c}, nil
}

// sqliteTables reads SQLite.
type sqliteTables struct{ c *sqlite3.Conn }

func (t sqliteTables) close() error { return t.c.Close() }

func (t sqliteTables) number(name string) string {
	return "coalesce(json_extract(properties, '$." + name + "'), 0)"
}

func (t sqliteTables) truth(name string) string { return t.number(name) }

func (t sqliteTables) query(sql string, fn func(row)) error {
	s, _, err := t.c.Prepare(sql)
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	defer s.Close()
	for s.Step() {
		fn(sqliteRow{s})
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

func (t sqliteTables) serials(ids []int64) (map[int64]int64, error) {
	s, _, err := t.c.Prepare("SELECT " + t.number("serial") + " FROM signals WHERE id = ?1")
	if err != nil {
		return nil, err
	}
	defer s.Close()
	found := make(map[int64]int64, len(ids))
	for _, id := range ids {
		if err := s.BindInt64(1, id); err != nil {
			return nil, err
		}
		if s.Step() {
			found[id] = s.ColumnInt64(0)
		}
		if err := s.Reset(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

type sqliteRow struct{ s *sqlite3.Stmt }

func (r sqliteRow) int(column int) int64    { return r.s.ColumnInt64(column) }
func (r sqliteRow) text(column int) string  { return r.s.ColumnText(column) }
func (r sqliteRow) bytes(column int) []byte { return r.s.ColumnRawBlob(column) }

// the tables whose rows are counted: signals are never deleted here, so that their count may only grow.
var counted = []string{"signals", "events", "deliveries", "attempts", "answered", "accounts", "contacts", "entity_states", "record_keys", "due"}

// check is what is asked of the file after each crash (the Turso project's checks): its integrity, every table's count, and that
// both stay the same when the log is copied into the file.
func (f *file) check() (counts map[string]int64, err error) {
	before, err := f.counts()
	if err != nil {
		return nil, err
	}
	if err := f.integrity(); err != nil {
		return nil, err
	}
	var busy int64
	if err := f.query("PRAGMA wal_checkpoint(TRUNCATE)", func(r row) { busy = r.int(0) }); err != nil {
		return nil, err
	}
	if busy != 0 {
		return nil, fmt.Errorf("the log cannot be copied although nobody else has the file open")
	}
	counts, err = f.counts()
	if err != nil {
		return nil, err
	}
	for _, name := range counted {
		if counts[name] != before[name] {
			return nil, fmt.Errorf("%s has %d rows before the log is copied and %d after it", name, before[name], counts[name])
		}
	}
	return counts, nil
}

func (f *file) integrity() error {
	var said []string
	if err := f.query("PRAGMA integrity_check", func(r row) { said = append(said, r.text(0)) }); err != nil {
		return err
	}
	if len(said) != 1 || said[0] != "ok" {
		return fmt.Errorf("integrity_check: %s", strings.Join(said, "; "))
	}
	return nil
}

func (f *file) counts() (map[string]int64, error) {
	counts := map[string]int64{}
	for _, name := range counted {
		if err := f.query("SELECT count(*) FROM "+name, func(r row) { counts[name] = r.int(0) }); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// secondOpinion has another build of SQLite, the sqlite3 command, look at the file.
func secondOpinion(data string, counts map[string]int64) error {
	const how = "the sqlite3 command (Debian package sqlite3) is to look at the file, too"
	var sql strings.Builder
	sql.WriteString("PRAGMA integrity_check;")
	for _, name := range counted {
		sql.WriteString("SELECT count(*) FROM " + name + ";")
	}
	out, err := exec.Command("sqlite3", "-readonly", filepath.Join(data, "signalbox.db"), sql.String()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", how, err, out)
	}
	lines := strings.Fields(string(out))
	if len(lines) != 1+len(counted) || lines[0] != "ok" {
		return fmt.Errorf("%s: %s", how, out)
	}
	for i, name := range counted {
		if lines[i+1] != strconv.FormatInt(counts[name], 10) {
			return fmt.Errorf("%s: %s has %s rows for it and %d for us", how, name, lines[i+1], counts[name])
		}
	}
	return nil
}
