package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"signalbox"
)

// Where records stand in lists by score is written with what else deciding writes of them. What decay alone moves (signalbox.ScoreRank.Due) is found here by the index of
// those that are due, and written without a turn: nobody is told of it, and no condition reads it.
//
// The workspace's head tells of what is written here as it does of a turn, so that nobody goes by a place that they remember (memory.go).

// rankRows is how many places one slice looks at: so many changed records a head can tell of.
const rankRows = 128

// rankIdle is when a workspace is looked at of which nothing is due: a program that ranks nothing may have written records since (migration 14).
const rankIdle = 24 * time.Hour

const ranksDueSQL = `
SELECT entity_id, coalesce(account_score, contact_score), coalesce(account_stage, contact_stage), score_due, standing
  FROM entity_states
 WHERE workspace_id = $1 AND score_due <= $2
 ORDER BY score_due, entity_id
 LIMIT $3`

const nextRankDueSQL = `
SELECT score_due
  FROM entity_states
 WHERE workspace_id = $1 AND score_due IS NOT NULL
 ORDER BY score_due
 LIMIT 1`

const setRankSQL = `
UPDATE entity_states
   SET account_score = $3,
       contact_score = $4,
       account_stage = $5,
       contact_stage = $6,
       score_due = $7
 WHERE workspace_id = $1
   AND entity_id = $2`

// What stands for itself has no merged_into, and merged names its parts.
const (
	accountPartsSQL = `
SELECT merged_into, merged
  FROM accounts
 WHERE workspace_id = $1 AND id = $2 AND erased_at IS NULL`

	contactPartsSQL = `
SELECT merged_into, merged
  FROM contacts
 WHERE workspace_id = $1 AND id = $2 AND erased_at IS NULL`

	standingSQL = `
SELECT standing
  FROM entity_states
 WHERE workspace_id = $1 AND entity_id = $2`

	scoringSQL = `
SELECT body
  FROM definitions
 WHERE workspace_id = $1 AND kind = 'scoring' AND id = $1`
)

// rankedRow is a record whose place is looked at.
type rankedRow struct {
	entity   signalbox.EntityID
	kind     signalbox.RecordKind
	rank     signalbox.ScoreRank
	stage    string
	standing []byte
	parts    []signalbox.EntityID
	none     bool // it was erased, or another record stands for it
}

