package score_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signalbox"
	"signalbox/score"
)

// Of ranks contract section 6 promises that they are at most so old; a sweep comes so late.
const (
	rankAge   = 15 * time.Minute
	sweepLate = time.Minute + 5*time.Second
)

// ranked is a record of a simulated list.
type ranked struct {
	sums  score.Sums
	rank  signalbox.ScoreRank
	moved int // how often its key was rewritten
	past  []reading
}

// reading is what a record's points were at a moment.
type reading struct {
	at     time.Time
	points float64
}

func (r *ranked) note(m *score.Model, now time.Time) {
	next := m.Rank(&r.sums, r.rank, now)
	if next.Key != r.rank.Key || next.On != r.rank.On {
		r.moved++
	}
	r.rank = next
}

// read keeps what the points are, and forgets what they were too long ago to matter.
func (r *ranked) read(m *score.Model, now time.Time) {
	r.past = append(slices.DeleteFunc(r.past, func(p reading) bool { return now.Sub(p.at) > rankAge }), reading{now, m.At(&r.sums, now)})
}

// between are the lowest and the highest points of the last minutes.
func (r *ranked) between() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, p := range r.past {
		lo, hi = min(lo, p.points), max(hi, p.points)
	}
	return lo, hi
}

// rankModels are those of models, and what else makes keys drift: nothing decays unless it is said, a very short half-life, and boost beside caps.
func rankModels() []*signalbox.Scoring {
	never := signalbox.NeverDecays
	return append(models(),
		&signalbox.Scoring{HalfLife: &never, Types: map[string]signalbox.TypeScoring{"page_view": {HalfLife: life(day)}, "complaint": {Points: number(-7)}}},
		&signalbox.Scoring{HalfLife: life(2 * time.Hour), Types: map[string]signalbox.TypeScoring{"contract": {HalfLife: life(10 * day)}}},
		&signalbox.Scoring{HalfLife: life(3650 * day), Types: map[string]signalbox.TypeScoring{"page_view": {HalfLife: life(time.Hour)}, "form_submit": {Cap: number(20)}}, Boost: 3},
	)
}

func halfLifeOf(s *signalbox.Scoring) (h time.Duration, never bool) {
	switch {
	case s.HalfLife == nil:
		return 14 * day, false
	case *s.HalfLife == signalbox.NeverDecays:
		return 14 * day, true
	}
	return time.Duration(*s.HalfLife), false
}

// proves contract section 6: lists by score are in the order of points that are at most 15 minutes old, to one part in 2,000 where that is more than a list can show
func TestRank_OrderIsThatOfThePointsWithinThePromisedAge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		scoring := rankModels()[rapid.IntRange(0, len(rankModels())-1).Draw(rt, "model")]
		m := score.Compile(scoring)
		half, never := halfLifeOf(scoring)
		slack := max(rankAge, half/1344)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 6))
		records := make([]ranked, rapid.IntRange(2, 6).Draw(rt, "records"))
		now, signals := start, 0
		for end := now.Add(time.Duration(rng.Int64N(int64(6 * day)))); now.Before(end); {
			now = now.Add(time.Duration(1+rng.Int64N(120)) * time.Second)
			if rng.IntN(1+signals/4) == 0 { // fewer and fewer
				signals++
				r := &records[rng.IntN(len(records))]
				for range 1 + rng.IntN(12) {
					typ := types[rng.IntN(len(types))]
					points, _ := m.Points(typ, func(int) bool { return false })
					m.Add(&r.sums, typ, points, now.Add(-time.Duration(rng.Int64N(int64(10*day)))*time.Duration(rng.IntN(2))))
				}
				r.note(m, now)
			}
			for i := range records {
				r := &records[i]
				if due := r.rank.Due; !due.IsZero() && now.After(due.Add(sweepLate)) {
					r.note(m, now)
				}
				r.read(m, now)
			}
			if rng.IntN(50) == 0 {
				holdOrder(rt, records, half, slack, now, never)
			}
		}
	})
}

