package poll

import (
	"context"
	"encoding/json"
	"fmt"

	"signalbox"
)

// maxByID is how many records one run asks for by their ids: requests one after the other, minutes of them. With more to delete the pages are walked through
// again where that can prove it, or the rest waits for the next run.
const maxByID = 1000

// judge decides what becomes of the records that a walk has not seen.
func (t *task) judge(ctx context.Context) error {
	ev := weigh(t.at.Walk, t.at.Before, t.run.Fetched, t.source.Shifts())
	last := t.at.Before != nil // a run walks twice at most
	if ev == lost {
		if last {
			return t.fail(ctx, errLost(t.at.Walk))
		}
		return t.walkAgain(ctx)
	}
	known, missing := t.population()
	if missing < 0 {
		return t.fail(ctx, signalbox.Errorf(signalbox.Internal, "the stream counts %d records and has seen %d more of them: nothing can be said of what is missing", known, -missing))
	}
	verdict := Guard(known, missing, t.run.Fetched)
	if verdict.Hold && ev != proven && !last { // before anybody is asked, it is made sure
		return t.walkAgain(ctx)
	}
	switch {
	case verdict.Hold:
		t.at.Proof, t.at.Reason = proofHeld, verdict.Reason
	case missing == 0 || ev == proven:
		t.at.Proof = proofWalk
	default:
		if again, err := t.prove(ctx, last); err != nil || t.run.Status != signalbox.SyncRunning {
			return err
		} else if again {
			return t.walkAgain(ctx)
		}
	}
	t.at.Phase = settling
	if missing == 0 {
		return t.finish(ctx, &signalbox.SyncSlice{})
	}
	return t.save(ctx, &signalbox.SyncSlice{})
}

// population is how many records were known before the run, and how many of them it has not seen; without those that are kept although they are missing.
func (t *task) population() (known, missing int64) {
	rows := t.stream.Known - t.stream.Kept
	return rows - t.run.Added, rows - t.run.Fetched
}

func (t *task) walkAgain(ctx context.Context) error {
	before := t.at.Walk
	return t.walkAnew(ctx, &before)
}

// prove finds out whether what would be deleted is gone, where the walk does not say. again: another walk might. A source that fails to answer ends the run.
func (t *task) prove(ctx context.Context, last bool) (again bool, err error) {
	ids, all, err := t.candidates(ctx)
	if err != nil {
		return false, err
	}
	if len(ids) == 0 {
		return false, nil // nothing is missing often enough: the question comes up another time
	}
	if all || last {
		gone, can, err := t.ask(ctx, ids)
		if err != nil {
			return false, t.fail(ctx, err)
		}
		if can {
			t.gone, t.at.Proof = gone, proofByID
			return false, nil
		}
	}
	if last {
		t.at.Reason = t.at.Walk.doubt() + ": nothing was deleted; a connector that can ask for a record by its id finds out"
	}
	return !last, nil
}

// candidates are the records that are deleted if they are gone, behind those that are settled: all of them, or as many as can be asked for.
func (t *task) candidates(ctx context.Context) (ids []string, all bool, err error) {
	after := t.at.After
	for {
		rows, next, err := t.unseen(ctx, t.run.ID, after)
		if err != nil {
			return nil, false, err
		}
		for i := range rows {
			if !t.ripe(&rows[i]) {
				continue
			}
			if len(ids) == maxByID {
				return ids, false, nil
			}
			ids = append(ids, rows[i].Record)
		}
		if next == "" {
			return ids, true, nil
		}
		after = next
	}
}

func (t *task) unseen(ctx context.Context, before signalbox.SyncRunID, after string) ([]signalbox.Snapshot, string, error) {
	return t.cfg.Store.UnseenSnapshots(ctx, signalbox.Unseen{Workspace: t.stream.Workspace, Stream: t.stream.ID, Before: before, After: after})
}

// ripe says whether a missing row is to be deleted, if its record is gone: a silent run makes a snapshot of what is there now, another one has to have
// missed it often enough.
func (t *task) ripe(row *signalbox.Snapshot) bool {
	return row.Missed != signalbox.MissedKept && (t.run.Silent || int(row.Missed)+1 >= t.stream.Confirm())
}

// ask asks the source for each of some records. can false: the source is not able to.
func (t *task) ask(ctx context.Context, ids []string) (gone map[string]bool, can bool, err error) {
	gone = make(map[string]bool, len(ids))
	for _, id := range ids {
		found, known, err := t.byID(ctx, id)
		if err != nil || !known {
			return nil, false, err
		}
		gone[id] = !found
	}
	return gone, true, nil
}

func (t *task) byID(ctx context.Context, id string) (found, known bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageWithin)
	defer cancel()
	defer noPanic(&err)
	return t.source.ByID(ctx, id)
}

