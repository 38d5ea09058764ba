package automate

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"signalbox"
)

// State is what is kept of one record for its automations' frequencies: when each of them was last run for it. The zero value is that of a record that none was run
// for. It holds at most one entry for each automation of the workspace whose frequency keeps something out ([MaxState]).
type State struct{ runs []ran } // by automation

// ran is the last run of an automation.
type ran struct {
	of signalbox.AutomationID
	at int64 // Unix microseconds
}

// The size of a written state, in bytes.
const (
	perHead = 1 + 2   // version, how many
	perRun  = 10 + 10 // what lies between its id and that before, its time and that before
	// MaxState is how many bytes a state takes at most, with the 500 automations of a workspace (contract section 15).
	MaxState = perHead + 500*perRun
)

// Empty says that nothing is kept.
func (s *State) Empty() bool { return len(s.runs) == 0 }

// find is the place of an automation, or where it belongs.
func (s *State) find(id signalbox.AutomationID) (int, bool) {
	return slices.BinarySearchFunc(s.runs, id, func(r ran, id signalbox.AutomationID) int { return cmp.Compare(r.of, id) })
}

// note keeps a run, if it is the latest.
func (s *State) note(id signalbox.AutomationID, at int64) {
	i, found := s.find(id)
	if !found {
		s.runs = slices.Insert(s.runs, i, ran{id, at})
		return
	}
	s.runs[i].at = max(s.runs[i].at, at)
}

// Join takes what another state keeps into this one: of two runs the later one counts.
func (s *State) Join(other *State) {
	for _, r := range other.runs {
		s.note(r.of, r.at)
	}
}

// tidy drops what no frequency asks for any more.
func (m *Model) tidy(s *State) {
	s.runs = slices.DeleteFunc(s.runs, func(r ran) bool {
		e := m.find(r.of)
		return e == nil || !e.a.Frequency.Limits()
	})
}

// last is the latest run of an automation that any of the states keeps.
func last(states []*State, id signalbox.AutomationID) (at time.Time, ok bool) {
	latest := int64(0)
	for _, s := range states {
		if i, found := s.find(id); found && (!ok || s.runs[i].at > latest) {
			latest, ok = s.runs[i].at, true
		}
	}
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMicro(latest).UTC(), true
}

// version is the first byte of a state or a pace that is not empty.
const version = 1

// Append writes what is kept: version, how many, and of each automation, by id, what lies between its id and the one before, and between its time and the one
// before. Nothing is written of an empty state.
func (s *State) Append(b []byte) []byte {
	if s.Empty() {
		return b
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(s.runs)))
	before := ran{}
	for _, r := range s.runs {
		b = binary.AppendUvarint(b, uint64(r.of-before.of))
		b = binary.AppendVarint(b, r.at-before.at)
		before = r
	}
	return b
}

var errState = errors.New("this is no state of automations: it is cut off, or in another order")

// Decode reads what [State.Append] wrote, all of b.
func Decode(b []byte) (State, error) {
	if len(b) == 0 {
		return State{}, nil
	}
	r := reader{b: b}
	n := r.head()
	s := State{runs: make([]ran, n)}
	before := ran{}
	for i := range s.runs {
		next := ran{before.of + signalbox.AutomationID(r.uvarint()), before.at + r.varint()}
		r.bad = r.bad || next.of <= before.of
		s.runs[i], before = next, next
	}
	if r.bad || len(r.b) > 0 {
		return State{}, errState
	}
	return s, nil
}

// reader takes what was written apart; bad says that it ended too early.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) skip(n int) {
	if n <= 0 {
		r.bad, r.b = true, nil
		return
	}
	r.b = r.b[n:]
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

// head reads the version and how many things follow, each of two bytes at least: no more than there can be, and not none.
func (r *reader) head() int {
	if len(r.b) == 0 || r.b[0] != version {
		r.bad = true
		return 0
	}
	r.b = r.b[1:]
	return r.length()
}

func (r *reader) length() int {
	n := r.uvarint()
	if n == 0 || n > uint64(len(r.b)/2) {
		r.bad = true
		return 0
	}
	return int(n)
}
