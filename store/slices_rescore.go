package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"signalbox"
)

// Rescoring works scores out anew after the scoring was changed, while signals keep arriving. Its first step gives every signal that was stored before the
// job the points that the rules now give it, and moves the sums of whom it counts for by the difference. Its second goes through the records: it adds the
// signals of each up anew, so that their decay is that of the half-lives now in force, and has each looked at. Every slice holds the workspace still, so
// that nothing arrives between what it reads and what it writes; what arrived between two slices is read by the next one.

// The steps of a rescoring.
const (
	rescoreSignals = 0
	rescoreRecords = 1
	rescoreWaits   = 2
)

// chainRows is how many signals of records' timelines a slice reads: on PostgreSQL each is a trip, and on the embedded database no signal is taken meanwhile.
const chainRows = 250

// rescoring is what a job keeps of its order and of the record that it is at.
type rescoring struct {
	signalbox.Rescoring
	At *recount `json:"at,omitempty"`
}

// recount is a record whose signals are being added up: those from Top down to Next are not in Sums yet below Next.
type recount struct {
	Entity signalbox.EntityID `json:"entity"`
	Top    int64              `json:"top"`    // the newest signal that was read
	Next   int64              `json:"next"`   // the signal that is read next
	Bottom int64              `json:"bottom"` // where this pass ends: the newest signal of the pass before
	Sums   []byte             `json:"sums"`
}

const signalsUpSQL = `
SELECT ` + signalColumns + `
  FROM signals
 WHERE id > $1 AND id < $2
 ORDER BY id
 LIMIT $3`

const signalsUpPostgresSQL = `
SELECT ` + signalColumns + `
  FROM signals
 WHERE id > $1 AND id < $2 AND workspace_id = $4
 ORDER BY id
 LIMIT $3`

const statesUpSQL = `
SELECT entity_id, workspace_id, last_signal_id, standing, following, account_rank IS NULL, contact_rank IS NULL
  FROM entity_states
 WHERE entity_id > $1
 ORDER BY entity_id
 LIMIT $2`

const statesUpPostgresSQL = `
SELECT entity_id, workspace_id, last_signal_id, standing, following, account_rank IS NULL, contact_rank IS NULL
  FROM entity_states
 WHERE entity_id > $1 AND workspace_id = $3
 ORDER BY entity_id
 LIMIT $2`

const repointSQL = `
UPDATE signals
   SET points = $3, rules = $4
 WHERE workspace_id = $1 AND id = $2`

// replaceJob saves a job in the place of one of its kind that goes on: that one's work is part of it.
func (t *tx) replaceJob(j *signalbox.Job, now time.Time) error {
	old, found, err := t.running(j.Workspace, j.Kind)
	if err != nil {
		return err
	}
	if found {
		var was, is signalbox.Rescoring
		if err := readParams(&old, &was, j.Params, &is); err != nil {
			return err
		}
		text, err := json.Marshal(was.Join(is))
		if err != nil {
			return err
		}
		j.Params = string(text)
		old.Error = "another change of the scoring took its place"
		old.end(signalbox.JobCancelled, now)
		if err := t.updateJob(&old); err != nil {
			return err
		}
		if err := t.setDue(signalbox.Due{Kind: signalbox.DueJob, Workspace: j.Workspace, Subject: int64(old.ID)}); err != nil {
			return err
		}
	}
	return t.insertJob(j)
}

func readParams(old *jobRow, was *signalbox.Rescoring, params string, is *signalbox.Rescoring) error {
	if err := json.Unmarshal([]byte(old.Params), was); err != nil {
		return fmt.Errorf("job %d: its order: %w", old.ID, err)
	}
	return json.Unmarshal([]byte(params), is)
}

const runningJobSQL = `
SELECT ` + jobColumns + `
  FROM jobs
 WHERE workspace_id = $1 AND kind = $2 AND ended_at IS NULL
 ORDER BY id DESC
 LIMIT 1`