// holdOrder fails the test where a record stands before one that has had more points for too long.
func holdOrder(rt *rapid.T, records []ranked, half, slack time.Duration, now time.Time, never bool) {
	order := make([]*ranked, len(records))
	for i := range records {
		order[i] = &records[i]
	}
	slices.SortFunc(order, func(a, b *ranked) int {
		if a.rank.On != b.rank.On {
			return map[bool]int{true: -1, false: 1}[a.rank.On]
		}
		return cmp.Compare(b.rank.Key, a.rank.Key)
	})
	factor := math.Exp2(float64(slack) / float64(half))
	for i, before := range order {
		for _, after := range order[i+1:] {
			_, high := before.between()
			low, _ := after.between()
			if low > max(high, 0)*factor*factor+1e-9 {
				rt.Fatalf("at %s one with %v points stands before one with %v: %+v, %+v", now.Sub(start), high, low, before.rank, after.rank)
			}
		}
		if lo, hi := before.between(); before.rank.On {
			key := float64(before.rank.Key)
			if !never {
				key -= float64(now.UnixMicro())
			}
			if says := math.Exp2(key / float64(half.Microseconds())); says > hi*factor+1e-9 || says < lo/factor-1e-9 {
				rt.Fatalf("at %s its key says %v points, and it had %v to %v: %+v", now.Sub(start), says, lo, hi, before.rank)
			}
		}
	}
}

// Without caps and half-lives apart nothing is ever to be swept: the order is right by itself, at once and years later.
func TestRank_WhatDecaysAlikeStaysInOrderByItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		most := 1e6
		m := score.Compile(&signalbox.Scoring{Cap: &most})
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 7))
		records := make([]ranked, 5)
		for range 40 {
			r := &records[rng.IntN(len(records))]
			m.Add(&r.sums, types[rng.IntN(len(types))], 1+rng.Float64()*20, start.Add(-time.Duration(rng.Int64N(int64(60*day)))))
			r.note(m, start)
		}
		for _, later := range []time.Duration{0, time.Hour, 400 * day} {
			for i := range records {
				for j := range records {
					a, b := &records[i], &records[j]
					if !a.rank.Due.IsZero() {
						rt.Fatalf("%+v is to be looked at again", a.rank)
					}
					if pa, pb := m.At(&a.sums, start.Add(later)), m.At(&b.sums, start.Add(later)); pa > pb*1.0006 && a.rank.Key < b.rank.Key {
						rt.Fatalf("after %s %v points stand behind %v: %d, %d", later, pa, pb, a.rank.Key, b.rank.Key)
					}
				}
			}
		}
	})
}

func TestRank_OfNoPointsIsBehindAll(t *testing.T) {
	t.Parallel()
	m := score.Compile(&signalbox.Scoring{})
	var s score.Sums
	if got := m.Rank(&s, signalbox.ScoreRank{}, start); got != (signalbox.ScoreRank{}) {
		t.Errorf("of no signals: %+v", got)
	}
	m.Add(&s, "complaint", -5, start)
	if got := m.Rank(&s, signalbox.ScoreRank{}, start); got != (signalbox.ScoreRank{}) {
		t.Errorf("of what only counts against it: %+v", got)
	}
	m.Add(&s, "page_view", 2, start)
	on := signalbox.ScoreRank{On: true, Key: start.UnixMicro()}
	if got := m.Rank(&s, on, start); got != (signalbox.ScoreRank{}) {
		t.Errorf("of fewer points than count against it: %+v", got)
	}
}

// A record that is signalled every second while a type's cap holds its score keeps its place in the index: the key is rewritten each five minutes, not 300 times.
func TestRank_ABusyRecordKeepsItsPlace(t *testing.T) {
	t.Parallel()
	m := score.Compile(&signalbox.Scoring{})
	var r ranked
	for range 20 {
		m.Add(&r.sums, "page_view", 2, start)
	}
	r.note(m, start)
	dues := map[string]bool{}
	for i := range 3600 {
		at := start.Add(time.Duration(i) * time.Second)
		m.Add(&r.sums, "page_view", 2, at)
		r.note(m, at)
		dues[fmt.Sprint(r.rank)] = true
	}
	if r.moved > 14 || len(dues) > 14 {
		t.Errorf("in an hour it was moved %d times, and %d rows were written", r.moved, len(dues))
	}
}

func BenchmarkRank(b *testing.B) {
	m := score.Compile(&signalbox.Scoring{})
	for name, n := range map[string]int{"steady": 3, "capped": 40} {
		b.Run(name, func(b *testing.B) {
			var s score.Sums
			for range n {
				m.Add(&s, "page_view", 2, start)
				m.Add(&s, "form_submit", 1, start)
			}
			rank := m.Rank(&s, signalbox.ScoreRank{}, start)
			for b.Loop() {
				rank = m.Rank(&s, rank, start.Add(time.Minute))
			}
		})
	}
}
