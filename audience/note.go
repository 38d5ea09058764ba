package audience

import (
	"cmp"
	"slices"
	"time"

	"signalbox"
	"signalbox/expr"
)

// Note keeps the moment at which a signal occurred for each atom that holds on it, and says whether any did. Of an atom the latest times are kept, as many as the
// programs need. The order of arrival does not matter, and a signal may be noted again. What that costs is taken from the budget, which may be nil.
func (m *Model) Note(st *State, id signalbox.SignalID, s *expr.Signal, b *expr.Budget) bool {
	m.tidy(st)
	asked, named := m.byType[s.Type]
	if !named {
		asked = m.other
	}
	x, held := markOf(id, s.OccurredAt), false
	for _, i := range asked {
		if a := &m.atoms[i]; a.Holds(s, b) {
			st.note(a.key, x, a.Keep)
			held = true
		}
	}
	return held
}

// Forget takes away a signal that occurred at a moment: it was erased, or is past retention. gone says that it was kept. short says that earlier signals may have
// been left out because of it: the record's signals must be noted again.
func (m *Model) Forget(st *State, id signalbox.SignalID, at time.Time) (gone, short bool) {
	m.tidy(st)
	x := markOf(id, at)
	for i := range st.atoms {
		k := &st.atoms[i]
		n, found := slices.BinarySearchFunc(k.marks, x, mark.after)
		if !found {
			continue
		}
		j, _ := m.find(k.key)
		gone, short = true, short || len(k.marks) == m.atoms[j].Keep
		k.marks = slices.Delete(k.marks, n, n+1)
	}
	st.atoms = slices.DeleteFunc(st.atoms, func(k kept) bool { return len(k.marks) == 0 })
	return gone, short
}

// find is the place of an atom by its key in states.
func (m *Model) find(key uint64) (int, bool) {
	return slices.BinarySearchFunc(m.atoms, key, func(a atom, key uint64) int { return cmp.Compare(a.key, key) })
}

// tidy drops what no program asks about any more.
func (m *Model) tidy(st *State) {
	left, i := st.atoms[:0], 0
	for _, k := range st.atoms {
		for i < len(m.atoms) && m.atoms[i].key < k.key {
			i++
		}
		if i == len(m.atoms) || m.atoms[i].key != k.key {
			continue
		}
		k.marks = k.marks[:min(len(k.marks), m.atoms[i].Keep)]
		left = append(left, k)
	}
	clear(st.atoms[len(left):])
	st.atoms = left
}

// Times answers expr.Facts.Times from the states of a record and of all that is merged into it, joined: latest first, at most as many as the atom keeps. It belongs to
// one goroutine at a time.
func (m *Model) Times(states ...*State) func(key string) []time.Time {
	var all []mark
	var spare []time.Time
	return func(key string) []time.Time {
		i, found := m.byKey[key]
		if !found || len(states) == 0 {
			return nil
		}
		a := &m.atoms[i]
		list := states[0].marks(a.key)
		if len(states) > 1 {
			all = append(all[:0], list...)
			for _, st := range states[1:] {
				all = append(all, st.marks(a.key)...)
			}
			slices.SortFunc(all, mark.after)
			all = slices.Compact(all)
			list = all
		}
		list = list[:min(len(list), a.Keep)]
		if len(spare) < len(list) {
			spare = make([]time.Time, max(len(list), 32)) // what was handed out stays as it is
		}
		times := spare[:len(list):len(list)]
		spare = spare[len(list):]
		for i, x := range list {
			times[i] = time.UnixMicro(x.at).UTC()
		}
		return times
	}
}
