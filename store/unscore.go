package store

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"signalbox"
)

// Unscore makes a function that takes signals that are gone out of what deciding keeps of a record (signalbox.EntityState.Standing), and returns what is
// left of it.
type Unscore func(s *signalbox.Scoring) func(standing []byte, gone []signalbox.Scored) ([]byte, error)

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
	if len(gone) == 0 || j.unscore == nil {
		return nil
	}
	of, err := t.countedFor(j.Workspace, gone)
	if err != nil {
		return err
	}
	type left struct {
		entity   signalbox.EntityID
		standing []byte
	}
	var states []left
	var due []signalbox.Due
	err = lookUp(t, stateSQL, 4, slices.Sorted(maps.Keys(of)), func(s *stmt, e *signalbox.EntityID) { s.id(int64(j.Workspace)).id(int64(*e)) }, func(r *row, e *signalbox.EntityID) {
		if standing := r.bytes(3); standing != nil {
			states = append(states, left{*e, standing})
		}
	})
	if err != nil {
		return fmt.Errorf("read what counts: %w", err)
	}
	unscore := j.unscore(&signalbox.Scoring{})
	for i := range states {
		s := &states[i]
		if s.standing, err = unscore(s.standing, of[s.entity]); err != nil {
			return fmt.Errorf("take signals out of a score: %w", err)
		}
		due = append(due, signalbox.Due{Kind: signalbox.DueRecord, Subject: int64(s.entity), Workspace: j.Workspace, At: now})
	}
	if err := each(t, setStandingSQL, states, func(s *stmt, l *left) { s.id(int64(j.Workspace)).id(int64(l.entity)).blob(l.standing) }); err != nil {
		return fmt.Errorf("keep what counts: %w", err)
	}
	return each(t, armDueSQL, due, bindDue)
}

// countedFor lists signals by the records that they counted for.
func (t *tx) countedFor(ws signalbox.WorkspaceID, gone []signalbox.Signal) (map[signalbox.EntityID][]signalbox.Scored, error) {
	types := map[scoped[signalbox.TypeID]]string{}
	for i := range gone {
		types[scoped[signalbox.TypeID]{ws, gone[i].TypeID}] = ""
	}
	if err := t.typeNames(types); err != nil {
		return nil, err
	}
	of := map[signalbox.EntityID][]signalbox.Scored{}
	for i := range gone {
		g := &gone[i]
		one := scoredOf(g)
		one.Type = types[scoped[signalbox.TypeID]{ws, g.TypeID}]
		for _, e := range []signalbox.EntityID{signalbox.EntityID(g.Account), signalbox.EntityID(g.Contact)} {
			if e != 0 {
				of[e] = append(of[e], one)
			}
		}
	}
	return of, nil
}

// scoredOf is a signal as far as scores go, but for its type's name.
func scoredOf(s *signalbox.Signal) signalbox.Scored {
	return signalbox.Scored{ID: s.ID, Points: s.Points, At: s.CountsFrom()}
}
