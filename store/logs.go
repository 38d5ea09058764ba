package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"signalbox"
)

const logColumns = `id, workspace_id, request_id, at, outcome, operation, method, path, http_status, code, message, param, ignored, signal_id,
       type, source, domain, email, key_id, took_us, count`

const insertLogSQL = `
INSERT INTO logs (id, workspace_id, request_id, at, outcome, operation, method, path, http_status, code, message, param, ignored, signal_id,
                  type, source, domain, email, key_id, took_us, count)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
ON CONFLICT DO NOTHING`

// InsertLogs adds rows to the log, of whatever workspaces; one that is there already stays as it is, so that a try whose answer was lost can be
// made again. Signals that were taken whole are in the log without it.
func (db *DB) InsertLogs(ctx context.Context, rows []signalbox.LogRow) error {
	err := db.write(ctx, classSlice, func(t *tx) error {
		return t.unheard(func() error { return each(t, insertLogSQL, rows, bindLog) })
	})
	if err != nil {
		return fmt.Errorf("insert logs: %w", err)
	}
	return nil
}

func bindLog(s *stmt, l *signalbox.LogRow) {
	var ignored []byte
	if len(l.Ignored) > 0 {
		ignored, _ = json.Marshal(l.Ignored) // texts only
	}
	s.id(l.ID).id(int64(l.Workspace)).int(int64(l.Request)).time(l.At).int(int64(l.Outcome)).text(l.Operation).text(l.Method).text(l.Path)
	s.int(int64(l.Status)).text(l.Code).text(l.Message).text(l.Param).json(ignored).id(int64(l.Signal)).text(l.Type).text(l.Source)
	s.text(l.Domain).text(l.Email).id(int64(l.Key)).int(l.Took.Microseconds()).int(int64(l.Count))
}

// Logs answers a page of the log, newest first: the rows of logs and the signals, merged by their ids. A signal with a row of its own is that row.
// A filter that lets little through may give a short page with a next: the scan's time was over.
func (db *DB) Logs(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.LogFilter, p signalbox.Page) ([]signalbox.LogRow, int64, error) {
	limit, before := bounds(p)
	m := &logMerge{ws: ws, f: f, limit: limit, before: before, slice: limit + 1, list: []signalbox.LogRow{}, query: strings.ToLower(f.Query)}
	if !f.From.IsZero() {
		m.floor = floorAt(f.From)
	}
	for start := time.Now(); ; {
		if err := db.read(ctx, m.read); err != nil {
			return nil, 0, fmt.Errorf("read logs: %w", err)
		}
		if m.more || m.done || time.Since(start) > scanFor {
			break
		}
		m.slice = min(2*m.slice, m.most()) // a filter that lets little through looks further at a time
	}
	if err := db.read(ctx, func(t *tx) error { return t.nameKeys(ws, m.list) }); err != nil {
		return nil, 0, fmt.Errorf("read names of keys: %w", err)
	}
	switch {
	case m.more:
		return m.list, m.list[len(m.list)-1].ID, nil
	case m.done:
		return m.list, 0, nil
	}
	return m.list, m.before, nil
}

// logMerge fills one page, slice by slice.
type logMerge struct {
	ws     signalbox.WorkspaceID
	f      signalbox.LogFilter
	query  string // of f, in lower case
	limit  int
	slice  int
	floor  int64 // below it nothing can belong to the page
	before int64 // everything from here on is in list, or does not belong to it

	list []signalbox.LogRow
	more bool // there is a row behind the page
	done bool // there is none
}

// searchedRows is the longest slice that a text is looked for in: every signal of it needs its records.
const searchedRows = 200

func (m *logMerge) most() int {
	if m.query != "" {
		return searchedRows
	}
	return signalbox.SliceRows
}

// read merges the next slice of each side, as far down as both have been read.
func (m *logMerge) read(t *tx) error {
	own, ownTo, err := m.readLogs(t, m.before)
	if err != nil {
		return err
	}
	signals, signalsTo, err := m.readSignals(t, m.before)
	if err != nil {
		return err
	}
	to := max(ownTo, signalsTo, m.floor)
	merged := slices.DeleteFunc(merge(own, signals), func(l signalbox.LogRow) bool { return l.ID < to || !m.matches(&l) })
	if room := m.limit - len(m.list); len(merged) > room {
		merged, m.more = merged[:room], true
	}
	m.list = append(m.list, merged...)
	m.before, m.done = to, to <= max(m.floor, 1)
	return nil
}

