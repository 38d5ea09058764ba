package store

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"signalbox"
)

// Scorer works on what deciding keeps of records (signalbox.EntityState.Standing), by one version of a workspace's definitions. nil is what is kept of a
// record of which nothing is known.
type Scorer interface {
	// Unscore takes signals that are gone out of what is kept of a record, and returns what is left. short says that signals which were left out may count
	// now: those of the record must be noted again.
	Unscore(kept signalbox.Kept, gone []signalbox.Scored) (left signalbox.Kept, short bool, err error)
	// Note keeps of signals what audiences and qualifications ask of them, in EntityState.Following. To note one again changes nothing.
	Note(following []byte, signals []signalbox.Signal) ([]byte, error)
	// Points says what a signal is worth, and which rules gave it points, as both are stored.
	Points(s *signalbox.Signal) (signalbox.Points, []byte)
	// Rescore takes what signals counted before out of a standing, and adds what they count now.
	Rescore(standing []byte, was, is []signalbox.Scored) ([]byte, error)
	// Sum adds signals to sums; nil sums are those of none.
	Sum(sums []byte, signals []signalbox.Scored) ([]byte, error)
	// Restand has a record do as a job's order says the next time that it is looked at: stand where it then does, told of, or as if that had been told; be
	// qualified anew. sums take the place of those that are kept when the order adds up.
	Restand(kept signalbox.Kept, sums []byte, order signalbox.Rescoring) (signalbox.Kept, error)
	// Rank says where a record stands in lists by score, which stood at was, and the stage that it was last told to be in, "" for the first one: of its own standing,
	// which comes first, and those of all that is merged into it.
	Rank(kind signalbox.RecordKind, was signalbox.ScoreRank, now time.Time, standings ...[]byte) (rank signalbox.ScoreRank, stage string, err error)
}

// MakeScorer makes the scorer of a workspace's definitions.
type MakeScorer func(*signalbox.Definitions) (Scorer, error)

// rememberedScorers is how many workspaces' scorers are remembered.
const rememberedScorers = 16

// remembering makes the scorer of a version of definitions once: a job has one made for every slice, and to compile hundreds of definitions takes longer than
// what a slice does.
func (m MakeScorer) remembering() MakeScorer {
	if m == nil {
		return nil
	}
	type remembered struct {
		version int64
		scorer  Scorer
	}
	var mu sync.Mutex
	known := map[signalbox.WorkspaceID]remembered{}
	return func(d *signalbox.Definitions) (Scorer, error) {
		if d.Version == 0 { // made up of some of those in force: nothing says when they change
			return m(d)
		}
		mu.Lock()
		defer mu.Unlock()
		if k, ok := known[d.Workspace.ID]; ok && k.version == d.Version {
			return k.scorer, nil
		}
		scorer, err := m(d)
		if err != nil {
			return nil, err
		}
		if len(known) >= rememberedScorers {
			clear(known)
		}
		known[d.Workspace.ID] = remembered{d.Version, scorer}
		return scorer, nil
	}
}

const setKeptSQL = `
UPDATE entity_states
   SET standing = $3,
       following = $4
 WHERE entity_id = $2
   AND workspace_id = $1`

const setStandingSQL = `
UPDATE entity_states
   SET standing = $3
 WHERE entity_id = $2
   AND workspace_id = $1`

// holdStill keeps turns from deciding in a workspace until the transaction ends, and from relying on what they remember of its records.
func (t *tx) holdStill(ws signalbox.WorkspaceID) error {
	if err := t.lockHead(ws); err != nil {
		return err
	}
	_, err := t.exec(forgetSQL, id(ws))
	return err
}

// uncount takes signals out of the scores of whom they were about, and has these records looked at: less may be left than their stage takes. The
// workspace is held still.
func (t *tx) uncount(j *jobRow, gone []signalbox.Signal, now time.Time) error {
	if len(gone) == 0 {
		return nil
	}
	if err := t.forgetCaptures(gone); err != nil {
		return fmt.Errorf("forget captures: %w", err)
	}
	if j.scorer == nil {
		return nil
	}
	if err := t.nameTypes(gone); err != nil {
		return err
	}
	of := countedFor(gone)
	if err := t.startAgain(j.Workspace, of); err != nil {
		return err
	}
	type left struct {
		entity signalbox.EntityID
		signalbox.Kept
	}
	var states []left
	var due []signalbox.Due
	short := false
	err := lookUp(t, stateSQL, 5, slices.Sorted(maps.Keys(of)), func(s *stmt, e *signalbox.EntityID) { s.id(int64(j.Workspace)).id(int64(*e)) }, func(r *row, e *signalbox.EntityID) {
		if kept := (signalbox.Kept{Standing: r.bytes(3), Following: r.bytes(4)}); kept.Standing != nil || kept.Following != nil {
			states = append(states, left{*e, kept})
		}
	})
	if err != nil {
		return fmt.Errorf("read what counts: %w", err)
	}
	d, err := t.definitions(j.Workspace)
	if err != nil {
		return err
	}
	scorer, err := j.scorer(d)
	if err != nil {
		return err
	}
	for i := range states {
		s := &states[i]
		var less bool
		if s.Kept, less, err = scorer.Unscore(s.Kept, of[s.entity]); err != nil {
			return fmt.Errorf("take signals out of a score: %w", err)
		}
		short = short || less
		due = append(due, signalbox.Due{Kind: signalbox.DueRecord, Subject: int64(s.entity), Workspace: j.Workspace, At: now})
	}
	if err := each(t, setKeptSQL, states, func(s *stmt, l *left) {
		s.id(int64(j.Workspace)).id(int64(l.entity)).blob(l.Standing).blob(l.Following)
	}); err != nil {
		return fmt.Errorf("keep what counts: %w", err)
	}
	if short {
		if err := t.noteAgain(j.Workspace, j.ids, now); err != nil {
			return err
		}
	}
	return each(t, armDueSQL, due, bindDue)
}

// countedFor lists signals by the records that they counted for.
func countedFor(list []signalbox.Signal) map[signalbox.EntityID][]signalbox.Scored {
	of := map[signalbox.EntityID][]signalbox.Scored{}
	for i := range list {
		one := scoredOf(&list[i])
		for _, e := range []signalbox.EntityID{signalbox.EntityID(list[i].Account), signalbox.EntityID(list[i].Contact)} {
			if e != 0 {
				of[e] = append(of[e], one)
			}
		}
	}
	return of
}

// scoredOf is a signal as far as scores go.
func scoredOf(s *signalbox.Signal) signalbox.Scored {
	return signalbox.Scored{ID: s.ID, Type: s.Type, Points: s.Points, At: s.CountsFrom(), OccurredAt: s.OccurredAt}
}
