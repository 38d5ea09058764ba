package score

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"
)

// Sums are what is kept of the signals that count for a record. The zero value is that of none.
type Sums struct {
	list []sum // by type
}

// sum is what is kept of the signals of one type.
type sum struct {
	typ string
	s   float64 // their points, decayed to at
	n   float64 // how many they are, each decayed to at
	at  int64   // the latest moment of one of them, in Unix microseconds
}

// dust is what is left of a type whose last signal was removed, by rounding.
const dust = 1e-9

// Empty says that nothing is kept.
func (s *Sums) Empty() bool { return len(s.list) == 0 }

// decay is what is left of one point after some microseconds.
func (k kind) decay(micros int64) float64 {
	if k.life == 0 || micros <= 0 {
		return 1
	}
	return math.Exp2(-float64(micros) / k.life)
}

// find is the place of a type, or where it belongs.
func (s *Sums) find(typ string) (int, bool) {
	return slices.BinarySearchFunc(s.list, typ, func(x sum, typ string) int { return cmp.Compare(x.typ, typ) })
}

// add joins what is kept at another moment.
func (x *sum) add(k kind, s, n float64, at int64) {
	if at > x.at {
		f := k.decay(at - x.at)
		x.s, x.n, x.at = x.s*f+s, x.n*f+n, at
		return
	}
	f := k.decay(x.at - at)
	x.s, x.n = x.s+s*f, x.n+n*f
}

// Add counts a signal that happened at a moment: the earlier of when it occurred and when it was received. The order does not matter.
func (m *Model) Add(s *Sums, typ string, points float64, at time.Time) {
	m.join(s, sum{typ, points, 1, at.UnixMicro()})
}

func (m *Model) join(s *Sums, x sum) {
	i, found := s.find(x.typ)
	if !found {
		s.list = slices.Insert(s.list, i, x)
		return
	}
	s.list[i].add(m.of(x.typ), x.s, x.n, x.at)
}

// Remove takes away a signal that was added: it was erased, or is past retention.
func (m *Model) Remove(s *Sums, typ string, points float64, at time.Time) {
	i, found := s.find(typ)
	if !found {
		return
	}
	s.list[i].add(m.of(typ), -points, -1, at.UnixMicro())
	if s.list[i].n < dust {
		s.list = slices.Delete(s.list, i, i+1)
	}
}

// Join is what is kept of the signals of several records together. The parts stay as they are.
func (m *Model) Join(parts ...*Sums) Sums {
	var all Sums
	for _, p := range parts {
		for _, x := range p.list {
			m.join(&all, x)
		}
	}
	return all
}

// value is what the signals of a type count for some microseconds after x.at.
func (m *Model) value(x *sum, k kind, after int64) float64 {
	f := k.decay(after)
	v := x.s * f
	if m.boost != 0 {
		v *= 1 + m.boost*(1-1/max(1, x.n*f))
	}
	return max(-k.cap, min(k.cap, v))
}

// At is how many points the signals are worth at a moment, which is not before any of them.
func (m *Model) At(s *Sums, t time.Time) (points float64) {
	for i := range s.list {
		x := &s.list[i]
		points += m.value(x, m.of(x.typ), t.UnixMicro()-x.at)
	}
	return points
}

// AppendBinary appends what is kept: the number of types, and of each its name, sum, count and moment.
func (s *Sums) AppendBinary(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s.list)))
	for i := range s.list {
		x := &s.list[i]
		b = binary.AppendUvarint(b, uint64(len(x.typ)))
		b = append(b, x.typ...)
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(x.s))
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(x.n))
		b = binary.AppendVarint(b, x.at)
	}
	return b
}

var errSums = errors.New("these are no sums of signals: they are cut off, or in another order")

// Decode reads what AppendBinary wrote, all of b.
func Decode(b []byte) (s Sums, err error) {
	n, size := binary.Uvarint(b)
	const least = 1 + 16 + 1 // bytes of a type
	if size <= 0 || n > uint64(len(b)/least) {
		return s, errSums
	}
	b = b[size:]
	s.list = make([]sum, 0, n+1)
	for range n {
		long, size := binary.Uvarint(b)
		if size <= 0 || long > uint64(len(b)) || len(b) < size+int(long)+16 {
			return Sums{}, errSums
		}
		x := sum{typ: string(b[size : size+int(long)])}
		b = b[size+int(long):]
		x.s, x.n = math.Float64frombits(binary.BigEndian.Uint64(b)), math.Float64frombits(binary.BigEndian.Uint64(b[8:]))
		if x.at, size = binary.Varint(b[16:]); size <= 0 || math.IsNaN(x.s) || math.IsInf(x.s, 0) || math.IsNaN(x.n) || math.IsInf(x.n, 0) {
			return Sums{}, errSums
		}
		if k := len(s.list); k > 0 && s.list[k-1].typ >= x.typ {
			return Sums{}, errSums
		}
		s.list, b = append(s.list, x), b[16+size:]
	}
	if len(b) > 0 {
		return Sums{}, errSums
	}
	return s, nil
}
