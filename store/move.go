package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// settingMove marks a database that a move has to do with; a database with such a mark is opened by the move alone, but for one that has arrived.
const settingMove = placePrefix + "move"

// MoveState is what a move has made of a database.
type MoveState string

// The states of the two databases of a move. No moment has both of them open to others: the one that is left is marked before the one that
// is filled is complete.
const (
	MoveLeaving MoveState = "leaving" // its rows are being carried over
	MoveLeft    MoveState = "left"    // they are elsewhere now
	MoveFilling MoveState = "filling" // it has a part of them
	MoveArrived MoveState = "arrived" // it has them all
)

// Move is the mark of a move in one of its two databases.
type Move struct {
	ID    string    `json:"id"` // the same in both
	State MoveState `json:"state"`
	To    string    `json:"to,omitempty"` // in the database that is left: where to, without a password
	At    time.Time `json:"at"`

	// How far a database is filled.
	Table string `json:"table,omitempty"` // of Tables, the one to go on with; those before it are loaded. "": the first one
	After []byte `json:"after,omitempty"` // the place in the other database behind which to go on; nil: from the table's beginning
	Rows  int64  `json:"rows,omitempty"`  // how many are loaded
	Full  bool   `json:"full,omitempty"`  // every table is loaded
}

// Move returns the database's mark; nil when no move has to do with it.
func (db *DB) Move(ctx context.Context) (m *Move, err error) {
	err = db.read(ctx, func(t *tx) error {
		m, err = t.move()
		return err
	})
	return m, err
}

func (t *tx) move() (*Move, error) {
	text, err := t.setting(settingMove)
	if err != nil || text == nil {
		return nil, err
	}
	m := new(Move)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("the mark of a move: %w", err)
	}
	return m, nil
}

// MarkMove marks the database, in place of the mark before; nil takes the mark away.
func (db *DB) MarkMove(ctx context.Context, m *Move) error {
	return db.write(ctx, classManage, func(t *tx) error { return t.markMove(m) })
}

const deleteSettingSQL = `
DELETE FROM settings
 WHERE name = $1`

func (t *tx) markMove(m *Move) error {
	if m == nil {
		_, err := t.exec(deleteSettingSQL, settingMove)
		return err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = t.exec(putSettingSQL, settingMove, text)
	return err
}

// LoadMoved adds encoded rows to a table and notes with them, in one transaction, how far the move is. Where the database has not the mark of that
// move it does nothing.
func (db *DB) LoadMoved(ctx context.Context, table string, rows [][]byte, m *Move) error {
	to := findTable(table)
	if to == nil {
		return fmt.Errorf("no table %q in a copy", table)
	}
	return db.write(ctx, classManage, func(t *tx) error {
		has, err := t.move()
		if err != nil {
			return err
		}
		if has == nil || has.ID != m.ID || has.State != MoveFilling {
			return errors.New("the database that is filled is not this move's any more: somebody else works on it")
		}
		if err := t.loadRows(db, to, rows); err != nil {
			return err
		}
		return t.markMove(m)
	})
}

const anyNodeSQL = `
SELECT count(*)
  FROM nodes`

// NotEmpty names a table that holds rows; "" when the database is as it was made.
func (db *DB) NotEmpty(ctx context.Context) (table string, err error) {
	err = db.Snapshot(ctx, func(s *Snapshot) error {
		nodes, err := s.t.count(anyNodeSQL)
		if err != nil {
			return s.broken("nodes", err)
		}
		if nodes > 0 {
			table = "nodes"
		}
		for _, t := range catalogue {
			if _, err := s.Rows(t.Name, nil, 1, func([]byte) error {
				table = t.Name
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return table, err
}

// hasSettingsSQL says whether there is a table of settings yet.
const (
	hasSettingsSQL = `
SELECT count(*)
  FROM sqlite_schema
 WHERE type = 'table'
   AND name = 'settings'`

	hasSettingsPostgresSQL = `
SELECT count(to_regclass('settings'))`
)

// refuseMoved refuses a database that a move has to do with and that is not complete, or no longer the one. It is asked before anything is
// changed.
func (db *DB) refuseMoved(t *tx) error {
	has, err := t.count(hasSettingsSQL)
	if err != nil || has == 0 || db.cfg.Moving {
		return err
	}
	m, err := t.move()
	if err != nil || m == nil {
		return err
	}
	switch m.State {
	case MoveArrived:
		return nil
	case MoveLeft:
		return fmt.Errorf("this database was moved to %s on %s: start with --database-url", m.To, m.At.UTC().Format(time.DateOnly))
	case MoveLeaving:
		return fmt.Errorf("this database is being moved to %s: run signalbox move again to go on, or signalbox move --abandon to give that up", m.To)
	case MoveFilling:
		return errors.New("a move into this database is not complete: run signalbox move again where it was begun")
	}
	return fmt.Errorf("this database has a mark of a move that this program does not know: %q", m.State)
}