// merge joins rows of the log and signals, both newest first: where both have an id, it is the log's row.
func merge(own, signals []signalbox.LogRow) []signalbox.LogRow {
	merged := make([]signalbox.LogRow, 0, len(own)+len(signals))
	for len(own) > 0 && len(signals) > 0 {
		switch {
		case own[0].ID == signals[0].ID:
			signals = signals[1:]
		case own[0].ID > signals[0].ID:
			merged, own = append(merged, own[0]), own[1:]
		default:
			merged, signals = append(merged, signals[0]), signals[1:]
		}
	}
	return append(append(merged, own...), signals...)
}

// matches applies what the slices have not.
func (m *logMerge) matches(l *signalbox.LogRow) bool {
	if m.f.Outcome != 0 && l.Outcome != m.f.Outcome || !within(l.At, m.f.From, m.f.To) || m.f.Domain != "" && l.Domain != m.f.Domain && l.Outcome != signalbox.LogAccepted {
		return false
	}
	if m.query == "" {
		return true
	}
	for _, text := range []string{l.Message, l.Path, l.Code, l.Param, l.Type, l.Source, l.Domain, l.Email, l.Operation, strings.Join(l.Ignored, " ")} {
		if strings.Contains(strings.ToLower(text), m.query) {
			return true
		}
	}
	return false
}

// logsOfDomainSQL reads a partial index; its terms must stand here word for word.
const (
	logsSQL = `
SELECT ` + logColumns + `
  FROM logs
 WHERE workspace_id = $1 AND id < $2
 ORDER BY id DESC
 LIMIT $3`

	logsOfDomainSQL = `
SELECT ` + logColumns + `
  FROM logs
 WHERE workspace_id = $1 AND domain = $4 AND domain <> '' AND id < $2
 ORDER BY id DESC
 LIMIT $3`

	logsOfSignalSQL = `
SELECT ` + logColumns + `
  FROM logs
 WHERE workspace_id = $1 AND signal_id = $4 AND id < $2
 ORDER BY id DESC
 LIMIT $3`
)

// readLogs reads the side of the rows that are stored. to is how far down it is complete.
func (m *logMerge) readLogs(t *tx, before int64) (list []signalbox.LogRow, to int64, err error) {
	sql, args := logsSQL, []any{id(m.ws), before, m.slice}
	switch {
	case m.f.Signal != 0:
		sql, args = logsOfSignalSQL, append(args, id(m.f.Signal))
	case m.f.Domain != "":
		sql, args = logsOfDomainSQL, append(args, m.f.Domain)
	}
	err = t.query(sql, args, func(r *row) error {
		l, err := scanLog(r)
		list = append(list, l)
		return err
	})
	if len(list) == m.slice {
		to = list[len(list)-1].ID
	}
	return list, to, err
}

// readSignals reads the side of the signals, as rows of the log.
func (m *logMerge) readSignals(t *tx, before int64) (list []signalbox.LogRow, to int64, err error) {
	if m.f.Outcome != 0 && m.f.Outcome != signalbox.LogAccepted {
		return nil, 0, nil
	}
	var found []signalbox.SignalView
	seen := 0
	each := func(r *row) error {
		seen++
		to = r.int(0)
		if r.int(1) == int64(m.ws) && r.null(13) && within(r.time(7), m.f.From, m.f.To) && (m.f.Account == 0 || r.int(4) == int64(m.f.Account)) {
			found = append(found, signalbox.SignalView{Signal: scanSignal(r)})
		}
		return nil
	}
	switch {
	case m.f.Signal != 0:
		err = t.query(signalSQL, []any{id(m.ws), id(m.f.Signal)}, func(r *row) error {
			if r.int(0) < before {
				return each(r)
			}
			return nil
		})
	case m.f.Domain != "" && m.f.Account == 0: // nobody has this domain
	case m.f.Account != 0:
		seen, err = m.walk(t, before, each)
	default:
		err = allSlice(m.ws)(t, before, m.slice, each)
		if err == nil && seen == m.slice && len(found) == 0 {
			to, err = t.newestSignal(m.ws, to)
		}
	}
	if seen < m.slice {
		to = 0
	}
	if err == nil {
		err = t.dress(found)
	}
	for i := range found {
		list = append(list, signalbox.LogOf(&found[i]))
	}
	return list, to, err
}