// running is the job of a kind that goes on, if one does.
func (t *tx) running(ws signalbox.WorkspaceID, kind signalbox.JobKind) (j jobRow, found bool, err error) {
	found, err = t.one(runningJobSQL, []any{id(ws), string(kind)}, func(r *row) { j = scanJob(r) })
	return j, found, err
}

// sliceRescore does one slice of a rescoring.
func (t *tx) sliceRescore(j *jobRow, now time.Time) error {
	if j.scorer == nil {
		j.Error = "this program scores nothing"
		j.end(signalbox.JobFailed, now)
		return nil
	}
	if err := t.holdStill(j.Workspace); err != nil {
		return err
	}
	var order rescoring
	if err := json.Unmarshal([]byte(j.Params), &order); err != nil {
		return fmt.Errorf("its order: %w", err)
	}
	d, err := t.definitions(j.Workspace)
	if err != nil {
		return err
	}
	scorer, err := j.scorer(d)
	if err != nil {
		return err
	}
	if j.mark == rescoreSignals {
		if !order.Points {
			j.mark = rescoreRecords
			return nil
		}
		return t.repoint(j, scorer)
	}
	if j.mark == rescoreWaits {
		return t.ready(j, d, now)
	}
	if err := t.recount(j, &order, scorer, now); err != nil {
		return err
	}
	text, err := json.Marshal(order)
	j.Params = string(text)
	return err
}

