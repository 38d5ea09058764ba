package audience

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"signalbox"
)

// State is what is kept of one record for its audiences, and for any other condition that asks about the record's signals: for each atom the latest times at
// which it held, and which audiences it is in. The zero value is that of a record of which nothing is known.
type State struct {
	atoms []kept                 // by key
	in    []signalbox.AudienceID // ascending
	open  []signalbox.AudienceID // those that no budget was left for, ascending
	next  int64                  // no later than when time alone changes a membership, in Unix microseconds; 0: never
	asked bool                   // it was judged once: what it is not in, it was not in then
}

// kept is what is kept of one atom.
type kept struct {
	key   uint64
	marks []mark // the latest first, never none
}

// mark is a signal on which an atom held. The tag tells signals of the same microsecond apart, and knows one that comes again.
type mark struct {
	at  int64 // when it occurred, in Unix microseconds
	tag uint32
}

// after sorts the latest first.
func (x mark) after(y mark) int { return cmp.Or(cmp.Compare(y.at, x.at), cmp.Compare(y.tag, x.tag)) }

func markOf(id signalbox.SignalID, at time.Time) mark {
	h := uint64(id) // ids made after each other differ in few bits: mix them (splitmix64)
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return mark{at.UnixMicro(), uint32((h ^ h>>31) >> 32)}
}

// Empty says that nothing is kept.
func (s *State) Empty() bool {
	return len(s.atoms) == 0 && len(s.in) == 0 && len(s.open) == 0 && s.next == 0
}

// In says whether the record is in an audience.
func (s *State) In(id signalbox.AudienceID) bool {
	_, found := slices.BinarySearch(s.in, id)
	return found
}

// Audiences lists the audiences that the record is in, by id.
func (s *State) Audiences() []signalbox.AudienceID { return slices.Clone(s.in) }

// Leave takes the record out of its audiences: the next time that it is judged it is so as if for the first time.
func (s *State) Leave() { s.in, s.open, s.next, s.asked = nil, nil, 0, false }

// Next is a moment before which time alone changes no membership; zero: it never does.
func (s *State) Next() time.Time {
	if s.next == 0 {
		return time.Time{}
	}
	return time.UnixMicro(s.next).UTC()
}

// sooner has the state looked at no later than at a moment.
func (s *State) sooner(at int64) {
	if at == 0 {
		at = -1 // 0 is never, and earlier is right too
	}
	if s.next == 0 || at < s.next {
		s.next = at
	}
}

// find is the place of an atom, or where it belongs.
func (s *State) find(key uint64) (int, bool) {
	return slices.BinarySearchFunc(s.atoms, key, func(k kept, key uint64) int { return cmp.Compare(k.key, key) })
}

// marks are those of an atom.
func (s *State) marks(key uint64) []mark {
	if i, found := s.find(key); found {
		return s.atoms[i].marks
	}
	return nil
}

// note keeps a mark of an atom, if it is among the latest.
func (s *State) note(key uint64, x mark, keep int) {
	i, found := s.find(key)
	if !found {
		s.atoms = slices.Insert(s.atoms, i, kept{key: key, marks: []mark{x}})
		return
	}
	list := s.atoms[i].marks
	at, found := slices.BinarySearchFunc(list, x, mark.after)
	switch {
	case found || at >= keep:
	case len(list) < keep:
		s.atoms[i].marks = slices.Insert(list, at, x)
	default:
		copy(list[at+1:], list[at:])
		list[at] = x
	}
}

// version is the first byte of a state that is not empty.
const version = 1

// What a part of a state takes at most, in bytes: times lie in the years 0 to 9999, so that what lies between two of them fits into 60 bits.
const (
	perHead     = 2 + 10 + 4*5 // version, flags, next, four lengths
	perAtom     = 8 + 2        // key, length
	perTime     = 9 + 4        // what lies between it and the one after it, tag
	perAudience = 9 + 9        // in it, and not asked
)

// MaxState is how many bytes a state takes at most. A record's row has room for 64 KiB: 48 KiB of it are for this and for what is kept for automations (10 KiB), and
// its scores need the rest.
const MaxState = 38 << 10

// asked is the flag of a state that was judged.
const asked = 1

