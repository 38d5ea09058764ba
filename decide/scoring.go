package decide

import (
	"time"

	"signalbox"
	"signalbox/score"
	"signalbox/wire"
)

// Why a score changed, in an event.
const (
	becauseSignal   = "signal"
	becauseDecay    = "decay"
	becauseMerge    = "merge"
	becauseGone     = "removal"   // signals that counted were erased, or are past retention
	becauseRescored = "recompute" // the scoring was changed, and who changed it wanted that to be told
)

// stands is what is kept of a record, read once a turn.
func (f *fold) stands(r signalbox.Record) *standing {
	e := r.Entity()
	if s := f.standing[e]; s != nil {
		return s
	}
	s := &standing{}
	if state := f.now.States[e]; state != nil {
		read, err := unpack(state.Standing)
		if err != nil {
			panic(err) // costs its own waiter: nothing that cannot be read is written over
		}
		*s = read
	}
	f.standing[e] = s
	return s
}

// keep has a record's standing saved at the end of the turn.
func (f *fold) keep(r signalbox.Record) {
	if s := f.stands(r); !s.kept {
		s.kept = true
		f.kept = append(f.kept, r)
	}
}

// packStandings writes what was kept into the states that are saved.
func (f *fold) packStandings() {
	for _, r := range f.kept {
		f.state(r.Space(), r.Kind(), r.Entity()).Standing = f.stands(r).pack(f.by[r.Space()].model)
	}
}

// sums are those of a record and of all that is merged into it.
func (f *fold) sums(top signalbox.Record) []*score.Sums {
	list := []*score.Sums{&f.stands(top).sums}
	if parts := top.Parts(); parts != nil {
		for _, part := range parts.Records {
			list = append(list, &f.stands(f.part(part.ID)).sums)
		}
	}
	return list
}

// scoreSignal gives a signal its points and adds them to those of whom it is about.
func (f *fold) scoreSignal(in *Prepared, s *signalbox.Signal, about ...signalbox.Record) {
	model := in.By.model
	s.Points, s.Rules = in.By.scoring.points(model, s, f.reads(s))
	for _, r := range about {
		top := f.top(r)
		f.catchUp(in, top)
		model.Add(&f.stands(r).sums, s.Type, s.Points.Float(), s.CountsFrom())
		f.keep(r)
	}
}

// catchUp tells what time alone has changed of a record since it was last told: each stage that it went through on the way.
func (f *fold) catchUp(in *Prepared, top signalbox.Record) {
	st := f.stands(top)
	if st.at.IsZero() && st.heed == heedNothing {
		st.stage, st.at, st.era = in.By.model.Stage(top.Kind(), 0), f.env.Now, in.By.era()
		return
	}
	if f.heeds(in, top) {
		return
	}
	if due := st.due; !due.IsZero() && !f.env.Now.Before(due) || f.passed(in, top) { // it is due no later than it crosses what it was armed for
		most := 64 + len(in.By.watched[top.Kind()-1]) // more crossings than there can be in one gap
		sums := f.sums(top)
		for range most {
			next := in.By.next(top.Kind(), sums, st.at)
			if next.IsZero() || !next.Before(f.env.Now) {
				break
			}
			f.judge(in, top, next, becauseDecay, nil)
		}
	}
	f.judge(in, top, f.env.Now, becauseDecay, nil)
}

// heeds sees to what a change of the scoring has left to do with a record, and says whether there was anything: what the change alone moves is told only
// when that was asked for.
func (f *fold) heeds(in *Prepared, top signalbox.Record) bool {
	st := f.stands(top)
	if st.heed == heedNothing && st.era == in.By.era() {
		return false
	}
	switch st.heed {
	case heedGone:
		f.judge(in, top, f.env.Now, becauseGone, nil)
	case heedTell:
		if st.at.IsZero() {
			st.stage = in.By.model.Stage(top.Kind(), 0)
		}
		f.judge(in, top, f.env.Now, becauseRescored, nil)
	default:
		f.hush(in, top)
	}
	st.era, st.heed = in.By.era(), heedNothing
	f.keep(top)
	f.arm(in, top, true)
	return true
}

