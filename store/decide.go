package store

import (
	"context"
	"math"
	"math/rand/v2"

	"signalbox"
)

// Decide is one turn: prepare says what must be known, decide says what follows from it, and all of that is saved, in one transaction.
//
// prepare is called when the writer reaches the turn, so that a turn can fill until then; decide is called with the Situation
// as it stood then, and nothing changes before its Decision is committed or dropped. On PostgreSQL both run again when the server gave the
// transaction up for another's sake, or the connection broke: the last run counts. Decide returns after the commit, which is on the
// disk then. An error of decide, or a Decision of nil, saves nothing; the error is returned as it is. When the database cannot take the
// turn the error has code Unavailable and nothing was acknowledged: after a crash the turn may be found saved all the same.
func (db *DB) Decide(ctx context.Context, prepare func() signalbox.Need, decide func(*signalbox.Situation) (*signalbox.Decision, error)) error {
	var saved func()
	err := db.write(ctx, classTurn, func(t *tx) error {
		saved = nil
		need := prepare()
		known := db.memory.begin(need.Workspaces)
		situation, err := t.load(need, known)
		if err != nil {
			return err
		}
		decision, err := decide(situation)
		if err != nil {
			return err
		}
		stamp := 1 + rand.Int64N(math.MaxInt64)
		if decision == nil {
			decision = &signalbox.Decision{}
		} else if err := t.save(decision, known, stamp); err != nil {
			return err
		}
		saved = func() { known.keep(decision, stamp) }
		return nil
	})
	if err == nil && saved != nil {
		saved()
	}
	return err
}