// repoint gives a slice of signals the points of the rules now in force.
func (t *tx) repoint(j *jobRow, scorer Scorer) error {
	var list []signalbox.Signal
	seen := 0
	err := t.query(signalsUpSQL, t.scoped(int64(j.Workspace), j.Cursor, int64(j.ID), signalbox.SliceRows), func(r *row) error {
		seen++
		s := scanSignal(r)
		if j.Cursor = int64(s.ID); s.Workspace == j.Workspace && s.ErasedAt.IsZero() {
			list = append(list, s)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read signals: %w", err)
	}
	if err := t.nameTypes(list); err != nil {
		return err
	}
	var changed []signalbox.Signal
	var before []signalbox.Signal
	for i := range list {
		s := list[i]
		points, rules := scorer.Points(&s)
		if points == s.Points && string(rules) == string(s.Rules) {
			continue
		}
		before = append(before, s)
		s.Points, s.Rules = points, rules
		changed = append(changed, s)
	}
	err = each(t, repointSQL, changed, func(s *stmt, x *signalbox.Signal) {
		s.id(int64(x.Workspace)).id(int64(x.ID)).int(int64(x.Points)).json(x.Rules)
	})
	if err != nil {
		return fmt.Errorf("give signals points: %w", err)
	}
	if err := t.shift(j.Workspace, scorer, before, changed); err != nil {
		return err
	}
	j.Done += int64(len(list))
	if seen < signalbox.SliceRows {
		j.mark, j.Cursor = rescoreRecords, 0
	}
	return nil
}

// shift takes what signals counted before out of whom they count for, and adds what they count now.
func (t *tx) shift(ws signalbox.WorkspaceID, scorer Scorer, before, now []signalbox.Signal) error {
	was, is := countedFor(before), countedFor(now)
	type moved struct {
		entity   signalbox.EntityID
		standing []byte
	}
	var states []moved
	var bad error
	err := lookUp(t, stateSQL, 5, slices.Sorted(maps.Keys(is)), func(s *stmt, e *signalbox.EntityID) { s.id(int64(ws)).id(int64(*e)) }, func(r *row, e *signalbox.EntityID) {
		standing, err := scorer.Rescore(r.bytes(3), was[*e], is[*e])
		if err != nil {
			bad = err
		}
		states = append(states, moved{*e, standing})
	})
	if err != nil || bad != nil {
		return fmt.Errorf("move what counts: %w", cmp.Or(err, bad))
	}
	return each(t, setStandingSQL, states, func(s *stmt, m *moved) { s.id(int64(ws)).id(int64(m.entity)).blob(m.standing) })
}

// stateUp is a record as the second step looks at it.
type stateUp struct {
	entity signalbox.EntityID
	last   int64
	signalbox.Kept
}

// recount adds the signals of records up anew, as far as one slice goes, and has the records looked at.
func (t *tx) recount(j *jobRow, order *rescoring, scorer Scorer, now time.Time) error {
	left, most := chainRows, signalbox.SliceRows
	if t.pg != nil {
		most = chainRows
	}
	var list []stateUp
	seen := 0
	err := t.query(statesUpSQL, t.scoped(int64(j.Workspace), j.Cursor, most), func(r *row) error {
		seen++
		account, contact := !r.bool(5), !r.bool(6) // one that no signal was about may be either
		other := order.Of == signalbox.AccountRecord && contact || order.Of == signalbox.ContactRecord && account
		if signalbox.WorkspaceID(r.int(1)) == j.Workspace && !other {
			list = append(list, stateUp{signalbox.EntityID(r.int(0)), r.int(2), signalbox.Kept{Standing: r.bytes(3), Following: r.bytes(4)}})
			return nil
		}
		if len(list) == 0 { // behind one of ours the cursor moves with it
			j.Cursor = r.int(0)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	full := seen == most
	for _, one := range list {
		if order.Sums || order.Follow {
			done, err := t.addUp(j, order, scorer, &one, &left)
			if err != nil || !done {
				return err
			}
		}
		sums := []byte(nil)
		if order.At != nil {
			sums = order.At.Sums
		}
		kept, err := scorer.Restand(one.Kept, sums, order.Rescoring)
		if err != nil {
			return fmt.Errorf("keep what counts for a record: %w", err)
		}
		order.At = nil
		j.Cursor = int64(one.entity)
		j.Done++
		if left--; kept.Standing == nil && kept.Following == nil && !order.Follow {
			continue
		}
		if _, err := t.exec(setKeptSQL, id(j.Workspace), id(one.entity), kept.Standing, kept.Following); err != nil {
			return fmt.Errorf("keep what counts for a record: %w", err)
		}
		if err := t.armDue(signalbox.Due{Kind: signalbox.DueRecord, Workspace: j.Workspace, Subject: int64(one.entity), At: now}); err != nil {
			return err
		}
		if left <= 0 {
			return nil
		}
	}
	if !full {
		if order.Follow {
			j.mark, j.Cursor = rescoreWaits, now.UnixMicro()
			return nil
		}
		j.end(signalbox.JobDone, now)
	}
	return nil
}

const waitsSQL = `
SELECT 1
  FROM due
 WHERE workspace_id = $1 AND kind = 8 AND at <= $2
 LIMIT 1` // signalbox.DueRecord

// ready waits until every record was looked at, and says then of the audiences that were being filled that they are ready.
func (t *tx) ready(j *jobRow, d *signalbox.Definitions, now time.Time) error {
	// A row that was taken stands at the end of its lease until its owner says what becomes of it.
	waits, err := t.one(waitsSQL, []any{id(j.Workspace), now.Add(signalbox.LeaseFor)}, func(*row) {})
	if since := time.UnixMicro(j.Cursor); err == nil && waits && now.After(since.Add(signalbox.LeaseFor)) { // timers of its own a workspace has always
		waits, err = t.one(waitsSQL, []any{id(j.Workspace), since.Add(signalbox.LeaseFor)}, func(*row) {})
	}
	if err != nil || waits {
		return err
	}
	done := false
	for i := range d.Audiences {
		a := d.Audiences[i]
		one := d.Find(signalbox.DefinedAudience, int64(a.ID))
		if a.Ready || one.UpdatedAt.After(j.CreatedAt) {
			continue
		}
		a.Ready, done = true, true
		body, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if _, err := t.exec(updateDefinitionSQL, id(j.Workspace), string(one.Kind), one.ID, one.Code, textBytes(body), one.Revision, one.UpdatedAt); err != nil {
			return err
		}
	}
	j.end(signalbox.JobDone, now)
	if !done {
		return nil
	}
	return t.bumpDefinitions(j.Workspace, 0)
}

// addUp adds up a record's signals, from the newest to the oldest, and says whether that is done. Signals that came since the last slice are added in a
// pass of their own.
func (t *tx) addUp(j *jobRow, order *rescoring, scorer Scorer, one *stateUp, left *int) (done bool, err error) {
	at := order.At
	if at == nil || at.Entity != one.entity {
		at = &recount{Entity: one.entity, Top: one.last, Next: one.last}
		order.At = at
	}
	for {
		var list []signalbox.Signal
		for at.Next > at.Bottom && *left > 0 {
			sig := at.Next
			at.Next = 0
			_, err := t.one(signalSQL, []any{id(j.Workspace), sig}, func(r *row) {
				s := scanSignal(r)
				c := accountChain
				if signalbox.EntityID(s.Account) != one.entity {
					c = contactChain
				}
				if at.Next = r.int(c.prev); s.ErasedAt.IsZero() {
					list = append(list, s)
				}
			})
			if err != nil {
				return false, fmt.Errorf("read a record's signals: %w", err)
			}
			*left--
		}
		if err := t.nameTypes(list); err != nil {
			return false, err
		}
		if err := t.take(j, order, scorer, one, list); err != nil {
			return false, err
		}
		switch {
		case at.Next > at.Bottom:
			return false, nil
		case one.last > at.Top:
			at.Bottom, at.Top, at.Next = at.Top, one.last, one.last
		default:
			return true, nil
		}
	}
}

// take adds signals up and notes them, as far as that is asked for.
func (t *tx) take(j *jobRow, order *rescoring, scorer Scorer, one *stateUp, list []signalbox.Signal) (err error) {
	if order.Sums {
		counted := make([]signalbox.Scored, len(list))
		for i := range list {
			counted[i] = scoredOf(&list[i])
		}
		if order.At.Sums, err = scorer.Sum(order.At.Sums, counted); err != nil {
			return fmt.Errorf("add signals up: %w", err)
		}
	}
	if !order.Follow || len(list) == 0 {
		return nil
	}
	if one.Following, err = scorer.Note(one.Following, list); err != nil {
		return fmt.Errorf("note signals: %w", err)
	}
	_, err = t.exec(setFollowingSQL, id(j.Workspace), id(one.entity), one.Following)
	return err
}

const setFollowingSQL = `
UPDATE entity_states
   SET following = $3
 WHERE entity_id = $2
   AND workspace_id = $1`

// noteAgain has all signals of a workspace noted anew.
func (t *tx) noteAgain(ws signalbox.WorkspaceID, ids *signalbox.IDs, now time.Time) error {
	text, err := json.Marshal(signalbox.Rescoring{Follow: true})
	if err != nil {
		return err
	}
	j := signalbox.Job{ID: signalbox.JobID(ids.Next(now)), Workspace: ws, Kind: signalbox.JobRescore, Status: signalbox.JobQueued, Params: string(text), CreatedAt: now, UpdatedAt: now}
	if err := t.replaceJob(&j, now); err != nil {
		return err
	}
	return t.raiseHead(ws, int64(j.ID))
}

// nameTypes says of signals which type they are of.
func (t *tx) nameTypes(list []signalbox.Signal) error {
	types := map[scoped[signalbox.TypeID]]string{}
	for i := range list {
		types[scoped[signalbox.TypeID]{list[i].Workspace, list[i].TypeID}] = ""
	}
	if err := t.typeNames(types); err != nil {
		return err
	}
	for i := range list {
		list[i].Type = types[scoped[signalbox.TypeID]{list[i].Workspace, list[i].TypeID}]
	}
	return nil
}

// startAgain has a rescoring that is amid one of some records add that record up from its beginning: signals of it are gone.
func (t *tx) startAgain(ws signalbox.WorkspaceID, of map[signalbox.EntityID][]signalbox.Scored) error {
	j, found, err := t.running(ws, signalbox.JobRescore)
	if err != nil || !found {
		return err
	}
	var order rescoring
	if err := json.Unmarshal([]byte(j.Params), &order); err != nil {
		return err
	}
	if order.At == nil || of[order.At.Entity] == nil {
		return nil
	}
	order.At = nil
	text, err := json.Marshal(order)
	if err != nil {
		return err
	}
	j.Params = string(text)
	return t.updateJob(&j)
}