// passed says whether decay has brought a record over a score that it was not armed for: an automation waits for it since.
func (f *fold) passed(in *Prepared, top signalbox.Record) bool {
	if !in.By.waits(top.Kind()) {
		return false
	}
	now := standingOf(in.By.model, top.Kind(), f.env.Now, f.sums(top))
	return in.By.crosses(top.Kind(), f.stands(top).told, now.Score)
}

// judge compares where a record stands at a moment with what was last told, and tells what has changed. Decay alone is told of when it changes the
// stage, or crosses a score that an automation waits for: each lost point is not news.
func (f *fold) judge(in *Prepared, top signalbox.Record, at time.Time, reason string, s *signalbox.Signal) {
	st := f.stands(top)
	now := standingOf(in.By.model, top.Kind(), at, f.sums(top))
	st.at = at
	if now.Score == st.told && now.Stage == st.stage {
		return
	}
	before := *st
	st.told, st.stage = now.Score, now.Stage
	f.keep(top)
	if now.Stage == before.stage && reason == becauseDecay && !in.By.crosses(top.Kind(), before.told, now.Score) {
		return
	}
	change := wire.ScoreChange{Score: now.Score, Previous: before.told, Stage: now.Stage, PreviousStage: before.stage, Reason: reason}
	e := event{change: &change, signal: s, at: at, quiet: reason == becauseMerge || reason == becauseRescored}
	if now.Score != before.told {
		f.tellScore(in, top, e, wire.EventAccountScoreChanged, wire.EventContactScoreChanged)
	}
	if now.Stage != before.stage {
		f.tellScore(in, top, e, wire.EventAccountStageChanged, wire.EventContactStageChanged)
	}
}

// tellScore makes the event of a change, in the name that its kind of record has.
func (f *fold) tellScore(in *Prepared, top signalbox.Record, e event, ofAccount, ofContact string) {
	e.name = ofAccount
	switch r := top.(type) {
	case *signalbox.Account:
		e.account = r
	case *signalbox.Contact:
		e.name, e.contact = ofContact, r
	}
	f.tell(in, e)
}

// judgeAll tells what a signal has changed of whom it is about, and says when time alone may change it again. Of a backfilled one nobody is told.
func (f *fold) judgeAll(in *Prepared, s *signalbox.Signal, about ...signalbox.Record) {
	for _, r := range about {
		top := f.top(r)
		stage, told := f.stands(top).stage, f.stands(top).told
		if s.Backfill {
			f.hush(in, top)
		} else {
			f.judge(in, top, f.env.Now, becauseSignal, s)
		}
		f.arm(in, top, s.Points < 0 || f.stands(top).stage != stage || in.By.crosses(top.Kind(), told, f.stands(top).told))
	}
}

// hush takes where a record stands for told.
func (f *fold) hush(in *Prepared, top signalbox.Record) {
	st := f.stands(top)
	now := standingOf(in.By.model, top.Kind(), f.env.Now, f.sums(top))
	st.told, st.stage, st.at = now.Score, now.Stage, f.env.Now
	f.keep(top)
}

// arm has a record looked at when time alone may change its stage, or bring it over a score that an automation waits for. Between two of those more points only make that
// later, and what is due early is armed anew then; anew says that it may be earlier now.
func (f *fold) arm(in *Prepared, top signalbox.Record, anew bool) {
	st := f.stands(top)
	if !st.due.IsZero() && !anew {
		return // what follows the record arms it itself
	}
	next := f.lookAt(in, top)
	if next.Equal(st.due) || !next.IsZero() && !st.due.IsZero() && st.due.Before(next) {
		return
	}
	f.setDue(in, top, next)
}

