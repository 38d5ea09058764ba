package crash_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"signalbox"
)

// oracle reads the database file of a server that is not running. It knows the tables and nothing of the program that fills them.
type oracle struct {
	c     *sqlite3.Conn
	codec *signalbox.Codec
}

// openOracle opens the file; what a crash left in the log is recovered by this.
func openOracle(data string) (*oracle, error) {
	c, err := sqlite3.OpenFlags("file:"+filepath.Join(data, "signalbox.db"), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, fmt.Errorf("open what the crash left: %w", err)
	}
	o := &oracle{c: c}
	if err := o.query("SELECT value FROM settings WHERE name = 'store.codec_key'", func(s *sqlite3.Stmt) {
		var key [16]byte
		copy(key[:], s.ColumnRawBlob(0))
		o.codec = signalbox.NewCodec(key)
	}); err != nil {
		c.Close()
		return nil, err
	}
	return o, nil
}

func (o *oracle) close() error { return o.c.Close() }

// query gives fn every row.
func (o *oracle) query(sql string, fn func(*sqlite3.Stmt)) error {
	s, _, err := o.c.Prepare(sql)
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	defer s.Close()
	for s.Step() {
		fn(s)
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// tables whose rows are counted: signals are never deleted here, so that their count may only grow.
var tables = []string{"signals", "events", "deliveries", "attempts", "answered", "accounts", "contacts", "entity_states", "record_keys", "due"}

// check is what is asked of the file after each crash (the Turso project's checks): its integrity, every table's count, and that
// both stay the same when the log is copied into the file.
func (o *oracle) check() (counts map[string]int64, err error) {
	before, err := o.counts()
	if err != nil {
		return nil, err
	}
	if err := o.integrity(); err != nil {
		return nil, err
	}
	var busy int
	if err := o.query("PRAGMA wal_checkpoint(TRUNCATE)", func(s *sqlite3.Stmt) { busy = s.ColumnInt(0) }); err != nil {
		return nil, err
	}
	if busy != 0 {
		return nil, fmt.Errorf("the log cannot be copied although nobody else has the file open")
	}
	counts, err = o.counts()
	if err != nil {
		return nil, err
	}
	for _, name := range tables {
		if counts[name] != before[name] {
			return nil, fmt.Errorf("%s has %d rows before the log is copied and %d after it", name, before[name], counts[name])
		}
	}
	return counts, nil
}

func (o *oracle) integrity() error {
	var said []string
	if err := o.query("PRAGMA integrity_check", func(s *sqlite3.Stmt) { said = append(said, s.ColumnText(0)) }); err != nil {
		return err
	}
	if len(said) != 1 || said[0] != "ok" {
		return fmt.Errorf("integrity_check: %s", strings.Join(said, "; "))
	}
	return nil
}

func (o *oracle) counts() (map[string]int64, error) {
	counts := map[string]int64{}
	for _, name := range tables {
		if err := o.query("SELECT count(*) FROM "+name, func(s *sqlite3.Stmt) { counts[name] = s.ColumnInt64(0) }); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// missing returns those of the acknowledged signals that are not stored, or stored with another serial number.
func (o *oracle) missing(acks []ack) (lost []ack, err error) {
	s, _, err := o.c.Prepare("SELECT json_extract(properties, '$.serial') FROM signals WHERE id = ?1")
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for _, a := range acks {
		id, ok := o.codec.Parse(signalbox.KindSignal, a.ID)
		if !ok {
			lost = append(lost, a)
			continue
		}
		if err := s.BindInt64(1, id); err != nil {
			return nil, err
		}
		if !s.Step() || s.ColumnInt64(0) != a.Serial {
			lost = append(lost, a)
		}
		if err := s.Reset(); err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// snapshot reads all that is reconciled.
func (o *oracle) snapshot(webhooks []string) (*snapshot, error) {
	st := &snapshot{signals: map[string]storedSignal{}, events: map[string]string{}, hooks: len(webhooks)}
	text := func(kind signalbox.Kind, id int64) string { return o.codec.Format(kind, id) }
	err := o.query("SELECT id, json_extract(properties, '$.serial'), json_extract(properties, '$.keyed') FROM signals", func(s *sqlite3.Stmt) {
		st.signals[text(signalbox.KindSignal, s.ColumnInt64(0))] = storedSignal{Serial: s.ColumnInt64(1), Keyed: s.ColumnBool(2)}
	})
	if err != nil {
		return nil, err
	}
	err = o.query("SELECT id, signal_id FROM events WHERE name = 'signal.created'", func(s *sqlite3.Stmt) {
		st.events[text(signalbox.KindEvent, s.ColumnInt64(0))] = text(signalbox.KindSignal, s.ColumnInt64(1))
	})
	if err != nil {
		return nil, err
	}
	place := map[string]int{}
	for i, id := range webhooks {
		place[id] = i
	}
	return st, o.query(`
SELECT d.webhook_id, d.event_id, d.state, d.reason, d.attempts,
       (SELECT count(*) FROM attempts a WHERE a.delivery_id = d.id AND a.status_code BETWEEN 200 AND 299)
  FROM deliveries d`, func(s *sqlite3.Stmt) {
		hook, ok := place[text(signalbox.KindWebhook, s.ColumnInt64(0))]
		if !ok {
			hook = -1
		}
		st.deliveries = append(st.deliveries, storedDelivery{
			Hook: hook, Event: text(signalbox.KindEvent, s.ColumnInt64(1)), State: signalbox.DeliveryState(s.ColumnInt(2)),
			Reason: s.ColumnText(3), Attempts: s.ColumnInt(4), Successes: s.ColumnInt(5),
		})
	})
}

// secondOpinion has another build of SQLite, the sqlite3 command, look at the file.
func secondOpinion(data string, counts map[string]int64) error {
	const how = "the sqlite3 command (Debian package sqlite3) is to look at the file, too"
	var sql strings.Builder
	sql.WriteString("PRAGMA integrity_check;")
	for _, name := range tables {
		sql.WriteString("SELECT count(*) FROM " + name + ";")
	}
	out, err := exec.Command("sqlite3", "-readonly", filepath.Join(data, "signalbox.db"), sql.String()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", how, err, out)
	}
	lines := strings.Fields(string(out))
	if len(lines) != 1+len(tables) || lines[0] != "ok" {
		return fmt.Errorf("%s: %s", how, out)
	}
	for i, name := range tables {
		if lines[i+1] != strconv.FormatInt(counts[name], 10) {
			return fmt.Errorf("%s: %s has %s rows for it and %d for us", how, name, lines[i+1], counts[name])
		}
	}
	return nil
}