// settle deals with a slice of the rows that the run has not seen.
func (t *task) settle(ctx context.Context) error {
	if t.at.Proof == proofByID && t.gone == nil { // what was asked is forgotten when a run moves to another process
		if err := t.askAgain(ctx); err != nil {
			return err
		}
	}
	rows, next, err := t.unseen(ctx, t.run.ID, t.at.After)
	if err != nil {
		return err
	}
	s := &signalbox.SyncSlice{}
	for i := range rows {
		if rows[i].Missed != signalbox.MissedKept {
			t.run.Missing++
			t.miss(s, &rows[i])
		}
	}
	if t.at.After = next; next == "" {
		return t.finish(ctx, s)
	}
	return t.save(ctx, s)
}

// askAgain asks for the records that are not settled yet. What cannot be asked for now waits: a run that has deleted does not fail.
func (t *task) askAgain(ctx context.Context) error {
	ids, _, err := t.candidates(ctx)
	if err != nil {
		return err
	}
	gone, _, err := t.ask(ctx, ids)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		t.at.Reason, _ = reason(err)
		t.log.WarnContext(ctx, "poll.by_id", "err", err)
	}
	if t.gone = gone; gone == nil {
		t.gone = map[string]bool{}
	}
	return nil
}

// miss counts a row as missing once more, or deletes it.
func (t *task) miss(s *signalbox.SyncSlice, row *signalbox.Snapshot) {
	gone, asked := t.gone[row.Record]
	next := *row
	next.Print = nil
	next.Missed = min(row.Missed+1, signalbox.MaxConfirmations)
	switch {
	case t.at.Proof == proofHeld:
		t.run.Suppressed++
	case t.ripe(row) && (t.at.Proof == proofWalk || t.at.Proof == proofByID && gone):
		s.Drop = append(s.Drop, row.Record)
		s.Known--
		if t.quiet(t.run, row) {
			t.run.Suppressed++
			return
		}
		t.run.Deleted++
		s.Changes = append(s.Changes, change(t.stream, signalbox.ChangeDeleted, row.Record, nil, t.now()))
		return
	case asked && !gone: // it is there, and the list does not show it
		t.run.Waiting++
		next.Missed = 0
	default:
		t.run.Waiting++
	}
	s.Rows = append(s.Rows, next)
}

// quiet says whether nobody is told that a row was deleted: what was last seen under another Fingerprint may only be asked for no more.
func (t *task) quiet(run *signalbox.SyncRun, row *signalbox.Snapshot) bool {
	if run.Silent {
		return true
	}
	p, err := DecodePrint(row.Print)
	return err != nil || p.Spec != specOf(t.stream)
}

// finish ends a run that has seen all that there is.
func (t *task) finish(ctx context.Context, s *signalbox.SyncSlice) error {
	status := signalbox.SyncComplete
	t.run.Error = t.at.Reason
	held := t.at.Proof == proofHeld
	switch {
	case held && t.stream.Quarantine == 0:
		status = signalbox.SyncQuarantined
	case !held:
		s.Closes = t.stream.Quarantine
	}
	// After an empty answer the next records would all be new, if it was no baseline but an outage.
	s.Baselined = t.run.Baseline && (!held || t.run.Fetched > 0)
	return t.end(ctx, s, status, 0)
}

// resolve carries a decision on a quarantined run out: what has not come since is deleted, or kept.
func (t *task) resolve(ctx context.Context) error {
	t.run = t.work.Quarantine
	if err := t.resume(); err != nil {
		return err
	}
	for t.run.Closed == "" {
		rows, next, err := t.unseen(ctx, t.run.ID, t.at.After)
		if err != nil {
			return err
		}
		s := &signalbox.SyncSlice{}
		for i := range rows {
			t.decided(s, &rows[i])
		}
		t.at.After = next
		if t.run.Progress, err = json.Marshal(&t.at); err != nil {
			return fmt.Errorf("write the progress of run %d: %w", t.run.ID, err)
		}
		if next == "" {
			t.run.Closed, t.run.ClosedAt, t.run.Progress = string(t.run.Decision), t.now(), nil
			s.Next = t.now()
			if t.stream.NextAt.After(s.Next) {
				s.Next = t.stream.NextAt
			}
		}
		if err := t.save(ctx, s); err != nil {
			return err
		}
	}
	t.log.InfoContext(ctx, "poll.quarantine_closed", "closed", t.run.Closed, "deleted", t.run.Deleted)
	t.cfg.Wake(t.now())
	return nil
}

// decided deals with a row as somebody has decided.
func (t *task) decided(s *signalbox.SyncSlice, row *signalbox.Snapshot) {
	switch {
	case row.Missed == signalbox.MissedKept: // by a decision before
	case t.run.Decision == signalbox.SyncDiscarded:
		next := *row
		next.Print, next.Missed = nil, signalbox.MissedKept
		s.Rows = append(s.Rows, next)
		s.Kept++
	default:
		s.Drop = append(s.Drop, row.Record)
		s.Known--
		if t.quiet(t.run, row) {
			return
		}
		t.run.Deleted++
		t.run.Suppressed--
		s.Changes = append(s.Changes, change(t.stream, signalbox.ChangeDeleted, row.Record, nil, t.now()))
	}
}