// RefreshRanks looks at the places of records in lists by score that are due, as far as one slice goes, and says when that is to be done again: now where there are more. Where
// there are none, the workspace's due row is set to it in the same transaction, not before now + rest; a turn that makes one due sooner makes that row so.
func (db *DB) RefreshRanks(ctx context.Context, ws signalbox.WorkspaceID, now time.Time, rest time.Duration) (next time.Time, err error) {
	if db.cfg.Scorer == nil {
		return now.Add(rankIdle), nil
	}
	err = db.write(ctx, classSlice, func(t *tx) error {
		next = time.Time{}
		if err := t.lockHead(ws); err != nil { // no turn has one of these records in hand, nor makes one due unseen
			return err
		}
		more, err := t.refreshRanks(ws, db.cfg.Scorer, now)
		if err != nil {
			return err
		}
		if more {
			next = now // the row stays where its lease has put it
			return nil
		}
		if _, err := t.one(nextRankDueSQL, []any{id(ws)}, func(r *row) { next = r.time(0) }); err != nil {
			return err
		}
		switch earliest := now.Add(rest); {
		case next.IsZero() || next.After(now.Add(rankIdle)):
			next = now.Add(rankIdle)
		case next.Before(earliest):
			next = earliest
		}
		return t.setDue(signalbox.Due{Kind: signalbox.DueRanks, Workspace: ws, Subject: int64(ws), At: next})
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("refresh ranks: %w", err)
	}
	return next, nil
}

// refreshRanks does one slice, and says whether there may be more.
func (t *tx) refreshRanks(ws signalbox.WorkspaceID, scores MakeScorer, now time.Time) (more bool, err error) {
	var list []rankedRow
	err = t.query(ranksDueSQL, []any{id(ws), now, rankRows}, func(r *row) error {
		list = append(list, rankedRow{entity: signalbox.EntityID(r.int(0)), rank: scanRank(r, 1, 3), stage: r.text(2), standing: r.bytes(4)})
		return nil
	})
	if err != nil || len(list) == 0 {
		return false, err
	}
	scorer, err := t.rankScorer(ws, scores)
	if err != nil {
		return false, err
	}
	if err := t.readParts(ws, list); err != nil {
		return false, err
	}
	of := map[signalbox.EntityID][]byte{}
	var parts []signalbox.EntityID
	for i := range list {
		parts = append(parts, list[i].parts...)
	}
	err = lookUp(t, standingSQL, 1, parts, func(s *stmt, e *signalbox.EntityID) { s.id(int64(ws)).id(int64(*e)) }, func(r *row, e *signalbox.EntityID) { of[*e] = r.bytes(0) })
	if err != nil {
		return false, err
	}
	for i := range list {
		if err := list[i].refresh(scorer, of, now); err != nil {
			return false, fmt.Errorf("record %d: %w", list[i].entity, err)
		}
	}
	if err := t.tellRanked(ws, list); err != nil {
		return false, err
	}
	return len(list) == rankRows, each(t, setRankSQL, list, func(s *stmt, r *rankedRow) {
		s.id(int64(ws)).id(int64(r.entity)).scoreRank(r.kind, r.rank, r.stage)
	})
}

const (
	changesSQL = `
SELECT changes
  FROM heads
 WHERE workspace_id = $1`

	tellChangesSQL = `
UPDATE heads
   SET changes = $2
 WHERE workspace_id = $1`
)

// tellRanked has whoever remembers these records read them anew. Where the head tells nothing, nobody relies on it.
func (t *tx) tellRanked(ws signalbox.WorkspaceID, list []rankedRow) error {
	var told changes
	if _, err := t.one(changesSQL, []any{id(ws)}, func(r *row) { told = r.bytes(0) }); err != nil || told.stamp() == 0 {
		return err
	}
	entities := make([]signalbox.EntityID, len(list))
	for i := range list {
		entities[i] = list[i].entity
	}
	_, err := t.exec(tellChangesSQL, id(ws), []byte(told.with(1+rand.Int64N(math.MaxInt64), entities, false)))
	return err
}

// refresh works a record's place out anew.
func (r *rankedRow) refresh(scorer Scorer, of map[signalbox.EntityID][]byte, now time.Time) (err error) {
	if r.none {
		r.rank, r.stage = signalbox.ScoreRank{}, ""
		return nil
	}
	packed := [][]byte{r.standing}
	for _, part := range r.parts {
		packed = append(packed, of[part])
	}
	r.rank, r.stage, err = scorer.Rank(r.kind, r.rank, now, packed...)
	return err
}

// readParts says of records what they are and what is merged into them.
func (t *tx) readParts(ws signalbox.WorkspaceID, list []rankedRow) error {
	for i := range list {
		list[i].none = true // unless it is found
	}
	bind := func(s *stmt, r *rankedRow) { s.id(int64(ws)).id(int64(r.entity)) }
	for kind, sql := range map[signalbox.RecordKind]string{signalbox.AccountRecord: accountPartsSQL, signalbox.ContactRecord: contactPartsSQL} {
		err := lookUp(t, sql, 2, list, bind, func(r *row, of *rankedRow) {
			of.kind, of.none = kind, !r.null(0)
			if merged := r.merged(1); merged != nil {
				for _, part := range merged.Records {
					of.parts = append(of.parts, part.ID)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rankScorer makes a scorer of the scoring alone: a place reads nothing else, and conditions take long to compile.
func (t *tx) rankScorer(ws signalbox.WorkspaceID, scores MakeScorer) (Scorer, error) {
	d := &signalbox.Definitions{Workspace: signalbox.Workspace{ID: ws}}
	var body []byte
	if _, err := t.one(scoringSQL, []any{id(ws)}, func(r *row) { body = r.bytes(0) }); err != nil {
		return nil, err
	}
	if body != nil {
		if err := json.Unmarshal(body, &d.Scoring); err != nil {
			return nil, fmt.Errorf("the scoring: %w", err)
		}
		d.Scoring.Rules = nil
	}
	return scores(d)
}
