package decide

import (
	"time"

	"signalbox"
	"signalbox/score"
)

// rankKept says of every record whose standing is saved where it stands in lists by score now, and in which stage. What was merged into another record stands nowhere: that one
// stands for both, and is ranked with it.
func (f *fold) rankKept() {
	for _, r := range f.kept {
		f.rank(r)
		if r.Into() != 0 {
			f.rank(f.top(r))
		}
	}
}

// rank writes a record's place where it has moved: with its standing, not by itself, but for that of a record that signals about its parts have moved.
func (f *fold) rank(r signalbox.Record) {
	var was, now signalbox.ScoreRank
	state, stage := f.now.States[r.Entity()], ""
	if state != nil {
		was = state.Score
	}
	if !r.Gone() && r.Into() == 0 {
		model := f.by[r.Space()].model
		now, stage = model.Rank(joined(model, f.sums(r)), was, f.env.Now), toldStage(model, r.Kind(), f.stands(r))
	}
	if now.Equal(was) && (state == nil && stage == "" || state != nil && stage == state.Stage) {
		return
	}
	state = f.state(r.Space(), r.Kind(), r.Entity())
	state.Score, state.Stage, state.Settled = now, stage, false
	if !now.Due.IsZero() && !now.Due.Equal(was.Due) {
		f.out.Sooner = append(f.out.Sooner, ranksDue(r.Space(), now))
	}
}

// ranksDue has the places of a workspace's records looked at when one is due.
func ranksDue(ws signalbox.WorkspaceID, at signalbox.ScoreRank) signalbox.Due {
	return signalbox.Due{Kind: signalbox.DueRanks, Workspace: ws, Subject: int64(ws), At: at.Due}
}

// toldStage is the stage that was last told of a record; "" for the first one, which nobody has to be told of.
func toldStage(m *score.Model, kind signalbox.RecordKind, st *standing) string {
	if st.stage == m.Stage(kind, 0) {
		return ""
	}
	return st.stage
}

// Rank says where a record stands in lists by score, which stood at was, and in which stage: of its own state, the first one, and those of all that is merged into it.
func (s *Scorer) Rank(kind signalbox.RecordKind, was signalbox.ScoreRank, now time.Time, packed ...[]byte) (rank signalbox.ScoreRank, stage string, err error) {
	sums := make([]*score.Sums, len(packed))
	for i := range packed {
		st, err := unpack(packed[i])
		if err != nil {
			return was, "", err
		}
		if sums[i] = &st.sums; i == 0 {
			stage = toldStage(s.model, kind, &st)
		}
	}
	return s.model.Rank(joined(s.model, sums), was, now), stage, nil
}
