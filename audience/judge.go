package audience

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	"signalbox"
	"signalbox/expr"
)

// Changed says what may have changed of a record since it was last judged. The zero value is that only time passed.
type Changed struct {
	Signal string // the type of a signal that was noted; "": none was
	Record bool   // the record's own fields, or those of a contact's account
	Score  bool   // a score or a stage of either
	Atoms  bool   // any of its signals: some were forgotten, or noted again
}

// Move is that a record entered an audience, or left it.
type Move struct {
	Audience signalbox.AudienceID
	Entered  bool
	Quiet    bool // the audience is not ready: nobody is told
}

// When a condition is asked again that could not be answered.
const (
	unpaid = time.Minute // nothing was left of the budget
	dear   = time.Hour   // it costs more than one may, and reads the time, which may change that
)

// Judge compares the audiences that a record belongs to with those that its state says it is in, and brings the state up to date. Only the audiences are asked
// that read what changed, and when time may have changed an answer all that read the time; all are asked when changed is nil, as after a merge, and when the record
// is judged for the first time. The moves are sorted by audience. next is when to judge again at the latest if nothing else happens; zero: never.
//
// When f.Times is nil the record's signals are those of its state alone.
func (m *Model) Judge(kind signalbox.RecordKind, st *State, f *expr.Facts, changed *Changed, b *expr.Budget) (moves []Move, next time.Time) {
	m.tidy(st)
	if f.Times == nil {
		f.Times = m.Times(st)
		defer func() { f.Times = nil }()
	}
	s := m.side(kind)
	st.in = s.known(st.in)
	var room [8]uint64 // for 512 audiences
	ask := set(room[:])
	if words := len(s.time); words > len(room) {
		ask = make(set, words)
	}
	s.touched(ask, st, f.Now, changed)
	st.asked = len(s.list) > 0
	open := s.known(st.open)
	for _, id := range open {
		i, _ := s.find(id)
		ask.add(i)
	}
	if ask.covers(s.time) {
		st.next = 0 // worked out anew
	}
	st.open = nil
	j := judging{st: st, f: f, b: b}
	for _, id := range open { // first: they waited
		i, _ := s.find(id)
		ask.drop(i)
		j.ask(&s.list[i])
	}
	for w, word := range ask {
		for ; word != 0; word &= word - 1 {
			j.ask(&s.list[w*64+bits.TrailingZeros64(word)])
		}
	}
	slices.SortFunc(j.moves, func(a, b Move) int { return cmp.Compare(a.Audience, b.Audience) })
	slices.Sort(st.open)
	return j.moves, st.Next()
}

// find is the place of an audience.
func (s *side) find(id signalbox.AudienceID) (int, bool) {
	return slices.BinarySearchFunc(s.list, id, func(e entry, id signalbox.AudienceID) int { return cmp.Compare(e.id, id) })
}

// known leaves the audiences that there still are.
func (s *side) known(ids []signalbox.AudienceID) []signalbox.AudienceID {
	i := 0
	return slices.DeleteFunc(ids, func(id signalbox.AudienceID) bool {
		for i < len(s.list) && s.list[i].id < id {
			i++
		}
		return i == len(s.list) || s.list[i].id != id
	})
}

// touched finds the audiences whose answer may be another one now.
func (s *side) touched(ask set, st *State, now time.Time, changed *Changed) {
	if changed == nil || !st.asked {
		for i := range s.list {
			ask.add(i)
		}
		return
	}
	if st.next != 0 && now.UnixMicro() >= st.next {
		ask.join(s.time)
	}
	if changed.Record {
		ask.join(s.record)
	}
	if changed.Score {
		ask.join(s.score)
	}
	if changed.Atoms {
		ask.join(s.signals)
	}
	if changed.Signal == "" {
		return
	}
	if of, named := s.byType[changed.Signal]; named {
		ask.join(of)
		return
	}
	ask.join(s.other)
}

// judging is one record that is judged.
type judging struct {
	st    *State
	f     *expr.Facts
	b     *expr.Budget
	moves []Move
}

// ask asks one audience.
func (j *judging) ask(e *entry) {
	v := e.p.Ask(j.f, j.b)
	unanswered := v.Reason != ""
	if unanswered && j.b != nil && j.b.Left() == 0 {
		j.st.open = append(j.st.open, e.id)
		j.st.sooner(j.f.Now.Add(unpaid).UnixMicro())
		return
	}
	if unanswered && e.time {
		j.st.sooner(j.f.Now.Add(dear).UnixMicro())
	}
	if !v.Next.IsZero() {
		j.st.sooner(v.Next.UnixMicro())
	}
	i, was := slices.BinarySearch(j.st.in, e.id)
	switch {
	case v.Holds == was:
		return
	case was:
		j.st.in = slices.Delete(j.st.in, i, i+1)
	default:
		j.st.in = slices.Insert(j.st.in, i, e.id)
	}
	j.moves = append(j.moves, Move{e.id, v.Holds, !e.ready})
}