// shortChain is how long a timeline may be that is walked to a place in it; the signals of a longer one are common enough to be found among all.
const shortChain = 1000

// walk reads an account's signals before a place, which need not be one of them, from the head of its timeline.
func (m *logMerge) walk(t *tx, before int64, each func(*row) error) (seen int, err error) {
	s, err := t.state(m.ws, signalbox.EntityID(m.f.Account))
	switch {
	case isNoSuch(err):
		return 0, nil
	case err != nil:
		return 0, err
	case s.Signals > shortChain:
		err := allSlice(m.ws)(t, before, m.slice, func(r *row) error {
			seen++
			return each(r)
		})
		return seen, err
	}
	own := timelines{ws: m.ws, chain: accountChain, of: []signalbox.EntityID{signalbox.EntityID(m.f.Account)}}
	return 0, own.slice(t, math.MaxInt64, shortChain, func(r *row) error {
		if r.int(0) >= before {
			return nil
		}
		return each(r)
	})
}

const keyNameSQL = `
SELECT name
  FROM api_keys
 WHERE workspace_id = $1 AND id = $2`

// nameKeys gives the rows of a page the names of their keys.
func (t *tx) nameKeys(ws signalbox.WorkspaceID, list []signalbox.LogRow) error {
	names := map[signalbox.KeyID]string{}
	var keys []scoped[signalbox.KeyID]
	for i := range list {
		if _, known := names[list[i].Key]; !known && list[i].Key != 0 {
			names[list[i].Key] = ""
			keys = append(keys, scoped[signalbox.KeyID]{ws, list[i].Key})
		}
	}
	err := lookUp(t, keyNameSQL, 1, keys, bindScoped, func(r *row, k *scoped[signalbox.KeyID]) { names[k.id] = r.text(0) })
	for i := range list {
		list[i].KeyName = names[list[i].Key]
	}
	return err
}

// scanLog reads a row of logColumns.
func scanLog(r *row) (signalbox.LogRow, error) {
	l := signalbox.LogRow{
		ID: r.int(0), Workspace: signalbox.WorkspaceID(r.int(1)), Request: signalbox.RequestID(r.int(2)), At: r.time(3),
		Outcome: signalbox.LogOutcome(r.int(4)), Operation: r.text(5), Method: r.text(6), Path: r.text(7), Status: int(r.int(8)), Code: r.text(9),
		Message: r.text(10), Param: r.text(11), Signal: signalbox.SignalID(r.int(13)), Type: r.text(14), Source: r.text(15), Domain: r.text(16),
		Email: r.text(17), Key: signalbox.KeyID(r.int(18)), Took: time.Duration(r.int(19)) * time.Microsecond, Count: int(r.int(20)),
	}
	if ignored := r.bytes(12); ignored != nil {
		if err := json.Unmarshal(ignored, &l.Ignored); err != nil {
			return l, fmt.Errorf("ignored fields of %d: %w", l.ID, err)
		}
	}
	return l, nil
}

const (
	forgetDomainSQL = `
DELETE FROM logs
 WHERE workspace_id = $1 AND domain = $2 AND domain <> ''`

	forgetEmailSQL = `
DELETE FROM logs
 WHERE workspace_id = $1 AND email = $2 AND email <> ''`
)

// forgetErased takes from the log what names a record that this decision erases: what was refused belongs to nobody's timeline, and the erasure's job
// could not find it. There are few such rows, however many requests were refused: a flood is bounded before it comes here.
func (t *tx) forgetErased(d *signalbox.Decision) error {
	erases := false
	for i := range d.Jobs {
		erases = erases || d.Jobs[i].Kind == signalbox.JobEraseAccount || d.Jobs[i].Kind == signalbox.JobEraseContact
	}
	if !erases {
		return nil
	}
	for _, k := range d.Freed {
		sql := map[signalbox.KeyKind]string{signalbox.KeyDomain: forgetDomainSQL, signalbox.KeyEmail: forgetEmailSQL}[k.Kind]
		if sql == "" {
			continue
		}
		if _, err := t.exec(sql, id(k.Workspace), k.Value); err != nil {
			return err
		}
	}
	return nil
}
