package score

import (
	"math"
	"time"

	"signalbox"
)

// A list by score needs a number for each record that is in the order of their points at any time, and points change all the time. But those with the
// workspace's own half-life all become half as many in the same time: which of two records has more of them never changes by itself. So a record's key is
// the moment at which it will have one point left, or had,
//
//	key = now + half-life × log2(points),
//
// a time in Unix microseconds, which stays the same while nothing but that decay happens. Nothing has to be rewritten for it, however many records there are.
//
// A key drifts where points do not decay so: a type has a half-life of its own, or none, or is at its cap, or there is a boost. A cap or a longer half-life moves it by at
// most one second a second, which says in the key's own terms how old it is. Such a record is ranked anew when its key is rankDrift off, and not before
// rankRest: what decays faster may be off by more until then, and stands where it stood at most so long ago.

const (
	// rankRest is how long a key that drifts is left alone. With what a sweep takes to come (jobs), ranks are at most 15 minutes old (contract section 6).
	rankRest = 10 * time.Minute
	// rankDrift is how far off a key may be: by so many minutes, or by one part in 3,000 of the points, whichever is more. At 14 days they are the same.
	rankDrift = 10 * time.Minute
	rankFine  = 2016 // of the half-life: 2^(1/2016) is 1.00034
	// rankLook is how far ahead a drift is looked for: what drifts more slowly is looked at again then.
	rankLook = 24 * time.Hour
	// rankNever is the half-life that keys are made with where points do not decay by themselves: any would do.
	rankNever = DefaultHalfLife
)

// Rank says where a record stands by its sums, which stood at was: there as long as that is near enough, so that a busy record costs an index nothing.
func (m *Model) Rank(s *Sums, was signalbox.ScoreRank, now time.Time) signalbox.ScoreRank {
	key, on := m.rankKey(s, now)
	off := m.rankOff()
	near := on == was.On && abs(key-was.Key) <= off/2
	if m.steady(s, now) || !on && !s.positive() {
		if near {
			key = was.Key
		}
		return signalbox.ScoreRank{On: on, Key: key}
	}
	kept := near && was.Due.After(now)
	if kept && was.Due.Before(now.Add(2*rankRest)) {
		return was
	}
	due := now.Add(m.rankHolds(s, now, key, on, off))
	if kept && !due.Before(was.Due) {
		return was
	}
	return signalbox.ScoreRank{On: on, Key: key, Due: due}
}

// rankKey is a record's key at a moment; false, and zero: it has no points then.
func (m *Model) rankKey(s *Sums, at time.Time) (key int64, on bool) {
	points := m.At(s, at)
	if points <= 0 {
		return 0, false
	}
	key = int64(math.Round(m.rankLife() * math.Log2(points)))
	if m.others.life != 0 {
		key += at.UnixMicro()
	}
	return key, true
}

func (m *Model) rankLife() float64 {
	if m.others.life == 0 {
		return micros(rankNever)
	}
	return m.others.life
}

// rankOff is how far off a key may be, in microseconds.
func (m *Model) rankOff() int64 {
	return max(rankDrift.Microseconds(), int64(m.rankLife()/rankFine))
}

// steady says that no decay from a moment on changes the key.
func (m *Model) steady(s *Sums, at time.Time) bool {
	after := at.UnixMicro() - s.at
	for i := range s.list {
		x := &s.list[i]
		k := m.of(x.typ)
		f := k.decay(after)
		capped := k.life != 0 && math.Abs(m.value(x, k, after)) >= k.cap
		if k.life != m.others.life || capped || m.boost != 0 && x.n*f > 1 {
			return false
		}
	}
	return true
}

// positive says that some signals count for a record.
func (s *Sums) positive() bool {
	for i := range s.list {
		if s.list[i].s > 0 {
			return true
		}
	}
	return false
}

// rankHolds says for how long a key is right, at least rankRest and about rankLook at most.
func (m *Model) rankHolds(s *Sums, now time.Time, key int64, on bool, off int64) time.Duration {
	holds := rankRest
	for after := rankRest; after <= rankLook; after += after / 4 {
		then, still := m.rankKey(s, now.Add(after))
		if still != on || abs(then-key) > off {
			break
		}
		holds = after.Truncate(time.Second)
	}
	return holds
}

func abs(v int64) int64 { return max(v, -v) }
