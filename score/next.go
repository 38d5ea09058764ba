package score

import (
	"math"
	"time"
)

// step is how finely a crossing is looked for where points rise and fall: it is told of at most so much early or late.
const step = int64(time.Second / time.Microsecond)

// horizon is how far ahead a crossing is looked for.
const horizon = int64(200 * 365 * 24 * time.Hour / time.Microsecond)

// Next is when decay alone moves the shown score of signals over one of the thresholds: the first microsecond at which it has, or, where some points are
// negative and the score may rise as well, up to a second earlier. false: it never does.
func (m *Model) Next(s *Sums, now time.Time, thresholds []int) (time.Time, bool) {
	l := m.look(s, now, thresholds)
	var at int64
	var ok bool
	if l.rises {
		at, ok = l.anyCrossing()
	} else {
		at, ok = l.fall()
	}
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMicro(l.now + at).UTC(), true
}

// outlook is what is to come of sums.
type outlook struct {
	m      *Model
	s      *Sums
	kinds  []kind
	now    int64
	lo, hi float64 // the score stays between the same thresholds while lo ≤ points < hi
	rises  bool    // some points are negative: the score may rise again
}

func (m *Model) look(s *Sums, now time.Time, thresholds []int) *outlook {
	l := &outlook{m: m, s: s, now: now.UnixMicro(), lo: math.Inf(-1), hi: math.Inf(1)}
	for i := range s.list {
		l.kinds = append(l.kinds, m.of(s.list[i].typ))
		l.rises = l.rises || s.list[i].s < 0
	}
	shown := Shown(m.At(s, now))
	for _, t := range thresholds {
		switch edge := float64(t) - 0.5; { // rounded half up
		case t <= 0: // no score is below
		case t <= shown:
			l.lo = max(l.lo, edge)
		default:
			l.hi = min(l.hi, edge)
		}
	}
	return l
}

// parts are the positive and the negative points so many microseconds from now: neither grows in size.
func (l *outlook) parts(after int64) (positive, negative float64) {
	for i := range l.s.list {
		x := &l.s.list[i]
		if v := l.m.value(x, l.kinds[i], l.now+after-l.s.at); v > 0 {
			positive += v
		} else {
			negative += v
		}
	}
	return positive, negative
}

// at is the sum of the points, as Model.At adds them.
func (l *outlook) at(after int64) (points float64) {
	for i := range l.s.list {
		x := &l.s.list[i]
		points += l.m.value(x, l.kinds[i], l.now+after-l.s.at)
	}
	return points
}

// fall finds where points that only fall get below lo.
func (l *outlook) fall() (int64, bool) {
	if math.IsInf(l.lo, -1) || l.at(horizon) >= l.lo {
		return 0, false
	}
	before, after := int64(0), int64(time.Hour/time.Microsecond)
	for after < horizon && l.at(after) >= l.lo {
		before, after = after, after*2
	}
	after = min(after, horizon)
	for after-before > 1 {
		if mid := before + (after-before)/2; l.at(mid) >= l.lo {
			before = mid
		} else {
			after = mid
		}
	}
	return after, true
}

// anyCrossing finds the first second in which the points may leave the band between lo and hi, by halving what cannot be excluded.
func (l *outlook) anyCrossing() (int64, bool) {
	for from, to := int64(0), int64(time.Hour/time.Microsecond); from < horizon; from, to = to, to*2 {
		if at, ok := l.within(from, to); ok {
			return at, true
		}
		if l.excluded(to, horizon) {
			return 0, false
		}
	}
	return 0, false
}

// excluded says that the points stay in the band from one moment to another.
func (l *outlook) excluded(from, to int64) bool {
	p0, n0 := l.parts(from)
	p1, n1 := l.parts(to)
	return p1+n0 >= l.lo && p0+n1 < l.hi
}

func (l *outlook) within(from, to int64) (int64, bool) {
	if l.excluded(from, to) {
		return 0, false
	}
	if to-from <= step {
		return max(from, step), true // not at once again: what only touches a threshold is looked at by the second
	}
	mid := from + (to-from)/2
	if at, ok := l.within(from, mid); ok {
		return at, true
	}
	return l.within(mid, to)
}