// setDue has a record looked at at a moment; the zero time: never.
func (f *fold) setDue(in *Prepared, top signalbox.Record, at time.Time) {
	st := f.stands(top)
	st.due = at
	f.keep(top)
	f.out.Due = append(f.out.Due, signalbox.Due{Kind: signalbox.DueRecord, Subject: int64(top.Entity()), Workspace: in.Workspace, At: at})
}

// next is a lower bound of when decay alone moves a record to another stage, or over a score that an automation waits for; zero: it never does.
func (c *Compiled) next(kind signalbox.RecordKind, sums []*score.Sums, now time.Time) time.Time {
	next, _ := c.model.Next(joined(c.model, sums), now, c.watched[kind-1])
	return next
}

// recordDue looks at a record that time alone may have changed, or of which a job has changed what counts.
func (f *fold) recordDue(in *Prepared, out *Outcome) {
	r := f.part(in.Due)
	if r == nil || r.Space() != in.Workspace {
		f.out.Due = append(f.out.Due, signalbox.Due{Kind: signalbox.DueRecord, Subject: int64(in.Due), Workspace: in.Workspace})
		return
	}
	if r.Gone() || r.Into() != 0 {
		f.setDue(in, r, time.Time{})
		if r.Gone() {
			return
		}
		f.passOn(r)
		r = f.top(r) // what was changed of a part is seen in what stands for it
	}
	if gone := f.stands(r).heed == heedGone; !f.heeds(in, r) {
		f.catchUp(in, r)
	} else {
		f.muted = !gone // what a change of the scoring moves, and what follows from that, was not brought about by anybody's doing
	}
	if w := f.follows(r); w.again || in.Refit {
		w.again = false
		f.keepFollowing(r)
		f.refit(in, r)
		if in.Refit {
			f.audit(in, r.Kind().String()+".requalified", aboutRecord(r), nil, fitFacts(f.follows(r).short))
		}
	}
	f.followRecord(in, r, nil, false)
	out.Next = f.lookAt(in, r)
	f.setDue(in, r, out.Next)
}

// passOn hands what a part is to heed to the record that stands for it.
func (f *fold) passOn(part signalbox.Record) {
	if own, top := f.stands(part), f.stands(f.top(part)); own.heed != heedNothing {
		top.heed, own.heed = max(top.heed, own.heed), heedNothing
		f.keep(part)
	}
}

// restandOf tells what a merge has changed of the record that survives it, or its undoing of both.
func (f *fold) restandOf(in *Prepared, m *signalbox.Merge) {
	if m.Status != signalbox.MergeDone && m.Status != signalbox.MergeUndone {
		return
	}
	from, into := f.recordOf(m.Kind, m.From), f.recordOf(m.Kind, m.Into)
	for _, r := range []signalbox.Record{from, into} { // both stand elsewhere in lists now
		if f.now.States[r.Entity()] != nil {
			f.keep(r)
		}
	}
	if m.Status == signalbox.MergeDone {
		f.leave(in, from)
	}
	f.restand(in, into)
	if m.Status == signalbox.MergeUndone {
		f.restand(in, from)
	}
}

// restand tells what a merge, or its undoing, has changed of a record that stands for itself.
func (f *fold) restand(in *Prepared, top signalbox.Record) {
	if st := f.stands(top); st.at.IsZero() {
		st.stage = in.By.model.Stage(top.Kind(), 0)
	}
	f.judge(in, top, f.env.Now, becauseMerge, nil)
	f.followRecord(in, top, nil, true)
	f.arm(in, top, true)
}

// dissolve takes all that is known of how a record stands: it was erased.
func (f *fold) dissolve(in *Prepared, r signalbox.Record) {
	if st := f.stands(r); !st.due.IsZero() {
		f.setDue(in, r, time.Time{})
	}
	*f.stands(r) = standing{kept: f.stands(r).kept}
	f.keep(r)
	f.unfollow(in, r)
}