// Append writes what is kept: version, flags, next, how many atoms and times; of each atom its key and times, the latest as what lies between it and that of the atom
// before, the others as what lies between them and the one after; then the audiences that it is in, and those that were not asked. Nothing is written of an
// empty state.
func (s *State) Append(b []byte) []byte {
	if s.Empty() {
		return b
	}
	flags := byte(0)
	if s.asked {
		flags |= asked
	}
	b = append(b, version, flags)
	b = binary.AppendVarint(b, s.next)
	total := 0
	for i := range s.atoms {
		total += len(s.atoms[i].marks)
	}
	b = binary.AppendUvarint(b, uint64(len(s.atoms)))
	b = binary.AppendUvarint(b, uint64(total))
	before := int64(0)
	for i := range s.atoms {
		list := s.atoms[i].marks
		b = binary.BigEndian.AppendUint64(b, s.atoms[i].key)
		b = binary.AppendUvarint(b, uint64(len(list)))
		b = binary.AppendVarint(b, list[0].at-before)
		before = list[0].at
		for n, x := range list {
			if n > 0 {
				b = binary.AppendUvarint(b, uint64(list[n-1].at-x.at))
			}
			b = binary.BigEndian.AppendUint32(b, x.tag)
		}
	}
	return appendIDs(appendIDs(b, s.in), s.open)
}

func appendIDs(b []byte, ids []signalbox.AudienceID) []byte {
	b = binary.AppendUvarint(b, uint64(len(ids)))
	last := signalbox.AudienceID(0)
	for _, id := range ids {
		b = binary.AppendUvarint(b, uint64(id-last))
		last = id
	}
	return b
}

var errState = errors.New("this is no state of a record: it is cut off, or in another order")

// reader takes what was written apart; bad says that it ended too early.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	got := r.b[:n]
	r.b = r.b[n:]
	return got
}

func (r *reader) uvarint() uint64 {
	v, size := binary.Uvarint(r.b)
	r.bad = r.bad || size <= 0
	r.take(max(size, 0))
	return v
}

func (r *reader) varint() int64 {
	v, size := binary.Varint(r.b)
	r.bad = r.bad || size <= 0
	r.take(max(size, 0))
	return v
}

func (r *reader) tag() uint32 {
	if got := r.take(4); got != nil {
		return binary.BigEndian.Uint32(got)
	}
	return 0
}

// length reads how many things follow that take at least so many bytes each: no more than there can be.
func (r *reader) length(least int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/least) {
		r.bad = true
		return 0
	}
	return int(n)
}

// ids reads ascending ids.
func (r *reader) ids() []signalbox.AudienceID {
	n := r.length(1)
	if n == 0 {
		return nil
	}
	list := make([]signalbox.AudienceID, n, n+1)
	last := signalbox.AudienceID(0)
	for i := range list {
		list[i] = last + signalbox.AudienceID(r.uvarint())
		r.bad = r.bad || list[i] <= last
		last = list[i]
	}
	return list
}

// atoms reads what is kept of atoms. Each has room for one time more, which is how many most signals bring.
func (r *reader) atoms() []kept {
	const leastTime = 1 + 4
	n, total := r.length(8+1+leastTime), r.length(leastTime)
	if n == 0 {
		r.bad = r.bad || total > 0
		return nil
	}
	list, all := make([]kept, n, n+2), make([]mark, total+n)
	before := int64(0)
	for i := range list {
		if key := r.take(8); key != nil {
			list[i].key = binary.BigEndian.Uint64(key)
		}
		have := r.length(leastTime)
		if r.bad || have == 0 || have > total || i > 0 && list[i-1].key >= list[i].key {
			r.bad = true
			return nil
		}
		list[i].marks = all[: have : have+1]
		all, total = all[have+1:], total-have
		before += r.varint()
		r.marks(list[i].marks, before)
	}
	r.bad = r.bad || total > 0
	return list
}

// marks reads those of one atom, of which the latest is known to be at a moment.
func (r *reader) marks(list []mark, at int64) {
	for i := range list {
		if i > 0 {
			at -= int64(r.uvarint())
		}
		list[i] = mark{at, r.tag()}
		r.bad = r.bad || i > 0 && list[i-1].after(list[i]) >= 0
	}
}

// Decode reads what [State.Append] wrote, all of b.
func Decode(b []byte) (State, error) {
	if len(b) == 0 {
		return State{}, nil
	}
	r := reader{b: b}
	if head := r.take(2); head == nil || head[0] != version || head[1] > asked {
		return State{}, errState
	}
	s := State{asked: b[1] == asked, next: r.varint(), atoms: r.atoms()}
	s.in = r.ids()
	s.open = r.ids()
	if r.bad || len(r.b) > 0 {
		return State{}, errState
	}
	return s, nil
}
