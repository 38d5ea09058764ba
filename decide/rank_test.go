package decide_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/decide"
)

// group are a record and all that is merged into it.
func (w *world) group(a signalbox.Account) []signalbox.EntityID {
	ids := []signalbox.EntityID{signalbox.EntityID(a.ID)}
	if a.Merged != nil {
		for _, part := range a.Merged.Records {
			ids = append(ids, part.ID)
		}
	}
	return ids
}

// rankNow is the place of an account that nobody has ranked before.
func (w *world) rankNow(a signalbox.Account) signalbox.ScoreRank {
	w.t.Helper()
	scorer, err := decide.NewScorer(&w.defs)
	if err != nil {
		w.t.Fatal(err)
	}
	var packed [][]byte
	for _, id := range w.group(a) {
		packed = append(packed, w.states[id].Standing)
	}
	rank, _, err := scorer.Rank(signalbox.AccountRecord, signalbox.ScoreRank{}, w.now, packed...)
	if err != nil {
		w.t.Fatal(err)
	}
	return rank
}

// whatever comes in which order and is merged when: who stands for themselves is ranked by what all of the group counts, and others are not
func TestRank_IsWrittenWithWhatChangesIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		var merges []signalbox.MergeID
		for range rapid.IntRange(1, 40).Draw(rt, "acts") {
			w.now = w.now.Add(time.Duration(rng.IntN(300)) * time.Minute)
			switch rng.IntN(8) {
			case 0:
				ids := make([]signalbox.EntityID, 0, len(w.accounts)+2)
				for id := range w.accounts {
					ids = append(ids, signalbox.EntityID(id))
				}
				slices.Sort(ids)
				ids = append(ids, 0, 0)
				from, into := ids[rng.IntN(len(ids))], ids[rng.IntN(len(ids))]
				if m, err := w.merge(decide.MergeAct{Deed: decide.MergeNow, Kind: signalbox.AccountRecord, From: from, Into: into}); err == nil {
					merges = append(merges, m.ID)
				}
			case 1:
				if len(merges) > 0 {
					if _, err := w.undo(merges[len(merges)-1]); err == nil {
						merges = merges[:len(merges)-1]
					}
				}
			default:
				in := about([]string{"meeting_booked", "page_view", "custom"}[rng.IntN(3)])
				in.Account.Domain = fmt.Sprintf("acme%d.com", rng.IntN(4))
				w.signal(in)
			}
			w.ranked(rt)
		}
	})
}

// ranked fails the test where an account does not stand where it is to.
func (w *world) ranked(rt *rapid.T) {
	for id, a := range w.accounts {
		state := w.states[signalbox.EntityID(id)]
		if a.MergedInto != 0 {
			if state.Score != (signalbox.ScoreRank{}) || state.Stage != "" {
				rt.Fatalf("account %d was merged and stands at %+v, %q", id, state.Score, state.Stage)
			}
			continue
		}
		fresh := w.rankNow(a)
		if off := fresh.Key - state.Score.Key; fresh.On != state.Score.On || max(off, -off) > (10*time.Minute).Microseconds() {
			if due := state.Score.Due; due.IsZero() || due.After(w.now) {
				rt.Fatalf("account %d stands at %+v, and is to at %+v", id, state.Score, fresh)
			}
		}
		if due := state.Score.Due; !due.IsZero() && (w.sooner.IsZero() || w.sooner.After(due)) {
			rt.Fatalf("account %d is to be looked at %s, and the sweep is due %s", id, due, w.sooner)
		}
		if told := w.standing(signalbox.AccountRecord, w.group(a)...).Stage; state.Stage != told && (told != "Cool" || state.Stage != "") && w.due[signalbox.EntityID(id)].After(w.now) {
			rt.Fatalf("account %d is %s, and listed as %q", id, told, state.Stage)
		}
	}
}

// proves contract section 2, as far as lists go by the stage that is told: with each crossing, also by time alone
func TestRank_TheStageFollowsWhatIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	acc := w.hot()
	if got := w.states[acc].Stage; got != "Hot" {
		t.Fatalf("it is listed as %q", got)
	}
	for _, want := range []string{"In-market", "Warm", ""} {
		w.fire(acc)
		if got := w.states[acc].Stage; got != want {
			t.Errorf("it is listed as %q, want %q", got, want)
		}
	}
	if out := w.turn(decide.Input{Account: &decide.AccountAct{ID: signalbox.AccountID(acc), Erase: true}})[0]; out.Err != nil {
		t.Fatal(out.Err)
	}
	if got := w.states[acc].Score; got != (signalbox.ScoreRank{}) {
		t.Errorf("erased it stands at %+v", got)
	}
}

// A signal of a type that counts alike moves a record up, and needs no timer; one whose cap holds it back does.
func TestRank_OnlyWhatDriftsIsSweptFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signal(about("meeting_booked"))
	acc := signalbox.EntityID(w.signals[0].Account)
	before := w.states[acc].Score
	w.signal(about("page_view"))
	if got := w.states[acc].Score; !before.On || got.Key <= before.Key || !got.Due.IsZero() || !w.sooner.IsZero() {
		t.Errorf("it stood at %+v, and stands at %+v; the sweep is due %s", before, got, w.sooner)
	}
	w.signal(about("meeting_booked"))
	if got := w.states[acc].Score; got.Due.Sub(w.now) != 10*time.Minute || !w.sooner.Equal(got.Due) {
		t.Errorf("50 points of a type count 40: it stands at %+v, and the sweep is due %s", got, w.sooner)
	}
}
